#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell on a terminal: what a person types and sees. The engine is a fake
one; what lies behind the pty is read as a terminal would read it."""
import os
import re
import signal
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from fakeshell import Shell  # noqa: E402
from hstest import diag, done, equal, ok, wait_for  # noqa: E402
from terminal import Terminal  # noqa: E402

PROMPT = "4711 @1 3m>"


def open_(sh, *args, env=None, **kw):
    return Terminal([sh.heapsh] + list(args), folder=sh.folder,
                    env=dict(sh.env, **(env or {})),
                    prompt=re.escape(PROMPT), **kw)


def start(sh, *args, **kw):
    t = open_(sh, *(args or ("attach", "4711")), **kw)
    t.first = t.prompt()
    return t


def lines(sh):
    t = start(sh)
    ok("Attached to 4711 (python3 app.py): CPython 3.11.2 · RSS 131 MiB · "
       "paused 3.1 ms\n" in t.first, "attach says one line")
    equal(t.ask("number"), "1\n", "a line is run, and the prompt comes back")
    equal(t.ask("echo é日本"), "é日本\n", "what is not ASCII stays whole")
    ok("h\x1b" not in t.ask("heap") and "str\n" in t.seen.replace("\r", ""),
       "a table")
    t.type("numbex\x7fr\n")
    ok("4\n" in t.prompt(), "a line can be edited")
    t.type("\x1b[A\x1b[A\n")
    ok("Partition of a set" in t.prompt(), "arrow up brings a line back")
    t.type("\x04")
    equal(t.end(), 0, "Ctrl-D ends it")
    ok(sh.log("quit"), "and the program is given back")
    with open(os.path.join(sh.folder, ".local/state/heapsh/history")) as f:
        history = f.read().splitlines()
    equal(history[:2], ["number", "echo é日本"], "lines are in the history")
    mode = os.stat(os.path.join(sh.folder, ".local/state/heapsh/history"))
    equal(mode.st_mode & 0o077, 0, "which nobody else may read")
    t = start(sh)
    t.type("\x1b[A\x1b[A\x1b[A\x1b[A\n")
    ok("é日本\n" in t.prompt(), "and the next shell has them")
    t.type("quit\n")
    equal(t.end(), 0, "quit ends it")


def completion(sh):
    t = start(sh)
    t.type("asizeof __main__.c\t")
    t.until("__main__.cache ")
    ok(True, "Tab completes a name of the program")
    equal(sh.log("complete")[-1]["line"], "asizeof __main__.c",
          "the engine is asked")
    t.type("\x15x; echo __main__.ac\t\t")
    text = t.until(r"__main__.acc")
    t.type("\t")
    text += t.until(r"accents[^>]*> *(\x1b\[0m)? *x; echo __main__\.acc")
    ok("__main__.accents" in text and "__main__.accounts" in text,
       "a second Tab lists what is possible")
    equal(sh.log("complete")[-1]["line"], "echo __main__.acc",
          "of the command that the cursor is in")
    t.type("\x15echo h\xe9\t")
    t.until("héros ")
    ok(True, "completion of what is not ASCII")
    t.type("\x15\x1b[31\t\x15echo \t\t")
    t.until("31mred")
    t.type("\x15number > " + sh.folder + "/hea\t")
    t.until("heapsh")
    ok(True, "behind > it completes files")
    t.type("\x15number | gre\tp")
    t.until("grep")
    ok(True, "behind | it completes programs")
    t.type("\x15quit\n")
    t.end()
    ok(t.is_safe(), "no control character of a name reaches the terminal")


def interrupts(sh):
    sh.clear_log()
    t = start(sh)
    t.type("half a line\x03")
    t.prompt()
    equal(t.ask("number"), "1\n", "Ctrl-C at the prompt drops the line")
    t.type("sleep\n")
    wait_for(lambda: sh.log("sleeping"), "the command runs")
    before = time.monotonic()
    t.type("\x03")
    ok("heapsh: interrupted\n" in t.prompt() and
       time.monotonic() - before < 10, "Ctrl-C in a command ends it at once")
    equal(t.ask("number"), "3\n", "and the shell goes on")
    t.type("hang\n")
    wait_for(lambda: sh.log("hanging"), "the command runs")
    t.type("\x03")
    text = t.prompt()
    ok("gave no answer within 2 s" in text and "Attached to 4711" in text,
       "an engine that does not answer is replaced")
    text = t.ask("crash p")
    ok("killed by signal 11" in text and "plugin 'p'" in text,
       "an engine that crashes is replaced")
    equal(t.ask("number"), "6\n", "and the shell goes on again")
    t.type("num")
    t.until("num")
    t.type("\x1a")
    wait_for(lambda: stopped(t.pid), "Ctrl-Z stops it")
    os.kill(t.pid, signal.SIGCONT)
    t.until(PROMPT + ".*num")
    equal(t.ask("ber"), "7\n", "Ctrl-Z stops it, and the line goes on")
    t.type("\x04")
    equal(t.end(), 0, "it ends as ever")


def stopped(pid):
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rpartition(")")[2].split()[0] == "T"


def hostile(sh):
    t = start(sh, rows=60)
    t.ask("nasty")
    t.ask("badjson")
    t.type("later\n")
    t.prompt()
    open(sh.path("now"), "w").close()
    t.until("later: ")
    t.until("ttab")
    t.prompt()
    ok(True, "words that come while one types are shown above the prompt")
    t.type("quit\n")
    t.end()
    ok(t.is_safe(), "no control character of the target's comes through")


def long_results(sh):
    t = start(sh, rows=10)
    t.type("long 100\n")
    t.until(" 5")
    t.until(":")
    t.type("q")
    ok("\n99" not in t.prompt(), "what is longer than the screen is paged")
    t.type("quit\n")
    t.end()
    t = start(sh, "attach", "4711", "--no-pager", rows=10)
    ok("\n99\n" in t.ask("long 100"), "--no-pager")
    ok("\n99\n" in t.ask("long 100 | cat"), "a pipe is not paged")
    t.type("quit\n")
    t.end()
    t = start(sh, rows=10, env={"PAGER": "tr 9 X"})
    ok("\nX8\n" in t.ask("long 100"), "$PAGER")
    t.type("quit\n")
    t.end()


def progress(sh):
    t = start(sh)
    t.type("progress\n")
    text = t.until("left|swept")
    ok(re.search(r"swe\\x1bping: \d+ of 2000000 objects, \d+ %, "
                 r"[0-9.]+ k/s, [0-9.]+ m?s left", text),
       "after a second a line says how far it is") or diag(repr(text))
    open(sh.path("seen"), "w").close()
    t.prompt()
    ok(re.search("\r\x1b\\[Kswept\r\n", t.seen), "and is erased") or \
        diag(repr(t.seen[-300:]))
    t.type("quit\n")
    t.end()
    ok(t.is_safe(), "without a control character of the engine's")


def modes(sh):
    t = start(sh)
    before = termios.tcgetattr(t.fd)
    os.kill(t.pid, signal.SIGTERM)
    t.until("\x1b\\[\\?2004l")
    wait_for(lambda: termios.tcgetattr(t.fd)[3] & termios.ECHO,
             "echo is on again")
    ok(not before[3] & termios.ECHO, "SIGTERM at the prompt: the terminal is "
       "as it was")
    equal(t.end(), 143, "and the status says so")
    t = open_(sh, "demo")
    text = t.prompt()
    equal(len(re.findall("^    \\S", text, re.M)), 3,
          "demo suggests three things to type")
    hello = sh.log("hello")[-1]["hello"]
    ok(hello["wait_line"] and hello["end_child"] and
       hello["argv"][1].endswith("/demo/leaky.py"), "demo runs leaky.py")
    t.type("quit\n")
    t.end()


with Shell() as shell:
    os.makedirs(shell.path("share/demo"))
    with open(shell.path("share/demo/leaky.py"), "w"):
        pass
    for part in (lines, completion, interrupts, hostile, long_results,
                 progress, modes):
        part(shell)
done()
