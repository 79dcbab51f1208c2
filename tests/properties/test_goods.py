"""Goods and money as platforms have them, decided optimally, proven and checked: against trying everything."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.goods_cases import best, goods_case
from tests.profiles import examples

import aidmatch as am

SEEDS = st.integers(0, 2**32)


@settings(max_examples=examples(1_000, 20_000))
@given(SEEDS)
def test_projects_and_expiry_agree_with_exhaustive_search(seed: int) -> None:
    case = goods_case(seed)
    matching = am.solve(case.problem, policy=case.policy)
    am.verify(case.problem, matching)
    assert tuple(level.value for level in matching.levels) == best(case)
    assert matching.solving.method == "flow"
