"""Files out: whole or not at all, and inert where people open them."""

import csv
import json
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet
from python_calamine import CalamineWorkbook
from tests.instances import DAY, lot, need

import aidmatch as am
from aidmatch import output
from aidmatch.matching import COLUMNS
from aidmatch.output import inert, replacing, write_table

MATCHING = am.solve(am.GivingProblem([need("n1", 3), need("n2", 2, item="=1+1")], [lot("d1", 2)], as_of=DAY))
ENDINGS = (".csv", ".xlsx", ".parquet", ".json")
STARTS = "=+-@＝＋－＠﹦﹢﹣﹫\t\r\n"


def payloads(count: int, seed: int = 7) -> list[str]:
    """Text that wants to be a formula: a start, what a spreadsheet reads over before it, and something to run."""
    draw = np.random.default_rng(seed)
    before = ["", "", "", " ", "  ", "\0", " \0 ", "\ufeff", "\u3000", "\xa0", '"', "a;", "a; ", 'a;"', ";"]
    what = ["1+1", "SUM(A1:A9)", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.test","y")', "A1", "IMPORTXML(1)", ""]
    return ["".join(str(draw.choice(part)) for part in (before, list(STARTS), what)) for _ in range(count)]


def rows_of(texts: list[str]) -> Iterator[dict[str, Any]]:
    return ({"text": text, "number": number} for number, text in enumerate(texts))


def is_dangerous(cell: str) -> bool:
    return cell.lstrip(' \0\ufeff\u3000\xa0"').startswith(tuple(STARTS))


def test_what_would_start_a_formula_has_an_apostrophe_before_it() -> None:
    for text in payloads(500):
        safe = inert(text)
        # wherever a comma or a semicolon separates, a cell that begins like a formula does not any more
        assert not [cell for cell in (safe, *safe.split(";")) if is_dangerous(cell)], repr(text)
        assert safe.replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("cell", ["", "a=1", "a-b;c", "棉被", "'=1", " x", "a;b", -5, None, True])
def test_other_cells_stay_as_they_are(cell: Any) -> None:
    assert inert(cell) is cell or inert(cell) == cell


@pytest.mark.parametrize("neutralise", [True, False])
def test_500_payloads_are_no_formula_in_excel(neutralise: bool, tmp_path: Path) -> None:
    texts = payloads(500)
    path = tmp_path / "payloads.xlsx"
    write_table(path, {"text": str, "number": int}, rows_of(texts), neutralise=neutralise)
    with zipfile.ZipFile(path) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.endswith((".xml", ".rels"))]
    assert not [xml for xml in sheets if re.search("<f[ >]|<hyperlink", xml)]
    read = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    assert read[0] == ["text", "number"]
    assert [row[1] for row in read[1:]] == list(range(500))
    if neutralise:
        assert not [row for row in read[1:] if is_dangerous(str(row[0]))]


def test_500_payloads_are_no_formula_in_csv_and_as_they_were_without_neutralising(tmp_path: Path) -> None:
    texts, path = payloads(500), tmp_path / "payloads.csv"
    for neutralise in (True, False):
        write_table(path, {"text": str, "number": int}, rows_of(texts), neutralise=neutralise)
        with path.open(encoding="utf-8-sig", newline="") as file:
            read = [row["text"] for row in csv.DictReader(file)]
        assert read == ([inert(text) for text in texts] if neutralise else texts)


def test_files_for_machines_hold_the_text_as_it_is(tmp_path: Path) -> None:
    texts = payloads(500)
    for ending in (".parquet", ".json"):
        write_table(tmp_path / f"x{ending}", {"text": str, "number": int}, rows_of(texts))
    assert parquet.read_table(tmp_path / "x.parquet").column("text").to_pylist() == texts
    assert [row["text"] for row in json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))] == texts


def test_a_matching_reads_back_equal_from_every_format(tmp_path: Path) -> None:
    rows = list(MATCHING.to_rows())
    assert rows
    assert parquet.read_table(MATCHING.write(tmp_path / "m.parquet")).to_pylist() == rows
    assert json.loads(MATCHING.write(tmp_path / "m.json").read_text(encoding="utf-8")) == rows
    sheet = CalamineWorkbook.from_path(str(MATCHING.write(tmp_path / "m.xlsx"))).get_sheet_by_name("assignments")
    header, *cells = sheet.to_python()
    assert header == list(COLUMNS)
    # a sheet has no empty cell but the empty text
    assert [
        {name: None if cell == "" else cell for name, cell in zip(header, row, strict=True)} for row in cells
    ] == rows


def test_an_empty_table_has_its_columns_in_every_format(tmp_path: Path) -> None:
    for ending in ENDINGS:
        write_table(tmp_path / f"empty{ending}", COLUMNS, [])
    assert parquet.read_table(tmp_path / "empty.parquet").schema.names == list(COLUMNS)
    assert CalamineWorkbook.from_path(str(tmp_path / "empty.xlsx")).get_sheet_by_index(0).to_python() == [list(COLUMNS)]
    assert (tmp_path / "empty.json").read_text(encoding="utf-8") == "[]\n"


def test_integers_that_a_cell_cannot_hold_are_text_and_none_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "big.xlsx"
    write_table(path, {"number": int}, [{"number": 2**53}, {"number": 2**53 + 1}, {"number": None}, {"number": 1}])
    values = [row[0] for row in CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()]
    assert values == ["number", 2**53, str(2**53 + 1), "", 1]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_rows_make_the_same_bytes(ending: str, tmp_path: Path) -> None:
    one, two = (MATCHING.write(tmp_path / f"{name}{ending}").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_that_breaks_off_leaves_the_old_file_and_nothing_else(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"result{ending}"
    path.write_bytes(b"old")

    def breaking() -> Iterator[dict[str, Any]]:
        yield {"text": "a"}
        raise ConnectionError

    with pytest.raises(ConnectionError):
        write_table(path, {"text": str}, breaking())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_saving_is_all_or_nothing_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        MATCHING.save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    with replacing(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(am.InputError, match="no regular file") as refused, replacing(tmp_path):
        pass
    assert refused.value.code == "NOT_A_FILE"
    assert list(tmp_path.iterdir()) == []


def test_where_folders_cannot_be_opened_they_are_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "os", type("Windows", (), {**vars(os), "name": "nt", "open": None}))
    with replacing(tmp_path / "x") as file:
        file.write(b"new")
    assert (tmp_path / "x").read_bytes() == b"new"


def test_more_rows_than_a_sheet_takes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_SHEET_ROWS", 3)
    rows = [{"number": 1}, {"number": 2}]
    write_table(tmp_path / "fits.xlsx", {"number": int}, rows)
    with pytest.raises(am.InputError, match="takes 2 rows") as refused:
        write_table(tmp_path / "more.xlsx", {"number": int}, [*rows, *rows])
    assert refused.value.code == "TOO_MANY_ROWS"
    assert not (tmp_path / "more.xlsx").exists()


@pytest.mark.parametrize(
    ("ending", "package", "extra"), [(".xlsx", "xlsxwriter", "excel"), (".parquet", "pyarrow", "parquet")]
)
def test_a_missing_package_names_its_extra(
    ending: str, package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(am.PluginError, match=rf"pip install 'aidmatch\[{extra}\]'") as missing:
        MATCHING.write(tmp_path / f"m{ending}")
    assert missing.value.code == "MISSING_EXTRA"
    assert list(tmp_path.iterdir()) == []
