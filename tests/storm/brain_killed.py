#!/usr/bin/env python3
"""
The brain is killed again and again, at random moments, while a driver starts, stops and scales apps and others crash.

STORM_KILLS (12): how often; STORM_SEED (1): of everything that is random here.
"""
import os
import random
import signal
import threading
import time

from storm import ACTOR, PATIENCE, Refused, alive, children, daemon, descriptors, eventually, note, number, run

KILLS = number('KILLS', 12)
SEED = number('SEED', 1)
ANSWERS_WITHIN = 1.0 * PATIENCE

OXFILE = '''
[processes.steady]
command = "sleep 100000"
instances = 3
env = { PORT = "21000" }

[processes.coded]
command = ["/bin/sh", "-c", "echo $OXHERD_INSTANCE >>%(home)s/runs; sleep 0.0$OXHERD_INSTANCE; exit 7"]
instances = 3
env = { PORT = "21100" }
restart = "always"
restart_delay_ms = 30
restart_delay_max_ms = 60

[processes.shot]
command = "%(actor)s --mark --die-after 40"
restart = "always"
restart_delay_ms = 20
restart_delay_max_ms = 20

[processes.scaled]
command = "sleep 100000"
instances = 2
env = { PORT = "21200" }

[processes.toggled]
command = "sleep 100000"
instances = 2
env = { PORT = "21300" }
'''
WANTED = {'steady': 3, 'coded': 3, 'shot': 1, 'scaled': 2, 'toggled': 2}


def ask(d, method, **params):
    """For a driver: a brain that dies under the request may or may not have heard it, so it is asked again."""
    end = time.monotonic() + 10
    while True:
        try:
            return d.patient_call(method, **params)
        except Refused:
            # Said twice: the first time worked, or it was undone by the next.
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


class Driver(threading.Thread):
    """Does what people do, until told to stop; then everything is wanted up."""

    def __init__(self, d):
        super().__init__()
        self.d, self.random, self.is_over, self.failure, self.asked = d, random.Random(SEED), False, None, 0

    def step(self):
        kind = self.random.randrange(4)
        if kind == 0:
            ask(self.d, 'scale', counts={'scaled': self.random.randint(1, 6)})
        elif kind == 1:
            ask(self.d, 'stop', targets=['toggled'])
        elif kind == 2:
            ask(self.d, 'start', targets=['toggled'])
        else:
            ask(self.d, 'restart', targets=['scaled:0'])
        self.asked += 1

    def run(self):
        try:
            while not self.is_over:
                self.step()
            ask(self.d, 'start', targets=['toggled'])
            ask(self.d, 'scale', counts={'scaled': WANTED['scaled']})
        except Exception as failure:
            self.failure = failure


def pids_of(d, app):
    return {i: p['pid'] for i, p in d.processes(app).items()}


def kill_brain(d):
    """Kills it, and gives the seconds until another one answers."""
    pid = eventually(d.brain)
    begin = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid))
    d.patient_call('ping')
    return time.monotonic() - begin


def check_ends(d):
    """What last ended as it should not have, if anything."""
    for i, p in d.processes('coded').items():
        if p['last_exit'] is not None:
            assert (p['last_exit']['code'], p['last_exit']['signal']) == (7, None), (i, p['last_exit'])


def check_counts(d):
    """What the kernel has is what the brain says, each once, and as many as wanted."""
    def problems():
        there = sorted(d.services().values())
        told = sorted(i for i, p in d.processes().items() if p['pid'])
        doubled = [i for i in there if there.count(i) > 1 and not i.startswith(('coded', 'shot'))]
        if doubled:
            return 'twice: %s' % doubled
        for app, count in WANTED.items():
            if app in ('coded', 'shot'):
                continue
            found = [i for i in there if i.startswith(app + ':')]
            if len(found) != count or found != [i for i in told if i.startswith(app + ':')]:
                return '%s: wanted %d, there are %s, told %s' % (app, count, found, told)
        return ''
    assert eventually(lambda: not problems(), 10), problems()


def storm():
    """One storm; the promises look at what came of it."""
    source = random.Random(SEED)
    with daemon() as d:
        first = descriptors(d.keeper)
        d.apply(OXFILE % {'home': d.home, 'actor': ACTOR}, wait=False)
        assert eventually(lambda: all(pids_of(d, 'steady').values()))
        found = {'steady': pids_of(d, 'steady'), 'first fds': first, 'fds': descriptors(d.keeper), 'slowest': 0.0}
        driver = Driver(d)
        driver.start()
        for _ in range(KILLS):
            time.sleep(source.random() * 0.3)
            found['slowest'] = max(found['slowest'], kill_brain(d))
            check_ends(d)
        driver.is_over = True
        driver.join()
        found['failure'] = driver.failure
        found['asked'] = driver.asked
        found['steady after'] = {i: p['pid'] for i, p in d.processes('steady').items()}
        try:
            check_counts(d)
            found['counts'] = ''
        except AssertionError as words:
            found['counts'] = str(words)
        runs(d, found)
        found['fds after'] = eventually_fds(d, found['fds'])
        found['brain restarts'] = d.call('status')['daemon']['brain_restarts']
        d.call('delete')
        found['left'] = list(d.services().values())
        found['fifos left'] = d.fifos() if not eventually(lambda: not d.fifos(), 3) else []
        found['empty fds'] = eventually_fds(d, found['first fds'])
        d.call('daemon.shutdown')
        found['gone'] = eventually(lambda: not alive(d.keeper), 10)
        found['fifos'] = d.fifos()
    return found


def runs(d, found):
    """Every start that left a line in the file is known as a restart, but for the first; none was counted that was not one."""
    d.call('stop', targets=['coded'])
    with open(os.path.join(d.home, 'runs'), encoding='utf-8') as file:
        lines = file.read().split()
    found['runs'] = {}
    for i, p in d.processes('coded').items():
        found['runs'][i] = (lines.count(i.split(':')[1]), p['restarts'])


def eventually_fds(d, fds):
    eventually(lambda: descriptors(d.keeper) <= fds, 3)
    return descriptors(d.keeper)


FOUND = {}


def the_storm():
    FOUND.update(storm())
    note('%d kills, %d requests, slowest answer %.0f ms' % (KILLS, FOUND['asked'], FOUND['slowest'] * 1000))
    assert FOUND['failure'] is None, FOUND['failure']


def pids_stay():
    assert FOUND['steady'] == FOUND['steady after'], (FOUND['steady'], FOUND['steady after'])


def none_doubled():
    assert not FOUND['counts'], FOUND['counts']


def exits_counted():
    note('runs and restarts: %s' % FOUND['runs'])
    for i, (lines, restarts) in FOUND['runs'].items():
        # The stop may have come in the pause, before the restart that was counted already.
        assert restarts - 1 <= lines - 1 <= restarts, (i, lines, restarts)


def answers_soon():
    assert FOUND['slowest'] < ANSWERS_WITHIN, FOUND['slowest']
    assert FOUND['brain restarts'] == KILLS, FOUND['brain restarts']


def nothing_left():
    assert FOUND['left'] == [], FOUND['left']
    assert FOUND['gone']
    assert FOUND['fifos'] == [] and FOUND['fifos left'] == [], (FOUND['fifos'], FOUND['fifos left'])


def no_descriptor_lost():
    note('keeper: %d descriptors without apps, %d with, %d with after the storm, %d when all are deleted'
         % (FOUND['first fds'], FOUND['fds'], FOUND['fds after'], FOUND['empty fds']))
    # One more while a report of a spawn is on its way.
    assert FOUND['fds after'] <= FOUND['fds'] + 1
    assert FOUND['empty fds'] <= FOUND['first fds']


if __name__ == '__main__':
    run(
        ('a driver and crashing apps live through the death of %d brains, and every exit has its real code' % KILLS,
         the_storm),
        ('kill -9 of the brain changes no pid of a service', pids_stay),
        ('no instance is doubled or missing afterwards', none_doubled),
        ('no exit is lost and none is counted twice while there is no brain', exits_counted),
        ('a new brain answers within a second, and knows how many there were', answers_soon),
        ('at the end no process and no FIFO is left', nothing_left),
        ('the keeper has as many descriptors as before', no_descriptor_lost),
    )
