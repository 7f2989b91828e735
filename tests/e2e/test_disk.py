#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where the file cannot be written: a clear error, the app not harmed, the exit status says so."""
import contextlib
import os
import subprocess

from harness import (
    Skip,
    Started,
    PROGRAMS,
    Suite,
    expect,
    expect_equal,
    folder,
    need_mockproxy,
    record,
    record_command,
    replay,
)
from drivers import PYTHON
from postgres import Server
from recording import is_complete, query

QUESTIONS = [
    f"select repeat('{letter}', 1000) from generate_series(1, 3000)" for letter in "abcdefgh"
]


@contextlib.contextmanager
def small_disk(size):
    """A tmpfs of its own."""
    where = folder("disk")
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", where], check=False
    ).returncode:
        raise Skip("a tmpfs cannot be mounted here")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", where], check=True)


def psql(*questions):
    return [
        "psql",
        "-X",
        "-A",
        "-t",
        *[word for question in questions for word in ("-c", question)],
    ]


def full(environment, expected):
    """24 MB for a disk of 4."""
    with small_disk("4m") as where:
        path = where / "mocks.db"
        done = record(path, psql(*QUESTIONS, "select 'the end'"), environment)
        expect_equal(done.stdout, expected, f"the app's output\n{done.errors()}")
        done.expect(3).says("disk", "mocks.db")
        for file in where.glob("mocks.db*"):
            if file.name in ("mocks.db", "mocks.db.partial"):
                expect(not is_complete(file), f"{file.name} says that it is complete")


def full_at_once(environment):
    """Not even the empty file fits."""
    with small_disk("64k") as where:
        (where / "filler").write_bytes(b"x" * (60 * 1024))
        done = record(where / "mocks.db", psql("select 1"), environment)
        expect(done.status in (3, 125), f"exit status {done.status}\n{done.errors()}")
        expect(done.status == 125 or done.stdout == b"1\n", f"the app's output: {done.stdout}")
        done.says("mocks.db")


def read_only(environment):
    with small_disk("4m") as where:
        path = where / "mocks.db"
        done = record(path, psql("select 5"), environment).expect(0)
        subprocess.run(["mount", "-o", "remount,ro", where], check=True)
        replayed = replay(path, psql("select 5"), environment).expect(0)
        expect_equal(replayed.stdout, done.stdout, "replayed from a read-only folder")
        refused = record(where / "other.db", psql("select 5"), environment).expect(125)
        expect_equal(refused.stdout, b"", "the app ran")
        refused.says("other.db", "read-only")


def no_folder(environment):
    done = record(folder("disk") / "missing" / "mocks.db", psql("select 5"), environment).expect(
        125
    )
    expect_equal(done.stdout, b"", "the app ran")
    done.says("missing")


def two_recorders(environment):
    """The second one is told so, and the first one is not disturbed."""
    path = folder("disk") / "mocks.db"
    first = Started(record_command(path, [PYTHON, PROGRAMS / "interactive.py"]), environment)
    first.ask("open")
    expect_equal(first.ask("sql select 'one'"), '[["one"]]', "the first app")
    second = record(path, psql("select 'two'"), environment).expect(125)
    expect_equal(second.stdout, b"", "the second app ran")
    second.says(".partial")
    expect_equal(first.ask("sql select 'three'"), '[["three"]]', "the first app")
    first.say("exit 0")
    first.finish().expect(0)
    expect_equal(
        query(path, "select sql from queries order by id"),
        [("select 'one'",), ("select 'three'",)],
        "recorded",
    )


def recorded_over(environment):
    """A new recording takes the place of the old one at its end; --no-overwrite refuses before the
    app runs."""
    path = folder("disk") / "mocks.db"
    record(path, psql("select 'old'"), environment).expect(0)
    refused = record(path, psql("select 'new'"), environment, ["--no-overwrite"])
    expect(
        refused.status in (2, 125) and not refused.stdout,
        f"--no-overwrite: {refused.status} {refused.stdout}",
    )
    expect_equal(query(path, "select sql from queries"), [("select 'old'",)], "refused, and kept")
    record(path, psql("select 'new'"), environment).expect(0)
    expect_equal(query(path, "select sql from queries"), [("select 'new'",)], "recorded over")
    expect_equal(os.listdir(path.parent), ["mocks.db"], "files")


def main():
    need_mockproxy()
    suite = Suite()
    environment = Server().environment()
    expected = (
        b"".join(letter.encode() * 1000 + b"\n" for letter in "abcdefgh" for _ in range(3000))
        + b"the end\n"
    )
    suite.run("a full disk: the app runs on, exit status 3", full, environment, expected)
    suite.run("a disk that is full from the beginning", full_at_once, environment)
    suite.run("a read-only folder: replay works, recording is refused", read_only, environment)
    suite.run("a folder that is not there", no_folder, environment)
    suite.run("a second recorder of the same file", two_recorders, environment)
    suite.run("recording over a file", recorded_over, environment)
    suite.finish()


main()
