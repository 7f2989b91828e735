#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""psycopg2: of two in a pool one cancels what the other one does, by the number that the driver was told. AFTER: how many seconds after the
server has begun. SWAP: it is the other one."""
import os
import threading
import time

import psycopg2

SLEEP = "select pg_sleep(0 + 60)"
AFTER = float(os.environ.get("AFTER", "0"))
cancelled = threading.Event()


def connect():
    connection = psycopg2.connect("")
    connection.autocommit = True
    return connection


def ask(connection, sql, *values):
    cursor = connection.cursor()
    cursor.execute(sql, values)
    return cursor.fetchone()[0]


def work(connection):
    try:
        ask(connection, SLEEP)
    except psycopg2.Error as error:
        lines.append((error.pgcode, cancelled.is_set()))


lines = []
looks, *pool = connect(), connect(), connect()
victim, killer = reversed(pool) if "SWAP" in os.environ else pool
thread = threading.Thread(target=work, args=(victim,))
thread.start()
while not ask(looks, "select count(*) from pg_stat_activity where state = 'active' and query = %s", SLEEP):
    time.sleep(0.01)
time.sleep(AFTER)
cancelled.set()
for _ in range(200):  # again where replay was not asked yet what it is to end
    try:
        print(ask(killer, "select pg_cancel_backend(%s)", victim.info.backend_pid))
        break
    except psycopg2.Error:
        time.sleep(0.05)
started = time.monotonic()
thread.join()
print(*lines, time.monotonic() - started < 3)
print(ask(victim, "select 'goes on'"))
