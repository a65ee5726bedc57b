#!/bin/sh
# Each header compiles alone, and its guard is its path: lib/base/buf.h has OX_BASE_BUF_H.
# tests/lint/headers.sh HEADER…, with CC and CPPFLAGS from the makefile.
set -u
[ $# -gt 0 ] || exit 0
bad=0

# shellcheck disable=SC2086  # the flags are several words
printf '%s\n' "$@" | xargs -P "$(nproc 2>/dev/null || echo 2)" -n 16 \
	"${CC:-cc}" ${CPPFLAGS:--Ilib -D_GNU_SOURCE} -std=c11 -Wall -Werror -Wno-unused -fsyntax-only -x c || bad=1

# The folders of tests/ share one space of names: tests/unit/unit.h may say OX_TESTS_UNIT_H.
awk '
FNR == 1 {
	judge()
	file = guard = short = FILENAME
	sub(/^lib\//, "", guard)
	gsub(/[^A-Za-z0-9]/, "_", guard)
	guard = "OX_" toupper(guard)
	sub(/[^\/]*\/[^\/]*$/, "", short)
	short = FILENAME ~ /^tests\// ? "OX_TESTS_" toupper(substr(FILENAME, length(short) + 1)) : guard
	sub(/^OX_TESTS_[^\/]*\//, "OX_TESTS_", short)
	gsub(/[^A-Z0-9]/, "_", short)
	asked = set = ""
}
/^#ifndef / && !asked	{ asked = $2 }
/^#define / && !set	{ set = $2 }
END { judge(); exit bad }
function judge() {
	if (file && (asked != set || (asked != guard && asked != short))) {
		printf "%s:1: the guard should be %s\n", file, guard
		bad = 1
	}
}' "$@" || bad=1
exit "$bad"
