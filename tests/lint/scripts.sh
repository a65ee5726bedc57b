#!/bin/sh
# Everything that a shell runs, judged by its linter: tests/lint/scripts.sh FILE…
set -u
bad=0
# check DIALECT EXCEPT FILE…
check() {
	dialect=$1 except=$2
	shift 2
	[ $# -eq 0 ] || printf '%s\n' "$@" | xargs -P "$(nproc 2>/dev/null || echo 2)" -n 4 \
		shellcheck --format=gcc --external-sources --shell="$dialect" --exclude="$except" || bad=1
}

sh='' bash='' bats=''
for file; do
	case $file in
	*.bats | *.bash) bats="$bats $file" ;;
	*)
		# The first line says which shell.
		case $(head -n 1 "$file") in
		*bash*) bash="$bash $file" ;;
		*) sh="$sh $file" ;;
		esac
		;;
	esac
done
# shellcheck disable=SC2086  # paths of the tree have no spaces
{
	check sh SC1091 $sh
	check bash SC1091 $bash
	# Each @test is a subshell on purpose, scripts in quotes are for `run bash -c`, and `run` sets
	# variables that the linter has not heard of.
	check bats SC1091,SC2016,SC2030,SC2031,SC2154,SC2317 $bats
}
exit "$bad"
