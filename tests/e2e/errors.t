#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input: each is a sentence with the status of its kind, and a thousand
further commands work."""
import glob
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (FIXTURES, HEAPSH, diag, done, equal, heapsh, ok,  # noqa: E402
                    python, pythons, skip)


def says(r, status, *words, name):
    text = r.out + r.err
    if not ok(r.status == status and all(w in text for w in words) and
              "Traceback" not in text, name):
        diag("status %d, wanted %d and %r" % (r.status, status, words))
        diag(text[:600])


def text(args, commands=()):
    return heapsh(args, commands, form=None)


# Which process?
says(text(["attach", "999999999"], ["heap"]), 3, "heapsh: ", "999999999",
     name="no such pid")
says(text(["attach", "no-such-program-xyz"], ["heap"]), 3,
     "no-such-program-xyz", name="no such name")
says(text(["attach"]), 2, "attach", name="attach what?")
says(text(["attach", "1", "--nonsense"]), 2, "--nonsense",
     name="unknown option")
says(text(["frobnicate"]), 2, "frobnicate", name="unknown command")
p = subprocess.Popen(["/bin/sh", "-c", "exit 0"], stdin=subprocess.DEVNULL)
while True:
    with open("/proc/%d/stat" % p.pid) as f:
        if ") Z" in f.read():
            break
says(text(["attach", p.pid], ["heap"]), 3, str(p.pid), name="a zombie")
p.wait()
p = subprocess.Popen(["sleep", "60"])
says(text(["attach", p.pid], ["heap"]), 3, "sleep", "cpython",
     name="not Python: what was seen, and which plugins looked")
p.kill()
p.wait()
# Which Python? Those that are not read are refused with a sentence.
refused = []
for old in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python"))):
    v = old.split("/")[-3]
    if v.startswith(("2.", "3.6", "3.7", "3.14")) or v.endswith("t"):
        refused.append((v, old))
for v, old in refused:
    p = subprocess.Popen([old, "-c", "import sys; sys.stdout.write('up\\n'); "
                          "sys.stdout.flush(); sys.stdin.read()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdout.readline()
    says(text(["attach", p.pid], ["heap"]), 3, "Python", "3.8 to 3.13",
         name="CPython %s is refused" % v)
    p.stdin.close()
    equal(p.wait(30), 0, "CPython %s ends well" % v)
if not refused:
    skip("Pythons that are refused", "none is installed")
if os.getuid() == 0:
    p = subprocess.Popen(["sleep", "60"])
    r = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534",
                        "--clear-groups", HEAPSH, "attach", str(p.pid)],
                       stdin=subprocess.DEVNULL, capture_output=True,
                       text=True)
    if "xecute" in r.stderr or r.returncode in (126, 127):
        skip("not ours", "another user cannot reach the build tree")
    else:
        ok(r.returncode == 3 and "belongs to root" in r.stderr and
           "sudo" in r.stderr, "not ours: whose it is, and what to type")
    p.kill()
    p.wait()

# Which file?
with tempfile.TemporaryDirectory() as tmp:
    says(text(["open", tmp + "/absent"], ["heap"]), 3, "absent",
         name="no such file")
    with open(tmp + "/junk", "wb") as f:
        f.write(os.urandom(5000))
    says(text(["open", tmp + "/junk"], ["heap"]), 3, "junk",
         name="not a core")
    os.mkdir(tmp + "/plugins")
    with open(tmp + "/plugins/bad.so", "w") as f:
        f.write("not a plugin")
    says(text(["attach", str(os.getpid()), "--plugin-path", tmp + "/plugins",
               "-e", "plugins"]), 0, "bad.so", name="a broken plugin is listed")

version, path = pythons()[-1]
# A shell that waits for it: the child is what was meant.
p = subprocess.Popen(
    ["sh", "-c", "'%s' '%s/idle.py'; exit 7" % (path, FIXTURES)],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
p.stdout.readline()
with open("/proc/%d/task/%d/children" % (p.pid, p.pid)) as f:
    child = f.read().strip()
says(text(["attach", p.pid], ["heap"]), 3, "no plugin knows it",
     "heapsh attach %s, a child of it: CPython %s" % (child, version),
     name="a shell before the program: its child is named")
p.stdin.close()
equal(p.wait(30), 7, "and ends well")

# A server before its workers: the one that has the memory is named.
p = subprocess.Popen([path, "-c", """
import os, sys
read, write = os.pipe()
for size in 1, 40 << 20, 1:
    pid = os.fork()
    if not pid:
        kept = b"x" * size
        os.write(write, b"%d\\n" % os.getpid())
        sys.stdin.read()
        os._exit(0)
    os.read(read, 99)
    print(pid, flush=True)
sys.stdin.read()
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
workers = [p.stdout.readline().strip() for i in range(3)]
says(text(["attach", p.pid], ["heap"]), 0, "children of it (3) run the same",
     "heapsh attach %s\n" % workers[1],
     name="a server of workers: the largest is named")
r = text(["attach", workers[1]], ["heap"])
ok(r.status == 0 and "children" not in r.err, "a worker: nothing is said")
p.stdin.close()
p.wait(30)

with python(path, "idle.py") as f:
    lines = [
        ("thinsg", 1, ["thinsg", "things"], "unknown name, a near one"),
        ("asizeof __main__.thingz", 1, ["thingz", "things"],
         "unknown attribute, a near one"),
        ("asizeof (1", 1, ["^"], "syntax error with a caret"),
        ("asizeof things -names", 1, ["(things - names)"],
         "two arguments that look like one"),
        ("asized things detail=x", 1, ["detail"], "wrong option value"),
        ("asized things detial=2", 1, ["detial", "detail"], "wrong option"),
        ("asizof things", 1, ["asizof", "asizeof"], "unknown verb"),
        ("x = asizeof things", 1, ["asizeof(things)"], "call form"),
        ("0x10.n", 1, ["0x10"], "address of nothing"),
        ("things[100000]", 1, ["100000"], "index out of range"),
        ("names['nope']", 1, ["nope", "show OBJ"], "key that is not there"),
        ("names['Key-44']", 1, ["['key-44']"], "key, a near one"),
        ("names[key]", 1, ["['key'], in quotes"], "key without quotes"),
        ("heap.bytpe", 1, ["bytpe", "bytype"], "set attribute, a near one"),
        ("heap[100000]", 1, ["100000"], "row out of range"),
        ("use nowhere", 1, ["nowhere"], "unknown instant"),
        ("plugin load /nonexistent.so", 1, ["nonexistent"],
         "plugin that is missing"),
        ("help nonsense", 1, ["nonsense"], "help for nothing"),
        ("set rows=many", 1, ["rows"], "setting with a wrong value"),
    ]
    for line, status, words, name in lines:
        says(text(["attach", f.pid], [line]), status, *words, name=name)
    r = text(["attach", f.pid, "--stop-on-error"],
             ["asizeof things", "nonsense", "asizeof names"])
    says(r, 1, "nonsense", name="--stop-on-error: status")
    equal(len(r.out.split()), 1, "--stop-on-error: nothing after it")
    many = heapsh(["attach", f.pid],
                  [x[0] for x in lines] + ["asizeof things"] * 1000)
    good = {str(d.get("value")) for d in many.results[len(lines):]}
    equal((many.status, len(many.results), len(good)),
          (1, len(lines) + 1000, 1), "a thousand further commands work")
    equal(f.end(), (0, "same"), "the process ends well")
done()
