"""The result as a value: exported, saved, summed up, told apart, and read back as it was."""

import csv
import hashlib
import json
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, caregiver, client, lot, need, place, random_case

import aidmatch as am
from aidmatch.certificate import Certificate
from aidmatch.matching import REASONS, Changes, Coverage, Payment, Purchase, SolverUse
from aidmatch.records.money import Fund, Price

KEYS = [
    "run_id",
    "assignment_id",
    "demand_id",
    "supply_id",
    "household_id",
    "giver_id",
    "item",
    "quantity",
    "cost",
    "cost_unit",
    "metres",
    "pinned",
    "state",
    "kind",
    "amount_fen",
]

NEEDS = [
    need("n1", 3, "A"),
    need("n2", 2, "B", place=place(lat=36.6)),
    need("n3", 2, "D", item="rice", unit="kg"),
    need("n4", 1, gate=am.Gate(approval="rejected")),
    need("n5", 1, "C", place=place("39", 20, 110)),
    need("n6", 4, "B", household_id="H-producer", item="broom"),
]
LOTS = [
    lot("d1", 2),
    lot("d2", 2, place=place(lat=36.6), max_km=30),
    lot("d3", 5, status="reserved"),
    lot("d4", 9, item="broom", producer_household_id="H-producer"),
]
PROBLEM = am.GivingProblem(NEEDS, LOTS, as_of=DAY)
POLICY = am.Policy.giving(max_km=100)
MATCHING = am.solve(PROBLEM, policy=POLICY)
EMPTY = am.solve(am.GivingProblem([], [], as_of=DAY))
LISTED = am.solve(
    am.GivingProblem(
        [need("n1")],
        [lot("d1")],
        as_of=DAY,
        pairs=am.PairTable([am.PairCost(demand_id="n1", supply_id="d1", cost=7)], unit="minute"),
    )
)


def same(one: am.Matching, other: am.Matching) -> bool:
    """Equal in every field, potentials entry by entry."""
    plain = [field.name for field in fields(am.Matching) if field.name != "certificate"]
    mine, theirs = one.certificate, other.certificate
    return (
        all(getattr(one, name) == getattr(other, name) for name in plain)
        and (mine.demand_ids, mine.supply_ids, mine.version) == (theirs.demand_ids, theirs.supply_ids, theirs.version)
        and (mine.u.dtype, mine.v.dtype) == (theirs.u.dtype, theirs.v.dtype)
        and np.array_equal(mine.u, theirs.u)
        and np.array_equal(mine.v, theirs.v)
    )


def test_the_instance_is_solved_as_by_hand() -> None:
    am.verify(PROBLEM, MATCHING, policy=POLICY)
    assert [(a.demand_id, a.supply_id, a.quantity, a.metres) for a in MATCHING.assignments] == [
        ("n1", "d1", 2, 0),
        ("n1", "d2", 1, 11_120),
        ("n2", "d2", 1, 0),
    ]
    assert dict(MATCHING.unmet) == {"n2": 1, "n3": 2, "n5": 1, "n6": 4}
    assert dict(MATCHING.reasons) == {
        "n2": "USED_UP",
        "n3": "NO_SUPPLY",
        "n5": "OUT_OF_REACH",
        "n6": "NOT_ALLOWED",
    }
    assert dict(MATCHING.closed_demands) == {"n4": "NOT_APPROVED"}
    assert dict(MATCHING.closed_supplies) == {"d3": "NOT_IN_STOCK"}
    assert (MATCHING.supplies, MATCHING.offered) == (3, 13)
    assert MATCHING.coverage == (
        Coverage("A", "quilt", "piece", 1, 1, 3, 3),
        Coverage("B", "broom", "piece", 1, 0, 4, 0),
        Coverage("B", "quilt", "piece", 1, 0, 2, 1),
        Coverage("C", "quilt", "piece", 1, 0, 1, 0),
        Coverage("D", "rice", "kg", 1, 0, 2, 0),
    )
    assert [(lv.name, lv.unit, lv.sense, lv.value, lv.bound, lv.gap, lv.proof) for lv in MATCHING.levels] == [
        ("coverage A", "units", "max", 3, 3, 0, "potentials"),
        ("coverage B", "units", "max", 1, 1, 0, "potentials"),
        ("coverage C", "units", "max", 0, 0, 0, "potentials"),
        ("coverage D", "units", "max", 0, 0, 0, "potentials"),
        ("distance", "unit·metre", "min", 11_120, 11_120, 0, "potentials"),
    ]
    assert (MATCHING.status, MATCHING.as_of, MATCHING.policy) == ("OPTIMAL", DAY, POLICY)
    assert (MATCHING.cost_unit, MATCHING.distance, MATCHING.inputs) == ("metre", "great-circle", PROBLEM.digests())
    assert (MATCHING.solving.solver, MATCHING.solving.aidmatch_version) == ("pylmcf", am.__version__)
    # brooms, quilts, rice: one component of quilts has anything to decide
    assert (MATCHING.solving.markets, MATCHING.solving.components, MATCHING.solving.arcs) == (3, 1, 4)
    (use,) = MATCHING.solving.solvers
    assert (use.name, use.version, use.solves, use.failures) == ("pylmcf", MATCHING.solving.solver_version, 3, {})
    assert repr(MATCHING) == "<Matching: OPTIMAL, 3 assignments, 4 unmet>"


def test_every_reason_has_words() -> None:
    one_each = am.solve(am.CareProblem([client("c1", caregivers_needed=2)], [caregiver("g1", 5)], as_of=DAY))
    assert dict(one_each.reasons) == {"c1": "ONE_EACH"}
    whole = am.solve(am.GivingProblem([need("n1", 3, whole=True)], [lot("d1", 2)], as_of=DAY))
    assert dict(whole.reasons) == {"n1": "DOES_NOT_FIT"}
    poor = am.solve(
        am.GivingProblem(
            [need("n1", accepts=("money",))],
            [],
            as_of=DAY,
            funds=[Fund(id="f1", sponsor_id="s", balance_fen=1, opens_on=DAY)],
            prices=[Price(item="quilt", unit="piece", price_fen=2, valid_from=DAY)],
        )
    )
    assert dict(poor.reasons) == {"n1": "MONEY_USED_UP"}
    found = {*MATCHING.reasons.values(), *one_each.reasons.values(), *whole.reasons.values(), *poor.reasons.values()}
    assert found == set(REASONS)


# --- rows and exports


def test_rows_have_their_keys_in_order() -> None:
    rows = list(MATCHING.to_rows())
    assert [list(row) for row in rows] == [KEYS] * 3
    assert rows[1] == {
        "run_id": MATCHING.run_id,
        "assignment_id": rows[1]["assignment_id"],
        "demand_id": "n1",
        "supply_id": "d2",
        "household_id": "H-n1",
        "giver_id": "P-d2",
        "item": "quilt",
        "quantity": 1,
        "cost": 11_120,
        "cost_unit": "metre",
        "metres": 11_120,
        "pinned": 0,
        "state": "offered",
        "kind": "goods",
        "amount_fen": None,
    }
    assert len({row["assignment_id"] for row in rows}) == 3
    assert all(len(row["assignment_id"]) == 16 for row in rows)
    assert list(EMPTY.to_rows()) == []


def test_costs_that_are_no_metres_do_not_pass_for_them() -> None:
    (row,) = LISTED.to_rows()
    assert (row["cost"], row["cost_unit"], row["metres"]) == (7, "minute", None)


def test_an_export_is_replaced_and_gives_its_path(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_text("old" * 1000, encoding="utf-8")
    assert MATCHING.write(path) == path
    assert MATCHING.write(str(path)) == path
    assert path.read_bytes().startswith(b"\xef\xbb\xbfrun_id,assignment_id,")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [list(row) for row in rows] == [KEYS] * 3
    assert [{k: "" if v is None else str(v) for k, v in row.items()} for row in MATCHING.to_rows()] == rows


def test_metres_that_are_not_known_are_an_empty_cell_and_a_null(tmp_path: Path) -> None:
    with LISTED.write(tmp_path / "result.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["metres"] == ""
    (plain,) = json.loads(LISTED.write(tmp_path / "result.json").read_text(encoding="utf-8"))
    assert plain["metres"] is None


def test_json_holds_the_rows_as_they_are(tmp_path: Path) -> None:
    text = MATCHING.write(tmp_path / "result.json").read_text(encoding="utf-8")
    assert json.loads(text) == list(MATCHING.to_rows())
    assert text.endswith("]\n")


def test_an_empty_matching_is_exported_too(tmp_path: Path) -> None:
    assert EMPTY.write(tmp_path / "empty.csv").read_bytes() == f"\ufeff{','.join(KEYS)}\r\n".encode()
    assert EMPTY.write(tmp_path / "empty.json").read_text(encoding="utf-8") == "[]\n"


@pytest.mark.parametrize("name", ["result.xls", "result", "result.csv.gz", ".csv", "result.CSV"])
def test_the_ending_decides_and_another_one_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(am.InputError, match="the ending decides") as refused:
        MATCHING.write(tmp_path / name)
    assert refused.value.code == "BAD_EXPORT"
    assert not (tmp_path / name).exists()


DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    '=HYPERLINK("http://x")',
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", DANGEROUS)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str, tmp_path: Path) -> None:
    problem = am.GivingProblem([need(text, item=text, household_id=text)], [lot("d1", item=text)], as_of=DAY)
    matching = am.solve(problem)
    with matching.write(tmp_path / "safe.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert [row[key] for key in ("demand_id", "household_id", "item")] == [f"'{text}"] * 3
    assert (row["supply_id"], row["quantity"]) == ("d1", "1")
    with matching.write(tmp_path / "plain.csv", neutralise=False).open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert [row[key] for key in ("demand_id", "household_id", "item")] == [text] * 3
    (plain,) = json.loads(matching.write(tmp_path / "plain.json").read_text(encoding="utf-8"))
    assert plain["item"] == text


@pytest.mark.parametrize("text", ["1=1", "a-b", "a@b", "'=1", "quilt", "棉被"])
def test_other_text_stays_as_it_is(text: str, tmp_path: Path) -> None:
    matching = am.solve(am.GivingProblem([need("n1", item=text)], [lot("d1", item=text)], as_of=DAY))
    with matching.write(tmp_path / "safe.csv").open(encoding="utf-8-sig", newline="") as file:
        assert next(csv.DictReader(file))["item"] == text


# --- saved and loaded


@pytest.mark.parametrize("seed", range(12))
def test_what_was_saved_is_loaded_equal(seed: int, tmp_path: Path) -> None:
    case = random_case(seed, demands=9, supplies=8, most=3)
    matching = am.solve(case.problem, policy=case.policy)
    again = am.Matching.load(matching.save(tmp_path / "run.json"))
    assert same(matching, again)
    assert (again.digest, again.run_id, again.summary()) == (matching.digest, matching.run_id, matching.summary())
    am.verify(case.problem, again, policy=case.policy)
    with pytest.raises(ValueError, match="read-only"):
        again.certificate.u[...] = 0


@pytest.mark.parametrize("matching", [MATCHING, EMPTY, LISTED], ids=["ordinary", "empty", "listed"])
def test_saving_twice_gives_the_same_bytes(matching: am.Matching, tmp_path: Path) -> None:
    first = matching.save(tmp_path / "1.json").read_bytes()
    again = am.Matching.load(tmp_path / "1.json")
    assert same(again, matching)
    assert again.save(str(tmp_path / "2.json")).read_bytes() == first


def test_one_side_may_be_empty(tmp_path: Path) -> None:
    for needs, lots in (([], LOTS), (NEEDS, [])):
        problem = am.GivingProblem(needs, lots, as_of=DAY)
        matching = am.solve(problem)
        again = am.Matching.load(matching.save(tmp_path / "run.json"))
        assert same(matching, again)
        am.verify(problem, again)


def test_numbers_beyond_64_bits_survive(tmp_path: Path) -> None:
    problem = am.GivingProblem([need("n1", 2**60)], [lot("d1", 2**60 - 1, place=place(lat=36.6))], as_of=DAY)
    matching = am.solve(problem)
    assert matching.levels[-1].value > 2**73
    again = am.Matching.load(matching.save(tmp_path / "run.json"))
    assert same(matching, again)
    am.verify(problem, again)


def test_a_matching_crosses_to_another_process() -> None:
    for matching in (MATCHING, EMPTY, LISTED):
        again = pickle.loads(pickle.dumps(matching))
        assert same(again, matching)
        assert again.digest == matching.digest
    am.verify(PROBLEM, pickle.loads(pickle.dumps(MATCHING)))


def test_a_matching_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        MATCHING.offered = 3  # type: ignore[misc]  # the mistake is what is tested
    with pytest.raises(ValueError, match="read-only"):
        MATCHING.certificate.v[...] = 0


def saved(path: Path, **changes: Any) -> Path:
    """A saved matching with other values, under a digest that is right again."""
    whole = json.loads(MATCHING.save(path).read_text(encoding="utf-8"))
    whole["body"] |= changes
    return sealed(path, whole)


def sealed(path: Path, whole: dict[str, Any]) -> Path:
    def canonical(plain: Any) -> str:
        return json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    whole["sha256"] = hashlib.sha256(canonical(whole["body"]).encode()).hexdigest()
    path.write_text(canonical(whole), encoding="utf-8")
    return path


def unloadable(path: Path, code: str) -> str:
    with pytest.raises(am.VerificationError) as refused:
        am.Matching.load(path)
    assert refused.value.code == code
    assert path.name in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"7",
        b"[]",
        b"{}",
        b'"text"',
        b"run_id,assignment_id\r\n",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"body":{},"sha256":7}',
        b'{"aidmatch.matching":1,"body":{}}',
        b'{"body":NaN,"sha256":""}',
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"1" * 5000, id="long"),
    ],
)
def test_garbage_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(data)
    unloadable(path, "ALTERED")


def test_a_byte_that_differs_is_refused(tmp_path: Path) -> None:
    path = MATCHING.save(tmp_path / "run.json")
    text = path.read_text(encoding="utf-8")
    for other in (text + "\n", text.replace(":3", ":4", 1), text.replace(",", ", ", 1), text[:-1]):
        assert other != text
        path.write_text(other, encoding="utf-8")
        unloadable(path, "ALTERED")


def test_no_file_is_no_lie(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        am.Matching.load(tmp_path / "none.json")


@pytest.mark.parametrize("version", [0, 2, "1", None, [1]])
def test_another_version_is_refused(version: Any, tmp_path: Path) -> None:
    whole = json.loads(MATCHING.save(tmp_path / "run.json").read_text(encoding="utf-8"))
    whole["aidmatch.matching"] = version
    assert "version 1" in unloadable(sealed(tmp_path / "run.json", whole), "MALFORMED")


def test_more_than_a_matching_is_refused(tmp_path: Path) -> None:
    whole = json.loads(MATCHING.save(tmp_path / "run.json").read_text(encoding="utf-8"))
    unloadable(sealed(tmp_path / "run.json", whole | {"comment": "by hand"}), "MALFORMED")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"offered": "13"}, "offered"),
        ({"offered": 13.0}, "offered"),
        ({"offered": True}, "offered"),
        ({"status": "PERFECT"}, "status"),
        ({"as_of": "someday"}, "as_of"),
        ({"levels": None}, "levels"),
        ({"levels": [{"name": "coverage A"}]}, "levels"),
        ({"assignments": [[1, 2, 3]]}, "assignments"),
        ({"unmet": {"n2": "1"}}, "unmet"),
        ({"policy": {"max_km": -1}}, "policy"),
        ({"policy": {"radius": 1}}, "policy"),
        ({"comment": "by hand"}, "comment"),
        ({"certificate": {"u": 1}}, "certificate"),
    ],
)
def test_a_field_of_another_kind_is_refused_by_its_name(changes: dict[str, Any], field: str, tmp_path: Path) -> None:
    assert f"run.json: {field}" in unloadable(saved(tmp_path / "run.json", **changes), "MALFORMED")


def test_what_is_left_out_is_refused(tmp_path: Path) -> None:
    plain = MATCHING.save(tmp_path / "run.json")
    policy = json.loads(plain.read_text(encoding="utf-8"))["body"]["policy"]
    del policy["rules"]  # it has a default, which is what stood there
    assert "something is left out" in unloadable(saved(plain, policy=policy), "MALFORMED")


def potentials(u: Any) -> dict[str, Any]:
    proof = MATCHING.certificate
    return {
        "demand_ids": list(proof.demand_ids),
        "supply_ids": list(proof.supply_ids),
        "u": u,
        "v": proof.v.tolist(),
        "version": 1,
    }


@pytest.mark.parametrize(
    "u",
    [
        7,
        "u",
        None,
        {},
        [[1.0]],
        [["1"]],
        [[True]],
        [[None]],
        [[2**61 + 1]],
        [[-(2**61) - 1]],
        [[10**30]],
        [[1], [1, 2]],
    ],
)
def test_potentials_are_lists_of_integers_of_one_length(u: Any, tmp_path: Path) -> None:
    path = saved(tmp_path / "run.json", certificate=potentials(u))
    assert "certificate.u: potentials" in unloadable(path, "MALFORMED")


@pytest.mark.parametrize("u", [[], [[]], [[], []], [[2**61, -(2**61)]]])
def test_potentials_of_another_shape_can_be_loaded_and_are_refused_by_the_check(u: Any, tmp_path: Path) -> None:
    loaded = am.Matching.load(saved(tmp_path / "run.json", certificate=potentials(u)))
    assert loaded.certificate.u.tolist() == u
    with pytest.raises(am.VerificationError) as refused:
        am.verify(PROBLEM, loaded)
    assert refused.value.code == "CERTIFICATE"


@pytest.mark.parametrize("u", [[1], [None], [[1], 5], [{}]])
def test_rows_of_potentials_are_lists(u: Any, tmp_path: Path) -> None:
    unloadable(saved(tmp_path / "run.json", certificate=potentials(u)), "MALFORMED")


def test_potentials_in_memory_are_taken_as_they_are() -> None:
    proof = MATCHING.certificate
    assert Certificate(proof.demand_ids, proof.supply_ids, proof.u, proof.v).u is proof.u


# --- digests


def test_the_digest_covers_the_answer_and_nothing_else() -> None:
    first = MATCHING.assignments[0]
    answer: dict[str, Any] = {
        "assignments": (replace(first, quantity=1), *MATCHING.assignments[1:]),
        "unmet": {**MATCHING.unmet, "n2": 2},
        "levels": (replace(MATCHING.levels[0], value=2), *MATCHING.levels[1:]),
        "purchases": (Purchase("n1", "H-n1", "quilt", 1, 2, (Payment("f1", "s", 2),)),),
    }
    for name, value in answer.items():
        assert replace(MATCHING, **{name: value}).digest != MATCHING.digest
    around: dict[str, Any] = {
        "assignments": tuple(
            replace(a, cost=1, metres=1, item="x", household_id="x", giver_id="x", pinned=1)
            for a in MATCHING.assignments
        ),
        "levels": tuple(replace(level, bound=9, gap=9, unit="x") for level in MATCHING.levels),
        "unmet": dict(sorted(MATCHING.unmet.items(), reverse=True)),
        "reasons": {},
        "closed_demands": {},
        "closed_supplies": {},
        "closed_funds": {"f1": "FUND_CLOSED"},
        "purchases": (),
        "known_total": 9,
        "coverage": (),
        "supplies": 0,
        "offered": 0,
        "cost_unit": "x",
        "distance": "x",
        "policy": am.Policy.giving(),
        "inputs": {},
        "reports": (am.Report("x", 1, 1),),
        "solving": replace(MATCHING.solving, solvers=(SolverUse("x", "0", 9, {"SOLVER_FAILED": 1}),)),
        "as_of": DAY.replace(year=2018),
        "certificate": EMPTY.certificate,
        "integer": am.solve(am.GivingProblem([need("n1", 3, whole=True)], [], as_of=DAY)).integer,
        "status": am.Status.OPTIMAL,
    }
    assert set(around) == {field.name for field in fields(am.Matching)}
    for name, value in around.items():
        assert replace(MATCHING, **{name: value}).digest == MATCHING.digest, name


def test_a_run_is_named_by_its_inputs_its_policy_its_day_and_its_answer() -> None:
    assert len(MATCHING.run_id) == 16
    assert int(MATCHING.run_id, 16) >= 0
    again = am.solve(am.GivingProblem(NEEDS[::-1], LOTS[::-1], as_of=DAY), policy=POLICY)
    assert (again.run_id, list(again.to_rows())) == (MATCHING.run_id, list(MATCHING.to_rows()))
    others = [
        replace(MATCHING, as_of=DAY.replace(year=2018)),
        replace(MATCHING, inputs={**MATCHING.inputs, "needs": "0" * 64}),
        replace(MATCHING, policy=POLICY.replace(version="2")),
        replace(MATCHING, unmet={}),
    ]
    assert len({MATCHING.run_id, *(other.run_id for other in others)}) == 5
    for other in (replace(MATCHING, reports=()), replace(MATCHING, solving=EMPTY.solving)):
        assert other.run_id == MATCHING.run_id


def test_a_matching_equals_itself_only_and_digests_and_bytes_tell_the_rest(tmp_path: Path) -> None:
    again = am.Matching.load(MATCHING.save(tmp_path / "run.json"))
    assert (again == MATCHING, again != MATCHING, again.digest == MATCHING.digest) == (False, True, True)
    assert len({again, MATCHING, MATCHING}) == 2
    assert again.save(tmp_path / "again.json").read_bytes() == (tmp_path / "run.json").read_bytes()
    assert EMPTY.digest != MATCHING.digest
    assert again.certificate != MATCHING.certificate


# --- changes


def test_changes_are_pairs_that_came_went_or_have_another_quantity() -> None:
    problem = am.GivingProblem(
        [*NEEDS[:2], need("n7", 1, "A")], [lot("d1", 4), lot("d2", 1, place=place(lat=36.6))], as_of=DAY
    )
    now = am.solve(problem, policy=POLICY)
    assert [(a.demand_id, a.supply_id, a.quantity) for a in now.assignments] == [
        ("n1", "d1", 3),
        ("n2", "d2", 1),
        ("n7", "d1", 1),
    ]
    assert now.changes(MATCHING) == Changes(
        added=(("n7", "d1", 1),),
        removed=(("n1", "d2", 1),),
        changed=(("n1", "d1", 2, 3),),
        levels={"coverage A": 1, "coverage B": 0, "coverage C": 0, "coverage D": 0, "distance": -11_120},
    )
    assert MATCHING.changes(now) == Changes(
        added=(("n1", "d2", 1),),
        removed=(("n7", "d1", 1),),
        changed=(("n1", "d1", 3, 2),),
        levels={"coverage A": -1, "coverage B": 0, "coverage C": 0, "coverage D": 0, "distance": 11_120},
    )


def test_nothing_changes_between_a_matching_and_itself(tmp_path: Path) -> None:
    same_levels = {level.name: 0 for level in MATCHING.levels}
    again = am.Matching.load(MATCHING.save(tmp_path / "run.json"))
    for one, other in ((MATCHING, MATCHING), (again, MATCHING)):
        assert one.changes(other) == Changes((), (), (), same_levels)


def test_levels_are_compared_by_name_and_only_those_that_both_have() -> None:
    problem = am.GivingProblem(NEEDS, LOTS, as_of=DAY)
    policy = am.Policy.giving(max_km=100, levels=("coverage",), categories=("E", "D", "C", "B", "A"))
    other = am.solve(problem, policy=policy)
    assert other.changes(MATCHING).levels == {
        "coverage D": 0,
        "coverage C": 0,
        "coverage B": 2 - 1,
        "coverage A": 2 - 3,
    }
    everything = EMPTY.changes(MATCHING)
    assert everything.removed == (("n1", "d1", 2), ("n1", "d2", 1), ("n2", "d2", 1))
    assert (everything.added, everything.changed, everything.levels["distance"]) == ((), (), -11_120)


# --- summary


def test_the_summary_says_what_a_person_asks_first() -> None:
    text = MATCHING.summary()
    assert text.splitlines() == [
        "Matching OPTIMAL, decided for 2017-06-01",
        "  asked           12 units in 5 needs",
        "  offered         13 units in 3 lots",
        "  served           4 units in 3 assignments (33.3% of asked)",
        "  distance       2.8 km a unit on average, 11.1 km at most",
        "",
        "by category        needs     met     asked    served   share",
        "A                      1       1         3         3  100.0%",
        "B                      2       0         6         1   16.7%",
        "C                      1       0         1         0    0.0%",
        "D                      1       0         2         0    0.0%",
        "",
        "by item            needs     met     asked    served   share",
        "broom                  1       0         4         0    0.0%",
        "quilt                  3       1         6         4   66.7%",
        "rice                   1       0         2         0    0.0%",
        "",
        "level                      value           bound   gap  proof",
        "coverage A                     3               3     0  potentials",
        "coverage B                     1               1     0  potentials",
        "coverage C                     0               0     0  potentials",
        "coverage D                     0               0     0  potentials",
        "distance                  11,120          11,120     0  potentials",
        "",
        "unmet: 8 units of 4 needs",
        "  NOT_ALLOWED            4 units of      1 needs: rules or decisions allow none of those who offer it",
        "  NO_SUPPLY              2 units of      1 needs: nobody offers it in that unit",
        f"  OUT_OF_REACH           1 units of      1 needs: {REASONS['OUT_OF_REACH']}",
        f"  USED_UP                1 units of      1 needs: {REASONS['USED_UP']}",
        "  not part of the decision: 1 needs NOT_APPROVED",
        "  not part of the decision: 1 lots NOT_IN_STOCK",
        f"run {MATCHING.run_id}",
    ]


def test_the_summary_of_care_speaks_of_clients_and_caregivers() -> None:
    problem = am.CareProblem(
        [client("c1", caregivers_needed=2), client("c2", modes_accepted=("bed",))],
        [caregiver("g1", 3), caregiver("g2", available_until=DAY.replace(year=2016))],
        as_of=DAY,
    )
    matching = am.solve(problem)
    lines = matching.summary().splitlines()
    assert lines[1:3] == [
        "  asked            2 units in 1 clients",
        "  offered          3 units in 1 caregivers",
    ]
    assert lines[-5:] == [
        "unmet: 1 units of 1 clients",
        f"  ONE_EACH               1 units of      1 clients: {REASONS['ONE_EACH']}",
        "  not part of the decision: 1 clients NOT_FOR_NEIGHBOURS",
        "  not part of the decision: 1 caregivers NO_LONGER_AVAILABLE",
        f"run {matching.run_id}",
    ]


def test_the_summary_names_no_household() -> None:
    assert not [word for word in ("n1", "H-n1", "P-d1", "d1") if word in MATCHING.summary().split()]


def test_the_summary_of_nothing_is_a_summary() -> None:
    text = EMPTY.summary()
    assert "asked            0 units in 0 needs" in text
    assert "(- of asked)" in text
    assert "unmet: 0 units of 0 needs" in text
    assert "distance " not in text.split("level")[0]


def test_costs_that_are_no_metres_are_not_summed_up_in_kilometres() -> None:
    assert " km " not in LISTED.summary()


def test_the_summary_says_what_was_wrong_with_the_sources() -> None:
    fault = am.Fault("needs.csv", 3, "lat", "OUT_OF_RANGE", "should be at most 90")
    reports = (am.Report("needs.csv", 1200, 1198, (fault, fault), (replace(fault, code="ODD"),)), am.Report("ok", 1, 1))
    lines = replace(MATCHING, reports=reports).summary().splitlines()
    assert lines[-2] == "  needs.csv: 1,200 rows read, 1,198 kept; 1 ODD, 2 OUT_OF_RANGE"
    assert not [line for line in lines if "ok:" in line]


def test_two_families_have_no_changes() -> None:
    given = am.solve(am.GivingProblem([], [], as_of=DAY))
    cared = am.solve(am.CareProblem([], [], as_of=DAY))
    with pytest.raises(am.InputError, match="giving and care have no changes") as refused:
        given.changes(cared)
    assert refused.value.code == "OTHER_FAMILY"
