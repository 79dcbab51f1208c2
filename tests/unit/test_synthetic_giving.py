"""What the made-up instances of giving promise: published figures, the same bytes, clean rows, dirt that is counted."""

from __future__ import annotations

import csv
import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from aidmatch.errors import SourceError
from aidmatch.records.giving import Donation, Need
from aidmatch.synthetic import DIRT_SHARE, GivingInstance, county, giving, liaocheng_2017, province, toy
from aidmatch.synthetic.draws import CATEGORIES
from aidmatch.synthetic.land import CITY, COUNTY, PROVINCE, TOY

NEED: TypeAdapter[Need] = TypeAdapter(Need)
DONATION: TypeAdapter[Donation] = TypeAdapter(Donation)
GENERATORS = [toy, county, liaocheng_2017]
PLACE = ("code", "lat", "lon")
GATE = ("approval", "notice_ended_on", "objected", "status")


def record(row: Mapping[str, Any]) -> Need | Donation:
    """The row's record; an empty cell counts as absent."""
    filled = {name: cell for name, cell in row.items() if cell not in (None, "")}
    nested = {"place": PLACE, "gate": GATE} if "household_id" in row else {"place": PLACE}
    for group, names in nested.items():
        filled[group] = {name: filled.pop(name) for name in names if name in filled}
    return NEED.validate_python(filled) if "gate" in nested else DONATION.validate_python(filled)


def figures(instance: GivingInstance, table: str) -> Mapping[str, np.ndarray[Any, Any]]:
    return instance.tables[table].columns


def pieces(instance: GivingInstance, table: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for row in instance.rows(table):
        total[row["item"]] += row["quantity"]
    return total


def contents(instance: GivingInstance, folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in instance.write(folder)]


@cache
def small_province(seed: int = 0) -> GivingInstance:
    """The province at a fiftieth of its size, with all of its counties and kinds."""
    scale = dataclasses.replace(
        giving._PROVINCE,
        needs=20_000,
        lots=14_000,
        pieces=97_080,
        region=dataclasses.replace(PROVINCE, townships=400, villages=1_086),
    )
    return giving._giving(scale, seed, dirt=False)


@cache
def made(generator: Callable[..., GivingInstance], seed: int = 0, dirt: bool = False) -> GivingInstance:
    return generator(seed, dirt=dirt)


@pytest.fixture(params=[toy, county, liaocheng_2017, None], ids=["toy", "county", "liaocheng_2017", "small_province"])
def instance(request: pytest.FixtureRequest) -> GivingInstance:
    return small_province() if request.param is None else made(request.param)


@pytest.mark.parametrize("seed", range(3))
def test_the_city_has_the_published_figures(seed: int) -> None:
    city = made(liaocheng_2017, seed)
    needs, lots = figures(city, "needs"), figures(city, "donations")
    codes = set(needs["code"].tolist())
    assert (city.name, city.as_of, city.max_km) == ("liaocheng_2017", date(2017, 6, 1), 30.0)
    assert len(needs["id"]) == 7_622
    assert (len(lots["id"]), lots["quantity"].sum()) == (3_000, 37_000)
    assert [len({code[:digits] for code in codes}) for digits in (12, 9, 6)] == [557, 100, 11]
    assert {code[:6] for code in codes} == {b"3715%02d" % number for number in range(1, 12)}
    assert {len(code) for code in codes} == {12}
    assert set(needs["item"].tolist()) == set(giving._SIXTEEN["name"].tolist())


def test_the_smaller_instances_have_their_sizes() -> None:
    sizes = {
        generator.__name__: (
            *(len(made(generator).tables[table]) for table in ("needs", "donations")),
            len(set(figures(made(generator), "needs")["code"].tolist())),
            len(set(figures(made(generator), "needs")["item"].tolist())),
        )
        for generator in (toy, county)
    }
    assert sizes == {"toy": (12, 8, 3, 3), "county": (1_300, 512, 50, 16)}


def test_the_province_is_planned_at_full_size() -> None:
    scale = giving._PROVINCE
    assert (scale.needs, scale.lots, scale.region.villages, len(scale.kinds())) == (1_000_000, 700_000, 54_287, 40)
    assert scale.region.box == (34.4, 38.4, 114.8, 122.7)
    assert len(set(scale.kinds()["name"].tolist())) == 40


def test_province_makes_that_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    small = dataclasses.replace(
        giving._PROVINCE,
        needs=5_000,
        lots=3_500,
        pieces=24_270,
        region=dataclasses.replace(PROVINCE, townships=200, villages=300),
    )
    monkeypatch.setattr(giving, "_PROVINCE", small)
    assert [len(table) for table in province().tables.values()] == [5_000, 3_500]


def test_the_largest_kind_is_fifteen_percent_of_the_provinces_needs() -> None:
    kinds = Counter(figures(small_province(), "needs")["item"].tolist())
    assert len(kinds) == 40
    assert kinds.most_common(1) == [(b"rice", 3_000)]


@pytest.mark.parametrize("instance", [county, liaocheng_2017, None], indirect=True)
def test_clothing_is_45_percent_of_what_is_offered(instance: GivingInstance) -> None:
    offered = pieces(instance, "donations")
    assert offered["clothes"] / offered.total() == pytest.approx(0.45, abs=0.025)


def test_the_provinces_counties_belong_to_seventeen_cities() -> None:
    codes = figures(small_province(), "needs")["code"].tolist()
    assert len({code[:6] for code in codes}) == 136
    assert {code[:4] for code in codes} == {b"37%02d" % number for number in range(1, 18)}


def test_places_fill_their_box_and_stay_in_it(instance: GivingInstance) -> None:
    region = {"toy": TOY, "county": COUNTY, "liaocheng_2017": CITY, "province": PROVINCE}[instance.name]
    south, north, west, east = region.box
    for table in ("needs", "donations"):
        columns = figures(instance, table)
        for name, low, high in (("lat", south, north), ("lon", west, east)):
            assert low <= columns[name].min() <= columns[name].max() <= high
            if instance.name != "toy":
                assert np.ptp(columns[name]) > 0.5 * (high - low)


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("dirt", [False, True])
def test_the_same_seed_gives_the_same_bytes(
    generator: Callable[..., GivingInstance], dirt: bool, tmp_path: Path
) -> None:
    first = contents(generator(7, dirt=dirt), tmp_path / "first")
    assert contents(generator(7, dirt=dirt), tmp_path / "again") == first
    other = contents(generator(8, dirt=dirt), tmp_path / "other")
    assert all(one != another for one, another in zip(first, other, strict=True))


def test_every_clean_row_is_a_record_and_enters(instance: GivingInstance) -> None:
    for row in (*instance.needs(), *instance.donations()):
        assert record(row).closed(instance.as_of) is None


def test_ids_are_unique_and_numbered(instance: GivingInstance) -> None:
    for table, letter in (("needs", b"N"), ("donations", b"L")):
        ids = figures(instance, table)["id"].tolist()
        assert ids == [letter + b"%06d" % number for number in range(1, len(ids) + 1)]


def test_no_household_needs_an_item_twice(instance: GivingInstance) -> None:
    needs = [(row["household_id"], row["item"]) for row in instance.needs()]
    assert len(set(needs)) == len(needs)


def test_a_household_has_one_place_and_one_category(instance: GivingInstance) -> None:
    known: dict[str, tuple[Any, ...]] = {}
    for row in instance.needs():
        home = tuple(row[name] for name in (*PLACE, "category"))
        assert known.setdefault(row["household_id"], home) == home
    assert max(Counter(row["household_id"] for row in instance.needs()).values()) <= 3


def test_households_share_village_points_or_stand_around_them() -> None:
    homes = {row["household_id"]: (row["code"], row["lat"], row["lon"]) for row in made(liaocheng_2017).needs()}
    at = Counter(homes.values())
    assert 0.3 < sum(count for count in at.values() if count > 1) / len(homes) < 0.45
    villages = Counter(code for code, _, _ in homes.values())
    assert max(villages.values()) > 4 * np.median(list(villages.values()))
    for (code, lat, lon), (other, lat2, lon2) in zip(sorted(homes.values()), sorted(homes.values())[1:], strict=False):
        if code == other:
            km = 111.2 * np.hypot(lat - lat2, (lon - lon2) * np.cos(np.radians(lat)))
            assert km < 1.7


def test_days_lie_where_they_should(instance: GivingInstance) -> None:
    as_of = np.datetime64(instance.as_of)
    needs, lots = figures(instance, "needs"), figures(instance, "donations")
    assert (needs["registered_on"] >= as_of - 365).all()
    assert (needs["registered_on"] < needs["notice_ended_on"]).all()
    assert (needs["notice_ended_on"] < as_of).all()
    for later in (needs["needed_by"], lots["available_until"], lots["expires_on"]):
        assert (later[~np.isnat(later)] > as_of).all()


def test_shares_are_near_those_assumed() -> None:
    needs, lots = figures(made(liaocheng_2017), "needs"), figures(made(liaocheng_2017), "donations")
    for letter, share in CATEGORIES.items():
        assert np.mean(needs["category"] == letter) == pytest.approx(share, abs=0.02)
    assert np.mean(lots["only_categories"] != b"") == pytest.approx(0.15, abs=0.03)
    assert np.mean(lots["only_areas"] != b"") == pytest.approx(0.10, abs=0.02)
    assert 0 < np.mean(~np.isnan(lots["max_km"])) < 0.06
    assert 0 < np.mean(~np.isnat(lots["available_until"])) < 0.10
    assert set(lots["item"][~np.isnat(lots["expires_on"])].tolist()) == {b"rice", b"flour", b"oil"}


def test_an_earmarked_area_is_the_lots_own_or_that_and_another() -> None:
    for generator, digits in ((liaocheng_2017, 6), (county, 9)):
        marked = [row for row in made(generator).donations() if row["only_areas"]]
        assert {len(row["only_areas"].split(";")) for row in marked} == {1, 2}
        assert all(row["only_areas"].startswith(row["code"][:digits]) for row in marked if row["code"][6:9] != "000")
        known = {row["code"][:digits] for row in made(generator).needs()}
        assert all(set(row["only_areas"].split(";")) <= known for row in marked)


def test_hubs_are_one_a_county_with_lots_of_about_sixty() -> None:
    lots = [row for row in made(liaocheng_2017).donations() if row["code"].endswith("000000")]
    assert len({(row["code"], row["lat"], row["lon"]) for row in lots}) == 11
    assert 50 < np.median([row["quantity"] for row in lots]) < 70
    assert sum(row["quantity"] for row in lots) == round(37_000 * 2 / 3)


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("seed", range(3))
def test_some_kinds_are_scarce_and_some_ample(generator: Callable[..., GivingInstance], seed: int) -> None:
    needed, offered = (pieces(made(generator, seed), table) for table in ("needs", "donations"))
    assert needed.keys() == offered.keys()
    assert any(offered[item] < needed[item] for item in needed)
    assert any(offered[item] > 2 * needed[item] for item in needed)


def test_an_item_has_one_unit(instance: GivingInstance) -> None:
    units = {(row["item"], row["unit"]) for table in ("needs", "donations") for row in instance.rows(table)}
    assert len(units) == len({item for item, _ in units})


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("dirt", [False, True])
def test_files_hold_the_rows(generator: Callable[..., GivingInstance], dirt: bool, tmp_path: Path) -> None:
    paths = made(generator, dirt=dirt).write(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["needs.csv", "donations.csv"]
    for path in paths:
        assert b"\r" not in path.read_bytes()
        with path.open(encoding="utf-8", newline="") as file:
            written = list(csv.DictReader(file))
        rows = made(generator, dirt=dirt).rows(path.stem)
        assert written == [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in rows]


def test_an_instance_cannot_be_changed() -> None:
    made_up = toy()
    with pytest.raises(dataclasses.FrozenInstanceError):
        made_up.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        figures(made_up, "needs")["id"] = np.zeros(12)  # type: ignore[index]
    for table in made_up.tables.values():
        for column in table.columns.values():
            assert column.base is None
            with pytest.raises(ValueError, match="read-only"):
                column[0] = column[1]
    next(made_up.needs())["id"] = "changed"
    assert next(made_up.needs())["id"] == "N000001"


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(SourceError, match="no table 'pairs'; it has needs, donations"):
        toy().rows("pairs")


def test_a_clean_instance_has_no_dirt(instance: GivingInstance) -> None:
    assert instance.dirt == {}


@pytest.mark.parametrize("generator", GENERATORS)
def test_dirt_is_appended_and_counted(generator: Callable[..., GivingInstance]) -> None:
    clean, dirty = made(generator), made(generator, dirt=True)
    for table in ("needs", "donations"):
        rows, before = list(dirty.rows(table)), list(clean.rows(table))
        assert rows[: len(before)] == before
        found = {kind: numbers for kind, numbers in dirty.dirt.items() if kind.startswith(f"{table}.")}
        assert {len(numbers) for numbers in found.values()} == {max(1, round(len(before) * DIRT_SHARE))}
        # every appended row is of one kind
        assert sorted(sum(found.values(), ())) == list(range(len(before) + 1, len(rows) + 1))
        assert len(dirty.tables[table]) == len(rows)


#: What is found wrong: the code or type of the first validation error, why the row is closed, or None if it enters.
EFFECTS = {
    "repeated_row": None,
    "duplicate_id": None,
    "duplicate_household": None,
    "absurd_quantity": None,
    "no_quantity": "greater_than_equal",
    "wrong_unit": None,
    "swapped_coordinates": "less_than_equal",
    "wrong_area_code": None,
    "damaged_area_code": "string_pattern_mismatch",
    "personal_id": "PERSONAL_ID",
    "empty_cell": "missing",
    "bad_date": "date_from_datetime_parsing",
    "unapproved": "NOT_APPROVED",
    "notice_running": "NOTICE_RUNNING",
    "objected": "OBJECTED",
    "expired": "EXPIRED",
}


KEEPS_OWNER = {"repeated_row", "duplicate_id", "duplicate_household"}


def effect(row: Mapping[str, Any], as_of: date) -> str | None:
    try:
        return record(row).closed(as_of)
    except ValidationError as error:
        return error.errors()[0]["type"]


@pytest.mark.parametrize("generator", GENERATORS)
def test_dirt_has_the_effect_it_is_meant_to_have(generator: Callable[..., GivingInstance]) -> None:
    dirty = made(generator, dirt=True)
    rows = {table: list(dirty.rows(table)) for table in dirty.tables}
    assert {name.partition(".")[2] for name in dirty.dirt} == EFFECTS.keys()
    for name, numbers in dirty.dirt.items():
        table, _, kind = name.partition(".")
        assert {effect(rows[table][number - 1], dirty.as_of) for number in numbers} == {EFFECTS[kind]}


def test_dirt_that_a_single_row_cannot_show() -> None:
    dirty = made(county, dirt=True)
    for table, owner in (("needs", "household_id"), ("donations", "donor_id")):
        rows = list(dirty.rows(table))
        clean = {row["id"]: row for row in made(county).rows(table)}
        ours = {name.partition(".")[2]: numbers for name, numbers in dirty.dirt.items() if name.startswith(table)}
        at = {kind: [rows[number - 1] for number in numbers] for kind, numbers in ours.items()}
        assert all(clean[row["id"]] == row for row in at["repeated_row"])
        for row in at["duplicate_id"]:
            assert row | {"quantity": row["quantity"] - 1} == clean[row["id"]]
        assert {row["quantity"] for row in at["absurd_quantity"]} == {10**14}
        units = {(row["item"], row["unit"]) for row in clean.values()}
        assert all((row["item"], row["unit"]) not in units for row in at["wrong_unit"])
        assert all(row["code"][:2] != "37" for row in at["wrong_area_code"])
        fresh = [row for kind in at.keys() - {"repeated_row", "duplicate_id"} for row in at[kind]]
        assert all(row["id"] not in clean for row in fresh)
        owners = {row[owner] for row in clean.values()}
        assert all((row[owner] in owners) == (kind in KEEPS_OWNER) for kind in at for row in at[kind])
    households = {(row["household_id"], row["item"]) for row in made(county).needs()}
    needs = list(dirty.needs())
    for number in dirty.dirt["needs.duplicate_household"]:
        assert (needs[number - 1]["household_id"], needs[number - 1]["item"]) in households
