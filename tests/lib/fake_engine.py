#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""heapsh-engine without an engine, for tests of the shell alone: it speaks the
frames of core/wire/wire.h and does what its commands say. A test copies it as
heapsh-engine beside a copy of heapsh. What it was told lies in $FAKE_LOG, a
line of JSON each."""
import json
import mmap
import os
import signal
import socket
import struct
import sys
import time

HELLO, COMMAND, COMPLETE, QUIT = 1, 2, 3, 4
DOC, WORDS, MATCHES, DONE = 64, 65, 66, 67
# struct wr_shared: version, cancel, done, total, started_ns, what, unit, plugin
CANCEL, PROGRESS, WHAT, UNIT, PLUGIN, SIZE = 4, 8, 32, 96, 112, 176
NASTY = "\x1b[2J\x1b]0;owned\x07\x7f\x9b31m\u202egnp\r\n\ttab"
NAMES = ["__main__.cache", "__main__.accounts", "__main__.accents",
         "heap", "heapu", "héros", "\x1b[31mred"]


def log(**what):
    if os.environ.get("FAKE_LOG"):
        with open(os.environ["FAKE_LOG"], "a") as f:
            f.write(json.dumps(what) + "\n")


class Gone(Exception):
    pass


class Engine:
    def __init__(self, fd, shared_fd):
        self.sock = socket.socket(fileno=fd)
        self.shared = mmap.mmap(shared_fd, SIZE)
        self.number = 1
        self.settings = {"rows": "10"}
        self.quits = False

    def receive(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise Gone
            data += more
        return data

    def frame(self):
        length, version, kind, arg, _ = struct.unpack("<IHHII",
                                                      self.receive(16))
        assert version == 1
        return kind, arg, self.receive(length)

    def send(self, kind, payload, arg=0):
        if isinstance(payload, str):
            payload = payload.encode()
        self.sock.sendall(struct.pack("<IHHII", len(payload), 1, kind, arg, 0)
                          + payload)

    def doc(self, type_, command="", **fields):
        doc = {"schema": 1, "command": command, "type": type_, "instant": 1,
               "partial": False}
        doc.update(fields)
        self.send(DOC, json.dumps(doc))

    def done(self, status=0):
        self.send(DONE, json.dumps({
            "prompt": "4711 @%d" % self.number, "pid": 4711,
            "instant": self.number, "attached": True,
            "taken_ns": time.time_ns() - 180 * 10**9,
            "settings": self.settings}), status)

    def cancelled(self):
        return self.shared[CANCEL] != 0

    # --- one method a command: name, rest of the line, line's number --------

    def do_heap(self, line, *_):
        self.doc("set", line, count=3, size=96, held=96, by="clodo", first=0,
                 header="Kind (class / dict of class)", more=0,
                 rows=[{"index": 0, "count": 3, "size": 96, "cumulative": 96,
                        "kind": "str"}])

    def do_number(self, line, _, number):
        self.doc("number", line, value=number)

    def do_echo(self, line, rest, _):
        self.doc("text", line, value=rest)

    def do_nasty(self, line, *_):
        self.doc("text", line, value=NASTY)
        self.doc("words", line, value=NASTY)
        self.send(WORDS, NASTY)
        self.doc("table", line, columns=[{"name": NASTY, "align": "left"}],
                 rows=[[NASTY]], title=NASTY, more=0)
        return self.do_fail(line, NASTY)

    def do_fail(self, line, rest="", *_):
        self.doc("error", line, code="name", message="find %s: nothing" % rest,
                 remedy="echo", column=5)
        return 1

    def do_gone(self, line, *_):
        self.doc("error", line, code="gone", message="the target ended",
                 remedy=None)
        return 4

    def do_long(self, line, rest, _):
        self.doc("table", line, columns=[{"name": "n", "align": "right"}],
                 rows=[[i] for i in range(int(rest))], more=0)

    def do_stream(self, line, rest, _):
        for i in range(int(rest)):
            if self.cancelled():
                return 130
            self.doc("text", line, value="%06d " % i + "x" * 1000)

    def do_set(self, line, rest, _):
        key, value = rest.split("=")
        self.settings[key] = value
        self.doc("words", line, value="%s is %s" % (key, value))

    def do_help(self, line, *_):
        self.doc("words", line, value="help\n  heap  all\n")

    def do_snap(self, *_):
        self.number += 1

    def do_sleep(self, line, *_):
        """Until Ctrl-C."""
        log(event="sleeping")
        while not self.cancelled():
            time.sleep(0.01)
        self.doc("error", line, code="cancelled", message="interrupted",
                 remedy=None)
        return 130

    def do_hang(self, *_):
        self.shared[PLUGIN:PLUGIN + 5] = b"looper"[:5]
        log(event="hanging")
        while True:
            time.sleep(1)

    def do_progress(self, line, *_):
        """Until who looks has seen it: then a file is there."""
        self.shared[WHAT:WHAT + 9] = b"swe\x1bping\0"
        self.shared[UNIT:UNIT + 8] = b"objects\0"
        started = time.monotonic_ns() - 2 * 10**9
        done = 0
        while not os.path.exists("seen"):
            self.shared[PROGRESS:PROGRESS + 24] = struct.pack(
                "<QQQ", done, 2000000, started)
            done = min(done + 100000, 1900000)
            time.sleep(0.1)
        self.shared[PROGRESS + 16:PROGRESS + 24] = bytes(8)
        self.doc("text", line, value="swept")

    def do_crash(self, _, rest, *__):
        name = rest.encode()
        self.shared[PLUGIN:PLUGIN + len(name)] = name
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(10)

    def do_killed(self, *_):
        self.shared[PLUGIN:PLUGIN + 8] = b"innocent"
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(10)

    def do_garbage(self, *_):
        self.sock.sendall(b"\xff" * 64)
        time.sleep(10)

    def do_badjson(self, *_):
        self.send(DOC, "{\x1b[2J")

    def do_argv(self, line, *_):
        self.doc("text", line, value=" ".join(sys.argv[5:]))

    def do_pid(self, line, *_):
        self.doc("number", line, value=os.getpid())

    def do_later(self, *_):
        """A word for people while nobody asks: when a file is there."""
        self.done()
        while not os.path.exists("now"):
            time.sleep(0.01)
        self.send(WORDS, "later: " + NASTY)
        return None

    # ------------------------------------------------------------------------

    def hello(self, payload):
        hello = json.loads(payload)
        log(event="hello", hello=hello, argv=sys.argv[1:])
        if hello["mode"] == "attach" and hello["pid"] == 1:
            self.doc("error", "attach", code="denied", remedy="sudo heapsh",
                     message="attach to 1: not permitted")
            return self.done(3)
        if hello["mode"] == "attach" and "--skip-plugin" not in sys.argv and \
                os.environ.get("FAKE_CRASH") == "hello":
            self.do_crash("", "broken")
        if hello["mode"] != "none":
            self.doc("attached", "attach", pid=4711, program="python3 app.py",
                     runtime="CPython", version="3.11.2", rss=137363456,
                     pause_ns=3100000, rung="frozen clone", settled=True,
                     collecting=False)
        return self.done()

    def complete(self, line, point):
        head = line.encode()[:point].decode()
        word = head.replace("(", " ").split(" ")[-1]
        start = len(head.encode()) - len(word.encode())
        log(event="complete", line=line, point=point)
        self.send(MATCHES, json.dumps({
            "start": start, "words": [{"text": n, "help": ""} for n in NAMES
                                      if n.startswith(word)]}))

    def command(self, line, number):
        log(event="command", line=line, number=number)
        name, _, rest = line.partition(" ")
        method = getattr(self, "do_" + name, None)
        if not method:
            self.done(self.do_fail(line, line))
            return
        before = time.monotonic()
        status = method(line, rest, number)
        log(event="done", line=line, seconds=time.monotonic() - before)
        if name != "later":
            self.done(status or 0)

    def serve(self):
        while not self.quits:
            kind, arg, payload = self.frame()
            if kind == HELLO:
                self.hello(payload)
            elif kind == COMMAND:
                self.command(payload.decode(), arg)
            elif kind == COMPLETE:
                self.complete(payload.decode(), arg)
            elif kind == QUIT:
                log(event="quit")
                self.quits = True
                self.done()


def tracer(control_fd):
    """Ends with its control socket."""
    log(event="tracer", pid=os.getpid())
    control = socket.socket(fileno=control_fd)
    control.recv(1)
    log(event="tracer ends")


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.argv[1] == "--tracer":
        tracer(int(sys.argv[2]))
        return
    try:
        Engine(int(sys.argv[2]), int(sys.argv[3])).serve()
    except (Gone, BrokenPipeError, ConnectionResetError):
        log(event="shell is gone")


main()
