#!/usr/bin/python3
"""Alerts against receivers that are other people's software: aiosmtpd with STARTTLS and AUTH, rsyslog over UDP, TCP and TLS, and an
HTTP receiver that fails in every way.

Every finding arrives at every sink, in the receiver's own reading of it; hostile names come out harmless everywhere; and 10 000
findings against a flapping receiver, with kill -9 in between, all arrive.
"""
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import re
import shutil
import signal
import socket
import ssl
import warnings
import subprocess
import sys
import threading
import time

from harness import DEMO_PLANT, FakeLog, Watch, check, finish, path

# freed memory is held back by the address sanitizer: less of it, so that growth can be told
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4:thread_local_quarantine_size_kb=64"
PASSWORD = "s3cret-smtp-password"
HMAC_KEY = "s3cret-hmac-key"
TOKEN = "s3cret-slack-token"
SECRETS = (PASSWORD, HMAC_KEY, TOKEN, "s3cret-path")
N_FLOOD = int(sys.argv[1]) if len(sys.argv) > 1 else 10000

warnings.simplefilter("ignore")
try:
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult, LoginPassword
except ImportError:
    print("skipped: python3-aiosmtpd is not installed")
    finish()
if shutil.which("rsyslogd") is None:
    print("skipped: rsyslog is not installed")
    finish()


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=receiver",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", path("tls.key"), "-out", path("tls.pem")],
                   check=True, capture_output=True)


# ---- receivers ------------------------------------------------------------------------------------------


class Mailbox:
    """aiosmtpd: STARTTLS and AUTH are required."""

    def __init__(self):
        self.mails = []
        self.busy = 0                # answers 451 to that many mails
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path("tls.pem"), path("tls.key"))
        self.port = free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, tls_context=context, require_starttls=True, auth_required=True,
                                     authenticator=self.authenticate)
        self.controller.start()

    @staticmethod
    def authenticate(server, session, envelope, mechanism, data):
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ctwatch", PASSWORD.encode())
        return AuthResult(success=good)

    async def handle_DATA(self, server, session, envelope):
        if self.busy > 0:
            self.busy -= 1
            return "451 come back later"
        self.mails.append((session.ssl is not None, email.message_from_bytes(envelope.content, policy=email.policy.default), envelope))
        return "250 taken"


class Syslog:
    """rsyslogd, which parses what it gets and writes its reading down, one JSON text a record."""

    def __init__(self):
        self.tcp, self.tls, self.udp = free_port(), free_port(), free_port(socket.SOCK_DGRAM)
        self.file = path("rsyslog.out")
        fields = "".join('property(name="%s" format="jsonf" outname="%s") constant(value=", ") ' % pair for pair in
                         (("inputname", "input"), ("syslogseverity", "severity"), ("app-name", "app"), ("msgid", "msgid"), ("structured-data", "data")))
        with open(path("rsyslog.conf"), "w", encoding="utf-8") as conf:
            conf.write("""global(workDirectory="%s" maxMessageSize="512k" parser.escapeControlCharactersOnReceive="off"
                DefaultNetstreamDriverCAFile="%s" DefaultNetstreamDriverCertFile="%s" DefaultNetstreamDriverKeyFile="%s")
                module(load="imtcp") module(load="imudp")
                input(type="imtcp" address="127.0.0.1" port="%d" name="tcp")
                input(type="imtcp" address="127.0.0.1" port="%d" name="tls" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
                input(type="imudp" address="127.0.0.1" port="%d" name="udp")
                template(name="record" type="list") { constant(value="{") %s property(name="msg" format="jsonf" outname="msg") constant(value="}\\n") }
                *.* action(type="omfile" file="%s" template="record")
                """ % (path("."), path("tls.pem"), path("tls.pem"), path("tls.key"), self.tcp, self.tls, self.udp, fields, self.file))
        self.process = subprocess.Popen(["rsyslogd", "-n", "-f", path("rsyslog.conf"), "-i", path("rsyslog.pid")], stdout=subprocess.DEVNULL,
                                        stderr=open(path("rsyslog.err"), "wb"))
        for port in (self.tcp, self.tls):
            wait(lambda: self.listens(port), 20)

    @staticmethod
    def listens(port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def records(self, way):
        """Of one way in; rsyslog's own messages left out."""
        try:
            with open(self.file, encoding="utf-8", errors="surrogateescape") as file:
                records = [json.loads(line) for line in file]
        except FileNotFoundError:
            return []
        return [record for record in records if record["input"] == way]

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Hook(http.server.ThreadingHTTPServer):
    """Keeps what is posted. Below /flap it misbehaves: `plan` is a list of (posts that were taken, fault, times)."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, plan=()):
        self.posts, self.seen, self.plan, self.faults_met = [], set(), list(plan), {}
        self.lock = threading.Lock()
        self.last_429 = None
        self.too_early = 0
        self.is_down = False
        super().__init__(("127.0.0.1", 0), HookHandler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass                         # callers that are killed hang up

    def to(self, where):
        with self.lock:
            return [post for post in self.posts if post[0].startswith(where)]

    def keep(self, post):
        self.posts.append(post)
        self.seen.add(post[1]["Idempotency-Key"])

    def take(self, post):
        """Keeps the post, or says which fault it meets."""
        with self.lock:
            if not post[0].startswith("/flap"):
                self.keep(post)
                return None
            if self.last_429 is not None and time.time() > self.last_429 + 1:        # what was under way with it may still come
                self.too_early += time.time() < self.last_429 + 7.5
                self.last_429 = None
            fault = None
            if self.plan and len(self.posts) >= self.plan[0][0]:
                fault, times = self.plan[0][1:]
                self.plan[0] = (0, fault, times - 1)
                if times == 1:
                    del self.plan[0]
                self.faults_met[fault] = self.faults_met.get(fault, 0) + 1
            if fault == "429":
                self.last_429 = time.time()
            if fault in (None, "drop-after"):
                self.keep(post)
            return fault


class HookHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.is_down:
            return self.hang_up()
        fault = self.server.take((self.path, dict(self.headers), body))
        if fault == "429":
            return self.answer(429, b"slow down", ("Retry-After", "8"))
        if fault == "503":
            return self.answer(503, b"not now")
        if fault == "stall":
            time.sleep(4)
            return self.hang_up()
        if fault == "drop":
            return self.hang_up()
        if fault == "drop-after":    # it was taken, but the answer breaks off: must come again, with the same id
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            return self.hang_up()
        return self.answer(200, b'{"ok":true,"ts":"1700000000.000100"}')

    def hang_up(self):
        self.close_connection = True
        self.connection.close()

    def answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def wait(what, seconds):
    until = time.time() + seconds
    while time.time() < until:
        if what():
            return True
        time.sleep(0.05)
    return False


# ---- every sink ----------------------------------------------------------------------------------------------


def all_sinks(hook, box, syslog):
    at = "http://127.0.0.1:%d" % hook.port
    people = {"group_window": "0s", "per_hour": 0, "naming": "at once"}
    return [
        {"type": "webhook", "url": at + "/good/s3cret-path", "secret": HMAC_KEY, "naming": "at once"},
        {"type": "template", "url": at + "/template", "template": '{"text":"{{sentence}}","name":"{{defanged_name}}","rule":"{{finding.rule}}"}', "naming": "at once"},
        {"type": "slack", "url": at + "/slack", "channel": "C1", "token": TOKEN, **people},
        {"type": "teams", "url": at + "/teams", **people},
        {"type": "mail", "server": "127.0.0.1:%d" % box.port, "from": "ctwatch@monitor.example", "to": ["soc@desk.example"], "user": "ctwatch",
         "password": PASSWORD, "ca_file": path("tls.pem"), **people},
        {"type": "syslog", "name": "tcp", "server": "127.0.0.1:%d" % syslog.tcp, "transport": "tcp", "format": "cef"},
        {"type": "syslog", "name": "tls", "server": "localhost:%d" % syslog.tls, "transport": "tls", "format": "json", "ca_file": path("tls.pem")},
        {"type": "syslog", "name": "udp", "server": "127.0.0.1:%d" % syslog.udp, "transport": "udp", "format": "cef"},
        {"type": "ecs", "path": path("ecs.json")},
        {"type": "command", "argv": ["/bin/sh", "-c", 'printf "%s\\n" "$(cat)" >>"$0"', path("command.out")]},
    ]


def lines_of(name):
    with open(path(name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def texts_of(mail):
    return (mail.get_body(preferencelist=("plain",)).get_content(), mail.get_body(preferencelist=("html",)).get_content())


def parse_cef(text):
    """Header fields and extension of one CEF record, read by its escaping rules."""
    text = text.lstrip()
    parts = re.split(r"(?<!\\)\|", text, maxsplit=7)
    pairs = re.findall(r"(\w+)=((?:\\.|[^=\\])*?)(?= \w+=|$)", parts[7]) if len(parts) == 8 else []
    return parts[:7], {key: re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m.group(1), m.group(1)), value) for key, value in pairs}


def check_signatures(posts):
    for _, headers, body in posts:
        match = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers.get("X-Ctwatch-Signature", ""))
        if match is None:
            return False
        wanted = hmac.new(HMAC_KEY.encode(), match.group(1).encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted, match.group(2)):
            return False
    return True


def check_everything_arrives(watch, hook, box, syslog):
    rows = watch.sql("SELECT id, name FROM finding WHERE flagged = 1")
    ids, names, n = {row[0] for row in rows}, {row[1] for row in rows}, len(rows)
    check("there are findings to tell", n > 80, "%d" % n)
    webhook = hook.to("/good")
    check("every finding reaches the webhook once", sorted(json.loads(post[2])["finding"]["id"] for post in webhook) == sorted(ids), "%d posts" % len(webhook))
    check("webhook signatures verify, and ids are header and member alike",
          check_signatures(webhook) and all(post[1]["Idempotency-Key"] == json.loads(post[2])["id"] for post in webhook), "one does not")
    check("the template is filled for each", {json.loads(post[2])["name"].replace("[.]", ".").replace("[:]", ":") for post in hook.to("/template")} == names, "")
    chats = hook.to("/slack") + hook.to("/teams")
    told = [re.sub(r"https://[^\"|>]*", "", body.decode()) for _, _, body in chats]      # links ask third parties about the plain name
    domains = {row[0] for row in watch.sql("SELECT registrable_domain FROM finding WHERE flagged = 1")}
    check("Slack and Teams get one message a domain", len(chats) == 2 * len(domains), "%d of %d" % (len(chats), 2 * len(domains)))
    check("names are defanged for people", not any(name in text for name in names if "." in name for text in told),
          str([(name, text[:1500]) for name in names for text in told if name in text][:1]))
    check("every mail comes by STARTTLS and AUTH", len(box.mails) == len(domains) and all(mail[0] for mail in box.mails), "%d of %d" % (len(box.mails), len(domains)))
    check("mails have ids of their own, references, text and HTML", len({mail["Message-ID"] for _, mail, _ in box.mails}) == len(domains) and
          all(mail["References"] and all(texts_of(mail)) for _, mail, _ in box.mails), "")
    wait(lambda: min(len(syslog.records(way)) for way in ("tcp", "tls", "udp")) >= n, 10)
    for way in ("tcp", "udp"):
        records = [parse_cef(record["msg"])[1] for record in syslog.records(way)]
        check("rsyslog reads every CEF record over %s" % way, len(records) == n and {pairs.get("cs5") for pairs in records} == ids and
              {pairs.get("dhost") for pairs in records} == names, "%d records" % len(records))
    tls = syslog.records("tls")
    check("rsyslog reads every JSON record over TLS", sorted(json.loads(record["msg"])["finding"]["id"] for record in tls) == sorted(ids), "%d records" % len(tls))
    check("RFC 5424 fields are where rsyslog looks", all(record["app"] == "ctwatch" and record["msgid"] == "finding" and "id=" in record["data"] for record in tls), "")
    check("ECS lines and the command's input hold each", sorted(doc["ctwatch"]["finding"]["id"] for doc in lines_of("ecs.json")) == sorted(ids) ==
          sorted(doc["finding"]["id"] for doc in lines_of("command.out")), "")


# ---- hostile strings ------------------------------------------------------------------------------------------------

HOSTILE = ("evil$(touch PWNED)`touch PWNED`;'\"|\\=]\r\nBcc: x@y.example\r\n\r\n</script><script>alert(1)</script>\x1b[31mred\x1b]0;title\x07"
           "<!channel> *bold* [link](http://evil.example) \u202egnp.exe = | CEF:0|x")


def check_hostile(watch, hook, box, syslog):
    """One finding gets hostile texts wherever a certificate or a rule could put them, and is told again."""
    import sqlite3
    before = {way: len(syslog.records(way)) for way in ("tcp", "tls", "udp")}
    n_mails, n_ecs, n_command = len(box.mails), len(lines_of("ecs.json")), len(lines_of("command.out"))
    n_posts = {where: len(hook.to(where)) for where in ("/good", "/template", "/slack", "/teams")}
    with sqlite3.connect(watch.state + "/ctwatch.db") as database:
        number, subject = database.execute("SELECT no, id FROM finding WHERE kind = 'brand' AND flagged = 1 LIMIT 1").fetchone()
        evidence = json.dumps([{"signal": "E2", "detail": HOSTILE, "points": 92, "span": [0, 4]}])
        database.execute("UPDATE finding SET name = ?1, registrable_domain = ?1, brand = ?1, rule = ?1, technique = ?1, evidence = ?2 WHERE no = ?3",
                         (HOSTILE, evidence, number))
        database.execute("UPDATE certificate SET issuer = ?1, subject = ?1, names = ?2 WHERE no IN (SELECT certificate_no FROM link WHERE finding_no = ?3)",
                         (HOSTILE, json.dumps([HOSTILE]), number))
        database.execute("UPDATE log SET name = ?1", (HOSTILE,))
        database.execute("UPDATE outbox SET status = 'waiting', sent_ms = 0, due_ms = 0, batch = ?1 WHERE subject = ?2", (HOSTILE, subject))
    status = watch.once()
    check("a run with hostile texts ends well", status == 0 and watch.sanitizer_report() == "", "exit %s: %s" % (status, watch.errors()[-800:]))
    check("no shell ran anything", not any(os.path.exists(os.path.join(where, "PWNED")) for where in (".", "/", path("."))), "PWNED is there")

    post = json.loads(hook.to("/good")[n_posts["/good"]][2])
    check("machines get the name as it is", post["finding"]["name"] == HOSTILE, repr(post["finding"]["name"]))
    for where in ("/template", "/slack", "/teams"):
        body = hook.to(where)[n_posts[where]][2].decode()
        text = json.dumps(json.loads(body), ensure_ascii=False)
        check("%s: valid JSON without control characters" % where[1:], "\\u001b" not in text and "\\u0007" not in text and "\u202e" not in text, text[:300])
        if where == "/slack":
            check("slack: no markup, no channel-wide call", "<!channel>" not in text and "<script" not in text, text[:300])
        if where == "/teams":
            check("teams: no link", "[link](http" not in text, text[:300])
    _, mail, _ = box.mails[n_mails]
    plain, html = texts_of(mail)
    check("mail: one more mail without an injected header", len(box.mails) == n_mails + 1 and mail["Bcc"] is None and not mail.defects, str(mail.defects))
    check("mail: no script, no controls", "<script" not in html and "</script" not in html and "\x1b" not in plain + html and "\u202e" not in plain + html, html[:300])
    wait(lambda: all(len(syslog.records(way)) > before[way] for way in before), 10)
    after = {way: syslog.records(way)[before[way]:] for way in before}
    check("syslog: one record each, not two", all(len(records) == 1 for records in after.values()), str({way: len(records) for way, records in after.items()}))
    for way in ("tcp", "udp"):
        header, pairs = parse_cef(after[way][0]["msg"])
        check("CEF over %s: seven header fields, nothing injected" % way, header[:3] == ["CEF:0", "ctwatch", "ctwatch"] and header[6].isdigit() and
              pairs.get("cat") == "finding", str(header))
        check("CEF over %s: no control characters" % way, not re.search(r"[\x00-\x1f]", after[way][0]["msg"]), repr(after[way][0]["msg"][:200]))
    check("JSON over TLS: the name as it is", json.loads(after["tls"][0]["msg"])["finding"]["name"] == HOSTILE, "")
    check("ECS and command: one line each", len(lines_of("ecs.json")) == n_ecs + 1 and len(lines_of("command.out")) == n_command + 1, "")


# ---- commands, secrets, rotation ---------------------------------------------------------------------------------------


def check_commands(watch, wrong, box, hook):
    status, out, err = watch.command("alerts", "test")
    check("alerts test: every sink answers well", status == 0 and len(re.findall(r"^ok ", out, re.M)) == 10, out + err)
    check("the test mail is marked", "TEST" in box.mails[-1][1]["Subject"], box.mails[-1][1]["Subject"])
    status, out, err = wrong.command("alerts", "test", "--sink", "mail")
    check("alerts test: a wrong password is a refusal", status == 1 and "refused" in out and "wrong-password" not in out + err, out + err)
    import sqlite3
    total = watch.sql("SELECT COUNT(*) FROM outbox")[0][0]
    check("alerts list: every row", len(watch.json("alerts", "list", "--limit", "0")) == total, "not %d" % total)
    check("alerts retry: nothing is dead", watch.command("alerts", "retry", "--all")[0] == 1, "")
    with sqlite3.connect(watch.state + "/ctwatch.db") as database:
        dead = database.execute("SELECT id FROM outbox WHERE sink = 'webhook' LIMIT 1").fetchone()[0]
        database.execute("UPDATE outbox SET status = 'dead', last_error = 'refused', attempts = 9 WHERE id = ?", (dead,))
    listed = watch.json("alerts", "--dead")
    check("alerts --dead: the dead letter and why", [(row["id"], row["last_error"]) for row in listed] == [(dead, "refused")], str(listed))
    check("alerts retry: it waits again", watch.command("alerts", "retry", dead[:8])[0] == 0 and
          watch.sql("SELECT id, attempts FROM outbox WHERE status = 'waiting'") == [(dead, 0)], "it does not")
    n_posts = len([post for post in hook.to("/good") if post[1]["Idempotency-Key"] == dead])
    watch.once()
    check("and comes with the id it had", len([post for post in hook.to("/good") if post[1]["Idempotency-Key"] == dead]) == n_posts + 1, "it does not")
    status, out, err = watch.command("config", "check")
    check("config check: good", status == 0, out + err)
    shown = watch.command("config", "show")[1]
    said = shown + "".join(open(path(name), errors="replace").read() for name in os.listdir(path(".")) if name.startswith("all.") and name.endswith((".out", ".err")))
    check("no secret is shown anywhere", not any(secret in said for secret in SECRETS), str([secret for secret in SECRETS if secret in said]))


# ---- a flood against a flapping receiver ----------------------------------------------------------------------------------


def resident(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) // 1024


def check_flood():
    with open(path("flood.plant"), "w", encoding="ascii") as plant:
        for i in range(N_FLOOD):
            plant.write("- E7 n%d-globalordnance.com\n" % i)
    fake = FakeLog("flood", "--fast", "--initial", N_FLOOD + 10, "--plant", path("flood.plant"), "--plant-every", 1, "--page", 1000)
    plan = [(N_FLOOD * (i + 1) // 8, fault, 2) for i, fault in enumerate(("503", "drop-after", "429", "drop", "stall"))]
    hook = Hook(plan=plan)
    watch = Watch("flood", fake, alerts_per_hour=2 * N_FLOOD, alerts=[{"type": "webhook", "url": "http://127.0.0.1:%d/flap" % hook.port, "timeout": "2s", "name": "hook", "kinds": ["brand"]}])
    began, n_kills, sizes, came, was_down = time.time(), 0, [], 0, False
    process = watch.start()
    while time.time() < began + 400 and came < N_FLOOD:
        time.sleep(0.2)
        came = len(hook.seen)
        if came > 0:
            sizes.append(resident(process.pid))
        if n_kills < 5 and came > (2 * n_kills + 1) * N_FLOOD // 16:
            process.kill()
            process.wait()
            hook.last_429 = None         # what it was told died with it
            n_kills += 1
            process = watch.start()
        if not was_down and came > N_FLOOD * 3 // 4:
            was_down = hook.is_down = True
            time.sleep(3)
            hook.is_down = False
    wait(lambda: watch.sql("SELECT COUNT(*) FROM outbox WHERE sink = 'hook' AND status <> 'sent'")[0][0] == 0, 20)
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    ids = {row[0] for row in watch.sql("SELECT id FROM outbox WHERE sink = 'hook'")}
    came = hook.seen
    check("%d findings were queued in one read" % N_FLOOD, len(ids) == N_FLOOD, "%d" % len(ids))
    check("every id arrived in %d s, through %d kills and %s" % (time.time() - began, n_kills, hook.faults_met), ids == came and n_kills == 5,
          "%d of %d, %d unknown, %d kills" % (len(ids & came), len(ids), len(came - ids), n_kills))
    check("repeats are few (%d)" % (len(hook.posts) - len(came)), len(hook.posts) < len(came) + 500, "%d posts" % len(hook.posts))
    check("each fault was met, and the receiver was down", set(hook.faults_met) == {"503", "429", "drop", "drop-after", "stall"} and was_down, str(hook.faults_met))
    check("Retry-After is heeded", hook.too_early == 0, "%d requests came too early" % hook.too_early)
    quarter = max(1, len(sizes) // 4)
    check("memory stays flat: at most %d MB, never %d MB more than in the first quarter" % (max(sizes), max(sizes) - max(sizes[:quarter])),
          max(sizes) - max(sizes[:quarter]) < 64, str(sizes))
    check("nothing crashed", watch.sanitizer_report() == "", watch.sanitizer_report())
    fake.stop()


def main():
    make_certificate()
    hook, box, syslog = Hook(), Mailbox(), Syslog()
    try:
        fake = FakeLog("fake", "--initial", 300, "--plant", DEMO_PLANT, "--plant-every", 5)
        watch = Watch("all", fake, alerts=all_sinks(hook, box, syslog))
        box.busy = 1                 # the first mail has to come again
        status = watch.once()
        check("a first run with ten sinks ends well", status == 0 and watch.sanitizer_report() == "", "exit %s: %s" % (status, watch.errors()[-800:]))
        time.sleep(3)
        for _ in range(10):
            if watch.sql("SELECT COUNT(*) FROM outbox WHERE sink = 'mail' AND status = 'waiting'")[0][0] == 0:
                break
            watch.once()
            time.sleep(1)
        check_everything_arrives(watch, hook, box, syslog)
        wrong = Watch("wrong", fake, alerts=[dict(sink, password="wrong-password") for sink in all_sinks(hook, box, syslog) if sink["type"] == "mail"])
        check_commands(watch, wrong, box, hook)
        check_hostile(watch, hook, box, syslog)
        fake.stop()
    finally:
        syslog.stop()
    check_flood()
    box.controller.stop()


main()
finish()
