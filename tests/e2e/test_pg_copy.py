#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""COPY in both directions: drivers, psql, pg_dump with data, pg_restore and pgbench -i, recorded on a real server and replayed
without it; data with one other row is a miss that says which. And 150 MB of it in flat memory, 2 GB with MOCKPROXY_BIG=1."""
import os
import subprocess

import drivers
from drivers import PYTHON
from harness import (
    PROGRAMS,
    Suite,
    expect,
    expect_equal,
    expect_refused,
    folder,
    need_mockproxy,
    record,
    replay,
)
from memory import record_and_replay
from postgres import Server
from recording import change, expect_whole, query

BIG = os.environ.get("MOCKPROXY_BIG") == "1"
# More than the proxy may have of memory.
MEGABYTES = 2000 if BIG else 150
# Flags that say that something is not stored: parsers/item.h.
NOT_STORED = 1 << 0 | 1 << 3 | 1 << 4 | 1 << 5
COPY_IN, COPY_OUT = 1 << 10, 1 << 11


class Case:
    """A command; `changed` is the same with data of which one row is another, and `says` what the miss says of it."""

    def __init__(self, command, changed=None, says="", prepare=lambda: None, **environment):
        self.command, self.changed, self.says = command, changed, says
        self.prepare, self.environment = prepare, environment


def program(name, says):
    return Case([PYTHON, PROGRAMS / name], [PYTHON, PROGRAMS / name, "changed"], says)


def cases(where):
    java = drivers.java("Copy", drivers.JDBC_JAR)
    return {
        "psql": Case(
            ["sh", "-c", f"LAST=same psql -X -f {PROGRAMS}/copy_psql.sql 2>&1"],
            ["sh", "-c", f"LAST=other psql -X -f {PROGRAMS}/copy_psql.sql 2>&1"],
            r'row 999 of the data: recorded "999\tsame", asked "999\tother"',
        ),
        "psycopg2": program(
            "copy_psycopg2.py",
            'row 2001 of the data: recorded "2000\\trow 2000 ä", asked "2000\\trow two thousand ä"',
        ),
        "psycopg3": program(
            "copy_psycopg3.py",
            "row 1501 of the data, field 1: recorded 0x000005dc, asked 0xfffffa24",
        ),
        "asyncpg": program(
            "copy_asyncpg.py",
            "row 4001 of the data, field 2: recorded null, asked another",
        ),
        "pg-copy-streams": Case(
            ["node", PROGRAMS / "copy_streams.js"],
            ["node", PROGRAMS / "copy_streams.js", "changed"],
            r'row 3001 of the data: recorded "3000\trow 3000", asked "3000\tanother"',
            drivers.node_modules,
            **drivers.NODE,
        ),
        "pgjdbc": Case(
            java,
            [*java, "changed"],
            r'row 3001 of the data: recorded "3000\trow 3000", asked "3000\tanother"',
            drivers.java_class("Copy", drivers.JDBC_JAR, "libpostgresql-jdbc-java"),
        ),
        "pg_dump": Case(["pg_dump", "--no-sync", "--restrict-key=key", "shop"]),
        "pg_restore": Case(
            ["pg_restore", "--clean", "--if-exists", "-d", "restored", where / "shop.dump"]
        ),
        "pgbench -i": Case(["pgbench", "-i", "-q", "-s", "2", "restored"]),
    }


def recorded(server, where, name, case):
    path = where / f"{name}.db"
    case.prepare()
    done = record(path, case.command, server.environment("copy") | case.environment).expect(0)
    # asyncpg cancels what it gives up: a connection that is no session.
    change(path, "update connection set opaque = null where opaque like '%a cancel request%'")
    expect_whole(path)
    flagged = query(path, "select id, flags from exchange where flags & ?", NOT_STORED)
    expect(not flagged, f"exchanges with flags: {flagged}")
    copies = query(path, "select count(*) from copy")[0][0]
    expect(copies, "no COPY was recorded")
    return path, done.stdout


def replayed(server, case, path, stdout):
    """Byte by byte the same output. pgbench tells how long it took, on stderr."""
    done = replay(path, case.command, server.environment("copy") | case.environment)
    expect_equal(done.stdout, stdout, f"the output differs\n{done.errors()[-3000:]}")
    done.expect(0).says("0 missed")


def replayed_changed(server, case, path, _):
    done = replay(path, case.changed, server.environment("copy") | case.environment)
    text = done.errors()
    expect(f"difference: {case.says}" in text, f"not said: {case.says}\n{text[-3000:]}")


def edited(server, where, path):
    """A person changes a row of what was sent, and one of what was given: both count."""
    changed = path.with_name("edited.db")
    changed.write_bytes(path.read_bytes())
    change(changed, "update result_rows set rows = replace(rows, 'ten', 'TEN')")
    environment = server.environment("copy")
    [(digest,)] = query(
        changed, "select count(*) from copy where digest is null and direction = 'in'"
    )
    expect_equal(digest, 1, "digests that an edit took away")
    done = replay(changed, two_ways(where, "ten"), environment)
    expect(done.status != 0, "data that is not recorded any more was answered")
    done.says('row 10 of the data: recorded "10\\tTEN", asked "10\\tten"')
    done = replay(changed, two_ways(where, "TEN"), environment).expect(0)
    expect(b"TEN" in done.stdout, f"not the edited row: {done.stdout[-300:]}")


def two_ways(where, word):
    (where / f"{word}.txt").write_text(
        "".join(f"{n}\t{word if n == 10 else n}\n" for n in range(1, 11))
    )
    return [
        "psql", "-X", "-v", "ON_ERROR_STOP=1",
        "-c", "create temp table e (a int, b text)",
        "-c", f"\\copy e from {where}/{word}.txt",
        "-c", "copy e to stdout",
    ]  # fmt: skip


def readable(where):
    path = where / "psql.db"
    rows = query(
        path,
        'select "values" from rows join copy using (exchange) where direction = ? limit 1',
        "in",
    )
    expect_equal(rows, [('["1\\trow 1\\n"]',)], "the first row that was sent")
    text = query(path, "select sql, row_count from queries where sql like 'COPY  t FROM%' limit 1")
    expect_equal(text, [("COPY  t FROM STDIN ", 1000)], "in the view")


def big(suite, server, where):
    """Through psycopg, block by block: each prints what it took or gave, and its digest."""
    environment = server.environment("copy", user="app_trust")
    for name, words in {
        "into": ["into"],
        "out of": ["out of"],
        "in binary into": ["into", "binary"],
    }.items():
        if len(words) > 1 and not BIG:
            continue
        command = [PYTHON, PROGRAMS / "copy_big.py", str(MEGABYTES), *words]
        record_and_replay(
            suite,
            server,
            where / f"big {name}.db",
            f"COPY {name} a table, {MEGABYTES} MB",
            command,
            environment,
            1,
        )


def main():
    need_mockproxy()
    suite = Suite()
    server, where = Server(), folder("copy")
    for name in ("copy", "shop", "restored"):
        server.create_database(name, schema=name == "shop")
    for command in (
        ["pgbench", "-i", "-q", "shop"],
        ["pg_dump", "-Fc", "--no-sync", "-f", where / "shop.dump", "shop"],
    ):
        subprocess.run(
            command, env=server.environment("copy"), check=True, stderr=subprocess.DEVNULL
        )
    all_cases, paths = cases(where), {}
    for name, case in all_cases.items():
        paths[name] = suite.run(f"{name}: recorded", recorded, server, where, name, case)
    edit = suite.run(
        "to be edited: recorded", recorded, server, where, "edit", Case(two_ways(where, "ten"))
    )
    big(suite, server, where)
    server.stop()
    expect_refused(server.port)
    for name, case in all_cases.items():
        if paths[name]:
            suite.run(f"{name}: replayed", replayed, server, case, *paths[name])
        if paths[name] and case.changed:
            suite.run(
                f"{name}: with another row, a miss", replayed_changed, server, case, *paths[name]
            )
    if edit:
        suite.run("edited rows count", edited, server, where, edit[0])
    if paths["psql"]:
        suite.run("readable with SQLite", readable, where)
    suite.finish()


main()
