# Words to a deploy where it needs no name, and what a deploy does with a job that runs once.
load ../lib/daemon

# version N [CANARY]: the one app, with what a deploy of it is to be; ready as soon as it listens.
version() {
	: "${port:=$(port_block 8)}"
	cat >oxfile.toml <<-TOML
		[processes.api]
		command = "hello"
		instances = 2
		port = $port
		env = { VERSION = "$1" }
		deploy = { min_healthy_secs = 0, fail_timeout_secs = 0, canary = ${2:-0} }
	TOML
}

# runs N: by what api:0 has in its environment.
runs() {
	tr '\0' '\n' <"/proc/$(pid_of api:0)/environ" | grep -qx "VERSION=$1"
}

@test "where there is one app, rollback needs no name; nor do --abort and --continue" {
	version 1
	oxctl start --wait 3>&-
	version 2
	oxctl deploy
	assert runs 2
	run -0 oxctl rollback
	assert_output --partial "api: revision 1 runs in 2 of 2 instances"
	assert runs 1
	printf '[processes.other]\ncommand = "sleep 1000"\n' >>oxfile.toml
	oxctl deploy
	assert runs 2
	run -2 oxctl rollback
	assert_output "oxctl: 2 apps are known; name one: api, other"
	run -2 oxctl deploy --abort
	assert_output "oxctl: no deploy in progress"
	assert runs 2
}

@test "of several apps --continue and --abort mean the one that is being deployed" {
	begin_two() {
		version "$1" 1
		printf '[processes.other]\ncommand = "hello"\nport = %d\n' $((port + 6)) >>oxfile.toml
	}
	begin_two 1
	oxctl start --wait 3>&-
	begin_two 2
	run -0 oxctl deploy
	assert_output --partial "1 of 2 instances run revision 2"
	run -0 oxctl deploy --continue
	assert_output --partial "api: revision 2 runs in 2 of 2 instances"
	begin_two 3
	oxctl deploy
	assert runs 3
	run -0 oxctl deploy --abort
	assert_output --partial "it went back"
	assert runs 2
}

@test "--abort says aborted whenever it comes, and a rollback in the middle of a deploy is the same" {
	version 1
	oxctl start --wait 3>&-
	version 2
	sed -i 's/min_healthy_secs = 0/min_healthy_secs = 60/' oxfile.toml
	run -5 oxctl deploy --timeout 500ms
	run -0 oxctl deploy --abort
	assert_output "api: aborted: revision 2 is not deployed; nothing was touched, 2 of 2 instances run revision 1"
	run -5 oxctl deploy --timeout 500ms
	run -0 oxctl rollback api
	assert_output "api: aborted: revision 3 is not deployed; nothing was touched, 2 of 2 instances run revision 1"
	version 4 1
	oxctl deploy
	run -0 oxctl rollback
	assert_output --partial "api: aborted: revision 4 is not deployed"
	oxctl stop
	version 5
	oxctl deploy
	run -0 oxctl rollback
	assert_output "api: does not run; revision 1 is used at the next start"
}

@test "while a canary is paused, deploy says so, and start --wait waits until all are ready" {
	version 1
	oxctl start --wait 3>&-
	version 2 1
	oxctl deploy
	run -0 oxctl deploy
	assert_output "api: deploy paused: 1 of 2 instances run revision 2; 'oxctl deploy --continue api' replaces the others, 'oxctl deploy --abort api' goes back"
	oxctl stop
	oxctl start --wait
	assert state_is api:0 running
	assert state_is api:1 running
}

@test "with surge = 0 a job that runs once is replaced where it stands, and never done twice at a time" {
	job() {
		cat >oxfile.toml <<-TOML
			[processes.job]
			command = "mkdir busy || echo twice; trap 'rmdir busy; exit 0' TERM; echo began $1; while :; do sleep 0.05; done"
			restart = "never"
			deploy = { surge = 0, min_healthy_secs = 0 }
		TOML
	}
	job 1
	oxctl start --wait 3>&-
	job 2
	run -0 oxctl deploy
	refute_output --partial "a spare"
	eventually 5 has_written job:0 "began 2"
	refute has_written job:0 twice
}

# has api:0 X=2: is this in its environment?
has() {
	tr '\0' '\n' <"/proc/$(pid_of "$1")/environ" | grep -qx "$2"
}

@test "env_file is read again by a reload and by a deploy, and a deploy is started in the environment of who asks for it" {
	version 1
	sed -i '/^env/s/.*/env_file = "app.env"/' oxfile.toml
	echo WORD=one >app.env
	WHO=first oxctl start --wait 3>&-
	assert has api:0 WORD=one
	assert has api:0 WHO=first
	echo WORD=two >app.env
	WHO=nobody oxctl reload
	assert has api:0 WORD=two
	assert has api:1 WORD=two
	# What is rolled over by what it has keeps whose it is.
	assert has api:0 WHO=first
	echo WORD=three >app.env
	WHO=second run -0 oxctl deploy
	assert_output --partial "api: revision 3 runs in 2 of 2 instances"
	assert has api:0 WORD=three
	assert has api:1 WHO=second
	# Also over crashes, and an env_file with a mistake touches nothing.
	kill -KILL "$(pid_of api:0)"
	eventually 5 field_is api:0 restarts 1
	eventually 5 state_is api:0 running
	assert has api:0 WHO=second
	before=$(pids api)
	echo "no assignment" >app.env
	run -1 oxctl reload
	assert_output --partial "app.env:1:1: there is no '=' in this line"
	mv app.env gone.env
	run -1 oxctl reload
	assert_output --partial "app.env"
	mv gone.env app.env
	run -2 oxctl deploy
	assert_output --partial "app.env"
	assert_equal "$(pids api)" "$before"
}

@test "a deploy of two oxfiles of which one cannot be taken touches neither" {
	port=$(port_block 8)
	for name in one two; do
		mkdir "$name"
		printf '[processes.%s]\ncommand = "hello"\nport = %d\n' "$name" $((port++)) >"$name/oxfile.toml"
		(cd "$name" && oxctl start --wait 3>&- >/dev/null)
	done
	before=$(pids one; pids two)
	# Both are well written, and the second wants a port of the first.
	echo 'env = { NEW = "1" }' >>one/oxfile.toml
	sed -i "s/^port = .*/port = $((port - 2))/" two/oxfile.toml
	run -1 oxctl deploy --all
	assert_output --partial "both want port $((port - 2))"
	assert_equal "$(pids one; pids two)" "$before"
	assert_equal "$(app_field one revision) $(app_field two revision)" "1 1"
}
