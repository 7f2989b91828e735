#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""psycopg2: logins that are refused, sessions that the server ends, queries that are cancelled."""
import select
import threading

import psycopg2


def say(name, error, out=print):
    """What of an error does not name ports and addresses."""
    lines = [line.partition("FATAL: ")[2] or line for line in str(error).splitlines()]
    out(name, type(error).__name__, error.pgcode, [line.strip() for line in lines if line])


for name, parameters in (
    ("password", {"password": "wrong", "user": "app_clear"}),
    ("database", {"dbname": "no_such_database"}),
    ("user", {"user": "nobody_here"}),
):
    try:
        psycopg2.connect("", **parameters)
        print(name, "accepted")
    except psycopg2.OperationalError as error:
        say(name, error)

killer = psycopg2.connect("")
killer.autocommit = True


def pid_of(connection):
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        return cursor.fetchone()[0]


def ask(name, connection, sql, out=print):
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            out(name, cursor.fetchall())
    except psycopg2.Error as error:
        say(name, error, out)
    out(name, "closed" if connection.closed else "open")


def terminate(pid):
    with killer.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 60000)", (pid,))
        print("terminated", cursor.fetchone())


# Between requests, and in a transaction.
victim = psycopg2.connect("")
pid = pid_of(victim)
victim.commit()
terminate(pid)
ask("idle", victim, "select 'after the end'")

# While it works; libpq knows its number too.
victim = psycopg2.connect("")
pid = victim.get_backend_pid()
lines = []
collect = lambda *words: lines.append(words)  # the other thread speaks too
thread = threading.Thread(target=ask, args=("working", victim, "select pg_sleep(60)", collect))
thread.start()
with killer.cursor() as cursor:
    state = None
    while state != "active" and thread.is_alive():
        cursor.execute("select state from pg_stat_activity where pid = %s", (pid,))
        state = cursor.fetchone()[0]
terminate(pid)
thread.join()
for words in lines:
    print(*words)

# By itself, in a transaction that does nothing.
victim = psycopg2.connect("")
with victim.cursor() as cursor:
    # In one: on a busy machine it would end between the two.
    cursor.execute("set idle_in_transaction_session_timeout = 100; select 'then idle'")
select.select([victim], [], [], 30)
ask("timeout", victim, "select 'too late'")

# Cancelled, and nothing to cancel.
victim = psycopg2.connect("")
victim.cancel()
over = threading.Event()


def cancel():
    """Again where it comes before what it is to cancel."""
    while not over.wait(0.3):
        victim.cancel()


thread = threading.Thread(target=cancel)
thread.start()
ask("cancelled", victim, "select pg_sleep(60)")
over.set()
thread.join()
victim.rollback()
ask("goes on", victim, "select 'still here'")
killer.close()
victim.close()
