"""The linear relaxations of a large component, one level after the other, over the columns that matter.

Most pairs of a large component are far from ever being used. The relaxation
starts with the near ones and what is known, and takes in those whose reduced
cost is negative until none is (column generation; Dantzig and Wolfe 1960). The
next level goes on from where this one ended: its budget is one more row, which
holds when the levels below are solved and rests when their turn is over.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from aidmatch.arrays import Floats, Ints, first_of_each
from aidmatch.integer_program import NO_LIMIT, IntegerLevel, IntegerProgram
from aidmatch.solvers.growing import Growing, GrowingAnswer
from aidmatch.solvers.mip import Linear, Relaxation

__all__ = ["Relaxations"]

#: Pairs of each node that a relaxation starts with, the cheapest at the last level.
_NEAREST: Final = 3
#: Missing pairs of each node that join in a round, those that gain most.
_ADDED: Final = 2
#: How far a value may lie outside its column's limits; beyond that it is none.
_FAR: Final = 0.1
#: What the sum of a level may be off by, as a part of it.
_UNSURE: Final = 1e-9
#: How much worse a level above may be where one was stopped, as a part of it, since the simplex method shifts limits.
_HARDLY: Final = 1e-3
#: What a reduced cost must be below zero, as a part of the largest cost, beyond the solver's own rounding.
_BELOW: Final = 1e-6


class Relaxations:
    """Solves one level after the other.

    Parameters
    ----------
    program
        The component. Being used only weighs on its upper limits, so that no binary columns are needed: a relaxation
        uses a column as far as it is filled.
    growing
        A linear program with nothing in it.
    """

    def __init__(self, program: IntegerProgram, growing: Growing) -> None:
        from scipy.sparse import csr_array

        linear = Linear.compact(program, program.levels[0], [])
        self._program, self._growing = program, growing
        self._rows, self._columns = len(linear.row_lower), len(linear.cost)
        shape = self._rows, self._columns
        self._by_row = csr_array((linear.value, linear.column, linear.start), shape=shape)
        self._by_column = self._by_row.tocsc()
        self._step = linear.step
        nothing, none = np.zeros(0, dtype=np.int64), np.zeros(0)
        start = np.zeros(self._rows, dtype=np.int64)
        growing.add_rows(linear.row_lower, linear.row_upper, start, nothing, none)
        #: costs of the levels above, one row each
        self._above: list[Floats] = []
        self._upper = linear.upper
        #: what looking ahead found, by number of the level, and how much of each column the lowest of them takes
        self.looked: dict[int, Relaxation] = {}
        #: seconds that each of these took
        self.took: dict[int, float] = {}
        self.taken: Floats | None = None
        #: what the columns so far took where a level was stopped
        self._stopped_at: Floats | None = None
        #: columns in the order in which they joined
        self._order = np.zeros(0, dtype=np.int64)
        self._in = np.zeros(self._columns, dtype=np.bool_)
        first = np.ones(self._columns, dtype=np.bool_)
        first[: len(program.demand_of)] = False
        last = program.levels[-1].cost[: len(program.demand_of)]
        every = np.arange(len(program.demand_of))
        for node in (program.demand_of, program.supply_of):
            first[_least(last, node, every, _NEAREST)] = True
        self._join(np.flatnonzero(first), np.zeros(self._columns))

    def solve(
        self,
        level: IntegerLevel,
        budgets: Sequence[tuple[IntegerLevel, int]],
        most: Ints,
        known: Ints,
        seconds: float | None,
    ) -> Relaxation | None:
        """Solve the relaxation of the next level.

        Parameters
        ----------
        level
            What is minimized, as a sum.
        budgets
            The levels above, each with the most it may be, in their order.
        most
            What each column may be at most.
        known
            A feasible answer.
        seconds
            How much time there is; None for as much as it takes.

        Returns
        -------
        The relaxation of all columns; None if there is none yet. If the time was over before the last column was found,
        its multipliers are those of the columns so far: a bound, but not the best.

        Raises
        ------
        SolverError
            As the solver raises it.
        """
        end = None if seconds is None else time.monotonic() + seconds
        cost = (level.cost * self._step).astype(float)
        self._limit(most)
        for higher, _ in budgets[len(self._above) :]:
            self._hold(higher)
        self._allow(budgets)
        self._join(np.flatnonzero((known > 0) & ~self._in), cost)
        self._growing.set_costs(cost[self._order])
        least = -_BELOW * max(1.0, float(np.abs(cost).max(initial=0.0)))
        found: Relaxation | None = None
        self._stopped_at = None
        while True:
            left = None if end is None else end - time.monotonic()
            answer = None if left is not None and left <= 0 else self._growing.solve(left)
            if answer is None or not self._within_limits(answer.values):
                return found
            if not answer.optimal:
                self._stopped_at = answer.values
                return found
            found = self._of_all(answer, cost, len(budgets))
            missing = self._missing(found.reduced, least)
            if not missing.size:
                return found
            self._join(missing, cost)

    def ahead(self, known: Ints, seconds: float | None) -> None:
        """Solve all levels that are sums, each among the best of those above as far as whole numbers may reach.

        Parameters
        ----------
        known
            A feasible answer.
        seconds
            How much time there is; None for as much as it takes.
        """
        end = None if seconds is None else time.monotonic() + seconds
        budgets: list[tuple[IntegerLevel, int]] = []
        for row, level in enumerate(self._program.levels):
            budget = NO_LIMIT
            if not level.largest:
                left = None if end is None else max(0.0, end - time.monotonic())
                began = time.monotonic()
                found = self.solve(level, budgets, self._program.most, known, left)
                self.took[row] = time.monotonic() - began
                if found is None:
                    self._take_stopped(level, budgets)
                    return
                self.looked[row], self.taken = found, found.values * self._step
                reached = float(level.cost @ self.taken)
                # large sums are not known to the unit
                budget = level.constant + int(np.ceil(reached - _BELOW)) + int(_UNSURE * abs(reached))
            budgets.append((level, budget))

    def _take_stopped(self, level: IntegerLevel, budgets: Sequence[tuple[IntegerLevel, int]]) -> None:
        """Take what a level was stopped at, if it is better there, and hardly worse above: no bound, but a guide."""
        if self._stopped_at is None or self.taken is None:
            return
        stopped = self._whole(self._stopped_at) * self._step
        keeps = all(
            float(higher.cost @ stopped) + higher.constant <= budget + _HARDLY * abs(budget)
            for higher, budget in budgets
            if not higher.largest
        )
        if keeps and float(level.cost @ stopped) < float(level.cost @ self.taken):
            self.taken = stopped

    def _limit(self, most: Ints) -> None:
        upper = (most // self._step).astype(float)
        changed = np.flatnonzero(upper[self._order] != self._upper[self._order])
        self._upper = upper
        if changed.size:
            column = self._order[changed]
            self._growing.set_limits(changed, np.zeros(len(changed)), upper[column])

    def _hold(self, level: IntegerLevel) -> None:
        """Add the row of a level, which limits nothing yet."""
        above = np.zeros(self._columns) if level.largest else (level.cost * self._step).astype(float)
        at = np.flatnonzero(above[self._order])
        start, nothing = np.zeros(1, dtype=np.int64), np.array([np.inf])
        self._growing.add_rows(-nothing, nothing, start, at, above[self._order[at]])
        self._above.append(above)

    def _allow(self, budgets: Sequence[tuple[IntegerLevel, int]]) -> None:
        """Keep the levels above as good as they are, and no other."""
        limits = np.full(len(self._above), np.inf)
        for number, (level, budget) in enumerate(budgets):
            if not level.largest and budget < NO_LIMIT:
                limits[number] = budget - level.constant
        rows = self._rows + np.arange(len(limits))
        self._growing.set_row_limits(rows, np.full(len(limits), -np.inf), limits)

    def _join(self, columns: Ints, cost: Floats) -> None:
        from scipy.sparse import csc_array, vstack

        if not columns.size:
            return
        part = self._by_column[:, columns]
        if self._above:
            part = vstack([part, csc_array(np.stack([above[columns] for above in self._above]))]).tocsc()
        nothing = np.zeros(len(columns))
        entries = part.indptr[:-1].astype(np.int64), part.indices.astype(np.int64), part.data.astype(float)
        self._growing.add_columns(cost[columns], nothing, self._upper[columns], *entries)
        self._order = np.concatenate([self._order, columns])
        self._in[columns] = True

    def _of_all(self, answer: GrowingAnswer, cost: Floats, above: int) -> Relaxation:
        values = self._whole(answer.values)
        reduced = cost - self._by_row.T @ answer.duals[: self._rows]
        duals = answer.duals[: self._rows + above]
        for costs, dual in zip(self._above, duals[self._rows :].tolist(), strict=False):
            if dual:
                reduced -= dual * costs
        return Relaxation(values, np.zeros(0), reduced, duals, infeasible=False)

    def _whole(self, values: Floats) -> Floats:
        """Values of all columns, from those of the columns so far."""
        whole = np.zeros(self._columns)
        whole[self._order] = values
        return whole

    def _within_limits(self, values: Floats) -> bool:
        """Whether values are what columns can be; numbers that are none are not."""
        return bool(((values >= -_FAR) & (values <= self._upper[self._order] + _FAR)).all())

    def _missing(self, reduced: Floats, least: float) -> Ints:
        """Pairs that would make it better, some of each node."""
        program, arcs = self._program, len(self._program.demand_of)
        helps = (reduced[:arcs] < least) & ~self._in[:arcs] & (self._upper[:arcs] > 0)
        rows = np.flatnonzero(helps)
        return np.union1d(*(_least(reduced, node, rows, _ADDED) for node in (program.demand_of, program.supply_of)))


def _least(score: Floats | Ints, node: Ints, rows: Ints, count: int) -> Ints:
    """Of each node, some of the rows that score least."""
    return first_of_each(rows[np.lexsort((rows, score[rows], node[rows]))], node, count)
