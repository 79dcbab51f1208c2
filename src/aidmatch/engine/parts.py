"""Connected components of an integer program: each a program of its own, with what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np

from aidmatch.arrays import Ints, entries_of, rows_of
from aidmatch.engine.blocks import Split, blocks_of
from aidmatch.engine.insertion import Insertion
from aidmatch.engine.lots import whole_lots
from aidmatch.engine.relaxations import Relaxations
from aidmatch.engine.rounding import Rounding
from aidmatch.integer_program import IntegerLevel, IntegerProgram, Tree

__all__ = ["Part", "parts_of", "without_others"]

#: Columns of a component above which it is large.
SMALL: Final = 3_000
#: The same where every supply is a knapsack, which splits into cases less well.
SACKS: Final = 1_200


@dataclass
class Part:
    """A connected component: its program, its columns and rows in the whole, and what is known of it."""

    program: IntegerProgram
    columns: Ints
    rows: Ints
    values: Ints
    #: how many of its columns are decided, and not only count what others do; they come first
    named: int
    #: limits that every answer keeps that is as good on the levels above
    low: Ints
    high: Ints
    #: of each level so far: value, certified and claimed bound, and the proof
    reached: list[int] = field(default_factory=list)
    certified: list[int] = field(default_factory=list)
    claimed: list[int] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)
    #: what each level so far may be for those below: the value, or that of all components where the largest counts
    budgets: list[int] = field(default_factory=list)
    #: whether every supply is a knapsack, and is decided as one
    sacks: bool = False
    #: rows that every answer keeps anyway: supplies, where each begins, columns, coefficients and limits
    kept: tuple[Ints, Ints, Ints, Ints, Ints] | None = None
    relaxations: Relaxations | None = None
    #: what the relaxation of all levels has whole
    rounding: Rounding | None = None
    #: the block that bounds split, and its cases at the last level that did
    split: Split | None = None

    @property
    def knapsacks(self) -> bool:
        """Whether supplies are decided as knapsacks, or by facets."""
        return self.sacks or self.kept is not None

    @property
    def large(self) -> bool:
        """Whether it is searched by parts, and not split into cases."""
        return len(self.columns) > (SACKS if self.sacks else SMALL)

    @cached_property
    def insertion(self) -> Insertion:
        """Adds to what is known."""
        return Insertion(self.program)

    @cached_property
    def whole_lots(self) -> Ints:
        """Rows of lots that a bound keeps whole."""
        return whole_lots(self.program) if self.large else np.zeros(0, dtype=np.int64)

    @cached_property
    def blocks(self) -> list[Ints]:
        """What only few rows tie to the rest."""
        return blocks_of(self.program)

    def exported(self, row: int) -> Tree:
        """The proof of a level, with the columns of the whole, and the nodes of packed rows."""
        tree = self.trees[row]
        return replace(tree, column=self.columns[tree.column], packed=self.program.row_node[tree.packed])


def parts_of(program: IntegerProgram) -> tuple[list[Part], Ints]:
    """The connected components that can be anything but zero, and the component of each column."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    columns, rows = len(program.most), len(program.row_kind)
    entry_row = np.concatenate(
        [np.repeat(np.arange(rows), np.diff(start)) for start in (program.row_start, program.use_start)]
    )
    entry_column = np.concatenate([program.row_column, program.use_column])
    graph = csr_array(
        (np.ones(len(entry_row), dtype=np.int8), (entry_column, entry_row + columns)), (columns + rows,) * 2
    )
    count, label = connected_components(graph, directed=False)
    label = label.astype(np.int64)
    live = np.zeros(count, dtype=np.bool_)
    live[label[: len(program.demand_of)]] = True
    number = np.where(live, np.cumsum(live) - 1, -1)
    component = number[label[:columns]]
    row_component = number[label[columns:]]
    of_column, of_row = rows_of(component, int(live.sum())), rows_of(row_component, int(live.sum()))
    parts = []
    place = np.zeros(columns, dtype=np.int64)
    for inside, held in zip(of_column, of_row, strict=True):
        place[inside] = np.arange(len(inside))
        part = _cut(program, inside, held, place)
        named = len(program.demand_of) + program.demands + program.supplies + program.bought
        parts.append(
            Part(
                part,
                inside,
                held,
                np.zeros(len(inside), dtype=np.int64),
                int(np.searchsorted(inside, named)),
                np.zeros(len(inside), dtype=np.int64),
                part.most.copy(),
            )
        )
    return parts, component


def _cut(program: IntegerProgram, columns: Ints, rows: Ints, place: Ints) -> IntegerProgram:
    def matrix(start: Ints, column: Ints, coefficient: Ints) -> tuple[Ints, Ints, Ints]:
        entries, _ = entries_of(start, rows)
        ends = np.cumsum(np.diff(start)[rows])
        return np.concatenate([[0], ends]).astype(np.int64), place[column[entries]], coefficient[entries]

    arcs = columns[columns < len(program.demand_of)]
    return IntegerProgram(
        program.least[columns],
        program.most[columns],
        program.step[columns],
        program.demand_of[arcs],
        program.supply_of[arcs],
        program.demands,
        program.supplies,
        *matrix(program.row_start, program.row_column, program.row_coefficient),
        *matrix(program.use_start, program.use_column, program.use_coefficient),
        program.row_lower[rows],
        program.row_upper[rows],
        program.row_kind[rows],
        program.row_node[rows],
        tuple(
            IntegerLevel(level.cost[columns], level.constant if level.largest else 0, level.largest)
            for level in program.levels
        ),
        scale=program.scale,
    )


def without_others(program: IntegerProgram, columns: Ints) -> IntegerProgram:
    """Some columns of a program, and the rows that have one of them."""
    place = np.full(len(program.most), -1, dtype=np.int64)
    place[columns] = np.arange(len(columns))

    def entries(start: Ints, column: Ints, coefficient: Ints) -> tuple[Ints, Ints, Ints]:
        row = np.repeat(np.arange(len(start) - 1), np.diff(start))
        inside = place[column] >= 0
        return row[inside], place[column[inside]], coefficient[inside]

    plain = entries(program.row_start, program.row_column, program.row_coefficient)
    use = entries(program.use_start, program.use_column, program.use_coefficient)
    rows = np.union1d(plain[0], use[0])

    ends = np.append(rows, len(program.row_kind))
    arcs = columns[columns < len(program.demand_of)]
    return replace(
        program,
        least=program.least[columns],
        most=program.most[columns],
        step=program.step[columns],
        demand_of=program.demand_of[arcs],
        supply_of=program.supply_of[arcs],
        row_start=np.searchsorted(plain[0], ends),
        row_column=plain[1],
        row_coefficient=plain[2],
        use_start=np.searchsorted(use[0], ends),
        use_column=use[1],
        use_coefficient=use[2],
        row_lower=program.row_lower[rows],
        row_upper=program.row_upper[rows],
        row_kind=program.row_kind[rows],
        row_node=program.row_node[rows],
    )
