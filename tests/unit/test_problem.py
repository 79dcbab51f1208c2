"""A problem refuses what it cannot decide, names the rows, and does not care about their order."""

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.instances import DAY, caregiver, client, levels, lot, need, place, random_case

import aidmatch as am


def problem(needs: Any = (), lots: Any = (), **options: Any) -> am.GivingProblem:
    return am.GivingProblem(needs, lots, **{"as_of": DAY, **options})


def pairs(*triples: tuple[str, str, int], unit: str = "minute") -> am.PairTable:
    return am.PairTable([am.PairCost(demand_id=i, supply_id=j, cost=cost) for i, j, cost in triples], unit=unit)


def refused(code: str, **options: Any) -> am.ProblemError:
    with pytest.raises(am.ProblemError) as caught:
        problem(**options)
    assert caught.value.code == code
    return caught.value


def faults(rows: am.RowsError) -> list[tuple[str, int, str | None, str]]:
    return [(fault.source, fault.line, fault.column, fault.code) for fault in rows.report.refused]


# --- what it is made of


def test_records_may_come_as_anything_that_can_be_gone_through() -> None:
    needs, lots = [need("n1"), need("n2")], [lot("d1")]
    made = [
        problem(needs, lots),
        problem(tuple(needs), iter(lots)),
        problem((n for n in needs), {lots[0]}),
        problem({n.id: n for n in needs}.values(), lots),
    ]
    assert all((list(p.needs), list(p.donations)) == (needs, lots) for p in made)
    assert repr(made[0]) == "<GivingProblem: 2 needs, 1 lots, 2017-06-01>"
    assert (made[0].family, made[0].cost_unit, made[0].reports) == ("giving", "metre", ())


def test_a_problem_is_a_value() -> None:
    needs = [need("n1")]
    one = problem(needs)
    needs.append(need("n2"))
    assert len(one.needs) == 1
    with pytest.raises(FrozenInstanceError):
        one.as_of = date(2018, 1, 1)  # type: ignore[misc]  # the mistake is what is tested
    assert copy.deepcopy(one).needs == one.needs


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"needs": [lot("d1")]}, r"needs\[0\] is a Donation, not a Need"),
        ({"lots": [lot("d1"), need("n1")]}, r"donations\[1\] is a Need, not a Donation"),
        ({"needs": "n1"}, r"needs\[0\] is a str, not a Need; read\(\) makes them"),
        ({"needs": b"n1"}, r"needs\[0\] is a int"),
        ({"needs": [None]}, r"needs\[0\] is a NoneType"),
        ({"needs": [{"id": "n1"}]}, r"needs\[0\] is a dict"),
        ({"needs": {"n1": need("n1")}}, r"needs\[0\] is a str"),
    ],
)
def test_what_is_no_record_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(am.ProblemError, match=complaint):
        problem(**options)
    assert refused("NO_RECORDS", **options)


@pytest.mark.parametrize(
    "as_of",
    [None, "2017-06-01", 20170601, datetime(2017, 6, 1, 0, 0, 1, tzinfo=UTC), datetime(2017, 6, 1, 12, tzinfo=UTC)],
)
def test_the_day_is_a_calendar_date(as_of: Any) -> None:
    assert "date(2017, 6, 1)" in str(refused("NO_DAY", as_of=as_of))


@pytest.mark.parametrize("zone", [None, UTC])
def test_midnight_is_its_day(zone: Any) -> None:
    made = problem(as_of=datetime(2017, 6, 1, tzinfo=zone))
    assert made.as_of == date(2017, 6, 1)
    assert type(made.as_of) is date


def test_a_row_that_does_not_take_part_may_ask_for_anything() -> None:
    needs = [need("n1"), need("n2", 5, whole=True, gate=am.Gate(approval="rejected"))]
    lots = [lot("d1"), lot("d2", 5, pack_size=5, status="dispatched")]
    matching = am.solve(problem(needs, lots))
    assert (dict(matching.closed_demands), dict(matching.closed_supplies)) == (
        {"n2": "NOT_APPROVED"},
        {"d2": "NOT_IN_STOCK"},
    )


def test_an_id_comes_once_a_side() -> None:
    twice = [need("n3"), need("n2"), need("n3"), need("n2", 7)]
    assert str(refused("DUPLICATE_ID", needs=twice)) == "[DUPLICATE_ID] needs: id 'n2' comes twice"
    assert "donations: id 'd1'" in str(refused("DUPLICATE_ID", lots=[lot("d1"), lot("d1")]))
    both = problem([need("17")], [lot("17")])
    matching = am.solve(both)
    am.verify(both, matching)
    assert [(a.demand_id, a.supply_id) for a in matching.assignments] == [("17", "17")]


@pytest.mark.parametrize(
    ("triple", "stranger"),
    [(("n2", "d1", 3), "demand 'n2'"), (("n1", "d2", 3), "supply 'd2'"), (("d1", "n1", 3), "demand 'd1'")],
)
def test_a_pair_of_records_that_are_not_there_is_refused(triple: tuple[str, str, int], stranger: str) -> None:
    error = refused("UNKNOWN_ID", needs=[need("n1")], lots=[lot("d1")], pairs=pairs(("n1", "d1", 1), triple))
    assert f"pairs= has {stranger}" in str(error)


# --- places


def test_a_table_of_places_completes_the_codes() -> None:
    table = [place("37", 36, 116), place("38", 37, 117), am.Place(code="39"), am.Place(lat=1, lon=1)]
    needs = [
        need("no point", place=am.Place(code="37")),
        need("its own point", place=place("37", 30, 110)),
        need("no code", place=am.Place(lat=31, lon=111)),
        need("unknown code", place=am.Place(code="371")),
        need("no point there", place=am.Place(code="39")),
    ]
    made = problem(needs, [lot("d1", place=am.Place(code="38"))], places=table)
    assert [n.place.point for n in made.needs] == [(36, 116), (30, 110), (31, 111), None, None]
    assert [n.place.code for n in made.needs] == ["37", "37", None, "371", "39"]
    assert [d.place.point for d in made.donations] == [(37, 117)]
    assert needs[0].place.point is None


def test_places_count_in_the_digests() -> None:
    needs = [need("n1", place=am.Place(code="37"))]
    some, others = (problem(needs, places=[place("37", lat, 116)]) for lat in (36, 37))
    assert some.digests()["needs"] != others.digests()["needs"]
    assert some.digests()["needs"] == problem([need("n1", place=place("37", 36, 116))]).digests()["needs"]


def test_every_row_without_a_point_is_listed() -> None:
    needs = [need("n0"), need("n1", place=am.Place(code="37")), need("n2", place=am.Place(code="38"))]
    lots = [lot("d0", place=am.Place(code="37")), lot("d1")]
    with pytest.raises(am.RowsError, match="metres cannot be measured") as caught:
        am.solve(problem(needs, lots, places=[place("38")]))
    assert faults(caught.value) == [("needs", 2, "code", "NO_POINT"), ("donations", 1, "code", "NO_POINT")]
    assert "id 'n1'" in str(caught.value)
    assert "id 'd0'" in str(caught.value)
    assert (caught.value.report.rows_read, caught.value.report.rows_kept) == (5, 3)
    matching = am.solve(problem(needs, lots, places=[place("38"), place("37")]))
    assert levels(matching)[0] == 2


def test_pairs_with_costs_need_no_points() -> None:
    coded = problem(
        [need("n1", place=am.Place(code="37"))], [lot("d1", place=am.Place(code="38"))], pairs=pairs(("n1", "d1", 7))
    )
    matching = am.solve(coded)
    am.verify(coded, matching)
    assert (levels(matching), matching.distance, matching.cost_unit) == ((1, 0, 0, 0, 7), None, "minute")
    assert (matching.assignments[0].cost, matching.assignments[0].metres) == (7, None)


# --- categories


def test_an_unknown_category_names_the_row_and_the_known_ones() -> None:
    needs = [need("n1", 1, "E"), need("n0"), need("n2", 1, "a")]
    lots = [lot("d0", only_categories=("A", "X")), lot("d1", only_categories=("D", "C"))]
    with pytest.raises(am.RowsError, match="not one of the policy's categories A, B, C, D") as caught:
        am.solve(problem(needs, lots))
    assert faults(caught.value) == [
        ("needs", 1, "category", "UNKNOWN_CATEGORY"),
        ("needs", 3, "category", "UNKNOWN_CATEGORY"),
        ("donations", 1, "only_categories", "UNKNOWN_CATEGORY"),
    ]
    wider = am.Policy.giving(categories=("A", "B", "C", "D", "E", "a", "X"))
    assert levels(am.solve(problem(needs, lots), policy=wider))[-1] == 0


def test_a_row_that_was_read_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "needs.csv"
    path.write_text(
        "id,household_id,item,quantity,unit,category,lat,lon,approval,registered_on\n"
        "n1,h1,quilt,1,piece,A,36,116,approved,2017-01-01\n"
        "\n"
        "n2,h2,quilt,1,piece,Z,36,116,approved,2017-01-01\n",
        encoding="utf-8",
    )
    read = am.read(path, am.Need)
    made = problem(read, [lot("d1")])
    assert [report.source for report in made.reports] == ["needs.csv"]
    with pytest.raises(am.RowsError, match=r"needs\.csv line 4, column 'category' .* id 'n2'") as caught:
        am.solve(made)
    assert faults(caught.value) == [("needs.csv", 4, "category", "UNKNOWN_CATEGORY")]
    assert am.solve(problem(read[:1], [lot("d1")])).reports == ()


def test_a_row_that_was_read_has_one_place(tmp_path: Path) -> None:
    rows = {
        "id": "n2",
        "household_id": "h2",
        "item": "quilt",
        "quantity": 1,
        "unit": "piece",
        "category": "Z",
        "lat": 36,
        "lon": 116,
        "approval": "approved",
        "registered_on": "2017-01-01",
    }
    path = tmp_path / "needs.csv"
    path.write_text(f"{','.join(rows)}\n{','.join(map(str, rows.values()))}\n", encoding="utf-8")
    with pytest.raises(am.RowsError) as caught:
        am.solve(problem(am.read(path, am.Need), [lot("d1")]))
    assert [(fault.source, fault.line) for fault in caught.value.report.refused] == [("needs.csv", 2)]


# --- radii without metres


@pytest.mark.parametrize("where", ["policy", "lot"])
def test_a_radius_needs_metres(where: str) -> None:
    needs, lots = [need("n1")], [lot("d1", max_km=3 if where == "lot" else None)]
    policy = am.Policy.giving(max_km=3 if where == "policy" else None)
    with pytest.raises(am.ProblemError, match="pairs= brings costs in 'minute'") as caught:
        am.solve(problem(needs, lots, pairs=pairs(("n1", "d1", 1))), policy=policy)
    assert caught.value.code == "RADIUS_WITHOUT_METRES"
    # where the pairs are in metres, the radius holds for them
    listed = [(f"n{i}", "d1", 3000 + i) for i in range(2)]
    metres = problem([need("n0"), need("n1")], [replace(lots[0], quantity=2)], pairs=pairs(*listed, unit="metre"))
    matching = am.solve(metres, policy=policy)
    am.verify(metres, matching, policy=policy)
    assert [(a.demand_id, a.cost, a.metres) for a in matching.assignments] == [("n0", 3000, 3000)]
    assert dict(matching.reasons) == {"n1": "OUT_OF_REACH"}


# --- pairs


def test_only_the_pairs_that_are_listed_and_eligible_may_be() -> None:
    needs = [need("n1", 5), need("n2", 5, "B"), need("n3", 5, "C", item="rice")]
    lots = [lot("d1", 4), lot("d2", 4), lot("d3", 9, only_categories=("A",))]
    table = am.PairTable(
        [
            am.PairCost(demand_id="n1", supply_id="d1", cost=9, eligible=False),
            am.PairCost(demand_id="n1", supply_id="d2", cost=2),
            am.PairCost(demand_id="n2", supply_id="d2", cost=0),
            am.PairCost(demand_id="n2", supply_id="d3", cost=0),  # listed, but not for this category
            am.PairCost(demand_id="n3", supply_id="d1", cost=0),  # listed, but of another item
        ],
        unit="minute",
    )
    asked = problem(needs, lots, pairs=table)
    matching = am.solve(asked)
    am.verify(asked, matching)
    assert [(a.demand_id, a.supply_id, a.quantity, a.cost) for a in matching.assignments] == [("n1", "d2", 4, 2)]
    assert dict(matching.unmet) == {"n1": 1, "n2": 5, "n3": 5}
    assert dict(matching.reasons) == {"n1": "USED_UP", "n2": "USED_UP", "n3": "NO_SUPPLY"}
    assert levels(matching) == (4, 0, 0, 0, 8)


def test_a_pair_of_records_that_do_not_take_part_is_no_arc() -> None:
    needs = [need("n1", gate=am.Gate(approval="rejected")), need("n2")]
    lots = [lot("d1", status="reserved"), lot("d2")]
    everyone = pairs(*((n.id, d.id, 1) for n in needs for d in lots))
    asked = problem(needs, lots, pairs=everyone)
    matching = am.solve(asked)
    am.verify(asked, matching)
    assert [(a.demand_id, a.supply_id) for a in matching.assignments] == [("n2", "d2")]
    assert matching.solving.arcs == 1


# --- who takes part


def test_admission_sorts_by_id_and_gives_the_reasons() -> None:
    needs = [need("n2"), need("n3", accepts=("money",)), need("n1"), need("n0", needed_by=DAY - timedelta(days=1))]
    lots = [lot("d2", expires_on=DAY - timedelta(days=1)), lot("d1"), lot("d0", status="dispatched")]
    admission = problem(needs, lots).admission()
    assert [n.id for n in admission.demands] == ["n1", "n2"]
    assert [d.id for d in admission.supplies] == ["d1"]
    assert list(admission.closed_demands.items()) == [("n0", "NEEDED_BY_PASSED"), ("n3", "NOT_FOR_GOODS")]
    assert list(admission.closed_supplies.items()) == [("d0", "NOT_IN_STOCK"), ("d2", "EXPIRED")]
    assert (admission.pins, admission.forbidden) == ({}, frozenset())


def test_the_day_decides_who_takes_part() -> None:
    needs = [need("n1", needed_by=DAY)]
    lots = [lot("d1", available_from=DAY)]
    for shift, expected in ((-1, (0, 1)), (0, (1, 1)), (1, (1, 0))):
        day = DAY + timedelta(days=shift)
        asked = problem(needs, lots, as_of=day)
        matching = am.solve(asked)
        am.verify(asked, matching)
        assert (matching.supplies, sum(c.demands for c in matching.coverage)) == expected
        assert levels(matching)[0] == (shift == 0)


# --- digests


@pytest.mark.parametrize("listed", [False, True])
def test_digests_do_not_depend_on_the_order_of_rows(listed: bool) -> None:
    case = random_case(5, demands=9, supplies=9, most=3, listed=listed).problem
    table = case.pairs and am.PairTable(case.pairs.pairs[::-1], unit=case.pairs.unit)
    turned = problem(case.needs[::-1], case.donations[::-1], pairs=table)
    assert turned.digests() == case.digests()
    assert set(case.digests()) == {"needs", "donations"} | ({"pairs", "pairs_unit"} if listed else set())


def test_every_input_counts_in_its_own_digest() -> None:
    needs, lots = [need("n1"), need("n2")], [lot("d1")]
    listed = pairs(("n1", "d1", 1))
    first = problem(needs, lots, pairs=listed).digests()
    assert all(len(digest) == 64 for digest in first.values())
    others = {
        "needs": problem([needs[0], need("n2", 2)], lots, pairs=listed),
        "donations": problem(needs, [lot("d1", max_km=3)], pairs=listed),
        "pairs": problem(needs, lots, pairs=pairs(("n1", "d1", 2))),
        "pairs_unit": problem(needs, lots, pairs=pairs(("n1", "d1", 1), unit="hour")),
    }
    for name, other in others.items():
        changed = other.digests()
        assert [key for key in first if changed[key] != first[key]] == [name]


def test_names_in_another_order_are_the_same_input() -> None:
    one, other = (problem([], [lot("d1", only_areas=areas)]) for areas in (("37", "38"), ("38", "37")))
    assert one.digests() == other.digests()


# --- what was found wanting


@pytest.mark.parametrize("given", [[am.PairCost(demand_id="n1", supply_id="d1", cost=1)], {("n1", "d1"): 1}, "pairs"])
def test_pairs_that_are_no_table_are_refused(given: Any) -> None:
    with pytest.raises(am.InputError):
        problem([need("n1")], [lot("d1")], pairs=given)


def test_what_is_no_problem_or_no_policy_is_refused_by_its_kind() -> None:
    with pytest.raises(am.ProblemError, match="a list is no problem") as caught:
        am.solve([need("n1")])  # type: ignore[arg-type]  # the mistake is what is tested
    assert caught.value.code == "NO_RECORDS"
    with pytest.raises(am.PolicyError, match=r"a str is no policy; Policy\.load reads one"):
        am.solve(problem(), policy="policy.toml")  # type: ignore[arg-type]  # as above


def test_each_side_says_who_owns_its_records() -> None:
    given = problem([need("n1", household_id="h1")], [lot("d1", donor_id="p1")])
    assert given.owners(given.needs[0], given.donations[0]) == ("h1", "p1")
    cared = am.CareProblem([client("c1")], [caregiver("g1")], as_of=DAY)
    assert cared.owners(cared.clients[0], cared.caregivers[0]) == ("H-c1", "G-g1")


@pytest.mark.parametrize(
    "options", [{"needs": None}, {"needs": need("n1")}, {"lots": 3}, {"places": {"37": (36, 116)}}]
)
def test_what_cannot_be_gone_through_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(am.InputError):
        problem(**options)


def test_a_code_has_one_point() -> None:
    with pytest.raises(am.InputError):
        problem([need("n1", place=am.Place(code="37"))], places=[place("37", 36, 116), place("37", 37, 117)])


def test_a_problem_can_be_sent_to_another_process() -> None:
    sent = pickle.loads(pickle.dumps(problem([need("n1")], [lot("d1")])))
    assert sent.digests() == problem([need("n1")], [lot("d1")]).digests()


def test_a_row_that_does_not_take_part_needs_no_point() -> None:
    rejected = need("n2", place=am.Place(code="37"), gate=am.Gate(approval="rejected"))
    assert levels(am.solve(problem([need("n1"), rejected], [lot("d1")])))[0] == 1


def test_a_distance_beside_listed_costs_is_refused() -> None:
    listed = problem([need("n1")], [lot("d1")], pairs=pairs(("n1", "d1", 1)))
    with pytest.raises(am.ProblemError, match="distance= would not be asked") as refused:
        am.solve(listed, distance=am.GreatCircle())
    assert refused.value.code == "PAIRS_AND_DISTANCE"


@pytest.mark.parametrize(("arguments", "code"), [((None, None), "NO_RECORDS"), ((0, "x"), "POLICY")])
def test_what_is_no_problem_or_no_policy_is_refused(arguments: tuple[Any, Any], code: str) -> None:
    given, policy = arguments
    with pytest.raises(am.InputError) as refused:
        am.solve(problem([], []) if given == 0 else given, policy=policy)
    assert refused.value.code == code
