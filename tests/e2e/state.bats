# What the daemon remembers, and what it does when that cannot be read or written.
load ../lib/daemon

herd() {
	start_oxherd <<-'TOML'
		[processes.api]
		command = "actor --mark"
		instances = 2

		[processes.down]
		command = "actor --mark"
	TOML
	oxctl stop down
	# So that the snapshot before the last one knows all of it too.
	oxctl scale api 3
	oxctl scale api 2
	oxctl daemon stop
	state=$OXHERD_HOME/state/state
}

api_runs() {
	[ "$(app_field api ready)" = 2 ]
}

# The daemon starts, continues from the state before, and names what it set aside.
goes_on_after() {
	oxctl daemon start 3>&-
	eventually 5 api_runs
	assert state_is down:0 stopped
	assert_logged "was set aside as '$state.bad-$1-1'"
	assert_logged "'$state.prev' is used instead"
	[ -e "$state.bad-$1-1" ]
}

# spoil FILE: another file replaces it, as a kill in the middle of saving may have left two names of one.
spoil() {
	cp "$1" "$1.spoilt"
	printf 'X' | dd of="$1.spoilt" bs=1 seek=200 conv=notrunc status=none
	mv "$1.spoilt" "$1"
}

in_mounts() {
	local options=-m
	[ "$(id -u)" = 0 ] || options=-rm
	unshare $options sh -c "$1" 3>&-
}

@test "a corrupt state is set aside and named, and the one before it is used" {
	herd
	spoil "$state"
	goes_on_after corrupt
}

@test "a truncated state is set aside" {
	herd
	truncate -s 300 "$state"
	goes_on_after corrupt
}

@test "an empty state is set aside" {
	herd
	: >"$state"
	goes_on_after corrupt
}

@test "a state of a newer version is set aside, and called that" {
	herd
	sed -i '1s/^oxherd state [0-9]* /oxherd state 999 /' "$state"
	goes_on_after newer
}

@test "a folder in the place of the state is set aside" {
	herd
	rm "$state"
	mkdir "$state"
	goes_on_after no-file
}

@test "a state that is a link to somebody's file is set aside, and the file is not touched" {
	herd
	mv "$state" "$BATS_TEST_TMPDIR/elsewhere"
	sum=$(cksum <"$BATS_TEST_TMPDIR/elsewhere")
	ln -s "$BATS_TEST_TMPDIR/elsewhere" "$state"
	goes_on_after no-file
	assert_equal "$(cksum <"$BATS_TEST_TMPDIR/elsewhere")" "$sum"
}

@test "a state of another user is set aside" {
	[ "$(id -u)" = 0 ] || skip "only root can give a file away"
	herd
	chown 65534 "$state"
	goes_on_after foreign
}

@test "where nothing can be used the daemon starts all the same, with nothing" {
	herd
	echo nonsense >"$state"
	echo nonsense >"$state.prev"
	oxctl daemon start 3>&-
	run -0 oxctl status --json
	assert_output --partial '"apps": []'
	[ -e "$state.bad-corrupt-1" ]
	[ -e "$state.prev.bad-corrupt-1" ]
	cd "$BATS_TEST_TMPDIR"
	oxctl start --wait
	assert api_runs
}

@test "the second bad file does not take the place of the first" {
	herd
	echo one >"$state"
	oxctl daemon start 3>&-
	oxctl daemon stop
	echo two >"$state"
	oxctl daemon start 3>&-
	assert_equal "$(cat "$state.bad-corrupt-1" "$state.bad-corrupt-2")" "$(printf 'one\ntwo')"
}

@test "a corrupt state while services live: they are kept, by what the one before knows" {
	expect_error "the keeper is gone"
	start_oxherd <<-'TOML'
		[processes.api]
		command = "actor --mark"
		instances = 2
	TOML
	oxctl scale api 3
	oxctl scale api 2
	before=$(pids api)
	eventually 5 test -e "$OXHERD_HOME/state/state.prev"
	kill -KILL "$(keeper_pid)" "$(brain_pid)"
	spoil "$OXHERD_HOME/state/state"
	oxctl status 2>/dev/null
	# It may be one command older than the last one.
	assert_equal "$(pids api | head -n 2)" "$before"
}

@test "with a state folder that cannot be written the daemon runs, and status says what is the trouble" {
	herd
	in_mounts "mount --bind $OXHERD_HOME/state $OXHERD_HOME/state &&
		mount -o remount,ro,bind $OXHERD_HOME/state && exec oxherd --daemon"
	eventually 5 api_runs
	assert state_is down:0 stopped
	run -0 --separate-stderr oxctl scale api 3
	assert_output "api: 2 -> 3 instances"
	[[ "$stderr" = "oxctl: done, but not saved: "*"Read-only file system; the daemon tries again every 5 s" ]]
	eventually 5 state_is api:2 running
	run -0 oxctl daemon status
	assert_line --regexp '^trouble +.*Read-only file system'
	assert_equal "$(daemon_log | grep -c 'warn store:')" 1
}

@test "with a full disk the daemon runs, says so once, and saves when there is room again" {
	herd
	in_mounts "cp -a $OXHERD_HOME/state $BATS_TEST_TMPDIR/copy && mount -t tmpfs -o size=128k,mode=700 none $OXHERD_HOME/state &&
		cp -a $BATS_TEST_TMPDIR/copy/. $OXHERD_HOME/state && { cat /dev/zero >$OXHERD_HOME/state/filler; exec oxherd --daemon; }" 2>/dev/null
	eventually 5 api_runs
	run -0 env BIG="$(head -c 40000 /dev/zero | tr '\0' x)" oxctl start big -- actor --mark
	assert_line --regexp "^oxctl: done, but not saved: .*'$OXHERD_HOME/state/.*No space left on device"
	run -0 oxctl scale big 2 --json
	assert_line --regexp '"saved": false'
	assert_line --regexp '"warning": ".*No space left on device'
	run -0 oxctl daemon status
	assert_line --regexp '^trouble +.*No space left on device'
	assert_equal "$(daemon_log | grep -c 'warn store:')" 1
	nsenter -t "$(keeper_pid)" -m rm "$OXHERD_HOME/state/filler"
	eventually 10 is_logged "can be written again"
	run -0 oxctl daemon status
	refute_output --partial trouble
}

# A file of each minor version, written by it; nobody may change one.
@test "a state as version 0.1 wrote it is read: what was up is up, what was stopped is not, scale and ports are as they were" {
	mkdir -p "$OXHERD_HOME/state"
	chmod 700 "$OXHERD_HOME/state"
	cp "$BATS_TEST_DIRNAME/states/0.1" "$OXHERD_HOME/state/state"
	run -0 "$OXHERD_BUILD/oxherd-brain" --check
	oxctl daemon start 3>&-
	eventually 5 state_is web:2 starting
	eventually 5 state_is once:0 running
	assert state_is down:0 stopped
	assert_equal "$(ports web)" "18700 18701 18702"
	refute_logged "was set aside"
	# Its environment was its own, so that nothing else finds it.
	oxctl daemon stop
}

@test "when no state file can be used running services are kept, why says so, and a deploy restores their definition" {
	expect_error "the keeper is gone"
	start_oxherd <<-'TOML'
		[processes.api]
		command = "actor --mark"
		instances = 2
		deploy = { min_healthy_secs = 0 }
	TOML
	oxctl scale api 3
	before=$(pids api)
	eventually 5 test -e "$OXHERD_HOME/state/state.prev"
	# It would save what is being started meanwhile.
	brain=$(brain_pid)
	kill -STOP "$brain"
	for file in state state.prev; do
		rm "$OXHERD_HOME/state/$file"
		echo nothing >"$OXHERD_HOME/state/$file"
	done
	kill -KILL "$brain"
	eventually 5 eval '[ "$(pids api)" = "$before" ]'
	run -0 oxctl why api:0
	assert_output --partial "its definition was lost; 'oxctl deploy' in its folder gives it back"
	assert_equal "$(pids api)" "$before"
	run -0 oxctl deploy
	assert_output --partial "api: revision 2 runs in 2 of 2 instances"
	run -0 oxctl status
	refute_output --partial "lost"
}
