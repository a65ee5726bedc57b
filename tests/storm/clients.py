#!/usr/bin/env python3
"""
Clients that do not behave, and daemons that are busy: the next client is answered at once.

STORM_SLOW_SECS (3): how long the slow app takes to stop; 30 for the long run.
"""
import json
import os
import pwd
import select
import shutil
import socket
import subprocess
import time

from storm import (ACTOR, BUILD, PATIENCE, Client, Skip, alive, beside_true, daemon, eventually, note, number, run, seconds_of,
                   sockets)

SLOW = number('SLOW_SECS', 3)
# Half a thousandth is usual; a loaded machine may take its time, a daemon that waits for something takes far longer.
AT_ONCE = 0.05 * PATIENCE
TIMES_TRUE = 3
TIMES_CALM = 1.5


def at_once(d, what):
    """The next client, timed: the median of a few; once more where the whole machine was held up."""
    for _ in range(3):
        took = seconds_of(lambda: d.call('status'), 5)
        if took < AT_ONCE:
            break
    note('%s: the next client has its status after %.1f ms' % (what, took * 1000))
    assert took < AT_ONCE, took


def slow_stop():
    with daemon() as d:
        d.apply('''
            [processes.deaf]
            command = "%s --ignore TERM"
            stop_timeout = "%ds"
            [processes.calm]
            command = "sleep 100000"
        ''' % (ACTOR, SLOW), wait=True)
        words = [os.path.join(BUILD, 'oxctl'), 'status', '--json']
        calm, _ = beside_true(words, d.env)
        # Deaf only once it says so; it does it first of all.
        pid = d.processes('deaf')['deaf:0']['pid']
        stopper = d.client(SLOW + 30)
        begin = time.monotonic()
        stopper.send('stop', targets=['deaf'])
        assert eventually(lambda: d.processes('deaf')['deaf:0']['status'] == 'stopping')
        status, true = beside_true(words, d.env)
        note('oxctl status: %.2f ms, %.2f ms before; /bin/true: %.2f ms, ratio %.1f' %
             (status * 1000, calm * 1000, true * 1000, status / true))
        # Where others use the processors, a program that asks another one waits longer than one that does not, whatever is stopping.
        assert status < max(TIMES_TRUE * true, TIMES_CALM * calm), (status, calm, true)
        at_once(d, 'one app stops slowly')
        # Others are stopped and started meanwhile.
        took = seconds_of(lambda: d.call('restart', targets=['calm']))
        assert took < 1, took
        assert alive(pid)
        stopper.answer()
        took = time.monotonic() - begin
        note('stopped after %.2f s of %d' % (took, SLOW))
        assert SLOW - 0.1 < took < SLOW + 1.5
        assert not alive(pid)


def stranger():
    if os.geteuid() != 0:
        raise Skip('only root can become somebody else')
    user = pwd.getpwnam('nobody')
    with daemon() as d:
        program = 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(4096))'
        words = [shutil.which('python3', path='/usr/bin:/bin') or shutil.which('python3'), '-c', program, d.path]
        become = {'user': user.pw_uid, 'group': user.pw_gid, 'extra_groups': []}
        outcome = subprocess.run(words, capture_output=True, text=True, check=False, cwd='/', **become)
        assert outcome.returncode != 0 and 'PermissionError' in outcome.stderr, outcome
        # Even if the folders were opened by mistake: the mode of the socket.
        for folder in (d.home, os.path.join(d.home, 'run')):
            os.chmod(folder, 0o755)
        outcome = subprocess.run(words, capture_output=True, text=True, check=False, cwd='/', **become)
        assert outcome.returncode != 0 and 'PermissionError' in outcome.stderr, outcome
        # And even if that were opened too: the daemon looks who it is.
        os.chmod(d.path, 0o666)
        outcome = subprocess.run(words, capture_output=True, text=True, check=False, cwd='/', **become)
        assert outcome.returncode == 0 and 'another user' in outcome.stdout, outcome
        at_once(d, 'a stranger')


def too_large():
    with daemon() as d:
        client = d.client()
        client.socket.settimeout(20)
        try:
            client.socket.sendall(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"' + b'x' * (5 << 20) + b'"}}\n')
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            line = client.file.readline()
            assert 'longer than 4 MiB' in json.loads(line)['error']['message'], line
        except ConnectionResetError:
            # What it had not read yet makes the kernel take the answer back; closed it is either way.
            pass
        at_once(d, '2 MiB in one request')
        client.close()


def half_a_line():
    with daemon() as d:
        before = sockets(d.brain())
        halves = [d.client() for _ in range(50)]
        for client in halves:
            client.socket.sendall(b'{"jsonrpc": "2.0", "id": 1, "meth')
        at_once(d, 'fifty clients in the middle of a line')
        # Told in two parts it is a request like any other.
        halves[0].socket.sendall(b'od": "ping"}\n')
        assert json.loads(halves[0].file.readline())['result'] == 'pong'
        for client in halves:
            client.close()
        assert eventually(lambda: sockets(d.brain()) <= before), 'connections that are gone are still there'


def crowd():
    with daemon() as d:
        before = sockets(d.brain())
        crowd_of = [Client(d.path, 5) for _ in range(300)]

        def told():
            return select.select([client.socket for client in crowd_of], [], [], 0)[0]

        # The longest idle ones make room for those beyond 256, and hear why.
        assert eventually(lambda: len(told()) >= 300 - 256), len(told())
        for one in told():
            line = one.recv(4096)
            assert b'its place is needed' in line, line
        # One place is enough for the next.
        crowd_of.pop().close()
        took = seconds_of(lambda: d.patient_call('ping'))
        assert took < AT_ONCE, took
        for client in crowd_of:
            client.close()
        at_once(d, '300 connections')
        assert eventually(lambda: sockets(d.brain()) <= before)


def deaf_subscriber():
    with daemon() as d:
        d.apply('[processes.calm]\ncommand = "sleep 100000"\n', wait=True)
        subscriber = d.client()
        subscriber.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        subscriber.call('subscribe')
        # And one that asks without end and reads nothing.
        asker = d.client()
        asker.socket.setblocking(False)
        line = b'{"jsonrpc":"2.0","id":1,"method":"status"}\n' * 100
        try:
            for _ in range(200):
                asker.socket.send(line)
        except BlockingIOError:
            pass
        begin = time.monotonic()
        for _ in range(200):
            d.call('restart', targets=['calm'])
        took = time.monotonic() - begin
        note('200 restarts beside a subscriber that never reads: %.2f s' % took)
        assert took < 20
        at_once(d, 'clients that never read')
        # It learns what it missed, once it reads.
        subscriber.socket.settimeout(2)
        seen = 0
        try:
            while True:
                letter = json.loads(subscriber.file.readline())
                seen += letter['params'].get('missed', 1)
        except (TimeoutError, socket.timeout):
            pass
        assert seen >= 200 * 3, seen


def nonsense():
    """Bytes that are no request; the connection or the request suffers, nobody else."""
    with daemon() as d:
        for line in (b'\n', b'\0\0\0\n', b'[]\n', b'{"jsonrpc":"2.0"}\n', b'\xff\xfe\n', b'{' * 5000 + b'\n',
                     b'{"jsonrpc":"2.0","id":1,"method":"status","params":{"targets":7}}\n'):
            client = d.client()
            client.socket.sendall(line)
            client.socket.shutdown(socket.SHUT_WR)
            client.file.read()
            client.close()
        at_once(d, 'nonsense')


if __name__ == '__main__':
    run(
        ('status answers at once while another app takes %d s to stop' % SLOW, slow_stop),
        ('another user of the machine cannot connect', stranger),
        ('a request of 2 MiB is refused, and the next client answered at once', too_large),
        ('half a line holds nobody up', half_a_line),
        ('300 idle connections: the longest idle ones make room, the rest are served', crowd),
        ('a subscriber that never reads slows nothing, and hears what it missed', deaf_subscriber),
        ('nonsense is refused and changes nothing', nonsense),
    )
