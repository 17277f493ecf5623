# SPDX-License-Identifier: Apache-2.0
"""Stopping an answer as a page or a program does: over HTTP, on chatd with two workers."""

import http.client
import json
import unittest

from chatd import Chatd, Folder, wait_until
from people import Person

# The echo takes 2 s for any text that is long.
LONG = " ".join(f"word{number}" for number in range(400))


class Stop(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.addCleanup(self.folder.remove)
        self.chatd = Chatd(self.folder, self.folder.make("stop"))
        self.addCleanup(self.chatd.discard)
        self.chatd.wait_ready()

    def arrive(self, name):
        person = Person(self.chatd.url, name).arrive()
        self.addCleanup(person.leave)
        return person

    def post(self, person, path, headers):
        connection = http.client.HTTPConnection(person.host, person.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("POST", path, "{}", {"Cookie": person.cookie, **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def test_an_answer_that_streams_is_stopped_and_its_beginning_kept(self):
        ann, bob = self.arrive("ann"), self.arrive("bob")
        accepted = ann.say(LONG)
        turn, path = accepted["turn_id"], f"/conversations/{accepted['conversation_id']}/stop"
        waiting = ann.say("and this waits", accepted["conversation_id"])
        wait_until(lambda: ann.seen("chat_delta", turn), "the answer streams")

        json_type = {"Content-Type": "application/json"}
        self.assertEqual(self.post(bob, path, json_type)[0], 404)
        self.assertEqual(self.post(ann, path, {"Content-Type": "text/plain"})[0], 415)
        self.assertEqual(self.post(ann, path, {**json_type, "Origin": "http://evil.example"})[0], 403)
        self.assertEqual(self.post(ann, "/conversations/nonsense/stop", json_type)[0], 404)
        self.assertFalse(ann.seen("chat_error"))

        self.assertEqual(self.post(ann, path, json_type),
                         (200, {"status": "stop_requested", "turns": 2}))
        for each in (turn, waiting["turn_id"]):
            ended = wait_until(lambda each=each: ann.seen("chat_error", each), "the turn ends")
            self.assertEqual(ended[0]["error"], {"code": "turn_stopped", "message": "Stopped."})
        self.assertEqual(self.post(ann, path, json_type)[1]["turns"], 0)

        stored = ann.request("GET", f"/conversations/{accepted['conversation_id']}")["turns"]
        self.assertEqual([each["state"] for each in stored], ["interrupted", "interrupted"])
        self.assertTrue(LONG.startswith(stored[0]["answer_text"]))
        self.assertNotIn(stored[0]["answer_text"], ("", LONG))
        self.assertEqual(ann.seen("chat_complete"), [])
        self.assertEqual(ann.answer_to(ann.say("go on", accepted["conversation_id"]))["text"], "go on")
        self.assertEqual(bob.seen("chat_error"), [])


if __name__ == "__main__":
    unittest.main()
