# How the programs are linked: read from the programs themselves.
load ../lib/common

setup() {
	private_place
	command -v readelf >/dev/null || skip "there is no readelf here"
}

# each COMMAND…: for each of our programs.
each() {
	local program
	for program in oxctl oxherd oxherd-brain; do
		"$@" "$OXHERD_BUILD/$program" || {
			echo "not so in $program"
			return 1
		}
	done
}

is_pie() {
	readelf -hW "$1" | grep -q 'Type: *DYN' && readelf -dW "$1" | grep -q 'FLAGS_1.*PIE'
}

binds_now() {
	readelf -lW "$1" | grep -q GNU_RELRO && readelf -dW "$1" | grep -q 'FLAGS_1.*NOW'
}

has_closed_stack() {
	! readelf -lW "$1" | grep GNU_STACK | grep -q E
}

# was_compiled_with OPTION PROGRAM: all of its objects, by what the compiler wrote into them.
was_compiled_with() {
	readelf --debug-dump=info "$2" 2>/dev/null | grep 'DW_AT_producer.*GNU C' >producers || return 0
	! grep -qv -e "$1" producers
}

@test "the programs are loaded at an address that nobody can guess" {
	each is_pie
}

@test "no table of library functions can be written to once a program runs" {
	each binds_now
}

@test "nothing on a stack can be executed" {
	each has_closed_stack
}

@test "a stack cannot grow past its guard into other memory" {
	! readelf -dW "$OXHERD_BUILD/oxherd" | grep -q libasan || skip "a build with sanitizers is no release"
	readelf --debug-dump=info "$OXHERD_BUILD/oxherd" 2>/dev/null | grep -q 'DW_AT_producer.*GNU C' ||
		skip "the compiler does not write down its options"
	each was_compiled_with -fstack-clash-protection
}

main_is_protected() {
	objdump -d --disassemble=main "$1" | grep -q -e endbr64 -e paciasp -e bti
}

@test "calls and returns are protected by the processor where it can" {
	case $(uname -m) in x86_64 | aarch64) ;; *) skip "this processor has no such protection" ;; esac
	command -v objdump >/dev/null || skip "there is no objdump here"
	each main_is_protected
}
