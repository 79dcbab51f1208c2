"""Clients and caregivers: what is special about them, by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from pydantic import ValidationError
from tests.instances import DAY, CareCase, care_cases, caregiver, client, levels, need, place
from tests.oracles import may_meet
from tests.profiles import examples

import aidmatch as am
from aidmatch.rules.protocol import Eligibility, rules_named

YESTERDAY, TOMORROW = DAY - timedelta(days=1), DAY + timedelta(days=1)
RULES = ("services", "languages", "caregiver-gender")
SERVICES, LANGUAGES, GENDER = rules_named(RULES)


def care(clients: Any = (), givers: Any = (), **options: Any) -> am.CareProblem:
    return am.CareProblem(clients, givers, **{"as_of": DAY, **options})


def refused(code: str, *sides: Any, **options: Any) -> str:
    with pytest.raises(am.ProblemError) as caught:
        care(*sides, **options)
    assert caught.value.code == code
    return str(caught.value)


def solved(problem: am.CareProblem, **fields: Any) -> am.Matching:
    """The matching, proven and checked."""
    policy = am.Policy.care(**fields)
    matching = am.solve(problem, policy=policy)
    am.verify(problem, matching, policy=policy)
    return matching


def together(matching: am.Matching) -> list[tuple[str, str]]:
    return [(a.demand_id, a.supply_id) for a in matching.assignments]


# --- records


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"modes_accepted": ("bed", "neighbour")}, None),
        ({"modes_accepted": ("bed", "doctor")}, "NOT_FOR_NEIGHBOURS"),
        ({"modes_accepted": ()}, "NOT_FOR_NEIGHBOURS"),
        ({"gate": am.Gate(approval="appraised")}, "NOT_APPROVED"),
        ({"gate": am.Gate(approval="approved", objected=True), "modes_accepted": ("bed",)}, "OBJECTED"),
    ],
)
def test_a_client_enters_who_may_and_wants_a_neighbour(fields: dict[str, Any], reason: str | None) -> None:
    assert client("c1", **fields).closed(DAY) == reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"available_from": DAY, "available_until": DAY}, None),
        ({"available_from": TOMORROW}, "NOT_YET_AVAILABLE"),
        ({"available_until": YESTERDAY}, "NO_LONGER_AVAILABLE"),
        ({"available_from": TOMORROW, "available_until": YESTERDAY}, "NOT_YET_AVAILABLE"),
    ],
)
def test_a_caregiver_enters_on_the_days_of_work(fields: dict[str, Any], reason: str | None) -> None:
    assert caregiver("g1", **fields).closed(DAY) == reason


@pytest.mark.parametrize(
    "wrong",
    [
        {"caregivers_needed": 0},
        {"severity": "grave"},
        {"gender": "female"},
        {"caregiver_gender": "X"},
        {"modes_accepted": ("neighbor",)},
        {"minutes_per_week": 10_081},
        {"languages": (3,)},
    ],
)
def test_what_a_client_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        client("c1", **wrong)
    assert {fault["loc"][0] for fault in caught.value.errors()} == set(wrong)


def test_what_a_caregiver_cannot_be_is_refused() -> None:
    with pytest.raises(ValidationError, match="min_persons is above max_persons"):
        caregiver("g1", 2, min_persons=3)
    wrong: list[dict[str, Any]] = [{"max_persons": -1}, {"max_persons": 10_001}, {"birth_year": 1849}, {"max_km": -1}]
    for fields in wrong:
        with pytest.raises(ValidationError) as caught:
            replace(caregiver("g1"), **fields)
        assert [fault["loc"] for fault in caught.value.errors()] == [tuple(fields)]
    assert caregiver("g1", 0).max_persons == 0


def test_reprs_hold_no_more_than_ids() -> None:
    assert repr(client("c1", household_id="canary")) == "<Client 'c1'>"
    assert repr(caregiver("g1", household_id="canary")) == "<Caregiver 'g1'>"


# --- the problem


def test_a_care_problem_is_a_value_of_two_sides() -> None:
    clients, givers = [client("c2"), client("c1")], [caregiver("g1")]
    for problem in (care(clients, givers), care(iter(clients), (g for g in givers))):
        assert (list(problem.clients), list(problem.caregivers)) == (clients, givers)
        assert (problem.demands, problem.supplies) == (problem.clients, problem.caregivers)
    assert repr(problem) == "<CareProblem: 2 clients, 1 caregivers, 2017-06-01>"
    assert (problem.family, problem.cost_unit, problem.current, problem.decisions) == ("care", "metre", (), ())
    assert problem.owners(clients[0], givers[0]) == ("H-c2", "G-g1")
    assert [one.id for one in problem.admission().demands] == ["c1", "c2"]


def test_what_is_no_record_of_care_is_refused() -> None:
    assert "clients[0] is a Need, not a Client" in refused("NO_RECORDS", [need("n1")])
    assert "caregivers[1] is a Client, not a Caregiver" in refused("NO_RECORDS", [], [caregiver("g1"), client("c1")])
    assert "current[0] is a str, not a Pair" in refused("NO_RECORDS", current="c1")
    assert "current= is a int" in refused("NO_RECORDS", current=3)
    assert "clients: id 'c1' comes twice" in refused("DUPLICATE_ID", [client("c1"), client("c1")])
    assert "caregivers: id 'g1' comes twice" in refused("DUPLICATE_ID", [], [caregiver("g1"), caregiver("g1")])


def test_clients_without_minutes_are_named_where_caregivers_have_minutes() -> None:
    problem = care([client("c1", minutes_per_week=60), client("c2")], [caregiver("g1", minutes_per_week=300)])
    with pytest.raises(am.RowsError, match="id 'c2'") as caught:
        am.solve(problem)
    (fault,) = caught.value.report.refused
    assert (fault.source, fault.line, fault.column, fault.code) == ("clients", 2, "minutes_per_week", "NO_MINUTES")


def test_a_pair_is_in_force_once() -> None:
    pair = am.Pair(demand_id="c1", supply_id="g1", since=YESTERDAY)
    before = am.Pair(demand_id="c1", supply_id="g1", since=date(2016, 1, 1), state="ended")
    assert "current= has 'c1 and g1' twice" in refused("DUPLICATE_ID", [client("c1")], current=[pair, pair])
    problem = care([client("c1")], [caregiver("g1")], current=[before, pair, before])
    assert levels(solved(problem, levels=("coverage", "pairs", "continuity"))) == (1, 0, 0, 0, 1, 2)
    ended = care([client("c1")], [caregiver("g1")], current=[before])
    assert levels(solved(ended, levels=("coverage", "pairs", "continuity"))) == (1, 0, 0, 0, 0, 0)


def test_pairs_in_force_count_in_the_digests() -> None:
    sides = [client("c1"), client("c2")], [caregiver("g1")]
    pairs = [am.Pair(demand_id=id_, supply_id="g1", since=YESTERDAY) for id_ in ("c1", "c2")]
    plain, some, turned = (care(*sides, current=current).digests() for current in ([], pairs, pairs[::-1]))
    assert set(plain) == {"clients", "caregivers"}
    assert set(some) == {"clients", "caregivers", "current"}
    assert some == turned
    assert care(*sides, current=pairs[:1]).digests()["current"] != some["current"]


def test_families_are_not_mixed_up() -> None:
    giving = am.GivingProblem([], [], as_of=DAY)
    for problem, policy, said in (
        (care(), am.Policy.giving(), "a care problem and a policy for giving"),
        (giving, am.Policy.care(), "a giving problem and a policy for care"),
    ):
        with pytest.raises(am.ProblemError, match=said) as caught:
            am.solve(problem, policy=policy)
        assert caught.value.code == "OTHER_FAMILY"
    assert am.solve(care()).policy == am.Policy.care()


def test_faults_name_clients_and_caregivers() -> None:
    problem = care([client("c1"), client("c2", "E")], [caregiver("g1")])
    with pytest.raises(am.RowsError, match="id 'c2': not one of the policy's categories A, B, C, D") as caught:
        am.solve(problem)
    (fault,) = caught.value.report.refused
    assert (fault.source, fault.line, fault.column, fault.code) == ("clients", 2, "category", "UNKNOWN_CATEGORY")
    coded = care([client("c1", place=am.Place(code="37"))], [caregiver("g1", place=am.Place(code="38"))])
    with pytest.raises(am.RowsError) as caught:
        am.solve(coded)
    assert [(f.source, f.line, f.code) for f in caught.value.report.refused] == [
        ("clients", 1, "NO_POINT"),
        ("caregivers", 1, "NO_POINT"),
    ]
    table = [place("37", 36, 116), place("38", 36, 116)]
    assert levels(solved(care(coded.clients, coded.caregivers, places=table)))[0] == 1


# --- rules


@pytest.mark.parametrize(
    ("asked", "offered", "reason"),
    [
        ((), (), None),
        ((), ("cook",), None),
        (("cook",), ("walk", "cook"), None),
        (("cook", "walk"), ("walk", "cook"), None),
        (("cook",), (), "SERVICE_NOT_OFFERED"),
        (("cook", "walk"), ("cook",), "SERVICE_NOT_OFFERED"),
    ],
)
def test_a_caregiver_can_do_all_that_is_asked_for(asked: Any, offered: Any, reason: str | None) -> None:
    assert SERVICES.reason(client("c1", services=asked), caregiver("g1", services=offered)) == reason


@pytest.mark.parametrize(
    ("spoken", "understood", "reason"),
    [
        ((), (), None),
        ((), ("local",), None),
        (("local",), ("local", "mandarin"), None),
        (("local", "mandarin"), ("mandarin",), None),
        (("local",), (), "NO_COMMON_LANGUAGE"),
        (("local",), ("mandarin",), "NO_COMMON_LANGUAGE"),
    ],
)
def test_one_language_in_common_is_enough(spoken: Any, understood: Any, reason: str | None) -> None:
    assert LANGUAGES.reason(client("c1", languages=spoken), caregiver("g1", languages=understood)) == reason


@pytest.mark.parametrize(
    ("wanted", "gender", "reason"),
    [
        (None, "F", None),
        (None, "M", None),
        ("F", "F", None),
        ("M", "M", None),
        ("F", "M", "GENDER_NOT_WANTED"),
        ("M", "F", "GENDER_NOT_WANTED"),
    ],
)
def test_a_caregiver_has_the_gender_asked_for(wanted: Any, gender: Any, reason: str | None) -> None:
    # the client's own does not matter
    for own in ("F", "M"):
        asking = client("c1", caregiver_gender=wanted, gender=own)
        assert GENDER.reason(asking, caregiver("g1", gender=gender)) == reason


def test_each_rule_of_care_closes_the_pairs_it_says() -> None:
    clients = [
        client("c1", services=("cook",)),
        client("c2", languages=("local",)),
        client("c3", caregiver_gender="M"),
        client("c4"),
    ]
    problem = care(clients, [caregiver("g1", 9, gender="F", languages=("mandarin",))])
    matching = solved(problem)
    assert together(matching) == [("c4", "g1")]
    assert dict(matching.reasons) == {"c1": "NOT_ALLOWED", "c2": "NOT_ALLOWED", "c3": "NOT_ALLOWED"}
    for rule, served in zip(RULES, ("c1", "c2", "c3"), strict=True):
        without = solved(problem, rules=[name for name in RULES if name != rule])
        assert together(without) == sorted([(served, "g1"), ("c4", "g1")])
    assert len(solved(problem, rules=()).assignments) == 4


@settings(max_examples=examples(200))
@given(care_cases(demands=8, supplies=7))
def test_labels_and_the_table_of_all_rules_say_what_the_reasons_say(case: CareCase) -> None:
    clients, givers = case.problem.clients, case.problem.caregivers
    for rule in (SERVICES, LANGUAGES, GENDER):
        of_demand, of_supply = rule.labels(clients, givers)
        found: dict[tuple[int, int], set[str | None]] = {}
        for (i, a), (j, b) in product(enumerate(of_demand.tolist()), enumerate(of_supply.tolist())):
            found.setdefault((a, b), set()).add(rule.reason(clients[i], givers[j]))
        assert all(len(reasons) == 1 for reasons in found.values())
    eligibility = Eligibility.under(rules_named(RULES), clients, givers)
    table = eligibility.allowed[np.ix_(eligibility.demand_group, eligibility.supply_group)].tolist()
    assert table == [[may_meet(one, giver) for giver in givers] for one in clients]


# --- one each


def test_a_caregiver_serves_a_client_once() -> None:
    matching = solved(care([client("c1", caregivers_needed=3)], [caregiver("g1", 5), caregiver("g2", 1)]))
    assert [(a.demand_id, a.supply_id, a.quantity) for a in matching.assignments] == [("c1", "g1", 1), ("c1", "g2", 1)]
    assert (dict(matching.unmet), dict(matching.reasons)) == ({"c1": 1}, {"c1": "ONE_EACH"})
    assert levels(matching)[0] == 2


def test_one_each_is_told_from_used_up_and_out_of_reach() -> None:
    # g1 and g2 serve c1; g3 is too far for it, and for c2 the only one; c3 finds g2 taken by c1 and c4
    clients = [
        client("c1", caregivers_needed=3),
        client("c2", "B", place=place(lat=37)),
        client("c3", "C", languages=("local",), caregivers_needed=2),
        client("c4", "A", languages=("local",), caregivers_needed=2),
        client("c5", "D", place=place(lat=38)),
    ]
    givers = [caregiver("g1", 5), caregiver("g2", 2, languages=("local",)), caregiver("g3", 5, place=place(lat=37))]
    matching = solved(care(clients, givers), max_km=10)
    assert together(matching) == [("c1", "g1"), ("c1", "g2"), ("c2", "g3"), ("c4", "g2")]
    assert dict(matching.reasons) == {"c1": "ONE_EACH", "c3": "USED_UP", "c4": "ONE_EACH", "c5": "OUT_OF_REACH"}


def test_a_caregiver_with_no_place_left_is_used_up_and_not_absent() -> None:
    matching = solved(care([client("c1")], [caregiver("g1", 0)]))
    assert (matching.supplies, matching.offered) == (1, 0)
    assert dict(matching.reasons) == {"c1": "USED_UP"}
    assert dict(solved(care([client("c1")], [])).reasons) == {"c1": "NO_SUPPLY"}


def test_another_reason_than_one_each_is_a_lie() -> None:
    problem = care([client("c1", caregivers_needed=2)], [caregiver("g1", 5)])
    matching = am.solve(problem)
    for reason in ("USED_UP", "OUT_OF_REACH", "NOT_ALLOWED", "NO_SUPPLY"):
        with pytest.raises(am.VerificationError) as caught:
            am.verify(problem, replace(matching, reasons={"c1": reason}))
        assert caught.value.code == "REASONS"


def test_two_units_on_one_pair_are_a_lie() -> None:
    problem = care([client("c1", caregivers_needed=2)], [caregiver("g1", 5)])
    matching = am.solve(problem)
    (row,) = matching.assignments
    with pytest.raises(am.VerificationError) as caught:
        am.verify(problem, replace(matching, assignments=(replace(row, quantity=2),), unmet={}, reasons={}))
    assert caught.value.code == "QUANTITY"


# --- how many pairs a run may end


def in_turn(**options: Any) -> am.CareProblem:
    """Each client lives with the other's caregiver; a third pair has no client any more."""
    current = [
        am.Pair(demand_id=c, supply_id=g, since=YESTERDAY) for c, g in (("c1", "g1"), ("c2", "g2"), ("c3", "g3"))
    ]
    clients = [client("c1"), client("c2", place=place(lat=36.6)), client("c3", modes_accepted=("bed",))]
    givers = [caregiver("g1", place=place(lat=36.6)), caregiver("g2"), caregiver("g3", max_km=0)]
    return care(clients, givers, current=current, **options)


@pytest.mark.parametrize(
    ("names", "ended"), [(("coverage", "distance"), 2), (("coverage", "pairs"), 0), (("distance", "pairs"), 2)]
)
def test_a_run_that_would_end_more_pairs_than_it_may_is_refused(names: tuple[str, ...], ended: int) -> None:
    problem = in_turn()
    matching = solved(problem, levels=names)
    assert problem.pairs_ended(together(matching)) == ended
    for most in range(4):
        policy = am.Policy.care(levels=names, max_pairs_changed=most)
        if ended <= most:
            assert together(solved(problem, levels=names, max_pairs_changed=most)) == together(matching)
            continue
        with pytest.raises(am.ProblemError, match=f"ends {ended} pairs in force") as caught:
            am.solve(problem, policy=policy)
        assert caught.value.code == "TOO_MANY_CHANGES"
        with pytest.raises(am.VerificationError, match=f"{ended} pairs in force are ended") as lie:
            am.verify(problem, replace(matching, policy=policy))
        assert lie.value.code == "LIMIT"


def test_the_fewest_that_coverage_needs_are_said_to_be_so() -> None:
    # only g1 can be with c2, and c1 has another choice
    clients = [client("c1"), client("c2", languages=("local",))]
    givers = [caregiver("g1", languages=("local",)), caregiver("g2")]
    problem = care(clients, givers, current=[am.Pair(demand_id="c1", supply_id="g1", since=YESTERDAY)])
    policy = am.Policy.care(levels=("coverage", "pairs", "distance"), max_pairs_changed=0)
    with pytest.raises(am.ProblemError, match="ends 1 pairs in force, the fewest for this coverage, but"):
        am.solve(problem, policy=policy)
    assert together(solved(problem, levels=("pairs", "coverage"), max_pairs_changed=0)) == [("c1", "g1")]


# --- radii and tables of pairs


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        ({}, True),
        ({"max_km": 11.12}, True),
        ({"max_km": 11.119}, False),
        ({"max_km": 100, "max_km_by_item": {"care": 5}}, False),
        ({"max_km": 5, "max_km_by_item": {"care": 100}}, True),
        ({"max_km": 5, "max_km_by_item": {"quilt": 100}}, False),
    ],
)
def test_care_has_a_radius_under_its_own_name(policy: dict[str, Any], served: bool) -> None:
    matching = solved(care([client("c1", place=place(lat=36.6))], [caregiver("g1", max_km=20)]), **policy)
    assert len(matching.assignments) == served
    assert dict(matching.reasons) == ({} if served else {"c1": "OUT_OF_REACH"})


def test_care_may_bring_its_costs() -> None:
    def listed(*triples: tuple[str, str, int]) -> am.PairTable:
        return am.PairTable([am.PairCost(demand_id=i, supply_id=j, cost=c) for i, j, c in triples], unit="minute")

    coded = am.Place(code="371501001001")
    clients = [client("c1", place=coded), client("c2", place=coded, caregivers_needed=2)]
    givers: Sequence[am.Caregiver] = [caregiver("g1", 2, place=coded), caregiver("g2", 2, place=coded)]
    problem = care(clients, givers, pairs=listed(("c1", "g1", 9), ("c1", "g2", 4), ("c2", "g1", 5)))
    matching = solved(problem)
    assert [(a.demand_id, a.supply_id, a.cost, a.metres) for a in matching.assignments] == [
        ("c1", "g2", 4, None),
        ("c2", "g1", 5, None),
    ]
    assert dict(matching.reasons) == {"c2": "ONE_EACH"}
    assert levels(matching) == (2, 0, 0, 0, 0, 0, 9)
    assert matching.levels[-1].unit == "unit·minute"


# --- the result


def test_a_matching_of_care_names_both_households_and_comes_back_from_a_file(tmp_path: Path) -> None:
    problem = care([client("c1"), client("c2", "B")], [caregiver("g1")])
    matching = solved(problem)
    (row,) = matching.to_rows()
    assert (row["household_id"], row["giver_id"], row["item"], row["quantity"]) == ("H-c1", "G-g1", "care", 1)
    again = am.Matching.load(matching.save(tmp_path / "run.json"))
    am.verify(problem, again)
    assert again.save(tmp_path / "again.json").read_bytes() == (tmp_path / "run.json").read_bytes()
    assert again.policy == am.Policy.care()


def test_a_renewed_pair_beside_the_ended_one_has_one_digest_in_any_order() -> None:
    old = am.Pair(demand_id="c1", supply_id="g1", since=date(2016, 1, 1), state="ended")
    new = am.Pair(demand_id="c1", supply_id="g1", since=date(2017, 1, 1))
    one, other = (
        am.CareProblem([client("c1")], [caregiver("g1")], as_of=DAY, current=current)
        for current in ([old, new], [new, old])
    )
    assert one.digests() == other.digests()
    am.verify(other, am.solve(one))
