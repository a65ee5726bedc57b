# The demo that the README names under Install.
load ../lib/daemon

@test "the demo takes the next free block of ports, and says so, where 3000 is taken" {
	port_is_busy 3000 || hold_port 3000
	run -0 sh "$OX_TOP/packaging/demo.sh"
	assert_line --regexp '^Ports 3000 to 3003 are not all free; the demo uses 3[0-9]{3} to 3[0-9]{3} instead\.$'
	assert_line --regexp 'api: 4 instances started on 3[0-9]{3}-3[0-9]{3}'
	refute_line --partial ' on 3000-'
	[ -z "${holder:-}" ] || release_port
}
