"""Plays the citizens, several at a time, and counts what happened."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from flows.errors import AwalError
from flows.model import Flow
from flows.texts import Place
from flows.types import Conversation
from gateway.project import Project
from gateway.rehearsal.citizen import MOST_REPLIES, Mind, Temper
from gateway.rehearsal.phones import AfricasTalkingPhone, Line, Phone, SimulatorPhone, SimulatorSms
from locales.negotiation import keyword_language

AT_ONCE = 4
LANGUAGES = ("ar", "fr", "ar", "zgh", "fr")
"""Who speaks what: two in five Arabic, two French, one Amazigh."""


class Summary:
    """What a rehearsal did; `lines()` says it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.bearers: Counter[str] = Counter()
        self.errors: list[str] = []
        self.seconds = 0.0
        self._lock = threading.Lock()

    def add(self, **counts: int) -> None:
        """Count; safe from several threads."""
        with self._lock:
            self.counts.update(counts)

    def one(self, language: str, bearer: str) -> None:
        """Count a citizen."""
        with self._lock:
            self.languages[language] += 1
            self.bearers[bearer] += 1

    def fail(self, message: str) -> None:
        """Keep an error, once each."""
        with self._lock:
            self.counts["errors"] += 1
            if message not in self.errors and len(self.errors) < 10:
                self.errors.append(message)

    @property
    def ok(self) -> bool:
        """True when every request was answered and every repeat got its stored reply."""
        return not self.counts["errors"] and not self.counts["repeats_changed"]

    def lines(self) -> list[str]:
        """Return the summary, a line each."""
        count = self.counts
        rate = count["requests"] / self.seconds if self.seconds else 0
        return [
            f"Citizens     {count['citizens']}: {count['completed']} completed, {count['gave_up']} left before the end",
            f"Languages    {_spread(self.languages)}",
            f"Bearers      {_spread(self.bearers)}",
            f"Replies      {count['replies']}, of them {count['odd']} odd",
            f"Drops        {count['drops']} sessions lost and dialled again",
            f"Repeats      {count['repeats']}, answered alike: {count['repeats'] - count['repeats_changed']}",
            f"Requests     {count['requests']} in {self.seconds:.1f} s ({rate:.0f} a second)",
            *(f"Error        {error}" for error in self.errors),
        ]


def _spread(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common()) or "none"


class Rehearsal:
    """A number of citizens with a seed: the same seed plays the same citizens."""

    def __init__(
        self, project: Project, base: str, flow: str = "", seed: int = 1, temper: Temper | None = None
    ) -> None:
        self.project = project
        self.base = base
        self.seed = seed
        self.temper = temper or Temper()
        self.flows = self._flows(flow)
        self.roads = self._roads()
        self.places = self._places()
        self.summary = Summary()

    def run(self, citizens: int, progress: Callable[[], None] = lambda: None) -> Summary:
        """Play them all; `progress` is called once a citizen."""
        begun = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting = [pool.submit(self._play, number) for number in range(citizens)]
            for done in as_completed(waiting):
                done.result()
                progress()
        self.summary.seconds = time.monotonic() - begun
        return self.summary

    # what there is to play with --------------------------------------------------------------------------------
    def _flows(self, flow: str) -> dict[str, Flow]:
        flows = {one.id: one for one in self.project.files.sound()}
        if flow and flow not in flows:
            raise AwalError(f"there is no flow {flow!r} here; flows served: {', '.join(flows) or 'none'}.")
        if not flows:
            raise AwalError("there is no flow to rehearse; put one in flows/ and run awal check.")
        return {flow: flows[flow]} if flow else flows

    def _roads(self) -> list[tuple[str, str]]:
        """Return (channel, bearer) pairs that can be played without a provider."""
        roads = []
        for name, channel in self.project.channels.items():
            if channel.type == "simulator":
                roads += [(name, "ussd"), (name, "sms")]
            elif channel.type == "africastalking":
                roads.append((name, "ussd"))
        if not roads:
            raise AwalError("no channel can be rehearsed; add one of type simulator or africastalking to awal.toml.")
        return roads

    def _places(self) -> list[Place]:
        """Return the communes of the gateway's region, or of all when it has none."""
        places = self.project.texts.places
        region = self.project.settings.gateway.region
        regions = [region] if region else [one.code for one in places.children("")]
        provinces = [province for code in regions for province in places.children(code)]
        return [commune for province in provinces for commune in places.children(province.code)]

    def _names(self, place: Place) -> Sequence[str]:
        """Return the ways to write a place that mean it alone."""
        found = [name for name in (place.names["fr"], place.names["ar"], place.code) if self._means(name, place)]
        return found or [place.code]

    def _means(self, name: str, place: Place) -> bool:
        return [one.code for one in self.project.texts.places.find(name, "commune")] == [place.code]

    # one citizen -----------------------------------------------------------------------------------------------
    def _play(self, number: int) -> None:
        rng = random.Random(f"{self.seed}/{number}")  # noqa: S311 - play, not secrecy
        language = LANGUAGES[number % len(LANGUAGES)]
        name, bearer = self.roads[number % len(self.roads)]
        place = rng.choice(self.places[: max(5, len(self.places) // 6)])
        mind = Mind(rng, language, place, self._names(place))
        wish = rng.choice(list(self.flows.values()))
        phone = self._phone(name, bearer, f"+2126{self.seed % 100:02d}{number:06d}", _keyword(wish, language))
        self.summary.one(language, bearer)
        try:
            self._talk(mind, phone, wish)
        except OSError as error:
            self.summary.fail(f"the gateway does not answer at {self.base} ({error}); start it with awal serve")
        finally:
            phone.line.close()
            self.summary.add(citizens=1)

    def _phone(self, name: str, bearer: str, number: str, keyword: str) -> Phone:
        channel = self.project.channels[name]
        line, urls = Line(self.base), channel.urls()
        if bearer == "sms":
            return SimulatorSms(line, urls, number, keyword, self._inbox)
        kind = AfricasTalkingPhone if channel.type == "africastalking" else SimulatorPhone
        return kind(line, urls, number)

    def _inbox(self, number: str) -> tuple[str, bool]:
        """Return the newest SMS to a number, and whether a reply is awaited."""
        citizen = self.project.phones.pseudonym(number)
        rows = self.project.store.outbox(citizen=citizen, limit=1)
        return (rows[0].text if rows else ""), self._state(number) is not None

    def _state(self, number: str) -> Conversation | None:
        current = self.project.store.dialogue("", "", self.project.phones.pseudonym(number)).current
        return current.state if current else None

    def _talk(self, mind: Mind, phone: Phone, wish: Flow) -> None:
        phone.start()
        self._heard(phone)
        for _ in range(MOST_REPLIES):
            if phone.ended:
                return self.summary.add(completed=1)
            if mind.rng.random() < self.temper.repeat:
                self.summary.add(repeats=1, repeats_changed=not phone.repeat())
            if phone.bearer == "ussd" and mind.rng.random() < self.temper.drop:
                self.summary.add(drops=1)
                phone.start()
            else:
                phone.reply(self._reply(mind, phone, wish))
            self._heard(phone)
        return self.summary.add(gave_up=1)

    def _reply(self, mind: Mind, phone: Phone, wish: Flow) -> str:
        self.summary.add(replies=1)
        if mind.rng.random() < self.temper.odd:
            self.summary.add(odd=1)
            return mind.odd()
        state = self._state(phone.number)
        if state and not state.flow and state.phase == "steps":
            return self._key_of(wish, state.language, phone.screen)
        flow = self.flows.get(state.flow) if state else None
        step = flow.steps[state.at] if flow and state and 0 <= state.at < len(flow.steps) else None
        return mind.answer(phone.screen, step, state)

    def _key_of(self, wish: Flow, language: str, screen: str) -> str:
        """Return the number of a flow in the first menu; `0` looks on the next page."""
        title = self.project.texts.flow(wish.title, language, wish.language).text
        return next((line.split()[0] for line in screen.splitlines() if line.endswith(title)), "0")

    def _heard(self, phone: Phone) -> None:
        self.summary.add(requests=1)
        if not phone.screen:
            self.summary.fail(f"no words came back on {phone.bearer}")


def _keyword(flow: Flow, language: str) -> str:
    """Return the word by which a citizen of this language starts a flow by SMS, or the flow's first."""
    own = (word for word in flow.keywords if keyword_language(word, flow.language) == language)
    return next(own, next(iter(flow.keywords), flow.id))
