"""The names that dashboards rely on, in Prometheus' text form."""

from __future__ import annotations

import re

import pytest

from gateway.metrics import STATES, render
from storage.memory import MemoryStore

NAMES = ("awal_outbox_messages", "awal_scheduler_leader", "awal_steps_total", "awal_answers_total")
SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="[a-z]+"\})? \d+')


@pytest.mark.parametrize("name", NAMES)
def test_the_contracts_names_are_there(name: str) -> None:
    text = render(MemoryStore(), leader=False)
    assert f"# TYPE {name} " in text
    assert f"# HELP {name} " in text
    assert re.search(rf"^{name}\W", text, re.M)


def test_every_line_is_a_comment_or_a_sample() -> None:
    lines = render(MemoryStore(), leader=True).splitlines()
    assert [line for line in lines if not line.startswith("# ") and not SAMPLE.fullmatch(line)] == []
    assert "awal_scheduler_leader 1" in lines


def test_every_state_of_the_outbox_is_told_even_when_nothing_is_in_it() -> None:
    text = render(MemoryStore(), leader=False)
    assert [state for state in STATES if f'awal_outbox_messages{{state="{state}"}} 0' not in text] == []
