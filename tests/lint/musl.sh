#!/bin/sh
# The products compile with musl's headers too, where this machine's library is another: tests/lint/musl.sh FILE…
set -u
[ $# -gt 0 ] || exit 0
case $(ldd --version 2>&1) in *musl*) exit 0 ;; esac
command -v musl-gcc >/dev/null || {
	echo "musl-gcc is not there; sh packaging/bootstrap.sh test installs it" >&2
	exit 1
}

# Of the other headers only those of the libraries and of the kernel.
others=$(mktemp -d) || exit 1
trap 'rm -rf "$others"' EXIT
for name in ev.h cjson zlib.h zconf.h linux asm asm-generic; do
	for dir in /usr/include /usr/include/*-linux-gnu* /usr/local/include; do
		[ ! -e "$dir/$name" ] || ln -sf "$dir/$name" "$others/"
	done
done

printf '%s\n' "$@" | xargs -P "$(nproc 2>/dev/null || echo 2)" -n 16 \
	musl-gcc -isystem "$others" -Ilib -D_GNU_SOURCE -std=c11 -Wall -Wextra -Werror -fsyntax-only
