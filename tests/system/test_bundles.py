# SPDX-License-Identifier: Apache-2.0
"""The service of examples/own_bundle: bundles of one's own, registered in main()."""

import os
import subprocess
import unittest

from chatd import Chatd, Folder, wait_until
from people import Person


class OwnBundles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder(os.environ["CHATD_OWN_BUNDLE"])
        cls.addClassCleanup(cls.folder.remove)
        cls.chatd = Chatd(cls.folder, cls.folder.make("run"), CHAT_BUNDLES="visits,shout",
                          CHAT_BUNDLE_VISITS_GREETING="Good day",
                          GATEWAY_CONFIG_JSON='{"service_capacity": {"processes_per_instance": 1}}')
        cls.addClassCleanup(cls.chatd.discard)
        cls.chatd.wait_ready()

    def owners(self, kind):
        pools = self.chatd.monitoring()["workers"][0]["pools"]
        return {each["name"]: each for pool in pools if pool["kind"] == kind
                for each in pool["owners"]}

    def test_answer_with_their_settings_and_are_counted_under_their_label(self):
        ann = Person(self.chatd.url, "ann").arrive()
        self.addCleanup(ann.leave)
        for text, answer in (("hello", "Good day, visit 1."), ("again", "Good day, visit 2."),
                             ("/shout help", "/SHOUT HELP!")):
            self.assertEqual(ann.answer_to(ann.say(text))["text"], answer)
        wait_until(lambda: self.owners("sync").get("bundle:shout", {}).get("granted") == 1,
                   "the blocking bundle is counted")
        self.assertIn("bundle:visits", self.owners("async"))

    def test_with_a_bad_setting_refuse_the_start_and_tell_every_fault(self):
        ended = subprocess.run(
            [self.folder.chatd], capture_output=True, text=True, timeout=30,
            stdin=subprocess.DEVNULL, cwd=self.folder.path,
            env={"CHAT_BUNDLES": "visits,oracle", "CHAT_BUNDLE_VISITS_GREETING": "x" * 81,
                 "CHAT_BUNDLE_VISITS_TONE": "low"})
        self.assertEqual(ended.returncode, 2)
        for expected in ("CHAT_BUNDLES", "oracle", "echo, clock, code, visits, shout",
                         "CHAT_BUNDLE_VISITS_GREETING", "at most 80 characters",
                         "CHAT_BUNDLE_VISITS_TONE"):
            self.assertIn(expected, ended.stderr)


if __name__ == "__main__":
    unittest.main()
