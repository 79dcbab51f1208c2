"""What people have pinned and forbidden, by hand: honoured, or refused with the reason."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.instances import DAY, caregiver, client, forbid, levels, lot, need, pin, place

import aidmatch as am

YESTERDAY, TOMORROW = DAY - timedelta(days=1), DAY + timedelta(days=1)
NORTH = place(lat=36.6)


def giving(needs: Any, lots: Any, *decisions: am.Decision, **options: Any) -> am.GivingProblem:
    return am.GivingProblem(needs, lots, as_of=DAY, decisions=decisions, **options)


def care(clients: Any, givers: Any, *decisions: am.Decision, **options: Any) -> am.CareProblem:
    return am.CareProblem(clients, givers, as_of=DAY, decisions=decisions, **options)


def solved(problem: Any, **fields: Any) -> am.Matching:
    """The matching, proven and checked."""
    policy = getattr(am.Policy, problem.family)(**fields)
    matching = am.solve(problem, policy=policy)
    am.verify(problem, matching, policy=policy)
    return matching


def sent(matching: am.Matching) -> list[tuple[str, str, int, int]]:
    return [(a.demand_id, a.supply_id, a.quantity, a.pinned) for a in matching.assignments]


def lie(problem: Any, matching: am.Matching, code: str) -> str:
    with pytest.raises(am.VerificationError) as refused:
        am.verify(problem, matching)
    assert refused.value.code == code, refused.value
    return str(refused.value)


def listed(*rows: tuple[str, str, int, bool]) -> am.PairTable:
    pairs = [am.PairCost(demand_id=i, supply_id=j, cost=cost, eligible=may) for i, j, cost, may in rows]
    return am.PairTable(pairs, unit="minute")


# --- the record


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ({"on": DAY}, True),
        ({"on": YESTERDAY}, True),
        ({"on": TOMORROW}, False),
        ({"on": YESTERDAY, "until": DAY}, True),
        ({"on": YESTERDAY, "until": YESTERDAY}, False),
        ({"on": DAY, "until": DAY}, True),
    ],
)
def test_a_decision_holds_from_its_first_day_to_its_last(fields: dict[str, Any], holds: bool) -> None:
    decision = pin("x1", "n1", "d1", **fields)
    assert decision.holds(DAY) == holds
    assert repr(decision) == "<Decision 'x1': pin>"
    # n2 is served by d1 unless the pin holds, as it comes first
    needs = [need("n1", 1, "B"), need("n2", 1, "A")]
    assert sent(solved(giving(needs, [lot("d1")], decision))) == [("n1" if holds else "n2", "d1", 1, int(holds))]
    blocked = forbid("x1", "n2", "d1", **fields)
    assert sent(solved(giving(needs, [lot("d1")], blocked))) == [("n1" if holds else "n2", "d1", 1, 0)]


@pytest.mark.parametrize(
    "wrong", [{"kind": "force"}, {"quantity": 0}, {"quantity": 1.5}, {"on": None}, {"until": "soon"}, {"by": 1.5}]
)
def test_what_is_no_decision_is_refused(wrong: dict[str, Any]) -> None:
    fields = {"id": "x1", "kind": "pin", "demand_id": "n1", "supply_id": "d1", "on": DAY}
    with pytest.raises(ValidationError) as refused:
        am.Decision(**{**fields, **wrong})
    assert {fault["loc"][0] for fault in refused.value.errors()} == set(wrong)


# --- pins


def test_a_pin_takes_as_many_units_as_both_have_unless_it_says_how_many() -> None:
    needs, lots = [need("n1", 3), need("n2", 3)], [lot("d1", 2), lot("d2", 4, place=NORTH)]
    free = solved(giving(needs, lots))
    assert levels(free) == (6, 0, 0, 0, 4 * 11_120)
    all_of_it = giving(needs, lots, pin("x1", "n1", "d2"))
    assert dict(all_of_it.admission().pins) == {("n1", "d2"): 3}
    assert sent(solved(all_of_it)) == [("n1", "d2", 3, 3), ("n2", "d1", 2, 0), ("n2", "d2", 1, 0)]
    one = giving(needs, lots, pin("x1", "n1", "d2", 1))
    assert dict(one.admission().pins) == {("n1", "d2"): 1}
    matching = solved(one)
    assert levels(matching) == (6, 0, 0, 0, 4 * 11_120)
    assert [row for row in sent(matching) if row[3]] in ([("n1", "d2", 1, 1)], [("n1", "d2", 3, 1)])


def test_a_pinned_pair_of_goods_may_get_more_than_is_pinned() -> None:
    matching = solved(giving([need("n1", 3)], [lot("d1", 5)], pin("x1", "n1", "d1", 1)))
    assert sent(matching) == [("n1", "d1", 3, 1)]
    (row,) = matching.to_rows()
    assert (row["quantity"], row["pinned"]) == (3, 1)


def test_a_pin_comes_before_every_level_and_counts_in_it() -> None:
    # by the levels, the A need would have the lot; the rest is decided as well as it can be
    needs = [need("n1", 1, "D", place=NORTH), need("n2", 2, "A")]
    matching = solved(giving(needs, [lot("d1", 2)], pin("x1", "n1", "d1")))
    assert sent(matching) == [("n1", "d1", 1, 1), ("n2", "d1", 1, 0)]
    assert levels(matching) == (1, 0, 0, 1, 11_120)
    assert dict(matching.reasons) == {"n2": "USED_UP"}


def test_a_pin_passes_over_rules_radii_and_what_is_not_eligible() -> None:
    needs = [need("n1", 1, "A", household_id="maker")]
    lots = [lot("d1", 1, place=NORTH, only_categories=("B",), producer_household_id="maker", max_km=1)]
    assert solved(giving(needs, lots), max_km=5).assignments == ()
    matching = solved(giving(needs, lots, pin("x1", "n1", "d1")), max_km=5)
    assert sent(matching) == [("n1", "d1", 1, 1)]
    assert matching.assignments[0].metres == 11_120
    table = listed(("n1", "d1", 7, False))
    by_table = solved(giving(needs, [lot("d1")], pin("x1", "n1", "d1"), pairs=table))
    assert [(a.cost, a.pinned) for a in by_table.assignments] == [(7, 1)]
    assert levels(by_table) == (1, 0, 0, 0, 7)


def test_more_than_is_pinned_passes_over_nothing() -> None:
    # only the pinned unit may go there, whatever else is wanted
    problem = giving([need("n1", 2)], [lot("d1", 2, only_categories=("B",))], pin("x1", "n1", "d1", 1))
    matching = solved(problem)
    assert sent(matching) == [("n1", "d1", 1, 1)]
    assert dict(matching.unmet) == {"n1": 1}


def test_a_client_that_is_pinned_to_a_caregiver_may_have_others_but_not_twice_the_same() -> None:
    clients = [client("c1", "D", caregivers_needed=2), client("c2", "A")]
    matching = solved(care(clients, [caregiver("g1", 1), caregiver("g2", 2)], pin("x1", "c1", "g1")))
    assert sent(matching) == [("c1", "g1", 1, 1), ("c1", "g2", 1, 0), ("c2", "g2", 1, 0)]
    alone = solved(care(clients[:1], [caregiver("g1", 3)], pin("x1", "c1", "g1", 1)))
    assert sent(alone) == [("c1", "g1", 1, 1)]
    assert dict(alone.reasons) == {"c1": "ONE_EACH"}


def test_a_pinned_pair_in_force_is_a_pair_kept() -> None:
    current = [am.Pair(demand_id="c1", supply_id="g1", since=YESTERDAY)]
    sides = [client("c1", languages=("local",))], [caregiver("g1")]
    matching = solved(care(*sides, pin("x1", "c1", "g1"), current=current), levels=("coverage", "pairs", "continuity"))
    assert levels(matching) == (1, 0, 0, 0, 1, 2)


# --- forbids


def test_what_is_forbidden_is_not_done() -> None:
    needs, lots = [need("n1", 2)], [lot("d1", 2), lot("d2", 1, place=NORTH)]
    problem = giving(needs, lots, forbid("x1", "n1", "d1"))
    assert problem.admission().forbidden == {("n1", "d1")}
    matching = solved(problem)
    assert sent(matching) == [("n1", "d2", 1, 0)]
    assert dict(matching.reasons) == {"n1": "USED_UP"}


def test_where_all_are_forbidden_nobody_is_allowed() -> None:
    needs = [need("n1"), need("n2", place=NORTH)]
    problem = giving(needs, [lot("d1", 2, max_km=1)], forbid("x1", "n1", "d1"), forbid("x2", "n2", "d1"))
    matching = solved(problem)
    assert matching.assignments == ()
    assert dict(matching.reasons) == {"n1": "NOT_ALLOWED", "n2": "NOT_ALLOWED"}
    # one lot that is not forbidden but out of reach makes the difference
    farther = giving(needs[:1], [lot("d1"), lot("d2", place=NORTH, max_km=1)], forbid("x1", "n1", "d1"))
    assert dict(solved(farther).reasons) == {"n1": "OUT_OF_REACH"}


def test_a_forbid_of_those_who_do_not_take_part_or_could_not_meet_does_no_harm() -> None:
    needs = [need("n1"), need("n2", gate=am.Gate(approval="rejected")), need("n3", item="rice")]
    problem = giving(needs, [lot("d1")], *(forbid(f"x{i}", f"n{i}", "d1") for i in (2, 3)))
    matching = solved(problem)
    assert sent(matching) == [("n1", "d1", 1, 0)]
    assert dict(matching.reasons) == {"n3": "NO_SUPPLY"}


def test_a_pair_may_be_forbidden_twice() -> None:
    assert sent(solved(giving([need("n1")], [lot("d1")], forbid("x1", "n1", "d1"), forbid("x2", "n1", "d1")))) == []


def test_a_forbidden_pair_in_force_ends() -> None:
    current = [am.Pair(demand_id="c1", supply_id="g1", since=YESTERDAY)]
    sides = [client("c1")], [caregiver("g1"), caregiver("g2", place=NORTH)]
    matching = solved(care(*sides, forbid("x1", "c1", "g1"), current=current))
    assert [(a.demand_id, a.supply_id) for a in matching.assignments] == [("c1", "g2")]


# --- conflicts


@pytest.mark.parametrize(
    ("decisions", "reason"),
    [
        ([pin("x1", "closed", "d1")], "the demand does not take part (NOT_APPROVED)"),
        ([pin("x1", "n1", "gone")], "the supply does not take part (NOT_IN_STOCK)"),
        ([pin("x1", "n1", "d1"), forbid("x0", "n1", "d1")], "another decision forbids the pair"),
        ([pin("x1", "n1", "d1", 1), pin("x0", "n1", "d1", 1)], "another decision pins the same pair"),
        ([pin("x1", "n1", "rice")], "they are of different items or units"),
        ([pin("x1", "n1", "kg")], "they are of different items or units"),
        ([pin("x1", "n1", "d1", 3)], "3 units, but a pair has at most 2"),
        ([pin("x1", "n1", "small", 2)], "2 units, but a pair has at most 1"),
        ([pin("x1", "n1", "d1"), pin("x0", "n1", "small")], "3 units pinned, 2 asked for"),
        ([pin("x0", "n1", "d1", 2), pin("x1", "n2", "d1", 2)], "4 units pinned, 3 offered"),
    ],
)
def test_a_pin_that_cannot_be_is_refused_with_the_reason(decisions: list[am.Decision], reason: str) -> None:
    needs = [need("n1", 2), need("n2", 2), need("closed", gate=am.Gate(approval="surveyed"))]
    lots = [
        lot("d1", 3),
        lot("small", 1),
        lot("rice", item="rice"),
        lot("kg", unit="kg"),
        lot("gone", status="dispatched"),
    ]
    for order in (decisions, decisions[::-1]):
        with pytest.raises(am.ProblemError) as refused:
            giving(needs, lots, *order)
        assert refused.value.code == "PIN_CONFLICT"
        assert str(refused.value).startswith("[PIN_CONFLICT] decision 'x1' pins demand ")
        assert str(refused.value).endswith(f", but {reason}")
    # none of them stands in the way before its day
    giving(needs, lots, *(replace(decision, on=TOMORROW) for decision in decisions))


def test_a_pin_without_a_listed_cost_is_refused() -> None:
    table = listed(("n1", "d1", 3, True))
    with pytest.raises(am.ProblemError, match="but pairs= has no cost for it") as refused:
        giving([need("n1")], [lot("d1"), lot("d2")], pin("x1", "n1", "d2"), pairs=table)
    assert refused.value.code == "PIN_CONFLICT"


@pytest.mark.parametrize(
    ("decisions", "reason"),
    [
        ([pin("x1", "c1", "g1", 2)], "2 units, but a pair has at most 1"),
        ([pin("x1", "c1", "full")], "0 units, but a pair has at most 0"),
        ([pin("x0", "c1", "g1"), pin("x1", "c2", "g1")], "2 units pinned, 1 offered"),
        ([pin("x0", "c2", "g1"), pin("x1", "c2", "g2")], "2 units pinned, 1 asked for"),
        ([pin("x1", "bed", "g1")], "the demand does not take part (NOT_FOR_NEIGHBOURS)"),
        ([pin("x1", "c1", "left")], "the supply does not take part (NO_LONGER_AVAILABLE)"),
    ],
)
def test_a_pin_of_care_that_cannot_be_is_refused_with_the_reason(decisions: list[am.Decision], reason: str) -> None:
    clients = [client("c1", caregivers_needed=2), client("c2"), client("bed", modes_accepted=("bed",))]
    givers = [caregiver("g1"), caregiver("g2"), caregiver("full", 0), caregiver("left", available_until=YESTERDAY)]
    with pytest.raises(am.ProblemError) as refused:
        care(clients, givers, *decisions)
    assert refused.value.code == "PIN_CONFLICT"
    assert str(refused.value).endswith(f", but {reason}")


@pytest.mark.parametrize("decision", [pin("x1", "n1", "d2"), forbid("x1", "n2", "d1")])
def test_a_decision_names_records_that_are_there(decision: am.Decision) -> None:
    for one in (decision, replace(decision, on=TOMORROW)):
        with pytest.raises(am.ProblemError, match=r"decisions= has (demand 'n2'|supply 'd2')") as refused:
            giving([need("n1")], [lot("d1")], one)
        assert refused.value.code == "UNKNOWN_ID"


def test_a_decision_comes_once() -> None:
    with pytest.raises(am.ProblemError, match="decisions= has 'x1' twice") as refused:
        giving([need("n1")], [lot("d1")], pin("x1", "n1", "d1"), forbid("x1", "n1", "d1", on=TOMORROW))
    assert refused.value.code == "DUPLICATE_ID"
    with pytest.raises(am.ProblemError, match=r"decisions\[0\] is a Need, not a Decision") as refused:
        am.GivingProblem([], [], as_of=DAY, decisions=[need("n1")])  # type: ignore[list-item]  # the mistake
    assert refused.value.code == "NO_RECORDS"


def test_decisions_count_in_the_digests_in_any_order() -> None:
    sides = [need("n1", 2)], [lot("d1"), lot("d2")]
    decisions = [pin("x1", "n1", "d1"), forbid("x2", "n1", "d2")]
    one, turned = giving(*sides, *decisions), giving(*sides, *decisions[::-1])
    assert set(one.digests()) == {"needs", "donations", "decisions"}
    assert one.digests() == turned.digests()
    assert one.digests()["decisions"] != giving(*sides, decisions[0]).digests()["decisions"]
    assert "decisions" not in giving(*sides).digests()
    assert "other inputs" in lie(giving(*sides), am.solve(one), "OTHER_INPUT")


# --- the check

PROBLEM = giving(
    [need("n1", 2, "B"), need("n2", 2, "A")],
    [lot("d1", 2), lot("d2", 2)],
    pin("x1", "n1", "d1", 1),
    forbid("x2", "n1", "d2"),
)
TRUTH = solved(PROBLEM)


def test_the_truth_about_decisions_passes_and_comes_back_from_a_file(tmp_path: Path) -> None:
    # n1 has the pinned unit and what n2 leaves in d1, as d2 is forbidden to it
    assert sent(TRUTH) == [("n1", "d1", 2, 1), ("n2", "d2", 2, 0)]
    again = am.Matching.load(TRUTH.save(tmp_path / "run.json"))
    am.verify(PROBLEM, again)
    assert sent(again) == sent(TRUTH)


def test_a_pin_that_is_not_honoured_is_a_lie() -> None:
    told = lie(PROBLEM, replace(TRUTH, assignments=TRUTH.assignments[1:]), "PIN")
    assert "the pin of demand 'n1' to supply 'd1' is not honoured" in told


def test_a_forbidden_pair_is_a_lie() -> None:
    mine, other = TRUTH.assignments
    rows = (mine, replace(mine, supply_id="d2", giver_id="P-d2", quantity=1, pinned=0), other)
    told = lie(PROBLEM, replace(TRUTH, assignments=rows), "FORBIDDEN")
    assert "supply 'd2' to demand 'n1': a decision forbids it" in told


@pytest.mark.parametrize(("at", "pinned"), [(0, 0), (0, 2), (1, 1), (1, -1)])
def test_what_is_pinned_is_recomputed(at: int, pinned: int) -> None:
    rows = list(TRUTH.assignments)
    rows[at] = replace(rows[at], pinned=pinned)
    lie(PROBLEM, replace(TRUTH, assignments=tuple(rows)), "QUANTITY")


def test_less_than_is_pinned_is_a_lie() -> None:
    problem = giving([need("n1", 2)], [lot("d1", 2)], pin("x1", "n1", "d1"))
    matching = solved(problem)
    less = replace(matching, assignments=(replace(matching.assignments[0], quantity=1),))
    assert "2 of it pinned" in lie(problem, less, "QUANTITY")


def test_a_pin_proves_nothing_about_the_rest() -> None:
    # one unit was pinned against the rule; a second one is no decision of anybody
    problem = giving([need("n1", 2)], [lot("d1", 2, only_categories=("B",))], pin("x1", "n1", "d1", 1))
    matching = solved(problem)
    more = replace(matching, assignments=(replace(matching.assignments[0], quantity=2),), unmet={}, reasons={})
    assert "CATEGORY_NOT_ALLOWED" in lie(problem, more, "ELIGIBILITY")
    far = giving([need("n1", 2)], [lot("d1", 2, place=NORTH, max_km=1)], pin("x1", "n1", "d1", 1))
    matching = solved(far)
    more = replace(matching, assignments=(replace(matching.assignments[0], quantity=2),), unmet={}, reasons={})
    assert "11120 metres are out of reach" in lie(far, more, "ELIGIBILITY")
    table = listed(("n1", "d1", 3, False))
    by_table = giving([need("n1", 2)], [lot("d1", 2)], pin("x1", "n1", "d1", 1), pairs=table)
    matching = solved(by_table)
    more = replace(matching, assignments=(replace(matching.assignments[0], quantity=2),), unmet={}, reasons={})
    assert "not among the pairs that may be" in lie(by_table, more, "ELIGIBILITY")


def test_reasons_know_of_decisions() -> None:
    problem = giving([need("n1")], [lot("d1")], forbid("x1", "n1", "d1"))
    matching = solved(problem)
    for reason in ("USED_UP", "OUT_OF_REACH", "NO_SUPPLY", "ONE_EACH"):
        lie(problem, replace(matching, reasons={"n1": reason}), "REASONS")


def test_a_decision_that_never_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="until is before on"):
        pin("x1", "n1", "d1", until=YESTERDAY)
