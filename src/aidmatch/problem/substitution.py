"""What a need may be met from: what was requested, substitutes, and components of kits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from aidmatch.errors import ProblemError
from aidmatch.records.giving import Component, Donation, Kit, Need, Substitute

__all__ = ["Kind", "Substitution"]

#: An item, and the unit in which it is counted.
Kind = tuple[str, str]


class Substitution:
    """What may be sent for what, and how much of it.

    Parameters
    ----------
    kits
        What may be put together from components.
    substitutes
        The rows. None of them follows from others: what stands for A, and what A stands for, are no substitutes unless
        a row says so.

    Raises
    ------
    ProblemError
        ``DUPLICATE_ID`` for two rows of the same two kinds, or two kits of one; ``KIT_IN_KIT`` for a component that is
        a kit, or what may stand for its kit; ``SUBSTITUTE_CYCLE`` for approved alternatives that come
        back to where they began, and for equivalents whose factors do not.
    """

    def __init__(self, substitutes: Iterable[Substitute] = (), kits: Sequence[Kit] = ()) -> None:
        rows = tuple(substitutes)
        twice = [ends for ends, count in Counter((row.wanted, row.sent) for row in rows).items() if count > 1]
        if twice:
            (item, _), (other, _) = min(twice)
            raise ProblemError(f"substitutes: {other!r} for {item!r} comes twice", code="DUPLICATE_ID")
        self._of: dict[Kind, dict[Kind, Substitute]] = defaultdict(dict)
        for row in sorted(rows, key=lambda row: (row.wanted, row.sent)):
            self._of[row.wanted][row.sent] = row
        self._kits = {(kit.item, kit.unit): kit for kit in kits}
        if len(self._kits) < len(kits):
            raise ProblemError("kits: one kit comes twice", code="DUPLICATE_ID")
        for kind, kit in sorted(self._kits.items()):
            inside = {component.kind for component in kit.components}
            if inside & (self._kits.keys() | self._of.get(kind, {}).keys()):
                raise ProblemError(
                    f"kits: a component of {kit.item!r} is a kit, or stands for it whole", code="KIT_IN_KIT"
                )
        self._refuse_cycles([row for row in rows if row.kind == "approved"], "approved alternatives")
        self._refuse_uneven(rows)
        self._known: dict[tuple[Kind, str], dict[Kind, Substitute | Component | None]] = {}

    def __bool__(self) -> bool:
        return bool(self._of or self._kits)

    def kinds_for(self, need: Need) -> Mapping[Kind, Substitute | Component | None]:
        """Every kind that may be sent for a need, itself first; None for what is sent as requested.

        Parameters
        ----------
        need
            Says which substitutes it takes.
        """
        wanted = need.item, need.unit
        key = wanted, need.substitutes
        known = self._known.get(key)
        if known is None:
            takes = {"none": (), "approved": ("approved",), "category": ("approved", "category")}[need.substitutes]
            others = self._of.get(wanted, {})
            known = {wanted: None}
            known |= {kind: row for kind, row in others.items() if row.kind in takes}
            if wanted in self._kits:
                known |= {component.kind: component for component in self._kits[wanted].components}
            self._known[key] = known
        return known

    def row_of(self, need: Need, lot: Donation) -> Substitute | Component | None:
        """As what a lot goes to a need: a substitute or a component; None if it is what was requested.

        Parameters
        ----------
        need, lot
            Two that may meet.
        """
        return self.kinds_for(need).get((lot.item, lot.unit)) if self else None

    @staticmethod
    def _refuse_cycles(rows: Iterable[Substitute], what: str) -> None:
        after: dict[Kind, list[Kind]] = defaultdict(list)
        for row in rows:
            after[row.wanted].append(row.sent)
        done: set[Kind] = set()
        for start in sorted(after):
            path: list[Kind] = []
            stack: list[tuple[Kind, bool]] = [(start, True)]
            while stack:
                kind, enters = stack.pop()
                if not enters:
                    done.add(path.pop())
                elif kind in path:
                    raise ProblemError(
                        f"substitutes: {what} of {kind[0]!r} come back to it; a row is a direction, not an equivalence",
                        code="SUBSTITUTE_CYCLE",
                    )
                elif kind not in done:
                    path.append(kind)
                    stack.append((kind, False))
                    stack += [(other, True) for other in sorted(after.get(kind, ()))]

    def _refuse_uneven(self, rows: Iterable[Substitute]) -> None:
        """Along kinds that stand for each other, factors must agree: what goes round is what it was."""
        reached = {start: self._reached(start) for start in sorted(self._of)}
        for row in rows:
            back = reached.get(row.sent, {}).get(row.wanted)
            if back is not None and any(one * Fraction(row.takes, row.stands_for) != 1 for one in back):
                raise ProblemError(
                    f"substitutes: {row.wanted[0]!r} and {row.sent[0]!r} stand for each other, but their factors do "
                    "not agree",
                    code="SUBSTITUTE_CYCLE",
                )

    def _reached(self, start: Kind) -> dict[Kind, set[Fraction]]:
        """Units of every kind that rows lead to for one unit of another; two different ones are enough to know."""
        found: dict[Kind, set[Fraction]] = defaultdict(set)
        stack = [(start, Fraction(1))]
        while stack:
            kind, units = stack.pop()
            for other, row in self._of.get(kind, {}).items():
                more = units * Fraction(row.takes, row.stands_for)
                if more not in found[other] and len(found[other]) < 2:
                    found[other].add(more)
                    stack.append((other, more))
        return found
