"""Transportation problems in the manner of NETGEN, against OR-Tools' minimum-cost flow."""

from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, lot, need
from tests.profiles import examples

import aidmatch as am


def split(rng: np.random.Generator, total: int, parts: int) -> list[int]:
    """Positive integers that add up, as NETGEN spreads a total supply over its sources."""
    cuts = np.sort(rng.choice(np.arange(1, total), parts - 1, replace=False))
    return [int(part) for part in np.diff(np.concatenate([[0], cuts, [total]]))]


def by_ortools(demand: list[int], supply: list[int], cost: dict[tuple[int, int], int]) -> tuple[int, int]:
    """Most units, then least cost: units left over cost more than any path."""
    from ortools.graph.python import min_cost_flow

    penalty = 2 * (max(cost.values()) + 1) * (min(len(demand), len(supply)) + 1)
    n, m = len(demand), len(supply)
    flow = min_cost_flow.SimpleMinCostFlow()
    arcs: list[tuple[int, int, int, int]] = [(n + j, i, min(demand[i], supply[j]), c) for (i, j), c in cost.items()]
    arcs += [(n + m, i, demand[i], penalty) for i in range(n)]
    arcs += [(n + j, n + m, supply[j], 0) for j in range(m)]
    tail, head, capacity, unit_cost = (np.array(column, dtype=np.int64) for column in zip(*arcs, strict=True))
    flow.add_arcs_with_capacity_and_unit_cost(tail, head, capacity, unit_cost)
    balance = np.array([-q for q in demand] + supply + [sum(demand) - sum(supply)], dtype=np.int64)
    flow.set_nodes_supplies(np.arange(n + m + 1), balance)
    assert flow.solve() == flow.OPTIMAL
    flows: Any = flow.flows(np.arange(len(arcs)))
    return int(flows[: len(cost)].sum()), int((flows[: len(cost)] * unit_cost[: len(cost)]).sum())


@pytest.mark.parametrize("seed", range(examples(12)))
def test_transportation_problems(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(20, 120)), int(rng.integers(20, 120))
    demand, supply = split(rng, 100_000, n), split(rng, int(rng.integers(50_000, 150_000)), m)
    chosen = rng.choice(n * m, int(rng.integers(2 * (n + m), n * m // 2)), replace=False)
    cost = {(int(k) // m, int(k) % m): int(rng.integers(1, 10_001)) for k in chosen}
    problem = am.GivingProblem(
        [need(f"n{i}", quantity) for i, quantity in enumerate(demand)],
        [lot(f"d{j}", quantity) for j, quantity in enumerate(supply)],
        as_of=DAY,
        pairs=am.PairTable(
            [am.PairCost(demand_id=f"n{i}", supply_id=f"d{j}", cost=c) for (i, j), c in cost.items()], unit="point"
        ),
    )
    policy = am.Policy.giving(categories=("A",))
    matching = am.solve(problem, policy=policy)
    assert tuple(level.value for level in matching.levels) == by_ortools(demand, supply, cost)
    am.verify(problem, matching, policy=policy)
