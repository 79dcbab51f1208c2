"""Every demand gets exactly one verdict, and it is what first principles say."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from tests.instances import DAY, CareCase, Case, care_cases, cases, pin
from tests.oracles import is_there, may_meet, metres, takes_part
from tests.profiles import examples

import aidmatch as am


def first_principles(problem: Any, matching: am.Matching, demand: Any) -> dict[str, Any]:
    """The verdict and the counts, from the records and the assignments alone."""
    giving = isinstance(problem, am.GivingProblem)
    if not takes_part(demand, problem):
        return {"code": "CLOSED"}
    policy = matching.policy
    served = {a.supply_id: a.quantity for a in matching.assignments if a.demand_id == demand.id}
    asked = demand.quantity if giving else demand.caregivers_needed
    offered = [
        s
        for s in problem.supplies
        if is_there(s, problem) and (not giving or (s.item, s.unit) == (demand.item, demand.unit))
    ]
    allowed = [s for s in offered if may_meet(demand, s)]
    listed = None
    if problem.pairs is not None:
        listed = {(p.demand_id, p.supply_id) for p in problem.pairs.pairs if p.eligible}

    def near(supply: Any) -> bool:
        if listed is not None:
            return (demand.id, supply.id) in listed
        limits = [km * 1000 for km in (policy.max_km, supply.max_km) if km is not None]
        return all(metres(demand.place, supply.place) <= limit for limit in limits)

    eligible = [s for s in allowed if near(s)]
    left = asked - sum(served.values())
    free = [s for s in eligible if giving or s.id not in served]
    if left == 0:
        reason = None
    elif free:
        reason = "USED_UP"
    elif served and not giving:
        reason = "ONE_EACH"
    else:
        reason = "OUT_OF_REACH" if allowed else "NOT_ALLOWED" if offered else "NO_SUPPLY"
    category = {d.id: d.category for d in problem.demands}
    taken: Counter[str] = Counter()
    ids = {s.id for s in eligible}
    for a in matching.assignments:
        if a.supply_id in ids and a.demand_id != demand.id:
            taken[category[a.demand_id]] += a.quantity
    return {
        "code": "SERVED" if left == 0 else "PARTLY_SERVED" if served else reason,
        "reason": reason,
        "offered": len(offered),
        "eligible": len(eligible),
        "served": sum(served.values()),
        "taken_by": dict(taken),
    }


def check(problem: Any, policy: am.Policy) -> None:
    matching = am.solve(problem, policy=policy)
    ids = {d.id for d in problem.demands} | {s.id for s in problem.supplies}
    for demand in problem.demands:
        explanation = am.explain(problem, matching, demand=demand.id)
        expected = first_principles(problem, matching, demand)
        assert explanation.code == expected.pop("code")
        assert {key: explanation.facts[key] for key in expected} == expected
        if explanation.code != "CLOSED":
            gone = sum(step["supplies"] for step in explanation.facts["removed"])
            assert explanation.facts["offered"] - gone == explanation.facts["eligible"]
            assert explanation.facts["reason"] == matching.reasons.get(demand.id)
        for language in ("zh", "en"):
            family = explanation.text(language, "family")
            assert family
            assert not [id_ for id_ in ids - {demand.id} if id_ in family]
            assert len(explanation.text(language, "caseworker")) >= len(family)


@settings(max_examples=examples(250))
@given(care_cases(demands=9, supplies=7))
def test_explanations_of_care(case: CareCase) -> None:
    check(case.problem, case.policy)


@settings(max_examples=examples(250))
@given(cases(demands=9, supplies=7, most=3))
def test_explanations_of_giving(case: Case) -> None:
    check(case.problem, case.policy)


@settings(max_examples=examples(150))
@given(care_cases(demands=7, supplies=5))
def test_an_alternative_is_worse_by_at_least_what_is_said(case: CareCase) -> None:
    problem = case.problem
    matching = am.solve(problem, policy=case.policy)
    for demand in problem.clients:
        alternative = am.explain(problem, matching, demand=demand.id).facts.get("alternative")
        if alternative is None:
            continue
        decision = pin("x", demand.id, alternative["supply_id"], 1)
        pinned = am.CareProblem(
            problem.clients, problem.caregivers, as_of=DAY, current=problem.current, decisions=[decision]
        )
        loss = tuple(
            (before.value - after.value) * (1 if before.sense == "max" else -1)
            for before, after in zip(matching.levels, am.solve(pinned, policy=case.policy).levels, strict=True)
        )
        said = tuple(alternative["by"] if level.name == alternative["level"] else 0 for level in matching.levels)
        # what comes after the first level that is named is not claimed
        depth = 1 + next((row for row, amount in enumerate(said) if amount), len(said) - 1)
        assert loss[:depth] >= said[:depth]
