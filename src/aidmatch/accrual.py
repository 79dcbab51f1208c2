"""What flows into funds from sales: exact to a millionth of a fen, and no month twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from aidmatch.errors import ProblemError
from aidmatch.fields import MAX_COUNT
from aidmatch.records.money import MILLION, Fund, Sale

__all__ = ["accrue"]


def accrue(funds: Iterable[Fund], sales: Iterable[Sale], month: date) -> tuple[Fund, ...]:
    """Add a month's share of sales to the funds that are fed by it.

    A fund's balance and its `accrued_parts` together grow by exactly sales · accrual_ppm millionths of a fen, so that
    over any number of months nothing is rounded away: whole fen go into the balance, the rest waits for the next month.

    Parameters
    ----------
    funds
        All funds; those without a rate stay as they are.
    sales
        Sales of any months; only those of the month count. A fund may have several.
    month
        Any day of the month.

    Returns
    -------
    The funds, in the same order, those fed with the month noted in `accrued_to`.

    Raises
    ------
    ProblemError
        ``UNKNOWN_ID`` for sales of no fund, or of one without a rate; ``ALREADY_ACCRUED`` for a fund whose balance has
        the month's sales, or later ones; ``OUT_OF_RANGE`` for a balance that cannot be counted.
    """
    known = tuple(funds)
    first = month.replace(day=1)
    rates = {fund.id: fund.accrual_ppm for fund in known}
    sold: dict[str, int] = {}
    for sale in sales:
        if rates.get(sale.fund_id) is None:
            raise ProblemError(
                f"sales= has fund {sale.fund_id!r}, which has no rate or is not there", code="UNKNOWN_ID"
            )
        if sale.month.replace(day=1) == first:
            sold[sale.fund_id] = sold.get(sale.fund_id, 0) + sale.sales_fen
    fed = []
    for fund in known:
        if fund.accrual_ppm is None or fund.id not in sold:
            fed.append(fund)
            continue
        if fund.accrued_to is not None and first <= fund.accrued_to:
            raise ProblemError(f"fund {fund.id!r} has sales up to {fund.accrued_to:%Y-%m}", code="ALREADY_ACCRUED")
        whole, parts = divmod(fund.accrued_parts + sold[fund.id] * fund.accrual_ppm, MILLION)
        if fund.balance_fen + whole > MAX_COUNT:
            raise ProblemError(f"fund {fund.id!r} would have more fen than can be counted", code="OUT_OF_RANGE")
        fed.append(replace(fund, balance_fen=fund.balance_fen + whole, accrued_parts=parts, accrued_to=first))
    return tuple(fed)
