"""The benchmarks' limit of memory is the kernel's: who takes more is killed, whoever it started included."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.limit import limited

TAKES = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'bytearray({} << 20)']))"


def test_a_program_and_its_children_share_the_limit() -> None:
    with limited(64) as before:
        codes = [
            subprocess.run([*before, sys.executable, "-c", TAKES.format(megabytes)], check=False).returncode
            for megabytes in (8, 200)
        ]
    assert codes[0] == 0
    assert codes[1] != 0 or not before  # where no group may be made, nothing is limited and nothing put before
