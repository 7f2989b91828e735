#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Types that are not built in, in real drivers: own_types_driver.py asyncpg|psycopg2|psycopg3_binary. First asyncpg and psycopg 3 ask
what types there are, whichever driver is meant; then that one writes and reads, and what it gives is printed.
"""
import asyncio
import decimal
import sys

import asyncpg
import psycopg
import psycopg2
from psycopg.types import TypeInfo
from psycopg.types.composite import CompositeInfo, register_composite
from psycopg.types.enum import EnumInfo, register_enum
from psycopg.types.hstore import register_hstore

PRICE = decimal.Decimal("12.30")
INSERT = "insert into own (m, h, e, p, c, ms) values ({}::level, {}::hstore, {}::citext, {}::price, {}::spot, {}::level[])"
SELECTS = [f"select {column} from own where e = 'A@b' limit 1" for column in ("m", "h", "e", "p", "c", "ms", "r")]


async def ask_asyncpg():
    """As it does before it can read a result."""
    connection = await asyncpg.connect()
    await connection.set_builtin_type_codec("hstore", codec_name="pg_contrib.hstore")
    for kind in ("level", "citext", "price", "spot", "level[]", "floatrange"):
        await connection.prepare(f"select $1::{kind}")
    return connection


def ask_psycopg3():
    connection = psycopg.connect("", autocommit=True)
    register_hstore(TypeInfo.fetch(connection, "hstore"), connection)
    register_enum(EnumInfo.fetch(connection, "level"), connection)
    register_composite(CompositeInfo.fetch(connection, "spot"), connection)
    TypeInfo.fetch(connection, "citext")
    return connection


async def run_asyncpg(connection):
    values = ("high", {"a": "1", "b": None}, "A@b", PRICE, (1, "x y", "low"), ["high", None, "low"])
    print(await connection.execute(INSERT.format("$1", "$2", "$3", "$4", "$5", "$6"), *values))
    for select in SELECTS:
        value = (await connection.fetch(select))[0][0]
        print(tuple(value) if isinstance(value, asyncpg.Record) else value)


def run_psycopg3(connection):
    kinds = {info.name: info for info in connection.adapters.types if info.name in ("level", "spot")}
    level, spot = kinds["level"].enum, kinds["spot"].python_type
    values = (level.high, '"a"=>"1", "b"=>NULL', "A@b", PRICE, spot(1, "x y", level.low), [level.high, None, level.low])
    cursor = connection.cursor(binary=True)
    cursor.execute(INSERT.format("%b", "%s", "%b", "%b", "%b", "%b"), values)
    print(cursor.statusmessage)
    for select in SELECTS:
        print(cursor.execute(select).fetchone()[0])


def run_psycopg2():
    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    values = ("high", '"a"=>"1", "b"=>NULL', "A@b", str(PRICE), '(1,"x y",low)', "{high,NULL,low}")
    cursor.execute(INSERT.format("%s", "%s", "%s", "%s", "%s", "%s"), values)
    print(cursor.statusmessage)
    for select in SELECTS:
        cursor.execute(select)
        print(cursor.fetchone()[0])
    connection.close()


async def main():
    connection = await ask_asyncpg()
    psycopg3 = ask_psycopg3()
    if sys.argv[1] == "asyncpg":
        await run_asyncpg(connection)
    elif sys.argv[1] == "psycopg2":
        run_psycopg2()
    else:
        run_psycopg3(psycopg3)
    psycopg3.close()
    await connection.close()


asyncio.run(main())
