# What a real terminal makes of what we print: one of tmux, whose screen and scrollback are read as a person would.
load ../lib/daemon

# A server of this test's own, and never that of the user who runs it.
mux() {
	tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null "$@"
}

setup() {
	daemon_place
	command -v tmux >/dev/null || skip "tmux is not there"
}

teardown() {
	mux kill-server 2>/dev/null || :
	stop_oxherd
}

# terminal COMMAND: on a terminal that keeps all that was ever on it.
terminal() {
	mux new-session -d -s t -x 100 -y 30 \; set-option -g history-limit 100000 \; \
		new-window -t t "$1" \; set-option -p remain-on-exit on 3>&-
}

# All that it has shown.
shown() {
	mux capture-pane -p -S - -t t
}

shows() {
	shown | grep -q -- "$1"
}

last_number() {
	shown | sed -n 's/^\[api:0\] line \([0-9]*\) .*/\1/p' | tail -n 1
}

grows() {
	local before
	before=$(last_number)
	eventually 20 grown "$before"
}

grown() {
	[ "$(last_number)" -ge $(($1 + 20)) ]
}

rotated() {
	[ -e "$OXHERD_HOME/log/api-0-out.log.$1" ]
}

# Numbers continue over restarts of the service, so that a gap and a repeat differ from a beginning.
counter() {
	cat >count.py <<-'PY'
		import signal, sys, time
		stops = []
		signal.signal(signal.SIGINT, lambda *_: stops.append(1))
		with open("number", "a+") as kept:
		    kept.seek(0)
		    number = len(kept.read())
		    while not stops:
		        kept.write("x")
		        kept.flush()
		        print("line", number, "of it", flush=True)
		        print("." * 12000, file=sys.stderr, flush=True)
		        number += 1
		        time.sleep(0.01)
	PY
	start_oxherd <<-TOML
		[processes.api]
		command = ["python3", "$PWD/count.py"]
		stop_signal = "SIGINT"
		logs = { combined = "$OXHERD_HOME/log/api-0-out.log", max_size_mb = 1, max_files = 99 }
	TOML
}

@test "on a terminal logs -f continues over two rotations, a restart and daemon restart: no gap, no repeat" {
	counter
	terminal "oxctl logs -f --out -n 5 api"
	eventually 10 shows "^\[api:0\] line"
	eventually 30 rotated 2
	grows
	oxctl restart api
	grows
	oxctl daemon restart
	grows
	eventually 30 rotated 4
	grows
	shown | sed -n 's/^\[api:0\] line \([0-9]*\) of it *$/\1/p' >numbers
	awk 'NR > 1 && $1 != last + 1 { print "after " last " comes " $1; bad = 1 } { last = $1 } END { exit bad || NR < 80 }' numbers
}

@test "on a terminal tags have colours, and what a service prints cannot act on it, but with --raw" {
	start_oxherd <<-'TOML'
		[processes.evil]
		command = "printf '\\033]2;owned\\007title\\n\\033[2Jcleared\\n\\033[31mred\\033[0m\\nover\\rwritten\\n\\302\\233Ahigh\\nlast\\n'; exec sleep 1000"
	TOML
	eventually 5 has_written evil:0 last
	terminal "oxctl logs evil; exec sleep 1000"
	eventually 10 shows "last"
	run -0 shown
	assert_line --regexp "^\[evil:0\] .*title"
	assert_line --regexp "^\[evil:0\] .*cleared"
	assert_line "[evil:0] red"
	assert_line --regexp "^\[evil:0\] over.written"
	run -0 mux display-message -p -t t '#{pane_title}'
	refute_output --partial owned
	run -0 mux capture-pane -p -e -t t
	assert_line --regexp $'\033\\[[0-9;]+m\\[?evil:0'
	refute_output --partial $'\033[31mred'
	mux respawn-pane -k -t t "oxctl logs --raw evil; exec sleep 1000"
	eventually 10 raw_title
}

raw_title() {
	[ "$(mux display-message -p -t t '#{pane_title}')" = owned ]
}

# On the screen as it is now.
draws() {
	mux capture-pane -p -t t | grep -q -- "$1"
}

@test "on a terminal status --watch continues when the brain was killed and when the daemon was started anew" {
	start_oxherd <<-'TOML'
		[processes.api]
		command = "exec sleep 1000"
	TOML
	terminal "oxctl status --watch"
	eventually 10 draws "^api:0 .*running"
	kill -KILL "$(brain_pid)"
	oxctl stop api
	eventually 10 draws "^api:0 .*stopped .*asked to stop"
	oxctl daemon restart
	oxctl start
	eventually 10 draws "^api:0 .*running"
	oxctl scale api 2
	eventually 10 draws "^api:1 .*running"
	oxctl daemon stop
	# What is said at the end of a pane may have scrolled up by then: tmux adds a line of its own.
	eventually 20 shows "oxctl: "
	run ! shows "closed the connection"
}

@test "on a terminal status --watch scrolls and follows its size, and q gives the shell back with what was on it" {
	start_oxherd <<-'TOML'
		[processes.api]
		command = "exec sleep 1000"
		instances = 40
	TOML
	terminal "echo before; oxctl status --watch --all-instances; echo ended with \$?; stty -a; exec sleep 1000"
	eventually 10 draws "^40 of 40 ready"
	eventually 10 draws "^lines 1-27 of 40; arrows scroll, q ends"
	run ! draws "^api:39 "
	mux send-keys -t t End
	eventually 10 draws "^api:39 "
	draws "^PROCESS "
	mux send-keys -t t Home Down
	eventually 10 draws "^lines 2-28 of 40"
	mux send-keys -t t NPage
	eventually 10 draws "^lines 14-40 of 40"
	mux resize-window -t t -x 60 -y 20
	eventually 10 draws "^lines 14-30 of 40"
	run ! draws "HEALTH"
	mux send-keys -t t q
	eventually 10 draws "^ended with 0"
	draws "^before"
	run -0 mux capture-pane -p -t t
	refute_output --partial "api:"
	assert_output --regexp '[[:space:]]icanon[[:space:]]'
	assert_output --regexp '[[:space:]]echo[[:space:]]'
}
