#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""PyMySQL: the protocol in Python itself."""
import os

import pymysql
import pymysql.cursors
from pymysql.constants import CLIENT

import mysql_dbapi
from common import run_threads, unit

mysql_dbapi.register(pymysql)


@unit()
def long_statement(connection, say):
    with connection.cursor() as cursor:
        cursor.execute("select length(%s), sha2(%s, 256)", ("y" * 300000, "ü" * 100000))
        say(cursor.fetchall())
    connection.commit()


@unit()
def statistics(connection, say):
    say(connection.get_server_info().partition(".")[0], connection.character_set_name())
    # Not show_warnings(): the unit `warnings` asks the same, maybe at the same time, and is answered otherwise.


def connect():
    return pymysql.connect(
        **mysql_dbapi.settings(),
        password=os.environ["MYSQL_PWD"],
        client_flag=CLIENT.MULTI_STATEMENTS,
        local_infile=True,
    )


run_threads(connect)
