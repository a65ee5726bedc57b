load ../lib/daemon

# A Node server that is sick while there is a file `sick` or `sick.N`, and says when each GET of /health came.
given_node_server() {
	cat >server.js <<-'JS'
		const http = require('http'), fs = require('fs');
		const n = process.env.OXHERD_INSTANCE;
		const server = http.createServer((q, s) => {
			if (q.url === '/health') console.log('checked as', q.headers.host);
			const sick = fs.existsSync('sick') || fs.existsSync('sick.' + n);
			s.writeHead(q.url === '/health' && sick ? 500 : 200);
			s.end('hello from ' + n + '\n');
		});
		setTimeout(() => server.listen(process.env.PORT), Number(process.env.BOOT_MS || 0));
		process.on('SIGTERM', () => { console.log('asked to stop'); process.exit(0); });
	JS
}

# checked_app N [LINE…]: the server as `api` on $port, checked every 200 ms, ill after two failures.
checked_app() {
	local count=$1
	shift
	given_node_server
	printf '%s\n' "[processes.api]" "command = 'node server.js'" "instances = $count" "port = $port" "$@" \
		"[processes.api.health_check]" "url = 'http://localhost:3000/health'" "interval_secs = 0.2" \
		"unhealthy_threshold = 2"
}

health_is() {
	field_is "$1" health "$2"
}

@test "each instance is checked on its own port, and is ready when its check passes" {
	port=$(port_block 3)
	checked_app 3 "env.BOOT_MS = 500" | start_oxherd
	for i in 0 1 2; do
		assert state_is "api:$i" running
		assert health_is "api:$i" healthy
		eventually 5 has_written "api:$i" "checked as localhost:$((port + i))"
	done
	# It took as long as it takes to boot, and not an interval longer.
	run daemon_log
	assert_output --regexp 'api:0: starting -> running on ready \((0\.[5-9]|[12]\.)'
}

@test "a check that fails makes it unhealthy, then it is stopped gracefully and started again; the others stay" {
	port=$(port_block 2)
	checked_app 2 | start_oxherd
	pid0=$(pid_of api:0)
	touch sick.1
	eventually 10 at_least api:1 crashes 1
	rm sick.1
	eventually 10 state_is api:1 running
	assert_logged "api:1: running -> unhealthy on unhealthy (2 checks in a row failed: HTTP status 500)"
	assert has_written api:1 "asked to stop"
	assert_equal "$(pid_of api:0)" "$pid0"
	assert_equal "$(status_field api:0 crashes)" 0
	run oxctl why api:1
	assert_output --partial "HTTP status 500"
}

@test "a cause that all share takes down one of them, the others keep serving and show what they wait for" {
	port=$(port_block 4)
	checked_app 4 | start_oxherd
	touch sick
	eventually 10 times_logged 3 "left as it is"
	# However often their checks fail from here on.
	eventually 10 has_written_times api:0 20 "checked as"
	assert_equal "$(daemon_log | grep -c 'unhealthy -> stopping')" 1
	run oxctl status
	assert_output --partial "restarted once no other of api is down for its health"
	served=0
	for i in 0 1 2 3; do
		! answers $((port + i)) "hello from $i" || served=$((served + 1))
	done
	[ "$served" -ge 3 ]
	rm sick
	eventually 10 all_healthy 4
	assert_equal "$(daemon_log | grep -c 'unhealthy -> stopping')" 1
}

times_logged() {
	[ "$(daemon_log | grep -cF -- "$2")" = "$1" ]
}

has_written_times() {
	[ "$(output_of "$1" | grep -cF -- "$3")" -ge "$2" ]
}

all_healthy() {
	local i
	for ((i = 0; i < $1; i++)); do
		health_is "api:$i" healthy && state_is "api:$i" running || return
	done
}

@test "one whose check never passes is a failed start, and start --wait says what the check said" {
	port=$(port_block)
	touch sick
	run -1 start_oxherd --wait < <(checked_app 1 "ready_timeout_secs = 1" "max_restarts = 1")
	assert_output --partial "HTTP status 500"
	assert_equal "$(status_field api:0 status)" crashed
	refute_logged "-> running"
}

@test "what depends on an app waits until its check passes, and after a restart for the new one" {
	given_node_server
	port=$(port_block)
	begin_oxherd <<-TOML
		[processes.web]
		command = "actor"
		depends_on = "api"
		[processes.api]
		command = "node server.js"
		port = $port
		env.BOOT_MS = 400
		health = { url = "http://127.0.0.1/health", interval_secs = 5 }
	TOML
	assert state_is web:0 blocked
	eventually 10 state_is web:0 running
	oxctl restart
	eventually 10 state_is web:0 running
	run daemon_log
	# Each of the two starts of web:0 stands after one of api:0.
	assert_equal "$(grep -oE '(api:0: starting -> running|web:0: [a-z]+ -> starting)' <<<"$output" | xargs)" \
		"api:0: starting -> running web:0: blocked -> starting api:0: starting -> running web:0: blocked -> starting"
}

@test "an old process that answers on the port is not believed, and named" {
	port=$(port_block)
	hold_port "$port"
	# The port comes from env, so nobody looks at it before the start; and the new one never listens.
	begin_oxherd <<-TOML
		[processes.api]
		command = "actor"
		env.PORT = $port
		health = { url = "http://localhost:$port/", interval_secs = 0.1 }
	TOML
	eventually 5 reason_has api:0 "port $port is answered by pid $holder"
	assert reason_has api:0 "which is not api:0's"
	assert state_is api:0 starting
	refute_logged "api:0: starting -> running"
	assert_equal "$(daemon_log | grep -c "is answered by pid")" 1
	release_port
	eventually 5 reason_has api:0 "connection refused"
}

@test "a command is a check: it gets the instance's environment and folder, and says why in its last line" {
	mkdir sub
	start_oxherd <<-'TOML'
		[processes.job]
		command = "actor"
		working_dir = "sub"
		instances = 2
		env.COLOUR = "green"
		[processes.job.health_check]
		command = "echo first; pwd | grep -q sub$ && test -n \"$COLOUR\" && ! test -e ill.$OXHERD_INSTANCE || { echo \"$COLOUR $OXHERD_INSTANCE is ill\"; exit 3; }"
		interval_secs = 0.1
	TOML
	assert health_is job:0 healthy
	touch sub/ill.1
	eventually 5 is_logged "job:1: running -> unhealthy on unhealthy (3 checks in a row failed: exit code 3: green 1 is ill)"
	assert health_is job:0 healthy
}

@test "a command that hangs is killed with its whole tree, and the daemon answers meanwhile" {
	start_oxherd --json <<-'TOML'
		[processes.job]
		command = "actor"
		ready = "alive"
		[processes.job.health_check]
		command = "sleep 987 & sleep 987"
		interval_secs = 0.1
		timeout_secs = 0.3
		unhealthy_threshold = 1
	TOML
	took 0 300 oxctl status >/dev/null
	eventually 5 is_logged "job:0: running -> unhealthy on unhealthy (1 checks in a row failed: no end within 0.3 s)"
	oxctl stop
	eventually 5 no_children sleep
}

@test "a tcp check is a connection" {
	port=$(port_block)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
		health_check = { tcp = true, interval_secs = 0.1 }
	TOML
	assert health_is api:0 healthy
}

@test "the brain's death is no flap: verdicts stay, and checks continue" {
	port=$(port_block 2)
	checked_app 2 | start_oxherd
	kill -KILL "$(brain_pid)"
	eventually 5 is_logged "adopted"
	eventually 5 all_healthy 2
	touch sick.1
	eventually 10 is_logged "api:1: running -> unhealthy"
	refute_logged "api:0: running -> unhealthy"
	assert_equal "$(status_field api:0 restarts)" 0
}

@test "a check that hangs holds up nothing else" {
	cat >mute.py <<-'PY'
		import os, socket, time
		s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
		time.sleep(1000)
	PY
	port=$(port_block 2)
	begin_oxherd <<-TOML
		[processes.mute]
		command = "python3 mute.py"
		port = $port
		health_check = { url = "http://localhost/", interval_secs = 0.1, timeout_secs = 20 }
		[processes.api]
		command = "hello"
		port = $((port + 1))
		health_check = { url = "http://localhost/", interval_secs = 0.1 }
	TOML
	eventually 5 state_is api:0 running
	assert state_is mute:0 starting
	took 0 300 oxctl status >/dev/null
	took 0 1000 oxctl stop mute
}

# Processor time that a process has used, in hundredths of a second.
ticks_of() {
	sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

@test "two hundred and fifty checks a second cost a small part of a processor" {
	port=$(port_block 50)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 50
		port = $port
		health_check = { tcp = true, interval_secs = 0.2 }
	TOML
	brain=$(brain_pid)
	before=$(ticks_of "$brain")
	begun=$(now_ms)
	eventually 5 has_uptime api:49 3
	used=$((($(ticks_of "$brain") - before) * 10))
	passed=$(($(now_ms) - begun))
	echo "$used ms of $passed"
	# Under a sanitizer everything is dearer.
	grep -q __asan_init "$OXHERD_BUILD/oxherd-brain" || [ $((used * 4)) -lt "$passed" ]
	assert_equal "$(oxctl status api --json | grep -c '"health": "healthy"')" 50
	refute_logged "unhealthy"
}

@test "health without a check is none, and https is rejected with an error" {
	run -2 start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		health_check = { url = "https://localhost:3000/" }
	TOML
	assert_output --partial "health checks speak plain http://"
	assert_output --partial "curl -fsk https://localhost:3000/"
	start_oxherd <<-TOML
		[processes.api]
		command = "actor"
	TOML
	assert health_is api:0 none
}
