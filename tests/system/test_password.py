# SPDX-License-Identifier: Apache-2.0
"""--ask-password: a password typed at a terminal, and a terminal that is given back as it was."""

import fcntl
import os
import pty
import signal
import subprocess
import termios
import unittest

from chatd import Folder, PrivateRedis, wait_until


class Password(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)
        self.redis = PrivateRedis(self.folder)
        self.addCleanup(self.redis.stop)
        self.redis.ask("CONFIG SET requirepass open-sesame")
        self.master, self.terminal = pty.openpty()
        self.addCleanup(os.close, self.master)
        self.addCleanup(os.close, self.terminal)

    def asked_and_typed(self, keys):
        """What the tool printed, and its exit code, negative for a signal."""
        process = subprocess.Popen([os.environ["TOOL"], "limits", "--ask-password", "--redis", self.redis.url],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, start_new_session=True,
                                   preexec_fn=lambda: fcntl.ioctl(self.terminal, termios.TIOCSCTTY, 0))
        prompt = b""
        while not prompt.endswith(b": "):
            prompt += os.read(self.master, 1000)
        self.assertIn(b"Password for Redis at ", prompt)
        wait_until(lambda: not self.echoes(), "what is typed is hidden")
        os.write(self.master, keys)
        out, _ = process.communicate(timeout=30)
        return out, process.returncode

    def echoes(self):
        return bool(termios.tcgetattr(self.terminal)[3] & termios.ECHO)

    def test_a_typed_password_opens_the_server(self):
        out, code = self.asked_and_typed(b"open-sesame\n")
        self.assertEqual(code, 0, out)
        self.assertTrue(self.echoes())

    def test_an_interrupted_question_gives_the_terminal_back(self):
        for key in (b"\x03", b"half\x03", b"\x1c"):
            out, code = self.asked_and_typed(key)
            self.assertEqual((code, out), (-signal.SIGINT, ""))
            self.assertTrue(self.echoes(), key)


if __name__ == "__main__":
    unittest.main()
