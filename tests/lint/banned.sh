#!/bin/sh
# What the house does not use, each with what it uses instead.  Comments and strings do not count.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

# A row: the functions | the files that are judged | the files that may | what to do instead.
rows='
sprintf vsprintf strcpy strcat stpcpy gets | . | ^$ | use base/buf.h
atoi atol atoll atof | . | ^$ | use base/str.h, which tells a bad number
strtok | . | ^$ | use base/str.h
gmtime localtime asctime ctime | . | ^$ | use the _r form, in lib/os/clock.c
system popen | . | ^$ | nothing is run through a shell behind the back of the keeper
malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf | ^(lib|cmd)/ | ^lib/base/(mem|json)\.c$ | use base/mem.h
fork waitpid | ^(lib|cmd)/ | ^(lib/keeper/|cmd/oxctl/launch\.c$) | only the keeper forks and reaps, and oxctl the keeper
vfork posix_spawn posix_spawnp clone wait wait3 wait4 waitid kill killpg tgkill | ^(lib|cmd)/ | ^lib/keeper/ | only the keeper forks, reaps and kills
pidfd_send_signal | ^(lib|cmd)/ | ^(lib/keeper/|cmd/oxctl/daemon_paths\.c$) | only the keeper kills, and oxctl wakes up the keeper
'

code() {
	find lib cmd tests examples -name '*.[ch]' 2>/dev/null | sort
}

# shellcheck disable=SC2046  # paths of the tree have no spaces
ROWS=$rows awk '
BEGIN {
	n = split(ENVIRON["ROWS"], row, "\n")
	for (i = 1; i <= n; i++) {
		if (split(row[i], cell, / \| /) != 4)
			continue
		m = split(cell[1], word, " ")
		for (j = 1; j <= m; j++) {
			judged[word[j]] = cell[2]
			may[word[j]] = cell[3]
			instead[word[j]] = cell[4]
		}
	}
	call = "[A-Za-z_][A-Za-z0-9_]*[ \t]*\\("
}
function say(words) { printf "%s:%d: %s\n", FILENAME, FNR, words }
function length_of_file() {
	if (lines > 500)
		printf "%s:%d: over 500 lines: it holds two ideas, split it by idea\n", file, lines
}
# The line without its strings and comments; `inside` remembers a comment that goes on.
function code_of(text,    kept, end) {
	gsub(/\\./, "", text)
	kept = ""
	while (text != "") {
		if (inside) {
			end = index(text, "*/")
			if (!end)
				return kept
			text = substr(text, end + 2)
			inside = 0
		}
		# What starts first wins: a quote in a comment is no string.
		if (!match(text, /"[^"]*"|\047[^\047]*\047|\/\*|\/\/.*/))
			return kept text
		kept = kept substr(text, 1, RSTART - 1) " "
		inside = substr(text, RSTART, 2) == "/*"
		text = substr(text, RSTART + RLENGTH)
	}
	return kept
}
FNR == 1 { length_of_file(); inside = 0; file = FILENAME }
{ lines = FNR }
/^[ \t]*#[ \t]*if[ \t]+0/ { say("dead code: take it out") }
{
	text = code_of($0)
	while (match(text, call)) {
		before = RSTART > 1 ? substr(text, RSTART - 1, 1) : ""
		name = substr(text, RSTART, RLENGTH)
		sub(/[ \t]*\($/, "", name)
		text = substr(text, RSTART + RLENGTH)
		# A member of that name is somebody else: hands->kill(…).
		if ((name in judged) && before !~ /[.>]/ && FILENAME ~ judged[name] && FILENAME !~ may[name])
			say(name ": " instead[name])
	}
}
END { length_of_file() }' $(code) >"$out"

# Unfinished marks, in whatever is text.  In brackets, so that this file does not find itself.
grep -rnEI --exclude-dir=.git --exclude-dir=build --exclude='*.md' \
	'(^|[^A-Za-z])(TO[D]O|FIX[M]E|X[X]X|HA[C]K)([^A-Za-z]|$)' . | sed 's|^\./||' >>"$out"

# A test that sleeps hopes; one that waits for a condition knows.
grep -nE '^[[:space:]]*sleep [0-9.]+' tests/*/*.bats examples/*/*.bats /dev/null 2>/dev/null |
	sed 's/$/  (wait for a condition: eventually)/' >>"$out"

cat "$out"
[ ! -s "$out" ]
