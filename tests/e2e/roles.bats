# Who may ask for what, and what is written down of it.
load ../lib/daemon

group=65533

teardown() {
	close_place
}

# as_member COMMAND…: another user, who is in the group.
as_member() {
	setpriv --reuid 65534 --regid 65534 --groups $group "$@"
}

as_stranger() {
	setpriv --reuid 65532 --regid 65532 --clear-groups "$@"
}

@test "the control group may do what it is allowed, and nothing else; others nothing" {
	open_place
	oxherd --daemon --group $group:read,restart 3>&-
	oxctl start api -- sleep 1000
	run -0 as_member "$OXHERD_BUILD/oxctl" status
	assert_output --partial api:0
	before=$(pid_of api:0)
	run -0 as_member "$OXHERD_BUILD/oxctl" restart api
	[ "$(pid_of api:0)" != "$before" ]
	run -1 as_member "$OXHERD_BUILD/oxctl" stop api
	assert_output --partial "permission denied: 'stop' needs the right 'control' or 'stop'; you are in group '$group' with right 'read,restart'"
	run -1 as_member "$OXHERD_BUILD/oxctl" daemon stop
	assert_output --partial "permission denied: 'daemon stop' needs the owner (uid 0)"
	assert_logged "control: refused stop to uid 65534"
	run -1 as_stranger "$OXHERD_BUILD/oxctl" status
	assert_output --partial "Permission denied"
	assert_equal "$(stat -c %a:%g herd/run) $(stat -c %a:%g herd/run/oxherd.sock)" "710:$group 660:$group"
	# What else is there stays private.
	run -0 find herd -mindepth 2 ! -type d -perm /077 ! -name oxherd.sock
	assert_output ""
}

@test "a group that is not there, and a method that is none, are refused at the start" {
	expect_error "the brain cannot start"
	run -1 oxherd --daemon --group no-such-group 3>&-
	assert_logged "the control group 'no-such-group': there is no group 'no-such-group'"
	run -1 oxherd --daemon --group 0:raed 3>&-
	assert_logged "unknown method 'raed'"
	run -1 oxherd --daemon --group 0:read,save 3>&-
	assert_logged "'save' is for the owner of the daemon alone"
}

@test "each change is in the log once, before it is done: what, who, from which program; and no secret" {
	given_oxfile <<-'TOML'
		[processes.api]
		command = "actor --mark"
		env = { TOKEN = "${TOKEN}" }
	TOML
	TOKEN=very-secret oxctl start --wait 3>&-
	oxctl scale api=2
	oxctl signal USR1 api:1 || true
	oxctl status >/dev/null
	oxctl stop api:0
	assert_logged "control: apply $PWD/oxfile.toml by uid $(id -u), pid"
	assert_equal "$(daemon_log | grep -c "control: scale api=2 by uid $(id -u), pid [0-9]* 'oxctl'")" 1
	assert_equal "$(daemon_log | grep -c "control: signal .*USR1 api:1 by uid")" 1
	assert_equal "$(daemon_log | grep -c "control: stop api:0 by uid")" 1
	assert_equal "$(daemon_log | grep -c "control: status")" 0
	run -1 grep -r very-secret "$OXHERD_HOME/log" "$OXHERD_HOME/run"
	run -0 oxctl status --json
	refute_output --partial very-secret
	run -0 oxctl events --json
	refute_output --partial very-secret
	run -0 oxctl why api
	refute_output --partial very-secret
	# Where it has to be remembered only its owner can read it.
	assert_equal "$(find "$OXHERD_HOME/state" -type f -perm /077)" ""
}

@test "a service asks its own daemon, wherever that has its home" {
	given_oxfile <<-'TOML'
		[processes.self]
		command = ["sh", "-c", "oxctl status --json | grep -c self:0; exec sleep 1000"]
	TOML
	oxctl start --wait 3>&-
	eventually 5 has_written self:0 1
}

@test "the unit for systemd is one that systemd accepts" {
	command -v systemd-analyze >/dev/null || skip "there is no systemd-analyze here"
	for how in "" --strict; do
		oxctl daemon install --print ${how:+"$how"} --group daemon:read >oxherd.service
		# Manual pages that are not installed here are no fault of the unit.
		run -1 sh -c "systemd-analyze verify ./oxherd.service 2>&1 | grep -v \"Command 'man \""
		assert_output ""
	done
}

# What the unit takes away, as setpriv writes it.
taken() {
	oxctl daemon install --print --strict | sed -n 's/^CapabilityBoundingSet=~//p' | tr ' ' '\n' | sed 's/^CAP_/-/' | tr 'A-Z\n' 'a-z,'
}

@test "the unit forbids what no web service needs, and systemd-analyze says how much that is" {
	command -v systemd-analyze >/dev/null || skip "there is no systemd-analyze here"
	oxctl daemon install --print >oxherd.service
	run -0 systemd-analyze security --no-pager --offline=yes --threshold=64 ./oxherd.service
	# That one would take all devices away.
	run -1 grep ProtectClock oxherd.service
	oxctl daemon install --strict --print >oxherd.service
	run -0 systemd-analyze security --no-pager --offline=yes --threshold=41 ./oxherd.service
	run -2 oxctl daemon install --strict --user --print
	assert_output "oxctl: --strict is for the unit of the machine: that of --user forbids nothing"
	mkdir user
	oxctl daemon install --user --print >user/oxherd.service
	run -1 grep -E 'Protect|Restrict|Capabilit|SystemCall|Private' user/oxherd.service
}

@test "without what the unit takes from it, and a strict one, the daemon does all that it does" {
	open_place
	caps=$(taken)
	port=$(port_block)
	assert_regex "$caps" 'sys_module.*lease.*sys_admin.*perfmon'
	given_oxfile <<-TOML
		[processes.web]
		command = "hello"
		port = $port
		[processes.other]
		command = "actor --mark"
		user = "nobody"
		group = "nogroup"
		working_dir = "/"
	TOML
	setpriv --no-new-privs --bounding-set "${caps%,}" oxctl start --wait 3>&-
	assert_not_equal "$(grep CapBnd "/proc/$(pid_of web:0)/status")" "$(grep CapBnd /proc/self/status)"
	run -0 curl -sf "127.0.0.1:$port"
	assert_equal "$(stat -c %U "/proc/$(pid_of other:0)")" nobody
	oxctl restart --wait
	oxctl stop
}

@test "install writes the unit and enables it, once for the machine or for a user" {
	mkdir bin home
	printf '#!/bin/sh\necho "$@" >>%s\n' "$PWD/asked" >bin/systemctl
	chmod +x bin/systemctl
	PATH=$PWD/bin:$PATH HOME=$PWD/home XDG_CONFIG_HOME='' run -0 oxctl daemon install --user
	assert_output --partial "wrote $PWD/home/.config/systemd/user/oxherd.service"
	assert_equal "$(cat asked)" "$(printf 'daemon-reload --user\nenable oxherd.service --user')"
	run -0 cat home/.config/systemd/user/oxherd.service
	assert_line "ExecStart=$(realpath "$OXHERD_BUILD")/oxherd"
	assert_line KillMode=process
	assert_line Delegate=yes
	assert_line Restart=always
	# Else 'oxctl daemon stop' would be undone after 100 ms.
	assert_line RestartPreventExitStatus=0
	assert_line WantedBy=default.target
	printf '#!/bin/sh\nexit 1\n' >bin/systemctl
	PATH=$PWD/bin:$PATH HOME=$PWD/home XDG_CONFIG_HOME='' run -1 oxctl daemon install --user
	assert_output --partial "'systemctl daemon-reload' failed"
}

# As the unit has it: in the foreground, killed alone to stop it, and started again.
as_unit() {
	NOTIFY_SOCKET=@$OX_TEST python3 -c 'import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("\0" + os.environ["NOTIFY_SOCKET"][1:]); s.settimeout(10)
subprocess.Popen(["oxherd"], stdin=subprocess.DEVNULL, stdout=open("unit.log", "a"), stderr=subprocess.STDOUT, close_fds=True)
print(s.recv(100).decode())' 3>&-
}

@test "a restart of the unit keeps the services, and READY comes when it serves" {
	assert_equal "$(as_unit)" READY=1
	oxctl start api -- actor --mark
	eventually 10 state_is api:0 running
	before=$(pids api)
	keeper=$(keeper_pid)
	kill -KILL "$keeper"
	eventually 5 is_gone "$keeper"
	assert_equal "$(as_unit)" READY=1
	assert_equal "$(pids api)" "$before"
	# No service and no brain gets the manager's socket.
	run -1 grep -z NOTIFY_SOCKET "/proc/$(brain_pid)/environ" "/proc/$(pid_of api:0)/environ"
}
