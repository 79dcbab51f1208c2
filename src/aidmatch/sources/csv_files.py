"""CSV files, cut into rows so that a stray quote costs one row."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from aidmatch.errors import SourceError
from aidmatch.report import Fault
from aidmatch.sources.files import open_file, without_mark
from aidmatch.sources.table import Row

__all__ = ["CsvFile"]

#: How far a row may reach before its open quote is taken for a stray one.
MAX_ROW_LINES: Final = 1_000
MAX_ROW_BYTES: Final = 1_000_000

# Quotes stand around a whole cell, and doubled within it (RFC 4180); possessive, hence linear.
_CELL = r'(?:"[^"]*+(?:""[^"]*+)*+"|[^",]*+)'
_PROPERLY_QUOTED = re.compile(f"{_CELL}(?:,{_CELL})*+")


class _BadRowError(Exception):
    """What is wrong with one row, on its way to becoming a fault."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file with a header: UTF-8 with or without byte order mark, commas, lines ended by LF or CRLF.

    A row may span lines inside a quoted cell. In properly quoted text a row ends at the first line end after an even
    number of quotes, so a row with an odd number on its first line can only end on the next line that has an odd
    number, too. If the two do not enclose a proper row of as many cells as the header has, the first line alone is
    at fault (``BAD_QUOTE``) and reading resumes on the second. The work is linear in the size of the file.

    Parameters
    ----------
    path
        A regular file.
    """

    path: str | os.PathLike[str]

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).name

    @property
    def columns(self) -> tuple[str, ...]:
        """The header's cells, without the space around them.

        Raises
        ------
        SourceError
            As `rows` raises.
        """
        with open_file(self.path) as file:
            return self._header(_Lines(file))

    def rows(self, table: str) -> Iterator[Row]:
        """Yield every row that is not blank, with its first line.

        Parameters
        ----------
        table
            Ignored: a file is one table.

        Yields
        ------
        Row
            One row; with a fault ``BAD_QUOTE``, ``BAD_ENCODING``, ``BAD_CHARACTER``, ``TOO_LONG`` or
            ``WRONG_NUMBER_OF_CELLS`` where it cannot be understood.

        Raises
        ------
        SourceError
            ``NOT_FOUND``, ``UNREADABLE``; ``EMPTY_SOURCE`` without a header; ``DUPLICATE_COLUMN`` or
            ``UNNAMED_COLUMN`` in it, ``BAD_ENCODING``, ``BAD_QUOTE``, ``BAD_CHARACTER`` or ``TOO_LONG`` if it cannot
            be understood.
        """
        with open_file(self.path) as file:
            lines = _Lines(file)
            header = self._header(lines)
            while raw := lines.take():
                if raw.isspace():
                    continue
                line = lines.number
                try:
                    cells = _cut(raw, lines, len(header))
                except _BadRowError as bad:
                    yield Row(line, {}, Fault(self.name, line, None, bad.code, bad.message))
                else:
                    yield Row(line, dict(zip(header, cells, strict=True)))

    def _header(self, lines: _Lines) -> tuple[str, ...]:
        raw = without_mark(lines.take(), self.name)
        while raw.isspace():
            raw = lines.take()
        if not raw:
            raise SourceError(f"{self.name} is empty: it has no header", code="EMPTY_SOURCE")
        try:
            header = tuple(cell.strip() for cell in _cut(raw, lines, None))
        except _BadRowError as bad:
            raise SourceError(f"the header of {self.name} {bad.message}", code=bad.code) from None
        unnamed = [str(number) for number, cell in enumerate(header, start=1) if not cell]
        if unnamed:
            raise SourceError(f"{self.name} has no header for column {', '.join(unnamed)}", code="UNNAMED_COLUMN")
        twice = [repr(cell) for cell, count in Counter(header).items() if count > 1]
        if twice:
            raise SourceError(f"{self.name} has more than one column {', '.join(twice)}", code="DUPLICATE_COLUMN")
        return header


class _Lines:
    """The lines of a file, which can be looked at before they are taken."""

    def __init__(self, file: BinaryIO) -> None:
        self.number = 0
        self._file = file
        self._ahead: deque[bytes] = deque()

    def take(self) -> bytes:
        """Return the next line, or nothing at the end of the file."""
        self.number += 1
        return self._ahead.popleft() if self._ahead else self._file.readline()

    def take_ahead(self) -> None:
        """Take every line that was looked at."""
        self.number += len(self._ahead)
        self._ahead.clear()

    def closing(self) -> list[bytes]:
        """Look at the lines as far as the next with an odd number of quotes; none if there is none near enough.

        Nothing is ahead when a line with an odd number of quotes was taken, for it was the last one looked at. So no
        line is looked at twice.
        """
        size = 0
        for line in islice(self._file, MAX_ROW_LINES):
            self._ahead.append(line)
            if line.count(b'"') % 2:
                return list(self._ahead)
            size += len(line)
            if size > MAX_ROW_BYTES:
                break
        return []


def _cut(raw: bytes, lines: _Lines, width: int | None) -> list[str]:
    """Return the cells of the row that begins with the line just taken, and take the rest of its lines."""
    if raw.count(b'"') % 2 == 0:
        return _cells(_text(raw), width)
    further = lines.closing()
    if further:
        whole = b"".join((raw, *further))
        try:
            cells = _cells(whole.decode(errors="replace"), width)
        except _BadRowError:
            pass  # the quote is a stray one, and the lines are rows of their own
        else:
            lines.take_ahead()
            _text(whole)
            return cells
    _text(raw)
    raise _BadRowError("BAD_QUOTE", "has a quote that is not closed")


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _BadRowError("BAD_ENCODING", "is not UTF-8; in a spreadsheet, save it as CSV UTF-8") from None


def _cells(text: str, width: int | None) -> list[str]:
    text = text.rstrip("\r\n")
    if "\0" in text:
        raise _BadRowError("BAD_CHARACTER", "has a NUL byte")
    if '"' in text:
        cells = _quoted_cells(text)
    elif "\r" in text:
        raise _BadRowError("BAD_CHARACTER", "has a carriage return that ends no line")
    else:
        cells = text.split(",")  # what the csv module makes of such text, in a fifth of the time
    if width is not None and len(cells) != width:
        raise _BadRowError("WRONG_NUMBER_OF_CELLS", f"has {len(cells)} cells where the header has {width}")
    return cells


def _quoted_cells(text: str) -> list[str]:
    if not _PROPERLY_QUOTED.fullmatch(text):
        raise _BadRowError("BAD_QUOTE", "has a quote that is neither around a whole cell nor doubled within one")
    try:
        (cells,) = csv.reader([text], strict=True)
    except csv.Error:
        if len(text) > csv.field_size_limit():
            raise _BadRowError("TOO_LONG", "has a cell too long to be read") from None
        raise _BadRowError("BAD_CHARACTER", "has a carriage return that ends no line") from None
    return cells
