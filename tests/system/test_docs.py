# SPDX-License-Identifier: Apache-2.0
"""What the tool prints is documented, and what is documented runs."""

import pathlib
import re
import unittest

from tool import GOLDEN, run_tool

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


def section_of(text, schema):
    found = re.search(rf"^## `headroom\.{re.escape(schema)}`\n(.*?)(?=^## |\Z)", text,
                      re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


class Docs(unittest.TestCase):
    def test_every_key_of_the_tools_json_is_documented_in_its_commands_section(self):
        text = (DOCS / "headroom-json.md").read_text(encoding="utf-8")
        common = text.split("\n## ")[0]
        files = sorted(GOLDEN.glob("*.keys"))
        self.assertGreaterEqual(len(files), 3)
        missing = []
        for file in files:
            section = section_of(text, file.stem)
            self.assertNotEqual(section, "", f"{file.stem} has no section")
            for line in file.read_text(encoding="utf-8").splitlines():
                for key in re.split(r"\.|\[\]\.?", line.split(":")[0]):
                    if key and f"`{key}`" not in section + common:
                        missing.append(f"{file.stem}: {key}")
        self.assertEqual(sorted(set(missing)), [])

    def test_every_help_text_fits_80_columns_and_has_examples(self):
        def help_of(*words):
            ran = run_tool(*words, "--help")
            self.assertEqual((ran.exit, ran.err), (0, ""), words)
            self.assertLessEqual(max(map(len, ran.out.splitlines())), 80, (words, ran.out))
            self.assertIn("Examples:", ran.out, words)
            listed = ran.out.split("\nSubcommands:\n")[1:]
            return re.findall(r"^  (\S+)", listed[0].split("\n\n")[0], re.MULTILINE) if listed else []

        commands = help_of()
        self.assertEqual(sorted(commands),
                         ["check", "config", "holders", "limits", "plan", "raise", "top"])
        for command in commands:
            for inner in help_of(command):
                help_of(command, inner)


if __name__ == "__main__":
    unittest.main()
