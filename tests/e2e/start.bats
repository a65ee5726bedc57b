load ../lib/daemon

hello_herd() {
	port=$(port_block "${1:-4}")
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = ${1:-4}
		port = $port
	TOML
}

@test "start brings up every instance on its own port, and each answers with its name" {
	hello_herd 4
	assert [ "$(app_field api ready)" = 4 ]
	for i in 0 1 2 3; do
		assert_equal "$(port_of "api:$i")" $((port + i))
		run curl -s "http://127.0.0.1:$((port + i))/"
		assert_output "hello from api:$i on port $((port + i)) (pid $(pid_of "api:$i"))"
	done
}

@test "a second start leaves everything as it is, and says so" {
	hello_herd
	before=$(pids api)
	run -0 oxctl start --wait
	assert_output "api: already running"
	assert_equal "$(pids api)" "$before"
	refute_logged "stopping"
}

@test "start of what waits after a crash starts it at once; of what cannot run yet it does not say that it runs" {
	port=$(port_block)
	hold_port "$port"
	begin_oxherd <<-TOML
		[processes.bad]
		command = "test -e good && exec sleep 1000; exit 1"
		restart_delay_ms = 60000
		[processes.api]
		command = "hello"
		port = $port
	TOML
	eventually 5 state_is bad:0 backoff
	eventually 5 state_is api:0 blocked
	touch good
	run -0 oxctl start
	assert_line "bad: 1 instance started"
	assert_line "api: already started, 0 of 1 instance runs"
	eventually 5 state_is bad:0 running
	release_port
	eventually 5 state_is api:0 running
	run -0 oxctl start
	assert_output "$(printf 'bad: already running\napi: already running')"
}

@test "an oxfile that says the same in other words keeps every pid" {
	hello_herd
	before=$(pids api)
	given_oxfile <<-TOML
		# nothing new
		processes = { 'api' = { port    = $port, "instances" = 0x4, command = '''hello''' } }
	TOML
	run -0 oxctl start --wait
	assert_equal "$(pids api)" "$before"
	assert_equal "$(app_field api revision)" 1
}

@test "start brings back only what is down" {
	hello_herd
	oxctl stop api:2
	before=$(pids api | grep -v api:2)
	assert state_is api:2 stopped
	run -0 oxctl start --wait
	assert_output "api: 1 of 4 instances started"
	assert state_is api:2 running
	assert_equal "$(pids api | grep -v api:2)" "$before"
}

@test "start of one app leaves the others down" {
	start_oxherd --wait two <<-'TOML'
		[processes.one]
		command = "actor"
		[processes.two]
		command = "actor"
	TOML
	assert state_is two:0 running
	run -4 oxctl status one
	oxctl start one --wait
	assert state_is one:0 running
}

@test "a namespace starts its apps and what they depend on, all in the caller's environment" {
	export CALLER=somebody
	run -0 start_oxherd --json back <<-'TOML'
		[processes.api]
		command = "actor --print-env --say ready"
		namespace = "back"
		depends_on = ["db"]
		[processes.db]
		command = "actor --print-env --say ready"
		[processes.front]
		command = "actor"
	TOML
	eventually 5 has_written api:0 ready
	assert has_written api:0 "env CALLER=somebody"
	assert has_written db:0 "env CALLER=somebody"
	run -4 oxctl status front
}

@test "one bad app in the oxfile means that nothing changes, and every mistake is named" {
	hello_herd
	before=$(pids api)
	given_oxfile <<-TOML
		[processes.api]
		command = "hello"
		instances = 8
		port = $port

		[processes.bad]
		comand = "hello"
		instances = "lots"
	TOML
	run -2 oxctl start
	assert_output --partial "oxfile.toml:7:1"
	assert_output --partial "did you mean 'command'"
	assert_output --partial "oxfile.toml:8:"
	assert_equal "$(pids api)" "$before"
}

@test "a circle of dependencies is refused with its names, and running apps are not touched" {
	hello_herd
	before=$(pids api)
	given_oxfile <<-TOML
		[processes.api]
		command = "hello"
		instances = 4
		port = $port
		depends_on = ["db"]

		[processes.db]
		command = "actor"
		depends_on = ["api"]
	TOML
	run oxctl start
	assert_failure
	assert_output --partial "api -> db -> api"
	assert_equal "$(pids api)" "$before"
}

@test "two oxfiles that claim one name are refused with both paths" {
	hello_herd
	mkdir other
	printf '[processes.api]\ncommand = "actor"\n' >other/oxfile.toml
	run -1 oxctl start -c other/oxfile.toml
	assert_output --partial "$PWD/oxfile.toml"
	assert_output --partial "$PWD/other/oxfile.toml"
}

@test "what cannot be an oxfile is refused at once, and the daemon lives" {
	hello_herd
	before=$(pids api)
	mkdir folder
	mkfifo fifo
	printf '[processes.api]\ncommand = "a\0b"\n' >nul
	truncate -s 1G huge
	for file in folder fifo nul huge missing; do
		run -2 timeout 5 oxctl start -c "$PWD/$file"
		assert_output --partial "$file"
	done
	assert_equal "$(pids api)" "$before"
}

@test "a dry run starts nothing, not even the daemon" {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "actor"
		instances = 2
		[processes.worker]
		command = "actor"
	TOML
	run -0 oxctl start --dry-run
	assert_output "Would start: api (×2 instances), worker"
	run -3 oxctl status
	oxctl start --wait api
	run -0 oxctl start --dry-run
	assert_output "Would start: worker"
}

@test "start --wait fails with the reason when an instance does not get up" {
	run -1 start_oxherd <<-'TOML'
		[processes.bad]
		command = "actor --exit 3"
		restart = "never"
	TOML
	assert_output --partial "bad:0"
	assert_output --partial "exit code 3"
}

@test "status prints JSON and nothing else on stdout, and starts no daemon" {
	run -3 --separate-stderr oxctl status --json
	assert_output ""
	[ -n "$stderr" ]
	hello_herd
	oxctl status --json | python3 -c 'import json, sys; s = json.load(sys.stdin); assert len(s["processes"]) == 4'
}

@test "a hundred instances are up in less than five seconds" {
	begun=$(now_ms)
	start_oxherd <<-'TOML'
		[processes.many]
		command = "actor"
		instances = 100
		ready = "alive"
		env = { PORT = "1" }
	TOML
	[ $(($(now_ms) - begun)) -lt 5000 ]
	assert_equal "$(app_field many ready)" 100
	[ "$(pids many | awk '{ print $2 }' | sort -u | wc -l)" = 100 ]
}

@test "a folder that is too deep for a socket is an error that says so, and nothing is started" {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "actor"
	TOML
	place=$BATS_TEST_TMPDIR/$(printf 'deep%.0s' $(seq 30))
	mkdir "$place"
	OXHERD_HOME=$place run -1 oxctl start
	assert_output --partial "107"
	assert nothing_left
}

@test "start --wait ends by itself where something crashes again and again, and says why" {
	given_oxfile <<-TOML
		[processes.good]
		command = "sleep 1000"
		[processes.bad]
		command = "actor --exit 3"
		restart_delay_ms = 10
	TOML
	run -1 --separate-stderr oxctl start --wait 3>&-
	assert_regex "$stderr" "bad:0 keeps crashing \(8 times in a row: exit code 3"
	eventually 5 state_is good:0 running
	# It is tried again.
	eventually 5 at_least bad:0 crashes 9
}

@test "start, restart and dry runs name an oxfile that was edited and not applied, until the edit is undone" {
	start_oxherd <<-TOML
		[processes.api]
		command = "sleep 1000"
		[processes.other]
		command = "sleep 1000"
	TOML
	cp oxfile.toml before.toml
	echo 'env = { A = "1" }' >>oxfile.toml
	note="oxctl: other: its oxfile was edited and is not applied; 'oxctl deploy' does that"
	for command in "start" "restart" "restart other" "start --dry-run"; do
		# shellcheck disable=SC2086  # words
		run -0 --separate-stderr oxctl $command
		assert_equal "$stderr" "$note"
	done
	run -0 --separate-stderr oxctl restart api
	assert_equal "$stderr" ""
	# What cannot be read is no hindrance to a restart.
	echo 'command =' >>oxfile.toml
	run -0 --separate-stderr oxctl restart other
	assert_equal "$output" "other: restarted"
	cp before.toml oxfile.toml
	run -0 --separate-stderr oxctl restart
	assert_equal "$stderr" ""
}
