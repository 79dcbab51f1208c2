"""Blocks of a large component as programs of their own, with what they share at its multipliers.

A row that ties blocks to each other, such as a donor's shipments, and the levels
above move into the prices, at the multipliers of the level's relaxation; what is
left falls apart into one small integer program a block. What these are at least
adds up to a bound that is never below the relaxation's, and tells which columns
an answer can have that is better than the known one (Lagrangian decomposition;
Geoffrion 1974). What a solver says of a block is its word, so the sum is a claim.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from aidmatch.arrays import Floats
from aidmatch.engine.blocks import numbers_of
from aidmatch.engine.bounds import least_cost, prices_of, spent_of
from aidmatch.engine.lots import Lots
from aidmatch.engine.parts import without_others
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.searching import Search, Steps
from aidmatch.integer_program import NO_LIMIT, Tree
from aidmatch.solvers.mip import Linear

__all__ = ["Subproblems"]

#: What a block's costs are multiplied by at most, and what its value should stay below then: a solver says its bound in
#: whole numbers, and is sure of so many digits.
_FINEST: Final = 2.0**14
_SURE: Final = 2.0**30
#: What that bound may be off by, in the same units.
_UNSURE: Final = 2.0
#: Part of what a block is above its least that its search may leave open.
_NEAR: Final = 0.01


class Subproblems:
    """The blocks of one level.

    Parameters
    ----------
    of
        The level, with what is known of it.
    base
        Multipliers of its relaxation, those that `of.least` is by.

    Attributes
    ----------
    surplus
        How far each block is above its least, in the answer that is known; in units of the level, shape (blocks,).
    gained
        By how much the least of each block as a whole is above that of the relaxation, so far; to begin with, what its
        lots gain by being kept whole.
    taken
        The answer in which every block that was searched is at its least, which need not hold.
    """

    def __init__(self, of: Relaxed, base: Tree) -> None:
        program, scale, known = of.program, base.scale, of.start()
        self._of, self._base, self._known = of, base, known
        none = len(of.part.blocks)
        self._block, first, last = numbers_of(program, of.part.blocks)
        #: the block that is alone in each row
        self._owner = np.where(first == last, first, none)
        self._alone = self._owner < none
        by_column, by_row = spent_of(program, of.level, of.budgets, base, known)
        self.surplus = np.zeros(none + 1)
        np.add.at(self.surplus, self._block, by_column.astype(float) / scale)
        np.add.at(self.surplus, self._owner, by_row.astype(float) / scale)
        self.surplus = self.surplus[:-1]
        self._of_lots = self._by_lots()[:-1]
        self.gained = self._of_lots.copy()
        self.taken = known.astype(float)
        shared = ~self._alone[base.rows]
        rows, multipliers = base.rows[shared], base.multipliers[0][shared]
        cost, use, _ = prices_of(program, of.level, of.budgets, rows, multipliers, base.above[0], scale)
        #: of a unit of each column, and of its use
        self._cost, self._use = cost.astype(float) / scale, use.astype(float) / scale

    def search(self, block: int, seconds: float | None) -> Steps[None]:
        """Look for the least of a block.

        Parameters
        ----------
        block
            Its number.
        seconds
            How much time there is; None for no end.
        """
        of, columns, surplus = self._of, self._of.part.blocks[block], float(self.surplus[block])
        low, high = of.face()
        # with any other column, the block is no better than it is
        inside = columns[(high[columns] > 0) & (of.excess_by_column[columns] <= surplus + _UNSURE / _FINEST)]
        free = replace(
            of.program,
            levels=(),
            row_lower=np.where(self._alone, of.program.row_lower, -NO_LIMIT),
            row_upper=np.where(self._alone, of.program.row_upper, NO_LIMIT),
        )
        linear = Linear.of(without_others(free, inside), replace(of.level, cost=of.level.cost[inside]), [])
        now = float(self._cost[inside] @ self._known[inside]) + float(self._use[inside[self._known[inside] > 0]].sum())
        fine = float(np.clip(_SURE / (abs(now) + 1.0), 1.0, _FINEST))
        cost = np.zeros(len(linear.cost))
        cost[: len(inside)] = fine * self._cost[inside] * linear.step
        charged = np.flatnonzero(self._use[inside])
        cost[linear.binary[charged]] += fine * self._use[inside[charged]]
        near = _NEAR * surplus / (abs(now) + 1.0)
        linear = replace(linear, cost=cost, near=near)
        # from nothing: what is known is no help to a bound, and HiGHS 1.16.0 often mistakes what it is worth here
        answer = yield Search(linear, seconds, low[inside], high[inside], np.zeros(len(inside), dtype=np.int64))
        if answer.bound is not None and abs(now) <= _SURE:
            gain = (answer.bound - _UNSURE) / fine - (now - surplus)
            self.gained[block] = min(surplus, max(self.gained[block], gain))
        if answer.values is not None:
            self.taken[inside] = np.rint(answer.values) * linear.step

    def _by_lots(self) -> Floats:
        """By how much the lots of each block, kept whole, are above what multipliers say of them."""
        of, base, program = self._of, self._base, self._of.program
        gained = np.zeros(len(of.part.blocks) + 1)
        # others would be counted in several blocks
        whole = of.part.whole_lots[self._alone[of.part.whole_lots]]
        if not len(whole):
            return gained
        low, high = np.zeros_like(program.most), program.most
        every = base.rows, base.multipliers[0]
        free = ~np.isin(base.rows, whole)
        loose, tight = (
            prices_of(program, of.level, of.budgets, rows, multipliers, base.above[0], base.scale)[:2]
            for rows, multipliers in (every, (base.rows[free], base.multipliers[0][free]))
        )
        each = least_cost(*loose, program, low, high)
        lots = Lots(program, whole)
        least = lots.least(*tight, low, high)
        if least is not None:
            block = self._block[lots.given]
            np.add.at(gained, block, np.array([float(one) for one in least]) / base.scale)
            for columns in (lots.arcs, lots.given):
                np.add.at(gained, self._block[columns], -each[columns].astype(float) / base.scale)
        return np.maximum(gained, 0.0)

    @property
    def claimed(self) -> int:
        """The bound of the level that the blocks add up to, in the solver's word."""
        of = self._of
        return min(of.reached, int(np.ceil(of.least + float(self.gained.sum()) - _UNSURE / _FINEST)))

    def claim_beside_cases(self) -> None:
        """Claim what the other blocks add to the proof of the level, if that is by cases of one block."""
        of, base, row = self._of, self._base, self._of.row
        tree, split = of.part.trees[row], of.part.split
        if split is None or not len(tree.column) or (self._block[tree.column] != split.block).any():
            return
        if not self._alone[tree.packed].all():
            return  # such a lot is in the bound of the proof, and in what every block gains that has a pair of it
        # all else must be as it is here, but for the lots that the proof keeps whole
        every = np.zeros((len(tree.multipliers), len(of.program.row_kind)), dtype=np.int64)
        every[:, tree.rows] = tree.multipliers
        every[:, base.rows] -= base.multipliers
        every[:, tree.packed] = 0
        every[:, self._owner == split.block] = 0
        if every.any() or (tree.above != base.above).any():
            return
        more = np.delete(self.gained - self._of_lots, split.block).sum()
        claim = int(np.ceil(of.bound(tree) - 1 + float(more)))
        of.part.claimed[row] = max(of.part.claimed[row], min(of.part.reached[row], claim))

    @property
    def added(self) -> Floats:
        """What the other blocks add to what an answer with a column is at least above the bound; shape (columns,)."""
        return np.asarray(self.gained.sum() - np.append(self.gained, 0.0)[self._block])
