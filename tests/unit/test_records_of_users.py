"""Records of the caller's own: whatever pydantic lets a class say, the quick way and the long way say the same."""

import dataclasses
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass
from pydantic_core import core_schema

from aidmatch.errors import InputError
from aidmatch.place import Place
from aidmatch.records.care import Caregiver, Client
from aidmatch.records.giving import Donation, Donor, Need, Substitute
from aidmatch.records.money import Fund, Price
from aidmatch.sources.layout import _parts_of
from aidmatch.sources.reading import read
from aidmatch.sources.table import Row


@dataclass(frozen=True)
class Visit:
    id: str
    times: int = Field(default=3, ge=1)
    minutes: int = Field(ge=1)  # type: ignore[misc]  # mypy takes Field for a default
    days: list[int] = Field(default_factory=list)
    place: Place | None = Field(default=None)


@dataclass(frozen=True, config=ConfigDict(validate_default=True))
class Checked:
    id: str
    times: int = "5"  # type: ignore[assignment]  # that is what the setting is for


@dataclass(frozen=True)
class Renamed:
    id: str
    times: int = Field(alias="often")


@dataclass(frozen=True, config=ConfigDict(strict=True))
class Strict:
    id: str


@dataclasses.dataclass
class OwnSchema:
    id: str

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        fields = [core_schema.dataclass_field("id", core_schema.str_schema())]
        return core_schema.dataclass_schema(cls, core_schema.dataclass_args_schema("OwnSchema", fields), ["id"])


def _inverse(value: int) -> int:
    return 1 // (value - 1)


@dataclass(frozen=True)
class Dividing:
    id: str
    times: Annotated[int, AfterValidator(_inverse)]


def refused(rows: Any, record: type) -> list[tuple[int, str | None, str]]:
    report = read(rows, record, errors="keep").report
    return [(fault.line, fault.column, fault.code) for fault in report.refused]


def test_every_record_of_the_library_is_made_quickly() -> None:
    for record in (Need, Donation, Donor, Substitute, Client, Caregiver, Fund, Price):
        assert _parts_of(record) is not None


def test_defaults_are_what_pydantic_makes_of_them() -> None:
    rows = [{"id": "a", "times": "", "minutes": "2"}, {"id": "b", "times": "4", "minutes": "2"}]
    assert list(read(rows, Visit)) == [Visit("a", minutes=2), Visit("b", 4, minutes=2)]
    assert list(read([{"id": "a", "minutes": "2"}], Visit)) == [Visit("a", minutes=2)]
    assert refused([{"id": "a", "minutes": ""}], Visit) == [(1, "minutes", "MISSING")]
    one, other = read([{"id": "a", "minutes": "2"}, {"id": "b", "minutes": "2"}], Visit)
    assert one.days == other.days == []
    assert one.days is not other.days
    assert list(read([{"id": "a"}], Checked)) == [Checked("a", 5)]


def test_settings_of_a_record_as_a_whole_hold() -> None:
    rows = [{"id": "a", "times": "1"}, {"id": "b", "times": "x"}]
    assert [code for _, _, code in refused(rows, Renamed)] == ["MISSING", "MISSING"]
    assert [line for line, _, _ in refused([{"id": "a"}, {"id": "b"}], Strict)] == [1, 2]
    assert [one.id for one in read([{"id": "a"}], OwnSchema)] == ["a"]


def test_a_validator_that_raises_what_it_likes_is_the_rows_fault() -> None:
    rows = [{"id": "a", "times": 1}, {"id": "b", "times": 2}]
    assert refused(rows, Dividing) == [(1, None, "NOT_VALID")]
    report = read([{"id": "a"}], Dividing, constants={"times": 1}, errors="keep").report
    assert [fault.code for fault in report.refused] == ["NOT_VALID"]


class Reusing:
    """A source that fills one list again and again, and has rows of another kind between."""

    name = "reusing"
    columns = ("id", "minutes")

    def rows(self, table: str) -> Iterator[Row]:
        raise NotImplementedError  # what gives lists is not asked for rows

    def lists(self, table: str) -> Iterator[tuple[int, list[str]] | Row]:
        row = ["id", "minutes"]
        yield 1, row
        for number in range(200):
            if number % 3 == 2:
                yield Row(number + 2, {"minutes": "2", "id": f"v{number}"})
            else:
                row[:] = [f"v{number}", "2"]
                yield number + 2, row


def test_a_source_may_use_its_list_again() -> None:
    records = read(Reusing(), Visit)
    assert [one.id for one in records] == [f"v{number}" for number in range(200)]
    assert records.lines == tuple(range(2, 202))


def test_rows_of_many_shapes_stay_in_order() -> None:
    extra = [{f"x{shape}": ""} for shape in range(100)]
    rows = [{"id": f"v{number}", "minutes": 2} | extra[number * 7 % 100] for number in range(1_000)]
    rows[500] = {"id": "bad", "minutes": 0}
    records = read(rows, Visit, ignore=[f"x{shape}" for shape in range(100)], errors="keep")
    assert [one.id for one in records] == [f"v{number}" for number in range(1_000) if number != 500]
    assert [fault.line for fault in records.report.refused] == [501]


NEED = {
    "id": "N1",
    "household_id": "H1",
    "item": "rice",
    "quantity": 5,
    "unit": "bag",
    "category": "A",
    "code": "371502",
    "approval": "approved",
    "registered_on": "2017-05-01",
}


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ({"lat": Decimal("sNaN"), "lon": 1}, "lat", "NOT_VALID"),
        ({"code": 10**5_000}, "code", "NOT_VALID"),
        ({"quantity": Decimal("1E+30000000")}, "quantity", "OUT_OF_RANGE"),
        ({"id": Decimal("1E+30000000")}, "id", "OUT_OF_RANGE"),
        ({"quantity": "1/0", "unit": "箱"}, "quantity", "NOT_AN_INTEGER"),
        ({"quantity": "1/2", "unit": "箱"}, "quantity", "NOT_AN_INTEGER"),
        ({"quantity": "1e12000000", "unit": "箱"}, "quantity", "NOT_AN_INTEGER"),
        ({"quantity": Decimal("1E-30000000"), "unit": "箱"}, "quantity", "NOT_AN_INTEGER"),
        ({"quantity": [], "unit": "箱"}, "quantity", "NOT_AN_INTEGER"),
    ],
)
def test_numbers_that_nobody_means_cost_one_row(cells: dict[str, Any], column: str, code: str) -> None:
    records = read([NEED, NEED | {"id": "N2"} | cells], Need, units={"箱": ("kg", 2)}, errors="keep")
    assert [one.id for one in records] == ["N1"]
    assert [(fault.column, fault.code) for fault in records.report.refused] == [(column, code)]


def test_a_constant_that_is_no_number_says_so() -> None:
    row = {key: cell for key, cell in NEED.items() if key != "code"} | {"lon": 1}
    with pytest.raises(InputError) as caught:
        read([row], Need, constants={"lat": Decimal("sNaN")})
    assert caught.value.code == "BAD_CONSTANT"


def test_numpy_integers_are_integers() -> None:
    row = NEED | {"id": np.int64(5), "code": np.int64(371502), "registered_on": np.int64(20170601)}
    (one,) = read([row], Need)
    assert (one.id, one.place.code, one.registered_on) == ("5", "371502", date(2017, 6, 1))
