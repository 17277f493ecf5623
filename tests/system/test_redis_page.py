# SPDX-License-Identifier: Apache-2.0
"""docs/redis.md shows what examples/redis_tour does, and leaves out no option and no error."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def enumerators(path, name):
    body = re.search(rf"enum class {name}\b[^{{]*\{{(.*?)\}};", (ROOT / path).read_text(encoding="utf-8"), re.DOTALL)[1]
    return re.findall(r"^\s*(\w+)(?: = \d+)?,", body, re.MULTILINE)


def members(path, name):
    """The data of a plain struct."""
    body = re.search(rf"^struct {name} \{{(.*?)^\}};", (ROOT / path).read_text(encoding="utf-8"),
                     re.DOTALL | re.MULTILINE)[1]
    statements = re.sub(r"//.*", "", body).split(";")
    return [re.search(r"(\w+)\s*(?:=.*|\{\})?$", each.strip(), re.DOTALL)[1] for each in statements
            if each.strip() and "operator" not in each]


class Page(unittest.TestCase):
    def setUp(self):
        self.text = (ROOT / "docs/redis.md").read_text(encoding="utf-8")

    def section(self, title):
        found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", self.text, re.MULTILINE | re.DOTALL)
        self.assertIsNotNone(found, title)
        return found[1]

    def test_what_the_page_shows_stands_in_the_tour(self):
        def squeezed(text):
            return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())

        tour = squeezed((ROOT / "examples/redis_tour/main.cpp").read_text(encoding="utf-8"))
        shown = re.findall(r"^```cpp\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)
        self.assertGreaterEqual(len(shown), 10)
        for block in shown:
            self.assertIn(squeezed(block), tour)

    def test_every_option_has_its_row(self):
        self.expect_rows("Options", (("src/redis/client.hpp", "client_options"),
                                     ("src/pool/core/pool_core.hpp", "limits"),
                                     ("src/redis/core/retry_policy.hpp", "retry_rules"),
                                     ("src/redis/endpoint.hpp", "endpoint"),
                                     ("src/net/tls_options.hpp", "tls_options")))
        self.expect_rows("Channels", (("src/redis/subscriber.hpp", "subscriber_options"),
                                      ("src/redis/core/message_queue.hpp", "stream_bounds")))

    def test_options_of_scripts_and_guards_have_their_rows(self):
        for path, name in (("src/redis/script.hpp", "script_options"),
                           ("src/redis/guarded_publisher.hpp", "guard_options")):
            for member in members(path, name):
                self.assertRegex(self.text, rf"(?m)^\| `{name}::{member}` \|")

    def expect_rows(self, title, structs):
        section = self.section(title)
        for path, name in structs:
            found = members(path, name)
            self.assertGreaterEqual(len(found), 2, name)
            for member in found:
                self.assertRegex(section, rf"(?m)^\|[^|]*\b{member}[`.]", f"{name}::{member}")

    def test_every_error_has_its_row(self):
        errors = self.section("Errors")
        for path, name in (("src/redis/redis_error.hpp", "redis_errc"), ("src/pool/pool_error.hpp", "pool_errc")):
            found = enumerators(path, name)
            self.assertGreaterEqual(len(found), 5, name)
            for each in found:
                self.assertRegex(errors, rf"(?m)^\| `{each}` \|", f"{name}::{each}")

    def test_the_table_of_what_a_server_says_is_that_of_the_code(self):
        source = (ROOT / "src/redis/core/server_reactions.cpp").read_text(encoding="utf-8")
        rows = re.findall(r"\{\.word = (.*?)\},", source, re.DOTALL)
        self.assertGreaterEqual(len(rows), 20)
        for row in rows:
            word = row.split('"')[1]
            advice = re.search(r'\.advice =\s+"(.*?)"', row, re.DOTALL)[1]
            outcome = "refused" if "outcome::refused" in row else "server_error"
            does = [said for mark, said in (("with_backoff", "again later"), ("on_another", "again at once"),
                                            ("replaces_connections", "new connections"),
                                            ("pool_backs_off", "dials later")) if mark in row]
            line = f"| `{word}` | `{outcome}` | {', '.join(does) or 'tells'} | {advice} |"
            self.assertIn("\n" + line + "\n", self.text)


if __name__ == "__main__":
    unittest.main()
