"""The protocol of a flow solver, and the network it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aidmatch.arrays import Ints
from aidmatch.errors import PluginError
from aidmatch.plugins import Registry

__all__ = ["SOLVERS", "FlowSolver", "Network", "NetworkFlow", "solvers_named"]

SOLVERS = Registry(
    "aidmatch.solvers",
    {"ortools": "aidmatch.solvers.ortools_flow:OrtoolsFlow", "pylmcf": "aidmatch.solvers.simplex:NetworkSimplex"},
)


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
        """Solve a network; raise anything if that fails, `NumberRangeError` if its numbers are too large."""
        ...


def solvers_named(solver: FlowSolver | str | tuple[FlowSolver | str, ...]) -> tuple[FlowSolver, ...]:
    """The solvers to ask, in their order.

    Parameters
    ----------
    solver
        A flow solver, or the name of a plug-in in ``aidmatch.solvers``, or a tuple of them.

    Returns
    -------
    At least one.

    Raises
    ------
    PluginError
        If a named plug-in is unknown or broken; ``NO_SOLVER`` if the tuple is empty.
    """
    asked = solver if isinstance(solver, tuple) else (solver,)
    if not asked:
        raise PluginError("no solver is named", code="NO_SOLVER")
    return tuple(SOLVERS.make(one) if isinstance(one, str) else one for one in asked)
