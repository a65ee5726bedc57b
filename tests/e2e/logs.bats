load ../lib/daemon

# Instances that count aloud, each line named and numbered; every tenth also on standard error.  Variables: instances, more (TOML),
# padding (what ends a line).
counters() {
	cat >count.py <<-'PY'
		import os, sys, time
		name, padding, number = os.environ["OXHERD_INSTANCE"], sys.argv[1], 0
		while True:
		    print(f"{name} says {number}{padding}", flush=True)
		    if number % 10 == 0:
		        print(f"{name} warns {number}", file=sys.stderr, flush=True)
		    number += 1
		    time.sleep(0.01)
	PY
	start_oxherd <<-TOML
		[processes.api]
		command = ["python3", "$PWD/count.py", "${padding:-}"]
		instances = ${instances:-2}
		restart_delay_ms = 20
		${more:-}
	TOML
}

# follow FILE ARGUMENT…: oxctl logs -f in the background, into FILE.
follow() {
	local file=$1
	shift
	oxctl logs -f "$@" >"$file" 2>"$file.talk" 3>&- &
	follower=$!
	eventually 5 test -s "$file"
}

unfollow() {
	kill "$follower"
	wait "$follower" || :
}

# unbroken FILE INSTANCE: its numbers follow each other; after a restart they begin again at 0.
unbroken() {
	sed -n "s/^\[api:$2\] $2 says //p" "$1" | awk '
		NR > 1 && $1 != last + 1 && $1 != 0 { print "after " last " comes " $1; bad = 1 }
		{ last = $1 }
		END { exit bad || NR < 2 }'
}

lines_in() {
	wc -l <"$1"
}

has_lines() {
	[ "$(lines_in "$1")" -ge "$2" ]
}

grows() {
	eventually 10 has_lines "$1" $(($(lines_in "$1") + ${2:-20}))
}


@test "logs shows the newest lines of every instance, with its tag" {
	instances=2 counters
	eventually 5 has_written api:1 "says 20"
	run -0 oxctl logs -n 8
	[ "${#lines[@]}" = 8 ]
	refute_line --regexp '^[^[]'
	run -0 oxctl logs -n 5 --out api:1
	[ "${#lines[@]}" = 5 ]
	assert_line --partial "[api:1] 1 says"
	refute_line --partial "api:0"
	run -0 oxctl logs -n 0
	assert_output ""
}

@test "logs --err, --out and --grep choose lines" {
	counters
	eventually 5 has_written api:0 "says 30"
	run -0 oxctl logs --err api:0
	assert_line "[api:0] 0 warns 10"
	refute_output --partial says
	run -0 oxctl logs --out api:0
	refute_output --partial warns
	run -0 oxctl logs --grep '(says|warns) 20$' api:0
	assert_output - <<-'END'
		[api:0] 0 says 20
		[api:0] 0 warns 20
	END
	run -2 oxctl logs --grep '('
	assert_output --partial "is not a regular expression"
	run -2 oxctl logs --err --out
	run -2 oxctl logs -f --until 10:00
	run -2 oxctl logs --since soon
	run -4 oxctl logs nobody
}

# An app that has written this many numbered lines, every 1000th of them marked, and then sleeps.
numbered() {
	cat >book.sh <<-'SH'
		seq -f 'line %.0f.' "$1" | sed 's/000\.$/& mark/'
		echo all
		exec sleep 1000
	SH
	start_oxherd <<-TOML
		[processes.book]
		command = ["bash", "$PWD/book.sh", "$1"]
	TOML
	eventually 10 has_written book:0 all
}

@test "logs -n takes any number" {
	numbered 150000
	run -0 oxctl logs --raw -n 120000
	[ "${#lines[@]}" = 120000 ]
	[ "${lines[0]}" = "line 30002." ]
	for count in 1000000 5000000000 99999999999999999999 all; do
		[ "$(oxctl logs -n "$count" | wc -l)" = 150001 ]
	done
	run -2 oxctl logs -n -1
	run -2 oxctl logs -n many
	assert_output --partial "-n needs a number, 0 or more, or 'all', not 'many'"
}

@test "logs --grep -n N shows the newest N lines that match, however far back they are" {
	numbered 100000
	run -0 oxctl logs --raw --grep '[0-9]\. mark$' -n 3
	assert_output - <<-'END'
		line 98000. mark
		line 99000. mark
		line 100000. mark
	END
	run -0 oxctl logs --raw --grep '^line 1(000)?\.' -n 5
	assert_output - <<-'END'
		line 1.
		line 1000. mark
	END
	run -0 oxctl logs --raw --grep '^line .*9\.$' -n 20000
	[ "${#lines[@]}" = 10000 ]
	[ "${lines[0]}" = "line 9." ]
	run -0 oxctl logs --raw --grep ' mark' -n 1
	assert_output "line 100000. mark"
	run -0 oxctl logs --raw --grep '^nothing$'
	assert_output ""
	[ "$(oxctl logs --json --grep 'mark$' -n 7 | wc -l)" = 7 ]
}

@test "logs -f --grep shows the newest matches, then each new one once" {
	counters
	eventually 5 has_written api:0 "says 30"
	follow seen --grep '^[01] says [0-9]+$' -n 5
	grows seen
	unfollow
	run -0 cat seen
	refute_output --partial warns
	unbroken seen 0
	unbroken seen 1
	[ "$(sort seen | uniq -d | wc -l)" = 0 ]
}

# search PATTERN: as a client that leaves the search to the daemon; the first line that comes back.
search() {
	timeout 5 python3 - "$OXHERD_HOME/run/oxherd.sock" "$1" <<-'PY'
		import json, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		ask = {"jsonrpc": "2.0", "id": 1, "method": "logs", "params": {"grep": sys.argv[2], "lines": 2}}
		s.sendall((json.dumps(ask) + "\n").encode())
		print(s.makefile().readline(), end="")
	PY
}

@test "a pattern that takes minutes holds up nobody: the daemon searches for plain text only" {
	numbered 20000
	dear='((((e{1,9}|n){1,9}|[a-z]*){1,9})*x)*y'
	run -0 search "$dear"
	assert_output --partial "'grep' must be plain text"
	run -0 search 15000
	assert_output --partial '"line":"line 15000. mark"'
	oxctl logs --grep "$dear" -n 20000 >/dev/null 2>&1 3>&- &
	searcher=$!
	for _ in 1 2 3 4 5; do
		run -0 timeout 2 oxctl status
	done
	kill "$searcher" 2>/dev/null || :
	wait "$searcher" || :
}

@test "logs --json is an object a line, also of bytes that are no text" {
	start_oxherd <<-'TOML'
		[processes.odd]
		command = ["bash", "-c", "printf 'a\\0b\\xff\\n\\033[2Jplain\\n'; exec sleep 1000"]
	TOML
	eventually 5 has_written odd:0 plain
	oxctl logs --json >seen
	python3 - seen <<-'PY'
		import base64, json, sys
		odd, plain = [json.loads(line) for line in open(sys.argv[1])]
		assert odd["id"] == "odd:0" and odd["stream"] == "out" and odd["replaced"], odd
		assert base64.b64decode(odd["bytes"]) == b"a\0b\xff", odd
		assert odd["line"] == "a\ufffdb\ufffd", odd
		assert plain["line"] == "\033[2Jplain" and "replaced" not in plain, plain
	PY
	printf 'a\0b\xff\n\033[2Jplain\n' >written
	oxctl logs --raw >seen
	cmp seen written
}

@test "logs -f continues over rotations, a restart, a killed brain and daemon restart: no gap, no repeat" {
	padding=$(printf ' %8000s' x) more='logs = { max_size_mb = 1, max_files = 3 }' counters
	# The first line must not be among the last five.
	eventually 20 has_written api:0 "says 9"
	follow seen -n 5
	eventually 20 test -e "$OXHERD_HOME/log/api-0-out.log.2"
	grows seen
	kill -KILL "$(brain_pid)"
	grows seen
	oxctl restart api:0
	grows seen
	oxctl daemon restart
	grows seen
	kill -KILL "$(brain_pid)"
	grows seen
	unfollow
	unbroken seen 0
	unbroken seen 1
	[ "$(grep -c '^\[api:0\] 0 says 0 ' seen)" = 1 ]
	run cat seen.talk
	assert_output ""
}

@test "logs -f hears instances that join" {
	instances=1 counters
	follow seen -n 1
	oxctl scale api 2
	eventually 5 grep -q '^\[api:1\] 1 says 0$' seen
	unfollow
}

@test "logs ends well when its reader has enough" {
	counters
	eventually 5 has_written api:0 "says 30"
	oxctl logs | head -n 2 >seen
	[ "${PIPESTATUS[*]}" = "0 0" ]
	run -0 timeout 20 bash -c 'set -o pipefail; oxctl logs -f | head -n 300 | wc -l'
	assert_output 300
}

@test "a reader that never reads costs nothing and keeps nobody waiting" {
	start_oxherd <<-'TOML'
		[processes.loud]
		command = ["bash", "-c", "yes 'the same line over and over' | head -n 400000; exec sleep 1000"]
	TOML
	oxctl logs -n all 3>&- | (sleep 1000) &
	reader=$!
	eventually 10 has_written loud:0 over
	oxctl logs -f -n all >seen 3>&- &
	follower=$!
	kill -STOP "$follower"
	took 0 2000 oxctl status >/dev/null
	[ "$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(brain_pid)/status")" -lt 60000 ]
	kill -CONT "$follower"
	eventually 20 has_lines seen 400000
	unfollow
	pkill -P "$reader" sleep || kill "$reader"
	[ "$(sort -u seen)" = "[loud:0] the same line over and over" ]
	[ "$(wc -l <seen)" = 400000 ]
}

@test "a line of many megabytes passes whole" {
	start_oxherd <<-'TOML'
		[processes.long]
		command = ["python3", "-c", "import time; print('x' * 100_000_000); print('after', flush=True); time.sleep(1000)"]
	TOML
	eventually 20 has_written long:0 after
	oxctl logs -n 2 >seen
	[ "$(wc -l <seen)" = 2 ]
	[ "$(head -n 1 seen | wc -c)" = 100000010 ]
	[ "$(tail -n 1 seen)" = "[long:0] after" ]
}

@test "without a daemon logs says where the logs are" {
	run -3 oxctl logs
	assert_output --partial "the logs are in '$OXHERD_HOME/log'"
}

@test "a question waits for a brain that is on its way back" {
	counters
	for _ in 1 2 3 4 5; do
		kill -KILL "$(brain_pid)"
		oxctl status >/dev/null
	done
}

@test "events -f continues with the next number when the brain was killed" {
	counters
	oxctl events -f --json >seen 3>&- &
	follower=$!
	eventually 5 test -s seen
	oxctl restart api:0
	kill -KILL "$(brain_pid)"
	oxctl restart api:1
	eventually 5 grep -q '"id":"api:1".*"from":"starting","to":"running"' seen
	oxctl daemon restart
	oxctl stop api:1
	eventually 5 grep -q '"id":"api:1".*"to":"stopped"' seen
	unfollow
	sed 's/.*"seq":\([0-9]*\).*/\1/' seen >numbers
	sort -nu numbers | diff - numbers
}
