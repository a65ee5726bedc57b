load ../lib/daemon

@test "a name and a command make an app without an oxfile" {
	port=$(port_block 2)
	run -0 oxctl start web -i 2 --port "$port" --wait -- hello
	assert_output "web: 2 instances started on $port-$((port + 1))"
	answers "$port" "hello from web:0 on port $port"
	answers $((port + 1)) "hello from web:1"
	oxctl stop web
	assert no_children hello
}

@test "its arguments arrive as they were typed, and it runs where it was typed" {
	mkdir "a place"
	cd "a place"
	oxctl start odd -- actor --say 'two  words' --say '$HOME `x` "q"' --print-folder
	eventually 5 has_written odd:0 "folder $BATS_TEST_TMPDIR/a place"
	assert has_written odd:0 'two  words'
	assert has_written odd:0 '$HOME `x` "q"'
}

@test "the same again changes nothing" {
	port=$(port_block)
	oxctl start web --port "$port" --wait -- hello
	before=$(pids web)
	run -0 oxctl start web --port "$port" --wait -- hello
	assert_output "web: already running"
	assert_equal "$(pids web)" "$before"
}

@test "it is there again after the daemon was stopped and started" {
	port=$(port_block)
	oxctl start web --port "$port" --wait -- hello
	oxctl daemon stop
	oxctl daemon start
	eventually 5 state_is web:0 running
	answers "$port" "hello from web:0"
}

@test "save prints an oxfile that makes the same app" {
	port=$(port_block 2)
	oxctl start web -i 2 --port "$port" --wait -- hello
	oxctl save web >oxfile.toml
	run -0 oxctl validate
	oxctl delete web
	oxctl start --wait
	assert_equal "$(ports web)" "$port $((port + 1))"
	answers "$port" "hello from web:0"
}

@test "save tells how many there are since the last scale" {
	oxctl start web -i 2 --wait -- actor
	oxctl scale web=3
	run -0 oxctl save web
	assert_line "[processes.web]"
	assert_line "instances = 3"
	assert_line "working_dir = \"$PWD\""
}

@test "starting an existing app with other settings fails, and names the commands that change it" {
	oxctl start web --wait -- actor
	before=$(pids web)
	run -1 oxctl start web -i 3 -- actor
	assert_output --partial "'oxctl scale web 3'"
	assert_output --partial "'oxctl delete web'"
	refute_output --partial "oxfile"
	assert_equal "$(pids web)" "$before"
}

@test "a name that an oxfile's app has is refused" {
	start_oxherd <<-'TOML'
		[processes.api]
		command = "actor"
	TOML
	before=$(pids api)
	run -1 oxctl start api -- actor
	assert_output --partial "$PWD/oxfile.toml"
	assert_equal "$(pids api)" "$before"
}

@test "a name without a command, and a bad name, are errors" {
	run -2 oxctl start web --
	run -3 oxctl status
	run oxctl start 'we/b' -- actor
	assert_failure
	assert_output --partial "we/b"
}

@test "a start by name says what it started, and what runs already" {
	oxctl start web -i 2 --wait -- sleep 1000
	run -0 oxctl start web
	assert_output "web: already running"
	oxctl stop web:1
	run -0 oxctl start web
	assert_output "web: 1 of 2 instances started"
	oxctl stop web
	run -0 oxctl start web:1 --wait
	assert_output "web: 1 instance started"
	run -0 oxctl start --all
	assert_output "web: 1 of 2 instances started"
}

@test "a signal says how many instances it was sent to, and fails where nothing runs" {
	oxctl start web -i 2 --wait -- sleep 1000
	run -0 oxctl signal CONT web
	assert_output "web: CONT sent to 2 instances"
	run -0 oxctl signal CONT web:1
	assert_output "web: CONT sent to 1 instance"
	oxctl stop web
	run -1 oxctl signal HUP web
	assert_output "web: HUP not sent: nothing of it runs"
}

@test "a deploy of what was started without an oxfile says what to use in its place" {
	oxctl start web --wait -- sleep 1000
	run -1 oxctl deploy web
	assert_output "oxctl: web: no oxfile is known for it; use 'oxctl reload web', or name an oxfile with --config FILE"
	run -4 oxctl deploy wep
	assert_output --partial "no app, instance or namespace 'wep'"
}
