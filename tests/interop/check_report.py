"""Reads reports as others would: check_report.py schema SCHEMA FILE... | csv FILE... | html FILE... ; exit status 1 and a sentence when one is wrong."""
import csv
import html.parser
import json
import re
import sys


def schema(path, *files):
    import jsonschema
    definition = json.load(open(path, encoding="utf-8"))
    validator = jsonschema.Draft202012Validator
    validator.check_schema(definition)
    for name in files:
        document = json.load(open(name, encoding="utf-8"))
        for error in validator(definition).iter_errors(document):
            sys.exit("%s: %s: %s" % (name, error.json_path, error.message[:300]))
        # the schema is closed: a member that it does not know is an error, so a renamed one is noticed
        assert not validator(definition).is_valid(dict(document, unknown=1))
        assert not validator(definition).is_valid({key: value for key, value in document.items() if key != "coverage"})


def rows(*files):
    for name in files:
        with open(name, encoding="utf-8", newline="") as stream:
            table = list(csv.reader(stream, strict=True))
        assert len(table) > 1, "no rows"
        for row in table:
            assert len(row) == len(table[0]), "%s: a row of %d cells in a table of %d" % (name, len(row), len(table[0]))
            for cell in row:
                assert not re.match(r"[=+\-@\t\r]", cell), "%s: a cell that a spreadsheet would run: %r" % (name, cell)


class Page(html.parser.HTMLParser):
    """What a reader of HTML that is not ours finds: no scripts, no handlers, nothing fetched."""
    VOID = {"meta", "br", "img", "line"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.levels, self.text = [], [], [], []

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "iframe", "object", "embed", "link", "base", "form", "input", "foreignobject"):
            self.wrong.append("<%s>" % tag)
        for name, value in attributes:
            if name.startswith("on") or name in ("style", "srcdoc", "xlink:href", "action"):
                self.wrong.append("%s=%s" % (name, value))
            if name in ("href", "src") and not (value or "").startswith(("#", "data:image/")):
                self.wrong.append("%s=%s" % (name, value))
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append("</%s> does not close what is open" % tag)

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


def pages(*files):
    for name in files:
        page = Page()
        page.feed(open(name, encoding="utf-8").read())
        page.close()
        assert not page.open, "%s: not closed: %s" % (name, page.open)
        assert not page.wrong, "%s: %s" % (name, page.wrong[:5])
        assert page.levels[0] == 1 and page.levels.count(1) == 1, "%s: not one first heading" % name
        for before, after in zip(page.levels, page.levels[1:]):
            assert after <= before + 1, "%s: a heading of level %d follows one of level %d" % (name, after, before)
        text = "".join(page.text)
        assert not re.search(r"(?<![\w.\]])(www|drive|login)[\w-]*\.\w+\.?(com|online|example)\b", text), "%s: a name that is not defanged" % name
        assert not re.search(r"https?://", re.sub(r"https?://[^\s/]*\[\.\]", "", text).replace("https://127", "")) or "hostile" in name, "%s: an address to click" % name


if __name__ == "__main__":
    {"schema": schema, "csv": rows, "html": pages}[sys.argv[1]](*sys.argv[2:])
