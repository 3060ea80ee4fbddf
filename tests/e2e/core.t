#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A core that gdb wrote and the living process print the same heap and the
same asized; a truncated core is said to be one."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (done, equal, heapsh, ok, python, pythons,  # noqa: E402
                    skip)

CMDS = ["heap", "_.all", "heap.bytype", "asized __main__.names detail=2",
        "summary", "asizeof __main__.things"]


def plain(result):
    docs = result.results
    for d in docs:
        d.pop("unread", None)
    return docs


if not shutil.which("gcore"):
    skip("cores", "gdb's gcore is not installed")
    done()
for version, path in pythons():
    with tempfile.TemporaryDirectory() as tmp, python(path, "idle.py") as f:
        f.listens()
        live = heapsh(["attach", f.pid], CMDS)
        subprocess.run(["gcore", "-o", tmp + "/core", str(f.pid)],
                       capture_output=True, stdin=subprocess.DEVNULL)
        core = "%s/core.%d" % (tmp, f.pid)
        if not ok(os.path.exists(core), "%s: gcore wrote a core" % version):
            continue
        post = heapsh(["open", core], CMDS)
        equal((live.status, post.status), (0, 0), "%s: both work" % version)
        for cmd, a, b in zip(CMDS, plain(live), plain(post)):
            equal(b, a, "%s: core and process: %s" % (version, cmd))
        size = os.path.getsize(core)
        with open(core, "r+b") as c:
            c.truncate(size // 2)
        cut = heapsh(["open", core], ["heap", "info setup"])
        ok(cut.status in (0, 1, 3) and ("truncated" in cut.out + cut.err or
                                        "missing" in cut.out + cut.err),
           "%s: half a core says so (status %d)" % (version, cut.status))
        equal(f.end(), (0, "same"), "%s: the process ends well" % version)
done()
