"""Bounds of small components by cases: a level is split where its relaxation is broken, each case with multipliers."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from aidmatch.arrays import Floats, Ints
from aidmatch.engine.bounds import MOST, halves, hang, leaf_bound
from aidmatch.engine.lagrange import packable, raised_multipliers, work_of
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.timing import Clock, over, remaining
from aidmatch.integer_program import RowKind, Tree
from aidmatch.solvers.mip import MipSolver

__all__ = ["Cases"]

#: Most cases that a level of a component is split into.
LEAVES: Final = 2_000
#: Subgradient steps at the root and in each case.
ROOT_STEPS: Final = 400
LEAF_STEPS: Final = 40
#: Numbers that one step may touch where rows are kept whole.
WORK: Final = 5e6
#: How often a ray is added that proves a case empty.
_RAYS: Final = (1e3, 1e6, -1e3, -1e6)


class Cases:
    """Splits a level into cases.

    Parameters
    ----------
    of
        The level, with its relaxation and what is known.
    """

    def __init__(self, of: Relaxed) -> None:
        self._of = of

    def split(self, solver: MipSolver, end: float | None, clock: Clock) -> None:
        """Go on until the bound reaches the value, or the time or the number of leaves is over."""
        part, row = self._of.part, self._of.row
        target = part.reached[row]
        whole = packable(self._of.program)
        if work_of(self._of.program, whole) <= WORK:
            self._of.packed = whole
        elif self._of.closing is not None:
            # without knapsacks kept whole, cases seldom bound more than multipliers that kept them
            return
        # cutting planes have found the best multipliers that there are, or nearly
        steps = ROOT_STEPS if self._of.strong is self._of.program else 0
        better = self._raised(part.trees[row], self._of.low, self._of.program.most, steps, end, clock)
        if self._of.bound(better) > part.certified[row]:
            part.trees[row], part.certified[row] = better, min(target, self._of.bound(better))
        if part.certified[row] >= target:
            return
        root = _Leaf(part.certified[row], part.trees[row], self._of.low, self._of.program.most, None)
        nodes: list[tuple[int, int, int, int]] = []
        heap: list[tuple[int, int, _Leaf]] = []
        number = 0
        fractions = self._fraction(solver, root.low, root.high, end, clock)
        if fractions is None:
            return
        root.fraction, root.charged = fractions
        heapq.heappush(heap, (root.bound, number, root))
        done: list[_Leaf] = []
        while heap and len(heap) + len(done) < LEAVES:
            bound, _, leaf = heap[0]
            if bound >= target or over(end, clock):
                break
            heapq.heappop(heap)
            column, threshold = self._branching(leaf)
            if column < 0:
                done.append(leaf)  # its relaxation is whole, and no better than what is known
                continue
            node = len(nodes)
            nodes.append((column, threshold, 0, 0))
            hang(nodes, leaf.place, node)
            for side, limits in enumerate(halves(leaf.low, leaf.high, column, threshold)):
                child = self._child(solver, leaf, *limits, (node, side), end, clock)
                number += 1
                heapq.heappush(heap, (child.bound, number, child))
        everything = [leaf for _, _, leaf in sorted(heap, key=lambda one: one[1])] + done
        if min(leaf.bound for leaf in everything) > part.certified[row]:
            tree = self._tree(nodes, everything)
            # one leaf's multipliers may have kept rows whole that another's do not
            if (bound := self._of.bound(tree)) > part.certified[row]:
                part.trees[row], part.certified[row] = tree, min(target, bound)

    def _child(
        self,
        solver: MipSolver,
        parent: _Leaf,
        low: Ints,
        high: Ints,
        place: tuple[int, int],
        end: float | None,
        clock: Clock,
    ) -> _Leaf:
        answer = solver.relaxation(self._of.linear, remaining(end, clock), low, high)
        trees = [parent.tree]
        fraction: Floats | None = None
        charged: Floats | None = None
        if answer is not None and not answer.infeasible:
            trees.append(self._of.one_leaf(*self._of.rounded(answer.row_dual)))
            fraction, charged = answer.values, answer.charged
        elif answer is not None and len(answer.row_dual):
            # a ray that proves that there is nothing: enough of it closes the case
            trees += [self._of.one_leaf(*self._of.rounded(answer.row_dual * weight)) for weight in _RAYS]
        if len(self._of.packed):
            steps = LEAF_STEPS if self._of.strong is self._of.program else 0
            trees[:2] = [self._raised(tree, low, high, steps, end, clock) for tree in trees[:2]]
        bounds = [self._leaf_bound(tree, low, high) for tree in trees]
        best = bounds.index(max(bounds))
        return _Leaf(bounds[best], trees[best], low, high, place, fraction, charged)

    def _raised(self, tree: Tree, low: Ints, high: Ints, steps: int, end: float | None, clock: Clock) -> Tree:
        """The same leaf with the packed rows kept whole, and multipliers that fit that."""
        if not len(self._of.packed) or over(end, clock):
            return tree
        program = self._of.program
        y = np.zeros(len(program.row_kind))
        y[tree.rows] = tree.multipliers[0] / self._of.program.scale
        kept = np.isin(program.row_kind, (RowKind.GIVEN, RowKind.LOAD, RowKind.SHORTFALL))
        y[kept & np.isin(program.row_node, program.row_node[self._of.packed])] = 0.0
        above = tree.above[0].copy()
        for number, (higher, budget) in enumerate(self._of.budgets):
            # a level that is as good as it can be anyway is held there, at no cost to the bound
            if int(np.minimum(higher.cost * program.most, 0).sum()) + higher.constant == budget and not higher.largest:
                more = 4 * self._of.program.scale * int(np.abs(self._of.level.cost).max(initial=0))
                above[number] = min(int(above[number]) + more, int(MOST))
        cost = self._of.level.cost.astype(float)
        for (higher, _), weight in zip(self._of.budgets, above.tolist(), strict=True):
            cost += weight / self._of.program.scale * higher.cost
        constant = sum(
            w / self._of.program.scale * (h.constant - b)
            for (h, b), w in zip(self._of.budgets, above.tolist(), strict=True)
        )
        target = self._of.part.reached[self._of.row] - self._of.level.constant - constant
        found = raised_multipliers(program, cost, y, self._of.packed, low, high, target, steps)
        own = np.rint(np.clip(found * self._of.program.scale, -MOST, MOST)).astype(np.int64)
        rows = np.flatnonzero(own)
        return replace(self._of.one_leaf(rows, own[rows], above), packed=self._of.packed)

    def _leaf_bound(self, tree: Tree, low: Ints, high: Ints) -> int:
        return leaf_bound(
            self._of.program,
            self._of.level,
            self._of.budgets,
            tree.rows,
            tree.multipliers[0],
            tree.above[0],
            tree.packed,
            tree.scale,
            low,
            high,
        )

    def _fraction(
        self, solver: MipSolver, low: Ints, high: Ints, end: float | None, clock: Clock
    ) -> tuple[Floats, Floats] | None:
        answer = solver.relaxation(self._of.linear, remaining(end, clock), low, high)
        return None if answer is None or answer.infeasible else (answer.values, answer.charged)

    def _branching(self, leaf: _Leaf) -> tuple[int, int]:
        """The column to split at, and the threshold."""
        if leaf.fraction is None or leaf.charged is None:
            return -1, 0
        value = leaf.fraction * self._of.program.step
        arcs = len(self._of.program.demand_of)
        least, most = np.maximum(self._of.program.least, leaf.low), np.minimum(self._of.program.most, leaf.high)
        gap = np.minimum(value, least - value)  # between nothing and the least
        between = (gap > 1e-6) & (leaf.low <= 0)
        # where a column is used a little, but charged for less
        charged = np.ones(len(value))
        charged[self._of.linear.used] = leaf.charged
        between |= (value > 1e-6) & (charged < 1 - 1e-6) & (leaf.low <= 0)
        gap = np.maximum(gap, np.where(between, 1e-3, 0.0))
        part = np.abs(leaf.fraction - np.rint(leaf.fraction))
        score = np.where(between, gap / np.maximum(least, 1), np.where(part > 1e-6, part, 0.0))
        score[most <= 0] = 0.0
        # only what is decided: a proof has no name for the others
        score[self._of.part.named :] = 0.0
        own = score[:arcs]
        column = int(np.argmax(own)) if own.size and own.max() > 1e-6 else int(np.argmax(score))
        if score[column] <= 1e-6:
            return -1, 0
        if between[column]:
            return column, 0
        return column, int(np.floor(leaf.fraction[column])) * int(self._of.program.step[column])

    def _tree(self, nodes: list[tuple[int, int, int, int]], leaves: Sequence[_Leaf]) -> Tree:
        dense = np.zeros((len(leaves), len(self._of.program.row_kind)), dtype=np.int64)
        above = np.zeros((len(leaves), self._of.row), dtype=np.int64)
        for number, leaf in enumerate(leaves):
            dense[number, leaf.tree.rows] = leaf.tree.multipliers[0]
            above[number] = leaf.tree.above[0]
            hang(nodes, leaf.place, -1 - number)
        rows = np.flatnonzero(dense.any(axis=0))
        column, threshold, below, over = np.array(nodes, dtype=np.int64).reshape(-1, 4).T
        kind, node = self._of.said(rows)
        return Tree(
            rows,
            kind,
            node,
            dense[:, rows],
            above,
            column,
            threshold,
            below,
            over,
            self._of.packed,
            self._of.program.scale,
        )


@dataclass(slots=True)
class _Leaf:
    """A case: its bound, its multipliers, its limits, where it hangs, and what the relaxation chose there."""

    bound: int
    tree: Tree
    low: Ints
    high: Ints
    place: tuple[int, int] | None
    fraction: Floats | None = None
    charged: Floats | None = None
