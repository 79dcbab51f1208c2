"""The page on results: its programs run, and its own target keeps what `apply` promises."""

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests.instances import DAY, lot, need

import aidmatch as am
from aidmatch.export import apply

PAGE = Path(__file__).parents[2] / "docs" / "results.md"
READING, APPLYING, LEDGER = re.findall(
    r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)

PROBLEM = am.GivingProblem([need("n1", 3), need("n2", 1)], [lot("d1", 2), lot("d2", 2)], as_of=DAY)
MATCHING = am.solve(PROBLEM)


def test_the_page_reads_and_applies(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'platform.db'}")
    common = "item, quantity INTEGER, unit, lat, lon, status"
    with engine.begin() as connection:
        for table in (
            f"needs (id, household_id, category, county, approval, registered_on, {common})",
            f"lots (id, donor_id, kept_at, {common})",
            "donations (id, quantity INTEGER, status)",
        ):
            connection.execute(sa.text(f"CREATE TABLE {table}"))
        for rows in (
            "needs VALUES ('n1', 'h', 'A', '371501', 'approved', '2017-01-01', 'quilt', 2, 'piece', 36, 115, 'open')",
            "needs VALUES ('n2', 'h', 'A', '371599', 'approved', '2017-01-01', 'quilt', 2, 'piece', 36, 115, 'open')",
            "lots VALUES ('d1', 'p', 'H1', 'quilt', 2, 'piece', 36, 115, 'in_stock')",
            "donations VALUES ('d1', 2, 'in_stock')",
        ):
            connection.execute(sa.text(f"INSERT INTO {rows}"))
    plain = {"ignore": ["county", "kept_at"]}

    class Reader:  # the page's tables have columns beside a record's
        Need, Donation = am.Need, am.Donation

        @staticmethod
        def read(source: Any, record: Any) -> Any:
            return am.read(source, record, ignore=[c for c in plain["ignore"] if c in source.columns])

    names: dict[str, Any] = {"am": Reader}
    reading = re.sub(r"^engine = .*$", "", READING, flags=re.MULTILINE)
    names["engine"] = engine
    exec(reading, names)  # noqa: S102  # the page's own program is what is tested
    assert ([one.id for one in names["needs"]], [one.id for one in names["lots"]]) == (["n1"], ["d1"])
    names["problem"] = am.GivingProblem(names["needs"], names["lots"], as_of=DAY)
    names["matching"] = am.solve(names["problem"])
    exec(APPLYING, names)  # noqa: S102  # as above
    assert len(names["done"].written) == 1
    assert am.read(f"sqlite:{tmp_path / 'platform.db'}#needs", am.Need, ignore=["county"], errors="keep")[0].id == "n2"


def test_the_pages_own_target_writes_once_and_only_what_is_unchanged() -> None:
    names: dict[str, Any] = {}
    exec(LEDGER, names)  # noqa: S102  # the page's own program is what is tested
    ledger = names["Ledger"]({"n1": 3, "n2": 1}, {"d1": 2, "d2": 5})
    first, second = apply(PROBLEM, MATCHING, ledger), apply(PROBLEM, MATCHING, ledger)
    assert {one.supply_id for one in first.stale} == {"d2"}
    assert {one.reason for one in first.stale} == {"QUANTITY"}
    assert first.written
    assert (second.written, second.already, second.stale) == ((), first.written, first.stale)
    assert ledger.stock["supplies"] == {"d1": 0, "d2": 5}
    assert sum(ledger.stock["demands"].values()) == 2
