#!/usr/bin/env python3
"""
A herd of Node servers behind nginx, whose upstream file the daemon keeps, while crowds of clients ask without a pause: whatever is done to
the herd, nobody goes without an answer.  What nginx itself cuts as it reloads is counted apart: see front.py.

STORM_LOAD_ROUNDS (1): how often each is done.
"""
import os
import signal

from front import PATH, SERVER, Nginx, Watch, crowds, none_failed
from storm import alive, daemon, eventually, note, number, run

ROUNDS = number('LOAD_ROUNDS', 1)
PORT, FRONT = 22000, 22900

OXFILE = '''
[processes.api]
command = ["node", "%(server)s"]
instances = %(count)d
port = %(port)d
stop_timeout_ms = 30000
health_check = { endpoint = "http://127.0.0.1/", interval_secs = 1 }
[processes.api.nginx]
options = ["keepalive 32"]
%(keys)s
'''


class Place:
    """A daemon, an nginx and four servers behind it."""

    def __init__(self, d, options=OXFILE):
        self.d = d
        self.nginx = Nginx(os.path.join(d.home, 'nginx'), FRONT)
        self.url = 'http://127.0.0.1:%d/' % FRONT
        text = options % {'server': SERVER, 'count': 4, 'port': PORT, 'keys': self.nginx.keys()}
        d.call('apply', oxfile=d.write_oxfile(text), text=text, env={'PATH': PATH}, wait=True)
        self.settled(4)

    def settled(self, count):
        """So many are ready, and nginx has all of them and no others."""
        wanted = [PORT + i for i in range(count)]

        def is_so():
            held = os.path.join(self.d.home, 'run', 'upstreams', 'api.before')
            return self.nginx.ports() == wanted and not os.path.exists(held) and len(self.d.processes()) == count
        assert eventually(is_so, 60), (self.nginx.ports(), wanted, self.d.processes())


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
