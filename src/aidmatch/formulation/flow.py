"""Families of units that flow: needs from lots, clients to caregivers, as transportation problems.

Indices, in the symbols of `program`: demands i, supplies j, and arcs k, which
are the pairs that may be. Records of different items, or counted in different
units, never meet unless one is a substitute for the other, so each (item, unit), with what may stand for it, is a
market of its own. What people
have pinned is taken off both sides before anything is decided.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aidmatch.arrays import SAFE, Bools, Ints, Keys, dot, frozen, total
from aidmatch.certificate import Certificate
from aidmatch.distance.great_circle import GreatCircle
from aidmatch.distance.pair_table import METRE
from aidmatch.distance.protocol import UNREACHABLE, Distance, least_metres, measure, table_of_metres
from aidmatch.errors import NumberRangeError, ProblemError
from aidmatch.formulation.arcs import ListedArcs, Measured, PlaceArcs, PointArcs, demand_blocks
from aidmatch.funding import Books
from aidmatch.levels import LevelDefinition, level_definitions
from aidmatch.matching import Assignment, Coverage, LevelResult, Matching, Purchase, SolverUse, Solving, Status
from aidmatch.place import Places
from aidmatch.policy import Policy
from aidmatch.problem.problem import Admission, Problem
from aidmatch.program import ArcProducer, Level, Market, Solution, TieKeys
from aidmatch.rules.protocol import Eligibility

__all__ = ["FlowFormulation", "formulate"]


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one market among the admitted records, both sorted by id."""

    demands: Ints
    supplies: Ints


@dataclass(frozen=True, slots=True)
class _Pins:
    """Rows, units and metric of what people have fixed, and whether the rules and the reach allow it, too.

    `used` are units of the supply, `units` those of the demand.
    """

    demand: Ints
    supply: Ints
    units: Ints
    used: Ints
    metric: Ints
    eligible: Bools

    def served(self, size: int) -> Ints:
        """Units fixed at each demand."""
        served = np.zeros(size, dtype=np.int64)
        np.add.at(served, self.demand, self.units)
        return served

    def given(self, size: int) -> Ints:
        """Units fixed at each supply."""
        given = np.zeros(size, dtype=np.int64)
        np.add.at(given, self.supply, self.used)
        return given


@dataclass(frozen=True, slots=True)
class FlowFormulation:
    """A problem as markets, and the way back.

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

    problem: Problem
    policy: Policy
    distance: Distance | None
    admission: Admission
    definitions: tuple[LevelDefinition, ...]
    markets: tuple[Market, ...]
    _parts: tuple[_Part, ...]
    _pins: _Pins
    _eligibility: Eligibility
    _asked: Ints
    _unmet_costs: tuple[Ints, ...]

    def matching(
        self,
        solutions: Sequence[Solution],
        solvers: Sequence[tuple[str, str]],
        version: str,
        purchases: Sequence[Purchase] = (),
    ) -> Matching:
        """Turn the solutions of the markets back into a matching.

        Parameters
        ----------
        solutions
            One a market, in the same order.
        solvers, version
            For the record: name and version of each solver, in the order of the solutions' counts, and the version of
            this library.
        purchases
            What is bought besides, sorted by demand.

        Returns
        -------
        The matching, sorted by ids.

        Raises
        ------
        ProblemError
            ``TOO_MANY_CHANGES`` if it ends more pairs in force than the policy allows.
        """
        demands, supplies = self.admission.demands, self.admission.supplies
        needs = {demand.id: demand for demand in demands}
        u = np.zeros((len(self.definitions), len(demands)), dtype=np.int64)
        v = np.zeros((len(self.definitions), len(supplies)), dtype=np.int64)
        pins, works = self._pins, [solution.work for solution in solutions]
        sent = [np.stack([pins.demand, pins.supply, pins.metric, np.zeros_like(pins.units), pins.units])]
        for part, solution in zip(self._parts, solutions, strict=True):
            u[:, part.demands], v[:, part.supplies] = solution.u, solution.v
            ends = part.demands[solution.demand_of], part.supplies[solution.supply_of]
            sent.append(np.stack([*ends, solution.metric, solution.flow, np.zeros_like(solution.flow)]))
        assignments = self._assignments(np.concatenate(sent, axis=1))
        self._check_changes(assignments)
        left = self._left(assignments, purchases)
        books = Books(self.problem, purchases)
        reasons = self._reasons(left, solutions, self._served(assignments))
        return Matching(
            status=Status.OPTIMAL,
            as_of=self.problem.as_of,
            levels=tuple(self._level_results(assignments, left, purchases)),
            assignments=assignments,
            unmet={id_: over for id_, over in left.items() if over},
            reasons={id_: books.reason(needs[id_], reason) for id_, reason in reasons.items()},
            closed_demands=self.admission.closed_demands,
            closed_supplies=self.admission.closed_supplies,
            coverage=self._coverage(left),
            supplies=len(supplies),
            offered=sum(map(self.problem.supply_side.units, supplies)),
            cost_unit=self.problem.cost_unit,
            distance=None if self.distance is None else self.distance.name,
            policy=self.policy,
            inputs=self.problem.digests(),
            reports=self.problem.reports,
            solving=Solving(
                solvers=tuple(
                    SolverUse(
                        *named,
                        solves=sum(work.solves[row] for work in works),
                        failures=dict(sorted(Counter(code for work in works for code in work.failures[row]).items())),
                    )
                    for row, named in enumerate(solvers)
                ),
                aidmatch_version=version,
                markets=len(self.markets),
                components=sum(work.components for work in works),
                arcs=sum(work.arcs for work in works),
                nodes=sum(work.nodes for work in works),
                rounds=max((work.rounds for work in works), default=0),
                level_runs=max((work.level_runs for work in works), default=0),
                ties_proven=all(work.tied for work in works),
            ),
            certificate=Certificate(
                tuple(demand.id for demand in demands), tuple(supply.id for supply in supplies), frozen(u), frozen(v)
            ),
            purchases=tuple(purchases),
            known_total=self.problem.known_total,
            closed_funds={} if self.problem.money is None else self.problem.money.closed,
        )

    def _left(self, assignments: Sequence[Assignment], purchases: Sequence[Purchase]) -> dict[str, int]:
        """Units of each demand that are left over."""
        problem, demands = self.problem, self.admission.demands
        left = {demand.id: problem.demand_side.units(demand) for demand in demands}
        kits: dict[str, list[tuple[Any, int]]] = {demand.id: [] for demand in demands if problem.components(demand)}
        supply_of = {supply.id: supply for supply in self.admission.supplies} if kits else {}
        for a in assignments:
            if a.demand_id in kits:
                kits[a.demand_id].append((supply_of[a.supply_id], a.quantity))
            else:
                left[a.demand_id] -= a.quantity
        for demand in demands if kits else ():
            left[demand.id] -= problem.served(demand, kits.get(demand.id, ()))
        for purchase in purchases:
            left[purchase.demand_id] -= purchase.quantity
        return left

    def _served(self, assignments: Sequence[Assignment]) -> set[str]:
        """Demands that are served by somebody who may serve them without a decision, too."""
        pinned = self._pins.demand[self._pins.eligible].tolist()
        decided = {a.demand_id for a in assignments if a.quantity > a.pinned}
        return decided | {self.admission.demands[i].id for i in pinned}

    def _check_changes(self, assignments: Sequence[Assignment]) -> None:
        limit = self.policy.max_pairs_changed
        ended = self.problem.pairs_ended((a.demand_id, a.supply_id) for a in assignments)
        if limit is not None and ended > limit:
            fewest = " the fewest for this coverage," if self.policy.levels[:2] == ("coverage", "pairs") else ""
            raise ProblemError(
                f"the optimum ends {ended} pairs in force,{fewest} but max_pairs_changed is {limit}; raise it, put "
                "pairs above coverage, or pin what must stay",
                code="TOO_MANY_CHANGES",
            )

    def _assignments(self, sent: Ints) -> tuple[Assignment, ...]:
        """Assignments from columns of demand, supply, metric, units decided and units pinned."""
        demands, supplies = self.admission.demands, self.admission.supplies
        in_metres = self.problem.cost_unit == METRE
        household = list(map(self.problem.demand_side.owner, demands))
        giver = list(map(self.problem.supply_side.owner, supplies))
        item = [self.problem.supply_side.item(supply)[0] for supply in supplies]
        assignments = []
        for i, j, metric, quantity, pinned in _by_pair(sent).T.tolist():
            serves, takes = self.problem.batch(demands[i], supplies[j])
            assignments.append(
                Assignment(
                    demand_id=demands[i].id,
                    supply_id=supplies[j].id,
                    quantity=quantity,
                    cost=metric,
                    metres=metric if in_metres else None,
                    item=item[j],
                    household_id=household[i],
                    giver_id=giver[j],
                    pinned=pinned,
                    taken=None if serves in (0, takes) else quantity // serves * takes,
                )
            )
        return tuple(assignments)

    def _level_results(
        self, assignments: Sequence[Assignment], left: Mapping[str, int], purchases: Sequence[Purchase]
    ) -> list[LevelResult]:
        """Value of each level, from what is left over and, in the level's scalar form, from the assignments."""
        demand_of = {demand.id: demand for demand in self.admission.demands}
        supply_of = {supply.id: supply for supply in self.admission.supplies}
        over = np.array([left[demand.id] for demand in self.admission.demands], dtype=np.int64)
        results = []
        for level, unmet in zip(self.definitions, self._unmet_costs, strict=True):
            value = dot(unmet, over)
            if level.pair_cost is not None:
                value += sum(
                    a.quantity * level.pair_cost(demand_of[a.demand_id], supply_of[a.supply_id], a.cost)
                    for a in assignments
                )
            value += self._cost_of_money(level, purchases)
            if level.counted is not None:
                asked = map(self.problem.demand_side.units, self.admission.demands)
                counted = level.counted.value(zip(self.admission.demands, asked, over.tolist(), strict=True))
                results.append(LevelResult(level.name, level.unit, level.sense, counted, counted, 0))
                continue
            if level.sense == "max":
                value = dot(unmet, self._asked) - value
            # the engine has checked that the potentials prove this very value
            results.append(LevelResult(level.name, level.unit, level.sense, value, value, 0))
        return results

    def _cost_of_money(self, level: LevelDefinition, purchases: Sequence[Purchase]) -> int:
        value = 0
        funds = {} if self.problem.money is None else {fund.id: fund for fund in self.problem.money.open}
        demand_of = {demand.id: demand for demand in self.admission.demands}
        for purchase in purchases:
            if level.bought_cost is not None:
                value += purchase.quantity * level.bought_cost(demand_of[purchase.demand_id])
            if level.fen_cost is not None:
                value += sum(x.amount_fen * level.fen_cost(funds[x.fund_id]) for x in purchase.payments)
        return value

    def _coverage(self, left: Mapping[str, int]) -> tuple[Coverage, ...]:
        rows: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for demand in self.admission.demands:
            asked, over = self.problem.demand_side.units(demand), left[demand.id]
            row = rows[(demand.category, *self.problem.demand_side.item(demand))]
            for place, amount in enumerate((1, over == 0, asked, asked - over)):
                row[place] += amount
        return tuple(Coverage(*key, *row) for key, row in sorted(rows.items()))

    def _reasons(self, left: Mapping[str, int], solutions: Sequence[Solution], served: set[str]) -> dict[str, str]:
        """Why each demand with something left over has it; see `matching.REASONS`."""
        never: dict[str, set[str]] = defaultdict(set)
        for demand_id, supply_id in self.admission.forbidden:
            never[demand_id].add(supply_id)
        reasons = {}
        for part, solution in zip(self._parts, solutions, strict=True):
            here = self._eligibility.part(part.demands, part.supplies)
            there = {self.problem.supply_side.item(self.admission.supplies[j]) for j in part.supplies.tolist()}
            for row, (i, can_take) in enumerate(zip(part.demands.tolist(), solution.can_take.tolist(), strict=True)):
                id_ = self.admission.demands[i].id
                if not left[id_]:
                    continue
                if can_take:
                    reasons[id_] = "USED_UP"
                elif id_ in served and self.problem.pair_limit is not None:
                    reasons[id_] = "ONE_EACH"
                elif any(
                    self.admission.supplies[j].id not in never[id_]
                    for j in part.supplies[here.allowed[here.demand_group[row], here.supply_group]].tolist()
                ):
                    reasons[id_] = "OUT_OF_REACH"
                else:
                    offered = not there.isdisjoint(self.problem.kinds_for(self.admission.demands[i]))
                    reasons[id_] = "NOT_ALLOWED" if offered else "NO_SUPPLY"
        return dict(sorted(reasons.items()))


def formulate(problem: Problem, policy: Policy, distance: Distance) -> FlowFormulation:
    """Formulate a problem.

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
        ``UNKNOWN_CATEGORY``, ``NO_POINT`` or ``NO_CODE``, with every such row.
    NumberRangeError
        If the units of a market cannot be counted exactly.
    PolicyError, PluginError, ProblemError
        If the policy or a plug-in is at fault, or a radius is set where costs are not metres.
    """
    problem.check_policy(policy)
    definitions = level_definitions(policy, problem)
    if problem.pairs is None:
        problem.check_places(distance)
    admission = problem.admission()
    eligibility = Eligibility.under(problem.rules(policy), admission.demands, admission.supplies)
    parts = _parts(problem, admission)
    arcs = _Arcs(problem, distance, problem.reach(policy), eligibility, parts)
    asked = np.array([problem.demand_side.units(record) for record in admission.demands], dtype=np.int64)
    supply = np.array([problem.supply_side.units(record) for record in admission.supplies], dtype=np.int64)
    demand = asked - arcs.pins.served(len(asked))
    supply -= arcs.pins.given(len(supply))
    unmet = [np.array(list(map(level.unmet_cost, admission.demands)), dtype=np.int64) for level in definitions]
    keys = TieKeys(
        _keys(policy.seed, "demand", [record.id for record in admission.demands]),
        _keys(policy.seed, "supply", [record.id for record in admission.supplies]),
    )
    bound = [None if level.bind is None else level.bind(admission.demands, admission.supplies) for level in definitions]
    markets = []
    for number, part in enumerate(parts):
        units = total(demand[part.demands]) + total(supply[part.supplies])
        if units >= SAFE:
            item = problem.demand_side.item(admission.demands[part.demands[0]])[0]
            raise NumberRangeError(f"item {item!r}: {units} units; at most {SAFE - 1} can be counted exactly")
        levels = tuple(
            Level(
                costs[part.demands] if costs[part.demands].any() else None,
                None if pairs is None else pairs.part(part.demands, part.supplies),
            )
            for costs, pairs in zip(unmet, bound, strict=True)
        )
        asks = demand[part.demands]
        # a demand of no more units than a pair may carry keeps the limit by itself
        limit = problem.pair_limit
        limit = None if limit is None or int(asks.max(initial=0)) <= limit else limit
        markets.append(
            Market(
                asks,
                supply[part.supplies],
                arcs.of(number, part),
                levels,
                limit,
                TieKeys(keys.demand[part.demands], keys.supply[part.supplies]),
            )
        )
    return FlowFormulation(
        problem,
        policy,
        distance if problem.pairs is None else None,
        admission,
        definitions,
        tuple(markets),
        parts,
        arcs.pins,
        eligibility,
        asked,
        tuple(unmet),
    )


def _by_pair(sent: Ints) -> Ints:
    """Demand, supply, metric, units and pinned units of each pair in order, from those decided and those pinned."""
    i, j, metric, decided, pinned = sent[:, np.lexsort((sent[1], sent[0]))]
    first = np.flatnonzero(np.append(True, (np.diff(i) != 0) | (np.diff(j) != 0))[: len(i)])
    both = (np.add.reduceat(units, first) if first.size else units for units in (decided + pinned, pinned))
    return np.stack([i[first], j[first], metric[first], *both])


def _keys(seed: str, side: str, ids: Sequence[str]) -> Keys:
    """Keyed hashes of ids: nobody can choose an id that draws well without the key."""
    key = hashlib.blake2b(f"{side}:{seed}".encode(), digest_size=32).digest()
    hashes = b"".join(hashlib.blake2b(id_.encode(), key=key, digest_size=8).digest() for id_ in ids)
    return np.frombuffer(hashes, dtype="<u8").astype(np.uint64)


def _parts(problem: Problem, admission: Admission) -> tuple[_Part, ...]:
    """Demands and supplies by item and unit, and by what may stand for it; supplies nobody needs are in no market."""
    leader: dict[tuple[str, str], tuple[str, str]] = {}

    def first(kind: tuple[str, str]) -> tuple[str, str]:
        while leader.setdefault(kind, kind) != kind:
            kind = leader[kind]
        return kind

    for kinds in {(problem.demand_side.item(d), *problem.kinds_for(d)) for d in admission.demands}:
        for kind in kinds:
            one, other = sorted((first(kinds[0]), first(kind)))
            leader[other] = one
    rows: dict[tuple[str, str], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for i, demand in enumerate(admission.demands):
        rows[first(problem.demand_side.item(demand))][0].append(i)
    for j, supply in enumerate(admission.supplies):
        item = problem.supply_side.item(supply)
        if item in leader and first(item) in rows:
            rows[first(item)][1].append(j)
    return tuple(
        _Part(np.array(demands, dtype=np.int64), np.array(supplies, dtype=np.int64))
        for _, (demands, supplies) in sorted(rows.items())
    )


class _Arcs:
    """What makes the arcs of the markets of one problem, and the pairs that are fixed."""

    def __init__(
        self,
        problem: Problem,
        distance: Distance,
        reach: Ints,
        eligibility: Eligibility,
        parts: Sequence[_Part],
    ) -> None:
        admission = problem.admission()
        self._distance, self._eligibility = distance, eligibility
        self._reach = reach
        self._demand_row = {demand.id: row for row, demand in enumerate(admission.demands)}
        self._supply_row = {supply.id: row for row, supply in enumerate(admission.supplies)}
        if problem.pairs is None:
            self._listed = None
            self._demand_places = Places(demand.place for demand in admission.demands)
            self._supply_places = Places(supply.place for supply in admission.supplies)
        else:
            self._listed = _by_part(self._rows(problem.pairs.costs), parts)
        demand, supply, units = self._rows(admission.pins)
        if problem.pairs is None:
            metric = measure(distance, self._supply_places[supply], self._demand_places[demand])
            self._check_ways(admission, demand[metric == UNREACHABLE], supply[metric == UNREACHABLE])
        else:
            metric = self._rows({pair: problem.pairs.all_costs[pair] for pair in admission.pins})[2]
        # in the order of the rows, as demand, supply and units are
        in_table = {pair: int(problem.pairs is None or pair in problem.pairs.costs) for pair in admission.pins}
        eligible = eligibility.allowed[eligibility.demand_group[demand], eligibility.supply_group[supply]]
        eligible &= metric <= self._reach[supply]
        eligible &= self._rows(in_table)[2] > 0
        used = self._rows(problem.units_of_supplies(admission.pins))[2]
        self.pins = _Pins(demand, supply, units, used, metric, eligible)
        full = admission.pins if problem.pair_limit is not None else ()
        self._never = self._rows(dict.fromkeys((*admission.forbidden, *full), 0))[:2]

    def _check_ways(self, admission: Admission, demands: Ints, supplies: Ints) -> None:
        """Refuse pins on pairs without a way between them, which nothing could be sent on."""
        for i, j in zip(demands.tolist(), supplies.tolist(), strict=True):
            pair = f"demand {admission.demands[i].id!r} to supply {admission.supplies[j].id!r}"
            raise ProblemError(f"a decision pins {pair}, but {self._distance.name!r} has no way", code="PIN_CONFLICT")

    def _rows(self, values: Mapping[tuple[str, str], int]) -> tuple[Ints, Ints, Ints]:
        """Rows and values of pairs of admitted records, sorted by demand and then supply."""
        rows = sorted(
            (self._demand_row[demand_id], self._supply_row[supply_id], value)
            for (demand_id, supply_id), value in values.items()
            if demand_id in self._demand_row and supply_id in self._supply_row
        )
        i, j, value = np.array(rows, dtype=np.int64).reshape(-1, 3).T
        return i, j, value

    def of(self, number: int, part: _Part) -> ArcProducer:
        """The arc producer of one market, by its number among the parts."""
        i, j = self._never
        inside = np.isin(i, part.demands) & np.isin(j, part.supplies)
        never = np.searchsorted(part.demands, i[inside]), np.searchsorted(part.supplies, j[inside])
        eligibility, reach = self._eligibility.part(part.demands, part.supplies), self._reach[part.supplies]
        if self._listed is not None:
            i, j, cost = self._listed[number]
            keep = eligibility.allowed[eligibility.demand_group[i], eligibility.supply_group[j]] & (cost <= reach[j])
            return ListedArcs(i[keep], j[keep], cost[keep]).without(never)
        demand_places, supply_places = self._demand_places[part.demands], self._supply_places[part.supplies]
        if isinstance(self._distance, GreatCircle):
            return PointArcs(demand_places.vectors, supply_places.vectors, reach, eligibility, never)
        least = least_metres(self._distance)
        if least > 0:
            measured = Measured(self._distance, demand_places, supply_places, least)
            return PointArcs(demand_places.vectors, supply_places.vectors, reach, eligibility, never, measured)
        table = table_of_metres(self._distance, supply_places, demand_places)
        if table is not None:
            return PlaceArcs(table, reach, eligibility, never)
        return self._measured(demand_places, supply_places, reach, eligibility).without(never)

    def _measured(self, demands: Places, supplies: Places, reach: Ints, eligibility: Eligibility) -> ListedArcs:
        found = [np.zeros((3, 0), dtype=np.int64)]
        for block in demand_blocks(len(demands), len(supplies)):
            i, j = np.nonzero(eligibility.pairs(block))
            i += block.start
            metres = measure(self._distance, supplies[j], demands[i])
            near = metres <= reach[j]
            found.append(np.stack([i[near], j[near], metres[near]]))
        return ListedArcs(*np.concatenate(found, axis=1))


def _by_part(listed: tuple[Ints, Ints, Ints], parts: Sequence[_Part]) -> list[tuple[Ints, Ints, Ints]]:
    """The pairs of each part, in the part's own rows; pairs of two different parts are in none."""
    i, j, cost = listed
    part_of = np.full((2, 1 + int(max(i.max(initial=0), j.max(initial=0)))), -1, dtype=np.int64)
    row_of = np.zeros_like(part_of)
    for number, part in enumerate(parts):
        for side, rows in enumerate((part.demands, part.supplies)):
            known = rows[rows < part_of.shape[1]]
            part_of[side, known], row_of[side, known] = number, np.arange(len(known))
    same = part_of[0, i] == part_of[1, j]
    i, j, cost = i[same], j[same], cost[same]
    order = np.argsort(part_of[0, i], kind="stable")
    ends = np.searchsorted(part_of[0, i][order], np.arange(1, len(parts)))
    return [(row_of[0, i[at]], row_of[1, j[at]], cost[at]) for at in np.split(order, ends)]
