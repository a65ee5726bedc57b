# What `oxctl status` shows.
load ../lib/common
load fake

STATUS='{ "version": 1, "daemon": { "pid": 1, "brain_pid": 2, "version": "0", "uptime_secs": 9, "brain_restarts": 0 },
	"apps": [ { "name": "api", "instances": 2, "ready": 1, "revision": 1, "port": 3000, "port_mode": "each", "oxfile": null, "rollout": null } ],
	"processes": [
	{ "id": "api:0", "name": "api", "instance": 0, "pid": 4102, "status": "running", "health": "healthy", "port": 3000, "revision": 1,
	  "uptime_secs": 92.4, "restarts": 0, "crashes": 0, "memory_bytes": 51380224, "cpu_percent": 0.3, "last_exit": null, "next_restart_ms": null, "reason": null },
	{ "id": "api:1", "name": "api", "instance": 1, "pid": null, "status": "backoff", "health": "unknown", "port": 3001, "revision": 1,
	  "uptime_secs": null, "restarts": 3, "crashes": 3, "memory_bytes": null, "cpu_percent": null, "last_exit": null, "next_restart_ms": 400, "reason": "exit code 3" } ] }'

# on_terminal SECONDS UNTIL COMMAND…: runs it on a terminal of 80 by 24 (WIDE, ROWS) until the screen has shown the words UNTIL, then Ctrl-C; prints all.
on_terminal() {
	python3 - "$@" <<-'PY'
		import fcntl, os, pty, select, struct, sys, termios, time
		limit, until, command = float(sys.argv[1]), sys.argv[2].encode(), sys.argv[3:]
		pid, fd = pty.fork()
		if pid == 0:
		    os.environ["TERM"] = "xterm"
		    os.execvp(command[0], command)
		fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", int(os.environ.get("ROWS", 24)), int(os.environ.get("WIDE", 80)), 0, 0))
		seen, end = b"", time.monotonic() + limit
		while until not in seen and time.monotonic() < end:
		    if select.select([fd], [], [], 0.1)[0]:
		        try:
		            seen += os.read(fd, 65536)
		        except OSError:
		            break
		os.write(fd, b"\x03")
		os.waitpid(pid, 0)
		sys.stdout.write(seen.decode())
		sys.exit(0 if until in seen else 1)
	PY
}

@test "status is a table with a verdict, by all of its names" {
	fake_daemon <<<"{ \"status\": { \"result\": $STATUS } }"
	for name in status ls list ps; do
		run -0 --separate-stderr oxctl $name
		assert_line --index 0 --regexp '^PROCESS +PID +STATUS +HEALTH +PORT +UPTIME +RESTARTS +CPU +MEM +REASON$'
		assert_line --index 2 --regexp '^api:0 +4102 +running +healthy +3000 +1m 32s +0 +0.3% +49.0 MB$'
		assert_line --index 1 --regexp '^api:1 +- +backoff +unknown +3001 +- +3 +- +- +exit code 3; next start in 400 ms$'
		assert_line --index 3 "1 of 2 ready, 1 backoff"
		assert_equal "$stderr" ""
	done
	asked 'p == {"version": 2}'
	run -0 oxctl status api:1 web
	asked 'p == {"targets": ["api:1", "web"], "version": 2}'
}

@test "status --json is what the daemon answered and nothing else" {
	fake_daemon <<<"{ \"status\": { \"result\": $STATUS } }"
	run -0 --separate-stderr oxctl status --json
	assert_equal "$stderr" ""
	python3 -c 'import json, sys; assert json.loads(sys.argv[1]) == json.loads(sys.argv[2])' "$output" "$STATUS"
}

@test "an unknown target is exit 4, an answer that is no status exit 1, and stdout stays empty" {
	fake_daemon <<<'{ "status": [ { "error": { "code": -32001, "message": "there is no app '"'x'"'" } }, { "result": { "processes": [ {} ] } } ] }'
	run -4 --separate-stderr oxctl status x --json
	assert_equal "$output" ""
	assert_equal "$stderr" "oxctl: there is no app 'x'"
	run -1 --separate-stderr oxctl status
	assert_equal "$output" ""
}

@test "--watch draws again when something happens, and shows another figure when nothing does" {
	fake_daemon <<-JSON
		{ "subscribe": { "result": { "seq": 0, "snapshot": null } },
		  "status": [ { "result": $STATUS, "events": [ { "seq": 1 } ] }, { "result": ${STATUS/running/unhealthy} }, { "result": ${STATUS/running/finished} } ] }
	JSON
	run -0 on_terminal 10 finished oxctl status --watch
	assert_output --partial running
	assert_output --partial unhealthy
	asked '[r["method"] for r in a][:4] == ["subscribe", "status", "status", "status"]'
}

@test "--watch ends with the daemon" {
	fake_daemon <<<"{ \"subscribe\": { \"result\": {} }, \"status\": { \"result\": $STATUS, \"exit\": true } }"
	run -0 on_terminal 10 "no daemon is running" oxctl status --watch
}

# Forty-nine that are equal, and one in trouble.
many() {
	python3 - "$STATUS" <<-'PY'
		import copy, json, sys
		s = json.loads(sys.argv[1])
		for i in range(2, 50):
		    s["processes"].append(dict(s["processes"][0], instance=i))
		print(json.dumps(s))
	PY
}

@test "a table that is higher than the terminal keeps its verdict" {
	fake_daemon <<<"{ \"subscribe\": { \"result\": {} }, \"status\": { \"result\": $(many) } }"
	ROWS=10 run -0 on_terminal 10 "q ends" oxctl status --watch --all-instances
	assert_output --partial "49 of 50 ready"
	assert_output --partial "of 51; arrows scroll, q ends"
}

# typed UNTIL KEYS…: watches on a terminal of 80 by 10, and types the keys each time that the screen has shown the words UNTIL since; SIGTERM and the
# like are sent. Prints how it ended, and whether the terminal is as before.
typed() {
	python3 - "$@" <<-'PY'
		import fcntl, os, pty, select, signal, struct, subprocess, sys, termios, time
		ours, theirs = pty.openpty()
		fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 80, 0, 0))
		before = termios.tcgetattr(theirs)
		end = time.monotonic() + 20
		p = subprocess.Popen(["oxctl", "status", "--watch", "--all-instances"], stdin=theirs, stdout=theirs, stderr=theirs,
		    env=dict(os.environ, TERM="xterm"), preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
		seen = b""
		def more():
		    global seen
		    if select.select([ours], [], [], 0.05)[0]:
		        seen += os.read(ours, 65536)
		for until, keys in zip(sys.argv[1::2], sys.argv[2::2]):
		    seen = b""
		    while until.encode() not in seen and time.monotonic() < end:
		        more()
		    if until.encode() not in seen:
		        print("never shown:", until, seen[-300:])
		    if keys.startswith("SIG"):
		        p.send_signal(getattr(signal, keys))
		    else:
		        os.write(ours, keys.encode().decode("unicode_escape").encode())
		while p.poll() is None and time.monotonic() < end:
		    more()
		more()
		p.kill()
		print("ended with", p.wait())
		print("keys as before:", termios.tcgetattr(theirs) == before)
		print("screen as before:", seen.rfind(b"\x1b[?1049l") > seen.rfind(b"\x1b[?1049h"), seen.rfind(b"\x1b[?25h") >= 0)
	PY
}

watched() {
	fake_daemon <<<"{ \"subscribe\": { \"result\": {} }, \"status\": { \"result\": $(many) } }"
}

assert_restored() {
	assert_line --index 0 "ended with $1"
	assert_line --index 1 "keys as before: True"
	assert_line --index 2 "screen as before: True True"
}

@test "--watch scrolls by the arrows, j and k, PgUp and PgDn, Home and End, and q ends it" {
	watched
	run -0 typed "lines 1-7 of 51" j "lines 2-8 of" '\x1b[B' "lines 3-9 of" k "lines 2-8 of" '\x1b[A' "lines 1-7 of" '\x1b[6~' \
		"lines 7-13 of" '\x1b[5~' "lines 1-7 of" '\x1b[F' "lines 45-51 of" '\x1b[H' "lines 1-7 of" q
	assert_restored 0
}

@test "--watch gives the terminal back on Ctrl-C and on SIGTERM" {
	watched
	run -0 typed "lines 1-7 of 51" '\x03'
	assert_restored -2
	run -0 typed "lines 1-7 of 51" SIGTERM
	assert_restored -15
}

@test "--watch stopped by Ctrl-Z gives the terminal back, and takes it again when it continues" {
	watched
	run -0 typed "lines 1-7 of 51" '\x1a' '[?1049l' SIGCONT "lines 1-7 of 51" q
	assert_restored 0
}

@test "--watch without keys on standard input ends with Ctrl-C as ever" {
	watched
	run -0 on_terminal 10 "49 of 50 ready" sh -c 'oxctl status --watch </dev/null'
}

@test "a key asks the daemon nothing" {
	watched
	run -0 typed "lines 1-7 of 51" jjjjjjjjjjjjjjjjjjjj "lines 21-27 of" kkkkkkkkkk "lines 11-17 of" q
	assert_restored 0
	asked 'len([r for r in a if r["method"] == "status"]) <= 4'
}

@test "on a low terminal equal instances share a row, and --all-instances, a target and a pipe show each" {
	fake_daemon <<<"{ \"status\": { \"result\": $(many) } }"
	ROWS=10 run -0 on_terminal 10 "49 of 50 ready" oxctl status
	assert_output --regexp 'api:0,2-49 .*49 running'
	refute_output --partial "api:30"
	for how in --all-instances api; do
		ROWS=10 run -0 on_terminal 10 "49 of 50 ready" oxctl status $how
		assert_output --partial "api:30"
	done
	run -0 oxctl status
	[ "${#lines[@]}" -eq 52 ]
}

@test "on a narrow terminal the columns give way, and the reason has a line of its own" {
	fake_daemon <<<"{ \"status\": { \"result\": $STATUS } }"
	export NO_COLOR=1
	WIDE=40 run -0 on_terminal 10 "1 of 2 ready" oxctl status
	assert_line --index 0 --regexp '^PROCESS +STATUS +PORT +UPTIME +MEM'
	assert_line --index 1 --regexp '^api:1 +backoff +3001'
	assert_line --index 2 --regexp '^  exit code 3; next start in 400 ms'
}

@test "colours appear on a terminal, and not with NO_COLOR" {
	fake_daemon <<<"{ \"status\": { \"result\": $STATUS } }"
	run -0 on_terminal 10 "1 of 2 ready" oxctl status
	assert_output --partial $'\e[32mrunning\e[0m'
	NO_COLOR=1 run -0 on_terminal 10 "1 of 2 ready" oxctl status
	refute_output --partial $'\e['
}

@test "an older daemon, which knows no version, is asked again without it" {
	fake_daemon <<<"{ \"status\": [ { \"error\": { \"code\": -32602, \"message\": \"status: unknown parameter 'version'\" } }, { \"result\": $STATUS } ] }"
	run -0 oxctl status --json
	assert_output --partial '"version": 1,'
	asked '[r["params"] for r in a] == [{"version": 2}, {}]'
}
