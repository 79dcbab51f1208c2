"""A small platform's tables, as SQL keeps them."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import sqlalchemy as sa

import aidmatch as am
from aidmatch.export import SqlTarget, Stock, assignments_table
from aidmatch.sources import Sql

DAY = date(2017, 6, 1)


def tables(needs: str = "needs", donations: str = "donations") -> tuple[sa.Table, sa.Table]:
    """Needs and donations, typed as a platform would."""
    meta = sa.MetaData()
    options: dict[str, Any] = {"mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_bin"}

    def common() -> Iterable[sa.Column[Any]]:
        return (
            sa.Column("item", sa.String(64), nullable=False),
            sa.Column("quantity", sa.BigInteger, nullable=False),
            sa.Column("unit", sa.String(64), nullable=False),
            sa.Column("code", sa.String(12)),
            sa.Column("lat", sa.Numeric(9, 6, asdecimal=False)),
            sa.Column("lon", sa.Numeric(9, 6, asdecimal=False)),
        )

    return (
        sa.Table(
            needs,
            meta,
            sa.Column("id", sa.String(64), primary_key=True),
            sa.Column("household_id", sa.String(64), nullable=False),
            sa.Column("category", sa.String(64), nullable=False),
            sa.Column("approval", sa.String(16), nullable=False),
            sa.Column("status", sa.String(16), nullable=False, default="open"),
            sa.Column("objected", sa.Boolean, nullable=False, default=False),
            sa.Column("registered_on", sa.Date, nullable=False),
            sa.Column("needed_by", sa.Date),
            *common(),
            **options,
        ),
        sa.Table(
            donations,
            meta,
            sa.Column("id", sa.String(64), primary_key=True),
            sa.Column("donor_id", sa.String(64), nullable=False),
            sa.Column("status", sa.String(16), nullable=False, default="in_stock"),
            sa.Column("expires_on", sa.Date),
            *common(),
            **options,
        ),
    )


def need_row(id_: str, quantity: int = 1, **cells: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "household_id": f"H-{id_}"[:64],
        "category": "A",
        "approval": "approved",
        "registered_on": date(2017, 1, 1),
        "item": "quilt",
        "quantity": quantity,
        "unit": "piece",
        "lat": 36.5,
        "lon": 115.9,
        **cells,
    }


def lot_row(id_: str, quantity: int = 1, **cells: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "donor_id": f"P-{id_}"[:64],
        "item": "quilt",
        "quantity": quantity,
        "unit": "piece",
        "lat": 36.5,
        "lon": 115.9,
        **cells,
    }


def fill(engine: sa.Engine, needs: list[dict[str, Any]], lots: list[dict[str, Any]]) -> None:
    """Make the platform's tables, and the one for assignments."""
    for table, rows in zip(tables(), (needs, lots), strict=True):
        table.create(engine)
        with engine.begin() as connection:
            for row in rows:  # one by one, so that defaults apply
                connection.execute(table.insert(), row)
    assignments_table().create(engine)


OPEN_NEEDS = {"status": "open", "approval": "approved"}
OPEN_LOTS = {"status": ["pledged", "in_stock"]}


def decide(bind: sa.Engine | sa.Connection) -> tuple[am.GivingProblem, am.Matching]:
    """Read what is open, and decide."""
    needs = am.read(Sql(bind, table="needs", where=OPEN_NEEDS), am.Need)
    lots = am.read(Sql(bind, table="donations", where=OPEN_LOTS), am.Donation)
    problem = am.GivingProblem(needs, lots, as_of=DAY)
    return problem, am.solve(problem)


def target(connection: sa.Connection, **options: Any) -> SqlTarget:
    return SqlTarget(
        connection,
        demands=Stock("needs", open=OPEN_NEEDS, used_up={"status": "fulfilled"}),
        supplies=Stock("donations", open=OPEN_LOTS, used_up={"status": "dispatched"}),
        **options,
    )


def content(engine: sa.Engine, table: str, *columns: str) -> list[Any]:
    """Some columns of a table, sorted."""
    with engine.connect() as connection:
        chosen: sa.Select[*tuple[Any, ...]] = sa.select(*map(sa.column, columns)).select_from(sa.table(table))
        return sorted(tuple(row) for row in connection.execute(chosen))
