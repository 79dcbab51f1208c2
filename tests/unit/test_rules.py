"""Each rule by hand; its labels say no more than its reasons; many rules together are all of them at once."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances import CODES, DAY, Case, cases, lot, need, place
from tests.oracles import may_meet
from tests.profiles import examples

import aidmatch as am
from aidmatch.rules.protocol import RULES, Eligibility, Rule, rules_named

NAMES = ("only-categories", "only-areas", "own-product")
CATEGORIES, AREAS, OWN = rules_named(NAMES)


# --- by hand


@pytest.mark.parametrize(
    ("only", "category", "reason"),
    [
        ((), "A", None),
        (("A",), "A", None),
        (("B", "A"), "A", None),
        (("B",), "A", "CATEGORY_NOT_ALLOWED"),
        (("AA",), "A", "CATEGORY_NOT_ALLOWED"),
    ],
)
def test_a_lot_goes_to_the_categories_its_donor_named(only: Any, category: str, reason: str | None) -> None:
    assert CATEGORIES.reason(need("n1", 1, category), lot("d1", only_categories=only)) == reason


@pytest.mark.parametrize(
    ("only", "code", "reason"),
    [
        ((), "371501", None),
        ((), None, None),
        (("37",), "371501001001", None),
        (("371501001001",), "371501001001", None),
        (("371501001001",), "371501", "AREA_NOT_ALLOWED"),
        (("371502",), "371501001001", "AREA_NOT_ALLOWED"),
        (("371502", "371501"), "371501001001", None),
        (("71501",), "371501", "AREA_NOT_ALLOWED"),
        (("37",), None, "AREA_NOT_ALLOWED"),
    ],
)
def test_a_lot_goes_to_the_areas_its_donor_named(only: Any, code: str | None, reason: str | None) -> None:
    where = am.Place(code=code, lat=36, lon=116)
    assert AREAS.reason(need("n1", place=where), lot("d1", only_areas=only)) == reason


@pytest.mark.parametrize(("producer", "reason"), [(None, None), ("h1", "OWN_PRODUCT"), ("h2", None)])
def test_a_household_does_not_get_what_it_made(producer: str | None, reason: str | None) -> None:
    assert OWN.reason(need("n1", household_id="h1"), lot("d1", producer_household_id=producer)) == reason


def test_the_registry_knows_the_three() -> None:
    assert set(NAMES) <= set(RULES.names())
    assert [rule.name for rule in rules_named(NAMES)] == list(NAMES)
    assert rules_named([]) == []
    with pytest.raises(am.PluginError, match="did you mean 'own-product'") as refused:
        rules_named(["own-products"])
    assert refused.value.code == "UNKNOWN_PLUGIN"


# --- labels

codes = st.none() | st.sampled_from([*CODES, "37", "3715"]) | st.integers(10, 9999).map(str)
households = st.sampled_from(["h0", "h1", "h2", "h3"])


@st.composite
def some_needs(draw: st.DrawFn) -> list[am.Need]:
    return [
        need(
            f"n{i}",
            1,
            draw(st.sampled_from("ABCD")),
            household_id=draw(households),
            place=am.Place(code=draw(codes), lat=36, lon=116),
        )
        for i in range(draw(st.integers(0, 7)))
    ]


@st.composite
def some_lots(draw: st.DrawFn) -> list[am.Donation]:
    return [
        lot(
            f"d{j}",
            only_categories=draw(st.sets(st.sampled_from("ABCD"), max_size=2)),
            only_areas=draw(st.sets(st.sampled_from(["37", "371501", "371502", "37150100", *CODES]), max_size=2)),
            producer_household_id=draw(st.none() | households),
        )
        for j in range(draw(st.integers(0, 7)))
    ]


@pytest.mark.parametrize("rule", [CATEGORIES, AREAS, OWN], ids=NAMES)
@settings(max_examples=examples(100))
@given(some_needs(), some_lots())
def test_pairs_with_the_same_labels_have_the_same_reason(
    rule: Rule, needs: list[am.Need], lots: list[am.Donation]
) -> None:
    of_demand, of_supply = rule.labels(needs, lots)
    for labels, records in ((of_demand, needs), (of_supply, lots)):
        assert labels.dtype == np.int64
        assert labels.shape == (len(records),)
        assert (labels >= 0).all()
    reasons: dict[tuple[int, int], set[str | None]] = {}
    for (i, a), (j, b) in product(enumerate(of_demand.tolist()), enumerate(of_supply.tolist())):
        reasons.setdefault((a, b), set()).add(rule.reason(needs[i], lots[j]))
    assert all(len(found) == 1 for found in reasons.values())


@pytest.mark.parametrize("rule", [CATEGORIES, AREAS, OWN], ids=NAMES)
@settings(max_examples=examples(50))
@given(some_needs(), some_lots(), st.randoms(use_true_random=False))
def test_the_order_of_records_changes_no_group(
    rule: Rule, needs: list[am.Need], lots: list[am.Donation], rng: Any
) -> None:
    def groups(labels: Any, records: Sequence[Any]) -> set[frozenset[str]]:
        pairs = list(zip(labels.tolist(), records, strict=True))
        return {frozenset(r.id for label, r in pairs if label == one) for one in labels.tolist()}

    before = rule.labels(needs, lots)
    mixed_needs, mixed_lots = list(needs), list(lots)
    rng.shuffle(mixed_needs)
    rng.shuffle(mixed_lots)
    after = rule.labels(mixed_needs, mixed_lots)
    assert groups(before[0], needs) == groups(after[0], mixed_needs)
    assert groups(before[1], lots) == groups(after[1], mixed_lots)


def test_households_that_made_nothing_are_one_group() -> None:
    needs = [need(f"n{i}", household_id=f"h{i}") for i in range(50)]
    of_demand, _ = OWN.labels(needs, [lot("d1", producer_household_id="h7")])
    assert len(set(of_demand.tolist())) == 2


def test_needs_in_the_same_of_the_named_areas_are_one_group() -> None:
    needs = [need(f"n{i}", place=place(f"3715010{i:05}")) for i in range(50)]
    of_demand, of_supply = AREAS.labels(needs, [lot("d1", only_areas=("371501",)), lot("d2"), lot("d3")])
    assert len(set(of_demand.tolist())) == 1
    assert of_supply.tolist() == [0, 1, 1]


# --- all rules together


def table(eligibility: Eligibility) -> list[list[bool]]:
    every: list[list[bool]] = eligibility.allowed[np.ix_(eligibility.demand_group, eligibility.supply_group)].tolist()
    return every


@settings(max_examples=examples(200))
@given(some_needs(), some_lots(), st.lists(st.sampled_from(NAMES), unique=True))
def test_the_table_is_what_the_rules_say_pair_by_pair(
    needs: list[am.Need], lots: list[am.Donation], names: list[str]
) -> None:
    rules = rules_named(names)
    allowed = [[all(rule.reason(n, d) is None for rule in rules) for d in lots] for n in needs]
    assert table(Eligibility.under(rules, needs, lots)) == allowed


@settings(max_examples=examples(200))
@given(cases(demands=9, supplies=9, most=2, listed=False))
def test_the_table_is_that_of_the_formulation(case: Case) -> None:
    needs, lots = case.problem.needs, case.problem.donations
    allowed = table(Eligibility.under(rules_named(case.policy.rules), needs, lots))
    for (i, n), (j, d) in product(enumerate(needs), enumerate(lots)):
        same_kind = (n.item, n.unit) == (d.item, d.unit)
        assert (allowed[i][j] and same_kind) == may_meet(n, d)


def test_a_part_of_the_table_is_the_table_of_the_part() -> None:
    needs = [need("n0"), need("n1", 1, "B"), need("n2", household_id="h")]
    lots = [lot("d0"), lot("d1", only_categories=("B",)), lot("d2", producer_household_id="h")]
    whole = Eligibility.under(rules_named(NAMES), needs, lots)
    assert table(whole) == [[True, False, True], [True, True, True], [True, False, False]]
    part = whole.part(np.array([2, 0]), np.array([1, 2]))
    assert table(part) == [[False, False], [False, True]]


def test_without_rules_everything_may_be() -> None:
    assert table(Eligibility.under([], [need("n0"), need("n1")], [lot("d0")])) == [[True], [True]]
    assert table(Eligibility.under([], [], [lot("d0")])) == []
    assert table(Eligibility.under(rules_named(NAMES), [need("n0")], [])) == [[]]


def test_equal_records_share_a_group() -> None:
    needs, lots = [need(f"n{i}") for i in range(20)], [lot(f"d{j}") for j in range(20)]
    assert Eligibility.under(rules_named(NAMES), needs, lots).allowed.shape == (1, 1)


# --- somebody else's rules


class Odd:
    """Labels and answers as it is told."""

    name = "odd"

    def __init__(self, labels: Any, answer: str | None = None) -> None:
        self.said, self.answer = labels, answer
        self.asked: list[tuple[str, str]] = []

    def reason(self, demand: am.Need, supply: am.Donation) -> str | None:
        self.asked.append((demand.id, supply.id))
        return self.answer

    def labels(self, demands: Sequence[am.Need], supplies: Sequence[am.Donation]) -> Any:
        return self.said


@pytest.mark.parametrize(
    "labels",
    [
        (np.zeros(2, dtype=np.int32), np.zeros(3, dtype=np.int64)),
        (np.zeros(2, dtype=np.int64), np.zeros(3, dtype=np.uint64)),
        (np.zeros(2), np.zeros(3, dtype=np.int64)),
        (np.zeros(1, dtype=np.int64), np.zeros(3, dtype=np.int64)),
        (np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64)),
        (np.zeros((2, 1), dtype=np.int64), np.zeros(3, dtype=np.int64)),
        (np.zeros(3, dtype=np.int64), np.zeros(2, dtype=np.int64)),
    ],
)
def test_bad_labels_are_refused_by_the_rules_name(labels: Any) -> None:
    needs, lots = [need("n0"), need("n1")], [lot("d0"), lot("d1"), lot("d2")]
    with pytest.raises(am.PluginError, match="'odd' must label each record with an int64") as refused:
        Eligibility.under([Odd(labels)], needs, lots)
    assert refused.value.code == "BAD_RULE"


@pytest.mark.parametrize("labels", [([0], [0]), None, np.zeros(1, dtype=np.int64)])
def test_labels_that_are_no_arrays_are_refused_by_the_rules_name(labels: Any) -> None:
    with pytest.raises(am.PluginError):
        Eligibility.under([Odd(labels)], [need("n0")], [lot("d0")])


def test_negative_labels_and_rules_that_raise_are_refused_by_the_rules_name() -> None:
    class Broken(Odd):
        def reason(self, demand: am.Need, supply: am.Donation) -> str | None:
            raise KeyError("canary")

    labels = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    for rule, complaint in (
        (Odd((np.array([-1]), labels[1])), "must label each record with an int64 ≥ 0"),
        (Odd(None), "'odd' raised TypeError for its labels"),
        (Broken(labels), "'odd' raised KeyError for a pair"),
    ):
        with pytest.raises(am.PluginError, match=complaint) as refused:
            Eligibility.under([rule], [need("n0")], [lot("d0")])
        assert refused.value.code == "BAD_RULE"
        assert "canary" not in str(refused.value)


def test_a_rule_is_asked_once_for_each_pair_of_labels() -> None:
    rule = Odd((np.array([5, 9, 5]), np.array([0, 0, 2**40])), answer=None)
    needs, lots = [need(f"n{i}") for i in range(3)], [lot(f"d{j}") for j in range(3)]
    assert table(Eligibility.under([rule], needs, lots)) == [[True] * 3] * 3
    assert sorted(rule.asked) == [("n0", "d0"), ("n0", "d2"), ("n1", "d0"), ("n1", "d2")]


def test_one_rule_that_refuses_is_enough() -> None:
    labels = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    rules = [Odd(labels), Odd(labels, "NO")]
    assert table(Eligibility.under(rules, [need("n0")], [lot("d0")])) == [[False]]
    assert table(Eligibility.under(rules[:1], [need("n0")], [lot("d0")])) == [[True]]


def test_a_policy_chooses_its_rules() -> None:
    problem = am.GivingProblem(
        [need("n1", household_id="h")],
        [lot("d1", producer_household_id="h", only_categories=("B",), only_areas=("99",))],
        as_of=DAY,
    )
    for rules, served in ((NAMES, 0), (NAMES[:1], 0), (NAMES[1:2], 0), (NAMES[2:], 0), ((), 1)):
        policy = am.Policy.giving(rules=rules)
        matching = am.solve(problem, policy=policy)
        am.verify(problem, matching, policy=policy)
        assert len(matching.assignments) == served
        assert dict(matching.reasons) == ({} if served else {"n1": "NOT_ALLOWED"})
