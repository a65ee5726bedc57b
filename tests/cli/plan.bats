# What `oxctl plan --from A --to B` tells.
load ../lib/common

setup() {
	private_place
	cat >old.toml <<-'TOML'
		[processes.api]
		command = "node server.js"
		instances = 2
		port = 3000
		env = { LEVEL = "info" }
		[processes.worker]
		command = "node worker.js"
		[processes.gone]
		command = "x"
	TOML
}

@test "the same file is nothing to do, whatever its spaces, quotes and order" {
	cat >new.toml <<-'TOML'
		[processes.gone]
		command   =  'x'
		[processes.worker]
		command = ["node", "worker.js"]
		[processes.api]
		env.LEVEL = 'info'
		port = 3_000
		command = 'node  server.js'
		instances = 0x2
	TOML
	run -0 oxctl plan --from old.toml --to new.toml
	assert_output --partial "nothing to do"
}

@test "each instance has its step and its reason, and no value of env is shown" {
	cat >new.toml <<-'TOML'
		[processes.api]
		command = "node server2.js"
		instances = 3
		port = 3000
		env = { LEVEL = "s3cret" }
		[processes.worker]
		command = "node worker.js"
		stop_timeout_ms = 1
		[processes.fresh]
		command = "x"
	TOML
	run -0 oxctl plan --from old.toml --to new.toml
	assert_line --regexp '^api:0 +replace .*command, env \(LEVEL\) changed'
	assert_line --regexp '^api:2 +start .*instances 2 -> 3'
	assert_line --regexp '^worker.* keep .*stop_timeout_ms changed, applied in place'
	assert_line --regexp '^fresh:0 +start .*the app is new'
	assert_line --regexp '^gone:0 +remove .*the app is no longer in the oxfile'
	refute_output --partial s3cret
}

@test "another port is a move" {
	sed 's/port = 3000/port = 4000/' old.toml >new.toml
	run -0 oxctl diff --from old.toml --to new.toml
	assert_line --regexp '^api:0 +move .*port 3000 -> 4000'
}

@test "a bad file on either side is exit 2, and nothing is printed" {
	echo 'x' >bad.toml
	run -2 --separate-stderr oxctl plan --from old.toml --to bad.toml
	assert_equal "$output" ""
	run -2 --separate-stderr oxctl plan --from bad.toml --to old.toml
	assert_equal "$output" ""
}

@test "without --to the usual oxfile is compared" {
	cp old.toml oxfile.toml
	run -0 oxctl plan --from old.toml
	assert_output --partial "nothing to do"
}

@test "without --from the daemon is asked" {
	run -3 oxctl plan
	assert_output --partial "no daemon is running"
}

@test "--json lists the steps" {
	cp old.toml oxfile.toml
	run -0 --separate-stderr oxctl plan --from old.toml --json
	[ "$(python3 -c 'import json,sys; print({s["verb"] for s in json.load(sys.stdin)["steps"]})' <<<"$output")" = "{'keep'}" ]
}
