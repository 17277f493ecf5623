# SPDX-License-Identifier: Apache-2.0
"""How chatd starts, and how it says that it cannot."""

import os
import socket
import unittest

from chatd import Chatd, Folder, get_json, is_alive


class Start(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.addClassCleanup(cls.folder.remove)

    def chatd(self, name, **settings):
        chatd = Chatd(self.folder, self.folder.make(name), **settings)
        self.addCleanup(chatd.discard)
        return chatd

    def refused(self, name, **settings):
        """What it says when it does not start, with exit code 1 and nothing left running."""
        chatd = self.chatd(name, **settings)
        self.assertEqual(chatd.wait_ended(), 1, chatd.errors)
        self.assertEqual(chatd.output, "")
        return chatd.errors

    def test_becomes_ready_with_its_own_servers_and_ends_with_them(self):
        chatd = self.chatd("own").wait_ready()
        self.assertEqual(get_json(chatd.admin + "/healthz")[0], 200)
        status, ready = get_json(chatd.admin + "/readyz")
        self.assertEqual((status, ready["ready"]), (200, True))
        self.assertEqual(get_json(chatd.url + "/healthz")[0], 200)

        record = chatd.record()
        self.assertEqual(record["supervisor"]["pid"], chatd.process.pid)
        servers = [server["pid"] for server in record["servers"].values()]
        self.assertEqual([is_alive(pid) for pid in servers], [True, True])
        self.assertEqual(chatd.stop(), 0, chatd.errors)
        self.assertEqual([is_alive(pid) for pid in servers], [False, False])
        self.assertFalse(os.path.exists(os.path.join(chatd.working_folder, ".headroom/run.json")))

        again = self.chatd("own").wait_ready()  # on the data of the first
        self.assertEqual(again.stop(), 0, again.errors)

    def test_tells_its_health_but_takes_no_chat_where_it_only_runs_turns(self):
        chatd = self.chatd("proc", CHAT_ROLE="proc").wait_ready()
        self.assertEqual(get_json(chatd.url + "/healthz")[0], 200)
        self.assertEqual(get_json(chatd.url + "/readyz")[0], 200)
        self.assertEqual(get_json(chatd.url + "/conversations")[0], 404)
        self.assertEqual(chatd.stop(), 0, chatd.errors)

    def test_finds_a_postgres_that_is_not_in_the_path(self):
        chatd = self.chatd("path", PATH="/usr/bin:/bin").wait_ready()  # Debian's is elsewhere
        self.assertEqual(chatd.stop(), 0, chatd.errors)

    def test_reaches_its_sockets_in_a_deep_folder(self):
        chatd = self.chatd("d" * 60 + "/" + "e" * 60).wait_ready()
        sockets = chatd.record()["socket_folder"]
        self.assertLess(len(sockets), 80)
        self.assertEqual(chatd.stop(), 0, chatd.errors)
        self.assertFalse(os.path.exists(sockets))

    def test_reports_every_bad_setting_at_once_with_exit_code_2(self):
        chatd = self.chatd("bad", REDIS_MAX_CONNECTIONS="ten", PGPOOL_MIN_SIZE="9",
                           PGPOOL_MAX_SIZE="3")
        self.assertEqual(chatd.wait_ended(), 2)
        self.assertIn("REDIS_MAX_CONNECTIONS", chatd.errors)
        self.assertIn("PGPOOL_MIN_SIZE", chatd.errors)

    def test_says_which_program_is_missing(self):
        self.assertIn("redis-server is not in PATH", self.refused("missing", PATH="/nowhere"))

    def test_refuses_data_of_another_postgres(self):
        data = self.folder.make("other/.headroom/postgres")
        self.give(os.path.join(self.folder.path, "other/.headroom"))
        self.give(self.write(os.path.join(data, "PG_VERSION"), "9\n"))
        self.assertIn("was made by Postgres 9", self.refused("other"))

    def test_refuses_foreign_files_in_the_place_of_its_data(self):
        data = self.folder.make("foreign/.headroom/postgres")
        self.give(os.path.join(self.folder.path, "foreign/.headroom"))
        self.give(self.write(os.path.join(data, "letter.txt"), "dear"))
        self.assertIn("holds files but no Postgres data", self.refused("foreign"))

    def test_refuses_a_file_in_the_place_of_its_folder(self):
        self.give(self.write(os.path.join(self.folder.make("file"), ".headroom"), ""))
        self.assertIn("is no folder", self.refused("file"))

    def test_refuses_a_folder_that_another_chatd_uses(self):
        first = self.chatd("shared").wait_ready()
        said = self.refused("shared")
        self.assertIn(f"is used by another chatd (pid {first.process.pid})", said)
        self.assertEqual(get_json(first.admin + "/readyz")[0], 200)
        self.assertEqual(first.stop(), 0)

    def test_says_which_port_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            said = self.refused("port", CHAT_APP_PORT=port)
        self.assertIn(f"port {port} of 127.0.0.1 is in use", said)

    def test_gives_up_with_the_reason_when_a_named_server_is_away(self):
        nowhere = os.path.join(self.folder.path, "no.sock")
        said = self.refused("away", REDIS_URL=f"unix://{nowhere}", CHAT_START_TIMEOUT_SEC="6")
        self.assertIn("no worker was ready within 6 s", said)
        self.assertNotIn("none was told", said)

    def write(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def give(self, path):
        if self.folder.user:
            os.chown(path, self.folder.user.pw_uid, self.folder.user.pw_gid)


if __name__ == "__main__":
    unittest.main()
