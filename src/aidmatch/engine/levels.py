"""Levels in strict order: as many in one weighted cost as provably fit, the next on the optimal face of those."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np

from aidmatch.arrays import Bools, Ints
from aidmatch.certificate import node_fault
from aidmatch.engine.transport import COST_LIMIT, Transport, longest_path, solve_transport
from aidmatch.errors import NumberRangeError, SolverError
from aidmatch.program import Costs, Program
from aidmatch.solvers.network import FlowSolver

__all__ = ["Face", "ProvenFlow", "Run", "in_runs", "solve_levels", "weighted_runs"]

#: Dear arcs on a path that a hoped weight must allow at least.
_FEWEST_DEAR: Final = 8


@dataclass(frozen=True, slots=True)
class ProvenFlow:
    """A flow that is optimal at every level, with its proof.

    Parameters
    ----------
    flow
        Flow on each arc.
    left
        What is left over at each demand.
    u, v
        Potentials, shapes (levels, demands) and (levels, supplies).
    solves
        Flow problems that were solved.
    runs
        Runs that the levels were cut into.
    """

    flow: Ints
    left: Ints
    u: Ints
    v: Ints
    solves: int
    runs: int


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring levels that are solved in one.

    Parameters
    ----------
    first
        Row of the first of them.
    weights
        One a level; their weighted sum orders flows as they do.
    """

    first: int
    weights: tuple[int, ...]


def solve_levels(program: Program, solver: FlowSolver, *, merge: bool = True) -> ProvenFlow:
    """Solve every level in strict order.

    Parameters
    ----------
    program
        The program.
    solver
        Any flow solver.
    merge
        Whether levels may share a weighted cost.

    Returns
    -------
    A flow whose proof has been checked on every arc.

    Raises
    ------
    NumberRangeError, PluginError, SolverError
        As `solve_transport`; ``SOLVER_UNPROVEN`` too if the proof of the levels fails.

    Notes
    -----
    Weights are tried in this order: hoped ones that decide all levels at once, if the proven ones cannot; the proven
    ones; none. Hoped weights allow a path few dear arcs, as most have. What they answer is believed as little as
    anything else: only the proof counts.
    """
    tried = []
    single = [Run(row, (1,)) for row in range(len(program.levels))]
    if merge and len(single) > 1:
        runs = weighted_runs(program)
        if len(runs) > 1:
            hoped = _hoped_run(program)
            tried += [] if hoped is None else [[hoped]]
        tried += [runs] if len(runs) < len(single) else []
    for runs in tried:
        with suppress(NumberRangeError):  # the weights fit 64-bit integers, but perhaps not the solver's own arithmetic
            answer = in_runs(program, runs, solver)
            if _proven(program, answer):
                return answer
    answer = in_runs(program, single, solver)
    if _proven(program, answer):
        return answer
    raise SolverError("the levels are not proven optimal", solver=solver.name, code="SOLVER_UNPROVEN")


def weighted_runs(program: Program) -> list[Run]:
    """Cut the levels into runs that one weighted cost can solve, each as long as fits 64-bit integers.

    Parameters
    ----------
    program
        The program.

    Returns
    -------
    The runs, in order; a level that leaves 64-bit integers alone is a run of its own.

    Notes
    -----
    A flow is optimal if no cycle of the residual network improves it, so it is enough that one sum orders what simple
    paths and cycles can cost. A simple path meets the hub once: it takes at most one arc of a demand left over forward
    and one backward, so such a level changes by at most its largest cost. It meets each node once: at most
    min(n, m) + 1 arcs forward, and as many backward, so costs of arcs change by at most that times their range.
    Call this P. Potentials are differences of two paths, reduced costs a cost c and four paths: at most S = c + 4P.
    The lift that keeps costs from being negative stays on a path that begins at a lifted demand; it is the cost of one
    real arc, for which the one arc to spare in P has room. Potentials of another solver may be no paths; then the check
    of the parts fails, and the levels are solved one by one.
    A weight of 1 + 2·Σ S·weight over the lower levels therefore gives every such sum the sign of its first non-zero
    level, and lets centred division take it apart again.
    """
    paths = _paths(program)
    longest = longest_path(len(program.demand), len(program.supply))
    sizes = [_sizes(costs, paths) for costs in program.levels]
    runs: list[Run] = []
    first = 0
    while first < len(sizes):
        last = len(sizes)
        while last > first + 1 and not _fits(sizes[first:last], longest):
            last -= 1
        runs.append(Run(first, tuple(_weights(sizes[first:last]))))
        first = last
    return runs


def _hoped_run(program: Program) -> Run | None:
    """All levels in one, allowing a path as many dear arcs as fit; None if that is too few to hope for."""
    longest = longest_path(len(program.demand), len(program.supply))
    dear = 1 << _paths(program).bit_length()
    while dear >= _FEWEST_DEAR:
        sizes = [_sizes(costs, dear) for costs in program.levels]
        if _fits(sizes, longest):
            return Run(0, tuple(_weights(sizes)))
        dear //= 2
    return None


def _paths(program: Program) -> int:
    """Most arcs that a simple path takes forward."""
    return min(len(program.demand), len(program.supply)) + 1


def _sizes(costs: Costs, paths: int) -> tuple[int, int]:
    """Largest cost at a level, and the most that a simple path can change it."""
    unmet = 0 if costs.unmet is None else int(costs.unmet.max(initial=0))
    low, high = (0, 0) if costs.arc is None else (int(costs.arc.min(initial=0)), int(costs.arc.max(initial=0)))
    return max(unmet, high, -low), unmet + paths * (high - low)


def _weights(sizes: Sequence[tuple[int, int]]) -> list[int]:
    weights: list[int] = []
    reach = 0
    for largest, span in reversed(sizes):
        weights.append(1 + 2 * reach)
        reach += (largest + 4 * span) * weights[-1]
    return weights[::-1]


def _fits(sizes: Sequence[tuple[int, int]], longest: int) -> bool:
    # costs below zero are lifted for the solver, which doubles the range at most
    weights = _weights(sizes)
    dearest = sum(weight * largest for weight, (largest, _) in zip(weights, sizes, strict=True))
    return max(2 * dearest * longest, weights[0]) < COST_LIMIT


def in_runs(program: Program, runs: Sequence[Run], solver: FlowSolver, face: Face | None = None) -> ProvenFlow:
    """Solve one run of levels after the other, each on the optimal face of those before.

    Parameters
    ----------
    program
        The program.
    runs
        Of `weighted_runs`, or any that cover the levels.
    solver
        Any flow solver.
    face
        The flows to choose from; all of them, without one.

    Returns
    -------
    A flow whose proof is not checked yet.

    Notes
    -----
    Given optimal potentials, the optimal flows are exactly those that are zero wherever a reduced cost is positive and
    at the limit wherever it is negative.
    """
    n, m = len(program.demand), len(program.supply)
    u = np.zeros((len(program.levels), n), dtype=np.int64)
    v = np.zeros((len(program.levels), m), dtype=np.int64)
    face = Face.whole(program) if face is None else face
    flow, left, solves = face.fixed, program.demand, 0
    for run in runs:
        levels = program.levels[run.first : run.first + len(run.weights)]
        cost, unmet = np.zeros(len(face.arcs), dtype=np.int64), np.zeros(n, dtype=np.int64)
        for weight, level in zip(run.weights, levels, strict=True):
            cost += 0 if level.arc is None else weight * level.arc[face.arcs]
            unmet += 0 if level.unmet is None else weight * level.unmet
        if not cost.any() and not unmet[face.may_miss].any():
            # nothing to choose: zero potentials are optimal, and demands that must be met have none left over
            continue
        problem = face.transport(program, cost, unmet)
        answer = solve_transport(problem, solver)
        solves += 1
        flow, left = face.fixed.copy(), answer.left
        flow[face.arcs] += answer.flow
        rows = slice(run.first, run.first + len(run.weights))
        u[rows], v[rows] = _taken_apart(answer.u, run.weights), _taken_apart(answer.v, run.weights)
        reduced = cost - answer.u[problem.demand_of] - answer.v[problem.supply_of]
        face = face.cut(program, reduced, unmet == answer.u, answer.v == 0)
    return ProvenFlow(flow, left, u, v, solves, len(runs))


@dataclass(frozen=True, slots=True)
class Face:
    """The flows that are optimal so far.

    Parameters
    ----------
    arcs
        Rows of the arcs still open.
    fixed
        Flow on every arc that is not, int64.
    may_miss, may_idle
        Which demands may be left unmet, and which supplies unused.
    """

    arcs: Ints
    fixed: Ints
    may_miss: Bools
    may_idle: Bools

    @classmethod
    def whole(cls, program: Program) -> Face:
        """Every flow."""
        arcs = len(program.demand_of)
        everyone = (np.ones(len(nodes), dtype=np.bool_) for nodes in (program.demand, program.supply))
        return cls(np.arange(arcs), np.zeros(arcs, dtype=np.int64), *everyone)

    def transport(self, program: Program, cost: Ints, unmet: Ints) -> Transport:
        """The problem of choosing among them by one cost."""
        demand, supply = program.demand.copy(), program.supply.copy()
        full = np.flatnonzero(self.fixed)
        np.subtract.at(demand, program.demand_of[full], self.fixed[full])
        np.subtract.at(supply, program.supply_of[full], self.fixed[full])
        ends = program.demand_of[self.arcs], program.supply_of[self.arcs]
        return Transport(demand, supply, *ends, cost, unmet, self.may_miss, self.may_idle, program.limit)

    def cut(self, program: Program, reduced: Ints, may_miss: Bools, may_idle: Bools) -> Face:
        """Those of them that are optimal by potentials: reduced costs of the open arcs, and whose slack is zero."""
        fixed = self.fixed.copy()
        if program.limit is not None:
            fixed[self.arcs[reduced < 0]] = program.limit
        return Face(self.arcs[reduced == 0], fixed, self.may_miss & may_miss, self.may_idle & may_idle)


def _taken_apart(potential: Ints, weights: Sequence[int]) -> Ints:
    rows = []
    rest = potential
    for weight in weights:
        rows.append((rest + weight // 2) // weight)
        rest = rest - rows[-1] * weight
    return np.array(rows, dtype=np.int64).reshape(len(weights), len(potential))


def _proven(program: Program, answer: ProvenFlow) -> bool:
    """Check the proof of `certificate` on every arc of the program."""
    nothing = np.zeros(len(program.demand), dtype=np.int64)
    unmet = np.stack([nothing if costs.unmet is None else costs.unmet for costs in program.levels])
    left, unused = program.demand.copy(), program.supply.copy()
    moving = np.flatnonzero(answer.flow)
    np.subtract.at(left, program.demand_of[moving], answer.flow[moving])
    np.subtract.at(unused, program.supply_of[moving], answer.flow[moving])
    return (
        bool((left == answer.left).all() and (left >= 0).all() and (unused >= 0).all())
        and _arcs_proven(program, answer)
        and node_fault(unmet - answer.u, answer.left > 0) is None
        and node_fault(-answer.v, unused > 0) is None
    )


def _arcs_proven(program: Program, answer: ProvenFlow) -> bool:
    """Whether reduced costs are ≥ 0 below the limit and ≤ 0 where there is flow, lexicographically."""
    tied = np.arange(len(program.demand_of))
    for row, costs in enumerate(program.levels):
        u, v = answer.u[row], answer.v[row]
        if costs.arc is None and not (u.any() or v.any()):
            continue
        cost = 0 if costs.arc is None else costs.arc[tied]
        reduced = cost - u[program.demand_of[tied]] - v[program.supply_of[tied]]
        below = tied[reduced < 0]
        if below.size and (program.limit is None or (answer.flow[below] < program.limit).any()):
            return False
        if (answer.flow[tied[reduced > 0]] > 0).any():
            return False
        tied = tied[reduced == 0]
    return True
