# What `oxctl start` asks for, and what it says about the answer.
load ../lib/common
load fake

STARTED='{ "apps": [
	{ "name": "api", "instances": 4, "started": 4, "port": 3000, "ports": [3000, 3001, 3002, 3003], "state": "started" },
	{ "name": "odd", "instances": 3, "started": 3, "port": 80, "ports": [80, 90, 91], "state": "started" },
	{ "name": "one", "instances": 1, "started": 1, "port": null, "ports": [], "state": "started" },
	{ "name": "shared", "instances": 2, "started": 2, "port": 443, "ports": [443, 443], "state": "started" },
	{ "name": "some", "instances": 4, "started": 1, "port": null, "ports": [], "state": "started" },
	{ "name": "up", "instances": 2, "started": 0, "port": null, "ports": [], "state": "unchanged" },
	{ "name": "half", "instances": 2, "started": 0, "running": 1, "port": null, "ports": [], "state": "unchanged" },
	{ "name": "none", "instances": 1, "started": 0, "running": 0, "port": null, "ports": [], "state": "unchanged" },
	{ "name": "all", "instances": 1, "started": 0, "running": 1, "port": null, "ports": [], "state": "unchanged" },
	{ "name": "new", "instances": 2, "started": 0, "port": null, "ports": [], "state": "changed" },
	{ "name": "off", "instances": 0, "started": 0, "port": null, "ports": [], "state": "disabled" } ],
	"notes": [ "the oxfile has changed; '"'oxctl deploy'"' applies it" ] }'

given_api() {
	given_oxfile "${1:-oxfile.toml}" <<<'processes.api.command = "sleep 1"'
}

@test "start says per app what was started, and notes go to stderr" {
	given_api
	fake_daemon <<<"{ \"apply\": { \"result\": $STARTED } }"
	run -0 --separate-stderr oxctl start
	assert_equal "$output" "api: 4 instances started on 3000-3003
odd: 3 instances started on 80, 90-91
one: 1 instance started
shared: 2 instances started on 443
some: 1 of 4 instances started
up: already running
half: already started, 1 of 2 instances run
none: already started, 0 of 1 instance runs
all: already running
new: already running, as defined before
off: disabled"
	assert_equal "$stderr" "oxctl: the oxfile has changed; 'oxctl deploy' applies it"
	run -0 --separate-stderr oxctl start --json
	is_json "$output"
}

@test "the oxfile is read here and sent whole, with its folder, the caller's environment, umask and limits" {
	mkdir -p deep
	given_api deep/my.toml
	ln -s deep link
	fake_daemon <<<"{ \"apply\": { \"result\": $STARTED } }"
	umask 027
	ulimit -n 300
	A='ü="#' EMPTY='' run -0 oxctl start -c link/my.toml --env prod --only api,worker --wait --timeout 1500ms third
	asked 'a[0]["method"] == "apply"'
	# By the name that was typed, the link in it left.
	asked 'p["oxfile"] == os.path.abspath("link/my.toml") and p["folder"] == os.path.abspath("link")'
	asked 'p["text"] == open("deep/my.toml").read()'
	asked 'p["env"]["A"] == "ü=\"#" and p["env"]["EMPTY"] == "" and p["env"]["HOME"] == os.environ["HOME"]'
	asked 'p["umask"] == 0o27 and p["profile"] == "prod" and p["wait"] is True and p["timeout_ms"] == 1500'
	asked 'p["only"] == ["third", "api", "worker"]'
	asked 'p["rlimits"]["nofile"] == "300:300" and len(p["rlimits"]) == 16'
	asked 'set(p) == {"oxfile", "folder", "text", "env", "umask", "rlimits", "profile", "wait", "timeout_ms", "only"}'
}

@test "an oxfile is known by its path as it was named: dots are taken out, links stay" {
	mkdir -p rel/1 other
	given_api rel/1/oxfile.toml
	given_api oxfile.toml
	ln -s rel/1 current
	here=$PWD
	# knows OXFILE FOLDER [NAME=VALUE…] oxctl …: told in that folder, it is known so.
	knows() {
		fake_daemon <<<"{ \"apply\": { \"result\": $STARTED } }"
		run -0 env -C "$2" "${@:3}"
		asked "p[\"oxfile\"] == \"$here/$1\" and p[\"folder\"] == os.path.dirname(\"$here/$1\")"
	}
	knows current/oxfile.toml . oxctl start -c ./other/../current//oxfile.toml
	# The shell's own name for a folder, while that is true.
	knows current/oxfile.toml current PWD="$here/current" oxctl start
	knows rel/1/oxfile.toml current PWD="$here/other" oxctl start
	knows rel/1/oxfile.toml current -u PWD oxctl start
	# What the kernel opens counts where taking out the dots leads elsewhere.
	mv oxfile.toml rel/oxfile.toml
	knows rel/oxfile.toml current PWD="$here/current" oxctl start -c ../oxfile.toml
}

@test "an environment that is no UTF-8 or names things twice does no harm" {
	given_api
	fake_daemon <<<"{ \"apply\": { \"result\": $STARTED } }"
	python3 - <<-'PY'
		import ctypes, os
		path = os.environ["OXHERD_BUILD"] + "/oxctl"
		env = [b"A=1", b"A=2", b"B=\xff", b"\xfe=3", b"=x", b"junk", b"LINES=a\nb\x1b"]
		env += [("%s=%s" % (k, os.environ[k])).encode() for k in ("OXHERD_HOME", "HOME", "PATH")]
		env += [k.encode() + b"=" + os.environb[k.encode()] for k in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if k in os.environ]
		if os.fork() == 0:
		    execve = ctypes.CDLL(None).execve
		    execve(path.encode(), (ctypes.c_char_p * 3)(b"oxctl", b"start", None), (ctypes.c_char_p * (len(env) + 1))(*env, None))
		    os._exit(99)
		assert os.wait()[1] == 0
	PY
	asked 'p["env"]["A"] == "1" and p["env"]["B"] == "\ufffd" and p["env"]["LINES"] == "a\nb\x1b"'
	asked '"junk" not in p["env"] and "" not in p["env"] and len([k for k in p["env"] if "\ufffd" in k]) == 0'
}

@test "a long oxfile is left to the daemon to read" {
	given_api
	yes '# a comment, and another one' | head -c 500000 >>oxfile.toml
	fake_daemon <<<"{ \"apply\": { \"result\": $STARTED } }"
	run -0 oxctl start
	asked '"text" not in p and p["oxfile"] == os.path.realpath("oxfile.toml")'
}

@test "mistakes that the daemon finds are shown as validate shows them, under the name that was typed, exit 2" {
	given_api
	fake_daemon <<-JSON
		{ "apply": { "error": { "code": -32003, "message": "the oxfile has mistakes", "data": [
			{ "file": "$PWD/oxfile.toml", "line": 7, "column": 12, "text": "unknown key 'comand'", "hint": "did you mean 'command'?",
			  "quote": "api = { x = comand = 5 }", "warning": false },
			{ "file": "/other.toml", "line": 0, "column": 0, "text": "port 3000 is taken", "hint": null, "quote": null } ] } } }
	JSON
	run -2 --separate-stderr oxctl start
	assert_equal "$output" ""
	assert_equal "$stderr" "/other.toml: port 3000 is taken
oxfile.toml:7:12: unknown key 'comand'
    7 | api = { x = comand = 5 }
      |            ^
      = did you mean 'command'?"
	run -2 oxctl start --json
}

@test "each failure has its exit code and its words" {
	given_api
	fake_daemon <<-'JSON'
		{ "apply": [
			{ "error": { "code": -32000, "message": "api:0 failed: exit code 1\nError: no\u001b[2J" } },
			{ "error": { "code": -32001, "message": "there is no app 'x'" } },
			{ "error": { "code": -32002, "message": "timed out after 3 s" } },
			{ "error": { "code": -32003, "message": "the oxfile has mistakes" } },
			{ "error": { "code": -32602, "message": "apply: 'only' is to be an array of strings" } },
			{ "error": { "code": -1, "message": "who knows" } },
			{ "silent": true, "close": true } ],
		  "version": { "result": { "once": true } } }
	JSON
	run -1 oxctl start
	assert_output "oxctl: api:0 failed: exit code 1
Error: no?[2J"
	run -4 oxctl start
	assert_output "oxctl: there is no app 'x'"
	run -5 oxctl start --wait
	run -2 oxctl start
	run -2 oxctl start
	run -1 oxctl start
	run -3 oxctl start
	assert_output --partial "closed the connection"
}

@test "dry run asks the daemon that is there" {
	given_api
	fake_daemon <<<'{ "apply": { "result": { "would_start": [ { "name": "api", "instances": 2 }, { "name": "worker", "instances": 1 } ] } } }'
	run -0 oxctl start --dry-run
	assert_output "Would start: api (×2 instances), worker"
	asked 'p["dry_run"] is True'
}

@test "a command becomes an app, options behind -- belong to it" {
	fake_daemon <<<'{ "start": { "result": { "apps": [ { "name": "web", "instances": 2, "started": 2, "port": 8080, "ports": [8080, 8081], "state": "started" } ] } } }'
	X=y run -0 oxctl start web -i 2 --port 8080 -- node server.js --port 1 -i -- x
	assert_output "web: 2 instances started on 8080-8081"
	asked 'a[0]["method"] == "start" and p["name"] == "web" and p["instances"] == 2 and p["port"] == 8080'
	asked 'p["argv"] == ["node", "server.js", "--port", "1", "-i", "--", "x"]'
	asked 'p["cwd"] == os.getcwd() and p["env"]["X"] == "y" and "umask" in p and "targets" not in p'
	run -0 oxctl start web -i max -- sleep 1
	asked 'p["instances"] == "max" and "port" not in p'
}

@test "without an oxfile here, start means what the daemon knows" {
	fake_daemon <<<'{ "start": [ { "result": { "apps": [ { "name": "api", "instances": 2 } ] } }, { "result": { "apps": [] } } ] }'
	run -0 oxctl start api worker --wait
	assert_output "api: started"
	asked 'p == {"targets": ["api", "worker"], "wait": True}'
	run -2 oxctl start
	assert_output "oxctl: no oxfile.toml here; use --config FILE, or run a command directly: oxctl start NAME -- COMMAND"
	asked 'p == {}'
}

@test "a target that the oxfile here does not have is looked for among what the daemon knows" {
	given_api
	fake_daemon <<-'JSON'
		{ "apply": { "error": { "code": -32001, "message": "there is no app 'db' in this oxfile" } },
		  "start": [ { "result": { "apps": [ { "name": "db", "instances": 1 } ] } },
			{ "error": { "code": -32001, "message": "nor there" } },
			{ "error": { "code": -32000, "message": "db:0 failed" } } ] }
	JSON
	run -0 oxctl start db
	assert_output "db: started"
	asked '[r["method"] for r in a] == ["apply", "start"] and p == {"targets": ["db"]}'
	run -4 oxctl start db
	assert_output "oxctl: there is no app 'db' in this oxfile"
	run -1 oxctl start db
	assert_output "oxctl: db:0 failed"
	run -4 oxctl start db --env prod
	asked 'a[-1]["method"] == "apply"'
}
