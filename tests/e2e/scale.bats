load ../lib/daemon

herd() {
	port=$(port_block 10)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = $1
		port = $port
	TOML
}

# first_pids 3: those of the first three instances, in order.
first_pids() {
	pids api | sort -t : -k 2n | head -n "$1"
}

row() {
	seq -s ' ' "$port" $((port + $1 - 1))
}

@test "scale to 8, to 3, to 5: who stays keeps pid and port, and the ports have no gap, over a daemon restart too" {
	herd 4
	before=$(first_pids 4)
	run -0 oxctl scale api 8 --wait
	assert_output "api: 4 -> 8 instances"
	assert_equal "$(ports api)" "$(row 8)"
	assert_equal "$(first_pids 4)" "$before"

	before=$(first_pids 3)
	oxctl scale api 3
	assert_equal "$(pids api)" "$before"
	assert_equal "$(children_named hello)" 3

	oxctl scale api 5 --wait
	assert_equal "$(ports api)" "$(row 5)"
	assert_equal "$(first_pids 3)" "$before"
	for i in 0 1 2 3 4; do
		answers $((port + i)) "hello from api:$i on port $((port + i))"
	done

	before=$(pids api)
	oxctl daemon restart
	assert_equal "$(pids api)" "$before"
	assert_equal "$(app_field api instances)" 5
	# The oxfile still says 4: what a person asked for later stands.
	oxctl start --wait
	assert_equal "$(pids api)" "$before"
}

@test "scaled counts are remembered when the daemon is stopped and started" {
	herd 2
	oxctl scale api 3 --wait
	oxctl daemon stop
	oxctl daemon start
	eventually 5 field_of_app api ready 3
	assert_equal "$(ports api)" "$(row 3)"
}

field_of_app() {
	[ "$(app_field "$1" "$2")" = "$3" ]
}

@test "scale understands +2, -1, 0 and several apps at once" {
	port=$(port_block 10)
	start_oxherd <<-TOML
		[processes.a]
		command = "hello"
		port = $port
		[processes.b]
		command = "hello"
		port = $((port + 5))
	TOML
	oxctl scale a=+2 b=2 --wait
	assert_equal "$(app_field a ready) $(app_field b ready)" "3 2"
	oxctl scale a -1
	assert_equal "$(app_field a instances)" 2
	oxctl scale a 0
	assert_equal "$(app_field b ready)" 2
	assert_equal "$(children_named hello)" 2
	oxctl scale a 1 --wait
	assert_equal "$(ports a)" "$port"
}

@test "a scale that cannot be is refused, and nothing changes" {
	port=$(port_block 10)
	start_oxherd <<-TOML
		[processes.a]
		command = "hello"
		port = $port
		[processes.b]
		command = "hello"
		port = $((port + 2))
	TOML
	before="$(pids a) $(pids b)"
	run oxctl scale a=3
	assert_failure
	assert_output --partial "a"
	assert_output --partial "b"
	run oxctl scale b=2 nobody=3
	assert_failure
	run oxctl scale a lots
	assert_failure
	run -2 oxctl scale a -9999999999
	run -2 --separate-stderr oxctl scale a 100000000
	assert_equal "$stderr" "oxctl: a: 100000000 instances are outside 0..10000"
	run -2 oxctl scale a=2 b=10001
	run -2 oxctl scale a +100000000
	assert_equal "$(pids a) $(pids b)" "$before"
}

@test "scale down while an instance is in backoff ends with the right count" {
	port=$(port_block 4)
	begin_oxherd <<-TOML
		[processes.bad]
		command = "actor --exit 1"
		instances = 4
		port = $port
		restart_delay_ms = 5000
	TOML
	eventually 5 state_is bad:3 backoff
	oxctl scale bad 1
	run -4 oxctl status bad:3
	assert_equal "$(ports bad)" "$port"
}

@test "more instances than there are descriptors for: those that are too many say so, and the daemon answers" {
	given_oxfile <<-TOML
		[processes.api]
		command = "sleep 1000"
		restart_delay_ms = 50
	TOML
	expect_error "Too many open files"
	(ulimit -n 200 && oxctl start 3>&-)
	oxctl scale api 80
	eventually 5 reason_has api:79 "Too many open files"
	for _ in $(seq 20); do
		run -0 oxctl status api:0
	done
	oxctl scale api 10
	eventually 10 ready_are api 10
}

ready_are() {
	[ "$(app_field "$1" ready)" = "$2" ]
}

@test "an app of no instances is still shown by status, in its JSON too" {
	herd 1
	oxctl scale api 0
	run -0 oxctl status
	assert_output "api: no instances"
	run -0 oxctl status api
	assert_output "api: no instances"
	run -0 oxctl status --json api
	assert_equal "$(app_field api instances)" 0
	run -0 python3 -c 'import json, sys; print([a["name"] for a in json.load(sys.stdin)["apps"]])' <<<"$output"
	assert_output "['api']"
}

@test "one that was started without a port shows none until it has one, and says from when" {
	start_oxherd <<-TOML
		[processes.api]
		command = "sleep 1000"
	TOML
	oxctl scale api 2 --wait
	run -0 oxctl status
	assert_line --regexp '^api:0 +[0-9]+ +running +- +- .* was started without a port; its next start has port 3[0-9]+$'
	assert_line --regexp '^api:1 +[0-9]+ +running +- +3[0-9]+ '
	oxctl restart api:0 --wait
	run -0 oxctl status
	assert_line --regexp '^api:0 +[0-9]+ +running +- +3[0-9]+ '
	refute_output --partial "without a port"
}
