"""From one run to the next: what is committed stays, the rest is decided again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from aidmatch.errors import ProblemError
from aidmatch.matching import Matching, Purchase
from aidmatch.problem.giving import GivingProblem
from aidmatch.records.decision import Decision
from aidmatch.records.giving import Donation, Need
from aidmatch.records.money import Fund

__all__ = ["COMMITTED", "STATES", "Commitments", "commitments"]

#: States of a row of a result, in the order they come.
STATES: Final = ("offered", "accepted", "signed", "dispatched", "delivered", "ended")
#: Those that the next run does not touch.
COMMITTED: Final = frozenset({"signed", "dispatched", "delivered"})


@dataclass(frozen=True, slots=True)
class Commitments:
    """What the next run is made with.

    Parameters
    ----------
    decisions
        A pin for every committed row of what was given as it is: its units stay in the lot and the need.
    needs, donations, funds
        The records, less what is bought and paid, and less kits that are put together, which cannot be pinned. A need
        with nothing left is ``fulfilled``, a lot with nothing left that it could send ``dispatched``.
    """

    decisions: tuple[Decision, ...]
    needs: tuple[Need, ...]
    donations: tuple[Donation, ...]
    funds: tuple[Fund, ...]


def commitments(
    problem: GivingProblem, matching: Matching, states: Mapping[str, str], *, on: date, by: str | None = None
) -> Commitments:
    """Keep what is committed of a run.

    Parameters
    ----------
    problem, matching
        The run.
    states
        State of rows of the result (`STATES`), by `assignment_id` of `Matching.to_rows`. Rows that are not named are
        offered, and decided again. A purchase, and the kits of a need, are committed whole if a part of them is.
    on
        From when the pins hold.
    by
        Who decided, for the file.

    Returns
    -------
    What to make the next problem with, together with what is new.

    Raises
    ------
    ProblemError
        ``UNKNOWN_ID`` for an assignment of another run, ``UNKNOWN_STATE``, or ``OTHER_INPUT`` if the matching is none
        of this problem.
    """
    if matching.inputs != problem.digests():
        raise ProblemError("the matching was made from other inputs", code="OTHER_INPUT")
    rows = {row["assignment_id"]: row for row in matching.to_rows()}
    for id_, state in states.items():
        if id_ not in rows:
            raise ProblemError(f"states= has assignment {id_!r}, which is not of this run", code="UNKNOWN_ID")
        if state not in STATES:
            raise ProblemError(f"assignment {id_!r}: a state is one of {', '.join(STATES)}", code="UNKNOWN_STATE")
    kept = [row for id_, row in rows.items() if states.get(id_) in COMMITTED]
    paid = {row["demand_id"] for row in kept if row["kind"] == "money"}
    goods = {(row["demand_id"], row["supply_id"]) for row in kept if row["kind"] == "goods"}
    need_of = {need.id: need for need in problem.needs}
    lot_of = {lot.id: lot for lot in problem.donations}
    met: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    made: dict[str, list[tuple[Donation, int]]] = {}
    decisions = []
    begun = {demand_id for demand_id, supply_id in goods if _is_part(problem, need_of[demand_id], lot_of[supply_id])}
    for id_, row in rows.items():
        if row["kind"] == "money":
            continue
        need, lot = need_of[row["demand_id"]], lot_of[row["supply_id"]]
        if _is_part(problem, need, lot):
            if need.id in begun:
                made.setdefault(need.id, []).append((lot, row["quantity"]))
                taken[lot.id] += row["quantity"]
        elif (need.id, lot.id) in goods:
            decisions.append(
                Decision(
                    id=f"kept-{id_}",
                    kind="pin",
                    demand_id=need.id,
                    supply_id=lot.id,
                    quantity=row["quantity"],
                    reason=states[id_],
                    by=by,
                    on=on,
                )
            )
    for demand_id, sent in made.items():
        met[demand_id] += problem.served(need_of[demand_id], sent)
    spent: Counter[str] = Counter()
    for purchase in matching.purchases:
        if purchase.demand_id in paid:
            met[purchase.demand_id] += purchase.quantity
            spent.update(_fen(purchase))
    return Commitments(
        tuple(decisions),
        tuple(_less(need, met[need.id]) for need in problem.needs),
        tuple(_without(lot, taken[lot.id]) for lot in problem.donations),
        tuple(replace(fund, balance_fen=fund.balance_fen - spent[fund.id]) for fund in problem.funds),
    )


def _is_part(problem: GivingProblem, need: Need, lot: Donation) -> bool:
    return (lot.item, lot.unit) in problem.components(need)


def _fen(purchase: Purchase) -> dict[str, int]:
    return {payment.fund_id: payment.amount_fen for payment in purchase.payments}


def _less(need: Need, units: int) -> Need:
    """The need for what is missing still; what has been begun is of use."""
    if not units:
        return need
    if units >= need.quantity:
        return replace(need, gate=replace(need.gate, status="fulfilled"))
    return replace(need, quantity=need.quantity - units, min_quantity=1)


def _without(lot: Donation, units: int) -> Donation:
    if not units:
        return lot
    left: Any = lot.quantity - units
    if left < max(lot.pack_size, lot.min_lot):
        return replace(lot, status="dispatched")
    return replace(lot, quantity=left)
