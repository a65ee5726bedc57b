# Services with a user of their own.
load ../lib/daemon

setup() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	daemon_place
	# Its programs have to be reached by others.
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR" 2>/dev/null || true
}

alone() {
	env -i PATH="$PATH" HOME=/root OXHERD_HOME="$OXHERD_HOME" "$@" 3>&-
}

environment_of() {
	tr '\0' '\n' <"/proc/$(pid_of "$1")/environ" | grep -v '^OXHERD_MARK=' | sort
}

@test "with user the environment starts clean, and inherit_env brings the caller's" {
	given_oxfile <<-'TOML'
		[defaults]
		user = "nobody"
		working_dir = "/"
		command = ["sleep", "1000"]
		[processes.clean]
		env = { OWN = "1" }
		[processes.file]
		env_file = "own.env"
		[processes.full]
		inherit_env = true
		[processes.root]
		user = "root"
		inherit_env = true
	TOML
	printf 'HOME=/srv\nSHELL=/bin/zsh\nmy.key=1\n' >own.env
	alone LANG=C.UTF-8 TZ=UTC LC_ALL=C SECRET=1 SHELL=/bin/fish USER=root LOGNAME=root oxctl start
	shell=$(getent passwd nobody | cut -d: -f7)
	home=$(getent passwd nobody | cut -d: -f6)
	eventually 5 state_is clean:0 running
	run environment_of clean:0
	assert_output "$(sort <<-TEXT
		HOME=$home
		LANG=C.UTF-8
		LOGNAME=nobody
		NODE_APP_INSTANCE=0
		OWN=1
		OXHERD_APP=clean
		OXHERD_HOME=$OXHERD_HOME
		OXHERD_INSTANCE=0
		OXHERD_REVISION=1
		PATH=$PATH
		SHELL=$shell
		TZ=UTC
		USER=nobody
	TEXT
	)"
	run environment_of file:0
	assert_line "HOME=/srv"
	assert_line "SHELL=/bin/zsh"
	assert_line "my.key=1"
	assert_line "USER=nobody"
	run environment_of full:0
	assert_line "SECRET=1"
	assert_line "LC_ALL=C"
	assert_line "USER=nobody"
	assert_line "SHELL=$shell"
}

@test "a service of another user can open /dev/stdout and /dev/stderr, and so can its hook and the next user" {
	given_oxfile <<-'TOML'
		[processes.one]
		command = "echo to-stdout > /dev/stdout; echo to-stderr > /dev/stderr; id -un | tee -a /dev/stdout; exec sleep 1000"
		user = "nobody"
		working_dir = "/"
		deploy = { pre = "echo hook > /dev/stdout", surge = 0, min_healthy_secs = 0, fail_timeout_secs = 0 }
	TOML
	oxctl start --wait
	eventually 5 has_written one:0 to-stdout
	eventually 5 has_written one:0 nobody
	grep -q to-stderr "$OXHERD_HOME/log/one-0-err.log"
	for user in daemon root nobody; do
		sed -i "s/^user = .*/user = \"$user\"/" oxfile.toml
		run -0 oxctl deploy one
		eventually 5 state_is one:0 running
		: >"$OXHERD_HOME/log/one-0-out.log"
		oxctl restart one
		eventually 5 has_written one:0 "to-stdout"
		eventually 5 has_written one:0 "$user"
	done
}

@test "the pipe that a service of another user owns gives nobody else a way in" {
	given_oxfile <<-'TOML'
		[processes.one]
		command = "chmod 666 /proc/self/fd/1; echo up > /dev/stdout; exec sleep 1000"
		user = "nobody"
		working_dir = "/"
	TOML
	oxctl start
	eventually 5 has_written one:0 up
	pipe=$(find "$OXHERD_HOME" -type p -name 'one:0.out')
	[ -p "$pipe" ]
	run setpriv --reuid=daemon --regid=daemon --clear-groups sh -c "echo forged > '$pipe'"
	assert_failure
	run setpriv --reuid=nobody --regid=nogroup --clear-groups sh -c "echo forged > '$pipe'"
	assert_failure
	# A new daemon takes it back, and the keeper too.
	expect_error "the keeper is gone"
	kill -9 "$(keeper_pid)" "$(brain_pid)"
	run -0 oxctl restart one
	eventually 5 state_is one:0 running
}
