#!/usr/bin/env python3
"""Commands beside a daemon that is killed at random: what the daemon has open stays its own, and nothing is lost.

First the daemon's lock: it must outlive the first alert, a report and a reload, and no command may take the write-ahead log
away. Then 100 rounds of kill -9 (or as many as the first argument says) while triage, exports, reports, retention and copies
run every fifth of a second, some of them killed too. At the end the database is whole, every note that was confirmed is
there, and positions, findings and sightings equal those of a run that was never disturbed.
"""
import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

from harness import CTWATCH, DEMO_PLANT, READING, FakeLog, Watch, check, finish, path

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
EVERY = 0.2
LONGEST = 1.7
GROW = 20
LIMIT = 300 + int(GROW * (20 + ROUNDS * LONGEST / 2 * 0.7))


def wait_for(condition, seconds=60):
    until = time.time() + seconds
    while not condition() and time.time() < until:
        time.sleep(0.05)
    return condition()


def holds_lock(watch, pid):
    """Has this process a lock on the database, as the kernel lists it? Opens nothing: that would be the fault itself."""
    try:
        inode = os.stat(watch.state + "/ctwatch.db").st_ino
    except OSError:
        return False
    with open("/proc/locks", encoding="ascii") as file:
        return any("->" not in words and words[1] == "POSIX" and words[4] == str(pid) and words[5].endswith(":%d" % inode)
                   for words in map(str.split, file))


def log_inodes(watch):
    return [os.stat(watch.state + "/ctwatch.db" + suffix).st_ino for suffix in ("", "-wal", "-shm")]


def removed(pid):
    """Files of the database that a process has open under no name."""
    found = []
    for descriptor in os.listdir("/proc/%d/fd" % pid):
        try:
            target = os.readlink("/proc/%d/fd/%s" % (pid, descriptor))
        except OSError:
            continue
        if "ctwatch.db" in target and target.endswith("(deleted)"):
            found.append(target)
    return found


class Triage:
    """One command after the other, of every kind that touches the state; wrong answers are kept."""

    def __init__(self, watch):
        self.watch = watch
        self.wrong = []
        self.notes = set()
        self.maybe = set()
        self.n = 0
        self.findings = []
        self.turns = itertools.cycle([self.note, self.ack, self.suricata, self.confirm, self.prune, self.dismiss, self.backup, self.reopen, self.reads])

    def run(self, *arguments, good=(0,)):
        process = subprocess.Popen([CTWATCH] + list(arguments) + ["-c", self.watch.config], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if random.random() < 0.1:
            time.sleep(random.uniform(0, 0.2))
            process.kill()
        err = process.communicate()[1].decode(errors="replace")
        if process.returncode not in good + (-signal.SIGKILL,):
            self.wrong.append((arguments, process.returncode, err[:600]))
        return process.returncode

    def some(self):
        if not self.findings or self.n % 40 == 0:
            try:
                self.findings = [row[0] for row in self.watch.sql("SELECT id FROM finding")]
            except sqlite3.Error as error:
                self.wrong.append(("sql", 0, str(error)))
        return random.choice(self.findings)

    def note(self):
        text = "note %d" % self.n
        status = self.run("findings", "note", self.some(), text)
        if status == 0:
            self.notes.add(text)
        elif status < 0:
            self.maybe.add(text)

    def ack(self):
        self.run("findings", "ack", self.some())

    def confirm(self):
        self.run("findings", "confirm", self.some())

    def dismiss(self):
        self.run("findings", "dismiss", self.some(), "--why", "tried out")

    def reopen(self):
        self.run("findings", "reopen", self.some())

    def suricata(self):
        self.run("export", "--format", "suricata", "-o", path("rules"))

    def prune(self):
        self.run("state", "prune")

    def backup(self):
        self.run("state", "backup", path("copy.db"))

    def reads(self):
        for words in (["findings"], ["logs"], ["incidents"], ["report", "--since", "1d", "-o", path("report.html")], ["export", "--format", "stix", "-o", path("stix")]):
            self.run(*words)
        self.run("health", good=(0, 1))

    def turn(self):
        self.n += 1
        next(self.turns)()

    def every(self, stop):
        due = time.time()
        while not stop.is_set():
            self.turn()
            due = max(due + EVERY, time.time() - 1)
            stop.wait(max(0, due - time.time()))


def lock_lives(fake):
    """One daemon through all that opens the database a second time."""
    watch = Watch("locked", fake, report={"weekday": "monday", "time": "00:00", "formats": ["csv"], "directory": path("reports")})
    watch.once("--timeout", "5s")
    with sqlite3.connect(watch.state + "/ctwatch.db") as database:
        database.execute("INSERT OR REPLACE INTO fact VALUES ('report/last', '2026-W01')")
    database.close()
    process = watch.start()
    check("the daemon holds its lock once it runs", wait_for(lambda: os.path.exists(watch.state + "/ctwatch.db-wal") and holds_lock(watch, process.pid)),
          watch.errors())
    inodes = log_inodes(watch)

    def still(when):
        check("the daemon holds its lock after " + when, holds_lock(watch, process.pid) and not removed(process.pid) and log_inodes(watch) == inodes,
              "lock: %s, removed: %s, inodes %s, then %s" % (holds_lock(watch, process.pid), removed(process.pid), inodes, log_inodes(watch)))

    check("it alerts", wait_for(lambda: os.path.getsize(watch.out) > 0), watch.errors())
    still("the first alert")
    check("it reports", wait_for(lambda: "is written to" in watch.errors()), watch.errors())
    still("a report")
    process.send_signal(signal.SIGHUP)
    check("it reloads", wait_for(lambda: "loaded again" in watch.errors()), watch.errors())
    time.sleep(0.5)
    still("a reload")
    triage = Triage(watch)
    for _ in range(18):
        triage.turn()
    check("every command beside it answers", not triage.wrong, str(triage.wrong[:3]))
    still("eighteen commands")
    ours = {line["finding"]["id"] for line in watch.lines() if line["event"] == "finding"}
    theirs = {row["id"] for row in watch.json("findings", "--all")}
    check("commands see what the daemon alerts about", ours and ours <= theirs, "%d of %d" % (len(ours & theirs), len(ours)))
    process.terminate()
    check("it leaves in order", process.wait(20) == 0, "exit %s: %s" % (process.poll(), watch.errors()[-500:]))
    check("no crash, no leak", not watch.sanitizer_report(), watch.sanitizer_report())


def one_round(watch):
    """A daemon that is killed at some moment; what was wrong about its files until then."""
    process = watch.start()
    end = time.time() + random.uniform(0.3, LONGEST)
    inodes = None
    wrong = ""
    while time.time() < end:
        if inodes is None and holds_lock(watch, process.pid):
            time.sleep(0.05)         # the log is opened right after the database
            inodes = log_inodes(watch)
        time.sleep(0.02)
    if inodes is not None:
        try:
            if removed(process.pid) or log_inodes(watch) != inodes:
                wrong = "removed %s, inodes %s, then %s" % (removed(process.pid), inodes, log_inodes(watch))
        except OSError as error:
            wrong = str(error)
    if process.poll() is not None:
        wrong = "it ended by itself: %s" % watch.errors()[-500:]
    process.kill()
    process.wait()
    return wrong


def rounds(fake):
    watch = Watch("disturbed", fake)
    watch.once("--timeout", "5s")
    triage = Triage(watch)
    stop = threading.Event()
    hand = threading.Thread(target=triage.every, args=(stop,))
    began = time.time()
    hand.start()
    wrong = [what for what in (one_round(watch) for _ in range(ROUNDS)) if what]
    check("%d daemons killed in %d s, their files stayed their own" % (ROUNDS, time.time() - began), not wrong, "%d: %s" % (len(wrong), wrong[:2]))
    stop.set()
    hand.join()
    check("%d turns of commands beside them all answered" % triage.n, triage.n > ROUNDS and not triage.wrong, "%d: %s" % (len(triage.wrong), triage.wrong[:3]))
    return watch, triage


def main():
    random.seed(int(time.time()))
    fake = FakeLog("fake", "--logs", 4, "--hosts", 4, "--initial", 300, "--grow", GROW, "--limit", LIMIT, "--plant", DEMO_PLANT, "--plant-every", 45,
                   "--page", 64, "--align")
    lock_lives(fake)
    watch, triage = rounds(fake)
    wait_for(lambda: min(fake.sizes()) >= LIMIT, 200)
    status = watch.once()
    check("the last run catches up", status == 0, "exit %s: %s" % (status, watch.errors()[-800:]))
    check("the database is whole", watch.sql("PRAGMA integrity_check") == [("ok",)], str(watch.sql("PRAGMA integrity_check")[:3]))
    kept = {row[0] for row in watch.sql("SELECT why FROM triage WHERE action = 'note'")}
    check("every confirmed note is there (%d)" % len(triage.notes), triage.notes <= kept <= triage.notes | triage.maybe,
          "missing %s, unknown %s" % (sorted(triage.notes - kept)[:5], sorted(kept - triage.notes - triage.maybe)[:5]))
    undisturbed = Watch("undisturbed", fake)
    check("the undisturbed run catches up", undisturbed.once() == 0, undisturbed.errors()[-800:])
    for name, query in READING.items():
        one, two = watch.sql(query), undisturbed.sql(query)
        differing = [row for row in one + two if (row in one) != (row in two)]
        check("equal %s (%d rows)" % (name, len(two)), one == two, "%d and %d rows, differing: %s" % (len(one), len(two), differing[:4]))
    check("the fake log stops cleanly", fake.stop() == 0, "it does not")


main()
finish()
