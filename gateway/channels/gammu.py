"""A SIM modem, through gammu-smsd and its SQLite database: the channel that needs no internet.

The daemon owns the modem: it writes what arrives into its inbox and sends what it finds in its outbox. This adapter
looks there every second, hands over what came, marks it once it is on our disk, and reads what became of what was
sent. A crash between our disk and the mark hands the message over again, under the same name: a repeat.

Never use gammu-smsd's FILES service with RunOnReceive: in the version packaged by Debian 12 (1.42) a sender's name
reaches a shell. `awal modem setup` writes the SQL service, without any command.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from logging import ERROR, INFO
from pathlib import Path
from sqlite3 import Connection
from typing import Literal

from flows.errors import AwalError
from gateway import log
from gateway.channels import smsd
from gateway.channels.base import Cause, Receipt, Received, Sendable, Sent, Settings, State
from gateway.channels.forms import moment
from gateway.channels.live import Door, LiveChannel
from gateway.channels.smsd import Message, ModemError, Sentence
from gateway.phones import normalise
from gateway.settings import SettingsError
from storage.errors import StoreError

POLL, LONGEST_POLL = 1.0, 30.0
"""Seconds between two looks, and the longest pause while something is wrong."""
PARTS_WAIT = 120.0
"""Seconds to wait for the missing parts of a long SMS, after the daemon has given up waiting itself."""
SILENCE = 120
"""Seconds without a sign of life after which the daemon, or its modem, is taken for lost."""
MOST_WAITING = 30
"""Messages the daemon may hold unsent: the others wait with us, where quiet hours and expiry are known."""
FAULTS = 3
"""Messages that may fail in one look before the rest is left for the next."""
LOOK_BACK = 60
"""Seconds of status changes read again each time, against a clock that was set back."""
TIDY = 3600.0

STATES: dict[str, Literal["accepted", "delivered", "failed"]] = {
    "SendingOK": "accepted",
    "SendingOKNoReport": "accepted",
    "SendingError": "failed",
    "Error": "failed",
    "DeliveryOK": "delivered",
    "DeliveryFailed": "failed",
    "DeliveryPending": "accepted",
    "DeliveryUnknown": "accepted",
}
"""The `Status` of a part in `sentitems`."""
PASSING = frozenset({"SendingError", "Error"})
"""The modem or the network refused it for now; DeliveryFailed is the network's last word."""


class Gammu(LiveChannel):
    """One modem with its SIM card."""

    type = "gammu"
    bearers = ("sms",)
    remedy = "Plug the modem in, and start gammu-smsd: `systemctl restart awal-modem`."

    def __init__(self, settings: Settings, public_url: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(settings, public_url)
        self.path = Path(settings.database)
        self.monotonic = monotonic
        self._first_seen: dict[int, float] = {}
        """When the incomplete messages were first seen, by their first row."""
        self._told: dict[str, tuple[int, str]] = {}
        """The last state told of each message, and of which sending, so that a status is handed over once."""
        self._since = ""
        self._tidied = -TIDY
        self._trouble = ""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def require(self) -> None:
        """Raise SettingsError without the daemon's database."""
        if not self.settings.database:
            raise SettingsError(
                f"[channels.{self.name}] database is missing. `awal modem setup` makes one and prints this line."
            )

    # receiving -----------------------------------------------------------------------------------------------------
    def start(self, door: Door) -> None:
        """Begin to look for messages, in a thread of its own; a second call changes nothing."""
        super().start(door)
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name=f"modem {self.name}", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Let the message in hand be kept and marked, then end the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(15.0)

    def _loop(self) -> None:
        pause = POLL
        while not self._stopping.wait(pause):
            try:
                self.look()
                pause = POLL
                self._tell("")
            except Exception as error:  # whatever one message or the daemon's file does, the next look comes
                pause = min(pause * 2, LONGEST_POLL)
                self._tell(str(error) if isinstance(error, AwalError) else type(error).__name__)

    def _tell(self, trouble: str) -> None:
        """Log a trouble when it begins, and when it is over."""
        if trouble != self._trouble:
            log.event("modem", ERROR if trouble else INFO, channel=self.name, state=trouble or "well again")
            self._trouble = trouble

    def look(self) -> None:
        """Hand over what has come and what has changed since the last look; raises what kept something back."""
        with smsd.opened(self.path) as connection:
            self._receive(connection)
            self._follow(connection)
            if self.monotonic() - self._tidied >= TIDY:
                smsd.tidy(connection)
                self._tidied = self.monotonic()

    def _receive(self, connection: Connection) -> None:
        """Hand over the messages that are whole; after one that fails, nothing more of its sender: order holds."""
        faults: dict[str, Exception] = {}
        messages = smsd.joined(smsd.unread(connection))
        for message in self._ripe(messages):
            sender = message.rows[0].sender
            if sender in faults:
                continue
            try:
                self._take(connection, message)
            except Exception as error:
                faults[sender] = error
                if isinstance(error, StoreError | ModemError) or len(faults) >= FAULTS:
                    break
        if faults:
            raise next(iter(faults.values()))

    def _ripe(self, messages: list[Message]) -> list[Message]:
        """Return the messages to take now: the whole ones, and those whose missing parts were waited for in vain."""
        now = self.monotonic()
        partial = [message.first for message in messages if not message.whole]
        self._first_seen = {first: self._first_seen.get(first, now) for first in partial}
        return [one for one in messages if one.whole or now - self._first_seen[one.first] >= PARTS_WAIT]

    def _take(self, connection: Connection, message: Message) -> None:
        """Hand one message over, and mark it only then."""
        first = message.rows[0]
        sender = normalise(first.sender)
        if sender is None or first.coding == smsd.BINARY or first.kind == smsd.USSD_CLASS:
            log.event("not-from-a-citizen", channel=self.name, row=first.id)  # an operator's advertisement, its codes
        else:
            received = Received(
                channel=self.name,
                bearer="sms",
                external_id=smsd.identity(connection, message),
                sender=sender,
                recipient=self.settings.number,
                text=message.text.replace("\0", ""),
                sent_at=moment(first.received),
            )
            self.hand(received)
        smsd.mark(connection, message)

    def _follow(self, connection: Connection) -> None:
        """Hand over the new state of each message that was sent."""
        since = smsd.now(connection, LOOK_BACK)
        for sentence in smsd.changed(connection, min(self._since, since)):
            state, detail = judged(sentence)
            turn, told = self._told.get(sentence.id, (0, ""))
            if turn > sentence.turn or (turn, told) == (sentence.turn, state):
                continue
            cause: Cause = "passing" if PASSING.intersection(sentence.statuses) else ""
            self.hand(Receipt(provider_id=sentence.id, state=state, detail=detail, cause=cause))
            self._told[sentence.id] = (sentence.turn, state)
        self._since = since
        while len(self._told) > 10_000:
            del self._told[next(iter(self._told))]

    # sending -------------------------------------------------------------------------------------------------------
    def send(self, message: Sendable) -> Sent:
        """Give the daemon one SMS. Its outbox holds our id, so that a message it has already is not given again."""
        try:
            with smsd.opened(self.path) as connection:
                if not smsd.known(connection, message.id):
                    trouble = self._hindered(connection)
                    if trouble:
                        return Sent("unreachable", error=trouble)
                    smsd.insert(connection, message)
        except ModemError as error:
            return Sent("unreachable", error=str(error))
        return Sent("accepted", provider_id=message.id)

    def status(self, id: str) -> Sent | None:
        """Return `accepted` when the daemon has, or sent, the message of this id."""
        try:
            with smsd.opened(self.path) as connection:
                return Sent("accepted", provider_id=id) if smsd.known(connection, id) else None
        except ModemError:
            return None

    def _hindered(self, connection: Connection) -> str:
        """Say why the daemon should be given nothing more for now; empty when it may."""
        health = smsd.health(connection)
        if health is None or health.age > SILENCE:
            return f"gammu-smsd gave no sign of life since {health.seen if health else 'it was set up'}"
        if smsd.waiting(connection) >= MOST_WAITING:
            return f"the modem has {MOST_WAITING} messages to send already"
        return ""

    def state(self) -> Mapping[str, object]:
        """Return what the daemon last wrote about its modem, and what is wrong."""
        try:
            with smsd.opened(self.path) as connection:
                health, waiting = smsd.health(connection), smsd.waiting(connection)
        except ModemError as error:
            return {"connected": False, "error": str(error)}
        if health is None:
            return {"connected": False, "waiting": waiting, "error": "gammu-smsd has not run on this database yet"}
        state = {
            "connected": health.age <= SILENCE,
            "signal": health.signal,
            "battery": health.battery,
            "network": health.network,
            "last_seen": f"{health.seen.replace(' ', 'T')}+00:00",
            "last_message": self.last_message,
            "waiting": waiting,
        }
        return state | ({"error": self._trouble} if self._trouble else {})


def judged(sentence: Sentence) -> tuple[State, str]:
    """Say what the statuses of the parts mean for the whole: failed as soon as one is, delivered when all are."""
    detail = "+".join(dict.fromkeys(sentence.statuses))
    if sentence.error > 0:
        detail += f" {sentence.error}"
    states = {STATES.get(status, "unknown") for status in sentence.statuses}
    if "failed" in states:
        return "failed", detail
    if "unknown" in states:
        return "unknown", detail
    whole = states == {"delivered"} and len(sentence.statuses) >= sentence.total
    return ("delivered" if whole else "accepted"), detail
