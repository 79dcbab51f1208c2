"""Money that may buy what is needed: prices, funds in integer fen, and the sales that feed them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from aidmatch.fields import CONFIG, Areas, Count, Day, Id, Names, Positive, Text

__all__ = ["MILLION", "Fund", "Price", "Sale"]

#: Parts per million; also the parts of a fen that an accrual keeps for the next time.
MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Price:
    """What a unit of an item costs in some span of time.

    Parameters
    ----------
    item, unit
        What is bought, and how it is counted.
    price_fen
        For one unit, in fen, at least 1.
    valid_from, valid_to
        The days on which it holds, both included; without an end, until further notice.

    Raises
    ------
    pydantic.ValidationError
        If a value is not what its field asks for, or the days are reversed.
    """

    table: ClassVar[str] = "prices"

    item: Text
    unit: Text
    price_fen: Positive
    valid_from: Day
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Price:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise PydanticCustomError("OUT_OF_RANGE", "valid_to is before valid_from")
        return self

    def holds(self, as_of: date) -> bool:
        """Whether it holds on a day.

        Parameters
        ----------
        as_of
            The day.
        """
        return self.valid_from <= as_of and (self.valid_to is None or as_of <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, config=CONFIG)
class Fund:
    """Money that buys for needs: a purse with a purpose.

    Parameters
    ----------
    id, sponsor_id
        Text of 1–64 characters. A sponsor may have several funds.
    balance_fen
        What is in it, in fen.
    opens_on, closes_on
        The days on which it may be spent, both included.
    only_categories
        Categories it is for; empty for all.
    only_areas
        Area codes, or their beginnings, it is for; empty for all.
    only_items
        Items it may buy; empty for all.
    only_project
        The project it is for.
    need_cap_fen, household_cap_fen
        The most it gives to any one need, and to any one household, in a run.
    accrual_ppm
        Parts per million of a sponsor's sales that flow into it: 10,000 are 1 %.
    accrued_parts
        Millionths of a fen that sales have left, and that count the next time (`accrue`).
    accrued_to
        First day of the last month whose sales are in the balance.

    Raises
    ------
    pydantic.ValidationError
        If a value is not what its field asks for, or the days are reversed.
    """

    table: ClassVar[str] = "funds"

    id: Id
    sponsor_id: Id
    balance_fen: Count
    opens_on: Day
    closes_on: Day | None = None
    only_categories: Names = ()
    only_areas: Areas = ()
    only_items: Names = ()
    only_project: Text | None = None
    need_cap_fen: Count | None = None
    household_cap_fen: Count | None = None
    accrual_ppm: Annotated[Count, Field(le=MILLION)] | None = None
    accrued_parts: Annotated[Count, Field(lt=MILLION)] = 0
    accrued_to: Day | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Fund:
        if self.closes_on is not None and self.closes_on < self.opens_on:
            raise PydanticCustomError("OUT_OF_RANGE", "closes_on is before opens_on")
        return self

    def __repr__(self) -> str:
        return f"<Fund {self.id!r}>"

    def closed(self, as_of: date) -> str | None:
        """Why nothing may be spent of it on a day.

        Parameters
        ----------
        as_of
            The day decided for.

        Returns
        -------
        ``FUND_NOT_OPEN``, ``FUND_CLOSED``, ``NO_BALANCE``, or None if it may be spent.
        """
        if self.opens_on > as_of:
            return "FUND_NOT_OPEN"
        if self.closes_on is not None and self.closes_on < as_of:
            return "FUND_CLOSED"
        return None if self.balance_fen else "NO_BALANCE"


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Sale:
    """Sales of a month of which a part flows into a fund.

    Parameters
    ----------
    fund_id
        The fund.
    month
        Any day of the month.
    sales_fen
        What was sold, in fen.

    Raises
    ------
    pydantic.ValidationError
        If a value is not what its field asks for.
    """

    table: ClassVar[str] = "sales"

    fund_id: Id
    month: Day
    sales_fen: Count
