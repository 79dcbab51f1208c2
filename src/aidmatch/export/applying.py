"""A decision put into effect, once, and only where everything still is as it was decided on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from aidmatch.errors import InputError, VerificationError
from aidmatch.matching import Matching
from aidmatch.problem.problem import Problem

__all__ = ["Applied", "Stale", "Target", "apply"]


class Target(Protocol):
    """Where a platform keeps its demands, its supplies and what is assigned; `SqlTarget` is one.

    All of its methods are called once by `apply`, in the order `quantities` of the demands, `quantities` of the
    supplies, `applied`, `write`; the last not at all if there is nothing to write. What the first two say must hold
    until the caller's transaction ends: rows are locked, or the platform has another way to keep others out.
    """

    #: Whether `write` takes the assigned units off the platform's quantities.
    reduces: bool

    def quantities(self, side: Literal["demands", "supplies"], ids: Sequence[str]) -> Mapping[str, int | None]:
        """Say how many units records have now, and keep them so.

        Parameters
        ----------
        side
            Which records.
        ids
            Their ids, sorted.

        Returns
        -------
        Units by id; None where the record is there but no longer open. An id that is left out is gone.
        """
        ...

    def applied(self, run_id: str) -> Collection[str]:
        """Say what of a run is written already.

        Parameters
        ----------
        run_id
            As of `Matching`.

        Returns
        -------
        Its assignments' ids.
        """
        ...

    def write(self, rows: Sequence[Mapping[str, Any]], demands: Mapping[str, int], supplies: Mapping[str, int]) -> None:
        """Write assignments, all or none of them; reduce quantities, if that is what it does.

        Parameters
        ----------
        rows
            As of `Matching.to_rows`.
        demands, supplies
            Units they take in all, by id.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stale:
    """An assignment that was not written, since what it rests on has changed.

    Parameters
    ----------
    assignment_id, demand_id, supply_id
        Which one.
    side
        What has changed; the demand where both have.
    reason
        ``GONE``: it is not there any more. ``NOT_OPEN``: it is no longer open. ``QUANTITY``: it has another quantity.
    """

    assignment_id: str
    demand_id: str
    supply_id: str
    side: Literal["demand", "supply"]
    reason: Literal["GONE", "NOT_OPEN", "QUANTITY"]

    #: what a report calls it
    code: ClassVar[str] = "STALE"


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a run's assignments; each of them stands in one of the three.

    Parameters
    ----------
    written
        Ids of those written now.
    already
        Ids of those that had been written before.
    stale
        Those not written.
    """

    written: tuple[str, ...]
    already: tuple[str, ...]
    stale: tuple[Stale, ...]


def apply(problem: Problem, matching: Matching, target: Target) -> Applied:
    """Put a decision into effect, within the caller's transaction.

    An assignment is written if its demand and its supply both have, now, the units they were decided on (less what
    this very run has taken of them, where the target reduces quantities) and are still open. Else it is stale and left
    out: all assignments of a changed record are. Applied again, a run writes what is neither written nor stale, which
    is nothing unless the platform has put something back. What is stale belongs into a new decision.

    Nothing is committed here. Check the matching with `verify` first.

    Parameters
    ----------
    problem
        What was decided on; a matching has digests of it only.
    matching
        The decision.
    target
        Where to write.

    Returns
    -------
    What was written, what had been, and what is stale and why; in the order of the assignments.

    Raises
    ------
    VerificationError
        ``OTHER_INPUT`` if the matching was made from other records, ``OVER_QUANTITY`` if it gives more than there is.
        Nothing is written.
    InputError
        ``UNSUPPORTED`` if the matching spends money.
    """
    if problem.digests() != dict(matching.inputs):
        raise VerificationError("the matching was made from other records than this problem's", code="OTHER_INPUT")
    if matching.purchases:
        raise InputError(
            "the matching spends money, which apply does not; to_sql and write bring the payments to the books",
            code="UNSUPPORTED",
        )
    rows = list(matching.to_rows())
    used = {row["assignment_id"]: a.used for row, a in zip(rows, matching.assignments, strict=True)}
    asked = {record.id: problem.demand_side.units(record) for record in problem.demands}
    offered = {record.id: problem.supply_side.units(record) for record in problem.supplies}
    for side, units in (("demand", asked), ("supply", offered)):
        for id_, taken in _taken(rows, side, used).items():
            if taken > units.get(id_, 0):
                raise VerificationError(
                    f"the matching gives more than there is at {side} {id_!r}", code="OVER_QUANTITY"
                )

    demands_now = target.quantities("demands", sorted({row["demand_id"] for row in rows}))
    supplies_now = target.quantities("supplies", sorted({row["supply_id"] for row in rows}))
    # asked only now: whoever applies the same run at the same time has written by the time the records are ours
    before = frozenset(target.applied(matching.run_id))
    own = [row for row in rows if row["assignment_id"] in before] if target.reduces else []
    demands_own, supplies_own = _taken(own, "demand", used), _taken(own, "supply", used)

    fresh: list[Mapping[str, Any]] = []
    stale: list[Stale] = []
    for row in rows:
        id_, demand_id, supply_id = row["assignment_id"], row["demand_id"], row["supply_id"]
        if id_ in before:
            continue
        demand_change = _change(demands_now, demand_id, asked[demand_id] - demands_own[demand_id])
        supply_change = _change(supplies_now, supply_id, offered[supply_id] - supplies_own[supply_id])
        if demand_change is not None:
            stale.append(Stale(id_, demand_id, supply_id, "demand", demand_change))
        elif supply_change is not None:
            stale.append(Stale(id_, demand_id, supply_id, "supply", supply_change))
        else:
            fresh.append(row)
    if fresh:
        target.write(fresh, dict(_taken(fresh, "demand", used)), dict(_taken(fresh, "supply", used)))
    return Applied(
        written=tuple(row["assignment_id"] for row in fresh),
        already=tuple(row["assignment_id"] for row in rows if row["assignment_id"] in before),
        stale=tuple(stale),
    )


def _taken(rows: Sequence[Mapping[str, Any]], side: str, used: Mapping[str, int]) -> Counter[str]:
    """Units of each record that some rows take: of a substitute lot, those that are used up."""
    taken: Counter[str] = Counter()
    for row in rows:
        taken[row[f"{side}_id"]] += row["quantity"] if side == "demand" else used[row["assignment_id"]]
    return taken


def _change(now: Mapping[str, int | None], id_: str, expected: int) -> Literal["GONE", "NOT_OPEN", "QUANTITY"] | None:
    if id_ not in now:
        return "GONE"
    if now[id_] is None:
        return "NOT_OPEN"
    return None if now[id_] == expected else "QUANTITY"
