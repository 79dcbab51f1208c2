"""Clients to be cared for by caregivers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from operator import attrgetter
from typing import ClassVar

from aidmatch.distance.pair_table import PairTable
from aidmatch.place import Place
from aidmatch.problem.problem import Problem, Side
from aidmatch.records.care import Caregiver, Client, Pair
from aidmatch.records.decision import Decision

__all__ = ["CareProblem"]


class CareProblem(Problem):
    """Clients to be cared for by caregivers on a day, each caregiver by a number of persons.

    A client who needs several caregivers counts as that many units, at most one from each; being served by some of
    them counts.

    Parameters
    ----------
    clients, caregivers
        Records, from `read` or made by hand; ids are unique on each side.
    as_of
        The day decided for. The library has no clock.
    current
        The pairs in force. Those whose client or caregiver does not take part any more are over.
    pairs
        The pairs that may be, with their costs. Without it, every pair may be and costs its distance.
    places
        Points of administrative codes; they complete the records that have a code and no point.
    decisions
        Pairs that people have pinned or forbidden.
    known_total
        How many clients the platform knows of, typed in or not, so that results say what share they have seen.

    Raises
    ------
    ProblemError, RowsError
        As `Problem`.
    """

    __slots__ = ()

    family: ClassVar[str] = "care"
    demand_side: ClassVar[Side] = Side(
        Client,
        "clients",
        attrgetter("caregivers_needed"),
        lambda client: ("care", "person"),
        attrgetter("household_id"),
    )
    supply_side: ClassVar[Side] = Side(
        Caregiver,
        "caregivers",
        attrgetter("max_persons"),
        lambda caregiver: ("care", "person"),
        attrgetter("household_id"),
    )
    pair_limit: ClassVar[int | None] = 1

    def __init__(
        self,
        clients: Iterable[Client],
        caregivers: Iterable[Caregiver],
        *,
        as_of: date,
        current: Iterable[Pair] = (),
        pairs: PairTable | None = None,
        places: Iterable[Place] = (),
        decisions: Iterable[Decision] = (),
        known_total: int | None = None,
    ) -> None:
        self._fill(clients, caregivers, as_of, pairs, places, current, decisions, known_total=known_total)

    @property
    def clients(self) -> tuple[Client, ...]:
        """The demands."""
        return self.demands

    @property
    def caregivers(self) -> tuple[Caregiver, ...]:
        """The supplies."""
        return self.supplies
