# Much at a time: every client is answered, and a deploy touches only what it has to.
load ../lib/daemon

@test "status is answered at once while one app takes long to stop, a check hangs, a hook sleeps and a deploy waits" {
	port=$(port_block 2)
	given_oxfile <<-TOML
		[processes.deaf]
		command = "actor --ignore TERM --mark"
		stop_timeout = "30s"
		[processes.hangs]
		command = "actor --mark"
		ready = "alive"
		health_check = { command = "exec sleep 1000", interval_secs = 0.1, timeout_secs = 100 }
		[processes.rolled]
		command = "sleep 1000"
		deploy = { pre = "touch hooked; exec sleep 1000", min_healthy_secs = 0 }
		[processes.late]
		command = "hello"
		port = $port
	TOML
	oxctl start --wait 3>&- >/dev/null
	eventually 5 has_written deaf:0 pid
	sed -i 's/sleep 1000"$/sleep 1001"/; s/^command = "hello"/command = "sleep 1000"\nready_timeout_secs = 60/' oxfile.toml
	oxctl deploy rolled late >/dev/null 2>&1 3>&- &
	oxctl stop deaf >/dev/null 2>&1 3>&- &
	eventually 5 test -e hooked
	eventually 5 field_is late:1 status starting
	eventually 5 state_is deaf:0 stopping
	eventually 5 children_are sleep 2
	for _ in 1 2 3 4 5; do
		took 0 300 oxctl status >/dev/null
	done
	assert state_is deaf:0 stopping
	# Others are started and stopped meanwhile.
	took 0 1000 oxctl start new -- actor
	took 0 1000 oxctl stop new
	kill -KILL "$(pid_of deaf:0)"
	oxctl deploy --abort rolled || :
	oxctl deploy --abort late || :
	wait
}

children_are() {
	[ "$(children_named "$1")" -ge "$2" ]
}

@test "a deploy of other instances or another folder changes just that, and plan names what is gone" {
	port=$(port_block 8)
	mkdir one two
	write() {
		cat >oxfile.toml <<-TOML
			[processes.api]
			command = "hello"
			instances = $1
			port = $port
			working_dir = "$2"
			deploy = { min_healthy_secs = 0, fail_timeout_secs = 0 }
		TOML
	}
	write 2 one
	printf '[processes.old]\ncommand = "actor"\n' >>oxfile.toml
	oxctl start --wait 3>&- >/dev/null
	before=$(pids api)
	write 3 one
	run -0 oxctl plan
	assert_line --regexp '^old(:0)? +remove'
	run -0 oxctl deploy
	assert_output --partial "old: removed"
	assert_equal "$(pids api | head -n 2)" "$before"
	assert_equal "$(port_of api:2)" $((port + 2))
	answers $((port + 2)) "hello from api:2"
	assert no_children actor
	before=$(pids api)
	write 3 two
	run -0 oxctl deploy
	assert_equal "$(pids api | join - <(echo "$before") | awk '$2 == $3')" ""
	for i in 0 1 2; do
		assert_equal "$(readlink "/proc/$(pid_of "api:$i")/cwd")" "$PWD/two"
		answers $((port + i)) "hello from api:$i"
	done
	write 1 two
	run -0 oxctl deploy
	assert_equal "$(ports api)" "$port"
	assert_equal "$(children_named hello)" 1
}

teardown() {
	# Whatever is frozen would outlive the test.
	[ -z "${group-}" ] || thaw
	stop_oxherd
	[ -z "${group-}" ] || rmdir "$group"
}

# frozen NAME: a cgroup whose processes do not run, and do not die either; prints its folder.
frozen() {
	local group=/sys/fs/cgroup/freezer/$1
	mkdir "$group" 2>/dev/null || return
	echo "$group"
}

thaw() {
	echo THAWED >"$group/freezer.state"
}

@test "what SIGKILL does not end is called so: commands are answered, its slot is not used, and a deploy fails and goes back" {
	group=$(frozen "oxherd-test-$$") || skip "no freezer here, and nothing else keeps a process from dying"
	port=$(port_block 4)
	given_oxfile <<-TOML
		[processes.api]
		command = "hello"
		instances = 2
		port = $port
		stop_timeout_ms = 100
		env = { VERSION = "1" }
		deploy = { min_healthy_secs = 0, fail_timeout_secs = 0 }
	TOML
	oxctl start --wait 3>&- >/dev/null
	stuck=$(pid_of api:0)
	echo "$stuck" >"$group/cgroup.procs"
	echo FROZEN >"$group/freezer.state"
	sed -i 's/VERSION = "1"/VERSION = "2"/' oxfile.toml
	oxctl deploy >out 2>&1 3>&- &
	deploy=$!
	eventually 20 is_logged "deploy of revision 2 failed: api:0 cannot be stopped: SIGKILL was sent and it is still there"
	took 0 300 oxctl status >/dev/null
	assert reason_has api:0 unkillable
	assert is_alive "$stuck"
	# The other old one serves, and so does the spare as long as it is needed.
	answers $((port + 1)) "hello from api:1"
	answers $((port + 2)) "hello from api:2"
	assert_equal "$(tr '\0' '\n' <"/proc/$(pid_of api:1)/environ" | grep ^VERSION)" VERSION=1
	assert_equal "$(daemon_log | grep -c "api:0: stopped -> starting")" 1
	thaw
	code=0
	wait "$deploy" || code=$?
	assert_equal "$code" 1
	refute_logged "the keeper says"
	grep -q "api:0 cannot be stopped.*; it went back, 2 of 2 instances run revision 1" out
	eventually 5 state_is api:0 running
	assert is_gone "$stuck"
	answers "$port" "hello from api:0"
}
