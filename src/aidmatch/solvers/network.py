"""The protocol of a flow solver, and the network it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aidmatch.arrays import Ints
from aidmatch.plugins import Registry

__all__ = ["SOLVERS", "FlowSolver", "Network", "NetworkFlow"]

SOLVERS = Registry("aidmatch.solvers", {"pylmcf": "aidmatch.solvers.simplex:NetworkSimplex"})


@dataclass(frozen=True, slots=True)
class Network:
    """A minimum-cost flow problem that has a solution.

    Parameters
    ----------
    balance
        Net outflow of each node, int64, summing to 0.
    tail, head
        Ends of each arc, int64, sorted by tail and then head, without parallel arcs.
    capacity
        Upper limit of each arc, int64 ≥ 0.
    cost
        Cost of one unit on each arc, int64 ≥ 0.
    """

    balance: Ints
    tail: Ints
    head: Ints
    capacity: Ints
    cost: Ints


@dataclass(frozen=True, slots=True)
class NetworkFlow:
    """What a solver answers; nobody believes it before it is checked.

    Parameters
    ----------
    flow
        Flow on each arc, int64.
    potential
        A number π a node, int64, such that cost + π[tail] − π[head] is ≥ 0 on every arc below capacity and ≤ 0 on
        every arc that carries flow.
    """

    flow: Ints
    potential: Ints


class FlowSolver(Protocol):
    """What a flow solver offers."""

    @property
    def name(self) -> str:
        """Name in results and errors."""
        ...

    @property
    def version(self) -> str:
        """Version in results."""
        ...

    def min_cost_flow(self, network: Network) -> NetworkFlow:
        """Solve a network; raise anything if that fails."""
        ...
