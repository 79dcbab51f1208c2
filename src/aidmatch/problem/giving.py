"""Needs to be met from donations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter
from typing import Any, ClassVar

from aidmatch.distance.pair_table import PairTable
from aidmatch.errors import RowsError
from aidmatch.place import Place
from aidmatch.policy import Policy
from aidmatch.problem.money import Money
from aidmatch.problem.problem import Problem, Side, calendar_day, checked, of_kind
from aidmatch.problem.substitution import Kind, Substitution
from aidmatch.records.decision import Decision
from aidmatch.records.giving import Component, Donation, Donor, Kit, Need, Substitute
from aidmatch.records.money import Fund, Price
from aidmatch.report import Fault, Report
from aidmatch.rules.giving import Fresh, Kinds
from aidmatch.rules.protocol import Rule, rules_named

__all__ = ["GivingProblem"]


@dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)
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
    substitutes
        What may be sent for something else, to needs that take substitutes.
    kits
        What may be put together from components. A need for a kit is met by whole ones, or by lots of them.
    known_total
        How many needs the platform knows of, typed in or not, so that results say what share they have seen.
    funds, prices
        Money that may buy for needs that accept it, and what things cost.

    Raises
    ------
    ProblemError, RowsError
        As `Problem`; ``SUBSTITUTE_CYCLE`` for substitutes that come back to where they began, ``TWO_PRICES`` for one
        kind of goods with two prices on the same day.
    """

    substitutes: tuple[Substitute, ...]
    kits: tuple[Kit, ...]
    funds: tuple[Fund, ...]
    prices: tuple[Price, ...]
    _substitution: Substitution
    _money: Money | None

    family: ClassVar[str] = "giving"
    demand_side: ClassVar[Side] = Side(
        Need,
        "needs",
        attrgetter("quantity"),
        attrgetter("item", "unit"),
        attrgetter("household_id"),
    )
    supply_side: ClassVar[Side] = Side(
        Donation,
        "lots",
        attrgetter("quantity"),
        attrgetter("item", "unit"),
        attrgetter("donor_id"),
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
        substitutes: Iterable[Substitute] = (),
        funds: Iterable[Fund] = (),
        prices: Iterable[Price] = (),
        kits: Iterable[Kit] = (),
        known_total: int | None = None,
    ) -> None:
        rows = tuple(of_kind(substitutes, Substitute, "substitutes"))
        parts = tuple(of_kind(kits, Kit, "kits"))
        object.__setattr__(self, "substitutes", rows)
        object.__setattr__(self, "kits", parts)
        object.__setattr__(self, "_substitution", Substitution(rows, parts))
        object.__setattr__(self, "funds", tuple(checked(funds, Fund, "funds")))
        object.__setattr__(self, "prices", tuple(of_kind(prices, Price, "prices")))
        money = Money(self.funds, self.prices, calendar_day(as_of)) if self.funds or self.prices else None
        object.__setattr__(self, "_money", money)
        self._fill(needs, donations, as_of, pairs, places, (), decisions, donors, known_total)
        for source in (substitutes, kits, funds, prices):
            self._report(source)
        self._flag_unknown_items()

    @property
    def money(self) -> Money | None:
        """What money may buy on the day; None without funds."""
        return self._money

    def closed(self, record: Any) -> str | None:
        """Why a record does not take part on the day; where there are funds, what accepts money alone may.

        Parameters
        ----------
        record
            A need or a lot.
        """
        reason: str | None = record.closed(self.as_of)
        if reason == "NOT_FOR_GOODS" and self.funds and "money" in record.accepts:
            return None
        return reason

    def kinds_for(self, demand: Need) -> Mapping[Kind, Substitute | Component | None]:
        """Kinds of goods that may be sent for a need; None for what is sent as requested.

        Parameters
        ----------
        demand
            The need.
        """
        return self._substitution.kinds_for(demand) if "goods" in demand.accepts else {}

    def batch(self, demand: Need, supply: Donation) -> tuple[int, int]:
        """Units of the need in the smallest batch of a pair, and units of the lot that it takes.

        Parameters
        ----------
        demand, supply
            Two that may meet.
        """
        row = self._substitution.row_of(demand, supply)
        return (1, 1) if row is None else row.batch

    def penalty(self, demand: Need, supply: Donation) -> int:
        """What the level ``as-requested`` counts for each unit of a pair.

        Parameters
        ----------
        demand, supply
            Two that may meet.
        """
        row = self._substitution.row_of(demand, supply)
        return 0 if row is None else row.penalty

    def share_money(self) -> bool:
        """Whether a fund may pay for needs of several kinds of goods."""
        money = self._money
        if money is None:
            return False
        of_fund: dict[str, Kind] = {}
        for need in self.admission().demands:
            for fund in money.open:
                kind = need.item, need.unit
                if money.reason(need, fund) is None and of_fund.setdefault(fund.id, kind) != kind:
                    return True
        return False

    def substituted(self) -> bool:
        """Whether a need takes a substitute that some lot is."""
        if not self._substitution:
            return False
        there = {(lot.item, lot.unit) for lot in self.donations}
        return any(
            kind in there and isinstance(row, Substitute)
            for need in self.needs
            for kind, row in self.kinds_for(need).items()
        )

    def components(self, demand: Need) -> Mapping[Kind, int]:
        """Units of each kind in a kit of what a need asks for; nothing if that is no kit.

        Parameters
        ----------
        demand
            The need.
        """
        if not self._substitution:
            return {}
        kinds = self.kinds_for(demand)
        return {kind: row.quantity for kind, row in kinds.items() if isinstance(row, Component)}

    def rules(self, policy: Policy) -> list[Rule]:
        """The policy's rules, and those that hold whatever it says: nothing arrives expired, or is of a wrong kind.

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
        if self._substitution or any("goods" not in need.accepts for need in self.admission().demands):
            rules.append(Kinds(self.kinds_for))
        return rules

    def _extra_tables(self) -> dict[str, tuple[type, Sequence[Any]]]:
        found: dict[str, tuple[type, Sequence[Any]]] = {}
        if self.substitutes:
            found["substitutes"] = Substitute, sorted(self.substitutes, key=lambda row: (row.wanted, row.sent))
        if self.kits:
            found["kits"] = Kit, sorted(self.kits, key=lambda kit: (kit.item, kit.unit))
        if self.funds or self.prices:
            found["funds"] = Fund, sorted(self.funds, key=lambda fund: fund.id)
            found["prices"] = Price, sorted(self.prices, key=lambda row: (row.item, row.unit, row.valid_from))
        return found

    def check_policy(self, policy: Policy) -> None:
        """As for every problem; a fund's categories are the policy's, too.

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
        Problem.check_policy(self, policy)
        strange = [
            Fault("funds", number, "only_categories", "UNKNOWN_CATEGORY", f"id {fund.id!r}: none of the policy's")
            for number, fund in enumerate(self.funds, start=1)
            if not set(policy.categories).issuperset(fund.only_categories)
        ]
        if strange:
            kept = len(self.funds) - len(strange)
            raise RowsError(Report("problem", len(self.funds), kept, tuple(strange)))

    def _flag_unknown_items(self) -> None:
        """A kind that no need and no lot knows may be a slip of the pen; it is no reason to stop."""
        known = {(need.item, need.unit) for need in self.needs} | {(lot.item, lot.unit) for lot in self.donations}
        flagged = [
            Fault("substitutes", number, column, "UNKNOWN_ITEM", "no need and no lot is of this item and unit")
            for number, row in enumerate(self.substitutes, start=1)
            for column, kind in (("item", row.wanted), ("substitute", row.sent))
            if kind not in known
        ]
        flagged += [
            Fault("kits", number, "components", "UNKNOWN_ITEM", "no need and no lot is of one of its kinds")
            for number, kit in enumerate(self.kits, start=1)
            if not known.issuperset(component.kind for component in kit.components)
        ]
        items = {item for item, _ in known}
        flagged += [
            Fault("funds", number, "only_items", "UNKNOWN_ITEM", "no need and no lot is of one of its items")
            for number, fund in enumerate(self.funds, start=1)
            if not items.issuperset(fund.only_items)
        ]
        if flagged:
            rows = len(self.substitutes) + len(self.kits) + len(self.funds)
            self._report(Report("items", rows, rows, flagged=tuple(flagged)))

    def replace(self, **changes: Any) -> GivingProblem:
        """A changed copy.

        Parameters
        ----------
        **changes
            Arguments of the class, instead of what this one was made of.

        Raises
        ------
        ProblemError, RowsError
            As the class.
        """
        names = (
            "needs", "donations", "as_of", "pairs", "decisions", "donors", "substitutes", "funds", "prices", "kits",
            "known_total",
        )  # fmt: skip
        return GivingProblem(**{**{name: getattr(self, name) for name in names}, **changes})

    @property
    def needs(self) -> tuple[Need, ...]:
        """The demands."""
        return self.demands

    @property
    def donations(self) -> tuple[Donation, ...]:
        """The supplies."""
        return self.supplies
