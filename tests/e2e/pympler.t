#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""compat=pympler against Pympler itself, in a copy of the same process, byte by
byte on many shapes; and against its rules, written down in the fixture, where
it cannot be imported: by the python itself, or from $HEAPSH_BENCH_PEERS, a
folder of packages. It is looked for, not required."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (Shell, diag, done, equal, int_of, ok,  # noqa: E402
                    python, pythons, skip)

OPTIONS = ("", "align=1", "limit=2", "limit=0", "align=16", "ignored=0")
OTHERS = ("frames", "infer", "derive")
STATS = ("asizeof %s stats=1", "asizeof %s stats=2 above=100",
         "asizeof %s stats=2 cutoff=30", "asizeof %s stats=1.03 above=50",
         "asizeof %s stats=1 cutoff=3 above=50", "asizesof %s stats=1",
         "asized %s stats=2 detail=1", "asizeof %s stats=3",
         "asizesof %s stats=3 above=100")
# Their texts are made by code of theirs, which is not run, or are not known:
# sizes are compared, lines are not.
TEXTS = {"namedtuple", "namedtuple_child", "counter", "chainmap", "userdict",
         "weak_values", "weak_keys",                            # Python
         "super", "array", "arrays", "memoryview", "weakproxy", "partial",
         "stat", "statvfs", "property_real", "classmethod", "struct"}
# How many items an iterator has left, only its own __length_hint__ tells.
HINTS = {"list_iterator", "dict_iterator", "set_iterator", "str_iterator",
         "str_iterator_wide", "tuple_iterator", "bytes_iterator",
         "bytearray_iterator", "reversed"}
# From 3.13 the class of a view of locals that there is not yet.
VIEWS = {"generator", "generator_new"}


# Each shape is all that Pympler says of it with code=1, too, but for these
# attributes that it asks for. The process has no object for them: asked for,
# the interpreter makes one of C data, or looks for one among its small ints.
LEFT_OUT = {
    "numbers of C, in the structure": [
        "code.co_argcount", "code.co_posonlyargcount", "code.co_nlocals",
        "code.co_kwonlyargcount", "code.co_stacksize", "code.co_flags",
        "code.co_firstlineno"],
    "decoded from co_linetable, from 3.10": ["code.co_lnotab"],
    "taken from the instructions as they run, from 3.11": ["code.co_code"],
    "chosen from the names of all variables, from 3.11": [
        "code.co_varnames", "code.co_cellvars", "code.co_freevars"],
    "methods, bound when asked for; they count 0": [
        "code.co_lines", "code.co_positions"],
    "C text of a type that C code defines": ["type.__name__", "type.__doc__"],
}


def bare(doc):
    v = doc.get("value", doc.get("message"))
    return [int_of(x.get("value")) for x in v] if isinstance(v, list) \
        else int_of(v)


def a_list(v):
    return v if isinstance(v, list) else [v]


def lines(node, indent=""):
    """As Asized.format()."""
    out = ["%s%s size=%s flat=%s" % (indent, node["name"], node["size"],
                                     node["flat"])]
    for ref in node["refs"]:
        out += lines(ref, indent + "    ")
    return out


def trees(doc):
    return ["\n".join(lines(t)) for t in doc.get("items", [])]


def numbers(texts):
    """The columns of trees, whatever their texts are."""
    return [re.findall(r"size=\d+ flat=\d+$", t, re.M) for t in texts]


def some_stats(i, nth):
    """Each shape is asked for a few of the statistics, by its place, and by
    that of the CPython: those of all together are all of them."""
    return sorted({(i + nth * 2) % len(STATS), (i + nth * 2 + 5) % len(STATS)})


def answers(sh, ids, i, stats):
    """All lines of a shape are said before the first answer is read."""
    a = " ".join("0x%x" % i for i in ids)
    to = " compat=pympler "
    lines = ["asizeof %s%s%s" % (a, to, o) for o in OPTIONS] + \
        ["asizesof %s%s%s" % (a, to, o) for o in OPTIONS[:2]] + \
        ["asized %s%sdetail=%d" % (a, to, d) for d in (0, 1, 3)] + \
        [(STATS[n] + to) % a for n in stats] + \
        ["asized %s%sdetail=1 clip=40" % (a, to), "flatsize %s%s" % (a, to),
         "asizeof %s%s%s=1" % (a, to, OTHERS[i % 3]),
         "asizeof %s%scode=1" % (a, to)]
    docs = sh.ask(lines)
    sizes, docs = docs[:8], docs[8:]
    return {
        "asizeof": [bare(d) for d in sizes[:6]],
        "asizesof": [bare(d) for d in sizes[6:]],
        "asized": [trees(d) for d in docs[:3]],
        "stats": {str(n): d.get("value") for n, d in zip(stats, docs[3:])},
        "clip": trees(docs[-4]),
        "flatsize": a_list(bare(docs[-3])),
        "others": bare(docs[-2]),
        "code": bare(docs[-1]),
    }


def paragraphs(stats):
    """Tables of types come in the order of a set of Pympler's, which changes
    from process to process."""
    return {n: sorted((text or "").split("\n\n"))
            for n, text in stats.items()}


def differences(got, want, version):
    """[(shape, word, ours, Pympler's)]"""
    out = []
    views = VIEWS if version >= (3, 13) else set()
    for shape, g in got.items():
        w = want[shape]
        for word in ("asizeof", "asizesof", "flatsize", "others", "asized",
                     "clip", "stats"):
            a, b = g[word], w[word]
            if word in ("asized", "clip") and (
                    shape in TEXTS | views or shape.startswith("numpy_")):
                a, b = (numbers(sum(x, []) if word == "asized" else x)
                        for x in (a, b))
            if shape in views and word == "asized":
                continue
            if word == "stats" and (shape in TEXTS | HINTS | views or
                                    shape.startswith("numpy_")):
                continue
            if word == "stats":
                a, b = paragraphs(a), paragraphs(b)
            if a != b:
                out.append((shape, word, a, b))
    return out


def say(wrong, name):
    if not ok(not wrong, name):
        for shape, word, a, b in wrong[:20]:
            diag("%s: %s" % (shape, word))
            equal_lines(a, b)


def equal_lines(a, b):
    a, b = (str(x).split("\\n") for x in (a, b))
    for x, y in zip(a, b):
        if x != y:
            diag("   ours: %.300s" % x)
            diag(" theirs: %.300s" % y)
            return


def with_code(got, want):
    """[(shape, word, ours, Pympler's)], and what it is without."""
    wrong = [(k, "code=1", g["code"], want[k]["code"][0])
             for k, g in got.items() if g["code"] != want[k]["code"][0]]
    return wrong, set(sum((w["code"][1] for w in want.values()), []))


def by_rules(version, f, got, rules):
    failed = [k for k, v in rules.items() if isinstance(v, dict)]
    equal(failed, [], "%s: the rules can be applied" % version)
    say([(k, "asizesof", a_list(x), y) for k in got if k not in failed
         for x, y in zip(got[k]["asizesof"], rules[k]) if a_list(x) != y] +
        [(k, "asizeof", x, y) for k in got if k not in failed
         for x, y in zip(got[k]["asizeof"], rules[k])
         if x != sum(dict(zip(f.truth["shapes"][k], y)).values())],
        "%s: sizes of %d shapes are by Pympler's rules" % (version, len(got)))


def errors(r):
    equal(r[0]["message"],
          "asizeof: compat=heapy: not known of CPython", "another tool's name")
    equal(r[0]["remedy"], "compat=pympler", "what is known instead")
    equal(r[1]["message"], "asizeof: option clip is of compat= only",
          "an option that says nothing")
    equal(r[2]["message"], "asized: option stats cannot be 4",
          "no such statistics")
    equal(r[3].get("type"), "profile", "stats= within a call")


MISTAKES = ("asizeof 0x%x compat=heapy", "asizeof 0x%x clip=3",
            "asized(0x%x, compat='pympler', stats=4)",
            "asizeof(0x%x, stats=1)")


class Asked:
    """One CPython: what heapsh says of it, then what Pympler says in it. That
    is asked for when heapsh has gone, and read while the next is looked at."""

    def __init__(self, nth, version, path):
        self.version = version
        env = {}
        if os.environ.get("HEAPSH_BENCH_PEERS"):
            env["PYTHONPATH"] = os.environ["HEAPSH_BENCH_PEERS"]
        self.f = python(path, "pympler_shapes.py", env=env)
        self.truth = self.f.truth
        shell = Shell(self.f.pid)
        stats = {k: some_stats(i, nth)
                 for i, k in enumerate(self.truth["shapes"])}
        self.got = {k: answers(shell, v, i, stats[k])
                    for i, (k, v) in enumerate(self.truth["shapes"].items())}
        self.mistakes = [shell(m % self.truth["shapes"]["list_text"][0])
                         for m in MISTAKES]
        shell.end()
        # by rules of ours, too, of every third
        self.f.say(json.dumps({
            "rules": nth % 3 == 0,
            "shapes": {k: [v, OTHERS[i % 3]]
                       for i, (k, v) in enumerate(stats.items())}}))

    def read(self):
        with self.f:
            self.want = json.loads(self.f.line())
        self.compare()

    def compare(self):
        v, got, theirs = self.version, self.got, self.want["pympler"]
        errors(self.mistakes)
        if self.want["rules"]:
            by_rules(v, self, got, self.want["rules"])
        first = next(iter(theirs.values()))
        if "skip" in first:
            skip("%s: all is as Pympler says" % v, first["skip"])
            return
        failed = {k: w for k, w in theirs.items() if "error" in w}
        equal(failed, {}, "%s: Pympler answers" % v)
        say(differences(got, theirs, tuple(map(int, v.split(".")[:2]))),
            "%s: sizes, trees and statistics of %d shapes are Pympler's" %
            (v, len(got)))
        wrong, without = with_code(got, theirs)
        say(wrong, "%s: with code=1, too, without what has no object" % v)
        equal(sorted(without - set(sum(LEFT_OUT.values(), []))), [],
              "%s: each such attribute has its reason here" % v)


last = None
for number, (name, where) in enumerate(pythons()):
    asked = Asked(number, name, where)
    if last:
        last.read()
    last = asked
if last:
    last.read()
done()
