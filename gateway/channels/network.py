"""What a broken connection to a provider means for the message that was on its way."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.channels.base import Sent

if TYPE_CHECKING:
    from requests import RequestException


TIMEOUT = (3.05, 6.0)
"""Seconds to connect, and to wait for the answer."""
MOST_ANSWER = 64 * 1024


class Unheard(Exception):
    """The other side could not be reached: it never heard of the message."""


class Unanswered(Exception):
    """The line broke before the answer: the other side may have taken the message."""


def ask(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Send one request (POST where there is a body) and return the answer's status and text; nothing is logged.

    For addresses that hold a password. No redirect is followed. Raises Unheard or Unanswered, whose text is a class.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    link = kind(parts.hostname or "", parts.port, timeout=TIMEOUT[0])
    try:
        try:
            link.connect()
        except OSError as error:
            raise Unheard(type(error).__name__) from None
        link.sock.settimeout(TIMEOUT[1])
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        link.request("GET" if body is None else "POST", path, body, headers or {})
        answer = link.getresponse()
        return answer.status, answer.read(MOST_ANSWER).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Unanswered(type(error).__name__) from None
    finally:
        link.close()


def missed(error: RequestException) -> Sent:
    """Tell a provider that never heard of the message from one that may have taken it before the line broke."""
    from requests.exceptions import ConnectionError
    from urllib3.exceptions import MaxRetryError

    never = isinstance(error, ConnectionError) and bool(error.args) and isinstance(error.args[0], MaxRetryError)
    return Sent("unreachable" if never else "retry", error=f"network: {type(error).__name__}")


def by_status(status: int, told: str) -> Sent:
    """Say what an HTTP error means: the account's credentials, the provider's own trouble, or our request."""
    if status in (401, 403):
        return Sent("stop-channel", error=told)
    return Sent("retry" if status in (408, 429) or status >= 500 else "failed", error=told)
