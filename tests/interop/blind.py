#!/usr/bin/env python3
"""What is not read is named: odd entries of a log list, and logs of which none answers, within half a minute and until one does."""
import copy
import json
import time
import urllib.parse

from harness import FakeLog, Watch, check, finish, path


def wait_for(condition, seconds):
    until = time.time() + seconds
    while not condition() and time.time() < until:
        time.sleep(0.5)
    return condition()


def odd_list(fake):
    """The fake log's list as bad days make it: a mark in front, an odd date, a twin, a state of tomorrow, an entry without a URL."""
    with open(fake.list_path, encoding="utf-8") as file:
        whole = json.load(file)
    corp = whole["operators"][0]
    twin = copy.deepcopy(corp["logs"][0])
    twin.update(description="Twin", state={"retired": {"timestamp": "2026-01-01T00:00:00Z"}})
    whole["operators"].append({"name": "Other", "logs": [twin]})
    corp["tiled_logs"][0]["state"] = {"archived": {"timestamp": "2026-01-01T00:00:00Z"}}
    del corp["logs"][1]["url"]
    corp["logs"][1]["description"] = "Broken"
    whole["log_list_timestamp"] = "2026-11-28 04:00:00 UTC"
    with open(path("odd.json"), "w", encoding="utf-8-sig") as file:
        json.dump(whole, file)
    return path("odd.json")


def incidents(watch):
    return [line["event"] for line in watch.lines() if line["event"].startswith("incident") and line["incident"]["class"] == "NO_LOG_ANSWERS"]


options = ["--logs", 3, "--api", "alternate", "--fast"]
fake = FakeLog("fake", *options)
watch = Watch("watch", fake, log_lists=[odd_list(fake)], rules=["tag53"])
port = urllib.parse.urlsplit(fake.url).port
fake.stop()

daemon = watch.start()
check("a warning within half a minute and a little", wait_for(lambda: "0 of 2 logs answer: " in watch.errors(), 45), watch.errors()[-500:])
check("the incident goes to the sinks", wait_for(lambda: incidents(watch) == ["incident.opened"], 10), str(incidents(watch)))
logs = {log["name"]: log for log in watch.json("logs")}
check("the twin is read once", "Twin" not in logs and len(logs) == 3, str(list(logs)))
check("a state of tomorrow is read under its name", [log["read"] for log in logs.values() if log.get("lifecycle") == "archived"] == [True], str(logs))
check("a broken entry is named with the rule", not logs["Broken"]["read"] and "url" in logs["Broken"]["why_not_read"], str(logs.get("Broken")))
status, text, _ = watch.command("logs")
check("logs shows it and the list", status == 0 and "breaks a rule" in text and "unsigned" in text, text)

again = FakeLog("again", *options, "--port", port)
check("it ends when a log answers", wait_for(lambda: incidents(watch) == ["incident.opened", "incident.closed"], 60), str(incidents(watch)))
daemon.terminate()
check("and the run in good order", daemon.wait(30) == 0 and watch.sanitizer_report() == "", watch.sanitizer_report())
again.stop()
finish()
