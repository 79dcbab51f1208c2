"""Laws that hold between the answers to related problems."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances import Case, cases, levels
from tests.profiles import examples, sweep

import aidmatch as am

seeds = st.integers(0, 2**32)


def solved(case: Case, **changes: object) -> am.Matching:
    problem = case.problem
    parts: dict[str, object] = {"needs": problem.needs, "donations": problem.donations, "pairs": problem.pairs}
    again = am.GivingProblem(**{**parts, **changes}, as_of=problem.as_of)  # type: ignore[arg-type]  # built by name
    return am.solve(again, policy=case.policy)


def merit(matching: am.Matching) -> tuple[int, ...]:
    """Larger is better, level by level."""
    return tuple(level.value if level.sense == "max" else -level.value for level in matching.levels)


@sweep
@settings(max_examples=examples(300))
@given(cases(demands=12, supplies=10, most=5), seeds)
def test_the_order_of_rows_changes_no_level(case: Case, seed: int) -> None:
    rng = np.random.default_rng(seed)
    needs = [case.problem.needs[i] for i in rng.permutation(len(case.problem.needs))]
    lots = [case.problem.donations[j] for j in rng.permutation(len(case.problem.donations))]
    one, other = solved(case), solved(case, needs=needs, donations=lots)
    assert levels(one) == levels(other)
    assert one.inputs == other.inputs
    assert one.digest == other.digest


@sweep
@settings(max_examples=examples(300))
@given(cases(demands=12, supplies=10, most=5), seeds)
def test_more_supply_is_never_worse(case: Case, seed: int) -> None:
    if not case.problem.donations:
        return
    which = seed % len(case.problem.donations)
    lots = [
        replace(lot, quantity=lot.quantity + 1 + seed % 3) if j == which else lot
        for j, lot in enumerate(case.problem.donations)
    ]
    assert merit(solved(case, donations=lots)) >= merit(solved(case))


@sweep
@settings(max_examples=examples(300))
@given(cases(demands=12, supplies=10, most=5, listed=True), seeds)
def test_one_more_eligible_pair_is_never_worse(case: Case, seed: int) -> None:
    pairs = case.problem.pairs
    assert pairs is not None
    listed = {(pair.demand_id, pair.supply_id) for pair in pairs.pairs}
    missing = sorted({(n.id, d.id) for n in case.problem.needs for d in case.problem.donations} - listed)
    if not missing:
        return
    demand_id, supply_id = missing[seed % len(missing)]
    more = am.PairTable(
        [*pairs.pairs, am.PairCost(demand_id=demand_id, supply_id=supply_id, cost=seed % 9)], unit=pairs.unit
    )
    assert merit(solved(case, pairs=more)) >= merit(solved(case))


@sweep
@settings(max_examples=examples(300))
@given(cases(demands=12, supplies=10, most=5, listed=False), seeds)
def test_splitting_a_lot_changes_no_level(case: Case, seed: int) -> None:
    large = [j for j, lot in enumerate(case.problem.donations) if lot.quantity > 1]
    if not large:
        return
    lots = list(case.problem.donations)
    lot = lots[large[seed % len(large)]]
    lots[large[seed % len(large)]] = replace(lot, quantity=1)
    lots.append(replace(lot, id=f"{lot.id}-rest", quantity=lot.quantity - 1))
    assert levels(solved(case, donations=lots)) == levels(solved(case))


@sweep
@settings(max_examples=examples(300))
@given(cases(demands=12, supplies=10, most=5, listed=False))
def test_removing_the_unused_lots_changes_no_level(case: Case) -> None:
    matching = solved(case)
    used = {a.supply_id for a in matching.assignments}
    lots = [lot for lot in case.problem.donations if lot.id in used]
    assert levels(solved(case, donations=lots)) == levels(matching)


@sweep
@settings(max_examples=examples(300))
@given(cases(demands=12, supplies=10, most=5, listed=False))
def test_the_whole_is_the_sum_of_its_items(case: Case) -> None:
    items = {need.item for need in case.problem.needs}
    parts = [
        levels(solved(case, needs=[need for need in case.problem.needs if need.item == item])) for item in sorted(items)
    ]
    whole = levels(solved(case))
    assert tuple(sum(values) for values in zip(*parts, strict=True)) == (whole if parts else ())
