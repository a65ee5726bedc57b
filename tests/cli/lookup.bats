# oxctl start NAME -- COMMAND looks the program up before anything is made.
load ../lib/common

# not_started WORDS… : exit 1, no daemon, and this is said.
not_started() {
	local expected=$1
	shift
	run -1 --separate-stderr oxctl start "$@"
	assert_equal "$output" ""
	assert_equal "$stderr" "oxctl: cannot execute $expected"
	[ ! -e "$OXHERD_HOME" ]
}

# A PATH of its own, with programs that need not do anything.
setup() {
	private_place
	mkdir bin
	for program in node npm python3 sh; do
		printf '#!/bin/true\n' >"bin/$program"
		chmod +x "bin/$program"
	done
	ln -s "$(command -v oxctl)" bin/oxctl
}

@test "start npm -- start says what was meant, and makes nothing" {
	none="there is no such program in PATH; nothing was started"
	echo >app.js
	PATH=$PWD/bin:/bin:/usr/bin
	for words in "npm -- begin:npm -- npm begin" "web -- nodee server.js:web -- node server.js" \
		"app.js -- --port 3000:app -- node app.js --port 3000" "web -i 2 -- app.js:web -i 2 -- node app.js" \
		"npm -- run dev --port 3000:npm -- npm run dev --port 3000"; do
		typed=${words%%:*}
		command=${typed#*-- }
		# shellcheck disable=SC2086
		not_started "'${command%% *}': $none. Did you mean: oxctl start ${words#*:}" $typed
	done
	not_started "'node app.js': $none. Did you mean: oxctl start web -- node app.js" web -- "node app.js"
	not_started "'PORT=1': $none. Did you mean: PORT=1 oxctl start web -- node app.js" web -- PORT=1 node app.js
	not_started "'/no/such': No such file or directory; nothing was started" web -- /no/such
	not_started "'xyzzy': $none" web -- xyzzy
}

@test "a file that is not executable, a folder and a script without its interpreter have different messages" {
	echo >plain.txt
	mkdir folder
	printf '#!/no/such/perl\n' >script
	printf '#!/bin/sh\r\n' >dos
	chmod +x script dos
	not_started "'./plain.txt': it is not executable (chmod +x makes it so); nothing was started" web -- ./plain.txt
	not_started "'./folder': it is a folder; nothing was started" web -- ./folder
	not_started "'./script': its first line names '/no/such/perl', which is not there or not executable; nothing was started" \
		web -- ./script
	not_started "'./dos': its first line ends with a carriage return; save it with Unix line ends; nothing was started" web -- ./dos
	not_started "'./plain.txt/x': Not a directory; nothing was started" web -- ./plain.txt/x
	printf '#!/bin/sh\n' >serve-it
	chmod +x serve-it
	not_started "'serve-it': there is no such program in PATH; nothing was started. Did you mean: oxctl start web -- ./serve-it" \
		web -- serve-it
}

@test "the program is looked up with the rights of the caller" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	chmod 755 . bin
	mkdir -m 777 home
	printf '#!/bin/sh\n' >root-only
	chmod 700 root-only
	run -1 setpriv --reuid 65534 --regid 65534 --clear-groups env OXHERD_HOME="$PWD/home/herd" oxctl start web -- ./root-only
	assert_output --partial "'./root-only': it is not executable"
	[ ! -e home/herd ]
}
