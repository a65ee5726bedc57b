# What `oxctl validate` says of good files, bad files, and things that are no files.
load ../lib/common

guide() {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "node dist/api/server.js"
		instances = 2
		restart_on_exit = true
		restart_delay_ms = 1000
		max_restarts = 20
		stop_timeout_ms = 30000
		env_file = ".env.production"

		[processes.api.env]
		NODE_ENV = "production"
		PORT = "3000"

		[processes.api.health_check]
		endpoint = "http://localhost:3000/health"
		interval_secs = 30
		initial_delay_secs = 15
		unhealthy_threshold = 3
		healthy_threshold = 2

		[processes.api.limits]
		memory_mb = 1024

		[processes.api.logs]
		max_size_mb = 200
		max_files = 7
		compress = true

		[processes.worker]
		command = "node dist/worker/index.js"
		restart_on_exit = true
		env = { NODE_ENV = "production", WORKER_CONCURRENCY = "5" }

		[processes.worker.limits]
		memory_mb = 512

		[processes.scheduler]
		command = "node dist/scheduler.js"
		restart_on_exit = true
		max_restarts = 5
	TOML
	echo "SECRET=1" >.env.production
}

@test "the guide's file of several services is valid, and its processes are named" {
	guide
	run -0 --separate-stderr oxctl validate
	assert_equal "$output" "✓ oxfile.toml is valid
3 processes defined: api, worker, scheduler"
	assert_equal "$stderr" ""
}

@test "the same file in the other dialect is valid too" {
	given_oxfile <<-'TOML'
		version = 1
		[defaults]
		restart_policy = "on_failure"
		[[apps]]
		name = "api"
		command = "node server.js"
		cwd = "/srv/api"
		health_cmd = "curl -fsS http://127.0.0.1:3000/health"
		health_interval_secs = 15
		health_timeout_secs = 3
		health_max_failures = 3
		wait_ready = true
		pre_reload_cmd = "npm run build"
		stop_timeout_secs = 20
		restart_delay_secs = 1
		max_memory_mb = 512
		max_cpu_percent = 80
		crash_restart_limit = 3
		start_order = 1
		instance_var = "INSTANCE"
		watch = false
		cluster_mode = false
		[[apps]]
		name = "web"
		script = "web.js"
		exec_mode = "fork"
		kill_timeout = 3000
		min_uptime = 5000
		max_memory_restart = "300M"
		autorestart = true
		out_file = "out.log"
		error_file = "err.log"
	TOML
	run -0 oxctl validate
	assert_line "2 processes defined: api, web"
}

@test "five different mistakes are five complaints with place, line, caret and suggestion, and exit 2" {
	given_oxfile <<-'TOML'
		[processes.api]
		comand = "node server.js"
		command = "node server.js"
		instances = "lots"
		stop_signal = "SIGTREM"

		[processes.worker]
		command = "node worker.js"
		port = 70000
		depends_on = "apii"
	TOML
	run -2 --separate-stderr oxctl validate
	assert_equal "$output" ""
	assert_equal "$stderr" "oxfile.toml:2:1: unknown key 'comand'
    2 | comand = \"node server.js\"
      | ^
      = did you mean 'command'?
oxfile.toml:4:13: 'instances' wants a number, \"max\", \"max-1\" or \"50%\", not a string
    4 | instances = \"lots\"
      |             ^
oxfile.toml:5:15: 'stop_signal': there is no signal \"SIGTREM\"
    5 | stop_signal = \"SIGTREM\"
      |               ^
oxfile.toml:9:8: 'port' is 70000, outside 1..65535
    9 | port = 70000
      |        ^
oxfile.toml:10:14: 'worker' depends on 'apii', which is not defined
   10 | depends_on = \"apii\"
      |              ^
      = did you mean 'api'?"
}

@test "broken TOML is reported with its place and a caret" {
	given_oxfile <<-'TOML'
		[processes.api]
		command =
	TOML
	run -2 --separate-stderr oxctl validate
	assert_equal "${stderr_lines[0]}" "oxfile.toml:2:10: expected a value after '='"
	assert_equal "${stderr_lines[1]}" "    2 | command ="
	assert_equal "${stderr_lines[2]}" "      |          ^"
}

@test "a file of 64 MB is refused at once" {
	truncate -s 64M oxfile.toml
	run -2 timeout 1 oxctl validate
	assert_output --partial "larger than 1 MB"
}

@test "a folder is refused with words" {
	mkdir oxfile.toml
	run -2 timeout 1 oxctl validate oxfile.toml
	assert_output --partial "it is a folder"
}

@test "a FIFO is refused without waiting for a writer" {
	mkfifo oxfile.toml
	run -2 timeout 1 oxctl validate oxfile.toml
	assert_output --partial "it is a pipe"
}

@test "NUL bytes are refused with their place" {
	printf '[processes.a]\ncommand = "a\0b"\n' >oxfile.toml
	run -2 timeout 1 oxctl validate
	assert_output --partial "oxfile.toml:2:13:"
}

@test "ten thousand nested arrays are refused at once" {
	{ printf 'a = '; head -c 10000 /dev/zero | tr '\0' '['; } >oxfile.toml
	run -2 timeout 1 oxctl validate
	assert_output --partial "oxfile.toml:1:"
	assert_output --partial "64"
}

@test "an empty file is refused with what to write" {
	: >oxfile.toml
	run -2 timeout 1 oxctl validate
	assert_line --index 0 "oxfile.toml: no processes are defined"
	assert_line --partial "[processes.NAME]"
}

@test "an unreadable file is refused with words" {
	local plain=()
	# Root reads everything, unless its capabilities are taken away.
	[ "$(id -u)" -ne 0 ] || plain=(setpriv --bounding-set=-all)
	: >oxfile.toml
	chmod 0 oxfile.toml
	run -2 "${plain[@]}" oxctl validate
	assert_output "oxfile.toml: cannot open 'oxfile.toml': Permission denied"
}

@test "a file that is not there is named" {
	run -2 oxctl validate nowhere.toml
	assert_output "nowhere.toml: cannot open 'nowhere.toml': No such file or directory"
}

@test "without any oxfile it says where to look" {
	run -2 oxctl validate
	assert_output "oxctl: no oxfile.toml here; use --config FILE"
}

@test "the oxfile of the home folder is found" {
	mkdir -p "$HOME/.config/oxherd"
	printf '[processes.a]\ncommand = "x"\n' >"$HOME/.config/oxherd/oxfile.toml"
	run -0 oxctl validate
	assert_line "1 process defined: a"
}

@test "several files are all checked, and one bad one decides" {
	printf '[processes.a]\ncommand = "x"\n' >good.toml
	printf '[processes.a]\n' >bad.toml
	run -2 oxctl validate good.toml bad.toml
	assert_line "✓ good.toml is valid"
	assert_line "bad.toml:1:12: the app 'a' has no command"
}

@test "a missing env_file is a warning, and the file is valid" {
	guide
	rm .env.production
	run -0 --separate-stderr oxctl validate
	assert_equal "${lines[0]}" "✓ oxfile.toml is valid"
	assert_equal "${stderr_lines[0]}" "oxfile.toml:8:12: warning: cannot open '$PWD/.env.production': No such file or directory"
}

@test "a variable that is not set is an error, and one with a default is not" {
	given_oxfile <<-'TOML'
		[processes.a]
		command = "x"
		env = { A = "${OX_SURELY_NOT_SET}", B = "${OX_SURELY_NOT_SET:-b}" }
	TOML
	run -2 oxctl validate
	assert_output --partial "the variable 'OX_SURELY_NOT_SET' is not set"
	OX_SURELY_NOT_SET=x run -0 oxctl validate
}

@test "two apps that want one port are an error that names both" {
	given_oxfile <<-'TOML'
		[processes.a]
		command = "x"
		port = 3000
		instances = 3
		[processes.b]
		command = "x"
		port = 3002
	TOML
	run -2 oxctl validate
	assert_line --index 0 "oxfile.toml:7:8: 'b' (3002) and 'a' (3000 to 3002) both want port 3002"
}

@test "a port that the kernel may give away is a warning that says what to do, and the file is valid" {
	read -r first last </proc/sys/net/ipv4/ip_local_port_range
	[ "$first" -gt 3000 ] || skip "the kernel gives away all ports here"
	given_oxfile <<-TOML
		[processes.low]
		command = "true"
		port = $((first - 4))
		instances = 4
		[processes.high]
		command = "true"
		port = $first
		[processes.passed]
		command = "true"
		env.PORT = $((first + 1))
	TOML
	run -0 --separate-stderr oxctl validate
	assert_output --partial "oxfile.toml is valid"
	# shellcheck disable=SC2154  # by --separate-stderr
	assert_regex "$stderr" "oxfile.toml:7:[0-9]+: warning: port $first is among those that the kernel gives to outgoing connections \($first to $last\)"
	assert_regex "$stderr" "ip_local_reserved_ports=.*$first"
	assert_equal "$(grep -c warning: <<<"$stderr")" 1
}

@test "a profile is checked, and one that no app has is an error" {
	given_oxfile <<-'TOML'
		[processes.a]
		command = "x"
		[processes.a.profiles.dev]
		instances = 1
	TOML
	run -0 oxctl validate --env dev
	run -2 oxctl validate --env prod
	assert_output "oxfile.toml: no app has a profile 'prod'"
}

@test "--json is JSON and nothing else, for good files and bad ones" {
	guide
	run -0 --separate-stderr oxctl validate --json
	[ "$(python3 -c 'import json,sys; print(json.load(sys.stdin)["files"][0]["processes"])' <<<"$output")" = "['api', 'worker', 'scheduler']" ]
	printf '[processes.a]\n' >bad.toml
	run -2 --separate-stderr oxctl validate --json bad.toml
	assert_equal "$stderr" ""
	[ "$(python3 -c 'import json,sys; e=json.load(sys.stdin)["files"][0]["errors"][0]; print(e["line"], e["column"])' <<<"$output")" = "1 12" ]
}

@test "what a file holds cannot move a terminal's cursor" {
	printf '[processes.a]\n"\\u001b[2J" = 1\nx\033[2J = 1\n' >oxfile.toml
	run -2 oxctl validate
	refute_output --partial $'\033'
}

@test "a quote in a command that is never closed is an error with file, line and column" {
	given_oxfile <<<$'[processes.api]\ncommand = "node \'my server.js"\n[processes.web]\ncommand = "sh -c \'echo it is # fine"'
	run -2 oxctl validate
	assert_output --partial "oxfile.toml:2:11: 'command': column 6: the quote ' is never closed"
	refute_output --partial "oxfile.toml:4"
}

@test "a shared port that is not written, or that does not fit the other keys, is an error with its place and what to write" {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "node server.js"
		instances = 4
		cluster_mode = true
		[processes.web]
		command = "node web.js"
		port = 8080
		port_mode = "shared"
		port_step = 10
		gate = "off"
	TOML
	run -2 oxctl validate
	assert_line "oxfile.toml:4:16: the instances of 'api' share a port, and it is not written which"
	assert_line "      = add port = 3000, the port that the program listens on"
	assert_line "oxfile.toml:9:13: 'port_step' does not go with port_mode = \"shared\": all instances of 'web' have one port"
	assert_line --partial "oxfile.toml:10:8: gate = \"off\" does not go with port_mode = \"shared\""
	sed -i '/^port_step/d; /^gate/d; s/^cluster_mode.*/&\nport = 3000/' oxfile.toml
	run -0 oxctl validate
	assert_output --partial "is valid"
}
