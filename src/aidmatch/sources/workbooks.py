"""What an .xlsx file would become, found out before a reader inflates it.

A workbook is a zip, and readers hold a sheet as a full rectangle of cells. So everything that could make a small file
large is bounded here: entries, inflated bytes and their ratio, one long text, a text that is shared many times, a
lonely cell far out. Formulas and error cells are found here, too, because readers show neither.
"""

from __future__ import annotations

import copy
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final
from xml.parsers import expat

from aidmatch.errors import SourceError

__all__ = ["MAX_CELL", "Marks", "Workbook"]

MAX_ENTRIES: Final = 10_000
MAX_INFLATED: Final = 2**30
#: Of an entry larger than a mebibyte; ordinary sheets reach some twenty, monotonous ones a hundred.
MAX_RATIO: Final = 500
#: Excel's own limit on the characters of a cell.
MAX_CELL: Final = 32_767
#: A rectangle of more cells than this is not read: a million rows of forty columns.
MAX_CELLS: Final = 40_000_000

_BLOCK: Final = 1 << 16
_LONG_TEXT: Final = 8 * MAX_CELL
_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br=["']([A-Za-z]+)""")
_ROW = re.compile(rb"""<(?:\w+:)?row\s[^>]*?\br=["'](\d+)""")
_SHARED = re.compile(rb"""\st=["']s["']""")
_MARKED = re.compile(rb"""<(?:\w+:)?f[\s>/]|\st=["']e["']""")


@dataclass
class Marks:
    """Cells of a sheet that are more than their value, by 0-based row and column.

    Parameters
    ----------
    errors
        Cells such as #REF!.
    unknown
        Formulas without a computed value.
    formulas
        Formulas with one.
    """

    errors: set[tuple[int, int]] = field(default_factory=set)
    unknown: set[tuple[int, int]] = field(default_factory=set)
    formulas: set[tuple[int, int]] = field(default_factory=set)


class Workbook:
    """A zip that claims to be a workbook.

    Parameters
    ----------
    file
        Open, and seekable.
    source
        Name of the source, for messages.

    Raises
    ------
    SourceError
        ``UNREADABLE`` if it is no zip or no workbook, ``ZIP_BOMB`` if it would inflate beyond all measure,
        ``TOO_LONG`` if it has a text longer than a cell can hold.
    """

    def __init__(self, file: BinaryIO, source: str) -> None:
        self._source = source
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            raise self._unreadable("is no zip") from None
        self._entries = {info.filename.lstrip("/"): info for info in self._zip.infolist()}
        self._check_sizes()
        if "xl/workbook.xml" not in self._entries:
            raise self._unreadable("holds no .xlsx workbook; save it as one")
        longest = 0
        for name in self._entries:
            if name.lower().startswith("xl/") and name.lower().endswith(".xml"):
                longest = max(longest, self._check_texts(name))
            else:
                for _ in self._blocks(name):
                    pass
        self._longest = longest

    def marks(self, sheet: str) -> Marks:
        """Find the cells of a sheet that are more than their value.

        Parameters
        ----------
        sheet
            Its name.

        Returns
        -------
        The cells.

        Raises
        ------
        SourceError
            ``ZIP_BOMB`` if the sheet's rectangle or its shared texts would not fit in memory.
        """
        part = self._part_of(sheet)
        width = height = shared = rows = 0
        marked = False
        for piece in self._pieces(part):
            rows += piece.count(b"<row") + piece.count(b":row")
            height = max(height, rows, *map(int, _ROW.findall(piece)))
            for letters in set(_CELL.findall(piece)):
                width = max(width, _column_of(letters.decode()) + 1)
            shared += len(_SHARED.findall(piece))
            marked = marked or _MARKED.search(piece) is not None
        if width * height > MAX_CELLS:
            raise SourceError(
                f"{self._source} has cells as far out as row {height:,}, column {width:,}: delete what lies beyond "
                "the table",
                code="ZIP_BOMB",
            )
        if shared * self._longest > MAX_INFLATED and self._shared_bytes(part) > MAX_INFLATED:
            raise SourceError(f"{self._source} repeats long texts beyond measure", code="ZIP_BOMB")
        return self._find(part) if marked else Marks()

    def _check_sizes(self) -> None:
        infos = self._zip.infolist()
        total = sum(info.file_size for info in infos)
        ratio = max(
            (info.file_size / max(info.compress_size, 1) for info in infos if info.file_size > 2**20), default=0
        )
        if len(infos) > MAX_ENTRIES or total > MAX_INFLATED or ratio > MAX_RATIO:
            raise SourceError(
                f"{self._source} would inflate to {total:,} bytes in {len(infos):,} entries, which is no table",
                code="ZIP_BOMB",
            )
        if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
            raise self._unreadable("is compressed in an unusual way")
        if any(info.flag_bits & 1 for info in infos):
            raise self._unreadable("is encrypted")

    def _blocks(self, name: str) -> Iterator[bytes]:
        """Inflate an entry block by block, and see that it is as large as it says."""
        info = copy.copy(self._entries[name])
        said = info.file_size
        info.file_size = said + 1
        size = 0
        try:
            with self._zip.open(info) as entry:
                while block := entry.read(_BLOCK):
                    size += len(block)
                    yield block
        except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, zlib.error):
            raise self._unreadable("is damaged") from None
        if size != said:
            raise SourceError(f"{self._source} hides how large it is", code="ZIP_BOMB")

    def _pieces(self, name: str) -> Iterator[bytes]:
        """Inflate an entry in pieces that end before a tag."""
        left = b""
        for block in self._blocks(name):
            at = block.rfind(b"<")
            if at < 0:
                left += block
                continue
            yield left + block[:at]
            left = block[at:]
        yield left

    def _check_texts(self, name: str) -> int:
        longest = run = 0
        for block in self._blocks(name):
            first, last = block.find(b"<"), block.rfind(b"<")
            run += len(block) if first < 0 else first
            longest = max(longest, run)
            if first >= 0:
                inner = max(map(len, block[first:last].split(b"<")), default=0) if last > first else 0
                longest, run = max(longest, inner), len(block) - last
            if longest > _LONG_TEXT:
                raise SourceError(
                    f"{self._source} has a text of more than {MAX_CELL:,} characters, which no cell holds",
                    code="TOO_LONG",
                )
        return longest

    def _part_of(self, sheet: str) -> str:
        ids: dict[str, str] = {}
        targets: dict[str, str] = {}

        def of_sheet(tag: str, attributes: dict[str, str]) -> None:
            if tag == "sheet" and attributes.get("name") == sheet:
                ids[sheet] = attributes.get("id", "")

        def of_relation(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Relationship":
                targets[attributes.get("Id", "")] = attributes.get("Target", "")

        self._parse("xl/workbook.xml", of_sheet)
        self._parse("xl/_rels/workbook.xml.rels", of_relation)
        target = targets.get(ids.get(sheet, ""), "")
        part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if part not in self._entries:
            raise self._unreadable(f"has no part for its sheet {sheet!r}")
        return part

    def _parse(self, name: str, start: Any, end: Any = None, text: Any = None) -> None:
        """Parse an entry, names of tags and attributes without their namespaces."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True

        def local(tag: str, attributes: dict[str, str]) -> None:
            start(tag.rpartition(" ")[2], {key.rpartition(" ")[2]: value for key, value in attributes.items()})

        def refuse(*_: Any) -> None:
            raise self._unreadable("declares a document type, which no spreadsheet does")

        parser.StartElementHandler = local
        parser.StartDoctypeDeclHandler = refuse
        if end is not None:
            parser.EndElementHandler = lambda tag: end(tag.rpartition(" ")[2])
            parser.CharacterDataHandler = text
        if name not in self._entries:
            raise self._unreadable("lacks a part that every workbook has")
        try:
            for block in self._blocks(name):
                parser.Parse(block, False)
            parser.Parse(b"", True)
        except expat.ExpatError:
            raise self._unreadable("is damaged") from None

    def _find(self, part: str) -> Marks:
        marks = Marks()
        row, column = -1, -1
        kind, has_formula, in_value, value = "", False, False, False

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal row, column, kind, has_formula, in_value, value
            if tag == "row":
                row, column = int(attributes.get("r", row + 2)) - 1, -1
            elif tag == "c":
                letters = re.match("[A-Za-z]+", attributes.get("r", ""))
                column = column + 1 if letters is None else _column_of(letters[0])
                kind, has_formula, value = attributes.get("t", ""), False, False
            elif tag == "f":
                has_formula = True
            in_value = tag in ("v", "t")

        def text(data: str) -> None:
            nonlocal value
            value = value or in_value

        def end(tag: str) -> None:
            nonlocal in_value
            in_value = False
            if tag != "c":
                return
            if kind == "e":
                marks.errors.add((row, column))
            elif has_formula:
                # a formula whose result is an empty text has been computed
                (marks.formulas if value or kind == "str" else marks.unknown).add((row, column))

        self._parse(part, start, end, text)
        return marks

    def _shared_bytes(self, part: str) -> int:
        """How much text the shared strings of a sheet would be."""
        lengths: list[int] = []
        total, kind, in_value, digits = 0, "", False, ""

        def in_strings(tag: str, _: dict[str, str]) -> None:
            if tag == "si":
                lengths.append(0)

        def in_sheet(tag: str, attributes: dict[str, str]) -> None:
            nonlocal kind, in_value, digits
            if tag == "c":
                kind = attributes.get("t", "")
            in_value, digits = tag == "v" and kind == "s", ""

        def of_strings(data: str) -> None:
            if lengths:
                lengths[-1] += 4 * len(data)

        def of_sheet(data: str) -> None:
            nonlocal digits
            digits += data if in_value else ""

        def end(tag: str) -> None:
            nonlocal total, in_value
            if in_value and digits.isdecimal() and int(digits) < len(lengths):
                total += lengths[int(digits)]
            in_value = False

        if "xl/sharedStrings.xml" not in self._entries:
            return 0
        self._parse("xl/sharedStrings.xml", in_strings, lambda _: None, of_strings)
        self._parse(part, in_sheet, end, of_sheet)
        return total

    def _unreadable(self, why: str) -> SourceError:
        return SourceError(f"{self._source} {why}", code="UNREADABLE")


def _column_of(letters: str) -> int:
    number = 0
    for letter in letters[:8].upper():
        number = 26 * number + ord(letter) - 64
    return number - 1
