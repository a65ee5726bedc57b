# What `oxctl export` prints, and that the proxies take it where they are installed.
load ../lib/common

two_apps() {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "node dist/server.js"
		instances = 2
		[processes.api.nginx]
		upstream = "backend_api"
		options = ["least_conn"]
		[processes.web]
		command = "node dist/web.js"
		port = 8080
		[processes.worker]
		command = "node dist/worker.js"
	TOML
}

@test "haproxy gets a backend for each app that has a port" {
	two_apps
	run -0 --separate-stderr oxctl export haproxy
	assert_equal "$output" "backend backend_api
    mode http
    balance leastconn
    server backend_api-3000 127.0.0.1:3000
    server backend_api-3001 127.0.0.1:3001

backend web
    mode http
    balance leastconn
    server web-8080 127.0.0.1:8080"
	assert_equal "$stderr" ""
}

@test "instances that share a port are one server to each proxy, and nginx does not count its failures" {
	given_oxfile <<-'TOML'
		[[apps]]
		name = "api"
		script = "server.js"
		exec_mode = "cluster"
		instances = "max"
		env = { PORT = 3000 }
	TOML
	run -0 --separate-stderr oxctl nginx
	assert_equal "$output" "upstream api {
    server 127.0.0.1:3000 max_fails=0;
}"
	assert_equal "$stderr" ""
	assert_equal "$(oxctl export haproxy | grep -c ' server ')" 1
	assert_equal "$(oxctl export caddy | grep reverse_proxy)" "    reverse_proxy 127.0.0.1:3000 {"
	assert_equal "$(oxctl nginx --json | grep -c '"port": 3000')" 1
}

@test "caddy gets a snippet, or with --server a site" {
	two_apps
	run -0 oxctl export caddy web
	assert_equal "$output" "(web) {
    reverse_proxy 127.0.0.1:8080 {
        lb_policy least_conn
    }
}"
	run -0 oxctl export caddy web --server web.example.com
	assert_line --index 0 "web.example.com {"
}

@test "nginx is one of them, and as oxctl nginx prints it" {
	two_apps
	assert_equal "$(oxctl export nginx)" "$(oxctl nginx)"
	assert_equal "$(oxctl export caddy --json)" "$(oxctl nginx --json)"
}

@test "an unknown format is named with those that are known, and --server with two apps says what to type" {
	two_apps
	run -2 oxctl export apache
	assert_output "oxctl: unknown format 'apache'; known are: nginx, haproxy, caddy, procfile"
	run -2 oxctl export cady
	assert_output "oxctl: unknown format 'cady' (did you mean 'caddy'?)"
	run -2 oxctl export haproxy --server a.example.com
	assert_output "oxctl: --server is for one app; name it: oxctl export haproxy APP --server a.example.com"
}

@test "one instance is no app to export: exit 2, and what to type is said" {
	two_apps
	run -2 oxctl export haproxy api:0
	assert_output "oxctl: 'api:0' is one instance; this command takes whole apps: 'api'"
}

@test "a Procfile has a line for each app, with a port or without" {
	two_apps
	cat >>oxfile.toml <<-'TOML'
		[processes.mail]
		command = ["node", "send mail.js", "-v"]
		working_dir = "my mail"
	TOML
	run -0 --separate-stderr oxctl export procfile
	assert_equal "$output" "api: node dist/server.js
web: node dist/web.js
worker: node dist/worker.js
mail: cd 'my mail' && node 'send mail.js' -v"
	run -0 oxctl export procfile worker
	assert_output "worker: node dist/worker.js"
	run -2 oxctl export procfile --server a.example.com
	assert_output "oxctl: --server is for the formats of proxies, and 'procfile' is none"
}

@test "what a Procfile cannot hold is refused, and nothing is printed" {
	given_oxfile <<-'TOML'
		[processes.one]
		command = "sleep 1"
		[processes."two.b"]
		command = "sleep 1"
	TOML
	run -1 oxctl export procfile
	assert_output "oxctl: 'two.b' cannot stand in a Procfile: use letters, digits, '_' and '-'"
	given_oxfile <<-'TOML'
		[processes.one]
		command = ["serve", "--port", "$PORT"]
		port = 3000
	TOML
	run -1 oxctl export procfile
	assert_output "oxctl: the command of 'one' cannot stand in a Procfile: write it as a string of one line"
	given_oxfile <<-'TOML'
		[processes.one]
		command = ["sh", "-c", "echo a\necho b"]
	TOML
	run -1 --separate-stderr oxctl export procfile
	assert_equal "$output$stderr" "oxctl: the command of 'one' cannot stand in a Procfile: write it as a string of one line"
	given_oxfile <<-'TOML'
		[processes.one]
		command = "sleep 1"
		working_dir = "a\nb"
	TOML
	run -1 --separate-stderr oxctl export procfile
	assert_equal "$output" ""
	assert_equal "${stderr##*$'\n'}" "oxctl: the working_dir of 'one' cannot stand in a Procfile: its name has a line break"
}

@test "the real haproxy takes a frontend and its backend" {
	command -v haproxy >/dev/null || skip "haproxy is not installed: what it would say is not known"
	two_apps
	printf 'defaults\n    timeout connect 5s\n    timeout client 60s\n    timeout server 60s\n\n' >haproxy.cfg
	oxctl export haproxy api --server "*.example.com" >>haproxy.cfg
	run -0 haproxy -c -f haproxy.cfg
}

@test "the real caddy takes a site, and a snippet that a site imports" {
	command -v caddy >/dev/null || skip "caddy is not installed: what it would say is not known"
	two_apps
	oxctl export caddy web --server web.example.com >Caddyfile
	run -0 caddy validate --adapter caddyfile --config Caddyfile
	oxctl export caddy >Caddyfile
	printf '\nexample.com {\n    import backend_api\n}\n' >>Caddyfile
	run -0 caddy validate --adapter caddyfile --config Caddyfile
}
