# What a member of the control group asks, and how much of it at once, to keep root's daemon busy.
load ../lib/daemon

group=65533
member=65531

setup() {
	daemon_place
	open_place
	# One that others may run too.
	python=$(PATH=/usr/local/bin:/usr/bin:/bin command -v python3)
	sock=$place/herd/run/oxherd.sock
	cat >flood.py <<-'PY'
		import json, socket, sys, time
		method, params, requests, connections = sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
		line = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': method, 'params': json.loads(params)}) + '\n'
		crowd = []
		for i in range(connections):
		    crowd.append(socket.socket(socket.AF_UNIX))
		    crowd[-1].connect(sys.argv[1])
		    crowd[-1].setblocking(False)
		    # As much as the socket takes; nobody reads.
		    crowd[-1].send((line * requests).encode())
		print('there', flush=True)
		time.sleep(1000)
	PY
}

teardown() {
	close_place
}

# flood METHOD PARAMS REQUESTS CONNECTIONS: as a member.
flood() {
	rm -f there
	setpriv --reuid $member --regid $member --groups $group "$python" flood.py "$sock" "$@" >there 3>&- &
	others+=($!)
	eventually 20 grep -q there there
}

herd_of() {
	for ((i = 0; i < $1; i++)); do
		printf '[processes.a%d]\ncommand = "sh -c '"'seq 1 5000; exec sleep 1000'"'"\n' "$i"
	done >oxfile.toml
	oxherd --daemon --group $group:read 3>&-
	oxctl start --wait 3>&- >/dev/null
}

# Twenty answers to root, in a time in which one of the flood's would hardly be there.
is_served() {
	local i begin=$EPOCHSECONDS
	for ((i = 0; i < 20; i++)); do
		oxctl status a1 >/dev/null
	done
	[ $((EPOCHSECONDS - begin)) -le $((10 * ${OX_PATIENCE:-1})) ]
	[ "$(brain_pid)" = "$brain" ]
}

@test "a member who asks thousands of things at once, on many connections, keeps root waiting for none of them" {
	herd_of 40
	brain=$(brain_pid)
	flood plan '{}' 3000 20
	flood why '{"target":"a1"}' 3000 20
	is_served
}

@test "a member reads logs eight times at once at most, however often that is asked" {
	herd_of 40
	brain=$(brain_pid)
	before=$(find "/proc/$brain/fd" | wc -l)
	flood logs '{}' 64 40
	is_served
	[ "$(find "/proc/$brain/fd" | wc -l)" -lt $((before + 40 + 8 * 40 * 4)) ]
	run -1 setpriv --reuid $member --regid $member --groups $group oxctl logs a1
	assert_output --partial "uid $member reads logs 8 times at once already"
	run -0 oxctl logs -n 1 a1
	assert_output --partial 5000
}

@test "a request that names one app a hundred thousand times is refused at once" {
	herd_of 40
	brain=$(brain_pid)
	run -0 setpriv --reuid $member --regid $member --groups $group "$python" -c 'import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
for method in "status", "logs", "events", "await":
    s.sendall((json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"targets": ["a39"] * 100000}}) + "\n").encode())
    print(s.makefile().readline())' "$sock"
	assert_output --partial "status: 'targets' has 100000 members, and 4096 is the most"
	assert_output --partial "await: 'targets' has 100000 members, and 4096 is the most"
	is_served
}

# As many processes with as many descriptors as there may be.
hoard() {
	cat >hoard.py <<-'PY'
		import os, time
		for i in range(20):
		    if os.fork() == 0:
		        break
		try:
		    while True:
		        os.dup(1)
		except OSError:
		    time.sleep(1000)
	PY
	chmod 755 .
	setpriv --reuid $member --regid $member --clear-groups "$python" hoard.py 3>&- &
	others+=($!)
	eventually 60 is_full
}

is_full() {
	[ "$(pgrep -u $member -c -f hoard.py)" -ge 21 ] || return 1
	# Dup ends at the limit, and then it sleeps.
	! pgrep -u $member -r R -f hoard.py >/dev/null
}

@test "a user with hundreds of thousands of descriptors does not keep the daemon busy with looking for who has a port" {
	# Without rights, and on a port that an app wants.
	hoard
	port=$(port_block)
	setpriv --reuid 65530 --regid 65530 --clear-groups "$python" -c 'import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
time.sleep(1000)' "$port" 3>&- &
	others+=($!)
	cat >oxfile.toml <<-TOML
		[processes.a1]
		command = "sleep 1000"
		port = $port
	TOML
	took 0 4000 oxctl start 3>&-
	brain=$(brain_pid)
	is_served
	pkill -KILL -u $member -f hoard.py
}
