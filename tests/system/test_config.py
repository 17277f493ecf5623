# SPDX-License-Identifier: Apache-2.0
"""headroom config show, check and env: what they print, and their exit codes."""

import json
import os
import pathlib
import tempfile
import unittest

from tool import compare_with_golden, keys_of, run_tool

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
GATEWAY = {"service_capacity": {"processes_per_instance": 4}, "pools": {"pg_pool_max_size": 7}}
SECRETS = {"REDIS_URL": "redis://app:p@ssw0rd@cache.internal:6380/2", "PGHOST": "db1",
           "PGPASSWORD": "hunter2", "CHAT_SESSION_SECRET": "x" * 40}


def config(*words, **settings):
    settings = {"HOSTNAME": "web-1"} | settings  # else the name of this host would be shown
    return run_tool("config", *words, **settings)


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hr-config-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as to:
            to.write(text)
        return path

    def assert_fits(self, text):
        self.assertEqual([line for line in text.splitlines() if len(line) > 80], [])


class Show(Files):
    def test_every_setting_is_shown_with_its_source_and_what_follows(self):
        ran = config("show", REDIS_MAX_CONNECTIONS="6", GATEWAY_CONFIG_JSON=json.dumps(GATEWAY))
        self.assertEqual((ran.exit, ran.err), (0, ""))
        self.assert_fits(ran.out)
        compare_with_golden(self, "config_show.txt", ran.out)

    def test_json_has_the_same(self):
        ran = config("show", "--json", REDIS_MAX_CONNECTIONS="6",
                     GATEWAY_CONFIG_JSON=json.dumps(GATEWAY))
        self.assertEqual((ran.exit, ran.err), (0, ""))
        compare_with_golden(self, "config.show.keys", "\n".join(sorted(keys_of(ran.json))) + "\n")
        self.assertEqual((ran.json["schema"], ran.json["verdict"]), ("headroom.config.show", "ok"))
        settings = {one["name"]: (one["value"], one["from"]) for one in ran.json["settings"]}
        self.assertEqual(settings["REDIS_MAX_CONNECTIONS"], ("6", "environment"))
        self.assertEqual(settings["PGPOOL_MAX_SIZE"], ("7", "gateway json"))
        self.assertEqual(settings["CHAT_APP_PORT"], ("8010", "built-in"))
        self.assertEqual(ran.json["derived"] | {"open_files_per_worker": 0}, {
            "client_name": "chat:web-1:<pid>:<kind>", "workers_per_instance": 4,
            "redis_pool_max": 6, "redis_connections_per_worker": 18,
            "redis_connections_per_instance": 72, "executors_per_worker": 0, "pg_pool_min": 0, "pg_pool_max": 7,
            "pg_connections_per_instance": 28, "open_files_per_worker": 0})

    def test_executors_are_shown_and_counted_while_code_is_on(self):
        derived = config("show", "--json", CHAT_BUNDLES="code", CHAT_EXECUTORS_MAX="3",
                         REDIS_MAX_CONNECTIONS="6").json["derived"]
        self.assertEqual((derived["executors_per_worker"], derived["redis_connections_per_instance"]),
                         (3, 2 * (3 * 6 + 3)))
        self.assertEqual(derived["redis_connections_per_worker"], 18, "executors are no workers")
        ran = config("show", CHAT_BUNDLES="code", CHAT_EXECUTORS_MAX="3", REDIS_MAX_CONNECTIONS="6")
        self.assertIn("  executors              at most 3 a worker, each 1 Redis connection", ran.out)
        self.assert_fits(ran.out)

    def test_settings_of_bundles_are_shown_but_for_secrets(self):
        ran = config("show", REDIS_MAX_CONNECTIONS="6", CHAT_BUNDLE_ECHO_PACE="slow",
                     CHAT_BUNDLE_ORACLE_API_KEY="hunter2")
        self.assertRegex(ran.out, r"CHAT_BUNDLE_ECHO_PACE +slow +environment\n")
        self.assertRegex(ran.out, r"CHAT_BUNDLE_ORACLE_API_KEY +\(hidden\) +environment\n")
        self.assertNotIn("hunter2", ran.out + ran.err)

    def test_unbounded_pools_are_shown_as_such_and_warned_of(self):
        ran = config("show")
        self.assertEqual((ran.exit, ran.err), (0, ""))
        self.assert_fits(ran.out)
        self.assertIn("  Redis connections      unbounded\n", ran.out)
        self.assertIn("warning: REDIS_MAX_CONNECTIONS is unset", ran.out)
        derived = config("show", "--json").json["derived"]
        self.assertEqual(derived["redis_pool_max"], "unbounded")
        self.assertEqual(derived["redis_connections_per_worker"], "unbounded")
        self.assertEqual(derived["redis_connections_per_instance"], "unbounded")

    def test_no_secret_is_shown(self):
        for words in (("show",), ("show", "--json"), ("check",), ("check", "--json"),
                      ("show", "--wide")):
            with self.subTest(words=words):
                ran = config(*words, **SECRETS)
                for secret in ("p@ssw0rd", "ssw0rd", "hunter2", "x" * 8):
                    self.assertNotIn(secret, ran.out + ran.err)
        shown = config("show", **SECRETS).out
        self.assertRegex(shown, r"REDIS_URL +redis://\*\*\*@cache.internal:6380/2 +environment\n")
        self.assertRegex(shown, r"PGPASSWORD +\(hidden\) +environment\n")

    def test_no_secret_is_shown_of_what_is_faulty(self):
        faulty = SECRETS | {"REDIS_URL": "redis://app:p@ssw0rd@cache:port", "CHAT_SESSION_SECRET":
                            "short-one", "PGPOOL_MIN_SIZE": "-1"}
        for words in (("show",), ("show", "--json"), ("check",), ("check", "--json")):
            with self.subTest(words=words):
                ran = config(*words, **faulty)
                self.assertEqual(ran.exit, 2)
                for secret in ("p@ssw0rd", "ssw0rd", "hunter2", "short-one"):
                    self.assertNotIn(secret, ran.out + ran.err)

    def test_faults_are_reported_as_chatd_does(self):
        wrong = {"REDIS_MAX_CONNECTIONS": "1", "CHAT_ROLE": "waiter"}
        ran = config("show", **wrong)
        self.assertEqual((ran.exit, ran.out), (2, ""))
        compare_with_golden(self, "config_show_faults.txt", ran.err)
        ran = config("show", "--json", **wrong)
        self.assertEqual(ran.exit, 2)
        self.assertEqual([one["name"] for one in ran.json["faults"]],
                         ["CHAT_ROLE", "REDIS_MAX_CONNECTIONS"])
        self.assertIsNone(ran.json["derived"])

    def test_a_long_instance_is_shown_as_it_will_stand_in_names(self):
        derived = config("show", "--json", INSTANCE_ID="a" * 50 + ":z").json["derived"]
        self.assertRegex(derived["client_name"], r"^chat:[0-9a-f]{6}~a+_z:<pid>:<kind>$")

    def test_a_document_in_a_file_takes_the_place_of_the_environments(self):
        path = self.file("gateway.yaml", "service_capacity:\n  processes_per_instance: 6\n")
        ran = config("show", "--json", "--config", path,
                     GATEWAY_CONFIG_JSON=json.dumps(GATEWAY))
        self.assertEqual((ran.exit, ran.err), (0, ""))
        self.assertEqual(ran.json["derived"]["workers_per_instance"], 6)
        self.assertEqual(ran.json["derived"]["pg_pool_max"], 5)
        settings = {one["name"]: one["from"] for one in ran.json["settings"]}
        self.assertEqual(settings["GATEWAY_YAML_PATH"], "--config")
        self.assertEqual(settings["GATEWAY_CONFIG_JSON"], "built-in")


class Check(Files):
    def test_a_good_configuration_is_fine(self):
        ran = config("check", REDIS_MAX_CONNECTIONS="4")
        self.assertEqual((ran.exit, ran.out, ran.err), (0, "fine: no faults, no warnings\n", ""))

    def test_warnings_are_exit_code_1(self):
        ran = config("check", GATEWAY_CONFIG_JSON='{"colour": 1}')
        self.assertEqual((ran.exit, ran.err), (1, ""))
        compare_with_golden(self, "config_check_warnings.txt", ran.out)
        told = config("check", "--json", GATEWAY_CONFIG_JSON='{"colour": 1}')
        self.assertEqual((told.exit, told.json["verdict"], len(told.json["warnings"])),
                         (1, "warning", 2))

    def test_a_launcher_that_cannot_reach_redis_is_a_fault(self):
        ran = config("check", REDIS_MAX_CONNECTIONS="4", CHAT_BUNDLES="code",
                     CHAT_EXECUTOR_LAUNCHER="docker", CHAT_EXECUTOR_DOCKER_IMAGE="run/code:1")
        self.assertEqual((ran.exit, ran.err), (2, ""))
        self.assert_fits(ran.out)
        self.assertIn("CHAT_EXECUTOR_LAUNCHER: found docker; expected child, because Redis is the "
                      "embedded one, on a unix socket", " ".join(ran.out.split()))

    def test_all_faults_are_told_at_once_with_exit_code_2(self):
        wrong = {"REDIS_MAX_CONNECTIONS": "1", "CHAT_ROLE": "waiter", "PGPOOL_MIN_SIZE": "x",
                 "CHAT_BIND": "localhost", "HEADROOM_WORKER_INDEX": "0"}
        ran = config("check", **wrong)
        self.assertEqual((ran.exit, ran.err), (2, ""))
        self.assert_fits(ran.out)
        compare_with_golden(self, "config_check_faults.txt", ran.out)
        told = config("check", "--json", **wrong)
        self.assertEqual((told.exit, told.json["verdict"]), (2, "critical"))
        compare_with_golden(self, "config.check.keys",
                            "\n".join(sorted(keys_of(told.json))) + "\n")
        self.assertEqual({one["name"] for one in told.json["faults"]},
                         set(wrong) - {"HEADROOM_WORKER_INDEX"}
                         | {"HEADROOM_LISTEN_FD", "HEADROOM_STATUS_FD"})

    def check_file(self, name, text, **settings):
        return config("check", "--config", self.file(name, text),
                      **({"REDIS_MAX_CONNECTIONS": "4"} | settings))

    def test_a_document_is_read_by_its_name_or_its_first_character(self):
        document = json.dumps(GATEWAY)
        for name, text in (("g.json", document), ("g.yaml", "pools: {pg_pool_max_size: 7}\n"),
                           ("g.yml", document), ("g.conf", "\n " + document),
                           ("g.conf", "pools:\n  pg_pool_max_size: 7\n")):
            with self.subTest(name=name, text=text):
                self.assertEqual(self.check_file(name, text).exit, 0)
        self.assertEqual(self.check_file("g.json", "pools: {}").exit, 2)

    def test_a_document_takes_the_place_of_a_faulty_one(self):
        for variable in ("GATEWAY_CONFIG_JSON", "GATEWAY_YAML_PATH"):
            with self.subTest(variable=variable):
                self.assertEqual(self.check_file("g.json", "{}", **{variable: "{"}).exit, 0)

    def test_a_faulty_document_is_named_by_its_file(self):
        texts = (("bad.json", '{"pools": '), ("bad.yaml", "a: [1"), ("empty.json", ""),
                 ("list.yaml", "- 1\n"), ("deep.json", "[" * 40), ("long.json", "{" + " " * 70000),
                 ("range.json", '{"pools": {"pg_pool_max_size": 0}}'))
        for name, text in texts:
            with self.subTest(name=name):
                ran = self.check_file(name, text)
                self.assertEqual((ran.exit, ran.err), (2, ""))
                self.assert_fits(ran.out.replace(self.folder, "/tmp/f"))
                named = "pools.pg_pool_max_size" if name == "range.json" else f"/{name}"
                self.assertIn(f"{named}: found", " ".join(ran.out.split()))
                self.assertNotIn("GATEWAY_", ran.out)

    def test_a_file_that_cannot_be_read_is_wrong_usage(self):
        for path, why in ((os.path.join(self.folder, "none.yaml"), "No such file"),
                          (self.folder, "no regular file")):
            with self.subTest(path=path):
                ran = config("check", "--config", path)
                self.assertEqual((ran.exit, ran.out), (64, ""))
                self.assertIn(f"--config {path}: ", ran.err)
                self.assertIn(why, ran.err)


class Env(Files):
    def test_the_table_fits_80_columns(self):
        ran = config("env")
        self.assertEqual((ran.exit, ran.err), (0, ""))
        self.assert_fits(ran.out)
        compare_with_golden(self, "config_env.txt", ran.out)

    def test_any_width_is_filled_and_not_exceeded(self):
        for columns in (40, 69, 70, 100):
            ran = config("env", COLUMNS=str(columns))
            longest = max(len(line) for line in ran.out.splitlines())
            self.assertLessEqual(longest, max(columns, 48))  # a name is not cut

    def test_markdown_is_the_page_of_the_docs(self):
        ran = config("env", "--markdown")
        self.assertEqual(ran.exit, 0)
        self.assertEqual(ran.out, (DOCS / "environment.md").read_text(encoding="utf-8"))

    def test_json_has_variables_keys_and_which_are_secret(self):
        ran = config("env", "--json")
        compare_with_golden(self, "config.env.keys", "\n".join(sorted(keys_of(ran.json))) + "\n")
        secret = {one["name"] for one in ran.json["variables"] if one["is_secret"]}
        self.assertEqual(secret, {"GATEWAY_CONFIG_JSON", "REDIS_URL", "REDIS_PASSWORD",
                                  "REDIS_SENTINEL_PASSWORD", "PGPASSWORD",
                                  "POSTGRES_PASSWORD", "CHAT_SESSION_SECRET"})


class Usage(unittest.TestCase):
    def test_wrong_words_are_exit_code_64_and_a_sentence(self):
        for words in ((), ("shew",), ("env", "--markdown", "--json"), ("show", "more")):
            with self.subTest(words=words):
                ran = config(*words)
                self.assertEqual((ran.exit, ran.out), (64, ""))
                self.assertRegex(ran.err, r"^headroom: .+ \(headroom --help tells more\)\n$")

    def test_help_has_examples(self):
        for words in ((), ("show",), ("check",), ("env",)):
            ran = config(*words, "--help")
            self.assertEqual((ran.exit, ran.err), (0, ""))
            self.assertIn("Examples:\n  headroom config", ran.out)


if __name__ == "__main__":
    unittest.main()
