# SPDX-License-Identifier: GPL-3.0-or-later
"""The built shell with a fake engine beside it, in a folder of its own."""
import json
import os
import shutil
import subprocess
import tempfile

from hstest import HEAPSH, LIMIT, SRC


class Shell:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="heapsh-test-")
        self.log_path = os.path.join(self.folder, "log")
        self.heapsh = os.path.join(self.folder, "heapsh")
        shutil.copy(HEAPSH, self.heapsh)
        shutil.copy(os.path.join(SRC, "tests", "lib", "fake_engine.py"),
                    os.path.join(self.folder, "heapsh-engine"))
        self.env = dict(os.environ, FAKE_LOG=self.log_path, LC_ALL="C.UTF-8",
                        HOME=self.folder, TERM="xterm", XDG_STATE_HOME="")
        self.env.pop("PAGER", None)
        self.env.pop("NO_COLOR", None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.folder)

    def run(self, *args, stdin="", env=None, binary=False):
        return subprocess.run(
            [self.heapsh] + list(args), cwd=self.folder, timeout=LIMIT,
            input=stdin.encode() if binary else stdin, capture_output=True,
            text=not binary, env=dict(self.env, **(env or {})))

    def log(self, event=None):
        """What the engine was told, oldest first."""
        if not os.path.exists(self.log_path):
            return []
        with open(self.log_path) as f:
            all_ = [json.loads(line) for line in f]
        return [e for e in all_ if event in (None, e["event"])]

    def clear_log(self):
        if os.path.exists(self.log_path):
            os.unlink(self.log_path)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()
