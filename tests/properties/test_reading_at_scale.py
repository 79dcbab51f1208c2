"""Many rows, one in a hundred broken in one of twelve ways: every good one kept, every bad one reported."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.profiles import examples

from aidmatch.records.giving import Need
from aidmatch.sources.reading import read

HEADER = "id,household_id,item,quantity,unit,category,code,lat,lon,approval,registered_on,needed_by,accepts"
Cells = list[str]


def with_cell(position: int, text: str) -> Callable[[Cells], bytes]:
    return lambda cells: ",".join([*cells[:position], text, *cells[position + 1 :]]).encode()


#: What is done to a good row, and the column and the code that must be reported.
WAYS: list[tuple[Callable[[Cells], bytes], str | None, str]] = [
    (lambda cells: ",".join(cells[:-2]).encode(), None, "WRONG_NUMBER_OF_CELLS"),
    (lambda cells: ('"' + ",".join(cells)).encode(), None, "BAD_QUOTE"),
    (lambda cells: ",".join(cells).encode().replace(b"approved", b"\xff\xfe"), None, "BAD_ENCODING"),
    (lambda cells: ",".join(cells).encode().replace(b"approved", b"appr\0ved"), None, "BAD_CHARACTER"),
    (with_cell(3, "五"), "quantity", "NOT_AN_INTEGER"),
    (with_cell(3, "0"), "quantity", "OUT_OF_RANGE"),
    (with_cell(7, "115.9"), "lat", "OUT_OF_RANGE"),
    (with_cell(8, ""), None, "HALF_POINT"),
    (with_cell(9, "maybe"), "approval", "NOT_ALLOWED"),
    (with_cell(10, "01/06/2017"), "registered_on", "AMBIGUOUS_DATE"),
    (with_cell(1, "1.1E+17"), "household_id", "LOST_DIGITS"),
    (with_cell(2, ""), "item", "MISSING"),
]


@pytest.mark.parametrize("seed", [1])
def test_every_good_row_is_kept_and_every_bad_one_is_named(tmp_path: Path, seed: int) -> None:
    rows = examples(20_000, 1_000_000)
    draw = random.Random(seed)
    expected, kept = [], []
    path = tmp_path / "needs.csv"
    with path.open("wb") as file:
        file.write(HEADER.encode() + b"\n")
        for number in range(rows):
            day = date(2017, 1, 1) + timedelta(days=draw.randrange(150))
            cells = [f"N{number}", f"H{number}", draw.choice(("大米", "棉被", "书包")), str(draw.randint(1, 20)), "件"]
            cells += [draw.choice("ABCD"), f"3715{draw.randrange(500):08}", f"{draw.uniform(35.8, 37):.4f}"]
            cells += [f"{draw.uniform(115.3, 116.5):.4f}", "approved", day.isoformat(), "", "goods"]
            if draw.random() < 0.01:
                change, column, code = WAYS[draw.randrange(len(WAYS))]
                file.write(change(cells) + b"\n")
                expected.append((number + 2, column, code))
            else:
                file.write(",".join(cells).encode() + b"\n")
                kept.append(number)
    needs = read(path, Need, errors="keep")
    assert [(fault.line, fault.column, fault.code) for fault in needs.report.refused] == expected
    assert [int(one.id[1:]) for one in needs] == kept
    assert (needs.report.rows_read, needs.report.rows_kept) == (rows, len(kept))
    assert {code for _, _, code in expected} == {code for _, _, code in WAYS}
