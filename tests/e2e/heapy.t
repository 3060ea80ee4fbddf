#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Heapy's own tables against ours of the same process, kind by kind, where
guppy3 can be imported: by the python itself, or from $HEAPSH_BENCH_PEERS, a
folder of packages. It is looked for, not required."""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import Shell, diag, done, equal, ok, python, pythons, skip  # noqa

# Heapy writes types of C without their module's name, or with another one.
NAMES = {
    "types.CodeType": "code", "types.CellType": "cell",
    "types.FrameType": "frame", "types.MethodType": "method",
    "types.GetSetDescriptorType": "getset_descriptor",
    "types.MemberDescriptorType": "member_descriptor",
    "types.WrapperDescriptorType": "wrapper_descriptor",
    "types.MethodDescriptorType": "method_descriptor",
    "types.BuiltinMethodType": "builtin_function_or_method",
    "types.ClassMethodDescriptorType": "classmethod_descriptor",
    "types.MethodWrapperType": "method-wrapper",
    "types.EllipsisType": "ellipsis", "types.NoneType": "NoneType",
    "types.NotImplementedType": "NotImplementedType",
    "types.GeneratorType": "generator", "types.CoroutineType": "coroutine",
    "types.MappingProxyType": "mappingproxy", "types.TracebackType":
    "traceback", "types.SimpleNamespace": "types.SimpleNamespace",
}
# Kinds of which Heapy may have more objects than there are (E.6):
FEWER = {
    # Heapy makes a dict for each instance that it looks at: since 3.11 there
    # is none before.
    r"dict of .*|dict \(no owner\)",
    # Attribute tables of ctypes types are a kind of their own to Heapy.
    r".*StgDict|.*CType_Type",
    # Heapy names classes by where they are found, we by their __qualname__.
    r"ctypes\..*FuncPtr|ctypes\.CFunctionType",
    # What runs and what is on its way comes and goes.
    r"frame|.*iterator|generator|.*traceback",
}


def rows(doc):
    return {r["kind"].strip(): [r["count"], r["size"]] for r in doc["rows"]}


def folded(table):
    """Heapy's rows with items of sequences folded, as ours are."""
    out = {}
    for kind, (count, size) in table.items():
        edges = sorted({re.sub(r"^'\[\d+\]'$", "'[*]'", e)
                        for e in kind.strip().split(", ")})
        have = out.setdefault(", ".join(edges), [0, 0])
        have[0] += count
        have[1] += size
    return out


def named(kind):
    kind = kind.strip()
    bare = NAMES.get(kind, kind)
    return bare[9:] if bare.startswith("builtins.") else bare


def exact(sh, tables, version):
    for line, want in tables.items():
        if line == "heap.all":
            continue
        want = {named(k): v for k, v in want.items()}
        if line.endswith("byvia"):
            want = folded(want)
        if "dominos" in line:
            # Heapy does not see keys of dicts that have only strings.
            got = rows(sh("(iso(cache).dominos - "
                          "(iso(cache).referents & str)).all"))
        else:
            got = rows(sh(line if " - " in line else "(%s).all" % line))
        equal(got, want, "%s: %s is Heapy's" % (version, line))


def at_least(child, table, version):
    """Heapy hides its own objects, strings that are keys, other threads."""
    sh = Shell(child)
    got = rows(sh("heap.all"))
    sh.end()
    want = {}
    for kind, (count, size) in table.items():
        have = want.setdefault(named(kind), [0, 0])
        have[0] += count
        have[1] += size
    short = named_short(got)
    fewer = {k: (v, got.get(k, short.get(k.rsplit(".")[-1])))
             for k, v in want.items()
             if (got.get(k) or short.get(k.rsplit(".")[-1]) or
                 [0])[0] < v[0] and
             not any(re.fullmatch(p, k) for p in FEWER)}
    ok(not fewer, "%s: no kind has fewer objects than Heapy sees" % version)
    for k in fewer:
        diag("%s: Heapy %s, heap %s" % ((k,) + fewer[k]))


def named_short(table):
    """Also by the last part of the name: a type of C may have no module."""
    out = {}
    for k, v in table.items():
        have = out.setdefault(k.rsplit(".")[-1], [0, 0])
        have[0] += v[0]
        have[1] += v[1]
    return out


# Heapy's own reader, and writer, of its files.
READ = """
import json, sys
from guppy import hpy
out, f, hp = [], open(sys.argv[1]), hpy()
while True:
    try:
        s = hp.load(f)
    except (StopIteration, RuntimeError, SyntaxError):
        break
    out.append([s.count, s.size, [[r.count, r.size, r.name]
                                  for r in s.get_rows()]])
print(json.dumps(out))
"""
WRITE = """
import json, sys
from guppy import hpy
hp = hpy()
one, two = [[i] * i for i in range(9)], ["t" * i for i in range(5)]
a, b = hp.iso(*one, *two), hp.iso(*two)
stats = [a.stat, a.bysize.stat, a.byid.stat, a.stat - b.stat]
for s in stats:
    s.dump(sys.argv[1])
print(json.dumps([[s.count, s.size, [[r.count, r.size, r.name.strip()]
                                     for r in s.get_rows()]]
                  for s in stats]))
"""


def heapys(path, program, file):
    p = subprocess.run([path, "-c", program, file], text=True, timeout=120,
                       capture_output=True, env=dict(os.environ, **env))
    return json.loads(p.stdout) if p.returncode == 0 else p.stderr


def shown(doc):
    """As Heapy's reader has it."""
    if doc["type"] == "diff":
        count = doc["a"]["count"] - doc["b"]["count"]
        size = doc["a"]["size"] - doc["b"]["size"]
    else:
        count, size = doc["count"], doc["size"]
    return [count, size, [[r["count"], r["size"], r["kind"].strip()]
                          for r in doc["rows"]]]


def without_names(record):
    """Rows by id: how an object is shown is each one's own."""
    return record[:2] + [[r[:2] for r in record[2]]]


def round_trip(sh, path, version):
    """.hpy files: Heapy reads ours, we read its."""
    lines = ("(heap & (Node, Leaf))", "(heap & (Node, Leaf)).bysize",
             "(heap & Leaf)[0].byid",
             "((heap & (Node, Leaf)).stat - (heap & Leaf).stat)")
    with tempfile.TemporaryDirectory() as tmp:
        ours, theirs = tmp + "/ours.hpy", tmp + "/theirs.hpy"
        want = []
        for line in lines:
            sh("%s.dump('%s')" % (line, ours))
            want.append(shown(sh(line if "stat" in line else
                                 line + ".all")))
        got = heapys(path, READ, ours)
        for line, a, b in zip(lines, got, want):
            equal([a[0], a[1], [[c, s, n.strip()] for c, s, n in a[2]]], b,
                  "%s: Heapy reads what %s has dumped" % (version, line))
        equal(len(got), len(want), "%s: all of it" % version)
        for i, b in enumerate(heapys(path, WRITE, theirs)):
            a = shown(sh("load('%s', record=%d)" % (theirs, i)))
            if i == 2:
                a, b = without_names(a), without_names(b)
            equal(a, b, "%s: what Heapy has dumped is read, record %d"
                  % (version, i))
        equal(sh("load %s record=4" % theirs).get("type"), "error",
              "%s: and there are no more records" % version)


env = {}
if os.environ.get("HEAPSH_BENCH_PEERS"):
    env["PYTHONPATH"] = os.environ["HEAPSH_BENCH_PEERS"]
for version, path in pythons():
    with python(path, "heapy.py", env=env) as f:
        t = f.truth["tables"]
        if "skip" in t:
            skip("%s: the tables are Heapy's" % version, t["skip"])
        else:
            shell = Shell(f.pid)
            exact(shell, t, version)
            round_trip(shell, path, version)
            shell.end()
            at_least(f.truth["child"], t["heap.all"], version)
        f.end()
done()
