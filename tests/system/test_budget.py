# SPDX-License-Identifier: Apache-2.0
"""The servers' own count of our connections, under load, against the caps and the budget."""

import collections
import json
import os
import re
import signal
import threading
import time
import unittest

from chatd import Chatd, Folder, PrivatePostgres, PrivateRedis, wait_until
from people import Person

WORKERS = 3
REDIS_CAP = 6
POSTGRES_CAP = 3
PEOPLE = 9
TURNS = 6

NAME = re.compile(r"budget:test-host:(?P<pid>\d+):(?P<kind>async|async_decode|sync|pg)")


class Watch:
    """Looks at both servers again and again, and keeps what was wrong and the most it saw."""

    def __init__(self, redis, postgres):
        self.redis, self.postgres = redis, postgres
        self.strangers = set()
        self.most = collections.Counter()  # of one pool of one worker, by kind
        self.most_redis = self.most_postgres = self.looks = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _look_on(self):
        while not self._done.is_set():
            # A connection is unnamed from its accept to its handshake's HELLO or startup packet.
            redis = [name for name in self.redis.client_names() if name]
            postgres = [name for name in self.postgres.client_names() or [] if name]
            self._note(redis, ("async", "async_decode", "sync"))
            self._note(postgres, ("pg",))
            self.most_redis = max(self.most_redis, len(redis))
            self.most_postgres = max(self.most_postgres, len(postgres))
            self.looks += 1
            self._done.wait(0.02)

    def _note(self, names, kinds):
        counts = collections.Counter(names)
        for name, count in counts.items():
            match = NAME.fullmatch(name)
            if not match or match["kind"] not in kinds:
                self.strangers.add(name)
            else:
                self.most[match["kind"]] = max(self.most[match["kind"]], count)


class Budget(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.addCleanup(folder.remove)
        self.redis = PrivateRedis(folder)
        self.addCleanup(self.redis.stop)
        self.postgres = PrivatePostgres(folder)
        self.addCleanup(self.postgres.stop)
        document = {"service_capacity": {"processes_per_instance": WORKERS}}
        self.chatd = Chatd(folder, folder.make("work"), REDIS_URL=self.redis.url,
                           REDIS_MAX_CONNECTIONS=str(REDIS_CAP), PGPOOL_MAX_SIZE=str(POSTGRES_CAP),
                           GATEWAY_CONFIG_JSON=json.dumps(document), SERVICE_NAME="budget",
                           INSTANCE_ID="test-host", **self.postgres.settings)
        self.addCleanup(self.chatd.discard)
        self.chatd.wait_ready()
        self.pids = wait_until(self.ready_pids, "all workers are ready")

    def ready_pids(self):
        workers = self.chatd.monitoring()["workers"]
        ready = [worker["pid"] for worker in workers if worker["ready"]]
        return ready if len(ready) == WORKERS else None

    def chat(self, text):
        """Everybody says it again and again, at the same time, and hears the answers."""
        failures = []

        def converse(number):
            person = Person(self.chatd.url, f"p{number}").arrive()
            try:
                for turn in range(TURNS):
                    accepted = person.say(f"{text} {number} {turn}".strip())
                    end = person.answer_to(accepted)
                    if end["state"] != "completed":
                        failures.append(end)
            except Exception as failed:  # noqa: BLE001 - told in the main thread
                failures.append(repr(failed))
            finally:
                person.leave()

        threads = [threading.Thread(target=converse, args=(number,)) for number in range(PEOPLE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.assertEqual(failures, [])

    def names_of(self, pid):
        mine = f":{pid}:"
        return [name for name in self.redis.client_names() + (self.postgres.client_names() or [])
                if mine in name]

    def test_servers_count_no_more_than_the_caps_and_the_budget_allow(self):
        with Watch(self.redis, self.postgres) as watch:
            while watch.looks <= 10:
                self.chat("hello")
            self.assertEqual(watch.most["sync"], 0)  # nobody has used that pool yet
            while watch.looks <= 20:
                self.chat("/clock")
        self.assertEqual(watch.strangers, set())
        for kind in ("async", "async_decode", "sync"):
            self.assertTrue(1 <= watch.most[kind] <= REDIS_CAP, (kind, watch.most))
        self.assertTrue(1 <= watch.most["pg"] <= POSTGRES_CAP, watch.most)

        budget = self.chatd.monitoring()["budget"]
        self.assertEqual(budget["redis"]["total"], WORKERS * 3 * REDIS_CAP)
        self.assertEqual(budget["postgres"]["total"], WORKERS * POSTGRES_CAP)
        print(f"\nthe servers counted, in {watch.looks} looks, at most: "
              + ", ".join(f"{kind} {watch.most[kind]}" for kind in ("async", "async_decode", "sync"))
              + f" of {REDIS_CAP}, pg {watch.most['pg']} of {POSTGRES_CAP} a worker; in all Redis "
              f"{watch.most_redis} of {budget['redis']['total']}, Postgres {watch.most_postgres} of "
              f"{budget['postgres']['total']}")
        self.assertLessEqual(watch.most_redis, budget["redis"]["total"])
        self.assertLessEqual(watch.most_postgres, budget["postgres"]["total"])

    def test_monitoring_tells_the_sizes_that_the_servers_count(self):
        self.chat("hello")

        def agree():
            told = collections.Counter()
            for worker in self.chatd.monitoring()["workers"]:
                for pool in worker.get("pools", []):
                    told[f"budget:test-host:{worker['pid']}:{pool['kind']}"] = pool["size"]
            counted = collections.Counter(self.redis.client_names() + self.postgres.client_names())
            return told if told and +told == counted else None

        told = wait_until(agree, "monitoring and the servers agree")
        self.assertEqual(len(told), WORKERS * 4)

    def test_a_killed_worker_is_replaced_and_its_connections_are_gone(self):
        self.chat("hello")
        killed = next(pid for pid in self.pids if self.names_of(pid))
        os.kill(killed, signal.SIGKILL)
        after = wait_until(
            lambda: (now := self.ready_pids()) and killed not in now and now, "it is replaced")
        self.assertEqual(len(set(after) & set(self.pids)), WORKERS - 1)
        wait_until(lambda: not self.names_of(killed), "its connections are gone")
        self.chat("hello again")

    def test_no_connection_is_left_after_sigterm(self):
        self.chat("hello")
        self.assertNotEqual(self.redis.client_names(), [])
        self.assertNotEqual(self.postgres.client_names(), [])
        started = time.monotonic()
        held = len(self.redis.client_names()), len(self.postgres.client_names())
        self.assertEqual(self.chatd.stop(), 0, self.chatd.errors)
        self.assertLess(time.monotonic() - started, 30)
        wait_until(lambda: self.redis.client_names() == [], "Redis counts none", within=10)
        wait_until(lambda: self.postgres.client_names() == [], "Postgres counts none", within=10)
        print(f"\nbefore SIGTERM Redis counted {held[0]} and Postgres {held[1]}; both counted 0 "
              f"{time.monotonic() - started:.1f} s after it")


if __name__ == "__main__":
    unittest.main()
