#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves the direction of the layers: which folder may include which, what a core/ folder may touch, where pools
are made. Rules are data, below; reasons are in ARCHITECTURE.md.

usage: check_layers.py [--self-test] [ROOT]
"""
import pathlib
import re
import sys
import tempfile

# A layer may include itself and these.
LAYERS = {
    'base': set(),
    'budget': {'base'},
    'config': {'base', 'budget'},
    'net': {'base'},
    'pool': {'base', 'net'},
    'health': {'base', 'net'},
    'redis': {'base', 'net', 'pool'},
    'postgres': {'base', 'net', 'pool'},
    'inspect': {'base', 'budget', 'net', 'pool', 'redis', 'postgres'},
    'chat': {'base', 'budget', 'config', 'net', 'pool', 'health', 'redis', 'postgres'},
}

# Libraries that belong to some files only: pattern of an include, files that may have it, why.
LIBRARIES = [
    (r'libpq-fe\.h', r'src/postgres/libpq_connection\.', 'libpq stays behind libpq_connection'),
    (r'boost/beast', r'src/chat/http/[a-z_]+\.cpp$', 'Beast costs 20 s a file: chat/http/*.cpp only'),
    (r'yaml-cpp/', r'src/config/[a-z_]+\.cpp$', 'YAML is read in config'),
    (r'spdlog/', r'src/chat/log\.', 'logs go through chat/log'),
]
BEAST_FILES_MAX = 2
# Copied into programs of others: nothing of ours and no library comes with it.
ALONE = {'src/chat/sdk/emit.hpp'}

POOLS = (r'(?:headroom::)?(?:redis::(?:blocking_)?client|postgres::postgres_pool'
         r'|pool::(?:async|blocking)_pool(?:<[^;]*>)?)')

# Words that may stand in some files only: pattern in the code, files that may have it, why.
WORDS = [
    # The SDK's emit.hpp is for programs of others, which have no configuration of ours.
    (r'\b(?:secure_)?getenv\s*\(|\benviron\b', r'(src/config/|src/chat/sdk/emit\.hpp$|apps/|tests/)',
     'only config reads the environment'),
    # By new, make_unique and their like, as a temporary, or as an object of its own.
    (rf'(?:\bnew\s+|(?:make_unique|make_shared|emplace|optional)<){POOLS}\b|\b{POOLS}\s*[({{]'
     rf'|\b{POOLS}\s+\w+\s*[({{;=]',
     r'(src/(pool|redis|postgres)/|src/chat/(worker/resolvers|sdk/chat_comm)\.|apps/|examples/redis_tour/'
     r'|tests/|bench/)',
     'pools are made in chat/worker/resolvers and nowhere else (but the connection of an executor, in sdk/chat_comm)'),
]

# A core decides; it does no I/O, reads no clock, takes no lock.
CORE_LAYERS = {'base', 'budget'}
# Of the standard library a core has the rest; besides it only fmt, which makes text.
CORE_FORBIDDEN_HEADERS = {'thread', 'mutex', 'shared_mutex', 'condition_variable', 'future', 'atomic', 'stop_token',
                          'semaphore', 'latch', 'barrier', 'fstream', 'iostream', 'filesystem', 'cstdio', 'csignal'}
CORE_LIBRARIES = re.compile(r'<fmt/\w+\.h>')
CORE_FORBIDDEN_WORDS = re.compile(r'clock::now\s*\(|\bgetenv\s*\(|std::random_device|'
                                  r'std::(this_)?thread\b|std::mutex\b')

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<][^">]+[">])')


def without_comments(line):
    return re.sub(r'//.*', '', line)


def check_file(root, path):
    """Yields 'file:line: what is wrong'."""
    name = path.relative_to(root).as_posix()
    parts = name.split('/')
    layer = parts[1] if parts[0] == 'src' and len(parts) > 2 else None
    core = 'core' in parts[2:-1] if layer else False
    if layer and layer not in LAYERS:
        yield f'{name}:1: src/{layer} is no layer: add it to LAYERS with what it may use'
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = f'{name}:{number}'
        found = INCLUDE.match(line)
        if found:
            yield from check_include(name, where, layer, core, found.group(1))
            continue
        code = without_comments(line)
        for pattern, allowed, why in WORDS:
            if re.search(pattern, code) and not re.match(allowed, name):
                yield f'{where}: {why}'
        if core and CORE_FORBIDDEN_WORDS.search(code):
            yield f'{where}: a core reads no clock, environment or randomness and knows no thread'


def check_include(name, where, layer, core, included):
    if name in ALONE and not re.fullmatch(r'<[a-z_]+(\.h)?>', included):
        yield f'{where}: {name} includes the standard library and POSIX only'
    for pattern, allowed, why in LIBRARIES:
        if re.search(pattern, included) and not re.match(allowed, name):
            yield f'{where}: {why}'
    if core and included.startswith('<') and not CORE_LIBRARIES.match(included):
        header = included.strip('<>')
        if not re.fullmatch('[a-z_]+', header) or header in CORE_FORBIDDEN_HEADERS:
            yield f'{where}: a core includes {included}: no more than the standard library, no I/O, no threads'
    if not layer or not included.startswith('"'):
        return
    target = included.strip('"').split('/')
    if len(target) < 2:
        yield f'{where}: include {included} from src/ as root: "{layer}/..."'
    elif target[0] not in LAYERS:
        yield f'{where}: {included} is in no layer'
    elif target[0] != layer and target[0] not in LAYERS[layer]:
        yield f'{where}: {layer} may not use {target[0]}'
    elif core and 'core' not in target[1:-1] and target[0] not in CORE_LAYERS:
        yield f'{where}: a core includes cores, base and budget only, not {included}'


def check(root):
    faults = []
    beast = set()
    for folder in ('src', 'apps', 'examples', 'tests', 'bench'):
        for path in sorted((root / folder).rglob('*.[ch]pp')):
            faults += check_file(root, path)
            if folder == 'src' and 'boost/beast' in path.read_text():
                beast.add(path.relative_to(root).as_posix())
    if len(beast) > BEAST_FILES_MAX:
        faults.append(f'Beast is included by {len(beast)} files, at most {BEAST_FILES_MAX}: {", ".join(sorted(beast))}')
    for app in sorted((root / 'apps' / 'headroom').rglob('*.[ch]pp')):
        if '"chat/' in app.read_text():
            faults.append(f'{app.relative_to(root)}: the tool headroom never includes chat')
    return faults


# Planted faults: file, text, what the check must say of it.
PLANTED = [
    ('src/base/a.hpp', '#include "pool/lease.hpp"\n', 'base may not use pool'),
    ('src/redis/a.cpp', '#include "postgres/rows.hpp"\n', 'redis may not use postgres'),
    ('src/pool/core/a.cpp', '#include <boost/asio/post.hpp>\n', 'no I/O'),
    ('src/redis/core/e.cpp', '#include <sys/socket.h>\n', 'no I/O'),
    ('src/health/core/f.cpp', '#include <mutex>\n', 'no threads'),
    ('src/health/core/g.cpp', '#include <pthread.h>\n', 'no I/O'),
    ('src/chat/store/b.hpp', 'struct store {\n    postgres::postgres_pool own_;\n};\n', 'and nowhere else'),
    ('src/chat/queue/b.cpp', 'redis::client own{executor, options};\n', 'and nowhere else'),
    ('src/chat/queue/c.cpp', 'auto own = redis::blocking_client(options);\n', 'and nowhere else'),
    ('src/pool/core/b.cpp', '#include "pool/async_pool.hpp"\n', 'cores, base and budget only'),
    ('src/pool/core/c.cpp', 'auto now = clock::now();\n', 'reads no clock'),
    ('src/chat/core/d.cpp', '#include "net/event.hpp"\n', 'cores, base and budget only'),
    ('src/postgres/rows.cpp', '#include <libpq-fe.h>\n', 'libpq stays behind'),
    ('src/chat/store/a.cpp', 'auto* home = std::getenv("HOME");\n', 'only config reads the environment'),
    ('src/chat/sdk/emit_more.hpp', 'auto* home = std::getenv("HOME");\n', 'only config reads the environment'),
    ('src/chat/sdk/emit.hpp', '#include "base/error.hpp"\n', 'includes the standard library and POSIX only'),
    ('src/chat/relay/a.cpp', 'auto own = std::make_unique<redis::client>(executor, options);\n',
     'chat/worker/resolvers and nowhere else'),
    ('src/chat/worker/a.cpp', '#include <boost/beast/http.hpp>\n', 'Beast costs'),
    ('src/util/a.cpp', '\n', 'is no layer'),
    ('apps/headroom/plan/plan.cpp', '#include "chat/log.hpp"\n', 'never includes chat'),
]
CLEAN = [
    ('src/pool/core/pool_core.hpp', '#include "base/time.hpp"  // clock::now() is the driver\'s\n#include <vector>\n'),
    ('src/chat/worker/resolvers.cpp', 'auto own = std::make_unique<redis::client>(executor, options);\n'),
    ('src/chat/queue/a.hpp', 'explicit queue(redis::client& through);\npostgres::postgres_pool* pool_;\n'),
    ('src/redis/core/command.cpp', '#include <fmt/format.h>\n#include <string_view>\n'),
    ('src/chat/http/server.cpp', '#include <boost/beast/http/parser.hpp>\n'),
    ('src/chat/sdk/emit.hpp', '#include <unistd.h>\nconst char* number = std::getenv("CHAT_EVENTS_FD");\n'),
    ('src/config/process_sources.cpp', 'const char* value = std::getenv("HOME");\n'),
]


def self_test():
    for name, text, expected in PLANTED:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True)
            path.write_text(text)
            faults = check(pathlib.Path(folder))
            if not any(expected in fault for fault in faults):
                sys.exit(f'check_layers: the planted fault in {name} was not found ({expected!r}); said: {faults}')
    with tempfile.TemporaryDirectory() as folder:
        for name, text in CLEAN:
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        faults = check(pathlib.Path(folder))
        if faults:
            sys.exit(f'check_layers: found faults in a clean tree: {faults}')
    print(f'check_layers: {len(PLANTED)} planted faults found, none in a clean tree')


def main():
    if '--self-test' in sys.argv:
        return self_test()
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1])
    faults = check(root)
    for fault in faults:
        print(fault)
    if faults:
        sys.exit(f'check_layers: {len(faults)} faults')
    print('check_layers: every include points the right way')


if __name__ == '__main__':
    main()
