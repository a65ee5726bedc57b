# What oxctl deploy, reload and rollback make of the daemon's answers.
load ../lib/common
load fake

# answer DID RESULTS VERDICT: of a deploy of three apps, of which each name begins another one's, or a word.
answer() {
	printf '{ "deploy": { "result": { "apps": [ { "name": "api", "did": "%s" }, { "name": "api-next", "did": "rolled" }, { "name": "rev", "did": "unchanged" } ], "notes": [], "verdict": "%s"%s } } }' "$1" "$3" "$2"
}

ended() {
	printf '{ "app": "%s", "ok": true, "reason": { "code": "deployed", "app": "%s", "text": "%s" }, "lines": [] }' "$1" "$1" "$2"
}

@test "each app is named once, also where its name begins another one's" {
	fake_daemon <<<"$(answer rolled ", \"results\": [ $(ended api-next x) ]" "api-next: revision 2 runs in 1 of 1 instance (0.1 s)")"
	run -0 oxctl deploy --all
	assert_output - <<-'EOF'
		api: does not run; the next start uses the new definition
		rev: unchanged
		api-next: revision 2 runs in 1 of 1 instance (0.1 s)
	EOF
}

@test "no name is looked for in a verdict: what it quotes may begin as an app is called" {
	fake_daemon <<<"$(answer changed ", \"results\": [ $(ended api-next x) ]" 'api-next: revision 2 is not deployed: it failed\n    x\nrev: x\napi: x')"
	run -0 oxctl deploy --all
	assert_output - <<-'EOF'
		api: changed in place
		rev: unchanged
		api-next: revision 2 is not deployed: it failed
		    x
		rev: x
		api: x
	EOF
}

@test "an instance that failed is no verdict about its app" {
	fake_daemon <<<"$(answer added ', "results": [ { "app": "api", "instance": 0, "ok": true, "reason": { "code": "was_stopped", "text": "api:0 was stopped" }, "lines": [] } ]' "api:0 was stopped")"
	run -0 oxctl deploy --all
	assert_output - <<-'EOF'
		api: added
		api-next: does not run; the next start uses the new definition
		rev: unchanged
		api:0 was stopped
	EOF
}

@test "a daemon of an earlier version, which has the verdict alone, gets it printed whole" {
	fake_daemon <<<"$(answer rolled "" 'api: revision 2 runs in 1 of 1 instance (0.1 s)\napi-next: revision 5 runs in 1 of 1 instance (0.1 s)')"
	run -0 oxctl deploy --all
	assert_output - <<-'EOF'
		rev: unchanged
		api: revision 2 runs in 1 of 1 instance (0.1 s)
		api-next: revision 5 runs in 1 of 1 instance (0.1 s)
	EOF
	fake_daemon <<<"$(answer rolled "" "")"
	run -0 oxctl deploy --all
	assert_output - <<-'EOF'
		api: does not run; the next start uses the new definition
		api-next: does not run; the next start uses the new definition
		rev: unchanged
	EOF
}

@test "with --json the end has the results, also of a deploy that failed" {
	fake_daemon <<-'JSON'
		{ "reload": { "error": { "code": -32000, "message": "api: revision 2 is not deployed: it failed",
		  "data": { "results": [ { "app": "api", "ok": false, "reason": { "code": "not_deployed", "text": "x" }, "lines": [] } ] } } } }
	JSON
	run -1 --separate-stderr oxctl reload api --json
	python3 - "$output" <<-'PY'
		import json, sys
		end = json.loads(sys.argv[1])
		assert end["ok"] is False and end["verdict"] == "api: revision 2 is not deployed: it failed", end
		assert end["results"][0]["reason"]["code"] == "not_deployed", end
	PY
	assert_equal "$stderr" "oxctl: api: revision 2 is not deployed: it failed"
}
