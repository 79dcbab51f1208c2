"""From rows to records: every row is checked once, every bad row is reported, no good row is lost."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from itertools import compress, islice
from operator import attrgetter
from typing import Any, Final, Literal, TypeVar, overload

import numpy as np
from pydantic import TypeAdapter

from aidmatch.errors import InputError, RowsError
from aidmatch.report import Fault, Report
from aidmatch.sources.frames import ArrowStream
from aidmatch.sources.layout import Layout, Made
from aidmatch.sources.locating import ABSENT, Locating
from aidmatch.sources.opening import blaming, open_source
from aidmatch.sources.quality import oddities_in
from aidmatch.sources.repeats import repeats_in
from aidmatch.sources.table import Row, Source

__all__ = ["Records", "read"]

T = TypeVar("T")

#: Rows that are made at once: enough for columns to be worth their making, and few enough to be made again one by one.
_AT_ONCE: Final = 64
#: Shapes of rows that wait at a time.
_MOST_SHAPES: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class Records(Sequence[T]):
    """The records of one source: an immutable sequence that knows where each came from.

    Parameters
    ----------
    record
        The records' class.
    source
        Name of the source.
    kept
        The records, in the order of their rows. A slice gives a tuple.
    lines
        For every record, the 1-based line it began on, or the number of its row where there are no lines.
    report
        How reading went.
    """

    record: type[T]
    source: str
    kept: tuple[T, ...]
    lines: tuple[int, ...]
    report: Report
    _digest: str | None = field(default=None, init=False, compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the records, in hexadecimal: the same for any order of rows.

        Every record is a line of JSON, as pydantic writes it: no spaces, fields in the order of the class. The lines
        are sorted as bytes, which is by id where the id stands first, and each ends with LF. Computed once.
        """
        digest = self._digest
        if digest is None:
            hashed = sha256()
            for line in sorted(map(TypeAdapter(self.record).dump_json, self.kept)):
                hashed.update(line + b"\n")
            digest = hashed.hexdigest()
            object.__setattr__(self, "_digest", digest)
        return digest

    def where(self, index: int) -> str:
        """Say where a record came from.

        Parameters
        ----------
        index
            Its position in the sequence.

        Returns
        -------
        Source and line, such as ``needs.csv line 213``.
        """
        return f"{self.source} line {self.lines[index]}"

    def __len__(self) -> int:
        return len(self.kept)

    def __iter__(self) -> Iterator[T]:
        return iter(self.kept)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.kept[index]

    def __repr__(self) -> str:
        return f"<Records: {len(self.kept):,} {self.record.__name__} from {self.source}>"


def read(
    source: str | os.PathLike[str] | Source | ArrowStream | Iterable[Mapping[str, Any] | Row],
    record: type[T],
    *,
    columns: Mapping[str, str] | None = None,
    values: Mapping[str, Mapping[Any, Any]] | None = None,
    constants: Mapping[str, Any] | None = None,
    ignore: Iterable[str] = (),
    coordinates: str | None = None,
    aliases: Mapping[str, Iterable[str]] | None = None,
    units: Mapping[str, tuple[str, int | Fraction]] | None = None,
    errors: Literal["raise", "keep"] = "raise",
) -> Records[T]:
    r"""Read a source as records of one kind.

    A record's columns are its fields; a field that is itself a record is spelled by that record's fields (``place``
    by code, lat and lon). A cell that is empty, None or white space is missing: a field's default applies.

    Parameters
    ----------
    source
        A path ending in .csv, .tsv, .json, .jsonl, .ndjson, .xlsx, .xls, .parquet, .feather or .arrow;
        ``scheme:target`` for a named plug-in (``C:\x.csv`` is a path); a frame (pandas, polars, pyarrow, DuckDB and
        what else narwhals knows); an object with a method ``rows``; or any iterable of mappings, which is consumed.
    record
        The records' class, such as `Need`.
    columns
        By field: the source's header, where the two differ.
    values
        By field: what this library calls a value, by what the source calls it. The source's are compared as text,
        without the space around them; a value that is not listed stays as it is. Where a cell lists several values
        between semicolons, each is translated.
    constants
        By field: the value in every row, where the source has no such column.
    ignore
        Headers of columns that are not wanted. Any other unknown column is an error.
    coordinates
        The system of the source's points: ``WGS-84``, ``GCJ-02`` (AMap, Tencent) or ``BD-09`` (Baidu). They are
        converted to WGS-84, which is what they are taken for if nothing is declared; where a point lies decides
        nothing. A column ``coordinates`` of the source, or one that `columns` maps to it, must agree in every row.
    aliases
        By field: further headers under which it is recognised, beside its name and the Chinese and English ones of
        `aidmatch.sources.aliases`. Headers are equal after NFKC, folding of case and removal of white space.
    units
        By the source's unit: this library's, and how many of these one of the source's is, an integer or a
        `Fraction`: ``{"公斤": ("斤", 2)}``. Quantities are converted and the row flagged (``UNIT_CONVERTED``); where
        the result would not be whole, the row is refused (``UNIT_NOT_EXACT``).
    errors
        ``raise`` if any row is refused, or ``keep`` the good rows and go on.

    Returns
    -------
    The records, with a report of what was refused and flagged. Identical rows are kept once (``DUPLICATE_ROW``), rows
    that give one id different contents are all refused (``DUPLICATE_ID``); a household that has the same item open
    twice is flagged (``SAME_HOUSEHOLD_AND_ITEM``), and so is what is odd beside the other rows (`oddities_in`). A point
    outside of where its declared system is defined, and a row that names another system, are refused
    (``OUTSIDE_COORDINATES``, ``MIXED_COORDINATES``).

    Raises
    ------
    RowsError
        If any row is refused, and `errors` is ``raise``; its report names every fault.
    SourceError
        If there is nothing to read, or the source's columns are not the record's: ``UNKNOWN_COLUMN``,
        ``MISSING_COLUMN``, ``DUPLICATE_COLUMN``, ``CONSTANT_AND_COLUMN``. Where rows are mappings this is so if a
        column is unknown or missing in every one of them; else it is the fault of the rows. ``SOURCE_FAILED`` if the
        source breaks off.
    PluginError
        If a named plug-in is unknown or broken.
    InputError
        If `record`, a map or `errors` asks for what there is not.
    """
    if errors not in ("raise", "keep"):
        raise InputError("errors= should be 'raise' or 'keep'", code="UNKNOWN_OPTION")
    locating = Locating(record, coordinates, columns or {}, values or {})
    layout = Layout(
        record,
        locating.columns,
        locating.values,
        constants or {},
        (*ignore, *locating.headers),
        aliases or {},
        units or {},
    )
    opened, name = open_source(source)
    with blaming(name):
        headers = getattr(opened, "columns", None)
    if headers is not None:
        layout.check(name, headers, headers)
    table = str(getattr(record, "table", record.__name__))
    taking = _Taking(layout, locating, name)
    if headers is not None and hasattr(opened, "lists"):
        taking.take_lists(tuple(headers), _lists(opened, table, name))
    else:
        taking.take_rows(_rows(opened, table, name))
    never_right = taking.never_right()
    if headers is None and never_right is not None:
        layout.check(name, *never_right)
    refused, flagged = taking.refused, taking.flagged
    made, lines, outside, converted = locating.converted(taking.made, taking.lines, name, layout.header_of)
    repeats = repeats_in(made, lines, record, name, layout.header_of)
    refused += outside + repeats.refused
    kept = [index not in repeats.left_out for index in range(len(made))]
    records, places = tuple(compress(made, kept)), tuple(compress(lines, kept))
    flagged += repeats.flagged
    flagged += oddities_in(records, places, record, name, layout.header_of)
    report = Report(name, taking.rows, len(records), _by_line(refused), _by_line(flagged), locating.system, converted)
    if refused and errors == "raise":
        raise RowsError(report)
    return Records(record, name, records, places, report)


class _Taking:
    """What became of the rows so far.

    Rows wait until there are some of one shape, and are then made at once. Where shapes alternate, each has rows that
    wait, so that they are put in order in the end.
    """

    def __init__(self, layout: Layout, locating: Locating, name: str) -> None:
        self.rows = 0
        self.made: list[Any] = []
        self.lines: list[int] = []
        self.refused: list[Fault] = []
        self.flagged: list[Fault] = []
        self._layout, self._locating, self._name = layout, locating, name
        self._numbers = array("q")
        self._waiting: dict[tuple[tuple[Any, ...], bool], _Waiting] = {}
        self._last: tuple[tuple[Any, ...], _Waiting] | None = None
        self._always: list[Any] | None = None
        self._ever: set[Any] = set()

    def take_rows(self, rows: Iterable[Row]) -> None:
        """Take rows, some at a time where they have the same headers."""
        for row in rows:
            self._take(row)
        self._finish_all()

    def take_lists(self, headers: tuple[str, ...], rows: Iterable[tuple[int, Sequence[str]] | Row]) -> None:
        """Take rows that are lists of text under known headers."""
        waiting = _Waiting(self._layout.maker(headers, text=True))
        self._waiting[headers, True] = waiting
        system_at = next((at for at, header in enumerate(headers) if header == self._locating.header), None)
        asked = system_at is not None or self._locating.contradiction(ABSENT, self._name, 0) is not None
        for row in rows:
            if isinstance(row, Row):
                self._take(row)
                continue
            self.rows += 1
            if asked:
                said = ABSENT if system_at is None else row[1][system_at]
                mixed = self._locating.contradiction(said, self._name, row[0])
                if mixed is not None:
                    self.refused.append(mixed)
                    continue
            # the source may use the list again
            waiting.rows.append((self.rows, row[0], tuple(row[1])))
            if len(waiting.rows) == _AT_ONCE:
                self._finish(waiting)
        self._finish_all()

    def never_right(self) -> tuple[list[Any], set[Any]] | None:
        """Headers that every row had, and that some row had, if no row could be made."""
        return None if self.made or self._always is None else (self._always, self._ever)

    def _take(self, row: Row) -> None:
        self.rows += 1
        self.flagged += row.flags
        fault = row.fault
        if fault is None:
            said = row.values.get(self._locating.header, ABSENT)
            fault = self._locating.contradiction(said, self._name, row.line)
        if fault is not None:
            self.refused.append(fault)
            return
        headers = tuple(row.values)
        if self._last is None or headers != self._last[0]:
            self._last = headers, self._waiting_with(headers)
        waiting = self._last[1]
        waiting.rows.append((self.rows, row.line, tuple(row.values.values())))
        if not self.made:
            always = headers if self._always is None else self._always
            self._always = [header for header in always if header in row.values]
            self._ever.update(headers)
        if len(waiting.rows) == _AT_ONCE:
            self._finish(waiting)

    def _waiting_with(self, headers: tuple[Any, ...]) -> _Waiting:
        waiting = self._waiting.get((headers, False))
        if waiting is None:
            if len(self._waiting) >= _MOST_SHAPES:
                for one in self._waiting.values():
                    self._finish(one)
                self._waiting = {key: one for key, one in self._waiting.items() if key[1]}
            waiting = self._waiting[headers, False] = _Waiting(self._layout.maker(headers))
        return waiting

    def _finish_all(self) -> None:
        """Make all that waits, and put what was made in order."""
        for waiting in self._waiting.values():
            self._finish(waiting)
        numbers = np.frombuffer(self._numbers, dtype=np.int64) if len(self._numbers) else np.zeros(0, dtype=np.int64)
        if (np.diff(numbers) < 0).any():
            order = np.argsort(numbers, kind="stable").tolist()
            self.made, self.lines = [self.made[at] for at in order], [self.lines[at] for at in order]

    def _finish(self, waiting: _Waiting) -> None:
        """Make what waits in one shape."""
        if not waiting.rows:
            return
        numbers, lines, cells = zip(*waiting.rows, strict=True)
        waiting.rows.clear()
        records, remarks = waiting.make(cells)
        if not remarks:
            self.made += records
            self.lines += lines
            self._numbers.extend(numbers)
            return
        for at, (number, line, one) in enumerate(zip(numbers, lines, records, strict=True)):
            flaws, flags = remarks.get(at, ((), ()))
            if flaws:
                self.refused += (Fault(self._name, line, *flaw) for flaw in flaws)
                continue
            self.flagged += (Fault(self._name, line, *flag) for flag in flags)
            self.made.append(one)
            self.lines.append(line)
            self._numbers.append(number)


@dataclass(slots=True)
class _Waiting:
    """Rows of one shape: the number, line and cells of each, and what makes records of them."""

    make: Callable[[Sequence[Sequence[Any]]], Made]
    rows: list[tuple[int, int, tuple[Any, ...]]] = field(default_factory=list)


def _rows(source: Source, table: str, name: str) -> Iterator[Row]:
    """Yield the rows of a source, plain mappings numbered, anything else as a fault."""
    with blaming(name):
        for number, row in enumerate(source.rows(table), start=1):
            if isinstance(row, Row):
                yield row
            elif isinstance(row, Mapping):
                yield Row(number, row)
            else:
                yield Row(number, {}, Fault(name, number, None, "NOT_AN_OBJECT", "should be a mapping"))


def _lists(source: Any, table: str, name: str) -> Iterator[Any]:
    """Yield the rows of a source that gives lists, without the header."""
    with blaming(name):
        yield from islice(source.lists(table), 1, None)


def _by_line(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=attrgetter("line")))
