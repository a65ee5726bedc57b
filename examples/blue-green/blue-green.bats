load ../../tests/lib/daemon
load ../../tests/lib/front

setup() {
	daemon_place
	cp "$OX_TOP"/examples/blue-green/*.{toml,js,sh} .
	BLUE_PORT=$(port_block 3)
	GREEN_PORT=$((BLUE_PORT + 1))
	front=$((BLUE_PORT + 2))
	export BLUE_PORT GREEN_PORT
}

teardown() {
	nginx_down
	stop_oxherd
}

@test "examples/blue-green: each colour runs from its own oxfile, on the port that was given to it" {
	PORT=$BLUE_PORT run -0 oxctl start -c oxfile.blue.toml --wait
	assert_output "blue: 1 instance started on $BLUE_PORT"
	PORT=$GREEN_PORT run -0 oxctl start -c oxfile.green.toml --wait
	assert_output "green: 1 instance started on $GREEN_PORT"
	assert answers "$BLUE_PORT" "blue on $BLUE_PORT"
	assert answers "$GREEN_PORT" "green on $GREEN_PORT"
	run -2 oxctl start -c oxfile.green.toml
	assert_output --partial "the variable 'PORT' is not set"
}

@test "the switch from blue to green and back fails no request, and the other colour stays until it is deleted" {
	nginx_up "$front" site "$PWD/upstream.conf"
	export NGINX="nginx -c $nginx_root/nginx.conf"
	run -0 nginx_turns ./switch.sh blue
	refute_output --partial "still runs"
	crowd_up "http://127.0.0.1:$front/" --connections 8 --rate 200
	run -0 nginx_turns ./switch.sh green
	assert_output --partial "green serves; blue still runs"
	assert answers "$front" "green on"
	run -0 nginx_turns ./switch.sh blue
	assert answers "$front" "blue on"
	run -0 nginx_turns ./switch.sh green
	run -0 oxctl delete blue
	crowd_down
	none_failed
	assert_equal "$(oxctl status | grep -c 'blue:0')" 0
}

@test "a colour that does not become healthy is not switched to" {
	nginx_up "$front" site "$PWD/upstream.conf"
	export NGINX="nginx -c $nginx_root/nginx.conf"
	./switch.sh blue 3>&-
	cp upstream.conf before
	sed -i 's/response.end/response.statusCode = 500; response.end/' server.js
	sed -i '/^command/a ready_timeout_secs = 1\nmax_restarts = 1' oxfile.green.toml
	run -1 ./switch.sh green 3>&-
	assert_output --partial "green"
	assert cmp upstream.conf before
	assert answers "$front" "blue on"
}
