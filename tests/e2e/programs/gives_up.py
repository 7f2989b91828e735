#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""psycopg2: queries that take too long. One is cancelled, another one's connection is given up: in replay neither is answered
before its client does the same again. AFTER: how many seconds after the server has begun."""
import os
import socket
import threading
import time

import psycopg2

AFTER = float(os.environ.get("AFTER", "0.4"))
AFTER_TWO = float(os.environ.get("AFTER_TWO", "0.7"))


def ask_two(connection):
    """Two questions within one time, most of which the first one takes when it is recorded only: the second one waits longer in replay."""
    ran_out = threading.Event()
    timer = threading.Timer(AFTER_TWO, lambda: (ran_out.set(), connection.cancel()))
    timer.start()
    connection.cursor().execute("select pg_sleep(1.5)")
    try:
        connection.cursor().execute("select pg_sleep(25)")
    except psycopg2.Error as error:
        print(error.pgcode, ran_out.is_set())
    timer.join()


def leave(connection, other):
    """Left before the server answers, which it does while the program goes on."""
    timer = threading.Timer(0.4, lambda: hang_up(connection))
    timer.start()
    try:
        connection.cursor().execute("select pg_sleep(2)")
        print("slept")
    except psycopg2.Error as error:
        print(error.pgcode)
    timer.join()
    connection.close()
    other.cursor().execute("select pg_sleep(2)")  # behind it the server has answered


def connect():
    connection = psycopg2.connect("")
    connection.autocommit = True
    return connection


def later(sql, give_up):
    """Else nobody would have been asked yet, on a busy machine."""
    cursor = looks.cursor()
    count = 0
    while not count:
        cursor.execute("select count(*) from pg_stat_activity where state = 'active' and query = %s", (sql,))
        count = cursor.fetchone()[0]
        time.sleep(0.01)
    time.sleep(AFTER)
    give_up()


def ask(connection, seconds, give_up):
    sql = f"select pg_sleep({seconds})"
    started = time.monotonic()
    thread = threading.Thread(target=later, args=(sql, give_up))
    thread.start()
    try:
        connection.cursor().execute(sql)
        print("slept")
    except psycopg2.Error as error:
        print(error.pgcode)
    print(time.monotonic() - started > AFTER * 0.8)
    thread.join()


def hang_up(connection):
    with socket.socket(fileno=os.dup(connection.fileno())) as other:
        other.shutdown(socket.SHUT_RDWR)


first, second, third, looks = connect(), connect(), connect(), connect()
ask(first, 20, first.cancel)
ask_two(first)
leave(third, first)
ask(second, 30, lambda: hang_up(second))
cursor = first.cursor()
cursor.execute("select 'goes on'")
print(cursor.fetchall())
