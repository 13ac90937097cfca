"""What the Python interop tests share: a fake log, a ctwatch with a state of its own, one line per case.

BUILD names the build directory (build); KEEP=1 keeps the working directory.
"""
import atexit
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
CTWATCH = os.path.join(BUILD, "ctwatch")
FAKELOG = os.path.join(BUILD, "tests", "fakelog")
DEMO_PLANT = os.path.join(ROOT, "tests", "fakelog", "demo.plant")

# What was read of logs, and what was found in it: does not depend on how often a run was disturbed, nor on what analysts decided.
READING = {
    "positions": "SELECT log_id, start, stop, verified, hashes FROM read_range JOIN log ON log_no = no ORDER BY 1, 2",
    "verified sizes": "SELECT log_id, verified_size, start_index FROM log ORDER BY 1",
    "findings": """SELECT id, rule, kind, brand, technique, name, registrable_domain, score, flagged, verified, certificate_count,
                   sighting_count FROM finding ORDER BY 1""",
    "certificates": "SELECT tbs_sha256, names, issuer, serial, sighting_count FROM certificate ORDER BY 1",
    "sightings": """SELECT log_id, entry_index, tbs_sha256, timestamp_ms, s.verified FROM sighting s JOIN log l ON log_no = l.no
                    JOIN certificate c ON certificate_no = c.no ORDER BY 1, 2, 3""",
    "entries counted": "SELECT log_id, sum(entries), sum(lets_encrypt), sum(matched) FROM counters JOIN log ON log_no = no GROUP BY 1 ORDER BY 1",
    "incidents": "SELECT class, subject FROM incident ORDER BY 1, 2",
}

os.environ.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
for variable in [name for name in os.environ if name.startswith("CTWATCH_")]:
    del os.environ[variable]         # the environment stands over the configuration file
directory = tempfile.mkdtemp(prefix="ctwatch-interop.")
_children = []
_counts = {"passed": 0, "failed": 0}


def _cleanup():
    for child in _children:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
    if os.environ.get("KEEP"):
        print("kept: " + directory)
    else:
        shutil.rmtree(directory, ignore_errors=True)


atexit.register(_cleanup)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def path(name):
    return os.path.join(directory, name)


def check(name, good, why=""):
    _counts["passed" if good else "failed"] += 1
    print(("ok " + name) if good else "not ok %s: %s" % (name, why), flush=True)
    return good


def finish():
    print("# %(passed)d passed, %(failed)d failed" % _counts, flush=True)
    sys.exit(1 if _counts["failed"] else 0)


class FakeLog:
    """A fakelog process; options as on its command line."""

    def __init__(self, name, *options):
        self.list_path = path(name + ".list.json")
        ready = path(name + ".ready")
        self.errors = open(path(name + ".err"), "wb")
        self.process = subprocess.Popen([FAKELOG, "--ready-file", ready, "--list", self.list_path] + list(map(str, options)),
                                        stdout=subprocess.DEVNULL, stderr=self.errors)
        _children.append(self.process)
        for _ in range(1200):
            if os.path.exists(ready):
                break
            if self.process.poll() is not None:
                sys.exit("the fake log does not start: " + open(self.errors.name).read())
            time.sleep(0.05)
        with open(ready, encoding="utf-8") as file:
            self.url = file.read().strip()
        with open(self.list_path, encoding="utf-8") as file:
            operators = json.load(file)["operators"]
        listed = [log for operator in operators for kind in ("logs", "tiled_logs") for log in operator[kind]]
        self.by_number = {}
        for log in listed:
            url = (log.get("url") or log["monitoring_url"]).rstrip("/")
            self.by_number[int(url.rsplit("/", 1)[1])] = log

    def control(self, **query):
        request = urllib.request.Request(self.url + "/control?" + urllib.parse.urlencode(query), data=b"", method="POST")
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    def sizes(self):
        return [int(line.split()[5]) for line in self.control().splitlines()]

    def stop(self):
        self.process.terminate()
        return self.process.wait(30)


class Watch:
    """A ctwatch with a state and a configuration of its own."""

    def __init__(self, name, fake, **configuration):
        self.name = name
        self.state = path(name + ".state")
        self.config = path(name + ".json")
        self.runs = 0
        settings = {"state": self.state, "log_lists": [fake.list_path], "start": "beginning", "poll": "5s", "listen": "none",
                    "contact": "https://ctwatch.test/interop"}
        settings.update(configuration)
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(settings, file)

    def start(self, *arguments):
        """ctwatch run; its output goes to files that stay until the end."""
        self.runs += 1
        self.out = path("%s.%d.out" % (self.name, self.runs))
        self.err = path("%s.%d.err" % (self.name, self.runs))
        process = subprocess.Popen([CTWATCH, "run", "-c", self.config] + list(arguments), stdin=subprocess.DEVNULL,
                                   stdout=open(self.out, "wb"), stderr=open(self.err, "wb"))
        _children.append(process)
        return process

    def once(self, *arguments, seconds=120):
        """ctwatch run --once; the exit status, or None when it does not end."""
        process = self.start("--once", *arguments)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    def errors(self):
        with open(self.err, encoding="utf-8", errors="replace") as file:
            return file.read()

    def sanitizer_report(self):
        """What a sanitizer or a crash left in the output of the last run, or ''."""
        text = self.errors()
        for mark in ("Sanitizer", "runtime error:", "Assertion"):
            if mark in text:
                return text[text.index(mark) - 200 if text.index(mark) > 200 else 0:][:2000]
        return ""

    def lines(self):
        """Envelopes on standard output of all runs; a line that kill -9 cut is left out."""
        for run in range(1, self.runs + 1):
            with open(path("%s.%d.out" % (self.name, run)), "rb") as file:
                for line in file.read().split(b"\n")[:-1]:
                    yield json.loads(line)

    def runs_with_output(self):
        return sum(os.path.getsize(path("%s.%d.out" % (self.name, run))) > 0 for run in range(1, self.runs + 1))

    def command(self, *arguments):
        done = subprocess.run([CTWATCH] + list(arguments) + ["-c", self.config], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self, *arguments):
        status, out, err = self.command(*arguments, "--format", "json")
        if not out.strip():
            raise RuntimeError("ctwatch %s: exit %d, %s" % (" ".join(arguments), status, err))
        return json.loads(out)

    def sql(self, query):
        with sqlite3.connect("file:%s/ctwatch.db?mode=ro" % self.state, uri=True) as database:
            return database.execute(query).fetchall()
