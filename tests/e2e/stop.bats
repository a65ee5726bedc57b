load ../lib/daemon

one() {
	port=$(port_block)
	start_oxherd <<-TOML
		[processes.one]
		command = "actor $1 --listen $port"
		port = $port
		stop_timeout_ms = ${2:-5000}
	TOML
	pid=$(pid_of one:0)
}

@test "a service that ignores SIGTERM is killed after stop_timeout, and not before" {
	one "--ignore TERM" 300
	took 300 1500 oxctl stop one
	assert is_gone "$pid"
	assert state_is one:0 stopped
	assert_logged "one:0: did not stop within 0.3 s: killed"
	assert_logged "one:0: stopping -> stopped on died (asked to stop, ended by SIGKILL)"
}

@test "a service that obeys SIGTERM is gone at once" {
	one ""
	took 0 500 oxctl stop one
	assert is_gone "$pid"
	assert_equal "$(status_field one:0 signal)" SIGTERM
}

@test "stop_signal is what is sent" {
	begin_oxherd <<-'TOML'
		[processes.one]
		command = "actor --ignore TERM --say up"
		stop_signal = "SIGINT"
	TOML
	eventually 5 has_written one:0 up
	oxctl stop one
	assert_equal "$(status_field one:0 signal)" SIGINT
}

# A shell that waits for its program before it looks at its trap.
trapping() {
	begin_oxherd <<-TOML
		[processes.one]
		command = ["sh", "-c", "trap 'exit 0' TERM; echo up; sleep 1000; true"]
		stop_timeout_ms = 600
		$1
	TOML
	eventually 5 has_written one:0 up
}

@test "stop_signal_to = tree sends the stop signal to every process at once" {
	trapping 'stop_signal_to = "tree"'
	took 0 500 oxctl stop one
	assert_equal "$(status_field one:0 code)" 0
	refute_logged "killed"
}

@test "without it the stop signal is the main process' own until that has ended" {
	trapping ""
	took 600 1500 oxctl stop one
	assert_logged "one:0: did not stop within 0.6 s: killed"
	assert_equal "$(children_named sleep)" 0
}

@test "status tells that the main process has ended, and what is waited for" {
	begin_oxherd <<-'TOML'
		[processes.one]
		command = ["sh", "-c", "actor --ignore TERM --say up; true"]
		stop_timeout_ms = 1500
	TOML
	eventually 5 has_written one:0 up
	oxctl stop one 3>&- &
	eventually 2 reason_has one:0 "waiting for remaining processes to exit (SIGTERM sent)"
	wait
	assert_logged "one:0: remaining processes did not exit within 1.5 s: killed"
	assert_equal "$(children_named actor)" 0
}

@test "a grandchild that called setsid and ignores SIGTERM is gone after stop" {
	one "--ignore TERM --setsid-grandchild --bare-grandchild --grandchild" 200
	[ "$(children_named actor)" -ge 3 ]
	bare=$(pgrep -P "$(keeper_pid)" -x actor | xargs)
	oxctl stop one
	assert_equal "$(children_named actor)" 0
	# Those without our mark in their environment as well.
	for pid in $bare; do
		assert is_gone "$pid"
	done
}

@test "a grandchild outlives the main process by nothing, although SIGTERM was obeyed" {
	one "--setsid-grandchild --stopped-grandchild"
	oxctl stop one
	assert_equal "$(children_named actor)" 0
}

@test "a stopped process is woken, so that it hears the SIGTERM" {
	one "--say-on 'CONT awake'"
	kill -STOP "$pid"
	took 0 1000 oxctl stop one
	assert is_gone "$pid"
	assert_equal "$(status_field one:0 signal)" SIGTERM
}

@test "a stopped process that ignores SIGTERM is killed" {
	one "--ignore TERM" 200
	kill -STOP "$pid"
	oxctl stop one
	assert is_gone "$pid"
}

@test "a start within the grace period waits for the old process, and no old timer hits the new one" {
	one "--ignore TERM" 400
	oxctl stop one 3>&- &
	eventually 2 state_is one:0 stopping
	oxctl start one --wait
	assert is_gone "$pid"
	new=$(pid_of one:0)
	# The first stop's deadline is over by now; its timer is not to hit the second process.
	oxctl restart one --wait
	assert is_gone "$new"
	newest=$(pid_of one:0)
	eventually 3 has_uptime one:0 0.6
	assert_equal "$(pid_of one:0)" "$newest"
	assert_equal "$(status_field one:0 restarts)" 0
	assert_equal "$(children_named actor)" 1
}

@test "stop, start, stop in a row end stopped, and with no process" {
	one "--ignore TERM" 200
	oxctl stop one 3>&- &
	oxctl start one 3>&- &
	eventually 2 grep -q "one:0: running -> stopping" "$OXHERD_HOME/log/oxherd.log"
	oxctl stop one
	wait
	assert state_is one:0 stopped
	assert_equal "$(children_named actor)" 0
}

@test "apps stop side by side, each within its own grace time" {
	port=$(port_block 16)
	start_oxherd <<-TOML
		[defaults]
		command = "actor --ignore TERM --listen 0"
		stop_timeout_ms = 400
		[processes.a]
		instances = 4
		port = $port
		[processes.b]
		instances = 4
		port = $((port + 4))
		[processes.c]
		instances = 4
		port = $((port + 8))
	TOML
	took 400 1100 oxctl stop
	assert_equal "$(children_named actor)" 0
}

@test "another app is answered at once while one takes its time to stop" {
	one "--ignore TERM" 800
	oxctl stop one 3>&- &
	eventually 2 state_is one:0 stopping
	took 0 300 oxctl status
	took 0 300 oxctl start two -- actor
	wait
}

@test "SIGTERM to the daemon stops the services side by side and remembers that they were wanted" {
	port=$(port_block 16)
	start_oxherd <<-TOML
		[defaults]
		command = "actor --ignore TERM --listen 0"
		stop_timeout_ms = 400
		[processes.a]
		instances = 4
		port = $port
		[processes.b]
		instances = 4
		port = $((port + 4))
		[processes.unwanted]
		port = $((port + 8))
	TOML
	oxctl stop unwanted
	keeper=$(keeper_pid)
	begun=$(now_ms)
	kill -TERM "$keeper"
	# Nothing changes by saying it again.
	kill -TERM "$keeper"
	kill -HUP "$keeper"
	eventually 5 is_gone "$keeper"
	[ $(($(now_ms) - begun)) -le 1200 ]
	assert nothing_left
	oxctl daemon start
	eventually 5 all_ready a 4
	eventually 5 all_ready b 4
	assert state_is unwanted:0 stopped
	assert_equal "$(ports a)" "$port $((port + 1)) $((port + 2)) $((port + 3))"
}

all_ready() {
	[ "$(app_field "$1" ready)" = "$2" ]
}

@test "what was stopped stays stopped over a restart of the daemon, and what runs keeps its pid" {
	port=$(port_block 2)
	start_oxherd <<-TOML
		[processes.up]
		command = "hello"
		port = $port
		[processes.down]
		command = "hello"
		port = $((port + 1))
	TOML
	oxctl stop down
	before=$(pids up)
	oxctl daemon restart
	assert_equal "$(pids up)" "$before"
	assert state_is up:0 running
	assert state_is down:0 stopped
	answers "$port" "hello from up:0"
}

@test "a restart of the daemon is nothing to warn of" {
	one ""
	for _ in 1 2 3; do
		oxctl daemon restart
	done
	run grep -E " (oxherd )?(warn|error):" "$OXHERD_HOME/log/oxherd.log"
	assert_output ""
	assert_equal "$(daemon_log | grep -c "brain: pid .* has exited")" 3
	assert_equal "$(pid_of one:0)" "$pid"
	kill -KILL "$(brain_pid)"
	eventually 5 is_logged "was ended by signal 9"
}

@test "delete stops and forgets" {
	one ""
	oxctl delete one
	assert is_gone "$pid"
	run -4 oxctl status one
	oxctl daemon restart
	run -4 oxctl status one
}

@test "a target that is not there is an error of its own, and nothing is stopped" {
	one ""
	run -4 oxctl stop one nobody
	assert_output --partial "nobody"
	assert state_is one:0 running
	assert_equal "$(pid_of one:0)" "$pid"
}

@test "signal reaches the main process, and a signal that does not exist is refused" {
	one "--say-on 'HUP again'"
	oxctl signal HUP one
	eventually 2 has_written one:0 again
	run oxctl signal NOSUCH one
	assert_failure
	assert_output --partial "NOSUCH"
	assert_equal "$(pid_of one:0)" "$pid"
}

@test "without a daemon stop says so, and exits with 3" {
	run -3 oxctl stop --all
	assert_output --partial "no daemon"
}

@test "what was stopped says that it was asked to, and how it ended only where that is worth a look" {
	begin_oxherd <<-'TOML'
		[processes.good]
		command = "exec sleep 1000"
		[processes.sour]
		command = "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done"
		[processes.gone]
		command = ["/no/such/program"]
		restart_delay_ms = 60000
	TOML
	eventually 5 state_is gone:0 backoff
	eventually 5 has_written sour:0 up
	eventually 5 state_is good:0 running
	oxctl stop
	assert_equal "$(status_field good:0 reason)" "asked to stop"
	assert_equal "$(status_field sour:0 reason)" "asked to stop, ended with exit code 7"
	assert_equal "$(status_field gone:0 reason)" "asked to stop"
	assert_logged "good:0: stopping -> stopped on died (asked to stop, ended by SIGTERM)"
}

@test "a stop that a killed brain has taken along is asked for again, and ends as it should" {
	begin_oxherd <<-'TOML'
		[processes.slow]
		command = "trap 'sleep 1; exit 0' TERM; echo up; while :; do sleep 0.05; done"
	TOML
	eventually 5 has_written slow:0 up
	oxctl stop slow >said 2>&1 3>&- &
	asked=$!
	eventually 5 state_is slow:0 stopping
	kill -KILL "$(brain_pid)"
	wait "$asked"
	run -0 cat said
	assert_output "slow: stopped"
	state_is slow:0 stopped
}
