"""What becomes of a frame: kept until its snapshot is whole and its flow's layout is known, then merged like a PUT.

A part of a snapshot is never merged alone. Parts of two numbers would not add up, and what is published of a closed
week is compared with what was, whole by whole. So a snapshot held stays as it is until all parts of a newer one are
here; then `Store.put` decides, as for every other carrier.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

import msgspec
from msgspec import Struct

from national import dense
from national.errors import Refused
from national.frames import Frame, Sender, read, sender, write_ack
from national.store import Gateway, Store
from national.wire import read as read_snapshot

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS frames (
        gateway TEXT NOT NULL REFERENCES gateways (id), flow TEXT NOT NULL, week BIGINT NOT NULL,
        epoch BIGINT NOT NULL, seq BIGINT NOT NULL, kind TEXT NOT NULL, part BIGINT NOT NULL, parts BIGINT NOT NULL,
        payload TEXT NOT NULL, received_at BIGINT NOT NULL,
        PRIMARY KEY (gateway, flow, week, epoch, seq, kind, parts, part))""",
    """CREATE TABLE IF NOT EXISTS layout_pieces (
        gateway TEXT NOT NULL REFERENCES gateways (id), flow TEXT NOT NULL, digest TEXT NOT NULL,
        part BIGINT NOT NULL, parts BIGINT NOT NULL, data TEXT NOT NULL,
        PRIMARY KEY (gateway, flow, digest, parts, part))""",
    """CREATE TABLE IF NOT EXISTS layouts (
        gateway TEXT NOT NULL REFERENCES gateways (id), flow TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (gateway, flow))""",
)
NUMBERS_KEPT = 4
"""Of one flow and week, parts of so many numbers wait: the oldest give way."""
FROM_BODY = ("flow", "flow_hash", "flow_version", "sector", "title", "questions")

Number = tuple[int, int]
Outcome = Literal["merged", "held", "waiting", "repeated", "layout"]


class Taken(Struct, frozen=True):
    """What became of a frame. `numbers` are those a receipt should tell about.

    `merged`: its snapshot is whole, and held now; `held`: it was before, or a newer one is; `waiting`: for other parts
    or for the layout; `repeated`: that very part waits already; `layout`: a piece of one.
    """

    gateway: str
    outcome: Outcome
    numbers: tuple[Number, ...] = ()

    @property
    def words(self) -> str:
        """Say what became of it."""
        return {
            "merged": "kept; its snapshot is whole.",
            "held": "nothing new; this snapshot, or a newer one, is held.",
            "waiting": "kept until the rest of its snapshot, or the layout of its flow, is here.",
            "repeated": "was here already; the rest of its snapshot, or the layout of its flow, is not.",
            "layout": "a piece of a flow's layout, kept.",
        }[self.outcome]

    @property
    def answer(self) -> bool:
        """Tell whether the gateway should hear at once: something is whole, or it asks again."""
        return bool(self.numbers) and self.outcome != "waiting"


class _Group(Struct, frozen=True):
    """The parts here of one snapshot, as one way of cutting made them."""

    week: int
    epoch: int
    seq: int
    kind: str
    parts: int
    payloads: Sequence[bytes]
    here: frozenset[int]

    @property
    def whole(self) -> bool:
        return len(self.here) == self.parts


class Reception:
    """Takes frames from any carrier, in any order, any number of times."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database
        with self._database.transaction() as run:
            for statement in SCHEMA:
                run(statement)

    def take(self, text: str, now: int) -> Taken:
        """Keep a frame, and merge what it makes whole; raises Refused for what is no frame, or forged, or broken."""
        frame = read(text, self._senders())
        self._store.seen(frame.sender.gateway, now)
        if frame.kind == "layout":
            return self._layout(frame, now)
        begin = dense.begin(frame.payload)
        number = (begin.epoch, frame.seq)
        held = self._held(frame.sender.gateway, frame.flow, frame.week)
        if held is not None and held >= number:
            return Taken(frame.sender.gateway, "held", (held,))
        new = self._keep(frame, begin, now)
        if number in self._settle(frame.sender, frame.flow, now):
            return Taken(frame.sender.gateway, "merged", (number,))
        return Taken(frame.sender.gateway, "waiting" if new else "repeated", (number,))

    def settle(self, gateway: str, flow_hash: str, now: int) -> None:
        """Merge the frames that waited for a layout, now that another carrier has brought it."""
        waits = "SELECT 1 FROM frames WHERE gateway = ? AND flow = ?"
        if self._database.read(waits, (gateway, flow_hash[:8])):
            for one in self._senders(gateway):
                with suppress(Refused):  # what brought the layout is kept; frames that make no sense come again
                    self._settle(one, flow_hash[:8], now)

    def settle_all(self, gateway: str, now: int) -> None:
        """Merge every frame of a gateway that waited for a layout, now that a bundle may have brought some."""
        for flow in self._flows(gateway):
            self.settle(gateway, flow, now)

    def receipts(self, taken: Iterable[Taken], now: int) -> list[str]:
        """Return the texts to send back to the gateways that these frames came from."""
        numbers: dict[str, set[Number]] = {}
        for one in taken:
            numbers.setdefault(one.gateway, set()).update(one.numbers)
        return [text for name, asked in numbers.items() for text in self._receipts(name, asked, now)]

    # what is here ------------------------------------------------------------------------------------------------
    def _senders(self, only: str = "") -> list[Sender]:
        """Return the enrolled gateways as frames name them."""
        seed = self._store.identity().seed
        named = [one for one in self._store.gateways() if only in ("", one.id)]
        return [found for one in named if (found := _sender(seed, one))]

    def _held(self, gateway: str, flow: str, week: int) -> Number | None:
        """Return the number held of a flow and week."""
        label = dense.week(week)
        rows = [one for one in self._store.cursor(gateway) if one.period == label and one.flow_hash.startswith(flow)]
        return max(((one.epoch, one.seq) for one in rows), default=None)

    def _keep(self, frame: Frame, begin: dense.Begin, now: int) -> bool:
        """Keep a part; False when it was here."""
        place = (frame.sender.gateway, frame.flow, frame.week)
        with self._database.transaction() as run:
            rows = run(
                """INSERT INTO frames (gateway, flow, week, epoch, seq, kind, part, parts, payload, received_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING part""",
                (*place, begin.epoch, frame.seq, frame.kind, begin.part, begin.parts, frame.payload.hex(), now),
            )
            numbers = run(
                """SELECT DISTINCT epoch, seq FROM frames WHERE gateway = ? AND flow = ? AND week = ?
                ORDER BY epoch DESC, seq DESC""",
                place,
            )
            for epoch, seq in numbers[NUMBERS_KEPT:]:
                run(
                    "DELETE FROM frames WHERE gateway = ? AND flow = ? AND week = ? AND epoch = ? AND seq = ?",
                    (*place, epoch, seq),
                )
        return bool(rows)

    def _groups(self, gateway: str, flow: str) -> list[_Group]:
        """Return what waits of a flow, oldest number first."""
        rows = self._database.read(
            """SELECT week, epoch, seq, kind, parts, part, payload FROM frames WHERE gateway = ? AND flow = ?
            ORDER BY week, epoch, seq, kind, parts, part""",
            (gateway, flow),
        )
        found: dict[tuple[Any, ...], list[tuple[int, bytes]]] = {}
        for *key, part, payload in rows:
            found.setdefault(tuple(key), []).append((part, bytes.fromhex(payload)))
        return [_group(key, parts) for key, parts in found.items()]

    def _known(self, gateway: str, flow: str) -> Mapping[str, Any] | None:
        """Return the layout of a flow: from its newest snapshot, with its words, else from layout frames.

        Only from this very gateway: what another one says of a flow shall not change what this one's counts mean.
        """
        rows = self._database.read(
            "SELECT body FROM snapshots WHERE gateway = ? AND flow_hash LIKE ? ORDER BY received_at DESC LIMIT 1",
            (gateway, f"{flow}%"),
        ) or self._database.read("SELECT body FROM layouts WHERE gateway = ? AND flow = ?", (gateway, flow))
        if not rows:
            return None
        body = msgspec.json.decode(rows[0][0])
        return {name: body[name] for name in FROM_BODY}

    # merging -----------------------------------------------------------------------------------------------------
    def _settle(self, one: Sender, flow: str, now: int) -> set[Number]:
        """Merge every whole snapshot of a flow whose layout is known; return the numbers that are held now.

        What cannot be merged is dropped, so that it can come again; the first fault is raised once all are tried.
        """
        layout = self._known(one.gateway, flow)
        whole = [group for group in self._groups(one.gateway, flow) if group.whole] if layout is not None else []
        done: set[Number] = set()
        faults = []
        for group in whole:
            try:
                self._merge(one, layout or {}, group, now)
                done.add((group.epoch, group.seq))
            except Refused as fault:
                if fault.status == 503:
                    raise
                if fault.code != "older":
                    faults.append(fault)
            self._drop(one.gateway, flow, group)
        if faults:
            raise faults[0]
        return done

    def _merge(self, one: Sender, layout: Mapping[str, Any], group: _Group, now: int) -> None:
        size = dense.row_size(layout["questions"])
        parts = [piece for payload in group.payloads for piece in dense.slices(payload, size)]
        rows = dense.body_parts(parts, size)
        final = dense.begin(group.payloads[0]).final
        body = {
            **layout,
            "v": 1,
            "gateway": one.gateway,
            "region": one.region,
            "period": dense.week(group.week),
            "final": final,
            "epoch": group.epoch,
            "seq": group.seq,
            "made_at": now,
            **_figures(layout["questions"], rows),
        }
        self._store.put(read_snapshot(msgspec.json.encode(body)), now)

    def _drop(self, gateway: str, flow: str, upto: _Group) -> None:
        """Let the parts of this number and of those before go."""
        with self._database.transaction() as run:
            run(
                """DELETE FROM frames WHERE gateway = ? AND flow = ? AND week = ?
                AND (epoch < ? OR (epoch = ? AND seq <= ?))""",
                (gateway, flow, upto.week, upto.epoch, upto.epoch, upto.seq),
            )

    def _layout(self, frame: Frame, now: int) -> Taken:
        """Keep a piece of a layout; once it is whole, merge what waited for it."""
        piece, gateway = dense.piece(frame.payload), frame.sender.gateway
        key = (gateway, frame.flow, piece.digest, piece.parts)
        with self._database.transaction() as run:
            run(
                """INSERT INTO layout_pieces (gateway, flow, digest, parts, part, data) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO NOTHING""",
                (*key, piece.part, piece.data.hex()),
            )
            rows = run(
                """SELECT data FROM layout_pieces WHERE gateway = ? AND flow = ? AND digest = ? AND parts = ?
                ORDER BY part""",
                key,
            )
        if len(rows) < piece.parts:
            return Taken(gateway, "layout")
        self._learn(frame, [bytes.fromhex(row[0]) for row in rows])
        return Taken(gateway, "layout", tuple(sorted(self._settle(frame.sender, frame.flow, now))))

    def _learn(self, frame: Frame, pieces: Sequence[bytes]) -> None:
        """Keep a whole layout, in place of its pieces; a broken one is forgotten, so that it can come again."""
        place = (frame.sender.gateway, frame.flow)
        try:
            told = dense.layout(pieces)
            if not told["flow_hash"].startswith(frame.flow):
                raise dense.broken("its layout is of another flow")
        finally:
            with self._database.transaction() as run:
                run("DELETE FROM layout_pieces WHERE gateway = ? AND flow = ?", place)
        with self._database.transaction() as run:
            run(
                """INSERT INTO layouts (gateway, flow, body) VALUES (?, ?, ?)
                ON CONFLICT (gateway, flow) DO UPDATE SET body = excluded.body""",
                (*place, msgspec.json.encode(told).decode()),
            )

    # receipts ----------------------------------------------------------------------------------------------------
    def _receipts(self, gateway: str, asked: Collection[Number], now: int) -> list[str]:
        """Return one receipt for each window of sixteen numbers that holds one asked about."""
        to = next(iter(self._senders(gateway)), None)
        held = {(one.epoch, one.seq) for one in self._store.cursor(gateway)}
        waiting = self._waiting(gateway)
        texts = []
        left = sorted(asked, reverse=True)
        while left and to is not None:
            epoch, top = left[0]
            bottom = top - dense.WINDOW + 1
            parts = {seq: here for (of, seq), here in waiting.items() if of == epoch and bottom <= seq <= top}
            ours = [seq for of, seq in held if of == epoch]
            texts.append(write_ack(to, top, dense.ack(epoch, now, top, ours, parts, self._wanted(gateway))))
            left = [one for one in left if one[0] != epoch or one[1] < bottom]
        return texts

    def _waiting(self, gateway: str) -> dict[Number, str]:
        """Return which parts are here of each number that waits, as a text of 0 and 1; printed codes are no SMS."""
        return {
            (group.epoch, group.seq): "".join(str(int(at in group.here)) for at in range(group.parts))
            for flow in self._flows(gateway)
            for group in self._groups(gateway, flow)
            if group.kind == "counts"
        }

    def _wanted(self, gateway: str) -> list[str]:
        """Return the flows whose counts wait for a layout."""
        return [flow for flow in self._flows(gateway) if self._known(gateway, flow) is None]

    def _flows(self, gateway: str) -> list[str]:
        rows = self._database.read("SELECT DISTINCT flow FROM frames WHERE gateway = ? ORDER BY flow", (gateway,))
        return [row[0] for row in rows]


def _sender(seed: bytes, one: Gateway) -> Sender | None:
    return sender(seed, one.id, one.region, one.public_key)


def _group(key: tuple[Any, ...], parts: Sequence[tuple[int, bytes]]) -> _Group:
    week, epoch, seq, kind, count = key
    return _Group(week, epoch, seq, kind, count, [one for _, one in parts], frozenset(at for at, _ in parts))


def _figures(questions: Sequence[Mapping[str, Any]], rows: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Lay the rows out as a body has them: cells by question, option and area."""
    areas = sorted(rows)
    cells, at = {}, 2
    for question in questions:
        end = at + len(question["options"])
        cells[question["id"]] = [[rows[area][column] for area in areas] for column in range(at, end)]
        at = end
    started = [rows[area][0] for area in areas]
    completed = [rows[area][0] - rows[area][1] for area in areas]
    return {"areas": areas, "cells": cells, "walks": {"started": started, "completed": completed}}
