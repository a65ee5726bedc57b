#!/usr/bin/env python3
"""
Servers in every wrapping that people put around them: whatever is done with them, each request that was begun is answered to its end.

A request takes 0.7 s; after SIGTERM a server takes no more, finishes what it has, and needs a second at least.  A second SIGTERM would end it at once, as
it does many programs.  A request is cut when a part of its answer came and the rest did not; one that nobody took is asked again.
"""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from storm import BUILD, PATIENCE, Skip, alive, daemon, eventually, note, run

PORT = 23400
GRACE_MS = 8000

FILES = {
    'web.js': '''#!/usr/bin/env node
const server = require('node:http').createServer((request, response) => {
  response.writeHead(200, { Connection: 'close' });
  response.write('begun ');
  setTimeout(() => response.end('whole'), 700);
});
process.once('SIGTERM', () => {
  const until = Date.now() + 1000;
  server.close(() => setTimeout(() => { console.log('finished'); process.exit(0); }, Math.max(0, until - Date.now())));
});
server.listen(Number(process.env.PORT), '127.0.0.1');
''',
    'run.sh': '#!/bin/sh\ncd . || exit 1\nnode web.js\n',
    'wrapper.py': '''import subprocess
import sys
subprocess.call(sys.argv[1:])
''',
    # As dotenv-cli, env-cmd and cross-env do: they pass the signal on, and wait.
    'passes.js': '''const child = require('node:child_process').spawn(process.argv[2], process.argv.slice(3), { stdio: 'inherit' });
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => child.kill(name));
child.on('exit', (code, name) => process.exit(name ? 1 : code));
''',
    'package.json': '{"name": "site", "version": "1.0.0", "scripts": {"start": "node web.js", "serve": "NODE_ENV=production node web.js"}}',
}

FORMS = {
    'plain': 'node web.js',
    'variable': 'NODE_ENV=production node web.js',
    'and': 'cd . && node web.js',
    'file': 'node web.js > out.txt',
    'pipe': 'node web.js | cat',
    'script': './run.sh',
    'sh': 'sh -c "node web.js; true"',
    'bash': 'bash -c "node web.js; echo over"',
    'python': 'python3 wrapper.py node web.js',
    'nice': 'nice -n 5 env NODE_ENV=production sh -c "node web.js; true"',
    'passes': 'node passes.js node web.js',
}

NPM_FORMS = {
    'npm-start': 'npm start',
    'npm-run': 'npm run serve',
    'npx': 'npx --no-install web',
}


class Client(threading.Thread):
    """Asks one port, again and again."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.ends = False
        self.wholes = []  # when each was begun, and over
        self.cuts = []
        self.begun = None

    def ask(self):
        answer = b''
        begun = time.monotonic()
        try:
            with socket.create_connection(('127.0.0.1', self.port), timeout=30) as connection:
                connection.sendall(b'GET / HTTP/1.1\r\nHost: here\r\n\r\n')
                while True:
                    part = connection.recv(4096)
                    if not part:
                        break
                    answer += part
                    self.begun = self.begun or begun
        except OSError:
            pass
        self.begun = None
        if b'whole' in answer:
            self.wholes.append((begun, time.monotonic()))
        elif answer:
            self.cuts.append(begun)
        else:
            time.sleep(0.01)

    def run(self):
        while not self.ends:
            self.ask()


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip('there is no %s here' % program)


def prepare(d, forms):
    """The site with all its files, and an app of two instances for each form, up."""
    site = os.path.join(d.home, 'site')
    os.makedirs(os.path.join(site, 'node_modules', '.bin'))
    for name, text in FILES.items():
        with open(os.path.join(site, name), 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(os.path.join(site, name), 0o755)
    os.symlink('../../web.js', os.path.join(site, 'node_modules', '.bin', 'web'))
    toml = '[defaults]\nworking_dir = "%s"\nstop_timeout_ms = %d\ninstances = 2\nready_timeout_secs = 120\n' % (site, GRACE_MS * PATIENCE)
    toml += '[defaults.deploy]\nmin_healthy_secs = "100ms"\nfail_timeout_secs = 0\n'
    for place, (name, command) in enumerate(forms.items()):
        toml += "[processes.%s]\ncommand = '%s'\nport = %d\n" % (name, command, PORT + place * 4)
    environment = {'PATH': os.environ['PATH'], 'HOME': d.home, 'npm_config_cache': os.path.join(d.home, 'npm'),
                   'npm_config_update_notifier': 'false'}
    d.client(300).call('apply', oxfile=d.write_oxfile(toml), text=toml, env=environment, wait=True)


@contextlib.contextmanager
def load(forms):
    clients = [Client(PORT + place * 4 + number) for place in range(len(forms)) for number in range(2)]
    for client in clients:
        client.start()
    try:
        assert eventually(lambda: all(c.wholes and c.begun for c in clients), 60), [c.port for c in clients if not c.wholes]
        yield clients
    finally:
        for client in clients:
            client.ends = True


def oxctl(d, *words):
    done = subprocess.run([os.path.join(BUILD, 'oxctl'), *words], env=d.env, cwd=d.home, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300)
    assert done.returncode == 0, (done.returncode, done.stdout.decode(errors='replace'))


def name_of(client, forms):
    return '%s:%d' % (list(forms)[(client.port - PORT) // 4], (client.port - PORT) % 4)


def judge(d, forms, clients, since):
    """None was cut, and each server finished one that it had when it got the stop signal."""
    for client in clients:
        client.ends = True
    for client in clients:
        client.join(60)
    cut = sorted(name_of(c, forms) for c in clients if c.cuts)
    idle = sorted(name_of(c, forms) for c in clients if not any(begun < since < over for begun, over in c.wholes))
    note('%d requests answered, %d cut' % (sum(len(c.wholes) for c in clients), sum(len(c.cuts) for c in clients)))
    assert not cut, 'cut: %s' % ' '.join(cut)
    assert not idle, 'nothing was under way: %s' % ' '.join(idle)
    assert 'SIGKILL' not in d.log(), [line for line in d.log().splitlines() if 'SIGKILL' in line]


def everything(forms, *words, arguments=()):
    need('node')
    with daemon(*arguments) as d:
        prepare(d, forms)
        with load(forms) as clients:
            since = time.monotonic()
            oxctl(d, *words)
            if words[0] == 'stop':
                assert not d.services(), d.services()
                note('all stopped after %.1f s' % (time.monotonic() - since))
            judge(d, forms, clients, since)


def crash():
    """What a wrapper leaves when it is killed: its server finishes what it has, and then the next one starts."""
    need('node')
    forms = {name: FORMS[name] for name in ('and', 'pipe', 'script', 'bash', 'python', 'passes')}
    with daemon() as d:
        prepare(d, forms)
        with load(forms) as clients:
            since = time.monotonic()
            old = {i: p['pid'] for i, p in d.processes().items()}
            for pid in old.values():
                os.kill(pid, signal.SIGKILL)
            assert eventually(lambda: all(p['status'] == 'running' and p['pid'] != old[i]
                                          for i, p in d.processes().items()), 60), d.processes()
            for client in clients:
                client.ends = True
            for client in clients:
                client.join(60)
            assert not any(c.cuts for c in clients), [name_of(c, forms) for c in clients if c.cuts]
            assert all(any(begun < since < over for begun, over in c.wholes) for c in clients)


def is_started_again(d):
    """The brain of the keeper that was killed may still answer for a moment: then a start finds nothing to do."""
    was = d.keeper
    subprocess.run([os.path.join(BUILD, 'oxctl'), 'daemon', 'start'], env=d.env, cwd=d.home, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    with contextlib.suppress(OSError, ValueError):
        d.keeper = d.call('status')['daemon']['pid']
    return d.keeper != was


def daemon_stops(how):
    """SIGTERM to the daemon, or a stop in the middle of which the brain or the keeper is killed, or the daemon upgraded."""
    need('node')
    forms = {name: FORMS[name] for name in ('plain', 'and', 'pipe', 'script', 'python')}
    with daemon() as d:
        prepare(d, forms)
        with load(forms) as clients:
            since = time.monotonic()
            pids = list(d.services())
            if how == 'term':
                os.kill(d.keeper, signal.SIGTERM)
            else:
                subprocess.Popen([os.path.join(BUILD, 'oxctl'), 'stop', 'all'], env=d.env, cwd=d.home,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                assert eventually(lambda: all(p['status'] == 'stopping' for p in d.processes().values()))
                if how == 'upgrade':
                    oxctl(d, 'daemon', 'upgrade')
                else:
                    os.kill(d.brain() if how == 'brain' else d.keeper, signal.SIGKILL)
            if how == 'keeper':
                assert eventually(lambda: is_started_again(d), 30)
            assert eventually(lambda: not any(alive(pid) for pid in pids), 30)
            for client in clients:
                client.ends = True
            for client in clients:
                client.join(60)
            assert not any(c.cuts for c in clients), [name_of(c, forms) for c in clients if c.cuts]
            assert all(any(begun < since < over for begun, over in c.wholes) for c in clients)


def npm(*words):
    need('node', 'npm', 'npx')
    everything(NPM_FORMS, *words)


if __name__ == '__main__':
    run(
        ('stop: no wrapped server loses a request that it has', lambda: everything(FORMS, 'stop', 'all')),
        ('restart: no wrapped server loses a request that it has', lambda: everything(FORMS, 'restart', 'all', '--wait')),
        ('reload: no wrapped server loses a request that it has', lambda: everything(FORMS, 'reload', 'all')),
        ('where there are no cgroups no wrapped server loses a request either',
         lambda: everything(FORMS, 'reload', 'all', arguments=['--no-cgroups'])),
        ('stop: no server behind npm or npx loses a request that it has', lambda: npm('stop', 'all')),
        ('restart: no server behind npm or npx loses a request that it has', lambda: npm('restart', 'all', '--wait')),
        ('reload: no server behind npm or npx loses a request that it has', lambda: npm('reload', 'all')),
        ('a wrapper that crashes takes no request of its server along', crash),
        ('SIGTERM to the daemon cuts no request', lambda: daemon_stops('term')),
        ('the brain killed within the grace cuts no request', lambda: daemon_stops('brain')),
        ('an upgrade within the grace cuts no request', lambda: daemon_stops('upgrade')),
        ('the keeper killed within the grace cuts no request', lambda: daemon_stops('keeper')),
    )
