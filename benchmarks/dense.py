"""What peers are given: every pair of one kind as an arc, priorities as weights; and the peers, each as it is used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["PEERS", "Dense"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Dense:
    """One kind with all its pairs.

    Parameters
    ----------
    demand, supply
        Units.
    metres
        Shape (needs, lots); every pair is eligible.
    weight
        Cost of a unit left over at each need, above any exchange of the lower categories and metres.
    rank
        Category of each need, from 0.
    """

    demand: Ints
    supply: Ints
    metres: Ints
    weight: Ints
    rank: Ints

    @classmethod
    def of(cls, demand: Ints, supply: Ints, i: Ints, j: Ints, metres: Ints, rank: Ints) -> Self:
        """From a list of all pairs."""
        table = np.zeros((len(demand), len(supply)), dtype=np.int64)
        table[i, j] = metres
        # served units form a polymatroid: weights 4, 3, 2, 1 of more than the longest exchange order them strictly
        weight = (1 + rank.max() - rank) * 2 * min(len(demand), len(supply)) * int(metres.max())
        return cls(demand, supply, table, weight, rank)

    def values(self, flow: Ints) -> tuple[int, ...]:
        """Units of each category left over, then unit-metres, of a flow of the table's shape."""
        if (flow < 0).any() or (flow.sum(axis=0) > self.supply).any() or (flow.sum(axis=1) > self.demand).any():
            raise SystemExit("a peer's flow is infeasible")
        left = self.demand - flow.sum(axis=1)
        over = (int(left[self.rank == one].sum()) for one in range(int(self.rank.max()) + 1))
        return (*over, int((flow * self.metres).sum()))

    def balanced(self) -> tuple[Ints, Ints, Ints]:
        """Rows, columns and costs with one supply that leaves needs over and one need that takes what is unused."""
        spare, missing = int(self.supply.sum()), int(self.demand.sum())
        costs = np.zeros((len(self.demand) + 1, len(self.supply) + 1), dtype=np.int64)
        costs[:-1, :-1], costs[:-1, -1] = self.metres, self.weight
        return np.append(self.demand, spare), np.append(self.supply, missing), costs


def ortools_flow(dense: Dense) -> Ints:
    """OR-Tools' SimpleMinCostFlow, one graph."""
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    demand, supply, costs = dense.balanced()
    n, m = costs.shape
    i, j = (axis.ravel().astype(np.int32) for axis in np.indices((n, m)))
    solver = SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(j + n, i, np.minimum(demand[i], supply[j]), costs.ravel())
    solver.set_nodes_supplies(np.arange(n + m, dtype=np.int32), np.concatenate([-demand, supply]))
    if solver.solve() != solver.OPTIMAL:
        raise SystemExit("OR-Tools found no optimum")
    flow: Ints = solver.flows(arcs).reshape(n, m)[:-1, :-1]
    return flow


def pot_emd(dense: Dense) -> Ints:
    """POT's network simplex on the dense table."""
    import ot

    demand, supply, costs = dense.balanced()
    plan = ot.emd(demand.astype(float), supply.astype(float), costs.astype(float), numItermax=100_000_000)
    flow: Ints = np.rint(plan).astype(np.int64)[:-1, :-1]
    return flow


def highs_lp(dense: Dense) -> Ints:
    """HiGHS by SciPy, as a linear program."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    demand, supply, costs = dense.balanced()
    n, m = costs.shape
    i, j = (axis.ravel() for axis in np.indices((n, m)))
    columns = np.arange(n * m)
    ones = np.ones(2 * n * m)
    rows = coo_array((ones, (np.concatenate([i, n + j]), np.concatenate([columns, columns]))), (n + m, n * m))
    # the weights, scaled down, keep within what floating point can tell apart
    answer = linprog(costs.ravel() / 1e3, A_eq=rows.tocsr(), b_eq=np.concatenate([demand, supply]), method="highs")
    flow: Ints = np.rint(answer.x).astype(np.int64).reshape(n, m)[:-1, :-1]
    return flow


def scipy_assignment(dense: Dense) -> Ints:
    """SciPy's assignment, every unit a row or a column of its own."""
    from scipy.optimize import linear_sum_assignment

    i = np.repeat(np.arange(len(dense.demand)), dense.demand)
    j = np.repeat(np.arange(len(dense.supply)), dense.supply)
    costs = dense.metres[np.ix_(i, j)] - dense.weight[i][:, None]
    rows, columns = linear_sum_assignment(costs)
    flow = np.zeros(dense.metres.shape, dtype=np.int64)
    # a unit that is better left over than served costs more than nothing
    keep = costs[rows, columns] < 0
    np.add.at(flow, (i[rows[keep]], j[columns[keep]]), 1)
    return flow


def networkx_simplex(dense: Dense) -> Ints:
    """Network simplex of networkx, in Python."""
    import networkx as nx

    demand, supply, costs = dense.balanced()
    graph = nx.DiGraph()
    for i, units in enumerate(demand.tolist()):
        graph.add_node(("need", i), demand=units)
    for j, units in enumerate(supply.tolist()):
        graph.add_node(("lot", j), demand=-units)
    graph.add_weighted_edges_from(
        (("lot", j), ("need", i), cost) for i, row in enumerate(costs.tolist()) for j, cost in enumerate(row)
    )
    _, sent = nx.network_simplex(graph)
    flow = np.zeros(costs.shape, dtype=np.int64)
    for (kind, j), ends in sent.items():
        if kind == "lot":
            for (_, i), units in ends.items():
                flow[i, j] = units
    return flow[:-1, :-1]


#: Peers, and the pairs up to which each is asked.
PEERS: Mapping[str, tuple[Callable[[Dense], Ints], int]] = {
    "OR-Tools, all arcs": (ortools_flow, 7_000_000),
    "POT emd": (pot_emd, 7_000_000),
    "HiGHS LP": (highs_lp, 70_000),
    "SciPy, units": (scipy_assignment, 700_000),
    "networkx": (networkx_simplex, 70_000),
}
