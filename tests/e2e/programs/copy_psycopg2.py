# SPDX-License-Identifier: Apache-2.0
"""COPY with psycopg2's copy_expert, in both directions, and what can go wrong in it. With an argument that row differs."""
import io
import sys

import psycopg2

CHANGED = sys.argv[1:] == ["changed"]


class Failing(io.StringIO):
    def read(self, *_):
        raise RuntimeError("the source broke")


def main():
    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("create temp table t (a int, b text)")
    lines = "".join(f"{n}\trow {n} ä\n" for n in range(3000))
    if CHANGED:
        lines = lines.replace("row 2000 ", "row two thousand ")
    cursor.copy_expert("copy t from stdin", io.StringIO(lines))
    print("copied", cursor.rowcount)
    cursor.copy_expert(
        "copy t from stdin with (format csv, header)", io.StringIO('a,b\n1,"x\ny"\n2,\n')
    )
    print("copied", cursor.rowcount)
    cursor.copy_expert("copy t from stdin", io.StringIO(""))
    print("copied", cursor.rowcount)
    for broken in ("1\tfine\nnone\tbroken\n3\tnot looked at\n", "1\n"):
        try:
            cursor.copy_expert("copy t from stdin", io.StringIO(broken))
        except psycopg2.Error as error:
            print(error.pgcode, error)
    many = "x\n" + "".join(f"{n}\t{'z' * 100}\n" for n in range(100000))
    try:
        cursor.copy_expert("copy t from stdin", io.StringIO(many))
    except psycopg2.Error as error:
        print(error.pgcode, error)
    try:
        cursor.copy_expert("copy t from stdin", Failing())
    except psycopg2.Error as error:
        print(error.pgcode, error)
    for sql in (
        "copy nothing_there from stdin",
        "copy (select 1 / (3 - n) from generate_series(1, 5) n) to stdout",
    ):
        target = io.StringIO()
        try:
            cursor.copy_expert(sql, target)
        except psycopg2.Error as error:
            print(error.pgcode, error, target.getvalue())
    for sql in (
        "copy t to stdout",
        "copy t to stdout with (format csv, header)",
        "copy (select from t limit 0) to stdout",
        "copy (select n, repeat('x', 300000) from generate_series(1, 3) n) to stdout",
    ):
        target = io.StringIO()
        cursor.copy_expert(sql, target)
        print(sql, cursor.rowcount, hash_of(target.getvalue()))
    binary = io.BytesIO()
    cursor.copy_expert("copy t to stdout with (format binary)", binary)
    print("binary", len(binary.getvalue()), hash_of(binary.getvalue()))
    binary.seek(0)
    cursor.copy_expert("copy t from stdin with (format binary)", binary)
    print("copied", cursor.rowcount)
    cursor.execute("select count(*), sum(a) from t")
    print(cursor.fetchall())


def hash_of(data):
    import hashlib

    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


main()
