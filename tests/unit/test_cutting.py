"""Cutting planes of knapsacks: true, broken by what no knapsacks are made of, and as good as generating these."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog
from tests.profiles import examples
from tests.unit.test_knapsacks import POLICY, assignment, begun, optimum, problem

import aidmatch as am
from aidmatch.arrays import Bools, Floats, Ints
from aidmatch.engine import cases, cutting, generating, integer
from aidmatch.engine.cases import Cases
from aidmatch.engine.cutting import _Hull, cut
from aidmatch.engine.gathered import Gathered
from aidmatch.engine.generating import generate
from aidmatch.engine.knapsacks import Knapsacks
from aidmatch.engine.primal import Primal
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.searching import Searches
from aidmatch.integer_program import RowKind
from aidmatch.solvers.mip import Highs, Linear, MipAnswer, Relaxation


def hull(load: Any, capacity: int) -> _Hull:
    size = len(load)
    one = Gathered(np.arange(size), np.array(load, dtype=np.int64), capacity, size, -1, 0, size, 0, 0, mends=False)
    return _Hull(one, Highs())


def knapsacks(load: Ints, capacity: int) -> Bools:
    every = np.array(list(product((False, True), repeat=len(load))), dtype=np.bool_)
    return every[every @ load <= capacity]


def relaxed(price: Floats, load: Ints, capacity: int) -> Floats:
    """The pairs of one supply as the relaxation takes them: those worth most for their load, the last one in part."""
    x, room = np.zeros(len(load)), float(capacity)
    for item in np.argsort(price / load).tolist():
        x[item] = min(1.0, room / load[item])
        room -= x[item] * load[item]
    return x


@pytest.mark.parametrize("seed", range(examples(150)))
def test_every_knapsack_keeps_what_a_relaxation_breaks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 9))
    load, capacity = rng.integers(1, 12, size), int(rng.integers(4, 40))
    price = -rng.random(size)
    of, held = hull(load, capacity), knapsacks(load, capacity)
    x = relaxed(price, load, capacity)
    # one after the other, so that each begins with what those before it have found
    for values in (x, rng.permutation(x), np.minimum(1.0, rng.random(size) * 1.5), np.full(size, 0.5)):
        found = of.cut(values, price, None, lambda: 0.0)
        if found is None:
            continue
        coefficient, limit = found
        assert (held @ coefficient <= limit + 1e-6).all()
        assert coefficient @ values > limit + 1e-5
        assert (coefficient >= 0).all()


@pytest.mark.parametrize("seed", range(examples(60)))
def test_what_knapsacks_are_made_of_is_not_cut_and_all_else_is(seed: int) -> None:
    rng = np.random.default_rng([seed, 1])
    load, capacity = rng.integers(2, 9, 6), int(rng.integers(8, 20))
    held = knapsacks(load, capacity)
    some = rng.choice(len(held), 4)
    mixed = rng.dirichlet(np.ones(4)) @ held[some]
    assert hull(load, capacity).cut(mixed, -mixed, None, lambda: 0.0) is None
    # all in part, so that nothing is lifted in and the inequality is the one that is broken most
    x = rng.random(6) * 0.8 + 0.1
    least = linprog(np.ones(len(held)), A_eq=held.T.astype(float), b_eq=x).fun
    fits = bool((load <= capacity).all())
    if fits and abs(least - 1) > 1e-3:
        assert (hull(load, capacity).cut(x, -x, None, lambda: 0.0) is not None) == (least > 1)


def test_a_pair_that_does_not_fit_beside_those_that_are_taken_is_cut_off() -> None:
    found = hull([6, 6, 5], 11).cut(np.array([1.0, 1 / 3, 0.6]), -np.ones(3), None, lambda: 0.0)
    assert found is not None
    coefficient, limit = found
    # either of the two that are as heavy, not both
    assert coefficient[1] > 0
    assert np.isclose(coefficient[0] + coefficient[1], limit + coefficient[:2].min())


@pytest.mark.parametrize("seed", range(examples(12)))
def test_cutting_ends_where_generating_does(seed: int) -> None:
    bounds = []
    for how in (cut, generate):
        of = begun(seed, 3, 14)
        sacks = Knapsacks(of)
        how(sacks, Highs(), None, lambda: 0.0)
        sacks.prove()
        bounds.append(of.proven)
    assert bounds[0] == bounds[1]


def test_cutting_that_brings_no_more_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[int] = []
    solve = Highs().growing(by_rows=True).__class__.solve

    def counted(self: Any, seconds: float | None) -> Any:
        rounds.append(1)
        return solve(self, seconds)

    monkeypatch.setattr("aidmatch.solvers.growing.HighsGrowing.solve", counted)
    monkeypatch.setattr(cutting._Hull, "cut", lambda self, *_: (np.zeros(len(self.arcs)), 1.0))
    cut(Knapsacks(begun(3, 4, 12)), Highs(), None, lambda: 0.0)
    assert len(rounds) == cutting._PATIENCE + 1


@pytest.mark.parametrize("seed", range(examples(60)))
def test_inequalities_in_whole_numbers_are_kept_and_reached(seed: int) -> None:
    rng = np.random.default_rng([seed, 2])
    load, capacity = rng.integers(1, 12, 7), int(rng.integers(6, 40))
    held = knapsacks(load, capacity)
    rough = rng.random(7) * (rng.random(7) < 0.7)
    for coefficient in (rough + 1e-9, np.round(rough * 6) / 6 + 1e-5 * rng.random(7) + 1e-9):
        whole, limit = hull(load, capacity).exact(coefficient)
        assert whole.dtype == np.int64
        assert (held @ whole).max() == limit
        assert np.allclose(whole / whole.max(), coefficient / coefficient.max(), atol=2e-3)


@pytest.mark.parametrize("seed", range(examples(12)))
def test_searches_are_given_rows_that_every_answer_keeps(seed: int) -> None:
    _, load, capacity = assignment(seed, 3, 7)
    of = begun(seed, 3, 7)
    cut(Knapsacks(of), Highs(), None, lambda: 0.0)
    program, rows = of.strong, len(of.program.row_kind)
    assert (program.row_kind[rows:] == RowKind.KNAPSACK).all()
    if seed == 0:
        assert len(program.row_kind) > rows
    assert np.array_equal(program.row_start[: rows + 1], of.program.row_start)
    for supply in range(3):
        held = knapsacks(load[supply], int(capacity[supply]))
        for row in np.flatnonzero((program.row_kind == RowKind.KNAPSACK) & (program.row_node == supply)).tolist():
            entries = slice(int(program.row_start[row]), int(program.row_start[row + 1]))
            columns = program.row_column[entries]
            assert (program.supply_of[columns] == supply).all()
            coefficient = np.zeros(7, dtype=np.int64)
            coefficient[program.demand_of[columns]] = program.row_coefficient[entries]
            assert (held @ coefficient <= program.row_upper[row]).all()


@pytest.mark.parametrize("seed", range(examples(12)))
def test_what_is_nearly_closed_is_searched_to_its_end_and_what_that_says_is_true(seed: int) -> None:
    _, truth = optimum(*assignment(seed, 3, 7))
    of = begun(seed, 3, 7)
    assert not of.is_nearly_closed
    sacks = Knapsacks(of)
    cut(sacks, Highs(), None, lambda: 0.0)
    sacks.prove()
    searches = Searches(Highs(), None)
    searches.run([(1, Primal(of).ended)], None, lambda: 0.0)
    assert of.reached == truth
    assert of.is_settled
    assert of.claimed in (None, truth)
    assert of.is_nearly_closed
    before = searches.solves
    searches.run([(1, Primal(of).ended)], None, lambda: 0.0)
    assert searches.solves == before


def test_a_search_that_was_stopped_claims_what_its_bound_says_and_no_more() -> None:
    class Stopped(Highs):
        def search(self, linear: Linear, seconds: float | None, low: Ints, high: Ints, start: Ints) -> MipAnswer:
            answer = super().search(linear, seconds, low, high, start)
            assert answer.bound is not None
            return MipAnswer(start.astype(float), answer.bound - next(away), 0.0)

    away = iter((2, 5, 1))
    of = begun(3, 3, 7)
    _, truth = optimum(*assignment(3, 3, 7))
    before = of.reached
    assert before > truth
    # a search that has less to say leaves what was claimed
    for claimed in (truth - 2, truth - 2, truth - 1):
        Searches(Stopped(), None).run([(1, Primal(of).ended)], None, lambda: 0.0)
        assert (of.reached, of.claimed) == (before, claimed)


def test_another_search_of_everything_has_far_more_time_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Noting(Highs):
        def search(self, linear: Linear, seconds: float | None, low: Ints, high: Ints, start: Ints) -> MipAnswer:
            asked.append(seconds)
            return MipAnswer(None, None, 0.0)

    asked: list[float | None] = []
    of = begun(3, 3, 7)
    of.part.reached, of.part.claimed = [0, of.reached], [0, of.proven]

    def searches(seconds: float | None) -> int:
        asked.clear()
        Searches(Noting(), None).run([(1, Primal(of).searched)], seconds, lambda: 0.0)
        return len(asked)

    assert of.is_last
    assert searches(2.0) > 0
    assert searches(2.0) > 0
    monkeypatch.setattr(Relaxed, "is_last", False)
    assert searches(2.9) == 0
    assert searches(3.1) > 0
    assert searches(None) > 0


def test_cases_of_knapsacks_that_are_too_large_to_be_kept_whole_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def split(work: float) -> tuple[int, int]:
        of = begun(3, 4, 12)
        sacks = Knapsacks(of)
        cut(sacks, Highs(), None, lambda: 0.0)
        sacks.prove()
        part = of.part
        part.sacks = True
        part.reached, part.trees = [part.budgets[0], of.reached], [of.tree, of.tree]
        part.certified = [part.budgets[0], of.proven]
        monkeypatch.setattr(cases, "WORK", work)
        asked.clear()
        Cases(of).split(Asking(), None, lambda: 0.0)
        return len(asked), part.certified[1] - of.proven

    class Asking(Highs):
        def relaxation(self, linear: Linear, seconds: float | None, low: Ints, high: Ints) -> Relaxation | None:
            asked.append(1)
            return super().relaxation(linear, seconds, low, high) if len(asked) < 9 else None

    asked: list[int] = []
    assert split(0.0) == (0, 0)
    searched, gained = split(1e9)
    assert searched > 0
    assert gained > 0


def test_cutting_is_over_where_it_reaches_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    of = begun(3, 4, 12)
    # as if the answer were as good as the relaxation of pairs
    monkeypatch.setattr(Relaxed, "reached", property(lambda self: self.proven))
    monkeypatch.setattr(cutting._Hull, "cut", lambda *_: pytest.fail("nothing is left to cut"))
    cut(Knapsacks(of), Highs(), None, lambda: 0.0)


def test_an_inequality_that_takes_too_many_sets_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "_SETS", 0)
    assert hull([3, 4, 5], 7).cut(np.full(3, 0.7), -np.ones(3), None, lambda: 0.0) is None


def test_no_inequality_is_looked_for_when_time_is_over() -> None:
    asked = np.full(3, 0.7), -np.ones(3)
    assert hull([3, 4, 5], 7).cut(*asked, 1.0, lambda: 0.0) is not None
    assert hull([3, 4, 5], 7).cut(*asked, 1.0, lambda: 1.0) is None


def test_generating_that_is_over_leaves_the_multipliers_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    sacks = Knapsacks(begun(3, 4, 12))
    before = sacks.best
    generate(sacks, Highs(), 1.0, lambda: 2.0)
    assert sacks.best is before
    monkeypatch.setattr(generating, "_ROUNDS", 1)
    generate(sacks, Highs(), None, lambda: 0.0)
    assert sacks.best.bound >= before.bound


def test_supplies_of_many_demands_are_cut_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    made = problem(*assignment(7, 2, 34))
    asked: list[int] = []

    def noted(*given: object) -> None:
        asked.append(len(given))
        cut(*given)  # type: ignore[arg-type]  # as they come

    monkeypatch.setattr(integer, "cut", noted)
    with_cuts = am.solve(made, policy=POLICY)
    am.verify(made, with_cuts)
    # all rounds that it takes, not some of them
    assert asked == [4] * len(asked)
    assert asked
    monkeypatch.setattr(integer, "suits", lambda _: False)
    without = am.solve(made, policy=POLICY)
    assert [level.value for level in with_cuts.levels] == [level.value for level in without.levels]


def test_a_program_that_has_no_answer_has_none() -> None:
    model = Highs().growing(by_rows=True)
    nothing = np.zeros(1, dtype=np.int64)
    model.add_columns(np.ones(1), np.zeros(1), np.ones(1), nothing, nothing[:0], np.zeros(0))
    model.add_rows(np.full(1, 2.0), np.full(1, np.inf), nothing, nothing, np.ones(1))
    assert model.solve(None) is None
