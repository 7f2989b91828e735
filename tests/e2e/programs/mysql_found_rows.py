#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mysql_found_rows.py found|changed: how many rows updates affected, for a client that counts so."""
import os
import sys

import pymysql
from pymysql.constants import CLIENT

connection = pymysql.connect(
    host=os.environ["MYSQL_HOST"],
    port=int(os.environ["MYSQL_TCP_PORT"]),
    user=os.environ["MYSQL_USER"],
    password=os.environ["MYSQL_PWD"],
    database=os.environ["MYSQL_DATABASE"],
    client_flag=CLIENT.FOUND_ROWS if sys.argv[1] == "found" else 0,
    autocommit=True,
)
cursor = connection.cursor()
for text in (
    "create table counted (a int primary key, b int)",
    "insert into counted values (1, 1), (2, 1), (3, 2)",
    "update counted set b = 2",
    "update counted set b = 2",
    "update counted set b = 3 where a = 4",
    "delete from counted where a < 3",
):
    print(cursor.execute(text), text)
