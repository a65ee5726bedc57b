# How long oxctl takes beside /bin/true, as a ratio in one run.  Not for sanitized builds, which are slow by design.
load ../lib/common

@test "validate on two hundred apps takes at most five times as long as true" {
	for i in $(seq 200); do
		printf '[processes.app%d]\ncommand = "node dist/app%d.js --port 80"\ninstances = 4\nrestart_on_exit = true\n' "$i" "$i"
		printf 'env = { NODE_ENV = "production", N = "%d" }\nhealth_check = { url = "http://localhost:3000/health" }\n\n' "$i"
	done >oxfile.toml
	run -0 python3 "$OX_TOP/tests/speed/ratio.py" 60 oxctl validate
	echo "$output"
	run -0 awk -v ratio="$output" 'BEGIN { exit !(ratio > 0 && ratio <= 5) }'
}
