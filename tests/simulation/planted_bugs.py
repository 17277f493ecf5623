#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts known bugs into a copy of the pool core, one at a time, and checks that the simulation finds each.

A simulation that cannot fail proves nothing. Compiles in a temporary folder; the sources stay as they are.
usage: planted_bugs.py [COMPILER]
"""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = ROOT / 'src/pool/core/pool_core.cpp'
HEADER = ROOT / 'src/pool/core/pool_core.hpp'
SEEDS = '2000'

# name, file, what stands there, what the bug makes of it
BUGS = [
    ('a grant lost on cancel', CORE,
     'if (!is_waiting(waiter)) return false;\n    end_refused(waiter.index, refusal::cancelled, out);',
     'if (!is_waiting(waiter)) return false;\n    end_refused(waiter.index, refusal::cancelled, out);\n'
     '    if (queue_first_ != none) dequeue(queue_first_);'),
    ('a connection lost to a waiter whose deadline has passed', CORE,
     'end_refused(first, refusal::timeout, out);\n            continue;',
     'end_refused(first, refusal::timeout, out);\n            return;'),
    ('a returned connection goes idle beside a waiter', CORE,
     'while (queue_first_ != none) {\n        const auto first = queue_first_;',
     'while (queue_first_ != none && index % 3 != 1) {\n        const auto first = queue_first_;'),
    ('a closing slot not counted', HEADER,
     'return !stats_.cap || stats_.size() < *stats_.cap;', 'return !stats_.cap || live() < *stats_.cap;'),
    ('a waiter overtaken', CORE, 'const auto first = queue_first_;', 'const auto first = queue_last_;'),
    ('the oldest idle connection handed out', CORE,
     'const auto index = idle_newest_;\n    ++stats_.acquires;',
     'const auto index = idle_oldest_;\n    ++stats_.acquires;'),
    ('a floor that drains', CORE, '<= now &&\n                            live() > stats_.floor;', '<= now;'),
    ('no retry after a failed open', CORE, 'want_wake(open_not_before_, out);\n            return;', 'return;'),
    ('a deadline never announced', CORE, 'want_wake(by, out);\n    settle(now, out);\n    return waiter;',
     'settle(now, out);\n    return waiter;'),
    ('a retired lease kept', CORE, '} else if (slots_[slot.index].is_retired) {',
     '} else if (slots_[slot.index].is_retired && slot.index > 1) {'),
    ('a broken lease kept', CORE, '} else if (!reusable) {', '} else if (!reusable && slot.index > 0) {'),
]


def build(folder, compiler, name, old, new, path):
    """Compiles the simulation against a core with the bug; the simulation itself is compiled by the caller."""
    core, header = CORE.read_text(), HEADER.read_text()
    text = core if path == CORE else header
    if text.count(old) != 1:  # the sources have moved on
        sys.exit(f'planted_bugs.py: {name!r}: its place occurs {text.count(old)} times in {path.name}; mend BUGS')
    if path == CORE:
        core = core.replace(old, new)
    else:
        header = header.replace(old, new)
    inside = folder / 'pool/core'
    inside.mkdir(parents=True, exist_ok=True)
    (inside / 'pool_core.cpp').write_text(core)
    (inside / 'pool_core.hpp').write_text(header)
    binary = folder / 'sim'
    subprocess.run([compiler, '-std=c++23', '-O1', f'-I{folder}', f'-I{ROOT}/src', inside / 'pool_core.cpp',
                    folder / 'sim.o', folder / 'assert.o', '-lfmt', '-o', binary], check=True)
    return binary


def main():
    compiler = sys.argv[1] if len(sys.argv) > 1 else 'clang++-19'
    missed = []
    with tempfile.TemporaryDirectory(prefix='headroom-planted-') as temporary:
        folder = pathlib.Path(temporary)
        for source, target in ((ROOT / 'tests/simulation/pool_simulation.cpp', 'sim.o'),
                               (ROOT / 'src/base/assert.cpp', 'assert.o')):
            subprocess.run([compiler, '-std=c++23', '-O1', f'-I{ROOT}/src', '-c', source, '-o', folder / target],
                           check=True)
        for name, path, old, new in BUGS:
            binary = build(folder, compiler, name, old, new, path)
            ran = subprocess.run([binary, '--seeds', SEEDS], capture_output=True, text=True, timeout=120)
            found = (ran.stderr.strip().splitlines() or ['ran through'])[0]
            print(f'{"found " if ran.returncode else "MISSED"}  {name}: {found}')
            if ran.returncode == 0:
                missed.append(name)
    if missed:
        sys.exit(f'{len(missed)} planted bugs were not found: {", ".join(missed)}')
    print(f'{len(BUGS)} planted bugs, {len(BUGS)} found')


if __name__ == '__main__':
    main()
