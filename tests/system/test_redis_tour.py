# SPDX-License-Identifier: Apache-2.0
"""examples/redis_tour does what docs/redis.md shows, against a private server."""

import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

from chatd import Folder, PrivateRedis, ordinary_user
from tool import compare_with_golden

PASSWORD = "a-password-that-must-not-be-seen"


class ServersFolder(Folder):
    """Without chatd: only a server lives here."""

    def __init__(self):
        self.user = ordinary_user()
        self.path = tempfile.mkdtemp(prefix="hr-system-")
        if self.user:
            os.chown(self.path, self.user.pw_uid, self.user.pw_gid)


def free_port():
    with socket.socket() as peer:
        peer.bind(("127.0.0.1", 0))
        return peer.getsockname()[1]


class Tour(unittest.TestCase):
    def setUp(self):
        self.folder = ServersFolder()
        self.addCleanup(self.folder.remove)

    def start(self, *options):
        self.port = free_port()
        server = PrivateRedis(self.folder, "redis", ["--port", str(self.port), "--bind", "127.0.0.1", *options])
        self.addCleanup(server.stop)
        return server

    def take(self, *words, port=None):
        """(exit code, what it said)"""
        ran = subprocess.run([os.environ["REDIS_TOUR"], "127.0.0.1", str(port or self.port), *words],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(ran.stderr, "")
        self.assertNotIn(PASSWORD, ran.stdout)
        return ran.returncode, ran.stdout

    def make(self, name, text=""):
        """A file that the server's user may read, too."""
        path = os.path.join(self.folder.make("files-" + name), name)
        pathlib.Path(path).write_text(text, encoding="utf-8")
        if self.folder.user:
            os.chown(path, self.folder.user.pw_uid, self.folder.user.pw_gid)
        return path

    def make_certificate(self, name):
        """(certificate, key) for 127.0.0.1, signed by itself."""
        certificate, key = self.make(name + ".crt"), self.make(name + ".key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=" + name,
                        "-addext", "subjectAltName=IP:127.0.0.1"],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
        return certificate, key

    def test_it_says_what_each_use_gave_and_leaves_no_connection(self):
        server = self.start()
        exit_code, said = self.take()
        self.assertEqual(exit_code, 0, said)
        compare_with_golden(self, "redis_tour.txt", said)
        self.assertEqual(server.client_names(), [])

    def test_it_says_the_same_over_tls_as_an_acl_user_whose_password_is_in_a_file(self):
        certificate, key = self.make_certificate("server")
        self.start("--port", "0", "--tls-port", str(port := free_port()), "--tls-cert-file", certificate,
                   "--tls-key-file", key, "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no",
                   "--user", "tour", "on", f">{PASSWORD}", "~tour:*", "&tour:*", "+@all")
        password_file = self.make("password", PASSWORD + "\n")
        as_tour = ["--user", "tour", "--password-file", password_file]
        exit_code, said = self.take(*as_tour, "--ca-file", certificate, port=port)
        self.assertEqual(exit_code, 0, said)
        compare_with_golden(self, "redis_tour.txt", said)

        other, _ = self.make_certificate("other")
        for words, sentence in ((["--ca-file", other], "self-signed, and not among those that are trusted"),
                                (["--ca-file", "/nowhere"], "the CA file /nowhere cannot be read"),
                                (["--ca-file", certificate, "--user", "tour", "--password-file",
                                  self.make("wrong", "wrong\n")], "WRONGPASS")):
            exit_code, said = self.take(*words, port=port)
            self.assertEqual(exit_code, 1, said)
            self.assertIn(sentence, said)
            self.assertEqual(said.count("\n"), 1, said)

    def test_it_says_in_one_line_why_no_server_can_be_asked(self):
        exit_code, said = self.take(port=free_port())
        self.assertEqual(exit_code, 1)
        self.assertRegex(said, r"\Aits deadline has passed while there was no connection; .*Connection refused.*\n\Z")


if __name__ == "__main__":
    unittest.main()
