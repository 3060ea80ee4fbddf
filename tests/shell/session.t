#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One session on a terminal with the real engine and a CPython whose names and
texts would steer the terminal."""
import os
import re
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import HEAPSH, diag, done, equal, ok, python, wait_for  # noqa: E402
from terminal import Terminal  # noqa: E402

ROW = re.compile(r"^ *\d+ +\d+ +\d+ +\d+ +\d+ +\d+ +\d+ \S", re.M)


def engine_of(shell):
    """pid of the engine that the shell has started."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                parent = int(f.read().rpartition(")")[2].split()[1])
            with open("/proc/%s/cmdline" % pid) as f:
                words = f.read().split("\0")
        except OSError:
            continue
        if parent == shell and words[1:2] == ["--engine"]:
            found.append(int(pid))
    return found[0]


def stopped(pid):
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rpartition(")")[2].split()[0] == "T"


def cancelled(shell):
    """The word that Ctrl-C sets, second of struct hs_shared."""
    fds = "/proc/%d/fd/" % shell
    for fd in os.listdir(fds):
        if "heapsh-shared" in os.readlink(fds + fd):
            with open(fds + fd, "rb") as f:
                return f.read(8)[4:] != bytes(4)


def look(t, fixture):
    first = t.ask("heap")
    ok(len(ROW.findall(first)) == 10 and "more rows. Type e.g." in first,
       "heap: ten rows and how to see more")
    second = t.ask("_.more")
    ok(len(ROW.findall(second)) == 10 and not
       set(ROW.findall(first)) & set(ROW.findall(second)), "_.more: the next")
    t.type("\x1b[A\x1b[A\n")
    equal(t.prompt().split("\n")[1:4], first.split("\n")[:3],
          "arrow up twice: heap again")
    ok(fixture.truth["mine"] in t.ask("__main__.mine"),
       "text that is not ASCII is whole")
    for line in ("asized __main__.accounts detail=2", "show __main__.accents",
                 "heap | cat", "asized __main__.accents detail=2",
                 "heap.bytype", "iso(__main__.accounts[0]).byid",
                 "__main__.accents", "__main__.accounts[0].value"):
        t.ask(line)
        ok("heapsh:" not in t.seen[-400:], line)


def complete(t):
    t.type("__main__.acc\t")
    t.until("accents")
    t.until("__main__.acc$")
    t.type("ou\t")
    t.until("nts $")
    t.type("\x15\n")
    t.prompt()
    ok(True, "Tab after __main__. completes and lists names of the program")
    t.type("__main__.accounts[0].\t\t")
    seen = t.until("value")
    t.type("\x15\n")
    seen += t.prompt()
    ok("__class__" not in seen, "no __methods__ where none was begun")
    t.type("__main__.accounts[0].__cla\t")
    t.until("__class__ $")
    t.type("\x15__main__['ke\t\tz\n")
    seen = t.prompt()
    ok("['kez" in seen, "within a text no names") or diag(seen)


def interrupt(t):
    # The engine finds the word set when it begins.
    engine = engine_of(t.pid)
    os.kill(engine, signal.SIGSTOP)
    wait_for(lambda: stopped(engine), "the engine is stopped")
    t.type("(heap & str).bysize\n")
    t.until("bysize\r\n")
    typed = [0]

    def arrived():
        # Before the shell has sent the line, Ctrl-C is of the line before.
        if time.monotonic() - typed[0] > 1:
            t.type("\x03")
            typed[0] = time.monotonic()
        return cancelled(t.pid)

    wait_for(arrived, "Ctrl-C has arrived")
    os.kill(engine, signal.SIGCONT)
    ok("heapsh: interrupted" in t.prompt() and engine_of(t.pid) == engine,
       "Ctrl-C in a command ends it, and not the engine")
    ok("Partition" in t.ask("heap"), "and answers")


def kill_engine(t):
    t.ask("kept = heap")
    os.kill(engine_of(t.pid), signal.SIGKILL)
    text = t.prompt()
    ok("variables and results are lost" in text, "an engine that is killed is "
       "missed at once")
    ok("no such name" in t.ask("kept"), "variables are lost")
    ok("Partition" in t.ask("heap"), "the instant is not")


with tempfile.TemporaryDirectory() as folder:
    env = dict(os.environ, LC_ALL="C.UTF-8", HOME=folder, TERM="xterm",
               XDG_STATE_HOME="")
    with python(sys.executable, "steering.py") as fixture:
        term = Terminal([HEAPSH, "attach", str(fixture.pid)], folder, env,
                        r"%d @1 [0-9]+[sm]>" % fixture.pid, rows=200,
                        columns=160)
        ok("Attached to %d" % fixture.pid in term.prompt(), "attach")
        look(term, fixture)
        complete(term)
        interrupt(term)
        kill_engine(term)
        term.type("quit\n")
        equal(term.end(), 0, "quit")
        ok(term.is_safe(), "no control character of the program's came "
           "through")
        equal(fixture.end(), (0, "unharmed"), "and it never noticed")
done()
