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
from flows.paths.replies import ONWARD, Replies, Reply
from flows.paths.scene import NOW, Scene, begin, scene
from flows.texts import Texts
from flows.types import Conversation, Inbound, Limits
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
    edges: list[Edge] = []

    @property
    def words(self) -> str:
        """All that is shown, before it is cut into pages."""
        content = self.scene.content
        labels = [label for _, label in content.options] if content else []
        return "\n".join((self.state.said, content.text if content else "", *labels))


class Explored(Struct, frozen=True):
    """Every state that one language and bearer can come to; the first node is a citizen's first contact."""

    flow: Flow
    language: str
    bearer: Bearer
    limits: Limits
    nodes: tuple[Node, ...]
    complete: bool
    within: str = ""

    @property
    def known(self) -> int:
        """The node where a citizen begins whose language and consent are known."""
        return next((at for at, node in enumerate(self.nodes) if node.state.phase in ("steps", "closing")), 0)


def explore(
    flow: Flow,
    texts: Texts,
    language: str,
    bearer: Bearer,
    limits: Limits | None = None,
    within: str = "",
    most: int = MOST_TURNS,
) -> Explored:
    """Walk every path of a flow without sub-flows to run (`flows.link`) and without other errors.

    `within` is the gateway's region, where menus of places open first.
    """
    walker = _Walker(flow, texts, language, Inbound(bearer=bearer, limits=limits or Limits(), within=within))
    walker.walk(most)
    nodes = tuple(walker.nodes)
    return Explored(flow, language, bearer, walker.inbound.limits, nodes, not walker.waiting, within)


class _Walker:
    """Keeps the states seen, and those whose replies have not been tried."""

    def __init__(self, flow: Flow, texts: Texts, language: str, inbound: Inbound) -> None:
        self.flow = flow
        self.inbound = inbound
        self.texts = texts
        self.reads = Reads(flow, Graph(flow))
        self.replies = Replies(self.reads, Atlas(texts.places, language), language)
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
        found: dict[tuple[object, ...], int] = {}
        for reply in self.replies.of(walk, node.scene):
            if node.again and reply.kind in ONWARD:
                continue
            key = (reply.kind, reply.like or reply.text)
            if key not in found:
                found[key] = self._turn(self._read_on(node, reply), replace(self.inbound, text=reply.text))
            if found[key] >= 0 and not (reply.kind in ONWARD and self.nodes[found[key]].again):
                node.edges.append(Edge(reply, found[key]))

    def _read_on(self, node: Node, reply: Reply) -> Conversation:
        """Return the state after the pages that are read before a reply."""
        return replace(node.state, page=max(0, reply.pages - 1))

    def _turn(self, state: Conversation, inbound: Inbound) -> int:
        """Let the engine take one inbound; return the node it leads to."""
        self.turns += 1
        turn = step(self.flow, state, inbound, NOW, self.texts)
        return self._node(turn.conversation, again=any(one.kind == "unclear" for one in turn.events))

    def _node(self, state: Conversation, *, again: bool) -> int:
        kept = self._kept(state)
        key = msgspec.json.encode(kept)
        if key not in self._known:
            self._known[key] = len(self.nodes)
            asks = kept.phase == "steps" and kept.status == "active"
            view = scene(self._walk(kept))
            name = self.flow.steps[kept.at].id if asks else ""
            self.nodes.append(Node(kept, view, name, again, kept.status != "active"))
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
            place="",
            tries=state.tries if counted else min(state.tries, 1),
            answers={name: value for name, value in state.answers.items() if name in live},
        )

    def _walk(self, state: Conversation) -> Walk:
        return Walk(self.flow, state, self.inbound, NOW, self.texts)
