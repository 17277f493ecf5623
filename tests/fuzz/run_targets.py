#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzz targets of a group on libFuzzer, one after another, and prints what came of it.

Each starts from its corpus in tests/fuzz/corpus and from what earlier runs found, which is kept, minimised, in
build/fuzz/corpus. A finding ends its target, is kept in build/fuzz/findings and makes the exit status 1.
"""
import argparse
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / 'build/fuzz'
# One input: its bytes, and the seconds and MiB it may take.
INPUT_BYTES_MAX = 4096
INPUT_SECONDS_MAX = 5
PROCESS_MEGABYTES_MAX = 2048
# Beyond the time given: to load the corpus, and to end.
GRACE_SECONDS = 120
COLUMNS = '{:<18} {:>12} {:>9} {:>7} {:>9} {:>7} {:>9}'


def targets_of(group):
    return sorted(path.stem for path in (HERE / group).glob('*.cpp'))


def last_number(pattern, text):
    """What libFuzzer said last, or 0: a target that ended at once has said nothing."""
    found = re.findall(pattern, text, re.MULTILINE)
    return int(found[-1]) if found else 0


def whole_number_above_zero(text):
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f'{text} is not above zero')
    return number


class Target:
    def __init__(self, group, name):
        self.name = name
        self.binary = BUILD / 'bin' / f'fuzz_{group}_{name}'
        self.seeds = HERE / 'corpus' / name
        self.found = BUILD / 'corpus' / name
        self.findings = BUILD / 'findings' / name
        self.log = BUILD / 'logs' / f'{name}.log'
        for folder in (self.found, self.findings, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)

    def options(self):
        dictionary = HERE / f'{self.name}.dict'
        if not dictionary.exists():
            dictionary = HERE / 'resp.dict'
        return [f'-dict={dictionary}', f'-max_len={INPUT_BYTES_MAX}', f'-timeout={INPUT_SECONDS_MAX}',
                f'-rss_limit_mb={PROCESS_MEGABYTES_MAX}', f'-artifact_prefix={self.findings}/']

    def call(self, *arguments, seconds):
        """Its exit status; what it said is in the log."""
        with open(self.log, 'wb') as log:
            try:
                return subprocess.run([self.binary, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                      timeout=seconds + GRACE_SECONDS, check=False).returncode
            except subprocess.TimeoutExpired:
                log.write(b'\nrun_targets: it did not end in its time and was killed\n')
                return -1

    def run(self, seconds):
        """The row of the table, and the findings of this run, new or not."""
        before = set(self.findings.iterdir())
        status = self.call(*self.options(), f'-max_total_time={seconds}', '-print_final_stats=1', self.found,
                           self.seeds, seconds=seconds)
        said = self.log.read_text(errors='replace')
        findings = sorted(set(self.findings.iterdir()) - before)
        # Found before, found again: libFuzzer names a finding by its content.
        again = re.findall(r'Test unit written to (\S+)', said)
        findings += [path for path in map(pathlib.Path, again) if path not in findings]
        executions = last_number(r'^stat::number_of_executed_units:\s+(\d+)', said)
        row = (executions, last_number(r'^stat::average_exec_per_sec:\s+(\d+)', said),
               last_number(r'\bcov: (\d+)', said), last_number(r'\bft: (\d+)', said))
        return status, row, findings

    def minimise(self):
        """Leaves in build/fuzz/corpus what reaches something that the seeds do not; counts both."""
        if any(self.found.iterdir()):
            smaller = self.found.with_name(f'{self.name}.minimised')
            smaller.mkdir(exist_ok=True)
            for path in smaller.iterdir():
                path.unlink()
            # A merge keeps what adds to the first folder, taken from the others.
            for seed in self.seeds.iterdir():
                (smaller / seed.name).write_bytes(seed.read_bytes())
            log, self.log = self.log, self.log.with_suffix('.merge.log')
            status = self.call('-merge=1', f'-max_len={INPUT_BYTES_MAX}', smaller, self.found, seconds=0)
            self.log = log
            if status == 0:
                for path in self.found.iterdir():
                    path.unlink()
                for path in smaller.iterdir():
                    if not (self.seeds / path.name).exists():
                        path.rename(self.found / path.name)
        return sum(1 for folder in (self.seeds, self.found) for _ in folder.iterdir())


def main():
    parser = argparse.ArgumentParser(prog='./dev fuzz', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('group', choices=['redis'], help='whose targets')
    parser.add_argument('--seconds', type=whole_number_above_zero, default=60,
                        help='how long each target runs (default 60)')
    parser.add_argument('--target', action='append', metavar='T', help='this target only; may be repeated')
    given = parser.parse_args()
    names = targets_of(given.group)
    unknown = sorted(set(given.target or []) - set(names))
    if unknown:
        parser.error(f'no such target: {", ".join(unknown)} (there are {", ".join(names)})')

    print(COLUMNS.format('target', 'executions', 'per s', 'edges', 'features', 'corpus', 'findings'), flush=True)
    faults = []
    for name in given.target or names:
        target = Target(given.group, name)
        status, row, findings = target.run(given.seconds)
        is_sound = status == 0 and not findings
        corpus = target.minimise() if is_sound else '-'
        print(COLUMNS.format(name, *(f'{number:,}' for number in row), corpus, len(findings)), flush=True)
        if not is_sound:
            faults.append((target, status, findings))
    for target, status, findings in faults:
        print(f'\n{target.name} ended with status {status}; its words are in {target.log}')
        for path in findings:
            print(f'  kept: {path}\n  again: {target.binary} {path}')
    sys.exit(1 if faults else 0)


if __name__ == '__main__':
    main()
