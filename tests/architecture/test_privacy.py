"""No record, id or name reaches the engine; nothing private is said in reprs, logs and errors."""

import pickle
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, lot, need, random_case

import aidmatch as am
from aidmatch.distance.great_circle import GreatCircle
from aidmatch.engine.market import solve_market
from aidmatch.formulation.flow import formulate
from aidmatch.solvers.simplex import NetworkSimplex

CANARIES = ("canary-need", "canary-household", "canary-lot", "canary-donor", "canary-item", "371501001001")


def parts(thing: Any) -> Iterator[Any]:
    """Everything a value holds, down to what is not made of parts."""
    if is_dataclass(thing) and not isinstance(thing, type):
        for field in fields(thing):
            yield from parts(getattr(thing, field.name))
    elif isinstance(thing, tuple | list):
        for one in thing:
            yield from parts(one)
    else:
        yield thing


@pytest.mark.parametrize("seed", range(30))
def test_a_unit_of_work_is_made_of_numbers_only(seed: int) -> None:
    case = random_case(seed, demands=9, supplies=8, most=3)
    for market in formulate(case.problem, case.policy, GreatCircle()).markets:
        for part in (*parts(market), *parts(solve_market(market, [NetworkSimplex()]))):
            assert part is None or isinstance(part, bool | int | np.ndarray), type(part)
            assert not isinstance(part, np.ndarray) or part.dtype.kind in "iufb"


def test_no_canary_reaches_a_worker_a_repr_or_an_error() -> None:
    needs = [need("canary-need", 2, household_id="canary-household", item="canary-item")]
    lots = [lot("canary-lot", 1, donor_id="canary-donor", item="canary-item")]
    problem = am.GivingProblem(needs, lots, as_of=DAY)
    matching = am.solve(problem)
    markets = formulate(problem, am.Policy.giving(), GreatCircle()).markets
    said = [repr(problem), repr(matching), *(repr(market) for market in markets)]
    said += [pickle.dumps(market).decode("latin-1") for market in markets]
    for text in said:
        assert not [canary for canary in CANARIES if canary in text]


def test_validation_errors_hold_no_values() -> None:
    with pytest.raises(ValueError, match="quantity") as caught:
        need("n1", "eleven thousand")  # type: ignore[arg-type]  # the mistake is what is tested
    assert "eleven" not in str(caught.value)
