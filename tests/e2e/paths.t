#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How one comes to an object, who holds it, and what hangs on it: the words of
Heapy, against what the fixture says of itself."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (SMOKE, diag, done, equal, heapsh, ok,  # noqa: E402
                    python, pythons, skip)

MAIN = "h.Root.i0_modules['__main__'].__dict__"


def texts(doc):
    return [p["text"] for p in doc.get("paths", [])]


def named(version, f, minor):
    """The name by which one comes to each object."""
    t = f.truth
    def attr(name):
        return ".%s" % name if minor >= 11 else ".__dict__['%s']" % name
    want = {
        "listed": MAIN + "['listed'][3]",
        "mapped": MAIN + "['mapped']['key']",
        "seven": MAIN + "['mapped'][7]",
        "slotted": MAIN + "['slotted'].a",
        "member": MAIN + "['member'].list(set)[0]",
        "function": MAIN + "['function'].__closure__[0].cell_contents",
    }
    docs = heapsh(["attach", f.pid], ["sp 0x%x" % t[k] for k in want]).results
    for k, doc in zip(want, docs):
        ok(want[k] in texts(doc), "%s: sp names %s" % (version, k))
        if want[k] not in texts(doc):
            diag(" want: %s\n  got: %s" % (want[k], texts(doc)))
    locals_of = {"generator": "kept_by_generator",
                 "coroutine": "kept_by_coroutine",
                 "thread": "kept_by_thread"}
    docs = heapsh(["attach", f.pid],
                  ["sp 0x%x" % t[k] for k in locals_of]).results
    for k, doc in zip(locals_of, docs):
        got = texts(doc)
        ok(got and all(re.search(r"locals\['%s'\]$" % locals_of[k], x)
                       for x in got),
           "%s: the local of a %s is named: %s" % (version, k, got[:1]))
    docs = heapsh(["attach", f.pid], ["sp 0x%x" % t["last"]]).results
    steps = docs[0]["paths"][0]["steps"]
    text = texts(docs[0])[0]
    ok("more" in text and len(steps) < 300 and
       text.endswith(attr("next")),
       "%s: the middle of a long path is left out" % version)


def around(version, f):
    t = f.truth
    r = heapsh(["attach", f.pid],
               ["pathsin 0x%x" % t["shared"], "pathsout 0x%x" % t["main"],
                "sp 0x%x" % t["shared"], "_.numpaths"])
    d = r.results
    holders = sorted({int(p["address"], 16) for p in d[0]["paths"]})
    equal(holders, t["holders"], version + ": pathsin are the referrers")
    equal(d[0]["count"], 4, version + ": and each of their references")
    ok(any(x.endswith("['shared']") for x in texts(d[0])),
       version + ": by name")
    ok(d[1]["count"] > 20 and d[1]["more"] == d[1]["count"] - 10,
       version + ": pathsout of a large dict, ten at once")
    equal(texts(d[2]), [MAIN + "['shared']"], version + ": sp of shared")
    equal(d[3]["value"], 1, version + ": numpaths")


def bad(version, f):
    t = f.truth
    r = heapsh(["attach", f.pid],
               ["x = sp(shared)", "x.avoided(-1)", "x.avoided(9)", "x.nosuch",
                "iso(0x%x).sp" % t["shared"],
                "iso(0x%x).sp(maxpaths=1)" % t["shared"],
                "sp listed maxpaths=0", "sp 3", "sp 0x%x" % t["dead"],
                "sp shared src=(second)", "sp listed[3] src=(text)",
                "heap.spp"])
    d = r.results
    equal(sorted(texts(d[0])),
          sorted([MAIN + "['first'][0]", MAIN + "['second'][0]",
                  MAIN + "['second'][1]"]),
          version + ": avoided(-1) is the next best")
    equal(d[1].get("message"), "avoided: the paths have levels 0 to 3",
          version + ": a level that is not there")
    equal(d[2].get("message"), "paths have no attribute nosuch",
          version + ": an attribute that is not there")
    equal(texts(d[3]), texts(d[4]), version + ": as an attribute of a set")
    equal(d[5].get("message"), "sp: maxpaths=0: 1 to 100000",
          version + ": no paths wanted")
    equal(d[6].get("message"),
          "sp: a number is not an object of the program",
          version + ": a number")
    dead = sum(x["value"] for x in heapsh(
        ["attach", f.pid],
        ["iso(0x%x).held" % a for a in t["truth_dead"]]).results)
    note = d[7].get("note")
    ok(d[7]["count"] == 0 and re.fullmatch(
        r"not reachable from any root; \d+ bytes in its cycle", note or ""),
       version + ": an object that nothing holds: %s" % note)
    equal(int(re.sub(r"\D", "", note or "0")), dead,
          version + ": with the bytes of its cycle and what hangs on it")
    equal(len(texts(d[8])), 2, version + ": from an object of one's own")
    equal(d[9].get("note"), "there is no way from src",
          version + ": no way from there")
    ok(d[10].get("remedy", "").startswith("sp"),
       version + ": near: %s" % d[10].get("remedy"))


def held(f, addresses):
    """Held bytes of objects, whose addresses the fixture told."""
    lines = ["iso(%s).held" % ", ".join("0x%x" % a for a in
                                        addresses[i:i + 200])
             for i in range(0, len(addresses), 200)]
    return sum(d["value"] for d in heapsh(["attach", f.pid], lines).results)


def retained(version, f):
    t = f.truth
    d = heapsh(["attach", f.pid],
               ["why chain", "iso(listed).retained", "why 0x%x" % t["dead"],
                "why heap", "top 3 by retained", "top 2 by nothing",
                "top 0 by held", "heap.byid.retained", "_[0].count",
                "heap.bytype.retained", "heap.bymodule.retained",
                "why shared", "_[3]"]).results
    want = held(f, t["chain"])
    rows = d[0]["rows"]
    equal([rows[0][0], rows[0][1], rows[1][0], rows[1][3]],
          ["object", want, "path", MAIN + "['chain']"],
          version + ": why says what a chain retains, and its path")
    equal(d[1]["rows"][0]["retained"], held(f, t["all_listed"]),
          version + ": what a list retains is what it alone holds")
    ok(d[2]["rows"][1][0] == "lost" and d[2]["rows"][0][1] == 0,
       version + ": why of what nothing holds: " + d[2]["rows"][1][3])
    ok(d[3].get("message", "").startswith("why: a set of ") and
       d[3].get("remedy") == "why SET.byid[0]", version + ": why of a set")
    top = [r["retained"] for r in d[4]["rows"]]
    equal((len(top), sorted(top, reverse=True)), (3, top),
          version + ": top 3 by retained")
    equal(d[5].get("message"),
          "top: by nothing: it orders by retained, size or held",
          version + ": top by what is no column")
    equal(d[6].get("message"),
          "top: how many is a number from 1 to 100000",
          version + ": top of none")
    equal(top, [r["retained"] for r in d[7]["rows"][:3]],
          version + ": the same as an order of a set")
    equal(d[8]["value"], 1, version + ": and its row is an object")
    for doc, kind in (d[9], "list"), (d[10], "__main__"):
        by = {r["kind"]: r["retained"] for r in doc["rows"]}
        ok(kind in by or doc["more"],
           "%s: rows by %s have the column" % (version, doc["by"]))
    whos = [r[3].split(" of ")[0] for r in d[11]["rows"]
            if r[0] in ("held by", "")]
    ok({"[0]", "['shared']"} <= set(whos),
       "%s: why names who holds it: %s" % (version, whos))
    equal(d[12]["type"], "object", version + ": a row of it is an object")


def patterns(version, f):
    t = f.truth
    d = heapsh(["attach", f.pid],
               ["rp 0x%x" % t["shared"], "iso(0x%x).rp" % t["dead"],
                "iso(shared).get_rp(depth=1)", "rp shared depth=99",
                "rp shared er=nosuch",
                "x = rp(shared)", "x.a.count", "x[1].count", "x.nosuch",
                "x.paths(99)", "x.paths(1)"]).results
    rows = {(r["depth"], r["kind"], r["count"]): r["mark"]
            for r in d[0]["rows"]}
    equal([rows.get((1, k, 1)) for k in ("list", "tuple", "dict of module")],
          ["[-]", "[-]", "[S]"], version + ": rp of what three hold")
    marks = [r["mark"] for r in d[1]["rows"]]
    ok("[^ 0]" in marks and "[S]" not in marks,
       "%s: rp of a dead cycle comes back to its first line: %s"
       % (version, marks))
    equal({r["mark"] for r in d[2]["rows"][1:]} - {"[+]", "[S]"}, set(),
          version + ": rp to depth 1")
    equal(d[3].get("message"), "rp: depth=99: 1 to 60",
          version + ": too deep a pattern")
    ok("no relation 'nosuch'" in d[4].get("message", ""),
       version + ": a wrong relation: %s" % d[4].get("message"))
    tail = [x.get("message", x.get("value", x["type"])) for x in d[-5:]]
    equal([tail[0], tail[1], tail[2], tail[4]],
          [1, 1, "reference patterns have no attribute nosuch", "tree"],
          version + ": lines of a pattern by name and number")
    ok("takes a line" in tail[3], version + ": paths of a line that is not")


def shape(doc):
    """Rows of the first level, or the message."""
    return sorted((r["kind"], r["mark"]) for r in doc["rows"]
                  if r["depth"] == 1) if "rows" in doc else doc


def chosen(version, f):
    """Patterns with options: what they leave out is known of the fixture."""
    t = f.truth
    main, both = ("dict of module", "[S]"), [("list", "[-]"), ("tuple", "[-]")]
    d = heapsh(["attach", f.pid],
               ["rp shared", "rp shared imdom=1", "rp shared ref=imdom",
                "rp shared ref=gcx", "rp plain[0] src=(plain)",
                "iso(shared).rp(stopkind=(Type(list))).all",
                "iso(shared).rp(bf=1).all",
                "iso(0x%x).rp(nocyc=1)" % t["dead"], "rp shared ref=x",
                "rp shared imdom=2", "rp shared src=first",
                "rp plain[0] src=(plain) imdom=1",
                "iso(shared).rp(stopkind=(first)).all", "rp shared depth=1 bf=1"]).results
    equal(shape(d[0]), [main] + both, version + ": rp of what three hold")
    for doc in d[1:3]:
        equal(shape(doc), [main], version + ": rp by immediate dominators")
    equal(shape(d[3]), shape(d[0]), version + ": ref=gcx are referrers, too")
    equal(shape(d[4]), [("list", "[R]")],
          version + ": rp from a source: what that does not reach is not there")
    marks = dict(shape(d[5]))
    ok(marks["list"] == "[S]" and "[S]" not in (marks["tuple"],
                                                marks["dict of module"]),
       "%s: stopkind= is where it ends, and nowhere else: %s"
       % (version, marks))
    depths = [r["depth"] for r in d[6]["rows"]]
    ok(depths == sorted(depths) and max(depths) > 1 and
       {r["label"] for r in d[6]["rows"]} == {r["label"] for r in d[0]["rows"]},
       "%s: bf=1 is level by level: %s" % (version, depths))
    ok(not any(r["mark"].startswith("[^") for r in d[7]["rows"]),
       "%s: nocyc=1 of a cycle: %s" % (version,
                                       [r["text"] for r in d[7]["rows"]]))
    equal(d[8].get("remedy", d[8].get("message")),
          "ref=referrers|imdom|gc|gcx", version + ": a wrong ref=")
    ok("imdom" in d[9].get("message", ""), version + ": a wrong imdom=")
    equal((d[10].get("message"), d[10].get("remedy")),
          ("src is an object, in parentheses", "src=(first)"),
          version + ": src without parentheses")
    equal(shape(d[11]), [("list", "[R]")],
          version + ": immediate dominators from a source")
    marks = dict(shape(d[12]))
    equal((marks["list"], marks["tuple"][:2]), ("[S]", "[^"),
          version + ": stopkind= of one object")
    equal({r["mark"] for r in d[13]["rows"][1:]} - {"[+]", "[S]"}, set(),
          version + ": level by level to depth 1")
    lines = heapsh(["attach", f.pid], ["rp(shared).paths(%s)" % i for i in
                                       ("0", "'a'", "'b'", "'c'")] +
                   ["x = rp(0x%x)" % t["dead"]] +
                   ["x.paths(%d)" % i for i in range(1, 3)]).results
    texts = [[r["text"].split("  =")[0].split(" = ")[0].rstrip()
              for r in x["rows"]] for x in lines]
    equal(texts[0], [" 0: _ [0]"], version + ": paths of the set itself")
    by = {x["rows"][0]["text"].split("@ ")[1]: texts[i + 1]
          for i, x in enumerate(lines[1:4])}
    rows = {r["kind"]: r["label"] for r in d[0]["rows"] if r["depth"] == 1}
    equal(by, {"[0]": [" 0: %s [0] @ [0]" % rows["list"], " 1: _ [0]"],
               "[0] / [1]": [" 0: %s [0] @ [0] / [1]" % rows["tuple"],
                             " 1: _ [0]"],
               "['shared']": [" 0: %s [0] @ ['shared']"
                              % rows["dict of module"], " 1: _ [0]"]},
          version + ": paths of a line, each an edge by name")
    ok(lines[0]["title"] == "Paths from source '_' to target '_'." and
       all(x["rows"][-1]["text"].count(" = <1 ") for x in lines[:4]),
       version + ": under Heapy's title, down to the set")
    ok(all(x["type"] == "tree" and len(x["rows"]) >= 2 for x in lines[4:]),
       version + ": paths within a cycle end")
    many = heapsh(["attach", f.pid],
                  ["x = rp(listed[3], listed[4])", "set rows=all", "x.a",
                   "x.paths('a').all", "pathsout first", "pathsout first second",
                   "pathsin text"]).results
    m = [r["text"] for r in many[-4]["rows"]]
    ok(sum("@ [3]" in x for x in m) == 1 == sum("@ [4]" in x for x in m),
       "%s: each object of a line has its paths: %s" % (version, m))
    limits(version, f)
    equal(texts_of(many[-3]), ["Src[0]"],
          version + ": pathsout begins at Src")
    ok(all(x.startswith("<1 ") for x in texts_of(many[-2]) +
           texts_of(many[-1])),
       version + ": of several, and pathsin, at the objects")


def limits(version, f):
    """rp.paths(andsets=): by these objects of each line alone; and what Heapy
    has there and we have not."""
    edges = {"(None, iso(listed[4]))": ["@ [4]"],
             "(None, iso(listed[3]))": ["@ [3]"],
             "(iso(listed), None)": ["@ [3]", "@ [4]"],
             "(iso(listed), iso(listed[4]))": ["@ [4]"],
             "(iso(listed),)": ["@ [3]", "@ [4]"],
             "(iso(first),)": []}
    d = heapsh(["attach", f.pid],
               ["x = rp(listed[3], listed[4])", "set rows=all"] +
               ["x.paths('a', andsets=%s)" % a for a in edges] +
               ["x.paths('a', andsets=3)", "x.paths('a', 2)",
                "x.paths('a', to=3)", "x.get_row(1)",
                "x.paths('_', andsets=(None, None))",
                "sp(listed).edges", "sp(listed).aslist()"]).results
    for doc, (sets, want) in zip(d, edges.items()):
        equal(sorted(r["text"][r["text"].index("@"):] for r in doc["rows"]
                     if "@" in r["text"]), want,     # by address, else
              "%s: andsets=%s" % (version, sets))
    rest = [(x.get("message", x["type"]), x.get("remedy")) for x in d[-7:]]
    equal(rest, [
        ("andsets is a tuple of sets: of the line, of the next, and so on",
         "_.paths(2, andsets=(None, SET))"),
        ("paths takes one line", "_.paths(2), or _.paths('aa')"),
        ("paths takes no option to", "andsets="),
        ("reference patterns have no attribute get_row",
         "_[N], or _.aa of the line named aa"),
        ("andsets has 2 sets: there are 1 lines from '_' to the set", None),
        ("paths have no attribute edges",
         "_.sets has the objects of each level, and the rows name the edges "
         "between them"),
        ("paths have no attribute aslist", "_.all")],
        version + ": what Heapy has there is named")
    asized(version, f)


def asized(version, f):
    """Chains that Pympler's users type."""
    d = heapsh(["attach", f.pid],
               ["asized listed detail=1", "asized(listed, detail=1).format()",
                "asized(listed).size", "asized(listed).flat",
                "asized(listed, detail=1).refs", "asized(first, detail=1)",
                "asized(listed).get('nothing')", "asized(listed).get()",
                "asized(listed).format(depth=1)", "heap.stat.format()",
                "asizeof listed"]).results
    equal(d[1]["items"], d[0]["items"], version + ": asized(x).format()")
    equal((d[2]["value"], d[3]["value"]), (d[0]["size"], d[0]["flat"]),
          version + ": its .size and .flat")
    equal(d[2]["value"], d[10]["value"], version + ": that is asizeof's")
    equal(d[4]["items"], d[0]["refs"], version + ": its .refs")
    one = d[0]["refs"][0]
    row = heapsh(["attach", f.pid], ["asized(listed, detail=1).get(%r)" %
                                     one["name"]]).results[0]
    equal(row["items"], [one], version + ": .get() of a row's name")
    equal([x["type"] for x in d[6:10]], ["error"] * 4,
          version + ": the rest is answered with a sentence")


def texts_of(doc):
    return [p["text"] for p in doc["paths"]]


def strings(version, f):
    """An interned string hangs on who uses it, not on the table of all."""
    a, text = f.truth["interned"]
    d = heapsh(["attach", f.pid],
               ["iso(interned).retained", "sp 0x%x" % text, "pathsin 0x%x"
                % text, "why 0x%x" % text]).results
    want = held(f, [a, text]) if f.truth["mortal"] else held(f, [a])
    equal(d[0]["rows"][0]["retained"], want,
          "%s: what the one user of an interned string retains%s"
          % (version, "" if f.truth["mortal"] else ": it never ends"))
    if f.truth["mortal"]:
        equal(texts_of(d[1]), [MAIN + "['interned'][0]"],
              version + ": sp of an interned string names it")
        equal([int(p["address"], 16) for p in d[2]["paths"]], [a],
              version + ": and so does pathsin")


def unused(version, f):
    """Memory that need not be."""
    t = f.truth
    d = heapsh(["attach", f.pid],
               ["duplicates (heap & str)", "_[0]", "waste iso(wide)",
                "waste (heap & list) by=object limit=3", "waste by=nothing",
                "duplicates limit=0", "audit shared", "audit orphans",
                "audit 3", "heap.waste"]).results
    copies = [r for r in d[0]["rows"] if r[4].startswith("'duplicate")]
    equal([r[:3] for r in copies],
          [[t["copies"] + 1, t["copies"] * t["text"], t["text"]]],
          version + ": duplicates counts equal strings and what they waste")
    equal(d[1]["type"], "object", version + ": a row is one of them")
    row = d[2]["rows"][0]
    equal([row[0] + 8 * row[2], row[2], row[4]], [t["room"], 6, "list"],
          version + ": waste of a list that has shrunk")
    ok(len(d[3]["rows"]) == 3 and d[3]["rows"][0][0] >= row[0],
       version + ": waste by object")
    ok("nothing" in d[4].get("message", ""), version + ": waste by nothing")
    equal(d[5].get("message"), "duplicates: limit=0: 1 to 100000",
          version + ": no rows wanted")
    equal(d[6]["rows"], [], version + ": the count of shared is explained")
    ok(d[7]["rows"] and all(r[3] > 0 for r in d[7]["rows"]),
       version + ": orphans are counted above what is found")
    ok("not an object" in d[8].get("message", ""), version + ": audit 3")
    ok(d[9]["rows"], version + ": waste of a set")


def variables(version, f):
    t = f.truth
    d = heapsh(["attach", f.pid], ["locals", "locals by=thread", "locals by=x",
                                   "_.count"]).results
    by = {r[2].split("'")[1]: r[:2] for r in d[0]["rows"] if "'" in r[2]}
    want = held(f, t["of_thread"])
    equal(by.get("kept_by_thread"), [want, want],
          version + ": what a variable keeps alive alone")
    ok(by["also_global"][0] == 0 and by["also_global"][1] > 1000,
       version + ": a variable that is not alone")
    rows = d[1]["rows"]
    ok(len(rows) == 2 and min(r[2] for r in rows) >= want,
       "%s: and what threads keep: %s" % (version, rows))
    ok("'x'" in d[2].get("message", "") or "by" in d[2].get("message", ""),
       version + ": locals by x: %s" % d[2].get("message"))


def dot_of(doc):
    nodes = set(re.findall(r"^  (o\d+) \[", doc["value"], re.M))
    edges = re.findall(r'^  (o\d+) -> (o\d+) \[label="(.*)"\];$',
                       doc["value"], re.M)
    return nodes, edges


def pictures(version, f):
    t = f.truth
    d = heapsh(["attach", f.pid],
               ["refbrowser shared depth=1", "refbrowser mapped of=referents",
                "refbrowser 0x%x depth=5" % t["dead"],
                "refbrowser 0x%x repeat=1 depth=9" % t["dead"],
                "refbrowser shared depth=99", "graph mapped depth=1",
                "garbage graph", "graph shared of=referrers depth=1",
                "graph heap"]).results
    rows = d[0]["rows"]
    equal(sorted({int(r["address"], 16) for r in rows[1:]}),
          t["holders"],
          version + ": refbrowser shows the referrers")
    ok({"['shared']", "[0]"} == {r["label"] for r in rows[1:]},
       version + ": with the names of the references")
    labels = [r["label"] for r in d[1]["rows"] if r["depth"] == 1]
    equal(set(labels) & {"['key']", "[7]"}, {"['key']", "[7]"},
          version + ": and referents")
    ok(any("[^ 0]" in r["text"] for r in d[2]["rows"]) and
       any("[^ " in r["text"] for r in d[3]["rows"]) and
       len(d[3]["rows"]) < 30,
       version + ": a cycle ends, also when it may repeat")
    equal(d[4].get("message"),
          "refbrowser: depth is at most 50, limit at least 1",
          version + ": too deep")
    nodes, edges = dot_of(d[5])
    ok(len(nodes) == d[5]["nodes"] and len(edges) == d[5]["edges"] and
       {"['key']", "[7]"} <= {e[2] for e in edges} and
       all(a in nodes and b in nodes for a, b, _ in edges),
       version + ": graph is a picture of it: %s" % (edges,))
    nodes, edges = dot_of(d[6])
    pairs = {(a, b) for a, b, _ in edges}
    ok(any((b, a) in pairs or a == b for a, b in pairs),
       version + ": garbage graph has its cycles")
    nodes, edges = dot_of(d[7])
    equal(len(nodes), 4, version + ": graph of referrers")
    ok("where one is wanted" in d[8].get("message", ""),
       version + ": graph of a set")
    if shutil.which("dot"):
        p = subprocess.run(["dot", "-Tsvg"], input=d[5]["value"], text=True,
                           capture_output=True)
        ok(p.returncode == 0 and "<svg" in p.stdout,
           version + ": graphviz draws it")
    else:
        skip(version + ": graphviz draws it", "graphviz is not installed")


def garbage(version, f):
    """Asked last: the fixture collects."""
    r = heapsh(["attach", f.pid],
               ["set rows=all", "garbage.byid", "cycles garbage", "_[0].count",
                "garbage - heapu", "sp 0x%x" % f.truth["closing"]])
    d = [x for x in r.results if x["type"] != "words"]
    ours = {int(x["address"], 16): x["kind"] for x in d[0]["rows"]}
    theirs = set(f.ask("collect"))
    ok(theirs and theirs <= set(ours),
       "%s: all of %d objects that a collection finds are garbage"
       % (version, len(theirs)))
    rest = {k for a, k in ours.items() if a not in theirs}
    # What the collector does not track: with a class that nobody has any
    # more, its functions' code.
    ok(all(re.match(r"(str|int|bytes|float|code|tuple): |['\db]", k)
           for k in rest),
       "%s: the rest is what they alone hold: %s" % (version, rest))
    ok(set(f.truth["truth_dead"]) | {f.truth["closing"]} <= set(ours),
       version + ": the cycles that the fixture made")
    rows = d[1]["rows"]
    equal(sum(x[1] for x in rows), len(ours),
          version + ": its cycles are all of it")
    waiting = [x for x in rows if "Closing" in x[6]]
    ok(len(waiting) == 1 and waiting[0][5] == "1 to run",
       "%s: a finalizer is to run: %s" % (version, waiting))
    ok(any("Node" in x[6] and x[5] == "" and x[2] in (2, 4) for x in rows),
       version + ": a cycle of two")
    equal((d[2]["value"], d[3]["count"]), (rows[0][1], 0),
          version + ": a row is a set; garbage is held by nothing")
    f.ask("within")
    r = heapsh(["attach", f.pid], ["garbage", "heap.count"])
    d = r.results
    shown = heapsh(["attach", f.pid], ["heap.count"], form="text")
    ok(r.docs[0]["collecting"] and "· collecting" in shown.err + shown.out,
       version + ": an instant within a collection says so")
    ok("within a collection" in d[0].get("message", "") and
       d[0].get("remedy") == "snap, then garbage" and d[1]["value"] > 1000,
       "%s: within a collection it is refused" % version)
    f.say("go on")
    f.line()


def main():
    found = pythons()
    wanted = found if SMOKE or os.environ.get("HEAPSH_PYTHONS") else \
        [x for x in found if x[0].split(".")[1] in ("8", "11", "13")]
    for version, path in wanted:
        minor = int(version.split(".")[1])
        with python(path, "paths.py") as f:
            named(version, f, minor)
            around(version, f)
            bad(version, f)
            retained(version, f)
            patterns(version, f)
            chosen(version, f)
            strings(version, f)
            unused(version, f)
            variables(version, f)
            pictures(version, f)
            garbage(version, f)
            f.end()
    done()


main()
