"""`python -m benchmarks [--rounds N] [--long] [NAME…]`: print all ratios, or those whose name begins with a NAME."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks import commit, gateways, lane, language, rest, scale, sending, server
from benchmarks.measure import compare
from gateway.cli.init import create

LEAST_ROUNDS = 5
FILES = (rest, language, commit, scale, lane, gateways, sending)
"""Each file gives `rows(project, long)`; a new comparison is one more function there, or one more file here."""


def main() -> int:
    """Measure and print; the exit code is 1 only with `--strict` and a target that is not reached."""
    options = arguments()
    with tempfile.TemporaryDirectory() as folder, lane.SERVING, server.SERVING:
        create(Path(folder), demo=True)
        rows = [
            row for file in FILES for row in file.rows(Path(folder), options.long) if wanted(row.name, options.names)
        ]
        results = compare(rows, max(options.rounds, LEAST_ROUNDS), note)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}")
    for result in results:
        print(*result.lines(), sep="\n")
    return int(options.strict and not all(result.met for result in results))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", help="beginnings of names; default: all")
    parser.add_argument("--rounds", type=int, default=5, help="pairs measured (at least 5)")
    parser.add_argument("--long", action="store_true", help="the largest stores, and ten thousand conversations")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target is not reached")
    return parser.parse_args()


def wanted(name: str, beginnings: list[str]) -> bool:
    """Tell whether a row was asked for."""
    return not beginnings or any(name.startswith(one) for one in beginnings)


def note(text: str) -> None:
    """Show progress on stderr, so that stdout is the result alone."""
    print(f"\r{text:70}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
