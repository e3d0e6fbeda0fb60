"""Several people on one phone: whoever gives their code speaks as themselves, in private, until they leave.

`MOI 1234` by SMS or in a USSD session. A code is whatever four digits a person chooses: with the number it makes a
pseudonym, and nothing else of it is kept. Every code is right, so that none tells whether somebody has it; a phone may
try so many a day and no more. A USSD session begins as the phone's own citizen, and so does an SMS some time after the
last private one. What is shown at the change is the same for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from threading import Lock

from flows.encoding import measure, sms_safe
from flows.texts import Texts
from gateway.channels.base import Channel, Received
from gateway.ids import uuid7
from gateway.intake import HIDDEN as HIDDEN_PATH
from gateway.intake import Stale, session_inputs
from gateway.phones import Phones
from locales.folding import fold, spaced
from locales.tags import script_language
from storage.store import Change, Citizen, Dialogue, InboundRow, OutboundRow, Session
from storage.turns import Asked

PRIVATE_FOR = 900_000
"""Milliseconds after the last private SMS from which the phone's own citizen speaks again."""
MOST_CODES = 12
"""Codes that may be given on one phone a day: ten thousand of them take more than two years."""
DAY = 86_400_000
HIDDEN = "MOI ****"
"""What is kept of a message that held a code."""

_WORDS = "|".join(fold(word) for word in ("moi", "ana", "أنا"))
_GIVEN = re.compile(rf"(?:{_WORDS})[\s:.-]*([0-9](?:\s*[0-9]){{3}})?")


def code_given(text: str) -> str | None:
    """Return the code that a whole message gives, empty for the word alone; None where it is no such message.

    >>> code_given("Moi 1234"), code_given("أنا ١٢٣٤"), code_given("MOI"), code_given("moi, 1234 fois")
    ('1234', '1234', '', None)
    """
    if not 3 <= len(text) <= 24:
        return None
    found = _GIVEN.fullmatch(spaced(fold(text)))
    return None if found is None else "".join((found[1] or "").split())


def holds_code(path: str) -> bool:
    """Tell whether one of a session's inputs gives a code."""
    if path.replace("*", "").isdigit():  # a code follows a word
        return False
    return any(code_given(part) for part in path.split("*"))


def sms_session(citizen: str) -> str:
    """Return the name under which a phone's private SMS go; no provider's session has a blank."""
    return f"sms {citizen}"


class Codes:
    """Counts the codes given on each phone, in memory, for a day; a repeat of an inbound counts once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._day = 0
        self._given: dict[str, set[str]] = {}

    def allow(self, phone: str, inbound: str, now: int) -> bool:
        """Tell whether one more may be given."""
        with self._lock:
            if now // DAY != self._day:
                self._day, self._given = now // DAY, {}
            given = self._given.setdefault(phone, set())
            if inbound not in given and len(given) >= MOST_CODES:
                return False
            given.add(inbound)
            return True


class Persons:
    """Tells who speaks on a phone, and lets them change places."""

    def __init__(self, phones: Phones, texts: Texts, languages: Sequence[str], clock: Callable[[], int]) -> None:
        self.phones = phones
        self.texts = texts
        self.languages = tuple(languages)
        self.clock = clock
        self.codes = Codes()

    def turn(self, channel: Channel, received: Received, asked: Asked, read: Dialogue) -> Change | str:
        """Return what a change of places changes, or who speaks: empty for the phone's own citizen."""
        session = read.session
        if read.reply is not None:
            return ""
        if read.foreign:
            return session.person if session is not None else ""
        active = session.person if session is not None and self._lasts(session, received) else ""
        said = _said(received, session, asked.citizen)
        code = code_given(said) if said else None
        if code is None or (not code and not active):
            return active
        return self._changed(channel, received, asked, read, said, code)

    def _lasts(self, session: Session, received: Received) -> bool:
        return received.bearer == "ussd" or self.clock() - session.opened_at <= PRIVATE_FOR

    def _changed(
        self, channel: Channel, received: Received, asked: Asked, read: Dialogue, said: str, code: str
    ) -> Change:
        now = self.clock()
        refused = bool(code) and not self.codes.allow(asked.citizen, received.external_id, now)
        name = "codes_spent" if refused else "person_now" if code else "person_left"
        language = script_language(said) or self.languages[0]
        words = sms_safe(self.texts.phrase(name, language))
        sms = received.bearer == "sms"
        more = "" if refused else f"\n0 {self.texts.phrase('more', language)}"
        reply = b"" if sms else channel.render_ussd(sms_safe(words + more), ends=refused)
        inbound = uuid7(now)
        spoken = Session(
            channel=channel.name,
            session=asked.session,
            citizen=asked.citizen,
            service=received.recipient,
            path=hidden_path(received.path),
            reply=reply,
            opened_at=now,
            closed=refused,
            person=self.phones.person(received.sender, code) if code and not refused else "",
        )
        return Change(
            inbound=InboundRow(
                id=inbound,
                channel=channel.name,
                external_id=received.external_id,
                citizen=asked.citizen,
                bearer=received.bearer,
                text=HIDDEN if code else said,
                received_at=now,
                session=received.session,
                sent_at=received.sent_at,
            ),
            reply=reply,
            citizen=read.citizen or Citizen(asked.citizen),
            channel=channel.name,
            outbound=[self._message(channel, received, asked.citizen, words, inbound, now)] if sms else (),
            session=None if sms and refused else spoken,
        )

    def _message(
        self, channel: Channel, received: Received, citizen: str, words: str, inbound: str, now: int
    ) -> OutboundRow:
        size = measure(words)
        return OutboundRow(
            id=uuid7(now),
            citizen=citizen,
            channel=channel.name,
            recipient=self.phones.seal(received.sender),
            text=words,
            encoding=size.encoding,
            segments=size.segments,
            created_at=now,
            in_reply_to=inbound,
        )


def hidden_path(path: str | None) -> str:
    """Return how far a session's inputs went, without them: one of them was a code."""
    return "" if path is None else f"{HIDDEN_PATH}{len(path)}"


def _said(received: Received, session: Session | None, citizen: str) -> str:
    """Return what was written last; empty for a dial and for what the session has moved past."""
    if received.bearer == "sms":
        return received.text
    if session is not None and (session.citizen != citizen or session.closed):
        return ""
    try:
        return session_inputs(received, session, citizen)[-1] or ""
    except Stale:
        return ""
