"""Looking ahead: the relaxation of all levels, what it has whole, and where to look for the rest."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.integer_cases import care_case
from tests.unit.test_integers import program_of
from tests.unit.test_relaxations import program, whole

from aidmatch.arrays import Floats, Ints
from aidmatch.engine.integer import solve_integer
from aidmatch.engine.parts import Part, parts_of
from aidmatch.engine.relaxations import Relaxations
from aidmatch.engine.rounding import Rounding
from aidmatch.engine.timing import by_size
from aidmatch.engine.values import is_feasible, value_of
from aidmatch.integer_program import IntegerLevel, IntegerProgram, RowKind
from aidmatch.solvers.growing import Growing, GrowingAnswer
from aidmatch.solvers.mip import Highs, Linear

SEEDS = range(12)


def largest(seed: int) -> Part:
    return max(parts_of(program(seed))[0], key=lambda part: len(part.columns))


def looked_ahead(part: Part) -> Relaxations:
    one = Relaxations(part.program, Highs().growing())
    one.ahead(part.values, None)
    return one


def scaled(made: IntegerProgram, scale: int) -> IntegerProgram:
    """Every quantity of pairs, demands and supplies so many times as large."""
    sides = slice(0, len(made.demand_of) + made.demands + made.supplies)
    least, most = made.least.copy(), made.most.copy()
    least[sides] *= scale
    most[sides] *= scale
    return replace(made, least=least, most=most)


@pytest.mark.parametrize("scale", [1, 1_000])
@pytest.mark.parametrize("seed", SEEDS)
def test_looking_ahead_relaxes_every_level_among_the_best_above(seed: int, scale: int) -> None:
    part = largest(seed)
    part.program = scaled(part.program, scale)
    one = looked_ahead(part)
    made, budgets = part.program, list[tuple[IntegerLevel, int]]()
    assert sorted(one.looked) == list(range(len(made.levels)))
    for row, level in enumerate(made.levels):
        value = float(one.looked[row].values @ (level.cost * made.step))
        assert value == pytest.approx(whole(made, level, budgets), abs=1e-3)
        budgets.append((level, int(np.ceil(value - 1e-6))))
    assert one.taken is not None
    assert (one.taken == one.looked[len(made.levels) - 1].values * made.step).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_level_is_relaxed_again_without_those_below(seed: int) -> None:
    part = largest(seed)
    one, made = looked_ahead(part), part.program
    for row in (0, 2, 1):
        budgets = [(level, 0) for level in made.levels[:row]]  # units served may be none
        found = one.solve(made.levels[row], budgets, made.most, part.values, None)
        assert found is not None
        value = float(found.values @ (made.levels[row].cost * made.step))
        assert value == pytest.approx(whole(made, made.levels[row], budgets), abs=1e-3)
        assert len(found.row_dual) == len(made.row_kind) + row


def test_looking_ahead_without_time_finds_nothing() -> None:
    part = largest(0)
    one = Relaxations(part.program, Highs().growing())
    one.ahead(part.values, 0.0)
    assert not one.looked
    assert one.taken is None


def served(part: Part, values: Ints) -> Ints:
    """Units of every demand, by its number."""
    arcs = len(part.program.demand_of)
    return np.bincount(part.program.demand_of, weights=values[:arcs]).astype(np.int64)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_whole_is_kept_and_the_answer_holds(seed: int) -> None:
    part = largest(seed)
    taken = looked_ahead(part).taken
    assert taken is not None
    found = Rounding(part.program, part.named).answer(taken)
    assert found is not None
    assert is_feasible(part.program, found)
    arcs, demand = len(part.program.demand_of), part.program.demand_of
    kept = np.flatnonzero(served(part, found) > 0)
    same = np.isin(demand, kept)
    assert (found[:arcs][same] == np.rint(taken[:arcs][same])).all()
    # most of what this relaxation has is whole
    assert served(part, found).sum() > 0.5 * taken[:arcs].sum()


def test_rows_that_would_break_cost_the_demands_in_them() -> None:
    part = largest(1)
    made = part.program
    ships = int(np.flatnonzero(made.row_kind == RowKind.SHIPMENTS)[0])
    inside = made.use_column[made.use_start[ships] : made.use_start[ships + 1]]
    # one unit of each pair of one donor is more than four shipments
    taken = np.zeros(len(made.most))
    taken[inside] = made.least[inside]
    found = Rounding(made, part.named).answer(taken)
    assert found is not None
    assert not found.any()


def test_a_relaxation_that_has_nothing_whole_is_no_answer() -> None:
    part = largest(2)
    taken = np.full(len(part.program.most), 0.5)
    found = Rounding(part.program, part.named).answer(taken)
    assert found is not None
    assert not found[: len(part.program.demand_of)].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_around_are_those_that_differ_and_those_beside_them(seed: int) -> None:
    part = largest(seed)
    taken = looked_ahead(part).taken
    assert taken is not None
    made, arcs = part.program, len(part.program.demand_of)
    rounding = Rounding(made, part.named)
    known = rounding.answer(taken)
    assert known is not None
    differs = np.unique(made.demand_of[np.abs(taken[:arcs] - known[:arcs]) > 1e-6])
    first = rounding.around(taken, known, 0)
    assert (first[:arcs] == np.isin(made.demand_of, differs)).all()
    # as much from elsewhere is the same, if it is asked so
    elsewhere = known.copy()
    moved = int(np.flatnonzero(known[:arcs])[0])
    other = np.flatnonzero((made.demand_of == made.demand_of[moved]) & (known[:arcs] == 0))[0]
    elsewhere[[moved, other]] = elsewhere[[other, moved]]
    assert rounding.around(taken, elsewhere, 0)[moved]
    assert not rounding.around(taken, elsewhere, 0, pairs=False)[moved]
    used = (taken[:arcs] > 1e-6) | (known[:arcs] > 0)
    beside = np.unique(made.supply_of[used & np.isin(made.demand_of, differs)])
    reached = np.unique(made.demand_of[used & np.isin(made.supply_of, beside)])
    second = rounding.around(taken, known, 1)
    assert (second[:arcs] == np.isin(made.demand_of, np.union1d(differs, reached))).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_looking_ahead_changes_no_proven_value(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = program(seed, 14, 10)
    plain = solve_integer(made, Highs())
    monkeypatch.setattr("aidmatch.engine.parts.SMALL", 0)
    ahead = solve_integer(made, Highs())
    assert ahead.level_values == plain.level_values
    assert all(bound <= value for bound, value in zip(ahead.certified, ahead.level_values, strict=True))


def test_costs_that_only_break_ties_leave_the_value_and_its_bound() -> None:
    made = program(7, 16, 10)
    level = made.levels[1]
    linear = Linear.of(made, level, [])
    nothing = np.zeros(len(made.most), dtype=np.int64)
    plain = Highs().search(linear, None, nothing, made.most, nothing)
    reach = float(np.abs(made.levels[-1].cost) @ made.most)
    cost = linear.cost.copy()
    cost[: len(made.most)] += 0.04 / reach * made.levels[-1].cost * made.step
    tied = Highs().search(replace(linear, cost=cost, tie=0.04), None, nothing, made.most, nothing)
    values = [np.rint(one.values).astype(np.int64) * made.step for one in (plain, tied) if one.values is not None]
    assert [value_of(level, one) for one in values] == [value_of(level, values[0])] * 2
    assert tied.bound == plain.bound == value_of(level, values[0]) - level.constant


@pytest.mark.parametrize("scale", [10**6, 10**8])
@pytest.mark.parametrize("seed", range(4))
def test_large_quantities_are_looked_at_on_every_level(scale: int, seed: int) -> None:
    large = scaled(program(seed), scale)
    one = Relaxations(large, Highs().growing())
    one.ahead(np.zeros(len(large.most), dtype=np.int64), None)
    assert len(one.looked) == len(large.levels)


class GrowingLiar(Highs):
    """HiGHS, but for the values of linear programs that grow."""

    def __init__(self, tell: Callable[[Floats], Floats]) -> None:
        super().__init__()
        self._tell = tell

    def growing(self, *, by_rows: bool = False, turning: bool = False) -> Growing:
        inner, tell = super().growing(by_rows=by_rows, turning=turning), self._tell

        class Telling:
            def solve(self, seconds: float | None) -> GrowingAnswer | None:
                answer = inner.solve(seconds)
                return None if answer is None else replace(answer, values=tell(answer.values))

            def __getattr__(self, name: str) -> Any:
                return getattr(inner, name)

        return Telling()


@pytest.mark.parametrize(
    "tell",
    [lambda v: v * math.nan, lambda v: v + math.inf, lambda v: v + 1e300, lambda v: v * 0 - 3, lambda v: v * 0 + 3e18],
    ids=["nan", "inf", "huge", "negative", "large"],
)
@pytest.mark.parametrize("seed", range(3))
def test_what_looking_ahead_is_told_need_not_be_true(
    tell: Callable[[Floats], Floats], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = program(seed, 12, 8)
    plain = solve_integer(made, Highs())
    monkeypatch.setattr("aidmatch.engine.parts.SMALL", 0)
    told = solve_integer(made, GrowingLiar(tell))
    assert told.level_values == plain.level_values


def test_components_share_the_time_by_their_size() -> None:
    sizes = [50, 100, 150] * 3
    now, total = [0.0], 12.0
    given = []
    for share in by_size(sizes, total, lambda: now[0]):
        given.append(share())
        now[0] += given[-1] or 0.0
    assert given == pytest.approx([total * size / sum(sizes) for size in sizes])
    # what one leaves goes to those after it
    assert [share() for share in by_size(sizes, 12.0, lambda: 11.0)][-1] == pytest.approx(1.0)
    assert [share() for share in by_size(sizes, None, lambda: 0.0)] == [None] * len(sizes)


def test_a_level_that_multipliers_prove_is_proven_whatever_sets_of_clients_say() -> None:
    # a level of the largest above the others limits what the sets of clients do not know
    for seed in range(40):
        made = program_of(care_case(seed)).program
        rng = np.random.default_rng(seed)
        cost = np.zeros(len(made.most), dtype=np.int64)
        cost[: len(made.demand_of)] = rng.integers(0, 9, len(made.demand_of))
        levels = [*made.levels, IntegerLevel(cost, 0, largest=True)]
        made = replace(made, levels=tuple(levels[i] for i in rng.permutation(len(levels))))
        assert not solve_integer(made, Highs()).stopped


def test_where_not_even_nothing_holds_there_is_no_answer() -> None:
    made = program(3)
    lower = made.row_lower.copy()
    lower[made.row_kind == RowKind.SHIPMENTS] = 1
    assert Rounding(replace(made, row_lower=lower), len(made.most)).answer(np.zeros(len(made.most))) is None
