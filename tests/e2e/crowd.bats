# The load generator itself, against a server that misbehaves on purpose: a proof that counts nothing proves nothing.
load ../lib/daemon

rude_up() {
	port=$(port_block 1)
	python3 "$OX_TOP/tests/load/rude.py" "$port" counts 3>&- &
	rude=$!
	eventually 5 port_is_busy "$port"
}

rude_down() {
	kill "$rude"
	wait "$rude" || :
	rude=
}

teardown() {
	[ -z "${rude:-}" ] || kill "$rude"
}

crowd() {
	"$OXHERD_BUILD/tests/crowd" "$@" >report
}

# reported failed: a number of the report.
reported() {
	python3 -c 'import json, sys; print(json.load(open("report"))[sys.argv[1]])' "$1"
}

# did short: how often the server did that.
did() {
	awk -v word="$1" '$1 == word { found = $2 } END { print found + 0 }' counts
}

@test "each kind of failure is counted, as often as it happened, for GET and for POST" {
	for how in "" "--post 3000"; do
		rude_up
		# shellcheck disable=SC2086  # two words, or none
		crowd --close --connections 8 --secs 1 --timeout-ms 100 --expect hello $how "http://127.0.0.1:$port/mixed"
		rude_down
		for kind in reset empty timed_out status wrong; do
			assert_equal "$kind $(reported $kind)" "$kind $(did $kind)"
		done
		assert [ "$(reported short)" = $(($(did short) + $(did short-chunk))) ]
		assert [ "$(reported broken)" = $(($(did broken) + $(did too-much))) ]
		assert [ "$(reported ok)" = $(($(did ok) + $(did chunked) + $(did continued) + $(did open-end))) ]
		assert [ "$(reported ok)" -gt 8 ]
		assert [ "$(reported requests)" = $(($(reported ok) + $(reported failed))) ]
		assert_equal "$(reported refused) $(reported unable) $(reported retried)" "0 0 0"
	done
}

@test "where nobody listens every request is refused" {
	crowd --connections 2 --rate 20 --secs 1 "http://127.0.0.1:$(port_block 1)/"
	assert_equal "$(reported refused) $(reported failed) $(reported ok)" "20 20 0"
	run -0 cat report
	assert_output --regexp '"refused after [0-9]+ ms, at 0\.[0-9]+ s, while connecting"'
}

@test "at a constant rate as many are asked as are due, on connections that stay" {
	rude_up
	crowd --connections 4 --rate 200 --secs 2 "http://127.0.0.1:$port/ok"
	assert_equal "$(reported ok) $(reported failed) $(reported connections)" "400 0 4"
	crowd --close --connections 4 --rate 200 --secs 1 "http://127.0.0.1:$port/ok"
	assert_equal "$(reported ok) $(reported failed) $(reported connections)" "200 0 200"
	rude_down
	assert_equal "$(did ok)" 600
}

@test "what is due while all are busy waits, and its wait is in the figures" {
	rude_up
	crowd --connections 1 --rate 10 --secs 1 --timeout-ms 400 "http://127.0.0.1:$port/timed_out"
	assert_equal "$(reported timed_out)" "$(reported requests)"
	assert [ "$(reported requests)" -le 3 ]
	run -0 python3 -c 'import json; exit(json.load(open("report"))["late_ms"] < 300)'
}

@test "a connection that was closed while it rested is not used again" {
	rude_up
	for how in "" "--post 10"; do
		# shellcheck disable=SC2086
		crowd --connections 2 --rate 50 --secs 1 $how "http://127.0.0.1:$port/once/ok"
		assert_equal "$(reported ok) $(reported failed) $(reported retried)" "50 0 0"
		assert [ "$(reported idle_closed)" -ge 48 ]
	done
}

@test "a connection that is closed under a request is asked again once for GET, never for POST" {
	rude_up
	crowd --connections 2 --rate 50 --secs 1 "http://127.0.0.1:$port/twice/ok"
	assert_equal "$(reported ok) $(reported failed)" "50 0"
	assert_equal "$(reported retried)" 48
	crowd --connections 2 --rate 50 --secs 1 --post 10 "http://127.0.0.1:$port/twice/ok"
	assert_equal "$(reported retried) $(reported cut)" "0 $(reported failed)"
	assert [ "$(reported failed)" -ge 20 ]
	rude_down
	assert [ "$(did dropped)" -ge 68 ]
}

@test "a bad address or a bad figure is a mistake of use" {
	run -2 "$OXHERD_BUILD/tests/crowd" http://localhost/
	assert_output --partial "usage: crowd"
	run -2 "$OXHERD_BUILD/tests/crowd" --connections 0 http://127.0.0.1:80/
	run -2 "$OXHERD_BUILD/tests/crowd" --rate x http://127.0.0.1:80/
}
