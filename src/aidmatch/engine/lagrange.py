"""Better multipliers for rows that are kept whole: the subgradient method.

A row of loads that is kept whole instead of being moved into the objective
makes each supply's pairs a knapsack problem, whose optimum bounds more tightly
than a linear relaxation can. What the multipliers of the other rows should then
be is found by subgradient steps (Held, Wolfe and Crowder 1974, with Polyak's
step length; for generalized assignment Fisher 1981). Nothing rests on it: the
bound is computed again from whatever multipliers come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from aidmatch.arrays import Bools, Floats, Ints, first_of_each
from aidmatch.engine.gathered import Gathered, gathered
from aidmatch.integer_program import NO_LIMIT, IntegerProgram, RowKind

__all__ = ["cheapest_of_each_load", "filled", "packable", "raised_multipliers", "work_of"]

#: Largest capacity that is kept whole.
CAPACITY: Final = 100_000
#: Rows that a packed supply keeps whole.
_KEPT: Final = (RowKind.GIVEN, RowKind.LOAD, RowKind.SHORTFALL)
#: Steps without a better bound before the step length is halved.
PATIENCE: Final = 15


def packable(program: IntegerProgram) -> Ints:
    """Rows of what supplies give whose pairs are used once at most, and not charged for their use.

    Parameters
    ----------
    program
        A component.
    """
    charged = np.zeros(len(program.most), dtype=np.bool_)
    charged[program.use_column[program.use_column < len(program.demand_of)]] = True
    capacity = {
        int(program.row_node[row]): int(program.row_upper[row])
        for row in np.flatnonzero(program.row_kind == RowKind.LOAD).tolist()
    }
    rows = [
        row
        for row in np.flatnonzero(program.row_kind == RowKind.GIVEN).tolist()
        if capacity.get(int(program.row_node[row]), 0) <= CAPACITY and not _any_but_once(program, row, charged)
    ]
    return np.array(rows, dtype=np.int64)


def work_of(program: IntegerProgram, rows: Ints) -> float:
    """Numbers that keeping supplies whole once touches at most.

    Parameters
    ----------
    program
        A component.
    rows
        Rows of what the supplies give.
    """
    work = 0.0
    for one in gathered(program, rows):
        free = one.short < 0 and one.least <= 1 and all(level.cost[one.given] == 0 for level in program.levels)
        # a number of pairs that limits nothing and costs nothing is not told
        numbers = 1 if free and one.most >= one.fitting else min(one.most, one.fitting) + 1
        work += float(len(one.arcs)) * numbers * (one.capacity + 1)
    return work


def cheapest_of_each_load(items: Ints, price: Floats | Ints, load: Ints, most: int) -> Ints:
    """Of some pairs, those of each load that may be chosen where no more than so many are chosen at all."""
    return first_of_each(items[np.lexsort((price[items], load[items]))], load, most)


def _any_but_once(program: IntegerProgram, row: int, charged: Bools) -> bool:
    entries = slice(int(program.row_start[row]), int(program.row_start[row + 1]))
    columns, coefficients = program.row_column[entries], program.row_coefficient[entries]
    pairs = columns < len(program.demand_of)
    # what a pair gives is one unit, and nothing but pairs gives
    if (coefficients[pairs] != 1).any() or coefficients[~pairs].tolist() != [-1]:
        return True
    columns = columns[pairs]
    once = (program.most[columns] <= 1) & (program.step[columns] == 1) & ~charged[columns]
    return bool((~once).any())


def raised_multipliers(
    program: IntegerProgram,
    cost: Floats,
    y: Floats,
    packed: Ints,
    low: Ints,
    high: Ints,
    target: float,
    steps: int,
) -> Floats:
    """Multipliers with a higher bound, if some are found.

    Parameters
    ----------
    program
        A component.
    cost
        Of each column, with the levels above weighed in.
    y
        Multipliers to begin with, one a row; those of rows that packed supplies keep whole are 0.
    packed
        Rows that are kept whole.
    low, high
        Limits on the columns.
    target
        The bound that is hoped for, without what is constant.
    steps
        How many to take.

    Returns
    -------
    One a row.
    """
    rows = len(y)
    row_of = np.repeat(np.arange(rows), np.diff(program.row_start))
    use_row = np.repeat(np.arange(rows), np.diff(program.use_start))
    whole = np.zeros(rows, dtype=np.bool_)
    whole[packed] = True
    equal = program.row_lower == program.row_upper
    # what a supply gives in all has no price here unless the relaxation gave it one
    equal &= (program.row_kind != RowKind.GIVEN) | (y != 0)
    whole[np.isin(program.row_node, program.row_node[packed]) & np.isin(program.row_kind, _KEPT)] = True
    knapsacks = list(gathered(program, packed))
    first, last = np.maximum(program.least, low).astype(float), np.minimum(program.most, high).astype(float)
    must = low > 0
    best, best_bound, stalled, length = y.copy(), -np.inf, 0, 1.0
    for _ in range(steps):
        price = cost - np.bincount(program.row_column, weights=y[row_of] * program.row_coefficient, minlength=len(cost))
        fee = -np.bincount(program.use_column, weights=y[use_row] * program.use_coefficient, minlength=len(cost))
        x = np.where(price < 0, last, first)
        worth = fee + price * x
        x[(last < first) | (~must & (worth >= 0))] = 0.0
        for one in knapsacks:
            _decide(one, x, price, fee.astype(float), must, last > 0, low, high)
        active = np.where(equal | (y > 0), program.row_lower, program.row_upper).astype(float)
        active[(y == 0) & ~equal] = 0.0
        bound = float(price @ x + fee @ (x > 0) + y @ active)
        if bound > best_bound + 1e-9:
            best, best_bound, stalled = y.copy(), bound, 0
        else:
            stalled += 1
            if stalled >= PATIENCE:
                stalled, length, y = 0, length / 2, best.copy()
                if length < 1e-3:
                    break
                continue
        if best_bound >= target - 1e-6:
            break
        activity = np.bincount(row_of, weights=program.row_coefficient * x[program.row_column], minlength=rows)
        activity += np.bincount(use_row, weights=program.use_coefficient * (x[program.use_column] > 0), minlength=rows)
        slope = np.where(whole, 0.0, np.where(equal | (y != 0), active - activity, 0.0))
        over = (
            (y == 0)
            & ~equal
            & ~whole
            & (program.row_lower <= -NO_LIMIT)
            & (program.row_upper < NO_LIMIT)
            & (activity > program.row_upper)
        )
        slope[over] = (program.row_upper - activity)[over]
        size = float(slope @ slope)
        if size == 0:
            break
        y = y + length * max(target - bound, 1e-3) / size * slope
        y[~equal & (program.row_lower <= -NO_LIMIT)] = np.minimum(y[~equal & (program.row_lower <= -NO_LIMIT)], 0)
    return best


def _decide(
    one: Gathered, x: Floats, price: Floats, fee: Floats, must: Bools, may: Bools, low: Ints, high: Ints
) -> None:
    """Put the cheapest choice of a supply into an answer."""
    arcs = one.arcs
    tail = one.tail(price, fee, low, high)
    x[arcs] = filled(price[arcs], one.load, one.capacity, must[arcs], may[arcs], tail)
    number = int(x[arcs].sum())
    x[one.given] = number
    if one.short >= 0:
        x[one.short] = one.shortfall(number, price[one.short])


def filled(price: Floats, load: Ints, capacity: int, must: Bools, may: Bools, tail: Sequence[float | None]) -> Floats:
    """The cheapest choice of pairs whose loads fit together, with what their number costs.

    Parameters
    ----------
    price, load
        Of each pair.
    capacity
        What the loads may add up to.
    must, may
        Pairs that are chosen in any case, and that may be.
    tail
        What each number of pairs costs, from none on; None for one that may not be.

    Returns
    -------
    1 for each pair that is chosen, 0 for the others; those that must be where no choice fits.

    Notes
    -----
    By dynamic programming over loads, and over numbers where these matter: numbers of as many entries as there are
    pairs to choose from, loads and, where they matter, numbers.
    """
    chosen = must.astype(float)
    capacity -= int(load[must].sum())
    rest = tail[int(must.sum()) :]
    if capacity < 0 or all(one is None for one in rest):
        return chosen
    counted = any(one != rest[0] for one in rest)
    items = np.flatnonzero(may & ~must & (load <= capacity) & ((price < 0) | counted))
    if counted:
        most = max(number for number, one in enumerate(rest) if one is not None)
        items = cheapest_of_each_load(items, price, load, most)
        rest = rest[: most + 1]
    deep = len(rest) if counted else 1
    unit = max(1, int(np.gcd.reduce(load[items], initial=0)))
    width = capacity // unit + 1
    best = np.full((deep, width), np.inf)
    best[0] = 0.0
    taken = np.zeros((len(items), deep, width), dtype=np.bool_)
    for number, item in enumerate(items.tolist()):
        weight = int(load[item]) // unit
        below = best[:-1, : width - weight] if counted else best[:, : width - weight]
        here = best[1:, weight:] if counted else best[:, weight:]
        other = below + price[item]
        better = other < here
        (taken[number, 1:, weight:] if counted else taken[number, :, weight:])[...] = better
        here[...] = np.where(better, other, here)
    ends = [np.inf if one is None else float(best[k if counted else 0, -1]) + one for k, one in enumerate(rest)]
    count, room = (int(np.argmin(ends)) if counted else 0), width - 1
    for number in range(len(items) - 1, -1, -1):
        if taken[number, count, room]:
            chosen[items[number]] = 1.0
            room -= int(load[items[number]]) // unit
            count -= counted
    return chosen
