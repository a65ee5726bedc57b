#!/usr/bin/env python3
"""
The n-th call of the keeper or of the brain fails, or kills it, while apps start, crash, scale, roll, stop, are asked after, and another build takes over.  Whatever it was: nothing hangs,
nothing is doubled or lost, status tells the truth, and all can be stopped.

TORTURE_FAULTS: how many; all: every n for every error, which root does in parts side by side; else as many as TORTURE_SECS (12) are enough for.
TORTURE_SEED (1).  TORTURE_ERRORS="EMFILE EIO": no others.  TORTURE_ONLY="oxherd EMFILE 17": that one.
"""
import concurrent.futures
import contextlib
import fcntl
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback

from torture import everybody, mains, number, problems

from storm import (BUILD, Client, Daemon, Refused, alive, children, command, eventually, fields, note, read, run,
                   wait_gone)

ERRORS = os.environ.get('TORTURE_ERRORS', 'EMFILE ENOMEM EAGAIN ENOSPC EINTR EIO KILL').split()
PROGRAMS = ['oxherd', 'oxherd-brain']
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
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
        self.has_adopted = False  # its keeper took over from one that was killed
        super().__init__()

    def start(self):
        path = os.path.join(self.home, 'fault')
        if not os.path.exists(path):
            with open(path, 'wb') as file:
                file.write(bytes(64))
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

    def record(self):
        """How many calls there were, and the name of the one that failed."""
        with open(os.path.join(self.home, 'fault'), 'rb') as file:
            calls, failed = struct.unpack('<Q56s', file.read(64))
            return calls, failed.rstrip(b'\0').decode()

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
            if kind.startswith('/run/pipes/down:'):
                continue  # Whether it ran before it was stopped is a matter of luck.
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
    What is still open and is not usually, or ''.  Who takes over what another began watches it in other ways; and one that continues after an upgrade that
    failed holds what it held before, and its brain's program.
    """
    said = ['']
    first = d.keeper
    d.keeper = d.patient('status')['daemon']['pid']
    # For the rest of its life: what was adopted is watched by descriptors of its own.
    d.has_adopted |= d.keeper != first
    if d.has_adopted:
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


def what_is_known(d):
    """Of a daemon with which something is wrong."""
    calls, failed = d.record()
    note('%d calls; the one that failed: %s' % (calls, failed or 'none'))
    with contextlib.suppress(OSError):
        note('%s; in its run folder: %s' % (d.fault, os.listdir(os.path.dirname(d.path))))
    for pid in [d.keeper] + [child for child in children(d.keeper) if command(child).endswith('oxherd-brain')]:
        note('%d %s: %s in %s' % (pid, command(pid), (fields(pid) or [b'gone'])[0].decode(), read('/proc/%d/wchan' % pid).decode()))
    with contextlib.suppress(OSError):
        for line in [line for line in d.log().splitlines() if ' crasher:0: ' not in line][-60:]:
            note(line)


def attempt(who, error, at):
    """One life with one fault: what is wrong with it, or ''; and how many calls there were that it could have been."""
    d = Victim(who, error, at)
    wrong, calls = '', 0
    try:
        wrong = act(d, story, BEFORE) or act(d, another_build, 'after it')
        if not end(d) and not wrong:
            wrong = 'not all of it ended: %s' % [(pid, command(pid)) for pid in everybody(d.home)]
        calls, _ = d.record()
        if not wrong and crashed(d):
            wrong = crashed(d)[0]
    except Exception as why:
        wrong = repr(why)
        note(traceback.format_exc())
    finally:
        if wrong:
            what_is_known(d)
        for pid in everybody(d.home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        d.end()
    return wrong, calls


def unhurt(who, error):
    """How many calls there are when none fails; and then nothing is wrong."""
    wrong, calls = attempt(who, error, 0)
    assert not wrong, 'without any fault: ' + wrong
    return calls


def chosen(source):
    """(who, error, n), one after the other: some at random."""
    unhurt(PROGRAMS[0], 'KILL')
    if os.environ.get('TORTURE_ONLY'):
        who, error, at = os.environ['TORTURE_ONLY'].split()
        yield who, error, int(at)
        return
    totals = {who: unhurt(who, 'KILL') for who in PROGRAMS}
    for who, calls in totals.items():
        note('%s makes %d calls that may fail' % (who, calls))
    for _ in range(number('FAULTS', 20)):
        who, error = source.choice(PROGRAMS), source.choice(ERRORS)
        # Rarer ones have fewer calls: the first ones are worth more than what lies beyond the last.
        yield who, error, int(totals[who] ** source.random()) if error != 'KILL' else source.randint(1, totals[who])


class Tally:
    """What came of the faults so far."""

    def __init__(self):
        self.done, self.failed = 0, []

    def attempt(self, who, error, at):
        """False if that life had fewer calls."""
        self.done += 1
        try:
            wrong, calls = attempt(who, error, at)
        except Exception as why:
            note(traceback.format_exc())
            wrong, calls = repr(why), at
        if wrong:
            self.failed.append('TORTURE_ONLY="%s %s %d": %s' % (who, error, at, wrong))
            note(self.failed[-1])
        return calls >= at

    def end(self):
        note('%d faults, seed %d' % (self.done, number('SEED', 1)))
        assert not self.failed, '%d of %d: %s' % (len(self.failed), self.done, self.failed[0])


def every_one(part, parts):
    """Every n from `part` on, in steps, until five lives, one after the other, had not as many calls."""
    tally = Tally()
    unhurt(PROGRAMS[0], 'KILL')
    for who in PROGRAMS:
        for error in ERRORS:
            at, beyond = part, 0
            while beyond < 5:
                beyond = 0 if tally.attempt(who, error, at) else beyond + 1
                at += parts
            note('%s %s: up to %d' % (who, error, at - 6 * parts))
    tally.end()


# Most of a life is waiting: so many for each processor.  Each part has ports and processes of its own.
SIDES = 4 * (os.cpu_count() or 1)
APART = ['unshare', '-n', '-p', '-m', '--mount-proc', '-f']


def one_of_many(part):
    """A part of them, in a process of its own; its exit code."""
    # The shell stays, as the one who buries whom nobody else does.
    words = APART + ['sh', '-c', '"$@"; exit $?', 'sh', sys.executable, os.path.abspath(__file__)]
    with subprocess.Popen(words, env=dict(os.environ, TORTURE_PART='%d/%d' % (part, SIDES)), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as there:
        for line in there.stdout:
            if not line.startswith(('1..', 'ok ')):
                note('%d: %s' % (part, line.rstrip().removeprefix('# ')))
    return there.returncode


def all_of_them():
    if 'TORTURE_PART' in os.environ:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack('16sh14x', b'lo', IFF_UP))
        every_one(*(int(word) for word in os.environ['TORTURE_PART'].split('/')))
    elif subprocess.run(APART + ['true'], stderr=subprocess.DEVNULL, check=False).returncode:
        every_one(1, 1)
    else:
        with concurrent.futures.ThreadPoolExecutor(SIDES) as pool:
            codes = list(pool.map(one_of_many, range(1, SIDES + 1)))
        assert not any(codes), 'parts that failed: %s' % [part for part, code in enumerate(codes, 1) if code]


def some():
    tally = Tally()
    end_at = None if 'TORTURE_FAULTS' in os.environ else time.monotonic() + number('SECS', 12)
    for who, error, at in chosen(random.Random(number('SEED', 1))):
        if end_at and time.monotonic() > end_at:
            break
        tally.attempt(who, error, at)
    tally.end()


if __name__ == '__main__':
    sys.stdout.reconfigure(line_buffering=True)
    run(('whatever call of keeper or brain fails, or kills it: nothing is doubled, lost or hangs, and status is true',
         all_of_them if os.environ.get('TORTURE_FAULTS') == 'all' else some))
