# SPDX-License-Identifier: Apache-2.0
"""Starts chat-executor as a worker does, with pipes, and reads its reports. Not a worker: it waits
for no turn and bounds nothing."""

import contextlib
import copy
import json
import os
import signal
import socket
import subprocess
import threading

from chatd import PATIENCE, as_user, wait_until

PASSWORD = "a-password-that-must-not-be-seen"
SESSION = "00112233445566778899aabbccddeeff"
CONVERSATION = "0c0ffee0-0000-4000-8000-000000000000"
TURN = "0c0ffee0-0000-4000-8000-000000000001"

LIMITS = {"wall_time_ms": 60_000, "cpu_time_ms": 30_000, "memory_bytes": 512 << 20, "processes": 64,
          "open_files": 256, "file_bytes": 64 << 20, "folder_bytes": 256 << 20,
          "folder_entries": 10_000, "output_bytes": 256 << 10, "events": 2_000,
          "events_per_second": 100, "files_listed": 100}


def comm_of(redis, execution_id="e1", password=PASSWORD, **changed):
    """Where events go: the user "executor" of a PrivateRedis made with `credentials()`."""
    spec = {"redis": {"unix_path": redis.socket_path, "username": "executor",
                      "password": password, "database": 0},
            "name_prefix": "chat",
            "execution_id": execution_id, "tenant": "home", "project": "default",
            "session_id": SESSION, "conversation_id": CONVERSATION, "turn_id": TURN}
    return spec | changed


def credentials():
    """Words of redis-server's command line."""
    return ["--user", "executor", "on", f">{PASSWORD}", "~*", "&*", "+@all"]


def order_of(source=None, language="bash", arguments=None, comm=None, execution_id="e1",
             environment=None, **limits):
    program = {"arguments": arguments} if arguments else {"language": language, "source": source}
    order = {"execution": {"execution_id": execution_id, "program": program,
                           "environment": environment or {}, "limits": LIMITS | limits,
                           "may_run_unsandboxed": False, "is_in_container": False}}
    if comm:
        order["comm"] = comm
    return order


class Execution:
    """One chat-executor and the order it got. `order` may also be the bytes of its standard
    input; None: nothing is written. `before`: a command line that starts it."""

    def __init__(self, program, order, user=None, before=()):
        environment = {"PATH": "/usr/bin:/bin"}
        # Sanitizers tell where a leak or a race is through these.
        environment |= {name: value for name, value in os.environ.items()
                        if name.endswith("SAN_OPTIONS")}
        self.process = subprocess.Popen([*before, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment, cwd="/",
                                        **as_user(user))
        self.reports = []
        self.errors = ""
        self.threads = [threading.Thread(target=self._read_reports, daemon=True),
                        threading.Thread(target=self._read_errors, daemon=True)]
        for thread in self.threads:
            thread.start()
        if order is not None:
            self.write(order if isinstance(order, bytes) else json.dumps(order).encode() + b"\n")

    def _read_reports(self):
        with contextlib.suppress(ValueError):
            for line in self.process.stdout:
                self.reports.append(json.loads(line))

    def _read_errors(self):
        self.errors = self.process.stderr.read().decode()

    @property
    def pid(self):
        return self.process.pid

    def write(self, data):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def cancel(self):
        self.write(b'{"cancel":true}\n')

    def close_input(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def text(self, channel="stdout"):
        return "".join(report["text"] for report in copy.copy(self.reports)
                       if report["report"] == "output" and report["from"] == channel)

    def wait_text(self, text, within=PATIENCE):
        wait_until(lambda: text in self.text() or self.process.poll() is not None, text, within)
        if text not in self.text():
            raise AssertionError(f"it ended without {text!r}: {self.reports} {self.errors}")
        return self

    def wait_code(self, within=PATIENCE):
        """The exit code, when all it wrote has been read."""
        code = self.process.wait(within)
        for thread in self.threads:
            thread.join(within)
        return code

    def wait_ended(self, within=PATIENCE):
        """The ended report, when chat-executor has ended with 0."""
        code = self.wait_code(within)
        if code != 0 or not self.reports or self.reports[-1]["report"] != "ended":
            raise AssertionError(f"ended with {code}: {self.reports} {self.errors}")
        return self.reports[-1]

    def discard(self):
        """However a test ended, nothing of it goes on."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


class RedisAsker:
    """One connection to a private Redis that is kept, so that asking opens none."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.reader = self.socket.makefile("rb")

    def ask(self, *words):
        request = b"*%d\r\n" % len(words)
        for word in words:
            request += b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode())
        self.socket.sendall(request)
        return self._reply()

    def _reply(self):
        line = self.reader.readline().rstrip(b"\r\n").decode()
        kind, rest = line[:1], line[1:]
        if kind == "$":
            size = int(rest)
            return None if size < 0 else self.reader.read(size + 2)[:-2].decode()
        if kind == "*":
            return [self._reply() for _ in range(int(rest))]
        if kind == "-":
            raise AssertionError(rest)
        return int(rest) if kind == ":" else rest

    def info(self, field):
        for line in self.ask("INFO").splitlines():
            if line.startswith(field + ":"):
                return int(line.partition(":")[2])
        raise AssertionError(f"INFO has no {field}")

    def events(self):
        """(event name, its data) of the session's history, in order."""
        found = []
        for _, fields in self.ask("XRANGE", "{home:default}:history:" + SESSION, "-", "+"):
            name, _, data = fields[1].partition(" ")
            found.append((name, json.loads(data)))
        return found

    def steps(self):
        return [data for name, data in self.events() if name == "chat_step"]

    def close(self):
        self.reader.close()
        self.socket.close()


def pids_with(word):
    """Processes whose command line has the word, on the whole host."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if word.encode() in file.read():
                    found.append(int(name))
    return found
