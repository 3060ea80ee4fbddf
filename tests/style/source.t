#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of the house that text alone can show, each with a planted fault that
it must find."""
import os
import sys
import tempfile

SRC = os.environ.get("abs_top_srcdir", ".")
sys.path[:0] = [os.path.join(SRC, "tests", "lib"),
                os.path.join(SRC, "tests", "style")]
import nets  # noqa: E402
from hstest import diag, done, ok  # noqa: E402

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"

# (what holds, net, planted files, what it must complain about)
RULES = [
    ("no quoted include climbs or descends", nets.includes_with_slash,
     {"core/image/a.c": SPDX + '#include "../graph/graph.h"\n'},
     "core/image/a.c:2"),
    ("no function that base.h poisons is called", nets.poisoned_calls,
     {"plugins/p/a.c": "void f(char *s)\n{\n\tstr" "cpy(s, s);\n}\n"},
     "plugins/p/a.c:3"),
    ("no work is left for later", nets.unfinished_work,
     {"repl/view/a.h": "/* TO" "DO: all of it */\n"}, "repl/view/a.h:1"),
    ("no file of core/ or repl/ names a runtime", nets.runtimes_named,
     {"core/graph/a.c": SPDX + "/* a Lua table */\n",
      "core/verb/topic.c": SPDX + "/* Python */\n",
      "plugins/p/a.c": SPDX + "int Py_x;\n"}, "core/graph/a.c:2"),
    ("nor its members", nets.runtimes_named,
     {"repl/view/a.h": SPDX + "int tp_name;\n"}, "repl/view/a.h:2"),
    ("readline is included by one file of repl/shell", nets.readline_includes,
     {"repl/view/a.c": "#include <readline/readline.h>\n"},
     "repl/view/a.c:1"),
    ("no two headers have one name", nets.twice_named_headers,
     {"core/base/base.h": "", "core/image/base.h": ""},
     "core/base/base.h and core/image/base.h"),
    ("each file names the licence of its folder", nets.missing_spdx,
     {"repl/shell/a.c": SPDX}, "repl/shell/a.c: Apache-2.0"),
    ("each file names a licence", nets.missing_spdx,
     {"core/base/a.c": "int x;\n"}, "core/base/a.c: no SPDX line"),
    ("no file is too long", nets.long_files,
     {"core/base/a.c": "\n" * 601}, "core/base/a.c: 601 lines"),
    ("no line is wider than 80 columns", nets.wide_lines,
     {"core/base/a.c": "\t" * 9 + "123456789\n"},
     "core/base/a.c:1: 81 columns"),
    ("no function is longer than 60 lines", nets.long_functions,
     {"core/base/a.c": "void f(void)\n{\n" + "\t;\n" * 61 + "}\n"},
     "core/base/a.c:2: 61 lines: void f(void)"),
]


def plant(files):
    root = tempfile.TemporaryDirectory()
    for path, text in files.items():
        full = os.path.join(root.name, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as f:
            f.write(text)
    return root


def main():
    for what, net, planted, expected in RULES:
        complaints = net(SRC)
        ok(not complaints, what)
        for c in complaints[:20]:
            diag(c)
        with plant(planted) as root:
            found = net(root)
        ok(len(found) == 1 and found[0].startswith(expected),
           "%s: the planted fault is found" % what)
    done()


main()
