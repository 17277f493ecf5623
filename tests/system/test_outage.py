# SPDX-License-Identifier: Apache-2.0
"""Redis dies and comes back empty, then Postgres dies and comes back, while three people chat.

Nobody restarts chatd. Every message that was accepted ends, once, and is told; nothing is told twice.
"""
import threading
import time
import unittest

from chatd import Chatd, Folder, PrivatePostgres, PrivateRedis, get_json, wait_until
from people import Person

WORKERS = 3
NAMES = ("ann", "bob", "cid")


class Chat:
    """One person's endless conversation, in a thread, until told to stop."""

    def __init__(self, url, name):
        self.person = Person(url, name).arrive()
        self.turns = []  # (accepted, text, end)
        self.failure = None
        self.asked_at = None  # while the answer is awaited
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._chat, daemon=True)
        self._thread.start()

    def _chat(self):
        conversation = None
        try:
            while not self._stop.is_set():
                text = f"{self.person.name} says thing number {len(self.turns)}"
                self.asked_at = time.monotonic()
                accepted = self.person.say(text, conversation)
                conversation = accepted["conversation_id"]
                self.turns.append((accepted, text, self.person.answer_to(accepted)))
                if self.has_waited():
                    self.person.note(f"an answer came after {time.monotonic() - self.asked_at:.1f} s")
        except Exception as failure:  # told by the test, in its own thread
            self.failure = failure

    def has_waited(self):
        """So long that a person wonders."""
        return time.monotonic() - self.asked_at > 3

    def stop(self):
        self._stop.set()
        self._thread.join(90)
        self.person.leave()
        if self.failure:
            raise self.failure


class Outage(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)
        self.redis = PrivateRedis(self.folder)
        self.addCleanup(lambda: self.redis.stop())
        self.postgres = PrivatePostgres(self.folder)
        self.addCleanup(lambda: self.postgres.stop())
        self.chatd = Chatd(self.folder, self.folder.make("work"), REDIS_URL=self.redis.url,
                           PGPOOL_MAX_SIZE="3", REDIS_HEALTHCHECK_INTERVAL_SEC="1",
                           GATEWAY_CONFIG_JSON=f'{{"service_capacity": {{"processes_per_instance": {WORKERS}}}}}',
                           **self.postgres.settings)
        self.addCleanup(self.chatd.discard)
        self.chatd.wait_ready()
        wait_until(lambda: all(w["ready"] for w in self.chatd.monitoring()["workers"]), "all workers are ready")
        self.workers = {w["pid"] for w in self.chatd.monitoring()["workers"]}

    def test_people_chat_through_the_death_of_redis_and_of_postgres(self):
        chats = [Chat(self.chatd.url, name) for name in NAMES]
        self.let_everybody_finish(chats, 3)

        self.redis.kill()
        self.let_somebody_notice(chats)
        self.redis.start()
        self.let_everybody_finish(chats, 3)

        self.postgres.kill()
        self.let_somebody_notice(chats)
        self.postgres.start()
        self.let_everybody_finish(chats, 3)

        for chat in chats:
            chat.stop()
        print()
        for chat in chats:
            self.tell(chat)
        for chat in chats:
            self.check(chat)
        self.assertEqual({w["pid"] for w in self.chatd.monitoring()["workers"]}, self.workers,
                         "a worker was replaced")

    def let_everybody_finish(self, chats, turns):
        wanted = [len(chat.turns) + turns for chat in chats]
        wait_until(lambda: all(chat.failure or len(chat.turns) >= count for chat, count in zip(chats, wanted)),
                   "everybody gets answers", within=90)

    def let_somebody_notice(self, chats):
        """An outage is one when it is felt."""
        wait_until(lambda: any(chat.has_waited() for chat in chats), "somebody waits for an answer", within=60)

    def tell(self, chat):
        ends = {}
        for _, _, end in chat.turns:
            key = f'{end["state"]} by {end["by"]}'
            ends[key] = ends.get(key, 0) + 1
        told = ", ".join(f"{count} {what}" for what, count in sorted(ends.items()))
        print(f"{chat.person.name}: {len(chat.turns)} messages accepted; {told}")
        for seconds, what in chat.person.notes:
            print(f"    {seconds:6.1f} s  {what}")

    def check(self, chat):
        person = chat.person
        numbers = person.numbers()
        self.assertEqual(numbers, sorted(set(numbers)), f"{person.name}: ids rise and never repeat")
        for accepted, text, end in chat.turns:
            turn = accepted["turn_id"]
            completes = person.seen("chat_complete", turn)
            self.assertLessEqual(len(completes), 1, f"{person.name}: an answer was told twice")
            if end["state"] == "completed":
                self.assertEqual(end["text"], text)
            deltas = [d["index"] for d in person.seen("chat_delta", turn)]
            self.assertEqual(len(deltas), len(set(deltas)), f"{person.name}: a delta was told twice")
        # What the person sees now is what the store has: every turn, ended once, in order.
        conversation = chat.turns[0][0]["conversation_id"]
        stored = person.request("GET", f"/conversations/{conversation}")["turns"]
        self.assertEqual([t["turn_id"] for t in stored], [a["turn_id"] for a, _, _ in chat.turns])
        self.assertTrue(all(t["state"] in ("completed", "interrupted", "error") for t in stored))

    def test_without_servers_requests_get_503_with_retry_after_and_then_recover(self):
        person = Person(self.chatd.url, "dan").arrive()
        self.addCleanup(person.leave)
        self.postgres.kill()
        status, body = self.post(person)
        self.assertEqual(status, 503, body)
        self.postgres.start()
        wait_until(lambda: self.post(person)[0] == 200, "posts are accepted again", within=60)
        self.redis.kill()
        wait_until(lambda: get_json(self.chatd.url + "/readyz")[0] == 503, "not ready without Redis", within=30)
        self.redis.start()
        wait_until(lambda: get_json(self.chatd.url + "/readyz")[0] == 200, "ready again", within=60)
        wait_until(lambda: self.post(person)[0] == 200, "posts are accepted again", within=60)

    def post(self, person):
        from people import Refused
        began = time.monotonic()
        try:
            return 200, person.request("POST", f"/sse/chat?stream_id={person.stream_id}",
                                       {"message": {"text": "anybody there?"}})
        except Refused as refused:
            self.assertIsNotNone(refused.retry_after, f"{refused.status} without Retry-After")
            self.assertLess(time.monotonic() - began, 20, "a refusal must come soon")
            return refused.status, refused.body


if __name__ == "__main__":
    unittest.main()
