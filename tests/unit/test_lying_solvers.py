"""A solver is never believed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, lot, need, place

import aidmatch as am
from aidmatch.solvers.network import Network, NetworkFlow
from aidmatch.solvers.simplex import NetworkSimplex

NEEDS = [need("n1", 3, "A"), need("n2", 2, "B", place=place(lat=36.6)), need("n3", 2, "D", place=place(lat=36.7))]
LOTS = [lot("d1", 2, place=place(lat=36.65)), lot("d2", 4, place=place(lat=36.9))]
PROBLEM = am.GivingProblem(NEEDS, LOTS, as_of=DAY)

Lie = Callable[[Network, NetworkFlow], Any]


class Liar:
    """Solves rightly, and then says something else."""

    name = "liar"
    version = "0"

    def __init__(self, lie: Lie) -> None:
        self.lie = lie

    def min_cost_flow(self, network: Network) -> NetworkFlow:
        answer: NetworkFlow = self.lie(network, NetworkSimplex().min_cost_flow(network))
        return answer


def changed(answer: NetworkFlow, at: int, by: int) -> NetworkFlow:
    flow = answer.flow.copy()
    flow[at] += by
    return replace(answer, flow=flow)


def suboptimal(network: Network, answer: NetworkFlow) -> NetworkFlow:
    """Feasible: everybody goes without, everything stays."""
    idle, miss = network.tail == 0, network.head == 0
    flow = np.zeros_like(answer.flow)
    flow[idle] = network.capacity[idle] - 1
    flow[miss] = network.capacity[miss] - 1
    return replace(answer, flow=flow)


def wrapping(network: Network, answer: NetworkFlow) -> NetworkFlow:
    return replace(answer, flow=np.full_like(answer.flow, 2**61))


LIES: dict[str, tuple[Lie, str]] = {
    "suboptimal": (suboptimal, "SOLVER_UNPROVEN"),
    "one unit more": (lambda net, a: changed(a, int(np.argmax(a.flow)), 1), "SOLVER_INFEASIBLE"),
    "negative": (lambda net, a: changed(a, int(np.argmin(a.flow)), -1), "SOLVER_INFEASIBLE"),
    "over capacity": (lambda net, a: changed(a, 0, 10**6), "SOLVER_INFEASIBLE"),
    "wrapping": (wrapping, "SOLVER_INFEASIBLE"),
    "nothing at all": (lambda net, a: replace(a, flow=np.zeros_like(a.flow)), "SOLVER_INFEASIBLE"),
    "NaN flow": (lambda net, a: replace(a, flow=np.full(len(a.flow), np.nan)), "SOLVER_MALFORMED"),
    "NaN potential": (lambda net, a: replace(a, potential=np.full(len(a.potential), np.nan)), "SOLVER_MALFORMED"),
    "floats": (lambda net, a: replace(a, flow=a.flow.astype(float)), "SOLVER_MALFORMED"),
    "too short": (lambda net, a: replace(a, flow=a.flow[:-1]), "SOLVER_MALFORMED"),
    "too long": (lambda net, a: replace(a, flow=np.append(a.flow, 0)), "SOLVER_MALFORMED"),
    "two-dimensional": (lambda net, a: replace(a, flow=a.flow[None]), "SOLVER_MALFORMED"),
    "short potential": (lambda net, a: replace(a, potential=a.potential[1:]), "SOLVER_MALFORMED"),
    "huge potential": (lambda net, a: replace(a, potential=a.potential - 2**62), "SOLVER_MALFORMED"),
    "no proof": (lambda net, a: replace(a, potential=np.zeros_like(a.potential)), "SOLVER_UNPROVEN"),
    "a list": (lambda net, a: replace(a, flow=a.flow.tolist()), "SOLVER_MALFORMED"),
    "None": (lambda net, a: None, "SOLVER_FAILED"),
    "a crash": (lambda net, a: 1 / 0, "SOLVER_FAILED"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_by_name(lie: str) -> None:
    tell, code = LIES[lie]
    with pytest.raises(am.SolverError, match="liar") as caught:
        am.solve(PROBLEM, solver=Liar(tell))
    assert caught.value.code == code


def test_the_truth_is_accepted() -> None:
    matching = am.solve(PROBLEM, solver=Liar(lambda net, answer: answer))
    assert (matching.solving.solver, matching.solving.solver_version) == ("liar", "0")
    assert matching.assignments == am.solve(PROBLEM).assignments


def test_other_potentials_that_prove_as_much_are_accepted() -> None:
    matching = am.solve(PROBLEM, solver=Liar(lambda net, a: replace(a, potential=a.potential + 5)))
    assert matching.assignments == am.solve(PROBLEM).assignments
