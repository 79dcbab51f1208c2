"""Giving: divisible needs and lots of goods, as one transportation problem an item kind.

Indices, in the symbols of `program`: demands i are needs, supplies j are lots,
arcs k are the pairs that may be. Needs and lots of different items, or counted
in different units, never meet, so each (item, unit) is a market of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aidmatch.arrays import SAFE, Ints, dot, frozen, total
from aidmatch.certificate import Certificate
from aidmatch.distance.great_circle import GreatCircle
from aidmatch.distance.pair_table import METRE
from aidmatch.distance.protocol import Distance, measure
from aidmatch.errors import NumberRangeError
from aidmatch.formulation.arcs import ListedArcs, PointArcs, demand_blocks
from aidmatch.levels import LevelDefinition, level_definitions
from aidmatch.matching import Assignment, Coverage, LevelResult, Matching, Solving, Status
from aidmatch.place import Places
from aidmatch.policy import Policy
from aidmatch.problem import Admission, GivingProblem
from aidmatch.program import ArcProducer, Level, Market, Solution
from aidmatch.records.giving import Donation, Need
from aidmatch.rules.protocol import Eligibility, rules_named

__all__ = ["GivingFormulation", "formulate"]


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one market among the admitted records, both sorted by id."""

    demands: Ints
    supplies: Ints


@dataclass(frozen=True, slots=True)
class GivingFormulation:
    """A giving problem as markets, and the way back.

    Parameters
    ----------
    problem, policy, distance
        What it was made of; no distance where the pairs bring their costs.
    admission
        Who takes part.
    definitions
        The levels.
    markets
        What is decided, each alone.
    """

    problem: GivingProblem
    policy: Policy
    distance: Distance | None
    admission: Admission
    definitions: tuple[LevelDefinition, ...]
    markets: tuple[Market, ...]
    _parts: tuple[_Part, ...]
    _eligibility: Eligibility

    def matching(self, solutions: Sequence[Solution], solver: str, solver_version: str, version: str) -> Matching:
        """Turn the solutions of the markets back into a matching.

        Parameters
        ----------
        solutions
            One a market, in the same order.
        solver, solver_version, version
            For the record: who solved, and the version of this library.

        Returns
        -------
        The matching, sorted by ids.
        """
        needs, lots = self.admission.needs, self.admission.donations
        u = np.zeros((len(self.definitions), len(needs)), dtype=np.int64)
        v = np.zeros((len(self.definitions), len(lots)), dtype=np.int64)
        left = np.array([need.quantity for need in needs], dtype=np.int64)
        degree = np.zeros(len(needs), dtype=np.int64)
        assignments = []
        for part, solution in zip(self._parts, solutions, strict=True):
            u[:, part.demands], v[:, part.supplies] = solution.u, solution.v
            degree[part.demands] = solution.degree
            for i, j, metric, flow in zip(
                part.demands[solution.demand_of].tolist(),
                part.supplies[solution.supply_of].tolist(),
                solution.metric.tolist(),
                solution.flow.tolist(),
                strict=True,
            ):
                assignments.append(self._assignment(needs[i], lots[j], flow, metric))
                left[i] -= flow
        assignments.sort(key=lambda a: (a.demand_id, a.supply_id))
        return Matching(
            status=Status.OPTIMAL,
            as_of=self.problem.as_of,
            levels=tuple(self._level_results(assignments, left, u, v)),
            assignments=tuple(assignments),
            unmet={needs[i].id: int(left[i]) for i in np.flatnonzero(left).tolist()},
            reasons=self._reasons(left, degree),
            closed_demands=self.admission.closed_needs,
            closed_supplies=self.admission.closed_donations,
            coverage=self._coverage(left),
            supplies=len(lots),
            offered=sum(lot.quantity for lot in lots),
            cost_unit=self.problem.cost_unit,
            distance=None if self.distance is None else self.distance.name,
            policy=self.policy,
            inputs=self.problem.digests(),
            reports=self.problem.reports,
            solving=Solving(
                solver=solver,
                solver_version=solver_version,
                aidmatch_version=version,
                markets=len(self.markets),
                components=sum(s.components for s in solutions),
                arcs=sum(s.arcs for s in solutions),
                merged=sum(s.merged for s in solutions),
            ),
            certificate=Certificate(
                tuple(need.id for need in needs), tuple(lot.id for lot in lots), frozen(u), frozen(v)
            ),
        )

    def _assignment(self, need: Need, lot: Donation, quantity: int, cost: int) -> Assignment:
        return Assignment(
            demand_id=need.id,
            supply_id=lot.id,
            quantity=quantity,
            cost=cost,
            metres=cost if self.problem.cost_unit == METRE else None,
            item=need.item,
            household_id=need.household_id,
            donor_id=lot.donor_id,
        )

    def _level_results(self, assignments: Sequence[Assignment], left: Ints, u: Ints, v: Ints) -> list[LevelResult]:
        """Value of each level from the flow, bound from the potentials."""
        needs, lots = self.admission.needs, self.admission.donations
        demand = np.array([need.quantity for need in needs], dtype=np.int64)
        supply = np.array([lot.quantity for lot in lots], dtype=np.int64)
        results = []
        for row, level in enumerate(self.definitions):
            unmet = np.array([level.unmet_cost(need) for need in needs], dtype=np.int64)
            cost = dot(unmet, left) + (sum(a.quantity * a.cost for a in assignments) if level.metric else 0)
            least = dot(demand, u[row]) + dot(supply, v[row])
            if level.counts_served:
                top = dot(unmet, demand)
                results.append(LevelResult(level.name, level.unit, "max", top - cost, top - least, cost - least))
            else:
                results.append(LevelResult(level.name, level.unit, "min", cost, least, cost - least))
        return results

    def _coverage(self, left: Ints) -> tuple[Coverage, ...]:
        rows: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for need, over in zip(self.admission.needs, left.tolist(), strict=True):
            row = rows[need.category, need.item, need.unit]
            for place, amount in enumerate((1, over == 0, need.quantity, need.quantity - over)):
                row[place] += amount
        return tuple(Coverage(*key, *row) for key, row in sorted(rows.items()))

    def _reasons(self, left: Ints, degree: Ints) -> dict[str, str]:
        reasons = {}
        for part in self._parts:
            here = self._eligibility.part(part.demands, part.supplies)
            allowed = np.any(here.allowed[:, np.unique(here.supply_group)], axis=1, keepdims=True)[here.demand_group, 0]
            for i, is_allowed in zip(part.demands.tolist(), allowed.tolist(), strict=True):
                if not left[i]:
                    continue
                if degree[i]:
                    reason = "USED_UP"
                elif is_allowed:
                    reason = "OUT_OF_REACH"
                else:
                    reason = "NO_LOT_ALLOWED" if part.supplies.size else "NO_LOT"
                reasons[self.admission.needs[i].id] = reason
        return dict(sorted(reasons.items()))


def formulate(problem: GivingProblem, policy: Policy, distance: Distance) -> GivingFormulation:
    """Formulate a giving problem.

    Parameters
    ----------
    problem
        What is to be matched.
    policy
        How to choose.
    distance
        Metres between places; not asked where the problem brings its pairs.

    Returns
    -------
    The markets, in the order of items and units, and the way back.

    Raises
    ------
    RowsError
        ``UNKNOWN_CATEGORY`` or ``NO_POINT``, with every such row.
    NumberRangeError
        If the units of a market cannot be counted exactly.
    PolicyError, PluginError, ProblemError
        If the policy or a plug-in is at fault, or a radius is set where costs are not metres.
    """
    problem.check_categories(policy)
    definitions = level_definitions(policy, problem.cost_unit)
    if problem.pairs is None and getattr(distance, "needs_points", True):
        problem.check_points()
    reach = problem.reach(policy)
    admission = problem.admission()
    needs, lots = admission.needs, admission.donations
    eligibility = Eligibility.under(rules_named(policy.rules), needs, lots)
    parts = _parts(needs, lots)
    arcs = _Arcs(problem, distance, admission, np.array([reach(lot) for lot in lots], dtype=np.int64), eligibility)
    demand, supply = _quantities(needs), _quantities(lots)
    unmet = [np.array([level.unmet_cost(need) for need in needs], dtype=np.int64) for level in definitions]
    markets = []
    for part in parts:
        units = total(demand[part.demands]) + total(supply[part.supplies])
        if units >= SAFE:
            item = needs[part.demands[0]].item
            raise NumberRangeError(f"item {item!r}: {units} units; at most {SAFE - 1} can be counted exactly")
        levels = tuple(
            Level(costs[part.demands] if costs.any() else None, level.metric)
            for costs, level in zip(unmet, definitions, strict=True)
        )
        markets.append(Market(demand[part.demands], supply[part.supplies], arcs.of(part), levels))
    return GivingFormulation(
        problem,
        policy,
        distance if problem.pairs is None else None,
        admission,
        definitions,
        tuple(markets),
        parts,
        eligibility,
    )


def _quantities(records: Sequence[Need] | Sequence[Donation]) -> Ints:
    return np.array([record.quantity for record in records], dtype=np.int64)


def _parts(needs: Sequence[Need], lots: Sequence[Donation]) -> tuple[_Part, ...]:
    """Needs and lots by item and unit; lots that nobody needs are in no market."""
    rows: dict[tuple[str, str], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for i, need in enumerate(needs):
        rows[need.item, need.unit][0].append(i)
    for j, lot in enumerate(lots):
        if (lot.item, lot.unit) in rows:
            rows[lot.item, lot.unit][1].append(j)
    return tuple(
        _Part(np.array(demands, dtype=np.int64), np.array(supplies, dtype=np.int64))
        for _, (demands, supplies) in sorted(rows.items())
    )


class _Arcs:
    """Arc producers of the markets of one problem."""

    def __init__(
        self,
        problem: GivingProblem,
        distance: Distance,
        admission: Admission,
        reach: Ints,
        eligibility: Eligibility,
    ) -> None:
        self._distance, self._reach, self._eligibility = distance, reach, eligibility
        self._listed = None if problem.pairs is None else _listed(problem.pairs.costs, admission)
        if self._listed is None:
            self._demand_places = Places(need.place for need in admission.needs)
            self._supply_places = Places(lot.place for lot in admission.donations)

    def of(self, part: _Part) -> ArcProducer:
        """The arc producer of one market."""
        eligibility, reach = self._eligibility.part(part.demands, part.supplies), self._reach[part.supplies]
        if self._listed is not None:
            i, j, cost = self._listed
            inside = np.isin(i, part.demands) & np.isin(j, part.supplies)
            i, j = np.searchsorted(part.demands, i[inside]), np.searchsorted(part.supplies, j[inside])
            cost = cost[inside]
            keep = eligibility.allowed[eligibility.demand_group[i], eligibility.supply_group[j]] & (cost <= reach[j])
            return ListedArcs(i[keep], j[keep], cost[keep])
        demand_places, supply_places = self._demand_places[part.demands], self._supply_places[part.supplies]
        if isinstance(self._distance, GreatCircle):
            return PointArcs(demand_places.vectors, supply_places.vectors, reach, eligibility)
        return self._measured(demand_places, supply_places, reach, eligibility)

    def _measured(self, demands: Places, supplies: Places, reach: Ints, eligibility: Eligibility) -> ListedArcs:
        found = [np.zeros((3, 0), dtype=np.int64)]
        for block in demand_blocks(len(demands), len(supplies)):
            i, j = np.nonzero(eligibility.allowed[eligibility.demand_group[block]][:, eligibility.supply_group])
            i += block.start
            metres = measure(self._distance, supplies[j], demands[i])
            near = metres <= reach[j]
            found.append(np.stack([i[near], j[near], metres[near]]))
        return ListedArcs(*np.concatenate(found, axis=1))


def _listed(costs: Mapping[tuple[str, str], int], admission: Admission) -> tuple[Ints, Ints, Ints]:
    """Pairs of the table among the admitted, as rows and costs, sorted by demand and then supply."""
    row_of_need = {need.id: row for row, need in enumerate(admission.needs)}
    row_of_lot = {lot.id: row for row, lot in enumerate(admission.donations)}
    rows = sorted(
        (row_of_need[demand_id], row_of_lot[supply_id], cost)
        for (demand_id, supply_id), cost in costs.items()
        if demand_id in row_of_need and supply_id in row_of_lot
    )
    i, j, cost = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return i, j, cost
