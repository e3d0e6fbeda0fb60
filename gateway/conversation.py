"""The conversation transaction: one inbound in, one committed turn out.

Read what the inbound needs, work out the turn with the pure engine, keep everything in one durable transaction, and
only then answer the provider: `Store.turn` calls `decide` between reading and keeping. A repeat gets the stored reply;
when two inbounds of one citizen meet, the first committed wins and the second is worked out on what it left. Nothing is
sent from here: SMS replies go to the outbox in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from sys import intern
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from flows.engine import step
from flows.home import entered
from flows.model import Flow
from flows.reading import command
from flows.texts import Texts
from flows.types import Conversation, Inbound, Turn
from gateway.calls import Calls
from gateway.channels.base import Channel, Received
from gateway.clock import Wall
from gateway.draft import Draft
from gateway.following import first_look, late_one
from gateway.hearing import Hearing
from gateway.ids import uuid7
from gateway.intake import Intake, Opening, Stale, own_sms
from gateway.library import Library
from gateway.outcome import Outcome
from gateway.persons import Persons
from gateway.phones import Phones
from gateway.taking import Taking
from storage.store import Change, Citizen, Dialogue, Store
from storage.turns import Soon

REMEMBERED = 2_000
"""Citizens whose language is kept in mind beside the store."""


class Conversations(Hearing):
    """Takes inbounds from every channel. `clock` returns milliseconds UTC; `sent` is called when the outbox grew."""

    def __init__(
        self,
        store: Store,
        library: Library,
        texts: Texts,
        phones: Phones,
        clock: Callable[[], int],
        *,
        timezone: str,
        within: str,
        languages: Sequence[str],
        sent: Callable[[], None] = lambda: None,
        step: Callable[[Flow, Conversation, Inbound, datetime, Texts], Turn] = step,
        machine: Callable[[Received], bool] | None = None,
        carrier: Callable[[Channel, str], str] = own_sms,
        new_id: Callable[[int], str] = uuid7,
        keeps: bool = True,
        watch: Wall | None = None,
        shared_phones: bool = False,
        prefixes: Sequence[str] = (),
    ) -> None:
        self.store = store
        self.library = library
        self.texts = texts
        self.phones = phones
        self.clock = clock
        self.watch = watch or Wall()
        self.zone = ZoneInfo(timezone)
        self.keeps = keeps
        self.languages = tuple(languages)
        self.sent = sent
        self.step = step
        self.calls = Calls(store, library, prefixes)
        self.machine = machine
        self.persons = Persons(phones, texts, languages, clock) if shared_phones else None
        self.intake = Intake(library, texts, within, carrier, new_id)
        self._spoken: dict[str, str] = {}

    def take(self, channel: Channel, received: Received) -> bytes:
        """Keep an inbound and return the body to answer; raises StoreError when it could not be kept.

        What `machine` takes is no citizen's: a receipt of the national platform by SMS. It is never answered.
        """
        if self.machine is not None and self.machine(received):
            return b""
        one = Taking(self, channel, received)
        with self.watch.using():
            return one.kept(self.store.turn(one.asked, one.decide))

    def hands_over(self, received: Received) -> bool:
        """Tell whether `hand_over` takes this one: no SMS that may be a machine's, nothing while the clock is lost."""
        return self.watch.known and (self.machine is None or received.bearer == "ussd")

    def hand_over(
        self,
        channel: Channel,
        received: Received,
        told: Callable[[bytes | Exception], None],
        soon: Soon | None = None,
    ) -> None:
        """Keep an inbound without making the caller wait: `told` hears, once, the body to answer, or the error."""
        one = Taking(self, channel, received)
        with self.watch.handing(lambda outcome: told(one.ended(outcome))) as ended:
            self.store.hand_over(one.asked, one.decide, ended, soon)

    def remember(self, pseudonym: str, language: str) -> None:
        """Keep in mind who speaks what, for an apology without the store; a little of it is enough."""
        if len(self._spoken) >= REMEMBERED:
            self._spoken.clear()
        self._spoken[pseudonym] = intern(language)  # else the same few letters are kept for each of them

    def forgotten(self, channel: Channel, received: Received) -> bytes:
        """Return the answer to a repeat whose citizen was erased since: their stored screen is gone with them."""
        if received.bearer == "sms":
            return b""
        return channel.render_ussd(self.texts.phrase("erased", self.languages[0]), ends=True)

    def again(self, received: Received) -> str:
        """Return the words that ask to dial again: the store was too slow, the conversation waits where it was."""
        return self._without_store("again", received)

    def apology(self, received: Received) -> str:
        """Return the words for our own fault, in the citizen's language as far as it is known without the store."""
        return self._without_store("apology", received)

    def _without_store(self, phrase: str, received: Received) -> str:
        language = self._spoken.get(self.phones.pseudonym(received.sender)) or self.languages[0]
        return self.texts.phrase(phrase, language)

    def change(self, channel: Channel, received: Received, read: Dialogue, person: str = "") -> Change:
        """Work out what an inbound changes; raises Stale when it is older than what its session has sent.

        `person` speaks on a phone that others have too: nothing is sent there unasked before they wish it.
        """
        now = self.clock()
        moment = datetime.fromtimestamp(now / 1000, UTC)
        citizen = read.citizen or self._stranger(received, person, now)
        if received.call and self.calls.unanswered(channel, received, citizen, now):
            raise Stale(channel.render_call())
        opening = self.intake.open(
            channel, received, citizen, read, moment, late_one(self.store, received, citizen, read, now)
        )
        outcome = self._walk(opening, citizen, moment)
        flow = self.library.pinned(outcome.state.flow_hash) or opening.flow
        resume = flow.resume
        carrier = self.intake.carrier(channel, received.sender) if outcome.messages else ""
        day = self.watch.day(now)
        made = Draft(
            channel,
            received,
            read,
            opening,
            outcome,
            self.phones,
            now,
            self.zone,
            carrier,
            resume,
            day,
            keeps=self.keeps,
            look=0 if opening.base and not opening.reopens else first_look(flow, outcome.state.bearer),
            before=citizen,
            person=person,
        )
        return made.change()

    def _stranger(self, received: Received, person: str, now: int) -> Citizen:
        return Citizen(person, stopped_at=now) if person else Citizen(self.phones.pseudonym(received.sender))

    def _walk(self, opening: Opening, citizen: Citizen, moment: datetime) -> Outcome:
        """Let the engine take each input in turn; a flow chosen in the first menu is entered at once."""
        flow, state = opening.flow, opening.state
        outcome = Outcome()
        for inbound in opening.inputs:
            turn = self.step(flow, state, self._counted(inbound, citizen), moment, self.texts)
            outcome.add(turn, flow)
            picked = self.library.picked(flow, turn)
            if picked:
                flow, start = picked, replace(inbound, event="start", text="")
                turn = self.step(flow, entered(flow, turn.conversation), start, moment, self.texts)
                outcome.add(turn, flow)
            state = turn.conversation
        return outcome

    def _counted(self, inbound: Inbound, citizen: Citizen) -> Inbound:
        """Tell the engine how many answers are kept and since when, only where the citizen asks for it."""
        if command(inbound.text) != "MYDATA":
            return inbound
        kept = self.store.mydata(citizen.pseudonym).get("answers")
        agreed = datetime.fromtimestamp(citizen.consented_at / 1000, self.zone) if citizen.consented_at else None
        since = f"{agreed:%d/%m/%Y}" if agreed else ""
        return replace(inbound, kept=len(kept) if isinstance(kept, list) else 0, since=since)
