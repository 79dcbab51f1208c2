"""The independent check of a matching against its problem, from first principles.

Nothing here comes from formulation, engine or solvers. With them it shares the
records and who of them takes part, the policy, the definitions of the levels,
and whatever is plugged in: rules are asked in their scalar form, distances as
they are. A level has a scalar form, which gives its value here, and one for
arrays, which prices pairs; on every assignment the two must agree. The optimum
is
proven by the certificate (see `certificate`) over every pair of records that
could meet, enumerated here in blocks of bounded size. What people have pinned
is taken off both sides first: the proof is about what was left to decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, NoReturn, cast

import numpy as np

from aidmatch.arrays import SAFE, Bools, Ints
from aidmatch.certificate import node_fault
from aidmatch.distance.pair_table import METRE
from aidmatch.distance.protocol import DISTANCES, Distance, distance_named, measure
from aidmatch.errors import VerificationError
from aidmatch.integer_check import Decided, check_rows, proven_gaps
from aidmatch.levels import LevelDefinition, level_definitions
from aidmatch.matching import Assignment, Matching, Status
from aidmatch.pair_costs import CostOfPairs
from aidmatch.place import Places
from aidmatch.policy import Policy
from aidmatch.problem.problem import Admission, Problem
from aidmatch.rules.protocol import Rule, labels_of, reason_of, rules_named

__all__ = ["verify"]

#: Pairs looked at in one go.
_BLOCK: Final = 1_000_000


def verify(
    problem: Problem, matching: Matching, *, policy: Policy | None = None, distance: Distance | str | None = None
) -> None:
    """Recompute everything a matching claims.

    Checked are the inputs' digests; who takes part; every assignment's eligibility, cost and parties; decisions,
    capacities and quantities; what is unmet and why; the totals; every level's value and bound; where coverage comes
    first, that no unit lies idle, or serves a lower category, while an eligible demand of a higher one wants it; and by
    the certificate, in exact integers, that no matching is better at any level. Not checked is what cannot be
    recomputed: `reports` and `solving`.

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
        The distance it was made with, if that is not a plug-in that can be found by the name in the matching.

    Raises
    ------
    VerificationError
        At the first lie, naming it.
    PolicyError, PluginError, ProblemError, RowsError
        If the matching's policy does not fit the problem, or a plug-in is missing.
    """
    if policy is not None and policy.digest != matching.policy.digest:
        _lie("OTHER_POLICY", "the matching was made under another policy")
    _Check(problem, matching, distance).run()


def _lie(code: str, message: str) -> NoReturn:
    raise VerificationError(message, code=code)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Some pairs: rows of their demands and supplies, and their costs where these are listed."""

    i: Ints
    j: Ints
    cost: Ints | None

    def part(self, index: Ints | Bools) -> _Pairs:
        return _Pairs(self.i[index], self.j[index], None if self.cost is None else self.cost[index])


@dataclass(frozen=True, slots=True)
class _Answer:
    """The matching as arrays: pairs with the units decided and pinned, what is left over, what is unused."""

    pairs: _Pairs
    decided: Ints
    pinned: Ints
    left: Ints
    unused: Ints


class _Check:
    def __init__(self, problem: Problem, matching: Matching, distance: Distance | str | None) -> None:
        self.problem, self.matching = problem, matching
        self.policy = matching.policy
        if matching.inputs != problem.digests() or matching.as_of != problem.as_of:
            _lie("OTHER_INPUT", "the matching was made from other inputs, or for another day")
        if matching.cost_unit != problem.cost_unit:
            _lie("OTHER_INPUT", f"costs are in {problem.cost_unit!r}, not {matching.cost_unit!r}")
        self.distance = self._the_distance(distance)
        problem.check_policy(self.policy)
        self.levels: tuple[LevelDefinition, ...] = level_definitions(self.policy, problem)
        self.rules: list[Rule] = rules_named(self.policy.rules)
        self.admission: Admission = problem.admission()
        self.demands: Sequence[Any] = self.admission.demands
        self.supplies: Sequence[Any] = self.admission.supplies
        self.demand_row = {demand.id: row for row, demand in enumerate(self.demands)}
        self.supply_row = {supply.id: row for row, supply in enumerate(self.supplies)}
        self.asked = np.array([problem.demand_side.units(d) for d in self.demands], dtype=np.int64)
        self.offered = np.array([problem.supply_side.units(s) for s in self.supplies], dtype=np.int64)
        self.item_of_demand = [problem.demand_side.item(d) for d in self.demands]
        self.item_of_supply = [problem.supply_side.item(s) for s in self.supplies]
        reach = problem.reach(self.policy)
        self.reach = np.array([reach(supply) for supply in self.supplies], dtype=np.int64)
        self.labels = [
            (_compact(of_demand), _compact(of_supply))
            for of_demand, of_supply in (labels_of(rule, self.demands, self.supplies) for rule in self.rules)
        ]
        # demands of one item that are the same to every rule are asked about once
        self._allowed_of_kind: dict[tuple[object, ...], list[int] | None] = {}
        if self.distance is not None:
            self.demand_places = Places(demand.place for demand in self.demands)
            self.supply_places = Places(supply.place for supply in self.supplies)

    def _the_distance(self, given: Distance | str | None) -> Distance | None:
        named = self.matching.distance
        if self.problem.pairs is not None:
            if named is not None:
                _lie("OTHER_INPUT", "the problem brings its costs, but the matching names a distance")
            return None
        if named is None or (given is None and named not in DISTANCES.names()):
            _lie("OTHER_INPUT", f"made with distance {named!r}, which is no plug-in here; pass it as distance=")
        distance = distance_named(named if given is None else given)
        if distance.name != named:
            _lie("OTHER_INPUT", f"made with distance {named!r}, checked with {distance.name!r}")
        if getattr(distance, "needs_points", True):
            self.problem.check_points()
        return distance

    def run(self) -> None:
        if dict(self.matching.closed_demands) != dict(self.admission.closed_demands):
            _lie("ADMISSION", "the demands that did not take part, or their reasons, are others")
        if dict(self.matching.closed_supplies) != dict(self.admission.closed_supplies):
            _lie("ADMISSION", "the supplies that did not take part, or their reasons, are others")
        answer = self._answer()
        ended = self.problem.pairs_ended((a.demand_id, a.supply_id) for a in self.matching.assignments)
        if self.policy.max_pairs_changed is not None and ended > self.policy.max_pairs_changed:
            _lie("LIMIT", f"{ended} pairs in force are ended; at most {self.policy.max_pairs_changed} may be")
        self._totals(answer)
        assignments = self.matching.assignments
        ends = zip(answer.pairs.i.tolist(), answer.pairs.j.tolist(), strict=True)
        sent = [
            (self.demands[i], self.supplies[j], a.quantity, a.pinned, a.cost)
            for a, (i, j) in zip(assignments, ends, strict=True)
        ]
        check_rows(self.problem, self.policy, sent)
        values = self._level_values(answer)
        if self.matching.integer is None:
            self._gaps(values, [0] * len(values), "potentials")
            u, v = self._certificate(answer)
            self._tight(answer, u, v)
            reasons = self._every_pair(answer, u, v)
        else:
            gaps = proven_gaps(self.problem, self.policy, self.levels, self._decided(answer), self.matching.integer)
            self._gaps(values, gaps, "multipliers")
            nothing = np.zeros((len(self.levels), max(len(self.demands), len(self.supplies))), dtype=np.int64)
            reasons = self._every_pair(answer, nothing, nothing)
        if reasons != dict(self.matching.reasons):
            _lie("REASONS", "the reasons of what is unmet are others")
        if self.matching.status is not self._status():
            _lie("STATUS", f"status {self.matching.status!r} is not what the levels prove")

    def _status(self) -> Status:
        """What the levels, once they are checked, make of the whole."""
        if all(level.gap == 0 for level in self.matching.levels):
            return Status.OPTIMAL
        if all(level.gap == 0 or level.claimed_bound == level.value for level in self.matching.levels):
            return Status.OPTIMAL_CLAIMED
        return Status.FEASIBLE

    def _gaps(self, values: Sequence[int], gaps: Sequence[int], proof: str) -> None:
        """Every level's value, bound and gap, and what the solver claims of it, which stays a claim."""
        for level, claimed, value, gap in zip(self.levels, self.matching.levels, values, gaps, strict=True):
            sign = 1 if level.sense == "max" else -1
            if (claimed.value, claimed.bound, claimed.gap) != (value, value + sign * gap, gap):
                left = "" if proof == "potentials" else f", and the proof leaves {gap}"
                _lie("LEVEL", f"level {level.name!r} is {value}, not {claimed.value} with bound {claimed.bound}{left}")
            word = claimed.claimed_bound
            if (word is None) != (gap == 0) or (word is not None and not 0 <= (word - value) * sign <= gap):
                _lie("LEVEL", f"level {level.name!r}: a claim that is none")
            how = "claimed" if gap and word == value else proof
            if (claimed.sense, claimed.unit, claimed.proof) != (level.sense, level.unit, how):
                _lie("LEVEL", f"level {level.name!r}: sense, unit or proof is another")

    def _decided(self, answer: _Answer) -> Decided:
        """The matching over every eligible pair."""
        found = []
        # pairs at their limit are decided, too; only those that are pinned to it are not
        pinned = answer.pinned > 0
        full = pinned if self.problem.pair_limit is not None else np.zeros(len(pinned), dtype=np.bool_)
        closed = [(self.demand_row.get(d, -1), self.supply_row.get(s, -1)) for d, s in self.admission.forbidden]
        i, j = np.array([pair for pair in closed if min(pair) >= 0], dtype=np.int64).reshape(-1, 2).T
        i, j = np.concatenate([i, answer.pairs.i[full]]), np.concatenate([j, answer.pairs.j[full]])
        width = max(len(self.supplies), 1)
        for pairs in self._pairs_that_could_meet():
            some = pairs.part(~np.isin(pairs.i * width + pairs.j, i * width + j))
            some = some.part(self._allowed(some.i, some.j))
            cost = self._cost(some)
            near = cost <= self.reach[some.j]
            found.append(np.stack([some.i[near], some.j[near], cost[near]]))
        rows, columns, metric = np.concatenate([np.zeros((3, 0), dtype=np.int64), *found], axis=1)
        order = np.lexsort((columns, rows))
        rows, columns, metric = rows[order], columns[order], metric[order]
        units = np.zeros(len(rows), dtype=np.int64)
        moves = answer.decided > 0
        keys = answer.pairs.i[moves] * width + answer.pairs.j[moves]
        at = np.searchsorted(rows * width + columns, keys)
        if (at >= len(rows)).any() or ((rows * width + columns)[np.minimum(at, len(rows) - 1)] != keys).any():
            _lie("ELIGIBILITY", "an assignment is among no eligible pairs")
        units[at] = answer.decided[moves]
        paid = np.array([a.cost for a in self.matching.assignments], dtype=np.int64)
        taken = [np.zeros(len(side), dtype=np.int64) for side in (self.demands, self.supplies)]
        for of, ends in zip(taken, (answer.pairs.i, answer.pairs.j), strict=True):
            np.add.at(of, ends, answer.pinned)
        return Decided(
            rows,
            columns,
            metric,
            units,
            answer.pairs.i[pinned],
            answer.pairs.j[pinned],
            answer.pinned[pinned],
            paid[pinned],
            tuple(
                np.zeros(len(rows), dtype=np.int64) if level is None else level.of(rows, columns, metric)
                for level in self._pair_costs
            ),
            self.asked - taken[0],
            self.offered - taken[1],
        )

    def _answer(self) -> _Answer:
        """The assignments as arrays, once each is known to be one and no quantity is broken."""
        keys = [(a.demand_id, a.supply_id) for a in self.matching.assignments]
        if any(one >= other for one, other in pairwise(keys)):
            _lie("ASSIGNMENT", "assignments are not sorted, or a pair comes twice")
        limit = self.problem.pair_limit
        served, used = [0] * len(self.demands), [0] * len(self.supplies)
        rows = []
        for a in self.matching.assignments:
            if a.demand_id not in self.demand_row or a.supply_id not in self.supply_row:
                _lie("ASSIGNMENT", f"{_of(a)}: one of them does not take part")
            i, j = self.demand_row[a.demand_id], self.supply_row[a.supply_id]
            if type(a.quantity) is not int or type(a.pinned) is not int:
                _lie("QUANTITY", f"{_of(a)}: a quantity is a whole number")
            self._parties(a, i, j)
            most = min(int(self.asked[i]), int(self.offered[j]), a.quantity if limit is None else limit)
            fixed = self.admission.pins.get((a.demand_id, a.supply_id), 0)
            if not 1 <= a.quantity <= most or not a.pinned == fixed <= a.quantity:
                _lie("QUANTITY", f"{_of(a)}: quantity {a.quantity}, {a.pinned} of it pinned, {fixed} by decisions")
            served[i] += a.quantity
            used[j] += a.quantity
            rows.append((i, j, a.quantity - a.pinned, a.pinned))
        for demand_id, supply_id in sorted(self.admission.pins.keys() - set(keys)):
            _lie("PIN", f"the pin of demand {demand_id!r} to supply {supply_id!r} is not honoured")
        for records, given, quantity in ((self.demands, served, self.asked), (self.supplies, used, self.offered)):
            for record, units, most in zip(records, given, quantity.tolist(), strict=True):
                if units > most:
                    _lie("CAPACITY", f"{record.id!r} has {units} of {most}")
        left = self.asked - np.array(served, dtype=np.int64)
        unmet = {self.demands[row].id: int(left[row]) for row in np.flatnonzero(left).tolist()}
        if unmet != dict(self.matching.unmet):
            _lie("UNMET", "what is unmet is not what the assignments leave")
        columns: Ints = np.array(rows, dtype=np.int64).reshape(-1, 4).T
        decided, pinned = columns[2:]
        pairs = _Pairs(columns[0], columns[1], self._listed_costs())
        self._costs(pairs, decided)
        return _Answer(pairs, decided, pinned, left, self.offered - np.array(used, dtype=np.int64))

    def _parties(self, a: Assignment, i: int, j: int) -> None:
        """The two sides of an assignment may meet, and are who it says."""
        demand, supply = self.demands[i], self.supplies[j]
        if self.item_of_demand[i] != self.item_of_supply[j]:
            _lie("ELIGIBILITY", f"{_of(a)}: other items, or other units")
        if (a.item, a.household_id, a.giver_id) != (self.item_of_demand[i][0], *self.problem.owners(demand, supply)):
            _lie("ASSIGNMENT", f"{_of(a)}: item, household or giver is another")
        if (demand.id, supply.id) in self.admission.forbidden:
            _lie("FORBIDDEN", f"{_of(a)}: a decision forbids it")
        if a.quantity > a.pinned:
            for rule in self.rules:
                if (reason := reason_of(rule, demand, supply)) is not None:
                    _lie("ELIGIBILITY", f"{_of(a)}: {reason}")

    def _listed_costs(self) -> Ints | None:
        """Cost of each assignment in the table of pairs, if there is one."""
        if self.problem.pairs is None:
            return None
        eligible, listed = self.problem.pairs.costs, self.problem.pairs.all_costs
        for a in self.matching.assignments:
            pair = a.demand_id, a.supply_id
            if pair not in listed or (a.quantity > a.pinned and pair not in eligible):
                _lie("ELIGIBILITY", f"{_of(a)}: not among the pairs that may be")
        return np.array([listed[a.demand_id, a.supply_id] for a in self.matching.assignments], dtype=np.int64)

    def _costs(self, pairs: _Pairs, decided: Ints) -> None:
        """Each assignment costs what it says, and lies within reach unless it is pinned."""
        costs, reach = self._cost(pairs).tolist(), self.reach[pairs.j].tolist()
        for a, cost, most, units in zip(self.matching.assignments, costs, reach, decided.tolist(), strict=True):
            if (a.cost, a.metres) != (cost, cost if self.problem.cost_unit == METRE else None):
                _lie("COST", f"{_of(a)}: a unit costs {cost}, not {a.cost}")
            if units and cost > most:
                _lie("ELIGIBILITY", f"{_of(a)}: {cost} metres are out of reach")

    def _totals(self, answer: _Answer) -> None:
        totals: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for demand, item, asked, over in zip(
            self.demands, self.item_of_demand, self.asked.tolist(), answer.left.tolist(), strict=True
        ):
            row = totals[(demand.category, *item)]
            row[0] += 1
            row[1] += over == 0
            row[2] += asked
            row[3] += asked - over
        claimed = [
            ((c.category, c.item, c.unit), [c.demands, c.demands_met, c.asked, c.served])
            for c in self.matching.coverage
        ]
        supplies = len(self.supplies), sum(self.offered.tolist())
        if claimed != sorted(totals.items()) or (self.matching.supplies, self.matching.offered) != supplies:
            _lie("TOTALS", "the totals are not those of the demands, the supplies and the assignments")

    def _level_values(self, answer: _Answer) -> list[int]:
        """Every level by its scalar form, pinned units counted in."""
        load_of = self.problem.load(self.policy)
        units, loads = [0] * len(self.supplies), [0] * len(self.supplies)
        for a, i, j in zip(self.matching.assignments, answer.pairs.i.tolist(), answer.pairs.j.tolist(), strict=True):
            units[j] += a.quantity
            loads[j] += a.quantity * load_of(self.demands[i], self.supplies[j], a.cost)
        values = []
        if [level.name for level in self.levels] != [level.name for level in self.matching.levels]:
            _lie("LEVEL", "the levels are not the policy's")
        ends = list(zip(answer.pairs.i.tolist(), answer.pairs.j.tolist(), strict=True))
        paid = np.array([a.cost for a in self.matching.assignments], dtype=np.int64)
        for level, arrays in zip(self.levels, self._pair_costs, strict=True):
            value = sum(level.unmet_cost(d) * over for d, over in zip(self.demands, answer.left.tolist(), strict=True))
            if level.pair_cost is not None and arrays is not None:
                costs = [
                    level.pair_cost(self.demands[i], self.supplies[j], cost)
                    for (i, j), cost in zip(ends, paid.tolist(), strict=True)
                ]
                if costs != arrays.of(answer.pairs.i, answer.pairs.j, paid).tolist():
                    _lie("LEVEL", f"level {level.name!r}: its two forms do not agree, so that nothing can be proven")
                value += sum(a.quantity * cost for a, cost in zip(self.matching.assignments, costs, strict=True))
            if level.sense == "max":
                asked = self.asked.tolist()
                value = sum(level.unmet_cost(d) * q for d, q in zip(self.demands, asked, strict=True)) - value
            if level.supply_cost is not None:
                if self.matching.integer is None:
                    _lie("LEVEL", f"level {level.name!r} is not proven by potentials")
                of_supplies = list(map(level.supply_cost, self.supplies, units, loads))
                value += max(of_supplies, default=0) if level.largest else sum(of_supplies)
            values.append(value)
        return values

    def _certificate(self, answer: _Answer) -> tuple[Ints, Ints]:
        """The potentials, once they fit the nodes."""
        proof = self.matching.certificate
        if (proof.demand_ids, proof.supply_ids) != (tuple(self.demand_row), tuple(self.supply_row)):
            _lie("CERTIFICATE", "the certificate is for other demands or supplies")
        sizes = (len(self.levels), len(self.demands)), (len(self.levels), len(self.supplies))
        for size, array in zip(sizes, (proof.u, proof.v), strict=True):
            if size != array.shape and not size[1] == array.size == 0:
                _lie("CERTIFICATE", "the certificate has other levels")
            if array.dtype != np.int64 or (array.size and not -SAFE <= int(array.min()) <= int(array.max()) <= SAFE):
                _lie("CERTIFICATE", "the certificate has potentials that cannot be added up exactly")
        u, v = proof.u.reshape(sizes[0]), proof.v.reshape(sizes[1])
        unmet = np.array([[level.unmet_cost(d) for d in self.demands] for level in self.levels], dtype=np.int64)
        row = node_fault(unmet.reshape(sizes[0]) - u, answer.left > 0)
        if row is not None:
            _lie("UNPROVEN", f"the potential of demand {self.demands[row].id!r} proves nothing")
        row = node_fault(-v, answer.unused > 0)
        if row is not None:
            _lie("UNPROVEN", f"the potential of supply {self.supplies[row].id!r} proves nothing")
        return u, v

    def _tight(self, answer: _Answer, u: Ints, v: Ints) -> None:
        """Each pair that was decided on is worth its price: lexicographically ≤ 0, and = 0 below its limit."""
        sign = self._sign(answer.pairs, u, v)
        free = answer.decided != (-1 if self.problem.pair_limit is None else self.problem.pair_limit)
        for a, units, bad in zip(
            self.matching.assignments, answer.decided.tolist(), ((sign > 0) | (free & (sign < 0))).tolist(), strict=True
        ):
            if units and bad:
                _lie("UNPROVEN", f"{_of(a)}: the potentials do not prove that it belongs in an optimum")

    def _every_pair(self, answer: _Answer, u: Ints, v: Ints) -> dict[str, str]:
        """Look at every pair that could take more; give the reasons of what is unmet."""
        rank = np.array([self.policy.categories.index(demand.category) for demand in self.demands], dtype=np.int64)
        lowest = np.full(len(self.supplies), -1, dtype=np.int64)
        moves = answer.decided > 0
        np.maximum.at(lowest, answer.pairs.j[moves], rank[answer.pairs.i[moves]])
        integers = self.matching.integer is not None
        coverage_first = self.policy.levels[0] == "coverage" and not integers
        some_left = np.zeros(len(self.demands), dtype=np.bool_)
        could_take = np.zeros(len(self.demands), dtype=np.bool_)
        for pairs in self._pairs_that_could_take_more(answer):
            # only what a price lets through, or a demand still wants, is put to the rules
            wanted = answer.left[pairs.i] > 0
            better = np.zeros(len(pairs.i), dtype=np.bool_) if integers else self._sign(pairs, u, v) < 0
            pick = np.flatnonzero(better | wanted)
            pick = pick[self._allowed(pairs.i[pick], pairs.j[pick])]
            some = pairs.part(pick)
            near = self._cost(some) <= self.reach[some.j]
            pick, some = pick[near], some.part(near)
            self._no_lie("UNPROVEN", better[pick], some, "would make the matching better by its price")
            if coverage_first:
                idle = wanted[pick] & (answer.unused[some.j] > 0)
                self._no_lie("IDLE", idle, some, "is idle while the demand wants it")
                envied = wanted[pick] & (lowest[some.j] > rank[some.i])
                self._no_lie("ENVY", envied, some, "serves a lower category while the demand wants it")
            could_take[some.i[wanted[pick]]] = True
            some_left[some.i[wanted[pick] & (answer.unused[some.j] > 0)]] = True
        served = set(answer.pairs.i[(answer.decided > 0) | self._eligible(answer.pairs)].tolist())
        return {
            self.demands[row].id: (
                "DOES_NOT_FIT"
                if integers and some_left[row]
                else self._reason(row, bool(could_take[row]), row in served)
            )
            for row in np.flatnonzero(answer.left).tolist()
        }

    def _eligible(self, pairs: _Pairs) -> Bools:
        """Whether the rules, the reach and the table of pairs allow the assignments, decided or not."""
        allowed = self._allowed(pairs.i, pairs.j) & (self._cost(pairs) <= self.reach[pairs.j])
        if self.problem.pairs is None:
            return allowed
        listed = self.problem.pairs.costs
        in_table = [(a.demand_id, a.supply_id) in listed for a in self.matching.assignments]
        return allowed & np.array(in_table, dtype=np.bool_)

    def _reason(self, row: int, could_take: bool, served: bool) -> str:
        if could_take:
            return "USED_UP"
        if served and self.problem.pair_limit is not None:
            return "ONE_EACH"
        allowed = self._allowed_supplies(row)
        if allowed is None:
            return "NO_SUPPLY"
        id_ = self.demands[row].id
        if all((id_, self.supplies[column].id) in self.admission.forbidden for column in allowed):
            return "NOT_ALLOWED"
        return "OUT_OF_REACH"

    def _allowed_supplies(self, row: int) -> list[int] | None:
        """Supplies of a demand's item that the rules allow it; None if nobody has the item."""
        kind = (*self.item_of_demand[row], *(int(of_demand[row]) for of_demand, _ in self.labels))
        if kind not in self._allowed_of_kind:
            columns = np.array(self._supplies_of_item.get(self.item_of_demand[row], ()), dtype=np.int64)
            allowed = columns[self._allowed(np.full(len(columns), row), columns)].tolist()
            self._allowed_of_kind[kind] = allowed if columns.size else None
        return self._allowed_of_kind[kind]

    def _no_lie(self, code: str, found: Bools, pairs: _Pairs, what: str) -> None:
        if found.any():
            first = int(np.flatnonzero(found)[0])
            demand, supply = self.demands[pairs.i[first]], self.supplies[pairs.j[first]]
            _lie(code, f"demand {demand.id!r}, supply {supply.id!r}: the supply {what}")

    @cached_property
    def _supplies_of_item(self) -> Mapping[tuple[str, str], list[int]]:
        columns: dict[tuple[str, str], list[int]] = defaultdict(list)
        for column, item in enumerate(self.item_of_supply):
            columns[item].append(column)
        return columns

    def _pairs_that_could_take_more(self, answer: _Answer) -> Iterator[_Pairs]:
        """Every demand with every supply of its item and unit, but pairs that are forbidden or at their limit."""
        closed = [(self.demand_row.get(d, -1), self.supply_row.get(s, -1)) for d, s in self.admission.forbidden]
        i, j = np.array([pair for pair in closed if min(pair) >= 0], dtype=np.int64).reshape(-1, 2).T
        if self.problem.pair_limit is not None:
            full = answer.decided + answer.pinned >= self.problem.pair_limit
            i, j = np.concatenate([i, answer.pairs.i[full]]), np.concatenate([j, answer.pairs.j[full]])
        width = len(self.supplies)
        never = i * width + j
        for pairs in self._pairs_that_could_meet():
            yield pairs if not never.size else pairs.part(~np.isin(pairs.i * width + pairs.j, never))

    def _pairs_that_could_meet(self) -> Iterator[_Pairs]:
        """Every demand with every supply of its item and unit, or with those it is listed with."""
        if self.problem.pairs is not None:
            yield self._listed_pairs(self.problem.pairs.costs)
            return
        rows: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row, item in enumerate(self.item_of_demand):
            rows[item].append(row)
        for item, same in rows.items():
            i, j = np.array(same, dtype=np.int64), np.array(self._supplies_of_item.get(item, ()), dtype=np.int64)
            step = max(1, _BLOCK // max(1, len(j)))
            for start in range(0, len(i), step):
                some = i[start : start + step]
                yield _Pairs(np.repeat(some, len(j)), np.tile(j, len(some)), None)

    def _listed_pairs(self, costs: Mapping[tuple[str, str], int]) -> _Pairs:
        known = (
            (self.demand_row[demand_id], self.supply_row[supply_id], cost)
            for (demand_id, supply_id), cost in costs.items()
            if demand_id in self.demand_row and supply_id in self.supply_row
        )
        rows = [row for row in known if self.item_of_demand[row[0]] == self.item_of_supply[row[1]]]
        return _Pairs(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)

    @cached_property
    def _pair_costs(self) -> list[CostOfPairs | None]:
        return [None if level.bind is None else level.bind(self.demands, self.supplies) for level in self.levels]

    def _sign(self, pairs: _Pairs, u: Ints, v: Ints) -> Ints:
        """Sign of each pair's reduced costs; distances are measured only where the levels above leave it open."""
        sign = np.zeros(len(pairs.i), dtype=np.int64)
        for row, level in enumerate(self._pair_costs):
            if level is None and not (u[row].any() or v[row].any()):
                continue
            tied = np.flatnonzero(sign == 0)
            some = pairs.part(tied)
            reduced = -u[row, some.i] - v[row, some.j]
            if level is not None:
                reduced += level.of(some.i, some.j, self._cost(some) if level.needs_metric else some.i)
            sign[tied] = np.sign(reduced)
        return sign

    def _allowed(self, i: Ints, j: Ints) -> Bools:
        """Ask every rule, in its scalar form, once for each combination of labels that occurs."""
        allowed = np.ones(len(i), dtype=np.bool_)
        for rule, (of_demand, of_supply) in zip(self.rules, self.labels, strict=True):
            combined = of_demand[i] * (int(of_supply.max(initial=0)) + 1) + of_supply[j]
            _, first, kind = np.unique(combined, return_index=True, return_inverse=True)
            reasons = [reason_of(rule, self.demands[i[pair]], self.supplies[j[pair]]) for pair in first.tolist()]
            allowed &= np.array([reason is None for reason in reasons], dtype=np.bool_)[kind]
        return allowed

    def _cost(self, pairs: _Pairs) -> Ints:
        if pairs.cost is not None:
            return pairs.cost
        # pairs are without costs only where there is a distance to measure them
        distance = cast("Distance", self.distance)
        return measure(distance, self.supply_places[pairs.j], self.demand_places[pairs.i])


def _compact(labels: Ints) -> Ints:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _of(a: Assignment) -> str:
    return f"assignment of supply {a.supply_id!r} to demand {a.demand_id!r}"
