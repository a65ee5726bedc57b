load ../../tests/lib/daemon

# The example as it is, but for its ports: 3000 may be in use here.
setup() {
	daemon_place
	mkdir -p examples/hello
	ln -s "$OXHERD_BUILD" build
	cd examples/hello || return
	port=$(port_block 4)
	sed "s/^port = 3000$/port = $port/" "$OX_TOP/examples/hello/oxfile.toml" >oxfile.toml
}

@test "examples/hello runs as its oxfile says: four instances that answer with their name and port" {
	run -0 oxctl start --wait
	assert_output "api: 4 instances started on $port-$((port + 3))"
	for i in 0 1 2 3; do
		run curl -s "http://127.0.0.1:$((port + i))/any/path"
		assert_output "hello from api:$i on port $((port + i)) (pid $(pid_of "api:$i"))"
	done
}

@test "a connection may be used again, and what is no GET is refused" {
	oxctl start --wait
	run curl -s -w '%{num_connects}\n' "http://127.0.0.1:$port/" "http://127.0.0.1:$port/"
	assert_line --index 1 1
	assert_line --index 3 0
	run curl -s -o /dev/null -w '%{http_code}' -d x "http://127.0.0.1:$port/"
	assert_output 405
}

@test "on SIGTERM it finishes what has begun, and ends with 0" {
	oxctl start --wait
	exec 9<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET / HTTP/1.1\r\nHost: here\r\n' >&9
	# Answered: so it has read the half request above as well.
	answers "$port" "hello from api:0"
	oxctl stop api:0 3>&- 9>&- &
	eventually 2 state_is api:0 stopping
	printf '\r\n' >&9
	run cat <&9
	assert_output --partial "Connection: close"
	assert_output --partial "hello from api:0"
	exec 9>&-
	wait
	assert_equal "$(status_field api:0 code)" 0
}

@test "the demo shows the herd, an answer from each port and a crash, and leaves nothing behind" {
	for p in 3000 3001 3002 3003; do
		! port_is_busy "$p" || skip "port $p is in use here"
	done
	run -0 sh "$OX_TOP/packaging/demo.sh"
	for i in 0 1 2 3; do
		assert_line --partial "hello from api:$i on port 300$i"
	done
	assert_line --partial "killed by SIGKILL"
	assert_line --partial "4 of 4 ready"
	run find /tmp -maxdepth 1 -name 'oxherd-demo-*' -newer oxfile.toml
	assert_output ""
}
