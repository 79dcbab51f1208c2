"""JSON files: an array of objects, or one object a line."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecoder
from pathlib import Path
from typing import Any, Final

from aidmatch.errors import SourceError
from aidmatch.report import Fault
from aidmatch.sources.files import open_file, without_mark
from aidmatch.sources.table import Row

__all__ = ["JsonFile", "JsonLines"]

_SPACE: Final = " \t\r\n"
_SPACES = re.compile(f"[{_SPACE}]*+")
_CONSTANT: Final = object()


@dataclass(frozen=True, slots=True)
class JsonFile:
    """A UTF-8 file that holds one JSON array of objects, with or without byte order mark.

    Integers of any size stay exact. The file is held in memory while it is read.

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

    def rows(self, table: str) -> Iterator[Row]:
        """Yield every element of the array, with the line it begins on.

        Parameters
        ----------
        table
            Ignored: a file is one table.

        Yields
        ------
        Row
            One element; with a fault ``NOT_AN_OBJECT``, ``DUPLICATE_COLUMN`` or ``NOT_A_NUMBER`` (NaN, Infinity)
            where it is no row.

        Raises
        ------
        SourceError
            ``NOT_FOUND``, ``UNREADABLE``, ``BAD_ENCODING``; ``EMPTY_SOURCE`` or ``NOT_AN_ARRAY`` where there is no
            array; ``BAD_JSON`` at the first error of syntax, after which nothing can be relied on.
        """
        text = self._text()
        at = _skip_space(text, 0)
        if at == len(text):
            raise SourceError(f"{self.name} is empty: it has no array", code="EMPTY_SOURCE")
        if text[at] != "[":
            raise SourceError(f"{self.name} is not a JSON array of objects", code="NOT_AN_ARRAY")
        decode = _Decoder(self.name)
        line, counted = 1, 0
        at = _skip_space(text, at + 1)
        more = text[at : at + 1] != "]"
        while more:
            line += text.count("\n", counted, at)
            counted = at
            try:
                row, at = decode(text, at, line)
            except _SyntaxError:
                raise self._broken(line) from None
            yield row
            at = _skip_space(text, at)
            more = text[at : at + 1] == ","
            if more:
                at = _skip_space(text, at + 1)
        if text[at : at + 1] != "]" or _skip_space(text, at + 1) != len(text):
            raise self._broken(line + text.count("\n", counted, at))

    def _text(self) -> str:
        with open_file(self.path) as file:
            try:
                return without_mark(file.read(), self.name).decode()
            except UnicodeDecodeError:
                raise SourceError(f"{self.name} is not UTF-8", code="BAD_ENCODING") from None

    def _broken(self, line: int) -> SourceError:
        return SourceError(f"{self.name} is not JSON from line {line} on", code="BAD_JSON")


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A UTF-8 file with one JSON object a line, with or without byte order mark.

    Integers of any size stay exact. A bad line costs that line only.

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

    def rows(self, table: str) -> Iterator[Row]:
        """Yield every line that is not blank.

        Parameters
        ----------
        table
            Ignored: a file is one table.

        Yields
        ------
        Row
            One line; with a fault ``BAD_ENCODING``, ``BAD_JSON``, ``NOT_AN_OBJECT``, ``DUPLICATE_COLUMN`` or
            ``NOT_A_NUMBER`` (NaN, Infinity) where it is no row.

        Raises
        ------
        SourceError
            ``NOT_FOUND``, ``UNREADABLE``; ``BAD_ENCODING`` if the file is UTF-16 or UTF-32.
        """
        decode = _Decoder(self.name)
        with open_file(self.path) as file:
            for line, raw in enumerate(file, start=1):
                try:
                    text = (without_mark(raw, self.name) if line == 1 else raw).decode().strip(_SPACE)
                    if not text:
                        continue
                    row, end = decode(text, 0, line)
                    if end < len(text):
                        raise _SyntaxError
                except UnicodeDecodeError:
                    row = Row(line, {}, Fault(self.name, line, None, "BAD_ENCODING", "is not UTF-8"))
                except _SyntaxError:
                    row = Row(line, {}, Fault(self.name, line, None, "BAD_JSON", "is not one JSON value"))
                yield row


class _SyntaxError(Exception):
    """Text that is not JSON."""


class _Decoder:
    """Makes rows of JSON values, refusing what Python's reader lets pass but no row may have."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._twice: str | None = None
        self._constants = 0
        self._decoder = JSONDecoder(object_pairs_hook=self._object, parse_constant=self._constant)

    def __call__(self, text: str, start: int, line: int) -> tuple[Row, int]:
        """Return the row that the value at `start` makes, and where the value ends."""
        self._twice, self._constants = None, 0
        try:
            value, end = self._decoder.raw_decode(text, start)
        except (ValueError, RecursionError):  # ValueError also for integers of more than 4,300 digits
            raise _SyntaxError from None
        if not isinstance(value, dict):
            flaw = None, "NOT_AN_OBJECT", "should be a JSON object"
        elif self._twice is not None:
            flaw = self._twice, "DUPLICATE_COLUMN", "stands more than once in the object"
        elif self._constants:
            column = next((key for key, cell in value.items() if cell is _CONSTANT), None)
            flaw = column, "NOT_A_NUMBER", "NaN and Infinity are no JSON numbers"
        else:
            return Row(line, value), end
        return Row(line, {}, Fault(self._source, line, *flaw)), end

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        row = dict(pairs)
        if len(row) < len(pairs):
            self._twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        return row

    def _constant(self, name: str) -> object:
        self._constants += 1
        return _CONSTANT


def _skip_space(text: str, start: int) -> int:
    found = _SPACES.match(text, start)
    return start if found is None else found.end()
