# bash completion for oxctl; made by 'oxctl completion bash'
_oxctl()
{
	local word=${COMP_WORDS[COMP_CWORD]} words=
	if [ "$COMP_CWORD" -eq 1 ]; then
		words="validate nginx plan diff schema completion version help"
	else
		case ${COMP_WORDS[1]} in
		validate) words=" --config --env --json --help" ;;
		nginx) words=" --server --output --config --env --json --help" ;;
		plan|diff) words=" --from --to --env --json --help" ;;
		schema) words=" --help" ;;
		completion) words="bash zsh fish --help" ;;
		version) words=" --json --help" ;;
		help) words="validate nginx plan diff schema completion version help --mdoc --help" ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _oxctl oxctl
