#!/usr/bin/env python3
"""What an incident keeps is enough for somebody else: without ctwatch, from the evidence directory alone, with Python and openssl.

A mismatch is proven by the log's signature over a root, and the hashes of the entries it served, which make another root; a
fork by two signatures over two roots of one size.
"""
import base64
import gzip
import hashlib
import json
import os
import subprocess

from harness import FakeLog, Watch, check, finish, path

SIZE, BAD = 600, 100


def sha256(data):
    return hashlib.sha256(data).digest()


def merkle_root(hashes):
    """RFC 6962 section 2.1"""
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return sha256(b"\x01" + merkle_root(hashes[:k]) + merkle_root(hashes[k:]))


def read(place, name):
    with open(os.path.join(place, name), "rb") as file:
        return file.read()


def signed_by(place, signature, message):
    with open(path("signature"), "wb") as file:
        file.write(signature)
    done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", os.path.join(place, "log-key.der"), "-keyform", "DER", "-signature", path("signature")],
                          input=message, capture_output=True, check=False)
    return done.returncode == 0


def head_of(place, name, log_id):
    """(size, root, whether the log signed it) of a head as the log served it: RFC 6962 section 3.5, static-ct-api "Checkpoints"."""
    raw = read(place, name)
    if raw.startswith(b"{"):
        sth = json.loads(raw)
        size, root = sth["tree_size"], base64.b64decode(sth["sha256_root_hash"])
        timestamp, signature = sth["timestamp"].to_bytes(8, "big"), base64.b64decode(sth["tree_head_signature"])
    else:
        text, _, lines = raw.decode().partition("\n\n")
        origin, count, encoded = text.split("\n")[:3]
        size, root = int(count), base64.b64decode(encoded)
        key_id = sha256(origin.encode() + b"\n\x05" + log_id)[:4]
        notes = [base64.b64decode(line.split(" ")[2]) for line in lines.strip().split("\n")]
        mine = [note for note in notes if note[:4] == key_id]
        if not mine:
            return size, root, False
        timestamp, signature = mine[0][4:12], mine[0][12:]
    length = int.from_bytes(signature[2:4], "big")
    message = b"\x00\x01" + timestamp + size.to_bytes(8, "big") + root
    return size, root, length == len(signature) - 4 and signed_by(place, signature[4:], message)


def whole(place):
    """Every file is as the manifest says, and the manifest names every file."""
    lines = read(place, "manifest.sha256").decode().splitlines()
    named = {line.split("  ", 1)[1]: line.split("  ", 1)[0] for line in lines}
    return set(named) == set(os.listdir(place)) - {"manifest.sha256"} and \
        all(hashlib.sha256(read(place, name)).hexdigest() == digest for name, digest in named.items())


def first_leaf(place, kind):
    """Leaf hash of the first entry in the first response, as it was served."""
    raw = read(place, "first-response.raw")
    body = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    if kind == "classic":
        leaf = base64.b64decode(json.loads(body)["entries"][0]["leaf_input"])
    else:
        at = 10 if body[8:10] == b"\x00\x00" else 42     # behind the timestamp, the type and a precert's issuer key hash
        end = at + 3 + int.from_bytes(body[at:at + 3], "big")
        end += 2 + int.from_bytes(body[end:end + 2], "big")
        leaf = b"\x00\x00" + body[:end]
    return sha256(b"\x00" + leaf)


def incidents(watch, name):
    out = []
    for row in watch.json("incidents", "list"):
        if row["class"] == name:
            out.append((row["log"], os.path.join(watch.state, "incidents", row["id"])))
    return out


def heads(place, log):
    names = [name for name in os.listdir(place) if name.startswith("signed-head") or name == "head.raw"]
    return {head_of(place, name, base64.b64decode(log["id"])) for name in names}


def mismatch():
    fake = FakeLog("mismatch", "--fast", "--logs", 2, "--hosts", 2, "--initial", SIZE, "--page", 64, "--misbehave",
                   "0:tampered-entry,at=%d" % BAD, "--misbehave", "1:tampered-entry,at=%d" % BAD)
    watch = Watch("watch-mismatch", fake)
    check("a log that serves other entries than it signed: exit 3", watch.once() == 3, watch.errors())
    found = incidents(watch, "ENTRIES_MISMATCH")
    check("an incident for each of two logs", len(found) == 2, str(found))
    for log, place in found:
        kind = "classic" if any(read(place, name).startswith(b"{") for name in os.listdir(place) if name.startswith("signed-head")) else "static"
        check("%s: the evidence is whole" % kind, whole(place), str(os.listdir(place)))
        signed = heads(place, log)
        check("%s: the log signed the head" % kind, len(signed) == 1 and all(good and size == SIZE for size, _, good in signed), str(signed))
        hashes = [bytes.fromhex(line) for line in read(place, "leaf-hashes.txt").decode().split()]
        check("%s: every leaf hash is there" % kind, len(hashes) == SIZE, str(len(hashes)))
        check("%s: they make another root than was signed" % kind, merkle_root(hashes) not in {root for _, root, _ in signed}, "the roots agree")
        check("%s: the first response is what was hashed" % kind, first_leaf(place, kind) == hashes[0], "its first entry hashes otherwise")
        # the log itself, asked again now that it is honest, shows which entry it was
        fake.control(behave="all")
        honest = Watch("honest-" + kind, fake)
        check("%s: honest again, the same root can be rebuilt" % kind, honest.once() == 0, honest.errors())


def fork():
    fake = FakeLog("fork", "--fast", "--logs", 2, "--hosts", 2, "--initial", SIZE, "--misbehave", "0:fork", "--misbehave", "1:fork")
    watch = Watch("watch-fork", fake)
    watch.once()
    check("two roots of one size: exit 3", watch.once() == 3, watch.errors())
    found = incidents(watch, "FORK")
    check("an incident for each of two forks", len(found) == 2, str(found))
    for log, place in found:
        check("the evidence is whole", whole(place), str(os.listdir(place)))
        signed = heads(place, log)
        check("two heads, both signed by the log, one size, two roots", len(signed) == 2 and all(good and size == SIZE for size, _, good in signed),
              str(signed))


mismatch()
fork()
finish()
