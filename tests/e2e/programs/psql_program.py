#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""psql: every script of psql/ is a unit, and so are a few of its options; POOL of them run at a
time."""
import pathlib
import subprocess

from common import Nothing, run_threads, unit

SCRIPTS = pathlib.Path(__file__).parent / "psql"


def psql(say, *arguments, script=None):
    """Both streams in one, in the order in which psql wrote them."""
    done = subprocess.run(
        ["psql", "-X", *arguments],
        input=script,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    for line in done.stdout.decode().splitlines():
        say(line)
    say("exit status", done.returncode)


@unit(*sorted(path.stem for path in SCRIPTS.glob("*.sql")))
def script(_, say, name):
    psql(say, "-q", "-f", SCRIPTS / f"{name}.sql")


@unit("--csv", "-A", "-H", "-x", "-t")
def form(_, say, option):
    psql(
        say,
        option,
        "-c",
        f"select id, name, price, tags from items where id < 4 order by id -- {option}",
    )


@unit()
def several_commands(_, say):
    psql(say, "-c", "select 1 as one; select 2 as two", "-c", "select 'third'", "-c", "select 1/0")


@unit()
def standard_input(_, say):
    psql(
        say,
        "-1",
        script=b"insert into written (worker, n) values ('stdin', 1) returning worker;\n"
        b"delete from written where worker = 'stdin';\n\\echo done\n",
    )


@unit()
def stop_on_error(_, say):
    psql(
        say,
        "-v",
        "ON_ERROR_STOP=1",
        script=b"select 'before';\nselect missing_column from items;\nselect 'after';\n",
    )


@unit()
def list_databases(_, say):
    psql(say, "-A", "-t", "-c", "\\l template*")


run_threads(Nothing)
