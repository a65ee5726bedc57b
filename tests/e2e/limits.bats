#!/usr/bin/env bats
# Limits of memory and processor, over the whole process tree.
load ../lib/daemon

@test "a wrapper whose child holds 150 MB is over a limit of 100 MB, and is restarted gently" {
	begin_oxherd <<-'TOML'
		[processes.fat]
		command = "trap 'echo bye; kill %1; exit 0' TERM; python3 -c \"import time; x = bytearray(b'x') * (150 << 20); time.sleep(1000)\" & wait"
		limits = { memory_mb = 100 }
	TOML
	eventually 15 is_logged "fat:0: running -> stopping on stop (memory limit exceeded: "
	assert_logged "> 100 MB (limits.memory_mb)"
	eventually 5 has_written fat:0 bye
	eventually 5 at_least fat:0 revision 1
	assert_equal "$(status_field fat:0 crashes)" 0
	run oxctl why fat:0
	assert_output --partial "> 100 MB (limits.memory_mb)"
}

@test "restarts for a limit show in RESTARTS, wait longer each time, and end with crash_restart_limit" {
	begin_oxherd <<-'TOML'
		[processes.fat]
		command = ["python3", "-c", "import time; x = bytearray(b'x') * (60 << 20); time.sleep(1000)"]
		limits = { memory_mb = 40 }
		crash_restart_limit = 2
		restart_delay_ms = 50
	TOML
	eventually 30 state_is fat:0 crashed
	assert_equal "$(status_field fat:0 restarts)" 2
	assert_equal "$(status_field fat:0 crashes)" 0
	assert_logged "restart 2 for a limit, starts again after 1"
	run oxctl status
	assert_output --regexp "fat:0 .* crashed .* 2 "
	assert_output --partial "crash_restart_limit is reached"
	run oxctl why fat:0
	assert_output --partial "after 2 restarts in five minutes: crash_restart_limit is reached"
}

@test "a limit that a deploy changes holds for what runs already" {
	write_fat() {
		cat >oxfile.toml <<-TOML
			[processes.fat]
			command = ["python3", "-c", "import time; x = bytearray(b'x') * (80 << 20); print('fed', flush=True); time.sleep(1000)"]
			limits = { memory_mb = $1 }
		TOML
	}
	write_fat 1000
	oxctl start --wait 3>&- >/dev/null
	eventually 15 has_written fat:0 fed
	pid=$(pid_of fat:0)
	write_fat 40
	run -0 oxctl deploy
	assert_output --partial "fat: changed in place"
	assert_logged "fat:0: starting -> running"
	refute_logged "fat:0: running -> stopping on stop (asked"
	eventually 15 is_logged "fat:0: running -> stopping on stop (memory limit exceeded: "
	assert_logged "> 40 MB (limits.memory_mb)"
	eventually 10 is_gone "$pid"
}

@test "instances with limits that are restarted leave the brain as it is, and are looked at again" {
	start_oxherd <<-'TOML'
		[processes.many]
		command = "sleep 1000"
		instances = 3
		limits = { memory_mb = 100 }
	TOML
	brain=$(brain_pid)
	for i in 0 1 2; do
		oxctl restart "many:$i" --wait
		# By then all were looked at, without the one before.
		eventually 10 has_uptime "many:$i" 2
		assert_equal "$(brain_pid)" "$brain"
	done
	begin_oxherd <<-'TOML'
		[processes.many]
		command = "sleep 1000"
		instances = 3
		limits = { memory_mb = 100 }
		[processes.fat]
		command = ["python3", "-c", "import time; x = bytearray(b'x') * (80 << 20); time.sleep(1000)"]
		limits = { memory_mb = 40 }
	TOML
	eventually 15 is_logged "fat:0: running -> stopping on stop (memory limit exceeded: "
	assert_equal "$(brain_pid)" "$brain"
}

@test "pages that forked processes share count once" {
	start_oxherd <<-'TOML'
		[processes.flock]
		command = ["python3", "-c", "import os, time\nx = bytearray(b'x') * (60 << 20)\nfor i in range(4):\n  if os.fork() == 0: break\nprint('up', flush=True)\ntime.sleep(1000)"]
		limits = { memory_mb = 120 }
	TOML
	pid=$(pid_of flock:0)
	eventually 10 has_uptime flock:0 4
	assert [ "$(status_field flock:0 memory_bytes)" -gt $((120 * 1024 * 1024)) ]
	assert_equal "$(pid_of flock:0)" "$pid"
	refute_logged "flock:0: running -> stopping"
}

@test "who uses a processor for longer than its window is restarted, and who pauses is not" {
	start_oxherd <<-'TOML'
		[processes.busy]
		command = "python3 -c 'while True: pass'"
		limits = { cpu_percent = 5, cpu_window_secs = 2 }
		[processes.calm]
		command = "sleep 1000"
		limits = { cpu_percent = 5, cpu_window_secs = 2 }
	TOML
	calm=$(pid_of calm:0)
	eventually 20 is_logged "busy:0: running -> stopping on stop (processor limit exceeded: "
	assert_equal "$(pid_of calm:0)" "$calm"
}

# memory_group NAME MB: a cgroup in which no more can be had; prints its folder, of either version.
memory_group() {
	local base=/sys/fs/cgroup
	if [ -d "$base/memory" ]; then
		base=$base/memory
	fi
	mkdir "$base/$1" 2>/dev/null || return
	echo $(($2 << 20)) 2>/dev/null >"$base/$1/memory.limit_in_bytes" ||
		echo $(($2 << 20)) 2>/dev/null >"$base/$1/memory.max" || {
		rmdir "$base/$1"
		return 1
	}
	echo "$base/$1"
}

@test "who is killed by the kernel for want of memory is said to be" {
	group=$(memory_group "oxherd-test-$$" 60) || skip "no memory cgroup can be made here"
	begin_oxherd <<-TOML
		[processes.fat]
		command = "echo \$\$ >$group/cgroup.procs; exec python3 -c \"import time; time.sleep(1.5); x = bytearray(b'x') * (200 << 20)\""
		max_restarts = 1
	TOML
	eventually 20 state_is fat:0 crashed
	run oxctl why fat:0
	assert_output --partial "the kernel was out of memory; killed by SIGKILL"
	rmdir "$group"
}
