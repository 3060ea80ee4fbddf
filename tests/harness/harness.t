#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The harness tells what failed: small tests that pass, fail, crash, stop short
or hang are run as "make check" runs them, and summed up as it sums up."""
import os
import subprocess
import sys
import tempfile

SRC = os.environ.get("abs_top_srcdir", ".")
sys.path.insert(0, os.path.join(SRC, "tests", "lib"))
from hstest import diag, done, ok  # noqa: E402

DRIVER = os.path.join(SRC, "build-aux", "tap-driver.sh")
LIMIT = os.path.join(SRC, "tests", "lib", "limit")
SUMMARIZE = os.path.join(SRC, "tests", "lib", "summarize")
PASS = "echo 1..2; echo ok 1; echo ok 2"

# name, body, (passed, failed, skipped)
CASES = [
    ("pass", PASS, (2, 0, 0)),
    ("fail", "echo 1..2; echo ok 1; echo not ok 2", (1, 1, 0)),
    ("skip", "echo 1..1; echo 'ok 1 # SKIP no such thing'", (0, 0, 1)),
    ("skip-all", "echo '1..0 # SKIP nothing here'", (0, 0, 1)),
    ("crash", PASS + "; kill -SEGV $$", (2, 1, 0)),
    ("status", PASS + "; exit 3", (2, 1, 0)),
    ("early", "echo 1..2; echo ok 1; kill -ABRT $$", (1, 2, 0)),
    ("short", "echo 1..3; echo ok 1; echo ok 2", (2, 1, 0)),
    ("many", "echo 1..1; echo ok 1; echo ok 2", (1, 2, 0)),
    ("no-plan", "echo ok 1", (1, 1, 0)),
    ("silent", "exit 0", (0, 1, 0)),
    ("exception", "cd %s && python3 -c 'import hstest as h; h.ok(1, \"one\"); "
     "1 / 0'" % os.path.join(SRC, "tests", "lib"), (1, 2, 0)),
    ("bail", "echo 1..2; echo ok 1; echo 'Bail out! no fixture'", (1, 1, 0)),
    ("hang", "echo 1..2; echo ok 1; echo ok 2; exec sleep 1000", (2, 1, 0)),
]


def run(folder, name, body):
    """Run one test under the driver; the path of its log."""
    path = os.path.join(folder, name)
    with open(path + ".t", "w") as f:
        f.write("#!/bin/sh\nulimit -c 0\n%s\n" % body)
    os.chmod(path + ".t", 0o755)
    # One that hangs has as long as it needs to get there.
    for limit in (1, 10, 100) if name == "hang" else (60,):
        env = dict(os.environ, AM_TAP_AWK="awk", HEAPSH_TEST_LIMIT=str(limit))
        subprocess.run(
            ["sh", DRIVER, "--test-name", name, "--log-file", path + ".log",
             "--trs-file", path + ".trs", "--color-tests", "no",
             "--enable-hard-errors", "yes", "--expect-failure", "no", "--",
             LIMIT, path + ".t"], env=env, stdout=subprocess.DEVNULL)
        with open(path + ".log") as f:
            if "ok 2" in f.read():
                break
    return path + ".log"


def summary(logs, *options, pythons=""):
    """(exit status, lines) of the sum over logs."""
    env = dict(os.environ, HEAPSH_PYTHONS=pythons, CHECK_SMOKE="")
    p = subprocess.run([SUMMARIZE, *options, *logs], text=True, env=env,
                       stdout=subprocess.PIPE)
    return p.returncode, p.stdout.splitlines()


def expect(logs, counts, what, *options, **kw):
    status, lines = summary(logs, *options, **kw)
    want = "%d passed, %d failed, %d skipped" % counts
    if not ok(lines[-1] == want and status == (counts[1] != 0), what):
        diag("wanted: %s; status %d" % (want, status))
        diag("\n".join(lines))
    return lines


def fake_pythons(folder, versions):
    """Programs that answer as interpreters of these versions do."""
    paths = []
    for v in versions:
        path = os.path.join(folder, "python" + v)
        with open(path, "w") as f:
            f.write("#!/bin/sh\necho %s 0 0\n" % v)
        os.chmod(path, 0o755)
        paths.append(path)
    return ":".join(paths)


def check_sums(folder):
    logs = []
    for name, body, counts in CASES:
        logs.append(run(folder, name, body))
        expect(logs[-1:], counts, "a test of the kind '%s'" % name)
    total = tuple(sum(c[2][i] for c in CASES) for i in range(3))
    expect(logs, total, "all of them together")
    expect([logs[0], os.path.join(folder, "never-ran.log")], (2, 1, 0),
           "a test that left nothing behind")


def check_pythons(folder):
    six = ["3.8.1", "3.9.1", "3.10.1", "3.11.1", "3.12.1", "3.13.1"]
    five, all_six = " ".join(six[:5]), " ".join(six)
    here = fake_pythons(folder, six)
    full = run(folder, "full", "echo '# CPythons tested: %s'; %s"
               % (all_six, PASS))
    part = run(folder, "part", "echo '# CPythons tested: %s'; %s"
               % (five, PASS))
    lines = expect([full], (2, 0, 0), "all CPythons are tested",
                   "--complete", pythons=here)
    ok(lines[0] == "CPythons tested: " + all_six, "and they are listed")
    lines = expect([full, part], (4, 1, 0),
                   "one CPython that one test left out is a failure",
                   "--complete", pythons=here)
    ok(lines[0] == "CPythons tested: " + five, "and it is not listed")
    expect([full, part], (4, 0, 0), "unless not all tests were asked for",
           pythons=here)
    expect([part], (2, 0, 0), "or less than six are installed",
           "--complete", pythons=fake_pythons(folder, six[:5]))


with tempfile.TemporaryDirectory() as tmp:
    check_sums(tmp)
    check_pythons(tmp)
done()
