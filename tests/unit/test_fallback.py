"""Several solvers in an order: what one fails on is given to the next, and the matching says so."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.instances import DAY, levels, lot, need

import aidmatch as am
from aidmatch.matching import SolverUse
from aidmatch.solvers.network import Network, NetworkFlow, solvers_named
from aidmatch.solvers.ortools_flow import OrtoolsFlow
from aidmatch.solvers.simplex import NetworkSimplex

#: Three kinds, each a market and a component of its own, with one, two and three needs for two lots.
KINDS = ("quilt", "rice", "stove")
NEEDS = [need(f"{item}{i}", 2, "ABC"[i], item=item) for k, item in enumerate(KINDS) for i in range(k + 1)]
LOTS = [lot(f"{item}-lot{j}", 1 + j, item=item) for item in KINDS for j in range(2)]
PROBLEM = am.GivingProblem(NEEDS, LOTS, as_of=DAY)
TRUTH = am.solve(PROBLEM)

Act = Callable[[Network], NetworkFlow]


class Solver:
    """Does as told, and remembers how many networks it was asked for."""

    version = "0"

    def __init__(self, name: str, act: Act) -> None:
        self.name, self.act, self.asked = name, act, 0

    def min_cost_flow(self, network: Network) -> NetworkFlow:
        self.asked += 1
        return self.act(network)


def truth(network: Network) -> NetworkFlow:
    return NetworkSimplex().min_cost_flow(network)


def nothing(network: Network) -> NetworkFlow:
    return replace(truth(network), flow=np.zeros_like(network.cost))


def unproven(network: Network) -> NetworkFlow:
    return replace(truth(network), potential=10**9 * np.arange(len(network.balance)))


def malformed(network: Network) -> NetworkFlow:
    return replace(truth(network), flow=truth(network).flow[1:])


def crash(network: Network) -> NetworkFlow:
    raise ZeroDivisionError


def raising(error: BaseException) -> Act:
    def act(network: Network) -> NetworkFlow:
        raise error

    return act


FAILURES: dict[str, tuple[Act, str]] = {
    "nothing": (nothing, "SOLVER_INFEASIBLE"),
    "unproven": (unproven, "SOLVER_UNPROVEN"),
    "malformed": (malformed, "SOLVER_MALFORMED"),
    "crash": (crash, "SOLVER_FAILED"),
    "out of range": (raising(am.NumberRangeError("too large")), "NUMBER_RANGE"),
    "a code of its own": (raising(am.SolverError("no licence", solver="x", code="NO_LICENCE")), "NO_LICENCE"),
}


@pytest.mark.parametrize("how", FAILURES)
def test_the_next_solver_takes_over_and_it_is_recorded(how: str, tmp_path: Path) -> None:
    act, code = FAILURES[how]
    matching = am.solve(PROBLEM, solver=(Solver("weak", act), "pylmcf"))
    assert matching.solving.solvers == (
        # each kind once for its levels and once for its ties
        SolverUse("weak", "0", 0, {code: 6}),
        SolverUse("pylmcf", NetworkSimplex().version, TRUTH.solving.solves, {}),
    )
    assert (matching.digest, matching.run_id) == (TRUTH.digest, TRUTH.run_id)
    am.verify(PROBLEM, matching)
    assert am.Matching.load(matching.save(tmp_path / "run.json")).solving == matching.solving


def test_only_the_components_it_fails_on_are_given_to_the_next() -> None:
    def small_only(network: Network) -> NetworkFlow:
        return truth(network) if len(network.balance) < 5 else nothing(network)

    first, second = Solver("first", small_only), Solver("second", truth)
    matching = am.solve(PROBLEM, solver=(first, second))
    assert matching.solving.solvers == (
        SolverUse("first", "0", 7, {"SOLVER_INFEASIBLE": 1}),
        SolverUse("second", "0", 1, {}),
    )
    assert (first.asked, second.asked) == (8, 1)
    assert matching.solving.solves == 8
    assert levels(matching) == levels(TRUTH)


def test_different_failures_are_counted_apart() -> None:
    def moody(network: Network) -> NetworkFlow:
        return nothing(network) if len(network.balance) == 4 else crash(network)

    matching = am.solve(PROBLEM, solver=(Solver("moody", moody), "pylmcf"))
    assert matching.solving.solvers[0].failures == {"SOLVER_FAILED": 3, "SOLVER_INFEASIBLE": 3}


def test_the_order_is_kept() -> None:
    three = [Solver("one", crash), Solver("two", truth), Solver("three", truth)]
    matching = am.solve(PROBLEM, solver=tuple(three))
    assert [(use.name, use.solves, use.failures) for use in matching.solving.solvers] == [
        ("one", 0, {"SOLVER_FAILED": 6}),
        ("two", TRUTH.solving.solves, {}),
        ("three", 0, {}),
    ]
    assert [solver.asked for solver in three] == [6, TRUTH.solving.solves, 0]
    assert matching.solving.solver == "one"


def test_if_all_fail_it_is_with_the_last_error() -> None:
    one, two = Solver("one", nothing), Solver("two", crash)
    for order, code in (((one, two), "SOLVER_FAILED"), ((two, one), "SOLVER_INFEASIBLE")):
        with pytest.raises(am.SolverError) as caught:
            am.solve(PROBLEM, solver=order)
        assert (caught.value.solver, caught.value.code) == (order[-1].name, code)


@pytest.mark.parametrize(
    "error", [am.ProblemError("no"), am.PluginError("no", code="NOT_INSTALLED"), KeyboardInterrupt()]
)
def test_what_is_no_failure_of_a_solver_is_raised(error: Exception) -> None:
    second = Solver("second", truth)
    with pytest.raises(type(error)) as caught:
        am.solve(PROBLEM, solver=(Solver("first", raising(error)), second))
    assert caught.value is error
    assert not second.asked


def test_nothing_falls_back_unasked() -> None:
    assert [use.name for use in TRUTH.solving.solvers] == ["pylmcf"]
    with pytest.raises(am.SolverError, match="weak"):
        am.solve(PROBLEM, solver=Solver("weak", crash))
    with pytest.raises(am.SolverError, match="weak"):
        am.solve(PROBLEM, solver=(Solver("weak", crash),))


def test_solvers_are_named_or_given() -> None:
    named = solvers_named(("ortools", NetworkSimplex(), "pylmcf"))
    assert [type(solver) for solver in named] == [OrtoolsFlow, NetworkSimplex, NetworkSimplex]
    assert [type(solver) for solver in solvers_named("ortools")] == [OrtoolsFlow]
    with pytest.raises(am.PluginError, match="pylmcf"):
        solvers_named(("ortools", "pylmfc"))
    with pytest.raises(am.PluginError) as caught:
        am.solve(PROBLEM, solver=())
    assert caught.value.code == "NO_SOLVER"


def test_weights_that_are_too_large_for_a_solver_are_taken_apart() -> None:
    def small_costs(network: Network) -> NetworkFlow:
        if network.cost.max() > 2**24:
            raise am.NumberRangeError("too large")
        return truth(network)

    problem = priced(2**20)
    whole, matching = am.solve(problem), am.solve(problem, solver=Solver("narrow", small_costs))
    assert (levels(matching), matching.digest) == (levels(whole), whole.digest)
    assert (whole.solving.level_runs, matching.solving.level_runs) == (1, 5)
    assert matching.solving.solvers == (SolverUse("narrow", "0", matching.solving.solves, {}),)
    am.verify(problem, matching)


def priced(cost: int) -> am.GivingProblem:
    """Needs of four categories for one lot, each unit of which costs so much."""
    needs = [need(f"n{category}", 2, category) for category in "ABCD"]
    pairs = [am.PairCost(demand_id=one.id, supply_id="d", cost=cost - k) for k, one in enumerate(needs)]
    return am.GivingProblem(needs, [lot("d", 5)], as_of=DAY, pairs=am.PairTable(pairs, unit="fen"))


def test_ortools_takes_apart_what_pylmcf_solves_in_one() -> None:
    problem = priced(2**42)
    one, other = am.solve(problem, solver="pylmcf"), am.solve(problem, solver="ortools")
    assert levels(one) == levels(other)
    assert one.digest == other.digest
    assert (one.solving.level_runs, other.solving.level_runs) == (1, 5)
    am.verify(problem, other)


def test_what_is_too_dear_for_ortools_is_left_to_pylmcf() -> None:
    problem = priced(2**56)
    with pytest.raises(am.NumberRangeError, match="OR-Tools"):
        am.solve(problem, solver="ortools")
    matching = am.solve(problem, solver=("ortools", "pylmcf"))
    assert [(use.name, use.failures) for use in matching.solving.solvers] == [
        ("ortools", {"NUMBER_RANGE": 1}),
        ("pylmcf", {}),
    ]
    assert levels(matching) == (2, 2, 1, 0, 5 * 2**56 - 4)
    am.verify(problem, matching)
