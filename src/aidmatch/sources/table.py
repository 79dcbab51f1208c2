"""The protocol of a source: something that yields the plain rows of a named table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from aidmatch.report import Fault

__all__ = ["Row", "Source"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its place in the source.

    Parameters
    ----------
    line
        1-based line (of the row's first line, in a file).
    values
        Cells by column header. A missing key and None both mean an empty cell.
    fault
        Set, with empty `values`, where the source itself could not make sense of the row; reading goes on after it.
    flags
        What the source noticed about a row that can be read, or about itself, on its first row.
    """

    line: int
    values: Mapping[str, Any]
    fault: Fault | None = None
    flags: tuple[Fault, ...] = ()


@runtime_checkable
class Source(Protocol):
    """What a data source offers.

    A source knows nothing of needs or caregivers. It may have an attribute ``name`` for messages; else its class's
    name is used. It may have an attribute ``columns``: headers known before the first row, so that a wrong header is
    found in a table without rows, too. It may have a method ``lists`` that takes a table's name and yields
    ``(line, cells)``, the header first, where all cells are text; a `Row` stands for a row with a fault or a flag.
    """

    def rows(self, table: str) -> Iterable[Mapping[str, Any] | Row]:
        """Yield the rows of a table.

        Parameters
        ----------
        table
            What is read: ``needs``, ``donations``, ``places``, ``pairs``. A source that is one table ignores it.

        Returns
        -------
        Rows; plain mappings are numbered from 1 in the order they come.

        Raises
        ------
        SourceError
            If there is nothing to read.
        """
        ...
