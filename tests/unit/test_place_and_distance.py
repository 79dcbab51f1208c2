"""Places are points or codes; metres between them are haversine's, whole, and the same wherever they stand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.instances import CODES, DAY, levels, lot, need, place
from tests.oracles import metres
from tests.profiles import examples

import aidmatch as am
from aidmatch.arrays import Ints
from aidmatch.distance.great_circle import EARTH_RADIUS, metres_between
from aidmatch.distance.protocol import Distance, measure
from aidmatch.engine import pricing
from aidmatch.engine.options import Options
from aidmatch.formulation.arcs import PointArcs, demand_blocks
from aidmatch.rules.protocol import Eligibility


def point(lat: float, lon: float) -> am.Place:
    return am.Place(lat=lat, lon=lon)


def far(one: am.Place, other: am.Place) -> int:
    (only,) = am.GreatCircle().metres(am.Places([one]), am.Places([other])).tolist()
    assert isinstance(only, int)
    return only


points = st.builds(point, st.floats(-90, 90), st.floats(-180, 180))
#: about as far apart as villages of one county
near_points = st.builds(point, st.floats(36.0, 36.6), st.floats(115.6, 116.2))


# --- places


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "NO_PLACE"),
        ({"lat": 36.5}, "HALF_POINT"),
        ({"lon": 115.9}, "HALF_POINT"),
        ({"code": "37", "lon": 115.9}, "HALF_POINT"),
        ({"lat": 90.001, "lon": 0}, "less_than_equal"),
        ({"lat": -90.001, "lon": 0}, "greater_than_equal"),
        ({"lat": 115.9, "lon": 36.5}, "less_than_equal"),  # the wrong way round
        ({"lat": 0, "lon": 180.001}, "less_than_equal"),
        ({"lat": 0, "lon": -180.001}, "greater_than_equal"),
        ({"lat": math.nan, "lon": 0}, "finite_number"),
        ({"lat": 0, "lon": math.inf}, "finite_number"),
        ({"lat": True, "lon": 0}, "NOT_A_NUMBER"),
        ({"lat": 0, "lon": False}, "NOT_A_NUMBER"),
        ({"code": "3"}, "string_pattern_mismatch"),
        ({"code": "3" * 13}, "string_pattern_mismatch"),
        ({"code": "37X"}, "string_pattern_mismatch"),
        ({"code": "３７"}, "string_pattern_mismatch"),
        ({"code": "37\n1"}, "string_pattern_mismatch"),
        ({"code": 371501}, "string_type"),
    ],
)
def test_what_is_no_place_is_refused(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        am.Place(**fields)
    assert [fault["type"] for fault in refused.value.errors()] == [code]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"code": "37"}, None),
        ({"code": "371501001001"}, None),
        ({"code": " 37 "}, None),
        ({"lat": 0, "lon": 0}, (0.0, 0.0)),
        ({"lat": "36.5", "lon": "115.9"}, (36.5, 115.9)),
        ({"code": "37", "lat": 90, "lon": -180}, (90.0, -180.0)),
        ({"lat": -90, "lon": 180}, (-90.0, 180.0)),
    ],
)
def test_a_place_has_a_code_a_point_or_both(fields: dict[str, Any], where: tuple[float, float] | None) -> None:
    assert am.Place(**fields).point == where
    assert am.Place(**fields).code == (fields["code"].strip() if "code" in fields else None)


def test_many_places_are_columns() -> None:
    places = am.Places([am.Place(code="37"), place("371501", 0, 0), point(0, 90), point(90, 45)])
    assert len(places) == 4
    assert repr(places) == "<Places: 4>"
    assert places.codes.tolist() == ["37", "371501", "", ""]
    np.testing.assert_array_equal(places.lat, [math.nan, 0, 0, 90])
    np.testing.assert_array_equal(places.lon, [math.nan, 0, 90, 45])
    np.testing.assert_allclose(
        places.vectors, np.array([[math.nan] * 3, [1, 0, 0], [0, 1, 0], [0, 0, 1]]).T, atol=1e-15
    )


def test_an_index_gives_a_view_and_a_view_of_it() -> None:
    places = am.Places(place("37", lat, 2 * lat) for lat in range(5))
    view = places[np.array([4, 0, 4])]
    assert (view.lat.tolist(), view.lon.tolist()) == ([4, 0, 4], [8, 0, 8])
    again = view[np.array([1, 2])]
    assert len(again) == 2
    assert again.lat.tolist() == [0, 4]
    np.testing.assert_array_equal(again.vectors, places.vectors[:, [0, 4]])
    assert len(places) == 5


def test_no_place_at_all_is_a_column_too() -> None:
    nowhere = am.Places([])
    assert (len(nowhere), nowhere.lat.shape, nowhere.codes.shape, nowhere.vectors.shape) == (0, (0,), (0,), (3, 0))
    assert am.GreatCircle().metres(nowhere, nowhere).tolist() == []


# --- great circles


@pytest.mark.parametrize(
    ("one", "other", "golden"),
    [
        ((0, 0), (0, 1), 111_195),  # π·R/180 = 111,195.08
        ((0, 0), (1, 0), 111_195),
        ((60, 0), (60, 1), 55_597),
        ((0, 0), (0, 90), 10_007_557),  # π·R/2 = 10,007,557.22
        ((90, 0), (0, 77), 10_007_557),
        ((36.4567, 115.9855), (36.6512, 117.1201), 103_627),  # Liaocheng, Jinan
        ((39.9042, 116.4074), (31.2304, 121.4737), 1_067_312),  # Beijing, Shanghai
        ((36.5, 115.9), (36.50001, 115.9), 1),
        ((36.5, 115.9), (36.500004, 115.9), 0),  # 0.44 m
        # the same point, said otherwise
        ((36.5, 115.9), (36.5, 115.9), 0),
        ((0, 180), (0, -180), 0),
        ((90, 10), (90, -170), 0),
        ((-90, 0), (-90, 120), 0),
        # antipodes: π·R = 20,015,114.44
        ((0, 0), (0, 180), 20_015_114),
        ((90, 0), (-90, 0), 20_015_114),
        ((36.5, 115.9), (-36.5, -64.1), 20_015_114),
        ((0, 0), (0, 179.9999), 20_015_103),
        # over the pole, over the date line
        ((89, 0), (89, 180), 222_390),
        ((0, 179.5), (0, -179.5), 111_195),
    ],
)
def test_metres_are_those_worked_out_by_hand(one: tuple[float, float], other: tuple[float, float], golden: int) -> None:
    assert metres(point(*one), point(*other)) == golden
    assert far(point(*one), point(*other)) == golden
    assert far(point(*other), point(*one)) == golden


@settings(max_examples=examples(300))
@given(points, points)
def test_metres_are_haversines_anywhere_on_earth(one: am.Place, other: am.Place) -> None:
    # where the antipode is near, a float's last bit is 0.1 m, and either formula may round to either side
    slack = 1 if metres(one, other) > 19_900_000 else 0
    assert abs(far(one, other) - metres(one, other)) <= slack
    assert far(one, other) == far(other, one)


@settings(max_examples=examples(300))
@given(near_points, near_points)
def test_metres_are_haversines_within_a_county(one: am.Place, other: am.Place) -> None:
    assert far(one, other) == metres(one, other)


def test_half_a_metre_goes_up_even_from_an_even_number() -> None:
    halves = 0
    for whole in range(0, 2000, 2):
        chord = math.sin((whole + 0.5) / (2 * EARTH_RADIUS))
        if 2 * EARTH_RADIUS * float(np.arcsin(np.array([chord]))[0]) == whole + 0.5:
            apart = metres_between(np.array([[2 * chord], [0.0], [0.0]]), np.zeros((3, 1)))
            assert apart.tolist() == [whole + 1]
            halves += 1
    assert halves > 20


@settings(max_examples=examples(50))
@given(st.lists(st.tuples(points, points), min_size=2, max_size=40), st.randoms(use_true_random=False))
def test_neighbours_in_the_array_change_nothing(pairs: list[tuple[am.Place, am.Place]], rng: Any) -> None:
    alone = [far(one, other) for one, other in pairs]
    order = list(range(len(pairs)))
    rng.shuffle(order)
    mixed = am.Places(place for k in order for place in (pairs[k][0], am.Place(code="37"), pairs[k][1]))
    starts = np.arange(0, len(mixed), 3)
    assert am.GreatCircle().metres(mixed[starts], mixed[starts + 2]).tolist() == [alone[k] for k in order]


# --- radii

#: 11,119.5 m north of the others, which is 11,120 as a whole number
NORTH = place(lat=36.6)


@pytest.mark.parametrize(("max_km", "served"), [(11.12, 1), (11.119, 0), (11.1196, 1), (11.1194, 0), (0, 0)])
def test_a_radius_includes_its_edge_and_is_held_to_the_metre(max_km: float, served: int) -> None:
    assert far(place(), NORTH) == 11_120
    problem = am.GivingProblem([need("n1")], [lot("d1", place=NORTH)], as_of=DAY)
    own = am.GivingProblem([need("n1")], [lot("d1", place=NORTH, max_km=max_km)], as_of=DAY)
    wide, narrow = am.Policy.giving(max_km=100), am.Policy.giving(max_km=max_km)
    for asked, policy in ((problem, narrow), (own, wide), (own, am.Policy.giving())):
        matching = am.solve(asked, policy=policy)
        am.verify(asked, matching, policy=policy)
        assert levels(matching)[0] == served
        assert dict(matching.reasons) == ({} if served else {"n1": "OUT_OF_REACH"})


def test_the_smaller_of_two_radii_holds() -> None:
    problem = am.GivingProblem([need("n1")], [lot("d1", place=NORTH, max_km=100)], as_of=DAY)
    assert am.solve(problem, policy=am.Policy.giving(max_km=5)).unmet == {"n1": 1}


def test_a_lot_that_may_not_travel_serves_its_own_place() -> None:
    needs = [need("here"), need("a metre away", place=place(lat=36.50001))]
    problem = am.GivingProblem(needs, [lot("d1", 2, max_km=0)], as_of=DAY)
    matching = am.solve(problem)
    am.verify(problem, matching)
    assert [a.demand_id for a in matching.assignments] == ["here"]
    assert dict(matching.reasons) == {"a metre away": "OUT_OF_REACH"}


def unconditional(demands: int, supplies: int) -> Eligibility:
    groups = np.zeros(demands, dtype=np.int64), np.zeros(supplies, dtype=np.int64)
    return Eligibility(*groups, np.ones((1, 1), dtype=np.bool_))


@settings(max_examples=examples(200))
@given(
    st.lists(near_points | points, min_size=1, max_size=6),
    st.lists(near_points | points, min_size=1, max_size=6),
    st.integers(0, 2**32),
)
def test_the_search_by_angle_misses_no_pair_at_the_edge(
    demands: list[am.Place], supplies: list[am.Place], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    table = [[far(supply, demand) for supply in supplies] for demand in demands]
    # each supply reaches exactly as far as one of the demands, or a metre less, or a metre more
    reach = np.array(
        [max(0, int(rng.choice(column)) + int(rng.integers(-1, 2))) for column in zip(*table, strict=True)]
    )
    demand_of, supply_of, metric = PointArcs(
        am.Places(demands).vectors, am.Places(supplies).vectors, reach, unconditional(len(demands), len(supplies))
    ).build()
    wanted = [(i, j, d) for i, row in enumerate(table) for j, d in enumerate(row) if d <= reach[j]]
    assert list(zip(demand_of.tolist(), supply_of.tolist(), metric.tolist(), strict=True)) == wanted


@pytest.mark.parametrize("block", [1, 2, 7, 12, 1000])
def test_the_size_of_the_blocks_changes_no_arc(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    some, others = (am.Places(point(36 + a, 116 + b) for a, b in rng.random((size, 2))) for size in (5, 3))
    arcs = PointArcs(some.vectors, others.vectors, np.array([30_000, 50_000, 2**62]), unconditional(5, 3))
    whole = arcs.build()
    assert 5 < len(whole[0]) < 15
    monkeypatch.setattr("aidmatch.formulation.arcs.BLOCK", block)
    for one, other in zip(arcs.build(), whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_blocks_cover_every_demand_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aidmatch.formulation.arcs.BLOCK", 6)
    for demands, supplies, sizes in ((5, 3, [2, 2, 1]), (4, 100, [1, 1, 1, 1]), (4, 0, [4]), (0, 3, []), (6, 1, [6])):
        covered = [list(range(demands))[block] for block in demand_blocks(demands, supplies)]
        assert [len(part) for part in covered] == sizes
        assert [i for part in covered for i in part] == list(range(demands))


# --- distances of one's own


class Steps:
    """Differences of area codes, for which no points are needed."""

    name = "steps"
    needs_points = False

    def metres(self, origins: am.Places, destinations: am.Places) -> Ints:
        assert len(origins) == len(destinations)
        steps: Ints = np.abs(origins.codes.astype(np.int64) - destinations.codes.astype(np.int64))
        return steps


CODED = am.GivingProblem(
    [need("n1", 2, place=am.Place(code="30")), need("n2", 2, "B", place=am.Place(code="40"))],
    [lot("d1", 2, place=am.Place(code="32")), lot("d2", 2, place=am.Place(code="99"))],
    as_of=DAY,
)


def test_a_distance_by_codes_needs_no_points() -> None:
    policy = am.Policy.giving(max_km=0.06)
    matching = am.solve(CODED, policy=policy, distance=Steps())
    am.verify(CODED, matching, policy=policy, distance=Steps())
    # 69 from d2 to n1 are too far, 59 to n2 are not
    assert [(a.demand_id, a.supply_id, a.quantity, a.metres) for a in matching.assignments] == [
        ("n1", "d1", 2, 2),
        ("n2", "d2", 2, 59),
    ]
    assert levels(matching) == (2, 2, 0, 0, 122)
    assert matching.distance == "steps"


@pytest.mark.parametrize(("max_km", "served"), [(0.002, 1), (0.001, 0)])
def test_a_radius_includes_its_edge_in_a_distance_of_ones_own(max_km: float, served: int) -> None:
    problem = am.GivingProblem(CODED.needs[:1], CODED.donations[:1], as_of=DAY)
    policy = am.Policy.giving(max_km=max_km)
    matching = am.solve(problem, policy=policy, distance=Steps())
    am.verify(problem, matching, policy=policy, distance=Steps())
    assert len(matching.assignments) == served


def test_a_distance_of_ones_own_finds_the_arcs_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = am.solve(CODED, distance=Steps())
    monkeypatch.setattr("aidmatch.formulation.arcs.BLOCK", 2)
    assert am.solve(CODED, distance=Steps()).assignments == whole.assignments


def test_a_distance_that_says_nothing_of_points_needs_them() -> None:
    class Plain:
        name = "plain"

        def metres(self, origins: am.Places, destinations: am.Places) -> Ints:
            return np.zeros(len(origins), dtype=np.int64)

    with pytest.raises(am.RowsError, match="NO_POINT") as refused:
        am.solve(CODED, distance=Plain())
    assert len(refused.value.report.refused) == 4


def test_a_distance_can_be_named() -> None:
    problem = am.GivingProblem([need("n1")], [lot("d1", place=NORTH)], as_of=DAY)
    by_name, by_object = am.solve(problem, distance="great-circle"), am.solve(problem, distance=am.GreatCircle())
    assert by_name.assignments == by_object.assignments
    assert by_name.distance == by_object.distance == "great-circle"
    with pytest.raises(am.PluginError, match="did you mean 'great-circle'"):
        am.solve(problem, distance="great-circel")


class Said:
    """Says what it is told to say."""

    name = "said"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def metres(self, origins: am.Places, destinations: am.Places) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


TWO = am.Places([point(0, 0), point(0, 1)])


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (np.array([1.0, 2.0]), "gave float64; expected 2 non-negative integers"),
        (np.array([True, False]), "gave bool"),
        (np.array(["1", "2"]), "gave <U1"),
        (np.array([1, 2], dtype=object), "gave object"),
        (np.array([1, 2], dtype="m8[s]"), "gave timedelta64"),
        ([1, 2], "gave list"),
        (None, "gave NoneType"),
        (3, "gave int"),
        (np.array([1]), r"gave shape \(1,\)"),
        (np.array([1, 2, 3]), r"gave shape \(3,\)"),
        (np.array([[1, 2]]), r"gave shape \(1, 2\)"),
        (np.int64(1), "gave int64"),
        (np.array(1), r"gave shape \(\)"),
        (np.array([0, -1]), "out of range"),
        (np.array([0, 2**62]), "out of range"),
        (np.array([0, 2**64 - 1], dtype=np.uint64), "out of range"),
        (ValueError("no road to 13812345678"), "raised ValueError"),
        (KeyError("secret"), "raised KeyError"),
    ],
)
def test_what_is_no_measurement_is_refused_by_the_distances_name(answer: Any, complaint: str) -> None:
    with pytest.raises(am.PluginError, match=complaint) as refused:
        measure(Said(answer), TWO, TWO)
    assert refused.value.code == "BAD_DISTANCE"
    assert "'said'" in str(refused.value)
    assert "13812345678" not in str(refused.value)


@pytest.mark.parametrize(
    ("thing", "complaint"),
    [
        (am.GreatCircle, r"GreatCircle is no distance, .*; say GreatCircle\(\)"),
        (3, "int is no distance, which has a name and a method metres$"),
        (None, "NoneType is no distance"),
        (lambda origins, destinations: 0, "function is no distance"),
    ],
)
def test_what_is_no_distance_is_refused_by_its_kind(thing: Any, complaint: str) -> None:
    with pytest.raises(am.PluginError, match=complaint) as refused:
        am.solve(am.GivingProblem([need("n1")], [lot("d1")], as_of=DAY), distance=thing)
    assert refused.value.code == "BAD_DISTANCE"


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.uint64])
def test_any_whole_numbers_are_a_measurement(kind: type) -> None:
    metres_ = measure(Said(np.array([0, 200], dtype=kind)), TWO, TWO)
    assert metres_.dtype == np.int64
    assert metres_.tolist() == [0, 200]


def test_the_largest_measurement_is_exact() -> None:
    assert measure(Said(np.array([0, 2**62 - 1])), TWO, TWO).tolist() == [0, 2**62 - 1]


def test_a_distance_of_a_few_lines_can_be_verified() -> None:
    class Table:
        name = "table"
        needs_points = False

        def metres(self, origins: am.Places, destinations: am.Places) -> Ints:
            # of no pairs, this is an empty array of floats
            return np.array([abs(int(a) - int(b)) for a, b in zip(origins.codes, destinations.codes, strict=True)])

    distance: Distance = Table()
    problem = am.GivingProblem([need("n1")], [lot("d1")], as_of=DAY)
    am.verify(problem, am.solve(problem, distance=distance), distance=distance)


# --- tables of pairs


def pair(demand_id: str, supply_id: str, cost: int = 1, eligible: bool = True) -> am.PairCost:
    return am.PairCost(demand_id=demand_id, supply_id=supply_id, cost=cost, eligible=eligible)


def test_a_table_of_pairs_is_sorted_and_counts_the_forbidden() -> None:
    table = am.PairTable([pair("n2", "d1", 3), pair("n1", "d2", 2, eligible=False), pair("n1", "d1")], unit="minute")
    assert [(p.demand_id, p.supply_id) for p in table.pairs] == [("n1", "d1"), ("n1", "d2"), ("n2", "d1")]
    assert table.costs == {("n1", "d1"): 1, ("n2", "d1"): 3}
    assert (len(table), table.unit, repr(table)) == (3, "minute", "<PairTable: 3 pairs in minute>")


def test_a_pair_comes_once() -> None:
    with pytest.raises(am.ProblemError, match="demand 'n1' and supply 'd1' comes twice") as refused:
        am.PairTable([pair("n1", "d1"), pair("n0", "d1"), pair("n1", "d1", eligible=False)], unit="minute")
    assert refused.value.code == "DUPLICATE_PAIR"


def test_a_table_of_pairs_is_made_of_pair_costs() -> None:
    with pytest.raises(am.ProblemError, match="a tuple is no PairCost") as refused:
        am.PairTable([pair("n1", "d1"), ("n1", "d2", 3)], unit="minute")  # type: ignore[list-item]  # the mistake
    assert refused.value.code == "NO_RECORDS"


@pytest.mark.parametrize("unit", ["", "  "])
def test_a_table_of_pairs_names_its_unit(unit: str) -> None:
    with pytest.raises(am.ProblemError) as refused:
        am.PairTable([], unit=unit)
    assert refused.value.code == "BAD_UNIT"


def test_a_place_shows_its_county_and_no_home() -> None:
    assert repr(place("371501001001", 36.5, 115.9)) == "<Place in 371501>"
    assert repr(am.Place(lat=36.5, lon=115.9)) == "<Place>"


# --- distances with a bound of their own


class Detour:
    """Half as long again as the great circle and a little more, by rows that have nothing to do with each other."""

    name = "detour"
    least_metres: float = 1.5

    def metres(self, origins: am.Places, destinations: am.Places) -> Ints:
        straight = am.GreatCircle().metres(origins, destinations)
        return straight * 3 // 2 + (straight * 7919) % 1013


class Unbounded(Detour):
    least_metres = 0.0


class Lying(Detour):
    least_metres = 2.0


def scattered(seed: int, needs: int, lots: int, max_km: float | None = None) -> am.GivingProblem:
    rng = np.random.default_rng(seed)
    where = [place(CODES[0], float(lat), 80 + float(lon)) for lat, lon in 36 + rng.random((needs + lots, 2))]
    return am.GivingProblem(
        [need(f"n{i:03}", 1 + i % 3, "ABCD"[i % 4], place=at) for i, at in enumerate(where[:needs])],
        [lot(f"d{j:03}", 1 + j % 4, place=at, max_km=max_km) for j, at in enumerate(where[needs:])],
        as_of=DAY,
    )


@pytest.mark.parametrize("max_km", [None, 40.0])
@pytest.mark.parametrize("seed", range(6))
def test_a_bounded_distance_is_priced_to_the_optimum_over_all_pairs(
    seed: int, max_km: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pricing, "_NEAREST", 1)
    problem = scattered(seed, 90, 60, max_km)
    whole = am.solve(problem, distance=Unbounded())
    priced = am.solve(problem, distance=Detour(), engine=Options(price_from=0))
    assert (levels(priced), priced.digest) == (levels(whole), whole.digest)
    assert priced.solving.rounds > 1
    assert priced.solving.arcs < 90 * 60 * 2 // 3
    am.verify(problem, priced, distance=Detour())


def test_a_bound_that_does_not_hold_is_found_out() -> None:
    problem = scattered(0, 90, 60)
    with pytest.raises(am.PluginError, match="less than the least_metres it declares") as caught:
        am.solve(problem, distance=Lying(), engine=Options(price_from=0))
    assert caught.value.code == "BAD_DISTANCE"


@pytest.mark.parametrize("least", [-1, math.nan, math.inf, 2_000, "1", True, None])
def test_a_bound_that_is_none_is_refused(least: Any) -> None:
    class Odd(Detour):
        least_metres = least

    with pytest.raises(am.PluginError, match="least_metres is a number") as caught:
        am.solve(scattered(0, 2, 2), distance=Odd())
    assert caught.value.code == "BAD_DISTANCE"


def test_a_bounded_distance_without_bounds_above_is_refused_where_it_leaves_what_can_be_priced() -> None:
    class Endless(Detour):
        def metres(self, origins: am.Places, destinations: am.Places) -> Ints:
            return np.full(len(origins), 2**41)

    with pytest.raises(am.NumberRangeError, match="detour"):
        am.solve(scattered(0, 5, 5), distance=Endless())
