#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The leak hunt of doc/tutorial.md is true: its program is started, its lines
are typed, and the answers are as it says, but for numbers."""
import os
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (HEAPSH, LIMIT, SRC, diag, done, equal,  # noqa: E402
                    ok, serve, skip, sleeps)
from transcript import differs, mask, session  # noqa: E402

PYTHON = "/usr/bin/python3"


def get(url):
    with urllib.request.urlopen(url, timeout=20) as r:
        return r.status == 200 and r.read()


def up(port):
    try:
        return bool(get("http://127.0.0.1:%d/article/1/" % port))
    except OSError:
        return False


def pages(base, first, n):
    """Requests of n visitors; all must be answered."""
    return all(get("%s/article/%d/?session=%08x" % (base, i % 20, i))
               for i in range(first, first + n))


def type_in(pid, commands, base):
    """All that heapsh answers; pages are served while it tracks."""
    p = subprocess.Popen([HEAPSH, "attach", str(pid), "-x", "-"],
                         env=dict(os.environ, LC_ALL="C.UTF-8",
                                  COLUMNS="100"),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
    lines = []
    for c in commands:
        p.stdin.write(c + "\n")
        p.stdin.flush()
        if c != "track start":
            continue
        while not lines or not lines[-1].startswith("Tracking"):
            lines.append(p.stdout.readline())
            if not lines[-1]:
                break
        ok(pages(base, 100000, 300), "pages are served between two instants")
        sleeps(pid)
    p.stdin.close()
    lines += p.stdout.readlines()
    return p.wait(LIMIT), [x.rstrip("\n") for x in lines]


def main():
    with open(os.path.join(SRC, "doc", "tutorial.md"), encoding="utf-8") as f:
        commands, want = session(f.read())
    ok(len(commands) >= 8, "the tutorial has %d lines" % len(commands))
    with tempfile.TemporaryDirectory() as tmp:
        shop, port = serve(
            lambda port: [PYTHON, os.path.join(SRC, "doc", "shop.py"),
                          "runserver", "--noreload", "127.0.0.1:%d" % port],
            up, "the shop", cwd=tmp,
            env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))
        base = "http://127.0.0.1:%d" % port
        try:
            ok(pages(base, 0, 2000), "the shop is visited")
            sleeps(shop.pid)
            status, got = type_in(shop.pid, commands, base)
            equal(status, 0, "the tutorial's lines can be typed")
            got = [mask(x) for x in got if mask(x)]
            at = differs(want, got)
            if not ok(at is None, "and are answered as it says"):
                diag("line %d: %r" % (at, want[at:at + 3]))
                diag("\n".join(got))
            ok(pages(base, 200000, 3), "the shop goes on")
        finally:
            shop.terminate()
            shop.wait(30)


if subprocess.run([PYTHON, "-c", "import django"],
                  stderr=subprocess.DEVNULL).returncode:
    skip("the tutorial", "python3-django is not installed")
else:
    main()
done()
