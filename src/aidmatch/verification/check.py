"""The independent check of a matching against its problem, from first principles.

Nothing here comes from formulation, engine or solvers. With them it shares the
records and who of them takes part, the policy, the definitions of the levels,
and whatever is plugged in: rules are asked in their scalar form, distances as
they are. A level has a scalar form, which gives its value here, and one for
arrays, which prices pairs; on every assignment the two must agree. The optimum
is proven by the certificate (see `certificate`) over every pair of records that
could meet: enumerated in blocks of bounded size, or, where records are many and
lie on the sphere, searched for those that could break it (see `search`). Either
way the same exact test of single pairs decides. What people have pinned is
taken off both sides first: the proof is about what was left to decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import repeat
from operator import attrgetter
from typing import Any, Final, NamedTuple, NoReturn, cast

import numpy as np

from aidmatch.arrays import SAFE, Bools, Ints, dot, numbered, rows_of
from aidmatch.certificate import node_fault
from aidmatch.distance.great_circle import GreatCircle
from aidmatch.distance.pair_table import METRE
from aidmatch.distance.protocol import (
    DISTANCES,
    UNREACHABLE,
    Distance,
    MetresTable,
    distance_named,
    measure,
    table_of_metres,
)
from aidmatch.errors import lie
from aidmatch.funding import Books
from aidmatch.integer_check import Decided, check_purchases, check_rows, proven_gaps
from aidmatch.levels import LevelDefinition, level_definitions
from aidmatch.matching import Matching, Status
from aidmatch.pair_costs import CostOfPairs, Listed, Metric
from aidmatch.place import Places
from aidmatch.policy import Policy
from aidmatch.problem.problem import Admission, Problem
from aidmatch.rules.protocol import Rule, labels_of, reason_of, reasons_of
from aidmatch.verification.assigned import Assigned
from aidmatch.verification.liars import compared, first_liar, signatures, somewhere
from aidmatch.verification.search import ANYWHERE, NOWHERE, Nodes, has_one

__all__ = ["verify"]

#: Pairs looked at in one go, and pairs of one item up to which all of them are looked at.
_BLOCK: Final = 1_000_000
_ENUMERATED: Final = 20_000


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
        lie("OTHER_POLICY", "the matching was made under another policy")
    _Check(problem, matching, distance).run()


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
    """The matching as arrays: pairs with units decided and pinned and a unit's cost, what is left over and unused."""

    pairs: _Pairs
    ends: tuple[list[Any], list[Any]]
    decided: Ints
    pinned: Ints
    paid: Ints
    left: Ints
    unused: Ints


@dataclass(frozen=True, slots=True)
class _Look:
    """What the test of single pairs goes by.

    `lowest` is the lowest category that a supply serves by decision of the matching, −1 for none, and one below all if
    something of it is unused; −1 throughout where coverage does not come first. `closed` are the keys of pairs that can
    take no more.
    """

    u: Ints
    v: Ints
    wanted: Bools
    rank: Ints
    lowest: Ints
    closed: Ints


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Levels by what they are to a search: those above the metric, its own row, those below if they are of nodes."""

    above: slice
    metric: int | None
    below: slice | None


class _Terms(NamedTuple):
    """Of pairs: whether they may meet, units of the smallest batch on either side, units in a kit, whether a part."""

    meet: Bools
    serves: Ints
    takes: Ints
    each: Ints
    of_kit: Bools


class _Check:
    def __init__(self, problem: Problem, matching: Matching, distance: Distance | str | None) -> None:
        self.problem, self.matching = problem, matching
        self.policy = matching.policy
        if matching.inputs != problem.digests() or matching.as_of != problem.as_of:
            lie("OTHER_INPUT", "the matching was made from other inputs, or for another day")
        if matching.cost_unit != problem.cost_unit:
            lie("OTHER_INPUT", f"costs are in {problem.cost_unit!r}, not {matching.cost_unit!r}")
        self.distance = self._the_distance(distance)
        problem.check_policy(self.policy)
        self.levels: tuple[LevelDefinition, ...] = level_definitions(self.policy, problem)
        self.rules: list[Rule] = problem.rules(self.policy)
        self.admission: Admission = problem.admission()
        self.demands: Sequence[Any] = self.admission.demands
        self.supplies: Sequence[Any] = self.admission.supplies
        self.demand_row = {demand.id: row for row, demand in enumerate(self.demands)}
        self.supply_row = {supply.id: row for row, supply in enumerate(self.supplies)}
        self.asked = np.array([problem.demand_side.units(d) for d in self.demands], dtype=np.int64)
        self.offered = np.array([problem.supply_side.units(s) for s in self.supplies], dtype=np.int64)
        self.item_of_demand = [problem.demand_side.item(d) for d in self.demands]
        self.item_of_supply = [problem.supply_side.item(s) for s in self.supplies]
        self.assigned = Assigned(matching.assignments)
        self.reach = problem.reach(self.policy)
        self.labels = [
            (_compact(of_demand), _compact(of_supply))
            for of_demand, of_supply in (labels_of(rule, self.demands, self.supplies) for rule in self.rules)
        ]
        if self.distance is not None:
            self.demand_places = Places(demand.place for demand in self.demands)
            self.supply_places = Places(supply.place for supply in self.supplies)

    def _the_distance(self, given: Distance | str | None) -> Distance | None:
        named = self.matching.distance
        if self.problem.pairs is not None:
            if named is not None:
                lie("OTHER_INPUT", "the problem brings its costs, but the matching names a distance")
            return None
        if named is None or (given is None and named not in DISTANCES.names()):
            lie("OTHER_INPUT", f"made with distance {named!r}, which is no plug-in here; pass it as distance=")
        distance = distance_named(named if given is None else given)
        if distance.name != named:
            lie("OTHER_INPUT", f"made with distance {named!r}, checked with {distance.name!r}")
        self.problem.check_places(distance)
        return distance

    def run(self) -> None:
        if dict(self.matching.closed_demands) != dict(self.admission.closed_demands):
            lie("ADMISSION", "the demands that did not take part, or their reasons, are others")
        if dict(self.matching.closed_supplies) != dict(self.admission.closed_supplies):
            lie("ADMISSION", "the supplies that did not take part, or their reasons, are others")
        if dict(self.matching.closed_funds) != dict(() if self.problem.money is None else self.problem.money.closed):
            lie("ADMISSION", "the funds that did not take part, or their reasons, are others")
        check_purchases(self.problem, self.matching.purchases)
        if self.matching.known_total != self.problem.known_total:
            lie("TOTALS", "the total that the platform knows of is another")
        answer = self._answer()
        ended = self.problem.pairs_ended(zip(self.assigned.demand_ids, self.assigned.supply_ids, strict=True))
        if self.policy.max_pairs_changed is not None and ended > self.policy.max_pairs_changed:
            lie("LIMIT", f"{ended} pairs in force are ended; at most {self.policy.max_pairs_changed} may be")
        self._totals(answer)
        columns = (answer.decided + answer.pinned, answer.pinned, answer.paid)
        sent = zip(*answer.ends, *(column.tolist() for column in columns), strict=True)
        bought = {p.demand_id: p.quantity for p in self.matching.purchases}
        check_rows(self.problem, self.policy, sent, bought)
        values = self._level_values(answer)
        if self.matching.integer is None:
            if self._beyond_potentials():
                lie("CERTIFICATE", "money, or substitutes that stand for more or fewer, and no proof that knows them")
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
            lie("REASONS", "the reasons of what is unmet are others")
        if self.matching.status is not self._status():
            lie("STATUS", f"status {self.matching.status!r} is not what the levels prove")

    def _beyond_potentials(self) -> bool:
        """Whether something may be done that potentials of flows say nothing of."""
        if self._fund_pairs.size or any(level.counted is not None for level in self.levels):
            return True
        wanted, offered = self._one_of_each
        return any(
            self.problem.meet(demand, supply) and self.problem.batch(demand, supply) != (1, 1)
            for demand in wanted
            for supply in offered
        )

    @cached_property
    def _fund_pairs(self) -> Ints:
        """Rows of needs and numbers of the funds that may pay for them, shape (2, pairs)."""
        money = self.problem.money
        found = [
            (row, number)
            for row, need in enumerate(self.demands if money is not None else ())
            for number, fund in enumerate(() if money is None else money.open)
            if money is not None and money.reason(need, fund) is None
        ]
        return np.array(found, dtype=np.int64).reshape(-1, 2).T

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
                lie("LEVEL", f"level {level.name!r} is {value}, not {claimed.value} with bound {claimed.bound}{left}")
            word = claimed.claimed_bound
            if (word is None) != (gap == 0) or (word is not None and not 0 <= (word - value) * sign <= gap):
                lie("LEVEL", f"level {level.name!r}: a claim that is none")
            how = "claimed" if gap and word == value else proof
            if (claimed.sense, claimed.unit, claimed.proof) != (level.sense, level.unit, how):
                lie("LEVEL", f"level {level.name!r}: sense, unit or proof is another")

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
        batches = [
            self.problem.batch(self.demands[i], self.supplies[j])
            for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        serves, takes = np.array(batches, dtype=np.int64).reshape(-1, 2).T
        units = np.zeros(len(rows), dtype=np.int64)
        moves = answer.decided > 0
        keys = answer.pairs.i[moves] * width + answer.pairs.j[moves]
        at = np.searchsorted(rows * width + columns, keys)
        if (at >= len(rows)).any() or ((rows * width + columns)[np.minimum(at, len(rows) - 1)] != keys).any():
            lie("ELIGIBILITY", "an assignment is among no eligible pairs")
        units[at] = answer.decided[moves] // np.maximum(serves[at], 1)
        pin_used = np.array([self._pinned_of_supply.get(pair, 0) for pair in self.assigned.keys], dtype=np.int64)
        taken = [np.zeros(len(side), dtype=np.int64) for side in (self.demands, self.supplies)]
        np.add.at(taken[0], answer.pairs.i, answer.pinned)
        np.add.at(taken[1], answer.pairs.j, pin_used)
        # funds follow the supplies
        need, fund = self._fund_pairs
        funds = () if self.problem.money is None else self.problem.money.open
        number = {one.id: place for place, one in enumerate(funds)}
        amounts = {
            (self.demand_row[p.demand_id], number[x.fund_id]): x.amount_fen
            for p in self.matching.purchases
            for x in p.payments
        }
        fen = np.array(
            [amounts.get(ends, 0) for ends in zip(need.tolist(), fund.tolist(), strict=True)], dtype=np.int64
        )
        bought = np.zeros(len(self.demands), dtype=np.int64)
        for p in self.matching.purchases:
            bought[self.demand_row[p.demand_id]] = p.quantity
        nothing = np.zeros(len(fen), dtype=np.int64)
        level_costs = [
            np.append(
                np.maximum(serves, 1) * (0 if pairs is None else pairs.of(rows, columns, metric)),
                nothing if level.fen_cost is None else np.array([level.fen_cost(one) for one in funds], np.int64)[fund],
            )
            for level, pairs in zip(self.levels, self._pair_costs, strict=True)
        ]
        rows, columns = np.append(rows, need), np.append(columns, len(self.supplies) + fund)
        order = np.lexsort((columns, rows))
        return Decided(
            rows[order],
            columns[order],
            np.append(metric, nothing)[order],
            np.append(units, fen)[order],
            np.append(serves, nothing)[order],
            np.append(takes, nothing + 1)[order],
            answer.pairs.i[pinned],
            answer.pairs.j[pinned],
            answer.pinned[pinned],
            pin_used[pinned],
            answer.paid[pinned],
            tuple(costs[order] for costs in level_costs),
            self.asked - taken[0],
            np.append(self.offered - taken[1], np.array([one.balance_fen for one in funds], dtype=np.int64)),
            bought,
        )

    def _answer(self) -> _Answer:
        """The assignments as arrays, once each is known to be one and no quantity is broken."""
        told = self.assigned
        told.hold_ids()
        i, j = (
            np.fromiter(map(row.get, keys, repeat(-1)), dtype=np.int64, count=len(told))
            for row, keys in ((self.demand_row, told.demand_ids), (self.supply_row, told.supply_ids))
        )
        told.refuse((i < 0) | (j < 0), "ASSIGNMENT", "one of them does not take part")
        # who takes part is sorted by id
        if (np.diff(self._key(i, j)) <= 0).any():
            lie("ASSIGNMENT", "assignments are not sorted, or a pair comes twice")
        quantity, pinned = told.quantities()
        terms = self._terms(i, j)
        ends = self._ends(i, j)
        self._parties(i, j, ends, quantity > pinned, terms)
        serves, takes = terms.serves, terms.takes
        batches = quantity // np.maximum(serves, 1)
        as_they_are = (serves == 0) | (serves == takes)
        taken = np.where(as_they_are, quantity, batches * takes)
        true: list[int | None] = [None] * len(told)
        for at in np.flatnonzero(~as_they_are).tolist():
            true[at] = int(taken[at])
        told.hold(told.of("taken"), true, "QUANTITY", lambda has, takes: f"it takes {takes} of the lot, not {has}")
        most = np.minimum(self.asked[i] * terms.each, self.offered[j] // takes * np.maximum(serves, 1))
        if self.problem.pair_limit is not None:
            most = np.minimum(most, self.problem.pair_limit)
        pins = self.admission.pins
        fixed = np.zeros(len(told), dtype=np.int64)
        if pins:
            fixed[:] = [pins.get(key, 0) for key in told.keys]
        wrong = (quantity < 1) | (quantity > most) | (pinned != fixed) | (pinned > quantity)
        told.refuse(
            wrong,
            "QUANTITY",
            lambda at: f"quantity {quantity[at]}, {pinned[at]} of it pinned, {fixed[at]} by decisions",
        )
        if pins:
            for demand_id, supply_id in sorted(pins.keys() - set(told.keys)):
                lie("PIN", f"the pin of demand {demand_id!r} to supply {supply_id!r} is not honoured")
        served, used = (np.zeros(len(side), dtype=np.int64) for side in (self.demands, self.supplies))
        np.add.at(served, i, np.where(terms.of_kit, 0, quantity))
        np.add.at(used, j, taken)
        for row, sent in self._parts_of_kits(i, j, quantity, terms.of_kit).items():
            served[row] += self.problem.served(self.demands[row], sent)
        for p in self.matching.purchases:
            served[self.demand_row[p.demand_id]] += p.quantity
        for records, given, quantities in ((self.demands, served, self.asked), (self.supplies, used, self.offered)):
            for row in np.flatnonzero(given > quantities).tolist():
                lie("CAPACITY", f"{records[row].id!r} has {given[row]} of {quantities[row]}")
        left = self.asked - served
        unmet = {self.demands[row].id: int(left[row]) for row in np.flatnonzero(left).tolist()}
        if unmet != dict(self.matching.unmet):
            lie("UNMET", "what is unmet is not what the assignments leave")
        pairs = _Pairs(i, j, self._listed_costs(quantity > pinned))
        decided = quantity - pinned
        return _Answer(pairs, ends, decided, pinned, self._costs(pairs, decided), left, self.offered - used)

    def _parts_of_kits(self, i: Ints, j: Ints, quantity: Ints, of_kit: Bools) -> dict[int, list[tuple[Any, int]]]:
        """What each demand that wants kits is sent for them."""
        sent: dict[int, list[tuple[Any, int]]] = defaultdict(list)
        for at in np.flatnonzero(of_kit).tolist():
            sent[int(i[at])].append((self.supplies[j[at]], int(quantity[at])))
        return sent

    def _terms(self, i: Ints, j: Ints) -> _Terms:
        """What demands and supplies are to each other, asked once of each two kinds."""
        of_demand, of_supply = self._kinds
        kinds = of_demand[i] * (int(of_supply.max(initial=0)) + 1) + of_supply[j]
        _, first, kind = np.unique(kinds, return_index=True, return_inverse=True)
        found = []
        for row, column in zip(i[first].tolist(), j[first].tolist(), strict=True):
            demand, supply, item = self.demands[row], self.supplies[column], self.item_of_supply[column]
            parts = self.problem.components(demand)
            meet = self.problem.meet(demand, supply)
            found.append((meet, *self.problem.batch(demand, supply), parts.get(item, 1), item in parts))
        meet, serves, takes, each, of_kit = np.array(found, dtype=np.int64).reshape(-1, 5)[kind].T
        return _Terms(meet > 0, serves, takes, each, of_kit > 0)

    def _parties(self, i: Ints, j: Ints, ends: tuple[list[Any], list[Any]], decided: Bools, terms: _Terms) -> None:
        """The two sides of each assignment may meet, and are who it says."""
        told = self.assigned
        told.refuse(~terms.meet, "ELIGIBILITY", "other items, or other units")
        items = [self.item_of_supply[column][0] for column in j.tolist()]
        sides = self.problem.demand_side, self.problem.supply_side
        households, givers = (map(side.owner, records) for side, records in zip(sides, ends, strict=True))
        for field, true in (("item", items), ("household_id", list(households)), ("giver_id", list(givers))):
            told.hold(told.of(field), true, "ASSIGNMENT", lambda *_: "item, household or giver is another")
        told.refuse(_among(self._key(i, j), self._forbidden), "FORBIDDEN", "a decision forbids it")
        some = np.flatnonzero(decided)
        if not decided.all():
            ends = self._ends(i[some], j[some])
        for rule in self.rules:
            reasons = reasons_of(rule, *ends)
            for at, reason in zip(some.tolist(), reasons, strict=True):
                if reason is not None:
                    lie("ELIGIBILITY", f"{told.named(at)}: {reason}")

    def _ends(self, i: Ints, j: Ints) -> tuple[list[Any], list[Any]]:
        """The records of some pairs."""
        return list(map(self.demands.__getitem__, i.tolist())), list(map(self.supplies.__getitem__, j.tolist()))

    def _listed_costs(self, decided: Bools) -> Ints | None:
        """Cost of each assignment in the table of pairs, if there is one."""
        if self.problem.pairs is None:
            return None
        told = self.assigned
        eligible, listed = self.problem.pairs.costs, self.problem.pairs.all_costs
        known = np.array([key in listed for key in told.keys], dtype=np.bool_)
        may_be = np.array([key in eligible for key in told.keys], dtype=np.bool_)
        told.refuse(~known | (decided & ~may_be), "ELIGIBILITY", "not among the pairs that may be")
        return np.array([listed[key] for key in told.keys], dtype=np.int64)

    def _costs(self, pairs: _Pairs, decided: Ints) -> Ints:
        """What each assignment costs, which is what it says; none is out of reach unless it is pinned."""
        told, costs = self.assigned, self._cost(pairs)
        metres = costs.tolist() if self.problem.cost_unit == METRE else [None] * len(costs)
        for field, true in (("cost", costs.tolist()), ("metres", metres)):
            told.hold(told.of(field), true, "COST", lambda has, costs: f"a unit costs {costs}, not {has}")
        far = (costs == UNREACHABLE) | ((decided > 0) & (costs > self.reach[pairs.j]))
        told.refuse(far, "ELIGIBILITY", lambda at: f"{costs[at]} metres are out of reach")
        return costs

    def _totals(self, answer: _Answer) -> None:
        wants, _ = self._one_of_each
        of_kind = np.zeros((len(self.policy.categories), len(wants), 4), dtype=np.int64)
        each = np.stack([np.ones_like(self.asked), answer.left == 0, self.asked, self.asked - answer.left], axis=1)
        np.add.at(of_kind, (self._rank, self._kinds[0]), each)
        totals: dict[tuple[str, ...], list[int]] = {}
        for row, kind in zip(*(at.tolist() for at in np.nonzero(of_kind[:, :, 0])), strict=True):
            key = self.policy.categories[row], *self.problem.demand_side.item(wants[kind])
            sums = totals.get(key, [0] * 4)
            totals[key] = [one + more for one, more in zip(sums, of_kind[row, kind].tolist(), strict=True)]
        claimed = [
            ((c.category, c.item, c.unit), [c.demands, c.demands_met, c.asked, c.served])
            for c in self.matching.coverage
        ]
        supplies = len(self.supplies), sum(self.offered.tolist())
        if claimed != sorted(totals.items()) or (self.matching.supplies, self.matching.offered) != supplies:
            lie("TOTALS", "the totals are not those of the demands, the supplies and the assignments")

    def _level_values(self, answer: _Answer) -> list[int]:
        """Every level by its scalar form, pinned units counted in."""
        values = []
        if [level.name for level in self.levels] != [level.name for level in self.matching.levels]:
            lie("LEVEL", "the levels are not the policy's")
        units = answer.decided + answer.pinned
        for level, arrays, unmet in zip(self.levels, self._pair_costs, self._unmet_costs, strict=True):
            value = dot(unmet, answer.left)
            if level.pair_cost is not None and arrays is not None:
                costs = arrays.of(answer.pairs.i, answer.pairs.j, answer.paid)
                if list(map(level.pair_cost, *answer.ends, answer.paid.tolist())) != costs.tolist():
                    lie("LEVEL", f"level {level.name!r}: its two forms do not agree, so that nothing can be proven")
                value += dot(units, costs)
            value += self._cost_of_money(level)
            if level.counted is not None:
                both = zip(self.demands, self.asked.tolist(), answer.left.tolist(), strict=True)
                values.append(level.counted.value(both))
                continue
            if level.sense == "max":
                value = dot(unmet, self.asked) - value
            if level.supply_cost is not None:
                if self.matching.integer is None:
                    lie("LEVEL", f"level {level.name!r} is not proven by potentials")
                of_supplies = list(map(level.supply_cost, self.supplies, *self._carried(answer)))
                value += max(of_supplies, default=0) if level.largest else sum(of_supplies)
            values.append(value)
        return values

    def _carried(self, answer: _Answer) -> tuple[list[int], list[int]]:
        """Units and loads of each supply."""
        load_of = self.problem.load(self.policy)
        units, loads = [0] * len(self.supplies), [0] * len(self.supplies)
        quantities, rows = (answer.decided + answer.pinned).tolist(), answer.pairs.j.tolist()
        each = map(load_of, *answer.ends, answer.paid.tolist())
        for quantity, load, j in zip(quantities, each, rows, strict=True):
            units[j] += quantity
            loads[j] += quantity * load
        return units, loads

    def _cost_of_money(self, level: LevelDefinition) -> int:
        value = 0
        funds = {} if self.problem.money is None else {fund.id: fund for fund in self.problem.money.open}
        for p in self.matching.purchases:
            if level.bought_cost is not None:
                value += level.bought_cost(self.demands[self.demand_row[p.demand_id]]) * p.quantity
            if level.fen_cost is not None:
                value += sum(level.fen_cost(funds[x.fund_id]) * x.amount_fen for x in p.payments)
        return value

    def _certificate(self, answer: _Answer) -> tuple[Ints, Ints]:
        """The potentials, once they fit the nodes."""
        proof = self.matching.certificate
        if (proof.demand_ids, proof.supply_ids) != (tuple(self.demand_row), tuple(self.supply_row)):
            lie("CERTIFICATE", "the certificate is for other demands or supplies")
        sizes = (len(self.levels), len(self.demands)), (len(self.levels), len(self.supplies))
        for size, array in zip(sizes, (proof.u, proof.v), strict=True):
            if size != array.shape and not size[1] == array.size == 0:
                lie("CERTIFICATE", "the certificate has other levels")
            if array.dtype != np.int64 or (array.size and not -SAFE <= int(array.min()) <= int(array.max()) <= SAFE):
                lie("CERTIFICATE", "the certificate has potentials that cannot be added up exactly")
        u, v = proof.u.reshape(sizes[0]), proof.v.reshape(sizes[1])
        row = node_fault(self._unmet_costs - u, answer.left > 0)
        if row is not None:
            lie("UNPROVEN", f"the potential of demand {self.demands[row].id!r} proves nothing")
        row = node_fault(-v, answer.unused > 0)
        if row is not None:
            lie("UNPROVEN", f"the potential of supply {self.supplies[row].id!r} proves nothing")
        return u, v

    def _tight(self, answer: _Answer, u: Ints, v: Ints) -> None:
        """Each pair that was decided on is worth its price: lexicographically ≤ 0, and = 0 below its limit."""
        sign = self._sign(answer.pairs, u, v)
        free = answer.decided != (-1 if self.problem.pair_limit is None else self.problem.pair_limit)
        self.assigned.refuse(
            (answer.decided > 0) & ((sign > 0) | (free & (sign < 0))),
            "UNPROVEN",
            "the potentials do not prove that it belongs in an optimum",
        )

    def _every_pair(self, answer: _Answer, u: Ints, v: Ints) -> dict[str, str]:
        """Look at every pair that could take more; give the reasons of what is unmet."""
        look = self._look(answer, u, v)
        could_take = np.zeros(len(self.demands), dtype=np.bool_)
        for i, j in self._items:
            by_place = len(i) * len(j) > _ENUMERATED and self._kinds_of_levels is not None
            fault = (self._searched if by_place else self._enumerated)(look, i, j, could_take)
            if fault is not None:
                self._refuse(look, fault, j)
        eligible = (answer.decided > 0) | self._eligible(answer.pairs)
        served = np.zeros(len(self.demands), dtype=np.bool_)
        served[answer.pairs.i[eligible]] = True
        reasons = self._reasons(look, could_take, served)
        if self.matching.integer is not None:
            reasons |= {self.demands[row].id: "DOES_NOT_FIT" for row in self._with_some_left(look, answer)}
        books = Books(self.problem, self.matching.purchases)
        return {id_: books.reason(self.demands[self.demand_row[id_]], reason) for id_, reason in reasons.items()}

    def _with_some_left(self, look: _Look, answer: _Answer) -> list[int]:
        """Demands that want more and have a pair that could take it, with something unused."""
        found = np.zeros(len(self.demands), dtype=np.bool_)
        for i, j in self._items:
            for pairs in self._blocks(i[look.wanted[i]], j[answer.unused[j] > 0]):
                found[pairs.i[self._takes(look, pairs)]] = True
        return np.flatnonzero(found).tolist()

    def _look(self, answer: _Answer, u: Ints, v: Ints) -> _Look:
        lowest = np.full(len(self.supplies), -1, dtype=np.int64)
        moves = answer.decided > 0
        np.maximum.at(lowest, answer.pairs.j[moves], self._rank[answer.pairs.i[moves]])
        if self.policy.levels[0] != "coverage" or self.matching.integer is not None:
            lowest[:] = -1
        else:
            # whoever has something to spare serves nobody in particular
            lowest[answer.unused > 0] = len(self.policy.categories)
        return _Look(u, v, answer.left > 0, self._rank, lowest, self._closed(answer))

    def _closed(self, answer: _Answer) -> Ints:
        """Keys of the pairs that can take no more: those that are forbidden or at their limit, sorted."""
        if self.problem.pair_limit is None:
            return self._forbidden
        full = answer.pairs.part(answer.decided + answer.pinned >= self.problem.pair_limit)
        return np.union1d(self._forbidden, self._key(full.i, full.j))

    def _key(self, i: Ints, j: Ints) -> Ints:
        return i * len(self.supplies) + j

    # --- the exact test of single pairs

    def _takes(self, look: _Look, pairs: _Pairs) -> Bools:
        """Whether a pair can take more: neither closed nor out of reach, nor against a rule."""
        takes = ~_among(self._key(pairs.i, pairs.j), look.closed)
        some = np.flatnonzero(takes)
        part = pairs.part(some)
        takes[some] = self._cost(part) <= self.reach[part.j]
        some = np.flatnonzero(takes)
        takes[some] = self._allowed(pairs.i[some], pairs.j[some])
        return takes

    def _better(self, look: _Look, pairs: _Pairs) -> Bools:
        """Whether a pair that can take more would make the matching better by its price; integers have none."""
        if self.matching.integer is not None:
            return np.zeros(len(pairs.i), dtype=np.bool_)
        better = self._sign(pairs, look.u, look.v) < 0
        some = np.flatnonzero(better)
        better[some] = self._takes(look, pairs.part(some))
        return better

    def _inverted(self, look: _Look, pairs: _Pairs) -> Bools:
        """Whether a pair that can take more is of a demand that wants it and a supply that is idle, or serves lower."""
        inverted = look.wanted[pairs.i] & (look.lowest[pairs.j] > look.rank[pairs.i])
        some = np.flatnonzero(inverted)
        inverted[some] = self._takes(look, pairs.part(some))
        return inverted

    def _refuse(self, look: _Look, row: int, columns: Ints) -> NoReturn:
        """Name the first pair of a demand that gives the matching the lie."""
        pairs = self._pairs_of(np.array([row]), columns)
        demand = self.demands[row].id
        for found, code, what in (
            (self._better(look, pairs), "UNPROVEN", "would make the matching better by its price"),
            (self._inverted(look, pairs), None, ""),
        ):
            if found.any():
                column = int(pairs.j[np.flatnonzero(found)[0]])
                if code is None:
                    idle = look.lowest[column] == len(self.policy.categories)
                    code = "IDLE" if idle else "ENVY"
                    what = "is idle" if idle else "serves a lower category"
                    what += " while the demand wants it"
                lie(code, f"demand {demand!r}, supply {self.supplies[column].id!r}: the supply {what}")
        raise AssertionError("the search and the test of single pairs disagree")

    # --- every pair, one after the other

    def _enumerated(self, look: _Look, i: Ints, j: Ints, could_take: Bools) -> int | None:
        """First demand of an item with a pair that gives the lie; notes who could take more."""
        for pairs in self._blocks(i, j):
            found = self._better(look, pairs) | self._inverted(look, pairs)
            if found.any():
                return int(pairs.i[np.flatnonzero(found)[0]])
            wanted = pairs.part(look.wanted[pairs.i])
            could_take[wanted.i[self._takes(look, wanted)]] = True
        return None

    def _blocks(self, i: Ints, j: Ints) -> Iterator[_Pairs]:
        step = max(1, _BLOCK // max(1, len(j)))
        for start in range(0, len(i), step):
            yield self._pairs_of(i[start : start + step], j)

    def _pairs_that_could_meet(self) -> Iterator[_Pairs]:
        """Every demand with every supply of its item and unit, or with those it is listed with."""
        for i, j in self._items:
            yield from self._blocks(i, j)

    def _pairs_of(self, i: Ints, j: Ints) -> _Pairs:
        """Each of some demands with each of some supplies, or with those of them it is listed with."""
        if self._listed is None:
            return _Pairs(np.repeat(i, len(j)), np.tile(j, len(i)), None)
        begin, end = np.searchsorted(self._listed.i, i), np.searchsorted(self._listed.i, i, side="right")
        entries = np.repeat(end - np.cumsum(end - begin), end - begin) + np.arange(int((end - begin).sum()))
        here = np.zeros(len(self.supplies), dtype=np.bool_)
        here[j] = True
        pairs = self._listed.part(entries)
        return pairs.part(here[pairs.j])

    # --- every pair that could give the lie, found by place and price

    def _searched(self, look: _Look, i: Ints, j: Ints, could_take: Bools) -> int | None:
        """The same as `_enumerated`, without looking at every pair."""
        kinds = cast("_Kinds", self._kinds_of_levels)
        may_meet, of_demand, of_supply = self._signatures
        anywhere = np.full(len(i), ANYWHERE)
        reach = np.minimum(self.reach[j], ANYWHERE)
        points = self.demand_places.vectors[:, i], self.supply_places.vectors[:, j]
        orders = compared(look.u[kinds.above][:, i], -look.v[kinds.above][:, j])
        prices = [
            np.full(len(nodes), NOWHERE) if kinds.metric is None else potential[kinds.metric, nodes]
            for potential, nodes in ((look.u, i), (look.v, j))
        ]
        demands = Nodes(points[0], of_demand[i], orders[0], prices[0], anywhere)
        supplies = Nodes(points[1], of_supply[j], orders[1], prices[1], reach)
        if kinds.below is None:
            last = np.ones(len(i), dtype=np.int64), np.zeros(len(j), dtype=np.int64)
        else:
            last = compared(look.u[kinds.below][:, i], -look.v[kinds.below][:, j])

        def metres(row: Ints, column: Ints) -> Ints:
            return self._cost(_Pairs(i[row], j[column], None))

        def tested(test: Callable[[_Look, _Pairs], Bools]) -> Callable[[Ints, Ints], Bools]:
            return lambda row, column: test(look, _Pairs(i[row], j[column], None))

        faults = [first_liar(demands, supplies, last, may_meet, metres, tested(self._better))]
        faults.append(self._listed_liar(look, i, j))
        wanted = np.flatnonzero(look.wanted[i])
        takers = demands.part(wanted)
        lower = np.flatnonzero(look.lowest[j] >= 0)
        envious = takers.ordered(-look.rank[i[wanted]])
        envied = supplies.part(lower).ordered(-look.lowest[j[lower]])
        nothing = np.zeros(len(wanted), dtype=np.int64), np.zeros(len(lower), dtype=np.int64)
        fault = first_liar(
            envious,
            envied,
            nothing,
            may_meet,
            lambda row, column: metres(wanted[row], lower[column]),
            lambda row, column: tested(self._inverted)(wanted[row], lower[column]),
        )
        faults.append(None if fault is None else int(wanted[fault]))
        found = [fault for fault in faults if fault is not None]
        if found:
            return int(i[min(found)])
        could = has_one(takers, supplies, may_meet, lambda row, column: tested(self._takes)(wanted[row], column))
        could_take[i[wanted[could]]] = True
        return None

    def _listed_liar(self, look: _Look, i: Ints, j: Ints) -> int | None:
        """First demand, counted among those of an item, whose pair with a cost of its own gives the lie."""
        known = [costs for costs in self._pair_costs if isinstance(costs, Listed)]
        if not known:
            return None
        pairs = _Pairs(np.concatenate([c.demand for c in known]), np.concatenate([c.supply for c in known]), None)
        pairs = pairs.part(np.isin(pairs.i, i) & np.isin(pairs.j, j))
        found = pairs.i[self._better(look, pairs)]
        return int(np.searchsorted(i, found.min())) if found.size else None

    @cached_property
    def _kinds_of_levels(self) -> _Kinds | None:
        """The levels by what a search can make of them; None if it can make nothing."""
        if not isinstance(self.distance, GreatCircle):
            return None
        metric = next((row for row, costs in enumerate(self._pair_costs) if isinstance(costs, Metric)), None)
        known = [costs is None or isinstance(costs, Listed) for costs in self._pair_costs]
        size = len(known)
        at = size if metric is None else metric
        if not all(known[:at]):
            return None
        return _Kinds(slice(0, at), metric, slice(at + 1, size) if all(known[at + 1 :]) else None)

    @cached_property
    def _signatures(self) -> tuple[Bools, Ints, Ints]:
        return signatures(self.rules, self.labels, self.demands, self.supplies)

    def _eligible(self, pairs: _Pairs) -> Bools:
        """Whether the rules, the reach and the table of pairs allow the assignments, decided or not."""
        allowed = self._allowed(pairs.i, pairs.j) & (self._cost(pairs) <= self.reach[pairs.j])
        if self.problem.pairs is None:
            return allowed
        listed = self.problem.pairs.costs
        in_table = [pair in listed for pair in self.assigned.keys]
        return allowed & np.array(in_table, dtype=np.bool_)

    def _reasons(self, look: _Look, could_take: Bools, served: Bools) -> dict[str, str]:
        reasons: dict[str, str] = {}
        for i, j in self._items:
            rows = i[look.wanted[i]]
            code = np.full(len(rows), "USED_UP", dtype=object)
            none = np.flatnonzero(~could_take[rows])
            code[none] = self._why_none(rows[none], j)
            if self.problem.pair_limit is not None:
                code[~could_take[rows] & served[rows]] = "ONE_EACH"
            reasons.update(zip((self.demands[row].id for row in rows.tolist()), code.tolist(), strict=True))
        return reasons

    def _why_none(self, rows: Ints, columns: Ints) -> Any:
        """Why some demands of an item have no pair that could take more, closed pairs at their limit aside."""
        if not columns.size or not rows.size:
            return "NO_SUPPLY"
        there = {self.item_of_supply[column]: self.supplies[column] for column in columns.tolist()}.values()
        offered = [any(self.problem.meet(self.demands[row], one) for one in there) for row in rows.tolist()]
        may_meet, of_demand, of_supply = self._signatures
        forbidden = self._forbidden

        def accept(row: Ints, column: Ints) -> Bools:
            i, j = rows[row], columns[column]
            return ~_among(self._key(i, j), forbidden) & self._allowed(i, j)

        allowed = has_one(somewhere(of_demand[rows]), somewhere(of_supply[columns]), may_meet, accept)
        return np.where(allowed, "OUT_OF_REACH", np.where(offered, "NOT_ALLOWED", "NO_SUPPLY"))

    @cached_property
    def _pinned_of_supply(self) -> dict[tuple[str, str], int]:
        return self.problem.units_of_supplies(self.admission.pins)

    @cached_property
    def _forbidden(self) -> Ints:
        rows = [(self.demand_row.get(d, -1), self.supply_row.get(s, -1)) for d, s in self.admission.forbidden]
        i, j = np.array([pair for pair in rows if min(pair) >= 0], dtype=np.int64).reshape(-1, 2).T
        return np.unique(self._key(i, j))

    @cached_property
    def _wants(self) -> list[tuple[Any, ...]]:
        """What each demand may be met from depends on this and nothing else."""
        kind = self.problem.demand_side.kind
        matters = {"substitutes", "accepts"} & {field.name for field in fields(kind)}
        told = (map(attrgetter(field), self.demands) for field in sorted(matters))
        return list(zip(self.item_of_demand, *told, strict=True))

    @cached_property
    def _kinds(self) -> tuple[Ints, Ints]:
        """Numbers of what each demand may be met from, and of each supply's item and unit."""
        return numbered(self._wants), numbered(self.item_of_supply)

    @cached_property
    def _one_of_each(self) -> tuple[list[Any], list[Any]]:
        """The first demand and the first supply of each kind."""
        first, other = (np.unique(kind, return_index=True)[1].tolist() for kind in self._kinds)
        return [self.demands[row] for row in first], [self.supplies[column] for column in other]

    @cached_property
    def _rank(self) -> Ints:
        """Place of each demand's category in the policy's order."""
        rank = {category: place for place, category in enumerate(self.policy.categories)}
        return np.array([rank[demand.category] for demand in self.demands], dtype=np.int64)

    @cached_property
    def _items(self) -> list[tuple[Ints, Ints]]:
        """Rows of demands and supplies that could meet: of each item and unit, and of what may stand for it."""
        wanted, offered = self._one_of_each
        groups: list[tuple[set[int], set[int]]] = []
        for name, demand in enumerate(wanted):
            names = {name}
            meets = {kind for kind, supply in enumerate(offered) if self.problem.meet(demand, supply)}
            for group in [group for group in groups if not group[1].isdisjoint(meets)]:
                groups.remove(group)
                names, meets = names | group[0], meets | group[1]
            groups.append((names, meets))
        place = np.full(len(wanted), -1), np.full(len(offered), -1)
        for number, group in enumerate(groups):
            for places, members in zip(place, group, strict=True):
                places[list(members)] = number
        return list(
            zip(*(rows_of(at[kind], len(groups)) for at, kind in zip(place, self._kinds, strict=True)), strict=True)
        )

    @cached_property
    def _listed(self) -> _Pairs | None:
        """The pairs that the problem lists as eligible, with their costs, by demand and supply."""
        if self.problem.pairs is None:
            return None
        rows = sorted(
            (self.demand_row[demand_id], self.supply_row[supply_id], cost)
            for (demand_id, supply_id), cost in self.problem.pairs.costs.items()
            if demand_id in self.demand_row and supply_id in self.supply_row
        )
        return _Pairs(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)

    @cached_property
    def _pair_costs(self) -> list[CostOfPairs | None]:
        return [None if level.bind is None else level.bind(self.demands, self.supplies) for level in self.levels]

    @cached_property
    def _unmet_costs(self) -> Ints:
        """Of each level, what a unit of each demand costs that is left over."""
        costs = np.zeros((len(self.levels), len(self.demands)), dtype=np.int64)
        for of_level, level in zip(costs, self.levels, strict=True):
            of_level[:] = np.fromiter(map(level.unmet_cost, self.demands), dtype=np.int64, count=len(self.demands))
        return costs

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

    @cached_property
    def _table(self) -> MetresTable | None:
        """Metres between all places, if the distance says which of them are the same to it."""
        if self.distance is None:
            return None
        return table_of_metres(self.distance, self.supply_places, self.demand_places)

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
        if self._table is not None:
            return self._table.between(pairs.j, pairs.i)
        return measure(distance, self.supply_places[pairs.j], self.demand_places[pairs.i])


def _among(keys: Ints, known: Ints) -> Bools:
    """Which keys are among the known ones, which are sorted."""
    if not known.size:
        return np.zeros(len(keys), dtype=np.bool_)
    return np.asarray(known[np.minimum(np.searchsorted(known, keys), known.size - 1)] == keys)


def _compact(labels: Ints) -> Ints:
    if labels.max(initial=0) < len(labels) and np.bincount(labels).all():
        return labels
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
