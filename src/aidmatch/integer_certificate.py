"""What proves the bounds of a matching that was decided by integers.

Demands, supplies and groups of supplies are numbered as they stand sorted by
id. Each component of each level has a tree of cases (`integer_program.Tree`)
with multipliers for what the rows say (`integer_program.RowKind`). Whoever
states these rows anew from the records gets a bound from any multipliers, by
one exact choice for each pair, demand and supply; so a certificate can be weak,
but not wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aidmatch.certificate import Rows

__all__ = ["IntegerCertificate", "TreeProof"]


@dataclass(frozen=True, eq=False)
class TreeProof:
    """The proof of one level of one component.

    Parameters
    ----------
    component
        Its number.
    rows
        Kind and node of each row with a multiplier, shape (rows, 2).
    multipliers
        Over `scale`, shape (leaves, rows): a positive one works on the lower limit of its row.
    above
        Multipliers ≥ 0 of what the levels above may be, shape (leaves, levels above).
    splits
        Inner nodes: demand, supply, threshold, and the node for values up to it and above it; −1 − leaf for a leaf.
        Where the column is of the demand or the supply alone, the other is −1; for what is bought for the demand the
        supply is −2, for kits put together for it −3. Funds are supplies after the others. Shape (inner nodes, 5).
    packed
        Supplies whose loads, or stock, are kept whole: the pairs of each are chosen together; shape (supplies, 1).
    scale
        What multipliers are divided by.
    """

    component: int
    rows: Rows
    multipliers: Rows
    above: Rows
    splits: Rows
    packed: Rows
    scale: int


@dataclass(frozen=True, eq=False)
class IntegerCertificate:
    """The proofs of all levels.

    Parameters
    ----------
    demand_component, supply_component
        Component of each demand and supply, one row a node; −1 where no pair can be.
    levels
        Trees of each level, one a component.
    """

    demand_component: Rows
    supply_component: Rows
    levels: tuple[tuple[TreeProof, ...], ...]
    version: Literal[1] = 1
