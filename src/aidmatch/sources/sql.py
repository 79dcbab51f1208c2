"""Tables and queries of a database, read without a trace: streamed, bound, read-only, from one snapshot."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aidmatch.errors import InputError, SourceError
from aidmatch.plugins import from_extra
from aidmatch.sources.table import Row

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Sql", "columns_of_table", "conditions", "sqlite_file", "telling_database_errors"]

#: Rows in memory at a time.
_CHUNK: Final = 1_000
#: Databases whose ways of reading without writing are known here.
_KNOWN: Final = ("sqlite", "postgresql", "mariadb", "mysql")


class Sql:
    """A table, a view or the platform's own query in SQLite, PostgreSQL or MariaDB (extra ``sql``).

    Rows are streamed, whatever their number. Every read is one statement, so it sees one state of the database. What
    it runs cannot write: the transaction is read-only (PostgreSQL, MariaDB), or the connection is while it reads
    (SQLite); inside a transaction of the caller's, a savepoint is rolled back to, and on PostgreSQL is read-only too.
    A connection that is handed over is neither closed nor committed. Names are quoted, values are bound.

    Cells come as the driver gives them; booleans kept as bits come as 0 and 1, UUIDs as text, and numbers without
    decimals as integers. Rows are numbered from 1, in the order of the table's primary key where it has one, or as the
    query orders them.

    Parameters
    ----------
    bind
        A SQLAlchemy engine, or a connection (of an ORM session: ``session.connection()``).
    table
        Name of a table or view, in whatever case and script.
    schema
        The schema or database it stands in; else the connection's own.
    where
        Which of the table's rows: by column the value it must have, or a list or set of such values; None for NULL.
    query
        A SELECT instead of a table. Values stand in it as ``:name`` only.
    params
        Values of the query by name.

    Raises
    ------
    InputError
        ``NOT_AN_ENGINE`` if `bind` is something else, ``UNSUPPORTED_DATABASE`` if it leads to another database,
        ``UNKNOWN_OPTION`` unless there is either a table, with or without `where`, or a query, with or without
        `params`.
    PluginError
        ``MISSING_EXTRA`` if SQLAlchemy is not installed.
    """

    def __init__(
        self,
        bind: sa.Engine | sa.Connection,
        *,
        table: str | None = None,
        schema: str | None = None,
        where: Mapping[str, Any] | None = None,
        query: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        with from_extra("sql"):
            import sqlalchemy as sa
        if not isinstance(bind, sa.Engine | sa.Connection):
            # a text is not quoted: an address may hold a password
            raise InputError(
                f"{type(bind).__name__} is neither a SQLAlchemy engine nor a connection; "
                "sqlalchemy.create_engine makes an engine of an address",
                code="NOT_AN_ENGINE",
            )
        if bind.dialect.name not in _KNOWN:
            raise InputError(
                f"no way is known to read {bind.dialect.name} without writing; known: {', '.join(_KNOWN)}",
                code="UNSUPPORTED_DATABASE",
            )
        if (table is None) == (query is None):
            raise InputError("Sql takes either table= or query=", code="UNKNOWN_OPTION")
        if query is None and params is not None:
            raise InputError("params= belongs to query=; a table's rows are chosen by where=", code="UNKNOWN_OPTION")
        if query is not None and (where is not None or schema is not None):
            raise InputError("where= and schema= belong to table=; write them into the query", code="UNKNOWN_OPTION")
        self._bind = bind
        self._table, self._schema, self._where = table, schema, dict(where or {})
        self._query, self._params = query, dict(params or {})

    def __repr__(self) -> str:
        return f"<Sql: {self.name} of {self._bind.dialect.name}>"

    @property
    def name(self) -> str:
        """The table with its schema, or ``query``."""
        return ".".join(filter(None, (self._schema, self._table))) or "query"

    @property
    def columns(self) -> tuple[str, ...]:
        """Headers, asked of the database without reading a row.

        Raises
        ------
        SourceError
            ``NO_TABLE``; ``DUPLICATE_COLUMN`` if a query gives two columns one name; ``UNKNOWN_COLUMN`` if `where`
            names one that is not there; ``QUERY_FAILED`` if the query is not a SELECT the database understands;
            ``NOT_CONNECTED``; ``AUTOCOMMIT``.
        """
        with telling_database_errors(self.name, "QUERY_FAILED"), _read_only(self._bind) as connection:
            return self._prepared(connection)[1]

    def rows(self, table: str) -> Iterator[Row]:
        """Yield every row, numbered from 1.

        Parameters
        ----------
        table
            Ignored: the source is one table.

        Yields
        ------
        Row
            One row.

        Raises
        ------
        SourceError
            As `columns`.
        """
        with telling_database_errors(self.name, "QUERY_FAILED"), _read_only(self._bind) as connection:
            statement, headers = self._prepared(connection)
            options = {"stream_results": True, "yield_per": _CHUNK}
            with connection.execute(statement, self._params, execution_options=options) as result:
                for number, cells in enumerate(result, start=1):
                    yield Row(number, dict(zip(headers, map(_plain, cells), strict=True)))

    def _prepared(self, connection: sa.Connection) -> tuple[sa.Executable, tuple[str, ...]]:
        """Give what is to be run, and the names of its columns."""
        import sqlalchemy as sa

        if self._table is not None:
            names = columns_of_table(connection, self._table, self._schema)
            # columns without types: the driver's own values come through, and a cell that is odd costs its row only
            table = sa.table(self._table, *map(sa.column, names), schema=self._schema)
            key = sa.inspect(connection).get_pk_constraint(self._table, schema=self._schema)["constrained_columns"]
            chosen = sa.select(*table.c).where(conditions(table, self._where, self.name))
            return chosen.order_by(*(table.c[column] for column in key if column in table.c)), names
        query = str(self._query).strip().rstrip(";")
        # Only a SELECT can stand in parentheses, so that anything else is refused before it runs. The bound value also
        # makes drivers send it as one statement that cannot hold several.
        wrapped = f"SELECT * FROM (\n{query}\n) AS aidmatch_query WHERE 1 = :aidmatch_never"  # noqa: S608  # the platform's
        probe = sa.text(wrapped)
        with connection.execute(probe, {**self._params, "aidmatch_never": 0}) as result:
            names = tuple(result.keys())
        if connection.dialect.name == "sqlite":  # which has renamed those that come twice
            with connection.execute(sa.text(query), self._params) as result:
                names = tuple(result.keys())
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise SourceError(
                f"the query has two columns {twice[0]!r}; give one of them another name", code="DUPLICATE_COLUMN"
            )

        return sa.text(query), names


def sqlite_file(target: str) -> Sql:
    """Read a table of an SQLite file, as the target ``sqlite:FILE#TABLE``.

    Parameters
    ----------
    target
        Path of the file, and after the last ``#`` the name of the table or view.

    Returns
    -------
    The source. The file is opened for reading only, each time it is read.

    Raises
    ------
    SourceError
        ``BAD_TARGET`` if no table is named, ``NOT_FOUND`` if there is no such file.
    PluginError
        ``MISSING_EXTRA`` if SQLAlchemy is not installed.
    """
    with from_extra("sql"):
        import sqlalchemy as sa
    path, _, table = target.rpartition("#")
    if not path or not table:
        raise SourceError("an SQLite file is named with its table: sqlite:platform.db#needs", code="BAD_TARGET")
    if not Path(path).is_file():
        raise SourceError(f"there is no file {Path(path).name!r}", code="NOT_FOUND")
    import sqlite3  # not everybody's

    address = f"{Path(path).absolute().as_uri()}?mode=ro"
    engine = sa.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=sa.pool.NullPool
    )
    return Sql(engine, table=table)


def columns_of_table(connection: sa.Connection, table: str, schema: str | None) -> tuple[str, ...]:
    """Ask the database for a table's columns.

    Parameters
    ----------
    connection
        Where it stands.
    table, schema
        A table or a view.

    Returns
    -------
    The columns' names, in order.

    Raises
    ------
    SourceError
        ``NO_TABLE`` if there is none.
    """
    import sqlalchemy as sa

    known = sa.inspect(connection)
    if not known.has_table(table, schema=schema):
        named = ".".join(filter(None, (schema, table)))
        raise SourceError(f"the database has no table {named!r} that this user may read", code="NO_TABLE")
    # the names as results have them: reflection on MariaDB leaves backticks doubled
    nothing = sa.select(sa.text("*")).select_from(sa.table(table, schema=schema)).where(sa.false())
    with connection.execute(nothing) as result:
        return tuple(result.keys())


def conditions(table: sa.TableClause, where: Mapping[str, Any], name: str) -> sa.ColumnElement[bool]:
    """Make one condition of a map of columns and values.

    Parameters
    ----------
    table
        Has the columns.
    where
        By column the value it must have, or a list, tuple or set of such values; None for NULL.
    name
        What messages call the table.

    Returns
    -------
    The condition, with every value bound.

    Raises
    ------
    SourceError
        ``UNKNOWN_COLUMN`` if the table has no such column.
    """
    import sqlalchemy as sa

    unknown = sorted(column for column in where if column not in table.c)
    if unknown:
        raise SourceError(
            f"{name} has no column {unknown[0]!r}; it has {', '.join(table.c.keys())}", code="UNKNOWN_COLUMN"
        )
    parts: list[sa.ColumnElement[bool]] = [sa.true()]
    for header, value in where.items():
        column = table.c[header]
        if isinstance(value, list | tuple | set | frozenset):
            some = column.in_([one for one in value if one is not None])
            parts.append(some | column.is_(None) if None in value else some)
        else:
            parts.append(column.is_(None) if value is None else column == value)
    return sa.and_(*parts)


@contextmanager
def telling_database_errors(name: str, code: str, kind: type[InputError] = SourceError) -> Iterator[None]:
    """Turn any error of the database into one that quotes neither data nor secrets.

    Parameters
    ----------
    name
        What messages call the table.
    code
        The error's code, where the database could be reached.
    kind
        The error's class.

    Raises
    ------
    InputError
        Of that class, with the kind of error and the database's number for it, and its words where they are about the
        statement itself. ``NOT_CONNECTED`` if there is no connection.
    """
    import sqlalchemy as sa

    try:
        yield
    except sa.exc.DBAPIError as error:
        cause = error.orig
        number = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
        number = number or next((part for part in getattr(cause, "args", ()) if isinstance(part, int)), None)
        what = type(cause).__name__ + (f" {number}" if number else "")
        if error.statement is None:
            raise kind(f"{name}: the database cannot be reached ({what})", code="NOT_CONNECTED") from None
        # errors of data quote them, errors of syntax and names quote the statement
        about_it = str(number).startswith(("42", "SQLITE_ERROR"))  # class 42 of SQL's states: syntax, names, rights
        words = f": {str(cause).splitlines()[0]}" if about_it and str(cause) else ""
        raise kind(f"{name}: the database refuses it ({what}){words}", code=code) from None
    except sa.exc.SQLAlchemyError as error:
        # its words quote the statement's values
        raise kind(f"{name}: {type(error).__name__} (is every :name among the values?)", code=code) from None


@contextmanager
def _read_only(bind: sa.Engine | sa.Connection) -> Iterator[sa.Connection]:
    """Give a connection that cannot write, in a transaction that ends as if it had never been."""
    import sqlalchemy as sa

    dialect = bind.dialect.name
    with ExitStack() as stack:
        if isinstance(bind, sa.Engine):
            connection = stack.enter_context(bind.connect())
            if dialect != "sqlite":  # whatever the engine's own is, streams need a transaction
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
        else:
            connection = bind
            if dialect != "sqlite" and _commits_by_itself(connection):
                raise SourceError(
                    "the connection commits every statement by itself; reading takes a transaction, so give the "
                    "engine, or a connection without AUTOCOMMIT",
                    code="AUTOCOMMIT",
                )
        inside = connection.in_transaction()
        if not inside:
            stack.callback(connection.begin().rollback)
        if dialect == "sqlite":
            stack.enter_context(_query_only(connection))
        elif dialect == "postgresql":
            stack.callback(connection.begin_nested().rollback)
            # the savepoint's end restores what the caller had
            connection.execute(sa.text("SET TRANSACTION READ ONLY"))
        elif inside:
            stack.callback(connection.begin_nested().rollback)
        else:
            connection.execute(sa.text("START TRANSACTION READ ONLY"))
        yield connection


def _commits_by_itself(connection: sa.Connection) -> bool:
    driver = connection.connection.dbapi_connection
    return driver is not None and bool(connection.dialect.detect_autocommit_setting(driver))


@contextmanager
def _query_only(connection: sa.Connection) -> Iterator[None]:
    """Forbid an SQLite connection to write, for a while."""
    driver: Any = connection.connection.dbapi_connection
    (before,) = driver.execute("PRAGMA query_only").fetchone()
    factory = driver.text_factory
    driver.execute("PRAGMA query_only = 1")
    # text that is not UTF-8 costs its row, not the table
    driver.text_factory = lambda raw: raw.decode(errors="surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = factory
        driver.execute(f"PRAGMA query_only = {int(before)}")


_BITS: Final = {b"\0": 0, b"\1": 1}


def _plain(cell: Any) -> Any:
    """Make a cell what records read: bits are numbers, UUIDs are text, whole decimals are integers."""
    kind = type(cell)
    if kind is str or kind is int or cell is None:
        return cell
    if isinstance(cell, bytes | bytearray | memoryview):
        raw = bytes(cell)
        return _BITS.get(raw, raw)
    if isinstance(cell, uuid.UUID):
        return str(cell)
    if isinstance(cell, Decimal):
        exponent = cell.as_tuple().exponent
        return int(cell) if isinstance(exponent, int) and exponent >= 0 else cell
    return cell
