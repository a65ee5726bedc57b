# How long a question takes beside /bin/true while the daemon is busy with others.  Not for sanitized builds.
load ../lib/daemon

at_most_three() {
	run -0 python3 "$OX_TOP/tests/speed/ratio.py" 40 "$@"
	echo "$* takes $output times as long as true"
	run -0 awk -v ratio="$output" 'BEGIN { exit !(ratio > 0 && ratio <= 3) }'
}

@test "status of a hundred instances takes at most three times as long as true" {
	start_oxherd <<-TOML
		[processes.many]
		command = "sleep 1000"
		instances = 100
	TOML
	at_most_three oxctl status --json
}

@test "while an app takes thirty seconds to stop, status takes at most three times as long as true" {
	start_oxherd <<-TOML
		[processes.slow]
		command = "actor --ignore TERM"
		stop_timeout_ms = 30000
		[processes.other]
		command = "sleep 1000"
	TOML
	oxctl stop slow >/dev/null 3>&- &
	eventually 5 state_is slow:0 stopping
	at_most_three oxctl status
	state_is slow:0 stopping
	kill -KILL "$(pid_of slow:0)"
	wait
}
