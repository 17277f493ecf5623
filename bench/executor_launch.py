#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a silent execution costs above the program itself: time from the order to the report, and memory while it runs.

usage: executor_launch.py [--runs N] [CHAT_EXECUTOR]

/usr/bin/true through chat-executor, through a bare bwrap with walls like ours, and started by itself, in turn; then a
program that waits, and the memory of chat-executor, bwrap and chat-executor-init, which root alone can read, as none of
them is dumpable. Ends with 1 when a target is missed.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

TARGET_MS = 25
TARGET_MIB = 10
PATIENCE = 30
BARE = ['bwrap', '--unshare-all', '--unshare-user', '--die-with-parent', '--new-session', '--ro-bind', '/usr', '/usr',
        '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64', '--proc',
        '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--clearenv', '/usr/bin/true']
LIMITS = {'wall_time_ms': 60_000, 'cpu_time_ms': 30_000, 'memory_bytes': 512 << 20, 'processes': 64,
          'open_files': 256, 'file_bytes': 64 << 20, 'folder_bytes': 256 << 20, 'folder_entries': 10_000,
          'output_bytes': 256 << 10, 'events': 2_000, 'events_per_second': 100, 'files_listed': 100}


def order(arguments):
    return json.dumps({'execution': {
        'execution_id': 'bench', 'program': {'arguments': arguments}, 'environment': {}, 'limits': LIMITS,
        'may_run_unsandboxed': False, 'is_in_container': False}}).encode() + b'\n'


def start(program, arguments):
    executor = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={'PATH': '/usr/bin:/bin'})
    executor.stdin.write(order(arguments))
    executor.stdin.flush()
    return executor


def report(executor, expected):
    line = executor.stdout.readline()
    told = json.loads(line) if line else {}
    if told.get('report') != expected:
        sys.exit(f'chat-executor said {line!r} where {expected!r} was due')
    return told


def through_executor(program):
    with start(program, ['/usr/bin/true']) as executor:
        report(executor, 'started')
        if report(executor, 'ended').get('exit_code') != 0:
            sys.exit('/usr/bin/true did not end with 0')
        executor.stdin.close()
        executor.wait(PATIENCE)


def timed(act):
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def memory_of(pid):
    """(PSS, RSS) in KiB."""
    found = {}
    for line in pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text(encoding='utf-8').splitlines()[1:]:
        name, value = line.split(':')
        found[name] = int(value.split()[0])
    return found['Pss'], found['Rss']


def family(pid):
    """Every process below, and this one: (pid, name)."""
    name = pathlib.Path(f'/proc/{pid}/comm').read_text(encoding='utf-8').strip()
    yield pid, name
    for child in pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text(encoding='utf-8').split():
        yield from family(int(child))


def measure_memory(program):
    rows = []
    with start(program, ['/usr/bin/sleep', '600']) as executor:
        report(executor, 'started')
        by = time.monotonic() + PATIENCE
        while 'sleep' not in [name for _, name in family(executor.pid)]:
            if time.monotonic() > by:
                sys.exit('the program was never started')
        rows = [(name, *memory_of(pid)) for pid, name in family(executor.pid) if name != 'sleep']
        executor.stdin.write(b'{"cancel":true}\n')
        executor.stdin.flush()
        report(executor, 'ended')
        executor.stdin.close()
        executor.wait(PATIENCE)
    return rows


def main():
    here = pathlib.Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--runs', type=int, default=101)
    parser.add_argument('program', nargs='?', default=str(here / 'build/bin/chat-executor'))
    asked = parser.parse_args()
    ways = {'chat-executor': lambda: through_executor(asked.program),
            'bare bwrap': lambda: subprocess.run(BARE, check=True, stdin=subprocess.DEVNULL),
            'the program': lambda: subprocess.run(['/usr/bin/true'], check=True, stdin=subprocess.DEVNULL)}
    times = {name: [] for name in ways}
    for _ in range(asked.runs):
        for name, act in ways.items():
            times[name].append(timed(act))
    median = {name: statistics.median(each) for name, each in times.items()}
    user = 'root' if os.geteuid() == 0 else 'an ordinary user'
    print(f'/usr/bin/true, {asked.runs} runs of each, in turn, as {user}:')
    for name, each in times.items():
        print(f'  {name:<16} median {median[name]:6.1f} ms   p90 {sorted(each)[len(each) * 9 // 10]:6.1f} ms')
    above = median['chat-executor'] - median['the program']
    print(f'  above the program itself: {above:.1f} ms (target {TARGET_MS})')

    if os.geteuid() != 0:
        print('memory: root alone can read it, since chat-executor is not dumpable')
        return 0 if above <= TARGET_MS else 1
    rows = measure_memory(asked.program)
    print('memory while a silent program waits:')
    for name, pss, rss in rows:
        print(f'  {name:<20} PSS {pss / 1024:5.1f} MiB   RSS {rss / 1024:5.1f} MiB')
    pss = sum(each for _, each, _ in rows) / 1024
    rss = sum(each for _, _, each in rows) / 1024
    print(f'  above the program itself: PSS {pss:.1f} MiB, RSS {rss:.1f} MiB (target {TARGET_MIB} RSS)')
    return 0 if above <= TARGET_MS and rss <= TARGET_MIB else 1


if __name__ == '__main__':
    sys.exit(main())
