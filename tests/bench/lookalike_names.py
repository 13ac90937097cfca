#!/usr/bin/env python3
"""Names that imitate a domain, for measuring recall: a line "generator TAB technique TAB domain TAB name" each.

usage: lookalike_names.py dnstwist DOMAIN...     Debian's dnstwist as an independent generator; nothing of it is kept
       lookalike_names.py composed CONFUSABLES DOMAIN...   our own: single techniques and pairs of them, seeded, so repeatable

Exit status 3 and one sentence when dnstwist is not installed.
"""
import random
import string
import sys
import unicodedata


def dnstwist_names(domains):
    sys.path.append("/usr/lib/python3/dist-packages")  # where Debian puts it; this interpreter may be another
    try:
        import dnstwist
    except ImportError:
        print("dnstwist is not installed (Debian package dnstwist)", file=sys.stderr)
        sys.exit(3)
    words = [line.strip() for line in open("/usr/share/dnstwist/dictionaries/english.dict") if line.strip()]
    tlds = [line.strip() for line in open("/usr/share/dnstwist/dictionaries/common_tlds.dict") if line.strip()]
    for domain in domains:
        fuzzer = dnstwist.Fuzzer(domain, dictionary=words, tld_dictionary=tlds)
        fuzzer.generate()
        for item in fuzzer.domains:
            technique = item["fuzzer"].strip("*").lower()
            if technique != "original":
                yield technique, domain, item["domain"]


# words that are keywords of no set, and words that are
FOREIGN = ["banana", "kletter", "ozean", "pferd", "umbra", "xylo", "quark", "fjord", "tapir", "mosel"]
SERVICE = ["docs", "login", "share", "portal", "secure", "verify", "support", "mail", "drive", "cloud"]
ZONES = ["com", "net", "xyz", "online", "co.uk", "info", "duckdns.org"]
SHAPES = {"o": "0", "l": "1i", "i": "1l", "m": ["rn", "nn"], "w": ["vv"], "d": ["cl"], "g": "q", "u": "v", "v": "u"}
LEET = {"e": "3", "a": "4", "s": "5", "t": "7"}


def confusable_letters(path):
    """What passes for a letter, from Unicode's own file: lower case letters that IDNA keeps as they are."""
    found = {}
    for line in open(path, encoding="utf-8-sig"):
        fields = line.split("#")[0].split(";")
        if len(fields) < 3 or len(fields[0].split()) != 1:
            continue
        ch = chr(int(fields[0].strip(), 16))
        to = "".join(chr(int(c, 16)) for c in fields[1].split())
        folded = unicodedata.normalize("NFKC", ch).casefold()
        if ord(ch) > 127 and unicodedata.category(ch) == "Ll" and folded == ch and to in string.ascii_lowercase and len(to) == 1:
            found.setdefault(to, []).append(ch)
    return found


def edits(word):
    letters = string.ascii_lowercase + string.digits
    for i in range(len(word) + 1):
        for c in letters:
            yield word[:i] + c + word[i:]
    for i in range(len(word)):
        yield word[:i] + word[i + 1:]
        for c in letters:
            yield word[:i] + c + word[i + 1:]
    for i in range(len(word) - 1):
        yield word[:i] + word[i + 1] + word[i] + word[i + 2:]


def substitute(rng, word, table, count):
    places = [i for i, c in enumerate(word) if c in table]
    for i in sorted(rng.sample(places, min(count, len(places))), reverse=True):
        word = word[:i] + rng.choice(list(table[word[i]])) + word[i + 1:]
    return word


def variants(rng, label, letters):
    """(technique, label) of what is done to the word itself."""
    one_edit = sorted(set(edits(label)) - {label})
    yield from (("edit", word) for word in one_edit)
    for _ in range(40):
        yield "shape", substitute(rng, label, SHAPES, rng.randint(1, 3))
        yield "leet", substitute(rng, label, LEET, rng.randint(1, 2))
        yield "idn", substitute(rng, label, letters, rng.randint(1, 4))
        yield "idn+shape", substitute(rng, substitute(rng, label, letters, 1), SHAPES, 1)
        at = rng.randint(1, len(label) - 1)
        yield "hyphen", label[:at] + "-" + label[at:]
        yield "hyphen+edit", (lambda w, k: w[:k] + "-" + w[k:])(rng.choice(one_edit), rng.randint(1, len(label) - 2))
        yield "shape+edit", substitute(rng, rng.choice(one_edit), SHAPES, 1)
    if len(label) >= 12:
        for _ in range(200):
            yield "edit+edit", rng.choice(sorted(edits(rng.choice(one_edit))))


def affixed(rng, technique, word):
    """What stands around the word: keyword or foreign word, in front or behind, hyphen or glued or a label of its own."""
    for kind, words in (("keyword", SERVICE), ("foreign", FOREIGN)):
        affix = rng.choice(words)
        for join in ("-", "", "."):
            if "xn" in technique:
                continue
            how = {"-": "hyphen", "": "glued", ".": "label"}[join]
            front = affix + join + word if join != "." else None
            for name in (word + join + affix, front):
                if name:
                    yield f"{technique} {kind} {how}", name


def composed_names(path, domains):
    letters = confusable_letters(path)
    for domain in domains:
        rng = random.Random(domain)
        label = domain.split(".")[0]
        dashed = domain.replace(".", "-")
        rows = [("plain", label)]
        rows += list(variants(rng, label, letters))
        for technique, word in rows:
            if word == label and technique != "plain":
                continue
            yield technique, domain, f"{word}.{rng.choice(ZONES)}"
            if technique == "plain" or rng.random() < 0.1:
                for name in affixed(rng, technique, word):
                    yield name[0], domain, f"{name[1]}.{rng.choice(ZONES)}"
        for affix in SERVICE[:5] + FOREIGN[:5]:
            yield "official as labels", domain, f"{domain}.{affix}.{rng.choice(ZONES)}"
            yield "official as labels", domain, f"{domain}-{affix}.{rng.choice(ZONES)}"
            yield "official with hyphens", domain, f"{dashed}-{affix}.{rng.choice(ZONES)}"
            yield "official with hyphens", domain, f"{affix}-{dashed}.{rng.choice(ZONES)}"
            yield "official glued", domain, f"{domain.replace('.', '')}-{affix}.{rng.choice(ZONES)}"
            yield "deeper label", domain, f"{label}.{affix}.{rng.choice(ZONES)}"


def to_ascii(name):
    try:
        return ".".join(part if part.isascii() else "xn--" + part.encode("punycode").decode() for part in name.split("."))
    except UnicodeError:
        return None


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("dnstwist", "composed"):
        sys.exit(__doc__)
    names = dnstwist_names(sys.argv[2:]) if sys.argv[1] == "dnstwist" else composed_names(sys.argv[2], sys.argv[3:])
    seen = set()
    for technique, domain, name in names:
        name = to_ascii(name)
        labels = name.split(".") if name else [""]
        fits = name and len(name) <= 253 and all(0 < len(part) <= 63 and part.strip("-") == part for part in labels)
        if not fits or name == domain or name.endswith("." + domain) or name in seen:
            continue
        seen.add(name)
        print(sys.argv[1], technique, domain, name, sep="\t")


main()
