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
OTHERS = ("frames=1", "infer=1", "derive=1")
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
    a = " ".join("0x%x" % i for i in ids)
    to = "compat=pympler "
    return {
        "asizeof": [bare(sh("asizeof %s %s%s" % (a, to, o)))
                    for o in OPTIONS],
        "asizesof": [bare(sh("asizesof %s %s%s" % (a, to, o)))
                     for o in OPTIONS[:2]],
        "flatsize": a_list(bare(sh("flatsize %s %s" % (a, to)))),
        "asized": [trees(sh("asized %s %sdetail=%d" % (a, to, d)))
                   for d in (0, 1, 3)],
        "clip": trees(sh("asized %s %sdetail=1 clip=40" % (a, to))),
        "stats": {str(n): sh((STATS[n] + " " + to) % a).get("value")
                  for n in stats},
        "others": bare(sh("asizeof %s %s%s" % (a, to, OTHERS[i % 3]))),
        "code": bare(sh("asizeof %s %scode=1" % (a, to))),
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
    for i, (shape, g) in enumerate(got.items()):
        w = dict(want[shape])
        w["others"] = w["others"][i % 3]
        w["asizesof"] = w["asizesof"][:2]
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
    """With code=1 Pympler counts what attributes of code and of classes make
    anew each time they are asked for, unless it lies where another such value
    did: no two processes need say the same. Where code=1 leads to nothing of
    that kind, all is as without it, and equal; elsewhere near."""
    out = []
    for k, g in got.items():
        theirs = want[k]["code"]
        plain = theirs == want[k]["asizeof"][0]
        if g["code"] != theirs if plain else \
                not 0.55 < g["code"] / theirs < 1.3:
            out.append((k, "code=1", g["code"], theirs))
    return out


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
    """One CPython, what heapsh says of it and what Pympler says in it."""

    def __init__(self, nth, version, path):
        self.version = version
        env = {}
        if os.environ.get("HEAPSH_BENCH_PEERS"):
            env["PYTHONPATH"] = os.environ["HEAPSH_BENCH_PEERS"]
        with python(path, "pympler_shapes.py", env=env) as f:
            self.truth = f.truth
            shell = Shell(f.pid)
            stats = {k: some_stats(i, nth)
                     for i, k in enumerate(f.truth["shapes"])}
            self.got = {k: answers(shell, v, i, stats[k])
                        for i, (k, v) in enumerate(f.truth["shapes"].items())}
            self.mistakes = [shell(m % f.truth["shapes"]["list_text"][0])
                             for m in MISTAKES]
            shell.end()
            self.want = f.ask(json.dumps(stats))

    def compare(self):
        v, got, theirs = self.version, self.got, self.want["pympler"]
        errors(self.mistakes)
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
        say(with_code(got, theirs), "%s: with code=1, too, or near where "
            "it counts what its own asking makes" % v)


for number, (name, where) in enumerate(pythons()):
    Asked(number, name, where).compare()
done()
