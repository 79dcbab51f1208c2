"""What money may buy on a day: the prices that hold, the funds that are open, and what each is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise

from aidmatch.errors import ProblemError
from aidmatch.problem.substitution import Kind
from aidmatch.records.giving import Need
from aidmatch.records.money import Fund, Price

__all__ = ["Money"]


class Money:
    """Prices and funds of one day.

    Parameters
    ----------
    funds, prices
        The records.
    as_of
        The day.

    Raises
    ------
    ProblemError
        ``TWO_PRICES`` for one kind of goods with two prices on the same day.
    """

    def __init__(self, funds: Sequence[Fund], prices: Iterable[Price], as_of: date) -> None:
        self._price: dict[Kind, int] = {}
        spans: dict[Kind, list[Price]] = defaultdict(list)
        for price in prices:
            spans[price.item, price.unit].append(price)
        for (item, unit), rows in spans.items():
            rows.sort(key=lambda row: row.valid_from)
            for row, after in pairwise(rows):
                if row.valid_to is None or after.valid_from <= row.valid_to:
                    raise ProblemError(
                        f"prices: {item!r} in {unit!r} has two prices on {after.valid_from}", code="TWO_PRICES"
                    )
            self._price |= {(row.item, row.unit): row.price_fen for row in rows if row.holds(as_of)}
        self.closed: Mapping[str, str] = {
            fund.id: reason for fund in sorted(funds, key=lambda f: f.id) if (reason := fund.closed(as_of)) is not None
        }
        self.open: tuple[Fund, ...] = tuple(
            sorted((fund for fund in funds if fund.id not in self.closed), key=lambda fund: fund.id)
        )

    def price_of(self, need: Need) -> int | None:
        """Fen for a unit of what a need asks for; None if it has no price on the day.

        Parameters
        ----------
        need
            The need.
        """
        return self._price.get((need.item, need.unit))

    def reason(self, need: Need, fund: Fund) -> str | None:
        """Why a fund may not pay for a need.

        Parameters
        ----------
        need, fund
            One that takes part, and one that is open.

        Returns
        -------
        ``NOT_FOR_MONEY``, ``NO_PRICE``, ``CATEGORY_NOT_ALLOWED``, ``AREA_NOT_ALLOWED``, ``ITEM_NOT_ALLOWED``,
        ``PROJECT_NOT_ALLOWED``, or None if it may.
        """
        if "money" not in need.accepts:
            return "NOT_FOR_MONEY"
        if self.price_of(need) is None:
            return "NO_PRICE"
        if fund.only_categories and need.category not in fund.only_categories:
            return "CATEGORY_NOT_ALLOWED"
        if fund.only_areas and not (need.place.code or "").startswith(fund.only_areas):
            return "AREA_NOT_ALLOWED"
        if fund.only_items and need.item not in fund.only_items:
            return "ITEM_NOT_ALLOWED"
        return None if fund.only_project in (None, need.project) else "PROJECT_NOT_ALLOWED"

    def ranks(self, needs: Iterable[Need]) -> dict[str, int]:
        """How early each open fund is to be spent, from 0: the fewer needs it is for, and the sooner it closes.

        Parameters
        ----------
        needs
            Those that take part.

        Returns
        -------
        By id; funds for as many needs that close on the same day have the same rank.
        """
        known = list(needs)
        keys = {
            fund.id: (
                sum(self.reason(need, fund) is None for need in known),
                fund.closes_on is None,
                fund.closes_on or date.max,
            )
            for fund in self.open
        }
        order = {key: rank for rank, key in enumerate(sorted(set(keys.values())))}
        return {id_: order[key] for id_, key in keys.items()}
