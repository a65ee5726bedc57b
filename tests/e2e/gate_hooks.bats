# How the daemon learns where the instances of a shared port listen, whatever the program, the user and the machine are.
load ../lib/daemon

python=$(command -v python3)

setup_file() {
	musl=
	command -v musl-gcc >/dev/null && musl="musl-gcc"
	export musl
}

# herd HOOK COMMAND: three instances of it on one port.
herd() {
	port=$(port_block)
	start_oxherd <<-TOML
		[processes.api]
		command = "$2"
		instances = 3
		port = $port
		port_mode = "shared"
		gate = "$1"
	TOML
}

all_answer() {
	[ "$(for _ in $(seq 40); do curl -sf --max-time 2 "http://127.0.0.1:$1/"; done | sort -u | wc -l)" -eq 3 ]
}

hook_of() {
	oxctl why api | sed -n 's/^  gate //p'
}

# as_user COMMAND…: in a folder and with a daemon of another user's own.
as_user() {
	env -u OX_TEST -C "$own" OX_TEST="$OX_TEST" OXHERD_HOME="$own/herd" \
		setpriv --reuid 65532 --regid 65532 --clear-groups "$@"
}

own_place() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	own=$(mktemp -d /tmp/oxherd-test-XXXXXX)
	chown 65532:65532 "$own"
}

no_new_privs() {
	sed -n 's/^NoNewPrivs:\t//p' "/proc/$1/status"
}

@test "gate = preload: instances share a port by the library, and setuid programs work in them" {
	herd preload hello
	eventually 5 all_answer "$port"
	assert_equal "$(hook_of)" preload
	tr '\0' '\n' <"/proc/$(pid_of api:0)/environ" >environment
	run -0 grep "^LD_PRELOAD=$OXHERD_BUILD/liboxgate.so$" environment
	assert_equal "$(no_new_privs "$(pid_of api:0)")" "$(no_new_privs $$)"
	before=$(pids api)
	oxctl reload api >/dev/null
	eventually 5 all_answer "$port"
	assert [ "$(pids api)" != "$before" ]
}

@test "gate = preload: a program of another C library is seen too" {
	[ -n "$musl" ] || skip "needs musl"
	$musl -D_GNU_SOURCE -o musl-hello "$OX_TOP/examples/hello/hello.c"
	herd preload ./musl-hello
	eventually 5 all_answer "$port"
}

@test "gate = preload: what another library preloads stays" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	port=$(port_block)
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
		port_mode = "shared"
		gate = "preload"
		env = { LD_PRELOAD = "libm.so.6" }
	TOML
	answers "$port" "hello from api:0"
	tr '\0' '\n' <"/proc/$(pid_of api:0)/environ" >environment
	run -0 grep "^LD_PRELOAD=libm.so.6:$OXHERD_BUILD/liboxgate.so$" environment
	run -0 grep -c "libm.so.6\|libm-" "/proc/$(pid_of api:0)/maps"
}

@test "gate = preload: a static program cannot be seen, and its start fails with what to do" {
	[ -n "$musl" ] || skip "needs musl"
	$musl -static -D_GNU_SOURCE -o static-hello "$OX_TOP/examples/hello/hello.c"
	port=$(port_block)
	begin_oxherd <<-TOML
		[processes.api]
		command = "./static-hello"
		port = $port
		port_mode = "shared"
		gate = "preload"
	TOML
	eventually 5 is_logged 'with gate = "preload", as a static program'
	oxctl delete api >/dev/null
	herd seccomp ./static-hello
	eventually 5 all_answer "$port"
}

@test "gate = fds: a program is given its socket, and no connection is refused while it is replaced" {
	cat >server.py <<-'PYTHON'
		import os, socket
		assert os.environ['LISTEN_FDS'] == '1' and os.environ['LISTEN_PID'] == str(os.getpid())
		assert os.environ['LISTEN_FDNAMES'] == os.environ['PORT']
		s = socket.socket(fileno=3)
		body = ('hello from ' + os.environ['OXHERD_INSTANCE'] + '\n').encode()
		while True:
		    c = s.accept()[0]
		    c.recv(999)
		    c.sendall(b'HTTP/1.0 200 OK\r\n\r\n' + body)
		    c.close()
	PYTHON
	herd fds "$python server.py"
	eventually 5 all_answer "$port"
	assert_equal "$(hook_of)" fds
	oxctl reload api >/dev/null 3>&- &
	reload=$!
	failed=0
	while kill -0 "$reload" 2>/dev/null; do
		curl -sf --max-time 10 "http://127.0.0.1:$port/" >/dev/null || failed=$((failed + 1))
	done
	wait "$reload"
	assert_equal "$failed" 0
	eventually 5 all_answer "$port"
}

@test "auto, as root: the filter, which sees every program" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	herd auto hello
	assert_equal "$(hook_of)" "seccomp: it sees every program"
	assert_equal "$(no_new_privs "$(pid_of api:0)")" "$(no_new_privs $$)"
}

@test "auto, as a user: the library for a dynamic program, the filter for a static one, and why says what that means" {
	own_place
	port=$(port_block 2)
	cat >"$own/oxfile.toml" <<-TOML
		[defaults]
		port_mode = "shared"
		instances = 3
		[processes.api]
		command = "hello"
		port = $port
	TOML
	if [ -n "$musl" ]; then
		$musl -static -D_GNU_SOURCE -o "$own/static-hello" "$OX_TOP/examples/hello/hello.c"
		cat >>"$own/oxfile.toml" <<-TOML
			[processes.solid]
			command = "./static-hello"
			port = $((port + 1))
		TOML
	fi
	as_user oxctl start --wait 3>&-
	run -0 as_user oxctl why api
	assert_output --partial "gate preload: without root a seccomp filter would keep setuid programs such as sudo from working"
	refute_output --partial no_new_privs
	eventually 5 all_answer "$port"
	if [ -n "$musl" ]; then
		run -0 as_user oxctl why solid
		assert_output --partial "gate seccomp: the program is static, so no library can see it listen"
		assert_output --partial "no_new_privs is set: setuid programs such as sudo do not work in it"
		eventually 5 all_answer $((port + 1))
	fi
	as_user oxctl daemon stop
	rm -rf "$own"
}

@test "auto, in a container that permits no seccomp: the library" {
	cat >contain.py <<-'PYTHON'
		import ctypes, os, platform, struct, sys
		number = 277 if platform.machine() == 'aarch64' else 317
		steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)]
		text = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *s) for s in steps))
		program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(steps), ctypes.addressof(text)))
		libc = ctypes.CDLL(None)
		assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
		os.execvp(sys.argv[1], sys.argv[1:])
	PYTHON
	"$python" contain.py oxherd --daemon 3>&-
	herd auto hello
	assert_equal "$(hook_of)" "preload: seccomp notification is not available here"
	eventually 5 all_answer "$port"
}

@test "a service that starts another herd does not lead it to its own gate" {
	herd preload hello
	run -0 sh -c "tr '\0' '\n' </proc/$(pid_of api:0)/environ"
	assert_output --partial OXHERD_GATE=
	inner=$(tr '\0' '\n' <"/proc/$(pid_of api:0)/environ" | grep ^OXHERD_GATE=)
	env "$inner" "LD_PRELOAD=$OXHERD_BUILD/liboxgate.so" oxctl start other -- sleep 1000
	run -0 sh -c "tr '\0' '\n' </proc/$(pid_of other:0)/environ"
	refute_output --partial OXHERD_GATE=
}
