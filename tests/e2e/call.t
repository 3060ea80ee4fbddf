#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""call: C functions of a program, in a copy of it. What they answer is held
against the same functions called by ctypes in this process."""
import ctypes as c
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
from hstest import equal, ok

BUILD = os.environ.get("abs_top_builddir", ".")
LIB = os.path.join(BUILD, "tests", "fixtures", ".libs", "call_lib.so")
lib = c.CDLL(LIB)
folder = tempfile.TemporaryDirectory()


def struct(*fields):
    return type("S", (c.Structure,), {"_fields_": list(fields)})


small = struct(("a", c.c_int), ("b", c.c_int))
mixed = struct(("d", c.c_double), ("l", c.c_long))
floats = struct(("x", c.c_float), ("y", c.c_float), ("z", c.c_float))
large = struct(("v", c.c_long * 5))
nested = struct(("c", c.c_byte), ("s", small * 2), ("h", c.c_short))
one = struct(("c", c.c_byte))
SMALL, MIXED = "struct { int a; int b; }", "struct { double d; long l; }"
LARGE = "struct { long v[5]; }"
FLOATS = "struct { float x; float y; float z; }"
NESTED = "struct { signed char c; struct { int a; int b; } s[2]; short h; }"
ONE = "struct { signed char c; }"
# name, signature, ctypes' result and parameters, arguments as Python has them
CASES = [
    ("f_char", "signed char (signed char, unsigned char)",
     c.c_byte, [c.c_byte, c.c_ubyte], (-100, 200)),
    ("f_short", "short (short a, unsigned short b)",
     c.c_short, [c.c_short, c.c_ushort], (30000, 65535)),
    ("f_unsigned", "unsigned (unsigned int, int)",
     c.c_uint, [c.c_uint, c.c_int], (4294967295, -5)),
    ("f_u64", "uint64_t (uint64_t, int64_t)",
     c.c_uint64, [c.c_uint64, c.c_int64], (9223372036854775807, 12)),
    ("f_bool", "bool (bool, bool)", c.c_bool, [c.c_bool] * 2, (True, False)),
    ("f_float", "float (float, double)",
     c.c_float, [c.c_float, c.c_double], (1.5, 3)),
    ("f_many", "double (%s)" % ", ".join(["int, double"] * 10),
     c.c_double, [c.c_int, c.c_double] * 10,
     tuple(x for i in range(10) for x in (i * 7 - 3, i * 1.25))),
    ("f_long_double", "long double (long double, int)",
     c.c_longdouble, [c.c_longdouble, c.c_int], (1.5, 3)),
    ("f_small", SMALL + " (" + SMALL + ", int)",
     small, [small, c.c_int], ((5, 7), 2)),
    ("f_mixed", "%s (%s, %s)" % (MIXED, MIXED, MIXED),
     mixed, [mixed, mixed], ((1.5, 2), (3.5, 4))),
    ("f_floats", FLOATS + " (" + FLOATS + ", float)",
     floats, [floats, c.c_float], ((1.0, 2.0, 3.0), 1.5)),
    ("f_large", LARGE + " (" + LARGE + " a, int b)",
     large, [large, c.c_int], (((1, 2, 3, 4, 5),), 3)),
    ("f_nested", NESTED + " (" + NESTED + ")",
     nested, [nested], ((1, ((2, 3), (4, 5)), 6),)),
    ("f_one", "%s (%s, %s)" % (ONE, ONE, ONE), one, [one, one],
     ((3,), (4,))),
    ("f_text", "const char *(const char *, const char *)",
     c.c_char_p, [c.c_char_p] * 2, ("hello", "world")),
    ("f_text", "char *(char *, char *)",
     c.c_char_p, [c.c_char_p] * 2, (None, "")),
    ("f_pointer", "void *(void *, long)",
     c.c_void_p, [c.c_void_p, c.c_long], (4096, 4)),
    ("f_void", "void (int)", None, [c.c_int], (1,)),
]


def to_ctypes(kind, v):
    if isinstance(v, str):
        return v.encode()
    if not isinstance(v, tuple):
        return kind(v) if v is not None else None
    if issubclass(kind, c.Array):
        return kind(*(to_ctypes(kind._type_, x) for x in v))
    return kind(*(to_ctypes(t, x) for (_, t), x in zip(kind._fields_, v)))


def from_ctypes(v):
    if isinstance(v, bytes):
        return v.decode()
    if isinstance(v, c.Array):
        return [from_ctypes(x) for x in v]
    if isinstance(v, c.Structure):
        return [from_ctypes(getattr(v, n)) for n, _ in v._fields_]
    return v


def word(v):
    if isinstance(v, tuple):
        return "(" + ", ".join(map(word, v)) + ",)"
    return json.dumps(v) if isinstance(v, str) else \
        "(%r)" % v if isinstance(v, (int, float)) and v < 0 else repr(v)


def plain(doc):
    """A value's document as Python has it."""
    if not isinstance(doc, dict):
        return doc
    v = doc.get("value", doc.get("message"))
    return [plain(x) for x in v] if isinstance(v, list) else v


def classes(sh):
    for name, sig, result, params, args in CASES:
        f = getattr(lib, name)
        f.restype, f.argtypes = result, params
        want = from_ctypes(f(*(to_ctypes(t, v)
                               for t, v in zip(params, args))))
        got = plain(sh('call "%s" %s %s' % (sig, name,
                                            " ".join(map(word, args)))))
        if isinstance(want, int) and want > 2 ** 63 - 1:
            want = str(want)
        if isinstance(want, int) and not isinstance(want, bool):
            got = hstest.int_of(got)
        equal(got, want, sig.replace("#", ""))


def the_rest(sh, truth):
    equal(plain(sh('call "double (int, ...)" f_variadic 4 10 1.5 20 2.5')),
          34.0, "variable arguments, numbers of both kinds")
    equal(plain(sh('call "size_t (const char *)" strlen "hello"')), 5,
          "strlen, which the loader chooses")
    equal(plain(sh('call "size_t (void *)" malloc_usable_size 0x%x'
                   % truth["malloced"])), truth["usable"],
          "malloc_usable_size of what the program has allocated")
    sh.say('x = call("size_t (void *)", malloc_usable_size, 0x%x)'
           % truth["malloced"])
    equal(plain(sh("x")), truth["usable"], "a result is a value")
    equal(plain(sh('call "char *(char *, int, size_t)" memset 0x%x 90 3'
                   % truth["block"])), "ZZZlock of text",
          "memory of the program is written to, in the copy")
    equal(plain(sh('call "char *(char *, int)" strchr 0x%x 90'
                   % truth["block"])), "ZZZlock of text",
          "and the next call finds it so")
    d = sh('call "void *(void *, long)" f_pointer 0x%x 0' % truth["marker"])
    equal((d["type"], int(d.get("address", "0"), 0)),
          ("object", truth["marker"]), "the address of an object is one")
    equal(plain(sh('call "double (double, double)" libm.so.6:pow 2 10')),
          1024.0, "a library may be named")


def callbacks(sh, truth):
    got = plain(sh('call "long (int, int (*)(int, double, char *, void *), '
                   'void *)" f_each 3 7 0x10'))
    equal(got, [21, [[0, 0.0, "even", 16], [1, 0.5, "odd", 16],
                     [2, 1.0, "even", 16]]],
          "a callback keeps what it is called with, and answers")
    got = plain(sh('call "int (int (*)(int), int (*)(int))" f_two 3 4'))
    equal(got, [37, [[1], [2], [3]]], "two of them")
    if not truth["glib"]:
        hstest.skip("g_hash_table_foreach", "libglib2.0-0 is not here")
        return
    got = plain(sh('call "void (void *, void (*)(long, long, void *), '
                   'void *)" g_hash_table_foreach 0x%x 0 0' % truth["glib"]))
    equal(sorted(x[:2] for x in got[1]),
          [[k, k * k] for k in range(1, 11)],
          "g_hash_table_foreach: every key with its value")


def message(sh, line, part):
    got = plain(sh(line))
    if not ok(part in str(got), "%s: %s" % (line, part)):
        hstest.diag(got)


def what_goes_wrong(sh):
    path = os.path.join(folder.name, "written")
    message(sh, 'call "size_t (char *)" strlen 0x10',
            "it crashed with signal 11 (Segmentation fault) at 0x10")
    message(sh, 'call "void (void)" abort', "signal 6 (Aborted)")
    message(sh, 'call "void (int)" exit 3', "it has called exit(3)")
    message(sh, 'call "int (char *)" f_write "%s"' % path,
            "it wanted openat")
    equal(plain(sh('call "int (char *)" f_write "%s" refused=1' % path)), -1,
          "its result is had by refused=1")
    ok(not os.path.exists(path), "no file was written")
    message(sh, 'call "int (void)" fork', "it wanted clone")
    message(sh, 'call "unsigned (unsigned)" sleep 1', "it wanted clock_nanos")
    message(sh, 'call "int (int, int)" kill 1 9', "it wanted kill")
    message(sh, 'call "long (int, int (*)(int), void *)" nothing_here 1 1 1',
            "the program has no function 'nothing_here'")
    message(sh, 'call "size_t (blob)" strlen 1', "a type that is not known")
    message(sh, 'call "int (int" abs 1', "')' is expected")
    message(sh, 'call "int (int)" abs', "has 1 parameters, and 0 arguments")
    message(sh, 'call "int (signed char)" abs 300', "too large for its type")
    message(sh, 'call "int (struct { int a; int b; })" abs 3',
            "must be a list of 2 values")
    message(sh, 'call "int (int)" abs "three"', "must be an integer")
    equal(plain(sh('call "int (int)" abs (-3)')), 3,
          "after all of that, the next call works")


def loops(sh):
    """getenv() of a name without end would do; strtol of nothing does not."""
    message(sh, 'call "void (void *, size_t, size_t, int (*)(void *, '
            'void *))" qsort 0x10 1000000000000 0 1 limit=200ms',
            "in a copy")


host = hstest.pythons()[-1][1]
with hstest.python(host, "call_host.py", LIB) as f:
    shell = hstest.Shell(f.pid)
    classes(shell)
    the_rest(shell, f.truth)
    callbacks(shell, f.truth)
    what_goes_wrong(shell)
    loops(shell)
    equal(shell.end(), 1, "commands that failed are told at the end")
    status, said = f.end()
    equal((status, json.loads(said)), (0, {"block": "a block of text"}),
          "the program has its bytes as they were")
hstest.done()
