#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""compat=pympler against Pympler itself, in a copy of the same process, byte by
byte on many shapes; and against its rules, written down in the fixture, where
it cannot be imported: by the python itself, or from $HEAPSH_BENCH_PEERS, a
folder of packages. It is looked for, not required."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (Shell, diag, done, equal, heapsh, int_of, ok,  # noqa: E402
                    python, pythons, skip)

OPTIONS = ("", "align=1", "limit=2", "limit=0", "align=16", "ignored=0")
OTHERS = ("frames=1", "infer=1", "derive=1")
STATS = ("asizeof %s stats=1", "asizeof %s stats=2 above=100",
         "asizeof %s stats=2 cutoff=30", "asizeof %s stats=1.03 above=50",
         "asizeof %s stats=1 cutoff=3 above=50", "asizesof %s stats=1",
         "asized %s stats=2 detail=1")
# Their texts are made by code of theirs, which is not run, or are not known:
# sizes are compared, lines are not.
TEXTS = {"namedtuple", "namedtuple_child", "counter", "chainmap", "userdict",
         "weak_values", "weak_keys",                            # Python
         "super", "array", "arrays", "memoryview", "weakproxy", "partial",
         "stat", "statvfs", "property_real", "classmethod", "struct"}
# How many items an iterator has left, only its own __length_hint__ tells.
HINTS = {"list_iterator", "dict_iterator", "set_iterator", "str_iterator",
         "str_iterator_wide", "tuple_iterator", "reversed"}
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


def answers(sh, ids, i):
    """Of the statistics each shape is asked two, by its place."""
    a = " ".join("0x%x" % i for i in ids)
    to = "compat=pympler "
    some = {i % len(STATS), (i + 3) % len(STATS)}
    return {
        "asizeof": [bare(sh("asizeof %s %s%s" % (a, to, o)))
                    for o in OPTIONS],
        "asizesof": [bare(sh("asizesof %s %s%s" % (a, to, o)))
                     for o in OPTIONS[:2]],
        "flatsize": a_list(bare(sh("flatsize %s %s" % (a, to)))),
        "asized": [trees(sh("asized %s %sdetail=%d" % (a, to, d)))
                   for d in (0, 1, 3)],
        "clip": trees(sh("asized %s %sdetail=1 clip=40" % (a, to))),
        "stats": {n: sh((s + " " + to) % a).get("value")
                  for n, s in enumerate(STATS) if n in some},
        "others": bare(sh("asizeof %s %s%s" % (a, to, OTHERS[i % 3]))),
    }


def differences(got, want, version):
    """[(shape, word, ours, Pympler's)]"""
    out = []
    views = VIEWS if version >= (3, 13) else set()
    for i, (shape, g) in enumerate(got.items()):
        w = dict(want[shape])
        w["stats"] = {n: w["stats"][n] for n in g["stats"]}
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


def near(f, sh, want):
    """With code=1 values that attributes make anew each time are not counted,
    and Pympler counts some of these twice or not at all."""
    out = []
    for k in ("function", "closure", "lambda_default", "class", "node"):
        n = bare(sh("asizeof 0x%x compat=pympler code=1" %
                    f.truth["shapes"][k][0]))
        if not 0.6 < n / want[k]["code"] < 1.1:
            out.append((k, "code=1", n, want[k]["code"]))
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


def errors(f):
    ids = f.truth["shapes"]
    a = "0x%x" % ids["list_text"][0]
    r = heapsh(["attach", f.pid], [
        "asizeof %s compat=heapy" % a, "asizeof %s clip=3" % a,
        "asized(%s, compat='pympler', stats=4)" % a,
        "asizeof(%s, stats=1)" % a]).results
    equal(r[0]["message"],
          "asizeof: compat=heapy: not known of CPython", "another tool's name")
    equal(r[0]["remedy"], "compat=pympler", "what is known instead")
    equal(r[1]["message"], "asizeof: option clip is of compat= only",
          "an option that says nothing")
    equal(r[2]["message"], "asized: option stats cannot be 4",
          "no such statistics")
    equal(r[3].get("type"), "profile", "stats= within a call")


env = {}
if os.environ.get("HEAPSH_BENCH_PEERS"):
    env["PYTHONPATH"] = os.environ["HEAPSH_BENCH_PEERS"]
for version, path in pythons():
    with python(path, "pympler_shapes.py", env=env) as f:
        shell = Shell(f.pid)
        got = {k: answers(shell, v, i)
               for i, (k, v) in enumerate(f.truth["shapes"].items())}
        errors(f)
        want = f.ask("what do you say?")
        by_rules(version, f, got, want["rules"])
        theirs = want["pympler"]
        first = next(iter(theirs.values()))
        if "skip" in first:
            skip("%s: all is as Pympler says" % version, first["skip"])
            shell.end()
            continue
        failed = {k: v for k, v in theirs.items() if "error" in v}
        equal(failed, {}, "%s: Pympler answers" % version)
        say(differences(got, theirs, tuple(map(int, version.split(".")[:2]))),
            "%s: sizes, trees and statistics of %d shapes are Pympler's" %
            (version, len(got)))
        say(near(f, shell, theirs), "%s: with code=1 they are near" % version)
        shell.end()
done()
