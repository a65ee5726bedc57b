# A private nginx before a herd, for files that load daemon.bash first, and a crowd of clients that counts what fails.
PATH=$PATH:/usr/sbin

# nginx_up PORT UPSTREAM FILE: listens on PORT and passes everything to http://UPSTREAM, whose block FILE holds.
nginx_up() {
	nginx_root=$BATS_TEST_TMPDIR/nginx
	mkdir -p "$nginx_root"
	cat >"$nginx_root/nginx.conf" <<-CONF
		pid $nginx_root/nginx.pid;
		error_log $nginx_root/error.log info;
		worker_processes 2;
		events {}
		http {
			access_log off;
			client_body_temp_path $nginx_root/body;
			proxy_temp_path $nginx_root/proxy;
			fastcgi_temp_path $nginx_root/fastcgi;
			uwsgi_temp_path $nginx_root/uwsgi;
			scgi_temp_path $nginx_root/scgi;
			include $3;
			server {
				listen 127.0.0.1:$1;
				location / {
					proxy_pass http://$2;
					proxy_http_version 1.1;
					proxy_set_header Connection "";
				}
			}
		}
	CONF
	[ -e "$3" ] || echo "upstream $2 { server 127.0.0.1:1; }" >"$3"
	nginx -c "$nginx_root/nginx.conf" 3>&-
	eventually 5 test -s "$nginx_root/nginx.pid"
}

# The [.nginx] table of an app behind it, whose block is upstream.conf beside the oxfile.
nginx_keys() {
	cat <<-TOML
		output = "upstream.conf"
		test = "nginx -t -c $nginx_root/nginx.conf"
		reload = "nginx -s reload -c $nginx_root/nginx.conf"
	TOML
}

# nginx_turns COMMAND…: a command that reloads it, and back when its old workers are gone: until then they still serve.
nginx_turns() {
	local before pid
	before=$(pgrep -P "$(cat "$nginx_root/nginx.pid")")
	"$@" 3>&- || return
	for pid in $before; do
		eventually 10 is_gone "$pid"
	done
}

nginx_down() {
	[ ! -s "${nginx_root:-/nowhere}/nginx.pid" ] || kill "$(cat "$nginx_root/nginx.pid")"
}

# crowd_up URL [OPTION…]: asks until crowd_down, and writes its report to the file crowd.json.
crowd_up() {
	"$OXHERD_BUILD/tests/crowd" "${@:2}" "$1" >crowd.json 3>&- &
	crowd=$!
}

crowd_down() {
	kill "$crowd"
	wait "$crowd"
}

# reported failed: a number of the crowd's report.
reported() {
	python3 -c 'import json, sys; print(json.load(open("crowd.json"))[sys.argv[1]])' "$1"
}

none_failed() {
	if [ "$(reported ok)" -eq 0 ] || [ "$(reported failed)" -ne 0 ]; then
		cat crowd.json
		return 1
	fi
}
