# What the commands that need a daemon say when there is none.
load ../lib/common

@test "what asks the daemon is exit 3 without one, says how to start it, and starts nothing" {
	for command in "stop api" "stop --all" "restart api" "delete api" "delete --all" "scale api 4" \
		"status" "ls" "list --json" "ps" "why api" "events" "events -f" "plan" "diff" "signal HUP api" "reset --all" "reload all" "save" \
		"daemon stop" "daemon restart" "daemon status"; do
		# shellcheck disable=SC2086  # words
		run -3 --separate-stderr oxctl $command
		assert_equal "$output" ""
		assert_equal "$stderr" "oxctl: no daemon is running; start one with 'oxctl start'"
	done
	[ ! -e "$OXHERD_HOME" ]
}

@test "used wrongly is exit 2, before anybody is asked" {
	for command in "stop api --all" "scale" "scale api" "scale api=" "scale =4" "scale api=1 api=2" \
		"scale api=1 worker" "why" "why a b" "why a -n -1" "signal HUP" "status --watch" "status --watch --json" \
		"events -n -1" "daemon" "daemon strat" "stop --timeout soon" "start --timeout soon" "start web --" "start -- sleep 1" \
		"start a b -- sleep 1" "start web --env prod -- sleep 1" "start -i 2" "start --port 3000" \
		"plan --from a.toml api"; do
		given_oxfile <<<'processes.api.command = "sleep 1"'
		# shellcheck disable=SC2086  # words
		run -2 oxctl $command
	done
}

@test "start without an oxfile is exit 2, and starts no daemon" {
	run -2 --separate-stderr oxctl start
	assert_equal "$stderr" "oxctl: no oxfile.toml here; use --config FILE, or run a command directly: oxctl start NAME -- COMMAND"
	run -2 oxctl start api
	run -2 oxctl start --dry-run
	[ ! -e "$OXHERD_HOME" ]
}

@test "start with mistakes in the oxfile shows them, exit 2, and starts no daemon" {
	given_oxfile <<-'TOML'
		[processes.api]
		comand = "node api.js"
		command = "x"
	TOML
	run -2 --separate-stderr oxctl start
	assert_equal "$output" ""
	[[ $stderr == *"oxfile.toml:2:1"*"did you mean 'command'?"* ]]
	[ ! -e "$OXHERD_HOME" ]
	run -2 oxctl start -c nowhere.toml
	assert_output --partial "nowhere.toml"
}

@test "a dry run needs no daemon and starts none" {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "node api.js"
		instances = 2
		[processes.worker]
		command = "node worker.js"
		[processes.old]
		command = "x"
		disabled = true
		[processes.web]
		command = "x"
		depends_on = "api"
		namespace = "front"
	TOML
	run -0 --separate-stderr oxctl start --dry-run
	assert_equal "$output" "Would start: api (×2 instances), worker, web"
	run -0 oxctl start --dry-run worker
	assert_output "Would start: worker"
	# As with a daemon: what it depends on comes along.
	run -0 oxctl start --dry-run web
	assert_output "Would start: api (×2 instances), web"
	run -0 oxctl start --dry-run front
	assert_output "Would start: api (×2 instances), web"
	run -0 oxctl start --dry-run --only worker,api
	assert_output "Would start: api (×2 instances), worker"
	run -0 oxctl start --dry-run old
	assert_output "Would start: nothing"
	run -4 oxctl start --dry-run nobody
	assert_output "oxctl: there is no app or namespace 'nobody' in oxfile.toml"
	run -0 --separate-stderr oxctl start --dry-run --json
	[ "$(python3 -c 'import json,sys; print(json.load(sys.stdin)["would_start"][0]["instances"])' <<<"$output")" = 2 ]
	[ ! -e "$OXHERD_HOME" ]
}

@test "where there is no daemon there is nothing to upgrade" {
	run -3 oxctl daemon upgrade
	run -1 oxctl daemon upgrade --from nowhere
	assert_output --partial "cannot find the folder 'nowhere'"
}

@test "a socket that a killed daemon left behind is no daemon: any command wants to start one" {
	mkdir -p "$OXHERD_HOME/run" bin
	cp "$OXHERD_BUILD/oxctl" bin/
	python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()' \
		"$OXHERD_HOME/run/oxherd.sock"
	PATH=/usr/bin:/bin run -1 bin/oxctl status
	assert_output --partial "there is no 'oxherd'"
}

@test "a socket path that is too long has a message that says so" {
	OXHERD_HOME=$BATS_TEST_TMPDIR/$(printf 'x%.0s' {1..100}) run -1 oxctl status
	assert_output --partial "107"
}
