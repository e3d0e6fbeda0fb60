"""`awal backup --sealed` and the way back, and a person's rights at the counter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.base import Received
from gateway.project import Project

Awal = Callable[..., Any]
AMINA, CODE = "+212612345678", "4821"


def speak(demo: Path, *texts: str) -> None:
    with Project(demo) as project:
        for at, text in enumerate(texts):
            received = Received(
                channel="at", bearer="sms", external_id=f"sms:{text}{at}", sender=AMINA, recipient="1", text=text
            )
            project.conversations.take(project.channels["at"], received)


def test_a_sealed_backup_comes_back_without_who_was_erased(awal: Awal, demo: Path, tmp_path: Path) -> None:
    speak(demo, "EAU", "oui", "non")
    file, keys = tmp_path / "b.db", tmp_path / "b.keys"
    shown = awal("backup", file, "--sealed", "--keys", keys, project=demo)
    assert "verified" in shown.out
    assert "the keys of 1 citizens" in shown.out
    awal("erase", AMINA, project=demo)
    (demo / "data" / "awal.db.erased").unlink()
    assert awal("restore", file, project=demo).code == 0
    assert awal("mydata", AMINA, project=demo).json["answers"] == []
    restored = awal("restore", file, "--keys", keys, project=demo)  # the operator has not renewed the copy of the keys
    assert restored.code == 0
    assert len(awal("mydata", AMINA, project=demo).json["answers"]) == 1


def test_keys_are_asked_for_with_a_sealed_backup_only(awal: Awal, demo: Path, tmp_path: Path) -> None:
    shown = awal("backup", tmp_path / "b.db", "--keys", tmp_path / "k", project=demo)
    assert (shown.code, "--sealed" in shown.err) == (2, True)


def test_a_person_has_their_rights_at_the_counter(awal: Awal, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speak(demo, f"MOI {CODE}", "EAU", "oui", "non")
    assert awal("mydata", AMINA, project=demo).json["answers"] == []
    monkeypatch.setattr("click.prompt", lambda *_, **__: CODE)
    assert len(awal("mydata", AMINA, "--person", project=demo).json["answers"]) == 1
    assert awal("erase", AMINA, "--person", project=demo).code == 0
    assert awal("mydata", AMINA, "--person", project=demo).json["answers"] == []
    monkeypatch.setattr("click.prompt", lambda *_, **__: "12")
    assert "four digits" in awal("erase", AMINA, "--person", project=demo).err
