#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same questions through different drivers, with the same report: `ask.py DRIVER`.

Values are of types that all drivers read alike, so that a recording made with one can serve the
others.
"""
import asyncio
import sys

READS = (
    ("select id, name, price, made from items where id = {}", (5,)),
    ("select name from items where id between {} and {} order by id", (3, 6)),
    ("select id from items where name = {}", ("item 9",)),
    (
        "select id, made from items where made::text > {} and id < {} order by id",
        ("2020-03-10", 15),
    ),
    ("SELECT  Count(*) FROM items -- as many as there are\n WHERE id < {}", (10,)),
    ("select weight, raw, seen from items where id = {}", (8,)),
    ("select true as yes, null as nothing, 1 as one", ()),
    ("select id from items where id = {}", (-5,)),
    # Longer than what a recorder holds back: the answer comes apart from what was asked.
    ("select 5 as slow from pg_sleep(0.9)", ()),
)
WRITES = (
    (
        "insert into written (worker, n, note) values ({}, {}, {}) returning n, note",
        ("ask", 1, "it's"),
    ),
    ("update written set note = {} where worker = {}", ("changed", "ask")),
    ("delete from written where worker = {} returning n", ("ask",)),
)


def show(rows):
    return [
        tuple(bytes(v).hex() if isinstance(v, (bytes, memoryview)) else str(v) for v in row)
        for row in rows
    ]


def report(questions, answers):
    for (text, values), rows in zip(questions, answers):
        print(" ".join(text.split()), values, show(rows))


def psycopg2():
    import psycopg2 as driver

    with driver.connect("") as connection, connection.cursor() as cursor:
        for text, values in READS + WRITES:
            cursor.execute(text.replace("{}", "%s"), values or None)
            yield cursor.fetchall() if cursor.description else []


def psycopg3(**options):
    import psycopg as driver

    with driver.connect("") as connection, connection.cursor(**options) as cursor:
        for text, values in READS + WRITES:
            cursor.execute(text.replace("{}", "%s"), values or None)
            yield cursor.fetchall() if cursor.description else []


async def asyncpg():
    import asyncpg as driver

    connection = await driver.connect()
    answers = []
    async with connection.transaction():
        for text, values in READS + WRITES:
            for number in range(len(values)):
                text = text.replace("{}", f"${number + 1}", 1)
            answers.append([tuple(row) for row in await connection.fetch(text, *values)])
    await connection.close()
    return answers


def main():
    driver = sys.argv[1]
    if driver == "asyncpg":
        answers = asyncio.run(asyncpg())
    else:
        answers = list(
            {
                "psycopg2": psycopg2,
                "psycopg3": psycopg3,
                "psycopg3_binary": lambda: psycopg3(binary=True),
            }[driver]()
        )
    report(READS + WRITES, answers)


main()
