# What belongs to the daemon and is deleted while it runs is made again, and no service notices.
load ../lib/daemon

herd() {
	start_oxherd <<-'TOML'
		[processes.api]
		command = "actor --say-on 'USR1 heard' --exit-on 'USR2 42' --mark"
		restart_delay_ms = 20
	TOML
	keeper=$(keeper_pid)
	before=$(pid_of api:0)
}

is_as_before() {
	assert_equal "$(keeper_pid) $(pid_of api:0)" "$keeper $before"
}

# What it says is in the log, its end is noticed, and what comes after it is started.
works() {
	local said=$1
	oxctl signal USR1 api
	eventually 5 eval '[ "$(output_of api:0 | grep -c heard)" = '"$said"' ]'
}

# Once more where something was just written into it.
delete() {
	rm -rf "$1" 2>/dev/null || rm -rf "$1"
}

@test "a socket that is deleted is made again" {
	herd
	rm "$OXHERD_HOME/run/oxherd.sock"
	run -0 oxctl status
	is_as_before
	works 1
}

@test "a run folder that is deleted is made again, and nobody starts a second daemon" {
	herd
	delete "$OXHERD_HOME/run"
	run -0 oxctl start
	assert_output "api: already running"
	is_as_before
	works 1
	run -1 oxherd
	assert_output --partial "another oxherd (pid $keeper)"
	kill -USR2 "$before"
	eventually 5 field_is api:0 restarts 1
	assert field_is api:0 code 42
	eventually 5 state_is api:0 running
	works 2
	# The next daemon finds what runs.
	before=$(pid_of api:0)
	expect_error "the keeper is gone"
	expect_error "the keeper cannot be reached"
	kill -KILL "$keeper" "$(brain_pid)"
	run -0 oxctl status
	assert_equal "$(pid_of api:0)" "$before"
}

@test "a state folder that is deleted is made again, and holds what there is" {
	herd
	delete "$OXHERD_HOME/state"
	eventually 5 test -s "$OXHERD_HOME/state/state"
	run -0 oxctl scale api 2
	is_as_before
	oxctl daemon stop
	oxctl daemon start 3>&-
	eventually 5 state_is api:1 running
}

@test "everything that the daemon has is deleted at once, and made again" {
	herd
	delete "$OXHERD_HOME"
	eventually 5 test -S "$OXHERD_HOME/run/oxherd.sock"
	run -0 oxctl status
	is_as_before
	oxctl daemon stop
}

@test "where the brain was dead when the run folder was deleted the next one makes it" {
	herd
	kill -STOP "$keeper"
	kill -KILL "$(pgrep -P "$keeper" -x oxherd-brain)"
	delete "$OXHERD_HOME/run"
	kill -CONT "$keeper"
	run -0 oxctl status
	is_as_before
}

@test "where both folders are deleted a start in that moment finds the daemon that lives, and begins no second one" {
	start_oxherd <<-'TOML'
		[processes.api]
		command = "sleep 1000"
	TOML
	keeper=$(keeper_pid)
	for pause in 0 0.1 0.3; do
		rm -rf "$OXHERD_HOME/run" "$OXHERD_HOME/state" 2>/dev/null || :
		sleep "$pause"
		run -0 oxctl start --wait 3>&-
		assert_equal "$(keeper_pid)" "$keeper"
		assert_equal "$(children_named sleep)" 1
	done
}

@test "the daemon keeps no folder busy: it stands in /, wherever it was started" {
	mkdir elsewhere
	ln -s "$OXHERD_BUILD/oxherd-brain" elsewhere/my-brain
	cd elsewhere
	OXHERD_HOME=../herd-here
	oxherd --daemon --brain ./my-brain 3>&-
	export OXHERD_HOME=$BATS_TEST_TMPDIR/herd-here
	assert_equal "$(readlink "/proc/$(keeper_pid)/cwd")" /
	assert_equal "$(readlink "/proc/$(brain_pid)/cwd")" /
	kill -KILL "$(brain_pid)"
	run -0 oxctl status
	oxctl daemon stop
}

@test "the first process of a container is found as any other daemon, before it serves and without its socket" {
	unshare -p -f --mount-proc true 2>/dev/null || skip "needs a process namespace of its own"
	cat >inside.sh <<-'SH'
		until [ -s "$OXHERD_HOME/run/oxherd.lock" ] && pkill -STOP -f oxherd-brain; do :; done
		[ -e "$OXHERD_HOME/run/oxherd.sock" ] || timeout 2 oxctl start
		pgrep -cx oxherd >said.txt
		pkill -CONT -f oxherd-brain
		timeout 10 oxctl start web -- sleep 1000 >>said.txt 2>&1
		rm "$OXHERD_HOME/run/oxherd.sock"
		oxctl daemon status >>said.txt 2>&1
		pgrep -cx oxherd >>said.txt
		oxctl daemon stop >>said.txt 2>&1
	SH
	timeout 60 unshare -p -f --mount-proc --kill-child sh -c 'sh inside.sh & exec oxherd' >daemon.txt 2>&1 3>&-
	run -0 cat said.txt
	assert_line "web: 1 instance started"
	assert_line --regexp "^pid +1, its brain"
	refute_line 2
}
