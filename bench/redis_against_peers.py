#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our Redis clients beside their peers, in one interleaved run on private servers: medians, ratios, and each bar.

usage: redis_against_peers.py --peers FOLDER [--rounds N] [--seconds S] [--bin FOLDER]

FOLDER holds peers.py, which runs every program and starts the servers. A bar counts as met within 15 %, which is what
two runs of the same program differ by on a small shared machine; the table shows the exact figure. Ends with 1 when a
bar is missed.
"""
import argparse
import collections
import json
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TOLERANCE = 1.15
PEERS = 'hiredis-async,hiredis-sync-pool,redis-py'
OURS_ASYNC = 'ours: async'
OURS_SYNC = 'ours: sync'
MIB = 1 << 20


class Bar:
    """What is measured against what; `least` or `most` is the bar without tolerance."""

    def __init__(self, what, value, least=None, most=None):
        self.what, self.value, self.least, self.most = what, value, least, most

    def is_met(self):
        if self.least is not None:
            return self.value >= self.least / TOLERANCE
        return self.value <= self.most * TOLERANCE

    def line(self):
        asked = f'>= {self.least:g}' if self.least is not None else f'<= {self.most:g}'
        return f'{self.what:<62} {self.value:>9.2f}  {asked:>8}  {"met" if self.is_met() else "MISSED"}'


class Runs:
    """What peers.py measured: medians by workload, callers and client."""

    def __init__(self, cells):
        self.cells = {}
        for cell in cells:
            good = [run for run in cell['runs'] if 'error' not in run]
            if len(good) < len(cell['runs']):
                bad = next(run for run in cell['runs'] if 'error' in run)
                sys.exit(f'bench: {cell["name"]}, {cell["workload"]}: {bad["error"]}')
            self.cells[cell['workload'], cell['concurrency'], self.name_of(cell['name'])] = good

    @staticmethod
    def name_of(name):
        if not name.startswith('ours'):
            return name
        return OURS_SYNC if name.rstrip().endswith('sync') and not name.rstrip().endswith('async') else OURS_ASYNC

    def median(self, workload, callers, client, key):
        return statistics.median(run[key] for run in self.cells[workload, callers, client])

    def ratio(self, workload, callers, key, other, ours=OURS_ASYNC):
        return self.median(workload, callers, ours, key) / self.median(workload, callers, other, key)


def bars_of(runs):
    bars = []
    for workload in ('R1', 'R2', 'R3', 'R4'):
        bars += [Bar(f'{workload}, 64 callers: client CPU per operation / hiredis async',
                     runs.ratio(workload, 64, 'client_cpu_us_per_op', 'hiredis-async'), most=0.8),
                 Bar(f'{workload}, 64 callers: throughput / hiredis async',
                     runs.ratio(workload, 64, 'ops_per_s', 'hiredis-async'), least=1.35 if workload == 'R2' else 1.2),
                 Bar(f'{workload}, 64 callers: p99 / hiredis async',
                     runs.ratio(workload, 64, 'p99_us', 'hiredis-async'), most=1.5),
                 Bar(f'{workload}, 64 callers: throughput / redis-py',
                     runs.ratio(workload, 64, 'ops_per_s', 'redis-py'), least=10)]
    bars += [Bar('R1, 1000 callers: client CPU per operation / hiredis async',
                 runs.ratio('R1', 1000, 'client_cpu_us_per_op', 'hiredis-async'), most=0.9),
             Bar('R1, 1000 callers: throughput / hiredis async',
                 runs.ratio('R1', 1000, 'ops_per_s', 'hiredis-async'), least=1.5),
             Bar('R1, 1000 callers: throughput / redis-py', runs.ratio('R1', 1000, 'ops_per_s', 'redis-py'), least=10),
             Bar('R1, 64 callers: least served / mean',
                 min(run['least_served_share'] for run in runs.cells['R1', 64, OURS_ASYNC]), least=0.5),
             Bar('R1, 1000 callers: least served / mean',
                 min(run['least_served_share'] for run in runs.cells['R1', 1000, OURS_ASYNC]), least=0.5),
             Bar('R4 beside blocked neighbours: p99 / p99 of R1',
                 runs.median('R4', 64, OURS_ASYNC, 'p99_us') / runs.median('R1', 64, OURS_ASYNC, 'p99_us'), most=1.3)]
    for workload in ('R1', 'R2', 'R3', 'R4'):
        bars += [Bar(f'{workload}, 64 threads: client CPU per operation / hiredis pool',
                     runs.ratio(workload, 64, 'client_cpu_us_per_op', 'hiredis-sync-pool', OURS_SYNC), most=1.0),
                 Bar(f'{workload}, 64 threads: throughput / hiredis pool',
                     runs.ratio(workload, 64, 'ops_per_s', 'hiredis-sync-pool', OURS_SYNC), least=1.3)]
    return bars


def run_peers(options, what, ours, seconds):
    with tempfile.NamedTemporaryFile(suffix='.json') as out:
        command = [sys.executable, str(options.peers / 'peers.py'), what, '--rounds', str(options.rounds), '--seconds',
                   str(seconds), '--only', PEERS, '--json', out.name]
        for each in ours:
            command += ['--ours', each]
        done = subprocess.run(command, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit('bench: the peers did not run to their end; "peers.py setup" installs and builds them')
        return json.loads(pathlib.Path(out.name).read_text())


class PrivateRedis:
    """On a free port of the loopback, in a folder of its own, gone with the block."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix='headroom-bench-')
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            ['redis-server', '--port', str(self.port), '--bind', '127.0.0.1', '--save', '', '--dir', self.folder],
            stdout=subprocess.DEVNULL)
        by = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                return self
            except OSError:
                if time.monotonic() > by:
                    raise
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def memory_bars(options):
    with PrivateRedis() as server:
        done = subprocess.run([str(options.bin / 'bench_redis_memory'), '127.0.0.1', str(server.port)],
                              capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        sys.exit(f'bench: {done.stderr.strip()}')
    seen = json.loads(done.stdout)
    grown = (seen['resident_bytes_after_all'] - seen['resident_bytes_after_a_tenth']) / MIB
    return [Bar('an idle pooled connection, KiB of ours', seen['idle_connection_bytes'] / 1024, most=8),
            Bar(f'{seen["channels"]:,} subscribed channels, MiB', seen['channels_bytes'] / MIB, most=40),
            Bar(f'growth of RSS from 10 % to 100 % of {seen["operations"]:,} operations, MiB', grown, most=1)]


def pool_bars(cells):
    by_callers = collections.defaultdict(list)
    for cell in cells:
        if cell['name'].startswith('ours'):
            bad = next((run for run in cell['runs'] if 'error' in run), None)
            if bad:
                sys.exit(f'bench: {cell["name"]}, {cell["workload"]}: {bad["error"]}')
            by_callers[cell['concurrency']] += [run['ns_per_cycle'] for run in cell['runs']]
    return [Bar('blocking pool, 1 thread: acquire and release, ns', statistics.median(by_callers[1]), most=60),
            Bar('blocking pool, 64 threads over 8: acquire and release, ns', statistics.median(by_callers[64]),
                most=400)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peers', type=pathlib.Path, required=True)
    parser.add_argument('--bin', type=pathlib.Path, default=pathlib.Path('build/bin'))
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument('--seconds', type=float, default=1)
    options = parser.parse_args()
    if not (options.peers / 'peers.py').is_file():
        sys.exit(f'bench: no peers.py in {options.peers}: name the folder of the peers with PEERS=FOLDER')
    program = str((options.bin / 'bench_redis').resolve())
    runs = Runs(run_peers(options, 'redis', [f'{program} {{}} async', f'{program} {{}} sync'], options.seconds))
    bars = bars_of(runs)
    bars += pool_bars(run_peers(options, 'acquire', [f'{program} {{}} sync'], options.seconds))
    bars += memory_bars(options)
    print(f'\n{"Bars, medians of " + str(options.rounds) + " rounds, met within 15 %":<62} {"measured":>9}  {"bar":>8}')
    for bar in bars:
        print(bar.line())
    missed = sum(not bar.is_met() for bar in bars)
    print(f'\n{len(bars) - missed} of {len(bars)} bars met')
    sys.exit(1 if missed else 0)


if __name__ == '__main__':
    main()
