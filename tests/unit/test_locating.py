"""A source declares the system of its points once: they are read as WGS-84, and mixing systems is refused."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, lot

import aidmatch as am
from aidmatch.coordinates import from_wgs84

NEED = {
    "household_id": "H",
    "item": "quilt",
    "quantity": 1,
    "unit": "piece",
    "category": "A",
    "approval": "approved",
    "registered_on": "2017-01-01",
}


def row(id_: int, **cells: Any) -> dict[str, Any]:
    return {"id": f"N{id_}", **NEED, "code": None, "lat": 36.5, "lon": 115.9, **cells}


def in_system(system: str, *points: tuple[float, float]) -> list[dict[str, Any]]:
    lat, lon = from_wgs84(np.array([point[0] for point in points]), np.array([point[1] for point in points]), system)
    return [row(k, lat=a, lon=b) for k, (a, b) in enumerate(zip(lat.tolist(), lon.tolist(), strict=True))]


def faults(report: am.Report) -> list[tuple[int, str | None, str]]:
    return [(fault.line, fault.column, fault.code) for fault in report.refused]


@pytest.mark.parametrize("system", ["GCJ-02", "BD-09", "gcj02"])
def test_declared_points_become_wgs84(system: str) -> None:
    points = [(36.5, 115.9), (31.2, 121.5), (22.5, 113.9)]
    needs = am.read(in_system(system, *points), am.Need, coordinates=system)
    found = [need.place.point for need in needs]
    np.testing.assert_allclose(np.array(found), points, rtol=0, atol=1e-9)
    assert needs.report.converted == 3
    assert needs.report.coordinates == ("BD-09" if system == "BD-09" else "GCJ-02")
    assert f"3 points converted from {needs.report.coordinates} to WGS-84" in needs.report.text()


@pytest.mark.parametrize("declared", [None, "WGS-84"])
def test_wgs84_stays_as_it_is_to_the_last_bit(declared: str | None) -> None:
    needs = am.read([row(1, lat=36.123456789012345)], am.Need, coordinates=declared)
    assert needs[0].place.point == (36.123456789012345, 115.9)
    assert (needs.report.coordinates, needs.report.converted) == (declared, 0)
    assert "converted" not in needs.report.text()


def test_a_row_without_a_point_has_nothing_to_convert() -> None:
    needs = am.read([row(1, code="371501", lat=None, lon=None), row(2)], am.Need, coordinates="GCJ-02")
    assert needs[0].place == am.Place(code="371501")
    assert needs.report.converted == 1


def test_a_table_of_places_is_converted_as_well() -> None:
    (moved,) = in_system("BD-09", (36.5, 115.9))
    places = am.read([{"code": "371501", "lat": moved["lat"], "lon": moved["lon"]}], am.Place, coordinates="BD-09")
    np.testing.assert_allclose(places[0].point or (), (36.5, 115.9), rtol=0, atol=1e-9)
    needs = am.read([row(1, code="371501", lat=None, lon=None), row(2, code="371502", lat=None, lon=None)], am.Need)
    problem = am.GivingProblem(needs[:1], [lot("d1")], as_of=DAY, places=places)
    assert am.solve(problem).assignments[0].metres == 0
    assert problem.reports == (places.report,)
    missing = am.GivingProblem(needs, [lot("d1")], as_of=DAY, places=places)
    with pytest.raises(am.RowsError, match="NO_POINT") as refused:
        am.solve(missing)
    assert faults(refused.value.report) == [(2, "code", "NO_POINT")]


def test_a_point_outside_of_the_system_is_refused_and_not_passed_through() -> None:
    rows = [row(1), row(2, lat=51.5, lon=-0.1), row(3, lat=0, lon=0), row(4, lat=35.0, lon=36.5)]
    needs = am.read(rows, am.Need, coordinates="GCJ-02", errors="keep", columns={"lat": "lat"})
    assert [need.id for need in needs] == ["N1"]
    assert faults(needs.report) == [(line, "lat", "OUTSIDE_COORDINATES") for line in (2, 3, 4)]
    assert needs.lines == (1,)
    assert needs.report.converted == 1
    with pytest.raises(am.RowsError, match="outside of where GCJ-02 is defined"):
        am.read(rows, am.Need, coordinates="GCJ-02")


@pytest.mark.parametrize(("name", "code"), [("EPSG:4326", "UNKNOWN_COORDINATES"), ("", "UNKNOWN_COORDINATES")])
def test_an_unknown_system_is_refused(name: str, code: str) -> None:
    with pytest.raises(am.InputError, match="one of WGS-84, GCJ-02, BD-09") as refused:
        am.read([row(1)], am.Need, coordinates=name)
    assert refused.value.code == code


def test_a_record_without_points_has_no_system() -> None:
    with pytest.raises(am.InputError, match="a PairCost has no lat and lon to be in BD-09") as refused:
        am.read([], am.PairCost, coordinates="BD-09")
    assert refused.value.code == "NO_COORDINATES"


# --- a column that says the system


def test_a_column_that_says_the_declared_system_agrees() -> None:
    rows = [row(1, coordinates="gcj02"), row(2, coordinates=" "), row(3, coordinates=None), row(4)]
    assert len(am.read(rows, am.Need, coordinates="GCJ-02")) == 4


def test_a_row_of_another_system_is_refused() -> None:
    rows = [row(1, coordinates="GCJ-02"), row(2, coordinates="BD-09"), row(3, coordinates="somewhere")]
    needs = am.read(rows, am.Need, coordinates="GCJ-02", errors="keep")
    assert [need.id for need in needs] == ["N1"]
    assert faults(needs.report) == [
        (2, "coordinates", "MIXED_COORDINATES"),
        (3, "coordinates", "UNKNOWN_COORDINATES"),
    ]
    assert "somewhere" not in needs.report.text()


def test_a_column_says_what_a_missing_declaration_does_not() -> None:
    with pytest.raises(am.RowsError, match="declares none, which is WGS-84; read rows of each system") as refused:
        am.read([row(1, coordinates="GCJ-02")], am.Need)
    assert faults(refused.value.report) == [(1, "coordinates", "MIXED_COORDINATES")]
    assert len(am.read([row(1, coordinates="wgs84")], am.Need)) == 1


def test_a_column_of_a_file_says_the_same(tmp_path: Path) -> None:
    cells = [row(1, coordinates="GCJ-02"), row(2, coordinates="BD-09"), row(3, coordinates="gcj02")]
    file = tmp_path / "needs.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, cells[0])
        writer.writeheader()
        writer.writerows(cells)
    needs = am.read(file, am.Need, coordinates="GCJ-02", errors="keep")
    assert [need.id for need in needs] == ["N1", "N3"]
    assert faults(needs.report) == [(3, "coordinates", "MIXED_COORDINATES")]


def test_the_column_may_have_another_name_and_other_words() -> None:
    maps: dict[str, Any] = {"columns": {"coordinates": "坐标系"}, "values": {"coordinates": {"百度": "BD-09"}}}
    needs = am.read([row(1, 坐标系="百度")], am.Need, coordinates="BD-09", **maps)
    assert needs.report.converted == 1
    mixed = am.read([row(1, 坐标系="百度"), row(2)], am.Need, coordinates="GCJ-02", errors="keep", **maps)
    assert faults(mixed.report) == [(1, "坐标系", "MIXED_COORDINATES"), (2, "坐标系", "MISSING")]


def test_a_record_may_have_a_field_of_that_name() -> None:
    @dataclass(frozen=True)
    class Sight:
        coordinates: str
        lat: float
        lon: float

    (sight,) = am.read([{"coordinates": "north", "lat": 36.5, "lon": 115.9}], Sight, coordinates="GCJ-02")
    assert sight.coordinates == "north"
    assert sight.lat != 36.5


# --- a problem of several sources


def a_source(name: str, rows: list[dict[str, Any]]) -> Any:
    class Source:
        def __init__(self) -> None:
            self.name = name

        def rows(self, table: str) -> Any:
            return rows

    return Source()


LOT = {"id": "L1", "donor_id": "D", "item": "quilt", "quantity": 1, "unit": "piece", "lat": 36.5, "lon": 115.9}


def test_a_declaration_that_was_forgotten_for_one_source_is_refused() -> None:
    needs = am.read(a_source("needs.csv", [row(1)]), am.Need, coordinates="GCJ-02")
    lots = am.read(a_source("lots.csv", [LOT]), am.Donation)
    with pytest.raises(am.ProblemError, match=r"needs.csv was read as GCJ-02, but lots.csv without") as refused:
        am.GivingProblem(needs, lots, as_of=DAY)
    assert refused.value.code == "MIXED_COORDINATES"
    places = am.read(a_source("places.csv", [{"code": "37", "lat": 36, "lon": 116}]), am.Place)
    with pytest.raises(am.ProblemError, match=r"places.csv without coordinates="):
        am.GivingProblem(needs, [lot("d1")], as_of=DAY, places=places)


@pytest.mark.parametrize("other", ["WGS-84", "BD-09"])
def test_sources_of_declared_systems_meet(other: str) -> None:
    needs = am.read(a_source("needs.csv", [row(1)]), am.Need, coordinates="GCJ-02")
    lots = am.read(a_source("lots.csv", [LOT]), am.Donation, coordinates=other)
    problem = am.GivingProblem(needs, lots, as_of=DAY)
    assert am.solve(problem).reports == (needs.report, lots.report)


def test_sources_without_points_or_read_by_nobody_need_no_declaration() -> None:
    needs = am.read(a_source("needs.csv", [row(1)]), am.Need, coordinates="GCJ-02")
    lots = am.read(a_source("lots.csv", [LOT | {"lat": None, "lon": None, "code": "37"}]), am.Donation)
    am.GivingProblem(needs, lots, as_of=DAY)
    am.GivingProblem(needs, [lot("d1")], as_of=DAY)


def test_what_was_converted_is_kept_in_a_saved_matching(tmp_path: Any) -> None:
    needs = am.read(a_source("needs.csv", [row(1)]), am.Need, coordinates="GCJ-02")
    problem = am.GivingProblem(needs, [lot("d1")], as_of=DAY)
    matching = am.solve(problem)
    again = am.Matching.load(matching.save(tmp_path / "m.json"))
    assert again.reports == matching.reports == (needs.report,)
    assert "  needs.csv: 1 rows read, 1 kept; 1 points converted from GCJ-02" in matching.summary()
    # where nothing was declared, the saved form is the one without these fields
    plain = am.solve(am.GivingProblem(am.read([row(1)], am.Need), [lot("d1")], as_of=DAY))
    text = plain.save(tmp_path / "plain.json").read_text("utf-8")
    assert "converted" not in text
    assert "coordinates" not in text
    am.Matching.load(tmp_path / "plain.json")
