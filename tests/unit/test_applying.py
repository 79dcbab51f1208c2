"""What `apply` makes of money and of substitutes, on a target that only remembers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import pytest
from tests.instances import DAY, lot, need

import aidmatch as am
from aidmatch.export import apply
from aidmatch.matching import Payment, Purchase

PROBLEM = am.GivingProblem([need("n1", 2)], [lot("d1", 10)], as_of=DAY)
MATCHING = am.solve(PROBLEM)


class Remembering:
    """Says that everything is as it was, and remembers what it is told to write."""

    reduces = True

    def __init__(self) -> None:
        self.told: list[Any] = []

    def quantities(self, side: Literal["demands", "supplies"], ids: Sequence[str]) -> Mapping[str, int | None]:
        return {"n1": 2, "d1": 10}

    def applied(self, run_id: str) -> Collection[str]:
        return ()

    def write(self, rows: Sequence[Mapping[str, Any]], demands: Mapping[str, int], supplies: Mapping[str, int]) -> None:
        self.told.append((len(rows), dict(demands), dict(supplies)))


def test_of_a_substitute_lot_goes_what_is_used_up() -> None:
    (one,) = MATCHING.assignments
    target = Remembering()
    done = apply(PROBLEM, replace(MATCHING, assignments=(replace(one, taken=8),)), target)
    assert len(done.written) == 1
    assert target.told == [(1, {"n1": 2}, {"d1": 8})]
    with pytest.raises(am.VerificationError, match="more than there is at supply 'd1'"):
        apply(PROBLEM, replace(MATCHING, assignments=(replace(one, taken=11),)), target)


def test_money_is_not_for_apply_to_spend() -> None:
    bought = Purchase("n1", "h1", "quilt", 1, 500, (Payment("f1", "s1", 500),))
    target = Remembering()
    with pytest.raises(am.InputError, match="UNSUPPORTED"):
        apply(PROBLEM, replace(MATCHING, purchases=(bought,)), target)
    assert target.told == []
