#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the small rules of the house, file by file; formatting is clang-format's, layers check_layers.py's.

Looks at files that git tracks (without git: at all but build folders). Text in raw strings, tables and addresses may
be long; nothing else has exceptions.

usage: tidy.py [--self-test] [ROOT]
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

CPP = {'.cpp', '.hpp'}
CODE = CPP | {'.py', '.js', '.mjs', '.css', '.sh', '.cmake'}
TEXT = CODE | {'.md', '.txt', '.html', '.json', '.yaml', '.yml'}
COLUMNS = {'.cpp': 100, '.hpp': 100, '.md': 120, '.py': 120, '.js': 120, '.mjs': 120, '.css': 120, '.sh': 120,
           '.cmake': 120}
GENERATED = {'tests/browser/package-lock.json', 'LICENSE'}
OUTSIDE = {'build', 'node_modules', '.git', '.headroom', '__pycache__'}

BANNED_IN_FILE_NAMES = {'util', 'utils', 'helper', 'helpers', 'common', 'manager', 'impl', 'misc'}
BANNED_FILE_NAMES = {'data', 'info'}
BANNED_TYPE = re.compile(r'^\s*(?:class|struct)\s+(\w*?(?:util|utils|helper|manager|impl))\b(?!\s*;)')
NOTES = re.compile(r'\b(?:TODO|FIXME|XXX)\b')  # tidy: the pattern itself

# A test waits for a condition; only what does the waiting may pause: a function wait_…, or a line that says
# "between looks".
SLEEP = re.compile(r'\b(?:sleep_for|usleep|nanosleep|time\.sleep)\s*\(|\bsetTimeout\(\s*\w+\s*,|\bTimeout\(\s*\d{3,}')
FIXED_PORT = re.compile(r'\b(?:127\.0\.0\.1|localhost):\d{2,5}\b|["\']--port["\'],\s*["\']\d{2,5}'
                        r'|\bport\s*=\s*\d{4,5}\b')
KILL_BY_NAME = re.compile(r'\b(?:pkill|killall)\b')
SWITCHED_OFF = re.compile(r'\bDISABLED_\w+|\b(?:test|it|describe)\.(?:only|skip)\(|@unittest\.skip\b')
TEST_NAME = re.compile(r'^\s*(?:TEST|TEST_F|TEST_P|TYPED_TEST|RC_GTEST_PROP)\(\s*(\w+)\s*,\s*(\w+)')
SENTENCE = re.compile(r'(?:[A-Z][a-z0-9]*){2,}$')
NOT_A_NAME = re.compile(r'^(?:Works|Basic|Test|Simple)|(?:Works|Basic|Test\d*)$')

LINK = re.compile(r'(?<!!)\[[^\]]*\]\(([^)\s]+)\)')


def without_comment(line):
    return re.sub(r'(?<!:)//.*', '', line)


def lines_outside_raw_strings(text):
    """Yields number, line, whether it is within a raw string."""
    inside = None
    for number, line in enumerate(text.split('\n'), 1):
        was_inside = inside is not None
        rest = line
        while True:
            if inside is None:
                start = re.search(r'R"(\w*)\(', rest)
                if not start:
                    break
                inside, rest = f'){start.group(1)}"', rest[start.end():]
                was_inside = True
            end = rest.find(inside)
            if end < 0:
                break
            rest, inside = rest[end + len(inside):], None
        yield number, line, was_inside


def check_banner(name, path, suffix, text):
    if suffix not in CODE or suffix == '.cmake':
        return
    lines = text.split('\n', 3)
    first = 1 if lines[0].startswith('#!') else 0
    if 'SPDX-License-Identifier: Apache-2.0' not in lines[first]:
        yield f'{name}:{first + 1}: the first line names the licence: SPDX-License-Identifier: Apache-2.0'
    # A header speaks for its .cpp, a suite's name for its test.
    elif suffix in CPP and not (suffix == '.cpp' and path.with_suffix('.hpp').exists()) \
            and not path.stem.endswith('_test') and not lines[first + 1].startswith('// '):
        yield f'{name}:{first + 2}: after the licence, a line or two say what the file is and what it is not'
    if suffix == '.hpp' and '\n#pragma once\n' not in text:
        yield f'{name}:1: a header has #pragma once'


def check_name(name, path):
    words = set(path.stem.split('_'))
    if path.suffix in CODE and (words & BANNED_IN_FILE_NAMES or path.stem in BANNED_FILE_NAMES):
        yield f'{name}:1: a file is named after its one main type, not {path.stem!r}'


def check_white(name, suffix, text):
    if text and not text.endswith('\n'):
        yield f'{name}:{text.count(chr(10)) + 1}: the last line ends without a newline'
    limit = COLUMNS.get(suffix)
    for number, line, raw in lines_outside_raw_strings(text):
        if '\r' in line:
            yield f'{name}:{number}: a carriage return'
        if line.startswith(('<<' '<<<<< ', '>>' '>>>>> ')):
            yield f'{name}:{number}: what a merge left'
        if '\t' in line:
            yield f'{name}:{number}: a tab'
        if line != line.rstrip(' '):
            yield f'{name}:{number}: blanks at the end of the line'
        is_table = suffix == '.md' and line.lstrip().startswith('|')
        if limit and len(line) > limit and not raw and not is_table and '://' not in line:
            yield f'{name}:{number}: {len(line)} columns, at most {limit}'


def check_words(name, suffix, text):
    if suffix not in CODE:
        return
    for number, line in enumerate(text.split('\n'), 1):
        if NOTES.search(line) and 'tidy: the pattern itself' not in line:
            yield f'{name}:{number}: do it, or open an issue: no {NOTES.search(line).group()} stays'
        if suffix in CPP:
            named = BANNED_TYPE.match(line)
            if named:
                yield f'{name}:{number}: {named.group(1)} says nothing: name what it is'
            if '<boost/asio.hpp>' in line:
                yield f'{name}:{number}: include the narrow Asio headers: this one costs seconds a file'


def enclosing_function(lines, number, suffix):
    """The name of the function around a line, as far as indentation tells."""
    own = len(lines[number]) - len(lines[number].lstrip())
    head = re.compile(r'\bdef (\w+)' if suffix == '.py' else r'\b(\w+)\s*(?:=\s*)?\([^;]*\)?[^;]*\{\s*$')
    for line in reversed(lines[:number]):
        depth = len(line) - len(line.lstrip())
        found = head.search(line)
        if found and depth < own and found.group(1) not in ('for', 'while', 'if', 'switch', 'catch'):
            return found.group(1)
    return ''


def check_test(name, suffix, text):
    if not name.startswith('tests/') or suffix not in CODE:
        return
    lines = text.split('\n')
    for number, line in enumerate(lines):
        where = f'{name}:{number + 1}'
        code = without_comment(line)
        if SLEEP.search(code) and 'between looks' not in line \
                and not enclosing_function(lines, number, suffix).lower().startswith('wait'):
            yield f'{where}: no sleeping in tests: wait for a condition, with a deadline'
        if FIXED_PORT.search(code) and not name.startswith('tests/unit/'):
            yield f'{where}: ask the system for a port'
        if KILL_BY_NAME.search(code):
            yield f'{where}: end a process by its pid'
        if SWITCHED_OFF.search(code):
            yield f'{where}: a test that is switched off proves nothing: mend or remove it'
        test = TEST_NAME.match(line.replace('DISABLED_', ''))
        if test and (not SENTENCE.match(test.group(2)) or NOT_A_NAME.search(test.group(2))):
            yield f'{where}: {test.group(2)} is no sentence that is true when the test passes'


def check_links(root, name, path, text):
    if path.suffix != '.md':
        return
    text = re.sub(r'```.*?```|`[^`\n]*`', lambda found: re.sub(r'[^\n]', ' ', found.group()), text, flags=re.S)
    for number, line in enumerate(text.split('\n'), 1):
        for target in LINK.findall(line):
            target = urllib.parse.unquote(target.split('#')[0])
            if not target or re.match(r'[a-z]+:', target):
                continue
            if not (path.parent / target).resolve().exists():
                yield f'{name}:{number}: the link to {target} leads nowhere'


def check_file(root, path):
    name = path.relative_to(root).as_posix()
    suffix = '.cmake' if path.name == 'CMakeLists.txt' else path.suffix
    if name in GENERATED or (suffix not in TEXT and path.name != 'dev'):
        return
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        yield f'{name}:1: not UTF-8'
        return
    suffix = '.sh' if path.name == 'dev' else suffix
    yield from check_banner(name, path, suffix, text)
    yield from check_name(name, path)
    yield from check_white(name, suffix, text)
    yield from check_words(name, suffix, text)
    yield from check_test(name, suffix, text)
    yield from check_links(root, name, path, text)


def files_of(root):
    # Also in a clone that belongs to somebody else.
    listed = subprocess.run(['git', '-c', 'safe.directory=*', '-C', root, 'ls-files', '-z'], capture_output=True)
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.decode().rstrip('\0').split('\0')
        return [root / name for name in names if (root / name).is_file()]
    return [path for path in root.rglob('*')
            if path.is_file() and not OUTSIDE & set(path.relative_to(root).parts)]


def check(root):
    return [fault for path in sorted(files_of(root)) for fault in check_file(root, path)]


LICENCE = '// SPDX-License-Identifier: Apache-2.0\n// A thing.\n'

# Planted faults: file, text, what the check must say of it.
PLANTED = [
    ('src/a.cpp', '#include <vector>\n', 'names the licence'),
    ('src/a.cpp', '// SPDX-License-Identifier: Apache-2.0\n#include <vector>\n', 'say what the file is'),
    ('src/a.hpp', LICENCE + 'struct a {};\n', '#pragma once'),
    ('src/a.cpp', LICENCE + 'int a() {\n\treturn 1;\n}\n', 'a tab'),
    ('src/a.cpp', LICENCE + 'int a(); \n', 'blanks at the end'),
    ('src/a.cpp', LICENCE + 'int a();\r\n', 'carriage return'),
    ('src/a.cpp', LICENCE + 'int a();', 'without a newline'),
    ('docs/a.md', '<<' '<<<<< HEAD\n', 'what a merge left'),
    ('src/a.cpp', LICENCE + f'// {"long" * 25}\n', 'columns, at most 100'),
    ('src/pool_util.cpp', LICENCE, 'one main type'),
    ('src/data.hpp', LICENCE + '#pragma once\n', 'one main type'),
    ('src/a.cpp', LICENCE + 'struct pool_manager {};\n', 'says nothing'),
    ('src/a.cpp', LICENCE + '// TO' 'DO later\n', 'open an issue'),
    ('src/a.cpp', LICENCE + '#include <boost/asio.hpp>\n', 'narrow Asio headers'),
    ('tests/unit/a.cpp', LICENCE + 'void f() {\n    std::this_thread::sleep_for(1s);\n}\n', 'no sleeping'),
    ('tests/system/a.py', '# SPDX-License-Identifier: Apache-2.0\ndef f():\n    time.sleep(1)\n', 'no sleeping'),
    ('tests/browser/a.mjs', LICENCE + 'await new Promise((resolve) => setTimeout(resolve, 100));\n', 'no sleeping'),
    ('tests/system/a.py', '# SPDX-License-Identifier: Apache-2.0\nurl = "http://127.0.0.1:8010"\n', 'ask the system'),
    ('tests/system/a.py', '# SPDX-License-Identifier: Apache-2.0\nrun(["pkill", "chatd"])\n', 'by its pid'),
    ('tests/unit/a.cpp', LICENCE + 'TEST(Pool, DISABLED_GivesBack) {}\n', 'switched off'),
    ('tests/unit/a.cpp', LICENCE + 'TEST(Pool, Works) {}\n', 'no sentence'),
    ('tests/unit/a.cpp', LICENCE + 'TEST(Pool, gives_back) {}\n', 'no sentence'),
    ('tests/unit/a.cpp', LICENCE + 'TEST(Pool, Test2) {}\n', 'no sentence'),
    ('docs/a.md', 'See [b](b.md).\n', 'leads nowhere'),
]
CLEAN = [
    ('src/a.cpp', LICENCE + f'const auto query = R"(select {"a, " * 40})";\n'),
    ('src/data_folder.hpp', LICENCE + '#pragma once\nstruct data_folder {\n    struct impl;\n};\n'),
    ('tests/unit/a.cpp', LICENCE + 'TEST(Pool, GivesBackAConnectionOfUtf8Text) {}\n'),
    ('tests/support/wait.cpp', LICENCE + 'void wait_until(auto yes) {\n    while (!yes()) {\n'
                                         '        std::this_thread::sleep_for(1ms);\n    }\n}\n'),
    ('tests/support/look.cpp', LICENCE + 'void look() {\n    std::this_thread::sleep_for(1ms);  // between looks\n}\n'),
    ('tests/system/a.py', '# SPDX-License-Identifier: Apache-2.0\ndef wait_until(yes):\n    while not yes():\n'
                          '        time.sleep(0.01)\n'),
    ('tests/browser/a.mjs', LICENCE + 'const limit = setTimeout(() => child.kill(), patience);\n'),
    ('docs/b.md', 'See [a](a%20b.md#part), [web](https://example.org) and `[no](link)`.\n'),
    ('docs/a b.md', f'| {"long " * 40} |\n'),
]


def plant(folder, name, text):
    path = pathlib.Path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, newline='')


def self_test():
    for name, text, expected in PLANTED:
        with tempfile.TemporaryDirectory() as folder:
            plant(folder, name, text)
            faults = check(pathlib.Path(folder))
            if len(faults) != 1 or expected not in faults[0]:
                sys.exit(f'tidy: planted in {name}, expected one fault with {expected!r}; found {faults}')
    with tempfile.TemporaryDirectory() as folder:
        for name, text in CLEAN:
            plant(folder, name, text)
        faults = check(pathlib.Path(folder))
        if faults:
            sys.exit(f'tidy: found faults in a clean tree: {faults}')
    print(f'tidy: {len(PLANTED)} planted faults found, none in a clean tree')


def main():
    arguments = sys.argv[1:]
    if arguments == ['--self-test']:
        return self_test()
    if len(arguments) > 1 or (arguments and not pathlib.Path(arguments[0]).is_dir()):
        sys.exit(__doc__)
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parents[1]).resolve()
    faults = check(root)
    for fault in faults:
        print(fault)
    if faults:
        sys.exit(f'tidy: {len(faults)} faults')
    print('tidy: every file keeps the rules of the house')


if __name__ == '__main__':
    main()
