#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""psycopg2: queries that take too long. One is cancelled, another one's connection is given up: in replay neither is answered
before its client does the same again."""
import os
import socket
import threading
import time

import psycopg2

AFTER = 0.4


def ask(connection, seconds, give_up):
    timer = threading.Timer(AFTER, give_up)
    timer.start()
    started = time.monotonic()
    try:
        connection.cursor().execute(f"select pg_sleep({seconds})")
        print("slept")
    except psycopg2.Error as error:
        print(error.pgcode)
    print(AFTER * 0.8 < time.monotonic() - started < seconds / 4)
    timer.join()


def ask_two(connection):
    """Two questions within one time, which the first one takes a part of when it is recorded only."""
    ran_out = threading.Event()
    timer = threading.Timer(AFTER, lambda: (ran_out.set(), connection.cancel()))
    timer.start()
    connection.cursor().execute(f"select pg_sleep({AFTER / 2})")
    try:
        connection.cursor().execute("select pg_sleep(25)")
    except psycopg2.Error as error:
        print(error.pgcode, ran_out.is_set())
    timer.join()


def connect():
    connection = psycopg2.connect("")
    connection.autocommit = True
    return connection


def hang_up(connection):
    with socket.socket(fileno=os.dup(connection.fileno())) as other:
        other.shutdown(socket.SHUT_RDWR)


first, second = connect(), connect()
ask(first, 20, first.cancel)
ask_two(first)
ask(second, 30, lambda: hang_up(second))
cursor = first.cursor()
cursor.execute("select 'goes on'")
print(cursor.fetchall())
