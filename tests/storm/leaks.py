#!/usr/bin/env python3
"""The daemon under valgrind: a short life with all that it can do, and nothing left at its end."""
import glob
import os
import re
import shutil
import signal
import tempfile

from storm import ACTOR, BUILD, Daemon, Refused, Skip, children, eventually, note, read, run, wait_gone

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


def judge(report, who):
    """Complaints of one process's report."""
    found = [line for line in re.findall(r'== (.*)', report)
             if re.match(r'Invalid (read|write)|Conditional jump|Use of uninit|Syscall param|.* bytes in .* (definitely|possibly|indirectly) lost',
                         line)]
    # Beyond those that valgrind and whoever started us own.
    for match in re.finditer(r'Open (?!file descriptor [012]:)(.*)\n(?:==\d+==(.*)\n)?', report):
        if 'inherited from parent' in (match.group(2) or '') or '.valgrind' in match.group(1):
            continue
        found.append('still open: ' + match.group(1) + (match.group(2) or ''))
    return ['%s: %s' % (who, line) for line in found]


def under_valgrind():
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
        live(d)
        # A second brain, for what the first leaves and the next one finds.
        os.kill(next(pid for pid in brains(d)), signal.SIGKILL)
        assert d.patient_call('ping', 30) == 'pong'
        d.call('restart', targets=['api'])
        d.call('daemon.shutdown')
        assert wait_gone(d.keeper, 60)
        complaints, seen = [], 0
        # Those of children that never became another program are copies of the keeper's, and end without a word.
        for path in glob.glob(folder + '/brain.*.valgrind') + ['%s/keeper.%d.valgrind' % (folder, d.keeper)]:
            with open(path, encoding='utf-8', errors='replace') as file:
                report = file.read()
            who = os.path.basename(path).split('.')[0]
            seen += 'FILE DESCRIPTORS' in report
            complaints += judge(report, who)
        for line in complaints:
            note(line)
        assert not complaints
        # The keeper, and the brain that ended in peace.
        assert seen >= 2, seen
    finally:
        d.end()
        shutil.rmtree(folder, ignore_errors=True)


def brains(d):
    """valgrind's own name stands before the brain's."""
    return [pid for pid in children(d.keeper) if b'oxherd-brain' in read('/proc/%d/cmdline' % pid)]


if __name__ == '__main__':
    run(('a short life of the daemon under valgrind leaves no memory and no descriptor behind', under_valgrind),)
