#!/usr/bin/env python3
"""An outsider's look at the fake log: Python's standard library and the openssl program recompute everything it serves.

usage: check_fakelog.py LOG_LIST.json

For every log of the list both APIs are read to the newest head. Signatures of checkpoint and STH, leaf hashes, hash tiles
of all levels, roots, inclusion and consistency proofs, leaf indexes, issuers and chains must all agree; then a sample of
the certificates is verified with `openssl verify`. Prints one line per log, exits 1 at the first thing that does not fit.
"""
import base64
import gzip
import hashlib
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def mth(leaves):
    """RFC 6962 section 2.1, on leaf hashes."""
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha(b"\x01", mth(leaves[:k]), mth(leaves[k:]))


def get(url):
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip", "User-Agent": "check (https://ctwatch.test)"})
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
        return gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body


def openssl(*arguments, **files):
    with tempfile.TemporaryDirectory() as directory:
        names = {}
        for name, content in files.items():
            names[name] = os.path.join(directory, name)
            with open(names[name], "wb") as out:
                out.write(content)
        command = ["openssl"] + [argument.format(**names) for argument in arguments]
        done = subprocess.run(command, capture_output=True)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


def verify_head(log, size, root, timestamp, digitally_signed):
    assert digitally_signed[:2] == b"\x04\x03" and struct.unpack(">H", digitally_signed[2:4])[0] == len(digitally_signed) - 4
    openssl("dgst", "-sha256", "-verify", "{key}", "-keyform", "DER", "-signature", "{signature}", "{message}",
            key=base64.b64decode(log["key"]), signature=digitally_signed[4:],
            message=struct.pack(">BBQQ", 0, 1, timestamp, size) + root)


def read_checkpoint(log, base):
    text, _, signatures = get(base + "/checkpoint").decode().rpartition("\n\n")
    origin, size, root = text.split("\n")
    assert origin == base.split("://")[1], origin
    dash, name, blob = signatures.strip().split(" ")
    blob = base64.b64decode(blob)
    assert dash == "\u2014" and name == origin
    assert blob[:4] == sha(name.encode(), b"\n\x05", base64.b64decode(log["log_id"]))[:4]
    root = base64.b64decode(root)
    verify_head(log, int(size), root, struct.unpack(">Q", blob[4:12])[0], blob[12:])
    return int(size), root


def tile_path(number):
    text = "%03d" % (number % 1000)
    while number >= 1000:
        number //= 1000
        text = "x%03d/%s" % (number % 1000, text)
    return text


def read_tiles(base, level, size):
    """All hashes of a level as published: full tiles and the partial one."""
    out = b""
    n = size >> 8 * level if level != "data" else size
    for index in range((n + 255) // 256):
        width = min(256, n - index * 256)
        suffix = "" if width == 256 else ".p/%d" % width
        yield width, get("%s/tile/%s/%s%s" % (base, level, tile_path(index), suffix))


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        assert self.at + n <= len(self.data)
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def vector(self, n):
        return self.take(self.number(n))


def take_tile_leaf(reader):
    start = reader.at
    reader.take(8)
    entry_type = reader.number(2)
    assert entry_type in (0, 1)
    if entry_type == 1:
        issuer_key_hash = reader.take(32)
    certificate = reader.vector(3)
    extensions = reader.vector(2)
    leaf = b"\0\0" + reader.data[start:reader.at]
    shown = reader.vector(3) if entry_type == 1 else certificate
    chain = reader.vector(2)
    return {"leaf": leaf, "type": entry_type, "extensions": extensions, "certificate": shown,
            "chain": [chain[i:i + 32] for i in range(0, len(chain), 32)]}


def read_data(base, size):
    entries = []
    for width, tile in read_tiles(base, "data", size):
        reader = Reader(tile)
        entries += [take_tile_leaf(reader) for _ in range(width)]
        assert reader.at == len(tile)
    return entries


def read_entries(base, size):
    out = []
    while len(out) < size:
        page = json.loads(get("%s/ct/v1/get-entries?start=%d&end=%d" % (base, len(out), size - 1)))["entries"]
        assert page
        out += page
    assert len(out) == size
    return [(base64.b64decode(entry["leaf_input"]), base64.b64decode(entry["extra_data"])) for entry in out]


def check_classic(base, log, entries, hashes):
    size = len(entries)
    sth = json.loads(get(base + "/ct/v1/get-sth"))
    assert sth["tree_size"] >= size
    verify_head(log, sth["tree_size"], base64.b64decode(sth["sha256_root_hash"]), sth["timestamp"],
                base64.b64decode(sth["tree_head_signature"]))
    for entry, (leaf, extra) in zip(entries, read_entries(base, size)):
        assert leaf == entry["leaf"]
        reader = Reader(extra)
        if entry["type"] == 1:
            assert reader.vector(3) == entry["certificate"]
        chain = Reader(reader.vector(3))
        for fingerprint in entry["chain"]:
            assert sha(chain.vector(3)) == fingerprint
        assert chain.at == len(chain.data) and reader.at == len(extra)
    for _ in range(20):
        n = random.randint(1, size)
        check_inclusion(base, hashes, random.randrange(n), n)
        check_consistency(base, hashes, random.randint(1, n), n)
    check_inclusion(base, hashes, size - 1, size)


def check_inclusion(base, hashes, index, size):
    query = urllib.parse.urlencode({"hash": base64.b64encode(hashes[index]), "tree_size": size})
    answer = json.loads(get("%s/ct/v1/get-proof-by-hash?%s" % (base, query)))
    path = [base64.b64decode(node) for node in answer["audit_path"]]
    assert answer["leaf_index"] == index
    both = json.loads(get("%s/ct/v1/get-entry-and-proof?leaf_index=%d&tree_size=%d" % (base, index, size)))
    assert both["audit_path"] == answer["audit_path"] and sha(b"\0", base64.b64decode(both["leaf_input"])) == hashes[index]

    def root(leaf_index, low, high):
        """PATH of section 2.1.1, backwards: consumes `path` from its end."""
        if high - low == 1:
            return hashes[index]
        k = 1
        while k * 2 < high - low:
            k *= 2
        sibling = path.pop()
        if leaf_index < low + k:
            return sha(b"\x01", root(leaf_index, low, low + k), sibling)
        return sha(b"\x01", sibling, root(leaf_index, low + k, high))

    assert root(index, 0, size) == mth(hashes[:size]) and not path


def check_consistency(base, hashes, first, second):
    answer = json.loads(get("%s/ct/v1/get-sth-consistency?first=%d&second=%d" % (base, first, second)))
    expected = []

    def subproof(m, leaves, whole):
        if m == len(leaves):
            return [] if whole else [mth(leaves)]
        k = 1
        while k * 2 < len(leaves):
            k *= 2
        if m <= k:
            return subproof(m, leaves[:k], whole) + [mth(leaves[k:])]
        return subproof(m - k, leaves[k:], False) + [mth(leaves[:k])]

    expected = subproof(first, hashes[:second], True)
    assert [base64.b64decode(node) for node in answer["consistency"]] == expected


def check_tiles(base, size, hashes):
    level, below = 0, hashes
    while below:
        published = b"".join(tile for _, tile in read_tiles(base, level, size))
        assert published == b"".join(below), "level %d" % level
        below = [mth(below[i:i + 256]) for i in range(0, len(below) // 256 * 256, 256)]
        level += 1


def check_certificates(base, entries, issuers):
    finals = [entry for entry in entries if entry["type"] == 0]
    for entry in random.sample(entries, min(20, len(entries))) + random.sample(finals, min(5, len(finals))):
        for fingerprint in entry["chain"]:
            if fingerprint not in issuers:
                issuers[fingerprint] = get("%s/issuer/%s" % (base, fingerprint.hex()))
                assert sha(issuers[fingerprint]) == fingerprint
        chain = [issuers[fingerprint] for fingerprint in entry["chain"]]
        pem = [openssl("x509", "-inform", "DER", "-in", "{der}", der=der) for der in [entry["certificate"]] + chain]
        if entry["type"] == 0:
            openssl("verify", "-CAfile", "{root}", "-untrusted", "{issuer}", "{leaf}", leaf=pem[0], issuer=pem[1], root=pem[2])
        else:
            # the poison is critical and unknown to OpenSSL; -ignore_critical lets everything else be checked
            openssl("verify", "-ignore_critical", "-CAfile", "{root}", "-untrusted", "{issuer}", "{leaf}",
                    leaf=pem[0], issuer=pem[1], root=pem[2])


def check_log(log, is_static):
    base = (log["monitoring_url"] if is_static else log["url"]).rstrip("/")
    assert sha(base64.b64decode(log["key"])) == base64.b64decode(log["log_id"])
    size, root = read_checkpoint(log, base)
    entries = read_data(base, size)
    hashes = [sha(b"\0", entry["leaf"]) for entry in entries]
    assert mth(hashes) == root, "root"
    for index, entry in enumerate(entries):
        expected = b"\0\0\5" + struct.pack(">Q", index)[3:] if is_static else b""
        assert entry["extensions"] == expected, "leaf index %d" % index
    check_tiles(base, size, hashes)
    check_classic(base, log, entries, hashes)
    check_certificates(base, entries, {})
    print("%s: %d entries agree over both APIs" % (log["description"], size))


def main():
    random.seed(1)
    with open(sys.argv[1], encoding="utf-8") as file:
        log_list = json.load(file)
    for operator in log_list["operators"]:
        for log in operator["logs"]:
            check_log(log, False)
        for log in operator["tiled_logs"]:
            check_log(log, True)


main()
