# SPDX-License-Identifier: Apache-2.0
"""The program chat-executor as a worker starts it: how programs end, and what is left of them."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import unittest
import uuid

from chatd import PATIENCE, Folder, PrivateRedis, as_user, is_alive, ordinary_user, wait_until
from executor import (PASSWORD, Execution, credentials, comm_of, order_of, pids_with)

PROGRAM = os.path.abspath(os.environ["CHAT_EXECUTOR"])


class ExecutorCase(unittest.TestCase):
    """Runs chat-executor as an ordinary user."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Folder(PROGRAM)
        cls.program = cls.folder.chatd

    @classmethod
    def tearDownClass(cls):
        cls.folder.remove()

    def execute(self, order, **how):
        execution = Execution(self.program, order, **{"user": self.folder.user} | how)
        self.addCleanup(execution.discard)
        return execution

    def run_source(self, source, **how):
        execution = self.execute(order_of(source, **how))
        return execution, execution.wait_ended()


class Ends(ExecutorCase):
    def test_runs_bash_and_python_and_reports_their_output(self):
        for language, source in (
                ("bash", "echo out; echo err >&2; echo kept > $CHAT_OUTPUT_DIR/a.txt; exit 3"),
                ("python3", "import os, sys\nprint('out')\nprint('err', file=sys.stderr)\n"
                            "open(os.environ['CHAT_OUTPUT_DIR'] + '/a.txt', 'w').write('kept\\n')\n"
                            "sys.exit(3)")):
            with self.subTest(language):
                execution, ended = self.run_source(source, language=language)
                self.assertEqual([report["report"] for report in execution.reports][0], "started")
                self.assertEqual(execution.text("stdout"), "out\n")
                self.assertEqual(execution.text("stderr"), "err\n")
                self.assertEqual(ended["exit_code"], 3)
                self.assertEqual(ended["files"], [{"name": "a.txt", "bytes": 5}])
                self.assertEqual((ended["output_bytes"], ended["error_bytes"]), (4, 4))
                self.assertEqual(execution.errors, "")

    def test_runs_a_program_with_its_arguments_as_they_are(self):
        words = ["/usr/bin/printf", "%s|", "a b", "", "$HOME", "\u00e4\n"]
        execution = self.execute(order_of(arguments=words))
        self.assertEqual(execution.wait_ended()["exit_code"], 0)
        self.assertEqual(execution.text(), "a b||$HOME|\u00e4\n|")

    def test_reports_every_kind_of_end_exactly(self):
        how = ("exit_code", "signal", "start_error", "stopped")
        for what, order, expected in (
                ("exit 0", order_of("exit 0"), {"exit_code": 0}),
                ("exit 255", order_of("exit 255"), {"exit_code": 255}),
                ("exit 137, no signal", order_of("exit 137"), {"exit_code": 137}),
                ("signal 9", order_of("kill -9 $$"), {"signal": 9}),
                ("signal 11", order_of("kill -SEGV $$"), {"signal": 11}),
                ("wall time", order_of("sleep 60", wall_time_ms=300),
                 {"signal": 9, "stopped": "wall_time"}),
                ("processor time", order_of("while :; do :; done", cpu_time_ms=1000),
                 {"signal": 9, "stopped": "cpu_time"})):
            with self.subTest(what):
                ended = self.execute(order).wait_ended()
                self.assertEqual({name: ended[name] for name in how if name in ended}, expected)

    def test_reports_why_a_program_was_never_run(self):
        for order, reason in ((order_of(arguments=["/usr/bin/no-such-program"]), "no-such-program"),
                              (order_of(arguments=["/etc"]), "/etc"),
                              (order_of("x", language="cobol"), "cobol")):
            with self.subTest(reason):
                execution = self.execute(order)
                ended = execution.wait_ended()
                self.assertIn(reason, ended["start_error"])
                self.assertNotIn("exit_code", ended)

    def test_a_cancelled_program_ends_and_is_reported(self):
        execution = self.execute(order_of("echo ready; sleep 60")).wait_text("ready")
        execution.cancel()
        ended = execution.wait_ended()
        self.assertEqual((ended["signal"], ended["stopped"]), (9, "cancelled"))

    def test_a_cancellation_right_behind_the_order_ends_it(self):
        execution = self.execute(order_of("sleep 60"))
        execution.cancel()
        self.assertEqual(execution.wait_ended()["stopped"], "cancelled")

    def test_termination_of_the_executor_is_a_cancellation(self):
        execution = self.execute(order_of("echo ready; sleep 60")).wait_text("ready")
        execution.process.send_signal(signal.SIGTERM)
        self.assertEqual(execution.wait_ended()["stopped"], "cancelled")

    def test_a_line_that_is_no_cancellation_is_told_and_ignored(self):
        execution = self.execute(order_of("echo ready; read -t 1 < <(sleep 1); exit 4"))
        execution.wait_text("ready").write(b"nonsense\n")
        self.assertEqual(execution.wait_ended()["exit_code"], 4)
        self.assertIn("a line on standard input is not understood", execution.errors)


class Output(ExecutorCase):
    def test_output_beyond_its_bound_is_counted(self):
        execution, ended = self.run_source("head -c 1000000 /dev/zero | tr '\\0' x; echo -n err >&2",
                                           output_bytes=1000)
        self.assertEqual(execution.text(), "x" * 1000)
        self.assertEqual((ended["output_truncated"], ended["output_bytes"]), (True, 1_000_000))
        self.assertEqual((ended["error_truncated"], ended["error_bytes"]), (False, 3))

    def test_bytes_that_are_no_text_are_shown_as_such(self):
        execution, ended = self.run_source(r"printf '\xff\xc3\xa4\x00\xe4\xb8'")
        self.assertEqual(execution.text(), "\ufffd\u00e4\0\ufffd")
        self.assertEqual(ended["output_bytes"], 6)

    def test_a_character_written_in_two_pieces_is_one(self):
        source = ("import os, time\nfor byte in '\u4e2d\u00e4'.encode() * 20:\n"
                  "    os.write(1, bytes([byte])); time.sleep(0.001)\n")  # between looks
        execution, _ = self.run_source(source, language="python3")
        self.assertEqual(execution.text(), "\u4e2d\u00e4" * 20)

    def test_endless_output_ends_with_the_program(self):
        execution, ended = self.run_source("yes", wall_time_ms=500)
        self.assertEqual(ended["stopped"], "wall_time")
        self.assertEqual(len(execution.text()), 256 << 10)
        self.assertGreater(ended["output_bytes"], 256 << 10)

    def test_the_output_of_a_child_that_outlives_the_program_does_not_hold_up_the_report(self):
        _, ended = self.run_source("setsid sleep 600 & echo done")
        self.assertEqual(ended["exit_code"], 0)
        self.assertLess(ended["wall_time_ms"], 10_000)

    def test_limits_hold_while_the_worker_does_not_read(self):
        """The reports fill their pipe; the program ends at its limit all the same."""
        process = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **as_user(self.folder.user))
        with process:
            order = order_of("yes", wall_time_ms=500)
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            self.assertEqual(process.wait(PATIENCE), 1)
            self.assertIn(b"the worker does not read", process.stderr.read())


class Orders(ExecutorCase):
    def test_an_order_that_is_none_is_refused_with_a_sentence(self):
        silent = self.execute(None)  # refused at its deadline: see below
        good = order_of("true")
        for what, data, sentence in (
                ("no JSON", b"hello\n", "the order is no valid JSON"),
                ("no order", b"{}\n", "execution is missing"),
                ("a surprise", b'{"execution":1,"x":2}\n', "execution must be an object"),
                ("no UTF-8", b'{"\xff":1}\n', "the order is not UTF-8"),
                ("too long", b"x" * (3 << 20), "the order is longer than 2097152 bytes"),
                ("cut", b'{"execution":', None),
                ("empty", b"", None)):
            with self.subTest(what):
                execution = self.execute(data)
                if sentence is None:
                    execution.close_input()
                    sentence = "standard input ended before a whole order had come"
                self.assertEqual(execution.wait_code(), 2)
                self.assertIn(sentence, execution.errors)
                self.assertEqual(execution.reports, [])
        for name, value in (("wall_time_ms", 0), ("events", -1), ("processes", "many")):
            with self.subTest(name):
                bad = order_of("true", **{name: value})
                execution = self.execute(bad)
                self.assertEqual(execution.wait_code(), 2)
                self.assertIn(f"execution.limits.{name} must be", execution.errors)
        self.assertEqual(self.execute(good).wait_ended()["exit_code"], 0)
        self.assertEqual(silent.wait_code(), 2)
        self.assertIn("no whole order came on standard input in time", silent.errors)

    def test_says_what_it_is_when_started_by_hand(self):
        terminal, other_end = pty.openpty()
        self.addCleanup(os.close, terminal)
        ran = subprocess.run([self.program], stdin=other_end, capture_output=True, text=True,
                             timeout=PATIENCE, check=False)
        os.close(other_end)
        self.assertEqual(ran.returncode, 64)
        self.assertIn("not by hand", ran.stderr)

    def test_refuses_files_as_its_pipes(self):
        ran = subprocess.run([self.program], stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, timeout=PATIENCE, check=False)
        self.assertEqual(ran.returncode, 2)
        self.assertIn("must be pipes or sockets", ran.stderr)

    def test_tells_usage_and_version(self):
        for word, text in (("--help", "usage: chat-executor"), ("--version", "chat-executor 0.")):
            ran = subprocess.run([self.program, word], stdin=subprocess.DEVNULL, text=True,
                                 capture_output=True, timeout=PATIENCE, check=False)
            self.assertEqual((ran.returncode, ran.stderr), (0, ""))
            self.assertIn(text, ran.stdout)
        ran = subprocess.run([self.program, "--what"], stdin=subprocess.DEVNULL, text=True,
                             capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(ran.returncode, 64)


class WithoutNamespaces(ExecutorCase):
    """On a host that forbids user namespaces, as one inside bubblewrap is."""

    forbidding = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--gid", "1000",
                  "--disable-userns", "--"]

    def run_here(self, source, may_run_unsandboxed):
        order = order_of(source)
        order["execution"]["may_run_unsandboxed"] = may_run_unsandboxed
        execution = self.execute(order, before=self.forbidding)
        return execution, execution.wait_ended()

    def test_is_refused_with_the_reason_and_what_to_do(self):
        execution, ended = self.run_here("echo ran", False)
        self.assertEqual([report["report"] for report in execution.reports], ["ended"])
        self.assertNotIn("exit_code", ended)
        for word in ("bubblewrap", "namespace", "CHAT_EXECUTOR_UNSANDBOXED=1"):
            self.assertIn(word, ended["start_error"])

    def test_runs_where_that_is_allowed_and_says_so(self):
        execution, ended = self.run_here("echo ran; exit 4", True)
        self.assertEqual((execution.text(), ended["exit_code"]), ("ran\n", 4))
        started = execution.reports[0]
        walls = started["walls"]
        self.assertEqual((started["report"], walls["by"], walls["network"]), ("started", "none", True))
        self.assertIn("namespace", walls["without"])

    def test_limits_hold_and_nothing_is_left_all_the_same(self):
        word = "lives-" + uuid.uuid4().hex
        order = order_of(f"(setsid bash -c 'while :; do sleep 1; done; : {word}' &); sleep 600",
                         wall_time_ms=500)
        order["execution"]["may_run_unsandboxed"] = True
        ended = self.execute(order, before=self.forbidding).wait_ended()
        self.assertEqual(ended["stopped"], "wall_time")
        self.assertEqual(pids_with(word), [])


class WithoutPrograms(ExecutorCase):
    """On a host where a program is not installed."""

    def run_without(self, program, order):
        hiding = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", "/dev/null", program, "--"]
        execution = self.execute(order, before=hiding)
        ended = execution.wait_ended()
        self.assertEqual([report["report"] for report in execution.reports], ["ended"])
        self.assertNotIn("exit_code", ended)
        return ended["start_error"]

    def test_an_absent_interpreter_is_named_with_its_package(self):
        error = self.run_without("/usr/bin/python3", order_of("print(1)", language="py"))
        for word in ("python3 is not installed", "/usr/bin/python3", "package python3"):
            self.assertIn(word, error)

    def test_an_absent_bubblewrap_is_named_with_its_package(self):
        error = self.run_without("/usr/bin/bwrap", order_of("echo ran"))
        for word in ("bubblewrap is not here", "package bubblewrap", "CHAT_EXECUTOR_UNSANDBOXED=1"):
            self.assertIn(word, error)


class Orphans(ExecutorCase):
    def start_family(self, user):
        """A program with a child in a session of its own, and the word by which both are found."""
        word = "lives-" + uuid.uuid4().hex
        source = (f"setsid bash -c 'sleep 600; : {word}' & "
                  f"bash -c 'sleep 600; : {word}' & echo ready; wait")
        execution = self.execute(order_of(source), user=user).wait_text("ready")
        wait_until(lambda: len(pids_with(word)) == 2, "both run")
        return execution, word

    def users(self):
        yield self.folder.user
        if os.geteuid() == 0:
            yield None

    def test_the_end_of_its_input_leaves_no_process(self):
        for user in self.users():
            execution, word = self.start_family(user)
            execution.close_input()
            ended = execution.wait_ended()
            self.assertEqual((ended["signal"], ended["stopped"]), (9, "orphaned"))
            self.assertEqual(pids_with(word), [])
            self.assertIn("the worker is gone: standard input has ended", execution.errors)

    def test_a_reader_that_is_gone_ends_the_program(self):
        for user in self.users():
            word = "lives-" + uuid.uuid4().hex
            execution = self.execute(
                order_of(f"echo ready; while sleep 0.05; do echo {word}; done"), user=user)
            execution.wait_text("ready")
            execution.process.stdout.close()
            self.assertEqual(execution.wait_code(), 1)
            self.assertEqual(pids_with(word), [])

    def test_its_sudden_death_leaves_no_process(self):
        for user in self.users():
            execution, word = self.start_family(user)
            execution.process.kill()
            execution.process.wait(PATIENCE)
            wait_until(lambda found=word: not pids_with(found), "all are gone")

    def test_the_death_of_its_parent_leaves_no_process(self):
        """A worker that is killed: the kernel tells chat-executor so, though its standard input
        is held open by somebody else."""
        for user in self.users():
            word = "lives-" + uuid.uuid4().hex
            read_end, write_end = os.pipe()
            script = ("import subprocess, sys\n"
                      "one = subprocess.Popen([sys.argv[1]], stdin=int(sys.argv[2]))\n"
                      "one.wait()\n")
            parent = subprocess.Popen(["/usr/bin/python3", "-c", script, self.program, str(read_end)],
                                      pass_fds=[read_end], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, **as_user(user))
            os.close(read_end)
            with parent, contextlib.closing(os.fdopen(write_end, "wb")) as order:
                line = json.dumps(order_of(f"bash -c 'sleep 600; : {word}'"))
                order.write(line.encode() + b"\n")
                order.flush()
                wait_until(lambda found=word: pids_with(found), "it runs")
                parent.kill()
                wait_until(lambda found=word: not pids_with(found), "all are gone")


class Secrets(ExecutorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.redis = PrivateRedis(cls.folder, options=credentials())

    @classmethod
    def tearDownClass(cls):
        cls.redis.stop()
        super().tearDownClass()

    def start_emitting(self, user):
        order = order_of("chat-emit step one; env; echo ready; sleep 60",
                         comm=comm_of(self.redis))
        execution = self.execute(order, user=user).wait_text("ready")
        wait_until(lambda: any(name.endswith(":executor") for name in self.redis.client_names()),
                   "it has connected")
        return execution

    def test_the_password_is_in_no_argument_and_no_environment(self):
        for user in (self.folder.user, None):
            execution = self.start_emitting(user)
            looked_at = 0
            for name in filter(str.isdigit, os.listdir("/proc")):
                for what in ("cmdline", "environ"):
                    if int(name) == self.redis.process.pid:
                        continue  # the test itself gave it the password so
                    with contextlib.suppress(OSError):
                        with open(f"/proc/{name}/{what}", "rb") as file:
                            self.assertNotIn(PASSWORD.encode(), file.read(), f"{name} {what}")
                            looked_at += 1
            self.assertGreater(looked_at, 4)
            self.assertNotIn(PASSWORD, str(execution.reports) + execution.errors)
            execution.cancel()
            self.assertEqual(execution.wait_ended()["events"]["delivered"], 1)

    def test_its_memory_is_unreadable_for_its_own_user(self):
        execution = self.start_emitting(self.folder.user)
        look = ("import sys\n"
                "for name in ('mem', 'environ', 'maps', 'fd/0'):\n"
                "    try:\n"
                "        open(f'/proc/{sys.argv[1]}/{name}', 'rb').read(1)\n"
                "        print(name, 'was opened')\n"
                "    except PermissionError:\n"
                "        print(name, 'is refused')\n")
        ran = subprocess.run(["/usr/bin/python3", "-c", look, str(execution.pid)], text=True,
                             capture_output=True, timeout=PATIENCE, check=False, cwd="/",
                             **as_user(ordinary_user()))
        self.assertEqual(ran.stdout.splitlines(), [f"{name} is refused" for name in
                                                   ("mem", "environ", "maps", "fd/0")], ran.stderr)
        self.assertTrue(is_alive(execution.pid))


if __name__ == "__main__":
    unittest.main()
