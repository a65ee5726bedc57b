# A service that prints without end, or not at all any more: what it costs everybody else.
load ../lib/daemon

# Of the brain, at its highest; none where sanitizers take memory of their own.
peak_kb() {
	if [ -n "${OX_PATIENCE:-}" ]; then
		echo 0
		return
	fi
	sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(brain_pid)/status"
}

# Of processor time, in the two seconds from now on.
ticks_of() {
	python3 - "$1" <<-'PY'
		import sys, time
		def ticks():
		    with open(f"/proc/{sys.argv[1]}/stat", encoding="ascii") as f:
		        return sum(map(int, f.read().rpartition(")")[2].split()[11:13]))
		begin = ticks()
		time.sleep(2)
		print(ticks() - begin)
	PY
}

# best_ms COMMAND…: of ten runs.  What else the machine does makes one longer and never shorter.
best_ms() {
	python3 - "$@" <<-'PY'
		import subprocess, sys, time
		def once():
		    begin = time.perf_counter()
		    subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
		    return time.perf_counter() - begin
		print(int(min(once() for _ in range(10)) * 1000))
	PY
}

# A line into FIFO, and until it stands in LOG.
write_and_see() {
	python3 - "$1" "$2" <<-'PY'
		import os, sys, time
		best = 60
		for number in range(10):
		    size = os.path.getsize(sys.argv[2]) if os.path.exists(sys.argv[2]) else 0
		    begin = time.perf_counter()
		    with open(sys.argv[1], "w") as feed:
		        print("line", number, file=feed)
		    while not os.path.exists(sys.argv[2]) or os.path.getsize(sys.argv[2]) == size:
		        assert time.perf_counter() < begin + 20, "it never came"
		        time.sleep(0.001)
		    best = min(best, time.perf_counter() - begin)
		print(int(best * 1000))
	PY
}

@test "services that print as fast as they can keep no command and no other service waiting, and memory stays small" {
	mkfifo feed
	start_oxherd <<-TOML
		[processes.loud]
		command = ["yes", "a line that nobody will ever read, again and again"]
		instances = 3
		logs = { max_size_mb = 2, max_files = 2 }
		[processes.quiet]
		command = "exec cat <>$PWD/feed"
	TOML
	eventually 20 test -e "$OXHERD_HOME/log/loud-2-out.log.2"
	[ "$(best_ms oxctl status --json)" -lt 100 ]
	[ "$(write_and_see feed "$OXHERD_HOME/log/quiet-0-out.log")" -lt 100 ]
	[ "$(best_ms oxctl restart quiet)" -lt 1000 ]
	[ "$(peak_kb)" -lt 16384 ]
	oxctl stop
}

@test "a service that prints without end onto a full disk costs no memory, and commands are answered" {
	mkdir small
	given_oxfile <<-TOML
		[processes.loud]
		command = ["yes", "a line that finds no room"]
		logs = { stdout = "$PWD/small/loud.log", max_files = 0, max_size_mb = 0 }
	TOML
	unshare -m sh -c 'mount -t tmpfs -o size=4m none small && oxctl start --wait' 3>&-
	eventually 20 dropped_more_than 200000000
	before=$(peak_kb)
	eventually 30 dropped_more_than 600000000
	[ "$(peak_kb)" -lt $((before + 1024)) ]
	[ "$(peak_kb)" -lt 16384 ]
	state_is loud:0 running
	[ "$(oxctl events --json | grep -c "No space left on device")" -lt 5 ]
}

dropped_more_than() {
	[ "$(status_field loud:0 log_dropped_bytes)" -gt "$1" ]
}

@test "a service that closes its outputs, or has other files under their numbers, keeps nobody busy" {
	start_oxherd <<-'TOML'
		[processes.shut]
		command = "echo before; exec >&- 2>&-; exec sleep 1000"
		instances = 2
		[processes.other]
		command = "echo before; exec >/dev/null 2>/dev/null; exec sleep 1000"
		[processes.child]
		command = "(exec sleep 1000) & echo before; exec >&- 2>&-; wait"
	TOML
	for name in shut:0 shut:1 other:0 child:0; do
		eventually 5 has_written "$name" before
	done
	[ "$(ticks_of "$(brain_pid)")" -lt 10 ]
	oxctl restart
	eventually 5 has_begun_twice
}

has_begun_twice() {
	[ "$(grep -cx before "$OXHERD_HOME/log/shut-1-out.log")" = 2 ]
}

@test "logs comes to an end where a log ends with thirty thousand empty lines" {
	start_oxherd <<-'TOML'
		[processes.empty]
		command = "yes '' | head -n 30000; echo last; exec sleep 1000"
	TOML
	eventually 5 has_written empty:0 last
	run -0 timeout $((20 * ${OX_PATIENCE:-1})) oxctl logs empty -n 30001
	assert_equal "${#lines[@]}" 30001
	refute_logged "does not read its answers"
}
