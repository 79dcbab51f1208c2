"""Better answers where supplies are knapsacks: a few of them at a time deal out anew what they serve.

The pairs of some supplies with the demands that they serve, or that nobody
does, are a program small enough for a solver to end, while all others stay as
they are. Those go together that could take over each other's demands at the
least cost above the bound. (A large neighbourhood search; Shaw 1998.)
"""

from __future__ import annotations

from typing import Final

import numpy as np

from aidmatch.arrays import Ints, first_of_each
from aidmatch.engine.primal import Primal
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.searching import Steps
from aidmatch.engine.timing import Clock, remaining

__all__ = ["exchanged"]

#: Supplies that deal out anew together, at first and at most.
FEWEST: Final = 3
MOST: Final = 8
#: Moves between two supplies that say how near they are.
MOVES: Final = 5
#: Part of what is left of the time that one search may take.
EACH: Final = 0.2
#: How near to its bound a search is ended.
NEAR: Final = 1e-4


def exchanged(of: Relaxed, seconds: float | None, *, clock: Clock) -> Steps[None]:
    """Look for a better answer, until no few supplies have one.

    Parameters
    ----------
    of
        The level, with its bound, what each pair costs above it, and what is known.
    seconds
        How much time there is; None for as much as it takes.
    clock
        Tells the time.
    """
    end = None if seconds is None else clock() + seconds
    arcs, supply_of = len(of.plain.demand_of), of.plain.supply_of
    others = np.arange(arcs, len(of.plain.most))
    supplies = np.unique(supply_of)
    done: set[bytes] = set()
    size = FEWEST
    # more than half of them are no few
    while size <= min(MOST, len(supplies) // 2):
        gained = False
        for supply in supplies.tolist():
            left = remaining(end, clock)
            if of.is_settled or (left is not None and left <= 0):
                return
            group = _beside(of, supply, size)
            serves = of.part.values[:arcs] > 0
            here = np.isin(supply_of, group)
            demands = of.plain.demand_of
            kept = np.unique(demands[serves & ~here])
            inside = np.flatnonzero(here & ~np.isin(demands, kept))
            # what has been tried, and is as it was
            key = inside.tobytes() + np.flatnonzero(serves & here).tobytes()
            if key in done:
                continue
            done.add(key)
            before = of.reached
            low, high = of.limits()
            part = None if left is None else EACH * left
            columns = np.concatenate([inside, others])
            of.accept((yield from Primal(of).within(part, low, high, columns, near=NEAR, strong=False)))
            gained |= of.reached < before
        size += not gained


def _beside(of: Relaxed, supply: int, size: int) -> Ints:
    """A supply and those to which its demands can go, and theirs to it, at the least cost above the bound."""
    arcs, supply_of, demand_of = len(of.plain.demand_of), of.plain.supply_of, of.plain.demand_of
    reduced = np.zeros(arcs) if of.guide is None else of.guide[1][:arcs]
    serves = of.part.values[:arcs] > 0
    owner = np.full(int(demand_of.max()) + 1, -1)
    owner[demand_of[serves]] = supply_of[serves]
    goes = np.flatnonzero(((owner[demand_of] == supply) != (supply_of == supply)) & ~serves)
    other = np.where(supply_of[goes] == supply, owner[demand_of[goes]], supply_of[goes])
    cost, other = reduced[goes[other >= 0]], other[other >= 0]
    # the cheapest moves say how near two are; one alone costs nothing of many
    near, count = np.zeros((2, int(supply_of.max()) + 1))
    cheapest = first_of_each(np.lexsort((cost, other)), other, MOVES)
    np.add.at(near, other[cheapest], cost[cheapest])
    np.add.at(count, other[cheapest], 1)
    near += (MOVES - count) * float(cost.max(initial=0.0))
    near[count == 0] = np.inf
    near[supply] = -np.inf
    some = np.lexsort((np.arange(len(near)), near))[:size]
    group: Ints = some[np.isfinite(near[some]) | (some == supply)]
    return group
