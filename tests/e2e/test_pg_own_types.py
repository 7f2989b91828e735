#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Values of types that are not built in (enums, domains, composites, hstore, citext, arrays and
ranges of them): recorded in one form and asked in another, they are the bytes that the server
gives in that form, or a clear refusal."""
import json

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
    run,
)
from postgres import Server
from recording import change, expect_whole, query

PROGRAM = [PYTHON, PROGRAMS / "own_types.py"]
DRIVER = [PYTHON, PROGRAMS / "own_types_driver.py"]
DRIVERS = ("asyncpg", "psycopg2", "psycopg3_binary")
VALUES = ("simple", "text", "binary")
PARAMETERS = ("literal", "text", "binary", "declared")
# The last lines are of records, which have no type: nobody can make bytes of their text.
RECORDS = 2
# When the server is asked what types these are; late is only of interest where bytes are kept.
WHEN = {form: ("early", "never") for form in (*VALUES, *PARAMETERS)}
WHEN["binary"] = WHEN["declared"] = ("early", "late", "never")


class Types:
    """A database with the types, and what its server itself says."""

    def __init__(self, server):
        self.server = server
        self.database = server.create_database("own_types", schema=False)
        server.psql((PROGRAMS / "own_types.sql").read_text(), self.database)
        self.values = self._ask("select json_agg(json_build_array(name, type, text)) from value")
        kinds = sorted({kind for _, kind, _ in self.values})
        for kind in kinds:
            table = f"of_{kind.replace('[]', '_array')}"
            server.psql(f"create table {table} (v {kind})", self.database)
        self.oids = {kind: self._ask(f"select '{kind}'::regtype::oid::int") for kind in kinds}
        self.binary = {}
        self.truth = {form: self._direct(form) for form in VALUES}
        for line in self.truth["binary"].decode().splitlines():
            name, _, word = line.rpartition(" ")
            self.binary[name] = word
        # As the server spells them: texts of another spelling are other values.
        for value, line in zip(self.values, self.truth["text"].decode().splitlines()):
            if value[2] is not None:
                value[2] = bytes.fromhex(line[len(value[0]) + 1 :]).decode()

    def _ask(self, sql):
        return json.loads(self.server.psql(sql, self.database))

    def _direct(self, form):
        return run([*PROGRAM, form, "never", "values"], self.environment()).expect().stdout

    def environment(self):
        more = {"VALUES": self.values, "BINARY": self.binary, "OIDS": self.oids}
        more = {name: json.dumps(value) for name, value in more.items()}
        return self.server.environment(self.database, **more)

    def record(self, path, form, when, what):
        command = [*PROGRAM, form, when, what]
        # The exit status says whether each exchange encodes back to the bytes that passed.
        done = record(path, command, self.environment(), ["--verify"]).expect(0)
        expect_whole(path)
        if what == "values":
            expect_equal(done.stdout, self.truth[form], "recording changes what is seen")

    def replay(self, path, form, what):
        done = replay(path, [*PROGRAM, form, "never", what], self.environment())
        return done.stdout.decode().splitlines()


def lines_of(types, path, asked):
    lines = types.replay(path, asked, "values")
    truth = types.truth[asked].decode().splitlines()
    expect_equal(len(lines), len(truth), f"as many lines as values\n{lines}")
    return lines, truth


def known(types, path, recorded, asked):
    """The types were learned: each value in either form."""
    lines, truth = lines_of(types, path, asked)
    cut = len(lines) - (RECORDS if asked == "binary" and recorded != "binary" else 0)
    expect_equal(lines[:cut], truth[:cut], f"recorded as {recorded}, asked as {asked}")
    expect(all("MP002" in line for line in lines[cut:]), f"not refused: {lines[cut:]}")


def unknown(types, path, recorded, asked):
    """They were not: the recorded form, or a refusal."""
    lines, truth = lines_of(types, path, asked)
    same = (recorded == "binary") == (asked == "binary")
    refused = [line for line in lines if "MP002" in line and not same]
    for line, expected in zip(lines, truth):
        if line not in refused:
            expect_equal(line, expected, "wrong bytes")
        elif "select" not in line:  # not of a record
            expect("does not know" in line, f"unclear: {line}")
    # A null is a null, and a domain's values come as what it is over.
    expect(same or len(refused) >= len(lines) - 8, f"refused are only {refused}")


def readable(path):
    """What was recorded in binary is text in the file."""
    raw = query(path, "select rows from exchange where rows like '%{\"hex\"%'")
    expect_equal(len(raw), RECORDS, f"stored as bytes: {raw}")
    kinds = query(path, "select kind, count(*) from type group by 1")
    expect(len(kinds) >= 6, f"few kinds of types: {kinds}")


def edited(types, path):
    """A person's edit is served in both forms."""
    sad = '[["sad"]]'
    changed = change(path, "update exchange set rows = ? where rows = '[[\"ok\"]]'", sad)
    expect(changed >= 1, "there is nothing to edit")
    for form in VALUES:
        lines = types.replay(path, form, "values")
        expect(f"enum {b'sad'.hex()}" in lines, f"asked as {form}: {lines}")


def parameters(types, path, recorded, asked):
    """Each is found, whatever form it is sent in."""
    lines = types.replay(path, asked, "parameters")
    wrong = [line for line in lines if not line.endswith("INSERT 0 1")]
    expect(not wrong, f"recorded as {recorded}, asked as {asked}: {wrong}")
    expect_equal(len(lines), len(types.values), "lines")


def driver_says(types, driver):
    return run([*DRIVER, driver], types.environment()).expect(0).stdout


def driver_recorded(types, path, driver, truth):
    done = record(path, [*DRIVER, driver], types.environment(), ["--verify"]).expect(0)
    expect_equal(done.stdout, truth, "recording changes what is seen")
    expect_whole(path)


def driver_replayed(types, path, driver, truth):
    done = replay(path, [*DRIVER, driver], types.environment()).expect(0)
    expect_equal(done.stdout, truth, "the output differs")


def replay_values(suite, types, path, form, when):
    for asked in VALUES:
        name = f"values recorded as {form}, asked as {asked}, types {when}"
        suite.run(name, unknown if when == "never" else known, types, path, form, asked)


def replay_parameters(suite, types, path, form, when):
    for asked in PARAMETERS:
        # Who does not say the type of what was a literal is told that of a text; and of types that
        # nobody knows only the bytes are what they were.
        if (form, asked) != ("literal", "binary") and (when != "never" or form == asked):
            name = f"parameters recorded as {form}, asked as {asked}, types {when}"
            suite.run(name, parameters, types, path, form, asked)


def main():
    need_mockproxy()
    suite = Suite()
    server, where = Server(), folder("types")
    types = Types(server)
    made = []
    for what, forms in (("values", VALUES), ("parameters", PARAMETERS)):
        for form in forms:
            for when in WHEN[form]:
                path = where / f"{what}_{form}_{when}.db"
                made.append((what, path, form, when))
                name = f"recorded: {what} as {form}, types {when}"
                suite.run(name, types.record, path, form, when, what)
    truths = {driver: driver_says(types, driver) for driver in DRIVERS}
    for driver, truth in truths.items():
        path = where / f"{driver}.db"
        suite.run(f"recorded: {driver}", driver_recorded, types, path, driver, truth)
    server.stop()
    expect_refused(server.port)
    for what, path, form, when in made:
        again = replay_values if what == "values" else replay_parameters
        again(suite, types, path, form, when)
    for source in DRIVERS:
        for driver, truth in truths.items():
            name = f"recorded with {source}, replayed with {driver}"
            suite.run(name, driver_replayed, types, where / f"{source}.db", driver, truth)
    suite.run("binary values are readable", readable, where / "values_binary_early.db")
    suite.run("an edit is served", edited, types, where / "values_binary_early.db")
    suite.finish()


main()
