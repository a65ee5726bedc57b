load ../lib/daemon

@test "a port that a stranger holds is named with its holder; that instance waits, the others run, and it starts when the port is free" {
	port=$(port_block 4)
	hold_port $((port + 2))
	begin_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 4
		port = $port
	TOML
	eventually 5 state_is api:2 blocked
	for i in 0 1 3; do
		eventually 5 state_is "api:$i" running
	done
	run status_field api:2 reason
	assert_output --partial "port $((port + 2)) is held by pid $holder"
	assert_output --partial "http.server"
	assert_equal "$(status_field api:2 code)" port_taken
	run -0 oxctl events api:2 --json
	assert_output --partial '"code":'
	assert_equal "$(status_field api:2 restarts) $(status_field api:2 crashes)" "0 0"
	before=$(pids api | grep -v api:2)
	release_port
	eventually 5 state_is api:2 running
	answers $((port + 2)) "hello from api:2"
	assert_equal "$(pids api | grep -v api:2)" "$before"
	assert_equal "$(status_field api:2 restarts)" 0
}

@test "start --wait does not wait for a stranger: it ends with who holds the port, and the instance waits on" {
	port=$(port_block)
	hold_port "$port"
	run -1 start_oxherd --wait --timeout 20 <<-TOML
		[processes.api]
		command = "hello"
		port = $port
	TOML
	assert_output --partial "api:0 is blocked, and starts once that is over: port $port is held by pid $holder"
	assert state_is api:0 blocked
	run -1 oxctl restart --wait --timeout 20
	assert_output --partial "port $port is held by pid $holder"
	release_port
	eventually 5 state_is api:0 running
}

@test "what waits for a port can be stopped" {
	port=$(port_block)
	hold_port "$port"
	begin_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
	TOML
	eventually 5 state_is api:0 blocked
	oxctl stop api
	assert state_is api:0 stopped
	release_port
	assert state_is api:0 stopped
}

@test "a hundred restarts on one port never meet an address in use" {
	port=$(port_block)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
	TOML
	for _ in $(seq 100); do
		# A connection that the server closes leaves the port in TIME_WAIT.
		exec 9<>"/dev/tcp/127.0.0.1/$port"
		printf 'GET / HTTP/1.0\r\n\r\n' >&9
		cat <&9 >/dev/null
		exec 9>&-
		oxctl restart api --wait >/dev/null
	done
	assert_equal "$(status_field api:0 restarts) $(status_field api:0 crashes)" "0 0"
	answers "$port" "hello from api:0"
	refute_logged "blocked"
	[ ! -s "$OXHERD_HOME/log/api-0-err.log" ]
}

@test "two apps whose ports overlap are refused with both names, before anything starts" {
	run start_oxherd <<-'TOML'
		[processes.web]
		command = "hello"
		instances = 4
		port = 21000
		[processes.admin]
		command = "hello"
		port = 21003
	TOML
	assert_failure
	assert_output --partial "web"
	assert_output --partial "admin"
	run -3 oxctl status
}

@test "an app that wants a port of another oxfile's app is refused" {
	port=$(port_block 4)
	start_oxherd <<-TOML
		[processes.web]
		command = "hello"
		instances = 4
		port = $port
	TOML
	mkdir other
	printf '[processes.admin]\ncommand = "hello"\nport = %d\n' $((port + 3)) >other/oxfile.toml
	run oxctl start -c other/oxfile.toml
	assert_failure
	assert_output --partial "web"
	assert_output --partial "admin"
	run -4 oxctl status admin
}

@test "who owns a port that the kernel may give away hears of it once: at the plan, and at the first start" {
	read -r first last </proc/sys/net/ipv4/ip_local_port_range
	[ "$first" -gt 3000 ] || skip "the kernel gives away all ports here"
	words="api: port $first is among those that the kernel gives to outgoing connections ($first to $last)"
	port=$(port_block)
	given_oxfile <<-TOML
		[processes.low]
		command = "hello"
		port = $port
	TOML
	run -0 --separate-stderr oxctl start --wait
	# shellcheck disable=SC2154  # by --separate-stderr
	assert_equal "$stderr" ""
	# It listens on none of them: a connection of another process may have one at the moment.
	printf '[processes.api]\ncommand = "sleep 1000"\nready = "alive"\ninstances = 2\nport = %d\n' $((first - 1)) >>oxfile.toml
	run -0 oxctl plan
	assert_output --partial "$words"
	run -0 oxctl start
	assert_output --partial "$words"
	assert_output --partial "ip_local_reserved_ports="
	assert_output --partial "$((first - 1))-$first"
	for command in "start" "plan" "deploy"; do
		run -0 oxctl "$command"
		refute_output --partial "kernel"
	done
	oxctl delete api
	# A deploy waits for what it starts, so it gets a port that nobody is connected by.
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
	sed -i "s/^instances = 2/instances = 1/; s/^port = $((first - 1))$/port = $port/" oxfile.toml
	run -0 oxctl deploy --timeout 20
	assert_output --partial "api: port $port is among those that the kernel gives to outgoing connections ($first to $last)"
}

@test "ports that would end beyond 65535 are refused" {
	run start_oxherd <<-'TOML'
		[processes.web]
		command = "hello"
		instances = 4
		port = 65533
	TOML
	assert_failure
	assert_output --partial "65535"
}

@test "several instances without a port get a row from 3000 up that nobody else has, and keep it" {
	start_oxherd <<-'TOML'
		[processes.api]
		command = "hello"
		instances = 4
		[processes.web]
		command = "hello"
		instances = 2
	TOML
	read -r -a got < <(ports api)
	[ "${got[0]}" -ge 3000 ]
	assert_equal "${got[*]}" "$(seq -s ' ' "${got[0]}" $((got[0] + 3)))"
	read -r -a other < <(ports web)
	assert_equal "${other[1]}" $((other[0] + 1))
	[ "${other[0]}" -ge $((got[0] + 4)) ] || [ "${other[1]}" -lt "${got[0]}" ]
	oxctl daemon stop
	oxctl daemon start
	eventually 5 state_is api:3 running
	assert_equal "$(ports api)" "${got[*]}"
	assert_equal "$(ports web)" "${other[*]}"
}

@test "PORT in env is the base: passed on, counted up, and nobody waits for it to listen" {
	port=$(port_block 3)
	hold_port "$port"
	start_oxherd <<-TOML
		[processes.worker]
		command = "actor --print-env"
		instances = 3
		env = { PORT = "$port" }
	TOML
	for i in 0 1 2; do
		assert state_is "worker:$i" running
		assert has_written "worker:$i" "env PORT=$((port + i))"
	done
	release_port
}

@test "one instance that names no port gets none" {
	unset PORT
	begin_oxherd <<-'TOML'
		[processes.worker]
		command = "actor --print-env --mark"
	TOML
	eventually 5 has_written worker:0 "pid "
	run output_of worker:0
	refute_output --partial "env PORT="
	assert_equal "$(port_of worker:0)" null
}

@test "port_step is the distance between instances" {
	port=$(port_block 12)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 3
		port = $port
		port_step = 5
	TOML
	assert_equal "$(ports api)" "$port $((port + 5)) $((port + 10))"
	answers $((port + 10)) "hello from api:2"
}

@test "a deploy moves ports onto those that the app has already, up, down, and with more or fewer instances" {
	port=$(port_block 8)
	# at PORT INSTANCES: with the ports from there on.
	at() {
		cat >oxfile.toml <<-TOML
			[processes.api]
			command = "hello"
			instances = $2
			port = $1
			deploy = { min_healthy_secs = 0, fail_timeout_secs = 0 }
		TOML
	}
	at $((port + 2)) 3
	oxctl start --wait 3>&-
	for to in "3 3" "2 3" "1 4" "2 2" "1 3"; do
		# shellcheck disable=SC2086
		set -- $to
		at $((port + $1)) "$2"
		run -0 timeout 30 oxctl deploy
		assert_output --partial "runs in $2 of $2 instances"
		assert_equal "$(ports api)" "$(seq -s ' ' $((port + $1)) $((port + $1 + $2 - 1)))"
	done
	oxctl rollback
	assert_equal "$(ports api)" "$((port + 2)) $((port + 3))"
}

@test "an app that is renamed takes over the port of its old name in one deploy" {
	port=$(port_block)
	cat >slow.py <<-'PY'
		import os, signal, socket, time
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("127.0.0.1", int(os.environ["PORT"])))
		s.listen()
		signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.7), os._exit(0)))
		while True:
		    signal.pause()
	PY
	given_oxfile <<-TOML
		[processes.api]
		command = "python3 slow.py"
		port = $port
	TOML
	oxctl start --wait 3>&-
	sed -i 's/processes.api/processes.web/' oxfile.toml
	run -0 timeout 20 oxctl deploy
	assert_line "api: removed"
	assert_line "web: added"
	assert state_is web:0 running
}
