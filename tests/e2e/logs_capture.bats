load ../lib/daemon

# A service that prints what is written into the pipe `feed`, and prints it whole.
echoes() {
	mkfifo "$BATS_TEST_TMPDIR/feed"
	start_oxherd <<-TOML
		[processes.echo]
		command = "while :; do cat feed; done"
		stop_timeout_ms = 500
		$(cat)
	TOML
	log=$OXHERD_HOME/log/echo-0-out.log
}

feed() {
	cat >"$BATS_TEST_TMPDIR/feed"
}

say() {
	printf '%s\n' "$1" | feed
}

# log_is FILE TEXT
log_is() {
	[ "$(cat "$1")" = "$2" ]
}

has_line() {
	grep -qxF -- "$2" "$1"
}

# All that was logged of one file, oldest first.
whole() {
	local n=1000
	while [ "$((n -= 1))" -gt 0 ]; do
		[ ! -e "$1.$n.gz" ] || gzip -dc "$1.$n.gz"
		[ ! -e "$1.$n" ] || cat "$1.$n"
	done
	cat "$1"
}

whole_is() {
	whole "$1" | cmp - "$2"
}

@test "2,000 lines in one burst and then exit 3, twenty times: every line is there, in order, and every last word" {
	begin_oxherd <<-TOML
		[processes.burst]
		command = "echo x >>runs; n=\$(wc -l <runs); [ \$n -le 20 ] || exec sleep 1000; seq -f \"\$n-%05g a line of some length, as people print them\" 2000; echo last words of \$n >&2; exit 3"
		restart = "always"
		restart_delay_ms = 1
		restart_delay_max_ms = 5
	TOML
	eventually 20 state_is burst:0 running
	eventually 5 grep -qx "last words of 20" "$OXHERD_HOME/log/burst-0-err.log"
	for n in $(seq 20); do
		seq -f "$n-%05g a line of some length, as people print them" 2000
	done | cmp - "$OXHERD_HOME/log/burst-0-out.log"
	seq -f "last words of %g" 20 | diff - "$OXHERD_HOME/log/burst-0-err.log"
}

@test "a log is rotated while it is written: no line is torn, lost or doubled, and only max_files are kept" {
	echoes <<-TOML
		logs = { max_size_mb = 1, max_files = 3 }
	TOML
	seq -f "%09g line of a log that is rotated again and again" 60000 >expected
	feed <expected
	eventually 10 has_line "$log" "$(tail -n 1 expected)"
	[ -e "$log.2" ] && [ ! -e "$log.4" ]
	whole_is "$log" expected
	for file in "$log" "$log".?; do
		# The line at its end is finished first.
		[ "$(stat -c %s "$file")" -le 1048676 ]
		[ -z "$(tail -c 1 "$file" | tr -d '\n')" ]
		[ -e "$OXHERD_HOME/log/.${file##*/}.marks" ]
	done
	feed <expected
	eventually 10 test -e "$log.3"
	feed <expected
	eventually 10 eval '[ "$(cat "$log" | tail -n 1)" = "$(tail -n 1 expected)" ]'
	[ ! -e "$log.4" ] && [ ! -e "$OXHERD_HOME/log/.${log##*/}.4.marks" ]
}

@test "rotated logs are compressed, and hold the same" {
	echoes <<-TOML
		logs = { max_size_mb = 1, max_files = 9, compress = true }
	TOML
	seq -f "%09g line of a log that is compressed" 80000 >expected
	feed <expected
	eventually 10 has_line "$log" "$(tail -n 1 expected)"
	eventually 10 test -e "$log.2.gz"
	eventually 10 test ! -e "$log.1"
	eventually 10 test ! -e "$log.2"
	gzip -t "$log".?.gz
	whole_is "$log" expected
	[ -z "$(find "$OXHERD_HOME/log" -name '*.part')" ]
}

@test "max_size_mb = 0 never rotates" {
	echoes <<-TOML
		logs.max_size_mb = 0
	TOML
	seq -f "%09g line" 120000 | feed
	eventually 10 has_line "$log" "000120000 line"
	[ ! -e "$log.1" ]
}

@test "date_format puts the time before each line, in strftime's letters or as words" {
	mkfifo feed
	start_oxherd <<-'TOML'
		[processes.letters]
		command = "printf 'one\ntwo\n\nfour'; exec sleep 1000"
		logs.date_format = "%Y-%m-%dT%H:%M:%S.%L%z"
		[processes.words]
		command = "printf 'one\ntwo\n\nfour'; exec sleep 1000"
		log_date_format = "YYYY-MM-DD HH:mm:ss"
	TOML
	eventually 5 grep -q four "$OXHERD_HOME/log/letters-0-out.log"
	eventually 5 grep -q four "$OXHERD_HOME/log/words-0-out.log"
	sed -E 's/^[0-9]{4}-[0-9]{2}-[0-9]{2}T([0-9]{2}:){2}[0-9]{2}\.[0-9]{3}\+0000: /T /' \
		"$OXHERD_HOME/log/letters-0-out.log" | cmp - <(printf 'T one\nT two\nT \nT four')
	sed -E 's/^[0-9]{4}-[0-9]{2}-[0-9]{2} ([0-9]{2}:){2}[0-9]{2}: /T /' \
		"$OXHERD_HOME/log/words-0-out.log" | cmp - <(printf 'T one\nT two\nT \nT four')
}

@test "a line that is printed in pieces has one time, also when the brain is killed between them" {
	echoes <<-TOML
		logs.date_format = "[T]"
	TOML
	printf 'first ' | feed
	eventually 5 log_is "$log" "T: first "
	old=$(brain_pid)
	kill -KILL "$old"
	printf 'second\nthird\n' | feed
	eventually 5 log_is "$log" "$(printf 'T: first second\nT: third')"
}

@test "several instances with a named file write a file each, one instance or merge = true the file itself" {
	start_oxherd <<-'TOML'
		[defaults]
		command = "echo out $OXHERD_INSTANCE; echo err $OXHERD_INSTANCE >&2; exec sleep 1000"
		[processes.each]
		instances = 2
		logs = { stdout = "logs/each.out.log", stderr = "logs/errors" }
		[processes.both]
		instances = 2
		logs = { combined = "logs/.both" }
		[processes.merged]
		instances = 2
		logs = { stdout = "logs/merged.log", merge = true }
		[processes.one]
		logs = { stdout = "logs/one.log" }
	TOML
	for n in 0 1; do
		eventually 5 log_is "logs/each.out-$n.log" "out $n"
		eventually 5 log_is "logs/errors-$n" "err $n"
		eventually 5 has_line "logs/.both-$n" "err $n"
		eventually 5 has_line logs/merged.log "out $n"
	done
	eventually 5 log_is logs/one.log "out 0"
	assert_equal "$(cd logs && echo ./* .both*)" \
		"./each.out-0.log ./each.out-1.log ./errors-0 ./errors-1 ./merged.log ./one.log .both-0 .both-1"
	run -0 oxctl logs each:1
	assert_output --partial "out 1"
	# What is scaled up gets numbers too; what runs keeps its file.
	oxctl scale one 2
	eventually 5 log_is logs/one-1.log "out 1"
	log_is logs/one.log "out 0"
}

@test "both outputs and all instances may share one file, and no line is torn" {
	start_oxherd <<-'TOML'
		[processes.both]
		command = "for n in $(seq 3000); do echo out $n $OXHERD_INSTANCE; echo err $n $OXHERD_INSTANCE >&2; done; exec sleep 1000"
		instances = 3
		logs = { combined = "logs/new folder/both.log", merge = true }
		[processes.merged]
		command = "seq -f \"$OXHERD_INSTANCE %g\" 5000; exec sleep 1000"
		instances = 3
		logs.merge = true
	TOML
	together="logs/new folder/both.log"
	eventually 10 eval '[ "$(wc -l <"$together")" = 18000 ]'
	for i in 0 1 2; do
		for word in out err; do
			seq -f "$word %g $i" 3000 | diff - <(grep "^$word .* $i\$" "$together")
		done
		eventually 5 has_line "$OXHERD_HOME/log/merged-out.log" "$i 5000"
		seq -f "$i %g" 5000 | diff - <(grep "^$i " "$OXHERD_HOME/log/merged-out.log")
	done
	[ "$(wc -l <"$OXHERD_HOME/log/merged-out.log")" = 15000 ]
}

@test "a log that is deleted, moved or emptied is made again" {
	echoes <<<""
	say one
	eventually 5 log_is "$log" one
	rm "$log"
	written_again() {
		say "$1"
		[ -e "$log" ] && has_line "$log" "$1"
	}
	eventually 5 written_again two
	mv "$log" "$log.moved"
	eventually 5 written_again three
	has_line "$log.moved" two
	: >"$log"
	say four
	eventually 5 has_line "$log" four
	# No hole where the old bytes were.
	[ "$(tr -d '\0' <"$log" | wc -c)" = "$(stat -c %s "$log")" ]
	rm -r "$OXHERD_HOME/log"
	eventually 5 written_again five
	daemon_log() { cat "$OXHERD_HOME/log/oxherd.log" 2>/dev/null; }
}

@test "a folder in the place of a log: what is printed is counted, and the log says so when it is a file again" {
	echoes <<<""
	say one
	eventually 5 log_is "$log" one
	rm "$log"
	mkdir "$log"
	refused() {
		say refused
		[ "$(status_field echo:0 log_dropped_bytes)" -gt 0 ]
	}
	eventually 5 refused
	oxctl events | grep -q "cannot write to '$log': Is a directory"
	rmdir "$log"
	eventually 5 grep -q 'bytes were dropped here: Is a directory\]$' "$log"
	say again
	eventually 5 has_line "$log" again
	oxctl events | grep -q "writes to '$log' again; [0-9]* bytes were dropped"
	[ "$(oxctl events | grep -c "cannot write to")" = 1 ]
	state_is echo:0 running
}

@test "a log may be a device or a pipe that nobody reads: nothing blocks, and nobody dies" {
	mkfifo nobody
	start_oxherd <<-TOML
		[processes.device]
		command = "seq 1000; seq 1000 >&2; echo done >said; exec sleep 1000"
		logs = { stdout = "/dev/null", stderr = "/dev/stdout" }
		[processes.pipe]
		command = "seq 100000; echo done >said2; exec sleep 1000"
		logs.stdout = "nobody"
		[processes.full]
		command = "seq 100000; echo done >said3; exec sleep 1000"
		logs.stdout = "/dev/full"
	TOML
	for file in said said2 said3; do
		eventually 5 test -s "$file"
	done
	state_is pipe:0 running
	eventually 5 at_least pipe:0 log_dropped_bytes 588895
	eventually 5 at_least full:0 log_dropped_bytes 588895
	oxctl events | grep -q "cannot write to '/dev/full': No space left on device"
	exec 7<>nobody
	eventually 5 grep -q "588895 bytes were dropped here" <(timeout 3 head -n 1 <&7)
	exec 7>&-
	[ "$(oxctl daemon status --json | json_field log_bytes_dropped)" -ge 1177790 ]
}

@test "a log folder that is full: the service keeps running, the drop is counted and reported, and the log continues when there is room" {
	mkdir small
	mkfifo feed
	given_oxfile <<-TOML
		[processes.echo]
		command = "while :; do cat $PWD/feed; done"
		stop_timeout_ms = 500
		logs = { stdout = "$PWD/small/echo.log", max_files = 0, max_size_mb = 0 }
	TOML
	unshare -m sh -c 'mount -t tmpfs -o size=4m none small && oxctl start --wait' 3>&-
	small=/proc/$(brain_pid)/root$PWD/small
	seq -f "%07g a line for a disk that is too small" 200000 >lines
	timeout 20 cat lines >feed
	eventually 5 at_least echo:0 log_dropped_bytes 4000000
	dropped=$(status_field echo:0 log_dropped_bytes)
	state_is echo:0 running
	oxctl events | grep -q "cannot write to .*: No space left on device"
	head -n 90000 lines | cmp - <(head -n 90000 "$small/echo.log")
	kept=$(stat -c %s "$small/echo.log")
	[ $((kept + dropped)) = "$(stat -c %s lines)" ]
	: >"$small/echo.log"
	eventually 5 has_line "$small/echo.log" "[oxherd: $dropped bytes were dropped here: No space left on device]"
	echo "there is room" >feed
	eventually 5 has_line "$small/echo.log" "there is room"
	oxctl why echo:0 | grep -q "again; $dropped bytes were dropped"
}

@test "NUL bytes, invalid UTF-8 and a line of five megabytes change nothing but the log's content" {
	echoes <<-TOML
		logs.max_size_mb = 100
	TOML
	{
		printf 'a\0b\n\xff\xfe\x80 \xf0\x9f\n\033[31mred\033]0;title\007\n'
		head -c 5000000 /dev/zero | tr '\0' x
		printf '\nend\n'
	} >expected
	feed <expected
	eventually 10 eval '[ "$(stat -c %s "$log")" = "$(stat -c %s expected)" ]'
	cmp expected "$log"
	state_is echo:0 running
	oxctl status --json >/dev/null
}

@test "a line without end is cut when its file is over the limit, and not a byte is missing" {
	echoes <<-TOML
		logs = { max_size_mb = 1, max_files = 9 }
	TOML
	head -c 6000000 /dev/zero | tr '\0' y >expected
	echo >>expected
	feed <expected
	eventually 10 whole_is "$log" expected
	[ -e "$log.2" ]
}

@test "what is printed on the way out is in the log: at a stop, a restart, and when the daemon stops" {
	start_oxherd <<-'TOML'
		[processes.bye]
		command = "trap 'seq 500; echo bye; exit 0' TERM; echo hello; while :; do sleep 1000 & wait; done"
	TOML
	log=$OXHERD_HOME/log/bye-0-out.log
	eventually 5 has_line "$log" hello
	oxctl restart bye
	eventually 5 eval '[ "$(grep -cx hello "$log")" = 2 ]'
	oxctl stop bye
	[ "$(grep -cx bye "$log")" = 2 ]
	oxctl start
	eventually 5 eval '[ "$(grep -cx hello "$log")" = 3 ]'
	oxctl daemon stop
	[ "$(grep -cx bye "$log")" = 3 ]
	[ "$(grep -cx 500 "$log")" = 3 ]
}

@test "a brain that is killed in the middle of a flood loses no line, and doubles none" {
	echoes <<-TOML
		logs = { max_size_mb = 5, max_files = 100 }
	TOML
	seq -f "%09g a line of a flood, a little longer than the others are" 600000 >expected
	feed <expected 3>&- &
	for _ in $(seq 5); do
		old=$(brain_pid) || continue
		kill -KILL "$old" || continue
		eventually 10 new_brain "$old"
	done
	wait $!
	eventually 20 has_line "$log" "$(tail -n 1 expected)"
	whole_is "$log" expected
}

new_brain() {
	local now
	now=$(brain_pid) && [ -n "$now" ] && [ "$now" != "$1" ]
}
