"""What a broken connection to a provider means for the message that was on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.channels.base import Sent

if TYPE_CHECKING:
    from requests import RequestException


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
