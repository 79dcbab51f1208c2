"""The library's levels are those of exhaustive search and of independent solvers."""

from hypothesis import given, settings
from tests.instances import CareCase, Case, care_cases, cases, levels
from tests.oracles import by_highs, by_networkx, exhaustive
from tests.profiles import examples, sweep

import aidmatch as am


@sweep
@settings(max_examples=examples(2_000))
@given(cases(demands=7, supplies=6, most=3))
def test_levels_are_those_of_exhaustive_search(case: Case) -> None:
    matching = am.solve(case.problem, policy=case.policy)
    assert levels(matching) == exhaustive(case.problem, case.policy)
    am.verify(case.problem, matching)


@settings(max_examples=examples(100))
@given(cases(demands=60, supplies=40, most=9))
def test_levels_are_those_of_independent_solvers(case: Case) -> None:
    matching = am.solve(case.problem, policy=case.policy)
    assert levels(matching) == by_networkx(case.problem, case.policy)
    assert levels(matching) == by_highs(case.problem, case.policy)
    am.verify(case.problem, matching)


@sweep
@settings(max_examples=examples(2_000))
@given(care_cases(demands=6, supplies=5))
def test_levels_of_care_are_those_of_exhaustive_search(case: CareCase) -> None:
    matching = am.solve(case.problem, policy=case.policy)
    assert levels(matching) == exhaustive(case.problem, case.policy)
    am.verify(case.problem, matching)


@sweep
# each takes half a second on a slow machine
@settings(max_examples=examples(40))
@given(care_cases(demands=60, supplies=40))
def test_levels_of_care_are_those_of_independent_solvers(case: CareCase) -> None:
    matching = am.solve(case.problem, policy=case.policy)
    assert levels(matching) == by_networkx(case.problem, case.policy)
    assert levels(matching) == by_highs(case.problem, case.policy)
    am.verify(case.problem, matching)
