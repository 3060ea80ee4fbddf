#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What every kind of object refers to is what the interpreter's own collector,
and the object's own members, say: no reference is missing, and none is there
without a cause. A line for each kind: a reader of references that is broken
fails the lines of its kinds, by name."""
import collections
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (LIMIT, diag, done, equal, heapsh, ok,  # noqa: E402
                    python, pythons)

BUILD = os.environ.get("abs_top_builddir", ".")
LRU = "functools._lru_cache_wrapper"
WEAK, CONTEXT, TABLE = 1, 2, 4		# heapsh_edge_flags, plugin.h

# References that Python code cannot see: C code holds them.
INTERNAL = [(re.compile(k), re.compile(label)) for k, label in [
    (r".*(type|Type|Meta|_meta)", r"->(ht_cached_keys|tp_subclasses)"
     r"|\.__slots__"),
    ("code", "->co_localsplus(names|kinds)"),
    ("frame|generator|coroutine|async_generator",
     r"\.f_(builtins|globals|code|func)|->f_valuestack\[\d+\]"
     r"|\.f_locals \['\w+'\]"),
    (r"module|.*_module", "->md_(name|state)"),
    (r"_io\..*", "->(reader|writer|buf|decoder|errors|readnl|writenl"
     r"|accu\.small|writer\.buffer|snapshot|decoded_chars)"),
    (r"(_abc\.)?_abc_data", "->_abc_(registry|cache|negative_cache)"),
    (r"typing\.TypeVar", r"\.__name__"),
    (r"posix\.DirEntry", "->l?stat"), ("moduledef", "->m_copy"),
    (r"decimal\.Context", r"\.(flags|traps)"),
    (r"xml\.etree\.ElementTree\.TreeBuilder", "->.*_event_obj"),
    (r".*local|.*Local|.*RunningLoop", "->(key|wr_callback)"),
    ("_RunningLoopHolder", "->rl_loop"),
    (".*enumerate", "->one"),
    ("(fieldname|formatter)iterator", "->it_(field|markup).str.str"),
    ("functools._lru_list_elem", "->(key|result)"),
    (LRU.replace(".", "[.]"), "->link"),
    ("longrange_iterator", "->(len|index)"),
    ("range", "->length"),
    (r"functools\.KeyWrapper", "->cmp"),
    (r"operator\.methodcaller", "->name"),
    ("symtable entry", "->ste_(id|name)"),
    (r"(_struct\.)?Struct", r"\.format"),
    (r"re\.Pattern", r"->indexgroup|\.groupindex|\.pattern"),
    (r"re\.Match", r"\.regs"),
    ("member_descriptor", r"\.__name__"),
    (r"_json\.Scanner", "->memo"),
    (r"xml\.etree\.ElementTree\.XMLParser", "->elementtree_module"),
    (r"posix\.ScandirIterator", r"->path\.(object|cleanup)"),
    (r"_sre\.SRE_Scanner", r"->state\.(string|buffer\.obj)"),
]]
# Kinds without a row that fits: every word is looked at, which may find too
# much.
SCANNED = re.compile(r"_sre\.SRE_Scanner")
# Of these, those that every object of the kind, or one by name, must have.
MUST = {
    "code": (11, "->co_localsplusnames", "->co_localspluskinds"),
    "functools._lru_list_elem": (8, "->key", "->result"),
    "symtable entry": (8, "->ste_id"),
    "fieldnameiterator": (8, "->str"),
    "formatteriterator": (8, "->str"),
    "lru_bounded": (8, "->link"),
    "member_abc_data": (8, "->_abc_cache"),
    "member_string_io": (8, "->writenl"),
    "member_text_read": (8, "->snapshot", "->decoded_chars"),
    "member_direntry": (8, "->stat", "->lstat"),
    "member_decimal_context": (8, ".flags", ".traps"),
    "range": (8, "->length"),
    "_io.BufferedRWPair": (8, "->reader"),
    "_io.BytesIO": (8, "->buf"),
    "longrange_iterator": (8, "->len"),
    "class_slots": (8, ".__slots__"),
    "module_new": (8, "->md_name"),
    "struct": (8, ".format"),
}
# What the collector is told by functions of C alone, which look into memory
# that no table describes.
UNKNOWN = {"PyCapsule", "_ctypes.PyCPointerType"}
# Attributes that are made from what is held.
MADE = {"__slots__", "__annotations__", "format"}


class Refused(Exception):
    """The plugin would not read the program, and said why."""


def edges_of(pid, addresses):
    """{address: [(label, target, flags)]}, weak ones and context included."""
    p = subprocess.run(
        [BUILD + "/tests/cpython/census", str(pid),
         BUILD + "/plugins/cpython/.libs/cpython.so"],
        input="".join("edges %d\n" % a for a in addresses),
        capture_output=True, text=True, timeout=LIMIT)
    answers = [[]]
    for line in p.stdout.split("\n")[1:-1]:
        if line == ".":
            answers.append([])
        else:
            label, target, flags = line.rsplit("\t", 2)
            answers[-1].append((label, int(target), int(flags)))
    if p.returncode or len(answers) != len(addresses) + 1:
        said = [x for x in p.stderr.split("\n") if x.startswith("census: ")]
        raise Refused((said or ["it ended with %d" % p.returncode])[0])
    return dict(zip(addresses, answers))


def below(pid, kinds, edges):
    """References of what an object's own table and cache lead to: there the
    collector looks through."""
    tables = edges_of(pid, sorted({t for a, es in edges.items()
                                   for _, t, flags in es
                                   if flags & TABLE or kinds[a] == LRU}))
    links = {t for a, es in edges.items() if kinds[a] == LRU
             for _, u, _ in es for _, t, _ in tables[u]}
    return tables, edges_of(pid, sorted(links))


class Kinds:
    """What is wrong, by kind of object."""

    def __init__(self):
        self.wrong = collections.defaultdict(list)

    def check(self, minor, kind, name, edges, truth, reached):
        wrong = self.wrong[kind]
        want = {int(i): v for i, v in truth["refs"].items()}
        ours = {t for _, t, _ in edges}
        for i, (how, of) in want.items():
            if i not in ours | reached and kind not in UNKNOWN:
                wrong.append("%s lacks %s: %s" % (name, how, of))
        for label, target, flags in edges:
            if re.match(r"->(\?\?|\+0x)", label):
                if not SCANNED.fullmatch(kind):
                    wrong.append("%s is looked at word by word" % name)
            elif not flags & (WEAK | TABLE) and target not in want and \
                    target != truth["class"] and \
                    not any(k.fullmatch(kind) and x.fullmatch(label)
                            for k, x in INTERNAL):
                wrong.append("%s has %s, which nobody knows of"
                             % (name, label))
        if truth["weak"] and [e[2] & WEAK for e in edges
                              if e[1] == truth["weak"]] != [WEAK]:
            wrong.append("%s lacks its weak reference" % name)
        have = {e[0] for e in edges}
        for since, *labels in filter(None, (MUST.get(kind), MUST.get(name))):
            wrong += ["%s lacks %s" % (name, label) for label in labels
                      if minor >= since and label not in have]


def shown(pid, rows, edges):
    """Where the command refs differs from the strong references."""
    docs = heapsh(["attach", pid],
                  ["set rows=1000"] +
                  ["refs 0x%x" % a for _, a, _ in rows]).results
    for (name, addr, _), d in zip(rows, docs):
        got = [int(r[-2], 16) for r in d["rows"]]
        want = [t for _, t, flags in edges[addr]
                if not flags & (WEAK | CONTEXT)]
        if got != want[:len(got)] or len(got) < min(len(want), 1000):
            yield name


def judge(pid, minor, rows, truth, edges):
    """Every kind of object, with what is wrong about it."""
    tables, links = below(pid, {a: k for _, a, k in rows}, edges)
    found = Kinds()
    for name, addr, kind in rows:
        reached = set()
        for _, t, flags in edges[addr]:
            if flags & TABLE or kind == LRU:
                for _, u, _ in tables[t]:
                    reached.add(u)
                    reached.update(w for _, w, _ in links.get(u, ()))
        found.check(minor, kind, name, edges[addr], truth[name], reached)
    return found.wrong


def attributes(rows, edges):
    return [(n, label[1:], t) for n, a, _ in rows for label, t, _ in edges[a]
            if re.fullmatch(r"\.[A-Za-z_]\w*", label)
            and label[1:] not in MADE]


def test(version, path):
    with python(path, "edges.py") as f:
        rows = f.truth["rows"]
        edges = edges_of(f.pid, [a for _, a, _ in rows])
        own = [r for r in rows if not r[0].startswith(("found", "class "))]
        equal(list(shown(f.pid, own, edges)), [],
              "%s: refs of %d objects prints the strong references"
              % (version, len(own)))
        alone = heapsh(["attach", f.pid], ["heap & __main__.Alone"]).results
        equal([d.get("count") for d in alone], [3 + 5],
              "%s: objects that the collector's lists alone name are there"
              % version)
        truth = f.ask("truth")
        wrong = judge(f.pid, int(version.split(".")[1]), rows, truth, edges)
        ok(len(wrong) > 190, "%s: %d kinds of objects" % (version, len(wrong)))
        for kind, lines in sorted(wrong.items()):
            ok(not lines, "%s: references of %s" % (version, kind))
            diag("\n".join(lines[:8]))
        asked = attributes(rows, edges)
        equal(f.ask("labels " + json.dumps(asked)), [],
              "%s: %d references with the name of an attribute lead to its "
              "value" % (version, len(asked)))
        f.end()


if __name__ == "__main__":
    for version, path in pythons():
        try:
            test(version, path)
        except Refused as why:
            ok(False, "%s: references are read: %s" % (version, why))
    done()
