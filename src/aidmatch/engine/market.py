"""A market decided: interchangeable nodes merged, missing pairs priced in, ties drawn, results split back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from aidmatch.arrays import Bools, Ints
from aidmatch.certificate import lexicographic_sign
from aidmatch.engine.components import Tally
from aidmatch.engine.levels import Face
from aidmatch.engine.merging import Classes, classes_of, merged, split_supplies
from aidmatch.engine.options import Options
from aidmatch.engine.pricing import Priced, solve_pairs, to_nobody
from aidmatch.engine.ties import draw
from aidmatch.formulation.arcs import PointArcs, among
from aidmatch.program import Market, Program, Solution, Work
from aidmatch.solvers.network import FlowSolver

__all__ = ["solve_market"]


def solve_market(
    market: Market,
    solvers: Sequence[FlowSolver],
    options: Options | None = None,
    report: Callable[[int, int, int], None] = to_nobody,
) -> Solution:
    """Decide a market: the unit of work, arrays in and arrays out.

    Parameters
    ----------
    market
        The market.
    solvers
        Any flow solvers, at least one, in the order in which they are asked.
    options
        Which short cuts to take; all of them if not given.
    report
        Called after each round of pricing with its number, the arcs and the pairs found missing.

    Returns
    -------
    The flow that the market's keys draw among those proven optimal at every level over every eligible pair.

    Raises
    ------
    NumberRangeError, PluginError, SolverError
        As `solve_components`.
    """
    options = Options() if options is None else options
    n, m = len(market.demand), len(market.supply)
    classes = classes_of(market)
    nodes = classes if options.merging else Classes(np.arange(n), np.arange(m), np.arange(n), np.arange(m))
    tally = Tally.of(len(solvers))
    solved = merged(market, nodes)
    priced = solve_pairs(solved, solvers, options, tally, report)
    u, v = priced.answer.u[:, nodes.demand], priced.answer.v[:, nodes.supply]
    program, metric, face = _optimal_face(market, solved, classes, nodes, priced, u, v)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(market.keys.demand, kind="stable")] = np.arange(n)
    # the least key of its members stands for a class
    key = np.full(len(classes.first_supply), np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(key, classes.supply, market.keys.supply)
    tied = draw(program, face, (market.keys.demand, key), solvers, options, tally)
    used = np.flatnonzero(tied.flow)
    by_class = program.demand_of[used], program.supply_of[used]
    demand_of, supply_of, flow = split_supplies(
        rank, *by_class, tied.flow[used], market.supply, classes.supply, market.keys.supply
    )
    at = np.searchsorted(by_class[0] * max(m, 1) + by_class[1], demand_of * max(m, 1) + classes.supply[supply_of])
    left = market.demand.copy()
    np.subtract.at(left, demand_of, flow)
    # nodes are not merged where pairs have a limit
    full = np.flatnonzero(flow >= market.limit) if market.limit is not None else slice(0)
    return Solution(
        demand_of=demand_of,
        supply_of=supply_of,
        metric=metric[used][at],
        flow=flow,
        u=u,
        v=v,
        can_take=_can_take(solved, nodes, priced, left, (demand_of[full], supply_of[full])),
        work=Work(
            components=tally.components,
            arcs=len(priced.metric),
            nodes=len(nodes.first_demand) + len(nodes.first_supply),
            rounds=priced.rounds,
            solves=tuple(tally.solves),
            failures=tuple(map(tuple, tally.failures)),
            level_runs=tally.level_runs,
            tied=tied.unique,
        ),
    )


def _optimal_face(
    market: Market, solved: Market, classes: Classes, nodes: Classes, priced: Priced, u: Ints, v: Ints
) -> tuple[Program, Ints, Face]:
    """Every demand and every class of supplies, the pairs that optimal answers may use, their metric, those answers.

    Supplies of one class that were solved apart may have got different prices; the highest, level by level, holds for
    all of them: every pair is held down by it, and none that carries flow has a lower one.
    """
    supply = np.zeros(len(classes.first_supply), dtype=np.int64)
    np.add.at(supply, classes.supply, market.supply)
    best = np.lexsort((*-v[::-1], classes.supply))
    v = v[:, best[np.searchsorted(classes.supply[best], np.arange(len(supply)))]]
    of_class = classes.supply[nodes.first_supply]
    levels = solved.program(priced.demand_of, priced.supply_of, priced.metric).levels
    reduced = [
        (0 if cost.arc is None else cost.arc)
        - priced.answer.u[row, priced.demand_of]
        - v[row, of_class[priced.supply_of]]
        for row, cost in enumerate(levels)
    ]
    sign = lexicographic_sign(np.array(reduced, dtype=np.int64).reshape(len(reduced), len(priced.metric)))
    keep = np.flatnonzero((sign == 0) | ((sign < 0) & (priced.answer.flow > 0)))
    # each demand of a class has the pairs of the class
    members = np.argsort(nodes.demand, kind="stable")
    begins = np.searchsorted(nodes.demand[members], np.arange(len(nodes.first_demand) + 1))
    size = np.diff(begins)[priced.demand_of[keep]]
    demand_of = members[
        np.repeat(begins[priced.demand_of[keep]] - np.cumsum(size) + size, size) + np.arange(size.sum())
    ]
    supply_of = np.repeat(of_class[priced.supply_of[keep]], size)
    fixed = np.repeat(np.where(sign[keep] < 0, priced.answer.flow[keep], 0), size)
    metric = np.repeat(priced.metric[keep], size)
    # supplies of one class that were solved apart bring the same pair more than once
    _, first = np.unique(demand_of * max(len(supply), 1) + supply_of, return_index=True)
    fixed = fixed[first]
    unmet = np.array(
        [np.zeros_like(market.demand) if level.unmet is None else level.unmet for level in market.levels]
    ).reshape(u.shape)
    face = Face(np.flatnonzero(fixed == 0), fixed, (unmet == u).all(axis=0), (v == 0).all(axis=0))
    program = Program(market.demand, supply, demand_of[first], supply_of[first], (), market.limit)
    return program, metric[first], face


def _can_take(market: Market, nodes: Classes, priced: Priced, left: Ints, full: tuple[Ints, Ints]) -> Bools:
    """Whether each demand with something left over has an eligible pair that is not among those at their limit."""
    known = np.zeros(len(nodes.first_demand), dtype=np.bool_)
    known[priced.demand_of[~among(priced.demand_of, priced.supply_of, full)]] = True
    if isinstance(market.arcs, PointArcs) and not priced.whole:
        wanted = np.zeros(len(known), dtype=np.bool_)
        wanted[nodes.demand[left > 0]] = True
        for i, j, _ in market.arcs.pairs_of(np.flatnonzero(wanted & ~known)):
            known[i[~among(i, j, full)]] = True
    return known[nodes.demand] & (left > 0)
