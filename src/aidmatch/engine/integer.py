"""Integer programs, component by component and level by level."""

from __future__ import annotations

from aidmatch.integer_program import IntegerProgram, IntegerSolution

__all__ = ["solve_integer"]


def solve_integer(program: IntegerProgram, *, deadline: float | None = None) -> IntegerSolution:
    """Decide an integer program.

    Parameters
    ----------
    program
        Arrays only; the unit of work.
    deadline
        When to stop, on the clock of `time.monotonic`; None for never. What is feasible by then is given.

    Returns
    -------
    An answer that satisfies every row, with its proof.
    """
    raise NotImplementedError
