"""Bounds of a large component by the cases of one of its blocks.

With what blocks share at its multipliers, a block is decided by itself: a
shipment costs its donor's multiplier, and no donor has a limit. So where the
relaxation of a block takes half a shipment, it is split into the case without
and the case with it, and each case has multipliers of the block's own rows;
all other rows keep theirs. A few cases close what a relaxation of all kinds
cannot (Lagrangian relaxation, branch and bound; Geoffrion 1974), and the next
level begins with the same ones.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from aidmatch.arrays import Floats, Ints, first_of_each
from aidmatch.engine.blocks import Split
from aidmatch.engine.bounds import halves, hang, prices_of
from aidmatch.engine.parts import without_others
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.timing import Clock, over, remaining
from aidmatch.integer_program import NO_LIMIT, Tree
from aidmatch.solvers.growing import GrowingSolver
from aidmatch.solvers.mip import Linear

__all__ = ["split_block"]

#: Most cases of a block: a check restates the level for each.
LEAVES: Final = 6
#: Splits in a row that do not raise what is least, after which there are no more.
IN_VAIN: Final = 3
#: Ways to split a case that are tried, until one gains such a part of what there is to gain.
STRONG: Final = 40
ENOUGH: Final = 0.5
#: Pairs of each demand that a relaxation begins with.
FEW: Final = 3
#: What is whole, and what is no gain, as a part of what there is to gain.
_WHOLE: Final = 1e-6
_NO_GAIN: Final = 1e-3


@dataclass(slots=True)
class _Case:
    """A case: limits of the block's columns, where it hangs, and what its relaxation takes, is worth, and costs."""

    low: Ints
    high: Ints
    place: tuple[int, int] | None
    worth: float
    taken: Floats
    duals: Floats


def split_block(of: Relaxed, split: Split, solver: GrowingSolver, end: float | None, clock: Clock) -> Split:
    """Better the bound of a level.

    Parameters
    ----------
    of
        The level, with the multipliers of its relaxation.
    split
        The block, and the cases that it begins with.
    solver
        Solves the relaxations of cases, one after the other.
    end, clock
        When to stop, and what tells the time.

    Returns
    -------
    The cases that the level ended with; those it began with if it has no better bound by any.

    Raises
    ------
    SolverError
        As the solver raises it.
    """
    base = of.priced
    if base is None or over(end, clock):
        return split
    block = _Block(of, base, of.part.blocks[split.block], solver)
    grown = block.grown(split, end, clock)
    if grown is None:
        return split
    nodes, cases = grown
    trees = [block.tree(nodes, cases, packed) for packed in block.whole_lots]
    bounds = [of.bound(tree) for tree in trees]
    row, part, bound = of.row, of.part, max(bounds)
    if bound <= part.certified[row]:
        return split
    best = trees[bounds.index(bound)]
    part.trees[row], part.certified[row] = best, min(bound, part.reached[row])
    inner = best.column, best.threshold, best.below, best.over
    return Split(split.block, tuple(zip(*(one.tolist() for one in inner), strict=True)))


class _Block:
    """The relaxation of a block, with what it shares at the multipliers of the level's relaxation."""

    def __init__(self, of: Relaxed, base: Tree, columns: Ints, solver: GrowingSolver) -> None:
        from scipy.sparse import csr_array

        program = of.program
        self._of, self._base, self._columns = of, base, columns
        self._hoped = float(max([1, *(of.spent([columns]) or [])]))
        inside = np.zeros(len(program.most), dtype=np.bool_)
        inside[columns] = True
        rows = len(program.row_kind)
        row = np.repeat(np.arange(rows), np.diff(program.row_start))
        touched, shared = np.zeros(rows, dtype=np.bool_), np.diff(program.use_start) > 0
        touched[row[inside[program.row_column]]] = True
        shared[row[~inside[program.row_column]]] = True
        self._rows, self._own = np.flatnonzero(touched), touched & ~shared
        cost, use, _ = prices_of(
            program,
            of.level,
            of.budgets,
            base.rows[shared[base.rows]],
            base.multipliers[0][shared[base.rows]],
            base.above[0],
            base.scale,
        )
        step = program.step[columns]
        self._price = cost[columns].astype(float) / base.scale * step
        self._fee = np.maximum(use[columns].astype(float) / base.scale, 0.0)
        self._least = np.maximum(program.least[columns] // step, 1)
        self._most = program.most[columns] // step
        nothing = np.zeros(0, dtype=np.int64)
        free = replace(
            program,
            levels=(),
            row_lower=np.where(shared, -NO_LIMIT, program.row_lower),
            row_upper=np.where(shared, NO_LIMIT, program.row_upper),
            use_start=np.zeros(rows + 1, dtype=np.int64),
            use_column=nothing,
            use_coefficient=nothing,
        )
        cut = without_others(free, columns)
        linear = Linear.compact(cut, replace(of.level, cost=of.level.cost[columns]), [])
        size = len(linear.row_lower), len(columns)
        self._matrix = csr_array((linear.value, linear.column, linear.start), shape=size).tocsc()
        self._model = solver.growing()
        start = np.zeros(len(linear.row_lower), dtype=np.int64)
        self._model.add_rows(linear.row_lower, linear.row_upper, start, nothing, np.zeros(0))
        #: columns that the relaxation has so far, in the order in which they joined
        self._order = nothing
        self._join(self._begun())
        lots = of.part.whole_lots
        self.whole_lots = [lots, lots[~self._own[lots]]] if len(lots) else [lots]
        #: columns that have gained much somewhere, which are tried first
        self._first: list[int] = []

    def grown(
        self, split: Split, end: float | None, clock: Clock
    ) -> tuple[list[tuple[int, int, int, int]], list[_Case]] | None:
        """Cases, from those of the level above on, or from none if one of these has no answer; None without time."""
        nodes = list(split.nodes)
        started = self._started(nodes, end, clock)
        if started is None:
            return self.grown(Split(split.block), end, clock) if nodes and not over(end, clock) else None
        heap = [(case.worth, number, case) for number, case in enumerate(started)]
        heapq.heapify(heap)
        number, best = len(heap), (heap[0][0], list(nodes), started)
        in_vain = 0
        while len(heap) < LEAVES and in_vain < IN_VAIN and not over(end, clock):
            found = self._split(case := heap[0][2], end, clock)
            if found is None:
                break  # what is least decides
            heapq.heappop(heap)
            place, threshold, parts, enough = found
            if enough and len(nodes) > len(split.nodes) and place not in self._first:
                # what gains so much here may do so without the splits before, which another vertex has hidden
                self._first.append(place)
                return self.grown(split, end, clock)
            node = len(nodes)
            nodes.append((int(self._columns[place]), threshold, 0, 0))
            hang(nodes, case.place, node)
            for side, half in enumerate(parts):
                half.place = node, side
                number += 1
                heapq.heappush(heap, (half.worth, number, half))
            in_vain += 1
            if heap[0][0] > best[0] + _NO_GAIN * self._hoped:
                best, in_vain = (heap[0][0], list(nodes), [case for _, _, case in heap]), 0
        return best[1:]

    def tree(self, nodes: Sequence[tuple[int, int, int, int]], cases: Sequence[_Case], packed: Ints) -> Tree:
        """The proof that cases make, with some lots kept whole."""
        base, program = self._base, self._of.program
        dense = np.zeros((len(cases), len(program.row_kind)), dtype=np.int64)
        hung = list(nodes)
        whole = np.zeros(len(program.row_kind) + self._of.row)
        whole[base.rows] = base.multipliers[0] / base.scale
        whole[len(program.row_kind) :] = -base.above[0] / base.scale
        own = self._own[self._rows]
        for leaf, case in enumerate(cases):
            whole[self._rows[own]] = case.duals[own]
            rows, multipliers, _ = self._of.rounded(whole)
            dense[leaf, rows] = multipliers
            hang(hung, case.place, -1 - leaf)
        dense[:, packed] = 0
        rows = np.flatnonzero(dense.any(axis=0))
        column, threshold, below, above = np.array(hung, dtype=np.int64).reshape(-1, 4).T
        higher = np.repeat(base.above, len(cases), axis=0)
        kind, node = self._of.said(rows)
        return Tree(rows, kind, node, dense[:, rows], higher, column, threshold, below, above, packed, base.scale)

    def _started(
        self, nodes: Sequence[tuple[int, int, int, int]], end: float | None, clock: Clock
    ) -> list[_Case] | None:
        """The cases that some nodes make."""
        place_of = {int(column): place for place, column in enumerate(self._columns.tolist())}
        none = np.zeros(len(self._columns), dtype=np.int64)
        stack: list[tuple[int, Ints, Ints, tuple[int, int] | None]] = [
            (0 if nodes else -1, none, self._most * self._of.program.step[self._columns], None)
        ]
        cases: list[_Case] = []
        while stack:
            node, low, high, place = stack.pop()
            if node < 0:
                case = self._solved(low, high, place, end, clock)
                if case is None:
                    return None
                cases.append(case)
                continue
            column, threshold, below, above = nodes[node]
            less, more = halves(low, high, place_of[column], threshold)
            stack += [(above, *more, (node, 1)), (below, *less, (node, 0))]
        return cases

    def _solved(
        self, low: Ints, high: Ints, place: tuple[int, int] | None, end: float | None, clock: Clock
    ) -> _Case | None:
        """The relaxation of a case; None if it has none, or the time is over."""
        step = self._of.program.step[self._columns]
        first, last = -(-low // step), high // step
        used = low > 0
        first = np.where(used, np.maximum(first, self._least), first)
        upper = last.astype(float)
        cost = self._price + np.where(used, 0.0, self._fee / np.maximum(self._most, 1))
        self._join(np.setdiff1d(np.flatnonzero(used), self._order))
        while True:
            order = self._order
            self._model.set_limits(np.arange(len(order)), first[order].astype(float), upper[order])
            self._model.set_costs(cost[order])
            left = remaining(end, clock)
            answer = None if left is not None and left <= 0 else self._model.solve(left)
            if answer is None or not answer.optimal:
                return None
            reduced = cost - self._matrix.T @ answer.duals
            reduced[order] = 0.0
            missing = np.flatnonzero((reduced < -_WHOLE * max(1.0, float(np.abs(cost).max(initial=0.0)))) & (upper > 0))
            if not len(missing):
                break
            self._join(missing)
        taken = np.zeros(len(cost))
        taken[order] = answer.values
        return _Case(low, high, place, float(cost @ taken) + float(self._fee[used].sum()), taken, answer.duals)

    def _begun(self) -> Ints:
        """What counts for nodes, what is known, and some pairs of each demand at the level's own multipliers."""
        of, columns, arcs = self._of, self._columns, len(self._of.program.demand_of)
        pairs = np.flatnonzero(columns < arcs)
        begun = (columns >= arcs) | (of.start()[columns] > 0)
        if of.guide is not None:
            begun |= of.guide[0][columns] > _WHOLE
            demand = of.program.demand_of[columns[pairs]]
            order = np.lexsort((of.guide[1][columns[pairs]], demand))
            begun[pairs[first_of_each(order, demand, FEW)]] = True
        return np.flatnonzero(begun)

    def _join(self, places: Ints) -> None:
        if not len(places):
            return
        part, nothing = self._matrix[:, places], np.zeros(len(places))
        entries = part.indptr[:-1].astype(np.int64), part.indices.astype(np.int64), part.data
        self._model.add_columns(nothing, nothing, nothing, *entries)
        self._order = np.append(self._order, places)

    def _split(self, case: _Case, end: float | None, clock: Clock) -> tuple[int, int, tuple[_Case, _Case], bool] | None:
        """The split of a case that gains most where it gains least, and whether that is much; None if none gains."""
        best: tuple[int, int, tuple[_Case, _Case], bool] | None = None
        most = 0.0, 0.0
        for place in self._candidates(case):
            least, taken = self._least[place], case.taken[place]
            threshold = 0
            if case.low[place] > 0 or (taken >= least - _WHOLE and not self._fee[place]):
                threshold = int(np.floor(taken + _WHOLE)) * int(self._of.program.step[self._columns[place]])
            if threshold >= case.high[place]:
                continue  # nothing is above it
            less, more = (
                self._solved(*limits, None, end, clock) for limits in halves(case.low, case.high, place, threshold)
            )
            if less is None or more is None:
                continue  # that a case has no answer, multipliers that are none do not prove
            gains = sorted(max(0.0, half.worth - case.worth) for half in (less, more))
            if gains[1] > _NO_GAIN * self._hoped and (gains[0], gains[1]) > most:
                most, enough = (gains[0], gains[1]), gains[0] >= ENOUGH * self._hoped
                best = place, threshold, (less, more), enough
                if enough:
                    break
        return best

    def _candidates(self, case: _Case) -> list[int]:
        """Columns that a relaxation takes in part, or pays for in part, after those that have gained much elsewhere."""
        taken, open_ = case.taken, case.low <= 0
        some = (taken > _WHOLE) & open_
        least, most = self._least, np.maximum(self._most, 1)
        score = np.where(some & (taken < least - _WHOLE), np.minimum(taken, least - taken) / least, 0.0)
        paid = np.minimum(taken / most, 1.0)
        score = np.maximum(score, np.where(some, self._fee * np.minimum(paid, 1.0 - paid), 0.0))
        part = np.abs(taken - np.rint(taken))
        score = np.maximum(score, np.where(part > _WHOLE, part / 2, 0.0))
        # only what is decided: a proof has no name for the others
        score[self._columns >= self._of.part.named] = 0.0
        order = np.argsort(-score, kind="stable")[:STRONG]
        first = [place for place in self._first if case.low[place] <= 0 < case.high[place]]
        return [*first, *(place for place in order[score[order] > _WHOLE].tolist() if place not in first)]
