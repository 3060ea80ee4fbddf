# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal for tests: types as a person types, and reads what a person would
see."""
import fcntl
import os
import pty
import re
import select
import struct
import termios

from hstest import diag, LIMIT

# What we ourselves send: colours, bracketed paste, erase line, cursor moves of
# readline within a line. Nothing else may begin with ESC.
OURS = re.compile("\x1b\\[(\\?2004[hl]|[0-9;]*m|[0-9]*[KCDPJA@]|[0-9]*G)")


class Terminal:
    """A program on a pty. prompt: a pattern, without the blank behind it."""

    def __init__(self, argv, folder, env, prompt, rows=24, columns=100):
        self.seen = ""
        self.at = 0
        self.prompt_re = "(%s)" % prompt
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Here, where it is before the program looks.
            fcntl.ioctl(0, termios.TIOCSWINSZ,
                        struct.pack("HHHH", rows, columns, 0, 0))
            os.chdir(folder)
            os.execve(argv[0], argv, env)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self):
        """More of what comes; False at the end."""
        r, _, _ = select.select([self.fd], [], [], LIMIT)
        if not r:
            raise TimeoutError("nothing comes after %r" % self.seen[-200:])
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.seen += data.decode(errors="surrogateescape")
        return bool(data)

    def until(self, pattern):
        """Read up to a match behind what was matched before; the text up to
        and with it, as a person sees it."""
        while True:
            m = re.compile(pattern).search(self.seen, self.at)
            if m:
                text = self.seen[self.at:m.end()]
                self.at = m.end()
                return plain(text)
            if not self.read():
                diag("ended before %r: %r" % (pattern, self.seen[self.at:]))
                return plain(self.seen[self.at:])

    def prompt(self):
        return self.until(self.prompt_re + r"(\x1b\[0m)? $")

    def ask(self, line):
        """Type a line: what is printed before the next prompt."""
        self.type(line + "\n")
        text = self.prompt()
        text = text[text.find("\n") + 1:]
        end = re.search(self.prompt_re + " $", text)
        return text[:end.start()] if end else text

    def end(self):
        while self.read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)

    def is_safe(self):
        rest = OURS.sub("", self.seen)
        bad = re.search("[\x00-\x06\x0b-\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e"
                        "\udc80-\udcff]", rest)
        if bad:
            diag(repr(rest[max(0, bad.start() - 60):bad.start() + 20]))
        return not bad


def plain(text):
    return OURS.sub("", text).replace("\r\n", "\n").replace("\r", "")
