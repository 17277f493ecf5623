# SPDX-License-Identifier: Apache-2.0
"""headroom limits against servers with known contents."""

import itertools
import os
import re
import signal
import subprocess
import time
import unittest

from chatd import Folder, PrivatePostgres, PrivateRedis, wait_until
from scripted_redis import ScriptedRedis, bulk
from tool import (PostgresSession, compare_with_golden, keys_of, open_redis, run_tool,
                  without_accidents)

PG_SLEEP = 2626  # pg_proc.oid


def stable(text, *, redis="", postgres=""):
    """What differs from run to run replaced by words of the same width, where columns matter."""
    return without_accidents(
        text, (re.escape(redis) if redis else "$^", "REDIS"),
        (re.escape(postgres) if postgres else "$^", "POSTGRES"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"), (r"version (\d+)(\.\d+)+", r"version \1"),
        (r"(received +)\d+ ( in )[0-9a-z ]+", r"\1N \2TIME"), (r"received +", "received "))


class Limits(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)

    def redis(self, *options):
        server = PrivateRedis(self.folder, options=options)
        self.addCleanup(server.stop)
        return server

    def postgres(self, *settings):
        options = [word for setting in settings for word in ("-c", setting)]
        server = PrivatePostgres(self.folder, options=options)
        self.addCleanup(server.stop)
        return server

    def hold(self, peer):
        self.addCleanup(peer.close)
        return peer

    def scripted(self, answers):
        server = ScriptedRedis(answers)
        self.addCleanup(server.stop)
        return server

    def test_both_servers_are_told_on_one_page(self):
        redis, postgres = self.redis(), self.postgres()
        for _ in range(3):
            self.hold(open_redis(redis.socket_path, "PING"))
        self.hold(open_redis(redis.socket_path, "SUBSCRIBE news"))
        ran = run_tool("limits", REDIS_URL=redis.url, **postgres.settings)
        self.assertEqual((ran.exit, ran.err), (0, ""))
        compare_with_golden(self, "limits.txt",
                            stable(ran.out, redis=redis.socket_path, postgres=postgres.folder))
        told = run_tool("limits", "--json", REDIS_URL=redis.url, **postgres.settings).json
        compare_with_golden(self, "limits.keys", "\n".join(sorted(keys_of(told))) + "\n")
        self.assertEqual(told["redis"]["connected_clients"], 4)
        self.assertEqual(told["redis"]["pubsub_clients"], 1)

    def test_300_sessions_in_all_states_are_counted_by_state(self):
        postgres = self.postgres("max_connections=310")
        held = {"idle": 100, "active": 40, "idle in transaction": 60,
                "idle in transaction (aborted)": 40, "fastpath function call": 10, "disabled": 50}
        self.assertEqual(sum(held.values()), 300)
        for state, count in held.items():
            for _ in range(count):
                session = self.hold(PostgresSession(postgres.folder, "worker"))
                if state == "active":
                    session.send("SELECT pg_sleep(600)")
                elif state == "idle in transaction":
                    session.run("BEGIN")
                elif state == "idle in transaction (aborted)":
                    session.run("BEGIN")
                    self.assertIsNotNone(session.run("SELECT 1/0"))
                elif state == "fastpath function call":
                    session.call_function(PG_SLEEP, b"\x40\x82\xc0\0\0\0\0\0")  # 600.0
                elif state == "disabled":
                    session.run("SET track_activities = off")

        def settled():
            ran = run_tool("limits", "--json", **postgres.settings)
            return ran if ran.json["postgres"]["sessions_by_state"] == held else None

        ran = wait_until(settled, "all sessions are in their states")
        self.assertEqual(ran.exit, 2)
        self.assertEqual(ran.json["postgres"]["sessions"], 300)
        ran = run_tool("limits", **postgres.settings)
        self.assertEqual(ran.exit, 2)
        compare_with_golden(self, "limits_300_sessions.txt",
                            stable(ran.out, postgres=postgres.folder))
        print(f"\n300 sessions: {ran.seconds:.2f} s, {ran.peak_kilobytes / 1024:.0f} MiB")

    def test_a_role_limit_below_max_connections_is_the_one_that_counts(self):
        postgres = self.postgres()
        postgres.rows("CREATE ROLE app LOGIN CONNECTION LIMIT 20")
        for _ in range(15):
            self.hold(PostgresSession(postgres.folder, "worker", user="app"))
        settings = postgres.settings | {"PGUSER": "app"}
        ran = run_tool("limits", **settings)
        self.assertEqual(ran.exit, 1, ran.out)  # 15 of 20
        compare_with_golden(self, "limits_role.txt", stable(ran.out, postgres=postgres.folder))
        told = run_tool("limits", "--json", **settings).json["postgres"]
        self.assertEqual((told["tightest"], told["usable"], told["free"]), ("role", 20, 5))

    def test_a_role_that_may_not_see_others_counts_them_all_the_same(self):
        postgres = self.postgres()
        postgres.rows("CREATE ROLE app LOGIN")
        for _ in range(4):
            self.hold(PostgresSession(postgres.folder, "worker"))
        ran = run_tool("limits", "--json", **postgres.settings | {"PGUSER": "app"})
        self.assertEqual(ran.exit, 0)
        self.assertEqual(ran.json["postgres"]["sessions"], 4)
        self.assertEqual(ran.json["postgres"]["sessions_by_state"], {"hidden": 4})
        self.assertIn("GRANT pg_read_all_stats TO app", ran.out)

    def test_config_renamed_away_costs_nothing_where_info_tells(self):
        redis = self.redis("--rename-command", "CONFIG", "")
        ran = run_tool("limits", "--json", "--redis", redis.url)
        self.assertEqual(ran.exit, 0, ran.out)
        self.assertEqual(ran.json["redis"]["maxclients_source"], "INFO clients")
        self.assertEqual(ran.json["redis"]["not_told"], [])

    INFO_OF_6 = ("# Server\r\nredis_version:6.2.14\r\nos:Linux 5.10 x86_64\r\nuptime_in_seconds:60\r\n"
                 "# Clients\r\nconnected_clients:41\r\nblocked_clients:2\r\n# Stats\r\n"
                 "total_connections_received:900\r\nrejected_connections:0\r\n"
                 "# Replication\r\nrole:master\r\nconnected_slaves:1\r\n")

    def test_config_is_asked_where_info_does_not_tell(self):
        redis = self.scripted({"INFO": bulk(self.INFO_OF_6), "CLIENT LIST": bulk(""),
                               "CONFIG GET MAXCLIENTS": b"*2\r\n$10\r\nmaxclients\r\n$2\r\n50\r\n"})
        ran = run_tool("limits", "--redis", redis.url)
        self.assertEqual(ran.exit, 1, ran.out)  # 40 clients and a replica of 50
        compare_with_golden(self, "limits_config.txt", stable(ran.out))

    def test_an_old_server_without_config_leaves_its_limit_unknown(self):
        for refusal in (b"-ERR unknown command `CONFIG`, with args beginning with: `GET`\r\n",
                        b"-NOPERM this user has no permissions to run the 'config|get' command\r\n"):
            redis = self.scripted({"INFO": bulk(self.INFO_OF_6), "CLIENT LIST": bulk(""),
                                   "CONFIG": refusal})
            ran = run_tool("limits", "--redis", redis.url)
            self.assertEqual(ran.exit, 3)
            self.assertIn("maxclients is not known", ran.out)
            self.assertIn("not told: CONFIG GET:", ran.out)

    def test_elasticache_is_recognised_and_its_documented_limit_named(self):
        info = self.INFO_OF_6.replace("os:Linux 5.10 x86_64", "os:Amazon ElastiCache")
        redis = self.scripted({"INFO": bulk(info), "CLIENT LIST": bulk("")})
        ran = run_tool("limits", "--redis", redis.url)
        self.assertEqual(ran.exit, 3)
        compare_with_golden(self, "limits_elasticache.txt", stable(ran.out))

    def test_a_user_without_info_and_client_list_is_told_what_to_allow(self):
        redis = self.redis()
        redis.ask("ACL SETUSER app on >pa@ss ~* +@all -info -client|list -config")
        url = redis.url.replace("unix://", "unix://app:pa%40ss@")
        ran = run_tool("limits", "--redis", url)
        self.assertEqual(ran.exit, 3)
        self.assertNotIn("pa@ss", ran.out + ran.err)
        self.assertNotIn("pa%40ss", ran.out + ran.err)
        compare_with_golden(self, "limits_acl.txt", stable(ran.out, redis=redis.socket_path))

    def test_a_full_redis_is_critical_and_says_so(self):
        redis = self.redis("--maxclients", "3")
        for _ in range(3):
            self.hold(open_redis(redis.socket_path, "PING"))
        ran = run_tool("limits", "--redis", redis.url, "--wide")
        self.assertEqual(ran.exit, 2)
        compare_with_golden(self, "limits_redis_full.txt", stable(ran.out, redis=redis.socket_path))
        told = run_tool("limits", "--redis", redis.url, "--json")
        self.assertEqual((told.exit, told.json["verdict"]), (2, "critical"))
        self.assertFalse(told.json["redis"]["answered"])

    def test_rejected_connections_are_a_warning_after_the_fact(self):
        redis = self.redis("--maxclients", "10")
        peers = [open_redis(redis.socket_path, "PING") for _ in range(10)]
        refused = open_redis(redis.socket_path)  # says nothing: it may be gone before
        self.assertIn(b"max number of clients", refused.recv(4096))
        for peer in [*peers, refused]:
            peer.close()
        wait_until(lambda: "connected_clients:1\r" in (redis.ask("INFO clients") or ""), "they left")
        ran = run_tool("limits", "--redis", redis.url)
        self.assertEqual(ran.exit, 1)
        self.assertRegex(ran.out, r"warning: Redis: \d+ connections? (was|were) rejected")

    def test_a_full_postgres_is_critical_and_a_superuser_still_gets_in(self):
        postgres = self.postgres("max_connections=8")
        postgres.rows("CREATE ROLE app LOGIN")
        for _ in range(5):
            self.hold(PostgresSession(postgres.folder, "worker", user="app"))
        refused = run_tool("limits", "--wide", **postgres.settings | {"PGUSER": "app"})
        self.assertEqual(refused.exit, 2)
        compare_with_golden(self, "limits_postgres_full.txt",
                            stable(refused.out, postgres=postgres.folder))
        as_owner = run_tool("limits", "--json", **postgres.settings)
        self.assertEqual(as_owner.exit, 2)
        told = as_owner.json["postgres"]
        self.assertEqual((told["usable"], told["in_use"], told["free"]), (5, 5, 0))

    def test_a_record_that_cannot_be_used_is_named(self):
        path = os.path.join(self.folder.make("work/.headroom"), "run.json")
        limits = lambda: run_tool("limits", cwd=self.folder.make("work"), timeout=10)
        os.mkfifo(path)  # would be waited for
        self.assertIn(".headroom/run.json, where a chatd says where its servers are, cannot be read: "
                      "no regular file", limits().err)
        os.remove(path)
        os.mkdir(path)
        self.assertIn("no regular file", limits().err)
        os.rmdir(path)
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"servers": ')
        self.assertIn(".headroom/run.json is there, but no chatd wrote it so", limits().err)
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"servers": {"redis": {"socket": ""}}}')
        self.assertIn("no server is named", limits().err)

    def test_numbers_that_make_no_sense_are_wrong_usage(self):
        for words in (["limits", "--timeout", "nan"], ["limits", "--timeout", "inf"],
                      ["limits", "--timeout", "5s"], ["limits", "--warn", "95"],
                      ["check", "--warn", "60", "--crit", "50"], ["check", "--foreign-max", "-1"],
                      ["check", "--idle-in-transaction", "-1"], ["holders", "--top", "-1"],
                      ["raise", "redis", "--aws-timeout", "nan"]):
            ran = run_tool(*words, "--redis", "redis://127.0.0.1:1")
            self.assertEqual((ran.exit, ran.out), (64, ""), words)
            self.assertRegex(ran.err, r"^headroom: --")

    def test_a_password_under_a_mistyped_option_is_not_repeated(self):
        url = "redis://:hunter2@127.0.0.1"
        for words, said in ((["limits", "--redsi", url], "this command has no option --redsi"),
                            (["limits", f"--redsi={url}"], "this command has no option --redsi"),
                            (["limits", "-a", "hunter2"], "this command has no option -a"),
                            (["limits", url], "1 word more than the command takes"),
                            (["limits", "--timeout", "password=hunter2"], "--timeout: "),
                            (["limits", "--color", url], "--color: "),
                            ([url], "*** is no command"),
                            (["holder"], "holder is no command")):
            ran = run_tool(*words)
            self.assertEqual((ran.exit, ran.out), (64, ""), words)
            self.assertIn(said, ran.err)
            self.assertNotIn("hunter2", ran.err)
        ran = run_tool("check", "--admin", "hunter2")
        self.assertEqual((ran.exit, "hunter2" in ran.err), (3, False))

    def test_no_server_is_a_sentence_and_unknown(self):
        ran = run_tool("limits", cwd=self.folder.path)
        self.assertEqual((ran.exit, ran.out), (3, ""))
        self.assertIn("no server is named", ran.err)
        self.assertEqual(len(ran.err.splitlines()), 1)

    def test_with_json_a_refusal_is_a_document_too(self):
        for words in (["limits"], ["holders"], ["check"], ["top", "--count", "1"],
                      ["raise", "redis"], ["raise", "postgres"]):
            for ran in (run_tool(*words, "--json", cwd=self.folder.path),
                        run_tool(*words, "--json", REDIS_URL="redis://:secret@host/x")):
                self.assertEqual((ran.exit, ran.json["verdict"]), (3, "unknown"), words)
                self.assertEqual(ran.json["schema"], f"headroom.{words[0]}")
                self.assertEqual(ran.err, f"headroom: {ran.json['why']}\n")
                self.assertNotIn("secret", ran.out + ran.err)
        ran = run_tool("plan", "--json", "--redis", "no-url")
        self.assertEqual((ran.exit, ran.json["schema"]), (3, "headroom.plan"))

    def test_an_answer_that_cannot_be_written_is_no_success(self):
        server = self.scripted({"INFO": bulk("maxclients:9\r\nconnected_clients:2\r\n"),
                                "CLIENT LIST": bulk("")})
        for words in (["limits"], ["limits", "--json"], ["check"], ["holders"], ["top", "--count", "1"],
                      ["limits", "--watch", "1"]):
            for where, why in ((">/dev/full", "No space left"), (">&-", "Bad file descriptor")):
                ran = subprocess.run(["sh", "-c", f'exec "$@" {where}', "sh", os.environ["TOOL"], *words,
                                      "--redis", server.url], stderr=subprocess.PIPE,
                                     text=True, timeout=30, check=False)
                self.assertEqual(ran.returncode, 3, (words, where))
                self.assertIn(f"headroom: standard output: {why}", ran.stderr)

    def test_nothing_that_a_server_says_commands_the_terminal(self):
        said = "7.0\x1b]0;title\x07\x1b[2J\x1b[31m\x9b2J".encode("latin-1") + b"\xc2\x9b2J"
        evil = self.scripted({"INFO": bulk(b"redis_version:" + said + b"\r\nrole:" + said +
                                           b"\r\nmaxclients:9\r\nconnected_clients:2\r\n"),
                              "CLIENT LIST": bulk(b"")})
        for words in (["limits"], ["limits", "--json"], ["raise", "redis", "--to", "20"]):
            ran = run_tool(*words, "--redis", evil.url)  # decodes it, so it is UTF-8
            self.assertNotRegex(ran.out + ran.err, r"[^\n -~…]")
        self.assertEqual(run_tool("limits", "--json", "--redis", evil.url).json["redis"]["maxclients"], 9)

    def test_servers_that_are_not_there_are_named_and_unknown(self):
        ran = run_tool("limits", "--redis", f"unix://{self.folder.path}/none.sock", "--postgres",
                       f"host={self.folder.path} dbname=postgres user=nobody", "--wide")
        self.assertEqual(ran.exit, 3)
        compare_with_golden(self, "limits_away.txt", stable(ran.out, redis=self.folder.path))
        told = run_tool("limits", "--redis", f"unix://{self.folder.path}/none.sock", "--json")
        self.assertEqual((told.exit, told.json["verdict"]), (3, "unknown"))
        self.assertIsNone(told.json["postgres"])

    def test_a_server_that_never_answers_costs_no_more_than_the_timeout(self):
        silent = self.scripted({"HELLO": None})
        ran = run_tool("limits", "--redis", silent.url, "--timeout", "0.5")
        self.assertEqual(ran.exit, 3)
        self.assertIn("deadline", ran.out)
        self.assertLess(ran.seconds, 3)

    def test_a_server_that_never_stops_talking_costs_no_more_than_the_timeout(self):
        # Messages that nobody asked for, which are no reply.
        talkative = self.scripted({"INFO": itertools.repeat(b">1\r\n+x\r\n" * 1_000_000)})
        ran = run_tool("limits", "--redis", talkative.url, "--timeout", "0.5")
        self.assertEqual(ran.exit, 3)
        self.assertIn("deadline", ran.out)
        self.assertLess(ran.seconds, 3)

    def test_a_name_that_is_never_resolved_costs_no_more_than_the_timeout(self):
        # ASan wants to be the first library, and would call a leak what is left to the end of the
        # process because it cannot be taken back: the look-up.
        silent = {"LD_PRELOAD": os.environ["SILENT_RESOLVER"],
                  "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
        for words in (["limits", "--redis", "redis://nowhere.example"],
                      ["limits", "--postgres", "host=nowhere.example"],
                      ["check", "--admin", "http://nowhere.example:8011"]):
            began = time.monotonic()
            ran = subprocess.run([os.environ["TOOL"], *words, "--timeout", "0.5"],
                                 env={"PATH": "/usr/bin:/bin"} | silent, timeout=60, check=False,
                                 stdin=subprocess.DEVNULL, capture_output=True)
            self.assertEqual(ran.returncode, 3, ran)
            self.assertLess(time.monotonic() - began, 3, words)

    def test_a_password_is_shown_nowhere(self):
        redis = self.redis()
        redis.ask("CONFIG SET requirepass s3cret")
        for url in ("redis://user:s3cret@127.0.0.1:1", "redis://:s3cret@@:x", "s3cret"):
            ran = run_tool("limits", "--redis", url)
            self.assertEqual(ran.exit, 3)
            self.assertNotIn("s3cret", ran.out + ran.err, url)
        ran = run_tool("limits", "--postgres", "postgresql://app:s3cret@127.0.0.1:1/db")
        self.assertEqual(ran.exit, 3)
        self.assertNotIn("s3cret", ran.out + ran.err)
        ran = run_tool("limits", "--postgres", "password=s3cret what is this")
        self.assertEqual(ran.exit, 3)
        self.assertNotIn("s3cret", ran.out + ran.err)
        ran = run_tool("limits", REDIS_URL=redis.url.replace("unix://", "unix://:s3cret@"))
        self.assertEqual(ran.exit, 0, ran.out)
        wrong = run_tool("limits", REDIS_URL=redis.url.replace("unix://", "unix://:wr0ng@"))
        self.assertEqual(wrong.exit, 3)
        self.assertIn("WRONGPASS", wrong.out)
        self.assertNotIn("wr0ng", wrong.out + wrong.err)

    def test_a_fault_in_another_variable_is_no_reason_not_to_look(self):
        redis = self.redis()
        ran = run_tool("limits", REDIS_URL=redis.url, REDIS_MAX_CONNECTIONS="ten")
        self.assertEqual(ran.exit, 0, ran.err)
        ran = run_tool("limits", REDIS_URL="http://what")
        self.assertEqual(ran.exit, 3)
        self.assertIn("REDIS_URL", ran.err)

    def test_watching_tells_the_rate_of_new_connections(self):
        redis = self.redis()
        environment = {"PATH": os.environ["PATH"], "REDIS_URL": redis.url}
        process = subprocess.Popen([os.environ["TOOL"], "limits", "--watch", "1"], env=environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        for line in process.stdout:
            rate = re.search(r"received +\d+ +([\d.]+) a second now", line)
            for _ in range(20):
                open_redis(redis.socket_path, "PING").close()
            if rate:
                self.assertGreater(float(rate[1]), 1)
                return
        self.fail("no rate was told")

    def test_wrong_usage_is_told_apart_from_unknown(self):
        for words in (["limits", "--nonsense"], ["nonsense"], [], ["limits", "--timeout", "never"],
                      ["limits", "--warn", "0"], ["limits", "--watch", "-1"]):
            ran = run_tool(*words)
            self.assertEqual((ran.exit, ran.out), (64, ""), words)
            self.assertNotEqual(ran.err, "")


if __name__ == "__main__":
    unittest.main()
