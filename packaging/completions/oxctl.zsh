#compdef oxctl
# zsh completion for oxctl; made by 'oxctl completion zsh'
local -a commands
commands=(
	'start:bring apps up; what runs already is left alone'
	'stop:stop apps or instances, and wait until they are gone'
	'restart:stop apps or instances, then start them'
	'deploy:read the oxfile again and roll out what changed'
	'reload:rolling restart, for example after a new build'
	'rollback:roll an app back to the revision before'
	'delete:stop apps and remove them'
	'scale:set how many instances apps have'
	'status:show instances'
	'logs:show logs'
	'why:explain crashes and restarts'
	'events:show the event history'
	'plan:show what a deploy would change, instance by instance'
	'signal:send a signal to the main process of instances'
	'reset:clear the crash count and start crashed apps again'
	'save:print an oxfile for the apps that are known'
	'daemon:manage the daemon (install: start at boot)'
	'validate:check oxfiles and say what they define'
	'nginx:print the nginx upstream of apps'
	'export:print apps in the format of another program'
	'schema:print the JSON schema of the oxfile, for editors'
	'completion:print completions for a shell'
	'version:print the version'
	'help:explain a command, or a table of the oxfile'
)
if (( CURRENT == 2 )); then
	_describe 'command' commands
	return
fi
case $words[2] in
start)
	_arguments '--config[the oxfile to read]:value:_files' '--env[lay this profile over the apps]:value:_files' '--only[these apps of the oxfile]:value:_files' '--all[every app]' '--dry-run[only say what would be started]' '--wait[until all of it is ready; exit 1 if something fails]' '--timeout[wait at most this long (also 500ms, 2m), then exit 5]:value:_files' '--instances[with a COMMAND: how many, or max]:value:_files' '--port[with a COMMAND: the first instance'\''s port]:value:_files' '--json[print JSON]' '*:file:_files'
	;;
stop)
	_arguments '--config[the apps that came from this oxfile]:value:_files' '--all[every app]' '--timeout[wait at most this long (also 500ms, 2m), then exit 5]:value:_files' '--json[print JSON]' '*:file:_files'
	;;
restart)
	_arguments '--config[the apps that came from this oxfile]:value:_files' '--all[every app]' '--wait[until all of it is ready; exit 1 if something fails]' '--timeout[wait at most this long (also 500ms, 2m), then exit 5]:value:_files' '--json[print JSON]' '*:file:_files'
	;;
deploy)
	_arguments '--config[the oxfile; without it the usual one]:value:_files' '--all[every oxfile that apps came from]' '--env[lay this profile over the apps]:value:_files' '--force[also roll apps that did not change]' '--abort[go back: a deploy of APP that is under way is given up]' '--continue[continue a deploy of APP that waits, after its canaries or a failure]' '--timeout[wait at most this long (also 500ms, 2m), then exit 5; it continues]:value:_files' '--json[print progress and the end as JSON, an object a line]' '*:file:_files'
	;;
reload)
	_arguments '--config[the apps that came from this oxfile]:value:_files' '--all[every app]' '--timeout[wait at most this long (also 500ms, 2m), then exit 5; it continues]:value:_files' '--json[print progress and the end as JSON, an object a line]' '*:file:_files'
	;;
rollback)
	_arguments '--definition-only[take back the definition alone, with the files that are there now]' '--timeout[wait at most this long (also 500ms, 2m), then exit 5; it continues]:value:_files' '--json[print progress and the end as JSON, an object a line]' '*:file:_files'
	;;
delete)
	_arguments '--config[the apps that came from this oxfile]:value:_files' '--all[every app]' '--timeout[wait at most this long (also 500ms, 2m), then exit 5]:value:_files' '--json[print JSON]' '*:file:_files'
	;;
scale)
	_arguments '--wait[until the new ones are ready; exit 1 if one fails]' '--timeout[wait at most this long (also 500ms, 2m), then exit 5]:value:_files' '--json[print JSON]' '*:file:_files'
	;;
status|ls|list|ps)
	_arguments '--all[every app]' '--all-instances[a row for each instance, also where equal ones of an app would share one]' '--watch[draw it again whenever something happens, until q is pressed]' '--json[print JSON]' '*:file:_files'
	;;
logs)
	_arguments '--all[every app]' '--follow[also print new lines as they are written]' '--lines[only the newest N, or all; 100 if left out]:value:_files' '--since[only what was written then or later]:value:_files' '--until[only what was written then or earlier]:value:_files' '--err[only standard error]' '--out[only standard output]' '--grep[only lines in which this extended regular expression is found]:value:_files' '--time[with the time of each line]' '--json[print JSON, a line an object]' '--raw[print the bytes as they were written, without tags, on a terminal too]' '*:file:_files'
	;;
why)
	_arguments '--lines[only the newest N entries]:value:_files' '--json[print JSON]' '*:file:_files'
	;;
events)
	_arguments '--all[every app]' '--follow[also print new events as they happen]' '--lines[only the newest N; all that are remembered if left out]:value:_files' '--json[print JSON; with --follow an event a line]' '*:file:_files'
	;;
plan|diff)
	_arguments '--from[compare with this oxfile, and not with what runs]:value:_files' '--to[the oxfile as it should be; without it the usual one]:value:_files' '--config[as --to]:value:_files' '--all[every app]' '--env[lay this profile over the apps]:value:_files' '--json[print JSON]' '*:file:_files'
	;;
signal)
	_arguments '--all[every app]' '--json[print JSON]' '*:file:_files'
	;;
reset)
	_arguments '--config[the apps that came from this oxfile]:value:_files' '--all[every app]' '--json[print JSON]' '*:file:_files'
	;;
save)
	_arguments '--all[every app]' '--output[replace this file, whole or not at all]:value:_files' '--json[print it as text in JSON]' '*:file:_files'
	;;
daemon)
	_arguments '--json[status: print JSON]' '--from[upgrade: where the new oxherd and oxherd-brain are]:value:_files' '--user[install: for your own systemd]' '--strict[install: forbid also what plain network programs do not need]' '--print[install: only print the unit]' '--group[install: who may control the daemon too; see oxherd(8)]:value:_files' '*:file:_files'
	;;
validate)
	_arguments '--config[the oxfile to read]:value:_files' '--env[lay this profile over the apps]:value:_files' '--json[print JSON]' '*:file:_files'
	;;
nginx)
	_arguments '--server[print a whole server block for this host name]:value:_files' '--output[replace this file, whole or not at all]:value:_files' '--config[the oxfile to read]:value:_files' '--env[lay this profile over the apps]:value:_files' '--json[print the upstreams as JSON]' '*:file:_files'
	;;
export)
	_arguments '--server[print a whole server block for this host name]:value:_files' '--output[replace this file, whole or not at all]:value:_files' '--config[the oxfile to read]:value:_files' '--env[lay this profile over the apps]:value:_files' '--json[print the upstreams as JSON]' '*:file:_files'
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
	_arguments '--mdoc[print a section of the manual'\''s source]:value:_files' '*:topic:(start stop restart deploy reload rollback delete scale status ls list ps logs why events plan diff signal reset save daemon validate nginx export schema completion version help topics oxfile app health_check deploy nginx limits logs webhook health resource_limits)'
	;;
esac
