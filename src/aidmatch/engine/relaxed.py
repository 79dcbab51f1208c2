"""One level of one component: its relaxation, the multipliers and bounds that follow, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np

from aidmatch.arrays import Floats, Ints, entries_of, total
from aidmatch.engine.bounds import INFEASIBLE, MOST, bound_of, excess_of, face_of, spent_of
from aidmatch.engine.parts import Part
from aidmatch.engine.patterns import Raised
from aidmatch.engine.values import completed, ended, is_feasible, value_of
from aidmatch.integer_program import NO_LIMIT, IntegerLevel, IntegerProgram, RowKind, Tree
from aidmatch.solvers.mip import Linear, MipAnswer, MipSolver, Relaxation

__all__ = ["Relaxed"]

#: Pairs of each demand that are open where knapsacks have nearly closed a component.
NEARLY: Final = 3
#: Part of the time of a relaxation that the same takes at least when the levels above have changed.
AGAIN: Final = 0.3
#: What sums of what a solver says may be off by, as a part of the level.
UNSURE: Final = 1e-6


class Relaxed:
    """One level of one component, on what the levels above have left.

    Parameters
    ----------
    part
        The component.
    row
        Number of the level.
    """

    def __init__(self, part: Part, row: int) -> None:
        self.part, self.row = part, row
        program = part.program
        most = program.most.copy()
        for higher, budget in zip(program.levels[:row], part.budgets[:row], strict=True):
            if higher.largest:
                costly = higher.cost > 0
                most[costly] = np.minimum(most[costly], (budget - higher.constant) // higher.cost[costly])
        self.program = replace(program, most=most)
        self.level = program.levels[row]
        self.budgets = list(zip(program.levels[:row], part.budgets[:row], strict=True))
        self.plain, self.plain_budgets = self.program, self.budgets
        if self.level.largest:
            self.program, self.level, self.budgets = _with_largest(self.program, self.level, self.budgets)
        #: the program with rows that every answer keeps anyway, for searches; proofs do without
        self.strong = self.program
        self._linear: Linear | None = None
        self._strengthen()
        #: what the relaxation of the whole level chose, and its reduced costs
        self.guide: tuple[Floats, Floats] | None = None
        self.low = np.zeros(len(self.program.most), dtype=np.int64)
        #: what a search of all pairs that matter says of the bound
        self.claimed: int | None = None
        #: how much farther from the bound of multipliers each column is, in the solver's word; for searches alone
        self.added: Floats | None = None
        #: seconds that a search of everything has had
        self.searched = 0.0
        #: of sets of clients or knapsacks: the bound, and how much more each arc costs, both over the scale
        self.closing: tuple[int, Ints] | None = None
        #: rows that are kept whole when cases are split
        self.packed = np.zeros(0, dtype=np.int64)
        self._tree = self.empty_tree()
        #: multipliers with nothing kept whole, by which columns are closed, and their bound
        self._priced: tuple[Tree, int] | None = None
        self._proven: int | None = None
        self._excess: tuple[Ints, Ints, int] | None = None

    @property
    def own(self) -> IntegerLevel:
        """The level as the program has it; `level` is what is minimized, which for a largest is one more column."""
        return self.part.program.levels[self.row]

    @property
    def tree(self) -> Tree:
        """The proof so far."""
        return self._tree

    @tree.setter
    def tree(self, tree: Tree) -> None:
        self._tree, self._proven = tree, None

    @property
    def proven(self) -> int:
        """The bound that the proof so far gives."""
        if self._proven is None:
            self._proven = bound_of(self.program, self.level, self.budgets, self._tree)
        return self._proven

    @property
    def certified(self) -> int:
        """The bound that is sure, by the proof so far, and by sets of clients or knapsacks."""
        return self.proven if self.closing is None else max(self.proven, self.certain())

    @property
    def excess(self) -> tuple[Ints, Ints, int] | None:
        """What `excess_of` says of the best multipliers with nothing kept whole; None if sets or knapsacks say more."""
        if self._priced is None or self.closing is not None:
            return None
        if self._excess is None:
            self._excess = excess_of(self.program, self.level, self.budgets, self._priced[0])
        return self._excess

    @property
    def least(self) -> float:
        """The bound that `excess` is by, not rounded up to a whole number; minus infinity without."""
        return -np.inf if self.excess is None else self.excess[2] / self.program.scale

    @property
    def excess_by_column(self) -> Floats:
        """How far above the bound of multipliers an answer with each column is, in units of the level; 0 without."""
        if self.excess is None:
            return np.zeros(len(self.program.most))
        return np.asarray(self.excess[0].astype(float)) / self.program.scale

    @property
    def priced(self) -> Tree | None:
        """The best multipliers with nothing kept whole; None if there are none."""
        return None if self._priced is None else self._priced[0]

    def spent(self, blocks: Sequence[Ints]) -> list[int] | None:
        """How far the answer is above the bound of the multipliers in each block, in whole units.

        With what rows leave that the block is in. No better answer is better by more in this block alone. None if sets
        or knapsacks say more than multipliers do.
        """
        if self._priced is None or self.closing is not None:
            return None
        tree = self._priced[0]
        by_column, by_row = spent_of(self.program, self.level, self.budgets, tree, self.start())
        left = np.flatnonzero(by_row)
        entries, row = entries_of(self.program.row_start, left)
        uses, use_row = entries_of(self.program.use_start, left)
        found = []
        for columns in blocks:
            inside = np.zeros(len(by_column), dtype=np.bool_)
            inside[columns] = True
            touched = np.zeros(len(left), dtype=np.bool_)
            touched[row[inside[self.program.row_column[entries]]]] = True
            touched[use_row[inside[self.program.use_column[uses]]]] = True
            spent = total(by_column[columns]) + sum(by_row[left[touched]].tolist())
            found.append(int(spent // self.program.scale))
        return found

    @property
    def is_last(self) -> bool:
        """Whether there is no level below."""
        return self.row == len(self.part.program.levels) - 1

    @property
    def has_blocks(self) -> bool:
        """Whether blocks of it are searched and split: not where supplies are knapsacks, or have facets."""
        part = self.part
        return part.rounding is not None and not part.knapsacks and not self.own.largest and bool(part.blocks)

    @property
    def reached(self) -> int:
        """The value of what is known."""
        return value_of(self.own, self.part.values)

    def better(self, values: Ints | None) -> None:
        """Take an answer that holds, if it is better than what is known, or as good here and better below."""
        if values is not None and self._from_here(values) < self._from_here(self.part.values):
            self.part.values = values

    def _from_here(self, values: Ints) -> tuple[int, ...]:
        below = self.part.program.levels[self.row + 1 :]
        # the largest of all may be another component's
        return tuple(value_of(level, values) for level in (self.own, *(one for one in below if not one.largest)))

    @property
    def linear(self) -> Linear:
        """The program as it is given to a solver."""
        if self._linear is None:
            self._linear = replace(
                Linear.of(self.strong, self.level, self.budgets),
                target=None if self.closing is None else float(self.certified),
                knapsacks=self.part.knapsacks,
            )
        return self._linear

    def empty_tree(self) -> Tree:
        """A proof that uses no multiplier at all."""
        nothing = np.zeros(0, dtype=np.int64)
        above = np.zeros((1, self.row), dtype=np.int64)
        return Tree(*(nothing,) * 3, np.zeros((1, 0), dtype=np.int64), above, *(nothing,) * 5, self.program.scale)

    def bound(self, tree: Tree) -> int:
        """The bound that a proof gives."""
        return bound_of(self.program, self.level, self.budgets, tree)

    def relax(self, solver: MipSolver, seconds: float | None) -> None:
        """Take the multipliers of the linear relaxation, and its answer if that is whole, or what can be added."""
        own, relaxations = self.own, self.part.relaxations
        if relaxations is not None and not own.largest:
            answer = relaxations.solve(own, self.budgets, self.program.most, self.part.values, seconds)
        else:
            linear = Linear.compact(self.program, self.level, self.budgets) if self.part.large else self.linear
            answer = solver.relaxation(linear, seconds, self.low, self.program.most)
        if answer is None or answer.infeasible:
            self.fill()
            return
        self._take(answer)
        whole = self._whole(answer.values)
        self.better(self._inserted(answer.values) if whole is None else whole)

    def may_relax_in(self, seconds: float | None) -> bool:
        """Whether the relaxation may end within some seconds, by how long it took when looking ahead."""
        relaxations = self.part.relaxations
        took = 0.0 if relaxations is None else relaxations.took.get(self.row, 0.0)
        return seconds is None or seconds > AGAIN * took

    def recall(self) -> bool:
        """Take the multipliers of the relaxation that was found when looking ahead, and what can be added by it.

        Returns
        -------
        Whether there was one.
        """
        relaxations = self.part.relaxations
        looked = None if relaxations is None else relaxations.looked.get(self.row)
        if looked is None:
            return False
        self._take(looked)
        if self.proven < self.reached:
            self.fill(looked.values)
        return True

    def _take(self, answer: Relaxation) -> None:
        """Take the multipliers of a relaxation."""
        rows, multipliers, above = self.rounded(answer.row_dual)
        priced = self.one_leaf(rows, multipliers, above)
        bound = self.prove(priced)
        if self._priced is None or bound > self._priced[1]:
            self._priced, self._excess, self.added = (priced, bound), None, None
        lots = self.part.whole_lots
        if len(lots) and self.proven < self.reached:
            # what their stock is worth follows from what they are chosen for
            free = ~np.isin(rows, lots)
            self.prove(replace(self.one_leaf(rows[free], multipliers[free], above), packed=lots))
        self.guide = answer.values, answer.reduced

    def prove(self, tree: Tree) -> int:
        """Take a proof if it is better than the one so far; multipliers that were stopped may be worse than none.

        Returns
        -------
        The bound that it gives.
        """
        if (bound := self.bound(tree)) > self.proven:
            self.tree, self._proven = tree, bound
        return bound

    def relax_by_patterns(self, raised: Raised, number: int) -> None:
        """Take the multipliers of the master of patterns, and its answer if that is whole, or what can be added."""
        part, program = self.part, self.plain
        arcs = part.columns[: len(program.demand_of)]
        served = self.served_rows
        y = raised.demand[program.row_node[served]]
        above = np.zeros(self.row, dtype=np.int64)
        above[: len(raised.above)] = raised.above[:, number]
        rows = served[y != 0]
        packed = np.flatnonzero(program.row_kind == RowKind.GIVEN)
        self.prove(replace(self.one_leaf(rows, y[y != 0], above), packed=packed))
        taken = np.zeros(len(program.most))
        taken[: len(arcs)] = raised.taken[arcs]
        self.close_by(int(raised.bound[number]), raised.reduced[arcs], taken)
        whole = self.from_arcs(np.flatnonzero(taken[: len(arcs)] > 0.5)) if raised.whole[number] else None
        self.better(self._inserted(taken) if whole is None else whole)

    def close_by(self, bound: int, more: Ints, taken: Floats) -> None:
        """Take a bound over the scale, how much more each arc costs, and how much of each column a relaxation takes."""
        self.closing = bound, more
        reduced = np.zeros(len(self.program.most))
        reduced[: len(more)] = np.minimum(more / self.program.scale, 1e15)
        self.guide = taken, reduced

    @cached_property
    def served_rows(self) -> Ints:
        """Rows of what demands are served."""
        return np.flatnonzero(self.plain.row_kind == RowKind.SERVED)

    def demand_and_above(self, linear: Linear, duals: Floats) -> tuple[Floats, Floats]:
        """Multipliers of what demands are served, and of the levels above, from those of all rows of a relaxation."""
        return duals[self.served_rows], np.maximum(0.0, -duals[linear.rows - self.row : linear.rows])

    def strengthen(self, node: Ints, start: Ints, column: Ints, coefficient: Ints, upper: Ints) -> None:
        """Take rows that every answer keeps anyway, for the searches to come.

        Parameters
        ----------
        node
            The supply of each.
        start, column, coefficient
            Where each begins, and their entries.
        upper
            The most that each may add up to.
        """
        if self.part.kept is not None:
            nodes, starts, columns, coefficients, uppers = self.part.kept
            node, start = np.append(nodes, node), np.append(starts, len(columns) + start)
            column, coefficient = np.append(columns, column), np.append(coefficients, coefficient)
            upper = np.append(uppers, upper)
        self.part.kept = node, start, column, coefficient, upper
        self._strengthen()

    def _strengthen(self) -> None:
        if self.part.kept is None:
            return
        node, start, column, coefficient, upper = self.part.kept
        none = np.full(len(node), -NO_LIMIT)
        self.strong = _with_rows(self.program, RowKind.KNAPSACK, node, start, column, coefficient, none, upper)
        self._linear = None

    def close(self) -> None:
        """Close what no answer as good as this one has, for the levels below; proofs do without."""
        part = self.part
        low, high = (limits[: len(part.low)] for limits in self.within(part.reached[self.row]))
        part.low, part.high = np.maximum(part.low, low), np.minimum(part.high, high)

    def within(self, value: int) -> tuple[Ints, Ints]:
        """Limits that every answer keeps that is at least as good as some value, by reduced costs."""
        low, high = np.zeros_like(self.program.most), self.program.most
        if self.own.largest:
            return low, high
        if self.excess is not None:
            low, high = face_of(self.program, self.excess, self.program.scale, value)
        if self.closing is not None:
            bound, more = self.closing
            # a sum may leave 64 bits where there is no such choice at all
            high = high.copy()
            high[: len(more)][more > value * self.program.scale - bound] = 0
        return low, high

    def certain(self) -> int:
        """The bound by sets of clients or knapsacks."""
        return -INFEASIBLE if self.closing is None else int(-(-self.closing[0] // self.program.scale))

    @property
    def is_nearly_closed(self) -> bool:
        """Whether knapsacks leave few pairs that an answer may have which is as good as what is known."""
        if self.closing is None:
            return False
        arcs = len(self.plain.demand_of)
        return int((self.limits()[1][:arcs] > 0).sum()) <= NEARLY * len(self.served_rows)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is better than what is known, by proof or by the solver's word."""
        return max(self.proven, self.proven if self.claimed is None else self.claimed) >= self.reached

    def from_arcs(self, arcs: Ints) -> Ints | None:
        """The answer that takes some arcs, if it holds."""
        program = self.plain
        found = np.zeros(len(program.most), dtype=np.int64)
        found[arcs] = 1
        return self._kept(ended(program, found))

    def face(self) -> tuple[Ints, Ints]:
        """Limits of the columns that the levels above leave."""
        low, high = self.part.low, np.minimum(self.part.high, self.plain.most)
        more = len(self.program.most) - len(low)
        return np.append(low, np.zeros(more, dtype=np.int64)), np.append(high, self.program.most[len(high) :])

    def limits(self) -> tuple[Ints, Ints]:
        """Those of them that every answer keeps that is at least as good as what is known."""
        low, high = self.face()
        least, most = self.within(self.reached)
        low, high = np.maximum(low, least), np.minimum(high, most)
        if self.added is not None:
            slack = self.reached - self.least + UNSURE * (1.0 + abs(self.reached))
            high[self.excess_by_column + self.added > slack] = 0
        return low, high

    def said(self, rows: Ints) -> tuple[Ints, Ints]:
        """What rows say, and of which node."""
        return self.program.row_kind[rows], self.program.row_node[rows]

    def rounded(self, dual: Floats) -> tuple[Ints, Ints, Ints]:
        """Multipliers over the scale that respect what each row limits."""
        dual = np.where(np.isfinite(dual), dual, 0.0)
        y = np.rint(np.clip(dual * self.program.scale, -MOST, MOST)).astype(np.int64)
        own, above = y[: len(self.program.row_kind)], -y[len(y) - self.row :]
        own[(own > 0) & (self.program.row_lower <= -NO_LIMIT)] = 0
        own[(own < 0) & (self.program.row_upper >= NO_LIMIT)] = 0
        rows = np.flatnonzero(own)
        return rows, own[rows], np.maximum(above, 0)

    def fill(self, guide: Floats | None = None) -> None:
        """Take what can be added, as a relaxation would have it if there is one."""
        self.better(self._inserted(np.zeros(len(self.plain.most)) if guide is None else guide))

    def _inserted(self, guide: Floats) -> Ints | None:
        """What is known, and what can be added to it, as the relaxation would have it."""
        plain, own = self.plain, self.own
        if own.largest:
            return None
        wanted = guide[: len(plain.most)] * plain.step
        sums = [(level.cost, budget - level.constant) for level, budget in self.plain_budgets if not level.largest]
        return self._kept(self.part.insertion.inserted(own, sums, plain.most, self.part.values, wanted))

    def _whole(self, values: Floats) -> Ints | None:
        """An answer of the solver as integers, if it is one; columns that only follow from others are made anew."""
        whole = np.rint(values)
        if not np.allclose(whole, values, rtol=0, atol=1e-4):
            return None
        found = whole.astype(np.int64) * self.program.step
        return self._kept(found)

    def _kept(self, found: Ints) -> Ints | None:
        """The component's own columns, if they hold and are as good as they must be on the levels above."""
        found = completed(self.plain, found[: len(self.part.columns)], self.part.named)
        if not is_feasible(self.plain, found):
            return None
        if any(value_of(higher, found) > budget for higher, budget in self.plain_budgets):
            return None
        return found

    def start(self) -> Ints:
        """What is known, with the column of the largest where the level has one."""
        values = self.part.values
        if len(self.program.most) > len(values):
            values = np.append(values, value_of(self.own, values) - self.level.constant)
        return values

    def accept(self, answer: MipAnswer) -> int:
        """Take an answer of a solver that is feasible and better; the value that is reached."""
        if answer.values is not None:
            self.better(self._kept(np.rint(answer.values).astype(np.int64) * self.program.step))
        return self.reached

    def one_leaf(self, rows: Ints, multipliers: Ints, above: Ints) -> Tree:
        """The proof without cases that some multipliers are."""
        nothing = np.zeros(0, dtype=np.int64)
        return Tree(rows, *self.said(rows), multipliers[None], above[None], *(nothing,) * 5, self.program.scale)


def _with_largest(
    program: IntegerProgram, level: IntegerLevel, budgets: Sequence[tuple[IntegerLevel, int]]
) -> tuple[IntegerProgram, IntegerLevel, list[tuple[IntegerLevel, int]]]:
    """The program with one more column, which is no smaller than any product of the level."""
    columns = np.flatnonzero(level.cost > 0)
    top = len(program.most)
    # a column's row names its node
    node = np.zeros(top, dtype=np.int64)
    held = np.repeat(program.row_node, np.diff(program.row_start))
    node[program.row_column] = held
    entries = np.stack([np.full(len(columns), top), columns], axis=1).ravel()
    coefficients = np.stack([np.ones(len(columns), dtype=np.int64), -level.cost[columns]], axis=1).ravel()
    nothing, free = np.zeros(len(columns), dtype=np.int64), np.full(len(columns), NO_LIMIT)
    wide = replace(
        program,
        least=np.append(program.least, 1),
        most=np.append(program.most, int((level.cost * program.most).max(initial=0))),
        step=np.append(program.step, 1),
    )
    start = 2 * np.arange(len(columns))
    wide = _with_rows(wide, RowKind.LARGEST, node[columns], start, entries, coefficients, nothing, free)
    cost = np.zeros(top + 1, dtype=np.int64)
    cost[top] = 1
    return (
        wide,
        IntegerLevel(cost, level.constant),
        [(replace(higher, cost=np.append(higher.cost, 0)), budget) for higher, budget in budgets],
    )


def _with_rows(
    program: IntegerProgram,
    kind: RowKind,
    node: Ints,
    start: Ints,
    column: Ints,
    coefficient: Ints,
    lower: Ints,
    upper: Ints,
) -> IntegerProgram:
    """The program with more rows of one kind, after its own."""
    many = len(node)
    return replace(
        program,
        row_start=np.concatenate([program.row_start[:-1], program.row_start[-1] + np.append(start, len(column))]),
        row_column=np.append(program.row_column, column),
        row_coefficient=np.append(program.row_coefficient, coefficient),
        use_start=np.append(program.use_start, np.full(many, program.use_start[-1])),
        row_lower=np.append(program.row_lower, lower),
        row_upper=np.append(program.row_upper, upper),
        row_kind=np.append(program.row_kind, np.full(many, kind)),
        row_node=np.append(program.row_node, node),
    )
