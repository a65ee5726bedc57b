load ../lib/daemon

# What the log says of changes of state, a line each, without the time.
steps() {
	daemon_log | sed -n 's/^[^ ]* info \([a-z]*:[0-9]*: [a-z]* -> [a-z]*\) .*/\1/p'
}

# before A B: the first line of A comes before the first line of B.
before() {
	steps | awk -v a="$1" -v b="$2" '$0 == a && !x { x = NR } $0 == b && !y { y = NR } END { exit !(x && y && x < y) }'
}

chain() {
	port=$(port_block 3)
	start_oxherd "$@" <<-TOML
		[processes.web]
		command = "actor --listen $port"
		port = $port
		depends_on = ["api"]
		[processes.api]
		command = "while test -e hold; do sleep 0.02; done; exec actor --listen-after 150 --listen $((port + 1))"
		port = $((port + 1))
		depends_on = ["db"]
		[processes.db]
		command = "actor --listen-after 150 --listen $((port + 2))"
		port = $((port + 2))
	TOML
}

@test "an app starts after what it depends on is ready, and stops before it" {
	chain
	assert before "db:0: starting -> running" "api:0: blocked -> starting"
	assert before "api:0: starting -> running" "web:0: blocked -> starting"
	oxctl stop
	assert before "web:0: stopping -> stopped" "api:0: running -> stopping"
	assert before "api:0: stopping -> stopped" "db:0: running -> stopping"
}

@test "the daemon's own end keeps that order" {
	chain
	oxctl daemon stop
	assert before "web:0: stopping -> stopped" "api:0: running -> stopping"
	assert before "api:0: stopping -> stopped" "db:0: running -> stopping"
}

@test "start of one app brings up what it depends on" {
	chain --wait api
	assert state_is api:0 running
	assert state_is db:0 running
	run -4 oxctl status web
}

@test "while it waits, an app says for whom" {
	port=$(port_block 2)
	begin_oxherd <<-TOML
		[processes.web]
		command = "actor"
		depends_on = ["db"]
		[processes.db]
		command = "actor"
		port = $port
	TOML
	eventually 5 state_is web:0 blocked
	run status_field web:0 reason
	assert_output --partial "db"
	oxctl stop
}

@test "after a restart of what it depends on, an app waits for the new one to be ready" {
	chain
	oxctl stop web
	touch hold
	oxctl restart api
	assert state_is api:0 starting
	oxctl start web
	assert state_is web:0 blocked
	rm hold
	eventually 5 state_is web:0 running
	last=$(steps | grep -n "api:0: starting -> running" | tail -n 1 | cut -d : -f 1)
	web=$(steps | grep -n "web:0: blocked -> starting" | tail -n 1 | cut -d : -f 1)
	[ "$last" -lt "$web" ]
}

@test "a written port means: ready when its own processes listen on it" {
	port=$(port_block)
	begin_oxherd <<-TOML
		[processes.slow]
		command = "actor --listen-after 400 --listen 0"
		port = $port
	TOML
	assert state_is slow:0 starting
	eventually 5 state_is slow:0 running
	assert port_is_busy "$port"
	run daemon_log
	assert_output --regexp "slow:0: starting -> running on ready \(0\.[4-9]"
}

@test "it may be a grandchild that listens" {
	port=$(port_block)
	start_oxherd <<-TOML
		[processes.wrapped]
		command = "sh -c 'hello; true'"
		port = $port
	TOML
	answers "$port" "hello from wrapped:0"
}

@test "not ready within ready_timeout_secs is a failed start, counted and tried again" {
	port=$(port_block)
	begin_oxherd <<-TOML
		[processes.mute]
		command = "actor"
		port = $port
		ready_timeout_secs = "100ms"
		restart_delay_ms = 10
		max_restarts = 3
	TOML
	eventually 5 state_is mute:0 crashed
	assert_equal "$(status_field mute:0 crashes)" 3
	run status_field mute:0 reason
	assert_output --partial "not ready within"
	refute_logged "mute:0: starting -> running"
	assert no_children actor
}

@test "a stranger that answers on the port does not make an instance ready" {
	port=$(port_block)
	begin_oxherd <<-TOML
		[processes.api]
		command = "actor --say up"
		port = $port
		ready_timeout_secs = "600ms"
		max_restarts = 1
	TOML
	eventually 5 has_written api:0 up
	hold_port "$port"
	eventually 5 state_is api:0 crashed
	refute_logged "api:0: starting -> running"
	release_port
}

@test "without a port an instance is ready after a second of being alive" {
	start_oxherd <<-'TOML'
		[processes.worker]
		command = "actor"
	TOML
	run daemon_log
	assert_output --regexp "worker:0: starting -> running on ready \(1\.0"
}

@test "a finished one-shot counts as ready for what depends on it" {
	start_oxherd <<-'TOML'
		[processes.migrate]
		command = "actor --say migrated --exit 0"
		[processes.api]
		command = "actor"
		depends_on = ["migrate"]
	TOML
	assert state_is migrate:0 finished
	assert state_is api:0 running
	assert before "migrate:0: starting -> finished" "api:0: blocked -> starting"
}
