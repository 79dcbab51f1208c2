"""A linear program that grows: columns and rows are added, costs change, and it is solved from where it stood.

This is what column generation and cutting planes ask of a solver. After new
columns the last basis is feasible, so the primal simplex method goes on from
it; on masters of caregivers' patterns it is ten times as quick as the dual one.
After new rows it is the dual one that goes on. Where new costs leave much to do,
as from one level of a large component to the next, the dual one is the quicker,
too, and may take over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np

from aidmatch.arrays import Floats, Ints
from aidmatch.errors import SolverError

__all__ = ["Growing", "GrowingAnswer", "GrowingSolver", "HighsGrowing"]


@dataclass(frozen=True, slots=True)
class GrowingAnswer:
    """Values and multipliers; nobody believes them.

    Parameters
    ----------
    values
        Of each column.
    duals
        Of each row: a positive one works on the lower limit.
    optimal
        Whether it ended. If the time was over instead, the values may break limits, and the multipliers be anything.
    """

    values: Floats
    duals: Floats
    optimal: bool = True


class Growing(Protocol):
    """A linear program that grows."""

    def add_rows(self, lower: Floats, upper: Floats, start: Ints, column: Ints, value: Floats) -> None:
        """Add rows, with their entries in the columns so far."""
        ...

    def add_columns(self, cost: Floats, lower: Floats, upper: Floats, start: Ints, row: Ints, value: Floats) -> None:
        """Add columns, with their entries in the rows so far."""
        ...

    def set_costs(self, cost: Floats) -> None:
        """Change the costs of all columns."""
        ...

    def set_limits(self, column: Ints, lower: Floats, upper: Floats) -> None:
        """Change the limits of some columns."""
        ...

    def set_row_limits(self, row: Ints, lower: Floats, upper: Floats) -> None:
        """Change the limits of some rows."""
        ...

    def solve(self, seconds: float | None) -> GrowingAnswer | None:
        """Solve it from where it stood; None if there is nothing."""
        ...


@runtime_checkable
class GrowingSolver(Protocol):
    """A solver that has such programs, besides what it has otherwise."""

    def growing(self, *, by_rows: bool = False, turning: bool = False) -> Growing:
        """Start an empty one.

        Parameters
        ----------
        by_rows
            Whether it is rows that it will grow by.
        turning
            Whether the dual simplex method takes over from the primal one that has not ended soon.
        """
        ...


class HighsGrowing:
    """The linear program in HiGHS.

    Parameters
    ----------
    api
        The module of HiGHS.
    by_rows, turning
        As `GrowingSolver.growing`.
    """

    _DUAL: Final = 1
    _PRIMAL: Final = 4
    #: Iterations of the primal method after which the dual one takes over, and those of a method without an end.
    _SOON: Final = 3_000
    _ENDLESS: Final = 2**31 - 1

    def __init__(self, api: Any, *, by_rows: bool, turning: bool = False) -> None:
        self._api, self._turning = api, turning and not by_rows
        # not Highs(), whose callbacks print a banner before anything can be set
        self._model: Any = api._core._Highs()
        self._model.setOptionValue("output_flag", False)
        if by_rows:
            # what has a basis is not presolved anyway
            self._model.setOptionValue("simplex_strategy", self._DUAL)
        else:
            self._model.setOptionValue("presolve", "off")
            self._model.setOptionValue("simplex_strategy", self._PRIMAL)

    def add_rows(self, lower: Floats, upper: Floats, start: Ints, column: Ints, value: Floats) -> None:
        """Add rows."""
        entries = start.astype(np.int32), column.astype(np.int32), value
        self._call(self._model.addRows(len(lower), lower, upper, len(value), *entries))

    def add_columns(self, cost: Floats, lower: Floats, upper: Floats, start: Ints, row: Ints, value: Floats) -> None:
        """Add columns."""
        entries = start.astype(np.int32), row.astype(np.int32), value
        self._call(self._model.addCols(len(cost), cost, lower, upper, len(value), *entries))

    def set_costs(self, cost: Floats) -> None:
        """Change all costs."""
        self._call(self._model.changeColsCost(len(cost), np.arange(len(cost), dtype=np.int32), cost))

    def set_limits(self, column: Ints, lower: Floats, upper: Floats) -> None:
        """Change some limits."""
        self._call(self._model.changeColsBounds(len(column), column.astype(np.int32), lower, upper))

    def set_row_limits(self, row: Ints, lower: Floats, upper: Floats) -> None:
        """Change some limits of rows."""
        for one, least, most in zip(row.tolist(), lower.tolist(), upper.tolist(), strict=True):
            self._call(self._model.changeRowBounds(one, least, most))

    def solve(self, seconds: float | None) -> GrowingAnswer | None:
        """Solve it."""
        model, kinds = self._model, self._api.HighsModelStatus
        if seconds is not None:
            model.setOptionValue("time_limit", float(model.getRunTime()) + seconds)
        model.setOptionValue("simplex_iteration_limit", self._SOON if self._turning else self._ENDLESS)
        self._call(model.run())
        before: GrowingAnswer | None = None
        if model.getModelStatus() == kinds.kIterationLimit:
            before = self._answer(optimal=False)
            model.setOptionValue("simplex_iteration_limit", self._ENDLESS)
            model.setOptionValue("simplex_strategy", self._DUAL)
            self._call(model.run())
            model.setOptionValue("simplex_strategy", self._PRIMAL)
        status = model.getModelStatus()
        if status == kinds.kOptimal:
            return self._answer(optimal=True)
        if before is None and status == kinds.kTimeLimit:
            return self._answer(optimal=False)
        # where the dual method is stopped is no answer yet
        return before

    def _answer(self, *, optimal: bool) -> GrowingAnswer:
        solution = self._model.getSolution()
        return GrowingAnswer(np.array(solution.col_value), np.array(solution.row_dual), optimal)

    def _call(self, status: Any) -> None:
        if status == self._api.HighsStatus.kError:
            raise SolverError("HiGHS reported an error", solver="highs", code="SOLVER_FAILED")
