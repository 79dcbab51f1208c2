"""Headers, values, numbers, days and units as platforms write them: recognised if listed, and never guessed."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationInfo, field_validator, model_validator
from pydantic.dataclasses import dataclass
from tests.profiles import examples

from aidmatch.errors import InputError, RowsError, SourceError
from aidmatch.place import Place
from aidmatch.records.care import Caregiver, Client, Pair
from aidmatch.records.decision import Decision
from aidmatch.records.giving import Donation, Donor, Need, PairCost
from aidmatch.sources.aliases import folded, headers_of
from aidmatch.sources.columns import columns_of
from aidmatch.sources.layout import Layout
from aidmatch.sources.reading import read
from aidmatch.sources.spelling import spellings_of

RECORDS = [Need, Donation, Donor, PairCost, Client, Caregiver, Pair, Decision, Place]
NEED: Mapping[str, Any] = {
    "需求编号": "N1",
    "家庭编号": "H1",
    "物品": "大米",
    "数量": "5",
    "单位": "袋",
    "类别": "A",
    "区划代码": "371502",
    "纬度": "36.45",
    "经度": "115.98",
    "审批状态": "已批准",
    "登记日期": "2017年5月1日",
}


def need(**cells: Any) -> dict[str, Any]:
    return {**NEED, **cells}


def refused(rows: list[Any], record: type = Need, **options: Any) -> list[tuple[int, str | None, str]]:
    faults = read(rows, record, errors="keep", **options).report.refused
    return [(fault.line, fault.column, fault.code) for fault in faults]


# ---- headers


@pytest.mark.parametrize("record", RECORDS)
def test_every_column_has_a_chinese_header_that_is_no_other_columns(record: type) -> None:
    fields = {column.field: None for column in columns_of(record)}
    found = headers_of(str(getattr(record, "table", "")), fields)
    for name in fields:
        assert found[folded(name)] == name
        assert [header for header, of in found.items() if of == name and not header.isascii()], name


def test_a_chinese_table_is_read_as_it_is() -> None:
    (one,) = read([NEED], Need)
    assert (one.id, one.quantity, one.gate.approval, one.registered_on) == ("N1", 5, "approved", date(2017, 5, 1))
    assert one.place == Place(code="371502", lat=36.45, lon=115.98)


@pytest.mark.parametrize("header", ["数量", " 数 量 ", "Quantity", "QUANTITY", "ｑｕａｎｔｉｔｙ", "Qty"])
def test_headers_are_equal_after_folding(header: str) -> None:
    row = {key: cell for key, cell in NEED.items() if key != "数量"}
    assert read([{**row, header: "7"}], Need)[0].quantity == 7


@pytest.mark.parametrize("header", ["数量（件）", "数 量2", "quantities"])
def test_what_is_only_like_a_header_is_none(header: str) -> None:
    row = {key: cell for key, cell in NEED.items() if key != "数量"}
    with pytest.raises(SourceError) as caught:
        read([{**row, header: "7"}], Need)
    assert caught.value.code == "UNKNOWN_COLUMN"


def test_the_same_word_may_mean_another_field_in_another_table() -> None:
    rows = [{"需求编号": "N1", "批次编号": "D1", "费用": 3}]
    assert read(rows, PairCost)[0] == PairCost(demand_id="N1", supply_id="D1", cost=3)


def test_two_headers_of_one_field_are_an_error_until_columns_decides() -> None:
    with pytest.raises(SourceError, match="'quantity' is read as quantity, and so is '数量'") as caught:
        read([need(quantity="9")], Need)
    assert caught.value.code == "DUPLICATE_COLUMN"
    assert read([need(quantity="9")], Need, columns={"quantity": "quantity"}, ignore=["数量"])[0].quantity == 9
    with pytest.raises(SourceError, match="'数量' is not read"):
        read([need(quantity="9")], Need, columns={"quantity": "quantity"})
    assert refused([NEED, need(需求编号="N2", 件数=1)]) == [(2, "件数", "DUPLICATE_COLUMN")]


def test_a_platform_adds_its_own_headers_and_they_win() -> None:
    row = {**{key: cell for key, cell in NEED.items() if key != "数量"}, "申请 数": "4"}
    assert read([row], Need, aliases={"quantity": ["申请数", "件"]})[0].quantity == 4
    row = need(单位=3, 数量="袋")
    assert read([row], Need, aliases={"quantity": ["单位"], "unit": ["数量"]})[0].unit == "袋"


@pytest.mark.parametrize(
    ("aliases", "code"),
    [
        ({"quantity": ["x"], "item": ["Ｘ"]}, "DUPLICATE_COLUMN"),
        ({"quantity": "数目"}, "BAD_ALIASES"),
        ({"quantty": ["x"]}, "UNKNOWN_FIELD"),
    ],
)
def test_aliases_that_cannot_be_meant(aliases: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read([NEED], Need, aliases=aliases)
    assert caught.value.code == code


def test_a_constant_has_no_column_under_another_name() -> None:
    with pytest.raises(SourceError) as caught:
        read([NEED], Need, constants={"approval": "approved"})
    assert caught.value.code == "CONSTANT_AND_COLUMN"
    assert read([{**NEED, "审批状态": "x"}], Need, constants={"approval": "已批准"}, ignore=["审批状态"])[0].id == "N1"
    with pytest.raises(InputError, match="constant of 'code'"):
        read([NEED], Need, constants={"code": "3.7E+11"})


def test_faults_name_the_header_of_their_own_row() -> None:
    row = {key: cell for key, cell in NEED.items() if key != "数量"}
    rows = [need(), {**row, "需求编号": "N2", "qty": "x"}, need(需求编号="N3", 数量="x")]
    assert refused(rows) == [(2, "qty", "NOT_AN_INTEGER"), (3, "数量", "NOT_AN_INTEGER")]


# ---- values


@pytest.mark.parametrize(
    ("header", "cell", "attribute"),
    [
        ("审批状态", "Approved", "approved"),
        ("审批状态", " 审批通过 ", "approved"),
        ("审批状态", "公示中", "published"),
    ],
)
def test_listed_values_are_recognised(header: str, cell: str, attribute: str) -> None:
    assert read([need(**{header: cell})], Need)[0].gate.approval == attribute


def test_values_that_are_not_listed_are_refused_until_a_platform_lists_them() -> None:
    assert refused([need(审批状态="行")]) == [(1, "审批状态", "NOT_ALLOWED")]
    assert read([need(审批状态="行")], Need, values={"approval": {"行": "approved"}})[0].gate.approval == "approved"
    # a lot's word is none of a case's
    assert refused([need(状态="在库")]) == [(1, "状态", "NOT_ALLOWED")]


def test_several_values_and_yes_and_no() -> None:
    (one,) = read([need(接受方式="物资；Money、服务", 紧急="是", 整体="×")], Need)
    assert (one.accepts, one.urgent, one.whole) == (("goods", "money", "service"), True, False)


def test_numbers_and_codes_may_be_full_width_and_names_stay_as_stored() -> None:
    row = need(
        数量="１２", 纬度="３６．５", 区划代码="３７１５０２", 类别="Ａ", 物品="Ｔ恤", 需求编号="Ｎ１", 单位="ＫＧ"
    )
    (one,) = read([row], Need)
    assert (one.quantity, one.place.lat, one.place.code, one.category) == (12, 36.5, "371502", "A")
    assert (one.item, one.id, one.unit) == ("Ｔ恤", "Ｎ１", "kg")


@pytest.mark.parametrize("code", [371502001001, 371502001001.0, "371502001001.0", Decimal(371502001001)])
def test_an_area_code_survives_as_a_number(code: Any) -> None:
    assert read([need(区划代码=code)], Need)[0].place.code == "371502001001"


def test_a_number_in_a_cell_is_not_taken_for_another_kind() -> None:
    rows = [need(需求编号="a", 纬度=True), need(需求编号="b", 纬度=1), need(需求编号="c", 纬度="1")]
    assert refused(rows) == [(1, "纬度", "NOT_A_NUMBER")]
    assert refused([need(登记日期=True)]) == [(1, "登记日期", "NOT_A_DATE")]
    assert refused([need(区划代码=False)]) == [(1, "区划代码", "NOT_TEXT")]


# ---- days


@pytest.mark.parametrize(
    "cell",
    [
        "2017-06-01",
        "2017-6-1",
        "2017/06/01",
        "2017/6/1",
        "2017.6.1",
        "2017年6月1日",
        "2017年06月01",
        "２０１７年６月１日",
        "20170601",
        20170601,
        "2017-06-01 00:00:00",
        "2017-06-01T00:00:00.000",
        "2017/6/1 0:00",
        " 2017-06-01 ",
        date(2017, 6, 1),
    ],
)
def test_days_as_they_are_written(cell: Any) -> None:
    assert read([need(登记日期=cell)], Need)[0].registered_on == date(2017, 6, 1)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("01/06/2017", "AMBIGUOUS_DATE"),
        ("13/06/2017", "AMBIGUOUS_DATE"),
        ("1.6.2017", "AMBIGUOUS_DATE"),
        ("17-6-1", "NOT_A_DATE"),
        ("1-6-17 0:00", "AMBIGUOUS_DATE"),
        ("2017-6/1", "NOT_A_DATE"),
        ("2017年6月", "NOT_A_DATE"),
        ("二〇一七年六月一日", "NOT_A_DATE"),
        ("20171301", "NOT_A_DATE"),
        ("2017-02-30", "NOT_A_DATE"),
        ("2017/6/1 10:30", "NOT_A_DATE"),
        ("42887", "NOT_A_DATE"),
        (42887, "NOT_A_DATE"),
        (42887.0, "NOT_A_DATE"),
        ("2017-6-1-2", "NOT_A_DATE"),
    ],
)
def test_what_is_no_clear_day_is_refused(cell: Any, code: str) -> None:
    assert refused([need(登记日期=cell)]) == [(1, "登记日期", code)]


# ---- units


@pytest.mark.parametrize("unit", ["公斤", "千克", "kg", "KG", "㎏", " Kilogram "])
def test_spellings_of_one_unit_are_one_unit(unit: str) -> None:
    (one,) = read([need(单位=unit)], Need)
    assert (one.unit, one.quantity) == ("kg", 5)


def test_other_units_stay_as_they_are() -> None:
    assert [read([need(单位=unit)], Need)[0].unit for unit in ("件", "条", "袋")] == ["件", "条", "袋"]


def test_quantities_are_converted_exactly_and_flagged() -> None:
    lots: list[dict[str, Any]] = [
        {"id": "D1", "donor_id": "d", "item": "米", "quantity": 10, "unit": "公斤", "code": "37", "pack_size": "5"},
        {"id": "D2", "donor_id": "d", "item": "米", "quantity": "7", "unit": "斤", "code": "37", "pack_size": None},
    ]
    found = read(lots, Donation, units={"千克": ("斤", 2)})
    assert [(one.quantity, one.unit, one.pack_size) for one in found] == [(20, "斤", 10), (7, "斤", 1)]
    (flag,) = found.report.flagged
    assert (flag.line, flag.column, flag.code) == (1, "unit", "UNIT_CONVERTED")
    halves = {"斤": ("公斤", Fraction(1, 2))}
    assert refused(lots, Donation, units=halves) == [(2, "unit", "UNIT_NOT_EXACT")]
    lots[1]["quantity"] = 8
    assert [one.quantity for one in read(lots, Donation, units=halves)] == [10, 4]


def test_a_quantity_that_is_none_is_named_as_such() -> None:
    units = {"公斤": ("斤", 2)}
    assert refused([need(单位="公斤", 数量="x")], units=units) == [(1, "数量", "NOT_AN_INTEGER")]
    assert refused([need(单位="公斤", 数量="1E+17")], units=units) == [(1, "数量", "LOST_DIGITS")]
    assert refused([need(单位="公斤", 数量=float("inf"))], units=units) == [(1, "数量", "INEXACT")]
    assert refused([need(单位=None)], units=units) == [(1, "单位", "MISSING")]


def test_a_constant_unit_is_converted_too() -> None:
    row = {key: cell for key, cell in NEED.items() if key != "单位"}
    (one,) = read([row], Need, constants={"unit": "公斤"}, units={"公斤": ("斤", 2)})
    assert (one.quantity, one.unit) == (10, "斤")


@pytest.mark.parametrize("pair", [("斤", 2.0), ("斤", 0), ("斤", -1), ("斤", True), (2, "斤"), "斤"])
def test_a_factor_is_exact(pair: Any) -> None:
    with pytest.raises(InputError) as caught:
        read([NEED], Need, units={"公斤": pair})
    assert caught.value.code == "BAD_UNITS"


def test_units_are_for_records_that_count_in_one() -> None:
    with pytest.raises(InputError) as caught:
        read([{"id": "d"}], Donor, units={"公斤": ("斤", 2)})
    assert caught.value.code == "UNKNOWN_FIELD"


def test_what_is_spoilt_says_so_once() -> None:
    rows = [need(区划代码="3.7E+11"), need(需求编号="N2", 纬度="", 区划代码="3.7E+11"), need(登记日期="1/6/2017")]
    assert refused(rows) == [
        (1, "区划代码", "LOST_DIGITS"),
        (2, "区划代码", "LOST_DIGITS"),
        (3, "登记日期", "AMBIGUOUS_DATE"),
    ]


# ---- quick and slow


def both_ways(record: type, row: Mapping[str, Any]) -> None:
    layout = Layout(record, {}, {}, {}, (), {}, {})
    records, remarks = layout.maker(tuple(row))([tuple(row.values())])
    shape = layout._shape(tuple(row))
    assert shape.assembly is not None
    slow = layout._make(shape, row)
    assert records == [slow[0]]
    flaws, flags = remarks.get(0, ((), ()))
    assert (list(flaws), list(flags)) == (list(slow[1]), list(slow[2]))
    if records[0] is not None:
        dump: Callable[[Any], bytes] = TypeAdapter(record).dump_json
        assert dump(records[0]) == dump(slow[0])


CELLS = st.sampled_from(
    [
        "",
        " ",
        None,
        "1",
        "5",
        "0",
        "-0.0",
        "36.5",
        "１",
        True,
        1,
        1.0,
        -0.0,
        "N1",
        "是",
        "approved",
        "已批准",
        "A;B",
        "2017-5-1",
    ]
)


@with_settings(max_examples=examples(150))
@given(data=st.data())
@pytest.mark.parametrize("record", RECORDS)
def test_the_quick_way_gives_what_the_long_way_gives(record: type, data: st.DataObject) -> None:
    days = dict.fromkeys(("registered_on", "since", "on"), "2017-05-01")
    words = {"quantity": "5", "code": "37", "approval": "approved", "cost": "1", "severity": "mild", "gender": "F"}
    names = ("id", "household_id", "donor_id", "demand_id", "supply_id", "item", "unit", "category")
    good = {**dict.fromkeys(names, "x"), **days, **words, "kind": "pin"}
    fields = [column.field for column in columns_of(record)]
    row: dict[str, Any] = {name: good.get(name, "") for name in fields if name in good or data.draw(st.booleans())}
    for name in data.draw(st.lists(st.sampled_from(list(row)), max_size=3)):
        row[name] = data.draw(CELLS)
    both_ways(record, row)


@with_settings(max_examples=examples(100))
@given(data=st.data(), remembered=st.sampled_from([1, 3, 8_192]))
@pytest.mark.parametrize("record", [Need, Client, Donor])
def test_many_rows_at_once_give_what_one_by_one_gives(record: type, data: st.DataObject, remembered: int) -> None:
    words = {"quantity": "5", "code": "37", "approval": "approved", "severity": "mild", "gender": "F", "category": "A"}
    names = ("id", "household_id", "item", "unit", "registered_on")
    good = {**dict.fromkeys(names, "2017-05-01"), **words}
    row = {column.field: good.get(column.field, "") for column in columns_of(record)} | {"id": "x1"}
    texts = st.sampled_from(["", " ", "1", "36.5", "37", "371502", "x", "A", "2017-5-1", "1.5E+3", "13812345678", "是"])
    fields = st.sampled_from(list(row)) | st.sampled_from(["id", "code" if "code" in row else "id"])
    changes = st.dictionaries(fields, texts, max_size=2)
    rows = [{**row, **one} for one in data.draw(st.lists(changes, min_size=1, max_size=6))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aidmatch.sources.assembly.MOST_CELLS", remembered)
        layout = Layout(record, {}, {}, {}, (), {}, {})
        make = layout.maker(tuple(row), text=data.draw(st.booleans()))
        for _ in range(2):  # the second time, some is remembered
            records, remarks = make([tuple(one.values()) for one in rows])
            slow = [layout._make(layout._shape(tuple(row)), one) for one in rows]
            assert records == [one for one, _, _ in slow]
            said = {at: (flaws, flags) for at, (_, flaws, flags) in enumerate(slow) if flaws or flags}
            assert {at: tuple(map(list, one)) for at, one in remarks.items()} == said


@pytest.mark.parametrize(("header", "code"), [("数量", "NOT_AN_INTEGER"), ("纬度", "NOT_A_NUMBER")])
def test_what_is_equal_and_no_number_is_not_taken_for_the_number_before_it(header: str, code: str) -> None:
    rows = [need(**{header: 1}), need(需求编号="N2", 家庭编号="H2", **{header: True})]
    assert refused(rows) == [(2, header, code)]


@pytest.mark.parametrize("wrong", [{}, {"需求编号": ""}, {"区划代码": "3.7E+11"}, {"家庭编号": "13812345678"}])
def test_one_of_many_rows_that_is_wrong_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    monkeypatch.setattr("aidmatch.sources.assembly.MOST_CELLS", 1)
    rows = [need(需求编号=f"N{number}", 家庭编号=f"H{number}", 区划代码=f"37{number:02}") for number in range(9)]
    rows[3] |= wrong
    file = tmp_path / "needs.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, NEED)
        writer.writeheader()
        writer.writerows(rows)
    records = read(file, Need, errors="keep")
    right = [number for number in range(9) if number != 3 or not wrong]
    assert [(one.id, one.place.code) for one in records] == [(f"N{n}", f"37{n:02}") for n in right]
    assert [(fault.line, fault.column) for fault in records.report.refused] == [(5, header) for header in wrong]


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """A default that is made anew."""

    id: str
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Early:
    """A rule that sees cells before they are valid."""

    id: str

    @model_validator(mode="before")
    @classmethod
    def _short(cls, cells: Any) -> Any:
        return cells


@dataclass(frozen=True, kw_only=True)
class Around:
    """A rule that looks from one field at another."""

    low: int
    high: int

    @field_validator("high")
    @classmethod
    def _above(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data["low"]:
            raise ValueError("high is below low")
        return value


@dataclass(frozen=True, kw_only=True)
class Afterwards:
    """A record that finishes itself."""

    id: str
    twice: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "twice", 2 * self.id)


@dataclass(frozen=True, kw_only=True)
class Half:
    """A record with a field that is not given."""

    id: str
    twice: str = field(init=False, default="none")


@dataclass(frozen=True, kw_only=True)
class Single:
    """A record that makes itself."""

    id: str

    def __new__(cls, **_: Any) -> "Single":
        made = object.__new__(cls)
        object.__setattr__(made, "known", True)
        return made


@dataclass(frozen=True, kw_only=True)
class Open:
    """A record without slots, with a rule of its own that gives another record."""

    id: str

    @model_validator(mode="after")
    def _shouted(self) -> "Open":
        return self if self.id.isupper() else Open(id=self.id.upper())


def test_records_that_are_made_in_a_way_of_their_own_are_made_in_it() -> None:
    assert read([{"id": "a"}], Afterwards)[0].twice == "aa"
    assert read([{"id": "a"}], Half)[0].twice == "none"
    assert [read([{"id": "a"}], Single)[0]] == [TypeAdapter(Single).validate_python({"id": "a"})]
    assert read([{"id": "a"}], Open)[0].id == "A"


def test_records_that_cannot_be_taken_apart_go_the_long_way() -> None:
    assert read([{"id": "a"}], Fresh)[0].tags == []
    assert read([{"id": "a"}], Early)[0].id == "a"
    assert refused([{"low": 1, "high": 2}, {"low": 2, "high": 1}], Around) == [(2, "high", "NOT_VALID")]


def test_every_record_of_ours_is_taken_apart() -> None:
    for record in RECORDS:
        fields = tuple(column.field for column in columns_of(record))
        assert Layout(record, {}, {}, {}, (), {}, {})._shape(fields).assembly is not None


def test_numbers_of_numpy_are_numbers() -> None:
    rows = [need(需求编号=np.int64(7), 家庭编号=np.int32(5), 数量=np.int64(3), 纬度=np.float64(36.5))]
    (one,) = read(rows, Need)
    assert (one.id, one.household_id, one.quantity, one.place.lat) == ("7", "5", 3, 36.5)
    assert refused([need(需求编号=np.bool_(True))]) == [(1, "需求编号", "NOT_TEXT")]


def test_equal_places_are_one_object() -> None:
    one, two = read([need(), need(需求编号="N2")], Need)
    assert one.place is two.place


def test_a_column_with_more_texts_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aidmatch.sources.assembly.MOST_CELLS", 3)
    monkeypatch.setattr("aidmatch.sources.layout._MOST_SHAPES", 2)
    rows = [need(需求编号=f"N{number}", 家庭编号=f"H{number}", 区划代码=f"37{number:02}") for number in range(9)]
    assert [one.place.code for one in read(rows, Need)] == [f"37{number:02}" for number in range(9)]
    rows = [need(需求编号=f"N{number}", 家庭编号=f"H{number}", **{f"x{number}": 1}) for number in range(5)]
    assert {code for _, _, code in refused([*rows, need()])} == {"UNKNOWN_COLUMN"}


def test_names_and_ids_have_no_spelling_of_ours() -> None:
    assert not spellings_of(Need).keys() & {"item"}
    with pytest.raises(RowsError):
        read([need(需求编号="N\u200b1")], Need)
