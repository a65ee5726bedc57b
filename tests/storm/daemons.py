#!/usr/bin/env python3
"""One daemon a folder, and what it remembers when it ends and comes back."""
import os
import signal
import subprocess
import time

from storm import ACTOR, BUILD, alive, children, daemon, descriptors, eventually, note, run, wait_gone

OXFILE = '''
[processes.api]
command = "sleep 100000"
instances = 3
env = { PORT = "24000" }
[processes.slow]
command = "%s --ignore TERM"
stop_timeout_ms = 700
[processes.unwanted]
command = "sleep 100000"
''' % ACTOR


def second_refuses():
    with daemon() as d:
        d.apply(OXFILE)
        assert eventually(lambda: all(p['pid'] for p in d.processes().values()), 10)
        before = d.processes()
        inode = os.stat(d.path).st_ino
        for words in (['--daemon'], []):
            outcome = subprocess.run([os.path.join(BUILD, 'oxherd'), *words], env=d.env, capture_output=True,
                                     text=True, check=False, timeout=30)
            note(outcome.stderr.strip())
            assert outcome.returncode == 1, outcome
            assert str(d.keeper) in outcome.stderr, outcome.stderr
        # Ten at once, as ten shells might.
        crowd = [subprocess.Popen([os.path.join(BUILD, 'oxherd'), '--daemon'], env=d.env,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(10)]
        assert [one.wait(30) for one in crowd] == [1] * 10
        assert os.stat(d.path).st_ino == inode
        assert {i: p['pid'] for i, p in d.processes().items()} == {i: p['pid'] for i, p in before.items()}


def ten_starters():
    """One of them becomes the daemon, the first one; the others say so."""
    with daemon() as d:
        d.call('daemon.shutdown')
        assert wait_gone(d.keeper, 10)
        crowd = [subprocess.Popen([os.path.join(BUILD, 'oxherd'), '--daemon'], env=d.env,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(10)]
        codes = sorted(one.wait(30) for one in crowd)
        d.keeper = d.call('status')['daemon']['pid']
        assert codes == [0] + [1] * 9, codes


def comes_back():
    with daemon() as d:
        d.apply(OXFILE, wait=True)
        d.call('stop', targets=['unwanted'])
        d.call('scale', counts={'api': 2}, wait=True)
        before = {i: p['pid'] for i, p in d.processes().items()}
        keeper = d.keeper
        begin = time.monotonic()
        os.kill(keeper, signal.SIGTERM)
        # Once more, and HUP: neither kills early nor makes a reload of it.
        os.kill(keeper, signal.SIGTERM)
        os.kill(keeper, signal.SIGHUP)
        assert wait_gone(keeper, 10)
        took = time.monotonic() - begin
        note('SIGTERM to the end: %.2f s' % took)
        assert 0.6 < took < 3, took
        assert not any(alive(pid) for pid in before.values() if pid)
        assert not d.fifos(), d.fifos()
        assert not os.path.exists(d.path)
        d.start()
        assert eventually(lambda: all(p['status'] == 'running' for i, p in d.processes().items()
                                      if not i.startswith('unwanted')), 10), d.processes()
        after = d.processes()
        assert sorted(after) == sorted(before)
        assert after['unwanted:0']['status'] == 'stopped'
        assert all(p['pid'] != before[i] for i, p in after.items() if p['pid'])
        assert all(p['crashes'] == 0 for p in after.values()), after
        assert [p['port'] for p in after.values() if p['name'] == 'api'] == [24000, 24001]
        assert sorted(d.services().values()) == ['api:0', 'api:1', 'slow:0']


def brain_and_keeper_end():
    """SIGTERM comes while there is no brain: nothing is left all the same, and it is all remembered."""
    with daemon('--patience', '300', '--grace', '200') as d:
        d.apply(OXFILE, wait=True)
        services = [p['pid'] for p in d.processes().values()]
        keeper = d.keeper
        os.kill(d.brain(), signal.SIGKILL)
        os.kill(keeper, signal.SIGTERM)
        assert wait_gone(keeper, 10)
        assert not any(alive(pid) for pid in services)
        d.start()
        assert eventually(lambda: all(p['status'] == 'running' for p in d.processes().values()), 10), d.processes()
        assert children(d.keeper) and descriptors(d.keeper)


if __name__ == '__main__':
    run(
        ('a second oxherd on the same folder refuses, names the first, and harms nothing', second_refuses),
        ('of ten that start at once exactly one becomes the daemon', ten_starters),
        ('SIGTERM stops all in parallel, remembers what was wanted, and the next daemon starts just that', comes_back),
        ('SIGTERM in the moment in which there is no brain leaves nobody behind', brain_and_keeper_end),
    )
