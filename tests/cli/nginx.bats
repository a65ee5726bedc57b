# What `oxctl nginx` prints, and that the real nginx takes it.
load ../lib/common

four_lines() {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "node dist/server.js"
		instances = 4
		restart_on_exit = true
	TOML
}

# nginx_takes FILE: the file inside an http block passes nginx -t.
nginx_takes() {
	local root=$BATS_TEST_TMPDIR/nginx
	mkdir -p "$root/logs"
	cat >"$root/nginx.conf" <<-CONF
		pid $root/nginx.pid;
		error_log $root/logs/error.log;
		events {}
		http {
			access_log off;
			client_body_temp_path $root/body;
			proxy_temp_path $root/proxy;
			fastcgi_temp_path $root/fastcgi;
			uwsgi_temp_path $root/uwsgi;
			scgi_temp_path $root/scgi;
			include $1;
		}
	CONF
	PATH=$PATH:/usr/sbin nginx -t -p "$root" -c "$root/nginx.conf"
}

@test "the guide's four lines without a port are an upstream of ports 3000 to 3003" {
	four_lines
	run -0 --separate-stderr oxctl nginx
	assert_equal "$output" "upstream api {
    server 127.0.0.1:3000;
    server 127.0.0.1:3001;
    server 127.0.0.1:3002;
    server 127.0.0.1:3003;
}"
	assert_equal "$stderr" ""
}

@test "nginx takes the upstream" {
	four_lines
	oxctl nginx >block.conf
	run -0 nginx_takes "$PWD/block.conf"
}

@test "with --server it is a whole server block that nginx takes" {
	four_lines
	oxctl nginx --server api.example.com >block.conf
	grep -q 'server_name api.example.com;' block.conf
	grep -q 'proxy_pass http://api;' block.conf
	run -0 nginx_takes "$PWD/block.conf"
}

@test "two server blocks of two apps may stand beside each other" {
	given_oxfile <<-'TOML'
		[processes.api-v1]
		command = "x"
		instances = 2
		[processes.api-v2]
		command = "x"
		port = 4000
	TOML
	oxctl nginx api-v1 --server a.example.com >block.conf
	oxctl nginx api-v2 --server b.example.com >>block.conf
	run -0 nginx_takes "$PWD/block.conf"
}

@test "options are put into the block, in an order that nginx takes" {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "x"
		instances = 2
		nginx = { upstream = "backend", options = ["keepalive 32", "least_conn;"] }
	TOML
	oxctl nginx --server _ >block.conf
	grep -q 'upstream backend {' block.conf
	grep -q 'keepalive 32;' block.conf
	grep -q 'least_conn;' block.conf
	run -0 nginx_takes "$PWD/block.conf"
}

@test "an option cannot break out of the block" {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "x"
		port = 80
		nginx.options = ["} server { listen 80"]
	TOML
	run -1 oxctl nginx
	refute_output --partial "upstream api {"
}

@test "apps without a port are left out, and named when they were asked for" {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "x"
		port = 3000
		[processes.worker]
		command = "x"
	TOML
	run -0 oxctl nginx
	refute_output --partial worker
	run -1 oxctl nginx worker
	assert_output "oxctl: 'worker' has no port; give it one with port = 3000"
}

@test "an app that is not there is exit 4, with a suggestion" {
	four_lines
	run -4 oxctl nginx apii
	assert_output "oxctl: there is no app or namespace 'apii' in oxfile.toml (did you mean 'api'?)"
}

@test "--server with several apps asks for one" {
	given_oxfile <<-'TOML'
		[processes.a]
		command = "x"
		port = 1
		[processes.b]
		command = "x"
		port = 2
	TOML
	run -2 oxctl nginx --server x.example.com
	assert_output --partial "--server is for one app"
}

@test "--output replaces the file whole, and a bad oxfile leaves it as it was" {
	four_lines
	echo old >block.conf
	run -0 oxctl nginx --output block.conf
	assert_output ""
	grep -q 3003 block.conf
	cp block.conf before.conf
	echo 'instances = "x"' >>oxfile.toml
	run -2 oxctl nginx --output block.conf
	cmp block.conf before.conf
}

@test "the ports of an env_file count" {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "x"
		instances = 2
		env_file = ".env"
	TOML
	echo 'export PORT="8100"' >.env
	run -0 oxctl nginx
	assert_line --partial "127.0.0.1:8101;"
}

@test "--json lists the servers" {
	four_lines
	run -0 --separate-stderr oxctl nginx --json
	[ "$(python3 -c 'import json,sys; print([s["port"] for s in json.load(sys.stdin)["upstreams"][0]["servers"]])' <<<"$output")" = "[3000, 3001, 3002, 3003]" ]
}
