#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""limit=, sort= and filter= of every verb that answers with rows, against the
same done to all its rows here. A verb that lists rows and is in none of the
tables below fails."""
import json
import os
import re
import sys

SRC = os.environ.get("abs_top_srcdir", ".")
sys.path.insert(0, os.path.join(SRC, "tests", "lib"))
from hstest import (diag, done, equal, heapsh, ok, python,  # noqa: E402
                    pythons)

# Of each verb that has no side effect, a line whose answer has rows if it ever
# has some.
LINES = {
    "audit": "audit heap",
    "cycles": "cycles garbage",
    # of one process: what others leave and end is the work of other tests
    "doctor": "doctor PID",
    "duplicates": "duplicates",
    "find": "find type=Account",
    "get_rp": "get_rp((heap & Account), depth=2)",
    "info setup": "info setup",
    "iso": "iso accounts text",
    "locals": "locals",
    "modules": "modules",
    "named_refs": "named_refs accounts",
    "pathsin": "pathsin accounts",
    "pathsout": "pathsout accounts",
    "plugins": "plugins",
    "probe status": "probe status",
    "refbrowser": "refbrowser accounts",
    "refs": "refs accounts",
    "retained": "retained (heap & Account)",
    "rows": "rows heap sort=count",
    "rp": "rp accounts",
    "set": "set",
    "show": "show accounts",
    "show frames": "show frames",
    "show modules": "show modules",
    "show threads": "show threads",
    "shpaths": "shpaths accounts",
    "sp": "sp (heap & Account)",
    "summary": "summary",
    "snaps": "snaps",
    "top": "top 5 by retained",
    "waste": "waste",
    "why": "why accounts",
}
# These answer without rows, or end what is looked at.
NONE = set("""asized asizeof asizesof ask attach basicsize call detach flatsize
garbage_graph graph help itemsize leng load open plugin_load plugins_disable
plugins_enable probe_load release setref snap track_start use""".split())
# Rows that cannot be limited, sorted or filtered one by one.
WHY = {
    "get_rp": "a tree: a line means nothing without those above it",
    "rp": "a tree: a line means nothing without those above it",
    "refbrowser": "a tree: a line means nothing without those above it",
    "find": "a set: rows SET sort= filter= limit=",
    "iso": "a set: rows SET sort= filter= limit=",
    "retained": "a set: rows SET sort= filter= limit=",
    "top": "a set in one order, of as many rows as were asked for",
    "set": "NAME=VALUE is what it takes",
    "show": "one object, attribute by attribute",
    "why": "one screen of different things",
}
# Sorted or filtered by options of their own, which tests/e2e/time.t and sets.t
# look at.
OWN = {"rows", "summary", "summary diff", "track diff"}


def verbs():
    """Every verb of the engine, from the only list that there is."""
    with open(os.path.join(SRC, "core", "verb", "verbs.def")) as f:
        names = re.findall(r"^VB_VERB\((\w+)\)", f.read(), re.M)
    return {n if n in ("get_rp", "named_refs") else n.replace("_", " ")
            for n in names}


# --- limit, sort, filter ------------------------------------------------------

def rows_of(doc):
    return doc.get("rows", doc.get("paths", []))


def names_of(doc):
    if "columns" in doc:
        return [c["name"].lower().replace(" ", "_") for c in doc["columns"]]
    first = rows_of(doc)[0]
    return [k for k in first if not isinstance(first[k], list)]


def cell(doc, row, name):
    return row[names_of(doc).index(name)] if "columns" in doc else row[name]


def bare(doc, rows):
    """Without the numbers that rows are shown by."""
    at = names_of(doc).index("index") if "index" in names_of(doc) else None
    if at is None:
        return rows
    if "columns" in doc:
        return [r[:at] + r[at + 1:] for r in rows]
    return [{k: v for k, v in r.items() if k != "index"} for r in rows]


def texts(row):
    return [x for x in (row.values() if isinstance(row, dict) else row)
            if isinstance(x, str)]


# From one look to the next other things change (memory that is free, of which
# the engine has a share); the name of a row does not.
AT_WORK = {"plugins": 0, "doctor PID": 0, "info setup": 0, "snaps": 1}


def known(line, doc, rows):
    """What each row is, in no order."""
    return sorted(str(r[AT_WORK[line]]) if line in AT_WORK else json.dumps(r)
                  for r in bare(doc, rows))


def try_one(line, run):
    """What is wrong with limit=, sort= and filter= of this line; run answers a
    list of lines of one process."""
    whole = run(["%s limit=all" % line])[0]
    rows = rows_of(whole)
    if not rows:
        return ["%s has no rows here" % line]
    names = [n for n in names_of(whole) if n and n != "index"]
    word = next((t for r in rows for t in texts(r) if len(t) > 3), "")[:6]
    word = re.sub(r"[^\w/.]", "", word)
    docs = run(["%s limit=1" % line] +
               ["%s limit=all sort=%s" % (line, n) for n in names] +
               ["%s limit=all filter=%s" % (line, word or "x"),
                "%s sort=nothing" % line])
    out = []
    if len(rows_of(docs[0])) + docs[0].get("more", 0) != len(rows) or \
            (len(rows) > 2 and len(rows_of(docs[0])) != 1):
        out.append("%s limit=1: %d rows" % (line, len(rows_of(docs[0]))))
    for n, d in zip(names, docs[1:]):
        values = [cell(d, r, n) for r in rows_of(d)]
        number = [v for v in values if not isinstance(v, str)]
        words = [v for v in values if isinstance(v, str)]
        if number != sorted(number, reverse=True) or (
                words != sorted(words, key=lambda s: s.encode()) and
                not all(re.fullmatch(r"-?\d+", w) for w in words)):
            out.append("%s sort=%s: %.200r" % (line, n, values))
        if known(line, d, rows_of(d)) != known(line, whole, rows):
            out.append("%s sort=%s: other rows" % (line, n))
    left = [r for r in bare(whole, rows)
            if any((word or "x").lower() in t.lower() for t in texts(r))]
    if len(left) != len(rows_of(docs[-2])) or (
            line not in AT_WORK and bare(docs[-2], rows_of(docs[-2])) != left):
        out.append("%s filter=%s: %d rows, not %d" %
                   (line, word, len(rows_of(docs[-2])), len(left)))
    if docs[-1]["type"] != "error" or "no such column" not in \
            docs[-1]["message"]:
        out.append("%s sort=nothing: %s" % (line, docs[-1]))
    return out


def ask(f, lines):
    return heapsh(["attach", f.pid],
                  [x.replace("PID", str(f.pid)) for x in lines]).results


def listings(version, f, helps, docs):
    """Verbs whose help names the three, and those that should."""
    wrong, said = [], []
    for verb, doc in sorted(docs.items()):
        has = [o for o in ("limit=", "sort=", "filter=")
               if re.search(r"^    %s" % o, helps[verb], re.M)]
        if verb in OWN:
            continue
        if len(has) == 3:
            wrong += try_one(LINES[verb], lambda lines: ask(f, lines))
        elif verb in WHY:
            said.append("%s: %s" % (verb, WHY[verb]))
        elif rows_of(doc):
            wrong.append("%s lists rows and has only %s" % (verb, has))
    diag("\n".join(said))
    if not ok(not wrong, "%s: rows are limited, sorted and filtered" %
              version):
        diag("\n".join(wrong[:20]))


def numbers(version, f):
    r = heapsh(["attach", f.pid], [
        "len(heap & Account)", "(heap & Account).bytype[0]",
        "summary filter=account limit=5", "summary filter=nothing.of.it",
        "modules limit=0", "modules limit=2 sort=name order=ascending",
        "_[1]"]).results
    equal(r[0].get("value"), f.truth["accounts"],
          "%s: len() of a set is its objects" % version)
    equal([(x["index"], x["count"], x["cumulative"]) for x in r[1]["rows"]],
          [(0, r[1]["count"], r[1]["size"])],
          "%s: a single row is all of its set" % version)
    equal([x["type"] for x in r[2].get("rows", [])], ["__main__.Account"],
          "%s: types of a summary are filtered" % version)
    equal(r[3].get("rows"), [], "%s: nothing is left" % version)
    equal(r[4].get("message"), "modules: limit=0 would show no row",
          "%s: a limit that shows nothing" % version)
    equal(r[6].get("address"), r[5]["rows"][1][2],
          "%s: [1] is what was printed as 1" % version)


def run(version, f, whole):
    names = verbs()
    equal(sorted(names - set(LINES) - {n.replace("_", " ") for n in NONE} -
                 NONE - {"summary diff", "track diff"}), [],
          "%s: each verb is in one of the tables" % version)
    numbers(version, f)
    if not whole:
        return
    asked = sorted(names & set(LINES))
    docs = ask(f, [LINES[v] for v in asked])
    helps = heapsh(["attach", f.pid], ["help %s" % v for v in asked]).results
    listings(version, f, dict(zip(asked, (d["value"] for d in helps))),
             dict(zip(asked, docs)))


found = pythons()
for version, path in found:
    with python(path, "views.py") as f:
        run(version, f, path == found[-1][1])
        f.end()
done()
