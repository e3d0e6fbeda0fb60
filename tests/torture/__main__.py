"""The long forms of the proofs: `make torture` lists them, `make torture ARGS="kill power"` runs some of them.

Each is the proof that the tests run in short, with its size set by an environment variable; how far it has come is
printed on the way, what it met at the end. `all` runs everything, which takes some hours.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Proof:
    """One proof: its file beside this one, the variable that says how long it is, and what that counts."""

    file: str
    variable: str
    size: int
    counts: str
    shows: str


PROOFS = {
    "kill": Proof(
        "test_torture_kill.py", "AWAL_TORTURE_KILL", 1_000, "cycles", "processes and servers killed under load"
    ),
    "power": Proof("test_torture_power.py", "AWAL_TORTURE_POWER", 1_000, "cycles", "power cut on ext4 and XFS"),
    "full": Proof("test_torture_full.py", "AWAL_TORTURE_FULL", 100, "fillings", "a disk that fills up and is emptied"),
    "faults": Proof("test_torture_faults.py", "AWAL_TORTURE_FAULTS", 100_000, "faults", "EIO and ENOSPC injected"),
    "deliveries": Proof(
        "test_torture_deliveries.py", "AWAL_TORTURE_DELIVERIES", 1_000_000, "deliveries", "repeats over three days"
    ),
    "sessions": Proof(
        "test_torture_sessions.py", "AWAL_TORTURE_SESSIONS", 100_000, "sessions", "drops, repeats, reorders, strangers"
    ),
    "model": Proof("test_torture_model.py", "AWAL_TORTURE_MODEL", 20_000, "steps", "both stores held to plain dicts"),
    "day": Proof("test_torture_day.py", "AWAL_TORTURE_DAY", 50_000, "messages", "a simulated day of sending"),
    "forgeries": Proof(
        "test_torture_forgeries.py", "AWAL_TORTURE_FORGERIES", 100_000, "forgeries", "and a tenth as many genuine ones"
    ),
    "clock": Proof("test_torture_clock.py", "AWAL_TORTURE_CLOCK", 2_000, "jumps", "a clock that jumps"),
}
FLOWS = "flows"
"""The hostile flow files: a program of its own, which measures memory and processor time."""


def flows(size: int | None) -> int:
    """Load hostile flow files and return the program's exit code."""
    program = HERE.parent / "flows" / "torture.py"
    given = [] if size is None else ["--files", str(size)]
    return subprocess.run([sys.executable, str(program), *given], check=False).returncode


def prove(proof: Proof, size: int | None) -> int:
    """Run one proof at its full size, or at another, and return its exit code."""
    environment = {**os.environ, proof.variable: str(size or proof.size)}
    command = [sys.executable, "-m", "pytest", "-q", "-rf", str(HERE / proof.file)]
    return subprocess.run(command, env=environment, check=False).returncode


def run(name: str, size: int | None) -> bool:
    """Run what is so named and say how it ended, also when the system itself ended it; tell whether it passed."""
    begun = time.monotonic()
    code = flows(size) if name == FLOWS else prove(PROOFS[name], size)
    ended = "passed" if code == 0 else f"FAILED, killed by signal {-code}" if code < 0 else f"FAILED, exit code {code}"
    print(f"torture: {name} {ended} after {(time.monotonic() - begun) / 60:.1f} minutes", flush=True)  # noqa: T201
    return code == 0


def listed() -> str:
    """Return the list of the proofs."""
    lines = [f"{name:12}{proof.size:>10,} {proof.counts:12}{proof.shows}" for name, proof in PROOFS.items()]
    lines.append(f"{FLOWS:12}{10_000:>10,} {'files':12}hostile flow files: each refused or accepted, none obeyed")
    return "\n".join(lines)


def main() -> int:
    """Run what the command line names; 1 when any of it failed."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__, epilog="NAME is one of: all, flows, …")
    parser.add_argument("names", metavar="NAME", nargs="*", choices=["all", FLOWS, *PROOFS, []])
    parser.add_argument("--size", type=int, help="another size than the full one")
    given = parser.parse_args()
    names = [*PROOFS, FLOWS] if "all" in given.names else given.names
    if not names:
        print(listed())  # noqa: T201
    failed = [name for name in names if not run(name, given.size)]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
