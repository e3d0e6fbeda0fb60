"""What a flow costs: SMS segments, USSD screens and seconds, by language, on the cheapest, usual and worst path.

Every path is walked with the real engine (`flows.paths`), so that what is counted is what will be sent.
"""

from __future__ import annotations

from itertools import product
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from flows.encoding import segments, sms_safe
from flows.model import Bearer, Flow
from flows.paths.explore import Edge, Explored, Node, explore
from flows.paths.letters import Dear, cost, dear, spoken, untouched
from flows.paths.routes import Cost, Route, Routes
from flows.texts import Texts
from flows.types import Limits

SESSION = 180
"""Seconds after which a network ends a USSD session, counted from the dial."""
Case = Literal["cheapest", "usual", "worst", "dearest"]


class Pace(Struct, frozen=True):
    """How fast a citizen is: seconds from one screen to the next, the network's included, and for each key."""

    screen: float
    key: float


USUAL = Pace(screen=6, key=1)
SLOW = Pace(screen=10, key=1.5)


class Prices(Struct, frozen=True):
    """What a provider takes: for a segment sent, a message received, a USSD session."""

    sms: float = 0.0
    inbound: float = 0.0
    session: float = 0.0
    currency: str = "MAD"


class Tally(Struct, frozen=True):
    """What one path comes to. By USSD: screens and seconds; by SMS: segments sent and received.

    A path that begins by USSD may have both: a question or a receipt number that goes out by SMS.
    """

    bearer: Bearer
    screens: float = 0
    seconds: float = 0
    sent: float = 0
    received: float = 0
    sessions: float = 1
    """Sessions that are opened for it, by USSD: none for what a first contact adds."""

    def price(self, prices: Prices) -> float:
        """Return what a provider takes for it."""
        sessions = self.sessions if self.bearer == "ussd" else 0
        return sessions * prices.session + self.sent * prices.sms + self.received * prices.inbound


class Path(Struct, frozen=True):
    """One path, named by its answers."""

    case: Case
    answers: tuple[str, ...]
    tally: Tally


class Estimate(Struct, frozen=True):
    """What one flow costs in one language over one bearer, to a citizen whose language and consent are known.

    `mean` takes every answer as equally likely; `first` is what a first contact adds. The worst path by USSD is that
    of a slow citizen; where SMS are sent besides, the dearest is that of the most segments. Not `complete`: the flow
    has more states than are walked.
    """

    language: str
    bearer: Bearer
    paths: tuple[Path, ...]
    mean: Tally
    first: Tally
    complete: bool

    def path(self, case: Case) -> Path:
        """Return the cheapest, the usual or the worst path."""
        return next(path for path in self.paths if path.case == case)

    def seconds(self, case: Case) -> float:
        """Return how long a whole USSD session lasts, the first contact included."""
        return self.path(case).tally.seconds + self.first.seconds


class Saving(Struct, frozen=True):
    """What all French screens of a flow cost by SMS.

    `typeset` as a word processor types them, the gateway's own phrases too; `untouched` as flow and phrases are
    written; `sent` in plain signs; `folded` with `fold: accents`. The menu of languages is in no language.
    """

    typeset: int
    untouched: int
    sent: int
    folded: int


def estimate(explored: Explored) -> Estimate | None:
    """Return what a walked flow costs; None when no path of it comes to an end."""
    start = explored.known
    usual = _routes(explored, _weight(explored))
    if not usual.ends:
        return None
    opening = _keyword(explored)
    ways: list[tuple[Case, Route, Pace]] = [
        ("cheapest", usual.cheapest(), USUAL),
        ("usual", usual.usual(), USUAL),
        ("worst", _routes(explored, _slowest if explored.bearer == "ussd" else _segments).worst(), SLOW),
    ]
    if explored.sms:
        ways.append(("dearest", _routes(explored, _segments).worst(), SLOW))
    paths = (Path(case, tuple(way.names), _tally(explored, way, pace, opening)) for case, way, pace in ways)
    return Estimate(
        explored.language,
        explored.bearer,
        tuple(paths),
        _mean(explored, start, opening),
        _first(explored, start),
        explored.complete,
    )


def estimates(
    flow: Flow, texts: Texts, limits: Limits | None = None, within: str = "", *, sms: bool = True
) -> list[Estimate]:
    """Return what a flow costs in each of its languages, over both bearers, on a gateway of the region `within`.

    `sms` says whether who dials can be sent an SMS.
    """
    bearers: tuple[Bearer, ...] = ("ussd", "sms")
    ways = product(flow.languages, bearers)
    walks = (explore(flow, texts, tag, bearer, limits, within, sms=sms and flow.crosses) for tag, bearer in ways)
    return [found for walk in walks if (found := estimate(walk)) is not None]


def letters(flow: Flow, texts: Texts, limits: Limits | None = None) -> list[tuple[Bearer, Dear]]:
    """Return the French texts of a flow whose letters cost, each with the dearest screen it is on."""
    found: dict[tuple[Bearer, str], Dear] = {}
    bearers: tuple[Bearer, ...] = ("sms", "ussd")
    if "fr" in flow.languages:
        for bearer in bearers:
            for one in dear(explore(flow, texts, "fr", bearer, limits), texts):
                key = (bearer, one.text.context)
                if key not in found or found[key].before - found[key].after < one.before - one.after:
                    found[key] = one
    return [(bearer, one) for (bearer, _), one in found.items()]


def saving(flow: Flow, texts: Texts) -> Saving:
    """Return what folding saves on all French screens of a flow by SMS."""
    as_is, folding = (explore(replace(flow, fold=fold), texts, "fr", "sms") for fold in ("", "accents"))
    sent, folded = (sum(cost(walk, node.scene.pages) for node in spoken(walk)) for walk in (as_is, folding))
    return Saving(untouched(as_is, texts, typeset=True), untouched(as_is, texts), sent, folded)


# what one leg costs --------------------------------------------------------------------------------------------
def _screens(node: Node, edge: Edge | None) -> float:
    if node.bearer == "sms":
        return 0
    return edge.reply.pages if edge else len(node.scene.pages)


def _seconds(node: Node, edge: Edge | None, pace: Pace) -> float:
    """Return how long a citizen needs: to each screen, and to type the reply and the keys of the pages before it.

    What is read and written by SMS takes no session's time.
    """
    screens = _screens(node, edge)
    if not screens:
        return 0
    keys = screens - 1 + (len(edge.reply.text) if edge and node.replied == "ussd" else 0)
    return screens * pace.screen + keys * pace.key


def _sent(node: Node, _: Edge | None) -> float:
    pages = node.scene.pages if node.bearer == "sms" else ()
    return sum(segments(sms_safe(text)) for text in (*pages, *node.messages))


def _received(node: Node, edge: Edge | None) -> float:
    return segments(edge.reply.text) if edge and node.replied == "sms" else 0


def _segments(node: Node, edge: Edge | None) -> float:
    return _sent(node, edge) + _received(node, edge)


def _slowest(node: Node, edge: Edge | None) -> float:
    return _seconds(node, edge, SLOW)


def _weight(explored: Explored) -> Cost:
    """Return what a path is judged by: seconds, or segments both ways; where both come, one weighs as a screen."""
    each = USUAL.screen if explored.bearer == "ussd" else 1
    return lambda node, edge: _seconds(node, edge, USUAL) + each * _segments(node, edge)


def _routes(explored: Explored, judged: Cost) -> Routes:
    """Return the ways of citizens whose language and consent are known, and perhaps their place."""
    return Routes(explored, judged, explored.known, explored.placed)


def _tally(explored: Explored, route: Route, pace: Pace, opening: int) -> Tally:
    seconds = route.cost(lambda node, edge: _seconds(node, edge, pace))
    received = route.cost(_received) + opening
    return Tally(explored.bearer, route.cost(_screens), seconds, route.cost(_sent), received)


def _mean(explored: Explored, start: int, opening: int) -> Tally:
    def mean(weight: Cost) -> float:
        return Routes(explored, weight, start).mean

    seconds = mean(lambda node, edge: _seconds(node, edge, USUAL))
    return Tally(explored.bearer, mean(_screens), seconds, mean(_sent), mean(_received) + opening)


def _first(explored: Explored, known: int) -> Tally:
    """Return what is asked before the first step: the language, and consent."""
    at, legs = 0, []
    while at != known:
        edge = explored.nodes[at].edges[0]
        legs.append((explored.nodes[at], edge))
        at = edge.to
    return replace(_tally(explored, Route(tuple(legs)), SLOW, 0), sessions=0)


def _keyword(explored: Explored) -> int:
    """Return the segments of the message that opens a conversation by SMS."""
    flow = explored.flow
    return max((segments(word) for word in flow.keywords), default=1) if explored.bearer == "sms" else 0
