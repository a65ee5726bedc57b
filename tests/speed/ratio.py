"""How many times as long as /bin/true a command takes, as whole processes, in turn, in one run: the median of the ratios.

    ratio.py ROUNDS COMMAND ARG...
"""
import os
import statistics
import sys
import time


def run(argv):
    """Seconds from the fork to the end of a process; its output is thrown away."""
    begin = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, os.environ,
                          file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status = os.waitpid(pid, 0)
    if status:
        sys.exit(f"{argv[0]} ended with {status}")
    return time.perf_counter() - begin


def main():
    rounds, command = int(sys.argv[1]), sys.argv[2:]
    for _ in range(5):
        run(command)
        run(["/bin/true"])
    print(round(statistics.median(run(command) / run(["/bin/true"]) for _ in range(rounds)), 2))


main()
