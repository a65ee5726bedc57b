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
	run -2 oxctl deploy api:0
	assert_output --partial "'api:0' is one instance; this command takes whole apps: 'api'"
	run -2 oxctl reload api:0
	assert_output --partial "'api:0' is one instance; this command takes whole apps: 'api'"
	run -4 oxctl deploy nobody
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

@test "a bare stop, restart, reload, deploy or delete leaves other projects alone" {
	project one web
	project two api
	oxctl start job -- sleep 1000
	before=$(pid_of api:0)
	cd one
	run -4 oxctl deploy api
	assert_output --partial "'api' comes from $BATS_TEST_TMPDIR/two/oxfile.toml; use --config $BATS_TEST_TMPDIR/two/oxfile.toml"
	run -0 oxctl plan
	refute_output --partial api
	run -0 oxctl plan --all
	assert_output --partial api:0
	assert_output --partial web:0
	for command in stop "start" restart reload "deploy --force" "reset" delete; do
		# shellcheck disable=SC2086
		run -0 oxctl $command
		refute_output --partial api
		refute_output --partial job
	done
	assert_equal "$(known)" "api job"
	assert_equal "$(up)" "api job"
	assert_equal "$(pid_of api:0)" "$before"
	mkdir ../three
	cd ../three
	HOME=$PWD
	for command in stop restart reload deploy delete reset; do
		XDG_CONFIG_HOME='' run -2 oxctl "$command"
		assert_output --partial "no oxfile.toml here, and no target named"
	done
	run -0 oxctl status
	assert_output --partial api:0
	assert_output --partial job:0
	run -0 oxctl stop --all
	assert_equal "$(up)" ""
	run -0 oxctl start all
	assert_equal "$(up)" "api job"
	run -0 oxctl delete all
	assert_equal "$(known)" ""
}

@test "--config names the apps that came from that file, also when it is changed, broken or gone" {
	project one web/front api
	project two job
	for what in edited broken gone; do
		case $what in
			edited) printf '[processes.api]\ncommand = "sleep 2000"\n' >one/oxfile.toml ;;
			broken) echo '[[[' >one/oxfile.toml ;;
			gone) rm one/oxfile.toml ;;
		esac
		run -0 oxctl stop -c one/oxfile.toml
		assert_output $'web: stopped\napi: stopped'
		assert_equal "$(up)" job
		run -0 oxctl restart --config "$PWD/one/oxfile.toml"
		assert_equal "$(up)" "api job web"
		run -0 oxctl stop -c one/../one/oxfile.toml front
		assert_output "web: stopped"
		run -4 oxctl stop -c one/oxfile.toml job
		assert_output --partial "'job' does not come from"
		oxctl restart -c ./one/oxfile.toml >/dev/null
		run -0 oxctl reload -c one/oxfile.toml
		refute_output --partial job
	done
	run -0 oxctl delete -c one/oxfile.toml
	assert_equal "$(known)" job
	run -4 --separate-stderr oxctl stop -c one/oxfile.toml
	assert_equal "$output" ""
	[[ $stderr == "oxctl: there is no app of 'one/oxfile.toml' to stop" ]]
	printf '[processes.new]\ncommand = "sleep 1000"\n' >one/oxfile.toml
	(cd one && oxctl stop)
	run -4 oxctl restart -c one/oxfile.toml
	assert_output --partial "'oxctl start' starts what it defines"
	run -4 oxctl reload -c one/oxfile.toml
	assert_equal "$(up)" job
}

@test "a bare stop in any folder leaves what comes from /etc alone" {
	[ "$(id -u)" = 0 ] || skip "needs root: only its oxctl reads /etc/oxherd"
	unshare -m true 2>/dev/null || skip "needs a mount namespace of its own"
	mkdir -p lower/oxherd
	printf '[processes.web]\ncommand = "sleep 1000"\n' >lower/oxherd/oxfile.toml
	mkdir -p empty
	run -0 unshare -m sh -ec '
		mkdir -p /etc/oxherd
		mount --bind lower/oxherd /etc/oxherd
		cd empty
		export HOME=$PWD XDG_CONFIG_HOME=
		oxctl start >/dev/null 3>&-
		oxctl stop && exit 1
		oxctl status'
	assert_output --partial "no oxfile.toml here, and no target named"
	assert_output --regexp 'web:0 +[0-9]+ +(starting|running)'
}

@test "one instance where a command takes whole apps is wrong use, exit code 2, for every command" {
	project shop web
	cd shop
	for command in plan deploy "deploy --abort" reload rollback save delete "start --only"; do
		# shellcheck disable=SC2086
		run -2 oxctl $command web:0
		assert_output --regexp "is one instance|is not one app|takes whole apps"
	done
	run -2 oxctl scale web:0 3
	assert_output --partial "only apps can be scaled"
	cd "$BATS_TEST_TMPDIR"
	run -2 oxctl deploy web:0
	assert_output --partial "'web:0' is one instance; this command takes whole apps: 'web'"
}

@test "plan and deploy refuse a wrong name, and one instance, in the same way" {
	project shop web
	cd shop
	for command in plan deploy; do
		run -4 oxctl $command wep
		assert_output "oxctl: the oxfile has no app or namespace 'wep'; did you mean 'web'?"
		run -2 oxctl $command web:0
		assert_output "oxctl: 'web:0' is one instance; this command takes whole apps: 'web'"
	done
	cd "$BATS_TEST_TMPDIR"
	run -4 oxctl deploy wep
	assert_output "oxctl: there is no app, instance or namespace 'wep'; did you mean 'web'?"
}
