"""The whole story. Read this first."""

from __future__ import annotations

from aidmatch._version import __version__
from aidmatch.distance.protocol import DISTANCES, Distance
from aidmatch.engine.components import solve_market
from aidmatch.formulation.flow import formulate
from aidmatch.matching import Matching
from aidmatch.policy import Policy
from aidmatch.problem.problem import Problem
from aidmatch.solvers.network import SOLVERS, FlowSolver

__all__ = ["solve"]


def solve(
    problem: Problem,
    *,
    policy: Policy | None = None,
    distance: Distance | str = "great-circle",
    solver: FlowSolver | str = "pylmcf",
) -> Matching:
    """Decide who gets what, from whom.

    Parameters
    ----------
    problem
        What is to be matched, and as of which day.
    policy
        How to choose; the default of the problem's family if none is given.
    distance
        A distance, or the name of a plug-in in ``aidmatch.distances``.
    solver
        A flow solver, or the name of a plug-in in ``aidmatch.solvers``.

    Returns
    -------
    A matching that is proven optimal at every level, in the policy's strict order, over every eligible pair.

    Raises
    ------
    InputError
        If the records, the pairs or the policy cannot be used; the message names the place.
    PluginError
        If a named plug-in is unknown or broken.
    NumberRangeError
        If numbers are too large to be exact.
    SolverError
        If the solver failed, or its answer is wrong or not proven.
    """
    policy = policy or getattr(Policy, problem.family)()
    metres = DISTANCES.get(distance)() if isinstance(distance, str) else distance
    backend: FlowSolver = SOLVERS.get(solver)() if isinstance(solver, str) else solver
    formulation = formulate(problem, policy, metres)
    solutions = [solve_market(market, backend) for market in formulation.markets]
    return formulation.matching(solutions, backend.name, backend.version, __version__)
