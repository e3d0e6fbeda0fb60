"""Ids sort by time, have the form of UUID version 7, and no two are alike, whoever asks."""

from __future__ import annotations

import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

from gateway.ids import uuid7

MOMENT = 1_790_000_000_000


def test_an_id_is_a_uuid_of_version_7_that_tells_its_moment() -> None:
    made = uuid.UUID(uuid7(MOMENT))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == MOMENT
    assert uuid7(MOMENT) < uuid7(MOMENT + 1)


def test_no_two_are_alike_among_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: uuid7(MOMENT), range(4_000)))
    assert len(set(made)) == len(made)


FORKS = """
import os
from gateway.ids import uuid7
uuid7(0)
child = os.fork()
if child:
    os.waitpid(child, 0)
print(*(uuid7(0) for _ in range(300)), flush=True)
"""


def test_a_child_does_not_give_its_parents_ids() -> None:
    told = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True).stdout.split()
    assert len(set(told)) == len(told) == 600
