"""A policy's levels, spelt out, each by hand on an instance of its own; their arrays say what their functions say."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.instances import DAY, CareCase, care_cases, caregiver, client, levels, lot, need, place
from tests.profiles import examples

import aidmatch as am
from aidmatch.arrays import Ints
from aidmatch.formulation.arcs import ListedArcs
from aidmatch.levels import LevelDefinition, level_definitions
from aidmatch.pair_costs import Listed, Metric, Nearness, OfSupply

GIVING = am.GivingProblem([], [], as_of=DAY)


def care(clients: Sequence[am.Client] = (), givers: Sequence[am.Caregiver] = (), **options: Any) -> am.CareProblem:
    return am.CareProblem(clients, givers, as_of=DAY, **options)


def pair(demand_id: str, supply_id: str, days: int = 0, **fields: Any) -> am.Pair:
    """A pair in force for so many days."""
    return am.Pair(demand_id=demand_id, supply_id=supply_id, since=DAY - timedelta(days=days), **fields)


def only(name: str, problem: am.CareProblem) -> LevelDefinition:
    (level,) = level_definitions(am.Policy.care(levels=(name,)), problem)
    return level


def decided(problem: am.CareProblem, *names: str, **fields: Any) -> am.Matching:
    """The matching under these levels, proven and checked."""
    policy = am.Policy.care(levels=names, **fields)
    matching = am.solve(problem, policy=policy)
    am.verify(problem, matching, policy=policy)
    return matching


def together(matching: am.Matching) -> list[tuple[str, str]]:
    return [(a.demand_id, a.supply_id) for a in matching.assignments]


# --- coverage and distance


def test_coverage_is_one_level_a_category_and_distance_comes_below() -> None:
    found = level_definitions(am.Policy.giving(categories=("urgent", "other")), GIVING)
    assert [(level.name, level.unit, level.sense) for level in found] == [
        ("coverage urgent", "units", "max"),
        ("coverage other", "units", "max"),
        ("distance", "unit·metre", "min"),
    ]
    # coverage charges no pair, distance nothing that is left over
    assert [(level.pair_cost is None, level.bind is None) for level in found] == [(True, True)] * 2 + [(False, False)]
    assert found[-1].unmet_cost(need("n1", 7)) == 0


def test_an_unmet_unit_costs_one_at_its_own_category_only() -> None:
    found = level_definitions(am.Policy.giving(), GIVING)
    costs = [[level.unmet_cost(need("n", 7, category)) for level in found] for category in "ABCD"]
    assert costs == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]]


def test_the_unit_of_the_metric_is_that_of_the_pairs() -> None:
    listed = am.GivingProblem([], [], as_of=DAY, pairs=am.PairTable([], unit="minute"))
    assert level_definitions(am.Policy.giving(), listed)[-1].unit == "unit·minute"


def test_distance_charges_the_metric() -> None:
    level = level_definitions(am.Policy.giving(), GIVING)[-1]
    assert level.pair_cost is not None
    assert level.bind is not None
    assert level.pair_cost(need("n1"), lot("d1"), 17) == 17
    assert level.bind([need("n1")], [lot("d1")]) == Metric()


def test_levels_stand_in_the_policys_order() -> None:
    found = level_definitions(am.Policy.giving(levels=("distance", "coverage"), categories=("B", "A")), GIVING)
    assert [level.name for level in found] == ["distance", "coverage B", "coverage A"]
    (alone,) = level_definitions(am.Policy.giving(levels=("distance",)), GIVING)
    assert alone.name == "distance"
    everything = ("nearness", "continuity", "distance", "pairs", "coverage")
    found = level_definitions(am.Policy.care(levels=everything, categories=("A",)), care())
    assert [(level.name, level.unit, level.sense) for level in found] == [
        ("nearness", "unit·class", "min"),
        ("continuity", "days", "max"),
        ("distance", "unit·metre", "min"),
        ("pairs", "pairs", "max"),
        ("coverage A", "units", "max"),
    ]


@pytest.mark.parametrize("name", ["coverge", "Coverage", "coverage A"])
def test_an_unknown_level_is_an_error_that_names_the_known(name: str) -> None:
    known = "known: coverage, pairs, continuity, nearness, distance"
    with pytest.raises(am.PolicyError, match=f"no level '{name}'; {known}") as refused:
        level_definitions(am.Policy.giving(levels=("coverage", name)), GIVING)
    assert refused.value.code == "UNKNOWN_LEVEL"
    with pytest.raises(am.PolicyError, match="no level"):
        am.solve(GIVING, policy=am.Policy.giving(levels=(name,)))


def test_without_a_distance_level_metres_do_not_matter() -> None:
    needs = [need("n1"), need("n2", place=place(lat=36.6))]
    problem = am.GivingProblem(needs, [lot("d1"), lot("d2", place=place(lat=36.6))], as_of=DAY)
    policy = am.Policy.giving(levels=("coverage",))
    matching = am.solve(problem, policy=policy)
    am.verify(problem, matching, policy=policy)
    assert levels(matching) == (2, 0, 0, 0)
    assert [level.sense for level in matching.levels] == ["max"] * 4


def test_the_order_of_categories_decides() -> None:
    problem = am.GivingProblem([need("n1", 1, "A"), need("n2", 1, "B")], [lot("d1")], as_of=DAY)
    for categories, served in ((("A", "B"), "n1"), (("B", "A"), "n2")):
        matching = am.solve(problem, policy=am.Policy.giving(categories=categories))
        assert [a.demand_id for a in matching.assignments] == [served]
        assert levels(matching) == (1, 0, 0)


# --- pairs and continuity


def test_a_pair_kept_counts_one_and_its_days_one_more_than_have_passed() -> None:
    current = [
        pair("c1", "g1", 9),
        pair("c2", "g1", 0),
        pair("c3", "g1", -5),  # from next week on
        pair("c4", "g1", 9, state="ended"),
        pair("c1", "g2", 3, state="offered"),
        pair("gone", "g2", 400),
    ]
    problem = care([client(f"c{i}") for i in range(1, 6)], [caregiver("g1", 9), caregiver("g2", 9)], current=current)
    for name, weights in (
        ("pairs", {("c1", "g1"): 1, ("c2", "g1"): 1, ("c3", "g1"): 1, ("c1", "g2"): 1}),
        ("continuity", {("c1", "g1"): 10, ("c2", "g1"): 1, ("c3", "g1"): 1, ("c1", "g2"): 4}),
    ):
        level = only(name, problem)
        assert level.pair_cost is not None
        for one, giver in product(problem.clients, problem.caregivers):
            assert level.pair_cost(one, giver, 77) == -weights.get((one.id, giver.id), 0)


SWAPPED = care(
    # each lives with the other's caregiver
    [client("c1"), client("c2", place=place(lat=36.6))],
    [caregiver("g1", place=place(lat=36.6)), caregiver("g2")],
    current=[pair("c1", "g1", 5), pair("c2", "g2", 1)],
)


@pytest.mark.parametrize(
    ("names", "found", "values"),
    [
        (("coverage", "distance"), [("c1", "g2"), ("c2", "g1")], (2, 0, 0, 0, 0)),
        (("coverage", "pairs", "distance"), [("c1", "g1"), ("c2", "g2")], (2, 0, 0, 0, 2, 22_240)),
        (("coverage", "continuity", "distance"), [("c1", "g1"), ("c2", "g2")], (2, 0, 0, 0, 8, 22_240)),
        (("coverage", "distance", "pairs"), [("c1", "g2"), ("c2", "g1")], (2, 0, 0, 0, 0, 0)),
    ],
)
def test_pairs_in_force_are_kept_where_they_come_before_distance(
    names: tuple[str, ...], found: list[tuple[str, str]], values: tuple[int, ...]
) -> None:
    matching = decided(SWAPPED, *names)
    assert together(matching) == found
    assert levels(matching) == values


def test_two_young_pairs_are_more_pairs_and_one_old_pair_is_more_days() -> None:
    # g1 has been with c1 for long; c1 could move to g2, and then c2 and c3 would keep theirs
    problem = care(
        [client("c1"), client("c2"), client("c3", caregivers_needed=1)],
        [caregiver("g1"), caregiver("g2"), caregiver("g3")],
        current=[pair("c1", "g1", 100), pair("c2", "g1", 3), pair("c1", "g2", 2), pair("c3", "g3", 1)],
    )
    # most pairs: c2 with g1, c1 with g2, c3 with g3; most days: c1 with g1, c3 with g3
    pairs = decided(problem, "coverage", "pairs")
    assert together(pairs) == [("c1", "g2"), ("c2", "g1"), ("c3", "g3")]
    assert levels(pairs) == (3, 0, 0, 0, 3)
    days = decided(problem, "coverage", "continuity")
    assert together(days) == [("c1", "g1"), ("c2", "g2"), ("c3", "g3")]
    assert levels(days) == (3, 0, 0, 0, 101 + 2)


def test_a_pair_of_today_is_kept_rather_than_none() -> None:
    problem = care([client("c1")], [caregiver("g1"), caregiver("g2")], current=[pair("c1", "g2", 0)])
    matching = decided(problem, "coverage", "continuity")
    assert together(matching) == [("c1", "g2")]
    assert levels(matching)[-1] == 1


def test_coverage_breaks_a_pair_that_keeps_another_out() -> None:
    # g1 is the only one for c2, and c1 could be with either
    problem = care(
        [client("c1"), client("c2", languages=("local",))],
        [caregiver("g1", languages=("local",)), caregiver("g2")],
        current=[pair("c1", "g1", 1000)],
    )
    matching = decided(problem, "coverage", "pairs", "continuity")
    assert together(matching) == [("c1", "g2"), ("c2", "g1")]
    assert levels(matching) == (2, 0, 0, 0, 0, 0)
    # and where pairs come first, it stays, and c2 goes without
    first = decided(problem, "pairs", "coverage")
    assert together(first) == [("c1", "g1")]
    assert levels(first) == (1, 1, 0, 0, 0)


def test_pairs_of_those_who_left_are_over() -> None:
    problem = care(
        [client("c1"), client("c2", gate=am.Gate(approval="approved", status="closed"))],
        [caregiver("g1"), caregiver("g2", available_until=date(2017, 5, 31))],
        current=[pair("c1", "g2", 50), pair("c2", "g1", 50), pair("nobody", "g1", 50), pair("c1", "nobody", 50)],
    )
    matching = decided(problem, "coverage", "pairs", "continuity")
    assert together(matching) == [("c1", "g1")]
    assert levels(matching) == (1, 0, 0, 0, 0, 0)


# --- nearness

VILLAGE, TOWNSHIP, COUNTY, ELSEWHERE = "371501001001", "371501001002", "371501002001", "371502001001"


@pytest.mark.parametrize(
    ("one", "other", "classes"),
    [
        (VILLAGE, VILLAGE, 0),
        (VILLAGE, TOWNSHIP, 1),
        (VILLAGE, COUNTY, 2),
        (VILLAGE, ELSEWHERE, 3),
        (VILLAGE, None, 3),
        (None, None, 3),  # nobody knows that they are near
        (VILLAGE[:9], VILLAGE, 1),
        (VILLAGE[:9], VILLAGE[:9], 1),
        (VILLAGE[:6], VILLAGE, 2),
        (VILLAGE[:4], VILLAGE[:4], 3),
    ],
)
def test_nearness_is_how_many_of_village_township_and_county_are_not_shared(
    one: str | None, other: str | None, classes: int
) -> None:
    level = only("nearness", care())
    here, there = am.Place(code=one, lat=36, lon=116), am.Place(code=other, lat=36, lon=116)
    assert level.pair_cost is not None
    assert level.pair_cost(client("c1", place=here), caregiver("g1", place=there), 77) == classes
    assert level.pair_cost(client("c1", place=there), caregiver("g1", place=here), 77) == classes
    assert level.unmet_cost(client("c1")) == 0


def test_neighbours_by_code_come_before_neighbours_by_metres() -> None:
    # the one across the river lives in another township, the one of the village at its far end
    problem = care(
        [client("c1", place=place(VILLAGE))],
        [
            caregiver("g1", place=place(COUNTY, lat=36.501)),
            caregiver("g2", place=place(TOWNSHIP, lat=36.55)),
            caregiver("g3", place=place(ELSEWHERE)),
        ],
    )
    matching = decided(problem, "coverage", "nearness", "distance")
    assert together(matching) == [("c1", "g2")]
    assert levels(matching) == (1, 0, 0, 0, 1, 5_560)
    nearest = decided(problem, "coverage", "distance", "nearness")
    assert together(nearest) == [("c1", "g3")]
    assert levels(nearest) == (1, 0, 0, 0, 0, 3)


def test_nearness_is_least_in_sum() -> None:
    # g1 is in the village of both; c1 has another choice in its township, c2 one in its county only
    problem = care(
        [client("c1", place=place(VILLAGE)), client("c2", place=place(VILLAGE), languages=("local",))],
        [
            caregiver("g1", place=place(VILLAGE), languages=("local",)),
            caregiver("g2", place=place(TOWNSHIP)),
            caregiver("g3", place=place(COUNTY), languages=("local",)),
        ],
    )
    matching = decided(problem, "coverage", "nearness")
    assert together(matching) == [("c1", "g2"), ("c2", "g1")]
    assert levels(matching)[-1] == 1


def test_the_usual_levels_of_care_one_after_the_other() -> None:
    # c1 keeps g1 although g2 lives next door; c2 gets g2 of its township, not g3 who is nearer in metres
    problem = care(
        [client("c1", place=place(TOWNSHIP)), client("c2", "B", place=place(VILLAGE))],
        [
            caregiver("g1", place=place(ELSEWHERE, lat=36.6)),
            caregiver("g2", place=place(TOWNSHIP, lat=36.51)),
            caregiver("g3", place=place(COUNTY)),
        ],
        current=[pair("c1", "g1", 30)],
    )
    matching = am.solve(problem)
    am.verify(problem, matching)
    assert together(matching) == [("c1", "g1"), ("c2", "g2")]
    assert levels(matching) == (1, 1, 0, 0, 31, 3 + 1, 11_120 + 1_112)


# --- in arrays


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


def test_listed_pairs_cost_what_is_listed_and_the_others_nothing() -> None:
    listed = Listed(ints(2, 0, 2), ints(1, 3, 0), ints(-5, -7, -9))
    assert not listed.needs_metric
    demand, supply = (grid.ravel() for grid in np.meshgrid(np.arange(4), np.arange(6), indexing="ij"))
    wanted = {(2, 1): -5, (0, 3): -7, (2, 0): -9}
    costs = listed.of(demand, supply, demand)
    assert costs.tolist() == [wanted.get(key, 0) for key in zip(demand.tolist(), supply.tolist(), strict=True)]
    part = listed.part(ints(1, 2), ints(0, 1, 5))
    assert part.of(ints(0, 1, 1, 1), ints(0, 0, 1, 2), ints(0, 0, 0, 0)).tolist() == [0, -9, -5, 0]
    nothing = listed.part(ints(1, 3), ints(0, 1))
    assert nothing.of(ints(0, 1), ints(1, 0), ints(8, 8)).tolist() == [0, 0]
    assert listed.of(ints(), ints(), ints()).tolist() == []


def test_no_area_is_shared_with_none() -> None:
    nearness = Nearness(np.array([[0, -1, 2], [5, -1, -1]]), np.array([[0, -1], [6, -1]]))
    assert not nearness.needs_metric
    assert nearness.of(ints(0, 0, 1, 1, 2), ints(0, 1, 0, 1, 0), ints(9, 9, 9, 9, 9)).tolist() == [1, 2, 2, 2, 2]
    part = nearness.part(ints(0, 2), ints(1))
    assert part.of(ints(0, 1), ints(0, 0), ints(9, 9)).tolist() == [2, 2]


def test_the_metric_costs_itself() -> None:
    assert Metric.needs_metric
    assert Metric().part(ints(0), ints(0)).of(ints(0, 0), ints(0, 1), ints(7, 8)).tolist() == [7, 8]


@settings(max_examples=examples(150))
@given(care_cases(demands=8, supplies=7))
def test_arrays_say_what_functions_say_for_the_whole_and_for_a_part(case: CareCase) -> None:
    demands, supplies = case.problem.demands, case.problem.supplies
    some, others = np.arange(0, len(demands), 2), np.arange(len(supplies) % 2, len(supplies), 2)
    for level in level_definitions(case.policy, case.problem):
        assert (level.pair_cost is None) == (level.bind is None)
        if level.pair_cost is None or level.bind is None:
            continue
        whole = level.bind(demands, supplies)
        for costs, rows, columns in (
            (whole, np.arange(len(demands)), np.arange(len(supplies))),
            (whole.part(some, others), some, others),
        ):
            i, j = (grid.ravel() for grid in np.meshgrid(np.arange(len(rows)), np.arange(len(columns)), indexing="ij"))
            metric = 1000 * i + j
            said = [
                level.pair_cost(demands[rows[a]], supplies[columns[b]], m)
                for a, b, m in zip(i.tolist(), j.tolist(), metric.tolist(), strict=True)
            ]
            assert costs.of(i, j, metric).tolist() == said


def test_a_cost_of_supplies_is_alike_where_it_is_equal() -> None:
    costs = OfSupply(np.array([3, 0, 3]))
    demands, supplies = costs.labels(2, 3)
    assert (demands.shape, supplies.tolist()) == ((0, 2), [[3, 0, 3]])
    assert [side.tolist() for side in costs.listed()] == [[], []]
    assert costs.largest() == 3
    assert costs.part(np.array([0]), np.array([1, 2])).cost.tolist() == [0, 3]


def test_a_part_of_listed_pairs_is_numbered_anew() -> None:
    arcs = ListedArcs(np.array([0, 1, 1, 3]), np.array([0, 0, 2, 2]), np.array([5, 6, 7, 8]))
    part = arcs.part(np.array([1, 3]), np.array([0, 2]))
    assert [column.tolist() for column in part.build()] == [[0, 0, 1], [0, 1, 1], [6, 7, 8]]
    assert [column.tolist() for column in arcs.without((np.array([1]), np.array([2]))).build()] == [
        [0, 1, 3],
        [0, 0, 2],
        [5, 6, 8],
    ]
