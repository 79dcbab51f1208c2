"""Rows that whatever a supply does as a whole keeps, by how many pairs of each load it has.

What a caregiver can carry depends on how many clients of each load there are,
and so does what the minimum then misses. These counts are few points of few
dimensions. The facets of their convex hull (Qhull; Barber, Dobkin and Huhdanpaa
1996) are rows of pairs, and a relaxation of pairs that is given those it breaks
bounds nearly as well as one of whole sets of clients does, many times as
quickly. Its multipliers of the demands are priced by sets (`choices.py`), so
that no bound rests on a facet; searches do, and so each row is in whole
numbers, and its limit the exact maximum over all points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aidmatch.arrays import Floats, Ints, as_whole
from aidmatch.engine.choices import Choices
from aidmatch.engine.parts import Part
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.timing import Clock, over, remaining, share_of
from aidmatch.solvers.growing import GrowingAnswer, GrowingSolver
from aidmatch.solvers.mip import Linear

__all__ = ["Counted", "Facets", "Multipliers"]

#: What no coefficient is, and by how much a row is broken that is worth adding.
_NOTHING: Final = 1e-9
_BROKEN: Final = 1e-6
_ROUNDS: Final = 100
#: Digits by which planes are told apart.
_DIGITS: Final = 9
#: Part of the time for a relaxation with facets that facets may take to find.
_FINDING: Final = 0.3


class Facets:
    """The facets of what each supply may do.

    Parameters
    ----------
    choices
        What that is.
    """

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self._known: dict[tuple[bytes, bytes], Ints] = {}

    def of(self, supply: int) -> Ints:
        """Rows of a supply's facets: coefficients of each load's pairs, that of what is missed, and the limit.

        As if there were pairs of each load without end, so that few supplies differ.

        Parameters
        ----------
        supply
            Its number.
        """
        fits, missed = self.choices.fits_of_many[supply], self.choices.missed[supply]
        key = fits.tobytes(), missed.tobytes()
        if key not in self._known:
            self._known[key] = _facets(self.choices.counts[fits], missed[self.choices.total[fits]])
        return self._known[key]


def _facets(counts: Ints, missed: Ints) -> Ints:
    """Facets of the convex hull of counts, shape (points, loads), and of all that is no less than what they miss."""
    from scipy.spatial import ConvexHull, QhullError

    points = np.column_stack([counts, missed])
    width = points.shape[1]
    some = np.flatnonzero(points.max(axis=0) > points.min(axis=0))
    rows = np.eye(width, dtype=np.int64)[some[some < width - 1]]
    if len(some) > 1:
        own = points[:, some].astype(float)
        if some[-1] == width - 1:
            # whoever misses more than they must may do so
            higher = own.copy()
            higher[:, -1] = missed.max() + 1
            own = np.concatenate([own, higher])
        try:
            # many simplices are in one plane
            equations = np.unique(np.round(ConvexHull(own).equations[:, :-1], _DIGITS), axis=0)
        except QhullError:  # all in one plane: the relaxation of pairs goes without
            equations = np.zeros((0, len(some)))
        if len(equations):
            size = np.abs(equations)
            least = np.where(size > _NOTHING, size, np.inf).min(axis=1, keepdims=True)
            hull = np.zeros((len(equations), width), dtype=np.int64)
            hull[:, some] = as_whole(equations / least)
            rows = np.concatenate([rows, hull])
    rows = np.unique(rows, axis=0)
    # neither that counts are not below nothing, nor the lid on what is missed
    rows = rows[(rows[:, -1] < 0) | ((rows[:, -1] == 0) & (rows > 0).any(axis=1))]
    return np.column_stack([rows, (rows @ points.T).max(axis=1, initial=0)])


@dataclass(frozen=True, slots=True)
class Multipliers:
    """What a relaxation of pairs says that knows of facets.

    Parameters
    ----------
    demand
        Multipliers of what demands are served, in the order of the rows.
    above
        Multipliers of the levels above.
    taken
        How much of each column it takes.
    """

    demand: Floats
    above: Floats
    taken: Floats


class Counted:
    """One component: its supplies, the loads of its pairs, and the facets that were found so far.

    Parameters
    ----------
    facets
        Of all supplies.
    part
        The component.
    """

    def __init__(self, facets: Facets, part: Part) -> None:
        choices, supply_of = facets.choices, part.program.supply_of
        self._arcs = len(supply_of)
        self._supplies, place = np.unique(supply_of, return_inverse=True)
        #: of each pair, the place of its load among those of its supply; −1 where it is never used
        self._load = choices.place_of_load[part.columns[: self._arcs]]
        self._live = np.flatnonzero(self._load >= 0)
        self._width = choices.loads + 1
        self._cell = place[self._live] * self._width + self._load[self._live]
        short = choices.short[self._supplies]
        self._short = np.where(
            choices.missed[self._supplies].any(axis=1), np.searchsorted(part.columns, np.maximum(short, 0)), -1
        )
        order = np.argsort(place[self._live], kind="stable")
        self._of_supply = np.split(
            self._live[order], np.searchsorted(place[self._live][order], np.arange(1, len(self._supplies)))
        )
        self._facets = facets
        #: supplies whose facets are not found yet, and rows with the supplies that have them
        self._waiting = list(range(len(self._supplies)))[::-1]
        self._groups: dict[bytes, tuple[Ints, list[int]]] = {}

    def _find(self, end: float | None, clock: Clock) -> None:
        """Find facets; those of supplies that are left when the time is over are looked for the next time."""
        while self._waiting and not over(end, clock):
            number = self._waiting.pop()
            rows = self._facets.of(int(self._supplies[number]))
            if len(rows):
                self._groups.setdefault(rows.tobytes(), (rows, []))[1].append(number)

    def cut(self, of: Relaxed, solver: GrowingSolver, end: float | None, clock: Clock) -> Multipliers | None:
        """Solve the relaxation of pairs, and again with the facets that it breaks, until it breaks none.

        Parameters
        ----------
        of
            The level; its searches get the rows.
        solver
            Has linear programs that grow.
        end, clock
            When to stop, and what tells the time.

        Returns
        -------
        What the last relaxation said; None if there was none.
        """
        self._find(share_of(end, _FINDING, clock), clock)
        linear = Linear.compact(of.strong, of.level, of.budgets)
        model = linear.grown(solver)
        last: GrowingAnswer | None = None
        added: set[tuple[int, int]] = set()
        for _ in range(_ROUNDS):
            answer = None if over(end, clock) else model.solve(remaining(end, clock))
            if answer is None or not answer.optimal:
                break
            last = answer
            node, columns, coefficients, limits = self._broken(answer.values, added)
            if not len(node):
                break
            size = np.array([len(one) for one in columns], dtype=np.int64)
            start, column, coefficient = np.cumsum(size) - size, np.concatenate(columns), np.concatenate(coefficients)
            model.add_rows(np.full(len(node), -np.inf), limits.astype(float), start, column, coefficient.astype(float))
            of.strengthen(node, start, column, coefficient, limits)
        if last is None:
            return None
        return Multipliers(*of.demand_and_above(linear, last.duals), last.values)

    def _broken(self, values: Floats, added: set[tuple[int, int]]) -> tuple[Ints, list[Ints], list[Ints], Ints]:
        """Rows that some values break and that were not added: supplies, columns, coefficients and limits."""
        counts = np.bincount(
            self._cell, weights=values[self._live], minlength=len(self._supplies) * self._width
        ).reshape(-1, self._width)
        counts[:, -1] = np.where(self._short >= 0, values[np.maximum(self._short, 0)], 0.0)
        node: list[int] = []
        columns: list[Ints] = []
        coefficients: list[Ints] = []
        limits: list[int] = []
        for rows, who in self._groups.values():
            broken = counts[who] @ rows[:, :-1].T > rows[:, -1] + _BROKEN
            for place, row in np.argwhere(broken).tolist():
                number = who[place]
                if (number, row) in added:
                    continue  # broken by no more than a solver's rounding
                added.add((number, row))
                arcs = self._of_supply[number]
                each = rows[row, self._load[arcs]]
                if (missed := int(rows[row, -2])) and self._short[number] >= 0:
                    arcs, each = np.append(arcs, self._short[number]), np.append(each, missed)
                node.append(int(self._supplies[number]))
                columns.append(arcs[each != 0])
                coefficients.append(each[each != 0])
                limits.append(int(rows[row, -1]))
        return np.array(node, dtype=np.int64), columns, coefficients, np.array(limits, dtype=np.int64)
