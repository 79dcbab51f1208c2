"""A relaxation that is nearly whole, and where to look for what it leaves open.

The relaxation of goods and money is whole but for some demands in a hundred.
What it has whole is kept; the demands that it splits, and those beside them,
are searched (relaxation induced neighbourhoods; Danna, Rothberg and Le Pape
2005, from a first answer as in Berthold 2014).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from aidmatch.arrays import Bools, Floats, Ints
from aidmatch.engine.values import activity_of, completed, ended
from aidmatch.integer_program import IntegerProgram, RowKind

__all__ = ["Rounding"]

#: Rows that tie columns of one demand to each other.
_OF_DEMANDS: Final = (RowKind.SERVED, RowKind.FULL, RowKind.BOUGHT, RowKind.PART)
#: Below this, a value is nothing, and a difference none.
_NOTHING: Final = 1e-6
#: Demands that a supply serves from which on it is beside all of them, and so beside none.
_MANY: Final = 50


class Rounding:
    """Tells what relaxations of a component have whole.

    Parameters
    ----------
    program
        The component.
    named
        How many of its columns are decided, and not only count what others do; they come first.
    """

    def __init__(self, program: IntegerProgram, named: int) -> None:
        self._program, self._named = program, named
        self._demand = _demand_of_columns(program)

    def answer(self, taken: Floats) -> Ints | None:
        """The answer that has what is whole, and nothing of the demands that are not.

        Parameters
        ----------
        taken
            How much of each column the relaxation takes.

        Returns
        -------
        A feasible answer; None if there is none.
        """
        program = self._program
        whole = np.rint(taken).astype(np.int64)
        split = np.abs(taken - whole) > _NOTHING
        split |= (whole > 0) & ((whole < program.least) | (whole % program.step != 0))
        row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
        use_row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.use_start))
        left_out = self._demands(split & (self._demand >= 0))
        while True:
            found = np.where(split | self._columns(left_out), 0, whole)
            found = completed(program, ended(program, found), self._named)
            activity = activity_of(program, found)
            broken = (activity < program.row_lower) | (activity > program.row_upper)
            outside = (found > program.most) | ((found > 0) & (found < program.least))
            if not broken.any() and not outside.any():
                return found
            # whoever is in a row that does not hold, or beside a column that may not be what it is
            broken[row[outside[program.row_column]]] = True
            inside = np.zeros(len(found), dtype=np.bool_)
            inside[program.row_column[broken[row]]] = True
            inside[program.use_column[broken[use_row]]] = True
            more = self._demands(inside & (found > 0) & (self._demand >= 0)) & ~left_out
            if not more.any():
                return None
            left_out |= more

    def around(self, taken: Floats, known: Ints, hops: int, *, pairs: bool = True) -> Bools:
        """Columns of the demands that are served otherwise than the relaxation serves them, and of those beside them.

        Parameters
        ----------
        taken
            How much of each column the relaxation takes.
        known
            A feasible answer.
        hops
            How often the demands are taken in that share a supply with those so far.
        pairs
            Whether a demand is served otherwise that has as much, but from elsewhere.

        Returns
        -------
        Shape (columns,); what counts for supplies, and what only counts, is in it.
        """
        program, arcs = self._program, len(self._program.demand_of)
        differs = np.abs(taken - known) > _NOTHING
        if not pairs:
            differs[:arcs] = False
        inside = self._demands(differs & (self._demand >= 0))
        used = np.flatnonzero((taken[:arcs] > _NOTHING) | (known[:arcs] > 0))
        demand, supply = program.demand_of[used], program.supply_of[used]
        few = np.bincount(supply)[supply] < _MANY
        demand, supply = demand[few], supply[few]
        shared = np.zeros(int(supply.max(initial=0)) + 1, dtype=np.bool_)
        for _ in range(hops):
            shared[supply[inside[demand]]] = True
            inside[demand[shared[supply]]] = True
        return self._columns(inside) | (self._demand < 0)

    def _demands(self, columns: Bools) -> Bools:
        inside = np.zeros(int(self._demand.max(initial=-1)) + 2, dtype=np.bool_)
        inside[self._demand[columns]] = True
        return inside

    def _columns(self, demands: Bools) -> Bools:
        # columns of no demand look at the last entry, which stands for none
        return np.asarray(demands[self._demand] & (self._demand >= 0), dtype=np.bool_)


def _demand_of_columns(program: IntegerProgram) -> Ints:
    """The demand that each column is of; −1 for those of supplies and groups."""
    of = np.full(len(program.most), -1, dtype=np.int64)
    of[: len(program.demand_of)] = program.demand_of
    row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
    for kind in _OF_DEMANDS:
        entries = np.flatnonzero(program.row_kind[row] == kind)
        of_row = np.full(len(program.row_kind), -1, dtype=np.int64)
        np.maximum.at(of_row, row[entries], of[program.row_column[entries]])
        column = program.row_column[entries]
        of[column] = np.maximum(of[column], of_row[row[entries]])
    return of
