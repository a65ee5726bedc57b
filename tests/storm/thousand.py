#!/usr/bin/env python3
"""
A thousand instances of one app: started, seen, stopped, again and again.

STORM_INSTANCES (1000), STORM_ROUNDS (10, at least 6).
"""
import os
import subprocess
import time

from storm import (BUILD, PATIENCE, alive, children, daemon, descriptors, eventually, median, note, number, own_kb, run,
                   seconds_of, true_seconds)

INSTANCES = number('INSTANCES', 1000)
ROUNDS = max(6, number('ROUNDS', 10))
# What a round may add to the least that is ever in use: half of what the smallest piece of memory an instance would cost.  How much a round
# leaves in use beyond that differs by chance, with how many answers were under way in the same moment; but what is lost is lost in every
# round, and so is under the least of all that follow.  The first rounds only fill what is kept.
KB_A_ROUND = 16
KB_AT_ALL = 4096
FIRST = 3
FDS_OF_OWN = 32

OXFILE = '''
[processes.many]
command = "sleep 100000"
instances = %d
env = { PORT = "20000" }
''' % INSTANCES


def size(d):
    return {'fds': (descriptors(d.keeper), descriptors(d.brain())),
            'kb': (own_kb(d.keeper), own_kb(d.brain()))}


def start_all(d):
    """Seconds until every instance has its pid, and until all are ready."""
    begin = time.monotonic()
    client = d.client()
    client.send('apply', oxfile=os.path.join(d.home, 'oxfile.toml'), text=OXFILE, env={'PATH': os.environ['PATH']},
                wait=True)
    while len(children(d.keeper)) < INSTANCES + 1:
        assert time.monotonic() - begin < 60, 'only %d processes after a minute' % len(children(d.keeper))
        time.sleep(0.002)
    there = time.monotonic() - begin
    client.answer()
    client.close()
    return there, time.monotonic() - begin


def status_seconds(d):
    """oxctl as a whole process, if it is there; else one request."""
    words = [os.path.join(BUILD, 'oxctl'), 'status', '--json']
    env = dict(d.env)
    if os.path.exists(words[0]):
        return seconds_of(lambda: subprocess.run(words, env=env, check=True, stdout=subprocess.DEVNULL), 11)
    return seconds_of(lambda: d.call('status'), 11)


def all_run():
    with daemon() as d:
        there, ready = start_all(d)
        told = d.processes()
        note('%d instances: pids after %.2f s, all ready after %.2f s' % (INSTANCES, there, ready))
        assert len(told) == INSTANCES
        assert all(p['status'] == 'running' for p in told.values())
        assert len({p['pid'] for p in told.values()}) == INSTANCES
        assert all(alive(p['pid']) for p in told.values())
        assert sorted(d.services().values()) == sorted(told)
        true = true_seconds()
        status = status_seconds(d)
        note('status of %d: %.1f ms, %.1f times /bin/true (%.2f ms)' % (INSTANCES, status * 1000, status / true,
                                                                        true * 1000))
        assert status < 1.0 * PATIENCE
        kb = size(d)['kb']
        note('keeper %d KB, brain %d KB of their own: %.2f KB an instance' % (*kb, sum(kb) / INSTANCES))


def stopped_together():
    with daemon() as d:
        start_all(d)
        one = []
        for number_of in range(5):
            one.append(seconds_of(lambda n=number_of: d.call('stop', targets=['many:%d' % n])))
        rest = seconds_of(lambda: d.call('stop'))
        note('stop of one %.1f ms, of the other %d together %.0f ms' % (median(one) * 1000, INSTANCES - 5, rest * 1000))
        assert children(d.keeper) == [d.brain()]
        assert all(p['status'] == 'stopped' and p['pid'] in (None, 0) for p in d.processes().values())
        # One after the other would take longer by far.
        assert rest < max(1.0, median(one) * INSTANCES / 3)


def one_round(d, witness):
    start_all(d)
    d.call('stop')
    d.call('delete')
    assert d.call('status')['apps'] == []
    assert eventually(lambda: not d.fifos(), 20), d.fifos()[:3]
    # An answer now comes from a daemon that has tidied up.
    witness.call('ping')


def is_level(kb):
    """Is the least of the later half what the least of the half before was, but for what a round may add?  Nor less: then that was no least."""
    half = len(kb[FIRST:]) // 2
    return abs(min(kb[-half:]) - min(kb[-2 * half:-half])) < KB_A_ROUND * half


def nothing_grows():
    with daemon() as d:
        witness = d.client()
        kbs = [], []
        fds = (FDS_OF_OWN - 1, FDS_OF_OWN - 1)
        # Where chance hides it, more rounds show it: what a leak adds is more than is allowed, over however many.
        while len(kbs[0]) <= ROUNDS or not (len(kbs[0]) > 4 * ROUNDS or all(is_level(kb) for kb in kbs)):
            one_round(d, witness)
            # The first round opens what is open from then on, such as the folder of cgroups: how many is no promise, that it stays so is.
            assert eventually(lambda: all(now <= least for now, least in zip(size(d)['fds'], fds)), 20), (size(d), fds)
            now = size(d)
            fds = tuple(map(min, fds, now['fds']))
            for kb, more in zip(kbs, now['kb']):
                kb.append(more)
        note('KB after each round (keeper, brain): %s' % list(zip(*kbs)))
        for kb in kbs:
            assert is_level(kb), kb
            assert kb[-1] - kb[0] < KB_AT_ALL, kb


if __name__ == '__main__':
    run(
        ('%d instances all run, each once' % INSTANCES, all_run),
        ('stop of all is in parallel', stopped_together),
        ('%d rounds of them leave no descriptor, no FIFO and no memory behind' % ROUNDS, nothing_grows),
    )
