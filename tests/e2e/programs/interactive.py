#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An app that does what the test tells it, a line at a time, and answers each with one line.

  open [NAME]           connects with psycopg2, autocommit; with PyMySQL where MYSQL_HOST is set
  sql [@NAME] TEXT      its rows as JSON, or `error SQLSTATE: MESSAGE | DETAIL | HINT`; of MySQL
                        `error NUMBER: MESSAGE`
  begin TEXT            starts a query on a thread; `wait` gives its answer
  cancel                cancels the query that `begin` started
  tcp HOST PORT [SEND]  connects, sends, reads until the end: `closed HEX`, or the name of the error
  half HOST PORT SEND   the same, but ends its own side after sending
  listen                opens a listening socket that echoes: its port
  peer NAME             getpeername() of a connection
  knock HOST PORT       connects again and again until it is killed (answers once, at its start)
  exit STATUS
"""
import errno
import json
import os
import socket
import sys
import threading

if "MYSQL_HOST" in os.environ:
    import pymysql as driver

    import mysql_dbapi
else:
    import psycopg2 as driver

CONNECTIONS = {}


def connect(name="main"):
    if driver.__name__ == "pymysql":
        password = os.environ["MYSQL_PWD"]
        connection = driver.connect(**mysql_dbapi.settings(), password=password, autocommit=True)
    else:
        connection = driver.connect("")
        connection.autocommit = True
    CONNECTIONS[name] = connection
    return "opened"


def describe(error):
    if driver.__name__ == "pymysql":
        return f"error {error.args[0]}: {error.args[-1]}"
    diag = error.diag
    parts = [
        diag.message_primary or str(error).strip().replace("\n", " "),
        diag.message_detail,
        diag.message_hint,
    ]
    return f"error {error.pgcode}: " + " | ".join((part or "").replace("\n", " ") for part in parts)


def sql(text):
    name = "main"
    if text.startswith("@"):
        name, _, text = text[1:].partition(" ")
    try:
        with CONNECTIONS[name].cursor() as cursor:
            cursor.execute(text)
            if cursor.description:
                return json.dumps(cursor.fetchall(), default=str)
            return json.dumps(getattr(cursor, "statusmessage", f"changed {cursor.rowcount}"))
    except driver.Error as error:
        return describe(error)


def name_of(error):
    return errno.errorcode.get(error.errno, str(error))


def tcp(host, port, send="", half=False):
    try:
        with socket.create_connection((host, int(port)), timeout=30) as peer:
            peer.sendall(bytes.fromhex(send))
            if half:
                peer.shutdown(socket.SHUT_WR)
            data = b""
            while part := peer.recv(65536):
                data += part
            return f"closed {data.hex()}"
    except OSError as error:
        return name_of(error)


def listen():
    """A server of this app's own."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"own server")

    threading.Thread(target=serve, daemon=True).start()
    return str(server.getsockname()[1])


def peer_name(name="main"):
    with socket.socket(fileno=os.dup(CONNECTIONS[name].fileno())) as peer:
        return "{}:{}".format(*peer.getpeername()[:2])


def knock(host, port):
    while True:
        try:
            with socket.create_connection((host, int(port)), timeout=5) as peer:
                peer.sendall(b"got out")
        except OSError:
            pass


class Background:
    """A query on a thread of its own."""

    def __init__(self):
        self._thread = self._answer = None

    def begin(self, text):
        def work():
            self._answer = sql(text)

        self._thread = threading.Thread(target=work)
        self._thread.start()
        return "begun"

    def wait(self):
        self._thread.join()
        return self._answer


def cancel():
    CONNECTIONS["main"].cancel()
    return "cancelled"


def main():
    background = Background()
    commands = {
        "open": connect,
        "tcp": tcp,
        "half": lambda *words: tcp(*words, half=True),
        "listen": listen,
        "peer": peer_name,
        "cancel": cancel,
        "wait": background.wait,
    }
    for line in iter(sys.stdin.readline, ""):
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "exit":
            os._exit(int(rest))
        if word == "knock":
            print("knocking", flush=True)
            knock(*rest.split())
        try:
            if word in ("sql", "begin"):
                answer = sql(rest) if word == "sql" else background.begin(rest)
            else:
                answer = commands[word](*rest.split())
        except driver.Error as error:
            answer = "error " + str(error).strip().replace("\n", " ")
        print(answer, flush=True)


main()
