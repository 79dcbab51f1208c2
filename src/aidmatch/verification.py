"""The independent check of a matching against its problem, from first principles.

Nothing here comes from formulation, engine or solvers. With them it shares the
records, the policy, the definitions of the levels, and whatever is plugged in:
rules are asked in their scalar form, distances as they are. The optimum is
proven by the certificate (see `certificate`) over every pair of records that
could meet, enumerated here in blocks of bounded size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, NoReturn, cast

import numpy as np

from aidmatch.arrays import Bools, Ints, dot
from aidmatch.certificate import node_fault
from aidmatch.distance.pair_table import METRE
from aidmatch.distance.protocol import DISTANCES, Distance, measure
from aidmatch.errors import VerificationError
from aidmatch.levels import LevelDefinition, level_definitions
from aidmatch.matching import Assignment, Matching, Status
from aidmatch.place import Places
from aidmatch.policy import Policy
from aidmatch.problem import Admission, GivingProblem
from aidmatch.records.giving import Donation, Need
from aidmatch.rules.protocol import Rule, rules_named

__all__ = ["verify"]

#: Pairs looked at in one go.
_BLOCK: Final = 1_000_000


def verify(
    problem: GivingProblem, matching: Matching, *, policy: Policy | None = None, distance: Distance | None = None
) -> None:
    """Recompute everything a matching claims.

    Checked are the inputs' digests; who takes part; every assignment's eligibility, cost and parties; capacities and
    quantities; what is unmet and why; the totals; every level's value and bound; that no unit lies idle, or serves a
    lower category, while an eligible demand of a higher one wants it; and by the certificate, in exact integers, that
    no matching is better at any level. Not checked is what cannot be recomputed: `reports` and `solving`.

    Parameters
    ----------
    problem
        The problem the matching is said to answer.
    matching
        The matching.
    policy
        The policy that should have been used. Without it, the matching is held to the policy it brings itself, which
        you should then look at.
    distance
        The distance it was made with, if that is not a plug-in that can be found by its name.

    Raises
    ------
    VerificationError
        At the first lie, naming it.
    PolicyError, PluginError, RowsError
        If the matching's policy does not fit the problem, or a plug-in is missing.
    """
    if policy is not None and policy.digest != matching.policy.digest:
        _lie("OTHER_POLICY", "the matching was made under another policy")
    _Check(problem, matching, distance).run()


def _lie(code: str, message: str) -> NoReturn:
    raise VerificationError(message, code=code)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Some pairs that could meet: rows of their needs and lots, and their costs where these are listed."""

    i: Ints
    j: Ints
    cost: Ints | None

    def part(self, index: Ints | Bools) -> _Pairs:
        return _Pairs(self.i[index], self.j[index], None if self.cost is None else self.cost[index])


class _Check:
    def __init__(self, problem: GivingProblem, matching: Matching, distance: Distance | None) -> None:
        self.problem, self.matching = problem, matching
        self.policy = matching.policy
        if matching.inputs != problem.digests() or matching.as_of != problem.as_of:
            _lie("OTHER_INPUT", "the matching was made from other inputs, or for another day")
        if matching.cost_unit != problem.cost_unit:
            _lie("OTHER_INPUT", f"costs are in {problem.cost_unit!r}, not {matching.cost_unit!r}")
        self.distance = self._the_distance(distance)
        problem.check_categories(self.policy)
        self.levels: tuple[LevelDefinition, ...] = level_definitions(self.policy, problem.cost_unit)
        self.rules: list[Rule] = rules_named(self.policy.rules)
        self.admission: Admission = problem.admission()
        self.needs: Sequence[Need] = self.admission.needs
        self.lots: Sequence[Donation] = self.admission.donations
        self.demand = np.array([need.quantity for need in self.needs], dtype=np.int64)
        self.supply = np.array([lot.quantity for lot in self.lots], dtype=np.int64)
        reach = problem.reach(self.policy)
        self.reach = np.array([reach(lot) for lot in self.lots], dtype=np.int64)
        self.labels = [
            (_compact(of_demand), _compact(of_supply))
            for of_demand, of_supply in (rule.labels(self.needs, self.lots) for rule in self.rules)
        ]
        if self.distance is not None:
            self.need_places = Places(need.place for need in self.needs)
            self.lot_places = Places(lot.place for lot in self.lots)

    def _the_distance(self, given: Distance | None) -> Distance | None:
        named = self.matching.distance
        if self.problem.pairs is not None:
            if named is not None:
                _lie("OTHER_INPUT", "the problem brings its costs, but the matching names a distance")
            return None
        distance: Distance = DISTANCES.get(named or "")() if given is None else given
        if distance.name != named:
            _lie("OTHER_INPUT", f"made with distance {named!r}, checked with {distance.name!r}")
        if getattr(distance, "needs_points", True):
            self.problem.check_points()
        return distance

    def run(self) -> None:
        if self.matching.status is not Status.OPTIMAL:
            _lie("STATUS", f"status {self.matching.status!r} cannot be proven")
        if dict(self.matching.closed_demands) != dict(self.admission.closed_needs):
            _lie("ADMISSION", "the needs that did not take part, or their reasons, are others")
        if dict(self.matching.closed_supplies) != dict(self.admission.closed_donations):
            _lie("ADMISSION", "the lots that did not take part, or their reasons, are others")
        i, j, flow = self._assignments()
        left, unused = self._quantities(i, j, flow)
        self._totals(left)
        u, v = self._certificate(left, unused)
        self._level_values(left, u, v)
        self._pairs_of_assignments(i, j, u, v)
        reasons = self._every_pair(i, j, left, unused, u, v)
        if reasons != dict(self.matching.reasons):
            _lie("REASONS", "the reasons of what is unmet are others")

    def _assignments(self) -> tuple[Ints, Ints, Ints]:
        """Rows and quantities of the assignments, once each is known to be one."""
        need_row = {need.id: row for row, need in enumerate(self.needs)}
        lot_row = {lot.id: row for row, lot in enumerate(self.lots)}
        keys = [(a.demand_id, a.supply_id) for a in self.matching.assignments]
        if any(one >= other for one, other in pairwise(keys)):
            _lie("ASSIGNMENT", "assignments are not sorted, or a pair comes twice")
        rows = []
        for a in self.matching.assignments:
            if a.demand_id not in need_row or a.supply_id not in lot_row:
                _lie("ASSIGNMENT", f"{_of(a)}: one of them does not take part")
            need, lot = self.needs[need_row[a.demand_id]], self.lots[lot_row[a.supply_id]]
            if not 1 <= a.quantity <= min(need.quantity, lot.quantity):
                _lie("QUANTITY", f"{_of(a)}: quantity {a.quantity}")
            if (need.item, need.unit) != (lot.item, lot.unit):
                _lie("ELIGIBILITY", f"{_of(a)}: other items, or other units")
            if (a.item, a.household_id, a.donor_id) != (need.item, need.household_id, lot.donor_id):
                _lie("ASSIGNMENT", f"{_of(a)}: item, household or donor is another")
            for rule in self.rules:
                if (reason := rule.reason(need, lot)) is not None:
                    _lie("ELIGIBILITY", f"{_of(a)}: {reason}")
            rows.append((need_row[a.demand_id], lot_row[a.supply_id], a.quantity))
        i, j, flow = np.array(rows, dtype=np.int64).reshape(-1, 3).T
        return i, j, flow

    def _quantities(self, i: Ints, j: Ints, flow: Ints) -> tuple[Ints, Ints]:
        """What is left over and unused, once no capacity is broken."""
        served, used = [0] * len(self.needs), [0] * len(self.lots)
        for row, column, units in zip(i.tolist(), j.tolist(), flow.tolist(), strict=True):
            served[row] += units
            used[column] += units
        for need, units in zip(self.needs, served, strict=True):
            if units > need.quantity:
                _lie("CAPACITY", f"need {need.id!r} gets {units} of {need.quantity}")
        for lot, units in zip(self.lots, used, strict=True):
            if units > lot.quantity:
                _lie("CAPACITY", f"lot {lot.id!r} gives {units} of {lot.quantity}")
        left = self.demand - np.array(served, dtype=np.int64)
        unmet = {self.needs[row].id: int(left[row]) for row in np.flatnonzero(left).tolist()}
        if unmet != dict(self.matching.unmet):
            _lie("UNMET", "what is unmet is not what the assignments leave")
        return left, self.supply - np.array(used, dtype=np.int64)

    def _totals(self, left: Ints) -> None:
        totals: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for need, over in zip(self.needs, left.tolist(), strict=True):
            row = totals[need.category, need.item, need.unit]
            row[0] += 1
            row[1] += over == 0
            row[2] += need.quantity
            row[3] += need.quantity - over
        claimed = [
            ((c.category, c.item, c.unit), [c.demands, c.demands_met, c.asked, c.served])
            for c in self.matching.coverage
        ]
        offered = sum(lot.quantity for lot in self.lots)
        if claimed != sorted(totals.items()) or (self.matching.supplies, self.matching.offered) != (
            len(self.lots),
            offered,
        ):
            _lie("TOTALS", "the totals are not those of the needs, the lots and the assignments")

    def _certificate(self, left: Ints, unused: Ints) -> tuple[Ints, Ints]:
        """The potentials, once they fit the nodes."""
        proof = self.matching.certificate
        if proof.demand_ids != tuple(n.id for n in self.needs) or proof.supply_ids != tuple(s.id for s in self.lots):
            _lie("CERTIFICATE", "the certificate is for other needs or lots")
        sizes = (len(self.levels), len(self.needs)), (len(self.levels), len(self.lots))
        u, v = proof.u, proof.v
        if any(
            size != array.shape and not size[1] == array.size == 0 for size, array in zip(sizes, (u, v), strict=True)
        ):
            _lie("CERTIFICATE", "the certificate has other levels")
        u, v = u.reshape(sizes[0]), v.reshape(sizes[1])
        unmet = np.array([[level.unmet_cost(n) for n in self.needs] for level in self.levels], dtype=np.int64)
        row = node_fault(unmet.reshape(sizes[0]) - u, left > 0)
        if row is not None:
            _lie("UNPROVEN", f"the potential of need {self.needs[row].id!r} proves nothing")
        row = node_fault(-v, unused > 0)
        if row is not None:
            _lie("UNPROVEN", f"the potential of lot {self.lots[row].id!r} proves nothing")
        return u, v

    def _level_values(self, left: Ints, u: Ints, v: Ints) -> None:
        if [level.name for level in self.levels] != [level.name for level in self.matching.levels]:
            _lie("LEVEL", "the levels are not the policy's")
        for row, (level, claimed) in enumerate(zip(self.levels, self.matching.levels, strict=True)):
            cost = sum(level.unmet_cost(n) * over for n, over in zip(self.needs, left.tolist(), strict=True))
            if level.metric:
                cost += sum(a.quantity * a.cost for a in self.matching.assignments)
            bound = dot(self.demand, u[row]) + dot(self.supply, v[row])
            if level.counts_served:
                asked = sum(level.unmet_cost(n) * n.quantity for n in self.needs)
                cost, bound = asked - cost, asked - bound
            if (claimed.value, claimed.bound) != (cost, bound):
                _lie(
                    "LEVEL", f"level {level.name!r} is {cost} with bound {bound}, not {claimed.value}, {claimed.bound}"
                )
            sense = "max" if level.counts_served else "min"
            if bound != cost or (claimed.gap, claimed.sense, claimed.unit) != (0, sense, level.unit):
                _lie("LEVEL", f"level {level.name!r}: gap, sense or unit is another")

    def _pairs_of_assignments(self, i: Ints, j: Ints, u: Ints, v: Ints) -> None:
        """Each assignment costs what it says, lies within reach, and is tight at every level."""
        pairs = _Pairs(i, j, self._listed_costs())
        costs = self._cost(pairs)
        tight = self._sign(pairs, u, v) == 0
        for a, cost, reach, is_tight in zip(
            self.matching.assignments, costs.tolist(), self.reach[j].tolist(), tight.tolist(), strict=True
        ):
            if (a.cost, a.metres) != (cost, cost if self.problem.cost_unit == METRE else None):
                _lie("COST", f"{_of(a)}: a unit costs {cost}, not {a.cost}")
            if cost > reach:
                _lie("ELIGIBILITY", f"{_of(a)}: {cost} metres are out of reach")
            if not is_tight:
                _lie("UNPROVEN", f"{_of(a)}: the potentials do not prove that it belongs in an optimum")

    def _listed_costs(self) -> Ints | None:
        """Cost of each assignment in the table of pairs, if there is one."""
        if self.problem.pairs is None:
            return None
        listed = self.problem.pairs.costs
        for a in self.matching.assignments:
            if (a.demand_id, a.supply_id) not in listed:
                _lie("ELIGIBILITY", f"{_of(a)}: not among the pairs that may be")
        return np.array([listed[a.demand_id, a.supply_id] for a in self.matching.assignments], dtype=np.int64)

    def _every_pair(self, user: Ints, using: Ints, left: Ints, unused: Ints, u: Ints, v: Ints) -> dict[str, str]:
        """Look at every pair that could meet; give the reasons of what is unmet."""
        rank = np.array([self.policy.categories.index(need.category) for need in self.needs], dtype=np.int64)
        lowest = np.full(len(self.lots), -1, dtype=np.int64)
        np.maximum.at(lowest, using, rank[user])
        reached = np.zeros(len(self.needs), dtype=np.bool_)
        for pairs in self._pairs_that_could_meet():
            # only what a price lets through, or a demand still wants, is put to the rules
            wanted = left[pairs.i] > 0
            better = self._sign(pairs, u, v) < 0
            pick = np.flatnonzero(better | wanted)
            pick = pick[self._allowed(pairs.i[pick], pairs.j[pick])]
            some = pairs.part(pick)
            near = self._cost(some) <= self.reach[some.j]
            pick, some = pick[near], some.part(near)
            self._no_lie("UNPROVEN", better[pick], some, "would make the matching better by its price")
            self._no_lie("IDLE", wanted[pick] & (unused[some.j] > 0), some, "is idle while the need wants it")
            envied = wanted[pick] & (lowest[some.j] > rank[some.i])
            self._no_lie("ENVY", envied, some, "serves a lower category while the need wants it")
            reached[some.i[wanted[pick]]] = True
        return {self.needs[row].id: self._reason(row, reached) for row in np.flatnonzero(left).tolist()}

    def _reason(self, row: int, reached: Bools) -> str:
        if reached[row]:
            return "USED_UP"
        columns = np.array(self._same_kind(self.needs[row]), dtype=np.int64)
        if not columns.size:
            return "NO_LOT"
        return "OUT_OF_REACH" if self._allowed(np.full(len(columns), row), columns).any() else "NO_LOT_ALLOWED"

    def _no_lie(self, code: str, found: Bools, pairs: _Pairs, what: str) -> None:
        if found.any():
            first = int(np.flatnonzero(found)[0])
            need, lot = self.needs[pairs.i[first]], self.lots[pairs.j[first]]
            _lie(code, f"need {need.id!r}, lot {lot.id!r}: the lot {what}")

    def _same_kind(self, need: Need) -> Sequence[int]:
        return self._lots_of_kind.get((need.item, need.unit), ())

    @cached_property
    def _lots_of_kind(self) -> Mapping[tuple[str, str], list[int]]:
        columns: dict[tuple[str, str], list[int]] = defaultdict(list)
        for column, lot in enumerate(self.lots):
            columns[lot.item, lot.unit].append(column)
        return columns

    def _pairs_that_could_meet(self) -> Iterator[_Pairs]:
        """Every need with every lot of its item and unit, or with those it is listed with."""
        if self.problem.pairs is not None:
            yield from self._listed_pairs(self.problem.pairs.costs)
            return
        rows: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row, need in enumerate(self.needs):
            rows[need.item, need.unit].append(row)
        for kind, same in rows.items():
            i, j = np.array(same, dtype=np.int64), np.array(self._lots_of_kind.get(kind, []), dtype=np.int64)
            step = max(1, _BLOCK // max(1, len(j)))
            for start in range(0, len(i), step):
                some = i[start : start + step]
                yield _Pairs(np.repeat(some, len(j)), np.tile(j, len(some)), None)

    def _listed_pairs(self, costs: Mapping[tuple[str, str], int]) -> Iterator[_Pairs]:
        need_row = {need.id: row for row, need in enumerate(self.needs)}
        lot_row = {lot.id: row for row, lot in enumerate(self.lots)}
        kind_of_need = [(need.item, need.unit) for need in self.needs]
        kind_of_lot = [(lot.item, lot.unit) for lot in self.lots]
        known = (
            (need_row[demand_id], lot_row[supply_id], cost)
            for (demand_id, supply_id), cost in costs.items()
            if demand_id in need_row and supply_id in lot_row
        )
        rows = [row for row in known if kind_of_need[row[0]] == kind_of_lot[row[1]]]
        i, j, cost = np.array(rows, dtype=np.int64).reshape(-1, 3).T
        yield _Pairs(i, j, cost)

    def _sign(self, pairs: _Pairs, u: Ints, v: Ints) -> Ints:
        """Sign of each pair's reduced costs; distances are measured only where the levels above leave it open."""
        sign = np.zeros(len(pairs.i), dtype=np.int64)
        for row, level in enumerate(self.levels):
            open_ = np.flatnonzero(sign == 0)
            some = pairs.part(open_)
            cost = self._cost(some) if level.metric else 0
            sign[open_] = np.sign(cost - u[row, some.i] - v[row, some.j])
        return sign

    def _allowed(self, i: Ints, j: Ints) -> Bools:
        """Ask every rule, in its scalar form, once for each combination of labels that occurs."""
        allowed = np.ones(len(i), dtype=np.bool_)
        for rule, (of_demand, of_supply) in zip(self.rules, self.labels, strict=True):
            combined = of_demand[i] * (int(of_supply.max(initial=0)) + 1) + of_supply[j]
            _, first, kind = np.unique(combined, return_index=True, return_inverse=True)
            reasons = [rule.reason(self.needs[i[pair]], self.lots[j[pair]]) for pair in first.tolist()]
            allowed &= np.array([reason is None for reason in reasons], dtype=np.bool_)[kind]
        return allowed

    def _cost(self, pairs: _Pairs) -> Ints:
        if pairs.cost is not None:
            return pairs.cost
        # pairs are without costs only where there is a distance to measure them
        distance = cast("Distance", self.distance)
        return measure(distance, self.lot_places[pairs.j], self.need_places[pairs.i])


def _compact(labels: Ints) -> Ints:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _of(a: Assignment) -> str:
    return f"assignment of lot {a.supply_id!r} to need {a.demand_id!r}"
