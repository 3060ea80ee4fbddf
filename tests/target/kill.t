#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each of the two is killed at moments that nobody chose: the tracer must not
harm the program by dying, nor hang when the program dies."""
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import tgtest
from hstest import equal, ok

N = 4 if hstest.SMOKE else 25
# The moments differ from run to run; a failure names its seed.
SEED = int(os.environ.get("TG_SEED", time.time_ns() % 1000000))
random.seed(SEED)


def only_zombies(pid):
    return all(state in "ZX" for _, state in tgtest.children(pid))


def untraced(pid):
    """No thread is stopped by a tracer or held by one."""
    try:
        for tid in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/status" % (pid, tid)) as f:
                text = f.read()
            if "TracerPid:\t0" not in text or "State:\tt" in text:
                return False
    except (FileNotFoundError, ProcessLookupError):
        pass    # a thread that came and went
    return True


def kill_tracer(words, mib):
    """The tracer is killed while it freezes and releases in a loop; the
    program goes on, and no clone of it runs."""
    name = "%s, tracer killed" % " ".join(str(w) for w in words)
    left = traced = 0
    with tgtest.fixture(*words, env=dict(os.environ, TG_MIB=str(mib))) as f:
        before = tgtest.blocked_signals(f.pid)
        for _ in range(N):
            with tgtest.Driver() as d:
                d.say("loop %d 1000000" % f.pid)
                time.sleep(random.uniform(0, 0.04))
                os.kill(d.tracer, signal.SIGKILL)
                d.line()
            try:
                hstest.wait_for(lambda: untraced(f.pid), "untraced", 20)
            except TimeoutError:
                traced += 1
            try:
                hstest.wait_for(lambda: only_zombies(f.pid), "zombies", 20)
            except TimeoutError:
                left += 1
        equal(traced, 0, "%s: nothing is left stopped" % name)
        equal(left, 0, "%s: no clone is left running" % name)
        if words[0] == "registers":     # others are in handlers, or in libc
            equal(tgtest.mask_again(f.pid, before), before,
                  "%s: its signal mask is as before" % name)
        tgtest.ends_well(f, "%s %d times: it found nothing wrong" % (name, N))


def kill_tracer_holding():
    """The tracer is killed while it holds an instant: the clone ends."""
    with tgtest.fixture("registers", 0) as f:
        for _ in range(3):
            with tgtest.Driver() as d:
                i = d.need("freeze", f.pid)
                os.kill(d.tracer, signal.SIGKILL)
                hstest.wait_for(lambda: not tgtest.alive(i["snap"]), "clone")
        ok(tgtest.alive(f.pid), "a tracer that dies takes its clones along")
        tgtest.ends_well(f, "held, tracer killed: it found nothing wrong")
    # A settled copy would be a second program if it were let go.
    with tgtest.fixture("many", 3) as f, tgtest.Driver() as d:
        i = d.need("settle", d.need("freeze", f.pid)["id"], 1, 2000)
        equal(i["state"], tgtest.SETTLED, "a settled copy is held")
        os.kill(d.tracer, signal.SIGKILL)
        try:
            hstest.wait_for(lambda: not tgtest.alive(i["eval"]), "copy", 20)
        except TimeoutError:
            os.kill(i["eval"], signal.SIGKILL)
            ok(False, "the settled copy ends with the tracer")
        tgtest.ends_well(f, "settled, tracer killed: it found nothing wrong")


def kill_target(words):
    """The program is killed while it is frozen and released in a loop: the
    tracer says so soon, holds nothing any more and can be asked again."""
    name = " ".join(str(w) for w in words)
    slow, odd = 0, []
    with tgtest.Driver() as d:
        for _ in range(N):
            with tgtest.fixture(*words) as f:
                d.say("loop %d 1000000" % f.pid)
                time.sleep(random.uniform(0, 0.03))
                os.kill(f.pid, signal.SIGKILL)
                f.p.wait(hstest.LIMIT)  # its parent can reap it
                start = time.monotonic()
                said = d.line()
                slow += time.monotonic() - start > 20
                if '"error": "gone"' not in said and \
                        '"error": "name"' not in said:
                    odd.append(said)
        equal(slow, 0, "%s killed %d times: the tracer answers" % (name, N))
        equal(odd, [], "%s killed: the answer is that it has ended" % name)
        ok(all(i["gone"] for i in d.do("list")),
           "%s killed: what is held is of the dead" % name)
        equal(d.do("quit"), {"tracer_status": 0},
              "%s killed: the tracer ends when told to" % name)


def engine_dies():
    """The client goes away with an instant held; another takes over."""
    with tgtest.fixture("invariant") as f, tgtest.Driver() as d:
        i = d.need("freeze", f.pid)
        d.need("reconnect")
        equal([x["id"] for x in d.do("list")], [i["id"]],
              "a new engine is told what is held")
        j = d.need("adopt", i["id"])
        equal([j["snap"], j["tids"]], [i["snap"], i["tids"]],
              "and takes it over")
        same = [d.need("read", i["id"], f.truth[x], 8)["hex"] for x in "ab"]
        ok(all(len(x) == 16 for x in same), "and can read it")
        equal(d.do("adopt", 99)["error"], "name",
              "an instant that is not held is an error")
        d.need("release", i["id"])
        equal(tgtest.none_left(f.pid), [], "and can release it")
        tgtest.ends_well(f, "engine dies: it found nothing wrong")


def shell_dies():
    """The end of the control socket releases all that is held, in order."""
    with tgtest.fixture("registers", 0) as f, \
            tgtest.fixture("malloc", 4) as g, tgtest.Driver() as d:
        before = tgtest.footprint(f.pid)
        for _ in range(3):
            d.need("freeze", f.pid)
            d.need("freeze", g.pid)
        equal(len(d.do("list")), 6, "several instants are held")
        equal(d.do("quit"), {"tracer_status": 0}, "the tracer ends in order")
        equal([tgtest.children(f.pid), tgtest.children(g.pid)], [[], []],
              "nothing of six instants is left")
        equal(tgtest.footprint_again(f.pid, before), before,
              "not a mapping more")
        tgtest.ends_well(f, "shell dies: it found nothing wrong")
        tgtest.ends_well(g, "shell dies: nor did the other")


def stays_on_terminal_signals():
    with tgtest.Driver() as d:
        d.do("list")    # it is up
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                    signal.SIGQUIT, signal.SIGTSTP):
            os.kill(d.tracer, sig)
        equal(d.do("list"), [], "the terminal's signals do not end the tracer")


hstest.diag("TG_SEED=%d" % SEED)
kill_tracer(("registers", 0), 100)
kill_tracer(("signals",), 0)
kill_tracer(("malloc", 4), 20)
kill_tracer(("blocked1", "read"), 20)
kill_tracer(("blocked1", "select"), 20)
kill_tracer_holding()
kill_target(("registers", 8))
kill_target(("malloc", 1))
kill_target(("churn", 4))
engine_dies()
shell_dies()
stays_on_terminal_signals()
hstest.done()
