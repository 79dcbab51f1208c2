"""A program decided part by part: connected components are solved apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from aidmatch.arrays import Ints, rows_of
from aidmatch.engine.levels import ProvenFlow, solve_levels
from aidmatch.engine.options import Options
from aidmatch.errors import NumberRangeError, SolverError
from aidmatch.program import Costs, Program
from aidmatch.solvers.network import FlowSolver

__all__ = ["BATCH", "Tally", "batches", "part_of", "solve_components", "solved_by_first"]

#: Arcs of small components that are solved in one go: alone they cost more to hand over than to solve.
BATCH: Final = 2_000


@dataclass(slots=True)
class Tally:
    """What a market's flow problems took.

    Parameters
    ----------
    solves, failures
        As in `program.Work`, one entry a solver.
    components
        Connected components that carried arcs, the last time.
    level_runs
        Most runs that the levels of a part were cut into.
    """

    solves: list[int]
    failures: list[list[str]]
    components: int = 0
    level_runs: int = 1

    @classmethod
    def of(cls, solvers: int) -> Tally:
        """Nothing done yet by some solvers."""
        return cls([0] * solvers, [[] for _ in range(solvers)])

    def count(self, solves: int, codes: Sequence[str]) -> None:
        """Add the flow problems of the solver after those that failed with the given codes."""
        self.solves[len(codes)] += solves
        for failed, code in zip(self.failures, codes, strict=False):
            failed.append(code)


def solve_components(program: Program, solvers: Sequence[FlowSolver], options: Options, tally: Tally) -> ProvenFlow:
    """Decide a program.

    Parameters
    ----------
    program
        The program.
    solvers
        Any flow solvers, at least one. A part that one of them fails on is given to the next, and that is recorded.
    options
        Whether to decompose.
    tally
        Is added to.

    Returns
    -------
    A flow proven optimal at every level over the program's arcs.

    Raises
    ------
    NumberRangeError, PluginError, SolverError
        As `solve_levels`, from the last of the solvers where all of them failed.
    """
    n, m = len(program.demand), len(program.supply)
    # without an arc, a demand's potential is the cost of leaving it, and a supply's is zero
    u = np.zeros((len(program.levels), n), dtype=np.int64)
    for row, level in enumerate(program.levels):
        if level.unmet is not None:
            u[row] = level.unmet
    v = np.zeros((len(program.levels), m), dtype=np.int64)
    flow, left = np.zeros(len(program.demand_of), dtype=np.int64), program.demand.copy()
    solves = runs = tally.components = 0
    for demands, supplies, arcs, components in batches(program, BATCH if options.decomposition else None):
        part = part_of(program, demands, supplies, arcs)
        answer = solved_by_first(solvers, partial(solve_levels, part, merge=options.level_merging), tally)
        flow[arcs], left[demands], u[:, demands], v[:, supplies] = answer.flow, answer.left, answer.u, answer.v
        tally.components += components
        solves, runs = solves + answer.solves, max(runs, answer.runs)
    tally.level_runs = max(tally.level_runs, runs)
    return ProvenFlow(flow, left, u, v, solves, runs)


def solved_by_first(
    solvers: Sequence[FlowSolver], solve: Callable[[FlowSolver], ProvenFlow], tally: Tally
) -> ProvenFlow:
    """The answer of the first solver that gives one; what the others failed with is counted.

    Parameters
    ----------
    solvers
        At least one.
    solve
        What each is asked.
    tally
        Is added to.

    Raises
    ------
    NumberRangeError, PluginError, SolverError
        From the last of the solvers where all of them failed.
    """
    codes: list[str] = []
    for solver in solvers[:-1]:
        try:
            answer = solve(solver)
            break
        except (NumberRangeError, SolverError) as error:
            codes.append(error.code)
    else:
        answer = solve(solvers[-1])
    tally.count(answer.solves, codes)
    return answer


def batches(program: Program, size: int | None) -> Iterator[tuple[Ints, Ints, Ints, int]]:
    """Cut a program into components, small ones together.

    Parameters
    ----------
    program
        The program.
    size
        Arcs from which a batch is full; None for one batch.

    Yields
    ------
    Demands, supplies, arcs and number of components of each batch, in the order of first demands. Components without
    arcs are in none.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n, m = len(program.demand), len(program.supply)
    if not len(program.demand_of):
        return
    rows = np.searchsorted(program.demand_of, np.arange(n + m + 1))
    graph = csr_array((np.ones(len(program.supply_of), dtype=np.int8), program.supply_of + n, rows), (n + m, n + m))
    count, label = connected_components(graph, directed=False)
    label = label.astype(np.int64)
    arcs = np.bincount(label[program.demand_of], minlength=count)
    before = np.cumsum(arcs) - arcs
    batch = np.zeros(count, dtype=np.int64) if size is None else np.unique(before // size, return_inverse=True)[1]
    # what has no arcs is in the last batch, which is dropped
    batches = int(batch.max()) + 1
    batch[arcs == 0] = batches
    node = batch[label]
    members = np.bincount(batch[arcs > 0], minlength=batches)
    demands, supplies, on = (rows_of(part, batches + 1) for part in (node[:n], node[n:], node[program.demand_of]))
    for number in range(batches):
        if on[number].size:
            yield demands[number], supplies[number], on[number], int(members[number])


def part_of(program: Program, demands: Ints, supplies: Ints, arcs: Ints) -> Program:
    """Some of a program, by sorted rows, numbered anew."""
    if len(demands) + len(supplies) == len(program.demand) + len(program.supply):
        return program
    # numbers by a table, which is faster than a search
    row = np.empty(max(len(program.demand), len(program.supply)), dtype=np.int64)
    row[demands] = np.arange(len(demands))
    demand_of = row[program.demand_of[arcs]]
    row[supplies] = np.arange(len(supplies))
    return Program(
        program.demand[demands],
        program.supply[supplies],
        demand_of,
        row[program.supply_of[arcs]],
        tuple(
            Costs(None if costs.unmet is None else costs.unmet[demands], None if costs.arc is None else costs.arc[arcs])
            for costs in program.levels
        ),
        program.limit,
    )
