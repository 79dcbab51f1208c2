"""The built-in sources keep to the suite that third parties run."""

import csv
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
import xlsxwriter
from pyarrow import feather
from pyarrow import parquet as pq

from aidmatch.sources import ArrowFile, CsvFile, Excel, JsonFile, JsonLines, Mappings, Parquet, Sql
from aidmatch.sources.table import Source
from aidmatch.testing import SourceContract

ROWS: Sequence[Mapping[str, str]] = (
    {"需求编号": "N1", "item": "棉被", "note": "a, “b” and\nmore"},
    {"需求编号": "N2", "item": "quilt"},
    {"需求编号": "N3", "note": " kept as it is "},
)


@pytest.fixture(scope="module", autouse=True)
def folder() -> Iterator[None]:
    """A folder of its own for the files of these sources."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as made:
        os.chdir(made)
        with Path("rows.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["需求编号", "item", "note"])
            writer.writeheader()
            writer.writerows(ROWS)
        Path("rows.json").write_text(json.dumps(list(ROWS)), encoding="utf-8")
        Path("rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
        write_other_formats()
        yield
        os.chdir(before)


def write_other_formats() -> None:
    columns = {header: [row.get(header) for row in ROWS] for header in ("需求编号", "item", "note")}
    with Path("rows.tsv").open("w", encoding="utf-16", newline="") as file:
        writer = csv.DictWriter(file, list(columns), delimiter="\t")
        writer.writeheader()
        writer.writerows(ROWS)
    table = pa.table(columns)
    pq.write_table(table, "rows.parquet")
    feather.write_feather(table, "rows.arrow")
    book = xlsxwriter.Workbook("rows.xlsx")
    sheet = book.add_worksheet()
    for at, row in enumerate([dict(zip(columns, columns, strict=True)), *ROWS]):
        for column, header in enumerate(columns):
            if header in row:
                sheet.write_string(at, column, row[header])
    book.close()
    with closing(sqlite3.connect("rows.db")) as database:
        database.execute('CREATE TABLE needs ("需求编号", item, note)')
        database.executemany("INSERT INTO needs VALUES (?, ?, ?)", list(zip(*columns.values(), strict=True)))
        database.commit()


class OfRows(SourceContract):
    def expected(self) -> Sequence[Mapping[str, Any]]:
        return ROWS


class TestCsv(OfRows):
    named = "csv:rows.csv"

    def source(self) -> Source:
        return CsvFile("rows.csv")

    def missing(self) -> Source:
        return CsvFile("none.csv")


class TestJson(OfRows):
    named = "json:rows.json"

    def source(self) -> Source:
        return JsonFile("rows.json")

    def missing(self) -> Source:
        return JsonFile("none.json")


class TestJsonLines(OfRows):
    named = "jsonl:rows.jsonl"

    def source(self) -> Source:
        return JsonLines("rows.jsonl")

    def missing(self) -> Source:
        return JsonLines("none.jsonl")


class TestTsv(OfRows):
    named = "tsv:rows.tsv"

    def source(self) -> Source:
        return CsvFile("rows.tsv", delimiter="\t")

    def missing(self) -> Source:
        return CsvFile("none.tsv", delimiter="\t")


class TestExcel(OfRows):
    named = "excel:rows.xlsx"

    def source(self) -> Source:
        return Excel("rows.xlsx")

    def missing(self) -> Source:
        return Excel("none.xlsx")


class TestParquet(OfRows):
    named = "parquet:rows.parquet"

    def source(self) -> Source:
        return Parquet("rows.parquet")

    def missing(self) -> Source:
        return Parquet("none.parquet")


class TestArrow(OfRows):
    named = "arrow:rows.arrow"

    def source(self) -> Source:
        return ArrowFile("rows.arrow")

    def missing(self) -> Source:
        return ArrowFile("none.arrow")


class TestSqlite(OfRows):
    named = "sqlite:rows.db#needs"

    def source(self) -> Source:
        engine = sa.create_engine("sqlite:///rows.db", poolclass=sa.pool.NullPool)
        return Sql(engine, table="needs")

    def missing(self) -> Source:
        engine = sa.create_engine("sqlite:///rows.db", poolclass=sa.pool.NullPool)
        return Sql(engine, table="none")


def test_mappings_are_no_plug_in_but_keep_to_the_rows() -> None:
    assert list(Mappings(ROWS).rows("needs")) == list(ROWS)
