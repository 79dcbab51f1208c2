"""What was wrong with rows: a fault has a place and a code, a report has every fault of a source."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

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
    coordinates
        The system that its points were declared to be in; None if none was declared, which is read as WGS-84.
    converted
        How many points were converted from it to WGS-84.
    """

    source: str
    rows_read: int
    rows_kept: int
    refused: tuple[Fault, ...] = ()
    flagged: tuple[Fault, ...] = ()
    # not written where there is nothing to say, so that what was saved before there were such fields stays as it is
    coordinates: Annotated[str | None, Field(exclude_if=lambda system: system is None)] = None
    converted: Annotated[int, Field(exclude_if=lambda points: points == 0)] = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """Faults by code, refused and flagged together."""
        return dict(sorted(Counter(fault.code for fault in (*self.refused, *self.flagged)).items()))

    def text(self, *, each: int = 20) -> str:
        """Write it for a person: totals, how often each code comes, and the first faults of each code.

        Parameters
        ----------
        each
            Faults of one code that are written out; how many more there are is said.

        Returns
        -------
        Lines of text. All faults are in `to_rows` and `to_json`.
        """
        return "\n".join(self._lines(each))

    def to_rows(self) -> Iterator[dict[str, Any]]:
        """Every fault as a row for a table.

        Yields
        ------
        Mappings with the keys kind (``refused`` or ``flagged``), source, line, column, code, message; those refused
        first, each in order of line.
        """
        for kind, fault in self._faults():
            yield {
                "kind": kind,
                "source": fault.source,
                "line": fault.line,
                "column": fault.column,
                "code": fault.code,
                "message": fault.message,
            }

    def to_json(self) -> str:
        """Write all of it as JSON: the totals, ``refused`` and ``flagged`` by code, and ``faults`` as in `to_rows`."""
        return json.dumps(
            {
                "source": self.source,
                "rows_read": self.rows_read,
                "rows_kept": self.rows_kept,
                "coordinates": self.coordinates,
                "converted": self.converted,
                "refused": self._counts(self.refused),
                "flagged": self._counts(self.flagged),
                "faults": list(self.to_rows()),
            },
            ensure_ascii=False,
            indent=1,
        )

    @staticmethod
    def _counts(faults: tuple[Fault, ...]) -> dict[str, int]:
        return dict(sorted(Counter(fault.code for fault in faults).items()))

    def _faults(self) -> Iterator[tuple[str, Fault]]:
        for kind, faults in (("refused", self.refused), ("flagged", self.flagged)):
            for fault in faults:
                yield kind, fault

    def _lines(self, each: int) -> Iterator[str]:
        yield f"{self.source}: {self.rows_read:,} rows read, {self.rows_kept:,} kept"
        if self.converted:
            yield f"  {self.converted:,} points converted from {self.coordinates} to WGS-84"
        for kind, faults in (("refused", self.refused), ("flagged", self.flagged)):
            for code, count in self._counts(faults).items():
                yield f"  {kind} {count:>9,}  {code}"
        shown: Counter[tuple[str, str]] = Counter()
        for kind, fault in self._faults():
            shown[kind, fault.code] += 1
            if shown[kind, fault.code] <= each:
                yield f"  {kind}  {fault}"
        for (kind, code), count in shown.items():
            if count > each:
                yield f"  {kind}  … and {count - each:,} more [{code}]; to_rows() and to_json() have them all"
