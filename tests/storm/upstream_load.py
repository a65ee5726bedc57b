#!/usr/bin/env python3
"""
A herd of Node servers behind nginx, whose upstream file the daemon keeps, while crowds of clients ask without a pause: whatever is done to
the herd, nobody goes without an answer.  What nginx itself cuts as it reloads is counted apart: see front.py.

STORM_LOAD_ROUNDS (1): how often each is done.
"""
import os
import signal

from front import Place, crowds, none_failed
from storm import alive, daemon, eventually, note, number, run

ROUNDS = number('LOAD_ROUNDS', 1)


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


if __name__ == '__main__':
    run(
        ('scaled 4 -> 8 -> 2 -> 4 under load no request fails', with_place(scaled)),
        ('with the brain killed in each of these no request fails', with_place(scaled_without_brain)),
        ('while one instance is restarted no request fails', with_place(restarted)),
    )
