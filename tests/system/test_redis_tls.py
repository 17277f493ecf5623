# SPDX-License-Identifier: Apache-2.0
"""chatd, an executor and the tool against a Redis that speaks TLS only and asks for certificates: all get in with the
right files, and say what is wrong with others."""

import os
import socket
import subprocess
import unittest

from chatd import Chatd, Folder, PrivatePostgres, PrivateRedis, as_user, wait_until
from executor import Execution, RedisAsker, comm_of, credentials, order_of
from people import Person
from tool import run_tool

PROGRAM = os.path.abspath(os.environ["CHAT_EXECUTOR"])


def free_port():
    with socket.socket() as peer:
        peer.bind(("127.0.0.1", 0))
        return peer.getsockname()[1]


class Certificates:
    def __init__(self, folder):
        self.folder, self.path = folder, folder.make("certificates")
        self.root = self.self_signed("root", "root")
        self.other_root = self.self_signed("other", "other root")
        self.server = self.signed("server", "IP:127.0.0.1,DNS:cache.example")
        self.client = self.signed("client", "DNS:chat")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, cwd=self.path, stdin=subprocess.DEVNULL, capture_output=True,
                       **as_user(self.folder.user))

    def at(self, name):
        return os.path.join(self.path, name)

    def self_signed(self, word, name):
        self.openssl("req", "-x509", "-days", "2", "-subj", f"/CN={name}", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{word}.key", "-out", f"{word}.pem")
        return self.at(f"{word}.pem")

    def signed(self, word, names):
        """Paths of a certificate that the root signed, and of its key."""
        with open(self.at(f"{word}.ext"), "w", encoding="utf-8") as file:
            file.write(f"subjectAltName={names}\n")
        self.openssl("req", "-new", "-subj", f"/CN={word}", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-keyout", f"{word}.key", "-out", f"{word}.csr")
        self.openssl("x509", "-req", "-days", "2", "-in", f"{word}.csr", "-CA", "root.pem", "-CAkey", "root.key",
                     "-CAcreateserial", "-extfile", f"{word}.ext", "-out", f"{word}.pem")
        return self.at(f"{word}.pem"), self.at(f"{word}.key")


class RedisTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.certificates = Certificates(cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls.folder.remove()

    def setUp(self):
        self.port = free_port()
        certificate, key = self.certificates.server
        self.redis = PrivateRedis(self.folder, self.id().rpartition(".")[2][:20],
                                  ["--tls-port", str(self.port), "--bind", "127.0.0.1", "--tls-cert-file", certificate,
                                   "--tls-key-file", key, "--tls-ca-cert-file", self.certificates.root,
                                   *credentials()])
        self.addCleanup(self.redis.stop)
        certificate, key = self.certificates.client
        self.settings = {"REDIS_URL": f"rediss://127.0.0.1:{self.port}", "REDIS_TLS_CA_FILE": self.certificates.root,
                         "REDIS_TLS_CERT_FILE": certificate, "REDIS_TLS_KEY_FILE": key}

    def test_a_person_is_answered_over_tls(self):
        postgres = PrivatePostgres(self.folder)
        self.addCleanup(postgres.stop)
        chatd = Chatd(self.folder, self.folder.make("work"), **self.settings, **postgres.settings)
        self.addCleanup(chatd.discard)
        chatd.wait_ready()
        person = Person(chatd.url, "ann").arrive()
        self.addCleanup(person.leave)
        person.answer_to(person.say("by TLS"))
        self.assertTrue(any(name.endswith(":async") for name in self.redis.client_names()))
        self.assertEqual(chatd.stop(), 0)
        wait_until(lambda: self.redis.client_names() == [], "no connection is left")

    def test_an_executor_emits_over_tls(self):
        certificate, key = self.certificates.client
        comm = comm_of(self.redis)
        server = comm["redis"]
        del server["unix_path"]
        server |= {"host": "127.0.0.1", "port": self.port,
                   "tls": {"verify": True, "ca_file": self.certificates.root, "certificate_file": certificate,
                           "key_file": key, "server_name": "cache.example"}}
        asker = RedisAsker(self.redis.socket_path)
        self.addCleanup(asker.close)
        emit = """echo '{"type":"step","name":"safe"}' >&$CHAT_EVENTS_FD"""
        execution = Execution(PROGRAM, order_of(emit, comm=comm))
        self.addCleanup(execution.discard)
        self.assertEqual(execution.wait_ended()["events"]["delivered"], 1)
        self.assertEqual([data["name"] for _, data in asker.events()], ["safe"])

    def test_the_tool_asks_over_tls_by_environment_and_by_flag(self):
        for words, settings in (((), self.settings),
                                (("--redis", self.settings["REDIS_URL"]),
                                 {name: value for name, value in self.settings.items() if name != "REDIS_URL"})):
            with self.subTest(words=words):
                ran = run_tool("limits", "--json", *words, **settings)
                self.assertEqual((ran.exit, ran.err), (0, ""))
                self.assertEqual(ran.json["redis"]["address_from"], "--redis" if words else "REDIS_URL")

    def test_the_tool_says_what_is_wrong(self):
        strange = self.settings | {"REDIS_TLS_CA_FILE": self.certificates.other_root}
        certificate_names = ("REDIS_TLS_CERT_FILE", "REDIS_TLS_KEY_FILE")
        nobody = {name: value for name, value in self.settings.items() if name not in certificate_names}
        misnamed = self.settings | {"REDIS_TLS_SERVER_NAME": "shop.example"}
        for settings, words in ((strange, "the authority of the server's certificate is not trusted"),
                                (nobody, "it asks for a client certificate"),
                                (misnamed, "is not for shop.example: it is for 127.0.0.1, cache.example")):
            with self.subTest(words=words):
                ran = run_tool("limits", **settings)
                self.assertNotEqual(ran.exit, 0)
                self.assertIn(words, " ".join((ran.out + ran.err).split()))
        wait_until(lambda: self.redis.client_names() == [], "no connection is left")

    def test_options_of_tls_for_a_plain_server_end_the_start(self):
        ran = run_tool("config", "check", REDIS_URL="redis://127.0.0.1", REDIS_TLS_CA_FILE=self.certificates.root)
        self.assertEqual(ran.exit, 2)
        self.assertIn("REDIS_URL=rediss://host:port, or unset it", " ".join(ran.out.split()))


if __name__ == "__main__":
    unittest.main()
