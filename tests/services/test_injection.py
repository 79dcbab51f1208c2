"""500 texts that want to be SQL, as names of tables and columns, as cells, as filters, parameters and ids."""

from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from tests.profiles import examples
from tests.services.platform import DAY, content, decide, fill, lot_row, need_row, target

import aidmatch as am
from aidmatch.export import SqlTarget, Stock, apply, assignments_table, to_sql
from aidmatch.sources import Sql

COUNT = 500


def payloads(count: int = COUNT, seed: int = 11) -> list[str]:
    """Different texts of at most 44 bytes, without control characters, that break out of quotes or are read anew."""
    draw = np.random.default_rng(seed)
    closing = ["'", '"', "`", "''", "\\'", "]", "')", '")', "`)", "%27", "：", "é'", "$$", "' ", '"."']
    doing = [
        "; DROP TABLE needs; ",
        "; DELETE FROM needs;",
        " OR 1=1 ",
        " OR ''='",
        " UNION SELECT 1 ",
        "; COMMIT; ",
        "||pg_sleep(9)||",
        " AND sleep(9) ",
        ":name",
        ":id_1",
        "%s",
        "%(id)s",
        "?",
        "{0}",
        "\\",
    ]
    ending = ["--", "#", "/*", "-- -", ";", "'", '"', "`", "%", "", "%%", "::text"]
    made: dict[str, None] = {}
    while len(made) < count:
        text = "".join(str(draw.choice(part)) for part in (closing, doing, ending)) + str(draw.integers(100))
        made[text.strip()] = None
    return list(made)


def test_payloads_as_cells_and_ids_round_trip(engine: sa.Engine) -> None:
    texts = payloads()
    needs = [need_row(text, 1, item=text, household_id=text) for text in texts]
    fill(engine, needs, [])
    with engine.begin() as connection:
        lots = [{**lot_row(text, 1, item=text), "status": "in_stock", "donor_id": text} for text in texts]
        connection.execute(sa.table("donations", *map(sa.column, lots[0])).insert(), lots)
    problem, matching = decide(engine)
    assert [(a.demand_id, a.supply_id) for a in matching.assignments] == sorted(zip(texts, texts, strict=True))
    with engine.begin() as connection:
        done = apply(problem, matching, target(connection))
        assert to_sql(matching, connection) == 0
    assert len(done.written) == COUNT
    rows = content(engine, "assignments", "demand_id", "supply_id", "household_id", "giver_id", "item", "quantity")
    assert rows == sorted((text, text, text, text, text, 1) for text in texts)
    assert content(engine, "needs", "id", "quantity", "status") == sorted((text, 0, "fulfilled") for text in texts)
    with engine.begin() as connection:
        again = apply(problem, matching, target(connection))
    assert (again.written, len(again.already), again.stale) == ((), COUNT, ())


def test_payloads_as_filters_and_parameters_choose_their_row_only(engine: sa.Engine) -> None:
    texts = payloads()
    fill(engine, [need_row(str(at), item=text) for at, text in enumerate(texts)], [])
    with engine.connect() as connection:  # one, so that 500 reads are quick
        source: Any
        for at, text in enumerate(texts):
            if at % 2:
                source = Sql(connection, table="needs", where={"item": text})
            else:
                source = Sql(connection, query="SELECT id, item FROM needs WHERE item = :text", params={"text": text})
            assert [(row.values["id"], row.values["item"]) for row in source.rows("")] == [(str(at), text)]
        assert len(list(Sql(connection, table="needs", where={"item": texts}).rows(""))) == COUNT
        assert list(Sql(connection, table="needs", where={"item": "' OR 1=1 --"}).rows("")) == []
    assert len(content(engine, "needs", "id")) == COUNT


def test_payloads_as_names_of_columns_are_names(engine: sa.Engine) -> None:
    texts = payloads()
    step = 100  # columns a table
    with engine.begin() as connection:
        for start in range(0, COUNT, step):
            names = texts[start : start + step]
            table = sa.Table(
                f"wide{start}",
                sa.MetaData(),
                sa.Column("id", sa.Integer, primary_key=True),
                *(sa.Column(name, sa.Integer, key=f"c{at}") for at, name in enumerate(names)),
            )
            table.create(connection)
            numbers = ", ".join(map(str, [1, *range(step)]))
            connection.exec_driver_sql(f"INSERT INTO wide{start} VALUES ({numbers})")  # noqa: S608  # numbers
        for start in range(0, COUNT, step):
            names = texts[start : start + step]
            source = Sql(connection, table=f"wide{start}", where={name: at for at, name in enumerate(names)})
            assert source.columns == ("id", *names)
            (row,) = source.rows("")
            assert row.values == {"id": 1, **{name: at for at, name in enumerate(names)}}


def test_payloads_as_columns_of_stock_are_names(engine: sa.Engine) -> None:
    texts = payloads()
    assignments_table().create(engine)
    meta = sa.MetaData()
    for at in range(0, COUNT, 25):
        key, quantity, status, left = texts[at : at + 4]
        for side in ("needs", "donations"):
            sa.Table(
                f"{side}{at}",
                meta,
                sa.Column(key, sa.String(64), primary_key=True, key="k"),
                sa.Column(quantity, sa.Integer, key="q"),
                sa.Column(status, sa.String(64), key="s"),
                sa.Column(left, sa.String(64), key="l"),
            )
    with engine.begin() as connection:
        meta.create_all(connection)
        for table in meta.sorted_tables:
            connection.execute(table.insert(), {"k": "x", "q": 1, "s": "'open'", "l": ""})
    for at in range(0, COUNT, 25):
        key, quantity, status, left = texts[at : at + 4]
        need, lot = need_row("x", household_id=texts[at]), lot_row("x")
        problem = am.GivingProblem(am.read([need], am.Need), am.read([lot], am.Donation), as_of=DAY)
        with engine.begin() as connection:
            stocks = [
                Stock(f"{side}{at}", key, quantity, open={status: "'open'"}, used_up={left: texts[at], status: "no"})
                for side in ("needs", "donations")
            ]
            made = SqlTarget(connection, demands=stocks[0], supplies=stocks[1])
            assert len(apply(problem, am.solve(problem), made).written) == 1
            for table in meta.sorted_tables:
                if table.name in (f"needs{at}", f"donations{at}"):
                    assert tuple(connection.execute(table.select()).one()) == ("x", 0, "no", texts[at])


def test_payloads_as_names_of_tables_are_names(engine: sa.Engine) -> None:
    texts = payloads()
    # making tables is slow, so that in the ordinary run one in ten is made; all are asked for
    made = texts[:: COUNT // examples(50, 500)]
    fill(engine, [need_row("n1")], [lot_row("d1")])
    _, matching = decide(engine)
    with engine.begin() as connection:
        for name in made:
            assignments_table(name).create(connection)
        for name in made:
            assert to_sql(matching, connection, name) == 1
            (row,) = Sql(connection, table=name).rows("")
            assert row.values == next(matching.to_rows())
    with engine.connect() as connection:
        for name in set(texts) - set(made):
            with pytest.raises(am.SourceError) as refused:
                list(Sql(connection, table=name).rows(""))
            assert refused.value.code == "NO_TABLE"
    assert {*sa.inspect(engine).get_table_names()} == {"needs", "donations", "assignments", *made}
    assert (len(content(engine, "needs", "id")), len(content(engine, "donations", "id"))) == (1, 1)
