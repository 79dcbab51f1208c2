"""Bounds of components whose supplies choose among sets of few clients: by facets first, then by the sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from aidmatch.arrays import SAFE, Bools, Ints
from aidmatch.engine.facets import Counted, Facets
from aidmatch.engine.parts import Part
from aidmatch.engine.patterns import Begun, Patterns, Raised
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.timing import Clock, by_size, over, share_of
from aidmatch.integer_program import IntegerProgram
from aidmatch.solvers.growing import GrowingSolver

__all__ = ["ClientSets"]

#: Part of a level's time for facets of what supplies may do, and then for sets of clients.
CUTTING: Final = 0.4
GENERATING: Final = 0.4
#: The same where a component is large, which better answers do more for.
GENERATING_LARGE: Final = 0.2


class ClientSets:
    """The components that sets of clients suit, from level to level.

    Parameters
    ----------
    program
        The whole.
    parts, component
        Its components, and the one of each column.
    solver
        Has linear programs that grow.
    """

    def __init__(self, program: IntegerProgram, parts: Sequence[Part], component: Ints, solver: GrowingSolver) -> None:
        self._program, self._solver = program, solver
        self._patterns = Patterns(program, component, len(parts), solver, program.scale)
        self._facets = Facets(self._patterns.choices)
        self._counted: dict[int, Counted] = {}

    @property
    def suited(self) -> Bools:
        """Whether sets of clients suit each component."""
        return self._patterns.suited

    def hold(self, row: int, parts: Sequence[Part]) -> None:
        """Let later levels be no worse at this one than what is reached."""
        level = self._program.levels[row]
        if not level.largest:
            self._patterns.hold(row, level, np.array([part.reached[row] for part in parts], dtype=np.int64))

    def raised(
        self, levels: Sequence[Relaxed], wanted: Sequence[int], end: float | None, clock: Clock
    ) -> Raised | None:
        """Bounds of a level; None if there was no time for any, or sets of clients suit nothing that is wanted.

        Parameters
        ----------
        levels
            The level in every component; searches of those that are suited get the facets that a relaxation breaks.
        wanted
            Components that are open.
        end, clock
            When to stop, and what tells the time.
        """
        program, row = self._program, levels[0].row
        some = [number for number in wanted if self.suited[number]]
        if program.levels[row].largest or not some or over(end, clock):
            return None
        begun = Begun(
            np.zeros(program.demands),
            np.zeros((row, len(levels))),
            np.zeros(len(program.demand_of)),
            np.zeros(len(levels), dtype=np.bool_),
            np.full(len(levels), -SAFE),
        )
        some.sort(key=lambda number: len(levels[number].part.columns))
        shares = by_size([len(levels[number].part.columns) for number in some], share_of(end, CUTTING, clock), clock)
        for number, share in zip(some, shares, strict=True):
            one, seconds = levels[number], share()
            if number not in self._counted:
                self._counted[number] = Counted(self._facets, one.part)
            found = self._counted[number].cut(one, self._solver, None if seconds is None else clock() + seconds, clock)
            if found is not None:
                arcs = len(one.plain.demand_of)
                begun.demand[one.plain.row_node[one.served_rows]] = found.demand
                begun.above[:, number] = found.above
                begun.taken[one.part.columns[:arcs]] = found.taken[:arcs]
                begun.relaxed[number] = True
            begun.reached[number] = one.reached
        values = np.zeros(len(program.most), dtype=np.int64)
        for one in levels:
            values[one.part.columns] = one.part.values
        self._patterns.know(values)
        part = GENERATING_LARGE if any(levels[number].part.large for number in some) else GENERATING
        return self._patterns.raised(program.levels[row], share_of(end, part, clock), clock, begun)
