load ../lib/daemon

# gaps APP: milliseconds between the starts of its processes, one a line, from what each has written.
gaps() {
	local k
	for k in 0 1 2 3 4 5; do output_of "$1:$k" 2>/dev/null; done | sort -n | awk 'NR > 1 { print int(($1 - last) * 1000) } { last = $1 }'
}

# apart APP MS COUNT: so many were started, each about so long after the one before it: a process that was slow to come to its first line makes the
# next gap shorter than that of the starts, which the simulator checks to the millisecond.
apart() {
	local gap count=1
	for gap in $(gaps "$1"); do
		[ "$gap" -ge $(($2 / 2)) ] || { echo "$gap ms"; return 1; }
		count=$((count + 1))
	done
	[ "$count" = "$3" ]
}

@test "with stagger_ms instances start that far apart, and start --wait waits for the last" {
	start_oxherd <<-'TOML'
		[processes.api]
		command = ["sh", "-c", "date +%s.%N; exec sleep 1000"]
		instances = 3
		stagger_ms = 600
	TOML
	run apart api 600 3
	assert_success
	state_is api:2 running
	# A restart of all and more of them are no different.
	oxctl restart api --wait
	oxctl scale api 5 --wait
	run apart api 600 8
	assert_success
}

@test "an instance that waits for its turn shows it, and stop, scale and the brain's death work meanwhile" {
	given_oxfile <<-'TOML'
		[processes.api]
		command = ["sh", "-c", "date +%s.%N; exec sleep 1000"]
		instances = 4
		stagger_ms = 600000
	TOML
	oxctl start 3>&-
	eventually 5 state_is api:0 running
	state_is api:3 starting
	run -0 oxctl why api:3
	assert_output --partial "waits for its turn after api:2 (stagger_ms = 600000)"
	assert_equal "$(status_field api:1 code)" staggered
	run -5 oxctl start --wait --timeout 1 3>&-
	assert_output --partial "api:1 is starting: waits for its turn after api:0"
	kill -KILL "$(brain_pid)"
	eventually 5 state_is api:1 starting
	oxctl scale api 3
	eventually 5 eval '! oxctl status --json | grep -q api:3'
	# Nobody has to be started for that to change.
	sed -i 's/600000/300/' oxfile.toml
	oxctl deploy
	eventually 5 state_is api:2 running
	run apart api 300 3
	assert_success
	sed -i 's/300/600000/' oxfile.toml
	oxctl deploy
	oxctl scale api 5
	state_is api:4 starting
	oxctl stop api
	state_is api:4 stopped
}
