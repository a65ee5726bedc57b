# Programs that cannot be executed, and what start says while it waits.
load ../lib/daemon

@test "start --wait ends at once when a program cannot be executed" {
	printf '#!/no/such/python\nprint(1)\n' >wrong
	printf 'int main(void) { return 0; }\n' >source
	printf '#!/bin/sh\n' >plain
	chmod +x wrong source
	for program in ./nowhere ./wrong ./source ./plain nodee; do
		case $program in
			./nowhere | ./wrong | nodee) why="No such file or directory" ;;
			./source) why="Exec format error" ;;
			./plain) why="Permission denied" ;;
		esac
		given_oxfile <<-TOML
			[processes.web]
			command = ["$program"]
			restart_delay_ms = 60000
			restart_delay_max_ms = 60000
		TOML
		run -1 --separate-stderr timeout 20 oxctl start --wait 3>&-
		assert_regex "$stderr" "^oxctl: web:0 cannot execute '$program': $why"
		assert_regex "$stderr" "See 'oxctl why web:0'"
		oxctl delete web
	done
	given_oxfile <<-'TOML'
		[processes.web]
		command = "actor"
		working_dir = "/no/such/folder"
		restart_delay_ms = 60000
		restart_delay_max_ms = 60000
	TOML
	run -1 --separate-stderr timeout 20 oxctl start --wait
	assert_regex "$stderr" "web:0 cannot enter working_dir '/no/such/folder': No such file or directory"
}

@test "start --wait ends at once for a user or group that does not exist" {
	for who in 'user = "no-such-user"' 'group = "no-such-group"'; do
		given_oxfile <<-TOML
			[processes.web]
			command = "actor"
			$who
			restart_delay_ms = 60000
			restart_delay_max_ms = 60000
		TOML
		run -1 --separate-stderr timeout 20 oxctl start --wait 3>&-
		assert_regex "$stderr" "^oxctl: web:0 there is no (user|group) 'no-such-"
		oxctl delete web
	done
}

@test "start --wait shows the last lines that a program wrote before it died" {
	given_oxfile <<-'TOML'
		[processes.bad]
		command = ["bash", "-c", "echo 'Error: Cannot find module express' >&2; exit 3"]
		restart_delay_ms = 10
		restart_delay_max_ms = 20
	TOML
	run -1 --separate-stderr timeout 30 oxctl start --wait 3>&-
	assert_regex "$stderr" "^oxctl: bad:0 keeps crashing \(8 times in a row: exit code 3"
	assert_regex "$stderr" "See 'oxctl why bad:0'. Its last lines:"$'\n'"Error: Cannot find module express"
	oxctl delete bad
	given_oxfile <<-'TOML'
		[processes.bad]
		command = ["bash", "-c", "echo 'no database' >&2; exit 3"]
		restart_delay_ms = 10
		max_restarts = 2
	TOML
	run -1 --separate-stderr timeout 30 oxctl start --wait
	assert_regex "$stderr" "^oxctl: bad:0 crashed: exit code 3"
	assert_regex "$stderr" "Its last lines:"$'\n'"no database"
}

@test "--timeout says what it waited for" {
	port=$(port_block)
	given_oxfile <<-TOML
		[processes.slow]
		command = "actor"
		port = $port
		ready = "listen"
	TOML
	run -5 oxctl start --wait --timeout 1 3>&-
	assert_output "oxctl: timed out after 1 s: slow:0 is not listening on port $port yet (still starting). See 'oxctl why slow'"
	oxctl delete slow
	given_oxfile <<-'TOML'
		[processes.quiet]
		command = "actor"
		ready = "notify"
		instances = 5
	TOML
	run -5 oxctl start --wait --timeout 700ms
	assert_output --partial "timed out after 700 ms: quiet:0 has not sent READY=1 yet (still starting); quiet:1 "
	assert_output --partial "; and 2 more. See 'oxctl why quiet'"
	oxctl delete --all
	oxctl start deaf --wait -- actor --ignore TERM
	run -5 oxctl stop deaf --timeout 300ms
	assert_output --partial "timed out after 300 ms: deaf:0 is stopping: was sent SIGTERM"
}

@test "start of an app that exists with other settings fails and names what differs" {
	oxctl start web -i 2 --wait -- actor
	before=$(pids web)
	run -0 oxctl start web -i 2 -- actor
	assert_output "web: already running"
	run -1 oxctl start web -i 3 -- actor
	assert_output "oxctl: web already exists with other settings (instances); use 'oxctl scale web 3' or 'oxctl delete web' first"
	run -1 oxctl start web -i 2 --port 3000 -- actor --say hi
	assert_output "oxctl: web already exists with other settings (command, port); use 'oxctl delete web' first"
	mkdir other
	cd other
	run -1 oxctl start web -i 2 -- actor
	assert_output --partial "other settings (folder)"
	assert_equal "$(pids web)" "$before"
	cd "$BATS_TEST_TMPDIR" || return
	oxctl scale web 3 --wait
	run -0 oxctl start web -i 2 -- actor
	assert_output "web: already running"
}
