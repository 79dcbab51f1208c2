"""Everything that can go wrong, in one tree.

::

    AidMatchError
    ├── InputError              what came in cannot be used; the message names the place
    │   ├── SourceError         a source cannot be read at all: missing, unreadable, wrong columns
    │   ├── RowsError           some rows are bad; `report` lists every one of them
    │   ├── ProblemError        the records contradict each other, or ask for what is not offered
    │   └── PolicyError         the policy names something unknown or impossible
    ├── PluginError             a plug-in is unknown, broken, or its name is taken twice
    ├── NumberRangeError        numbers too large to be exact
    ├── SolverError             a solver gave a wrong answer, or none
    └── VerificationError       a matching is not what it claims to be

Unmet needs are results, not errors. Every error has a stable `code`, survives
pickling, and carries no personal data beyond a record's id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

if TYPE_CHECKING:
    from aidmatch.report import Report

__all__ = [
    "AidMatchError",
    "InputError",
    "NumberRangeError",
    "PluginError",
    "PolicyError",
    "ProblemError",
    "RowsError",
    "SolverError",
    "SourceError",
    "VerificationError",
]


def _restore(kind: type[AidMatchError], state: dict[str, Any]) -> AidMatchError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    error.args = (state["message"],)
    return error


class AidMatchError(Exception):
    """The root of every error this library raises on purpose.

    Parameters
    ----------
    message
        What is wrong and where, in a sentence.
    code
        A stable, upper-case word that programs may test; each class has a
        default.
    """

    default_code: ClassVar[str] = "AIDMATCH"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}"

    def __reduce__(self) -> tuple[Callable[..., AidMatchError], tuple[Any, ...]]:
        return _restore, (type(self), self.__dict__)


class InputError(AidMatchError):
    """What came in cannot be used."""

    default_code = "INPUT"


class SourceError(InputError):
    """A source cannot be read at all."""

    default_code = "SOURCE"


class RowsError(InputError):
    """Some rows are bad.

    Parameters
    ----------
    report
        Every refused and flagged row, with source, line, column and code.
    """

    default_code = "BAD_ROWS"
    #: faults written out in the message; the report has them all
    shown: ClassVar[int] = 10

    def __init__(self, report: Report) -> None:
        faults = report.refused
        lines = [f"{len(faults)} fault(s) in {report.source}", *(f"  {fault}" for fault in faults[: self.shown])]
        if len(faults) > self.shown:
            lines.append(f"  … and {len(faults) - self.shown} more in .report")
        super().__init__("\n".join(lines))
        self.report = report


class ProblemError(InputError):
    """The records contradict each other, or ask for what is not offered."""

    default_code = "PROBLEM"


class PolicyError(InputError):
    """The policy names something unknown or impossible."""

    default_code = "POLICY"


class PluginError(AidMatchError):
    """A plug-in is unknown, broken, or its name is taken twice."""

    default_code = "PLUGIN"


class NumberRangeError(AidMatchError):
    """Numbers too large to be exact; nothing was computed with them."""

    default_code = "NUMBER_RANGE"


class SolverError(AidMatchError):
    """A solver gave a wrong answer, or none.

    Parameters
    ----------
    message
        What was wrong with the answer.
    solver
        The name of the solver.
    code
        ``SOLVER`` unless told otherwise.
    """

    default_code = "SOLVER"

    def __init__(self, message: str, *, solver: str, code: str | None = None) -> None:
        super().__init__(f"solver {solver!r}: {message}", code=code)
        self.solver = solver


class VerificationError(AidMatchError):
    """A matching is not what it claims to be; the message names the first lie found."""

    default_code = "FALSE"


def lie(code: str, message: str) -> NoReturn:
    """Refuse a matching.

    Raises
    ------
    VerificationError
        Always.
    """
    raise VerificationError(message, code=code)
