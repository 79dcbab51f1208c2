"""Needs to be met from donations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import ClassVar

from aidmatch.distance.pair_table import PairTable
from aidmatch.place import Place
from aidmatch.policy import Policy
from aidmatch.problem.problem import Problem, Side
from aidmatch.records.decision import Decision
from aidmatch.records.giving import Donation, Donor, Need
from aidmatch.rules.giving import Fresh
from aidmatch.rules.protocol import Rule, rules_named

__all__ = ["GivingProblem"]


class GivingProblem(Problem):
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
    decisions
        Pairs that people have pinned or forbidden.
    donors
        What donors ask for all of their lots together; a donor who is not among them asks for nothing.

    Raises
    ------
    ProblemError, RowsError
        As `Problem`.
    """

    __slots__ = ()

    family: ClassVar[str] = "giving"
    demand_side: ClassVar[Side] = Side(
        Need,
        "needs",
        lambda need: int(need.quantity),
        lambda need: (need.item, need.unit),
        lambda need: str(need.household_id),
        {"substitutes": "none"},
    )
    supply_side: ClassVar[Side] = Side(
        Donation,
        "lots",
        lambda lot: int(lot.quantity),
        lambda lot: (lot.item, lot.unit),
        lambda lot: str(lot.donor_id),
        {},
    )
    pair_limit: ClassVar[int | None] = None

    def __init__(
        self,
        needs: Iterable[Need],
        donations: Iterable[Donation],
        *,
        as_of: date,
        pairs: PairTable | None = None,
        places: Iterable[Place] = (),
        decisions: Iterable[Decision] = (),
        donors: Iterable[Donor] = (),
    ) -> None:
        self._fill(needs, donations, as_of, pairs, places, (), decisions, donors)

    def rules(self, policy: Policy) -> list[Rule]:
        """The policy's rules, and those that hold whatever the policy says: nothing arrives expired.

        Parameters
        ----------
        policy
            Names the rules, and says how long a delivery takes.

        Raises
        ------
        PluginError
            If a rule is unknown or cannot be imported.
        """
        rules = rules_named(policy.rules)
        if policy.delivery_days:
            rules.append(Fresh(self.as_of + timedelta(days=policy.delivery_days)))
        return rules

    @property
    def needs(self) -> tuple[Need, ...]:
        """The demands."""
        return self.demands

    @property
    def donations(self) -> tuple[Donation, ...]:
        """The supplies."""
        return self.supplies
