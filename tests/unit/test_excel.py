"""Excel sheets: the header is found or refused, and no cell is taken for what it is not."""

import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from aidmatch.errors import InputError, PluginError, SourceError
from aidmatch.records.giving import Need
from aidmatch.sources import Excel, workbooks
from aidmatch.sources.reading import read
from aidmatch.sources.table import Row

HEADER = ["需求编号", "家庭编号", "物品", "数量", "单位", "类别", "区划代码", "审批状态", "登记日期"]
CELLS = ["N1", 11, "大米", 5, "袋", "A", 371502001001, "已批准", datetime(2017, 6, 1)]  # noqa: DTZ001
Build = Callable[..., Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def build(*fill: Callable[[Any, Any], Any], name: str = "needs.xlsx", sheets: tuple[str, ...] = ("需求",)) -> Path:
        path = tmp_path / name
        with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
            made = [book.add_worksheet(sheet) for sheet in sheets]
            for sheet, one in zip(made, fill, strict=False):
                one(sheet, book)
        return path

    return build


def table(*rows: list[Any], top: int = 0) -> Callable[[Any, Any], None]:
    def fill(sheet: Any, _: Any) -> None:
        for number, row in enumerate(rows, start=top):
            sheet.write_row(number, 0, row)

    return fill


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(SourceError) as caught:
        list(Excel(path, **options).rows("needs"))
    return caught.value.code


def faults(path: Path, **options: Any) -> list[tuple[int, str | None, str]]:
    rows = Excel(path, **options).rows("needs")
    return [(row.fault.line, row.fault.column, row.fault.code) for row in rows if row.fault is not None]


def values(path: Path, **options: Any) -> list[tuple[int, list[Any]]]:
    return [(row.line, list(row.values.values())) for row in Excel(path, **options).rows("x") if row.fault is None]


def test_a_county_office_sheet_under_its_titles(build: Build) -> None:
    def fill(sheet: Any, book: Any) -> None:
        sheet.merge_range(0, 0, 0, 8, "2017年需求汇总表", book.add_format())
        sheet.write_row(1, 0, ["填报单位：某镇", "", "", "", "", "", "日期：2017年6月1日"])
        table(HEADER, CELLS, [], ["N2", 12, "棉被", 1.0, "床", "B", 371502001002, "已批准", "2017.6.2"], top=2)(
            sheet, book
        )

    needs = read(build(fill), Need)
    assert [(one.id, one.household_id, one.quantity, one.place.code) for one in needs] == [
        ("N1", "11", 5, "371502001001"),
        ("N2", "12", 1, "371502001002"),
    ]
    assert [one.registered_on.isoformat() for one in needs] == ["2017-06-01", "2017-06-02"]
    assert needs.lines == (4, 6)
    assert needs.where(0) == "needs.xlsx line 4"


def test_what_a_cell_is(build: Build) -> None:
    path = build(table(["a", "b"], [5, 2.5], [True, 10**15 - 1], [1e17, "5"], [datetime(2017, 6, 1, 10, 30), " "]))  # noqa: DTZ001
    assert values(path) == [
        (2, [5, 2.5]),
        (3, [True, 10**15 - 1]),
        (4, [1e17, "5"]),
        (5, [datetime(2017, 6, 1, 10, 30), " "]),  # noqa: DTZ001
    ]
    assert [type(cell) for _, row in values(path) for cell in row][:4] == [int, float, bool, int]


def test_an_id_that_lost_digits_is_refused(build: Build) -> None:
    path = build(table(HEADER, [*CELLS[:1], 371502198001011234, *CELLS[2:]], CELLS))
    (fault,) = read(path, Need, errors="keep").report.refused
    assert (fault.line, fault.column, fault.code) == (2, "家庭编号", "LOST_DIGITS")


def test_the_lower_row_of_a_merged_heading_names_the_columns(build: Build) -> None:
    def fill(sheet: Any, book: Any) -> None:
        sheet.merge_range("A1:A2", "编号", book.add_format())
        sheet.merge_range("B1:C1", "位置", book.add_format())
        sheet.write_row("B2", ["纬度", "经度"])
        sheet.write_row("A3", ["P1", 36.5, 116])

    assert Excel(build(fill)).columns == ("编号", "纬度", "经度")
    assert values(build(fill)) == [(3, ["P1", 36.5, 116])]


def test_a_heading_merged_over_columns_is_refused(build: Build) -> None:
    def fill(sheet: Any, book: Any) -> None:
        sheet.write("A1", "编号")
        sheet.merge_range("B1:C1", "位置", book.add_format())
        sheet.write_row("A2", ["P1", 36.5, 116])

    path = build(fill)
    assert refusal(path) == "NO_HEADER"
    assert refusal(path, header=1) == "MERGED_HEADER"


def test_a_merged_cell_among_the_rows_costs_its_rows(build: Build) -> None:
    def fill(sheet: Any, book: Any) -> None:
        table(["a", "b"], ["x", 1], ["", 2], ["y", 3])(sheet, book)
        sheet.merge_range("A2:A3", "x", book.add_format())

    assert faults(build(fill)) == [(2, "a", "MERGED_CELL"), (3, "a", "MERGED_CELL")]
    assert values(build(fill)) == [(4, ["y", 3])]


@pytest.mark.parametrize(
    ("rows", "options", "code"),
    [
        ([], {}, "EMPTY_SOURCE"),
        ([[1, 2], [3, 4]], {}, "NO_HEADER"),
        ([["a", "b"]], {"header": 7}, "NO_HEADER"),
        ([["a", "b"], [], ["c"]], {"header": 2}, "NO_HEADER"),
        ([["a"], ["b", "c"]], {"header": 1}, "UNNAMED_COLUMN"),
        ([["a"], [*[""] * 27, 1]], {"header": 1}, "UNNAMED_COLUMN"),
        ([["a", "a"], [1, 2]], {}, "DUPLICATE_COLUMN"),
        ([["a"]], {"sheet": "别的"}, "NO_SHEET"),
        ([["a"]], {"sheet": 1}, "NO_SHEET"),
    ],
)
def test_a_sheet_without_a_clear_header_is_refused(
    build: Build, rows: list[Any], options: dict[str, Any], code: str
) -> None:
    assert refusal(build(table(*rows)), **options) == code


def test_a_header_may_be_named(build: Build) -> None:
    path = build(table(["a", "b"], ["c", "d"], ["1", "2"]))
    assert Excel(path).columns == ("a", "b")
    assert Excel(path, header=2).columns == ("c", "d")
    assert values(path, header=2) == [(3, ["1", "2"])]
    with pytest.raises(InputError) as caught:
        Excel(path, header=0)
    assert caught.value.code == "BAD_HEADER"


def test_lines_are_the_sheets_rows_wherever_the_table_stands(build: Build) -> None:
    def fill(sheet: Any, _: Any) -> None:
        sheet.write_row(4, 2, ["a", "b"])
        sheet.write_row(6, 2, [1, 2])

    assert values(build(fill)) == [(7, [1, 2])]


def test_a_sheet_is_chosen_and_never_guessed(build: Build) -> None:
    path = build(table(["a"], [1]), table(["b"], [2]), sheets=("需求", "捐赠", "空"))
    assert refusal(path) == "SHEET_NOT_CHOSEN"
    assert Excel(path, sheet="捐赠").columns == Excel(path, sheet=1).columns == ("b",)
    assert Excel(path, sheet="捐赠").name == "needs.xlsx (捐赠)"
    hidden = build(table(["a"], [1]), lambda sheet, _: sheet.hide() or sheet.write(0, 0, "b"), sheets=("a", "b"))
    assert Excel(hidden).columns == ("a",)
    assert Excel(build(table(["a"], [1]), sheets=("a", "Sheet2"))).columns == ("a",)


def test_a_cell_without_a_header_costs_its_row(build: Build) -> None:
    rows: list[list[Any]] = [["a", "b"], *([[1, 2]] * 200), [1, 2, 3]]
    assert faults(build(table(*rows))) == [(202, None, "CELL_WITHOUT_HEADER")]


# ---- formulas and errors


def test_formulas_are_flagged_and_what_was_never_computed_is_refused(build: Build) -> None:
    def fill(sheet: Any, _: Any) -> None:
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write_formula("A2", "=1+1", None, 2)
        sheet.write_formula("A3", "=1+1", None, "")
        sheet.write_formula("A4", '="x"', None, "x")
        sheet.write_formula("A5", "=1/0", None, "#DIV/0!")
        sheet.write_column("B2", [1, 2, 3, 4, 5])
        sheet.write("A6", 7)

    path = build(fill)
    assert faults(path) == [(3, "a", "NO_VALUE"), (5, "a", "ERROR_CELL")]
    assert values(path) == [(2, [2, 1]), (4, ["x", 3]), (6, [7, 5])]
    flags = [fault for row in Excel(path).rows("x") for fault in row.flags]
    assert [(flag.line, flag.column, flag.code) for flag in flags] == [(2, "a", "FORMULA"), (4, "a", "FORMULA")]


# ---- what would not fit


def repack(path: Path, changes: dict[str, Any], compress: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a workbook again, with some of its parts changed by a function or replaced."""
    made = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w", compress) as new:
        for name in dict.fromkeys([*old.namelist(), *changes]):
            content = old.read(name) if name in old.namelist() else b""
            change = changes.get(name)
            new.writestr(name, content if change is None else change(content) if callable(change) else change)
    return made


SHEET = "xl/worksheets/sheet1.xml"


def bounded(path: Path, code: str) -> None:
    tracemalloc.start()
    try:
        assert refusal(path) == code
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_a_zip_bomb_is_not_inflated(build: Build) -> None:
    bounded(repack(build(table(["a"], [1])), {"xl/media/x.bin": b"\0" * 300_000_000}), "ZIP_BOMB")


def test_too_many_entries_are_no_workbook(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_ENTRIES", 5)
    assert refusal(build(table(["a"], [1]))) == "ZIP_BOMB"


def test_an_entry_that_lies_about_its_size_is_found_out(build: Build) -> None:
    path = repack(build(table(["a"], [1])), {"xl/media/x.bin": b"\0" * 100_000})
    content = path.read_bytes()
    for lie, code in ((1_000, "UNREADABLE"), (101_000, "ZIP_BOMB")):
        path.write_bytes(content.replace((100_000).to_bytes(4, "little"), lie.to_bytes(4, "little")))
        assert refusal(path) == code


def test_a_cell_of_200_megabytes_is_not_read(build: Build) -> None:
    def grow(content: bytes) -> bytes:
        cell = b'<row r="3"><c r="A3" t="inlineStr"><is><t>' + b"x" * 200_000_000 + b"</t></is></c></row></sheetData>"
        return content.replace(b"</sheetData>", cell)

    path = repack(build(table(["a"], [1])), {SHEET: grow}, zipfile.ZIP_STORED)
    bounded(path, "TOO_LONG")


def test_a_text_longer_than_a_cell_holds_costs_its_row(build: Build) -> None:
    def grow(content: bytes) -> bytes:
        cell = b'<row r="3"><c r="A3" t="inlineStr"><is><t>' + b"x" * 40_000 + b"</t></is></c></row></sheetData>"
        return content.replace(b"</sheetData>", cell)

    assert faults(repack(build(table(["a"], [1])), {SHEET: grow})) == [(3, "a", "TOO_LONG")]


@pytest.mark.parametrize(
    "cell",
    [b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', b"<row r='1048576'/><row><c r='BBB1048577'/></row>"],
)
def test_a_lonely_cell_far_out_is_not_a_rectangle_in_memory(build: Build, cell: bytes) -> None:
    path = repack(
        build(table(["a"], [1])), {SHEET: lambda content: content.replace(b"</sheetData>", cell + b"</sheetData>")}
    )
    bounded(path, "ZIP_BOMB")


def test_a_text_shared_beyond_measure_is_not_copied(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build(table(["a"], *([["x" * 30_000]] * 100)))
    assert len(values(path)) == 100
    monkeypatch.setattr(workbooks, "MAX_INFLATED", 2_500_000)
    assert refusal(path) == "ZIP_BOMB"
    few = build(table(["a"], ["x" * 30_000], *([["y"]] * 100)))
    assert len(values(few)) == 101


def test_too_many_merged_cells_are_refused(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(sheet: Any, book: Any) -> None:
        sheet.merge_range("A1:C4", "x", book.add_format())
        sheet.write("E9", 1)

    monkeypatch.setattr("aidmatch.sources.excel.MAX_MERGED", 10)
    assert refusal(build(fill)) == "ZIP_BOMB"


def test_what_is_no_workbook_is_refused(build: Build, tmp_path: Path) -> None:
    good = build(table(["a"], [1]))
    content = good.read_bytes()
    made = {
        "text.xlsx": b"id,item\n",
        "cut.xlsx": content[: len(content) // 2],
        "old.xls": b"\xd0\xcf\x11\xe0" + b"\0" * 600,
    }
    for name, raw in made.items():
        (tmp_path / name).write_bytes(raw)
        assert refusal(tmp_path / name) == "UNREADABLE"
    assert refusal(tmp_path / "none.xlsx") == "NOT_FOUND"
    with zipfile.ZipFile(tmp_path / "other.xlsx", "w") as other:
        other.writestr("a.txt", "x")
    assert refusal(tmp_path / "other.xlsx") == "UNREADABLE"
    assert refusal(repack(good, {}, zipfile.ZIP_BZIP2)) == "UNREADABLE"
    for part, change in (
        (SHEET, b"<worksheet><f/><"),
        (SHEET, b"<!DOCTYPE x><worksheet><f/></worksheet>"),
        ("xl/_rels/workbook.xml.rels", b"<x/>"),
        ("xl/_rels/workbook.xml.rels", lambda content: content.replace(b"sheet1.xml", b"sheet9.xml")),
    ):
        assert refusal(repack(good, {part: change})) == "UNREADABLE"


def test_a_path_names_the_reader_and_the_reader_its_extra(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build(table(HEADER, CELLS))
    assert read(str(path), Need).digest == read(f"excel:{path}", Need).digest
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(PluginError, match=r"aidmatch\[excel\]"):
        read(path, Need)


def test_rows_may_be_read_again(build: Build) -> None:
    file = Excel(build(table(["a"], [1])))
    assert file.columns == ("a",)
    rows: list[Row] = list(file.rows("x"))
    assert [row.values for row in rows] == [row.values for row in file.rows("x")] == [{"a": 1}]
