#!/usr/bin/env bats
# Starts that fail although the program runs: the reason says what it does instead, and what to do about it.
load ../lib/daemon

# serves PORT-EXPRESSION [LINES OF THE APP]: a web server on that port; its app has $port.
serves() {
	cat >server.py <<-PY
		import http.server, os
		http.server.HTTPServer(('127.0.0.1', $1), http.server.SimpleHTTPRequestHandler).serve_forever()
	PY
	cat >oxfile.toml <<-TOML
		[processes.api]
		command = ["python3", "server.py"]
		port = $port
		ready_timeout_secs = 2
		max_restarts = 1
		${2-}
	TOML
}

@test "an app that listens on another port than its own: the reason names both ports and what to do" {
	port=$(port_block 4)
	serves "$((port + 2))"
	run -1 oxctl start --wait 3>&-
	assert_output --partial "api:0 listens on port $((port + 2)), not on its PORT $port; set port = $((port + 2)) or make the program read PORT"
	run oxctl status
	assert_output --partial "listens on port $((port + 2)), not on its PORT $port"
	run oxctl why api
	assert_output --partial "set port = $((port + 2)) or make the program read PORT"
}

@test "a new revision that listens on another port fails its deploy with both" {
	port=$(port_block 4)
	serves "int(os.environ['PORT'])"
	oxctl start --wait 3>&-
	serves "$((port + 3))" 'env = { V = "2" }'
	run -1 oxctl deploy
	assert_output --partial "api:1 listens on port $((port + 3)), not on its PORT $((port + 1)); set port = $((port + 3)) or make"
	field_is api:0 revision 1
}

@test "an app that listens nowhere is said to" {
	port=$(port_block 2)
	serves "$port" 'command = ["sleep", "1000"]'
	sed -i '2d' oxfile.toml
	run -1 oxctl start --wait 3>&-
	assert_output --partial "api:0 does not listen on its PORT $port, nor on any other"
}

@test "an app whose first thread has ended is found to listen, and its memory is seen" {
	port=$(port_block 2)
	cat >threads.py <<-'PY'
		import ctypes, http.server, os, threading
		ballast = bytearray(b'x') * (20 << 20)
		server = http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler)
		threading.Thread(target=server.serve_forever).start()
		ctypes.CDLL(None).pthread_exit(None)
	PY
	cat >oxfile.toml <<-TOML
		[processes.api]
		command = ["python3", "threads.py"]
		port = $port
		ready_timeout_secs = 5
		health = { endpoint = "http://127.0.0.1:$port/" }
	TOML
	run -0 oxctl start --wait 3>&-
	state_is api:0 running
	eventually 5 is_first_thread_over "$(pid_of api:0)"
	curl -s "http://127.0.0.1:$port/" >/dev/null
	eventually 5 has_memory api:0 $((20 << 20))
	oxctl stop api
	run ! curl -s "http://127.0.0.1:$port/"
}

has_memory() {
	[ "$(status_field "$1" memory_bytes)" -gt "$2" ]
}

is_first_thread_over() {
	grep -q "^State:.*Z" "/proc/$1/status"
}

# goes_background TOML: its main process ends with 0, and a process of another session keeps running and listens.
goes_background() {
	cat >daemon.py <<-'PY'
		import http.server, os, sys, time
		if os.fork():
		    time.sleep(float(os.environ.get('REST', '0')))
		    os._exit(0)
		os.setsid()
		if os.fork():
		    os._exit(0)
		server = http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler)
		open('daemon.pid', 'w').write(str(os.getpid()))
		server.serve_forever()
	PY
	cat >oxfile.toml <<-TOML
		[processes.api]
		command = ["python3", "daemon.py"]
		port = $port
		max_restarts = 1
		$1
	TOML
}

@test "an app that puts itself into the background is a failed start, which says to run it in the foreground" {
	port=$(port_block 2)
	goes_background 'env = { REST = "0.5" }
		ready = "notify"'
	run -1 oxctl start --wait 3>&-
	assert_output --partial "the program put itself into the background: pid $(cat daemon.pid) '"
	assert_output --partial "daemon.py', which listens on port $port, was left behind and is stopped; run it in the foreground"
	run oxctl status
	assert_output --partial "put itself into the background"
	eventually 5 is_gone "$(cat daemon.pid)"
}

@test "one that had counted as running is said to have gone into the background too" {
	port=$(port_block 2)
	goes_background 'env = { REST = "1.5" }
		ready = "alive"'
	oxctl start --wait 3>&-
	eventually 5 state_is api:0 finished
	run oxctl why api
	assert_output --partial "the program put itself into the background: pid"
	eventually 5 is_gone "$(cat daemon.pid)"
}

@test "nginx without daemon off is no job that is done" {
	command -v nginx >/dev/null || skip "there is no nginx"
	port=$(port_block 2)
	cat >nginx.conf <<-CONF
		pid $PWD/nginx.pid;
		error_log $PWD/error.log;
		events {}
		http { access_log off; server { listen 127.0.0.1:$port; } }
	CONF
	begin_oxherd <<-TOML
		[processes.web]
		command = "nginx -p $PWD -c nginx.conf"
		port = $port
		max_restarts = 1
		stop_timeout_ms = 300
	TOML
	# nginx writes its title over the environment by which it could be known: without cgroups it may be nobody's.
	is_logged "cgroups: in" || skip "there are no cgroups here"
	eventually 10 state_is web:0 crashed
	run oxctl status
	assert_output --partial "the program put itself into the background"
}

@test "a job that ends with 0 and leaves a helper behind is done" {
	begin_oxherd <<-'TOML'
		[processes.job]
		command = "sleep 1000 & sleep 0.1"
	TOML
	eventually 5 state_is job:0 finished
	run oxctl why job
	assert_output --partial "'sleep 1000' was left behind and is stopped; exit code 0; not restarted"
}

@test "with ready = notify-fd a NOTIFY_FD that is closed without a newline fails the start at once" {
	begin_oxherd <<-'TOML'
		[processes.mute]
		command = "eval \"exec $NOTIFY_FD>&-\"; exec sleep 1000"
		ready = "notify-fd"
		max_restarts = 1
	TOML
	eventually 5 state_is mute:0 crashed
	run oxctl status
	assert_output --partial "it closed NOTIFY_FD without a newline"
}

@test "with ready = notify-fd a newline makes it ready, the next brain knows, and no NOTIFY_SOCKET is given" {
	start_oxherd <<-'TOML'
		[processes.fd]
		command = "echo \"socket is ${NOTIFY_SOCKET-none}\"; echo >&$NOTIFY_FD; exec sleep 1000"
		ready = "notify-fd"
	TOML
	has_written fd:0 "socket is none"
	pid=$(pid_of fd:0)
	kill -9 "$(brain_pid)"
	eventually 5 state_is fd:0 running
	assert_equal "$(pid_of fd:0)" "$pid"
}

@test "who closes all it inherits and then speaks on NOTIFY_SOCKET is ready with READY=1" {
	start_oxherd <<-'TOML'
		[processes.sd]
		command = ["python3", "-c", "import os, socket, time; os.closerange(3, 256); time.sleep(0.5); s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'].replace('@', chr(0), 1)); time.sleep(1000)"]
		ready = "notify"
	TOML
	state_is sd:0 running
	assert_equal "$(status_field sd:0 restarts)" 0
}

@test "with ready = notify who begins to write on NOTIFY_FD and closes it without a newline fails at once" {
	begin_oxherd <<-'TOML'
		[processes.half]
		command = "printf word >&$NOTIFY_FD; sleep 0.2; eval \"exec $NOTIFY_FD>&-\"; exec sleep 1000"
		ready = "notify"
		max_restarts = 1
	TOML
	eventually 5 state_is half:0 crashed
	run oxctl status
	assert_output --partial "it closed NOTIFY_FD without a newline"
}

@test "restarts for a failed check and for a silent watchdog are counted, wait longer each time, and end with crash_restart_limit" {
	begin_oxherd <<-'TOML'
		[defaults]
		restart_delay_ms = 50
		crash_restart_limit = 2
		[processes.ill]
		command = "sleep 1000"
		ready = "alive"
		health = { command = "false", interval_secs = 0.1, unhealthy_threshold = 1 }
		[processes.silent]
		command = "sleep 1000"
		ready = "alive"
		watchdog_secs = 0.2
	TOML
	eventually 20 state_is ill:0 crashed
	eventually 20 state_is silent:0 crashed
	assert_equal "$(status_field ill:0 restarts)" 2
	assert_equal "$(status_field silent:0 restarts)" 2
}
