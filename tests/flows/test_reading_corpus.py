"""Every reply of the corpus in tests/data/replies is read as it says."""

import json
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from flows.model import QUESTION_TYPES
from flows.reading import Spec, read
from locales import places

FOLDER = Path(__file__).parents[1] / "data" / "replies"
FILES = sorted(FOLDER.glob("*.jsonl"))
LABELLED = ("choice", "choices", "language")


@cache
def gazetteer():
    return places.load()


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def spec(line):
    options = line.get("options", {})
    if line["type"] in LABELLED:
        return Spec(type=line["type"], options={key: (label,) for key, label in options.items()})
    if line["type"] == "date":
        latest = date.fromisoformat(options["max"]) if "max" in options else None
        return Spec(type="date", today=date.fromisoformat(options["today"]), max_date=latest)
    return Spec(type=line["type"], **options)


def outcome(reading):
    if reading.command is not None:
        return {"command": reading.command}
    return {"invalid": True} if reading.invalid is not None else {"value": reading.value}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_reply_is_read_as_the_corpus_says(path):
    wrong = []
    for number, line in enumerate(lines(path), start=1):
        got = outcome(read(line["raw"], spec(line), gazetteer()))
        if got != line["expect"] or type(got.get("value")) is not type(line["expect"].get("value")):
            wrong.append(f"{path.name}:{number}: {line['raw']!r} gave {got}, not {line['expect']}")
    assert not wrong, "\n".join(wrong)


def test_the_corpus_covers_every_type_and_is_not_thinned_out():
    counted = Counter(line["type"] for path in FILES for line in lines(path))
    assert set(counted) == set(QUESTION_TYPES)
    assert counted.total() >= 1500
    assert min(counted.values()) >= 20


def test_no_line_is_there_twice():
    keys = [json.dumps([line["type"], line["raw"], line.get("options")]) for path in FILES for line in lines(path)]
    assert [key for key, count in Counter(keys).items() if count > 1] == []
