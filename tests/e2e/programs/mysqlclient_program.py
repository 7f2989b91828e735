#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mysqlclient (MySQLdb): libmariadb from Python."""
import os

import MySQLdb
import MySQLdb.cursors
from MySQLdb.constants import CLIENT

import mysql_dbapi
from common import run_threads, unit

mysql_dbapi.register(MySQLdb)


@unit()
def change_user(connection, say):
    connection.change_user(
        os.environ["MYSQL_USER"], os.environ["MYSQL_PWD"], os.environ["MYSQL_DATABASE"]
    )
    connection.set_character_set("utf8mb4")
    connection.autocommit(False)
    with connection.cursor() as cursor:
        cursor.execute("select name from items where id = 70")
        say(cursor.fetchall())
    connection.commit()


@unit()
def raw_results(connection, say):
    """The interface of libmysqlclient below the cursors."""
    connection.query("select id, flags + 0, feeling from items where id between 80 and 84")
    result = connection.use_result()
    say(result.fetch_row(2, 1), result.fetch_row(0))
    say(connection.affected_rows(), connection.info(), connection.warning_count())
    connection.query("update items set name = 'item 85' where id = 85")
    say(connection.affected_rows(), connection.info())
    connection.commit()


def connect():
    return MySQLdb.connect(
        **mysql_dbapi.settings(),
        password=os.environ["MYSQL_PWD"],
        client_flag=CLIENT.MULTI_STATEMENTS,
        local_infile=1,
    )


run_threads(connect)
