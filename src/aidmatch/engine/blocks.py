"""Blocks of a large component: columns that only few rows tie to others, such as those of one kind of goods.

A donor's shipments, or a fund, tie the kinds, but each kind is tied far more to
itself. A block is searched while all others stay what they are, and what a row
that several blocks share has left goes to one of them, so that blocks can be
searched at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from aidmatch.arrays import Bools, Ints
from aidmatch.integer_program import IntegerProgram

__all__ = ["Split", "blocks_of", "numbers_of", "shared_out"]

#: Part of a component's columns from which on a row is no tie of a block, one after the other, as long as these are few
#: of the rows; and most of the columns in one block.
TIES: Final = (0.2, 0.02, 0.005, 0.002, 0.001)
FEW_ROWS: Final = 0.01
MOST_IN_BLOCK: Final = 0.5


@dataclass(frozen=True, slots=True)
class Split:
    """Cases of a block that a level above was proven by.

    Parameters
    ----------
    block
        Number of the block.
    nodes
        Column, threshold, and the node for values up to it and above it, as in `Tree`.
    """

    block: int
    nodes: tuple[tuple[int, int, int, int], ...] = ()


def blocks_of(program: IntegerProgram) -> list[Ints]:
    """Columns of each block.

    Parameters
    ----------
    program
        A component.

    Returns
    -------
    Ascending columns of each block of more than one; none at all if rows tie most columns whatever is let go.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    columns = len(program.most)
    row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
    sizes = np.diff(program.row_start)
    together = np.diff(program.use_start) > 1
    for share in TIES:
        # rows that tie much are no ties: what is used together, and what much is in, such as a fund
        large = sizes > share * columns
        if large.sum() > FEW_ROWS * len(sizes):
            break
        held = ~(together | large)[row]
        graph = csr_array(
            (np.ones(int(held.sum()), dtype=np.int8), (program.row_column[held], columns + row[held])),
            (columns + len(program.row_kind),) * 2,
        )
        _, label = connected_components(graph, directed=False)
        label = label[:columns]
        members = np.bincount(label)
        if members.max() <= MOST_IN_BLOCK * columns:
            return [np.flatnonzero(label == one) for one in np.flatnonzero(members > 1).tolist()]
    return []


def shared_out(program: IntegerProgram, blocks: Sequence[Ints]) -> list[Bools]:
    """Rows of which each block may use what others leave: those that no block before it is in.

    Parameters
    ----------
    program
        A component.
    blocks
        Disjoint columns; who comes first is served first.

    Returns
    -------
    For each block, shape (rows,).
    """
    _, first, _ = numbers_of(program, blocks)
    return [first == number for number in range(len(blocks))]


def numbers_of(program: IntegerProgram, blocks: Sequence[Ints]) -> tuple[Ints, Ints, Ints]:
    """Which block each column is of, and which are in each row.

    Parameters
    ----------
    program
        A component.
    blocks
        Disjoint columns.

    Returns
    -------
    Number of the block of each column, as many as there are blocks for none; the lowest and the highest number in each
    row, which are the same where a block is alone in it.
    """
    of = np.full(len(program.most), len(blocks))
    for number, columns in enumerate(blocks):
        of[columns] = number
    first, last = np.full(len(program.row_kind), len(blocks)), np.zeros(len(program.row_kind), dtype=np.int64)
    for start, column in ((program.row_start, program.row_column), (program.use_start, program.use_column)):
        row = np.repeat(np.arange(len(start) - 1), np.diff(start))
        np.minimum.at(first, row, of[column])
        np.maximum.at(last, row, of[column])
    return of, first, last
