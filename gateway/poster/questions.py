"""Which questions of a flow can be answered ahead, in one SMS, and what a citizen must know about each.

The words of an SMS are taken in the order of the questions. So the list ends before the first question whose turn
nobody can foresee from a poster: behind a jump, a menu, or a condition on more than one answer. What follows is asked
by SMS afterwards. A sub-flow's questions are the flow's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from flows.conditions import parse
from flows.content import marks
from flows.model import END, Ask, End, Flow, Go, Menu, Say, Set, Step, Value
from locales.slots import slots

MOST = 8
"""Nobody types more answers than this from a poster."""
MOST_MARKS = 12


class Only(Struct, frozen=True):
    """A condition in a citizen's terms: the question's number, and the replies with which it holds."""

    question: int
    replies: tuple[str, ...]


class Asked(Struct):
    """One question of the poster. `ends` are the replies after which nothing more is asked."""

    number: int
    ask: Ask
    only: Only | None = None
    ends: tuple[str, ...] = ()


def asked(flow: Flow) -> tuple[list[Asked], bool]:
    """Return the questions that can be answered ahead, and whether others follow them."""
    found: list[Asked] = []
    for at, step in enumerate(flow.steps):
        if isinstance(step, Say):
            continue
        only = _only(step.when, found)
        if step.when and only is None:
            return found, _asks(flow.steps[at:])
        if isinstance(step, End) or (isinstance(step, Go) and step.to == END):
            if only is None:
                return found, False
            found[only.question - 1].ends += only.replies
        elif isinstance(step, Ask) and _foreseen(step, flow.steps[at + 1 :]) and len(found) < MOST:
            found.append(Asked(len(found) + 1, step, only))
            if any(option.go for option in step.options):
                return found, _asks(flow.steps[at + 1 :])
        elif not isinstance(step, Set):
            return found, True
    return found, False


def _asks(steps: Sequence[Step]) -> bool:
    return any(not isinstance(step, Say | Set | End | Go) for step in steps)


def _foreseen(ask: Ask, after: Sequence[Step]) -> bool:
    """Tell whether a question reads the same for everybody; free text takes all that follows, so it is the last."""
    texts = (ask.text, *(option.label for option in ask.options))
    if any(slots(words) for text in texts for words in (text.source, *text.inline.values())):
        return False
    if ask.type == "language" or any(option.when for option in ask.options):
        return False
    return ask.type != "text" or not _asks(after)


def _only(when: str, before: Sequence[Asked]) -> Only | None:
    """Return a condition on one earlier question, as the replies with which it holds."""
    if not when:
        return None
    condition = parse(when)
    if len(condition.names) != 1:
        return None
    name = next(iter(condition.names))
    asked = next((one for one in before if one.ask.id == name), None)
    if asked is None:
        return None
    values = replies(asked.ask)
    held = tuple(reply for reply, value in values.items() if condition.test({name: value}))
    return Only(asked.number, held) if 0 < len(held) < len(values) and not condition.test({}) else None


def replies(ask: Ask) -> dict[str, Value]:
    """Return every reply to a question with few answers, and the value it has; empty for the others."""
    if ask.type == "yes_no":
        return {"1": "yes", "2": "no"}
    if ask.type == "choice":
        return {str(at): option.key for at, option in enumerate(ask.options, 1)}
    if ask.type == "rating" and marks(ask) <= MOST_MARKS:
        return {str(mark): mark for mark in range(1, marks(ask) + 1)}
    return {str(mark): mark for mark in range(11)} if ask.type == "nps" else {}


def is_menu(flow: Flow) -> bool:
    """Tell whether a flow asks nothing, but only informs."""
    return not flow.questions and any(isinstance(step, Menu) for step in flow.steps)
