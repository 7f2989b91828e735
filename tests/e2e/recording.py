# SPDX-License-Identifier: Apache-2.0
"""Looking into a recording as its users do: with SQLite and nothing else."""
import contextlib
import sqlite3

from harness import expect, expect_equal

# Flags of exchanges: parsers/item.h.
ROW_LIMIT, MERGED, NOT_DECODED, COPY_IN = 1 << 1, 1 << 2, 1 << 4, 1 << 10
ABORTED = 1 << 7
PARSE = 3  # a kind of exchange


def query(path, sql, *parameters):
    """All rows of a question to the file, which is opened read-only."""
    expect(
        path.exists(),
        f"{path.name} is not there, but {sorted(file.name for file in path.parent.iterdir())}",
    )
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(sql, parameters).fetchall()


def change(path, sql, *parameters):
    """What a person does with the sqlite3 CLI: the number of changed rows."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        return database.execute(sql, parameters).rowcount


def columns(path, table):
    return [row[1] for row in query(path, f"pragma table_info({table})")]


def expect_whole(path):
    """Complete, nothing unfinished, no connection opaque."""
    problem = query(path, "pragma integrity_check")
    expect(problem == [("ok",)], f"integrity_check: {problem}")
    expect(not query(path, "pragma foreign_key_check"), "foreign keys are broken")
    expect(is_complete(path), f"incomplete: {query(path, 'select * from recording')}")
    unfinished = query(path, "select * from queries where duration_ms is null limit 5")
    expect(not unfinished, f"exchanges without an end: {unfinished}")
    opaque = query(path, "select * from connection where opaque is not null")
    expect(not opaque, f"opaque connections: {opaque}")


def is_complete(path):
    return query(path, "select complete from recording")[0][0] == 1


def contains(path, *needles):
    """Which of the byte strings lie in the raw file."""
    data = path.read_bytes()
    return [needle for needle in needles if needle in data]


def count(path, pattern, protocol="mysql"):
    """How many statement executions the file holds whose text is like this: to prepare one in vain is
    none."""
    return query(
        path,
        "select count(*) from queries join exchange using (id)"
        f" where kind <> {PARSE} and protocol = ? and sql like ?",
        protocol,
        pattern,
    )[0][0]


def expect_count(path, pattern, expected, protocol="mysql"):
    expect_equal(
        count(path, pattern, protocol), expected, f"exchanges like {pattern!r} in the file"
    )
