# SPDX-License-Identifier: Apache-2.0
"""headroom holders against servers whose clients are known."""

import os
import re
import unittest

from chatd import Folder, PrivatePostgres, PrivateRedis, wait_until
from scripted_redis import ScriptedRedis, bulk
from tool import PostgresSession, compare_with_golden, keys_of, open_redis, run_tool

MANY = 50_000


def without_times(text):
    """AGE, IDLE and IN TX are a second or two."""
    return re.sub(r"(?<= )[ \d]\ds", " Ns", text)


class Holders(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)

    def servers(self):
        self.redis = PrivateRedis(self.folder)
        self.addCleanup(self.redis.stop)
        self.postgres = PrivatePostgres(self.folder)
        self.addCleanup(self.postgres.stop)

    def hold_redis(self, name, *commands):
        first = [f"CLIENT SETNAME {name}"] if name else ["PING"]
        self.addCleanup(open_redis(self.redis.socket_path, *first, *commands).close)

    def hold_postgres(self, name, *statements):
        session = PostgresSession(self.postgres.folder, name)
        self.addCleanup(session.close)
        for statement in statements:
            session.run(statement)

    def hold_known(self):
        self.servers()
        for worker in (41, 42):
            for _ in range(2):
                self.hold_redis(f"chat:host-1:{worker}:async", "GET x")
            self.hold_redis(f"chat:host-1:{worker}:async_decode", "SET y 1")
            self.hold_postgres(f"chat:host-1:{worker}:pg", "SELECT 1")
        # Alone in its group: of several the LAST one depends on which second it is.
        self.hold_redis("chat:host-1:43:async", "SUBSCRIBE news")
        self.hold_postgres("chat:host-1:42:pg", "BEGIN", "SELECT 'secret'")
        self.hold_redis("")
        self.hold_redis("cron-job", "PING")
        self.hold_postgres("psql")

    def holders(self, *words):
        return run_tool("holders", *words, REDIS_URL=self.redis.url, **self.postgres.settings)

    def test_known_holders_are_shown_on_one_page(self):
        self.hold_known()
        ran = self.holders()
        self.assertEqual((ran.exit, ran.err), (0, ""))
        compare_with_golden(self, "holders.txt", without_times(ran.out))
        self.assertLessEqual(max(map(len, ran.out.splitlines())), 80)
        self.assertNotIn("secret", self.holders("--wide").out)

    def test_the_document_has_the_same_and_its_own_schema(self):
        self.hold_known()
        told = self.holders("--json", "--by", "service").json
        compare_with_golden(self, "holders.keys", "\n".join(sorted(keys_of(told))) + "\n")
        counts = {row["service"]: (row["redis"], row["postgres"]) for row in told["groups"]}
        self.assertEqual(counts, {"chat": (7, 3), None: (1, 0), "cron-job": (1, 0), "psql": (0, 1)})
        self.assertEqual(told["redis"], {"answered": True, "connections": 9, "ours": 7,
                                         "foreign": 1, "unnamed": 1})

    def test_holders_are_grouped_by_any_of_the_fields(self):
        self.hold_known()

        def grouped(by):
            return {tuple(row[field] for field in by.split(",")): row["redis"] + row["postgres"]
                    for row in self.holders("--json", "--by", by).json["groups"]
                    if row["origin"] in ("ours", "mixed")}

        self.assertEqual(grouped("process"), {("41",): 4, ("42",): 5, ("43",): 1})
        self.assertEqual(grouped("instance,kind"),
                         {("host-1", "async"): 5, ("host-1", "async_decode"): 2, ("host-1", "pg"): 3})
        self.assertEqual(grouped("address"), {("local",): 13})
        self.assertEqual(grouped("user"), {("default",): 9, ("owner",): 4})
        self.assertEqual(grouped("state"), {("normal",): 8, ("pubsub",): 1, ("idle",): 3,
                                            ("idle in transaction",): 1})

    def test_a_session_idle_in_a_transaction_tells_how_long(self):
        self.servers()
        self.hold_postgres("chat:host-1:42:pg", "BEGIN")

        def idle():
            row = self.holders("--json").json["groups"][0]
            return (row["idle_in_transaction_seconds_max"] or 0) >= 1 and row

        self.assertEqual(wait_until(idle, "a second has passed")["last_command"], "BEGIN")

    def test_at_most_so_many_groups_are_shown_and_the_rest_is_counted(self):
        self.hold_known()
        ran = self.holders("--top", "1", "--by", "service")
        self.assertIn("... and 3 groups with 3 connections (--top 0 shows all)", ran.out)
        told = self.holders("--top", "1", "--by", "service", "--json").json
        self.assertEqual((told["groups_left_out"], told["connections_left_out"]), (3, 3))

    def test_executors_are_one_line_by_kind_and_each_its_own_by_instance(self):
        self.servers()
        self.hold_redis("chat:host-1:41:async")
        for run in range(21):
            self.hold_redis(f"chat:run{run:02}-5d2e7f90c1ab4e11:{900 + run}:executor")
        rows = self.holders("--by", "service,kind", "--json").json["groups"]
        self.assertEqual([(row["kind"], row["redis"]) for row in rows],
                         [("executor", 21), ("async", 1)])
        rows = self.holders("--by", "kind,instance", "--top", "0", "--json").json["groups"]
        self.assertEqual({row["redis"] for row in rows if row["kind"] == "executor"}, {1})
        self.assertEqual(len(rows), 22)
        shown = self.holders()
        self.assertEqual(shown.exit, 0)
        self.assertLessEqual(max(map(len, shown.out.splitlines())), 80)
        self.assertIn("run00-5d2e7f90c1ab4e11", self.holders("--wide").out, "its id is whole")
        self.assertIn("... and 2 groups with 2 connections (--top 0 shows all)\n"
                      "Each executor has a line here; --by service,kind makes one of them.\n",
                      shown.out)
        self.assertNotIn("Each executor", self.holders("--by", "service,kind", "--top", "1").out)

    def test_servers_without_clients_are_an_empty_page_not_a_fault(self):
        self.servers()
        ran = self.holders()
        self.assertEqual((ran.exit, ran.out), (0, "In all: Redis 0, Postgres 0.\n"))

    def test_one_server_away_does_not_hide_the_other(self):
        self.hold_known()
        ran = run_tool("holders", "--redis", self.redis.url, "--postgres",
                       "host=127.0.0.1 port=1 dbname=x user=y")
        self.assertEqual(ran.exit, 3)
        self.assertIn("chat", ran.out)
        self.assertIn("unknown: Postgres at 127.0.0.1:1", ran.out)
        self.assertNotIn(" PG ", ran.out)

    def test_a_server_that_hangs_takes_no_time_from_the_other(self):
        self.servers()
        silent = ScriptedRedis({"HELLO": None})
        self.addCleanup(silent.stop)
        for words in (["holders"], ["plan", "--redis-max", "5"], ["limits"]):
            ran = run_tool(*words, "--timeout", "0.5", "--json", REDIS_URL=silent.url,
                           **self.postgres.settings)
            self.assertIn("its deadline has passed", ran.out, words)
            postgres = ran.json["postgres"]
            self.assertTrue(postgres.get("answered", postgres.get("others_counted")), words)

    def test_a_user_without_client_list_is_told_so(self):
        self.servers()
        self.redis.ask("ACL SETUSER app on nopass ~* +@all -client|list")
        url = self.redis.url.replace("unix://", "unix://app:any@")
        ran = run_tool("holders", "--redis", url)
        self.assertEqual(ran.exit, 3)
        self.assertIn("NOPERM", ran.out)

    def test_half_a_list_and_a_list_of_nonsense_are_none(self):
        line = "id=7 addr=10.0.0.5:4 name=chat:a:1:async age=1 idle=1 flags=N cmd=get user=app\n"
        broken = b"$100000\r\n" + line.encode() * 10  # and no more
        for answer, why in ((broken, "deadline"), (bulk("<html>\n</html>\n"), "no clients")):
            redis = ScriptedRedis({"CLIENT LIST": answer})
            self.addCleanup(redis.stop)
            ran = run_tool("holders", "--redis", redis.url, "--timeout", "0.5", "--json")
            self.assertEqual(ran.exit, 3)
            self.assertEqual((ran.json["groups"], ran.json["redis"]), ([], {"answered": False}))
            self.assertIn(why, ran.out)

    def test_the_fields_to_group_by_are_checked(self):
        for by in ("", "pid", "service,service", "service,,kind"):
            ran = run_tool("holders", "--by", by)
            self.assertEqual((ran.exit, ran.out), (64, ""), by)

    def test_50000_clients_are_counted_within_2_seconds_and_bounded_memory(self):
        lines = []
        for number in range(MANY):
            name = f"chat:host-{number % 40}:{number % 400}:async" if number % 10 else ""
            lines.append(
                f"id={number + 2} addr=10.0.{number // 250}.{number % 250}:{20000 + number % 40000} "
                f"laddr=10.1.0.1:6379 fd={number} name={name} age={number} idle={number % 900} "
                "flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 "
                "multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 tot-mem=1928 events=r cmd=get "
                "user=default redir=-1 resp=3\n")
        text = "".join(lines)
        redis = ScriptedRedis({"CLIENT LIST": bulk(text)})
        self.addCleanup(redis.stop)
        for by, groups in (("service,kind", 2), ("service,instance,process,kind", 361),
                           ("address,user", 10_000)):
            ran = run_tool("holders", "--redis", redis.url, "--json", "--top", "0", "--by", by)
            self.assertEqual(ran.exit, 0, ran.out[:1000])
            told = ran.json
            self.assertEqual(told["redis"]["connections"], MANY)
            self.assertEqual(len(told["groups"]), groups)
            self.assertEqual(sum(row["redis"] for row in told["groups"])
                             + told["connections_left_out"], MANY)
            print(f"\n{MANY} clients, {len(text) / 2**20:.1f} MiB, by {by}: {ran.seconds:.2f} s, "
                  f"{ran.peak_kilobytes / 1024:.0f} MiB")
            if not os.environ.get("SANITIZED"):  # whose price is not ours
                self.assertLess(ran.seconds, 2)
                self.assertLess(ran.peak_kilobytes, 48 * 1024)


if __name__ == "__main__":
    unittest.main()
