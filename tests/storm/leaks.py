#!/usr/bin/env python3
"""The daemon under valgrind: short lives with all that it can do, and nothing left at their end."""
import glob
import json
import os
import re
import shutil
import signal
import tempfile

from front import FRONT, PATH, Nginx
from storm import ACTOR, BUILD, Daemon, Refused, Skip, children, eventually, note, read, run, wait_gone

ENV = {'PATH': PATH}
OPTIONS = ['--leak-check=full', '--show-leak-kinds=definite,indirect,possible', '--track-fds=yes']

OXFILE = '''
[processes.api]
command = "sleep 100000"
instances = 3
env = { PORT = "25000" }
[processes.owner]
command = "%(actor)s --listen 0"
port = 25100
[processes.crasher]
command = ["/bin/sh", "-c", "echo last words; exit 7"]
restart = "always"
restart_delay_ms = 100
[processes.missing]
command = "/nowhere/to/be/found"
max_restarts = 2
restart_delay_ms = 10
[processes.deaf]
command = "%(actor)s --ignore TERM --setsid-grandchild"
stop_timeout_ms = 300
[processes.last]
command = "sleep 100000"
depends_on = ["api"]
''' % {'actor': ACTOR}


def live(d):
    d.apply(OXFILE)
    assert eventually(lambda: d.processes('last')['last:0']['status'] == 'running', 60)
    assert eventually(lambda: d.processes('crasher')['crasher:0']['crashes'] > 2, 60)
    subscriber = d.client()
    subscriber.call('subscribe')
    d.call('scale', counts={'api': 5}, wait=True)
    d.call('scale', counts={'api': 1})
    d.call('restart', targets=['last'])
    d.call('stop', targets=['deaf'])
    d.call('signal', signal='CONT', targets=['api'])
    d.call('events')
    d.call('why', target='missing')
    d.call('daemon.info')
    d.call('reset')
    d.call('save')
    for method, params in (('stop', {'targets': ['nobody']}), ('why', {'target': 'nobody'}), ('nonsense', {}),
                           ('apply', {'oxfile': '/x/oxfile.toml', 'text': '[processes.a]\ncommand = 7\n'}),
                           ('start', {'targets': 7})):
        try:
            d.call(method, **params)
            raise AssertionError('%s should have been refused' % method)
        except Refused:
            pass
    d.call('start', name='lone', argv=['sleep', '100000'], cwd='/tmp', env={'PATH': os.environ['PATH']})
    d.call('delete', targets=['lone', 'deaf'])
    subscriber.socket.sendall(b'{"half')


SERVED = '''
[processes.served]
command = "%(command)s"
instances = 2
port = 25110
stop_timeout_ms = 2000
env = { BUILD = "%(build)s" }
health_check = { endpoint = "http://127.0.0.1/", interval_secs = 1 }
deploy = { min_healthy_secs = 0, drain_secs = 1, canary = %(canary)d, pre = "true", post = "echo rolled" }
ready_timeout_secs = 20
max_restarts = 2
[processes.served.nginx]
upstream = "api"
%(nginx)s
[processes.tried]
command = "exec sleep 100000"
health_check = { command = "echo well", interval_secs = 1 }
limits = { memory_mb = 1000, cpu_percent = 1000 }
[processes.connected]
command = "%(actor)s --listen 0"
port = 25120
health_check = { tcp = true, interval_secs = 1 }
[processes.notifies]
command = "echo >&$NOTIFY_FD; exec sleep 100000"
ready = "notify"
[processes.talks]
command = "while :; do yes many words | head -c 600000; sleep 0.5; done"
logs = { max_size_mb = 1, max_files = 2, compress = true }
[processes.timed]
command = "while :; do echo tick; sleep 0.1; done"
logs = { date_format = "%%H:%%M:%%S" }
'''


def served(d, build, canary=0, command='%s/examples/hello/hello' % BUILD):
    """The path of an oxfile with this."""
    return d.write_oxfile(SERVED % {'actor': ACTOR, 'build': build, 'canary': canary, 'command': command, 'nginx': d.nginx.keys()})


def outcome(d, method, **params):
    """How a rollout ended, as text, whether it was a success or not."""
    try:
        return json.dumps(d.client(180).call(method, **params))
    except Refused as why:
        return str(why)


def rolling(d, build, **what):
    return outcome(d, 'deploy', oxfile=served(d, build, **what), env=ENV)


def follow(d):
    """Followers of each kind, of which one stops to read."""
    followers = [d.client() for _ in range(4)]
    followers[0].call('subscribe')
    followers[1].send('logs', targets=['talks', 'timed'], lines=5, follow=True)
    followers[2].send('logs', lines=1000, grep='many', follow=True)
    followers[3].send('logs', lines=3, stream='err')
    followers[3].answer()
    for follower in followers[1:3]:
        assert follower.file.readline()
    return followers


def roll(d):
    d.call('apply', oxfile=served(d, 'one'), env=ENV, wait=True, timeout_ms=100000)
    assert eventually(lambda: d.nginx.ports() == [25110, 25111], 30)
    followers = follow(d)
    next_brain(d)
    followers += follow(d)
    assert eventually(lambda: os.path.exists(os.path.join(d.home, 'log', 'talks-0-out.log.1.gz')), 60)
    served(d, 'two')
    d.call('plan', env=ENV)
    for told, words in ((rolling(d, 'two'), 'revision 2 runs in 2 of 2'),
                        (rolling(d, 'bad', command='echo a bad build >&2; exit 1'), 'a bad build'),
                        (outcome(d, 'reload', targets=['notifies', 'tried']), 'tried: revision 2 runs'),
                        (outcome(d, 'rollback', app='served'), 'revision 1 runs in 2 of 2')):
        assert words in told, told
    return followers


def canary(d, word):
    """A deploy that waits for --continue, and gets it."""
    client = d.client(180)
    client.send('deploy', oxfile=served(d, 'canary to ' + word, canary=1), env=ENV)
    assert eventually(lambda: is_waiting(d), 60), d.call('status')['apps']
    told = outcome(d, word, app='served')
    assert ('aborted' if word == 'abort' else 'runs in 2 of 2') in told, told
    assert '--continue served' in json.dumps(client.answer())


def is_waiting(d):
    return (d.call('status', targets=['served'])['apps'][0]['rollout'] or {}).get('phase') == 'paused'


def judge(report, who):
    """Complaints of one process's report."""
    found = [line for line in re.findall(r'== (.*)', report)
             if re.match(r'Invalid (read|write)|Conditional jump|Use of uninit|Syscall param|.* bytes in .* (definitely|possibly|indirectly) lost',
                         line)]
    # Beyond those of valgrind and of our parent.
    for match in re.finditer(r'Open (?!file descriptor [012]:)(.*)\n(?:==\d+==(.*)\n)?', report):
        if 'inherited from parent' in (match.group(2) or '') or '.valgrind' in match.group(1):
            continue
        found.append('still open: ' + match.group(1) + (match.group(2) or ''))
    return ['%s: %s' % (who, line) for line in found]


def reports_of(folder, keepers):
    """Complaints of all that ended by itself, and how many these were."""
    complaints, seen = [], 0
    # Those of children that never became another program are copies of the keeper's, and end without a word.
    for path in glob.glob(folder + '/brain.*.valgrind') + ['%s/keeper.%d.valgrind' % (folder, pid) for pid in keepers]:
        with open(path, encoding='utf-8', errors='replace') as file:
            report = file.read()
        who = os.path.basename(path).split('.')[0]
        seen += 'FILE DESCRIPTORS' in report
        complaints += judge(report, who)
    return complaints, seen


def under_valgrind(life):
    """A promise: `life` is lived and ended, and every keeper and brain that ended in peace left nothing behind."""
    def promise():
        if not shutil.which('valgrind'):
            raise Skip('valgrind is not installed')
        folder = tempfile.mkdtemp(prefix='storm')
        brain = os.path.join(folder, 'brain')
        valgrind = ['valgrind', *OPTIONS]
        with open(brain, 'w', encoding='utf-8') as file:
            file.write('#!/bin/sh\nexec %s --log-file=%s/brain.%%p.valgrind %s/oxherd-brain\n' % (' '.join(valgrind), folder, BUILD))
        os.chmod(brain, 0o755)
        d = Daemon('--brain', brain, wrapper=[*valgrind, '--log-file=%s/keeper.%%p.valgrind' % folder])
        try:
            life(d)
            d.call('daemon.shutdown')
            assert wait_gone(d.keeper, 60)
            complaints, seen = reports_of(folder, [d.keeper])
            for line in complaints:
                note(line)
            assert not complaints
            # The keeper, and the brain that ended in peace.
            assert seen >= 2, seen
        finally:
            d.end()
            shutil.rmtree(folder, ignore_errors=True)
    return promise


def next_brain(d):
    """For what the first one leaves and the next one finds."""
    os.kill(next(pid for pid in brains(d)), signal.SIGKILL)
    assert d.patient_call('ping', 30) == 'pong'


def common_life(d):
    live(d)
    next_brain(d)
    d.call('restart', targets=['api'])


def rolling_life(d):
    d.nginx = Nginx(os.path.join(d.home, 'nginx'), FRONT)
    try:
        roll_and_follow(d)
    finally:
        d.nginx.close()


def roll_and_follow(d):
    followers = roll(d)
    d.call('restart', targets=['tried'], wait=True)
    for word in ('continue', 'abort'):
        canary(d, word)
    # These stay until the end, one in the middle of a request.
    followers[-1].socket.sendall(b'{"half')
    d.followers = followers


def brains(d):
    """valgrind's own name stands before the brain's."""
    return [pid for pid in children(d.keeper) if b'oxherd-brain' in read('/proc/%d/cmdline' % pid)]


if __name__ == '__main__':
    run(
        ('a short life of the daemon under valgrind leaves no memory and no descriptor behind', under_valgrind(common_life)),
        ('nor does one with checks, deploys, an upstream, logs that rotate and followers', under_valgrind(rolling_life)),
    )
