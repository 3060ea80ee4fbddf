#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every attribute of sets asked of every kind of value, called with every kind
of argument; every attribute mistyped by a letter; every relation where one is
wanted: an answer or a sentence, and the session goes on."""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import SMOKE, Shell, diag, done, equal, ok, python  # noqa: E402
from hstest import pythons  # noqa: E402

VALUES = {
    "a number": "3", "a float": "1.5", "a string": "'text'", "bytes": "b'x'",
    "None": "None", "a truth": "(1 == 1)", "a list": "(1, 'a')",
    "an object": "listed", "a class": "Node", "a module": "sys",
    "an address of nothing": "0x10",
    "a set": "iso(listed)", "the empty set": "Nothing",
    "a kind": "Type(Node)", "a kind of sizes": "Size(56)",
    "rows by index": "iso(listed, first).by(findex(list))",
    "a relation": "Clodo", "a product": "(Type & Size)",
    "findex": "findex(list, dict)", "the word findex": "findex",
    "a set of kinds": "Clodo.sokind(list)", "members": "iso(listed).maprox",
    "a statistic": "iso(listed).stat", "a difference":
    "iso(listed).diff(first)", "a table": "why(listed)",
    "paths": "sp(listed)", "no paths": "sp(Nothing)",
    "a pattern": "rp(shared)", "paths of a pattern": "rp(shared).paths(1)",
    "threads": "threads", "a thread": "threads[0]", "a frame": "frames[0]",
    "an unknown name": "nosuchname", "garbage": "heapu",
}
# What no sentence for people has in it.
INTERNAL = re.compile(r"\(null\)|unknown kind|unknown node|0x0\b|%[ds]|\n|core/")


def words(sh):
    """All that a set is asked for, by the help."""
    text = sh("help sets")["value"].split("Attributes of a set:", 1)[1]
    names = set(re.findall(r"^    (\w+)[ (]", text, re.M))
    return sorted(names | {"sp", "shpaths", "pathsin", "pathsout", "rp",
                           "get_rp", "retained", "cycles", "duplicates",
                           "audit", "rows", "waste", "find"})


def is_sentence(doc):
    text = doc.get("message", "")
    return 8 < len(text) < 400 and not text.endswith(".") and \
        not INTERNAL.search(text) and text[0] not in " \t"


def ask(sh, lines):
    """Lines whose answer is neither a document nor a sentence."""
    bad = []
    for line in lines:
        doc = sh(line)
        if not isinstance(doc, dict) or "type" not in doc or \
                (doc["type"] == "error" and not is_sentence(doc)):
            bad.append((line, doc))
    return bad


def told(bad, name):
    ok(not bad, name)
    for line, doc in bad[:5]:
        diag("%s: %s" % (line, str(doc)[:300]))


def mistyped(sh, version, names):
    """One letter too few: the remedy names the attribute, or one as near."""
    lost = []
    for n in names:
        if len(n) < 5:
            continue
        wrong = n[:2] + n[3:]
        if wrong in names:
            continue
        doc = sh("iso(listed)." + wrong)
        if doc["type"] != "error" or \
                not any(m in (doc.get("remedy") or "") for m in names):
            lost.append((wrong, doc.get("message"), doc.get("remedy")))
    ok(not lost, "%s: what is near a mistyped attribute is named: %s"
       % (version, lost[:3]))


def relations(sh, version):
    for line, words_ in (
            ("heap.by('nosuch')", "no relation 'nosuch'"),
            ("heap.by('Type&nosuch')", "no relation 'nosuch'"),
            ("heap.by('&')", "no relation ''"),
            ("heap.by(3)", "by takes a relation"),
            ("heap.by()", "by takes a relation"),
            ("heap.by('Type', 'Size')", "by takes a relation"),
            ("heap.by(Type & Size & Id & Module & Clodo & Unity & Rcs)",
             "a product of 7 relations: at most 6"),
            ("rp listed er=nosuch", "no relation 'nosuch'"),
            ("top 3 by nosuch", "top: by nosuch"),
            ("waste by=nosuch", "option by cannot be nosuch")):
        doc = sh(line)
        ok(doc["type"] == "error" and words_ in doc["message"] +
           (doc.get("remedy") or ""), "%s: %s: %s" % (version, line,
                                                  doc.get("message")))


def one_object(sh, version):
    """A set where an object is wanted, and what has no way to it."""
    for verb in ("why", "show", "graph", "refbrowser", "len", "type", "id"):
        doc = sh("%s(iso(listed, first))" % verb)
        ok(doc["type"] != "error" or is_sentence(doc),
           "%s: %s of a set: %s" % (version, verb, doc.get("message")))
    doc = sh("why iso(listed, first)")
    equal((doc["type"], doc.get("remedy")), ("error", "why SET.byid[0]"),
          "%s: the way from a set to an object is told" % version)
    for line in ("Type(type(3))", "Type(nosuch)", "Clodo(dictof=3)",
                 "Size('x')", "Size(-1)", "Id(3)", "Via(3)", "Rcs(3)",
                 "Module(3)", "Prod(3)", "Unity(3)", "Type()", "Type(1, 2)"):
        doc = sh(line)
        ok(doc["type"] == "error" and is_sentence(doc),
           "%s: %s: %s" % (version, line, doc.get("message")))
    for line in ("Via('.nosuchname')", "Size(3)", "Rcs(Clodo(dictof=Node))",
                 "Prod('/nosuchfile')"):
        doc = sh(line)
        ok((doc["type"] == "set" and not doc["count"] and
            "no object of the heap is of the kind" in doc.get("note", "")) or
           (doc["type"] == "error" and is_sentence(doc)),
           "%s: a kind that matches nothing, %s, says so" % (version, line))


def main():
    os.chdir(os.environ.get("TMPDIR", tempfile.mkdtemp()))
    found = pythons()
    wanted = found[-1:] if SMOKE else \
        [x for x in found if x[0].split(".")[1] in ("8", "13")] or found
    for version, path in wanted:
        with python(path, "paths.py") as f:
            sh = Shell(f.pid)
            names = words(sh)
            ok(len(names) > 40, "%s: %d attributes" % (version, len(names)))
            bad = ask(sh, ("%s.%s" % (v, n) for v in VALUES.values()
                           for n in names))
            told(bad, "%s: each attribute of each kind of value" % version)
            bad = ask(sh, ("iso(first).%s(%s)" % (n, v)
                           for v in [""] + list(VALUES.values())
                           for n in names))
            told(bad, "%s: each called with each kind of argument" % version)
            bad = ask(sh, ("%s(%s)" % (a, b) for a in VALUES.values()
                           for b in [""] + list(VALUES.values())))
            told(bad, "%s: each value called with each" % version)
            bad = ask(sh, ("%s[%s]" % (a, b) for a in VALUES.values()
                           for b in list(VALUES.values()) + ["1:2", "::-1"]))
            told(bad, "%s: an item of each by each" % version)
            bad = ask(sh, ("%s %s %s" % (a, op, b)
                           for a in VALUES.values() for b in VALUES.values()
                           for op in ("&", "-", "<=", "in")))
            told(bad, "%s: each beside each operator" % version)
            mistyped(sh, version, names)
            relations(sh, version)
            one_object(sh, version)
            equal(sh("iso(listed).count").get("value"), 1,
                  "%s: the session goes on" % version)
            sh.end()
            f.end()
    done()


main()
