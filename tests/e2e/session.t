#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program that nobody tamed, and a person who types by guess."""
import os
import re
import resource
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (diag, done, equal, heapsh, ok, python,  # noqa: E402
                    pythons, values, SMOKE)

KEYS = [r"'\x1b]0;owned\x07\x1b[31mred\u202e'", r"b'\xff\x1b'", "3.5", "True",
        "None", "(1, 'a')", '"it\'s"', "-7", "'ключ'", "''"]
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def error(f, line, sentence, remedy, name):
    r = heapsh(["attach", f.pid], [line])
    d = r.results[-1]
    at = re.compile("0x[0-9a-f]+")
    equal((r.status, at.sub("@", d.get("message", "")), d.get("remedy")),
          (1, sentence, remedy), name)


def by_name(f):
    r = heapsh(["attach", f.pid], ["d[%s]" % k for k in KEYS])
    equal([x.get("value") for x in r.results],
          [str(i + 1) for i in range(len(KEYS))], "keys of every kind")
    r = heapsh(["attach", f.pid],
               ["threads[0].frames[0].locals['x']", "frames[0].locals['x']",
                "threads['日本'].frames[3].locals['arg']",
                "threads[0].frames[0].locals['x'][0].n"])
    equal([x.get("address") for x in r.results[:2]], [hex(f.truth["x"])] * 2,
          "a local, by thread and by frame")
    equal(values(r)[3], "'local'", "an attribute of an item of a local")
    ok(values(r)[2].isdigit() or "no variable" in values(r)[2],
       "a thread by its name")


def guesses(f):
    error(f, "plain.__dict__", "__main__.Plain at @: .__dict__ is not stored: "
          "the program makes it when asked", "show OBJ, for what is stored",
          "an attribute that is made when asked is not its own remedy")
    error(f, "generator.gi_frame", "generator at @: .gi_frame is not stored: "
          "the program makes it when asked", "show OBJ, for what is stored",
          "nor that of a generator")
    error(f, "plain.nn", "__main__.Plain at @ has no attribute nn",
          "n",
          "an attribute, a near one")
    error(f, "rude.x", "__main__.Rude at @ has no attribute x",
          "show OBJ, for what it has",
          "no __getattr__ is run")
    nowhere = ": no variable, no set word, and the program has no such name"
    error(f, "BASKET", "BASKET" + nowhere, "shop.basket.BASKET",
          "a name of another module")
    error(f, "asizeof BASKET", "BASKET" + nowhere, "shop.basket.BASKET",
          "the same as an argument")
    error(f, "wide|head -3", "head" + nowhere,
          "a blank before | makes it a pipe: … | head", "a pipe, no blank")
    at = heapsh(["attach", f.pid], ["table"]).results[0]["address"]
    error(f, "table['a']", "__main__.Table at @ has no item ['a']",
          "call %s.__getitem__('a')" % at, "an item that code makes")
    r = heapsh(["attach", f.pid], ["call %s.__getitem__('a')" % at])
    equal(values(r), ["'made of a'"], "and that is to be typed")
    error(f, "call table.memory_usage()",
          "call table.memory_usage: ValueError: not now", None,
          "what is the program's own is no other tool's word")
    error(f, "heap.unreachable", "a set has no attribute unreachable", "heapu",
          "what roots do not reach")
    for line in ("text[0]", "text[0:3]"):
        error(f, line, "str at @ has no items: its characters are not "
              "objects", "show OBJ", line)


def hostile(f):
    lines = ["threads", "evil", "show evil", "d", "show d", "rude", "frames",
             "asized evil detail=2", "evil.zz", "heap & Evil", "named_refs d",
             "find type~mil", "threads[1]", "d['%s']" % "\x1b[2J"]
    r = heapsh(["attach", f.pid], lines, form=None)
    bad = CONTROL.search(r.out + r.err)
    ok(not bad, "no control character of the program is printed") or \
        diag(repr((r.out + r.err)[bad.start() - 50:bad.start() + 20]))
    ok("m\\x1bod.Ev\\x1b[31mil\\n\\u202e" in r.out, "they are shown escaped")


def used():
    """Processor time of what has been run, whatever else the machine does."""
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def deep(f):
    start = used()
    r = heapsh(["attach", f.pid],
               ["asizeof deep", "asizeof nest", "find value~no-such-text",
                "asized deep detail=2", "len(heap & __main__.Plain)",
                "wide[99999].n", "wide[-1].n"])
    got = values(r)
    equal(int(got[0]), 200000 * f.truth["deep"] + f.truth["empty"],
          "a nest of 200,000 lists is summed")
    equal(r.results[2].get("count"), 0, "and searched")
    equal([str(x) for x in got[4:]], ["100006", "99999", "99999"],
          "a wide list")
    ok(used() - start < 40, "in bounded time")


def programs_rows(f):
    r = heapsh(["attach", f.pid], ["heap", "refs wide", "set rows=3", "heap"])
    rows = [len(x.get("rows", [])) for x in r.results]
    ok(rows[0] > 10, "JSON has more rows than a person's page")
    equal((rows[1], r.results[1]["more"]), (1000, 99000), "a thousand")
    equal(rows[-1], 3, "or as many as were asked for")


def bad_plugin(f, name, signal):
    """It dies while the process is looked at: said, left out, and all works."""
    where = os.path.join(os.environ["abs_top_builddir"], "tests", "plugins",
                         ".libs", name + ".so")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(where, folder)
        r = heapsh(["attach", f.pid, "--plugin-path", folder],
                   ["plugins"] + ["plain.n"] * 1000)
    said = [d.get("message", "") for d in r.docs] + [r.err]
    ok(any("the engine was killed by signal %d" % signal in x and
           "'%s'" % name in x for x in said), name + ": what died of what")
    equal((r.status, values(r)[-1000:]), (0, ["5"] * 1000),
          name + ": a thousand further commands work")


def looping_plugin(f):
    """Nobody interrupts it: it is ended after a while, and said."""
    where = os.path.join(os.environ["abs_top_builddir"], "tests", "plugins",
                         ".libs", "loop_in_open.so")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(where, folder)
        r = heapsh(["attach", f.pid, "--plugin-path", folder, "--plugin",
                    "loop_in_open"], ["heap"])
    equal(r.status, 3, "a plugin that loops: not attached")
    ok("'loop_in_open'" in r.out + r.err and "after 15 s" in r.out + r.err,
       "a plugin that loops: it is named")


version, path = pythons()[-1]
with python(path, "newcomer.py") as f:
    for part in (by_name, guesses, hostile, deep, programs_rows):
        part(f)
    bad_plugin(f, "crash_in_malloc", 6)
    bad_plugin(f, "crash_in_probe", 11)
    if not SMOKE:
        looping_plugin(f)
    equal(f.end()[0], 0, "the program ends well")
done()
