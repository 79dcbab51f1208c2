"""Better answers of one level of a component: a primal search of few columns, of blocks, and of all that may matter."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from aidmatch.arrays import Bools, Floats, Ints, dot, first_of_each
from aidmatch.engine.parts import without_others
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.searching import Relaxing, Search, Steps
from aidmatch.engine.timing import remaining
from aidmatch.engine.values import activity_of, value_of
from aidmatch.integer_program import NO_LIMIT, IntegerLevel, IntegerProgram, RowKind
from aidmatch.solvers.mip import Linear, MipAnswer

__all__ = ["Primal"]

#: Pairs of each demand that a first search looks at, besides those that the relaxation takes.
FEW: Final = 3
#: Part of a search's time for the pairs that the relaxation nearly likes, in a large component.
NEARLY: Final = 0.8
#: Part of a search's time, before that, for the pairs alone that are known or that the relaxation takes, and for the
#: demands that it serves otherwise.
SOONEST: Final = 0.75
#: Part of its bound within which a level is searched with those below in view first.
CLOSE: Final = 0.002
LAST: Final = 0.001
#: Pairs of each demand that a block's own relaxation looks at.
WIDE: Final = 24
#: How near to its bound a search of some columns ends, as a part of it.
NEAR: Final = 5e-4
#: Units of a level that may be left so.
MANY: Final = 100
#: Part of a block's time for its own relaxation, and what the last level weighs there.
LED: Final = 0.3
LEANING: Final = 1e-3
#: Part of a search's time for blocks two together.
PAIRS: Final = 0.9
#: Pairs of each demand that are looked at, and how far around what the relaxation of all levels leaves open, one after
#: the other.
REACHES: Final = ((1, 0), (FEW, 0), (1, 1), (FEW, 1))
#: What costs of the levels below may add up to in a search, where values are whole.
TIE: Final = 0.04
#: Seconds a column that handing over a program and presolving it takes at least.
READING: Final = 2e-5
#: Seconds a column below which a search of blocks together has not bettered what they are apart.
TOGETHER: Final = 2e-4
#: How many times the seconds of a search that was stopped another one is worth, which begins where that began.
LONGER: Final = 1.5
#: Seconds a column below which a search of all that may still be used has never ended.
SEARCHING: Final = 1e-4


class Primal:
    """Looks for better answers.

    Parameters
    ----------
    of
        The level, with its relaxation and what is known.
    """

    def __init__(self, of: Relaxed) -> None:
        self._of = of

    def searched(self, seconds: float | None) -> Steps[None]:
        """Look for a better answer, and a claim of the bound.

        Once more only with far more time than before, which the levels below could use; the last level has none.
        """
        if seconds is not None and not self._of.is_last and seconds < LONGER * self._of.searched:
            return
        self._of.searched = seconds or 0.0
        answer = yield from self._search(seconds)
        part, row = self._of.part, self._of.row
        part.reached[row] = self._of.accept(answer)
        if answer.bound is not None:
            claimed = min(part.reached[row], answer.bound + self._of.level.constant)
            part.claimed[row] = max(part.claimed[row], claimed)

    def ended(self, seconds: float | None) -> Steps[None]:
        """Search all pairs that an answer may have which is as good as what is known, whose bound is a claim."""
        if self._of.is_settled:
            return
        answer = yield from self.within(seconds, *self._of.limits())
        reached = self._of.accept(answer)
        if answer.bound is not None:
            claimed = min(reached, answer.bound + self._of.level.constant)
            self._of.claimed = claimed if self._of.claimed is None else max(self._of.claimed, claimed)

    def sketched(self, seconds: float | None, each: int = FEW) -> Steps[None]:
        """Look for a better answer among the pairs that are known or taken by the relaxation, and few more of each."""
        low, high = self._of.face()
        few = self._few(high, each)
        if few is not None:
            self._of.accept((yield from self.within(seconds, low, few)))

    def nearby(self, seconds: float | None, *, wide: bool) -> Steps[None]:
        """Search the demands that looking ahead serves otherwise than what is known, and those beside them if wide."""
        relaxations = self._of.part.relaxations
        if relaxations is not None and relaxations.taken is not None:
            yield from self._search_around(relaxations.taken, REACHES if wide else REACHES[:2], seconds)

    def otherwise(self, seconds: float | None) -> Steps[None]:
        """Search the demands that this level's own relaxation serves more or less, whatever the levels below lose."""
        of, end = self._of, None if seconds is None else time.monotonic() + seconds
        if of.guide is None or of.own.largest:
            return
        taken = of.guide[0] * of.program.step
        # what is nearly there is not worth what the levels below have
        close = not of.is_last and of.reached - of.proven <= CLOSE * abs(of.proven)
        for below in (True, False) if close else (False,):
            left = remaining(end, time.monotonic)
            part = None if left is None else (SOONEST if below else 1.0) * left
            yield from self._search_around(taken, REACHES[:1], part, pairs=False, below=below)

    def around(self, taken: Floats, seconds: float | None) -> Steps[None]:
        """Search the demands that some values serve otherwise than what is known."""
        yield from self._search_around(taken, REACHES, seconds)

    def region(self, columns: Ints, most: float | None, seconds: float | None) -> Steps[None]:
        """Search some columns, as `regions_of` gives them, so that others may be searched at the same time.

        No longer than the most seconds that it may have.
        """
        seconds = seconds if seconds is None or most is None else min(seconds, most)
        low, high = self._of.face()
        few = self._few(high, FEW)
        high = high if few is None else few
        if (high > low)[columns].any():
            every = np.ones(len(self._of.plain.row_kind), dtype=np.bool_)
            self._of.accept((yield from self.within(seconds, low, high, columns, near=NEAR, rows=every)))

    def block(self, columns: Ints, rows: Bools, known: Ints, each: int, seconds: float | None) -> Steps[None]:
        """Search a block, so that others may be searched at the same time, and which is first does not matter.

        Its own relaxation, all others as they are, tells which pairs to look at: of all answers that are as good here,
        it leans to those that the last level would have.

        Parameters
        ----------
        columns, rows
            As `blocks_of` and `shared_out` give them.
        known
            The answer that all of them start from. What another has found meanwhile leaves this one no less.
        each
            How many pairs of each demand are looked at, besides those that the relaxation takes.
        seconds
            How much time there is; None for no end.
        """
        end = None if seconds is None else time.monotonic() + seconds
        low, high = self._of.face()
        many = self._few(high, WIDE)
        high = high if many is None else many
        inside = columns[high[columns] > low[columns]]
        if not inside.size:
            return
        linear, _ = self._part(self._of.program, inside, known, rows, Linear.compact)
        least, most = linear.limits(low[inside], high[inside])
        leaning = linear.cost + self._leaning(inside) * linear.step
        linear = replace(linear, cost=leaning, lower=least, upper=most)
        answer = yield Relaxing(linear, None if seconds is None else LED * seconds)
        if answer is None or not answer.optimal:
            return
        taken, reduced = np.zeros(len(high)), np.full(len(high), np.inf)
        taken[inside], reduced[inside] = answer.values, linear.reduced(answer.duals)
        few = self._few(high, each, guide=(taken, reduced))
        high = high if few is None else few
        left, reached = remaining(end, time.monotonic), value_of(self._of.own, known)
        near = NEAR if NEAR * abs(reached) > MANY else 0.0
        # the last unit is not worth what the levels below have
        below = not self._of.is_last and reached - self._of.proven <= LAST * abs(self._of.proven)
        self._of.accept((yield from self.within(left, low, high, columns, near, below, rows=rows, known=known)))

    def promising(self, blocks: Sequence[Ints]) -> dict[int, int]:
        """By how many units each block may better the level by itself, those that may do so most first.

        What cannot gain a whole unit is left out. Without multipliers, all may gain alike.
        """
        hoped = self._of.spent(blocks)
        if hoped is None:
            return dict.fromkeys(range(len(blocks)), 1)
        order = sorted(range(len(hoped)), key=lambda one: -hoped[one])
        return {number: hoped[number] for number in order if hoped[number]}

    def _leaning(self, inside: Ints) -> Floats:
        """Little costs of pairs by the last level."""
        arcs, last = len(self._of.program.demand_of), self._of.part.program.levels[-1]
        found = np.zeros(len(inside))
        largest = int(np.abs(last.cost[:arcs]).max(initial=0))
        if not self._of.is_last and not last.largest and largest:
            pairs = inside < arcs
            size = LEANING * float(np.abs(self._of.level.cost).max(initial=0)) / largest
            found[pairs] = size * last.cost[inside[pairs]]
        return found

    def _search_around(
        self,
        taken: Floats,
        reaches: Sequence[tuple[int, int]],
        seconds: float | None,
        *,
        pairs: bool = True,
        below: bool = False,
    ) -> Steps[None]:
        """Search the demands that a relaxation serves otherwise than what is known, and then more around them."""
        end = None if seconds is None else time.monotonic() + seconds
        low, high = self._of.face()
        for each, hops in reaches:
            left, few = remaining(end, time.monotonic), self._few(high, each, taken)
            rounding = self._of.part.rounding
            if few is None or rounding is None or self._is_proven() or (left is not None and left <= 0):
                return
            here = np.flatnonzero(rounding.around(taken, self._of.start(), hops, pairs=pairs))
            # a wider search would lose what the levels below have
            led = below or hops > 0
            self._of.accept((yield from self.within(left, low, few, here, near=NEAR, below=led)))

    def _search(self, seconds: float | None) -> Steps[MipAnswer]:
        if self._of.part.large:
            return (yield from self._search_large(seconds, *self._of.face()))
        end = None if seconds is None else time.monotonic() + seconds
        if self._of.part.sacks or self._of.part.kept is None:
            yield from self.sketched(None if seconds is None else 0.5 * seconds)
        if self._is_proven():
            return MipAnswer(None, None, 0.0)
        left = None if end is None else max(0.0, end - time.monotonic())
        answer: MipAnswer = yield Search(self._of.linear, left, *self._of.limits(), self._of.start())
        return answer

    def _search_large(self, seconds: float | None, low: Ints, high: Ints) -> Steps[MipAnswer]:
        """Search a large component: block by block, or few columns first and then more of them."""
        end = None if seconds is None else time.monotonic() + seconds
        stages: list[tuple[float, Callable[[float | None], Steps[None]]]] = []
        blocks = self._of.part.blocks
        last = self._of.is_last
        if not self._of.has_blocks:
            stages.append((SOONEST, self.otherwise))

        def within(each: int, column: float = READING) -> Callable[[float | None], Steps[None]]:
            def stage(left: float | None) -> Steps[None]:
                few = self._few(high, each)
                if few is None or (left is not None and left < column * int((few > 0).sum())):
                    return
                limits = self._of.limits()
                every = int((limits[1] > limits[0]).sum())
                if every <= int((few > low).sum()) and (left is None or left >= SEARCHING * every):
                    return  # all that may matter is no more, and is searched in the end
                least, few = self._as_served(low, few) if not each else (low, few)
                self._of.accept((yield from self.within(left, least, few)))

            return stage

        if not blocks:
            stages.append((SOONEST, within(0)))
        elif last:
            stages.append((PAIRS, partial(self._search_pairs, blocks, low, high)))
        if last or not blocks:
            stages.append((NEARLY, within(FEW, TOGETHER if blocks else READING)))
        for share, stage in stages:
            left = remaining(end, time.monotonic)
            yield from stage(None if left is None else share * left)
            if self._is_proven():
                return MipAnswer(None, None, 0.0)
        low, high = self._of.limits()
        left = remaining(end, time.monotonic)
        if left is not None and left < SEARCHING * int((high > low).sum()):
            return MipAnswer(None, None, 0.0)  # the time would go into handing it over
        return (yield from self.within(left, low, high))

    def _is_proven(self) -> bool:
        return self._of.proven >= self._of.reached

    def _search_pairs(self, blocks: Sequence[Ints], low: Ints, high: Ints, seconds: float | None) -> Steps[None]:
        """Search blocks two together, one that the relaxation would have better and one that it would have worse.

        A block may have what the relaxation gives to another, which the levels above allow in sum alone.
        """
        end = None if seconds is None else time.monotonic() + seconds
        hoped = {number: self._hoped(blocks[number]) for number in range(len(blocks))}
        if not any(hoped.values()):
            return
        order = sorted(hoped, key=lambda one: (-hoped[one], one))
        few = self._few(high, FEW)
        for place in range(len(order) // 2):
            left = remaining(end, time.monotonic)
            if few is None or (left is not None and left <= 0):
                return
            both = np.sort(np.concatenate([blocks[order[place]], blocks[order[-1 - place]]]))
            seconds = None if left is None else 2 * left / (len(order) // 2 - place + 1)
            self._of.accept((yield from self.within(seconds, low, few, both, near=NEAR)))

    def _hoped(self, block: Ints) -> float:
        """By how much the relaxation has a block better than what is known."""
        taken = (
            self._of.program.step[block] * self._of.guide[0][block]
            if self._of.guide is not None
            else self._of.start()[block]
        )
        return float(self._of.level.cost[block] @ (self._of.start()[block] - taken))

    def _as_served(self, low: Ints, high: Ints) -> tuple[Ints, Ints]:
        """Limits that keep what each demand is served, where a level has costs of pairs alone."""
        arcs, program = len(self._of.program.demand_of), self._of.program
        low, high = low.copy(), high.copy()
        if self._of.level.cost[arcs:].any():
            return low, high
        of = np.repeat(program.row_kind, np.diff(program.row_start))
        served = program.row_column[(of == RowKind.SERVED) & (program.row_column >= arcs)]
        low[served] = high[served] = self._of.start()[served]
        return low, high

    def within(
        self,
        seconds: float | None,
        low: Ints,
        high: Ints,
        here: Ints | None = None,
        near: float = 0.0,
        below: bool = False,
        strong: bool = True,
        rows: Bools | None = None,
        known: Ints | None = None,
    ) -> Steps[MipAnswer]:
        """Search some columns, or all, within limits that what is known keeps, while all others stay what they are.

        What limits close, which may be most, is not handed over. A bound is that of such answers. Rows of cutting
        planes bring a bound sooner, and answers of few columns later. With rows, the columns use what others leave only
        of these, and nothing of what they leave of the levels above; all others are what they are in the answer so far,
        or in another that is known.
        """
        began = time.monotonic()
        program = self._of.strong if strong else self._of.program
        here = np.arange(len(high)) if here is None else here
        inside = here[high[here] > low[here]]
        known = self._of.start() if known is None else known
        linear, fixed = self._part(program, inside, known, rows, Linear.of)
        linear = replace(linear, near=near, knapsacks=self._of.part.knapsacks)
        if below:
            linear = self._better_below(linear, inside)
        left = None if seconds is None else max(0.0, seconds - (time.monotonic() - began))
        answer = yield Search(linear, left, low[inside], high[inside], known[inside])
        took, bound = time.monotonic() - began, None if answer.bound is None else answer.bound + fixed
        if answer.values is None:
            return MipAnswer(None, bound, took)
        # others may have changed what is outside
        values = self._of.start() / program.step
        values[inside] = answer.values
        return MipAnswer(values, bound, took)

    def _part(
        self,
        program: IntegerProgram,
        inside: Ints,
        known: Ints,
        rows: Bools | None,
        linear: Callable[[IntegerProgram, IntegerLevel, Sequence[tuple[IntegerLevel, int]]], Linear],
    ) -> tuple[Linear, int]:
        """Some columns as a solver is given them, all others being what they are, and what these cost."""
        held = known.copy()
        held[inside] = 0
        activity = activity_of(program, held)
        lower, upper = program.row_lower.copy(), program.row_upper.copy()
        if rows is not None:
            closed = np.zeros(len(lower), dtype=np.bool_)
            closed[: len(rows)] = ~rows
            now = activity_of(program, known)
            lower = np.where(closed & (lower > -NO_LIMIT), now, lower)
            upper = np.where(closed & (upper < NO_LIMIT), now, upper)
        lower[lower > -NO_LIMIT] -= activity[lower > -NO_LIMIT]
        upper[upper < NO_LIMIT] -= activity[upper < NO_LIMIT]
        cut = without_others(replace(program, levels=(), row_lower=lower, row_upper=upper), inside)
        budgets = [
            (replace(higher, cost=higher.cost[inside]), self._left(higher, budget, held, known, alone=rows is not None))
            for higher, budget in self._of.budgets
        ]
        own = replace(self._of.level, cost=self._of.level.cost[inside])
        return linear(cut, own, budgets), dot(self._of.level.cost, held)

    @staticmethod
    def _left(level: IntegerLevel, budget: int, held: Ints, known: Ints, *, alone: bool) -> int:
        """What some columns may be at a level above, all others being held."""
        if level.largest:
            return budget
        return level.constant + dot(level.cost, known - held) if alone else budget - dot(level.cost, held)

    def _better_below(self, linear: Linear, inside: Ints) -> Linear:
        """Lead a search, among answers that are equal at this level, to those that are better at the levels below.

        It may stop before it has the best of them.
        """
        cost, part = np.zeros(len(inside)), TIE
        most = self._of.program.most[inside].astype(float)
        for lower in self._of.part.program.levels[self._of.row + 1 :]:
            part /= 2
            # a column of the largest, which is the last, is of no level below
            own = np.append(lower.cost, 0)[np.minimum(inside, len(lower.cost))].astype(float)
            if not lower.largest and (reach := float(np.abs(own) @ most)):
                cost += part / reach * own
        weighed = linear.cost.copy()
        weighed[: len(inside)] += cost * linear.step
        return replace(linear, cost=weighed, tie=TIE)

    def _few(
        self, high: Ints, each: int, taken: Floats | None = None, guide: tuple[Floats, Floats] | None = None
    ) -> Ints | None:
        """Limits that leave only pairs that are known or that a relaxation nearly likes; None if these are most."""
        arcs, whole = len(self._of.program.demand_of), guide is None
        guide = self._of.guide if guide is None else guide
        if guide is None or arcs < FEW * len(np.unique(self._of.program.demand_of)):
            return None
        guided, reduced = guide
        taken = guided if taken is None else guided + taken
        keep = (taken[:arcs] > 1e-9) | (self._of.part.values[:arcs] > 0) | (self._of.part.low[:arcs] > 0)
        # the cheapest of each demand, too
        # and of equally cheap ones, those that the last level would have
        last = self._of.part.program.levels[-1].cost[:arcs]
        order = np.lexsort((last, np.round(reduced[:arcs], 6), self._of.program.demand_of))
        keep[first_of_each(order, self._of.program.demand_of, each)] = True
        if each and whole:
            keep |= self._nearest_the_bound(2 * each * len(np.unique(self._of.program.demand_of)))
        few = high.copy()
        few[:arcs][~keep] = 0
        return few

    def _nearest_the_bound(self, count: int) -> Bools:
        """About so many pairs whose use costs least above the bound: if an optimum is near it, it has no others."""
        excess, arcs = self._of.excess, len(self._of.program.demand_of)
        if excess is None or count >= arcs:
            return np.zeros(arcs, dtype=np.bool_)
        more, _, _ = excess
        # those that are level with the last one may be most
        return np.asarray(more[:arcs] < np.partition(more[:arcs], count)[count], dtype=np.bool_)
