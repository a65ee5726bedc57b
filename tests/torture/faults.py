#!/usr/bin/env python3
"""
The n-th call of the keeper or of the brain fails, or kills it, while apps start, crash, scale, roll, stop, are asked after, and another build takes over.  Whatever it was: nothing hangs,
nothing is doubled or lost, status tells the truth, and all can be stopped.

TORTURE_FAULTS: how many; all: every n for every error; else as many as TORTURE_SECS (12) are enough for.  TORTURE_SEED (1).  TORTURE_ONLY="oxherd EMFILE 17": that one.
TORTURE_ERRORS="EMFILE EIO": no others.  TORTURE_PART=1/3: one of three parts of them all, for as many runs side by side, each with ports of its own (unshare -n).
"""
import contextlib
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time

from torture import everybody, mains, number, problems

from storm import BUILD, Client, Daemon, Refused, alive, command, eventually, note, run, wait_gone

ERRORS = os.environ.get('TORTURE_ERRORS', 'EMFILE ENOMEM EAGAIN ENOSPC EINTR EIO KILL').split()
PROGRAMS = ['oxherd', 'oxherd-brain']
SOON = 20

OXFILE = '''
[processes.api]
command = "sleep 100000"
instances = 2
env = { PORT = "27000" }
[processes.crasher]
command = ["/bin/sh", "-c", "echo last words; sleep 0.05; exit 7"]
restart = "always"
restart_delay_ms = 50
restart_delay_max_ms = 100
[processes.talker]
command = ["/bin/sh", "-c", "while :; do yes many words | head -c 300000; sleep 0.05; done"]
logs = { max_size_mb = 1, max_files = 2, compress = true }
[processes.rolled]
command = "%(build)s/examples/hello/hello"
port = 27100
env = { BUILD = "%(revision)s" }
deploy = { min_healthy_secs = 0 }
[processes.down]
command = "sleep 100000"
depends_on = ["api"]
'''
WANTED = {'api': 3, 'rolled': 1, 'crasher': None, 'talker': 1}


class Victim(Daemon):
    """A daemon in which one call fails."""

    def __init__(self, who, error, at):
        self.fault = {'FAULT_WHO': who, 'FAULT_ERROR': error, 'FAULT_AT': str(at),
                      'LD_PRELOAD': os.path.join(BUILD, 'torture', 'fault.so')}
        self.words = ''
        super().__init__()

    def start(self):
        path = os.path.join(self.home, 'fault')
        if not os.path.exists(path):
            with open(path, 'wb') as file:
                file.write(bytes(8))
        env = dict(self.env, FAULT_FILE=path, **self.fault)
        done = subprocess.run([os.path.join(BUILD, 'oxherd'), '--daemon'], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60, check=False)
        if done.returncode:
            self.words = done.stderr.decode(errors='replace')
            # Refused with words, unless it was killed; it is asked for again, and by then the fault has been.
            assert self.words.strip() or self.fault['FAULT_ERROR'] == 'KILL', 'refused to start without a word'
            done = subprocess.run([os.path.join(BUILD, 'oxherd'), '--daemon'], env=self.env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60, check=False)
            # The one that was said not to start may serve all the same: then there is nothing to start.
            words = done.stderr.decode(errors='replace')
            assert done.returncode == 0 or 'another oxherd' in words, 'does not start again: ' + words
        self.keeper = self.patient('status')['daemon']['pid']

    def calls(self):
        with open(os.path.join(self.home, 'fault'), 'rb') as file:
            return struct.unpack('<Q', file.read(8))[0]

    def again(self):
        """A keeper that was killed is started anew, as the next command would."""
        if not alive(self.keeper):
            subprocess.run([os.path.join(BUILD, 'oxherd'), '--daemon'], env=self.env, check=False,
                           stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)

    def patient(self, method, **params):
        """Asks until it is answered: also of a daemon that was killed, and when the first answer was that it could not."""
        end = time.monotonic() + SOON
        while True:
            try:
                client = Client(self.path, 10)
                try:
                    return client.call(method, **params)
                finally:
                    client.close()
            except (OSError, ValueError, Refused):
                if time.monotonic() > end:
                    raise
                if hasattr(self, 'keeper'):
                    self.again()
                time.sleep(0.01)


def gentle_kill(d, instance):
    for pid in mains(d.home).get(instance, []):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def oxfile(d, revision):
    return {'oxfile': os.path.join(d.home, 'oxfile.toml'), 'text': OXFILE % {'build': BUILD, 'revision': revision},
            'env': {'PATH': os.environ['PATH'], 'TORTURE': d.home}}


def story(d):
    """What people do.  Each step is said until it is heard, so that the end is known."""
    d.patient('apply', **oxfile(d, 'first'))
    eventually(lambda: len(mains(d.home).get('api:1', [])) == 1, 5)
    gentle_kill(d, 'api:1')
    d.patient('scale', counts={'api': 4})
    d.patient('stop', targets=['down'])
    d.patient('restart', targets=['api:0'])
    d.patient('status')
    d.patient('scale', counts={'api': 3})
    d.patient('start', targets=['api'])
    with contextlib.suppress(OSError, ValueError, Refused):
        d.call('deploy', only=['rolled'], timeout_ms=1000, **oxfile(d, 'second'))


def another_build(d):
    """It takes over while things die."""
    gentle_kill(d, 'api:2')
    upgrade(d)
    gentle_kill(d, 'rolled:0')
    gentle_kill(d, 'api:0')


def upgrade(d):
    """Another build takes over, or says why not."""
    done = subprocess.run([os.path.join(BUILD, 'oxctl'), 'daemon', 'upgrade', '--from', os.path.join(BUILD, 'next')], env=d.env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=90, check=False)
    assert done.returncode == 0 or done.stderr.strip(), 'an upgrade failed without a word'


def settled(d):
    """The last complaint, or '' once all is as wanted."""
    said = ['']

    def is_well():
        try:
            d.again()
            said[0] = problems(d, WANTED)
        except (OSError, ValueError, Refused) as why:
            said[0] = 'no answer: %s' % why
        return not said[0]
    eventually(is_well, SOON, 0.05)
    return said[0]


def crashed(d):
    """A program that aborted, by its own log: the error was in no way expected."""
    return [line for line in d.log().splitlines()
            if ('ended by signal 6' in line or 'ended by signal 11' in line or 'Sanitizer' in line)]


def end(d):
    """Asked until all of it is gone: a keeper that is killed while it stops things leaves them to the next one."""
    for _ in range(3):
        with contextlib.suppress(OSError, ValueError, Refused):
            d.keeper = d.patient('status')['daemon']['pid']
            d.patient('daemon.shutdown')
        if wait_gone(d.keeper, 30) and eventually(lambda: not everybody(d.home), 2):
            return True
    return False


def held(d, pid):
    """What a process has open: a word for each kind -> how many of it."""
    found = {}
    for name in os.listdir('/proc/%d/fd' % pid):
        with contextlib.suppress(FileNotFoundError):
            kind = os.readlink('/proc/%d/fd/%s' % (pid, name)).replace(d.home, '')
            kind = 'a cgroup' if kind.startswith('/sys/fs/cgroup/') else re.sub(r'\d+', 'N', kind)
            found[kind] = found.get(kind, 0) + 1
    return found


BEFORE = 'before the upgrade'

# What was open where nothing failed, at the same place: the most that was seen of each kind.
USUAL = {}


def learn(d, place):
    for who in PROGRAMS:
        for _ in range(30):
            for kind, count in held(d, d.keeper if who == 'oxherd' else d.brain()).items():
                most = USUAL.setdefault((who, place), {})
                most[kind] = max(count, most.get(kind, 0))
            time.sleep(0.01)


def leaked(d, place):
    """
    What is still open and is not usually, or ''.  Who takes over what another began watches it in other ways; and who goes on after an upgrade that
    failed holds what it held before, and its brain's program.
    """
    said = ['']
    first = d.keeper
    d.keeper = d.patient('status')['daemon']['pid']
    if d.keeper != first:
        return ''

    def is_well():
        said[0] = ''
        for who in PROGRAMS:
            with contextlib.suppress(FileNotFoundError):
                now = held(d, d.keeper if who == 'oxherd' else d.brain())
                more = {kind: count for kind, count in now.items() if not kind.endswith('/oxherd-brain')
                        and count > max(USUAL[who, then].get(kind, 0) for then in (place, BEFORE))}
                said[0] += '%s has more open %s: %s' % (who, place, more) if more else ''
        return not said[0]
    # Not before the store was tried again is all forgotten that has ended.
    eventually(is_well, 8, 0.05)
    return said[0]


def act(d, what, place):
    """What is wrong after it, or ''."""
    what(d)
    wrong = settled(d)
    if not wrong and (PROGRAMS[0], place) not in USUAL:
        learn(d, place)
    return wrong or leaked(d, place)


def attempt(who, error, at):
    """One life with one fault: what is wrong with it, or ''; and how many calls there were that it could have been."""
    d = Victim(who, error, at)
    try:
        wrong = act(d, story, BEFORE) or act(d, another_build, 'after it')
        with contextlib.suppress(OSError, ValueError, Refused):
            d.keeper = d.patient('status')['daemon']['pid']
        calls = d.calls()
        if not wrong and crashed(d):
            wrong = crashed(d)[0]
        if not end(d) and not wrong:
            wrong = 'not all of it ended: %s' % [(pid, command(pid)) for pid in everybody(d.home)]
        if wrong:
            for line in [line for line in d.log().splitlines() if ' crasher:0: ' not in line][-40:]:
                note(line)
        return wrong, calls
    finally:
        for pid in everybody(d.home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        d.end()


def unhurt(who, error):
    """How many calls there are when none fails; and then nothing is wrong."""
    wrong, calls = attempt(who, error, 0)
    assert not wrong, 'without any fault: ' + wrong
    return calls


def choose(source):
    """(who, error, n): some at random, or every one."""
    if os.environ.get('TORTURE_ONLY'):
        who, error, at = os.environ['TORTURE_ONLY'].split()
        unhurt(PROGRAMS[0], 'KILL')
        return [(who, error, int(at))]
    is_all = os.environ.get('TORTURE_FAULTS', '') == 'all'
    # A life more, to learn from: its calls are not those of the story alone.
    unhurt(PROGRAMS[0], 'KILL')
    totals = {(who, error): unhurt(who, error) for who in PROGRAMS for error in (ERRORS if is_all else ['KILL'])}
    for (who, error), calls in totals.items():
        note('%s makes %d calls that may fail with %s' % (who, calls, error))
    if is_all:
        part, parts = (int(word) for word in os.environ.get('TORTURE_PART', '1/1').split('/'))
        # By n, and not by place in the list: each part counts the calls of a life of its own.
        return [(who, error, at) for (who, error), calls in totals.items() for at in range(part, calls + 1, parts)]
    chosen = []
    for _ in range(number('FAULTS', 20)):
        who, error = source.choice(PROGRAMS), source.choice(ERRORS)
        # Rarer ones have fewer calls: the first ones are worth more than what lies beyond the last.
        chosen.append((who, error, int(totals[who, 'KILL'] ** source.random()) if error != 'KILL'
                       else source.randint(1, totals[who, 'KILL'])))
    return chosen


def every_fault():
    failed = []
    seed = number('SEED', 1)
    chosen = choose(random.Random(seed))
    end_at = None if 'TORTURE_FAULTS' in os.environ else time.monotonic() + number('SECS', 12)
    done = 0
    for who, error, at in chosen:
        if end_at and time.monotonic() > end_at:
            break
        done += 1
        try:
            wrong, _ = attempt(who, error, at)
        except Exception as why:
            wrong = repr(why)
        if wrong:
            failed.append('TORTURE_ONLY="%s %s %d": %s' % (who, error, at, wrong))
            note(failed[-1])
    note('%d faults, seed %d' % (done, seed))
    assert not failed, '%d of %d: %s' % (len(failed), done, failed[0])


if __name__ == '__main__':
    sys.stdout.reconfigure(line_buffering=True)
    run(('whatever call of keeper or brain fails, or kills it: nothing is doubled, lost or hangs, and status is true', every_fault))
