"""Databases to test with: SQLite everywhere, PostgreSQL and MariaDB where an address of theirs is set.

``AIDMATCH_POSTGRESQL`` and ``AIDMATCH_MARIADB`` are SQLAlchemy addresses of a user who may make schemas, such as
``postgresql+psycopg://postgres@127.0.0.1/postgres`` and ``mariadb+pymysql://root@127.0.0.1/``.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine of an empty database, or schema, that is gone after the test."""
    if request.param == "sqlite":
        made = sa.create_engine(f"sqlite:///{tmp_path / 'platform.db'}")
        yield made
        made.dispose()
        return
    variable = f"AIDMATCH_{request.param.upper()}"
    address = os.environ.get(variable)
    if address is None:
        pytest.skip(f"{variable} is not set: no {request.param} to test with")
    url = sa.make_url(address)
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    name = f"aidmatch_{secrets.token_hex(8)}"
    postgresql = request.param == "postgresql"
    try:
        with server.connect() as connection:
            connection.execute(sa.text(f"CREATE {'SCHEMA' if postgresql else 'DATABASE'} {name}"))
    except sa.exc.OperationalError as error:
        pytest.skip(f"{variable} leads to no server: {type(error.orig).__name__}")
    if postgresql:
        made = sa.create_engine(url, connect_args={"options": f"-csearch_path={name}"})
    else:
        made = sa.create_engine(url.set(database=name))
    yield made
    made.dispose()
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP SCHEMA {name} CASCADE" if postgresql else f"DROP DATABASE {name}"))
    server.dispose()
