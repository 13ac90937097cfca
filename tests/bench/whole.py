#!/usr/bin/env python3
"""The whole program, on loopback: entries per CPU second over both APIs, and peak memory, also with 50 logs followed.

usage: whole.py BUILD_DIRECTORY    (a JSON line per row, as the benchmarks in C print)
"""
import json
import os
import subprocess
import sys
import time

os.environ["BUILD"] = sys.argv[1]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from harness import CTWATCH, DEMO_PLANT, FakeLog, Watch  # noqa: E402

ENTRIES = 100000


def row(name, value, unit, aim, reference=None):
    out = {"bench": "whole", "row": name, "value": round(value, 1), "unit": unit, "aim": aim}
    if reference is not None:
        out["reference"] = reference
        out["ratio"] = round(value / reference, 2)
    print(json.dumps(out), flush=True)


def measured(watch):
    """CPU seconds, wall seconds and peak resident bytes of one catching up."""
    began = time.time()
    process = subprocess.Popen([CTWATCH, "run", "--once", "-c", watch.config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit("ctwatch run --once: exit %d: %s" % (process.returncode, errors.decode()[-500:]))
    return usage.ru_utime + usage.ru_stime, time.time() - began, usage.ru_maxrss * 1024


def follow(api, aim):
    fake = FakeLog(api, "--fast", "--api", api, "--initial", ENTRIES, "--page", 1000, "--plant", DEMO_PLANT, "--plant-every", 1000)
    watch = Watch("watch-" + api, fake)
    cpu, wall, peak = measured(watch)
    size = watch.sql("SELECT verified_size FROM log")[0][0]
    if size != ENTRIES:
        sys.exit("%s: verified %d of %d entries" % (api, size, ENTRIES))
    fake.stop()
    row("%s log of %d entries" % (api, ENTRIES), ENTRIES / cpu, "entries/CPU s", aim)
    row("%s log, wall clock" % api, ENTRIES / wall, "entries/s", "")
    row("%s log, peak resident memory" % api, peak / 2**20, "MiB", "")


def fifty():
    fake = FakeLog("fifty", "--fast", "--logs", 50, "--hosts", 50, "--initial", 3000, "--page", 256, "--plant", DEMO_PLANT)
    watch = Watch("watch-fifty", fake)
    _, _, peak = measured(watch)
    row("50 logs, peak resident memory while catching up", peak / 2**20, "MiB", "below 64")
    process = watch.start()
    time.sleep(3)
    for _ in range(10):
        fake.control(grow=20)
        time.sleep(1)
    with open("/proc/%d/status" % process.pid, encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    process.terminate()
    process.wait()
    row("50 logs, peak resident memory while following", int(fields["VmHWM"].split()[0]) / 1024, "MiB", "below 64")
    row("50 logs, resident memory after growth", int(fields["VmRSS"].split()[0]) / 1024, "MiB", "below 64")


follow("static", ">= 150000")
follow("classic", ">= 100000")
fifty()
