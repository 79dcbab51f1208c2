"""CSV files, cut into rows so that a stray quote costs one row."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from aidmatch.errors import InputError, SourceError
from aidmatch.report import Fault
from aidmatch.sources.encodings import LineReader, decoded, encoding_of, lines_of
from aidmatch.sources.files import open_file
from aidmatch.sources.table import Row

__all__ = ["CsvFile", "tab_separated"]

#: How far a row may reach before its open quote is taken for a stray one.
MAX_ROW_LINES: Final = 1_000
MAX_ROW_BYTES: Final = 1_000_000

#: Stands for a line longer than that; told by identity.
_OVERLONG: Final = b"a line that is too long\n"


class _BadRowError(Exception):
    """What is wrong with one row, on its way to becoming a fault."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV or TSV file with a header, whose lines end in LF or CRLF.

    A row may span lines inside a quoted cell. In properly quoted text a row ends at the first line end after an even
    number of quotes, so a row with an odd number on its first line can only end on the next line that has an odd
    number, too. If the two do not enclose a proper row of as many cells as the header has, the first line alone is
    at fault (``BAD_QUOTE``) and reading resumes on the second. The work is linear in the size of the file.

    Parameters
    ----------
    path
        A regular file.
    delimiter
        What stands between cells; None for a tab where the path ends in .tsv or .tab, and a comma elsewhere.
    encoding
        ``utf-8``, ``gb18030``, ``utf-16-le`` or ``utf-16-be``. None to find it out: by the byte order mark; else
        UTF-8 if the whole file is; else GB 18030 if that leaves fewer lines undecodable, which is flagged
        (``ENCODING``) on the first row.

    Raises
    ------
    InputError
        ``BAD_DELIMITER`` if it is not one ASCII character.
    """

    path: str | os.PathLike[str]
    delimiter: str | None = None
    encoding: str | None = None

    def __post_init__(self) -> None:
        given = self.delimiter
        if given is not None and (len(given) != 1 or not given.isascii() or given in '"\r\n\0'):
            raise InputError("delimiter= should be one character, such as ';'", code="BAD_DELIMITER")

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
        with self._open() as (lines, _):
            return self._header(lines)

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
        InputError
            ``UNKNOWN_ENCODING``.
        """
        header: tuple[str, ...] = ()
        for row in self.lists(table):
            if isinstance(row, Row):
                yield row
            elif header:
                yield Row(row[0], dict(zip(header, row[1], strict=True)))
            else:
                header = tuple(row[1])

    def lists(self, table: str) -> Iterator[tuple[int, list[str]] | Row]:
        """Yield the same rows without making mappings of them, after the header.

        Parameters
        ----------
        table
            Ignored: a file is one table.

        Yields
        ------
        The line and the cells of the header and of each row, as many as the header has; or a row with a fault or a
        flag.

        Raises
        ------
        SourceError
            As `rows` raises.
        """
        with self._open() as (lines, inferred):
            header = self._header(lines)
            width = len(header)
            yield lines.number, list(header)
            flags: tuple[Fault, ...] = ()
            if inferred:
                words = "is read as GB 18030, for it is not UTF-8; encoding= says so in advance"
                flags = (Fault(self.name, 1, None, "ENCODING", words),)
            while raw := lines.take():
                if raw.isspace():
                    continue
                line = lines.number
                try:
                    cells = lines.cut(raw, width)
                except _BadRowError as bad:
                    yield Row(line, {}, Fault(self.name, line, None, bad.code, bad.message), flags)
                else:
                    yield Row(line, dict(zip(header, cells, strict=True)), None, flags) if flags else (line, cells)
                flags = ()

    @contextmanager
    def _open(self) -> Iterator[tuple[_Lines, bool]]:
        delimiter = self.delimiter
        if delimiter is None:
            delimiter = "\t" if Path(self.path).suffix.lower() in (".tsv", ".tab") else ","
        with open_file(self.path) as file:
            encoding, inferred = encoding_of(file, self.encoding, self.name)
            yield _Lines(lines_of(file, encoding), encoding, delimiter), inferred

    def _header(self, lines: _Lines) -> tuple[str, ...]:
        raw = lines.take()
        while raw.isspace():
            raw = lines.take()
        if not raw:
            raise SourceError(f"{self.name} is empty: it has no header", code="EMPTY_SOURCE")
        try:
            header = tuple(cell.strip() for cell in lines.cut(raw, None))
        except _BadRowError as bad:
            raise SourceError(f"the header of {self.name} {bad.message}", code=bad.code) from None
        unnamed = [str(number) for number, cell in enumerate(header, start=1) if not cell]
        if unnamed:
            raise SourceError(f"{self.name} has no header for column {', '.join(unnamed)}", code="UNNAMED_COLUMN")
        twice = [repr(cell) for cell, count in Counter(header).items() if count > 1]
        if twice:
            raise SourceError(f"{self.name} has more than one column {', '.join(twice)}", code="DUPLICATE_COLUMN")
        return header


def tab_separated(path: str | os.PathLike[str]) -> CsvFile:
    """Give a file of any name whose cells stand between tabs.

    Parameters
    ----------
    path
        A regular file.

    Returns
    -------
    The source.
    """
    return CsvFile(path, delimiter="\t")


class _Lines:
    """The lines of a file, which can be looked at before they are taken, and cut into cells."""

    def __init__(self, readline: LineReader, encoding: str, delimiter: str) -> None:
        self.number = 0
        self._readline = readline
        self._encoding = encoding
        self._codec = "gb18030" if encoding == "gb18030" else "utf-8"
        self._delimiter = delimiter
        self._ahead: deque[bytes] = deque()

    def take(self) -> bytes:
        """Return the next line, or nothing at the end of the file."""
        self.number += 1
        return self._ahead.popleft() if self._ahead else self._next()

    def cut(self, raw: bytes, width: int | None) -> list[str]:
        """Return the cells of the row that begins with the line just taken, and take the rest of its lines."""
        if raw is _OVERLONG:
            raise _BadRowError("TOO_LONG", f"has a line of more than {MAX_ROW_BYTES:,} bytes")
        if b'"' not in raw or raw.count(b'"') % 2 == 0:
            return _cells(self._text(raw), width, self._delimiter)
        further = self._closing()
        if further:
            whole = b"".join((raw, *further))
            try:
                _cells(whole.decode(self._codec, errors="replace"), width, self._delimiter)
            except _BadRowError:
                pass  # the quote is a stray one, and the lines are rows of their own
            else:
                self.number += len(self._ahead)
                self._ahead.clear()
                return _cells(self._text(whole), width, self._delimiter)
        self._text(raw)
        raise _BadRowError("BAD_QUOTE", "has a quote that is not closed")

    def _next(self) -> bytes:
        line = self._readline(MAX_ROW_BYTES)
        if len(line) < MAX_ROW_BYTES or line.endswith(b"\n"):
            return line
        while line and not line.endswith(b"\n"):
            line = self._readline(MAX_ROW_BYTES)
        return _OVERLONG

    def _closing(self) -> list[bytes]:
        """Look at the lines as far as the next with an odd number of quotes; none if there is none near enough.

        Nothing is ahead when a line with an odd number of quotes was taken, for it was the last one looked at. So no
        line is looked at twice.
        """
        size = 0
        while len(self._ahead) < MAX_ROW_LINES and size <= MAX_ROW_BYTES and (line := self._next()):
            self._ahead.append(line)
            if line is _OVERLONG:
                break
            if line.count(b'"') % 2:
                return list(self._ahead)
            size += len(line)
        return []

    def _text(self, raw: bytes) -> str:
        try:
            return decoded(raw, self._encoding)
        except UnicodeDecodeError:
            name = {"gb18030": "GB 18030", "utf-8": "UTF-8"}.get(self._encoding, "UTF-16")
            raise _BadRowError("BAD_ENCODING", f"is not {name}; in a spreadsheet, save it as CSV UTF-8") from None


def _cells(text: str, width: int | None, delimiter: str) -> list[str]:
    text = text.rstrip("\r\n")
    if "\0" in text:
        raise _BadRowError("BAD_CHARACTER", "has a NUL byte")
    if '"' in text:
        cells = _quoted_cells(text, delimiter)
    elif "\r" in text:
        raise _BadRowError("BAD_CHARACTER", "has a carriage return that ends no line")
    else:
        cells = text.split(delimiter)  # what the csv module makes of such text, in a fifth of the time
    if width is not None and len(cells) != width:
        raise _BadRowError("WRONG_NUMBER_OF_CELLS", f"has {len(cells)} cells where the header has {width}")
    return cells


@cache
def _proper_quotes(delimiter: str) -> re.Pattern[str]:
    # quotes stand around a whole cell, and doubled within it (RFC 4180); possessive, hence linear
    between = re.escape(delimiter)
    cell = rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{between}]*+)'
    return re.compile(f"{cell}(?:{between}{cell})*+")


def _quoted_cells(text: str, delimiter: str) -> list[str]:
    if not _proper_quotes(delimiter).fullmatch(text):
        raise _BadRowError("BAD_QUOTE", "has a quote that is neither around a whole cell nor doubled within one")
    try:
        (cells,) = csv.reader([text], delimiter=delimiter, strict=True)
    except csv.Error:
        if len(text) > csv.field_size_limit():
            raise _BadRowError("TOO_LONG", "has a cell too long to be read") from None
        raise _BadRowError("BAD_CHARACTER", "has a carriage return that ends no line") from None
    return cells
