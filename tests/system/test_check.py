# SPDX-License-Identifier: Apache-2.0
"""headroom check on a running chatd, in calm and in trouble."""

import json
import os
import signal
import unittest

from chatd import Chatd, Folder, PrivatePostgres, PrivateRedis, wait_until
from tool import (PostgresSession, compare_with_golden, keys_of, open_redis, run_tool,
                  without_accidents)


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(cls.folder.remove)
        cls.redis = PrivateRedis(cls.folder)
        cls.addClassCleanup(cls.redis.stop)
        cls.postgres = PrivatePostgres(cls.folder)
        cls.addClassCleanup(cls.postgres.stop)
        cls.chatd = Chatd(cls.folder, cls.folder.make("work"), REDIS_URL=cls.redis.url,
                          SERVICE_NAME="shop", INSTANCE_ID="host-1", **cls.postgres.settings)
        cls.addClassCleanup(cls.chatd.discard)
        cls.chatd.wait_ready()

    def check(self, *words):
        return run_tool("check", *words, "--admin", self.chatd.admin, "--redis", self.redis.url,
                        "--postgres", f"host={self.postgres.folder} user=owner dbname=postgres")

    def found(self, name, *words):
        ran = self.check("--json", *words)
        checks = {one["name"]: one for one in ran.json["checks"]}
        return ran.exit, checks[name]

    def settled(self):
        return wait_until(lambda: (ran := self.check()).exit == 0 and ran, "all is calm")

    def test_a_calm_service_passes(self):
        ran = self.settled()
        text = without_accidents(ran.out, (r"holding \d+ connections of Redis and \d+",
                                           "holding N connections of Redis and N"),
                                 (r"[\d]+ of (\d+) usable connections in use \(\d+ %\)",
                                  r"N of \1 usable connections in use (N %)"))
        compare_with_golden(self, "check.txt", text)
        self.assertLessEqual(max(map(len, ran.out.splitlines())), 80)
        told = self.check("--json")
        compare_with_golden(self, "check.keys", "\n".join(sorted(keys_of(told.json))) + "\n")

    def test_a_connection_that_nobody_owns_is_drift(self):
        self.settled()
        pid = self.chatd.monitoring()["workers"][0]["pid"]
        ghost = open_redis(self.redis.socket_path, f"CLIENT SETNAME shop:host-1:{pid}:async")
        self.addCleanup(ghost.close)
        code, drift = self.found("drift")
        self.assertEqual((code, drift["level"]), (1, "warning"))
        self.assertIn(f"shop:host-1:{pid}:async reports", drift["what"])

    def test_connections_of_a_dead_process_are_found(self):
        self.settled()
        ghost = PostgresSession(self.postgres.folder, "shop:host-1:1:pg")
        self.addCleanup(ghost.close)
        code, dead = self.found("dead processes")
        self.assertEqual((code, dead["level"]), (1, "warning"))
        self.assertIn("1 connection of processes", dead["what"])

    def test_executors_of_a_service_that_runs_no_code_are_found(self):
        self.settled()
        self.assertEqual(self.found("executors")[1]["what"], "none: this chatd runs no code")
        ghost = open_redis(self.redis.socket_path, "CLIENT SETNAME shop:run-1:77:executor")
        self.addCleanup(ghost.close)
        code, found = self.found("executors")
        self.assertEqual((code, found["level"]), (1, "warning"))
        self.assertEqual(found["what"], "1 connection of executors, the plan has 0")

    def test_strangers_are_counted_against_a_bound(self):
        self.settled()
        for name in ("psql", "exporter"):
            self.addCleanup(PostgresSession(self.postgres.folder, name).close)
        self.assertEqual(self.found("names")[0], 0)
        code, names = self.found("names", "--foreign-max", "1")
        self.assertEqual((code, names["level"]), (1, "warning"))

    def test_a_session_left_in_a_transaction_is_found(self):
        self.settled()
        session = PostgresSession(self.postgres.folder, "batch")
        self.addCleanup(session.close)
        session.run("BEGIN")
        code, found = wait_until(
            lambda: (told := self.found("transactions", "--idle-in-transaction", "0"))[0] and told,
            "a second has passed")
        self.assertEqual((code, found["level"]), (1, "warning"))
        self.assertIn("batch for", found["what"])
        self.assertEqual(self.found("transactions")[1]["level"], "ok")

    def test_a_limit_nearly_reached_is_critical(self):
        self.settled()
        code, limit = self.found("postgres limit", "--warn", "1", "--crit", "2")
        self.assertEqual((code, limit["level"]), (2, "critical"))

    def test_a_full_redis_still_tells_what_the_workers_hold(self):
        self.settled()
        held = len(self.redis.client_names())
        peer = open_redis(self.redis.socket_path, f"CONFIG SET maxclients {held + 1}")
        try:
            ran = self.check()
        finally:
            peer.sendall(b"CONFIG SET maxclients 10000\r\nCONFIG RESETSTAT\r\n")
            peer.recv(4096)
            peer.close()
        self.assertEqual(ran.exit, 2, ran.out)
        self.assertIn("max number of clients reached", ran.out)
        self.assertRegex(ran.out, r"holding \d+ connections of Redis")
        wait_until(lambda: "rejected_connections:0" in (self.redis.ask("INFO stats") or ""),
                   "the count of refusals is set back")

    def test_a_worker_that_hangs_is_found(self):
        self.settled()
        pid = self.chatd.monitoring()["workers"][0]["pid"]
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        code, workers = wait_until(
            lambda: (told := self.found("workers"))[1]["level"] != "ok" and told, "it is noticed")
        self.assertEqual((code, workers["level"]), (1, "warning"))
        self.assertIn(f"{pid} has been silent for", workers["what"])

    def test_no_admin_port_leaves_the_rest_to_be_checked(self):
        ran = run_tool("check", "--json", "--redis", self.redis.url)
        self.assertEqual(ran.exit, 0)
        names = [one["name"] for one in ran.json["checks"]]
        self.assertEqual(names, ["redis limit", "service", "names"])
        ran = run_tool("check", "--json", "--redis", self.redis.url, "--admin", "http://127.0.0.1:1")
        self.assertEqual((ran.exit, json.loads(ran.out)["verdict"]), (3, "unknown"))

    def test_a_user_without_client_list_is_told_that_nobody_was_counted(self):
        self.redis.ask("ACL SETUSER blind on nopass ~* +@all -client|list")
        ran = run_tool("check", "--json", "--redis", self.redis.url.replace("://", "://blind:any@"))
        checks = {one["name"]: one for one in ran.json["checks"]}
        self.assertEqual((ran.exit, checks["redis limit"]["level"]), (3, "ok"))
        self.assertIn("NOPERM", checks["redis clients"]["what"])
        self.assertNotIn("names", checks)

    def test_a_password_in_the_admin_url_is_not_shown(self):
        admin = self.chatd.admin.replace("://", "://me:open-sesame@")
        for words in (["check"], ["plan"], ["plan", "--json"], ["check", "--json"]):
            ran = run_tool(*words, "--admin", admin, "--redis", self.redis.url)
            self.assertNotIn("open-sesame", ran.out + ran.err, words)
        self.assertIn("chatd at http://***@127.0.0.1:", run_tool("plan", "--admin", admin).out)

    def test_nothing_to_check_is_unknown(self):
        ran = run_tool("check", cwd=self.folder.path)
        self.assertEqual((ran.exit, ran.out), (3, ""))


if __name__ == "__main__":
    unittest.main()
