#!/bin/sh
# One language: phrases that this project does not use, each with what it says instead, and names that things once had.
# Documents, manual pages and the change log are read, and of the code its messages, its comments and the titles of tests.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

# The rooms whose code speaks it by now.
ROOMS='lib/base lib/os lib/herd lib/keeper lib/engine lib/control lib/model lib/rules lib/view lib/export lib/wire lib/loop lib/spawn lib/logs lib/sense lib/proxy lib/journal cmd
	tests/actors tests/bench tests/cli tests/control tests/keeper tests/load tests/sim tests/storm'

# A row: the phrase, an expression over lower case with single blanks | what to say instead.
phrases='
(go|goes|going|went|gone) on | continue, keep running
(is|are|was|were|be|been|being) told | who says it, or what happens: "receives", "is stopped", "shows"
whoever | a noun: the user, the client, the caller
who leaves | an instance that is removed
(is|are|was|were|be|been) seen to | verified
in words | with an error, as a sentence
waits? for (a|no) word | waits for --continue or --abort
time (that was given )?is over | timed out, after that time
not done yet | timed out
forg(i|a)ven? | the crash count is cleared
forgives? | clear the crash count
(prove|proves|proved|proven) (itself|themselves) | is tested, is checked
(take|takes|took|taken) (its|their) places? | replaces
of one.?s own | your own, one per instance
'

files() {
	# shellcheck disable=SC2086  # a room is a word
	find ./*.md docs man packaging examples $ROOMS -type f ! -path '*/__pycache__/*' ! -name '*.svg' | sed 's|^\./||' | sort
}

# A phrase may be broken over two lines, so each is read with the end of the one before it.
# shellcheck disable=SC2046  # paths of the tree have no spaces
ROWS=$phrases awk '
BEGIN {
	n = split(ENVIRON["ROWS"], row, "\n")
	for (i = 1; i <= n; i++) {
		if (split(row[i], cell, / \| /) == 2) {
			count++
			phrase[count] = "(^|[^a-z])" cell[1] "([^a-z]|$)"
			instead[count] = cell[2]
		}
	}
}
FNR == 1 { before = "" }
{
	line = tolower($0)
	gsub(/^[ \t]*([*#]|\/\*|\/\/|\.\\")*[ \t]*/, "", line)
	gsub(/[ \t]+/, " ", line)
	both = before == "" ? line : before " " line
	for (i = 1; i <= count; i++)
		if (match(both, phrase[i]) && RSTART + RLENGTH > length(before) + 1)
			printf "%s:%d: \"%s\": rather %s\n", FILENAME, FNR, substr(both, RSTART, RLENGTH), instead[i]
	before = line
}' $(files) >"$out"

cat "$out"
[ ! -s "$out" ]
