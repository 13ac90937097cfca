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


def take_mail(port_file, out):
    """Takes one mail as a server would, and writes it down with who it is for."""
    import socket
    with socket.create_server(("127.0.0.1", 0)) as server:
        with open(port_file + ".new", "w", encoding="ascii") as stream:
            stream.write(str(server.getsockname()[1]))
        import os
        os.rename(port_file + ".new", port_file)
        connection = server.accept()[0]
    lines, recipients = connection.makefile("rb"), []
    connection.sendall(b"220 mail.test\r\n")
    for line in lines:
        word = line.split()[0].upper() if line.split() else b""
        if word == b"RCPT":
            recipients.append(line.split(b"<")[1].split(b">")[0].decode())
        if word == b"DATA":
            connection.sendall(b"354 go\r\n")
            body = []
            for text in lines:
                if text == b".\r\n":
                    break
                body.append(text[1:] if text.startswith(b"..") else text)
            with open(out + ".new", "wb") as stream:
                stream.write(",".join(recipients).encode() + b"\n" + b"".join(body))
            os.rename(out + ".new", out)
        connection.sendall(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
        if word == b"QUIT":
            break


def mail(path, recipients, *files):
    """The mail went to these, and its attachments are these files."""
    import email
    import email.policy
    import os
    data = open(path, "rb").read()
    to, text = data.split(b"\n", 1)
    assert to.decode() == recipients, to
    message = email.message_from_bytes(text, policy=email.policy.default)
    assert message.get_content_type() == "multipart/mixed" and not message.defects, message.defects
    attached = list(message.iter_attachments())
    assert [part.get_filename() for part in attached] == [os.path.basename(name) for name in files], [part.get_filename() for part in attached]
    for part, name in zip(attached, files):
        assert part.get_payload(decode=True) == open(name, "rb").read(), name
    assert message.get_body(("plain",)) is not None and message.get_body(("html",)) is not None
    assert all(len(line) <= 998 for line in text.splitlines())


if __name__ == "__main__":
    {"take-mail": take_mail, "mail": mail, "schema": schema, "csv": rows, "html": pages}[sys.argv[1]](*sys.argv[2:])
