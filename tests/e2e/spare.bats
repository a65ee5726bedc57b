#!/usr/bin/env bats
# Who is replaced beside a spare and who in place, with programs of which there may be only one.
load ../lib/daemon

# bot VERSION [LINES OF [.deploy]]: holds a lock for as long as it lives, and says so in a file when it cannot have it.
bot() {
	# Written once: a rollback goes back to the files too.
	[ -e bot.py ] || cat >bot.py <<-'PY'
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
		os.write(int(os.environ['NOTIFY_FD']), b'\n')
		time.sleep(1000)
	PY
	cat >oxfile.toml <<-TOML
		[processes.bot]
		command = ["python3", "bot.py"]
		ready = "notify-fd"
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
	eventually 10 curl -s "http://127.0.0.1:$port/" >/dev/null
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

# node_app MODULE: three web servers that need a module.
node_app() {
	port=${port-$(port_block 8)}
	cat >server.js <<-JS
		require('$1');
		require('http').createServer((q, a) => a.end()).listen(+process.env.PORT);
	JS
	cat >oxfile.toml <<-TOML
		[processes.api]
		command = "node server.js"
		instances = 2
		port = $port
		env = { V = "$1" }
		deploy = { min_healthy_secs = 0, fail_timeout_secs = 0${2-} }
	TOML
}

@test "the message of a failed deploy begins with the first line of the stack trace, and logs and why know the spare for an hour" {
	node_app http
	oxctl start --wait 3>&-
	node_app ./nope.js
	run -1 oxctl deploy
	assert_output --partial "    Error: Cannot find module './nope.js'"
	assert_output --partial "    Require stack:"
	assert_output --partial "      code: 'MODULE_NOT_FOUND',"
	assert_output --partial "The spare ran beside the old instances"
	run oxctl status api
	refute_output --partial "api:2"
	known() {
		run -0 oxctl logs api
		assert_output --partial "[api:2]"
		assert_output --partial "Cannot find module './nope.js'"
		run -0 oxctl logs api:2
		assert_output --partial "Cannot find module './nope.js'"
		run -0 oxctl why api
		assert_output --regexp "api:2 \(a spare\): removed (a moment|[0-9.]+ s) ago"
		assert_output --partial "| Error: Cannot find module './nope.js'"
		run -0 oxctl why api:2
		assert_output --partial "exit code 1"
	}
	known
	kill -9 "$(brain_pid)"
	eventually 5 state_is api:0 running
	known
}

@test "Ctrl-C during a deploy says that it continues, and how to watch or abort it" {
	node_app http
	oxctl start --wait 3>&-
	node_app url ", min_healthy_secs = 1"
	sed -i 's/min_healthy_secs = 0, //' oxfile.toml
	python3 - >out 2>&1 <<-'PY'
		import signal, subprocess, time
		p = subprocess.Popen(["oxctl", "deploy"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
		                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
		p.stdout.readline()
		p.send_signal(signal.SIGINT)
		print(p.communicate()[1], "code", p.returncode)
	PY
	run cat out
	assert_output --partial "oxctl: interrupted; the deploy continues; 'oxctl status --watch' shows it, 'oxctl deploy --abort' goes back"
	assert_output --partial "code 130"
	run oxctl status
	assert_output --partial "api: deploy of revision 2 in progress"
	eventually 20 at_least api:1 revision 2
}
