"""The stores under test: every test that takes `store` runs on SQLite, on PostgreSQL and on the model in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.memory import MemoryStore
from storage.sqlite import SqliteStore
from storage.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "awal.db"


@pytest.fixture
def sqlite(path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(path) as store:
        yield store


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Any) -> str:
    """Make a database with the tables in it, for each test to copy."""
    from storage.postgres import PostgresStore

    url = postgres_server.new_database()
    PostgresStore(url).close()
    return str(url.rpartition("/")[2])


@pytest.fixture
def postgres_url(postgres_server: Any, postgres_template: str) -> Iterator[str]:
    url = postgres_server.new_database(postgres_template)
    yield url
    postgres_server.drop(url)


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[Any]:
    from storage.postgres import PostgresStore

    with PostgresStore(postgres_url) as store:
        yield store


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    name = {"sqlite": "sqlite", "postgres": "postgres_store"}[request.param]
    made: Store = request.getfixturevalue(name)
    return made
