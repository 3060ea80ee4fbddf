#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A host that embeds Python, and is idle in its own code."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (FIXTURES, Fixture, done, equal, heapsh,  # noqa: E402
                    ok, skip)

CONFIG = "/usr/bin/python3-config"
CC = os.environ.get("CC", "cc").split()


def build(folder):
    """The program, or None with the reason."""
    if shutil.which(CONFIG) is None:
        return None, "needs libpython3-dev"
    flags = subprocess.run([CONFIG, "--embed", "--includes", "--ldflags"],
                           capture_output=True, text=True)
    path = os.path.join(folder, "embed_host")
    p = subprocess.run(CC[-1:] + ["-o", path, os.path.join(
        FIXTURES, "embed_host.c")] + flags.stdout.split(),
        capture_output=True, text=True)
    return (path, "") if p.returncode == 0 else (None, p.stderr[-300:])


def check(f):
    r = heapsh(["attach", f.pid],
               ["accounts", "flatsize accounts", "accounts[49].n",
                "(heap & __main__.Account).count", "threads", "frames"])
    equal((r.status, r.docs[0].get("rung"), r.docs[0].get("settled")),
          (0, "frozen clone", True), "it is attached to")
    equal(int(r.results[0]["address"], 16), f.truth["accounts"], "by name")
    equal(int(r.results[1]["value"]), f.truth["flat"], "sizes")
    equal(r.results[2]["value"], "49", "attributes")
    equal(int(r.results[3]["value"]), 50, "objects of a class")
    equal(len(r.results[4]["rows"]), 1, "one thread")
    equal(r.results[5]["rows"], [], "and no frame")
    equal(f.end()[0], 0, "it ends well")


with tempfile.TemporaryDirectory() as folder:
    path, why = build(folder)
    if path is None:
        skip("a host that embeds Python", why)
    else:
        with Fixture([path]) as f:
            check(f)
done()
