"""Needs and donations in, results applied, on every database: nothing lost, nothing doubled, nothing injected."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa
from tests.services.platform import DAY, OPEN_NEEDS, content, decide, fill, lot_row, need_row, tables, target

import aidmatch as am
from aidmatch.export import Applied, SqlTarget, Stale, Stock, apply, assignments_table, to_sql
from aidmatch.matching import COLUMNS
from aidmatch.sources import Sql

NEEDS = [need_row("n1", 3), need_row("n2", 2, category="B"), need_row("n3", 1, approval="surveyed")]
LOTS = [lot_row("d1", 2), lot_row("d2", 2), lot_row("d3", 9, status="dispatched")]


def written(engine: sa.Engine) -> list[Any]:
    return content(engine, "assignments", *COLUMNS)


def test_tables_in_and_results_out_are_equal_to_what_was_decided(engine: sa.Engine) -> None:
    fill(engine, NEEDS, LOTS)
    problem, matching = decide(engine)
    assert {need.id for need in problem.demands} == {"n1", "n2"}
    assert problem.demands[0].place == am.Place(lat=36.5, lon=115.9)
    assert sum(a.quantity for a in matching.assignments) == 4
    with engine.begin() as connection:
        done = apply(problem, matching, target(connection))
    rows = [tuple(row.values()) for row in matching.to_rows()]
    assert written(engine) == sorted(rows)
    assert done == Applied(tuple(row[1] for row in rows), (), ())
    # the units are gone from both sides, and what is used up is no longer open
    assert content(engine, "needs", "id", "quantity", "status") == [
        ("n1", 0, "fulfilled"),
        ("n2", 1, "open"),
        ("n3", 1, "open"),
    ]
    assert content(engine, "donations", "id", "quantity", "status") == [
        ("d1", 0, "dispatched"),
        ("d2", 0, "dispatched"),
        ("d3", 9, "dispatched"),
    ]
    assert [a.quantity for a in decide(engine)[1].assignments] == []
    # and the table of assignments is a source again
    back = list(Sql(engine, table="assignments").rows(""))
    assert sorted(tuple(row.values.values()) for row in back) == sorted(rows)


def test_a_run_applied_twice_is_written_once(engine: sa.Engine) -> None:
    fill(engine, NEEDS, LOTS)
    problem, matching = decide(engine)
    with engine.begin() as connection:
        first = apply(problem, matching, target(connection))
        within = apply(problem, matching, target(connection))
    before = written(engine), content(engine, "needs", "id", "quantity"), content(engine, "donations", "id", "quantity")
    with engine.begin() as connection:
        second = apply(problem, matching, target(connection))
    assert second == within == Applied((), first.written, ())
    after = written(engine), content(engine, "needs", "id", "quantity"), content(engine, "donations", "id", "quantity")
    assert after == before


@pytest.mark.parametrize("reduce", [True, False])
def test_what_changed_meanwhile_is_listed_and_not_written(engine: sa.Engine, reduce: bool) -> None:
    fill(
        engine,
        [need_row(f"n{i}", 2, item=f"i{i}") for i in range(7)] + [need_row("n7", 1, item="i6")],
        [lot_row(f"d{i}", 2, item=f"i{i}") for i in range(6)] + [lot_row("d6", 3, item="i6")],
    )
    problem, matching = decide(engine)
    assert len(matching.assignments) == 8
    with engine.begin() as connection:
        for change in (
            "DELETE FROM needs WHERE id = 'n0'",
            "UPDATE needs SET quantity = 1 WHERE id = 'n1'",
            "UPDATE needs SET status = 'closed' WHERE id = 'n2'",
            "UPDATE needs SET approval = 'rejected' WHERE id = 'n3'",
            "DELETE FROM donations WHERE id = 'd4'",
            "UPDATE donations SET quantity = 4 WHERE id = 'd6'",
        ):
            connection.execute(sa.text(change))
    stock = content(engine, "needs", "id", "quantity"), content(engine, "donations", "id", "quantity")
    for again in (False, True):
        with engine.begin() as connection:
            done = apply(problem, matching, target(connection, reduce=reduce))
        assert [(one.demand_id, one.supply_id, one.side, one.reason) for one in done.stale] == [
            ("n0", "d0", "demand", "GONE"),
            ("n1", "d1", "demand", "QUANTITY"),
            ("n2", "d2", "demand", "NOT_OPEN"),
            ("n3", "d3", "demand", "NOT_OPEN"),
            ("n4", "d4", "supply", "GONE"),
            ("n6", "d6", "supply", "QUANTITY"),
            ("n7", "d6", "supply", "QUANTITY"),
        ]
        assert Stale.code == "STALE"
        assert [len(done.written), len(done.already)] == ([0, 1] if again else [1, 0])
        assert content(engine, "assignments", "demand_id", "supply_id", "quantity") == [("n5", "d5", 2)]
    if reduce:
        gone = [[(id_, 0 if id_ in ("n5", "d5") else left) for id_, left in side] for side in stock]
        stock = gone[0], gone[1]
    assert (content(engine, "needs", "id", "quantity"), content(engine, "donations", "id", "quantity")) == stock


def test_a_run_applied_in_part_is_completed_when_what_was_missing_is_back(engine: sa.Engine) -> None:
    fill(engine, [need_row("n1", 4)], [lot_row("d1", 2), lot_row("d2", 2)])
    problem, matching = decide(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE donations SET quantity = 1 WHERE id = 'd2'"))
        first = apply(problem, matching, target(connection))
        assert (len(first.written), [one.supply_id for one in first.stale]) == (1, ["d2"])
        connection.execute(sa.text("UPDATE donations SET quantity = 2 WHERE id = 'd2'"))
        second = apply(problem, matching, target(connection))
    assert (len(second.written), second.already, second.stale) == (1, first.written, ())
    assert content(engine, "needs", "quantity", "status") == [(0, "fulfilled")]


def test_another_run_on_the_same_stock_is_stale(engine: sa.Engine) -> None:
    fill(engine, NEEDS, LOTS)
    problem, matching = decide(engine)
    other = am.solve(problem, policy=am.Policy.giving(max_km=7))
    assert other.run_id != matching.run_id
    with engine.begin() as connection:
        apply(problem, matching, target(connection))
    with engine.begin() as connection:
        done = apply(problem, other, target(connection))
    assert (done.written, done.already, len(done.stale)) == ((), (), len(other.assignments))
    assert len(written(engine)) == len(matching.assignments)


def test_the_callers_transaction_decides(engine: sa.Engine) -> None:
    fill(engine, NEEDS, LOTS)
    problem, matching = decide(engine)
    with engine.connect() as connection:
        connection.execute(sa.text("UPDATE needs SET category = 'C' WHERE id = 'n3'"))
        apply(problem, matching, target(connection))
        assert connection.in_transaction()
        connection.rollback()
    assert written(engine) == []
    assert content(engine, "needs", "id", "quantity", "category")[2] == ("n3", 1, "A")
    assert content(engine, "donations", "quantity") == [(2,), (2,), (9,)]


def test_a_row_the_database_refuses_leaves_nothing_and_quotes_nothing(engine: sa.Engine) -> None:
    fill(engine, NEEDS, LOTS)
    problem, matching = decide(engine)
    last = list(matching.to_rows())[-1]
    with engine.begin() as connection:
        # somebody else's row has the id already
        connection.execute(assignments_table().insert(), [{**last, "run_id": "other"}])
    with engine.begin() as connection:
        for attempt in (lambda: apply(problem, matching, target(connection)), lambda: to_sql(matching, connection)):
            with pytest.raises(am.InputError) as refused:
                attempt()
            assert refused.value.code == "WRITE_FAILED"
            assert refused.value.__cause__ is None
            assert not [word for word in ("n1", "n2", "H-", last["assignment_id"]) if word in str(refused.value)]
        # the transaction goes on
        connection.execute(sa.text("UPDATE needs SET category = 'C' WHERE id = 'n3'"))
    assert len(written(engine)) == 1
    assert content(engine, "needs", "id", "quantity", "category")[0] == ("n1", 3, "A")
    assert content(engine, "needs", "id", "quantity", "category")[2] == ("n3", 1, "C")


def test_two_who_apply_one_run_at_the_same_time_write_it_once(engine: sa.Engine) -> None:
    fill(engine, NEEDS, LOTS)
    problem, matching = decide(engine)
    ready = threading.Barrier(2)
    results: list[Any] = []

    def work() -> None:
        with engine.connect() as connection:
            ready.wait()
            with connection.begin():
                results.append(apply(problem, matching, target(connection)))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    ids = tuple(row["assignment_id"] for row in matching.to_rows())
    assert sorted((len(one.written), len(one.already), len(one.stale)) for one in results) == [
        (0, len(ids), 0),
        (len(ids), 0, 0),
    ]
    assert len(written(engine)) == len(ids)
    assert content(engine, "needs", "id", "quantity") == [("n1", 0), ("n2", 1), ("n3", 1)]


def test_rows_are_locked_while_a_run_is_applied(engine: sa.Engine) -> None:
    fill(engine, NEEDS, LOTS)
    problem, matching = decide(engine)
    fast = {"sqlite": "PRAGMA busy_timeout = 50", "postgresql": "SET lock_timeout = 50"}
    patience = fast.get(engine.dialect.name, "SET innodb_lock_wait_timeout = 1")
    with engine.connect() as mine, engine.connect() as other:
        mine.begin()
        ours = target(mine)
        ours.quantities("demands", ["n1"])
        other.execute(sa.text(patience))
        with pytest.raises(sa.exc.OperationalError):
            other.execute(sa.text("UPDATE needs SET quantity = 9 WHERE id = 'n1'"))
        other.rollback()
        assert apply(problem, matching, ours).stale == ()
        mine.commit()


def test_assignments_alone_are_added_once(engine: sa.Engine) -> None:
    fill(engine, NEEDS, LOTS)
    _, matching = decide(engine)
    with engine.begin() as connection:
        assert to_sql(matching, connection) == len(matching.assignments)
        assert to_sql(matching, connection, "assignments") == 0
    assert written(engine) == sorted(tuple(row.values()) for row in matching.to_rows())


@pytest.mark.parametrize("kind", [sa.BigInteger(), sa.Uuid(), sa.Numeric(12, 0)], ids=["integer", "uuid", "numeric"])
def test_ids_that_are_no_text_in_the_tables_are_found_again(engine: sa.Engine, kind: Any) -> None:
    if not isinstance(kind, sa.BigInteger) and engine.dialect.name != "postgresql":
        kind = sa.String(64)  # what the others keep such ids as
    ids: list[Any] = ["00000000-0000-0000-0000-00000000000a"] if isinstance(kind, sa.Uuid) else [17]
    meta = sa.MetaData()
    need = sa.Table("needs", meta, sa.Column("id", kind, primary_key=True), sa.Column("quantity", sa.Integer))
    lot = sa.Table("donations", meta, sa.Column("id", kind, primary_key=True), sa.Column("quantity", sa.Integer))
    meta.create_all(engine)
    assignments_table().create(engine)
    with engine.begin() as connection:
        for table in ("needs", "donations"):
            connection.execute(sa.text(f"INSERT INTO {table} VALUES ('{ids[0]}', 1)"))  # noqa: S608  # ours
    read = [next(iter(Sql(engine, table=table.name).rows(""))).values["id"] for table in (need, lot)]
    demand, supply = need_row(read[0]), lot_row(read[1])
    problem = am.GivingProblem(am.read([demand], am.Need), am.read([supply], am.Donation), as_of=DAY)
    matching = am.solve(problem)
    with engine.begin() as connection:
        plain: dict[str, Any] = {"demands": Stock("needs"), "supplies": Stock("donations")}
        done = apply(problem, matching, SqlTarget(connection, **plain))
        assert (len(done.written), done.stale) == (1, ())
        ghosts = SqlTarget(connection, **plain).quantities("demands", ["017", "x", "17.0"])
        assert ghosts == {}
    assert content(engine, "needs", "quantity") == [(0,)]


def test_a_filter_chooses_by_value_by_list_and_by_null(engine: sa.Engine) -> None:
    fill(engine, [*NEEDS, need_row("n4", needed_by=None, code="371501")], [])

    def ids(**where: Any) -> list[str]:
        return [row.values["id"] for row in Sql(engine, table="needs", where=where).rows("needs")]

    assert ids() == ["n1", "n2", "n3", "n4"]
    assert ids(category="B") == ["n2"]
    assert ids(category=["A", "B"], approval="approved") == ["n1", "n2", "n4"]
    assert ids(code=None) == ["n1", "n2", "n3"]
    assert ids(code={"371501", None}) == ["n1", "n2", "n3", "n4"]
    assert ids(code=()) == []
    assert OPEN_NEEDS.keys() < {column.name for column in tables()[0].columns}
