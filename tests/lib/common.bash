# The words that every bats file uses.  At its top:  load ../lib/common
#
#	@test "a bad key is named with its line" {
#		given_oxfile <<-TOML
#			[processes.api]
#			comand = "node api.js"
#		TOML
#		run -2 oxctl validate
#		assert_output --partial "oxfile.toml:2:1"
#	}
bats_require_minimum_version 1.5.0

# Where distributions put the two libraries.
BATS_LIB_PATH=${BATS_LIB_PATH:-}:/usr/lib/bats:/usr/lib:/usr/share/bats:/usr/lib/node_modules
bats_load_library bats-support
bats_load_library bats-assert

# The top of the tree, and the programs under test: those of OXHERD_BUILD, never those of the machine.
OX_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${OXHERD_BUILD:=$OX_TOP/build}"
PATH=$OXHERD_BUILD:$PATH
export OX_TOP OXHERD_BUILD PATH

# Nothing of the person who runs the tests may leak in.  A file with a setup of its own calls this first.
private_place() {
	[ -x "$OXHERD_BUILD/oxctl" ] || {
		echo "no oxctl in $OXHERD_BUILD: run make first" >&2
		return 1
	}
	unset NO_COLOR COLUMNS XDG_CONFIG_HOME XDG_STATE_HOME XDG_RUNTIME_DIR
	export HOME=$BATS_TEST_TMPDIR OXHERD_HOME=$BATS_TEST_TMPDIR/herd LC_ALL=C.UTF-8 TZ=UTC
	cd "$BATS_TEST_TMPDIR" || return
}

setup() {
	private_place
}

# given_oxfile [NAME] <<TOML: standard input becomes NAME, oxfile.toml unless said, in the test's own folder.
given_oxfile() {
	cd "$BATS_TEST_TMPDIR" || return
	cat >"${1:-oxfile.toml}"
}

# eventually SECONDS COMMAND…: waits until the command succeeds, asking every 20 ms.  OX_PATIENCE is how many times as long programs take
# that were built to watch themselves.
eventually() {
	local limit=$(($1 * ${OX_PATIENCE:-1})) until
	shift
	until=$((${EPOCHREALTIME/[.,]/} + limit * 1000000))
	until "$@" >/dev/null 2>&1; do
		if [ "${EPOCHREALTIME/[.,]/}" -ge "$until" ]; then
			echo "not within $limit s: $*" >&2
			"$@" >&2
			return 1
		fi
		sleep 0.02
	done
}
