"""What a good flow solver keeps to."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from typing import ClassVar

import numpy as np
import pytest  # what is missing without it, `contract` has said

from aidmatch.arrays import Ints, frozen
from aidmatch.engine.transport import Transport, solve_transport
from aidmatch.errors import NumberRangeError, SolverError
from aidmatch.plugins import from_extra
from aidmatch.solvers.network import FlowSolver, Network
from aidmatch.testing.contract import Contract, check

__all__ = ["SolverContract"]


class SolverContract(Contract):
    """Checks for a flow solver. Say `solver`."""

    CHECKS: ClassVar[Mapping[int, int]] = {1: 9}

    def solver(self) -> FlowSolver:
        """Make the solver anew."""
        raise NotImplementedError("say how the solver is made: def solver(self): return …")

    @check()
    def test_it_has_a_name_and_a_version(self) -> None:
        solver = self.solver()
        for said in (solver.name, solver.version):
            assert isinstance(said, str), "name and version are text"
            assert said.strip(), "name and version are text"

    @check()
    def test_answers_are_int64_one_an_arc_and_a_node(self) -> None:
        network = _by_hand()
        answer = self.solver().min_cost_flow(network)
        for array, size in ((answer.flow, len(network.tail)), (answer.potential, len(network.balance))):
            assert isinstance(array, np.ndarray), f"a {type(array).__name__} is no array"
            assert array.dtype == np.int64, f"{array.dtype} is not int64"
            assert array.shape == (size,), f"shape {array.shape}, not {(size,)}"

    @check()
    def test_a_problem_solved_by_hand_is_solved_alike(self) -> None:
        assert self.solver().min_cost_flow(_by_hand()).flow.tolist() == [4, 0, 1, 1]

    @check()
    def test_random_problems_are_solved_and_proven(self) -> None:
        solver = self.solver()
        for number, problem in enumerate(_transports(200)):
            try:
                solve_transport(problem, solver)
            except SolverError as error:
                pytest.fail(f"problem {number}: {error}")

    @check()
    def test_the_optimum_is_that_of_networkx(self) -> None:
        with from_extra("testing"):
            import networkx as nx
        solver = self.solver()
        for problem in _transports(25):
            answer = solve_transport(problem, solver)
            cost = int((answer.flow * problem.cost).sum() + (answer.left * problem.unmet).sum())
            graph = nx.DiGraph()
            graph.add_node("hub", demand=int(problem.demand.sum() - problem.supply.sum()))
            for i, units in enumerate(problem.demand.tolist()):
                graph.add_node(("i", i), demand=-units)
                graph.add_edge(("i", i), "hub", weight=int(problem.unmet[i]))
            for j, units in enumerate(problem.supply.tolist()):
                graph.add_node(("j", j), demand=units)
                graph.add_edge("hub", ("j", j), weight=0)
            limit = {} if problem.limit is None else {"capacity": problem.limit}
            columns = (problem.demand_of.tolist(), problem.supply_of.tolist(), problem.cost.tolist())
            for i, j, one in zip(*columns, strict=True):
                graph.add_edge(("i", i), ("j", j), weight=one, **limit)
            assert cost == nx.network_simplex(graph)[0]

    @check()
    def test_large_numbers_are_exact_or_refused(self) -> None:
        solver = self.solver()
        for large, units in ((2**31, 6), (2**40, 6), (2**52, 6), (2**58, 6), (9, 2**31), (9, 2**40), (9, 2**53)):
            for problem in _transports(5, large, units):
                try:
                    solve_transport(problem, solver)
                except NumberRangeError:
                    continue
                except SolverError as error:
                    pytest.fail(
                        f"costs to {large}, units to {units}: {error}; NumberRangeError would be the honest answer"
                    )

    @check()
    def test_it_answers_the_same_again(self) -> None:
        solver, network = self.solver(), _by_hand()
        first = solver.min_cost_flow(network).flow.tolist()
        assert solver.min_cost_flow(network).flow.tolist() == first, "the second time it answers otherwise"
        assert self.solver().min_cost_flow(network).flow.tolist() == first, "made anew it answers otherwise"

    @check()
    def test_the_network_stays_as_it_is(self) -> None:
        network = Network(*(array.copy() for array in astuple(_by_hand())))
        self.solver().min_cost_flow(network)
        for before, after in zip(astuple(_by_hand()), astuple(network), strict=True):
            assert (before == after).all(), "it changes the network it is given"

    @check()
    def test_it_can_be_sent_to_a_worker(self) -> None:
        sent = pickle.loads(pickle.dumps(self.solver()))  # noqa: S301  # what was pickled on this very line
        assert sent.min_cost_flow(_by_hand()).flow.tolist() == self.solver().min_cost_flow(_by_hand()).flow.tolist()


def _by_hand() -> Network:
    """Nodes 0 and 1 send 4 and 2 units to nodes 2 and 3, which take 5 and 1; the only optimum costs 20."""
    arcs = [(0, 2, 5, 3), (0, 3, 2, 10), (1, 2, 3, 1), (1, 3, 2, 7)]
    columns = (frozen(np.array(column, dtype=np.int64)) for column in zip(*arcs, strict=True))
    return Network(frozen(np.array([4, 2, -5, -1], dtype=np.int64)), *columns)


def _transports(count: int, largest: int = 1_000, units: int = 6) -> Iterator[Transport]:
    """Random problems: degenerate ones, without arcs, with nothing to ask or to give, with limits and without."""
    draw = np.random.default_rng(20170601)
    for number in range(count):
        n, m = int(draw.integers(1, 9)), int(draw.integers(1, 9))
        pairs: Ints = np.flatnonzero(draw.random(n * m) < draw.choice([0.0, 0.3, 0.7, 1.0]))
        tied = int(draw.choice([2, largest]))
        yield Transport(
            frozen(draw.integers(0, units, n)),
            frozen(draw.integers(0, units, m)),
            frozen(pairs // m),
            frozen(pairs % m),
            frozen(draw.integers(0, tied, len(pairs))),
            frozen(draw.integers(0, largest, n)),
            np.ones(n, dtype=np.bool_),
            np.ones(m, dtype=np.bool_),
            1 if number % 5 == 0 else None,
        )
