#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that have loaded heapsh-probe.so: in three ways, by root and by
others; what they notice of it. Under yama: yama.t."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest  # noqa: E402
import obstacles  # noqa: E402
from hstest import equal, ok  # noqa: E402

PROBE = os.path.join(os.environ.get("abs_top_builddir", "."),
                     "heapsh-probe.so")
HOST = os.path.join(hstest.FIXTURES, "probe_host.py")
COMMANDS = ["heap.count", "asized 0x%x detail=1", "summary limit=3",
            "probe status"]


def rows(doc):
    return [r["cells"] if isinstance(r, dict) and "cells" in r else r
            for r in doc["rows"]]


def looked_at(r, kept, how):
    """Attached by the probe, and the usual words work."""
    attached = r.docs[0]
    equal((attached["type"], attached.get("rung")),
          ("attached", "preloaded probe"), how + ": attached by the probe")
    v = r.results
    equal(len(v), len(COMMANDS), how + ": each command has an answer")
    ok(v[0].get("value", 0) > 1000 and v[1]["type"] != "error" and
       v[2]["type"] != "error", how + ": heap, asized and summary")
    if v[1]["type"] == "error":
        hstest.diag(v[1])
    text = str(v[3])
    ok("heapsh-probe.so" in text and
       ("may attach" in text or "no yama" in text),
       how + ": probe status says what it has done")
    equal(r.status, 0, how + ": nothing failed")


def commands(kept):
    return [c % kept if "%" in c else c for c in COMMANDS]


def attach(f, prefix=()):
    argv = list(prefix) + [hstest.HEAPSH, "attach", str(f.pid), "-x", "-",
                           "-f", "json"]
    return hstest.Result(subprocess.run(
        argv, input="\n".join(commands(f.truth["kept"])) + "\n", text=True,
        capture_output=True, timeout=hstest.LIMIT))


def host(path, args=(), preload=None, prefix=()):
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    if preload:
        env["LD_PRELOAD"] = preload
    return hstest.Fixture(list(prefix) + [path, HOST] + list(args), env=env)


def what_it_costs(path):
    with host(path) as f:
        want = dict(f.truth, kept=0)
        equal(attach(f).docs[0].get("rung"), "frozen clone",
              "without it: a frozen clone, as ever")
        f.end()
    with host(path, preload=PROBE) as f:
        equal(dict(f.truth, kept=0), want,
              "preloaded: no thread, descriptor or handler more")
        f.end()


def three_ways(path, prefix, who):
    with host(path, preload=PROBE, prefix=prefix) as f:
        looked_at(attach(f, prefix), f.truth["kept"], who + ", LD_PRELOAD")
        equal(f.end()[0], 0, who + ", LD_PRELOAD: the program ends well")
    with host(path, [PROBE], prefix=prefix) as f:
        looked_at(attach(f, prefix), f.truth["kept"], who + ", dlopen")
        equal(f.end()[0], 0, who + ", dlopen: the program ends well")
    run(path, prefix, who)


def run(path, prefix, who):
    """The program outlives heapsh and has its output: to a file, then."""
    script = "import time\nprint('up', flush=True)\n" \
             "kept = [{'n': i} for i in range(1000)]\ntime.sleep(60)\n"
    with tempfile.TemporaryFile("w+") as out:
        status = subprocess.call(
            list(prefix) + [hstest.HEAPSH, "run", "--probe", "-f", "json",
                            "-e", "heap.count", "-e", "probe status",
                            path, "-c", script],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            timeout=hstest.LIMIT)
        out.seek(0)
        said = out.read()
    docs = [json.loads(d) for d in said.splitlines() if d.startswith("{")]
    if not ok(status == 0 and docs and
              docs[0].get("rung") == "preloaded probe",
              who + ", run --probe: attached by the probe"):
        hstest.diag(said)
    if docs and docs[0].get("pid"):
        os.kill(docs[0]["pid"], signal.SIGTERM)


def usage():
    p = subprocess.run([hstest.HEAPSH, "attach", "--probe", "1"],
                       capture_output=True, text=True)
    equal((p.returncode, "--probe is of run" in p.stderr), (2, True),
          "attach has no --probe")


def as_nobody():
    """Us, the probe and the program, where others may read them."""
    global PROBE, HOST
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        shutil.copy(HOST, folder)
        obstacles.copy_of_us(folder, [os.path.basename(PROBE)])
        hstest.HEAPSH = folder + "/heapsh"
        PROBE = os.path.join(folder, os.path.basename(PROBE))
        HOST = os.path.join(folder, os.path.basename(HOST))
        three_ways(obstacles.SYSTEM, obstacles.NOBODY, "as nobody")


path = hstest.pythons()[-1][1]
usage()
what_it_costs(path)
three_ways(path, [], "as we are")
if not obstacles.ROOT:
    hstest.skip("as nobody", "we are not root")
elif not os.access(obstacles.SYSTEM, os.X_OK):
    hstest.skip("as nobody", "there is no %s" % obstacles.SYSTEM)
else:
    as_nobody()
hstest.done()
