#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""psycopg 3: extended queries, named from the sixth use, binary results, pipelines."""
import datetime
import decimal
import uuid

import psycopg
from psycopg.rows import dict_row
from psycopg.types.composite import CompositeInfo, register_composite
from psycopg.types.enum import EnumInfo, register_enum
from psycopg.types.json import Jsonb

from common import run_threads, unit

UTC = datetime.timezone.utc


@unit(*range(1, 21))
def read(connection, say, key):
    with connection.transaction():
        cursor = connection.execute("SELECT * FROM items WHERE id = %s", (key,))
        say([(column.name, column.type_code) for column in cursor.description])
        say(cursor.fetchall(), cursor.rowcount, cursor.statusmessage)


@unit(*range(21, 31))
def read_binary(connection, say, key):
    with connection.cursor(binary=True, row_factory=dict_row) as cursor:
        cursor.execute("SELECT * FROM items WHERE id = %s", (key,))
        say(cursor.fetchone())
    connection.commit()


@unit(40, 60)
def threshold(connection, say, key):
    """The same statement ten times: unnamed five times, then Parse and Sync alone, then named."""
    for n in range(key, key + 10):
        say(connection.execute("select name, price from items where id = %s", (n,)).fetchone())
    connection.commit()


def given_values():
    return (
        True,
        7,
        -7,
        2**20,
        2**40,
        2**70,
        1.5,
        float("-inf"),
        decimal.Decimal("12345678901234567890.1230"),
        'it\'s \\ "quoted" $1 %',
        "",
        b"\x00\xff\x01",
        datetime.date(1999, 12, 31),
        datetime.datetime(2020, 1, 2, 3, 4, 5, 678901, UTC),
        datetime.datetime(2020, 1, 2),
        datetime.time(1, 2, 3),
        datetime.timedelta(days=3, seconds=4),
        [1, None, 3],
        ["a", "b,c", None],
        [[1, 2], [3, 4]],
        uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"),
        Jsonb({"a": [1, None], "b": "x"}),
    )


@unit()
def sizes(connection, say):
    """Each number is declared by its size, of one text."""
    for n in (70000, 7, 2**40, 2**70, 7):
        say(connection.execute("select %s::numeric + 1, %s::text", (n, "x")).fetchone())
    connection.commit()


@unit("text", "binary")
def values(connection, say, form):
    with connection.cursor(binary=form == "binary") as cursor:
        for value in given_values():
            marker = "%b" if form == "binary" and not isinstance(value, float) else "%s"
            answer = cursor.execute(f"SELECT {marker} AS {form}", (value,)).fetchone()[0]
            say(cursor.description[0].type_code, answer)
        cursor.execute("select %s::text, %s::int", (None, None))
        say(cursor.fetchone())
    connection.commit()


@unit(*range(11, 19))
def transfer(connection, say, key):
    with connection.transaction():
        for amount in (5, 7):
            say(connection.execute("select balance from accounts where id = %s", (key,)).fetchone())
            cursor = connection.execute(
                "update accounts set balance = balance - %s where id = %s", (amount, key)
            )
            say(cursor.statusmessage)
        say(connection.execute("select balance from accounts where id = %s", (key,)).fetchone())


@unit(*range(1, 5))
def insert(connection, say, key):
    with connection.transaction():
        for n in range(3):
            cursor = connection.execute(
                "insert into written (worker, n) values (%s, %s) returning id, at", (f"i{key}", n)
            )
            say(cursor.fetchone())
        say(connection.execute("delete from written where worker = %s", (f"i{key}",)).rowcount)


@unit(1, 2, 3)
def count(connection, say, key):
    for _ in range(3):
        say(connection.execute(f"select nextval('counter_{key}')").fetchone())
    connection.commit()


@unit()
def savepoints(connection, say):
    with connection.transaction():
        connection.execute("insert into written (worker, n) values ('save', 1)")
        try:
            with connection.transaction():
                connection.execute("insert into written (worker, n) values ('save', 1)")
        except psycopg.errors.UniqueViolation as error:
            say(error.sqlstate, error.diag.message_detail, error.diag.constraint_name)
        with connection.transaction():
            connection.execute("insert into written (worker, n) values ('save', 2)")
        try:
            with connection.transaction():
                connection.execute("insert into written (worker, n) values ('save', 3)")
                raise psycopg.Rollback
        except psycopg.Rollback:
            say("not seen: Rollback ends its own block")
        say(connection.execute("select n from written where worker = 'save' order by n").fetchall())
        raise psycopg.Rollback


@unit()
def errors(connection, say):
    for text, parameters in (
        ("select 1/%s", (0,)),
        ("selec 1", None),
        ("select * from missing where a = %s", (1,)),
        ("insert into accounts values (%s, 5)", (1,)),
        ("select %s::int", ("x",)),
        ("update accounts set balance = -1 where id = %s", (151,)),
    ):
        try:
            connection.execute(text, parameters)
            say("no error")
        except psycopg.Error as error:
            diag = error.diag
            say(
                error.sqlstate,
                diag.severity,
                diag.message_primary,
                diag.message_detail,
                diag.statement_position,
            )
        try:
            connection.execute("select 'in a failed transaction'")
        except psycopg.Error as error:
            say(type(error).__name__)
        connection.rollback()


@unit()
def notices(connection, say):
    def handler(diag):
        say(diag.severity, diag.message_primary, diag.message_detail, diag.message_hint)

    connection.add_notice_handler(handler)
    with connection.transaction():
        say(connection.execute("select noisy(%s)", (41,)).fetchall())
    connection.remove_notice_handler(handler)


@unit()
def many(connection, say):
    """executemany goes as one pipeline."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into written (worker, n, note) values ('many', %s, %s) returning n",
            [(n, f"note {n}") for n in range(12)],
            returning=True,
        )
        say(cursor.rowcount)
        while True:
            say(cursor.fetchall())
            if not cursor.nextset():
                break
        cursor.execute("delete from written where worker = 'many'")
        say(cursor.statusmessage)


@unit(1, 2)
def pipeline(connection, say, key):
    with connection.pipeline() as pipe, connection.cursor() as cursor:
        cursors = [
            connection.execute("select id, price from items where id = %s", (10 * key + n,))
            for n in range(8)
        ]
        pipe.sync()
        cursor.execute(
            "insert into written (worker, n) values (%s, 1) returning worker", (f"pipe{key}",)
        )
        say([c.fetchone() for c in cursors], cursor.fetchone())
        cursor.execute("delete from written where worker = %s", (f"pipe{key}",))
    connection.commit()


@unit()
def pipeline_error(connection, say):
    """Everything after the error is skipped until the sync. Which call raises it is a matter of
    timing."""
    seen = set()
    try:
        with connection.pipeline():
            for divisor in (1, 0, 2):
                try:
                    connection.execute("select 10/%s", (divisor,))
                except psycopg.Error as error:
                    seen.add(error.sqlstate)
    except psycopg.Error as error:
        seen.add(error.sqlstate)
    connection.rollback()
    say(sorted(seen - {None}))
    say(connection.execute("select 'usable'").fetchone())
    connection.commit()


@unit()
def named_cursor(connection, say):
    with connection.transaction(), connection.cursor("walk") as cursor:
        cursor.itersize = 7
        cursor.execute("select id, name from items where id < %s order by id", (30,))
        for row in cursor:
            say(row)


@unit()
def client_side(connection, say):
    """Values written into the text, as a simple query."""
    with psycopg.ClientCursor(connection) as cursor:
        cursor.execute("select name, made from items where id = %s and name <> %s", (9, "it's"))
        say(cursor.fetchall())
        cursor.execute("select 1 as a; select %s as b, 3 as c", ("x",))
        say(cursor.fetchall(), cursor.nextset(), cursor.fetchall())
    connection.commit()


@unit()
def own_types(connection, say):
    """Registered for one cursor, so that the other units see the types as text."""
    with connection.transaction(), connection.cursor() as cursor:
        info = CompositeInfo.fetch(connection, "place")
        register_composite(info, cursor)
        place = info.python_type(1, None, "a,b")
        say(cursor.execute("select %s::place, row(4, 5, 'f')::place", (place,)).fetchone())
        mood = EnumInfo.fetch(connection, "mood")
        register_enum(mood, cursor)
        say(cursor.execute("select feeling from items where id = 1").fetchone(), mood.labels)
        say(
            cursor.execute(
                "select id from items where feeling = %s and id < 9 order by 1",
                (mood.enum["happy"],),
            ).fetchall()
        )


@unit()
def odd(connection, say):
    cursor = connection.execute("select id from items where %s", (False,))
    say(cursor.fetchall(), cursor.statusmessage)
    say(connection.execute("").statusmessage)
    say(connection.execute("select from items where id < %s", (4,)).rowcount)
    say(connection.execute("values (1, 'a'), (2, null)").fetchall())
    say(connection.execute("table accounts limit %s", (2,)).fetchall())
    say(
        connection.execute(
            "select array(select id from items where id < %s order by 1)", (5,)
        ).fetchall()
    )
    connection.commit()


@unit("text", "binary")
def large(connection, say, form):
    with connection.cursor(binary=form == "binary") as cursor:
        row = cursor.execute(
            "select repeat('wide ', %s) as a, repeat('ü', 200000) as b, 3 as c", (80000,)
        ).fetchone()
        say(len(row[0]), row[0][-6:], len(row[1]), row[1][:3], row[2])
        cursor.execute("select length(%s::text), md5(%s::text)", ("y" * 300000, "z" * 300000))
        say(cursor.fetchone())
        rows = cursor.execute("select n, n * 1.5 from generate_series(1, %s) n", (5000,)).fetchall()
        say(len(rows), sum(row[1] for row in rows), rows[-1])
    connection.commit()


@unit()
def only_recorded(connection, say):
    say(connection.execute("select clock_timestamp(), gen_random_uuid(), random()").fetchone())
    connection.commit()


run_threads(lambda: psycopg.connect(""))
