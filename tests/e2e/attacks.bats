# What another user of the machine tries against root's daemon, and what the user of a service tries.
load ../lib/daemon

stranger=65532
group=65533
member=65531

setup() {
	daemon_place
	[ "$(id -u)" = 0 ] || skip "only root can act as another user"
	place=$(mktemp -d /tmp/oxherd-test-XXXXXX)
	chmod 711 "$place"
	export OXHERD_HOME=$place/herd OX_TEST=$place/herd
	cd "$place" || return
	others=()
}

teardown() {
	[ ${#others[@]} = 0 ] || kill -KILL "${others[@]}" 2>/dev/null || true
	stop_oxherd || return
	rm -rf "$place"
}

# as_stranger COMMAND…: another user of the machine, whom nobody has given anything.
as_stranger() {
	env -u OX_TEST setpriv --reuid $stranger --regid $stranger --clear-groups "$@"
}

# as_member COMMAND…: one of the control group.
as_member() {
	setpriv --reuid $member --regid $member --groups $group "$@"
}

kill_both() {
	local keeper brain
	expect_error "the keeper is gone"
	keeper=$(keeper_pid)
	brain=$(brain_pid)
	kill -KILL "$keeper" "$brain"
	eventually 5 is_gone "$keeper"
	eventually 5 is_gone "$brain"
}

# forge BEFORE AFTER: a process of the stranger's with BEFORE, its own pid and AFTER as its mark; its pid is the last of `others`.
forge() {
	# One after the other they become the same process.
	env -u OX_TEST setpriv --reuid $stranger --regid $stranger --clear-groups \
		sh -c 'exec env "OXHERD_MARK=$1$(printf %010d $$)$2" sleep 1000' - "$1" "$2" 3>&- &
	others+=($!)
	eventually 5 grep -qz "^OXHERD_MARK=$1" "/proc/$!/environ"
}

@test "who knows the token of the marks cannot put his process in the place of a service" {
	oxctl start api -- sleep 1000
	before=$(pid_of api:0)
	# Where there are cgroups everybody can read it there.
	token=$(tr '\0' '\n' <"/proc/$before/environ" | sed -n 's/^OXHERD_MARK=\([^.]*\)\..*/\1/p')
	assert_regex "$token" '^[0-9a-f]{16}$'
	run -1 as_stranger cat "herd/run/oxherd.lock" "/proc/$before/environ"
	forge "$token.1.99." .api:0
	forge "$token.2.1." .api:1
	forge "$token.2.1." ".+0000000000.0123456789abcdef.api:1"
	forge "$token.0.0." .brain
	kill_both
	oxctl status 2>/dev/null 3>&-
	assert_equal "$(pids api)" "api:0 $before"
	oxctl stop
	for pid in "${others[@]}"; do
		assert is_alive "$pid"
	done
	assert is_gone "$before"
}

@test "the user of one service cannot pass his process off as one of another" {
	given_oxfile <<-TOML
		[processes.bank]
		command = "actor --mark"
		[processes.guest]
		command = "actor --mark"
		user = "$stranger"
		group = "$stranger"
		working_dir = "/"
	TOML
	oxctl start --wait 3>&-
	bank=$(pid_of bank:0) guest=$(pid_of guest:0)
	mark=$(as_stranger cat "/proc/$guest/environ" | tr '\0' '\n' | sed -n 's/^OXHERD_MARK=//p')
	run -1 as_stranger cat "/proc/$bank/environ"
	# Its own mark is all that it knows: with the bank's name, slot and user, and as it is.
	slot=$(cut -d. -f2 <<<"$mark")
	forge "${mark%%.*}.1.$(cut -d. -f3 <<<"$mark")." ".$(cut -d. -f5- <<<"$mark")"
	forge "${mark%%.*}.$slot.$(cut -d. -f3 <<<"$mark")." ".+0000000000.$(cut -d. -f6 <<<"$mark").bank:0"
	kill_both
	oxctl status 2>/dev/null 3>&-
	assert_equal "$(pid_of bank:0) $(pid_of guest:0)" "$bank $guest"
	oxctl stop
	for pid in "${others[@]}"; do
		assert is_alive "$pid"
	done
}
