load ../lib/daemon

# delays api:0: what each crash in a row had to wait, in ms.
delays() {
	oxctl events "$1" --json |
		python3 -c 'import json, sys; print(*[d for d in (e.get("delay_ms") for e in json.load(sys.stdin)["events"]) if d is not None])'
}

# within LOW HIGH NUMBER
within() {
	[ "$3" -ge "$1" ] && [ "$3" -le "$2" ]
}

herd_of_three() {
	port=$(port_block 3)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 3
		port = $port
		restart_delay_ms = 20
	TOML
}

@test "an instance that is killed is replaced on its port, the others do not notice, and why says so" {
	herd_of_three
	before=$(pids api)
	victim=$(pid_of api:1)
	kill -KILL "$victim"
	eventually 5 field_is api:1 restarts 1
	eventually 5 state_is api:1 running
	assert is_gone "$victim"
	assert_equal "$(pids api | grep -v api:1)" "$(grep -v api:1 <<<"$before")"
	run curl -s "http://127.0.0.1:$((port + 1))/"
	assert_output "hello from api:1 on port $((port + 1)) (pid $(pid_of api:1))"
	assert_equal "$(status_field api:1 signal)" SIGKILL
	run -0 oxctl why api:1
	assert_output --partial "killed by SIGKILL"
	assert_output --partial "1 restart,"
	assert_logged "api:1: running -> backoff on crash (killed by SIGKILL"
}

@test "an instance that dies at once for ever waits 100, 200, 400 ms, and status says for how long yet" {
	begin_oxherd <<-'TOML'
		[processes.bad]
		command = "actor --exit 1"
	TOML
	eventually 5 at_least bad:0 crashes 4
	read -r -a waited < <(delays bad:0)
	assert within 100 110 "${waited[0]}"
	assert within 200 220 "${waited[1]}"
	assert within 400 440 "${waited[2]}"
	assert within 800 880 "${waited[3]}"
	next=$(status_field bad:0 next_restart_ms)
	# Of the fourth, or already of the fifth.
	assert within 1 1760 "$next"
	assert state_is bad:0 backoff
	assert_equal "$(status_field bad:0 code)" 1
}

@test "the delay is never longer than restart_delay_max_ms" {
	begin_oxherd <<-'TOML'
		[processes.bad]
		command = "actor --exit 1"
		restart_delay_ms = 10
		restart_delay_max_ms = 30
	TOML
	eventually 5 at_least bad:0 crashes 8
	for delay in $(delays bad:0); do
		assert within 10 30 "$delay"
	done
}

@test "a long healthy life and then a crash: started at once, or after a delay that is written" {
	begin_oxherd <<-'TOML'
		[defaults]
		command = ["sleep", "1000"]
		ready = "alive"
		restart_window_secs = "100ms"
		[processes.plain]
		[processes.slow]
		restart_delay_ms = 700
	TOML
	for app in plain slow; do
		eventually 5 state_is "$app:0" running
		eventually 5 has_uptime "$app:0" 1.2
		kill -KILL "$(pid_of "$app:0")"
		eventually 5 field_is "$app:0" restarts 1
	done
	eventually 5 state_is slow:0 running
	assert_equal "$(delays plain:0)" 0
	assert within 700 770 "$(delays slow:0)"
}

@test "restart_delay_ms = 0 does not run hot: ten starts a second at most after the first few" {
	begin_oxherd <<-'TOML'
		[processes.bad]
		command = ["false"]
		restart_delay_ms = 0
	TOML
	eventually 5 at_least bad:0 crashes 12
	read -r -a waited < <(delays bad:0)
	assert_equal "${waited[*]:0:5}" "0 0 0 0 0"
	for delay in "${waited[@]:5}"; do
		assert_equal "$delay" 100
	done
}

@test "max_restarts = 5 ends as crashed with the fifth crash, and reset starts it again" {
	begin_oxherd <<-'TOML'
		[processes.bad]
		command = "test -e good && exec actor; exit 7"
		restart_delay_ms = 10
		max_restarts = 5
	TOML
	eventually 5 state_is bad:0 crashed
	assert_equal "$(status_field bad:0 crashes)" 5
	assert_equal "$(status_field bad:0 restarts)" 4
	assert_equal "$(status_field bad:0 next_restart_ms)" null
	run -0 oxctl why bad
	assert_output --partial "max_restarts = 5 is reached"
	touch good
	oxctl reset bad
	eventually 5 state_is bad:0 running
	assert_equal "$(status_field bad:0 crashes)" 0
}

@test "the crash limit holds at any age: after a healthy life the next crashes in a row count from one" {
	port=$(port_block)
	touch good
	start_oxherd --wait <<-TOML
		[processes.api]
		command = "test -e good && exec hello; exit 7"
		port = $port
		restart_delay_ms = 10
		restart_window_secs = "100ms"
		max_restarts = 3
	TOML
	eventually 5 has_uptime api:0 0.2
	rm good
	kill -KILL "$(pid_of api:0)"
	eventually 5 state_is api:0 crashed
	assert_equal "$(status_field api:0 crashes)" 3
	# A delay that is written counts here too.
	assert_logged "running -> backoff on crash (killed by SIGKILL, crash 1 of 3, starts again after 1"
}

@test "only crashes count: neither manual restarts nor stops nor scaling bring the limit nearer" {
	port=$(port_block 2)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
		restart_delay_ms = 10
		max_restarts = 2
	TOML
	for _ in 1 2 3 4 5 6; do
		oxctl restart api --wait
	done
	oxctl stop api
	oxctl start --wait
	oxctl scale api 2 --wait
	oxctl scale api 1
	assert_equal "$(status_field api:0 crashes)" 0
	kill -KILL "$(pid_of api:0)"
	eventually 5 at_least api:0 crashes 1
	eventually 5 state_is api:0 running
}

@test "fifty instances that die at the same instant are all replaced, each once, and no zombie stays" {
	port=$(port_block 50)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 50
		port = $port
		restart_delay_ms = 20
	TOML
	pids api | awk '{ print $2 }' | xargs kill -KILL
	eventually 10 logged_times 50 "running -> backoff on crash (killed by SIGKILL"
	eventually 10 ready_are api 50
	assert_equal "$(oxctl status api --json | grep -c '"restarts": 1,')" 50
	run pgrep -P "$(keeper_pid)" -r Z
	assert_output ""
}

logged_times() {
	[ "$(daemon_log | grep -cF -- "$2")" = "$1" ]
}

ready_are() {
	[ "$(app_field "$1" ready)" = "$2" ]
}

@test "a waitpid that is interrupted ends no reaping: every exit is reported, each once" {
	command -v strace >/dev/null || skip "needs strace"
	start_oxherd <<-TOML
		[processes.api]
		command = "sleep 1000"
		instances = 30
		restart_delay_ms = 20
	TOML
	strace -qq -e trace=wait4 -e inject=wait4:error=EINTR:when=1+2 -o injected -p "$(keeper_pid)" 3>&- &
	eventually 5 is_traced "$(keeper_pid)"
	pids api | awk '{ print $2 }' | xargs kill -KILL
	eventually 10 logged_times 30 "running -> backoff on crash (killed by SIGKILL"
	eventually 10 ready_are api 30
	kill %1
	wait %1 || :
	grep -q "EINTR.*INJECTED" injected
	assert_equal "$(oxctl status api --json | grep -c '"restarts": 1,')" 30
}

is_traced() {
	! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$1/status"
}

@test "Ctrl-C and a hangup in the terminal that started the daemon hurt nobody" {
	given_oxfile <<-TOML
		[processes.api]
		command = "sleep 1000"
		instances = 2
	TOML
	run -0 python3 -c '
import os, pty, signal, subprocess, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", "oxctl start --wait && echo is-up; cat"])
seen = b""
while b"is-up" not in seen:
    seen += os.read(fd, 4096)
while os.waitpid(pid, os.WNOHANG)[0] == 0:
    os.write(fd, b"\x03")
    time.sleep(0.05)
os.close(fd)'
	before="$(pids api)"
	for i in 0 1; do
		state_is api:$i running
		field_is api:$i restarts 0
	done
	assert_equal "$(pids api)" "$before"
}

@test "an instance may restart its own app" {
	begin_oxherd <<-TOML
		[processes.self]
		command = "test -e once || { touch once; oxctl restart self; }; exec actor --say second"
		env = { OXHERD_HOME = "$OXHERD_HOME" }
	TOML
	eventually 5 has_written self:0 second
	eventually 5 state_is self:0 running
	assert_equal "$(status_field self:0 restarts) $(status_field self:0 crashes)" "0 0"
	assert_logged "self:0: stopping -> stopped"
}

@test "a command that is not there is named with its stage and error, and started once it is" {
	begin_oxherd <<-'TOML'
		[processes.late]
		command = "./late"
		restart_delay_ms = 20
		restart_delay_max_ms = 20
	TOML
	eventually 5 at_least late:0 crashes 3
	eventually 5 reason_has late:0 "cannot execute './late': No such file or directory"
	cp "$OXHERD_BUILD/tests/actor" late
	eventually 5 state_is late:0 running
}

@test "a file that must not be executed is named with its error, as is what is no program" {
	printf 'actor\n' >plain
	printf '\x7fELF broken' >broken
	chmod +x broken
	begin_oxherd <<-'TOML'
		[processes.plain]
		command = "./plain"
		[processes.broken]
		command = "./broken"
	TOML
	eventually 5 at_least plain:0 crashes 1
	eventually 5 reason_has plain:0 "cannot execute './plain': Permission denied"
	eventually 5 at_least broken:0 crashes 1
	eventually 5 reason_has broken:0 "cannot execute './broken': Exec format error"
}

@test "a folder that vanishes under a crash is named, and what lived there starts again once it is back" {
	port=$(port_block)
	mkdir place
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
		working_dir = "place"
		restart_delay_ms = 20
		restart_delay_max_ms = 20
	TOML
	rmdir place
	kill -KILL "$(pid_of api:0)"
	eventually 5 at_least api:0 crashes 4
	eventually 5 reason_has api:0 "cannot enter working_dir 'place': No such file or directory"
	mkdir place
	eventually 5 state_is api:0 running
}

@test "an exit code of stop_exit_codes means do not restart; any other code and any signal are failures" {
	begin_oxherd <<-'TOML'
		[processes.told]
		command = "actor --exit 3"
		stop_exit_codes = [3]
		[processes.other]
		command = "actor --exit 2"
		stop_exit_codes = [3]
		[processes.shot]
		command = "actor --crash"
		stop_exit_codes = [11, 139]
	TOML
	eventually 5 state_is told:0 finished
	assert_equal "$(status_field told:0 restarts)" 0
	eventually 5 at_least other:0 crashes 2
	eventually 5 at_least shot:0 crashes 2
	assert_equal "$(status_field shot:0 signal)" SIGSEGV
}

@test "the policy decides: on-failure is content with 0, always is not, never leaves it down" {
	begin_oxherd <<-'TOML'
		[processes.oneshot]
		command = "actor --say done --exit 0"
		[processes.always]
		command = "actor --exit 0"
		restart = "always"
		restart_delay_ms = 10
		[processes.never]
		command = "actor --exit 1"
		restart = "never"
	TOML
	eventually 5 state_is oneshot:0 finished
	assert_equal "$(output_of oneshot:0)" "done"
	eventually 5 state_is never:0 stopped
	assert_equal "$(status_field never:0 code)" 1
	eventually 5 at_least always:0 restarts 3
	assert_equal "$(status_field oneshot:0 restarts)" 0
	assert_equal "$(status_field never:0 restarts)" 0
}

@test "a finished one-shot runs once more when it is started once more" {
	begin_oxherd <<-'TOML'
		[processes.job]
		command = "actor --say done --exit 0"
	TOML
	eventually 5 state_is job:0 finished
	oxctl start --wait
	eventually 5 state_is job:0 finished
	assert_equal "$(output_of job:0 | grep -c '^done$')" 2
}

@test "what dies before it is ready never shows as running" {
	port=$(port_block)
	begin_oxherd <<-TOML
		[processes.api]
		command = "actor --die-after 50"
		port = $port
		restart_delay_ms = 10
		max_restarts = 4
	TOML
	eventually 5 state_is api:0 crashed
	refute_logged "running"
}

@test "restart stops and starts each instance on its port" {
	herd_of_three
	before=$(pids api)
	run -0 oxctl restart api --wait
	for i in 0 1 2; do
		assert_equal "$(port_of "api:$i")" $((port + i))
		assert is_gone "$(awk -v id="api:$i" '$1 == id { print $2 }' <<<"$before")"
		answers $((port + i)) "hello from api:$i"
	done
	assert_equal "$(status_field api:0 restarts)" 0
}

@test "a hundred restarts at the same time end with one process in every slot" {
	herd_of_three
	for _ in $(seq 100); do
		oxctl restart api >/dev/null 2>&1 3>&- &
	done
	wait
	oxctl start --wait
	assert_equal "$(app_field api ready)" 3
	assert_equal "$(children_named hello)" 3
	for i in 0 1 2; do
		answers $((port + i)) "(pid $(pid_of "api:$i"))"
	done
}

@test "a crash leaves no grandchild behind, not even one that called setsid" {
	port=$(port_block)
	start_oxherd <<-TOML
		[processes.parent]
		command = "actor --setsid-grandchild --bare-grandchild --grandchild --ignore TERM --listen $port"
		port = $port
		restart = "never"
	TOML
	main=$(pid_of parent:0)
	[ "$(children_named actor)" -ge 3 ]
	kill -KILL "$main"
	eventually 5 state_is parent:0 stopped
	eventually 5 no_children actor
}

@test "two thousand lines in a burst before an exit are all in the log, and so is the last word on stderr" {
	begin_oxherd <<-'TOML'
		[processes.burst]
		command = "actor --spew 2000 --exit 0; echo last words >&2; exit 1"
		restart = "never"
	TOML
	eventually 5 state_is burst:0 stopped
	assert_equal "$(output_of burst:0 | wc -l)" 2000
	assert_equal "$(output_of burst:0 | tail -n 1)" "line 2000 of 2000"
	assert_equal "$(output_of burst:0 err)" "last words"
}

@test "five hundred restarts later the daemon has as many descriptors as before, and hardly more memory" {
	begin_oxherd <<-'TOML'
		[processes.bad]
		command = "actor --exit 1"
		restart_delay_ms = 1
		restart_delay_max_ms = 1
	TOML
	# By then every buffer has its size, and the list of events is as long as it gets.
	eventually 30 at_least bad:0 restarts 700
	before=$(descriptors)
	resident=$(resident_kb)
	eventually 30 at_least bad:0 restarts 1200
	assert within $((before - 3)) $((before + 3)) "$(descriptors)"
	# A sanitizer keeps what was freed.
	grep -q __asan_init "$OXHERD_BUILD/oxherd-brain" || assert within 0 $((resident + 400)) "$(resident_kb)"
	oxctl stop bad
}

descriptors() {
	find "/proc/$(keeper_pid)/fd" "/proc/$(brain_pid)/fd" -type l | wc -l
}

resident_kb() {
	awk '/^VmRSS/ { kb += $2 } END { print kb }' "/proc/$(keeper_pid)/status" "/proc/$(brain_pid)/status"
}
