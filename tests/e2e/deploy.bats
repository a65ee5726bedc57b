# Rolling deploys with a real program: what a good build may not cost, what a bad one may not touch, and everything that people do in
# the middle of one.
load ../lib/daemon
load ../lib/front

setup() {
	daemon_place
	port=$(port_block 16)
	cat >server.js <<-'JS'
		const http = require('http');
		const mode = process.env.MODE || '';
		const port = +process.env.PORT;
		const isSpare = port >= +process.env.SPARES_FROM;
		if (mode === 'throws' || (mode === 'picky' && !isSpare)) throw new Error('no such table: users');
		const server = http.createServer((question, answer) => {
			answer.statusCode = mode === 'sick' ? 500 : 200;
			answer.end(`${process.env.VERSION}\n`);
		});
		server.keepAliveTimeout = 60000;
		setTimeout(() => server.listen(port, '127.0.0.1', () => {
			if (mode === 'frail') setTimeout(() => { console.error('out of luck'); process.exit(3); }, 1000);
		}), mode === 'late' ? 60000 : 0);
		process.on('SIGTERM', () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
	JS
}

teardown() {
	nginx_down
	stop_oxherd
}

# write_oxfile VERSION [MODE [LINES OF [.deploy] [COUNT]]]: three instances, and a worker that never changes.
write_oxfile() {
	cat >oxfile.toml <<-TOML
		[processes.api]
		command = "node server.js"
		instances = ${4:-3}
		port = $port
		ready_timeout_secs = 5
		[processes.api.env]
		VERSION = "$1"
		MODE = "${2-}"
		SPARES_FROM = "$((port + ${4:-3}))"
		[processes.api.health]
		endpoint = "http://127.0.0.1/"
		interval_secs = 0.2
		[processes.api.deploy]
		min_healthy_secs = ${healthy:-0.3}
		drain_secs = 5
		fail_timeout_secs = ${pace:-0}
		${3-}
		${front_keys-}
		[processes.worker]
		command = "sleep 1000"
	TOML
}

begin() {
	write_oxfile 1 "" "${1-}"
	oxctl start --wait 3>&- >/dev/null
	old=$(pids api)
}

# ends_with CODE PID: a command in the background ends so.
ends_with() {
	local code=0

	wait "$2" || code=$?
	assert_equal "$code" "$1"
}

# Everybody runs this revision, nobody else is there, and as many as wanted.
settled_on() {
	local i
	for i in 0 1 2; do
		field_is "api:$i" revision "$1" && state_is "api:$i" running || return 1
		[ "$(port_of "api:$i")" = "$((port + i))" ] || return 1
	done
	[ "$(oxctl status api --json | grep -c '"id"')" = "${2:-3}" ]
}

versions() {
	local i
	for i in 0 1 2; do
		curl -s "http://127.0.0.1:$((port + i))/"
	done | sort -u | xargs
}

# Until a file says stop: the least number of ready instances that any look at status saw.
watch_capacity() {
	while [ ! -e enough ]; do
		app_field api ready
	done >seen_ready
}

@test "a good deploy replaces every instance on its port, and at least as many as wanted are ready all the time" {
	begin
	worker=$(pid_of worker:0)
	watch_capacity 3>&- &
	write_oxfile 2
	run -0 oxctl deploy
	touch enough
	wait
	assert_output --partial "api:3 (a spare): checking"
	assert_output --partial "worker: unchanged"
	assert_output --regexp 'api: revision 2 runs in 3 of 3 instances \([0-9.]+ s\)'
	[ "$(sort -n seen_ready | head -1)" -ge 3 ]
	settled_on 2
	assert_equal "$(versions)" 2
	assert_equal "$(pid_of worker:0)" "$worker"
}

@test "with ports and nobody who keeps an upstream true, slots keep the pace of fail_timeout_secs" {
	pace=2
	begin
	write_oxfile 2
	# Each of the three is waited for at least (2 s + 1 s) / 2.
	took 4500 60000 oxctl deploy api
	settled_on 2
}

@test "workers that listen on none of their ports keep no pace" {
	workers() {
		cat >oxfile.toml <<-TOML
			[processes.jobs]
			command = "sleep $1"
			instances = 3
			[processes.jobs.deploy]
			min_healthy_secs = 0.1
			fail_timeout_secs = 100
		TOML
	}
	workers 1000
	oxctl start --wait 3>&- >/dev/null
	workers 2000
	# With one it would take more than 150 s.
	took 0 60000 oxctl deploy jobs
	field_is jobs:2 revision 2
}

@test "a job that is done is deployed after its pre hook, and runs once, by the new revision" {
	job() {
		cat >oxfile.toml <<-TOML
			[processes.job]
			command = "sh -c 'echo $1 >>ran'"
			restart = "never"
			[processes.job.deploy]
			min_healthy_secs = 0.1
			pre = "echo pre >>ran"
		TOML
	}
	job one
	oxctl start 3>&- >/dev/null
	eventually 10 state_is job:0 finished
	job two
	run -0 oxctl deploy job
	assert_equal "$(xargs <ran)" "one pre two"
}

@test "an identical oxfile is no deploy, unless it is forced; a reload rolls it" {
	begin
	run -0 oxctl deploy
	assert_output "api: unchanged (definition, node, server.js); use 'oxctl reload api' to restart it anyway
worker: unchanged (definition, sleep); use 'oxctl reload worker' to restart it anyway"
	assert_equal "$(pids api)" "$old"
	run -0 oxctl deploy api --force
	assert_output --partial "api: revision 2 runs in 3 of 3 instances"
	settled_on 2
	run -0 oxctl reload api
	assert_output --partial "api: revision 3 runs in 3 of 3 instances"
	settled_on 3
}

# bad_build MODE WORDS…: it fails with each of the words in its message, and the old processes are the same.
bad_build() {
	write_oxfile 2 "$1"
	run -1 oxctl deploy api
	for words in "${@:2}"; do
		assert_output --partial "$words"
	done
	assert_output --partial "nothing was touched, 3 of 3 instances run revision 1"
	assert_equal "$(pids api)" "$old"
	assert_equal "$(versions)" 1
	eventually 5 settled_on 1
}

@test "a build that throws at start touches nothing, and its stack trace is in the message" {
	begin
	bad_build throws "api:3 (a spare): ended with exit code 1" "Error: no such table: users" "server.js:5"
}

@test "a build that answers 500 touches nothing" {
	begin
	bad_build sick "api:3 (a spare): not ready within 5 s" "500"
}

@test "a build that needs a minute under a timeout of five seconds is never promoted" {
	begin
	bad_build late "api:3 (a spare): not ready within 5 s"
}

@test "a build that dies one second after it was healthy touches nothing, and its last lines are shown" {
	healthy=2
	begin
	bad_build frail "api:3 (a spare): ended with exit code 3" "out of luck"
}

@test "a build that is well in the spare and not in a real slot goes back to the old one" {
	begin
	watch_capacity 3>&- &
	write_oxfile 2 picky
	run -1 oxctl deploy api
	touch enough
	wait
	assert_output --partial "api:0: ended with exit code 1"
	assert_output --partial "no such table: users"
	assert_output --partial "it went back, 3 of 3 instances run revision 1"
	[ "$(sort -n seen_ready | head -1)" -ge 3 ]
	eventually 5 settled_on 1
	assert_equal "$(versions)" 1
	assert_equal "$(pids api | tail -n 2)" "$(tail -n 2 <<<"$old")"
}

@test "with rollback = false a failed deploy halts, and --abort rolls it back" {
	begin "rollback = false"
	write_oxfile 2 picky "rollback = false"
	run -1 oxctl deploy api
	assert_output --partial "rollback is off, so it stands still"
	assert_equal "$(app_field api phase)" halted
	run -0 oxctl deploy --abort api
	eventually 5 settled_on 1
}

@test "what an oxfile changes is all that a deploy changes: no process for what needs none, a stop for what is gone" {
	begin
	write_oxfile 1 "" "" 4
	sed -i '/SPARES_FROM/d; s/^ready_timeout_secs.*/&\nmax_restarts = 7/' oxfile.toml
	write_oxfile 1
	sed -i 's/^ready_timeout_secs.*/&\nmax_restarts = 7/' oxfile.toml
	run -0 oxctl deploy
	assert_output --partial "api: changed in place"
	assert_equal "$(pids api)" "$old"
	sed -i '/processes.worker/,$d' oxfile.toml
	run -0 oxctl deploy
	assert_output --partial "worker: removed"
	assert_equal "$(pids api)" "$old"
	run -4 oxctl status worker
}

@test "a deploy during a deploy replaces it, and ends with the newest revision only" {
	begin
	write_oxfile 2
	oxctl deploy api >first 2>&1 3>&- &
	first=$!
	eventually 10 field_is api:0 revision 2
	write_oxfile 3
	run -0 oxctl deploy api
	assert_output --partial "api: revision 3 runs in 3 of 3 instances"
	ends_with 1 "$first"
	grep -q "revision 2 was overtaken by revision 3" first
	settled_on 3
	assert_equal "$(versions)" 3
}

@test "scale, a crash and a restart in the middle of a deploy: the right count, one revision, no spare left" {
	begin
	write_oxfile 2
	oxctl deploy api >out 2>&1 3>&- &
	deploy=$!
	eventually 10 field_is api:0 revision 2
	oxctl scale api 4
	kill -KILL "$(pid_of api:2)"
	oxctl restart api:2
	wait "$deploy"
	eventually 10 settled_on 2 4
	assert_equal "$(port_of api:3)" $((port + 3))
	assert_equal "$(versions)" 2
}

@test "an app that is stopped in the middle of a deploy stays stopped, and starts by the new revision" {
	begin
	write_oxfile 2
	oxctl deploy api >out 2>&1 3>&- &
	deploy=$!
	eventually 10 field_is api:0 revision 2
	oxctl stop api
	ends_with 1 "$deploy"
	grep -q "was stopped while it was deployed" out
	state_is api:0 stopped
	assert_equal "$(oxctl status api --json | grep -c '"id"')" 3
	oxctl start api --wait
	settled_on 2
}

@test "a deploy and its oxctl continue when the brain is killed in the middle" {
	begin
	write_oxfile 2
	oxctl deploy api >out 2>&1 3>&- &
	deploy=$!
	for step in "api:3 (a spare): starting" "api:0: starting" "api:2: starting"; do
		eventually 20 grep -qF "$step" out
		kill -KILL "$(brain_pid)"
	done
	wait "$deploy"
	grep -q "api: revision 2 runs in 3 of 3 instances" out
	settled_on 2
	assert_equal "$(versions)" 2
	assert_equal "$(oxctl daemon status --json | json_field brain_restarts)" 3
}

@test "hooks stand at both ends: one that fails or hangs in front leaves all as it is, and nobody else waits" {
	begin
	write_oxfile 2 "" 'pre = "echo cannot migrate; exit 4"'
	run -1 oxctl deploy api
	assert_output --partial "the pre hook failed"
	assert_output --partial "cannot migrate"
	assert_equal "$(pids api)" "$old"
	write_oxfile 2 "" "$(printf 'pre = "sleep 1000"\nhook_timeout_secs = 1')"
	oxctl deploy api >out 2>&1 3>&- &
	deploy=$!
	eventually 5 grep -q "running the pre hook" out
	oxctl restart worker --wait
	ends_with 1 "$deploy"
	grep -q "no end within 1 s" out
	assert_equal "$(pids api)" "$old"
	write_oxfile 2 "" "$(printf 'pre = "echo $OXHERD_APP $VERSION $OXHERD_REVISION >pre"\npost = "touch post"')"
	run -0 oxctl deploy api
	assert_equal "$(cat pre)" "api 2 4"
	[ -e post ]
	settled_on 4
}

@test "a canary waits for --continue or --abort" {
	begin "canary = 1"
	write_oxfile 2 "" "canary = 1"
	run -0 oxctl deploy api
	assert_output --partial "api: deploy paused: 1 of 3 instances run revision 2; 'oxctl deploy --continue api' replaces the others"
	assert_equal "$(app_field api phase)" paused
	run -0 oxctl status
	assert_line "api: deploy paused after 1 of 3 instances; 'oxctl deploy --continue api' or '--abort api'"
	run -0 oxctl deploy --continue api
	settled_on 2
	write_oxfile 3 "" "canary = 1"
	oxctl deploy api
	run -0 oxctl deploy --abort api
	assert_output --partial "revision 3: aborted; rolling back"
	assert_output --partial "api: aborted: revision 3 is not deployed; it went back, 3 of 3 instances run revision 2"
	settled_on 2
	run -1 oxctl deploy --abort api
	assert_output --partial "api: no deploy in progress"
}

@test "rollback brings the revision before back, and says so where there is none" {
	begin
	run -1 oxctl rollback api
	assert_output --partial "'api' has no earlier revision to go back to"
	write_oxfile 2
	oxctl deploy api
	run -0 oxctl rollback api
	assert_output --partial "api: revision 1 runs in 3 of 3 instances"
	settled_on 1
	assert_equal "$(versions)" 1
}

@test "SIGHUP deploys what stands in the oxfile, SIGUSR2 reloads, and a mistake touches nothing" {
	begin
	write_oxfile 2
	kill -HUP "$(keeper_pid)"
	eventually 20 settled_on 2
	kill -USR2 "$(keeper_pid)"
	eventually 20 settled_on 3
	echo "nonsense = 1" >>oxfile.toml
	old=$(pids api)
	expect_error "nothing is touched"
	expect_error "oxfile.toml:"
	kill -HUP "$(keeper_pid)"
	eventually 5 is_logged "the deploy does not begin, and nothing is touched"
	assert_equal "$(pids api)" "$old"
}

@test "one bad app in the oxfile, a wrong name or too little time: the right exit code, and nothing is touched" {
	begin
	write_oxfile 2
	echo "nonsense = 1" >>oxfile.toml
	run -2 oxctl deploy
	assert_output --partial "nonsense"
	write_oxfile 2
	run -4 oxctl deploy nobody
	run -2 oxctl deploy --abort
	assert_equal "$(pids api)" "$old"
	run -5 oxctl deploy api --timeout 100ms
	eventually 20 settled_on 2
}

@test "why a deploy failed is data: a code, what runs now, the cause below, and the last lines" {
	healthy=2
	begin
	write_oxfile 2 frail
	run -1 --separate-stderr oxctl deploy api --json
	python3 - "${lines[-1]}" <<-'PY'
		import json, sys
		end = json.loads(sys.argv[1])
		[result] = end["results"]
		assert result["app"] == "api" and not result["ok"] and result["lines"] == ["out of luck"], result
		reason = result["reason"]
		assert reason["code"] == "not_deployed" and reason["stands"] == "untouched", reason
		assert reason["revision"] == 2 and reason["current_revision"] == 1, reason
		assert reason["running"] == reason["count"] == 3, reason
		failed = reason["cause"]
		assert failed["code"] == "instance_failed" and failed["spare"] and failed["instance"] == "api:3", failed
		assert end["verdict"].startswith(reason["text"] + "\n    out of luck\n"), end
	PY
}

@test "what a deploy still waits for at its timeout is data too" {
	begin
	write_oxfile 2
	run -5 --separate-stderr oxctl deploy api --json --timeout 100ms
	python3 - "${lines[-1]}" <<-'PY'
		import json, sys
		end = json.loads(sys.argv[1])
		[result] = end["results"]
		assert result["app"] == "api" and not result["ok"] and result["lines"] == [], result
		reason = result["reason"]
		assert reason["code"] == "deploy_continues" and reason["app"] == "api", reason
		assert end["verdict"] == "timed out after 100 ms: %s. See 'oxctl why api'" % reason["text"], end
	PY
	eventually 20 settled_on 2
}

@test "progress is an object a line with --json, and a picture with a bar on a terminal" {
	begin
	write_oxfile 2
	oxctl deploy api --json >out
	python3 - <<-'PY'
		import json
		lines = [json.loads(line) for line in open("out")]
		assert lines[-1]["ok"] and "revision 2 runs" in lines[-1]["verdict"], lines[-1]
		[result] = lines[-1]["results"]
		assert result["app"] == "api" and result["ok"] and result["lines"] == [], result
		reason = result["reason"]
		assert reason["code"] == "deployed" and reason["revision"] == 2, reason
		assert reason["running"] == reason["count"] == 3 and reason["text"] == lines[-1]["verdict"], reason
		steps = {l["step"] for l in lines[:-1] if l["kind"] == "rollout" and l["instance"] is not None}
		assert {"starts", "proves", "done", "stops", "gone"} <= steps, steps
	PY
	script -qc "oxctl reload api" picture >/dev/null 3>&-
	grep -qF '[####' <(sed 's/\x1b\[[0-9;]*[a-zA-Z]//g' picture)
	grep -qF 'api: revision 3 runs in 3 of 3 instances' picture
}

@test "deploys behind nginx lose no request, with the brain killed in the middle of one" {
	front=$((port + 15))
	nginx_up "$front" api "$PWD/upstream.conf"
	front_keys="[processes.api.nginx]
$(nginx_keys)"
	begin
	eventually 5 grep -q "$port" upstream.conf
	eventually 5 curl -sf "http://127.0.0.1:$front/"
	crowd_up "http://127.0.0.1:$front/"
	write_oxfile 2
	oxctl deploy api
	write_oxfile 3
	oxctl deploy api >out 2>&1 3>&- &
	deploy=$!
	eventually 20 field_is api:0 revision 3
	kill -KILL "$(brain_pid)"
	wait "$deploy"
	crowd_down
	none_failed
	settled_on 3
}

@test "an upstream that cannot be changed ends a deploy before anything is stopped" {
	front=$((port + 15))
	nginx_up "$front" api "$PWD/upstream.conf"
	front_keys="[processes.api.nginx]
$(nginx_keys | sed 's/^test = .*/test = "test ! -e broken"/')"
	begin
	eventually 5 grep -q "$port" upstream.conf
	touch broken
	write_oxfile 2
	# No proxy ever heard of the spare: it is not kept for the minute that one may need to forget it.
	run -1 timeout 40 oxctl deploy api
	assert_output --partial "its upstream could not be changed"
	assert_output --partial "it went back, 3 of 3 instances run revision 1"
	assert_equal "$(pids api)" "$old"
	settled_on 1
}
