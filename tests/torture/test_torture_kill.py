"""Killed under load: eight phones that ask again until they are answered; what was answered is kept, once, as shown."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from served import PATIENCE, Gateway, Phone, secret_of
from walks import kept_of, made, oracle

from gateway.project import Project

CYCLES = int(os.environ.get("AWAL_TORTURE_KILL", "2"))
PHONES = 8
ACKS = 20
"""Callbacks answered in every cycle, at least, before anything is killed."""
SPREAD = 100
"""A kill strikes at a random one of so many further callbacks."""


@contextmanager
def dialling(project: Path, places: Callable[[], Sequence[str]]) -> Iterator[list[Phone]]:
    """Let the phones dial; at the end each finishes the callback it is at."""
    with oracle() as expected:
        turn = threading.Lock()

        def alone(script: tuple[str, ...]) -> Any:
            with turn:
                return expected(script)

        phones = [Phone(number + 1, places, secret_of(project), alone) for number in range(PHONES)]
        for phone in phones:
            phone.start()
        try:
            yield phones
        finally:
            for phone in phones:
                phone.ended.set()
            for phone in phones:
                phone.join(2 * PATIENCE)


def answered(phones: Sequence[Phone]) -> int:
    return sum(len(phone.acked) for phone in phones)


def met(phones: Sequence[Phone]) -> dict[str, int]:
    """Return what the phones have met so far."""
    retries, put_off = sum(phone.retries for phone in phones), sum(phone.put_off for phone in phones)
    return {"answered": answered(phones), "retries": retries, "put_off": put_off}


def wait_for(phones: Sequence[Phone], acks: int) -> None:
    """Wait until so many more callbacks were answered."""
    wanted = answered(phones) + acks
    while answered(phones) < wanted:
        assert all(phone.is_alive() for phone in phones), [phone.trouble for phone in phones if phone.trouble]
        threading.Event().wait(0.01)


def judged(project: Path, phones: Sequence[Phone]) -> dict[str, int]:
    """Hold the store against what the phones were told; the gateways have ended."""
    assert not [phone.trouble for phone in phones if phone.trouble], "a phone gave up"
    assert not [wrong for phone in phones for wrong in phone.wrong][:3], "a wrong reply"
    acked = sum(len(phone.acked) for phone in phones)
    assert acked == len({one for phone in phones for one in phone.acked})
    with Project(project) as one, oracle() as expected:
        kept = kept_of(one.store)
        lost = 0
        for phone, script, step in (walk for each in phones for walk in each.walks):
            lost += kept.pop(one.phones.pseudonym(phone), {}) != expected(script).answers[step]
        assert not kept, "answers of nobody who dialled"
        totals = one.store.counts()
    assert lost == 0, f"{lost} citizens' answers are not what they gave"
    assert totals["inbound"] == acked, "a callback was lost or counted twice"
    return {**met(phones), "citizens": totals["citizens"]}


def whole(database: Path) -> None:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_sqlite_gateway_killed_under_load(tmp_path: Path, root: Path, figures: Any) -> None:
    project = made(tmp_path / "demo")
    chance = random.Random(20261123)
    gateway = Gateway(project, root, tmp_path / "log")
    with ExitStack() as stack:
        stack.callback(gateway.stop)
        with dialling(project, lambda: [gateway.url]) as phones:
            for cycle in figures.cycles(CYCLES):
                gateway.ready()
                wait_for(phones, ACKS + chance.randrange(SPREAD))
                gateway.kill()
                whole(project / "data" / "awal.db")
                gateway.start()
                figures.at(cycles=cycle + 1, **met(phones))
            gateway.ready()
    whole(project / "data" / "awal.db")
    figures(cycles=cycle + 1, **judged(project, phones), lost=0, duplicated=0, wrong=0)


def test_postgres_gateways_and_server_killed_under_load(
    need: Callable[..., None], tmp_path: Path, root: Path, figures: Any
) -> None:
    """One of two gateways while the other serves on, and the server itself, in turn."""
    need("module:psycopg")
    from postgres_server import PostgresServer, program

    if program("initdb") is None:
        need("initdb")
    chance = random.Random(20261123)
    with ExitStack() as stack:
        server = stack.enter_context(PostgresServer())
        project = made(tmp_path / "demo", lambda text: text.replace("sqlite:data/awal.db", server.url))
        two = [Gateway(project, root, tmp_path / f"log{number}") for number in range(2)]
        for gateway in two:
            stack.callback(gateway.stop)
            gateway.ready()
        with dialling(project, lambda: [gateway.url for gateway in two]) as phones:
            for cycle in figures.cycles(CYCLES):
                wait_for(phones, ACKS + chance.randrange(SPREAD))
                if cycle % 2:
                    server.kill()
                    server.start()
                else:
                    one = chance.choice(two)
                    one.kill()
                    wait_for(phones, ACKS)  # by the other one
                    one.start()
                for gateway in two:
                    gateway.ready()
                figures.at(cycles=cycle + 1, **met(phones))
        for gateway in two:
            gateway.stop()
        figures(cycles=cycle + 1, **judged(project, phones), lost=0, duplicated=0, wrong=0)
