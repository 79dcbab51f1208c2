"""Clients who need care, caregivers, and the pairs that are in force."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from aidmatch.fields import CONFIG, WHOLE, Day, Id, Kilometres, ListedNames, Names, Text
from aidmatch.place import Place
from aidmatch.records.case import Gate

__all__ = ["Caregiver", "Client", "Pair"]

Minutes = Annotated[int, Field(ge=0, le=7 * 24 * 60), WHOLE]
Persons = Annotated[int, Field(ge=0, le=10_000), WHOLE]


def _windows(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = [
                (int(day), *(60 * int(clock[:-3]) + int(clock[-2:]) for clock in span.split("-")))
                for day, span in (part.split() for part in _BETWEEN.split(value) if part.strip())
            ]
        except ValueError:
            raise PydanticCustomError("BAD_WINDOW", "windows look like '1 08:00-11:30; 3 14:00-18:00'") from None
    return tuple(sorted(map(tuple, value))) if isinstance(value, list | tuple) else value


def _in_the_week(value: tuple[tuple[int, int, int], ...]) -> tuple[tuple[int, int, int], ...]:
    for day, start, end in value:
        if not 1 <= day <= 7 or not 0 <= start <= end <= 24 * 60:
            raise PydanticCustomError("BAD_WINDOW", "a window is a weekday 1–7 and two minutes of the day in order")
        if start == end:
            raise PydanticCustomError("BAD_WINDOW", "a window ends when it begins")
    if any(one[0] == other[0] and other[1] < one[2] for one, other in pairwise(value)):
        raise PydanticCustomError("BAD_WINDOW", "two windows overlap")
    return value


_BETWEEN = re.compile("[;；、]")
#: Weekday 1–7, from minute and to minute of the day; in a cell ``1 08:00-11:30; 3 14:00-18:00``.
Windows = Annotated[
    tuple[tuple[Annotated[int, WHOLE], Annotated[int, WHOLE], Annotated[int, WHOLE]], ...],
    BeforeValidator(_windows),
    AfterValidator(_in_the_week),
]
Year = Annotated[int, Field(ge=1850, le=2200), WHOLE]
Gender = Literal["F", "M"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, config=CONFIG)
class Client:
    """One person who needs care: a demand of `caregivers_needed` units, at most one from each caregiver.

    Parameters
    ----------
    id, household_id
        Text of 1–64 characters.
    category
        One of the policy's categories.
    place
        Where the person lives.
    gate
        How far the case has come.
    severity
        How much care is needed.
    eligibility_group
        The platform's own group.
    gender
        ``F`` or ``M``.
    minutes_per_week
        Care needed, from each caregiver; needed where caregivers have minutes.
    services
        What a caregiver must be able to do, all of it.
    languages
        One of them must be spoken by the caregiver; empty for any.
    caregiver_gender
        The gender the caregiver must have; None for any.
    caregivers_needed
        How many different caregivers, at least 1; being served by fewer counts, unless the client is `whole`.
    whole
        All caregivers or none.
    windows
        When care may take place: weekday 1–7, from minute, to minute of the day; empty for any time.
    waiting_since
        The day the person joined the waiting list.
    modes_accepted
        Ways of care the person agrees to, of ``neighbour``, ``bed`` and ``doctor``; a caregiver can meet ``neighbour``
        only.

    Raises
    ------
    pydantic.ValidationError
        If a value is not what its field asks for.
    """

    table: ClassVar[str] = "clients"

    id: Id
    household_id: Id
    category: Text
    place: Place
    gate: Gate
    severity: Literal["mild", "moderate", "severe"]
    eligibility_group: Text | None = None
    gender: Gender
    minutes_per_week: Minutes | None = None
    services: Names = ()
    languages: Names = ()
    caregiver_gender: Gender | None = None
    caregivers_needed: Annotated[int, Field(ge=1, le=10_000), WHOLE] = 1
    whole: bool = False
    windows: Windows = ()
    waiting_since: Day | None = None
    modes_accepted: Annotated[tuple[Literal["neighbour", "bed", "doctor"], ...], ListedNames] = ("neighbour",)

    def __repr__(self) -> str:
        return f"<Client {self.id!r}>"

    def closed(self, as_of: date) -> str | None:
        """Why the client may not enter on a day.

        Parameters
        ----------
        as_of
            The day decided for.

        Returns
        -------
        A reason of `Gate.closed`, ``NOT_FOR_NEIGHBOURS``, or None if the client enters.
        """
        reason = self.gate.closed(as_of)
        if reason is None and "neighbour" not in self.modes_accepted:
            reason = "NOT_FOR_NEIGHBOURS"
        return reason


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, config=CONFIG)
class Caregiver:
    """One person who gives care: a supply of `max_persons` units.

    Parameters
    ----------
    id, household_id
        Text of 1–64 characters.
    gender
        ``F`` or ``M``.
    birth_year
        Year of birth.
    place
        Where the person lives.
    services, languages
        What the person can do and speak.
    min_persons, max_persons
        How many clients at least, unless none, and at most. The policy says whether the minimum is a wish or a must.
    minutes_per_week
        Time the person has, travel included; None for no limit.
    max_km
        How far the person goes, in kilometres.
    windows
        When the person can work: weekday 1–7, from minute, to minute of the day; empty for any time.
    available_from, available_until
        The days between which the person works, both included.
    poor_household
        Whether the household lives on little.

    Raises
    ------
    pydantic.ValidationError
        If a value is not what its field asks for.
    """

    table: ClassVar[str] = "caregivers"

    id: Id
    household_id: Id
    gender: Gender
    birth_year: Year | None = None
    place: Place
    services: Names = ()
    languages: Names = ()
    min_persons: Persons = 0
    max_persons: Persons = 5
    minutes_per_week: Minutes | None = None
    max_km: Kilometres | None = None
    windows: Windows = ()
    available_from: Day | None = None
    available_until: Day | None = None
    poor_household: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Caregiver:
        if self.min_persons > self.max_persons:
            raise PydanticCustomError("OUT_OF_RANGE", "min_persons is above max_persons")
        return self

    def __repr__(self) -> str:
        return f"<Caregiver {self.id!r}>"

    def closed(self, as_of: date) -> str | None:
        """Why the caregiver may not enter on a day.

        Parameters
        ----------
        as_of
            The day decided for.

        Returns
        -------
        ``NOT_YET_AVAILABLE``, ``NO_LONGER_AVAILABLE``, or None if the caregiver enters.
        """
        if self.available_from is not None and self.available_from > as_of:
            return "NOT_YET_AVAILABLE"
        if self.available_until is not None and self.available_until < as_of:
            return "NO_LONGER_AVAILABLE"
        return None


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Pair:
    """A demand and a supply that are together already.

    Parameters
    ----------
    demand_id, supply_id
        Ids of the client and the caregiver.
    since
        The day it began.
    last_moved_on
        The day on which either was last moved.
    state
        How far the agreement has come; an ``ended`` pair is none.
    """

    table: ClassVar[str] = "current"

    demand_id: Id
    supply_id: Id
    since: Day
    last_moved_on: Day | None = None
    state: Literal["offered", "accepted", "signed", "ended"] = "signed"
