# SPDX-License-Identifier: Apache-2.0
"""Runs the operator's tool as a user does, and compares what it prints with golden files: the same
text, but for what differs from run to run. UPDATE_GOLDEN=1 writes the files anew, to be read."""

import difflib
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import tempfile
import time

# Runs a program and writes its peak memory, in KiB, to a file.
MEASURE = """
import os, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
status, usage = os.wait4(child, 0)[1:]
open(sys.argv[1], 'w').write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"


class Ran:
    def __init__(self, process, seconds, peak_kilobytes):
        self.exit, self.out, self.err = process.returncode, process.stdout, process.stderr
        self.seconds, self.peak_kilobytes = seconds, peak_kilobytes

    @property
    def json(self):
        return json.loads(self.out)


def run_tool(*words, cwd="/", stdin=None, timeout=60, **environment):
    """The environment is empty but for PATH and what is given."""
    settings = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "COLUMNS": "80", "HOME": "/nonexistent"}
    settings |= {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    began = time.monotonic()  # with the 20 ms of the interpreter that measures
    with tempfile.NamedTemporaryFile("r") as peak:
        # getrusage(RUSAGE_CHILDREN) tells of the largest child of all time; time(1) of this one.
        process = subprocess.run(["/usr/bin/env", "python3", "-c", MEASURE, peak.name,
                                  os.environ["TOOL"], *words],
                                 cwd=cwd, env=settings | environment, text=True, input=stdin or "",
                                 capture_output=True, timeout=timeout, check=False)
        return Ran(process, time.monotonic() - began, int(peak.read() or 0))


def without_accidents(text, *replacements):
    """`replacements` are pairs of a regular expression and what stands for what it finds."""
    for pattern, word in replacements:
        text = re.sub(pattern, word, text)
    return text


def compare_with_golden(test, name, text):
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    difference = "\n".join(difflib.unified_diff(expected.splitlines(), text.splitlines(),
                                                f"golden/{name}", "printed", lineterm=""))
    test.assertEqual(difference, "", f"\n{difference}\n(UPDATE_GOLDEN=1 writes it anew)")


def keys_of(value, path=""):
    """The shape of a JSON document: every key with the type of its value, sorted."""
    if isinstance(value, dict):
        shape = set()
        for key, inner in value.items():
            shape |= keys_of(inner, f"{path}.{key}" if path else key)
        return shape or {f"{path}: {{}}"}
    if isinstance(value, list):
        shape = set()
        for inner in value:
            shape |= keys_of(inner, f"{path}[]")
        return shape or {f"{path}: []"}
    kind = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
    return {f"{path}: {kind[type(value)]}"}


def open_redis(path, *commands):
    """A client that stays, after the inline commands it said."""
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(10)
    peer.connect(path)
    for command in commands:
        peer.sendall(command.encode() + b"\r\n")
        peer.recv(4096)
    return peer


class PostgresSession:
    """One session over the wire protocol, for servers that trust us: it stays in the state that its
    last statement left. https://www.postgresql.org/docs/15/protocol-message-formats.html"""

    def __init__(self, folder, name, user="owner", database="postgres"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(os.path.join(folder, ".s.PGSQL.5432"))
        words = ["user", user, "database", database, "application_name", name]
        body = struct.pack("!i", 196608) + b"".join(word.encode() + b"\0" for word in words) + b"\0"
        self.socket.sendall(struct.pack("!i", len(body) + 4) + body)
        self._buffer = b""
        self.wait_ready()

    def _message(self):
        while len(self._buffer) < 5 or len(self._buffer) < 1 + struct.unpack("!i", self._buffer[1:5])[0]:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("Postgres closed the session")
            self._buffer += piece
        size = 1 + struct.unpack("!i", self._buffer[1:5])[0]
        message, self._buffer = self._buffer[:size], self._buffer[size:]
        return message[:1], message[5:]

    def wait_ready(self):
        error = None
        while True:
            kind, body = self._message()
            if kind == b"E":
                error = body.decode(errors="replace")
                if self.socket.fileno() < 0:
                    raise ConnectionError(error)
            if kind == b"Z":
                return error

    def send(self, sql):
        """Does not wait for the answer."""
        body = sql.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!i", len(body) + 4) + body)

    def run(self, sql):
        """The error's text, or None."""
        self.send(sql)
        return self.wait_ready()

    def call_function(self, oid, *arguments):
        """Through the fastpath; does not wait for the answer. Arguments are binary."""
        body = struct.pack("!ihhh", oid, 1, 1, len(arguments))
        for argument in arguments:
            body += struct.pack("!i", len(argument)) + argument
        body += struct.pack("!h", 1)
        self.socket.sendall(b"F" + struct.pack("!i", len(body) + 4) + body)

    def close(self):
        self.socket.close()
