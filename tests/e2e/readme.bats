# What the README and the HOWTO of oxherd(7) tell people to paste.
#
# The quick start runs as it stands there.  Every other block runs in a prepared folder with a daemon of its own: a block of settings is
# validated, and where commands follow it, it is the oxfile that they meet.  What cannot run in a test has a stand-in in stand_ins, with the reason.
load ../lib/daemon

setup() {
	daemon_place
	port=$(port_block 16)
}

# blocks_of_readme: each block becomes a file NNN.KIND in blocks/, KIND being what stands behind the three backquotes.
blocks_of_readme() {
	mkdir -p blocks
	awk '
		/^```./ { kind = substr($0, 4); name = sprintf("blocks/%03d.%s", ++n, kind); printf "" >name; inside = 1; next }
		/^```/  { inside = 0; next }
		inside  { print >name }' "$OX_TOP/README.md"
}

# blocks_of_howto: the same for the manual; NNN-MMM is the question and the block.
blocks_of_howto() {
	mkdir -p blocks
	sed -n '/^\.Sh HOWTO/,/^\.Sh SEE/p' "$OX_TOP/man/oxherd.7" | sed "s/\\\\-/-/g; s/\\\\(aq/'/g; s/\\\\(dq/\"/g; s/\\\\e/\\\\/g" | awk '
		/^\.Ss/         { question++; n = 0; next }
		/^\.Bd/         { inside = 1; name = ""; next }
		/^\.Ed/         { inside = 0; next }
		inside && !name { name = sprintf("blocks/%03d-%03d.%s", question, ++n, /^\[/ ? "toml" : "sh"); printf "" >name }
		inside          { print >name }'
}

# stand_in NAME <<SH: a program that is found before the machine's own.
stand_in() {
	{
		echo '#!/bin/sh'
		cat
	} >"bin/$1"
	chmod +x "bin/$1"
}

stand_ins() {
	mkdir -p bin
	# An install would write a unit for this machine's systemd.  What follows something never ends: it has to run until it is stopped.
	# A file in /etc is root's.  Ports that the daemon chooses from 3000 up may be those of another test.
	stand_in oxctl <<-SH
		real=$OXHERD_BUILD/oxctl
		case "\$*" in
		"daemon install"*) exec "\$real" "\$@" --print ;;
		*" -f"*) timeout 1 "\$real" "\$@"; [ \$? = 124 ]; exit ;;
		*--watch*) timeout 1 python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' "\$real" "\$@"; [ \$? = 124 ]; exit ;;
		*/etc/nginx/conf.d/*) exec "\$real" nginx api --server example.com --output ./api.conf ;;
		"start "*" -i "*" -- "*) app=\$2; shift 2; exec "\$real" start "\$app" --port $((port + 8)) "\$@" ;;
		esac
		exec "\$real" "\$@"
	SH
	# Nothing that a test runs needs root, and nothing here may change the machine.
	stand_in sudo <<<'exec "$@"'
	stand_in rm <<<'exit 0'
	# There is no systemd in many places where tests run.
	stand_in systemctl <<<'exit 0'
	stand_in loginctl <<<'exit 0'
	# Other tests use what is built; so this only shows that the targets are there.
	stand_in make <<<"cd $OX_TOP && exec /usr/bin/make -n \"\$@\""
	# The programs of the examples: each listens on its port, or does nothing.
	stand_in node <<<'exec hello'
	stand_in npm <<<'exec sleep 1000'
	PATH=$PWD/bin:$PATH
}

# Two apps, releases to deploy, and no waiting for a proxy.
prepared_folder() {
	mkdir -p releases/1 releases/2
	ln -sfn releases/1 current
	echo SECRET=1 >.env
	touch server.js app.js
	ln -sfn "$OX_TOP/packaging" packaging
	cat >oxfile.toml <<-TOML
		[processes.api]
		command = "node server.js"
		instances = 2

		[processes.api.profiles.staging]
		instances = 1
	TOML
}

# Deploys are quick, and ports are this test's.
adapt_oxfile() {
	printf '\n[defaults.deploy]\nmin_healthy_secs = 0.1\nfail_timeout_secs = 0\n' >>oxfile.toml
	sed -i "/^port = /d; 0,/^command = .*/s//&\nport = $port/" oxfile.toml
}

# run_block FILE [TOML]: the commands of FILE, one after the other, in a herd that is up, where something changed since.
run_block() {
	prepared_folder
	[ -z "${2:-}" ] || cp "$2" oxfile.toml
	adapt_oxfile
	oxctl start --wait 3>&-
	# Something to deploy, and something to go back to.
	for word in one two; do
		echo "// $word" >>server.js
		[ "$word" = two ] || oxctl deploy --timeout 30 >/dev/null 3>&-
	done
	sh -e "$1" 3>&- || {
		echo "exit code $? in $1:"
		cat "$1"
		return 1
	}
	oxctl daemon stop || [ $? = 3 ]
	/bin/rm -rf "$OXHERD_HOME" server.js
}

@test "the README's quick start runs as it is pasted into a shell" {
	blocks_of_readme
	grep -l '^mkdir hello' blocks/*.sh >quick_start
	for n in 0 2; do
		sed -i "s/\b300$n\b/$((port + n))/" "$(<quick_start)"
	done
	run -0 bash -e "$(<quick_start)" 3>&-
	assert_line "api: 4 instances started on $port-$((port + 3))"
	assert_line "4 of 4 ready"
	assert_line "hello from api:2"
	assert_line --partial "killed by SIGKILL"
	assert_line --partial "revision 2 runs in 4 of 4 instances"
	assert_line "hi from api:2"
	assert_line "the daemon and its services have stopped"
}

@test "every other command of the README can be pasted" {
	local file
	blocks_of_readme
	stand_ins
	for file in blocks/*.sh; do
		grep -q '^mkdir hello' "$file" || run_block "$file"
	done
	# Commands in tables and in the text.
	grep -o '`oxctl [^`]*`' "$OX_TOP/README.md" | tr -d '`' >blocks/inline
	run -0 cat blocks/inline
	assert_line "oxctl start api -i 4 -- node app.js"
	# An app that is there already is not made again.
	sed -i '1i oxctl delete --all' blocks/inline
	run_block blocks/inline
}

@test "every setting that the README shows is valid" {
	blocks_of_readme
	prepared_folder
	cat blocks/*.toml >>oxfile.toml
	oxctl validate
	grep -o '`command = [^`]*`' "$OX_TOP/README.md" | tr -d '`' >commands
	[ "$(wc -l <commands)" -ge 6 ]
	while read -r line; do
		printf '[processes.api]\ninstances = 2\n%s\n' "$line" | given_oxfile
		oxctl validate
	done <commands
	printf '[processes.api]\ncommand = "true"\n%s\n' "$(grep -o '`logs = [^`]*`' "$OX_TOP/README.md" | tr -d '`')" | given_oxfile
	oxctl validate
}

# Without a container: there the shell is process 1, here an ordinary one.
@test "the README's command for a container starts the apps, shows what they print, and stops them in order on SIGTERM, also after a kill" {
	local command pid
	blocks_of_readme
	command=$(sed -n 's/^CMD \["sh", "-c", "\(.*\)"\]$/\1/p' blocks/*.dockerfile)
	[ -n "$command" ]
	printf '[processes.api]\ncommand = "hello"\nport = %s\n' "$port" | given_oxfile
	# A container that is killed takes everything with it, and leaves its files.
	sh -c "$command" >first 2>&1 3>&- &
	pid=$!
	eventually 5 answers "$port" "from api:0"
	expect_error "the keeper is gone"
	expect_error "the keeper cannot be reached"
	kill -KILL "$pid" "$(keeper_pid)" "$(brain_pid)" "$(pid_of api:0)"
	eventually 5 nothing_left
	sh -c "$command" >second 2>&1 3>&- &
	pid=$!
	eventually 5 answers "$port" "from api:0"
	eventually 5 grep -q '\[api:0\] ' second
	kill -TERM "$pid"
	wait "$pid"
	assert_logged 'api:0: stopping -> stopped on died (the daemon stops'
	# Those that follow the log wait a moment for another daemon; in a container they end with process 1.
	eventually 5 nothing_left
}

@test "oxherd(7) answers twenty questions, and every answer is valid or runs" {
	local file settings
	blocks_of_howto
	[ "$(sed -n '/^\.Sh HOWTO/,/^\.Sh SEE/p' "$OX_TOP/man/oxherd.7" | grep -c '^\.Ss .*?')" = 20 ]
	[ "$(find blocks -name '*.sh' | wc -l)" -ge 12 ]
	stand_ins
	for file in blocks/*.toml; do
		prepared_folder
		if grep -q '^\[processes' "$file"; then
			cp "$file" oxfile.toml
		else
			cat "$file" >>oxfile.toml
		fi
		oxctl validate
	done
	for file in blocks/*.sh; do
		settings=${file%-*}-001.toml
		[ -e "$settings" ] && grep -q '^\[processes' "$settings" || settings=
		run_block "$file" "$settings"
	done
}

@test "the recording shows a real session, and nothing of the machine that it was made on" {
	cat >README.md <<-SH
		## Quick start

		\`\`\`sh
		mkdir hello && cd hello
		printf '[processes.api]\ncommand = "hello"\nport = $port\n' > oxfile.toml
		oxctl start --wait             # a remark
		oxctl status
		\`\`\`
	SH
	python3 "$OX_TOP/packaging/recording.py" "$OXHERD_BUILD" README.md picture.svg 3>&-
	grep -q ">api: 1 instance started on $port<" picture.svg
	grep -q 'class="c32">running<' picture.svg
	run ! grep -e remark -e "$PWD" -e "$OXHERD_BUILD" -e "$(hostname)" picture.svg
	run ! grep -e "$OX_TOP" -e "$HOME" -e "$(hostname)" "$OX_TOP/docs/recording.svg"
	python3 -c 'import sys, xml.dom.minidom as x; [x.parse(p) for p in sys.argv[1:]]' picture.svg "$OX_TOP/docs/recording.svg"
}

@test "the README is read in three minutes: 150 lines at most, and every file that it links to is there" {
	local target
	[ "$(wc -l <"$OX_TOP/README.md")" -le 150 ]
	grep -oE '\]\([^)#]+\)' "$OX_TOP/README.md" "$OX_TOP/CONTRIBUTING.md" "$OX_TOP"/docs/*.md | sed 's/:](/ /; s/)$//' >links
	while read -r file target; do
		[ -e "$(dirname "$file")/$target" ] || {
			echo "$file links to $target, which is not there"
			return 1
		}
	done <links
}
