load ../lib/daemon

# alone COMMAND…: with nothing in the environment but what is needed to find anything, so that what arrives can be named.
alone() {
	env -i PATH="$PATH" HOME="$HOME" OXHERD_HOME="$OXHERD_HOME" OX_TEST="$OX_TEST" "$@" 3>&-
}

facts_of() {
	eventually 5 has_written "$1" "pid "
	output_of "$1"
}

# limits_printed TIMES: by one:0, over all its lives.
limits_printed() {
	[ "$(output_of one:0 | grep -c '^limit nofile 400 400$')" = "$1" ]
}

@test "an instance gets the documented variables, those of the caller and its own, and no others" {
	port=$(port_block 2)
	given_oxfile <<-TOML
		[processes.api]
		command = ["actor", "--print-env", "--mark"]
		instances = 2
		port = $port
		env = { OWN = "with spaces  and \$dollar, 100%s 'one' \\"two\\" \`three\` \\\\ back", EMPTY = "", NODE_APP_INSTANCE = "mine", GREETING = "\${WORD:-hi} \$\${WORD}" }
	TOML
	alone FROM_CALLER=1 NOTIFY_SOCKET=/bad LISTEN_FDS=3 LISTEN_PID=1 OXMGR_INSTANCE_ID=4 oxctl start
	facts_of api:1 | sed -n 's/^env //p' | sort >got
	sort >expected <<-TEXT
		EMPTY=
		FROM_CALLER=1
		GREETING=hi \${WORD}
		HOME=$HOME
		NODE_APP_INSTANCE=mine
		OWN=with spaces  and \$dollar, 100%s 'one' "two" \`three\` \\ back
		OXHERD_APP=api
		OXHERD_HOME=$OXHERD_HOME
		OXHERD_INSTANCE=1
		OXHERD_REVISION=1
		OXMGR_INSTANCE_ID=4
		OX_TEST=$OX_TEST
		PATH=$PATH
		PORT=$((port + 1))
	TEXT
	# The mark is how a new daemon knows its own; the rest is the caller's own.
	grep -q "^OXHERD_MARK=.*\.api:1\$" got
	diff expected <(grep -v '^OXHERD_MARK=' got)
}

@test "a variable that is missing is an error that names it, and nothing starts" {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "actor"
		env = { KEY = "${NO_SUCH_VARIABLE}" }
	TOML
	run -2 alone oxctl start
	assert_output --partial "NO_SUCH_VARIABLE"
	assert_output --partial "oxfile.toml:3"
}

@test "stdin is /dev/null, stdout and stderr are ours, and no other descriptor is open" {
	given_oxfile <<-'TOML'
		[processes.one]
		command = "actor --print-fds --mark"
	TOML
	exec 7<oxfile.toml 9<oxfile.toml
	oxctl start 3>&-
	exec 7<&- 9<&-
	run facts_of one:0
	assert_line "fd 0 /dev/null"
	assert_line --regexp "^fd 1 $OXHERD_HOME/run/pipes/"
	assert_line --regexp "^fd 2 $OXHERD_HOME/run/pipes/"
	assert_equal "$(output_of one:0 | grep -c '^fd ')" 3
}

@test "no controlling terminal, a session of its own, default signals, the caller's umask and limits" {
	given_oxfile <<-'TOML'
		[processes.one]
		command = "actor --print-ids --print-signals --print-folder --print-limits --mark"
	TOML
	# A caller that ignores signals, with odd limits: the former is not for services, the latter are.
	bash -c 'trap "" HUP INT TERM USR1 PIPE; umask 027; ulimit -S -n 500; exec oxctl start' 3>&-
	run facts_of one:0
	assert_line "terminal none"
	refute_output --partial "ignored"
	refute_output --partial "blocked"
	assert_line "umask 027"
	assert_line "folder $PWD"
	assert_line --regexp "^limit nofile 500 "
	assert_line "nice 0"
	assert_line "session $(pid_of one:0)"
}

@test "what oxherd needs for itself is no business of a service: priority, OOM score, timer slack, limits" {
	given_oxfile <<-'TOML'
		[processes.one]
		command = "nice; cat /proc/self/oom_score_adj /proc/self/timerslack_ns; ulimit -Sn; ulimit -Hn; echo end; exec sleep 1000"
	TOML
	ulimit -Sn 700
	oxctl start 3>&-
	eventually 5 has_written one:0 end
	assert_equal "$(output_of one:0)" "$(nice; cat /proc/self/oom_score_adj /proc/self/timerslack_ns; ulimit -Sn; ulimit -Hn; echo end)"
	# The brain has more descriptors than that.
	[ "$(awk '/Max open files/ { print $4 }' "/proc/$(brain_pid)/limits")" = "$(ulimit -Hn)" ]
}

# oom_of PID
oom_of() {
	cat "/proc/$1/oom_score_adj"
}

@test "the daemon is not the first to be killed for want of memory, over an upgrade too, and services have the score that it was started with" {
	[ "$(id -u)" = 0 ] || skip "only root may lower a score"
	(echo -950 >/proc/self/oom_score_adj) 2>/dev/null || skip "root may not lower a score here"
	(
		echo 123 >/proc/self/oom_score_adj
		oxctl start one -- sleep 1000 3>&-
	)
	assert_equal "$(oom_of "$(keeper_pid)") $(oom_of "$(brain_pid)") $(oom_of "$(pid_of one:0)")" "-900 -900 123"
	oxctl daemon upgrade --from "$OXHERD_BUILD"
	oxctl restart one --wait
	assert_equal "$(oom_of "$(keeper_pid)") $(oom_of "$(brain_pid)") $(oom_of "$(pid_of one:0)")" "-900 -900 123"
	kill -KILL "$(brain_pid)"
	eventually 5 state_is one:0 running
	assert_equal "$(oom_of "$(brain_pid)")" -900
}

@test "a log that is a terminal does not become the daemon's" {
	start_oxherd <<-TOML
		[processes.calm]
		command = "sleep 1000"
	TOML
	python3 - "$PWD" <<-'PY' 3>&-
		import os, pty, subprocess, sys, time
		master, slave = pty.openpty()
		with open("oxfile.toml", "a") as f:
		    f.write('[processes.loud]\ncommand = "echo words; exec sleep 1000"\nlogs.stdout = "%s"\n' % os.ttyname(slave))
		os.close(slave)
		subprocess.run(["oxctl", "start", "--wait"], check=True, stdout=subprocess.DEVNULL)
		assert b"words" in os.read(master, 100)
	PY
	for pid in $(keeper_pid) $(brain_pid) $(pid_of loud:0); do
		assert_equal "$(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 5)" 0
	done
}

@test "a later caller's umask and environment are those of what it starts" {
	given_oxfile <<-'TOML'
		[processes.a]
		command = "actor --print-env --print-folder --mark"
		[processes.b]
		command = "actor --print-env --print-folder --mark"
	TOML
	(umask 022 && CALLER=first oxctl start a 3>&-)
	(umask 077 && CALLER=second oxctl start b 3>&-)
	run facts_of a:0
	assert_line "env CALLER=first"
	assert_line "umask 022"
	run facts_of b:0
	assert_line "env CALLER=second"
	assert_line "umask 077"
}

@test "the caller's limits travel with what it starts, over crashes too, and the app's own stand above them" {
	oxctl daemon start 3>&-
	given_oxfile <<-'TOML'
		[processes.one]
		command = "actor --print-limits --mark"
		[processes.two]
		command = "actor --print-limits --mark"
		limits = { nofile = 123 }
	TOML
	bash -c 'ulimit -n 400; ulimit -S -c 0; ulimit -u 5000; exec oxctl start --wait' 3>&-
	run facts_of one:0
	assert_line "limit nofile 400 400"
	assert_line --regexp "^limit core 0 "
	assert_line "limit nproc 5000 5000"
	run facts_of two:0
	assert_line "limit nofile 123 123"
	assert_line "limit nproc 5000 5000"
	# Somebody else's restart, by another brain, changes nothing of that.
	kill -KILL "$(brain_pid)"
	eventually 3 oxctl restart one
	eventually 5 limits_printed 2
	run output_of one:0
	refute_output --regexp "limit nofile (1|2|3|5|6|7|8|9)"
}

@test "limits.nofile is what the process may open" {
	begin_oxherd <<-'TOML'
		[processes.one]
		command = "actor --print-limits --mark"
		limits = { nofile = 123 }
	TOML
	run facts_of one:0
	assert_line "limit nofile 123 123"
}

@test "nice is the priority that the process has" {
	begin_oxherd <<-'TOML'
		[processes.one]
		command = "actor --print-limits --mark"
		nice = 5
	TOML
	run facts_of one:0
	assert_line "nice 5"
}

@test "umask is the one of the process, whatever the caller's is" {
	given_oxfile <<-'TOML'
		[processes.one]
		command = "actor --print-folder --mark"
		umask = "027"
	TOML
	(umask 077 && oxctl start 3>&-)
	run facts_of one:0
	assert_line "umask 027"
}

@test "oom_score_adj is the score of the process" {
	begin_oxherd <<-'TOML'
		[processes.one]
		command = ["sleep", "1000"]
		oom_score_adj = 567
	TOML
	eventually 5 state_is one:0 running
	assert_equal "$(oom_of "$(pid_of one:0)")" 567
}

@test "a priority that only root may give is refused with its key, its value and what it takes" {
	[ "$(id -u)" = 0 ] || skip "needs root, to be somebody who may lower nothing"
	local own as fast safe
	own=$(mktemp -d /tmp/own-XXXXXX)
	cat >"$own/oxfile.toml" <<-'TOML'
		[processes.fast]
		command = "sleep 1000"
		restart = "never"
		nice = -5
		[processes.safe]
		command = "sleep 1000"
		restart = "never"
		oom_score_adj = -999
	TOML
	chown -R 65532 "$own"
	as=(env -u OX_TEST -C "$own" OXHERD_HOME="$own/herd" setpriv --reuid 65532 --regid 65532 --clear-groups oxctl)
	run -1 "${as[@]}" start --wait 3>&-
	fast=$("${as[@]}" why fast)
	safe=$("${as[@]}" why safe)
	"${as[@]}" daemon stop
	rm -rf "$own"
	assert_regex "$fast" "cannot set nice = -5 \(to go below the daemon's own it needs root with CAP_SYS_NICE\): Permission denied"
	assert_regex "$safe" "cannot set oom_score_adj = -999 \(to go below the daemon's own it needs root with CAP_SYS_RESOURCE\): Permission denied"
}

@test "user and group come with the right groups, and an unknown user does not start as root" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	begin_oxherd <<-TOML
		[processes.nobody]
		command = ["$OXHERD_BUILD/tests/actor", "--print-ids", "--mark"]
		user = "nobody"
		working_dir = "/"
		[processes.ghost]
		command = "actor --say up"
		user = "no-such-user"
	TOML
	run facts_of nobody:0
	assert_line "uid $(id -u nobody) $(id -u nobody)"
	assert_line "gid $(id -g nobody) $(id -g nobody)"
	assert_equal "$(output_of nobody:0 | sed -n 's/^group //p' | sort -n | xargs)" "$(id -G nobody | xargs -n 1 | sort -n | xargs)"
	eventually 5 at_least ghost:0 crashes 1
	eventually 5 reason_has ghost:0 "no-such-user"
	[ ! -s "$OXHERD_HOME/log/ghost-0-out.log" ]
}

@test "working_dir is looked up at every start, so a link may be moved" {
	mkdir old new
	ln -s old current
	begin_oxherd <<-'TOML'
		[processes.one]
		command = "actor --print-folder --mark"
		working_dir = "current"
	TOML
	eventually 5 has_written one:0 "folder $PWD/old"
	ln -sfn new current
	oxctl restart one
	eventually 5 has_written one:0 "folder $PWD/new"
}
