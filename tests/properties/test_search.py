"""What is found by place and price is what is found by looking at every pair, whatever the certificate says."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances import CareCase, Case, random_care_case, random_case
from tests.profiles import examples

import aidmatch as am
from aidmatch.verification import check as verification
from aidmatch.verification import liars


def either_way(case: Case | CareCase, rng: np.random.Generator | None) -> list[tuple[Any, ...]]:
    """First liar and who could take more of each item, by enumeration and by search, the proof perhaps corrupted."""
    matching = am.solve(case.problem, policy=case.policy)
    check = verification._Check(case.problem, matching, None)
    if check._kinds_of_levels is None:
        return []
    answer = check._answer()
    u, v = check._certificate(answer)
    if rng is not None:
        u, v = u.copy(), v.copy()
        for _ in range(int(rng.integers(1, 4))):
            rows = (u, v)[int(rng.integers(2))]
            if rows.size:
                at = int(rng.integers(rows.shape[0])), int(rng.integers(rows.shape[1]))
                rows[at] += int(rng.choice([-1, 1, 1, 2, 5_000, -5_000, 2**33]))
    look = check._look(answer, u, v)
    found = []
    for i, j in check._items:
        one, other = np.zeros((2, len(check.demands)), dtype=np.bool_)
        by_rows, by_place = check._enumerated(look, i, j, one), check._searched(look, i, j, other)
        found.append((by_rows, by_place, by_rows is None and (one != other).any()))
    return found


def cases(seed: int) -> Case | CareCase:
    if seed % 3:
        return random_case(seed, demands=40, supplies=30, most=4, listed=False)
    case = random_care_case(seed, demands=25, supplies=15)
    levels = tuple(level for level in case.policy.levels if level != "nearness" or seed % 2)
    return CareCase(case.problem, case.policy.replace(levels=levels))


@settings(max_examples=examples(250))
@given(st.integers(0, 2**32))
def test_search_and_enumeration_agree_on_truths(seed: int) -> None:
    for by_rows, by_place, differ in either_way(cases(seed), None):
        assert by_rows is by_place is None
        assert not differ


def test_search_and_enumeration_agree_on_lies() -> None:
    lies = 0
    for seed in range(examples(400)):
        for by_rows, by_place, differ in either_way(cases(seed), np.random.default_rng(seed)):
            assert by_rows == by_place, seed
            assert not differ, seed
            lies += by_rows is not None
    assert lies > examples(100)


@pytest.fixture
def everything_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "_ENUMERATED", 0)


@pytest.mark.usefixtures("everything_is_searched")
def test_truths_pass_when_all_is_searched() -> None:
    for seed in range(examples(100)):
        case = cases(seed)
        am.verify(case.problem, am.solve(case.problem, policy=case.policy), policy=case.policy)


@pytest.mark.parametrize("limit", ["_ASKED", "_TABLE"])
@pytest.mark.usefixtures("everything_is_searched")
def test_rules_with_too_many_labels_are_asked_pair_by_pair(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liars, limit, 0)
    for seed in range(examples(60)):
        case = cases(seed)
        am.verify(case.problem, am.solve(case.problem, policy=case.policy), policy=case.policy)
