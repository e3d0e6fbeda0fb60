"""The first words of a campaign to a citizen: the flow is opened by us, as if they had sent its keyword."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.encoding import sms_safe
from flows.engine import step
from flows.model import Flow
from flows.types import Conversation, Inbound
from gateway.bringing_in import first_words
from gateway.campaigns.audience import Person
from gateway.ids import uuid7
from storage.outgoing import WROTE

if TYPE_CHECKING:
    from gateway.project import Project


def opened(project: Project, flow: Flow, one: Person, now: int) -> tuple[Conversation, str]:
    """Return the conversation that begins, and the SMS that opens it: a question, the languages, or the consent."""
    moment = datetime.fromtimestamp(now / 1000, UTC)
    state = Conversation(
        id=uuid7(now),
        bearer="sms",
        flow=flow.id,
        version=flow.version,
        flow_hash=flow.hash,
        language=one.language if one.language in flow.languages else "",
        consented=one.consented,
        place=one.place,
        started_at=moment,
        updated_at=moment,
    )
    channel = project.channels[one.channel]
    start = Inbound(bearer="sms", event="start", limits=channel.limits, within=project.settings.gateway.region)
    turn = step(flow, state, start, moment, project.texts)
    texts = [_first_words(project, flow, one), *(screen.text for screen in turn.screens)]
    return turn.conversation, sms_safe("\n".join(texts))


def _first_words(project: Project, flow: Flow, one: Person) -> str:
    """Return who writes, about what or on which ground, and how to refuse."""
    if one.ground != WROTE:
        return first_words(project, one.language, one.ground)
    tag = one.language or project.settings.gateway.languages[0]
    return first_words(project, tag, project.texts.flow(flow.title, tag, flow.language).text)
