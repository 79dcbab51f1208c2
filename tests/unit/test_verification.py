"""The check refuses every kind of lie by its code, and no truth.

Two codes stand behind another one. A proof that holds leaves no lot ``IDLE`` and no need to ``ENVY``, so a lie of that
kind is ``UNPROVEN`` first; they are reached here by making the check blind to prices.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from tests.instances import DAY, Case, cases, lot, need, place
from tests.profiles import examples

import aidmatch as am
from aidmatch.arrays import Ints
from aidmatch.certificate import Certificate
from aidmatch.errors import PluginError, VerificationError
from aidmatch.matching import Coverage, LevelResult
from aidmatch.verification import check as verification

NORTH, FAR = place(lat=36.6), place("372901", 37.4, 117)

# By hand: a takes the two near ones and one of the north; b keeps one in the north; c gets nothing, e is out of reach.
NEEDS = [
    need("a", 3, "A"),
    need("b", 2, "B", place=NORTH, household_id="maker"),
    need("c", 1, "C"),
    need("e", 1, "A", place=FAR),
    need("f", 1, "A", item="rice"),
    need("g", 1, gate=am.Gate(approval="published")),
]
LOTS = [
    lot("near", 2),
    lot("north", 2, place=NORTH),
    lot("own", 1, place=NORTH, producer_household_id="maker", only_categories=("B",)),
    lot("far", 1, place=place(lat=38)),
    lot("gone", 1, status="dispatched"),
]
PROBLEM = am.GivingProblem(NEEDS, LOTS, as_of=DAY)
POLICY = am.Policy.giving(max_km=30)
TRUTH = am.solve(PROBLEM, policy=POLICY)


def lie(matching: am.Matching, code: str, *, problem: am.GivingProblem = PROBLEM, **options: Any) -> str:
    """What the check says to a lie, which must be of the code."""
    with pytest.raises(am.VerificationError) as refused:
        am.verify(problem, matching, **options)
    assert refused.value.code == code, refused.value
    return str(refused.value)


def assignments(*changes: tuple[int, dict[str, Any]], matching: am.Matching = TRUTH) -> tuple[am.Assignment, ...]:
    rows = list(matching.assignments)
    for at, fields in changes:
        rows[at] = replace(rows[at], **fields)
    return tuple(rows)


def level(which: str, matching: am.Matching = TRUTH, **fields: Any) -> tuple[LevelResult, ...]:
    return tuple(replace(row, **fields) if row.name == which else row for row in matching.levels)


def proof(u: Any = None, v: Any = None, matching: am.Matching = TRUTH, **fields: Any) -> Certificate:
    old = matching.certificate
    return replace(old, u=old.u if u is None else np.array(u), v=old.v if v is None else np.array(v), **fields)


def moved(rows: Ints, at: tuple[int, int], by: int) -> Ints:
    changed = rows.copy()
    changed[at] += by
    return changed


def test_the_truth_passes() -> None:
    am.verify(PROBLEM, TRUTH)
    am.verify(PROBLEM, TRUTH, policy=POLICY)
    am.verify(PROBLEM, TRUTH, distance=am.GreatCircle())
    assert [(a.demand_id, a.supply_id, a.quantity, a.cost) for a in TRUTH.assignments] == [
        ("a", "near", 2, 0),
        ("a", "north", 1, 11_120),
        ("b", "north", 1, 0),
    ]
    assert dict(TRUTH.reasons) == {"b": "USED_UP", "c": "USED_UP", "e": "OUT_OF_REACH", "f": "NO_SUPPLY"}


# --- other inputs, other policy


def test_another_input_is_refused() -> None:
    others = [
        am.GivingProblem([*NEEDS[:-1], replace(NEEDS[-1], quantity=2)], LOTS, as_of=DAY),
        am.GivingProblem(NEEDS, LOTS[:-1], as_of=DAY),
        am.GivingProblem(NEEDS, LOTS, as_of=DAY.replace(day=2)),
        am.GivingProblem(NEEDS, LOTS, as_of=DAY, pairs=am.PairTable([], unit="metre")),
    ]
    for other in others:
        assert "other inputs" in lie(TRUTH, "OTHER_INPUT", problem=other)
    lie(replace(TRUTH, as_of=DAY.replace(day=2)), "OTHER_INPUT")
    lie(replace(TRUTH, inputs={**TRUTH.inputs, "more": "0" * 64}), "OTHER_INPUT")
    am.verify(am.GivingProblem(NEEDS[::-1], LOTS[::-1], as_of=DAY), TRUTH)


def test_another_unit_of_cost_is_refused() -> None:
    assert "costs are in 'metre'" in lie(replace(TRUTH, cost_unit="mile"), "OTHER_INPUT")


def test_another_policy_is_refused() -> None:
    lie(TRUTH, "OTHER_POLICY", policy=am.Policy.giving())
    lie(TRUTH, "OTHER_POLICY", policy=POLICY.replace(version="2"))


def test_a_matching_is_held_to_the_policy_it_brings() -> None:
    # with another radius, a lot is within reach that the matching left alone
    lie(replace(TRUTH, policy=am.Policy.giving()), "UNPROVEN")
    lie(replace(TRUTH, policy=POLICY.replace(max_km=11.119)), "ELIGIBILITY")
    am.verify(PROBLEM, replace(TRUTH, policy=POLICY.replace(max_km=11.12)))
    lie(replace(TRUTH, policy=POLICY.replace(categories=("B", "A", "C", "D"))), "LEVEL")
    with pytest.raises(am.RowsError, match="UNKNOWN_CATEGORY"):
        am.verify(PROBLEM, replace(TRUTH, policy=POLICY.replace(categories=("A",))))
    with pytest.raises(am.PluginError, match="UNKNOWN_PLUGIN"):
        am.verify(PROBLEM, replace(TRUTH, policy=POLICY.replace(rules=("unheard-of",))))
    with pytest.raises(am.PolicyError, match="UNKNOWN_LEVEL"):
        am.verify(PROBLEM, replace(TRUTH, policy=POLICY.replace(levels=("coverage", "beauty"))))


def test_another_status_is_refused() -> None:
    assert "is not what the levels prove" in lie(replace(TRUTH, status="OPTIMAL-ISH"), "STATUS")  # type: ignore[arg-type]  # the lie


# --- who takes part


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("closed_demands", {}),
        ("closed_demands", {"g": "OBJECTED"}),
        ("closed_demands", {"g": "NOT_APPROVED", "c": "NOT_APPROVED"}),
        ("closed_supplies", {}),
        ("closed_supplies", {"gone": "EXPIRED"}),
        ("closed_supplies", {"gone": "NOT_IN_STOCK", "far": "EXPIRED"}),
    ],
)
def test_who_did_not_take_part_and_why_is_recomputed(field: str, value: dict[str, str]) -> None:
    lie(replace(TRUTH, **{field: value}), "ADMISSION")  # type: ignore[arg-type]  # a field by its name


# --- assignments


@pytest.mark.parametrize(
    "rows",
    [
        TRUTH.assignments[::-1],
        (*TRUTH.assignments, TRUTH.assignments[-1]),
        assignments((2, {"demand_id": "nobody"})),
        assignments((2, {"demand_id": "g"})),
        assignments((2, {"supply_id": "nothing"})),
        assignments((2, {"demand_id": "c", "supply_id": "gone"})),
        assignments((1, {"item": "rice"})),
        assignments((1, {"household_id": "H-b"})),
        assignments((1, {"giver_id": "P-near"})),
    ],
    ids=["order", "twice", "unknown need", "closed need", "unknown lot", "closed lot", "item", "household", "donor"],
)
def test_an_assignment_is_of_those_who_take_part_and_says_so_rightly(rows: tuple[am.Assignment, ...]) -> None:
    lie(replace(TRUTH, assignments=rows), "ASSIGNMENT")


@pytest.mark.parametrize("quantity", [0, -1, 3, 2**62, 2**70])
def test_a_quantity_is_at_least_one_and_at_most_what_there_is(quantity: int) -> None:
    lie(replace(TRUTH, assignments=assignments((0, {"quantity": quantity}))), "QUANTITY")


def test_other_items_never_meet() -> None:
    rows = assignments((2, {"demand_id": "f", "household_id": "H-f"}))
    assert "other items" in lie(replace(TRUTH, assignments=rows), "ELIGIBILITY")


def test_every_rule_is_asked() -> None:
    own = assignments((2, {"supply_id": "own", "giver_id": "P-own"}))
    assert "OWN_PRODUCT" in lie(replace(TRUTH, assignments=own), "ELIGIBILITY")
    other = assignments((1, {"supply_id": "own", "giver_id": "P-own"}))
    assert "CATEGORY_NOT_ALLOWED" in lie(replace(TRUTH, assignments=other), "ELIGIBILITY")
    # without the rule, the matching would not be the best
    lie(replace(TRUTH, policy=POLICY.replace(rules=("only-categories",))), "UNPROVEN")


def test_nobody_gets_more_than_asked() -> None:
    rows = assignments((1, {"quantity": 2}))
    assert "'a' has 4 of 3" in lie(replace(TRUTH, assignments=rows), "CAPACITY")


def test_no_lot_gives_more_than_it_has() -> None:
    rows = assignments((2, {"quantity": 2}))
    assert "'north' has 3 of 2" in lie(replace(TRUTH, assignments=rows), "CAPACITY")


@pytest.mark.parametrize(
    "unmet", [{}, {**TRUTH.unmet, "b": 2}, {**TRUTH.unmet, "a": 0}, {**TRUTH.unmet, "g": 1}, {**TRUTH.unmet, "c": -1}]
)
def test_what_is_unmet_is_what_the_assignments_leave(unmet: dict[str, int]) -> None:
    lie(replace(TRUTH, unmet=unmet), "UNMET")
    lie(replace(TRUTH, assignments=TRUTH.assignments[:-1]), "UNMET")


@pytest.mark.parametrize(
    "changes",
    [
        {"coverage": ()},
        {"coverage": TRUTH.coverage[::-1]},
        {"coverage": (*TRUTH.coverage, Coverage("D", "quilt", "piece", 0, 0, 0, 0))},
        {"coverage": (replace(TRUTH.coverage[0], served=4), *TRUTH.coverage[1:])},
        {"coverage": (replace(TRUTH.coverage[0], demands_met=2), *TRUTH.coverage[1:])},
        {"coverage": (replace(TRUTH.coverage[0], asked=3), *TRUTH.coverage[1:])},
        {"coverage": (replace(TRUTH.coverage[0], demands=1), *TRUTH.coverage[1:])},
        {"coverage": (replace(TRUTH.coverage[0], unit="kg"), *TRUTH.coverage[1:])},
        {"supplies": 5},
        {"offered": 7},
    ],
)
def test_totals_are_added_up_again(changes: dict[str, Any]) -> None:
    lie(replace(TRUTH, **changes), "TOTALS")


# --- the proof


@pytest.mark.parametrize(
    "certificate",
    [
        proof(demand_ids=TRUTH.certificate.demand_ids[::-1]),
        proof(demand_ids=(*TRUTH.certificate.demand_ids, "g")),
        proof(supply_ids=TRUTH.certificate.supply_ids[1:]),
        proof(u=TRUTH.certificate.u[:-1]),
        proof(v=TRUTH.certificate.v[:-1]),
        proof(u=TRUTH.certificate.u[:, :-1]),
        proof(v=TRUTH.certificate.v.T),
        proof(u=TRUTH.certificate.u.ravel()),
        proof(u=np.zeros((0, 0), dtype=np.int64)),
    ],
)
def test_a_certificate_is_for_these_needs_lots_and_levels(certificate: Certificate) -> None:
    lie(replace(TRUTH, certificate=certificate), "CERTIFICATE")


@pytest.mark.parametrize("at", [(0, 3), (1, 1), (2, 2), (4, 2)])
@pytest.mark.parametrize("by", [1, -1])
def test_a_need_with_something_unmet_has_one_potential_only(at: tuple[int, int], by: int) -> None:
    told = lie(replace(TRUTH, certificate=proof(u=moved(TRUTH.certificate.u, at, by))), "UNPROVEN")
    assert "proves nothing" in told


@pytest.mark.parametrize("by", [1, -1])
def test_a_lot_with_something_unused_has_one_potential_only(by: int) -> None:
    told = lie(replace(TRUTH, certificate=proof(v=moved(TRUTH.certificate.v, (4, 0), by))), "UNPROVEN")
    assert "supply 'far'" in told


def test_no_potential_of_a_lot_is_positive() -> None:
    v = TRUTH.certificate.v.copy()
    v[:, 1] = [1, 0, 0, 0, 0]
    assert "supply 'near'" in lie(replace(TRUTH, certificate=proof(v=v)), "UNPROVEN")


def test_a_proof_without_prices_proves_nothing() -> None:
    lie(replace(TRUTH, certificate=proof(u=TRUTH.certificate.u * 0, v=TRUTH.certificate.v * 0)), "UNPROVEN")


def test_values_and_bounds_are_recomputed() -> None:
    claims: list[tuple[str, dict[str, Any]]] = [
        ("coverage A", {"value": 4}),
        ("coverage A", {"bound": 4}),
        ("coverage A", {"value": 4, "bound": 4}),
        ("distance", {"value": 11_119}),
        ("distance", {"value": 11_119, "bound": 11_119}),
    ]
    for name, fields in claims:
        assert repr(name) in lie(replace(TRUTH, levels=level(name, **fields)), "LEVEL")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("coverage B", {"gap": 1}),
        ("coverage B", {"sense": "min"}),
        ("distance", {"sense": "max"}),
        ("distance", {"unit": "unit·mile"}),
        ("coverage C", {"unit": "needs"}),
    ],
)
def test_gap_sense_and_unit_are_the_levels_own(name: str, fields: dict[str, Any]) -> None:
    told = lie(replace(TRUTH, levels=level(name, **fields)), "LEVEL")
    assert f"level {name!r}" in told
    assert ("with bound" if "gap" in fields else "sense, unit or proof is another") in told


@pytest.mark.parametrize("gap", [0, 2])
def test_a_bound_that_is_not_the_value_proves_nothing_even_if_it_is_admitted(gap: int) -> None:
    # a metre less for each of the two units in the near lot
    certificate = proof(v=moved(TRUTH.certificate.v, (4, 1), -1))
    claimed = level("distance", bound=11_118, gap=gap)
    told = lie(replace(TRUTH, certificate=certificate, levels=claimed), "LEVEL")
    assert "level 'distance' is 11120, not 11120 with bound 11118" in told


@pytest.mark.parametrize(
    "levels",
    [
        TRUTH.levels[:-1],
        TRUTH.levels[::-1],
        level("distance", name="metres"),
        (*TRUTH.levels, TRUTH.levels[-1]),
    ],
)
def test_the_levels_are_the_policys(levels: tuple[LevelResult, ...]) -> None:
    assert "not the policy's" in lie(replace(TRUTH, levels=levels), "LEVEL")


@pytest.mark.parametrize("fields", [{"metres": 11_121}, {"metres": None}])
def test_metres_are_measured_again(fields: dict[str, Any]) -> None:
    assert "a unit costs 11120" in lie(replace(TRUTH, assignments=assignments((1, fields))), "COST")


def test_costs_that_add_up_but_are_others_are_refused() -> None:
    # one unit each, so that a metre can move from one to the other
    rows = assignments((1, {"cost": 11_119, "metres": 11_119}), (2, {"cost": 1, "metres": 1}))
    assert "a unit costs 11120, not 11119" in lie(replace(TRUTH, assignments=rows), "COST")
    # and so are those that do not, before any value is looked at
    lie(replace(TRUTH, assignments=assignments((1, {"cost": 11_119, "metres": 11_119}))), "COST")


def test_an_assignment_that_the_prices_do_not_bear_out_is_refused() -> None:
    # the potentials of a and its lots move together, so that nodes and bound stay as they are
    u, v = TRUTH.certificate.u.copy(), TRUTH.certificate.v.copy()
    u[4, 0] += 2
    v[4, 1] -= 3
    told = lie(replace(TRUTH, certificate=proof(u, v)), "UNPROVEN")
    assert "assignment of supply" in told


def test_a_worse_matching_is_refused_whatever_it_claims() -> None:
    # b gets both of the north, a goes short: every total is right, and the prices of the worse are its own
    rows = (TRUTH.assignments[0], replace(TRUTH.assignments[2], quantity=2))
    worse = replace(
        TRUTH,
        assignments=rows,
        unmet={"a": 1, "c": 1, "e": 1, "f": 1},
        coverage=tuple(
            replace(c, demands_met=0, served=2)
            if (c.category, c.item) == ("A", "quilt")
            else replace(c, demands_met=1, served=2)
            if c.category == "B"
            else c
            for c in TRUTH.coverage
        ),
    )
    assert "'coverage A' is 2, not 3" in lie(worse, "LEVEL")
    u, v = TRUTH.certificate.u * 0, TRUTH.certificate.v * 0
    # what is left over is priced at what it costs, all else at nothing
    u[0, [0, 3, 4]] = u[2, 2] = 1
    values = {"coverage A": 2, "coverage B": 2, "coverage C": 0, "coverage D": 0, "distance": 0}
    claimed = tuple(replace(row, value=values[row.name], bound=values[row.name]) for row in TRUTH.levels)
    # it says rightly what it is; but neither prices of its own prove it, nor those of the better one
    told = lie(replace(worse, certificate=proof(u, v), levels=claimed), "UNPROVEN")
    assert "the potentials do not prove that it belongs in an optimum" in told
    assert "demand 'a'" in lie(replace(worse, levels=claimed), "UNPROVEN")


# --- a small instance in which one exchange is the whole lie

PAIR = am.GivingProblem([need("high", 1, "A"), need("low", 1, "B")], [lot("only", 1)], as_of=DAY)
RIGHT = am.solve(PAIR)


def inverted() -> am.Matching:
    """The lower category has the lot; every total is right, and so are the nodes' prices and the bounds."""
    row = replace(RIGHT.assignments[0], demand_id="low", household_id="H-low")
    return replace(
        RIGHT,
        assignments=(row,),
        unmet={"high": 1},
        reasons={"high": "USED_UP"},
        coverage=(Coverage("A", "quilt", "piece", 1, 0, 1, 0), Coverage("B", "quilt", "piece", 1, 1, 1, 1)),
        levels=tuple(
            replace(row, value=int(row.name == "coverage B"), bound=int(row.name == "coverage B"))
            for row in RIGHT.levels
        ),
        certificate=proof([[1, 0], [0, 0], [0, 0], [0, 0], [0, 0]], RIGHT.certificate.v * 0, RIGHT),
    )


def idle() -> am.Matching:
    """Nobody gets anything."""
    return replace(
        inverted(),
        assignments=(),
        unmet={"high": 1, "low": 1},
        reasons={"high": "USED_UP", "low": "USED_UP"},
        coverage=(Coverage("A", "quilt", "piece", 1, 0, 1, 0), Coverage("B", "quilt", "piece", 1, 0, 1, 0)),
        levels=tuple(replace(row, value=0, bound=0) for row in RIGHT.levels),
        certificate=proof([[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]], RIGHT.certificate.v * 0, RIGHT),
    )


@pytest.mark.parametrize(("false", "code"), [(inverted, "ENVY"), (idle, "IDLE")])
def test_the_lower_served_before_the_higher_and_the_idle_are_unproven_and_would_be_found_without_prices(
    false: Callable[[], am.Matching], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    am.verify(PAIR, RIGHT)
    told = lie(false(), "UNPROVEN", problem=PAIR)
    assert "demand 'high', supply 'only': the supply would make the matching better" in told
    monkeypatch.setattr(verification._Check, "_sign", lambda self, pairs, u, v: np.zeros(len(pairs.i), dtype=np.int64))
    assert "demand 'high', supply 'only'" in lie(false(), code, problem=PAIR)


@pytest.mark.parametrize(
    "reasons",
    [
        {},
        {**TRUTH.reasons, "b": "OUT_OF_REACH"},
        {**TRUTH.reasons, "e": "NOT_ALLOWED"},
        {**TRUTH.reasons, "f": "NOT_ALLOWED"},
        {**TRUTH.reasons, "a": "USED_UP"},
        {key: value for key, value in TRUTH.reasons.items() if key != "c"},
    ],
)
def test_reasons_are_found_again(reasons: dict[str, str]) -> None:
    lie(replace(TRUTH, reasons=reasons), "REASONS")


def test_not_allowed_is_told_from_out_of_reach() -> None:
    needs = [need("n1", 1, "A"), need("n2", 1, "B")]
    problem = am.GivingProblem(needs, [lot("d1", 1, only_categories=("B",), max_km=1, place=NORTH)], as_of=DAY)
    matching = am.solve(problem)
    am.verify(problem, matching)
    assert dict(matching.reasons) == {"n1": "NOT_ALLOWED", "n2": "OUT_OF_REACH"}
    lie(replace(matching, reasons={"n1": "OUT_OF_REACH", "n2": "NOT_ALLOWED"}), "REASONS", problem=problem)


@pytest.mark.parametrize("block", [1, 3, 5])
def test_the_size_of_the_blocks_changes_no_verdict(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "_BLOCK", block)
    am.verify(PROBLEM, TRUTH)
    lie(inverted(), "UNPROVEN", problem=PAIR)
    lie(replace(TRUTH, reasons={}), "REASONS")


# --- with pairs=


def pair(demand_id: str, supply_id: str, cost: int, eligible: bool = True) -> am.PairCost:
    return am.PairCost(demand_id=demand_id, supply_id=supply_id, cost=cost, eligible=eligible)


LISTED = am.GivingProblem(
    [need("n1", 2, "A"), need("n2", 2, "B"), need("n3", 1, "C", item="rice")],
    [lot("d1", 2), lot("d2", 1), lot("d3", 9, status="reserved")],
    as_of=DAY,
    pairs=am.PairTable(
        [
            pair("n1", "d1", 3),
            pair("n1", "d2", 5),
            pair("n2", "d1", 4),
            pair("n2", "d2", 0, eligible=False),
            pair("n2", "d3", 0),
            pair("n3", "d1", 0),
        ],
        unit="minute",
    ),
)
LISTED_TRUTH = am.solve(LISTED)


def test_the_truth_about_listed_pairs_passes() -> None:
    am.verify(LISTED, LISTED_TRUTH)
    assert [(a.demand_id, a.supply_id, a.quantity, a.cost, a.metres) for a in LISTED_TRUTH.assignments] == [
        ("n1", "d1", 1, 3, None),
        ("n1", "d2", 1, 5, None),
        ("n2", "d1", 1, 4, None),
    ]
    assert dict(LISTED_TRUTH.reasons) == {"n2": "USED_UP", "n3": "NO_SUPPLY"}


def test_a_pair_that_is_not_listed_or_forbidden_is_refused() -> None:
    first, _, last = LISTED_TRUTH.assignments
    # the totals stay as they are, and so does the sum of the costs that are claimed: 2·3 + 6 = 3 + 5 + 4
    swapped = (replace(first, quantity=2), replace(last, supply_id="d2", giver_id="P-d2", cost=6))
    told = lie(replace(LISTED_TRUTH, assignments=swapped), "ELIGIBILITY", problem=LISTED)
    assert "not among the pairs that may be" in told


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"distance": "great-circle"}, "OTHER_INPUT"),
        ({"cost_unit": "metre"}, "OTHER_INPUT"),
        ({"assignments": assignments((0, {"cost": 2}), (2, {"cost": 5}), matching=LISTED_TRUTH)}, "COST"),
        ({"assignments": assignments((0, {"metres": 3}), matching=LISTED_TRUTH)}, "COST"),
        ({"assignments": assignments((0, {"quantity": 2}), matching=LISTED_TRUTH)}, "CAPACITY"),
        ({"reasons": {"n2": "OUT_OF_REACH", "n3": "NO_SUPPLY"}}, "REASONS"),
        ({"levels": level("distance", LISTED_TRUTH, value=11, bound=11)}, "LEVEL"),
        ({"levels": level("distance", LISTED_TRUTH, unit="unit·metre")}, "LEVEL"),
        ({"certificate": proof(u=moved(LISTED_TRUTH.certificate.u, (1, 1), -1), matching=LISTED_TRUTH)}, "UNPROVEN"),
    ],
)
def test_lies_about_listed_pairs_are_refused(changes: dict[str, Any], code: str) -> None:
    lie(replace(LISTED_TRUTH, **changes), code, problem=LISTED)


def test_a_listed_pair_that_would_help_is_found() -> None:
    def listed(*more: am.PairCost) -> am.GivingProblem:
        return am.GivingProblem(
            [need("n1", 1)],
            [lot("d1"), lot("d2")],
            as_of=DAY,
            pairs=am.PairTable([pair("n1", "d1", 9), *more], unit="minute"),
        )

    better = listed(pair("n1", "d2", 8))
    matching = replace(am.solve(listed()), inputs=better.digests())
    told = lie(matching, "UNPROVEN", problem=better)
    assert "demand 'n1', supply 'd2'" in told
    dearer = listed(pair("n1", "d2", 10))
    am.verify(dearer, replace(am.solve(listed()), inputs=dearer.digests()))


# --- with a distance of one's own


class Steps:
    """Differences of area codes."""

    needs_points = False

    def __init__(self, name: str = "steps", scale: int = 1) -> None:
        self.name, self.scale = name, scale

    def metres(self, origins: am.Places, destinations: am.Places) -> Ints:
        steps: Ints = np.abs(origins.codes.astype(np.int64) - destinations.codes.astype(np.int64)) * self.scale
        return steps


CODED = am.GivingProblem(
    [need("n1", 1, place=am.Place(code="30")), need("n2", 1, "B", place=am.Place(code="35"))],
    [lot("d1", 1, place=am.Place(code="34")), lot("d2", 1, place=am.Place(code="99"), max_km=0.065)],
    as_of=DAY,
)


def test_a_distance_of_ones_own_is_asked_again() -> None:
    matching = am.solve(CODED, distance=Steps())
    am.verify(CODED, matching, distance=Steps())
    assert [(a.demand_id, a.supply_id, a.cost) for a in matching.assignments] == [("n1", "d1", 4), ("n2", "d2", 64)]
    lie(matching, "COST", problem=CODED, distance=Steps(scale=2))
    assert "checked with 'other'" in lie(matching, "OTHER_INPUT", problem=CODED, distance=Steps("other"))
    assert "made with distance 'steps', which is no plug-in here" in lie(matching, "OTHER_INPUT", problem=CODED)
    with pytest.raises(am.PluginError, match="no plug-in 'steps'"):
        am.verify(CODED, matching, distance="steps")
    with pytest.raises(am.RowsError, match="NO_POINT"):
        am.verify(CODED, replace(matching, distance="great-circle"))
    far = replace(matching, assignments=assignments((1, {"metres": 65}), matching=matching))
    lie(far, "COST", problem=CODED, distance=Steps())


def test_a_distance_that_has_become_shorter_unproves_the_matching() -> None:
    class Shortcut(Steps):
        def metres(self, origins: am.Places, destinations: am.Places) -> Ints:
            steps = super().metres(origins, destinations)
            # from d2 to n1 there is a new road
            steps[(origins.codes == "99") & (destinations.codes == "30")] = 0
            return steps

    matching = am.solve(CODED, distance=Steps())
    told = lie(matching, "UNPROVEN", problem=CODED, distance=Shortcut())
    assert "demand 'n1', supply 'd2'" in told


# --- truths


@settings(max_examples=examples(150))
@given(cases(demands=10, supplies=9, most=4))
def test_no_truth_is_refused(case: Case) -> None:
    am.verify(case.problem, am.solve(case.problem, policy=case.policy), policy=case.policy)


@pytest.mark.parametrize(("needs", "lots"), [([], []), (NEEDS, []), ([], LOTS), (NEEDS[4:5], LOTS)])
def test_the_truth_about_nothing_passes(needs: Sequence[am.Need], lots: Sequence[am.Donation]) -> None:
    for pairs in (None, am.PairTable([], unit="minute")):
        problem = am.GivingProblem(needs, lots, as_of=DAY, pairs=pairs)
        matching = am.solve(problem)
        am.verify(problem, matching)
        assert matching.assignments == ()


# --- what was found wanting


def test_potentials_that_wrap_prove_nothing() -> None:
    smallest = -(2**63)
    table = [pair("n1", "d1", 0), pair("n2", "d2", 10), pair("n1", "d2", 1), pair("n2", "d1", 1)]
    problem = am.GivingProblem(
        [need("n1", 2), need("n2", 2)],
        [lot("d1", 2), lot("d2", 2)],
        as_of=DAY,
        pairs=am.PairTable(table, unit="minute"),
    )
    best = am.solve(problem)
    assert best.levels[-1].value == 4
    one, other = best.assignments
    forged = replace(
        best,
        assignments=(
            replace(one, supply_id="d1", giver_id="P-d1", cost=0),
            replace(other, supply_id="d2", giver_id="P-d2", cost=10),
        ),
        levels=level("distance", best, value=20, bound=20),
        certificate=proof(
            [[0, 0], [2, 2], [0, 0], [0, 0], [smallest, 5]], [[0, 0], [-2, -2], [0, 0], [0, 0], [smallest, 5]], best
        ),
    )
    lie(forged, "CERTIFICATE", problem=problem)


def test_parts_of_a_unit_are_no_quantity() -> None:
    problem = am.GivingProblem([need("n1", 3)], [lot("d1", 3), lot("d2", 3)], as_of=DAY)
    truth = am.solve(problem)
    (row,) = truth.assignments
    rows = tuple(
        replace(row, supply_id=d, giver_id=f"P-{d}", quantity=q)  # type: ignore[arg-type]  # the lie itself
        for d, q in (("d1", 2.75), ("d2", 1.75))
    )
    lie(replace(truth, assignments=rows), "QUANTITY", problem=problem)


@pytest.mark.parametrize("quantity", [3.0, True, np.int64(3), "3", None])
def test_a_quantity_is_a_whole_number_of_pythons(quantity: Any) -> None:
    problem = am.GivingProblem([need("n1", 3)], [lot("d1", 3)], as_of=DAY)
    truth = am.solve(problem)
    rows = (replace(truth.assignments[0], quantity=quantity),)
    lie(replace(truth, assignments=rows), "QUANTITY", problem=problem)


@pytest.mark.parametrize("kind", [np.float64, object, np.int32])
def test_potentials_are_64_bit_integers(kind: Any) -> None:
    lie(replace(TRUTH, certificate=proof(TRUTH.certificate.u.astype(kind))), "CERTIFICATE")


def test_a_matching_without_a_distance_is_refused_as_one() -> None:
    lie(replace(TRUTH, distance=None), "OTHER_INPUT")


def test_another_kind_of_proof_is_refused() -> None:
    lie(replace(TRUTH, levels=level("distance", proof="trust me")), "LEVEL")


class _Moody:
    """A rule that is well while the matching is made, and raises with somebody's name after."""

    name = "moody"
    well = True

    def reason(self, demand: am.Need, supply: am.Donation) -> str | None:
        if not _Moody.well:
            raise KeyError("Zhang San")
        return None

    def labels(self, demands: Sequence[am.Need], supplies: Sequence[am.Donation]) -> tuple[Ints, Ints]:
        return np.zeros(len(demands), dtype=np.int64), np.zeros(len(supplies), dtype=np.int64)


def test_a_rule_that_raises_is_named_and_its_words_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(am.GivingProblem, "rules", lambda self, policy: [_Moody()])
    problem = am.GivingProblem([need("n1")], [lot("d1")], as_of=DAY)
    matching = am.solve(problem)
    am.verify(problem, matching)
    monkeypatch.setattr(_Moody, "well", False)
    with pytest.raises(am.PluginError, match="'moody' raised KeyError") as refused:
        am.verify(problem, matching)
    assert refused.value.code == "BAD_RULE"
    assert "Zhang" not in str(refused.value)


def test_a_level_whose_two_forms_disagree_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = am.GivingProblem([need("n1")], [lot("d1", place=place("371502001001"))], as_of=DAY)
    policy = am.Policy.giving(levels=("coverage", "nearness"))
    matching = am.solve(problem, policy=policy)
    am.verify(problem, matching)
    monkeypatch.setattr("aidmatch.pair_costs.Nearness.of", lambda self, i, j, metric: np.zeros(len(i), dtype=np.int64))
    with pytest.raises(am.VerificationError, match="its two forms do not agree"):
        am.verify(problem, matching)


@pytest.mark.parametrize("supply_id", [None, 5, True])
def test_an_id_that_is_none_is_no_assignment(supply_id: Any) -> None:
    lie(replace(TRUTH, assignments=assignments((1, {"supply_id": supply_id}))), "ASSIGNMENT")


@pytest.mark.parametrize(
    ("reason", "error"), [(lambda *_: "", VerificationError), (lambda *_: next(iter(())), PluginError)]
)
def test_a_rule_that_says_nothing_or_stops_is_not_taken_for_a_yes(
    reason: Any, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aidmatch.rules.giving.OnlyProject.reason", lambda self, demand, supply: reason(demand, supply))
    with pytest.raises(error):
        am.verify(PROBLEM, TRUTH)
