# SPDX-License-Identifier: Apache-2.0
"""chatd behind three real sentinels: the connections counted on every server, and a conversation that goes on when
the primary is killed."""
import json
import os
import socket
import subprocess
import unittest

from chatd import Chatd, Folder, PrivatePostgres, PrivateRedis, as_user, wait_until
from people import Person
from tool import run_tool

WORKERS = 2


def free_port():
    with socket.socket() as peer:
        peer.bind(("127.0.0.1", 0))
        return peer.getsockname()[1]


class PrivateSentinel:
    def __init__(self, folder, number, primary_port):
        data = folder.make(f"sentinel-{number}")
        self.port = free_port()
        path = os.path.join(data, "sentinel.conf")
        with open(path, "w", encoding="utf-8") as conf:
            conf.write(f"port {self.port}\nbind 127.0.0.1\ndir {data}\nlogfile {data}/log\n"
                       f"sentinel monitor shop 127.0.0.1 {primary_port} 2\n"
                       "sentinel down-after-milliseconds shop 1000\nsentinel failover-timeout shop 3000\n")
        if folder.user:
            os.chown(path, folder.user.pw_uid, folder.user.pw_gid)
        self.process = subprocess.Popen(["redis-server", path, "--sentinel"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, cwd=data, **as_user(folder.user))
        wait_until(lambda: self.ask("PING") == "+PONG", "a sentinel answers")

    def ask(self, command):
        """Its answer to one inline command up to the end of a bulk string, or of a line; None: none."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as peer:
                peer.settimeout(5)
                peer.sendall(command.encode() + b"\r\n")
                reader = peer.makefile("rb")
                line = reader.readline().decode().rstrip("\r\n")
                return reader.read(int(line[1:])).decode() if line.startswith("$") else line
        except OSError:
            return None

    def client_names(self):
        return [part[5:] for line in (self.ask("CLIENT LIST") or "").splitlines()
                for part in line.split(" ") if part.startswith("name=")]

    def stop(self):
        self.process.kill()
        self.process.wait()


class Sentinel(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)
        self.ports = [free_port() for _ in range(3)]
        self.servers = []
        for number, port in enumerate(self.ports):
            options = ["--port", str(port), "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"]
            if number:
                options += ["--replicaof", "127.0.0.1", str(self.ports[0])]
            self.servers.append(PrivateRedis(self.folder, f"redis-{number}", options))
            self.addCleanup(self.servers[-1].stop)
        wait_until(lambda: self.servers[0].ask("INFO replication").count("state=online") == 2, "replicas are in step")
        self.sentinels = [PrivateSentinel(self.folder, number, self.ports[0]) for number in range(3)]
        for one in self.sentinels:
            self.addCleanup(one.stop)
        wait_until(lambda: all((one.ask("SENTINEL CKQUORUM shop") or "").startswith("+OK 3") and
                               "slaves=2,sentinels=3" in (one.ask("INFO sentinel") or "")
                               for one in self.sentinels), "sentinels know each other and the replicas")
        self.postgres = PrivatePostgres(self.folder)
        self.addCleanup(self.postgres.stop)
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        self.url = f"redis+sentinel://{hosts}/shop"

    def primary(self):
        for server in self.servers:
            if "role:master" in (server.ask("INFO replication") or ""):
                yield server

    def named(self, kind):
        return [name for one in self.sentinels for name in one.client_names() if name.endswith(kind)]

    def test_a_conversation_goes_on_when_the_primary_is_killed(self):
        chatd = Chatd(self.folder, self.folder.make("work"), REDIS_URL=self.url, PGPOOL_MAX_SIZE="3",
                      GATEWAY_CONFIG_JSON=json.dumps({"service_capacity": {"processes_per_instance": WORKERS}}),
                      REDIS_HEALTHCHECK_INTERVAL_SEC="1", **self.postgres.settings)
        self.addCleanup(chatd.discard)
        chatd.wait_ready()
        wait_until(lambda: all(w["ready"] for w in chatd.monitoring()["workers"]), "all workers are ready")
        person = Person(chatd.url, "ann").arrive()
        self.addCleanup(person.leave)
        accepted = person.say("before")
        person.answer_to(accepted)
        self.assertEqual(len(self.named(":sentinel")), WORKERS, "one connection a worker on all sentinels together")
        told = chatd.monitoring()
        terms = {term["name"]: term["value"] for term in told["budget"]["redis"]["terms"]}
        self.assertEqual(terms["sentinel"], WORKERS)
        self.assertEqual(told["budget"]["redis"]["total"], terms["workers"], "it is on other servers")
        for worker in told["workers"]:
            self.assertEqual(worker["sentinel"]["primary"], f"127.0.0.1:{self.ports[0]}")

        self.servers[0].kill()
        person.answer_to(person.say("after", accepted["conversation_id"]))
        wait_until(lambda: [w["sentinel"]["moves"] for w in chatd.monitoring()["workers"]] == [1] * WORKERS,
                   "both workers have moved")
        self.assertEqual(len(self.named(":sentinel")), WORKERS)
        new = next(self.primary())
        wait_until(lambda: sum(name.endswith(":async") for name in new.client_names()) >= WORKERS,
                   "the pools are on the new primary")
        self.assertEqual(chatd.stop(), 0)
        self.assertEqual(self.named(":sentinel"), [])

    def test_the_tool_asks_the_primary_and_leaves_no_connection(self):
        ran = run_tool("limits", "--json", REDIS_URL=self.url)
        self.assertIn(f"primary 'shop' of sentinels 127.0.0.1:{self.sentinels[0].port}", ran.out, ran.err)
        held = run_tool("holders", "--json", REDIS_URL=self.url).json
        self.assertTrue(held["redis"]["answered"])
        self.assertEqual(self.named(":tool"), [])

    def test_the_tool_names_each_sentinel_that_is_down(self):
        for one in self.sentinels:
            one.stop()
        ran = run_tool("limits", REDIS_URL=self.url)
        self.assertNotEqual(ran.exit, 0)
        for one in self.sentinels:
            self.assertIn(f"127.0.0.1:{one.port}", " ".join((ran.out + ran.err).split()))


if __name__ == "__main__":
    unittest.main()
