# bash completion for oxctl; made by 'oxctl completion bash'
_oxctl()
{
	local word=${COMP_WORDS[COMP_CWORD]} words=
	if [ "$COMP_CWORD" -eq 1 ]; then
		words="start stop restart deploy reload rollback delete scale status ls list ps logs why events plan diff signal reset save daemon validate nginx export schema completion version help"
	else
		case ${COMP_WORDS[1]} in
		start) words=" --config --env --only --all --dry-run --wait --timeout --instances --port --json --help" ;;
		stop) words=" --config --all --timeout --json --help" ;;
		restart) words=" --config --all --wait --timeout --json --help" ;;
		deploy) words=" --config --all --env --force --abort --continue --timeout --json --help" ;;
		reload) words=" --config --all --timeout --json --help" ;;
		rollback) words=" --definition-only --timeout --json --help" ;;
		delete) words=" --config --all --timeout --json --help" ;;
		scale) words=" --wait --timeout --json --help" ;;
		status|ls|list|ps) words=" --all --all-instances --watch --json --help" ;;
		logs) words=" --all --follow --lines --since --until --err --out --grep --time --json --raw --help" ;;
		why) words=" --lines --json --help" ;;
		events) words=" --all --follow --lines --json --help" ;;
		plan|diff) words=" --from --to --config --all --env --json --help" ;;
		signal) words=" --all --json --help" ;;
		reset) words=" --config --all --json --help" ;;
		save) words=" --all --output --json --help" ;;
		daemon) words="start stop restart status upgrade install --json --from --user --strict --print --group --help" ;;
		validate) words=" --config --env --json --help" ;;
		nginx) words=" --server --output --config --env --json --help" ;;
		export) words="nginx haproxy caddy procfile --server --output --config --env --json --help" ;;
		schema) words=" --help" ;;
		completion) words="bash zsh fish --help" ;;
		version) words=" --json --help" ;;
		help) words="start stop restart deploy reload rollback delete scale status ls list ps logs why events plan diff signal reset save daemon validate nginx export schema completion version help topics oxfile app health_check deploy nginx limits logs webhook health resource_limits --mdoc --help" ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _oxctl oxctl
