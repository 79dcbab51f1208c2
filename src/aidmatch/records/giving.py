"""Needs of households and lots of donated goods, and explicit costs of their pairs."""

from __future__ import annotations

from datetime import date
from math import gcd
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from aidmatch.fields import CONFIG, Areas, Count, Day, Id, Kilometres, ListedNames, Names, Positive, Text
from aidmatch.place import Place
from aidmatch.records.case import Gate

__all__ = ["Component", "Donation", "Donor", "Kit", "Need", "PairCost", "Substitute"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, config=CONFIG)
class Need:
    """One household's need of one item: a demand.

    Parameters
    ----------
    id, household_id
        Text of 1–64 characters. A household may have several needs.
    item, unit
        What is needed and how it is counted. A lot serves a need only if both are the same, or it is a substitute.
    quantity
        Pieces of `unit`, at least 1.
    category
        One of the policy's categories.
    place
        Where it is needed.
    gate
        How far the case has come.
    registered_on
        The day the need was recorded.
    needed_by
        Last day on which it still helps.
    urgent
        Whether the platform marks it so.
    recurring_days
        Period in days, if it comes again; this record is one period's need.
    min_quantity
        The least that is of use: so many pieces in all, from whomever, or none.
    whole
        All or nothing.
    substitutes
        What may be sent instead: nothing, ``approved`` alternatives, or these and equivalents of the same ``category``
        of goods (`Substitute`).
    accepts
        Ways in which it may be met; only ``goods`` can be met by a donation.
    project
        The project it belongs to, if any; gifts to a project go to its needs only.

    Raises
    ------
    pydantic.ValidationError
        If a value is not what its field asks for.
    """

    table: ClassVar[str] = "needs"

    id: Id
    household_id: Id
    item: Text
    quantity: Positive
    unit: Text
    category: Text
    place: Place
    gate: Gate
    registered_on: Day
    needed_by: Day | None = None
    urgent: bool = False
    recurring_days: Positive | None = None
    min_quantity: Positive = 1
    whole: bool = False
    substitutes: Literal["none", "approved", "category"] = "none"
    accepts: Annotated[tuple[Literal["goods", "money", "service"], ...], ListedNames] = ("goods",)
    project: Text | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Need:
        if self.min_quantity > self.quantity:
            raise PydanticCustomError("OUT_OF_RANGE", "min_quantity is above quantity")
        return self

    def __repr__(self) -> str:
        return f"<Need {self.id!r}>"

    def closed(self, as_of: date) -> str | None:
        """Why the need may not enter on a day.

        Parameters
        ----------
        as_of
            The day decided for.

        Returns
        -------
        A reason of `Gate.closed`, ``NEEDED_BY_PASSED``, ``NOT_FOR_GOODS``, or None if it enters.
        """
        reason = self.gate.closed(as_of)
        if reason is None and self.needed_by is not None and self.needed_by < as_of:
            reason = "NEEDED_BY_PASSED"
        if reason is None and "goods" not in self.accepts:
            reason = "NOT_FOR_GOODS"
        return reason


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, config=CONFIG)
class Donation:
    """One lot of donated goods: a supply.

    Parameters
    ----------
    id, donor_id
        Text of 1–64 characters. A donor may give several lots.
    item, unit
        What it is and how it is counted.
    quantity
        Pieces of `unit`, at least 1.
    place
        Where it lies.
    status
        Lots that are ``pledged`` or ``in_stock`` enter.
    available_from, available_until
        The days on which it can be handed over, both included.
    expires_on
        Last day on which it may be used.
    pack_size
        It leaves in whole packs of so many pieces.
    min_lot
        The fewest pieces that it sends to any one need.
    max_km
        How far it may travel, in kilometres.
    only_categories
        Categories the donor gives to; empty for all.
    only_areas
        Area codes, or their beginnings, the donor gives to; empty for all.
    only_project
        The project whose needs the donor gives to.
    producer_household_id
        The household that made it, to which it is never sent.

    Raises
    ------
    pydantic.ValidationError
        If a value is not what its field asks for.
    """

    table: ClassVar[str] = "donations"

    id: Id
    donor_id: Id
    item: Text
    quantity: Positive
    unit: Text
    place: Place
    status: Literal["pledged", "in_stock", "reserved", "dispatched"] = "in_stock"
    available_from: Day | None = None
    available_until: Day | None = None
    expires_on: Day | None = None
    pack_size: Positive = 1
    min_lot: Positive = 1
    max_km: Kilometres | None = None
    only_categories: Names = ()
    only_areas: Areas = ()
    only_project: Text | None = None
    producer_household_id: Id | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Donation:
        if self.min_lot > self.quantity or self.pack_size > self.quantity:
            raise PydanticCustomError("OUT_OF_RANGE", "min_lot or pack_size is above quantity")
        return self

    def __repr__(self) -> str:
        return f"<Donation {self.id!r}>"

    def closed(self, as_of: date) -> str | None:
        """Why the lot may not enter on a day.

        Parameters
        ----------
        as_of
            The day decided for.

        Returns
        -------
        ``NOT_IN_STOCK``, ``NOT_YET_AVAILABLE``, ``NO_LONGER_AVAILABLE``, ``EXPIRED``, or None if it enters.
        """
        if self.status not in ("pledged", "in_stock"):
            return "NOT_IN_STOCK"
        if self.available_from is not None and self.available_from > as_of:
            return "NOT_YET_AVAILABLE"
        if self.available_until is not None and self.available_until < as_of:
            return "NO_LONGER_AVAILABLE"
        if self.expires_on is not None and self.expires_on < as_of:
            return "EXPIRED"
        return None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, config=CONFIG)
class Donor:
    """What one donor asks for all of their lots together.

    Parameters
    ----------
    id
        As in the lots' `donor_id`.
    max_shipments
        Most needs that their lots are sent to, each lot and need counted once; None for no limit.

    Raises
    ------
    pydantic.ValidationError
        If a value is not what its field asks for.
    """

    table: ClassVar[str] = "donors"

    id: Id
    max_shipments: Count | None = None

    def __repr__(self) -> str:
        return f"<Donor {self.id!r}>"


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Substitute:
    """What may be sent for something else. A direction: that A stands for B does not say that B stands for A.

    Parameters
    ----------
    item, unit
        What was requested.
    substitute, substitute_unit
        What may be sent for it. Without a unit, the one of the item.
    kind
        ``approved``, an alternative that has been approved for this item, or ``category``, an equivalent of the same
        category of goods. `Need.substitutes` says which of them a need takes.
    takes, stands_for
        So many units of the substitute stand for so many of the item: the factor is takes / stands_for, in whole
        batches of its lowest terms.
    penalty
        What the level ``as-requested`` counts for each unit of the need that is met so.

    Raises
    ------
    pydantic.ValidationError
        If a value is not what its field asks for, or something stands for itself.
    """

    table: ClassVar[str] = "substitutes"

    item: Text
    unit: Text
    substitute: Text
    substitute_unit: Text | None = None
    kind: Literal["approved", "category"] = "approved"
    takes: Positive = 1
    stands_for: Positive = 1
    penalty: Annotated[Count, Field(le=1_000_000)] = 1

    @model_validator(mode="after")
    def _another(self) -> Substitute:
        if self.wanted == self.sent:
            raise PydanticCustomError("OUT_OF_RANGE", "an item does not stand for itself")
        return self

    @property
    def wanted(self) -> tuple[str, str]:
        """Item and unit that were requested."""
        return self.item, self.unit

    @property
    def sent(self) -> tuple[str, str]:
        """Item and unit that are sent."""
        return self.substitute, self.unit if self.substitute_unit is None else self.substitute_unit

    @property
    def batch(self) -> tuple[int, int]:
        """Units of the need in the smallest whole batch, and units of the lot that it takes."""
        common = gcd(self.takes, self.stands_for)
        return self.stands_for // common, self.takes // common


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Component:
    """What a kit has so many of.

    Parameters
    ----------
    item, unit
        What it is.
    quantity
        Units of it in one kit.

    Raises
    ------
    pydantic.ValidationError
        If a value is not what its field asks for.
    """

    item: Text
    unit: Text
    quantity: Positive = 1

    @property
    def kind(self) -> tuple[str, str]:
        """Item and unit."""
        return self.item, self.unit

    #: of the need, none by itself; of the lot, one
    batch: ClassVar[tuple[int, int]] = (0, 1)
    penalty: ClassVar[int] = 0


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Kit:
    """An item that may be put together from others, for any one household from any lots.

    Parameters
    ----------
    item, unit
        What is put together.
    components
        What it is put together from, each kind once; none of them is a kit itself.

    Raises
    ------
    pydantic.ValidationError
        If a value is not what its field asks for, or there are no components, or one comes twice or is the kit.
    """

    table: ClassVar[str] = "kits"

    item: Text
    unit: Text
    components: tuple[Component, ...]

    @model_validator(mode="after")
    def _made_of_others(self) -> Kit:
        kinds = [component.kind for component in self.components]
        if not kinds:
            raise PydanticCustomError("OUT_OF_RANGE", "a kit without components")
        if len(set(kinds)) < len(kinds) or (self.item, self.unit) in kinds:
            raise PydanticCustomError("OUT_OF_RANGE", "a component comes twice, or is the kit itself")
        return self


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class PairCost:
    """What it costs to send one unit from one supply to one demand, by the platform's own matrix.

    Parameters
    ----------
    demand_id, supply_id
        Ids of the demand and the supply.
    cost
        A non-negative integer; its unit belongs to the whole table (`PairTable`).
    eligible
        False forbids the pair.
    load
        What a unit on the pair takes of what the supply can carry (`PairTable`); None where nothing is carried.
    """

    table: ClassVar[str] = "pairs"

    demand_id: Id
    supply_id: Id
    cost: Count
    eligible: bool = True
    load: Count | None = None
