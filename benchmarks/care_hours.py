"""The city's care with hours and minimum loads, beside HiGHS whole and CP-SAT whole in the same run.

Usage: ``python -m benchmarks.care_hours [--km 1.5 3 6] [--seconds 60] [--workers 1] [--peers]``

The city has no hours of its caregivers: they are drawn, 14 to 35 a week, and everybody's minimum is three persons.
The peers are given coverage of the four categories at once, each weighed so that it outweighs those below it; all
eight levels leave 64 bits.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from time import perf_counter, process_time

import numpy as np

import aidmatch as am
from aidmatch import synthetic
from aidmatch.arrays import Floats, Ints
from aidmatch.distance.protocol import distance_named
from aidmatch.engine.integer import check_values
from aidmatch.formulation.flow import formulate
from aidmatch.formulation.integer import IntegerFormulation, formulate_integers, what_needs_integers
from aidmatch.integer_program import IntegerLevel, IntegerProgram
from aidmatch.solvers.mip import Highs, Linear

__all__ = ["city"]


def city(seed: int = 0) -> am.CareProblem:
    """The clients and caregivers of the city, with hours and minima."""
    made = synthetic.liaocheng_2017_care()
    hours = np.random.default_rng(seed).integers(14, 36, 1_138)
    caregivers = sorted(am.read(made, am.Caregiver), key=lambda one: one.id)
    with_hours = [
        replace(one, min_persons=3, minutes_per_week=60 * int(hour))
        for one, hour in zip(caregivers, hours, strict=True)
    ]
    return am.CareProblem(am.read(made, am.Client), with_hours, as_of=made.as_of)


def formulated(problem: am.CareProblem, policy: am.Policy) -> IntegerFormulation:
    """The same integer program that the library decides."""
    flow = formulate(problem, policy, distance_named("great-circle"))
    return formulate_integers(flow, what_needs_integers(problem, policy, flow.definitions))


def weighed(program: IntegerProgram, columns: int) -> IntegerLevel:
    """The first so many levels that cost anything as one."""
    cost = np.zeros(len(program.most), dtype=np.int64)
    for level in [one for one in program.levels if one.cost.any()][:columns]:
        reach = int((np.abs(level.cost) * program.most).sum())
        cost = cost * (reach + 1) + level.cost
    return IntegerLevel(cost, 0)


def by_highs(
    program: IntegerProgram, level: IntegerLevel, seconds: float, *, all_served: bool = False
) -> tuple[Ints | None, int | None]:
    """One HiGHS run on everything: its answer and its bound."""
    linear = Linear.of(program, level, [])
    low = np.zeros(len(program.most), dtype=np.int64)
    if all_served:
        served = slice(len(program.demand_of), len(program.demand_of) + program.demands)
        low[served] = program.most[served]
    answer = Highs().search(linear, seconds, low, program.most, np.zeros_like(low))
    return None if answer.values is None else np.rint(answer.values).astype(np.int64), answer.bound


def by_cp_sat(program: IntegerProgram, level: IntegerLevel, seconds: float) -> tuple[Ints | None, int | None]:
    """One CP-SAT run on everything; it says nothing of its bound here."""
    from ortools.sat.python import cp_model

    linear = Linear.of(program, level, [])
    model = cp_model.CpModel()
    columns = [model.new_int_var(int(low), int(high), "") for low, high in zip(linear.lower, linear.upper, strict=True)]
    for row in range(len(linear.row_lower)):
        part = slice(int(linear.start[row]), int(linear.start[row + 1]))
        total = sum(
            int(value) * columns[column]
            for column, value in zip(linear.column[part].tolist(), linear.value[part].tolist(), strict=True)
        )
        if isinstance(total, int):
            continue
        if np.isfinite(linear.row_lower[row]):
            model.add(total >= int(linear.row_lower[row]))
        if np.isfinite(linear.row_upper[row]):
            model.add(total <= int(linear.row_upper[row]))
    model.minimize(sum(int(cost) * columns[column] for column, cost in enumerate(linear.cost.tolist()) if cost))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 2
    # an open fault of its presolve gives wrong optima on rows of this shape
    solver.parameters.presolve_inclusion_work_limit = 0
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None, None
    found: Floats = np.array([solver.value(column) for column in columns[: linear.columns]], dtype=float)
    return np.rint(found).astype(np.int64), None


def said(name: str, values: list[int], bounds: list[str], seconds: float) -> None:
    """One line."""
    levels = "".join(f"{f'{value:,}{bound}':>22}" for value, bound in zip(values, bounds, strict=True))
    print(f"{name:<12}{levels}{seconds:>9.1f} s", flush=True)


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.care_hours", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--km", type=float, nargs="*", default=[1.5, 3.0, 6.0])
    parser.add_argument("--seconds", type=float, default=60.0, help="time limit of each")
    parser.add_argument("--workers", type=int, default=1, help="threads that search")
    parser.add_argument("--peers", action="store_true", help="HiGHS and CP-SAT beside it")
    chosen = parser.parse_args()
    problem = city()
    for km in chosen.km:
        policy = am.Policy.care(max_km=km)
        start, cpu = perf_counter(), process_time()
        with ThreadPoolExecutor(chosen.workers) if chosen.workers > 1 else nullcontext() as executor:
            matching = am.solve(problem, policy=policy, time_limit=chosen.seconds, executor=executor)
        took, used = perf_counter() - start, process_time() - cpu
        am.verify(problem, matching)
        names = [level.name for level in matching.levels]
        print(f"{km} km, {matching.solving.arcs:,} pairs, {matching.solving.components} components, {used:.1f} s CPU")
        print(f"{'':<12}" + "".join(f"{name:>22}" for name in names))
        bounds = [
            "" if level.gap == 0 else f" ({level.claimed_bound if level.claimed_bound is not None else level.bound:,})"
            for level in matching.levels
        ]
        said("aidmatch", [level.value for level in matching.levels], bounds, took)
        if not chosen.peers:
            continue
        program = formulated(problem, policy).program
        level = weighed(program, 4)
        for name, solve in (("HiGHS whole", by_highs), ("CP-SAT whole", by_cp_sat)):
            start = perf_counter()
            values, _ = solve(program, level, chosen.seconds)
            took = perf_counter() - start
            if values is None:
                print(f"{name:<12} nothing")
                continue
            check_values(program, values)
            reached = [one.constant + int(one.cost @ values) for one in program.levels[:4]]
            # coverage is stated as what is served, as in a matching
            shown = [one.constant - got for one, got in zip(program.levels[:4], reached, strict=True)]
            said(name, shown, [""] * 4, took)


if __name__ == "__main__":
    main()
