# The daemon's folders, its socket and its locks, and neighbours who got there first.
load ../lib/daemon

teardown() {
	stop_oxherd
	[ -z "${place-}" ] || rm -rf "$place" "${squatted:-$place}"
}

# Nothing was started, and nothing of the neighbour's was touched.
refuses() {
	given_oxfile <<<'processes.api.command = "actor --mark"'
	run -1 oxctl start 3>&-
	assert_output --partial "$1"
	assert no_children actor
}

as_root() {
	[ "$(id -u)" = 0 ] || skip "only root can act as another user"
}

# A place that other users can reach; bats' own folders they cannot.
open_place() {
	place=$(mktemp -d /tmp/oxherd-test-XXXXXX)
	chmod 711 "$place"
	export OXHERD_HOME=$place/herd
	cd "$place" || return
}

# as_nobody COMMAND…: another user, in folders of his own.
as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

@test "a run folder of another user is refused" {
	as_root
	mkdir -p "$OXHERD_HOME/run"
	chown 65534 "$OXHERD_HOME/run"
	refuses "belongs to uid 65534, not to us"
}

@test "a run folder that is a link is refused" {
	mkdir -p "$OXHERD_HOME" theirs
	ln -s "$PWD/theirs" "$OXHERD_HOME/run"
	refuses "is not a folder; move it away"
	[ -z "$(ls theirs)" ]
}

@test "a run folder that others may write to is refused, with what to do" {
	mkdir -p "$OXHERD_HOME/run"
	chmod 777 "$OXHERD_HOME/run"
	refuses "run chmod 700 on it"
}

@test "a lock that is a link is refused, and what it points to is not touched" {
	mkdir -p "$OXHERD_HOME/run"
	chmod 700 "$OXHERD_HOME/run"
	echo precious >theirs
	ln -s "$PWD/theirs" "$OXHERD_HOME/run/oxherd.lock"
	refuses "oxherd.lock"
	assert_equal "$(cat theirs)" precious
}

@test "a socket that is a link is refused, and what it points to is not touched" {
	mkdir -p "$OXHERD_HOME/run"
	chmod 700 "$OXHERD_HOME/run"
	echo precious >theirs
	ln -s "$PWD/theirs" "$OXHERD_HOME/run/oxherd.sock"
	expect_error "is in the way"
	run -1 oxctl daemon start 3>&-
	assert_equal "$(cat theirs)" precious
	rm "$OXHERD_HOME/run/oxherd.sock"
	assert_output --partial "ended 3 times before it served"
	assert_logged "is in the way and is no socket; move it away"
}

@test "nobody is talked to who is neither root nor oneself" {
	as_root
	open_place
	mkdir -p herd/run
	chown 65534 herd/run
	chmod 755 herd herd/run
	as_nobody /usr/bin/python3 -c 'import os, socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); os.chmod(sys.argv[1], 0o666); time.sleep(60)' \
		"$OXHERD_HOME/run/oxherd.sock" 3>&- &
	stranger=$!
	eventually 5 test -S "$OXHERD_HOME/run/oxherd.sock"
	eventually 5 test -w "$OXHERD_HOME/run/oxherd.sock"
	run -1 setpriv --reuid 65533 --regid 65533 --clear-groups "$OXHERD_BUILD/oxctl" status
	assert_output --partial "neither root nor you; not talking to it"
	kill "$stranger"
	rm -rf herd
}

@test "root may look at another user's daemon, and does not send it root's environment" {
	as_root
	open_place
	mkdir herd
	chown 65534 herd
	chmod 755 herd
	as_nobody env OX_TEST="$OXHERD_HOME" oxctl start api -- sleep 1000 3>&-
	run -0 oxctl status
	assert_output --partial api
	given_oxfile <<<'processes.web.command = "sleep 1000"'
	run -1 env SECRET=of-root oxctl start
	assert_output --partial "runs as uid 65534, and root's environment is not sent to it"
	assert_output --partial "sudo -u '#65534' oxctl"
	run -1 env SECRET=of-root oxctl start more -- sleep 1000
	run -1 env SECRET=of-root oxctl deploy
	run grep -rl of-root "$OXHERD_HOME"
	assert_output ""
	as_nobody oxctl daemon stop
}

@test "another user can neither ask nor control" {
	as_root
	open_place
	OX_TEST=$OXHERD_HOME oxctl start api -- sleep 1000 3>&-
	chmod 755 herd
	run -1 as_nobody "$OXHERD_BUILD/oxctl" status
	assert_output --partial "Permission denied"
	# Even if somebody opens the doors by mistake.
	chmod 711 "$OXHERD_HOME/run"
	chmod 666 "$OXHERD_HOME/run/oxherd.sock"
	run -1 as_nobody "$OXHERD_BUILD/oxctl" stop --all
	assert [ -n "$output" ]
	chmod 700 "$OXHERD_HOME/run"
	assert [ "$(status_field api:0 pid)" != null ]
}

@test "a folder above run and state that another user owns, or may write to, is refused with what to do" {
	as_root
	open_place
	mkdir -p theirs/herd open/herd fine
	chown 65534 theirs
	chmod 777 open
	OXHERD_HOME=$place/theirs/herd run -1 oxherd --daemon 3>&-
	assert_output --partial "'$place/theirs' belongs to uid 65534, who could put another folder in the place of OXHERD_HOME"
	OXHERD_HOME=$place/theirs run -1 oxherd --daemon 3>&-
	assert_output --partial "'$place/theirs' belongs to uid 65534"
	OXHERD_HOME=$place/open/herd run -1 oxherd --daemon 3>&-
	assert_output --partial "others may write to '$place/open'"
	assert_output --partial "run chmod go-w on it"
	# A link is looked at on both sides.
	ln -s "$place/open/herd" fine/link
	OXHERD_HOME=$place/fine/link run -1 oxherd --daemon 3>&-
	assert_output --partial "others may write to '$place/open'"
	assert_equal "$(find theirs open -name run)" ""
	# As in /tmp, where nobody can move what is another's.
	chmod 1777 open
	OXHERD_HOME=$place/open/herd run -0 oxherd --daemon 3>&-
	OXHERD_HOME=$place/open/herd oxctl daemon stop
}

# without_run_folder COMMAND…: as a user whose login made no run folder.
without_run_folder() {
	env -u OXHERD_HOME -u XDG_RUNTIME_DIR -u XDG_STATE_HOME HOME="$place/home" OX_TEST="$OX_TEST" \
		setpriv --reuid 65533 --regid 65533 --clear-groups "$@"
}

@test "another user who makes /tmp/oxherd-UID keeps nobody out, before a start, during and after" {
	as_root
	open_place
	mkdir home
	chown 65533 home
	squatted=/tmp/oxherd-65533
	[ ! -e "$squatted" ] || skip "somebody has $squatted"
	as_nobody mkdir -m 777 "$squatted"
	without_run_folder oxctl start api -- sleep 1000 3>&-
	run -0 without_run_folder oxctl status
	assert_output --partial api:0
	# It comes and goes, and the daemon is found all the same.
	rmdir "$squatted"
	run -0 without_run_folder oxctl status
	as_nobody ln -s "$place" "$squatted"
	run -0 without_run_folder oxctl status
	run -1 without_run_folder oxherd --daemon 3>&-
	assert_output --partial "another oxherd"
	rm "$squatted"
	assert_equal "$(stat -c %a "$place/home/.local/state/oxherd/run")" 700
	without_run_folder oxctl daemon stop
}

@test "a daemon that version 0.1.0 started in /tmp/oxherd-UID is found there" {
	as_root
	open_place
	mkdir home
	chown 65533 home
	squatted=/tmp/oxherd-65533
	[ ! -e "$squatted" ] || skip "somebody has $squatted"
	mkdir -m 700 "$squatted"
	chown 65533:65533 "$squatted"
	without_run_folder oxctl start api -- sleep 1000 3>&-
	[ -S "$squatted/oxherd.sock" ]
	without_run_folder oxctl daemon stop
	rm -r "$squatted"
	# The same without one: what the state remembers is of a folder that is gone.
	without_run_folder oxctl start 3>&-
	run -0 without_run_folder oxctl status
	assert_output --partial api
	without_run_folder oxctl daemon stop
}

@test "a run folder that another user's login has left in the environment is not used" {
	as_root
	open_place
	mkdir home theirs
	chown 65533 home
	chown 65534 theirs
	chmod 777 theirs
	run -0 env -u OXHERD_HOME -u XDG_STATE_HOME XDG_RUNTIME_DIR="$place/theirs" HOME="$place/home" \
		setpriv --reuid 65533 --regid 65533 --clear-groups oxctl start api -- sleep 1000 3>&-
	assert_equal "$(ls theirs)" ""
	without_run_folder oxctl daemon stop
}

@test "everything that the daemon keeps is private" {
	start_oxherd <<<'processes.api.command = "actor --mark"'
	assert_equal "$(find "$OXHERD_HOME"/run "$OXHERD_HOME"/state -perm /077)" ""
	assert_equal "$(stat -c %a "$OXHERD_HOME/run" "$OXHERD_HOME/state" "$OXHERD_HOME/log" | xargs)" "700 700 700"
}

# in_run FOLDER COMMAND…: as a user whose run folder is there, and whose state is where it always is.
in_run() {
	env -u OXHERD_HOME XDG_RUNTIME_DIR="$place/$1" XDG_STATE_HOME="$place/s" \
		setpriv --reuid 65534 --regid 65534 --clear-groups "${@:2}"
}

@test "one state has one daemon, also where a user has two run folders, and what a killed one left is kept in its own" {
	as_root
	open_place
	mkdir r1 r2 s
	chown 65534 r1 r2 s
	chmod 700 r1 r2 s
	in_run r1 oxctl start api -- sleep 1000 3>&-
	run -1 in_run r2 oxherd --daemon 3>&-
	assert_output --partial "uses '$place/s/oxherd'"
	assert_output --partial "its run folder is $place/r1/oxherd"
	keeper=$(in_run r1 oxctl daemon status --json | json_field pid)
	brain=$(in_run r1 oxctl daemon status --json | json_field brain_pid)
	kill -KILL "$keeper" "$brain"
	eventually 5 is_gone "$keeper"
	run -1 in_run r2 oxherd --daemon 3>&-
	assert_output --partial "its run folder was '$place/r1/oxherd'"
	assert_equal "$(children_named sleep)" 1
	run -0 in_run r1 oxctl daemon stop
	assert no_children sleep
	run -0 in_run r2 oxherd --daemon 3>&-
	run -0 in_run r2 oxctl daemon stop
	# Where that found nothing to stop, this ends what it should have found.
	assert nothing_left
}

@test "the daemon keeps no folder busy: a file system that it was started from can be unmounted" {
	start_oxherd <<-'TOML'
		[processes.one]
		command = "actor --mark"
		working_dir = "/"
	TOML
	assert_equal "$(readlink "/proc/$(keeper_pid)/cwd")" /
	assert_equal "$(readlink "/proc/$(brain_pid)/cwd")" /
	oxctl daemon upgrade
	assert_equal "$(readlink "/proc/$(keeper_pid)/cwd")" /
	oxctl daemon stop
	# A brain that was named from here is found all the same.
	mkdir from
	cp "$OXHERD_BUILD/oxherd-brain" from/brain
	oxherd --brain from/brain --daemon 3>&-
	assert_equal "$(readlink "/proc/$(brain_pid)/exe")" "$(realpath from/brain)"
}
