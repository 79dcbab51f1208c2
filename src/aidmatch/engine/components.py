"""A market decided part by part: connected components are solved apart and put together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from aidmatch.arrays import Ints
from aidmatch.engine.levels import ProvenFlow, solve_levels
from aidmatch.errors import NumberRangeError, SolverError
from aidmatch.program import Costs, Market, Program, Solution
from aidmatch.solvers.network import FlowSolver

__all__ = ["solve_market"]


def solve_market(market: Market, *solvers: FlowSolver) -> Solution:
    """Decide a market.

    Parameters
    ----------
    market
        Arrays only; the unit of work.
    *solvers
        Any flow solvers, at least one. A component that one of them fails on is given to the next, and that is
        recorded.

    Returns
    -------
    A flow proven optimal at every level over every eligible pair.

    Raises
    ------
    NumberRangeError, PluginError, SolverError
        As `solve_levels`, from the last of the solvers where all of them failed.
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
    solves = [0] * len(solvers)
    failures: list[list[str]] = [[] for _ in solvers]
    parts = 0
    for demands, supplies, arcs in _components(program):
        answer, codes = _first_proven(_part(program, demands, supplies, arcs), solvers)
        flow[arcs], u[:, demands], v[:, supplies] = answer.flow, answer.u, answer.v
        parts += 1
        solves[len(codes)] += answer.solves
        for failed, code in zip(failures, codes, strict=False):
            failed.append(code)
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
        solves=tuple(solves),
        failures=tuple(map(tuple, failures)),
    )


def _first_proven(program: Program, solvers: Sequence[FlowSolver]) -> tuple[ProvenFlow, list[str]]:
    """The answer of the first solver that gives one, and the codes of the errors of those before it."""
    codes: list[str] = []
    for solver in solvers[:-1]:
        try:
            return solve_levels(program, solver), codes
        except (NumberRangeError, SolverError) as error:
            codes.append(error.code)
    return solve_levels(program, solvers[-1]), codes


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
