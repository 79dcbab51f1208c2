"""From rows to records: every bad row is reported with its place, no good row is lost, nothing private is said."""

import copy
import csv
import dataclasses
import hashlib
import pickle
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from pydantic import field_validator
from pydantic.dataclasses import dataclass
from tests.profiles import examples

from aidmatch.errors import AidMatchError, InputError, PluginError, RowsError, SourceError
from aidmatch.fields import CONFIG, Id
from aidmatch.place import Place
from aidmatch.records.case import Gate
from aidmatch.records.giving import Donation, Need, PairCost
from aidmatch.report import Fault
from aidmatch.sources.csv_files import CsvFile
from aidmatch.sources.mappings import Mappings
from aidmatch.sources.reading import Records, read
from aidmatch.sources.table import Row, Source

NEED: Mapping[str, Any] = {
    "id": "N1",
    "household_id": "H1",
    "item": "rice",
    "quantity": "5",
    "unit": "bag",
    "category": "A",
    "code": "371502",
    "lat": "36.45",
    "lon": "115.98",
    "approval": "approved",
    "registered_on": "2017-05-01",
    "needed_by": "",
}


#: Need number so-and-so as its digest sees it
LINE = (
    '{{"id":"N{0}","household_id":"H{0}","item":"rice","quantity":5,"unit":"bag","category":"A",'
    '"place":{{"code":"371502","lat":36.45,"lon":115.98}},"gate":{{"approval":"approved","notice_ended_on":null,'
    '"objected":false,"status":"open"}},"registered_on":"2017-05-01","needed_by":null,"urgent":false,'
    '"recurring_days":null,"min_quantity":1,"whole":false,"substitutes":"none","accepts":["goods"],"project":null}}\n'
)


def need(number: int = 1, **cells: Any) -> dict[str, Any]:
    return {**NEED, "id": f"N{number}", "household_id": f"H{number}", **cells}


def without(row: Mapping[str, Any], *headers: str) -> dict[str, Any]:
    return {header: cell for header, cell in row.items() if header not in headers}


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def places(faults: Iterable[Fault]) -> list[tuple[int, str | None, str]]:
    return [(fault.line, fault.column, fault.code) for fault in faults]


def refused(rows: Any, record: type = Need, **options: Any) -> list[tuple[int, str | None, str]]:
    """Faults, the same whether they are raised or kept."""
    rows = list(rows)
    with pytest.raises(RowsError) as caught:
        read(rows, record, **options)
    assert caught.value.report == read(rows, record, errors="keep", **options).report
    return places(caught.value.report.refused)


def refusal(source: Any, record: type = Need, kind: type[AidMatchError] = SourceError, **options: Any) -> AidMatchError:
    with pytest.raises(kind) as caught:
        read(source, record, **options)
    assert type(caught.value) is kind
    return caught.value


# ---- what comes out


def test_a_table_becomes_records(tmp_path: Path) -> None:
    needs = read(write_csv(tmp_path / "needs.csv", [need(1), need(2, quantity="7", needed_by="2017-07-01")]), Need)
    first, second = needs
    assert first == Need(
        id="N1",
        household_id="H1",
        item="rice",
        quantity=5,
        unit="bag",
        category="A",
        place=Place(code="371502", lat=36.45, lon=115.98),
        gate=Gate(approval="approved"),
        registered_on=date(2017, 5, 1),
    )
    assert (second.quantity, second.needed_by) == (7, date(2017, 7, 1))
    assert needs.report.text() == "needs.csv: 2 rows read, 2 kept"


def test_records_are_a_sequence_that_knows_its_places(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "needs.csv", [need(1), need(2, lat="x"), need(3)])
    needs = read(path, Need, errors="keep")
    assert isinstance(needs, Sequence)
    assert [one.id for one in needs] == ["N1", "N3"] == [needs[0].id, needs[-1].id]
    assert needs[:1] == (needs[0],)
    assert needs[1] in needs
    assert needs.index(needs[1]) == 1
    assert needs.source == "needs.csv"
    assert needs.lines == (2, 4)
    assert needs.where(1) == "needs.csv line 4"
    assert repr(needs) == "<Records: 2 Need from needs.csv>"
    with pytest.raises(dataclasses.FrozenInstanceError):
        needs.source = "other"  # type: ignore[misc]  # that it cannot be set is what is tested
    assert not hasattr(needs, "__dict__")


def test_records_pickle() -> None:
    needs = read([need(1), need(2, quantity=0)], Need, errors="keep")
    for again in (pickle.loads(pickle.dumps(needs)), copy.deepcopy(needs)):
        assert again == needs
        assert again.digest == needs.digest
        assert again.report == needs.report
    assert pickle.loads(pickle.dumps(needs)).digest == needs.digest


@with_settings(max_examples=examples(50))
@given(seed=st.integers(0, 10**6))
def test_the_digest_does_not_depend_on_the_order_of_rows(seed: int) -> None:
    rows = [need(number, quantity=1 + number % 3) for number in range(12)]
    shuffled = rows.copy()
    random.Random(seed).shuffle(shuffled)
    assert read(shuffled, Need).digest == read(rows, Need).digest


def test_the_digest_depends_on_every_value_and_on_nothing_else() -> None:
    digest = read([need(1), need(2)], Need).digest
    assert digest == hashlib.sha256((LINE.format(1) + LINE.format(2)).encode()).hexdigest()
    assert read([need(1), need(2, quantity=5, lat=36.45)], Need).digest == digest
    assert read([need(1), need(2), need(2)], Need).digest == digest
    assert read([need(1)], Need).digest != digest
    assert read([need(1), need(2, quantity=6)], Need).digest != digest
    assert read([need(1), need(2, status="closed")], Need).digest != digest
    unnamed = [{"lat": 1, "lon": 2}, {"lat": 3, "lon": 4}]
    assert read(unnamed, Place).digest == read(unnamed[::-1], Place).digest


# ---- what may be read


def rows_of(*rows: Any) -> Iterator[Any]:
    yield from rows


class Shelf:
    """A source of its own."""

    def __init__(self, rows: Any, **attributes: Any) -> None:
        self._rows = rows
        vars(self).update(attributes)

    def rows(self, table: str) -> Iterable[Mapping[str, Any] | Row]:
        self.asked = table
        found: Iterable[Mapping[str, Any] | Row] = self._rows() if callable(self._rows) else self._rows
        return found


@pytest.mark.parametrize("give", [list, tuple, rows_of, Mappings, Shelf, lambda *rows: Mappings(iter(rows))])
def test_any_iterable_of_mappings_and_any_source(give: Callable[..., Any]) -> None:
    rows = [need(1), need(2)]
    given = give(*rows) if give is rows_of or give.__name__ == "<lambda>" else give(rows)
    assert [one.id for one in read(given, Need)] == ["N1", "N2"]


def test_every_built_in_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(Path("needs.csv"), [NEED])
    write_csv(Path("NEEDS.CSV"), [NEED])
    write_csv(Path("data.txt"), [NEED])
    line = '{"id": "N1", "household_id": "H1", "item": "rice", "quantity": 5, "unit": "bag", "category": "A", '
    line += '"code": "371502", "lat": 36.45, "lon": 115.98, "approval": "approved", "registered_on": "2017-05-01"}'
    for name, text in (("needs.json", f"[{line}]"), ("needs.jsonl", line), ("needs.ndjson", line), ("c", f"[{line}]")):
        Path(name).write_text(text, encoding="utf-8")
    digest = read([NEED], Need).digest
    for source in ("needs.csv", "NEEDS.CSV", "needs.json", "needs.jsonl", "needs.ndjson", "csv:data.txt", "json:c"):
        assert read(source, Need).digest == digest
    assert read("jsonl:needs.jsonl", Need).source == "needs.jsonl"
    assert read(tmp_path / "needs.csv", Need).digest == digest
    assert read(CsvFile("data.txt"), Need).source == "data.txt"


def test_a_source_is_asked_for_the_records_table() -> None:
    for record, table, row in (
        (Need, "needs", NEED),
        (Place, "places", {"code": "37"}),
        (PairCost, "pairs", {"demand_id": "a", "supply_id": "b", "cost": 1}),
    ):
        shelf = Shelf([row])
        assert read(shelf, record).source == "Shelf"
        assert shelf.asked == table
    assert read(Shelf([NEED], name="the shelf"), Need).source == "the shelf"


@pytest.mark.parametrize("source", [b"needs.csv", NEED, 3, None, Need])
def test_what_is_no_source_is_refused(source: Any) -> None:
    assert refusal(source).code == "NOT_A_SOURCE"


@pytest.mark.parametrize("source", ["needs", "needs.txt", "id,item\nN1,rice", "x" * 10_000, Path("needs.xml")])
def test_a_path_has_a_known_suffix(source: Any) -> None:
    error = refusal(source)
    assert error.code == "UNKNOWN_SUFFIX"
    assert all(suffix in str(error) for suffix in (".csv", ".tsv", ".json", ".jsonl", ".ndjson"))
    assert "rice" not in str(error)


def test_a_drive_is_no_scheme() -> None:
    assert refusal(r"C:\x.csv").code == "NOT_FOUND"
    assert refusal("./odd:name.csv").code == "NOT_FOUND"
    assert refusal("nowhere.csv").code == "NOT_FOUND"


@pytest.mark.parametrize(
    "target",
    [
        "sql:postgresql://user:secret@host/db",
        "sql:postgresql://user:12secret@host/db",
        "sql:redis://:secret@host",
        "sql:mysql://user:sec@re/t@host/db",
        "sql:host=h user=u password=secret",
        "sql:Server=h;PWD=secret",
        "postgresql://host/db?password=secret",
        "https://user:secret@host/needs.csv",
    ],
)
def test_no_password_stands_in_a_target(target: str) -> None:
    error = refusal(target)
    assert error.code == "PASSWORD_IN_TARGET"
    assert "secret" not in str(error)


@pytest.mark.parametrize("target", ["shelf:http://host:8080/a@b:c", "shelf:https://host/a:b@c", "shelf:user@host"])
def test_an_address_without_a_password_is_none(target: str, plug_in: Callable[..., None]) -> None:
    plug_in(shelf=lambda _: Shelf([NEED]))
    assert len(read(target, Need)) == 1


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Install a distribution whose entry points are the functions given, for as long as the test runs."""

    def plug_in(**made: Any) -> None:
        module = ModuleType("plugged_in_for_a_test")
        vars(module).update(made)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        info = tmp_path / "plugged-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n", encoding="utf-8")
        entries = "".join(f"{name} = {module.__name__}:{name}\n" for name in made)
        (info / "entry_points.txt").write_text(f"[aidmatch.sources]\n{entries}", encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)

    return plug_in


def test_a_plug_in_is_called_with_its_target(plug_in: Callable[..., None]) -> None:
    targets = []

    def ledger(target: str) -> Source:
        targets.append(target)
        return Shelf([NEED, need(2, quantity=0)], name="" if target else "x")

    plug_in(ledger=ledger)
    assert places(read("ledger:production:2017", Need, errors="keep").report.refused) == [
        (2, "quantity", "OUT_OF_RANGE")
    ]
    assert read("ledger:production:2017", Need, errors="keep").source == "ledger"
    assert targets == ["production:2017"] * 2


def fails(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


def fails_later() -> Iterator[Any]:
    yield NEED
    raise KeyError("secret")


def test_a_failing_plug_in_is_named(plug_in: Callable[..., None]) -> None:
    plug_in(
        early=fails(ValueError("secret")),
        midway=lambda _: Shelf(fails(OSError("secret"))),
        late=lambda _: Shelf(fails_later),
        nothing=lambda _: Shelf(None),
        known=lambda _: Shelf(fails(SourceError("no such table", code="NO_TABLE"))),
        refuses=fails(InputError("no such ledger", code="NO_LEDGER")),
        hollow=lambda _: object(),
    )
    for name, cause in (("early", ValueError), ("midway", OSError), ("late", KeyError), ("nothing", TypeError)):
        error = refusal(f"{name}:x", errors="keep")
        assert error.code == "SOURCE_FAILED"
        assert repr(name) in str(error) or "Shelf" in str(error)
        assert "secret" not in str(error)
        assert type(error.__cause__) is cause
    assert refusal("known:x").code == "NO_TABLE"
    assert refusal("refuses:x", kind=InputError).code == "NO_LEDGER"
    assert refusal("hollow:x", kind=PluginError).code == "BROKEN_PLUGIN"
    assert refusal("unheard-of:x", kind=PluginError).code == "UNKNOWN_PLUGIN"
    assert refusal(fails_later()).code == "SOURCE_FAILED"


# ---- columns, values, constants


def test_columns_are_read_under_their_own_headers() -> None:
    row = without({**need(1, quantity="x"), "编号": "N9", "数量": "5"}, "id", "quantity")
    names = {"id": "编号", "quantity": "数量"}
    assert read([row], Need, columns=names)[0].id == "N9"
    assert refused([{**row, "数量": "five"}], columns=names) == [(1, "数量", "NOT_AN_INTEGER")]


def test_columns_that_are_not_wanted_are_left_out_and_no_others() -> None:
    row = {**need(1), "姓名": "somebody", "备注": "x"}
    assert read([row], Need, ignore=["姓名", "备注", "电话"])[0].id == "N1"
    with pytest.raises(SourceError, match="备注") as caught:
        read([row], Need, ignore=["姓名"])
    assert "ignore=" in str(caught.value)
    assert "somebody" not in str(caught.value)
    with pytest.raises(InputError, match="'item', which is a column of Need"):
        read([row], Need, ignore=["item"])


def test_a_header_that_is_named_and_not_there_is_named_first(tmp_path: Path) -> None:
    path = tmp_path / "needs.csv"
    path.write_text("编号,数量\nN1,3\n", encoding="utf-8")
    with pytest.raises(SourceError, match="has no column '数目', which columns= names") as caught:
        read(path, Need, columns={"id": "编号", "quantity": "数目"})
    assert caught.value.code == "MISSING_COLUMN"


@pytest.mark.parametrize("separator", [";", "\t"])
def test_another_separator_is_guessed_in_words_and_not_in_silence(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "needs.csv"
    path.write_text(separator.join(("id", "quantity")) + "\n", encoding="utf-8")
    with pytest.raises(SourceError, match="not commas"):
        read(path, Need)


def test_each_of_several_values_in_a_cell_is_translated() -> None:
    ours = {"accepts": {"物品": "goods", "现金": "money"}}
    for cell in ("物品;现金", "物品；现金", " 现金 ; 物品 "):
        assert read([need(1, accepts=cell)], Need, values=ours)[0].accepts == ("goods", "money")
    assert set(refused([need(1, accepts="物品;别的")], values=ours)) == {(1, "accepts", "NOT_ALLOWED")}


def test_values_are_translated_as_text() -> None:
    ours: dict[str, dict[Any, Any]] = {
        "category": {"1": "A", 2: "B"},
        "approval": {"已批准": "approved"},
        "needed_by": {"无": None, "": "2017-08-01"},
    }
    row = need(1, approval=" 已批准 ", needed_by="无")
    rows = [{**row, "category": 1}, {**row, "id": "N2", "category": "2 ", "needed_by": None}, need(3, category="C")]
    needs = read(rows, Need, values=ours)
    assert [one.category for one in needs] == ["A", "B", "C"]
    assert [one.needed_by for one in needs] == [None, date(2017, 8, 1), date(2017, 8, 1)]
    assert read([need(1, accepts=["goods", "money"])], Need, values={"accepts": {"x": "y"}})[0].accepts == (
        "goods",
        "money",
    )
    assert refused([need(1, approval="否")], values=ours) == [(1, "approval", "NOT_ALLOWED")]


def test_constants_fill_what_the_source_does_not_tell(tmp_path: Path) -> None:
    rows = [without(need(number), "approval", "needed_by") for number in (1, 2)]
    filled = {"approval": "approved", "needed_by": date(2017, 8, 1), "recurring_days": None}
    for source in (rows, write_csv(tmp_path / "needs.csv", rows)):
        needs = read(source, Need, constants=filled)
        assert [(one.gate.approval, one.needed_by) for one in needs] == [("approved", date(2017, 8, 1))] * 2


def test_a_constant_has_no_column(tmp_path: Path) -> None:
    given = {"approval": "approved"}
    assert refusal(write_csv(tmp_path / "needs.csv", [NEED]), constants=given).code == "CONSTANT_AND_COLUMN"
    assert refusal([NEED], constants=given).code == "CONSTANT_AND_COLUMN"
    rows = [without(need(1), "approval"), need(2)]
    assert refused(rows, constants=given) == [(2, "approval", "CONSTANT_AND_COLUMN")]
    options: list[dict[str, Any]] = [{"columns": {"approval": "审批"}}, {"values": {"approval": {}}}]
    for option in options:
        assert refusal([NEED], kind=InputError, constants=given, **option).code == "CONSTANT_AND_COLUMN"


@pytest.mark.parametrize("value", ["yes", None, " "])
def test_a_wrong_constant_is_no_rows_fault(value: Any) -> None:
    rows = [without(NEED, "approval")]
    error = refusal(rows, kind=InputError, constants={"approval": value}, errors="keep")
    assert error.code == "BAD_CONSTANT"
    assert "'approval'" in str(error)


@pytest.mark.parametrize("option", ["columns", "values", "constants"])
@pytest.mark.parametrize(
    ("field", "hint"), [("aproval", "did you mean 'approval'?"), ("place", "spelled by code, lat, lon"), ("Z", "Need")]
)
def test_maps_name_fields(option: str, field: str, hint: str) -> None:
    named: dict[str, Any] = {option: {field: {} if option == "values" else "x"}}
    error = refusal([NEED], kind=InputError, **named)
    assert error.code == "UNKNOWN_FIELD"
    assert hint in str(error)
    assert option in str(error)


def test_one_header_fills_one_field() -> None:
    for columns in ({"item": "x", "unit": "x"}, {"item": "unit"}):
        assert refusal([NEED], kind=InputError, columns=columns).code == "DUPLICATE_COLUMN"


def test_errors_is_raise_or_keep() -> None:
    assert refusal([NEED], kind=InputError, errors="ignore").code == "UNKNOWN_OPTION"


@pytest.mark.parametrize("record", [dict, NEED, int])
def test_a_record_is_a_dataclass(record: Any) -> None:
    assert refusal([NEED], record, kind=InputError).code == "NOT_A_RECORD"


@pytest.mark.parametrize("rows", [[], [NEED], [NEED, NEED]])
def test_unknown_columns_are_refused_all_at_once(tmp_path: Path, rows: list[Any]) -> None:
    path = write_csv(
        tmp_path / "needs.csv", [{**row, "quantty": "", "phone": "", "place": ""} for row in rows or [NEED]]
    )
    if not rows:
        path.write_text(path.read_text(encoding="utf-8").splitlines()[0], encoding="utf-8")
    error = refusal(path, errors="keep")
    assert error.code == "UNKNOWN_COLUMN"
    for words in (
        "'quantty'",
        "did you mean 'quantity'?",
        "'phone'",
        "'place'",
        "spelled by code, lat, lon",
        "needs.csv",
    ):
        assert words in str(error)
    renamed = refusal([need(1, 数量=5)], columns={"quantity": "数量"})
    assert "columns= names '数量' instead" in str(renamed)


def test_a_key_unknown_in_every_row_is_the_sources_and_else_the_rows_fault() -> None:
    assert refusal([need(1, phone=None), need(2, phone=1, fax=2)], errors="keep").code == "UNKNOWN_COLUMN"
    rows = [need(number) for number in range(600)]
    rows[499] = need(499, quantty=None, lat="x")
    assert refused(rows) == [(500, "quantty", "UNKNOWN_COLUMN"), (500, "lat", "NOT_A_NUMBER")]
    assert refused([need(1, phone=1), need(2)]) == [(1, "phone", "UNKNOWN_COLUMN")]
    nameless: dict[Any, Any] = {**need(3), None: 1}
    assert refused([need(1, phone=1), need(2, fax=1), nameless]) == [
        (line, header, "UNKNOWN_COLUMN") for line, header in ((1, "phone"), (2, "fax"), (3, "None"))
    ]


def test_a_source_that_names_its_columns_is_held_to_them() -> None:
    assert refusal(Shelf([], columns=[*NEED, "phone"])).code == "UNKNOWN_COLUMN"
    records = read(Shelf([need(1, phone=1)], columns=tuple(NEED)), Need, errors="keep")
    assert places(records.report.refused) == [(1, "phone", "UNKNOWN_COLUMN")]


def test_columns_that_are_missing_are_named(tmp_path: Path) -> None:
    row = without(NEED, "approval", "unit", "needed_by")
    for source in ([row, row], write_csv(tmp_path / "needs.csv", [row]), Shelf([], columns=tuple(row))):
        error = refusal(source, errors="keep")
        assert error.code == "MISSING_COLUMN"
        for words in ("'unit'", "'approval'", "never assumed", "constants={'approval': 'approved'}"):
            assert words in str(error)
        assert "needed_by" not in str(error)
    assert "constants" not in str(refusal([without(NEED, "unit")]))


def test_a_column_the_caller_names_is_there(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "needs.csv", [without(NEED, "needed_by")])
    error = refusal(path, columns={"needed_by": "截止"})
    assert error.code == "MISSING_COLUMN"
    assert "'截止'" in str(error)


def test_a_key_missing_in_some_rows_is_their_fault() -> None:
    assert refused([NEED, without(need(2), "unit")]) == [(2, "unit", "MISSING")]


@pytest.mark.parametrize("empty", ["", "  ", "\u3000", "\t", None])
def test_empty_cells_are_missing(empty: Any) -> None:
    (one,) = read([need(1, needed_by=empty, substitutes=empty, accepts=empty, code=empty)], Need)
    assert (one.needed_by, one.substitutes, one.accepts, one.place.code) == (None, "none", ("goods",), None)
    assert refused([need(1, unit=empty), need(2)]) == [(1, "unit", "MISSING")]
    assert refused([need(1, code=empty, lat=empty, lon=empty), need(2)]) == [(1, None, "NO_PLACE")]


# ---- faults


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ({"unit": ""}, "unit", "MISSING"),
        ({"quantity": "five"}, "quantity", "NOT_AN_INTEGER"),
        ({"quantity": "2.5"}, "quantity", "NOT_AN_INTEGER"),
        ({"quantity": 2.5}, "quantity", "NOT_AN_INTEGER"),
        ({"quantity": []}, "quantity", "NOT_AN_INTEGER"),
        ({"quantity": True}, "quantity", "NOT_AN_INTEGER"),
        ({"quantity": 1e17}, "quantity", "INEXACT"),
        ({"quantity": "0"}, "quantity", "OUT_OF_RANGE"),
        ({"quantity": "9" * 19}, "quantity", "OUT_OF_RANGE"),
        ({"quantity": "9" * 9999}, "quantity", "OUT_OF_RANGE"),
        ({"lat": "91"}, "lat", "OUT_OF_RANGE"),
        ({"lon": "-181"}, "lon", "OUT_OF_RANGE"),
        ({"lat": "north"}, "lat", "NOT_A_NUMBER"),
        ({"lat": []}, "lat", "NOT_A_NUMBER"),
        ({"lat": "nan"}, "lat", "NOT_A_NUMBER"),
        ({"lat": ""}, None, "HALF_POINT"),
        ({"code": "", "lat": "", "lon": ""}, None, "NO_PLACE"),
        ({"code": "37-15"}, "code", "BAD_FORMAT"),
        ({"code": 371502.5}, "code", "NOT_TEXT"),
        ({"code": True}, "code", "NOT_TEXT"),
        ({"code": "3.71502E+11"}, "code", "LOST_DIGITS"),
        ({"id": "1.1E+17"}, "id", "LOST_DIGITS"),
        ({"household_id": 371502198001011234.0}, "household_id", "LOST_DIGITS"),
        ({"quantity": "1E+17"}, "quantity", "LOST_DIGITS"),
        ({"registered_on": "01/06/2017"}, "registered_on", "AMBIGUOUS_DATE"),
        ({"registered_on": "1-6-17"}, "registered_on", "AMBIGUOUS_DATE"),
        ({"registered_on": "2017年13月1日"}, "registered_on", "NOT_A_DATE"),
        ({"registered_on": "2017-6/1"}, "registered_on", "NOT_A_DATE"),
        ({"item": ["rice"]}, "item", "NOT_TEXT"),
        ({"item": "\ud800"}, "item", "NOT_TEXT"),
        ({"item": "x" * 65}, "item", "TOO_LONG"),
        ({"id": "x" * 65}, "id", "TOO_LONG"),
        ({"accepts": ["x" * 65]}, "accepts", "NOT_ALLOWED"),
        ({"accepts": {"goods": True}}, "accepts", "NOT_A_LIST"),
        ({"registered_on": "May"}, "registered_on", "NOT_A_DATE"),
        ({"registered_on": "2017-02-30"}, "registered_on", "NOT_A_DATE"),
        ({"registered_on": 42887}, "registered_on", "NOT_A_DATE"),
        ({"registered_on": []}, "registered_on", "NOT_A_DATE"),
        ({"registered_on": "2017-05-01T10:30:00"}, "registered_on", "NOT_A_DATE"),
        ({"registered_on": datetime(2017, 5, 1, 10)}, "registered_on", "NOT_A_DATE"),  # noqa: DTZ001
        ({"urgent": "perhaps"}, "urgent", "NOT_A_BOOLEAN"),
        ({"urgent": 2.5}, "urgent", "NOT_A_BOOLEAN"),
        ({"urgent": []}, "urgent", "NOT_A_BOOLEAN"),
        ({"approval": "yes"}, "approval", "NOT_ALLOWED"),
        ({"substitutes": 3}, "substitutes", "NOT_ALLOWED"),
        ({"id": 1.5}, "id", "BAD_ID"),
        ({"id": "N\n1"}, "id", "BAD_ID"),
        ({"id": "371502198001011234"}, "id", "PERSONAL_ID"),
        ({"household_id": "tel 13912345678"}, "household_id", "PERSONAL_ID"),
    ],
)
def test_every_kind_of_bad_cell_has_a_code(cells: dict[str, Any], column: str | None, code: str) -> None:
    assert refused([need(1), need(2, **cells), need(3)]) == [(2, column, code)]
    report = read([need(1), need(2, **cells), need(3)], Need, errors="keep").report
    (value, *_) = cells.values()
    assert len(str(value)) < 2 or str(value) not in report.text()


def test_messages_say_what_is_expected() -> None:
    rows = [
        need(1),
        need(2, lat="115.98", lon="36.45", approval="yes", item="x" * 65, registered_on="2017-05-01 10:00"),
    ]
    text = read(rows, Need, errors="keep").report.text()
    assert "should be at most 90.0 (are lat and lon swapped?)" in text
    assert "'applied', 'surveyed', 'appraised', 'published', 'approved' or 'rejected'" in text
    assert "at most 64 characters" in text
    assert "without a time of day" in text


def test_every_fault_of_a_row_is_reported() -> None:
    rows = [need(1, quantity="0", unit="", lat="x", phone=1), need(2)]
    assert sorted(refused(rows), key=str) == [
        (1, "lat", "NOT_A_NUMBER"),
        (1, "phone", "UNKNOWN_COLUMN"),
        (1, "quantity", "OUT_OF_RANGE"),
        (1, "unit", "MISSING"),
    ]


def test_a_row_that_is_no_mapping_is_a_fault() -> None:
    assert refused([NEED, "N2", None, 3]) == [(line, None, "NOT_AN_OBJECT") for line in (2, 3, 4)]


def test_a_sources_own_faults_are_kept() -> None:
    fault = Fault("shelf", 7, "x", "TORN", "is torn")
    records = read(Shelf([Row(5, NEED), Row(7, {}, fault), Row(9, need(2))]), Need, errors="keep")
    assert records.report.refused == (fault,)
    assert records.lines == (5, 9)
    assert (records.report.rows_read, records.report.rows_kept) == (3, 2)


def test_ten_broken_rows_of_ten_kinds(tmp_path: Path) -> None:
    good = [need(number) for number in range(200)]
    lines = write_csv(tmp_path / "good.csv", good).read_bytes().splitlines()
    broken = {
        20: (b"N1,H1,rice", None, "WRONG_NUMBER_OF_CELLS"),
        40: (b'N1,"H1,rice,5,bag,A,371502,36.45,115.98,approved,2017-05-01,', None, "BAD_QUOTE"),
        60: (b"N1,\xff,rice,5,bag,A,371502,36.45,115.98,approved,2017-05-01,", None, "BAD_ENCODING"),
        80: (b"N1,H1,rice\0,5,bag,A,371502,36.45,115.98,approved,2017-05-01,", None, "BAD_CHARACTER"),
        100: (b"N1,H1,rice,5 bags,bag,A,371502,36.45,115.98,approved,2017-05-01,", "quantity", "NOT_AN_INTEGER"),
        120: (b"N1,H1,rice,5,bag,A,371502,115.98,36.45,approved,2017-05-01,", "lat", "OUT_OF_RANGE"),
        140: (b"N1,H1,rice,5,bag,A,371502,36.45,,approved,2017-05-01,", None, "HALF_POINT"),
        160: (b"N1,H1,rice,5,bag,A,371502,36.45,115.98,perhaps,2017-05-01,", "approval", "NOT_ALLOWED"),
        180: (b"N1,H1,,5,bag,A,371502,36.45,115.98,approved,2017-05-01,", "item", "MISSING"),
        200: (b"13912345678,H1,rice,5,bag,A,371502,36.45,115.98,approved,2017-05-01,", "id", "PERSONAL_ID"),
    }
    for line, (content, _, _) in sorted(broken.items()):
        lines.insert(line - 1, content)
    path = tmp_path / "needs.csv"
    path.write_bytes(b"\r\n".join(lines))
    needs = read(path, Need, errors="keep")
    assert places(needs.report.refused) == [(line, column, code) for line, (_, column, code) in broken.items()]
    assert {fault.source for fault in needs.report.refused} == {"needs.csv"}
    assert list(needs) == list(read(good, Need))
    assert (needs.report.rows_read, needs.report.rows_kept) == (210, 200)
    error = refusal(path, kind=RowsError)
    assert isinstance(error, RowsError)
    assert error.report == needs.report
    assert "needs.csv line 120, column 'lat' [OUT_OF_RANGE]" in str(error)
    assert "13912345678" not in str(error)


# ---- repetitions


def test_the_same_row_twice_is_kept_once() -> None:
    needs = read([need(1), need(2), need(1), need(1, quantity=5)], Need)
    assert [one.id for one in needs] == ["N1", "N2"]
    assert places(needs.report.flagged) == [(3, None, "DUPLICATE_ROW"), (4, None, "DUPLICATE_ROW")]
    assert "line 1" in needs.report.flagged[0].message
    assert (needs.report.rows_read, needs.report.rows_kept) == (4, 2)


def test_different_rows_with_one_id_are_all_refused() -> None:
    rows = [need(1), need(2), need(1), need(1, quantity=6), need(3)]
    assert refused(rows) == [(line, "id", "DUPLICATE_ID") for line in (1, 3, 4)]
    needs = read(rows, Need, errors="keep")
    assert [one.id for one in needs] == ["N2", "N3"]
    assert needs.lines == (2, 5)
    assert not needs.report.flagged
    renamed = [without({**row, "编号": row["id"]}, "id") for row in rows]
    assert refused(renamed, columns={"id": "编号"})[0] == (1, "编号", "DUPLICATE_ID")


def test_the_same_household_and_item_open_twice_is_flagged() -> None:
    same = {"household_id": "H1", "item": "rice"}
    rows = [
        need(1, **same),
        need(2, **same),
        need(3, household_id="H1"),
        need(4, **same, status="closed"),
        need(2, **same),
    ]
    needs = read([*rows, need(5, household_id="H1", item="oil")], Need)
    assert len(needs) == 5
    assert places(needs.report.flagged) == [
        (2, None, "SAME_HOUSEHOLD_AND_ITEM"),
        (3, None, "SAME_HOUSEHOLD_AND_ITEM"),
        (5, None, "DUPLICATE_ROW"),
    ]
    assert needs.report.flagged[0].message.endswith("line 1")


def test_what_tells_one_record_from_another_is_its_kinds() -> None:
    pairs = [{"demand_id": "a", "supply_id": supply, "cost": cost} for supply, cost in (("b", 1), ("c", 1), ("b", 2))]
    assert refused(pairs, PairCost) == [(1, None, "DUPLICATE_ID"), (3, None, "DUPLICATE_ID")]
    points = [{"code": "37", "lat": 1, "lon": lon} for lon in (1, 2)]
    assert refused(points, Place) == [(1, "code", "DUPLICATE_ID"), (2, "code", "DUPLICATE_ID")]
    assert len(read([{"lat": 1, "lon": 1}] * 2, Place)) == 2
    lots = [{"id": "L1", "donor_id": "D1", "item": "rice", "quantity": 1, "unit": "bag", "code": "37"}] * 2
    assert places(read(lots, Donation).report.flagged) == [(2, None, "DUPLICATE_ROW")]


# ---- records from outside


@dataclasses.dataclass(frozen=True)
class Visit:
    """A record of the standard library, with a part that may be absent."""

    day: date
    minutes: int = 30
    place: Place | None = None


@dataclass(frozen=True, config=CONFIG)
class Picky:
    """A record with a rule of its own, which says what it sees."""

    id: Id
    word: str = ""

    @field_validator("word")
    @classmethod
    def _polite(cls, word: str) -> str:
        if word == "please":
            return word
        if word == "divide":
            raise ZeroDivisionError(word)
        raise ValueError(f"{word} is not polite")


@dataclasses.dataclass(frozen=True)
class Deep:
    visit: Visit


@dataclasses.dataclass(frozen=True)
class Twofold:
    code: str
    place: Place


def test_any_dataclass_is_a_record() -> None:
    rows = [{"day": "2017-05-01"}, {"day": "2017-05-01"}, {"day": "2017-05-02", "minutes": "5", "code": "37"}]
    shelf = Shelf(rows)
    visits = read(shelf, Visit)
    assert list(visits) == [Visit(date(2017, 5, 1))] * 2 + [Visit(date(2017, 5, 2), 5, Place(code="37"))]
    assert shelf.asked == "Visit"
    assert refused([*rows, {"day": "2017-05-02", "lat": 1}], Visit) == [(4, None, "HALF_POINT")]
    for record in (Deep, Twofold):
        assert refusal(rows, record, kind=InputError).code == "NOT_A_RECORD"


def test_a_rule_from_outside_says_nothing_of_the_value() -> None:
    rows = [{"id": 1, "word": "please"}, {"id": 2, "word": "secret"}, {"id": 3, "word": "divide"}]
    assert refused(rows, Picky) == [(2, "word", "NOT_VALID"), (3, None, "NOT_VALID")]
    assert "secret" not in read(rows, Picky, errors="keep").report.text()


# ---- privacy


def test_no_cell_is_repeated_in_any_message_or_repr() -> None:
    cells = dict.fromkeys(NEED, "canary") | {"id": 1.25, "urgent": "canary", "accepts": {"canary": 1}}
    records = read([need(1), cells, need(3, id="canary"), need(4, id="canary")], Need, errors="keep")
    with pytest.raises(RowsError) as caught:
        read([need(1), cells, need(3, id="canary"), need(4, id="canary")], Need)
    for text in (repr(records), records.report.text(), str(caught.value), repr(caught.value), repr(Mappings([cells]))):
        assert "canary" not in text


def test_the_report_of_many_rows_is_in_order_of_line() -> None:
    rows = [need(5, quantity=1), need(1, lat="x"), need(5, quantity=2), need(2, lat="x"), need(7)]
    lines = [fault.line for fault in read(rows, Need, errors="keep").report.refused]
    assert lines == [1, 2, 3, 4]


def test_records_of_nothing() -> None:
    none: Records[Need] = read([], Need)
    assert len(none) == 0
    assert len(none.digest) == 64
    assert repr(none) == "<Records: 0 Need from rows>"
