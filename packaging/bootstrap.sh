#!/bin/sh
# From a bare machine to a running project:
#
#	sh packaging/bootstrap.sh demo          install what building needs, build, show the example herd
#	sh packaging/bootstrap.sh test          install what testing needs, run every test
#	sh packaging/bootstrap.sh deps [--build]    only install (what building needs)
#
# What is there already is not asked for again: with everything in place it wants no root and no network.
set -eu

# Needed for | how to see that it is there (-: comes with another) | Debian, Ubuntu | Fedora | Arch | Alpine
packages() {
	cat <<-'TABLE'
		build | command gcc               | gcc               | gcc                | gcc               | gcc
		build | command make              | make              | make               | make              | make
		build | command ar                | binutils          | binutils           | binutils          | binutils
		build | header stdio.h            | libc6-dev         | glibc-devel        | glibc             | musl-dev
		build | header linux/filter.h     | linux-libc-dev    | kernel-headers     | linux-api-headers | linux-headers
		build | header ev.h               | libev-dev         | libev-devel        | libev             | libev-dev
		build | header cjson/cJSON.h      | libcjson-dev      | cjson-devel        | cjson             | cjson-dev
		build | header zlib.h             | zlib1g-dev        | zlib-devel         | zlib              | zlib-dev
		test  | runtime libasan.so        | -                 | libasan            | -                 | -
		test  | runtime libubsan.so       | -                 | libubsan           | -                 | -
		test  | musl                      | musl-tools        | musl-gcc           | musl              | -
		test  | command bash              | bash              | bash               | bash              | bash
		test  | command awk               | mawk              | gawk               | gawk              | gawk
		test  | command find              | findutils         | findutils          | findutils         | findutils
		test  | command clang             | clang             | clang              | clang             | clang
		test  | command clang-tidy        | clang-tidy        | clang-tools-extra  | clang             | clang-extra-tools
		test  | command clang-format      | clang-format      | clang-tools-extra  | clang             | clang-extra-tools
		test  | fuzzer                    | libclang-rt-dev   | compiler-rt        | compiler-rt       | compiler-rt
		test  | command cppcheck          | cppcheck          | cppcheck           | cppcheck          | cppcheck
		test  | command shellcheck        | shellcheck        | ShellCheck         | shellcheck        | shellcheck
		test  | command mandoc            | mandoc            | mandoc             | mandoc            | mandoc
		test  | header cmocka.h           | libcmocka-dev     | libcmocka-devel    | cmocka            | cmocka-dev
		test  | command bats              | bats              | bats               | bash-bats         | bats
		test  | library bats-support      | bats-support      | bats-support       | bash-bats-support | bats-support
		test  | library bats-assert       | bats-assert       | bats-assert        | bash-bats-assert  | bats-assert
		test  | command tmux              | tmux              | tmux               | tmux              | tmux
		test  | command nginx             | nginx             | nginx              | nginx             | nginx
		test  | command curl              | curl              | curl               | curl              | curl
		test  | command node              | nodejs            | nodejs             | nodejs            | nodejs
		test  | command python3           | python3           | python3            | python            | python3
		test  | command valgrind          | valgrind          | valgrind           | valgrind          | valgrind
		test  | command pgrep             | procps            | procps-ng          | procps-ng         | procps-ng
		test  | command ss                | iproute2          | iproute            | iproute2          | iproute2
		test  | command strace            | strace            | strace             | strace            | strace
	TABLE
}

say() {
	echo "bootstrap: $*" >&2
}

# The package manager of this machine, or `none` that we know.
family() {
	for tool in apt-get dnf pacman apk; do
		if command -v $tool >/dev/null 2>&1; then
			echo $tool
			return
		fi
	done
	echo none
}

# there KIND NAME: is it on this machine?
there() {
	case $1 in
	command) PATH=$PATH:/usr/sbin:/sbin command -v "$2" >/dev/null 2>&1 ;;
	header)
		for dir in /usr/include /usr/include/*-linux-* /usr/local/include; do
			[ ! -e "$dir/$2" ] || return 0
		done
		return 1
		;;
	library)
		for dir in /usr/lib/bats /usr/lib /usr/share/bats; do
			[ ! -e "$dir/$2/load.bash" ] || return 0
		done
		return 1
		;;
	runtime) case $(gcc -print-file-name="$2" 2>/dev/null) in */*) ;; *) return 1 ;; esac ;;
	# A machine may be of this library itself.
	musl) command -v musl-gcc >/dev/null 2>&1 || ldd --version 2>&1 | grep -q musl ;;
	fuzzer)
		command -v clang >/dev/null 2>&1 || return 1
		for file in "$(clang -print-resource-dir)"/lib/*/libclang_rt.fuzzer*.a; do
			[ ! -e "$file" ] || return 0
		done
		return 1
		;;
	esac
}

# missing FAMILY PURPOSES: what is not there, as that family's packages (none: as what we looked for).
# shellcheck disable=SC2086  # unquoted, a cell loses the spaces around it
missing() {
	packages | while IFS='|' read -r purpose look apt dnf pacman apk; do
		case " $2 " in *" ${purpose%% *} "*) ;; *) continue ;; esac
		there $look && continue
		case $1 in
		apt-get) echo $apt ;;
		dnf) echo $dnf ;;
		pacman) echo $pacman ;;
		apk) echo $apk ;;
		none) echo $look ;;
		esac
	done | sort -u | sed '/^-$/d'
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	elif command -v doas >/dev/null 2>&1; then
		doas "$@"
	else
		say "this needs root, and there is neither sudo nor doas: $*"
		exit 1
	fi
}

# The tests want programs, not services: for as long as this lasts, packages start none.
install_apt() {
	policy=/usr/sbin/policy-rc.d
	as_root apt-get update -q
	if [ ! -e $policy ]; then
		as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
		trap 'as_root rm -f $policy' EXIT
		trap 'exit 130' INT TERM
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

install_packages() {
	case $(family) in
	apt-get) install_apt "$@" ;;
	dnf) as_root dnf install -y --setopt=install_weak_deps=False "$@" ;;
	pacman) as_root pacman -Sy --needed --noconfirm "$@" ;;
	apk) as_root apk add --no-cache "$@" ;;
	esac
}

# deps PURPOSES
deps() {
	names=$(missing "$(family)" "$1")
	[ -n "$names" ] || return 0
	if [ "$(family)" = none ]; then
		say "no apt-get, dnf, pacman or apk here; please install what gives these, then try again:"
		echo "$names" | sed 's/^/    /' >&2
		exit 1
	fi
	# shellcheck disable=SC2086
	say installing: $names
	# shellcheck disable=SC2086
	(install_packages $names) || {
		say "the package manager failed; its words are above"
		exit 1
	}
	names=$(missing "$(family)" "$1")
	[ -z "$names" ] || {
		# shellcheck disable=SC2086
		say installed, but what they should bring is still not found: $names
		exit 1
	}
}

usage() {
	sed -n 's/^#	/  /p' "$0"
}

case "${1:-} ${2:-}" in
'demo ')
	deps build
	cd "$(dirname "$0")/.."
	exec make -j"$(nproc)" demo
	;;
'test ')
	deps 'build test'
	cd "$(dirname "$0")/.."
	exec make test
	;;
'deps ') deps 'build test' ;;
'deps --build') deps build ;;
'help ' | '-h ' | '--help ') usage ;;
*)
	usage >&2
	exit 2
	;;
esac
