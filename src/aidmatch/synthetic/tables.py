"""Tables kept as columns, and what every instance does with its own."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from numpy.typing import NDArray

from aidmatch.errors import SourceError

__all__ = ["Instance", "Table"]

_CHUNK: Final = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows kept as columns.

    Parameters
    ----------
    columns
        The clean rows: read-only arrays of one length by header. Text is ASCII bytes, days are ``datetime64[D]``; an
        empty cell is ``b""``, NaT or NaN.
    appended
        The cells of the dirty rows, which come after them.
    """

    columns: Mapping[str, NDArray[Any]] = field(repr=False)
    appended: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for column in self.columns.values():
            column.setflags(write=False)
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) + len(self.appended)

    def cells(self) -> Iterator[tuple[Any, ...]]:
        """Yield every row's Python values in the order of the columns; None for an empty cell."""
        for start in range(0, len(self) - len(self.appended), _CHUNK):
            yield from zip(*(_cells(column[start : start + _CHUNK]) for column in self.columns.values()), strict=True)
        yield from self.appended

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every row's Python values by header; None for an empty cell."""
        for cells in self.cells():
            yield dict(zip(self.columns, cells, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """Tables of one made-up place; a data source, so that ``read(instance, Need)`` reads its needs.

    Parameters
    ----------
    name
        The function that made it.
    as_of
        The day to decide for.
    max_km
        A sensible radius.
    tables
        Its tables, by name.
    """

    name: str
    as_of: date
    max_km: float
    tables: Mapping[str, Table]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table.

        Parameters
        ----------
        table
            One of `tables`.

        Returns
        -------
        Flat rows of Python values by header; None for an empty cell.

        Raises
        ------
        SourceError
            If there is no such table.
        """
        if table not in self.tables:
            raise SourceError(f"{self.name} has no table {table!r}; it has {', '.join(self.tables)}")
        return self.tables[table].rows()

    def write(self, folder: str | Path) -> tuple[Path, ...]:
        """Write every table as a CSV file of its name (UTF-8, lines end in LF).

        Parameters
        ----------
        folder
            Where to; made if it is not there. Files of these names are replaced.

        Returns
        -------
        The paths, in the order of the tables.
        """
        Path(folder).mkdir(parents=True, exist_ok=True)
        paths = tuple(Path(folder, f"{name}.csv") for name in self.tables)
        for path, table in zip(paths, self.tables.values(), strict=True):
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(table.columns)
                writer.writerows(table.cells())
        return paths


def _cells(column: NDArray[Any]) -> list[Any]:
    """Python values of a column, None for what is empty."""
    if column.dtype.kind == "S":
        return [text or None for text in column.astype(str).tolist()]
    # of a list's values, NaN alone differs from itself
    return [cell if cell == cell else None for cell in column.tolist()]
