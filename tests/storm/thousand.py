#!/usr/bin/env python3
"""
A thousand instances of one app: started, seen, stopped, again and again.

STORM_INSTANCES (1000), STORM_ROUNDS (10).
"""
import os
import subprocess
import time

from storm import (BUILD, alive, children, daemon, descriptors, eventually, median, note, number, own_kb, run,
                   seconds_of, true_seconds)

INSTANCES = number('INSTANCES', 1000)
ROUNDS = number('ROUNDS', 10)
# What a round may add: half of what the smallest piece of memory an instance would cost.  One round in a few takes more at once, when many
# answers are under way in the same moment, and that comes once; what is lost is lost in every round.
KB_A_ROUND = 16
KB_AT_ALL = 4096
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
        assert status < 1.0
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


def nothing_grows():
    with daemon() as d:
        sizes = []
        witness = d.client()
        for _ in range(ROUNDS + 1):
            start_all(d)
            d.call('stop')
            d.call('delete')
            assert d.call('status')['apps'] == []
            assert eventually(lambda: not d.fifos(), 5), d.fifos()[:3]
            # The first round opens what is open from then on, such as the folder of cgroups: how many is no promise, that it stays so is.
            assert eventually(lambda: max(size(d)['fds']) < FDS_OF_OWN, 5), size(d)
            # Whoever is answered now is answered by a daemon that has tidied up.
            witness.call('ping')
            sizes.append(size(d))
            assert eventually(lambda: size(d)['fds'] == sizes[0]['fds'], 5), (size(d), sizes[0])
        note('KB after each round (keeper, brain): %s' % [one['kb'] for one in sizes])
        for who in 0, 1:
            kb = [one['kb'][who] for one in sizes]
            assert median([after - before for before, after in zip(kb, kb[1:])]) < KB_A_ROUND, kb
            assert kb[-1] - kb[0] < KB_AT_ALL, kb


if __name__ == '__main__':
    run(
        ('%d instances all run, each once' % INSTANCES, all_run),
        ('stop of all is in parallel', stopped_together),
        ('%d rounds of them leave no descriptor, no FIFO and no memory behind' % ROUNDS, nothing_grows),
    )
