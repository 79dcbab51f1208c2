"""A first answer: what is known, and whatever can still be added to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aidmatch.arrays import Floats, Ints
from aidmatch.integer_program import IntegerLevel, IntegerProgram, RowKind

__all__ = ["inserted"]


def inserted(
    program: IntegerProgram,
    level: IntegerLevel,
    budgets: Sequence[tuple[Ints, int]],
    values: Ints,
    wanted: Floats,
) -> Ints:
    """Serve more demands that a level asks for, one after the other, without taking anything away.

    Parameters
    ----------
    program
        A component, whose arcs are its first columns.
    level
        Demands whose column it pays for are tried, the best paid first.
    budgets
        Costs of the levels above, each with the most that they may sum up to.
    values
        What is known.
    wanted
        How much of each column a relaxation takes: pairs it likes come first.

    Returns
    -------
    Values of all columns; those that only count others are left as they are.
    """
    return _Insertion(program, budgets, values).filled(level, wanted)


class _Insertion:
    def __init__(self, program: IntegerProgram, budgets: Sequence[tuple[Ints, int]], values: Ints) -> None:
        self.program = program
        self.values = values.copy()
        arcs = len(program.demand_of)
        self.step, self.least = program.step.tolist(), program.least.tolist()
        self.most = program.most.tolist()
        self.kind = program.row_kind.tolist()
        self.upper = program.row_upper.tolist()
        held = (RowKind.LOAD, RowKind.SHIPMENTS)
        self.activity = [0] * len(self.kind)
        self.rows_of: list[list[tuple[int, int, int]]] = [[] for _ in range(arcs)]
        total: dict[int, tuple[int, int]] = {}
        row_of = np.repeat(np.arange(len(self.kind)), np.diff(program.row_start)).tolist()
        for row, column, weight in zip(
            row_of, program.row_column.tolist(), program.row_coefficient.tolist(), strict=True
        ):
            if self.kind[row] in held and column < arcs:
                self.rows_of[column].append((row, weight, 0))
                self.activity[row] += weight * int(self.values[column])
            elif self.kind[row] in (RowKind.SERVED, RowKind.GIVEN) and column >= arcs:
                total[row] = (column, self.kind[row])
        row_of = np.repeat(np.arange(len(self.kind)), np.diff(program.use_start)).tolist()
        for row, column, fee in zip(row_of, program.use_column.tolist(), program.use_coefficient.tolist(), strict=True):
            if self.kind[row] in held and column < arcs:
                self.rows_of[column].append((row, 0, fee))
                self.activity[row] += fee * int(self.values[column] > 0)
        self.served_of, self.given_of = [-1] * arcs, [-1] * arcs
        # what a unit on an arc is at its demand and takes of its supply
        self.serves, self.takes = [1] * arcs, [1] * arcs
        self.arcs_of: dict[int, list[int]] = {}
        row_of = np.repeat(np.arange(len(self.kind)), np.diff(program.row_start)).tolist()
        for row, column, weight in zip(
            row_of, program.row_column.tolist(), program.row_coefficient.tolist(), strict=True
        ):
            if row not in total or column >= arcs:
                continue
            end, kind = total[row]
            if kind == RowKind.SERVED:
                self.served_of[column], self.serves[column] = end, weight
                self.arcs_of.setdefault(end, []).append(column)
            else:
                self.given_of[column], self.takes[column] = end, weight
        #: columns that say whether a demand is met in full, and how many units that takes, by its own column
        self.full_of: dict[int, tuple[int, int]] = {}
        for row in np.flatnonzero(program.row_kind == RowKind.FULL).tolist():
            (done, end), (units, _) = (
                part[program.row_start[row] : program.row_start[row + 1]].tolist()
                for part in (program.row_column, program.row_coefficient)
            )
            self.full_of[end] = done, units
        self.budgets = [
            (cost.tolist(), most - sum(a * b for a, b in zip(cost.tolist(), self.values.tolist(), strict=True)))
            for cost, most in budgets
            if cost[: len(cost)].any()
        ]

    def filled(self, level: IntegerLevel, wanted: Floats) -> Ints:
        cost = level.cost
        pays: dict[int, tuple[int, int]] = {}  # by demand: what is paid for it, and how many units at least
        for end in self.arcs_of:
            done, units = self.full_of.get(end, (end, 0))
            if cost[end] < 0:
                pays[end] = int(cost[end]), 0
            elif cost[done] < 0 and self.values[end] < units:
                pays[end] = int(cost[done]), units
        asking = [end for end in pays if self.values[end] < self.most[end]]
        asking.sort(
            key=lambda end: (pays[end][0], -min(1.0, wanted[end] / max(1, self.most[end])), self.most[end], end)
        )
        for end in asking:
            arcs = self.arcs_of[end]
            arcs.sort(key=lambda arc: (-wanted[arc], int(cost[arc]), arc))
            self._serve(end, arcs, pays[end][1])
        return self.values

    def _serve(self, end: int, arcs: Sequence[int], least: int) -> None:
        before = int(self.values[end])
        missing = self.most[end] - before
        taken: list[tuple[int, int]] = []
        for arc in arcs:
            if missing <= 0:
                break
            more = self._room(arc, missing)
            if more > 0:
                self._add(arc, end, more)
                taken.append((arc, more))
                missing -= more * self.serves[arc]
        got = int(self.values[end])
        if got != before and (got < max(self.least[end], least) or not self._affordable()):
            for arc, more in reversed(taken):
                self._add(arc, end, -more)

    def _room(self, arc: int, missing: int) -> int:
        """How much more an arc can take."""
        now, given = int(self.values[arc]), self.given_of[arc]
        left = self.most[given] - int(self.values[given])
        most = min(self.most[arc] - now, missing // self.serves[arc], left // self.takes[arc])
        for row, weight, fee in self.rows_of[arc]:
            free = self.upper[row] - self.activity[row] - (fee if now == 0 else 0)
            if free < 0:
                return 0
            if weight:
                most = min(most, free // weight)
        most = most // self.step[arc] * self.step[arc]
        if now + most < self.least[arc] or int(self.values[given]) + most * self.takes[arc] < self.least[given]:
            return 0
        return int(most)

    def _add(self, arc: int, end: int, more: int) -> None:
        before = int(self.values[arc])
        self.values[arc] += more
        served, taken = more * self.serves[arc], more * self.takes[arc]
        self.values[end] += served
        self.values[self.given_of[arc]] += taken
        turned = int(before + more > 0) - int(before > 0)
        for row, weight, fee in self.rows_of[arc]:
            self.activity[row] += weight * more + fee * turned
        for number, (cost, left) in enumerate(self.budgets):
            self.budgets[number] = (
                cost,
                left - more * cost[arc] - served * cost[end] - taken * cost[self.given_of[arc]],
            )

    def _affordable(self) -> bool:
        return all(left >= 0 for _, left in self.budgets)
