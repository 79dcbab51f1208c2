"""Levels in strict order: all in one weighted cost where that is provably the same, else one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aidmatch.arrays import Ints
from aidmatch.certificate import node_fault
from aidmatch.engine.transport import COST_LIMIT, Transport, TransportFlow, longest_path, solve_transport
from aidmatch.errors import SolverError
from aidmatch.program import Level, Program
from aidmatch.solvers.network import FlowSolver

__all__ = ["ProvenFlow", "level_by_level", "level_weights", "merged", "solve_levels"]


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
    merged
        Whether one weighted cost did it.
    """

    flow: Ints
    left: Ints
    u: Ints
    v: Ints
    merged: bool


def solve_levels(program: Program, solver: FlowSolver) -> ProvenFlow:
    """Solve every level in strict order.

    Parameters
    ----------
    program
        The program.
    solver
        Any flow solver.

    Returns
    -------
    A flow whose proof has been checked on every arc.

    Raises
    ------
    NumberRangeError, SolverError
        As `solve_transport`; ``SOLVER_UNPROVEN`` too if the proof of the levels fails.
    """
    weights = level_weights(program)
    if weights is not None:
        answer = merged(program, weights, solver)
        if _proven(program, answer):
            return answer
    answer = level_by_level(program, solver)
    if not _proven(program, answer):
        raise SolverError("the levels are not proven optimal", solver=solver.name, code="SOLVER_UNPROVEN")
    return answer


def level_weights(program: Program) -> list[int] | None:
    """Weights under which one sum orders flows as the levels do.

    Parameters
    ----------
    program
        The program.

    Returns
    -------
    A weight a level, or None if the weighted costs leave 64-bit integers.

    Notes
    -----
    A flow is optimal if no cycle of the residual network improves it, so it is enough that one sum orders what simple
    paths and cycles can cost. A simple path meets the hub once: it takes at most one arc of a demand left over forward
    and one backward, so such a level changes by at most its largest cost. It meets each node once: at most
    min(n, m) + 1 arcs forward, and as many backward, so the metric changes by at most that times its largest value.
    Call this P. Potentials are differences of two paths, reduced costs a cost c and four paths: at most S = c + 4P.
    A weight of 1 + 2·Σ S·weight over the lower levels therefore gives every such sum the sign of its first non-zero
    level, and lets centred division take it apart again.
    """
    paths = min(len(program.demand), len(program.supply)) + 1
    weights: list[int] = []
    reach = 0
    for level in reversed(program.levels):
        largest, span = _range(program, level, paths)
        weights.append(1 + 2 * reach)
        reach += (largest + 4 * span) * weights[-1]
    weights.reverse()
    dearest = sum(
        weight * _range(program, level, paths)[0] for weight, level in zip(weights, program.levels, strict=True)
    )
    return weights if dearest * longest_path(len(program.demand), len(program.supply)) < COST_LIMIT else None


def _range(program: Program, level: Level, paths: int) -> tuple[int, int]:
    """Largest cost of an arc at a level, and the most that a simple path can change it."""
    unmet = 0 if level.unmet is None else int(level.unmet.max(initial=0))
    metric = int(program.metric.max(initial=0)) if level.metric else 0
    return max(unmet, metric), unmet + paths * metric


def merged(program: Program, weights: list[int], solver: FlowSolver) -> ProvenFlow:
    """Solve all levels in one weighted cost, and take its potentials apart by level.

    Parameters
    ----------
    program
        The program.
    weights
        Of `level_weights`.
    solver
        Any flow solver.

    Returns
    -------
    A flow whose proof is not checked yet.
    """
    n, m, arcs = len(program.demand), len(program.supply), len(program.metric)
    cost, unmet = np.zeros(arcs, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for weight, level in zip(weights, program.levels, strict=True):
        cost += weight * _arc_cost(program, level)
        unmet += weight * _unmet_cost(program, level)
    everyone = np.ones(n, dtype=np.bool_), np.ones(m, dtype=np.bool_)
    answer = solve_transport(
        Transport(program.demand, program.supply, program.demand_of, program.supply_of, cost, unmet, *everyone), solver
    )
    return ProvenFlow(answer.flow, answer.left, _taken_apart(answer.u, weights), _taken_apart(answer.v, weights), True)


def _taken_apart(potential: Ints, weights: list[int]) -> Ints:
    rows = []
    rest = potential
    for weight in weights:
        rows.append((rest + weight // 2) // weight)
        rest = rest - rows[-1] * weight
    return np.array(rows, dtype=np.int64).reshape(len(weights), len(potential))


def level_by_level(program: Program, solver: FlowSolver) -> ProvenFlow:
    """Solve one level after the other, each on the optimal face of those before.

    Parameters
    ----------
    program
        The program.
    solver
        Any flow solver.

    Returns
    -------
    A flow whose proof is not checked yet.

    Notes
    -----
    Given optimal potentials, the optimal flows are exactly those that are zero wherever a reduced cost is positive.
    """
    n, m = len(program.demand), len(program.supply)
    u = np.zeros((len(program.levels), n), dtype=np.int64)
    v = np.zeros((len(program.levels), m), dtype=np.int64)
    tight = np.arange(len(program.metric))
    may_miss, may_idle = np.ones(n, dtype=np.bool_), np.ones(m, dtype=np.bool_)
    flow, left = np.zeros(len(program.metric), dtype=np.int64), program.demand
    for row, level in enumerate(program.levels):
        cost, unmet = _arc_cost(program, level)[tight], _unmet_cost(program, level)
        if not cost.any() and not unmet[may_miss].any():
            # nothing to choose here; zero is optimal, and unmet costs of demands that must be met are beyond choice
            continue
        ends = program.demand_of[tight], program.supply_of[tight]
        answer: TransportFlow = solve_transport(
            Transport(program.demand, program.supply, *ends, cost, unmet, may_miss, may_idle), solver
        )
        u[row], v[row] = answer.u, answer.v
        flow = np.zeros(len(program.metric), dtype=np.int64)
        flow[tight], left = answer.flow, answer.left
        tight = tight[cost == answer.u[ends[0]] + answer.v[ends[1]]]
        may_miss, may_idle = may_miss & (unmet == answer.u), may_idle & (answer.v == 0)
    return ProvenFlow(flow, left, u, v, False)


def _arc_cost(program: Program, level: Level) -> Ints:
    return program.metric if level.metric else np.zeros(len(program.metric), dtype=np.int64)


def _unmet_cost(program: Program, level: Level) -> Ints:
    return np.zeros(len(program.demand), dtype=np.int64) if level.unmet is None else level.unmet


def _proven(program: Program, answer: ProvenFlow) -> bool:
    """Check the proof of `certificate` on every arc of the program."""
    unmet = np.stack([_unmet_cost(program, level) for level in program.levels])
    unused = program.supply.copy()
    moving = np.flatnonzero(answer.flow)
    np.subtract.at(unused, program.supply_of[moving], answer.flow[moving])
    return (
        _arcs_proven(program, answer)
        and node_fault(unmet - answer.u, answer.left > 0) is None
        and node_fault(-answer.v, unused > 0) is None
    )


def _arcs_proven(program: Program, answer: ProvenFlow) -> bool:
    """Whether reduced costs are lexicographically ≥ 0, and = 0 where there is flow."""
    tied = np.arange(len(program.metric))
    for row, level in enumerate(program.levels):
        u, v = answer.u[row], answer.v[row]
        if not (level.metric or u.any() or v.any()):
            continue
        reduced = _arc_cost(program, level)[tied] - u[program.demand_of[tied]] - v[program.supply_of[tied]]
        if (reduced < 0).any() or (answer.flow[tied[reduced > 0]] > 0).any():
            return False
        tied = tied[reduced == 0]
    return True
