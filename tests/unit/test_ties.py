"""Ties are drawn by lot: fairly, by who holds the key, and proven to have one outcome."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, forbid, lot, need
from tests.markets import answer, random_market

import aidmatch as am
from aidmatch.arrays import Ints, Keys
from aidmatch.engine import ties
from aidmatch.engine.market import solve_market
from aidmatch.program import Program
from aidmatch.solvers.simplex import NetworkSimplex

HASHES = ties._hashes


def tied_market() -> am.GivingProblem:
    """Three equal families for two lots at one place: whom they go to is a tie."""
    return am.GivingProblem([need(f"n{i}") for i in range(3)], [lot("d1"), lot("d2")], as_of=DAY)


def test_every_family_is_served_as_often_as_any_other() -> None:
    problem = tied_market()
    served: Counter[str] = Counter()
    for seed in range(300):
        matching = am.solve(problem, policy=am.Policy.giving(seed=str(seed)))
        assert matching.solving.ties_proven
        served.update(a.demand_id for a in matching.assignments)
    # 200 each are expected, with a standard deviation of about 8
    assert all(160 < served[f"n{i}"] < 240 for i in range(3))


def test_a_family_that_two_lots_could_serve_has_no_better_lot_than_one_that_one_could() -> None:
    # the unfairness of hashes on pairs alone: one family reaches one lot, two reach both
    needs = [need("n0", item="quilt"), need("n1"), need("n2")]
    lots = [lot("d1"), lot("d2")]
    problem = am.GivingProblem(needs, lots, as_of=DAY, decisions=[forbid("x", "n0", "d2")])
    served: Counter[str] = Counter()
    for seed in range(300):
        matching = am.solve(problem, policy=am.Policy.giving(seed=str(seed)))
        served.update(a.demand_id for a in matching.assignments)
    assert all(160 < served[f"n{i}"] < 240 for i in range(3))


def test_hashes_that_tie_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def poor_at_first(keys: tuple[Keys, Keys], program: Program, salt: int) -> Ints:
        asked.append(salt)
        return HASHES(keys, program, salt) if salt > 1 else np.ones(len(program.demand_of), dtype=np.int64)

    monkeypatch.setattr(ties, "_hashes", poor_at_first)
    lots = [lot("d1"), lot("d2", max_km=5), lot("d3", max_km=7)]
    problem = am.GivingProblem([need("n1"), need("n2")], lots, as_of=DAY)
    assert am.solve(problem).solving.ties_proven
    assert asked == [0, 1, 2]


def test_a_lottery_that_cannot_choose_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ties, "_hashes", lambda keys, program, salt: np.ones(len(program.demand_of), dtype=np.int64))
    lots = [lot("d1"), lot("d2", max_km=5), lot("d3", max_km=7)]
    problem = am.GivingProblem([need("n1"), need("n2")], lots, as_of=DAY)
    matching = am.solve(problem)
    assert not matching.solving.ties_proven
    am.verify(problem, matching)


@pytest.mark.parametrize("seed", range(60))
def test_the_proof_of_one_outcome_is_right(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # with hashes of one bit many lotteries have several outcomes; turned round, the rows would show another
    def one_bit(keys: tuple[Keys, Keys], program: Program, salt: int) -> Ints:
        return 1 + (HASHES(keys, program, 0) & 1)

    monkeypatch.setattr(ties, "_hashes", one_bit)
    market = random_market(seed)
    first = solve_market(market, [NetworkSimplex()])
    from aidmatch.solvers.ortools_flow import OrtoolsFlow

    other = solve_market(market, [OrtoolsFlow()])
    assert first.work.tied == other.work.tied
    if first.work.tied:
        assert answer(first) == answer(other)


def test_some_of_these_lotteries_have_several_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_bit(keys: tuple[Keys, Keys], program: Program, salt: int) -> Any:
        return 1 + (HASHES(keys, program, 0) & 1)

    monkeypatch.setattr(ties, "_hashes", one_bit)
    proven = Counter(solve_market(random_market(seed), [NetworkSimplex()]).work.tied for seed in range(60))
    assert min(proven[True], proven[False]) > 3
