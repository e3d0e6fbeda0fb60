"""The tables of a bundle and their description as a Data Package, for whoever opens one without Awal.

https://specs.frictionlessdata.io/tabular-data-package/ (version 1). One row a count; what is not listed is zero.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

Row = Sequence[object]

KEY = ("gateway", "flow_hash", "period", "area")
CELLS: Mapping[str, tuple[str, str]] = {
    "gateway": ("string", "Id of the gateway that counted."),
    "flow": ("string", "Id of the flow."),
    "flow_version": ("integer", "Version of the flow."),
    "flow_hash": ("string", "Hash of the flow version: other questions, another hash."),
    "period": ("string", "ISO week of civil days in Africa/Casablanca."),
    "final": ("boolean", "Whether the week was over when this was counted."),
    "area": ("string", "HCP code, region (02) to commune (02.411.01.01)."),
    "question": ("string", "Id of the question."),
    "type": ("string", "Kind of question: yes_no, choice, choices, rating or nps."),
    "option": ("string", "The answer counted."),
    "count": ("integer", "How many gave this answer; rows with zero are left out."),
}
WALKS: Mapping[str, tuple[str, str]] = {
    **{name: CELLS[name] for name in ("gateway", "flow", "flow_version", "flow_hash", "period", "final", "area")},
    "started": ("integer", "Conversations begun."),
    "completed": ("integer", "Conversations completed."),
}
RESOURCES = {
    "cells": ("Answers by area, question and option.", CELLS, (*KEY, "question", "option")),
    "walks": ("Conversations by area.", WALKS, KEY),
}


def tables(bodies: Sequence[bytes]) -> dict[str, Iterator[bytes]]:
    """Return the CSV files, each as pieces made on demand: one a snapshot, after the head."""
    makers: dict[str, Callable[[Any], Iterable[Row]]] = {"cells": _cells, "walks": _walks}
    return {f"{name}.csv": _table(RESOURCES[name][1], makers[name], bodies) for name in RESOURCES}


def descriptor(gateway: str, region: str, now: int) -> bytes:
    """Return `datapackage.json`."""
    package = {
        "profile": "tabular-data-package",
        "name": f"awal-{gateway}",
        "title": f"Counts of the gateway {gateway}, region {region}",
        "description": "Absolute counts as made by the gateway, small ones included: not for publication.",
        "created": f"{datetime.fromtimestamp(now / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "resources": [_resource(name) for name in RESOURCES],
    }
    return msgspec.json.format(msgspec.json.encode(package))


def _resource(name: str) -> dict[str, object]:
    about, fields, key = RESOURCES[name]
    return {
        "profile": "tabular-data-resource",
        "name": name,
        "path": f"{name}.csv",
        "description": about,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {
            "fields": [_field(one, *told) for one, told in fields.items()],
            "primaryKey": list(key),
            "missingValues": [],
        },
    }


def _field(name: str, kind: str, about: str) -> dict[str, object]:
    limits: dict[str, object] = {"required": True} | ({"minimum": 0} if kind == "integer" else {})
    return {"name": name, "type": kind, "description": about, "constraints": limits}


def _table(
    columns: Mapping[str, object], rows: Callable[[Any], Iterable[Row]], bodies: Sequence[bytes]
) -> Iterator[bytes]:
    yield _written([list(columns)])
    for data in bodies:
        body = msgspec.json.decode(data)
        yield _written(rows(body))


def _written(rows: Iterable[Row]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def _head(body: Any) -> list[object]:
    final = "true" if body["final"] else "false"
    return [body["gateway"], body["flow"], body["flow_version"], body["flow_hash"], body["period"], final]


def _cells(body: Any) -> Iterator[Row]:
    head = _head(body)
    for question in body["questions"]:
        for option, row in zip(question["options"], body["cells"][question["id"]], strict=True):
            for area, count in zip(body["areas"], row, strict=True):
                if count:
                    yield [*head, area, question["id"], question["type"], option["key"], count]


def _walks(body: Any) -> Iterator[Row]:
    head, walks = _head(body), body["walks"]
    for area, started, completed in zip(body["areas"], walks["started"], walks["completed"], strict=True):
        if started:
            yield [*head, area, started, completed]
