# SPDX-License-Identifier: Apache-2.0
"""What an answer of the tool costs: seconds and memory of every command beside a running chatd."""

import os
import unittest

from chatd import Chatd, Folder, PrivatePostgres, PrivateRedis
from tool import run_tool

COMMANDS = (["limits"], ["holders"], ["plan"], ["check"], ["top", "--count", "1"],
            ["raise", "postgres", "--to", "300"], ["raise", "redis", "--to", "12000"],
            ["config", "show"], ["config", "check"], ["config", "env"])


class Costs(unittest.TestCase):
    def test_every_command_answers_within_two_seconds_and_48_mebibytes(self):
        folder = Folder()
        self.addCleanup(folder.remove)
        redis = PrivateRedis(folder)
        self.addCleanup(redis.stop)
        postgres = PrivatePostgres(folder)
        self.addCleanup(postgres.stop)
        chatd = Chatd(folder, folder.make("work"), REDIS_URL=redis.url, **postgres.settings)
        self.addCleanup(chatd.discard)
        chatd.wait_ready()
        settings = postgres.settings | {"REDIS_URL": redis.url, "REDIS_MAX_CONNECTIONS": "6",
                                        "CHAT_ADMIN_PORT": chatd.admin.rsplit(":", 1)[1]}
        print()
        for words in COMMANDS:
            ran = run_tool(*words, **settings)
            print(f"{' '.join(words):30} exit {ran.exit}  {ran.seconds:5.2f} s  "
                  f"{ran.peak_kilobytes / 1024:4.0f} MiB")
            self.assertIn(ran.exit, (0, 1), ran.out + ran.err)
            if os.environ.get("SANITIZED"):
                continue  # whose price is not ours
            self.assertLess(ran.peak_kilobytes, 48 * 1024, words)
            # check looks again, a second apart, when it saw what may pass.
            self.assertLess(ran.seconds, 8 if words == ["check"] else 2, words)


if __name__ == "__main__":
    unittest.main()
