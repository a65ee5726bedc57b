load ../lib/daemon

setup() {
	daemon_place
	# Where the keeper goes first, its brain says so.
	expect_error "the keeper is gone"
}

# Both at once, as `kill -9` of the whole daemon does it; nobody is left to say goodbye.
kill_both() {
	local keeper brain
	keeper=$(keeper_pid)
	brain=$(brain_pid)
	kill -KILL "$keeper" "$brain"
	eventually 5 is_gone "$keeper"
	eventually 5 is_gone "$brain"
}

# Not even the kernel knows it any more.
is_reaped() {
	[ ! -e "/proc/$1" ]
}

herd() {
	port=$(port_block 4)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 4
		port = $port
		restart_delay_ms = 20

		[processes.worker]
		command = "actor --say-on 'USR1 heard' --exit-on 'USR2 42' --mark"
		restart_delay_ms = 20
	TOML
}

all_answer() {
	local i
	for i in 0 1 2 3; do
		answers $((port + i)) "hello from api:$i" || return
	done
}

@test "the whole daemon is killed with -9: every service answers, and the next command finds them all" {
	herd
	kill -KILL "$(pid_of api:3)"
	eventually 5 field_is api:3 restarts 1
	eventually 5 state_is api:3 running
	before=$(pids api; pids worker)
	kill_both
	all_answer
	run -0 --separate-stderr oxctl status --json
	python3 -c 'import json, sys; json.loads(sys.argv[1])' "$output"
	assert_equal "$stderr" "oxctl: the daemon had died and was started again; its apps kept running"
	assert_equal "$(pids api; pids worker)" "$before"
	assert_equal "$(ports api)" "$port $((port + 1)) $((port + 2)) $((port + 3))"
	assert state_is api:0 running
	assert field_is api:0 restarts 0
	assert field_is api:3 restarts 1
	assert_equal "$(children_named hello)" 4
	all_answer
	assert_equal "$(oxctl status 2>&1 >/dev/null)" ""
}

@test "after the daemon and processes were killed, as in a power cut, the next command says how many kept running" {
	herd
	pids=$(pids api)
	kill_both
	# shellcheck disable=SC2086
	kill -KILL $pids
	run -0 --separate-stderr oxctl status --json
	assert_equal "$stderr" "oxctl: the daemon had died and was started again; 1 of 5 instances kept running"
	eventually 5 state_is api:3 running
	pids="$(pids api) $(pids worker)"
	kill_both
	# shellcheck disable=SC2086
	kill -KILL $pids
	run -0 --separate-stderr oxctl status --json
	assert_equal "$stderr" "oxctl: the daemon had died and was started again; no instance was running any more, and those that should are started"
	eventually 5 state_is worker:0 running
}

@test "oxherd itself adopts them too, and again after the next kill" {
	herd
	before=$(pids api; pids worker)
	for _ in 1 2 3; do
		kill_both
		oxherd --daemon 3>&-
		assert_equal "$(pids api; pids worker)" "$before"
	done
	all_answer
	# Its fellow dies: what is left adopts the rest of it as ever.
	kill -KILL "$(brain_pid)"
	eventually 5 state_is api:0 running
	run -0 oxctl daemon restart
	assert_equal "$(pids api; pids worker)" "$before"
}

@test "when the keeper alone is killed its brain ends by itself, and the next one takes over" {
	herd
	before=$(pids api)
	brain=$(brain_pid)
	kill -KILL "$(keeper_pid)"
	eventually 5 is_gone "$brain"
	run -0 oxctl status
	assert_equal "$(pids api)" "$before"
}

@test "what is adopted can be signalled, crashes with its own exit code, and is stopped with all it left behind" {
	herd
	kill_both
	oxctl signal USR1 worker 2>/dev/null
	eventually 5 has_written worker:0 heard
	old=$(pid_of worker:0)
	kill -USR2 "$old"
	eventually 5 field_is worker:0 restarts 1
	assert field_is worker:0 code 42
	eventually 5 state_is worker:0 running
	assert is_gone "$old"
	assert_logged "backoff on crash (exit code 42"
	run -0 took 0 1500 oxctl stop api
	assert no_children hello
	assert state_is api:2 stopped
}

@test "the grandchildren of an adopted one go with it, also one in a session of its own" {
	start_oxherd <<-'TOML'
		[processes.tree]
		command = "actor --grandchild --setsid-grandchild --mark"
	TOML
	assert_equal "$(children_named actor)" 3
	kill_both
	oxctl stop tree 2>/dev/null
	assert no_children actor
}

@test "every state continues: starting, stopping, waiting, crashed, stopped, scaled" {
	port=$(port_block 4)
	begin_oxherd <<-TOML
		[processes.late]
		command = "while ! test -e go; do sleep 0.02; done; exec actor --listen 0"
		port = $port
		ready = "listen"

		[processes.deaf]
		command = "actor --ignore TERM --mark"
		stop_timeout = "6s"

		[processes.waits]
		command = "actor --exit 3"
		restart_delay = 6000
		restart_delay_max_ms = 6000

		[processes.crashed]
		command = "actor --exit 3"
		max_restarts = 1

		[processes.down]
		command = "actor --mark"

		[processes.many]
		command = "actor --mark"
	TOML
	oxctl stop down
	oxctl scale many 3
	eventually 5 has_written deaf:0 pid
	eventually 5 state_is waits:0 backoff
	eventually 5 state_is crashed:0 crashed
	oxctl stop deaf --timeout 100ms || true
	assert state_is deaf:0 stopping
	assert state_is late:0 starting
	before=$(pid_of late:0; pid_of deaf:0; pids many)
	kill_both
	oxctl status 2>/dev/null
	assert_equal "$(pid_of late:0; pid_of deaf:0; pids many)" "$before"
	assert state_is late:0 starting
	assert state_is deaf:0 stopping
	assert state_is waits:0 backoff
	assert field_is waits:0 crashes 1
	assert state_is crashed:0 crashed
	assert state_is down:0 stopped
	touch go
	eventually 20 state_is late:0 running
	eventually 20 state_is deaf:0 stopped
	eventually 20 at_least waits:0 crashes 2
	# Nothing was started twice.
	assert_equal "$(pids many)" "$(grep many <<<"$before")"
	assert field_is late:0 restarts 0
}

@test "what ends while no daemon is there is started again, without a crash; restart = never leaves it down" {
	start_oxherd <<-'TOML'
		[processes.api]
		command = "actor --mark"

		[processes.once]
		command = "actor --mark"
		restart = "never"
	TOML
	api=$(pid_of api:0)
	once=$(pid_of once:0)
	kill_both
	kill -KILL "$api" "$once"
	eventually 20 is_reaped "$api"
	eventually 20 is_reaped "$once"
	oxctl status 2>/dev/null
	eventually 5 state_is api:0 running
	assert field_is api:0 crashes 0
	assert field_is api:0 restarts 1
	[ "$(pid_of api:0)" != "$api" ]
	assert state_is once:0 stopped
	run -0 oxctl why api:0
	assert_output --partial "ended while no daemon was there to see how"
	assert_output --partial "last exit unseen"
	assert_equal "$(children_named actor)" 1
}

@test "what is written while no daemon is there is in the log, and the log continues" {
	start_oxherd <<-'TOML'
		[processes.talker]
		command = "actor --say-on 'USR1 one' --say-on 'USR2 two' --mark"
	TOML
	talker=$(pid_of talker:0)
	eventually 5 has_written talker:0 pid
	kill_both
	kill -USR1 "$talker"
	oxctl status 2>/dev/null
	eventually 5 has_written talker:0 one
	kill -USR2 "$talker"
	eventually 5 has_written talker:0 two
	assert_equal "$(output_of talker:0 | grep -c .)" 3
}

@test "a command from within a service finds a killed daemon and starts it, and lives on without the service" {
	start_oxherd <<-'TOML'
		[processes.self]
		command = "actor --mark"
	TOML
	self=$(pid_of self:0)
	kill_both
	# As the service would: with its environment, mark and all.
	mark=$(tr '\0' '\n' <"/proc/$self/environ" | grep ^OXHERD_MARK=)
	env "$mark" oxctl status 2>/dev/null 3>&-
	assert_equal "$(pid_of self:0)" "$self"
	keeper=$(keeper_pid)
	oxctl restart self
	assert is_gone "$self"
	eventually 5 state_is self:0 running
	assert_equal "$(keeper_pid)" "$keeper"
}

# A daemon to which the machine has just started: the boot id is another one.
start_after_boot() {
	local options=-m
	[ "$(id -u)" = 0 ] || options=-rm
	echo 11111111-2222-3333-4444-555555555555 >boot_id
	unshare $options sh -c 'mount --bind boot_id /proc/sys/kernel/random/boot_id && exec oxherd --daemon' 3>&-
}

@test "another boot: a process that has the pid of then is left alone" {
	start_oxherd <<-'TOML'
		[processes.api]
		command = "actor --mark"
	TOML
	then=$(pid_of api:0)
	kill_both
	# What it was, nobody knows any more.
	rm -rf "$OXHERD_HOME"/*/oxherd.lock
	start_after_boot
	eventually 5 state_is api:0 running
	[ "$(pid_of api:0)" != "$then" ]
	assert is_alive "$then"
	oxctl stop api
	assert is_alive "$then"
	kill "$then"
}

@test "another boot: what was wanted is started in order, what was stopped stays so, scale is as it was" {
	port=$(port_block 3)
	start_oxherd <<-TOML
		[processes.db]
		command = "hello"
		port = $port

		[processes.api]
		command = "hello"
		instances = 1
		port = $((port + 1))
		depends_on = "db"

		[processes.down]
		command = "actor --mark"
	TOML
	oxctl stop down
	oxctl scale api 2
	eventually 5 state_is api:1 running
	oxctl restart db --wait
	services=$(pid_of db:0; pid_of api:0; pid_of api:1)
	kill_both
	# shellcheck disable=SC2086  # one word a pid
	kill -KILL $services
	eventually 5 nothing_left
	# As /run is empty then.
	rm -rf "$OXHERD_HOME/run"
	run -3 oxctl status
	start_after_boot
	eventually 10 state_is api:1 running
	eventually 5 state_is db:0 running
	assert state_is down:0 stopped
	assert_equal "$(port_of api:1)" $((port + 2))
	assert field_is api:0 crashes 0
	# In order: the first of api began when db was ready.
	run -0 grep -nE "(db:0: starting -> running|api:0: (blocked|stopped) -> starting)" "$OXHERD_HOME/log/oxherd.log"
	assert_line --index -2 --partial "db:0: starting -> running"
	assert_line --index -1 --partial "api:0:"
}

@test "a second SIGTERM or a SIGHUP while all is being stopped changes nothing, and what was adopted is stopped like the rest" {
	start_oxherd <<-'TOML'
		[processes.slow]
		command = "actor --ignore TERM --mark"
		stop_timeout_ms = 600
		instances = 2
	TOML
	kill_both
	oxctl status 2>/dev/null
	eventually 5 state_is slow:0 running
	keeper=$(keeper_pid)
	slow=$(pid_of slow:0)
	began=$(now_ms)
	kill -TERM "$keeper"
	eventually 5 is_logged "slow:0: running -> stopping"
	kill -HUP "$keeper"
	kill -TERM "$keeper"
	kill -USR2 "$keeper"
	eventually 5 is_gone "$keeper"
	[ $(($(now_ms) - began)) -ge 600 ]
	assert is_gone "$slow"
	assert_equal "$(daemon_log | grep -c "slow:0: stopped -> starting")" 1
	# It was wanted, and is again.
	oxctl daemon start 3>&-
	eventually 5 state_is slow:0 running
}

@test "66 to 69: what is started again after an adoption has the environment, limits and umask of its caller, not those of the new daemon" {
	start_oxherd <<-'TOML'
		[processes.api]
		command = ["sh", "-c", "ulimit -n; umask; env | sort | grep -v OXHERD_MARK; exec sleep 1000"]
		restart_delay_ms = 20
	TOML
	eventually 5 has_written api:0 PATH=
	first=$(output_of api:0)
	kill_both
	(
		umask 077
		ulimit -Sn 300
		STRANGE=1 oxctl status 2>/dev/null 3>&-
	)
	kill -KILL "$(pid_of api:0)"
	eventually 5 field_is api:0 restarts 1
	eventually 5 eval '[ "$(output_of api:0 | grep -c ^PATH=)" = 2 ]'
	[ "$(output_of api:0)" = "$first"$'\n'"$first" ]
}
