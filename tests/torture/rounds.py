#!/usr/bin/env python3
"""
One instance that crashes at once, for so many rounds: neither descriptors nor memory of keeper and brain grow with them.

TORTURE_ROUNDS (400): how many; 100000 takes some minutes.
"""
import os
import time

from torture import number

from storm import daemon, descriptors, note, own_kb, run

ROUNDS = number('ROUNDS', 400)
OXFILE = '''
[processes.loop]
command = "/bin/false"
restart = "always"
restart_delay_ms = 1
restart_delay_max_ms = 1
'''
# What a heap may have more of by chance, however many rounds there were.
SLACK_KB = 300


def restarts(d):
    return d.processes('loop')['loop:0']['restarts']


def wait_for(d, count):
    """As long as it gets on."""
    seen, since = restarts(d), time.monotonic()
    while seen < count:
        time.sleep(0.2)
        now = restarts(d)
        if now > seen:
            seen, since = now, time.monotonic()
        assert time.monotonic() - since < 20, 'stands still at %d' % seen


def size(d):
    pids = (d.keeper, d.brain())
    return tuple(descriptors(p) for p in pids), tuple(own_kb(p) for p in pids)


def flat():
    with daemon() as d:
        d.call('apply', oxfile=os.path.join(d.home, 'oxfile.toml'), text=OXFILE, env={'PATH': os.environ['PATH']})
        brain = d.brain()
        wait_for(d, ROUNDS // 10)
        before = size(d)
        begin = time.monotonic()
        wait_for(d, ROUNDS)
        after = size(d)
        note('%d rounds in %.0f s; descriptors %s -> %s, KB %s -> %s'
             % (ROUNDS, time.monotonic() - begin, before[0], after[0], before[1], after[1]))
        assert d.brain() == brain
        # A start that is under way has its own descriptors.
        assert all(a <= b + 4 for a, b in zip(after[0], before[0])), (before, after)
        assert all(a <= b + SLACK_KB for a, b in zip(after[1], before[1])), (before, after)


if __name__ == '__main__':
    run(('%d crashes and restarts leave no descriptor and no memory behind' % ROUNDS, flat))
