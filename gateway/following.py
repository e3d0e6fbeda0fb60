"""Conversations that wait for their citizen: the way back to a lost session, reminders, and the end as partial.

An open conversation can be taken up for the flow's `resume` after the last that was said in it, by its citizen or by a
reminder. Then it is closed, and what was answered stays. Who replies by SMS within a week is taken up all the same.
Looks are planned in the store (`storage.following`), so that a restart forgets none, and each is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from msgspec.structs import replace

from flows.errors import AwalError
from flows.model import Bearer, Flow
from flows.texts import Texts
from flows.waiting import reminder, way_back
from gateway import log
from gateway.channels.base import Channel, Received
from gateway.library import Library
from gateway.phones import Phones
from gateway.sending.civil import Civil, Quiet
from gateway.sending.compose import compose
from storage.following import Awaited, Follow, Following
from storage.moments import milliseconds
from storage.outgoing import WROTE
from storage.store import Citizen, Dialogue, OutboundRow, Saved

SILENCE = 240_000
"""Milliseconds without a word after which a USSD session is lost: networks end theirs after three minutes."""
GRACE = 60_000
"""Milliseconds in which who was cut off may dial again by themselves."""
LATER = 900_000
"""Milliseconds between two looks in quiet hours."""
LATE = 7 * 86_400_000
"""Milliseconds for which a late reply by SMS takes up what was closed."""
BATCH = 100
MOST = 100
"""Batches at one look: the next beat goes on."""
What = Literal["end", "lost", "remind"]


class Next(NamedTuple):
    """What comes next for a conversation if its citizen stays silent, and when."""

    at: int
    what: What


def first_look(flow: Flow, bearer: Bearer) -> int:
    """Return the milliseconds after which a conversation that begins is first looked after."""
    silence = [SILENCE] if flow.lost and bearer == "ussd" else []
    return min([flow.resume * 1000 + 1, *silence, *(one * 1000 for one in flow.reminders)])


def last_said(one: Awaited) -> int:
    """Return when something was last said in a conversation, by its citizen or to them."""
    return max(milliseconds(one.state.updated_at), one.asked_at)


def end_of(flow: Flow, one: Awaited) -> Next:
    """Return when a conversation cannot be taken up any more."""
    return Next(last_said(one) + flow.resume * 1000 + 1, "end")


def coming(flow: Flow, one: Awaited) -> Next:
    """Return what comes next, and when; the end at the latest."""
    end = end_of(flow, one)
    state = one.state
    if not one.recipient or not state.flow or state.phase not in ("steps", "resume"):
        return end
    spoke = milliseconds(state.updated_at)
    if state.bearer == "ussd":
        cut = one.lost_at + GRACE if one.lost_at >= spoke else spoke + SILENCE
        return min(end, Next(cut, "lost")) if flow.lost and one.asked_at < spoke else end
    if one.asked >= len(flow.reminders):
        return end
    at = spoke + flow.reminders[one.asked] * 1000
    if one.asked:
        gap = flow.reminders[one.asked] - flow.reminders[one.asked - 1]
        at = max(at, one.asked_at + gap * 1000)
    return min(end, Next(at, "remind"))


def late_one(store: Following, received: Received, citizen: Citizen, read: Dialogue, now: int) -> Saved | None:
    """Return what a late reply by SMS may take up: the citizen's newest conversation, closed or due to be."""
    if received.bearer == "ussd" or read.citizen is None:
        return None
    closed = store.late(citizen.pseudonym) if read.current is None else None
    late = Saved(closed.state, closed.revision, closed.asked_at) if closed else read.current
    return late if late and now - max(milliseconds(late.state.updated_at), late.asked_at) <= LATE else None


class Follower:
    """Looks after the conversations whose moment has come. `carrier` names the channel of an SMS to who dialled."""

    def __init__(
        self,
        store: Following,
        library: Library,
        texts: Texts,
        phones: Phones,
        channels: Mapping[str, Channel],
        carrier: Callable[[Channel, str], str],
        timezone: str,
    ) -> None:
        self.store = store
        self.library = library
        self.texts = texts
        self.phones = phones
        self.channels = channels
        self.carrier = carrier
        self.civil = Civil(timezone)

    def look(self, now: int) -> int:
        """Do what is due; return how many messages were queued."""
        queued = 0
        for _ in range(MOST):
            found = self.store.awaited(now, BATCH)
            for one in found:
                step = self._step(one, now)
                done = self.store.follow(step)
                queued += done and step.outbound is not None
                if done and (step.outbound or step.ends):
                    told = step.outbound.dedupe_key if step.outbound else step.ends and step.ends.status
                    log.event("followed", conversation=one.state.id, what=told or "-")
            if len(found) < BATCH:
                break
        return queued

    def _step(self, one: Awaited, now: int) -> Follow:
        flow = self.library.pinned(one.state.flow_hash)
        due = end_of(flow, one) if flow else Next(0, "end")
        if flow and due.at > now:  # a gateway that was off for long reminds nobody of what is over
            due = coming(flow, one)
        if due.at > now:
            return Follow(before=one, now=now, due_at=due.at, asked=one.asked)
        if flow is None or due.what == "end":
            status: Literal["partial", "expired"] = "partial" if one.state.trail else "expired"
            return Follow(before=one, now=now, ends=replace(one.state, status=status))
        return self._speak(flow, one, due.what, now)

    def _speak(self, flow: Flow, one: Awaited, what: What, now: int) -> Follow:
        """Queue a message, at a decent hour; where none can be made, the conversation waits for its end."""
        made = self._message(flow, one, what, now)
        if made is None:
            return Follow(before=one, now=now, due_at=end_of(flow, one).at, asked=one.asked)
        if Quiet(self.channels[made.channel].settings.quiet_hours, self.civil).now(now):
            return Follow(before=one, now=now, due_at=now + LATER, asked=one.asked)
        asked = one.asked + (what == "remind")
        due = coming(flow, replace(one, asked=asked, asked_at=now))
        return Follow(before=one, now=now, due_at=due.at, asked=asked, outbound=made)

    def _message(self, flow: Flow, one: Awaited, what: What, now: int) -> OutboundRow | None:
        """Return what to send; None where nobody can be reached, or the number is shared and the words are private."""
        try:
            number = self.phones.unseal(one.recipient)
            if self.phones.pseudonym(number) != one.citizen:
                return None
            text = self._words(flow, one, what)
            return (text and self._composed(flow, one, what, number, text, now)) or None
        except AwalError as error:
            log.event("not followed", conversation=one.state.id, error=str(error))
            return None

    def _composed(self, flow: Flow, one: Awaited, what: What, number: str, text: str, now: int) -> OutboundRow:
        spoken = self.channels.get(one.channel)
        turn = one.asked + 1 if what == "remind" else milliseconds(one.state.updated_at)
        return compose(
            number,
            text,
            "reminder",
            WROTE,
            phones=self.phones,
            channels=self.channels.values(),
            now=now,
            wanted=self.carrier(spoken, number) if spoken else "",
            not_after=now + flow.resume * 1000,
            conversation=one.state.id,
            dedupe_key=f"{what} {one.state.id} {turn}",
        )

    def _words(self, flow: Flow, one: Awaited, what: What) -> str:
        word = self._keyword(flow, one.state.language)
        if what == "remind":
            return reminder(flow, one.state, self.texts, word)
        spoken = self.channels.get(one.channel)
        code = one.service or (spoken.settings.number if spoken else "")
        return way_back(flow, one.state, self.texts, code, word)

    def _keyword(self, flow: Flow, language: str) -> str:
        """Return the word that starts a flow by SMS: in the citizen's language where there is one, else the first."""
        words = self.library.flows[flow.id].keywords if flow.id in self.library.flows else ()
        own = (word for word in words if self.library.told_language(word, flow) == language)
        return next(own, words[0] if words else "")
