#!/usr/bin/env python3
"""
Nothing ticks: while nothing happens neither the keeper nor the brain wakes up.

STORM_IDLE_SECS (3; 10 for the long run), STORM_IDLE_INSTANCES (100).
"""
import os
import shutil
import subprocess
import tempfile
import time

from storm import Skip, daemon, eventually, note, number, read, run

SECONDS = number('IDLE_SECS', 3)
INSTANCES = number('IDLE_INSTANCES', 100)
# What the starts left to do: a second until "alive", a save, a crash that is forgotten.
SETTLES_WITHIN = 4


def switches(pid):
    """How often a process went to sleep: each is a time when it had been awake."""
    for line in read('/proc/%d/status' % pid).splitlines():
        if line.startswith(b'voluntary_ctxt_switches'):
            return int(line.split()[1])
    raise AssertionError('process %d is gone' % pid)


def idle(d):
    pids = {'keeper': d.keeper, 'brain': d.brain()}
    before = {who: switches(pid) for who, pid in pids.items()}
    time.sleep(SECONDS)
    woken = {who: switches(pid) - before[who] for who, pid in pids.items()}
    note('in %d s: %s' % (SECONDS, woken))
    assert not any(woken.values()), woken


def calls(d):
    """The system calls that the two make in that time, as strace writes them.  That it comes and goes wakes them too."""
    if not shutil.which('strace'):
        raise Skip('strace is not installed')
    with tempfile.TemporaryDirectory(prefix='storm') as folder:
        out = os.path.join(folder, 'calls')
        strace = subprocess.Popen(['strace', '-f', '-o', out, '-p', str(d.keeper), '-p', str(d.brain())],
                                  stderr=subprocess.DEVNULL)
        try:
            assert eventually(lambda: read(out).count(b'epoll_') >= 2), read(out)
            time.sleep(0.2)
            before = len(read(out))
            time.sleep(SECONDS)
            return read(out)[before:].decode()
        finally:
            strace.terminate()
            strace.wait()


def with_instances():
    with daemon() as d:
        # In the turn of all kinds: an own port, one passed on, none; and one that crashed once.
        d.apply('''
            [processes.many]
            command = "sleep 100000"
            instances = %d
            env = { PORT = "22000" }
            [processes.single]
            command = "sleep 100000"
            [processes.given_up]
            command = "false"
            max_restarts = 1
            restart_delay_ms = 10
            [processes.once]
            command = "true"
            restart = "on-failure"
        ''' % INSTANCES)
        d.call('start', targets=['many', 'single'], wait=True)
        client = d.client()
        client.call('subscribe')
        time.sleep(SETTLES_WITHIN)
        idle(d)
        made = calls(d)
        assert not made, made
        client.close()


def empty():
    with daemon() as d:
        time.sleep(1)
        idle(d)


if __name__ == '__main__':
    run(
        ('%d running instances and a subscriber wake nobody up, as the kernel and strace see it' % INSTANCES, with_instances),
        ('a daemon without apps sleeps', empty),
    )
