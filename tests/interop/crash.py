#!/usr/bin/env python3
"""kill -9 at random moments, 200 times against growing logs: nothing is lost and nothing is there twice.

At the end positions, verified sizes, findings, certificates, sightings and counters of entries equal those of a run that was
never disturbed, and everything that the undisturbed run printed was printed by one of the killed runs too.
"""
import random
import sys
import time

from harness import DEMO_PLANT, READING, FakeLog, Watch, check, finish

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
SECONDS = 150

def printed(watch):
    return {line["finding"]["id"] for line in watch.lines() if line["event"].startswith("finding")}


def main():
    random.seed(int(time.time()))
    grow = 3000 // SECONDS
    fake = FakeLog("fake", "--logs", 4, "--hosts", 4, "--initial", 300, "--grow", grow, "--limit", 300 + grow * SECONDS * 8 // 10,
                   "--plant", DEMO_PLANT, "--plant-every", 45, "--page", 64, "--align")
    disturbed = Watch("disturbed", fake)
    began = time.time()
    early = 0
    for _ in range(KILLS):
        process = disturbed.start()
        time.sleep(random.uniform(0.02, 2 * SECONDS / KILLS - 0.1))
        early += process.poll() is not None
        process.kill()
        process.wait()
    check("%d kills in %d s, no run ended by itself" % (KILLS, time.time() - began), early == 0,
          "%d did: %s" % (early, disturbed.errors()[-500:]))
    busy = disturbed.runs_with_output()
    check("the kills hit runs at work: %d of them had found something" % busy, busy >= min(20, KILLS // 5), "too few to mean anything")
    limit = 300 + grow * SECONDS * 8 // 10
    while min(fake.sizes()) < limit:
        time.sleep(0.2)
    status = disturbed.once()
    check("the last run catches up", status == 0, "exit %s: %s" % (status, disturbed.errors()[-800:]))
    undisturbed = Watch("undisturbed", fake)
    status = undisturbed.once()
    check("the undisturbed run catches up", status == 0, "exit %s: %s" % (status, undisturbed.errors()[-800:]))
    for name, query in READING.items():
        one, two = disturbed.sql(query), undisturbed.sql(query)
        differing = [row for row in one + two if (row in one) != (row in two)]
        check("equal %s (%d rows)" % (name, len(two)), one == two, "%d and %d rows, differing: %s" % (len(one), len(two), differing[:4]))
    want, got = printed(undisturbed), printed(disturbed)
    check("every finding of the undisturbed run (%d) was printed" % len(want), len(want) > 40 and want <= got,
          "missing: %s" % sorted(want - got)[:5])
    check("the fake log stops cleanly", fake.stop() == 0, "it does not")


main()
finish()
