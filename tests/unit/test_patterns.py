"""What a supply may do as a whole: against trying every set; and answers that are stopped at any moment."""

import time
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from tests.integer_cases import IntegerCase, best, care_case, giving_case
from tests.profiles import examples

import aidmatch as am
from aidmatch.distance.protocol import distance_named
from aidmatch.engine.choices import Choices, suited_components
from aidmatch.engine.integer import _certified, solve_integer
from aidmatch.engine.parts import parts_of
from aidmatch.engine.patterns import Patterns, Raised
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.values import value_of
from aidmatch.formulation.flow import formulate
from aidmatch.formulation.integer import IntegerFormulation, formulate_integers, what_needs_integers
from aidmatch.integer_program import NO_LIMIT, IntegerProgram, RowKind
from aidmatch.solvers.mip import Highs
from aidmatch.synthetic import county_care


def formulated(case: IntegerCase) -> IntegerFormulation | None:
    flow = formulate(case.problem, case.policy, distance_named("great-circle"))
    why = what_needs_integers(case.problem, case.policy, flow.definitions)
    return formulate_integers(flow, why) if why else None


def cheapest(program: IntegerProgram, supply: int, price: np.ndarray, short_price: int, must: int | None) -> int | None:
    """Try every set of a supply's pairs."""
    arcs = np.flatnonzero((program.supply_of == supply) & (program.most[: len(program.demand_of)] > 0)).tolist()
    row = np.repeat(np.arange(len(program.row_kind)), np.diff(program.row_start))
    entries = list(zip(row.tolist(), program.row_column.tolist(), program.row_coefficient.tolist(), strict=True))
    given = len(program.demand_of) + program.demands + supply
    found: list[int] = []
    for size in range(len(arcs) + 1):
        if size and not program.least[given] <= size <= program.most[given]:
            continue
        for chosen in combinations(arcs, size):
            if must is not None and must not in chosen:
                continue
            fits = True
            short = 0
            for number in np.flatnonzero(program.row_node == supply).tolist():
                own = {column: value for at, column, value in entries if at == number}
                if program.row_kind[number] == RowKind.LOAD:
                    fits &= sum(own.get(arc, 0) for arc in chosen) <= program.row_upper[number] < NO_LIMIT
                if program.row_kind[number] == RowKind.SHORTFALL:
                    column = max(own)
                    use = program.use_coefficient[program.use_start[number] : program.use_start[number + 1]]
                    if own[column] < 0:
                        short = max(0, int(use.sum()) - size) if size else 0
                    elif short_price < 0:
                        short = min(size, int(program.most[column]))
            if fits:
                found.append(int(price[list(chosen)].sum()) + short_price * short)
    return min(found, default=None)


@pytest.mark.parametrize("seed", range(examples(60)))
def test_the_best_set_of_a_supply_is_the_best_of_all(seed: int) -> None:
    made = formulated(care_case(seed))
    if made is None:
        return
    program = made.program
    everywhere = np.zeros(len(program.most), dtype=np.int64)
    arcs, inside = len(program.demand_of), np.ones(program.supplies, dtype=np.bool_)
    if not suited_components(program, everywhere, 1)[0]:
        return
    choices = Choices(program, inside)
    price = np.random.default_rng(seed).integers(-30, 20, arcs)
    cost = np.zeros(len(program.most), dtype=np.int64)
    for row in np.flatnonzero(program.row_kind == RowKind.SHORTFALL).tolist():
        column = int(program.row_column[program.row_start[row + 1] - 1])
        cost[column] = 7 if program.row_coefficient[program.row_start[row + 1] - 1] < 0 else -7
    tail = choices.tail(cost)
    priced = choices.priced(price, tail)
    with_arc = choices.with_arc(priced)
    for supply in range(program.supplies):
        short = int(cost[choices.short[supply]]) if choices.short[supply] >= 0 else 0
        assert priced.worth[supply].min() == cheapest(program, supply, price, short, None)
        for arc in np.flatnonzero((program.supply_of == supply) & (program.most[:arcs] > 0)).tolist():
            held = cheapest(program, supply, price, short, arc)
            assert with_arc[arc] == (priced.never if held is None else held)


@pytest.mark.parametrize("seed", range(examples(40)))
def test_bounds_by_patterns_are_never_beyond_the_optimum(seed: int) -> None:
    case = care_case(seed)
    made = formulated(case)
    if made is None:
        return
    program = made.program
    component = np.zeros(len(program.most), dtype=np.int64)
    patterns = Patterns(program, component, 1, Highs(), 2**20)
    if not patterns.suited[0] or program.levels[0].largest:
        return
    raised = patterns.raised(program.levels[0], None)
    optimum = best(case)
    assert optimum is not None
    if raised is not None:
        served = -(-int(raised.bound[0]) // 2**20) + program.levels[0].constant
        unmet = program.levels[0].constant - (optimum[0] - _pinned(case))
        assert served <= unmet


def _pinned(case: IntegerCase) -> int:
    first = case.policy.categories[0]
    category = {demand.id: demand.category for demand in case.problem.demands}
    return sum(d.quantity or 0 for d in case.problem.decisions if category[d.demand_id or ""] == first)


@pytest.mark.parametrize("seed", range(examples(50, 500)))
def test_a_stop_at_any_moment_leaves_a_checked_answer_with_true_bounds(seed: int) -> None:
    case = (care_case if seed % 2 else giving_case)(seed)
    made = formulated(case)
    if made is None:
        return
    ticks = iter(range(10**9))
    moment = int(np.random.default_rng(seed).integers(0, 120))
    solution = solve_integer(made.program, Highs(), deadline=float(moment), clock=lambda: float(next(ticks)))
    matching = made.matching(solution, ("highs", "0"), "0")
    am.verify(case.problem, matching)
    values = tuple(level.value for level in matching.levels)
    for row, level in enumerate(matching.levels):
        found = best(case, values[:row])
        assert found is not None
        optimum = found[0]
        for bound in (level.bound, level.claimed_bound):
            if bound is not None:
                assert bound >= optimum if level.sense == "max" else bound <= optimum


class WithoutGrowing:
    """HiGHS without linear programs that grow, so that no sets are columns."""

    def __init__(self) -> None:
        self._highs = Highs()
        self.name, self.version = "plain", "0"
        self.relaxation, self.search = self._highs.relaxation, self._highs.search


def county(km: float) -> IntegerCase:
    made = county_care()
    hours = np.random.default_rng(3).integers(12, 30, 120)
    caregivers = [
        replace(one, min_persons=3, minutes_per_week=60 * int(hour))
        for one, hour in zip(am.read(made, am.Caregiver), hours, strict=True)
    ]
    problem = am.CareProblem(am.read(made, am.Client), caregivers, as_of=made.as_of)
    return IntegerCase(problem, am.Policy.care(max_km=km, levels=("coverage", "minimum-loads", "distance")))


def test_with_and_without_sets_of_clients_no_bound_is_beyond_the_others_answer() -> None:
    made = formulated(county(1.2))
    assert made is not None
    with_sets = solve_integer(made.program, Highs(), deadline=time.monotonic() + 6)
    without = solve_integer(made.program, WithoutGrowing(), deadline=time.monotonic() + 3)
    for row, (value, other) in enumerate(zip(with_sets.level_values, without.level_values, strict=True)):
        assert max(with_sets.claimed[row], with_sets.certified[row]) <= other
        assert max(without.claimed[row], without.certified[row]) <= value
        if value != other:
            break
    matching = made.matching(with_sets, ("highs", "0"), "0")
    am.verify(made.flow.problem, matching)


def test_multipliers_of_sets_that_were_stopped_leave_a_better_proof_as_it_was() -> None:
    made = formulated(county(0.6))
    assert made is not None
    parts, _ = parts_of(made.program)
    part = max(parts, key=lambda one: len(one.columns))
    one = Relaxed(part, 0)
    one.relax(Highs(), None)
    before, tree = one.proven, one.tree
    arcs = len(made.program.demand_of)
    weak = Raised(
        np.full(len(parts), -(10**9)),
        np.full(made.program.demands, -(2**30)),
        np.zeros((0, len(parts)), dtype=np.int64),
        np.zeros(arcs),
        np.zeros(len(parts), dtype=np.bool_),
        np.zeros(arcs, dtype=np.int64),
    )
    one.relax_by_patterns(weak, 0)
    assert one.tree is tree
    assert one.certified == one.proven == before


def test_multipliers_of_levels_above_that_cost_more_than_they_bring_are_left_out() -> None:
    whole = formulated(county(0.6))
    assert whole is not None
    made = whole.program
    parts = parts_of(made)[0]
    assert len(parts) > 1
    plain, dear = 0, 0
    for part in parts:
        part.reached = [value_of(level, part.values) for level in part.program.levels[:2]]
        part.budgets = part.reached.copy()
        first, second = Relaxed(part, 0), Relaxed(part, 1)
        nothing = np.zeros(0, dtype=np.int64)
        tree = second.one_leaf(nothing, nothing, np.array([100 * made.scale]))
        part.trees = [first.tree, tree]
        part.certified = [part.reached[0] - 5, second.bound(tree)]
        plain, dear = plain + second.bound(second.empty_tree()), dear + second.bound(tree)
    assert dear - 100 * 5 * len(parts) < plain
    assert _certified(parts, made.levels[:2])[1] == made.levels[1].constant + plain
    assert not any(part.trees[1].above.any() for part in parts)
