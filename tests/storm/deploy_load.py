#!/usr/bin/env python3
"""
Deploys of a herd of Node servers behind nginx, while crowds of clients ask without a pause: whatever is deployed, and whatever happens
meanwhile, nobody goes without an answer, and never are fewer ready than were asked for.

STORM_DEPLOYS (2): how many in a row; STORM_HEALTHY_MS (200): how long each instance is tested; STORM_FAIL_TIMEOUT (1): for
how long nginx, where nobody tells it who serves, keeps away from a server that refused it: 10 is its own; STORM_READY_SECS (3): the
ready_timeout_secs of a bad build; STORM_SEED (1).
"""
import json
import os
import random
import signal
import subprocess
import time
import urllib.request

from front import PATH, PORT, SERVER, Place, Watch, crowds, none_failed
from storm import BUILD, Refused, alive, daemon, eventually, note, number, run

DEPLOYS = number('DEPLOYS', 2)
HEALTHY_MS = number('HEALTHY_MS', 200)
FAIL_TIMEOUT = number('FAIL_TIMEOUT', 1)
READY_SECS = number('READY_SECS', 3)
RANDOM = random.Random(number('SEED', 1))
MORE = '[processes.api.deploy]\nmin_healthy_secs = "%dms"\nfail_timeout_secs = %d' % (HEALTHY_MS, FAIL_TIMEOUT)

# What is wrong with a build, and what the message about it holds.
BAD_BUILDS = {
    'throws at start': ("throw new Error('no such setting: DATABASE');", 'no such setting: DATABASE'),
    'answers with 500': ('''
require('node:http').createServer((request, response) => {
  response.statusCode = 500;
  response.end('out of order');
}).listen(process.env.PORT, '127.0.0.1');
console.error('I am up, and not well');
''', '500'),
    'takes a minute to start': ("console.error('warming up'); setTimeout(() => {}, 60000);", 'warming up'),
    'dies a second after it was healthy': ('''
require('%(server)s');
setTimeout(() => { throw new Error('the second thought'); }, 1000);
''', 'the second thought'),
    'is healthy on the spare and not on its own slot': ('''
if (Number(process.env.PORT) < %(spare)d) throw new Error('only on a spare');
require('%(server)s');
''', 'only on a spare'),
}


def versions():
    """The version that each port answers with."""
    found = {}
    for port in range(PORT, PORT + 4):
        with urllib.request.urlopen('http://127.0.0.1:%d/' % port, timeout=5) as answer:
            found[port] = answer.read().decode().split('version ')[1].split(',')[0]
    return found


def app(d):
    return d.patient_call('status', targets=['api'])['apps'][0]


def oxctl(place, *words):
    """A command as a person types it: its exit code and what it said."""
    done = subprocess.run([os.path.join(BUILD, 'oxctl'), *words], env=dict(place.d.env, PATH=PATH), cwd=place.d.home,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180)
    return done.returncode, done.stdout.decode(errors='replace')


def deploy(place, version, **what):
    place.write(version, **what)
    code, words = oxctl(place, 'deploy')
    assert code == 0, (code, words)


def whole(place, version):
    """Four instances of one revision, each with this version, and no spare left."""
    place.settled(4)
    assert eventually(lambda: app(place.d)['rollout'] is None, 60), app(place.d)
    processes = place.d.processes()
    assert sorted(processes) == ['api:%d' % i for i in range(4)], sorted(processes)
    assert len({p['revision'] for p in processes.values()}) == 1, processes
    assert all(p['status'] == 'running' for p in processes.values()), processes
    assert set(versions().values()) == {str(version)}, (versions(), version)


def under_load(do, only='', least=4, **options):
    """A promise: `do` is done while crowds ask; none of them fails, and no sample of the status has fewer than `least` ready."""
    def promise():
        with daemon() as d:
            place = Place(d, more=MORE, fail_timeout=FAIL_TIMEOUT, **options)
            try:
                watch = Watch(d, 'api')
                watch.start()
                try:
                    with crowds(place.url, only) as reports:
                        do(place)
                finally:
                    watch.stop()
                note('%d samples of the status, at least %d ready' % (watch.samples, watch.least))
                none_failed(reports, None if place.is_static else place.nginx)
                assert watch.samples and watch.least >= least, watch.words
            finally:
                place.nginx.close()
    return promise


def deployed(place):
    for version in range(2, 2 + DEPLOYS):
        deploy(place, version)
        whole(place, version)


def reloaded(place):
    for _ in range(DEPLOYS):
        before = {i: p['pid'] for i, p in place.d.processes().items()}
        code, words = oxctl(place, 'reload', 'api')
        assert code == 0, (code, words)
        whole(place, 1)
        after = {i: p['pid'] for i, p in place.d.processes().items()}
        assert all(before[i] != after[i] for i in before), (before, after)


def ended(place):
    """The rollout is over, one way or the other; the version that is there now."""
    assert eventually(lambda: app(place.d)['rollout'] is None, 120), app(place.d)
    place.settled(4)
    return versions()[PORT]


def deployed_without_brain(place):
    """The next brain may continue or roll back, but not stop in the middle."""
    now = '1'
    for version in range(2, 2 + max(1, DEPLOYS // 2)):
        place.write(version)
        begin = time.monotonic()
        words = subprocess.Popen([os.path.join(BUILD, 'oxctl'), 'deploy'], env=dict(place.d.env, PATH=PATH), cwd=place.d.home,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert eventually(lambda: app(place.d)['rollout'] is not None, 10)
        eventually(lambda until=begin + RANDOM.uniform(0.1, 4 * HEALTHY_MS / 1000 + 1.5): time.monotonic() > until)
        pid = eventually(place.d.brain)
        os.kill(pid, signal.SIGKILL)
        after = time.monotonic() - begin
        eventually(lambda gone=pid: not alive(gone))
        place.d.patient_call('ping')
        found = ended(place)
        said = words.communicate(timeout=120)[0].decode(errors='replace').strip().splitlines()
        note('brain killed after %.2f s: %s; oxctl said: %s' % (after, 'it continued' if found == str(version) else 'it went back',
                                                             said[-1] if said else 'nothing'))
        assert found in (now, str(version)), (found, now, version)
        now = found
        whole(place, now)


def superseded(place):
    """A deploy that is overtaken by another ends with the other's version only."""
    place.write(2)
    first = subprocess.Popen([os.path.join(BUILD, 'oxctl'), 'deploy'], env=dict(place.d.env, PATH=PATH), cwd=place.d.home,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert eventually(lambda: (app(place.d)['rollout'] or {}).get('done', 0) > 0, 30), app(place.d)
    deploy(place, 3)
    whole(place, 3)
    note('the first said: %s' % first.communicate(timeout=60)[0].decode(errors='replace').strip().splitlines()[-1:])


def scaled_meanwhile(place):
    for count in (6, 4):
        version = 10 + count
        place.write(version)
        rolling = subprocess.Popen([os.path.join(BUILD, 'oxctl'), 'deploy'], env=dict(place.d.env, PATH=PATH), cwd=place.d.home,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert eventually(lambda: (app(place.d)['rollout'] or {}).get('done', 0) > 0, 30), app(place.d)
        place.d.call('scale', counts={'api': count})
        said = rolling.communicate(timeout=120)[0].decode(errors='replace')
        assert eventually(lambda: app(place.d)['rollout'] is None, 60), said
        place.settled(count)
        assert len({p['revision'] for p in place.d.processes().values()}) == 1, place.d.processes()
        assert set(versions().values()) == {str(version)}, (versions(), said)


def crashed_meanwhile(place):
    place.write(2)
    rolling = subprocess.Popen([os.path.join(BUILD, 'oxctl'), 'deploy'], env=dict(place.d.env, PATH=PATH), cwd=place.d.home,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert eventually(lambda: (app(place.d)['rollout'] or {}).get('done', 0) > 0, 30), app(place.d)
    os.kill(place.d.processes()['api:3']['pid'], signal.SIGKILL)
    said = rolling.communicate(timeout=120)[0].decode(errors='replace')
    note('it said: %s' % said.strip().splitlines()[-1:])
    whole(place, ended(place))


def bad_build(name):
    source, words = BAD_BUILDS[name]

    def do(place):
        path = os.path.join(place.d.home, 'bad.js')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(source % {'server': SERVER, 'spare': PORT + 4} if '%(' in source else source)
        before = {i: p['pid'] for i, p in place.d.processes().items()}
        place.write(2, server=path, more='ready_timeout_secs = %d\n[processes.api.deploy]\nmin_healthy_secs = 2' % READY_SECS)
        code, said = oxctl(place, 'deploy')
        note('exit code %d: %s' % (code, json.dumps(said[-1500:])))
        assert code == 1, (code, said)
        assert words in said, said
        whole(place, 1)
        after = {i: p['pid'] for i, p in place.d.processes().items()}
        if 'spare' not in name:
            assert before == after, (before, after)
    return do


if __name__ == '__main__':
    run(
        ('%d deploys in a row fail no request, and never are fewer than four ready' % DEPLOYS, under_load(deployed)),
        ('%d reloads in a row fail no request, and never are fewer than four ready' % DEPLOYS, under_load(reloaded)),
        ('a brain killed in the middle of a deploy fails no request, and leaves one revision', under_load(deployed_without_brain)),
        ('a deploy that overtakes another fails no request, and ends with its own revision', under_load(superseded)),
        ('scaled in the middle of a deploy: the right count and one revision', under_load(scaled_meanwhile)),
        ('a crash in the middle of a deploy: the right count and one revision', under_load(crashed_meanwhile, 'GET', 3)),
        ('behind the four static lines of the guide no GET fails in %d reloads' % DEPLOYS,
         under_load(reloaded, 'GET', is_static=True)),
        *(('a build that %s fails no request, and the old one keeps running' % name, under_load(bad_build(name)))
          for name in BAD_BUILDS),
    )
