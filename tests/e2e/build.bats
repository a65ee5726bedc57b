# A deploy is about the build on the disk as well as about the definition: releases behind a link, files replaced in place, commits of git; and a
# rollback says when the files of a revision are gone.
load ../lib/daemon

setup() {
	daemon_place
	# mktemp and the tests' folder may be named through links.
	cd "$(pwd -P)" || return
	export PWD
}

# release N [VERSION]: a folder of its own, whose program writes down where it runs.
release() {
	mkdir -p "releases/$1/bin"
	printf '#!/bin/sh\necho "%s $PWD" >>%s/ran\nexec sleep 1000\n' "${2:-$1}" "$BATS_TEST_TMPDIR" >"releases/$1/bin/serve"
	chmod +x "releases/$1/bin/serve"
}

# definition [FILE [LINES OF [.deploy] [COMMAND]]]
definition() {
	cat >"${1:-oxfile.toml}" <<-TOML
		[processes.api]
		command = "${3:-bin/serve}"
		${working_dir-}
		[processes.api.deploy]
		min_healthy_secs = 0.1
		${2-}
	TOML
}

switch_to() {
	ln -sfn "releases/$1" current
}

# What ran last, and where.
ran() {
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/ran")" = "$1 $(realpath "${2:-$BATS_TEST_TMPDIR/releases/$1}")" ]
}

runs() {
	eventually 5 state_is api:0 running
	eventually 5 ran "$@" || {
		echo "last: $(tail -n 1 "$BATS_TEST_TMPDIR/ran")"
		return 1
	}
}

# A folder with an oxfile beside its releases, the first of which runs.
given_releases() {
	release 1
	release 2
	switch_to 1
	working_dir='working_dir = "current"' definition oxfile.toml "${1-}"
	oxctl start --wait 3>&-
	runs 1
}

# git FOLDER COMMIT: what git writes for a branch that stands there.
git_at() {
	mkdir -p "$1/.git/refs/heads"
	echo "ref: refs/heads/main" >"$1/.git/HEAD"
	echo "$2" >"$1/.git/refs/heads/main"
}

A=1a2b3c4d5e6f708192a3b4c5d6e7f80912345678
B=5d6e7f8091a2b3c4d5e6f70819283746abcdef01

@test "a link that leads to another release is a change, and plan and deploy say which" {
	given_releases
	run -0 oxctl deploy
	assert_output "api: unchanged (definition, current -> releases/1, bin/serve); use 'oxctl reload api' to restart it anyway"
	switch_to 2
	run -0 oxctl plan
	assert_output --regexp "api:0 +replace +the build changed: current -> releases/2"
	run -0 oxctl plan --json
	assert_output --partial '"build": "current -> releases/2"'
	run -0 oxctl deploy --json
	assert_output --partial '"did":"rolled","build":"current -> releases/2"'
	runs 2
	run -0 oxctl deploy --json
	assert_output --partial '"did":"unchanged","compared":"definition, current -> releases/2, bin/serve"'
}

@test "a build that is put in the place of the old one is a change" {
	release 1
	cd releases/1
	definition
	oxctl start --wait 3>&-
	printf '#!/bin/sh\necho "new $PWD" >>%s/ran\nexec sleep 1000\n' "$BATS_TEST_TMPDIR" >bin/serve
	run -0 oxctl deploy
	assert_line "api: the build changed: bin/serve"
	assert_line --partial "api: revision 2 runs in 1 of 1 instance"
	runs new .
	run -0 oxctl deploy
	assert_output --partial "api: unchanged (definition, bin/serve)"
}

@test "a file that a shell's command names is part of the build, a file of data is not" {
	mkdir -p web
	echo 'echo $$ >>data.db; exec sleep 1000' >web/run.sh
	: >web/data.db
	definition oxfile.toml "" "cd web && VERSION=1 sh run.sh data.db > out.log"
	oxctl start --wait 3>&-
	eventually 5 test -s web/data.db
	run -0 oxctl deploy
	assert_output --partial "run.sh); use 'oxctl reload api'"
	refute_output --partial data.db
	touch web/run.sh
	run -0 oxctl deploy
	assert_line "api: the build changed: run.sh"
}

@test "a commit of git is part of the build: of a branch, packed, detached, and of a work tree of its own" {
	release 1
	cd releases/1
	definition
	oxctl start --wait 3>&-
	# A work tree that it became later is known from the next deploy on.
	git_at . $A
	run -0 oxctl deploy
	assert_output --partial "api: unchanged"
	git_at . $B
	run -0 oxctl deploy
	assert_line "api: the build changed: git commit 1a2b3c4 -> 5d6e7f8"
	rm .git/refs/heads/main
	printf '# pack-refs with: peeled\n%s refs/heads/main\n' $A >.git/packed-refs
	run -0 oxctl deploy
	assert_line "api: the build changed: git commit 5d6e7f8 -> 1a2b3c4"
	echo $B >.git/HEAD
	run -0 oxctl deploy
	assert_line "api: the build changed: git commit 1a2b3c4 -> 5d6e7f8"
	mkdir -p ../repo/worktrees/one ../repo/refs/heads
	rm -r .git
	echo "gitdir: ../repo/worktrees/one" >.git
	echo ../.. >../repo/worktrees/one/commondir
	echo "ref: refs/heads/main" >../repo/worktrees/one/HEAD
	echo $A >../repo/refs/heads/main
	run -0 oxctl deploy
	assert_line "api: the build changed: git commit 5d6e7f8 -> 1a2b3c4"
	run -0 oxctl deploy
	assert_output --partial "bin/serve, git commit 1a2b3c4)"
}

@test "what stands in place of git's files does no harm: a pipe, a device, a secret, a circle" {
	release 1
	cd releases/1
	git_at . $A
	definition
	oxctl start --wait 3>&-
	for head in "mkfifo .git/HEAD" "ln -s /dev/zero .git/HEAD" "ln -s /etc/passwd .git/HEAD" "ln -s HEAD .git/HEAD" \
		"mkdir .git/HEAD" "echo ref: refs/heads/../../../../../../etc/passwd >.git/HEAD" "echo ref: refs/heads/loop >.git/HEAD"; do
		rm -rf .git/HEAD
		echo "ref: refs/heads/loop" >.git/refs/heads/loop
		eval "$head"
		run -0 timeout 5 oxctl deploy
		assert_output "api: unchanged (definition, bin/serve); use 'oxctl reload api' to restart it anyway"
	done
	rm -rf bin/serve
	mkfifo bin/serve
	run -0 timeout 5 oxctl plan
	assert_output --partial "nothing to do"
}

@test "an env file that changed is a change, and is named where nothing did" {
	release 1
	cd releases/1
	echo "LEVEL=1" >.env
	definition
	sed -i '2a env_file = ".env"' oxfile.toml
	oxctl start --wait 3>&-
	run -0 oxctl deploy
	assert_output --partial "api: unchanged (definition, .env, bin/serve)"
	echo "LEVEL=2" >.env
	run -0 oxctl plan
	assert_output --partial "env_file (LEVEL) changed"
}

@test "a rollback runs in the release of its revision, stays there, and the next deploy is a change again" {
	given_releases
	switch_to 2
	oxctl deploy
	runs 2
	run -0 oxctl rollback api
	assert_output --partial "api: revision 1 runs in 1 of 1 instance"
	assert_output --partial ", from releases/1"
	runs 1
	assert_equal "$(app_field api folder)" "$PWD/releases/1"
	assert_equal "$(app_field api rolled_back)" true
	kill -9 "$(pid_of api:0)"
	eventually 5 field_is api:0 restarts 1
	runs 1
	oxctl restart --wait api
	runs 1
	run -0 oxctl reload api
	assert_output --partial ", from releases/1 (rolled back; 'oxctl deploy api' takes the newest)"
	runs 1
	oxctl daemon stop
	oxctl daemon start 3>&-
	eventually 5 state_is api:0 running
	runs 1
	run -0 oxctl deploy
	assert_line "api: the build changed: current -> releases/2"
	runs 2
}

@test "where the files of a revision were replaced or removed a rollback is refused, but for its definition" {
	given_releases
	release 1 again
	oxctl deploy
	runs again releases/1
	run -1 oxctl rollback api
	assert_output "oxctl: api: cannot go back to revision 1: bin/serve was replaced (in $PWD/releases/1); use 'oxctl rollback --definition-only api' to take back the definition and run the files that are there now"
	assert field_is api:0 revision 2
	switch_to 2
	oxctl deploy
	rm -r releases/1
	run -1 oxctl rollback
	assert_output --partial "cannot go back to revision 2: releases/1 is gone"
	run -0 oxctl rollback --definition-only api
	assert_output --partial "api: revision 2 runs in 1 of 1 instance"
	runs 2
}

@test "a reload of what was rolled back to a folder that is gone says so, and runs the newest release" {
	given_releases
	switch_to 2
	oxctl deploy
	oxctl rollback api
	runs 1
	rm -r releases/1
	run -0 oxctl reload api
	assert_line --partial "api: releases/1, which it was rolled back to, is gone; the reload runs the files that are there now"
	refute_output --partial "rolled back;"
	runs 2
	assert_equal "$(app_field api rolled_back)" false
	run -0 oxctl deploy
	assert_output --partial "api: unchanged"
}

@test "deploy, reload, rollback ends at the definition before the deploy" {
	given_releases
	working_dir='working_dir = "current"' definition oxfile.toml "" "bin/serve --new"
	oxctl deploy
	oxctl reload api
	oxctl rollback api
	run -0 oxctl deploy
	assert_output --partial "api: revision 4 runs"
	refute_output --partial "the build changed"
}

@test "a deploy that fails goes back to the old release, although the link leads to the new one" {
	given_releases 'surge = 0'
	printf '#!/bin/sh\nexit 3\n' >releases/2/bin/serve
	switch_to 2
	run -1 oxctl deploy
	assert_output --partial "it went back, 1 of 1 instance runs revision 1"
	runs 1
	# It is no accident that this is tried once more.
	run -1 oxctl deploy
	assert_output --partial "it went back, 1 of 1 instance runs revision 1"
}

@test "a deploy that fails says so where the old release is gone" {
	given_releases 'surge = 0'
	release 2
	# Only its first start fails.
	printf '#!/bin/sh\n[ -e tried ] || { touch tried; exit 3; }\nexec sleep 1000\n' >releases/2/bin/serve
	switch_to 2
	rm -r releases/1
	run -1 oxctl deploy
	assert_output --partial "it went back, 1 of 1 instance runs revision 1, but releases/1 is gone: what starts runs the files that are there now"
	run -0 oxctl why api
	assert_output --partial "its own folder $PWD/releases/1 is gone; started where the definition says"
}

@test "a file that the command names through a link is part of the build, and comes back in a rollback" {
	release 1
	release 2
	switch_to 1
	definition oxfile.toml "" "sh current/bin/serve"
	oxctl start --wait 3>&-
	runs 1 .
	switch_to 2
	run -0 oxctl deploy
	assert_line "api: the build changed: current -> releases/2"
	runs 2 .
	run -0 oxctl rollback api
	runs 1 .
	kill -9 "$(pid_of api:0)"
	eventually 5 field_is api:0 restarts 1
	runs 1 .
}

@test "a process of the old revision that crashes during a deploy starts again in its own release" {
	release 1
	release 2
	switch_to 1
	working_dir='working_dir = "current"' definition oxfile.toml "canary = 1"
	sed -i '1a instances = 2' oxfile.toml
	oxctl start --wait 3>&-
	switch_to 2
	run -0 oxctl deploy
	assert_output --partial "1 of 2 instances run revision 2"
	old=$(field_is api:0 revision 1 && echo api:0 || echo api:1)
	kill -9 "$(pid_of "$old")"
	eventually 5 field_is "$old" restarts 1
	runs 1
	oxctl deploy --abort api
	runs 1
}

@test "an oxfile inside of the releases is one oxfile, and the old release may be gone" {
	release 1
	release 2
	definition releases/1/oxfile.toml
	definition releases/2/oxfile.toml
	switch_to 1
	oxctl start --wait -c current/oxfile.toml 3>&-
	runs 1
	assert_equal "$(app_field api oxfile)" "$PWD/current/oxfile.toml"
	switch_to 2
	rm -r releases/1
	run -0 oxctl deploy -c current/oxfile.toml
	assert_line "api: the build changed: current -> releases/2"
	runs 2
	# In the folder that the link leads to, by the name that the shell has for it.
	cd current
	run -0 oxctl deploy
	assert_output --partial "api: unchanged"
	# And with no oxfile here, by what each app came from.
	cd /
	run -0 oxctl deploy api
	assert_output --partial "api: unchanged"
}

@test "a project folder that was moved keeps its app, with a note; two oxfiles that are there do not share a name" {
	mkdir old
	definition old/oxfile.toml "" "sleep 1000"
	oxctl start --wait -c old/oxfile.toml 3>&-
	cp -r old copy
	run -1 oxctl deploy -c copy/oxfile.toml
	assert_output "oxctl: app 'api' belongs to $PWD/old/oxfile.toml; rename it in $PWD/copy/oxfile.toml, or move $PWD/old/oxfile.toml away if $PWD/copy/oxfile.toml replaces it"
	rm -r copy
	mv old new
	run -0 oxctl deploy -c new/oxfile.toml
	assert_line "oxctl: api: taken over from $PWD/old/oxfile.toml, which is gone"
	assert_equal "$(app_field api oxfile)" "$PWD/new/oxfile.toml"
}

@test "what an older version knew by its real path is taken over by its name, and its process stays" {
	release 1
	definition releases/1/oxfile.toml
	switch_to 1
	oxctl start --wait -c releases/1/oxfile.toml 3>&-
	pid=$(pid_of api:0)
	run -0 oxctl deploy -c current/oxfile.toml
	assert_line "oxctl: api: taken over from $PWD/releases/1/oxfile.toml, which is the same file by another name"
	assert_line "api: changed in place"
	assert_equal "$(pid_of api:0)" "$pid"
	assert_equal "$(app_field api oxfile)" "$PWD/current/oxfile.toml"
	release 2
	definition releases/2/oxfile.toml
	switch_to 2
	oxctl deploy -c current/oxfile.toml
	runs 2
}
