load ../../tests/lib/daemon
load ../../tests/lib/front

# The example as it is, but for its port.
setup() {
	daemon_place
	port=$(port_block)
	cp "$OX_TOP/examples/one-port/server.js" .
	sed "s/3000/$port/" "$OX_TOP/examples/one-port/oxfile.toml" >oxfile.toml
}

# The instances that answer some hundred requests, in one line.
who_answers() {
	local i
	for ((i = 0; i < 100; i++)); do
		curl -sf --max-time 5 "http://127.0.0.1:$port/"
	done | sort -u | sed 's/hello from //' | xargs
}

@test "examples/one-port runs as its README says: four servers on one port, more of them, and a reload that refuses nobody" {
	run -0 oxctl start --wait 3>&-
	assert_output --partial "api: 4 instances started on $port"
	assert_equal "$(who_answers)" "api:0 api:1 api:2 api:3"
	assert_equal "$(status_field api:3 health)" healthy
	crowd_up "http://127.0.0.1:$port/" --close --rate 200
	oxctl scale api 5 --wait
	oxctl reload api
	assert_equal "$(who_answers)" "api:0 api:1 api:2 api:3 api:4"
	crowd_down
	none_failed
	run -0 oxctl why api
	assert_line "api: its instances share port $port"
	assert_line --partial "gate seccomp"
}
