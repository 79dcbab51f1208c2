"""The built-in sources keep to the suite that third parties run."""

import csv
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from aidmatch.sources.csv_files import CsvFile
from aidmatch.sources.json_files import JsonFile, JsonLines
from aidmatch.sources.mappings import Mappings
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
        yield
        os.chdir(before)


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


def test_mappings_are_no_plug_in_but_keep_to_the_rows() -> None:
    assert list(Mappings(ROWS).rows("needs")) == list(ROWS)
