"""
What stands in front of a herd in these tests: a private nginx, and crowds of clients who count every request that fails.
"""
import collections
import contextlib
import json
import os
import re
import subprocess
import threading
import time

from storm import BUILD, Refused, eventually, note

CROWD = os.path.join(BUILD, 'tests', 'crowd')
TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
SERVER = os.path.join(TOP, 'examples', 'node-nginx', 'server.js')
PATH = os.environ['PATH'] + ':/usr/sbin'

CONF = '''
pid %(root)s/nginx.pid;
error_log %(root)s/error.log info;
worker_processes 2;
events {}
http {
    log_format short '$request_method $status $upstream_status';
    access_log %(root)s/access.log short;
    %(keeping)s
    client_body_temp_path %(root)s/body;
    proxy_temp_path %(root)s/proxy;
    fastcgi_temp_path %(root)s/fastcgi;
    uwsgi_temp_path %(root)s/uwsgi;
    scgi_temp_path %(root)s/scgi;
    include %(root)s/upstream.conf;
    server {
        listen 127.0.0.1:%(port)d;
        location / {
            proxy_pass http://api;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
}
'''

# Files that run side by side have lanes of their own.
PORT = 25000 + 1000 * (int(os.environ.get('OX_LANE', 0)) % 4)
FRONT = PORT + 900

OXFILE = '''
[processes.api]
command = ["node", "%(server)s"]
instances = 4
port = %(port)d
stop_timeout_ms = 30000
env = { VERSION = "%(version)s" }
health_check = { endpoint = "http://127.0.0.1/", interval_secs = 1 }
%(more)s
%(keys)s
'''


# nginx closes the connections of clients that rest in the moment of a reload, also one on which a request is just coming in: a POST on it must
# not be sent twice, and is cut.  From 1.27.4 on nginx can leave those alone that had an answer a moment ago.
KEEPING = 'keepalive_min_timeout 5s;'


def nginx_version():
    said = subprocess.run(['nginx', '-v'], env=dict(os.environ, PATH=PATH), stderr=subprocess.PIPE, check=True).stderr.decode()
    return tuple(int(part) for part in re.search(r'nginx/(\d+)\.(\d+)\.(\d+)', said).groups())


class Nginx:
    """nginx before `root`/upstream.conf, which holds a block of these ports until somebody else writes it."""

    def __init__(self, root, port, servers=(1,), words='', more=''):
        self.root, self.port = root, port
        os.makedirs(root, exist_ok=True)
        self.conf = os.path.join(root, 'nginx.conf')
        self.upstream = os.path.join(root, 'upstream.conf')
        self.version = nginx_version()
        self.cuts = self.version < (1, 27, 4)
        with open(self.conf, 'w', encoding='utf-8') as file:
            file.write(CONF % {'root': root, 'port': port, 'keeping': '' if self.cuts else KEEPING})
        with open(self.upstream, 'w', encoding='utf-8') as file:
            file.write('upstream api {\n%s%s}\n' % (''.join('    server 127.0.0.1:%d%s;\n' % (p, words) for p in servers), more))
        self.pid = 0
        subprocess.run(['nginx', '-c', self.conf], env=dict(os.environ, PATH=PATH), check=True)
        self.pid = int(eventually(lambda: self.read('nginx.pid')))

    def read(self, name):
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(self.root, name), encoding='utf-8') as file:
                return file.read()
        return ''

    def keys(self):
        """The lines of [.nginx] for this one."""
        return ('output = "%s"\ntest = "nginx -t -c %s"\nreload = "nginx -s reload -c %s"\n'
                % (self.upstream, self.conf, self.conf))

    def ports(self):
        """Those that the upstream names, without those that get nothing new."""
        return sorted(int(line.split(':')[1].rstrip(';')) for line in self.read('upstream.conf').splitlines()
                      if line.strip().startswith('server') and 'down' not in line)

    def reload(self):
        subprocess.run(['nginx', '-s', 'reload', '-c', self.conf], env=dict(os.environ, PATH=PATH), check=True)

    def reloads(self):
        """How often it has been reloaded."""
        return self.read('error.log').count(', reconfiguring')

    def close(self):
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 15)


class Crowd:
    """One crowd at work until stop(), which gives its report."""

    def __init__(self, url, *options):
        self.words = ' '.join(options)
        self.process = subprocess.Popen([CROWD, *options, url], stdout=subprocess.PIPE)

    def stop(self):
        self.process.terminate()
        text, _ = self.process.communicate(timeout=60)
        return json.loads(text)


KINDS = {
    'GET, connections that stay': ('--connections', '16', '--rate', '200', '--expect', 'hello'),
    'GET, a connection for each': ('--connections', '16', '--rate', '100', '--close', '--expect', 'hello'),
    'POST, connections that stay': ('--connections', '16', '--rate', '100', '--post', '2000', '--expect', '2000 bytes'),
    'POST, a connection for each': ('--connections', '16', '--rate', '100', '--post', '2000', '--close',
                                    '--expect', '2000 bytes'),
}


@contextlib.contextmanager
def crowds(url, only=''):
    """All kinds of crowds (whose name begins so) at one address; their reports are in the dict once it is over."""
    running = {name: Crowd(url, *options) for name, options in KINDS.items() if name.startswith(only)}
    reports = {}
    try:
        yield reports
    finally:
        for name, crowd in running.items():
            reports[name] = crowd.stop()


# Where nginx cuts: whatever stands behind it.
MAY_BE_CUT = ('POST, connections that stay',)


def none_failed(reports, nginx=None):
    """
    Asserts that nobody went without an answer; says how many there were.  Where one was cut by nginx itself, nginx must not have read it.
    """
    bad = []
    cut = 0
    for name, r in reports.items():
        note('%s: %d requests, %d failed, %d asked again, p50 %.1f ms, p99 %.1f ms, longest %.0f ms'
             % (name, r['requests'], r['failed'], r['retried'], r['latency_ms']['p50'], r['latency_ms']['p99'],
                r['latency_ms']['max']))
        for words in r['first_failures']:
            note('    ' + words)
        cut += r['cut']
        if r['failed'] > (r['cut'] if nginx and nginx.cuts and name in MAY_BE_CUT else 0):
            bad.append('%s: %d of %d failed' % (name, r['failed'], r['requests']))
        assert r['requests'] > 0, name
    assert not bad, bad
    if nginx:
        answered = sum(r['ok'] for r in reports.values())
        # An answer is in the log a moment after it is here.
        eventually(lambda: nginx.read('access.log').count('\n') >= answered)
        seen = collections.Counter(nginx.read('access.log').splitlines())
        note('nginx %s was reloaded %d times and cut %d; it has answered %s'
             % ('.'.join(str(part) for part in nginx.version), nginx.reloads(), cut, dict(seen)))
        assert sum(seen.values()) == answered, (answered, seen)


class Place:
    """A daemon, an nginx and four servers behind it.  With `is_static` nginx has a block of these four ports that nobody changes."""

    def __init__(self, d, is_static=False, more='', fail_timeout=10):
        self.d, self.is_static, self.more = d, is_static, more
        servers = range(PORT, PORT + 4) if is_static else (1,)
        words = '' if fail_timeout == 10 or not is_static else ' fail_timeout=%ds' % fail_timeout
        self.nginx = Nginx(os.path.join(d.home, 'nginx'), FRONT, servers, words)
        self.url = 'http://127.0.0.1:%d/' % FRONT
        try:
            d.call('apply', oxfile=self.write(), env={'PATH': PATH}, wait=True)
            self.settled(4)
        except BaseException:
            self.nginx.close()
            raise

    def write(self, version=1, server=SERVER, more=''):
        """The oxfile of this version; its path."""
        keys = '' if self.is_static else '[processes.api.nginx]\noptions = ["keepalive 32"]\n' + self.nginx.keys()
        return self.d.write_oxfile(OXFILE % {'server': server, 'version': version, 'port': PORT, 'more': more or self.more,
                                             'keys': keys})

    def settled(self, count):
        """So many are ready, and nginx has all of them and no others."""
        wanted = [PORT + i for i in range(count)]

        def is_so():
            if self.is_static:
                return len(self.d.processes()) == count
            held = os.path.join(self.d.home, 'run', 'upstreams', 'api.before')
            return self.nginx.ports() == wanted and not os.path.exists(held) and len(self.d.processes()) == count
        assert eventually(is_so, 60), (self.nginx.ports(), wanted, self.d.processes())


class Watch(threading.Thread):
    """Asks for the status again and again, and remembers the least that were ready and who was there."""

    def __init__(self, d, app):
        super().__init__()
        self.d, self.app, self.is_over, self.least, self.samples, self.words = d, app, False, None, 0, ''

    def run(self):
        while not self.is_over:
            try:
                status = self.d.call('status', targets=[self.app])
            except (OSError, ValueError, Refused):
                # No brain just now: nobody can say how many are ready.
                time.sleep(0.01)
                continue
            ready = status['apps'][0]['ready']
            self.samples += 1
            if self.least is None or ready < self.least:
                self.least = ready
                self.words = ', '.join('%s %s' % (p['id'], p['status']) for p in status['processes'])
            time.sleep(0.02)

    def stop(self):
        self.is_over = True
        self.join()
        return self.least
