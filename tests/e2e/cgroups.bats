# What a service started and let go of: killed with it by its cgroup where there is one, else by what it carries.
load ../lib/daemon

# A daemon that cannot see any cgroup, as in many a container.
start_without_cgroups() {
	# shellcheck disable=SC2016
	unshare --mount sh -c '
		for at in $(findmnt --noheadings --output TARGET --types cgroup2 --list); do umount -l "$at"; done
		exec oxherd --daemon' 3>&-
}

hiding() {
	start_oxherd <<-'TOML'
		[processes.one]
		command = "actor --setsid-grandchild --ignore TERM --mark"
		stop_timeout_ms = 100
	TOML
	eventually 3 two_actors
}

two_actors() {
	[ "$(children_named actor)" -ge 2 ]
}

@test "the log says where the cgroups are, and each instance has one while it lives" {
	hiding
	folder=$(sed -n "s/.*cgroups: in '\(.*\)'/\1/p" "$OXHERD_HOME/log/oxherd.log")
	[ -n "$folder" ] || skip "this machine lets us make no cgroup"
	run -0 sh -c "cat '$folder'/*.one:0/cgroup.procs"
	assert_line "$(pid_of one:0)"
	oxctl stop one
	assert no_children actor
	run -1 sh -c "ls '$folder' | grep one"
	oxctl daemon stop
	eventually 3 test ! -e "$folder"
}

@test "where there are no cgroups, stop leaves nothing behind all the same" {
	start_without_cgroups
	assert_logged "no cgroups"
	hiding
	oxctl stop one
	assert no_children actor
}
