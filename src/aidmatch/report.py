"""What was wrong with rows: a fault has a place and a code, a report has every fault of a source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Fault", "Report"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one row.

    Parameters
    ----------
    source
        Name of the source, such as a file name.
    line
        1-based line in a file, or number of the row where there are no lines.
    column
        The column's header as the source has it; None where the whole row is at fault.
    code
        A stable, upper-case word.
    message
        What is expected, and a hint; never the value itself, which may be personal.
    """

    source: str
    line: int
    column: str | None
    code: str
    message: str

    def __str__(self) -> str:
        column = "" if self.column is None else f", column {self.column!r}"
        return f"{self.source} line {self.line}{column} [{self.code}]: {self.message}"


@dataclass(frozen=True, slots=True)
class Report:
    """How reading one source went.

    Parameters
    ----------
    source
        Name of the source.
    rows_read, rows_kept
        Rows the source yielded, and records made of them.
    refused
        Faults of the rows that were left out, in order of line.
    flagged
        What was noticed about rows that were kept, or kept once.
    """

    source: str
    rows_read: int
    rows_kept: int
    refused: tuple[Fault, ...] = ()
    flagged: tuple[Fault, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """Faults by code, refused and flagged together."""
        return dict(sorted(Counter(fault.code for fault in (*self.refused, *self.flagged)).items()))

    def text(self) -> str:
        """Every fault on a line of its own, under a heading with the totals."""
        head = f"{self.source}: {self.rows_read:,} rows read, {self.rows_kept:,} kept"
        return "\n".join([head, *(f"  refused  {f}" for f in self.refused), *(f"  flagged  {f}" for f in self.flagged)])
