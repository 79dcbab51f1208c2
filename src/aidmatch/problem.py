"""What is to be matched, and as of which day."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar

from pydantic import TypeAdapter

from aidmatch.distance.pair_table import METRE, PairTable
from aidmatch.errors import ProblemError, RowsError
from aidmatch.fields import MAX_COUNT
from aidmatch.place import Place
from aidmatch.policy import Policy
from aidmatch.records.giving import Donation, Need, PairCost
from aidmatch.report import Fault, Report
from aidmatch.sources.reading import Records

__all__ = ["Admission", "GivingProblem"]

_NEEDS = TypeAdapter(tuple[Need, ...])
_DONATIONS = TypeAdapter(tuple[Donation, ...])
_PAIRS = TypeAdapter(tuple[PairCost, ...])


@dataclass(frozen=True, slots=True)
class Admission:
    """Who takes part on the day.

    Parameters
    ----------
    needs, donations
        Those that do, sorted by id.
    closed_needs, closed_donations
        The reason of each that does not, by id.
    """

    needs: tuple[Need, ...]
    donations: tuple[Donation, ...]
    closed_needs: Mapping[str, str]
    closed_donations: Mapping[str, str]


@dataclass(frozen=True, slots=True, init=False, repr=False)
class GivingProblem:
    """Needs to be met from donations on a day.

    Parameters
    ----------
    needs, donations
        Records, from `read` or made by hand; ids are unique on each side.
    as_of
        The day decided for. The library has no clock.
    pairs
        The pairs that may be, with their costs. Without it, every pair may be and costs its distance.
    places
        Points of administrative codes; they complete the records that have a code and no point.

    Raises
    ------
    ProblemError
        ``NO_RECORDS`` for something that is not a sequence of the right records, ``DUPLICATE_ID`` for an id that
        comes twice, ``UNKNOWN_ID`` for a pair of records that are not there, ``UNSUPPORTED`` for a record that asks
        for what this version cannot decide exactly, ``NO_DAY`` for an `as_of` that is not a calendar date.
    """

    family: ClassVar[str] = "giving"

    needs: Sequence[Need]
    donations: Sequence[Donation]
    as_of: date
    pairs: PairTable | None
    #: what was wrong with the sources, where records were read from some
    reports: tuple[Report, ...]
    _where: Mapping[str, Callable[[int], str]]

    def __init__(
        self,
        needs: Iterable[Need],
        donations: Iterable[Donation],
        *,
        as_of: date,
        pairs: PairTable | None = None,
        places: Iterable[Place] = (),
    ) -> None:
        if not isinstance(as_of, date) or isinstance(as_of, datetime):
            raise ProblemError("as_of is the calendar date decided for, such as date(2017, 6, 1)", code="NO_DAY")
        points = {place.code: place for place in places if place.point is not None}
        reports: list[Report] = []
        where: dict[str, Callable[[int], str]] = {}
        for table, kind, records in (("needs", Need, needs), ("donations", Donation, donations)):
            if isinstance(records, Records):
                reports.append(records.report)
                where[table] = records.where
            kept = tuple(_located(record, points) for record in _checked(records, kind, table))
            where.setdefault(table, _by_number(table))
            object.__setattr__(self, table, kept)
        object.__setattr__(self, "as_of", as_of)
        object.__setattr__(self, "pairs", pairs)
        object.__setattr__(self, "reports", tuple(reports))
        object.__setattr__(self, "_where", where)
        self._refuse_what_is_not_decided()
        self._refuse_unknown_pairs()

    def __repr__(self) -> str:
        return f"<GivingProblem: {len(self.needs):,} needs, {len(self.donations):,} donations, {self.as_of}>"

    @property
    def cost_unit(self) -> str:
        """What the cost of a pair counts."""
        return METRE if self.pairs is None else self.pairs.unit

    def digests(self) -> dict[str, str]:
        """SHA-256 of each input, in hexadecimal; the order of rows does not matter."""
        parts: dict[str, tuple[TypeAdapter[Any], Sequence[Any]]] = {
            "needs": (_NEEDS, sorted(self.needs, key=lambda need: need.id)),
            "donations": (_DONATIONS, sorted(self.donations, key=lambda lot: lot.id)),
        }
        if self.pairs is not None:
            parts["pairs"] = (_PAIRS, self.pairs.pairs)
        digests = {
            name: hashlib.sha256(kind.dump_json(tuple(rows))).hexdigest() for name, (kind, rows) in parts.items()
        }
        if self.pairs is not None:
            digests["pairs_unit"] = hashlib.sha256(self.pairs.unit.encode()).hexdigest()
        return digests

    def admission(self) -> Admission:
        """Sort out who takes part on the day, and why the others do not."""
        closed = [
            {record.id: reason for record in records if (reason := record.closed(self.as_of)) is not None}
            for records in (self.needs, self.donations)
        ]
        return Admission(
            tuple(sorted((n for n in self.needs if n.id not in closed[0]), key=lambda need: need.id)),
            tuple(sorted((lot for lot in self.donations if lot.id not in closed[1]), key=lambda lot: lot.id)),
            dict(sorted(closed[0].items())),
            dict(sorted(closed[1].items())),
        )

    def reach(self, policy: Policy) -> Callable[[Donation], int]:
        """How far each lot may go, the edge included: the policy's radius or the donor's, whichever is smaller.

        Parameters
        ----------
        policy
            Has the radius.

        Returns
        -------
        A function from a lot to whole metres, which are larger than any distance where there is no limit.

        Raises
        ------
        ProblemError
            ``RADIUS_WITHOUT_METRES`` if a radius is set and the pairs bring costs in another unit.
        """
        if self.cost_unit != METRE and (
            policy.max_km is not None or any(lot.max_km is not None for lot in self.donations)
        ):
            raise ProblemError(
                f"a radius in km is set, but pairs= brings costs in {self.cost_unit!r}; leave out the pairs too far",
                code="RADIUS_WITHOUT_METRES",
            )
        general = MAX_COUNT if policy.max_metres is None else policy.max_metres

        def metres(lot: Donation) -> int:
            return general if lot.max_km is None else min(general, round(lot.max_km * 1000))

        return metres

    def check_categories(self, policy: Policy) -> None:
        """Refuse records that name a category the policy does not order.

        Parameters
        ----------
        policy
            Has the categories.

        Raises
        ------
        RowsError
            ``UNKNOWN_CATEGORY``, with every such row.
        """
        known = set(policy.categories)
        hint = f"not one of the policy's categories {', '.join(policy.categories)}"
        self._refuse(
            [("needs", i, "category") for i, need in enumerate(self.needs) if need.category not in known]
            + [
                ("donations", j, "only_categories")
                for j, lot in enumerate(self.donations)
                if not known.issuperset(lot.only_categories)
            ],
            "UNKNOWN_CATEGORY",
            hint,
        )

    def check_points(self) -> None:
        """Refuse records without a point.

        Raises
        ------
        RowsError
            ``NO_POINT``, with every such row.
        """
        self._refuse(
            [
                (table, i, "code")
                for table, places in (("needs", self._places(self.needs)), ("donations", self._places(self.donations)))
                for i, place in enumerate(places)
                if place.point is None
            ],
            "NO_POINT",
            "no lat and lon, and no point for its code in places=; metres cannot be measured",
        )

    def _refuse(self, rows: list[tuple[str, int, str]], code: str, message: str) -> None:
        if rows:
            faults = [
                Fault(table, i + 1, column, code, f"{self._where[table](i)}, {self._id(table, i)}: {message}")
                for table, i, column in rows
            ]
            size = len(self.needs) + len(self.donations)
            raise RowsError(Report("problem", size, size - len({(t, i) for t, i, _ in rows}), tuple(faults)))

    @staticmethod
    def _places(records: Sequence[Need] | Sequence[Donation]) -> list[Place]:
        return [record.place for record in records]

    def _id(self, table: str, index: int) -> str:
        record = self.needs[index] if table == "needs" else self.donations[index]
        return f"id {record.id!r}"

    def _refuse_what_is_not_decided(self) -> None:
        asked = [
            ("needs", i, field)
            for i, need in enumerate(self.needs)
            for field, plain in (("whole", False), ("min_quantity", 1), ("substitutes", "none"))
            if getattr(need, field) != plain
        ]
        asked += [
            ("donations", j, field)
            for j, lot in enumerate(self.donations)
            for field, plain in (("pack_size", 1), ("min_lot", 1), ("only_project", None))
            if getattr(lot, field) != plain
        ]
        self._refuse(asked, "UNSUPPORTED", "this version decides divisible goods only and would ignore the field")

    def _refuse_unknown_pairs(self) -> None:
        if self.pairs is None:
            return
        demands, supplies = {need.id for need in self.needs}, {lot.id for lot in self.donations}
        for pair in self.pairs.pairs:
            if pair.demand_id not in demands or pair.supply_id not in supplies:
                raise ProblemError(
                    f"pairs= names demand {pair.demand_id!r} and supply {pair.supply_id!r}; one of them is not there",
                    code="UNKNOWN_ID",
                )


def _checked(records: Iterable[Any], kind: type, table: str) -> Sequence[Any]:
    kept = records if isinstance(records, Sequence) and not isinstance(records, str | bytes) else tuple(records)
    for i, record in enumerate(kept):
        if not isinstance(record, kind):
            raise ProblemError(
                f"{table}[{i}] is a {type(record).__name__}, not a {kind.__name__}; read() makes them",
                code="NO_RECORDS",
            )
    twice = [id_ for id_, count in Counter(record.id for record in kept).items() if count > 1]
    if twice:
        raise ProblemError(f"{table}: id {min(twice)!r} comes twice", code="DUPLICATE_ID")
    return kept


def _located(record: Any, points: Mapping[str | None, Place]) -> Any:
    if record.place.point is None and record.place.code in points:
        return replace(record, place=points[record.place.code])
    return record


def _by_number(table: str) -> Callable[[int], str]:
    return lambda index: f"{table}[{index}]"
