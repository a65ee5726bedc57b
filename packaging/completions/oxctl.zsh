#compdef oxctl
# zsh completion for oxctl; made by 'oxctl completion zsh'
local -a commands
commands=(
	'validate:check oxfiles and say what they define'
	'nginx:print the nginx upstream of apps'
	'plan:show what changes between two oxfiles, instance by instance'
	'schema:print the JSON schema of the oxfile, for editors'
	'completion:print completions for a shell'
	'version:print the version'
	'help:show the commands, or one of them'
)
if (( CURRENT == 2 )); then
	_describe 'command' commands
	return
fi
case $words[2] in
validate)
	_arguments '--config[the oxfile to read]:value:_files' '--env[lay this profile over the apps]:value:_files' '--json[print JSON]' '*:file:_files'
	;;
nginx)
	_arguments '--server[print a whole server block for this host name]:value:_files' '--output[replace this file, whole or not at all]:value:_files' '--config[the oxfile to read]:value:_files' '--env[lay this profile over the apps]:value:_files' '--json[print the upstreams as JSON]' '*:file:_files'
	;;
plan|diff)
	_arguments '--from[the oxfile as it is]:value:_files' '--to[the oxfile as it should be; without it the usual one]:value:_files' '--env[lay this profile over the apps]:value:_files' '--json[print JSON]' '*:file:_files'
	;;
schema)
	_arguments '*:file:_files'
	;;
completion)
	_arguments '*:file:_files'
	;;
version)
	_arguments '--json[print JSON]' '*:file:_files'
	;;
help)
	_arguments '--mdoc[print a section of the manual's source]:value:_files' '*:file:_files'
	;;
esac
