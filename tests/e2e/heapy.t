#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Heapy's own tables against ours of the same process, kind by kind, where
guppy3 can be imported: by the python itself, or from $HEAPSH_BENCH_PEERS, a
folder of packages. It is looked for, not required."""
import os
import re
import sys

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
            shell.end()
            at_least(f.truth["child"], t["heap.all"], version)
        f.end()
done()
