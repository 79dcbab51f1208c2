"""A platform's own database, end to end: needs and donations in, assignments and what is left back out.

`Sql` reads what is open. `apply` writes the assignments into the platform's database, inside a transaction of the
platform's, and takes the units off both sides; what somebody changed since the decision is listed and not written, and
a run that is applied twice is written once. On PostgreSQL or MariaDB only the address differs. Install `aidmatch[sql]`.

Give a folder for the database as the first argument if you like.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import aidmatch as am
from aidmatch import synthetic
from aidmatch.export import SqlTarget, Stock, apply, assignments_table
from aidmatch.sources import Sql

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
folder.mkdir(parents=True, exist_ok=True)
(folder / "platform.db").unlink(missing_ok=True)
engine = sa.create_engine(f"sqlite:///{folder / 'platform.db'}")

# a platform's tables; yours are there already
days = dict.fromkeys(("notice_ended_on", "registered_on", "needed_by", "available_until", "expires_on"), sa.Date())
numbers: dict[str, Any] = dict.fromkeys(("lat", "lon", "max_km"), sa.Double())
types: dict[str, Any] = {"quantity": sa.BigInteger(), **numbers, **days}
county = synthetic.county()
with engine.begin() as connection:
    for name, table in county.tables.items():
        stored = sa.Table(name, sa.MetaData(), *(sa.Column(h, types.get(h, sa.String(64))) for h in table.columns))
        stored.create(connection)
        connection.execute(stored.insert(), list(table.rows()))
assignments_table().create(engine)

open_needs, open_lots = {"status": "open", "approval": "approved"}, {"status": ["pledged", "in_stock"]}
needs = am.read(Sql(engine, table="needs", where=open_needs), am.Need)
donations = am.read(Sql(engine, table="donations", where=open_lots), am.Donation)
problem = am.GivingProblem(needs, donations, as_of=county.as_of)
matching = am.solve(problem, policy=am.Policy.giving(max_km=county.max_km))
am.verify(problem, matching)

# meanwhile, somebody gives a lot away by hand
with engine.begin() as connection:
    gone = matching.assignments[0].supply_id
    connection.execute(sa.text("UPDATE donations SET status = 'dispatched' WHERE id = :id"), {"id": gone})

for attempt in ("first", "second"):
    with engine.begin() as connection:
        needs_table = Stock("needs", open=open_needs, used_up={"status": "fulfilled"})
        lots_table = Stock("donations", open=open_lots, used_up={"status": "dispatched"})
        done = apply(problem, matching, SqlTarget(connection, demands=needs_table, supplies=lots_table))
    print(f"{attempt}: {len(done.written)} written, {len(done.already)} already there, {len(done.stale)} stale")
print("stale:", *sorted({(one.supply_id, one.reason) for one in done.stale}))
