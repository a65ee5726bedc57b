"""Our figures beside the bare limit, as ratios in one run.

    bench.py BUILD [--json FILE] [--quick]

BUILD holds oxctl, oxherd, oxherd-brain and bench-stamp.  Every figure is measured beside something bare (/bin/true, a loop of
fork and exec) in turn, so that a noisy machine is noisy for both.  Peers that are on PATH are measured too (peers.py), and the others are
said to be missing.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import peers
from readings import TooLong, lines, processor_seconds, pss, wait_until


def in_memory():
    """A place like /run, where pipes are in real life: on some disks making and removing thousands of them is slow by itself."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Herd:
    """A private daemon in a folder of its own; on the disk, where its state belongs, unless another place is named."""

    def __init__(self, build, place=None):
        self.build = os.path.abspath(build)
        self.home = tempfile.mkdtemp(prefix="oxbench", dir=place)
        self.env = {**os.environ, "OXHERD_HOME": self.home, "PATH": self.build + ":" + os.environ["PATH"]}

    def oxctl(self, *words):
        return subprocess.run(["oxctl", *words], env=self.env, cwd=self.home, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)

    def start(self):
        subprocess.run(["oxherd", "--daemon"], env=self.env, check=True)

    def call(self, method, **params):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.home + "/run/oxherd.sock")
            s.sendall((json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n").encode())
            answer = json.loads(s.makefile().readline())
        if "error" in answer:
            sys.exit(f"{method}: {answer['error']}")
        return answer["result"]

    def apply(self, text):
        return self.call("apply", oxfile=self.home + "/oxfile.toml", text=text, env=dict(os.environ))

    def processes(self):
        return self.call("status")["processes"]

    def stop(self):
        self.oxctl("daemon", "stop")
        shutil.rmtree(self.home, ignore_errors=True)

    def pids(self):
        daemon = self.call("status")["daemon"]
        return daemon["pid"], daemon["brain_pid"]


@contextlib.contextmanager
def herd(build, place=None):
    h = Herd(build, place)
    h.start()
    try:
        yield h
    finally:
        h.stop()


def timed(argv, env=None, cwd=None):
    begin = time.perf_counter()
    subprocess.run(argv, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def ratio(rounds, ours, bare):
    """The median of ours/bare, taken in turn, after one of each that does not count."""
    ours(), bare()
    return statistics.median(ours() / bare() for _ in range(rounds))


def true():
    return timed(["/bin/true"])


def boot(build, rounds):
    def once():
        h = Herd(build)
        begin = time.perf_counter()
        h.start()
        h.call("ping")
        seconds = time.perf_counter() - begin
        h.stop()
        return seconds
    return ratio(rounds, once, true)


def bare_start(stamp, count):
    """Forks and execs `count` times, then waits until each has run."""
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        path = folder + "/stamps"
        begin = time.perf_counter()
        pids = [os.posix_spawn(stamp, [stamp, path], os.environ) for _ in range(count)]
        wait_until(lambda: lines(path) == count)
        seconds = time.perf_counter() - begin
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return seconds


def herd_start(build, stamp, count):
    with herd(build, in_memory()) as h:
        path = h.home + "/stamps"
        begin = time.perf_counter()
        h.apply(f'[processes.s]\ncommand = ["{stamp}", "{path}"]\ninstances = {count}\nstop_signal = "SIGKILL"\n')
        wait_until(lambda: lines(path) >= count)
        return time.perf_counter() - begin


def status(build, count, rounds, pause=0):
    """With a pause nothing that was measured before is given again: memory and processor time of all are looked at anew."""
    with herd(build) as h:
        h.apply(f'[processes.s]\ncommand = "sleep 1000"\ninstances = {count}\nport_step = 1\n')
        wait_until(lambda: all(p["pid"] for p in h.processes()))

        def ask():
            time.sleep(pause)
            return timed(["oxctl", "status", "--json"], env=h.env)
        return ratio(rounds, ask, true)


def crash(build, stamp, rounds):
    """Milliseconds from a kill -9 to the first instruction of the successor, less those of a bare fork and exec."""
    with herd(build) as h, tempfile.TemporaryDirectory() as folder:
        path = h.home + "/stamps"
        h.apply(f'[processes.s]\ncommand = ["{stamp}", "{path}"]\nrestart = "always"\nrestart_delay_ms = 0\n')
        ours, bare = [], []
        for i in range(rounds):
            wait_until(lambda: lines(path) == i + 1)
            wait_until(lambda: h.processes()[0]["pid"])
            pid = h.processes()[0]["pid"]
            begin = time.monotonic_ns()
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: lines(path) == i + 2)
            with open(path, encoding="ascii") as f:
                ours.append((int(f.read().split()[-1]) - begin) / 1e6)
            own = folder + f"/{i}"
            begin = time.monotonic_ns()
            child = os.posix_spawn(stamp, [stamp, own], os.environ)
            wait_until(lambda: lines(own) == 1)
            with open(own, encoding="ascii") as f:
                bare.append((int(f.read()) - begin) / 1e6)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        return statistics.median(a - b for a, b in zip(ours, bare))


def stop(build, stamp, rounds, place=None):
    """Milliseconds that stopping one instance takes; the program ends at once.  What was asked for is on the disk before the answer."""
    with herd(build, place) as h:
        h.apply(f'[processes.s]\ncommand = ["{stamp}"]\n')
        taken = []
        for _ in range(rounds):
            wait_until(lambda: h.processes()[0]["pid"])
            begin = time.perf_counter()
            h.call("stop")
            taken.append((time.perf_counter() - begin) * 1000)
            h.call("start")
        return statistics.median(taken)


def switches(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if "ctxt_switches" in line)


def memory(build, count):
    with herd(build) as h:
        pids = h.pids()
        empty = sum(map(pss, pids))
        h.apply(f'[processes.s]\ncommand = "sleep 1000"\ninstances = {count}\n')
        wait_until(lambda: all(p["status"] == "running" for p in h.processes()))
        time.sleep(2)  # their start is on the disk, and what it has freed is given back
        return empty, (sum(map(pss, pids)) - empty) / count


def idle(build, seconds):
    with herd(build) as h:
        h.apply('[processes.s]\ncommand = "sleep 1000"\ninstances = 100\n')
        wait_until(lambda: all(p["status"] == "running" for p in h.processes()))
        time.sleep(1)
        pids = h.pids()
        time.sleep(0.5)
        before = sum(map(switches, pids))
        time.sleep(seconds)
        return sum(map(switches, pids)) - before


def connections():
    """That servers of this machine have taken so far."""
    with open("/proc/net/snmp", encoding="ascii") as f:
        names, values = [line.split() for line in f if line.startswith("Tcp:")]
    return int(values[names.index("PassiveOpens")])


def probes(build, seconds):
    """The share of a processor, in percent, that 1000 checks of health a second take, and how many a second there were."""
    hello = os.path.join(os.path.abspath(build), "examples/hello/hello")
    with herd(build) as h:
        h.apply(f'[processes.s]\ncommand = ["{hello}"]\ninstances = 100\n'
                'health_check = { url = "http://127.0.0.1/", interval_secs = "100ms" }\n')
        wait_until(lambda: all(p["status"] == "running" for p in h.processes()))
        time.sleep(1)
        brain = h.pids()[1]
        done, spent, begin = connections(), processor_seconds(brain), time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - begin
        return (processor_seconds(brain) - spent) / took * 100, (connections() - done) / took


def peak_memory(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM:")) / 1024


def logs(build, megabytes):
    """100-byte lines: throughput beside `program | cat > file`, what they cost the brain, and how long a status takes meanwhile."""
    program = f"yes {'x' * 99} | head -c {megabytes}000000"
    ratios, costs, peaks, waits = [], [], [], []
    for _ in range(3):
        with herd(build) as h:
            target, path, brain = h.home + "/cat.log", h.home + "/s.log", h.pids()[1]
            begin = time.perf_counter()
            subprocess.run(["sh", "-c", f"({program}) | cat > {target}"], check=True)
            bare = time.perf_counter() - begin
            os.unlink(target)
            spent = processor_seconds(brain)
            begin = time.perf_counter()
            h.apply(f'[processes.s]\ncommand = "{program}"\nrestart = "never"\nlogs.stdout = "{path}"\nlogs.max_size_mb = 0\n')
            wait_until(lambda: os.path.exists(path) and os.path.getsize(path) >= megabytes * 1000000, seconds=120)
            ratios.append(bare / (time.perf_counter() - begin))
            costs.append(processor_seconds(brain) - spent)
            peaks.append(peak_memory(brain))
        with herd(build) as h:
            h.apply(f'[processes.s]\ncommand = "yes {"x" * 99}"\nrestart = "never"\nlogs.max_size_mb = 50\nlogs.max_files = 2\n')
            wait_until(lambda: h.processes()[0]["pid"])
            waits.append(ratio(20, lambda: timed(["oxctl", "status", "--json"], env=h.env), true))
    return tuple(map(statistics.median, (ratios, costs, peaks, waits)))


def measure(build, quick):
    stamp = os.path.join(os.path.abspath(build), "bench-stamp")
    rounds = 5 if quick else 20
    yield "daemon start to first answer, times /bin/true", boot(build, rounds), 5, "at most"
    for count in (100,) if quick else (100, 1000):
        value = statistics.median(herd_start(build, stamp, count) / bare_start(stamp, count) for _ in range(3))
        yield f"start {count} instances, times bare fork and exec", value, 1.5, "at most"
    yield "status --json of 100 instances, times /bin/true", status(build, 100, rounds * 2), 3, "at most"
    yield "the same, first asked after a pause", status(build, 100, 5 if quick else 10, 1.1), 3, "at most"
    if not quick:
        yield "status --json of 1000 instances, times /bin/true", status(build, 1000, rounds), 3, "at most"
    yield "crash to replacement, ms over bare fork and exec", crash(build, stamp, rounds), 1, "at most"
    yield "stop of an instance, ms", stop(build, stamp, rounds), 1, "at most"
    if in_memory():
        yield "the same without a disk: the state is in memory", stop(build, stamp, rounds, in_memory()), 1, "at most"
    empty, each = memory(build, 100 if quick else 1000)
    yield "memory of keeper and brain at start, MB (PSS)", empty / 1048576, 2, "at most"
    yield "memory for each further instance, KB (PSS)", each / 1024, 2, "at most"
    yield "wake-ups in 5 idle seconds with 100 instances", idle(build, 5), 0, "at most"
    share, each_second = probes(build, 5 if quick else 20)
    yield "checks of health of 100 servers each second", each_second, 950, "at least"
    yield "processor that they take of the brain, percent", share, 10, "at most"
    megabytes = 200 if quick else 1000
    throughput, cost, peak, wait = logs(build, megabytes)
    yield "log throughput beside program | cat > file", throughput, 0.8, "at least"
    yield f"processor seconds of the brain for {megabytes} MB of logs", cost, 2, "at most"
    yield "memory of the brain meanwhile, MB", peak, 16, "at most"
    yield "status --json while a service floods, times /bin/true", wait, 5, "at most"


def main():
    build = sys.argv[1]
    quick = "--quick" in sys.argv
    figures = []
    print(f"{'figure':<52} {'measured':>9}  goal")
    for name, value, goal, sense in measure(build, quick):
        is_met = value <= goal if sense == "at most" else value >= goal
        figures.append({"figure": name, "measured": value, "goal": goal, "sense": sense, "met": is_met})
        print(f"{name:<52} {value:>9.2f}  {sense} {goal}{'' if is_met else '   (missed)'}", flush=True)
    beside = peers.compare(build)
    peers.show(beside)
    if "--json" in sys.argv:
        with open(sys.argv[sys.argv.index("--json") + 1], "w", encoding="utf-8") as f:
            json.dump({"version": 1, "figures": figures, "peers": beside}, f, indent=2)
            f.write("\n")


try:
    main()
except TooLong as why:
    sys.exit(str(why))
