"""Words that are obeyed on any question, in any language, before the flow sees them."""

from __future__ import annotations

from collections.abc import Callable

from flows.moves import again, enter, restart
from flows.walk import Walk


def _back(walk: Walk) -> None:
    """Ask the question before again, or the current one when it is the first."""
    if walk.state.phase == "steps" and walk.state.trail:
        *trail, before = walk.state.trail
        walk.forget(walk.flow.steps[before])
        walk.move(at=before, trail=tuple(trail))
    again(walk)


def _help(walk: Walk) -> None:
    walk.said.append(walk.voice.phrase("help"))
    again(walk)


def _change_language(walk: Walk) -> None:
    walk.move(language="", phase="language")
    enter(walk)


def _stop(walk: Walk) -> None:
    walk.note("stop")
    walk.close("stopped", walk.voice.phrase("stopped"))


def _delete(walk: Walk) -> None:
    walk.note("erase")
    walk.close("stopped", walk.voice.phrase("erased"))


def _my_data(walk: Walk) -> None:
    walk.note("my-data")
    walk.said.append(walk.voice.phrase("my_data", answers=walk.inbound.kept))
    again(walk)


COMMANDS: dict[str | None, Callable[[Walk], None]] = {
    "STOP": _stop,
    "HELP": _help,
    "LANGUAGE": _change_language,
    "BACK": _back,
    "RESTART": restart,
    "DELETE": _delete,
    "MYDATA": _my_data,
}
