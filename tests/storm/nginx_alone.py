#!/usr/bin/env python3
"""
The control of the loads: nginx before four servers that nobody touches, reloaded again and again by `nginx -s reload`, with no daemon of ours
anywhere.  What is cut here, nginx cuts.

STORM_RELOADS (10): how often; STORM_RELOAD_MS (500): from one to the next.
"""
import contextlib
import os
import subprocess
import tempfile
import time
import urllib.request

from front import FRONT, PORT, SERVER, Nginx, crowds, none_failed
from storm import children, command, eventually, number, run

RELOADS = number('RELOADS', 10)
RELOAD_MS = number('RELOAD_MS', 500)
PORTS = range(PORT, PORT + 4)


@contextlib.contextmanager
def servers():
    running = [subprocess.Popen(['node', SERVER], env=dict(os.environ, PORT=str(port)), stdin=subprocess.DEVNULL) for port in PORTS]
    try:
        assert eventually(lambda: all(answers(port) for port in PORTS), 30)
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


def answers(port):
    with contextlib.suppress(OSError):
        with urllib.request.urlopen('http://127.0.0.1:%d/' % port, timeout=5) as answer:
            return answer.status == 200
    return False


def workers(nginx):
    return {pid for pid in children(nginx.pid) if 'shutting down' not in command(pid)}


def reload(nginx):
    before = workers(nginx)
    at = time.monotonic() + RELOAD_MS / 1000
    nginx.reload()
    assert eventually(lambda: workers(nginx) and not workers(nginx) & before), (before, workers(nginx))
    eventually(lambda: time.monotonic() > at)


def reloaded():
    with tempfile.TemporaryDirectory(prefix='storm') as root, servers():
        nginx = Nginx(root, FRONT, PORTS, more='    keepalive 32;\n')
        try:
            with crowds('http://127.0.0.1:%d/' % FRONT) as reports:
                for _ in range(RELOADS):
                    reload(nginx)
            none_failed(reports, nginx)
            assert nginx.reloads() == RELOADS, nginx.reloads()
        finally:
            nginx.close()


if __name__ == '__main__':
    run(
        ('nginx alone, reloaded %d times, fails no request but those that it cuts itself' % RELOADS, reloaded),
    )
