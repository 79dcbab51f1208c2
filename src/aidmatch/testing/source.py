"""What a good source keeps to."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import field, make_dataclass
from itertools import islice
from typing import Any, ClassVar

import pytest  # what is missing without it, `contract` has said

from aidmatch.errors import SourceError
from aidmatch.sources.opening import open_source
from aidmatch.sources.reading import read
from aidmatch.sources.table import Row, Source
from aidmatch.testing.contract import Contract, check

__all__ = ["SourceContract"]


class SourceContract(Contract):
    """Checks for a source. Say `source`, `expected`, `missing` and `named`.

    Attributes
    ----------
    table
        The table that is asked for.
    named
        How a user names the very same rows, such as ``office:county``; the plug-in must be installed.
    """

    CHECKS: ClassVar[Mapping[int, int]] = {1: 11}
    table: ClassVar[str] = "needs"
    named: ClassVar[str | None] = None

    def source(self) -> Source:
        """Make the source anew."""
        raise NotImplementedError("say how the source is made: def source(self): return …")

    def expected(self) -> Sequence[Mapping[str, Any]]:
        """The rows it should give, two at least, by header; an empty cell is None or left out."""
        raise NotImplementedError("say which rows it should give: def expected(self): return [{…}, …]")

    def missing(self) -> Source | None:
        """Make a source of something that is not there; its rows should be a `SourceError`."""
        return None

    def _rows(self, source: Source | None = None) -> list[Row]:
        given = (self.source() if source is None else source).rows(self.table)
        return [row if isinstance(row, Row) else Row(number, row) for number, row in enumerate(given, start=1)]

    @check()
    def test_it_is_a_source(self) -> None:
        source = self.source()
        assert isinstance(source, Source), "it has no method rows(table)"
        name = getattr(source, "name", type(source).__name__)
        assert isinstance(name, str), "name is text, for messages"
        assert name.strip(), "name is text, for messages"

    @check()
    def test_rows_are_rows_or_mappings(self) -> None:
        for given in self.source().rows(self.table):
            assert isinstance(given, Row | Mapping), f"a {type(given).__name__} is neither a Row nor a mapping"

    @check()
    def test_rows_are_the_expected_ones(self) -> None:
        expected = [_filled(row) for row in self.expected()]
        assert len(expected) >= 2, "expected() should give two rows at least"
        rows = self._rows()
        assert len(rows) == len(expected), f"{len(rows)} rows, not {len(expected)}"
        for number, (row, wanted) in enumerate(zip(rows, expected, strict=True), start=1):
            assert row.fault is None, f"row {number} has a fault: {row.fault}"
            assert _filled(row.values) == wanted, f"row {number} has other cells"

    @check()
    def test_rows_come_the_same_again(self) -> None:
        source = self.source()
        first = [(row.line, dict(row.values)) for row in self._rows(source)]
        again = [(row.line, dict(row.values)) for row in self._rows(source)]
        assert first == again, "the second time, rows() gives other rows"

    @check()
    def test_lines_count_from_one_and_never_back(self) -> None:
        lines = [row.line for row in self._rows()]
        assert all(type(line) is int and line >= 1 for line in lines), "a line is a whole number from 1"
        assert lines == sorted(lines), "lines go back"

    @check()
    def test_headers_are_text(self) -> None:
        for row in self._rows():
            assert all(isinstance(header, str) and header.strip() for header in row.values), "a header is no text"

    @check()
    def test_declared_columns_are_those_of_the_rows(self) -> None:
        declared = getattr(self.source(), "columns", None)
        if declared is None:
            return
        unknown = {header for row in self._rows() for header in row.values} - set(declared)
        assert not unknown, f"rows have {sorted(unknown)}, which columns does not declare"
        assert len(set(declared)) == len(list(declared)), "columns has a header twice"

    @check()
    def test_two_readers_do_not_disturb_each_other(self) -> None:
        source = self.source()
        one, other = iter(source.rows(self.table)), iter(source.rows(self.table))
        together: list[list[Any]] = [[], []]
        for first, second in zip(one, other, strict=False):
            together[0].append(first)
            together[1].append(second)
        wanted = len(self.expected())
        assert [len(rows) for rows in together] == [wanted, wanted], "two readers at once take rows from each other"

    @check()
    def test_a_reader_who_stops_leaves_nothing_open(self) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            rows = iter(self.source().rows(self.table))
            assert list(islice(rows, 1)), "there is no first row"
            del rows
            gc.collect()
        left = [str(one.message) for one in caught if issubclass(one.category, ResourceWarning)]
        assert not left, "a file or connection stays open"

    @check()
    def test_what_is_not_there_is_a_source_error(self) -> None:
        missing = self.missing()
        assert missing is not None, "say missing(), or exempt this check with a reason"
        with pytest.raises(SourceError) as caught:
            list(missing.rows(self.table))
        assert caught.value.code, "the error has no code"

    @check()
    def test_the_library_reads_it(self) -> None:
        """By the object, and by the name that a user types."""
        headers = sorted({header for row in self.expected() for header in row})
        fields = [(f"column_{number}", object, field(default=None)) for number in range(len(headers))]
        record = make_dataclass("Record", fields, frozen=True, namespace={"table": self.table})
        columns = {name: header for (name, _, _), header in zip(fields, headers, strict=True)}
        assert self.named, "say named = 'scheme:target', or exempt this check with a reason"
        for given in (self.source(), open_source(self.named)[0]):
            records: Sequence[Any] = read(given, record, columns=columns)
            found = [{header: getattr(one, name) for name, header in columns.items()} for one in records]
            wanted = [_filled(row) for row in self.expected()]
            assert [_filled(row) for row in found] == wanted, "read() gives other cells"


def _filled(cells: Mapping[str, Any]) -> dict[str, Any]:
    """The cells that are not empty."""
    return {header: cell for header, cell in cells.items() if cell is not None and cell != ""}
