"""Generalized assignment of types C, D and E, beside HiGHS whole at equal time.

Usage: ``python -m benchmarks.gap [--types C D E] [--agents 5 10 20] [--jobs 100 200 400] [--seconds 30]``

The recipe is the published one (Chu and Beasley 1997; type E by Laguna and others 1995).
Agents are caregivers, jobs are clients, and costs and loads stand with the pairs.
"""

from __future__ import annotations

import argparse
from datetime import date
from time import perf_counter

import numpy as np

import aidmatch as am
from aidmatch.arrays import Ints
from benchmarks.care_hours import by_highs, formulated

__all__ = ["drawn", "problem"]

DAY = date(2017, 6, 1)


def drawn(kind: str, agents: int, jobs: int, seed: int = 0) -> tuple[Ints, Ints, Ints]:
    """Costs and loads of each agent and job, and capacities."""
    rng = np.random.default_rng([ord(kind), agents, jobs, seed])
    shape = agents, jobs
    if kind == "C":
        load, cost = rng.integers(5, 26, shape), rng.integers(10, 51, shape)
    elif kind == "D":
        load = rng.integers(1, 101, shape)
        cost = 111 - load + rng.integers(-10, 11, shape)
    else:
        load = np.floor(1 - 10 * np.log(1 - rng.random(shape))).astype(np.int64)
        cost = np.floor(1000 / load - 10 * rng.random(shape)).astype(np.int64)
    return np.maximum(cost, 0), load, (8 * load.sum(axis=1)) // (10 * agents)


def problem(cost: Ints, load: Ints, capacity: Ints) -> am.CareProblem:
    """The same as records."""
    agents, jobs = cost.shape
    pairs = [
        am.PairCost(demand_id=f"j{j}", supply_id=f"a{i}", cost=int(cost[i, j]), load=int(load[i, j]))
        for i in range(agents)
        for j in range(jobs)
    ]
    rows = {"code": "37", "gender": "F"}
    clients = am.read(
        [
            {
                **rows,
                "id": f"j{j}",
                "household_id": f"h{j}",
                "category": "A",
                "approval": "approved",
                "notice_ended_on": "2017-05-01",
                "severity": "mild",
            }
            for j in range(jobs)
        ],
        am.Client,
    )
    caregivers = am.read(
        [{**rows, "id": f"a{i}", "household_id": f"g{i}", "max_persons": jobs} for i in range(agents)],
        am.Caregiver,
    )
    capacities = {f"a{i}": int(capacity[i]) for i in range(agents)}
    return am.CareProblem(clients, caregivers, as_of=DAY, pairs=am.PairTable(pairs, unit="cost", capacities=capacities))


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gap", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--types", nargs="*", default=["C", "D", "E"], choices=["C", "D", "E"])
    parser.add_argument("--agents", type=int, nargs="*", default=[5, 10, 20])
    parser.add_argument("--jobs", type=int, nargs="*", default=[100, 200, 400])
    parser.add_argument("--seconds", type=float, default=30.0, help="time limit of each")
    chosen = parser.parse_args()
    policy = am.Policy.care(categories=("A",), levels=("coverage", "distance"))
    print(f"{'instance':<14}{'aidmatch':>10}{'certified':>10}{'claimed':>10}{'HiGHS whole':>14}{'its bound':>11}")
    for kind in chosen.types:
        for agents in chosen.agents:
            for jobs in chosen.jobs:
                made = problem(*drawn(kind, agents, jobs))
                start = perf_counter()
                matching = am.solve(made, policy=policy, time_limit=chosen.seconds)
                took = perf_counter() - start
                am.verify(made, matching)
                own = matching.levels[-1]
                served = "" if not matching.unmet else f" ({sum(matching.unmet.values())} jobs unserved)"
                program = formulated(made, policy).program
                values, bound = by_highs(program, program.levels[-1], max(took, chosen.seconds), all_served=True)
                cost = "nothing" if values is None else f"{int(program.levels[-1].cost @ values):,}"
                print(
                    f"{f'{kind} {agents}x{jobs}':<14}{own.value:>10,}{own.bound:>10,}"
                    f"{own.bound if own.claimed_bound is None else own.claimed_bound:>10,}{cost:>14}"
                    f"{'' if bound is None else f'{bound:,}':>11}{served}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
