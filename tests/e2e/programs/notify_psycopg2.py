#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""psycopg2: polls while it waits with select(), and hears its own with an answer."""
import select

import psycopg2


def connect():
    connection = psycopg2.connect("")
    connection.autocommit = True
    return connection, connection.cursor()


def heard(connection, n=1):
    while len(connection.notifies) < n:
        if not select.select([connection], [], [], 30)[0]:
            return "nothing"
        connection.poll()
    own = connection.get_backend_pid()
    found = [(note.channel, note.payload, note.pid == own) for note in connection.notifies]
    connection.notifies.clear()
    return found


listener, ask = connect()
sender, say = connect()
ask.execute("listen jobs")
say.execute("notify jobs, 'plain'")
print(heard(listener))
say.execute("select pg_notify(%s, %s)", ("jobs", "it's bound"))
print(heard(listener))
ask.execute("notify jobs, 'own'")
print(heard(listener))
sender.autocommit = False
say.execute("insert into work values (1)")
say.execute("notify jobs, 'in a transaction'")
sender.commit()
print(sorted(heard(listener, 2)))
say.execute("notify jobs, 'never'")
sender.rollback()
ask.execute("listen late")
print("outside?", flush=True)
print(heard(listener, 2))
