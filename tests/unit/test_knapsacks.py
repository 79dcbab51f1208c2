"""Knapsacks and exchanges between them: true bounds, nothing closed that an optimum has, and the optimum in the end."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, caregiver, client
from tests.integer_cases import best, care_case
from tests.profiles import examples

import aidmatch as am
from aidmatch.arrays import Ints
from aidmatch.engine import integer, knapsacks
from aidmatch.engine.knapsacks import Knapsacks, suits
from aidmatch.engine.parts import parts_of
from aidmatch.engine.relaxed import Relaxed
from aidmatch.formulation.flow import formulate
from aidmatch.formulation.integer import formulate_integers, what_needs_integers
from aidmatch.integer_program import IntegerProgram
from aidmatch.solvers.mip import Highs

POLICY = am.Policy.care(categories=("A",), levels=("coverage", "distance"))


def assignment(seed: int, agents: int, jobs: int) -> tuple[Ints, Ints, Ints]:
    """Costs, loads and capacities of a generalized assignment problem, the costs against the loads."""
    rng = np.random.default_rng([seed, agents, jobs])
    load = rng.integers(3, 20, (agents, jobs))
    cost = 60 - 2 * load + rng.integers(0, 9, (agents, jobs))
    return cost, load, 9 * load.sum(axis=1) // (10 * agents) + 5


def problem(cost: Ints, load: Ints, capacity: Ints) -> am.CareProblem:
    agents, jobs = cost.shape
    pairs = [
        am.PairCost(demand_id=f"j{j:02}", supply_id=f"a{i}", cost=int(cost[i, j]), load=int(load[i, j]))
        for i, j in product(range(agents), range(jobs))
    ]
    table = am.PairTable(pairs, unit="cost", capacities={f"a{i}": int(capacity[i]) for i in range(agents)})
    clients = [client(f"j{j:02}") for j in range(jobs)]
    return am.CareProblem(clients, [caregiver(f"a{i}", jobs) for i in range(agents)], as_of=DAY, pairs=table)


def program(made: am.CareProblem) -> IntegerProgram:
    flow = formulate(made, POLICY, am.GreatCircle())
    return formulate_integers(flow, what_needs_integers(made, POLICY, flow.definitions)).program


def optimum(cost: Ints, load: Ints, capacity: Ints) -> tuple[int, int]:
    """Jobs left over and cost of the best of everything, by the room that is left, job by job."""
    agents, jobs = cost.shape
    states: dict[tuple[int, ...], tuple[int, int]] = {tuple(capacity.tolist()): (0, 0)}
    for job in range(jobs):
        new: dict[tuple[int, ...], tuple[int, int]] = {}
        for room, (left, spent) in states.items():
            for agent in range(-1, agents):
                after = list(room)
                worth = left + 1, spent
                if agent >= 0:
                    after[agent] -= int(load[agent, job])
                    worth = left, spent + int(cost[agent, job])
                if min(after) >= 0 and worth < new.get(tuple(after), (jobs + 1, 0)):
                    new[tuple(after)] = worth
        states = new
    return min(states.values())


@pytest.mark.parametrize("seed", range(examples(40)))
def test_a_pair_costs_what_the_best_knapsack_with_it_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 8))
    price, load = rng.integers(-9, 4, size), rng.integers(0, 7, size)
    capacity, may = int(rng.integers(0, 15)), rng.random(size) < 0.8
    found = [np.array(one, dtype=np.bool_) for one in product((False, True), repeat=size)]
    found = [one for one in found if not (one & ~may).any() and load[one].sum() <= capacity]
    least, with_each = knapsacks._with_each(price, load, capacity, may)
    assert least == min(int(price[one].sum()) for one in found)
    for item in range(size):
        having = [int(price[one].sum()) for one in found if one[item]]
        assert with_each[item] == min(having, default=knapsacks._NEVER)


@pytest.mark.parametrize("seed", range(examples(12)))
def test_the_bound_is_true_and_closes_no_pair_of_an_optimum(seed: int) -> None:
    cost, load, capacity = assignment(seed, 3, 7)
    left, truth = optimum(cost, load, capacity)
    whole = program(problem(cost, load, capacity))
    parts, _ = parts_of(whole)
    (part,) = parts
    assert suits(part.program)
    part.budgets.append(left)
    # an answer to begin with: as many jobs as the optimum, dear ones
    matching = am.solve(problem(-cost + 100, load, capacity), policy=POLICY)
    values = np.zeros(len(part.program.most), dtype=np.int64)
    of = Relaxed(part, 1)
    place = {(int(i), int(j)): k for k, (i, j) in enumerate(zip(whole.demand_of, whole.supply_of, strict=True))}
    for one in matching.assignments:
        values[place[int(one.demand_id[1:]), int(one.supply_id[1:])]] = 1
    found = of.from_arcs(np.flatnonzero(values))
    assert found is not None
    part.values = found
    of.relax(Highs(), None)
    by_pairs = of.proven
    Knapsacks(of, Highs()).raised(None, lambda: 0.0)
    assert by_pairs <= of.proven <= truth
    assert of.closing is not None
    assert of.certain() == of.proven
    _, high = of.within(truth)
    best_arcs = [
        place[int(a.demand_id[1:]), int(a.supply_id[1:])]
        for a in am.solve(problem(cost, load, capacity), policy=POLICY).assignments
    ]
    assert (high[best_arcs] > 0).all()


@pytest.mark.parametrize("seed", range(examples(10)))
@pytest.mark.parametrize("large", [False, True])
def test_assignments_are_decided_as_trying_everything_would(
    seed: int, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr("aidmatch.engine.parts.SACKS", 0)
    cost, load, capacity = assignment(seed, 3, 9)
    made = problem(cost, load, capacity)
    matching = am.solve(made, policy=POLICY)
    am.verify(made, matching, policy=POLICY)
    left, truth = optimum(cost, load, capacity)
    assert [level.value for level in matching.levels] == [cost.shape[1] - left, truth]
    assert matching.levels[1].bound <= truth


@pytest.mark.parametrize("seed", range(examples(60)))
def test_hours_and_minima_are_decided_by_knapsacks_as_by_sets(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # nothing is a set of few clients, so that all that has hours is a knapsack
    monkeypatch.setattr("aidmatch.engine.choices.PERSONS", 0)
    monkeypatch.setattr("aidmatch.engine.parts.SACKS", (0, 1_200)[seed % 2])
    case = care_case(seed)
    matching = am.solve(case.problem, policy=case.policy)
    am.verify(case.problem, matching, policy=case.policy)
    assert tuple(level.value for level in matching.levels) == best(case)


def test_generating_brings_bounds_that_pairs_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty jobs of five agents: neither the bound of pairs nor subgradient steps are as good."""
    made = problem(*assignment(1, 5, 30))

    def gap() -> int:
        matching = am.solve(made, policy=POLICY, time_limit=5)
        am.verify(made, matching)
        return matching.levels[-1].gap

    monkeypatch.setattr("aidmatch.engine.cases.Cases.split", lambda *_: None)
    with_them = gap()
    monkeypatch.setattr(integer, "suits", lambda _: False)
    assert with_them < gap()


def test_what_is_no_knapsack_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    made = program(problem(*assignment(2, 3, 7)))
    (part,) = parts_of(made)[0]
    assert suits(part.program)
    monkeypatch.setattr(knapsacks, "WORK", 10.0)
    assert not suits(part.program)


def test_time_that_is_over_leaves_the_relaxations_bound() -> None:
    made = program(problem(*assignment(3, 3, 7)))
    (part,) = parts_of(made)[0]
    of = Relaxed(part, 0)
    of.relax(Highs(), None)
    before = of.proven
    clock: Any = iter([0.0, 2.0]).__next__
    Knapsacks(of, Highs()).raised(1.0, clock)
    assert of.proven >= before
