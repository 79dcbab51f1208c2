"""All pairs without all arcs: a market decided over near pairs, and those that its own prices show to be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np

from aidmatch.arrays import SAFE, Bools, Ints, distinct, first_of_each
from aidmatch.certificate import lexicographic_sign
from aidmatch.engine.components import Tally, solve_components
from aidmatch.engine.levels import ProvenFlow
from aidmatch.engine.neighbours import Found, Neighbours, Prices
from aidmatch.engine.options import Options
from aidmatch.formulation.arcs import PointArcs
from aidmatch.pair_costs import CostOfPairs, Metric
from aidmatch.program import Market
from aidmatch.solvers.network import FlowSolver

__all__ = ["Priced", "prices_of", "solve_pairs", "to_nobody"]

#: Partners of each node that a market starts with, out of each eligibility group.
_NEAREST: Final = 8
#: Missing pairs of a demand that are added in a round.
_ADDED: Final = 8
#: Blocks of supplies that a narrow search looks at for a block of demands, at most, round by round; all of them in
#: every later round.
_NARROW: Final = (6, 6, 24, 96, 384)
#: One in so many nodes is hardly anybody.
_HARDLY: Final = 20
#: Pairs for each node that are worked with near the optimum, and that a region hands over.
_WORKING: Final = 3
#: Nodes up to which a market is never cut into regions, into how many parts it is cut, and the rounds of each part.
_REGION: Final = 8_000
_PARTS: Final = 4
_PART_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Priced:
    """A market's answer over all eligible pairs.

    Parameters
    ----------
    demand_of, supply_of, metric
        Ends and metric of the arcs it was found on, sorted by demand and then supply; among them every pair whose
        reduced cost is zero at all levels, so every pair that any optimal answer uses.
    answer
        Flow on them, and potentials that hold for every eligible pair.
    rounds
        Times that the flow was solved.
    whole
        Whether every eligible pair is among the arcs.
    """

    demand_of: Ints
    supply_of: Ints
    metric: Ints
    answer: ProvenFlow
    rounds: int
    whole: bool


def to_nobody(rounds: int, arcs: int, missing: int) -> None:
    """Report a round to nobody."""


def solve_pairs(
    market: Market,
    solvers: Sequence[FlowSolver],
    options: Options,
    tally: Tally,
    report: Callable[[int, int, int], None],
) -> Priced:
    """Decide a market over every eligible pair.

    Parameters
    ----------
    market, solvers, options, tally
        As in `solve_components`.
    report
        Called after each round with its number, the arcs, and the pairs that were found missing.

    Returns
    -------
    A flow proven optimal at every level.

    Raises
    ------
    NumberRangeError, PluginError, SolverError
        As `solve_components`.

    Notes
    -----
    Column generation for transportation problems: a pair can improve an answer only if its reduced cost is negative at
    its first level that is not zero, and where no pair's is, the potentials prove the answer over all of them. Early
    searches look only where most is to be gained, since early prices are poor. Only a search that looked everywhere
    and found nothing ends the loop; it also brings every pair whose reduced cost is zero.
    """
    pairs = len(market.demand) * len(market.supply)
    if not isinstance(market.arcs, PointArcs) or not options.pricing or pairs <= options.price_from:
        arcs = market.arcs.build()
        answer = solve_components(market.program(*arcs), solvers, options, tally)
        report(1, len(arcs[0]), 0)
        return Priced(*arcs, answer, 1, whole=True)
    return _in_rounds(market, market.arcs, solvers, options, tally, report, None)


def _in_rounds(
    market: Market,
    points: PointArcs,
    solvers: Sequence[FlowSolver],
    options: Options,
    tally: Tally,
    report: Callable[[int, int, int], None],
    most_rounds: int | None,
) -> Priced:
    """Solve and search in turn; with `most_rounds`, stop there with an answer that pairs may be missing from."""
    width = len(market.supply)
    near = Neighbours(points)
    keys, metric = _first_arcs(market, near)
    prices, few, rounds = None, False, 0
    while True:
        rounds += 1
        arcs = keys // width, keys % width, metric
        answer, prices, rest = _solve_known(market, arcs, prices if few else None, solvers, options, tally)
        if rounds == most_rounds:
            return Priced(*arcs, answer, rounds, whole=False)
        full = 0 if market.limit is None else int((answer.flow >= market.limit).sum())
        for blocks in (*_NARROW[rounds - 1 : rounds], None):
            found = near.search(prices, most=None if blocks is None else _ADDED, blocks=blocks, full=full)
            missing = found.part(_not_in(keys, found.demand_of * width + found.supply_of))
            helps = missing.reduced < 0
            if blocks is None and rest and not helps.any():
                helps = _later_sign(market, answer, rest, missing) < 0
            report(rounds, len(keys), int(helps.sum()))
            # where hardly anybody gains any more, look further before the next solve
            if helps.sum() * _HARDLY > len(market.demand):
                break
        done = not helps.any()
        few = blocks is None and helps.sum() * _HARDLY < len(market.demand) + width
        if rounds == 1 and options.regions and _far_off(market, int(helps.sum())):
            missing = _liked_in_parts(market, points, solvers, options, tally)
        elif done and rest:
            missing = missing.part(_later_sign(market, answer, rest, missing) == 0)
        elif not done:
            missing = missing.part(_best(missing, helps))
        keys, at = np.unique(np.concatenate([keys, missing.demand_of * width + missing.supply_of]), return_index=True)
        old = at < len(metric)
        metric = np.concatenate([metric, missing.metric])[at]
        if done:
            flow = np.zeros(len(keys), dtype=np.int64)
            flow[old] = answer.flow
            answer = ProvenFlow(flow, answer.left, answer.u, answer.v, answer.solves, answer.runs)
            return Priced(keys // width, keys % width, metric, answer, rounds, whole=False)


def _solve_known(
    market: Market,
    arcs: tuple[Ints, Ints, Ints],
    prices: Prices | None,
    solvers: Sequence[FlowSolver],
    options: Options,
    tally: Tally,
) -> tuple[ProvenFlow, Prices, tuple[int, ...]]:
    """Decide a market over some of its pairs, and price the rest.

    Parameters
    ----------
    market, solvers, options, tally
        As in `solve_components`.
    arcs
        Ends and metric of the pairs, sorted.
    prices
        Prices of an answer that few of the pairs can improve; None if there is no such answer.

    Returns
    -------
    A flow with potentials that hold on every one of the pairs, and these as `prices_of` gives them.

    Notes
    -----
    Near the optimum most pairs are far from being used. Those that the last prices nearly like fall into many small
    components, which are decided in a fraction of the time of the one large component that all pairs make. The others
    are priced afterwards, and those that would help join in, until none does.
    """
    most = _WORKING * (len(market.demand) + len(market.supply))
    if prices is None or len(arcs[0]) <= most:
        answer = solve_components(market.program(*arcs), solvers, options, tally)
        return answer, *prices_of(market, answer.u, answer.v)
    reduced = prices.reduced(*arcs)
    at_work = reduced <= np.partition(reduced, most)[most]
    while True:
        some = np.flatnonzero(at_work)
        answer = solve_components(market.program(*(column[some] for column in arcs)), solvers, options, tally)
        prices, rest = prices_of(market, answer.u, answer.v)
        known = Found(*arcs, prices.reduced(*arcs))
        helps = known.reduced < 0
        if rest:
            helps |= _later_sign(market, answer, rest, known) < 0
        # where pairs have a limit, those at it are rightly below zero
        helps &= ~at_work
        if not helps.any():
            flow = np.zeros(len(at_work), dtype=np.int64)
            flow[some] = answer.flow
            return ProvenFlow(flow, answer.left, answer.u, answer.v, answer.solves, answer.runs), prices, rest
        at_work |= helps


def prices_of(market: Market, u: Ints, v: Ints) -> tuple[Prices, tuple[int, ...]]:
    """Turn potentials into one price, as far as 64-bit integers go.

    Parameters
    ----------
    market
        The market.
    u, v
        Potentials, shapes (levels, demands) and (levels, supplies).

    Returns
    -------
    Prices under which every pair's reduced cost has the sign of its first level that is not zero, among the higher
    levels; and the rows of the lower ones that found no room.

    Notes
    -----
    A reduced cost at a level is at most as large as the largest cost and the largest potentials together. A weight
    above the sum of those of all lower levels, weighted, leaves the sign to the level itself.
    """
    sizes = [
        (0 if level.pairs is None else _largest(market, level.pairs))
        + int(np.abs(u[row]).max(initial=0))
        + int(np.abs(v[row]).max(initial=0))
        for row, level in enumerate(market.levels)
    ]
    kept = len(sizes)
    while True:
        weights: list[int] = []
        reach = 0
        for size in reversed(sizes[:kept]):
            weights.append(1 + reach)
            reach += weights[-1] * size
        if reach < SAFE or kept == 1:
            break
        kept -= 1
    weights.reverse()
    scalar_u, scalar_v = np.zeros(u.shape[1], dtype=np.int64), np.zeros(v.shape[1], dtype=np.int64)
    metric, others = 0, []
    for weight, level, of_demand, of_supply in zip(weights, market.levels, u, v, strict=False):
        scalar_u += weight * of_demand
        scalar_v += weight * of_supply
        if isinstance(level.pairs, Metric):
            metric += weight
        elif level.pairs is not None:
            others.append((weight, level.pairs))
    return Prices(metric, tuple(others), scalar_u, scalar_v), tuple(range(kept, len(sizes)))


def _largest(market: Market, costs: CostOfPairs) -> int:
    if isinstance(costs, Metric) and isinstance(market.arcs, PointArcs):
        return market.arcs.largest_metric()
    return costs.largest()


def _first_arcs(market: Market, near: Neighbours) -> tuple[Ints, Ints]:
    """Keys and metric of the pairs to start with: near ones, and all with a cost of their own."""
    width = len(market.supply)
    groups = [near.nearest(_NEAREST), *(level.pairs.listed() for level in market.levels if level.pairs is not None)]
    keys = distinct(np.concatenate([i * width + j for i, j in groups]))
    keep, metric = near.arcs.known(keys // width, keys % width)
    return keys[keep], metric[keep]


def _far_off(market: Market, helping: int) -> bool:
    """Whether a large market's near pairs are far from enough: most demands gain by as many others as a round adds."""
    n, m = len(market.demand), len(market.supply)
    return n + m > _REGION and helping * 2 > _ADDED * n


def _liked_in_parts(
    market: Market, points: PointArcs, solvers: Sequence[FlowSolver], options: Options, tally: Tally
) -> Found:
    """The pairs that the parts of a market, cut by place, nearly like when each is decided alone.

    What crosses a border is found afterwards, in the rounds of the whole.
    """
    liked = [Found(*np.zeros((4, 0), dtype=np.int64))]
    for demands, supplies in _cut(points):
        part = market.part(demands, supplies)
        answered = _in_rounds(part, cast("PointArcs", part.arcs), solvers, options, tally, to_nobody, _PART_ROUNDS)
        prices, _ = prices_of(part, answered.answer.u, answered.answer.v)
        reduced = prices.reduced(answered.demand_of, answered.supply_of, answered.metric)
        most = min(_WORKING * (len(demands) + len(supplies)), len(reduced))
        pick = np.argpartition(reduced, most - 1)[:most] if most else slice(0)
        ends = demands[answered.demand_of[pick]], supplies[answered.supply_of[pick]]
        liked.append(Found(*ends, answered.metric[pick], reduced[pick]))
    return Found.of(liked)


def _cut(points: PointArcs) -> Iterator[tuple[Ints, Ints]]:
    """Cut nodes into parts of equal size by place, again and again across the longest side; rows of each, sorted."""
    demands = points.demand_points.shape[1]
    where = np.concatenate([points.demand_points, points.supply_points], axis=1)
    parts = [np.arange(where.shape[1])]
    while len(parts) < _PARTS:
        halves = []
        for rows in parts:
            side = int(np.argmax(np.ptp(where[:, rows], axis=1)))
            order = np.argsort(where[side, rows], kind="stable")
            halves += [rows[order[: len(rows) // 2]], rows[order[len(rows) // 2 :]]]
        parts = halves
    for rows in parts:
        rows.sort()
        of_demand = np.searchsorted(rows, demands)
        if 0 < of_demand < len(rows):
            yield rows[:of_demand], rows[of_demand:] - demands


def _not_in(keys: Ints, wanted: Ints) -> Bools:
    if not len(keys):
        return np.ones(len(wanted), dtype=np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    missing: Bools = keys[at] != wanted
    return missing


def _later_sign(market: Market, answer: ProvenFlow, rest: Sequence[int], found: Found) -> Ints:
    """Sign of the reduced costs at the lower levels, where the price is zero; 1 elsewhere."""
    sign = np.ones(len(found.reduced), dtype=np.int64)
    tied = np.flatnonzero(found.reduced == 0)
    i, j, metric = found.demand_of[tied], found.supply_of[tied], found.metric[tied]
    rows = []
    for row in rest:
        costs = market.levels[row].pairs
        cost = np.zeros(len(tied), dtype=np.int64) if costs is None else costs.of(i, j, metric)
        rows.append(cost - answer.u[row, i] - answer.v[row, j])
    sign[tied] = lexicographic_sign(np.array(rows, dtype=np.int64).reshape(len(rows), len(tied)))
    return sign


def _best(found: Found, helps: Bools) -> Ints:
    """Rows of at most so many pairs of each demand, those that gain most first."""
    rows = np.flatnonzero(helps)
    rows = rows[np.lexsort((found.supply_of[rows], found.reduced[rows], found.demand_of[rows]))]
    return first_of_each(rows, found.demand_of, _ADDED)
