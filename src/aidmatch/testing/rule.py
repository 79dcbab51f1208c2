"""What a good rule keeps to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from aidmatch.rules.protocol import Eligibility, Rule
from aidmatch.testing.contract import Contract, check

__all__ = ["RuleContract"]

_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


class RuleContract(Contract):
    """Checks for a rule. Say `rule`, `demands` and `supplies`."""

    CHECKS: ClassVar[Mapping[int, int]] = {1: 10}

    def rule(self) -> Rule:
        """Make the rule anew."""
        raise NotImplementedError("say how the rule is made: def rule(self): return …")

    def demands(self) -> Sequence[Any]:
        """Demands to try it on, of all the kinds that matter to it."""
        raise NotImplementedError("say which demands to try it on: def demands(self): return […]")

    def supplies(self) -> Sequence[Any]:
        """Supplies to try it on, so that some pairs may be and others may not."""
        raise NotImplementedError("say which supplies to try it on: def supplies(self): return […]")

    def _table(self, rule: Rule | None = None) -> list[list[str | None]]:
        asked = self.rule() if rule is None else rule
        return [[asked.reason(demand, supply) for supply in self.supplies()] for demand in self.demands()]

    @check()
    def test_it_has_a_name(self) -> None:
        name = self.rule().name
        assert isinstance(name, str), "name is text"
        assert name.strip(), "name is text"

    @check()
    def test_reasons_are_codes(self) -> None:
        for reason in {reason for row in self._table() for reason in row} - {None}:
            assert isinstance(reason, str), "a reason is text or None"
            assert _CODE.fullmatch(reason), f"{reason!r} is no upper-case code, such as OTHER_COUNTY"

    @check()
    def test_the_sample_shows_both_answers(self) -> None:
        reasons = {reason for row in self._table() for reason in row}
        assert None in reasons, "no pair of the sample may be; give others"
        assert len(reasons) > 1, "every pair of the sample may be; give others"

    @check()
    def test_labels_are_one_int64_a_record(self) -> None:
        demands, supplies = self.demands(), self.supplies()
        for labels, records in zip(self.rule().labels(demands, supplies), (demands, supplies), strict=True):
            assert isinstance(labels, np.ndarray), "labels are an array"
            assert labels.dtype == np.int64, f"labels are {labels.dtype}, not int64"
            assert labels.shape == (len(records),), f"{labels.shape} labels for {len(records)} records"
            assert (labels >= 0).all(), "a label is below zero"

    @check()
    def test_pairs_with_the_same_labels_have_the_same_reason(self) -> None:
        of_demand, of_supply = self.rule().labels(self.demands(), self.supplies())
        reasons: dict[tuple[int, int], str | None] = {}
        for row, label in zip(self._table(), of_demand.tolist(), strict=True):
            for reason, other in zip(row, of_supply.tolist(), strict=True):
                first = reasons.setdefault((label, other), reason)
                assert first == reason, f"two pairs with labels {label} and {other}: {first} and {reason}"

    @check()
    def test_the_table_of_all_pairs_is_that_of_single_pairs(self) -> None:
        demands, supplies = self.demands(), self.supplies()
        allowed = Eligibility.under([self.rule()], demands, supplies).pairs(slice(0, len(demands)))
        assert allowed.tolist() == [[reason is None for reason in row] for row in self._table()]

    @check()
    def test_the_order_of_records_does_not_matter(self) -> None:
        demands, supplies = list(self.demands())[::-1], list(self.supplies())[::-1]
        allowed = Eligibility.under([self.rule()], demands, supplies).pairs(slice(0, len(demands)))
        turned = [row[::-1] for row in self._table()[::-1]]
        assert allowed.tolist() == [[reason is None for reason in row] for row in turned]

    @check()
    def test_no_records_have_no_labels(self) -> None:
        of_demand, of_supply = self.rule().labels([], [])
        assert len(of_demand) == len(of_supply) == 0, "there are labels of nobody"

    @check()
    def test_it_says_the_same_again(self) -> None:
        rule = self.rule()
        assert self._table(rule) == self._table(rule) == self._table(), "asked again, it gives other reasons"

    @check()
    def test_records_stay_as_they_are(self) -> None:
        demands, supplies = list(self.demands()), list(self.supplies())
        before = [[_content(one) for one in side] for side in (demands, supplies)]
        given = list(demands), list(supplies)
        rule = self.rule()
        rule.labels(*given)
        for demand in demands:
            for supply in supplies:
                rule.reason(demand, supply)
        assert [[_content(one) for one in side] for side in (demands, supplies)] == before, "it changes records"
        assert given == (demands, supplies), "it changes the lists it is given"


def _content(record: Any) -> Any:
    names = getattr(record, "__dataclass_fields__", None)
    return {name: getattr(record, name) for name in names} if names else vars(record).copy()
