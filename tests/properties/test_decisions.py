"""Pins and forbids: conflicts are found before solving, the rest is honoured, and the levels are optimal given them."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances import DAY, CareCase, Case, care_cases, cases, levels
from tests.oracles import exhaustive, is_there, takes_part
from tests.profiles import examples, sweep

import aidmatch as am

seeds = st.integers(0, 2**32)


def drawn(problem: Any, seed: int) -> list[am.Decision]:
    """Up to four decisions about random pairs, one in five not in force."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(int(rng.integers(1, 5))):
        if not problem.demands or not problem.supplies:
            break
        demand = problem.demands[int(rng.integers(len(problem.demands)))]
        supply = problem.supplies[int(rng.integers(len(problem.supplies)))]
        kind = "pin" if rng.random() < 0.6 else "forbid"
        found.append(
            am.Decision(
                id=f"x{number}",
                kind="pin" if kind == "pin" else "forbid",
                demand_id=demand.id,
                supply_id=supply.id,
                quantity=int(rng.integers(1, 4)) if kind == "pin" and rng.random() < 0.3 else None,
                on=DAY,
                until=DAY if rng.random() < 0.5 else None,
            )
            if rng.random() < 0.8
            else am.Decision(
                id=f"x{number}",
                kind="pin",
                demand_id=demand.id,
                supply_id=supply.id,
                on="2017-06-02",  # type: ignore[arg-type]  # validated from text
            )
        )
    return found


def conflict(problem: Any, decisions: list[am.Decision]) -> bool:
    """Whether the pins in force contradict the gate, a capacity, an item, a listed cost or another decision."""
    held = [d for d in decisions if d.on <= problem.as_of]
    demands, supplies = {d.id: d for d in problem.demands}, {s.id: s for s in problem.supplies}
    giving = isinstance(problem, am.GivingProblem)
    forbidden = {(d.demand_id, d.supply_id) for d in held if d.kind == "forbid"}
    listed = None if problem.pairs is None else {(p.demand_id, p.supply_id) for p in problem.pairs.pairs}
    of_demand: Counter[str] = Counter()
    of_supply: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for pin in held:
        if pin.kind != "pin":
            continue
        demand, supply = demands[pin.demand_id], supplies[pin.supply_id]
        asked = demand.quantity if giving else demand.caregivers_needed
        offered = supply.quantity if giving else supply.max_persons
        most = min(asked, offered) if giving else min(asked, offered, 1)
        units = most if pin.quantity is None else pin.quantity
        of_demand[demand.id] += units
        of_supply[supply.id] += units
        pairs[demand.id, supply.id] += 1
        if (
            not takes_part(demand, problem)
            or not is_there(supply, problem)
            or (demand.id, supply.id) in forbidden
            or pairs[demand.id, supply.id] > 1
            or (giving and (demand.item, demand.unit) != (supply.item, supply.unit))
            or not 1 <= units <= most
            or of_demand[demand.id] > asked
            or of_supply[supply.id] > offered
            or (listed is not None and (demand.id, supply.id) not in listed)
        ):
            return True
    return False


def decided(problem: Any, decisions: list[am.Decision]) -> Any:
    if isinstance(problem, am.GivingProblem):
        return am.GivingProblem(problem.needs, problem.donations, as_of=DAY, pairs=problem.pairs, decisions=decisions)
    return am.CareProblem(problem.clients, problem.caregivers, as_of=DAY, current=problem.current, decisions=decisions)


def check(problem: Any, policy: am.Policy, decisions: list[am.Decision]) -> None:
    if conflict(problem, decisions):
        with pytest.raises(am.ProblemError) as caught:
            decided(problem, decisions)
        assert caught.value.code == "PIN_CONFLICT"
        return
    again = decided(problem, decisions)
    matching = am.solve(again, policy=policy)
    assert levels(matching) == exhaustive(again, policy)
    am.verify(again, matching, policy=policy)
    sent = {(a.demand_id, a.supply_id): a for a in matching.assignments}
    for decision in decisions:
        pair = decision.demand_id, decision.supply_id
        if decision.on > DAY:
            continue
        if decision.kind == "forbid":
            assert pair not in sent
        else:
            assert sent[pair].pinned >= (decision.quantity or 1)


@sweep
@settings(max_examples=examples(1_000))
@given(care_cases(demands=5, supplies=4), seeds)
def test_decisions_about_care(case: CareCase, seed: int) -> None:
    check(case.problem, case.policy, drawn(case.problem, seed))


@sweep
@settings(max_examples=examples(1_000))
@given(cases(demands=5, supplies=4, most=3), seeds)
def test_decisions_about_giving(case: Case, seed: int) -> None:
    check(case.problem, case.policy, drawn(case.problem, seed))


@settings(max_examples=examples(150))
@given(care_cases(demands=9, supplies=7))
def test_a_limit_on_changes_is_kept_or_the_run_refused_with_the_fewest(case: CareCase) -> None:
    policy = case.policy.replace(levels=("coverage", "pairs", "distance"))
    problem = case.problem
    best = am.solve(problem, policy=policy)
    kept = {(a.demand_id, a.supply_id) for a in best.assignments}
    there = {d.id for d in problem.clients if takes_part(d, problem)}
    there |= {s.id for s in problem.caregivers if is_there(s, problem)}
    in_force = [p for p in problem.current if p.state != "ended" and p.demand_id in there and p.supply_id in there]
    ended = sum((p.demand_id, p.supply_id) not in kept for p in in_force)
    assert am.solve(problem, policy=policy.replace(max_pairs_changed=ended)).digest == best.digest
    if ended:
        with pytest.raises(am.ProblemError, match=f"ends {ended} pairs in force, the fewest") as caught:
            am.solve(problem, policy=policy.replace(max_pairs_changed=ended - 1))
        assert caught.value.code == "TOO_MANY_CHANGES"
