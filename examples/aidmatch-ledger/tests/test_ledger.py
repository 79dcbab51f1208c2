"""The ledger keeps to the suite for sources: ``python -m pytest`` with aidmatch[testing] and this package installed."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aidmatch_ledger import Ledger

from aidmatch.testing import SourceContract

ROWS = [
    {"id": 1, "item": "棉被", "quantity": 2, "note": None},
    {"id": 2, "item": "rice", "quantity": 10, "note": "by Friday"},
]


class TestLedger(SourceContract):
    named = "ledger:relief.db"

    @pytest.fixture(autouse=True)
    def ledger(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A ledger in a folder of its own, for every check."""
        monkeypatch.chdir(tmp_path)
        with closing(sqlite3.connect("relief.db")) as ledger:
            ledger.execute("CREATE TABLE Needs (id, item, quantity, note)")
            ledger.executemany("INSERT INTO Needs VALUES (:id, :item, :quantity, :note)", ROWS)
            ledger.commit()

    def source(self) -> Ledger:
        return Ledger("relief.db")

    def missing(self) -> Ledger:
        return Ledger("none.db")

    def expected(self) -> Sequence[Mapping[str, Any]]:
        return ROWS
