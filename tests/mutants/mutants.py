#!/usr/bin/env python3
"""
Do the tests notice a small mistake?  Makes mutants of the herd, the rules and the keeper, one mistake each, builds each and runs the quick suites
against it.  A mutant that no test notices is printed with file and line; the rate must reach the room's goal.

MUTANTS (200): how many of the herd and the rules together; half as many of the keeper.  MUTANTS_SEED (1) chooses which.
MUTANTS_ROOMS ("herd rules keeper").  MUTANTS_ONLY="lib/herd/instance_actions.c:120 lib/herd/app.c": every mutant of these files or lines.
MUTANTS_JOBS: how many side by side; as many as there are processors if not set.

A mutant whose object file is the same byte by byte is no mistake and does not count, nor does one that does not build.  Those that change nothing
that anybody could see are listed in equivalent.txt, one a line with the reason.
"""
import concurrent.futures
import hashlib
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import time

from mutate import mutants_of

TOP = pathlib.Path(__file__).resolve().parents[2]
OUT = TOP / os.environ.get('OUT', 'build') / 'mutants'
COUNT = int(os.environ.get('MUTANTS', 200))
SEED = int(os.environ.get('MUTANTS_SEED', 1))
ROOMS = os.environ.get('MUTANTS_ROOMS', 'herd rules keeper').split()
ONLY = os.environ.get('MUTANTS_ONLY', '')
JOBS = int(os.environ.get('MUTANTS_JOBS', os.cpu_count() or 1))
GOALS = {'herd and rules': 90, 'keeper': 80}
GROUP = {'herd': 'herd and rules', 'rules': 'herd and rules', 'keeper': 'keeper'}
# The longest that one program may take; a mutant that makes one hang is noticed.
LIMIT = 60
# How many mutants between two lines of progress.
STEP = 10
SIM = [('1', '20000', '1'), ('2', '20000', '1'), ('3', '50000', '1')]
# No warning and no debug information (-g0 has to come last): a mutant may leave a variable unused, and object files are compared.  What reads past an
# array ends, without a library for it, as liboxgate.so enters programs that have none.  Without HARDEN make asks the compiler nothing before it begins.
BUILD = ['WERROR=0', 'WARN=-w -g0', 'HARDEN=-fPIE', 'OPT=-O1 -fsanitize=bounds -fsanitize-undefined-trap-on-error']
# A mutant of the keeper may signal anybody: it sees only processes of its own.
ALONE = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child'] + ([] if os.getuid() == 0 else ['--user', '--map-root-user'])


def make(lane, *targets):
    return subprocess.run(['make', '-s', '-j2', *BUILD, *targets], cwd=lane, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True)


def passes(lane, command):
    """Did this test pass?  It has a process group of its own, which ends with it."""
    test = subprocess.Popen(ALONE + command, cwd=lane, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True, env=dict(os.environ, SIM_SHRINK_SECS='0'))
    try:
        return test.wait(LIMIT) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        try:
            os.killpg(test.pid, 9)
        except ProcessLookupError:
            pass
        test.wait()


def includes(path, header):
    return f'#include "{header}' in path.read_text()


def stages(lane, path):
    """The quick suites for a mutant of this file, the nearest first: (what to build, commands)."""
    room, stem = path.split('/')[1], pathlib.Path(path).stem
    if room == 'keeper':
        tests = [f'build/tests/{p.stem}' for p in sorted((lane / 'tests/keeper').glob('test_*.c'))]
        units = [f'build/tests/{p.stem}' for p in sorted((lane / 'tests/unit').glob('test_*.c')) if includes(p, 'keeper/')]
        near = [t for t in tests if stem in t]
        others = [t for t in tests if t not in near]
        return [(group, [[t] for t in group]) for group in (near, units, others) if group]
    units = sorted((lane / 'tests/unit').glob('test_*.c'))
    herd = [p for p in units if p.stem.startswith('test_herd_')]
    near = [p for p in units if p.stem.startswith((f'test_{stem}', f'test_{room}_{stem}'))]
    # The scenes tell the most, and are one program.  What the rules decide shows in the herd, and in what stands on the rules.
    scenes = [p for p in herd if p.stem == 'test_herd_scenes']
    others = [p for p in units if includes(p, f'{room}/')]
    found, known = [], set()
    for group in near, scenes, herd, others:
        group = [p for p in group if p not in known]
        known.update(group)
        names = [f'build/tests/{p.stem}' for p in group]
        if names:
            found.append((names, [[n] for n in names]))
    found.append((['build/sim'], [['build/sim', *run] for run in SIM]))
    return found


def survives(lane, path):
    for targets, commands in stages(lane, path):
        if make(lane, *targets).returncode:
            return None
        if not all(passes(lane, command) for command in commands):
            return False
    return True


def copy_tree(lane):
    """What git knows, as it is in the working tree; what was built there before stays."""
    names = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=TOP, check=True, stdout=subprocess.PIPE, text=True).stdout.split('\n')
    for name in filter(None, names):
        source, target = TOP / name, lane / name
        if not source.is_file() or (target.exists() and target.read_bytes() == source.read_bytes()):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    for folder in 'lib', 'cmd', 'tests':
        for old in (lane / folder).rglob('*.[ch]'):
            if str(old.relative_to(lane)) not in names or not (TOP / old.relative_to(lane)).is_file():
                old.unlink()


def prepare(lane):
    lane.mkdir(parents=True, exist_ok=True)
    copy_tree(lane)
    made = make(lane, 'build/oxherd', 'unit', 'keeper', 'build/sim')
    if made.returncode:
        raise SystemExit(made.stdout)


def check(lane):
    """Without any mistake all pass; else every mistake would count as noticed.  All lanes are the same.  What is late once is not wrong."""
    for room in ROOMS:
        path = min((lane / 'lib' / room).glob('*.c')).relative_to(lane)
        if not survives(lane, str(path)) and not survives(lane, str(path)):
            raise SystemExit(f'mutants: the tests of {room} fail without any mistake')


def object_of(lane, path):
    target = f'build/{path[:-2]}.o'
    return (lane / target).read_bytes() if make(lane, target).returncode == 0 else None


def original_of(lane, path, cache={}):
    if (lane, path) not in cache:
        cache[lane, path] = object_of(lane, path)
    return cache[lane, path]


def judge(lanes, mutant):
    """(mutant, verdict): noticed, survived, same (no mistake at all), broken (does not build)."""
    lane = lanes.get()
    file = lane / mutant.path
    source = file.read_text()
    try:
        original = original_of(lane, mutant.path)
        file.write_text(mutant.apply(source))
        changed = object_of(lane, mutant.path)
        if changed is None:
            return mutant, 'broken'
        if changed == original:
            return mutant, 'same'
        survived = survives(lane, mutant.path)
        return mutant, {None: 'broken', False: 'noticed', True: 'survived'}[survived]
    finally:
        file.write_text(source)
        lanes.put(lane)


def equivalents():
    """(path, text of the mutant's line, or "without" and the line that is dropped): listed as changing nothing that anybody could see."""
    found = set()
    for line in (pathlib.Path(__file__).parent / 'equivalent.txt').read_text().split('\n'):
        parts = re.split(r' +@@ +', line)
        if line and not line.startswith('#') and len(parts) == 3:
            found.add((parts[0], parts[1]))
    return found


def listed_as(mutant):
    """A dropped statement leaves nothing to name it by but itself."""
    return f'without {mutant.before}' if mutant.kind == 'dropped' else mutant.after


def shuffle(mutants):
    """By the seed and what each mutant says: an edit elsewhere changes nothing in the order, so runs before and after it can be compared."""
    seen, keys = {}, {}
    for m in mutants:
        text = '\0'.join((str(SEED), m.path, m.kind, m.before, m.after))
        seen[text] = seen.get(text, 0) + 1
        keys[m] = hashlib.sha256(f'{text}\0{seen[text]}'.encode()).digest()
    mutants.sort(key=keys.__getitem__)


def chosen():
    """Group -> mutants in the order in which they are tried: more than are wanted, as some do not count."""
    groups = {}
    for room in ROOMS:
        for path in sorted((TOP / 'lib' / room).glob('*.c')):
            groups.setdefault(GROUP[room], []).extend(mutants_of(str(path.relative_to(TOP)), path.read_text()))
    for found in groups.values():
        shuffle(found)
    if ONLY:
        places = [tuple(place.split(':')) for place in ONLY.split()]
        return {g: [m for m in found if (m.path,) in places or (m.path, str(m.line)) in places] for g, found in groups.items()}
    return groups


def report_progress(counted, noticed, wanted, begin):
    """A line every so many: a run takes a while."""
    if counted % STEP == 0:
        print(f'{counted} of {wanted} tried, {noticed} noticed, {(time.monotonic() - begin) / 60:.0f} min', flush=True)


def run_group(lanes, mutants, wanted, known):
    """Tries until so many counted; (counted, noticed, survivors)."""
    counted, noticed, begin = 0, 0, time.monotonic()
    survivors, waiting, source = [], set(), iter(mutants)
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        while True:
            while len(waiting) < JOBS and counted + len(waiting) < wanted:
                mutant = next(source, None)
                if mutant is None:
                    break
                if (mutant.path, listed_as(mutant)) not in known:
                    waiting.add(pool.submit(judge, lanes, mutant))
            if not waiting:
                return counted, noticed, survivors
            done, waiting = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                mutant, verdict = future.result()
                if verdict not in ('noticed', 'survived'):
                    continue
                counted += 1
                noticed += verdict == 'noticed'
                if verdict == 'survived':
                    survivors.append(mutant)
                    print(f'survived: {mutant.path}:{mutant.line}: {mutant.kind}\n    {mutant.before}\n    {mutant.after}', flush=True)
                report_progress(counted, noticed, wanted, begin)


def main():
    if subprocess.run(ALONE + ['true'], stderr=subprocess.DEVNULL).returncode:
        raise SystemExit('mutants: a process namespace of its own is needed (unshare --pid), as a mutant may signal anybody')
    lanes, bad = queue.Queue(), 0
    folders = [OUT / f'lane-{k}' for k in range(JOBS)]
    # All at once, before anything is built, so that later edits do not change what is tried.
    groups, known, begin = chosen(), equivalents(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(prepare, folders))
    check(folders[0])
    for lane in folders:
        lanes.put(lane)
    for group, mutants in groups.items():
        wanted = len(mutants) if ONLY else COUNT if group != 'keeper' else COUNT // 2
        counted, noticed, _ = run_group(lanes, mutants, wanted, known)
        rate = 100 * noticed / counted if counted else 0
        is_bad = rate < GOALS[group] and not ONLY
        bad += is_bad
        print(f'{group}: {noticed} of {counted} mutants noticed, {rate:.0f} % (goal {GOALS[group]} %), seed {SEED}, '
              f'{time.monotonic() - begin:.0f} s{": MISSED" if is_bad else ""}', flush=True)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
