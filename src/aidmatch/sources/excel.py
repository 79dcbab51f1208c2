"""Excel workbooks: one sheet, its header found or named, and no cell taken for what it is not."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from aidmatch.errors import InputError, SourceError
from aidmatch.plugins import from_extra
from aidmatch.report import Fault
from aidmatch.sources.cells import plain
from aidmatch.sources.files import open_file
from aidmatch.sources.table import Row
from aidmatch.sources.workbooks import MAX_CELL, Marks, Workbook

__all__ = ["Excel"]

#: A header is looked for in so many rows, and compared with so many rows below it.
HEADER_WITHIN: Final = 30
_BELOW: Final = 100
MAX_MERGED: Final = 1_000_000
#: A spreadsheet keeps fifteen digits of a number.
_FIFTEEN_DIGITS: Final = 10**15

Cells = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Excel:
    """A sheet of an .xlsx, .xlsm or .xls workbook. Lines are the sheet's row numbers.

    Dates come as dates, whole numbers of up to fifteen digits as integers. A larger number has lost digits and stays
    a float, which no id and no count accepts.

    Parameters
    ----------
    path
        A regular file.
    sheet
        Name of the sheet, or its number from 0. None for the only visible sheet that is not empty.
    header
        Row number of the header, as the spreadsheet shows it. None for the first row, of the first thirty, that has
        a text over every column with cells below it; titles above it are passed over. A cell merged over several
        rows counts in the last of them, so that of a heading in two rows the lower one names the columns.

    Raises
    ------
    PluginError
        ``MISSING_EXTRA`` without python-calamine.
    InputError
        ``BAD_HEADER`` if `header` is below 1.

    Notes
    -----
    In .xls files formulas and error cells cannot be told from values and empty cells.
    """

    path: str | os.PathLike[str]
    sheet: str | int | None = None
    header: int | None = None
    #: what `columns` opened, for `rows` to go on with
    _opened: list[_Sheet] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.header is not None and self.header < 1:
            raise InputError("header= is a row number from 1", code="BAD_HEADER")

    @property
    def name(self) -> str:
        """The file's name, with the sheet's where it is given."""
        name = Path(self.path).name
        return name if self.sheet is None else f"{name} ({self.sheet})"

    @property
    def columns(self) -> tuple[str, ...]:
        """The header's cells, without the space around them.

        Raises
        ------
        SourceError
            As `rows` raises.
        """
        self._opened[:] = [_Sheet(self)]
        return tuple(self._opened[0].header.values())

    def rows(self, table: str) -> Iterator[Row]:
        """Yield every row below the header that is not blank.

        Parameters
        ----------
        table
            Ignored: a sheet is one table.

        Yields
        ------
        Row
            One row, flagged ``FORMULA`` where a value was computed; with a fault ``ERROR_CELL``, ``NO_VALUE`` (a
            formula that was never computed), ``MERGED_CELL``, ``CELL_WITHOUT_HEADER`` or ``TOO_LONG`` where a cell
            is not what it seems.

        Raises
        ------
        SourceError
            ``NOT_FOUND``, ``UNREADABLE``, ``PASSWORD_PROTECTED``, ``ZIP_BOMB``, ``TOO_LONG``; ``NO_SHEET`` or
            ``SHEET_NOT_CHOSEN``; ``EMPTY_SOURCE``; ``NO_HEADER`` if none is found; ``MERGED_HEADER``,
            ``UNNAMED_COLUMN`` or ``DUPLICATE_COLUMN`` in the header.
        """
        sheet = self._opened.pop() if self._opened else _Sheet(self)
        return sheet.rows()


class _Sheet:
    """A sheet that is open, with its header."""

    def __init__(self, excel: Excel) -> None:
        self._source = excel.name
        with from_extra("excel"):
            import python_calamine
        with open_file(excel.path) as file:
            self._open(file, python_calamine, excel.sheet)
        self._header_row, self.header = self._find_header(excel.header)

    def _open(self, file: BinaryIO, calamine: Any, wanted: str | int | None) -> None:
        start = file.read(4)
        file.seek(0)
        workbook = None
        if start == b"\xd0\xcf\x11\xe0":
            pass  # an .xls file is not compressed
        elif start == b"PK\x03\x04":
            workbook = Workbook(file, self._source)
            file.seek(0)
        else:
            raise SourceError(f"{self._source} is no Excel workbook", code="UNREADABLE")
        try:
            with calamine.CalamineWorkbook.from_filelike(file) as book:
                names = self._choose(book, calamine, wanted)
                found = []
                for name in names:
                    marks = Marks() if workbook is None else workbook.marks(name)
                    sheet = book.get_sheet_by_name(name)
                    if sheet.start is not None:
                        found.append((name, sheet, marks))
        except calamine.PasswordError:
            raise SourceError(f"{self._source} is protected by a password", code="PASSWORD_PROTECTED") from None
        except (calamine.CalamineError, OSError, ValueError) as error:
            raise SourceError(f"{self._source} cannot be read: {type(error).__name__}", code="UNREADABLE") from None
        if not found:
            raise SourceError(f"{self._source} is empty: it has no header", code="EMPTY_SOURCE")
        if len(found) > 1:
            listed = ", ".join(repr(name) for name, _, _ in found)
            raise SourceError(f"{self._source} has the sheets {listed}; say sheet=", code="SHEET_NOT_CHOSEN")
        ((_, self._sheet, self._marks),) = found
        self._merged: dict[tuple[int, int], tuple[int, int]] = {}  # the top left cell of each cell of a merge
        for (top, left), (bottom, right) in self._sheet.merged_cell_ranges or ():
            # as far as there are cells: whole columns may be merged
            for row in range(top, min(bottom, self._sheet.end[0]) + 1):
                for column in range(left, min(right, self._sheet.end[1]) + 1):
                    self._merged[row, column] = (top, left)
            if len(self._merged) > MAX_MERGED:
                raise SourceError(f"{self._source} merges more than {MAX_MERGED:,} cells", code="ZIP_BOMB")

    def _choose(self, book: Any, calamine: Any, wanted: str | int | None) -> list[str]:
        names: list[str] = book.sheet_names
        if wanted is None:
            worksheet, visible = calamine.SheetTypeEnum.WorkSheet, calamine.SheetVisibleEnum.Visible
            return [one.name for one in book.sheets_metadata if (one.typ, one.visible) == (worksheet, visible)]
        if isinstance(wanted, int) and 0 <= wanted < len(names):
            return [names[wanted]]
        if wanted in names:
            return [str(wanted)]
        raise SourceError(
            f"{Path(self._source).name} is no sheet; there are {', '.join(map(repr, names))}", code="NO_SHEET"
        )

    def _cells(self) -> Iterator[tuple[int, Cells]]:
        """Rows of cells with their 0-based row, from column 0 on."""
        return enumerate(self._sheet.iter_rows())

    def _find_header(self, given: int | None) -> tuple[int, dict[int, str]]:
        top = [cells for _, cells in islice(self._cells(), (given or HEADER_WITHIN) + _BELOW)]
        rows = [self._with_merged(number, top) for number in range(len(top))]
        if given is not None:
            if given > len(rows):
                raise SourceError(f"{self._source} has no row {given}", code="NO_HEADER")
            return given - 1, self._named(given - 1, rows, top)
        for number, cells in enumerate(rows[:HEADER_WITHIN]):
            filled = _filled(cells)
            below = set().union(*map(_filled, top[number + 1 :]))
            if filled and below <= filled and all(isinstance(cells[column], str) for column in filled):
                return number, self._named(number, rows, top)
        merged = " a merged heading names its first column only;" if self._merged else ""
        raise SourceError(
            f"{self._source}: none of the first {HEADER_WITHIN} rows has a text over every column with cells below "
            f"it;{merged} say header=, or name every column",
            code="NO_HEADER",
        )

    def _with_merged(self, number: int, top: list[Cells]) -> list[Any]:
        """The cells of a row near the top, those that are merged with one above filled in."""
        filled = list(top[number])
        for column in range(len(filled)):
            row, left = self._merged.get((number, column), (number, column))
            if left == column:
                filled[column] = top[row][column]
        return filled

    def _named(self, number: int, rows: list[list[Any]], top: list[Cells]) -> dict[int, str]:
        header = {
            column: str(cell).strip() for column, cell in enumerate(rows[number]) if column in _filled(rows[number])
        }
        if not header:
            raise SourceError(f"{self._source} has nothing in row {number + 1}", code="NO_HEADER")
        below = set().union(*map(_filled, top[number + 1 :]))
        unnamed = sorted(below - header.keys())
        if unnamed:
            letters = ", ".join(map(_letters, unnamed))
            merged = any((number, column) in self._merged for column in unnamed)
            why = "is merged over columns of their own; name each of them" if merged else "has no text over them"
            raise SourceError(
                f"{self._source} has cells in column {letters}, but the header in row {number + 1} {why}",
                code="MERGED_HEADER" if merged else "UNNAMED_COLUMN",
            )
        twice = [repr(cell) for cell, count in Counter(header.values()).items() if count > 1]
        if twice:
            raise SourceError(f"{self._source} has more than one column {', '.join(twice)}", code="DUPLICATE_COLUMN")
        return header

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the header."""
        header, marks = self.header, self._marks
        special = marks.errors | marks.unknown | marks.formulas | self._merged.keys()
        rows_with = {row for row, _ in special}
        for number, cells in self._cells():
            if number <= self._header_row:
                continue
            flags: tuple[Fault, ...] = ()
            filled = _filled(cells)
            if number in rows_with:
                fault, flags = self._look(number, filled)
                if fault is not None:
                    yield Row(number + 1, {}, fault)
                    continue
            if not filled:
                continue
            stray = next((column for column in sorted(filled) if column not in header), None)
            if stray is not None:
                words = f"has a cell in column {_letters(stray)}, which has no header"
                yield Row(number + 1, {}, Fault(self._source, number + 1, None, "CELL_WITHOUT_HEADER", words))
                continue
            values = {name: _value(cells[column]) for column, name in header.items()}
            long = next((name for name, cell in values.items() if isinstance(cell, str) and len(cell) > MAX_CELL), None)
            if long is not None:
                words = f"has more than {MAX_CELL:,} characters"
                yield Row(number + 1, {}, Fault(self._source, number + 1, long, "TOO_LONG", words))
                continue
            yield Row(number + 1, values, None, flags)

    def _look(self, row: int, filled: set[int]) -> tuple[Fault | None, tuple[Fault, ...]]:
        """Judge the cells of a row that are more than their value."""
        flags = []
        for column, name in self.header.items():
            at = (row, column)
            if at in self._marks.errors:
                return Fault(self._source, row + 1, name, "ERROR_CELL", "holds an error such as #REF!"), ()
            if at in self._marks.unknown:
                words = "is a formula that was never computed; open the file in a spreadsheet and save it"
                return Fault(self._source, row + 1, name, "NO_VALUE", words), ()
            if at in self._merged:
                words = "is merged with another cell, which does not say whose value it is"
                return Fault(self._source, row + 1, name, "MERGED_CELL", words), ()
            if at in self._marks.formulas and column in filled:
                words = "is a formula; its last computed value is taken"
                flags.append(Fault(self._source, row + 1, name, "FORMULA", words))
        return None, tuple(flags)


def _value(cell: Any) -> Any:
    return plain(cell, _FIFTEEN_DIGITS)


def _filled(cells: Cells) -> set[int]:
    return {
        column
        for column, cell in enumerate(cells)
        if not (isinstance(cell, str) and (not cell or cell.isspace())) and cell is not None
    }


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
