#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write layouts.c and digests.c from the debugging information of CPythons.

    regen-layouts.py CPYTHON...         both files anew, beside this script
                                        (fullest of a minor first)
    regen-layouts.py --row CPYTHON      print one version's part of layouts.c
                                        and its line of digests.c, for the test

CPYTHON is an interpreter, or VERSION=FILE[,FILE...] where FILE holds DWARF
(a libpython, an extension module, a separated .debug file). gdb reads it: the
second half of this file runs inside gdb. What is asked for stands in
layout.def and shapes.def. Exit status 77: no gdb, or no DWARF.
"""
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Extension modules whose structures are asked for, where not built in.
MODULES = """_asyncio _queue array _struct _decimal _elementtree _datetime
    _blake2 _bz2 _csv _ctypes _curses _curses_panel _hashlib _interpchannels
    _json _lsprof _lzma _md5 _multibytecodec _multiprocessing _pickle _random
    _sha1 _sha2 _sha256 _sha3 _sha512 _socket _sqlite3 _ssl _tkinter
    _xxinterpchannels _xxsubinterpreters _zoneinfo mmap ossaudiodev parser
    pyexpat select unicodedata zlib""".split()


def strings(text):
    """The value of adjacent C string literals."""
    return "".join(re.findall(r'"([^"]*)"', text))


def macros(path, name):
    """Arguments of each line of a table in the C preprocessor's syntax."""
    text = open(os.path.join(HERE, path)).read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for body in re.findall(r"^%s\((.*?)\)$" % name, text, re.M | re.S):
        yield body


def fields():
    for body in macros("layout.def", "F"):
        name, rest = body.split(",", 1)
        yield name, strings(rest).split("|")


def shapes():
    for body in macros("shapes.def", "S"):
        name, struct, rest = body.split(",", 2)
        labels = dict(w.split("=") for w in strings(rest).split())
        yield (strings(name), [s.strip() for s in strings(struct).split("|")],
               labels)


# Links between weak references, and what every object has.
NOT_SLOTS = re.compile(r"^ob_type$|weakref|weaklist|^wr_(prev|next)$")


# --- inside gdb -------------------------------------------------------------

class Dwarf:
    """Offsets as gdb knows them."""

    def __init__(self, gdb, file):
        self.gdb = gdb
        self.file = os.path.basename(file)
        self.types = {}

    def type(self, name):
        if name not in self.types:
            try:
                found = self.gdb.lookup_type(name).strip_typedefs()
            except self.gdb.error:
                found = None
            self.types[name] = found
        return self.types[name]

    def member(self, name, path):
        """(bits from the start, field) of a member, or None."""
        t, bits, field = self.type(name), 0, None
        for part in path:
            if t is None or t.code not in (self.gdb.TYPE_CODE_STRUCT,
                                           self.gdb.TYPE_CODE_UNION):
                return None
            found = self.field(t, part)
            if found is None:
                return None
            bits, field = bits + found[0], found[1]
            t = field.type.strip_typedefs()
        return bits, field

    def field(self, t, name):
        """(bits, field) of a member, also of an anonymous union's."""
        for f in t.fields():
            if f.name == name:
                return f.bitpos, f
            if not f.name:
                found = self.field(f.type.strip_typedefs(), name)
                if found is not None:
                    return f.bitpos + found[0], found[1]
        return None

    def one(self, what):
        kind, _, rest = what.strip().rpartition(" ")
        if kind == "struct" or kind.endswith(" struct"):
            kind, rest = kind[:-6].strip(), "struct " + rest
        name, *path = rest.split(".")
        if not path:
            t = self.type(name)
            return None if t is None else t.sizeof
        found = self.member(name, path)
        if found is None:
            return None
        bits, field = found
        if kind == "sizeof":
            return field.type.sizeof
        if kind == "bits":
            return field.bitsize
        if kind == "bit":
            return bits - self.member(name, path[:-1])[0]
        return bits // 8

    def value(self, alternatives):
        for what in alternatives:
            v = self.one(what)
            if v is not None:
                return v
        return -1

    def is_object(self, t):
        """Does the structure begin with PyObject?"""
        for _ in range(8):
            t = t.strip_typedefs()
            if t.code != self.gdb.TYPE_CODE_STRUCT or not t.fields():
                return False
            first = t.fields()[0]
            if first.bitpos != 0:
                return False
            if t.tag == "_object":
                return True
            t = first.type
        return False

    def pointers(self, t, path="", base=0, depth=0):
        """(path, offset, count, stride) of members that point to objects."""
        gdb = self.gdb
        for f in t.fields():
            if f.name is None or f.bitsize or depth > 6:
                continue
            ft, at = f.type.strip_typedefs(), base + f.bitpos // 8
            name, count, stride = path + f.name, 1, 8
            if ft.code == gdb.TYPE_CODE_ARRAY:
                low, high = ft.range()
                count = high - low + 1
                ft = ft.target().strip_typedefs().unqualified()
                while ft.code == gdb.TYPE_CODE_ARRAY:
                    low, high = ft.range()
                    count *= high - low + 1
                    ft = ft.target().strip_typedefs()
                if count <= 1:
                    continue        # a trailing array: read by code
                stride = ft.sizeof
            if ft.code == gdb.TYPE_CODE_PTR:
                if self.is_object(ft.target()):
                    yield name, at, count, stride
            elif ft.code == gdb.TYPE_CODE_STRUCT and not self.is_object(ft):
                for p, o, n, s in self.pointers(ft, name + ".", at, depth + 1):
                    if count == 1:
                        yield p, o, n, s
                    elif n == 1:
                        yield p, o, count, stride
            elif ft.code == gdb.TYPE_CODE_STRUCT and at == 0 and count == 1:
                # the structure that this one extends: the same names
                yield from self.pointers(ft, path, at, depth + 1)

    def shape(self, structs, labels):
        for s in structs:
            # "name@module": as other modules have one of the same name
            s, _, module = s.partition("@")
            t = self.type(s)
            if t is not None and t.code == self.gdb.TYPE_CODE_STRUCT and \
                    self.file.startswith(module):
                break
        else:
            return None
        slots = []
        for path, at, count, stride in self.pointers(t):
            top, _, last = path.rpartition(".")
            if NOT_SLOTS.search(last):
                continue
            prefix = labels.get("*", "->")
            label = labels.get(path, labels.get(top, prefix + path))
            if label != "-":
                slots.append((at, count, label))
        return {"size": self.head(t, labels.get("tail")), "slots": slots}

    def head(self, t, tail):
        """Size without the items of variable number at the end."""
        at = next((f.bitpos // 8 for f in t.fields() if f.name == tail), None)
        if at is None:
            return t.sizeof
        if "frame" in tail:
            at += self.one("struct _PyInterpreterFrame.localsplus")
        return at


# Members of the interpreter's own structures that are not strong references:
# free lists (dead objects), caches of borrowed pointers, other structures that
# are read by code of their own.
NOT_ROOTS = re.compile(
    r"free_?list|type_cache.*value|func_version_cache|obmalloc|^config|"
    r"^_initial_thr|types\.(builtins|for_ext|managed)|static_objects|"
    r"global_objects|memerrors|slice_cache|"
    r"trash|delete_later|_main_interp|^interpreters|object_state|_gc_head|"
    r"executor|tstate_current|trace_info|unused_|free_tuple|dummy_name|"
    r"ob_type|ob_base")


# The structures whose members are roots, and their name in struct
# cpython_layout. The first that exists is used.
STATES = (("runtime", ("_PyRuntimeState",)),
          ("interp", ("PyInterpreterState",)),
          ("thread", ("_PyThreadStateImpl", "PyThreadState")))


def roots(dwarf, names):
    """Members of an interpreter structure that hold objects, runs joined."""
    t = next((t for t in map(dwarf.type, names) if t is not None), None)
    if t is None:
        return []           # an extension module's DWARF
    found = [p for p in dwarf.pointers(t) if not NOT_ROOTS.search(p[0])]
    out, groups = [], {}
    for p in found:
        groups.setdefault(p[0].split(".")[0], []).append(p)
    for top, members in groups.items():
        plain = all(n == 1 for _, _, n, _ in members)
        if plain and len(members) > 16:
            first, last = members[0][1], members[-1][1]
            out.append((top, first, (last - first) // 8 + 1, 8))
        else:
            out += members
    return out


def in_gdb(paths):
    """Facts of each file, a line of JSON each."""
    import gdb
    gdb.execute("set max-value-size unlimited")
    for path in paths:
        gdb.execute("file " + path)
        print("JSON" + json.dumps(facts_of(Dwarf(gdb, path))))


def facts_of(dwarf):
    result = {"fields": {}, "shapes": {}, "roots": {}}
    if dwarf.type("PyObject") is None:
        return result
    for name, alternatives in fields():
        result["fields"][name] = dwarf.value(alternatives)
    for name, structs, labels in shapes():
        found = dwarf.shape(structs, labels)
        if found is not None:
            result["shapes"][name] = found
    for name, structs in STATES:
        result["roots"][name] = roots(dwarf, structs)
    return result


# --- outside gdb ------------------------------------------------------------

def gdb_read(paths):
    """What in_gdb() finds in each file: nothing where there is no DWARF."""
    script = ("import sys; sys.path.insert(0, %r); sys.dont_write_bytecode"
              " = True; import importlib.util as u; s = u.spec_from_"
              "file_location('regen', %r); m = u.module_from_spec(s); "
              "s.loader.exec_module(m); m.in_gdb(%r)"
              % (HERE, os.path.abspath(__file__), paths))
    try:
        run = subprocess.run(
            ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off",
             "-ex", "python " + script],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        return []
    return [json.loads(line[4:]) for line in run.stdout.splitlines()
            if line.startswith("JSON")]


def files_of(interpreter):
    """(version, files that may hold its DWARF) of an installed CPython."""
    ask = ("import sys, sysconfig as c, os, importlib.util as u;"
           "print(sys.version.split()[0]); print(os.path.realpath("
           "sys.executable)); d = c.get_config_var('LIBDIR'); "
           "n = c.get_config_var('INSTSONAME') or ''; "
           "p = os.path.join(d, n); print(p if n.startswith('libpython') "
           "and '.so' in n and os.path.exists(p) else '')\n"
           "for m in %r:\n s = u.find_spec(m); "
           "print(s.origin if s and s.has_location else '')" % (MODULES,))
    lines = subprocess.run([interpreter, "-c", ask], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.splitlines()
    version, program, library, *modules = lines
    return version, [library or program] + [m for m in modules if m]


def read(argument):
    """Everything known of one CPython: (version, main file, facts)."""
    if "=" in argument:
        version, _, files = argument.partition("=")
        files = files.split(",")
    else:
        version, files = files_of(argument)
    found = gdb_read(files)
    if len(found) != len(files):    # gdb crashes over some: one by one
        found = [facts for file in files for facts in gdb_read([file])]
    if not found or not found[0]["fields"]:
        return version, files[0], None
    facts = found[0]
    for more in found[1:]:
        for name, shape in more["shapes"].items():
            facts["shapes"].setdefault(name, shape)
        for name, value in more["fields"].items():
            if facts["fields"][name] < 0:
                facts["fields"][name] = value
    return version, files[0], facts


def wrap(items, indent="\t"):
    """Items in lines of at most 80 columns, a tab counting for 8."""
    lines, line = [], ""
    for item in items:
        if line and 8 * len(indent) + len(line) + 1 + len(item) > 80:
            lines.append(indent + line)
            line = ""
        line += (" " if line else "") + item
    return "\n".join(lines + [indent + line]) if line else ""


def c_row(version, path, facts):
    """The C text of one version: shapes, roots, and the row itself."""
    tag = "v" + version.replace(".", "_")
    out = ["/* CPython %s, from the DWARF of %s */"
           % (version, os.path.basename(path))]
    slots, table = [], []
    for name, shape in sorted(facts["shapes"].items()):
        key = [tuple(s) for s in shape["slots"]]
        start = next((i for i in range(len(slots) - len(key) + 1)
                      if slots[i:i + len(key)] == key), None)
        if start is None:
            start = len(slots)
            slots += key
        table.append('{"%s", %d, %d, %d},'
                     % (name, shape["size"], start, len(key)))
    out.append("static const struct cpython_slot slots_%s[] = {" % tag)
    out.append(wrap('{%d, %d, "%s"},' % s for s in slots))
    out.append("};\nstatic const struct cpython_shape shapes_%s[] = {" % tag)
    out.append(wrap(table))
    out.append("};")
    for name, _ in STATES:
        out.append("static const struct cpython_root_slot %s_%s[] = {"
                   % (name, tag))
        out.append(wrap('{"%s", %d, %d, %d},' % tuple(r)
                        for r in facts["roots"][name]))
        out.append("};")
    out.append("static const struct cpython_layout layout_%s = {" % tag)
    out.append("\t.minor = %s, .patch = %s," % tuple(version.split(".")[1:]))
    out.append(wrap(".%s = %d," % f for f in facts["fields"].items()))
    for name in "slots", "shapes":
        out.append("\t.%s = %s_%s," % (name, name, tag))
    out.append("\t.n_shapes = ARRAY_SIZE(shapes_%s)," % tag)
    for name, _ in STATES:
        out.append("\t.%s_roots = %s_%s," % (name, name, tag))
        out.append("\t.n_%s_roots = ARRAY_SIZE(%s_%s)," % (name, name, tag))
    out.append("};\n")
    return "\n".join(out)


def digest(version, facts):
    """What layout.c, cpython_layout_digest() must find in the row: FNV-1a of
    all that it says, as text."""
    lines = ["minor=%s patch=%s" % tuple(version.split(".")[1:])]
    lines += ["%s=%d" % f for f in facts["fields"].items()]
    for name, shape in sorted(facts["shapes"].items()):
        lines.append("%s %d" % (name, shape["size"]))
        lines += ["%d %d %s" % tuple(s) for s in shape["slots"]]
    for name, _ in STATES:
        lines.append(name)
        lines += ["%s %d %d %d" % tuple(r) for r in facts["roots"][name]]
    h = 0xcbf29ce484222325
    for byte in "".join(line + "\n" for line in lines).encode():
        h = (h ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return '\t{ "%s", UINT64_C(0x%016x) },' % (version, h)


def agree(facts, other):
    """Does all that is known of one version hold for the other? A shape of
    another size is not used for it."""
    shapes = other["shapes"]
    return (all(value in (-1, other["fields"][name])
                for name, value in facts["fields"].items())
            and facts["roots"] == other["roots"]
            and all(name in shapes and
                    (shapes[name] == shape or
                     shapes[name]["size"] != shape["size"])
                    for name, shape in facts["shapes"].items()))


HEAD = """\
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written by regen-layouts.py from layout.def, shapes.def and the DWARF of
 * release builds for x86-64: do not edit. -1: this version has no such member.
 */
#include "layout.h"

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

// clang-format off"""
DIGESTS_HEAD = """\
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written by regen-layouts.py together with layouts.c: do not edit. What each
 * version's row said when it was written; see cpython_layout_damaged().
 */
#include "layout.h"

const struct cpython_digest cpython_digests[] = {"""


def layouts_text(rows):
    """(layouts.c, digests.c)"""
    out, digests, known, written = [HEAD], [DIGESTS_HEAD], [], []
    for version, path, facts in rows:
        same = next((w for w in written if agree(facts, w[1])), None)
        if same is None:
            same = (version, facts)
            written.append(same)
            out.append(c_row(version, path, facts))
            digests.append(digest(*same))
        known.append((version, "v" + same[0].replace(".", "_")))
    out.append("// clang-format on\n\n"
               "const struct cpython_known cpython_known[] = {")
    for version, tag in known:
        out.append('\t{ "%s", %s, %s, &layout_%s },'
                   % (version, *version.split(".")[1:], tag))
    return ["\n".join(text + ["\t{ 0 },\n};\n"]) for text in (out, digests)]


def main(arguments):
    only_row = arguments[:1] == ["--row"]
    rows = [read(a) for a in arguments[only_row:]]
    missing = [path for _, path, facts in rows if facts is None]
    if missing or not rows:
        sys.stderr.write("no gdb, or no DWARF in: %s\n" % " ".join(missing))
        return 77
    if only_row:
        version, path, facts = rows[0]
        print(c_row(version, path, facts), end="")
        print(digest(version, facts))
        return 0
    # both or none: a row without its digest is refused
    for name, text in zip(("layouts.c", "digests.c"), layouts_text(rows)):
        with open(os.path.join(HERE, name + ".new"), "w") as f:
            f.write(text)
    for name in "layouts.c", "digests.c":
        os.replace(os.path.join(HERE, name + ".new"),
                   os.path.join(HERE, name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
