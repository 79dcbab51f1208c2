"""Reading a database: the same rows from every kind, and nothing left behind."""

import tracemalloc
import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from tests.profiles import examples
from tests.services.platform import DAY, content, fill, lot_row, need_row, tables

import aidmatch as am
from aidmatch.sources import Sql

NEEDS = [need_row("n2", 3, needed_by=date(2018, 1, 1), objected=True, item="棉被"), need_row("n1", 2, code="371501")]


def test_a_table_a_view_and_a_query_make_the_same_records(engine: sa.Engine) -> None:
    fill(engine, NEEDS, [])
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE VIEW open_needs AS SELECT * FROM needs"))
    sources = [
        Sql(engine, table="needs"),
        Sql(engine, table="open_needs"),
        Sql(engine, query="SELECT * FROM needs WHERE quantity >= :least ORDER BY id DESC;  ", params={"least": 1}),
        Sql(engine, query="WITH chosen AS (SELECT * FROM needs) SELECT * FROM chosen -- all of them"),
    ]
    read = [am.read(source, am.Need) for source in sources]
    assert len({records.digest for records in read}) == 1
    assert read[0].digest == am.read([{**row, "status": "open"} for row in NEEDS], am.Need).digest
    assert [records.where(0) for records in read[:1]] == ["needs line 1"]
    assert [record.id for record in read[0]] == ["n1", "n2"]
    assert [record.id for record in read[2]] == ["n2", "n1"]
    assert (read[0][1].needed_by, read[0][1].gate.objected, read[0][1].item) == (date(2018, 1, 1), True, "棉被")
    assert read[0][1].place == am.Place(lat=36.5, lon=115.9)
    assert {source.columns for source in sources} == {tuple(column.name for column in tables()[0].columns)}


def test_a_bad_row_costs_itself_only_and_is_named_by_its_number(engine: sa.Engine) -> None:
    fill(engine, [*NEEDS, need_row("n0", 0), need_row("n3", 1, lat=95)], [])
    read = am.read(Sql(engine, table="needs"), am.Need, errors="keep")
    assert [record.id for record in read] == ["n1", "n2"]
    assert [(fault.source, fault.line, fault.column, fault.code) for fault in read.report.refused] == [
        ("needs", 1, "quantity", "OUT_OF_RANGE"),
        ("needs", 4, "lat", "OUT_OF_RANGE"),
    ]


def test_a_wrong_header_is_found_in_an_empty_table(engine: sa.Engine) -> None:
    fill(engine, [], [])
    for source in (Sql(engine, table="needs"), Sql(engine, query="SELECT * FROM needs")):
        with pytest.raises(am.SourceError) as refused:
            am.read(source, am.Donation)
        assert refused.value.code == "UNKNOWN_COLUMN"
        assert len(am.read(source, am.Need)) == 0


def test_cells_come_as_records_read_them(engine: sa.Engine) -> None:
    token = uuid.UUID(int=10)
    table = sa.Table(
        "cells",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("yes", sa.Boolean),
        sa.Column("whole", sa.Numeric(20, 0)),
        sa.Column("part", sa.Numeric(20, 2)),
        sa.Column("real", sa.Double),
        sa.Column("day", sa.Date),
        sa.Column("moment", sa.DateTime),
        sa.Column("raw", sa.LargeBinary),
        sa.Column("token", sa.Uuid),
        sa.Column("none", sa.String(5)),
    )
    table.create(engine)
    raw: dict[str, Any] = {"yes": True, "whole": Decimal(12), "part": Decimal("2.50"), "real": 0.5, "raw": b"\xff"}
    raw |= {"day": DAY, "moment": datetime(2017, 6, 1, 8), "token": token, "none": None, "id": 1}  # noqa: DTZ001  # as stored
    with engine.begin() as connection:
        connection.execute(table.insert(), raw)
    (row,) = Sql(engine, table="cells").rows("")
    sqlite = engine.dialect.name == "sqlite"
    assert row.values == {
        **raw,
        "whole": 12,
        "part": 2.5 if sqlite else Decimal("2.50"),
        "day": "2017-06-01" if sqlite else DAY,
        "moment": "2017-06-01 08:00:00.000000" if sqlite else raw["moment"],
        "token": token.hex if sqlite else str(token),
    }
    assert type(row.values["whole"]) is int


def test_bits_and_arrays_come_as_numbers_and_lists(engine: sa.Engine) -> None:
    query = {
        "sqlite": "SELECT x'01' AS yes, x'00' AS no, 1 AS many",
        "postgresql": "SELECT 1 AS yes, 0 AS no, ARRAY['A', 'B'] AS many",
        "mariadb": "SELECT b'1' AS yes, b'0' AS no, 1 AS many",
    }[engine.dialect.name]
    (row,) = Sql(engine, query=query).rows("")
    assert row.values == {"yes": 1, "no": 0, "many": ["A", "B"] if engine.dialect.name == "postgresql" else 1}


WRITES = [
    "DELETE FROM needs",
    "UPDATE needs SET quantity = 9",
    "DROP TABLE needs",
    "SELECT * FROM needs; DELETE FROM needs",
    "SELECT * FROM needs) AS a; COMMIT; DELETE FROM needs; SELECT * FROM (SELECT * FROM needs",
    "SELECT * FROM needs) AS a WHERE 1 = :aidmatch_never; DELETE FROM needs; --",
    "COMMIT",
    "",
]


@pytest.mark.parametrize("caller", ["engine", "fresh connection", "connection in a transaction"])
def test_a_query_that_would_write_is_refused(engine: sa.Engine, caller: str) -> None:
    fill(engine, NEEDS, [])
    before = content(engine, "needs", "id", "quantity")
    inside = caller == "connection in a transaction"
    for query in WRITES:
        with engine.connect() as connection:
            if inside:
                connection.execute(sa.text("INSERT INTO donations SELECT 'd1','p','in_stock',NULL,'x',1,'kg',NULL,1,1"))
            source = Sql(engine if caller == "engine" else connection, query=query)
            for attempt in (lambda source=source: source.columns, lambda source=source: list(source.rows(""))):
                with pytest.raises(am.SourceError) as refused:
                    attempt()
                assert refused.value.code == "QUERY_FAILED"
            # nothing was committed on the way
            connection.rollback()
        assert content(engine, "needs", "id", "quantity") == before
        assert content(engine, "donations", "id") == []


@pytest.mark.parametrize("inside", [False, True])
def test_a_function_that_writes_has_no_effect(engine: sa.Engine, inside: bool) -> None:
    if engine.dialect.name == "sqlite":
        return  # a SELECT of SQLite's can call nothing that writes
    fill(engine, NEEDS, [])
    body = {
        "postgresql": "CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM needs; SELECT 1'",
        "mariadb": "CREATE FUNCTION wipe() RETURNS INT MODIFIES SQL DATA BEGIN DELETE FROM needs; RETURN 1; END",
    }[engine.dialect.name]
    with engine.begin() as connection:
        connection.execute(sa.text(body))
    with engine.connect() as connection:
        if inside:
            connection.execute(sa.text("UPDATE needs SET quantity = 9 WHERE id = 'n1'"))
        source = Sql(connection, query="SELECT wipe() AS done")
        if engine.dialect.name == "mariadb" and inside:
            # a transaction of the caller's cannot become read-only there; what was done is taken back
            assert len(list(source.rows(""))) == 1
        else:
            with pytest.raises(am.SourceError, match="QUERY_FAILED"):
                list(source.rows(""))
        connection.commit()
    assert content(engine, "needs", "id", "quantity") == [("n1", 9 if inside else 2), ("n2", 3)]


def test_a_callers_connection_is_as_it_was(engine: sa.Engine) -> None:
    fill(engine, NEEDS, [lot_row("d1")])
    with engine.connect() as connection:
        source = Sql(connection, table="needs")
        assert len(list(source.rows(""))) == len(source.columns and list(source.rows(""))) == 2
        assert not connection.in_transaction()
        # in a transaction, it sees what that has written, and leaves it open and able to write
        connection.execute(sa.text("UPDATE needs SET quantity = 5 WHERE id = 'n1'"))
        for row in source.rows(""):
            assert row.values["quantity"] in (5, 3)
            break  # a reader that stops early, too
        assert [row.values["quantity"] for row in source.rows("")] == [5, 3]
        connection.execute(sa.text("UPDATE needs SET quantity = 6 WHERE id = 'n2'"))
        connection.commit()
        assert not connection.closed
    assert content(engine, "needs", "quantity") == [(5,), (6,)]


def test_a_connection_that_commits_by_itself_is_refused_where_streams_need_a_transaction(engine: sa.Engine) -> None:
    fill(engine, NEEDS, [])
    automatic = engine.execution_options(isolation_level="AUTOCOMMIT")
    assert len(am.read(Sql(automatic, table="needs"), am.Need)) == 2  # an engine makes its own
    with automatic.connect() as connection:
        source = Sql(connection, table="needs")
        if engine.dialect.name == "sqlite":
            assert len(list(source.rows(""))) == 2
            return
        with pytest.raises(am.SourceError) as refused:
            _ = source.columns
        assert refused.value.code == "AUTOCOMMIT"


def test_what_others_write_while_it_reads_is_not_seen(engine: sa.Engine) -> None:
    count = 3_000
    fill(engine, NEEDS, [])
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(sa.text("PRAGMA journal_mode = WAL"))
        rows = [{**lot_row(f"d{at:05}"), "status": "in_stock"} for at in range(count)]
        connection.execute(sa.table("donations", *map(sa.column, rows[0])).insert(), rows)
    reading = iter(Sql(engine, table="donations").rows(""))
    first = next(reading)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE donations SET quantity = 7"))
    assert {row.values["quantity"] for row in (first, *reading)} == {1}
    assert {row.values["quantity"] for row in Sql(engine, table="donations").rows("")} == {7}


def test_memory_stays_flat_whatever_the_number_of_rows(engine: sa.Engine) -> None:
    count = examples(40_000, 200_000)
    numbers = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {0}) SELECT i FROM n",
        "postgresql": "SELECT generate_series(1, {0}) AS i",
        "mariadb": "SELECT seq AS i FROM seq_1_to_{0}",
    }[engine.dialect.name]
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE many (i BIGINT PRIMARY KEY, words VARCHAR(100))"))
        text = f"INSERT INTO many SELECT i, 'rice rice rice' FROM ({numbers.format(count)}) AS n"  # noqa: S608  # ours
        connection.execute(sa.text(text))
    source = Sql(engine, table="many")
    assert source.columns == ("i", "words")
    tracemalloc.start()
    read = sum(1 for _ in source.rows(""))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == count
    assert peak < 2_500_000  # rows that are held would take 400 bytes each


def test_what_is_not_there_is_named(engine: sa.Engine) -> None:
    fill(engine, NEEDS, [])
    cases = {
        "NO_TABLE": [Sql(engine, table="neds"), Sql(engine, table="needs", schema="aidmatch_elsewhere")],
        "UNKNOWN_COLUMN": [Sql(engine, table="needs", where={"state": 1})],
        "DUPLICATE_COLUMN": [Sql(engine, query="SELECT a.id, b.id FROM needs a JOIN needs b ON a.id = b.id")],
        "QUERY_FAILED": [Sql(engine, query="SELECT nothing FROM needs"), Sql(engine, query="SELECT :a AS b")],
    }
    for code, sources in cases.items():
        for source in sources:
            for attempt in (lambda source=source: source.columns, lambda source=source: list(source.rows(""))):
                with pytest.raises(am.SourceError) as refused:
                    attempt()
                if code == "DUPLICATE_COLUMN" and engine.dialect.name == "mariadb":
                    assert "Duplicate column name 'id'" in str(refused.value)  # it sees that itself
                else:
                    assert refused.value.code == code, refused.value
                assert refused.value.__cause__ is None
    with pytest.raises(am.SourceError, match="nothing"):  # the database's own words on names
        _ = cases["QUERY_FAILED"][0].columns


def test_an_error_of_data_quotes_none(engine: sa.Engine) -> None:
    fill(engine, NEEDS, [])
    if engine.dialect.name == "postgresql":
        with pytest.raises(am.SourceError) as refused:
            list(Sql(engine, query="SELECT CAST(item AS int) AS n FROM needs").rows(""))
        assert "22P02" in str(refused.value)
        assert "棉被" not in str(refused.value)
        assert "quilt" not in str(refused.value)


def test_a_schema_can_be_named(engine: sa.Engine) -> None:
    fill(engine, NEEDS, [])
    with engine.connect() as connection:
        schema = sa.inspect(connection).default_schema_name
    assert schema
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            schema = connection.execute(sa.text("SELECT current_schema()")).scalar_one()
    source = Sql(engine, table="needs", schema=schema)
    assert source.name == f"{schema}.needs"
    assert len(am.read(source, am.Need)) == 2


def test_a_server_that_is_not_there_is_named_without_its_address(engine: sa.Engine) -> None:
    if engine.dialect.name == "sqlite":
        lost = sa.create_engine("sqlite:////nowhere/at/all.db")
    else:
        lost = sa.create_engine(engine.url.set(port=1, username="u", password="hidden"))  # noqa: S106  # of nothing
    for told in (str, repr):
        assert "hidden" not in told(Sql(lost, table="needs"))
    with pytest.raises(am.SourceError) as refused:
        am.read(Sql(lost, table="needs"), am.Need)
    assert refused.value.code == "NOT_CONNECTED"
    assert "hidden" not in str(refused.value)
