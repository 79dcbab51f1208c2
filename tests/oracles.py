"""Answers found another way, from the formulation's text alone: nothing of the library's own thinking is used.

Each oracle takes a problem and a policy and gives the vector of levels: units
served by category in the policy's order, then unit-metres (or unit-costs).
"""

import math
from dataclasses import dataclass
from functools import cache

import aidmatch as am

Vector = tuple[int, ...]


@dataclass(frozen=True)
class Pairs:
    """What may meet: quantities, categories by rank, and cost of each eligible pair."""

    demand: list[int]
    rank: list[int]
    supply: list[int]
    cost: dict[tuple[int, int], int]
    ranks: int


def metres(a: am.Place, b: am.Place) -> int:
    assert a.lat is not None
    assert a.lon is not None
    assert b.lat is not None
    assert b.lon is not None
    p, q = math.radians(a.lat), math.radians(b.lat)
    h = math.sin((q - p) / 2) ** 2
    h += math.cos(p) * math.cos(q) * math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    return math.floor(2 * 6_371_008.8 * math.asin(min(1.0, math.sqrt(h))) + 0.5)


def takes_part(need: am.Need, problem: am.GivingProblem) -> bool:
    return (
        need.gate.approval == "approved"
        and (need.gate.notice_ended_on is None or need.gate.notice_ended_on <= problem.as_of)
        and not need.gate.objected
        and need.gate.status == "open"
        and (need.needed_by is None or need.needed_by >= problem.as_of)
        and "goods" in need.accepts
    )


def is_there(lot: am.Donation, problem: am.GivingProblem) -> bool:
    return (
        lot.status in ("pledged", "in_stock")
        and (lot.available_from is None or lot.available_from <= problem.as_of)
        and (lot.available_until is None or lot.available_until >= problem.as_of)
        and (lot.expires_on is None or lot.expires_on >= problem.as_of)
    )


def may_meet(need: am.Need, lot: am.Donation) -> bool:
    return (
        (need.item, need.unit) == (lot.item, lot.unit)
        and (not lot.only_categories or need.category in lot.only_categories)
        and (not lot.only_areas or any((need.place.code or "").startswith(area) for area in lot.only_areas))
        and need.household_id != lot.producer_household_id
    )


def pairs_of(problem: am.GivingProblem, policy: am.Policy) -> Pairs:
    needs = [need for need in problem.needs if takes_part(need, problem)]
    lots = [lot for lot in problem.donations if is_there(lot, problem)]
    listed = None
    if problem.pairs is not None:
        listed = {(p.demand_id, p.supply_id): p.cost for p in problem.pairs.pairs if p.eligible}
    cost = {}
    for i, need in enumerate(needs):
        for j, lot in enumerate(lots):
            if not may_meet(need, lot):
                continue
            if listed is None:
                far = metres(need.place, lot.place)
                limits = [km * 1000 for km in (policy.max_km, lot.max_km) if km is not None]
                if all(far <= limit for limit in limits):
                    cost[i, j] = far
            elif (need.id, lot.id) in listed:
                cost[i, j] = listed[need.id, lot.id]
    return Pairs(
        [need.quantity for need in needs],
        [policy.categories.index(need.category) for need in needs],
        [lot.quantity for lot in lots],
        cost,
        len(policy.categories),
    )


def exhaustive(problem: am.GivingProblem, policy: am.Policy) -> Vector:
    """Try everything: demand by demand, every way to serve it from what is left."""
    pairs = pairs_of(problem, policy)

    @cache
    def best(i: int, stock: tuple[int, ...]) -> Vector:
        if i == len(pairs.demand):
            return (0,) * (pairs.ranks + 1)
        top: Vector | None = None
        for gives, left in ways(i, 0, pairs.demand[i], stock):
            rest = list(best(i + 1, left))
            rest[pairs.rank[i]] += sum(gives.values())
            rest[-1] -= sum(units * pairs.cost[i, j] for j, units in gives.items())
            if top is None or tuple(rest) > top:
                top = tuple(rest)
        assert top is not None
        return top

    def ways(i: int, j: int, wanted: int, stock: tuple[int, ...]) -> list[tuple[dict[int, int], tuple[int, ...]]]:
        if j == len(stock):
            return [({}, stock)]
        most = min(wanted, stock[j]) if (i, j) in pairs.cost else 0
        found = []
        for units in range(most + 1):
            left = (*stock[:j], stock[j] - units, *stock[j + 1 :])
            for gives, after in ways(i, j + 1, wanted - units, left):
                found.append(({**gives, j: units} if units else gives, after))
        return found

    *served, minus_cost = best(0, tuple(pairs.supply))
    return (*served, -minus_cost)


def by_networkx(problem: am.GivingProblem, policy: am.Policy) -> Vector:
    """One network simplex with weights in Python's unbounded integers."""
    import networkx as nx

    pairs = pairs_of(problem, policy)
    units = sum(pairs.demand) + 1
    step = units * (max(pairs.cost.values(), default=0) + 1)
    graph = nx.DiGraph()
    graph.add_node("end", demand=sum(pairs.demand))
    for i, quantity in enumerate(pairs.demand):
        graph.add_node(("demand", i), demand=-quantity)
        weight = step * units ** (pairs.ranks - 1 - pairs.rank[i])
        graph.add_edge(("demand", i), "end", weight=weight)
    for j, quantity in enumerate(pairs.supply):
        graph.add_edge(("supply", j), "end", capacity=quantity, weight=0)
    for (i, j), cost in pairs.cost.items():
        graph.add_edge(("demand", i), ("supply", j), weight=cost)
    _, flow = nx.network_simplex(graph)
    served = [0] * pairs.ranks
    for i in range(len(pairs.demand)):
        served[pairs.rank[i]] += pairs.demand[i] - flow["demand", i]["end"]
    return (*served, sum(flow["demand", i]["supply", j] * cost for (i, j), cost in pairs.cost.items()))


def by_highs(problem: am.GivingProblem, policy: am.Policy) -> Vector:
    """Linear programs, one a level, each level held as a row of the next."""
    import highspy

    pairs = pairs_of(problem, policy)
    if not pairs.cost:
        return (0,) * (pairs.ranks + 1)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    keys = list(pairs.cost)
    for _ in keys:
        highs.addVar(0, highspy.kHighsInf)
    for i, quantity in enumerate(pairs.demand):
        row = [k for k, key in enumerate(keys) if key[0] == i]
        highs.addRow(-highspy.kHighsInf, quantity, len(row), row, [1.0] * len(row))
    for j, quantity in enumerate(pairs.supply):
        row = [k for k, key in enumerate(keys) if key[1] == j]
        highs.addRow(-highspy.kHighsInf, quantity, len(row), row, [1.0] * len(row))
    values = []
    for level in range(pairs.ranks + 1):
        last = level == pairs.ranks
        costs = [float(pairs.cost[key]) if last else -float(pairs.rank[key[0]] == level) for key in keys]
        for k, cost in enumerate(costs):
            highs.changeColCost(k, cost)
        highs.run()
        assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        value = round(highs.getInfo().objective_function_value)
        values.append(value if last else -value)
        if not last:
            row = [k for k, cost in enumerate(costs) if cost]
            highs.addRow(values[-1] - 1e-6, highspy.kHighsInf, len(row), row, [1.0] * len(row))
    return tuple(values)
