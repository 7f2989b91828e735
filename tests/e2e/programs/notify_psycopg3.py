#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""psycopg 3: notifies() on one connection while another thread notifies, and handlers."""
import threading

import psycopg

listener = psycopg.connect("", autocommit=True)
sender = psycopg.connect("")
other = psycopg.connect("", autocommit=True)
seen = []
other.add_notify_handler(lambda note: seen.append((note.channel, note.payload)))
listener.execute("listen jobs")
other.execute("listen jobs")


def send():
    with sender.transaction():
        sender.execute("notify jobs, 'one'")
        with sender.transaction():
            sender.execute("select pg_notify(%s, %s)", ("jobs", "two"))
        try:
            with sender.transaction():
                sender.execute("notify jobs, 'never'")
                raise psycopg.Rollback
        except psycopg.Rollback:
            pass
    with sender.transaction():
        sender.execute("insert into work values (%s)", (3,))
    with sender.transaction():
        sender.execute("notify jobs, 'stop'")


threading.Thread(target=send).start()
for note in listener.notifies():
    print(note.channel, note.payload, note.pid == sender.info.backend_pid)
    if note.payload == "stop":
        break
listener.execute("listen late")  # what comes from outside follows this, also where replay is slower than recording was
print("outside?", flush=True)
for note in listener.notifies():
    print(note.channel, note.payload)
    if note.payload == "again":
        break
other.execute("notify jobs, 'own'")
print(seen)
