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

@test "the overview fits a screen of 24 lines and 80 columns, names each command once, below its group" {
	run -0 oxctl --help
	[ "${#lines[@]}" -le 24 ]
	overview=$output
	[ "$(wc -l <<<"$overview")" -le 24 ]
	[ "$(awk '{ print length }' <<<"$overview" | sort -n | tail -n 1)" -le 80 ]
	run -0 oxctl help
	assert_equal "$output" "$overview"
	assert_equal "$(grep -x '[a-z]*' <<<"$overview" | xargs)" "everyday deploying looking files daemon"
	oxctl completion zsh | sed -n "s/^\t'\([a-z]*\):.*/\1/p" >names
	[ "$(wc -l <names)" -gt 20 ]
	while read -r name; do
		[ "$(grep -o "  $name  " <<<"$overview" | wc -l)" -eq 1 ] || { echo "$name"; return 1; }
	done <names
}

@test "help TOPIC shows the keys of a table of the oxfile, and help topics lists the tables" {
	run -0 oxctl help limits
	assert_line --index 0 "[processes.NAME.limits], also [processes.NAME.resource_limits]"
	assert_line --regexp '^  nproc: a whole number; default 0$'
	run -0 oxctl help health
	assert_line --index 0 --partial "[processes.NAME.health_check]"
	run -0 oxctl help stop_timeout_ms
	assert_output --partial "its whole process tree may take to stop"
	run -0 oxctl help topics
	for topic in app health_check deploy nginx limits logs; do
		assert_line --regexp "^$topic(,|$)"
	done
}

@test "a word that is a command and a table shows the command, and how to see the table" {
	for word in logs deploy nginx; do
		run -0 oxctl help $word
		assert_line --index 0 --partial "usage: oxctl $word"
		assert_line "the keys of the oxfile with this name: oxctl help oxfile $word"
		run -0 oxctl help oxfile $word
		assert_line --index 0 "[processes.NAME.$word]"
	done
	run -0 oxctl help status
	refute_output --partial "help oxfile"
}

@test "help for an unknown word suggests a command or a topic, exit 2" {
	run -2 oxctl help lmits
	assert_output "oxctl: there is no command or topic 'lmits' (did you mean 'limits'?)"
	run -2 oxctl help statsu
	assert_output "oxctl: there is no command or topic 'statsu' (did you mean 'status'?)"
	run -2 oxctl help zzzzzz
	assert_output "oxctl: there is no command or topic 'zzzzzz'; see 'oxctl help' and 'oxctl help topics'"
	run -2 oxctl help oxfile lgos
	assert_output "oxctl: there is no command or topic 'lgos' (did you mean 'logs'?)"
	run -2 oxctl help limits nproc
	assert_output "oxctl: help: 'nproc' is one argument too many; see 'oxctl help help'"
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
	run -0 bash -c '. ./complete.bash; COMP_WORDS=(oxctl help lim); COMP_CWORD=2; _oxctl; echo "${COMPREPLY[*]}"'
	assert_output "limits"
	run -0 oxctl completion zsh
	assert_line --index 0 "#compdef oxctl"
	run -0 oxctl completion fish
	assert_output --partial "complete -c oxctl"
	run -2 oxctl completion tcsh
}

@test "a full disk under standard output is an error" {
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
