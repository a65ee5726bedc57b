# A private daemon for every test, on top of the words of common.bash.  At the top of a file:  load ../lib/daemon
#
#	@test "a service that ignores SIGTERM is killed after stop_timeout" {
#		start_oxherd <<-TOML
#			[processes.deaf]
#			command = "actor --ignore TERM"
#			stop_timeout_ms = 200
#		TOML
#		oxctl stop deaf
#		assert_logged "deaf:0: stopping -> stopped on died (SIGKILL)"
#	}
#
# Whatever a test starts is in a folder of its own and is gone when the test ends; an error in the daemon's log that was
# not announced with expect_error fails the test.
load "${BASH_SOURCE[0]%/*}/common.bash"

# actor and hello are found by their names.
PATH=$OXHERD_BUILD/tests:$OXHERD_BUILD/examples/hello:$PATH

setup() {
	daemon_place
}

teardown() {
	stop_oxherd
}

daemon_place() {
	private_place
	# A socket's path ends at 107 bytes; the folder of a test may be deep.
	if [ ${#OXHERD_HOME} -gt 80 ]; then
		OXHERD_HOME=$(mktemp -d /tmp/oxherd-test-XXXXXX)/herd
	fi
	# By this every process that a test has started is found again, wherever it hides.
	export OX_TEST=$OXHERD_HOME
	expected_errors=()
}

# start_oxherd [OPTION…] <<TOML: an oxfile from standard input, and all of it up and ready, unless options say otherwise.
start_oxherd() {
	[ $# -gt 0 ] || set -- --wait
	given_oxfile
	oxctl start "$@" 3>&-
}

# The same, without waiting for anything to be ready.
begin_oxherd() {
	start_oxherd --json >/dev/null
}

keeper_pid() {
	oxctl daemon status --json | json_field pid
}

brain_pid() {
	oxctl daemon status --json | json_field brain_pid
}

# Every process that was started by this test and lives, whichever its parent is now.
leftovers() {
	local file
	env -u OX_TEST grep -lsz "^OX_TEST=$OX_TEST\$" /proc/[0-9]*/environ | while read -r file; do
		file=${file#/proc/}
		echo "${file%/environ}"
	done
}

nothing_left() {
	[ -z "$(leftovers)" ]
}

# Only those of this test: others may run beside it.
children_named() {
	local pid count=0
	for pid in $(leftovers); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$1" ] || count=$((count + 1))
	done
	echo "$count"
}

no_children() {
	[ "$(children_named "$1")" = 0 ]
}

expect_error() {
	expected_errors+=(-e "$1")
}

unexpected_errors() {
	# Signals that a program gives to itself: the keeper starts the next brain, and nobody would know.
	grep -sE '^[^ ]+ (oxherd )?error|ERROR: [A-Za-z]*Sanitizer|runtime error|brain: pid [0-9]+ was ended by signal (4|5|6|7|8|11|31)$' \
		"$OXHERD_HOME/log/oxherd.log" |
		grep -vF "${expected_errors[@]:--e$'\1'}"
}

# The daemon and all that it ran are gone, and it had nothing to complain about.
stop_oxherd() {
	local pid bad=0
	oxctl daemon stop >/dev/null 2>&1 || bad=$?
	# 3: there is none.
	[ "$bad" = 0 ] || [ "$bad" = 3 ] || echo "oxctl daemon stop: exit code $bad"
	[ "$bad" != 3 ] || bad=0
	if ! eventually 5 nothing_left; then
		for pid in $(leftovers); do
			echo "left behind: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
			kill -KILL "$pid"
		done
		bad=1
	fi
	if unexpected_errors; then
		bad=1
	fi
	# Shown by bats only when the test has failed.
	tail -n 60 "$OXHERD_HOME/log/oxherd.log" 2>/dev/null | sed 's/^/log: /'
	case $OXHERD_HOME in /tmp/oxherd-test-*) rm -rf "${OXHERD_HOME%/herd}" ;; esac
	return "$bad"
}

# open_place: a folder that other users can reach, as bats' own they cannot; the daemon and the test are in it.
open_place() {
	[ "$(id -u)" = 0 ] || skip "only root can act as another user"
	place=$(mktemp -d /tmp/oxherd-test-XXXXXX)
	chmod 711 "$place"
	export OXHERD_HOME=$place/herd OX_TEST=$place/herd
	cd "$place" || return
	others=() # processes of the test's own, which close_place ends
}

close_place() {
	[ -z "${others[*]-}" ] || kill -KILL "${others[@]}" 2>/dev/null || true
	stop_oxherd || return
	[ -z "${place-}" ] || rm -rf "$place"
}

# json_field NAME: the first field of this name on standard input, as oxctl prints JSON: a field a line.
json_field() {
	sed -n "s/^ *\"$1\": \"\{0,1\}\(.*[^,\"]\)\"\{0,1\},\{0,1\}\$/\1/p" | sed -n 1p
}

# status_field api:2 restarts; of the reason its text
status_field() {
	local field=$2
	[ "$field" != reason ] || field=text
	oxctl status "$1" --json | sed -n '/"processes"/,$p' | json_field "$field"
}

# field_is api:2 restarts 1
field_is() {
	[ "$(status_field "$1" "$2")" = "$3" ]
}

# at_least api:2 crashes 3
at_least() {
	[ "$(status_field "$1" "$2")" -ge "$3" ]
}

state_is() {
	field_is "$1" status "$2"
}

# reason_has api:2 WORDS: is this among what status says about why it is as it is?
reason_has() {
	status_field "$1" reason | grep -qF -- "$2"
}

# app_field api ready
app_field() {
	oxctl status "$1" --json | sed -n '/"apps"/,/"processes"/p' | json_field "$2"
}

pid_of() {
	status_field "$1" pid
}

# has_uptime api:2 0.5: has its process run for so many seconds?
has_uptime() {
	awk -v is="$(status_field "$1" uptime_secs)" -v least="$2" 'BEGIN { exit is == "null" || is < least }'
}

# A process, and not what the kernel keeps of one that nobody has reaped.
is_alive() {
	local state
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
	[ -n "$state" ] && [ "$state" != Z ]
}

is_gone() {
	! is_alive "$1"
}

port_of() {
	status_field "$1" port
}

# pids api: a line "api:0 4102" for each instance.
pids() {
	oxctl status "$1" --json | sed -n '/"processes"/,$p' |
		sed -n 's/^ \{6\}"id": "\(.*\)",$/\1/p; s/^ \{6\}"pid": \(.*\),$/\1/p' | paste -d ' ' - -
}

# ports api: the port of each instance, in one line.
ports() {
	oxctl status "$1" --json | sed -n '/"processes"/,/^  \]/p' | sed -n 's/^ \{6\}"port": \(.*\),$/\1/p' | xargs
}

daemon_log() {
	cat "$OXHERD_HOME/log/oxherd.log"
}

is_logged() {
	daemon_log | grep -qF -- "$1"
}

# What status tells already may be on its way to the log for a moment.
assert_logged() {
	eventually 5 is_logged "$1" || {
		echo "not in the daemon's log: $1"
		return 1
	}
}

refute_logged() {
	! is_logged "$1" || {
		echo "in the daemon's log: $1"
		return 1
	}
}

# output_of api:2 [err]: what the instance has written so far.
output_of() {
	cat "$OXHERD_HOME/log/${1/:/-}-${2:-out}.log"
}

# has_written api:2 WORDS
has_written() {
	output_of "$1" | grep -qF -- "$2"
}

# answers PORT WORDS: does http://127.0.0.1:PORT answer with these?
answers() {
	curl -sf --max-time 2 "http://127.0.0.1:$1/" | grep -qF -- "$2"
}

now_ms() {
	local us=${EPOCHREALTIME/[.,]/}
	echo "${us%???}"
}

# took LOW HIGH COMMAND…: does it, and in so many milliseconds?
took() {
	local low=$1 high=$(($2 * ${OX_PATIENCE:-1})) begun ms
	shift 2
	begun=$(now_ms)
	"$@" || return
	ms=$(($(now_ms) - begun))
	if [ "$ms" -lt "$low" ] || [ "$ms" -gt "$high" ]; then
		echo "$* took $ms ms"
		return 1
	fi
}

# Ports that something listens on, in hexadecimal, one a line.
busy_ports() {
	awk '$4 == "0A" { sub(/.*:/, "", $2); print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# port_block [N]: the first of N ports in a row that nobody has now, below those that the kernel gives out by itself.  Files of tests that
# run side by side have ranges of their own, by OX_LANE: a number from 0, that tests/run.sh gives each of those that run at a time.
port_block() {
	local count=${1:-1} lane=$((${OX_LANE:-0} % 6)) first base port taken
	first=$((18000 + lane * 2400))
	taken=$(busy_ports)
	for ((base = first + BASHPID * 16 % 2400; ; base += 16)); do
		[ $((base + count)) -le $((first + 2400)) ] || base=$first
		for ((port = base; port < base + count; port++)); do
			case $taken in *"$(printf %04X "$port")"*) continue 2 ;; esac
		done
		echo "$base"
		return
	done
}

# hold_port PORT: a stranger listens on it, until release_port.
hold_port() {
	python3 -m http.server --bind 127.0.0.1 "$1" >/dev/null 2>&1 3>&- &
	holder=$!
	eventually 10 port_is_busy "$1"
}

release_port() {
	kill "$holder"
	wait "$holder" 2>/dev/null || :
}

port_is_busy() {
	busy_ports | grep -qx "$(printf %04X "$1")"
}
