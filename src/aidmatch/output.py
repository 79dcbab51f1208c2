"""Files out: replaced as a whole or not at all, and tables written as their ending says."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import copymode
from typing import Any, BinaryIO, Final

from aidmatch.errors import InputError
from aidmatch.plugins import from_extra

__all__ = ["inert", "replacing", "write_table"]

Rows = Iterable[Mapping[str, Any]]

#: An Excel sheet has so many rows, the header's included.
_SHEET_ROWS: Final = 1_048_576
#: A cell of a spreadsheet is a double, which holds integers exactly up to here.
_EXACT: Final = 2**53

# What starts a formula, also in full width and in small form, and what spreadsheets read over before it.
_STARTS: Final = "=+\\-@＝＋－＠﹦﹢﹣﹫\\t\\r\\n"
_SKIPPED: Final = "\\s\\x00\\u200b\\ufeff"
# A cell begins at its beginning, and, where the reader's own separator is the semicolon, behind one.
_FORMULA = re.compile(f'(?:^|(?<=;))(?=[{_SKIPPED}"]*[{_STARTS}])')


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a file that takes the place of another only once it is whole and on the disk.

    Parameters
    ----------
    path
        The file. A link stays one, and what it leads to is replaced. Permissions of a file that is there are kept.

    Yields
    ------
    BinaryIO
        What to write to: a file beside it, which is gone again if writing fails.

    Raises
    ------
    InputError
        ``NOT_A_FILE`` if something stands there that is no regular file.
    OSError
        If it cannot be written; the old file is as it was.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise InputError(f"{Path(path).name!r} is there and is no regular file", code="NOT_A_FILE")
    beside = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            copymode(target, beside)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Put a folder's new entry on the disk, too, where folders can be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def inert(cell: Any) -> Any:
    """Put an apostrophe before whatever in a cell a spreadsheet would take for a formula.

    Parameters
    ----------
    cell
        Any value; only text is ever changed.

    Returns
    -------
    The value. Text is changed where it begins with one of ``= + - @``, in full width or small form too, with a tab or
    a line break, all also behind spaces, quotes, NUL or a byte order mark; and where a semicolon inside it is followed
    by such a beginning: programs that separate by semicolons would start a cell there.
    """
    return _FORMULA.sub("'", cell) if isinstance(cell, str) else cell


def write_table(
    path: str | os.PathLike[str], columns: Mapping[str, type[str] | type[int]], rows: Rows, *, neutralise: bool = True
) -> None:
    """Write rows as a file of the kind that its ending names, all or nothing.

    Parameters
    ----------
    path
        Ends in ``.csv`` (UTF-8 with BOM, for spreadsheets), ``.xlsx`` (one sheet; extra ``excel``), ``.parquet``
        (extra ``parquet``) or ``.json``. It is replaced.
    columns
        By header, in order: whether its cells are text or integers of 64 bits. None is an empty cell.
    rows
        Cells by header.
    neutralise
        Whether `inert` is applied to cells in the files that people open in a spreadsheet: CSV and Excel.

    Raises
    ------
    InputError
        ``BAD_EXPORT`` for another ending, ``TOO_MANY_ROWS`` if there are more rows than a sheet takes,
        ``NOT_A_FILE`` as `replacing`.
    PluginError
        ``MISSING_EXTRA`` if the package that writes the format is not installed.
    OSError
        If the file cannot be written; the old file is as it was.
    """
    suffix = Path(path).suffix
    write = _WRITERS.get(suffix)
    if write is None:
        endings = " or ".join((", ".join([*_WRITERS][:-1]), [*_WRITERS][-1]))
        raise InputError(f"cannot export to {Path(path).name!r}; the ending decides: {endings}", code="BAD_EXPORT")
    if neutralise and suffix in _FOR_PEOPLE:
        rows = ({header: inert(cell) for header, cell in row.items()} for row in rows)
    with replacing(path) as file:
        write(file, columns, rows)


def _write_csv(file: BinaryIO, columns: Mapping[str, type], rows: Rows) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    text.detach()  # flushed, and the file stays open


def _write_json(file: BinaryIO, columns: Mapping[str, type], rows: Rows) -> None:
    file.write((json.dumps(list(rows), ensure_ascii=False, indent=1) + "\n").encode())


def _write_xlsx(file: BinaryIO, columns: Mapping[str, type], rows: Rows) -> None:
    with from_extra("excel"):
        import xlsxwriter
    # text stays text, whatever it looks like; rows go to the disk as they come
    plain = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    with xlsxwriter.Workbook(file, {"constant_memory": True, **plain}) as book:
        book.set_properties({"created": datetime(1980, 1, 1, tzinfo=UTC)})  # the same rows make the same bytes
        sheet = book.add_worksheet("assignments")
        sheet.freeze_panes(1, 0)
        for at, header in enumerate(columns):
            sheet.write_string(0, at, header)
        for line, row in enumerate(rows, start=1):
            if line >= _SHEET_ROWS:
                raise InputError(
                    f"an Excel sheet takes {_SHEET_ROWS - 1:,} rows, and there are more; write .csv or .parquet",
                    code="TOO_MANY_ROWS",
                )
            for at, header in enumerate(columns):
                cell = row[header]
                if isinstance(cell, int) and abs(cell) <= _EXACT:
                    sheet.write_number(line, at, cell)
                elif cell is not None:
                    sheet.write_string(line, at, str(cell))


def _write_parquet(file: BinaryIO, columns: Mapping[str, type], rows: Rows) -> None:
    with from_extra("parquet"):
        import pyarrow as pa
        from pyarrow import parquet
    kinds = {str: pa.string(), int: pa.int64()}
    schema = pa.schema([(header, kinds[kind]) for header, kind in columns.items()])
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), file)


_WRITERS: Final[Mapping[str, Callable[[BinaryIO, Mapping[str, type], Rows], None]]] = {
    ".csv": _write_csv,
    ".xlsx": _write_xlsx,
    ".parquet": _write_parquet,
    ".json": _write_json,
}
_FOR_PEOPLE: Final = frozenset({".csv", ".xlsx"})
