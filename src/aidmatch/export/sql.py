"""Assignments into a table of the platform's, and a platform's tables as the target of `apply`."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from aidmatch.errors import InputError
from aidmatch.matching import COLUMNS, Matching
from aidmatch.plugins import from_extra
from aidmatch.sources.sql import columns_of_table, conditions, telling_database_errors

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["SqlTarget", "Stock", "assignments_table", "to_sql"]

#: What a row has only if it is of goods, or only if it is of money.
_OF_ONE_KIND: Final = frozenset({"quantity", "cost", "cost_unit", "metres", "pinned", "amount_fen"})
#: Ids in one statement.
_CHUNK: Final = 500


def assignments_table(name: str = "assignments", *, schema: str | None = None) -> sa.Table:
    """Describe a table for assignments, one row a pair; ``assignments_table().create(engine)`` makes it.

    The table has the columns of `Matching.to_rows`; `assignment_id` is its primary key, so that the database itself
    lets no assignment in twice. A platform may add columns that have defaults. Making it is left to the platform, since
    on MariaDB that commits whatever transaction is open.

    Parameters
    ----------
    name, schema
        What it is called, and where it stands.

    Returns
    -------
    A SQLAlchemy table of its own metadata.

    Raises
    ------
    PluginError
        ``MISSING_EXTRA`` if SQLAlchemy is not installed.
    """
    with from_extra("sql"):
        import sqlalchemy as sa
    lengths = {"run_id": 16, "assignment_id": 16, "cost_unit": 255}
    columns = [
        sa.Column(
            header,
            sa.BigInteger() if kind is int else sa.String(lengths.get(header, 64)),
            primary_key=header == "assignment_id",
            nullable=header in _OF_ONE_KIND,
            index=header == "run_id",
        )
        for header, kind in COLUMNS.items()
    ]
    # ids that differ in case differ; a transaction can be rolled back
    exact: dict[str, Any] = {
        f"{dialect}_{option}": value
        for dialect in ("mariadb", "mysql")
        for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
    }
    return sa.Table(name, sa.MetaData(), *columns, schema=schema, **exact)


def to_sql(
    matching: Matching, connection: sa.Connection, table: str = "assignments", *, schema: str | None = None
) -> int:
    """Add a matching's assignments to a table, within the caller's transaction; those that are there stay as they are.

    Whether stock is still as it was decided on is not asked; `apply` does.

    Parameters
    ----------
    matching
        The decision.
    connection
        A SQLAlchemy connection that does not commit by itself. Nothing is committed here.
    table, schema
        A table with the columns of `assignments_table`.

    Returns
    -------
    How many rows were added.

    Raises
    ------
    InputError
        ``NO_TABLE``, ``MISSING_COLUMN``, ``AUTOCOMMIT``, ``NOT_CONNECTED``, or ``WRITE_FAILED`` if the database refuses
        a row; none is written then.
    """
    assignments = _Assignments(_checked(connection), table, schema)
    with telling_database_errors(table, "WRITE_FAILED", InputError):
        assignments.lock()
        before = assignments.of_run(matching.run_id)
        rows = [row for row in matching.to_rows() if row["assignment_id"] not in before]
        if rows:
            with connection.begin_nested():
                assignments.add(rows)
    return len(rows)


@dataclass(frozen=True, slots=True)
class Stock:
    """A platform's table of demands or supplies, as far as a decision touches it.

    Parameters
    ----------
    table
        Its name.
    key
        The column of the record's id; text, an integer or a UUID, unique.
    quantity
        The column of the units that were decided on: for needs and donations their quantity, for clients the
        caregivers needed, for caregivers the most persons. None where there is no such column since every record is
        one unit; `used_up` then tells apart what is taken.
    open
        By column the value that a row must still have, or a list of such values, to be open.
    used_up
        By column the value that a row gets once none of its units is left; only where quantities are reduced.
    schema
        Where it stands.
    """

    table: str
    key: str = "id"
    quantity: str | None = "quantity"
    open: Mapping[str, Any] = field(default_factory=dict)
    used_up: Mapping[str, Any] = field(default_factory=dict)
    schema: str | None = None


class SqlTarget:
    """Tables of SQLite, PostgreSQL or MariaDB, as the target of `apply`, within a transaction of the caller's.

    Rows are locked as they are re-read (``SELECT … FOR UPDATE``; SQLite has one lock for all), in the order of their
    ids. What is written is written behind a savepoint, so that a failure leaves nothing of it. Names are quoted,
    values are bound.

    Parameters
    ----------
    connection
        A SQLAlchemy connection that does not commit by itself. It is neither committed nor closed.
    demands, supplies
        The platform's tables.
    assignments, schema
        The table that assignments go to, as of `assignments_table`.
    reduce
        Whether the assigned units are taken off the quantities. If not, the platform has to change quantity or status
        itself before the same records are decided on again: to `apply`, they would be unchanged.

    Raises
    ------
    InputError
        ``NOT_AN_ENGINE`` if `connection` is none, ``AUTOCOMMIT`` if it commits by itself. While applying: ``NO_TABLE``,
        ``MISSING_COLUMN``, ``UNKNOWN_COLUMN``; ``DUPLICATE_ID`` if two rows of a table have an id; ``NOT_CONNECTED``;
        ``WRITE_FAILED`` if the database refuses a statement, or changes other rows than it was asked to.
    PluginError
        ``MISSING_EXTRA`` if SQLAlchemy is not installed.
    """

    def __init__(
        self,
        connection: sa.Connection,
        *,
        demands: Stock,
        supplies: Stock,
        assignments: str = "assignments",
        schema: str | None = None,
        reduce: bool = True,
    ) -> None:
        self.reduces = reduce
        self._connection = _checked(connection)
        self._sides = {"demands": demands, "supplies": supplies}
        self._assignments = _Assignments(connection, assignments, schema)

    def __repr__(self) -> str:
        tables = f"{self._sides['demands'].table}, {self._sides['supplies'].table} → {self._assignments.name}"
        return f"<SqlTarget: {tables} of {self._connection.dialect.name}>"

    def quantities(self, side: Literal["demands", "supplies"], ids: Sequence[str]) -> Mapping[str, int | None]:
        """As `Target`; rows stay locked until the transaction ends."""
        import sqlalchemy as sa

        stock = self._sides[side]
        found: dict[str, int | None] = {}
        with telling_database_errors(stock.table, "WRITE_FAILED", InputError):
            self._assignments.lock()
            table, kind = self._reflected(stock)
            key = table.c[stock.key]
            quantity = sa.literal(1) if stock.quantity is None else table.c[stock.quantity]
            is_open = sa.case((conditions(table, stock.open, stock.table), 1), else_=0)
            for keys in _chunks([value for id_ in ids if (value := _key(id_, kind)) is not None]):
                chosen = sa.select(key, quantity, is_open).where(key.in_(keys)).order_by(key).with_for_update()
                for value, units, still_open in self._connection.execute(chosen):
                    id_ = str(value).strip()
                    if id_ in found:
                        raise InputError(f"{stock.table} has two rows of id {id_!r}", code="DUPLICATE_ID")
                    found[id_] = units if still_open else None
        return found

    def applied(self, run_id: str) -> Collection[str]:
        """As `Target`."""
        with telling_database_errors(self._assignments.name, "WRITE_FAILED", InputError):
            return self._assignments.of_run(run_id)

    def write(self, rows: Sequence[Mapping[str, Any]], demands: Mapping[str, int], supplies: Mapping[str, int]) -> None:
        """As `Target`."""
        with (
            telling_database_errors(self._assignments.name, "WRITE_FAILED", InputError),
            self._connection.begin_nested(),
        ):
            self._assignments.add(rows)
            if self.reduces:
                self._take(self._sides["demands"], demands)
                self._take(self._sides["supplies"], supplies)

    def _take(self, stock: Stock, taken: Mapping[str, int]) -> None:
        import sqlalchemy as sa

        table, kind = self._reflected(stock)
        key = table.c[stock.key]
        empty: sa.ColumnElement[bool] = sa.true()
        values = [{"aidmatch_key": _key(id_, kind), "aidmatch_units": of} for id_, of in sorted(taken.items())]
        if stock.quantity is not None:
            quantity, units = table.c[stock.quantity], sa.bindparam("aidmatch_units", type_=sa.BigInteger())
            empty = quantity == 0
            reduced = sa.update(table).where(key == sa.bindparam("aidmatch_key"), quantity >= units)
            changed = self._connection.execute(reduced.values({stock.quantity: quantity - units}), values)
            if changed.rowcount != len(values):
                raise InputError(
                    f"{stock.table}: {changed.rowcount} rows would be reduced instead of {len(values)}; "
                    "ids may differ in case only, or a trigger interferes",
                    code="WRITE_FAILED",
                )
        if stock.used_up:
            for keys in _chunks([value["aidmatch_key"] for value in values]):
                self._connection.execute(sa.update(table).where(key.in_(keys), empty).values(dict(stock.used_up)))

    def _reflected(self, stock: Stock) -> tuple[sa.TableClause, type]:
        """Give a table without types, and the type of its key."""
        import sqlalchemy as sa

        columns = columns_of_table(self._connection, stock.table, stock.schema)
        for name in (stock.key, stock.quantity, *stock.open, *stock.used_up):
            if name is not None and name not in columns:
                raise InputError(
                    f"{stock.table} has no column {name!r}; it has {', '.join(columns)}", code="UNKNOWN_COLUMN"
                )
        known = sa.inspect(self._connection).get_columns(stock.table, schema=stock.schema)
        # where a type is not known, the database makes what it needs of the text
        kinds = {column["name"]: column["type"].python_type for column in known}
        return sa.table(stock.table, *map(sa.column, columns), schema=stock.schema), kinds.get(stock.key, str)


class _Assignments:
    """The table that assignments go to."""

    def __init__(self, connection: sa.Connection, name: str, schema: str | None) -> None:
        import sqlalchemy as sa

        self.name = name
        self._connection = connection
        with telling_database_errors(name, "WRITE_FAILED", InputError):
            missing = [header for header in COLUMNS if header not in columns_of_table(connection, name, schema)]
        if missing:
            raise InputError(
                f"{name} has no column {missing[0]!r}; assignments_table describes the whole", code="MISSING_COLUMN"
            )
        self._table = sa.table(name, *map(sa.column, COLUMNS), schema=schema)

    def lock(self) -> None:
        """Keep others from writing an SQLite file; the other databases lock what is read."""
        import sqlalchemy as sa

        if self._connection.dialect.name == "sqlite":
            # changes nothing, and begins a transaction that may write
            self._connection.execute(sa.update(self._table).where(sa.false()).values(state="offered"))

    def of_run(self, run_id: str) -> frozenset[str]:
        """Ids of a run's assignments that are there."""
        import sqlalchemy as sa

        # no locking read: on MariaDB it would lock the gap that other runs insert into
        chosen = sa.select(self._table.c.assignment_id).where(self._table.c.run_id == run_id)
        return frozenset(self._connection.scalars(chosen))

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows."""
        import sqlalchemy as sa

        self._connection.execute(sa.insert(self._table), list(rows))


def _checked(connection: sa.Connection) -> sa.Connection:
    with from_extra("sql"):
        import sqlalchemy as sa
    if not isinstance(connection, sa.Connection):
        raise InputError(
            f"{type(connection).__name__} is no SQLAlchemy connection; engine.begin() gives one with a transaction",
            code="NOT_AN_ENGINE",
        )
    driver = connection.connection.dbapi_connection
    if driver is not None and connection.dialect.detect_autocommit_setting(driver):
        raise InputError(
            "the connection commits every statement by itself; applying takes a transaction", code="AUTOCOMMIT"
        )
    return connection


def _key(id_: str, kind: type) -> Any:
    """The value a column of some type has for an id; None where it can have none."""
    try:
        value = int(id_) if kind in (int, Decimal) else uuid.UUID(id_) if kind is uuid.UUID else id_
    except ValueError:
        return None
    return value if str(value) == id_ else None


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
