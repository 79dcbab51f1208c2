"""Relief ledgers kept in SQLite, as a data source of aidmatch: ``am.read("ledger:relief.db", am.Need)``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aidmatch as am

__all__ = ["Ledger"]


class Ledger:
    """An SQLite file with a table or view for each kind of record: ``needs``, ``donations``, ``places``, ``pairs``.

    It has no attribute ``columns``, for each of its tables has columns of its own.

    Parameters
    ----------
    path
        The file. It is opened read-only, and only while rows are read.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def rows(self, table: str) -> Iterator[am.Row]:
        """Yield the rows of a table one by one, numbered from 1.

        Parameters
        ----------
        table
            Name of a table or view, in upper or lower case.

        Yields
        ------
        Row
            Cells by name of column, as SQLite holds them.

        Raises
        ------
        SourceError
            ``NOT_FOUND`` if there is no such file, ``NO_TABLE`` if it has no such table or view, ``UNREADABLE`` if
            SQLite cannot read it.
        """
        if not self.path.is_file():
            raise am.SourceError(f"there is no file {str(self.path)!r}", code="NOT_FOUND")
        try:
            with closing(sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True)) as ledger:
                # bytes that are no UTF-8 become text that no field accepts: a fault of their row alone
                ledger.text_factory = lambda raw: raw.decode(errors="surrogateescape")
                quoted = self._quoted(ledger, table)
                cursor = ledger.execute(f"SELECT * FROM {quoted}")  # noqa: S608  # a name cannot be a parameter
                columns = [column[0] for column in cursor.description]
                for number, cells in enumerate(cursor, start=1):
                    yield am.Row(number, dict(zip(columns, cells, strict=True)))
        except sqlite3.Error as error:
            # SQLite's own words may quote data, the name of its error does not
            reason = getattr(error, "sqlite_errorname", type(error).__name__)
            raise am.SourceError(f"{self.name} cannot be read: {reason}", code="UNREADABLE") from error

    def _quoted(self, ledger: sqlite3.Connection, table: str) -> str:
        """Give the name of a table that is there, as it stands in a statement."""
        listed = ledger.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        known = sorted(str(name) for (name,) in listed if not name.startswith("sqlite_"))
        found = next((name for name in known if name.casefold() == table.casefold()), None)
        if found is None:
            raise am.SourceError(
                f"{self.name} has no table {table!r}; it has {', '.join(known) or 'none'}", code="NO_TABLE"
            )
        return '"' + found.replace('"', '""') + '"'
