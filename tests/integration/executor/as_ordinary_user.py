#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a test program as a user who is not root, from a copy in a folder which that user may enter.

usage: as_ordinary_user.py TEST_PROGRAM FILE_BESIDE_IT... [-- OPTION...]

Started by an ordinary user, it runs the test program as that user.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

# Not nobody, as whom root's executions run; no entry of any passwd file.
USER = 65533


def main():
    words = sys.argv[1:]
    split = words.index('--') if '--' in words else len(words)
    files, options = words[:split], words[split + 1:]
    with tempfile.TemporaryDirectory(prefix='hr-ordinary-', dir='/tmp') as folder:
        os.chmod(folder, 0o755)
        copies = [shutil.copy(file, folder) for file in files]
        for copy in copies:
            os.chmod(copy, 0o755)
        user = {'user': USER, 'group': USER, 'extra_groups': []} if os.geteuid() == 0 else {}
        return subprocess.run([pathlib.Path(copies[0]), *options], cwd='/', stdin=subprocess.DEVNULL, **user).returncode


if __name__ == '__main__':
    sys.exit(main())
