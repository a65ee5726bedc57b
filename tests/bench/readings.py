"""Readings of the machine, and waits, the same for every program that is measured."""
import contextlib
import os
import time

LIMIT = 60  # seconds that anything is waited for


class TooLong(Exception):
    """It was waited for longer than LIMIT."""


def wait_until(condition, pause=0.001, seconds=LIMIT):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TooLong(f"waited for {seconds} s, which is too long")
        time.sleep(pause)


def lines(path):
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as f:
        return f.read().count(b"\n")
    return 0


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:")) * 1024


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
