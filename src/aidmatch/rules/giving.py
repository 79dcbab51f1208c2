"""What donors and products demand of the pairs of a giving problem."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import date
from operator import attrgetter
from typing import ClassVar

import numpy as np

from aidmatch.arrays import Ints, numbered, numbered_by
from aidmatch.records.giving import Donation, Need

__all__ = ["Fresh", "Kinds", "OnlyAreas", "OnlyCategories", "OnlyProject", "OwnProduct"]


def _lies_in(code: str | None, areas: tuple[str, ...]) -> bool:
    return not areas or (code is not None and code.startswith(areas))


class OnlyCategories:
    """A lot goes only to the categories its donor named."""

    name: ClassVar[str] = "only-categories"

    def reason(self, demand: Need, supply: Donation) -> str | None:
        """``CATEGORY_NOT_ALLOWED`` if the donor gives to other categories only."""
        if supply.only_categories and demand.category not in supply.only_categories:
            return "CATEGORY_NOT_ALLOWED"
        return None

    def labels(self, demands: Sequence[Need], supplies: Sequence[Donation]) -> tuple[Ints, Ints]:
        """By category, and by the categories named."""
        return numbered_by("category", demands), numbered_by("only_categories", supplies)


class OnlyAreas:
    """A lot goes only to the areas its donor named, by the beginning of the area code."""

    name: ClassVar[str] = "only-areas"

    def reason(self, demand: Need, supply: Donation) -> str | None:
        """``AREA_NOT_ALLOWED`` if the donor gives to other areas only, or the need's area is not known."""
        return None if _lies_in(demand.place.code, supply.only_areas) else "AREA_NOT_ALLOWED"

    def labels(self, demands: Sequence[Need], supplies: Sequence[Donation]) -> tuple[Ints, Ints]:
        """By the lists of areas that a need lies in, and by the areas named."""
        lists_with: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        for areas in {lot.only_areas for lot in supplies}:
            for area in areas:
                lists_with[area].add(areas)
        lengths = sorted({len(area) for area in lists_with})
        codes = list(map(attrgetter("place.code"), demands))
        inside = {
            code: frozenset().union(*(lists_with.get((code or "")[:length], ()) for length in lengths))
            for code in set(codes)
        }
        return numbered(map(inside.__getitem__, codes)), numbered_by("only_areas", supplies)


class OnlyProject:
    """A lot that is given to a project goes to the project's needs only; any need may have a lot given to none."""

    name: ClassVar[str] = "only-project"

    def reason(self, demand: Need, supply: Donation) -> str | None:
        """``PROJECT_NOT_ALLOWED`` if the donor gives to another project."""
        return None if supply.only_project in (None, demand.project) else "PROJECT_NOT_ALLOWED"

    def labels(self, demands: Sequence[Need], supplies: Sequence[Donation]) -> tuple[Ints, Ints]:
        """By project, and by the project named."""
        return numbered_by("project", demands), numbered_by("only_project", supplies)


class Fresh:
    """Nothing arrives after the last day on which it may be used; the problem's own rule, which no policy leaves out.

    Parameters
    ----------
    arrives
        The day on which what is decided now reaches the household.
    """

    name: ClassVar[str] = "expiry"

    def __init__(self, arrives: date) -> None:
        self._arrives = arrives

    def reason(self, demand: Need, supply: Donation) -> str | None:
        """``EXPIRES_BEFORE_DELIVERY`` if it would arrive too late."""
        late = supply.expires_on is not None and supply.expires_on < self._arrives
        return "EXPIRES_BEFORE_DELIVERY" if late else None

    def labels(self, demands: Sequence[Need], supplies: Sequence[Donation]) -> tuple[Ints, Ints]:
        """By whether it would arrive too late."""
        late = numbered(self.reason(None, lot) for lot in supplies)  # type: ignore[arg-type]  # the need does not matter
        return np.zeros(len(demands), dtype=np.int64), late


class Kinds:
    """A lot is what was requested, or may stand for it; the problem's own rule, which no policy leaves out.

    Parameters
    ----------
    kinds_for
        The kinds of goods, items and units, that may be sent for a need.
    """

    name: ClassVar[str] = "kinds"

    def __init__(self, kinds_for: Callable[[Need], Collection[tuple[str, str]]]) -> None:
        self._kinds_for = kinds_for

    def reason(self, demand: Need, supply: Donation) -> str | None:
        """``OTHER_ITEM`` if it is something else."""
        return None if (supply.item, supply.unit) in self._kinds_for(demand) else "OTHER_ITEM"

    def labels(self, demands: Sequence[Need], supplies: Sequence[Donation]) -> tuple[Ints, Ints]:
        """By the kinds that may be sent, and by kind."""
        return (
            numbered(frozenset(self._kinds_for(need)) for need in demands),
            numbered((lot.item, lot.unit) for lot in supplies),
        )


class OwnProduct:
    """What a household made is never sent to itself."""

    name: ClassVar[str] = "own-product"

    def reason(self, demand: Need, supply: Donation) -> str | None:
        """``OWN_PRODUCT`` if the household would get its own product."""
        return "OWN_PRODUCT" if demand.household_id == supply.producer_household_id else None

    def labels(self, demands: Sequence[Need], supplies: Sequence[Donation]) -> tuple[Ints, Ints]:
        """By household where it is one of the producers, and by producer."""
        producer = {lot.producer_household_id: lot.producer_household_id for lot in supplies}
        return (
            numbered(map(producer.get, map(attrgetter("household_id"), demands))),
            numbered_by("producer_household_id", supplies),
        )
