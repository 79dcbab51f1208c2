"""Tiny problems that do not flow, and their optima by trying everything: nothing of the library's thinking is used."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from tests.instances import DAY, caregiver, client, lot, need, place
from tests.oracles import may_meet
from tests.oracles import metres as apart

import aidmatch as am
from aidmatch.records.giving import Donor

Vector = tuple[int, ...]


@dataclass(frozen=True)
class IntegerCase:
    """A problem and a policy."""

    problem: am.GivingProblem | am.CareProblem
    policy: am.Policy


def giving_case(seed: int) -> IntegerCase:
    """Needs that are whole or need some at least; lots in packs, of minimum sizes, of donors with few shipments."""
    rng = np.random.default_rng(seed)

    def pick(*options: Any) -> Any:
        return options[int(rng.integers(len(options)))]

    def somewhere() -> am.Place:
        return place(lat=36 + 0.05 * int(rng.integers(3)), lon=116)

    needs = []
    for i in range(int(rng.integers(1, 4))):
        quantity = int(rng.integers(1, 5))
        whole, least = pick((False, 1), (True, 1), (False, int(rng.integers(1, quantity + 1))))
        one = need(f"n{i}", quantity, pick("A", "B"), place=somewhere(), item=pick("quilt", "quilt", "rice"))
        needs.append(replace(one, whole=whole, min_quantity=least))
    lots = []
    for j in range(int(rng.integers(1, 4))):
        quantity = int(rng.integers(1, 6))
        sack = lot(f"d{j}", quantity, place=somewhere(), item=pick("quilt", "quilt", "rice"), donor_id=pick("x", "y"))
        pack, least = pick(
            (1, 1), (int(rng.integers(1, min(4, quantity + 1))), 1), (1, int(rng.integers(1, min(4, quantity + 1))))
        )
        lots.append(replace(sack, pack_size=pack, min_lot=least))
    donors = [Donor(id=id_, max_shipments=pick(None, 0, 1, 2)) for id_ in ("x", "y") if pick(True, False)]
    decisions = []
    if pick(True, False, False):
        a, b = needs[0], lots[0]
        if a.item == b.item and b.pack_size == b.min_lot == 1:
            decisions.append(
                am.Decision(id="p", kind="pin", demand_id=a.id, supply_id=b.id, quantity=1, reason="r", by="me", on=DAY)
            )
            donors = [donor for donor in donors if donor.id != b.donor_id or donor.max_shipments]
    problem = am.GivingProblem(needs, lots, as_of=DAY, donors=donors, decisions=decisions)
    return IntegerCase(problem, am.Policy.giving(categories=("A", "B"), max_km=pick(None, 6.0)))


def care_case(seed: int) -> IntegerCase:
    """Clients with hours, some of them whole, and caregivers with hours and minima."""
    rng = np.random.default_rng(seed)

    def pick(*options: Any) -> Any:
        return options[int(rng.integers(len(options)))]

    def somewhere() -> am.Place:
        return place(lat=36 + 0.05 * int(rng.integers(3)), lon=116)

    clients = [
        replace(
            client(f"c{i}", pick("A", "B"), place=somewhere(), caregivers_needed=pick(1, 1, 2)),
            whole=pick(True, False),
            minutes_per_week=int(rng.integers(1, 5)) * 60,
        )
        for i in range(int(rng.integers(1, 6)))
    ]
    hours = pick(True, True, False)
    caregivers = []
    for j in range(int(rng.integers(1, 4))):
        most = int(rng.integers(1, 5))
        caregivers.append(
            replace(
                caregiver(f"g{j}", most, place=somewhere(), poor_household=pick(True, False)),
                min_persons=int(rng.integers(0, most + 1)),
                minutes_per_week=int(rng.integers(0, 10)) * 60 if hours and pick(True, True, False) else None,
            )
        )
    decisions = []
    if (
        pick(True, False, False)
        and (caregivers[0].minutes_per_week or 10_000) > 240 + 60
        and caregivers[0].minutes_per_week != 0
    ):
        decisions.append(
            am.Decision(id="p", kind="pin", demand_id="c0", supply_id="g0", quantity=1, reason="r", by="me", on=DAY)
        )
    tail = [
        str(name) for name in rng.permutation(["balance", "poor-caregivers", "distance", "nearness", "minimum-loads"])
    ]
    policy = am.Policy.care(
        categories=("A", "B"),
        levels=("coverage", *tail[: int(rng.integers(1, 5))]),
        min_load=pick("soft", "soft", "hard"),
        balance=pick("largest", "total"),
        travel_minutes_per_km=pick(0, 3),
        max_km=pick(None, 6.0),
    )
    return IntegerCase(am.CareProblem(clients, caregivers, as_of=DAY, decisions=decisions), policy)


def best(case: IntegerCase, above: Vector = ()) -> Vector | None:
    """The levels of the best answer, as a matching reports them.

    With values of some levels given, the next level alone: its best value among all answers that are at least as good
    on those.
    """
    problem, policy = case.problem, case.policy
    names = level_names(case)
    senses = [1 if name.startswith(("coverage", "poor")) else -1 for name in names]
    found: Vector | None = None
    for answer in answers(case):
        value = tuple(s * v for s, v in zip(senses, values(problem, policy, answer, names), strict=True))
        if above:
            wanted = [s * v for s, v in zip(senses, above, strict=False)]
            if any(one < other for one, other in zip(value, wanted, strict=False)):
                continue
            value = (value[len(above)],)
        if found is None or value > found:
            found = value
    if found is None:
        return None
    return tuple(s * v for s, v in zip(senses[len(above) :], found, strict=False))


def level_names(case: IntegerCase) -> list[str]:
    """The levels, spelled out."""
    names = list(case.policy.levels)
    minima = any(getattr(s, "min_persons", 0) for s in case.problem.supplies)
    if minima and case.policy.min_load == "soft" and "minimum-loads" not in names:
        names.insert(1, "minimum-loads")
    return [f"coverage {c}" for c in case.policy.categories] + names[1:]


def load(problem: Any, policy: am.Policy, i: int, j: int) -> int:
    """Minutes of a pair."""
    one = problem.demands[i]
    metres = apart(one.place, problem.supplies[j].place)
    return int((getattr(one, "minutes_per_week", 0) or 0) + -(-metres * policy.travel_minutes_per_km // 1000))


def answers(case: IntegerCase) -> Iterator[dict[tuple[int, int], int]]:
    """Every answer that keeps everything."""
    problem, policy = case.problem, case.policy
    care = isinstance(problem, am.CareProblem)
    pins = {(d.demand_id, d.supply_id): d.quantity or 0 for d in problem.decisions}
    pairs, choices = [], []
    for i, one in enumerate(problem.demands):
        for j, other in enumerate(problem.supplies):
            fixed = pins.get((one.id, other.id), 0)
            near = policy.max_km is None or apart(one.place, other.place) <= policy.max_km * 1000
            most = min(1 if care else one.quantity, getattr(other, "max_persons" if care else "quantity"))
            if not may_meet(one, other) or not near:
                most = fixed
            options = [
                q
                for q in range(fixed, most + 1)
                if care or q == fixed or ((q - fixed) % other.pack_size == 0 and q >= other.min_lot)
            ]
            pairs.append((i, j))
            choices.append(options)
    for quantities in product(*choices):
        answer = {pair: q for pair, q in zip(pairs, quantities, strict=True) if q}
        if holds(problem, policy, answer, pins):
            yield answer


def holds(
    problem: Any, policy: am.Policy, answer: dict[tuple[int, int], int], pins: dict[tuple[str, str], int]
) -> bool:
    """Whether everything is kept."""
    care = isinstance(problem, am.CareProblem)
    for i, one in enumerate(problem.demands):
        got = sum(q for (a, _), q in answer.items() if a == i)
        fixed = sum(q for (a, _), q in pins.items() if a == one.id)
        asked = one.caregivers_needed if care else one.quantity
        if got > asked or (one.whole and fixed < got < asked):
            return False
        if not care and fixed < got < one.min_quantity:
            return False
    for j, other in enumerate(problem.supplies):
        gives = sum(q for (_, b), q in answer.items() if b == j)
        fixed = sum(q for (_, b), q in pins.items() if b == other.id)
        if gives > (other.max_persons if care else other.quantity):
            return False
        if care:
            minutes = sum(load(problem, policy, i, b) for i, b in answer if b == j)
            if other.minutes_per_week is not None and minutes > other.minutes_per_week:
                return False
            if policy.min_load == "hard" and not fixed and 0 < gives < other.min_persons:
                return False
    for donor in problem.donors:
        sent = sum(problem.supplies[j].donor_id == donor.id for _, j in answer)
        if donor.max_shipments is not None and sent > donor.max_shipments:
            return False
    return True


def values(problem: Any, policy: am.Policy, answer: dict[tuple[int, int], int], names: list[str]) -> Vector:
    """Value of each level."""
    demands, supplies = problem.demands, problem.supplies
    persons = [sum(q for (_, b), q in answer.items() if b == j) for j in range(len(supplies))]
    minutes = [
        sum(q * load(problem, policy, i, b) for (i, b), q in answer.items() if b == j) for j in range(len(supplies))
    ]

    def of(name: str) -> int:
        if name.startswith("coverage"):
            return sum(q for (i, _), q in answer.items() if demands[i].category == name[-1])
        if name == "poor-caregivers":
            return sum(q for (_, j), q in answer.items() if supplies[j].poor_household)
        if name == "distance":
            return sum(q * apart(demands[i].place, supplies[j].place) for (i, j), q in answer.items())
        if name == "nearness":
            return sum(
                sum(
                    (demands[i].place.code or f"?{i}")[:n] != (supplies[j].place.code or f"!{j}")[:n]
                    for n in (12, 9, 6)
                )
                for i, j in answer
            )
        if name == "minimum-loads":
            return sum(max(0, s.min_persons - p) for s, p in zip(supplies, persons, strict=True) if p)
        timed = [s.minutes_per_week is not None for s in supplies]
        if policy.balance == "largest":
            used = [m if t else p for t, m, p in zip(timed, minutes, persons, strict=True)]
            most = [s.minutes_per_week if t else s.max_persons for s, t in zip(supplies, timed, strict=True)]
            return max((-(-1000 * u // m) for u, m in zip(used, most, strict=True) if m), default=0)
        used, most = (
            (minutes, [s.minutes_per_week for s in supplies])
            if all(timed)
            else (persons, [s.max_persons for s in supplies])
        )
        asked = sum(d.caregivers_needed * (d.minutes_per_week if all(timed) else 1) for d in demands)
        whole = sum(most)
        return sum(abs(u - (min(m, asked * m // whole) if whole else 0)) for u, m in zip(used, most, strict=True))

    return tuple(map(of, names))
