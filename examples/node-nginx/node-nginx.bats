load ../../tests/lib/daemon
load ../../tests/lib/front

# The example as it is, but for its ports and for the nginx that it talks to.
setup() {
	daemon_place
	cp "$OX_TOP"/examples/node-nginx/*.{js,sh} .
	port=$(port_block 7)
	front=$((port + 6))
	nginx_root=$BATS_TEST_TMPDIR/nginx
	sed "s/3000/$port/; s/min_healthy_secs = 2/min_healthy_secs = \"200ms\"/
		s|\"nginx -t\"|\"nginx -t -c $nginx_root/nginx.conf\"|; s|\"nginx -s reload\"|\"nginx -s reload -c $nginx_root/nginx.conf\"|" \
		"$OX_TOP/examples/node-nginx/oxfile.toml" >oxfile.toml
	site_up
	oxctl start --wait 3>&-
	eventually 5 serves_through_all
}

# nginx with the site of the example.
site_up() {
	nginx_up "$front" api "$PWD/upstream.conf"
	sed "s|/srv/api/|$PWD/|; s/listen 80/listen 127.0.0.1:$front/" "$OX_TOP/examples/node-nginx/site.conf" >site.conf
	sed -i "/include/,\$d" "$nginx_root/nginx.conf"
	printf 'include %s;\n}\n' "$PWD/site.conf" >>"$nginx_root/nginx.conf"
	nginx_turns nginx -s reload -c "$nginx_root/nginx.conf"
}

# Each of the four is in the upstream, and nginx knows.
serves_through_all() {
	[ "$(grep -c 'server 127' upstream.conf)" = 4 ] && [ ! -e "$OXHERD_HOME/run/upstreams/api.before" ] &&
		answers "$front" "hello from api"
}

teardown() {
	nginx_down
	stop_oxherd
}

@test "examples/node-nginx: a new version goes out under load, and no request fails" {
	crowd_up "http://127.0.0.1:$front/" --connections 8 --rate 200 --expect hello
	oxctl scale api 6 --wait
	oxctl scale api 4 --wait
	sed -i 's/hello from/good day from/' server.js
	crowd_down
	none_failed
	crowd_up "http://127.0.0.1:$front/" --connections 8 --rate 200
	run -0 ./deploy.sh 3>&-
	crowd_down
	none_failed
	for i in 0 1 2 3; do
		assert answers $((port + i)) "good day from api:$i"
	done
	assert answers "$front" "good day from api"
}

@test "a version that does not start ends the script with 1, and the old one keeps running" {
	pids api >before
	echo 'throw new Error("the settings are missing");' >>server.js
	crowd_up "http://127.0.0.1:$front/" --connections 8 --rate 200 --expect hello
	run -1 ./deploy.sh 3>&-
	assert_output --partial "the settings are missing"
	crowd_down
	none_failed
	assert_equal "$(pids api)" "$(cat before)"
}

@test "what is not even JavaScript is not deployed at all" {
	echo '}' >>server.js
	run -1 ./deploy.sh 3>&-
	assert_output --partial "SyntaxError"
	refute_output --partial "revision 2"
}
