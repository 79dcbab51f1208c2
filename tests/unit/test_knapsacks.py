"""Knapsacks and exchanges between them: true bounds, nothing closed that an optimum has, and the optimum in the end."""

import tracemalloc
from dataclasses import replace
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
from aidmatch.engine.cutting import cut
from aidmatch.engine.exchange import _beside, exchanged
from aidmatch.engine.gathered import Gathered, gathered
from aidmatch.engine.generating import generate
from aidmatch.engine.knapsacks import Knapsacks, suits
from aidmatch.engine.lagrange import filled, packable, work_of
from aidmatch.engine.parts import parts_of
from aidmatch.engine.relaxed import Relaxed
from aidmatch.engine.searching import Searches
from aidmatch.engine.values import is_feasible, value_of
from aidmatch.formulation.flow import formulate
from aidmatch.formulation.integer import formulate_integers, what_needs_integers
from aidmatch.integer_program import IntegerProgram
from aidmatch.solvers.growing import HighsGrowing
from aidmatch.solvers.mip import Highs

POLICY = am.Policy.care(categories=("A",), levels=("coverage", "distance"))


def ints(values: Any) -> Ints:
    return np.array(values, dtype=np.int64)


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


def begun(seed: int, agents: int, jobs: int) -> Relaxed:
    """The cost of an assignment, relaxed, with a dear answer that leaves over no more jobs than it must."""
    cost, load, capacity = assignment(seed, agents, jobs)
    matching = am.solve(problem(100 - cost, load, capacity), policy=POLICY)
    whole = program(problem(cost, load, capacity))
    (part,) = parts_of(whole)[0]
    # units served, below nothing
    part.budgets.append(sum(matching.unmet.values()) - jobs)
    of = Relaxed(part, 1)
    place = {(int(i), int(j)): k for k, (i, j) in enumerate(zip(whole.demand_of, whole.supply_of, strict=True))}
    found = of.from_arcs(ints(sorted(place[int(a.demand_id[1:]), int(a.supply_id[1:])] for a in matching.assignments)))
    assert found is not None
    part.values = found
    of.relax(Highs(), None)
    return of


@pytest.mark.parametrize("seed", range(examples(100)))
def test_a_pair_costs_what_the_best_knapsack_with_it_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 8))
    price, load = rng.integers(-9, 4, size), rng.integers(0, 7, size)
    capacity, may = int(rng.integers(0, 15)), rng.random(size) < 0.8
    most = int(rng.integers(0, size + 1))
    # what numbers of pairs cost, some of which may not be
    tail = [0] + [None if rng.random() < 0.2 else int(end) for end in rng.integers(-3, 9, most)]
    tail += [None] * (size - most)
    if seed % 3 == 0:
        tail = [0] * (size + 1)
    # as far as loads allow
    tail = tail[: 1 + int((np.cumsum(np.sort(load)) <= capacity).sum())]
    found = [np.array(one, dtype=np.bool_) for one in product((False, True), repeat=size)]
    found = [one for one in found if not (one & ~may).any() and load[one].sum() <= capacity]
    told = [(one, tail[one.sum()]) for one in found]
    worth = [(one, int(price[one].sum()) + end) for one, end in told if end is not None]
    least, with_each = knapsacks._with_each(price, load, capacity, may, tail)
    assert least == min(value for _, value in worth)
    for item in range(size):
        having = [value for one, value in worth if one[item]]
        assert with_each[item] == min(having, default=knapsacks._NEVER)
    chosen = filled(price.astype(float), load, capacity, np.zeros_like(may), may, tail) > 0
    end = tail[chosen.sum()]
    assert end is not None
    assert least == int(price[chosen].sum()) + end


def raised(of: Relaxed, how: Any, end: float | None = None, clock: Any = lambda: 0.0) -> None:
    sacks = Knapsacks(of)
    how(sacks, Highs(), end, clock)
    sacks.prove()


@pytest.mark.parametrize("how", [cut, generate])
@pytest.mark.parametrize("seed", range(examples(12)))
def test_the_bound_is_true_and_closes_no_pair_of_an_optimum(seed: int, how: Any) -> None:
    cost, load, capacity = assignment(seed, 3, 7)
    left, truth = optimum(cost, load, capacity)
    of = begun(seed, 3, 7)
    part = of.part
    assert suits(part.program)
    assert part.budgets == [left - 7]
    by_pairs = of.proven
    raised(of, how)
    assert by_pairs <= of.proven <= truth
    assert of.closing is not None
    assert of.certain() == of.proven
    _, high = of.within(truth)
    ends = zip(of.plain.demand_of.tolist(), of.plain.supply_of.tolist(), strict=True)
    place = {pair: k for k, pair in enumerate(ends)}
    for a in am.solve(problem(cost, load, capacity), policy=POLICY).assignments:
        assert high[place[int(a.demand_id[1:]), int(a.supply_id[1:])]] > 0


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


@pytest.mark.parametrize("how", [cut, generate])
def test_no_program_is_solved_when_time_is_over(how: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    of = begun(3, 4, 12)
    before, _ = of.proven, monkeypatch.setattr(HighsGrowing, "solve", lambda *_: pytest.fail("the time is over"))
    raised(of, how, 1.0, lambda: 1.0)
    # the multipliers of the relaxation of pairs, with knapsacks kept whole
    assert of.proven > before


def test_pairs_that_are_charged_for_their_use_are_in_no_knapsack() -> None:
    made = program(problem(*assignment(2, 3, 7)))
    (part,) = parts_of(made)[0]
    charged = part.program.use_start.copy()
    charged[-1] += 1
    more = replace(part.program, use_start=charged, use_column=ints([0]), use_coefficient=ints([1]))
    assert not suits(more)


def test_sums_that_may_leave_64_bits_close_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knapsacks, "_LARGEST", 2.0)
    of = begun(5, 3, 7)
    raised(of, generate)
    assert of.closing is None


def test_choosing_few_of_many_takes_room_for_few() -> None:
    size, capacity = 300, 1_000
    price, load, every = -np.arange(1.0, size + 1), np.ones(size, dtype=np.int64), np.ones(size, dtype=np.bool_)
    tail = [0.0] * 4 + [None] * (size - 3)
    tracemalloc.start()
    chosen = filled(price, load, capacity, ~every, every, tail)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.flatnonzero(chosen).tolist() == [297, 298, 299]
    # all pairs or all numbers would be a megabyte each
    assert most < 300_000


def test_searches_know_whether_supplies_are_knapsacks() -> None:
    of = begun(3, 3, 7)
    assert not of.linear.knapsacks
    of.part.sacks = True
    assert Relaxed(of.part, 1).linear.knapsacks


def gathered_of(made: am.CareProblem) -> list[Gathered]:
    """The agents of an assignment problem."""
    (part,) = parts_of(program(made))[0]
    return list(gathered(part.program, packable(part.program)))


def capped(seed: int, most: int, least: int) -> am.CareProblem:
    """An assignment problem whose agents have some persons at most, and should have some at least."""
    whole = problem(*assignment(seed, 3, 12))
    supplies = [replace(one, max_persons=most, min_persons=least) for one in whole.supplies]
    return am.CareProblem(whole.demands, supplies, as_of=DAY, pairs=whole.pairs)


@pytest.mark.parametrize("seed", range(examples(10)))
def test_knapsacks_of_few_persons_are_proven(seed: int) -> None:
    policy = am.Policy.care(categories=("A",), levels=("coverage", "minimum-loads", "distance"))
    made = capped(seed, 4, 3)
    matching = am.solve(made, policy=policy)
    am.verify(made, matching)
    assert matching.status is am.Status.OPTIMAL


def test_numbers_that_loads_allow_are_told_as_far_as_they_matter() -> None:
    (one, *_), widths = gathered_of(capped(0, 12, 0)), []
    for most in (3, 12):
        made = program(capped(0, most, 0))
        (part,) = parts_of(made)[0]
        rows = packable(part.program)
        widths.append(
            work_of(part.program, rows) / sum(12.0 * (sack.capacity + 1) for sack in gathered(part.program, rows))
        )
    # none to three, and not told at all
    assert widths == [4, 1]
    # twelve pairs, of which fewer fit
    assert len(one.tail(np.zeros(99), np.zeros(99), ints([0] * 99), ints([99] * 99))) == one.fitting + 1 < 13


# --- exchanges


def ran(of: Relaxed, seconds: float | None, clock: Any = lambda: 0.0) -> int:
    """Run exchanges; how many searches there were."""
    searches = Searches(Highs(), None)
    searches.run([(1, lambda _: exchanged(of, seconds, clock=clock))], None, lambda: 0.0)
    return searches.solves


@pytest.mark.parametrize("seed", range(examples(8)))
def test_exchanges_better_a_dear_answer_and_keep_every_row(seed: int) -> None:
    of = begun(seed, 7, 16)
    before, left = of.reached, of.part.budgets[0]
    truth = am.solve(problem(*assignment(seed, 7, 16)), policy=POLICY)
    assert ran(of, None) > 0
    assert truth.levels[1].bound <= of.reached < before
    assert is_feasible(of.part.program, of.part.values)
    assert value_of(of.part.program.levels[0], of.part.values) <= left
    # nobody is asked again who is as they were
    again = ran(of, None)
    assert again > 0
    done = of.reached
    ran(of, None)
    assert of.reached == done


def test_exchanges_end_when_the_time_is_over_or_the_answer_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: Any = iter([0.0, 0.0, 9.0]).__next__
    assert ran(begun(1, 7, 16), 5.0, ticks) == 1
    # three supplies are more than half of three
    assert ran(begun(1, 3, 7), None) == 0
    monkeypatch.setattr(Relaxed, "proven", property(lambda self: self.reached))
    assert ran(begun(1, 7, 16), None) == 0


def test_those_go_together_that_could_take_over_at_the_least_cost() -> None:
    of = begun(4, 6, 14)
    arcs = len(of.plain.demand_of)
    reduced = np.full(len(of.plain.most), 50.0)
    served = of.plain.demand_of[(of.part.values[:arcs] > 0) & (of.plain.supply_of == 2)]
    near = np.isin(of.plain.demand_of, served) & (of.plain.supply_of == 5)
    reduced[:arcs][near] = 1.0
    of.guide = np.zeros(len(reduced)), reduced
    assert _beside(of, 2, 2).tolist() == [2, 5]
