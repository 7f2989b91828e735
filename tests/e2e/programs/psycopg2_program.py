#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""psycopg2: simple queries with values written into them, implicit BEGIN, cursors by DECLARE."""
import datetime
import decimal
import uuid

import psycopg2
import psycopg2.extras

from common import run_threads, unit

UTC = datetime.timezone.utc


@unit(*range(1, 21))
def read(connection, say, key):
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM items WHERE id = %s", (key,))
        say([column.name for column in cursor.description])
        for row in cursor:
            say([bytes(v) if isinstance(v, memoryview) else v for v in row])
        say(cursor.rowcount, cursor.statusmessage)
    connection.commit()


@unit()
def values(connection, say):
    given = (
        None,
        True,
        7,
        -7,
        2**40,
        1.5,
        float("inf"),
        decimal.Decimal("12345678901234567890.123"),
        'it\'s \\ "quoted" $1 %',
        "",
        b"\x00\xff\x01",
        datetime.date(1999, 12, 31),
        datetime.datetime(2020, 1, 2, 3, 4, 5, 678901, UTC),
        datetime.time(1, 2, 3),
        datetime.timedelta(days=3, seconds=4),
        [1, None, 3],
        ["a", "b,c", None],
        uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"),
        psycopg2.extras.Json({"a": [1, None]}),
    )
    with connection.cursor() as cursor:
        for value in given:
            cursor.execute("SELECT %s AS v", (value,))
            answer = cursor.fetchone()[0]
            say(
                cursor.description[0].type_code,
                bytes(answer) if isinstance(answer, memoryview) else answer,
            )
        cursor.execute(
            "SELECT %s::int4range::text, %s::inet, %s::interval, %s::jsonb, ARRAY[[1,2],[3,4]]",
            ("[1,5)", "10.0.0.1/8", "1 year 2 mons", '{"z": 1, "a": 2}'),
        )
        say(cursor.fetchall())
        cursor.execute("SELECT id FROM items WHERE id IN %s ORDER BY id", ((3, 1, 2),))
        say(cursor.fetchall())
        cursor.execute("SELECT id FROM items WHERE id = ANY(%s) ORDER BY 1", ([5, 4],))
        say(cursor.fetchall())
    connection.commit()


@unit(*range(1, 9))
def transfer(connection, say, key):
    """The same read before and after a write: recorded order decides."""
    with connection, connection.cursor() as cursor:
        for amount in (5, 7):
            cursor.execute("select balance from accounts where id = %s", (key,))
            say(cursor.fetchone())
            cursor.execute(
                "update accounts set balance = balance - %s where id = %s", (amount, key)
            )
            say(cursor.statusmessage)
        cursor.execute("select balance from accounts where id = %s", (key,))
        say(cursor.fetchone())


@unit(*range(1, 5))
def insert(connection, say, key):
    """Generated ids and times must be the recorded ones."""
    with connection, connection.cursor() as cursor:
        for n in range(3):
            cursor.execute(
                "insert into written (worker, n) values (%s, %s) returning id, at", (f"i{key}", n)
            )
            say(cursor.fetchone())
        cursor.execute("delete from written where worker = %s returning n", (f"i{key}",))
        say(cursor.rowcount)


@unit(1, 2, 3)
def count(connection, say, key):
    with connection, connection.cursor() as cursor:
        for _ in range(3):
            cursor.execute(f"select nextval('counter_{key}')")
            say(cursor.fetchone())


@unit()
def rollback(connection, say):
    with connection.cursor() as cursor:
        cursor.execute("insert into written (worker, n) values ('rollback', 1)")
        cursor.execute("savepoint one")
        cursor.execute("insert into written (worker, n) values ('rollback', 2)")
        cursor.execute("rollback to savepoint one")
        cursor.execute("release savepoint one")
        cursor.execute("select n from written where worker = 'rollback'")
        say(cursor.fetchall())
        connection.rollback()
        cursor.execute("select n from written where worker = 'rollback'")
        say(cursor.fetchall())
    connection.commit()


@unit()
def errors(connection, say):
    for text in (
        "select 1/0",
        "selec 1",
        "select * from missing",
        "insert into accounts values (1, 5)",
        "update accounts set balance = -1 where id = 150",
        "select 'x'::int",
    ):
        with connection.cursor() as cursor:
            try:
                cursor.execute(text)
            except psycopg2.Error as error:
                diag = error.diag
                say(
                    error.pgcode,
                    diag.severity,
                    diag.message_primary,
                    diag.message_detail,
                    diag.statement_position,
                    diag.constraint_name,
                    diag.table_name,
                )
            try:
                cursor.execute("select 'in a failed transaction'")
            except psycopg2.Error as error:
                say(type(error).__name__, error.pgcode)
        connection.rollback()


@unit()
def notices(connection, say):
    del connection.notices[:]
    with connection, connection.cursor() as cursor:
        cursor.execute("select noisy(41)")
        say(cursor.fetchall())
        cursor.execute("drop table if exists never_there")
    say(connection.notices)
    del connection.notices[:]


@unit()
def many(connection, say):
    with connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into written (worker, n, note) values ('many', %s, %s)",
            [(n, f"note {n}") for n in range(10)],
        )
        say(cursor.rowcount)
        rows = psycopg2.extras.execute_values(
            cursor,
            "insert into written (worker, n) values %s returning n",
            [("values", n) for n in range(25)],
            page_size=10,
            fetch=True,
        )
        say(rows)
        psycopg2.extras.execute_batch(
            cursor,
            "update written set note = %s where worker = 'many' and n = %s",
            [(f"changed {n}", n) for n in range(10)],
            page_size=4,
        )
        cursor.execute("select n, note from written where worker = 'many' order by n")
        say(cursor.fetchall())
        cursor.execute("delete from written where worker in ('many', 'values')")
        say(cursor.statusmessage)


@unit()
def named_cursor(connection, say):
    with connection, connection.cursor("walk") as cursor:
        cursor.itersize = 7
        cursor.execute("select id, name from items where id < %s order by id", (30,))
        for row in cursor:
            say(row)


@unit(3, 5, 8)
def same_cursor_name(connection, say, key):
    """One name for other queries, and each twice: what is fetched is not told by the name."""
    for _ in range(2):
        with connection, connection.cursor("same") as cursor:
            cursor.itersize = 4
            cursor.execute("select id, name from items where id %% %s = 0 and id < 40", (key,))
            say([row[0] for row in cursor])


@unit(11, 12)
def same_prepared_name(connection, say, key):
    with connection, connection.cursor() as cursor:
        cursor.execute(f"prepare same (int) as select {key} as a, name from items where id = $1")
        for number in (1, 2):
            cursor.execute("execute same (%s)", (number,))
            say(cursor.fetchall())
        cursor.execute("deallocate same")


@unit()
def scroll(connection, say):
    with connection, connection.cursor("back", scrollable=True) as cursor:
        cursor.execute("select id from items order by id")
        say(cursor.fetchmany(3))
        cursor.scroll(10)
        say(cursor.fetchone())
        cursor.scroll(2, mode="absolute")
        say(cursor.fetchone())


@unit()
def several(connection, say):
    """Several statements in one query: psycopg2 shows the last one's result."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select 1; select 2 as two; select 'last; one' as three -- ; not one")
        say([column.name for column in cursor.description], cursor.fetchall())
        cursor.execute(
            "create temp table scratch (a int); insert into scratch values (1), (2); table scratch"
        )
        say(cursor.statusmessage, cursor.fetchall())
        cursor.execute("drop table scratch")
        cursor.execute("call add_note('procedure', 4)")
        say(cursor.fetchall())
        cursor.execute("do $$ begin perform 1; end $$")
        say(cursor.statusmessage)


@unit()
def settings(connection, say):
    with connection, connection.cursor() as cursor:
        cursor.execute("set local time zone 'America/New_York'")
        cursor.execute("select timestamptz '2020-07-01 12:00+00', current_setting('TimeZone')")
        say(cursor.fetchone())
        cursor.execute("show server_version")
        say(cursor.fetchone())
    say(connection.get_parameter_status("TimeZone"), connection.encoding)


@unit()
def composite(connection, say):
    with connection, connection.cursor() as cursor:
        kind = psycopg2.extras.register_composite("place", cursor)
        cursor.execute("select %s::place, row(1, null, 'x y')::place", (kind.type(1, 2, "a,b"),))
        say(cursor.fetchone())
        cursor.execute(
            "select feeling, array_agg(id order by id) from items where id < 10"
            " group by 1 order by 1"
        )
        say(cursor.fetchall())


@unit()
def large(connection, say):
    with connection, connection.cursor() as cursor:
        cursor.execute("select repeat('wide ', 80000) as a, repeat('ü', 200000) as b, 3 as c")
        row = cursor.fetchone()
        say(len(row[0]), row[0][-6:], len(row[1]), row[1][:3], row[2])
        cursor.execute("select length(%s), md5(%s)", ("y" * 300000, "z" * 300000))
        say(cursor.fetchone())
        cursor.execute(
            "select n, repeat(chr(97 + n %% 26), n %% 50) from generate_series(1, %s) n", (20000,)
        )
        rows = cursor.fetchall()
        say(len(rows), sum(len(row[1]) for row in rows), rows[-1])


@unit()
def odd(connection, say):
    """No rows, no columns, no statement."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select id from items where false")
        say(cursor.fetchall(), cursor.statusmessage)
        cursor.execute("select from items where id < 4")
        say(cursor.rowcount, cursor.statusmessage)
        try:
            cursor.execute("  -- nothing at all")
            say("no error")
        except psycopg2.ProgrammingError as error:
            say(str(error))


@unit()
def only_recorded(connection, say):
    """Never twice the same: equal to the recorded run's only when it is the recorded answer."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select clock_timestamp(), gen_random_uuid(), random()")
        say(cursor.fetchone())


psycopg2.extras.register_uuid()
run_threads(lambda: psycopg2.connect(""))
