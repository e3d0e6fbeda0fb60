"""How each link to the world of phones is: what its adapter sees of it, and what waits to be sent on it.

Shown by `awal channels`, `awal doctor`, `/metrics` and the console; asked of the gateway that runs, where one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from storage.store import Waiting

if TYPE_CHECKING:
    from gateway.project import Project

Links = Mapping[str, Mapping[str, object]]


def links(project: Project) -> dict[str, dict[str, object]]:
    """Return the state of each channel with a link, by name: `connected`, what else is known, and its queue.

    Moments are ISO 8601; what is not known is left out.
    """
    waiting = project.store.waiting()
    found: dict[str, dict[str, object]] = {}
    for name, channel in project.channels.items():
        if channel.has_link:
            waits = waiting.get(name, Waiting())
            told = {**channel.state(), "queue": waits.messages, "oldest_unsent": moment(waits.oldest)}
            found[name] = {key: value for key, value in told.items() if value not in (None, "")}
    return found


def moment(milliseconds: float) -> str:
    """Return a moment as it is shown; empty for none."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds") if milliseconds else ""


def seconds(told: object) -> float:
    """Return a moment as `moment` tells it in seconds of the Unix epoch; 0 where it is none."""
    return datetime.fromisoformat(told).timestamp() if isinstance(told, str) and told else 0.0
