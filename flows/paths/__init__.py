"""Every path of a flow: the states a citizen can come to, and the cheapest, the usual and the worst way through."""

from flows.paths.explore import MOST_TURNS, Edge, Explored, Node, explore
from flows.paths.graph import Graph, leaves
from flows.paths.replies import ONWARD, Reply
from flows.paths.shown import Shown

__all__ = ["MOST_TURNS", "ONWARD", "Edge", "Explored", "Graph", "Node", "Reply", "Shown", "explore", "leaves"]
