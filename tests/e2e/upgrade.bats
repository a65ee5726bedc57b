# Another build takes over while services run, or does not, and then nobody notices.
load ../lib/daemon
load ../lib/front

next=$OXHERD_BUILD/next

teardown() {
	nginx_down
	stop_oxherd
}

# load_on PORT…: a request after the other, until there is a file "enough"; how many went well and how many did not, in "load".  It is
# back when the first round is over, and leaves the process in $loader.
load_on() {
	python3 -c 'import http.client, os, sys
bad = good = 0
while not os.path.exists("enough"):
    for port in map(int, sys.argv[1:]):
        try:
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=5); c.request("GET", "/"); r = c.getresponse(); r.read(); c.close()
            good += r.status == 200; bad += r.status != 200
        except (OSError, http.client.HTTPException):
            bad += 1
    open("loading", "w").close()
print(good, bad)' "$@" >load 3>&- &
	loader=$!
	eventually 20 test -e loading
}

herd() {
	port=$(port_block 4)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 4
		port = $port
		restart_delay_ms = 20

		[processes.worker]
		command = "actor --say-on 'USR1 heard' --exit-on 'USR2 42' --mark"
		restart_delay_ms = 20
	TOML
	before=$(pids api; pids worker)
	keeper=$(keeper_pid)
	brain=$(brain_pid)
}

version() {
	oxctl daemon status --json | json_field version
}

all_answer() {
	local i
	for i in 0 1 2 3; do
		answers $((port + i)) "hello from api:$i" || return
	done
}

# A folder with programs that are to take over: copies of the next build's, to be spoilt.
candidates() {
	mkdir -p new
	cp "$next/oxherd" "$next/oxherd-brain" new
}

# refused WORDS: the upgrade to what is in new/ fails with these, and nothing has changed.
refused() {
	run -1 oxctl daemon upgrade --from new
	assert_output --partial "$1"
	assert_equal "$(keeper_pid) $(version)" "$keeper 0.1.0"
	assert_equal "$(pids api; pids worker)" "$before"
	all_answer
	# And it still does what it is there for.
	kill -USR2 "$(pid_of worker:0)"
	eventually 5 field_is worker:0 restarts 1
	assert field_is worker:0 code 42
}

# script NAME <<SH: a program of new/ that is one of these, after the part that answers the checks.
script() {
	rm -f "new/$1"
	{
		echo '#!/bin/sh'
		echo "[ \"\$1\" != --check ] || exec '$next/$1' --check"
		cat
	} >"new/$1"
	chmod +x "new/$1"
}

fds_of() {
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

@test "another build takes over: the same pids, ports, counts; crashes, signals and stops as ever" {
	herd
	kill -KILL "$(pid_of api:3)"
	eventually 5 field_is api:3 restarts 1
	eventually 5 state_is api:3 running
	before=$(pids api; pids worker)
	run -0 oxctl daemon upgrade --from "$next"
	assert_output "the daemon is oxherd 9.9.9 now; its apps kept running (pid $keeper)"
	assert_equal "$(version)" 9.9.9
	assert_equal "$(readlink "/proc/$keeper/exe")" "$(realpath "$next/oxherd")"
	assert_equal "$(readlink "/proc/$(brain_pid)/exe")" "$(realpath "$next/oxherd-brain")"
	assert_equal "$(pids api; pids worker)" "$before"
	assert field_is api:3 restarts 1
	all_answer
	oxctl signal USR1 worker
	eventually 5 has_written worker:0 heard
	kill -USR2 "$(pid_of worker:0)"
	eventually 5 field_is worker:0 restarts 1
	assert field_is worker:0 code 42
	oxctl scale api 2
	assert_equal "$(children_named hello)" 2
	oxctl stop api
	assert no_children hello
}

@test "ten upgrades, back and forth, lose no request and leave no descriptor behind" {
	herd
	load_on "$port" $((port + 1)) $((port + 2)) $((port + 3))
	oxctl daemon upgrade --from "$next"
	oxctl daemon upgrade --from "$OXHERD_BUILD"
	keeper_fds=$(fds_of "$keeper")
	for _ in 1 2 3 4; do
		oxctl daemon upgrade --from "$next"
		oxctl daemon upgrade --from "$OXHERD_BUILD"
	done
	touch enough
	wait "$loader"
	assert_equal "$(version)" 0.1.0
	assert_equal "$(pids api; pids worker)" "$before"
	assert_equal "$(fds_of "$keeper")" "$keeper_fds"
	assert_regex "$(cat load)" '^[1-9][0-9]+ 0$'
}

@test "ten upgrades lose no request through nginx either, and its upstream stays as it is" {
	port=$(port_block 5)
	front=$((port + 4))
	nginx_up "$front" api "$PWD/upstream.conf"
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		instances = 4
		port = $port
		[processes.api.nginx]
		$(nginx_keys)
	TOML
	eventually 5 answers "$front" "hello from api"
	eventually 5 eval '[ "$(grep -c "server 127" upstream.conf)" = 4 ]'
	before=$(pids api)
	file=$(cat upstream.conf)
	load_on "$front"
	for _ in 1 2 3 4 5; do
		oxctl daemon upgrade --from "$next"
		oxctl daemon upgrade --from "$OXHERD_BUILD"
	done
	touch enough
	wait "$loader"
	assert_equal "$(pids api)" "$before"
	assert_equal "$(cat upstream.conf)" "$file"
	assert_regex "$(cat load)" '^[1-9][0-9]+ 0$'
}

@test "environment and limits after an upgrade are those of the first start" {
	ulimit -Sn 500
	start_oxherd <<-'TOML'
		[processes.api]
		command = ["sh", "-c", "ulimit -Sn; ulimit -Hn; env | sort | grep -v OXHERD_MARK; exec sleep 1000"]
	TOML
	eventually 5 has_written api:0 PATH=
	ulimit -Sn 400
	LATER=1 oxctl daemon upgrade --from "$next"
	oxctl restart api --wait
	eventually 5 eval '[ "$(output_of api:0 | grep -c "^PATH=")" = 2 ]'
	half=$(($(output_of api:0 | wc -l) / 2))
	assert_equal "$(output_of api:0 | tail -n "$half")" "$(output_of api:0 | head -n "$half")"
	assert_equal "$(output_of api:0 | head -n 1)" 500
}

@test "programs that are not there, or not for this machine, are refused" {
	herd
	run -1 oxctl daemon upgrade --from nowhere
	assert_output --partial "cannot find the folder 'nowhere': No such file or directory"
	candidates
	rm new/oxherd-brain
	run -1 oxctl daemon upgrade --from new
	assert_output --partial "cannot execute '$PWD/new/oxherd-brain': No such file or directory"
	candidates
	printf '\267\0' | dd of=new/oxherd bs=1 seek=18 conv=notrunc status=none
	refused "cannot execute '$PWD/new/oxherd': Exec format error"
}

@test "a keeper or a brain that crashes at start is refused" {
	herd
	candidates
	printf '#!/bin/sh\nkill -SEGV $$\n' >new/oxherd
	run -1 oxctl daemon upgrade --from new
	assert_output --partial "'$PWD/new/oxherd --check': killed by SIGSEGV"
	candidates
	printf '#!/bin/sh\necho cannot find libfoo >&2\nexit 127\n' >new/oxherd-brain
	refused "'$PWD/new/oxherd-brain --check': exit code 127: cannot find libfoo"
}

# The daemon saves what has just happened a moment later, and takes what was spoiled away with it.
newer_state_is_refused() {
	sed -i '1s/^oxherd state [0-9]* /oxherd state 999 /' "$OXHERD_HOME/state/state"
	run "$next/oxherd-brain" --check
	[[ $status == 1 && $output == *"cannot be used by this build: it is newer"* ]]
}

@test "a brain that cannot read the state is refused, with the reason" {
	herd
	eventually 10 newer_state_is_refused
	candidates
	# What the daemon has is written anew before it is tried, so this one spoils it itself.
	printf '#!/bin/sh\necho nonsense >"$OXHERD_HOME/state/state"; exec %s --check\n' "'$next/oxherd-brain'" >new/oxherd-brain
	refused "state/state' cannot be used by this build: it is corrupt"
}

@test "a keeper whose exec fails after it has passed the checks leaves all as it was" {
	herd
	candidates
	cat >new/oxherd <<-SH
		#!/bin/sh
		echo junk >"\$0.junk" && chmod +x "\$0.junk" && mv "\$0.junk" "\$0"
		exec '$next/oxherd' --check
	SH
	refused "cannot execute '$PWD/new/oxherd': Exec format error"
	assert_equal "$(brain_pid)" "$brain"
}

@test "a keeper that cannot read what it is handed gives the place back, and the old brain stays too" {
	herd
	candidates
	script oxherd <<-'SH'
		# --luggage N --back M are the last words: what the other build would do with a luggage of a kind that it does not know.
		while [ "$1" != --luggage ]; do shift; done
		exec "/proc/self/fd/$4" --brain /none --luggage "$2" --failed "what the last keeper handed over is of a kind that is not known here"
	SH
	refused "handed over is of a kind that is not known here"
	assert_equal "$(brain_pid)" "$brain"
}

@test "a brain that does not serve after the change: the old keeper and the old brain return" {
	herd
	candidates
	script oxherd-brain <<-'SH'
		echo boom >&2
		exit 3
	SH
	refused "the upgrade failed and the old daemon keeps running: the new brain ended 3 times before it served"
	assert_equal "$(readlink "/proc/$keeper/exe")" "$(realpath "$OXHERD_BUILD/oxherd")"
	assert_equal "$(readlink "/proc/$(brain_pid)/exe")" "$(realpath "$OXHERD_BUILD/oxherd-brain")"
	# From there too the next one takes over, and a killed brain comes back.
	run -0 oxctl daemon upgrade --from "$next"
	assert_equal "$(version)" 9.9.9
	kill -KILL "$(brain_pid)"
	eventually 5 eval '[ "$(version)" = 9.9.9 ]'
}

@test "a keeper that dies after the change: the next command finds everything" {
	herd
	expect_error "the keeper is gone"
	candidates
	script oxherd <<<'exit 1'
	run oxctl daemon upgrade --from new
	assert_equal "$(pids api; pids worker)" "$before"
	all_answer
}

@test "what dies while the keeper changes is noticed, each with its code" {
	herd
	for i in 1 2 3 4 5 6; do
		kill -USR2 "$(pid_of worker:0)" &
		if [ $((i % 2)) = 1 ]; then
			oxctl daemon upgrade --from "$next"
		else
			oxctl daemon upgrade --from "$OXHERD_BUILD"
		fi
		wait $!
		eventually 5 field_is worker:0 restarts "$i"
		assert field_is worker:0 code 42
		eventually 5 eval '[ "$(pid_of worker:0)" != null ]'
		eventually 5 eval 'output_of worker:0 | grep -c pid | grep -qx '$((i + 1))
	done
	assert_equal "$(pids api)" "$(grep api <<<"$before")"
}

@test "a keeper that has more to hand over than a pipe holds hands it over" {
	start_oxherd <<-'TOML'
		[processes.many]
		command = "sleep 1000"
		instances = 200
		ready = "alive"
		env = { PORT = "1" }
	TOML
	before=$(pids many)
	run -0 oxctl daemon upgrade --from "$next"
	assert_equal "$(version)" 9.9.9
	assert_equal "$(pids many)" "$before"
	assert_equal "$(app_field many ready)" 200
	oxctl stop
	assert no_children sleep
}

@test "a SIGTERM that comes while the keeper changes is not lost, and a second one is no other" {
	herd
	oxctl daemon upgrade --from "$next" >/dev/null 2>&1 3>&- &
	eventually 10 is_logged "control: daemon.upgrade"
	for _ in 1 2 3; do
		kill -TERM "$keeper"
	done
	wait $! || true
	eventually 10 is_gone "$keeper"
	eventually 5 nothing_left
	# They were wanted, and are again.
	oxctl daemon start 3>&-
	eventually 10 state_is api:3 running
}

# upgrade_killed_at MS FOLDER: the keeper is killed so long after an upgrade to what is in there began.
upgrade_killed_at() {
	python3 -c 'import os, signal, subprocess, sys, time
asked = subprocess.Popen(["oxctl", "daemon", "upgrade", "--from", sys.argv[2]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
time.sleep(float(sys.argv[1]) / 1000)
os.kill(int(sys.argv[3]), signal.SIGKILL)
asked.wait()' "$1" "$2" "$keeper" 3>&-
}

@test "the keeper killed at any moment of an upgrade: the next command finds everything" {
	herd
	expect_error "the keeper is gone"
	expect_error "the keeper cannot be reached"
	for ms in 3 8 12 16 20 24 28 32 36 40 45 50 60 80; do
		upgrade_killed_at "$ms" "$next"
		run -0 oxctl status
		assert_equal "$(pids api; pids worker)" "$before"
		keeper=$(keeper_pid)
	done
	all_answer
}
