"""What `Sql` and `apply` refuse before a database is asked, SQLite files as targets, and care."""

import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.instances import DAY, caregiver, client, lot, need

import aidmatch as am
from aidmatch.export import SqlTarget, Stock, apply, assignments_table, to_sql
from aidmatch.sources import Sql

PROBLEM = am.GivingProblem([need("n1", 1)], [lot("d1", 1)], as_of=DAY)
MATCHING = am.solve(PROBLEM)


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    path = tmp_path / "platform.db"
    with sqlite3.connect(path) as driver:
        driver.executescript(
            "CREATE TABLE needs (id, quantity INTEGER, status);"
            "CREATE TABLE donations (id, quantity INTEGER, status);"
            "INSERT INTO needs VALUES ('n1', 1, 'open');"
            "INSERT INTO donations VALUES ('d1', 1, 'in_stock');"
        )
    driver.close()
    made = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool)
    assignments_table().create(made)
    return made


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "UNKNOWN_OPTION"),
        ({"table": "a", "query": "SELECT 1"}, "UNKNOWN_OPTION"),
        ({"table": "a", "params": {}}, "UNKNOWN_OPTION"),
        ({"query": "SELECT 1", "where": {}}, "UNKNOWN_OPTION"),
        ({"query": "SELECT 1", "schema": "b"}, "UNKNOWN_OPTION"),
        ({"bind": "sqlite://u:hidden@x", "table": "a"}, "NOT_AN_ENGINE"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], code: str) -> None:
    with pytest.raises(am.InputError) as refused:
        Sql(**{"bind": sa.create_engine("sqlite://"), **options})
    assert refused.value.code == code
    assert "hidden" not in str(refused.value)


def test_a_database_that_is_not_known_is_refused() -> None:
    other = sa.create_mock_engine("oracle://", lambda *_: None)
    with pytest.raises(am.InputError, match="neither"):
        Sql(other, table="a")  # type: ignore[arg-type]  # the mistake is what is tested
    engine = sa.create_engine("sqlite://")
    engine.dialect.name = "oracle"
    with pytest.raises(am.InputError, match="no way is known to read oracle") as refused:
        Sql(engine, table="a")
    assert refused.value.code == "UNSUPPORTED_DATABASE"


def test_a_source_is_called_by_its_table(engine: sa.Engine) -> None:
    assert repr(Sql(engine, table="needs", schema="main")) == "<Sql: main.needs of sqlite>"
    assert repr(Sql(engine, query="SELECT 1")) == "<Sql: query of sqlite>"
    with engine.connect() as connection:
        made = SqlTarget(connection, demands=Stock("needs"), supplies=Stock("donations"))
        assert repr(made) == "<SqlTarget: needs, donations → assignments of sqlite>"


def test_an_sqlite_file_is_read_by_its_target(engine: sa.Engine) -> None:
    source, name = am.sources.opening.open_source(f"sqlite:{engine.url.database}#needs")
    assert isinstance(source, Sql)
    assert name == "needs"
    assert [row.values["id"] for row in source.rows("needs")] == ["n1"]
    for target, code in (("x.db", "BAD_TARGET"), ("#needs", "BAD_TARGET"), ("nowhere.db#needs", "NOT_FOUND")):
        with pytest.raises(am.SourceError) as refused:
            am.read(f"sqlite:{target}", am.Need)
        assert refused.value.code == code


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 100)
    with pytest.raises(am.SourceError, match="SQLITE_NOTADB"):
        am.read(f"sqlite:{tmp_path / 'x.db'}#needs", am.Need)


def test_text_that_is_not_utf_8_costs_its_row(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE needs SET status = CAST(x'ff41' AS TEXT)"))
        (row,) = Sql(connection, table="needs").rows("")
        assert row.values["status"] == "\udcffA"
        # the connection has its own way to read text, and to write, again
        with pytest.raises(sa.exc.OperationalError):
            connection.execute(sa.text("SELECT status FROM needs")).all()
        connection.execute(sa.text("UPDATE needs SET status = 'open'"))


def test_a_connection_that_may_only_read_stays_so(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("PRAGMA query_only = 1"))
        assert len(list(Sql(connection, table="needs").rows(""))) == 1
        assert connection.execute(sa.text("PRAGMA query_only")).scalar() == 1


def test_an_address_without_its_package_names_the_extra(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    attempts: list[Any] = [
        lambda: Sql(engine, table="needs"),
        lambda: am.read(f"sqlite:{engine.url.database}#needs", am.Need),
        assignments_table,
        lambda: to_sql(MATCHING, None),  # type: ignore[arg-type]  # it comes no further
    ]
    for attempt in attempts:
        with pytest.raises(am.PluginError, match=r"pip install 'aidmatch\[sql\]'") as missing:
            attempt()
        assert missing.value.code == "MISSING_EXTRA"


def test_reading_and_writing_take_no_import_until_they_are_used() -> None:
    import subprocess

    script = "import sys, aidmatch, aidmatch.export, aidmatch.sources; print('sqlalchemy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


# --- applying


def test_only_the_matching_of_these_records_is_applied(engine: sa.Engine) -> None:
    other = am.GivingProblem([need("n1", 2)], [lot("d1", 1)], as_of=DAY)
    greedy = replace(MATCHING, assignments=(replace(MATCHING.assignments[0], quantity=2),))
    stray = replace(MATCHING, assignments=(replace(MATCHING.assignments[0], supply_id="d9"),))
    with engine.begin() as connection:
        made = SqlTarget(connection, demands=Stock("needs"), supplies=Stock("donations"))
        for problem, matching, code in (
            (other, MATCHING, "OTHER_INPUT"),
            (PROBLEM, greedy, "OVER_QUANTITY"),
            (PROBLEM, stray, "OVER_QUANTITY"),
        ):
            with pytest.raises(am.VerificationError) as refused:
                apply(problem, matching, made)
            assert refused.value.code == code
    assert list(Sql(engine, table="assignments").rows("")) == []


def test_nothing_to_apply_is_nothing_written(engine: sa.Engine) -> None:
    problem = am.GivingProblem([], [], as_of=DAY)
    empty = am.solve(problem)
    with engine.begin() as connection:
        made = SqlTarget(connection, demands=Stock("needs"), supplies=Stock("donations"))
        done = apply(problem, empty, made)
        assert (done.written, done.already, done.stale) == ((), (), ())
        assert to_sql(empty, connection) == 0


def test_what_a_target_names_must_be_there(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE TABLE short (run_id, assignment_id)"))
        good = {"demands": Stock("needs"), "supplies": Stock("donations")}
        for options, code in (
            ({"assignments": "none"}, "NO_TABLE"),
            ({"assignments": "short"}, "MISSING_COLUMN"),
            ({"demands": Stock("none")}, "NO_TABLE"),
            ({"demands": Stock("needs", key="number")}, "UNKNOWN_COLUMN"),
            ({"supplies": Stock("donations", quantity="pieces")}, "UNKNOWN_COLUMN"),
            ({"supplies": Stock("donations", open={"state": 1})}, "UNKNOWN_COLUMN"),
            ({"supplies": Stock("donations", used_up={"state": 1})}, "UNKNOWN_COLUMN"),
        ):
            with pytest.raises(am.InputError) as refused:
                apply(PROBLEM, MATCHING, SqlTarget(connection, **{**good, **options}))  # type: ignore[arg-type]  # mixed
            assert refused.value.code == code


def test_a_connection_is_asked_for_that_has_a_transaction(engine: sa.Engine) -> None:
    with pytest.raises(am.InputError) as refused:
        to_sql(MATCHING, engine)  # type: ignore[arg-type]  # the mistake is what is tested
    assert refused.value.code == "NOT_AN_ENGINE"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        with pytest.raises(am.InputError) as refused:
            to_sql(MATCHING, connection)
        assert refused.value.code == "AUTOCOMMIT"


def test_an_id_that_stands_twice_is_refused(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO needs VALUES ('n1', 1, 'open')"))
        with pytest.raises(am.InputError) as refused:
            apply(PROBLEM, MATCHING, SqlTarget(connection, demands=Stock("needs"), supplies=Stock("donations")))
        assert refused.value.code == "DUPLICATE_ID"


def test_ids_that_the_table_takes_for_one_are_not_both_reduced(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'platform.db'}")
    assignments_table().create(engine)
    with engine.begin() as connection:
        for table in ("needs", "donations"):
            connection.execute(sa.text(f"CREATE TABLE {table} (id TEXT COLLATE NOCASE, quantity INTEGER)"))
            connection.execute(sa.text(f"INSERT INTO {table} VALUES ('n1', 1), ('N1', 1)"))  # noqa: S608  # ours
    problem = am.GivingProblem([need("n1", 1)], [lot("n1", 1)], as_of=DAY)
    with engine.begin() as connection:
        with pytest.raises(am.InputError, match="2 rows would be reduced instead of 1") as refused:
            apply(
                problem, am.solve(problem), SqlTarget(connection, demands=Stock("needs"), supplies=Stock("donations"))
            )
        assert refused.value.code == "WRITE_FAILED"
    for table in ("needs", "donations", "assignments"):
        rows = [row.values for row in Sql(engine, table=table).rows("")]
        assert [row["quantity"] for row in rows] == ([] if table == "assignments" else [1, 1])


def test_who_writes_an_sqlite_file_meanwhile_is_kept_out(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        made = SqlTarget(connection, demands=Stock("needs"), supplies=Stock("donations"))
        assert made.quantities("demands", ["n1"]) == {"n1": 1}
        other = sqlite3.connect(str(engine.url.database), timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("UPDATE needs SET quantity = 7")
        other.close()


def test_clients_without_a_quantity_are_one_unit_and_places_are_counted_down(tmp_path: Path) -> None:
    problem = am.CareProblem([client("c1"), client("c2")], [caregiver("g1", 3)], as_of=DAY)
    matching = am.solve(problem)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'care.db'}")
    assignments_table().create(engine)
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE clients (id, state)",
            "CREATE TABLE caregivers (id, free INTEGER)",
            "INSERT INTO clients VALUES ('c1', 'waiting'), ('c2', 'moved')",
            "INSERT INTO caregivers VALUES ('g1', 3)",
        ):
            connection.execute(sa.text(statement))
    for attempt in range(2):
        with engine.begin() as connection:
            clients = Stock("clients", quantity=None, open={"state": "waiting"}, used_up={"state": "served"})
            made = SqlTarget(connection, demands=clients, supplies=Stock("caregivers", quantity="free"))
            done = apply(problem, matching, made)
        assert (len(done.written), len(done.already)) == ((1, 0), (0, 1))[attempt]
        assert [(one.demand_id, one.reason) for one in done.stale] == [("c2", "NOT_OPEN")]
    assert [row.values["state"] for row in Sql(engine, table="clients").rows("")] == ["served", "moved"]
    assert [row.values["free"] for row in Sql(engine, table="caregivers").rows("")] == [2]
