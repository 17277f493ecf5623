# SPDX-License-Identifier: Apache-2.0
"""The README's tour, run as it is written; only the ports and the session are filled in."""

import json
import pathlib
import re
import subprocess
import unittest

from chatd import Chatd, Folder, wait_until

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def commands_of_the_tour():
    """The indented blocks of the section, in order; comments and what the reader fills in left out."""
    section = README.read_text(encoding="utf-8").split("\n## A tour with curl\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)
    filled_in = ("    session=", "    conversation=")
    return ["".join(line for line in block.splitlines(True) if not line.startswith(filled_in))
            for block in blocks]


class Readme(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)
        self.chatd = Chatd(self.folder, self.folder.make("tour"))
        self.addCleanup(self.chatd.discard)
        self.chatd.wait_ready()
        self.session = self.conversation = ""

    def start(self, command, output):
        command = re.sub(r"http://[\d.]+:8010", self.chatd.url, command)
        command = re.sub(r"http://[\d.]+:8011", self.chatd.admin, command)
        return subprocess.Popen(["bash", "-c", f"exec {command.strip()}"], stdout=output,
                                stderr=subprocess.DEVNULL,
                                env={"session": self.session, "conversation": self.conversation,
                                     "PATH": "/usr/bin:/bin"})

    def answer(self, command):
        with self.start(command, subprocess.PIPE) as process:
            return json.loads(process.communicate(timeout=30)[0])

    def test_every_command_of_the_tour_answers_as_the_readme_says(self):
        stream, post, conversations, stop, monitoring = commands_of_the_tour()
        seen_path = pathlib.Path(self.folder.path, "stream")
        with open(seen_path, "wb") as output:
            reader = self.start(stream, output)
        self.addCleanup(reader.wait)
        self.addCleanup(reader.kill)
        ready = wait_until(lambda: re.match(r"(?s).*event: ready\ndata: (.*)\n", seen_path.read_text()),
                           "the stream says ready")
        self.session = json.loads(ready.group(1))["session_id"]

        self.assertEqual(self.answer(post)["status"], "processing_started")
        wait_until(lambda: "event: chat_complete" in seen_path.read_text(), "the answer is complete")
        seen = seen_path.read_text()
        self.assertIn("event: chat_start", seen)
        self.assertGreater(seen.count("event: chat_delta"), 1)
        numbers = [int(number) for number in re.findall(r"^id: ?(\d+)$", seen, re.MULTILINE)]
        self.assertEqual(numbers, sorted(set(numbers)))

        listed = self.answer(conversations)["conversations"]
        self.assertEqual(len(listed), 1)
        self.conversation = listed[0]["conversation_id"]
        self.assertEqual(self.answer(stop), {"status": "stop_requested", "turns": 0})
        self.assertEqual(len(self.answer(monitoring)["workers"]), 2)


if __name__ == "__main__":
    unittest.main()
