# SPDX-License-Identifier: Apache-2.0
"""Every recipe of the operator's manual, run as it stands there on a running chatd; those of Amazon
against a stub."""

import os
import pathlib
import re
import subprocess
import unittest

from chatd import Chatd, Folder, PrivatePostgres, PrivateRedis
from stub_aws import StubAws
from test_raise import AMAZON

MANUAL = pathlib.Path(__file__).resolve().parents[2] / "docs" / "operating.md"


def recipes():
    """The indented commands, in order; one may go on in lines that no other begins."""
    text = MANUAL.read_text(encoding="utf-8")
    for block in re.findall(r"(?:^    .*\n)+", text, re.MULTILINE):
        for command in re.split(r"^    (?=(?:headroom|psql|redis-cli|aws) )", block, flags=re.MULTILINE):
            if re.match(r"(headroom|psql|redis-cli|aws) ", command):
                yield command.strip()


class Operating(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(cls.folder.remove)
        cls.redis = PrivateRedis(cls.folder)
        cls.addClassCleanup(cls.redis.stop)
        cls.postgres = PrivatePostgres(cls.folder)
        cls.addClassCleanup(cls.postgres.stop)
        cls.chatd = Chatd(cls.folder, cls.folder.make("work"), REDIS_URL=cls.redis.url,
                          INSTANCE_ID="host-1", **cls.postgres.settings)
        cls.addClassCleanup(cls.chatd.discard)
        cls.chatd.wait_ready()

    def run_recipe(self, command, **environment):
        bin_folder = os.path.dirname(os.environ["TOOL"])
        settings = {"PATH": f"{bin_folder}:/usr/bin:/bin", "COLUMNS": "80", "HOME": "/nonexistent",
                    "REDIS_URL": self.redis.url, "REDIS_MAX_CONNECTIONS": "6",
                    "CHAT_ADMIN_PORT": self.chatd.admin.rsplit(":", 1)[1],
                    **self.postgres.settings, **environment}
        command = command.replace("redis-cli ", f"redis-cli -s {self.redis.socket_path} ")
        if command.startswith("headroom "):
            command = re.sub(r"http://127\.0\.0\.1:\d+", self.chatd.admin, command)
        return subprocess.run(["bash", "-c", command], cwd="/", env=settings, timeout=60, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)

    def test_every_recipe_runs(self):
        done = {"headroom": 0, "psql": 0, "redis-cli": 0}
        for command in recipes():
            word = command.split()[0]
            if word == "aws" or "--apply " in command + " ":
                continue  # the next test
            with self.subTest(command):
                ran = self.run_recipe(command)
                if word == "redis-cli" and "REWRITE" in command:
                    self.assertIn("without a config file", ran.stdout)  # ours has none
                else:
                    # 1 is a warning, 2 a verdict that fails: answers, too.
                    fine = (0, 1, 2) if word == "headroom" else (0,)
                    self.assertIn(ran.returncode, fine, ran.stdout + ran.stderr)
                self.assertNotEqual(ran.stdout, "")
                self.assertNotIn("ERR ", ran.stdout if "REWRITE" not in command else "")
                if word == "headroom":
                    self.assertEqual(ran.stderr, "")
                done[word] += 1
        print(f"\nrecipes run: {done}")
        self.assertGreaterEqual(min(done.values()), 4)

    def test_every_recipe_of_amazon_runs(self):
        stub = StubAws()
        self.addCleanup(stub.stop)
        stub.add_instance("chat-db", "chat-pg")
        stub.add_cache("chat", "cache.t4g.small", is_group=True)
        stub.add_cache("chat-cache", "cache.t4g.small", is_group=False)
        done = 0
        for command in recipes():
            if not command.startswith("aws "):
                continue
            with self.subTest(command):
                asked = command.replace("aws ", f"aws --endpoint-url {stub.url} --region eu-west-1 ", 1)
                ran = self.run_recipe(asked, **AMAZON)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                done += 1
        self.assertEqual(done, 5)


if __name__ == "__main__":
    unittest.main()
