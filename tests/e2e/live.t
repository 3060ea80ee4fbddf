#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""call … live=1: the program itself makes the call, once, and answers what it
answers to itself; what must not be is refused, and has not happened."""
import os
import random
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (SMOKE, Shell, done, equal, heapsh,  # noqa: E402
                    kill_within, listens, ok, python, pythons, skip)

PROBE = os.path.join(os.environ.get("abs_top_builddir", "."),
                     "heapsh-probe.so")
KILLS = 4 if SMOKE else 16
YES = " live=1 yes=1 wait=60s"

CALLS = [
    "grow(7)", "grow('caf\u00e9')", "grow(b'\\x00\\xff')",
    "grow((1, (2.5, None), True))", "account.add(3)",
    "account.add(amount=-4, times=2)", "account(1, x='y')",
    "account(text, number, n=number)", "Account(1, 2.25)", "grow(account)",
    "len(text)", "str(number)",
]
NATIVE = [
    ('"size_t (const char *)" strlen "12345"', 5),
    ('"double (double, double)" libm.so.6:pow 2 10', 1024.0),
    ('"long (const char *, void *, int)" strtol "-77" None 10', -77),
    ('"int (char *, size_t, const char *, ...)" snprintf None 0 "%d-%s" 42 '
     '"abc"', 6),
    ('"struct { int q; int r; } (int, int)" div 17 5', [3, 2]),
    ('"int (const char *, const char *, int)" setenv "LIVE_SET" "it is" 1', 0),
    ('"char * (const char *)" getenv "LIVE_SET"', "it is"),
    ('"void * (void *)" PyObject_Type (__main__.account)', None),
]
# What a call comes to that is not made, in this order, with the remedy.
REFUSED = [
    ("raises()", r"tried in a copy, it raises ValueError: no caf"),
    ("crashes()", r"tried in a copy, it crashed with signal 11"),
    ("loops() limit=200ms", r"tried in a copy, it was ended after [\d.]+ s"),
    ("waits()", r"tried in a copy, it waits for a lock that nobody"),
    ("exits()", r"tried in a copy, it has called exit\(3\)"),
    ("opens()", r"tried in a copy, it wanted openat, which a copy may not"),
    ("account.nobody()", r"has no attribute nobody"),
    ("grow(heap)", r"an argument is of the shell"),
]


def loaded(path, kind="idle", n=0):
    return python(path, "live.py", kind, str(n), env={"LD_PRELOAD": PROBE})


def said(d):
    v = d.get("value", d.get("message"))
    return [said(x) for x in v] if isinstance(v, list) else v


def calls(version, path, kind):
    """Twice the same program: in one heapsh calls, the other calls itself."""
    what = "%s, %s" % (version, kind)
    with loaded(path, kind) as f, loaded(path, kind) as own:
        got = [said(d) for d in
               heapsh(["attach", f.pid],
                      ["call " + c + YES for c in CALLS]).results]
        want = [own.ask("eval " + c) for c in CALLS]
        equal(got, want, "%s: %d calls answer what they answer to itself"
              % (what, len(CALLS)))
        mine, its = f.ask("state"), own.ask("state")
        equal(mine, its, "%s: each has happened, once, in order" % what)
        equal(f.end(), (0, "same"), "%s: the program is unharmed" % what)


def native(version, path):
    with loaded(path) as f:
        got = [said(d) for d in heapsh(["attach", f.pid], [
            "call " + c + YES for c, _ in NATIVE]).results]
        want = [w for _, w in NATIVE]
        equal([type(got[-1]), got[:-1]], [int, want[:-1]],
              "%s: %d functions of C" % (version, len(NATIVE)))
        equal(f.ask("state")["env"], "it is",
              "%s: what one has changed is changed" % version)
        equal(f.end(), (0, "same"), "%s: unharmed by them" % version)


def refused(version, path):
    with python(path, "live.py", "idle", "0") as f:
        d = heapsh(["attach", f.pid], [
            "call grow(1) live=1", "call grow(1)" + YES,
            "call grow(1) yes=1"]).results
        ok("should it crash, hang or exit, so does the program" in
           d[0]["message"] and d[0]["remedy"] == "the same with yes=1",
           "%s: not without an explicit yes" % version)
        ok("has not loaded heapsh-probe.so" in d[1]["message"] and
           d[1]["remedy"] == "probe load yes=1",
           "%s: not without the probe" % version)
        ok("are of live=1" in d[2]["message"], "%s: yes to what?" % version)
        equal(f.ask("state"), f.truth, "%s: nothing was called" % version)
        d = heapsh(["attach", f.pid], ["probe load yes=1 wait=60s",
                                       "call grow(1)" + YES]).results
        equal(said(d[-1]), "(True, 1)", "%s: after probe load" % version)
    with loaded(path) as f:
        d = heapsh(["attach", f.pid],
                   ["call " + c + YES for c, _ in REFUSED]).results
        wrong = [(c, x) for (c, want), x in zip(REFUSED, d)
                 if x["type"] != "error" or not re.search(want, x["message"])]
        equal(wrong, [], "%s: %d calls are refused" % (version, len(REFUSED)))
        equal(f.ask("state"), f.truth, "%s: and are not made" % version)
        d = heapsh(["attach", f.pid], [
            "call opens() refused=1" + YES, "call fails()" + YES,
            "call mute()" + YES, "call grow(2)" + YES]).results
        equal([said(x) for x in d], [
            "True",
            "call fails: KeyError: 'only now'; it was called in the program "
            "itself",
            "call mute: it was called in the program itself; its result has "
            "no text: RuntimeError: no text", "(True, 1)"],
            "%s: what cannot be known before is told" % version)
        equal(f.ask("state")["log"],
              ["('opens',)", "('fails',)", "('mute',)", "('grow', 2)"],
              "%s: and was made once" % version)
        equal(f.end(), (0, "same"), "%s: it is unharmed" % version)


def gone(version, path):
    """An object that is given up between two lines."""
    with loaded(path) as f:
        shell = Shell(f.pid)
        shell.say("x = kept[0]")
        equal(said(shell("call x.add(1)" + YES)), "Account(7, 1)",
              "%s: an object of the shell" % version)
        f.ask("drop")
        d = shell("call x.add(2)" + YES)
        ok("has gone since this instant" in said(d),
           "%s: one that has gone: %s" % (version, said(d)))
        d = shell("call grow(x)" + YES)
        ok("has gone since this instant" in said(d),
           "%s: nor is it an argument" % version)
        shell.end()
        equal(f.ask("state")["log"], ["('add', 1, 1)"],
              "%s: it was called once" % version)
        equal(f.end(), (0, "same"), "%s: the program goes on" % version)


def blocked(version, path):
    """A main thread that runs no Python code is not made to."""
    with loaded(path, "blocked") as f:
        shell = Shell(f.pid)
        for n in range(2):
            f.listens()
            d = shell("call grow(1) live=1 yes=1 wait=200ms")
            ok("no safe point; it was taken back" in said(d),
               "%s: blocked: %s" % (version, said(d)))
            equal(f.ask("state"), f.truth,
                  "%s: nor is it called when it runs again" % version)
        shell.end()
        equal(f.end(), (0, "same"), "%s: the blocked one ends" % version)


def slow(version, path):
    """A call that does not come back in its time."""
    with loaded(path) as f:
        shell = Shell(f.pid)
        for _ in range(30):
            d = shell("call slow() live=1 yes=1 refused=1 wait=1s")
            if "no safe point" not in said(d):
                break
        ok("has begun and has not come back yet" in said(d),
           "%s: it runs on: %s" % (version, said(d)))
        d = shell("call grow(1)" + YES)
        ok("still in an earlier call" in said(d), "%s: one at a time" % version)
        shell("snap")
        rows = dict(map(tuple, shell("probe status")["rows"]))
        equal(rows.get("features"), "a call is being made",
              "%s: probe status says so" % version)
        f.say("go on")
        equal(f.ask("state")["log"], ["('slow',)"],
              "%s: it was made once" % version)
        equal(said(shell("call grow(2)" + YES)), "(True, 1)",
              "%s: and the next works" % version)
        shell.end()
        equal(f.end(), (0, "same"), "%s: the slow one ends" % version)


def killed(version, path):
    """heapsh is killed at any moment of it: the call is made once or never."""
    random.seed(5)
    with loaded(path, "busy", 2) as f:
        odd, made = [], 0
        for n in range(KILLS):
            kill_within(f.pid, "call grow(%d)%s" % (n, YES), 0.05, 0.4)
            log = f.ask("state")["log"]
            mine = [x for x in log if x == "('grow', %d)" % n]
            made += len(mine)
            if len(mine) > 1:
                odd.append((n, log))
        # A call that was under way is made at once or never.
        d = heapsh(["attach", f.pid], ["call grow('last')" + YES]).results[0]
        log = f.ask("state")["log"]
        equal((odd, len(set(log)), said(d)),
              ([], len(log), "(True, %d)" % len(log)),
              "%s: killed %d times, %d calls were made, none twice"
              % (version, KILLS, made))
        equal(f.end(), (0, "same"), "%s: and it ends well" % version)


def many_threads(version, path):
    with loaded(path, "idle", 1000) as f:
        got = [said(d) for d in heapsh(["attach", f.pid], [
            "call grow(1)" + YES, "call grow(2)" + YES]).results]
        equal(got, ["(True, 1)", "(True, 2)"],
              "%s: among 1000 threads" % version)
        equal(f.end(), (0, "same"), "%s: they end well" % version)


def no_safepoint():
    """A runtime that has none for us."""
    lua = shutil.which("lua5.4")
    if not lua:
        skip("Lua has no safe point", "there is no lua5.4")
        return
    with subprocess.Popen([lua, "-e", "io.read()"], stdin=subprocess.PIPE,
                          env=dict(os.environ, LD_PRELOAD=PROBE)) as p:
        listens(p.pid)
        d = heapsh(["attach", p.pid],
                   ['call "int ()" getpid' + YES]).results[0]
        ok("no safe point of this runtime is known; nothing was changed" in
           said(d), "Lua: %s" % said(d))
        ok(p.poll() is None, "Lua goes on")
        p.stdin.close()


every = pythons()
for version, path in every:
    calls(version, path, "idle")
    native(version, path)
    gone(version, path)
    blocked(version, path)
for version, path in {every[0], every[-1]}:
    refused(version, path)
calls(*every[0], "busy")
slow(*every[-1])
killed(*every[-1])
many_threads(*every[-1])
no_safepoint()
done()
