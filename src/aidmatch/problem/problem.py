"""What every family of problems has: two sides, a day, pairs, decisions."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar

import numpy as np
from pydantic import TypeAdapter

from aidmatch.arrays import Ints
from aidmatch.distance.pair_table import METRE, PairTable
from aidmatch.distance.protocol import Distance
from aidmatch.errors import ProblemError, RowsError
from aidmatch.fields import MAX_COUNT
from aidmatch.place import Place
from aidmatch.policy import Policy
from aidmatch.problem.money import Money
from aidmatch.records.care import Pair
from aidmatch.records.decision import Decision
from aidmatch.records.giving import Donor, PairCost
from aidmatch.report import Fault, Report
from aidmatch.rules.protocol import Rule, rules_named
from aidmatch.sources.reading import Records

__all__ = ["Admission", "Problem", "Side", "calendar_day", "checked", "of_kind"]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a family of problems.

    Parameters
    ----------
    kind
        The class of its records, whose `table` names it.
    word
        What a person calls them, in the plural.
    units
        Units of one record.
    item
        Item and unit of one record; only equal ones meet.
    owner
        Id of the household or donor behind one record.
    """

    kind: type[Any]
    word: str
    units: Callable[[Any], int]
    item: Callable[[Any], tuple[str, str]]
    owner: Callable[[Any], str]

    @property
    def table(self) -> str:
        """Name of the table its records come from."""
        name: str = self.kind.table
        return name


@dataclass(frozen=True, slots=True)
class Admission:
    """Who takes part on the day.

    Parameters
    ----------
    demands, supplies
        Those that do, sorted by id.
    closed_demands, closed_supplies
        The reason of each that does not, by id.
    pins
        Units that are fixed on pairs by decisions, by demand id and supply id.
    forbidden
        Pairs that must not be.
    """

    demands: tuple[Any, ...]
    supplies: tuple[Any, ...]
    closed_demands: Mapping[str, str]
    closed_supplies: Mapping[str, str]
    pins: Mapping[tuple[str, str], int]
    forbidden: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)
class Problem:
    """Demands to be met from supplies on a day; its families are `GivingProblem` and `CareProblem`.

    Raises
    ------
    ProblemError
        ``NO_RECORDS`` for something that is not a sequence of the right records, ``DUPLICATE_ID`` for an id that
        comes twice, ``UNKNOWN_ID`` for a pair of records that are not there, ``NO_DAY`` for an `as_of` that is
        not a calendar date, ``OUT_OF_RANGE`` for a known total below what is there, ``PIN_CONFLICT`` for a pin that
        the gate, a capacity or another decision rules out, ``MIXED_COORDINATES`` if one source's points were declared
        to be in GCJ-02 or BD-09, and another's were not declared at all.
    """

    family: ClassVar[str]
    demand_side: ClassVar[Side]
    supply_side: ClassVar[Side]
    #: most units on any one pair
    pair_limit: ClassVar[int | None]

    demands: tuple[Any, ...]
    supplies: tuple[Any, ...]
    as_of: date
    pairs: PairTable | None
    current: tuple[Pair, ...]
    decisions: tuple[Decision, ...]
    donors: tuple[Donor, ...]
    #: how many demands there are in all, typed in or not, where the platform knows
    known_total: int | None
    #: what was wrong with the sources, where records were read from some
    reports: tuple[Report, ...]
    _where: Mapping[str, tuple[str, Sequence[int]]]
    _admission: Admission
    _digests: Mapping[str, str] | None

    def _fill(
        self,
        demands: Iterable[Any],
        supplies: Iterable[Any],
        as_of: date,
        pairs: PairTable | None,
        places: Iterable[Place],
        current: Iterable[Pair],
        decisions: Iterable[Decision],
        donors: Iterable[Donor] = (),
        known_total: int | None = None,
    ) -> None:
        as_of = calendar_day(as_of)
        _check_coordinates([one for one in (demands, supplies, places) if isinstance(one, Records)])
        points = _points(places)
        if pairs is not None and not isinstance(pairs, PairTable):
            raise ProblemError(f"pairs= is a {type(pairs).__name__}, not a PairTable", code="NO_RECORDS")
        given = {"demands": (self.demand_side, demands), "supplies": (self.supply_side, supplies)}
        where: dict[str, tuple[str, Sequence[int]]] = {}
        reports: list[Report] = []
        for name, (side, records) in given.items():
            if isinstance(records, Records):
                reports.append(records.report)
            kept = tuple(_located(record, points) for record in checked(records, side.kind, side.table))
            # records that come from no source are named by their number
            numbers = side.table, range(1, len(kept) + 1)
            where[side.table] = (records.source, records.lines) if isinstance(records, Records) else numbers
            object.__setattr__(self, name, kept)
        for name, kind, extra in (("current", Pair, current), ("decisions", Decision, decisions)):
            if isinstance(extra, Records):
                reports.append(extra.report)
            object.__setattr__(self, name, tuple(of_kind(extra, kind, name)))
        reports += (extra.report for extra in (donors, places) if isinstance(extra, Records))
        object.__setattr__(self, "donors", tuple(checked(donors, Donor, "donors")))
        object.__setattr__(self, "as_of", as_of)
        if known_total is not None and (type(known_total) is not int or known_total < len(self.demands)):
            raise ProblemError(f"known_total= is a whole number from {len(self.demands)}", code="OUT_OF_RANGE")
        object.__setattr__(self, "known_total", known_total)
        object.__setattr__(self, "pairs", pairs)
        object.__setattr__(self, "reports", tuple(reports))
        object.__setattr__(self, "_where", where)
        object.__setattr__(self, "_digests", None)
        self._refuse_unknown_ids()
        object.__setattr__(self, "_admission", self._admit())

    def __repr__(self) -> str:
        sizes = f"{len(self.demands):,} {self.demand_side.word}, {len(self.supplies):,} {self.supply_side.word}"
        return f"<{type(self).__name__}: {sizes}, {self.as_of}>"

    def owners(self, demand: Any, supply: Any) -> tuple[str, str]:
        """Who gets it, and who gives it: the household's id and the giver's.

        Parameters
        ----------
        demand, supply
            Records of the two sides.
        """
        return self.demand_side.owner(demand), self.supply_side.owner(supply)

    @property
    def cost_unit(self) -> str:
        """What the cost of a pair counts."""
        return METRE if self.pairs is None else self.pairs.unit

    def digests(self) -> dict[str, str]:
        """SHA-256 of each input, in hexadecimal; the order of rows does not matter. Computed once."""
        if self._digests is None:
            object.__setattr__(self, "_digests", self._new_digests())
        return dict(self._digests or {})

    def _new_digests(self) -> dict[str, str]:
        tables: dict[str, tuple[Any, Sequence[Any]]] = {
            self.demand_side.table: (self.demand_side.kind, sorted(self.demands, key=lambda record: record.id)),
            self.supply_side.table: (self.supply_side.kind, sorted(self.supplies, key=lambda record: record.id)),
        }
        if self.pairs is not None:
            tables["pairs"] = (PairCost, self.pairs.pairs)
        if self.current:
            # a pair that ended may have been renewed, so ids alone do not order them
            tables["current"] = (Pair, sorted(self.current, key=lambda p: (p.demand_id, p.supply_id, p.state, p.since)))
        if self.decisions:
            tables["decisions"] = (Decision, sorted(self.decisions, key=lambda decision: decision.id))
        if self.donors:
            tables["donors"] = (Donor, sorted(self.donors, key=lambda donor: donor.id))
        tables |= self._extra_tables()
        digests = {
            name: hashlib.sha256(_adapter(kind).dump_json(tuple(rows))).hexdigest()
            for name, (kind, rows) in tables.items()
        }
        if self.known_total is not None:
            digests["known_total"] = hashlib.sha256(str(self.known_total).encode()).hexdigest()
        if self.pairs is not None:
            digests["pairs_unit"] = hashlib.sha256(self.pairs.unit.encode()).hexdigest()
            if self.pairs.capacities is not None:
                carried = json.dumps(self.pairs.capacities, sort_keys=True)
                digests["pairs_capacities"] = hashlib.sha256(carried.encode()).hexdigest()
        return digests

    def _extra_tables(self) -> dict[str, tuple[type, Sequence[Any]]]:
        """What a family has besides, as kind and rows in an order of their own."""
        return {}

    def _report(self, source: Any) -> None:
        """Keep what was noticed about a source, where there is anything to keep."""
        report = source.report if isinstance(source, Records) else source
        if isinstance(report, Report):
            object.__setattr__(self, "reports", (*self.reports, report))

    def admission(self) -> Admission:
        """Who takes part on the day, why the others do not, and what decisions hold."""
        return self._admission

    def closed(self, record: Any) -> str | None:
        """Why a record does not take part on the day; None if it does.

        Parameters
        ----------
        record
            A demand or a supply.
        """
        reason: str | None = record.closed(self.as_of)
        return reason

    @property
    def money(self) -> Money | None:
        """What money may buy on the day; None where there is none."""
        return None

    def kinds_for(self, demand: Any) -> Mapping[tuple[str, str], Any]:
        """Kinds of supplies, items and units, that a demand may be met from; None for what is as requested.

        Parameters
        ----------
        demand
            Any of the demands.
        """
        return {self.demand_side.item(demand): None}

    def batch(self, demand: Any, supply: Any) -> tuple[int, int]:
        """Units of the demand in the smallest batch of a pair, and units of the supply that it takes.

        Parameters
        ----------
        demand, supply
            Two that may meet.
        """
        return 1, 1

    def components(self, demand: Any) -> Mapping[tuple[str, str], int]:
        """Units of each kind in a kit of what a demand asks for; nothing if that is no kit.

        Parameters
        ----------
        demand
            Any of the demands.
        """
        return {}

    def served(self, demand: Any, sent: Iterable[tuple[Any, int]]) -> int:
        """Units of a demand that are served by what is sent to it.

        Parameters
        ----------
        demand
            Any of the demands.
        sent
            Supplies, and units of what they send: of the demand, or of a component of the kit it asks for.
        """
        parts = self.components(demand)
        if not parts:
            return sum(quantity for _, quantity in sent)
        of_part = dict.fromkeys(parts, 0)
        units = 0
        for supply, quantity in sent:
            kind = self.supply_side.item(supply)
            if kind in of_part:
                of_part[kind] += quantity
            else:
                units += quantity
        return units + min((of_part[kind] // each for kind, each in parts.items()), default=0)

    def units_of_supplies(self, pins: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
        """Units of the supplies that fixed units of the demands take.

        Parameters
        ----------
        pins
            Units of the demands, by demand id and supply id.
        """
        demand_of, supply_of = ({record.id: record for record in side} for side in (self.demands, self.supplies))
        found = {}
        for (demand_id, supply_id), units in pins.items():
            serves, takes = self.batch(demand_of[demand_id], supply_of[supply_id])
            found[demand_id, supply_id] = units // serves * takes
        return found

    def penalty(self, demand: Any, supply: Any) -> int:
        """What the level ``as-requested`` counts for each unit of a pair.

        Parameters
        ----------
        demand, supply
            Two that may meet.
        """
        return 0

    def share_money(self) -> bool:
        """Whether several kinds of goods compete for one fund."""
        return False

    def substituted(self) -> bool:
        """Whether a demand may be met by something else than what was requested."""
        return False

    def meet(self, demand: Any, supply: Any) -> bool:
        """Whether a supply is of a kind that a demand may be met from.

        Parameters
        ----------
        demand, supply
            Any two.
        """
        return self.supply_side.item(supply) in self.kinds_for(demand)

    def rules(self, policy: Policy) -> list[Rule]:
        """The rules a pair must pass, in the order in which they are asked.

        Parameters
        ----------
        policy
            Names them.

        Raises
        ------
        PluginError
            If a rule is unknown or cannot be imported.
        """
        return rules_named(policy.rules)

    def reach(self, policy: Policy) -> Ints:
        """How far each supply that takes part may go: the policy's radius or its own, whichever is smaller.

        Parameters
        ----------
        policy
            Has the radius.

        Returns
        -------
        Whole metres, the edge included, by supply; larger than any distance where there is no limit.

        Raises
        ------
        ProblemError
            ``RADIUS_WITHOUT_METRES`` if a radius is set and the pairs bring costs in another unit.
        """
        limited = policy.max_km is not None or policy.max_km_by_item or any(s.max_km is not None for s in self.supplies)
        if self.cost_unit != METRE and limited:
            raise ProblemError(
                f"a radius in km is set, but pairs= brings costs in {self.cost_unit!r}; leave out the pairs too far",
                code="RADIUS_WITHOUT_METRES",
            )

        @cache
        def least(item: str, own_km: float | None) -> int:
            limits = [policy.max_metres(item), None if own_km is None else round(own_km * 1000)]
            return min((limit for limit in limits if limit is not None), default=MAX_COUNT)

        item = self.supply_side.item
        return np.array([least(item(one)[0], one.max_km) for one in self._admission.supplies], dtype=np.int64)

    def capacity(self, supply: Any) -> int | None:
        """What a supply can carry of the loads of its pairs; None for no limit.

        Parameters
        ----------
        supply
            Any of the supplies.

        Returns
        -------
        Minutes a week, or what the table of pairs says, in its own unit.
        """
        if self.pairs is not None and self.pairs.capacities is not None:
            return self.pairs.capacities.get(supply.id)
        minutes: int | None = getattr(supply, "minutes_per_week", None)
        return minutes

    def load(self, policy: Policy) -> Callable[[Any, Any, int], int]:
        """What a unit on a pair takes of what its supply can carry.

        Parameters
        ----------
        policy
            Has the minutes of travel.

        Returns
        -------
        A function of demand, supply and the pair's cost. Where the table of pairs has the pair's load, that; else the
        client's minutes a week and, where costs are metres, the policy's minutes of travel, rounded up.
        """
        loads = {} if self.pairs is None else self.pairs.loads
        rate = policy.travel_minutes_per_km if self.cost_unit == METRE else 0

        def of(demand: Any, supply: Any, cost: int) -> int:
            listed = loads.get((demand.id, supply.id))
            if listed is not None:
                return listed
            return (getattr(demand, "minutes_per_week", None) or 0) - (-cost * rate // 1000)

        return of

    def fair_shares(self, policy: Policy) -> dict[str, int]:
        """What each supply would carry if all carried the same part of what they can, rounded down, by id.

        Parameters
        ----------
        policy
            As for `load`.

        Returns
        -------
        Units where a supply that takes part has no capacity, else loads without travel, of all that is asked.
        """
        demands, supplies = self._admission.demands, self._admission.supplies
        carried = all(self.capacity(supply) is not None for supply in supplies)
        most = {s.id: (self.capacity(s) or 0) if carried else self.supply_side.units(s) for s in supplies}
        each = [(getattr(d, "minutes_per_week", None) or 0) if carried else 1 for d in demands]
        asked = sum(self.demand_side.units(d) * one for d, one in zip(demands, each, strict=True))
        whole = sum(most.values())
        return {id_: min(one, asked * one // whole) if whole else 0 for id_, one in most.items()}

    def check_loads(self) -> None:
        """Refuse clients without minutes where caregivers have minutes and no table says what a pair takes.

        Raises
        ------
        RowsError
            ``NO_MINUTES``, with every such row.
        """
        if self.family != "care" or all(self.capacity(supply) is None for supply in self.supplies):
            return
        listed = set() if self.pairs is None else {demand_id for demand_id, _ in self.pairs.loads}
        self._refuse(
            [
                (self.demand_side, row, "minutes_per_week")
                for row, client in enumerate(self.demands)
                if client.minutes_per_week is None and client.id not in listed and client.closed(self.as_of) is None
            ],
            "NO_MINUTES",
            "caregivers have minutes, but what this client needs of them is not known",
        )

    def pairs_ended(self, kept: Iterable[tuple[str, str]]) -> int:
        """How many pairs in force a matching ends, of those whose two sides take part.

        Parameters
        ----------
        kept
            Its pairs, by demand id and supply id.
        """
        in_force = {(pair.demand_id, pair.supply_id) for pair in self.current if pair.state != "ended"}
        if not in_force:
            return 0
        demands, supplies = (
            {record.id for record in side} for side in (self._admission.demands, self._admission.supplies)
        )
        return len({(d, s) for d, s in in_force if d in demands and s in supplies} - set(kept))

    def check_policy(self, policy: Policy) -> None:
        """Refuse a policy for another family, and records that name a category the policy does not order.

        Parameters
        ----------
        policy
            Has the categories.

        Raises
        ------
        RowsError
            ``UNKNOWN_CATEGORY``, with every such row.
        ProblemError
            ``OTHER_FAMILY`` if the policy is for another family.
        """
        if policy.family != self.family:
            raise ProblemError(f"a {self.family} problem and a policy for {policy.family}", code="OTHER_FAMILY")
        known = set(policy.categories)
        rows = [(self.demand_side, i, "category") for i, d in enumerate(self.demands) if d.category not in known]
        rows += [
            (self.supply_side, j, "only_categories")
            for j, supply in enumerate(self.supplies)
            if not known.issuperset(getattr(supply, "only_categories", ()))
        ]
        hint = f"not one of the policy's categories {', '.join(policy.categories)}"
        self._refuse(rows, "UNKNOWN_CATEGORY", hint)

    def check_points(self) -> None:
        """Refuse records that take part and have no point.

        Raises
        ------
        RowsError
            ``NO_POINT``, with every such row.
        """
        hint = "no lat and lon, and no point for its code in places=; metres cannot be measured"
        self._refuse(self._without("lat"), "NO_POINT", hint)

    def check_places(self, distance: Distance) -> None:
        """Refuse records that take part and lack what a distance measures by.

        Parameters
        ----------
        distance
            Needs points unless its ``needs_points`` is False, and codes if its ``needs_codes`` is True.

        Raises
        ------
        RowsError
            ``NO_POINT`` or ``NO_CODE``, with every such row.
        """
        if getattr(distance, "needs_points", True):
            self.check_points()
        if getattr(distance, "needs_codes", False):
            self._refuse(self._without("code"), "NO_CODE", f"no code, by which {distance.name!r} measures")

    def _without(self, part: str) -> list[tuple[Side, int, str]]:
        """Rows that take part and have no latitude, and so no point, or no code."""
        return [
            (side, row, "code")
            for side, records in ((self.demand_side, self.demands), (self.supply_side, self.supplies))
            for row, known in enumerate(map(attrgetter(f"place.{part}"), records))
            if known is None and self.closed(records[row]) is None
        ]

    def _refuse(self, rows: Sequence[tuple[Side, int, str]], code: str, message: str) -> None:
        if not rows:
            return
        faults = []
        for side, row, column in rows:
            record = (self.demands if side is self.demand_side else self.supplies)[row]
            source, lines = self._where[side.table]
            faults.append(Fault(source, lines[row], column, code, f"id {record.id!r}: {message}"))
        size = len(self.demands) + len(self.supplies)
        bad = len({(side.table, row) for side, row, _ in rows})
        raise RowsError(Report("problem", size, size - bad, tuple(faults)))

    def _refuse_unknown_ids(self) -> None:
        demands, supplies = {record.id for record in self.demands}, {record.id for record in self.supplies}
        for name, pairs in (("pairs", () if self.pairs is None else self.pairs.pairs), ("decisions", self.decisions)):
            for pair in pairs:
                for side, id_, known in (("demand", pair.demand_id, demands), ("supply", pair.supply_id, supplies)):
                    if id_ not in known:
                        raise ProblemError(
                            f"{name}= has {side} {id_!r}, which is not among the records (was its row refused?)",
                            code="UNKNOWN_ID",
                        )
        # pairs in force may name those who have left
        for name, keys in (
            ("current", [(pair.demand_id, pair.supply_id) for pair in self.current if pair.state != "ended"]),
            ("decisions", [(decision.id,) for decision in self.decisions]),
        ):
            twice = [key for key, count in Counter(keys).items() if count > 1]
            if twice:
                raise ProblemError(f"{name}= has {' and '.join(min(twice))!r} twice", code="DUPLICATE_ID")

    def _admit(self) -> Admission:
        closed = [
            {record.id: reason for record in records if (reason := self.closed(record)) is not None}
            for records in (self.demands, self.supplies)
        ]
        held = [decision for decision in self.decisions if decision.holds(self.as_of)]
        forbidden = frozenset((d.demand_id, d.supply_id) for d in held if d.kind == "forbid")
        return Admission(
            tuple(sorted((d for d in self.demands if d.id not in closed[0]), key=lambda record: record.id)),
            tuple(sorted((s for s in self.supplies if s.id not in closed[1]), key=lambda record: record.id)),
            dict(sorted(closed[0].items())),
            dict(sorted(closed[1].items())),
            self._pins([d for d in held if d.kind == "pin"], forbidden, {**closed[0]}, {**closed[1]}),
            forbidden,
        )

    def _pins(
        self,
        pins: Sequence[Decision],
        forbidden: frozenset[tuple[str, str]],
        closed_demands: Mapping[str, str],
        closed_supplies: Mapping[str, str],
    ) -> dict[tuple[str, str], int]:
        """Units fixed on pairs, once nothing stands against any of them."""
        demand_of, supply_of = {d.id: d for d in self.demands}, {s.id: s for s in self.supplies}
        listed = None if self.pairs is None else {(p.demand_id, p.supply_id) for p in self.pairs.pairs}
        fixed: dict[tuple[str, str], int] = {}
        of_demand: Counter[str] = Counter()
        of_supply: Counter[str] = Counter()
        for pin in sorted(pins, key=lambda decision: decision.id):
            pair = pin.demand_id, pin.supply_id
            demand, supply = demand_of[pin.demand_id], supply_of[pin.supply_id]
            asked, offered = self.demand_side.units(demand), self.supply_side.units(supply)
            serves, takes = self.batch(demand, supply)
            part = not serves
            serves = max(serves, 1)
            most = min(asked // serves, offered // takes) * serves
            most = most if self.pair_limit is None else min(most, self.pair_limit)
            units = most if pin.quantity is None else pin.quantity
            of_demand[demand.id] += units
            of_supply[supply.id] += units // serves * takes
            against = {
                f"the demand does not take part ({closed_demands.get(demand.id)})": demand.id in closed_demands,
                f"the supply does not take part ({closed_supplies.get(supply.id)})": supply.id in closed_supplies,
                "another decision forbids the pair": pair in forbidden,
                "another decision pins the same pair": pair in fixed,
                "pairs= has no cost for it": listed is not None and pair not in listed,
                "they are of different items or units": not self.meet(demand, supply),
                "it is a part of a kit, which is put together by the run": part,
                f"{units} units are no whole batches of {serves}": units % serves > 0,
                f"{units} units, but a pair has at most {most}": not 1 <= units <= most,
                f"{of_demand[demand.id]} units pinned, {asked} asked for": of_demand[demand.id] > asked,
                f"{of_supply[supply.id]} units pinned, {offered} offered": of_supply[supply.id] > offered,
            }
            for reason, stands in against.items():
                if stands:
                    raise ProblemError(
                        f"decision {pin.id!r} pins demand {demand.id!r} to supply {supply.id!r}, but {reason}",
                        code="PIN_CONFLICT",
                    )
            fixed[pair] = units
        return dict(sorted(fixed.items()))


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[kind, ...])


def _points(places: Iterable[Place]) -> dict[str | None, Place]:
    points: dict[str | None, Place] = {}
    for place in of_kind(places, Place, "places"):
        if place.code is None or place.point is None:
            continue
        if points.setdefault(place.code, place).point != place.point:
            raise ProblemError(f"places= has two points for code {place.code!r}", code="DUPLICATE_ID")
    return points


def _check_coordinates(tables: Sequence[Records[Any]]) -> None:
    """Refuse sources of which some were declared and others forgotten; once converted, nobody could tell."""
    declared: list[tuple[str, str]] = []
    silent: list[str] = []
    for records in tables:
        places = (one if isinstance(one, Place) else getattr(one, "place", None) for one in records)
        if any(isinstance(place, Place) and place.point is not None for place in places):
            system = records.report.coordinates
            if system is None:
                silent.append(records.source)
            elif system != "WGS-84":
                declared.append((records.source, system))
    if declared and silent:
        raise ProblemError(
            f"{declared[0][0]} was read as {declared[0][1]}, but {silent[0]} without coordinates=; declare it, too, as "
            "WGS-84 if that is what it is",
            code="MIXED_COORDINATES",
        )


def calendar_day(as_of: Any) -> date:
    """The day decided for, if it is one.

    Parameters
    ----------
    as_of
        A date, or the midnight that begins it.

    Raises
    ------
    ProblemError
        ``NO_DAY``.
    """
    if isinstance(as_of, datetime) and as_of.time() == time():
        return as_of.date()
    if not isinstance(as_of, date) or isinstance(as_of, datetime):
        raise ProblemError("as_of is the calendar date decided for, such as date(2017, 6, 1)", code="NO_DAY")
    return as_of


def of_kind(records: Iterable[Any], kind: type, table: str) -> Sequence[Any]:
    """Refuse what is no sequence of the right records.

    Parameters
    ----------
    records
        Anything.
    kind
        Their class.
    table
        What messages call it.

    Raises
    ------
    ProblemError
        ``NO_RECORDS``.
    """
    if not isinstance(records, Iterable):
        raise ProblemError(f"{table}= is a {type(records).__name__}, not a sequence of records", code="NO_RECORDS")
    kept = records if isinstance(records, Sequence) and not isinstance(records, str | bytes) else tuple(records)
    for row, record in enumerate(kept):
        if not isinstance(record, kind):
            raise ProblemError(
                f"{table}[{row}] is a {type(record).__name__}, not a {kind.__name__}; read() makes them",
                code="NO_RECORDS",
            )
    return kept


def checked(records: Iterable[Any], kind: type, table: str) -> Sequence[Any]:
    """The same, with ids that come once.

    Parameters
    ----------
    records, kind, table
        As `of_kind`.

    Raises
    ------
    ProblemError
        ``NO_RECORDS`` or ``DUPLICATE_ID``.
    """
    kept = of_kind(records, kind, table)
    twice = [id_ for id_, count in Counter(record.id for record in kept).items() if count > 1]
    if twice:
        raise ProblemError(f"{table}: id {min(twice)!r} comes twice", code="DUPLICATE_ID")
    return kept


def _located(record: Any, points: Mapping[str | None, Place]) -> Any:
    if record.place.point is None and record.place.code in points:
        return replace(record, place=points[record.place.code])
    return record
