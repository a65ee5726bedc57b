#!/usr/bin/env bats
# Ready when it says so: sd_notify, a newline on a descriptor, Node's channel.
load ../lib/daemon

# write NAME: a file beside the oxfile, from standard input.
write() {
	cat >"$1"
}

@test "process.send('ready') of an unmodified Node program makes it ready, and nothing before that" {
	write app.js <<-'JS'
		process.send({ hello: 'ready' });
		process.send('not ready');
		require('fs').writeFileSync('up', '');
		const t = setInterval(() => {
			if (!require('fs').existsSync('go')) return;
			clearInterval(t);
			process.send('ready');
			setInterval(() => {}, 1000);
		}, 10);
	JS
	begin_oxherd <<-'TOML'
		[processes.web]
		command = "node app.js"
		ready = "ipc"
	TOML
	eventually 10 test -e up
	assert state_is web:0 starting
	assert reason_has web:0 "waits for 'ready' from it"
	touch go
	eventually 5 state_is web:0 running
}

@test "a Node program is asked to stop by a message, and has its time for it" {
	write app.js <<-'JS'
		process.on('SIGTERM', () => { console.log('SIGTERM'); process.exit(1); });
		process.on('message', (m) => {
			console.log('got ' + m);
			setTimeout(() => process.exit(0), 300);
		});
		process.send('ready');
	JS
	start_oxherd <<-'TOML'
		[processes.web]
		command = "node app.js"
		ready = "ipc"
		shutdown_with_message = true
	TOML
	took 300 3000 oxctl stop web
	assert has_written web:0 "got shutdown"
	refute has_written web:0 SIGTERM
	assert_logged "web:0: stopping -> stopped on died (asked to stop, ended with exit code 0)"
}

@test "who does not listen on its channel is stopped by the signal" {
	start_oxherd <<-'TOML'
		[processes.web]
		command = ["node", "-e", "process.send('ready', () => process.disconnect()); setInterval(() => {}, 1000)"]
		ready = "ipc"
		shutdown_with_message = true
	TOML
	eventually 5 is_channel_closed "$(pid_of web:0)"
	oxctl stop web
	assert_logged "web:0: stopping -> stopped on died (asked to stop, ended by SIGTERM)"
}

is_channel_closed() {
	! find "/proc/$1/fd" -lname 'socket:*' | grep -q .
}

@test "systemd-notify --ready from a shell script makes it ready, and its status is shown" {
	start_oxherd <<-'TOML'
		[processes.job]
		command = "systemd-notify --ready --status='serves 3 clients'; exec sleep 1000"
		ready = "notify"
	TOML
	assert state_is job:0 running
	eventually 5 reason_has job:0 "serves 3 clients"
}

@test "a newline on \$NOTIFY_FD makes it ready, from Python and from a shell" {
	start_oxherd <<-'TOML'
		[processes.python]
		command = ["python3", "-c", "import os, time; os.write(int(os.environ['NOTIFY_FD']), b'\\n'); time.sleep(1000)"]
		ready = "notify"
		[processes.shell]
		command = "echo >&$NOTIFY_FD; exec sleep 1000"
		ready = "notify"
	TOML
	assert state_is python:0 running
	assert state_is shell:0 running
}

@test "\$NOTIFY_FD and Node's channel have numbers of their own, whatever the daemon has under these itself" {
	start_oxherd <<-'TOML'
		[processes.both]
		command = ["node", "-e", "process.on('message', (m) => { console.log(m); process.exit(0); }); require('fs').writeSync(+process.env.NOTIFY_FD, '\\n')"]
		ready = "notify"
		shutdown_with_message = true
		[processes.many]
		command = "actor --print-fds --exit 0; echo \"is $NOTIFY_FD\"; echo >&$NOTIFY_FD; exec sleep 1000"
		ready = "notify"
		instances = 20
	TOML
	# All began at the same time, and none has an end of another's.
	for ((i = 0; i < 20; i++)); do
		run output_of "many:$i"
		assert_line "is 3"
		assert_equal "$(grep -c '^fd ' <<<"$output")" 4
	done
	oxctl stop both
	eventually 5 has_written both:0 shutdown
}

@test "who never says that it is ready fails in time, and never counts as running" {
	begin_oxherd <<-'TOML'
		[processes.mute]
		command = "sleep 1000"
		ready = "notify"
		ready_timeout_secs = "300ms"
		max_restarts = 2
		restart_delay_ms = 10
		[processes.silent]
		command = ["node", "-e", "setInterval(() => {}, 1000)"]
		ready = "ipc"
		ready_timeout_secs = "300ms"
		max_restarts = 1
	TOML
	eventually 10 state_is mute:0 crashed
	eventually 10 state_is silent:0 crashed
	refute_logged "starting -> running"
	run oxctl why mute:0
	assert_output --partial "not ready within 0.3 s"
}

# tells ADDRESS WORDS: what sd_notify does, from a process that stays there until it was heard.
tells() {
	python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
s.send(sys.argv[2].encode())
time.sleep(1)' "$@"
}

address_of() {
	tr '\0' '\n' <"/proc/$1/environ" | sed -n 's/^NOTIFY_SOCKET=//p'
}

@test "a stranger that says READY=1 is named and not believed" {
	begin_oxherd <<-'TOML'
		[processes.job]
		command = "actor --say up"
		ready = "notify"
	TOML
	eventually 5 has_written job:0 up
	tells "$(address_of "$(pid_of job:0)")" READY=1 3>&- &
	stranger=$!
	eventually 5 is_logged "READY=1 came from pid"
	wait "$stranger"
	run oxctl why job:0
	assert_output --partial "which is not its own; not believed"
	assert state_is job:0 starting
}

@test "a grandchild in a session of its own may say it, and one that has gone at once" {
	write say.py <<-'PY'
		import os, socket, sys, time
		if os.fork() == 0:
		    os.setsid()
		    if os.fork() == 0:
		        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		        s.connect(os.environ['NOTIFY_SOCKET'])
		        s.send(b'READY=1')
		        os._exit(0)
		    os._exit(0)
		os.wait()
		time.sleep(1000)
	PY
	start_oxherd <<-'TOML'
		[processes.job]
		command = "python3 say.py"
		ready = "notify"
	TOML
	assert state_is job:0 running
}

@test "who has said it and was gone before anybody looked is believed" {
	write say.py <<-'PY'
		import os, socket, subprocess, time
		while not os.path.exists('go'):
		    time.sleep(.01)
		subprocess.run(['python3', '-c', """import os, socket
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.connect(os.environ['NOTIFY_SOCKET'])
		s.send(b'READY=1')"""])
		open('said', 'w')
		time.sleep(1000)
	PY
	begin_oxherd <<-'TOML'
		[processes.job]
		command = "python3 say.py"
		ready = "notify"
	TOML
	eventually 5 has_pid job:0
	brain=$(brain_pid)
	kill -STOP "$brain"
	touch go
	eventually 5 test -e said
	kill -CONT "$brain"
	eventually 5 state_is job:0 running
	refute_logged "not believed"
}

@test "an app of another user may say it too" {
	[ "$(id -u)" = 0 ] || skip "only root may become another user"
	start_oxherd <<-'TOML'
		[processes.job]
		command = "systemd-notify --ready; exec sleep 1000"
		working_dir = "/"
		user = "nobody"
		ready = "notify"
	TOML
	assert state_is job:0 running
}

has_pid() {
	[ "$(pid_of "$1")" != null ]
}

@test "what was said while no brain was there is heard by the next one" {
	write app.py <<-'PY'
		import os, time
		while not os.path.exists('go'):
		    time.sleep(.01)
		os.write(int(os.environ['NOTIFY_FD']), b'\n')
		open('said', 'w')
		time.sleep(1000)
	PY
	begin_oxherd <<-'TOML'
		[processes.job]
		command = "python3 app.py"
		ready = "notify"
		[processes.web]
		command = ["node", "-e", "const t = setInterval(() => { if (require('fs').existsSync('go')) { clearInterval(t); process.send('ready'); setInterval(() => {}, 1000) } }, 10)"]
		ready = "ipc"
	TOML
	eventually 5 has_pid job:0
	eventually 5 has_pid web:0
	job=$(pid_of job:0) web=$(pid_of web:0)
	brain=$(brain_pid)
	kill -STOP "$brain"
	touch go
	eventually 5 test -e said
	kill -KILL "$brain"
	eventually 10 state_is job:0 running
	eventually 10 state_is web:0 running
	assert_equal "$(pid_of job:0) $(pid_of web:0)" "$job $web"
	refute_logged "web:0: starting -> stopping"
}

@test "who was ready before the brain died is ready for the next one, and still heard" {
	start_oxherd <<-'TOML'
		[processes.job]
		command = "systemd-notify --ready; while ! test -e go; do sleep 0.05; done; systemd-notify --status='after it'; exec sleep 1000"
		ready = "notify"
	TOML
	pid=$(pid_of job:0)
	kill -KILL "$(brain_pid)"
	eventually 10 state_is job:0 running
	touch go
	eventually 5 reason_has job:0 "after it"
	assert_equal "$(pid_of job:0)" "$pid"
}

@test "a start that asks for more time gets it, and no longer than it said" {
	begin_oxherd <<-'TOML'
		[processes.slow]
		command = "systemd-notify EXTEND_TIMEOUT_USEC=1500000; sleep 1; systemd-notify --ready; exec sleep 1000"
		ready = "notify"
		ready_timeout_secs = "700ms"
		[processes.never]
		command = "systemd-notify EXTEND_TIMEOUT_USEC=500000; exec sleep 1000"
		ready = "notify"
		ready_timeout_secs = "400ms"
		max_restarts = 1
	TOML
	eventually 5 state_is slow:0 running
	eventually 5 state_is never:0 crashed
	refute_logged "slow:0: starting -> stopping"
}

@test "who does not say WATCHDOG=1 in time is restarted, and who does is left alone" {
	write pat.py <<-'PY'
		import os, socket, time
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.connect(os.environ['NOTIFY_SOCKET'])
		s.send(b'READY=1')
		while not os.path.exists('hang'):
		    s.send(b'WATCHDOG=1')
		    time.sleep(int(os.environ['WATCHDOG_USEC']) / 4e6)
		time.sleep(1000)
	PY
	start_oxherd <<-'TOML'
		[processes.job]
		command = "python3 pat.py"
		ready = "notify"
		watchdog_secs = "800ms"
		restart_delay_ms = 10
	TOML
	pid=$(pid_of job:0)
	eventually 5 has_uptime job:0 2
	assert_equal "$(pid_of job:0)" "$pid"
	touch hang
	eventually 5 is_logged "job:0: running -> unhealthy on unhealthy (it has not said WATCHDOG=1 for 0.8 s)"
	rm hang
	eventually 10 field_is job:0 restarts 1
	eventually 10 state_is job:0 running
}

# entries FOLDER: how many there are.
entries() {
	find "$1" -mindepth 1 | wc -l
}

@test "nothing is left of what an instance was to speak on" {
	start_oxherd <<-'TOML'
		[processes.job]
		command = "systemd-notify --ready; exec sleep 1000"
		ready = "notify"
		[processes.web]
		command = ["node", "-e", "process.send('ready'); setInterval(() => {}, 1000)"]
		ready = "ipc"
	TOML
	held=$(entries "/proc/$(keeper_pid)/fd")
	open=$(entries "/proc/$(brain_pid)/fd")
	for _ in 1 2 3 4 5; do
		oxctl restart --wait
	done
	assert_equal "$(entries "$OXHERD_HOME/run/notify")" 1
	eventually 5 has_descriptors "$(keeper_pid)" "$held"
	eventually 5 has_descriptors "$(brain_pid)" "$open"
	oxctl stop
	assert_equal "$(entries "$OXHERD_HOME/run/notify")" 0
}

has_descriptors() {
	[ "$(entries "/proc/$1/fd")" -le "$2" ]
}
