"""The relaxation over the columns that matter is the relaxation over all of them, level after level."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, lot, need, place

import aidmatch as am
from aidmatch.engine import relaxations
from aidmatch.engine.integer import solve_integer
from aidmatch.engine.parts import parts_of
from aidmatch.engine.relaxations import Relaxations
from aidmatch.engine.relaxed import Relaxed
from aidmatch.errors import SolverError
from aidmatch.formulation.flow import formulate
from aidmatch.formulation.integer import formulate_integers, what_needs_integers
from aidmatch.integer_program import IntegerLevel, IntegerProgram
from aidmatch.records.giving import Donor
from aidmatch.solvers.growing import GrowingAnswer, HighsGrowing
from aidmatch.solvers.mip import Highs, Linear, Relaxation


def problem(seed: int, needs: int = 60, lots: int = 40) -> am.GivingProblem:
    rng = np.random.default_rng(seed)

    def somewhere() -> Any:
        return place(lat=float(36 + rng.random()), lon=float(116 + rng.random()))

    asked = [
        need(f"n{i}", int(rng.integers(1, 6)), whole=i % 5 == 0, category="ABCD"[i % 4], place=somewhere())
        for i in range(needs)
    ]
    offered = [
        lot(f"d{j}", int(rng.integers(3, 9)), min_lot=2, donor_id=f"x{j % 8}", place=somewhere()) for j in range(lots)
    ]
    donors = [Donor(id=f"x{k}", max_shipments=4) for k in range(8)]
    return am.GivingProblem(asked, offered, donors=donors, as_of=DAY)


def program(seed: int, needs: int = 60, lots: int = 40) -> IntegerProgram:
    made, policy = problem(seed, needs, lots), am.Policy.giving()
    flow = formulate(made, policy, am.GreatCircle())
    return formulate_integers(flow, what_needs_integers(made, policy, flow.definitions)).program


def whole(made: IntegerProgram, level: IntegerLevel, budgets: Sequence[tuple[IntegerLevel, int]]) -> float:
    """The same over all columns at once."""
    answer = Highs().relaxation(
        Linear.compact(made, level, budgets), None, np.zeros(len(made.most), dtype=np.int64), made.most
    )
    assert answer is not None
    return float(answer.values @ (level.cost * made.step))


@pytest.mark.parametrize("seed", range(10))
def test_every_level_is_relaxed_as_all_columns_would_have_it(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaxations, "_NEAREST", 1)
    monkeypatch.setattr(relaxations, "_ADDED", 1)
    made = program(seed)
    # a level of pairs above another, so that its budget weighs on pairs that join later
    cost = np.zeros(len(made.most), dtype=np.int64)
    cost[: len(made.demand_of)] = np.random.default_rng(seed).integers(0, 1_000, len(made.demand_of))
    made = replace(made, levels=(*made.levels, IntegerLevel(cost, 0)))
    one = Relaxations(made, Highs().growing())
    nothing = np.zeros(len(made.most), dtype=np.int64)
    budgets: list[tuple[IntegerLevel, int]] = []
    for level in made.levels:
        found = one.solve(level, budgets, made.most, nothing, None)
        assert found is not None
        value = float(found.values @ (level.cost * made.step))
        assert value == pytest.approx(whole(made, level, budgets), abs=1e-3)
        budgets.append((level, int(np.ceil(value)) + level.constant + 1))
    assert not one._in.all()


def test_what_is_known_is_always_among_the_columns() -> None:
    made = program(3)
    # served by far pairs alone, as none of the first columns would be
    one = Relaxations(made, Highs().growing())
    far = np.flatnonzero(~one._in)[:1]
    known = np.zeros(len(made.most), dtype=np.int64)
    known[far] = 1
    assert one.solve(made.levels[0], [], made.most, known, None) is not None
    assert one._in[far].all()


def test_limits_of_a_level_above_hold() -> None:
    made = program(4)
    one = Relaxations(made, Highs().growing())
    nothing = np.zeros(len(made.most), dtype=np.int64)
    first = one.solve(made.levels[0], [], made.most, nothing, None)
    assert first is not None
    assert first.values.any()
    closed = made.most.copy()
    closed[: len(made.demand_of)] = 0
    none = one.solve(made.levels[0], [], closed, nothing, None)
    assert none is not None
    assert not none.values.any()


class Slow:
    """A program that answers once and then has no time."""

    def __init__(self) -> None:
        self._growing, self.answers = Highs().growing(), 0

    def solve(self, seconds: float | None) -> GrowingAnswer | None:
        self.answers += 1
        return self._growing.solve(seconds) if self.answers == 1 else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._growing, name)


def test_what_is_known_when_time_is_over_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaxations, "_NEAREST", 1)
    made = program(5)
    nothing = np.zeros(len(made.most), dtype=np.int64)
    one = Relaxations(made, Slow())
    found = one.solve(made.levels[-1], [], made.most, nothing, None)
    assert found is not None
    assert one.solve(made.levels[-1], [], made.most, nothing, None) is None
    assert Relaxations(made, Highs().growing()).solve(made.levels[0], [], made.most, nothing, 0.0) is None


def test_multipliers_of_a_stopped_relaxation_are_no_worse_than_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aidmatch.engine.parts.SMALL", 0)

    def stopped(self: Relaxations, level: Any, budgets: Any, *_: Any) -> Relaxation:
        columns, rows = self._columns, self._rows + len(budgets)
        return Relaxation(np.zeros(columns), np.zeros(0), np.zeros(columns), np.full(rows, 5.0), infeasible=False)

    monkeypatch.setattr(Relaxations, "solve", stopped)
    solution = solve_integer(program(6), Highs(), deadline=1.0, clock=lambda: 0.0)
    asked = [-int(np.minimum(level.cost * program(6).most, 0).sum()) for level in program(6).levels[:4]]
    assert all(bound >= -most for bound, most in zip(solution.certified, asked, strict=False))


class StoppedAt:
    """A program that is stopped at the last level, at some values."""

    def __init__(self, levels: int, values: float) -> None:
        self._growing, self._left, self._values = Highs().growing(), levels, values

    def set_costs(self, cost: Any) -> None:
        self._left -= 1
        self._growing.set_costs(cost)

    def solve(self, seconds: float | None) -> GrowingAnswer | None:
        answer = self._growing.solve(seconds)
        if answer is None or self._left:
            return answer
        return GrowingAnswer(answer.values * self._values, answer.duals, optimal=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._growing, name)


@pytest.mark.parametrize(("values", "taken"), [(1.0, True), (0.5, False)])
def test_where_a_level_is_stopped_is_a_guide_if_the_levels_above_are_kept(values: float, taken: bool) -> None:
    made = program(6)
    ended = Relaxations(made, Highs().growing())
    ended.ahead(np.zeros(len(made.most), dtype=np.int64), None)
    one = Relaxations(made, StoppedAt(len(made.levels), values))
    one.ahead(np.zeros(len(made.most), dtype=np.int64), None)
    last = len(made.levels) - 1
    assert last in ended.looked
    assert last not in one.looked
    assert one.taken is not None
    assert ended.taken is not None
    above = one.looked[last - 1].values * made.step
    assert (one.taken != above).any() == taken


def test_highs_says_where_it_was_stopped() -> None:
    made = program(6, needs=400, lots=300)
    growing = Highs().growing()
    one = Relaxations(made, growing)
    growing.set_costs((made.levels[0].cost * made.step)[one._order].astype(float))
    answer = growing.solve(0.0)
    assert answer is not None
    assert not answer.optimal


# --- when the dual method takes over


def strategies(monkeypatch: pytest.MonkeyPatch, soon: int) -> list[int]:
    """The methods that a solve goes through, if the first one is given few iterations."""
    seen: list[int] = []
    monkeypatch.setattr(HighsGrowing, "_SOON", soon)
    call = HighsGrowing._call

    def noted(self: HighsGrowing, status: Any) -> None:
        seen.append(self._model.getOptionValue("simplex_strategy")[1])
        call(self, status)

    monkeypatch.setattr(HighsGrowing, "_call", noted)
    return seen


@pytest.mark.parametrize("turning", [False, True])
def test_whichever_method_ends_it_the_levels_are_the_same(turning: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made = program(3)
    nothing = np.zeros(len(made.most), dtype=np.int64)
    seen = strategies(monkeypatch, 5)
    one = Relaxations(made, Highs().growing(turning=turning))
    budgets: list[tuple[IntegerLevel, int]] = []
    for level in made.levels:
        found = one.solve(level, budgets, made.most, nothing, None)
        assert found is not None
        value = float(found.values @ (level.cost * made.step))
        assert value == pytest.approx(whole(made, level, budgets))
        budgets.append((level, level.constant + int(np.ceil(value - 1e-6))))
    assert (HighsGrowing._DUAL in seen) == turning


def test_where_the_dual_method_is_stopped_what_the_primal_one_had_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HighsGrowing, "_SOON", 5)
    size = 50
    methods: list[int] = []
    model = Highs().growing(turning=True)
    assert isinstance(model, HighsGrowing)
    none, each = np.zeros(0, dtype=np.int64), np.arange(size)
    low, high, most = np.zeros(size), np.full(size, np.inf), np.arange(1.0, size + 1)
    model.add_rows(-high, most, np.zeros(size, dtype=np.int64), none, np.zeros(0))
    model.add_columns(-most, low, high, each, each, np.ones(size))
    inner = model._model

    class Stopping:
        """Has no time for a second run, and then has a vertex that is none."""

        def run(self) -> Any:
            methods.append(inner.getOptionValue("simplex_strategy")[1])
            if len(methods) == 2:
                inner.setOptionValue("time_limit", 0.0)
            return inner.run()

        def getSolution(self) -> Any:  # noqa: N802 - as HiGHS calls it
            solution = inner.getSolution()
            if len(methods) == 2:
                solution.col_value = [-1.0] * size
            return solution

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

    model._model = Stopping()
    answer = model.solve(None)
    assert answer is not None
    assert not answer.optimal
    assert ((answer.values >= 0) & (answer.values <= most)).all()
    assert 0 < (answer.values > 0).sum() <= 5
    # with time, the dual one ends it
    inner.setOptionValue("time_limit", 60.0)
    answer = model.solve(None)
    assert answer is not None
    assert answer.optimal
    assert answer.values.tolist() == pytest.approx(most.tolist())
    assert methods == [HighsGrowing._PRIMAL, HighsGrowing._DUAL] * 2


def test_a_relaxation_that_cannot_end_in_the_time_is_not_begun() -> None:
    made = program(3)
    part = max(parts_of(made)[0], key=lambda one: len(one.columns))
    level = Relaxed(part, 0)
    assert level.may_relax_in(0.001)
    part.relaxations = Relaxations(part.program, Highs().growing())
    part.relaxations.ahead(part.values, None)
    assert part.relaxations.took.keys() == set(range(len(made.levels)))
    part.relaxations.took[0] = 10.0
    assert level.may_relax_in(None)
    assert level.may_relax_in(4.0)
    assert not level.may_relax_in(2.0)


def test_what_the_solver_refuses_is_an_error_of_its_own() -> None:
    model = Highs().growing(turning=True)
    nothing = np.zeros(1)
    with pytest.raises(SolverError) as caught:
        # a row that is not there
        model.add_columns(nothing, nothing, nothing + 1, np.zeros(1, dtype=np.int64), np.array([7]), nothing + 1)
    assert caught.value.code == "SOLVER_FAILED"
