"""Exact potentials of an optimal flow, for solvers that give none."""

from __future__ import annotations

import numpy as np

from aidmatch.arrays import Ints
from aidmatch.errors import SolverError
from aidmatch.solvers.network import Network

__all__ = ["potentials"]


def potentials(network: Network, flow: Ints, solver: str) -> Ints:
    """Potentials that prove a flow optimal.

    Parameters
    ----------
    network
        What was solved. Costs times nodes must stay below 2^61.
    flow
        An optimal flow within the capacities, int64.
    solver
        Whose flow it is, for the error.

    Returns
    -------
    The cost of the cheapest residual path that ends at each node, which may be the empty one: int64, ≤ 0, and no
    further from it than a simple path costs.

    Raises
    ------
    SolverError
        ``SOLVER_UNPROVEN`` if a residual cycle has a negative cost: the flow is not optimal.

    Notes
    -----
    Shortest distances in the residual network of an optimal flow are optimal potentials: R. K. Ahuja, T. L. Magnanti
    and J. B. Orlin, Network Flows (Prentice Hall 1993), section 9.3. They are found in rounds that follow only arcs of
    nodes whose label fell in the round before: R. Bellman, On a routing problem, Quarterly of Applied Mathematics 16
    (1958); E. F. Moore, The shortest path through a maze (1959).

    Labels fall without end exactly if there is a negative cycle, and then the graph of predecessors has a cycle, at the
    latest from as many rounds on as there are nodes, mostly far sooner: B. V. Cherkassky and A. V. Goldberg,
    Negative-cycle detection algorithms, Mathematical Programming 85 (1999). To look at rounds 1, 2, 4, … costs little
    and never doubles the rounds.
    """
    nodes = len(network.balance)
    tail, head, cost = _residual(network, flow)
    first = np.searchsorted(tail, np.arange(nodes + 1))
    degree = np.diff(first)
    # paths start at a root, numbered after the nodes, that has an arc of cost zero to each of them
    label = np.zeros(nodes, dtype=np.int64)
    predecessor = np.full(nodes + 1, nodes)
    fallen = np.arange(nodes)
    rounds = 0
    while fallen.size:
        rounds += 1
        size = degree[fallen]
        arcs = np.repeat(first[fallen] - np.cumsum(size) + size, size) + np.arange(size.sum())
        ends, offer = head[arcs], label[tail[arcs]] + cost[arcs]
        before = label[ends]
        np.minimum.at(label, ends, offer)
        taken = (offer < before) & (offer == label[ends])
        predecessor[ends[taken]] = tail[arcs[taken]]
        fallen = np.unique(ends[taken])
        if rounds.bit_count() == 1 and _has_cycle(predecessor):
            raise SolverError("a cycle improves the flow: it is not optimal", solver=solver, code="SOLVER_UNPROVEN")
    return label


def _residual(network: Network, flow: Ints) -> tuple[Ints, Ints, Ints]:
    """Tails, heads and costs of the arcs along which flow can still change, sorted by tail."""
    more, less = np.flatnonzero(flow < network.capacity), np.flatnonzero(flow > 0)
    tail = np.concatenate([network.tail[more], network.head[less]])
    head = np.concatenate([network.head[more], network.tail[less]])
    cost = np.concatenate([network.cost[more], -network.cost[less]])
    order = np.argsort(tail, kind="stable")
    return tail[order], head[order], cost[order]


def _has_cycle(predecessor: Ints) -> bool:
    """Whether somebody never comes to the root, which is last and its own predecessor, by doubling the steps."""
    ahead = predecessor
    for _ in range(len(predecessor).bit_length()):
        ahead = ahead[ahead]
    return bool((ahead != len(predecessor) - 1).any())
