load ../lib/daemon

herd() {
	port=$(port_block 2)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 2
		port = $port
		restart_delay_ms = 20
		env = { PASSWORD = "hunter2hunter2", TOKEN = "\${SECRET_OF_CALLER}" }
	TOML
}

setup() {
	daemon_place
	export SECRET_OF_CALLER=squeamish-ossifrage
}

@test "events tell every change of state, oldest first, each with the next number" {
	herd
	kill -KILL "$(pid_of api:1)"
	eventually 5 field_is api:1 restarts 1
	eventually 5 state_is api:1 running
	run -0 oxctl events api:1
	assert_line --partial "stopped -> starting"
	assert_line --regexp "running -> backoff +on crash +killed by SIGKILL"
	assert_line --partial "backoff -> starting"
	oxctl events --json | sed -n 's/^ *"seq": \([0-9]*\),$/\1/p' >numbers
	[ "$(wc -l <numbers)" -ge 8 ]
	sort -nu numbers | diff - numbers
}

@test "events -f shows what happens while it happens" {
	herd
	oxctl events -f api >seen 3>&- &
	follower=$!
	eventually 5 follower_is_there
	oxctl stop api:0
	eventually 5 grep -q "api:0 .*stopping -> stopped" seen
	kill "$follower"
	wait "$follower" || :
}

# It has subscribed when the daemon has its request: from then on nothing is missed.
follower_is_there() {
	is_logged subscribe || [ -s seen ] || grep -q . seen
}

@test "why tells who asked for a stop" {
	herd
	oxctl stop api:0
	run -0 oxctl why api:0
	assert_output --partial "uid $(id -u)"
}

@test "no value of env is in status, events, why, plan or the daemon's log, and files with secrets are private" {
	herd
	kill -KILL "$(pid_of api:1)"
	eventually 5 field_is api:1 restarts 1
	{
		oxctl status --json
		oxctl events --json
		oxctl why api
		oxctl plan --json
		daemon_log
	} >said 2>&1
	run grep -E "hunter2|ossifrage" said
	assert_output ""
	run find "$OXHERD_HOME" -mindepth 1 -maxdepth 1 ! -perm 0700
	assert_output ""
	run find "$OXHERD_HOME" -type s ! -perm 0600
	assert_output ""
	run find "$OXHERD_HOME/state" -type f ! -perm 0600
	assert_output ""
}
