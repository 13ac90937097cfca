#!/usr/bin/env python3
"""What logs that want it can do to memory and to mailboxes: a bounded amount, whatever they send, and never to other logs.

Nineteen logs of one operator answer everything with gzip that inflates to 60 MiB, beside an honest one; then one log brings two
thousand made-up names that all match.
"""
import json
import os
import time

from harness import FakeLog, Watch, check, finish, path

N_LOGS = 20
RSS_MIB = 700 if b"__asan_init" in open(os.path.join(os.environ.get("BUILD", "build"), "ctwatch"), "rb").read() else 200
N_MADE_UP = 2000


def resident(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS:"))


def bombs():
    faults = []
    for number in range(1, N_LOGS):
        kind = ("on=head", "on=bulk", "on=tile,on=proof,on=issuer")[number % 3]
        faults += ["--misbehave", "%d:gzip-bomb,at=60,%s" % (number, kind)]
    fake = FakeLog("bombs", "--fast", "--logs", N_LOGS, "--api", "alternate", "--initial", 600, "--grow", 20, *faults)
    watch = Watch("bombs", fake)
    process, peak, verified, began = watch.start(), 0, 0, time.time()
    while time.time() < began + 20 or (verified < 600 and time.time() < began + 90):
        time.sleep(0.5)
        peak = max(peak, resident(process.pid))
        rows = watch.sql("SELECT max(verified_size) FROM log WHERE url LIKE '%/log/0%'")
        verified = rows[0][0] or 0 if rows else 0
    check("nineteen logs of bombs leave memory alone (%d MiB)" % peak, peak < RSS_MIB, "%d MiB resident" % peak)
    check("and the honest log beside them is read and verified", verified >= 600, "verified up to %s" % verified)
    process.terminate()
    check("it ends as it should", process.wait(30) == 0, watch.errors()[-500:])
    fake.stop()


def flood():
    with open(path("made-up.plant"), "w", encoding="ascii") as plant:
        for i in range(N_MADE_UP):
            plant.write("- E7 n%d-globalordnance.com\n" % i)
    fake = FakeLog("flood", "--fast", "--initial", N_MADE_UP + 10, "--plant", path("made-up.plant"), "--plant-every", 1, "--page", 1000)
    watch = Watch("flood", fake)
    status = watch.once()
    found = watch.sql("SELECT count(*) FROM finding WHERE flagged")[0][0]
    with open(watch.out, encoding="utf-8") as out:
        events = [json.loads(line).get("event", "") for line in out if line.startswith("{")]
    told = sum(event.startswith("finding") for event in events)
    over = watch.sql("SELECT summary FROM incident WHERE class = 'OVER_BUDGET'")
    check("all of %d made-up names are findings" % N_MADE_UP, status == 0 and found >= N_MADE_UP, "exit %s, %d" % (status, found))
    check("no more than a thousand alerts come of them", 0 < told <= 1000, "%d alerts" % told)
    check("and one incident says how many more there are", len(over) == 1 and "further findings" in over[0][0], str(over))
    fake.stop()


bombs()
flood()
finish()
