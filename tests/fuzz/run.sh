#!/usr/bin/env bash
# Runs every fuzz target of a folder for FUZZ_SECS seconds: tests/fuzz/run.sh build/fuzz [NAME…]
# Answers in TAP, a line per target.  What was learnt stays in FOLDER/corpus/NAME, and the inputs that
# broke something in FOLDER/findings, with the command that replays them.
set -u
here=$(dirname "$0")
folder=${1:?usage: run.sh FOLDER [NAME…]}
shift
export here folder FUZZ_SECS="${FUZZ_SECS:-600}"

# The longest that one input may take, in seconds, and the most memory, in MB.
export SLOW=10 MEMORY=2048

names() {
	local source
	for source in "$here"/fuzz_*.c; do
		source=${source##*/fuzz_}
		[ "$source" = '*.c' ] || echo "${source%.c}"
	done
}

fuzz_one() {
	local name=$1 program=$folder/fuzz_$1 log=$folder/$1.log found=$folder/findings rc=0 runs
	local -a more=()
	mkdir -p "$folder/corpus/$name" "$found"
	[ -d "$here/seeds/$name" ] && more+=("$here/seeds/$name")
	[ -f "$here/seeds/$name.dict" ] && more+=("-dict=$here/seeds/$name.dict")
	"$program" -max_total_time="$FUZZ_SECS" -timeout=$SLOW -rss_limit_mb=$MEMORY -print_final_stats=1 \
		-artifact_prefix="$found/$name-" "$folder/corpus/$name" "${more[@]}" >"$log" 2>&1 </dev/null || rc=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	if [ "$rc" -eq 0 ]; then
		echo "ok - fuzz $name: ${runs:-0} executions in $FUZZ_SECS s"
		return
	fi
	echo "not ok - fuzz $name: found something after ${runs:-?} executions"
	# Only the tail: before it are thousands of lines of progress.
	grep -vE '^#[0-9]+' "$log" | tail -n 60 | sed 's/^/# /'
	sed -n "s|^.*Test unit written to \(.*\)|# replay it: $program \1|p" "$log"
}
export -f fuzz_one

[ $# -gt 0 ] || readarray -t targets < <(names)
[ $# -eq 0 ] || targets=("$@")
[ "${#targets[@]}" -gt 0 ] || exit 0
echo "1..${#targets[@]}"
# An answer is printed whole: two targets run side by side.
fuzz_aside() {
	local answer
	answer=$(fuzz_one "$1")
	printf '%s\n' "$answer"
	[ "${answer#not ok}" = "$answer" ]
}
export -f fuzz_aside
# shellcheck disable=SC2016  # the inner shell expands it
printf '%s\n' "${targets[@]}" | xargs -P "${CORES:-2}" -I{} bash -c 'fuzz_aside "$1"' - {} || exit 1
