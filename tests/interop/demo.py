#!/usr/bin/env python3
"""The demonstration as a person sees it: on a terminal, findings in words within seconds, and Ctrl-C that leaves nothing behind."""
import os
import pty
import re
import select
import signal
import time

from harness import CTWATCH, DEMO_PLANT, FAKELOG, ROOT, check, directory, finish

WITHIN_S = 15


def start():
    """script/demo on a terminal of its own: its process id and the terminal's other end."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(CTWATCH_PROGRAM=CTWATCH, FAKELOG_PROGRAM=FAKELOG, DEMO_PLANT=DEMO_PLANT, TMPDIR=directory, TERM="xterm",
                          CTWATCH_STATE=os.path.join(directory, "not-for-the-demonstration"))
        os.execv(os.path.join(ROOT, "script", "demo"), ["demo"])
    return pid, terminal


def read_until(terminal, wanted, seconds):
    text, end = "", time.time() + seconds
    while time.time() < end and not re.search(wanted, text):
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                text += os.read(terminal, 65536).decode("utf-8", "replace")
            except OSError:
                break
            text = re.sub(r"\x1b\[[0-9;]*m", "", text)         # colours
    return text


def wait(pid, seconds):
    for _ in range(seconds * 20):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def running_below():
    """Processes whose command line names the working directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                command = file.read().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if directory in command:
            found.append(command)
    return found


pid, terminal = start()
text = read_until(terminal, r"(critical|high|medium) \d+  .*\n(.*\n)*?\s+Logged ", WITHIN_S)
check("it says what will be seen and how to stop", "Ctrl-C" in text and "Nothing here is real" in text, text[-500:])
check("a finding is told in words within %d s" % WITHIN_S, re.search(r"(critical|high|medium) \d+  \S+\[\.\]", text) is not None, text[-1500:])
check("with its reason and its log", re.search(r"\n    why .*", text) is not None and "Logged" in text, text[-1500:])
check("and not as JSON", '{"v":1' not in text, text[-500:])
time.sleep(1)
os.write(terminal, b"\x03")
rest = read_until(terminal, r"\0never\0", 2)
status = wait(pid, 8)
check("Ctrl-C ends it", status == 0, "exit %s: %s" % (status, rest[-500:]))
check("no process is left", not running_below(), str(running_below()))
check("no file is left", not os.listdir(directory), str(os.listdir(directory)))
finish()
