# SPDX-License-Identifier: Apache-2.0
"""A process that tells the truth about itself, one JSON document a line.

The last line is "ready"; then it holds still until its input ends. Runs on
CPython 3.8 and later.
"""
import asyncio
import collections
import contextvars
import ctypes
import functools
import gc
import json
import os
import sys
import threading
import types
import weakref

# Whoever may ask: under yama only a parent may read, unless it is permitted.
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1 & (2 ** 64 - 1)), 0, 0, 0)


class Plain:
    class_value = ["of the class"]

    def __init__(self):
        self.first = 1
        self.second = "two"
        self.third = [3]

    def method(self):
        return self


class Dynamic(Plain):
    def __init__(self):
        self.__dict__["order b"] = 1
        self.b = 2
        self.a = 3


class Slots:
    __slots__ = ("one", "two", "__weakref__")

    def __init__(self):
        self.one = ["slot one"]
        self.two = ("slot", "two")


class SlotsAndDict(Slots):
    def __init__(self):
        super().__init__()
        self.extra = {"in": "dict"}


class MyList(list):
    pass


class MyTuple(tuple):
    pass


class MyDict(dict):
    pass


class MySet(set):
    pass


class MyInt(int):
    pass


class MyStr(str):
    pass


class MyError(ValueError):
    pass


class Custom:
    def __repr__(self):
        return "never seen"


class CustomList(list):
    def __repr__(self):
        return "never seen"


Pair = collections.namedtuple("Pair", "x y")


class Outer:
    class Inner:
        pass


def make_zoo():
    cycle = [1]
    cycle.append(cycle)
    dict_cycle = {"self": None}
    dict_cycle["self"] = dict_cycle
    tuple_cycle = ([],)
    tuple_cycle[0].append(tuple_cycle)
    deep = []
    for _ in range(40):
        deep = [deep]
    holed = {i: str(i) for i in range(40)}
    for i in range(0, 40, 3):
        del holed[i]
    set_holed = set(range(100))
    for i in range(0, 100, 3):
        set_holed.discard(i)
    legacy = sys.version_info < (3, 12)
    plain, other = Plain(), Dynamic()
    split = Plain()
    vars(split)
    zoo = [
        None, True, False, Ellipsis, NotImplemented,
        0, 1, -1, 255, 2 ** 30 - 1, 2 ** 30, -2 ** 30, 2 ** 31, 2 ** 60,
        2 ** 63 - 1, -2 ** 63, 2 ** 64, 10 ** 18, 10 ** 27, -10 ** 100,
        10 ** 4000 + 7, 3 ** 8000,
        0.0, -0.0, 1.0, 1.5, 0.1, 1 / 3, 1e16, 1e15, 123456789012345680.0,
        2.0 ** 574, 2.0 ** -24, 2.0 ** -1030, 9.999999999999999e22, 1 / 49,
        9999999999999998.0, 1e22, 1e23, 1e-4, 1e-5, 12345.678e-10, 5e-324,
        1.7976931348623157e308, 2.2250738585072014e-308, float("inf"),
        float("-inf"), float("nan"), 100.0, 1e100, 0.3, 2.5e-7, 4.35,
        1j, -1j, 1 + 2j, 1.5 - 0.0j, complex("nan+infj"), complex(-0.0, 1),
        complex(-0.0, -0.0), 1e300 + 1e-300j,
        "", "a", "plain", "it's", 'say "x"', "it's \"both\"", "tab\tnl\n\r",
        "\x00\x01\x1b\x7f", "\x80\x9f\xa0\xad", "é", "ÿ", "€uro", "\u2028",
        "\u200b", "中文", "\U0001f600", "\U0001f9ff", "\ud800 lone",
        "\U000e0001", "\uffff", "\U0010ffff", "back\\slash", "x" * 1000,
        "é" * 300, "€" * 300, "\U0001f600" * 100, "\u0870\u1ac1\u0cf3",
        b"", b"abc", b"it's", b'say "x"', b"it's \"b\"", bytes(range(256)),
        bytearray(b""), bytearray(b"ab\x00c"), bytearray(300),
        (), (1,), (1, 2), ("a", (2, (3,))), [], [1], [1, [2, [3]]],
        {}, {"a": 1}, {1: 2, "b": [3]}, {(1, 2): {3: 4}}, holed,
        {i: i for i in range(300)}, dict.fromkeys("abcdef"),
        set(), {1}, set_holed, {"a"}, {(1, 2)}, frozenset(), frozenset([3]),
        frozenset(range(50)),
        cycle, dict_cycle, tuple_cycle, deep,
        range(0), range(10), range(1, 10, 3), range(10, 0, -1),
        range(2 ** 70), slice(None), slice(1, 2), slice(1, None, -1),
        MyList([1, 2]), MyTuple((1, 2)), MyTuple(), MyDict(a=1), MySet([1]),
        MySet(), MyInt(7), MyInt(-2 ** 80), MyStr("of mine"),
        collections.deque(), collections.deque([1, 2, 3]),
        collections.deque(range(200), maxlen=150),
        collections.defaultdict(list, {"a": [1]}),
        collections.defaultdict(None), collections.OrderedDict(),
        collections.OrderedDict([("a", 1), ("b", (2,))]),
        {"a": 1}.keys(), {"a": 1}.values(), {"a": 1, 2: (3,)}.items(),
        types.SimpleNamespace(a=1, b=[2]), types.MappingProxyType({"k": 1}),
        ValueError(), ValueError("one"), ValueError("one", 2), MyError("x"),
        KeyError("k"), OSError(2, "none"), StopIteration(5),
        object, int, type, Plain, Outer.Inner, ValueError, collections.deque,
        collections.OrderedDict, type(None), types.SimpleNamespace,
        len, [].append, print, "x".join, sys.getsizeof, Plain.method,
        Plain().method, [1].sort, dict.fromkeys, make_zoo, lambda: 0,
        list.append, dict.__getitem__, int.__add__, Slots.one, object.__init__,
        types.FunctionType.__code__, types.FunctionType.__closure__,
        int.from_bytes,
        types.ModuleType("bare"), os, sys, json, collections, sys.modules["__main__"], types,
        make_zoo.__code__, plain, other, split, Slots(), object(),
        weakref.ref(plain), (lambda x: lambda: x)(1).__closure__[0],
        property(), staticmethod(len), iter([]), map(len, []),
    ]
    zoo[-1:] = [zoo[-1], plain.__dict__ if legacy else {}, other.__dict__,
                split.__dict__]
    dead = weakref.ref(Plain())
    zoo.append(dead)
    return zoo


ZOO = make_zoo()
# of these the plugin says what object.__repr__ would
OPAQUE = [Custom(), CustomList([1]), Pair(1, 2)]


def default_repr(o):
    return object.__repr__(o)


def tell(what, **facts):
    print(json.dumps(dict(facts, what=what)), flush=True)


def tell_reprs():
    own = (property, staticmethod, type(iter([])), map)
    for i, o in enumerate(ZOO):
        # these have a repr() of their own from some version on
        text = default_repr(o) if type(o) in own else repr(o)
        tell("repr", name="zoo[%d] %s" % (i, type(o).__name__), address=id(o),
             text=text)
    for o in OPAQUE:
        tell("repr", name="opaque " + type(o).__name__, address=id(o),
             text=default_repr(o))
    for o in ZOO:
        if isinstance(o, str):
            tell("text", address=id(o),
                 text=o.encode("utf-8", "surrogatepass").hex())


KEYS = {
    "str": ["s"], "é€\U0001f600": ["wide"], 5: ["int"], -7: ["negative"],
    2.5: ["float"], 3.0: ["three"], True: ["true"], None: ["none"],
    b"raw": ["bytes"], (1, "a", None): ["tuple"], ((1,), 2.5): ["nested"],
    2 ** 62: ["big"], 2 ** 70: ["bigger"], frozenset([1]): ["frozen"],
    float(2 ** 70 * 4): ["big float"],
}
SPLIT = Plain()
MANY = {"key%d" % i: [i] for i in range(1000)}
DEQUE = collections.deque(range(1000, 1200))
DEQUE.rotate(77)
DEQUE.popleft()
KEYWORDS = functools.partial(len, [])


def tell_lookups():
    g = globals()
    for name in ("ZOO", "Plain", "tell_lookups", "len", "ValueError", "sys",
                 "json.decoder", "collections.abc", "__name__"):
        o = g.get(name)
        if o is None:
            o = getattr(g["__builtins__"], name, None)
        if o is None:
            o = sys.modules[name]
        tell("lookup", name=name, address=id(o))
    tell("lookup", name="no_such_name", address=0)


def tell_attributes():
    plain, dynamic, slots, both = Plain(), Dynamic(), Slots(), SlotsAndDict()
    keep = [plain, dynamic, slots, both, MyError("a")]
    keep[4].note = ["noted"]
    globals()["KEEP"] = keep
    for o, names in (
            (plain, "first second third class_value"),
            (dynamic, "a b class_value"),
            (slots, "one two"), (both, "one two extra"),
            (keep[4], "args note"),
            (Plain, "class_value method __name__ __mro__ __base__ __module__"),
            (Outer, "Inner"), (os, "path environ getcwd"),
            (json, "decoder dumps"), (type, "mro"), (dict, "fromkeys keys"),
            (make_zoo, "__code__ __globals__ __name__ __module__"),
            (plain.method, "__func__ __self__"), (KEYWORDS, "func args"),
            (SPLIT, "third")):
        for name in names.split():
            value = getattr(o, name)
            if isinstance(o, type) and name in ("fromkeys", "mro"):
                value = o.__dict__[name]
            if name == "method" and not isinstance(o, type):
                value = value.__func__
            keep.append(value)
            keep.append(o)
            tell("attr", of=id(o), name=name, address=id(value),
                 of_name="%s.%s" % (type(o).__name__, name))
    # an attribute of the class, found through the instance: the function
    tell("attr", of=id(plain), name="method", address=id(Plain.method),
         of_name="Plain.method")
    tell("attr", of=id(plain), name="__class__", address=id(Plain),
         of_name="Plain.__class__")
    vars(SPLIT)
    tell("attr", of=id(SPLIT), name="__dict__", address=id(vars(SPLIT)),
         of_name="SPLIT.__dict__")
    tell("attr", of=id(plain), name="nothing", address=0, of_name="nothing")


def tell_items():
    def one(o, key, value):
        tell("item", of=id(o), key=key, address=id(value) if value else 0)

    one(KEYS, "sstr", KEYS["str"])
    one(KEYS, "sé€\U0001f600", KEYS["é€\U0001f600"])
    one(KEYS, "i5", KEYS[5])
    one(KEYS, "f5.0", KEYS[5])
    one(KEYS, "i-7", KEYS[-7])
    one(KEYS, "f2.5", KEYS[2.5])
    one(KEYS, "i3", KEYS[3.0])
    one(KEYS, "i1", KEYS[True])
    one(KEYS, "T", KEYS[1])
    one(KEYS, "f1", KEYS[1.0])
    one(KEYS, "n", KEYS[None])
    one(KEYS, "braw", KEYS[b"raw"])
    one(KEYS, "( i1 sa n )", KEYS[(1, "a", None)])
    one(KEYS, "( f1.0 sa n )", KEYS[(1, "a", None)])
    one(KEYS, "( ( i1 ) f2.5 )", KEYS[((1,), 2.5)])
    one(KEYS, "i%d" % 2 ** 62, KEYS[2 ** 62])
    one(KEYS, "f%r" % float(2 ** 70), KEYS[2 ** 70])
    one(KEYS, "f%r" % float(2 ** 72), KEYS[2 ** 72])
    for missing in ("snone", "i99", "f0.5", "F", "bother", "( i1 )"):
        one(KEYS, missing, None)
    one(MANY, "skey777", MANY["key777"])
    one(vars(SPLIT), "sthird", SPLIT.third)
    big = [[i] for i in range(300)]
    globals()["BIG"] = big
    one(big, "i0", big[0])
    one(big, "i299", big[299])
    one(big, "i-1", big[-1])
    one(big, "i-300", big[0])
    one(big, "i300", None)
    one(big, "i-301", None)
    globals()["BIG_TUPLE"] = tuple(big)
    one(BIG_TUPLE, "i7", big[7])
    for i in (0, 5, 63, 64, 100, len(DEQUE) - 1):
        one(DEQUE, "i%d" % i, DEQUE[i])
    one(DEQUE, "i-1", DEQUE[-1])
    one(DEQUE, "i%d" % len(DEQUE), None)
    proxy = types.MappingProxyType(MANY)
    globals()["PROXY"] = proxy
    one(proxy, "skey5", MANY["key5"])


def tell_names():
    plain = Plain()
    globals()["NAMED"] = plain
    tell("names", of=0, prefix="tell_", names=sorted(
        n for n in globals() if n.startswith("tell_")))
    tell("names", of=0, prefix="ZeroDiv", names=["ZeroDivisionError"])
    tell("names", of=id(plain), prefix="", names=sorted(dir(plain)),
         at_least=True)


# ---------------------------------------------------------------------------
# Threads: what each frame's line and variables are is told by the thread
# itself, at the line where it then stays.

STAY = threading.Event()
TOLD = threading.Semaphore(0)
TRUTHS = []


def note(frame, thread_name):
    """Frames as Python itself sees them, from the caller's on."""
    frames = []
    while frame is not None:
        variables = {}
        if frame.f_locals is not frame.f_globals:
            variables = {k: id(v) for k, v in frame.f_locals.items()}
        code = frame.f_code
        frames.append({
            "line": frame.f_lineno, "file": code.co_filename,
            "function": getattr(code, "co_qualname", code.co_name),
            "variables": variables})
        frame = frame.f_back
    TRUTHS.append({"name": thread_name, "ident": threading.get_ident(),
                   "tid": threading.get_native_id(), "frames": frames})


def stay():
    note(sys._getframe(1), threading.current_thread().name); TOLD.release(); STAY.wait()


def closes_over(argument):
    captured = ["captured"]
    unbound_later = 1
    del unbound_later

    def inner(a, *args, b=2, **kwargs):
        used = (captured, argument)
        stay()
        return used
    return inner(1, 2, 3, c=4)


def generator(value):
    got = [value]
    for i in range(3):
        yield stay() or (got, i)


def in_generator():
    return list(x for x in generator(9))


def in_class_body():
    class Body:
        attribute = ["in a class body"]
        stay()
    return Body


async def in_coroutine(n):
    here = {"n": n}
    if n > 0:
        return await in_coroutine(n - 1)
    stay()
    return here


def recursive(n):
    if n == 0:
        return stay()
    return recursive(
        n - 1
    )


def through_c(n):
    return sorted([1], key=lambda k: [
        recursive(n) for _ in (1,)])


def with_large_table():
    lines = ["def f(x):", "    y = 0"]
    lines += ["    y += x" for _ in range(400)]
    lines += ["    stay()", "    return y"]
    scope = {"stay": stay}
    exec(compile("\n".join(lines), "<generated>", "exec"), scope)
    scope["f"](1)


def tell_threads():
    jobs = (lambda: closes_over(["arg"]), in_generator, in_class_body,
            lambda: asyncio.run(in_coroutine(3)), lambda: recursive(20),
            lambda: through_c(2), with_large_table)
    for i, job in enumerate(jobs):
        threading.Thread(target=job, name="job-%d" % i, daemon=True).start()
        TOLD.acquire()
    for truth in TRUTHS:
        tell("thread", **truth)


def static_types():
    """Every type of the program that was not made by type()."""
    seen, queue = set(), [object]
    while queue:
        t = queue.pop()
        if t not in seen:
            seen.add(t)
            queue += type.__subclasses__(t)
    return [t for t in seen if not t.__flags__ & 1 << 9]


def tell_roots():
    t = "i0_t%d_" % threading.get_ident()
    named = {"i0_modules": sys.modules, "i0_sysdict": vars(sys),
             "i0_builtins": vars(sys.modules["builtins"]),
             "i0_importlib": sys.modules["_frozen_importlib"],
             "i0_import_func": __import__,
             t + "c_profileobj": None, t + "context": CONTEXT}
    named = {name: id(o) for name, o in named.items() if o is not None}
    tell("roots", named=named, types=[id(t) for t in static_types()])
    gc.collect()
    gc.disable()
    tracked = set(map(id, gc.get_objects()))
    # without what lived only as long as that line
    tell("collector", tracked=sorted(tracked & set(map(id, gc.get_objects()))))


SUSPENDED = []
CONTEXT = contextvars.copy_context()


def suspended(n):
    kept = ["suspended"]
    yield n
    yield kept


def main():
    for _ in range(2):
        g = suspended(4)
        next(g)
        SUSPENDED.append(g)
    tell("self", version="%d.%d.%d" % sys.version_info[:3], pid=os.getpid())
    tell_reprs()
    tell_lookups()
    tell_attributes()
    tell_items()
    tell_names()
    tell_threads()
    tell_roots()
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)


CONTEXT.run(main)
