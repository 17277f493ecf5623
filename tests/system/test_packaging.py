# SPDX-License-Identifier: Apache-2.0
"""The image of executors holds all that chat-executor loads: a package that is forgotten shows only in a container."""

import os
import pathlib
import re
import subprocess
import unittest

DOCKERFILE = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "chat-executor.Dockerfile"
# What debian:12-slim brings.
IN_EVERY_DEBIAN = {"libc6", "libgcc-s1", "libstdc++6"}


def package_of(library):
    """The Debian package that owns a library, told by its name: /lib is a link to /usr/lib."""
    told = subprocess.run(["dpkg", "--search", f"*/{pathlib.Path(library).name}"], capture_output=True, text=True,
                          check=True)
    return {line.split(":")[0] for line in told.stdout.splitlines()}


class Packaging(unittest.TestCase):
    def test_the_image_installs_every_library_that_chat_executor_loads(self):
        loaded = subprocess.run(["ldd", os.environ["CHAT_EXECUTOR"]], capture_output=True, text=True, check=True)
        libraries = re.findall(r"=> (/\S+)", loaded.stdout)
        self.assertGreater(len(libraries), 4, loaded.stdout)
        installed = set(re.findall(r"^\s+([a-z0-9.+-]+) \\$", DOCKERFILE.read_text(), re.M))
        self.assertIn("python3", installed)
        for library in libraries:
            self.assertTrue(package_of(library) & (installed | IN_EVERY_DEBIAN),
                            f"{library} is of {package_of(library)}, which {DOCKERFILE.name} does not install")

    def test_the_image_holds_every_program_of_an_executor(self):
        copied = re.search(r"^COPY (.*) /usr/local/bin/$", DOCKERFILE.read_text(), re.M).group(1).split()
        self.assertEqual(copied, ["chat-executor", "chat-executor-init", "chat-emit"])
        folder = pathlib.Path(os.environ["CHAT_EXECUTOR"]).parent
        for name in copied:
            self.assertTrue(os.access(folder / name, os.X_OK), name)


if __name__ == "__main__":
    unittest.main()
