#!/usr/bin/env python3
"""Checks the evidence in this directory without ctwatch: Python 3 and the openssl command are all it needs.

usage: verify.py [--log-list FILE]

For each sighting: the manifest, the leaf's hash, its inclusion in the tree whose head the log signed, that signature, that the
certificate is the one in the leaf, and who signed it. With --log-list (a log list of a browser, JSON) also that the list names
the log's key. Exit status: 0 everything holds; 1 something does not; 2 nothing is wrong, but something is missing.
"""
import argparse, base64, hashlib, json, os, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
POISON, SCT_LIST = bytes.fromhex("2b06010401d679020403"), bytes.fromhex("2b06010401d679020402")     # as DER writes their OIDs
PRECERT_SIGNING = bytes.fromhex("2b06010401d679020404")
SAN, AUTHORITY_KEY, COMMON_NAME = bytes.fromhex("551d11"), bytes.fromhex("551d23"), bytes.fromhex("550403")
DIGESTS = {"2a864886f70d01010b": "sha256", "2a864886f70d01010c": "sha384", "2a864886f70d01010d": "sha512",
           "2a8648ce3d040302": "sha256", "2a8648ce3d040303": "sha384", "2a8648ce3d040304": "sha512"}
failed = missing = 0


def check(what, holds, why=""):
    global failed
    failed += not holds
    print(("ok       " if holds else "FAILED   ") + what + (": " + why if why and not holds else ""))
    return holds


def lacks(what):
    global missing
    missing += 1
    print("missing  " + what)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def read(*names):
    with open(os.path.join(HERE, *names), "rb") as file:
        return file.read()


# ---- DER ----------------------------------------------------------------------------------------------------

def take(data):
    """The first element: (tag, content, whole element, rest)."""
    if len(data) < 2:
        raise ValueError("DER ends early")
    length, head = data[1], 2
    if length >= 0x80:
        head += length & 0x7f
        length = int.from_bytes(data[2:head], "big")
    if head + length > len(data):
        raise ValueError("DER element runs past its end")
    return data[0], data[head:head + length], data[:head + length], data[head + length:]


def elements(content):
    found = []
    while content:
        tag, inside, whole, content = take(content)
        found.append((tag, inside, whole))
    return found


def split_certificate(der):
    """Certificate -> (TBSCertificate, OID of the signature algorithm, signature)."""
    tag, content, _, rest = take(der)
    if tag != 0x30 or rest:
        raise ValueError("not one certificate")
    tbs, algorithm, signature = elements(content)
    return tbs[2], elements(algorithm[1])[0][1], signature[1][1:]


def split_tbs(tbs):
    """TBSCertificate -> (all fields but the extensions, extensions as (OID, whole element))."""
    fields, extensions = [], []
    for tag, inside, whole in elements(take(tbs)[1]):
        if tag == 0xa3:
            extensions = [(elements(one[1])[0][1], one[2]) for one in elements(take(inside)[1])]
        else:
            fields.append((tag, inside, whole))
    return fields, extensions


def field(tbs, nth):
    """0 serial, 1 algorithm, 2 issuer, 3 validity, 4 subject, 5 public key."""
    fields = split_tbs(tbs)[0]
    return fields[nth + (fields[0][0] == 0xa0)][2]


def comparable(tbs, by_signing_certificate):
    """What RFC 6962 section 3.2 wants equal: without poison and SCTs; issuer and key id too where a signing certificate stood in."""
    fields, extensions = split_tbs(tbs)
    leave = {POISON, SCT_LIST} | ({AUTHORITY_KEY} if by_signing_certificate else set())
    kept = [whole for _, _, whole in fields]
    if by_signing_certificate:
        kept.remove(field(tbs, 2))
    return kept, [whole for oid, whole in extensions if oid not in leave]


def names_of(tbs):
    names = set()
    for oid, whole in split_tbs(tbs)[1]:
        if oid == SAN:
            for tag, inside, _ in elements(take(elements(take(whole)[1])[-1][1])[1]):
                if tag == 0x82:
                    names.add(inside.decode("latin-1").lower().rstrip("."))
                elif tag == 0x87 and len(inside) == 4:
                    names.add(".".join(map(str, inside)))
    for _, group, _ in elements(take(field(tbs, 4))[1]):
        for _, pair, _ in elements(group):
            oid, value = elements(pair)[:2]
            if oid[1] == COMMON_NAME:
                names.add(value[1].decode("latin-1").lower().rstrip("."))
    return names


# ---- signatures: openssl does the work --------------------------------------------------------------------

def signature_holds(spki, digest, message, signature):
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(spki) + b"-----END PUBLIC KEY-----\n"
    with tempfile.TemporaryDirectory() as directory:
        names = []
        for name, content in (("key.pem", pem), ("signature", signature), ("message", message)):
            names.append(os.path.join(directory, name))
            with open(names[-1], "wb") as file:
                file.write(content)
        return subprocess.run(["openssl", "dgst", "-" + digest, "-verify", names[0], "-signature", names[1], names[2]],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def plain_signature(digitally_signed):
    """TLS DigitallySigned (RFC 6962 section 3.2): SHA-256, RSA or ECDSA, length, signature."""
    if digitally_signed[0] != 4 or digitally_signed[1] not in (1, 3) or int.from_bytes(digitally_signed[2:4], "big") != len(digitally_signed) - 4:
        raise ValueError("unknown form of signature")
    return digitally_signed[4:]


def read_head(raw, log_id):
    """A signed tree head, JSON or checkpoint -> (size, timestamp, root, signature)."""
    if raw.lstrip()[:1] == b"{":
        head = json.loads(raw)
        return (head["tree_size"], head["timestamp"], base64.b64decode(head["sha256_root_hash"], validate=True),
                plain_signature(base64.b64decode(head["tree_head_signature"], validate=True)))
    text, _, lines = raw.rpartition(b"\n\n")
    origin, size, root = text.split(b"\n")[:3]
    key_id = sha256(origin, b"\n\x05", log_id)[:4]
    for line in lines.splitlines():
        dash, name, blob = (line.split(b" ") + [b"", b""])[:3]
        if name != origin:
            continue
        blob = base64.b64decode(blob)
        if blob[:4] == key_id:
            return int(size), int.from_bytes(blob[4:12], "big"), base64.b64decode(root, validate=True), plain_signature(blob[12:])
    raise ValueError("the note has no signature of this log")


def root_from(leaf_hash, index, size, path):
    """RFC 9162 section 2.1.3.2; None when the path does not fit."""
    if index >= size:
        return None
    fn, sn, r = index, size - 1, leaf_hash
    for node in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = sha256(b"\x01", node, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\x01", r, node)
        fn, sn = fn >> 1, sn >> 1
    return r if sn == 0 else None


# ---- one sighting ---------------------------------------------------------------------------------------------

def split_leaf(leaf):
    """MerkleTreeLeaf (RFC 6962 section 3.4) -> (timestamp, issuer key hash or None, certificate or TBSCertificate)."""
    if leaf[:2] != b"\0\0":
        raise ValueError("unknown leaf type")
    at, key_hash = 12, None
    if leaf[10:12] == b"\0\1":
        key_hash, at = leaf[12:44], 44
    elif leaf[10:12] != b"\0\0":
        raise ValueError("unknown entry type")
    end = at + 3 + int.from_bytes(leaf[at:at + 3], "big")
    if end + 2 + int.from_bytes(leaf[end:end + 2], "big") != len(leaf):
        raise ValueError("its lengths do not add up")
    return int.from_bytes(leaf[2:10], "big"), key_hash, leaf[at + 3:end]


def check_proof(where, facts, leaf):
    proof, log_key = facts.get("proof"), None
    leaf_hash = sha256(b"\0", leaf)
    check(where + ": the leaf hashes to " + leaf_hash.hex()[:16] + "...", leaf_hash.hex() == facts["leaf_hash"], "facts.json says otherwise")
    if not proof:
        lacks(where + ": no inclusion proof was kept")
        return
    log_key = read(where, "log-key.der")
    log_id = sha256(log_key)
    check(where + ": log-key.der is the key of log " + facts["log"]["id"], base64.b64encode(log_id).decode() == facts["log"]["id"])
    entry = json.loads(read(where, "log-entry.json"))
    check(where + ": the list entry names this key", base64.b64decode(entry["key"]) == log_key and entry["log_id"] == facts["log"]["id"])
    size, timestamp, root, signature = read_head(read(where, facts["head"]["file"]), log_id)
    signed = b"\0\1" + timestamp.to_bytes(8, "big") + size.to_bytes(8, "big") + root
    check(where + ": the log signed the head of size %d" % size, signature_holds(log_key, "sha256", signed, signature), "the signature does not verify")
    check(where + ": head-signed.bin and head-signature.bin are what the head says",
          read(where, "head-signed.bin") == signed and read(where, "head-signature.bin") == signature)
    path = [bytes.fromhex(node) for node in proof["audit_path"]]
    check(where + ": the proof is for this head", (proof["tree_size"], proof["root"]) == (size, root.hex()))
    check(where + ": the entry is in the signed tree, at index %d" % proof["leaf_index"],
          all(len(node) == 32 for node in path) and root_from(leaf_hash, proof["leaf_index"], size, path) == root, "the proof leads to another root")
    if proof["leaf_index"] != facts["index"]:
        print("note     " + where + ": the log holds this leaf more than once; read at index %d" % facts["index"])
    for answer in facts["answers"]:
        if "get-proof-by-hash" in answer["url"] and answer["file"]:
            said = json.loads(read(where, answer["file"]))
            check(where + ": the log's own answer says so too", said["leaf_index"] == proof["leaf_index"] and
                  [base64.b64decode(node) for node in said["audit_path"]] == path)


def check_certificate(where, facts, leaf, names):
    _, key_hash, logged = split_leaf(leaf)
    chain = [read(where, file) for file in facts["chain"]]
    for hash_ in facts["chain_missing"]:
        lacks(where + ": chain certificate " + hash_[:16] + "... was not kept")
    tbs = logged if key_hash else split_certificate(logged)[0]
    names |= names_of(tbs)
    certificate = facts["certificate"]
    if not certificate:
        lacks(where + ": no certificate could be read from the entry")
        return
    given = read(where, certificate["file"])
    by_signing = bool(chain) and PRECERT_SIGNING in chain[0] and key_hash is not None
    if certificate["kind"] == "tbs":
        same = given == logged
    elif key_hash is None:
        same = given == logged
    else:
        same = comparable(split_certificate(given)[0], by_signing) == comparable(logged, by_signing)
    check(where + ": " + certificate["file"] + " is what the log holds", same, "it is another one")
    keys = [sha256(field(split_certificate(one)[0], 5)) for one in chain[:2]]
    if key_hash is not None and chain:
        check(where + ": the chain's key is the one that the entry names as issuer", key_hash in keys)
    links = ([] if certificate["kind"] == "tbs" else [(certificate["file"], given)]) + list(zip(facts["chain"], chain))
    if certificate["kind"] == "tbs":
        print("note     " + where + ": the log gave no precertificate, so that there is no CA's signature to check")
    if not chain:
        lacks(where + ": without the issuer's certificate the CA's signature cannot be checked")
    for (file, der), (issuer_file, issuer) in zip(links, links[1:]):
        inside, algorithm, signature = split_certificate(der)
        if algorithm.hex() not in DIGESTS:
            lacks(where + ": " + file + " has a signature of a kind that this script does not know")
            continue
        holds = field(inside, 2) == field(split_certificate(issuer)[0], 4) and \
            signature_holds(field(split_certificate(issuer)[0], 5), DIGESTS[algorithm.hex()], inside, signature)
        check(where + ": " + file + " is signed by " + issuer_file, holds)


def check_text_forms(where):
    for file in sorted(os.listdir(os.path.join(HERE, where))):
        if file.endswith(".pem"):
            body = b"".join(line for line in read(where, file).splitlines() if not line.startswith(b"-----"))
            check(where + ": " + file + " is the same as the .der", base64.b64decode(body) == read(where, file[:-4] + ".der"))


# ---- the directory ----------------------------------------------------------------------------------------------

def check_manifest():
    listed = {}
    for line in read("SHA256SUMS").decode().splitlines():
        listed[line[66:]] = line[:64]
    present = set()
    for directory, _, files in os.walk(HERE):
        present |= {os.path.relpath(os.path.join(directory, file), HERE) for file in files}
    present.discard("SHA256SUMS")
    check("manifest: %d files, all there and no others" % len(listed), present == set(listed), ", ".join(sorted(present ^ set(listed))[:5]))
    changed = [file for file in sorted(present & set(listed)) if hashlib.sha256(read(file)).hexdigest() != listed[file]]
    check("manifest: no file has changed", not changed, ", ".join(changed[:5]))


def check_log_list(path, facts, where):
    with open(path, "rb") as file:
        operators = json.load(file)["operators"]
    logs = [log for one in operators for log in one.get("logs", []) + one.get("tiled_logs", [])]
    named = [log for log in logs if log["log_id"] == facts["log"]["id"]]
    check(where + ": the log list names this log", bool(named), "it does not (logs leave the list some time after they end)")
    if named and facts["proof"]:
        check(where + ": with this key", base64.b64decode(named[0]["key"]) == read(where, "log-key.der"))


def main():
    parser = argparse.ArgumentParser(description="Checks the evidence in the directory of this script.")
    parser.add_argument("--log-list", metavar="FILE", help="a browser's log list (JSON), fetched by you, that should name the log")
    options = parser.parse_args()
    check_manifest()
    sightings = sorted((name for name in os.listdir(HERE) if name.startswith("sighting-")), key=lambda name: int(name[9:]))
    name, names = json.loads(read("finding.json"))["name"], set()
    if not sightings:
        lacks("no entry of a log was kept")
    for where in sightings:
        try:
            facts, leaf = json.loads(read(where, "facts.json")), read(where, "leaf.bin")
            check_proof(where, facts, leaf)
            check_certificate(where, facts, leaf, names)
            check_text_forms(where)
            if options.log_list:
                check_log_list(options.log_list, facts, where)
        except (OSError, ValueError, KeyError, IndexError, TypeError, OverflowError) as problem:
            check(where + ": can be read", False, "%s: %s" % (type(problem).__name__, problem))
    if sightings and name.isascii() and all(c.isalnum() or c in "-._*" for c in name):      # others were normalised on the way
        check("a certificate that was logged names " + name, name in names, "none does")
    print()
    print("%d checks failed, %d things are missing" % (failed, missing) if failed or missing else "Everything holds.")
    if not options.log_list:
        print("Not checked: that the key belongs to a log that browsers know (fetch a log list and pass it with --log-list).")
    return 1 if failed else 2 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
