load ../../tests/lib/daemon

# The example as it is, but for its ports.
setup() {
	daemon_place
	port=$(port_block 4)
	cp "$OX_TOP"/examples/python/*.py .
	sed "s/8000/$port/" "$OX_TOP/examples/python/oxfile.toml" >oxfile.toml
}

@test "examples/python runs as its README says: two web servers, and a worker that waits for their health" {
	GREETING="good day" oxctl start --wait
	for i in 0 1; do
		run curl -s "http://127.0.0.1:$((port + i))/"
		assert_output "good day from web:$i"
	done
	eventually 5 has_written worker:0 "web is ok"
	assert_equal "$(status_field web:1 health)" healthy
	oxctl scale web 4 --wait
	assert answers $((port + 3)) "from web:3"
}

@test "on stop it ends with 0, the worker before the web server" {
	oxctl start --wait
	# A program that has no handler yet ends by the signal.
	eventually 5 has_written worker:0 "web is ok"
	oxctl stop
	assert_equal "$(status_field web:0 code) $(status_field web:1 code) $(status_field worker:0 code)" "0 0 0"
	assert has_written web:0 goodbye
	run -0 awk '/worker:0: stopping -> stopped/ { worker = NR } /web:0: running -> stopping/ { web = NR } END { exit !(worker && worker < web) }' \
		"$OXHERD_HOME/log/oxherd.log"
}
