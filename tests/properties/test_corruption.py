"""No change to a saved matching passes, unless what it says stays true and proven."""

import copy
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.instances import Case, random_case
from tests.profiles import examples

import aidmatch as am

#: Not recomputable, and said to be so by `verify`.
PROVENANCE = {"reports", "solving"}


def matched(seed: int) -> tuple[Case, am.Matching]:
    case = random_case(seed, demands=8, supplies=7, most=4)
    return case, am.solve(case.problem, policy=case.policy)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Case, bytes]]:
    folder = tmp_path_factory.mktemp("saved")
    found = []
    for seed in range(400):
        case, matching = matched(seed)
        if len(matching.assignments) > 2 and matching.unmet:
            found.append((case, matching.save(folder / f"{seed}.json").read_bytes()))
    assert len(found) >= 20
    return found


def refused(case: Case, path: Path) -> bool:
    try:
        am.verify(case.problem, am.Matching.load(path), policy=case.policy)
    except am.AidMatchError:
        return True
    return False


def test_the_saved_ones_pass_as_they_are(saved: list[tuple[Case, bytes]], tmp_path: Path) -> None:
    for case, data in saved:
        path = tmp_path / "run.json"
        path.write_bytes(data)
        am.verify(case.problem, am.Matching.load(path), policy=case.policy)


def test_any_byte(saved: list[tuple[Case, bytes]], tmp_path: Path) -> None:
    rng = random.Random(1)
    path = tmp_path / "run.json"
    for _ in range(examples(500)):
        _, data = rng.choice(saved)
        at = rng.randrange(len(data))
        change = rng.choice(["flip", "drop", "double"])
        if change == "flip":
            data = data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        else:
            data = data[:at] + data[at : at + 1] * (2 if change == "double" else 0) + data[at + 1 :]
        path.write_bytes(data)
        with pytest.raises(am.VerificationError) as caught:
            am.Matching.load(path)
        assert caught.value.code in {"ALTERED", "MALFORMED"}


def leaves(plain: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything in a JSON value."""
    inner = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    return [path, *(found for key, value in inner for found in leaves(value, (*path, key)))]


def corrupted(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool) or value is None:
        return "true"
    if isinstance(value, int):
        return value + rng.choice([-1, 1, 7, -(2**33), 2**62])
    if isinstance(value, float):
        return value + 1.0
    if isinstance(value, str):
        return rng.choice(["", value + "0", value[::-1] + "x", "n0"])
    if isinstance(value, dict):
        keys = list(value)
        return {key: value[key] for key in keys if key != keys[-1]} if keys else {"n0": "USED_UP"}
    if not value:
        return [1]
    at = rng.randrange(len(value))
    return rng.choice([value[:at] + value[at + 1 :], [*value, value[at]], value[::-1], [*value[at:], *value[:at]]])


def test_any_value_with_the_digest_made_right_again(saved: list[tuple[Case, bytes]], tmp_path: Path) -> None:
    rng = random.Random(2)
    path = tmp_path / "run.json"
    done = harmless = 0
    while done < examples(500):
        case, data = rng.choice(saved)
        whole = json.loads(data)
        before = copy.deepcopy(whole["body"])
        where = rng.choice([found for found in leaves(whole["body"]) if found and found[0] not in PROVENANCE])
        holder = whole["body"]
        for key in where[:-1]:
            holder = holder[key]
        holder[where[-1]] = corrupted(holder[where[-1]], rng)
        if whole["body"] == before:
            continue
        done += 1
        text = json.dumps(whole["body"], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        whole["sha256"] = hashlib.sha256(text.encode()).hexdigest()
        path.write_text(json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
        if not refused(case, path):
            # other potentials may prove the same matching as well
            assert where[:2] in {("certificate", "u"), ("certificate", "v")}, where
            harmless += 1
    assert harmless < done / 10
