#!/usr/bin/env python3
"""
Many apps are stopped at once: what each costs does not grow with how many there are, nor with a shell in between, and nobody else waits.

STORM_STOPS (800): how many of each kind; STORM_APPS (1000): how many, and then twice as many.
"""
import os
import signal
import tempfile
import time

from storm import PATIENCE, daemon, eventually, note, number, run

STOPS = number('STOPS', 800)
APPS = number('APPS', 1000)
SHELL_TIMES = 3
DOUBLE_TIMES = 2
# The best of some rounds: what else runs on the machine makes one longer and never shorter.
ROUNDS = 3

# Where run folders are in earnest: some file systems on disks take milliseconds to make a FIFO where many were removed just before.
if os.access('/dev/shm', os.W_OK):
    tempfile.tempdir = '/dev/shm'

DIRECT = 'sleep 100000'
SHELL = 'sleep 100000; true'


def apps(prefix, count, command):
    return ''.join('[processes.%s%d]\ncommand = "%s"\nnamespace = "%s"\n' % (prefix, i, command, prefix) for i in range(count))


def up(d, toml):
    d.client(600).call('apply', oxfile=d.write_oxfile(toml), text=toml, env={'PATH': os.environ['PATH']}, wait=True)


def again(d, prefix):
    d.client(600).call('start', targets=[prefix], wait=True)


def stop_seconds(d, prefix, count):
    client = d.client(600)
    begin = time.monotonic()
    client.call('stop', targets=[prefix])
    took = time.monotonic() - begin
    client.close()
    assert sum(p['status'] == 'stopped' for p in d.processes(prefix).values()) == count
    return took


def kinds(*arguments):
    with daemon(*arguments) as d:
        up(d, apps('direct', STOPS, DIRECT) + apps('shell', STOPS, SHELL))
        best = {'direct': 600, 'shell': 600}
        for turn in range(ROUNDS):
            for kind in best:
                if turn:
                    again(d, kind)
                best[kind] = min(best[kind], stop_seconds(d, kind, STOPS))
            if best['shell'] <= SHELL_TIMES * best['direct']:
                break
        note('%d stop in %.2f s, and in %.2f s with a shell: ratio %.1f' %
             (STOPS, best['direct'], best['shell'], best['shell'] / best['direct']))
        assert best['shell'] <= SHELL_TIMES * best['direct'], best
        assert not d.services(), d.services()
        assert 'SIGKILL' not in d.log()


def doubled():
    per_app = {}
    for count in (APPS, 2 * APPS):
        with daemon() as d:
            up(d, apps('shell', count, SHELL))
            took = stop_seconds(d, 'shell', count)
            again(d, 'shell')
            took = min(took, stop_seconds(d, 'shell', count))
            per_app[count] = took / count
            note('%d stop in %.2f s, %.2f ms each' % (count, took, 1000 * per_app[count]))
    assert per_app[2 * APPS] <= DOUBLE_TIMES * per_app[APPS], per_app


def others(*arguments):
    with daemon(*arguments) as d:
        up(d, apps('shell', STOPS, SHELL) + '[processes.other]\ncommand = "sleep 100000"\nrestart_delay_ms = 0\n')
        pid = d.processes('other')['other:0']['pid']
        client = d.client(600)
        client.send('stop', targets=['shell'])
        assert eventually(lambda: d.processes('shell0')['shell0:0']['status'] != 'running')
        begin = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: d.processes('other')['other:0']['pid'] not in (None, pid), 30)
        took = time.monotonic() - begin
        note('a crash was over after %.2f s' % took)
        client.answer()
        assert took < 3 * PATIENCE, took
        assert not [line for line in d.log().splitlines() if 'unkillable' in line]


if __name__ == '__main__':
    run(
        ('%d commands with a shell stop in at most %d times the time of as many without' % (STOPS, SHELL_TIMES), kinds),
        ('the same where there are no cgroups', lambda: kinds('--no-cgroups')),
        ('%d apps stop in at most %d times the time each that half of them take' % (2 * APPS, DOUBLE_TIMES), doubled),
        ('while %d stop, another that crashes is up again within three seconds' % STOPS, others),
        ('also where there are no cgroups', lambda: others('--no-cgroups')),
    )
