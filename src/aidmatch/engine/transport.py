"""The one function that calls solvers, and believes none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aidmatch.arrays import SAFE, Bools, Ints, frozen, total
from aidmatch.errors import AidMatchError, NumberRangeError, SolverError
from aidmatch.solvers.network import FlowSolver, Network

__all__ = ["COST_LIMIT", "Transport", "TransportFlow", "solve_transport"]

#: The dearest simple path must cost less than this, half the cost of the artificial arcs of LEMON's network simplex.
COST_LIMIT: Final = 2**61


@dataclass(frozen=True, slots=True)
class Transport:
    """A transportation problem with one cost.

    Parameters
    ----------
    demand, supply
        Units asked for and offered, int64.
    demand_of, supply_of
        Ends of each arc, int64, sorted by demand and then supply.
    cost
        Cost of one unit on each arc, int64; it may be negative.
    unmet
        Cost of one unit left over at each demand, int64 ≥ 0.
    may_miss, may_idle
        Whether a demand may be left unmet, and a supply unused. There must be a flow that respects them.
    limit
        Most units on any one arc; None for no limit of its own.
    """

    demand: Ints
    supply: Ints
    demand_of: Ints
    supply_of: Ints
    cost: Ints
    unmet: Ints
    may_miss: Bools
    may_idle: Bools
    limit: int | None


@dataclass(frozen=True, slots=True)
class TransportFlow:
    """A proven optimal flow.

    Parameters
    ----------
    flow
        Flow on each arc.
    left
        What is left over at each demand.
    u, v
        Potentials of demands and supplies: cost − u − v ≥ 0 on arcs below the limit, ≤ 0 where they carry flow;
        u ≤ unmet where a demand may be missed, v ≤ 0 where a supply may idle, with equality where one is.
    """

    flow: Ints
    left: Ints
    u: Ints
    v: Ints


def longest_path(demands: int, supplies: int) -> int:
    """Most arcs of a simple path in the network of a transportation problem, and one to spare."""
    return 2 * min(demands, supplies) + 4


def solve_transport(transport: Transport, solver: FlowSolver) -> TransportFlow:
    """Solve a transportation problem with a solver that is not trusted.

    The answer is checked for form, capacities and conservation, and proven optimal by complementary slackness of its
    own potentials, all in exact integers.

    Parameters
    ----------
    transport
        The problem.
    solver
        Any flow solver.

    Returns
    -------
    A proven optimal flow.

    Raises
    ------
    NumberRangeError
        If quantities or costs are too large to be exact, here or in the solver.
    PluginError
        If the solver misses what it needs.
    SolverError
        If the solver raised, or its answer is infeasible or not proven optimal.
    """
    lift = _lift(transport)
    _refuse_large(transport, lift)
    network = _network(transport, lift)
    try:
        answer = solver.min_cost_flow(network)
        flow, potential = answer.flow, answer.potential
    except AidMatchError:
        raise  # an adapter that knows what is wrong
    except Exception as error:
        raise SolverError(
            f"raised {type(error).__name__}: {error}", solver=solver.name, code="SOLVER_FAILED"
        ) from error
    _check_form(flow, len(network.tail), "flow", solver)
    _check_form(potential, len(network.balance), "potential", solver)
    _check_feasible(network, flow, solver)
    reduced = network.cost + potential[network.tail] - potential[network.head]
    if ((reduced < 0) & (flow < network.capacity)).any() or ((reduced > 0) & (flow > 0)).any():
        raise SolverError("the answer is not proven optimal", solver=solver.name, code="SOLVER_UNPROVEN")
    demands = len(transport.demand)
    on_pair = (network.tail != _HUB) & (network.head != _HUB)
    left = np.zeros(demands, dtype=np.int64)
    misses = network.head == _HUB
    left[network.tail[misses] - 1] = flow[misses]
    # arcs without a limit of their own have a unit to spare, so that no reduced cost of theirs is negative
    return TransportFlow(
        flow[on_pair],
        left,
        potential[_HUB] - potential[1 : demands + 1] - lift,
        potential[demands + 1 :] - potential[_HUB],
    )


_HUB: Final = 0


def _lift(transport: Transport) -> Ints:
    """What to add to every cost at a demand so that none is negative.

    A demand's units all cost it, served or left over, so that no flow is preferred by it and only potentials shift.
    """
    lift = np.zeros(len(transport.demand), dtype=np.int64)
    below = np.flatnonzero(transport.cost < 0)
    np.maximum.at(lift, transport.demand_of[below], -transport.cost[below])
    return lift


def _refuse_large(transport: Transport, lift: Ints) -> None:
    units = total(transport.demand) + total(transport.supply)
    if units >= SAFE:
        raise NumberRangeError(f"{units} units in one component; at most {SAFE - 1} can be counted exactly")
    dearest = max(int(transport.cost.max(initial=0)), int(transport.unmet.max(initial=0))) + int(lift.max(initial=0))
    arcs = longest_path(len(transport.demand), len(transport.supply))
    if dearest * arcs >= COST_LIMIT:
        raise NumberRangeError(f"cost {dearest} a unit over {arcs} arcs leaves 64-bit integers")


def _network(transport: Transport, lift: Ints) -> Network:
    """The hub is node 0, then demands, then supplies; flow runs from demands to supplies."""
    n = len(transport.demand)
    idle, miss = np.flatnonzero(transport.may_idle), np.flatnonzero(transport.may_miss)
    demand_of, supply_of = transport.demand_of, transport.supply_of
    # arcs by tail and then head: the hub's own, then of each demand that to the hub before those to supplies
    on_miss = len(idle) + np.searchsorted(demand_of, miss) + np.arange(len(miss))
    on_pair = len(idle) + np.cumsum(transport.may_miss)[demand_of] + np.arange(len(demand_of))
    tail, head, capacity, cost = np.zeros((4, len(idle) + len(miss) + len(demand_of)), dtype=np.int64)
    tail[on_miss], tail[on_pair] = miss + 1, demand_of + 1
    head[: len(idle)], head[on_pair] = idle + n + 1, supply_of + n + 1
    capacity[: len(idle)], capacity[on_miss] = transport.supply[idle] + 1, transport.demand[miss] + 1
    either = np.minimum(transport.demand[demand_of], transport.supply[supply_of])
    capacity[on_pair] = either + 1 if transport.limit is None else np.minimum(either + 1, transport.limit)
    cost[on_miss], cost[on_pair] = transport.unmet[miss] + lift[miss], transport.cost + lift[demand_of]
    balance = np.concatenate(
        [[total(transport.supply) - total(transport.demand)], transport.demand, -transport.supply]
    ).astype(np.int64)
    return Network(*map(frozen, (balance, tail, head, capacity, cost)))


def _check_form(array: Ints, size: int, what: str, solver: FlowSolver) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != np.int64 or array.shape != (size,):
        given = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise SolverError(f"{what} is {given}, not int64 ({size},)", solver=solver.name, code="SOLVER_MALFORMED")
    if array.size and not -SAFE <= int(array.min()) <= int(array.max()) <= SAFE:
        raise SolverError(f"{what} is out of range", solver=solver.name, code="SOLVER_MALFORMED")


def _check_feasible(network: Network, flow: Ints, solver: FlowSolver) -> None:
    if (flow < 0).any() or (flow > network.capacity).any():
        raise SolverError("flow breaks a capacity", solver=solver.name, code="SOLVER_INFEASIBLE")
    # a unit takes two arcs at most; beyond that, sums below could wrap
    if total(flow) > 2 * int(np.abs(network.balance[1:]).sum()):
        raise SolverError("flow comes from nowhere", solver=solver.name, code="SOLVER_INFEASIBLE")
    net = np.zeros(len(network.balance), dtype=np.int64)
    moving = np.flatnonzero(flow)
    np.add.at(net, network.tail[moving], flow[moving])
    np.subtract.at(net, network.head[moving], flow[moving])
    if (net != network.balance).any():
        raise SolverError("flow is not conserved", solver=solver.name, code="SOLVER_INFEASIBLE")
