"""Lists of numbers: previewed, refused without a ground, kept with the proof, never over a stop or an erasure."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from flows.reading import command
from gateway.bringing_in import first_words
from gateway.control import Control
from gateway.project import Project

Awal = Callable[..., Any]
GROUND = "Inscription au guichet"


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: str, header: str = "phone,language,place,proof") -> Path:
        path = tmp_path / "inscrits.csv"
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        return path

    return write


def brought(demo: Path) -> list[tuple[str, str, str, str]]:
    with Project(demo) as project:
        return [
            (project.phones.unseal(one.number), one.words, one.proof, one.language)
            for one in project.store.brought_in()
        ]


def test_a_preview_keeps_nothing(awal: Awal, demo: Path, listed: Callable[..., Path]) -> None:
    shown = awal("citizens", "import", listed("0612000001,ar,,"), "--ground", GROUND, project=demo)
    assert shown.code == 0
    assert "1  new" in shown.out
    assert "Add --yes" in shown.out
    assert brought(demo) == []


def test_numbers_are_kept_with_the_ground_and_sealed(awal: Awal, demo: Path, listed: Callable[..., Path]) -> None:
    file = listed("0612000001,ar,02.411.01.23,fiche 7", "+212 6 12 00 00 02,,,", "'0612000003,fr,,")
    shown = awal("citizens", "import", file, "--ground", GROUND, "--proof", "registre 2026/14", "--yes", project=demo)
    assert shown.out.endswith("Kept: 3. Nothing was sent.\n")
    assert sorted(brought(demo)) == [
        ("+212612000001", GROUND, "fiche 7", "ar"),
        ("+212612000002", GROUND, "registre 2026/14", ""),
        ("+212612000003", GROUND, "registre 2026/14", "fr"),
    ]
    raw = (demo / "data" / "awal.db").read_bytes()
    assert b"612000001" not in raw
    with Project(demo) as project:
        assert project.store.outbox() == []


def test_a_second_import_adds_nothing_and_another_ground_adds_its_proof(
    awal: Awal, demo: Path, listed: Callable[..., Path]
) -> None:
    file = listed("0612000001,,,")
    for ground, kept in ((GROUND, 1), (GROUND, 0), ("Formulaire papier", 1)):
        shown = awal("citizens", "import", file, "--ground", ground, "--yes", "--json", project=demo)
        assert shown.json["kept"] == kept
    shown = awal("citizens", "show", "0612000001", "--json", project=demo)
    assert [one["words"] for one in shown.json["consents"]] == [GROUND, "Formulaire papier"]
    assert shown.json["standing"] == "known"


@pytest.mark.parametrize("ground", ["", "  ", "ok", "x" * 81])
def test_no_ground_no_import(awal: Awal, demo: Path, listed: Callable[..., Path], ground: str) -> None:
    shown = awal("citizens", "import", listed("0612000001,,,"), "--ground", ground, "--yes", project=demo)
    assert shown.code == 1
    assert "why these" in shown.err
    assert awal("citizens", "import", listed("0612000001,,,"), "--yes", project=demo).code == 2
    assert brought(demo) == []


def test_wrong_lines_are_named_with_their_place_and_remedy(awal: Awal, demo: Path, listed: Callable[..., Path]) -> None:
    file = listed(
        "0612000001,,,",
        "hello,,,",
        "0522123456,,,",
        "+33612345678,,,",
        "0612000002,en,,",
        "0612000003,,99,",
        "0612000001,,,",
        "0612000004,fr,,fiche 4, bis",
    )
    shown = awal("citizens", "import", file, "--ground", GROUND, "--yes", "--json", project=demo)
    assert (shown.json["wrong"], shown.json["kept"]) == (7, 1)
    errors = shown.json["errors"]
    assert [error.split(": ")[0] for error in errors] == [f"inscrits.csv:{line}" for line in range(3, 10)]
    for part, error in zip(
        (
            *("no phone number", "[sending] prefixes", "[sending] prefixes", "no language", "no HCP code"),
            *("line 2 already", "more cells than the header"),
        ),
        errors,
        strict=True,
    ):
        assert part in error
    assert "33612345678" not in str(errors)


@pytest.mark.parametrize("header", ["number", "phone,nom", ""])
def test_a_list_without_a_sound_header_is_refused(
    awal: Awal, demo: Path, listed: Callable[..., Path], header: str
) -> None:
    shown = awal("citizens", "import", listed("0612000001", header=header), "--ground", GROUND, project=demo)
    assert (shown.code, "inscrits.csv:1" in shown.err) == (1, True)


def test_a_quote_that_is_never_closed_is_told(awal: Awal, demo: Path, listed: Callable[..., Path]) -> None:
    file = listed('0612000001,"', *["0612000002,,,"] * 12_000)
    shown = awal("citizens", "import", file, "--ground", GROUND, "--yes", project=demo)
    assert (shown.code, "inscrits.csv:2: is no CSV" in shown.err, "not closed" in shown.err) == (1, True, True)
    assert brought(demo) == []


def test_a_spreadsheets_semicolons_and_mark_are_read(awal: Awal, demo: Path, tmp_path: Path) -> None:
    file = tmp_path / "excel.csv"
    file.write_text("\ufeffphone;language\r\n0612000001;ar\r\n", encoding="utf-8")
    shown = awal("citizens", "import", file, "--ground", GROUND, "--yes", "--json", project=demo)
    assert shown.json["kept"] == 1


def test_who_said_stop_or_was_forgotten_is_never_brought_back(
    awal: Awal, demo: Path, listed: Callable[..., Path]
) -> None:
    file = listed("0612000001,,,", "0612000002,,,", "0612000003,,,")
    awal("citizens", "import", file, "--ground", GROUND, "--yes", project=demo)
    with Project(demo) as project:
        project.store.stop(project.phones.pseudonym("+212612000001"), 5)
    awal("erase", "0612000002", project=demo)
    shown = awal("citizens", "import", file, "--ground", "Autre liste", "--yes", "--json", project=demo)
    counts = {name: shown.json[name] for name in ("new", "known", "stopped", "erased", "kept")}
    assert counts == {"new": 0, "known": 1, "stopped": 1, "erased": 1, "kept": 1}
    assert [row[0] for row in brought(demo)] == ["+212612000003"]
    with closing(sqlite3.connect(demo / "data" / "awal.db")) as connection:
        assert connection.execute("SELECT COUNT(*) FROM consents").fetchone() == (4,)  # the erased one's are gone


def test_the_running_gateway_keeps_them(awal: Awal, demo: Path, listed: Callable[..., Path]) -> None:
    with Project(demo) as project:
        project.store.counts()
        control = Control(project)
        try:
            shown = awal("citizens", "import", listed("0612000001,,,"), "--ground", GROUND, "--yes", project=demo)
        finally:
            control.close()
        assert "Kept: 1" in shown.out
        assert project.store.events(1)[0][1:] == ("brought-in", f"1 citizens: {GROUND}")


@pytest.mark.parametrize(
    ("language", "part"),
    [("fr", "vous écrit (Inscription au guichet)"), ("ar", "تراسلكم"), ("", "Pour refuser : STOP")],
)
def test_the_first_words_say_who_writes_why_and_how_to_stop(demo: Path, language: str, part: str) -> None:
    with Project(demo) as project:
        words = first_words(project, language, GROUND)
    assert part in words
    obeyed = words.replace(":", " ").split()[-1]
    assert command(obeyed) == "STOP"
    assert GROUND in words
