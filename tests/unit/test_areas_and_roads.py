"""Distances by area codes and along roads: worked out by hand, equal to networkx, and decided over all pairs."""

import math
import pickle
from dataclasses import replace
from functools import cache
from typing import Any

import networkx as nx
import numpy as np
import pytest
from tests.instances import DAY, forbid, levels, lot, need, pin
from tests.profiles import examples

import aidmatch as am
from aidmatch.arrays import Ints
from aidmatch.distance import UNREACHABLE, Administrative, Distance, Road
from aidmatch.distance.protocol import labels_of_places, least_metres, measure, table_of_metres
from aidmatch.engine.options import Options

BY_AREA = Administrative(same_village=100, same_township=3_000, same_county=15_000, same_city=60_000, otherwise=200_000)
NEAR_ONLY = Administrative(same_township=3_000, same_county=15_000, same_city=None)


def coded(code: str) -> am.Place:
    return am.Place(code=code)


def one(distance: Distance, origin: am.Place, destination: am.Place) -> int:
    (metres,) = measure(distance, am.Places([origin]), am.Places([destination])).tolist()
    assert isinstance(metres, int)
    return metres


# --- areas


@pytest.mark.parametrize(
    ("other", "metres"),
    [
        ("371501001001", 100),
        ("371501001002", 3_000),
        ("371501002001", 15_000),
        ("371502001001", 60_000),
        ("370101001001", 200_000),
        ("110101001001", 200_000),
        # codes that name no more than a township, a county, a city, a province
        ("371501001", 3_000),
        ("371501", 15_000),
        ("3715", 60_000),
        ("37", 200_000),
        # half a level is none
        ("37150100", 15_000),
    ],
)
def test_the_smallest_shared_area_decides(other: str, metres: int) -> None:
    here = coded("371501001001")
    assert one(BY_AREA, here, coded(other)) == one(BY_AREA, coded(other), here) == metres


def test_a_code_is_in_no_smaller_an_area_than_it_names() -> None:
    assert one(BY_AREA, coded("371501"), coded("371501")) == 15_000
    assert one(BY_AREA, coded("37"), coded("37")) == 200_000


def test_areas_without_metres_are_out_of_reach() -> None:
    assert one(NEAR_ONLY, coded("371501001001"), coded("371501001001")) == 0
    assert one(NEAR_ONLY, coded("371501001001"), coded("371502001001")) == UNREACHABLE
    assert NEAR_ONLY.name == "administrative:0/3000/15000/-/-"
    assert repr(NEAR_ONLY) == "<Administrative 0/3000/15000/-/->"


@pytest.mark.parametrize(
    "steps",
    [
        {"same_township": 1, "same_county": 0, "same_city": 2},
        {"same_township": 1, "same_county": None, "same_city": 2},
        {"same_township": -1, "same_county": 0, "same_city": 2},
        {"same_township": 1.5, "same_county": 2, "same_city": 3},
        {"same_township": True, "same_county": 2, "same_city": 3},
        {"same_township": 1, "same_county": 2, "same_city": 30_000_000},
        {"same_village": None, "same_township": None, "same_county": None, "same_city": None},
    ],
)
def test_metres_that_do_not_grow_are_refused(steps: dict[str, Any]) -> None:
    if steps.get("same_village", 0) is None:
        # nothing is near anything, which is odd and no contradiction
        assert one(Administrative(**steps), coded("37"), coded("37")) == UNREACHABLE
        return
    with pytest.raises(am.InputError, match="none below the one before it") as refused:
        Administrative(**steps)
    assert refused.value.code == "BAD_METRES"


def test_every_record_needs_a_code() -> None:
    problem = am.GivingProblem([need("n1", place=am.Place(lat=36, lon=116))], [lot("d1", place=coded("37"))], as_of=DAY)
    with pytest.raises(am.RowsError, match="by which 'administrative:100") as refused:
        am.solve(problem, distance=BY_AREA)
    assert [(f.code, f.column, f.line) for f in refused.value.report.refused] == [("NO_CODE", "code", 1)]


def villages(size: int, draw: np.random.Generator) -> list[am.Place]:
    return [coded(f"3715{draw.integers(1, 3):02d}{draw.integers(3):03d}{draw.integers(4):03d}") for _ in range(size)]


def a_problem(places: Any, seed: int, demands: int, supplies: int, **fields: Any) -> am.GivingProblem:
    draw = np.random.default_rng(seed)
    needs = [
        need(f"n{i}", int(draw.integers(1, 4)), "ABCD"[draw.integers(4)], place=where)
        for i, where in enumerate(places(demands, draw))
    ]
    lots = [
        lot(f"d{j}", int(draw.integers(1, 5)), place=where, max_km=[None, 15, 60][draw.integers(3)])
        for j, where in enumerate(places(supplies, draw))
    ]
    return am.GivingProblem(needs, lots, as_of=DAY, **fields)


class Plain:
    """Another distance, without its labels and its bound."""

    def __init__(self, distance: Distance) -> None:
        self.distance = distance
        self.name = distance.name
        self.needs_points = getattr(distance, "needs_points", True)

    def metres(self, origins: am.Places, destinations: am.Places) -> Ints:
        return self.distance.metres(origins, destinations)


class Cut(Plain):
    """The same, without any way."""

    def metres(self, origins: am.Places, destinations: am.Places) -> Ints:
        return np.full(len(origins), UNREACHABLE)


@pytest.mark.parametrize("distance", [BY_AREA, NEAR_ONLY], ids=["all", "near"])
def test_labels_change_no_answer_and_make_the_market_smaller(distance: Administrative) -> None:
    for seed in range(examples(12, 200)):
        rules = [forbid("f", "n0", "d0"), pin("p", "n1", "d1", 1)] if distance is BY_AREA else []
        problem = a_problem(villages, seed, 25, 15, decisions=rules)
        matching, plain = am.solve(problem, distance=distance), am.solve(problem, distance=Plain(distance))
        am.verify(problem, matching, distance=distance)
        am.verify(problem, matching, distance=Plain(distance))
        # of equally good answers it may draw another, since the lottery is among classes
        assert levels(matching) == levels(plain)
        am.verify(problem, plain, distance=distance)
        assert matching.solving.arcs <= plain.solving.arcs
        assert am.explain(problem, matching, demand="n0", distance=distance).code


def test_a_city_by_areas_is_as_large_as_its_codes() -> None:
    problem = a_problem(villages, 1, 4_000, 3_000)
    matching = am.solve(problem, distance=BY_AREA)
    # two counties of three townships of four villages: 24 codes, four categories, three reaches
    assert matching.solving.nodes <= 24 * 4 + 24 * 3
    assert matching.solving.arcs <= (24 * 4) * (24 * 3)
    am.verify(problem, matching, distance=BY_AREA)


def test_a_matching_by_other_metres_is_not_taken_for_it() -> None:
    problem = a_problem(villages, 2, 5, 5)
    matching = am.solve(problem, distance=BY_AREA)
    with pytest.raises(am.VerificationError, match="OTHER_INPUT"):
        am.verify(problem, matching, distance=NEAR_ONLY)


def test_a_pin_where_there_is_no_way_is_refused_before_solving() -> None:
    problem = am.GivingProblem(
        [need("n1", place=coded("371501001001"))],
        [lot("d1", place=coded("371502001001"))],
        as_of=DAY,
        decisions=[pin("p", "n1", "d1")],
    )
    with pytest.raises(am.ProblemError, match="demand 'n1' to supply 'd1', but 'administrative:0") as refused:
        am.solve(problem, distance=NEAR_ONLY)
    assert refused.value.code == "PIN_CONFLICT"
    # and a matching that had it would be a lie
    matching = am.solve(problem, distance=BY_AREA)
    (pinned,) = matching.assignments
    forged = replace(matching, assignments=(replace(pinned, cost=UNREACHABLE, metres=UNREACHABLE),))
    with pytest.raises(am.VerificationError, match="out of reach") as lie:
        am.verify(problem, forged, distance=Cut(BY_AREA))
    assert lie.value.code == "ELIGIBILITY"


def test_a_forbidden_pair_keeps_its_ends_apart_from_their_like() -> None:
    here = coded("371501001001")
    needs = [need("n1", 2, place=here), need("n2", 2, place=here)]
    lots = [lot("d1", 2, place=here), lot("d2", 2, place=coded("371501001002"))]
    problem = am.GivingProblem(needs, lots, as_of=DAY, decisions=[forbid("f", "n2", "d1")])
    matching = am.solve(problem, distance=BY_AREA)
    am.verify(problem, matching, distance=BY_AREA)
    assert [(a.demand_id, a.supply_id) for a in matching.assignments] == [("n1", "d1"), ("n2", "d2")]


def test_who_has_no_way_to_anybody_is_out_of_reach() -> None:
    problem = am.GivingProblem(
        [need("n1", place=coded("371501001001"))], [lot("d1", place=coded("371502001001"))], as_of=DAY
    )
    matching = am.solve(problem, distance=NEAR_ONLY)
    am.verify(problem, matching, distance=NEAR_ONLY)
    assert dict(matching.reasons) == {"n1": "OUT_OF_REACH"}


class Labelled(Plain):
    def __init__(self, labels: Any) -> None:
        super().__init__(BY_AREA)
        self.answer = labels

    def labels(self, places: am.Places) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "answer", [np.array([1]), np.array([0.5, 1.5]), [1, 2], None, np.zeros((2, 2), dtype=int), KeyError("secret")]
)
def test_labels_that_are_none_are_refused_by_the_distances_name(answer: Any) -> None:
    with pytest.raises(am.PluginError, match=r"distance 'administrative.*labels") as refused:
        labels_of_places(Labelled(answer), am.Places([coded("37"), coded("38")]))
    assert refused.value.code == "BAD_DISTANCE"
    assert "secret" not in str(refused.value)


def test_labels_are_numbered_without_gaps() -> None:
    labels = labels_of_places(Labelled(np.array([700, -3, 700], dtype=np.int16)), am.Places([coded("37")] * 3))
    assert labels is not None
    assert labels.tolist() == [1, 0, 1]


def test_too_many_labels_make_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    places = am.Places(villages(9, np.random.default_rng(0)))
    assert table_of_metres(BY_AREA, places, places) is not None
    assert table_of_metres(am.GreatCircle(), places, places) is None
    problem = a_problem(villages, 3, 20, 10)
    whole = am.solve(problem, distance=BY_AREA)
    monkeypatch.setattr("aidmatch.distance.protocol._TABLE", 3)
    assert table_of_metres(BY_AREA, places, places) is None
    assert levels(am.solve(problem, distance=BY_AREA)) == levels(whole)
    am.verify(problem, whole, distance=BY_AREA)


# --- roads


def a_square(**graph: Any) -> Any:
    """Four nodes about 1.1 km and 0.9 km apart, three roads, one of them a long way round; a node on its own."""
    roads = graph.pop("kind", nx.Graph)()
    for node, (lat, lon) in {"a": (36, 116), "b": (36.01, 116), "c": (36.01, 116.01), "d": (36, 116.01)}.items():
        roads.add_node(node, lat=lat, lon=lon)
    roads.add_node("island", lat=36.5, lon=116.5)
    roads.add_edge("a", "b", length=1_200)
    roads.add_edge("b", "c", length=1_000.5)
    roads.add_edge("c", "d", length=5_000)
    return roads


def at(lat: float, lon: float) -> am.Place:
    return am.Place(lat=lat, lon=lon)


A, B, C, D, ISLAND = at(36, 116), at(36.01, 116), at(36.01, 116.01), at(36, 116.01), at(36.5, 116.5)


def test_a_way_is_the_sum_of_its_roads_and_of_the_ways_to_them() -> None:
    road = Road(a_square())
    assert repr(road) == "<Road: 5 nodes, 6 edges>"
    assert [one(road, A, there) for there in (A, B, C, D, ISLAND)] == [0, 1_200, 2_201, 7_201, UNREACHABLE]
    # 0.001 degrees of latitude are 111.2 m, to the node and on from it
    assert one(road, at(35.999, 116), B) == 1_311
    assert one(road, at(35.999, 116), at(35.998, 116)) == 334
    # a place is no way from itself, wherever the next road is
    assert one(road, at(37, 117), at(37, 117)) == 0
    np.testing.assert_allclose(road.snap_metres(am.Places([A, at(35.999, 116)])), [0, 111.195], atol=0.01)


def test_limits_include_their_edge() -> None:
    assert one(Road(a_square(), limit_km=2.201), A, C) == 2_201
    assert one(Road(a_square(), limit_km=2.2), A, C) == UNREACHABLE
    # the ways to the roads count
    assert one(Road(a_square(), limit_km=1.3), at(35.999, 116), B) == UNREACHABLE
    assert one(Road(a_square(), max_snap_m=111.3), at(35.999, 116), B) == 1_311
    assert one(Road(a_square(), max_snap_m=111), at(35.999, 116), B) == UNREACHABLE
    assert one(Road(a_square(), max_snap_m=111), at(35.999, 116), at(35.999, 116)) == 0


def test_a_directed_graph_leads_one_way_and_parallel_edges_are_the_shortest() -> None:
    roads = a_square(kind=nx.MultiDiGraph)
    roads.add_edge("a", "b", length=1_150)
    roads.add_edge("a", "a", length=0)
    road = Road(roads)
    assert (one(road, A, B), one(road, B, A)) == (1_150, UNREACHABLE)
    assert (one(road, A, C), one(road, C, A)) == (2_151, UNREACHABLE)
    # the same, whichever end the search begins at
    many = measure(road, am.Places([A, B, C]), am.Places([D] * 3))
    assert many.tolist() == measure(Road(roads), am.Places([A, B, C]), am.Places([D] * 3)).tolist()
    assert many.tolist() == [7_151, 6_001, 5_000]


def test_a_road_of_no_length_is_a_road() -> None:
    roads = a_square()
    roads.add_edge("d", "island", length=0)
    road = Road(roads)
    assert one(road, C, ISLAND) == 5_000
    # and takes the bound from all others
    assert road.least_metres == least_metres(road) == 0


def test_roads_across_a_continent_are_as_exact() -> None:
    roads = a_square()
    roads.add_node("far", lat=40, lon=80)
    roads.add_edge("d", "far", length=5_000_000.4)
    road = Road(roads)
    assert one(road, A, at(40, 80)) == one(road, at(40, 80), A) == 5_007_201
    assert one(road, C, at(40, 80)) == 5_005_000
    # 7,200.5 + 5,000,000.4, rounded half up; without a way among them
    both = measure(road, am.Places([A, A]), am.Places([at(40, 80), ISLAND]))
    assert both.tolist() == [5_007_201, UNREACHABLE]


def test_the_bound_is_that_of_the_shortest_road_for_its_ends() -> None:
    straight = float(Road(a_square()).least_metres)
    assert straight == pytest.approx(1, abs=1e-6)
    roads = a_square()
    roads.edges["a", "b"]["length"] = 600
    # 0.01 degrees of latitude are 1,111.95 m
    assert Road(roads).least_metres == pytest.approx(600 / 1_111.95, abs=1e-5)


def test_the_attributes_may_have_other_names() -> None:
    roads = nx.Graph()
    roads.add_node(1, y=36, x=116)
    roads.add_node(2, y=36.01, x=116)
    roads.add_edge(1, 2, metres=np.float32(1_500))
    assert one(Road(roads, weight="metres", lat="y", lon="x"), A, B) == 1_500


def broken(change: Any) -> Any:
    roads = a_square()
    change(roads)
    return roads


@pytest.mark.parametrize(
    ("graph", "options", "complaint", "code"),
    [
        (nx.Graph(), {}, "has no node", "BAD_GRAPH"),
        ({"a": 1}, {}, "dict is no networkx graph", "BAD_GRAPH"),
        (broken(lambda g: g.add_node("e")), {}, "node 'e' has no degrees", "BAD_GRAPH"),
        (broken(lambda g: g.add_node("e", lat=116, lon=36)), {}, "node 'e' has no degrees", "BAD_GRAPH"),
        (broken(lambda g: g.add_node("e", lat=36, lon=math.nan)), {}, "node 'e' has no degrees", "BAD_GRAPH"),
        (broken(lambda g: g.add_node("e", lat="36", lon=116)), {}, "node 'e' has no degrees", "BAD_GRAPH"),
        (broken(lambda g: g.add_edge("a", "c")), {}, "edge 'a' to 'c' has no 'length'", "BAD_GRAPH"),
        (broken(lambda g: g.add_edge("a", "c", length=-1)), {}, "has no 'length' from 0", "BAD_GRAPH"),
        (broken(lambda g: g.add_edge("a", "c", length=math.inf)), {}, "has no 'length' from 0", "BAD_GRAPH"),
        (broken(lambda g: g.add_edge("a", "c", length=True)), {}, "has no 'length' from 0", "BAD_GRAPH"),
        (a_square(), {"limit_km": 0}, "limit_km is a number above 0", "BAD_METRES"),
        (a_square(), {"limit_km": True}, "limit_km is a number above 0", "BAD_METRES"),
        (a_square(), {"max_snap_m": math.inf}, "max_snap_m is a number above 0", "BAD_METRES"),
    ],
)
def test_what_is_no_network_is_refused(graph: Any, options: dict[str, Any], complaint: str, code: str) -> None:
    with pytest.raises(am.InputError, match=complaint) as refused:
        Road(graph, **options)
    assert refused.value.code == code


def test_without_networkx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    roads = a_square()
    monkeypatch.setitem(__import__("sys").modules, "networkx", None)
    with pytest.raises(am.PluginError, match=r"aidmatch\[roads\]") as refused:
        Road(roads)
    assert refused.value.code == "MISSING_EXTRA"


@cache
def a_county(side: int) -> Any:
    """A grid of roads with gaps and bends, side by side nodes: 0.6 by 0.6 degrees."""
    draw = np.random.default_rng(2017)
    roads = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side), ordering="sorted")
    step = 0.6 / side
    for node, facts in roads.nodes(data=True):
        facts["lat"] = 36.0 + (node // side + 0.3 * draw.uniform(-1, 1)) * step
        facts["lon"] = 115.6 + (node % side + 0.3 * draw.uniform(-1, 1)) * step
    roads.remove_edges_from([edge for edge in list(roads.edges) if draw.random() < 0.15])
    ends = np.array(roads.edges)
    places = am.Places(at(facts["lat"], facts["lon"]) for _, facts in roads.nodes(data=True))
    straight = am.GreatCircle().metres(places[ends[:, 0]], places[ends[:, 1]])
    for (one_, other), metres in zip(ends.tolist(), straight.tolist(), strict=True):
        roads.edges[one_, other]["length"] = (metres + 1) * float(draw.uniform(1.0, 1.8))
    return roads


def points(size: int, draw: np.random.Generator) -> list[am.Place]:
    return [
        at(lat, lon) for lat, lon in zip(36 + 0.6 * draw.random(size), 115.6 + 0.6 * draw.random(size), strict=True)
    ]


def test_metres_are_those_of_networkx_on_a_graph_of_20_000_nodes() -> None:
    roads = a_county(142)
    assert len(roads) > 20_000
    road = Road(roads)
    places = am.Places(points(40, np.random.default_rng(5)))
    at_node = np.array([[facts["lat"], facts["lon"]] for _, facts in roads.nodes(data=True)])
    nearest = []
    for lat, lon in zip(places.lat, places.lon, strict=True):
        # near enough, by a plane
        away = np.hypot(at_node[:, 0] - lat, (at_node[:, 1] - lon) * math.cos(math.radians(lat)))
        nearest.append(int(away.argmin()))
    snap = road.snap_metres(places)
    several = range(0, 40, 40 // examples(4, 20))
    for origin in several:
        lengths = nx.single_source_dijkstra_path_length(roads, nearest[origin], weight="length")
        metres = measure(road, places[np.full(40, origin)], places)
        for end in range(40):
            if end == origin:
                assert metres[end] == 0
            elif nearest[end] in lengths:
                assert abs(metres[end] - (lengths[nearest[end]] + snap[origin] + snap[end])) < 1
            else:
                assert metres[end] == UNREACHABLE


def test_a_road_is_the_same_both_ways_and_whatever_stands_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    roads = a_county(30)
    road = Road(roads)
    places = am.Places(points(60, np.random.default_rng(6)))
    i, j = np.repeat(np.arange(60), 60), np.tile(np.arange(60), 60)
    whole = measure(road, places[i], places[j]).reshape(60, 60)
    np.testing.assert_array_equal(whole, whole.T)
    assert (whole.diagonal() == 0).all()
    assert (whole >= 0).all()
    straight = measure(am.GreatCircle(), places[i], places[j]).reshape(60, 60)
    assert (whole >= road.least_metres * (straight - 1) - 1).all()
    for a, b in ((3, 17), (59, 0)):
        assert measure(Road(roads), places[np.array([a])], places[np.array([b])]).tolist() == [whole[a, b]]
    # as many as fit are kept, and the rest asked for again
    monkeypatch.setattr("aidmatch.distance.road._KEPT", 4 * 900 * 3)
    monkeypatch.setattr("aidmatch.distance.road._AT_ONCE", 8 * 900 * 7)
    small = Road(roads)
    np.testing.assert_array_equal(measure(small, places[i], places[j]).reshape(60, 60), whole)
    assert len(small._paths) == 3
    # the order in which the graph was made is nothing to it, and neither is a process that it is sent to
    turned = nx.Graph()
    turned.add_nodes_from(reversed(list(roads.nodes(data=True))))
    turned.add_edges_from(reversed(list(roads.edges(data=True))))
    for other in (Road(turned), pickle.loads(pickle.dumps(small))):
        assert other.name == road.name
        np.testing.assert_array_equal(measure(other, places[i], places[j]).reshape(60, 60), whole)


@pytest.mark.parametrize("directed", [False, True])
def test_pricing_by_the_bound_decides_as_all_pairs_do(directed: bool) -> None:
    roads = a_county(40)
    road = Road(roads.to_directed() if directed else roads, limit_km=45)
    assert 0.9 < road.least_metres <= 1
    for seed in range(examples(2, 20)):
        problem = a_problem(points, seed, 150, 90)
        priced = am.solve(problem, distance=road, engine=Options(price_from=0))
        whole = am.solve(problem, distance=road, engine=Options(pricing=False))
        plain = am.solve(problem, distance=Plain(road))
        assert priced.solving.arcs < whole.solving.arcs
        assert priced.digest == whole.digest
        assert levels(priced) == levels(plain)
        am.verify(problem, priced, distance=road)


def test_places_that_are_one_point_are_decided_together_on_roads() -> None:
    road = Road(a_county(30))
    some = points(12, np.random.default_rng(7))
    problem = a_problem(lambda size, draw: [some[k] for k in draw.integers(12, size=size)], 8, 300, 200)
    matching = am.solve(problem, distance=road)
    assert matching.solving.nodes <= 12 * 4 + 12 * 3
    assert levels(matching) == levels(am.solve(problem, distance=Plain(road)))
    am.verify(problem, matching, distance=road)
