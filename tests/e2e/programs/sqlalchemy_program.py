#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SQLAlchemy: what an ORM asks (dialect initialisation, reflection, RETURNING, server side
cursors), over psycopg2 and over asyncpg. Called as `sqlalchemy_program.py POOL SEED`."""
import asyncio
import os
import random
import sys

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import create_async_engine

Base = orm.declarative_base()


class Written(Base):
    """A row that has a generated id and a server default."""

    __tablename__ = "written"
    id = sa.Column(sa.BigInteger, primary_key=True)
    worker = sa.Column(sa.Text, nullable=False)
    n = sa.Column(sa.Integer, nullable=False)
    note = sa.Column(sa.Text)
    at = sa.Column(sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp())


class Item(Base):
    """What nobody writes."""

    __tablename__ = "items"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.Text)
    price = sa.Column(sa.Numeric(10, 2))
    weight = sa.Column(sa.Float)
    tags = sa.Column(postgresql.ARRAY(sa.Text))
    data = sa.Column(postgresql.JSONB)
    made = sa.Column(sa.Date)
    seen = sa.Column(sa.DateTime(timezone=True))
    raw = sa.Column(sa.LargeBinary)


def show(item):
    return [getattr(item, column.name) for column in Item.__table__.columns]


def read(session, say, key):
    say(*show(session.get(Item, key)))


def filters(session, say):
    query = sa.select(Item.id, Item.name).order_by(Item.id)
    say(session.execute(query.where(Item.id.in_([3, 1, 2]))).all())
    say(session.execute(query.where(Item.id.in_([3, 1, 2, 5]))).all())
    say(session.execute(query.where(Item.name.like("item 1%")).limit(3).offset(1)).all())
    say(session.execute(query.where(Item.data["n"].as_integer() == 7)).all())
    say(session.execute(query.where(Item.tags.any("t9"))).all())
    say(session.execute(query.where(Item.tags.contains(["t9"]))).all())
    say(session.execute(sa.select(sa.func.count()).select_from(Item)).scalar())
    say(session.execute(query.where(Item.price.between(1, 3))).all())
    letter = sa.case((Item.id > 5, "b"), else_="a")
    say(session.execute(sa.select(letter).limit(7).order_by(Item.id)).all())


def write(session, say, key):
    rows = [Written(worker=f"orm{key}", n=n) for n in range(4)]
    session.add_all(rows)
    session.flush()
    say([row.id for row in rows], rows[0].at)
    rows[1].note = "changed"
    session.delete(rows[2])
    session.commit()
    left = sa.select(Written.n, Written.note).filter_by(worker=f"orm{key}").order_by(Written.n)
    say(session.execute(left).all())
    say(session.execute(sa.delete(Written).where(Written.worker == f"orm{key}")).rowcount)
    session.commit()


def nested(session, say):
    session.add(Written(worker="nested", n=1))
    session.flush()
    try:
        with session.begin_nested():
            session.add(Written(worker="nested", n=1))
    except sa.exc.IntegrityError as error:
        say(str(getattr(error.orig, "pgcode", None) or error.orig.sqlstate))
    say(session.execute(sa.select(Written.n).filter_by(worker="nested")).all())
    session.rollback()


def upsert(session, say):
    for note in ("a", "b"):
        statement = postgresql.insert(Written).values(worker="upsert", n=1, note=note)
        statement = statement.on_conflict_do_update(
            index_elements=["worker", "n"], set_={"note": statement.excluded.note + "!"}
        ).returning(Written.note)
        say(session.execute(statement).all())
    session.rollback()


def reflect(session, say):
    names = []

    def look(connection):
        inspector = sa.inspect(connection)
        names.extend(sorted(inspector.get_table_names()))
        names.append([str(c["type"]) for c in inspector.get_columns("written")])
        names.append(inspector.get_pk_constraint("written")["constrained_columns"])
        names.append(inspector.get_unique_constraints("written")[0]["column_names"])

    look(session.connection())
    say(names)


def stream(session, say):
    query = sa.select(Item.id).order_by(Item.id).limit(60)
    query = query.execution_options(yield_per=25, stream_results=True)
    say([row.id for row in session.execute(query)])


UNITS = (
    [(f"read.{key}", read, (key,)) for key in range(1, 11)]
    + [(f"write.{key}", write, (key,)) for key in (1, 2, 3)]
    + [(f.__name__, f, ()) for f in (filters, nested, upsert, reflect, stream)]
)


def work(session, name, function, arguments, report):
    lines = []
    try:
        function(session, lambda *values: lines.append(" ".join(map(repr, values))), *arguments)
        session.commit()
    except Exception as error:  # pylint: disable=broad-except
        session.rollback()
        lines.append(f"UNEXPECTED {error!r}")
        report["failed"] = True
    report[name] = lines


async def through_asyncpg(url, pool, units, report):
    engine = create_async_engine(sa.engine.make_url(url).set(drivername="postgresql+asyncpg"))
    connections = [await engine.connect() for _ in range(pool)]
    for number, (name, function, arguments) in enumerate(units):
        await connections[number % pool].run_sync(
            lambda connection, *rest: work(orm.Session(bind=connection), *rest),
            f"asyncpg.{name}",
            function,
            arguments,
            report,
        )
        await connections[number % pool].commit()
    for connection in connections:
        await connection.close()
    await engine.dispose()


def through_psycopg2(url, pool, units, report):
    engine = sa.create_engine(url, pool_size=pool)
    connections = [engine.connect() for _ in range(pool)]
    for number, (name, function, arguments) in enumerate(units):
        session = orm.Session(bind=connections[number % pool])
        work(session, f"psycopg2.{name}", function, arguments, report)
        session.close()
    for connection in connections:
        connection.close()
    engine.dispose()


def main():
    pool, seed = int(sys.argv[1]), int(sys.argv[2])
    env = os.environ
    url = sa.engine.URL.create(
        "postgresql+psycopg2",
        *(env[name] for name in ("PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGDATABASE")),
    )
    units = list(UNITS)
    if seed:
        random.Random(seed).shuffle(units)
    report = {}
    through_psycopg2(url, pool, units, report)
    asyncio.run(through_asyncpg(url, pool, units, report))
    failed = report.pop("failed", False)
    for name in sorted(report):
        for line in report[name]:
            print(f"{name}: {line}")
    sys.exit(1 if failed else 0)


main()
