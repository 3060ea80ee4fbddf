#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Heapy's views over a process that says what is true of itself: each table
equals its own count by gc.get_referrers, gc.get_referents and reachability."""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import Shell, done, equal, ok, python, pythons  # noqa: E402


def rows(doc):
    return {r["kind"].strip(): [r["count"], r["size"]] for r in doc["rows"]}


def counts(doc):
    return {r["kind"]: r["count"] for r in doc["rows"]}


def addresses(doc):
    return sorted(r["address"] for r in doc["rows"])


def tables(sh, t, v):
    """Views 1 to 8 of Table B.4."""
    mine = "(Type(Sample).alt('<=') | Slot)"
    equal(rows(sh("(%s & Anything).all" % mine)), t["kinds"],
          "%s: rows by class are its own" % v)
    equal(rows(sh(mine + ".bytype.all")), t["kinds"],
          "%s: rows by type are its own" % v)
    equal(rows(sh("iso(texts).referents.bysize.all")), t["sizes"],
          "%s: rows by size are its own" % v)
    equal(rows(sh("(iso(texts).referents | Type(Sample).alt('<='))"
                  ".by('Clodo&Size').all")), t["both"],
          "%s: rows by class and size are its own" % v)
    doc = sh("iso(texts).referents.byid.all")
    want = sorted(t["ids"], key=lambda r: (-r[1], int(r[0], 16)))
    equal([[r["address"], r["size"]] for r in doc["rows"]], want,
          "%s: rows one by one are its own, largest first" % v)
    equal(counts(sh("Type(Sample).alt('<=').byrcs.all")), t["rcs"],
          "%s: kinds of referrers are those of gc.get_referents" % v)
    equal(counts(sh("Type(Sample).alt('<=').byvia.all")), t["via"],
          "%s: names of references are its own" % v)
    doc = sh("heap.bymodule.all")
    got = {r["kind"] for r in doc["rows"]}
    ok(got - {"~module"} <= set(t["modules"]) and "__main__" in got and
       len(got) >= len(t["modules"]) * 0.9,
       "%s: rows by module are its modules" % v)
    equal(sum(r["count"] for r in doc["rows"]), doc["count"],
          "%s: each object is in one row" % v)


def texts(sh, v):
    """What Heapy's rows of single objects name, ours do."""
    for line, want in (("iso(json.__dict__).byid", ["json"]),
                       ("iso(json.__dict__, hub).byid",
                        ["dict of module: json", "__main__.Slot: "])):
        kinds = [r["kind"] for r in sh(line)["rows"]]
        ok(len(kinds) == len(want) and
           all(k.startswith(w) for k, w in zip(kinds, want)),
           "%s: %s: %s" % (v, line, kinds))


def algebra(sh, t, v):
    equal(sh("Sub.count")["type"], "error",
          "%s: a class has the program's attributes" % v)
    equal(sh("Type(Sub).count")["value"], t["subs"],
          "%s: a kind has its class's objects" % v)
    equal(sh("Type(Sample).alt('<').count")["value"], t["subs"],
          "%s: strict subtypes are without the type" % v)
    for line in ("Type(Sample).alt('<=') == (heap & (Sample, Sub))",
                 "(Size(216).alt('<') | Size(216).alt('>=')) == heap",
                 "heap[0] <= heap",
                 "Type(Slot).kind == Clodo(Slot)",
                 "heap & (heap & Slot).kind == (heap & Slot)",
                 "(heap ^ Slot) == ~Type(Slot)",
                 "Type(Slot).disjoint(Type(Sample))",
                 "iso(hub) in (iso(hub),)"):
        equal(sh(line).get("value"), True, "%s: %s" % (v, line))
    names = sh("iso(accounts).referents.maprox.owner.all")
    equal(names["count"], len(t["owners"]),
          "%s: maprox asks each of its members" % v)
    for marks in ("iso(strangers).referents", "heap", "heap"):
        equal(addresses(sh(marks + ".maprox.mark.byid.all")), t["marks"],
              "%s: maprox knows many classes apart, of %s" % (v, marks))
    for line, want in (("heap.maprox[9007]", "items"),
                       ("Type(Slot).maprox.b", "bs")):
        equal(addresses(sh(line + ".byid.all")), t[want],
              "%s: %s is what it is in the program" % (v, line))
    for _ in range(2):
        equal(sh("iso(strangers).referents.maprox.nosuch.count")["value"], 0,
              "%s: of an attribute that none has it is empty" % v)


def edges(sh, t, v):
    """Views 14 and 15: referrers, referents, what would be freed."""
    doc = sh("iso(0x%x).referrers.byid.all" % int(t["shared"], 16))
    equal(addresses(doc), t["referrers"],
          "%s: referrers are those of gc.get_referrers" % v)
    doc = sh("iso(hub).referents.byid.all")
    ok(set(t["referents"]) <= set(addresses(doc)) and
       doc["count"] <= len(t["referents"]) + 1,
       "%s: referents are those of gc.get_referents, and the class" % v)
    doc = sh("iso(hub).dominos.byid.all")
    equal({r["address"]: r["size"] for r in doc["rows"]}, t["freed"],
          "%s: dominos is what nothing else reaches" % v)
    equal(sh("iso(hub).domisize")["value"],
          sh("iso(hub).dominos.held")["value"],
          "%s: domisize is what dominos holds" % v)
    doc = sh("iso(0x%x).imdom.byid.all" % int(t["outer_list"], 16))
    ok(hex_of(sh, "outer") in addresses(doc) and
       hex_of(sh, "hub.b") in addresses(doc),
       "%s: both ways to a shared object are immediate dominators" % v)
    doc = sh("iso(cycle).imdom.byid.all")
    ok(doc["count"] == 1 and hex_of(sh, "cycle[1]") not in addresses(doc),
       "%s: what an object holds itself does not dominate it" % v)


def hex_of(sh, name):
    return sh("id(%s)" % name)["value"]


HPY = """.loader: _load_stat
.format: SetFormat
.timemade: 0.0
.count: %(n)d
.size: %(n)d
.kindname:
.kindheader: Kind
.numrows: 1
.r: %(n)d %(n)d a.Type
.end: .loader: _load_stat
"""


def hostile_file(sh, folder, v):
    """Numbers that no heap has: their difference is the nearest there is."""
    paths = [os.path.join(folder, name) for name in ("low.hpy", "high.hpy")]
    for path, n in zip(paths, (-2 ** 63, 2 ** 63 - 1)):
        with open(path, "w") as f:
            f.write(HPY % {"n": n})
    low, high = ["load('%s')" % path for path in paths]
    equal(rows(sh("%s - %s" % (high, low))), {"a.Type": [str(2 ** 63 - 1)] * 2},
          "%s: a file's numbers may be any" % v)
    equal(rows(sh("%s - %s" % (low, high))), {"a.Type": [str(-2 ** 63)] * 2},
          "%s: and the lowest is the lowest" % v)


def times(sh, f, t, v):
    """View 13: differences, statistics on disk, relative heaps."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.hpy")
        sh("Type(Slot).dump('%s')" % path)
        equal(rows(sh("load %s" % path)), rows(sh("Type(Slot)")),
              "%s: a statistic comes back from its file" % v)
        hostile_file(sh, folder, v)
        sh.say("before = heap")
        sh("setref")
        grown = f.ask("more")
        sh("snap")
        d = sh("Type(Slot).diff(load('%s'))" % path)
        new = grown["slots"] - t["kinds"]["__main__.Slot"][0]
        equal(counts(d).get("__main__.Slot"), new,
              "%s: the difference to a file is what was made since" % v)
    equal(sh("(heap & Slot).count")["value"], new,
          "%s: a relative heap has what is new" % v)
    equal(sh("(before & Account).count")["value"], 30,
          "%s: the earlier instant is as it was" % v)
    d = sh("(Anything & Account).diff(before & Account)")
    equal(counts(d).get("__main__.Account"), -20,
          "%s: a difference across instants counts what went" % v)
    sh("setref 'off'")
    ok(sh("heap.count")["value"] > 1000, "%s: setref 'off' ends it" % v)


def first_of(sh, v):
    """findex, biper, sokind, and what sets say of themselves."""
    kinds = {"list / 0": "list", "dict / 1": "dict"}
    doc = sh("(heap & (list, dict, Sample)).by(findex(list, dict)).all")
    equal({k: n for k, n in counts(doc).items() if k != "<None>"},
          {k: sh("(heap & %s).count" % c)["value"] for k, c in kinds.items()},
          "%s: findex tells kinds apart" % v)
    equal(counts(doc).get("<None>"), sh("(heap & Sample).count")["value"],
          "%s: and has a row for what is none of them" % v)
    equal(doc["header"], "First Matching Kind / Index",
          "%s: under Heapy's header" % v)
    doc = sh("heap.by((heap & Slot).biper).all")
    n = sh("(heap & Slot).count")["value"]
    equal(sorted(counts(doc).values()),
          sorted([n, sh("heap.count")["value"] - n]),
          "%s: biper makes two rows" % v)
    for line, want in (
            ("(heap & Slot).biper(0) == (heap & Slot)", True),
            ("(heap & Slot).biper(1) == ~(heap & Slot)", True),
            ("findex(list, Type(list).alt('<='))(1) == "
             "Type(list).alt('<')", True),
            ("Clodo.sokind(list)(tuple).refdby == Rcs(Clodo(list), "
             "Clodo(tuple))", True),
            ("(heap & Type.sokind(list).refdby).by(Type.refdby)[0].kind == "
             "Type.sokind(list).refdby", True),
            ("heap.by(findex(list, dict)).er", "index of first matching "
             "kind of (list, dict)"),
            ("Clodo.sokind(list)(tuple)", "Clodo.sokind(list)(tuple)"),
            ("Type.List == Type(list)", True),
            ("Clodo.Dict <= Type.dict", True),
            ("Type.GetSetDescriptor == Type('getset_descriptor')", True),
            ("Type.NoneType.count", 1), ("Type.Nosuch", None),
            ("Size.List", None),
            ("Size(56).alt('>').get_ckc()[2]", ">"),
            ("iso(1000).get_ckc()", None), ("Nothing.fam", "Nothing"),
            ("heap.fam", "IdentitySet"), ("Type(Slot).fam", "kind by Type"),
            ("Nothing.brief", "<Nothing>")):
        doc = sh(line)
        if want is None:
            ok(doc["type"] == "error", "%s: %s is an error" % (v, line))
        else:
            equal(doc.get("value"), want, "%s: %s" % (v, line))
    for line in ("heap.brief", "iso(accounts).brief", "(heap & dict).brief",
                 "(heap & Sample).brief", "heap[0].brief"):
        text = sh(line)["value"]
        ok(len(text.encode()) <= 80 and re.fullmatch(r"<\d+ .*>", text),
           "%s: %s has 80 columns: %s" % (v, line, text))
    rows = sh("iso(accounts).referents.by(findex(str))")
    again = sh("_[0]")
    equal((again["by"], again["count"]), ("clodo", rows["rows"][0]["count"]),
          "%s: a row of it is a set by class" % v)
    for line, words in (
            ("findex(3)", "findex takes kinds"),
            ("findex(list)(9)", "the numbers are 0 to 1"),
            ("heap.by(findex)", "by takes a relation"),
            ("heap.by(findex(list)).kind", "rows by index"),
            ("Size.sokind(list)", "sokind is of Clodo and Type"),
            ("Clodo.sokind(3)", "sokind is of Clodo and Type"),
            ("Clodo.sokind(list)(3)", "takes one more kind"),
            ("findex(list).refdby", "refdby is of"),
            ("heap & findex(list)", "a relation is not a set"),
            ("heap.get_render()", "at most 1000"),
            ("heap.get_ckc(1)", "takes no arguments"),
            ("heap.get_ckc", "is called with arguments")):
        doc = sh(line)
        ok(doc["type"] == "error" and words in doc["message"],
           "%s: %s: %s" % (v, line, doc.get("message", doc["type"])))


def mistakes(sh, v):
    for line, message, remedy in (
            ("heap.byrsc", "a set has no attribute byrsc", "byrcs"),
            ("asizeof (heap.by('Sise'))",
             "by: no relation 'Sise': there are Clodo Type Size Id Unity "
             "Dictof Module Rcs RcsType Via Prod", "by('Size')"),
            ("iso(texts).theone", None, None),
            ("heap.theone", None, "_.byid[0].theone is the largest"),
            ("heap['x']", None, "objects of a class: SET & CLASS"),
            ("Type(hub)", None, "Type(type(OBJ)), Type(CLASS)"),
            ("Type(Smple)", None, None),
            ("heap & Smple", None, None)):
        doc = sh(line)
        if line == "iso(texts).theone":
            equal(doc["type"], "object", "%s: %s" % (v, line))
            continue
        ok(doc["type"] == "error" and
           (message is None or doc["message"] == message) and
           (remedy is None or doc.get("remedy") == remedy),
           "%s: %s: %s" % (v, line, doc.get("message")))
    doc = sh("heap & Size(3)")
    equal(doc["count"], 0, "%s: a size of nothing is no error" % v)
    ok("no object" in sh("Via('.nosuch')").get("note", ""),
       "%s: a kind that matches nothing says so" % v)


for version, path in pythons():
    with python(path, "sets.py") as fixture:
        shell = Shell(fixture.pid)
        truth = fixture.truth
        tables(shell, truth, version)
        texts(shell, version)
        algebra(shell, truth, version)
        edges(shell, truth, version)
        first_of(shell, version)
        mistakes(shell, version)
        times(shell, fixture, truth, version)
        equal(shell.end(), 1, "%s: some lines failed, as meant" % version)
        equal(fixture.end()[0], 0, "%s: the process ended well" % version)
done()
