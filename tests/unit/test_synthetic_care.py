"""What the made-up instances of care promise: the published figures, the same bytes, good rows, and what changes."""

from __future__ import annotations

import csv
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aidmatch as am
from aidmatch.errors import SourceError
from aidmatch.synthetic import (
    CareInstance,
    county,
    county_care,
    liaocheng_2017,
    liaocheng_2017_care,
    next_quarter,
    toy_care,
)

GENERATORS = [toy_care, county_care, liaocheng_2017_care]
TABLES = {"clients": am.Client, "caregivers": am.Caregiver, "current": am.Pair}


@cache
def made(generator: Callable[[int], CareInstance], seed: int = 0) -> CareInstance:
    return generator(seed)


@cache
def solved(generator: Callable[[int], CareInstance]) -> tuple[am.Assignment, ...]:
    return decided(made(generator))


@cache
def reviewed(generator: Callable[[int], CareInstance]) -> CareInstance:
    return next_quarter(made(generator), solved(generator))


def decided(instance: CareInstance) -> tuple[am.Assignment, ...]:
    return am.solve(problem(instance), policy=am.Policy.care(max_km=instance.max_km)).assignments


def problem(instance: CareInstance) -> am.CareProblem:
    return am.CareProblem(
        am.read(instance, am.Client),
        am.read(instance, am.Caregiver),
        as_of=instance.as_of,
        current=am.read(instance, am.Pair),
    )


@pytest.fixture(params=[*GENERATORS, None], ids=["toy", "county", "city", "city_reviewed"])
def instance(request: pytest.FixtureRequest) -> CareInstance:
    return reviewed(liaocheng_2017_care) if request.param is None else made(request.param)


def figures(instance: CareInstance, table: str) -> Mapping[str, np.ndarray[Any, Any]]:
    return instance.tables[table].columns


def contents(instance: CareInstance, folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in instance.write(folder)]


def shares(values: Iterable[Any]) -> dict[Any, float]:
    counts = Counter(values)
    return {value: count / counts.total() for value, count in counts.items()}


def sizes(column: np.ndarray[Any, Any]) -> list[int]:
    return [len(names.split(b";")) for names in column.tolist()]


@pytest.mark.parametrize("seed", range(3))
def test_the_city_has_the_published_figures(seed: int) -> None:
    city = made(liaocheng_2017_care, seed)
    assert (city.name, city.as_of, city.max_km) == ("liaocheng_2017_care", date(2017, 6, 1), 10.0)
    assert [len(city.tables[table]) for table in TABLES] == [3_931, 1_138, 0]
    for table in ("clients", "caregivers"):
        codes = set(figures(city, table)["code"].tolist())
        assert [len({code[:digits] for code in codes}) for digits in (12, 9, 6)] == [557, 100, 11]
    clients = figures(city, "clients")
    severity = {b"mild": 0.66, b"moderate": 0.14, b"severe": 0.20}
    assert shares(clients["severity"].tolist()) == pytest.approx(severity, abs=0.001)
    assert figures(city, "caregivers")["max_persons"].max() == 5


def test_the_smaller_instances_have_their_sizes() -> None:
    found = {
        generator.__name__: (
            *(len(made(generator).tables[table]) for table in TABLES),
            len(set(figures(made(generator), "clients")["code"].tolist())),
        )
        for generator in (toy_care, county_care)
    }
    assert found == {"toy_care": (15, 3, 0, 3), "county_care": (500, 120, 0, 50)}


@pytest.mark.parametrize(("care", "giving"), [(county_care, county), (liaocheng_2017_care, liaocheng_2017)])
@pytest.mark.parametrize("seed", range(2))
def test_the_land_is_that_of_giving(
    care: Callable[[int], CareInstance], giving: Callable[[int], Any], seed: int
) -> None:
    def points(instance: Any, table: str) -> set[tuple[str, float, float]]:
        return {(row["code"], row["lat"], row["lon"]) for row in instance.rows(table)}

    # two fifths of the households stand on their village's very point
    needs, clients = points(giving(seed), "needs"), points(care(seed), "clients")
    villages = {code for code, _, _ in needs}
    assert {code for code, _, _ in clients} == villages
    assert len(needs & clients) > 0.5 * len(villages)
    assert not points(giving(seed + 1), "needs") & clients


def test_shares_are_those_assumed() -> None:
    clients, caregivers = (figures(made(liaocheng_2017_care), table) for table in ("clients", "caregivers"))
    for column, assumed in (
        (clients["minutes_per_week"], {180: 0.2, 300: 0.3, 420: 0.25, 600: 0.15, 840: 0.1}),
        (clients["caregivers_needed"], {1: 0.97, 2: 0.03}),
        (caregivers["max_persons"], {3: 0.15, 4: 0.25, 5: 0.60}),
        (caregivers["poor_household"], {True: 0.60, False: 0.40}),
    ):
        assert shares(column.tolist()) == pytest.approx(assumed, abs=0.001)
    categories = {b"A": 0.1, b"B": 0.2, b"C": 0.3, b"D": 0.4}
    assert shares(clients["category"].tolist()) == pytest.approx(categories, abs=0.01)
    assert shares(sizes(clients["services"])) == pytest.approx({1: 0.6, 2: 0.4}, abs=0.001)
    assert shares(sizes(caregivers["services"])) == pytest.approx({2: 0.3, 3: 0.4, 4: 0.3}, abs=0.001)
    for column in (clients["services"], caregivers["services"]):
        names = shares(name for names in column.tolist() for name in names.split(b";"))
        assert names == pytest.approx(dict.fromkeys((b"accompany", b"clean", b"cook", b"talk"), 0.25), abs=0.01)
    women = clients["gender"] == b"F"
    assert set(clients["caregiver_gender"][~women].tolist()) == {b""}
    assert shares(clients["caregiver_gender"][women].tolist()) == pytest.approx({b"": 0.9, b"F": 0.1}, abs=0.02)
    assert {b"local", b"mandarin"} == set(clients["languages"].tolist()) - {b""}


@pytest.mark.parametrize("seed", range(3))
def test_clients_crowd_in_some_villages_and_caregivers_in_others(seed: int) -> None:
    clients, caregivers = (figures(made(liaocheng_2017_care, seed), table) for table in ("clients", "caregivers"))
    for column, most in ((clients["code"], 6), (caregivers["code"], 4)):
        in_village = list(Counter(column.tolist()).values())
        assert max(in_village) > most * np.median(in_village)
    asked, room = clients["caregivers_needed"].sum(), caregivers["max_persons"].sum()
    assert 1.2 * asked < room < 1.3 * asked


@pytest.mark.parametrize("seed", range(3))
def test_room_runs_out_in_places_though_most_clients_are_in_reach(seed: int) -> None:
    city = made(liaocheng_2017_care, seed)
    matching = am.solve(problem(city), policy=am.Policy.care(max_km=city.max_km))
    served = sum(row.served for row in matching.coverage) / sum(row.asked for row in matching.coverage)
    assert 0.90 < served < 0.99
    reasons = Counter(matching.reasons.values())
    assert reasons["USED_UP"] > 0.9 * reasons.total()
    assert {row.category: row.served / row.asked for row in matching.coverage}["A"] == 1


def test_every_row_is_a_record_and_enters_unless_it_has_left(instance: CareInstance, tmp_path: Path) -> None:
    paths = instance.write(tmp_path)
    for (table, record), path in zip(TABLES.items(), paths, strict=True):
        records: am.Records[Any] = am.read(instance, record)
        assert records.report.refused == records.report.flagged == ()
        assert len(records) == len(instance.tables[table])
        assert am.read(path, record).kept == records.kept
    care = problem(instance)
    closed = {client.closed(instance.as_of) for client in care.clients}
    ended = {caregiver.closed(instance.as_of) for caregiver in care.caregivers}
    later = instance.as_of > date(2017, 6, 1)
    assert closed == ({None, "NOT_OPEN"} if later else {None})
    assert ended == ({None, "NO_LONGER_AVAILABLE"} if later else {None})


def test_what_is_not_decided_yet_is_left_out(instance: CareInstance) -> None:
    assert not figures(instance, "caregivers").keys() & {"minutes_per_week", "min_persons"}


def test_ids_are_unique_and_numbered(instance: CareInstance) -> None:
    for table, letter in (("clients", b"C"), ("caregivers", b"G")):
        ids = figures(instance, table)["id"].tolist()
        assert ids == [letter + b"%06d" % number for number in range(1, len(ids) + 1)]


def test_a_household_has_one_place_one_category_and_at_most_two_clients(instance: CareInstance) -> None:
    homes: dict[str, set[tuple[Any, ...]]] = {}
    for row in instance.clients():
        home = tuple(row[name] for name in ("category", "code", "lat", "lon"))
        homes.setdefault(row["household_id"], set()).add(home)
    assert {len(found) for found in homes.values()} == {1}
    assert max(Counter(row["household_id"] for row in instance.clients()).values()) == 2
    caregivers = [row["household_id"] for row in instance.caregivers()]
    assert len(set(caregivers)) == len(caregivers)
    assert not set(caregivers) & homes.keys()


def test_days_lie_where_they_should(instance: CareInstance) -> None:
    clients = figures(instance, "clients")
    assert (clients["notice_ended_on"] < clients["waiting_since"]).all()
    assert (clients["waiting_since"] <= np.datetime64(instance.as_of)).all()


@pytest.mark.parametrize("generator", GENERATORS)
def test_the_same_seed_gives_the_same_bytes(generator: Callable[[int], CareInstance], tmp_path: Path) -> None:
    first = contents(generator(7), tmp_path / "first")
    assert contents(generator(7), tmp_path / "again") == first
    other = contents(generator(8), tmp_path / "other")
    assert [one == another for one, another in zip(first, other, strict=True)] == [False, False, True]


def test_files_hold_the_rows(instance: CareInstance, tmp_path: Path) -> None:
    paths = instance.write(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["clients.csv", "caregivers.csv", "current.csv"]
    for path in paths:
        assert b"\r" not in path.read_bytes()
        with path.open(encoding="utf-8", newline="") as file:
            written = list(csv.DictReader(file))
        rows = instance.rows(path.stem)
        assert written == [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in rows]


def test_an_instance_cannot_be_changed() -> None:
    for instance in (toy_care(), reviewed(toy_care)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            instance.name = "other"  # type: ignore[misc]
        with pytest.raises(TypeError):
            instance.tables["clients"] = instance.tables["current"]  # type: ignore[index]
        for table in instance.tables.values():
            for column in table.columns.values():
                with pytest.raises(ValueError, match="read-only"):
                    column[:] = column[:]


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(SourceError, match="no table 'needs'; it has clients, caregivers, current"):
        toy_care().rows("needs")


@pytest.mark.parametrize(
    ("generator", "moves"), [(toy_care, (1, 0)), (county_care, (35, 1)), (liaocheng_2017_care, (275, 5))]
)
def test_a_quarter_moves_its_shares(generator: Callable[[int], CareInstance], moves: tuple[int, int]) -> None:
    before, after = made(generator), reviewed(generator)
    assert (after.name, after.as_of, after.max_km) == (before.name, date(2017, 9, 1), before.max_km)
    clients, caregivers = (figures(after, table) for table in ("clients", "caregivers"))
    leaving, resigning = moves
    old = len(before.tables["clients"])
    assert len(clients["id"]) == old + leaving
    assert (clients["status"] == b"closed").sum() == leaving
    assert (clients["status"][old:] == b"open").all()
    joined = clients["waiting_since"][old:]
    assert (joined > np.datetime64(before.as_of)).all()
    gone = caregivers["available_until"][~np.isnat(caregivers["available_until"])]
    assert len(gone) == resigning
    assert ((gone > np.datetime64(before.as_of)) & (gone < np.datetime64(after.as_of))).all()


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_quarter_changes_nothing_else(generator: Callable[[int], CareInstance]) -> None:
    before, after = made(generator), reviewed(generator)
    for table, changed in (("clients", "status"), ("caregivers", "available_until")):
        new = figures(after, table)
        for header, column in figures(before, table).items():
            if header != changed:
                assert (new[header][: len(column)] == column).all()
    known = set(figures(before, "clients")["code"].tolist())
    assert set(figures(after, "clients")["code"].tolist()) == known


@pytest.mark.parametrize("generator", GENERATORS)
def test_the_pairs_in_force_are_the_assignments_of_those_who_stay(generator: Callable[[int], CareInstance]) -> None:
    after = reviewed(generator)
    clients = {row["id"] for row in after.clients() if row["status"] == "open"}
    caregivers = {row["id"] for row in after.caregivers() if row["available_until"] is None}
    decided_before = [(a.demand_id, a.supply_id) for a in solved(generator)]
    stay = [pair for pair in decided_before if pair[0] in clients and pair[1] in caregivers]
    assert 0 < len(stay) < len(decided_before)
    rows = list(after.current())
    assert [(row["demand_id"], row["supply_id"]) for row in rows] == sorted(stay)
    assert {(row["since"], row["state"]) for row in rows} == {(date(2017, 6, 1), "signed")}


def test_pairs_keep_their_age_from_quarter_to_quarter() -> None:
    quarters = [made(county_care)]
    for _ in range(4):
        quarters.append(next_quarter(quarters[-1], decided(quarters[-1])))
    days = [date(2017, 6, 1), date(2017, 9, 1), date(2017, 12, 1), date(2018, 3, 1), date(2018, 6, 1)]
    assert [quarter.as_of for quarter in quarters] == days
    for before, after in pairwise(quarters):
        known = {(row["demand_id"], row["supply_id"]): row["since"] for row in before.current()}
        for row in after.current():
            assert row["since"] == known.get((row["demand_id"], row["supply_id"]), before.as_of)
    assert {row["since"] for row in quarters[-1].current()} == set(days[:4])
    # as many join as leave, and nobody's id comes twice
    assert {(figures(quarter, "clients")["status"] == b"open").sum() for quarter in quarters} == {500}
    homes = [(row["household_id"], row["code"], row["lat"], row["lon"]) for row in quarters[-1].clients()]
    assert len(set(homes)) == len({home[0] for home in homes})


def test_a_quarter_is_drawn_from_its_seed_alone(tmp_path: Path) -> None:
    before, assignments = made(county_care), solved(county_care)
    first = contents(next_quarter(before, assignments, 3), tmp_path / "first")
    assert contents(next_quarter(county_care(), assignments[::-1], 3), tmp_path / "again") == first
    assert contents(next_quarter(before, assignments, 4), tmp_path / "other") != first
