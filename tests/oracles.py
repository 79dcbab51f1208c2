"""Answers found another way, from the formulation's text alone: nothing of the library's own thinking is used.

Each oracle takes a problem and a policy and gives the vector of levels as a
matching reports it.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import aidmatch as am

Vector = tuple[int, ...]


@dataclass(frozen=True)
class Pairs:
    """What may meet: quantities after pins, what a unit on each pair adds to each level, and what pins add."""

    demand: list[int]
    supply: list[int]
    gain: dict[tuple[int, int], Vector]
    limit: int | None
    pinned: Vector
    sense: tuple[int, ...]

    def most(self, i: int, j: int) -> int:
        return min(self.demand[i], self.supply[j], self.demand[i] if self.limit is None else self.limit)


def metres(a: am.Place, b: am.Place) -> int:
    assert a.lat is not None
    assert a.lon is not None
    assert b.lat is not None
    assert b.lon is not None
    p, q = math.radians(a.lat), math.radians(b.lat)
    h = math.sin((q - p) / 2) ** 2
    h += math.cos(p) * math.cos(q) * math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    return math.floor(2 * 6_371_008.8 * math.asin(min(1.0, math.sqrt(h))) + 0.5)


def takes_part(demand: Any, problem: Any) -> bool:
    gate = demand.gate
    return (
        gate.approval == "approved"
        and (gate.notice_ended_on is None or gate.notice_ended_on <= problem.as_of)
        and not gate.objected
        and gate.status == "open"
        and (getattr(demand, "needed_by", None) is None or demand.needed_by >= problem.as_of)
        and "goods" in getattr(demand, "accepts", ("goods",))
        and "neighbour" in getattr(demand, "modes_accepted", ("neighbour",))
    )


def is_there(supply: Any, problem: Any) -> bool:
    return (
        getattr(supply, "status", "in_stock") in ("pledged", "in_stock")
        and (supply.available_from is None or supply.available_from <= problem.as_of)
        and (supply.available_until is None or supply.available_until >= problem.as_of)
        and (getattr(supply, "expires_on", None) is None or supply.expires_on >= problem.as_of)
    )


def may_meet(demand: Any, supply: Any) -> bool:
    if isinstance(demand, am.Need):
        return (
            (demand.item, demand.unit) == (supply.item, supply.unit)
            and (not supply.only_categories or demand.category in supply.only_categories)
            and (not supply.only_areas or any((demand.place.code or "").startswith(a) for a in supply.only_areas))
            and demand.household_id != supply.producer_household_id
        )
    return (
        all(service in supply.services for service in demand.services)
        and (not demand.languages or any(language in supply.languages for language in demand.languages))
        and (demand.caregiver_gender is None or demand.caregiver_gender == supply.gender)
    )


def apart(a: am.Place, b: am.Place) -> int:
    """How many of village, township and county are not shared."""
    one, other = a.code or "", b.code or ""
    return sum(len(one) < n or len(other) < n or one[:n] != other[:n] for n in (12, 9, 6))


def gain_of(demand: Any, supply: Any, cost: int, problem: Any, policy: am.Policy) -> Vector:
    """What a unit on a pair adds to each level's value."""
    ages = {(p.demand_id, p.supply_id): (problem.as_of - p.since).days for p in problem.current if p.state != "ended"}
    age = ages.get((demand.id, supply.id))
    parts: dict[str, Vector] = {
        "coverage": tuple(int(demand.category == category) for category in policy.categories),
        "pairs": (int(age is not None),),
        "continuity": (0 if age is None else 1 + max(0, age),),
        "nearness": (apart(demand.place, supply.place),),
        "distance": (cost,),
    }
    return tuple(value for level in policy.levels for value in parts[level])


def pairs_of(problem: Any, policy: am.Policy) -> Pairs:
    demands = [demand for demand in problem.demands if takes_part(demand, problem)]
    supplies = [supply for supply in problem.supplies if is_there(supply, problem)]
    giving = isinstance(problem, am.GivingProblem)
    asked = [d.quantity if giving else d.caregivers_needed for d in demands]
    offered = [s.quantity if giving else s.max_persons for s in supplies]
    limit = None if giving else 1
    listed = None
    if problem.pairs is not None:
        listed = {(p.demand_id, p.supply_id): (p.cost, p.eligible) for p in problem.pairs.pairs}
    held = [d for d in problem.decisions if d.on <= problem.as_of and (d.until is None or problem.as_of <= d.until)]
    forbidden = {(d.demand_id, d.supply_id) for d in held if d.kind == "forbid"}
    pins = {(d.demand_id, d.supply_id): d.quantity for d in held if d.kind == "pin"}
    senses = {"coverage": 1, "pairs": 1, "continuity": 1, "nearness": -1, "distance": -1}
    sense = tuple(
        senses[level] for level in policy.levels for _ in range(len(policy.categories) if level == "coverage" else 1)
    )
    gain, fixed, pinned = {}, {}, [0] * len(sense)
    for i, demand in enumerate(demands):
        for j, supply in enumerate(supplies):
            pair = demand.id, supply.id
            if listed is None:
                cost, may = metres(demand.place, supply.place), may_meet(demand, supply)
                limits = [km * 1000 for km in (policy.max_km, supply.max_km) if km is not None]
                may = may and all(cost <= most for most in limits)
            else:
                cost, eligible = listed.get(pair, (0, False))
                may = eligible and may_meet(demand, supply)
            worth = gain_of(demand, supply, cost, problem, policy)
            if pair in pins:
                units = pins[pair]
                fixed[i, j] = min(asked[i], offered[j], limit or asked[i]) if units is None else units
                pinned = [total + fixed[i, j] * value for total, value in zip(pinned, worth, strict=True)]
            if may and pair not in forbidden and not (pair in pins and limit is not None):
                gain[i, j] = worth
    for (i, j), units in fixed.items():
        asked[i] -= units
        offered[j] -= units
    return Pairs(asked, offered, gain, limit, tuple(pinned), sense)


def exhaustive(problem: Any, policy: am.Policy) -> Vector:
    """Try everything: demand by demand, every way to serve it from what is left."""
    pairs = pairs_of(problem, policy)

    def merit(vector: Vector) -> Vector:
        return tuple(sign * value for sign, value in zip(pairs.sense, vector, strict=True))

    @cache
    def best(i: int, stock: tuple[int, ...]) -> Vector:
        if i == len(pairs.demand):
            return (0,) * len(pairs.sense)
        found = []
        for gives, left in ways(i, 0, pairs.demand[i], stock):
            vector = list(best(i + 1, left))
            for j, units in gives.items():
                vector = [total + units * value for total, value in zip(vector, pairs.gain[i, j], strict=True)]
            found.append(tuple(vector))
        return max(found, key=merit)

    def ways(i: int, j: int, wanted: int, stock: tuple[int, ...]) -> list[tuple[dict[int, int], tuple[int, ...]]]:
        if j == len(stock):
            return [({}, stock)]
        most = min(wanted, stock[j], wanted if pairs.limit is None else pairs.limit) if (i, j) in pairs.gain else 0
        found = []
        for units in range(most + 1):
            left = (*stock[:j], stock[j] - units, *stock[j + 1 :])
            for gives, after in ways(i, j + 1, wanted - units, left):
                found.append(({**gives, j: units} if units else gives, after))
        return found

    return tuple(a + b for a, b in zip(best(0, tuple(pairs.supply)), pairs.pinned, strict=True))


def by_networkx(problem: Any, policy: am.Policy) -> Vector:
    """One network simplex with weights in Python's unbounded integers."""
    import networkx as nx

    pairs = pairs_of(problem, policy)
    base = 2 * (sum(pairs.demand) + 1) * (1 + max((abs(v) for gain in pairs.gain.values() for v in gain), default=0))
    graph = nx.DiGraph()
    graph.add_node("end", demand=sum(pairs.demand))
    for i, quantity in enumerate(pairs.demand):
        graph.add_node(("demand", i), demand=-quantity)
        graph.add_edge(("demand", i), "end", weight=0)
    for j, quantity in enumerate(pairs.supply):
        graph.add_edge(("supply", j), "end", capacity=quantity, weight=0)
    for (i, j), gain in pairs.gain.items():
        weight = 0
        for sign, value in zip(pairs.sense, gain, strict=True):
            weight = weight * base - sign * value
        graph.add_edge(("demand", i), ("supply", j), weight=weight, capacity=pairs.most(i, j))
    _, flow = nx.network_simplex(graph)
    levels = list(pairs.pinned)
    for (i, j), gain in pairs.gain.items():
        units = flow["demand", i]["supply", j]
        levels = [total + units * value for total, value in zip(levels, gain, strict=True)]
    return tuple(levels)


def by_highs(problem: Any, policy: am.Policy) -> Vector:
    """Integer programs, one a level, each level held as a row of the next."""
    import highspy

    pairs = pairs_of(problem, policy)
    if not pairs.gain:
        return pairs.pinned
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy has no annotations
    for option, value in (("output_flag", False), ("mip_rel_gap", 0.0), ("mip_abs_gap", 0.5)):
        highs.setOptionValue(option, value)
    keys = list(pairs.gain)
    for i, j in keys:
        highs.addVar(0, pairs.most(i, j))
        highs.changeColIntegrality(highs.getNumCol() - 1, highspy.HighsVarType.kInteger)
    for side, quantities in enumerate((pairs.demand, pairs.supply)):
        for node, quantity in enumerate(quantities):
            row = [k for k, key in enumerate(keys) if key[side] == node]
            highs.addRow(-highspy.kHighsInf, quantity, len(row), row, [1.0] * len(row))
    values = []
    for level, sign in enumerate(pairs.sense):
        gains = [float(sign * pairs.gain[key][level]) for key in keys]
        for k, gain in enumerate(gains):
            highs.changeColCost(k, -gain)
        highs.run()
        assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        best = round(-highs.getInfo().objective_function_value)
        values.append(pairs.pinned[level] + sign * best)
        row = [k for k, gain in enumerate(gains) if gain]
        # half a unit of room for rounding is none for whole units
        highs.addRow(best - 0.5, highspy.kHighsInf, len(row), row, [gains[k] for k in row])
    return tuple(values)
