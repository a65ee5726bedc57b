# One port for all instances of an app (port_mode = "shared"): real programs that know nothing of each other, and of the gate.
load ../lib/daemon
load ../lib/front

setup() {
	daemon_place
	port=$(port_block 10)
	given_server
}

teardown() {
	[ -z "${others[*]-}" ] || kill "${others[@]}" 2>/dev/null || true
	nginx_down
	stop_oxherd
}

# A server as one writes it: the port and nothing else. It dies by SIGTERM. /health fails where the file sick-INSTANCE is.
given_server() {
	cat >server.js <<-'JS'
		const fs = require('fs')
		const { PORT, HOST, OXHERD_INSTANCE, REVISION = '' } = process.env
		require('http').createServer((request, response) => {
		  const isSick = request.url === '/health' && fs.existsSync('sick-' + OXHERD_INSTANCE)
		  request.resume().on('end', () => setTimeout(() => {
		    response.writeHead(isSick ? 500 : 200)
		    response.end(`instance ${OXHERD_INSTANCE} ${REVISION}\n`)
		  }, request.url === '/slow' ? 1000 : 10))
		}).listen(PORT, HOST)
	JS
}

# shared_herd COUNT [LINE…]: an app of so many instances of it on $port, ready; more lines of its table.
shared_herd() {
	local count=$1
	shift
	start_oxherd <<-TOML
		[processes.api]
		command = "node server.js"
		instances = $count
		port = $port
		port_mode = "shared"
		deploy = { min_healthy_secs = 0.1 }
		$(printf '%s\n' "$@")
	TOML
}

# ask COUNT [HOST]: as many connections, one request each; a line "3 instance 0" for each answer that came, the smallest count first.
ask() {
	python3 - "$port" "$1" "${2:-127.0.0.1}" <<-'PY' | sort | uniq -c | sort -n | sed 's/^ *//; s/ *$//'
		import concurrent.futures, socket, sys
		port, count, host = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

		def ask(_):
		    try:
		        with socket.create_connection((host, port), 10) as s:
		            s.sendall(b'GET / HTTP/1.0\r\n\r\n')
		            answer = b''.join(iter(lambda: s.recv(65536), b'')).decode()
		        return answer.rpartition('\r\n\r\n')[2].splitlines()[0] if answer else 'no answer'
		    except OSError as e:
		        return 'error: %s' % (e.strerror or e)

		with concurrent.futures.ThreadPoolExecutor(16) as clients:
		    print('\n'.join(clients.map(ask, range(count))))
	PY
}

# shares_are COUNT: of so many lines of ask, all of instances, the largest has at most 1.3 times as much as the smallest.
shares_are() {
	awk -v want="$1" '
		$2 != "instance" { bad = 1 }
		NR == 1 { low = $1 }
		{ high = $1 }
		END { exit bad || NR != want || high > 1.3 * low }
	' answers || {
		cat answers
		return 1
	}
}

# Every one of so many instances answers.
all_answer() {
	ask 200 >answers
	[ "$(grep -c ' instance ' answers)" = "$1" ] && [ "$(wc -l <answers)" = "$1" ]
}

# What connect(2) says: "refused", "timed out" or "connected".
knock() {
	python3 - "$port" <<-'PY'
		import socket, sys
		s = socket.socket()
		s.settimeout(2)
		try:
		    s.connect(('127.0.0.1', int(sys.argv[1])))
		    print('connected')
		except ConnectionRefusedError:
		    print('refused')
		except OSError:
		    print('timed out')
	PY
}

# load_up [OPTION…]: clients without keep-alive, until crowd_down.
load_up() {
	crowd_up "http://127.0.0.1:$port/" --close --rate 300 "$@"
}

@test "four servers that know nothing of it share one port, and each gets its share of the connections" {
	shared_herd 4
	assert_equal "$(ports api)" "$port $port $port $port"
	ask 4000 >answers
	shares_are 4
	run -0 oxctl status
	assert_output --partial "4 of 4 ready"
}

@test "scaled from 4 to 8, to 2 and to 4 under load, no request is lost" {
	shared_herd 4
	load_up
	oxctl scale api 8 --wait
	all_answer 8
	oxctl scale api 2 --wait
	eventually 10 all_answer 2
	oxctl scale api 4 --wait
	all_answer 4
	crowd_down
	none_failed
}

@test "a deploy and two reloads under load lose no GET and no POST" {
	shared_herd 4
	load_up --rate 200
	"$OXHERD_BUILD/tests/crowd" --close --rate 100 --post 2000 "http://127.0.0.1:$port/" >posts.json 3>&- &
	others=($!)
	sed -i '1a env = { REVISION = "two" }' oxfile.toml
	oxctl deploy
	assert_equal "$(ask 100 | grep -cv ' two$')" 0
	oxctl reload api
	oxctl reload api
	crowd_down
	kill "${others[0]}"
	wait "${others[0]}"
	none_failed
	cp posts.json crowd.json
	none_failed
	assert_equal "$(ports api)" "$port $port $port $port"
}

@test "kill -9 of an instance: nobody is refused and nobody waits for it, and what it had accepted is all that is lost" {
	shared_herd 4 "restart_delay_ms = 3000"
	load_up
	sleep_some
	for i in 0 2; do
		kill -KILL "$(pid_of "api:$i")"
		# One that is down gets nothing.
		eventually 2 answers_without "$i"
		eventually 10 state_is "api:$i" running
	done
	crowd_down
	assert_equal "$(reported refused) $(reported timed_out)" "0 0"
	[ "$(reported failed)" -le 12 ] || {
		cat crowd.json
		return 1
	}
	all_answer 4
}

# The load has begun.
sleep_some() {
	eventually 5 test "$(ask 20 | wc -l)" -ge 2
}

answers_without() {
	ask 100 >answers
	[ "$(wc -l <answers)" -ge 2 ] && ! grep -q -e "instance $1" -e error -e 'no answer' answers
}

@test "an instance whose health check fails gets nothing more, and no request is lost by that" {
	shared_herd 3 'health_check = { endpoint = "http://127.0.0.1/health", interval_secs = 0.2, unhealthy_threshold = 2 }' \
		'ready_timeout_secs = 60'
	all_answer 3
	load_up
	touch sick-1
	eventually 10 answers_without 1
	rm sick-1
	eventually 20 all_answer 3
	crowd_down
	none_failed
	run -0 oxctl why api:1
	assert_output --partial "500"
}

@test "a health check reaches the instance that it is meant for: each one's own answer counts" {
	touch sick-0 sick-2
	given_oxfile <<-TOML
		[processes.api]
		command = "node server.js"
		instances = 4
		port = $port
		port_mode = "shared"
		ready_timeout_secs = 600
		health_check = { endpoint = "http://127.0.0.1/health", interval_secs = 0.2 }
	TOML
	oxctl start --json >/dev/null 3>&-
	eventually 10 state_is api:1 running
	eventually 10 state_is api:3 running
	ask 200 >answers
	assert_equal "$(sed 's/^[0-9]* //' answers | sort | xargs)" "instance 1 instance 3"
	assert_equal "$(status_field api:0 status) $(status_field api:2 status)" "starting starting"
	rm sick-0 sick-2
	eventually 10 all_answer 4
}

@test "python's http.server, npm start and a command with a variable in front share a port as well" {
	cat >package.json <<-'JSON'
		{ "name": "api", "version": "1.0.0", "scripts": { "start": "node server.js" } }
	JSON
	start_oxherd <<-TOML
		[defaults]
		instances = 2
		port_mode = "shared"
		[processes.files]
		command = ["python3", "-u", "-m", "http.server", "\$PORT"]
		port = $port
		[processes.npm]
		command = "npm start"
		port = $((port + 1))
		env = { npm_config_update_notifier = "false", npm_config_cache = "$PWD/npm" }
		[processes.shell]
		command = "NODE_ENV=production node server.js"
		port = $((port + 2))
	TOML
	ask 100 >answers
	for i in 0 1; do
		[ "$(output_of "files:$i" err | grep -c '"GET / ')" -ge 30 ]
	done
	for port in $((port + 1)) $((port + 2)); do
		ask 1000 >answers
		shares_are 2
	done
}

@test "a static Go program shares a port as well" {
	command -v go >/dev/null || skip "needs go"
	cat >main.go <<-'GO'
		package main

		import (
			"fmt"
			"net"
			"os"
		)

		func main() {
			l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
			if err != nil {
				panic(err)
			}
			for {
				c, err := l.Accept()
				if err != nil {
					panic(err)
				}
				go func() {
					c.Read(make([]byte, 4096))
					fmt.Fprintf(c, "HTTP/1.0 200 OK\r\n\r\ninstance %s\n", os.Getenv("OXHERD_INSTANCE"))
					c.Close()
				}()
			}
		}
	GO
	GOCACHE=$OXHERD_BUILD/go-cache GOFLAGS='' GO111MODULE=off CGO_ENABLED=0 go build -o server main.go
	start_oxherd <<-TOML
		[processes.api]
		command = "./server"
		instances = 3
		port = $port
		port_mode = "shared"
	TOML
	ask 3000 >answers
	shares_are 3
	load_up
	oxctl reload api
	crowd_down
	none_failed
}

@test "over IPv6 and IPv4: a server of :: gets its share by both, one of 127.0.0.1 and one of ::1 by theirs" {
	[ -e /proc/net/if_inet6 ] || skip "needs IPv6"
	start_oxherd <<-TOML
		[defaults]
		command = "node server.js"
		instances = 3
		port_mode = "shared"
		[processes.both]
		port = $port
		env = { HOST = "::" }
		health_check = { tcp = true, interval_secs = 0.5 }
		[processes.four]
		port = $((port + 1))
		env = { HOST = "127.0.0.1" }
		health_check = { endpoint = "http://127.0.0.1/", interval_secs = 0.5 }
		[processes.six]
		port = $((port + 2))
		env = { HOST = "::1" }
		health_check = { endpoint = "http://[::1]/", interval_secs = 0.5 }
	TOML
	for host in 127.0.0.1 ::1; do
		ask 1500 "$host" >answers
		shares_are 3
	done
	port=$((port + 1))
	ask 1500 >answers
	shares_are 3
	port=$((port + 1))
	ask 1500 ::1 >answers
	shares_are 3
}

@test "stop closes the port: a connection is refused at once, and so it is for an instance that was scaled away" {
	shared_herd 2
	assert_equal "$(knock)" connected
	oxctl stop api
	assert_equal "$(knock)" refused
	oxctl start api --wait 3>&-
	all_answer 2
	oxctl stop api:0
	eventually 5 answers_only 1
	oxctl stop api:1
	assert_equal "$(knock)" refused
	oxctl start api --wait 3>&-
	oxctl delete api
	assert_equal "$(knock)" refused
}

answers_only() {
	ask 50 >answers
	[ "$(cat answers)" = "50 instance $1" ]
}

@test "a stranger on the port is named, and the app starts when it has gone" {
	hold_port "$port"
	given_oxfile <<-TOML
		[processes.api]
		command = "node server.js"
		instances = 2
		port = $port
		port_mode = "shared"
	TOML
	oxctl start --json >/dev/null 3>&-
	eventually 5 state_is api:0 blocked
	assert reason_has api:0 "port $port"
	assert reason_has api:0 "pid $holder"
	release_port
	eventually 15 state_is api:0 running
	eventually 15 state_is api:1 running
	all_answer 2
}

@test "kill -9 of the brain under load: no request is lost, and the next one scales, replaces and checks as before" {
	shared_herd 4 'health_check = { endpoint = "http://127.0.0.1/health", interval_secs = 0.2, unhealthy_threshold = 2 }'
	load_up
	before=$(pids api)
	for _ in 1 2 3; do
		was=$(brain_pid)
		kill -KILL "$was"
		eventually 5 other_brain "$was"
	done
	all_answer 4
	assert_equal "$(pids api)" "$before"
	oxctl scale api 6 --wait
	all_answer 6
	oxctl scale api 3 --wait
	kill -KILL "$(brain_pid)"
	oxctl reload api
	eventually 10 all_answer 3
	crowd_down
	none_failed
}

other_brain() {
	local now
	now=$(brain_pid) && [ "$now" != "$1" ]
}

@test "the brain may die while instances are replaced: no request is lost, and the reload ends" {
	shared_herd 4
	load_up
	oxctl reload api >/dev/null 3>&- &
	others=($!)
	for i in 0 2; do
		before=$(pid_of "api:$i")
		eventually 30 pid_changed "api:$i" "$before"
		kill -KILL "$(brain_pid)"
	done
	wait "${others[0]}"
	others=()
	eventually 10 all_answer 4
	crowd_down
	none_failed
}

pid_changed() {
	local now
	now=$(pid_of "$1") && [ "$now" != "$2" ] && [ "$now" != null ]
}

@test "a deploy moves an app from a port for each to one port, and back" {
	shared_herd 3
	sed -i 's/"shared"/"each"/' oxfile.toml
	echo 'deploy.fail_timeout_secs = 0' >>oxfile.toml
	sed -i '/^deploy = /d' oxfile.toml
	echo 'deploy.min_healthy_secs = 0.1' >>oxfile.toml
	oxctl deploy
	assert_equal "$(ports api)" "$port $((port + 1)) $((port + 2))"
	for i in 0 1 2; do
		eventually 5 answers $((port + i)) "instance $i"
	done
	sed -i 's/"each"/"shared"/' oxfile.toml
	oxctl deploy
	assert_equal "$(ports api)" "$port $port $port"
	eventually 5 all_answer 3
	ask 1500 >answers
	shares_are 3
	port=$((port + 1))
	assert_equal "$(knock)" refused
}

@test "behind nginx one server line stands for all of them, whatever happens to them, and no request is lost by replacing them" {
	front=$((port + 9))
	oxctl_nginx
	nginx_up "$front" api "$PWD/upstream.conf"
	shared_herd 4
	crowd_up "http://127.0.0.1:$front/" --close --rate 300
	oxctl reload api
	oxctl scale api 2 --wait
	oxctl scale api 4 --wait
	crowd_down
	none_failed
}

oxctl_nginx() {
	given_oxfile <<-TOML
		[processes.api]
		command = "node server.js"
		instances = 4
		port = $port
		port_mode = "shared"
	TOML
	oxctl nginx >upstream.conf
	assert_equal "$(cat upstream.conf)" "upstream api {
    server 127.0.0.1:$port max_fails=0;
}"
}

@test "the upstream file of a shared app names one server, before and after a scale and a reload" {
	front=$((port + 9))
	nginx_up "$front" api "$PWD/upstream.conf"
	start_oxherd <<-TOML
		[processes.api]
		command = "node server.js"
		instances = 2
		port = $port
		port_mode = "shared"
		deploy = { min_healthy_secs = 0.1 }
		[processes.api.nginx]
		$(nginx_keys)
	TOML
	eventually 5 names_one
	eventually 5 answers "$front" "instance"
	oxctl scale api 4 --wait
	oxctl reload api
	oxctl stop api:1
	names_one
}

names_one() {
	[ "$(grep -c ' server ' upstream.conf)" = 1 ] && grep -qx "    server 127.0.0.1:$port max_fails=0;" upstream.conf
}

@test "kill -9 of the keeper under load: no request is lost, and the next one scales and replaces as before" {
	shared_herd 3
	load_up
	before=$(pids api)
	expect_error "the keeper is gone"
	kill -KILL "$(keeper_pid)"
	all_answer 3
	oxctl daemon start 3>&-
	assert_equal "$(pids api)" "$before"
	all_answer 3
	oxctl reload api
	oxctl scale api 5 --wait
	all_answer 5
	oxctl scale api 2 --wait
	eventually 10 all_answer 2
	crowd_down
	none_failed
}

@test "an upgrade of the daemon under load loses no request, and the new one scales and replaces as before" {
	shared_herd 3
	load_up
	before=$(pids api)
	oxctl daemon upgrade --from "$OXHERD_BUILD/next"
	assert_equal "$(pids api)" "$before"
	all_answer 3
	oxctl reload api
	oxctl scale api 5 --wait
	all_answer 5
	oxctl scale api 2 --wait
	eventually 10 all_answer 2
	crowd_down
	none_failed
}

@test "clients that keep their connections lose no GET by a reload when the program ends them politely on SIGTERM" {
	cat >server.js <<-'JS'
		let isEnding = false
		const server = require('http').createServer((request, response) => setTimeout(() => {
		  if (isEnding) response.setHeader('Connection', 'close')
		  response.end('hello\n')
		}, 10)).listen(process.env.PORT)
		process.on('SIGTERM', () => {
		  isEnding = true
		  server.close()
		})
	JS
	shared_herd 4
	sed -i 's/^deploy = .*/deploy = { min_healthy_secs = 0.1, drain_secs = 0.5 }/' oxfile.toml
	oxctl deploy
	crowd_up "http://127.0.0.1:$port/" --rate 300
	oxctl reload api
	oxctl reload api
	crowd_down
	none_failed
}
