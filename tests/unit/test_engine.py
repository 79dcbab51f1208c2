"""Levels in strict order, exact to the last unit, each part alone; and proofs that say so."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances import DAY, levels, lot, need, place
from tests.profiles import examples

import aidmatch as am
from aidmatch.arrays import SAFE, Bools, Ints, dot, frozen, total
from aidmatch.certificate import lexicographic_sign, node_fault
from aidmatch.engine.levels import ProvenFlow, Run, _proven, in_runs, solve_levels, weighted_runs
from aidmatch.engine.market import solve_market
from aidmatch.engine.transport import COST_LIMIT, Transport, longest_path, solve_transport
from aidmatch.formulation.arcs import ListedArcs
from aidmatch.pair_costs import Metric
from aidmatch.program import Costs, Level, Market, Program, TieKeys
from aidmatch.solvers.network import Network, NetworkFlow
from aidmatch.solvers.simplex import NetworkSimplex

Vector = tuple[int, ...]
SOLVER = NetworkSimplex()


def ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), dtype=np.int64)


def program(
    demand: Sequence[int],
    supply: Sequence[int],
    arcs: Mapping[tuple[int, int], int],
    ranks: Sequence[int] | None = None,
    categories: int = 1,
    limit: int | None = None,
) -> Program:
    """Coverage of each category, then the metric."""
    ranks = [0] * len(demand) if ranks is None else ranks
    keys = sorted(arcs)
    levels_ = [Costs(ints(int(rank == c) for rank in ranks), None) for c in range(categories)]
    return Program(
        ints(demand),
        ints(supply),
        ints(i for i, _ in keys),
        ints(j for _, j in keys),
        (*levels_, Costs(None, ints(arcs[key] for key in keys))),
        limit,
    )


def metric(p: Program) -> Ints:
    """Costs of the arcs at the lowest level."""
    costs = p.levels[-1].arc
    assert costs is not None
    return costs


def with_metric(p: Program, costs: Ints) -> Program:
    return replace(p, levels=(*p.levels[:-1], Costs(None, costs)))


def market(p: Program) -> Market:
    """The market whose program it is; only the lowest level costs anything on an arc."""
    levels_ = [Level(costs.unmet, None if costs.arc is None else Metric()) for costs in p.levels]
    keys = TieKeys(*(np.arange(1, 1 + len(side)).astype(np.uint64) for side in (p.demand, p.supply)))
    return Market(p.demand, p.supply, ListedArcs(p.demand_of, p.supply_of, metric(p)), tuple(levels_), p.limit, keys)


def level_by_level(p: Program, solver: Any) -> ProvenFlow:
    return in_runs(p, [Run(row, (1,)) for row in range(len(p.levels))], solver)


def at_once(p: Program) -> bool:
    """Whether one weighted cost holds all levels."""
    return len(weighted_runs(p)) == 1


def flows(p: Program, answer: ProvenFlow) -> dict[tuple[int, int], int]:
    arcs = zip(p.demand_of.tolist(), p.supply_of.tolist(), answer.flow.tolist(), strict=True)
    return {(i, j): units for i, j, units in arcs if units}


def values(p: Program, answer: ProvenFlow) -> Vector:
    """What each level costs, in Python's integers."""
    arcs, unmet = vectors(p)
    flow, left = answer.flow.tolist(), answer.left.tolist()
    return tuple(
        sum(units * cost[row] for units, cost in zip(flow, arcs, strict=True))
        + sum(over * cost[row] for over, cost in zip(left, unmet, strict=True))
        for row in range(len(p.levels))
    )


def vectors(p: Program) -> tuple[list[Vector], list[Vector]]:
    """Costs of each arc and of each unit left over, level by level, in Python's integers."""
    arcs = [tuple(0 if lv.arc is None else int(lv.arc[k]) for lv in p.levels) for k in range(len(p.demand_of))]
    unmet = [tuple(0 if lv.unmet is None else int(lv.unmet[i]) for lv in p.levels) for i in range(len(p.demand))]
    return arcs, unmet


def holds(p: Program, answer: ProvenFlow) -> bool:
    """The certificate's conditions and the equality of value and bound, written once more without arrays."""
    zero = (0,) * len(p.levels)
    full = [0] * len(p.levels)  # what arcs at their limit are worth less than nothing
    arcs, unmet = vectors(p)
    u, v = (list(zip(*rows.tolist(), strict=True)) or [] for rows in (answer.u, answer.v))
    left, unused = p.demand.tolist(), p.supply.tolist()
    for k, units in enumerate(answer.flow.tolist()):
        i, j = int(p.demand_of[k]), int(p.supply_of[k])
        left[i] -= units
        unused[j] -= units
        slack = tuple(c - a - b for c, a, b in zip(arcs[k], u[i], v[j], strict=True))
        below = p.limit is None or units < p.limit
        if (below and slack < zero) or (units > 0 and slack > zero) or units < 0 or not (below or units == p.limit):
            return False
        if not below:
            full = [amount + units * entry for amount, entry in zip(full, slack, strict=True)]
    for i, over in enumerate(left):
        slack = tuple(w - a for w, a in zip(unmet[i], u[i], strict=True))
        if over < 0 or slack < zero or (over and slack != zero):
            return False
    for j, over in enumerate(unused):
        slack = tuple(-b for b in v[j])
        if over < 0 or slack < zero or (over and slack != zero):
            return False
    bounds = tuple(
        sum(q * a for q, a in zip(p.demand.tolist(), answer.u[row].tolist(), strict=True))
        + sum(s * b for s, b in zip(p.supply.tolist(), answer.v[row].tolist(), strict=True))
        + full[row]
        for row in range(len(p.levels))
    )
    return left == answer.left.tolist() and bounds == values(p, answer)


def best(p: Program) -> Vector:
    """Every flow is tried."""
    arcs, unmet = vectors(p)
    most = int(p.demand.max(initial=0)) if p.limit is None else p.limit
    limits = [
        min(int(p.demand[i]), int(p.supply[j]), most)
        for i, j in zip(p.demand_of.tolist(), p.supply_of.tolist(), strict=True)
    ]
    found: list[Vector] = []
    for flow in product(*(range(limit + 1) for limit in limits)):
        left, unused = p.demand.tolist(), p.supply.tolist()
        for k, units in enumerate(flow):
            left[p.demand_of[k]] -= units
            unused[p.supply_of[k]] -= units
        if min(*left, *unused, 0) == 0:
            found.append(
                tuple(
                    sum(units * arcs[k][row] for k, units in enumerate(flow))
                    + sum(over * unmet[i][row] for i, over in enumerate(left))
                    for row in range(len(p.levels))
                )
            )
    return min(found)


def random_program(
    rng: random.Random, *, nodes: int, most: int, dearest: int, limits: Sequence[int | None] = (None,)
) -> Program:
    n, m, categories = rng.randint(1, nodes), rng.randint(1, nodes), rng.randint(1, 3)
    costs = {(i, j): rng.randint(0, dearest) for i in range(n) for j in range(m) if rng.random() < 0.7}
    return program(
        [rng.randint(1, most) for _ in range(n)],
        [rng.randint(1, most) for _ in range(m)],
        costs or {(0, 0): 1},
        [rng.randrange(categories) for _ in range(n)],
        categories,
        rng.choice(limits),
    )


def of_both_kinds(rng: random.Random, p: Program) -> Program:
    """The same with one to three levels that charge anything, arcs even less than nothing."""

    def costs() -> Costs:
        unmet = ints(rng.randint(0, 5) for _ in p.demand) if rng.random() < 0.6 else None
        return Costs(unmet, ints(rng.randint(-5, 5) for _ in p.demand_of) if rng.random() < 0.8 else None)

    return replace(p, levels=tuple(costs() for _ in range(rng.randint(1, 3))))


# --- one instance a level, by hand


def test_the_higher_category_is_served_although_the_lower_is_nearer() -> None:
    p = program([1, 1], [1], {(0, 0): 100, (1, 0): 1}, ranks=[0, 1], categories=2)
    answer = solve_levels(p, SOLVER)
    assert flows(p, answer) == {(0, 0): 1}
    assert values(p, answer) == (0, 1, 100)


def test_the_lower_category_is_served_as_far_as_the_higher_lets_it() -> None:
    # the A need could take either lot, the B need the first only: A makes room, however far the second is
    p = program([1, 1], [1, 1], {(0, 0): 1, (0, 1): 1000, (1, 0): 5}, ranks=[0, 1], categories=2)
    answer = solve_levels(p, SOLVER)
    assert flows(p, answer) == {(0, 1): 1, (1, 0): 1}
    assert values(p, answer) == (0, 0, 1005)


def test_distance_is_least_once_everybody_is_served() -> None:
    p = program([1, 1], [1, 1], {(0, 0): 1, (0, 1): 2, (1, 0): 3, (1, 1): 9})
    answer = solve_levels(p, SOLVER)
    assert flows(p, answer) == {(0, 1): 1, (1, 0): 1}
    assert values(p, answer) == (0, 5)


def test_a_long_chain_gives_way_so_that_one_more_is_served() -> None:
    # need i can take lot i or i + 1; a newcomer can take the first lot only, and everybody moves on
    n = 30
    arcs = {(i, i): 0 for i in range(n)} | {(i, i + 1): 10 for i in range(n)} | {(n, 0): 0}
    p = program([1] * (n + 1), [1] * (n + 1), arcs)
    answer = solve_levels(p, SOLVER)
    assert flows(p, answer) == {(n, 0): 1} | {(i, i + 1): 1 for i in range(n)}
    assert values(p, answer) == (0, 10 * n)


def test_one_unit_of_a_category_outweighs_any_number_of_a_lower_one() -> None:
    p = program([1, 1000], [1000], {(0, 0): 10**6, (1, 0): 0}, ranks=[0, 1], categories=2)
    assert values(p, solve_levels(p, SOLVER)) == (0, 1, 10**6)


def test_levels_through_the_public_door() -> None:
    # B takes the near lot, as A has one of its own further on; C gets what is left, D nothing
    needs = [need("a", 2, "A"), need("b", 1, "B", place=place(lat=36.6)), need("c", 2, "C"), need("d", 1, "D")]
    lots = [lot("near", 3), lot("far", 1, place=place(lat=36.6))]
    problem = am.GivingProblem(needs, lots, as_of=DAY)
    matching = am.solve(problem)
    am.verify(problem, matching)
    assert [(a.demand_id, a.supply_id, a.quantity) for a in matching.assignments] == [
        ("a", "near", 2),
        ("b", "far", 1),
        ("c", "near", 1),
    ]
    assert levels(matching) == (2, 1, 1, 0, 0)
    assert dict(matching.unmet) == {"c": 1, "d": 1}
    assert [(level.bound, level.gap) for level in matching.levels] == [(2, 0), (1, 0), (1, 0), (0, 0), (0, 0)]


# --- in one run, and level by level


def test_both_ways_reach_the_same_levels_and_both_proofs_hold() -> None:
    rng = random.Random(7)
    for number in range(examples(400)):
        p = random_program(rng, nodes=6, most=4, dearest=9, limits=(None, 1, 2))
        if number % 2:
            p = of_both_kinds(rng, p)
        (run,) = weighted_runs(p)
        one, other = in_runs(p, [run], SOLVER), level_by_level(p, SOLVER)
        assert values(p, one) == values(p, other)
        for answer in (one, other):
            assert holds(p, answer)
            assert _proven(p, answer)
        assert one.solves <= 1
        assert other.solves <= len(p.levels)


def test_both_ways_reach_what_trying_everything_finds() -> None:
    rng = random.Random(8)
    for number in range(examples(200)):
        p = random_program(rng, nodes=3, most=2, dearest=4, limits=(None, 1))
        if number % 2:
            p = of_both_kinds(rng, p)
        wanted = best(p)
        assert values(p, in_runs(p, weighted_runs(p), SOLVER)) == wanted
        assert values(p, level_by_level(p, SOLVER)) == wanted


def test_levels_may_be_cut_into_runs_anywhere() -> None:
    rng = random.Random(9)
    for _ in range(examples(100)):
        p = of_both_kinds(rng, random_program(rng, nodes=4, most=3, dearest=4, limits=(None, 1)))
        (whole,) = weighted_runs(p)
        for cut in range(1, len(p.levels)):
            # the weights of the lower levels alone are those of a program that has no others
            (lower,) = weighted_runs(replace(p, levels=p.levels[cut:]))
            (upper,) = weighted_runs(replace(p, levels=p.levels[:cut]))
            assert lower.weights == whole.weights[cut:]
            answer = in_runs(p, [upper, Run(cut, lower.weights)], SOLVER)
            assert values(p, answer) == values(p, in_runs(p, [whole], SOLVER))
            assert holds(p, answer)


@settings(max_examples=examples(300))
@given(st.integers(0, 2**32))
def test_a_proof_is_believed_exactly_if_it_holds(seed: int) -> None:
    rng = random.Random(seed)
    p = random_program(rng, nodes=4, most=3, dearest=3, limits=(None, 1))
    answer = solve_levels(p, SOLVER)
    u, v = answer.u.copy(), answer.v.copy()
    for _ in range(rng.randint(1, 2)):
        rows = rng.choice([u, v])
        rows[rng.randrange(rows.shape[0]), rng.randrange(rows.shape[1])] += rng.choice([-2, -1, 1, 2])
    moved = replace(answer, u=u, v=v)
    assert _proven(p, moved) == holds(p, moved)


@settings(max_examples=examples(300))
@given(st.integers(0, 2**32))
def test_a_worse_flow_is_never_proven_by_the_proof_of_a_better_one(seed: int) -> None:
    rng = random.Random(seed)
    p = random_program(rng, nodes=4, most=3, dearest=3)
    answer = solve_levels(p, SOLVER)
    carrying = np.flatnonzero(answer.flow)
    if not carrying.size:
        return
    flow, left = answer.flow.copy(), answer.left.copy()
    k = int(rng.choice(carrying.tolist()))
    flow[k] -= 1
    left[p.demand_of[k]] += 1
    assert not _proven(p, replace(answer, flow=flow, left=left))


def test_levels_on_which_nothing_depends_are_passed_over() -> None:
    class Counting(NetworkSimplex):
        solved = 0

        def min_cost_flow(self, network: Network) -> NetworkFlow:
            Counting.solved += 1
            return super().min_cost_flow(network)

    p = program([2], [1], {(0, 0): 0}, ranks=[1], categories=3)
    answer = level_by_level(p, Counting())
    # only the middle category has somebody; the metric is 0 everywhere
    assert Counting.solved == 1
    assert holds(p, answer)
    assert values(p, answer) == (0, 1, 0, 0)


def test_a_demand_that_must_be_met_is_met_at_every_later_level() -> None:
    # both are served at the first level, although leaving them would be cheaper at the next
    p = program([1, 1], [1, 1], {(0, 0): 10, (1, 1): 10})
    p = replace(p, levels=(*p.levels, Costs(ints([1, 1]), None)))
    answer = level_by_level(p, SOLVER)
    assert values(p, answer) == (0, 20, 0)
    assert holds(p, answer)


def test_a_level_may_be_of_both_kinds_at_once() -> None:
    # leaving a unit costs 5, carrying it 3 or 7
    p = replace(program([1, 1], [1, 1], {(0, 0): 3, (1, 1): 7}), levels=(Costs(ints([5, 5]), ints([3, 7])),))
    answer = solve_levels(p, SOLVER)
    assert flows(p, answer) == {(0, 0): 1}
    assert values(p, answer) == (8,)
    assert holds(p, answer)


# --- weights


def test_weights_put_more_on_a_level_than_all_levels_below_can_change() -> None:
    p = program([1, 1], [1, 1], {(0, 0): 10, (1, 1): 10}, ranks=[0, 1], categories=2)
    # a path changes the metric by (min(n, m) + 1)·10 = 30, a reduced cost by 10 + 4·30 = 130
    assert weighted_runs(p) == [Run(0, (1 + 2 * (130 + 5 * 261), 261, 1))]


def test_what_counts_is_the_range_of_the_costs_of_arcs() -> None:
    p = replace(
        program([1, 1], [1], {(0, 0): 0, (1, 0): 0}), levels=(Costs(None, ints([-4, 3])), Costs(ints([2, 0]), None))
    )
    # below, a path changes 2 and a reduced cost 2 + 4·2
    assert weighted_runs(p) == [Run(0, (1 + 2 * 10, 1))]
    turned = replace(p, levels=p.levels[::-1])
    # below, a path changes (min(n, m) + 1)·7 and a reduced cost 4 + 4·14
    assert weighted_runs(turned) == [Run(0, (1 + 2 * 60, 1))]


def test_weights_that_leave_64_bits_are_refused_and_the_levels_solved_one_by_one() -> None:
    edge = largest(lambda cost: at_once(program([1], [1], {(0, 0): cost})))
    for cost, fits in ((edge, True), (edge + 1, False)):
        p = program([1], [1], {(0, 0): cost})
        assert at_once(p) == fits
        answer = solve_levels(p, SOLVER)
        assert answer.solves == (1 if fits else 2)
        assert values(p, answer) == (0, cost)
        assert holds(p, answer)
    # coverage weighs 1 + 2·(c + 4·2c) and the metric adds c; twice that, for costs below zero, over 6 arcs
    assert 2 * 6 * (1 + 19 * edge) < COST_LIMIT <= 2 * 6 * (1 + 19 * (edge + 1))


def test_levels_that_do_not_fit_one_weighted_cost_are_cut_where_they_do() -> None:
    # the metric leaves no room for a level above, but those above fit each other
    p = program([1, 2], [2], {(0, 0): 2**57, (1, 0): 2**57 - 1}, ranks=[0, 1], categories=2)
    assert [(run.first, len(run.weights)) for run in weighted_runs(p)] == [(0, 2), (2, 1)]
    answer = solve_levels(p, SOLVER)
    assert answer.solves == 2
    assert values(p, answer) == (0, 1, 2**58 - 1)
    assert holds(p, answer)


def test_a_program_without_levels_has_no_runs() -> None:
    p = replace(program([1], [1], {(0, 0): 1}), levels=())
    assert weighted_runs(p) == []


def largest(fits: Any) -> int:
    low, high = 0, 2**62
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def test_many_categories_are_solved_one_by_one() -> None:
    categories = 40
    p = program(
        [1] * categories,
        [1] * 20,
        {(i, j): (i * j) % 7 for i in range(categories) for j in range(20)},
        list(range(categories)),
        categories,
    )
    runs = weighted_runs(p)
    assert 1 < len(runs) < categories
    assert [run.first for run in runs[1:]] == [run.first + len(run.weights) for run in runs[:-1]]
    assert runs[-1].first + len(runs[-1].weights) == categories + 1
    answer = solve_levels(p, SOLVER)
    assert answer.solves <= len(runs)
    assert holds(p, answer)
    assert values(p, answer)[:-1] == (0,) * 20 + (1,) * 20


def test_a_weighted_proof_that_fails_leads_to_the_levels_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    p = program([1, 1], [1], {(0, 0): 3, (1, 0): 2})
    true = in_runs(p, [Run(0, (100, 1))], SOLVER)
    assert holds(p, true)
    asked: list[int] = []

    def untrue_at_once(p: Program, runs: Sequence[Run], solver: Any) -> ProvenFlow:
        asked.append(len(runs))
        return replace(true, u=true.u + 1) if len(runs) == 1 else in_runs(p, runs, solver)

    monkeypatch.setattr("aidmatch.engine.levels.in_runs", untrue_at_once)
    answer = solve_levels(p, SOLVER)
    assert asked == [1, 2]
    assert answer.solves == 2
    assert holds(p, answer)
    assert values(p, answer) == (1, 2)
    monkeypatch.setattr("aidmatch.engine.levels.in_runs", lambda *_: replace(true, v=true.v - 1))
    with pytest.raises(am.SolverError, match="the levels are not proven optimal") as refused:
        solve_levels(p, SOLVER)
    assert (refused.value.code, refused.value.solver) == ("SOLVER_UNPROVEN", "pylmcf")


# --- limits and costs below zero


def test_no_arc_carries_more_than_its_limit() -> None:
    # the near one could give all three
    p = program([3], [3, 3], {(0, 0): 1, (0, 1): 5}, limit=1)
    answer = solve_levels(p, SOLVER)
    assert flows(p, answer) == {(0, 0): 1, (0, 1): 1}
    assert values(p, answer) == (1, 6)
    assert holds(p, answer)
    two = solve_levels(replace(p, limit=2), SOLVER)
    assert flows(p, two) == {(0, 0): 2, (0, 1): 1}
    assert values(p, two) == (0, 7)
    assert holds(replace(p, limit=2), two)


def test_what_is_full_at_one_level_stays_full_at_the_next() -> None:
    # at the first level everybody wants the pairs (0, 0) and (1, 1) kept; at the second these are the dear ones
    p = program([2, 2], [2, 2], {(0, 0): 0, (0, 1): 0, (1, 0): 0, (1, 1): 0}, limit=1)
    p = replace(p, levels=(Costs(None, ints([-1, 0, 0, -1])), Costs(ints([9, 9]), ints([5, 1, 1, 5]))))
    for answer in (solve_levels(p, SOLVER), level_by_level(p, SOLVER)):
        assert flows(p, answer) == {(0, 0): 1, (0, 1): 1, (1, 0): 1, (1, 1): 1}
        assert values(p, answer) == (-2, 12)
        assert holds(p, answer)


def test_a_pair_worth_keeping_is_kept_although_leaving_it_would_cost_nothing() -> None:
    p = replace(program([1, 1], [1], {(0, 0): 0, (1, 0): 0}), levels=(Costs(None, ints([-2, -3])),))
    answer = solve_levels(p, SOLVER)
    assert flows(p, answer) == {(1, 0): 1}
    assert values(p, answer) == (-3,)
    assert holds(p, answer)


def test_pairs_below_their_limit_are_open() -> None:
    p = program([2, 1, 1], [2, 1], {(0, 0): 0, (0, 1): 5, (1, 0): 0, (2, 1): 9}, limit=1)
    solution = solve_market(market(p), [SOLVER])
    # everybody is served; the first demand by both, which are closed to it then
    assert list(zip(solution.demand_of.tolist(), solution.supply_of.tolist(), solution.flow.tolist(), strict=True)) == [
        (0, 0, 1),
        (0, 1, 1),
        (1, 0, 1),
    ]
    assert solution.can_take.tolist() == [False, False, True]


# --- markets and their parts


def test_parts_that_do_not_touch_are_decided_alone() -> None:
    p = program([2, 1, 5, 1], [1, 4, 3], {(0, 0): 4, (1, 2): 1, (3, 2): 2})
    solution = solve_market(market(p), [SOLVER])
    work = solution.work
    assert (work.components, work.arcs, work.nodes, work.rounds, work.failures) == (2, 3, 7, 1, ((),))
    assert work.tied
    assert list(zip(solution.demand_of, solution.supply_of, solution.metric, solution.flow, strict=True)) == [
        (0, 0, 4, 1),
        (1, 2, 1, 1),
        (3, 2, 2, 1),
    ]
    assert solution.can_take.tolist() == [True, False, False, False]
    # whoever has no arc: a unit left over costs what it costs, an unused one nothing
    assert solution.u[:, 2].tolist() == [1, 0]
    assert solution.v[:, 1].tolist() == [0, 0]


@settings(max_examples=examples(200))
@given(st.integers(0, 2**32))
def test_the_whole_is_the_sum_of_its_parts(seed: int) -> None:
    rng = random.Random(seed)
    parts = [random_program(rng, nodes=3, most=3, dearest=5) for _ in range(rng.randint(1, 4))]
    arcs: dict[tuple[int, int], int] = {}
    demand: list[int] = []
    supply: list[int] = []
    ranks: list[int] = []
    for p in parts:
        for i, j, cost in zip(p.demand_of.tolist(), p.supply_of.tolist(), metric(p).tolist(), strict=True):
            arcs[i + len(demand), j + len(supply)] = cost
        ranks += [next(c for c, unmet in enumerate(vectors(p)[1][i]) if unmet) for i in range(len(p.demand))]
        demand += p.demand.tolist()
        supply += p.supply.tolist()
    whole = program(demand, supply, arcs, ranks, 3)
    solution = solve_market(market(whole), [SOLVER])
    flow = np.zeros(len(arcs), dtype=np.int64)
    keys = {key: k for k, key in enumerate(sorted(arcs))}
    for i, j, units in zip(solution.demand_of, solution.supply_of, solution.flow, strict=True):
        flow[keys[int(i), int(j)]] = units
    left = whole.demand - np.bincount(whole.demand_of, flow, minlength=len(demand)).astype(np.int64)
    # the proof of the parts, put together, is a proof of the whole
    together = ProvenFlow(flow, left, solution.u, solution.v, 1, 1)
    assert holds(whole, together)
    assert values(whole, together) == values(whole, level_by_level(whole, SOLVER))


@pytest.mark.parametrize(
    ("demand", "supply", "arcs"),
    [([3], [2], {}), ([3, 1], [], {}), ([], [2, 2], {}), ([], [], {})],
    ids=["no arcs", "no supplies", "no demands", "nothing"],
)
def test_a_market_without_anything_to_decide_is_decided(
    demand: list[int], supply: list[int], arcs: dict[tuple[int, int], int]
) -> None:
    p = program(demand, supply, arcs)
    solution = solve_market(market(p), [SOLVER])
    work = solution.work
    assert (work.components, work.arcs, solution.flow.tolist(), work.solves, work.tied) == (0, 0, [], (0,), True)
    assert solution.u.tolist() == [[1] * len(demand), [0] * len(demand)]
    assert solution.v.tolist() == [[0] * len(supply)] * 2
    nothing = ProvenFlow(solution.flow, p.demand, solution.u, solution.v, 0, 1)
    assert holds(p, nothing)


def test_demands_and_supplies_of_nothing_do_no_harm() -> None:
    p = program([0, 2], [2, 0], {(0, 0): 1, (1, 0): 2, (1, 1): 3})
    answer = solve_levels(p, SOLVER)
    assert flows(p, answer) == {(1, 0): 2}
    assert holds(p, answer)


# --- numbers at the edges

EDGES = [2**31 - 1, 2**31, 2**31 + 1, 2**53 - 1, 2**53, 2**53 + 1, 2**59 - 1, 2**59, 2**60 - 1, 2**60]


@pytest.mark.parametrize("units", [*EDGES, 2**61 - 2, 2**61 - 1, 2**61, 2**61 + 1, 2**62 - 1, 2**62])
def test_quantities_at_the_edges_are_exact_or_refused(units: int) -> None:
    # of an odd number one unit stays unmet, that of the second demand; of an even one, it takes the near lot's last
    half, odd = units // 2, units % 2
    p = program([units - 1, 1], [half, half], {(0, 0): 0, (0, 1): 2, (1, 0): 1})
    counted = units + 2 * half
    if counted >= SAFE:
        with pytest.raises(am.NumberRangeError, match=f"{counted} units in one component"):
            solve_levels(p, SOLVER)
        return
    answer = solve_levels(p, SOLVER)
    assert holds(p, answer)
    assert values(p, answer) == (odd, 2 * half + 1 - odd)


@pytest.mark.parametrize("units", EDGES)
def test_the_sum_of_quantities_and_costs_leaves_64_bits_and_stays_exact(units: int) -> None:
    p = program([units], [units // 2, units // 4], {(0, 0): 2**40, (0, 1): 2**41 + 1})
    if units + units // 2 + units // 4 >= SAFE:
        with pytest.raises(am.NumberRangeError):
            solve_levels(p, SOLVER)
        return
    answer = solve_levels(p, SOLVER)
    assert holds(p, answer)
    value = 2**40 * (units // 2) + (2**41 + 1) * (units // 4)
    assert values(p, answer) == (units - units // 2 - units // 4, value)
    assert value > 2**69


@pytest.mark.parametrize("cost", [*EDGES, 2**61 - 1, 2**61, 2**62 - 1, 2**62])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_costs_at_the_edges_are_exact_or_refused(cost: int, size: int) -> None:
    # everybody's first choice is one cheaper than the second, and it cannot be everybody's
    arcs = {(i, j): cost - (j == 0) for i in range(size) for j in range(size)}
    p = program([1] * size, [1] * size, arcs)
    if cost * longest_path(size, size) >= COST_LIMIT:
        with pytest.raises(am.NumberRangeError, match="leaves 64-bit integers"):
            solve_levels(p, SOLVER)
        return
    answer = solve_levels(p, SOLVER)
    assert holds(p, answer)
    assert values(p, answer) == (0, size * cost - 1)


def test_the_dearest_cost_that_is_allowed_is_exact_and_the_next_is_refused() -> None:
    edge = (COST_LIMIT - 1) // longest_path(2, 2)
    for cost, allowed in ((edge, True), (edge + 1, False)):
        p = program([1, 1], [1, 1], {(0, 0): cost, (0, 1): cost - 1, (1, 0): cost - 3, (1, 1): 0})
        if allowed:
            answer = solve_levels(p, SOLVER)
            assert holds(p, answer)
            assert values(p, answer) == (0, cost)
        else:
            with pytest.raises(am.NumberRangeError):
                solve_levels(p, SOLVER)


@pytest.mark.parametrize("big", [2**31, 2**53, 2**57, 2**58])
def test_random_programs_at_the_edges_are_exact_or_refused(big: int) -> None:
    rng = random.Random(big)
    solved = 0
    for _ in range(examples(40)):
        p = random_program(rng, nodes=3, most=2, dearest=4)
        p = with_metric(p, ints(max(0, big - rng.choice([0, 1, 2, big // 2, big])) for _ in p.demand_of))
        try:
            answer = solve_levels(p, SOLVER)
        except am.NumberRangeError:
            continue
        assert holds(p, answer)
        assert values(p, answer) == best(p)
        solved += 1
    assert solved > 0


@pytest.mark.parametrize("units", [2**62, 2**61, 2**60])
def test_quantities_too_large_to_count_are_refused_by_the_item(units: int) -> None:
    problem = am.GivingProblem([need("n1", units)], [lot("d1", units)], as_of=DAY)
    with pytest.raises(am.NumberRangeError, match=f"item 'quilt': {2 * units} units") as refused:
        am.solve(problem)
    assert refused.value.code == "NUMBER_RANGE"


def test_the_largest_quantities_that_can_be_counted_are_exact() -> None:
    problem = am.GivingProblem([need("n1", 2**60)], [lot("d1", 2**60 - 1, place=place(lat=36.6))], as_of=DAY)
    matching = am.solve(problem)
    am.verify(problem, matching)
    assert levels(matching) == (2**60 - 1, 0, 0, 0, 11_120 * (2**60 - 1))
    assert dict(matching.unmet) == {"n1": 1}


def test_a_weight_that_nothing_is_multiplied_by_does_no_harm() -> None:
    cost = (COST_LIMIT - 1) // longest_path(1, 1)
    p = replace(program([1], [1], {(0, 0): cost}), levels=(Costs(None, None), Costs(ints([cost]), ints([cost]))))
    assert values(p, solve_levels(p, SOLVER)) == (0, cost)


# --- one transportation problem


def transport(p: Program, **changes: Any) -> Transport:
    n, m = len(p.demand), len(p.supply)
    plain = Transport(
        p.demand,
        p.supply,
        p.demand_of,
        p.supply_of,
        metric(p),
        ints([100] * n),
        np.ones(n, dtype=np.bool_),
        np.ones(m, dtype=np.bool_),
        p.limit,
    )
    return replace(plain, **changes)


@settings(max_examples=examples(200))
@given(st.integers(0, 2**32))
def test_potentials_have_the_signs_that_are_promised(seed: int) -> None:
    rng = random.Random(seed)
    p = random_program(rng, nodes=4, most=3, dearest=9, limits=(None, 1, 2))
    cost = ints(rng.randint(-9, 9) for _ in p.demand_of)
    answer = solve_transport(transport(p, cost=cost), SOLVER)
    reduced = cost - answer.u[p.demand_of] - answer.v[p.supply_of]
    unused = p.supply - np.bincount(p.supply_of, answer.flow, minlength=len(p.supply)).astype(np.int64)
    assert (answer.flow <= (3 if p.limit is None else p.limit)).all()
    assert (reduced[answer.flow < (4 if p.limit is None else p.limit)] >= 0).all()
    assert (reduced[answer.flow > 0] <= 0).all()
    assert (answer.u <= 100).all()
    assert (answer.u[answer.left > 0] == 100).all()
    assert (answer.v <= 0).all()
    assert (answer.v[unused > 0] == 0).all()


def test_what_must_not_be_missed_or_idle_is_not() -> None:
    # leaving the demand would cost nothing, carrying it 9
    p = program([1], [1, 1], {(0, 0): 9, (0, 1): 5})
    free = solve_transport(transport(p, unmet=ints([0])), SOLVER)
    assert (free.flow.tolist(), free.left.tolist()) == ([0, 0], [1])
    met = solve_transport(transport(p, unmet=ints([0]), may_miss=np.array([False])), SOLVER)
    assert (met.flow.tolist(), met.left.tolist()) == ([0, 1], [0])
    used = solve_transport(transport(p, unmet=ints([0]), may_idle=np.array([False, True])), SOLVER)
    assert (used.flow.tolist(), used.left.tolist()) == ([1, 0], [0])


def test_the_network_is_sorted_without_parallel_arcs_and_balanced() -> None:
    class Looking(NetworkSimplex):
        def min_cost_flow(self, network: Network) -> NetworkFlow:
            keys = list(zip(network.tail.tolist(), network.head.tolist(), strict=True))
            assert keys == sorted(set(keys))
            assert int(network.balance.sum()) == 0
            assert (network.capacity > 0).all()
            assert (network.cost >= 0).all()
            assert {a.dtype for a in (network.balance, network.tail, network.head, network.capacity, network.cost)} == {
                np.dtype(np.int64)
            }
            return super().min_cost_flow(network)

    rng = random.Random(3)
    for _ in range(50):
        p = random_program(rng, nodes=5, most=3, dearest=3)
        solve_transport(transport(p), Looking())
        level_by_level(p, Looking())


def test_more_flow_than_could_come_from_anywhere_is_refused_before_it_is_added_up() -> None:
    class Full(NetworkSimplex):
        """Within every capacity, and far more than there is."""

        def min_cost_flow(self, network: Network) -> NetworkFlow:
            return NetworkFlow(network.capacity.copy(), np.zeros_like(network.balance))

    p = program([1] * 4, [1] * 4, {(i, j): 1 for i in range(4) for j in range(4)})
    with pytest.raises(am.SolverError, match="flow comes from nowhere") as refused:
        solve_levels(p, Full())
    assert refused.value.code == "SOLVER_INFEASIBLE"


class Scribbler:
    """Changes the network it was given, and then solves that one."""

    name = "scribbler"
    version = "0"

    def __init__(self, scribble: Callable[[Network], None]) -> None:
        self.scribble = scribble

    def min_cost_flow(self, network: Network) -> NetworkFlow:
        self.scribble(network)
        if not network.balance.any():
            return NetworkFlow(np.zeros_like(network.tail), np.zeros_like(network.balance))
        return SOLVER.min_cost_flow(network)


def ask_for_nothing(network: Network) -> None:
    network.balance[:] = 0


def ask_for_half(network: Network) -> None:
    network.balance[1:] //= 2
    network.balance[0] -= network.balance.sum()


def turn_the_costs_round(network: Network) -> None:
    network.cost[:] = network.cost.max() - network.cost


@pytest.mark.parametrize("scribble", [ask_for_nothing, ask_for_half])
def test_a_solver_that_writes_on_its_input_does_not_pass(scribble: Callable[[Network], None]) -> None:
    needs = [need("n1", 2), need("n2", 2, place=place(lat=36.6))]
    problem = am.GivingProblem(needs, [lot("d1", 4)], as_of=DAY)
    try:
        matching = am.solve(problem, solver=Scribbler(scribble))
    except am.SolverError:
        return
    assert levels(matching) == levels(am.solve(problem)) == (4, 0, 0, 0, 22_240)


def test_a_solver_that_changes_the_costs_does_not_pass() -> None:
    needs = [need("n1", 2), need("n2", 2, place=place(lat=36.6))]
    problem = am.GivingProblem(needs, [lot("d1", 1), lot("d2", 1, place=place(lat=36.7))], as_of=DAY)
    with pytest.raises(am.SolverError) as refused:
        am.solve(problem, solver=Scribbler(turn_the_costs_round))
    assert refused.value.solver == "scribbler"


# --- sums


@pytest.mark.parametrize(
    "values_",
    [
        [],
        [5],
        [2**62, 2**62 - 1],
        [2**62, 2**62],
        [2**63 - 1, 1],
        [2**63 - 1] * 5,
        [-(2**63) + 1] * 5,
        [2**63 - 1, -(2**63) + 1, 7],
        [2**62] * 4,
        [3] * 1000,
    ],
)
def test_a_total_is_exact_whatever_its_size(values_: list[int]) -> None:
    assert total(ints(values_)) == sum(values_)
    assert total(ints(values_).reshape(1, -1)) == sum(values_)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([], []),
        ([2**31], [2**31]),
        ([2**31, 2**31], [2**31, 2**31]),
        ([2**32] * 3, [2**31] * 3),
        ([2**62], [2]),
        ([2**62 - 1, 2**62 - 1], [1, 1]),
        ([2**63 - 1, 2**63 - 1], [2**63 - 1, -(2**63) + 1]),
        ([-(2**63) + 1], [2**63 - 1]),
        ([0, 0], [2**63 - 1, 2**63 - 1]),
    ],
)
def test_an_inner_product_is_exact_whatever_its_size(left: list[int], right: list[int]) -> None:
    assert dot(ints(left), ints(right)) == sum(a * b for a, b in zip(left, right, strict=True))


sixty_four = st.integers(-(2**63) + 1, 2**63 - 1)


@given(st.lists(st.tuples(sixty_four, sixty_four), max_size=6))
def test_sums_of_any_numbers_are_those_of_python(pairs: list[tuple[int, int]]) -> None:
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    assert total(ints(left)) == sum(left)
    assert dot(ints(left), ints(right)) == sum(a * b for a, b in pairs)


def test_the_smallest_number_is_summed_exactly_too() -> None:
    smallest = -(2**63)
    assert total(ints([smallest, smallest])) == 2 * smallest
    assert dot(ints([1, 1]), ints([smallest, smallest])) == 2 * smallest


@pytest.mark.parametrize("array", [np.zeros(2, dtype=np.int64), np.zeros(2), np.zeros(2, dtype=np.bool_)])
def test_what_is_frozen_cannot_be_written(array: Any) -> None:
    assert frozen(array) is array
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


# --- proof objects


def test_the_first_entry_that_is_not_zero_gives_the_sign() -> None:
    rows = np.array([[0, 0, 1, -1, 0], [0, -3, -9, 9, 2]])
    assert lexicographic_sign(rows).tolist() == [0, -1, 1, -1, 1]
    assert lexicographic_sign(np.zeros((2, 0), dtype=np.int64)).tolist() == []


@pytest.mark.parametrize(
    ("slack", "loose", "fault"),
    [
        ([[0, 1], [0, -5]], [True, False], None),
        ([[0, 1], [0, -5]], [True, True], 1),
        ([[0, 0], [-1, 0]], [False, False], 0),
        ([[-1, -1], [5, 5]], [False, False], 0),
        ([[], []], [], None),
    ],
)
def test_a_node_that_breaks_the_conditions_is_named(
    slack: list[list[int]], loose: list[bool], fault: int | None
) -> None:
    flags: Bools = np.array(loose, dtype=np.bool_)
    assert node_fault(np.array(slack, dtype=np.int64), flags) == fault
