#!/bin/sh
# Puts what comes from tables where people read it: the generated parts of the manual pages, the schema and the completions.
#	packaging/generate.sh OXCTL FOLDER    writes into FOLDER (the project's own for `make generate`)
set -eu

oxctl=$1
into=$2

# The lines between '.\" generated: NAME' and '.\" generated: end' are replaced.
page() {
	fresh=$into/man/$1.fresh
	"$oxctl" help --mdoc "$2" >"$fresh.part"
	awk -v name="$2" -v part="$fresh.part" '
		$0 == ".\\\" generated: end" { skipping = 0 }
		!skipping { print }
		$0 == ".\\\" generated: " name {
			skipping = 1
			while ((getline line < part) > 0)
				print line
		}
	' "man/$1" >"$fresh"
	rm "$fresh.part"
	mv "$fresh" "$into/man/$1"
}

mkdir -p "$into/man" "$into/packaging/completions"
page oxctl.1 commands
page oxfile.5 keys
"$oxctl" schema >"$into/packaging/oxfile.schema.json"
"$oxctl" completion bash >"$into/packaging/completions/oxctl.bash"
"$oxctl" completion zsh >"$into/packaging/completions/oxctl.zsh"
"$oxctl" completion fish >"$into/packaging/completions/oxctl.fish"
