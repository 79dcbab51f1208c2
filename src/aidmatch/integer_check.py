"""The independent check of what integers decided: every row anew from the records, and every bound.

Nothing here comes from formulation, engine or solvers. A bound is recomputed
from its multipliers: what they say is put into the prices of each pair, of
what each demand gets and of what each supply gives, and for each of these the
cheapest value it may have is taken. (Weak Lagrangian duality; the text of
`integer_certificate` says which multiplier belongs to what.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import ceil
from operator import attrgetter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from aidmatch.arrays import SAFE, Bools, Ints, largest, rows_of
from aidmatch.arrays import total as summed
from aidmatch.errors import lie
from aidmatch.integer_certificate import IntegerCertificate, TreeProof
from aidmatch.levels import LevelDefinition, shortfall
from aidmatch.matching import Purchase
from aidmatch.policy import Policy
from aidmatch.problem.problem import Problem

__all__ = ["Decided", "check_purchases", "check_rows", "proven_gaps"]

#: Kinds of rows, as in `integer_program.RowKind`, which this module does not import.
_SERVED, _GIVEN, _LOAD, _SHORTFALL, _SHIPMENTS, _SHARE, _OVER, _LARGEST, _BOUGHT, _CAP, _FULL, _GROUP, _PART = range(13)
#: Kinds of rows that pairs stand in.
_OF_PAIRS: Final = (_SERVED, _GIVEN, _LOAD, _SHIPMENTS, _SHARE, _OVER, _BOUGHT, _CAP, _PART)
#: Kinds of rows with a lower limit, which multipliers above nothing work on.
_UPWARDS: Final = (_SERVED, _GIVEN, _LARGEST, _BOUGHT, _PART)
_ENDLESS: Final = 2**61
#: Units of a lot times choices of its pairs, of which no proof has more in one.
_LINES: Final = 50_000_000

Exact = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Decided:
    """A matching as arrays, over every eligible pair.

    Parameters
    ----------
    i, j, metric
        Rows of each eligible pair that is not pinned to its limit, and its cost. Funds are supplies that follow the
        others.
    units
        Batches decided on the pair, without what is pinned; of a fund, fen.
    serves, takes
        Units of its demand and of its supply in a batch of each pair; 0 and 1 for a fund.
    pin_i, pin_j, pin_units, pin_used, pin_metric
        What is pinned: pairs, units of their demands and of their supplies, and what a unit costs.
    costs
        Of a batch on each pair at each level.
    asked, offered
        Units of each demand and supply, without what is pinned; of a fund, its balance.
    bought
        Units bought for each demand.
    """

    i: Ints
    j: Ints
    metric: Ints
    units: Ints
    serves: Ints
    takes: Ints
    pin_i: Ints
    pin_j: Ints
    pin_units: Ints
    pin_used: Ints
    pin_metric: Ints
    costs: tuple[Ints, ...]
    asked: Ints
    offered: Ints
    bought: Ints


def check_rows(
    problem: Problem,
    policy: Policy,
    sent: Iterable[tuple[Any, Any, int, int, int]],
    bought: Mapping[str, int] | None = None,
) -> None:
    """Whether assignments keep what demands, supplies and donors ask.

    Parameters
    ----------
    problem, policy
        What is to be matched and how to choose.
    sent
        Demand, supply, units, units of these that are pinned, and cost of each assignment.
    bought
        Units that are bought besides, by demand id.

    Raises
    ------
    VerificationError
        ``WHOLE``, ``MINIMUM``, ``BATCH``, ``KIT``, ``PACK``, ``LOT``, ``SHIPMENTS`` or ``LOAD``, naming who.
    """
    if not _ask_for_more(problem, policy):
        return
    load_of = problem.load(policy)
    served: dict[str, list[int]] = {}
    got: dict[str, list[tuple[Any, int]]] = {}
    given: dict[str, list[int]] = {}
    shipments: dict[str, int] = {}
    for demand, supply, units, pinned, cost in sent:
        pair = f"supply {supply.id!r} to demand {demand.id!r}"
        serves, takes = problem.batch(demand, supply)
        serves = max(serves, 1)
        if units % serves or pinned % serves:
            lie("BATCH", f"{pair}: {units} are no whole batches of a substitute")
        if (units - pinned) // serves * takes % getattr(supply, "pack_size", 1):
            lie("PACK", f"{pair}: {units} are no whole packs")
        if units // serves * takes < getattr(supply, "min_lot", 1):
            lie("LOT", f"{pair}: {units} are below the minimum lot")
        shipments[getattr(supply, "donor_id", "")] = shipments.get(getattr(supply, "donor_id", ""), 0) + 1
        one, other = served.setdefault(demand.id, [0, 0]), given.setdefault(supply.id, [0, 0, 0])
        got.setdefault(demand.id, []).append((supply, units))
        one[1] += pinned
        other[0] += units
        other[1] += pinned
        other[2] += units * load_of(demand, supply, cost)
    for demand in problem.admission().demands:
        units, pinned = served.get(demand.id, (0, 0))
        units = problem.served(demand, got.get(demand.id, ()))
        parts = problem.components(demand)
        if parts:
            of_part = [
                (sum(q for s, q in got.get(demand.id, ()) if problem.supply_side.item(s) == kind), each)
                for kind, each in parts.items()
            ]
            kits = of_part[0][0] // of_part[0][1]
            if any(sent_units != kits * each for sent_units, each in of_part):
                lie("KIT", f"demand {demand.id!r} has parts of kits that make no whole ones")
        units += (bought or {}).get(demand.id, 0)
        asked = problem.demand_side.units(demand)
        if demand.whole and pinned < units < asked:
            lie("WHOLE", f"demand {demand.id!r} is whole, and has {units} of {asked}")
        if pinned < units < getattr(demand, "min_quantity", 1):
            lie("MINIMUM", f"demand {demand.id!r} has {units}, which is of no use")
    for supply in problem.admission().supplies:
        units, pinned, load = given.get(supply.id, (0, 0, 0))
        capacity = problem.capacity(supply)
        if capacity is not None and load > capacity:
            lie("LOAD", f"supply {supply.id!r} carries {load} of {capacity}")
        if policy.min_load == "hard" and not pinned and shortfall(supply, units):
            lie("MINIMUM", f"supply {supply.id!r} has {units}, below its minimum")
    for donor in problem.donors:
        if donor.max_shipments is not None and shipments.get(donor.id, 0) > donor.max_shipments:
            lie("SHIPMENTS", f"donor {donor.id!r} has {shipments[donor.id]} shipments of {donor.max_shipments}")


def _ask_for_more(problem: Problem, policy: Policy) -> bool:
    """Whether anybody asks for more than eligible pairs and quantities within what is wanted and offered."""
    demands, supplies = problem.admission().demands, problem.admission().supplies
    return bool(
        policy.min_load == "hard"
        or getattr(problem, "substitutes", ())
        or getattr(problem, "kits", ())
        or any(donor.max_shipments is not None for donor in problem.donors)
        or any(map(attrgetter("whole"), demands))
        or any(
            set(map(attrgetter(field), records)) - {1}
            for kind, records in ((problem.demand_side.kind, demands), (problem.supply_side.kind, supplies))
            for field in {"min_quantity", "pack_size", "min_lot"} & {field.name for field in fields(kind)}
        )
        or any(problem.capacity(supply) is not None for supply in supplies)
    )


def check_purchases(problem: Problem, purchases: Sequence[Purchase]) -> None:
    """Whether money does what funds, prices and needs say, to the fen.

    Parameters
    ----------
    problem
        Has the needs, the funds and the prices.
    purchases
        What is said to be bought.

    Raises
    ------
    VerificationError
        ``PURCHASE`` for one that is none, ``PRICE`` for money that is not the price of what is bought, ``SCOPE`` for a
        fund that is not for the need, ``BALANCE`` for more than a fund has, ``CAP`` for more than it gives.
    """
    if not purchases:
        return
    needs = {need.id: need for need in problem.admission().demands}
    funds: dict[str, Any] = {fund.id: fund for fund in getattr(problem, "funds", ())}
    prices = getattr(problem, "prices", ())
    spent: Counter[str] = Counter()
    of_need: Counter[tuple[str, str]] = Counter()
    of_household: Counter[tuple[str, str]] = Counter()
    before = ""
    for purchase in purchases:
        need = needs.get(purchase.demand_id)
        what = f"the purchase for demand {purchase.demand_id!r}"
        if need is None or purchase.demand_id <= before:
            lie("PURCHASE", f"{what}: it does not take part, comes twice, or is out of order")
        before = purchase.demand_id
        if (purchase.household_id, purchase.item) != (need.household_id, need.item):
            lie("PURCHASE", f"{what}: household or item is another")
        paid_by = [payment.fund_id for payment in purchase.payments]
        amounts = [payment.amount_fen for payment in purchase.payments]
        whole = all(type(number) is int and number > 0 for number in (purchase.quantity, *amounts))
        if not whole or any(one >= other for one, other in pairwise(paid_by)):
            lie("PURCHASE", f"{what}: quantities and amounts are whole and above nothing, each fund comes once")
        if "money" not in need.accepts:
            lie("SCOPE", f"{what}: it does not accept money")
        valid = [
            price.price_fen
            for price in prices
            if (price.item, price.unit) == (need.item, need.unit)
            and price.valid_from <= problem.as_of
            and (price.valid_to is None or problem.as_of <= price.valid_to)
        ]
        if valid != [purchase.price_fen]:
            lie("PRICE", f"{what}: that is not the price of the day")
        if sum(amounts) != purchase.quantity * purchase.price_fen:
            lie("PRICE", f"{what}: {sum(amounts)} fen for {purchase.quantity} at {purchase.price_fen}")
        for payment in purchase.payments:
            fund = funds.get(payment.fund_id)
            if fund is None or payment.sponsor_id != fund.sponsor_id:
                lie("PURCHASE", f"{what}: fund {payment.fund_id!r} is not there, or of another sponsor")
            if not _is_for(fund, need, problem.as_of):
                lie("SCOPE", f"{what}: fund {fund.id!r} is not for it, or not open")
            spent[fund.id] += payment.amount_fen
            of_need[fund.id, need.id] += payment.amount_fen
            of_household[fund.id, need.household_id] += payment.amount_fen
    for fund_id, fen in spent.items():
        if fen > funds[fund_id].balance_fen:
            lie("BALANCE", f"fund {fund_id!r} pays {fen} fen of {funds[fund_id].balance_fen}")
    for counted, cap in ((of_need, "need_cap_fen"), (of_household, "household_cap_fen")):
        for (fund_id, _), fen in counted.items():
            most = getattr(funds[fund_id], cap)
            if most is not None and fen > most:
                lie("CAP", f"fund {fund_id!r} pays {fen} fen where {most} are the most")


def _is_for(fund: Any, need: Any, as_of: date) -> bool:
    inside = not fund.only_areas or any((need.place.code or "").startswith(area) for area in fund.only_areas)
    return bool(
        fund.opens_on <= as_of
        and (fund.closes_on is None or as_of <= fund.closes_on)
        and (not fund.only_categories or need.category in fund.only_categories)
        and (not fund.only_items or need.item in fund.only_items)
        and (fund.only_project is None or fund.only_project == need.project)
        and inside
    )


def proven_gaps(
    problem: Problem,
    policy: Policy,
    levels: Sequence[LevelDefinition],
    decided: Decided,
    certificate: IntegerCertificate,
) -> list[int]:
    """How far each level may be from its optimum, by the certificate.

    Parameters
    ----------
    problem, policy, levels
        What is to be matched, how to choose, and the levels.
    decided
        The matching.
    certificate
        The proof.

    Returns
    -------
    A gap ≥ 0 a level, among matchings that are at least as good on the levels above.

    Raises
    ------
    VerificationError
        ``CERTIFICATE`` if the proof is none.
    """
    return _Prover(problem, policy, levels, decided, certificate).gaps()


class _Prover:
    def __init__(
        self,
        problem: Problem,
        policy: Policy,
        levels: Sequence[LevelDefinition],
        decided: Decided,
        certificate: IntegerCertificate,
    ) -> None:
        self.policy, self.levels, self.d, self.certificate = policy, levels, decided, certificate
        demands, supplies = problem.admission().demands, problem.admission().supplies
        funds = () if problem.money is None else problem.money.open
        n, m = len(demands), len(supplies) + len(funds)
        self.demands, self.supplies, self.funds = n, m, len(funds)
        load_of = problem.load(policy)
        capacity = [*(problem.capacity(supply) for supply in supplies), *(None for _ in funds)]
        i, j = decided.i, decided.j
        paid = j >= len(supplies)

        def loads(rows: Ints, columns: Ints, metric: Ints) -> Ints:
            found = [
                load_of(demands[a], supplies[b], c)
                for a, b, c in zip(rows.tolist(), columns.tolist(), metric.tolist(), strict=True)
            ]
            return np.array(found, dtype=np.int64)

        carries = any(one is not None for one in capacity)
        self.load = np.zeros(len(i), dtype=np.int64)
        if carries:
            self.load[~paid] = loads(i[~paid], j[~paid], decided.metric[~paid]) * decided.serves[~paid]
        self.pinned_load, self.pinned = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
        if carries:
            each = loads(decided.pin_i, decided.pin_j, decided.pin_metric)
            np.add.at(self.pinned_load, decided.pin_j, each * decided.pin_units)
        np.add.at(self.pinned, decided.pin_j, decided.pin_used)
        pinned_at = np.zeros(n, dtype=np.int64)
        np.add.at(pinned_at, decided.pin_i, decided.pin_units)
        self.room = np.array([_ENDLESS if c is None else c for c in capacity], dtype=np.int64) - self.pinned_load

        # what values a pair, a demand's share and a supply's share may have, but nothing
        single = [1] * len(funds)
        pack = np.array([*(getattr(s, "pack_size", 1) for s in supplies), *single], dtype=np.int64)[j]
        lot = np.array([*(getattr(s, "min_lot", 1) for s in supplies), *single], dtype=np.int64)[j]
        width = max(m, 1)
        fixed = np.isin(i * width + j, decided.pin_i * width + decided.pin_j)
        fen = self._money(problem, demands, funds, i, j - len(supplies))
        self._parts(problem, demands, supplies, i, j)
        wanted = np.where(paid, fen, decided.asked[i] // np.maximum(decided.serves, 1))
        wanted = np.where(self.each > 0, decided.asked[i] * self.each, wanted)
        most = np.minimum(wanted, decided.offered[j] // decided.takes)
        if problem.pair_limit is not None:
            most = np.minimum(most, problem.pair_limit)
        heavy = np.flatnonzero(self.load)
        most[heavy] = np.minimum(most[heavy], self.room[j[heavy]] // self.load[heavy])
        # so many batches make whole packs
        pack = pack // np.gcd(pack, decided.takes)
        self.step, self.last = pack, most // pack * pack
        self.first = np.where(fixed, pack, -(-lot // (pack * decided.takes)) * pack)
        self.last = np.where(self.last < self.first, 0, self.last)
        reach, stock = np.zeros(n, dtype=np.int64), np.zeros(m, dtype=np.int64)
        np.add.at(reach, i, self.last * decided.serves)
        np.add.at(stock, j, self.last * decided.takes)
        purse = np.zeros(n, dtype=np.int64)
        np.add.at(purse, i[paid], self.last[paid])
        self.bought_last = np.where(self.price > 0, np.minimum(decided.asked, purse // np.maximum(self.price, 1)), 0)
        reach += self.bought_last
        inside = np.zeros(len(self.part_demand), dtype=np.int64)
        np.add.at(inside, self.part_of_pair[self.each > 0], self.last[self.each > 0])
        self.made_last = np.where(np.isin(np.arange(n), self.part_demand), decided.asked, 0)
        np.minimum.at(self.made_last, self.part_demand, inside // np.maximum(self.part_each, 1))
        reach += self.made_last
        asks = decided.asked + pinned_at
        whole = np.array([d.whole for d in demands], dtype=np.bool_)
        least = np.array([getattr(d, "min_quantity", 1) for d in demands], dtype=np.int64) - pinned_at
        self.served_first = np.where(whole, np.maximum(decided.asked, 1), np.maximum(least, 1))
        self.served_last = np.minimum(decided.asked, reach)
        self.served_last[self.served_last < self.served_first] = 0
        nothing = np.zeros(len(funds), dtype=np.int64)
        self.minimum = np.append(np.array([getattr(s, "min_persons", 0) for s in supplies], dtype=np.int64), nothing)
        must = (policy.min_load == "hard") & (self.pinned == 0)
        self.given_first = np.where(must, np.maximum(self.minimum, 1), 1)
        self.given_last = np.minimum(decided.offered, stock)
        self.given_last[self.given_last < self.given_first] = 0

        # shipments
        donors = sorted((d for d in problem.donors if d.max_shipments is not None), key=lambda d: d.id)
        group_of = {donor.id: group for group, donor in enumerate(donors)}
        group = np.array([group_of.get(getattr(s, "donor_id", ""), -1) for s in supplies], dtype=np.int64)
        group = np.append(group, np.full(len(funds), -1))
        self.group = np.where(fixed, -1, group[j])
        self.group_of_supply = group
        used = np.bincount(group[decided.pin_j][group[decided.pin_j] >= 0], minlength=len(donors))
        self.shipments = np.array([d.max_shipments for d in donors], dtype=np.int64) - used

        # levels of what a supply does in all
        self.unmet = [np.array([level.unmet_cost(d) for d in demands], dtype=np.int64) for level in levels]
        persons = policy.balance == "total" and any(problem.capacity(s) is None for s in problem.supplies)
        by_load = np.array([c is not None and not persons for c in capacity], dtype=np.bool_)
        self.by_load = by_load
        self.most = np.array(
            [
                c if of_load else getattr(s, "max_persons", 0)
                for c, of_load, s in zip(capacity, by_load, [*supplies, *funds], strict=True)
            ],
            dtype=np.int64,
        )
        self.before = np.where(by_load, self.pinned_load, self.pinned)
        self.common = int(
            max(
                (-(-1000 * b // t) for b, t in zip(self.before.tolist(), self.most.tolist(), strict=True) if t),
                default=0,
            )
        )
        fair: Mapping[str, int] = {}
        if policy.balance == "total" and any(level.name == "balance" for level in levels):
            fair = problem.fair_shares(policy)
        self.below = np.append(np.array([fair.get(s.id, 0) for s in supplies], dtype=np.int64), nothing) - self.before
        self._count(demands, asks, pinned_at)
        self.bought_costs = [
            np.array([0 if level.bought_cost is None else level.bought_cost(d) for d in demands], dtype=np.int64)
            for level in levels
        ]

        # what was decided
        self.served, self.given, self.loaded = (np.zeros(k, dtype=np.int64) for k in (n, m, m))
        np.add.at(self.served, i, decided.units * decided.serves)
        self.served += decided.bought
        sent = np.zeros(len(self.part_demand), dtype=np.int64)
        np.add.at(sent, self.part_of_pair[self.each > 0], decided.units[self.each > 0])
        made = np.zeros(n, dtype=np.int64)
        made[self.part_demand] = sent // np.maximum(self.part_each, 1)
        self.served += made
        np.add.at(self.given, j, decided.units * decided.takes)
        np.add.at(self.loaded, j, decided.units * self.load)
        self.supply_costs = [
            np.zeros(m, dtype=np.int64)
            if level.supply_cost is None
            else np.array(
                [
                    level.supply_cost(s, units, load)
                    for s, units, load in zip(
                        supplies,
                        (self.given + self.pinned).tolist(),
                        (self.loaded + self.pinned_load).tolist(),
                        strict=False,  # funds follow, and carry nothing
                    )
                ]
                + [0] * len(funds),
                dtype=np.int64,
            )
            for level in levels
        ]

    def _parts(self, problem: Problem, demands: Sequence[Any], supplies: Sequence[Any], i: Ints, j: Ints) -> None:
        """Components of kits: a row for each need and component, and which pair is of which."""
        found = [
            (row, kind, each)
            for row, demand in enumerate(demands)
            for kind, each in sorted(problem.components(demand).items())
        ]
        self.part_demand = np.array([row for row, _, _ in found], dtype=np.int64)
        self.part_each = np.array([each for _, _, each in found], dtype=np.int64)
        number = {(row, kind): place for place, (row, kind, _) in enumerate(found)}
        self.part_of_pair = np.full(len(i), -1, dtype=np.int64)
        if found:
            kinds = [problem.supply_side.item(supply) for supply in supplies]
            ends = zip(i.tolist(), j.tolist(), strict=True)
            places = [number.get((a, kinds[b]), -1) if b < len(kinds) else -1 for a, b in ends]
            self.part_of_pair = np.array(places, dtype=np.int64)
        self.each = np.zeros(len(i), dtype=np.int64)
        inside = self.part_of_pair >= 0
        self.each[inside] = self.part_each[self.part_of_pair[inside]]

    def _money(self, problem: Problem, demands: Sequence[Any], funds: Sequence[Any], i: Ints, fund: Ints) -> Ints:
        """Most fen on each pair with a fund, 0 on others; prices, and the caps that needs of a household share."""
        money = problem.money
        prices = [0 if money is None or "money" not in d.accepts else money.price_of(d) or 0 for d in demands]
        self.price = np.array(prices, dtype=np.int64)
        fen = np.zeros(len(i), dtype=np.int64)
        self.cap_of_pair = np.full(len(i), -1, dtype=np.int64)
        sharing: dict[tuple[int, str], list[int]] = {}
        for place in np.flatnonzero(fund >= 0).tolist():
            need, payer = demands[i[place]], funds[fund[place]]
            limits = [payer.balance_fen, prices[i[place]] * int(self.d.asked[i[place]])]
            limits += [cap for cap in (payer.need_cap_fen, payer.household_cap_fen) if cap is not None]
            fen[place] = min(limits)
            if payer.household_cap_fen is not None:
                sharing.setdefault((int(fund[place]), str(need.household_id)), []).append(place)
        shared = sorted((key, places) for key, places in sharing.items() if len(places) > 1)
        self.caps = np.array([funds[f].household_cap_fen for (f, _), _ in shared], dtype=np.int64)
        self.cap_fund = np.array([f for (f, _), _ in shared], dtype=np.int64)
        for number, (_, places) in enumerate(shared):
            self.cap_of_pair[places] = number
        return fen

    def _count(self, demands: Sequence[Any], asks: Ints, pinned_at: Ints) -> None:
        """Groups that levels count and that pins leave open: their demands, and whether they are met in full."""
        rest = self.d.asked
        self.full_level = np.full(len(demands), -1, dtype=np.int64)
        self.full_last = (self.served_last >= rest) & (rest > 0)
        self.group_level: list[int] = []
        self.group_members: list[Ints] = []
        for row, level in enumerate(self.levels):
            if level.counted is None:
                continue
            members: dict[tuple[str, ...], list[int]] = {}
            for i, demand in enumerate(demands):
                key = level.counted.key(demand)
                if key is not None:
                    members.setdefault(key, []).append(i)
            for _, rows in sorted(members.items()):
                here = np.array(rows, dtype=np.int64)
                begun = level.counted.completed or bool(pinned_at[here].any())
                # where the group is one demand met in full, or pins count already, there is no row of it
                self.group_level.append(-1 if begun else row)
                self.group_members.append(here)
                if level.counted.completed and rest[rows[0]]:
                    self.full_level[rows[0]] = row

    def gaps(self) -> list[int]:
        i, j = self.d.i, self.d.j
        proof = self.certificate
        of_demand, of_supply = (side.ravel() for side in (proof.demand_component, proof.supply_component))
        if (len(of_demand), len(of_supply)) != (self.demands, self.supplies) or len(proof.levels) != len(self.levels):
            lie("CERTIFICATE", "the certificate is for other demands, supplies or levels")
        count = 1 + int(max(of_demand.max(initial=-1), of_supply.max(initial=-1)))
        open_pair = self.last > 0
        closed = (self.group >= 0) & open_pair
        of_group = np.full(len(self.shipments), -2, dtype=np.int64)
        of_group[self.group[closed]] = of_supply[j[closed]]
        apart = of_demand[i] != of_supply[j]
        # groups whose lots are decided apart: a multiplier for all of them would prove nothing
        self.scattered = np.zeros(len(self.shipments), dtype=np.bool_)
        several = closed & (of_group[self.group] != of_supply[j]) if closed.any() else closed
        self.scattered[self.group[several]] = True
        if (apart | (open_pair & (of_demand[i] < 0))).any():
            lie("CERTIFICATE", "the certificate takes apart what is connected")
        pairs = rows_of(of_demand[i], count)
        demands, supplies = rows_of(of_demand, count), rows_of(of_supply, count)
        groups = rows_of(of_group, count)
        caps = rows_of(of_supply[self.cap_fund + self.supplies - self.funds], count)
        counted = rows_of(self._component_of_groups(of_demand), count)
        parts = [_Piece(*one) for one in zip(pairs, demands, supplies, groups, caps, counted, strict=True)]
        gaps: list[int] = []
        tops: list[int] = []
        reached = [[self._reached(part, row) for row in range(len(self.levels))] for part in parts]
        for row, level in enumerate(self.levels):
            trees = proof.levels[row]
            if [tree.component for tree in trees] != list(range(count)):
                lie("CERTIFICATE", "the certificate leaves out a component")
            bounds = []
            for part, own, tree in zip(parts, reached, trees, strict=True):
                budgets = [tops[h] if self.levels[h].largest else own[h] for h in range(row)]
                bounds.append(min(self._bound(part, row, budgets, tree), own[row]))
            # where a level above has a gap, so many units may move from one component to another
            lost = 0
            for h, gap in enumerate(gaps):
                if gap and count > 1 and not self.levels[h].largest:
                    # each costs a bound no more than its multiplier, and one more for the rounding
                    dearest = max(Fraction(int(tree.above[:, h].max()), tree.scale) for tree in trees)
                    lost += ceil(gap * (dearest + 1)) if dearest else 0
            values = [own[row] for own in reached]
            start = self.common if level.largest else 0
            tops.append(max(values, default=start))
            gap = tops[-1] - max(bounds, default=start) if level.largest else sum(values) - sum(bounds)
            gaps.append(gap + lost)
        return gaps

    def _component_of_groups(self, of_demand: Ints) -> Ints:
        """Component of each group that a level counts; −1 where none of its demands has a pair, or no row is of it."""
        found = np.full(len(self.group_level), -1, dtype=np.int64)
        for number, (level, members) in enumerate(zip(self.group_level, self.group_members, strict=True)):
            inside = np.unique(of_demand[members][of_demand[members] >= 0])
            if level >= 0 and len(inside) > 1:
                lie("CERTIFICATE", "the certificate takes apart what is connected")
            if level >= 0 and len(inside):
                found[number] = inside[0]
        return found

    def _reached(self, part: _Piece, row: int) -> int:
        """Value of a level in a component, pinned units left out of costs of pairs."""
        level = self.levels[row]
        if level.largest:
            return int(max(self.supply_costs[row][part.supplies].max(initial=0), self.common))
        left = (self.d.asked - self.served)[part.demands].astype(object)
        value = (left * self.unmet[row][part.demands]).sum()
        value += (self.d.units[part.pairs].astype(object) * self.d.costs[row][part.pairs]).sum()
        value += (self.d.bought[part.demands].astype(object) * self.bought_costs[row][part.demands]).sum()
        a = part.demands
        met = (self.full_level[a] == row) & (self.served[a] >= self.d.asked[a])
        value -= int(met.sum())
        value -= sum(
            self.group_level[g] == row and bool(self.served[self.group_members[g]].any()) for g in part.counted.tolist()
        )
        return int(value + self.supply_costs[row][part.supplies].sum())

    def _bound(self, part: _Piece, row: int, budgets: Sequence[int], tree: TreeProof) -> int:
        """The least of the leaves."""
        leaves = len(tree.multipliers)
        if tree.scale < 1 or not leaves or len(tree.above) != leaves:
            lie("CERTIFICATE", "a tree has no leaf")
        if tree.multipliers.shape[1] != len(tree.rows) or (row and tree.above.shape[1] != row):
            lie("CERTIFICATE", "a leaf has other multipliers")
        if (tree.above < 0).any() or (tree.rows.size and tree.rows.shape[1] != 2):
            lie("CERTIFICATE", "a multiplier has the wrong sign")
        seen: set[int] = set()
        bounds = []
        start = 0 if len(tree.splits) else -1
        stack: list[tuple[int, tuple[tuple[int, int, int, bool], ...]]] = [(start, ())]
        visited: set[int] = set()
        while stack:
            node, case = stack.pop()
            if node < 0:
                leaf = -1 - node
                if leaf >= leaves or leaf in seen:
                    lie("CERTIFICATE", "a tree has a leaf twice")
                seen.add(leaf)
                above = tree.above[leaf] if row else np.zeros(0, dtype=np.int64)
                bounds.append(self._leaf(part, row, budgets, tree, tree.multipliers[leaf], above, case))
                continue
            if node >= len(tree.splits) or node in visited:
                lie("CERTIFICATE", "a tree has a case twice")
            visited.add(node)
            i, j, threshold, below, over = tree.splits[node].tolist()
            stack += [(below, (*case, (i, j, threshold, False))), (over, (*case, (i, j, threshold, True)))]
        return min(bounds)

    def _leaf(
        self,
        part: _Piece,
        row: int,
        budgets: Sequence[int],
        tree: TreeProof,
        multipliers: Ints,
        above: Ints,
        case: Sequence[tuple[int, int, int, bool]],
    ) -> int:
        scale = tree.scale
        y = {kind: np.zeros(size, dtype=object) for kind, size in enumerate(self._sizes())}
        for (kind, node), value in zip(tree.rows.tolist(), multipliers.tolist(), strict=True):
            if kind not in y or not 0 <= node < len(y[kind]) or (kind == _SHIPMENTS and self.scattered[node]):
                lie("CERTIFICATE", "a multiplier of nothing")
            if (value > 0 and kind not in _UPWARDS) or (value < 0 and kind == _LARGEST):
                lie("CERTIFICATE", "a multiplier has the wrong sign")
            y[kind][node] += value
        weights = [(h, int(w)) for h, w in enumerate(above.tolist()) if w and not self.levels[h].largest]
        if not self.levels[row].largest:
            weights.append((row, scale))
        limit = [  # shares above the common one that the levels above allow
            (budgets[h] - self.common) for h, level in enumerate(self.levels[:row]) if level.largest
        ]
        total = sum(-w * budgets[h] for h, w in weights if h != row)

        i, j, exact = self.d.i[part.pairs], self.d.j[part.pairs], self._kind_of_pairs(part, y, weights)
        of = {kind: values.astype(exact) for kind, values in y.items() if kind in _OF_PAIRS}
        load, by_load = self.load[part.pairs].astype(exact), self.by_load.astype(exact)
        serves, takes = self.d.serves[part.pairs].astype(exact), self.d.takes[part.pairs].astype(exact)
        cost = -serves * of[_SERVED][i] - takes * of[_GIVEN][j] - load * of[_LOAD][j]
        cost = cost - np.where(self.d.j[part.pairs] >= self.supplies - self.funds, of[_BOUGHT][i], 0)
        component = self.part_of_pair[part.pairs]
        cost[component >= 0] = cost[component >= 0] - of[_PART][component[component >= 0]]
        cap = self.cap_of_pair[part.pairs]
        cost[cap >= 0] = cost[cap >= 0] - of[_CAP][cap[cap >= 0]]
        cost = cost - load * by_load[j] * (1000 * of[_SHARE] + of[_OVER])[j]
        group = self.group[part.pairs]
        use = np.zeros(len(group), dtype=exact)
        use[group >= 0] = -of[_SHIPMENTS][group[group >= 0]]
        by_load = by_load.astype(object)
        a, b = part.demands, part.supplies
        served = y[_SERVED][a] + y[_FULL][a]
        rows = np.zeros(self.demands, dtype=object)
        np.add.at(rows, self.part_demand, self.part_each.astype(object) * y[_PART])
        made = rows[a] - y[_SERVED][a]
        full = -self.d.asked[a].astype(object) * y[_FULL][a]
        group = -y[_GROUP][part.counted]
        groups_of = np.zeros(self.demands, dtype=object)
        for g in part.counted.tolist():
            groups_of[self.group_members[g]] += y[_GROUP][g]
        served = served + groups_of[a]
        bought = self.price[a].astype(object) * y[_BOUGHT][a] - y[_SERVED][a]
        pinned = (self.pinned[b] > 0).astype(object)
        given = y[_GIVEN][b] + y[_SHORTFALL][b]
        given = given - (1 - by_load[b]) * (1000 * y[_SHARE] + y[_OVER])[b]
        given_use = -(1 - pinned) * self.minimum[b] * y[_SHORTFALL][b]
        missing = np.where(self.pinned[b] > 0, np.maximum(0, self.minimum[b] - self.pinned[b]), self.minimum[b]).astype(
            object
        )
        short = np.where(self.pinned[b] > 0, -y[_SHORTFALL][b], y[_SHORTFALL][b])
        share = self.most[b].astype(object) * y[_SHARE][b] + y[_LARGEST][b]
        over = y[_OVER][b]
        for h, weight in weights:
            level = self.levels[h]
            cost = cost + weight * self.d.costs[h][part.pairs].astype(exact)
            bought = bought + weight * self.bought_costs[h][a].astype(object)
            full = full - np.where(self.full_level[a] == h, weight, 0)
            group = group - np.array([weight if self.group_level[g] == h else 0 for g in part.counted.tolist()], object)
            served = served - weight * self.unmet[h][a].astype(object)
            total += weight * int((self.unmet[h][a].astype(object) * self.d.asked[a]).sum())
            if level.name == "minimum-loads":
                short = short + np.where(self.pinned[b] > 0, -weight, weight)
                total += weight * int((pinned * missing).sum())
            elif level.name == "balance":
                below = self.below[b].astype(object)
                total += weight * int(np.abs(below).sum())
                sign = np.where(below > 0, -weight, weight)
                signs = np.zeros(self.supplies, dtype=object)
                signs[b] = sign
                cost = cost + load * (by_load * signs).astype(exact)[j]
                given = given + (1 - by_load[b]) * sign
                over = over + np.where(below > 0, 2 * weight, 0)

        # limits of the rows
        room = self.room[b].astype(object)
        total += int((y[_LOAD][b] * np.where(y[_LOAD][b] != 0, room, 0)).sum())
        if (y[_LOAD][b] * (room > _ENDLESS // 2)).any():
            lie("CERTIFICATE", "a multiplier of nothing")
        total += int((y[_CAP][part.caps] * self.caps[part.caps]).sum()) if len(part.caps) else 0
        total += int((y[_SHIPMENTS][part.groups] * self.shipments[part.groups]).sum()) if len(part.groups) else 0
        slack = self.most[b].astype(object) * self.common - 1000 * self.before[b].astype(object)
        total += int((y[_SHARE][b] * slack).sum() + (y[_OVER][b] * self.below[b]).sum())

        low, high = np.zeros(len(part.pairs), dtype=np.int64), self.last[part.pairs].copy()
        a_low, a_high = np.zeros(len(a), dtype=np.int64), self.served_last[a].copy()
        b_low, b_high = np.zeros(len(b), dtype=np.int64), self.given_last[b].copy()
        k_low, k_high = np.zeros(len(a), dtype=np.int64), self.made_last[a].copy()
        c_low, c_high = np.zeros(len(a), dtype=np.int64), self.bought_last[a].copy()
        for one, other, threshold, more in case:
            if one >= 0 and other >= 0:
                lows, highs, at = low, high, np.flatnonzero((i == one) & (j == other))
            elif one >= 0 and other == -3:
                lows, highs, at = k_low, k_high, np.flatnonzero(a == one)
            elif one >= 0 and other == -2:
                lows, highs, at = c_low, c_high, np.flatnonzero(a == one)
            elif one >= 0:
                lows, highs, at = a_low, a_high, np.flatnonzero(a == one)
            else:
                lows, highs, at = b_low, b_high, np.flatnonzero(b == other)
            if more:
                lows[at] = np.maximum(lows[at], threshold + 1)
            else:
                highs[at] = np.minimum(highs[at], threshold)
            if not len(at) and more:
                return _ENDLESS  # what is not there cannot be used
        pieces: list[tuple[Exact, Any, Ints, Any, Ints, Ints]] = [
            (cost, use, self.first[part.pairs], self.step[part.pairs], low, high),
            (served, 0, self.served_first[a], 1, a_low, a_high),
            (given, given_use, self.given_first[b], 1, b_low, b_high),
            (bought, 0, np.ones(len(a), dtype=np.int64), 1, c_low, c_high),
            (made, 0, np.ones(len(a), dtype=np.int64), 1, k_low, k_high),
        ]
        packed = np.unique(tree.packed)
        if len(packed) and not 0 <= packed[0] <= packed[-1] < self.supplies:
            lie("CERTIFICATE", "a supply that is none is packed")
        kept = np.isin(b, packed)  # supplies whose pairs, number of pairs and shortfall are chosen together
        everybody = np.ones(len(a), dtype=np.bool_)
        apart = [~np.isin(j, packed), everybody, ~kept, everybody, everybody]
        limits = []
        for (price, fee, first, step, lows, highs), alone in zip(pieces, apart, strict=True):
            start = np.maximum(first, -(-lows // step) * step)
            end = highs // step * step
            empty = end < start
            if (empty & (lows > 0)).any() or (highs < 0).any():
                return _ENDLESS
            best = fee + np.minimum(price * start, price * end)
            best = np.where(lows > 0, best, np.where(empty, 0, np.minimum(best, 0)))
            total += summed(best[alone])
            limits.append((start, end))
        if kept.any():
            by_supply = np.argsort(j, kind="stable")
            starts, stops = np.searchsorted(j[by_supply], b), np.searchsorted(j[by_supply], b + 1)
            carried, step, cut = self.load[part.pairs], self.step[part.pairs], self.d.takes[part.pairs]
            several = (self.last[part.pairs] > 1) | (cut > 1) | (self.group[part.pairs] >= 0)
            for k in np.flatnonzero(kept).tolist():
                here = by_supply[starts[k] : stops[k]]
                few, most = int(limits[2][0][k]), int(limits[2][1][k])
                # where pairs are one unit each and never charged, as many are served as there are pairs
                shares = bool(several[here].any())
                if shares and (most + 1) * (1 + int((high[here] // step[here]).sum())) > _LINES:
                    lie("CERTIFICATE", "a supply that has too much to be kept whole")
                tail = [
                    given[k] * c
                    + (given_use[k] if c else 0)
                    + short[k] * self._short(int(b[k]), c, int(missing[k]), short[k] < 0)
                    if few <= c <= most or (not c and b_low[k] <= 0)
                    else None
                    for c in range((most if shares else len(here)) + 1)
                ]
                if shares:
                    units = limits[0][0][here], limits[0][1][here], step[here]
                    chosen = _shares(cost[here], use[here], *units, cut[here], low[here] > 0, tail)
                else:
                    chosen = _choice(
                        cost[here], carried[here], int(self.room[b[k]]), low[here], limits[0][1][here], tail
                    )
                if chosen is None:
                    return _ENDLESS
                total += chosen
        for price, last, alone in (
            (short, missing, ~kept),
            (full, ((self.full_level >= 0) & self.full_last)[a].astype(object), np.ones(len(a), dtype=np.bool_)),
            (group, np.ones(len(part.counted), dtype=object), np.ones(len(part.counted), dtype=np.bool_)),
            (
                share,
                np.full(len(b), max(0, min([1000 - self.common, *limit])), dtype=object),
                np.ones(len(b), dtype=np.bool_),
            ),
            (
                over,
                np.maximum(0, self.most[b] - np.maximum(self.below + self.before, 0)[b]).astype(object),
                np.ones(len(b), dtype=np.bool_),
            ),
        ):
            total += int(np.minimum(0, price * last)[alone].sum()) if alone.any() else 0
        if self.levels[row].largest:
            weight = int(y[_LARGEST][b].sum()) if len(b) else 0
            total += scale * self.common + min(0, (scale - weight) * max(0, 1000 - self.common))
        return -(-total // scale)

    def _short(self, supply: int, units: int, missing: int, wanted: bool) -> int:
        """What misses to a supply's minimum, or of a supply with pins what is mended: as much as may be if wanted."""
        if self.pinned[supply] > 0:
            return min(units, missing) if wanted else 0
        if wanted:
            return missing
        return max(0, int(self.minimum[supply]) - units) if units else 0

    def _kind_of_pairs(self, part: _Piece, y: Mapping[int, Exact], weights: Sequence[tuple[int, int]]) -> Any:
        """What prices of pairs are kept in: 64 bits where no price of any pair leaves them, else Python's integers."""
        # multipliers of what no pair has must fit, too
        load = max(1, largest(self.load[part.pairs]))
        of = {
            _SERVED: max(1, largest(self.d.serves[part.pairs])),
            _GIVEN: max(1, largest(self.d.takes[part.pairs])),
            _LOAD: load,
            _SHARE: 1000 * load,
            _OVER: load,
        }
        price = sum(largest(y[kind]) * of.get(kind, 1) for kind in _OF_PAIRS)
        # a level of balance weighs loads
        price += sum(weight * (largest(self.d.costs[h][part.pairs]) + load) for h, weight in weights)
        return np.int64 if price * (1 + largest(self.last[part.pairs])) < SAFE else object

    def _sizes(self) -> tuple[int, ...]:
        n, m, parts = self.demands, self.supplies, len(self.part_demand)
        return (n, m, m, m, len(self.shipments), m, m, m, n, len(self.caps), n, len(self.group_level), parts)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A component: its pairs, demands, supplies, groups of supplies, caps that needs share, groups that count."""

    pairs: Ints
    demands: Ints
    supplies: Ints
    groups: Ints
    caps: Ints
    counted: Ints


def _shares(
    price: Exact, fee: Exact, first: Ints, last: Ints, step: Ints, takes: Ints, must: Bools, tail: Sequence[Any]
) -> int | None:
    """Least price of what a lot sends, each pair from `first` to `last` units or nothing; None if nothing fits.

    The tail says what each number of the lot's units costs besides, and has None where it may not be. A line of the
    best price of each number is drawn pair by pair.
    """
    room = len(tail) - 1
    may = (first <= last) & (takes * first <= room)
    each = tail[-1] // room if room and tail[-1] is not None else 0
    if all(one == each * number for number, one in enumerate(tail)):
        # where every unit costs the same besides, what does not pay for itself is left out
        own = price + each * takes.astype(object)
        may &= fee + np.minimum(own * first, own * last) < 0
    some = np.flatnonzero(must | may)
    largest = (np.abs(price[some].astype(float)) * last[some] + np.abs(fee[some].astype(float))).sum()
    kind = np.int64 if largest < 2**59 else object
    never = 2**61 if kind is np.int64 else 2**200
    line = np.full(room + 1, never, dtype=kind)
    line[0] = 0
    # of pairs that may take the same, the stock is enough for so many of the cheapest
    order = sorted(some.tolist(), key=lambda at: (last[at], first[at], step[at], takes[at], fee[at], price[at]))
    before: tuple[int, ...] = ()
    count = 0
    for at in order:
        same = (int(last[at]), int(first[at]), int(step[at]), int(takes[at]), int(fee[at]))
        count = count + 1 if same == before else 1
        before = same
        if not must[at] and count > room // max(1, int(takes[at] * first[at])):
            continue
        after = np.full(room + 1, never, dtype=kind) if must[at] else line.copy()
        for units in range(int(first[at]), int(last[at]) + 1, int(step[at])):
            cut = units * int(takes[at])
            if cut <= room:
                paid = int(price[at]) * units + int(fee[at])
                after[cut:] = np.minimum(after[cut:], line[: room + 1 - cut] + paid)
        line = np.minimum(after, never)
    ends = zip(line.tolist(), tail, strict=True)
    found = [int(one) + end for one, end in ends if end is not None and one < never // 2]
    return min(found, default=None)


def _choice(price: Exact, load: Ints, room: int, low: Ints, high: Ints, tail: Sequence[Any]) -> int | None:
    """Least price of pairs, each once, whose loads fit together, and of how many they are; None if nothing fits.

    The tail says what each number of pairs costs besides them, and has None where it may not be.
    """
    must = low > 0
    base, have = sum(price[must].tolist()), int(must.sum())
    room -= int(load[must].sum())
    tail = list(tail[have:])
    while tail and tail[-1] is None:
        tail.pop()
    if room < 0 or not tail:
        return None
    free = sorted(np.flatnonzero(~must & (high > 0) & (load <= room)).tolist(), key=lambda at: (load[at], price[at]))
    room = min(room, int(load[free].sum()))
    if all(one == tail[0] for one in tail) and len(tail) > len(free):
        # whatever their number
        line = np.zeros(room + 1, dtype=object)
        for at in free:
            if price[at] < 0:
                cut = int(load[at])
                line[cut:] = np.minimum(line[cut:], line[: room + 1 - cut] + price[at])
        return int(base + tail[0] + line[room])
    number, taken, last = len(tail) - 1, 0, -1
    unit = max(1, int(np.gcd.reduce(load[free], initial=0)))
    room //= unit
    small = sum(abs(one) for one in price[free].tolist()) < 2**59
    never = 2**61 if small else 2**200
    line = np.full((number + 1, room + 1), never, dtype=np.int64 if small else object)
    line[0] = 0
    for at in free:
        # of pairs of one load only the cheapest can matter, as many as may be at all
        taken = taken + 1 if load[at] == last else 1
        last = load[at]
        if taken <= number:
            cut = int(load[at]) // unit
            line[1:, cut:] = np.minimum(line[1:, cut:], line[:-1, : room + 1 - cut] + int(price[at]))
    found = [
        int(best) + one
        for best, one in zip(line[:, room].tolist(), tail, strict=True)
        if one is not None and best < never // 2
    ]
    return base + min(found) if found else None
