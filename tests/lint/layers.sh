#!/bin/sh
# The floors: a room includes its own headers and those of lower floors, never a neighbour's.
# tests/lint/layers.sh [BUILD]: with a folder of built programs, what they link is looked at too.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:-}
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

# shellcheck disable=SC2046  # paths of the tree have no spaces
set -- $(find lib cmd -name '*.[ch]' -o -name '*.def' 2>/dev/null | sort)
[ $# -eq 0 ] || awk '
BEGIN {
	split("base 0 model 1 os 1 rules 2 view 2 export 2 wire 2 loop 2 spawn 3 logs 4 sense 4 gate 4 proxy 4 journal 4 herd 4 keeper 4 engine 5 control 6 cmd 7", rows, " ")
	for (i = 1; i in rows; i += 2)
		floor[rows[i]] = rows[i + 1]
	split("base model rules view export wire herd", rows, " ")
	for (i = 1; i in rows; i++)
		pure[rows[i]] = 1
	# Of the system headers, those that act rather than describe.
	acts = "^(ev|unistd|fcntl|signal|time|poll|pthread|spawn|dirent|sys/.*)\\.h$"
	# Headers that one place has to itself.
	only["ev.h"] = "^lib/loop/"
	only["cjson/cJSON.h"] = "^lib/base/json\\.c$"
	# Where one of them serves for its names only.
	names["lib/base/signal_name.c"] = "signal.h"
}
function say(words) { printf "%s:%d: %s\n", FILENAME, FNR, words }
FNR == 1 {
	split(FILENAME, path, "/")
	room = path[1] == "cmd" ? "cmd" : path[2]
	if (!(room in floor))
		say("no room is called \"" room "\"; the rooms stand in tests/lint/layers.sh")
}
/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
	quoted = $0 ~ /include[ \t]*"/
	name = $0
	sub(/^[^<"]*[<"]/, "", name)
	sub(/[>"].*/, "", name)
	split(name, step, "/")
	if (quoted) {
		if (index(name, "/") == 0) {
			if (room != "cmd")
				say("write the room too: \"" room "/" name "\"")
		} else if (!(step[1] in floor))
			say("\"" name "\" is in no room")
		else if (step[1] != room && floor[step[1]] >= floor[room])
			say(room " (floor " floor[room] ") must not include \"" name "\" (floor " floor[step[1]] ")")
		else if (room in pure && step[1] == "os")
			say(room " is pure and must not include \"" name "\"")
		next
	}
	if (room in pure && name ~ acts && name != names[FILENAME])
		say(room " is pure and must not include <" name ">")
	if (name in only && FILENAME !~ only[name])
		say("<" name "> is not for this file")
}' "$@" >"$out"

# links PROGRAM ROOMS LIBRARIES: no symbol of these rooms, and no library but these.
links() {
	program=$build/$1
	[ -x "$program" ] || return 0
	nm -g --defined-only "$program" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort >"$out.has"
	for room in $2; do
		[ -f "$build/lib/$room.a" ] || continue
		nm -g --defined-only "$build/lib/$room.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u |
			comm -12 - "$out.has" | sed "s|^|$program:0: links lib/$room: |" >>"$out"
	done
	rm -f "$out.has"
	ldd "$program" 2>/dev/null | awk -v p="$program" -v may=" $3 libc linux-vdso ld-linux-x86-64 ld-linux-aarch64 ld-musl-x86_64 " '{
		name = $1
		sub(/.*\//, "", name)
		sub(/\.so.*/, "", name)
		if (index(may, " " name " ") == 0)
			printf "%s:0: links %s\n", p, name
	}' >>"$out"
}

# alone ROOM BELOW...: all of the room links with what stands below it.
alone() {
	room=$1
	shift
	below=
	for name in "$@"; do
		below="$below $build/lib/$name.a"
	done
	[ -f "$build/lib/$room.a" ] || return 0
	# shellcheck disable=SC2086  # a list
	echo 'int main(void) { return 0; }' | ${CC:-cc} -x c - -x none -Wl,--whole-archive "$build/lib/$room.a" -Wl,--no-whole-archive \
		$below -lev -lcjson -lz -o "$out.alone" 2>&1 | sed -n "s|.*undefined reference to|lib/$room does not link alone:|p" | sort -u >>"$out"
	rm -f "$out.alone"
}

if [ -n "$build" ]; then
	for room in logs sense gate proxy journal; do
		alone $room spawn loop wire export view rules model os base
	done
	alone spawn loop wire export view rules model os base
	alone herd rules view export wire model base
	# Of the rules what needs no model.
	alone keeper rules wire os base
	links oxctl "engine journal proxy gate sense logs herd keeper spawn loop" "libcjson libm"
	links oxherd "control engine journal proxy gate sense logs herd spawn loop export view model" ""
	links oxherd-brain "keeper" "libev libcjson libz libm"
fi

cat "$out"
[ ! -s "$out" ]
