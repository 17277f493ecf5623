# SPDX-License-Identifier: Apache-2.0
"""Runs a full-screen program in a pseudo-terminal and keeps the screen that it draws. Knows only
the control sequences that ours writes, and fails on others."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


class Screen:
    def __init__(self, columns, lines):
        self.size = (columns, lines)
        self.modes = {}  # private ones, by number: 1049 alternate screen, 25 cursor, 7 wrapping
        self.clear()
        self._held = ""

    def clear(self):
        columns, lines = self.size
        self.cells = [[" "] * columns for _ in range(lines)]
        self.row = self.column = 0

    def resize(self, columns, lines):
        self.size = (columns, lines)
        self.clear()

    @property
    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    @property
    def text(self):
        return "\n".join(self.lines)

    def feed(self, text):
        text = self._held + text
        self._held = ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    self._held = text[at:]
                    assert len(self._held) < 16, f"no sequence of ours: {self._held!r}"
                    return
                self._control(*found.groups())
                at = found.end()
                continue
            self._put(text[at])
            at += 1

    def _control(self, private, numbers, final):
        if private:
            assert final in "hl"
            self.modes[int(numbers)] = final == "h"
        elif final == "H":
            self.row = self.column = 0
        elif final == "J":
            self._blank_line(self.column)
            for row in range(self.row + 1, self.size[1]):
                self.cells[row] = [" "] * self.size[0]
        elif final == "K":
            self._blank_line(self.column)
        else:
            assert final == "m", f"no sequence of ours: {final}"

    def _blank_line(self, column):
        for at in range(column, self.size[0]):
            self.cells[self.row][at] = " "

    def _put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
            assert self.row < self.size[1], "the screen would scroll"
        else:
            assert self.column < self.size[0], f"wider than the screen: {self.lines[self.row]!r}"
            self.cells[self.row][self.column] = character
            self.column += 1


class OnTerminal:
    """A program whose standard streams are a terminal of 80 x 24."""

    def __init__(self, words, columns=80, lines=24, **environment):
        self.screen = Screen(columns, lines)
        self.master, self.terminal = pty.openpty()
        self._tell_size(columns, lines)
        self.attributes_before = termios.tcgetattr(self.terminal)
        settings = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent",
                    "TERM": "xterm"}
        settings |= {name: value for name, value in os.environ.items()
                     if name.endswith("SAN_OPTIONS")}
        self.process = subprocess.Popen(words, stdin=self.terminal, stdout=self.terminal,
                                        stderr=self.terminal, cwd="/", env=settings | environment)
        self._bytes = b""

    def _tell_size(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self):
        """What has been drawn so far."""
        while select.select([self.master], [], [], 0)[0]:
            piece = os.read(self.master, 65536)
            if not piece:
                break
            self._bytes += piece
            text = self._bytes.decode(errors="ignore")
            whole = len(text.encode())  # a character may be half here
            self._bytes = self._bytes[whole:]
            self.screen.feed(text)
        return self.screen

    def shows(self, part):
        return part in self.read().text

    def press(self, keys):
        os.write(self.master, keys.encode())

    def resize(self, columns, lines):
        self.read()
        self.screen.resize(columns, lines)
        self._tell_size(columns, lines)
        # The terminal is not the program's controlling one: the kernel tells nobody.
        self.process.send_signal(signal.SIGWINCH)

    @property
    def attributes(self):
        return termios.tcgetattr(self.terminal)

    def has_ended(self):
        self.read()  # so that it need not wait for us
        return self.process.poll() is not None

    def hang_up(self):
        os.close(self.terminal)
        os.close(self.master)
        self.master = self.terminal = None

    def discard(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.master is not None:
            self.hang_up()
