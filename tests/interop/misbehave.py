#!/usr/bin/env python3
"""What logs can do wrong, all at once: one log for each kind of misbehaviour, over both APIs, and healthy ones between them.

Three times ctwatch catches up: at 300 entries, at 600, and - when every log behaves again - at 900. The table says which
incidents a log must have by then (and no others of weight), and whether it must be verified in the end. Healthy logs must be
read to their heads each time, whatever the others do.
"""
import base64

from harness import FakeLog, Watch, check, finish, path

CLASSIC, STATIC = 0, 1
BOTH = (CLASSIC, STATIC)

# Fault, APIs, incidents of which one must be opened (none: nothing but a delay), verified in the end
TABLE = [
    # signed heads
    ("fork", BOTH, {"FORK"}, None),
    ("rollback", BOTH, {"ROLLBACK"}, None),
    ("inconsistent-head,at=300", BOTH, {"INCONSISTENT_STH", "ENTRIES_MISMATCH"}, None),
    ("bad-signature", BOTH, {"BAD_STH_SIGNATURE"}, True),
    ("other-key", BOTH, {"BAD_STH_SIGNATURE", "KEY_CHANGED"}, True),
    ("stale-head", BOTH, {"STALE_STH"}, True),
    ("future-head", BOTH, {"FUTURE_STH"}, None),
    ("same-timestamp", BOTH, {"TIMESTAMP_ORDER"}, True),
    ("lagging", BOTH, set(), True),
    ("malformed-head", BOTH, set(), True),
    ("origin-mismatch", (STATIC,), {"ORIGIN_MISMATCH"}, True),
    ("extension-lines", (STATIC,), {"NOTE_NONCONFORMING"}, True),
    ("extra-signatures", (STATIC,), set(), True),
    # entries and proofs
    ("wrong-proof", (CLASSIC,), set(), True),
    ("tampered-entry,at=100", BOTH, {"ENTRIES_MISMATCH"}, None),
    ("tampered-entry,at=400", BOTH, {"ENTRIES_MISMATCH"}, None),
    ("tampered-entry,at=100,times=1", BOTH, {"ENTRIES_FLAP"}, True),
    ("missing-entries,at=200", (CLASSIC,), set(), True),
    ("missing-entries,at=200", (STATIC,), {"MISSING_TILE"}, True),
    ("need-tree-size", (CLASSIC,), set(), True),
    ("short-pages,at=7", (CLASSIC,), set(), True),
    ("extra-entries", (CLASSIC,), set(), True),
    ("zero-entries,every=2", (CLASSIC,), set(), True),
    ("page-too-large,at=32", (CLASSIC,), set(), True),
    ("too-many,at=32", (CLASSIC,), set(), True),
    ("too-many-error,at=5", (CLASSIC,), set(), True),
    ("too-many-cut,at=1", (CLASSIC,), set(), True),
    ("too-many-broken,at=32", (CLASSIC,), set(), True),
    ("bad-entry,at=150", (CLASSIC,), set(), True),
    ("chain-mismatch", BOTH, set(), True),
    ("unparsable-cert,at=17", BOTH, {"UNPARSABLE_CERT"}, True),
    ("wrong-shard,at=17", BOTH, {"WRONG_SHARD"}, True),
    ("malformed-leaf,at=17", (CLASSIC,), {"MALFORMED_ENTRY"}, True),
    ("malformed-leaf,at=17", (STATIC,), {"TILE_MALFORMED"}, None),
    ("unknown-entry-type,at=17", (CLASSIC,), {"UNKNOWN_ENTRY_TYPE"}, True),
    ("unknown-entry-type,at=17", (STATIC,), {"UNKNOWN_ENTRY_TYPE", "TILE_MALFORMED"}, None),
    ("leaf-index,at=17", (STATIC,), {"LEAF_INDEX_MISMATCH"}, True),
    ("mmd-violation,at=310", BOTH, {"MMD_VIOLATION"}, True),
    ("future-entry,at=310", BOTH, {"TIMESTAMP_ORDER"}, True),
    ("duplicate,at=18", (CLASSIC,), set(), True),
    ("duplicate,at=18", (STATIC,), {"LEAF_INDEX_MISMATCH"}, True),
    # tiles and issuers
    ("partial-404", (STATIC,), set(), True),
    ("partial-403", (STATIC,), set(), True),
    ("no-partials", (STATIC,), {"MISSING_TILE"}, True),
    ("missing-tile,at=0", (STATIC,), {"MISSING_TILE"}, True),
    ("malformed-tile", (STATIC,), {"TILE_MALFORMED"}, True),
    ("short-tile", (STATIC,), {"TILE_MALFORMED"}, True),
    ("tile-hash", (STATIC,), set(), True),
    # HTTP; statuses that come once are asked for again
    ("status,at=500,times=1", BOTH, set(), True),
    ("status,at=502", BOTH, set(), True),
    ("status,at=503,every=2", BOTH, set(), True),
    ("status,at=403", BOTH, set(), True),
    ("status,at=404", BOTH, set(), True),
    ("status,at=429", BOTH, set(), True),
    ("status,at=429,on=head", BOTH, set(), True),
    ("retry-seconds,times=1", BOTH, set(), True),
    ("retry-date,times=1", BOTH, set(), True),
    ("retry-utc,times=1", BOTH, set(), True),
    ("truncated-body", BOTH, set(), True),
    ("invalid-json", BOTH, set(), True),
    ("html", BOTH, set(), True),
    ("html,on=head", BOTH, set(), True),
    ("gzip-bomb", BOTH, set(), True),
    ("gzip-bomb,on=head", BOTH, set(), True),
    ("gzip-unasked", BOTH, set(), True),
    ("redirect", BOTH, set(), True),
    ("redirect,on=head", BOTH, set(), True),
    # transport
    ("drip", BOTH, set(), True),
    ("drip,on=head", BOTH, set(), True),
    ("cut", BOTH, set(), True),
    ("length-high", BOTH, set(), True),
    ("length-low", BOTH, set(), True),
    ("reset", BOTH, set(), True),
    ("reset,on=head,times=1", BOTH, set(), True),
    ("hang", BOTH, set(), True),
    ("no-keepalive", BOTH, set(), True),
    # the log list
    ("readonly", BOTH, set(), True),                     # the one log that does not grow below
    ("readonly-grew,at=200", BOTH, {"READONLY_GREW"}, True),
    ("final-head-mismatch", BOTH, {"FINAL_HEAD_MISMATCH"}, True),
]
# Classes that may come with transport faults: the log is not accused of anything it has signed.
PLANTED = 450                 # index of a name that is found in every log that serves it
BLINDNESS = {"MISSING_TILE", "MISSING_ENTRIES", "TILE_MALFORMED", "UNREACHABLE", "BACKLOG", "RATE_LIMITED"}


def plan():
    """Rows by log number: classic logs have even numbers, static ones odd; every eighth log of either kind is healthy."""
    rows = {CLASSIC: [], STATIC: []}
    for fault, apis, incidents, verified in TABLE:
        for api in apis:
            if len(rows[api]) % 8 == 0:
                rows[api].append(("", set(), True))
            rows[api].append((fault, incidents, verified))
    longest = max(len(rows[CLASSIC]), len(rows[STATIC]))
    out = {}
    for api in BOTH:
        rows[api] += [("", set(), True)] * (longest - len(rows[api]))
        for i, row in enumerate(rows[api]):
            out[2 * i + api] = row
    return out


def title(number, row):
    return "%s (%s)" % (row[0] or "healthy", "static" if number % 2 else "classic")


class Matrix:
    """The fake log with all its faults, and the ctwatch that reads it."""

    def __init__(self):
        self.rows = plan()
        self.healthy = [number for number, row in self.rows.items() if not row[0]]
        faults = []
        for number, row in self.rows.items():
            if row[0]:
                faults += ["--misbehave", "%d:%s" % (number, row[0])]
        with open(path("plant"), "w", encoding="utf-8") as file:
            file.write("%d E7 drive-control.com\n" % PLANTED)
        self.fake = FakeLog("fake", "--fast", "--logs", len(self.rows), "--hosts", len(self.rows), "--initial", 300, "--page", 64,
                            "--plant", path("plant"), *faults)
        self.numbers = {base64.b64decode(log["log_id"]): number for number, log in self.fake.by_number.items()}
        self.watch = Watch("watch", self.fake)

    def by_number(self, query):
        """Rows of a query whose first column is a log id, the others by the log's number."""
        return [(self.numbers[row[0]],) + row[1:] for row in self.watch.sql(query) if row[0] in self.numbers]

    def grow(self, n):
        for number, row in self.rows.items():
            if row[0] != "readonly":
                self.fake.control(log=number, grow=n)

    def catch_up(self, size, allowed):
        """Verified sizes by log number."""
        status = self.watch.once("--timeout", "8s", seconds=150)
        check("at %d entries: ctwatch ends with a status that says so" % size, status in allowed,
              "exit %s: %s" % (status, self.watch.errors()[-500:]))
        check("at %d entries: no crash, no leak" % size, not self.watch.sanitizer_report(), self.watch.sanitizer_report())
        now = dict(self.by_number("SELECT log_id, verified_size FROM log"))
        check("at %d entries: %d healthy logs are verified" % (size, len(self.healthy)),
              all(now.get(number) == size for number in self.healthy), str({number: now.get(number) for number in self.healthy}))
        return now

    def judge(self, final):
        seen = {number: {} for number in self.rows}
        for number, name, summary in self.by_number("SELECT log_id, class, summary FROM incident"):
            seen[number][name] = summary
        for number, row in self.rows.items():
            fault, wanted, verified = row
            if wanted:
                check("%s is reported" % title(number, row), wanted & set(seen[number]), "want one of %s, got %s" % (sorted(wanted), seen[number]))
            else:
                check("%s is no accusation" % title(number, row), not set(seen[number]) - BLINDNESS, str(seen[number]))
            if verified:
                end = 300 if fault == "readonly" else 900
                check("%s is verified in the end" % title(number, row), final.get(number) == end, "at %s" % final.get(number))

    def judge_matches(self):
        matched = dict(self.by_number("SELECT log_id, sum(matched) FROM counters JOIN log ON log_no = no GROUP BY 1"))
        # the state keeps a bounded number of sightings of one certificate: not every log has one
        sightings = self.by_number("SELECT log_id, verified FROM sighting JOIN log ON log_no = no WHERE entry_index = %d" % PLANTED)
        tampered = [number for number, row in self.rows.items() if row[0] == "tampered-entry,at=100"]
        check("what was planted matches in every healthy log", all(matched.get(number) == 1 for number in self.healthy), str(matched))
        check("matching goes on after a mismatch", all(matched.get(number) == 1 for number in tampered), str(matched))
        verified = {number: bool(verified) for number, verified in sightings}
        check("matches are verified in healthy logs and not beyond a mismatch",
              len(verified) > 30 and all(value == (number not in tampered) for number, value in verified.items()
                                         if number in tampered or number in self.healthy), str(verified))


def issuers(fault):
    """Alone, because issuers are shared by all logs: another one would serve what this one does not."""
    fake = FakeLog(fault, "--fast", "--api", "static", "--initial", 300, "--plant", path("plant"), "--misbehave", fault)
    watch = Watch("watch-" + fault, fake)
    fake.control(grow=300)
    status = watch.once()
    classes = [name for name, in watch.sql("SELECT class FROM incident")]
    findings = watch.sql("SELECT count(*) FROM finding")[0][0]
    check("%s is reported, and hides no finding" % fault, classes == ["ISSUER_MISSING"] and findings > 0 and status == 0,
          "exit %s, %s, %d findings" % (status, classes, findings))
    fake.stop()


def main():
    matrix = Matrix()
    matrix.catch_up(300, (3, 5))
    matrix.grow(300)
    matrix.catch_up(600, (3, 5))
    matrix.judge_matches()
    matrix.fake.control(behave="all")
    matrix.grow(300)
    matrix.judge(matrix.catch_up(900, (0, 3, 5)))
    status, incidents, err = matrix.watch.command("incidents", "--format", "json")
    check("`ctwatch incidents` shows them", "FORK" in incidents and "ENTRIES_MISMATCH" in incidents,
          "exit %d: %s %s" % (status, incidents[:300], err))
    issuers("missing-issuer")
    issuers("wrong-issuer")


main()
finish()
