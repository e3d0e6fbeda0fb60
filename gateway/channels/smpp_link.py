"""One bind to an SMSC: smpplib's connection, read by one thread, written by many, with answers waited for by number.

Over TLS both directions share one state in OpenSSL: whatever is there is read at once, under the lock of the writers.
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from smpplib import exceptions, smpp
from smpplib.client import Client
from smpplib.command import SubmitSM

from flows.errors import AwalError
from gateway.channels.smpp_pdu import Deliver, Senseless, parse

CONNECT, ANSWER, QUIET, MOST = 5.0, 10.0, 30.0, 64 * 1024
"""Seconds to connect and bind, to wait for an answer, of silence before we ask; octets of the longest message."""
TICK = 0.25
OK, INVALID_COMMAND, SENSELESS, TEMPORARY = 0x00, 0x03, 0x02, 0x64
PASSWORDS = {0x0D, 0x0E, 0x0F, 0x05}
"""Refusals of a bind: bind failed, invalid password, invalid system id, bound already."""
DELIVER, ENQUIRE, UNBIND = 0x05, 0x15, 0x06
RESPONSE = 0x80000000
HEADER = struct.Struct(">LLLL")
"""Length, command, status and sequence number: how each message begins."""

logging.getLogger("awal.smpplib").setLevel(logging.CRITICAL)  # it would log whole messages


class LinkError(AwalError):
    """The SMSC cannot be reached, or refuses the bind."""


class Lost(Exception):
    """The link broke."""


class Unanswered(Exception):
    """No answer came in time, or the link broke before it: the SMSC may have taken the message."""


class Waiting:
    """A place for one answer."""

    def __init__(self) -> None:
        self.there = threading.Event()
        self.status: int | None = None
        self.id = ""


class _Submit(SubmitSM):  # type: ignore[misc]  # smpplib has no types
    """A submit_sm with optional parameters of our own making."""

    tlvs = b""

    def generate_params(self) -> bytes:
        """Return the body."""
        return bytes(super().generate_params()) + self.tlvs


def trusting(authority: str = "") -> ssl.SSLContext:
    """Return what checks an SMSC's certificate and name: against one authority, or all that this machine trusts."""
    return ssl.create_default_context(cafile=authority or None)


def secured(tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    """Return a socket that will speak TLS to a host of this name."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    raw.settimeout(CONNECT)
    return tls.wrap_socket(raw, server_hostname=host)


def untrusted(error: ssl.SSLError) -> str:
    """Return what a failed handshake means, with the remedy."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"shows a certificate that is not trusted: {error.verify_message}. See `host` and `tls_ca`."
    return f"does not speak TLS as we do ({error.reason}). See `port` and `tls`."


class Link:
    """A bound connection. `run` reads until it breaks; `submit` and `answer` may be called from any thread."""

    def __init__(self, host: str, port: int, system_id: str, password: str, tls: ssl.SSLContext | None = None) -> None:
        self._sending = threading.RLock()
        self._waiting: dict[int, Waiting] = {}
        self._came = b""
        """What was read and is not yet worked out."""
        self.heard = self.asked = time.monotonic()
        self.open = False
        self._client = Client(host, port, timeout=CONNECT, logger_name="awal.smpplib", allow_unknown_opt_params=True)
        try:
            if tls is not None:
                self._client._socket = secured(tls, host)
            self._client.connect()
            self._client.bind_transceiver(system_id=system_id, password=password)
        except exceptions.PDUError as error:
            self._drop()
            status = error.args[1] if len(error.args) > 1 else 0
            hint = " Check system_id and password." if status in PASSWORDS else ""
            raise LinkError(f"{host}:{port} refuses the bind with status 0x{status:08X}.{hint}") from None
        except (exceptions.ConnectionError, OSError, struct.error, KeyError) as error:
            self._drop()
            if isinstance(error.__context__, ssl.SSLError):
                raise LinkError(f"{host}:{port} {untrusted(error.__context__)}") from None
            raise LinkError(f"{host}:{port} cannot be reached, or gave no answer to the bind.") from None
        self._client._socket.settimeout(ANSWER)
        self.open = True

    def run(self, deliver: Callable[[Link, int, Deliver], None], tick: Callable[[], None]) -> None:
        """Read until the link breaks (Lost); `deliver` is called with each sequence number and message."""
        try:
            while self.open:
                tick()
                self._watch()
                readable, _, _ = select.select([self._client._socket], [], [], TICK)
                if readable:
                    self._came += self._arrived()
                    self._work_out(deliver)
            raise Lost("it was closed")
        except (exceptions.ConnectionError, OSError, ValueError, AttributeError) as error:
            raise Lost(type(error).__name__) from None
        finally:
            self._drop()

    def _watch(self) -> None:
        """Ask a silent SMSC whether it is there; give a link up on which nothing is answered."""
        now = time.monotonic()
        if now - self.heard > QUIET + ANSWER:
            raise Lost("the SMSC went silent")
        if now - max(self.heard, self.asked) > QUIET:
            self.asked = now
            with self._sending:  # numbers are given one at a time
                self._write(smpp.make_pdu("enquire_link", client=self._client))

    def _arrived(self) -> bytes:
        """Return what is there, which over TLS may be nothing whole yet; raises Lost at the end of the line."""
        with self._sending:
            line = self._client._socket
            line.settimeout(0)
            try:
                read = bytes(line.recv(MOST))
                while isinstance(line, ssl.SSLSocket) and line.pending():
                    read += line.recv(MOST)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return b""
            finally:
                line.settimeout(ANSWER)
        if not read:
            raise Lost("the SMSC closed the line")
        return read

    def _work_out(self, deliver: Callable[[Link, int, Deliver], None]) -> None:
        """Work out the messages that are there whole."""
        while len(self._came) >= HEADER.size:
            size, command, status, sequence = HEADER.unpack_from(self._came)
            if not HEADER.size <= size <= MOST:
                raise Lost("a message of senseless length came")
            if len(self._came) < size:
                return
            body, self._came = self._came[HEADER.size : size], self._came[size:]
            self._take(command, status, sequence, body, deliver)

    def _take(
        self,
        command: int,
        status: int,
        sequence: int,
        body: bytes,
        deliver: Callable[[Link, int, Deliver], None],
    ) -> None:
        self.heard = time.monotonic()
        if command & RESPONSE:
            self._answered(sequence, status, body)
        elif command == DELIVER:
            try:
                deliver(self, sequence, parse(body))
            except Senseless:
                self.answer(sequence, SENSELESS)
        elif command == ENQUIRE:
            self._respond("enquire_link_resp", sequence)
        elif command == UNBIND:
            self._respond("unbind_resp", sequence)
            raise Lost("the SMSC ended the bind")
        else:
            self._respond("generic_nack", sequence, INVALID_COMMAND)

    def _answered(self, sequence: int, status: int, body: bytes) -> None:
        waiting = self._waiting.pop(sequence, None)
        if waiting:
            waiting.status, waiting.id = status, body.partition(b"\0")[0].decode("latin-1")
            waiting.there.set()

    def _respond(self, command: str, sequence: int, status: int = OK) -> None:
        pdu = smpp.make_pdu(command, client=self._client, status=status, sequence=sequence)
        pdu.status, pdu.sequence = status, sequence
        self._write(pdu)

    def answer(self, sequence: int, status: int = OK) -> bool:
        """Acknowledge a message, or refuse it; tell whether the link took it."""
        try:
            self._respond("deliver_sm_resp", sequence, status)
        except Lost:
            return False
        return True

    def submit(self, tlvs: bytes = b"", **fields: Any) -> tuple[int, str]:
        """Send one submit_sm and wait; return its status and the SMSC's id. Raises Lost where it never left."""
        waiting = Waiting()
        with self._sending:
            pdu = _Submit("submit_sm", client=self._client, **fields)
            pdu.tlvs = tlvs
            self._waiting[pdu.sequence] = waiting
        try:
            self._write(pdu)
            if not waiting.there.wait(ANSWER) or waiting.status is None:
                raise Unanswered
            return waiting.status, waiting.id
        finally:
            self._waiting.pop(pdu.sequence, None)

    def _write(self, pdu: Any) -> None:
        with self._sending:
            if not self.open:
                raise Lost("it was closed")
            try:
                self._client.send_pdu(pdu)
            except (exceptions.ConnectionError, exceptions.PDUError, OSError, AttributeError) as error:
                self.open = False
                raise Lost(type(error).__name__) from None

    def close(self) -> None:
        """Say goodbye, without waiting for the answer; the reading thread then ends."""
        try:
            with self._sending:
                self._write(smpp.make_pdu("unbind", client=self._client))
        except Lost:
            return
        finally:
            self.open = False

    def _drop(self) -> None:
        self.open = False
        if self._client._socket is not None:
            self._client._socket.close()
            self._client._socket = None
        for waiting in list(self._waiting.values()):
            waiting.there.set()
