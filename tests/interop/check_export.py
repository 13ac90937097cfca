"""Reads exports as others would: check_export.py KIND ARGUMENT...; exit status 1 and a sentence when something is wrong."""
import json
import re
import socket
import struct
import subprocess
import sys
import warnings

warnings.filterwarnings("ignore")


# ---- Suricata rules: two parsers of others, and what the conditions must be ------------------------------------------------

def rules(path, least):
    import suricataparser
    from idstools import rule as idsrule
    ours = [line for line in open(path, encoding="utf-8") if line.strip() and not line.startswith("#")]
    parsed = suricataparser.parse_file(path)
    others = [idsrule.parse(line) for line in ours]
    assert len(ours) >= int(least), "only %d rules" % len(ours)
    assert len(parsed) == len(ours) and all(others), "a rule is not understood"
    sids = [rule.sid for rule in parsed]
    assert len(set(sids)) == len(sids), "a sid comes twice"
    for rule, other in zip(parsed, others):
        assert rule.enabled and rule.msg and rule.rev >= 1 and rule.action in ("alert", "drop"), rule.raw
        assert (other["sid"], other["rev"], other["action"], other["msg"]) == (rule.sid, rule.rev, rule.action, rule.msg), rule.raw
        keys = {option.name for option in rule.options}
        assert {"metadata", "classtype", "sid", "rev", "msg"} <= keys, rule.raw
        metadata = dict(item.strip().split(" ", 1) for item in rule.metadata)
        assert re.fullmatch("[a-z2-7]{26}", metadata["ctwatch_id"]) and metadata["expires_at"] > metadata["created_at"], rule.raw
    return parsed


def contents(rule, buffer):
    """The content of a sticky buffer, with its modifiers."""
    names = [option.name for option in rule.options]
    if buffer not in names:
        return None
    at = names.index(buffer)
    options = rule.options[at:]
    content = next(option.value for option in options if option.name == "content")
    return content.strip('"'), {option.name for option in options}


# ---- a capture: a DNS query and a TLS hello for a found name, made here, read by tshark ---------------------------------------

def dns_query(name):
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack(">HHHHHH", 4660, 256, 1, 0, 0, 0) + question + struct.pack(">HH", 1, 1)


def client_hello(name):
    server_name = struct.pack(">HBH", len(name) + 3, 0, len(name)) + name.encode()
    extensions = struct.pack(">HH", 0, len(server_name)) + server_name
    body = b"\x03\x03" + bytes(range(32)) + b"\0" + struct.pack(">HH", 2, 0xc02f) + b"\x01\0" + struct.pack(">H", len(extensions)) + extensions
    handshake = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(handshake)) + handshake


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(protocol, segment, to="198.51.100.7"):
    addresses = socket.inet_aton("192.0.2.10") + socket.inet_aton(to)
    at = 16 if protocol == 6 else 6
    total = checksum(addresses + struct.pack(">BBH", 0, protocol, len(segment)) + segment)
    segment = segment[:at] + struct.pack(">H", total) + segment[at + 2:]
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0, 64, protocol, 0) + addresses
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    return b"\x02\0\0\0\0\x02" + b"\x02\0\0\0\0\x01" + b"\x08\0" + header + segment


def udp(data):
    return packet(17, struct.pack(">HHHH", 40000, 53, 8 + len(data), 0) + data)


def tcp(data, to="198.51.100.7", port=40001):
    return packet(6, struct.pack(">HHIIBBHHH", port, 443, 1000, 1, 5 << 4, 0x18, 65535, 0, 0) + data, to)


def write_capture(path, packets):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for second, data in enumerate(packets):
            out.write(struct.pack("<IIII", 1790000000 + second, 0, len(data), len(data)) + data)


def tshark(capture, *fields):
    arguments = ["tshark", "-r", capture, "-T", "fields", "-E", "separator=/s"]
    for field in fields:
        arguments += ["-e", field]
    text = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    return [line.split(" ") for line in text.splitlines()]


def holds(condition, value):
    """Suricata's dotprefix, content, nocase, endswith - on what a tool of others found in the packet."""
    content, modifiers = condition
    assert {"dotprefix", "nocase", "endswith"} <= modifiers, modifiers
    return ("." + value).lower().endswith(content.lower())


def capture(path, pcap):
    """Each name's rules hold for the name and names below it, in what tshark reads from packets, and for no neighbour."""
    parsed = rules(path, 1)
    queries = [c for c in (contents(rule, "dns.query") for rule in parsed) if c]
    hellos = [c for c in (contents(rule, "tls.sni") for rule in parsed) if c]
    addresses = [rule for rule in parsed if rule.header.split()[0] == "ip"]
    assert len(queries) == len(hellos) > 10
    for query, hello in zip(queries, hellos):
        assert query[0] == hello[0]
    names = [content.lstrip(".") for content, _ in queries]
    wanted = [spelling for name in names for spelling in (name, "login." + name, name.upper())]
    strangers = [other for name in names for other in ("not" + name, name + ".example", name[1:])]
    everything = wanted + strangers
    # each hello in a connection of its own, or it passes for a repetition
    write_capture(pcap, [frame for at, name in enumerate(everything) for frame in (udp(dns_query(name)), tcp(client_hello(name), port=10000 + at))])
    seen = tshark(pcap, "dns.qry.name", "tls.handshake.extensions_server_name")
    assert [line[0] for line in seen[0::2]] == everything, "tshark reads other queries"
    assert [line[1] for line in seen[1::2]] == everything, "tshark reads other server names"
    for conditions, values in ((queries, [line[0] for line in seen[0::2]]), (hellos, [line[1] for line in seen[1::2]])):
        for value in values:
            fires = any(holds(condition, value) for condition in conditions)
            assert fires == (value in wanted), "%s: %s" % (value, "fires" if fires else "does not fire")
    for rule in addresses:
        target = rule.header.split()[4]
        write_capture(pcap, [tcp(b"x", to=target)])
        assert tshark(pcap, "ip.dst") == [[target]], rule.raw
    # nothing depends on the certificate's subject: newer profiles have none
    subjects = [rule for rule in parsed if "tls.cert_subject" in {option.name for option in rule.options}]
    assert len(subjects) <= len(queries)


# ---- STIX and MISP --------------------------------------------------------------------------------------------------------------

def stix(path, confirmed):
    from stix2validator import ValidationOptions, validate_file
    results = validate_file(path, ValidationOptions(version="2.1", strict_types=True, disabled=["202"]))
    assert results.is_valid, results.as_dict()
    by_type = {}
    for item in json.load(open(path, encoding="utf-8"))["objects"]:
        by_type.setdefault(item["type"], []).append(item)
    for wanted in ("indicator", "domain-name", "x509-certificate", "infrastructure", "attack-pattern", "identity", "sighting", "relationship", "observed-data"):
        assert by_type.get(wanted), "no %s" % wanted
    assert bool(by_type.get("intrusion-set")) == bool(int(confirmed)), "intrusion-set"
    groups = {item["id"] for item in by_type.get("intrusion-set", [])}
    sure = {item["id"] for item in by_type["indicator"] if "confirmed" in item["labels"] or "published" in item["labels"]}
    for relation in by_type["relationship"]:
        assert relation["target_ref"] not in groups or relation["source_ref"] in sure, "an unconfirmed name is tied to the group"
    for item in by_type["indicator"]:
        assert item["valid_until"] > item["valid_from"] and item["object_marking_refs"], item["id"]
        assert ("malicious-activity" in item["indicator_types"]) == (item["id"] in sure), item["id"]
        assert 0 < item["confidence"] <= 100


def stix_again(first, second):
    ids = [{item["id"] for item in json.load(open(path, encoding="utf-8"))["objects"]} for path in (first, second)]
    assert ids[0] <= ids[1], "ids changed: %s" % sorted(ids[0] - ids[1])[:3]
    modified = [{item["id"]: item.get("modified", "") for item in json.load(open(path, encoding="utf-8"))["objects"]} for path in (first, second)]
    assert all(modified[1][key] >= value for key, value in modified[0].items()), "an object went back in time"
    assert any(modified[1][key] > value for key, value in modified[0].items()), "what was confirmed since did not change"


def misp(path):
    from pymisp import MISPEvent
    event = MISPEvent()
    event.load_file(path)
    assert len(event.attributes) > 10 and event.uuid
    values = [attribute.value for attribute in event.attributes]
    assert len(set(values)) == len(values), "a value comes twice"
    assert len({attribute.uuid for attribute in event.attributes}) == len(values)
    sure = 0
    for attribute in event.attributes:
        assert attribute.type in ("domain", "ip-dst") and attribute.first_seen <= attribute.last_seen
        confirmed = ", confirmed;" in attribute.comment or ", published;" in attribute.comment
        assert attribute.to_ids == confirmed, attribute.comment
        assert any(tag.name.startswith("misp-galaxy:threat-actor") for tag in attribute.tags) <= confirmed
        sure += confirmed
    assert sure > 0
    again = MISPEvent()
    again.load(event.to_json())
    assert len(again.attributes) == len(values)


# ---- a resolver ------------------------------------------------------------------------------------------------------------------

def ask(port, name, kind=1):
    """The response code and number of answers."""
    query = struct.pack(">HHHHHH", 77, 0x0100, 1, 0, 0, 0) + b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack(">HH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp_socket:
        udp_socket.settimeout(5)
        udp_socket.sendto(query, ("127.0.0.1", int(port)))
        answer = udp_socket.recv(4096)
    return answer[3] & 15, struct.unpack(">H", answer[6:8])[0]


def resolver(port, zone):
    """Every blocked name and what is below it does not exist; the neighbours do."""
    names = re.findall(r"^([a-z0-9_-][a-z0-9._-]*) CNAME \.$", open(zone, encoding="utf-8").read(), re.M)
    names = [name for name in names if not name.endswith("rpz-ip")]
    assert names
    for name in names[:20]:
        for blocked in (name, "login." + name, name.upper()):
            assert ask(port, blocked) == (3, 0), "%s is answered with %s" % (blocked, ask(port, blocked))
    # these are local data of the resolver itself: it answers them, so a refusal is the policy's
    assert ask(port, "open.example") == (0, 1), ask(port, "open.example")


def hosts(path):
    names = set()
    for line in open(path, encoding="utf-8"):
        if line.startswith("#") or not line.strip():
            continue
        address, *rest = line.split()
        assert address == "0.0.0.0" and len(rest) == 1 and rest[0] not in names, line
        names.add(rest[0])
    assert names


if __name__ == "__main__":
    {"rules": rules, "capture": capture, "stix": stix, "stix-again": stix_again, "misp": misp, "resolver": resolver, "hosts": hosts}[sys.argv[1]](*sys.argv[2:])
