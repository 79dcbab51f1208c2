"""What a level, or the restriction of a fund, costs: the same problem without it, solved again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from aidmatch.errors import ProblemError
from aidmatch.funding import Books
from aidmatch.levels import level_names
from aidmatch.matching import Matching
from aidmatch.pipeline import solve
from aidmatch.policy import Policy
from aidmatch.problem.giving import GivingProblem
from aidmatch.problem.problem import Problem

__all__ = ["FundReport", "Spent", "fund_reports", "level_prices", "restriction_costs"]


def level_prices(
    problem: Problem, policy: Policy, *, levels: Iterable[str] | None = None, **options: Any
) -> dict[str, dict[str, int]]:
    """What each level costs the ones below it.

    Each level is put last, where it costs nobody anything, and the problem is solved again. Its price to a level that
    stood below it is that level's value then, less its value now: what the level loses by standing below, in its own
    unit; above nothing where more is better, below nothing where less is.

    Parameters
    ----------
    problem, policy
        The problem, and the order of levels in question.
    levels
        Names of levels whose price is asked for; all but the last if none are given.
    **options
        Of `solve`, such as ``time_limit``.

    Returns
    -------
    By level, the difference of each level below it that there is one of, by name. They are exact where both runs are
    proven.

    Raises
    ------
    ProblemError
        ``UNKNOWN_LEVEL`` for a level that the policy does not have.
    AidMatchError
        As `solve`.
    """
    order = level_names(policy, problem)
    asked = order[:-1] if levels is None else tuple(levels)
    for name in asked:
        if name not in order:
            raise ProblemError(f"the levels are {', '.join(order)}; there is no {name!r}", code="UNKNOWN_LEVEL")
    now = _values(solve(problem, policy=policy.replace(levels=order), **options))
    prices = {}
    for name in asked:
        others = (*(one for one in order if one != name), name)
        then = _values(solve(problem, policy=policy.replace(levels=others), **options))
        below = set(order[order.index(name) + 1 :])
        prices[name] = {
            level: then[level] - value
            for level, value in now.items()
            if level.partition(" ")[0] in below and then[level] != value
        }
    return prices


def restriction_costs(
    problem: GivingProblem, matching: Matching, *, funds: Iterable[str] | None = None, **options: Any
) -> dict[str, dict[str, int]]:
    """What the restrictions of funds cost: the levels if a fund were free for all needs, less the levels as they are.

    Parameters
    ----------
    problem, matching
        The run.
    funds
        Ids of the funds in question; all that are restricted and open if none are given. One run each.
    **options
        Of `solve`, such as ``time_limit``.

    Returns
    -------
    By fund, the difference of each level that there is one of, by name.

    Raises
    ------
    ProblemError
        ``UNKNOWN_ID`` for a fund that is not there.
    AidMatchError
        As `solve`.
    """
    known = {fund.id: fund for fund in problem.funds}
    open_funds = () if problem.money is None else problem.money.open
    asked = [fund.id for fund in open_funds if _is_restricted(fund)] if funds is None else list(funds)
    now = _values(matching)
    costs = {}
    for id_ in asked:
        if id_ not in known:
            raise ProblemError(f"there is no fund {id_!r}", code="UNKNOWN_ID")
        free = replace(known[id_], only_categories=(), only_areas=(), only_items=(), only_project=None)
        other = problem.replace(funds=[free if fund.id == id_ else fund for fund in problem.funds])
        # where kinds compete only because of it, coverage is still counted as it was
        policy = matching.policy.replace(levels=level_names(matching.policy, problem))
        counted = matching.levels[0].unit if policy.levels[0] == "coverage" else None
        if policy.coverage_in is None and counted in ("units", "needs"):
            policy = policy.replace(coverage_in=counted)
        then = _values(solve(other, policy=policy, **options))
        # a rank is one among those there are, and means something else when there are others
        costs[id_] = {
            name: then[name] - value
            for name, value in now.items()
            if name != "restricted-first" and then[name] != value
        }
    return costs


@dataclass(frozen=True, slots=True)
class Spent:
    """What a fund paid for one household's need.

    Parameters
    ----------
    alias
        Stands for the household: a keyed hash of its id, the same in all reports under the same key.
    item, amount_fen
        What it paid for, and how much.
    """

    alias: str
    item: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class FundReport:
    """What became of one fund in a run.

    Parameters
    ----------
    fund_id, sponsor_id
        The fund.
    closed
        Why it did not take part; None if it did.
    balance_fen, spent_fen, left_fen
        Before, in and after the run.
    spent_on
        On whom, sorted by alias.
    restriction_cost
        As `restriction_costs`, where that was asked for; else None.
    """

    fund_id: str
    sponsor_id: str
    closed: str | None
    balance_fen: int
    spent_fen: int
    left_fen: int
    spent_on: tuple[Spent, ...]
    restriction_cost: Mapping[str, int] | None = None

    def text(self) -> str:
        """The report in lines, for the sponsor; no household can be told from it."""
        head = f"fund {self.fund_id}: ¥{self.balance_fen / 100:,.2f}, spent ¥{self.spent_fen / 100:,.2f}"
        lines = [f"{head}, left ¥{self.left_fen / 100:,.2f}{f' ({self.closed})' if self.closed else ''}"]
        lines += [f"  {one.alias} {one.item} ¥{one.amount_fen / 100:,.2f}" for one in self.spent_on]
        if self.restriction_cost is not None:
            cost = ", ".join(f"{name} {by:+,}" for name, by in self.restriction_cost.items())
            lines.append(f"  free for all needs it would have changed: {cost or 'nothing'}")
        return "\n".join(lines)


def fund_reports(
    problem: GivingProblem,
    matching: Matching,
    *,
    key: str,
    restrictions: Mapping[str, Mapping[str, int]] | None = None,
) -> tuple[FundReport, ...]:
    """Report to every sponsor what became of the money.

    Parameters
    ----------
    problem, matching
        The run.
    key
        Of the aliases. Who holds it can tell which household is meant; with another key nobody can connect two
        reports.
    restrictions
        What `restriction_costs` found, if it is to be said.

    Returns
    -------
    One a fund, sorted by id.

    Raises
    ------
    ProblemError
        ``NO_KEY`` for an empty key, ``OTHER_INPUT`` if the matching is none of this problem.
    """
    if not key:
        raise ProblemError("key= is empty, and anybody could guess the aliases", code="NO_KEY")
    if matching.inputs != problem.digests():
        raise ProblemError("the matching was made from other inputs", code="OTHER_INPUT")
    hashed = blake2b(key.encode(), digest_size=32).digest()
    books = Books(problem, matching.purchases)
    spent_on: dict[str, list[Spent]] = {fund.id: [] for fund in problem.funds}
    for purchase in matching.purchases:
        alias = blake2b(purchase.household_id.encode(), key=hashed, digest_size=8).hexdigest()
        for payment in purchase.payments:
            spent_on[payment.fund_id].append(Spent(alias, purchase.item, payment.amount_fen))
    return tuple(
        FundReport(
            fund.id,
            fund.sponsor_id,
            matching.closed_funds.get(fund.id),
            fund.balance_fen,
            books.spent[fund.id],
            fund.balance_fen - books.spent[fund.id],
            tuple(sorted(spent_on[fund.id], key=lambda one: (one.alias, one.item, one.amount_fen))),
            None if restrictions is None else restrictions.get(fund.id),
        )
        for fund in sorted(problem.funds, key=lambda fund: fund.id)
    )


def _values(matching: Matching) -> dict[str, int]:
    return {level.name: level.value for level in matching.levels}


def _is_restricted(fund: Any) -> bool:
    return bool(fund.only_categories or fund.only_areas or fund.only_items or fund.only_project)
