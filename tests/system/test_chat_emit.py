# SPDX-License-Identifier: Apache-2.0
"""The program chat-emit by itself: what it writes to the descriptor that CHAT_EVENTS_FD names, and how it ends where
nobody listens. What an executor makes of the lines is in test_executor_events.py."""

import contextlib
import fcntl
import json
import os
import struct
import subprocess
import termios
import threading
import unittest

from chatd import PATIENCE, wait_until

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(os.environ["CHAT_EXECUTOR"])), "chat-emit")
WRONG_USAGE = 64


def run(*words, descriptor=None, stdin=b"", value=None):
    """`value`: what CHAT_EVENTS_FD says, unless it is the number of `descriptor`."""
    text = value if value is not None else None if descriptor is None else str(descriptor)
    return subprocess.run([PROGRAM, *words], input=stdin, capture_output=True, timeout=PATIENCE, check=False,
                          env={} if text is None else {"CHAT_EVENTS_FD": text},
                          pass_fds=[] if descriptor is None else [descriptor])


class ChatEmit(unittest.TestCase):
    def setUp(self):
        self.read_end, self.write_end = os.pipe()
        self.addCleanup(self.close_writing)
        self.addCleanup(os.close, self.read_end)

    def close_writing(self):
        with contextlib.suppress(OSError):
            os.close(self.write_end)

    def emit(self, *words, stdin=b""):
        return run(*words, descriptor=self.write_end, stdin=stdin)

    def lines(self):
        """All that was written; nothing more can be."""
        self.close_writing()
        with os.fdopen(os.dup(self.read_end), "rb") as file:
            return [json.loads(line) for line in file]

    def unread(self):
        return struct.unpack("i", fcntl.ioctl(self.read_end, termios.FIONREAD, bytes(4)))[0]

    def test_writes_an_event_a_line(self):
        for words in (("step", "Load"), ("step", "Load", "--text", "3 of 7", "--status", "running"),
                      ("service", "rows", '{"loaded":1}'), ("service", "rows")):
            self.assertEqual(self.emit(*words).returncode, 0)
        self.assertEqual(self.lines(), [
            {"type": "step", "name": "Load", "status": "completed"},
            {"type": "step", "name": "Load", "status": "running", "text": "3 of 7"},
            {"type": "service", "name": "rows", "data": {"loaded": 1}},
            {"type": "service", "name": "rows", "data": {}}])

    def test_writes_json_whatever_a_word_holds(self):
        words = ["\"quoted\" \\ back", "two\nlines\ttab", "\x01\x1f\x7f", "\u00e4\u4e2d\U0001F600", "--text"]
        for word in words:
            self.assertEqual(self.emit("step", word, "--text", word).returncode, 0)
        self.assertEqual(self.emit("step", b"\xff\xe4\xb8a").returncode, 0)
        lines = self.lines()
        self.assertEqual([(line["name"], line["text"]) for line in lines[:-1]], [(word, word) for word in words])
        self.assertEqual(lines[-1]["name"], "\ufffd\ufffd\ufffda")

    def test_passes_the_lines_of_its_input_but_those_that_are_too_long(self):
        ended = self.emit("-", stdin=b'{"a":1}\n\n' + b"x" * 20_000 + b'\n{"b":2}')
        self.assertEqual(ended.returncode, 1)
        self.assertEqual(ended.stderr, b"chat-emit: the event is longer than 16384 bytes\n")
        self.assertEqual(self.lines(), [{"a": 1}, {"b": 2}])

    def test_refuses_what_cannot_be_one_line(self):
        for words, sentence in ((("step", "x", "--text", "y" * 17_000), b"longer than 16384 bytes"),
                                (("service", "x", '{"a":\n1}'), b"without a line break")):
            ended = self.emit(*words)
            self.assertEqual(ended.returncode, 1)
            self.assertIn(sentence, ended.stderr)
        self.assertEqual(self.lines(), [])

    def test_says_that_nobody_listens(self):
        for value in (None, "", "nine", "-1", "987654"):
            ended = run("step", "x", value=value)
            self.assertEqual(ended.returncode, 1, value)
            self.assertIn(b"CHAT_EVENTS_FD names no open descriptor", ended.stderr)
        self.assertEqual(run("-", value="987654", stdin=b"{}\n" * 9).stderr.count(b"\n"), 1)

    def test_an_executor_that_is_gone_is_an_exit_code(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        self.addCleanup(os.close, write_end)
        ended = run("step", "x", descriptor=write_end)
        self.assertEqual((ended.returncode, ended.stderr), (1, b"chat-emit: the executor no longer listens\n"))

    def test_tells_wrong_usage_by_its_own_exit_code(self):
        for words in ((), ("what",), ("step",), ("step", "x", "--text"), ("step", "x", "--colour", "red"),
                      ("step", "x", "--status", "done"), ("service",), ("service", "x", "{}", "y"), ("-", "x")):
            ended = self.emit(*words)
            self.assertEqual(ended.returncode, WRONG_USAGE, words)
            self.assertIn(b"usage: chat-emit", ended.stderr)
        self.assertEqual(self.lines(), [])
        helped = run("--help")
        self.assertEqual((helped.returncode, helped.stderr), (0, b""))
        self.assertIn(b"usage: chat-emit", helped.stdout)

    def test_waits_where_the_pipe_is_full_and_mixes_no_lines_of_processes(self):
        """120 kB from eight processes at once, into a pipe that is not read before it is full."""
        text = "x" * 3_000
        codes = []
        writers = [threading.Thread(target=lambda name=str(n): codes.append(
            self.emit("-", stdin=b"".join(b'{"name":"%s.%d","text":"%s"}\n' % (name.encode(), event, text.encode())
                                          for event in range(5))).returncode)) for n in range(8)]
        for writer in writers:
            writer.start()
        # A line of this size fills a page of the sixteen that a pipe has.
        wait_until(lambda: self.unread() > 16 * len(text), "the pipe is full")
        found = []
        with os.fdopen(os.dup(self.read_end), "rb") as file:
            for _ in range(40):
                found.append(json.loads(file.readline()))
        for writer in writers:
            writer.join(PATIENCE)
        self.assertEqual(codes, [0] * 8)
        of_process = {}
        for line in found:
            self.assertEqual(line["text"], text)
            process, _, event = line["name"].partition(".")
            of_process.setdefault(process, []).append(int(event))
        self.assertEqual(of_process, {str(n): list(range(5)) for n in range(8)})


if __name__ == "__main__":
    unittest.main()
