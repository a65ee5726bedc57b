#!/bin/sh
# ./switch.sh green: starts green beside blue and moves the traffic over.  Blue keeps running: it has requests to finish, and traffic can be moved back to it.
set -eu
cd "$(dirname "$0")"

case ${1-} in
blue) port=${BLUE_PORT:-3000} other=green ;;
green) port=${GREEN_PORT:-3001} other=blue ;;
*)
	echo "usage: $0 blue|green" >&2
	exit 2
	;;
esac
upstream=${UPSTREAM:-upstream.conf}
nginx=${NGINX:-nginx}

# Waits until its health check passes; if it does not, nothing else happens.
PORT=$port oxctl start -c "oxfile.$1.toml" --wait

# Whole or not at all, and back if nginx does not take it.
[ ! -e "$upstream" ] || cp "$upstream" "$upstream.before"
printf 'upstream site {\n    server 127.0.0.1:%s;\n}\n' "$port" >"$upstream.new"
mv "$upstream.new" "$upstream"
if ! $nginx -t -q; then
	[ ! -e "$upstream.before" ] || mv "$upstream.before" "$upstream"
	exit 1
fi
$nginx -s reload

if oxctl status "$other" >/dev/null 2>&1; then
	echo "$1 serves; $other still runs: $0 $other turns back, oxctl delete $other ends it"
fi
