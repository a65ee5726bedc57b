# $PORT in a command.
load ../lib/daemon

parent_of() {
	sed -n 's/^PPid:\t//p' "/proc/$(pid_of "$1")/status"
}

# Without the folder of the program.
program_of() {
	tr '\0' ' ' <"/proc/$(pid_of "$1")/cmdline" | sed 's,^[^ ]*/,,'
}

@test "\$PORT in a command is replaced by the instance's port, and no shell stays in between" {
	port=$(port_block 3)
	begin_oxherd <<-TOML
		[processes.web]
		command = "python3 -m http.server \$PORT"
		instances = 2
		port = $port
		health_check.tcp = true
		[processes.words]
		command = ["python3", "-m", "http.server", "\${PORT}"]
		port = $((port + 2))
	TOML
	eventually 5 state_is web:1 running
	eventually 5 state_is words:0 running
	assert_equal "$(program_of web:0)" "python3 -m http.server $port "
	assert_equal "$(program_of web:1)" "python3 -m http.server $((port + 1)) "
	assert_equal "$(program_of words:0)" "python3 -m http.server $((port + 2)) "
	assert_equal "$(parent_of web:0)" "$(keeper_pid)"
}

@test "the port is read where the instance reads it: from env, from the caller, and within double quotes" {
	given_oxfile <<-'TOML'
		[processes.env]
		command = '''sh tell.sh "on $PORT" ${PORT} '$PORT' \$PORT'''
		env = { PORT = "4711" }
		[processes.caller]
		command = "sh tell.sh $PORT"
	TOML
	echo 'printf "<%s>" "$@"; echo; exec sleep 100' >tell.sh
	PORT=4712 oxctl start
	eventually 5 has_written env:0 '<on 4711><4711><$PORT><$PORT>'
	eventually 5 has_written caller:0 '<4712>'
}

@test "start NAME -- COMMAND replaces \$PORT too, and says so where there is no port" {
	port=$(port_block 1)
	run -0 oxctl start web --port "$port" -- python3 -m http.server '$PORT'
	eventually 5 state_is web:0 running
	assert_equal "$(program_of web:0)" "python3 -m http.server $port "
	run -1 oxctl start none -- python3 -m http.server '$PORT'
	assert_output --partial "add --port 3000"
	run oxctl status none
	refute_output --partial "none:0"
}
