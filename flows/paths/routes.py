"""The cheapest, the usual and the worst way through a flow, and what a way costs on average.

A loop is walked once at most: from the states that come back to one before, the way back is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from flows.paths.explore import Edge, Explored, Node
from flows.paths.replies import ONWARD

Cost = Callable[[Node, "Edge | None"], float]
"""What it costs to look at a node and reply by an edge; without an edge, to read the last words."""


class Route(Struct, frozen=True):
    """One way from a first node to an end: the nodes it passes, each with the edge taken; the last has none."""

    legs: tuple[tuple[Node, Edge | None], ...]

    @property
    def names(self) -> list[str]:
        """The answers that make this route, in words."""
        return [edge.reply.name for _, edge in self.legs if edge is not None and edge.reply.name]

    def cost(self, cost: Cost) -> float:
        """Return what the whole route costs."""
        return sum(cost(node, edge) for node, edge in self.legs)


class Routes:
    """The ways through one walk, for one kind of cost.

    They begin at `start`; the cheapest and the worst may begin at one of `others`.
    """

    def __init__(self, explored: Explored, cost: Cost, start: int = 0, others: Sequence[int] = ()) -> None:
        self.nodes = explored.nodes
        self.cost = cost
        self.start = start
        self.edges, order = _forward(explored.nodes, (start, *others))
        self._least: dict[int, float] = {}
        self._most: dict[int, float] = {}
        self._mean: dict[int, float] = {}
        for at in order:
            self._weigh(at)
        self.starts = [at for at in (start, *others) if at in self._least]

    def _weigh(self, at: int) -> None:
        """Work out a node from those after it; a node from which no end is reached gets no cost."""
        node = self.nodes[at]
        if node.ends:
            self._least[at] = self._most[at] = self._mean[at] = self.cost(node, None)
            return
        steps = [(edge, self.cost(node, edge)) for edge in self.edges[at] if edge.to in self._least]
        if not steps:
            return
        self._least[at] = min(own + self._least[edge.to] for edge, own in steps)
        self._most[at] = max(own + self._most[edge.to] for edge, own in steps)
        likely = [pair for pair in steps if pair[0].reply.weight] or [(edge, own) for edge, own in steps]
        whole = sum(edge.reply.weight or 1 for edge, _ in likely)
        self._mean[at] = sum((edge.reply.weight or 1) * (own + self._mean[edge.to]) for edge, own in likely) / whole

    @property
    def ends(self) -> bool:
        """True when there is a way from the start to an end."""
        return self.start in self._least

    @property
    def mean(self) -> float:
        """What a way costs when every answer is equally likely."""
        return self._mean[self.start]

    def cheapest(self) -> Route:
        """Return the way that costs least."""
        start = min(self.starts, key=self._least.__getitem__)
        return self._follow(start, lambda edges: min(edges, key=lambda pair: pair[1] + self._least[pair[0].to])[0])

    def worst(self) -> Route:
        """Return the way that costs most."""
        start = max(self.starts, key=self._most.__getitem__)
        return self._follow(start, lambda edges: max(edges, key=lambda pair: pair[1] + self._most[pair[0].to])[0])

    def usual(self) -> Route:
        """Return the way of the middle answers: at each question half of the citizens go a cheaper way."""
        return self._follow(
            self.start, lambda edges: _middle(sorted(edges, key=lambda pair: pair[1] + self._mean[pair[0].to]))
        )

    def _follow(self, at: int, pick: Callable[[list[tuple[Edge, float]]], Edge]) -> Route:
        """Return the way from one node on, `pick` choosing among its edges and their own costs."""
        legs: list[tuple[Node, Edge | None]] = []
        while not self.nodes[at].ends:
            node = self.nodes[at]
            edge = pick([(one, self.cost(node, one)) for one in self.edges[at] if one.to in self._least])
            legs.append((node, edge))
            at = edge.to
        return Route((*legs, (self.nodes[at], None)))


def _middle(edges: Sequence[tuple[Edge, float]]) -> Edge:
    """Return the edge in the middle of some ordered ones, each as heavy as it is likely."""
    left = sum(edge.reply.weight for edge, _ in edges) / 2
    for edge, _ in edges:
        left -= edge.reply.weight
        if left < 0:
            return edge
    return edges[-1][0]


def _forward(nodes: Sequence[Node], starts: Sequence[int]) -> tuple[dict[int, list[Edge]], list[int]]:
    """Return the onward edges without those that close a loop, and the nodes in such an order that ends come first."""
    edges: dict[int, list[Edge]] = {}
    order: list[int] = []
    for start in starts:
        if start not in edges:
            _deepen(nodes, start, edges, order)
    return edges, order


def _deepen(nodes: Sequence[Node], start: int, edges: dict[int, list[Edge]], order: list[int]) -> None:
    """Add what is reached from one node on."""
    edges[start] = []
    open_: set[int] = {start}
    stack = [(start, iter(_onward(nodes[start])))]
    while stack:
        at, rest = stack[-1]
        edge = next(rest, None)
        if edge is None:
            stack.pop()
            open_.discard(at)
            order.append(at)
        elif edge.to not in open_:
            edges[at].append(edge)
            if edge.to not in edges:
                edges[edge.to] = []
                open_.add(edge.to)
                stack.append((edge.to, iter(_onward(nodes[edge.to]))))


def _onward(node: Node) -> list[Edge]:
    return [edge for edge in node.edges if edge.reply.kind in ONWARD]


def trapped(explored: Explored) -> list[Node]:
    """Return the states from which no reply leads to an end, whatever is answered; those of unclear replies aside."""
    before: dict[int, list[int]] = {}
    for at, node in enumerate(explored.nodes):
        for edge in node.edges:
            if edge.reply.kind not in ("unclear", "refuse"):
                before.setdefault(edge.to, []).append(at)
    seen: set[int] = set()
    waiting = [at for at, node in enumerate(explored.nodes) if node.ends]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting += before.get(at, ())
    return [node for at, node in enumerate(explored.nodes) if at not in seen and not node.again]
