"""What others need for the same, in one run: pm2, supervisord and oxmgr, where they are on PATH, beside Oxherd.

    peers.py BUILD [--json FILE]

Each is given the same programs, and asked through its own command line, as its user would ask it: so a figure holds the start of
that command too.  Each daemon has a home of its own, and a mark in its environment that all it starts inherits: at the end nothing
with that mark is left.  The settings are those with which each is at its fastest.
"""
import contextlib
import glob
import json
import os
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from readings import LIMIT, TooLong, lines, processor_seconds, pss, wait_until

MARK = "OXBENCH_HOME"


def marked(home):
    """The processes that were started with this home, by whatever way."""
    wanted = f"{MARK}={home}".encode()
    found = []
    for folder in glob.glob("/proc/[0-9]*"):
        with contextlib.suppress(OSError), open(folder + "/environ", "rb") as f:
            if wanted in f.read().split(b"\0"):
                found.append(int(folder.rsplit("/", 1)[1]))
    return found


def remove(home):
    """Nothing with this mark is left, and no folder."""
    for _ in range(100):
        left = marked(home)
        if not left:
            break
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    shutil.rmtree(home, ignore_errors=True)


class Peer:
    """A daemon in a home of its own.  Each kind says how it is started, given programs, asked and ended."""

    name = ""
    program = ""

    def __init__(self, build):
        self.home = tempfile.mkdtemp(prefix="oxpeer")
        self.logs = self.home + "/logs"
        os.mkdir(self.logs)
        path = os.path.abspath(build) + ":" + os.environ["PATH"]
        self.env = {**os.environ, "HOME": self.home, MARK: self.home, "PATH": path, **self.settings()}

    def settings(self):
        return {}

    def run(self, *argv):
        try:
            done = subprocess.run(argv, env=self.env, cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
        except subprocess.TimeoutExpired as late:
            raise TooLong from late
        if done.returncode:
            raise RuntimeError(f"{shlex.join(argv)}: exit code {done.returncode}: {done.stdout.decode(errors='replace')[-300:]}")
        return done.stdout.decode(errors="replace")

    def write(self, name, text):
        path = f"{self.home}/{name}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def version(self):
        return self.run(self.program, "--version").split()[-1]

    def boot(self):
        """Returns once a command of its own has been answered."""
        raise NotImplementedError

    def begin(self, argv, count, keep):
        """Starts so many instances of a program; whether it is started again when it ends."""
        raise NotImplementedError

    def status(self):
        raise NotImplementedError

    def halt(self):
        """Stops the one instance."""
        raise NotImplementedError

    def again(self):
        """Starts it again."""
        raise NotImplementedError

    def daemons(self):
        """The processes that are the supervisor."""
        raise NotImplementedError

    def quit(self):
        raise NotImplementedError

    def close(self):
        with contextlib.suppress(TooLong, RuntimeError, OSError):
            self.quit()
        remove(self.home)


class Oxherd(Peer):
    name, program = "oxherd", "oxctl"

    def settings(self):
        return {"OXHERD_HOME": self.home}

    def boot(self):
        self.run("oxherd", "--daemon")
        self.run("oxctl", "status")

    def begin(self, argv, count, keep):
        self.write("oxfile.toml", f"[processes.s]\ncommand = {json.dumps(argv)}\ninstances = {count}\nrestart_delay_ms = 0\n"
                   f'restart = "{"always" if keep else "never"}"\n'
                   f'logs = {{ stdout = "{self.logs}/s.log", max_size_mb = 0 }}\n')
        self.run("oxctl", "start")

    def status(self):
        self.run("oxctl", "status", "--json")

    def halt(self):
        self.run("oxctl", "stop", "s")

    def again(self):
        self.run("oxctl", "start", "s")

    def daemons(self):
        daemon = json.loads(self.run("oxctl", "status", "--json"))["daemon"]
        return [daemon["pid"], daemon["brain_pid"]]

    def quit(self):
        self.run("oxctl", "daemon", "stop")


class Pm2(Peer):
    name, program = "pm2", "pm2"

    def settings(self):
        return {"PM2_HOME": self.home, "PM2_DISABLE_VERSION_CHECK": "true"}

    def boot(self):
        self.run("pm2", "ping")

    def begin(self, argv, count, keep):
        app = {"name": "s", "script": argv[0], "args": argv[1:], "interpreter": "none", "exec_mode": "fork", "instances": count,
               "autorestart": keep, "min_uptime": 0, "restart_delay": 0, "out_file": self.logs + "/s.log", "merge_logs": True}
        self.run("pm2", "start", self.write("ecosystem.json", json.dumps({"apps": [app]})))

    def status(self):
        self.run("pm2", "jlist")

    def halt(self):
        self.run("pm2", "stop", "s")

    def again(self):
        self.run("pm2", "start", "s")

    def daemons(self):
        with open(self.home + "/pm2.pid", encoding="ascii") as f:
            return [int(f.read())]

    def quit(self):
        self.run("pm2", "kill")


class Supervisord(Peer):
    """Its status is a text: it prints no JSON."""

    name, program = "supervisord", "supervisord"

    def configure(self, programs=""):
        return self.write("supervisord.conf", "[supervisord]\n"
                          f"logfile = {self.home}/supervisord.log\npidfile = {self.home}/pid\nchildlogdir = {self.logs}\n"
                          f"[unix_http_server]\nfile = {self.home}/sock\n"
                          f"[supervisorctl]\nserverurl = unix://{self.home}/sock\n"
                          "[rpcinterface:supervisor]\n"
                          "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n" + programs)

    def ask(self, *words):
        return self.run("supervisorctl", "-c", self.home + "/supervisord.conf", *words)

    def boot(self):
        self.run("supervisord", "-c", self.configure())
        self.ask("pid")

    def begin(self, argv, count, keep):
        name = "%(program_name)s_%(process_num)03d" if count > 1 else "%(program_name)s"
        self.configure(f"[program:s]\ncommand = {shlex.join(argv)}\nnumprocs = {count}\nprocess_name = {name}\nstartsecs = 0\n"
                       f"autorestart = {'true' if keep else 'false'}\nredirect_stderr = true\n"
                       f"stdout_logfile = {self.logs}/{name}.log\nstdout_logfile_maxbytes = 0\n")
        self.ask("update")

    def status(self):
        self.ask("status")

    def halt(self):
        self.ask("stop", "s")

    def again(self):
        self.ask("start", "s")

    def daemons(self):
        with open(self.home + "/pid", encoding="ascii") as f:
            return [int(f.read())]

    def quit(self):
        self.ask("shutdown")
        wait_until(lambda: not os.path.exists(self.home + "/pid"))


class Oxmgr(Peer):
    """Written from its documentation.  Its daemon listens on a TCP port, and stays in the foreground."""

    name, program = "oxmgr", "oxmgr"

    def settings(self):
        self.daemon, self.logs = None, self.home
        self.port, other = free_ports(2)
        return {"OXMGR_HOME": self.home, "OXMGR_DAEMON_ADDR": f"127.0.0.1:{self.port}", "OXMGR_API_ADDR": f"127.0.0.1:{other}",
                "OXMGR_LOG_MAX_SIZE_MB": "100000"}

    def boot(self):
        self.daemon = subprocess.Popen(["oxmgr", "daemon", "run"], env=self.env, cwd=self.home, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.is_there)
        self.run("oxmgr", "list")

    def is_there(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def begin(self, argv, count, keep):
        names = [f"s{i}" for i in range(count)] if count > 1 else ["s"]
        apps = (f'[[apps]]\nname = "{name}"\ncommand = {json.dumps(shlex.join(argv))}\nmax_restarts = 100000\n'
                f'crash_restart_limit = 0\nrestart_policy = "{"always" if keep else "never"}"\n' for name in names)
        self.run("oxmgr", "apply", self.write("oxfile.toml", "version = 1\n" + "".join(apps)))

    def status(self):
        self.run("oxmgr", "list", "--json")

    def halt(self):
        self.run("oxmgr", "stop", "s")

    def again(self):
        self.run("oxmgr", "restart", "s")

    def daemons(self):
        return [self.daemon.pid]

    def quit(self):
        self.run("oxmgr", "daemon", "stop")

    def close(self):
        super().close()
        if self.daemon:
            self.daemon.wait()


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


PEERS = (Oxherd, Pm2, Supervisord, Oxmgr)


@contextlib.contextmanager
def running(kind, build):
    peer = kind(build)
    try:
        peer.boot()
        yield peer
    finally:
        peer.close()


def seconds(action, *arguments):
    begin = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - begin


def stamp(build):
    return os.path.join(os.path.abspath(build), "bench-stamp")


def runners(peer, program):
    return [pid for pid in marked(peer.home) if os.path.realpath(f"/proc/{pid}/exe") == os.path.realpath(program)]


def boot(kind, build, rounds):
    taken = []
    for _ in range(rounds):
        peer = kind(build)
        try:
            taken.append(seconds(peer.boot))
        finally:
            peer.close()
    yield "daemon start to first answer", "ms", statistics.median(taken) * 1000


def hundred(kind, build, rounds):
    """A hundred that do nothing: what they cost in memory, and a status of them."""
    with running(kind, build) as peer:
        daemons = peer.daemons()
        empty = sum(map(pss, daemons))
        yield "memory of the daemon at start", "MB", empty / 1048576
        path = peer.home + "/stamps"
        begin = time.perf_counter()
        peer.begin([stamp(build), path], 100, True)
        wait_until(lambda: lines(path) >= 100)
        yield "start of 100 instances until all run", "ms", (time.perf_counter() - begin) * 1000
        yield "status of 100 instances", "ms", statistics.median(seconds(peer.status) for _ in range(rounds)) * 1000
        yield "memory for each of them", "KB", (sum(map(pss, daemons)) - empty) / 100 / 1024


def one(kind, build, rounds):
    with running(kind, build) as peer:
        path = peer.home + "/stamps"
        peer.begin([stamp(build), path], 1, True)
        taken = []
        for done in range(rounds):
            wait_until(lambda done=done: lines(path) == done + 1 and len(runners(peer, stamp(build))) == 1)
            begin = time.monotonic_ns()
            os.kill(runners(peer, stamp(build))[0], signal.SIGKILL)
            wait_until(lambda done=done: lines(path) == done + 2)
            with open(path, encoding="ascii") as f:
                taken.append((int(f.read().split()[-1]) - begin) / 1e6)
        yield "crash to replacement", "ms", statistics.median(taken)
        taken = []
        for done in range(rounds):
            taken.append(seconds(peer.halt))
            wait_until(lambda: not runners(peer, stamp(build)))
            peer.again()
            wait_until(lambda: len(runners(peer, stamp(build))) == 1)
        yield "stop of an instance", "ms", statistics.median(taken) * 1000


def written(folder):
    return sum(os.path.getsize(path) for path in glob.glob(folder + "/**/*.log", recursive=True))


def logs(kind, build, megabytes):
    """Lines of 100 bytes, as fast as they are taken, until all of them are in a file."""
    with running(kind, build) as peer:
        flood = peer.write("flood", f"#!/bin/sh\nyes {'x' * 99} | head -c {megabytes}000000\nexec sleep 1000\n")
        os.chmod(flood, 0o700)
        daemons = peer.daemons()
        before, cost = written(peer.logs), sum(map(processor_seconds, daemons))
        begin = time.perf_counter()
        peer.begin([flood], 1, False)
        wait_until(lambda: written(peer.logs) - before >= megabytes * 1000000, 0.005)
        yield f"{megabytes} MB of logs in a file, each second", "MB", megabytes / (time.perf_counter() - begin)
        yield "processor time for that", "s", sum(map(processor_seconds, daemons)) - cost


def figures(kind, build):
    """(figure, unit, value) of one; what took too long, or did not work, comes as words in the place of the value."""
    for measure, argument in ((boot, 3), (hundred, 5), (one, 5), (logs, 200)):
        try:
            yield from measure(kind, build, argument)
        except TooLong:
            yield measure.__name__, "", f"took more than {LIMIT} s, and was given up"
        except (RuntimeError, OSError) as e:
            yield measure.__name__, "", f"did not work: {e}"


def compare(build):
    """What is to be said of each, in the form in which it is written as JSON."""
    there = [kind for kind in PEERS if kind is Oxherd or shutil.which(kind.program)]
    said = [{"peer": kind.name, "not_measured": "not on PATH"} for kind in PEERS if kind not in there]
    if len(there) == 1:
        return said
    measured = []
    for kind in there:
        peer = kind(build)
        try:
            version = peer.version()
        except (RuntimeError, TooLong) as e:
            version = f"unknown ({e})"
        finally:
            peer.close()
        rows = [{"figure": figure, "unit": unit, ("not_measured" if isinstance(value, str) else "measured"): value}
                for figure, unit, value in figures(kind, build)]
        measured.append({"peer": kind.name, "version": version, "figures": rows})
    return measured + said


def show(said):
    """One row a figure, one column a supervisor."""
    measured = [peer for peer in said if "figures" in peer]
    rows = {}
    for peer in measured:
        for figure in peer["figures"]:
            if "measured" in figure:
                rows.setdefault(f"{figure['figure']}, {figure['unit']}", {})[peer["peer"]] = figure["measured"]
    if rows:
        heads = (f"{peer['peer']} {peer['version']}" for peer in measured)
        print(f"\n{'beside others, each through its own commands':<46}" + "".join(f" {head:>18}" for head in heads))
    for title, values in rows.items():
        cells = (f"{values[peer['peer']]:.2f}" if peer["peer"] in values else "-" for peer in measured)
        print(f"{title:<46}" + "".join(f" {cell:>18}" for cell in cells))
    for peer in measured:
        for figure in peer["figures"]:
            if "not_measured" in figure:
                print(f"{peer['peer']}: {figure['figure']}: {figure['not_measured']}")
    for peer in said:
        if "not_measured" in peer:
            print(f"{peer['peer']}: {peer['not_measured']}, and not measured")


def main():
    said = compare(sys.argv[1])
    show(said)
    if "--json" in sys.argv:
        with open(sys.argv[sys.argv.index("--json") + 1], "w", encoding="utf-8") as f:
            json.dump({"version": 1, "peers": said}, f, indent=2)
            f.write("\n")


if __name__ == "__main__":
    main()
