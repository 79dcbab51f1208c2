"""What clients ask of their caregivers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from aidmatch.arrays import Ints, numbered, numbered_by
from aidmatch.records.care import Caregiver, Client

__all__ = ["CaregiverGender", "CommonWindows", "Languages", "Services"]


class Services:
    """A caregiver can do all that the client needs."""

    name: ClassVar[str] = "services"

    def reason(self, demand: Client, supply: Caregiver) -> str | None:
        """``SERVICE_NOT_OFFERED`` if something is missing."""
        return None if set(demand.services) <= set(supply.services) else "SERVICE_NOT_OFFERED"

    def labels(self, demands: Sequence[Client], supplies: Sequence[Caregiver]) -> tuple[Ints, Ints]:
        """By the lists of services."""
        return numbered_by("services", demands), numbered_by("services", supplies)


class Languages:
    """A caregiver speaks one of the client's languages, if the client names any."""

    name: ClassVar[str] = "languages"

    def reason(self, demand: Client, supply: Caregiver) -> str | None:
        """``NO_COMMON_LANGUAGE`` if they could not talk."""
        if demand.languages and not set(demand.languages) & set(supply.languages):
            return "NO_COMMON_LANGUAGE"
        return None

    def labels(self, demands: Sequence[Client], supplies: Sequence[Caregiver]) -> tuple[Ints, Ints]:
        """By the lists of languages."""
        return numbered_by("languages", demands), numbered_by("languages", supplies)


class CommonWindows:
    """A caregiver has time when the client wants care: as many minutes as the client needs, or one at least.

    Who has no windows has any time.
    """

    name: ClassVar[str] = "windows"

    def reason(self, demand: Client, supply: Caregiver) -> str | None:
        """``NO_COMMON_WINDOW`` if they have too little time in common."""
        if not demand.windows or not supply.windows:
            return None
        common = sum(
            max(0, min(one[2], other[2]) - max(one[1], other[1]))
            for one in demand.windows
            for other in supply.windows
            if one[0] == other[0]
        )
        return None if common >= max(1, demand.minutes_per_week or 0) else "NO_COMMON_WINDOW"

    def labels(self, demands: Sequence[Client], supplies: Sequence[Caregiver]) -> tuple[Ints, Ints]:
        """By windows, and by minutes where there are windows."""
        return (
            numbered((client.windows, client.minutes_per_week if client.windows else None) for client in demands),
            numbered_by("windows", supplies),
        )


class CaregiverGender:
    """A caregiver has the gender that the client asks for, if the client asks for one."""

    name: ClassVar[str] = "caregiver-gender"

    def reason(self, demand: Client, supply: Caregiver) -> str | None:
        """``GENDER_NOT_WANTED`` if the client asks for the other one."""
        return "GENDER_NOT_WANTED" if demand.caregiver_gender not in (None, supply.gender) else None

    def labels(self, demands: Sequence[Client], supplies: Sequence[Caregiver]) -> tuple[Ints, Ints]:
        """By the gender asked for, and by gender."""
        return numbered_by("caregiver_gender", demands), numbered_by("gender", supplies)
