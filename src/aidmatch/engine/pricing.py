"""All pairs without all arcs: a market decided over near pairs, and those that its own prices show to be missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from aidmatch.arrays import SAFE, Bools, Ints, distinct
from aidmatch.certificate import lexicographic_sign
from aidmatch.engine.components import Tally, solve_components
from aidmatch.engine.levels import ProvenFlow
from aidmatch.engine.neighbours import Found, Neighbours, Prices
from aidmatch.engine.options import Options
from aidmatch.formulation.arcs import PointArcs
from aidmatch.pair_costs import CostOfPairs, Metric
from aidmatch.program import Market
from aidmatch.solvers.network import FlowSolver

__all__ = ["Priced", "prices_of", "solve_pairs"]

#: Partners of each node that a market starts with, out of each eligibility group.
_NEAREST: Final = 8
#: Missing pairs of a demand that are added in a round.
_ADDED: Final = 8
#: Blocks of supplies that the first search looks at for a block of demands; four times as many in each that follows.
_BLOCKS: Final = 6


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
    width = len(market.supply)
    near = Neighbours(market.arcs)
    keys, metric = _first_arcs(market, near)
    blocks: int | None = _BLOCKS
    rounds = 0
    while True:
        rounds += 1
        arcs = keys // width, keys % width, metric
        answer = solve_components(market.program(*arcs), solvers, options, tally)
        prices, rest = prices_of(market, answer.u, answer.v)
        while True:
            found = near.search(prices, most=None if blocks is None else _ADDED, blocks=blocks)
            missing = found.part(_not_in(keys, found.demand_of * width + found.supply_of))
            helps = missing.reduced < 0
            if blocks is None and rest:
                helps |= _later_sign(market, answer, rest, missing) < 0
            report(rounds, len(keys), int(helps.sum()))
            if blocks is None or helps.sum() * 20 > len(market.demand):
                break
            # hardly anybody gains there any more: look further before the next solve
            blocks = None
        done = blocks is None and not helps.any()
        if done and rest:
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
    demand = found.demand_of[rows]
    place = np.arange(len(rows)) - np.searchsorted(demand, demand)
    return rows[place < _ADDED]
