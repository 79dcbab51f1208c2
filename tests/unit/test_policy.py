"""A policy is data: checked once, told apart by its digest, and never guessed at."""

import hashlib
import json
import math
import pickle
from dataclasses import FrozenInstanceError, asdict, fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.instances import DAY, lot, need, place

import aidmatch as am


def test_the_usual_policy_serves_a_before_b_before_c_before_d_and_then_travels_least() -> None:
    policy = am.Policy.giving()
    assert policy == am.Policy()
    assert policy.categories == ("A", "B", "C", "D")
    assert policy.levels == ("coverage", "distance")
    assert policy.rules == ("only-categories", "only-areas", "only-project", "own-product")
    assert (policy.family, policy.schema, policy.max_km, policy.max_km_by_item) == ("giving", 1, None, ())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"radius": 3}, "field 'radius': unexpected keyword argument"),
        ({"max_km": -1}, "field 'max_km': input should be greater than or equal to 0"),
        ({"max_km": math.nan}, "field 'max_km': input should be a finite number"),
        ({"max_km": math.inf}, "field 'max_km': input should be a finite number"),
        ({"max_km": 20_100.5}, "field 'max_km': input should be less than or equal to 20100"),
        ({"max_km": "far"}, "field 'max_km': input should be a valid number"),
        ({"categories": ()}, "field 'categories': "),
        ({"categories": "ABCD"}, "field 'categories': input should be a valid tuple"),
        ({"categories": None}, "field 'categories': input should be a valid tuple"),
        ({"categories": {"A": 1}}, "field 'categories': input should be a valid tuple"),
        ({"categories": ("A", 2)}, "field 'categories.1': input should be a valid string"),
        ({"categories": ("A", "")}, "field 'categories.1': string should have at least 1 character"),
        ({"categories": ("A", "B", "A")}, "field 'categories':? names something twice"),
        ({"categories": ("A", " A ")}, "field 'categories':? names something twice"),
        ({"levels": ()}, "field 'levels': "),
        ({"levels": ("coverage", "coverage")}, "field 'levels':? names something twice"),
        ({"rules": ("own-product", "own-product")}, "field 'rules':? names something twice"),
        ({"max_pairs_changed": -1}, "field 'max_pairs_changed': input should be greater than or equal to 0"),
        ({"max_pairs_changed": 1.5}, "field 'max_pairs_changed': input should be a valid integer"),
        ({"schema": 2}, "field 'schema': input should be 1"),
        ({"name": ""}, "field 'name': string should have at least 1 character"),
        ({"version": "x" * 65}, "field 'version': string should have at most 64 characters"),
    ],
)
def test_a_mistake_is_named_by_its_field(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(am.PolicyError, match=complaint) as refused:
        am.Policy.giving(**wrong)
    assert refused.value.code == "POLICY"
    with pytest.raises(am.PolicyError, match=complaint):
        am.Policy.giving().replace(**wrong)


def test_without_rules_is_a_policy() -> None:
    assert am.Policy.giving(rules=()).rules == ()


@pytest.mark.parametrize(
    ("km", "metres"),
    [(None, None), (0, 0), (30, 30_000), (12.5, 12_500), (0.0004, 0), (0.0006, 1), (20_100, 20_100_000)],
)
def test_a_radius_is_held_to_the_metre(km: float | None, metres: int | None) -> None:
    assert am.Policy.giving(max_km=km).max_metres("quilt") == metres
    by_item = am.Policy.giving(max_km=7, max_km_by_item={} if km is None else {"quilt": km})
    assert by_item.max_metres("quilt") == (7_000 if km is None else metres)
    assert by_item.max_metres("rice") == 7_000


def test_a_radius_given_as_text_is_the_number() -> None:
    assert am.Policy.giving(max_km="30") == am.Policy.giving(max_km=30)
    assert am.Policy.giving(max_km="30").digest == am.Policy.giving(max_km=30.0).digest


def test_a_changed_copy_leaves_the_first_as_it_was() -> None:
    first = am.Policy.giving(max_km=30)
    other = first.replace(categories=("D", "A"))
    assert (first.categories, other.categories, other.max_km) == (("A", "B", "C", "D"), ("D", "A"), 30)
    assert other.replace(categories=first.categories) == first
    with pytest.raises(FrozenInstanceError):
        first.max_km = 3  # type: ignore[misc]  # the mistake is what is tested


def test_every_field_counts_in_the_digest() -> None:
    plain = am.Policy.giving()
    changed: dict[str, Any] = {
        "name": "other",
        "version": "2",
        "categories": ("A", "B", "D", "C"),
        "levels": ("coverage",),
        "rules": ("only-areas", "only-categories", "own-product"),
        "max_km": 30,
        "max_km_by_item": {"quilt": 30},
        "max_pairs_changed": 3,
        "seed": "autumn 2026",
        "min_load": "hard",
        "balance": "total",
        "travel_minutes_per_km": 5,
        "delivery_days": 2,
        "coverage_in": "value",
    }
    # of the rest there is one value only
    assert {field.name for field in fields(am.Policy)} - set(changed) == {"schema", "family"}
    digests = [plain.digest, *(plain.replace(**{name: value}).digest for name, value in changed.items())]
    assert len(set(digests)) == len(digests)
    assert plain.replace().digest == plain.digest


def test_the_digest_is_that_of_the_fields_as_canonical_json() -> None:
    text = (
        '{"balance":"largest","categories":["急","缓"],"coverage_in":null,"delivery_days":0,"family":"giving","levels":["coverage","distance"],"max_km":30.0,"max_km_by_item":[["棉被",2.5]],"max_pairs_changed":null,"min_load":"soft","name":"giving",'
        '"rules":["only-categories","only-areas","only-project","own-product"],"schema":1,"seed":"0","travel_minutes_per_km":0,"version":"1"}'
    )
    policy = am.Policy.giving(categories=("急", "缓"), max_km=30, max_km_by_item={"棉被": 2.5})
    assert policy.digest == hashlib.sha256(text.encode()).hexdigest()


def test_a_policy_is_plain_values_and_back() -> None:
    policy = am.Policy.giving(categories=("急", "缓"), max_km=2.5, max_km_by_item={"棉被": 1})
    plain = json.loads(json.dumps(asdict(policy)))
    assert plain["categories"] == ["急", "缓"]
    assert am.Policy.giving(**plain) == policy
    assert am.Policy.giving(**plain).digest == policy.digest
    assert pickle.loads(pickle.dumps(policy)) == policy


def test_made_directly_a_policy_is_checked_by_pydantic() -> None:
    with pytest.raises(ValidationError):
        am.Policy(max_km=math.nan)


@pytest.mark.parametrize("field", ["categories", "levels", "rules"])
def test_a_set_has_no_order_and_is_refused(field: str) -> None:
    names = {"categories": "ABCD", "levels": ("coverage", "distance"), "rules": ("own-product", "only-areas")}
    with pytest.raises(am.PolicyError):
        am.Policy.giving(**{field: set(names[field])})


def test_made_directly_a_policy_names_nothing_twice() -> None:
    with pytest.raises((ValidationError, am.PolicyError)):
        am.Policy(categories=("A", "A"))


def test_the_family_is_not_changed_in_silence() -> None:
    with pytest.raises(am.PolicyError, match="field 'family': 'giving' is asked for"):
        am.Policy.giving(family="care")
    with pytest.raises(am.PolicyError, match="field 'family': 'care' is asked for"):
        am.Policy.care(family="giving")
    with pytest.raises(am.PolicyError, match="field 'family'"):
        am.Policy.care().replace(family="giving")
    assert (am.Policy.giving(family="giving"), am.Policy.care(family="care")) == (am.Policy.giving(), am.Policy.care())


def test_the_usual_policy_of_care_keeps_pairs_before_it_brings_neighbours_together() -> None:
    policy = am.Policy.care()
    assert (policy.family, policy.name, policy.categories) == ("care", "care", ("A", "B", "C", "D"))
    assert policy.levels == ("coverage", "continuity", "nearness", "distance")
    assert policy.rules == ("services", "languages", "caregiver-gender", "windows")
    assert am.Policy.care(levels=("pairs",), rules=()).replace(max_km=3).levels == ("pairs",)


@pytest.mark.parametrize(
    "wrong", [{"quilt": -1}, {"quilt": math.nan}, {"quilt": "far"}, {"": 1}, {3: 1}, {"quilt": None}, [("quilt", 3, 4)]]
)
def test_a_radius_of_an_item_is_one_too(wrong: Any) -> None:
    with pytest.raises(am.PolicyError, match="field 'max_km_by_item"):
        am.Policy.giving(max_km_by_item=wrong)


def test_the_radius_of_an_item_stands_instead_of_the_one_for_all() -> None:
    # both lots are 11.12 km away
    problem = am.GivingProblem(
        [need("n1"), need("n2", item="rice")],
        [lot("d1", place=place(lat=36.6)), lot("d2", item="rice", place=place(lat=36.6), max_km=30)],
        as_of=DAY,
    )
    for by_item, max_km, served in (
        ({}, None, ["n1", "n2"]),
        ({"quilt": 11.12}, 0, ["n1"]),
        ({"quilt": 11.119}, 100, ["n2"]),
        ({"rice": 5}, None, ["n1"]),
        ({"rice": 100}, 0, ["n2"]),
        ({"quilt": 0, "rice": 0}, None, []),
    ):
        policy = am.Policy.giving(max_km=max_km, max_km_by_item=by_item)
        matching = am.solve(problem, policy=policy)
        am.verify(problem, matching, policy=policy)
        assert [a.demand_id for a in matching.assignments] == served
        assert set(matching.reasons.values()) <= {"OUT_OF_REACH"}


# --- as a file


@pytest.mark.parametrize(
    "policy",
    [
        am.Policy.giving(),
        am.Policy.care(),
        am.Policy.giving(
            name='县 "平台"',
            version="2017",
            categories=("急", "缓"),
            rules=(),
            max_km=2.5,
            max_km_by_item={"棉被": 0.1},
        ),
        am.Policy.care(levels=("coverage", "pairs"), max_km=3, max_pairs_changed=0),
    ],
    ids=["giving", "care", "everything", "some"],
)
def test_a_policy_that_was_written_is_read_again(policy: am.Policy, tmp_path: Path) -> None:
    path = policy.dump(str(tmp_path / "policy.toml"))
    assert path == tmp_path / "policy.toml"
    assert am.Policy.load(path) == policy
    assert am.Policy.load(str(path)).digest == policy.digest


def test_what_a_file_leaves_out_is_as_usual(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('family = "care"\nmax_km = 3\n', encoding="utf-8")
    assert am.Policy.load(path) == am.Policy.care(max_km=3)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"family", "policy.toml is no TOML: "),
        (b"\xff\xfe", "policy.toml is no TOML: "),
        (b"", "policy.toml: family is one of giving, care"),
        (b'family = "both"', "policy.toml: family is one of giving, care"),
        (b'family = "giving"\nradius = 3', "field 'radius': unexpected keyword argument"),
        (b'family = "giving"\ncategories = "A"', "field 'categories': input should be a valid tuple"),
        (b'family = "care"\nlevels = ["pairs", "pairs"]', "names something twice"),
        (b'family = "giving"\nschema = 2', "field 'schema': input should be 1"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(data: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(data)
    with pytest.raises(am.PolicyError, match=complaint):
        am.Policy.load(path)


def test_a_family_that_is_no_word_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("family = ['care']\n", encoding="utf-8")
    with pytest.raises(am.PolicyError, match="family is one of"):
        am.Policy.load(path)


def test_no_file_is_no_mistake_of_a_policy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        am.Policy.load(tmp_path / "none.toml")


@pytest.mark.parametrize("names", [("distance",), ("distance", "coverage")])
def test_levels_in_any_order_are_refused_or_verified(names: tuple[str, ...]) -> None:
    problem = am.GivingProblem([need("n1")], [lot("d1", place=am.Place(lat=36.6, lon=115.9))], as_of=DAY)
    try:
        policy = am.Policy.giving(levels=names)
    except am.PolicyError:
        return
    am.verify(problem, am.solve(problem, policy=policy), policy=policy)


def test_radii_of_items_are_the_same_as_pairs_and_as_a_mapping() -> None:
    by_pairs = am.Policy.giving(max_km_by_item=[("rice", 1), ("oil", 2)])
    assert by_pairs == am.Policy.giving(max_km_by_item={"oil": 2, "rice": 1})
    assert hash(by_pairs) == hash(am.Policy.giving(max_km_by_item={"oil": 2, "rice": 1}))
    with pytest.raises(am.PolicyError, match="max_km_by_item"):
        am.Policy.giving(max_km_by_item=[("rice", 1), ("rice", 2)])
