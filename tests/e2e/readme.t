#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The session in README.md is true: its lines are typed, and the answers are as
it says, but for numbers and addresses."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import HEAPSH, SRC, diag, done, equal, ok  # noqa: E402
from transcript import differs, mask, session  # noqa: E402


def told():
    """README's session, from the first line that is typed on."""
    with open(os.path.join(SRC, "README.md"), encoding="utf-8") as f:
        text = f.read()
    text = text[text.index("$ ./heapsh demo"):]
    return session(text[:text.index("\n## ")])


commands, want = told()
ok(len(commands) >= 6, "README has a session of %d lines" % len(commands))
r = subprocess.run([HEAPSH, "demo", "-x", "-"],
                   env=dict(os.environ, LC_ALL="C.UTF-8", COLUMNS="100"),
                   input="".join(c + "\n" for c in commands), timeout=120,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
equal(r.returncode, 0, "typed into heapsh demo, it works")
got = [mask(x) for x in r.stdout.splitlines() if mask(x)]
at = differs(want, got)
if not ok(at is None, "and answers what README says"):
    diag("line %d: %r" % (at, want[at:at + 3]))
    diag("\n".join(got))
done()
