# How `oxctl start` brings up a daemon: which one, detached from what, and what it says when that fails.
load ../lib/common
load fake

# given_oxherd <<SH: a program `oxherd` beside a copy of oxctl; `serve` in it starts the pretended daemon.
given_oxherd() {
	mkdir -p bin "$OXHERD_HOME/run"
	cp "$OXHERD_BUILD/oxctl" bin/
	{
		cat <<-SH
			#!/bin/bash
			cd "$BATS_TEST_TMPDIR" || exit 1
			serve() {
				python3 "$OX_TOP/tests/cli/fake_daemon.py" "\$OXHERD_HOME/run/oxherd.sock" script.json asked.json </dev/null >/dev/null 2>&1 &
				echo \$! >>fakes.pid
				until [ -S "\$OXHERD_HOME/run/oxherd.sock" ]; do :; done
			}
		SH
		cat
	} >bin/oxherd
	chmod +x bin/oxherd
	cat >script.json <<-'JSON'
		{ "apply": { "result": { "apps": [ { "name": "api", "instances": 1, "started": 1, "state": "started" } ] } },
		  "daemon.info": { "result": { "pid": "@pid" } },
		  "daemon.shutdown": { "result": {}, "exit": true } }
	JSON
	given_oxfile <<<'processes.api.command = "sleep 1"'
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "start brings up the daemon beside it, once, and stdout holds only what it was asked for" {
	given_oxherd <<-'SH'
		echo "$*" >>launched
		echo noise
		echo noise >&2
		serve
	SH
	run -0 --separate-stderr oxctl start --json
	is_json "$output"
	assert_equal "$stderr" ""
	run -0 oxctl start
	assert_output "api: 1 instance started"
	assert_equal "$(cat launched)" "--daemon"
}

@test "the daemon is in a session of its own and holds nothing of the caller's terminal" {
	given_oxherd <<-'SH'
		ps -o sid= -p $$ | tr -d ' ' >sid
		echo $$ >>sid
		for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done >descriptors
		ls /proc/$$/fd | wc -l >count
		serve
	SH
	run -0 python3 -c '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp("oxctl", ["oxctl", "start"])
seen = b""
while True:
    try:
        got = os.read(fd, 4096)
    except OSError:
        break
    if not got:
        break
    seen += got
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))'
	assert_equal "$(sed -n 1p sid)" "$(sed -n 2p sid)"
	run -1 grep -E 'pts|tty' descriptors
	assert_equal "$(sed -n 1p descriptors)" /dev/null
}

@test "a caller whose standard streams are closed is served too" {
	given_oxherd <<-'SH'
		for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done >descriptors
		serve
	SH
	run -0 bash -c 'oxctl start <&- >&- 2>&-'
	assert_equal "$(wc -l <descriptors)" 3
	asked 'a[0]["method"] == "apply"'
}

@test "a daemon that fails is exit 1, with its own last words" {
	given_oxherd <<-'SH'
		printf 'oxherd: cannot open /x: \033[2J\n' >&2
		echo "oxherd: second line" >&2
		exit 7
	SH
	run -1 --separate-stderr oxctl start
	assert_equal "$output" ""
	assert_equal "$stderr" "oxctl: the daemon did not start: exit status 7
oxherd: cannot open /x: ?[2J
oxherd: second line"
}

@test "a daemon that could not start is started once more, and any other failure is not repeated" {
	given_oxherd <<-'SH'
		echo x >>launched
		[ "$(wc -l <launched)" = 2 ] && serve && exit
		exit "$(cat status)"
	SH
	echo 7 >status
	run -1 oxctl start
	assert_output "oxctl: the daemon did not start: exit status 7"
	assert_equal "$(wc -l <launched)" 1
	rm launched
	# Another one has its folders, and ends.
	echo 1 >status
	run -0 oxctl start
	assert_output "api: 1 instance started"
	assert_equal "$(wc -l <launched)" 2
}

@test "a daemon that floods its last words is cut, not waited for" {
	given_oxherd <<-'SH'
		yes >&2
		exit 1
	SH
	run -1 timeout 20 oxctl start
	[ "${#output}" -lt 70000 ]
}

@test "a daemon that is killed has a message that says so" {
	given_oxherd <<-'SH'
		kill -9 $$
	SH
	run -1 oxctl daemon start
	assert_line "oxctl: the daemon did not start: killed by SIGKILL"
}

@test "one that lost the race to another start talks to the winner" {
	given_oxherd <<-'SH'
		serve
		echo "oxherd: another one has it" >&2
		exit 1
	SH
	run -0 --separate-stderr oxctl start
	assert_equal "$output" "api: 1 instance started"
	assert_equal "$stderr" ""
}

@test "without a program to start, it says what it looked for" {
	mkdir bin
	cp "$OXHERD_BUILD/oxctl" bin/
	given_oxfile <<<'processes.api.command = "sleep 1"'
	PATH=/usr/bin:/bin run -1 bin/oxctl start
	assert_output --partial "oxherd"
}

@test "daemon start is idempotent, and restart waits for the old one before it starts the new" {
	given_oxherd <<-'SH'
		echo "$*" >>launched
		serve
	SH
	run -0 oxctl daemon start
	assert_output --regexp '^the daemon is running \(pid [0-9]+\)$'
	run -0 oxctl daemon start
	assert_output --regexp '^the daemon is already running \(pid [0-9]+\)$'
	first=$output
	mv "$OXHERD_HOME/run/oxherd.sock" old.sock
	ln -s "$BATS_TEST_TMPDIR/old.sock" "$OXHERD_HOME/run/oxherd.sock"
	run -0 oxctl daemon restart
	assert_output --regexp '^the daemon was restarted; its apps kept running \(pid [0-9]+\)$'
	[ "${output##*pid}" != "${first##*pid}" ]
	asked '{"keep_services": True} in [r.get("params") for r in a]'
	assert_equal "$(wc -l <launched)" 2
}

@test "restart is content with a keeper that stays and starts another brain" {
	fake_daemon <<-'JSON'
		{ "daemon.info": [ { "result": { "pid": "@pid", "brain_pid": 5 } }, { "result": { "pid": "@pid", "brain_pid": 5 } },
			{ "result": { "pid": "@pid", "brain_pid": 6 } } ],
		  "daemon.shutdown": { "result": {}, "close": true } }
	JSON
	run -0 oxctl daemon restart
	assert_output --partial "the daemon was restarted"
}
