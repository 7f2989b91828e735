#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command lines of MariaDB and MySQL: every script of mysql/ is a unit, and so are some of
their options; POOL of them run at a time. Called as `mysql_cli_program.py CLIENT... POOL SEED`:
CLIENT is the command without options.
"""
import os
import pathlib
import re
import subprocess
import sys

from common import Nothing, run_threads, unit

SCRIPTS = pathlib.Path(__file__).parent / "mysql"
CLIENT, sys.argv[1:] = sys.argv[1:-2], sys.argv[-2:]
TIME = re.compile(r" \(\d+\.\d+ sec\)$")
OPTIONS = ["--no-defaults", "--protocol=tcp", f"--user={os.environ['MYSQL_USER']}"]
if len(CLIENT) > 1:
    # MySQL's own asks for TLS, takes no key for its password without being told to, and has
    # MariaDB's usual way to log in only as a plugin in its tree.
    OPTIONS += [
        "--ssl-mode=DISABLED",
        "--get-server-public-key",
        f"--plugin-dir={pathlib.Path(CLIENT[-1]).parents[1]}/lib/mysql/plugin",
    ]


def client(say, *arguments, script=None, database=os.environ["MYSQL_DATABASE"]):
    """Both streams in one, in the order in which they were written."""
    done = subprocess.run(
        [*CLIENT, *OPTIONS, *arguments, database],
        input=script,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    for line in done.stdout.decode(errors="backslashreplace").splitlines():
        say(TIME.sub("", line))
    say("exit status", done.returncode)


@unit(*sorted(path.stem for path in SCRIPTS.glob("*.sql")))
def script(_, say, name):
    text = (SCRIPTS / f"{name}.sql").read_text().replace("{folder}", str(SCRIPTS.parent))
    client(
        say,
        "--force",
        "--unbuffered",
        "--table",
        "--local-infile=1",
        "--default-character-set=utf8mb4",
        script=text.encode(),
    )


@unit("--batch", "--html", "--xml", "--vertical", "--column-type-info")
def form(_, say, option):
    client(
        say,
        option,
        "-e",
        f"select id, name, price, made from items where id < 4 order by id -- {option}",
    )


@unit()
def quick(_, say):
    """Row by row, as they come."""
    client(say, "--quick", "-N", "-B", "-e", "select id, name from items order by id limit 50")


@unit()
def stop_on_error(_, say):
    client(
        say, "-B", script=b"select 'before';\nselect missing_column from items;\nselect 'after';\n"
    )


@unit()
def show_warnings(_, say):
    client(say, "--show-warnings", "-t", "-e", "select 1/0, cast('12x' as signed)")


@unit()
def several_statements(_, say):
    client(
        say,
        "-vvv",
        "-t",
        "-e",
        "select 1 as one; select 2 as two, 'a;b'; do 0; select id from items where id < 0",
    )


@unit()
def without_database(_, say):
    client(
        say,
        "-B",
        "-e",
        "select schema_name from schemata where schema_name = 'mysql'",
        database="information_schema",
    )


run_threads(Nothing)
