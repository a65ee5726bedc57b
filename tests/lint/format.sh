#!/bin/sh
# Is every file as clang-format writes it?  One line a file: its first difference.  `make reformat` mends.
set -u
[ $# -gt 0 ] || exit 0
clang-format --dry-run -Werror "$@" 2>&1 | awk -F: '
/^[^ :]+:[0-9]+:[0-9]+: / {
	if (!($1 in seen))
		printf "%s:%s: not as clang-format writes it (make reformat)\n", $1, $2
	seen[$1] = 1
	bad = 1
	next
}
# Anything else that it says at the start of a line is about itself.
/^[A-Za-z\/]/ && /rror/ { print; bad = 1 }
END { exit bad }'
