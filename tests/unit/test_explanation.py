"""Every verdict by hand: its code, its facts, and its words in both languages and for both audiences."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.instances import DAY, caregiver, client, forbid, lot, need, pin, place

import aidmatch as am
from aidmatch.arrays import Ints
from aidmatch.matching import REASONS

NORTH = place(lat=36.6)  # 11,120 m from the others

NEEDS = [
    need("a", 2, "A"),
    need("b", 1, "B", place=NORTH),
    need("r", 2, "C", item="rice"),
    need("s", 3, "D", item="salt"),
    need("p", 1, "A", item="pan", household_id="maker"),
    need("t", 1, "A", item="stove"),
    need("k", 1, "A", item="coat", gate=am.Gate(approval="surveyed")),
    need("f", 1, "B", item="broom"),
]
LOTS = [
    lot("q1", 1, place=NORTH),
    lot("r1", 3, item="rice"),
    lot("r2", 3, item="rice"),
    lot("r3", 3, item="rice", place=NORTH),
    lot("p1", item="pan", producer_household_id="maker"),
    lot("p2", item="pan", only_categories=("B",)),
    lot("p3", item="pan", only_areas=("99",)),
    lot("t1", item="stove", place=place(lat=38)),
    lot("f1", item="broom"),
]
PROBLEM = am.GivingProblem(NEEDS, LOTS, as_of=DAY, decisions=[forbid("x1", "f", "f1")])
MATCHING = am.solve(PROBLEM, policy=am.Policy.giving(max_km=30))

CARE = am.CareProblem(
    [client("c1", caregivers_needed=2), client("c2", place=NORTH), client("c3", "B", languages=("local",))],
    [caregiver("g1", 2), caregiver("g2", 1, place=place("371502001001", 36.6))],
    as_of=DAY,
    decisions=[pin("x1", "c1", "g1"), forbid("x2", "c1", "g2")],
)
CARED = am.solve(CARE)


def explained(demand: str, problem: Any = PROBLEM, matching: am.Matching = MATCHING) -> Any:
    return am.explain(problem, matching, demand=demand)


def test_what_is_explained_is_verified() -> None:
    am.verify(PROBLEM, MATCHING)
    am.verify(CARE, CARED)


# --- codes and facts


@pytest.mark.parametrize(
    ("demand", "code", "reason"),
    [
        ("a", "PARTLY_SERVED", "USED_UP"),
        ("b", "USED_UP", "USED_UP"),
        ("r", "SERVED", None),
        ("s", "NO_SUPPLY", "NO_SUPPLY"),
        ("p", "NOT_ALLOWED", "NOT_ALLOWED"),
        ("t", "OUT_OF_REACH", "OUT_OF_REACH"),
        ("f", "NOT_ALLOWED", "NOT_ALLOWED"),
    ],
)
def test_every_need_has_its_verdict(demand: str, code: str, reason: str | None) -> None:
    found = explained(demand)
    assert (found.code, found.facts["reason"]) == (code, reason)
    assert found.facts["reason"] == MATCHING.reasons.get(demand)
    assert found.code in {"SERVED", "PARTLY_SERVED", *REASONS}


def test_who_did_not_take_part_has_no_other_facts() -> None:
    found = explained("k")
    assert found.code == "CLOSED"
    assert dict(found.facts) == {
        "demand_id": "k",
        "family": "giving",
        "category": "A",
        "item": "coat",
        "asked": 1,
        "served": 0,
        "bought": 0,
        "pinned": 0,
        "closed": "NOT_APPROVED",
    }


def test_the_facts_of_one_who_lost_to_a_higher_category() -> None:
    # the lot is b's neighbour; a unit more for b takes one of coverage from A and saves it the way
    assert dict(explained("b").facts) == {
        "demand_id": "b",
        "family": "giving",
        "category": "B",
        "item": "quilt",
        "asked": 1,
        "served": 0,
        "bought": 0,
        "pinned": 0,
        "closed": None,
        "reason": "USED_UP",
        "offered": 1,
        "removed": [],
        "eligible": 1,
        "supplies": [],
        "taken_by": {"A": 1},
        "price": {"coverage A": 1, "distance": -11_120},
        "alternative": None,
        "cost_unit": "metre",
        "funds": [],
        "funds_removed": [],
        "fen_left": 0,
    }
    # and one more for a itself would cost A another one of its own
    assert explained("a").facts["price"] == {"coverage A": 1}
    assert explained("a").facts["supplies"] == [
        {"supply_id": "q1", "quantity": 1, "cost": 11_120, "pinned": 0, "instead": None, "part": None, "taken": 1}
    ]


def test_every_supply_that_was_removed_is_counted_once_under_the_first_that_removed_it() -> None:
    assert explained("p").facts["removed"] == [
        {"rule": "only-categories", "reason": "CATEGORY_NOT_ALLOWED", "supplies": 1},
        {"rule": "only-areas", "reason": "AREA_NOT_ALLOWED", "supplies": 1},
        {"rule": "own-product", "reason": "OWN_PRODUCT", "supplies": 1},
    ]
    assert explained("f").facts["removed"] == [{"rule": "decisions", "reason": "FORBIDDEN", "supplies": 1}]
    assert explained("t").facts["removed"] == [{"rule": "reach", "reason": "OUT_OF_REACH", "supplies": 1}]
    # two rules, the forbid and the reach would each remove it
    lots = [lot("d1", only_categories=("B",), only_areas=("99",), max_km=1, place=NORTH), lot("d2", max_km=1)]
    decisions = [forbid("x1", "n1", "d1")]
    problem = am.GivingProblem([need("n1", place=NORTH)], lots, as_of=DAY, decisions=decisions)
    found = explained("n1", problem, am.solve(problem))
    assert found.facts["removed"] == [
        {"rule": "only-categories", "reason": "CATEGORY_NOT_ALLOWED", "supplies": 1},
        {"rule": "reach", "reason": "OUT_OF_REACH", "supplies": 1},
    ]
    assert (found.facts["offered"], found.facts["eligible"], found.code) == (2, 0, "OUT_OF_REACH")


def test_a_client_whom_all_in_reach_serve_is_told_so() -> None:
    found = explained("c1", CARE, CARED)
    assert (found.code, found.facts["reason"], found.facts["pinned"]) == ("PARTLY_SERVED", "ONE_EACH", 1)
    assert (found.facts["eligible"], found.facts["price"], found.facts["alternative"]) == (1, None, None)
    # both of them are with g1
    assert found.facts["taken_by"] == {"A": 1}
    assert found.facts["removed"] == [{"rule": "decisions", "reason": "FORBIDDEN", "supplies": 1}]


# --- alternatives and prices


def test_an_alternative_as_good_is_a_tie() -> None:
    found = explained("r").facts
    (used,) = found["supplies"]
    other = {"r1": "r2", "r2": "r1"}[used["supply_id"]]
    assert found["alternative"] == {"supply_id": other, "cost": 0, "level": None, "by": None}


def test_the_nearest_alternative_is_worse_by_its_way() -> None:
    problem = am.GivingProblem(
        [need("n1", 2)], [lot("d1", 5), lot("d2", place=NORTH), lot("d3", place=place(lat=36.7))], as_of=DAY
    )
    found = explained("n1", problem, am.solve(problem)).facts
    assert found["alternative"] == {"supply_id": "d2", "cost": 11_120, "level": "distance", "by": 11_120}
    assert found["price"] == {}  # d1 has more to give


def test_an_alternative_that_would_cost_another_its_unit_says_at_which_level() -> None:
    # both of d1 are with the A need, which wants a third; d2 is not for it
    needs = [need("n1", 1, "B"), need("n2", 3, "A")]
    lots = [lot("d1", 2), lot("d2", 1, only_categories=("B",))]
    problem = am.GivingProblem(needs, lots, as_of=DAY)
    matching = am.solve(problem)
    assert dict(matching.unmet) == {"n2": 1}
    found = explained("n1", problem, matching).facts
    assert found["supplies"][0]["supply_id"] == "d2"
    assert found["alternative"]["supply_id"] == "d1"
    assert (found["alternative"]["level"], found["alternative"]["by"]) == ("coverage A", 1)
    assert found["taken_by"] == {"A": 2}


def test_an_alternative_in_another_county_is_worse_by_nearness() -> None:
    found = explained("c2", CARE, CARED).facts
    assert found["supplies"] == [
        {"supply_id": "g1", "quantity": 1, "cost": 11_120, "pinned": 0, "instead": None, "part": None, "taken": 1}
    ]
    assert found["alternative"] == {"supply_id": "g2", "cost": 0, "level": "nearness", "by": 3}


def test_listed_costs_are_the_costs_of_the_facts() -> None:
    rows = [("n1", "d1", 3, True), ("n1", "d2", 5, True), ("n1", "d3", 0, False), ("n2", "d1", 4, True)]
    table = am.PairTable(
        [am.PairCost(demand_id=i, supply_id=j, cost=c, eligible=may) for i, j, c, may in rows], unit="minute"
    )
    needs, lots = [need("n1", 1), need("n2", 3, "B")], [lot("d1", 2), lot("d2"), lot("d3"), lot("d4")]
    problem = am.GivingProblem(needs, lots, as_of=DAY, pairs=table)
    matching = am.solve(problem)
    # n1 takes the dearer one, so that both of d1 are for n2
    one, other = explained("n1", problem, matching), explained("n2", problem, matching)
    assert one.facts["supplies"] == [
        {"supply_id": "d2", "quantity": 1, "cost": 5, "pinned": 0, "instead": None, "part": None, "taken": 1}
    ]
    assert one.facts["removed"] == [{"rule": "reach", "reason": "OUT_OF_REACH", "supplies": 2}]
    assert one.facts["alternative"] == {"supply_id": "d1", "cost": 3, "level": "coverage B", "by": 1}
    assert (other.code, other.facts["price"], other.facts["eligible"]) == ("PARTLY_SERVED", {"coverage B": 1}, 1)
    assert "d2 serves 1, at 5 minute." in one.text("en", "caseworker")


# --- words

USED_UP = "those that fit nearby went to others who come first by the rules, or as early"
EN: dict[str, list[str]] = {
    "b": [
        f"quilt: 1 asked for, 0 served, 1 not: {USED_UP}.",
        "Category B; 1 on offer that day.",
        "1 eligible.",
        "The eligible serve, in units by category: A 1.",
        "One more unit would cost at least, compared level by level: A coverage 1, distance -11120.",
    ],
    "s": [
        "salt: 3 asked for, 0 served, 3 not: nobody offers it at present.",
        "Category D; 0 on offer that day.",
        "0 eligible.",
    ],
    "p": [
        "pan: 1 asked for, 0 served, 1 not: those who offer it set conditions that do not fit.",
        "Category A; 3 on offer that day.",
        "  only-categories removed 1: given to other categories only.",
        "  only-areas removed 1: given to other areas only.",
        "  own-product removed 1: the household's own product.",
        "0 eligible.",
    ],
    "t": [
        "stove: 1 asked for, 0 served, 1 not: those that would fit are too far away.",
        "Category A; 1 on offer that day.",
        "  reach removed 1: out of reach, or not among the listed pairs.",
        "0 eligible.",
    ],
    "f": [
        "broom: 1 asked for, 0 served, 1 not: those who offer it set conditions that do not fit.",
        "Category B; 1 on offer that day.",
        "  decisions removed 1: forbidden by a decision.",
        "0 eligible.",
    ],
    "k": ["Did not take part this time: it has not been approved yet."],
}
ZH: dict[str, list[str]] = {
    "b": [
        "quilt：申请 1，满足 0，尚缺 1：附近合适的都已按规定的先后次序分完。",
        "类别 B；当日提供者 1 个。",
        "剩余合格 1 个。",
        "合格者已分给：A 1。",
        "再多一个单位，按级次比较，代价至少是：A类覆盖 1, 距离 -11120。",
    ],
    "s": ["salt：申请 3，满足 0，尚缺 3：目前没有人提供。", "类别 D；当日提供者 0 个。", "剩余合格 0 个。"],
    "p": [
        "pan：申请 1，满足 0，尚缺 1：目前提供的都有条件限制，不适用。",
        "类别 A；当日提供者 3 个。",
        "  规则 only-categories 排除 1 个：捐赠人限定了其他类别。",
        "  规则 only-areas 排除 1 个：捐赠人限定了其他地区。",
        "  规则 own-product 排除 1 个：是本户自己的产品。",
        "剩余合格 0 个。",
    ],
    "t": [
        "stove：申请 1，满足 0，尚缺 1：目前可用的都太远。",
        "类别 A；当日提供者 1 个。",
        "  规则 reach 排除 1 个：超出距离范围或不在配对表中。",
        "剩余合格 0 个。",
    ],
    "f": [
        "broom：申请 1，满足 0，尚缺 1：目前提供的都有条件限制，不适用。",
        "类别 B；当日提供者 1 个。",
        "  规则 decisions 排除 1 个：工作人员决定禁止。",
        "剩余合格 0 个。",
    ],
    "k": ["本次未参加分配：尚未审批通过。"],
}


@pytest.mark.parametrize("demand", EN)
def test_a_family_hears_the_verdict_and_a_caseworker_every_fact(demand: str) -> None:
    found = explained(demand)
    assert found.text("en", "caseworker").splitlines() == EN[demand]
    assert found.text("zh", "caseworker").splitlines() == ZH[demand]
    assert found.text("en", "family") == EN[demand][0]
    assert found.text("zh", "family") == ZH[demand][0]
    assert found.text() == found.text("en", "caseworker")


def test_the_words_of_one_who_is_served() -> None:
    found = explained("r")
    (used,) = (supply["supply_id"] for supply in found.facts["supplies"])
    other = found.facts["alternative"]["supply_id"]
    assert found.text("en", "caseworker").splitlines() == [
        "rice: 2 asked for, all of it served.",
        "Category C; 3 on offer that day.",
        "3 eligible.",
        f"  {used} serves 2, at 0 metre.",
        f"Nearest alternative: {other}, at 0 metre; the proof does not show it to be worse.",
    ]
    assert found.text("zh", "caseworker").splitlines() == [
        "rice：申请 2，已全部满足。",
        "类别 C；当日提供者 3 个。",
        "剩余合格 3 个。",
        f"  由 {used} 提供 2，0 米。",
        f"最近的其他选择：{other}，0 米；证明没有显示它更差。",
    ]
    assert (found.text("en", "family"), found.text("zh", "family")) == (
        "rice: 2 asked for, all of it served.",
        "rice：申请 2，已全部满足。",
    )


def test_the_words_of_one_who_is_served_in_part_by_a_decision() -> None:
    found = explained("c1", CARE, CARED)
    assert found.text("en", "caseworker").splitlines() == [
        "care: 2 asked for, 1 served, 1 not: all that fit nearby serve you already.",
        "Category A; 2 on offer that day.",
        "  decisions removed 1: forbidden by a decision.",
        "1 eligible.",
        "  g1 serves 1, at 0 metre, 1 of it pinned.",
    ]
    assert found.text("zh", "caseworker").splitlines() == [
        "照护：申请 2，满足 1，尚缺 1：附近合适的都已在为您服务。",
        "类别 A；当日提供者 2 个。",
        "  规则 decisions 排除 1 个：工作人员决定禁止。",
        "剩余合格 1 个。",
        "  由 g1 提供 1，0 米，其中人工指定 1。",
    ]
    assert found.text("zh", "family") == "照护：申请 2，满足 1，尚缺 1：附近合适的都已在为您服务。"


def test_the_words_of_a_worse_alternative() -> None:
    found = explained("c2", CARE, CARED)
    assert found.text("en", "caseworker").splitlines()[-1] == (
        "Nearest alternative: g2, at 0 metre; proven worse, level by level by at least: nearness 3."
    )
    assert (
        found.text("zh", "caseworker").splitlines()[-1]
        == "最近的其他选择：g2，0 米；会使结果变差，按级次比较至少：就近等级 3。"
    )


def test_the_words_of_one_who_is_served_by_a_decision() -> None:
    problem = am.GivingProblem([need("n1")], [lot("d1")], as_of=DAY, decisions=[pin("x1", "n1", "d1")])
    found = explained("n1", problem, am.solve(problem))
    assert found.text("en", "family") == "quilt: 1 asked for, all of it served (some by a decision of staff)."
    assert found.text("zh", "family") == "quilt：申请 1，已全部满足（含工作人员决定）。"


def test_those_who_have_nothing_at_all_are_said_to_have_nothing() -> None:
    problem = am.CareProblem([client("c1")], [caregiver("g1", 0)], as_of=DAY)
    found = explained("c1", problem, am.solve(problem))
    assert (found.code, found.facts["taken_by"]) == ("USED_UP", {})
    assert "The eligible have no more to give, and serve nobody else." in found.text("en").splitlines()
    assert "合格者没有再可分的，也没有分给其他人。" in found.text("zh").splitlines()


def test_those_who_gave_all_they_had_to_the_one_who_asks_are_not_said_to_have_nothing() -> None:
    said = explained("a").text("en", "caseworker").splitlines()
    assert said[3] == "  q1 serves 1, at 11120 metre."
    assert said[4] == "The eligible have no more to give, and serve nobody else."
    assert said[5:] == []


@pytest.mark.parametrize(
    ("fields", "en", "zh"),
    [
        ({"gate": am.Gate(approval="approved", notice_ended_on="2017-06-02")}, "public notice", "公示期"),  # type: ignore[arg-type]  # validated from text
        ({"gate": am.Gate(approval="approved", objected=True)}, "an objection stands", "异议"),
        ({"gate": am.Gate(approval="approved", status="closed")}, "not open at present", "不是开放状态"),
        ({"needed_by": "2017-05-31"}, "the day by which it was needed has passed", "需要的日期已过"),
        ({"accepts": ("money",)}, "cannot be met in goods", "不接受实物"),
    ],
)
def test_every_reason_for_not_taking_part_has_words(fields: dict[str, Any], en: str, zh: str) -> None:
    problem = am.GivingProblem([need("n1", **fields)], [lot("d1")], as_of=DAY)
    found = explained("n1", problem, am.solve(problem))
    assert found.code == "CLOSED"
    for audience in ("family", "caseworker"):
        assert en in found.text("en", audience)
        assert zh in found.text("zh", audience)


@pytest.mark.parametrize(
    ("fields", "reason", "en", "zh"),
    [
        ({"services": ("cook",)}, "SERVICE_NOT_OFFERED", "a service that is needed is not offered", "不提供所需服务"),
        ({"languages": ("local",)}, "NO_COMMON_LANGUAGE", "no language in common", "没有共同语言"),
        ({"caregiver_gender": "M"}, "GENDER_NOT_WANTED", "not of the gender asked for", "不是所要求的性别"),
    ],
)
def test_every_rule_of_care_has_words(fields: dict[str, Any], reason: str, en: str, zh: str) -> None:
    problem = am.CareProblem([client("c1", **fields)], [caregiver("g1")], as_of=DAY)
    found = explained("c1", problem, am.solve(problem))
    assert found.code == "NOT_ALLOWED"
    assert [step["reason"] for step in found.facts["removed"]] == [reason]
    assert f" removed 1: {en}." in found.text("en")
    assert f" 排除 1 个：{zh}。" in found.text("zh")


def test_a_client_who_did_not_choose_neighbours_is_told_so() -> None:
    problem = am.CareProblem([client("c1", modes_accepted=("bed",))], [caregiver("g1")], as_of=DAY)
    found = explained("c1", problem, am.solve(problem))
    assert found.text("en", "family") == "Did not take part this time: care by neighbours was not chosen."
    assert found.text("zh", "family") == "本次未参加分配：未选择邻里照护。"


@pytest.mark.parametrize(
    ("language", "audience"), [("fr", "family"), ("EN", "family"), ("en", "press"), ("zh", ""), (None, "family")]
)
def test_another_language_or_audience_is_refused(language: Any, audience: Any) -> None:
    for demand in ("b", "r", "k"):
        with pytest.raises(am.ProblemError, match="language is 'zh' or 'en'") as refused:
            explained(demand).text(language, audience)
        assert refused.value.code == "UNKNOWN_OPTION"


# --- what is asked for


def test_an_unknown_demand_is_refused() -> None:
    for unknown in ("nobody", "q1", ""):
        with pytest.raises(am.ProblemError, match=f"there is no demand {unknown!r}") as refused:
            explained(unknown)
        assert refused.value.code == "UNKNOWN_ID"


def test_other_inputs_are_refused() -> None:
    others = [
        am.GivingProblem(NEEDS, LOTS, as_of=DAY),
        am.GivingProblem(NEEDS[1:], LOTS, as_of=DAY),
        am.GivingProblem(NEEDS, LOTS, as_of=DAY.replace(day=2), decisions=PROBLEM.decisions),
        CARE,
    ]
    for other in others:
        with pytest.raises(am.VerificationError, match="made from other inputs, or for another day") as refused:
            explained("a", other)
        assert refused.value.code == "OTHER_INPUT"
    same = am.GivingProblem(NEEDS[::-1], LOTS[::-1], as_of=DAY, decisions=PROBLEM.decisions)
    assert dict(explained("b", same).facts) == dict(explained("b").facts)


def test_a_matching_from_a_file_is_explained_alike(tmp_path: Path) -> None:
    again = am.Matching.load(MATCHING.save(tmp_path / "run.json"))
    for one in NEEDS:
        assert explained(one.id, PROBLEM, again) == explained(one.id)


# --- plug-ins


def test_the_codes_of_a_rule_of_ones_own_stand_for_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "aidmatch_test_rule-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: aidmatch_test_rule\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[aidmatch.rules]\nodd = aidmatch_test_rule:Odd\n", encoding="utf-8")
    (tmp_path / "aidmatch_test_rule.py").write_text(
        "import numpy as np\n"
        "class Odd:\n"
        "    name = 'odd'\n"
        "    def reason(self, demand, supply):\n"
        "        return 'ODD_ONE_OUT' if supply.id.endswith('1') else None\n"
        "    def labels(self, demands, supplies):\n"
        "        return np.zeros(len(demands), dtype=np.int64), np.array([s.id[-1] == '1' for s in supplies], int)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    problem = am.GivingProblem([need("n1")], [lot("d1"), lot("d2", max_km=0, place=NORTH)], as_of=DAY)
    matching = am.solve(problem, policy=am.Policy.giving(rules=("odd",)))
    am.verify(problem, matching)
    found = explained("n1", problem, matching)
    sys.modules.pop("aidmatch_test_rule")
    assert found.code == "OUT_OF_REACH"
    assert found.facts["removed"][0] == {"rule": "odd", "reason": "ODD_ONE_OUT", "supplies": 1}
    assert "  odd removed 1: ODD_ONE_OUT." in found.text("en").splitlines()
    assert "  规则 odd 排除 1 个：ODD_ONE_OUT。" in found.text("zh").splitlines()


class Steps:
    """Differences of area codes, for which no points are needed."""

    needs_points = False

    def __init__(self, name: str = "steps") -> None:
        self.name = name

    def metres(self, origins: am.Places, destinations: am.Places) -> Ints:
        steps: Ints = np.abs(origins.codes.astype(np.int64) - destinations.codes.astype(np.int64))
        return steps


@dataclass
class Kept(Steps):
    """The same as a dataclass that can be changed, and so has no hash."""

    name: str = "steps"


CODED = am.GivingProblem(
    [need("n1", 2, place=am.Place(code="30"))],
    [lot("d1", 1, place=am.Place(code="32")), lot("d2", 3, place=am.Place(code="37"))],
    as_of=DAY,
)
STEPPED = am.solve(CODED, distance=Steps())


def test_a_distance_of_ones_own_is_passed() -> None:
    found = am.explain(CODED, STEPPED, demand="n1", distance=Steps())
    assert [(s["supply_id"], s["cost"]) for s in found.facts["supplies"]] == [("d1", 2), ("d2", 7)]
    assert (found.code, found.facts["eligible"], found.facts["price"]) == ("SERVED", 2, {"distance": 7})
    with pytest.raises(am.PluginError, match="no plug-in 'steps'"):
        am.explain(CODED, STEPPED, demand="n1", distance="steps")
    assert am.explain(PROBLEM, MATCHING, demand="b", distance="great-circle") == explained("b")
    assert am.explain(PROBLEM, MATCHING, demand="b", distance=am.GreatCircle()) == explained("b")


def test_a_distance_that_cannot_be_found_must_be_passed() -> None:
    with pytest.raises((am.PluginError, am.VerificationError), match="steps"):
        am.explain(CODED, STEPPED, demand="n1")


def test_a_distance_without_a_hash_is_one_too() -> None:
    am.verify(CODED, STEPPED, distance=Kept())
    found = am.explain(CODED, STEPPED, demand="n1", distance=Kept())
    assert found == am.explain(CODED, STEPPED, demand="n1", distance=Steps())


def test_another_distance_is_refused_as_the_check_refuses_it() -> None:
    with pytest.raises(am.VerificationError) as refused:
        am.explain(CODED, STEPPED, demand="n1", distance=Steps("other"))
    assert refused.value.code == "OTHER_INPUT"
    with pytest.raises(am.VerificationError):
        am.explain(PROBLEM, MATCHING, demand="b", distance=Steps())


def test_a_need_that_is_pinned_in_part_against_a_rule_is_not_said_to_have_one_each() -> None:
    problem = am.GivingProblem(
        [need("n1", 2)], [lot("d1", 2, only_categories=("B",))], as_of=DAY, decisions=[pin("x1", "n1", "d1", 1)]
    )
    matching = am.solve(problem)
    am.verify(problem, matching)
    # in giving nothing is served once only
    found = explained("n1", problem, matching)
    assert (found.code, found.facts["reason"]) == ("PARTLY_SERVED", "NOT_ALLOWED")
    assert dict(matching.reasons) == {"n1": "NOT_ALLOWED"}
    assert found.facts["reason"] == matching.reasons["n1"]


def test_nothing_of_a_verdict_is_stored_in_the_matching() -> None:
    blank = replace(MATCHING, reasons={}, coverage=(), closed_demands={})
    assert {one.id: explained(one.id, PROBLEM, blank) for one in NEEDS} == {one.id: explained(one.id) for one in NEEDS}
