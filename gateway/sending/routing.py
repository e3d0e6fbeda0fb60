"""Which channel carries an SMS: the one asked for where it may, else the one whose prefixes name the number best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.channels.base import Channel


def choose(channels: Iterable[Channel], number: str, wanted: str = "") -> Channel | None:
    """Return the channel for an unasked message; None when none serves this number.

    `wanted` wins where its `prefixes` allow the number, for instance the channel that a citizen wrote to.
    """
    able = [channel for channel in channels if "sms" in channel.bearers and fit(channel.settings.prefixes, number)]
    asked = [channel for channel in able if channel.name == wanted]
    return max(asked or able, key=lambda channel: fit(channel.settings.prefixes, number), default=None)


def fit(prefixes: Sequence[str], number: str) -> int:
    """Return how well prefixes name a number: 0 not at all, 1 where all numbers are served, more by each digit."""
    if not prefixes:
        return 1
    return max((len(one) + 1 for one in prefixes if number.startswith(one)), default=0)
