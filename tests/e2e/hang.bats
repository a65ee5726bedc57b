# A daemon that does not answer, whatever holds it, is replaced, and no service notices.
load ../lib/daemon

brain_is_another() {
	[ "$(brain_pid)" != "$brain" ]
}

worker() {
	start_oxherd <<-'TOML'
		[processes.worker]
		command = "actor --exit-on 'USR2 42' --mark"
		restart_delay_ms = 20
	TOML
	brain=$(brain_pid)
	keeper=$(keeper_pid)
	before=$(pid_of worker:0)
}

@test "a brain that was stopped is replaced, and a command that waits for it has its answer" {
	worker
	kill -STOP "$brain"
	run -0 oxctl status --json
	json_field brain_pid <<<"$output" >/dev/null
	assert brain_is_another
	assert_equal "$(keeper_pid) $(pid_of worker:0)" "$keeper $before"
	assert_logged "has not answered"
}

@test "a brain that was stopped is replaced though nobody asks it anything" {
	worker
	kill -STOP "$brain"
	eventually 20 is_gone "$brain"
	kill -USR2 "$before"
	eventually 5 field_is worker:0 restarts 1
	assert_equal "$(keeper_pid)" "$keeper"
}

@test "SIGTERM to the keeper stops everything though its brain is stopped" {
	worker
	kill -STOP "$brain"
	kill -TERM "$keeper"
	eventually 25 nothing_left
}

@test "SIGTERM to the keeper stops everything though the next brain has to ask for deleted pipes first" {
	worker
	kill -STOP "$brain"
	rm "$OXHERD_HOME"/run/pipes/*
	kill -TERM "$keeper"
	kill -KILL "$brain"
	eventually 8 nothing_left
}

@test "daemon stop ends a daemon whose brain is stopped" {
	worker
	kill -STOP "$brain"
	run -0 oxctl daemon stop
	assert nothing_left
}

is_held() {
	grep -q '^State:.*stopped' "/proc/$brain/status"
}

@test "a brain that was stopped and continues in time is left alone" {
	worker
	kill -STOP "$brain"
	eventually 5 is_held
	oxctl status --json >answer 3>&- &
	kill -CONT "$brain"
	wait $!
	assert [ -s answer ]
	assert_equal "$(brain_pid)" "$brain"
	refute_logged "has not answered"
}

@test "a brain whose assertion fails ends with the words, the next one takes over, and no service notices" {
	expect_error "assertion failed"
	expect_error "was ended by signal 6"
	"$OXHERD_BUILD/oxherd" --daemon --brain "$OXHERD_BUILD/tests/failing-brain" 3>&-
	worker
	touch "$OXHERD_HOME/failing"
	kill -USR1 "$keeper"
	eventually 20 is_gone "$brain"
	assert brain_is_another
	assert_equal "$(keeper_pid) $(pid_of worker:0)" "$keeper $before"
	assert_logged "error assertion failed at tests/e2e/failing_brain.c:"
	assert_logged "a test asked for it (unlink(path) < 0)"
	oxctl restart --wait worker
	assert [ "$(pid_of worker:0)" != "$before" ]
}

@test "what a crash leaves behind is stopped though the brain is stopped" {
	start_oxherd <<-'TOML'
		[processes.worker]
		command = "actor --grandchild --mark"
		restart = "never"
	TOML
	brain=$(brain_pid)
	before=$(pid_of worker:0)
	[ "$(children_named actor)" = 2 ]
	kill -STOP "$brain"
	kill -KILL "$before"
	eventually 4 no_children actor
	grep -q '^State:.*stopped' "/proc/$brain/status"
}
