#!/usr/bin/env python3
"""Standard output and error that nobody reads, that are closed or full; SIGTERM while something hangs; few descriptors.

Logs go on being read, no alert is lost or goes astray, the program ends within 5 s, and says in one sentence what it lacks.
"""
import fcntl
import json
import os
import pty
import resource
import select
import signal
import socket
import sqlite3
import subprocess
import time

import harness
from harness import CTWATCH, DEMO_PLANT, FakeLog, Watch, check, path

LEAVE_S = 5.0
fake = FakeLog("log", "--initial", 60, "--plant", DEMO_PLANT, "--grow", 5, "--fast")
os.set_blocking(0, True)


def run(watch, *arguments, **streams):
    settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    settings.update(streams)
    process = subprocess.Popen([CTWATCH, "run", "-c", watch.config] + list(arguments), **settings)
    harness._children.append(process)
    return process


def number(watch, query):
    try:
        return watch.sql(query)[0][0] or 0
    except sqlite3.Error:
        return 0


def position(watch):
    return number(watch, "select max(stop) from read_range")


def rows(watch, status):
    return number(watch, "select count(*) from outbox where sink = 'stdout' and status = '%s'" % status)


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def reads_on(watch):
    """Twice, so that what was under way is not all."""
    return all(wait_until(lambda before=position(watch): position(watch) > before) for _ in range(2))


def ends(process):
    """Seconds from SIGTERM to the end."""
    began = time.monotonic()
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return time.monotonic() - began


def small_pipe():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    return reader, writer


def drain(fd, enough, seconds=60):
    """Reads until enough(data)."""
    data, end = b"", time.monotonic() + seconds
    while not enough(data) and time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            data += os.read(fd, 65536)
    return data


def ids_of(data):
    return [json.loads(line)["id"] for line in data.decode().split("\n")[:-1]]


# ---- nobody reads ----------------------------------------------------------------------------------------------

watch = Watch("unread", fake)
reader, writer = small_pipe()
process = run(watch, stdout=writer)
os.close(writer)
check("an unread standard output does not stop reading", reads_on(watch) and rows(watch, "waiting") > 0, "position %d" % position(watch))
check("nor make it unhealthy", watch.command("health")[0] == 0)
waiting = rows(watch, "waiting")
seen = drain(reader, lambda data: data.endswith(b"\n") and rows(watch, "waiting") == 0)
check("when somebody reads again, every alert comes, whole and once",
      len(ids_of(seen)) == len(set(ids_of(seen))) >= waiting, "%d ids, %d waited" % (len(ids_of(seen)), waiting))
check("SIGTERM ends it", ends(process) < LEAVE_S)
os.close(reader)

watch = Watch("unread-errors", fake)
reader, writer = small_pipe()
process = run(watch, "-v", stdout=writer, stderr=writer)
check("unread standard error does not stop it either", reads_on(watch))
os.kill(process.pid, signal.SIGHUP)
check("SIGTERM ends it, both unread", ends(process) < LEAVE_S)
os.close(writer), os.close(reader)

watch = Watch("terminal", fake)
master, slave = pty.openpty()
os.write(master, b"\x13")                # Ctrl-S
process = run(watch, stdout=slave, stderr=slave)
check("a stopped terminal does not stop reading", reads_on(watch))
check("and stays blocking for the shell that shares it", not fcntl.fcntl(slave, fcntl.F_GETFL) & os.O_NONBLOCK)
os.write(master, b"\x11")
shown = drain(master, lambda data: b"contains the name of" in data)
check("it shows what waited when it goes on", b"contains the name of" in shown, repr(shown[-200:]))
check("SIGTERM ends it, on a terminal", ends(process) < LEAVE_S)
os.close(slave), os.close(master)

watch = Watch("once", fake)
reader, writer = small_pipe()
began = time.monotonic()
with open(path("once.err"), "wb") as errors:
    status = run(watch, "--once", "--timeout", "2s", stdout=writer, stderr=errors).wait(120)
os.close(writer)
with open(path("once.err"), encoding="utf-8") as errors:
    text = errors.read()
check("run --once leaves what nobody reads in the outbox and exits 1", status == 1 and rows(watch, "waiting") > 0 and "standard output: nobody reads it" in text, "%s %s" % (status, text))
os.close(reader)
half = path("half.jsonl")
with open(half, "w", encoding="utf-8") as file:
    file.write('{"cut":')
with open(half, "ab") as file:
    status = run(watch, "--once", stdout=file).wait(120)
with open(half, encoding="utf-8") as file:
    lines = file.read().split("\n")
check("the next run tells it, behind the half line of a file on a line of its own", status == 0 and lines[0] == '{"cut":' and len(lines) > 2 and all(json.loads(line)["v"] == 1 for line in lines[1:-1]),
      "%s %s" % (status, lines[:2]))

# ---- closed, full, gone ------------------------------------------------------------------------------------------

for name, closed in (("output", (1,)), ("error", (2,)), ("all", (0, 1, 2))):
    watch = Watch("closed-" + name, fake)
    process = run(watch, preexec_fn=lambda closed=closed: [os.close(fd) for fd in closed], **({} if name == "error" else {"stdout": None}))
    good = reads_on(watch)
    lock = open(os.path.join(watch.state, "lock"), "rb").read()
    check("closed %s: nothing goes into another file" % name, good and b"{" not in lock and b"Z notice" not in lock and watch.sql("pragma quick_check") == [("ok",)], repr(lock))
    check("closed %s: alerts wait" % name, name == "error" or (rows(watch, "waiting") > 0 and rows(watch, "sent") == 0))
    check("closed %s: SIGTERM ends it" % name, ends(process) < LEAVE_S)

watch = Watch("gone", fake)
reader, writer = os.pipe()
os.close(reader)
process = run(watch, stdout=writer, stderr=writer)
os.close(writer)
check("a reader that went away does not stop reading", reads_on(watch) and rows(watch, "sent") == 0 and process.poll() is None)
check("SIGTERM ends it, nobody there", ends(process) < LEAVE_S)

for words in (["findings", "--all"], ["logs"], ["health"], ["incidents"], ["config", "keys"], ["rules"], ["report", "--since", "1d", "--format", "json"],
              ["export", "--format", "csv"], ["check", "drive-globalordnance.com"], ["--help"], ["help", "run"], ["--version"]):
    line = [CTWATCH] + words + ([] if words[0] in ("--help", "help", "--version") else ["-c", watch.config])
    for name, why, change in (("closed", "standard output is closed", lambda: os.close(1)), ("full", "No space left on device", lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 1))):
        done = subprocess.run(line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=change, check=False)
        text = done.stderr.decode()
        check("%s, %s: one sentence and exit 1" % (" ".join(words), name), done.returncode == 1 and text.endswith(": output could not be written: %s\n" % why) and text.count("\n") == 1,
              "exit %d, %s" % (done.returncode, text))

# ---- SIGTERM while something hangs --------------------------------------------------------------------------------

hook = path("hang.sh")
with open(hook, "w", encoding="utf-8") as file:
    file.write("#!/bin/sh\ntrap '' TERM INT\nwhile :; do sleep 1; done\n")
os.chmod(hook, 0o755)
deaf = socket.create_server(("127.0.0.1", 0))
watch = Watch("hanging", fake, alerts=[{"type": "command", "argv": [hook]},
                                       {"type": "syslog", "server": "127.0.0.1:%d" % deaf.getsockname()[1], "transport": "tcp", "format": "json"}])
process = run(watch)
check("it reads beside a hook that hangs", reads_on(watch))
check("SIGTERM ends it beside a hook and a syslog receiver that hang", ends(process) < LEAVE_S)

watch = Watch("locked", fake)
process = run(watch)
reads_on(watch)
with sqlite3.connect(os.path.join(watch.state, "ctwatch.db"), isolation_level=None) as other:
    other.execute("begin immediate")
    time.sleep(1)
    check("SIGTERM ends it while another process holds the database", ends(process) < LEAVE_S)
    other.execute("rollback")

for delay in (0, 0.02, 0.1, 0.3):
    process = run(watch)
    time.sleep(delay)
    seconds = ends(process)
    check("SIGTERM %s s after the start ends it" % delay, seconds < LEAVE_S and process.returncode in (0, -signal.SIGTERM), "%.1f s, %s" % (seconds, process.returncode))

fifo = path("fifo.json")                 # opening it blocks the loop
os.mkfifo(fifo)
watch = Watch("stuck-loop", fake, log_lists=[fifo])
for twice in (False, True):
    with open(path("stuck.err"), "wb") as errors:
        process = run(watch, stderr=errors)
    time.sleep(2)
    if twice:
        process.terminate()
        time.sleep(0.3)
    seconds = ends(process)
    with open(path("stuck.err"), encoding="utf-8") as errors:
        text = errors.read()
    check("a loop that hangs is left %s, and it says so" % ("at the second signal" if twice else "in time"), seconds < (1.5 if twice else LEAVE_S) and "leaving at once" in text,
          "%.1f s, %s" % (seconds, text))

# ---- few descriptors -----------------------------------------------------------------------------------------------

watch = Watch("few", fake)
for n in (6, 8, 10, 12, 13, 16, 20, 24, 32):
    with open(path("few.err"), "w+b") as errors:
        process = run(watch, "-q", stderr=errors, preexec_fn=lambda n=n: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            check("%d descriptors: it works" % n, position(watch) > 0 and ends(process) < LEAVE_S)
            continue
        errors.seek(0)
        text = errors.read().decode()
    check("%d descriptors: one sentence and exit 4" % n, process.returncode == 4 and text.count("\n") == 1, "exit %s: %s" % (process.returncode, text))

watch = Watch("fewer", fake)
process = run(watch, "-q")
reads_on(watch)
limits = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (8, limits[1]))
before = os.times()
time.sleep(7)
with open("/proc/%d/stat" % process.pid, encoding="ascii") as stat:
    ticks = sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13]))
resource.prlimit(process.pid, resource.RLIMIT_NOFILE, limits)
check("when descriptors come back it reads on", process.poll() is None and reads_on(watch))
check("and its state is whole", ends(process) < LEAVE_S and watch.sql("pragma integrity_check") == [("ok",)])

harness.finish()
