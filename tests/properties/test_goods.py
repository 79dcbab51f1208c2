"""Goods and money as platforms have them, decided optimally, proven and checked: against trying everything."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.goods_cases import (
    GoodsCase,
    best,
    fair_case,
    goods_case,
    kit_case,
    many_funds,
    money_case,
    substitute_case,
)
from tests.profiles import everything_is_large, examples

import aidmatch as am
from aidmatch.engine.integer import solve_integer
from aidmatch.formulation.flow import formulate
from aidmatch.formulation.integer import formulate_integers
from aidmatch.solvers.mip import Highs

SEEDS = st.integers(0, 2**32)


def holds_against_everything(case: GoodsCase) -> am.Matching:
    matching = am.solve(case.problem, policy=case.policy)
    am.verify(case.problem, matching)
    assert tuple(level.value for level in matching.levels) == best(case)
    for id_ in matching.unmet:
        assert am.explain(case.problem, matching, demand=id_).facts["reason"] == matching.reasons[id_]
    return matching


@settings(max_examples=examples(170, 20_000))
@given(SEEDS)
def test_projects_and_expiry_agree_with_exhaustive_search(seed: int) -> None:
    assert holds_against_everything(goods_case(seed)).solving.method == "flow"


@settings(max_examples=examples(170, 20_000))
@given(SEEDS)
def test_even_substitutes_flow_and_agree_with_exhaustive_search(seed: int) -> None:
    assert holds_against_everything(substitute_case(seed, even=True)).solving.method == "flow"


@settings(max_examples=examples(170, 20_000))
@given(SEEDS)
def test_substitutes_in_batches_agree_with_exhaustive_search(seed: int) -> None:
    holds_against_everything(substitute_case(seed))


@settings(max_examples=examples(170, 20_000))
@given(SEEDS)
def test_money_agrees_with_exhaustive_search(seed: int) -> None:
    holds_against_everything(money_case(seed))


@settings(max_examples=examples(170, 20_000))
@given(SEEDS)
def test_fairness_and_every_way_of_counting_agree_with_exhaustive_search(seed: int) -> None:
    holds_against_everything(fair_case(seed))


@settings(max_examples=examples(60, 4_000))
@given(SEEDS)
def test_searched_as_large_components_they_agree_with_exhaustive_search(seed: int) -> None:
    with everything_is_large(nearby=seed % 2 == 0):
        for case in (money_case, kit_case, substitute_case, fair_case):
            holds_against_everything(case(seed))


@settings(max_examples=examples(170, 20_000))
@given(SEEDS)
def test_kits_agree_with_exhaustive_search(seed: int) -> None:
    holds_against_everything(kit_case(seed))


class Ticks:
    """A clock by which the time is over after it has been looked at so often."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def __call__(self) -> float:
        self.looks -= 1
        return 0.0 if self.looks > 0 else 1e9


@settings(max_examples=examples(100, 10_000))
@given(SEEDS, st.integers(1, 40), st.sampled_from([fair_case, kit_case, money_case, many_funds]))
def test_whenever_the_time_is_over_the_answer_and_its_bounds_hold(
    seed: int, looks: int, make: Callable[[int], GoodsCase]
) -> None:
    case = make(seed)
    flow = formulate(case.problem, case.policy, am.GreatCircle())
    integers = formulate_integers(flow, ("an early stop",))
    solution = solve_integer(integers.program, Highs(), deadline=1.0, clock=Ticks(looks))
    am.verify(case.problem, integers.matching(solution, ("highs", "0"), "0"))
