"""Random problems with everything a giving problem can have, small enough for the oracles."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from hypothesis import strategies as st

import aidmatch as am

DAY = date(2017, 6, 1)
CODES = ("371501001001", "371501001002", "371501002001", "371502001001")


@dataclass(frozen=True)
class Case:
    problem: am.GivingProblem
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
