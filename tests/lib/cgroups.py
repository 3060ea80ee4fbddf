# SPDX-License-Identifier: Apache-2.0
"""A cgroup with limits of its own, of the first version or the second: that
which has the controller on this machine."""
import errno
import os

import hstest

TOP = "/sys/fs/cgroup"
# (limit, usage, no limit)
FILES = {
    ("memory", 1): ("memory.limit_in_bytes", "memory.usage_in_bytes", "-1"),
    ("memory", 2): ("memory.max", "memory.current", "max"),
    ("pids", 1): ("pids.max", "pids.current", "max"),
    ("pids", 2): ("pids.max", "pids.current", "max"),
}


def _read(*path):
    with open(os.path.join(*path)) as f:
        return f.read()


def _write(value, *path):
    with open(os.path.join(*path), "w") as f:
        f.write(str(value))


class Group:
    """path is None, and why says so, where there is none to be had."""

    def __init__(self, controller):
        self.controller, self.path, self.why = controller, None, []
        for version, top in (1, os.path.join(TOP, controller)), (2, TOP):
            try:
                self._make(version, top)
                return
            except OSError as e:
                self.why.append("v%d: %s" % (version, e))
        self.why = "; ".join(self.why)

    def _make(self, version, top):
        if version == 2 and self.controller not in _read(
                top, "cgroup.controllers").split():
            raise OSError("no controller " + self.controller)
        if version == 2 and self.controller not in _read(
                top, "cgroup.subtree_control").split():
            _write("+" + self.controller, top, "cgroup.subtree_control")
        path = os.path.join(top, "heapsh-test-%d" % os.getpid())
        os.mkdir(path)
        self.path, self.version = path, version
        self._limit, self._usage, self._none = FILES[self.controller, version]
        try:
            self.limit(None)
        except OSError:
            os.rmdir(path)
            self.path = None
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.path:
            hstest.wait_for(self._removed, "a group is empty")

    def _removed(self):
        """Its last process may be listed no more, but not have ended."""
        try:
            if not _read(self.path, "cgroup.procs"):
                os.rmdir(self.path)
                return True
        except OSError as e:
            if e.errno != errno.EBUSY:
                raise
        return False

    def add(self, pid):
        _write(pid, self.path, "cgroup.procs")

    def limit(self, value):
        """None: no limit."""
        _write(self._none if value is None else value, self.path, self._limit)

    def set(self, name, value):
        """A file that only the second version has. False: nor has this."""
        if not os.path.exists(os.path.join(self.path, name)):
            return False
        _write(value, self.path, name)
        return True

    def used(self):
        return int(_read(self.path, self._usage))

    def started(self, *argv):
        """A fixture that is in it from its beginning."""
        return hstest.Fixture(
            ["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', self.path] +
            [str(w) for w in argv])

    def killed(self):
        """How often somebody in it was ended for want of memory."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        for line in _read(self.path, name).splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
        return -1
