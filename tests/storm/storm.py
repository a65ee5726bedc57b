"""
What the storms share: a private daemon, a client of its socket, and TAP on stdout.

A program of this folder runs promises one after the other; each is a function whose failed assertion is one "not ok".  How hard a
storm blows is read from the environment, so that CI can have a short one: see number().
"""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = os.path.abspath(os.environ.get('OXHERD_BUILD', 'build'))
# How many times as long programs may take that were built to watch themselves.
PATIENCE = int(os.environ.get('OX_PATIENCE', 1))
ACTOR = os.environ.get('OXHERD_ACTOR', os.path.join(BUILD, 'tests', 'actor'))


def number(name, fallback):
    """STORM_<name> of the environment."""
    return int(os.environ.get('STORM_' + name, fallback))


BLUNDER = re.compile(r'ERROR: [A-Za-z]*Sanitizer|runtime error|brain: pid \d+ was ended by signal (4|5|6|7|8|11|31)$')


class Refused(Exception):
    """The daemon answered with an error."""

    def __init__(self, error):
        super().__init__('%s: %s' % (error.get('code'), error.get('message')))
        self.error = error


class Client:
    """One connection.  call() skips notifications; lines() is for what they say."""

    def __init__(self, path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        # Without a timeout at first: where the queue is full, a place in it is waited for.
        self.socket.connect(path)
        self.socket.settimeout(timeout)
        self.file = self.socket.makefile('rwb')
        self.last = 0

    def send(self, method, **params):
        self.last += 1
        letter = {'jsonrpc': '2.0', 'id': self.last, 'method': method, 'params': params}
        self.file.write(json.dumps(letter).encode() + b'\n')
        self.file.flush()

    def answer(self):
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionError('the daemon closed the connection')
            letter = json.loads(line)
            if 'id' in letter and letter['id'] == self.last:
                if 'error' in letter:
                    raise Refused(letter['error'])
                return letter['result']

    def call(self, method, **params):
        self.send(method, **params)
        return self.answer()

    def close(self):
        with contextlib.suppress(OSError):
            self.file.close()
        self.socket.close()


class Daemon:
    """A daemon of its own in a folder of its own."""

    def __init__(self, *arguments, wrapper=()):
        self.home = tempfile.mkdtemp(prefix='storm')
        self.env = dict(os.environ, OXHERD_HOME=self.home)
        self.path = os.path.join(self.home, 'run', 'oxherd.sock')
        self.arguments = arguments
        self.wrapper = list(wrapper)
        self.start()

    def start(self):
        subprocess.run(self.wrapper + [os.path.join(BUILD, 'oxherd'), '--daemon', *self.arguments],
                       env=self.env, check=True, stdin=subprocess.DEVNULL, timeout=60)
        self.keeper = self.call('status')['daemon']['pid']

    def client(self, timeout=60):
        return Client(self.path, timeout)

    def call(self, method, **params):
        client = self.client()
        try:
            return client.call(method, **params)
        finally:
            client.close()

    def patient_call(self, method, seconds=10, **params):
        """As call(), also while the brain is being replaced; only for what may be said twice."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self.call(method, **params)
            except (OSError, ValueError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)

    def apply(self, toml, wait=False, **params):
        return self.call('apply', oxfile=os.path.join(self.home, 'oxfile.toml'), text=toml,
                         env={'PATH': os.environ['PATH']}, wait=wait, **params)

    def write_oxfile(self, toml):
        path = os.path.join(self.home, 'oxfile.toml')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(toml)
        return path

    def processes(self, *targets):
        params = {'targets': list(targets)} if targets else {}
        return {p['id']: p for p in self.call('status', **params)['processes']}

    def brain(self):
        """The brain's pid as the kernel knows it, so that it can be asked for at any moment; 0: none just now."""
        for pid in children(self.keeper):
            if command(pid).endswith('oxherd-brain'):
                return pid
        return 0

    def services(self):
        """What the kernel says that the keeper has, without the brain and what is no more than a zombie: pid -> mark."""
        found = {}
        for pid in descendants(self.keeper):
            name = environment(pid).get('OXHERD_MARK', '').split('.', 6)[-1]
            if name and name != 'brain':
                found[pid] = name
        return found

    def fifos(self):
        found = []
        for folder, _, names in os.walk(self.home):
            for name in names:
                path = os.path.join(folder, name)
                with contextlib.suppress(FileNotFoundError):
                    if stat.S_ISFIFO(os.lstat(path).st_mode):
                        found.append(path)
        return found

    def log(self):
        with open(os.path.join(self.home, 'log', 'oxherd.log'), encoding='utf-8', errors='replace') as file:
            return file.read()

    def blunders(self):
        """Lines of the log about a daemon that ended by a mistake of its own: the next brain takes over, and nobody would know."""
        with contextlib.suppress(OSError):
            return [line for line in self.log().splitlines() if BLUNDER.search(line)]
        return []

    def end(self, check=False):
        """The polite end, then the certain one; the folder goes too."""
        blunders = []
        try:
            with contextlib.suppress(OSError, Refused, ConnectionError, ValueError):
                self.call('daemon.shutdown')
            gone = wait_gone(self.keeper, 30)
            if check:
                assert gone, 'the keeper is still there 30 s after daemon.shutdown'
        finally:
            blunders = self.blunders()
            for pid in [self.keeper] + list(self.services()):
                if pid > 1 and alive(pid) and (pid != self.keeper or self.wrapper or command(pid).endswith('oxherd')):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            shutil.rmtree(self.home, ignore_errors=True)
        assert not blunders, blunders


@contextlib.contextmanager
def daemon(*arguments, **options):
    d = Daemon(*arguments, **options)
    try:
        yield d
    except BaseException:
        with contextlib.suppress(OSError):
            for line in d.log().splitlines()[-number('LOG_LINES', 40):]:
                print('# ' + line)
        raise
    finally:
        d.end()


# --- what the kernel says -----------------------------------------------------------------------------

def read(path):
    try:
        with open(path, 'rb') as file:
            return file.read()
    except OSError:
        return b''


def fields(pid):
    """Of /proc/PID/stat, from the state on; none if there is no such process."""
    return read('/proc/%d/stat' % pid).rpartition(b')')[2].split()


def alive(pid):
    """There, and not only a zombie."""
    found = fields(pid)
    return bool(found) and found[0] not in (b'Z', b'X')


def command(pid):
    return read('/proc/%d/cmdline' % pid).split(b'\0')[0].decode(errors='replace')


def environment(pid):
    pairs = (word.partition(b'=') for word in read('/proc/%d/environ' % pid).split(b'\0') if word)
    return {key.decode(errors='replace'): value.decode(errors='replace') for key, _, value in pairs}


def children(pid):
    return [int(word) for word in read('/proc/%d/task/%d/children' % (pid, pid)).split()]


def descendants(pid):
    found = []
    for child in children(pid):
        if alive(child):
            found.append(child)
        found += descendants(child)
    return found


def descriptors(pid):
    return len(os.listdir('/proc/%d/fd' % pid))


def sockets(pid):
    """Those of its descriptors that are sockets: files are opened when they are needed first, and stay."""
    count = 0
    for name in os.listdir('/proc/%d/fd' % pid):
        with contextlib.suppress(OSError):
            count += os.readlink('/proc/%d/fd/%s' % (pid, name)).startswith('socket:')
    return count


def own_kb(pid):
    """Memory that is no file's: pages of programs and libraries come and go by the kernel's whim.  None where sanitizers take some of their own."""
    if PATIENCE > 1:
        return 0
    for line in read('/proc/%d/smaps_rollup' % pid).splitlines():
        if line.startswith(b'Anonymous:'):
            return int(line.split()[1])
    return 0


def wait_gone(pid, seconds):
    return eventually(lambda: not alive(pid), seconds)


def eventually(condition, seconds=10, pause=0.005):
    """Waits for a condition; gives its last answer."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(pause)


# --- time -----------------------------------------------------------------------------------------------

def median(values):
    return sorted(values)[len(values) // 2]


def seconds_of(function, times=1):
    """The median of some runs."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        function()
        taken.append(time.perf_counter() - begin)
    return median(taken)


def true_seconds(times=21):
    """What one whole process costs here and now."""
    return seconds_of(lambda: subprocess.run(['/bin/true'], check=True), times)


def beside_true(words, env, rounds=21):
    """
    A program and /bin/true in turns: the best seconds of each.  What else runs on the machine makes a run longer and never shorter, so the
    best are those that it left alone.
    """
    best = [60.0, 60.0]
    for _ in range(rounds):
        for place, argv in enumerate((words, ['/bin/true'])):
            took = seconds_of(lambda a=argv: subprocess.run(a, env=env, check=True, stdout=subprocess.DEVNULL))
            best[place] = min(best[place], took)
    return best


# --- TAP --------------------------------------------------------------------------------------------------

class Skip(Exception):
    """Raised by a promise that cannot be tried on this machine."""


def note(words):
    print('# ' + words, flush=True)


def run(*promises):
    """Each is (sentence, function); the whole program's main."""
    only = sys.argv[1:]
    chosen = [p for p in promises if not only or any(word in p[0] for word in only)]
    failed = 0
    print('1..%d' % len(chosen), flush=True)
    for place, (sentence, function) in enumerate(chosen, 1):
        begin = time.monotonic()
        try:
            function()
        except Skip as why:
            print('ok %d - %s # SKIP %s' % (place, sentence, why), flush=True)
        except Exception:
            failed += 1
            print('not ok %d - %s' % (place, sentence))
            for line in traceback.format_exc().splitlines():
                print('# ' + line)
        else:
            print('ok %d - %s' % (place, sentence))
        note('%.1f s' % (time.monotonic() - begin))
    sys.exit(1 if failed else 0)
