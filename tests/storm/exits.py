#!/usr/bin/env python3
"""
Many ends: two hundred at the same moment, two thousand one after the other.

STORM_CHILDREN (200), STORM_RESTARTS (2000).
"""
import json
import os
import signal
import subprocess
import time

from storm import (ACTOR, BUILD, PATIENCE, alive, children, daemon, descriptors, eventually, fields, note, number, own_kb,
                   run)

CHILDREN = number('CHILDREN', 200)
RESTARTS = number('RESTARTS', 2000)
KB_AFTERWARDS = 300
AT_ONCE = 0.4 * PATIENCE


def zombies(d):
    return [pid for pid in children(d.keeper) if (fields(pid) or [b'?'])[0] == b'Z']


def all_at_once():
    with daemon() as d:
        # All wait for one file to be gone, so that they end in the same instant, without a signal from us.
        gate = os.path.join(d.home, 'gate')
        os.mkfifo(gate)
        d.apply('''
            [processes.crowd]
            command = ["/bin/sh", "-c", "read line <%s; exit 7"]
            instances = %d
            env = { PORT = "23000" }
            restart = "never"
        ''' % (gate, CHILDREN))
        assert eventually(lambda: sum(p['status'] == 'running' for p in d.processes().values()) == CHILDREN)
        # The reader's open waits for a writer; when the writer closes, all of them read the end of the file.
        writer = os.open(gate, os.O_WRONLY)
        # Held up in the keeper too: all those ends are one signal.
        os.kill(d.keeper, signal.SIGSTOP)
        begin = time.monotonic()
        os.close(writer)
        assert eventually(lambda: len(zombies(d)) == CHILDREN), len(zombies(d))
        woken = time.monotonic()
        os.kill(d.keeper, signal.SIGCONT)
        assert eventually(lambda: not zombies(d), 5), len(zombies(d))
        # In one go: a look once a second would leave them for about half of one.
        assert time.monotonic() - woken < AT_ONCE, time.monotonic() - woken
        assert eventually(lambda: all(p['last_exit'] for p in d.processes().values()), 5)
        took = time.monotonic() - begin
        codes = [p['last_exit']['code'] for p in d.processes().values()]
        note('%d ends, all reaped and told after %.0f ms' % (CHILDREN, took * 1000))
        assert codes == [7] * CHILDREN, codes
        assert children(d.keeper) == [d.brain()]
        info = d.call('daemon.info')
        assert info['odd_facts'] == 0, info


def size(d):
    return (descriptors(d.keeper), descriptors(d.brain())), (own_kb(d.keeper), own_kb(d.brain()))


def total_restarts(d):
    return sum(p['restarts'] for p in d.processes().values())


def thousands():
    with daemon() as d:
        d.apply('''
            [processes.quick]
            command = "%s --exit 7"
            instances = 8
            env = { PORT = "23500" }
            restart = "always"
            restart_delay_ms = 0
            restart_delay_max_ms = 0
        ''' % ACTOR)
        assert eventually(lambda: total_restarts(d) > RESTARTS / 4, 60)
        before = size(d)
        begin, first = time.monotonic(), total_restarts(d)
        assert eventually(lambda: total_restarts(d) > first + RESTARTS, 120, 0.02), total_restarts(d)
        note('%.0f restarts a second' % ((total_restarts(d) - first) / (time.monotonic() - begin)))
        d.call('stop')
        assert eventually(lambda: size(d)[0][0] <= before[0][0] and size(d)[0][1] <= before[0][1], 3), (size(d), before)
        after = size(d)
        note('descriptors and KB of their own (keeper, brain): %s before, %s after %d restarts' %
             (before, after, RESTARTS))
        for who in 0, 1:
            assert after[1][who] < before[1][who] + KB_AFTERWARDS, (before, after)
        assert children(d.keeper) == [d.brain()]
        assert all(p['last_exit'] for p in d.processes().values())


def json_only():
    with daemon() as d:
        oxctl = os.path.join(BUILD, 'oxctl')
        oxfile = d.write_oxfile('[processes.calm]\ncommand = "sleep 100000"\n')
        # The daemon is ended, so that oxctl has something to start first.
        d.call('daemon.shutdown')
        assert eventually(lambda: not alive(d.keeper))
        subprocess.run([oxctl, 'start', '-c', oxfile], env=d.env, check=True, capture_output=True, timeout=30)
        out = subprocess.run([oxctl, 'status', '--json'], env=d.env, check=True, capture_output=True, timeout=30)
        told = json.loads(out.stdout)
        d.keeper = told['daemon']['pid']
        assert told['version'] == 2
        assert [p['id'] for p in told['processes']] == ['calm:0']
        assert out.stdout.count(b'\n{') == 0 and out.stderr == b'', out


if __name__ == '__main__':
    run(
        ('%d children that end at the same instant are all reaped and told, with their codes' % CHILDREN,
         all_at_once),
        ('%d restarts later there are as many descriptors and as much memory as before' % RESTARTS, thousands),
        ('status --json prints JSON and nothing else, whatever had to be started first', json_only),
    )
