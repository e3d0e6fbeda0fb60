"""A message that nobody asked for, ready for the outbox: its channel, its segments, its ground."""

from __future__ import annotations

from collections.abc import Iterable

from flows.encoding import measure, sms_safe
from flows.errors import AwalError
from gateway.channels.base import Channel
from gateway.ids import uuid7
from gateway.phones import Phones
from gateway.sending.routing import choose
from storage.outgoing import OutboundKind
from storage.store import OutboundRow


def compose(
    number: str,
    text: str,
    kind: OutboundKind,
    ground: str,
    *,
    phones: Phones,
    channels: Iterable[Channel],
    now: int,
    wanted: str = "",
    not_after: int | None = None,
    conversation: str = "",
    dedupe_key: str = "",
) -> OutboundRow:
    """Return the row to enqueue; raises AwalError when no channel serves the number (E.164).

    `wanted` names the channel its citizen wrote to, and `ground` why they may be written to (`storage.outgoing.WROTE`
    or a proof). Its `segments` tell what it costs before it is queued.
    """
    channel = choose(channels, number, wanted)
    if channel is None:
        raise AwalError("No channel with SMS serves this number. Add its prefix under [channels.NAME] prefixes.")
    safe = sms_safe(text)
    size = measure(safe)
    return OutboundRow(
        id=uuid7(now),
        citizen=phones.pseudonym(number),
        channel=channel.name,
        recipient=phones.seal(number),
        text=safe,
        encoding=size.encoding,
        segments=size.segments,
        created_at=now,
        not_after=not_after,
        kind=kind,
        ground=ground,
        conversation=conversation,
        dedupe_key=dedupe_key,
    )
