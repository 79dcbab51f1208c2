"""The books of a run: what each fund has paid, to whom, and what is left of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from aidmatch.matching import Purchase
from aidmatch.problem.problem import Problem

__all__ = ["Books"]


class Books:
    """What purchases leave of the funds.

    Parameters
    ----------
    problem
        Has the funds.
    purchases
        What is bought.
    """

    def __init__(self, problem: Problem, purchases: Iterable[Purchase]) -> None:
        self._money = problem.money
        self.bought: Counter[str] = Counter()
        self.spent: Counter[str] = Counter()
        self._at_need: Counter[tuple[str, str]] = Counter()
        self._at_household: Counter[tuple[str, str]] = Counter()
        for purchase in purchases:
            self.bought[purchase.demand_id] += purchase.quantity
            for payment in purchase.payments:
                self.spent[payment.fund_id] += payment.amount_fen
                self._at_need[payment.fund_id, purchase.demand_id] += payment.amount_fen
                self._at_household[payment.fund_id, purchase.household_id] += payment.amount_fen

    def payers(self, need: Any) -> list[Any]:
        """Open funds that may pay for a need.

        Parameters
        ----------
        need
            The need.
        """
        return [] if self._money is None else [f for f in self._money.open if self._money.reason(need, f) is None]

    def left_for(self, need: Any, fund: Any) -> int:
        """Fen that a fund could still pay for a need.

        Parameters
        ----------
        need, fund
            Two of which the fund may pay for the need.
        """
        limits = [fund.balance_fen - self.spent[fund.id]]
        if fund.need_cap_fen is not None:
            limits.append(fund.need_cap_fen - self._at_need[fund.id, need.id])
        if fund.household_cap_fen is not None:
            limits.append(fund.household_cap_fen - self._at_household[fund.id, need.household_id])
        left: int = min(limits)
        return left

    def reason(self, need: Any, reason: str) -> str:
        """Why something is left over of a need, once money is looked at, too.

        Parameters
        ----------
        need
            The need.
        reason
            Why no lot serves what is left.
        """
        payers = self.payers(need)
        if self._money is None or not payers:
            return reason
        if sum(self.left_for(need, fund) for fund in payers) >= (self._money.price_of(need) or 0):
            return "DOES_NOT_FIT"
        return reason if reason in ("USED_UP", "DOES_NOT_FIT", "ONE_EACH") else "MONEY_USED_UP"
