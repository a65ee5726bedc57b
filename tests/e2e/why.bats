# What happened to an instance, and what it said last.
load ../lib/daemon

# The timeline of an instance as "words of the entry" lines, from the JSON.
timeline() {
	oxctl why "$1" --json | python3 -c '
import json, sys
for entry in json.load(sys.stdin)["instances"][0]["timeline"]:
    print(entry["words"].replace("\n", " / "))'
}

three_crashes() {
	begin_oxherd <<-'TOML'
		[processes.one]
		command = "echo x >>runs; n=$(wc -l <runs); echo to output; [ $n -le 3 ] || exec sleep 1000; echo \"first of $n\" >&2; echo \"last of $n\" >&2; exit $n"
		restart_delay_ms = 1
		max_restarts = 10
	TOML
	eventually 10 state_is one:0 running
}

@test "why has the last lines of each run, below the end of that run" {
	three_crashes
	run -0 timeline one:0
	for n in 1 2 3; do
		assert_output --regexp "exit code $n, crash ${n}[^/]* / first of $n / last of $n"$'(\n|$)'
	done
	refute_output --partial "to output"
	run -0 oxctl why one:0
	assert_output --regexp $'exit code 2, crash 2[^\n]*\n *\\| first of 2\n *\\| last of 2\n'
}

@test "a run that wrote nothing has no last lines, not those of the run before" {
	begin_oxherd <<-'TOML'
		[processes.one]
		command = "echo x >>runs; n=$(wc -l <runs); [ $n -le 2 ] || exec sleep 1000; [ $n = 2 ] || echo loud >&2; exit 4"
		restart_delay_ms = 1
	TOML
	eventually 10 state_is one:0 running
	run -0 timeline one:0
	assert_line --regexp "^exit code 4, crash 1.* / loud$"
	assert_line --regexp "^exit code 4, crash 2[^/]*$"
}

@test "in a log that all share, last lines are of the instance that ended" {
	begin_oxherd <<-'TOML'
		[processes.one]
		command = "echo \"said by $OXHERD_INSTANCE\" >&2; exec sleep 1000"
		instances = 3
		restart_delay_ms = 60000
		logs.merge = true
		logs.combined = "all.log"
	TOML
	eventually 5 has_line_in all.log "said by 1"
	kill -KILL "$(pid_of one:1)"
	eventually 5 state_is one:1 backoff
	run -0 timeline one:1
	assert_line --regexp "^killed by SIGKILL.* / said by 1$"
}

has_line_in() {
	grep -qxF -- "$2" "$1"
}

@test "the last lines of a run that an earlier brain started are read back from its log" {
	begin_oxherd <<-'TOML'
		[processes.one]
		command = "echo early >&2; exec sleep 1000"
		restart_delay_ms = 60000
	TOML
	eventually 5 has_line_in "$OXHERD_HOME/log/one-0-err.log" early
	old=$(brain_pid)
	kill -KILL "$old"
	eventually 10 new_brain "$old"
	kill -KILL "$(pid_of one:0)"
	eventually 5 state_is one:0 backoff
	run -0 timeline one:0
	assert_line --regexp "^killed by SIGKILL.* / early$"
}

@test "the last lines of a run are known although its log is /dev/null" {
	begin_oxherd <<-'TOML'
		[processes.one]
		command = "echo early >&2; exec sleep 1000"
		restart_delay_ms = 60000
		logs.stderr = "/dev/null"
	TOML
	eventually 5 state_is one:0 running
	kill -KILL "$(pid_of one:0)"
	eventually 5 state_is one:0 backoff
	run -0 timeline one:0
	assert_line --regexp "^killed by SIGKILL.* / early$"
}

@test "why and events know what was before the brain was killed, and before the daemon was stopped" {
	three_crashes
	old=$(brain_pid)
	kill -KILL "$old"
	eventually 10 new_brain "$old"
	run -0 timeline one:0
	assert_output --partial "last of 3"
	oxctl daemon stop
	oxctl start
	run -0 timeline one:0
	assert_output --regexp "exit code 3, crash 3[^/]* / first of 3 / last of 3"
	assert_output --partial "the daemon stops"
	run -0 oxctl events one
	assert_output --partial "last of 2"
}

new_brain() {
	local now
	now=$(brain_pid) && [ -n "$now" ] && [ "$now" != "$1" ]
}

@test "why says who asked: the user, the process, and its command line without secrets" {
	three_crashes
	oxctl stop one
	run -0 timeline one:0
	assert_line --regexp "^stop, asked by uid $(id -u), pid [0-9]+ '[^']*oxctl stop one'$"
	python3 - TOKEN=hidden <<-'PY'
		import json, os, socket
		s = socket.socket(socket.AF_UNIX)
		s.connect(os.environ["OXHERD_HOME"] + "/run/oxherd.sock")
		s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"start","params":{"targets":["one"]}}\n')
		s.recv(65536)
	PY
	run -0 timeline one:0
	assert_line --regexp "^start, asked by uid [0-9]+, pid [0-9]+ '[^']*python[^']* \.\.\.'$"
	refute_output --partial hidden
}

@test "why says who started it, and who had one more, but not who started what ran" {
	begin_oxherd <<-'TOML'
		[processes.one]
		command = "exec sleep 1000"
	TOML
	eventually 5 state_is one:0 running
	oxctl start
	oxctl scale one 2
	run -0 timeline one:0
	assert_equal "$(grep -c "^start, asked by uid $(id -u), pid [0-9]* '.*oxctl start" <<<"$output")" 1
	refute_output --partial "scale"
	run -0 timeline one:1
	assert_line --regexp "^scale to 2, asked by uid $(id -u), pid [0-9]+ '[^']*oxctl scale one 2'$"
}
