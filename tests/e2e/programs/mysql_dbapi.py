# SPDX-License-Identifier: Apache-2.0
"""The units of PyMySQL and mysqlclient, which share an interface: text queries with the values
written into them, `SET autocommit = 0` at the start, several results by nextset().
"""
import datetime
import decimal
import os
import pathlib

from common import unit

TABLES = ("integers", "numbers", "times", "texts", "binaries", "documents")
ROWS = pathlib.Path(__file__).with_name("mysql_rows.tsv")


def settings():
    """What both drivers call the same."""
    return {
        "host": os.environ["MYSQL_HOST"],
        "port": int(os.environ["MYSQL_TCP_PORT"]),
        "user": os.environ["MYSQL_USER"],
        "database": os.environ["MYSQL_DATABASE"],
        "charset": "utf8mb4",
    }


def all_results(cursor, say):
    """Every result of what was just executed; the last one is a plain OK after a procedure."""
    while True:
        if cursor.description:
            say([column[0] for column in cursor.description], list(cursor.fetchall()))
        else:
            say("rows", cursor.rowcount, "id", cursor.lastrowid)
        if not cursor.nextset():
            return


def failing(cursor, say, text, values=None):
    """Reports how a statement fails."""
    try:
        cursor.execute(text, values)
        say("no error", text)
    except Exception as error:  # pylint: disable=broad-except
        say(type(error).__name__, error.args)


def register(driver):
    """Registers the units; `driver` is the module."""

    @unit(*range(1, 21))
    def read(connection, say, key):
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM items WHERE id = %s", (key,))
            say([column[:2] for column in cursor.description])
            say(cursor.fetchall(), cursor.rowcount)
        connection.commit()

    @unit(*TABLES)
    def types(connection, say, table):
        with connection.cursor() as cursor:
            cursor.execute(f"select * from {table} order by id")
            say([(column[0], column[1]) for column in cursor.description])
            for row in cursor.fetchall():
                for column, value in zip(cursor.description, row):
                    say(row[0], column[0], value)
        connection.commit()

    @unit()
    def values(connection, say):
        given = (
            None,
            True,
            7,
            -7,
            2**63,
            1.5,
            1e300,
            decimal.Decimal("12345678901234567890.123"),
            'it\'s \\ "quoted" ; -- % ?',
            "",
            "Grüße 🐘",
            datetime.date(1999, 12, 31),
            datetime.datetime(2020, 1, 2, 3, 4, 5, 678901),
            datetime.timedelta(days=3, seconds=4),
            datetime.timedelta(days=-1, seconds=4, microseconds=5),
        )
        with connection.cursor() as cursor:
            for value in given:
                cursor.execute("SELECT %s AS v", (value,))
                say(cursor.description[0][1], cursor.fetchone())
            cursor.execute("SELECT hex(%s)", (b"\x00\xff'\\\x01",))
            say(cursor.fetchall())
            cursor.execute("SELECT id FROM items WHERE id IN %s ORDER BY id", ((3, 1, 2),))
            say(cursor.fetchall())
            cursor.execute("SELECT id FROM items WHERE name = %(name)s", {"name": "item 9"})
            say(cursor.fetchall())
            cursor.execute("select name, hex(name) from items where id = 1001")
            say(cursor.fetchall())
        connection.commit()

    @unit(*range(1, 9))
    def transfer(connection, say, key):
        """The same read before and after a write: recorded order decides."""
        with connection.cursor() as cursor:
            for amount in (5, 7):
                cursor.execute("select balance from accounts where id = %s", (key,))
                say(cursor.fetchone())
                cursor.execute(
                    "update accounts set balance = balance - %s where id = %s", (amount, key)
                )
                say(cursor.rowcount)
            cursor.execute("select balance from accounts where id = %s", (key,))
            say(cursor.fetchone())
        connection.commit()

    @unit(*range(1, 5))
    def insert(connection, say, key):
        """Generated ids and times must be the recorded ones."""
        with connection.cursor() as cursor:
            for n in range(3):
                say(
                    cursor.execute(
                        "insert into written (worker, n) values (%s, %s)", (f"i{key}", n)
                    ),
                    cursor.lastrowid,
                )
            connection.commit()
            cursor.execute("select id, n, made from written where worker = %s", (f"i{key}",))
            say(cursor.fetchall())
            cursor.execute("delete from written where worker = %s", (f"i{key}",))
            say(cursor.rowcount)
        connection.commit()

    @unit()
    def last_id(connection, say):
        with connection.cursor() as cursor:
            cursor.execute("insert into written (worker, n) values ('last', 1), ('last', 2)")
            say(cursor.rowcount, cursor.lastrowid)
            cursor.execute("select last_insert_id(), row_count()")
            say(cursor.fetchall())
            cursor.execute(
                "insert into written (worker, n) values ('last', 1) on duplicate key update note = 'again'"
            )
            say(cursor.rowcount, cursor.lastrowid)
            cursor.execute("replace into written (worker, n) values ('last', 2)")
            say(cursor.rowcount, cursor.lastrowid)
        connection.rollback()

    @unit(1, 2, 3)
    def count(connection, say, key):
        with connection.cursor() as cursor:
            for _ in range(3):
                cursor.execute(f"update counters set n = last_insert_id(n + 1) where id = {key}")
                say(cursor.lastrowid)
                cursor.execute("select n from counters where id = %s", (key,))
                say(cursor.fetchone())
        connection.commit()

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
    def autocommit(connection, say):
        connection.autocommit(True)
        with connection.cursor() as cursor:
            cursor.execute("insert into written (worker, n) values ('auto', 1)")
            connection.rollback()
            cursor.execute("select n from written where worker = 'auto'")
            say(cursor.fetchall())
            cursor.execute("start transaction")
            cursor.execute("delete from written where worker = 'auto'")
            cursor.execute("rollback")
            cursor.execute("select n from written where worker = 'auto'")
            say(cursor.fetchall())
            cursor.execute("delete from written where worker = 'auto'")
            say(cursor.rowcount)
        connection.autocommit(False)
        say(connection.get_autocommit())

    @unit()
    def errors(connection, say):
        with connection.cursor() as cursor:
            failing(cursor, say, "selec 1")
            failing(cursor, say, "select * from missing where a = %s", (1,))
            failing(cursor, say, "insert into accounts values (1, 5)")
            failing(cursor, say, "update accounts set balance = -1 where id = 150")
            failing(cursor, say, "insert into accounts values (1000, 'no number')")
            failing(cursor, say, "select missing_column from items")
            failing(cursor, say, "call missing_procedure()")
            failing(cursor, say, "use missing_database")
            cursor.execute("select 'usable'")
            say(cursor.fetchall())
        connection.rollback()

    @unit()
    def warnings(connection, say):
        with connection.cursor() as cursor:
            cursor.execute("select 1/0, cast('12x' as signed)")
            say(cursor.fetchall())
            cursor.execute("show warnings")
            say(cursor.fetchall())
            cursor.execute("drop table if exists never_there")
            cursor.execute("SHOW WARNINGS")
            say(cursor.fetchall())
        connection.commit()

    @unit()
    def several(connection, say):
        """Several statements in one query."""
        with connection.cursor() as cursor:
            cursor.execute(
                "select 1; select 2 as two, 'a;b' as b; select id from items where id < 0"
            )
            all_results(cursor, say)
            cursor.execute(
                "insert into written (worker, n) values ('several', 1);"
                " update written set note = 'x' where worker = 'several';"
                " select worker, n, note from written where worker = 'several' -- ; not one\n;"
                " delete from written where worker = 'several'"
            )
            all_results(cursor, say)
            try:
                cursor.execute("select 'before'; selec 1; select 'after'")
                all_results(cursor, say)
            except driver.Error as error:
                say(error.args)
            cursor.execute("select 'usable'")
            say(cursor.fetchall())
        connection.commit()

    @unit()
    def procedures(connection, say):
        with connection.cursor() as cursor:
            cursor.execute("call three_sets(3)")
            all_results(cursor, say)
            cursor.callproc("three_sets", (2,))
            all_results(cursor, say)
            cursor.callproc("with_out", (21, 0, "c"))
            all_results(cursor, say)
            cursor.execute("select @_with_out_0, @_with_out_1, @_with_out_2")
            say(cursor.fetchall())
            try:
                cursor.execute("call fails(4)")
                all_results(cursor, say)
            except driver.Error as error:
                say(error.args)
            cursor.execute("select double_it(21)")
            say(cursor.fetchall())
        connection.rollback()

    @unit()
    def use(connection, say):
        with connection.cursor() as cursor:
            cursor.execute("use information_schema")
            cursor.execute("select database(), count(*) from schemata where schema_name = 'mysql'")
            say(cursor.fetchall())
            connection.select_db(os.environ["MYSQL_DATABASE"])
            cursor.execute("select count(*) from items")
            say(cursor.fetchall())
        connection.commit()

    @unit()
    def session(connection, say):
        with connection.cursor() as cursor:
            cursor.execute("set @one = 1, @two = 'zwei'")
            cursor.execute("select @one + 1, @two")
            say(cursor.fetchall())
            cursor.execute("set session sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
            cursor.execute('select "id", \'back\\slash\' from "items" where "id" = 4')
            say(cursor.fetchall())
            cursor.execute("set session sql_mode = default")
            cursor.execute('select "id", "back\\\\slash" from items where id = 4')
            say(cursor.fetchall())
            cursor.execute("set session transaction isolation level read committed")
            cursor.execute("set session transaction isolation level repeatable read")
            cursor.execute("select 1 # a comment\n + 1 /* another */, 2 /*!50000 + 5 */ -- last")
            say(cursor.fetchall())
        connection.commit()

    @unit()
    def charsets(connection, say):
        with connection.cursor() as cursor:
            cursor.execute("select id, name, hex(name) from latin order by id")
            say(cursor.fetchall())
            cursor.execute("select id from latin where name = %s", ("Grüße",))
            say(cursor.fetchall())
            cursor.execute("set names latin1")
            cursor.execute("select hex(name), length(name) from latin where id = 1")
            say(cursor.fetchall())
            cursor.execute("set names utf8mb4")
        connection.commit()

    @unit()
    def many(connection, say):
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into written (worker, n, note) values ('many', %s, %s)",
                [(n, f"note {n}") for n in range(10)],
            )
            say(cursor.rowcount)
            cursor.executemany(
                "update written set note = %s where worker = 'many' and n = %s",
                [(f"changed {n}", n) for n in range(5)],
            )
            say(cursor.rowcount)
            cursor.execute("select n, note from written where worker = 'many' order by n")
            say(cursor.fetchall())
            cursor.execute("delete from written where worker = 'many'")
            say(cursor.rowcount)
        connection.commit()

    @unit()
    def local_infile(connection, say):
        with connection.cursor() as cursor:
            cursor.execute(
                f"load data local infile '{ROWS}' into table loaded character set utf8mb4"
                " (id, name) set file = 'dbapi'"
            )
            say(cursor.rowcount)
            cursor.execute("select id, name from loaded where file = 'dbapi' order by id")
            say(cursor.fetchall())
            failing(cursor, say, "load data local infile '/nonexistent/rows' into table loaded")
        connection.rollback()

    @unit()
    def results(connection, say):
        with connection.cursor() as cursor:
            cursor.execute("select id, name, price, weight, seen from items order by id limit 100")
            rows = cursor.fetchall()
            say(len(rows), cursor.rowcount, rows[0], rows[99])
            cursor.execute("select id, name from items where id < 0")
            say(cursor.description, cursor.fetchall(), cursor.rowcount)
            cursor.execute("select '' as nought, null as nothing, repeat('x', 70000) as wide")
            empty, nothing, wide = cursor.fetchone()
            say(empty, nothing, len(wide))
            cursor.execute("do 1")
            say(cursor.rowcount, cursor.description)
        connection.commit()

    @unit()
    def unbuffered(connection, say):
        with connection.cursor(driver.cursors.SSCursor) as cursor:
            cursor.execute("select id, name from cheap order by id")
            say(cursor.fetchone(), cursor.fetchmany(2), list(cursor.fetchall()))
        with connection.cursor(driver.cursors.DictCursor) as cursor:
            cursor.execute("select 1 as one, 'x' as x")
            say(cursor.fetchall())
        connection.commit()

    @unit()
    def ping(connection, say):
        say(connection.ping())
        with connection.cursor() as cursor:
            cursor.execute("show tables like 'item%'")
            say(cursor.fetchall())
            cursor.execute("show columns from accounts")
            say(cursor.fetchall())
            cursor.execute("explain select * from accounts where id = 4")
            say(len(cursor.fetchall()))
        connection.commit()

    @unit()
    def prepared_by_text(connection, say):
        with connection.cursor() as cursor:
            cursor.execute("prepare p from 'select id, name from items where id = ?'")
            for n in (5, 6):
                cursor.execute("set @id = %s", (n,))
                cursor.execute("execute p using @id")
                say(cursor.fetchall())
            cursor.execute("deallocate prepare p")
        connection.commit()

    @unit()
    def only_recorded(connection, say):
        with connection.cursor() as cursor:
            cursor.execute("select now(6), uuid(), rand()")
            say(cursor.fetchall())
        connection.commit()
