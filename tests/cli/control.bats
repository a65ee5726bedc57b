# What the other commands ask of the daemon, and what they print.
load ../lib/common
load fake

APPS='{ "result": { "apps": [ { "name": "api", "instances": 4 }, { "name": "worker", "instances": 1 } ] } }'

@test "stop, restart, delete and reset name what they did it to" {
	fake_daemon <<<"{ \"stop\": $APPS, \"restart\": $APPS, \"delete\": $APPS, \"reset\": $APPS, \"signal\": $APPS }"
	run -0 oxctl stop --all
	assert_output $'api: stopped\nworker: stopped'
	asked 'p == {}'
	run -0 oxctl stop all
	asked 'p == {}'
	run -0 oxctl stop api:2 worker --timeout 3
	asked 'p == {"targets": ["api:2", "worker"], "timeout_ms": 3000}'
	run -0 oxctl restart api --wait --timeout 2m
	assert_output $'api: restarted\nworker: restarted'
	asked 'p == {"targets": ["api"], "wait": True, "timeout_ms": 120000}'
	run -0 oxctl delete --all
	assert_output $'api: deleted\nworker: deleted'
	asked 'p == {}'
	run -0 oxctl reset api
	assert_output $'api: reset\nworker: reset'
	run -0 oxctl signal HUP api
	assert_output $'api: HUP sent to 4 instances\nworker: HUP sent to 1 instance'
	asked 'p == {"signal": "HUP", "targets": ["api"]}'
	run -0 --separate-stderr oxctl stop --all --json
	is_json "$output"
}

@test "output that cannot be written is an error that is said once" {
	[ -e /dev/full ] || skip "there is no /dev/full"
	fake_daemon <<-JSON
		{ "stop": $APPS, "logs": { "result": {} },
		  "events": { "result": { "seq": 1, "events": [ { "seq": 1, "at": "2026-01-01T00:00:00Z", "app": "api", "kind": "added" } ] } } }
	JSON
	for command in "events" "events --json" "stop api" "stop api --json" "help"; do
		run -1 bash -c "oxctl $command >/dev/full"
		assert_output "oxctl: cannot write to standard output"
	done
}

@test "nothing to stop is said on stderr, and is no failure" {
	fake_daemon <<<'{ "stop": { "result": { "apps": [] } } }'
	run -0 --separate-stderr oxctl stop --all
	assert_equal "$output" ""
	assert_equal "$stderr" "oxctl: there is no app to stop"
}

@test "without a target the oxfile of this folder is meant; where there is none, the error names the three ways out" {
	fake_daemon <<<"{ \"stop\": $APPS, \"restart\": $APPS, \"reload\": $APPS, \"delete\": $APPS, \"reset\": $APPS }"
	for command in stop restart reload delete reset deploy; do
		HOME=$PWD/nowhere XDG_CONFIG_HOME='' run -2 oxctl "$command"
		assert_output "oxctl: $command: no oxfile.toml here, and no target named; name an app, use --config FILE, or --all for every app"
		run -2 oxctl "$command" --all api
		assert_output "oxctl: $command: --all is for every app, and 'api' is one; say either"
		run -2 oxctl "$command" --all --config x.toml
	done
	[ ! -e asked.json ]
	given_oxfile <<<'processes.api.command = "x"'
	ln -s . link
	for command in stop restart reload delete reset; do
		run -0 oxctl "$command"
		# A restart asks once more, for what was edited since.
		asked '[r for r in a if r["method"] != "apply"][-1]["params"] == {"oxfiles": [os.path.realpath("oxfile.toml")]}'
		run -0 oxctl "$command" -c link/oxfile.toml api
		asked '[r for r in a if r["method"] != "apply"][-1]["params"] == {"targets": ["api"], "oxfiles": [os.path.realpath(".") + "/link/oxfile.toml", os.path.realpath("oxfile.toml")]}'
		run -0 oxctl "$command" -c gone/oxfile.toml
		asked '[r for r in a if r["method"] != "apply"][-1]["params"] == {"oxfiles": [os.path.realpath(".") + "/gone/oxfile.toml"]}'
		run -0 oxctl "$command" api all
		asked '[r for r in a if r["method"] != "apply"][-1]["params"] == {}'
	done
	for command in status events save logs; do
		run -2 oxctl "$command" --all api
	done
}

@test "an older daemon, which knows targets only, gets a message with the command to type" {
	local old='"code": -32602, "message": "stop: unknown parameter '"'oxfiles'"'"'
	fake_daemon <<-JSON
		{ "stop": [ { "error": { $old } },
			{ "error": { $old, "data": { "code": "unknown_parameter", "parameter": "oxfiles" } } },
			{ "error": { "code": -32602, "message": "stop: 'targets' is to be an array of strings" } } ] }
	JSON
	given_oxfile <<<'processes.api.command = "x"'
	# The oldest say so in their message alone.
	for _ in 1 2; do
		run -2 oxctl stop
		assert_output --partial "the daemon is older than this oxctl"
		assert_output --partial "'oxctl daemon upgrade'"
	done
	run -2 oxctl stop
	refute_output --partial "older"
}

@test "notes of the daemon go to stderr, also with --json" {
	fake_daemon <<<'{ "restart": { "result": { "apps": [], "notes": ["the oxfile has changed"] } } }'
	run -0 --separate-stderr oxctl restart --all --json
	is_json "$output"
	assert_equal "$stderr" "oxctl: the oxfile has changed"
}

# said NOTES: a daemon that has restarted api, and whose oxfile was edited since.
said() {
	fake_daemon <<<"{ \"restart\": { \"result\": { \"apps\": [ { \"name\": \"api\", \"instances\": 1 } ] } },
		\"apply\": { \"result\": { \"would_start\": [], $1 } } }"
}

@test "of the notes about an edited oxfile a restart shows those about its apps, whatever they begin with" {
	given_oxfile <<<'processes.api.command = "x"'
	said '"notes": [ "api: edited", "api-next: edited", "web: edited" ],
		"noted": [ { "app": "api", "text": "api: edited" }, { "app": "api-next", "text": "api: of another" }, { "app": "web", "text": "web: edited" } ]'
	run -0 --separate-stderr oxctl restart api
	assert_equal "$stderr" "oxctl: api: edited"
	# An earlier version does not say whose they are.
	said '"notes": [ "api: edited", "web: edited" ]'
	run -0 --separate-stderr oxctl restart api
	assert_equal "$stderr" $'oxctl: api: edited\noxctl: web: edited'
}

@test "a bad --timeout is exit 2" {
	fake_daemon <<<"{ \"stop\": $APPS }"
	for text in soon -1 1x 99999999999999999999; do
		run -2 oxctl stop --all "--timeout=$text"
		assert_output --partial "--timeout needs seconds"
	done
	[ ! -e asked.json ]
}

@test "a daemon that does not answer within the timeout and a little is exit 5" {
	fake_daemon <<<'{ "stop": { "silent": true } }'
	run -5 timeout 20 oxctl stop --all --timeout 1ms
	assert_output --partial "did not answer in time"
}

# A keeper that counts: as its lock names it, and by the name that keepers have.  It says by a file that it listens.
fake_keeper() {
	bash -c 'exec -a oxherd bash -c "$1"' - 'trap "echo >>nudges" USR1; : >keeper.ready; while :; do sleep 0.1; done' 3>&- &
	echo $! >>fakes.pid
	echo $! >"$OXHERD_HOME/run/oxherd.lock"
	eventually 5 test -e keeper.ready
}

@test "a daemon that takes its time is asked whether it is there, and one that answers is left in peace" {
	fake_daemon <<<'{ "stop": { "silent": true }, "ping": { "result": "pong" } }'
	fake_keeper
	run -5 timeout 20 oxctl stop --all --timeout 1ms
	asked '[r["method"] for r in a][:2] == ["stop", "ping"]'
	[ ! -e nudges ]
}

@test "where a daemon does not even say that it is there, its keeper gets a signal" {
	fake_daemon <<<'{ "stop": { "silent": true }, "ping": { "silent": true } }'
	fake_keeper
	run -5 timeout 20 oxctl stop --all --timeout 1ms
	assert_output --partial "did not answer in time"
	eventually 5 test -e nudges
}

@test "scale takes APP N, relative counts, words and pairs" {
	fake_daemon <<<'{ "scale": { "result": { "apps": [ { "name": "api", "from": 4, "to": 6 }, { "name": "w", "from": 1, "to": 1 } ] } } }'
	run -0 oxctl scale api 6
	assert_output $'api: 4 -> 6 instances\nw: already 1 instance'
	asked 'p == {"counts": {"api": 6}}'
	run -0 oxctl scale api +2
	asked 'p["counts"] == {"api": "+2"}'
	run -0 oxctl scale api -1
	asked 'p["counts"] == {"api": "-1"}'
	run -0 oxctl scale api max
	asked 'p["counts"] == {"api": "max"}'
	run -0 oxctl scale api=4 worker=2 x=+1 y=50% --wait
	asked 'p == {"counts": {"api": 4, "worker": 2, "x": "+1", "y": "50%"}, "wait": True}'
	run -2 oxctl scale api=1 worker
	assert_output "oxctl: scale: how many instances of 'worker'? Write 'oxctl scale worker 4', or +1, -1, max, 50%"
}

@test "why tells the timeline, and --json the answer as it is" {
	fake_daemon <<-'JSON'
		{ "why": { "result": { "target": "api:2", "instances": [ { "id": "api:2", "status": "backoff", "reason": "exit code 3",
			"next_restart_ms": 200, "restarts": 3, "crashes": 1, "last_exit": { "code": 3, "signal": null, "at": "2026-11-20T12:01:02.123Z" },
			"timeline": [ { "at": "2026-11-20T12:01:02.123Z", "kind": "state", "from": "running", "to": "backoff", "on": "crash", "words": "exit code 3" } ] } ] } } }
	JSON
	run -0 oxctl why api:2 -n 5
	assert_line "api:2: backoff, next start in 200 ms"
	assert_line "  3 restarts, 1 crash, last exit with code 3 at 2026-11-20 12:01:02.123"
	assert_line "  12:01:02.123  running -> backoff  on crash  exit code 3"
	asked 'p == {"target": "api:2", "limit": 5}'
	run -0 --separate-stderr oxctl why api:2 --json
	is_json "$output"
}

@test "plan without --from asks the daemon, with the oxfile if there is one here" {
	fake_daemon <<-'JSON'
		{ "plan": { "result": { "version": 1, "steps": [
			{ "id": "api:0", "name": "api", "instance": 0, "verb": "replace", "old_port": 3000, "new_port": 3000, "why": "command changed" },
			{ "id": "api:1", "name": "api", "instance": 1, "verb": "start", "old_port": null, "new_port": 3001, "why": "instances 1 -> 2" },
			{ "id": "w:0", "name": "w", "instance": 0, "verb": "dance", "why": "a later version" } ] } } }
	JSON
	run -0 oxctl plan
	assert_line --regexp '^api:0 +replace +3000 +command changed$'
	assert_line --regexp '^api:1 +start +3001 '
	assert_line "1 to start, 1 to replace"
	asked 'set(p) == {"env"}'
	given_oxfile <<<'processes.api.command = "x"'
	run -0 --separate-stderr oxctl diff api --env prod --json
	is_json "$output"
	asked 'p["text"] == open("oxfile.toml").read() and p["only"] == ["api"] and p["profile"] == "prod"'
	run -0 oxctl plan -c oxfile.toml
	asked 'p["oxfile"] == os.path.realpath("oxfile.toml")'
}

@test "save prints the oxfile, or replaces a file that only its owner may read" {
	fake_daemon <<<'{ "save": { "result": { "text": "[processes.web]\ncommand = [\"x\"]\n" } } }'
	run -0 oxctl save web
	assert_output $'[processes.web]\ncommand = ["x"]'
	asked 'p == {"targets": ["web"]}'
	run -0 oxctl save -o out.toml
	assert_output ""
	assert_equal "$(stat -c %a out.toml)" 600
	assert_equal "$(cat out.toml)" $'[processes.web]\ncommand = ["x"]'
	run -1 oxctl save -o nowhere/out.toml
	run -0 --separate-stderr oxctl save web --json
	is_json "$output"
	assert_output --partial '"text": "[processes.web]\ncommand = [\"x\"]\n"'
	run -2 oxctl save --json -o out.toml
	assert_output --partial "say either"
}

@test "events are a line each, and JSON on request" {
	fake_daemon <<-'JSON'
		{ "events": { "result": { "seq": 7, "events": [ { "seq": 7, "at": "2026-11-20T12:01:02.123Z", "kind": "state", "id": "api:2",
			"app": "api", "instance": 2, "from": "running", "to": "backoff", "on": "crash", "why": "exit code 3", "cause": { "code": "exited", "exit_code": 3 },
			"pid": 1, "delay_ms": 200 } ] } } }
	JSON
	run -0 oxctl events api -n 3
	assert_line --index 0 "2026-11-20"
	assert_line --index 1 "12:01:02.123  api:2  running -> backoff  on crash  exit code 3, restart in 200 ms"
	asked 'p == {"targets": ["api"], "limit": 3}'
	TZ=EET-2 run -0 oxctl events
	assert_output --partial "14:01:02.123  api:2"
	run -0 --separate-stderr oxctl events --json
	is_json "$output"
}

@test "events -f continues without a gap or a double, also with targets, until the daemon is gone" {
	fake_daemon <<-'JSON'
		{ "subscribe": { "result": { "seq": 2, "snapshot": null } },
		  "events": [
			{ "result": { "seq": 1, "events": [ { "seq": 1, "app": "a", "kind": "note", "why": "one" } ] } },
			{ "result": { "seq": 2, "events": [ { "seq": 2, "app": "a", "kind": "note", "why": "two" } ] },
			  "events": [ { "seq": 3, "app": "b" }, { "seq": 4, "app": "a" } ] },
			{ "result": { "seq": 4, "events": [ { "seq": 4, "app": "a", "kind": "note", "why": "four" } ] },
			  "events": [ { "seq": 5, "app": "a" } ], "exit": true } ] }
	JSON
	run -3 --separate-stderr timeout 20 oxctl events -f a --json -n 1
	assert_equal "$(python3 -c 'import json,sys; print([json.loads(l)["why"] for l in sys.stdin])' <<<"$output")" "['one', 'two', 'four']"
	asked '[r["params"].get("since") for r in a if r["method"] == "events"][:3] == [None, 1, 2]'
	asked '[r["params"].get("limit") for r in a if r["method"] == "events"][:3] == [1, None, None]'
}

@test "daemon status says where and since when, and --json the answer as it is" {
	fake_daemon <<-'JSON'
		{ "daemon.info": { "result": { "pid": 4100, "brain_pid": 4101, "version": "0.1.0", "uptime_secs": 93, "brain_restarts": 1,
			"run": "/run/oxherd", "state": "/var/lib/oxherd", "log": "/var/log/oxherd", "trouble": null } } }
	JSON
	run -0 oxctl daemon status
	assert_line --regexp '^pid +4100, its brain 4101$'
	assert_line --regexp '^up +1m 33s, the brain restarted 1 time$'
	assert_line --regexp '^run +/run/oxherd$'
	refute_output --partial trouble
	run -0 --separate-stderr oxctl daemon status --json
	is_json "$output"
}

@test "daemon stop waits until the daemon is really gone" {
	fake_daemon <<<'{ "daemon.info": { "result": { "pid": "@pid" } }, "daemon.shutdown": { "result": {}, "exit": true } }'
	run -0 oxctl daemon stop
	assert_output "the daemon and its services have stopped"
	asked 'p == {"keep_services": False}'
	run -3 oxctl daemon stop
}
