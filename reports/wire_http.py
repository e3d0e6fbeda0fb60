"""The HTTPS carrier: one connection for all requests of a synchronisation, standard library only.

On a GPRS or satellite link the TLS handshake costs more than the figures it protects: it is done once.
"""

from __future__ import annotations

import http.client
import ssl
import urllib.parse
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from flows.errors import AwalError

TIMEOUT = 30.0
MOST_BYTES = 8 * 1024 * 1024


class Interrupted(AwalError):
    """The attempt ends here, and nothing is lost: the next one sends it.

    The platform cannot be reached, asks to come back later (`wait` seconds), or does not know us (`denied`).
    """

    def __init__(self, message: str, *, wait: float = 0.0, denied: bool = False) -> None:
        super().__init__(message)
        self.wait = wait
        self.denied = denied


class Answered(Struct, frozen=True):
    """What the platform answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Carrier(Protocol):
    """A way to the platform."""

    prefix: str
    """Path of the platform's address, in front of every path (and signed with it)."""

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answered:
        """Send one request; raises Interrupted. `path` already has the prefix."""

    def close(self) -> None:
        """Let the connection go; the next request opens another."""


class HttpCarrier:
    """HTTP or HTTPS to the address in `[national] url`. Certificates are verified; redirects are not followed."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AwalError(
                f"“{url}” under [national] url is not an address. Write it as https://HOST or http://HOST:PORT."
            )
        self.url = url
        self.prefix = parts.path.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._timeout = timeout
        self._connection: http.client.HTTPConnection | None = None

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answered:
        """Send one request over the open connection, or over a new one when that has gone stale."""
        fresh = self._connection is None
        try:
            return self._exchange(method, path, headers, body)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as gone:
            # An idle connection may be closed by the other side at any time. Every request here may be repeated.
            self.close()
            if fresh:
                raise self._unreachable(gone) from gone
        except (OSError, http.client.HTTPException) as fault:
            self.close()
            raise self._unreachable(fault) from fault
        try:
            return self._exchange(method, path, headers, body)
        except (OSError, http.client.HTTPException) as fault:
            self.close()
            raise self._unreachable(fault) from fault

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answered:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request(method, path, body, dict(headers))
        response = self._connection.getresponse()
        data = response.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise http.client.HTTPException(f"its answer is larger than {MOST_BYTES} bytes")
        return Answered(response.status, {name.lower(): value for name, value in response.getheaders()}, data)

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)

    def _unreachable(self, cause: Exception) -> Interrupted:
        reason = str(cause) or type(cause).__name__
        return Interrupted(f"{self.url} cannot be reached ({reason}). Check the link; it is tried again by itself.")
