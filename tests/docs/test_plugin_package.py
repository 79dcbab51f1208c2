"""The plug-in package under examples/ is built, installed and found by its name; a bad neighbour does it no harm."""

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aidmatch import synthetic

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples" / "aidmatch-ledger"
LEDGER = "relief ledger #1 100%.db"


def insert(ledger: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    names = ", ".join(rows[0])
    marks = ", ".join("?" * len(rows[0]))
    ledger.execute(f"CREATE TABLE {table} ({names})")
    cells = [[None if cell is None or cell == "" else str(cell) for cell in row.values()] for row in rows]
    ledger.executemany(f"INSERT INTO {table} VALUES ({marks})", cells)  # noqa: S608  # the test's own names


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the package, as pip installed it."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index"]
    ran = subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--target", folder, PACKAGE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.fixture
def site(installed: Path, tmp_path: Path) -> Path:
    """A copy of that folder, for a test to spoil, beside a ledger."""
    shutil.copytree(installed, tmp_path / "site")
    with closing(sqlite3.connect(tmp_path / LEDGER)) as ledger:
        toy = synthetic.toy()
        insert(ledger, "needs", list(toy.needs()))
        insert(ledger, "Donations", list(toy.donations()))
        ledger.commit()
    return tmp_path / "site"


def distribution(site: Path, name: str, entry_points: dict[str, dict[str, str]], module: str) -> None:
    """Add another distribution to the folder: entry points by group and name, and its one module."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    lines = [
        line
        for group, named in entry_points.items()
        for line in (f"[{group}]", *(f"{point} = {value}" for point, value in named.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    (site / f"{name}.py").write_text(module, encoding="utf-8")


def run(site: Path, script: str) -> str:
    """What a program prints that has the folder on its path and stands beside the ledger."""
    head = f"import aidmatch as am\nLEDGER = 'ledger:{LEDGER}'\n"
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", "-c", head + script],
        cwd=site.parent,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


SOLVE = """
from aidmatch import synthetic
toy = synthetic.toy()
needs, donations = am.read(LEDGER, am.Need), am.read(LEDGER, am.Donation)
problem = am.GivingProblem(needs, donations, as_of=toy.as_of)
matching = am.solve(problem, policy=am.Policy.giving(max_km=toy.max_km))
am.verify(problem, matching)
assert (needs.digest, donations.digest) == (am.read(toy, am.Need).digest, am.read(toy, am.Donation).digest)
print(matching.status, len(needs), len(donations), needs.where(11))
"""

REFUSED = """
try:
    {call}
except am.AidMatchError as error:
    print(type(error).__name__, error)
"""


def refused(site: Path, call: str) -> str:
    return run(site, REFUSED.format(call=call))


def suite(folder: Path, path: str, *arguments: str) -> str:
    """What pytest says of some tests, run as their author runs them."""
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "AIDMATCH_CI"} | {"PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_installed_package_passes_the_suite_for_sources(site: Path, tmp_path: Path) -> None:
    shutil.copytree(PACKAGE / "tests", tmp_path / "tests")
    said = suite(tmp_path / "tests", str(site))
    assert "TestLedger: 11 of 11 checks, 0 exempted" in said


def test_a_source_written_in_ten_minutes_passes_the_suite(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "write-a-source.md").read_text(encoding="utf-8")
    source, tests = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "office_source.py").write_text(source, encoding="utf-8")
    (tmp_path / "test_office.py").write_text(tests, encoding="utf-8")
    said = suite(tmp_path, str(tmp_path))
    assert "TestOffice: 10 of 11 checks, 1 exempted" in said
    assert "exempted: not installed as a plug-in yet" in said
    declared = tomllib.loads(re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0])
    distribution(tmp_path / "site", "office", declared["project"]["entry-points"], "")
    named = tests.replace(
        'exemptions = {"test_the_library_reads_it": "not installed as a plug-in yet"}', 'named = "office:needs.txt"'
    )
    (tmp_path / "test_office.py").write_text(named, encoding="utf-8")
    said = suite(tmp_path, os.pathsep.join([str(tmp_path), str(tmp_path / "site")]))
    assert "TestOffice: 11 of 11 checks, 0 exempted" in said


def test_needs_and_donations_come_from_a_ledger_by_name(site: Path) -> None:
    assert run(site, SOLVE) == f"OPTIMAL 12 8 {LEDGER} line 12"


def test_nothing_of_the_plug_in_is_imported_before_it_is_named(site: Path) -> None:
    script = """
import sys
am.read([], am.Need)
print("aidmatch_ledger" in sys.modules, "sqlite3" in sys.modules)
am.read(LEDGER, am.Need)
print("aidmatch_ledger" in sys.modules, "sqlite3" in sys.modules)
"""
    assert run(site, script).split() == ["False", "False", "True", "True"]


def test_the_ledger_is_opened_read_only_and_left_as_it_is(site: Path) -> None:
    before = hashlib.sha256((site.parent / LEDGER).read_bytes()).digest()
    script = """
import sqlite3
connect, opened = sqlite3.connect, []
sqlite3.connect = lambda target, **options: opened.append((target, options)) or connect(target, **options)
am.read(LEDGER, am.Need)
((target, options),) = opened
print(target.startswith("file:///"), target.partition("?")[2], options)
"""
    assert run(site, script) == "True mode=ro {'uri': True}"
    assert hashlib.sha256((site.parent / LEDGER).read_bytes()).digest() == before
    assert {path.name for path in site.parent.iterdir()} == {"site", LEDGER}


def test_rows_come_one_by_one_until_sqlite_fails(site: Path) -> None:
    with closing(sqlite3.connect(site.parent / LEDGER)) as ledger:
        ledger.execute("CREATE TABLE counted (id)")
        ledger.executemany("INSERT INTO counted VALUES (?)", [(7,), (8,), (9,), (-(2**63),), (10,)])
        ledger.execute("CREATE VIEW overflowing AS SELECT abs(id) AS id FROM counted")
        ledger.commit()
    script = """
from aidmatch_ledger import Ledger
rows = Ledger(LEDGER.removeprefix("ledger:")).rows("overflowing")
print([(row.line, dict(row.values)) for row in (next(rows), next(rows))])
try:
    list(rows)
except am.SourceError as error:
    print(error)
"""
    assert run(site, script).splitlines() == [
        "[(1, {'id': 7}), (2, {'id': 8})]",
        f"[UNREADABLE] {LEDGER} cannot be read: SQLITE_ERROR",
    ]


def test_a_missing_file_a_missing_table_and_a_file_of_another_kind_are_told_apart(site: Path) -> None:
    (site.parent / "other.db").write_text("id,household_id\n" * 100, encoding="utf-8")
    assert refused(site, "am.read('ledger:none.db', am.Need)").startswith("SourceError [NOT_FOUND] ")
    assert not (site.parent / "none.db").exists()
    missing = refused(site, "am.read(LEDGER, am.PairCost)")
    assert missing.startswith("SourceError [NO_TABLE] ")
    assert missing.endswith("it has Donations, needs")
    unreadable = refused(site, "am.read('ledger:other.db', am.Need)")
    assert unreadable == "SourceError [UNREADABLE] other.db cannot be read: SQLITE_NOTADB"


def test_a_tables_name_is_never_taken_for_sql(site: Path) -> None:
    with closing(sqlite3.connect(site.parent / LEDGER)) as ledger:
        ledger.execute('CREATE TABLE "we""ird; --" (id)')
        ledger.execute('INSERT INTO "we""ird; --" VALUES (7)')
        ledger.commit()
    script = """
from aidmatch_ledger import Ledger
ledger = Ledger(LEDGER.removeprefix("ledger:"))
print([dict(row.values) for row in ledger.rows('we"ird; --')])
try:
    list(ledger.rows('needs"; DROP TABLE needs; --'))
except am.SourceError as error:
    print(error.code, len(list(ledger.rows("needs"))))
"""
    assert run(site, script).splitlines() == ["[{'id': 7}]", "NO_TABLE 12"]


def test_bytes_that_are_no_text_cost_their_row_alone(site: Path) -> None:
    with closing(sqlite3.connect(site.parent / LEDGER)) as ledger:
        ledger.execute("UPDATE needs SET item = CAST(x'c3e5' AS TEXT) WHERE id = 'N000003'")
        ledger.commit()
    script = "needs = am.read(LEDGER, am.Need, errors='keep')\nprint(len(needs), *needs.report.refused)"
    assert run(site, script) == f"11 {LEDGER} line 3, column 'item' [NOT_TEXT]: should be text"


def test_a_broken_neighbour_hurts_only_who_names_it(site: Path) -> None:
    distribution(
        site, "broken", {"aidmatch.sources": {"broken": "broken:Source"}}, "raise ImportError('no libbroken.so')\n"
    )
    assert run(site, SOLVE).startswith("OPTIMAL 12 8")
    said = refused(site, "am.read('broken:x', am.Need)")
    assert said.startswith("PluginError [BROKEN_PLUGIN] 'broken' in aidmatch.sources")
    assert said.endswith("ImportError: no libbroken.so")


def test_a_name_taken_twice_hurts_only_who_names_it(site: Path) -> None:
    distribution(site, "rival", {"aidmatch.sources": {"ledger": "rival:Source"}}, "class Source: pass\n")
    assert run(site, "print(len(am.read([], am.Need)))") == "0"
    said = refused(site, "am.read(LEDGER, am.Need)")
    assert said.startswith("PluginError [PLUGIN_CLASH] 'ledger' in aidmatch.sources is taken by ")
    assert "aidmatch_ledger:Ledger" in said
    assert "rival:Source" in said


SKETCHED = """
from dataclasses import replace
from aidmatch import synthetic
toy = synthetic.toy()
first, *others = am.read(toy, am.Need)
abroad = replace(first, place=replace(first.place, code="110101001001"))
problem = am.GivingProblem([abroad, *others], am.read(toy, am.Donation), as_of=toy.as_of)
policy = am.Policy.giving(rules=(*am.Policy.giving().rules, "same-county"))
matching = am.solve(problem, policy=policy, distance="by-road", solver="mine")
am.verify(problem, matching, policy=policy)
straight = am.solve(problem, policy=policy)
print(len(am.read("office:county", am.Place)), matching.distance, matching.solving.solver)
print(matching.reasons[first.id], matching.levels[-1].value > straight.levels[-1].value)
"""


def test_the_sketches_for_contributors_are_plug_ins_of_every_kind(tmp_path: Path) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(toml|python)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    declared = tomllib.loads("".join(block for language, block in blocks if language == "toml"))
    sketches = "\n".join(block for language, block in blocks if language == "python")
    site = tmp_path / "site"
    distribution(site, "yours", declared["project"]["entry-points"], sketches)
    backend = """
from aidmatch.solvers.simplex import NetworkSimplex

def flow_and_potentials(network):
    answer = NetworkSimplex().min_cost_flow(network)
    return answer.flow, answer.potential
"""
    (site / "backend.py").write_text(backend, encoding="utf-8")
    assert run(site, SKETCHED).split() == ["1", "by-road", "mine", "NOT_ALLOWED", "True"]
