# An upstream whose test fails is tried again; what is newer does not wait for that.
load ../lib/daemon

checks() {
	[ "$(wc -l <begun)" -ge "$1" ]
}

@test "a change that comes while an upstream's test fails is written at once, not at the next try" {
	port=$(port_block 2)
	cat >check.sh <<-'SH'
		#!/bin/sh
		echo "${EPOCHREALTIME:-$(date +%s.%N)}" >>begun
		until [ -e go ]; do sleep 0.02; done
		[ "$(wc -l <begun)" -gt 1 ] && exit 0
		date +%s.%N >failed
		exit 1
	SH
	chmod +x check.sh
	touch begun
	start_oxherd <<-TOML
		[processes.api]
		command = "hello"
		port = $port
		[processes.api.nginx]
		output = "upstream.conf"
		test = "./check.sh"
		reload = "true"
	TOML
	eventually 5 checks 1
	oxctl scale api 2 --wait
	touch go
	eventually 5 checks 2
	# The pause before a retry is a second.
	awk -v failed="$(cat failed)" -v patience="${OX_PATIENCE:-1}" 'NR == 2 { exit !($1 - failed < 0.7 * patience) }' begun
	eventually 5 grep -q "$((port + 1))" upstream.conf
}
