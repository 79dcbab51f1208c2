"""Tiny giving problems with everything goods and money can have, and their optima by trying everything.

Nothing of the library's own thinking is used: the rules are written down again from the documentation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import numpy as np
from tests.instances import DAY, lot, need, place
from tests.oracles import metres

import aidmatch as am

Vector = tuple[int, ...]


@dataclass(frozen=True, repr=False)
class GoodsCase:
    """A problem and a policy."""

    problem: am.GivingProblem
    policy: am.Policy


def goods_case(seed: int) -> GoodsCase:
    """Needs of projects that have waited for some time; lots for projects, that expire."""
    rng = np.random.default_rng(seed)

    def pick(*options: Any) -> Any:
        return options[int(rng.integers(len(options)))]

    def somewhere() -> am.Place:
        return place(lat=36 + 0.05 * int(rng.integers(3)), lon=116)

    needs = [
        need(
            f"n{i}",
            int(rng.integers(1, 4)),
            pick("A", "B"),
            place=somewhere(),
            project=pick(None, None, "well", "school"),
            registered_on=DAY - timedelta(days=int(rng.integers(0, 4))),
            household_id=f"h{int(rng.integers(3))}",
        )
        for i in range(int(rng.integers(1, 4)))
    ]
    lots = [
        lot(
            f"d{j}",
            int(rng.integers(1, 4)),
            place=somewhere(),
            only_project=pick(None, None, "well", "school"),
            expires_on=pick(None, *(DAY + timedelta(days=days) for days in (-1, 0, 1, 2, 3))),
            producer_household_id=pick(None, "h0"),
        )
        for j in range(int(rng.integers(1, 4)))
    ]
    tail = [str(name) for name in rng.permutation(["expiry", "waiting", "distance"])]
    policy = am.Policy.giving(
        categories=("A", "B"),
        levels=("coverage", *tail[: int(rng.integers(1, 4))]),
        delivery_days=pick(0, 1, 2),
        max_km=pick(None, 6.0),
    )
    return GoodsCase(am.GivingProblem(needs, lots, as_of=DAY), policy)


def may_be(need: am.Need, lot: am.Donation, policy: am.Policy) -> bool:
    """Whether a lot may go to a need."""
    arrives = DAY + timedelta(days=policy.delivery_days)
    return (
        (need.item, need.unit) == (lot.item, lot.unit)
        and lot.only_project in (None, need.project)
        and lot.producer_household_id != need.household_id
        and (lot.expires_on is None or lot.expires_on >= arrives)
        and (policy.max_km is None or metres(need.place, lot.place) <= policy.max_km * 1000)
    )


def answers(case: GoodsCase) -> Iterator[dict[tuple[int, int], int]]:
    """Every answer that keeps everything."""
    problem, policy = case.problem, case.policy
    pairs = [
        (i, j)
        for i, one in enumerate(problem.needs)
        for j, other in enumerate(problem.donations)
        if may_be(one, other, policy)
    ]
    most = [min(problem.needs[i].quantity, problem.donations[j].quantity) for i, j in pairs]
    for quantities in product(*(range(units + 1) for units in most)):
        answer = {pair: q for pair, q in zip(pairs, quantities, strict=True) if q}
        if all(
            sum(q for (a, _), q in answer.items() if a == i) <= n.quantity for i, n in enumerate(problem.needs)
        ) and all(
            sum(q for (_, b), q in answer.items() if b == j) <= d.quantity for j, d in enumerate(problem.donations)
        ):
            yield answer


def values(case: GoodsCase, answer: dict[tuple[int, int], int]) -> Vector:
    """Value of each level."""
    needs, lots = case.problem.needs, case.problem.donations
    days = [None if d.expires_on is None else max(0, (d.expires_on - DAY).days) for d in lots]
    never = 1 + max((d for d in days if d is not None), default=0)
    of = {
        "expiry": sum(q * (never if days[j] is None else days[j]) for (_, j), q in answer.items()),  # type: ignore[operator]
        "waiting": sum(q * (DAY - needs[i].registered_on).days for (i, _), q in answer.items()),
        "distance": sum(q * metres(needs[i].place, lots[j].place) for (i, j), q in answer.items()),
    }
    coverage = [
        sum(q for (i, _), q in answer.items() if needs[i].category == category) for category in case.policy.categories
    ]
    return (*coverage, *(of[name] for name in case.policy.levels[1:]))


MAXIMIZED = ("coverage", "waiting")


def best(case: GoodsCase) -> Vector:
    """The levels of the best answer, as a matching reports them."""
    names = [name for name in case.policy.levels for _ in range(2 if name == "coverage" else 1)]
    senses = [1 if name in MAXIMIZED else -1 for name in names]

    def merit(value: Vector) -> Vector:
        return tuple(sense * one for sense, one in zip(senses, value, strict=True))

    return max((values(case, answer) for answer in answers(case)), key=merit)
