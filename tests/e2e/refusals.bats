# What is refused, in fields: a program need not read sentences.
load ../lib/daemon

# refused METHOD PARAMS: the data of the error that the daemon answers with.
refused() {
	python3 - "$OXHERD_HOME/run/oxherd.sock" "$@" <<-'PY'
		import json, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		request = {"jsonrpc": "2.0", "id": 1, "method": sys.argv[2], "params": json.loads(sys.argv[3])}
		s.sendall((json.dumps(request) + "\n").encode())
		for line in s.makefile():
		    answer = json.loads(line)
		    if answer.get("id") == 1:
		        print(json.dumps(answer["error"].get("data"), sort_keys=True))
		        break
	PY
}

# apply FOLDER <<TOML: what the daemon says of an oxfile there.
apply() {
	local folder
	mkdir -p "$1"
	folder=$(cd "$1" && pwd)
	cat >"$folder/oxfile.toml"
	refused apply "{\"oxfile\": \"$folder/oxfile.toml\", \"folder\": \"$folder\", \"env\": {}}"
}


@test "a target that is not there is named, with the name that may have been meant" {
	start_oxherd <<-'TOML'
		[processes.worker]
		command = "sleep 1000"
	TOML
	run -0 refused stop '{"targets": ["workre"]}'
	assert_output '{"code": "no_target", "guess": "worker", "target": "workre"}'
	run -0 refused restart '{"targets": ["worker:7"]}'
	assert_output '{"app": "worker", "code": "no_target", "count": 1, "target": "worker:7"}'
	run -0 refused delete '{"targets": ["worker:0"]}'
	assert_output '{"app": "worker", "code": "not_an_app"}'
	run -0 refused logs '{"targets": ["nobody"]}'
	assert_output '{"code": "no_target", "target": "nobody"}'
	run -0 refused abort '{"app": "worker"}'
	assert_output '{"app": "worker", "code": "no_deploy"}'
	run -0 refused rollback '{"app": "worker"}'
	assert_output '{"app": "worker", "code": "no_revision"}'
}

@test "apps that cannot stand beside each other are both named, with the port, or the oxfile" {
	start_oxherd <<-'TOML'
		[processes.api]
		command = "actor --listen 0"
		port = 19960
	TOML
	run -0 apply other <<-'TOML'
		[processes.web]
		command = "sleep 1000"
		port = 19960
	TOML
	assert_output '{"app": "web", "code": "port_overlap", "other": "api", "port": 19960}'
	run -0 apply other <<-'TOML'
		[processes.api]
		command = "sleep 1000"
	TOML
	assert_output "{\"app\": \"api\", \"code\": \"other_oxfile\", \"oxfile\": \"$PWD/oxfile.toml\"}"
}
