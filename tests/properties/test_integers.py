"""What integers decide is optimal, proven and checked: against trying everything."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integer_cases import IntegerCase, best, care_case, giving_case
from tests.profiles import everything_is_large, examples

import aidmatch as am

SEEDS = st.integers(0, 2**32)


def holds_against_everything(case: IntegerCase) -> None:
    matching = am.solve(case.problem, policy=case.policy)
    am.verify(case.problem, matching)
    optimum = best(case)
    assert tuple(level.value for level in matching.levels) == optimum
    assert matching.status is not am.Status.FEASIBLE
    for level in matching.levels:
        assert level.bound >= level.value if level.sense == "max" else level.bound <= level.value


@settings(max_examples=examples(500, 10_000))
@given(SEEDS)
def test_giving_agrees_with_exhaustive_search(seed: int) -> None:
    holds_against_everything(giving_case(seed))


@settings(max_examples=examples(500, 10_000))
@given(SEEDS)
def test_care_agrees_with_exhaustive_search(seed: int) -> None:
    holds_against_everything(care_case(seed))


@settings(max_examples=examples(150, 4_000))
@given(SEEDS)
def test_searched_as_large_components_they_are_the_same(seed: int) -> None:
    # without what is near the relaxation, blocks have something left to find
    with everything_is_large(nearby=seed % 2 == 0):
        holds_against_everything(giving_case(seed))
        holds_against_everything(care_case(seed))
