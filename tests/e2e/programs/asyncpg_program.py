#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""asyncpg: everything binary and named, Flush instead of Sync, type introspection, a pool that
resets."""
import asyncio
import datetime
import decimal
import os
import sys
import uuid

import asyncpg

from common import Report, arguments, call, unit

UTC = datetime.timezone.utc


@unit(*range(1, 21))
async def read(connection, say, key):
    for row in await connection.fetch(
        "SELECT id, name, price, weight, tags, data, made, seen, raw FROM items WHERE id = $1", key
    ):
        say(dict(row))


@unit(*range(21, 31))
async def read_one(connection, say, key):
    """Execute with a limit of one row."""
    say(tuple(await connection.fetchrow("select id, name from items where id = $1", key)))
    say(await connection.fetchval("select price from items where id = $1", key))


@unit()
async def values(connection, say):
    for kind, value in (
        ("bool", True),
        ("int2", -7),
        ("int4", 2**20),
        ("int8", 2**40),
        ("float4", 1.5),
        ("float8", float("-inf")),
        ("numeric", decimal.Decimal("12345678901234567890.1230")),
        ("text", 'it\'s \\ "quoted" $1 %'),
        ("varchar", ""),
        ("bytea", b"\x00\xff\x01"),
        ("date", datetime.date(1999, 12, 31)),
        ("timestamptz", datetime.datetime(2020, 1, 2, 3, 4, 5, 678901, UTC)),
        ("timestamp", datetime.datetime(2020, 1, 2)),
        ("time", datetime.time(1, 2, 3)),
        ("interval", datetime.timedelta(days=3, seconds=4)),
        ("int4[]", [1, None, 3]),
        ("text[]", ["a", "b,c", None]),
        ("int4[]", [[1, 2], [3, 4]]),
        ("jsonb", '{"a": [1, null], "b": "x"}'),
        ("uuid", uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")),
        ("int4range", asyncpg.Range(1, 5)),
        ("json", '{"z": 1,  "a": 2}'),
        ("inet", "10.0.0.1"),
        ("point", (1.5, -2.0)),
        ("oid", 4000000000),
    ):
        say(kind, await connection.fetchval(f"select $1::{kind}", value))
        say(kind, await connection.fetchval(f"select $1::{kind}", None))


@unit(*range(31, 39))
async def transfer(connection, say, key):
    async with connection.transaction():
        for amount in (5, 7):
            say(await connection.fetchval("select balance from accounts where id = $1", key))
            say(
                await connection.execute(
                    "update accounts set balance = balance - $1 where id = $2", amount, key
                )
            )
        say(await connection.fetchval("select balance from accounts where id = $1", key))


@unit(*range(1, 5))
async def insert(connection, say, key):
    async with connection.transaction():
        for n in range(3):
            row = await connection.fetchrow(
                "insert into written (worker, n) values ($1, $2) returning id, at", f"i{key}", n
            )
            say(tuple(row))
        say(await connection.execute("delete from written where worker = $1", f"i{key}"))


@unit(1, 2, 3)
async def count(connection, say, key):
    for _ in range(3):
        say(await connection.fetchval(f"select nextval('counter_{key}')"))


@unit()
async def savepoints(connection, say):
    outer = connection.transaction()
    await outer.start()
    await connection.execute("insert into written (worker, n) values ('save', 1)")
    try:
        async with connection.transaction():
            await connection.execute("insert into written (worker, n) values ('save', $1)", 1)
    except asyncpg.UniqueViolationError as error:
        say(error.sqlstate, error.detail, error.constraint_name)
    async with connection.transaction():
        await connection.execute("insert into written (worker, n) values ('save', $1)", 2)
    say(await connection.fetch("select n from written where worker = 'save' order by n"))
    await outer.rollback()
    say(await connection.fetch("select n from written where worker = $1", "save"))


@unit()
async def errors(connection, say):
    for text, parameters in (
        ("select 1/$1::int", (0,)),
        ("selec 1", ()),
        ("select * from missing where a = $1", (1,)),
        ("insert into accounts values ($1, 5)", (1,)),
        ("select $1::text::int", ("x",)),
        ("update accounts set balance = -1 where id = $1", (152,)),
    ):
        try:
            await connection.fetch(text, *parameters)
            say("no error")
        except asyncpg.PostgresError as error:
            say(type(error).__name__, error.sqlstate, str(error), error.detail, error.position)
    say(await connection.fetchval("select 'usable'"))


@unit()
async def notices(connection, say):
    def listener(_, message):
        say(type(message).__name__, message.severity, message.message, message.detail, message.hint)

    connection.add_log_listener(listener)
    say(await connection.fetchval("select noisy($1)", 41))
    # Listeners are called from the event loop, not from the query.
    await asyncio.sleep(0)
    connection.remove_log_listener(listener)


@unit()
async def many(connection, say):
    async with connection.transaction():
        await connection.executemany(
            "insert into written (worker, n, note) values ('many', $1, $2)",
            [(n, f"note {n}") for n in range(12)],
        )
        say(
            [
                tuple(row)
                for row in await connection.fetch(
                    "select n, note from written where worker = 'many' order by n"
                )
            ]
        )
        say(await connection.execute("delete from written where worker = 'many'"))


@unit(50)
async def prepared(connection, say, key):
    statement = await connection.prepare(
        "select name, price, $2::text as given from items where id = $1"
    )
    say(
        [p.name for p in statement.get_parameters()],
        [(a.name, a.type.name) for a in statement.get_attributes()],
    )
    for n in range(key, key + 8):
        say(tuple(await statement.fetchrow(n, f"g{n}")))
    say(statement.get_statusmsg())


@unit()
async def described(connection, say):
    """Prepared and never executed."""
    statement = await connection.prepare(
        "select id as number, made from items where name = $1 and price > $2"
    )
    say(
        [p.name for p in statement.get_parameters()],
        [(a.name, a.type.name) for a in statement.get_attributes()],
    )


@unit()
async def enum(connection, say):
    say(
        [
            tuple(row)
            for row in await connection.fetch(
                "select id, feeling from items where feeling = $1 and id < 12 order by id", "happy"
            )
        ]
    )


@unit()
async def composite(connection, say):
    say(await connection.fetchval("select row(1, null, 'a,b')::place"))


@unit()
async def simple(connection, say):
    """execute() without arguments is a simple query."""
    say(await connection.execute("select 1; select 2; create temp table scratch_a (a int)"))
    say(await connection.execute("insert into scratch_a values (1), (2)"))
    say(await connection.execute("drop table scratch_a"))
    say(await connection.execute("set application_name to 'renamed'"))
    say(await connection.fetchval("show application_name"))


@unit()
async def odd(connection, say):
    say(await connection.fetch("select id from items where $1", False))
    say(await connection.fetch(""))
    say(await connection.fetch("select from items where id < $1", 4))
    say(await connection.fetchrow("select 1 where false"))
    say([tuple(row) for row in await connection.fetch("values (1, 'a'), (2, null)")])
    say(
        await connection.fetch(
            "select id from items where id = any($1::int[]) order by id", [3, 2, 1]
        )
    )


@unit()
async def large(connection, say):
    row = await connection.fetchrow(
        "select repeat('wide ', $1) as a, repeat('ü', 200000) as b, 3 as c", 80000
    )
    say(len(row[0]), row[0][-6:], len(row[1]), row[1][:3], row[2])
    say(
        tuple(
            await connection.fetchrow(
                "select length($1::text), md5($2::text)", "y" * 300000, "z" * 300000
            )
        )
    )
    rows = await connection.fetch("select n, n * 1.5 as m from generate_series(1, $1) n", 5000)
    say(len(rows), sum(row[1] for row in rows), tuple(rows[-1]))
    raw = await connection.fetchval("select decode(repeat('00ff80', $1), 'hex')", 200000)
    say(len(raw), raw[:6], raw == b"\x00\xff\x80" * 200000)


@unit()
async def only_recorded(connection, say):
    say(tuple(await connection.fetchrow("select clock_timestamp(), gen_random_uuid(), random()")))


async def work(pool, queue, report):
    for name, function, key in queue:
        say = report.sayer(name)
        async with pool.acquire() as connection:
            try:
                await call(function, connection, say, key)
            except Exception:  # pylint: disable=broad-except
                report.error(name)


async def main():
    size, units = arguments()
    report = Report()
    pool = await asyncpg.create_pool(
        min_size=size, max_size=size, ssl=os.environ.get("PGSSLMODE", "prefer")
    )
    async with pool:
        queue = iter(units)
        await asyncio.gather(*(work(pool, queue, report) for _ in range(size)))
    report.print()
    sys.exit(1 if report.failed else 0)


asyncio.run(main())
