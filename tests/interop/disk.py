#!/usr/bin/env python3
"""A disk that fills while ctwatch runs: a warning long before, reading stops and says so, and goes on by itself when there is room.

Needs root, for a small file system of its own in memory.
"""
import os
import subprocess
import sys
import time

from harness import DEMO_PLANT, FakeLog, Watch, check, finish, path


LIMIT = 1000


def wait_for(condition, seconds=30):
    until = time.time() + seconds
    while not condition() and time.time() < until:
        time.sleep(0.2)
    return condition()


def fill(place):
    """At once, so that nothing of what ctwatch gives free afterwards is taken too."""
    with open(os.path.join(place, "filler"), "wb") as file:
        while True:
            room = os.statvfs(place)
            try:
                if room.f_bavail > 0:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, room.f_bavail * room.f_frsize)
                return
            except OSError:
                pass              # ctwatch was faster


def main(place):
    fake = FakeLog("fake", "--fast", "--logs", 2, "--hosts", 2, "--initial", 300, "--grow", 40, "--limit", LIMIT, "--plant", DEMO_PLANT)
    watch = Watch("watch", fake, state=os.path.join(place, "state"))
    watch.state = os.path.join(place, "state")
    process = watch.start()

    def events(kind, name):
        return [line for line in watch.lines() if line["event"] == kind and line["incident"]["class"] == name]

    def read():
        return watch.sql("SELECT sum(stop - start) FROM read_range")[0][0]

    check("a disk with little room is told before it is full", wait_for(lambda: events("incident.opened", "DISK_LOW")), watch.errors())
    check("reading goes on meanwhile", wait_for(lambda: read() > 600) and watch.command("health")[0] == 0, str(watch.command("health")))
    fill(place)
    check("a full disk is told from reserved space", wait_for(lambda: events("incident.opened", "DISK_FULL")), watch.errors())
    status, out, _ = watch.command("health")
    check("health says it", status == 1 and "the disk is full" in out, out)
    check("so does standard error", wait_for(lambda: "is full: reading stops" in watch.errors()), watch.errors())
    before = read()
    time.sleep(2)
    check("reading has stopped, ctwatch has not", read() == before and process.poll() is None, "%s, then %s" % (before, read()))
    os.unlink(os.path.join(place, "filler"))
    subprocess.run(["mount", "-o", "remount,size=800m", place], check=True)
    check("it goes on by itself when there is room", wait_for(lambda: events("incident.closed", "DISK_FULL") and read() > before), watch.errors())
    check("the warning ends too", wait_for(lambda: events("incident.closed", "DISK_LOW")), watch.errors())
    check("health agrees", watch.command("health")[0] == 0, str(watch.command("health")))
    process.terminate()
    check("it leaves in order", process.wait(10) == 0, "exit %s" % process.poll())
    check("no crash, no leak", not watch.sanitizer_report(), watch.sanitizer_report())
    wait_for(lambda: min(fake.sizes()) == LIMIT)
    check("nothing is missing afterwards", watch.once() == 0 and read() == 2 * LIMIT, "%s of %s" % (read(), fake.sizes()))
    check("the database is whole", watch.sql("PRAGMA integrity_check") == [("ok",)], "it is not")


mount = path("disk")
os.mkdir(mount)
if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", mount], capture_output=True, check=False).returncode != 0:
    print("skipped: a file system of its own cannot be mounted")
    print("# 0 passed, 0 failed")
    sys.exit(0)
try:
    main(mount)
finally:
    subprocess.run(["umount", "-l", mount], check=False)
finish()
