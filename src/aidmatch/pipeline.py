"""The whole story. Read this first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from time import monotonic

from aidmatch._version import __version__
from aidmatch.distance.protocol import Distance, distance_named
from aidmatch.engine.integer import solve_integer
from aidmatch.engine.options import Options
from aidmatch.engine.running import solve_markets
from aidmatch.errors import PolicyError, ProblemError
from aidmatch.formulation.flow import formulate
from aidmatch.formulation.integer import formulate_integers, what_needs_integers
from aidmatch.matching import Matching
from aidmatch.policy import Policy
from aidmatch.problem.problem import Problem
from aidmatch.progress import Progress
from aidmatch.solvers.mip import Highs
from aidmatch.solvers.network import FlowSolver, solvers_named

__all__ = ["solve"]


def solve(
    problem: Problem,
    *,
    policy: Policy | None = None,
    distance: Distance | str = "great-circle",
    solver: FlowSolver | str | tuple[FlowSolver | str, ...] = "pylmcf",
    time_limit: float | None = None,
    executor: Executor | None = None,
    progress: Callable[[Progress], None] | None = None,
    engine: Options | None = None,
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
        A flow solver, or the name of a plug-in in ``aidmatch.solvers``; or some of them, to be asked in that order:
        what one fails on, component by component, is given to the next, and `Matching.solving` says so. What does
        not flow is an integer program, and for HiGHS.
    time_limit
        Seconds after which an integer program ends with what it has: an answer that holds, with bounds that hold. They
        are shared over levels and components. None for no limit. What flows is proven in any case.
    executor
        Who does the work, market by market, or search by search of an integer program: any executor of
        `concurrent.futures`, or one that behaves so, such as Dask's ``client.get_executor()``. Without one it is done
        here; nothing forks unasked. Workers are given arrays and the solvers, and no name of anybody. Flow solvers hold
        the interpreter's lock and gain by processes; searches gain by threads, too.
    progress
        Called with a `aidmatch.progress.Progress` after each part and round, in the caller's own thread;
        `aidmatch.progress.Bar` makes a bar of it.
    engine
        Which short cuts to take; all of them unless told otherwise. The answer is the same.

    Returns
    -------
    A matching that is proven optimal at every level, in the policy's strict order, over every eligible pair; of those
    that are equally good, the one that the policy's seed draws. Where wholes, packs, lots, shipments, hours, minimum
    loads or balance ask for integers, one that says how far it is proven; `progress`, `engine` and the draw concern
    what flows.

    Raises
    ------
    InputError
        If the records, the pairs or the policy cannot be used; the message names the place.
    PluginError
        If a named plug-in is unknown or broken, or misses what it needs.
    NumberRangeError
        If numbers are too large to be exact.
    SolverError
        If the solver failed, or its answer is wrong or not proven; of several, the last one.
    """
    if not isinstance(problem, Problem):
        raise ProblemError(f"a {type(problem).__name__} is no problem, such as GivingProblem", code="NO_RECORDS")
    policy = getattr(Policy, problem.family)() if policy is None else policy
    if not isinstance(policy, Policy):
        raise PolicyError(f"a {type(policy).__name__} is no policy; Policy.load reads one from a file")
    if problem.pairs is not None and distance != "great-circle":
        raise ProblemError("pairs= brings the costs, and distance= would not be asked", code="PAIRS_AND_DISTANCE")
    solvers = solvers_named(solver)
    if time_limit is not None and not 0 <= time_limit < float("inf"):
        raise ProblemError("time_limit is a number of seconds from 0", code="BAD_TIME_LIMIT")
    start = monotonic()
    formulation = formulate(problem, policy, distance_named(distance))
    why = what_needs_integers(problem, policy, formulation.definitions)
    if why:
        integers = formulate_integers(formulation, why)
        highs = Highs()
        # the way back from arrays to records takes about as long as the way there
        deadline = None if time_limit is None else start + time_limit - (monotonic() - start)
        solution = solve_integer(integers.program, highs, deadline=deadline, executor=executor)
        return integers.matching(solution, (highs.name, highs.version), __version__)
    solutions = solve_markets(formulation.markets, solvers, Options() if engine is None else engine, executor, progress)
    return formulation.matching(solutions, [(one.name, one.version) for one in solvers], __version__)
