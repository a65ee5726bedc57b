#!/bin/sh
# examples/hello with a daemon of its own, in a folder of its own: four instances, the status table, an answer from each port, a crash.
# KEEP=1 leaves it running; otherwise nothing is left behind.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
build=${OXHERD_BUILD:-$top/build}
PATH=$build:$PATH
place=$(mktemp -d /tmp/oxherd-demo-XXXXXX)
OXHERD_HOME=$place/herd
export PATH OXHERD_HOME

leave() {
	code=$?
	trap - EXIT INT TERM
	if [ -z "${KEEP:-}" ] || [ "$code" -ne 0 ]; then
		oxctl daemon stop >/dev/null 2>&1 || :
		rm -rf "$place"
	fi
	exit "$code"
}
trap leave EXIT
trap 'exit 130' INT TERM

show() {
	printf '\n$ %s\n' "$*"
	"$@"
}

# fetch URL: with curl, or with bash alone.
fetch() {
	if command -v curl >/dev/null; then
		curl -s --max-time 5 "$1"
	else
		address=${1#http://} bash -c '
			exec 5<>"/dev/tcp/${address%:*}/${address#*:}"
			printf "GET / HTTP/1.0\r\n\r\n" >&5
			sed "1,/^\r*$/d" <&5'
	fi
}

# is_taken PORT: somebody listens there.
is_taken() {
	bash -c ': </dev/tcp/127.0.0.1/'"$1" 2>/dev/null
}

# Four ports in a row that nobody has.
first=3000
while is_taken "$first" || is_taken $((first + 1)) || is_taken $((first + 2)) || is_taken $((first + 3)); do
	first=$((first + 4))
	[ "$first" -lt 4000 ] || { echo "demo: every port from 3000 to 3999 is taken" >&2; exit 1; }
done

# The example names its program by where make puts it; a build elsewhere, and other ports, get a copy of the example.
here=$top/examples/hello
if [ "$build" != "$top/build" ] || [ "$first" != 3000 ]; then
	here=$place/examples/hello
	mkdir -p "$here"
	sed "s/3000/$first/g; s/3003/$((first + 3))/g" "$top/examples/hello/oxfile.toml" >"$here/oxfile.toml"
	ln -s "$build" "$place/build"
fi
cd "$here"
[ "$first" = 3000 ] || printf 'Ports 3000 to 3003 are not all free; the demo uses %s to %s instead.\n' "$first" $((first + 3))

show cat oxfile.toml
show oxctl start --wait --timeout 10
show oxctl status
printf '\n'
for port in $first $((first + 1)) $((first + 2)) $((first + 3)); do
	printf '$ curl http://127.0.0.1:%s\n' "$port"
	fetch "http://127.0.0.1:$port"
done

pid=$(oxctl status api:2 --json | sed -n 's/^ *"pid": \([0-9]*\),$/\1/p' | tail -n 1)
printf '\nNow one of them dies:\n'
show kill -9 "$pid"
# Another process, and ready.
until oxctl status api:2 | grep -v " $pid " | grep -q running; do
	sleep 0.05
done
show oxctl why api:2

if [ -n "${KEEP:-}" ]; then
	cat <<-TEXT

		It is running. To continue, in this shell:

		    export PATH=$build:\$PATH OXHERD_HOME=$OXHERD_HOME
		    oxctl status
		    oxctl scale api 6
		    oxctl events -f
		    oxctl restart api:1
		    oxctl daemon stop        # and then: rm -r $place
	TEXT
else
	cat <<-TEXT

		That was all, and it is stopped again. What to try next:

		    make demo KEEP=1         # the same, and it stays
		    cd examples/hello && ../../build/oxctl start
		    build/oxctl help
	TEXT
fi
