# What is asked for is done exactly once, also when the brain dies before it has answered.
load ../lib/daemon

# killed_at MS COMMAND…: runs it, and the brain is killed so long after it began.
killed_at() {
	local ms=$1 brain
	shift
	brain=$(brain_pid)
	python3 -c 'import os, signal, subprocess, sys, time
asked = subprocess.Popen(sys.argv[3:])
time.sleep(float(sys.argv[1]) / 1000)
os.kill(int(sys.argv[2]), signal.SIGKILL)
sys.exit(asked.wait())' "$ms" "$brain" "$@" 3>&-
}

herd() {
	start_oxherd <<-'TOML'
		[processes.api]
		command = "actor --mark"
		instances = 1
		ready = "alive"
	TOML
}

@test "a scale by one under which the brain dies adds one, whenever that is" {
	herd
	count=1
	for ms in 0 1 2 3 4 5 6 8 10 15; do
		run -0 killed_at "$ms" oxctl scale api +1
		count=$((count + 1))
		assert_equal "$(oxctl status --json | json_field instances)" "$count"
	done
}

@test "start, stop, restart and delete under which the brain dies are done, and say so" {
	herd
	for ms in 1 3 6; do
		run -0 killed_at "$ms" oxctl stop api
		assert_output "api: stopped"
		assert state_is api:0 stopped
		run -0 killed_at "$ms" oxctl start api
		eventually 5 state_is api:0 running
		run -0 killed_at "$ms" oxctl restart api
		assert_output "api: restarted"
	done
	run -0 killed_at 2 oxctl delete api
	assert_output "api: deleted"
}

@test "a start that waits keeps waiting over the brain's death, and is not begun twice" {
	given_oxfile <<-'TOML'
		[processes.slow]
		command = "actor --listen-after 1500 --listen 0 --mark"
		port = 19911
		ready = "listen"
	TOML
	herd_file=$PWD/oxfile.toml
	oxctl daemon start >/dev/null 3>&-
	run -0 killed_at 600 oxctl start --wait -c "$herd_file"
	assert state_is slow:0 running
	assert field_is slow:0 restarts 0
}

@test "a deploy under which the brain dies is awaited, and rolled once" {
	herd
	sed -i 's/--mark/--ignore HUP --mark/' oxfile.toml
	run -0 killed_at 30 oxctl deploy
	assert_output --partial "api:"
	assert_equal "$(oxctl status --json | json_field revision)" 2
}

# ask KEY JSON: what the daemon answers to this request under this key, sent by hand.
ask() {
	python3 -c 'import json, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["OXHERD_HOME"] + "/run/oxherd.sock")
request = {"jsonrpc": "2.0", "id": 1, "once": sys.argv[1]}
request.update(json.loads(sys.argv[2]))
s.sendall((json.dumps(request) + "\n").encode())
print(s.makefile().readline(), end="")' "$@"
}

@test "a key that comes again gets the first answer, also after the whole daemon was killed" {
	herd
	scale='{"method": "scale", "params": {"counts": {"api": "+1"}}}'
	run -0 ask 0123456789abcdef "$scale"
	first=$output
	assert_output --partial '"to":2'
	run -0 ask 0123456789abcdef "$scale"
	assert_output "$first"
	brain=$(brain_pid)
	expect_error "the keeper is gone"
	kill -KILL "$(keeper_pid)" "$brain"
	oxctl status >/dev/null 2>&1
	run -0 ask 0123456789abcdef "$scale"
	assert_output "$first"
	assert_equal "$(oxctl status --json | json_field instances)" 2
	# Another key is another request, and so is another method.
	run -0 ask fedcba9876543210 "$scale"
	assert_output --partial '"to":3'
	run -0 ask 'not a key' "$scale"
	assert_output --partial "letters, digits and dashes"
}
