# What another user of the machine tries against root's daemon, and what the user of a service tries.
load ../lib/daemon

stranger=65532
group=65533
member=65531

setup() {
	daemon_place
	open_place
	# One that others may run too.
	python=$(PATH=/usr/local/bin:/usr/bin:/bin command -v python3)
}

teardown() {
	close_place
}

# as_stranger COMMAND…: another user of the machine, whom nobody has given anything.
as_stranger() {
	env -u OX_TEST setpriv --reuid $stranger --regid $stranger --clear-groups "$@"
}

# as_member COMMAND…: one of the control group.
as_member() {
	setpriv --reuid $member --regid $member --groups $group "$@"
}

kill_both() {
	local keeper brain
	expect_error "the keeper is gone"
	keeper=$(keeper_pid)
	brain=$(brain_pid)
	kill -KILL "$keeper" "$brain"
	eventually 5 is_gone "$keeper"
	eventually 5 is_gone "$brain"
}

# ask WHO METHOD PARAMS: what the control socket answers, as JSON, to somebody who types it himself.
ask() {
	local who=$1
	shift
	"$who" "$python" -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}\n" % (sys.argv[2], sys.argv[3])).encode())
print(s.makefile().readline())' "$place/herd/run/oxherd.sock" "$@"
}

# needs_owner METHOD PARAMS: a member is refused, and hears nothing else.
needs_owner() {
	run -0 ask as_member "$1" "$2"
	assert_output --regexp "permission denied: '[a-z ]+'.* needs the owner \(uid 0\); you are in group '$group' with right '"
	refute_output --partial root:
	refute_output --partial hunter2
}

# forge BEFORE AFTER: a process of the stranger's with BEFORE, its own pid and AFTER as its mark; its pid is the last of `others`.
forge() {
	# One after the other they become the same process.
	env -u OX_TEST setpriv --reuid $stranger --regid $stranger --clear-groups \
		sh -c 'exec env "OXHERD_MARK=$1$(printf %010d $$)$2" sleep 1000' - "$1" "$2" 3>&- &
	others+=($!)
	eventually 5 grep -qz "^OXHERD_MARK=$1" "/proc/$!/environ"
}

@test "who knows the token of the marks cannot put his process in the place of a service" {
	oxctl start api -- sleep 1000
	before=$(pid_of api:0)
	# Where there are cgroups everybody can read it there.
	token=$(tr '\0' '\n' <"/proc/$before/environ" | sed -n 's/^OXHERD_MARK=\([^.]*\)\..*/\1/p')
	assert_regex "$token" '^[0-9a-f]{16}$'
	run -1 as_stranger cat "herd/run/oxherd.lock" "/proc/$before/environ"
	forge "$token.1.99." .api:0
	forge "$token.2.1." .api:1
	forge "$token.2.1." ".+0000000000.0123456789abcdef.api:1"
	forge "$token.0.0." .brain
	kill_both
	oxctl status 2>/dev/null 3>&-
	assert_equal "$(pids api)" "api:0 $before"
	oxctl stop --all
	for pid in "${others[@]}"; do
		assert is_alive "$pid"
	done
	assert is_gone "$before"
}

@test "the user of one service cannot pass his process off as one of another" {
	given_oxfile <<-TOML
		[processes.bank]
		command = "actor --mark"
		[processes.guest]
		command = "actor --mark"
		user = "$stranger"
		group = "$stranger"
		working_dir = "/"
	TOML
	oxctl start --wait 3>&-
	bank=$(pid_of bank:0) guest=$(pid_of guest:0)
	mark=$(as_stranger cat "/proc/$guest/environ" | tr '\0' '\n' | sed -n 's/^OXHERD_MARK=//p')
	run -1 as_stranger cat "/proc/$bank/environ"
	# Its own mark is all that it knows: with the bank's name, slot and user, and as it is.
	slot=$(cut -d. -f2 <<<"$mark")
	forge "${mark%%.*}.1.$(cut -d. -f3 <<<"$mark")." ".$(cut -d. -f5- <<<"$mark")"
	forge "${mark%%.*}.$slot.$(cut -d. -f3 <<<"$mark")." ".+0000000000.$(cut -d. -f6 <<<"$mark").bank:0"
	kill_both
	oxctl status 2>/dev/null 3>&-
	assert_equal "$(pid_of bank:0) $(pid_of guest:0)" "$bank $guest"
	oxctl stop
	for pid in "${others[@]}"; do
		assert is_alive "$pid"
	done
}

@test "a member with the right to read sees no file of root's and no secret" {
	printf '[processes.api]\ncommand = "sleep 1000"\nenv = { TOKEN = "hunter2" }\n' >oxfile.toml
	chmod 600 oxfile.toml
	oxherd --daemon --group $group:read 3>&-
	oxctl start --wait 3>&-
	needs_owner plan '{"oxfile":"/etc/shadow"}'
	needs_owner plan '{"oxfile":"'"$place"'/nothing"}'
	needs_owner plan '{"text":"x","oxfile":"'"$place"'/oxfile.toml"}'
	needs_owner plan '{"oxfile":"'"$place"'/oxfile.toml","folder":"/root"}'
	needs_owner plan '{"env":{"A":"b"}}'
	needs_owner save '{}'
	run -1 as_member oxctl save
	assert_output "oxctl: permission denied: 'save' needs the owner (uid 0); you are in group '$group' with right 'read'"
	run -1 as_member oxctl restart api
	assert_output --partial "permission denied: 'restart' needs the right 'control' or 'restart'"
	run -0 as_member oxctl plan
	run -0 as_member oxctl status
	assert_output --partial api:0
	for what in "plan {}" "status {}" "events {}" 'why {"target":"api"}' "daemon.info {}"; do
		run -0 ask as_member "${what%% *}" "${what#* }"
		refute_output --partial hunter2
	done
	# What is wrong with an oxfile quotes it.
	printf '[processes.api]\ncommand = "sleep 1000"\nenv = { TOKEN = "hunter2" }\nTOKEN = "hunter2"\n' >oxfile.toml
	run -0 ask as_member plan '{}'
	assert_output --partial '"line":4'
	refute_output --partial hunter2
	run -2 oxctl plan
	assert_output --partial hunter2
}

@test "a member with the right to control runs nothing but what the owner has defined, and that as the owner has started it" {
	given=$place/oxfile.toml
	printf '[processes.api]\ncommand = ["sh", "-c", "exec sleep 1000"]\n' >oxfile.toml
	oxherd --daemon --group $group 3>&-
	WHOSE=owners oxctl start --wait 3>&-
	mkdir theirs
	printf '[processes.api]\ncommand = "touch %s/theirs/got-in"\n' "$place" >theirs/oxfile.toml
	chown -R $member theirs
	needs_owner start '{"name":"x","argv":["id"]}'
	needs_owner start '{"targets":["api"],"env":{"LD_PRELOAD":"/tmp/x.so"}}'
	for how in apply deploy; do
		needs_owner $how '{"oxfile":"'"$place"'/theirs/oxfile.toml"}'
		needs_owner $how '{"oxfile":"'"$place"'/theirs/../oxfile.toml"}'
		needs_owner $how '{"oxfile":"'"$given"'","text":"[processes.api]\ncommand = \"id\""}'
		needs_owner $how '{"oxfile":"'"$given"'","folder":"'"$place"'/theirs"}'
		needs_owner $how '{"oxfile":"'"$given"'","env":{"PATH":"/tmp"}}'
		needs_owner $how '{"oxfile":"'"$given"'","umask":0}'
		needs_owner $how '{"oxfile":"'"$given"'","rlimits":{"core":"unlimited"}}'
		needs_owner $how '{"oxfile":"'"$given"'","profile":"x"}'
	done
	needs_owner daemon.upgrade '{"oxherd":"/bin/true","brain":"/bin/true"}'
	needs_owner daemon.shutdown '{}'
	needs_owner save '{}'
	run -1 as_member oxctl start x -- id
	assert_output --partial "permission denied: 'start' of a new app needs the owner (uid 0)"
	run -1 as_member oxctl deploy -c theirs/oxfile.toml
	assert_output --partial "which no app here came from, needs the owner (uid 0)"
	[ ! -e theirs/got-in ]
	# What is left: all that the owner has defined.
	before=$(pid_of api:0)
	run -0 as_member oxctl restart api
	run -0 as_member oxctl scale api 2
	run -0 as_member oxctl stop api:1
	run -0 as_member oxctl start api:1
	run -0 as_member oxctl signal CONT api
	printf '[processes.api]\ncommand = ["sh", "-c", "exec sleep 2000"]\ninstances = 2\n[processes.more]\ncommand = "sleep 1000"\n' >oxfile.toml
	WHOSE=members run -0 as_member oxctl deploy -c "$given"
	for instance in api:0 api:1 more:0; do
		grep -qz '^WHOSE=owners' "/proc/$(pid_of $instance)/environ"
	done
	run -0 tr '\0' ' ' <"/proc/$(pid_of api:0)/cmdline"
	assert_output "sleep 2000 "
}

@test "the control group is that of the next daemon too, when oxctl starts it again" {
	oxherd --daemon --group $group:read 3>&-
	oxctl start api -- sleep 1000
	kill_both
	run -0 oxctl status 3>&-
	run -0 as_member oxctl status
	assert_output --partial api:0
	run -1 as_member oxctl restart api
	assert_output --partial "you are in group '$group' with right 'read'"
	# A member cannot start it, and hears who can.
	kill_both
	run -1 as_member oxctl status
	assert_output "oxctl: the daemon in '$place/herd/run' is not running, and only uid 0, whose folder that is, can start it"
	run -0 oxctl status 3>&-
	oxctl daemon restart 3>&-
	run -0 as_member oxctl status
	# Another one, or none, is for who starts it to say.
	oxctl daemon stop
	OXHERD_GROUP='' oxctl start 3>&-
	run -1 as_member oxctl status
	oxctl daemon stop
	oxctl start 3>&-
	run -1 as_member oxctl status
}

@test "however many connections one user leaves open, others and root are served" {
	oxherd --daemon --group $group:read 3>&-
	oxctl start api -- sleep 1000
	cat >crowd.py <<-'PY'
		import contextlib, socket, sys, time
		crowd = []
		for i in range(int(sys.argv[2])):
		    crowd.append(socket.socket(socket.AF_UNIX))
		    crowd[-1].connect(sys.argv[1])
		    # One too many may be gone already.
		    with contextlib.suppress(OSError):
		        if sys.argv[3:]: crowd[-1].sendall(b'{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{}}\n')
		print('there', flush=True)
		time.sleep(1000)
	PY
	sock=$place/herd/run/oxherd.sock
	# Idle ones, and ones that wait for events and so are never closed.
	for how in "" waits; do
		setpriv --reuid $member --regid $member --groups $group "$python" crowd.py "$sock" 300 $how >there 3>&- &
		others+=($!)
		eventually 20 grep -q there there
		run -0 oxctl status
		run -0 setpriv --reuid 65530 --regid 65530 --groups $group oxctl status
		rm there
	done
	run -1 as_member oxctl status
	assert_output --partial "64 clients of uid $member are connected already"
	# Root's own forgotten ones make room for root.
	"$python" crowd.py "$sock" 300 >there 3>&- &
	others+=($!)
	eventually 20 grep -q there there
	run -0 oxctl status
}

# send_as UID WORDS: to the notify socket of talker:0, by a process that is still there afterwards; what went wrong is printed.
send_as() {
	setpriv --reuid "$1" --regid "$1" --clear-groups "$python" -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(sys.argv[2].encode(), sys.argv[1].replace("@", "\0"))
time.sleep(0.5)' "$(socket_of talker:0)" "$2" 2>&1
}

socket_of() {
	tr '\0' '\n' <"/proc/$(pid_of "$1")/environ" | sed -n 's/^NOTIFY_SOCKET=//p'
}

@test "the notify socket of an app of another user is that user's, and hears that app's processes only" {
	given_oxfile <<-TOML
		[processes.talker]
		command = "actor --mark"
		ready = "notify"
		user = "$stranger"
		group = "$stranger"
		working_dir = "/"
	TOML
	oxctl start 3>&-
	eventually 5 state_is talker:0 starting
	run -0 stat -c '%a %u %F' "$(socket_of talker:0)"
	assert_output "600 $stranger socket"
	run -1 send_as 65530 READY=1
	assert_output --partial "Permission denied"
	run -0 send_as $stranger READY=1
	assert_logged "not its own; not believed"
	assert state_is talker:0 starting
	# A cgroup that is called as its own is not its own.
	groups=$(daemon_log | sed -n "s/.*cgroups: in '\(.*\)'/\1/p" | tail -n 1)
	if [ -n "$groups" ]; then
		fake=${groups%/*}/fake-$$/oxherd-0/$(basename "$(ls -d "$groups"/*.talker:0)")
		mkdir -p "$fake"
		run -0 sh -c 'echo 0 >"$1/cgroup.procs"; exec setpriv --reuid "$2" --regid "$2" --clear-groups "$3" -c "
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b\"READY=1\", sys.argv[1])
time.sleep(0.5)" "$4"' - "$fake" $stranger "$python" "$(socket_of talker:0)"
		rmdir -p "$fake" 2>/dev/null || true
		assert state_is talker:0 starting
	fi
	oxctl delete talker
	run -0 find "$place" -type s ! -name oxherd.sock
	assert_output ""
}

@test "an app that floods its notify socket harms itself alone" {
	cat >flood.py <<-'PY'
		import os, socket
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.connect(os.environ['NOTIFY_SOCKET'].replace('@', '\0'))
		s.send(b'READY=1')
		i = 0
		while True:
		    i += 1
		    s.send(b'STATUS=%d' % i)
	PY
	given_oxfile <<-TOML
		[processes.flood]
		command = ["$python", "$place/flood.py"]
		ready = "notify"
		user = "$stranger"
		group = "$stranger"
		working_dir = "/"
		[processes.calm]
		command = "systemd-notify --ready; exec sleep 1000"
		ready = "notify"
	TOML
	oxctl start --wait 3>&-
	begun=$(brain_ms) since=$(now_ms)
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		took 0 500 oxctl status >/dev/null
	done
	took 0 3000 oxctl restart --wait calm
	# Most of the time it rests.
	spent=$(($(brain_ms) - begun)) passed=$(($(now_ms) - since))
	echo "the brain took $spent ms of a processor in $passed ms"
	[ $((spent * 5)) -lt "$passed" ]
}

# Milliseconds of a processor that the brain has used.
brain_ms() {
	awk '{ print ($14 + $15) * 10 }' "/proc/$(brain_pid)/stat"
}

@test "a group without a user is the daemon's user in that group" {
	given_oxfile <<-TOML
		[processes.grouped]
		command = "actor --print-ids --mark"
		group = "65533"
	TOML
	oxctl start --wait 3>&-
	eventually 5 has_written grouped:0 "gid 65533 65533"
	assert has_written grouped:0 "uid 0 0"
	refute_logged "was ended by signal"
	run -1 grep -z ^LOGNAME=nobody "/proc/$(pid_of grouped:0)/environ"
}
