#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every way to log in: relayed while recording, none of its bytes kept, and anything accepted in
replay."""
import re

from drivers import PYTHON
from harness import (
    PROGRAMS,
    Started,
    Suite,
    expect,
    expect_equal,
    folder,
    need_mockproxy,
    record,
    record_command,
    replay,
)
from postgres import LOGINS, PASSWORD, Server
from recording import contains, expect_whole, query

WHO = ["psql", "-X", "-A", "-t", "-c", "select current_user, 'logged in'"]
SECRETS = (PASSWORD.encode(), b"SCRAM-SHA-256", b"n,,n=", b"c=biws", b",p=")
MD5 = re.compile(rb"md5[0-9a-f]{32}")


def expect_no_secrets(where):
    """In no file of the folder: the recording, or its .partial with what belongs to it."""
    files = list(where.iterdir())
    expect(files, "there is no file")
    for path in files:
        found = contains(path, *SECRETS)
        expect(
            not found and not MD5.search(path.read_bytes()),
            f"{path.name} holds {found or 'an MD5 answer'}",
        )


def record_login(server, where, user):
    where.mkdir()
    path = where / "login.db"
    done = record(path, WHO, server.environment(user=user)).expect(0)
    expect_equal(done.stdout, f"{user}|logged in\n".encode(), "psql's output")
    expect_whole(path)
    expect_no_secrets(where)
    expect_equal(
        query(path, "select user, database from connection"),
        [(user, "postgres")],
        "table connection",
    )


def look_while_recording(server, where, user):
    """The files while the app is logged in, and not only at the end."""
    where.mkdir()
    command = [PYTHON, PROGRAMS / "interactive.py"]
    started = Started(record_command(where / "login.db", command), server.environment(user=user))
    started.ask("open")
    started.ask("sql select 1")
    expect_no_secrets(where)
    started.say("exit 0")
    started.finish().expect(0)


def replay_login(server, where, user, password):
    environment = server.environment(user=user, PGPASSWORD=password)
    done = replay(where / "login.db", WHO, environment).expect(0)
    expect_equal(done.stdout, f"{user}|logged in\n".encode(), "psql's output")


def wrong_password(server, where):
    """The app sees what the server says."""
    path = where / "wrong.db"
    done = record(path, WHO, server.environment(PGPASSWORD="no " + PASSWORD))
    expect_equal(done.status, 2, f"psql's own exit status\n{done.errors()}")
    done.says("password authentication failed")
    expect(not contains(path, PASSWORD.encode()), "the file holds the password")


def main():
    need_mockproxy()
    suite = Suite()
    server, where = Server(), folder("logins")
    for user, method in LOGINS.items():
        suite.run(
            f"{method}: recorded, no secret in the file", record_login, server, where / user, user
        )
        suite.run(
            f"{method}: no secret in the files while recording",
            look_while_recording,
            server,
            where / f"{user}-open",
            user,
        )
    suite.run("a wrong password fails as without mockproxy", wrong_password, server, where)
    server.stop()
    for user, method in LOGINS.items():
        for what, password in (("right", PASSWORD), ("wrong", "wrong"), ("no", "")):
            suite.run(
                f"{method}: replayed with {what} password",
                replay_login,
                server,
                where / user,
                user,
                password,
            )
    suite.finish()


main()
