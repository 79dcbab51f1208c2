"""CSV files: whatever is in them, one bad row costs one row."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from tests.profiles import examples

from aidmatch.errors import SourceError
from aidmatch.sources import csv_files
from aidmatch.sources.csv_files import MAX_ROW_LINES, CsvFile
from aidmatch.sources.table import Row, Source

Write = Callable[[bytes], CsvFile]


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> Write:
    path = tmp_path_factory.mktemp("csv") / "table.csv"

    def write(content: bytes) -> CsvFile:
        path.write_bytes(content)
        return CsvFile(path)

    return write


def rows_of(file: CsvFile) -> list[Row]:
    return list(file.rows("any"))


def cells_of(file: CsvFile) -> list[list[str]]:
    return [list(row.values.values()) for row in rows_of(file) if row.fault is None]


def codes_of(file: CsvFile) -> list[tuple[int, str]]:
    return [(row.line, row.fault.code) for row in rows_of(file) if row.fault is not None]


def refusal_of(file: CsvFile) -> str:
    with pytest.raises(SourceError) as caught:
        rows_of(file)
    with pytest.raises(SourceError) as again:
        _ = file.columns
    assert str(again.value) == str(caught.value)
    return caught.value.code


def test_it_is_a_source(write: Write) -> None:
    file = write(b"a,b\n1,2\n")
    assert isinstance(file, Source)
    assert file.name == "table.csv"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_rows_by_header_with_their_lines(write: Write, mark: bytes, end: str) -> None:
    file = write(mark + end.join(["a, b ", "1,2", "", "   ", "粮食,", '"3,""4""",5']).encode())
    assert file.columns == ("a", "b")
    assert [(row.line, dict(row.values)) for row in rows_of(file)] == [
        (2, {"a": "1", "b": "2"}),
        (5, {"a": "粮食", "b": ""}),
        (6, {"a": '3,"4"', "b": "5"}),
    ]


def test_a_quoted_cell_may_span_lines(write: Write) -> None:
    file = write(b'"a","b\n"\n1,"x\n\ny,""z"""\n2,w\n')
    assert file.columns == ("a", "b")
    assert [(row.line, list(row.values.values())) for row in rows_of(file)] == [
        (3, ["1", 'x\n\ny,"z"']),
        (6, ["2", "w"]),
    ]


def test_an_empty_table_is_no_error(write: Write) -> None:
    assert rows_of(write(b"a,b\n\n")) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"1", "WRONG_NUMBER_OF_CELLS"),
        (b"1,2,3", "WRONG_NUMBER_OF_CELLS"),
        (b"\xff\xfe,2", "BAD_ENCODING"),
        (b"\xff", "BAD_ENCODING"),
        (b'\xff",2', "BAD_ENCODING"),
        ("粮食,2".encode("gb18030"), "BAD_ENCODING"),
        (b"1,2\0", "BAD_CHARACTER"),
        (b"1\r,2", "BAD_CHARACTER"),
        (b'"1",2\r3', "BAD_CHARACTER"),
        (b'"1,2', "BAD_QUOTE"),
        (b'1,"2" x', "BAD_QUOTE"),
        (b'1, "2"', "BAD_QUOTE"),
        (b'1,5" pipe', "BAD_QUOTE"),
        (b'1,5" and 6" pipe', "BAD_QUOTE"),
        (b'1,"' + b"x" * 200_000 + b'"', "TOO_LONG"),
    ],
)
def test_a_bad_line_costs_itself(write: Write, line: bytes, code: str) -> None:
    file = write(b"a,b\n0,first\n" + line + b"\n8,next\n9,last\n")
    assert codes_of(file) == [(3, code)]
    assert cells_of(file) == [["0", "first"], ["8", "next"], ["9", "last"]]
    (fault,) = [row.fault for row in rows_of(file) if row.fault is not None]
    assert (fault.source, fault.column) == ("table.csv", None)
    assert "pipe" not in fault.message


def test_an_unreadable_line_within_a_cell_costs_that_row_only(write: Write) -> None:
    file = write(b'a,b\n1,"x\n\xff,y\nz"\n2,w\n')
    assert codes_of(file) == [(2, "BAD_ENCODING")]
    assert cells_of(file) == [["2", "w"]]


def test_a_quote_left_open_costs_its_line(write: Write) -> None:
    good = [[str(number), "x"] for number in range(2 * MAX_ROW_LINES)]
    text = "a,b\n" + '"oops,x\n' + "".join(f"{','.join(cells)}\n" for cells in good)
    assert codes_of(write(text.encode())) == [(2, "BAD_QUOTE")]
    assert cells_of(write(text.encode())) == good


@pytest.mark.parametrize(("lines", "kept"), [(MAX_ROW_LINES, 1), (MAX_ROW_LINES + 1, 0)])
def test_a_row_may_span_so_many_lines_and_no_more(write: Write, lines: int, kept: int) -> None:
    file = write(b'a,b\n1,"' + b"\n" * lines + b'"\n')
    assert len(cells_of(file)) == kept


def test_a_row_may_have_so_many_bytes_and_no_more(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(b'a,b\n1,"' + b"\n" * 50 + b'"\n')
    assert len(cells_of(file)) == 1
    monkeypatch.setattr(csv_files, "MAX_ROW_BYTES", 40)
    assert codes_of(file)[0] == (2, "BAD_QUOTE")


def test_a_row_over_several_lines_has_the_headers_number_of_cells(write: Write) -> None:
    file = write(b'a,b\n"1\n2"\n3,4\n')
    assert codes_of(file) == [(2, "BAD_QUOTE"), (3, "BAD_QUOTE")]
    assert cells_of(file) == [["3", "4"]]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "EMPTY_SOURCE"),
        (b"\xef\xbb\xbf", "EMPTY_SOURCE"),
        (b"\n \n", "EMPTY_SOURCE"),
        (b"a,b,a \n", "DUPLICATE_COLUMN"),
        (b"a,,b\n", "UNNAMED_COLUMN"),
        ("数量,b\n1,2\n".encode("gb18030"), "BAD_ENCODING"),
        ("a,b\n1,2\n".encode("utf-16"), "BAD_ENCODING"),
        ("a,b\n1,2\n".encode("utf-16-be"), "BAD_ENCODING"),
        ("a,b\n1,2\n".encode("utf-32"), "BAD_ENCODING"),
        ("a,b\n1,2\n".encode("utf-32-be"), "BAD_ENCODING"),
        (b'a,"b\n1,2\n', "BAD_QUOTE"),
        (b"a,b\r1,2\r", "BAD_CHARACTER"),
    ],
)
def test_without_a_header_there_is_nothing_to_read(write: Write, content: bytes, code: str) -> None:
    assert refusal_of(write(content)) == code


def test_what_is_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal_of(CsvFile(tmp_path / "none.csv")) == "NOT_FOUND"
    assert refusal_of(CsvFile(str(tmp_path) + "\0.csv")) == "NOT_FOUND"
    assert refusal_of(CsvFile(tmp_path)) == "UNREADABLE"

    def denied(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "secret.csv"
    path.touch()
    monkeypatch.setattr(Path, "open", denied)
    assert refusal_of(CsvFile(path)) == "UNREADABLE"


@pytest.mark.parametrize("line", [b'"1,2', b'1,2"', b'1"', b'"', b',"",",'])
def test_the_work_is_linear_with_a_stray_quote_in_every_line(
    write: Write, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    content = b"a,b\n" + (line + b"\n") * 20_000 + b"1,2\n" * 3_000
    file = write(content)
    looked_at = 0
    parse = csv_files._cells

    def counting(text: str, width: int | None) -> list[str]:
        nonlocal looked_at
        looked_at += len(text)
        return parse(text, width)

    monkeypatch.setattr(csv_files, "_cells", counting)
    rows = rows_of(file)
    assert sum(row.fault is None for row in rows) >= 3_000
    assert looked_at <= 3 * len(content)


plain = st.text(st.characters(codec="utf-8", exclude_characters='\r\n",\0', exclude_categories=["Cs"]), max_size=5)
anything = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=["Cs"]) | st.sampled_from(',"\n')
)


def tables(cell: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    # the first cell is never blank, so no row is a blank line
    return st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(cell, min_size=width, max_size=width).map(lambda row: ["r" + row[0], *row[1:]]))
    )


def as_text(table: list[list[str]], end: str = "\n", quoting: Any = csv.QUOTE_MINIMAL) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator=end, quoting=quoting).writerows(table)
    return file.getvalue()


@with_settings(max_examples=examples(300))
@given(
    table=tables(anything),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_the_csv_module_writes_is_read_back(write: Write, table: list[list[str]], end: str, quoting: Any) -> None:
    header = [f"c{number}" for number in range(len(table[0]) if table else 1)]
    assert cells_of(write(as_text([header, *table], end, quoting).encode())) == table


@with_settings(max_examples=examples(500))
@given(
    table=tables(plain),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    data=st.data(),
)
def test_one_stray_quote_anywhere_loses_at_most_its_row(
    write: Write, table: list[list[str]], end: str, quoting: Any, data: st.DataObject
) -> None:
    header = as_text([[f"c{number}" for number in range(len(table[0]) if table else 1)]], end)
    body = as_text(table, end, quoting)
    at = data.draw(st.integers(0, len(body)))
    hit = body.count("\n", 0, at)
    file = write(f'{header}{body[:at]}"{body[at:]}'.encode())
    assert cells_of(file) == table[:hit] + table[hit + 1 :]
    assert codes_of(file) == [(hit + 2, "BAD_QUOTE")]
