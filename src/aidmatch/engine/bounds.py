"""Bounds of integer programs from multipliers, in exact integers.

A row with a multiplier moves into the objective; what is left is one choice a
column, made exactly. Any multipliers whatever give a bound that holds, so that
those of a solver's floating-point relaxation need only be rounded. (Weak
Lagrangian duality; Geoffrion 1974.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from aidmatch.arrays import Ints, entries_of, first_of_each
from aidmatch.engine.gathered import gathered
from aidmatch.engine.lots import Lots, is_lot
from aidmatch.engine.values import activity_of
from aidmatch.integer_program import IntegerLevel, IntegerProgram, Tree

__all__ = [
    "INFEASIBLE",
    "MOST",
    "bound_of",
    "excess_of",
    "face_of",
    "halves",
    "hang",
    "leaf_bound",
    "least_cost",
    "leaves_of",
    "prices_of",
    "spent_of",
]

#: The largest multiplier over the scale: it fits 64 bits. Where money is in the rows, the scale is fine, and a unit of
#: a level above may be worth half a million metres.
MOST: Final = 2.0**62
#: The bound of a case that nothing satisfies.
INFEASIBLE: Final = 2**200

_Exact = npt.NDArray[Any]


def exact(size: float, *arrays: Ints) -> list[_Exact]:
    """The arrays as they are if numbers of some size fit 64 bits, else of Python integers."""
    return [array if size < 2**61 else array.astype(object) for array in arrays]


def least_cost(cost: _Exact, use: _Exact, program: IntegerProgram, low: Ints, high: Ints) -> _Exact:
    """Least cost of each column by itself.

    Parameters
    ----------
    cost, use
        Of a unit, and of using the column at all.
    program
        Has the columns' values.
    low, high
        What limits them further.

    Returns
    -------
    One entry a column; `INFEASIBLE` stands in none, see `leaf_bound`.
    """
    step = program.step
    first = np.maximum(program.least, -(-low // step) * step)
    last = np.minimum(program.most, high // step * step)
    both = use + np.minimum(cost * first, cost * last)
    zero = low <= 0
    return np.where(zero & (last >= first), np.minimum(both, 0), np.where(zero, 0, both))


def _no_value(program: IntegerProgram, low: Ints, high: Ints) -> bool:
    step = program.step
    first = np.maximum(program.least, -(-low // step) * step)
    last = np.minimum(program.most, high // step * step)
    return bool(((low > 0) & (last < first)).any() or (high < 0).any())


def leaves_of(tree: Tree, most: Ints) -> Iterator[tuple[int, Ints, Ints]]:
    """Every leaf of a tree with the limits that lead to it."""
    stack = [(0 if len(tree.column) else -1, np.zeros_like(most), most)]
    while stack:
        node, low, high = stack.pop()
        if node < 0:
            yield -1 - node, low, high
            continue
        column, threshold = int(tree.column[node]), int(tree.threshold[node])
        less, more = halves(low, high, column, threshold)
        stack += [(int(tree.over[node]), *more), (int(tree.below[node]), *less)]


def halves(low: Ints, high: Ints, column: int, threshold: int) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Limits of the part of a case up to a threshold of a column, and of the part above it."""
    less, more = high.copy(), low.copy()
    less[column], more[column] = min(high[column], threshold), max(low[column], threshold + 1)
    return (low, less), (more, high)


def hang(nodes: list[tuple[int, int, int, int]], place: tuple[int, int] | None, node: int) -> None:
    """Let a node, or a leaf, follow another: its number and the side, 0 up to the threshold and 1 above."""
    if place is None:
        return
    parent, side = place
    column, threshold, below, over = nodes[parent]
    nodes[parent] = (column, threshold, node, over) if side == 0 else (column, threshold, below, node)


def leaf_bound(
    program: IntegerProgram,
    level: IntegerLevel,
    budgets: Sequence[tuple[IntegerLevel, int]],
    rows: Ints,
    multipliers: Ints,
    above: Ints,
    packed: Ints,
    scale: int,
    low: Ints,
    high: Ints,
) -> int:
    """Bound of one case.

    Parameters
    ----------
    program
        The program, or a component of it.
    level
        What is minimized; of one that asks for the largest, the cost must have been weighted already.
    budgets
        The levels above, each with the most it may be.
    rows, multipliers, above, packed, scale
        As in `Tree`, of one leaf.
    low, high
        Limits on the columns.

    Returns
    -------
    The bound, a whole number.
    """
    if _no_value(program, low, high):
        return INFEASIBLE
    cost, use, whole = prices_of(program, level, budgets, rows, multipliers, above, scale)
    each = least_cost(cost, use, program, low, high)
    alone = np.ones(len(each), dtype=np.bool_)
    of_lots = is_lot(program, packed)
    if of_lots.any():
        lots = Lots(program, packed[of_lots])
        alone[lots.arcs] = alone[lots.given] = False
        least = lots.least(cost, use, low, high)
        if least is None:
            return INFEASIBLE
        whole += sum(least)
    for one in gathered(program, packed[~of_lots]):
        alone[one.arcs] = alone[one.given] = False
        if one.short >= 0:
            alone[one.short] = False
        tail = one.tail(cost, use, low, high)
        whole += _packed(cost[one.arcs], one.load, one.capacity, low[one.arcs], high[one.arcs], tail)
        if whole >= INFEASIBLE:
            return INFEASIBLE
    whole += sum(each[alone].tolist())
    return int(-(-whole // scale))


def prices_of(
    program: IntegerProgram,
    level: IntegerLevel,
    budgets: Sequence[tuple[IntegerLevel, int]],
    rows: Ints,
    multipliers: Ints,
    above: Ints,
    scale: int,
) -> tuple[_Exact, _Exact, int]:
    """What columns cost with rows in the objective.

    Parameters
    ----------
    program, level, budgets, rows, multipliers, above, scale
        As `leaf_bound`.

    Returns
    -------
    What a unit of each column costs, what its use costs, and what is left of the rows; all over the scale.
    """
    columns = len(program.most)
    # rows without a multiplier, which may be most, have no say
    rows, y = rows[multipliers != 0], multipliers[multipliers != 0]
    parts = []
    for start, column, coefficient in (
        (program.row_start, program.row_column, program.row_coefficient),
        (program.use_start, program.use_column, program.use_coefficient),
    ):
        entries, row = entries_of(start, rows)
        parts.append((column[entries], coefficient[entries], y[row]))
    size = _size(program, level, budgets, parts, above, scale)
    level_cost = exact(size, level.cost)[0]
    cost = level_cost * scale
    whole = level.constant * scale
    for (higher, budget), weight in zip(budgets, above.tolist(), strict=True):
        if weight:
            cost = cost + weight * exact(size, higher.cost)[0]
            whole += weight * (higher.constant - budget)
    use = np.zeros(columns, dtype=cost.dtype)
    for of, (column, *factors) in zip((cost, use), parts, strict=True):
        coefficient, weights = exact(size, *factors)
        np.subtract.at(of, column, weights * coefficient)
    for limits, sign in ((program.row_lower, 1), (program.row_upper, -1)):
        used = np.sign(y) == sign
        whole += sum(a * b for a, b in zip(y[used].tolist(), limits[rows[used]].tolist(), strict=True))
    return cost, use, whole


def face_of(program: IntegerProgram, excess: tuple[_Exact, _Exact, int], scale: int, value: int) -> tuple[Ints, Ints]:
    """Limits that every answer keeps that is at least as good as some value, by reduced costs.

    Parameters
    ----------
    program
        Has the columns' values.
    excess
        As `excess_of` gives it, over the scale.
    scale
        Of the tree.
    value
        Of the level.

    Returns
    -------
    The least and the most of each column.
    """
    low, high = np.zeros_like(program.most), program.most.copy()
    more, less, bound = excess
    slack = value * scale - bound
    never = more > slack
    always = (less > slack) & (program.most > 0)
    high[never] = 0
    low[always] = program.least[always]
    return low, high


def excess_of(
    program: IntegerProgram, level: IntegerLevel, budgets: Sequence[tuple[IntegerLevel, int]], tree: Tree
) -> tuple[_Exact, _Exact, int]:
    """How far above the bound every answer is that uses a column, or that does not.

    Parameters
    ----------
    program, level, budgets
        As `leaf_bound`.
    tree
        A tree of one leaf.

    Returns
    -------
    For each column, the least by which an answer is above the bound that uses it, and that does not; and the bound. All
    are over the tree's scale.
    """
    low, high = np.zeros_like(program.most), program.most
    cost, use, whole = prices_of(program, level, budgets, tree.rows, tree.multipliers[0], tree.above[0], tree.scale)
    each = least_cost(cost, use, program, low, high)
    used = use + np.minimum(cost * program.least, cost * program.most)
    return used - each, -each, whole + sum(each.tolist())


def spent_of(
    program: IntegerProgram,
    level: IntegerLevel,
    budgets: Sequence[tuple[IntegerLevel, int]],
    tree: Tree,
    values: Ints,
) -> tuple[_Exact, _Exact]:
    """How far an answer is above a bound, by columns and by rows.

    Parameters
    ----------
    program, level, budgets
        As `leaf_bound`.
    tree
        A tree of one leaf, with nothing kept whole.
    values
        Of each column.

    Returns
    -------
    How far each column is above its least cost, and what each row that has a multiplier leaves, at that; all at least
    0, over the tree's scale. With what the levels above leave, they add up to the gap.
    """
    cost, use, _ = prices_of(program, level, budgets, tree.rows, tree.multipliers[0], tree.above[0], tree.scale)
    each = least_cost(cost, use, program, np.zeros_like(program.most), program.most)
    by_column: _Exact = cost * values + use * (values > 0) - each
    y = tree.multipliers[0].astype(object)
    limit = np.where(tree.multipliers[0] > 0, program.row_lower[tree.rows], program.row_upper[tree.rows])
    by_row = np.zeros(len(program.row_kind), dtype=object)
    by_row[tree.rows] = np.where(tree.multipliers[0] == 0, 0, y * (activity_of(program, values)[tree.rows] - limit))
    return by_column, by_row


def _packed(cost: _Exact, load: Ints, capacity: int, low: Ints, high: Ints, tail: Sequence[int | None]) -> int:
    """Least cost of columns of 0 or 1 whose loads stay within a capacity, with what their number costs.

    By dynamic programming over loads, and over numbers where these matter.
    """
    fixed = low > 0
    before = int(fixed.sum())
    base = sum(cost[fixed].tolist())
    capacity -= int(load[fixed].sum())
    rest = tail[before:]
    if capacity < 0 or all(one is None for one in rest):
        return INFEASIBLE
    counted = any(one != rest[0] for one in rest)
    free = np.flatnonzero(~fixed & (high > 0) & (load <= capacity))
    most = max(number for number, one in enumerate(rest) if one is not None)
    if not counted:
        free = free[cost[free] < 0]
    else:
        # of one load, no more than may be taken at all, the cheapest
        order = np.array(sorted(free.tolist(), key=lambda item: (int(load[item]), cost[item])), dtype=np.int64)
        free = first_of_each(order, load, most)
    unit = max(1, int(np.gcd.reduce(load[free], initial=0)))
    width = capacity // unit + 1
    if not counted:
        best = np.zeros(width, dtype=cost.dtype)
        for item in free.tolist():
            weight, price = int(load[item]) // unit, cost[item]
            if weight == 0:
                best = best + price
            else:
                best[weight:] = np.minimum(best[weight:], best[: width - weight] + price)
        return int(base + best[-1] + cast("int", rest[0]))
    never = INFEASIBLE if cost.dtype == object else 2**61
    table = np.full((most + 1, width), never, dtype=cost.dtype)
    table[0] = 0
    for item in free.tolist():
        weight, price = int(load[item]) // unit, cost[item]
        table[1:, weight:] = np.minimum(table[1:, weight:], table[:-1, : width - weight] + price)
    lightest = np.append(0, np.cumsum(np.sort(load[free])))
    ends = [
        int(reached) + one
        for number, (reached, one) in enumerate(zip(table[:, -1].tolist(), rest, strict=False))
        if one is not None and number < len(lightest) and lightest[number] <= capacity
    ]
    return int(base + min(ends)) if ends else INFEASIBLE


def _size(
    program: IntegerProgram,
    level: IntegerLevel,
    budgets: Sequence[tuple[IntegerLevel, int]],
    parts: Sequence[tuple[Ints, Ints, Ints]],
    above: Ints,
    scale: int,
) -> float:
    """No smaller than any number that a bound meets before the last sum; parts are columns with two factors each."""
    per_column = float(np.abs(level.cost).max(initial=0)) * scale
    per_column += sum(
        weight * float(np.abs(higher.cost).max(initial=0))
        for (higher, _), weight in zip(budgets, above.tolist(), strict=True)
        if weight
    )
    entries = np.zeros(len(program.most))
    for column, coefficient, weights in parts:
        np.add.at(entries, column, np.abs(weights.astype(float) * coefficient))
    return float((per_column + entries.max(initial=0)) * (program.most.max(initial=0) + 2.0))


def bound_of(
    program: IntegerProgram, level: IntegerLevel, budgets: Sequence[tuple[IntegerLevel, int]], tree: Tree
) -> int:
    """Bound that a tree proves: the least of its leaves.

    Parameters
    ----------
    program, level, budgets
        As `leaf_bound`; of a level that asks for the largest, as it is.
    tree
        The tree.
    """
    return min(
        leaf_bound(
            program,
            level,
            budgets,
            tree.rows,
            tree.multipliers[leaf],
            tree.above[leaf],
            tree.packed,
            tree.scale,
            low,
            high,
        )
        for leaf, low, high in leaves_of(tree, program.most)
    )
