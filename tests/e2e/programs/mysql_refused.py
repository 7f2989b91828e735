#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Statements longer than max_allowed_packet, by three clients: `mysql_refused.py BYTES...` prints what each of them is told. At last the
limit is raised, and the first statement is asked again."""
import os
import subprocess
import sys

import MySQLdb
import pymysql

LIMIT = 1 << 20
e = os.environ
who = {"host": e["MYSQL_HOST"], "port": int(e["MYSQL_TCP_PORT"]), "user": e["MYSQL_USER"]}


def text(size):
    return f"select length('{'x' * size}')"


def ask(module, sql):
    try:
        cursor = module.connect(**who, database=e["MYSQL_DATABASE"]).cursor()
        cursor.execute(sql)
        return cursor.fetchall()
    except module.OperationalError as error:
        return error.args[0]


def command_line(sql):
    done = subprocess.run(
        ["mariadb", "--no-defaults", "--protocol=tcp", "-u", who["user"], "--max-allowed-packet=1G"],
        input=sql.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    return [line[:10] for line in done.stderr.decode().splitlines() if line.startswith("ERROR")]


def limit(size):
    connection = pymysql.connect(**who)
    connection.cursor().execute(f"set global max_allowed_packet = {size}")
    connection.close()


def main():
    sizes = [int(size) for size in sys.argv[1:]]
    limit(LIMIT)
    for size in sizes:
        for name, told in (
            ("pymysql", ask(pymysql, text(size))),
            ("mysqlclient", ask(MySQLdb, text(size))),
            ("mariadb", command_line(text(size))),
        ):
            print(size, name, told, flush=True)
    limit(1 << 30)
    print("raised", ask(pymysql, text(sizes[0])))


main()
