#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""graph and garbage graph: edges against gc.get_referents, to a file as text,
drawn by graphviz where it is, and a sentence where it is not."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (done, equal, heapsh, ok, python, pythons,  # noqa: E402
                    skip)

EMPTY = "/nonexistent"


def words(r):
    return [d.get("value", d.get("message")) for d in r.results]


def labels(dot):
    return sorted(re.findall(r'-> o\d+ \[label="((?:[^"\\]|\\.)*)"\]', dot))


def drawn(version, f, folder, dot):
    """A picture has as many nodes and edges as the words that it is of."""
    if not shutil.which("dot"):
        skip("%s: drawn" % version, "graphviz is not installed")
        return
    svg = os.path.join(folder, "a.svg")
    r = heapsh(["attach", f.pid], ["graph cache depth=2 file=%s" % svg,
                                   "graph cache file=%s" % svg,
                                   "garbage graph file=%s/b.png" % folder])
    with open(svg) as file:
        text = file.read()
    equal((text.count('class="node"'), text.count('class="edge"')),
          (len(re.findall(r"^  o\d+ \[", dot, re.M)), dot.count("->")),
          "%s: a picture of all objects and references" % version)
    ok("size=" in text and "[&#39;k0&#39;]" in text,
       "%s: with sizes and the names of references" % version)
    ok(words(r)[0].startswith(svg + " has "), "%s: it is said" % version)
    equal(words(r)[1], "graph: write %s: File exists" % svg,
          "%s: what is there is left alone" % version)
    with open(folder + "/b.png", "rb") as file:
        equal(file.read(4), b"\x89PNG", "%s: garbage, as PNG" % version)


def refused(version, f, folder):
    """Without graphviz; and where nothing can be written."""
    env = dict(os.environ, PATH=EMPTY)
    name = os.path.join(folder, "c.svg")
    r = heapsh(["attach", f.pid], ["graph cache file=%s" % name,
                                   "graph cache file=%s/x.dot" % EMPTY],
               env=env)
    equal([d["message"] for d in r.results],
          ["graph: draw it: graphviz is not installed",
           "graph: write %s/x.dot: No such file or directory" % EMPTY],
          "%s: without graphviz, and without the folder" % version)
    equal(r.results[0]["remedy"],
          "file=NAME.dot, or apt install graphviz", "%s: what to do" % version)
    ok(not os.path.exists(name), "%s: no file is left" % version)


for version, path in pythons():
    with python(path, "graphviz.py") as f, \
            tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "a.dot")
        r = heapsh(["attach", f.pid], [
            "graph cache depth=2 limit=100", "graph cache depth=2 limit=100 "
            "file=%s" % name, "garbage graph", "graph cache depth=2"])
        dot = r.results[0]["value"]
        equal(labels(dot), sorted(f.truth["labels"]),
              "%s: references are those that the program sees" % version)
        with open(name) as file:
            equal(file.read(), dot, "%s: to a file as it is" % version)
        garbage = r.results[2]
        equal((garbage["nodes"] >= f.truth["garbage"],
               garbage["value"].count("->")), (True, garbage["edges"]),
              "%s: cycles of garbage" % version)
        if shutil.which("dot"):
            p = subprocess.run(["dot", "-Tplain"], input=dot, text=True,
                               capture_output=True)
            equal((p.returncode, p.stderr), (0, ""),
                  "%s: the words are graphviz's" % version)
        drawn(version, f, folder, r.results[3]["value"])
        refused(version, f, folder)
        equal(f.end()[0], 0, "%s: the program ends well" % version)
done()
