# SPDX-License-Identifier: Apache-2.0
"""COPY with asyncpg: records in binary, queries and tables in text. With the argument "changed" a row differs."""
import asyncio
import datetime
import hashlib
import io
import sys

import asyncpg

CHANGED = sys.argv[1:] == ["changed"]


async def failing():
    yield b"1\tfine\n"
    raise RuntimeError("the source broke")


async def broken():
    for n in range(20000):
        yield f"{n}\t{'x' * 200}\n".encode() if n != 50 else b"none\tbroken\n"


async def main():
    connection = await asyncpg.connect()
    await connection.execute("create temp table t (a int4, b text, c timestamptz)")
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    records = [
        (n, None if n % 5 == 0 else f"record {n}" * 20, start + datetime.timedelta(hours=n))
        for n in range(5000)
    ]
    if CHANGED:
        records[4000] = (4000, "another", start)
    print(await connection.copy_records_to_table("t", records=records))
    print(
        await connection.copy_to_table(
            "t", source=io.BytesIO(b"1\tone\n2\ttwo\n"), columns=["a", "b"]
        )
    )
    print(await connection.copy_to_table("t", source=io.BytesIO(b""), columns=["a"]))
    for what in ("select a, b from t order by a limit $1", "select * from t order by a limit $1"):
        for form in ("text", "csv", "binary"):
            target = io.BytesIO()
            tag = await connection.copy_from_query(what, 100, output=target, format=form)
            print(tag, form, hashlib.sha256(target.getvalue()).hexdigest())
    target = io.BytesIO()
    print(await connection.copy_from_table("t", output=target), len(target.getvalue()))
    for source in (failing(), broken()):
        try:
            print(await connection.copy_to_table("t", source=source, columns=["a", "b"]))
        except RuntimeError as error:
            print("gave up:", error)
        except asyncpg.PostgresError as error:
            print(error.sqlstate, error)
    async with connection.transaction():
        await connection.copy_records_to_table("t", records=[(-1, "in a transaction", None)])
    print(await connection.fetch("select count(*), sum(a) from t"))
    await connection.close()


asyncio.run(main())
