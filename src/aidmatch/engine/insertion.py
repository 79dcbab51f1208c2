"""A first answer: what is known, and whatever can still be added to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from aidmatch.arrays import Floats, Ints, dot
from aidmatch.integer_program import IntegerLevel, IntegerProgram, RowKind

__all__ = ["Insertion"]


class Insertion:
    """Serves more demands that a level asks for, one after the other, without taking anything away.

    Parameters
    ----------
    program
        A component, whose arcs are its first columns. What is gathered of it serves all of its levels.
    """

    def __init__(self, program: IntegerProgram) -> None:
        self._program = program
        arcs = self._arcs = len(program.demand_of)
        self._step, self._least = program.step.tolist(), program.least.tolist()
        self._upper = program.row_upper.tolist()
        kind, column = program.row_kind, program.row_column
        row = np.repeat(np.arange(len(kind)), np.diff(program.row_start))
        use_row = np.repeat(np.arange(len(kind)), np.diff(program.use_start))
        # rows that an arc weighs on, with the weight of a unit, and that of being used at all
        plain = np.flatnonzero(np.isin(kind[row], _HELD) & (column < arcs))
        use = np.flatnonzero(np.isin(kind[use_row], _HELD) & (program.use_column < arcs))
        self._held = _Held(
            np.concatenate([column[plain], program.use_column[use]]),
            np.concatenate([row[plain], use_row[use]]),
            np.concatenate([program.row_coefficient[plain], np.zeros(len(use), dtype=np.int64)]),
            np.concatenate([np.zeros(len(plain), dtype=np.int64), program.use_coefficient[use]]),
        )
        order = np.argsort(self._held.arc, kind="stable")
        self._begins = np.searchsorted(self._held.arc[order], np.arange(arcs + 1)).tolist()
        self._rows, self._weights, self._fees = (side[order].tolist() for side in self._held[1:])
        # what a unit on an arc is at its demand and takes of its supply
        served, self._serves = self._ends(row, RowKind.SERVED)
        given, self._takes = self._ends(row, RowKind.GIVEN)
        self._given_of = given.tolist()
        order = np.argsort(served, kind="stable")
        order = order[np.searchsorted(served[order], 0) :]
        ends, begins = np.unique(served[order], return_index=True)
        parts = np.split(order, begins[1:]) if len(ends) else []
        self._arcs_of: dict[int, Ints] = dict(zip(ends.tolist(), parts, strict=True))
        #: columns that say whether a demand is met in full, and how many units that takes, by its own column
        self._full_of: dict[int, tuple[int, int]] = {}
        for one in np.flatnonzero(kind == RowKind.FULL).tolist():
            (done, end), (units, _) = (
                part[program.row_start[one] : program.row_start[one + 1]].tolist()
                for part in (column, program.row_coefficient)
            )
            self._full_of[end] = done, units

    def _ends(self, row: Ints, kind: RowKind) -> tuple[Ints, list[int]]:
        """The column of the node that each arc's units count at, −1 for none, and how much each counts there."""
        program = self._program
        of_kind = np.flatnonzero(program.row_kind[row] == kind)
        at_node = of_kind[program.row_column[of_kind] >= self._arcs]
        node = np.full(len(program.row_kind), -1, dtype=np.int64)
        node[row[at_node]] = program.row_column[at_node]
        on_arc = of_kind[program.row_column[of_kind] < self._arcs]
        ends, each = np.full(self._arcs, -1, dtype=np.int64), np.ones(self._arcs, dtype=np.int64)
        arc = program.row_column[on_arc]
        ends[arc], each[arc] = node[row[on_arc]], program.row_coefficient[on_arc]
        each[ends < 0] = 1
        return ends, each.tolist()

    def inserted(
        self, level: IntegerLevel, budgets: Sequence[tuple[Ints, int]], most: Ints, values: Ints, wanted: Floats
    ) -> Ints:
        """Add to what is known.

        Parameters
        ----------
        level
            Demands whose column it pays for are tried, the best paid first.
        budgets
            Costs of the levels above, each with the most that they may sum up to.
        most
            What each column may be at most.
        values
            What is known.
        wanted
            How much of each column a relaxation takes: pairs it likes come first.

        Returns
        -------
        Values of all columns; those that only count others are left as they are.
        """
        return _Adding(self, budgets, most, values).filled(level, wanted)


class _Held(NamedTuple):
    """Entries of rows that limit arcs: an arc, a row, the weight of a unit, and that of being used."""

    arc: Ints
    row: Ints
    weight: Ints
    fee: Ints


_HELD: Final = (RowKind.LOAD, RowKind.SHIPMENTS)


class _Adding:
    """What has been added so far."""

    def __init__(self, to: Insertion, budgets: Sequence[tuple[Ints, int]], most: Ints, values: Ints) -> None:
        self.to, self.values, self.most = to, values.tolist(), most.tolist()
        held = to._held
        activity = np.zeros(len(to._upper), dtype=np.int64)
        np.add.at(activity, held.row, held.weight * values[held.arc] + held.fee * (values[held.arc] > 0))
        self.activity = activity.tolist()
        self.budgets = [(cost.tolist(), limit - dot(cost, values)) for cost, limit in budgets if cost.any()]

    def filled(self, level: IntegerLevel, wanted: Floats) -> Ints:
        to, cost = self.to, level.cost.tolist()
        pays: dict[int, tuple[int, int]] = {}  # by demand: what is paid for it, and how many units at least
        for end in to._arcs_of:
            done, units = to._full_of.get(end, (end, 0))
            if cost[end] < 0:
                pays[end] = cost[end], 0
            elif cost[done] < 0 and self.values[end] < units:
                pays[end] = cost[done], units
        asking = [end for end in pays if self.values[end] < self.most[end]]
        asking.sort(
            key=lambda end: (pays[end][0], -min(1.0, wanted[end] / max(1, self.most[end])), self.most[end], end)
        )
        for end in asking:
            arcs = to._arcs_of[end]
            arcs = arcs[np.lexsort((arcs, level.cost[arcs], -wanted[arcs]))]
            self._serve(end, arcs.tolist(), pays[end][1])
        return np.array(self.values, dtype=np.int64)

    def _serve(self, end: int, arcs: Sequence[int], least: int) -> None:
        before = self.values[end]
        missing = self.most[end] - before
        taken: list[tuple[int, int]] = []
        for arc in arcs:
            if missing <= 0:
                break
            more = self._room(arc, missing)
            if more > 0:
                self._add(arc, end, more)
                taken.append((arc, more))
                missing -= more * self.to._serves[arc]
        got = self.values[end]
        if got != before and (got < max(self.to._least[end], least) or not self._affordable()):
            for arc, more in reversed(taken):
                self._add(arc, end, -more)

    def _room(self, arc: int, missing: int) -> int:
        """How much more an arc can take."""
        to, now, given = self.to, self.values[arc], self.to._given_of[arc]
        serves, takes = to._serves[arc], to._takes[arc]
        left = self.most[given] - self.values[given]
        most = min(self.most[arc] - now, missing // serves, left // takes)
        for at in range(to._begins[arc], to._begins[arc + 1]):
            row, weight = to._rows[at], to._weights[at]
            free = to._upper[row] - self.activity[row] - (to._fees[at] if now == 0 else 0)
            if free < 0:
                return 0
            if weight:
                most = min(most, free // weight)
        most = most // to._step[arc] * to._step[arc]
        if now + most < to._least[arc] or self.values[given] + most * takes < to._least[given]:
            return 0
        return int(most)

    def _add(self, arc: int, end: int, more: int) -> None:
        to, before, given = self.to, self.values[arc], self.to._given_of[arc]
        self.values[arc] += more
        served, taken = more * to._serves[arc], more * to._takes[arc]
        self.values[end] += served
        self.values[given] += taken
        turned = int(before + more > 0) - int(before > 0)
        for at in range(to._begins[arc], to._begins[arc + 1]):
            self.activity[to._rows[at]] += to._weights[at] * more + to._fees[at] * turned
        for number, (cost, left) in enumerate(self.budgets):
            self.budgets[number] = cost, left - more * cost[arc] - served * cost[end] - taken * cost[given]

    def _affordable(self) -> bool:
        return all(left >= 0 for _, left in self.budgets)
