"""One port for a whole herd, beside other ways to have it: node's cluster, pm2's, and what the kernel does by itself.

    gate.py BUILD [--json FILE] [--quick]

The same server in each, asked by the same crowd, in turn, so that a noisy machine is noisy for all.  "the kernel's hash" is the server as it is, with a
library before it that lets sockets share their address (SO_REUSEPORT) and nothing else.  Ways that are not on PATH are said to be missing.
"""
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from peers import MARK, free_ports, remove
from readings import wait_until

SERVER = """
const fs = require("fs"), http = require("http");
const counts = process.env.COUNTS + "/" + process.pid, wait = +process.env.WAIT_MS || 0;
let answered = 0;
process.on("SIGUSR2", () => { fs.writeFileSync(counts + ".new", "" + answered); fs.renameSync(counts + ".new", counts); });
http.createServer((request, response) => {
  const answer = () => { answered++; response.end("ok"); };
  request.resume();
  request.on("end", () => wait ? setTimeout(answer, wait) : answer());
}).listen(+process.env.PORT, () => fs.writeFileSync(counts, ""));
"""

CLUSTER = """
const cluster = require("cluster");
if (cluster.isPrimary) { for (let i = 0; i < +process.argv[2]; i++) cluster.fork(); } else require("./server.js");
"""

SHARES = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>
int bind(int fd, const struct sockaddr *to, socklen_t len)
{
	int yes = 1;
	int (*next)(int, const struct sockaddr *, socklen_t) = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	return next(fd, to, len);
}
"""


class Way:
    """A herd of servers on one port, in a folder of its own."""

    name = ""
    program = "node"

    def __init__(self, build, count, wait_ms=0):
        self.build, self.count = os.path.abspath(build), count
        self.home = tempfile.mkdtemp(prefix="oxgate")
        self.counts = self.home + "/counts"
        os.mkdir(self.counts)
        self.port = free_ports(1)[0]
        self.env = {**os.environ, "HOME": self.home, MARK: self.home, "PORT": str(self.port), "COUNTS": self.counts,
                    "WAIT_MS": str(wait_ms), "PATH": self.build + ":" + os.environ["PATH"]}
        for name, text in (("server.js", SERVER), ("cluster.js", CLUSTER)):
            self.write(name, text)

    def write(self, name, text):
        with open(f"{self.home}/{name}", "w", encoding="utf-8") as f:
            f.write(text)

    def run(self, *argv):
        done = subprocess.run(argv, env=self.env, cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)}: exit code {done.returncode}: {done.stdout[-400:]}")
        return done.stdout

    def spawn(self, *argv, **more):
        subprocess.Popen(argv, env={**self.env, **more}, cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)

    def servers(self):
        return [int(name) for name in os.listdir(self.counts) if name.isdigit() and os.path.exists("/proc/" + name)]

    def start(self):
        self.begin()
        wait_until(lambda: len(self.servers()) >= self.count)

    def begin(self):
        raise NotImplementedError

    def replace(self):
        """Each server by a new one; returns when that is done.  None: it has no such command."""
        return None

    def quit(self):
        pass

    def shares(self):
        """How many requests each server has answered."""
        told = {}
        for pid in self.servers():
            with contextlib.suppress(FileNotFoundError):
                os.remove(f"{self.counts}/{pid}")
            os.kill(pid, signal.SIGUSR2)
            told[pid] = f"{self.counts}/{pid}"
        wait_until(lambda: all(os.path.exists(path) for path in told.values()))
        return [int(open(path, encoding="ascii").read()) for path in told.values()]

    def close(self):
        with contextlib.suppress(RuntimeError, OSError):
            self.quit()
        remove(self.home)


class Gate(Way):
    name, program = "oxherd", "oxctl"

    def begin(self):
        self.env["OXHERD_HOME"] = self.home + "/oxherd"
        self.write("oxfile.toml", '[processes.web]\ncommand = ["node", "server.js"]\nport_mode = "shared"\n'
                   f'port = {self.port}\ninstances = {self.count}\n')
        self.run("oxctl", "start", "--wait")

    def replace(self):
        return self.run("oxctl", "reload", "web")

    def quit(self):
        self.run("oxctl", "daemon", "stop")


class Cluster(Way):
    name = "node's cluster"

    def begin(self):
        self.spawn("node", "cluster.js", str(self.count))


class Pm2(Way):
    name, program = "pm2's cluster", "pm2"

    def begin(self):
        self.env.update(PM2_HOME=self.home + "/pm2", PM2_DISABLE_VERSION_CHECK="true")
        self.run("pm2", "start", "server.js", "--name", "web", "-i", str(self.count))

    def replace(self):
        return self.run("pm2", "reload", "web")

    def quit(self):
        self.run("pm2", "kill")


class Hash(Way):
    name, program = "the kernel's hash", "cc"

    def begin(self):
        self.write("shares.c", SHARES)
        self.run("cc", "-shared", "-fPIC", "-o", "shares.so", "shares.c", "-ldl")
        for _ in range(self.count):
            self.spawn("node", "server.js", LD_PRELOAD=self.home + "/shares.so")


WAYS = (Gate, Cluster, Pm2, Hash)


@contextlib.contextmanager
def running(kind, build, count, wait_ms=0):
    way = kind(build, count, wait_ms)
    try:
        way.start()
        yield way
    finally:
        way.close()


def crowd(way, *options):
    argv = [way.build + "/tests/crowd", *options, f"http://127.0.0.1:{way.port}/"]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def report(asking):
    return json.loads(asking.communicate()[0])


def load(kind, build, count, keeps, secs):
    """As many requests as it answers: (requests a second, p99 in ms, largest share to smallest)."""
    with running(kind, build, count) as way:
        report(crowd(way, "--connections", "64", "--secs", "1"))
        before = way.shares()
        told = report(crowd(way, "--connections", "64", "--secs", str(secs), *([] if keeps else ["--close"])))
        parts = [after - then for then, after in zip(before, way.shares())]
        return told["ok"] / told["secs"], told["latency_ms"]["p99"], max(parts) / max(1, min(parts))


def replacements(kind, build, post):
    """A reload of four, at 1,000 requests a second of 20 ms each: (seconds, failed, requests)."""
    with running(kind, build, 4, 20) as way:
        asking = crowd(way, "--connections", "64", "--rate", "1000", "--secs", "0", "--close", *(["--post", "100"] if post else []))
        time.sleep(1)
        begin = time.perf_counter()
        has_done = way.replace() is not None
        taken = time.perf_counter() - begin
        time.sleep(1)
        asking.send_signal(signal.SIGTERM)
        told = report(asking)
        return (taken, told["failed"], told["requests"]) if has_done else None


def medians(rows):
    return [statistics.median(column) for column in zip(*rows)]


def table(title, heads, rows):
    print(f"\n{title}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def main():
    build = sys.argv[1]
    is_quick = "--quick" in sys.argv
    rounds, secs = (1, 2) if is_quick else (5, 4)
    ways = [kind for kind in WAYS if shutil.which(kind.program, path=os.path.abspath(build) + ":" + os.environ["PATH"])]
    figures = {"missing": [kind.name for kind in WAYS if kind not in ways], "load": [], "replacements": []}
    for count in (4, 8):
        for keeps in (False, True):
            taken = {kind: [] for kind in ways}
            for _ in range(rounds):
                for kind in ways:
                    taken[kind].append(load(kind, build, count, keeps, secs))
            for kind in ways:
                rate, p99, share = medians(taken[kind])
                figures["load"].append({"way": kind.name, "instances": count, "keeps_alive": keeps, "requests_per_second": rate,
                                        "p99_ms": p99, "share": share})
    for post in (False, True):
        for kind in ways:
            told = [replacements(kind, build, post) for _ in range(rounds)]
            if told[0]:
                figures["replacements"].append({"way": kind.name, "is_post": post, "seconds": statistics.median(t[0] for t in told),
                                                "failed": sum(t[1] for t in told), "requests": sum(t[2] for t in told)})
    table("One port, many instances", ("way", "instances", "keep-alive", "requests/s", "p99", "largest share to smallest"),
          [(f["way"], str(f["instances"]), "yes" if f["keeps_alive"] else "no", f"{f['requests_per_second']:,.0f}",
            f"{f['p99_ms']:.1f} ms", f"{f['share']:.2f}") for f in figures["load"]])
    table("A reload of four under 1,000 requests a second", ("way", "method", "took", "failed"),
          [(f["way"], "POST" if f["is_post"] else "GET", f"{f['seconds']:.1f} s", f"{f['failed']} of {f['requests']:,}")
           for f in figures["replacements"]])
    for name in figures["missing"]:
        print(f"\n{name} is not here, and was not measured.")
    if "--json" in sys.argv:
        with open(sys.argv[sys.argv.index("--json") + 1], "w", encoding="utf-8") as f:
            json.dump(figures, f, indent=1)


if __name__ == "__main__":
    main()
