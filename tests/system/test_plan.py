# SPDX-License-Identifier: Apache-2.0
"""The plan of a fleet equals what that fleet really opens when every pool is saturated, as the
servers count it; and what `headroom plan` prints, against golden files."""

import collections
import json
import os
import re
import socket
import unittest

from chatd import Chatd, Folder, PrivatePostgres, PrivateRedis, wait_until
from people import Person
from tool import PostgresSession, compare_with_golden, keys_of, run_tool, without_accidents

NAME = re.compile(r"plan:host-\d:(?P<pid>\d+):(?P<kind>async|async_decode|sync|pg)")
WORKERS_OF_THE_FLEET = 6


class SaturatedFleet(unittest.TestCase):
    def setUp(self):
        self.folder = Folder(os.environ["CHATD_SATURATING"])
        self.addCleanup(self.folder.remove)
        self.redis = PrivateRedis(self.folder)
        self.addCleanup(self.redis.stop)
        self.postgres = PrivatePostgres(self.folder)
        self.addCleanup(self.postgres.stop)
        self.addCleanup(self.redis.ask, "SET saturate:let_go 1")
        self.servers = ["--redis", self.redis.url, "--postgres",
                        f"host={self.postgres.folder} user=owner dbname=postgres"]

    def start_instance(self, number, workers, redis_cap, pg_cap):
        document = {"service_capacity": {"processes_per_instance": workers,
                                         "concurrent_requests_per_process": 1}}
        chatd = Chatd(self.folder, self.folder.make(f"work-{number}"), REDIS_URL=self.redis.url,
                      REDIS_MAX_CONNECTIONS=str(redis_cap), PGPOOL_MAX_SIZE=str(pg_cap),
                      GATEWAY_CONFIG_JSON=json.dumps(document), CHAT_BUNDLES="saturate",
                      SERVICE_NAME="plan", INSTANCE_ID=f"host-{number}", **self.postgres.settings)
        self.addCleanup(chatd.discard)
        chatd.wait_ready()

        def all_ready():
            told = chatd.monitoring()["workers"]
            return sum(worker["ready"] for worker in told) == workers

        wait_until(all_ready, "all workers are ready")
        return chatd

    def saturate(self, chatd):
        """One turn on each worker of the fleet, each holding all that its pools may open."""
        people = [Person(chatd.url, f"p{number}").arrive() for number in range(WORKERS_OF_THE_FLEET)]
        turns = [person.say("Hold all you can.") for person in people]
        for gate, opens in (("running", "go"), ("full", None)):
            wait_until(lambda: self.redis.ask(f"GET saturate:{gate}") == str(WORKERS_OF_THE_FLEET),
                       f"{WORKERS_OF_THE_FLEET} workers are {gate}")
            if opens:
                self.redis.ask(f"SET saturate:{opens} 1")
        return people, turns

    def let_go(self, people, turns):
        self.redis.ask("SET saturate:let_go 1")
        for person, turn in zip(people, turns):
            self.assertEqual(person.answer_to(turn)["state"], "completed")
            person.leave()

    def names_on(self, server):
        """Once nobody else is there: a session lingers for a moment after its client is gone."""

        def only_ours():
            names = server.client_names()
            return names if all(NAME.fullmatch(name) for name in names) else None

        return wait_until(only_ours, "the server counts nobody else")

    def plan_equals_what_is_open(self, instances, workers, redis_cap, pg_cap):
        fleet = [self.start_instance(number, workers, redis_cap, pg_cap)
                 for number in range(instances)]
        held = self.saturate(fleet[0])
        ran = run_tool("plan", *self.servers, "--admin", fleet[0].admin, "--pg-cores", "64", "--json")
        redis, postgres = self.names_on(self.redis), self.names_on(self.postgres)
        self.let_go(*held)

        parts = [NAME.fullmatch(name) for name in redis + postgres]
        counted = collections.Counter(part["kind"] for part in parts)
        self.assertEqual(len({part["pid"] for part in parts}), WORKERS_OF_THE_FLEET)

        self.assertEqual(ran.exit, 0, ran.out + ran.err)
        plan = ran.json
        self.assertEqual({key: plan["fleet"][key]["value"] for key in
                          ("instances", "workers_per_instance", "redis_max_connections",
                           "pg_pool_max_size")},
                         {"instances": instances, "workers_per_instance": workers,
                          "redis_max_connections": redis_cap, "pg_pool_max_size": pg_cap})
        for kind in ("async", "async_decode", "sync"):
            self.assertEqual(counted[kind], WORKERS_OF_THE_FLEET * redis_cap, counted)
            self.assertEqual(counted[kind] * 3, plan["redis"]["total"], counted)
        self.assertEqual(counted["pg"], plan["postgres"]["total"])
        self.assertEqual(len(redis), plan["redis"]["total"])
        self.assertEqual(len(postgres), plan["postgres"]["total"])
        print(f"\n{instances} instances x {workers} workers, REDIS_MAX_CONNECTIONS {redis_cap}, "
              f"PGPOOL_MAX_SIZE {pg_cap}: the servers count {dict(sorted(counted.items()))}, Redis "
              f"{len(redis)}, Postgres {len(postgres)}; the plan says {plan['redis']['total']} and "
              f"{plan['postgres']['total']}")

    def test_one_instance_of_six_workers_opens_what_its_plan_says(self):
        self.plan_equals_what_is_open(1, 6, 4, 2)

    def test_two_instances_of_three_workers_open_what_their_plan_says(self):
        self.plan_equals_what_is_open(2, 3, 5, 3)

    def test_three_instances_of_two_workers_open_what_their_plan_says(self):
        self.plan_equals_what_is_open(3, 2, 3, 1)


class Plan(unittest.TestCase):
    """Without any server: what is stated is all there is."""

    def offline(self, *words, **environment):
        return run_tool("plan", "--offline", *words, **environment)

    def test_adds_every_term_against_assumed_limits(self):
        ran = self.offline("--instances", "3", "--workers", "8", "--redis-max", "10", "--pg-max", "5",
                           "--executors", "10", "--surge", "1", "--sentinel", "--migrations", "2",
                           "--pg-operators", "3", "--redis-operators", "1", "--replicas", "2",
                           "--elasticache-node", "cache.t4g.small", "--rds-class", "db.m6g.large")
        self.assertEqual(ran.exit, 1, "the pools are more than the cores can use")
        self.assertEqual(ran.err, "")
        compare_with_golden(self, "plan_assumed.txt", ran.out)

    def test_counts_the_executors_of_each_worker_while_code_is_on(self):
        ran = self.offline("--instances", "2", "--workers", "4", "--redis-max", "6", "--surge", "1",
                           "--redis-maxclients", "1000", "--pg-max-connections", "100",
                           CHAT_BUNDLES="echo,code", CHAT_EXECUTORS_MAX="4")
        self.assertEqual(ran.exit, 0, ran.out)
        compare_with_golden(self, "plan_executors.txt", ran.out)

    def test_counts_the_executors_of_the_flag_instead(self):
        told = self.offline("--instances", "2", "--workers", "4", "--redis-max", "6", "--surge", "1",
                            "--executors", "3", "--json", CHAT_BUNDLES="code").json
        self.assertEqual({term["name"]: term["value"] for term in told["redis"]["terms"]},
                         {"workers": 144, "executors": 3, "surge": 72})
        self.assertEqual(told["fleet"]["executors"], {"value": 3, "source": "--executors"})
        none = self.offline("--redis-max", "6", "--executors", "0", "--json", CHAT_BUNDLES="code").json
        self.assertEqual([term["name"] for term in none["redis"]["terms"]], ["workers"])

    def test_fits_in_what_is_stated(self):
        ran = self.offline("--instances", "1", "--workers", "6", "--redis-max", "4", "--pg-max", "2",
                           "--redis-maxclients", "1000", "--pg-max-connections", "100",
                           "--pg-cores", "8")
        self.assertEqual(ran.exit, 0)
        compare_with_golden(self, "plan_fits.txt", ran.out)

    def test_fails_when_a_pool_is_unbounded(self):
        ran = self.offline("--redis-max", "unset", "--redis-maxclients", "1000",
                           "--pg-max-connections", "100")
        self.assertEqual(ran.exit, 2)
        compare_with_golden(self, "plan_unbounded.txt", ran.out)

    def test_fails_when_the_demand_exceeds(self):
        ran = self.offline("--instances", "4", "--workers", "8", "--redis-max", "20", "--pg-max", "10",
                           "--redis-maxclients", "1000", "--pg-max-connections", "5",
                           "--pg-reserved", "0")
        self.assertEqual(ran.exit, 2)
        compare_with_golden(self, "plan_exceeds.txt", ran.out)

    def test_warns_when_it_is_tight(self):
        ran = self.offline("--instances", "1", "--workers", "2", "--redis-max", "10", "--pg-max", "5",
                           "--redis-maxclients", "66", "--pg-max-connections", "100", "--json")
        self.assertEqual((ran.exit, ran.json["redis"]["verdict"]), (1, "tight"))
        self.assertEqual(ran.json["postgres"]["verdict"], "fits")

    def test_tells_the_demand_when_no_limit_is_known(self):
        ran = self.offline("--redis-max", "10", "--pg-max", "5")
        self.assertEqual(ran.exit, 3)
        compare_with_golden(self, "plan_unknown.txt", ran.out)

    def test_has_the_documented_keys(self):
        ran = self.offline("--redis-max", "10", "--elasticache-node", "cache.t4g.small",
                           "--rds-class", "db.m6g.large", "--json")
        self.assertEqual(len(ran.out.splitlines()), 1)
        self.assertEqual((ran.json["schema"], ran.json["version"]), ("headroom.plan", 1))
        compare_with_golden(self, "plan.keys", "\n".join(sorted(keys_of(ran.json))) + "\n")

    def test_tells_who_gave_each_value(self):
        folder = Folder()
        self.addCleanup(folder.remove)
        with open(os.path.join(folder.path, "gateway.yaml"), "w", encoding="utf-8") as file:
            file.write("service_capacity:\n  processes_per_instance: 3\n"
                       "  concurrent_requests_per_process: 7\npools:\n  redis_max: 9\n")
        ran = self.offline("--config", "gateway.yaml", "--instances", "2", cwd=folder.path,
                           REDIS_MAX_CONNECTIONS="8", GATEWAY_YAML_PATH="/nonexistent")
        self.assertEqual(ran.exit, 3)
        compare_with_golden(self, "plan_sources.txt", ran.out)
        as_json = os.path.join(folder.path, "gateway.json")
        with open(as_json, "w", encoding="utf-8") as file:
            json.dump({"pools": {"pg_pool_max_size": 4}}, file, indent=1)
        fleet = self.offline("--config", as_json, "--json").json["fleet"]
        self.assertEqual(fleet["pg_pool_max_size"], {"value": 4, "source": as_json})

    def test_refuses_a_faulty_document_with_every_fault(self):
        folder = Folder()
        self.addCleanup(folder.remove)
        yaml = os.path.join(folder.path, "gateway.yaml")
        with open(yaml, "w", encoding="utf-8") as file:
            file.write("service_capacity: {processes_per_instance: many}\n"
                       "pools: {pg_pool_max_size: -1}\n")
        ran = self.offline("--config", yaml)
        self.assertEqual((ran.exit, ran.out), (3, ""))
        self.assertIn(f"--config {yaml} is no fit document", ran.err)
        self.assertIn("service_capacity.processes_per_instance", ran.err)
        self.assertIn("pools.pg_pool_max_size", ran.err)
        missing = self.offline("--config", "/nonexistent.yaml")
        self.assertEqual((missing.exit, missing.err), (
            3, "headroom: --config /nonexistent.yaml: it cannot be read: No such file or directory\n"))

    def test_refuses_absurd_flags(self):
        for words, said in (
                (["--instances", "0"], "--instances: Value 0 not in range 1 to 100000"),
                (["--workers", "99999999999999999999"], "not in range 1 to 512"),
                (["--redis-max", "1"], "neither a whole number from 2 to 100000 nor the word unset"),
                (["--pg-max", "many"], "--pg-max: Value many not in range 1 to 10000"),
                (["--rds-class", "db.m6g.huge"], "db.m6g.huge is no class known here"),
                (["--elasticache-node", "t4g"], "t4g is no node type known here"),
                (["--redis-maxclients", "9", "--elasticache-node", "cache.t4g.small"],
                 "--redis-maxclients excludes --elasticache-node")):
            ran = self.offline(*words)
            self.assertEqual((ran.exit, ran.out), (64, ""), words)
            self.assertIn(said, ran.err)

    def test_adds_the_largest_flags_without_a_wrap(self):
        ran = self.offline("--instances", "100000", "--workers", "512", "--redis-max", "100000",
                           "--pg-max", "10000", "--surge", "100000", "--redis-maxclients", "4294967295",
                           "--pg-max-connections", "262143", "--json")
        self.assertEqual(ran.exit, 2)
        self.assertEqual(ran.json["redis"]["total"], 2 * 100000 * 512 * 3 * 100000)

    def test_says_that_a_server_does_not_answer_and_still_tells_the_demand(self):
        ran = run_tool("plan", "--redis", "unix:///nonexistent/r.sock", "--postgres",
                       "host=/nonexistent user=nobody", "--redis-max", "10", "--pg-max", "5", "--json")
        self.assertEqual(ran.exit, 3)
        self.assertEqual((ran.json["redis"]["total"], ran.json["redis"]["verdict"]), (60, "unknown"))
        self.assertIn("did not tell", ran.json["redis"]["findings"][0]["what"])
        self.assertIn("did not tell", ran.json["postgres"]["findings"][0]["what"])
        self.assertEqual(ran.json["redis"]["address"], "/nonexistent/r.sock")


class RunningService(unittest.TestCase):
    """Against private servers, on which others are too."""

    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)
        self.redis = PrivateRedis(self.folder, options=("--maxclients", "200"))
        self.addCleanup(self.redis.stop)
        self.postgres = PrivatePostgres(self.folder)
        self.addCleanup(self.postgres.stop)
        document = {"service_capacity": {"processes_per_instance": 2}}
        self.chatd = Chatd(self.folder, self.folder.make("work"), REDIS_URL=self.redis.url,
                           REDIS_MAX_CONNECTIONS="5", PGPOOL_MAX_SIZE="3", SERVICE_NAME="running",
                           GATEWAY_CONFIG_JSON=json.dumps(document), INSTANCE_ID="host-0",
                           **self.postgres.settings)
        self.addCleanup(self.chatd.discard)
        self.chatd.wait_ready()
        wait_until(lambda: sum(worker["ready"] and "pools" in worker
                               for worker in self.chatd.monitoring()["workers"]) == 2,
                   "both workers tell their pools")
        self.servers = ["--redis", self.redis.url, "--postgres", self.postgres_as("owner")]

    def postgres_as(self, user):
        return f"host={self.postgres.folder} user={user} dbname=postgres"

    def open_session(self, name, user="owner"):
        session = PostgresSession(self.postgres.folder, name, user)
        self.addCleanup(session.close)
        return session

    def plan(self, *words, postgres=None):
        servers = self.servers[:3] + [postgres] if postgres else self.servers
        return run_tool("plan", *servers, "--admin", self.chatd.admin, *words)

    def test_is_planned_with_the_connections_of_others_and_not_twice_with_its_own(self):
        self.open_session("billing:host-9:4711:pg")
        self.open_session("pgAdmin")
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.connect(self.redis.socket_path)
        peer.sendall(b"CLIENT SETNAME cache-warmer\r\n")
        self.assertEqual(peer.recv(64), b"+OK\r\n")
        ran = self.plan("--pg-cores", "64", "--surge", "1")
        self.assertEqual(ran.exit, 0, ran.out)
        compare_with_golden(self, "plan_running.txt", without_accidents(
            ran.out, (self.folder.path, "DIR"), (r"127\.0\.0\.1:\d+", "ADMIN")))

    def test_is_planned_with_flags_instead_of_what_it_says(self):
        fleet = self.plan("--instances", "7", "--workers", "3", "--pg-max", "2", "--json").json["fleet"]
        said = f"chatd at {self.chatd.admin}"
        self.assertEqual(fleet["instances"], {"value": 7, "source": "--instances"})
        self.assertEqual(fleet["workers_per_instance"], {"value": 3, "source": "--workers"})
        self.assertEqual(fleet["pg_pool_max_size"], {"value": 2, "source": "--pg-max"})
        self.assertEqual(fleet["redis_max_connections"], {"value": 5, "source": said})

    def test_is_held_against_the_limit_of_its_role_when_that_is_less(self):
        self.assertEqual(self.postgres.rows("CREATE ROLE app LOGIN CONNECTION LIMIT 20"), [])
        self.open_session("reports", user="app")
        self.open_session("pgAdmin")
        told = self.plan("--pg-cores", "64", "--json", postgres=self.postgres_as("app")).json["postgres"]
        self.assertEqual((told["limit"], told["limit_source"]), (20, "CONNECTION LIMIT of role app"))
        self.assertEqual(told["usable"], 20)
        self.assertEqual([(term["name"], term["value"]) for term in told["terms"]],
                         [("workers", 6), ("others", 1)], "pgAdmin is of another role")
        self.assertEqual(told["largest_fit"]["pg_pool_max_size"], 9)

    def test_is_planned_without_others_where_clients_may_not_be_listed(self):
        self.redis.ask("ACL SETUSER viewer on nopass ~* +info +hello +auth +ping +client|setname +client|id")
        url = self.redis.url.replace("unix://", "unix://viewer:any@")
        ran = run_tool("plan", "--redis", url, "--redis-max", "5", "--json")
        self.assertEqual(ran.exit, 3)
        redis = ran.json["redis"]
        self.assertEqual((redis["limit"], redis["verdict"], redis["others_counted"]), (200, "fits", False))
        self.assertIn("NOPERM", redis["findings"][0]["what"])
        self.assertIn("not in the sum", redis["findings"][0]["advice"])

    def test_knows_the_cores_of_a_server_on_this_machine(self):
        cores = self.plan("--json").json["postgres"]["cores"]
        self.assertEqual(cores["source"], "this machine")
        self.assertEqual(cores["useful_connections"], 2 * cores["value"] + 1)

    def test_says_that_the_admin_port_does_not_answer(self):
        ran = run_tool("plan", *self.servers, "--admin", "http://127.0.0.1:1", "--redis-max", "5",
                       "--service", "running", "--json")
        self.assertEqual(ran.exit, 3)
        self.assertIn("chatd (from --admin) did not tell", ran.json["findings"][0]["what"])
        self.assertEqual(ran.json["redis"]["terms"][-1]["name"], "workers", "its own are no others")


class EmbeddedServers(unittest.TestCase):
    def test_are_found_with_their_service_where_chatd_runs(self):
        folder = Folder()
        self.addCleanup(folder.remove)
        work = folder.make("work")
        chatd = Chatd(folder, work, PGPOOL_MAX_SIZE="2", SERVICE_NAME="home")
        self.addCleanup(chatd.discard)
        chatd.wait_ready()
        wait_until(lambda: all("pools" in worker for worker in chatd.monitoring()["workers"]),
                   "all workers tell their pools")
        plan = run_tool("plan", "--json", cwd=work).json
        said = f"chatd at {chatd.admin}"
        self.assertEqual(plan["fleet"]["service"], "home")
        self.assertEqual(plan["fleet"]["workers_per_instance"], {"value": 2, "source": said})
        self.assertEqual(plan["fleet"]["redis_max_connections"], {"value": 6, "source": said})
        self.assertEqual(plan["fleet"]["pg_pool_max_size"], {"value": 2, "source": said})
        self.assertEqual((plan["redis"]["total"], plan["postgres"]["total"]), (36, 4))
        self.assertEqual((plan["redis"]["verdict"], plan["postgres"]["verdict"]), ("fits", "fits"))


if __name__ == "__main__":
    unittest.main()
