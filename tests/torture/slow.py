#!/usr/bin/env python3
"""
A disk on which a write takes long: apps keep running, clients are answered, and changes are there afterwards, also when the brain dies while
it waits for the disk.

TORTURE_SLOW_MS (200): what an fsync takes.
"""
import contextlib
import os
import signal
import threading
import time

from faults import Victim, crashed, end, oxfile, settled
from torture import everybody, mains, number

from storm import Client, alive, eventually, note, run

SLOW = number('SLOW_MS', 200)
# A snapshot is synced itself, and then its folder.
SAVE = 2 * SLOW / 1000
SECS = 3
PATIENT = '''
[processes.patient]
command = ["/bin/sh", "-c", "trap 'touch $TORTURE/told.$$; sleep 0.2; exit 0' TERM; while :; do sleep 0.05; done"]
'''


class Asker(threading.Thread):
    """Asks after everything, again and again, and notes how long each answer took."""

    def __init__(self, d):
        super().__init__(daemon=True)
        self.d, self.is_over, self.took = d, False, []

    def run(self):
        while not self.is_over:
            begin = time.monotonic()
            self.d.patient('status')
            self.took.append(time.monotonic() - begin)
            time.sleep(0.02)


@contextlib.contextmanager
def slow_daemon():
    d = Victim('oxherd-brain', 'SLOW', SLOW)
    try:
        client = Client(d.path, 60)
        client.call('apply', **oxfile(d, 'first'))
        client.close()
        yield d
        assert end(d), 'not all of it ended: %s' % everybody(d.home)
        assert not crashed(d), crashed(d)
    finally:
        for pid in everybody(d.home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        d.end()


def answers():
    with slow_daemon() as d:
        asker = Asker(d)
        before = d.processes('crasher')['crasher:0']['restarts']
        asker.start()
        time.sleep(SECS)
        asker.is_over = True
        asker.join(60)
        crashes = d.processes('crasher')['crasher:0']['restarts'] - before
        waited = sum(took for took in asker.took if took > 0.1)
        note('an fsync takes %d ms: %d answers, %.2f of %d s spent waiting for them, the slowest took %.2f s; %d crashes meanwhile'
             % (SLOW, len(asker.took), waited, SECS, max(asker.took), crashes))
        # Who comes while it is saved waits for that; saved all the time it would be two thirds of it.
        assert waited < 0.4 * SECS, sorted(asker.took)
        assert crashes > SECS, crashes
        d.patient('scale', counts={'api': 3})
        d.patient('stop', targets=['down'])
        assert not settled(d), settled(d)


def apart():
    with slow_daemon() as d:
        asker = Asker(d)
        asker.start()
        took = []
        client = Client(d.path, 60)
        for count in (4, 3, 5, 2, 3):
            begin = time.monotonic()
            client.call('scale', counts={'api': count})
            took.append(time.monotonic() - begin)
        client.close()
        asker.is_over = True
        asker.join(60)
        asker.took.sort()
        note('an fsync takes %d ms: a change took %.2f s at least, a question %.3f s as a rule and %.2f s at most'
             % (SLOW, min(took), asker.took[len(asker.took) // 2], asker.took[-1]))
        # Not before it is on the disk; and who only asks does not stand behind it.
        assert min(took) > SAVE, took
        assert asker.took[len(asker.took) * 9 // 10] < SLOW / 2000, asker.took
        d.patient('stop', targets=['down'])
        assert not settled(d), settled(d)


def kept():
    with slow_daemon() as d:
        for count in (4, 3):
            client = Client(d.path, 60)
            client.call('scale', counts={'api': count})
            client.close()
            # What was answered is on the disk; what runs is known whenever the brain dies.
            pids = mains(d.home).get('talker:0')
            time.sleep(SAVE * count / 8)
            with contextlib.suppress(ProcessLookupError):
                os.kill(d.brain(), signal.SIGKILL)
            assert eventually(lambda: d.patient('status')['apps'], 20)
            app = next(a for a in d.patient('status')['apps'] if a['name'] == 'api')
            assert app['instances'] == count, (app, count)
            assert mains(d.home).get('talker:0') == pids, 'a service was touched'
        d.patient('stop', targets=['down'])
        assert not settled(d), settled(d)


def overtaken():
    """A restart that nothing on the disk knows of yet, of a program that ends with 0 on the stop signal."""
    with slow_daemon() as d:
        path = os.path.join(d.home, 'overtaken.toml')
        d.patient('apply', oxfile=path, text=PATIENT, env={'PATH': os.environ['PATH'], 'TORTURE': d.home})
        for ends_unseen in (False, True):
            assert eventually(lambda: d.processes('patient')['patient:0']['status'] == 'running', 20)
            before = mains(d.home)['patient:0']
            client = Client(d.path, 60)
            client.send('restart', targets=['patient'])
            told = os.path.join(d.home, 'told.%d' % before[0])
            assert eventually(lambda: os.path.exists(told), 5, 0.005)
            os.kill(d.brain(), signal.SIGSTOP if ends_unseen else signal.SIGKILL)
            if ends_unseen:
                assert eventually(lambda: not alive(before[0]), 5)
                os.kill(d.brain(), signal.SIGKILL)
            client.close()
            assert eventually(lambda: mains(d.home).get('patient:0', before) not in (before, []), 20), \
                'it was not started again: %s' % d.processes('patient')
        crashes = d.processes('patient')['patient:0']['crashes']
        assert crashes == 0, 'an end that was asked for is counted as a crash'
        d.patient('delete', targets=['patient'])


if __name__ == '__main__':
    run(
        ('on a slow disk what crashes is started again, and it is not saved all the time', answers),
        ('who asks for a change hears of it when it is on the slow disk, and nobody else waits for that', apart),
        ('what was answered on a slow disk is kept, whenever the brain is killed', kept),
        ('who is being restarted when the brain is killed comes back, though the slow disk did not know of it', overtaken),
    )
