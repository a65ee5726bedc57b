# A daemon that only pretends, for files that test what oxctl says to it and makes of its answers.  At their top:  load fake
#
#	fake_daemon <<-JSON
#		{ "stop": { "result": { "apps": [ { "name": "api", "instances": 4 } ] } } }
#	JSON
#	run -0 oxctl stop api
#	asked 'a[0]["params"] == {"targets": ["api"]}'

# fake_daemon <<JSON: starts it with a script; fake_daemon.py says what that may hold.
fake_daemon() {
	cat >script.json
	mkdir -p "$OXHERD_HOME/run"
	# Else the socket of one that came before it is taken for its own, nobody answers there, and oxctl starts a real daemon.
	rm -f "$OXHERD_HOME/run/oxherd.sock"
	python3 "$OX_TOP/tests/cli/fake_daemon.py" "$OXHERD_HOME/run/oxherd.sock" script.json asked.json 3>&- &
	echo $! >>fakes.pid
	eventually 5 test -S "$OXHERD_HOME/run/oxherd.sock"
}

# A file with a teardown of its own calls this.
end_fakes() {
	local pid
	[ -e "$BATS_TEST_TMPDIR/fakes.pid" ] || return 0
	while read -r pid; do
		kill "$pid" 2>/dev/null || :
	done <"$BATS_TEST_TMPDIR/fakes.pid"
}

teardown() {
	end_fakes
}

# asked EXPRESSION: what is true of `a`, the requests that it got, in Python; p is the params of the last one.
asked() {
	python3 - "$1" <<-'PY'
		import json, os, sys
		a = [json.loads(line) for line in open("asked.json")]
		p = a[-1].get("params", {})
		if not eval(sys.argv[1]):
		    print("not so:", sys.argv[1])
		    print(json.dumps(a, indent=1))
		    sys.exit(1)
	PY
}

# is_json TEXT: JSON and nothing else.
is_json() {
	python3 -c 'import json, sys; json.loads(sys.argv[1])' "$1"
}
