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
	assert_output --partial "name the app"
	run -2 oxctl deploy --abort
	assert_output --partial "name the app"
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
