# SPDX-License-Identifier: Apache-2.0
"""The bundle `code` in a whole service: code blocks are run, and what that costs is counted on the
servers. What a single execution may and may not do is test_executor.py and integration_executor."""

import os
import re
import signal
import unittest

from chatd import Chatd, Folder, PrivateRedis, get_json, is_alive, wait_until
from people import Person

ONE_WORKER = '{"service_capacity": {"processes_per_instance": 1, "concurrent_requests_per_process": 20}}'


def block(source, language="bash"):
    return f"```{language}\n{source}\n```"


def children_of(pid):
    """All processes below one, as pid -> command line."""
    below, found = [pid], {}
    while below:
        parent = below.pop()
        try:
            with open(f"/proc/{parent}/task/{parent}/children", encoding="utf-8") as file:
                pids = [int(each) for each in file.read().split()]
        except OSError:
            continue
        for each in pids:
            try:
                with open(f"/proc/{each}/cmdline", encoding="utf-8", errors="replace") as file:
                    found[each] = file.read().replace("\0", " ")
            except OSError:
                continue
            below.append(each)
    return found


class CodeService(unittest.TestCase):
    """One chatd with the bundle, on a Redis of its own that can be asked."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(cls.folder.remove)
        cls.redis = PrivateRedis(cls.folder)
        cls.addClassCleanup(cls.redis.stop)
        cls.chatd = Chatd(cls.folder, cls.folder.make("run"), REDIS_URL=cls.redis.url,
                          **{"CHAT_BUNDLES": "echo,code", "INSTANCE_ID": "here",
                             "GATEWAY_CONFIG_JSON": ONE_WORKER, **cls.settings})
        cls.addClassCleanup(cls.chatd.discard)
        cls.chatd.wait_ready()

    def arrive(self, name="ann"):
        person = Person(self.chatd.url, name).arrive()
        self.addCleanup(person.leave)
        return person

    @staticmethod
    def stored_end(person, accepted):
        """(state, code of its failure) of a turn, from the history."""
        turn = person.request("GET", f"/conversations/{accepted['conversation_id']}")["turns"][-1]
        return turn["state"], (turn["error"] or {}).get("code")

    def executors(self):
        """Names of the connections that executors hold, as Redis tells them."""
        return [name for name in self.redis.client_names() if name.endswith(":executor")]

    def monitored(self, key):
        return sum(worker["executors"][key] for worker in self.chatd.monitoring()["workers"])

    def worker_pids(self):
        return [worker["pid"] for worker in self.chatd.monitoring()["workers"]]


class CodeBlocks(CodeService):
    settings = {"CHAT_EXECUTOR_WALL_SEC": "20", "CHAT_EXECUTORS_MAX": "2"}

    def run_code(self, text):
        ann = self.arrive()
        accepted = ann.say(text)
        return ann, accepted, ann.answer_to(accepted)["text"]

    def test_are_run_and_their_output_is_the_answer(self):
        ann, accepted, answer = self.run_code("Please:\n" + block('echo "Hello, $((6 * 7))"'))
        self.assertRegex(answer, r"\A```\nHello, 42\n```\nEnded with exit code 0 after \d\.\d\d s\.\n\Z")
        steps = ann.seen("chat_step", accepted["turn_id"])
        self.assertEqual(steps[-1]["status"], "completed")
        self.assertIn("Running in bubblewrap", [each.get("text") for each in steps])
        self.assertEqual(self.executors(), [])

    def test_of_python_leave_files_that_are_listed(self):
        _, _, answer = self.run_code(block(
            "import os\nopen(os.environ['CHAT_OUTPUT_DIR'] + '/a.txt', 'w').write('x' * 2048)\n"
            "print('done')\nraise SystemExit(3)", "python3"))
        self.assertRegex(answer, r"done\n```\nEnded with exit code 3 after .*\n"
                                 r"Files:\n- a\.txt \(2\.0 KiB\)\n\Z")

    def test_emit_into_the_stream_over_one_connection_of_their_own(self):
        ann, accepted, answer = self.run_code(block(
            "chat-emit step Load --status running\nchat-emit step Load --text 'all there'\n"
            "echo 'no event' >&$CHAT_EVENTS_FD\n"))
        steps = [(each["name"], each["status"], each.get("text"))
                 for each in ann.seen("chat_step", accepted["turn_id"])]
        self.assertIn(("Load", "running", None), steps)
        self.assertIn(("Load", "completed", "all there"), steps)
        self.assertEqual([each[1] for each in steps if each[0] == "Event not understood"], ["error"])
        self.assertIn("1 not understood", answer)
        wait_until(lambda: not self.executors(), "the executor's connection is gone")

    def test_without_a_block_or_a_known_language_are_explained(self):
        self.assertIn("Send code between fences", self.run_code("/code")[2])
        self.assertIn("'rust' cannot be run here; bash, python3 can",
                      self.run_code(block("fn main() {}", "rust"))[2])
        self.assertIn("which language", self.run_code("/code\n" + block("x", ""))[2])

    def test_leave_other_messages_to_the_first_bundle(self):
        self.assertEqual(self.run_code("just words")[2], "just words")

    def test_know_nothing_of_the_service(self):
        _, _, answer = self.run_code(block("env; cat /proc/*/environ | tr '\\0' '\\n'; ls / /home"))
        self.assertIn("CHAT_EXECUTION_ID=", answer)
        for secret in (self.redis.socket_path, "REDIS_URL", "PGHOST", self.folder.path):
            self.assertNotIn(secret, answer)

    def test_that_run_are_stopped_with_everything_they_started(self):
        ann = self.arrive()
        accepted = ann.say(block("echo begun; (setsid sleep 600 &) ; sleep 600"))
        wait_until(lambda: any("begun" in each["text"] for each in
                               ann.seen("chat_delta", accepted["turn_id"])), "it prints")
        worker = self.worker_pids()[0]
        self.assertTrue(any("sleep 600" in each for each in children_of(worker).values()))
        stopped = ann.request("POST", f"/conversations/{accepted['conversation_id']}/stop", {})
        self.assertEqual(stopped["turns"], 1)
        ann.answer_to(accepted)
        self.assertEqual(self.stored_end(ann, accepted), ("interrupted", "turn_stopped"))
        wait_until(lambda: not children_of(worker), "nothing of it is left")

    def test_wait_in_order_while_the_places_are_taken(self):
        ann = self.arrive()
        accepted = [ann.say(block(f"echo number {i}; date +%s%N")) for i in range(8)]
        started = [re.search(r"number (\d)\n(\d+)", ann.answer_to(each)["text"]).groups()
                   for each in accepted]
        self.assertEqual([number for number, _ in started], [str(i) for i in range(8)])
        self.assertLessEqual(self.monitored("running"), 2)


class ManyExecutors(CodeService):
    settings = {
        "CHAT_EXECUTORS_MAX": "100", "CHAT_EXECUTOR_WALL_SEC": "280",
        "GATEWAY_CONFIG_JSON": '{"service_capacity": {"processes_per_instance": 2,'
                               ' "concurrent_requests_per_process": 100}}'}

    def test_cost_one_connection_for_each_that_emits_and_none_for_the_silent(self):
        ann = self.arrive()
        silent = [ann.say(block("echo here; sleep 600")) for _ in range(180)]
        wait_until(lambda: self.monitored("running") == 180, "180 run", 120)
        before = sorted(self.redis.client_names())
        self.assertEqual(self.executors(), [])

        emitting = [ann.say(block("chat-emit step Here; echo here; sleep 600")) for _ in range(20)]
        wait_until(lambda: len({each["turn_id"] for each in ann.seen("chat_step")
                                if each["name"] == "Here"}) == 20, "20 have emitted", 120)
        wait_until(lambda: self.monitored("running") == 200, "200 run")
        peak = self.redis.client_names()
        executors = self.executors()
        self.assertEqual(len(executors), 20)
        self.assertEqual(len(set(executors)), 20)
        for name in executors:
            self.assertRegex(name, r"\Achat:[0-9a-f]{16}:\d+:executor\Z")
        self.assertEqual(sorted(set(peak) - set(executors)), sorted(set(before)))

        for each in silent + emitting:
            ann.request("POST", f"/conversations/{each['conversation_id']}/stop", {})
        wait_until(lambda: not self.executors(), "no executor is connected", 60)
        wait_until(lambda: self.monitored("running") == 0, "none runs", 60)
        print(f"200 executors, 20 emitting: {len(executors)} connections more at the peak,"
              f" {len(self.executors())} after", flush=True)


class OrphanedExecutors(CodeService):
    def test_die_with_their_worker(self):
        ann = self.arrive()
        accepted = ann.say(block("chat-emit step Here; echo here; setsid sleep 600 & sleep 600"))
        wait_until(lambda: ann.seen("chat_delta", accepted["turn_id"]), "it prints")
        worker = self.worker_pids()[0]
        below = children_of(worker)
        self.assertTrue(any("sleep 600" in each for each in below.values()), below)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: not any(is_alive(each) for each in below), "all of it is gone")
        wait_until(lambda: not self.executors(), "its connection is gone")
        ann.answer_to(accepted)
        self.assertEqual(self.stored_end(ann, accepted), ("interrupted", "turn_interrupted"))


class StoppedServices(CodeService):
    settings = {"CHAT_SHUTDOWN_BUDGET_SEC": "4"}

    def test_end_their_executors(self):
        ann = self.arrive()
        accepted = ann.say(block("chat-emit step Here; echo here; setsid sleep 600 & sleep 600"))
        wait_until(lambda: ann.seen("chat_delta", accepted["turn_id"]), "it prints")
        below = children_of(self.worker_pids()[0])
        self.assertTrue(any("sleep 600" in each for each in below.values()), below)
        self.assertEqual(self.chatd.stop(), 0)
        self.assertFalse([each for each in below if is_alive(each)])
        self.assertEqual(self.redis.client_names(), [])


class WithoutTheBundle(CodeService):
    settings = {"CHAT_BUNDLES": "echo"}

    def test_code_is_words(self):
        ann = self.arrive()
        text = block("echo no")
        self.assertEqual(ann.answer_to(ann.say(text))["text"], text)
        self.assertIsNone(self.chatd.monitoring()["workers"][0]["executors"])


if __name__ == "__main__":
    unittest.main()
