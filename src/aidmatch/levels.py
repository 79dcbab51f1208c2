"""Objective levels as public integer functions: what the formulation optimizes and the check recomputes.

A level is minimized. It charges `unmet_cost(demand)` for each unit of a demand
left over, and `pair_cost(demand, supply, metric)` for each unit on a pair. A
level whose sense is ``max`` reports how far it stays below leaving everything
over: units served, or the weight of the pairs kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, Protocol

import numpy as np

from aidmatch.arrays import Ints
from aidmatch.errors import PolicyError, ProblemError
from aidmatch.pair_costs import CostOfPairs, Listed, Metric, Nearness, OfKinds, OfSupply
from aidmatch.policy import Policy
from aidmatch.records.care import Pair

__all__ = ["LEVELS", "Counted", "LevelDefinition", "LevelFacts", "level_definitions", "level_names", "shortfall"]


class MoneyFacts(Protocol):
    """What levels know of money."""

    @property
    def open(self) -> Sequence[Any]:
        """The funds that may be spent."""
        ...

    def price_of(self, need: Any) -> int | None:
        """Fen for a unit of what a need asks for, on the day."""
        ...

    def ranks(self, needs: Iterable[Any]) -> Mapping[str, int]:
        """How early each of them is to be spent, from 0."""
        ...


class Admitted(Protocol):
    """What levels know of who takes part."""

    @property
    def demands(self) -> Sequence[Any]:
        """The demands that do."""
        ...


class LevelFacts(Protocol):
    """What levels know of a problem."""

    @property
    def cost_unit(self) -> str:
        """What the cost of a pair counts."""
        ...

    @property
    def as_of(self) -> date:
        """The day decided for."""
        ...

    @property
    def supplies(self) -> Sequence[Any]:
        """The supplies, whether they take part or not."""
        ...

    def capacity(self, supply: Any) -> int | None:
        """What a supply can carry; None for no limit."""
        ...

    def fair_shares(self, policy: Policy) -> Mapping[str, int]:
        """What each supply would carry if all carried the same part of what they can, by id."""
        ...

    def penalty(self, demand: Any, supply: Any) -> int:
        """What a unit costs that is not as requested."""
        ...

    def share_money(self) -> bool:
        """Whether several kinds of goods compete for one fund."""
        ...

    def substituted(self) -> bool:
        """Whether a demand may be met by something else than what was requested."""
        ...

    def meet(self, demand: Any, supply: Any) -> bool:
        """Whether a supply is of a kind that a demand may be met from."""
        ...

    @property
    def demands(self) -> Sequence[Any]:
        """The demands, whether they take part or not."""
        ...

    @property
    def money(self) -> MoneyFacts | None:
        """What money may buy on the day."""
        ...

    def admission(self) -> Admitted:
        """Who takes part on the day."""
        ...

    @property
    def current(self) -> Sequence[Pair]:
        """The pairs in force."""
        ...


def _nothing(demand: Any) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Counted:
    """Groups of demands, each counted once. They are decided by integers.

    Parameters
    ----------
    key
        The group of a demand; None for none.
    completed
        Whether a group counts if a demand of it is met in full, instead of at all; it then has one demand.
    """

    key: Callable[[Any], tuple[str, ...] | None]
    completed: bool

    def value(self, left: Iterable[tuple[Any, int, int]]) -> int:
        """How many groups count.

        Parameters
        ----------
        left
            Each demand with the units it asked for and those left over.
        """
        return len(
            {
                self.key(demand)
                for demand, asked, over in left
                if self.key(demand) is not None and (over == 0 if self.completed else over < asked)
            }
        )


@dataclass(frozen=True, slots=True)
class LevelDefinition:
    """One objective level.

    Parameters
    ----------
    name
        As it stands in the result.
    unit
        What its value counts.
    sense
        Whether a large or a small value is good.
    unmet_cost
        Cost of one unmet unit of a demand, a non-negative integer.
    pair_cost
        Cost of one unit on a pair: an integer, by demand, supply and metric. None for nothing.
    bind
        The same for arrays: makes the pair costs of lists of demands and supplies. None for nothing.
    supply_cost
        Cost of what a supply does in all, by supply, units and load: an integer ≥ 0. None for nothing. Such a level is
        decided by integers.
    largest
        Whether the level is the largest of these costs, instead of their sum.
    counted
        What the level counts besides; its sense is then ``max``. None for nothing.
    bought_cost
        Cost of a unit that is bought for a demand: an integer ≥ 0. None for nothing.
    fen_cost
        Cost of a fen that a fund pays: an integer ≥ 0. None for nothing.
    """

    name: str
    unit: str
    sense: Literal["max", "min"]
    unmet_cost: Callable[[Any], int] = _nothing
    pair_cost: Callable[[Any, Any, int], int] | None = None
    bind: Callable[[Sequence[Any], Sequence[Any]], CostOfPairs] | None = None
    supply_cost: Callable[[Any, int, int], int] | None = None
    largest: bool = False
    counted: Counted | None = None
    bought_cost: Callable[[Any], int] | None = None
    fen_cost: Callable[[Any], int] | None = None


def _coverage(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    def of(category: str) -> Callable[[Any], int]:
        return lambda demand: int(demand.category == category)

    counts = coverage_in(policy, facts)
    if counts == "units":
        return [LevelDefinition(f"coverage {category}", "units", "max", of(category)) for category in policy.categories]
    if counts == "value":
        return [
            LevelDefinition(f"coverage {category}", "fen", "max", _value_of(facts, category))
            for category in policy.categories
        ]
    completed = counts == "needs"

    def key(category: str) -> Callable[[Any], tuple[str, ...] | None]:
        return lambda demand: (
            None if demand.category != category else (demand.id,) if completed else (demand.household_id,)
        )

    return [
        LevelDefinition(f"coverage {category}", counts, "max", counted=Counted(key(category), completed))
        for category in policy.categories
    ]


def coverage_in(policy: Policy, facts: LevelFacts) -> str:
    """What coverage counts: as the policy says, else needs where kinds of goods compete for one fund, else units."""
    if policy.coverage_in is not None:
        return policy.coverage_in
    return "needs" if facts.share_money() else "units"


def _value_of(facts: LevelFacts, category: str) -> Callable[[Any], int]:
    prices = {} if facts.money is None else {demand.id: facts.money.price_of(demand) for demand in facts.demands}

    def value(demand: Any) -> int:
        if demand.category != category:
            return 0
        price = prices.get(demand.id)
        if price is None:
            raise ProblemError(
                f"coverage is counted in value, but need {demand.id!r} has no price on the day", code="NO_PRICE"
            )
        return price

    return value


def _units(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    def of(category: str) -> Callable[[Any], int]:
        return lambda demand: int(demand.category == category)

    return [LevelDefinition(f"units {category}", "units", "max", of(category)) for category in policy.categories]


def _first_items(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    def key(category: str) -> Callable[[Any], tuple[str, ...] | None]:
        return lambda demand: (demand.household_id, demand.item, demand.unit) if demand.category == category else None

    return [
        LevelDefinition(f"first-items {category}", "first items", "max", counted=Counted(key(category), False))
        for category in policy.categories
    ]


def _distance(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    return [
        LevelDefinition(
            "distance",
            f"unit·{facts.cost_unit}",
            "min",
            pair_cost=lambda demand, supply, metric: metric,
            bind=lambda demands, supplies: Metric(),
        )
    ]


#: How many digits of an area code name the village, the township and the county.
_NESTINGS: Final = (12, 9, 6)


def _areas(code: str | None) -> list[str | None]:
    return [code[:digits] if code is not None and len(code) >= digits else None for digits in _NESTINGS]


def _nearness(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    def pair_cost(demand: Any, supply: Any, metric: int) -> int:
        return sum(
            one is None or one != other
            for one, other in zip(_areas(demand.place.code), _areas(supply.place.code), strict=True)
        )

    def bind(demands: Sequence[Any], supplies: Sequence[Any]) -> CostOfPairs:
        numbers: dict[str | None, int] = {None: -1}
        sides = [
            np.array(
                [[numbers.setdefault(area, len(numbers)) for area in _areas(node.place.code)] for node in nodes],
                dtype=np.int64,
            ).reshape(-1, len(_NESTINGS))
            for nodes in (demands, supplies)
        ]
        return Nearness(sides[0].T.copy(), sides[1].T.copy())

    return [LevelDefinition("nearness", "unit·class", "min", pair_cost=pair_cost, bind=bind)]


def _kept(name: str, unit: str, weights: Mapping[tuple[str, str], int]) -> LevelDefinition:
    def bind(demands: Sequence[Any], supplies: Sequence[Any]) -> CostOfPairs:
        demand_row = {demand.id: row for row, demand in enumerate(demands)}
        supply_row = {supply.id: row for row, supply in enumerate(supplies)}
        rows = sorted(
            (demand_row[demand_id], supply_row[supply_id], -weight)
            for (demand_id, supply_id), weight in weights.items()
            if demand_id in demand_row and supply_id in supply_row
        )
        return Listed(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)

    return LevelDefinition(
        name,
        unit,
        "max",
        pair_cost=lambda demand, supply, metric: -weights.get((demand.id, supply.id), 0),
        bind=bind,
    )


def _in_force(facts: LevelFacts) -> list[Pair]:
    return [pair for pair in facts.current if pair.state != "ended"]


def _pairs_kept(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    return [_kept("pairs", "pairs", {(p.demand_id, p.supply_id): 1 for p in _in_force(facts)})]


def _continuity(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    # a pair of today weighs one, so that it is kept rather than none
    ages = {(p.demand_id, p.supply_id): 1 + max(0, (facts.as_of - p.since).days) for p in _in_force(facts)}
    return [_kept("continuity", "days", ages)]


def _poor_caregivers(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    def gain(supply: Any) -> int:
        return -int(getattr(supply, "poor_household", False))

    return [
        LevelDefinition(
            "poor-caregivers",
            "units",
            "max",
            pair_cost=lambda demand, supply, metric: gain(supply),
            bind=lambda demands, supplies: OfSupply(np.array([gain(supply) for supply in supplies], dtype=np.int64)),
        )
    ]


def _expiry(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    known = [supply.expires_on for supply in facts.supplies if supply.expires_on is not None]
    # what does not expire comes after all that does
    never = 1 + max((max(0, (day - facts.as_of).days) for day in known), default=0)

    def days(supply: Any) -> int:
        last: date | None = supply.expires_on
        return never if last is None else max(0, (last - facts.as_of).days)

    return [
        LevelDefinition(
            "expiry",
            "unit·days",
            "min",
            pair_cost=lambda demand, supply, metric: days(supply),
            bind=lambda demands, supplies: OfSupply(np.array([days(supply) for supply in supplies], dtype=np.int64)),
        )
    ]


def _as_requested(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    def pair_cost(demand: Any, supply: Any, metric: int) -> int:
        return facts.penalty(demand, supply)

    def bind(demands: Sequence[Any], supplies: Sequence[Any]) -> CostOfPairs:
        sides = [
            _first_of_each((d.item, d.unit, d.substitutes) for d in demands),
            _first_of_each((s.item, s.unit) for s in supplies),
        ]
        table = np.array(
            [
                [
                    facts.penalty(demands[i], supplies[j]) if facts.meet(demands[i], supplies[j]) else 0
                    for j in sides[1][1]
                ]
                for i in sides[0][1]
            ],
            dtype=np.int64,
        ).reshape(len(sides[0][1]), len(sides[1][1]))
        return OfKinds(sides[0][0], sides[1][0], table)

    return [LevelDefinition("as-requested", "penalty", "min", pair_cost=pair_cost, bind=bind)]


def _first_of_each(values: Iterable[Hashable]) -> tuple[Ints, list[int]]:
    """Number values, equal ones alike; and where each number first stands."""
    numbers: dict[Hashable, int] = {}
    first: list[int] = []
    label = []
    for place, value in enumerate(values):
        if value not in numbers:
            numbers[value] = len(first)
            first.append(place)
        label.append(numbers[value])
    return np.array(label, dtype=np.int64), first


def _waiting(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    def days(demand: Any) -> int:
        registered_on: date = demand.registered_on
        return max(0, (facts.as_of - registered_on).days)

    return [LevelDefinition("waiting", "unit·days", "max", days)]


def _in_kind(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    return [LevelDefinition("in-kind", "units bought", "min", bought_cost=lambda demand: 1)]


def _restricted_first(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    ranks = {} if facts.money is None else facts.money.ranks(facts.admission().demands)
    return [LevelDefinition("restricted-first", "fen·rank", "min", fen_cost=lambda fund: ranks[fund.id])]


def _spending(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    return [LevelDefinition("spending", "fen", "min", fen_cost=lambda fund: 1)]


def shortfall(supply: Any, units: int) -> int:
    """How many persons a supply with any stays below its minimum."""
    return max(0, int(getattr(supply, "min_persons", 0)) - units) if units else 0


def _minimum_loads(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    return [
        LevelDefinition(
            "minimum-loads", "persons", "min", supply_cost=lambda supply, units, load: shortfall(supply, units)
        )
    ]


def _balance(policy: Policy, facts: LevelFacts) -> list[LevelDefinition]:
    def share(supply: Any, units: int, load: int) -> int:
        capacity = facts.capacity(supply)
        most, used = (supply.max_persons, units) if capacity is None else (capacity, load)
        return -(-1000 * used // most) if most else 0

    if policy.balance == "largest":
        return [LevelDefinition("balance", "per mille", "min", supply_cost=share, largest=True)]
    fair = facts.fair_shares(policy)
    counted = "persons" if any(facts.capacity(supply) is None for supply in facts.supplies) else "load"
    return [
        LevelDefinition(
            "balance",
            counted,
            "min",
            supply_cost=lambda supply, units, load: abs((units if counted == "persons" else load) - fair[supply.id]),
        )
    ]


#: Every level a policy can name.
LEVELS: Final[Mapping[str, Callable[[Policy, LevelFacts], list[LevelDefinition]]]] = {
    "coverage": _coverage,
    "pairs": _pairs_kept,
    "continuity": _continuity,
    "nearness": _nearness,
    "distance": _distance,
    "minimum-loads": _minimum_loads,
    "balance": _balance,
    "poor-caregivers": _poor_caregivers,
    "expiry": _expiry,
    "waiting": _waiting,
    "as-requested": _as_requested,
    "units": _units,
    "first-items": _first_items,
    "in-kind": _in_kind,
    "restricted-first": _restricted_first,
    "spending": _spending,
}

#: What stands below coverage, in this order, where there is money, unless it is named.
_OF_MONEY: Final = ("in-kind", "restricted-first", "spending")

#: Levels that only one family knows.
_FAMILIES: Final[Mapping[str, frozenset[str]]] = {
    "care": frozenset({"balance", "minimum-loads", "poor-caregivers"}),
    "giving": frozenset({"as-requested", "expiry", "first-items", "units", "waiting", *_OF_MONEY}),
}


def level_names(policy: Policy, facts: LevelFacts) -> tuple[str, ...]:
    """The levels a policy names, and those that come in by themselves, in order.

    Parameters
    ----------
    policy, facts
        As `level_definitions`.

    Raises
    ------
    PolicyError
        ``UNKNOWN_LEVEL`` for a name that is not known, or of another family.
    """
    for name in policy.levels:
        if name not in LEVELS:
            raise PolicyError(f"no level {name!r}; known: {', '.join(LEVELS)}", code="UNKNOWN_LEVEL")
    for family, own in _FAMILIES.items():
        if family != policy.family and own & set(policy.levels):
            strange = min(own & set(policy.levels))
            raise PolicyError(f"level {strange!r} is of {family}, the policy for {policy.family}", code="UNKNOWN_LEVEL")
    if policy.family == "care" and policy.coverage_in not in (None, "units"):
        raise PolicyError("coverage of care is counted in units", code="UNKNOWN_LEVEL")
    names = list(policy.levels)
    below = names.index("coverage") + 1 if "coverage" in names else 0
    more = ["units"] if policy.family == "giving" and coverage_in(policy, facts) in ("needs", "households") else []
    more += ["as-requested"] if facts.substituted() else []
    more += _OF_MONEY if facts.money is not None and facts.money.open else ()
    names[below:below] = [name for name in more if name not in names]
    soft = policy.min_load == "soft" and any(getattr(supply, "min_persons", 0) for supply in facts.supplies)
    if soft and "minimum-loads" not in names:
        names.insert(names.index("coverage") + 1 if "coverage" in names else 0, "minimum-loads")
    return tuple(names)


def level_definitions(policy: Policy, facts: LevelFacts) -> tuple[LevelDefinition, ...]:
    """Spell out a policy's levels.

    Parameters
    ----------
    policy
        Names the levels. ``coverage``: what `Policy.coverage_in` says of what is served, one level a category.
        ``units``: units served, one level a category; where coverage counts needs or households and the level is not
        named, it stands right below coverage. ``first-items``: households that get any of a kind that they asked for,
        counted once for each kind, one level a category. ``pairs``: pairs in force that are kept.
        ``continuity``: the same, each weighted by its age in days. ``nearness``: for each unit, how many of village,
        township and county the two sides do not share, by code. ``distance``: unit-metres, or unit-costs.
        ``poor-caregivers``: units served by caregivers of poor households. ``minimum-loads``: persons missing to the
        minima of those who have any; where there are minima, they are soft and the level is not named, it stands right
        below coverage. ``balance``: as `Policy.balance` says. ``expiry``: for each unit, the days from the day decided
        for to the last day of its lot, and one more than any lot has for those without one. ``waiting``: for each unit
        served, the days since its need was registered. ``as-requested``: the penalty of each unit that is met by a
        substitute; where a need takes one that is there and the level is not named, it stands right below coverage.
        ``in-kind``: units bought with money. ``restricted-first``: each fen by its fund's rank, from 0
        for the fund that is for the fewest needs and closes first. ``spending``: fen. Where there is money, those of
        the three that are not named stand in this order right below coverage and ``as-requested``.
    facts
        The problem.

    Returns
    -------
    The levels, from the highest to the lowest.

    Raises
    ------
    PolicyError
        ``UNKNOWN_LEVEL`` for a name that is not known.
    """
    return tuple(level for name in level_names(policy, facts) for level in LEVELS[name](policy, facts))
