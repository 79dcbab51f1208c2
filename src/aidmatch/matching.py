"""The result as a value: who gets what from whom, what is unmet and why, and the proof."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from aidmatch.certificate import Certificate
from aidmatch.distance.pair_table import METRE
from aidmatch.errors import InputError, VerificationError
from aidmatch.integer_certificate import IntegerCertificate
from aidmatch.output import replacing, write_table
from aidmatch.policy import Policy
from aidmatch.report import Report

__all__ = [
    "COLUMNS",
    "REASONS",
    "Assignment",
    "Changes",
    "Coverage",
    "LevelResult",
    "Matching",
    "Payment",
    "Purchase",
    "SolverUse",
    "Solving",
    "Status",
]

#: Version of the form of saved matchings.
VERSION: Final = 1

#: Why a demand that took part has something unmet.
REASONS: Final = {
    "NO_SUPPLY": "nobody offers it in that unit",
    "NOT_ALLOWED": "rules or decisions allow none of those who offer it",
    "OUT_OF_REACH": "all that are allowed are out of reach, or not among the listed pairs",
    "ONE_EACH": "all in reach serve it already, and each can do so only once",
    "MONEY_USED_UP": "no lot could serve it, and the funds that may pay for it have no more",
    "USED_UP": "all in reach are used up by others that come first, or as early",
    "DOES_NOT_FIT": "what is left in reach does not fit: wholes, packs, lots, shipments, hours or minimum loads",
}

#: What a person calls demands and supplies, by family.
_WORDS: Final = {"giving": ("needs", "lots"), "care": ("clients", "caregivers")}

#: The columns of exported assignments, in order.
COLUMNS: Final[Mapping[str, type[str] | type[int]]] = {
    "run_id": str,
    "assignment_id": str,
    "demand_id": str,
    "supply_id": str,
    "household_id": str,
    "giver_id": str,
    "item": str,
    "quantity": int,
    "cost": int,
    "cost_unit": str,
    "metres": int,
    "pinned": int,
    "state": str,
    "kind": str,
    "amount_fen": int,
}


class Status(StrEnum):
    """How far a matching is proven."""

    #: every level is proven optimal by a certificate that anyone can check
    OPTIMAL = "OPTIMAL"
    #: every level is optimal, but of some only the solver says so
    OPTIMAL_CLAIMED = "OPTIMAL_CLAIMED"
    #: an answer that holds, with bounds that hold; it may not be the best
    FEASIBLE = "FEASIBLE"


@dataclass(frozen=True, slots=True)
class Assignment:
    """So many units from one supply to one demand.

    Parameters
    ----------
    demand_id, supply_id
        Ids of the need and the lot.
    quantity
        Units, at least 1.
    cost
        Cost of one unit, in the matching's `cost_unit`.
    metres
        The same if that unit is the metre, else None.
    item, household_id, giver_id
        What is sent, the household that gets it, and who gives it: the donor, or the caregiver's household.
    pinned
        How many of the units people have fixed.
    taken
        Units of the lot that are used up, where a substitute stands for more or fewer than they are; else None.
    """

    demand_id: str
    supply_id: str
    quantity: int
    cost: int
    metres: int | None
    item: str
    household_id: str
    giver_id: str
    pinned: int
    taken: int | None = None

    @property
    def used(self) -> int:
        """Units of the supply that are used up."""
        return self.quantity if self.taken is None else self.taken


@dataclass(frozen=True, slots=True)
class Payment:
    """What one fund pays towards a purchase.

    Parameters
    ----------
    fund_id, sponsor_id
        The fund, and whose it is.
    amount_fen
        Fen, at least 1.
    """

    fund_id: str
    sponsor_id: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """So many units that are bought for one demand, by one fund or several.

    Parameters
    ----------
    demand_id, household_id
        The need, and the household that gets it.
    item, quantity
        What is bought, and units of it, at least 1.
    price_fen
        Of one unit.
    payments
        Who pays, sorted by fund; together exactly the quantity times the price.
    """

    demand_id: str
    household_id: str
    item: str
    quantity: int
    price_fen: int
    payments: tuple[Payment, ...]


@dataclass(frozen=True, slots=True)
class LevelResult:
    """What was reached at one objective level.

    Parameters
    ----------
    name, unit
        The level, and what its value counts.
    sense
        Whether a large or a small value is good.
    value
        What the matching reaches.
    bound
        What no matching can beat that is at least as good on the levels above; recomputed in exact integers.
    gap
        Distance of the two, absolute.
    proof
        What the bound rests on: ``potentials`` or ``multipliers`` that anyone can check; ``claimed`` where these leave
        a gap and only the solver says that there is none.
    claimed_bound
        What the solver says the bound is, where ours leaves a gap; else None.
    """

    name: str
    unit: str
    sense: Literal["max", "min"]
    value: int
    bound: int
    gap: int
    proof: Literal["potentials", "multipliers", "claimed"] = "potentials"
    claimed_bound: int | None = None

    @property
    def certified_bound(self) -> int:
        """The bound, which is always ours."""
        return self.bound


@dataclass(frozen=True, slots=True)
class Coverage:
    """Demands of one category and item, and what is served of them.

    Parameters
    ----------
    category, item, unit
        Which demands.
    demands, demands_met
        How many took part, and how many are met in full.
    asked, served
        Units.
    """

    category: str
    item: str
    unit: str
    demands: int
    demands_met: int
    asked: int
    served: int


@dataclass(frozen=True, slots=True)
class SolverUse:
    """What one solver did for a matching.

    Parameters
    ----------
    name, version
        Which solver.
    solves
        Flow problems of its that stand: one a component where all levels fit one weighted cost, more where they had to
        be solved one after the other. Of an integer program, all searches that it was asked for.
    failures
        Components that it failed on and another solver solved, by the code of the error.
    """

    name: str
    version: str
    solves: int
    failures: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Solving:
    """How the matching was found; nothing in it needs to be believed.

    Parameters
    ----------
    solvers
        Who did it, in the order they were asked: each has only what those before it failed on.
    aidmatch_version
        The version of this library.
    markets, components, arcs
        Parts decided alone, connected parts of them, and pairs that were built.
    nodes
        Demands and supplies, interchangeable ones counted once.
    rounds
        Most times that a market was solved until no pair was missing; 1 where all pairs were built.
    level_runs
        Most runs that the levels of a market were cut into: 1 where one weighted cost, proven afterwards to order
        them, decided all.
    ties_proven
        Whether it is proven that the lottery drew the only answer it could, so that anybody's digest is the same.
    method
        Whether all of it was a ``flow``, or an ``integer`` program was needed.
    why
        What needed integers, and how often it occurs.
    """

    solvers: tuple[SolverUse, ...]
    aidmatch_version: str
    markets: int
    components: int
    arcs: int
    nodes: int
    rounds: int
    level_runs: int
    ties_proven: bool
    method: Literal["flow", "integer"] = "flow"
    why: tuple[str, ...] = ()

    @property
    def solver(self) -> str:
        """Name of the solver that was asked first."""
        return self.solvers[0].name

    @property
    def solver_version(self) -> str:
        """Version of the solver that was asked first."""
        return self.solvers[0].version

    @property
    def solves(self) -> int:
        """Flow problems whose solutions stand, of all solvers."""
        return sum(use.solves for use in self.solvers)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different between two matchings.

    Parameters
    ----------
    added, removed
        Pairs that came or went: demand id, supply id, quantity.
    changed
        Pairs with another quantity: demand id, supply id, quantity before, quantity now.
    levels
        Difference of each level's value that both have, by name: now less before.
    paid
        Payments that came, went or have another amount: demand id, fund id, fen before, fen now.
    """

    added: tuple[tuple[str, str, int], ...]
    removed: tuple[tuple[str, str, int], ...]
    changed: tuple[tuple[str, str, int, int], ...]
    levels: Mapping[str, int]
    paid: tuple[tuple[str, str, int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class Matching:
    """The result of `solve`.

    Parameters
    ----------
    status
        How far it is proven.
    as_of
        The day decided for.
    levels
        From the highest to the lowest.
    assignments
        Sorted by demand and supply.
    unmet
        Units left over of each demand that is not met in full, by id.
    reasons
        A key of `REASONS` for each demand in `unmet`.
    closed_demands, closed_supplies
        Reason of each record that did not take part, by id.
    coverage
        Totals by category and item.
    supplies, offered
        How many supplies took part, and with how many units.
    cost_unit, distance
        What a pair's cost counts, and the distance that measured it; None where the pairs came with their costs.
    policy
        How to choose.
    inputs
        SHA-256 of each input.
    reports
        What was wrong with the sources.
    solving
        How it was found.
    certificate
        The proof; where integers were needed, of nobody but whom it is about.
    integer
        The proof where integers were needed.
    purchases
        What is bought with money, sorted by demand.
    closed_funds
        Reason of each fund that did not take part, by id.
    known_total
        How many demands the platform knows of in all; None if it did not say.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", hide_input_in_errors=True)

    status: Status
    as_of: date
    levels: tuple[LevelResult, ...]
    assignments: tuple[Assignment, ...]
    unmet: Mapping[str, int]
    reasons: Mapping[str, str]
    closed_demands: Mapping[str, str]
    closed_supplies: Mapping[str, str]
    coverage: tuple[Coverage, ...]
    supplies: int
    offered: int
    cost_unit: str
    distance: str | None
    policy: Policy
    inputs: Mapping[str, str]
    reports: tuple[Report, ...]
    solving: Solving
    certificate: Certificate
    integer: IntegerCertificate | None = None
    purchases: tuple[Purchase, ...] = ()
    closed_funds: Mapping[str, str] = field(default_factory=dict)
    known_total: int | None = None

    def __repr__(self) -> str:
        return f"<Matching: {self.status}, {len(self.assignments):,} assignments, {len(self.unmet):,} unmet>"

    @property
    def digest(self) -> str:
        """SHA-256 of the answer itself: assignments, unmet, level values."""
        rows: list[Any] = [(a.demand_id, a.supply_id, a.quantity) for a in self.assignments]
        rows += [(p.demand_id, p.quantity, [(x.fund_id, x.amount_fen) for x in p.payments]) for p in self.purchases]
        return _sha256([rows, sorted(self.unmet.items()), [(level.name, level.value) for level in self.levels]])

    @property
    def run_id(self) -> str:
        """Sixteen hexadecimal digits that name this answer to these inputs under this policy."""
        return _sha256([self.as_of.isoformat(), dict(self.inputs), self.policy.digest, self.digest])[:16]

    def to_rows(self) -> Iterator[dict[str, Any]]:
        """The assignments as rows for a table, one a pair, and then the payments, one a fund and need.

        Returns
        -------
        Mappings with the keys run_id, assignment_id, demand_id, supply_id, household_id, giver_id, item, quantity,
        cost, cost_unit, metres, pinned, state, kind, amount_fen. The `kind` is ``goods`` or ``money``; a payment has
        the fund as its supply, no quantity, since several funds may pay for one unit, and an amount.
        """
        run_id = self.run_id
        for a in self.assignments:
            yield {
                "run_id": run_id,
                "assignment_id": _sha256([run_id, a.demand_id, a.supply_id])[:16],
                "demand_id": a.demand_id,
                "supply_id": a.supply_id,
                "household_id": a.household_id,
                "giver_id": a.giver_id,
                "item": a.item,
                "quantity": a.quantity,
                "cost": a.cost,
                "cost_unit": self.cost_unit,
                "metres": a.metres,
                "pinned": a.pinned,
                "state": "offered",
                "kind": "goods",
                "amount_fen": None,
            }
        for p in self.purchases:
            for payment in p.payments:
                yield dict.fromkeys(COLUMNS) | {
                    "run_id": run_id,
                    "assignment_id": _sha256([run_id, p.demand_id, "fund", payment.fund_id])[:16],
                    "demand_id": p.demand_id,
                    "supply_id": payment.fund_id,
                    "household_id": p.household_id,
                    "giver_id": payment.sponsor_id,
                    "item": p.item,
                    "state": "offered",
                    "kind": "money",
                    "amount_fen": payment.amount_fen,
                }

    def write(self, path: str | Path, *, neutralise: bool = True) -> Path:
        """Export the assignments, all or nothing: if it fails, what stood there is as it was.

        Parameters
        ----------
        path
            A file that ends in ``.csv`` (UTF-8 with BOM, for spreadsheets), ``.xlsx`` (extra ``excel``), ``.parquet``
            (extra ``parquet``) or ``.json``. It is replaced.
        neutralise
            Whether text that a spreadsheet would take for a formula gets an apostrophe in front, in CSV and Excel.

        Returns
        -------
        The path.

        Raises
        ------
        InputError
            ``BAD_EXPORT`` if the ending is another one, ``TOO_MANY_ROWS`` for Excel, ``NOT_A_FILE``.
        PluginError
            ``MISSING_EXTRA`` if the package that writes the format is not installed.
        OSError
            If the file cannot be written.
        """
        write_table(path, COLUMNS, self.to_rows(), neutralise=neutralise)
        return Path(path)

    def save(self, path: str | Path) -> Path:
        """Write the matching whole, with its proof, as canonical JSON under a digest; all or nothing.

        Parameters
        ----------
        path
            The file, which is replaced.

        Returns
        -------
        The path.
        """
        body = _MATCHING.dump_python(self, mode="json")
        whole = {"aidmatch.matching": VERSION, "body": body, "sha256": _sha256(body)}
        with replacing(path) as file:
            file.write(_canonical(whole).encode())
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Matching:
        """Read what `save` wrote.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        The matching. It says what the file says; whether that is true is for `verify`.

        Raises
        ------
        VerificationError
            ``ALTERED`` if a byte differs from what was saved, ``MALFORMED`` if the file is no matching of this
            version.
        OSError
            If the file cannot be read.
        """
        name, data = Path(path).name, Path(path).read_bytes()
        try:
            text = data.decode("utf-8")
            whole = json.loads(text)
            altered = _canonical(whole) != text or whole["sha256"] != _sha256(whole["body"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise VerificationError(f"{name} is not a saved matching, or was altered", code="ALTERED") from None
        if altered:
            raise VerificationError(f"{name} was altered after it was saved", code="ALTERED")
        version = whole.get("aidmatch.matching")
        if set(whole) != {"aidmatch.matching", "body", "sha256"} or type(version) is not int or version != VERSION:
            raise VerificationError(f"{name} is not a matching of version {VERSION}", code="MALFORMED")
        try:
            matching = _MATCHING.validate_json(json.dumps(whole["body"]), strict=True)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            field = ".".join(map(str, first["loc"][:2]))
            raise VerificationError(f"{name}: {field}: {first['msg'].lower()}", code="MALFORMED") from None
        if _MATCHING.dump_python(matching, mode="json") != whole["body"]:
            raise VerificationError(f"{name}: something is left out", code="MALFORMED")
        return matching

    def changes(self, previous: Matching) -> Changes:
        """What is different from an earlier matching.

        Parameters
        ----------
        previous
            The earlier one.

        Returns
        -------
        Pairs that came, went, or have another quantity, and what each level gained or lost.

        Raises
        ------
        InputError
            ``OTHER_FAMILY`` if the earlier one is of another family.
        """
        if previous.policy.family != self.policy.family:
            raise InputError(f"{self.policy.family} and {previous.policy.family} have no changes", code="OTHER_FAMILY")
        now, before = (
            {(a.demand_id, a.supply_id): a.quantity for a in matching.assignments} for matching in (self, previous)
        )
        values = {level.name: level.value for level in previous.levels}
        paid, paid_before = (
            {(p.demand_id, x.fund_id): x.amount_fen for p in matching.purchases for x in p.payments}
            for matching in (self, previous)
        )
        return Changes(
            added=tuple((*pair, now[pair]) for pair in sorted(now.keys() - before.keys())),
            removed=tuple((*pair, before[pair]) for pair in sorted(before.keys() - now.keys())),
            changed=tuple(
                (*pair, before[pair], now[pair])
                for pair in sorted(now.keys() & before.keys())
                if now[pair] != before[pair]
            ),
            levels={level.name: level.value - values[level.name] for level in self.levels if level.name in values},
            paid=tuple(
                (*pair, paid_before.get(pair, 0), paid.get(pair, 0))
                for pair in sorted(paid.keys() | paid_before.keys())
                if paid.get(pair) != paid_before.get(pair)
            ),
        )

    def summary(self) -> str:
        """What a person wants to know first: what is met, how far things travel, what is unmet and why."""
        return "\n".join(self._summary_lines())

    def _summary_lines(self) -> Iterator[str]:
        demands, asked = sum(c.demands for c in self.coverage), sum(c.asked for c in self.coverage)
        served = sum(c.served for c in self.coverage)
        yield f"Matching {self.status}, decided for {self.as_of}"
        demand_word, supply_word = _WORDS[self.policy.family]
        if self.known_total is not None:
            seen = demands + len(self.closed_demands)
            share = _share(seen, self.known_total)
            yield f"  seen     {seen:>9,} of {self.known_total:,} {demand_word} that are known of ({share})"
        yield f"  asked    {asked:>9,} units in {demands:,} {demand_word}"
        yield f"  offered  {self.offered:>9,} units in {self.supplies:,} {supply_word}"
        share = _share(served, asked)
        yield f"  served   {served:>9,} units in {len(self.assignments):,} assignments ({share} of asked)"
        if self.purchases:
            fen = sum(x.amount_fen for p in self.purchases for x in p.payments)
            funds = len({x.fund_id for p in self.purchases for x in p.payments})
            units = sum(p.quantity for p in self.purchases)
            what = f"of them for {len(self.purchases):,} needs, ¥{fen / 100:,.2f} of {funds:,} funds"
            yield f"  bought   {units:>9,} {what}"
        yield from self._distance_lines(sum(a.quantity for a in self.assignments))
        yield from _table("category", demand_word, self.coverage, self.policy.categories)
        items = sorted({c.item for c in self.coverage})
        if len(items) > 1:
            yield from _table("item", demand_word, self.coverage, items)
        yield ""
        yield f"{'level':<16}{'value':>16}{'bound':>16}{'gap':>6}  proof"
        for level in self.levels:
            claimed = "" if level.claimed_bound is None else f" (solver: {level.claimed_bound:,})"
            yield f"{level.name:<16}{level.value:>16,}{level.bound:>16,} {level.gap:>5,}  {level.proof}{claimed}"
        yield ""
        yield f"unmet: {sum(self.unmet.values()):,} units of {len(self.unmet):,} {demand_word}"
        for code, count in sorted(Counter(self.reasons.values()).items()):
            units = sum(left for id_, left in self.unmet.items() if self.reasons[id_] == code)
            yield f"  {code:<16}{units:>8,} units of {count:>6,} {demand_word}: {REASONS.get(code, code)}"
        for what, closed in ((demand_word, self.closed_demands), (supply_word, self.closed_supplies)):
            for code, count in sorted(Counter(closed.values()).items()):
                yield f"  not part of the decision: {count:,} {what} {code}"
        for code, count in sorted(Counter(self.closed_funds.values()).items()):
            yield f"  not part of the decision: {count:,} funds {code}"
        for report in self.reports:
            notes = [f"{count:,} {code}" for code, count in report.counts.items()]
            if report.converted:
                notes.append(f"{report.converted:,} points converted from {report.coordinates}")
            if notes:
                kept = f"{report.rows_read:,} rows read, {report.rows_kept:,} kept"
                yield f"  {report.source}: {kept}; {', '.join(notes)}"
        yield f"run {self.run_id}"

    def _distance_lines(self, served: int) -> Iterator[str]:
        if served and self.cost_unit == METRE:
            mean = sum(a.quantity * a.cost for a in self.assignments) / served / 1000
            farthest = max(a.cost for a in self.assignments) / 1000
            yield f"  distance {mean:>9,.1f} km a unit on average, {farthest:,.1f} km at most"


def _table(heading: str, demands: str, coverage: tuple[Coverage, ...], names: Any) -> Iterator[str]:
    yield ""
    yield f"{'by ' + heading:<16}{demands:>8}{'met':>8}{'asked':>10}{'served':>10}{'share':>8}"
    for name in names:
        rows = [c for c in coverage if getattr(c, heading) == name]
        asked, served = sum(c.asked for c in rows), sum(c.served for c in rows)
        yield (
            f"{name:<16}{sum(c.demands for c in rows):>8,}{sum(c.demands_met for c in rows):>8,}"
            f"{asked:>10,}{served:>10,}{_share(served, asked):>8}"
        )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _canonical(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _sha256(plain: Any) -> str:
    return hashlib.sha256(_canonical(plain).encode("utf-8", "surrogatepass")).hexdigest()


_MATCHING: TypeAdapter[Matching] = TypeAdapter(Matching)
