#!/usr/bin/env python3
"""
A service prints 2,000 lines at once, ends with code 3, and is started again, while its log rotates at a megabyte: undisturbed, and while each brain
is killed a fifth of a second after it first answered.  Lines are numbered, and every one is looked for.

STORM_BURSTS (15): how many runs; STORM_KILLED_BURSTS (15): how many under kills; STORM_LINES (2000): of each run.
"""
import gzip
import os
import re
import signal
import threading
import time

from storm import alive, daemon, eventually, note, number, run

BURSTS = number('BURSTS', 15)
KILLED_BURSTS = number('KILLED_BURSTS', 15)
LINES = number('LINES', 2000)
KILL_EVERY = 0.2

OXFILE = '''
[processes.burst]
command = ["/bin/sh", "-c", "echo x >>%(home)s/runs; n=$(wc -l <%(home)s/runs); [ $n -le %(bursts)d ] || exec sleep 100000; \
seq -f \\"$n-%%g a line of some length, as people print them, with a number in front\\" %(lines)d; echo last words of $n >&2; exit 3"]
restart = "always"
restart_delay_ms = 1
restart_delay_max_ms = %(delay)d
logs.max_size_mb = 1
logs.max_files = 1000
'''


class Killer(threading.Thread):
    def __init__(self, d):
        super().__init__()
        self.d, self.is_over, self.kills = d, False, 0

    def run(self):
        while not self.is_over:
            # Each one lives until it answers, and for a while.
            self.d.patient_call('ping')
            time.sleep(KILL_EVERY)
            pid = self.d.brain()
            if pid:
                os.kill(pid, signal.SIGKILL)
                self.kills += 1
                eventually(lambda pid=pid: not alive(pid))


def opened(path):
    return gzip.open(path, 'rb') if path.endswith('.gz') else open(path, 'rb')


def logged(d, name):
    """All lines of a log, oldest first, over its rotated files."""
    folder = os.path.join(d.home, 'log')
    older = [f for f in os.listdir(folder) if re.fullmatch(re.escape(name) + r'\.\d+(\.gz)?', f)]
    older.sort(key=lambda f: -int(f[len(name) + 1:].split('.')[0]))
    for file in older + [name]:
        with opened(os.path.join(folder, file)) as bytes_of:
            yield from bytes_of.read().decode().splitlines()


def check_lines(d, count_of):
    lines = logged(d, 'burst-0-out.log')
    for burst in range(1, count_of + 1):
        for count in range(1, LINES + 1):
            line = next(lines, 'nothing')
            assert line.split(' ')[0] == '%d-%d' % (burst, count), 'line %d of run %d is %r' % (count, burst, line)
    rest = list(lines)
    assert not rest, 'there is more: %r' % rest[:3]
    said = list(logged(d, 'burst-0-err.log'))
    assert said == ['last words of %d' % n for n in range(1, count_of + 1)], said


def check_words(d, count_of):
    """The timeline has the last runs, and events have all of them, each once: with the code and the words of that very run."""
    told = [e['why'] for e in d.call('events', targets=['burst:0'], limit=1000)['events'] if e['on'] == 'crash']
    for burst in range(1, count_of + 1):
        here = [why for why in told if re.search(r'crash %d,|words of %d$' % (burst, burst), why)]
        assert len(here) == 1 and here[0].startswith('exit code 3') and here[0].endswith('\nlast words of %d' % burst), \
            'the end of run %d is reported like this: %s' % (burst, here)
    timeline = d.call('why', target='burst:0')['instances'][0]['timeline']
    assert any(entry['words'].endswith('\nlast words of %d' % count_of) for entry in timeline), timeline[-3:]


def bursts(d, count_of, is_killed):
    begin = time.monotonic()
    # Killed, it takes long enough for a few kills.
    d.apply(OXFILE % {'home': d.home, 'bursts': count_of, 'lines': LINES, 'delay': 100 if is_killed else 5})
    killer = Killer(d)
    if is_killed:
        killer.start()
    try:
        assert eventually(lambda: ended(d, count_of), 600), 'the runs do not come to their end'
    finally:
        killer.is_over = True
        if is_killed:
            killer.join()
    assert eventually(lambda: d.patient_call('status')['processes'][0]['status'] == 'running', 20)
    note('%d runs in %.1f s, %d kills' % (count_of, time.monotonic() - begin, killer.kills))
    assert not is_killed or killer.kills >= count_of / 5


def ended(d, count_of):
    path = os.path.join(d.home, 'runs')
    return os.path.exists(path) and os.path.getsize(path) // 2 > count_of


def undisturbed():
    with daemon() as d:
        bursts(d, BURSTS, False)
        check_lines(d, BURSTS)
        check_words(d, BURSTS)


def killed():
    with daemon() as d:
        bursts(d, KILLED_BURSTS, True)
        check_lines(d, KILLED_BURSTS)
        check_words(d, KILLED_BURSTS)


if __name__ == '__main__':
    run(
        ('%d runs of %d lines each: all lines are there, in order, and every last line is reported' % (BURSTS, LINES), undisturbed),
        ('and the same while every brain is killed after a fifth of a second', killed),
    )
