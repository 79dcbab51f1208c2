"""Tiny giving problems with everything goods and money can have, and their optima by trying everything.

Nothing of the library's own thinking is used: the rules are written down again from the documentation.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from math import gcd
from typing import Any

import numpy as np
from tests.instances import DAY, lot, need, pin, place
from tests.oracles import metres

import aidmatch as am
from aidmatch.records.giving import Component, Kit, Substitute
from aidmatch.records.money import Fund, Price

Vector = tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """Units from lots, by need and lot; units of needs in them, and bought; fen, by need and fund."""

    goods: dict[tuple[int, int], int]
    given: list[int]
    bought: dict[int, int]
    paid: dict[tuple[int, int], int]

    def served(self, i: int) -> int:
        return self.given[i] + self.bought.get(i, 0)


@dataclass(frozen=True, repr=False)
class GoodsCase:
    """A problem and a policy."""

    problem: am.GivingProblem
    policy: am.Policy


class _Draw:
    """Random choices, one seed a case."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def pick(self, *options: Any) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def upto(self, most: int) -> int:
        return int(self.rng.integers(1, most + 1))

    def somewhere(self) -> am.Place:
        return place(lat=36 + 0.05 * int(self.rng.integers(3)), lon=116)

    def levels(self, *tail: str) -> tuple[str, ...]:
        names = [str(name) for name in self.rng.permutation(tail)]
        return ("coverage", *names[: self.upto(len(names))])


def goods_case(seed: int) -> GoodsCase:
    """Needs of projects that have waited for some time; lots for projects, that expire."""
    draw = _Draw(seed)
    pick = draw.pick
    needs = [
        need(
            f"n{i}",
            draw.upto(3),
            pick("A", "B"),
            place=draw.somewhere(),
            project=pick(None, None, "well", "school"),
            registered_on=DAY - timedelta(days=draw.upto(4)),
            household_id=f"h{draw.upto(3)}",
        )
        for i in range(draw.upto(3))
    ]
    lots = [
        lot(
            f"d{j}",
            draw.upto(3),
            place=draw.somewhere(),
            only_project=pick(None, None, "well", "school"),
            expires_on=pick(None, *(DAY + timedelta(days=days) for days in (-1, 0, 1, 2, 3))),
            producer_household_id=pick(None, "h1"),
        )
        for j in range(draw.upto(3))
    ]
    policy = am.Policy.giving(
        categories=("A", "B"),
        levels=draw.levels("expiry", "waiting", "distance"),
        delivery_days=pick(0, 1, 2),
        max_km=pick(None, 6.0),
    )
    return GoodsCase(am.GivingProblem(needs, lots, as_of=DAY), policy)


def substitute_case(seed: int, *, even: bool = False) -> GoodsCase:
    """Needs that take substitutes; with factors, packs, minimum lots and wholes, unless all is to be even."""
    draw = _Draw(seed)
    pick = draw.pick
    items = ("quilt", "coat", "rug")
    needs = [
        need(
            f"n{i}",
            quantity := draw.upto(4),
            pick("A", "B"),
            place=draw.somewhere(),
            item=pick(*items),
            substitutes=pick("none", "approved", "category"),
            whole=not even and pick(True, False, False),
            min_quantity=1 if even else pick(1, 1, draw.upto(quantity)),
        )
        for i in range(draw.upto(3))
    ]
    lots = []
    for j in range(draw.upto(3)):
        quantity = draw.upto(4)
        packs = {} if even else pick({}, {}, {"pack_size": draw.upto(quantity)}, {"min_lot": draw.upto(quantity)})
        lots.append(lot(f"d{j}", quantity, place=draw.somewhere(), item=pick(*items), **packs))
    rows = [
        Substitute(
            item=items[a],
            unit="piece",
            substitute=items[b],
            kind=pick("approved", "category"),
            takes=1 if even else pick(1, 1, 2, 3),
            stands_for=1 if even else pick(1, 1, 2),
            penalty=pick(0, 1, 3),
        )
        for a, b in ((0, 1), (0, 2), (1, 2))
        if pick(True, True, False)
    ]
    policy = am.Policy.giving(
        categories=("A", "B"), levels=draw.levels("as-requested", "distance"), max_km=pick(None, 6.0)
    )
    return GoodsCase(am.GivingProblem(needs, lots, as_of=DAY, substitutes=rows), policy)


def money_case(seed: int) -> GoodsCase:
    """Needs that accept money, some of them goods, too; small funds of all kinds that may have to be combined."""
    draw = _Draw(seed)
    pick = draw.pick
    items = ("quilt", "coat")
    needs = [
        need(
            f"n{i}",
            draw.upto(2),
            pick("A", "B"),
            place=place(pick("371501001001", "371502001001"), lat=36 + 0.05 * int(draw.rng.integers(3)), lon=116),
            item=pick(*items),
            accepts=pick(("money",), ("goods", "money"), ("goods", "money"), ("goods",)),
            project=pick(None, None, "well"),
            household_id=f"h{draw.upto(2)}",
            whole=pick(True, False, False),
        )
        for i in range(draw.upto(2))
    ]
    lots = [
        lot(f"d{j}", draw.upto(2), place=draw.somewhere(), item=pick(*items))
        for j in range(int(draw.rng.integers(0, 3)))
    ]
    funds = [
        Fund(
            id=f"f{k}",
            sponsor_id=pick("s", "t"),
            balance_fen=int(draw.rng.integers(0, 9)),
            opens_on=DAY - timedelta(days=pick(0, 0, 0, 9)),
            closes_on=pick(None, None, DAY, DAY, DAY + timedelta(days=draw.upto(9))),
            only_categories=pick((), (), (), ("A",)),
            only_areas=pick((), (), (), ("371502",)),
            only_items=pick((), (), (), ("coat",)),
            only_project=pick(None, None, None, "well"),
            need_cap_fen=pick(None, None, draw.upto(5)),
            household_cap_fen=pick(None, None, draw.upto(5)),
        )
        for k in range(draw.upto(3))
    ]
    if pick(True, False, False):
        late = {"opens_on": DAY + timedelta(days=1), "closes_on": None}
        over = {"opens_on": DAY - timedelta(days=9), "closes_on": DAY - timedelta(days=1)}
        funds[0] = replace(funds[0], **pick(late, over))
    prices = [
        Price(item=item, unit="piece", price_fen=draw.upto(4), valid_from=DAY, valid_to=pick(None, DAY))
        for item in items
        if pick(True, True, True, False)
    ]
    tail = ("in-kind", "restricted-first", "spending", "distance", "units", "first-items")
    policy = am.Policy.giving(
        categories=("A", "B"),
        levels=draw.levels(*tail),
        max_km=pick(None, 6.0),
        coverage_in=pick(None, None, "units", "needs", "households"),
    )
    decisions = []
    first = needs[0]
    if lots and "goods" in first.accepts and first.item == lots[0].item and pick(True, False):
        decisions = [pin("p", "n0", "d0", 1)]
    problem = am.GivingProblem(needs, lots, as_of=DAY, funds=funds, prices=prices, decisions=decisions)
    return GoodsCase(problem, policy)


def fair_case(seed: int) -> GoodsCase:
    """Households with several needs, some of the same kind, that may have waited, under every way of counting."""
    draw = _Draw(seed)
    pick = draw.pick
    items = ("quilt", "coat")
    needs = [
        need(
            f"n{i}",
            draw.upto(3),
            pick("A", "B"),
            item=pick(*items),
            household_id=f"h{draw.upto(2)}",
            registered_on=DAY - timedelta(days=draw.upto(4)),
            place=draw.somewhere(),
        )
        for i in range(draw.upto(4))
    ]
    lots = [lot(f"d{j}", draw.upto(3), item=pick(*items), place=draw.somewhere()) for j in range(draw.upto(2))]
    decisions = []
    if needs[0].item == lots[0].item and pick(True, False):
        decisions = [pin("p", "n0", "d0", 1)]
    policy = am.Policy.giving(
        categories=("A", "B"),
        levels=draw.levels("first-items", "waiting", "distance", "units"),
        coverage_in=pick(None, "units", "needs", "households", "value"),
        max_km=pick(None, 6.0),
    )
    prices = [Price(item=item, unit="piece", price_fen=draw.upto(3), valid_from=DAY) for item in items]
    return GoodsCase(am.GivingProblem(needs, lots, as_of=DAY, decisions=decisions, prices=prices), policy)


def kit_case(seed: int) -> GoodsCase:
    """Needs for a set of one cup and two or three bowls, for lots of sets, cups and bowls, beside needs for bowls."""
    draw = _Draw(seed)
    pick = draw.pick
    needs = [
        need(
            f"n{i}",
            draw.upto(2),
            pick("A", "B"),
            item=pick("set", "set", "bowl"),
            place=draw.somewhere(),
            whole=pick(True, False, False),
            household_id=f"h{i}",
            accepts=pick(("goods",), ("goods", "money")),
        )
        for i in range(draw.upto(2))
    ]
    lots = [
        lot(f"d{j}", draw.upto(4), item=pick("set", "cup", "bowl", "bowl"), place=draw.somewhere())
        for j in range(draw.upto(4))
    ]
    bowls = pick(1, 2, 3)
    made_of = (Component(item="cup", unit="piece"), Component(item="bowl", unit="piece", quantity=bowls))
    kits = [Kit(item="set", unit="piece", components=made_of)]
    money: dict[str, Any] = {}
    if pick(True, False, False):
        money["funds"] = [Fund(id="f0", sponsor_id="s", balance_fen=draw.upto(8), opens_on=DAY)]
        money["prices"] = [
            Price(item=item, unit="piece", price_fen=draw.upto(4), valid_from=DAY) for item in ("set", "bowl")
        ]
    policy = am.Policy.giving(
        categories=("A", "B"),
        levels=draw.levels("distance", "first-items"),
        coverage_in=pick(None, "units", "needs"),
        max_km=pick(None, 6.0),
    )
    return GoodsCase(am.GivingProblem(needs, lots, as_of=DAY, kits=kits, **money), policy)


def parts_of(problem: am.GivingProblem, need: am.Need) -> dict[str, int]:
    """What is in one of what a need asks for."""
    return {c.item: c.quantity for kit in problem.kits if kit.item == need.item for c in kit.components}


def row_of(problem: am.GivingProblem, need: am.Need, lot: am.Donation) -> Substitute | None:
    """The row under which a lot stands for a need."""
    takes = {"none": (), "approved": ("approved",), "category": ("approved", "category")}[need.substitutes]
    for row in problem.substitutes:
        if (row.item, row.substitute) == (need.item, lot.item) and row.kind in takes:
            return row
    return None


def may_be(problem: am.GivingProblem, need: am.Need, lot: am.Donation, policy: am.Policy) -> bool:
    """Whether a lot may go to a need."""
    arrives = DAY + timedelta(days=policy.delivery_days)
    return (
        "goods" in need.accepts
        and (need.item == lot.item or lot.item in parts_of(problem, need) or row_of(problem, need, lot) is not None)
        and lot.only_project in (None, need.project)
        and lot.producer_household_id != need.household_id
        and (lot.expires_on is None or lot.expires_on >= arrives)
        and (policy.max_km is None or metres(need.place, lot.place) <= policy.max_km * 1000)
    )


def takes_of(problem: am.GivingProblem, need: am.Need, lot: am.Donation, units: int) -> int | None:
    """Pieces of a lot that so many units of a need take; None if that is no whole number of batches."""
    row = None if need.item == lot.item else row_of(problem, need, lot)
    if row is None:  # as requested, or a component of it, one by one
        return units
    common = gcd(row.takes, row.stands_for)
    takes, stands_for = row.takes // common, row.stands_for // common
    return None if units % stands_for else units // stands_for * takes


def answers(case: GoodsCase) -> Iterator[Answer]:
    """Every answer that keeps everything."""
    needs = case.problem.needs
    for goods in gifts(case):
        given = given_by(case, goods)
        if given is None:
            continue
        for bought, paid in purchases(case, given):
            answer = Answer(goods, given, bought, paid)
            served = [answer.served(i) for i in range(len(needs))]
            fixed = [sum(d.quantity or 0 for d in case.problem.decisions if d.demand_id == n.id) for n in needs]
            if all(
                s == f or (n.quantity if n.whole else n.min_quantity) <= s <= n.quantity
                for s, f, n in zip(served, fixed, needs, strict=True)
            ):
                yield answer


def given_by(case: GoodsCase, goods: dict[tuple[int, int], int]) -> list[int] | None:
    """Units of each need in what is given; None if parts of kits are over."""
    problem = case.problem
    given = []
    for i, one in enumerate(problem.needs):
        parts = parts_of(problem, one)
        sent = dict.fromkeys(parts, 0)
        units = 0
        for (a, j), q in goods.items():
            item = problem.donations[j].item
            if a == i and item in parts:
                sent[item] += q
            elif a == i:
                units += q
        made = {sent[item] // each for item, each in parts.items()} or {0}
        if len(made) > 1 or any(sent[item] % each for item, each in parts.items()):
            return None
        given.append(units + made.pop())
    return given


def gifts(case: GoodsCase) -> Iterator[dict[tuple[int, int], int]]:
    """Every way to give what there is in lots."""
    problem, policy = case.problem, case.policy
    needs, lots = problem.needs, problem.donations
    pins = {(d.demand_id, d.supply_id): d.quantity or 0 for d in problem.decisions}
    pairs, choices = [], []
    for i, one in enumerate(needs):
        for j, other in enumerate(lots):
            fixed = pins.get((one.id, other.id), 0)
            if fixed:
                most = one.quantity if may_be(problem, one, other, policy) else fixed
                pairs.append((i, j))
                choices.append(list(range(fixed, most + 1)))
            elif may_be(problem, one, other, policy):
                options = [0]
                each = parts_of(problem, one).get(other.item, 1)
                for units in range(1, one.quantity * each + 1):
                    taken = takes_of(problem, one, other, units)
                    if taken and other.min_lot <= taken <= other.quantity and taken % other.pack_size == 0:
                        options.append(units)
                pairs.append((i, j))
                choices.append(options)
    for quantities in product(*choices):
        answer = {pair: q for pair, q in zip(pairs, quantities, strict=True) if q}
        used = [
            sum(takes_of(problem, needs[a], lots[b], q) or 0 for (a, b), q in answer.items() if b == j)
            for j in range(len(lots))
        ]
        if all(u <= d.quantity for u, d in zip(used, lots, strict=True)):
            yield answer


def price_of(case: GoodsCase, need: am.Need) -> int | None:
    """Fen for a unit on the day."""
    for row in case.problem.prices:
        if row.item == need.item and row.valid_from <= DAY and (row.valid_to is None or row.valid_to >= DAY):
            return row.price_fen
    return None


def may_pay(case: GoodsCase, fund: Fund, need: am.Need) -> bool:
    """Whether a fund is for a need."""
    return (
        "money" in need.accepts
        and price_of(case, need) is not None
        and fund.opens_on <= DAY
        and (fund.closes_on is None or fund.closes_on >= DAY)
        and fund.balance_fen > 0
        and (not fund.only_categories or need.category in fund.only_categories)
        and (not fund.only_areas or any((need.place.code or "").startswith(a) for a in fund.only_areas))
        and (not fund.only_items or need.item in fund.only_items)
        and fund.only_project in (None, need.project)
    )


def purchases(case: GoodsCase, given: list[int]) -> Iterator[tuple[dict[int, int], dict[tuple[int, int], int]]]:
    """Every way to buy besides."""
    needs, funds = case.problem.needs, case.problem.funds
    if not funds:
        yield {}, {}
        return
    options: list[list[tuple[int, dict[int, int]]]] = []
    for i, one in enumerate(needs):
        here: list[tuple[int, dict[int, int]]] = [(0, {})]
        payers = [k for k, fund in enumerate(funds) if may_pay(case, fund, one)]
        price = price_of(case, one)
        left = one.quantity - given[i]
        for units in range(1, left + 1 if payers and price else 1):
            caps = [funds[k].need_cap_fen for k in payers]
            limits = [
                funds[k].balance_fen if cap is None else min(funds[k].balance_fen, cap)
                for k, cap in zip(payers, caps, strict=True)
            ]
            here += [
                (units, {k: fen for k, fen in zip(payers, amounts, strict=True) if fen})
                for amounts in product(*(range(most + 1) for most in limits))
                if sum(amounts) == units * (price or 0)
            ]
        options.append(here)
    for chosen in product(*options):
        paid = {(i, k): fen for i, (_, amounts) in enumerate(chosen) for k, fen in amounts.items()}
        if any(sum(fen for (_, b), fen in paid.items() if b == k) > fund.balance_fen for k, fund in enumerate(funds)):
            continue
        if any(
            sum(fen for (a, b), fen in paid.items() if b == k and needs[a].household_id == one.household_id)
            > fund.household_cap_fen
            for k, fund in enumerate(funds)
            if fund.household_cap_fen is not None
            for one in needs
        ):
            continue
        yield {i: units for i, (units, _) in enumerate(chosen) if units}, paid


def names_of(case: GoodsCase) -> list[str]:
    """The levels, spelled out."""
    problem = case.problem
    names = list(case.policy.levels)
    there = {lot.item for lot in problem.donations}
    taken = {"none": (), "approved": ("approved",), "category": ("approved", "category")}
    more = ["units"] if counts(case) in ("needs", "households") else []
    if any(
        row.item == need.item and row.substitute in there and row.kind in taken[need.substitutes]
        for row in problem.substitutes
        for need in problem.needs
    ):
        more.append("as-requested")
    if any(fund.opens_on <= DAY <= (fund.closes_on or DAY) and fund.balance_fen for fund in problem.funds):
        more += ["in-kind", "restricted-first", "spending"]
    names[1:1] = [name for name in more if name not in names]
    spelled = []
    for name in names:
        by_category = name in ("coverage", "units", "first-items")
        spelled += [f"{name} {c}" for c in case.policy.categories] if by_category else [name]
    return spelled


def counts(case: GoodsCase) -> str:
    """What coverage counts."""
    if case.policy.coverage_in is not None:
        return case.policy.coverage_in
    for fund in case.problem.funds:
        if len({n.item for n in case.problem.needs if may_pay(case, fund, n)}) > 1:
            return "needs"
    return "units"


def ranks(case: GoodsCase) -> list[int]:
    """Which fund is to be spent first: the one for the fewest needs, then the one that closes first."""
    needs, funds = case.problem.needs, case.problem.funds
    taking_part = [n for n in needs if "goods" in n.accepts or "money" in n.accepts]
    keys = [
        (sum(may_pay(case, fund, n) for n in taking_part), fund.closes_on or DAY + timedelta(days=99_999))
        for fund in funds
    ]
    there = [fund.balance_fen > 0 and fund.opens_on <= DAY <= (fund.closes_on or DAY) for fund in funds]
    order = sorted({key for key, open_ in zip(keys, there, strict=True) if open_})
    return [order.index(key) if open_ else 0 for key, open_ in zip(keys, there, strict=True)]


def values(case: GoodsCase, answer: Answer) -> Vector:
    """Value of each level."""
    problem = case.problem
    needs, lots = problem.needs, problem.donations
    goods = answer.goods
    days = [None if d.expires_on is None else max(0, (d.expires_on - DAY).days) for d in lots]
    never = 1 + max((d for d in days if d is not None), default=0)
    last = [never if d is None else d for d in days]
    rank = ranks(case)

    def penalty(i: int, j: int) -> int:
        row = None if needs[i].item == lots[j].item else row_of(problem, needs[i], lots[j])
        return 0 if row is None else row.penalty

    of = {
        "expiry": sum(q * last[j] for (_, j), q in goods.items()),
        "waiting": sum(answer.served(i) * (DAY - one.registered_on).days for i, one in enumerate(needs)),
        "distance": sum(q * metres(needs[i].place, lots[j].place) for (i, j), q in goods.items()),
        "as-requested": sum(q * penalty(i, j) for (i, j), q in goods.items()),
        "in-kind": sum(answer.bought.values()),
        "restricted-first": sum(rank[k] * fen for (_, k), fen in answer.paid.items()),
        "spending": sum(answer.paid.values()),
    }
    for category in case.policy.categories:
        here = {i: one for i, one in enumerate(needs) if one.category == category}
        units = sum(answer.served(i) for i in here)
        of[f"units {category}"] = units
        begun = [one for i, one in here.items() if answer.served(i)]
        of[f"first-items {category}"] = len({(one.household_id, one.item) for one in begun})
        of[f"coverage {category}"] = {
            "units": units,
            "needs": sum(answer.served(i) == one.quantity for i, one in here.items()),
            "households": len({one.household_id for one in begun}),
            "value": sum(answer.served(i) * (price_of(case, one) or 0) for i, one in here.items()),
        }[counts(case)]
    return tuple(of[name] for name in names_of(case))


def best(case: GoodsCase) -> Vector:
    """The levels of the best answer, as a matching reports them."""
    senses = [1 if name.startswith(("coverage", "waiting", "units", "first")) else -1 for name in names_of(case)]

    def merit(value: Vector) -> Vector:
        return tuple(sense * one for sense, one in zip(senses, value, strict=True))

    return max((values(case, answer) for answer in answers(case)), key=merit)


def fund_set(seed: int) -> am.GivingProblem:
    """Many small funds of all kinds, and more needs than they can pay for; too many to try everything."""
    draw = _Draw(seed)
    pick = draw.pick
    items = ("quilt", "coat", "lamp")
    needs = [
        need(
            f"n{i}",
            draw.upto(4),
            pick("A", "B"),
            item=pick(*items),
            accepts=pick(("money",), ("goods", "money"), ("goods",)),
            project=pick(None, None, "well", "school"),
            household_id=f"h{draw.upto(4)}",
            whole=pick(True, False, False, False),
        )
        for i in range(draw.upto(6))
    ]
    lots = [lot(f"d{j}", draw.upto(4), item=pick(*items)) for j in range(draw.upto(3))]
    funds = [
        Fund(
            id=f"f{k}",
            sponsor_id=pick("s", "t", "u"),
            balance_fen=int(draw.rng.integers(0, 60_000)),
            opens_on=DAY,
            closes_on=pick(None, DAY + timedelta(days=draw.upto(90))),
            only_categories=pick((), (), ("A",), ("B",)),
            only_items=pick((), (), ("coat",), ("lamp", "quilt")),
            only_project=pick(None, None, None, "well"),
            need_cap_fen=pick(None, None, draw.upto(20_000)),
            household_cap_fen=pick(None, None, draw.upto(30_000)),
        )
        for k in range(draw.upto(6))
    ]
    prices = [Price(item=item, unit="piece", price_fen=draw.upto(20_000), valid_from=DAY) for item in items]
    return am.GivingProblem(needs, lots, as_of=DAY, funds=funds, prices=prices)


def many_funds(seed: int) -> GoodsCase:
    """The same under the usual policy."""
    return GoodsCase(fund_set(seed), am.Policy.giving())
