"""A gateway with answers and a real national platform to send them to, for the tests of both ends of the wire."""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from waitress.server import create_server

from flows.model import Ask, Flow, Option, Say, Text, Value, dump
from flows.types import Answer, Conversation
from national.app import create_app
from national.store import Store as NationalStore
from national.store import open_store
from reports.keys import public_key
from reports.periods import day_of
from storage.sqlite import SqliteStore
from storage.store import AnswerRow, Change, Citizen, InboundRow

SIGNING = base64.b64encode(bytes(range(32))).decode()
OTHER_SIGNING = base64.b64encode(bytes(range(1, 33))).decode()
PUBLIC = public_key(SIGNING)
PLACES = ("02.411.01.01", "02.411.01.03", "")


def at(*moment: int) -> int:
    """Return the milliseconds of a moment, UTC."""
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc]


W47 = at(2026, 11, 18, 9)
"""A moment of week 2026-W47."""
W48 = at(2026, 11, 25, 9)
"""A moment of the week after: W47 is over."""


def text(context: str, source: str, **inline: str) -> Text:
    return Text(context, source, inline)


def water(version: int = 1, **changes: str) -> Flow:
    """A flow with a question of each counted type, and some that are never counted."""
    problems = tuple(Option(key, text(f"water/problem/{key}", key.title())) for key in ("cuts", "taste", "price"))
    title = changes.get("title", "Eau potable")
    return Flow(
        id="water",
        version=version,
        title=text("water", title, ar="الماء الصالح للشرب"),
        language="fr",
        languages=("fr", "ar"),
        sector="water",
        steps=(
            Ask("supply", text("water/supply", "De l'eau chaque jour ?", ar="الماء كل يوم؟"), "yes_no"),
            Ask("mark", text("water/mark", "Satisfait ?"), "rating", measure="satisfaction"),
            Ask("problem", text("water/problem", "Le problème ?"), "choice", problems, when="mark <= 2"),
            Ask("needs", text("water/needs", "Que faut-il ?"), "choices", problems),
            Ask("recommend", text("water/recommend", "De 0 à 10 ?"), "nps"),
            Ask("people", text("water/people", "Combien ?"), "integer"),
            Ask("words", text("water/words", "Autre chose ?"), "text"),
            Ask("phone", text("water/phone", "Votre numéro ?"), "phone"),
            Ask("commune", text("water/commune", "Votre commune ?"), "place"),
            Say("say-1", text("water/say-1", "Merci.")),
        ),
    )


WATER = water()


class Clock:
    """Milliseconds that only a test moves."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class World:
    """A gateway's store, and citizens that answer into it."""

    def __init__(self, path: Path, name: str = "gateway") -> None:
        self.path = path / f"{name}.db"
        self.store = SqliteStore(self.path)
        self._numbers = itertools.count(1)

    def answer(
        self, answers: Mapping[str, Value], *, flow: Flow = WATER, now: int = W47, place: str = "", done: bool = True
    ) -> str:
        """Keep one conversation with its answers, by a new citizen; return the pseudonym."""
        number = next(self._numbers)
        citizen, conversation, moment = f"p{number}", f"c{number}", datetime.fromtimestamp(now / 1000, UTC)
        self.store.keep_flow(flow.hash, flow.id, flow.version, dump(flow), now)
        kept = [Answer(step, value, "06 12 34 56 78 Fatima") for step, value in answers.items()]
        rows = [self._row(one, f"a{number}-{one.step}", citizen, conversation, flow, now) for one in kept]
        state = Conversation(
            id=conversation,
            bearer="sms",
            flow=flow.id,
            version=flow.version,
            flow_hash=flow.hash,
            language="fr",
            phase="done" if done else "steps",
            status="done" if done else "active",
            answers=dict(answers),
            place=place,
            started_at=moment,
            updated_at=moment,
        )
        inbound = InboundRow(f"i{number}", "simulator", f"m{number}", citizen, "sms", "Fatima", now)
        change = Change(
            inbound=inbound,
            reply=b"",
            citizen=Citizen(citizen, "fr"),
            conversation=state,
            channel="simulator",
            answers=rows,
        )
        assert self.store.accept(change).outcome == "taken"
        return citizen

    def many(self, count: int, answers: Mapping[str, Value], **more: object) -> list[str]:
        """Keep `count` conversations with the same answers."""
        return [self.answer(answers, **more) for _ in range(count)]  # type: ignore[arg-type]

    def close(self) -> None:
        self.store.close()

    def _row(self, answer: Answer, id: str, citizen: str, conversation: str, flow: Flow, now: int) -> AnswerRow:
        return AnswerRow(
            id=id,
            conversation=conversation,
            citizen=citizen,
            flow=flow.id,
            flow_version=flow.version,
            flow_hash=flow.hash,
            step=answer.step,
            value=answer.value,
            raw=answer.raw,
            language="fr",
            bearer="sms",
            channel="simulator",
            answered_at=now,
            day=day_of(now),
        )


class Nation:
    """A national platform on a real port, with its store at hand."""

    def __init__(self, url: str, store: NationalStore, clock: Clock) -> None:
        self.url = url
        self.store = store
        self.clock = clock

    def enrol(self, gateway: str = "demo", region: str = "02", key: str = PUBLIC) -> None:
        self.store.enrol(gateway, region, key, self.clock())


@contextmanager
def nation(
    path: Path, clock: Clock, *, open_periods: bool = False, url: str = "", prefix: str = ""
) -> Iterator[Nation]:
    """Serve a platform by waitress, as `awal-national serve` does, until the end of the block."""
    store = open_store(url or f"sqlite:{path / 'national.db'}")
    app = create_app(store, open_periods=open_periods, clock=clock)
    server = create_server(
        app, host="127.0.0.1", port=0, threads=4, url_prefix=prefix, clear_untrusted_proxy_headers=True
    )
    stop = threading.Event()

    def run() -> None:
        # server.run() cannot be ended from another thread; this is its loop, one turn at a time
        while not stop.is_set():
            server.asyncore.loop(timeout=server.adj.asyncore_loop_timeout, map=server._map, count=1)
        server.task_dispatcher.shutdown()
        server.close()
        server.asyncore.close_all(server._map)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield Nation(f"http://127.0.0.1:{server.effective_port}{prefix}", store, clock)
    finally:
        stop.set()
        server.pull_trigger()
        thread.join(timeout=10)
        store.close()
