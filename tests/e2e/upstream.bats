# Upstream files that follow the herd, through the real nginx where it matters.
load ../lib/daemon
load ../lib/front

teardown() {
	nginx_down
	stop_oxherd
}

# The ports that the file names, in order; with "down" behind those that get nothing new.
named() {
	sed -n 's/^ *server 127.0.0.1:\([0-9]*\)\( down\)\{0,1\};$/\1\2/p' upstream.conf | xargs
}

names() {
	[ "$(named)" = "$1" ]
}

reloads() {
	wc -l <reloads 2>/dev/null || echo 0
}

reloaded() {
	[ "$(reloads)" -ge "$1" ]
}

@test "the upstream names the instances that are ready, through a crash, a scale and a stop of one" {
	port=$(port_block 4)
	front=$(port_block 5)
	front=$((front + 4))
	nginx_up "$front" api "$PWD/upstream.conf"
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 2
		port = $port
		restart_delay_ms = 60000
		[processes.api.nginx]
		options = ["least_conn", "keepalive 32"]
		$(nginx_keys)
	TOML
	eventually 5 names "$port $((port + 1))"
	eventually 5 upstream_is_settled
	assert answers "$front" "hello from api"
	oxctl scale api 4 --wait
	eventually 5 names "$port $((port + 1)) $((port + 2)) $((port + 3))"
	kill -KILL "$(pid_of api:1)"
	eventually 5 names "$port $((port + 2)) $((port + 3))"
	oxctl stop api:2
	eventually 5 names "$port $((port + 3))"
	oxctl scale api 1
	eventually 5 names "$port"
	eventually 5 answers "$front" "hello from api:0"
}

# Two instances behind nginx, on $port and $front; who is asked for /slow takes its time, and for /slow0 the first one does.
slow_herd() {
	port=$(port_block 2)
	front=$((port + 10))
	nginx_up "$front" api "$PWD/upstream.conf"
	cat >slow.py <<-'PY'
		import http.server, os, time
		me = os.environ['OXHERD_INSTANCE']
		class Slow(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        if self.path in ('/slow', '/slow' + me):
		            time.sleep(2)
		        self.send_response(200)
		        self.end_headers()
		        self.wfile.write(b'from ' + me.encode())
		    def log_message(self, *words):
		        pass
		http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Slow).serve_forever()
	PY
	start_oxherd <<-TOML
		[processes.api]
		command = "python3 slow.py"
		instances = 2
		port = $port
		stop_signal = "SIGKILL"
		[processes.api.nginx]
		$(nginx_keys)
	TOML
	eventually 5 names "$port $((port + 1))"
	eventually 5 upstream_is_settled
	eventually 5 answers "$front" "from"
}

# Four at once, through nginx: so each instance gets one.
ask_four() {
	local i
	for i in 1 2 3 4; do
		curl -s --max-time 10 -o "answer$i" -w '%{http_code}\n' "http://127.0.0.1:$front$1" >"code$i" 3>&- &
	done
}

@test "an instance that leaves finishes what it was asked, and gets nothing new" {
	slow_herd
	ask_four /slow
	eventually 5 has_connection $((port + 1))
	took 500 8000 oxctl scale api 1
	wait
	assert_equal "$(cat code1 code2 code3 code4 | xargs)" "200 200 200 200"
	assert_equal "$(cat answer1 answer2 answer3 answer4 | grep -o 'from .' | sort -u | xargs)" "from 0 from 1"
	eventually 5 names "$port"
}

@test "nobody stops while nginx's old workers, which still know it, are there" {
	slow_herd
	ask_four /slow0
	eventually 5 has_connection "$port"
	# What is asked of the other one keeps a worker that may still turn to this one.
	took 1000 8000 oxctl stop api:1
	wait
}

# Somebody is connected to this port.
has_connection() {
	awk -v port="$(printf ':%04X' "$1")" '$2 ~ (port "$") && $4 == "01" { found = 1 } END { exit !found }' /proc/net/tcp
}

@test "a deploy tells that a slot leaves its upstream before it stops" {
	port=$(port_block 3)
	front=$((port + 10))
	nginx_up "$front" api "$PWD/upstream.conf"
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 2
		port = $port
		deploy.min_healthy_secs = 0
		[processes.api.nginx]
		$(nginx_keys)
	TOML
	eventually 5 names "$port $((port + 1))"
	run -0 oxctl reload api
	steps=$(sed -n 's/.* api:0: //p' <<<"$output" | xargs)
	assert_regex "$steps" '^removing from upstream( draining)? stopping starting.* done$'
	refute_regex "$steps" "stopping.*stopping"
}

@test "what the test command refuses is put back, told once, and tried again when it may work" {
	port=$(port_block 2)
	begin_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
		[processes.api.nginx]
		output = "upstream.conf"
		test = "test ! -e broken || { echo the site is broken >&2; exit 3; }"
		reload = "echo reload >>reloads"
	TOML
	eventually 5 reloaded 1
	touch broken
	cp upstream.conf before
	oxctl scale api 2 --wait
	eventually 5 is_logged "failed (exit code 3): the site is broken"
	eventually 5 cmp -s before upstream.conf
	run -0 oxctl events
	assert_output --partial "its upstream is not as it should be"
	assert_equal "$(status_field api:0 status) $(status_field api:1 status)" "running running"
	rm broken
	eventually 10 names "$port $((port + 1))"
	eventually 5 reloaded 2
	assert_equal "$(daemon_log | grep -c 'info api: its upstream is not')" 1
}

upstream_field() {
	oxctl status --json | sed -n '/"upstreams"/,$p' | json_field "$1"
}

upstream_is() {
	[ "$(upstream_field in_effect) $(upstream_field pending)" = "$1" ]
}

@test "status --json says which servers nginx was given, and whether it uses them" {
	port=$(port_block 2)
	begin_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
		[processes.api.nginx]
		output = "upstream.conf"
		test = "test ! -e broken"
		reload = "true"
	TOML
	eventually 5 upstream_is "true false"
	assert_equal "$(upstream_field output)" "$PWD/upstream.conf"
	assert_equal "$(upstream_field port) $(upstream_field down)" "$port false"
	touch broken
	oxctl scale api 2 --wait
	eventually 5 upstream_is "false false"
	rm broken
	eventually 10 upstream_is "true false"
}

@test "what has not changed is not reloaded, not even by another brain" {
	port=$(port_block 2)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 2
		port = $port
		[processes.api.nginx]
		output = "upstream.conf"
		test = "true"
		reload = "echo reload >>reloads"
	TOML
	eventually 5 names "$port $((port + 1))"
	eventually 5 upstream_is_settled
	before=$(reloads)
	assert [ "$before" -le 2 ]
	oxctl daemon restart
	eventually 5 state_is api:1 running
	oxctl scale api 3 --wait
	eventually 5 names "$port $((port + 1)) $((port + 2))"
	eventually 5 upstream_is_settled
	assert_equal "$(reloads)" $((before + 1))
}

# The old content is kept only until the proxy knows the new one.
upstream_is_settled() {
	[ ! -e "$OXHERD_HOME/run/upstreams/api.before" ] && [ -e upstream.conf ]
}

@test "a reload that the brain did not live to see is made by the next one" {
	port=$(port_block 2)
	begin_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
		[processes.api.nginx]
		output = "upstream.conf"
		test = "true"
		reload = "test ! -e slow || { echo begun >begun; exec sleep 60; }; echo reload >>reloads"
	TOML
	eventually 5 upstream_is_settled
	eventually 5 reloaded 1
	touch slow
	oxctl scale api 2 --wait
	eventually 5 test -e begun
	rm slow
	kill -KILL "$(brain_pid)"
	eventually 5 reloaded 2
	eventually 5 upstream_is_settled
	assert names "$port $((port + 1))"
}

@test "where nobody serves the file keeps its last servers" {
	port=$(port_block 2)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 2
		port = $port
		[processes.api.nginx]
		output = "upstream.conf"
		test = "true"
		reload = "echo reload >>reloads"
	TOML
	eventually 5 names "$port $((port + 1))"
	eventually 5 upstream_is_settled
	oxctl stop api
	assert [ -n "$(named)" ]
	oxctl start --wait
	eventually 5 names "$port $((port + 1))"
	# Nor is that a trouble to tell of.
	eventually 5 upstream_is_settled
	refute_logged "not as it should be"
}

@test "a reload that nginx accepts and does not carry out is reported" {
	port=$(port_block 2)
	nginx_up $((port + 10)) api "$PWD/upstream.conf"
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
		[processes.api.nginx]
		output = "upstream.conf"
		test = "true"
		reload = ["sh", "-c", "kill -HUP \$(cat $nginx_root/nginx.pid)"]
	TOML
	eventually 5 upstream_is_settled
	echo 'a mistake;' >>"$nginx_root/nginx.conf"
	oxctl scale api 2 --wait
	eventually 10 is_logged "nginx still works with what it had"
}

@test "an nginx that is not there yet is no mistake: it reads the file when it comes" {
	port=$(port_block 2)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
		[processes.api.nginx]
		output = "upstream.conf"
		test = "true"
		reload = "nginx -s reload -c $BATS_TEST_TMPDIR/none.conf"
	TOML
	eventually 5 upstream_is_settled
	refute_logged "not as it should be"
}
