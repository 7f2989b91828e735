# SPDX-License-Identifier: Apache-2.0
"""COPY with psycopg 3: text and binary, row by row and in blocks. With the argument "changed" a row differs."""
import datetime
import decimal
import hashlib
import sys

import psycopg

CHANGED = sys.argv[1:] == ["changed"]


def rows():
    for n in range(2000):
        yield (
            n,
            None if n % 7 == 0 else f"row {n}\t\\ with \n all of it ä",
            decimal.Decimal(n) / 8,
            datetime.date(2020, 1, 1) + datetime.timedelta(days=n),
            bytes([n % 256, 0, 255]),
        )


def digest(blocks):
    return hashlib.sha256(b"".join(bytes(block) for block in blocks)).hexdigest()


def main():
    with psycopg.connect("") as connection, connection.cursor() as cursor:
        cursor.execute("create temp table t (a int4, b text, c numeric, d date, e bytea)")
        with cursor.copy("copy t from stdin") as copy:
            for row in rows():
                copy.write_row(row)
        print("text", cursor.rowcount)
        with cursor.copy("copy t from stdin (format binary)") as copy:
            copy.set_types(["int4", "text", "numeric", "date", "bytea"])
            for n, row in enumerate(rows()):
                if CHANGED and n == 1500:
                    row = (-n, *row[1:])
                copy.write_row(row)
        print("binary", cursor.rowcount)
        with cursor.copy("copy (select * from t order by a, ctid) to stdout") as copy:
            print("out", digest(copy))
        with cursor.copy(
            "copy (select * from t order by a, ctid limit %s) to stdout", (10,)
        ) as copy:
            for row in copy.rows():
                print(row)
        with cursor.copy(
            "copy (select * from t order by a, ctid) to stdout (format binary)"
        ) as copy:
            print("binary out", digest(copy))
        with cursor.copy("copy (select 1 as a limit 0) to stdout (format binary)") as copy:
            print("nothing", digest(copy))
        connection.commit()
        try:
            with cursor.copy("copy t (a) from stdin") as copy:
                copy.write_row((1,))
                raise RuntimeError("changed my mind")
        except psycopg.Error as error:
            print(
                error.sqlstate, error.diag.message_primary, connection.info.transaction_status.name
            )
        connection.rollback()
        try:
            with cursor.copy("copy t (a) from stdin") as copy:
                for n in range(200000):
                    copy.write(b"%d\n" % n if n != 20 else b"none\n")
        except psycopg.Error as error:
            print(error.sqlstate, error.diag.message_primary, error.diag.context)
        connection.rollback()
        try:
            with cursor.copy("copy t (a) from stdin (format binary)") as copy:
                copy.write(b"this is no binary data\n")
        except psycopg.Error as error:
            print(error.sqlstate, error.diag.message_primary)
        connection.rollback()
        print(cursor.execute("select count(*), sum(a) from t").fetchall())


main()
