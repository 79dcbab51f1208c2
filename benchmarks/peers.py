"""What a user would write without the library."""

from typing import Any

import numpy as np
import numpy.typing as npt

import aidmatch as am

__all__ = ["one_ortools_flow"]

Ints = npt.NDArray[np.int64]


def one_ortools_flow(problem: am.GivingProblem) -> tuple[int, ...]:
    """One OR-Tools min-cost flow over every same-kind pair that the donors' conditions allow, in one graph.

    Returns
    -------
    Units served by category A, B, C, D, then unit-metres.
    """
    from ortools.graph.python import min_cost_flow

    needs, lots = problem.needs, problem.donations
    n, m = len(needs), len(lots)
    demand, supply = (np.array([r.quantity for r in records], dtype=np.int64) for records in (needs, lots))
    rank = np.array(["ABCD".index(need.category) for need in needs])
    i, j, metres = _pairs(problem)
    # a unit of a category outweighs the longest exchange
    weight = (4 - rank) * (2 * min(n, m) * int(metres.max()))
    flow = min_cost_flow.SimpleMinCostFlow()
    every, each = np.arange(n), np.arange(m)
    sink = np.full(n, n + m)
    arcs = flow.add_arcs_with_capacity_and_unit_cost(n + j, i, np.minimum(demand[i], supply[j]), metres)
    flow.add_arcs_with_capacity_and_unit_cost(sink, every, demand, weight)
    flow.add_arcs_with_capacity_and_unit_cost(n + each, sink[:1].repeat(m), supply, np.zeros(m, dtype=np.int64))
    flow.set_nodes_supplies(
        np.arange(n + m + 1), np.concatenate([-demand, supply, [int(demand.sum()) - int(supply.sum())]])
    )
    if flow.solve() != flow.OPTIMAL:
        raise RuntimeError("OR-Tools found no optimum")
    sent: Ints = flow.flows(arcs)
    served = np.zeros(4, dtype=np.int64)
    np.add.at(served, rank[i], sent)
    return (*served.tolist(), int((sent * metres).sum()))


def _pairs(problem: am.GivingProblem) -> tuple[Ints, Ints, Ints]:
    needs, lots = problem.needs, problem.donations
    items = {record.item for record in needs}
    found: list[Any] = []
    for item in sorted(items):
        i = np.array([k for k, need in enumerate(needs) if need.item == item])
        j = np.array([k for k, lot in enumerate(lots) if lot.item == item])
        if not j.size:
            continue
        allowed = np.array([[_allowed(needs[a], lots[b]) for b in j] for a in i])
        metres = _haversine(_radians(needs, i)[:, None], _radians(lots, j)[None])
        a, b = np.nonzero(allowed)
        found.append(np.stack([i[a], j[b], metres[a, b]]))
    i, j, metres = np.concatenate(found, axis=1)
    return i, j, metres


def _allowed(need: am.Need, lot: am.Donation) -> bool:
    return (not lot.only_categories or need.category in lot.only_categories) and (
        not lot.only_areas or (need.place.code or "").startswith(lot.only_areas)
    )


def _radians(records: Any, index: Ints) -> npt.NDArray[np.float64]:
    return np.radians([records[k].place.point for k in index])


def _haversine(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> Ints:
    h = np.sin((a[..., 0] - b[..., 0]) / 2) ** 2
    h = h + np.cos(a[..., 0]) * np.cos(b[..., 0]) * np.sin((a[..., 1] - b[..., 1]) / 2) ** 2
    metres: npt.NDArray[np.float64] = np.floor(2 * 6_371_008.8 * np.arcsin(np.sqrt(h)) + 0.5)
    return metres.astype(np.int64)
