"""SMPP 3.4: SMS and USSD over one bind to an operator's SMSC, from the inside: nothing can reach this channel.

smpplib carries the messages; encoding, headers and parameters are ours (`smpp_pdu.py`). What comes is worked out by a
few threads, always the same one for a phone, and acknowledged once it is on our disk; else it is refused with a
temporary error, and the SMSC brings it again. SMPP gives a citizen's SMS no id: see `smpp_spool.py`.
"""

from __future__ import annotations

import queue
import random
import threading
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from logging import ERROR, INFO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from flows.encoding import encoding
from flows.errors import AwalError
from flows.model import Bearer
from gateway import log
from gateway.channels.base import Received, Sendable, Sent, Settings
from gateway.channels.live import Door, LiveChannel
from gateway.channels.smpp_dialect import named
from gateway.channels.smpp_fates import Fates
from gateway.channels.smpp_pdu import (
    KINDS,
    PAYLOAD,
    RECEIPT,
    UDHI,
    USSD_OP,
    Deliver,
    Part,
    decoded,
    encoded,
    fate,
    joined,
    opened,
    pieces,
    tlv,
)
from gateway.channels.smpp_spool import Key, Spool
from gateway.channels.smpp_ussd import Dialogue, Dialogues, Foreign, Repeat
from gateway.phones import normalise
from gateway.settings import SettingsError

if TYPE_CHECKING:
    from gateway.channels.smpp_link import Link

LANES, WAITING = 8, 200
"""Threads that work out what comes, and the messages that may wait for each."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
PARTS_WAIT = 120.0
"""Seconds to wait for the missing parts of a long SMS."""
LONGEST = 254
"""Octets in short_message; more travel in message_payload."""
TRIED = 1_000
TEMPORARY, THROTTLED, REFUSED = 0x64, 0x58, 0x65

OUTCOMES: dict[int, Literal["retry", "failed", "unreachable", "stop-channel"]] = {
    0x04: "unreachable",  # ESME_RINVBNDSTS
    0x08: "retry",  # ESME_RSYSERR
    0x0A: "stop-channel",  # ESME_RINVSRCADR
    0x0B: "failed",  # ESME_RINVDSTADR
    0x14: "retry",  # ESME_RMSGQFUL
    0x45: "retry",  # ESME_RSUBMITFAIL
    0x48: "stop-channel",  # ESME_RINVSRCTON
    0x49: "stop-channel",  # ESME_RINVSRCNPI
    0x50: "failed",  # ESME_RINVDSTTON
    0x51: "failed",  # ESME_RINVDSTNPI
    0x58: "retry",  # ESME_RTHROTTLED
    0x64: "retry",  # ESME_RX_T_APPN
    0x65: "failed",  # ESME_RX_P_APPN
    0x66: "failed",  # ESME_RX_R_APPN
}
"""The command_status of a submit_sm_resp (SMPP 3.4, section 5.1.3); one that is not listed is tried again."""


class Smpp(LiveChannel):
    """One bind, as a transceiver."""

    type = "smpp"
    bearers: tuple[Bearer, ...] = ("sms", "ussd")
    remedy = "Check host, port, system_id and password with the operator, the VPN, and the gateway's log."

    def __init__(self, settings: Settings, public_url: str) -> None:
        super().__init__(settings, public_url)
        self.bearers = settings.bearers or ("sms",)
        self.fates = Fates(self.dialect.receipt_id)
        self.dialogues = Dialogues(self.dialect, self.name, settings.number)
        self._spool: Spool | None = None
        self._link: Link | None = None
        self._since = ""
        self._trouble = "it was not started yet"
        self._submitted: dict[str, list[str]] = {}
        """The SMSC's ids of the parts taken so far, of messages that have to be tried again."""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lanes: list[queue.Queue[Callable[[], None] | None]] = [queue.Queue(WAITING) for _ in range(LANES)]
        self._workers: list[threading.Thread] = []

    def require(self) -> None:
        """Raise SettingsError without an address and an account, or with a dialect that cannot be read."""
        for name in ("host", "port", "system_id"):
            if not getattr(self.settings, name):
                raise SettingsError(f"[channels.{self.name}] {name} is missing. The operator of the SMSC tells it.")
        if self.settings.tls_ca and not Path(self.settings.tls_ca).is_file():
            raise SettingsError(f"[channels.{self.name}] tls_ca: {self.settings.tls_ca} is not there.")
        try:
            self.dialect = named(self.settings.dialect)
        except SettingsError as error:
            raise SettingsError(f"[channels.{self.name}] dialect: {error}") from None

    # the link ------------------------------------------------------------------------------------------------------
    def start(self, door: Door) -> None:
        """Begin to connect, in a thread of its own; a second call changes nothing."""
        super().start(door)
        if self._thread is None:
            self._spool = Spool(self.settings.database)
            self._workers = [
                threading.Thread(target=self._work, args=(lane,), name=f"smpp {self.name} {at}", daemon=True)
                for at, lane in enumerate(self._lanes)
            ]
            self._thread = threading.Thread(target=self._loop, name=f"smpp {self.name}", daemon=True)
            for one in (*self._workers, self._thread):
                one.start()

    def close(self) -> None:
        """Let what is in hand be kept and acknowledged, then end the bind."""
        self._stopping.set()
        link = self._link
        for lane, worker in zip(self._lanes, self._workers, strict=False):
            if not lane.full():
                lane.put(None)
            worker.join(3.0)
        if link is not None:
            link.close()
        if self._thread is not None:
            self._thread.join(3.0 if link else 0.5)  # while it connects there is nothing to wait for
        if self._spool is not None:
            self._spool.close()

    def _loop(self) -> None:
        """Connect, read until the link breaks, and again, with longer and longer pauses while it does not come up."""
        from gateway.channels.smpp_link import Link, LinkError, Lost, trusting

        settings, pause = self.settings, FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                tls = trusting(settings.tls_ca) if settings.tls else None
                link = Link(settings.host, settings.port, settings.system_id, settings.password, tls)
                pause = FIRST_PAUSE
                self._up(link)
                link.run(self._queue, self._tick)
            except (LinkError, Lost) as error:
                self._down(str(error))
            except Exception as error:  # whatever came over the line, the next bind is tried
                self._down(type(error).__name__)
            self._stopping.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311  # not a secret
            pause = min(pause * 2, LONGEST_PAUSE)

    def _up(self, link: Link) -> None:
        self._since, self._trouble, self._link = datetime.now(UTC).isoformat(timespec="seconds"), "", link
        log.event("smpp", INFO, channel=self.name, state="bound")
        if self._stopping.is_set():
            link.close()

    def _down(self, trouble: str) -> None:
        """Note that the link broke: with it, every USSD session."""
        if trouble != self._trouble and not self._stopping.is_set():
            log.event("smpp", ERROR, channel=self.name, state=trouble)
        self._link, self._trouble = None, trouble
        for ended in self.dialogues.lost():
            try:
                self.hand(ended)
            except Exception as error:  # a note for the operator, which must not keep the link down
                log.event("inbound-fault", ERROR, channel=self.name, error=type(error).__name__)

    def state(self) -> Mapping[str, object]:
        """Return whether we are bound, since when, and when the SMSC was last heard."""
        from time import monotonic

        link = self._link
        if link is None or not link.open:
            return {"connected": False, "error": self._trouble}
        heard = round(monotonic() - link.heard)
        told = {"since": self._since, "last_message": self.last_message, "heard_seconds_ago": heard}
        return {"connected": True, "tls": self.settings.tls, **told}

    # receiving -----------------------------------------------------------------------------------------------------
    def _queue(self, link: Link, sequence: int, message: Deliver) -> None:
        lane = self._lanes[zlib.crc32(message.sender.encode()) % LANES]
        try:
            lane.put_nowait(lambda: self._take(link, sequence, message))
        except queue.Full:
            link.answer(sequence, THROTTLED)

    def _work(self, lane: queue.Queue[Callable[[], None] | None]) -> None:
        while (job := lane.get()) is not None:
            job()

    def _take(self, link: Link, sequence: int, message: Deliver) -> None:
        """Keep one message, then acknowledge it; what follows happens only then."""
        try:
            then = self._kept(link, message)
        except Foreign:
            log.event("foreign-session", ERROR, channel=self.name)
            link.answer(sequence, REFUSED)
            return
        except Exception as error:  # it was not kept: the SMSC brings it again
            told = str(error) if isinstance(error, AwalError) else type(error).__name__
            log.event("inbound-fault", ERROR, channel=self.name, error=told)
            link.answer(sequence, TEMPORARY)
            return
        if link.answer(sequence):
            try:
                then()
            except Exception as error:  # it is kept and acknowledged
                log.event("after-inbound", ERROR, channel=self.name, error=type(error).__name__)

    def _kept(self, link: Link, message: Deliver) -> Callable[[], None]:
        """Keep what came; return what is to be done once it is acknowledged."""
        kind = message.esm_class & KINDS
        if kind == RECEIPT:
            self.hand(self.fates.told(fate(message)))
            return _nothing
        sender = normalise(message.sender)
        if sender is None or kind:
            log.event("not-from-a-citizen", channel=self.name)
            return _nothing
        if self.dialogues.carries(message):
            if "ussd" not in self.bearers:
                raise AwalError(f'Channel {self.name} got USSD: write bearers = ["sms", "ussd"] in awal.toml.')
            return self._dialled(link, message, sender)
        return self._texted(message, sender)

    # USSD
    def _dialled(self, link: Link, message: Deliver, sender: str) -> Callable[[], None]:
        _, body = opened(message)
        text = (decoded(body, message.coding) or "").replace("\0", "").strip()
        try:
            event, dialogue = self.dialogues.take(message, sender, text)
        except Repeat:
            return _nothing
        screen = self.hand(event).decode()
        if dialogue is None:
            return _nothing
        ends, shown = screen.startswith("END "), screen[4:]
        self.dialogues.answered(dialogue, sender, ends)
        return lambda: self._show(link, dialogue, sender, shown, ends)

    def _show(self, link: Link, dialogue: Dialogue, sender: str, text: str, ends: bool) -> None:
        """Send one screen into its session."""
        from gateway.channels.smpp_link import Lost, Unanswered

        dialect, body = self.dialect, encoded(text)
        key = dialogue.key | (dialect.end_bit if ends else 0)
        tlvs = tlv(USSD_OP, bytes([dialect.end if ends else dialect.go_on])) + tlv(
            dialect.session_tag, key.to_bytes(2, "big")
        )
        fields = self._addressed(sender) | {"data_coding": self._coding(text), "service_type": dialect.service_type}
        if len(body) > LONGEST:
            tlvs, body = tlvs + tlv(PAYLOAD, body), b""
        try:
            status, _ = link.submit(tlvs, short_message=body, **fields)
        except (Lost, Unanswered) as error:
            status = -1
            log.event("ussd-screen", ERROR, channel=self.name, error=type(error).__name__)
        if status > 0:
            log.event("ussd-screen", ERROR, channel=self.name, error=f"the SMSC refused it with 0x{status:08X}")

    # SMS
    def _texted(self, message: Deliver, sender: str) -> Callable[[], None]:
        part, body = opened(message)
        if part is None:
            return self._said(sender, message.recipient, [(message.coding, body)])
        return self._part(part, message, sender, body)

    def _part(self, part: Part, message: Deliver, sender: str, body: bytes) -> Callable[[], None]:
        """Keep one part of a long SMS on disk; hand the whole over with the last."""
        key = (sender, message.recipient, part.reference, part.total)
        if self.spool.add(key, part.number, message.coding, body) < part.total:
            return _nothing
        return self._joined(key)

    def _joined(self, key: Key) -> Callable[[], None]:
        """Hand over the parts of a message that are there; once that is acknowledged they are forgotten."""
        forget = self._said(key[0], key[1], list(self.spool.parts(key)), str(key[2:]))

        def then() -> None:
            self.spool.taken(key)
            forget()

        return then

    def _said(
        self, sender: str, recipient: str, bodies: list[tuple[int, bytes]], reference: str = ""
    ) -> Callable[[], None]:
        text = joined(bodies)
        if text is None:
            log.event("not-from-a-citizen", channel=self.name)
            return _nothing
        raw = b"".join(bytes([coding]) + body for coding, body in bodies)
        digest, name = self.spool.name(sender, recipient, reference, raw)
        received = Received(
            channel=self.name,
            bearer="sms",
            external_id=f"sms:{name}",
            sender=sender,
            recipient=recipient or self.settings.number,
            text=text.replace("\0", ""),
        )
        self.hand(received)
        return lambda: self.spool.acknowledged(digest)

    def _tick(self) -> None:
        """Hand over the long messages whose missing parts were waited for in vain."""
        for key in self.spool.overdue(PARTS_WAIT):
            lane = self._lanes[zlib.crc32(key[0].encode()) % LANES]
            if lane.empty():
                lane.put_nowait(lambda key=key: self._gave_up(key))  # type: ignore[misc]

    def _gave_up(self, key: Key) -> None:
        if not self.spool.parts(key):
            return
        try:
            self._joined(key)()
        except Exception as error:  # it stays where it is
            log.event("inbound-fault", ERROR, channel=self.name, error=type(error).__name__)

    @property
    def spool(self) -> Spool:
        """What outlives a crash; there once the channel was started."""
        if self._spool is None:
            raise AwalError(f"Channel {self.name} was not started.")
        return self._spool

    # sending -------------------------------------------------------------------------------------------------------
    def send(self, message: Sendable) -> Sent:
        """Submit one SMS, part by part; parts that the SMSC has taken already are not sent again."""
        from gateway.channels.smpp_link import Lost, Unanswered

        reference = zlib.crc32(message.id.encode())
        bodies = pieces(message.text, reference)
        taken = self._submitted.get(message.id, [])
        sent = Sent("unreachable", error=self._trouble or "the link is down")
        while len(taken) < len(bodies):
            link = self._link
            try:
                if link is None:
                    raise Lost
                status, id = link.submit(**self._submittable(message, bodies, len(taken)))
            except Lost:
                return self._part_way(message.id, taken, sent)
            except Unanswered:
                return self._part_way(message.id, taken, Sent("retry", error="the SMSC gave no answer"))
            if status:
                outcome = OUTCOMES.get(status, "retry")
                return self._part_way(message.id, taken, Sent(outcome, error=f"submit_sm: status 0x{status:08X}"))
            taken = [*taken, id]
        self._submitted.pop(message.id, None)
        return Sent("accepted", provider_id=self.fates.sent(taken))

    def _part_way(self, id: str, taken: list[str], sent: Sent) -> Sent:
        """Remember which parts of a message left, for the next attempt."""
        if taken:
            self._submitted[id] = taken
            while len(self._submitted) > TRIED:
                del self._submitted[next(iter(self._submitted))]
        return sent

    def _submittable(self, message: Sendable, bodies: list[bytes], at: int) -> dict[str, Any]:
        return self._addressed(message.to) | {
            "data_coding": self._coding(message.text),
            "esm_class": UDHI if len(bodies) > 1 else 0,
            "registered_delivery": 1,
            "short_message": bodies[at],
        }

    def _coding(self, text: str) -> int:
        return self.dialect.gsm if encoding(text) == "GSM-7" else self.dialect.ucs2

    def _addressed(self, to: str) -> dict[str, Any]:
        """Return source and destination: international numbers, a short code, or a sender's name."""
        number = self.settings.number
        if number.startswith("+"):
            ton, npi = 1, 1
        elif number.strip("*#").replace("*", "").isdigit():
            ton, npi = 3, 0  # network specific
        else:
            ton, npi = (5, 0) if number else (0, 0)
        return {
            "source_addr_ton": ton,
            "source_addr_npi": npi,
            "source_addr": number.removeprefix("+"),
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": to.removeprefix("+"),
        }


def _nothing() -> None:
    """Do nothing more."""
