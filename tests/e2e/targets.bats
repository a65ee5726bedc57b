# What the words behind a command mean: apps, instances, namespaces, all; and what no word means.
load ../lib/daemon

# One folder with an oxfile a project: the apps that are named, each with a namespace where it has a slash, and all of them up.
project() {
	local folder=$1 app
	shift
	mkdir -p "$folder"
	: >"$folder/oxfile.toml"
	for app in "$@"; do
		printf '[processes.%s]\ncommand = "sleep 1000"\n' "${app%/*}" >>"$folder/oxfile.toml"
		case $app in */*) printf 'namespace = "%s"\n' "${app#*/}" >>"$folder/oxfile.toml" ;; esac
	done
	(cd "$folder" && oxctl start >/dev/null 3>&-)
}

# The apps of which something is up, in the order of their names.
up() {
	oxctl status --json | python3 -c '
import json, sys
print(*sorted({p["name"] for p in json.load(sys.stdin)["processes"] if p["status"] in ("starting", "running")}))'
}

known() {
	oxctl status --json | python3 -c '
import json, sys
print(*sorted(a["name"] for a in json.load(sys.stdin)["apps"]))'
}

# The apps that a command's answer is about.
about() {
	grep -oE '\b(web|api|job)\b' | sort -u | tr '\n' ' '
}

@test "one name means the same apps to every command" {
	project shop web api/back job/back
	cd shop
	for name in back web all; do
		case $name in
			back) apps="api job " ;;
			web) apps="web " ;;
			all) apps="api job web " ;;
		esac
		for command in status start plan save events logs restart reset stop "start --dry-run --only"; do
			case $command in logs) continue ;; esac
			# shellcheck disable=SC2086
			run -0 oxctl $command "$name"
			assert_equal "$command $name: $(grep -v 'oxfile' <<<"$output" | about)" "$command $name: $apps"
		done
		oxctl start >/dev/null
		run -0 oxctl reload "$name"
		assert_equal "$(grep -oE '^(web|api|job):' <<<"$output" | about)" "$apps"
		run -0 oxctl deploy --force "$name"
		assert_equal "$(grep -oE '^(web|api|job):' <<<"$output" | about)" "$apps"
	done
	run -0 oxctl stop api:0
	run -0 oxctl status api:0
	assert_output --partial stopped
	run -1 oxctl deploy api:0
	assert_output --partial "'api:0' is one instance; a deploy takes whole apps: 'api'"
	run -1 oxctl reload api:0
	assert_output --partial "'api:0' is one instance; this command takes whole apps: 'api'"
	run -4 oxctl save nobody
	run -4 oxctl reload nobody
}

@test "no app and no namespace is called 'all'" {
	given_oxfile <<-'TOML'
		[processes.all]
		command = "sleep 1000"
	TOML
	run -2 oxctl validate
	assert_output --partial "oxfile.toml:1:12: an app cannot be called 'all'"
	run -1 oxctl start all -- sleep 1000
	assert_output --partial "an app cannot be called 'all': every command takes that for all apps"
}

@test "a name that would be an app and a namespace is an error that names both places, also over two oxfiles" {
	given_oxfile <<-'TOML'
		[processes.web]
		command = "sleep 1000"
		[processes.api]
		command = "sleep 1000"
		namespace = "web"
	TOML
	run -2 oxctl validate
	assert_output --partial "oxfile.toml:5:13: 'web' is an app (line 1) and the namespace of 'api'"
	project one web
	mkdir two
	cd two
	printf '[processes.api]\ncommand = "sleep 1000"\nnamespace = "web"\n' >oxfile.toml
	run -1 oxctl start
	assert_output --partial "'web' is an app ("
	assert_output --partial "one/oxfile.toml:1) and the namespace of 'api' ("
	assert_output --partial "two/oxfile.toml:3); a name can be one of them only, so rename one"
	assert_equal "$(known)" web
	sed -i 's/"web"/"back"/' oxfile.toml
	oxctl start
	run -1 oxctl start back -- sleep 1000
	assert_output --partial "'back' is an app (no oxfile) and the namespace of 'api'"
	assert_equal "$(known)" "api web"
}
