# SPDX-License-Identifier: Apache-2.0
"""What chatd does when its children, or it itself, are killed; and how it stops."""

import os
import signal
import unittest

from chatd import Chatd, Folder, get_json, is_alive, wait_until


class Supervision(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(cls.folder.remove)

    def setUp(self):
        self.working_folder = self.folder.make("work")
        self.chatd = self.start()

    def start(self):
        chatd = Chatd(self.folder, self.working_folder)
        self.addCleanup(chatd.discard)
        return chatd.wait_ready()

    def workers(self):
        return {worker["index"]: worker for worker in self.chatd.monitoring()["workers"]}

    def all_ready(self):
        workers = self.workers()
        return workers if all(worker["ready"] for worker in workers.values()) else None

    def test_replaces_a_killed_worker_and_leaves_the_others(self):
        before = wait_until(self.all_ready, "all workers are ready")
        os.kill(before[0]["pid"], signal.SIGKILL)
        after = wait_until(
            lambda: (now := self.all_ready()) and now[0]["pid"] != before[0]["pid"] and now,
            "the worker is replaced")
        self.assertEqual(after[0]["restarts"], 1)
        self.assertEqual(after[1]["pid"], before[1]["pid"])
        self.assertEqual(get_json(self.chatd.admin + "/readyz")[0], 200)

    def test_starts_a_killed_embedded_server_again(self):
        for name in ("redis", "postgres"):
            before = self.chatd.record()["servers"][name]["pid"]
            os.kill(before, signal.SIGKILL)

            def is_back(server=name, killed=before):
                return any(one["name"] == server and one["ready"] and one["pid"] != killed
                           for one in self.chatd.monitoring()["embedded_servers"])

            wait_until(is_back, f"{name} is back")

    def test_ends_with_everything_it_started_at_sigterm(self):
        wait_until(self.all_ready, "all workers are ready")
        pids = self.pids_of_record()
        self.assertEqual(self.chatd.stop(), 0, self.chatd.errors)
        self.assertEqual([pid for pid in pids if is_alive(pid)], [])

    def test_ends_at_once_at_a_second_signal(self):
        # A worker that cannot run cannot stop in order.
        pids = self.pids_of_record()
        worker = self.chatd.record()["workers"][0]["pid"]
        os.kill(worker, signal.SIGSTOP)
        self.chatd.signal(signal.SIGTERM)
        wait_until(lambda: '"message":"stopping"' in self.chatd.errors, "it is stopping")
        self.chatd.signal(signal.SIGTERM)
        self.assertEqual(self.chatd.wait_ended(within=5), 1)
        wait_until(lambda: not any(is_alive(pid) for pid in pids), "nothing is left")

    def test_its_children_end_when_it_is_killed_and_it_starts_again_on_their_data(self):
        pids = self.pids_of_record()
        self.chatd.signal(signal.SIGKILL)
        self.chatd.wait_ended()
        self.chatd = self.start()
        self.assertEqual([pid for pid in pids if is_alive(pid)], [])
        self.assertEqual(get_json(self.chatd.admin + "/readyz")[0], 200)

    def test_the_admin_port_answers_loopback_names_only(self):
        url = self.chatd.admin + "/monitoring/system"
        for headers in ({"Host": "rebound.example"}, {"Origin": "http://evil.example"}):
            status, refused = get_json(url, headers)
            self.assertEqual(status, 403)
            self.assertIn("message", refused["error"])
        self.assertEqual(get_json(self.chatd.admin + "/elsewhere")[0], 404)

    def pids_of_record(self):
        record = self.chatd.record()
        return ([server["pid"] for server in record["servers"].values()] +
                [worker["pid"] for worker in record["workers"]])


if __name__ == "__main__":
    unittest.main()
