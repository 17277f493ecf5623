# SPDX-License-Identifier: Apache-2.0
"""headroom top in a terminal of 80 x 24, and where there is none."""

import os
import signal
import time
import unittest

from chatd import Folder, PrivatePostgres, PrivateRedis, wait_until
from screen import OnTerminal
from tool import (PostgresSession, compare_with_golden, keys_of, open_redis, run_tool,
                  without_accidents)

RESTORED = {1049: False, 25: True, 7: True}


class Top(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)
        self.redis = PrivateRedis(self.folder)
        self.addCleanup(self.redis.stop)
        self.postgres = PrivatePostgres(self.folder)
        self.addCleanup(self.postgres.stop)
        self.settings = {"REDIS_URL": self.redis.url} | self.postgres.settings

    def hold(self, peer):
        self.addCleanup(peer.close)
        return peer

    def hold_a_fleet(self):
        """7 on Redis, 5 on Postgres."""
        for pid in (4101, 4102):
            for _ in range(2):
                self.redis_client(f"chat:web-1:{pid}:async", "GET x")
            self.redis_client(f"chat:web-1:{pid}:async_decode", "GET y")
            for _ in range(2):
                self.hold(PostgresSession(self.postgres.folder, f"chat:web-1:{pid}:pg"))
        self.redis_client(None, "PING")
        psql = self.hold(PostgresSession(self.postgres.folder, "psql"))
        self.assertIsNone(psql.run("BEGIN"))

    def redis_client(self, name, *commands):
        naming = [f"CLIENT SETNAME {name}"] if name else []
        return self.hold(open_redis(self.redis.socket_path, *naming, *commands))

    def top(self, *options, **more):
        running = OnTerminal([os.environ["TOOL"], "top", *options], **(self.settings | more))
        self.addCleanup(running.discard)
        return running

    def wait_shown(self, top, *parts):
        def shown():
            self.assertIsNone(top.process.poll(), top.screen.text)
            return all(top.shows(part) for part in parts)

        try:
            wait_until(shown, "on the screen")
        except AssertionError as late:
            raise AssertionError(f"{parts} on\n{top.screen.text}") from late

    def wait_ended(self, top):
        wait_until(top.has_ended, "the program ends")
        top.read()
        return top.process.returncode

    def row(self, top, *words):
        """The columns of the first line that begins so; None when there is none."""
        for line in top.read().lines:
            columns = line.split()
            if columns[:len(words)] == list(words):
                return columns
        return None

    def test_both_servers_and_who_holds_them_are_on_one_screen(self):
        self.hold_a_fleet()
        top = self.top("--watch", "1")
        self.wait_shown(top, "1-5 of 5")
        self.assertEqual(self.row(top, "Redis")[:4], ["Redis", "7", "of", "10000"])
        self.assertEqual(self.row(top, "Postgres")[:4], ["Postgres", "5", "of", "97"])
        self.assertEqual(self.row(top, "chat", "async")[2:4], ["4", "-"])
        self.assertEqual(self.row(top, "chat", "pg")[2:4], ["-", "4"])
        self.assertEqual(self.row(top, "psql", "(foreign)")[2:4], ["-", "1"])
        self.redis_client("chat:web-2:9:sync", "GET z")  # seen without a key
        self.wait_shown(top, "1-6 of 6")
        self.assertEqual(self.row(top, "chat", "sync")[2:4], ["1", "-"])

    def test_keys_sort_group_filter_and_scroll(self):
        self.hold_a_fleet()
        top = self.top("--watch", "600")
        self.wait_shown(top, "1-5 of 5")
        rows = [line.split()[:2] for line in top.screen.lines[5:10]]
        self.assertEqual(rows[:2], [["chat", "async"], ["chat", "pg"]])
        top.press("S")
        self.wait_shown(top, "sorted by name")
        top.press("r")
        self.wait_shown(top, "sorted by name reversed")
        rows = [line.split()[:2] for line in top.screen.lines[5:10]]
        self.assertEqual(rows[0], ["psql", "(foreign)"])
        top.press("g")
        self.wait_shown(top, "by service,instance,process,kind", "1-8 of 8", "4102")
        top.press("/4102\r")
        self.wait_shown(top, "only '4102'", "1-3 of 3")
        self.assertFalse(top.shows("4101"))
        top.press("\x1b")
        self.wait_shown(top, "1-8 of 8")
        top.resize(80, 12)
        self.wait_shown(top, "1-6 of 8")
        top.press("\x1b[6~")
        self.wait_shown(top, "3-8 of 8")
        top.press("\x1bOA")
        self.wait_shown(top, "2-7 of 8")
        top.press("h")
        self.wait_shown(top, "q, Ctrl-C    quit")

    def test_any_size_is_filled_and_a_small_one_says_so(self):
        self.hold_a_fleet()
        # No second look, so that nothing is drawn in the old size behind the back of the test.
        top = self.top("--by", "service,instance,process,kind", "--watch", "600")
        self.wait_shown(top, "1-8 of 8")
        for size in ((40, 10), (57, 13), (200, 50), (80, 24)):
            top.resize(*size)
            self.wait_shown(top, "by service,instance,process,kind", "of 8")
        top.resize(30, 9)
        self.wait_shown(top, "headroom top needs 40 x 10")

    def test_q_and_ctrl_c_give_the_terminal_back(self):
        for keys in ("q", "\x03"):
            with self.subTest(keys=keys):
                top = self.top()
                self.wait_shown(top, "no connections")
                self.assertNotEqual(top.attributes, top.attributes_before)
                self.assertEqual(top.screen.modes, {1049: True, 25: False, 7: False})
                top.press(keys)
                self.assertEqual(self.wait_ended(top), 0)
                self.assertEqual(top.attributes, top.attributes_before)
                self.assertEqual(top.screen.modes, RESTORED)

    def test_a_signal_ends_it_and_gives_the_terminal_back(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(signal=number):
                top = self.top()
                self.wait_shown(top, "no connections")
                top.process.send_signal(number)
                self.assertEqual(self.wait_ended(top), -number)
                self.assertEqual(top.attributes, top.attributes_before)
                self.assertEqual(top.screen.modes, RESTORED)

    def test_a_terminal_that_goes_away_ends_it(self):
        top = self.top()
        self.wait_shown(top, "no connections")
        top.hang_up()
        wait_until(lambda: top.process.poll() is not None, "the program ends")
        self.assertEqual(top.process.returncode, -signal.SIGHUP)

    def test_a_server_that_goes_away_is_a_line_until_it_is_back(self):
        self.hold_a_fleet()
        top = self.top("--watch", "1")
        self.wait_shown(top, "1-5 of 5")
        self.redis.kill()
        self.wait_shown(top, f"unknown: Redis at {self.redis.socket_path[:20]}", "1-2 of 2")
        self.assertIsNone(self.row(top, "Redis"))
        self.assertEqual(self.row(top, "chat", "pg")[2], "4")
        self.redis.start()
        self.wait_shown(top, "Redis     0 of 10000", "1-2 of 2")
        self.assertFalse(top.shows("unknown:"))

    def test_keys_are_answered_while_a_server_is_not(self):
        top = self.top("--watch", "1", "--timeout", "300")
        self.wait_shown(top, "no connections")
        self.redis.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.redis.process.send_signal, signal.SIGCONT)
        # Begun after the server was stopped, so it is not answered.
        asked = "by service,instance,process,kind"
        top.press("g")
        self.wait_shown(top, asked)
        top.press("h")
        self.wait_shown(top, "q, Ctrl-C    quit")
        top.press("hq")
        began = time.monotonic()
        self.assertEqual(self.wait_ended(top), 0)
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(top.attributes, top.attributes_before)

    def test_it_ends_by_itself_after_count_looks(self):
        top = self.top("--watch", "1", "--count", "2")
        self.assertEqual(self.wait_ended(top), 0)
        self.assertEqual(top.screen.modes, RESTORED)
        self.redis.kill()
        top = self.top("--count", "1")
        self.assertEqual(self.wait_ended(top), 3)
        self.redis.start()

    def test_without_a_terminal_it_prints_one_table_after_the_other(self):
        self.hold_a_fleet()
        ran = run_tool("top", "--watch", "1", "--count", "2", **self.settings)
        self.assertEqual((ran.exit, ran.err), (0, ""))
        self.assertGreater(ran.seconds, 1)
        first, second = (self.stable(text) for text in ran.out.split("\n\n"))
        compare_with_golden(self, "top.txt", first + "\n")
        self.assertEqual(second, first + "\n")

    def test_a_filter_and_an_order_can_be_given(self):
        self.hold_a_fleet()
        ran = run_tool("top", "--count", "1", "--by", "process", "--sort", "postgres", "--filter",
                       "WEB-1", **self.settings)
        self.assertEqual((ran.exit, ran.err), (0, ""))
        # Both servers tell whole seconds: whose command was the last one may differ.
        compare_with_golden(self, "top_filter.txt",
                            without_accidents(self.stable(ran.out), (r"  (get|-)\n", "  LAST\n")))

    def test_json_is_one_document_a_look(self):
        self.hold_a_fleet()
        ran = run_tool("top", "--count", "1", "--json", **self.settings)
        self.assertEqual((ran.exit, ran.err), (0, ""))
        told = ran.json
        compare_with_golden(self, "top.keys", "\n".join(sorted(keys_of(told))) + "\n")
        self.assertEqual((told["schema"], told["version"]), ("headroom.top", 1))
        self.assertEqual(told["redis"]["in_use"], 7)
        self.assertEqual(told["postgres"]["in_use"], 5)
        self.assertEqual(told["holders"]["redis"]["connections"], 7)
        self.assertEqual(told["holders"]["postgres"]["connections"], 5)

    def test_a_server_that_is_away_is_told_and_the_other_shown(self):
        self.hold_a_fleet()
        self.redis.kill()
        ran = run_tool("top", "--count", "1", "--wide", **self.settings)
        self.assertEqual((ran.exit, ran.err), (3, ""))
        compare_with_golden(self, "top_away.txt", self.stable(ran.out))
        told = run_tool("top", "--count", "1", "--json", **self.settings).json
        self.assertIsNone(told["redis"])
        self.assertEqual(told["verdict"], "unknown")
        self.redis.start()

    def test_wrong_words_are_refused_with_what_there_is(self):
        for words, sentence in ((("--by", "colour"), "'colour' is nothing to group by"),
                                (("--sort", "size"), "--sort size: one of connections, redis"),
                                (("--watch", "0"), "--watch"), (("--count", "0"), "--count")):
            with self.subTest(words=words):
                ran = run_tool("top", *words, **self.settings)
                self.assertEqual((ran.exit, ran.out), (64, ""))
                self.assertIn(sentence, ran.err)

    def stable(self, text):
        return without_accidents(text, (r"at /\S+", "at SOCKET"),
                                 (r"tell: /\S+:", "tell: SOCKET:"),
                                 (r"\d\d:\d\d:\d\d", "HH:MM:SS"), (r"\b\d+s\b", "Ns"))


class WithoutServers(unittest.TestCase):
    def test_no_server_is_a_sentence_and_exit_code_3(self):
        ran = run_tool("top", cwd="/proc")
        self.assertEqual((ran.exit, ran.out), (3, ""))
        self.assertIn("no server is named", ran.err)


if __name__ == "__main__":
    unittest.main()
