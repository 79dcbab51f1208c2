"""Frames, Parquet and Arrow: the same records as from text, and what is missing is missing."""

import sys
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather, ipc, parquet

from aidmatch.errors import PluginError, RowsError, SourceError
from aidmatch.records.giving import Need
from aidmatch.sources import ArrowFile, Frame, Parquet
from aidmatch.sources.reading import read

COLUMNS: dict[str, list[Any]] = {
    "id": ["N1", "N2", "N3"],
    "household_id": [11, 12, 13],
    "item": ["大米", "棉被", "轮椅"],
    "quantity": [5, 2, 1],
    "unit": ["袋", "床", "辆"],
    "category": ["A", "B", "C"],
    "code": [371502001001, 371502001002, 371502001003],
    "lat": [36.0, None, 36.5],
    "lon": [115.5, None, 116.0],
    "approval": ["approved"] * 3,
    "registered_on": [date(2017, 5, 1), date(2017, 5, 2), date(2017, 5, 3)],
    "needed_by": [None, date(2017, 7, 1), None],
    "recurring_days": [None, 30, None],
    "accepts": [["goods"], ["goods", "money"], ["service"]],
}


def rows(columns: dict[str, list[Any]] = COLUMNS) -> list[dict[str, Any]]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def a_relation(columns: dict[str, list[Any]]) -> Any:
    table = pa.table(columns)
    return duckdb.connect().from_arrow(table)


FRAMES: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "pandas": pd.DataFrame,
    "pandas dates": lambda columns: pd.DataFrame(columns).astype(
        {"registered_on": "datetime64[ns]", "needed_by": "datetime64[ns]"}
    ),
    "pandas nullable": lambda columns: pd.DataFrame(columns).convert_dtypes(),
    "polars": pl.DataFrame,
    "polars lazy": pl.LazyFrame,
    "pyarrow": pa.table,
    "pyarrow reader": lambda columns: pa.table(columns).to_reader(),
    "narwhals": lambda columns: nw.from_native(pl.DataFrame(columns)),
    "duckdb": a_relation,
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_every_frame_gives_the_records_that_rows_give(make: Callable[..., Any]) -> None:
    needs = read(make(COLUMNS), Need)
    assert needs.digest == read(rows(), Need).digest
    assert needs.source == "frame"
    assert needs.lines == (1, 2, 3)
    assert needs[0].household_id == "11"
    assert needs[1].place.code == "371502001002"


def test_an_id_that_became_a_float_is_kept_or_refused_by_its_digits() -> None:
    frame = pd.DataFrame({**COLUMNS, "household_id": [11, None, 371502198001011234]})
    assert frame["household_id"].dtype == float
    faults = read(frame, Need, errors="keep").report.refused
    assert [(fault.line, fault.column, fault.code) for fault in faults] == [
        (2, "household_id", "MISSING"),
        (3, "household_id", "LOST_DIGITS"),
    ]


def test_decimals_are_numbers() -> None:
    columns = {**COLUMNS, "household_id": [Decimal(11), Decimal(12), Decimal(13)]}
    columns["lat"] = [Decimal("36.0"), None, Decimal("36.5")]
    columns["code"] = [Decimal(code) for code in COLUMNS["code"]]
    columns["quantity"] = [Decimal("5.0"), Decimal(2), Decimal(1)]
    assert read(pa.table(columns), Need).digest == read(rows(), Need).digest
    columns["quantity"] = [Decimal("5.5"), Decimal(2), Decimal(1)]
    with pytest.raises(RowsError, match=r"line 1, column 'quantity' \[NOT_AN_INTEGER\]"):
        read(pa.table(columns), Need)


def test_a_frame_without_rows_is_held_to_its_columns() -> None:
    assert len(read(pl.DataFrame(COLUMNS).head(0), Need)) == 0
    with pytest.raises(SourceError, match="'unit'"):
        read(pl.DataFrame(COLUMNS).head(0).drop("unit"), Need)


def test_what_is_no_frame_is_refused() -> None:
    things: tuple[Any, ...] = (pl.Series([1]).to_arrow(), pd.Timestamp("2017-06-01"))
    for thing in things:
        with pytest.raises(SourceError) as caught:
            read(thing, Need)
        assert caught.value.code == "NOT_A_SOURCE"
    doubled = pd.DataFrame([[1, 2]], columns=["id", "id"])
    with pytest.raises(SourceError) as caught:
        read(doubled, Need)
    assert caught.value.code == "DUPLICATE_COLUMN"


class Stream:
    """What only has the Arrow stream interface."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return pa.table(COLUMNS).__arrow_c_stream__(requested_schema)


def test_the_arrow_interface_is_enough() -> None:
    assert len(read(Stream(), Need)) == 3


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    frame = pl.DataFrame(COLUMNS)
    path = tmp_path / "needs.parquet"
    frame.write_parquet(path)
    for module in ("narwhals", "pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, module, None)
    sources: tuple[tuple[Any, str], ...] = ((frame, "frames"), (path, "parquet"), (ArrowFile(path), "parquet"))
    for source, extra in sources:
        with pytest.raises(PluginError, match=rf"aidmatch\[{extra}\]") as caught:
            read(source, Need)
        assert caught.value.code == "MISSING_EXTRA"


def test_parquet_and_arrow_files(tmp_path: Path) -> None:
    table = pa.table(COLUMNS)
    parquet.write_table(table, tmp_path / "needs.parquet", row_group_size=2)
    feather.write_feather(table, tmp_path / "needs.feather")
    with ipc.new_stream(tmp_path / "needs.arrow", table.schema) as stream:
        stream.write_table(table, max_chunksize=2)
    digest = read(rows(), Need).digest
    for name in ("needs.parquet", "needs.feather", "needs.arrow"):
        needs = read(tmp_path / name, Need)
        assert (needs.digest, needs.source, needs.lines) == (digest, name, (1, 2, 3))
    assert read(f"parquet:{tmp_path / 'needs.parquet'}", Need).digest == digest
    assert read(f"arrow:{tmp_path / 'needs.feather'}", Need).digest == digest


@pytest.mark.parametrize("kind", [Parquet, ArrowFile])
@pytest.mark.parametrize("content", [b"", b"PAR1", b"ARROW1", b"secret" * 100])
def test_a_broken_file_is_unreadable(tmp_path: Path, kind: Any, content: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read(kind(path), Need)
    assert caught.value.code == "UNREADABLE"
    assert "secret" not in str(caught.value)


def test_two_columns_of_one_name_in_a_file(tmp_path: Path) -> None:
    table = pa.table([[1], [2]], names=["id", "id"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with ipc.new_stream(tmp_path / "a.arrow", table.schema) as stream:
        stream.write_table(table)
    for name in ("a.parquet", "a.arrow"):
        with pytest.raises(SourceError) as caught:
            read(tmp_path / name, Need)
        assert caught.value.code == "DUPLICATE_COLUMN"


def test_midnight_is_a_day_and_noon_is_not() -> None:
    frame = pd.DataFrame({**COLUMNS, "registered_on": [datetime(2017, 5, 1, hour) for hour in (0, 0, 12)]})  # noqa: DTZ001
    faults = read(frame, Need, errors="keep").report.refused
    assert [(fault.line, fault.code) for fault in faults] == [(3, "NOT_A_DATE")]


def test_a_frame_is_said_by_name_only() -> None:
    assert "大米" not in repr(Frame(pl.DataFrame(COLUMNS)))
