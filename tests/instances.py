"""Random problems with everything a giving problem can have, small enough for the oracles."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from hypothesis import strategies as st

import aidmatch as am

DAY = date(2017, 6, 1)
CODES = ("371501001001", "371501001002", "371501002001", "371502001001")


@dataclass(frozen=True, repr=False)
class Case:
    problem: am.GivingProblem
    policy: am.Policy


@dataclass(frozen=True, repr=False)
class CareCase:
    problem: am.CareProblem
    policy: am.Policy


def place(code: str = CODES[0], lat: float = 36.5, lon: float = 115.9) -> am.Place:
    return am.Place(code=code, lat=lat, lon=lon)


def need(id_: str, quantity: int = 1, category: str = "A", **fields: Any) -> am.Need:
    defaults: dict[str, Any] = {
        "household_id": f"H-{id_}",
        "item": "quilt",
        "unit": "piece",
        "place": place(),
        "gate": am.Gate(approval="approved"),
        "registered_on": date(2017, 1, 1),
    }
    return am.Need(id=id_, quantity=quantity, category=category, **{**defaults, **fields})


def lot(id_: str, quantity: int = 1, **fields: Any) -> am.Donation:
    defaults: dict[str, Any] = {"donor_id": f"P-{id_}", "item": "quilt", "unit": "piece", "place": place()}
    return am.Donation(id=id_, quantity=quantity, **{**defaults, **fields})


def client(id_: str, category: str = "A", **fields: Any) -> am.Client:
    defaults: dict[str, Any] = {
        "household_id": f"H-{id_}",
        "place": place(),
        "gate": am.Gate(approval="approved"),
        "severity": "mild",
        "gender": "F",
    }
    return am.Client(id=id_, category=category, **{**defaults, **fields})


def caregiver(id_: str, max_persons: int = 1, **fields: Any) -> am.Caregiver:
    defaults: dict[str, Any] = {"household_id": f"G-{id_}", "gender": "F", "place": place()}
    return am.Caregiver(id=id_, max_persons=max_persons, **{**defaults, **fields})


def pin(id_: str, demand_id: str, supply_id: str, quantity: int | None = None, **fields: Any) -> am.Decision:
    return am.Decision(
        **{"id": id_, "kind": "pin", "demand_id": demand_id, "supply_id": supply_id, "on": DAY, **fields},
        quantity=quantity,
    )


def forbid(id_: str, demand_id: str, supply_id: str, **fields: Any) -> am.Decision:
    return pin(id_, demand_id, supply_id, kind="forbid", **fields)


def levels(matching: am.Matching) -> tuple[int, ...]:
    return tuple(level.value for level in matching.levels)


def random_case(seed: int, *, demands: int, supplies: int, most: int, listed: bool | None = None) -> Case:
    """A problem drawn from a seed; about a seventh of its records carry each special condition."""
    rng = np.random.default_rng(seed)

    def pick(*options: Any) -> Any:
        return options[int(rng.integers(len(options)))]

    def mostly(usual: Any, *others: Any) -> Any:
        return pick(*others) if rng.random() < 0.15 else usual

    def spot() -> am.Place:
        # a coarse grid, so that places coincide and distances tie
        return place(pick(*CODES), 36 + 0.05 * int(rng.integers(5)), 116 + 0.05 * int(rng.integers(5)))

    near = [DAY + timedelta(days=days) for days in (-1, 0, 1)]
    categories = tuple(str(c) for c in rng.permutation(list("ABCD"))[: pick(1, 2, 4)])
    needs = [
        need(
            f"n{i}",
            int(rng.integers(1, most + 1)),
            pick(*categories),
            household_id=f"h{int(rng.integers(demands + 1))}",
            item=mostly("quilt", "rice"),
            unit=mostly("piece", "kg"),
            place=spot(),
            needed_by=mostly(None, *near),
            accepts=mostly(("goods",), ("goods", "money"), ("money",)),
            gate=am.Gate(
                approval=mostly("approved", "published"),
                notice_ended_on=mostly(None, *near),
                objected=mostly(False, False, True),
                status=mostly("open", "closed"),
            ),
        )
        for i in range(int(rng.integers(demands // 3, demands + 1)))
    ]
    listed = bool(rng.random() < 0.3) if listed is None else listed
    lots = [
        lot(
            f"d{j}",
            int(rng.integers(1, most + 1)),
            item=mostly("quilt", "rice"),
            unit=mostly("piece", "kg"),
            place=spot(),
            status=mostly("in_stock", "pledged", "reserved"),
            available_from=mostly(None, *near),
            available_until=mostly(None, *near),
            expires_on=mostly(None, *near),
            max_km=None if listed else pick(None, None, 5, 12.5),
            only_categories=pick((), (), (), tuple(rng.permutation(categories)[:2])),
            only_areas=pick((), (), (), ("371501",), ("371501001", "371502")),
            producer_household_id=mostly(None, "h0", "h1"),
        )
        for j in range(int(rng.integers(supplies // 3, supplies + 1)))
    ]
    pairs = None
    if listed:
        pairs = am.PairTable(
            [
                am.PairCost(
                    demand_id=n.id, supply_id=d.id, cost=int(rng.integers(0, 9)), eligible=bool(rng.random() < 0.9)
                )
                for n in needs
                for d in lots
                if rng.random() < 0.7
            ],
            unit="minute",
        )
    policy = am.Policy.giving(categories=categories, max_km=None if listed else pick(None, 10.0, 20.0))
    return Case(am.GivingProblem(needs, lots, as_of=DAY, pairs=pairs), policy)


def cases(*, demands: int, supplies: int, most: int, listed: bool | None = None) -> st.SearchStrategy[Case]:
    """Random problems, one a seed."""
    return st.integers(0, 2**32).map(
        lambda seed: random_case(seed, demands=demands, supplies=supplies, most=most, listed=listed)
    )


def random_care_case(seed: int, *, demands: int, supplies: int) -> CareCase:
    """A care problem drawn from a seed, in any order of levels that has coverage first."""
    rng = np.random.default_rng(seed)

    def pick(*options: Any) -> Any:
        return options[int(rng.integers(len(options)))]

    def mostly(usual: Any, *others: Any) -> Any:
        return pick(*others) if rng.random() < 0.15 else usual

    def spot() -> am.Place:
        return place(pick(*CODES), 36 + 0.05 * int(rng.integers(3)), 116 + 0.05 * int(rng.integers(3)))

    near = [DAY + timedelta(days=days) for days in (-1, 0, 1)]
    categories = tuple(str(c) for c in rng.permutation(list("ABCD"))[: pick(1, 2, 4)])
    clients = [
        client(
            f"c{i}",
            pick(*categories),
            place=spot(),
            gate=am.Gate(approval=mostly("approved", "published"), objected=mostly(False, True)),
            gender=pick("F", "M"),
            services=mostly((), ("cook",), ("cook", "walk")),
            languages=mostly((), ("local",), ("local", "mandarin")),
            caregiver_gender=mostly(None, "F", "M"),
            caregivers_needed=mostly(1, 2, 3),
            modes_accepted=mostly(("neighbour",), ("bed",), ("bed", "neighbour")),
        )
        for i in range(int(rng.integers(demands // 3, demands + 1)))
    ]
    caregivers = [
        caregiver(
            f"g{j}",
            int(rng.integers(0, 4)),
            place=spot(),
            gender=pick("F", "M"),
            services=pick((), ("cook",), ("cook", "walk")),
            languages=pick((), ("local",), ("mandarin",)),
            max_km=mostly(None, 0, 6),
            available_from=mostly(None, *near),
            available_until=mostly(None, *near),
        )
        for j in range(int(rng.integers(supplies // 3, supplies + 1)))
    ]
    together = [(c.id, g.id) for c in clients for g in caregivers]
    current = [
        am.Pair(
            demand_id=c,
            supply_id=g,
            since=DAY - timedelta(days=int(rng.integers(-1, 4))),
            state=mostly("signed", "offered", "ended"),
        )
        for c, g in together
        if rng.random() < 0.3
    ]
    tail = [str(name) for name in rng.permutation(["pairs", "continuity", "nearness", "distance"])]
    policy = am.Policy.care(
        categories=categories, max_km=pick(None, 6.0, 10.0), levels=("coverage", *tail[: int(rng.integers(1, 5))])
    )
    return CareCase(am.CareProblem(clients, caregivers, as_of=DAY, current=current), policy)


def care_cases(*, demands: int, supplies: int) -> st.SearchStrategy[CareCase]:
    """Random care problems, one a seed."""
    return st.integers(0, 2**32).map(lambda seed: random_care_case(seed, demands=demands, supplies=supplies))
