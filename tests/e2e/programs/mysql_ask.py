#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The questions of mysql_ask.json through PyMySQL or mysqlclient: `mysql_ask.py DRIVER`. Every
mysql_ask.* prints the same report, so that a recording made with one can serve the others.
"""
import importlib
import json
import os
import pathlib
import sys

from mysql_dbapi import settings


def show(value):
    """Numbers as short as they can be, binary data in hex, times without zeros at their end."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, set):
        return ",".join(sorted(value))
    text = str(value)
    return text.rstrip("0") if "." in text and ":" in text else text


def main():
    driver = importlib.import_module(sys.argv[1])
    connection = driver.connect(**settings(), password=os.environ["MYSQL_PWD"], autocommit=True)
    questions = json.loads(pathlib.Path(__file__).with_suffix(".json").read_text("utf-8"))
    with connection.cursor() as cursor:
        for text, values in questions:
            cursor.execute(text.replace("{}", "%s"), values or None)
            rows = cursor.fetchall() if cursor.description else [[f"changed {cursor.rowcount}"]]
            print(" ".join(text.split()), *("|".join(map(show, row)) for row in rows), sep="; ")
    connection.close()


main()
