"""A market decided part by part: connected components are solved apart and put together again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from aidmatch.arrays import Ints
from aidmatch.engine.levels import solve_levels
from aidmatch.program import Costs, Market, Program, Solution
from aidmatch.solvers.network import FlowSolver

__all__ = ["solve_market"]


def solve_market(market: Market, solver: FlowSolver) -> Solution:
    """Decide a market.

    Parameters
    ----------
    market
        Arrays only; the unit of work.
    solver
        Any flow solver.

    Returns
    -------
    A flow proven optimal at every level over every eligible pair.

    Raises
    ------
    NumberRangeError, SolverError
        As `solve_levels`.
    """
    program, metric = market.program()
    n, m = len(program.demand), len(program.supply)
    # without an arc, a demand's potential is the cost of leaving it, and a supply's is zero
    u = np.zeros((len(program.levels), n), dtype=np.int64)
    for row, level in enumerate(program.levels):
        if level.unmet is not None:
            u[row] = level.unmet
    v = np.zeros((len(program.levels), m), dtype=np.int64)
    flow = np.zeros(len(metric), dtype=np.int64)
    parts = solves = 0
    for demands, supplies, arcs in _components(program):
        answer = solve_levels(_part(program, demands, supplies, arcs), solver)
        flow[arcs], u[:, demands], v[:, supplies] = answer.flow, answer.u, answer.v
        parts += 1
        solves += answer.solves
    used = np.flatnonzero(flow)
    below = slice(None) if program.limit is None else flow < program.limit
    return Solution(
        demand_of=program.demand_of[used],
        supply_of=program.supply_of[used],
        metric=metric[used],
        flow=flow[used],
        u=u,
        v=v,
        open_arcs=np.bincount(program.demand_of[below], minlength=n),
        components=parts,
        arcs=len(flow),
        solves=solves,
    )


def _components(program: Program) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Demands, supplies and arcs of each connected component that has arcs, in the order of first demands."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n, m = len(program.demand), len(program.supply)
    rows = np.searchsorted(program.demand_of, np.arange(n + m + 1))
    graph = csr_array((np.ones(len(program.supply_of), dtype=np.int8), program.supply_of + n, rows), (n + m, n + m))
    count, label = connected_components(graph, directed=False)
    demands, supplies, arcs = (
        _split(part.astype(np.int64), count) for part in (label[:n], label[n:], label[program.demand_of])
    )
    for component in range(count):
        if arcs[component].size:
            yield demands[component], supplies[component], arcs[component]


def _split(label: Ints, count: int) -> list[Ints]:
    order = np.argsort(label, kind="stable")
    return np.split(order, np.cumsum(np.bincount(label, minlength=count))[:-1])


def _part(program: Program, demands: Ints, supplies: Ints, arcs: Ints) -> Program:
    if len(demands) + len(supplies) == len(program.demand) + len(program.supply):
        return program
    return Program(
        program.demand[demands],
        program.supply[supplies],
        np.searchsorted(demands, program.demand_of[arcs]),
        np.searchsorted(supplies, program.supply_of[arcs]),
        tuple(
            Costs(None if costs.unmet is None else costs.unmet[demands], None if costs.arc is None else costs.arc[arcs])
            for costs in program.levels
        ),
        program.limit,
    )
