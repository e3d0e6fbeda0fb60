"""Every path of a flow, walked with the real engine: the states a citizen can come to, and what leads between them.

States that nothing in the flow can tell apart are one: answers that no later condition or slot looks at are left out,
and of replies that lead the same way one is sent. What remains is counted, and over `MOST_TURNS` the walk says that
it is not complete.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from flows.engine import step
from flows.model import Bearer, Flow
from flows.paths.atlas import Atlas
from flows.paths.graph import Graph
from flows.paths.reads import Reads
from flows.paths.remembered import Remembered
from flows.paths.replies import ONWARD, Replies, Reply
from flows.paths.scene import NOW, Scene, begin, scene
from flows.texts import Texts
from flows.types import Conversation, Inbound, Limits, Turn
from flows.walk import Walk

MOST_TURNS = 6_000
"""Turns of the engine in one walk."""


class Edge(Struct, frozen=True):
    """A reply, and the node it leads to."""

    reply: Reply
    to: int


class Node(Struct):
    """One state: what is shown, and what can be replied."""

    state: Conversation
    scene: Scene
    step: str = ""
    """The id of the step that waits for a reply; empty before the first and after the last."""
    again: bool = False
    """True where the citizen is asked again after an unclear reply; answers to it are those of the first asking."""
    ends: bool = False
    messages: tuple[str, ...] = ()
    """What is sent by SMS to who looks at a USSD screen: the question, or the receipt number."""
    edges: list[Edge] = []

    @property
    def bearer(self) -> Bearer:
        """Over what the citizen looks at it."""
        return self.state.bearer

    @property
    def replied(self) -> Bearer:
        """Over what the citizen replies: a question that was sent by SMS is answered there."""
        return "sms" if self.messages and not self.ends else self.state.bearer

    @property
    def words(self) -> str:
        """All that is shown, before it is cut into pages."""
        content = self.scene.content
        labels = [label for _, label in content.options] if content else []
        sent = (*self.scene.pages, *self.messages) if self.messages else ()
        return "\n".join((self.state.said, content.text if content else "", *labels, *sent))


class Explored(Struct, frozen=True):
    """Every state that one language and bearer can come to; the first node is a citizen's first contact.

    With `sms` an SMS can be sent to who dials, so that a conversation begun by USSD may go on there.
    """

    flow: Flow
    language: str
    bearer: Bearer
    limits: Limits
    nodes: tuple[Node, ...]
    complete: bool
    within: str = ""
    sms: bool = False

    @property
    def known(self) -> int:
        """The node where a citizen begins whose language and consent are known."""
        return next((at for at, node in enumerate(self.nodes) if node.state.phase in ("steps", "closing")), 0)

    @property
    def placed(self) -> tuple[int, ...]:
        """The nodes where those begin whose place is known besides; none where it is not the first to be asked."""
        first = self.nodes[self.known].state
        alike = (at for at, node in enumerate(self.nodes) if node.state.place and not first.place)
        return tuple(at for at in alike if replace(self.nodes[at].state, place="") == first)


def explore(
    flow: Flow,
    texts: Texts,
    language: str,
    bearer: Bearer,
    limits: Limits | None = None,
    within: str = "",
    most: int = MOST_TURNS,
    sms: bool = False,
) -> Explored:
    """Walk every path of a flow without sub-flows to run (`flows.link`) and without other errors.

    `within` is the gateway's region, where menus of places open first; `sms` says that who dials can be sent an SMS.
    """
    inbound = Inbound(bearer=bearer, limits=limits or Limits(), within=within, sms=sms and bearer == "ussd")
    walker = _Walker(flow, texts, language, inbound)
    walker.walk(most)
    nodes = tuple(walker.nodes)
    return Explored(flow, language, bearer, inbound.limits, nodes, not walker.waiting, within, inbound.sms)


class _Walker:
    """Keeps the states seen, and those whose replies have not been tried."""

    def __init__(self, flow: Flow, texts: Texts, language: str, inbound: Inbound) -> None:
        self.flow = flow
        self.inbound = inbound
        self.texts = texts
        graph, atlas = Graph(flow), Atlas(texts.places, language)
        self.reads = Reads(flow, graph)
        self.replies = Replies(self.reads, atlas, language)
        self.remembered = Remembered(flow, graph, atlas)
        self.nodes: list[Node] = []
        self.waiting: list[int] = []
        self.turns = 0
        self._known: dict[bytes, int] = {}

    def walk(self, most: int) -> None:
        """Try every reply in every state, until there is none left or too many turns were taken."""
        self._turn(begin("", self.inbound), replace(self.inbound, event="start"))
        while self.waiting and self.turns < most:
            self._expand(self.waiting.pop())

    def _expand(self, at: int) -> None:
        node = self.nodes[at]
        walk = self._walk(node.state)
        found: dict[tuple[object, ...], list[int]] = {}
        for reply in self.replies.of(walk, node.scene):
            if node.again and reply.kind in ONWARD:
                continue
            key = (reply.kind, reply.like or reply.text)
            if key not in found:
                found[key] = self._turn(self._read_on(node, reply), self._inbound(node.replied, reply.text))
            own, *others = found[key]
            if not (reply.kind in ONWARD and self.nodes[own].again):
                node.edges += [Edge(reply, own), *(Edge(replace(reply, weight=0), other) for other in others)]

    def _read_on(self, node: Node, reply: Reply) -> Conversation:
        """Return the state after the pages that are read before a reply."""
        return replace(node.state, page=max(0, reply.pages - 1))

    def _turn(self, state: Conversation, inbound: Inbound) -> list[int]:
        """Let the engine take one inbound; return the nodes it leads to, that of the most citizens first."""
        self.turns += 1
        turn = step(self.flow, state, inbound, NOW, self.texts)
        return [self._node(one, turn) for one in self.remembered.stand(self._kept(turn.conversation), state.at)]

    def _inbound(self, bearer: Bearer, text: str = "") -> Inbound:
        """Return a reply over a bearer."""
        return replace(self.inbound, text=text, bearer=bearer, sms=self.inbound.sms and bearer == "ussd")

    def _node(self, kept: Conversation, turn: Turn) -> int:
        """Return the node of a state that a turn led to; what went out by SMS is a part of it."""
        shown = [screen.text for screen in turn.screens] if turn.messages else []
        key = msgspec.json.encode((kept, shown, turn.messages))
        if key not in self._known:
            self._known[key] = len(self.nodes)
            asks = kept.phase == "steps" and kept.status == "active"
            view = scene(self._walk(kept))
            if turn.messages and asks:
                view = replace(view, pages=tuple(shown))
            again = any(one.kind == "unclear" for one in turn.events)
            name = self.flow.steps[kept.at].id if asks else ""
            self.nodes.append(Node(kept, view, name, again, kept.status != "active", turn.messages))
            if kept.status == "active":
                self.waiting.append(self._known[key])
        return self._known[key]

    def _kept(self, state: Conversation) -> Conversation:
        """Return a state without what no later step looks at."""
        asks = state.phase == "steps" and state.status == "active"
        at = state.at if state.at >= 0 else 0
        live = self.reads.live[at] if state.status == "active" else frozenset()
        steps = self.flow.steps
        counted = asks and getattr(steps[state.at], "retries", None) is not None
        return replace(
            state,
            page=0,
            more=False,
            trail=(),
            tries=state.tries if counted else min(state.tries, 1),
            answers={name: value for name, value in state.answers.items() if name in live},
        )

    def _walk(self, state: Conversation) -> Walk:
        return Walk(self.flow, state, self._inbound(state.bearer), NOW, self.texts)
