# SPDX-License-Identifier: Apache-2.0
"""headroom raise: what it prints, and what it does with the real aws program at a stub of Amazon."""

import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import tempfile
import unittest

from chatd import Folder, PrivatePostgres, PrivateRedis, wait_until
from scripted_redis import ScriptedRedis, bulk
from stub_aws import StubAws
from tool import compare_with_golden, keys_of, run_tool, without_accidents

SECRET = "wJalrXUtnFEMI/K7MDENG"
# Nothing of whoever runs the tests: no credentials, no configuration, no other aws than the system's.
AMAZON = {"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET,
          "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
          "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}


def stable(text, *replacements):
    """Without ports and paths. With a path commands are on one line: where they break depends on its
    length."""
    text = without_accidents(text, (r"http://127\.0\.0\.1:\d+", "http://ENDPOINT"),
                             (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
                             (r"version (\d+)(\.\d+)+", r"version \1"),
                             (r"postgresql@\d+-main", "postgresql@VERSION-main"))
    for path, word in replacements:
        text = re.sub(r" \\\n +", " ", text).replace(path, word)
    return text


class Printed(unittest.TestCase):
    """Nothing is changed, and no aws is needed."""

    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)

    def run_raise(self, *words, expect, **environment):
        ran = run_tool("raise", *words, **environment)
        self.assertEqual((ran.exit, ran.err), (expect, ""), ran.out)
        for line in ran.out.splitlines():
            if self.folder.path not in line:
                self.assertLessEqual(len(line), 80, line)
        return ran.out

    def test_rds_steps_are_those_of_the_parameter_group_with_the_class_that_has_the_memory(self):
        out = self.run_raise("postgres", "--rds", "chat-db", "--rds-class", "db.t4g.small",
                             "--to", "300", "--region", "eu-west-1", expect=1)
        compare_with_golden(self, "raise_rds.txt", out)

    def test_a_replication_group_and_a_cluster_have_their_own_commands(self):
        group = self.run_raise("redis", "--replication-group", "chat", "--node-type",
                               "cache.m7g.large", "--to", "40000", expect=1)
        cluster = self.run_raise("redis", "--cache-cluster", "chat", "--node-type",
                                 "cache.m7g.large", expect=1)
        compare_with_golden(self, "raise_elasticache.txt", group + "-" * 80 + "\n" + cluster)

    def test_scaling_gives_no_more_than_65000(self):
        info = "redis_version:7.1.0\r\nos:Amazon ElastiCache\r\nmaxclients:65000\r\nconnected_clients:9\r\n"
        redis = ScriptedRedis({"INFO": bulk(info), "CLIENT LIST": bulk("")})
        self.addCleanup(redis.stop)
        there = self.run_raise("redis", "--redis", redis.url, "--replication-group", "chat",
                               "--node-type", "cache.m7g.large", expect=2)
        above = self.run_raise("redis", "--replication-group", "chat", "--node-type",
                               "cache.m7g.large", "--to", "65001", expect=2)
        compare_with_golden(self, "raise_ceiling.txt", stable(there + "-" * 80 + "\n" + above))

    def test_elasticache_below_the_ceiling_can_be_scaled(self):
        info = "redis_version:7.1.0\r\nos:Amazon ElastiCache\r\nmaxclients:20000\r\n"
        redis = ScriptedRedis({"INFO": bulk(info), "CLIENT LIST": bulk("")})
        self.addCleanup(redis.stop)
        out = self.run_raise("redis", "--redis", redis.url, "--to", "30000", expect=0)
        self.assertIn("--replication-group-id ID", out)
        self.assertIn("--cache-node-type NODE_TYPE", out)

    def test_a_postgres_of_ones_own_needs_a_restart_and_a_role_limit_is_lifted_too(self):
        postgres = PrivatePostgres(self.folder)
        self.addCleanup(postgres.stop)
        postgres.rows("CREATE ROLE app LOGIN CONNECTION LIMIT 40")
        at = postgres.settings | {"PGUSER": "app"}
        out = self.run_raise("postgres", "--to", "300", expect=0, **at)
        compare_with_golden(self, "raise_postgres.txt", stable(out, (postgres.folder, "POSTGRES")))
        role_only = self.run_raise("postgres", "--to", "80", expect=0, **at)
        self.assertIn("ALTER ROLE app CONNECTION LIMIT 80", role_only)
        self.assertNotIn("ALTER SYSTEM", role_only)
        # The statements that were printed are right.
        for statement in re.findall(r"'(ALTER [^']*)'", out):
            self.assertIsNotNone(postgres.rows(statement), statement)
        postgres.stop()
        postgres.start()
        self.assertEqual(postgres.rows("SHOW max_connections"), ["300"])
        self.assertIn("Nothing to raise: max_connections is 300 already",
                      self.run_raise("postgres", "--to", "300", expect=0, **at))

    def test_a_value_of_the_command_line_is_not_raised_by_alter_system(self):
        postgres = PrivatePostgres(self.folder, options=["-c", "max_connections=20"])
        self.addCleanup(postgres.stop)
        out = self.run_raise("postgres", "--to", "300", expect=0, **postgres.settings)
        self.assertIn("from: command line", out)
        self.assertNotIn("-c 'ALTER SYSTEM", out)
        self.assertIn("Set max_connections to 300 where the server is started", out)

    def test_a_redis_of_ones_own_needs_32_files_more_than_clients(self):
        redis = PrivateRedis(self.folder)
        self.addCleanup(redis.stop)
        out = self.run_raise("redis", "--to", "12000", expect=0, REDIS_URL=redis.url)
        compare_with_golden(self, "raise_redis.txt", stable(out, (redis.socket_path, "REDIS")))
        self.assertEqual(redis.ask(re.search(r"CONFIG SET .*", out).group()), "+OK")
        self.assertIn("Nothing to raise: maxclients is 12000 already",
                      self.run_raise("redis", "--to", "12000", expect=0, REDIS_URL=redis.url))

    def test_without_a_number_it_says_what_there_is(self):
        redis, postgres = PrivateRedis(self.folder), PrivatePostgres(self.folder)
        self.addCleanup(redis.stop)
        self.addCleanup(postgres.stop)
        out = (self.run_raise("postgres", expect=0, **postgres.settings) + "-" * 80 + "\n" +
               self.run_raise("redis", expect=0, REDIS_URL=redis.url))
        compare_with_golden(self, "raise_what_there_is.txt",
                            stable(out, (redis.socket_path, "REDIS"), (postgres.folder, "POSTGRES")))

    def test_servers_of_chatd_are_raised_by_its_settings(self):
        home = pathlib.Path(self.folder.make("home"))
        (home / ".headroom").mkdir()
        redis, postgres = PrivateRedis(self.folder), PrivatePostgres(self.folder)
        self.addCleanup(redis.stop)
        self.addCleanup(postgres.stop)
        (home / ".headroom" / "run.json").write_text(json.dumps({
            "supervisor": {"pid": 1, "start_time": 1}, "servers": {
                "redis": {"socket": redis.socket_path},
                "postgres": {"socket": postgres.folder, "database": "postgres", "user": "owner"}}}))
        for server, variable, number in (("postgres", "PGPOOL_MAX_SIZE", "200"),
                                         ("redis", "REDIS_MAX_CONNECTIONS", "20000")):
            ran = run_tool("raise", server, "--to", number, "--json", cwd=home)
            self.assertEqual(ran.exit, 0, ran.err)
            self.assertEqual(ran.json["target"]["kind"], "chatd")
            self.assertEqual([step["command"] for step in ran.json["steps"]], [[]])
            self.assertIn(variable, ran.json["steps"][0]["note"])
        # What is named at Amazon is another one.
        ran = run_tool("raise", "postgres", "--rds", "chat-db", "--to", "50", cwd=home)
        self.assertIn("no Postgres is named", ran.out)

    def test_a_server_that_cannot_be_the_one_at_amazon_is_left_out(self):
        redis, postgres = PrivateRedis(self.folder), PrivatePostgres(self.folder)
        self.addCleanup(redis.stop)
        self.addCleanup(postgres.stop)
        out = self.run_raise("postgres", "--rds", "chat-db", "--to", "50", expect=1, **postgres.settings)
        self.assertIn("is no RDS, so it is not chat-db", out.replace("\n  ", " "))
        self.assertIn("aws rds modify-db-parameter-group", out)
        out = self.run_raise("redis", "--cache-cluster", "chat", "--to", "50", expect=1, REDIS_URL=redis.url)
        self.assertIn("is no ElastiCache, so it is not chat", out.replace("\n  ", " "))

    def test_a_server_that_is_away_costs_the_steps_nothing(self):
        ran = run_tool("raise", "postgres", "--to", "300", PGHOST=self.folder.make("nothing"),
                       PGDATABASE="chat", PGUSER="app")
        self.assertEqual(ran.exit, 3)
        self.assertIn("ALTER SYSTEM SET max_connections = 300", ran.out)
        self.assertIn("unknown: Postgres at ", ran.out)

    def test_no_server_and_no_name_is_a_sentence(self):
        for server, option in (("postgres", "--rds ID"), ("redis", "--replication-group ID")):
            ran = run_tool("raise", server, "--to", "300")
            self.assertEqual((ran.exit, ran.out), (3, ""))
            self.assertIn("no server is named", ran.err)
            self.assertIn(option, ran.err)

    def test_wrong_usage_is_said_before_anything_is_asked(self):
        for words, sentence in (
                (["postgres", "--to", "0"], "--to"),
                (["postgres", "--to", "262144"], "--to"),
                (["postgres", "--rds=--force", "--to", "9"], "--rds --force: a letter"),
                (["redis", "--replication-group", "chat", "--node-type", "a;b"], "--node-type a;b"),
                (["redis", "--replication-group", "a", "--cache-cluster", "b"], "--cache-cluster"),
                (["postgres", "--rds", "chat-db", "--to", "9", "--reboot"], "belong to --apply"),
                (["postgres", "--apply", "--yes", "--to", "9"], "--apply needs --rds ID and --to N"),
                (["redis", "--apply", "--yes", "--to", "9"], "--apply needs --replication-group ID"),
                (["postgres", "--rds", "chat-db", "--endpoint-url", "http://me:secret@host"],
                 "--endpoint-url: http://host:port"),
                ([], "subcommand")):
            ran = run_tool("raise", *words)
            self.assertEqual((ran.exit, ran.out), (64, ""), words)
            self.assertIn(sentence, ran.err)
            self.assertNotIn("secret", ran.err)


class Applied(unittest.TestCase):
    def setUp(self):
        self.amazon = StubAws()
        self.addCleanup(self.amazon.stop)
        # Two on the group come on the second page.
        self.amazon.add_instance("chat-db", "chat-pg")
        self.amazon.add_instance("audit-db", "audit-pg")
        self.amazon.add_instance("zoo-db", "chat-pg")
        self.amazon.add_instance("chat-replica", "chat-pg")
        self.amazon.values["chat-pg"] = "100"

    def run_raise(self, *words, expect, **environment):
        ran = run_tool("raise", *words, "--region", "eu-west-1", "--endpoint-url", self.amazon.url,
                       **AMAZON | environment)
        self.assertEqual(ran.exit, expect, ran.out + ran.err)
        self.assertNotIn(SECRET, ran.out + ran.err)
        return ran

    def apply_rds(self, *words, expect):
        return self.run_raise("postgres", "--rds", "chat-db", "--to", "300", "--apply", "--yes", *words,
                              expect=expect)

    def apply_cache(self, *words, expect):
        return self.run_raise("redis", "--node-type", "cache.m7g.xlarge", "--apply", "--yes", *words,
                              expect=expect)

    def assert_nothing_changed(self):
        changes = [action for action in self.amazon.actions
                   if not action.startswith(("Describe", "Get"))]
        self.assertEqual(changes, [])

    def test_the_parameter_is_set_the_instance_rebooted_and_both_verified(self):
        ran = self.apply_rds("--reboot", expect=0)
        self.assertEqual(ran.err, "")
        compare_with_golden(self, "raise_apply.txt", stable(ran.out))
        self.assertEqual(self.amazon.actions, [
            "GetCallerIdentity", "DescribeDBInstances", "DescribeDBInstances",
            "DescribeDBParameters", "ModifyDBParameterGroup", "DescribeDBParameters",
            "RebootDBInstance", "DescribeDBInstances", "DescribeDBInstances"])
        self.assertEqual(self.amazon.values, {"chat-pg": "300", "audit-pg": self.amazon.values["audit-pg"]})

    def test_without_reboot_the_change_waits_and_the_next_run_begins_with_the_reboot(self):
        pending = self.apply_rds(expect=1)
        self.assertIn("warning: The new value waits for the instance's reboot", pending.out)
        self.assertNotIn("RebootDBInstance", self.amazon.actions)
        self.amazon.requests.clear()
        told = self.apply_rds("--reboot", "--json", expect=0)
        self.assertEqual([(one["command"][2], one["done"]) for one in told.json["applied"]],
                         [("reboot-db-instance", True)])
        self.assertNotIn("ModifyDBParameterGroup", self.amazon.actions)
        self.assertIn("$ aws rds reboot-db-instance", told.err)
        self.amazon.requests.clear()
        self.assertIn("ok: Nothing to do: chat-pg sets max_connections to 300",
                      self.apply_rds("--reboot", expect=0).out)
        self.assert_nothing_changed()

    def test_a_refusal_half_way_stops_and_says_what_was_done(self):
        self.amazon.refusals["RebootDBInstance"] = (
            "InvalidDBInstanceState", "Instance chat-db is being backed up.")
        ran = self.apply_rds("--reboot", expect=2)
        compare_with_golden(self, "raise_refused.txt", stable(ran.out))
        self.assertEqual(self.amazon.actions[-1], "RebootDBInstance")

    def test_a_refusal_of_the_first_step_leaves_the_rest_undone_and_masks_credentials(self):
        self.amazon.refusals["ModifyDBParameterGroup"] = (
            "AccessDenied", f"AKIDEXAMPLE, signing with {SECRET}, may not.")
        told = self.apply_rds("--reboot", "--json", expect=2).json
        self.assertEqual([one["done"] for one in told["applied"]], [False])
        self.assertIn("(AccessDenied)", told["applied"][0]["failure"])
        self.assertIn("***, signing with ***, may not.", told["applied"][0]["failure"])
        self.assertIn("Done: nothing. Not done: Set max_connections", told["findings"][-1]["advice"])
        self.assertEqual(self.amazon.actions[-1], "ModifyDBParameterGroup")
        compare_with_golden(self, "raise.keys", "\n".join(sorted(keys_of(told))) + "\n")

    def test_a_default_group_is_refused_with_the_steps_to_one_of_its_own(self):
        self.amazon.add_instance("chat-db", "default.postgres15")
        ran = self.apply_rds("--reboot", expect=2)
        compare_with_golden(self, "raise_default_group.txt", stable(ran.out))
        self.assert_nothing_changed()

    def test_what_cannot_be_right_is_refused(self):
        def refused(sentence, **instance):
            self.amazon.add_instance("chat-db", "chat-pg", **instance)
            told = self.apply_rds("--json", expect=2).json
            self.assertIn(sentence, told["findings"][-1]["what"])
            self.assert_nothing_changed()

        refused("is not available but backing-up", DBInstanceStatus="backing-up")
        refused("is no Postgres: its engine is mysql", Engine="mysql")
        self.amazon.values["chat-pg"] = "400"
        refused("sets max_connections to 400, more than 300")
        self.amazon.values["chat-pg"] = "LEAST({DBInstanceClassMemory/9531392},5000)"
        refused("gives db.m6g.large about 793 (assumed): 300 would lower it")
        self.amazon.values["chat-pg"] = "50"
        self.amazon.add_instance("chat-db", "chat-pg", DBInstanceClass="db.t3.micro")
        ran = self.run_raise("postgres", "--rds", "chat-db", "--to", "400", "--apply", "--yes", expect=2)
        self.assertIn("db.t3.micro (1 GB) has too little memory for 400", ran.out)
        self.assert_nothing_changed()

    def test_an_instance_of_an_aurora_cluster_is_said_to_be_one(self):
        self.amazon.add_instance("chat-db", "chat-pg", Engine="aurora-postgresql",
                                 DBClusterIdentifier="chat-cluster")
        ran = self.apply_rds(expect=1)
        self.assertIn("chat-db belongs to the Aurora cluster chat-cluster", ran.out)

    def test_a_change_that_does_not_show_is_no_success(self):
        self.amazon.on_ModifyDBParameterGroup = lambda form: {
            "DBParameterGroupName": form["DBParameterGroupName"]}
        ran = self.apply_rds("--reboot", expect=2)
        self.assertIn("critical: The group does not show 300 after the change: 100", ran.out)
        self.assertNotIn("RebootDBInstance", self.amazon.actions)

    def test_waiting_for_the_reboot_is_bounded(self):
        self.amazon.looks_until_there = 1000
        ran = self.apply_rds("--reboot", "--wait", "2", expect=2)
        self.assertIn("critical: The instance was not available and in sync within 2s", ran.out)

    def test_an_interruption_is_heeded_between_two_steps_and_tells_what_was_done(self):
        self.amazon.looks_until_there = 1000
        command = [os.environ["TOOL"], "raise", "postgres", "--rds", "chat-db", "--to", "300", "--apply",
                   "--yes", "--reboot", "--region", "eu-west-1", "--endpoint-url", self.amazon.url]
        with subprocess.Popen(command, env=AMAZON | {"COLUMNS": "80"}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            wait_until(lambda: "RebootDBInstance" in self.amazon.actions, "the reboot was asked for")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 2, out)
        self.assertIn("critical: Interrupted before the instance was available", out)
        self.assertIn("The reboot was asked for", out)

    def test_a_reader_that_goes_away_stops_no_change_half_way(self):
        command = [os.environ["TOOL"], "raise", "postgres", "--rds", "chat-db", "--to", "300", "--apply",
                   "--yes", "--reboot", "--region", "eu-west-1", "--endpoint-url", self.amazon.url]
        with subprocess.Popen(command, env=AMAZON, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as process:
            process.stdout.close()
            self.assertEqual(process.wait(60), 0)
        self.assertEqual(self.amazon.values["chat-pg"], "300")
        self.assertIn("RebootDBInstance", self.amazon.actions)

    def test_without_a_terminal_and_without_yes_amazon_is_not_even_asked(self):
        ran = self.run_raise("postgres", "--rds", "chat-db", "--to", "300", "--apply", expect=64)
        self.assertEqual(ran.out, "")
        self.assertIn("standard input is no terminal: --yes says it beforehand", ran.err)
        self.assertEqual(self.amazon.requests, [])

    def answered(self, word):
        """A run at a terminal on which somebody types."""
        ours, theirs = pty.openpty()
        words = ["raise", "postgres", "--rds", "chat-db", "--to", "300", "--apply", "--region",
                 "eu-west-1", "--endpoint-url", self.amazon.url]
        with subprocess.Popen([os.environ["TOOL"], *words], stdin=theirs, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=AMAZON, cwd="/") as process:
            os.write(ours, word.encode() + b"\n")
            out = process.communicate(timeout=60)[0]
        os.close(ours)
        os.close(theirs)
        return process.returncode, out

    def test_only_a_typed_yes_goes_on(self):
        code, out = self.answered("y")
        self.assertEqual(code, 1, out)
        self.assertIn("Type yes to go on: ", out)
        self.assertIn("warning: Not confirmed: nothing was changed", out)
        self.assert_nothing_changed()
        code, out = self.answered("yes")
        self.assertEqual(code, 1, out)  # the reboot is left
        self.assertEqual(self.amazon.values["chat-pg"], "300")

    def test_without_aws_it_says_what_to_install(self):
        with tempfile.TemporaryDirectory() as folder:
            os.symlink("/usr/bin/python3", os.path.join(folder, "python3"))
            ran = self.run_raise("postgres", "--rds", "chat-db", "--to", "300", "--apply", "--yes",
                                 expect=3, PATH=folder)
        self.assertIn("the aws program is not in PATH: install it", ran.err)

    def test_an_aws_that_hangs_is_stopped_with_all_it_started(self):
        self.amazon.silent.add("GetCallerIdentity")
        ran = self.apply_rds("--aws-timeout", "3", expect=2)
        self.assertIn("Nothing was changed: who calls is not known: did not end in time", ran.out)
        self.assertLess(ran.seconds, 15)

        def still_there():
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    if self.amazon.url.encode() in path.read_bytes():
                        return True
                except OSError:
                    pass  # it ended meanwhile
            return False

        wait_until(lambda: not still_there(), "the aws program is gone")

    def test_a_replication_group_is_scaled_and_waited_for(self):
        self.amazon.add_cache("chat", "cache.m7g.large", is_group=True)
        ran = self.apply_cache("--replication-group", "chat", expect=0)
        compare_with_golden(self, "raise_apply_elasticache.txt", stable(ran.out))
        self.assertEqual(self.amazon.actions[:3], ["GetCallerIdentity", "DescribeReplicationGroups",
                                                   "ModifyReplicationGroup"])

    def test_a_cluster_is_scaled_unless_it_belongs_to_a_group(self):
        self.amazon.add_cache("alone", "cache.m7g.large", is_group=False)
        self.amazon.add_cache("chat-001", "cache.m7g.large", is_group=False, member_of="chat")
        member = self.apply_cache("--cache-cluster", "chat-001", expect=2)
        self.assertIn("chat-001 belongs to the replication group chat", member.out)
        self.assert_nothing_changed()
        self.apply_cache("--cache-cluster", "alone", expect=0)
        self.assertEqual(self.amazon.caches["alone"]["type"], "cache.m7g.xlarge")

    def test_where_scaling_cannot_help_nothing_is_applied(self):
        ran = self.apply_cache("--replication-group", "chat", "--to", "70000", expect=2)
        self.assertIn("critical: Scaling will not give 70000 clients", ran.out)
        self.assertEqual(self.amazon.requests, [])

    def test_a_name_that_amazon_does_not_know_is_told_with_amazons_words(self):
        ran = self.apply_cache("--replication-group", "nothing", expect=2)
        self.assertIn("Nothing was changed: nothing cannot be looked at: An error occurred", ran.out)
        ran = self.run_raise("postgres", "--rds", "nothing", "--to", "300", "--apply", "--yes", expect=2)
        self.assertIn("has no RDS instance nothing in this region, among 4 instances",
                      ran.out.replace("\n  ", " "))


if __name__ == "__main__":
    unittest.main()
