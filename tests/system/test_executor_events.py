# SPDX-License-Identifier: Apache-2.0
"""What a program emits and what of it Redis has: connections are counted on the server, events read
from the session's history."""

import base64
import gzip
import os
import unittest

from chatd import Folder, PrivateRedis, wait_until
from executor import (CONVERSATION, SESSION, TURN, Execution, RedisAsker, comm_of, credentials,
                      order_of)

PROGRAM = os.path.abspath(os.environ["CHAT_EXECUTOR"])
THREADS_PROGRAM = os.path.abspath(os.environ["EMITTING_THREADS"])

COUNTS = ("accepted", "delivered", "invalid", "rate_limited", "dropped", "undelivered")


def counts(**of):
    return {name: of.get(name, 0) for name in COUNTS}


def step_line(name):
    return '{"type":"step","name":"%s"}' % name


class EventsCase(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = Folder(PROGRAM)
        cls.program = cls.folder.chatd

    @classmethod
    def tearDownClass(cls):
        cls.folder.remove()

    def setUp(self):
        self.redis = PrivateRedis(self.folder, self.id().rpartition(".")[2][:20],
                                  [*credentials(), *self.options])
        self.addCleanup(self.redis.stop)
        self.asker = RedisAsker(self.redis.socket_path)
        self.addCleanup(self.asker.close)

    def execute(self, source, comm=None, **how):
        comm = comm or comm_of(self.redis)
        execution = Execution(self.program, order_of(source, comm=comm, **how), self.folder.user)
        self.addCleanup(execution.discard)
        return execution

    def executor_connections(self):
        return [name for name in self.redis.client_names() if name.endswith(":executor")]


class Emitting(EventsCase):
    def test_bash_and_python_and_chat_emit_share_one_connection(self):
        before = self.asker.info("total_connections_received")
        execution = self.execute(
            "echo '" + step_line("from bash") + "' >&$CHAT_EVENTS_FD\n"
            "chat-emit step 'from \"chat-emit\"' --status running --text $'two\\nlines'\n"
            "chat-emit service rows '{\"loaded\":[1,2]}'\n"
            "printf '%s\\n' '" + step_line("from a pipe") + "' | chat-emit -\n"
            "python3 - <<'END'\n"
            "import json, os\n"
            "with os.fdopen(int(os.environ['CHAT_EVENTS_FD']), 'w') as events:\n"
            "    print(json.dumps({'type': 'step', 'name': 'from \u00fc', 'data': {'a': 1}}), file=events)\n"
            "END\n"
            "echo emitted; sleep 60", execution_id="run-1", comm=comm_of(self.redis, "run-1"))
        execution.wait_text("emitted")
        wait_until(lambda: len(self.asker.events()) == 5, "all events are there")
        self.assertEqual(self.asker.info("total_connections_received") - before, 1)
        self.assertEqual(self.executor_connections(), [f"chat:run-1:{execution.pid}:executor"])
        execution.cancel()
        self.assertEqual(execution.wait_ended()["events"], counts(accepted=5, delivered=5))
        wait_until(lambda: not self.executor_connections(), "its connection is gone")

        events = self.asker.events()
        self.assertEqual([name for name, _ in events],
                         ["chat_step", "chat_step", "chat_service", "chat_step", "chat_step"])
        second = events[1][1]
        self.assertEqual((second["name"], second["status"], second["text"]),
                         ('from "chat-emit"', "running", "two\nlines"))
        self.assertEqual(events[2][1]["data"], {"loaded": [1, 2]})
        self.assertEqual((events[4][1]["name"], events[4][1]["data"]), ("from \u00fc", {"a": 1}))
        for _, data in events:
            self.assertEqual((data["session_id"], data["conversation_id"], data["turn_id"]),
                             (SESSION, CONVERSATION, TURN))

    def test_fifty_threads_that_emit_first_at_once_share_one_connection(self):
        with open(THREADS_PROGRAM, "rb") as file:
            packed = base64.b64encode(gzip.compress(file.read())).decode()
        before = self.asker.info("total_connections_received")
        execution = self.execute(f"base64 -d <<< {packed} | gunzip > threads && chmod +x threads && "
                                 "./threads 50 18; echo ended $?; sleep 60",
                                 events_per_second=10_000)
        seen = set()

        def all_there():
            seen.add(len([client for client in self.asker.ask("CLIENT", "LIST").splitlines()
                          if ":executor " in client]))
            return len(self.asker.events()) == 900

        wait_until(all_there, "all events are there")
        execution.wait_text("ended 0")
        self.assertLessEqual(seen, {0, 1})
        self.assertEqual(self.asker.info("total_connections_received") - before, 1)
        execution.cancel()
        self.assertEqual(execution.wait_ended()["events"], counts(accepted=900, delivered=900))
        of_thread = {}
        for data in self.asker.steps():
            thread, _, event = data["name"].partition(".")
            of_thread.setdefault(int(thread), []).append(int(event))
        self.assertEqual(of_thread, {thread: list(range(18)) for thread in range(50)})

    def test_a_silent_program_opens_no_connection(self):
        before = self.asker.info("total_connections_received")
        execution = self.execute("echo quiet; chat-emit --help; : >&$CHAT_EVENTS_FD")
        self.assertEqual(execution.wait_ended()["events"], counts())
        self.assertEqual(self.asker.info("total_connections_received"), before)

    def test_events_without_a_place_to_go_are_counted(self):
        execution = Execution(self.program, order_of("for n in 1 2 3; do chat-emit step $n; done"),
                              self.folder.user)
        self.addCleanup(execution.discard)
        self.assertEqual(execution.wait_ended()["events"], counts(dropped=3))


class Hostile(EventsCase):
    def test_lines_that_are_no_events_are_told_and_the_good_ones_arrive(self):
        execution = self.execute(
            "exec 9>&$CHAT_EVENTS_FD\n"
            "echo nonsense >&9; echo >&9; head -c 100 /dev/urandom | tr -d '\\n' >&9; echo >&9\n"
            "echo '{\"type\":\"step\",\"name\":\"a\",\"colour\":1}' >&9\n"
            "head -c 5000000 /dev/zero | tr '\\0' x >&9; echo >&9\n"
            "printf '\\0\\n\\0\\n\\0\\n' >&9\n"
            "echo '" + step_line("good") + "' >&9\nprintf '%s' '" + step_line("last") + "' >&9")
        ended = execution.wait_ended()
        self.assertEqual(ended["events"], counts(accepted=2, delivered=2, invalid=7))
        steps = self.asker.steps()
        told = [data["text"] for data in steps if data["name"] == "Event not understood"]
        self.assertEqual(len(told), 5)
        self.assertIn("Line 1 of the events: it is no valid JSON", told[0])
        self.assertEqual(told[2], "Line 4 of the events: colour is no member that is known.")
        self.assertEqual(told[3], "Line 5 of the events: it is longer than 16384 bytes.")
        self.assertIn("Further ones are counted, but not told.", told[4])
        self.assertEqual({data["status"] for data in steps if data["name"] == "Event not understood"},
                         {"error"})
        self.assertEqual([data["name"] for data in steps][-2:], ["good", "last"])

    def test_an_endless_line_ends_with_the_program(self):
        execution = self.execute("tr '\\0' x < /dev/zero >&$CHAT_EVENTS_FD", wall_time_ms=500)
        ended = execution.wait_ended()
        self.assertEqual((ended["stopped"], ended["events"]["invalid"]), ("wall_time", 1))

    def test_a_flood_is_cut_to_its_rate_and_told_once(self):
        execution = self.execute("yes '" + step_line("flood") + "' >&$CHAT_EVENTS_FD",
                                 wall_time_ms=1500, events_per_second=10)
        events = execution.wait_ended()["events"]
        self.assertGreaterEqual(events["accepted"], 20)
        self.assertLessEqual(events["accepted"], 20 + 20)
        self.assertGreater(events["rate_limited"], 1000)
        self.assertEqual(events["delivered"], events["accepted"])
        told = [data["name"] for data in self.asker.steps() if data["status"] == "error"]
        self.assertEqual(told, ["Too many events at once"])

    def test_events_beyond_the_total_are_told_once(self):
        execution = self.execute("for n in 1 2 3 4 5; do chat-emit step $n; done", events=3)
        events = execution.wait_ended()["events"]
        self.assertEqual(events, counts(accepted=3, delivered=3, rate_limited=2))
        self.assertEqual([data["name"] for data in self.asker.steps()],
                         ["1", "2", "3", "Too many events"])

    def test_a_closed_events_descriptor_ends_nothing(self):
        execution = self.execute("chat-emit step one; exec {CHAT_EVENTS_FD}>&-; chat-emit step two; "
                                 "echo code $?")
        ended = execution.wait_ended()
        self.assertEqual(execution.text(), "code 1\n")
        self.assertEqual(ended["events"], counts(accepted=1, delivered=1))


class Outages(EventsCase):
    options = ("--appendonly", "yes", "--appendfsync", "always")

    def test_what_is_emitted_while_redis_is_away_arrives_once_and_in_order(self):
        execution = self.execute(
            "for n in $(seq 400); do chat-emit step $n; [ $n = 100 ] && echo hundred; sleep 0.01; "
            "done; echo all; sleep 60")
        execution.wait_text("hundred")
        self.redis.kill()
        self.asker.close()
        execution.wait_text("all")
        self.redis.start()
        self.asker = RedisAsker(self.redis.socket_path)
        self.addCleanup(self.asker.close)
        wait_until(lambda: len(self.asker.events()) == 400, "all events are there")
        self.assertEqual([data["name"] for data in self.asker.steps()],
                         [str(n) for n in range(1, 401)])
        self.assertEqual(len(self.executor_connections()), 1)
        execution.cancel()
        self.assertEqual(execution.wait_ended()["events"], counts(accepted=400, delivered=400))

    def test_what_cannot_be_delivered_in_the_end_is_reported(self):
        execution = self.execute("chat-emit step one; echo first; read -t 1 < <(sleep 1); "
                                 "for n in 2 3 4; do chat-emit step $n; done; exit 5")
        execution.wait_text("first")
        wait_until(lambda: len(self.asker.events()) == 1, "the first event is there")
        self.redis.kill()
        ended = execution.wait_ended()
        self.assertEqual((ended["exit_code"], ended["events"]),
                         (5, counts(accepted=4, delivered=1, undelivered=3)))
        self.redis.start()  # so that it can be stopped

    def test_events_of_wrong_credentials_are_reported_as_undelivered(self):
        before = self.asker.info("total_connections_received")
        execution = self.execute("for n in 1 2 3; do chat-emit step $n; done; exit 6",
                                 comm=comm_of(self.redis, password="another"))
        ended = execution.wait_ended()
        events = ended["events"]
        # Those that came before Redis had refused are undelivered, the others are not even held.
        self.assertEqual((ended["exit_code"], events["delivered"]), (6, 0))
        self.assertEqual(events["undelivered"] + events["dropped"], 3)
        self.assertGreaterEqual(events["undelivered"], 1)
        self.assertIn("events are undelivered", execution.errors)
        self.assertIn("WRONGPASS", execution.errors)
        self.assertLessEqual(self.asker.info("total_connections_received") - before, 2)


if __name__ == "__main__":
    unittest.main()
