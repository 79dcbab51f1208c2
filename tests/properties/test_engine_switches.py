"""Every short cut of the engine, on and off: the same answer to the last unit, and the search against its oracle."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances import Case, cases, levels
from tests.markets import answer, random_market
from tests.profiles import examples, sweep

import aidmatch as am
from aidmatch.engine import neighbours, pricing
from aidmatch.engine.market import solve_market
from aidmatch.engine.neighbours import Found, Neighbours, Prices
from aidmatch.engine.options import Options
from aidmatch.formulation.arcs import PointArcs
from aidmatch.program import Market
from aidmatch.solvers.ortools_flow import OrtoolsFlow
from aidmatch.solvers.simplex import NetworkSimplex

PLAIN = Options(pricing=False, merging=False, decomposition=False, level_merging=False)
SWITCHES = {
    "all on": Options(price_from=0),
    "no merging": Options(price_from=0, merging=False),
    "no decomposition": Options(price_from=0, decomposition=False),
    "no level merging": Options(price_from=0, level_merging=False),
    "no regions": Options(price_from=0, regions=False),
    "no pricing": Options(pricing=False),
}

seeds = st.integers(0, 2**32)


@pytest.fixture(scope="module", autouse=True)
def small_steps() -> Iterator[None]:
    """First candidates, blocks and rounds so small that small markets need many."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in (
            (pricing, "_NEAREST", 1),
            (pricing, "_NARROW", (1, 1, 2)),
            (pricing, "_ADDED", 1),
            (pricing, "_REGION", 6),
            (neighbours, "_IN_BLOCK", 2),
        ):
            patch.setattr(module, name, value)
        yield


@sweep
@settings(max_examples=examples(500, 10_000))
@given(seeds)
def test_no_switch_changes_an_answer(seed: int) -> None:
    market = random_market(seed)
    plain = solve_market(market, [NetworkSimplex()], PLAIN)
    assert plain.work.tied
    for name, options in SWITCHES.items():
        solution = solve_market(market, [NetworkSimplex()], options)
        assert (name, answer(solution)) == (name, answer(plain))
        assert solution.work.tied
    assert answer(solve_market(market, [OrtoolsFlow()], SWITCHES["all on"])) == answer(plain)


@settings(max_examples=examples(150))
@given(cases(demands=12, supplies=10, most=5))
def test_no_switch_changes_a_digest(case: Case) -> None:
    plain = am.solve(case.problem, policy=case.policy, engine=PLAIN)
    for options in SWITCHES.values():
        matching = am.solve(case.problem, policy=case.policy, engine=options)
        assert (levels(matching), matching.digest) == (levels(plain), plain.digest)
        am.verify(case.problem, matching, policy=case.policy)


@pytest.mark.parametrize("room", [10**3, 10**6])
def test_levels_that_find_no_room_in_one_price_are_compared_afterwards(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = [solve_market(random_market(seed), [NetworkSimplex()], PLAIN) for seed in range(examples(150))]
    monkeypatch.setattr(pricing, "SAFE", room)
    for seed, one in enumerate(plain):
        other = solve_market(random_market(seed), [NetworkSimplex()], SWITCHES["all on"])
        assert answer(other) == answer(one)
    market = random_market(7, most=40)
    solution = solve_market(market, [NetworkSimplex()], SWITCHES["all on"])
    _, rest = pricing.prices_of(market, solution.u, solution.v)
    assert rest == tuple(range(len(market.levels) - len(rest), len(market.levels)))
    assert rest or room > 10**3


def test_many_groups_are_looked_at_pair_by_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_FEW_GROUPS", 0)
    for seed in range(examples(60)):
        market = random_market(seed)
        plain = solve_market(market, [NetworkSimplex()], PLAIN)
        for name in ("all on", "no merging"):
            assert answer(solve_market(market, [NetworkSimplex()], SWITCHES[name])) == answer(plain)


def test_regions_are_cut_where_near_pairs_are_far_from_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes: list[int] = []
    cut = pricing._liked_in_parts

    def counted(market: Market, *others: Any) -> Found:
        nodes.append(len(market.demand) + len(market.supply))
        return cut(market, *others)

    monkeypatch.setattr(pricing, "_liked_in_parts", counted)
    for seed in range(examples(40)):
        market = random_market(seed, most=40)
        on, off = (solve_market(market, [NetworkSimplex()], Options(price_from=0, regions=r)) for r in (True, False))
        assert answer(on) == answer(off)
    # some of the parts were cut again
    assert len(nodes) > 5
    assert min(nodes) < max(nodes) / 2


def test_near_the_optimum_few_pairs_are_worked_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing, "_WORKING", 1)
    monkeypatch.setattr(pricing, "_HARDLY", 2)
    monkeypatch.setattr(neighbours, "_PLENTY", 2)
    monkeypatch.setattr(neighbours, "_SOME", 1)
    for seed in range(examples(40)):
        market = random_market(seed, most=30)
        plain = solve_market(market, [NetworkSimplex()], PLAIN)
        assert answer(solve_market(market, [NetworkSimplex()], SWITCHES["all on"])) == answer(plain)


def test_the_switches_do_what_they_say() -> None:
    market = random_market(7, most=40)
    on, off = (solve_market(market, [NetworkSimplex()], options).work for options in (SWITCHES["all on"], PLAIN))
    assert on.rounds > 1 == off.rounds
    assert on.nodes < off.nodes == len(market.demand) + len(market.supply)
    assert on.level_runs < off.level_runs == len(market.levels)
    assert on.arcs < off.arcs


@settings(max_examples=examples(500))
@given(seeds)
def test_a_complete_search_finds_every_pair_that_costs_nothing_or_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market = random_market(seed, most=30)
    arcs = market.arcs
    assert isinstance(arcs, PointArcs)
    scale = int(rng.choice([0, 1, 1_000, 2**20]))
    size = int(rng.choice([10, 10_000, 3_000_000])) * max(scale, 1)
    prices = Prices(
        scale,
        tuple((int(rng.integers(1, 9)), level.pairs) for level in market.levels[:-1] if level.pairs is not None),
        rng.integers(-size, size + 1, len(market.demand)),
        -rng.integers(0, size + 1, len(market.supply)),
    )
    # the oracle: every pair, one after the other
    i, j, metric = arcs.build()
    reduced = prices.reduced(i, j, metric)
    listed = {pair for _, costs in prices.others for pair in zip(*map(list, costs.listed()), strict=True)}
    found = Neighbours(arcs).search(prices, most=None, blocks=None)
    pairs = dict(
        zip(zip(found.demand_of.tolist(), found.supply_of.tolist(), strict=True), found.reduced.tolist(), strict=True)
    )
    wanted = {
        (a, b): cost
        for a, b, cost in zip(i.tolist(), j.tolist(), reduced.tolist(), strict=True)
        if cost <= 0 and ((a, b) not in listed or (a, b) in pairs)
    }
    below = {pair: cost for pair, cost in wanted.items() if cost < 0}
    # those at zero are wanted in the last search only, which finds none below
    assert {pair: cost for pair, cost in pairs.items() if cost < 0} == below
    assert pairs == wanted if not below else pairs.items() <= wanted.items()
    at_their_limit = Neighbours(arcs).search(prices, most=None, blocks=None, full=len(i))
    assert len(at_their_limit.reduced) >= len(pairs)
    assert set(zip(at_their_limit.demand_of.tolist(), at_their_limit.supply_of.tolist(), strict=True)) >= set(wanted)
    some = Neighbours(arcs).search(prices, most=2, blocks=3)
    assert (some.reduced < 0).all()
    assert set(zip(some.demand_of.tolist(), some.supply_of.tolist(), strict=True)) <= set(wanted)
