"""The first menu of a gateway that serves several flows: made here, walked by the same engine."""

from __future__ import annotations

from collections.abc import Sequence

from flows.model import Flow, Menu, Option, Text
from flows.types import Conversation, Turn

HOME = "home"
CHOOSE = "choose"


def home(flows: Sequence[Flow], languages: Sequence[str], ask: Text) -> Flow:
    """Return a flow whose one menu lists the titles of `flows`; choosing one is a `look-up` of `choose/ID`."""
    options = tuple(Option(flow.id, _title(flow)) for flow in flows)
    menu = Menu(CHOOSE, ask, options)
    return Flow(HOME, 1, ask, languages[0], tuple(languages), (menu,), consent=False)


def chosen(turn: Turn) -> str:
    """Return the id of the flow that this turn of the home menu chose; empty when it chose none."""
    for event in turn.events:
        step, _, flow = event.detail.partition("/")
        if event.kind == "look-up" and step == CHOOSE:
            return flow
    return ""


def entered(flow: Flow, menu: Conversation) -> Conversation:
    """Return the home menu's conversation as a new one of the flow that was chosen."""
    return Conversation(
        id=menu.id,
        bearer=menu.bearer,
        flow=flow.id,
        version=flow.version,
        flow_hash=flow.hash,
        language=menu.language if menu.language in flow.languages else "",
        consented=menu.consented,
        place=menu.place,
        started_at=menu.started_at,
        updated_at=menu.updated_at,
    )


def _title(flow: Flow) -> Text:
    """Return a title that carries its own language, since the flows of a gateway may be written in several."""
    return Text(flow.title.context, flow.title.source, {flow.language: flow.title.source, **flow.title.inline})
