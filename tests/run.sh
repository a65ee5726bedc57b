#!/usr/bin/env bash
# Runs suites of tests and counts: tests/run.sh SUITE…, from the top of the tree (`make check` and
# `make test` do).  A suite is a function below; each of them answers in TAP, whatever it runs, so that
# one place does the counting.  A line per suite, failures in full, `N passed, N failed` at the end.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

OUT=${OUT:-build}
MAKE=${MAKE:-make}
CORES=${CORES:-$(nproc 2>/dev/null || echo 2)}
FUZZ_SECS=${FUZZ_SECS:-10}
TOML_TEST=${TOML_TEST:-../shared/toml-test}
# The longest that one program or one file of tests may take, in seconds.
LIMIT=${LIMIT:-300}
# Options of make whenever something is built into OUT.
SETTINGS=()

passed=0 failed=0 skipped=0
scratch=$(mktemp -d) || exit 1
trap '[ -z "$helper" ] || kill -- -"$helper"; rm -rf "$scratch"' EXIT
# An interrupt ends everything, not only the suite at hand.
trap 'exit 130' INT TERM

# --- pieces that suites are made of ------------------------------------------------------------------

# one TITLE COMMAND…: a command that is a test by itself; its output is shown if it fails.
one() {
	local title=$1 rc=0
	shift
	"$@" >"$scratch/one" 2>&1 </dev/null || rc=$?
	case $rc in
	0) echo "ok 1 - $title" ;;
	77) echo "ok 1 - $title # SKIP $(tail -n 1 "$scratch/one")" ;;
	*)
		echo "not ok 1 - $title (exit status $rc)"
		sed 's/^/# /' "$scratch/one"
		;;
	esac
	return "$rc"
}

# make with as many jobs as there are cores, unless a make above us shares out its own; without the
# lines of what went well.
build() {
	local jobs=-j$CORES
	case ${MAKEFLAGS-} in *jobserver*) jobs='' ;; esac
	# shellcheck disable=SC2086  # no word at all if there is nothing to say
	$MAKE --no-print-directory -s -k -O $jobs "$@" 2>&1 | sed '/^  [A-Z]\+ /d'
}

# tap FILE COMMAND…: the command's own TAP, and a failure more if it ended badly without saying so.
tap() {
	local file=$1 rc=0
	shift
	# The braces keep the shell's own remark on a crash out of the way; ours names the file.
	{ timeout -k 5 "$LIMIT" "$@" >"$scratch/tap" 2>&1 </dev/null; } 2>/dev/null || rc=$?
	cat "$scratch/tap"
	awk -v rc="$rc" -v file="$file" '
		/^1\.\.[0-9]+/	{ planned += substr($1, 4) }
		/^(not )?ok /	{ seen++ }
		/^not ok / && !/# *[Ss][Kk][Ii][Pp]/ { bad++ }
		END {
			if (rc == 124 || rc == 137)
				print "not ok - " file ": took too long and was stopped"
			else if (rc && !bad)
				print "not ok - " file ": exit status " rc " after " seen + 0 " of " planned + 0 " tests"
			else if (seen < planned || !seen)
				print "not ok - " file ": only " seen + 0 " of " planned + 0 " tests ran"
		}' "$scratch/tap"
}

# A suite that waits for daemons leaves most of the machine unused, and one that compiles leaves none of it.  So what later suites build is
# built meanwhile, with what the others leave over; they find it done, and what it has to say they say.
helper=

# A session of its own, at the end of the queue, as the kernel may share the processor between sessions first.
suite_ahead() {
	# shellcheck disable=SC2016  # the inner shell expands it
	setsid sh -c 'echo 19 >/proc/self/autogroup; renice -n 19 $$; chrt -i -p 0 $$; exec "$@"' - \
		"$MAKE" -k OUT="$OUT" ahead >/dev/null 2>&1 </dev/null &
	helper=$!
}

joined() {
	[ -z "$helper" ] || wait "$helper"
	helper=
}

# units DIR NAME=VALUE…: builds with these settings, then runs every unit test there, as many at a time as there are cores.
units() {
	local dir=$1 source program built=yes
	local -a programs=()
	shift
	one "everything builds ($dir)" build OUT="$dir" "$@" all unit || built=no
	for source in tests/unit/test_*.c; do
		program=$dir/tests/$(basename "$source" .c)
		# What did not build now must not be judged by what was built earlier.
		if [ $built = yes ] || $MAKE -s -q OUT="$dir" "$@" "$program" 2>/dev/null; then
			programs+=("$program")
		else
			echo "not ok - $source: did not build"
		fi
	done
	[ ${#programs[@]} -eq 0 ] || CMOCKA_MESSAGE_OUTPUT=TAP beside "$CORES" env "${programs[@]}"
}

# beside JOBS PROGRAM FILE…: a program for each of these files, JOBS at a time, each answer kept whole; OX_LANE is a number from 0 that no
# other has of those that run at the same time.  Promises about time cannot always be kept beside others on a machine with few cores: a
# file that failed there is judged by a run of its own, once, after the rest; what it said the first time is shown, whatever comes of it.
beside() {
	local dir=$scratch/beside jobs=$1 program=$2 file
	local -a again=()
	export LIMIT
	shift 2
	rm -rf "$dir"
	mkdir "$dir"
	# shellcheck disable=SC2016  # the inner shell expands these
	printf '%s\n' "$@" | dir=$dir program=$program xargs --process-slot-var=OX_LANE -P "$jobs" -I{} bash -c '
		timeout -k 5 "$LIMIT" $program "$1" >"$dir/${1//\//-}.tap" 2>&1 </dev/null
		echo $? >"$dir/${1//\//-}.rc"' - {}
	for file; do
		# shellcheck disable=SC2016
		tap "$file" sh -c 'cat "$1.tap"; exit "$(cat "$1.rc")"' - "$dir/${file//\//-}" >"$scratch/answer"
		if [ "$jobs" -gt 1 ] && grep -q '^not ok ' "$scratch/answer"; then
			again+=("$file")
			echo "# again, alone: $file, which had failed beside others:"
			grep -vE '^ok |^1\.\.' "$scratch/answer" | sed 's/^#* */#     /'
		else
			cat "$scratch/answer"
		fi
	done
	for file in "${again[@]}"; do
		# shellcheck disable=SC2086  # a program and its options
		tap "$file" $program "$file"
	done
}

# bats_files BUILD JOBS FILE…
bats_files() {
	OXHERD_BUILD=$(realpath -m "$1")
	export OXHERD_BUILD
	beside "$2" "bats --tap" "${@:3}"
}

# folder JOBS GLOB-MATCHES…: the programs, then the bats files of a folder; nothing if it has none.
folder() {
	[ -e "$2" ] || return 0
	one "the programs build ($OUT)" build OUT="$OUT" "${SETTINGS[@]}" e2e-programs || return
	bats_files "$OUT" "$@"
}

# sanitized SUITE: the suite with programs whose sanitizers watch; it gets more time.  What they report is a failure, in whichever program: a daemon
# that ended in the background and was started again says nothing in any test's own output.
sanitized() {
	local reports=$scratch/reports file
	local OUT=$OUT/address-undefined LIMIT=$((LIMIT * 3))
	local -a SETTINGS=('SAN=address,undefined' OPT=-O1)
	# What is preloaded to make calls fail stands before the sanitizer's own.
	local -x ASAN_OPTIONS=log_path=$reports/report:verify_asan_link_order=0
	local -x UBSAN_OPTIONS=print_stacktrace=1 OX_PATIENCE=4
	rm -rf "$reports"
	mkdir "$reports"
	# Services of other users report too.
	chmod 711 "$scratch"
	chmod 1777 "$reports"
	"suite_$1"
	for file in "$reports"/*; do
		[ -e "$file" ] || continue
		echo "not ok - $1: a sanitizer has a finding"
		sed 's/^/# /' "$file"
	done
}

# --- suites ------------------------------------------------------------------------------------------

suite_unit() {
	units "$OUT" "${SETTINGS[@]}"
}

suite_unit-clang() {
	units "$OUT/clang" CC=clang OPT=-O1
}

suite_cli() {
	folder "$CORES" tests/cli/*.bats
}

# One file at a time: two that are timed side by side would time each other.
suite_speed() {
	folder 1 tests/speed/*.bats
}

# Two files a core at a time (six at most), as most tests wait more than they compute, the long ones first; their ports are apart by OX_LANE.
# Apart from the rest, two at a time, are those that take or need what there is little of:
#   crowd, limits: a rate of requests, a share of the processor
#   ports: the ports from 3000 up, which the daemon gives out by itself
#   upstream: a machine on which nobody else's nginx reloads
suite_e2e() {
	local file
	local -a apart=(tests/e2e/{crowd,ports,upstream,limits}.bats) together=()
	while read -r file; do
		case " ${apart[*]} " in *" $file "*) ;; *) together+=("$file") ;; esac
	done < <(ls -S tests/e2e/*.bats)
	# What the load generator promises are rates; no daemon has a part in it.
	[ ${#SETTINGS[@]} -eq 0 ] || apart=("${apart[@]:1}")
	folder "$((CORES < 3 ? CORES * 2 : 6))" "${together[@]}"
	bats_files "$OUT" 2 "${apart[@]}"
}

# What members send, for the programs whose sanitizers watch: a mistake there may answer rightly all the same.
suite_attacks() {
	folder "$CORES" tests/e2e/attacks.bats
}

suite_examples() {
	folder 1 examples/*/*.bats
}

# programs TARGET PROGRAM…: make's target, then every one of these test programs, as many at a time as there are cores.
programs() {
	local target=$1
	shift
	one "everything builds ($target)" build OUT="$OUT" "${SETTINGS[@]}" "$target" || return
	CMOCKA_MESSAGE_OUTPUT=TAP beside "$CORES" env "$@"
}

# named FOLDER PLACE: the programs that tests/FOLDER/test_*.c are built into, in PLACE.
named() {
	local source
	for source in tests/"$1"/test_*.c; do
		echo "$OUT/$2/$(basename "$source" .c)"
	done
}

suite_keeper() {
	mapfile -t list < <(named keeper tests)
	programs keeper "${list[@]}"
}

suite_control() {
	mapfile -t list < <(named control control)
	programs control-tests "${list[@]}"
}

# The daemon under storm: kills, floods, a thousand instances, valgrind.  STORM_KILLS and the like make it longer.
# Two files at a time, but for those that measure a time or what wakes a daemon up.
suite_storm() {
	local file
	local -a alone=(tests/storm/{clients,idle,stops,thousand}.py) together=() others=(tests/storm/{storm,front}.py)
	# Sanitizers have no place under valgrind.
	[ ${#SETTINGS[@]} -eq 0 ] || others+=(tests/storm/leaks.py)
	one "the programs build" build OUT="$OUT" "${SETTINGS[@]}" e2e-programs || return
	for file in tests/storm/*.py; do
		case " ${others[*]} ${alone[*]} " in *" $file "*) ;; *) together+=("$file") ;; esac
	done
	OXHERD_BUILD=$OUT beside 2 python3 "${together[@]}"
	joined
	OXHERD_BUILD=$OUT beside 1 python3 "${alone[@]}"
}

# The same with more malice: both programs killed, also at a call of their own, and calls that fail.  TORTURE_KILLS and the like make it longer.
suite_torture() {
	local program
	one "the programs build" build OUT="$OUT" "${SETTINGS[@]}" torture-programs || return
	for program in tests/torture/*.py; do
		[ "$program" = tests/torture/torture.py ] ||
			OXHERD_BUILD=$OUT tap "${program#tests/}" python3 "$program"
	done
}

# Each seed is a test: SIM_SEEDS of them, SIM_STEPS steps each; a seed that fails replays with `make sim SEED=…`.
suite_sim() {
	local seed
	one "the simulated machine builds" build OUT="$OUT" "$OUT/sim" || return
	for seed in $(seq "${SIM_SEEDS:-10}"); do
		one "seed $seed, ${SIM_STEPS:-100000} steps" timeout -k 5 "$LIMIT" "$OUT/sim" "$seed" "${SIM_STEPS:-100000}" 1
	done
}

# The toml-test cases count one by one; the script's last line has the figures.
suite_toml-test() {
	local right=0 all=0
	[ -e tests/toml-test.sh ] || return 0
	one "toml-decode builds" build OUT="$OUT" "$OUT/toml-decode" || return
	one "toml-test" tests/toml-test.sh "$TOML_TEST" "$OUT/toml-decode" >"$scratch/toml"
	read -r right all < <(sed -n 's/^toml-test: \([0-9]*\) of \([0-9]*\) cases right$/\1 \2/p' "$scratch/one")
	seq -f 'ok %g - toml-test case' "${right:-0}"
	if [ "${right:-0}" -lt "${all:-0}" ]; then
		seq -f 'not ok - toml-test: wrong case %g' $((all - right))
		grep '^#' "$scratch/toml"
	elif [ "${all:-0}" -eq 0 ] || ! grep -q '^ok ' "$scratch/toml"; then
		cat "$scratch/toml"
	fi
}

suite_fuzz() {
	[ -n "$(find tests/fuzz -name 'fuzz_*.c' 2>/dev/null)" ] || return 0
	one "fuzz targets build" build OUT="$OUT" fuzz-build || return
	LIMIT=$((LIMIT + FUZZ_SECS * 20)) FUZZ_SECS=$FUZZ_SECS CORES=$CORES tap fuzz tests/fuzz/run.sh "$OUT/fuzz"
}

# lint:STEP, a step of `make lint`.
suite_lint() {
	one "$1" build OUT="$OUT" "$1"
}

# script:PATH, any other program: exit status 0 is a pass, 77 a skip.
suite_script() {
	one "$1" timeout -k 5 "$LIMIT" "$1"
}

# --- counting ----------------------------------------------------------------------------------------

# Prints "passed failed skipped" of a TAP stream.
tally() {
	awk '
		/^(not )?ok / && /# *[Ss][Kk][Ii][Pp]/	{ s++; next }
		/^ok /		{ p++ }
		/^not ok /	{ f++ }
		END		{ print p + 0, f + 0, s + 0 }' "$1"
}

# run_suite NAME[:ARGUMENT], or NAME-sanitized
run_suite() {
	local name=${1%%:*} log=$scratch/log started=$SECONDS p f s words
	local -a suite=("suite_$name" "${1#*:}")
	case $name in *-sanitized) name=${name%-sanitized} suite=(sanitized "$name") ;; esac
	if ! declare -F "suite_$name" >/dev/null; then
		echo "tests/run.sh: no suite '$name'" >&2
		failed=$((failed + 1))
		return
	fi
	case $1 in keeper | control | e2e | storm) ;; *) joined ;; esac
	"${suite[@]}" >"$log" 2>&1
	read -r p f s < <(tally "$log")
	[ $((p + f + s)) -gt 0 ] || return 0
	words="$p ok"
	[ "$f" -eq 0 ] || words+=", $f FAILED"
	[ "$s" -eq 0 ] || words+=", $s skipped"
	printf '%-20s %s (%d s)\n' "$1" "$words" $((SECONDS - started))
	grep -Ei '^(not )?ok .*# *skip' "$log" | sed -E 's/^(not )?ok [0-9]* *(- )?/    skipped: /'
	if [ "$f" -gt 0 ]; then
		grep -vE '^ok |^1\.\.|^# ok - ' "$log" | sed 's/^/    /'
	else
		sed -n '/^# again, alone: /,/^[^#]/s/^#/   /p' "$log"
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

for suite; do
	run_suite "$suite"
done

closing="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || closing+=", $skipped skipped"
echo "$closing"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
