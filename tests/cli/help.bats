# How oxctl explains itself.
load ../lib/common

@test "help names every command, and every command has help with an example" {
	run -0 oxctl help
	overview=$output
	for name in validate nginx plan schema completion version help; do
		[[ $overview == *"  $name "* ]]
		run -0 oxctl "$name" --help
		assert_line --index 0 --partial "usage: oxctl $name"
		assert_output --partial "example:"
	done
}

@test "a mistyped command gets a suggestion and exit 2" {
	run -2 oxctl valdate
	assert_output "oxctl: there is no command 'valdate' (did you mean 'validate'?)"
}

@test "a mistyped command is never taken for stop, restart or delete, nor a short word for another one" {
	for word in stpo stopp top show restrat retsart dlete delet serve plus port; do
		run -2 oxctl "$word"
		assert_output "oxctl: there is no command '$word'; see 'oxctl help'"
	done
	run -2 oxctl start --cron
	assert_output "oxctl: start: unknown option '--cron'; see 'oxctl help start'"
}

@test "a mistyped option gets a suggestion and exit 2" {
	run -2 oxctl validate --josn
	assert_output "oxctl: validate: unknown option '--josn' (did you mean '--json'?); see 'oxctl help validate'"
}

@test "too many arguments and too few are exit 2" {
	run -2 oxctl version extra
	run -2 oxctl completion
}

@test "without a command it shows the commands, and exit 2" {
	run -2 oxctl
	assert_output --partial "usage: oxctl COMMAND"
}

@test "version is a word and a number, and JSON on request" {
	run -0 oxctl version
	assert_output --regexp '^oxctl [0-9]+\.[0-9]+\.[0-9]+'
	run -0 oxctl version --json
	assert_output --regexp '"version": *"[0-9.]+'
}

@test "the schema is JSON that knows both dialects and every alias" {
	oxctl schema >schema.json
	run -0 python3 - schema.json <<-'PY'
		import json, sys
		s = json.load(open(sys.argv[1]))
		app = s["definitions"]["process"]["properties"]
		for key in ("command", "cwd", "restart_on_exit", "health", "resource_limits", "profiles"):
		    assert key in app, key
		assert "url" in app["health_check"]["properties"]
		assert "name" in s["definitions"]["app"]["required"]
		assert app["port"]["maximum"] == 65535
		assert app["restart_delay_ms"]["default"] == 100
	PY
}

@test "completions are valid for bash, and there are some for zsh and fish" {
	oxctl completion bash >complete.bash
	run -0 bash -n complete.bash
	run -0 bash -c '. ./complete.bash; COMP_WORDS=(oxctl val); COMP_CWORD=1; _oxctl; echo "${COMPREPLY[*]}"'
	assert_output "validate"
	run -0 bash -c '. ./complete.bash; COMP_WORDS=(oxctl nginx --se); COMP_CWORD=2; _oxctl; echo "${COMPREPLY[*]}"'
	assert_output -- "--server"
	run -0 oxctl completion zsh
	assert_line --index 0 "#compdef oxctl"
	run -0 oxctl completion fish
	assert_output --partial "complete -c oxctl"
	run -2 oxctl completion tcsh
}

@test "a full disk under standard output is told" {
	[ -e /dev/full ] || skip "there is no /dev/full"
	run -1 bash -c 'oxctl help >/dev/full'
	assert_output "oxctl: cannot write to standard output"
}

@test "oxctl links neither the engine nor libev" {
	run -0 ldd "$OXHERD_BUILD/oxctl"
	refute_output --partial libev
}

@test "the manual knows every command and every key" {
	for page in oxctl.1 oxfile.5; do
		run -0 mandoc -T utf8 "$OX_TOP/man/$page"
		# Letters that are struck twice, for bold on a printer, become one.
		printf '%s\n' "${output//?$'\b'/}" >"$page.txt"
	done
	for name in validate nginx plan schema completion version help; do
		grep -q "$name" oxctl.1.txt
	done
	oxctl schema >schema.json
	python3 -c '
import json
p = json.load(open("schema.json"))["definitions"]["process"]["properties"]
for key, value in p.items():
    print(key)
    for inner in value.get("properties", {}):
        print(inner)
' >keys.txt
	[ "$(wc -l <keys.txt)" -gt 100 ]
	while read -r key; do
		grep -qF -- "$key" oxfile.5.txt || { echo "oxfile(5) does not know $key"; return 1; }
	done <keys.txt
}
