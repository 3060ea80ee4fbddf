#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The session in README.md is true: its lines are typed, and the answers are as
it says, but for numbers and addresses."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import HEAPSH, SRC, diag, done, equal, ok  # noqa: E402


def mask(line):
    """Numbers, addresses and what they are aligned with do not matter."""
    line = re.sub(r"\(/usr/bin/python3 .*?\):", "(python leaky):", line)
    line = re.sub(r"0x[0-9a-f]+|\d+(\.\d+)*", "N", line)
    line = re.sub(r"\bN ([um]s|s)$", "N s", line)
    return re.sub(r"[ =]+", " ", line).strip()


def session():
    """(what is typed, all that is answered) in README's session."""
    with open(os.path.join(SRC, "README.md"), encoding="utf-8") as f:
        text = f.read()
    text = text[text.index("$ ./heapsh demo"):]
    lines = [x[4:] for x in text[:text.index("\n## ")].splitlines()[1:]
             if x.startswith("    ")]
    return ([x[2:] for x in lines if x.startswith("> ")],
            [mask(x) for x in lines if not x.startswith("> ")])


def differs(want, got):
    """Index of the first line of want that got does not have; None when all
    agree. A line of … stands for any number of lines."""
    g = 0
    for w, line in enumerate(want):
        if line == "…":
            nxt = want[w + 1] if w + 1 < len(want) else None
            while g < len(got) and got[g] != nxt:
                g += 1
        elif g < len(got) and got[g] == line:
            g += 1
        else:
            return w
    return None if g == len(got) else len(want)


commands, want = session()
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
