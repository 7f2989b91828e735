#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The file: readable by a person, editable, without secrets, and refused when it is none."""
import json
import shutil
import sqlite3

from harness import Skip, Suite, expect, expect_equal, folder, need_mockproxy, record, replay, run
from postgres import PASSWORD, Server
from recording import change, contains, expect_whole, is_complete, query

COLUMNS = [
    "id",
    "connection",
    "started_at",
    "duration_ms",
    "protocol",
    "database",
    "sql",
    "parameters",
    "row_count",
    "tag",
    "error",
]
SCRIPT = """select id, name from items where id = 7;
insert into written (worker, n) values ('file', 1), ('file', 2);
select 1/0;
select count(*) from items where price between 5 and 10;
select name from items where id = 8;
"""


def psql(*commands):
    return ["psql", "-X", "-A", "-t", *[word for command in commands for word in ("-c", command)]]


class File:
    """The cases, on one recording."""

    def __init__(self, suite):
        self.suite = suite
        self.server = Server()
        self.where = folder("file")
        self.path = self.where / "mocks.db"
        self.environment = self.server.environment(self.server.create_database("filed"))

    def copy(self, name):
        path = self.where / f"{name}.db"
        shutil.copy(self.path, path)
        return path

    def ask(self, path, *commands, status=0):
        return replay(path, psql(*commands), self.environment).expect(status).stdout.decode()

    # Recorded with the server -------------------------------------------------------------------

    def record(self):
        commands = [line.rstrip(";") for line in SCRIPT.splitlines()]
        record(self.path, psql(*commands), self.environment).expect(0)
        expect_whole(self.path)

    def record_secrets(self):
        """In SQL, in both modes the same, so that replay finds what is masked."""
        path, script = self.where / "secrets.db", self.where / "secrets.sql"
        script.write_text(
            "create role secretive login password 'Geheim-1';\n"
            "alter role secretive password E'Geheim\\x2d2';\n"
            "alter user secretive with encrypted password $$Geheim-3$$ valid until 'infinity';\n"
            "ALTER ROLE secretive /* c */ PASSWORD\n'Geheim-4';\n"
            "drop role secretive;\n"
            "select 5;\n"
        )
        command = ["psql", "-X", "-f", script]
        done = record(path, command, self.environment).expect(0)
        expect(b"ERROR" not in done.stderr, done.errors())
        stored = query(path, "select sql, parameters from queries")
        expect(not contains(path, b"Geheim"), f"a password is in the file: {stored}")
        self.server.stop()
        again = replay(path, command, self.environment).expect(0)
        self.server.start()
        expect_equal(again.stdout, done.stdout, "replayed")

    def record_command_line(self):
        """In what was run: a connection URI, libpq's words, and SQL in an argument."""
        path = self.where / "command.db"
        address = f"127.0.0.1:{self.server.port}/filed?application_name=x"
        for command in (
            ["psql", "-X", f"postgresql://app:{PASSWORD}@{address}", "-c", "select 1"],
            ["psql", "-X", f"postgres://{address}&user=app&password={PASSWORD}", "-c", "select 1"],
            ["psql", "-X", f"host=127.0.0.1 user=app password={PASSWORD}", "-c", "select 1"],
            ["psql", "-X", f"host=127.0.0.1 user=app password = '{PASSWORD}'", "-c", "select 1"],
            ["env", f"PGPASSWORD={PASSWORD}", "psql", "-X", "-c", "select 1"],
            ["psql", "-X", "-c", f"alter role app password '{PASSWORD}'"],
        ):
            done = record(path, command, self.environment | {"PGSSLMODE": "disable"})
            done.expect(0)
            stored = query(path, "select command from recording")
            expect(not contains(path, PASSWORD.encode()), f"a password is in the file: {stored}")
        record(path, ["true", f"postgresql://app:{PASSWORD}@db/x"], self.environment).expect(0)
        [(stored,)] = query(path, "select command from recording")
        expect_equal(stored, '["true", "postgresql://app:***@db/x"]', "column command")

    def record_copy(self):
        """Its rows are rows as any other, a line for each."""
        path = self.where / "copy.db"
        command = psql(
            "copy (select id from items where id < 4 order by id) to stdout", "select 'after'"
        )
        done = record(path, command, self.environment)
        expect_equal(done.stdout, b"1\n2\n3\nafter\n", "the app's output")
        expect_equal(query(path, "select flags, sql from flagged"), [], "view flagged")
        expect_equal(
            query(path, 'select row_number, "values" from rows join copy using (exchange)'),
            [(1, '["1\\n"]'), (2, '["2\\n"]'), (3, '["3\\n"]')],
            "view rows",
        )
        expect_equal(
            query(path, "select count(*) from connection where opaque is not null"),
            [(0,)],
            "opaque connections",
        )

    # Read and edited without it -----------------------------------------------------------------

    def readable(self):
        if not shutil.which("sqlite3"):
            raise Skip("the sqlite3 CLI is not installed")
        done = run(["sqlite3", "-json", self.path, "select * from queries limit 5"]).expect(0)
        rows = json.loads(done.stdout)
        expect_equal(list(rows[0]), COLUMNS, "columns of the view queries")
        expect_equal(
            [row["sql"] for row in rows],
            [line.rstrip(";") for line in SCRIPT.splitlines()],
            "column sql",
        )
        expect_equal([row["database"] for row in rows], ["filed"] * 5, "column database")
        expect_equal([row["row_count"] for row in rows], [1, 2, None, 1, 1], "column row_count")
        expect_equal(rows[1]["tag"], "INSERT 0 2", "column tag")
        expect("division by zero" in rows[2]["error"], f"column error: {rows[2]}")
        expect(
            all(row["duration_ms"] >= 0 and row["started_at"].endswith("Z") for row in rows),
            f"times: {rows}",
        )
        tables = run(["sqlite3", self.path, ".tables"]).expect(0).stdout.decode().split()
        expect(
            {"recording", "connection", "statement", "exchange", "result", "queries", "errors"}
            <= set(tables),
            f"tables: {tables}",
        )

    def pragmas(self):
        expect(is_complete(self.path), "incomplete")
        expect_equal(
            query(self.path, "pragma journal_mode"),
            [("delete",)],
            "a WAL file cannot be opened read-only",
        )
        expect(query(self.path, "pragma application_id")[0][0] != 0, "no application_id")
        expect_equal(
            sorted(file.name for file in self.where.glob("mocks.db*")), ["mocks.db"], "files"
        )

    def edit_answer(self):
        path = self.copy("edited")
        changed = change(
            path, "update exchange set rows = replace(rows, 'item 7', 'edited by hand')"
        )
        expect(changed > 0, "nothing to edit")
        expect_equal(
            self.ask(path, "select id, name from items where id = 7"),
            "7|edited by hand\n",
            "the edited answer",
        )

    def edit_tag_and_error(self):
        path = self.copy("tagged")
        change(path, "update result set tag = 'INSERT 0 9' where tag = 'INSERT 0 2'")
        change(
            path,
            "update result set error = replace(error, 'division by zero', 'edited message')"
            " where error is not null",
        )
        expect_equal(
            self.ask(path, "insert into written (worker, n) values ('file', 1), ('file', 2)"),
            "INSERT 0 9\n",
            "tag",
        )
        replay(path, psql("select 1/0"), self.environment).expect(1).says("edited message")

    def edit_question(self):
        """The parameter of the question: now another one finds the answer."""
        path = self.copy("question")
        changed = change(
            path,
            "update exchange set parameters = replace(parameters, '7', '77') where id ="
            " (select id from queries where sql like 'select id, name%')",
        )
        expect(changed == 1, "nothing to edit")
        expect_equal(
            self.ask(path, "select id, name from items where id = 77"),
            "7|item 7\n",
            "the edited question",
        )
        replay(path, psql("select id, name from items where id = 7"), self.environment).expect(1)

    def edit_text(self):
        path = self.copy("text")
        changed = change(
            path,
            "update statement set text = 'select name from renamed where id = 8'"
            " where text like 'select name from items%'",
        )
        expect(changed == 1, "nothing to edit")
        expect_equal(
            self.ask(path, "select name from renamed where id = 8"),
            "item 8\n",
            "the edited statement",
        )

    def added_rows(self):
        path = self.copy("rows")
        change(
            path,
            "update result_rows set rows = json_insert(rows, '$[#]', json('[\"8\", null]'))"
            " where rows like '%item 7%'",
        )
        expect_equal(
            self.ask(path, "select id, name from items where id = 7"),
            "7|item 7\n8|\n",
            "an added row",
        )

    def unchanged(self):
        """Replay never writes the recording."""
        before = self.path.read_bytes()
        self.ask(self.path, "select name from items where id = 8")
        expect(self.path.read_bytes() == before, "replay wrote the recording")
        expect_equal(
            sorted(file.name for file in self.where.glob("mocks.db*")), ["mocks.db"], "files"
        )

    def refused(self, name, content, *words):
        path = self.where / name
        if content is not None:
            path.write_bytes(content)
        done = replay(path, ["echo", "the app ran"], self.environment).expect(125)
        expect_equal(done.stdout, b"", "the app ran")
        done.says(*words)
        if content is not None:
            expect(path.read_bytes() == content, "the file was written to")

    def foreign(self):
        path = self.where / "foreign.db"
        with sqlite3.connect(path) as database:
            database.execute("create table queries (a)")
        self.refused(path.name, path.read_bytes(), "recording")

    def cut(self):
        self.refused("cut.db", self.path.read_bytes()[:8192], "cut.db")

    def newer(self):
        path = self.copy("newer")
        with sqlite3.connect(path) as database:
            database.execute("pragma user_version = 9999")
        self.refused(path.name, path.read_bytes(), "newer")

    def cases(self):
        run_case = self.suite.run
        run_case("recorded", self.record)
        run_case("passwords in SQL are masked, and found in replay", self.record_secrets)
        run_case("passwords in the command line are masked", self.record_command_line)
        run_case("COPY is stored", self.record_copy)
        self.server.stop()
        run_case("readable with the sqlite3 CLI", self.readable)
        run_case("complete, not in WAL mode, one file", self.pragmas)
        for case in (
            self.edit_answer,
            self.edit_tag_and_error,
            self.edit_question,
            self.edit_text,
            self.added_rows,
        ):
            run_case(case.__name__.replace("_", " ") + " changes what replay answers", case)
        run_case("replay does not write the recording", self.unchanged)
        run_case("refused: not there", self.refused, "missing.db", None, "missing.db")
        run_case("refused: empty", self.refused, "empty.db", b"", "empty.db")
        run_case(
            "refused: text",
            self.refused,
            "text.db",
            b"not a database, but long enough to be one " * 50,
            "text.db",
        )
        run_case("refused: another program's database", self.foreign)
        run_case("refused: cut off", self.cut)
        run_case("refused: newer version", self.newer)


def main():
    need_mockproxy()
    suite = Suite()
    File(suite).cases()
    suite.finish()


main()
