#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Values of types that are not built in, each in the form that is asked for, as results and as parameters: prints their bytes, or the
error.

  own_types.py FORM early|late|never values|parameters

The server is asked what types these are before (early) or after (late) the values, as psycopg 3 does it, or never. FORM of values is
simple, text or binary; of parameters literal (written into the statement), text, binary (the server tells the type), or declared
(binary, and the program tells the type).
"""
import json
import os
import sys

import psycopg
from psycopg import pq
from psycopg.types import TypeInfo
from psycopg.types.composite import CompositeInfo
from psycopg.types.enum import EnumInfo
from psycopg.types.range import RangeInfo

try:
    from psycopg.types.multirange import MultirangeInfo
except ImportError:
    from psycopg._typeinfo import MultirangeInfo

DOMAINS = "select oid, typname, typtype, typbasetype, typelem from pg_type where typtype = 'd' and oid >= 16384 order by 1"
ARRAYS = "select oid, typname, typtype, typelem from pg_type where typtype = 'b' and typelem <> 0 and oid >= 16384 order by 1"


def ask(connection):
    """What types are there?"""
    for name in ("citext", "hstore"):
        TypeInfo.fetch(connection, name)
    EnumInfo.fetch(connection, "mood")
    for name in ("pair", "wide", "stored"):
        CompositeInfo.fetch(connection, name)
    for name in ("moodrange", "floatrange", "pairrange", "pricerange"):
        RangeInfo.fetch(connection, name)
    for name in ("moodmultirange", "floatmultirange"):
        MultirangeInfo.fetch(connection, name)
    connection.execute(DOMAINS)
    connection.execute(ARRAYS)


def show(name, result):
    if result.status == pq.ExecStatus.FATAL_ERROR:
        code = result.error_field(pq.DiagnosticField.SQLSTATE).decode()
        print(name, "error", code, result.error_field(pq.DiagnosticField.MESSAGE_DETAIL))
    elif result.ntuples:
        value = result.get_value(0, 0)
        print(name, "null" if value is None else bytes(value).hex())
    else:
        print(name, result.command_status.decode())


def results(connection, form):
    """Each value, as a result."""
    for name, kind, text in VALUES:
        sql = f"select {literal(text)}::{kind} as v"
        if form == "simple":
            show(name, connection.pgconn.exec_(sql.encode()))
        else:
            show(name, connection.pgconn.exec_params(sql.encode(), [], result_format=int(form == "binary")))
    for sql in ("select row(1, 'ok'::mood, 'a b'::text, null)", "select array[row(1, 'x y'::citext)]"):
        show(sql, connection.pgconn.exec_params(sql.encode(), [], result_format=int(form == "binary")))


def literal(text):
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


def parameters(connection, form):
    """Each value, as a parameter that is assigned."""
    for name, kind, text in VALUES:
        if form == "literal":
            show(name, connection.pgconn.exec_(f"insert into {table(kind)} values ({literal(text)})".encode()))
            continue
        value = text if text is None else text.encode() if form == "text" else bytes.fromhex(BINARY[name])
        statement = f"insert into {table(kind)} values ($1)".encode()
        result = connection.pgconn.prepare(b"s", statement, [OIDS[kind]] if form == "declared" else None)
        if result.status == pq.ExecStatus.FATAL_ERROR:
            show(name, result)
            continue
        connection.pgconn.describe_prepared(b"s")
        show(name, connection.pgconn.exec_prepared(b"s", [value], param_formats=[int(form != "text")]))
        connection.pgconn.exec_(b"deallocate s")


def table(kind):
    return "of_" + kind.replace("[]", "_array")


VALUES = json.loads(os.environ["VALUES"])
BINARY = json.loads(os.environ.get("BINARY", "{}"))
OIDS = json.loads(os.environ.get("OIDS", "{}"))


def main():
    form, when, what = sys.argv[1:]
    with psycopg.connect("", autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        if when == "early":
            ask(connection)
        (results if what == "values" else parameters)(connection, form)
        if when == "late":
            ask(connection)


main()
