"""The narrow waist for what does not flow: columns that are used or not, opaque rows, levels in strict order.

    minimize, in strict order of ℓ,   constant^ℓ + Σ_c cost^ℓ_c·x_c, or constant^ℓ + the largest of cost^ℓ_c·x_c over c
    subject to                        lower ≤ A·x + B·[x > 0] ≤ upper,
                                      x_c ∈ {0} ∪ {least_c, least_c + step_c, …} up to most_c.

The columns are, in this order: the flow on each arc, what each demand is
served, what each supply gives, what is bought for some demands, and any more
that only count what the others do. The rows
that tie what is served and given to the flow are rows like others. The answer
that uses nothing at all satisfies every row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from aidmatch.arrays import Ints

__all__ = ["NO_LIMIT", "IntegerLevel", "IntegerProgram", "IntegerSolution", "RowKind", "Tree"]

#: Stands for no lower or no upper limit of a row.
NO_LIMIT: Final = 2**61


class RowKind(IntEnum):
    """What a row says, so that its multiplier can be told from others of the same node; the engine does not look."""

    #: Σ flow at a demand − what it is served = 0
    SERVED = 0
    #: Σ flow at a supply − what it gives = 0
    GIVEN = 1
    #: Σ load·flow at a supply ≤ what it can carry
    LOAD = 2
    #: least·[gives anything] − what it gives − shortfall ≤ 0; at one with pins, what is mended − what it gives ≤ 0
    SHORTFALL = 3
    #: [flow > 0] summed over the arcs of a group of supplies ≤ the shipments it may make
    SHIPMENTS = 4
    #: 1000·load − capacity·(share in per mille above the common one) ≤ capacity·(common share) − 1000·(load pinned)
    SHARE = 5
    #: load − over ≤ target − load pinned, at a supply
    OVER = 6
    #: Σ fen paid for a demand − price·what is bought for it = 0
    BOUGHT = 8
    #: Σ fen that a fund pays for the demands of a household ≤ its cap
    CAP = 9
    #: units asked·[met in full] − what a demand is served ≤ 0
    FULL = 10
    #: whether a group counts − what its demands are served ≤ 0
    GROUP = 11
    #: Σ flow of a component to a demand − units in a kit·kits put together for it = 0
    PART = 12
    #: the largest − cost·column ≥ 0, made by the engine for a level that asks for the largest
    LARGEST = 7
    #: coefficients of a supply's flow ≤ what no flow that it can carry exceeds, made by the engine for searches
    KNAPSACK = 13


@dataclass(frozen=True, slots=True)
class IntegerLevel:
    """One objective level.

    Parameters
    ----------
    cost
        Of a unit of each column, int64, shape (columns,).
    constant
        Added to the sum, or to the largest.
    largest
        Whether the value is the largest of the products, at least 0, instead of their sum.
    """

    cost: Ints
    constant: int
    largest: bool = False


@dataclass(frozen=True, slots=True)
class IntegerProgram:
    """What is decided, as integers.

    Parameters
    ----------
    least, most, step
        Values of each column but zero: from `least` up to `most` in steps; int64, shapes (columns,). The step divides
        both; with `most` 0 the column is 0.
    demand_of, supply_of
        Ends of the arcs, which are the first columns; int64, sorted by demand and then supply.
    demands, supplies
        Numbers of nodes; their columns follow those of the arcs.
    bought
        Number of columns that follow these and are decided, too: what is bought, or put together, for a demand.
    scale
        What multipliers are divided by: the larger the numbers in the rows, the finer it should be.
    row_start, row_column, row_coefficient
        The matrix A by rows: entries of row r are those from row_start[r] to row_start[r + 1].
    use_start, use_column, use_coefficient
        The matrix B in the same form: coefficients of whether a column is used.
    row_lower, row_upper
        Limits of each row; −`NO_LIMIT` and `NO_LIMIT` for none.
    row_kind, row_node
        What each row says (`RowKind`), and the demand, supply or group it says it of.
    levels
        From the highest to the lowest.
    """

    least: Ints
    most: Ints
    step: Ints
    demand_of: Ints
    supply_of: Ints
    demands: int
    supplies: int
    row_start: Ints
    row_column: Ints
    row_coefficient: Ints
    use_start: Ints
    use_column: Ints
    use_coefficient: Ints
    row_lower: Ints
    row_upper: Ints
    row_kind: Ints
    row_node: Ints
    levels: tuple[IntegerLevel, ...]
    bought: int = 0
    scale: int = 2**20


@dataclass(frozen=True, slots=True)
class Tree:
    """Proof of a bound at one level of one component: cases that leave nothing out, with multipliers for each.

    A case is a list of limits on columns; splitting a case always splits one column's values in two at a threshold.

    Parameters
    ----------
    rows
        Rows of the program, or of the component, that have multipliers.
    kind, node
        What these rows say.
    multipliers
        Of those rows in each leaf, int64 over `scale`, shape (leaves, rows). A positive one works on the lower limit of
        its row, a negative one on the upper.
    above
        Of the budgets of the levels above, int64 ≥ 0 over `scale`, shape (leaves, levels above).
    column, threshold, below, over
        The inner nodes, the root first: a column, and the node for values up to the threshold and for those above it;
        nodes ≥ 0 are inner nodes, −1 − leaf are leaves. Without inner nodes there is one leaf.
    packed
        Rows of what supplies give, or in a solution the supplies, that are kept whole: what each gives, and on which
        pairs, is one choice at least cost, within what it has in stock or, where pairs count once, can carry.
    scale
        What multipliers are divided by.
    """

    rows: Ints
    kind: Ints
    node: Ints
    multipliers: Ints
    above: Ints
    column: Ints
    threshold: Ints
    below: Ints
    over: Ints
    packed: Ints
    scale: int


@dataclass(frozen=True, slots=True)
class IntegerSolution:
    """A feasible, checked answer with what is proven of it.

    Parameters
    ----------
    values
        Of each column, int64.
    level_values, certified, claimed
        Of each level: its value, the bound that follows from `trees` in exact integers, and what the solver says the
        bound is. A bound holds among answers that are, on every level above, at least as good.
    trees
        For each level, the proof of each component that was decided by integers.
    component
        Component of each column; −1 for columns that no row holds.
    solves
        Searches that the solver was asked for.
    stopped
        Whether the time was over before every level was proven, claimed or certified.
    """

    values: Ints
    level_values: tuple[int, ...]
    certified: tuple[int, ...]
    claimed: tuple[int, ...]
    trees: tuple[tuple[Tree, ...], ...]
    component: Ints
    solves: int
    stopped: bool
