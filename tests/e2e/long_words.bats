# Words and environments as long as the kernel takes them, and longer.
load ../lib/daemon

# variables COUNT KILOBYTES: BIG_1=… in an environment file.
variables() {
	python3 -c '
import sys
for n in range(int(sys.argv[1])):
    print("BIG_%d=%s" % (n, "x" * (int(sys.argv[2]) * 1024)))' "$1" "$2"
}

@test "an environment of 1.5 MB reaches the app, from its files and from the caller" {
	variables 15 50 >one.env
	variables 15 50 | sed 's/^BIG/TWO/' >two.env
	given_oxfile files.toml <<-'TOML'
		[processes.files]
		command = ["sh", "-c", 'env | wc -c; exec sleep 1000']
		env_file = ["one.env", "two.env"]
	TOML
	oxctl start --config files.toml
	given_oxfile <<-'TOML'
		[processes.caller]
		command = ["sh", "-c", 'env | wc -c; exec sleep 1000']
	TOML
	long_enough() {
		[ "$(output_of "$1" | tail -n 1)" -gt 1500000 ]
	}
	python3 - <<-'PYTHON'
		import os, subprocess
		big = {"BIG_%d" % n: "x" * 50 * 1024 for n in range(30)}
		subprocess.run(["oxctl", "start"], env={**os.environ, **big}, check=True, close_fds=True)
	PYTHON
	eventually 10 long_enough files:0
	eventually 10 long_enough caller:0
	# The daemon remembers it over its own death, and a crash.
	kill -9 "$(pid_of caller:0)"
	kill -9 "$(brain_pid)"
	eventually 10 state_is caller:0 running
	eventually 10 long_enough caller:0
	[ "$(output_of caller:0 | wc -l)" = 2 ]
}

@test "one string of 127 KB is passed on, and a longer one is a failed start that names it and the limit" {
	variables 1 127 >one.env
	variables 1 200 | sed 's/^BIG_0/LONG/' >long.env
	begin_oxherd <<-'TOML'
		[processes.one]
		command = ["sleep", "1000"]
		env_file = "one.env"
		[processes.long]
		command = ["sleep", "1000"]
		env_file = "long.env"
	TOML
	eventually 5 state_is one:0 running
	eventually 5 at_least long:0 crashes 2
	reason_has long:0 "the variable 'LONG' is 200 KB long, and the kernel takes 128 KB"
}

@test "more than the kernel takes in all is a failed start that says how long it is, and is tried again with longer and longer delays" {
	variables 9 100 >one.env
	for n in 2 3 4; do sed "s/^BIG/BIG_$n/" one.env >"$n.env"; done
	begin_oxherd <<-'TOML'
		[processes.much]
		command = ["sleep", "1000"]
		env_file = ["one.env", "2.env", "3.env", "4.env"]
	TOML
	eventually 5 at_least much:0 crashes 3
	reason_has much:0 "its command and environment take 36"
	reason_has much:0 "and the kernel takes 2048 KB"
	run -0 oxctl why much
	assert_output --partial "delay doubled"
}

@test "a request that is longer than the daemon takes says so, and what to leave out" {
	given_oxfile <<<'processes.a.command = "sleep 1000"'
	run python3 - <<-'PYTHON'
		import os, resource, subprocess, sys
		resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
		big = {"BIG_%d" % n: "x" * 100 * 1024 for n in range(45)}
		sys.exit(subprocess.run(["oxctl", "start"], env={**os.environ, **big}).returncode)
	PYTHON
	assert_failure
	assert_output --regexp "the request is 4\.[0-9] MB long, and the daemon takes 4 MB; it holds your environment"
}
