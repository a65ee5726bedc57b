# How long oxctl takes beside /bin/true, as a ratio in one run.  Not for sanitized builds, which are slow by design.
load ../lib/common

is_at_most() {
	awk -v most="$1" -v ratio="$2" 'BEGIN { exit !(ratio > 0 && ratio <= most) }'
}

@test "validate on two hundred apps takes at most six times as long as true" {
	for i in $(seq 200); do
		printf '[processes.app%d]\ncommand = "node dist/app%d.js --port 80"\ninstances = 4\nrestart_on_exit = true\n' "$i" "$i"
		printf 'env = { NODE_ENV = "production", N = "%d" }\nhealth_check = { url = "http://localhost:3000/health" }\n\n' "$i"
	done >oxfile.toml
	# Best of three, as what else runs on the machine only makes it slower.
	for _ in 1 2 3; do
		ratio=$(python3 "$OX_TOP/tests/speed/ratio.py" 60 oxctl validate)
		echo "$ratio times"
		! is_at_most 6 "$ratio" || return 0
	done
	return 1
}
