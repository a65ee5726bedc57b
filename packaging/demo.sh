#!/bin/sh
# What Oxherd can do so far, in a folder of its own that is gone afterwards.
set -eu

PATH=$OXHERD_BUILD:$PATH
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

show() {
	printf '\n$ %s\n' "$*"
	"$@"
}

cat >oxfile.toml <<'TOML'
[processes.api]
command = "node dist/server.js"
instances = 4
restart_on_exit = true
TOML
sed 's/instances = 4/instances = 5/; s/server.js/server.js --verbose/' oxfile.toml >next.toml
printf '[processes.api]\ncomand = "node dist/server.js"\ninstances = "lots"\n' >mistakes.toml

show cat oxfile.toml
show oxctl validate
show oxctl nginx
show oxctl plan --from oxfile.toml --to next.toml
show oxctl validate mistakes.toml || :
printf '\nThe daemon that runs all this is being built. Next: oxctl help, man/oxfile.5.\n'
