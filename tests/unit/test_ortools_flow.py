"""OR-Tools behind its wrapper: what is refused before it can wrap or crash, and potentials that prove its flows."""

import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances import DAY
from tests.profiles import examples

import aidmatch as am
from aidmatch.arrays import SAFE, Ints, dot
from aidmatch.solvers import ortools_flow
from aidmatch.solvers.network import SOLVERS, FlowSolver, Network
from aidmatch.solvers.ortools_flow import OrtoolsFlow
from aidmatch.solvers.potentials import potentials
from aidmatch.solvers.simplex import NetworkSimplex

ARRAYS = ("balance", "tail", "head", "capacity", "cost")


def network(balance: list[int], arcs: list[tuple[int, int, int, int]]) -> Network:
    """Arcs as tail, head, capacity and cost."""
    tail, head, capacity, cost = (np.array(column, dtype=np.int64) for column in zip(*arcs, strict=True))
    return Network(np.array(balance, dtype=np.int64), tail, head, capacity, cost)


#: Three units from 0 to 2, two of them by way of 1, which is cheaper.
SMALL = network([3, 0, -3], [(0, 1, 2, 1), (0, 2, 9, 5), (1, 2, 2, 1)])


def proven(net: Network, flow: Ints, potential: Ints) -> bool:
    """Complementary slackness and feasibility, in Python's integers."""
    net_out = [0] * len(net.balance)
    for t, h, u, c, x in zip(*(a.tolist() for a in (net.tail, net.head, net.capacity, net.cost, flow)), strict=True):
        reduced = c + int(potential[t]) - int(potential[h])
        net_out[t] += x
        net_out[h] -= x
        if not 0 <= x <= u or (reduced < 0 and x < u) or (reduced > 0 and x > 0):
            return False
    return bool(net_out == net.balance.tolist())


def random_network(rng: np.random.Generator, *, nodes: int, dearest: int, most: int = 6) -> tuple[Network, Ints]:
    """A network with cycles, zero costs and tight arcs, and some feasible flow; as sorted and simple as pylmcf asks."""
    n = int(rng.integers(2, nodes + 1))
    pairs = sorted({(int(i), int(j)) for i, j in rng.integers(n, size=(3 * n, 2)) if i != j})
    if not pairs:
        pairs = [(0, 1)]
    tail, head = np.array(pairs, dtype=np.int64).T.copy()
    capacity = rng.integers(0, most, len(pairs))
    flow = rng.integers(0, capacity + 1)
    balance = np.zeros(n, dtype=np.int64)
    np.add.at(balance, tail, flow)
    np.subtract.at(balance, head, flow)
    cost = np.where(rng.random(len(pairs)) < 0.3, 0, rng.integers(0, dearest, len(pairs), endpoint=True))
    return Network(balance, tail, head, capacity, cost), flow


def dearest_accepted(nodes: int) -> int:
    return (SAFE - 1) // (nodes + 3) ** 2


def test_it_is_known_by_name_and_says_its_version() -> None:
    solver: FlowSolver = SOLVERS.get("ortools")()
    assert isinstance(solver, OrtoolsFlow)
    assert (solver.name, solver.version) == ("ortools", version("ortools"))


def test_a_small_network() -> None:
    answer = OrtoolsFlow().min_cost_flow(SMALL)
    assert answer.flow.tolist() == [2, 1, 2]
    # node 2 is reached for 5 and left for nothing, so that to undo 0 → 2 costs −5
    assert answer.potential.tolist() == [-5, -1, 0]
    assert answer.flow.dtype == answer.potential.dtype == np.int64


@pytest.mark.parametrize("net", [network([0, 0], [(0, 1, 1, 1)]), replace(SMALL, balance=np.zeros(3, dtype=np.int64))])
def test_nothing_to_send(net: Network) -> None:
    answer = OrtoolsFlow().min_cost_flow(net)
    assert not answer.flow.any()
    assert proven(net, answer.flow, answer.potential)


@pytest.mark.parametrize("nodes", [0, 1, 4])
def test_no_arcs(nodes: int) -> None:
    none = np.zeros(0, dtype=np.int64)
    answer = OrtoolsFlow().min_cost_flow(Network(np.zeros(nodes, dtype=np.int64), none, none, none, none))
    assert answer.flow.shape == (0,)
    assert answer.potential.tolist() == [0] * nodes


def test_arcs_in_any_order_parallel_or_from_a_node_to_itself() -> None:
    net = network([3, 0, -3], [(1, 2, 2, 1), (0, 2, 1, 5), (0, 1, 2, 1), (0, 2, 1, 4), (1, 1, 7, 0), (2, 2, 7, 3)])
    answer = OrtoolsFlow().min_cost_flow(net)
    assert answer.flow[:4].tolist() == [2, 0, 2, 1]
    assert proven(net, answer.flow, answer.potential)


def test_the_network_may_be_read_only_and_stays_as_it_is() -> None:
    before = {name: getattr(SMALL, name).copy() for name in ARRAYS}
    held = Network(**{name: array.copy() for name, array in before.items()})
    for name in ARRAYS:
        getattr(held, name).flags.writeable = False
    OrtoolsFlow().min_cost_flow(held)
    assert all((getattr(held, name) == before[name]).all() for name in ARRAYS)


def unaligned(array: Ints) -> Ints:
    raw = np.frombuffer(b"\0" + array.tobytes(), dtype=np.uint8)
    found: Ints = raw[1:].view(np.int64)
    return found


SPOILT: dict[str, Any] = {
    "floats": lambda a: a.astype(np.float64),
    "floats with a fraction": lambda a: a + 0.7,
    "NaN": lambda a: np.full(len(a), np.nan),
    "infinite": lambda a: np.full(len(a), np.inf),
    "int32": lambda a: a.astype(np.int32),
    "uint64": lambda a: a.astype(np.uint64),
    "booleans": lambda a: a.astype(np.bool_),
    "Python's objects": lambda a: a.astype(object),
    "other byte order": lambda a: a.astype(">i8"),
    "a list": lambda a: a.tolist(),
    "None": lambda a: None,
    "masked": lambda a: np.ma.masked_array(a, mask=np.ones(len(a), dtype=np.bool_)),
    "a column": lambda a: a[:, None],
    "a scalar": lambda a: a[0],
    "every second": lambda a: np.repeat(a, 2)[::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "one value for all": lambda a: np.broadcast_to(a[:1], a.shape),
    "unaligned": unaligned,
}


def refused(net: Network) -> str:
    with pytest.raises(am.SolverError) as caught:
        OrtoolsFlow().min_cost_flow(net)
    assert caught.value.solver == "ortools"
    return caught.value.code


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("how", SPOILT)
def test_other_arrays_than_plain_int64_are_refused(name: str, how: str) -> None:
    spoilt: dict[str, Any] = {name: SPOILT[how](getattr(SMALL, name))}
    assert refused(replace(SMALL, **spoilt)) == "BAD_NETWORK"


@pytest.mark.parametrize("name", ARRAYS[1:])
@pytest.mark.parametrize("longer", [True, False])
def test_arrays_of_other_lengths_are_refused(name: str, longer: bool) -> None:
    array = getattr(SMALL, name)
    parts: dict[str, Any] = {name: np.append(array, 0) if longer else array[:-1]}
    assert refused(replace(SMALL, **parts)) == "BAD_NETWORK"


@pytest.mark.parametrize("name", ["tail", "head"])
@pytest.mark.parametrize("node", [-1, -(2**63), 3, 2**31, 2**32, 2**32 + 1, 2**63 - 1])
def test_nodes_that_are_none_are_refused(name: str, node: int) -> None:
    ends = getattr(SMALL, name).copy()
    ends[1] = node
    parts: dict[str, Any] = {name: ends}
    assert refused(replace(SMALL, **parts)) == "BAD_NETWORK"


@pytest.mark.parametrize("name", ["capacity", "cost"])
@pytest.mark.parametrize("value", [-1, -(2**63)])
def test_below_zero_is_refused(name: str, value: int) -> None:
    array = getattr(SMALL, name).copy()
    array[2] = value
    parts: dict[str, Any] = {name: array}
    assert refused(replace(SMALL, **parts)) == "BAD_NETWORK"


@pytest.mark.parametrize("balance", [[3, 0, -2], [3, 0, -4], [1, 1, 1], [-3, 0, 0]])
def test_balances_that_do_not_balance_are_refused(balance: list[int]) -> None:
    assert refused(replace(SMALL, balance=np.array(balance))) == "BAD_NETWORK"


@pytest.mark.parametrize(
    "net",
    [
        network([9, 0, -9], [(0, 1, 2, 1), (0, 2, 5, 5), (1, 2, 2, 1)]),
        network([-3, 0, 3], [(0, 1, 9, 1), (0, 2, 9, 5), (1, 2, 9, 1)]),
        replace(SMALL, capacity=np.zeros(3, dtype=np.int64)),
        network([1, -1, 0, 0], [(2, 3, 1, 1)]),
    ],
)
def test_a_network_without_a_solution_is_an_error_and_no_crash(net: Network) -> None:
    assert refused(net) == "SOLVER_FAILED"
    assert OrtoolsFlow().min_cost_flow(SMALL).flow.tolist() == [2, 1, 2]


def too_large(net: Network) -> str:
    with pytest.raises(am.NumberRangeError) as caught:
        OrtoolsFlow().min_cost_flow(net)
    assert caught.value.code == "NUMBER_RANGE"
    return caught.value.message


@pytest.mark.parametrize("cost", [2**53 - 1, 2**53, 2**53 + 1, 2**55 + 1, dearest_accepted(3)])
def test_large_costs_are_exact_to_the_unit(cost: int) -> None:
    # floats would not tell the two ways apart
    by_one = network([1, 0, -1], [(0, 1, 1, cost - 1), (0, 2, 1, cost), (1, 2, 1, 0)])
    straight = replace(by_one, cost=np.array([cost - 1, cost - 1, 1]))
    for net, flow, there in ((by_one, [1, 0, 1], [1 - cost, 0, 0]), (straight, [0, 1, 0], [1 - cost, 0, 0])):
        answer = OrtoolsFlow().min_cost_flow(net)
        assert answer.flow.tolist() == flow
        assert answer.potential.tolist() == there


@pytest.mark.parametrize("nodes", [2, 3, 10, 1000])
def test_the_dearest_cost_that_is_accepted(nodes: int) -> None:
    dearest = dearest_accepted(nodes)
    chain = network([1, *[0] * (nodes - 2), -1], [(k, k + 1, 1, dearest) for k in range(nodes - 1)])
    answer = OrtoolsFlow().min_cost_flow(chain)
    assert answer.flow.all()
    assert answer.potential.tolist() == [-dearest * (nodes - 1 - k) for k in range(nodes)]
    assert f"{nodes} nodes" in too_large(replace(chain, cost=np.append(chain.cost[:-1], dearest + 1)))


@pytest.mark.parametrize("cost", [2**57, 2**61, 2**62 - 1, 2**62, 2**63 - 1])
def test_costs_that_could_overflow_are_refused(cost: int) -> None:
    assert "leaves 64-bit integers" in too_large(network([1, -1], [(0, 1, 1, cost)]))
    assert "leaves 64-bit integers" in too_large(network([1, -1], [(0, 1, 1, 1), (1, 0, 0, cost)]))


@settings(max_examples=examples(300))
@given(st.integers(0, 2**32))
def test_random_networks_at_the_largest_costs_are_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net, _ = random_network(rng, nodes=9, dearest=1)
    top = dearest_accepted(len(net.balance))
    net = replace(net, cost=net.cost * top - rng.integers(0, 3, len(net.cost)) * net.cost)
    answer, other = OrtoolsFlow().min_cost_flow(net), NetworkSimplex().min_cost_flow(net)
    assert proven(net, answer.flow, answer.potential)
    assert dot(net.cost, answer.flow) == dot(net.cost, other.flow)


@pytest.mark.parametrize(
    ("units", "capacity", "accepted"),
    [
        (2**60 - 1, 1, False),  # no way for them
        (2**53 + 1, 2**53 + 1, True),
        (2**59, 2**60 - 1, True),
        (2**59, 2**60, False),
        (2**60, 2**60, False),
        (2**61, 0, False),
        (2**62, 2**62, False),
        (2**63 - 1, 2**63 - 1, False),
    ],
)
def test_units_are_exact_or_refused(units: int, capacity: int, accepted: bool) -> None:
    net = network([units, -units], [(0, 1, capacity, 7)])
    if accepted:
        assert OrtoolsFlow().min_cost_flow(net).flow.tolist() == [units]
    else:
        with pytest.raises((am.NumberRangeError, am.SolverError)):
            OrtoolsFlow().min_cost_flow(net)


@pytest.mark.parametrize("balance", [[2**62, 2**62, 2**62, 2**62], [-(2**63), 0, 0, -(2**63)], [2**61, -(2**61), 0, 0]])
def test_balances_that_wrap_are_refused(balance: list[int]) -> None:
    # the first two sum to zero modulo 2^64
    assert "balance" in too_large(network(balance, [(0, 1, 1, 1)]))


def test_capacities_whose_sum_wraps_are_refused() -> None:
    assert "capacities" in too_large(network([1, -1, 0], [(0, 1, 2**62, 1), (0, 2, 2**62, 1), (2, 1, 2**62, 1)] * 3))


def test_more_nodes_and_arcs_than_int32_can_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ortools_flow._NUMBERS == 2**31 - 2
    monkeypatch.setattr(ortools_flow, "_NUMBERS", 7)
    OrtoolsFlow().min_cost_flow(SMALL)
    monkeypatch.setattr(ortools_flow, "_NUMBERS", 6)
    assert too_large(SMALL) == "3 nodes and 3 arcs are more than OR-Tools can number"


class FakeFlow:
    """Ends as told, and must not be read unless all is well."""

    def __init__(self, real: Any, status: str) -> None:
        self.real, self.status = real, status

    def __call__(self) -> "FakeFlow":
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def solve(self) -> Any:
        self.real.solve()
        return getattr(self.real, self.status)

    def flows(self, arcs: Any) -> Any:
        raise AssertionError("read after a solve that failed")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("BAD_COST_RANGE", am.NumberRangeError),
        ("BAD_CAPACITY_RANGE", am.NumberRangeError),
        ("BAD_RESULT", am.SolverError),
        ("FEASIBLE", am.SolverError),
        ("INFEASIBLE", am.SolverError),
        ("NOT_SOLVED", am.SolverError),
        ("UNBALANCED", am.SolverError),
    ],
)
def test_nothing_is_read_but_after_success(
    status: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ortools.graph.python import min_cost_flow

    monkeypatch.setattr(min_cost_flow, "SimpleMinCostFlow", FakeFlow(min_cost_flow.SimpleMinCostFlow(), status))
    with pytest.raises(error, match=status):
        OrtoolsFlow().min_cost_flow(SMALL)


def test_a_missing_package_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(ortools_flow, "version_of", missing)
    with pytest.raises(am.PluginError, match=r"aidmatch\[ortools\]") as caught:
        am.solve(am.GivingProblem([], [], as_of=DAY), solver="ortools")
    assert caught.value.code == "NOT_INSTALLED"


def test_a_package_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = OrtoolsFlow()
    monkeypatch.setitem(sys.modules, "ortools.graph.python.min_cost_flow", None)
    with pytest.raises(am.PluginError, match=r"aidmatch\[ortools\]") as caught:
        solver.min_cost_flow(SMALL)
    assert caught.value.code == "NOT_INSTALLED"


@settings(max_examples=examples(500))
@given(st.integers(0, 2**32))
def test_flows_are_proven_by_small_potentials_and_cost_what_pylmcf_says(seed: int) -> None:
    net, _ = random_network(np.random.default_rng(seed), nodes=30, dearest=20)
    answer, other = OrtoolsFlow().min_cost_flow(net), NetworkSimplex().min_cost_flow(net)
    assert proven(net, answer.flow, answer.potential)
    assert dot(net.cost, answer.flow) == dot(net.cost, other.flow)
    # a simple path, backwards all the way
    assert -int(net.cost.max()) * (len(net.balance) - 1) <= int(answer.potential.min())
    assert int(answer.potential.max()) <= 0


@settings(max_examples=examples(500))
@given(st.integers(0, 2**32))
def test_flows_have_potentials_if_and_only_if_they_are_optimal(seed: int) -> None:
    net, flow = random_network(np.random.default_rng(seed), nodes=6, dearest=3, most=3)
    if dot(net.cost, flow) == dot(net.cost, NetworkSimplex().min_cost_flow(net).flow):
        assert proven(net, flow, potentials(net, flow, "some"))
    else:
        with pytest.raises(am.SolverError, match="not optimal") as caught:
            potentials(net, flow, "some")
        assert (caught.value.solver, caught.value.code) == ("some", "SOLVER_UNPROVEN")


@pytest.mark.parametrize("length", [2, 3, 5, 100, 3000])
def test_a_cycle_of_any_length_is_found_if_one_unit_of_cost_is_gained(length: int) -> None:
    # one unit goes the dear way; the chain would be as good, or better by one
    arcs = [(k, k + 1, 1, 5) for k in range(length)] + [(0, length, 1, 5 * length)]
    net = network([1, *[0] * (length - 1), -1], arcs)
    flow = np.zeros(length + 1, dtype=np.int64)
    flow[-1] = 1
    assert proven(net, flow, potentials(net, flow, "some"))
    better = replace(net, cost=np.append(net.cost[:-1], 5 * length + 1))
    with pytest.raises(am.SolverError, match="not optimal"):
        potentials(better, flow, "some")


def test_an_answer_of_ortools_that_is_not_optimal_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from ortools.graph.python import min_cost_flow

    fake = FakeFlow(min_cost_flow.SimpleMinCostFlow(), "OPTIMAL")
    monkeypatch.setattr(FakeFlow, "flows", lambda self, arcs: np.array([0, 3, 0]))
    monkeypatch.setattr(min_cost_flow, "SimpleMinCostFlow", fake)
    assert refused(SMALL) == "SOLVER_UNPROVEN"
