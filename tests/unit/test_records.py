"""Records take what their fields mean, refuse the rest without repeating it, and know when they may not enter."""

from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.instances import DAY, lot, need, place

import aidmatch as am

YESTERDAY, TOMORROW = DAY - timedelta(days=1), DAY + timedelta(days=1)


def need_with(**fields: Any) -> am.Need:
    return replace(need("n1"), **fields)


def lot_with(**fields: Any) -> am.Donation:
    return replace(lot("d1"), **fields)


def codes(refused: pytest.ExceptionInfo[ValidationError]) -> list[tuple[str, str]]:
    """Field and code of each thing that was wrong."""
    found = refused.value.errors(include_input=False, include_url=False, include_context=False)
    return [(str(fault["loc"][0]), fault["type"]) for fault in found]


# --- ids


@pytest.mark.parametrize(("given", "kept"), [(17, "17"), (-5, "-5"), (0, "0"), ("017", "017"), ("  n 1 ", "n 1")])
def test_integers_become_text_and_text_loses_the_space_around_it(given: Any, kept: str) -> None:
    assert need_with(id=given).id == kept


@pytest.mark.parametrize("given", [1.0, 1e15, float("nan"), float("inf"), True, False, np.float64(3)])
def test_floats_and_truth_values_are_no_ids(given: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        need_with(id=given)
    assert codes(refused) == [("id", "BAD_ID")]


@pytest.mark.parametrize("given", ["a\nb", "a\tb", "a\x00b", "a\u200bb", "a\u3000b", "\u202eb"])
def test_ids_hold_nothing_that_cannot_be_seen(given: str) -> None:
    with pytest.raises(ValidationError) as refused:
        need_with(id=given)
    assert codes(refused) == [("id", "BAD_ID")]


@pytest.mark.parametrize(
    ("given", "code"), [("", "string_too_short"), ("  ", "string_too_short"), ("x" * 65, "string_too_long")]
)
def test_ids_have_1_to_64_characters(given: str, code: str) -> None:
    assert need_with(id="x" * 64).id == "x" * 64
    with pytest.raises(ValidationError) as refused:
        need_with(id=given)
    assert codes(refused) == [("id", code)]


@pytest.mark.parametrize("given", [None, ["n1"], Decimal(3)])
def test_ids_are_text_or_integers(given: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        need_with(id=given)
    assert [field for field, _ in codes(refused)] == ["id"]


# An invented person of the GB 11643 standard's own example area, and invented numbers.
CITIZEN, MOBILE = "11010519491231002X", "13812345678"


@pytest.mark.parametrize(
    "given",
    [
        CITIZEN,
        CITIZEN.lower(),
        110105194912310020,
        f"ID:{CITIZEN}",
        f"{CITIZEN}-2",
        "371501200002290014",
        MOBILE,
        13912345678,
        "19912345678",
        f"tel{MOBILE}",
        f"{MOBILE} home",
    ],
)
def test_ids_that_look_like_a_person_are_refused_and_not_repeated(given: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        need_with(id=given)
    assert codes(refused) == [("id", "PERSONAL_ID")]
    assert str(given) not in str(refused.value)
    assert MOBILE not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        "110105194913310020",  # no thirteenth month
        "110105194900310020",
        "110105194912320020",  # no 32nd day
        "110105194912000020",
        "110105214912310020",  # no such century
        "1110105194912310020",  # a digit too many
        "12812345678",  # not the beginning of a mobile number
        "1381234567",
        "138123456789",
        "371501001001",
        "N-2017-000123",
    ],
)
def test_long_numbers_that_are_no_persons_are_ids(given: str) -> None:
    assert need_with(id=given).id == given


@pytest.mark.parametrize("field", ["household_id", "id"])
def test_every_id_of_a_need_is_one(field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        need_with(**{field: MOBILE})
    assert codes(refused) == [(field, "PERSONAL_ID")]


@pytest.mark.parametrize("field", ["donor_id", "producer_household_id", "id"])
def test_every_id_of_a_lot_is_one(field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        lot_with(**{field: MOBILE})
    assert codes(refused) == [(field, "PERSONAL_ID")]


@pytest.mark.parametrize("field", ["demand_id", "supply_id"])
def test_every_id_of_a_pair_is_one(field: str) -> None:
    fields: dict[str, Any] = {"demand_id": 1, "supply_id": 2, "cost": 0}
    assert am.PairCost(**fields) == am.PairCost(demand_id="1", supply_id="2", cost=0)
    with pytest.raises(ValidationError) as refused:
        am.PairCost(**{**fields, field: 1.5})
    assert codes(refused) == [(field, "BAD_ID")]


@pytest.mark.parametrize(
    "given", [f"86{MOBILE}", "138-1234-5678", "１３８１２３４５６７８", "１１０１０５１９４９１２３１００２０"]
)
def test_a_person_in_another_spelling_is_refused_too(given: str) -> None:
    with pytest.raises(ValidationError):
        need_with(id=given)


# --- counts


@pytest.mark.parametrize(
    ("given", "kept"),
    [(1, 1), ("3", 3), (3.0, 3), (2.0**53, 2**53), (2**62, 2**62), (Decimal(7), 7), (np.int64(5), 5), ("1", 1)],
)
def test_counts_are_whole_numbers_however_written(given: Any, kept: int) -> None:
    quantity = need_with(quantity=given).quantity
    assert quantity == kept
    assert type(quantity) is int


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (True, "NOT_AN_INTEGER"),
        (2.5, "int_from_float"),
        ("2.5", "int_parsing"),
        ("many", "int_parsing"),
        (2.0**53 + 2, "INEXACT"),
        (-(2.0**54), "INEXACT"),
        (float("inf"), "INEXACT"),
        (float("nan"), "INEXACT"),
        (0, "greater_than_equal"),
        (-1, "greater_than_equal"),
        (2**62 + 1, "less_than_equal"),
        (10**30, "less_than_equal"),
        (None, "int_type"),
    ],
)
def test_anything_else_is_no_count(given: Any, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        need_with(quantity=given)
    assert codes(refused) == [("quantity", code)]


@pytest.mark.parametrize("field", ["quantity", "min_quantity", "recurring_days"])
def test_no_count_of_a_need_is_zero(field: str) -> None:
    assert getattr(need_with(**{field: 1}), field) == 1
    with pytest.raises(ValidationError) as refused:
        need_with(**{field: 0})
    assert codes(refused) == [(field, "greater_than_equal")]


@pytest.mark.parametrize("field", ["quantity", "pack_size", "min_lot"])
def test_no_count_of_a_lot_is_zero(field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        lot_with(**{field: 0})
    assert codes(refused) == [(field, "greater_than_equal")]


def test_a_pair_may_cost_nothing_but_not_less() -> None:
    assert am.PairCost(demand_id="n", supply_id="d", cost=0).cost == 0
    assert am.PairCost(demand_id="n", supply_id="d", cost=2**62).cost == 2**62
    for cost, code in ((-1, "greater_than_equal"), (2**62 + 1, "less_than_equal")):
        with pytest.raises(ValidationError) as refused:
            am.PairCost(demand_id="n", supply_id="d", cost=cost)
        assert codes(refused) == [("cost", code)]


@pytest.mark.parametrize(("given", "kept"), [(0, 0.0), (20_100, 20_100.0), ("12.5", 12.5)])
def test_a_lot_travels_up_to_half_way_round_the_earth(given: Any, kept: float) -> None:
    assert lot_with(max_km=given).max_km == kept


@pytest.mark.parametrize("given", [-0.001, 20_100.1, float("nan"), float("inf"), "far"])
def test_other_kilometres_are_refused(given: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        lot_with(max_km=given)
    assert [field for field, _ in codes(refused)] == ["max_km"]


# --- days


@pytest.mark.parametrize(
    "given",
    [
        date(2017, 6, 1),
        datetime(2017, 6, 1),  # noqa: DTZ001  # as a spreadsheet's reader gives it
        datetime(2017, 6, 1, tzinfo=UTC),
        "2017-06-01",
        "2017-06-01T00:00:00",
        "2017-06-01 00:00:00",
    ],
)
def test_a_day_is_a_calendar_date_or_its_midnight(given: Any) -> None:
    kept = need_with(registered_on=given).registered_on
    assert kept == date(2017, 6, 1)
    assert type(kept) is date


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (datetime(2017, 6, 1, 0, 0, 1), "date_from_datetime_inexact"),  # noqa: DTZ001  # the hour is the mistake
        (datetime(2017, 6, 1, 12, tzinfo=UTC), "date_from_datetime_inexact"),
        ("2017-06-01T12:00:00", "date_from_datetime_inexact"),
        (1496275200, "NOT_A_DATE"),  # midnight of that day, in seconds since 1970
        (1496275200000, "NOT_A_DATE"),
        (-86400, "NOT_A_DATE"),
        (0, "NOT_A_DATE"),
        (42887.0, "NOT_A_DATE"),  # that day, as a spreadsheet counts
        (float("nan"), "NOT_A_DATE"),
        (True, "NOT_A_DATE"),
        ("1496275200", "NOT_A_DATE"),
        ("-1496275200", "NOT_A_DATE"),
        ("20170601", "NOT_A_DATE"),
        ("2017/06/01", "NOT_A_DATE"),
        ("", "NOT_A_DATE"),
        ("soon", "NOT_A_DATE"),
        ("01-06-2017", "date_from_datetime_parsing"),
        ("2017-02-29", "date_from_datetime_parsing"),
        (None, "NOT_A_DATE"),
    ],
)
def test_numbers_and_moments_are_no_days(given: Any, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        need_with(registered_on=given)
    assert codes(refused) == [("registered_on", code)]


@pytest.mark.parametrize("given", [Decimal(1496275200), np.int64(1496275200), b"1496275200"])
def test_seconds_since_1970_are_no_day_in_any_type(given: Any) -> None:
    with pytest.raises(ValidationError):
        need_with(registered_on=given)


# --- names and text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("B;A", ("A", "B")),
        ("B；A", ("A", "B")),
        (" A ; ;A;", ("A",)),
        ("", ()),
        (["B", "A", "B"], ("A", "B")),
        ({"B", "A"}, ("A", "B")),
        (frozenset({"B"}), ("B",)),
        ((), ()),
        ([" A ", ""], ("A",)),
    ],
)
def test_names_are_a_set_kept_sorted(given: Any, kept: tuple[str, ...]) -> None:
    assert lot_with(only_categories=given).only_categories == kept


def test_area_codes_are_text_like_the_code_of_a_place() -> None:
    assert lot_with(only_areas=["371502", "371501"]).only_areas == ("371501", "371502")
    for given in ([371502, 371501], [371501.0], [None], ["371501", 371502]):
        with pytest.raises(ValidationError) as refused:
            lot_with(only_areas=given)
        assert {field for field, _ in codes(refused)} == {"only_areas"}


@pytest.mark.parametrize("given", [371501, None, 3.5])
def test_names_are_not_a_number(given: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        lot_with(only_areas=given)
    assert [field for field, _ in codes(refused)] == ["only_areas"]


def test_a_name_has_up_to_64_characters() -> None:
    with pytest.raises(ValidationError) as refused:
        lot_with(only_categories=["x" * 65])
    assert codes(refused) == [("only_categories", "string_too_long")]


@pytest.mark.parametrize("given", ["Liaocheng", "371501,371502", "3", "3" * 13, "３７１５０１", ["37", "37-"]])
def test_areas_that_are_no_codes_are_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        lot_with(only_areas=given)


def test_a_way_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        need_with(accepts=("good",))


@pytest.mark.parametrize("field", ["item", "unit", "category"])
def test_texts_have_something_in_them(field: str) -> None:
    assert getattr(need_with(**{field: " quilt "}), field) == "quilt"
    for given, code in (("  ", "string_too_short"), ("x" * 65, "string_too_long"), (3, "string_type")):
        with pytest.raises(ValidationError) as refused:
            need_with(**{field: given})
        assert codes(refused) == [(field, code)]


@pytest.mark.parametrize("given", ["\x00=1+1", "a\x07b", "a\r\nb"])
def test_texts_hold_nothing_that_cannot_be_seen(given: str) -> None:
    with pytest.raises(ValidationError):
        need_with(item=given)


# --- records


def test_every_mistake_of_a_record_is_reported_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        need_with(id=1.5, quantity=0, registered_on=7, substitutes="anything")
    assert codes(refused) == [
        ("id", "BAD_ID"),
        ("quantity", "greater_than_equal"),
        ("registered_on", "NOT_A_DATE"),
        ("substitutes", "literal_error"),
    ]


def test_no_mistake_is_repeated_in_words() -> None:
    with pytest.raises(ValidationError) as refused:
        need_with(id="canary\n1", quantity="canary 2", registered_on="canary-3", place="canary 4", urgent="canary 5")
    assert len(refused.value.errors()) == 5
    assert "canary" not in str(refused.value)


def test_a_repr_holds_no_more_than_the_id() -> None:
    said = repr(need_with(id="n7", household_id="canary-1", item="canary-2", place=place(lat=36.123)))
    assert "n7" in said
    assert not [word for word in ("canary-1", "canary-2", "36.123") if word in said]
    assert repr(lot_with(id="d7", donor_id="canary-1", place=place(lat=36.123))) == "<Donation 'd7'>"


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError) as refused:
        need_with(quantiti=3)
    assert codes(refused) == [("quantiti", "unexpected_keyword_argument")]


@pytest.mark.parametrize("record", [need("n1"), lot("d1"), place(), am.Gate(approval="approved")])
def test_records_are_values(record: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, fields(record)[0].name, "other")
    assert replace(record) == record
    assert hash(replace(record)) == hash(record)


def test_a_changed_copy_is_checked_again() -> None:
    with pytest.raises(ValidationError):
        replace(need("n1"), quantity=0)


# --- gates


def gate(**fields: Any) -> am.Gate:
    return am.Gate(**{"approval": "approved", **fields})


def test_an_approval_is_never_assumed() -> None:
    with pytest.raises(ValidationError) as refused:
        am.Gate()  # type: ignore[call-arg]  # the mistake is what is tested
    assert codes(refused) == [("approval", "missing")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"approval": "applied"}, "NOT_APPROVED"),
        ({"approval": "surveyed"}, "NOT_APPROVED"),
        ({"approval": "appraised"}, "NOT_APPROVED"),
        ({"approval": "published"}, "NOT_APPROVED"),
        ({"approval": "rejected"}, "NOT_APPROVED"),
        ({"notice_ended_on": YESTERDAY}, None),
        ({"notice_ended_on": DAY}, None),
        ({"notice_ended_on": TOMORROW}, "NOTICE_RUNNING"),
        ({"objected": True}, "OBJECTED"),
        ({"status": "reserved"}, "NOT_OPEN"),
        ({"status": "fulfilled"}, "NOT_OPEN"),
        ({"status": "closed"}, "NOT_OPEN"),
        # the first that applies
        ({"approval": "rejected", "notice_ended_on": TOMORROW, "objected": True, "status": "closed"}, "NOT_APPROVED"),
        ({"notice_ended_on": TOMORROW, "objected": True, "status": "closed"}, "NOTICE_RUNNING"),
        ({"objected": True, "status": "closed"}, "OBJECTED"),
    ],
)
def test_only_the_approved_published_unobjected_and_open_pass_the_gate(
    fields: dict[str, Any], reason: str | None
) -> None:
    assert gate(**fields).closed(DAY) == reason
    assert need_with(gate=gate(**fields)).closed(DAY) == reason


@pytest.mark.parametrize("field", ["approval", "status"])
def test_a_gate_knows_its_steps_by_their_exact_names(field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        gate(**{field: "Open"})
    assert codes(refused) == [(field, "literal_error")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"needed_by": TOMORROW}, None),
        ({"needed_by": DAY}, None),
        ({"needed_by": YESTERDAY}, "NEEDED_BY_PASSED"),
        ({"accepts": ("goods", "money")}, None),
        ({"accepts": ("money", "service")}, "NOT_FOR_GOODS"),
        ({"accepts": ()}, "NOT_FOR_GOODS"),
        ({"needed_by": YESTERDAY, "accepts": ("money",)}, "NEEDED_BY_PASSED"),
        ({"gate": gate(objected=True), "needed_by": YESTERDAY, "accepts": ("money",)}, "OBJECTED"),
    ],
)
def test_a_need_enters_while_goods_still_help(fields: dict[str, Any], reason: str | None) -> None:
    assert need_with(**fields).closed(DAY) == reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"status": "pledged"}, None),
        ({"status": "reserved"}, "NOT_IN_STOCK"),
        ({"status": "dispatched"}, "NOT_IN_STOCK"),
        ({"available_from": YESTERDAY}, None),
        ({"available_from": DAY}, None),
        ({"available_from": TOMORROW}, "NOT_YET_AVAILABLE"),
        ({"available_until": TOMORROW}, None),
        ({"available_until": DAY}, None),
        ({"available_until": YESTERDAY}, "NO_LONGER_AVAILABLE"),
        ({"expires_on": TOMORROW}, None),
        ({"expires_on": DAY}, None),
        ({"expires_on": YESTERDAY}, "EXPIRED"),
        # the first that applies
        ({"status": "reserved", "available_from": TOMORROW}, "NOT_IN_STOCK"),
        ({"available_from": TOMORROW, "available_until": YESTERDAY}, "NOT_YET_AVAILABLE"),
        ({"available_until": YESTERDAY, "expires_on": YESTERDAY}, "NO_LONGER_AVAILABLE"),
    ],
)
def test_a_lot_enters_on_the_days_it_can_be_handed_over(fields: dict[str, Any], reason: str | None) -> None:
    assert lot_with(**fields).closed(DAY) == reason
