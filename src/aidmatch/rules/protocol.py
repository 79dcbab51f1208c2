"""The protocol of a rule, its registry, and the table that many rules make together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from aidmatch.arrays import Bools, Ints
from aidmatch.errors import PluginError
from aidmatch.plugins import Registry

__all__ = ["RULES", "Eligibility", "Rule", "labels_of", "reason_of", "reasons_of", "rules_named"]

RULES = Registry(
    "aidmatch.rules",
    {
        "only-categories": "aidmatch.rules.giving:OnlyCategories",
        "only-areas": "aidmatch.rules.giving:OnlyAreas",
        "only-project": "aidmatch.rules.giving:OnlyProject",
        "own-product": "aidmatch.rules.giving:OwnProduct",
        "services": "aidmatch.rules.care:Services",
        "languages": "aidmatch.rules.care:Languages",
        "caregiver-gender": "aidmatch.rules.care:CaregiverGender",
        "windows": "aidmatch.rules.care:CommonWindows",
    },
)


class Rule(Protocol):
    """What a rule offers: a reason for one pair, and labels under which many pairs are the same to it."""

    @property
    def name(self) -> str:
        """Name in policies, results and errors."""
        ...

    def reason(self, demand: Any, supply: Any) -> str | None:
        """Why the pair may not be, as a stable, upper-case code; None if it may."""
        ...

    def labels(self, demands: Sequence[Any], supplies: Sequence[Any]) -> tuple[Ints, Ints]:
        """Label every demand and every supply.

        This is the rule's vectorised form: it is asked for one pair of each combination of labels. Pairs with the
        same two labels must have the same reason. The fewer labels, the faster.

        Returns
        -------
        Two int64 arrays of labels ≥ 0, one entry a record.
        """
        ...


def rules_named(names: Sequence[str]) -> list[Rule]:
    """Make the rules a policy names.

    Raises
    ------
    PluginError
        If a rule is unknown or cannot be imported.
    """
    return [RULES.make(name) for name in names]


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What all rules together allow.

    Parameters
    ----------
    demand_group, supply_group
        Group of each record; records of one group are the same to every rule.
    allowed
        Boolean table over the groups.
    """

    demand_group: Ints
    supply_group: Ints
    allowed: Bools

    @classmethod
    def under(cls, rules: Sequence[Rule], demands: Sequence[Any], supplies: Sequence[Any]) -> Eligibility:
        """Ask the rules, each once for every combination of its own labels.

        Parameters
        ----------
        rules
            The rules in the policy's order.
        demands, supplies
            The records.

        Raises
        ------
        PluginError
            ``BAD_RULE`` if a rule's labels are not one integer a record.
        """
        labels = [labels_of(rule, demands, supplies) for rule in rules]
        demand_group, demand_rows = _groups([pair[0] for pair in labels], len(demands))
        supply_group, supply_rows = _groups([pair[1] for pair in labels], len(supplies))
        allowed = np.ones((len(demand_rows), len(supply_rows)), dtype=np.bool_)
        for rule, (of_demand, of_supply) in zip(rules, labels, strict=True):
            some_demand = np.unique(of_demand, return_index=True, return_inverse=True)
            some_supply = np.unique(of_supply, return_index=True, return_inverse=True)
            table = np.array(
                [[reason_of(rule, demands[i], supplies[j]) is None for j in some_supply[1]] for i in some_demand[1]],
                dtype=np.bool_,
            ).reshape(len(some_demand[1]), len(some_supply[1]))
            allowed &= table[np.ix_(some_demand[2][demand_rows], some_supply[2][supply_rows])]
        return cls(demand_group, supply_group, allowed)

    def pairs(self, demands: slice) -> Bools:
        """Which pairs are allowed, for some demands and all supplies: a boolean table."""
        return self.allowed[np.ix_(self.demand_group[demands], self.supply_group)]

    def part(self, demands: Ints, supplies: Ints) -> Eligibility:
        """The same for some of the records, by their indices."""
        return Eligibility(self.demand_group[demands], self.supply_group[supplies], self.allowed)


def labels_of(rule: Rule, demands: Sequence[Any], supplies: Sequence[Any]) -> tuple[Ints, Ints]:
    """Ask a rule for its labels, and check that they are some.

    Parameters
    ----------
    rule
        Any rule, perhaps somebody else's.
    demands, supplies
        The records.

    Raises
    ------
    PluginError
        ``BAD_RULE`` if they are not one integer a record, or the rule raised.
    """
    try:
        of_demand, of_supply = rule.labels(demands, supplies)
    except Exception as error:
        raise PluginError(
            f"rule {rule.name!r} raised {type(error).__name__} for its labels (see the error's cause)", code="BAD_RULE"
        ) from error
    for labels, records in ((of_demand, demands), (of_supply, supplies)):
        good = isinstance(labels, np.ndarray) and labels.dtype == np.int64 and labels.shape == (len(records),)
        if not good or (labels < 0).any():
            raise PluginError(f"rule {rule.name!r} must label each record with an int64 ≥ 0", code="BAD_RULE")
    return of_demand, of_supply


def reason_of(rule: Rule, demand: Any, supply: Any) -> str | None:
    """Ask a rule about one pair.

    Parameters
    ----------
    rule
        Any rule, perhaps somebody else's.
    demand, supply
        The two records.

    Raises
    ------
    PluginError
        ``BAD_RULE`` if the rule raised; its own words, which may be about a person, stay in the error's cause.
    """
    return reasons_of(rule, (demand,), (supply,))[0]


def reasons_of(rule: Rule, demands: Sequence[Any], supplies: Sequence[Any]) -> list[str | None]:
    """Ask a rule about pairs, one after the other.

    Parameters
    ----------
    rule
        Any rule, perhaps somebody else's.
    demands, supplies
        The two records of each pair.

    Raises
    ------
    PluginError
        ``BAD_RULE`` if the rule raised; its own words, which may be about a person, stay in the error's cause.
    """
    try:
        reason = rule.reason
        # not by map, which takes a StopIteration of the rule's for its own end
        return [reason(demand, supply) for demand, supply in zip(demands, supplies, strict=True)]
    except Exception as error:
        raise PluginError(
            f"rule {rule.name!r} raised {type(error).__name__} for a pair (see the error's cause)", code="BAD_RULE"
        ) from error


def _groups(labels: list[Ints], size: int) -> tuple[Ints, Ints]:
    """Group records with equal labels under every rule: group of each record, first record of each group."""
    stacked = np.stack([np.zeros(size, dtype=np.int64), *labels], axis=1)
    _, first, group = np.unique(stacked, axis=0, return_index=True, return_inverse=True)
    return group.reshape(-1).astype(np.int64), first.astype(np.int64)
