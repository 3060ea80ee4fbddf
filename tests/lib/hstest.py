# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests stand on: TAP, fixtures that say what is true of
themselves, and the built heapsh over them."""
import codecs
import glob
import json
import os
import random
import re
import select
import socket
import subprocess
import sys
import time
import traceback

HEAPSH = os.environ.get("HEAPSH", "./heapsh")
SRC = os.environ.get("abs_top_srcdir", ".")
FIXTURES = os.path.join(SRC, "tests", "fixtures")
SMOKE = bool(os.environ.get("CHECK_SMOKE"))
# Nothing here takes this long; a hang is a failure, not a wait.
LIMIT = 120
# Unbuffered, print() loses what a full pipe did not take when it was stopped.
os.environ.pop("PYTHONUNBUFFERED", None)
# Servers of ours are on this machine, whatever proxy it has for others.
os.environ["no_proxy"] = "*"

_n = 0
_failed = 0


def ok(condition, name):
    """One TAP line; True when it held."""
    global _n, _failed
    _n += 1
    _failed += not condition
    print("%s %d - %s" % ("ok" if condition else "not ok", _n,
                          name.replace("#", "no.")), flush=True)
    return bool(condition)


def equal(got, want, name):
    if not ok(got == want, name):
        diag("  got: %.600r" % (got,))
        diag(" want: %.600r" % (want,))


def comes_to(look, want, name):
    """equal() of what look() answers, if not now then a moment later: what a
    busy machine did not let heapsh undo at once, it comes back for."""
    try:
        wait_for(lambda: look() == want, name)
    except TimeoutError:
        pass
    equal(look(), want, name)


def skip(name, why):
    global _n
    _n += 1
    print("ok %d - %s # SKIP %s" % (_n, name, why), flush=True)


def diag(text):
    for line in str(text).splitlines():
        print("# " + line, flush=True)


def done():
    print("1..%d" % _n, flush=True)
    sys.exit(1 if _failed else 0)


def _uncaught(kind, value, trace):
    """A test that dies of an exception says where, and has a plan: what it
    printed to standard error would be in no log."""
    ok(False, "no exception")
    diag("".join(traceback.format_exception(kind, value, trace)[-12:]))
    print("1..%d" % _n, flush=True)


sys.excepthook = _uncaught


def _version(path):
    code = ("import sys,sysconfig;print('%d.%d.%d' % sys.version_info[:3],"
            "int(hasattr(sys,'gettotalrefcount')),"
            "int(bool(sysconfig.get_config_var('Py_GIL_DISABLED'))))")
    try:
        out = subprocess.run([path, "-c", code], capture_output=True,
                             text=True, timeout=LIMIT)
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = out.stdout.split()
    return words if len(words) == 3 else None


def pythons():
    """[(version, path)] of every release build 3.8 to 3.13 that is here, and
    says so for the summary of make check."""
    given = os.environ.get("HEAPSH_PYTHONS")
    home = os.path.expanduser("~")
    paths = given.split(":") if given else \
        sorted(glob.glob(home + "/.pyenv/versions/*/bin/python3")) + \
        ["/usr/bin/python3"]
    found = []
    for path in paths:
        v = _version(path)
        if v and v[1] == v[2] == "0" and \
                (3, 8) <= tuple(map(int, v[0].split(".")[:2])) <= (3, 13):
            found.append((v[0], path))
    found.sort(key=lambda f: [int(x) for x in f[0].split(".")])
    if SMOKE:
        found = found[-1:]
    diag("CPythons tested: " + " ".join(v for v, _ in found))
    return found


def listens(pid):
    """Wait until a program reads its standard input, or is in a select() without
    an end: its line comes before the objects that it was written with are gone,
    and before its main thread has nothing to run."""
    def waits():
        with open("/proc/%d/syscall" % pid) as f:
            words = f.read().split()
        return words[:2] == ["0", "0x0"] or \
            words[0] in ("23", "270") and words[5] == "0x0"
    wait_for(waits, "program %d does not read" % pid)


def sleeps(pid):
    """Wait until all threads of a server wait: who has its answer does not know
    yet that the server is done with it."""
    def asleep():
        try:
            for tid in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/stat" % (pid, tid)) as f:
                    if f.read().rpartition(") ")[2][0] != "S":
                        return False
        except (FileNotFoundError, ProcessLookupError):
            return False    # a thread has ended meanwhile
        return True
    wait_for(asleep, "program %d is never at rest" % pid)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def serve(argv_of, answers, what, **kw):
    """(process, port) of a server that answers, or has ended: then each of some
    ports was taken by another program before it came to it."""
    for _ in range(5):
        port = free_port()
        p = subprocess.Popen(argv_of(port), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, **kw)
        try:
            wait_for(lambda: p.poll() is not None or answers(port),
                     what + " answers")
        except TimeoutError:
            p.kill()
            p.wait()
            raise
        if p.poll() is None:
            break
    return p, port


class Fixture:
    """A process that prints a line of truth when it is ready, and another when
    it is told to end."""

    def __init__(self, argv, **kw):
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True, **kw)
        self.pid = self.p.pid
        self._said = ""     # what nobody has asked for yet
        self._decoder = codecs.getincrementaldecoder(self.p.stdout.encoding)()
        line = self.line()
        try:
            self.truth = json.loads(line)
        except ValueError:
            self.truth = line

    def line(self, timeout=LIMIT):
        """The next; "" at the end. Two may come at once."""
        while "\n" not in self._said:
            r, _, _ = select.select([self.p.stdout], [], [], timeout)
            if not r:
                raise TimeoutError("fixture %d says nothing" % self.pid)
            more = os.read(self.p.stdout.fileno(), 1 << 16)
            if not more:
                break
            self._said += self._decoder.decode(more)
        line, _, self._said = self._said.partition("\n")
        return line

    def say(self, text):
        self.p.stdin.write(text + "\n")
        self.p.stdin.flush()

    def ask(self, text):
        """Say a line and read one of JSON."""
        self.say(text)
        return json.loads(self.line())

    def listens(self):
        listens(self.pid)

    def end(self):
        """Tell it to end: (exit status, what it said last)."""
        try:
            self.p.stdin.write("\n")
            self.p.stdin.close()
        except (BrokenPipeError, ValueError):
            pass
        last = self._said + self.p.stdout.read()
        return self.p.wait(LIMIT), last.strip()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.p.poll() is None:
            self.p.kill()
            self.p.wait()


def python(path, script, *args, **kw):
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    env.update(kw.pop("env", {}))
    return Fixture([path, os.path.join(FIXTURES, script)] + list(args),
                   env=env, **kw)


class Result:
    def __init__(self, p):
        self.status, self.out, self.err = p.returncode, p.stdout, p.stderr

    @property
    def docs(self):
        return [json.loads(x) for x in self.out.splitlines()]

    @property
    def results(self):
        """Documents of commands: all but "attached" at the start."""
        return [d for d in self.docs if d["type"] != "attached"]


def heapsh(args, commands=(), form="json", timeout=LIMIT, **kw):
    """Run heapsh with commands as a script on standard input."""
    argv = [HEAPSH] + [str(a) for a in args]
    if commands:
        argv += ["-x", "-"]
    if form:
        argv += ["-f", form]
    p = subprocess.run(argv, input="".join(c + "\n" for c in commands),
                       capture_output=True, text=True, timeout=timeout, **kw)
    return Result(p)


def values(result):
    """The bare values of every result; an error is its message."""
    return [d.get("value", d.get("message")) for d in result.results]


def starved(docs):
    """Was the instant not settled because the machine had no time for it? Its
    copy may run for 60 ms of processor time (LIMIT_MS of target/instant.c); one
    that was given up after twice as long had to wait for a processor. docs: of
    "info setup"."""
    return any(int(ms) >= 120 for d in docs for row in d.get("rows", ())
               if row[:1] == ["instant"]
               for ms in re.findall(r"no consistent point within (\d+) ms",
                                    row[1]))


class Shell:
    """heapsh fed line by line: a line in, a document out."""

    def __init__(self, pid):
        self.p = subprocess.Popen(
            [HEAPSH, "attach", str(pid), "-f", "json", "-x", "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.attached = json.loads(self.p.stdout.readline())

    def say(self, line):
        """A line without a document: an assignment."""
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()

    def __call__(self, line):
        self.say(line)
        return json.loads(self.p.stdout.readline())

    def ask(self, lines):
        """Their documents; all lines are said first, and must be few."""
        for line in lines:
            self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return [json.loads(self.p.stdout.readline()) for _ in lines]

    def end(self):
        self.p.stdin.close()
        return self.p.wait(60)


def kill_within(pid, command, low, high):
    """Attach for that command, and kill all of heapsh some time later."""
    p = subprocess.Popen([HEAPSH, "attach", str(pid), "-q", "-e", command],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(random.uniform(low, high))
    try:
        os.killpg(p.pid, 9)
    except ProcessLookupError:
        pass
    p.wait()


def int_of(v):
    return int(v) if isinstance(v, str) and re.fullmatch(r"-?\d+", v) else v


def wait_for(condition, what, timeout=30):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.01)
