# What `oxctl validate` warns of: no mistakes, but probably not what was meant.
load ../lib/common

first_warning() {
	python3 -c '
import json, sys
file = json.load(sys.stdin)["files"][0]
first = file["warnings"][0]
print(file["valid"], len(file["errors"]), "%d:%d" % (first["line"], first["column"]), first["text"])'
}

# warns LINE COLUMN TEXT [HINT]: about oxfile.toml, with a caret, and the file is valid.
warns() {
	run -0 --separate-stderr oxctl validate
	assert_regex "$stderr" "warning"
	assert_regex "$stderr" "oxfile.toml:$1:$2"
	[[ $stderr == *"$3"* ]] || fail "not '$3' in: $stderr"
	[[ $stderr == *"${4:-}"* ]] || fail "not '$4' in: $stderr"
	assert_regex "$stderr" '\^'
	assert_regex "$output" "is valid"
	run -0 --separate-stderr oxctl validate --json
	assert_equal "$(first_warning <<<"$output")" "True 0 $1:$2 $3"
}

silent() {
	run -0 --separate-stderr oxctl validate
	assert_equal "$stderr" ""
}

@test "a bare number below 100 in a millisecond key is doubted, a number with its unit is not" {
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nstop_timeout = 10 # seconds'
	warns 3 16 "'stop_timeout' is 10 ms" 'did you mean "10s"? write "10ms" if not'
	given_oxfile <<<$'[defaults]\nrestart_delay_ms = 99\n[processes.a]\ncommand = "sleep 1"'
	warns 2 20 "'restart_delay_ms' is 99 ms"
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nstop_timeout = "10ms"\nrestart_delay_ms = 0\nrestart_delay_max_ms = 100\nstart_delay_secs = 5'
	silent
}

@test "a user, group or working_dir that this machine does not have is a warning with its place" {
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nuser = "no-such-user"'
	warns 3 8 "there is no user 'no-such-user'" "'a' does not start without it"
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\ngroup = "no-such-group"'
	warns 3 9 "there is no group 'no-such-group'"
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nworking_dir = "releases/1"'
	warns 3 15 "there is no folder '$PWD/releases/1'" "make it before 'a' starts"
	mkdir -p releases/1
	silent
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nworking_dir = "oxfile.toml"'
	warns 3 15 "'$PWD/oxfile.toml' is no folder"
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nuser = "no-such-user"\ndisabled = true'
	silent
}

@test "a check or command that uses the logs of Oxmgr is a warning" {
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nhealth_cmd = "grep -q up ~/.local/share/oxmgr/logs/a.out.log"'
	warns 3 14 "'health_check.command' uses 'oxmgr/logs', and Oxherd writes no logs there" "oxctl logs a"
	given_oxfile <<<$'[processes.a]\ncommand = ["tail", "-F", "/root/.local/share/oxmgr/logs/b.out.log"]'
	warns 2 11 "'command' uses 'oxmgr/logs', and Oxherd writes no logs there"
}

@test "a name or line that nginx refuses is a warning, and two names that are one for nginx are" {
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nport = 3000\nnginx.upstream = "my api"'
	warns 4 18 "'my api' cannot name an nginx upstream: use letters, digits, '_', '-' and '.'"
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nport = 3000\nnginx.options = "keepalive 8; }"'
	warns 4 17 "upstream 'a': option 'keepalive 8; }' holds '}'; write one directive, such as 'least_conn'"
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nport = 3000\nnginx.output = "a.conf"\n[processes.A]\ncommand = "sleep 1"\nport = 3001\nnginx.output = "b.conf"'
	warns 5 12 "upstreams 'a' and 'A' are one name for nginx; rename one with 'upstream'"
}

@test "two apps that name one log file are a warning, an app with one file for both streams is not" {
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nlogs.stdout = "out.log"\n[processes.b]\ncommand = "sleep 1"\nlogs.combined = "./x/../out.log"'
	warns 6 17 "'a' and 'b' write to one log file, and 'oxctl logs' cannot tell them apart" 'such as "b.log"'
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\ninstances = 2\nlogs.stdout = "out.log"\n[processes.b]\ncommand = "sleep 1"\ninstances = 3\nlogs.stdout = "out.log"'
	warns 8 15 "'a' and 'b' write to one log file, and 'oxctl logs' cannot tell them apart"
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\nlogs.stdout = "a.log"\nlogs.stderr = "a.log"\n[processes.b]\ncommand = "sleep 1"\nlogs.stdout = "b.log"'
	silent
	given_oxfile <<<$'[processes.a]\ncommand = "sleep 1"\ninstances = 2\nlogs.stdout = "out.log"\n[processes.b]\ncommand = "sleep 1"\nlogs.stdout = "out.log"'
	silent
}
