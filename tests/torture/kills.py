#!/usr/bin/env python3
"""
The brain, the keeper, or both are killed with -9 at random moments, the brain is stopped for a while, another build takes over, under load and while a driver scales, stops, starts and
restarts, rolls, and others crash.

TORTURE_KILLS (20): how often.  TORTURE_SEED (1).  Four instances are asked all the time: of Node where it is on PATH, else of examples/hello.
"""
import contextlib
import http.client
import os
import random
import shutil
import signal
import subprocess
import threading
import time

from torture import everybody, mains, number, problems

from storm import BUILD, Refused, alive, daemon, descriptors, eventually, note, own_kb, run

KILLS = number('KILLS', 20)
SEED = number('SEED', 1)
PORT = 28000
WEB = '''require("http").createServer((q, r) => r.end("hello")).listen(process.env.PORT, "127.0.0.1")'''
LINES = 'import itertools, sys, time\nfor i in itertools.count(1):\n    print(i, flush=True)\n    time.sleep(0.002)\n'

OXFILE = '''
[processes.web]
command = %(web)s
instances = 4
port = %(port)d
[processes.talker]
command = ["python3", "-c", %(lines)s]
[processes.coded]
command = ["/bin/sh", "-c", "echo $OXHERD_INSTANCE >>%(home)s/runs; sleep 0.1; exit 7"]
instances = 2
env = { PORT = "28100" }
restart = "always"
restart_delay_ms = 50
restart_delay_max_ms = 100
[processes.scaled]
command = "sleep 100000"
instances = 2
env = { PORT = "28200" }
[processes.rolled]
command = "%(build)s/examples/hello/hello"
instances = 3
port = 28400
deploy = { min_healthy_secs = 0 }
[processes.toggled]
command = ["/bin/sh", "-c", "sleep 100000 & wait"]
instances = 2
env = { PORT = "28300" }
'''
WANTED = {'web': 4, 'rolled': 3, 'talker': 1, 'coded': None, 'scaled': 2, 'toggled': 2}


def oxfile(d):
    node = shutil.which('node')
    web = '["node", "-e", %s]' % repr(WEB) if node else '"%s/examples/hello/hello"' % BUILD
    return OXFILE % {'web': web, 'port': PORT, 'home': d.home, 'build': BUILD, 'lines': '"""\n' + LINES.replace('\\', '\\\\') + '"""'}


def ask(d, method, **params):
    """Until it is heard: a brain killed under the request may have done it or not."""
    end = time.monotonic() + 20
    while True:
        try:
            return d.call(method, **params)
        except (OSError, ValueError, Refused):
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def once(d, method, **params):
    """A rollout that is cut off continues or rolls back: which one is not the question."""
    with contextlib.suppress(OSError, ValueError, Refused):
        d.call(method, **params)


class Driver(threading.Thread):
    """Does what people do, until told to stop; then everything is as it is wanted."""

    def __init__(self, d):
        super().__init__(daemon=True)
        self.d, self.random, self.is_over, self.failure, self.asked = d, random.Random(SEED), False, None, 0

    def step(self):
        kind = self.random.randrange(8)
        if kind == 0:
            ask(self.d, 'scale', counts={'scaled': self.random.randint(1, 5)})
        elif kind == 1:
            ask(self.d, 'stop', targets=['toggled'])
        elif kind == 2:
            ask(self.d, 'start', targets=['toggled'])
        elif kind == 3:
            ask(self.d, 'restart', targets=['scaled:0'])
        elif kind == 4:
            ask(self.d, 'status')
        elif kind == 5:
            once(self.d, 'reload', targets=['rolled'], timeout_ms=self.random.randint(1, 400))
        elif kind == 6:
            once(self.d, 'rollback', app='rolled', timeout_ms=self.random.randint(1, 200))
        else:
            ask(self.d, 'events', limit=50)
        self.asked += 1
        time.sleep(0.02)

    def run(self):
        try:
            while not self.is_over:
                self.step()
            ask(self.d, 'start', targets=['toggled'])
            ask(self.d, 'scale', counts={'scaled': WANTED['scaled']})
        except Exception as failure:
            self.failure = failure


class Load(threading.Thread):
    """A request after the other, each on a connection of its own, over all four."""

    def __init__(self):
        super().__init__(daemon=True)
        self.is_over, self.good, self.failed = False, 0, []

    def run(self):
        while not self.is_over:
            for i in range(4):
                try:
                    c = http.client.HTTPConnection('127.0.0.1', PORT + i, timeout=10)
                    c.request('GET', '/')
                    c.getresponse().read()
                    c.close()
                    self.good += 1
                except (OSError, http.client.HTTPException) as why:
                    self.failed.append(repr(why))
            time.sleep(0.005)


def kill(d, pid):
    with contextlib.suppress(ProcessLookupError):
        if pid > 1:
            os.kill(pid, signal.SIGKILL)


def upgrade(d):
    """To the other build: there and back."""
    is_next = ask(d, 'version')['version'] == '9.9.9'
    done = subprocess.run([os.path.join(BUILD, 'oxctl'), 'daemon', 'upgrade', '--from', BUILD if is_next else BUILD + '/next'],
                          env=d.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()


def hurt(d, source):
    """One of what can be done to it; then, if need be, what the next command does."""
    kind = source.choice(['brain', 'brain', 'keeper', 'both', 'stop', 'upgrade'])
    brain = eventually(d.brain)
    if kind == 'upgrade':
        upgrade(d)
        return kind
    if kind == 'stop':
        with contextlib.suppress(ProcessLookupError):
            os.kill(brain, signal.SIGSTOP)
            time.sleep(source.random() * 0.3)
            os.kill(brain, signal.SIGCONT)
        return kind
    if kind != 'keeper':
        kill(d, brain)
    if kind == 'brain':
        return kind
    kill(d, d.keeper)
    eventually(lambda: not alive(d.keeper))
    time.sleep(source.random() * 0.05)
    begin = time.monotonic()
    while True:
        done = subprocess.run([os.path.join(BUILD, 'oxherd'), '--daemon'], env=d.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60, check=False)
        if done.returncode == 0 or time.monotonic() - begin > 20:
            break
    assert done.returncode == 0, done.stderr.decode()
    d.keeper = ask(d, 'status')['daemon']['pid']
    return kind


def pids_of(d, app):
    return {i: pids for i, pids in mains(d.home).items() if i.split(':')[0] == app}


def numbers_written(d):
    with open(os.path.join(d.home, 'log', 'talker-0-out.log'), encoding='ascii') as file:
        return [int(line) for line in file.read().split()]


def rolling(d):
    """A rollout in progress, or more than one revision after it."""
    answer = d.call('status')
    rollout = next(a['rollout'] for a in answer['apps'] if a['name'] == 'rolled')
    revisions = {p['revision'] for p in answer['processes'] if p['name'] == 'rolled'}
    return 'rolled: rollout %s, revisions %s' % (rollout, revisions) if rollout or len(revisions) > 1 else ''


def settle(d):
    said = ['']

    def is_well():
        said[0] = problems(d, WANTED) or rolling(d)
        return not said[0]
    eventually(is_well, 20, 0.05)
    return said[0]


def torture():
    source = random.Random(SEED)
    found = {'kinds': {}}
    with daemon() as d:
        ask(d, 'apply', oxfile=os.path.join(d.home, 'oxfile.toml'), text=oxfile(d),
            env={'PATH': os.environ['PATH'], 'HOME': '/', 'TORTURE': d.home})
        assert not settle(d), settle(d)
        assert eventually(lambda: all(p['status'] == 'running' for p in d.processes('web').values()), 20)
        before = {app: pids_of(d, app) for app in ('web', 'talker')}
        driver, load = Driver(d), Load()
        driver.start()
        load.start()
        for _ in range(KILLS):
            time.sleep(source.random() * 0.2)
            kind = hurt(d, source)
            found['kinds'][kind] = found['kinds'].get(kind, 0) + 1
            assert {app: pids_of(d, app) for app in ('web', 'talker')} == before, 'services were touched'
        driver.is_over = True
        driver.join(60)
        found['driver'] = driver.failure if not driver.is_alive() else 'the driver hangs'
        found['asked'] = driver.asked
        found['wrong'] = settle(d)
        load.is_over = True
        load.join(20)
        found['good'], found['failed'] = load.good, load.failed
        found['fds'] = descriptors(d.keeper), descriptors(eventually(d.brain))
        found['kb'] = own_kb(d.keeper), own_kb(eventually(d.brain))
        ends(d, found)
        found['pids'] = before, {app: pids_of(d, app) for app in ('web', 'talker')}
        ask(d, 'stop', targets=['talker'])
        found['numbers'] = numbers_written(d)
        ask(d, 'daemon.shutdown')
        found['left'] = [] if eventually(lambda: not everybody(d.home) and not alive(d.keeper), 20) else everybody(d.home)
        found['fifos'] = d.fifos()
    return found


def ends(d, found):
    """How often each ran by its own account, and by the daemon's."""
    ask(d, 'stop', targets=['coded'])
    with open(os.path.join(d.home, 'runs'), encoding='ascii') as file:
        lines = file.read().split()
    found['runs'] = {i: (lines.count(i.split(':')[1]), p['restarts']) for i, p in d.processes('coded').items()}


FOUND = {}


def the_torture():
    FOUND.update(torture())
    note('%s, seed %d; %d requests answered, the driver asked %d times' % (FOUND['kinds'], SEED, FOUND['good'], FOUND['asked']))
    note('descriptors of keeper and brain %s, own memory %s KB' % (FOUND['fds'], FOUND['kb']))
    assert not FOUND['driver'], FOUND['driver']


def none_restarted():
    assert FOUND['pids'][0] == FOUND['pids'][1], FOUND['pids']


def none_doubled():
    assert not FOUND['wrong'], FOUND['wrong']


def none_failed():
    assert FOUND['good'] > 100 and not FOUND['failed'], (FOUND['good'], len(FOUND['failed']), FOUND['failed'][:3])


def no_line_lost():
    numbers = FOUND['numbers']
    note('%d lines' % len(numbers))
    wrong = [(a, b) for a, b in zip(numbers, numbers[1:]) if b != a + 1]
    assert numbers and numbers[0] == 1 and not wrong, wrong[:5]


def ends_known():
    """Each start is known; only where a keeper died with the news of an end one may be counted late."""
    note('runs and restarts: %s' % FOUND['runs'])
    for i, (runs, restarts) in FOUND['runs'].items():
        assert restarts - 1 <= runs - 1 <= restarts, (i, runs, restarts)


def nothing_left():
    assert not FOUND['left'] and not FOUND['fifos'], (FOUND['left'], FOUND['fifos'])


if __name__ == '__main__':
    run(
        ('%d times keeper, brain or both are killed, stopped or replaced, and every client is answered in the end' % KILLS, the_torture),
        ('no service was restarted by it', none_restarted),
        ('none is doubled, missing or left over, and status says what there is', none_doubled),
        ('no request failed', none_failed),
        ('no line of a log is lost or comes twice', no_line_lost),
        ('every end is accounted for', ends_known),
        ('at the end no process and no FIFO is left', nothing_left),
    )
