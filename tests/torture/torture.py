"""
What the tortures share, on top of the storms' words: how hard they are, and what must hold on the real machine whatever was done to the daemon.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'storm'))

from storm import alive, environment  # noqa: E402


def number(name, fallback):
    """TORTURE_<name> of the environment."""
    return int(os.environ.get('TORTURE_' + name, fallback))


def mains(home):
    """Every living main process that a daemon with this home ever started, whichever its parent is now: id -> pids."""
    found = {}
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        env = environment(int(name))
        if env.get('TORTURE') != home or not alive(int(name)):
            continue
        mark = env.get('OXHERD_MARK', '').split('.', 6)
        if len(mark) == 7 and mark[3].isdigit() and int(mark[3]) == int(name):
            found.setdefault(mark[6], []).append(int(name))
    return found


def everybody(home):
    """Every living process of it, main or not."""
    return [int(name) for name in os.listdir('/proc')
            if name.isdigit() and environment(int(name)).get('TORTURE') == home and alive(int(name))]


def problems(d, wanted):
    """
    What is wrong just now, as text; '' if nothing is.  `wanted`: app -> instances; None: any number, as it comes and goes.  What the kernel has is
    what is wanted, each once, and status says the same.
    """
    there = mains(d.home)
    told = {i: p['pid'] for i, p in d.processes().items() if p['pid']}
    for instance, pids in there.items():
        app = instance.split(':')[0]
        if len(pids) > 1:
            return '%s runs %d times: %s' % (instance, len(pids), pids)
        if app not in wanted:
            return '%s runs and is not wanted' % instance
        if wanted[app] is not None and told.get(instance) != pids[0]:
            return '%s is pid %d, and status says %s' % (instance, pids[0], told.get(instance))
    for app, count in wanted.items():
        running = [i for i in there if i.split(':')[0] == app]
        if count is not None and len(running) != count:
            return '%s: wanted %d, there are %s' % (app, count, running)
    return ''
