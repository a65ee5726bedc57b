#!/usr/bin/env bats
# Who is replaced beside a spare and who in place, with programs of which there may be only one.
load ../lib/daemon

# bot VERSION [LINES OF [.deploy]]: holds a lock for as long as it lives, and says so in a file when it cannot have it.
bot() {
	cat >bot.py <<-'PY'
		import fcntl, os, sys, time
		lock = open('bot.lock', 'w')
		try:
		    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
		except OSError as e:
		    open('met', 'w').close()
		    sys.exit(f'bot.lock is held by another bot: {e}')
		if os.environ['VERSION'] == 'bad':
		    raise RuntimeError('no token')
		print('bot', os.environ['VERSION'], flush=True)
		time.sleep(1000)
	PY
	cat >oxfile.toml <<-TOML
		[processes.bot]
		command = ["python3", "bot.py"]
		ready_timeout_secs = 5
		max_restarts = 3
		env = { VERSION = "$1" }
		deploy = { min_healthy_secs = 0.2${2+, $2} }
	TOML
}

@test "of a single app without a port there are never two, whatever is deployed or reloaded" {
	bot 1
	oxctl start --wait 3>&-
	bot 2
	run -0 oxctl deploy
	assert_output --partial "bot: revision 2 runs in 1 of 1 instance"
	refute_output --partial "a spare"
	has_written bot:0 "bot 2"
	run -0 oxctl reload bot
	refute_output --partial "a spare"
	run -0 oxctl rollback bot
	eventually 5 has_written bot:0 "bot 1"
	[ ! -e met ]
}

@test "a single app that fails when it is replaced in place goes back to what it was" {
	bot 1
	oxctl start --wait 3>&-
	bot bad
	run -1 oxctl deploy
	assert_output --partial "bot: revision 2 is not deployed: bot:0: ended with exit code 1"
	assert_output --partial "    RuntimeError: no token"
	field_is bot:0 revision 1
	state_is bot:0 running
	[ ! -e met ]
}

@test "a written deploy.surge is obeyed, and a spare that fails names it" {
	bot 1 "surge = 1"
	oxctl start --wait 3>&-
	before=$(pid_of bot:0)
	bot 2 "surge = 1"
	run -1 oxctl deploy
	assert_output --partial "bot:1 (a spare): ended with exit code 1"
	assert_output --partial "    bot.lock is held by another bot"
	assert_output --partial "where only one may run at a time, deploy.surge = 0 replaces in place"
	assert_equal "$(pid_of bot:0)" "$before"
}

# single KEY VALUE: a web server that listens on the PORT it is given, and a worker that shares its .env file.
single() {
	port=${port-$(port_block 4)}
	echo "PORT=$port" >.env
	cat >oxfile.toml <<-TOML
		[processes.web]
		command = ["python3", "-c", "import os, http.server as h; h.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), h.SimpleHTTPRequestHandler).serve_forever()"]
		env_file = ".env"
		env = { VERSION = "$1" }
		deploy = { min_healthy_secs = 0.2, fail_timeout_secs = 0 }
		[processes.worker]
		command = "mkdir busy || touch met; trap 'rmdir busy; exit 0' TERM; while :; do sleep 0.05; done"
		env_file = ".env"
		env = { VERSION = "$1" }
		deploy = { min_healthy_secs = 0.2 }
	TOML
}

@test "who listens on the PORT of its env file is deployed beside a spare, and who only shares that file in place" {
	single 1
	oxctl start --wait 3>&-
	single 2
	run -0 oxctl deploy
	assert_output --partial "web:1 (a spare): done"
	assert_output --partial "web: revision 2 runs in 1 of 1 instance"
	refute_output --partial "worker:1"
	assert_output --partial "worker: revision 2 runs in 1 of 1 instance"
	[ ! -e met ]
}

@test "a job that is still running is not begun a second time by a deploy" {
	job() {
		cat >oxfile.toml <<-TOML
			[processes.job]
			command = "mkdir busy.\$OXHERD_INSTANCE || touch met; trap 'rmdir busy.\$OXHERD_INSTANCE; exit 0' TERM; echo began $1; while :; do sleep 0.05; done"
			instances = 2
			restart = "never"
			deploy = { min_healthy_secs = 0 }
		TOML
	}
	job 1
	oxctl start --wait 3>&-
	job 2
	run -0 oxctl deploy
	refute_output --partial "a spare"
	eventually 5 has_written job:1 "began 2"
	[ ! -e met ]
	[ ! -e busy.2 ]
}

@test "deploy.pre and deploy.post run for a deploy and a reload of what runs, and not for a start" {
	app() {
		cat >oxfile.toml <<-TOML
			[processes.app]
			command = "sleep $1"
			deploy = { pre = "echo pre >>hooks", post = "echo post >>hooks", min_healthy_secs = 0 }
		TOML
	}
	app 1001
	oxctl start --wait 3>&-
	oxctl restart app
	[ ! -e hooks ]
	oxctl deploy
	[ ! -e hooks ]
	app 1002
	oxctl deploy
	oxctl reload app
	assert_equal "$(xargs <hooks)" "pre post pre post"
	oxctl rollback app
	assert_equal "$(xargs <hooks)" "pre post pre post post"
	oxctl stop app
	app 1003
	oxctl deploy
	oxctl start app --wait
	assert_equal "$(xargs <hooks)" "pre post pre post post"
}
