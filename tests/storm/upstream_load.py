#!/usr/bin/env python3
"""
A herd of Node servers behind nginx, whose upstream file the daemon keeps, while crowds of clients ask without a pause: whatever is done to
the herd, nobody goes without an answer.  What nginx itself cuts as it reloads is counted apart: see front.py.

STORM_LOAD_ROUNDS (1): how often each is done; STORM_UPGRADES (10): how many builds take over in a row.
"""
import os
import signal
import subprocess

from front import Place, crowds, none_failed
from storm import BUILD, alive, daemon, eventually, note, number, run

ROUNDS = number('LOAD_ROUNDS', 1)
UPGRADES = number('UPGRADES', 10)


def with_place(do):
    def promise():
        with daemon() as d:
            place = Place(d)
            try:
                with crowds(place.url) as reports:
                    for _ in range(ROUNDS):
                        do(place)
                none_failed(reports, place.nginx)
            finally:
                place.nginx.close()
    return promise


def scaled(place):
    for count in (8, 2, 4):
        place.d.call('scale', counts={'api': count}, wait=True)
        place.settled(count)


def scaled_without_brain(place):
    """The brain is killed as soon as it has heard."""
    for count in (8, 2, 4):
        place.d.patient_call('scale', counts={'api': count})
        pid = place.d.brain()
        os.kill(pid, signal.SIGKILL)
        eventually(lambda gone=pid: not alive(gone))
        place.d.patient_call('ping')
        place.settled(count)


def restarted(place):
    before = {i: p['pid'] for i, p in place.d.processes().items()}
    place.d.call('restart', targets=['api:1'], wait=True)
    place.settled(4)
    after = {i: p['pid'] for i, p in place.d.processes().items()}
    assert after['api:1'] != before['api:1']
    note('restarted: %s' % [i for i in before if before[i] != after[i]])


def upgraded(place):
    """Another build takes over, with a version of its own, and then the first one again."""
    pids = {i: p['pid'] for i, p in place.d.processes().items()}
    first = place.d.call('status')['daemon']['version']
    for turn in range(UPGRADES):
        done = subprocess.run([os.path.join(BUILD, 'oxctl'), 'daemon', 'upgrade', '--from', os.path.join(BUILD, 'next' if turn % 2 == 0 else '')],
                              env=place.d.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        version = place.d.call('status')['daemon']['version']
        assert (version != first) == (turn % 2 == 0), (turn, version)
    place.settled(4)
    assert {i: p['pid'] for i, p in place.d.processes().items()} == pids
    assert place.d.call('status')['daemon']['pid'] == place.d.keeper


if __name__ == '__main__':
    run(
        ('scaled 4 -> 8 -> 2 -> 4 under load no request fails', with_place(scaled)),
        ('%d builds that take over, each of another version, fail no request and change no pid' % UPGRADES, with_place(upgraded)),
        ('with the brain killed in each of these no request fails', with_place(scaled_without_brain)),
        ('while one instance is restarted no request fails', with_place(restarted)),
    )
