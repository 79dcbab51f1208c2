"""What values are worth in an integer program, whether they are in it, and the columns that follow from others."""

from __future__ import annotations

import numpy as np

from aidmatch.arrays import Ints, dot
from aidmatch.integer_program import IntegerLevel, IntegerProgram, RowKind

__all__ = ["activity_of", "completed", "ended", "is_feasible", "value_of"]


def is_feasible(program: IntegerProgram, values: Ints) -> bool:
    """Whether values are in the program: every column and every row."""
    inside = (values == 0) | (
        (values >= program.least) & (values <= program.most) & (values % program.step == 0) & (values > 0)
    )
    if not inside.all():
        return False
    activity = activity_of(program, values)
    return bool(((activity >= program.row_lower) & (activity <= program.row_upper)).all())


def activity_of(program: IntegerProgram, values: Ints) -> Ints:
    """What the rows sum up to, int64."""
    activity = np.zeros(len(program.row_kind), dtype=np.int64)
    for start, column, coefficient, of in (
        (program.row_start, program.row_column, program.row_coefficient, values),
        (program.use_start, program.use_column, program.use_coefficient, (values > 0).astype(np.int64)),
    ):
        row = np.repeat(np.arange(len(start) - 1), np.diff(start))
        np.add.at(activity, row, coefficient * of[column])
    return activity


def value_of(level: IntegerLevel, values: Ints) -> int:
    """What a level is worth, exactly."""
    if level.largest:
        return level.constant + max(0, int((level.cost * values).max(initial=0)))
    return level.constant + dot(level.cost, values)


def completed(program: IntegerProgram, values: Ints, named: int) -> Ints:
    """Columns that only count what others do, each in one row with an upper limit, at their best."""
    values = values.copy()
    values[named:] = 0
    row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
    counts = np.flatnonzero(program.row_column >= named)
    column, of, weight = program.row_column[counts], row[counts], program.row_coefficient[counts]
    slack = program.row_upper[of] - activity_of(program, values)[of]
    # weight·column ≤ slack: as much as there is room for, or as little as is missing
    best = np.where(weight > 0, slack // np.maximum(weight, 1), -(slack // np.maximum(-weight, 1)))
    values[column] = np.clip(best, 0, program.most[column])
    return values


def ended(program: IntegerProgram, values: Ints) -> Ints:
    """The same with what each demand is served and each supply gives as the arcs have it."""
    values = values.copy()
    row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
    ends = np.isin(program.row_kind, (RowKind.SERVED, RowKind.GIVEN))[row]
    # all that comes in counts for the node, whose own column takes it off
    node, flow = ends & (program.row_coefficient < 0), ends & (program.row_coefficient > 0)
    sums = np.zeros(len(program.row_kind), dtype=np.int64)
    np.add.at(sums, row[flow], program.row_coefficient[flow] * values[program.row_column[flow]])
    values[program.row_column[node]] = sums[row[node]]
    return values
