"""Why this, why not that: one verdict for each demand, from the rules and the prices that decided.

Nothing here is stored with a matching. The facts are found anew from the
problem, the policy's rules and the certificate, so that they cannot say
anything else than what decided.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from aidmatch.arrays import Bools, Ints
from aidmatch.distance.protocol import Distance, distance_named, measure
from aidmatch.errors import ProblemError, VerificationError
from aidmatch.explanation.texts import text_of
from aidmatch.funding import Books
from aidmatch.levels import level_definitions
from aidmatch.matching import Assignment, Matching
from aidmatch.place import Places
from aidmatch.problem.problem import Problem
from aidmatch.rules.protocol import Rule, labels_of, reason_of

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one demand got what it got.

    Parameters
    ----------
    code
        The verdict: ``CLOSED`` (did not take part), ``SERVED``, ``PARTLY_SERVED``, or, where nothing was served, a key
        of `matching.REASONS`.
    facts
        What it rests on, as plain values:

        ``demand_id``, ``family``, ``category``, ``item``, ``asked``, ``served``, ``pinned``
            The demand, and its units.
        ``closed``
            Why it did not take part, or None. The facts below are then missing.
        ``reason``
            Why something is left over, or None.
        ``offered``
            Supplies of the same item, or of what may stand for it, on the day.
        ``removed``
            What was taken from them, in this order: a list of ``rule``, ``reason``, ``supplies``. A supply counts once,
            under the first that removed it. Decisions that forbid come after the rules, reach after those.
        ``eligible``
            Supplies that are left.
        ``supplies``
            Those that serve it: ``supply_id``, ``quantity``, ``cost``, ``pinned``; the item that stands for what was
            requested, ``instead``, or None; the component of a kit that is sent, ``part``, or None; and the units of
            the supply that it uses up, ``taken``.
        ``taken_by``
            Units of the eligible supplies that serve others, by category.
        ``price``
            What one more unit is proven to cost at least, by level, compared lexicographically: what others lose by
            it and what the pair itself costs. Levels where that is nothing are left out. None if no eligible supply
            could take more, or integers decided, which have no prices that hold for one unit.
        ``alternative``
            The nearest eligible supply that does not serve it and is not pinned away: ``supply_id``, ``cost``, and
            the first level at which the proof shows it to be worse, ``level``, with the least that it is worse, ``by``;
            both None if the proof does not show it to be worse. None if there is none.
        ``cost_unit``
            What costs count.
        ``bought``
            Units of `served` that are bought.
        ``funds``
            Who pays for them: ``fund_id``, ``amount_fen``.
        ``funds_removed``
            Why open funds may not pay for it: ``reason`` (`Money.reason`), ``funds``.
        ``fen_left``
            What those that may pay could still pay for it.
    """

    code: str
    facts: Mapping[str, Any]

    def text(
        self,
        language: Literal["zh", "en"] = "en",
        audience: Literal["family", "caseworker"] = "caseworker",
    ) -> str:
        """Say it in words.

        Parameters
        ----------
        language
            ``zh`` or ``en``.
        audience
            A ``family`` hears of no other person and no price; a ``caseworker`` gets every fact.

        Returns
        -------
        One or more lines.

        Raises
        ------
        ProblemError
            ``UNKNOWN_OPTION`` for another language or audience.
        """
        return text_of(self.code, self.facts, language, audience)


def explain(
    problem: Problem, matching: Matching, *, demand: str, distance: Distance | str | None = None
) -> Explanation:
    """Explain what one demand got.

    Parameters
    ----------
    problem
        The problem the matching answers.
    matching
        The matching. It is taken at its word; `verify` says whether that is right.
    demand
        Id of the demand.
    distance
        The distance it was made with, if that is not a plug-in that can be found by its name.

    Returns
    -------
    The verdict with its facts.

    Raises
    ------
    ProblemError
        ``UNKNOWN_ID`` if there is no such demand.
    VerificationError
        ``OTHER_INPUT`` if the matching was made from other inputs.
    PluginError
        ``BAD_RULE`` if a rule raised, or its labels are none.

    Notes
    -----
    Prices are reduced costs of the certificate, compared level by level in the policy's order: a supply's potential
    says what a unit of it is worth to those who have it. They are lower bounds of what a change would cost, since
    potentials are not unique; the exact cost of a change is the difference to a run that pins it.
    """
    return _explainer(problem, matching, _Same(distance)).explain(demand)


class _Same:
    """Stands for a distance where it is compared: the very same one, whether it can be hashed or not."""

    def __init__(self, distance: Distance | str | None) -> None:
        self.distance = distance

    def __hash__(self) -> int:
        return id(self.distance)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.distance is other.distance


@lru_cache(maxsize=1)  # explanations are asked for one after the other
def _explainer(problem: Problem, matching: Matching, distance: _Same) -> _Explainer:
    return _Explainer(problem, matching, distance.distance)


class _Asked:
    """A rule that is asked once for every two labels, as those who decide ask it.

    Raises
    ------
    PluginError
        ``BAD_RULE`` if the rule's labels are not one integer a record, or the rule raised.
    """

    def __init__(self, rule: Rule, demands: Sequence[Any], supplies: Sequence[Any]) -> None:
        self.name = rule.name
        self._rule, self._demands, self._supplies = rule, demands, supplies
        self._of_demand, self._of_supply = labels_of(rule, demands, supplies)
        self._known: dict[tuple[int, int], str | None] = {}

    def passed(self, row: int, columns: Ints) -> tuple[Ints, Counter[str]]:
        """Supplies that are allowed to a demand, of some, and how many of the others there are for each reason."""
        first, label, count = np.unique(
            self._of_supply[columns], return_index=True, return_inverse=True, return_counts=True
        )[1:]
        reasons = [self._reason(row, column) for column in columns[first].tolist()]
        removed: Counter[str] = Counter()
        for reason, number in zip(reasons, count.tolist(), strict=True):
            if reason is not None:
                removed[reason] += number
        return columns[np.array([reason is None for reason in reasons], dtype=np.bool_)[label]], removed

    def _reason(self, row: int, column: int) -> str | None:
        labels = int(self._of_demand[row]), int(self._of_supply[column])
        if labels not in self._known:
            self._known[labels] = reason_of(self._rule, self._demands[row], self._supplies[column])
        return self._known[labels]


class _Explainer:
    """What all explanations of one matching share."""

    def __init__(self, problem: Problem, matching: Matching, distance: Distance | str | None) -> None:
        if matching.inputs != problem.digests() or matching.as_of != problem.as_of:
            raise VerificationError("the matching was made from other inputs, or for another day", code="OTHER_INPUT")
        self.problem, self.matching = problem, matching
        self.policy = matching.policy
        admission = problem.admission()
        self.forbidden = admission.forbidden
        self.demands, self.supplies = admission.demands, admission.supplies
        self.rules = [_Asked(rule, self.demands, self.supplies) for rule in problem.rules(self.policy)]
        self.known = {demand.id: demand for demand in problem.demands}
        self.row = {demand.id: row for row, demand in enumerate(self.demands)}
        self.column = {supply.id: column for column, supply in enumerate(self.supplies)}
        of_item: dict[tuple[str, str], list[int]] = defaultdict(list)
        for column, supply in enumerate(self.supplies):
            of_item[problem.supply_side.item(supply)].append(column)
        self.of_item = {item: np.array(columns, dtype=np.int64) for item, columns in of_item.items()}
        self.of_demand: dict[str, list[Assignment]] = defaultdict(list)
        self.of_supply: dict[str, list[Assignment]] = defaultdict(list)
        for assignment in matching.assignments:
            self.of_demand[assignment.demand_id].append(assignment)
            self.of_supply[assignment.supply_id].append(assignment)
        self.reach = problem.reach(self.policy)
        self.levels = level_definitions(self.policy, problem)
        self.pair_costs = [None if lv.bind is None else lv.bind(self.demands, self.supplies) for lv in self.levels]
        self.books = Books(problem, matching.purchases)
        self.u, self.v = matching.certificate.u, matching.certificate.v
        if problem.pairs is None:
            self.distance: Distance = distance_named(distance or matching.distance or "")
            if self.distance.name != matching.distance:
                raise VerificationError(
                    f"made with distance {matching.distance!r}, not {self.distance.name!r}", code="OTHER_INPUT"
                )
            self.demand_places = Places(demand.place for demand in self.demands)
            self.supply_places = Places(supply.place for supply in self.supplies)

    def explain(self, demand_id: str) -> Explanation:
        if demand_id not in self.known:
            raise ProblemError(f"there is no demand {demand_id!r}", code="UNKNOWN_ID")
        demand = self.known[demand_id]
        served = self.of_demand.get(demand_id, [])
        facts: dict[str, Any] = {
            "demand_id": demand_id,
            "family": self.problem.family,
            "category": demand.category,
            "item": self.problem.demand_side.item(demand)[0],
            "asked": self.problem.demand_side.units(demand),
            "served": self._units(demand, served) + self.books.bought[demand_id],
            "bought": self.books.bought[demand_id],
            "pinned": sum(a.pinned for a in served),
            "closed": self.problem.closed(demand),
        }
        if facts["closed"] is not None:
            return Explanation("CLOSED", facts)
        facts |= self._search(self.row[demand_id], served)
        if facts["served"] == facts["asked"]:
            return Explanation("SERVED", facts)
        return Explanation("PARTLY_SERVED" if facts["served"] else facts["reason"], facts)

    def _units(self, demand: Any, served: Sequence[Assignment]) -> int:
        """Units of a demand in what is sent to it."""
        sent = [(self.supplies[self.column[a.supply_id]], a.quantity) for a in served]
        return self.problem.served(demand, sent)

    def _search(self, row: int, served: Sequence[Assignment]) -> dict[str, Any]:
        """Follow the demand's supplies through the rules, the decisions, the reach and the prices."""
        demand = self.demands[row]
        kinds = [self.of_item[kind] for kind in self.problem.kinds_for(demand) if kind in self.of_item]
        columns = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *kinds]))
        offered = len(columns)
        removed: list[dict[str, Any]] = []
        for rule in self.rules:
            columns, reasons = rule.passed(row, columns)
            for reason, count in sorted(reasons.items()):
                removed.append({"rule": rule.name, "reason": reason, "supplies": count})
        allowed = columns
        if self.forbidden:
            kept = [(demand.id, self.supplies[column].id) not in self.forbidden for column in columns.tolist()]
            allowed = columns[np.array(kept, dtype=np.bool_)]
        if len(allowed) < len(columns):
            removed.append({"rule": "decisions", "reason": "FORBIDDEN", "supplies": len(columns) - len(allowed)})
        some, cost, near = self._near(row, allowed)
        if not near.all():
            removed.append({"rule": "reach", "reason": "OUT_OF_REACH", "supplies": int((~near).sum())})
        some, cost = some[near], cost[near]
        mine = {a.supply_id: a for a in served}
        asked_for, parts = self.problem.demand_side.item(demand)[0], {i for i, _ in self.problem.components(demand)}
        limit = self.problem.pair_limit
        free = [limit is None or self.supplies[c].id not in mine for c in some.tolist()]
        left = self.problem.demand_side.units(demand) - self._units(demand, served) - self.books.bought[demand.id]
        left_for = None if not left else self._reason(any(free), not all(free), len(allowed) > 0, offered)
        if left_for == "USED_UP" and self.matching.integer is not None:
            left_for = self.matching.reasons[demand.id]  # or what is left does not fit
        left_for = None if left_for is None else self.books.reason(demand, left_for)
        return {
            "reason": left_for,
            "offered": offered,
            "removed": removed,
            "eligible": len(some),
            "supplies": [
                {
                    "supply_id": a.supply_id,
                    "quantity": a.quantity,
                    "cost": a.cost,
                    "pinned": a.pinned,
                    "instead": None if a.item == asked_for or a.item in parts else a.item,
                    "part": a.item if a.item in parts else None,
                    "taken": a.used,
                }
                for a in served
            ],
            "taken_by": self._taken_by(demand.id, some),
            "price": self._price(row, some[free], cost[free]),
            "alternative": self._alternative(row, mine, some, cost),
            "cost_unit": self.problem.cost_unit,
            **self._money(demand),
        }

    def _money(self, demand: Any) -> dict[str, Any]:
        """Which funds pay for a demand, and why others do not."""
        money = self.problem.money
        funds = () if money is None else money.open
        reasons = Counter(reason for fund in funds if money is not None and (reason := money.reason(demand, fund)))
        payments = [x for p in self.matching.purchases if p.demand_id == demand.id for x in p.payments]
        return {
            "funds": [{"fund_id": x.fund_id, "amount_fen": x.amount_fen} for x in payments],
            "funds_removed": [{"reason": reason, "funds": count} for reason, count in sorted(reasons.items())],
            "fen_left": sum(self.books.left_for(demand, fund) for fund in self.books.payers(demand)),
        }

    def _reason(self, free: bool, served: bool, allowed: bool, offered: int) -> str:
        if free:
            return "USED_UP"
        if served and self.problem.pair_limit is not None:
            return "ONE_EACH"
        if allowed:
            return "OUT_OF_REACH"
        return "NOT_ALLOWED" if offered else "NO_SUPPLY"

    def _near(self, row: int, columns: Ints) -> tuple[Ints, Ints, Bools]:
        """Supplies with a known cost, the cost, and whether it is within reach."""
        if self.problem.pairs is None:
            cost = measure(self.distance, self.supply_places[columns], self.demand_places[np.full(len(columns), row)])
            return columns, cost, cost <= self.reach[columns]
        listed = self.problem.pairs.costs
        costs = [listed.get((self.demands[row].id, self.supplies[column].id), -1) for column in columns.tolist()]
        cost = np.array(costs, dtype=np.int64)
        return columns, cost, (cost >= 0) & (cost <= self.reach[columns])

    def _taken_by(self, demand_id: str, columns: Ints) -> dict[str, int]:
        taken: Counter[str] = Counter()
        for column in columns.tolist():
            for a in self.of_supply.get(self.supplies[column].id, ()):
                if a.demand_id != demand_id:
                    taken[self.known[a.demand_id].category] += a.quantity
        return {category: taken[category] for category in self.policy.categories if taken[category]}

    def _costs(self, row: int, columns: Ints, metric: Ints) -> Ints:
        """Costs of pairs at every level, shape (levels, pairs)."""
        rows = np.full(len(columns), row)
        nothing = np.zeros(len(columns), dtype=np.int64)
        return np.stack([nothing if pc is None else pc.of(rows, columns, metric) for pc in self.pair_costs])

    def _price(self, row: int, columns: Ints, metric: Ints) -> dict[str, int] | None:
        if not len(columns) or self.matching.integer is not None:
            return None
        cheapest = min(map(tuple, (self._costs(row, columns, metric) - self.v[:, columns]).T.tolist()))
        return {level.name: amount for level, amount in zip(self.levels, cheapest, strict=True) if amount}

    def _has_more_than_pins(self, column: int) -> bool:
        supply = self.supplies[column]
        pinned = sum(a.pinned for a in self.of_supply.get(supply.id, ()))
        return self.problem.supply_side.units(supply) > pinned

    def _alternative(
        self, row: int, mine: Mapping[str, Assignment], columns: Ints, metric: Ints
    ) -> dict[str, Any] | None:
        others = [
            (cost, self.supplies[column].id, column)
            for column, cost in zip(columns.tolist(), metric.tolist(), strict=True)
            if self.supplies[column].id not in mine and self._has_more_than_pins(column)
        ]
        if not mine or not others:
            return None
        cost, supply_id, column = min(others)
        if self.matching.integer is not None:
            return {"supply_id": supply_id, "cost": cost, "level": None, "by": None}
        at, unit_cost = np.array([column]), np.array([cost])
        reduced = self._costs(row, at, unit_cost)[:, 0] - self.u[:, row] - self.v[:, column]
        worse = next(((lv.name, int(by)) for lv, by in zip(self.levels, reduced, strict=True) if by), (None, None))
        return {"supply_id": supply_id, "cost": cost, "level": worse[0], "by": worse[1]}
