"""The check of integer answers refuses what is false: broken rows, proofs that are none, bounds that do not follow."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, caregiver, client, lot, need

import aidmatch as am
from aidmatch.integer_certificate import TreeProof
from aidmatch.integer_check import check_rows
from aidmatch.records.giving import Donor

CARE = am.CareProblem(
    [client(f"c{i}", minutes_per_week=60 * (i + 1)) for i in range(4)],
    [caregiver("g1", 3, minutes_per_week=200, min_persons=2), caregiver("g2", 2, minutes_per_week=200)],
    as_of=DAY,
)
TRUTH = am.solve(CARE, policy=am.Policy.care(levels=("coverage", "balance", "distance")))


def ints(*rows: Any) -> Any:
    return np.array(rows, dtype=np.int64)


def refused(matching: am.Matching, code: str) -> str:
    with pytest.raises(am.VerificationError) as caught:
        am.verify(CARE, matching)
    assert caught.value.code == code, caught.value
    return str(caught.value)


def with_tree(row: int, change: Any) -> am.Matching:
    proof = TRUTH.integer
    assert proof is not None
    levels = list(proof.levels)
    levels[row] = (change(levels[row][0]), *levels[row][1:])
    return replace(TRUTH, integer=replace(proof, levels=tuple(levels)))


def test_the_truth_is_no_lie(tmp_path: Any) -> None:
    am.verify(CARE, TRUTH)
    assert am.Matching.load(TRUTH.save(tmp_path / "run.json")).digest == TRUTH.digest
    am.verify(CARE, am.Matching.load(tmp_path / "run.json"))


@pytest.mark.parametrize("fields", [{"bound": 5, "gap": 1}, {"value": 4}, {"claimed_bound": 3}, {"proof": "claimed"}])
def test_a_level_that_says_something_else_is_refused(fields: dict[str, Any]) -> None:
    refused(replace(TRUTH, levels=(replace(TRUTH.levels[0], **fields), *TRUTH.levels[1:])), "LEVEL")


@pytest.mark.parametrize("status", [am.Status.OPTIMAL_CLAIMED, am.Status.FEASIBLE])
def test_a_status_that_the_levels_do_not_prove_is_refused(status: am.Status) -> None:
    refused(replace(TRUTH, status=status), "STATUS")


def test_multipliers_that_prove_less_are_refused_as_proof_of_the_bound() -> None:
    for row, level in enumerate(TRUTH.levels):
        matching = with_tree(row, lambda t: replace(t, multipliers=t.multipliers * 0, above=t.above * 0))
        if level.name == "balance":
            refused(matching, "LEVEL")


@pytest.mark.parametrize(
    "change",
    [
        lambda t: replace(t, rows=ints([2, 0]), multipliers=ints([5])),  # a capacity works from above only
        lambda t: replace(t, rows=ints([7, 0]), multipliers=ints([-5])),
        lambda t: replace(t, rows=ints([9, 0]), multipliers=ints([5])),
        lambda t: replace(t, rows=ints([0, 99]), multipliers=ints([5])),
        lambda t: replace(t, multipliers=t.multipliers[:0], above=t.above[:0]),
        lambda t: replace(t, multipliers=t.multipliers[:, :0], rows=ints([0, 0])),
        lambda t: replace(t, scale=0),
        lambda t: replace(t, component=7),
        lambda t: replace(t, splits=ints([0, 0, 0, -1, -1])),
        lambda t: replace(t, splits=ints([0, 0, 0, -1, 0])),
        lambda t: replace(t, splits=ints([0, 0, 0, -1, 9])),
        lambda t: replace(t, packed=ints([9])),
    ],
)
def test_a_tree_that_is_none_is_refused(change: Any) -> None:
    refused(with_tree(0, change), "CERTIFICATE")


def test_negative_weights_of_levels_above_are_refused() -> None:
    last = len(TRUTH.levels) - 1
    refused(with_tree(last, lambda t: replace(t, above=t.above - 2**40)), "CERTIFICATE")


def test_what_is_connected_cannot_be_taken_apart() -> None:
    proof = TRUTH.integer
    assert proof is not None
    apart = proof.supply_component.copy()
    apart[0] += 1
    refused(replace(TRUTH, integer=replace(proof, supply_component=apart)), "CERTIFICATE")
    refused(replace(TRUTH, integer=replace(proof, supply_component=apart[:1])), "CERTIFICATE")


def test_a_level_of_loads_is_not_proven_by_potentials() -> None:
    refused(replace(TRUTH, integer=None), "LEVEL")


def test_reasons_are_recomputed() -> None:
    problem = am.GivingProblem([need("n1", 5, whole=True)], [lot("d1", 4)], as_of=DAY)
    matching = am.solve(problem)
    with pytest.raises(am.VerificationError, match="REASONS"):
        am.verify(problem, replace(matching, reasons={"n1": "USED_UP"}))


def broken(problem: Any, sent: Any, **policy: Any) -> str:
    family = getattr(am.Policy, problem.family)
    with pytest.raises(am.VerificationError) as caught:
        check_rows(problem, family(**policy), sent)
    return caught.value.code


def test_every_row_is_checked_from_the_records() -> None:
    n, d = need("n1", 6, whole=True), lot("d1", 9, pack_size=2, min_lot=4, donor_id="x")
    problem = am.GivingProblem([n], [d], as_of=DAY, donors=[Donor(id="x", max_shipments=0)])
    assert broken(problem, [(n, d, 5, 0, 0)]) == "PACK"
    assert broken(problem, [(n, d, 2, 0, 0)]) == "LOT"
    assert broken(problem, [(n, d, 4, 0, 0)]) == "WHOLE"
    assert broken(problem, [(n, d, 6, 0, 0)]) == "SHIPMENTS"
    least = need("n1", 6, min_quantity=5)
    assert broken(am.GivingProblem([least], [d], as_of=DAY), [(least, d, 4, 0, 0)]) == "MINIMUM"
    c, g = client("c1", minutes_per_week=90), caregiver("g1", 5, minutes_per_week=95, min_persons=2)
    # each where nobody asks for anything else
    plain_n, plain_d = need("n", 12), lot("d", 12)
    for code, one, other, donors, units in (
        ("PACK", plain_n, replace(plain_d, pack_size=2), (), 3),
        ("LOT", plain_n, replace(plain_d, min_lot=4), (), 3),
        ("WHOLE", replace(plain_n, whole=True), plain_d, (), 3),
        ("MINIMUM", replace(plain_n, min_quantity=4), plain_d, (), 3),
        ("SHIPMENTS", plain_n, plain_d, (Donor(id=plain_d.donor_id, max_shipments=0),), 3),
    ):
        alone = am.GivingProblem([one], [other], as_of=DAY, donors=donors)
        assert broken(alone, [(one, other, units, 0, 0)]) == code
    easy = client("c", minutes_per_week=None), caregiver("g", 3, min_persons=2)
    loose = am.CareProblem([easy[0]], [easy[1]], as_of=DAY)
    assert broken(loose, [(*easy, 1, 0, 0)], min_load="hard") == "MINIMUM"
    care = am.CareProblem([c], [g], as_of=DAY)
    assert broken(care, [(c, g, 1, 0, 1200)], travel_minutes_per_km=5) == "LOAD"
    assert broken(care, [(c, g, 1, 0, 0)], min_load="hard") == "MINIMUM"
    check_rows(care, am.Policy.care(), [(c, g, 1, 0, 0)])
    check_rows(care, am.Policy.care(min_load="hard"), [(c, g, 1, 1, 0)])


def test_a_tree_is_read_back_as_it_was() -> None:
    proof = TRUTH.integer
    assert proof is not None
    assert all(isinstance(tree, TreeProof) for level in proof.levels for tree in level)
