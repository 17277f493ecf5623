# SPDX-License-Identifier: Apache-2.0
"""Starts and stops chatd and private servers for system tests, and asks the servers themselves who
is connected. Not a client of the service: its words are HTTP, CLIENT LIST and pg_stat_activity."""

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE = 40.0  # seconds, for whatever should take less than one
# Programs that chatd looks for in its own folder.
BESIDE_CHATD = ("chat-executor", "chat-executor-init", "chat-emit")


def wait_until(condition, what, within=PATIENCE):
    """The first true value of `condition()`; fails when none comes in time."""
    by = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > by:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.05)  # between two looks


def ordinary_user():
    """Whom to run as: Postgres refuses root, and root's chatd would use /var/lib/headroom."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def as_user(user):
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def postgres_program(name):
    found = shutil.which(name)
    if found:
        return os.path.realpath(found)
    root = "/usr/lib/postgresql"
    versions = sorted(os.listdir(root), key=float) if os.path.isdir(root) else []
    return os.path.join(root, versions[-1], "bin", name) if versions else name


class Folder:
    """A temporary folder of the ordinary user, and chatd, or another program like it, with what it
    needs beside it, where that user can execute it."""

    def __init__(self, chatd=None):
        self.user = ordinary_user()
        self.path = tempfile.mkdtemp(prefix="hr-system-")
        program = self.chatd = chatd or os.environ["CHATD"]
        if self.user:
            self.chatd = self.copy(program, "chatd")
            for name in BESIDE_CHATD:
                self.copy(os.path.join(os.path.dirname(os.environ["CHATD"]), name), name)
            os.chown(self.path, self.user.pw_uid, self.user.pw_gid)

    def copy(self, program, name):
        path = os.path.join(self.path, name)
        shutil.copy2(program, path)
        os.chmod(path, 0o755)
        return path

    def make(self, name):
        path = os.path.join(self.path, name)
        os.makedirs(path, exist_ok=True)
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Chatd:
    """One chatd in a working folder. `settings` are environment variables; the rest of the
    environment is empty but for PATH."""

    def __init__(self, folder, working_folder, **settings):
        self.working_folder = working_folder
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "CHAT_APP_PORT": "0",
                       "CHAT_ADMIN_PORT": "0", "REDIS_MAX_CONNECTIONS": "6"}
        # Sanitizers tell where a leak or a race is through these.
        environment |= {name: value for name, value in os.environ.items()
                        if name.endswith("SAN_OPTIONS")}
        environment |= settings
        self.errors_path = os.path.join(working_folder, "chatd.err")
        self.output_path = os.path.join(working_folder, "chatd.out")
        with open(self.errors_path, "wb") as errors, open(self.output_path, "wb") as output:
            self.process = subprocess.Popen([folder.chatd], cwd=working_folder, env=environment,
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                            **as_user(folder.user))
        self.url = self.admin = None

    @property
    def output(self):
        with open(self.output_path, encoding="utf-8") as file:
            return file.read()

    @property
    def errors(self):
        with open(self.errors_path, encoding="utf-8") as file:
            return file.read()

    def wait_ready(self, within=PATIENCE):
        pattern = re.compile(r"chatd is ready: (http://\S+)  \(admin (http://\S+)\)\n")

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"chatd ended with {self.process.returncode}:\n{self.errors}")
            return pattern.fullmatch(self.output)

        match = wait_until(ready, f"chatd is ready; its log:\n{self.errors}", within)
        self.url, self.admin = match.groups()
        return self

    def wait_ended(self, within=PATIENCE):
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"chatd does not end; its log:\n{self.errors}") from None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Ordered; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait_ended()

    def discard(self):
        """However a test ended, nothing of it goes on."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def record(self):
        with open(os.path.join(self.working_folder, ".headroom", "run.json"),
                  encoding="utf-8") as file:
            return json.load(file)

    def monitoring(self):
        return get_json(self.admin + "/monitoring/system")[1]


def get_json(url, headers=None):
    """(status, JSON body)"""
    request = urllib.request.Request(url, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


class PrivateRedis:
    def __init__(self, folder, name="redis", options=()):
        """`options`: words of its command line, such as "--maxclients", "20"."""
        data = folder.make(name)
        self.socket_path = os.path.join(data, "r.sock")
        self.url = f"unix://{self.socket_path}"
        self.user, self.data, self.options = folder.user, data, list(options)
        self.start()

    def start(self):
        """Also after kill(): it comes back empty, as a cache without persistence does."""
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket_path, "--dir", self.data,
             "--save", "", "--logfile", os.path.join(self.data, "log"), *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=self.data,
            **as_user(self.user))
        wait_until(lambda: self.ask("PING") == "+PONG", "Redis answers")

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def ask(self, command):
        """The whole reply to one inline command; None when it cannot be asked, and for a null."""
        try:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(5)
                peer.connect(self.socket_path)
                peer.sendall(command.encode() + b"\r\n")
                reader = peer.makefile("rb")
                line = reader.readline().decode().rstrip("\r\n")
                if line == "$-1":
                    return None
                return reader.read(int(line[1:])).decode() if line.startswith("$") else line
        except OSError:
            return None

    def client_names(self):
        """The names of all clients but of the one who asks."""
        names = []
        for line in (self.ask("CLIENT LIST") or "").splitlines():
            fields = dict(part.split("=", 1) for part in line.split(" ") if "=" in part)
            if fields.get("cmd") != "client|list":
                names.append(fields.get("name", ""))
        return names

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


class PrivatePostgres:
    def __init__(self, folder, name="pg", options=()):
        """`options`: words of its command line, such as "-c", "max_connections=20"."""
        self.user, self.options = folder.user, list(options)
        self.folder = folder.make(name)
        data = os.path.join(self.folder, "data")
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": self.folder,
                 **as_user(self.user)}
        subprocess.run([postgres_program("initdb"), "-D", data, "-U", "owner", "-A", "trust",
                        "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"], check=True, **quiet)
        self.data = data
        self.start()

    def start(self):
        """Also after kill(): the children of the killed postmaster hold its shared memory for a
        moment, and until then a new one ends at once."""

        def answers():
            if self.process is None or self.process.poll() is not None:
                with open(os.path.join(self.folder, "log"), "ab") as errors:
                    self.process = subprocess.Popen(
                        [postgres_program("postgres"), "-D", self.data, "-c", "listen_addresses=",
                         "-c", f"unix_socket_directories={self.folder}", "-c", "fsync=off",
                         *self.options],
                        stderr=errors, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                        cwd=self.folder, **as_user(self.user))
            return self.rows("SELECT 1") == ["1"]

        self.process = None
        wait_until(answers, "Postgres answers")

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    @property
    def settings(self):
        return {"PGHOST": self.folder, "PGUSER": "owner", "PGDATABASE": "postgres"}

    def rows(self, query):
        """Each row as text; None when it cannot be asked."""
        ran = subprocess.run(["psql", "-XAtq", "-h", self.folder, "-U", "owner", "-d", "postgres",
                              "-c", query], capture_output=True, text=True, timeout=30,
                             cwd=self.folder, **as_user(self.user), check=False)
        return ran.stdout.splitlines() if ran.returncode == 0 else None

    def client_names(self):
        """The names of all clients but psql."""
        return self.rows("SELECT application_name FROM pg_stat_activity "
                         "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)
