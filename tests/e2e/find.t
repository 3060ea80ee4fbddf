#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""find value~: what an expression finds is what the program's own re finds in
the same texts."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (Shell, done, equal, heapsh, ok, python,  # noqa: E402
                    pythons)

PATTERNS = ["77", "^name 7", "of (aa|bb)", "[0-9]{5}$", r"a\.b", "a.b", "^$",
            "\u20ac", r"caf\u00e9 1\d", "b+", "x*end", "(c|b)c?$", "object at",
            r"^\[10", r"\.\d{16}", "e-0?[0-9]", "^-", "14285714", "0x[0-9a-f]+",
            r"tab|\[x", "nothing has this", "1[23]?4.*5"]



def own(version, shell):
    """Texts that code of the program makes: only where that is asked for."""
    for kind in ("named", "failing", "looping"):
        shell.say("%s_ = iso(%s).referents" % (kind, kind))
    got = [shell(x).get("value") for x in (
        "len(find(named_, value~'named'))",
        "len(find(named_, value~'^<named [0-9]*5>$', repr=1))",
        "len(find(named_, value~'named', repr=1, limit=9))",
        "len(find(failing_, value~'named', repr=1))",
        "len(find(looping_, value~'named', repr=1))")]
    equal(got, [0, sum(n * 11 % 10 == 5 for n in range(2000)), 9, 0, 49],
          "%s: repr=1 asks the program's code; what raises has no text, what "
          "loops costs itself" % version)


for version, path in pythons():
    with python(path, "texts.py") as f:
        shell, wrong = Shell(f.pid), []
        for kind in f.truth:
            shell.say("%s_ = iso(%s).referents" % (kind, kind))
        for p in PATTERNS:
            want = f.ask(json.dumps(p))
            want.pop("seconds")
            p = p.replace(r"\u00e9", "\u00e9")
            got = {k: shell("len(find(%s_, value~%s))" % (k, json.dumps(p)))
                   .get("value") for k in want}
            none = {k: shell("len(find(%s_, value!~%s))" % (k, json.dumps(p)))
                    .get("value") for k in want}
            total = {k: shell("len(%s_)" % k)["value"] for k in want}
            if got != want or {k: got[k] + none[k] for k in got} != total:
                wrong.append((p, got, want))
        equal(wrong, [], "%s: %d expressions find what re finds"
              % (version, len(PATTERNS)))
        own(version, shell)
        d = shell("find texts_ value~'^name' limit=7")
        ok(d["count"] == 7 and all(r["kind"] for r in d["rows"]),
           "%s: limit=7 are seven" % version)
        d = shell("find value~'a(b'")
        ok("the expression 'a(b' is wrong" in d.get("message", ""),
           "%s: a wrong one: %s" % (version, d.get("message")))
        shell.end()
        f.end()
done()
