"""CSV files: whatever is in them, one bad row costs one row."""

import csv
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from tests.profiles import examples

from aidmatch.errors import InputError, SourceError
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
        (b"\xff\xff,b\n1,2\n", "BAD_ENCODING"),
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

    def counting(text: str, width: int | None, delimiter: str) -> list[str]:
        nonlocal looked_at
        looked_at += len(text)
        return parse(text, width, delimiter)

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


# ---- encodings, delimiters, bounds

ENCODINGS = ["utf-8", "utf-8-sig", "gb18030", "utf-16-le", "utf-16-be"]
MARKS = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
#: Two bytes that Python's codec reads as private characters, and what GB 18030-2022 makes of them.
OF_2022 = {
    b"\xa6\xd9": "\ufe10",
    b"\xa6\xda": "\ufe12",
    b"\xa6\xdb": "\ufe11",
    b"\xa6\xdc": "\ufe13",
    b"\xa6\xdd": "\ufe14",
    b"\xa6\xde": "\ufe15",
    b"\xa6\xdf": "\ufe16",
    b"\xa6\xec": "\ufe17",
    b"\xa6\xed": "\ufe18",
    b"\xa6\xf3": "\ufe19",
    b"\xfe\x59": "\u9fb4",
    b"\xfe\x61": "\u9fb5",
    b"\xfe\x66": "\u9fb6",
    b"\xfe\x67": "\u9fb7",
    b"\xfe\x6d": "\u9fb8",
    b"\xfe\x7e": "\u9fb9",
    b"\xfe\x90": "\u9fba",
    b"\xfe\xa0": "\u9fbb",
}


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@with_settings(max_examples=examples(5, 100))
@given(table=tables(anything), end=st.sampled_from(["\n", "\r\n"]))
def test_texts_are_equal_in_every_encoding(
    write: Write, encoding: str, delimiter: str, table: list[list[str]], end: str
) -> None:
    header = [f"需求{number}" for number in range(len(table[0]) if table else 1)]
    file = io.StringIO()
    csv.writer(file, lineterminator=end, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([header, *table])
    path = write(MARKS.get(encoding, b"") + file.getvalue().encode(encoding)).path
    assert cells_of(CsvFile(path, delimiter, "gb18030" if encoding == "gb18030" else None)) == [
        ["".join(PRIVATE.get(one, one) for one in cell) if encoding == "gb18030" else cell for cell in row]
        for row in table
    ]


PRIVATE = {raw.decode("gb18030"): text for raw, text in OF_2022.items()}


@with_settings(max_examples=examples(40, 1_000))
@given(data=st.data())
def test_undecodable_bytes_are_reported_by_line_in_every_encoding(write: Write, data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from(ENCODINGS))
    count = data.draw(st.integers(3, 30))
    broken = data.draw(st.sets(st.integers(0, count - 1), max_size=count // 2 - 1))
    bad = {"utf-16-le": b"\x00\xd8", "utf-16-be": b"\xd8\x00"}.get(encoding, b"\xff\xff")
    plain_encoding = encoding.replace("-sig", "")
    lines = ["编号,物品\n".encode(encoding)]
    for number in range(count):
        cells = [
            f"N{number},".encode(plain_encoding),
            bad if number in broken else b"",
            "大米\n".encode(plain_encoding),
        ]
        lines.append(b"".join(cells))
    file = write(MARKS.get(encoding, b"") + b"".join(lines))
    assert codes_of(file) == [(number + 2, "BAD_ENCODING") for number in sorted(broken)]
    assert cells_of(file) == [[f"N{number}", "大米"] for number in range(count) if number not in broken]


def test_the_characters_of_2022(write: Write) -> None:
    header = "甲,乙\n".encode("gb18030")
    file = write(header + b"".join(raw + b',"' + raw + b'\n"\n' for raw in OF_2022))
    assert cells_of(file) == [[text, text + "\n"] for text in OF_2022.values()]


def test_what_was_inferred_is_flagged_and_what_was_said_is_not(write: Write) -> None:
    content = "编号,物品\nN1,大米\nN2,面粉\n".encode("gb18030")
    assert [[fault.code for fault in row.flags] for row in rows_of(write(content))] == [["ENCODING"], []]
    path = write(content).path
    for said in ("gb18030", "GBK", "gb2312"):
        assert [row.flags for row in rows_of(CsvFile(path, encoding=said))] == [(), ()]
    with pytest.raises(InputError, match="utf-8, gb18030") as caught:
        rows_of(CsvFile(path, encoding="morse"))
    assert caught.value.code == "UNKNOWN_ENCODING"
    with pytest.raises(SourceError):
        rows_of(CsvFile(path, encoding="utf-8"))


def test_a_broken_line_does_not_turn_utf8_into_another_encoding(write: Write) -> None:
    whole = "物品\n粮食\n".encode()
    file = write(b"a\n" + whole + "大".encode()[:2] + b"x\n")
    assert codes_of(file) == [(4, "BAD_ENCODING")]
    assert cells_of(file) == [["物品"], ["粮食"]]


def test_utf16_without_a_mark_is_declared(write: Write) -> None:
    path = write("a,b\n1,粮\n".encode("utf-16-le")).path
    assert cells_of(CsvFile(path, encoding="utf-16-le")) == [["1", "粮"]]
    assert refusal_of(CsvFile(path)) == "BAD_ENCODING"


def test_half_a_code_unit_costs_the_last_row(write: Write) -> None:
    file = write(b"\xff\xfe" + "a,b\n1,2\n3,4".encode("utf-16-le") + b"\x41")
    assert codes_of(file) == [(3, "BAD_ENCODING")]
    assert cells_of(file) == [["1", "2"]]


def test_tabs_by_name_and_by_option(tmp_path: Path) -> None:
    for name in ("t.tsv", "t.TAB", "t.txt"):
        (tmp_path / name).write_bytes(b'a\tb,c\n1,0\t"2\t3"\n"4\t5\n6\t7\n')
        file = csv_files.tab_separated(tmp_path / name) if name == "t.txt" else CsvFile(tmp_path / name)
        assert file.columns == ("a", "b,c")
        assert cells_of(file) == [["1,0", "2\t3"], ["6", "7"]]
        assert codes_of(file) == [(3, "BAD_QUOTE")]


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "，"])
def test_a_delimiter_is_one_character(delimiter: str) -> None:
    with pytest.raises(InputError) as caught:
        CsvFile("x.csv", delimiter)
    assert caught.value.code == "BAD_DELIMITER"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_of_200_megabytes_costs_its_row_and_little_memory(tmp_path: Path, encoding: str, quote: str) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as out:
        out.write(MARKS.get(encoding, b"") + f"a,b\n1,{quote}".encode(encoding))
        for _ in range(200 if encoding == "utf-8" else 100):
            out.write(("x" * 1_000_000).encode(encoding))
        out.write(f"{quote}\n2,ok\n".encode(encoding))
    file = CsvFile(path)
    tracemalloc.start()
    try:
        assert codes_of(file) == [(2, "TOO_LONG")]
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert cells_of(file) == [["2", "ok"]]


def test_a_long_line_within_an_open_quote_is_a_row_of_its_own(write: Write) -> None:
    file = write(b'a,b\n"1,2\n' + b"x" * 2 * csv_files.MAX_ROW_BYTES + b"\n3,4\n")
    assert codes_of(file) == [(2, "BAD_QUOTE"), (3, "TOO_LONG")]
    assert cells_of(file) == [["3", "4"]]
