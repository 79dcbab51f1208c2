"""What is odd beside the other rows is flagged and kept; the report names codes first, and has every fault."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY
from tests.profiles import examples

import aidmatch as am
from aidmatch import synthetic
from aidmatch.sources.quality import oddities_in

ODD = {"ZERO_POINT", "SWAPPED_POINT", "FAR_POINT", "CODE_AND_POINT", "ODD_QUANTITY", "ODD_UNIT", "SAME_HOUSEHOLD"}


def row(number: int, **cells: Any) -> dict[str, Any]:
    """A need somewhere in a county, of a household and with an item of its own."""
    return {
        "id": f"N{number}",
        "household_id": f"H{number}",
        "item": "quilt",
        "quantity": 1 + number % 3,
        "unit": "piece",
        "category": "A",
        "code": "371501001001",
        "lat": 36.5 + 0.001 * (number % 97),
        "lon": 115.9 + 0.0013 * number,
        "approval": "approved",
        "registered_on": date(2017, 1, 1) + timedelta(number % 50),
        **cells,
    }


def flags(rows: list[dict[str, Any]], record: type = am.Need, **options: Any) -> list[tuple[int, str | None, str]]:
    report = am.read(rows, record, **options).report
    return [(fault.line, fault.column, fault.code) for fault in report.flagged if fault.code in ODD]


ROWS = [row(number) for number in range(60)]


def test_ordinary_rows_are_not_odd() -> None:
    assert flags(ROWS) == []
    assert flags([]) == []


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ({"lat": 0, "lon": 0}, "lat", "ZERO_POINT"),
        ({"lat": 39.5, "lon": 115.9}, "lat", "FAR_POINT"),
        ({"lat": 36.5, "lon": -115.9}, "lat", "FAR_POINT"),
        ({"code": "371502001001"}, "code", "CODE_AND_POINT"),
        ({"quantity": 10**14}, "quantity", "ODD_QUANTITY"),
        ({"quantity": 400}, "quantity", "ODD_QUANTITY"),
        ({"item": "coat", "quantity": 10**10}, "quantity", "ODD_QUANTITY"),
    ],
)
def test_an_odd_cell_is_flagged_and_kept(cells: dict[str, Any], column: str, code: str) -> None:
    rows = [*ROWS, row(60, **cells)]
    assert flags(rows) == [(61, column, code)]
    needs = am.read(rows, am.Need)
    assert len(needs) == 61
    assert all(str(value) not in needs.report.text() for value in cells.values() if len(str(value)) > 3)


def test_a_swapped_point_is_told_from_a_far_one() -> None:
    # Urumqi: 43.8 degrees north, 87.6 degrees east, both of which may be a latitude
    west = [row(number, code=None, lat=43.8 + number / 1000, lon=87.6) for number in range(20)]
    assert flags([*west, row(20, code=None, lat=87.6, lon=43.8)]) == [(21, "lat", "SWAPPED_POINT")]


def test_few_points_say_nothing_of_another() -> None:
    assert flags([*ROWS[:8], row(8, lat=50)]) == []
    assert flags([*ROWS[:9], row(9, lat=50)]) == [(10, "lat", "FAR_POINT")]


def test_many_swapped_points_do_not_hide_each_other() -> None:
    west = [row(number, code=None, lat=43.8 + number / 1000, lon=87.6) for number in range(30)]
    west[:12] = [one | {"lat": one["lon"], "lon": one["lat"]} for one in west[:12]]
    assert Counter(code for _, _, code in flags(west)) == {"SWAPPED_POINT": 12}


def test_a_code_is_odd_only_where_enough_others_name_another_county() -> None:
    wrong = row(60, code="650102001001")
    assert flags([*ROWS[:40], wrong]) == []
    # a county whose border runs through the neighbourhood is no error
    assert flags([*ROWS, *(row(60 + k, code="371502001001") for k in range(5))]) == []
    assert flags([*ROWS, row(60, code="37"), row(61, code=None)]) == []


def test_a_quantity_is_odd_for_its_item_and_unit_only() -> None:
    rice = [row(100 + k, item="rice", unit="jin", quantity=500 + 50 * (k % 9)) for k in range(20)]
    assert flags(ROWS + rice) == []
    # where quantities vary a lot, more is needed
    wild = [row(200 + k, item="brick", quantity=10 ** (k % 5)) for k in range(20)]
    assert flags(ROWS + wild) == []


def test_rare_items_are_taken_together_by_unit() -> None:
    rare = [row(100 + k, item=f"thing {k}", unit="set", quantity=1 + k % 2) for k in range(12)]
    assert flags([*rare, row(112, item="thing", unit="set", quantity=5_000)]) == [(13, "quantity", "ODD_QUANTITY")]
    assert flags([*rare[:5], row(105, item="thing", unit="set", quantity=5_000)]) == []


def test_an_item_has_one_unit_but_for_slips() -> None:
    many = [row(number) for number in range(150)]
    assert flags([*many, row(150, unit="kilogram")]) == [(151, "unit", "ODD_UNIT")]
    assert flags([*many, *(row(150 + k, unit="kilogram") for k in range(9))]) == []
    assert flags([*many[:90], row(90, unit="kilogram")]) == []


def test_households_at_a_place_of_their_own_that_ask_for_the_same_are_likely_one() -> None:
    twin = ROWS[5] | {"id": "T", "household_id": "HT"}
    assert flags([*ROWS, twin]) == [(61, "household_id", "SAME_HOUSEHOLD")]
    (fault,) = am.read([*ROWS, twin], am.Need).report.flagged
    assert "of line 6" in fault.message
    for other in (
        {"household_id": "H5", "item": "coat"},
        {"quantity": 9},
        {"category": "B"},
        {"lat": 36.6},
        {"registered_on": ROWS[5]["registered_on"] + timedelta(8)},
    ):
        assert flags([*ROWS, twin | other]) == []
    assert flags([*ROWS, twin | {"registered_on": ROWS[5]["registered_on"] - timedelta(7)}]) != []


def test_in_a_village_that_is_one_point_two_things_must_be_the_same() -> None:
    day = {"registered_on": DAY, "lat": 36.5, "lon": 115.9}
    village = [row(number, **day, quantity=1) for number in range(20)]
    assert flags(village) == []
    second = [row(100 + k, **day, household_id=f"H{k}", item="rice", unit="jin", quantity=50) for k in (3, 7)]
    assert flags(village + second) == [(8, "household_id", "SAME_HOUSEHOLD")]
    # the same thing twice is one thing
    again = [row(100 + k, **day, household_id=f"H{k}", quantity=1) for k in (3, 7)]
    assert flags(village + again) == []


def test_a_person_is_not_told_by_less_than_ten_rows() -> None:
    assert flags([ROWS[5], ROWS[5] | {"id": "T", "household_id": "HT"}]) == []


def test_clients_of_two_households_who_are_the_same_person_are_flagged() -> None:
    def client(number: int, **cells: Any) -> dict[str, Any]:
        need = {key: row(number)[key] for key in ("household_id", "category", "code", "lat", "lon", "approval")}
        return {"id": f"C{number}", **need, "severity": "mild", "gender": "F", **cells}

    clients = [client(number) for number in range(20)]
    twin = client(4, id="T", household_id="HT")
    assert flags([*clients, twin], am.Client) == [(21, "household_id", "SAME_HOUSEHOLD")]
    assert flags([*clients, twin | {"gender": "M"}], am.Client) == []


def test_records_of_anybodys_own_are_looked_at_as_far_as_they_go() -> None:
    @dataclass(frozen=True)
    class Sight:
        household_id: str
        lat: float
        lon: float
        code: str
        tags: list[str]

    @dataclass(frozen=True)
    class Amount:
        item: str
        unit: str
        quantity: float

    sights = [{"household_id": f"H{k}", "lat": 36, "lon": 116, "code": str(k), "tags": ["x"]} for k in range(12)]
    assert flags([*sights, sights[0] | {"lat": 0, "lon": 0, "code": "Z"}], Sight) == [(13, "lat", "ZERO_POINT")]
    assert flags([{"item": "x", "unit": "kg", "quantity": 0.5 * k} for k in range(1, 12)], Amount) == []

    @dataclass(frozen=True)
    class Far:
        lat: float
        lon: float
        code: str

    far = [{"lat": 36, "lon": 116, "code": f"AREA-{k % 2}"} for k in range(60)]
    assert flags([*far[:2], {"lat": 36, "lon": 116, "code": "AREA-9"}], Far, errors="keep") == []

    @dataclass(frozen=True)
    class Stock:
        item: str
        unit: str
        quantity: int

    assert flags([{"item": "x", "unit": "kg", "quantity": k} for k in (-1, 0, 5, 2**70)], Stock) == []

    @dataclass(frozen=True)
    class Bare:
        household_id: str
        place: am.Place

    bare = [Bare(f"H{k}", am.Place(code="37", lat=36 + k / 9, lon=116)) for k in range(10)]
    found = oddities_in([*bare, Bare("Z", bare[0].place)], range(1, 12), Bare, "s", lambda field: field)
    assert [(fault.line, fault.code) for fault in found] == [(11, "SAME_HOUSEHOLD")]


@pytest.mark.parametrize("make", [synthetic.county, synthetic.liaocheng_2017])
def test_a_clean_instance_has_no_flag_and_each_slip_of_a_dirty_one_is_found(make: Any) -> None:
    assert flags(make(), am.Need) == []
    assert flags(make(), am.Donation) == []
    dirty = make(dirt=True)
    found = flags(dirty, am.Need, errors="keep")
    lines = {code: {line for line, _, other in found if other == code} for code in ODD}
    assert lines["ODD_QUANTITY"] == set(dirty.dirt["needs.absurd_quantity"])
    assert lines["CODE_AND_POINT"] == set(dirty.dirt["needs.wrong_area_code"])
    assert lines["ODD_UNIT"] <= set(dirty.dirt["needs.wrong_unit"])
    assert not lines["FAR_POINT"] | lines["SWAPPED_POINT"] | lines["ZERO_POINT"]


def test_the_order_of_rows_changes_no_flag() -> None:
    rows = [*ROWS, row(60, quantity=10**14), row(61, lat=39.5), row(62, code="650102001001")]
    wanted = sorted(rows[line - 1]["id"] for line, _, _ in flags(rows))
    for seed in range(examples(3, 30)):
        order = np.random.default_rng(seed).permutation(len(rows)).tolist()
        mixed = [rows[k] for k in order]
        assert sorted(mixed[line - 1]["id"] for line, _, _ in flags(mixed)) == wanted


# --- the report


def a_report(refused: int, flagged: int) -> am.Report:
    return am.Report(
        "needs.csv",
        1_000,
        900,
        (*(am.Fault("needs.csv", k, "数量", "MISSING", "should not be empty") for k in range(1, refused + 1)),),
        (*(am.Fault("needs.csv", k, None, "ODD_QUANTITY", "is odd") for k in range(1, flagged + 1)),),
        "GCJ-02",
        890,
    )


def test_the_text_has_totals_then_codes_then_the_first_faults_of_each() -> None:
    assert a_report(3, 1).text(each=2).splitlines() == [
        "needs.csv: 1,000 rows read, 900 kept",
        "  890 points converted from GCJ-02 to WGS-84",
        "  refused         3  MISSING",
        "  flagged         1  ODD_QUANTITY",
        "  refused  needs.csv line 1, column '数量' [MISSING]: should not be empty",
        "  refused  needs.csv line 2, column '数量' [MISSING]: should not be empty",
        "  flagged  needs.csv line 1 [ODD_QUANTITY]: is odd",
        "  refused  … and 1 more [MISSING]; to_rows() and to_json() have them all",
    ]


def test_many_faults_do_not_drown_a_rare_one() -> None:
    text = a_report(100_000, 1).text()
    assert len(text.splitlines()) < 30
    assert "flagged  needs.csv line 1 [ODD_QUANTITY]" in text
    assert "… and 99,980 more [MISSING]" in text


def test_rows_and_json_have_every_fault() -> None:
    report = a_report(30, 2)
    rows = list(report.to_rows())
    assert len(rows) == 32
    assert rows[0] == {
        "kind": "refused",
        "source": "needs.csv",
        "line": 1,
        "column": "数量",
        "code": "MISSING",
        "message": "should not be empty",
    }
    assert rows[-1]["kind"] == "flagged"
    whole = json.loads(report.to_json())
    assert whole["faults"] == rows
    assert (whole["refused"], whole["flagged"]) == ({"MISSING": 30}, {"ODD_QUANTITY": 2})
    assert (whole["rows_read"], whole["rows_kept"], whole["coordinates"], whole["converted"]) == (
        1_000,
        900,
        "GCJ-02",
        890,
    )
