load ../lib/daemon

# own, last: the processors that this test may use.
look_at_own() {
	mapfile -t own < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')
	last=${own[-1]}
}

# pinned_to api:0: as the kernel writes it.
pinned_to() {
	sed -n 's/^Cpus_allowed_list:[[:blank:]]*//p' "/proc/$(pid_of "$1")/status"
}

@test "cpus is the set of processors that a process and its children may use" {
	look_at_own
	start_oxherd <<-TOML
		[processes.one]
		command = "sed -n 's/^Cpus_allowed_list:[[:blank:]]*/child on /p' /proc/self/status; exec sleep 1000"
		cpus = $last
		[processes.free]
		command = "sleep 1000"
	TOML
	assert_equal "$(pinned_to one:0)" "$last"
	assert_equal "$(output_of one:0)" "child on $last"
	assert_equal "$(pinned_to free:0)" "$(sed -n 's/^Cpus_allowed_list:[[:blank:]]*//p' /proc/self/status)"
}

@test "with cpus = \"one-each\" instances have a processor each, in a circle" {
	look_at_own
	local count=$((${#own[@]} + 1)) k
	start_oxherd <<-TOML
		[processes.api]
		command = "sleep 1000"
		instances = $count
		cpus = "one-each"
	TOML
	for ((k = 0; k < ${#own[@]}; k++)); do
		assert_equal "$(pinned_to "api:$k")" "${own[k]}"
	done
	assert_equal "$(pinned_to "api:$k")" "${own[0]}"
	# Of a daemon that may use fewer itself, those.
	oxctl daemon stop
	taskset -c "$last" oxctl start --wait 3>&-
	assert_equal "$(pinned_to api:0)" "$last"
	assert_equal "$(pinned_to api:1)" "$last"
}

@test "a change of cpus replaces the processes, and a crash keeps them pinned" {
	local before
	look_at_own
	start_oxherd <<-'TOML'
		[processes.api]
		command = "sleep 1000"
		deploy.min_healthy_secs = 0
	TOML
	before=$(pid_of api:0)
	echo "cpus = [$last]" >>oxfile.toml
	oxctl deploy
	refute [ "$(pid_of api:0)" = "$before" ]
	assert_equal "$(pinned_to api:0)" "$last"
	before=$(pid_of api:0)
	kill -KILL "$before"
	eventually 5 eval '[ "$(pid_of api:0)" != "$before" ] && state_is api:0 running'
	assert_equal "$(pinned_to api:0)" "$last"
}

@test "processors that are not there are named: at a start, in why and by validate" {
	look_at_own
	given_oxfile <<-TOML
		[processes.none]
		command = "sleep 1000"
		cpus = "8190-8191"
		[processes.some]
		command = "sleep 1000"
		cpus = "$last,8191"
	TOML
	run -0 oxctl validate
	assert_output --partial "3:8"
	assert_output --partial "'none' cannot start here: none of the processors 8190-8191 can be used, only "
	assert_output --partial "of the processors $last,8191 only $last can be used here; 'some' runs on these"
	run -1 oxctl start --wait 3>&-
	assert_output --partial 'cannot use any processor of cpus = "8190-8191"; the daemon can use '
	eventually 5 state_is some:0 running
	assert_equal "$(pinned_to some:0)" "$last"
	run -0 oxctl why some
	assert_output --partial "runs on processors $last; the others of cpus = \"$last,8191\" are not there"
}
