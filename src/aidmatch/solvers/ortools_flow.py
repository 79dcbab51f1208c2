"""OR-Tools: cost scaling by push and relabel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Final

import numpy as np

from aidmatch._version import version_of
from aidmatch.arrays import SAFE, total
from aidmatch.errors import NumberRangeError, PluginError, SolverError
from aidmatch.solvers.network import Network, NetworkFlow
from aidmatch.solvers.potentials import potentials

__all__ = ["OrtoolsFlow"]

#: OR-Tools numbers nodes and arcs, its own among them, by int32: one to each node, and a source and a sink.
_NUMBERS: Final = 2**31 - 2


class OrtoolsFlow:
    """OR-Tools' ``SimpleMinCostFlow``, with potentials.

    Raises
    ------
    PluginError
        ``NOT_INSTALLED`` if the package is missing.

    Notes
    -----
    A. V. Goldberg, An efficient implementation of a scaling minimum-cost flow algorithm, Journal of Algorithms 22
    (1997). As it comes, the class takes floats for integers, wraps node numbers, and ends the process where a negative
    node is named or a flow is read after a solve that failed. So nothing reaches it here that is not as `Network` says,
    and nothing is read before its status.

    It multiplies costs by the number of its nodes, n + 2, and one. With C the dearest cost, the first ε is C·(n + 3)
    and every refinement divides it by five. A price falls in a refinement by at most as many of the old and the new ε
    as a path has arcs (A. V. Goldberg and R. E. Tarjan, Finding minimum-cost circulations by successive approximation,
    Mathematics of Operations Research 15, 1990), so by less than 2·C·(n + 3)² in all, and two prices and a cost add up
    within int64 as long as C·(n + 3)² < 2^61. More than that is refused.
    """

    name = "ortools"

    def __init__(self) -> None:
        with _package():
            self.version = version_of("ortools")

    def min_cost_flow(self, network: Network) -> NetworkFlow:
        """Solve a network.

        Raises
        ------
        NumberRangeError
            If it is too large for OR-Tools, or its numbers could overflow there.
        PluginError
            ``NOT_INSTALLED`` if the package cannot be imported.
        SolverError
            ``BAD_NETWORK`` if the network is not as `Network` says, ``SOLVER_FAILED`` if it has no solution,
            ``SOLVER_UNPROVEN`` if that of OR-Tools is not optimal.
        """
        _refuse_malformed(network)
        _refuse_large(network)
        with _package():
            from ortools.graph.python.min_cost_flow import SimpleMinCostFlow  # heavy: a compiled module
        solver = SimpleMinCostFlow()
        arcs = solver.add_arcs_with_capacity_and_unit_cost(
            network.tail.astype(np.int32), network.head.astype(np.int32), network.capacity, network.cost
        )
        solver.set_nodes_supplies(np.arange(len(network.balance), dtype=np.int32), network.balance)
        status = solver.solve()
        if status in (solver.BAD_COST_RANGE, solver.BAD_CAPACITY_RANGE):
            raise NumberRangeError(f"OR-Tools ended with {status.name}")
        if status != solver.OPTIMAL:
            raise SolverError(f"ended with {status.name}", solver=self.name, code="SOLVER_FAILED")
        flow = solver.flows(arcs)
        return NetworkFlow(flow, potentials(network, flow, self.name))


@contextmanager
def _package() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise PluginError(
            f"solver 'ortools' needs the package ortools: pip install 'aidmatch[ortools]' ({error})",
            code="NOT_INSTALLED",
        ) from error


def _refuse_malformed(network: Network) -> None:
    for field in fields(network):
        array = getattr(network, field.name)
        if type(array) is not np.ndarray or array.dtype != np.int64 or array.ndim != 1:
            raise _malformed(f"{field.name} is no one-dimensional array of int64")
        if not (array.flags.c_contiguous and array.flags.aligned):
            raise _malformed(f"{field.name} is not contiguous")
    tail, head = network.tail, network.head
    if len({len(tail), len(head), len(network.capacity), len(network.cost)}) > 1:
        raise _malformed("an arc lacks an end, a capacity or a cost")
    if tail.size and not 0 <= min(tail.min(), head.min()) <= max(tail.max(), head.max()) < len(network.balance):
        raise _malformed("an arc ends at no node")
    if network.capacity.min(initial=0) < 0:
        raise _malformed("a capacity is negative")
    if network.cost.min(initial=0) < 0:
        raise _malformed("a cost is negative")


def _malformed(message: str) -> SolverError:
    return SolverError(message, solver=OrtoolsFlow.name, code="BAD_NETWORK")


def _refuse_large(network: Network) -> None:
    nodes = len(network.balance)
    if nodes + len(network.tail) >= _NUMBERS:
        raise NumberRangeError(f"{nodes} nodes and {len(network.tail)} arcs are more than OR-Tools can number")
    dearest = int(network.cost.max(initial=0))
    if dearest * (nodes + 3) ** 2 >= SAFE:
        raise NumberRangeError(f"cost {dearest} a unit over {nodes} nodes leaves 64-bit integers in OR-Tools")
    low, high = int(network.balance.min(initial=0)), int(network.balance.max(initial=0))
    if not -SAFE < low <= high < SAFE:
        raise NumberRangeError(f"a balance of {low if -low > high else high} units; at most {SAFE - 1} can be exact")
    # all that may pass any node, or leave the source that OR-Tools adds
    units = total(network.capacity) + total(np.abs(network.balance))
    if units >= SAFE:
        raise NumberRangeError(f"capacities and balances of {units} units; at most {SAFE - 1} can be exact")
    if total(network.balance):
        raise _malformed("balances do not sum to zero")
