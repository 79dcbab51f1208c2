"""Tiny giving problems with everything goods and money can have, and their optima by trying everything.

Nothing of the library's own thinking is used: the rules are written down again from the documentation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from math import gcd
from typing import Any

import numpy as np
from tests.instances import DAY, lot, need, place
from tests.oracles import metres

import aidmatch as am
from aidmatch.records.giving import Substitute

Vector = tuple[int, ...]


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
        (need.item == lot.item or row_of(problem, need, lot) is not None)
        and lot.only_project in (None, need.project)
        and lot.producer_household_id != need.household_id
        and (lot.expires_on is None or lot.expires_on >= arrives)
        and (policy.max_km is None or metres(need.place, lot.place) <= policy.max_km * 1000)
    )


def takes_of(problem: am.GivingProblem, need: am.Need, lot: am.Donation, units: int) -> int | None:
    """Pieces of a lot that so many units of a need take; None if that is no whole number of batches."""
    row = None if need.item == lot.item else row_of(problem, need, lot)
    if row is None:
        return units
    common = gcd(row.takes, row.stands_for)
    takes, stands_for = row.takes // common, row.stands_for // common
    return None if units % stands_for else units // stands_for * takes


def answers(case: GoodsCase) -> Iterator[dict[tuple[int, int], int]]:
    """Every answer that keeps everything: units of needs, by need and lot."""
    problem, policy = case.problem, case.policy
    needs, lots = problem.needs, problem.donations
    pairs, choices = [], []
    for i, one in enumerate(needs):
        for j, other in enumerate(lots):
            if may_be(problem, one, other, policy):
                options = [0]
                for units in range(1, one.quantity + 1):
                    taken = takes_of(problem, one, other, units)
                    if taken and other.min_lot <= taken <= other.quantity and taken % other.pack_size == 0:
                        options.append(units)
                pairs.append((i, j))
                choices.append(options)
    for quantities in product(*choices):
        answer = {pair: q for pair, q in zip(pairs, quantities, strict=True) if q}
        served = [sum(q for (a, _), q in answer.items() if a == i) for i in range(len(needs))]
        used = [
            sum(takes_of(problem, needs[a], lots[b], q) or 0 for (a, b), q in answer.items() if b == j)
            for j in range(len(lots))
        ]
        if any(u > d.quantity for u, d in zip(used, lots, strict=True)):
            continue
        if all(
            s == 0 or (n.quantity if n.whole else n.min_quantity) <= s <= n.quantity
            for s, n in zip(served, needs, strict=True)
        ):
            yield answer


def names_of(case: GoodsCase) -> list[str]:
    """The levels, spelled out."""
    problem = case.problem
    names = list(case.policy.levels)
    there = {lot.item for lot in problem.donations}
    taken = {"none": (), "approved": ("approved",), "category": ("approved", "category")}
    if "as-requested" not in names and any(
        row.item == need.item and row.substitute in there and row.kind in taken[need.substitutes]
        for row in problem.substitutes
        for need in problem.needs
    ):
        names.insert(1, "as-requested")
    return [f"coverage {c}" for c in case.policy.categories] + names[1:]


def values(case: GoodsCase, answer: dict[tuple[int, int], int]) -> Vector:
    """Value of each level."""
    problem = case.problem
    needs, lots = problem.needs, problem.donations
    days = [None if d.expires_on is None else max(0, (d.expires_on - DAY).days) for d in lots]
    never = 1 + max((d for d in days if d is not None), default=0)
    last = [never if d is None else d for d in days]

    def penalty(i: int, j: int) -> int:
        row = None if needs[i].item == lots[j].item else row_of(problem, needs[i], lots[j])
        return 0 if row is None else row.penalty

    of = {
        "expiry": sum(q * last[j] for (_, j), q in answer.items()),
        "waiting": sum(q * (DAY - needs[i].registered_on).days for (i, _), q in answer.items()),
        "distance": sum(q * metres(needs[i].place, lots[j].place) for (i, j), q in answer.items()),
        "as-requested": sum(q * penalty(i, j) for (i, j), q in answer.items()),
    }
    for category in case.policy.categories:
        of[f"coverage {category}"] = sum(q for (i, _), q in answer.items() if needs[i].category == category)
    return tuple(of[name] for name in names_of(case))


def best(case: GoodsCase) -> Vector:
    """The levels of the best answer, as a matching reports them."""
    senses = [1 if name.startswith(("coverage", "waiting")) else -1 for name in names_of(case)]

    def merit(value: Vector) -> Vector:
        return tuple(sense * one for sense, one in zip(senses, value, strict=True))

    return max((values(case, answer) for answer in answers(case)), key=merit)
