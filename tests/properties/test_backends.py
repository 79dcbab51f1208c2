"""Each solver alone reaches the same levels, with a proof that the independent check accepts."""

from hypothesis import given, settings
from tests.instances import CareCase, Case, care_cases, cases, levels
from tests.oracles import by_networkx
from tests.profiles import examples, sweep

import aidmatch as am

BACKENDS = ("pylmcf", "ortools")


def each_alone(case: Case | CareCase) -> list[am.Matching]:
    """One matching a backend, verified."""
    matchings = [am.solve(case.problem, policy=case.policy, solver=name) for name in BACKENDS]
    for name, matching in zip(BACKENDS, matchings, strict=True):
        assert [(use.name, use.failures) for use in matching.solving.solvers] == [(name, {})]
        am.verify(case.problem, matching, policy=case.policy)
    return matchings


@sweep
@settings(max_examples=examples(2_000))
@given(cases(demands=9, supplies=8, most=5))
def test_needs_and_lots(case: Case) -> None:
    one, other = each_alone(case)
    assert levels(one) == levels(other)


@settings(max_examples=examples(200))
@given(care_cases(demands=9, supplies=8))
def test_clients_and_caregivers(case: CareCase) -> None:
    one, other = each_alone(case)
    assert levels(one) == levels(other)


@settings(max_examples=examples(60))
@given(cases(demands=30, supplies=20, most=9))
def test_they_agree_with_networkx(case: Case) -> None:
    for matching in each_alone(case):
        assert levels(matching) == by_networkx(case.problem, case.policy)
