# What a service's user, or any other user of the machine, puts in the way of files that root's daemon opens: links, other people's files,
# FIFOs, folders that are swapped.
load ../lib/daemon

setup() {
	daemon_place
	open_place
	# "home" is the user's, "root" is root's.
	mkdir "$place/home" "$place/root"
	chown 65533:65533 "$place/home"
	chmod 700 "$place/root"
	echo "password of root" >"$place/root/secret"
	chmod 600 "$place/root/secret"
	before=$(digest)
	cd "$place/home" || return
}

teardown() {
	[ -n "${place-}" ] || return 0
	[ -z "${swapper-}" ] || kill "$swapper" || :
	stop_oxherd
	rm -rf "$place"
}

# as_user COMMAND…: as the user of the services here, a number that nobody has.
as_user() {
	setpriv --reuid 65533 --regid 65533 --clear-groups "$@"
}

as_stranger() {
	setpriv --reuid 65532 --regid 65532 --clear-groups "$@"
}

# What is in root's folder.
digest() {
	find "$place/root" -exec stat -c '%n %U %a %s %h' {} + | sort
	cat "$place/root"/*
}

nothing_has_changed() {
	[ "$(digest)" = "$before" ] || {
		echo "root's folder has changed:"
		digest
		return 1
	}
}

# given_talker SETTINGS: web:0 prints what is written to the FIFO "feed".
given_talker() {
	mkfifo "$place/feed"
	chmod 666 "$place/feed"
	cat >"$place/oxfile.toml" <<-TOML
		[processes.web]
		command = "while :; do cat $place/feed; done"
		stop_timeout_ms = 500
		$1
	TOML
	oxctl start -c "$place/oxfile.toml" --wait 3>&-
}

say() {
	timeout 5 sh -c "echo '$*' >$place/feed"
}

as_bob='user = "65533"
group = "65533"'

# dropped WORDS…: says them; has anything been dropped by now?
dropped() {
	say "$*"
	[ "$(status_field web:0 log_dropped_bytes)" -gt 0 ]
}

has_line() {
	grep -qx -- "$2" "$1"
}

owner() {
	stat -c %u "$@" | xargs
}

@test "a log that its user has made a link makes no file of root's: the service runs, its lines are counted as dropped, and why says so" {
	as_user ln -s "$place/root/made" out.log
	given_talker "$as_bob
		log_file = \"$place/home/out.log\""
	eventually 5 dropped hello
	nothing_has_changed
	state_is web:0 running
	oxctl status web | grep -q "of its output dropped"
	run -0 oxctl why web:0
	assert_output --partial "cannot write to '$place/home/out.log': 'out.log' is a symbolic link in a folder that user '65533' can change"
	# It is no longer one: all lines are written again, and the log says how much is missing.
	as_user rm out.log
	eventually 5 grep -q "bytes were dropped here" out.log
	say again
	eventually 5 has_line out.log again
	assert_equal "$(owner out.log .out.log.marks)" "65533 65533"
}

@test "a log that becomes a link while it is written does not lead root elsewhere" {
	given_talker "$as_bob
		log_file = \"$place/home/out.log\""
	say one
	eventually 5 has_line out.log one
	as_user rm out.log
	as_user ln -s "$place/root/secret" out.log
	eventually 5 dropped two
	nothing_has_changed
	run oxctl logs web
	refute_output --partial "password of root"
}

@test "folders that are made for a log of a user are that user's, and so is all in them" {
	given_talker "$as_bob
		logs = { stdout = \"$place/home/new/logs/out.log\", max_size_mb = \"1K\", max_files = 2, compress = true }"
	for _ in 1 2 3 4; do
		say "$(head -c 700 /dev/zero | tr '\0' x)"
	done
	eventually 5 test -s new/logs/out.log.2.gz
	eventually 5 test ! -e new/logs/out.log.1
	assert_equal "$(find new -printf '%U\n' | sort -u)" 65533
	run -0 oxctl logs web -n 100
	assert_equal "$(grep -c xxx <<<"$output")" 3
}

@test "rotation renames and removes nothing in a folder that is put in the place of the user's" {
	echo one >"$place/root/out.log"
	cp "$place/root/out.log" "$place/root/out.log.1"
	cp "$place/root/out.log" "$place/root/out.log.2"
	before=$(digest)
	as_user mkdir logs
	given_talker "$as_bob
		logs = { stdout = \"$place/home/logs/out.log\", max_size_mb = \"1K\", max_files = 2, compress = true }"
	say one
	eventually 5 has_line logs/out.log one
	as_user mv logs old
	as_user ln -s "$place/root" logs
	eventually 5 dropped "$(head -c 3000 /dev/zero | tr '\0' x)"
	nothing_has_changed
	as_user rm logs
	as_user mkdir logs
	eventually 5 grep -q "bytes were dropped here" logs/out.log
	say back
	eventually 5 has_line logs/out.log back
}

@test "a folder of root's that the user can move is not written to" {
	mkdir theirs
	echo precious >theirs/out.log
	as_user mv theirs logs
	given_talker "$as_bob
		logs.stdout = \"$place/home/logs/out.log\""
	eventually 5 dropped hello
	assert_equal "$(cat logs/out.log)" precious
	run -0 oxctl why web:0
	assert_output --partial "Permission denied (with the rights of user '65533')"
}

@test "a second name of root's file is neither written nor shown" {
	# As a user may make them where the kernel lets him.
	ln "$place/root/secret" out.log
	before=$(digest)
	given_talker "$as_bob
		log_file = \"$place/home/out.log\""
	say mine
	eventually 5 has_line out.log mine
	assert_equal "$(cat "$place/root/secret")" "password of root"
	run -0 oxctl logs web
	refute_output --partial "password of root"
}

@test "a compressed part cannot be made of root's file, nor over it" {
	given_talker "$as_bob
		logs = { stdout = \"$place/home/out.log\", max_size_mb = \"1K\", max_files = 3, compress = true }"
	as_user ln -s "$place/root/secret" .out.log.1.gz.part
	say "$(head -c 900 /dev/zero | tr '\0' x)"
	say "$(head -c 900 /dev/zero | tr '\0' y)"
	eventually 5 test -s out.log.1.gz
	as_user rm -f out.log.1.gz .out.log.1.marks
	as_user ln -s "$place/root/secret" out.log.1
	as_user ln -s "$place/root/secret" .out.log.marks.new
	say "$(head -c 900 /dev/zero | tr '\0' z)"
	eventually 5 test -s out.log.1.gz
	nothing_has_changed
	run oxctl logs web -n 100
	refute_output --partial "password of root"
	for part in out.log.*.gz; do
		[ -L "$part" ] || ! zcat "$part" | grep -q password
	done
}

@test "marks that the user has made neither lead to root's file nor hold the daemon up" {
	as_user ln -s "$place/root/secret" .out.log.marks
	given_talker "$as_bob
		log_file = \"$place/home/out.log\""
	say one
	eventually 5 has_line out.log one
	nothing_has_changed
	oxctl stop web
	as_user rm .out.log.marks
	as_user truncate -s 1T .out.log.marks
	took 0 3000 timeout 10 oxctl logs web -n 10
	oxctl start web --wait
	say two
	eventually 5 has_line out.log two
	took 0 3000 timeout 10 oxctl logs web -n 10
	took 0 1000 timeout 10 oxctl status
}

@test "siblings of a log that the user has made alike, or by the thousand, hold nobody up" {
	given_talker "$as_bob
		log_file = \"$place/home/out.log\""
	say one
	eventually 5 has_line out.log one
	brain=$(brain_pid)
	# Nothing in them, and all begin with the same mark: which is which, nobody can tell.
	as_user sh -c 'for i in 1 2 3; do cp .out.log.marks ".out.log.$i.marks" && : >"out.log.$i"; done; : >out.log'
	took 0 3000 timeout 10 oxctl logs web -n 10
	took 0 3000 timeout 10 oxctl logs web
	as_user "$(PATH=/usr/local/bin:/usr/bin:/bin command -v python3)" -c 'for i in range(1, 4000): open("out.log.%d" % i, "w")'
	timeout 10 oxctl logs web -n 10 >/dev/null 3>&- &
	took 0 3000 timeout 10 oxctl status
	timeout 10 oxctl logs web >/dev/null 3>&- &
	took 0 3000 timeout 10 oxctl status
	wait
	# Its last lines are looked for when it ends.
	kill -KILL "$(pid_of web:0)"
	eventually 5 restarted_once web:0
	assert_equal "$(brain_pid)" "$brain"
}

restarted_once() {
	[ "$(status_field "$1" restarts)" = 1 ]
}

@test "a FIFO, a folder or a socket in the place of a user's log blocks nobody" {
	as_user mkfifo out.log
	given_talker "$as_bob
		log_file = \"$place/home/out.log\""
	eventually 5 dropped hello
	took 0 1000 timeout 10 oxctl status
	as_user rm out.log
	as_user mkdir out.log
	say hello
	took 0 1000 timeout 10 oxctl logs web
	as_user rmdir out.log
	as_user /usr/bin/python3 -c 'import os, socket; socket.socket(socket.AF_UNIX).bind("new"); os.rename("new", "out.log")'
	say hello
	took 0 1000 timeout 10 oxctl status
	as_user rm out.log
	eventually 5 grep -q "bytes were dropped here" out.log
	say again
	eventually 5 has_line out.log again
}

@test "a link that the user moves as fast as possible never leads root anywhere" {
	as_user mkdir logs
	echo one >"$place/root/out.log"
	before=$(digest)
	cat >"$place/swap.py" <<-'PY'
		import os, sys
		root = sys.argv[1]
		while True:
		    for to in (root, None):
		        try:
		            os.rename("logs", "aside")
		            if to:
		                os.symlink(to, "logs")
		            else:
		                os.mkdir("logs")
		        except OSError:
		            pass
		        try:
		            os.unlink("logs") if os.path.islink("logs") else None
		            os.rename("aside", "logs")
		        except OSError:
		            pass
		        try:
		            os.symlink(root + "/secret", "logs/out.log")
		        except OSError:
		            pass
		        try:
		            os.unlink("logs/out.log")
		        except OSError:
		            pass
	PY
	chmod 644 "$place/swap.py"
	setpriv --reuid 65533 --regid 65533 --clear-groups /usr/bin/python3 "$place/swap.py" "$place/root" 3>&- &
	swapper=$!
	cat >"$place/oxfile.toml" <<-TOML
		[processes.web]
		command = "i=0; while [ \$i -lt 300 ]; do i=\$((i + 1)); echo \$i; /bin/sleep 0.01; done; exec sleep 1000"
		$as_bob
		logs = { stdout = "$place/home/logs/out.log", max_size_mb = "1K", max_files = 2, compress = true }
	TOML
	oxctl start -c "$place/oxfile.toml" --wait 3>&-
	for _ in 1 2 3 4 5 6 7 8; do
		timeout 5 oxctl logs web -n 5 >"$place/shown" || :
		! grep -q password "$place/shown"
		oxctl restart web >/dev/null
	done
	kill "$swapper"
	wait "$swapper" || :
	swapper=
	nothing_has_changed
	eventually 5 state_is web:0 running
}

@test "a user's own link on the way is followed with the user's rights" {
	as_user mkdir -p releases/2
	as_user ln -s releases/2 current
	given_talker "$as_bob
		logs.stdout = \"$place/home/current/logs/out.log\""
	say hello
	eventually 5 has_line releases/2/logs/out.log hello
	assert_equal "$(owner releases/2/logs/out.log)" 65533
	oxctl logs web | grep -q hello
}

@test "in a folder that only root can change a user's log is root's, and a link there is followed" {
	mkdir "$place/var"
	ln -s "$place/var/real.log" "$place/var/out.log"
	given_talker "$as_bob
		logs = { stdout = \"$place/var/out.log\", stderr = \"$place/var/err.log\" }"
	say hello
	eventually 5 has_line "$place/var/real.log" hello
	assert_equal "$(owner "$place/var/real.log")" 0
	oxctl logs web | grep -q hello
}

@test "a log folder of root's within the user's, as an earlier version made it, is used as before" {
	given_talker "logs = { stdout = \"$place/home/logs/out.log\", max_size_mb = \"1K\", max_files = 2 }"
	say before
	eventually 5 has_line logs/out.log before
	assert_equal "$(owner logs logs/out.log)" "0 0"
	sed -i "s/^command/user = \"65533\"\ngroup = \"65533\"\n&/" "$place/oxfile.toml"
	oxctl deploy -c "$place/oxfile.toml" >/dev/null
	say after
	eventually 5 has_line logs/out.log after
	for _ in 1 2 3 4; do
		say "$(head -c 700 /dev/zero | tr '\0' x)"
	done
	say last
	eventually 5 has_line logs/out.log last
	sed -i "s/max_files = 2/max_files = 0/" "$place/oxfile.toml"
	oxctl deploy -c "$place/oxfile.toml" >/dev/null
	for _ in 1 2 3; do
		say "$(head -c 700 /dev/zero | tr '\0' y)"
	done
	say end
	eventually 5 has_line logs/out.log end
	assert_equal "$(status_field web:0 log_dropped_bytes)" 0
}

@test "a log of root's in the user's own folder, as an earlier version made it, is kept as a part, and the next is the user's" {
	echo before >out.log
	chmod 640 out.log
	given_talker "$as_bob
		log_file = \"$place/home/out.log\""
	say after
	eventually 5 has_line out.log after
	assert_equal "$(cat out.log.1)" before
	assert_equal "$(owner out.log.1 out.log)" "0 65533"
}

@test "a log in /tmp goes through nobody's link and into nobody's file" {
	shared=$(mktemp -d /tmp/oxherd-test-XXXXXX)
	chmod 1777 "$shared"
	as_stranger ln -s "$place/root/made" "$shared/link.log"
	as_stranger touch "$shared/theirs.log"
	as_stranger mkdir "$shared/folder"
	for log in link.log theirs.log folder/out.log; do
		given_talker "logs.stdout = \"$shared/$log\""
		eventually 5 dropped hello
		oxctl delete web >/dev/null
		rm "$place/feed"
	done
	nothing_has_changed
	assert_equal "$(find "$shared" -type f -size +0)" ""
	given_talker "logs.stdout = \"$shared/new.log\""
	say hello
	eventually 5 has_line "$shared/new.log" hello
	rm -rf "$shared"
}

@test "an env_file that is a link to root's file gives its user nothing, and nothing starts" {
	echo "TOKEN=of-root" >"$place/root/secret"
	as_user ln -s "$place/root/secret" .env
	cat >"$place/oxfile.toml" <<-TOML
		[processes.web]
		command = "env; exec sleep 1000"
		$as_bob
		env_file = "$place/home/.env"
	TOML
	run -2 oxctl start -c "$place/oxfile.toml" 3>&-
	assert_output --partial "cannot open '$place/home/.env': Permission denied (with the rights of user '65533')"
	as_user rm .env
	as_user mkdir shared
	as_user sh -c 'echo TOKEN=of-mine >shared/.env; ln -s shared/.env .env'
	oxctl start -c "$place/oxfile.toml" --wait 3>&-
	eventually 5 has_written web:0 TOKEN=of-mine
}

@test "an env_file in a folder that only root can change is read by root for its user" {
	mkdir "$place/etc"
	(umask 077 && echo "TOKEN=for-web" >"$place/etc/web.env")
	cat >"$place/oxfile.toml" <<-TOML
		[processes.web]
		command = "env; exec sleep 1000"
		$as_bob
		env_file = "$place/etc/web.env"
	TOML
	oxctl start -c "$place/oxfile.toml" --wait 3>&-
	eventually 5 has_written web:0 TOKEN=for-web
}

@test "an upstream file that is a link of the app's user is not written through" {
	as_user ln -s "$place/root/made" up.conf
	cat >"$place/oxfile.toml" <<-TOML
		[processes.web]
		command = "exec sleep 1000"
		port = $(port_block)
		ready = "alive"
		$as_bob
		nginx = { output = "$place/home/up.conf", test = "true", reload = "true" }
	TOML
	oxctl start -c "$place/oxfile.toml" 3>&-
	eventually 5 sh -c 'oxctl events | grep -q "up.conf"'
	nothing_has_changed
	[ ! -e "$place/root/made" ]
}

@test "what the daemon learns of a build it reads with the user's rights" {
	printf '%040d\n' 7 >"$place/root/secret"
	before=$(digest)
	as_user mkdir -p .git/refs
	as_user ln -s "$place/root/secret" .git/HEAD
	as_user ln -s "$place/root" hidden
	cat >"$place/oxfile.toml" <<-TOML
		[processes.web]
		command = "sh -c 'exec sleep 1000' hidden/secret"
		working_dir = "$place/home"
		$as_bob
	TOML
	oxctl start -c "$place/oxfile.toml" --wait 3>&-
	oxctl deploy -c "$place/oxfile.toml" || :
	oxctl stop web
	run grep -rl -e "$(printf %040d 7)" -e "$place/root/secret" "$OXHERD_HOME/state"
	assert_output ""
	nothing_has_changed
}

@test "a .git that a stranger has made above root's app is read with that stranger's rights" {
	printf '%040d\n' 7 >"$place/root/secret"
	before=$(digest)
	mkdir -p "$place/open/app"
	chmod 1777 "$place/open"
	cat >"$place/oxfile.toml" <<-TOML
		[processes.web]
		command = "sleep 1000"
		working_dir = "$place/open/app"
	TOML
	cd "$place/open"
	as_stranger mkdir -p .git/refs
	as_stranger ln -s "$place/root/secret" .git/HEAD
	oxctl start -c "$place/oxfile.toml" --wait 3>&-
	oxctl stop web
	run grep -rl "$(printf %040d 7)" "$OXHERD_HOME/state"
	assert_output ""
	# What that user may read is the commit as ever.
	as_stranger rm .git/HEAD
	as_stranger sh -c 'printf "%040d\n" 8 >.git/HEAD'
	oxctl deploy -c "$place/oxfile.toml" 3>&-
	oxctl start web --wait
	eventually 5 grep -q "$(printf %040d 8)" "$OXHERD_HOME/state/state"
	nothing_has_changed
}
