#!/bin/sh
# Puts what comes from tables where people read it: the generated parts of the manual pages, the schema and the completions.
#	packaging/generate.sh OXCTL FOLDER    writes into FOLDER (the project's own for `make generate`)
set -eu

oxctl=$1
into=$2

# page NAME SECTION...: the lines between '.\" generated: SECTION' and '.\" generated: end' are replaced.
page() {
	name=$1
	fresh=$into/man/$name.fresh
	cp "man/$name" "$fresh"
	shift
	for section; do
		"$oxctl" help --mdoc "$section" >"$fresh.part"
		awk -v name="$section" -v part="$fresh.part" '
			$0 == ".\\\" generated: end" { skipping = 0 }
			!skipping { print }
			$0 == ".\\\" generated: " name {
				skipping = found = 1
				while ((getline line < part) > 0)
					print line
			}
			END {
				if (!found)
					print FILENAME ": has no place for " name >"/dev/stderr"
				exit !found
			}
		' "$fresh" >"$fresh.next"
		mv "$fresh.next" "$fresh"
	done
	rm -f "$fresh.part"
	mv "$fresh" "$into/man/$name"
}

mkdir -p "$into/man" "$into/packaging/completions"
page oxctl.1 commands
page oxfile.5 keys
page oxherd.7 states events steps
page oxherd-protocol.7 methods kinds errors reasons reason-fields refusals refusal-fields
"$oxctl" schema >"$into/packaging/oxfile.schema.json"
"$oxctl" completion bash >"$into/packaging/completions/oxctl.bash"
"$oxctl" completion zsh >"$into/packaging/completions/oxctl.zsh"
"$oxctl" completion fish >"$into/packaging/completions/oxctl.fish"
