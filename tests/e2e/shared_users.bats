# Instances that share a port, as other users than root.
load ../lib/daemon
load ../lib/front

setup() {
	open_place
	port=$(port_block 2)
	cat >server.js <<-'JS'
		const { PORT, OXHERD_INSTANCE } = process.env
		require('http').createServer((request, response) => {
		  response.end(`instance ${OXHERD_INSTANCE} of uid ${process.getuid()}\n`)
		}).listen(PORT)
	JS
	chmod 644 server.js
}

teardown() {
	close_place
}

as_user() {
	setpriv --reuid 65533 --regid 65533 --clear-groups "$@"
}

shared_app() {
	cat >oxfile.toml <<-TOML
		[processes.api]
		command = "node server.js"
		instances = 3
		port = $port
		port_mode = "shared"
		deploy = { min_healthy_secs = 0.1 }
		$1
	TOML
}

who_answers() {
	local i
	for ((i = 0; i < 60; i++)); do
		curl -sf --max-time 5 "http://127.0.0.1:$port/"
	done | sort -u | paste -s -d ,
}

@test "with user, instances of that user share the port, and a reload under load loses no request" {
	user=www-data
	getent passwd "$user" >/dev/null || user=nobody
	uid=$(id -u "$user")
	shared_app "user = \"$user\""
	oxctl start --wait 3>&-
	assert_equal "$(who_answers)" "instance 0 of uid $uid,instance 1 of uid $uid,instance 2 of uid $uid"
	run -0 oxctl why api
	refute_output --partial "setuid"
	crowd_up "http://127.0.0.1:$port/" --close --rate 200
	oxctl reload api
	crowd_down
	none_failed
	kill -KILL "$(pid_of api:1)"
	eventually 10 state_is api:1 running
	assert_equal "$(who_answers)" "instance 0 of uid $uid,instance 1 of uid $uid,instance 2 of uid $uid"
}

@test "a change of user is rolled out under load, and no request is lost" {
	shared_app 'user = "nobody"'
	oxctl start --wait 3>&-
	crowd_up "http://127.0.0.1:$port/" --close --rate 200
	shared_app 'user = "daemon"'
	oxctl deploy
	crowd_down
	none_failed
	uid=$(id -u daemon)
	assert_equal "$(who_answers)" "instance 0 of uid $uid,instance 1 of uid $uid,instance 2 of uid $uid"
}

@test "a daemon without root shares a port as well, by a library; with a filter why says that setuid programs do not work" {
	mkdir home
	chown 65533:65533 home
	mv server.js home
	cd home || return
	export HOME=$PWD OXHERD_HOME=$PWD/herd OX_TEST=$PWD/herd
	shared_app ""
	as_user env "PATH=$PATH" oxctl start --wait 3>&-
	assert_equal "$(who_answers)" "instance 0 of uid 65533,instance 1 of uid 65533,instance 2 of uid 65533"
	run -0 as_user oxctl why api
	assert_line "api: its instances share port $port"
	assert_line --partial "  gate preload: without root"
	refute_output --partial no_new_privs
	crowd_up "http://127.0.0.1:$port/" --close --rate 200
	as_user oxctl reload api
	shared_app 'gate = "seccomp"'
	as_user oxctl deploy
	crowd_down
	none_failed
	run -0 as_user oxctl why api
	assert_line "  gate seccomp: the kernel tells when an instance listens"
	assert_line "  no_new_privs is set: setuid programs such as sudo do not work in it"
	as_user oxctl daemon stop
}
