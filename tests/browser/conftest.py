"""A demo gateway in a process of its own, and a real Chromium before it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from simulated_phone import Gateway, Phone, served

numbers = (f"+2126000{number:05d}" for number in itertools.count(1))


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, need: Callable[..., None]) -> Iterator[Gateway]:
    """Serve a demo project."""
    need("module:playwright", "chromium")
    with served(tmp_path_factory.mktemp("browser") / "demo") as one:
        yield one


@pytest.fixture
def phone(gateway: Gateway, browser: Any) -> Iterator[Phone]:
    """Open the first page in a browser that has never been there; any error on it fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    one = Phone(gateway, context, next(numbers))
    yield one
    context.close()
    assert one.errors == []
