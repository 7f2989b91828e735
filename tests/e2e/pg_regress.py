# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's own regression suite (tools/postgres-suite.sh), run as it runs itself against a
server that is there already: directly, recorded, or replayed. Each test is a psql of its own, up to
twenty of them side by side."""
import difflib
import pathlib
import pwd
import re
import shutil

from harness import BUILD, ROOT, Failure, expect, made_by_one, record, replay, run
from postgres import BINARIES, Server
from recording import is_complete, query

PG_REGRESS = BINARIES.parent / "lib/pgxs/src/test/regress/pg_regress"
SECONDS = 1800
# What the tests behind them build upon.
BASE = [
    "test_setup",
    "copy",
    "create_index",
    "create_misc",
    "create_aggregate",
    "create_function_c",
]
# As pg_regress has it for a server of its own.
SETTINGS = "max_prepared_transactions = 2\n"
# Flags that say that something of the answer is not stored: parsers/item.h.
NOT_STORED = 1 << 0 | 1 << 4 | 1 << 6


def server():
    """A fresh one, which takes the users that the tests make."""
    started = Server(SETTINGS)
    (started.data / "pg_hba.conf").write_text("local all all trust\nhost all all all trust\n")
    started.psql("select pg_reload_conf()")
    return started


class Regression:
    """The suite in a folder that everybody may read, and one folder for the outputs of all runs:
    their names are in what the tests ask. With names only these tests and their base, in the
    schedule's order."""

    def __init__(self, where, names=()):
        self.where, self.inputs, self.outputs = where, where / "suite", where / "outputs"
        self.schedule = where / "schedule"
        suite = BUILD / "postgres-suite"
        with made_by_one("postgres-suite"):
            run([ROOT / "tools/postgres-suite.sh", suite], timeout=600).expect()
        shutil.copytree(suite, self.inputs)
        self.tests = self._choose(names)

    def _choose(self, names):
        lines = (self.inputs / "parallel_schedule").read_text().splitlines()
        groups = [line.split(":")[1].split() for line in lines if line.startswith("test:")]
        known = [test for group in groups for test in group]
        unknown = [name for name in names if name not in known]
        expect(not unknown, f"there are no tests {unknown}")
        wanted = [*BASE, *names] if names else known
        groups = [[test for test in group if test in wanted] for group in groups]
        groups = [group for group in groups if group]
        self.schedule.write_text("".join(f"test: {' '.join(group)}\n" for group in groups))
        return [test for group in groups for test in group]

    def _command(self, port):
        return [
            PG_REGRESS,
            f"--inputdir={self.inputs}",
            f"--outputdir={self.outputs}",
            f"--bindir={BINARIES}",
            f"--dlpath={self.inputs}",
            "--max-concurrent-tests=20",
            f"--schedule={self.schedule}",
            "--host=127.0.0.1",
            f"--port={port}",
            "--user=postgres",
        ]

    def _run(self, start, port, keep, left=None):
        shutil.rmtree(self.outputs, ignore_errors=True)
        # The server writes here too, as another user.
        for folder in (self.outputs, self.outputs / "results", self.outputs / "testtablespace"):
            folder.mkdir()
            folder.chmod(0o777)
        for path in _server_files(left) if left else []:
            shutil.copy(left / path, self.outputs / path)
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self.outputs)}
        done = start(self._command(port), environment)
        shutil.rmtree(keep, ignore_errors=True)
        shutil.copytree(self.outputs, keep)
        server = pwd.getpwnam("postgres").pw_uid
        files = [path for path in self.outputs.rglob("*") if path.is_file()]
        files = [path.relative_to(self.outputs) for path in files if path.stat().st_uid == server]
        (keep / "server_files").write_text("".join(f"{path}\n" for path in files))
        (keep / "stdout").write_bytes(done.stdout)
        (keep / "stderr").write_bytes(done.stderr)
        return done

    def direct(self, port, keep):
        """Runs the tests without mockproxy; what they wrote stays in `keep`."""
        return self._run(lambda *what: run(*what, timeout=SECONDS), port, keep)

    def record(self, path, port, keep):
        """The same recorded, with the check that what is stored is what passed."""
        return self._run(
            lambda *what: record(path, *what, ["--verify"], timeout=SECONDS), port, keep
        )

    def replay(self, path, port, keep, left):
        """Replays it. What the server itself wrote into files (lo_export(), COPY TO) is no part of a
        conversation, and some of it the client reads: from the recorded run, kept in `left`."""
        return self._run(lambda *what: replay(path, *what, timeout=SECONDS), port, keep, left)

    def verdicts(self, keep):
        """What pg_regress itself said of each test: ok, FAILED, or None."""
        text = (keep / "stdout").read_text(errors="replace")
        said = dict(re.findall(r"^(?:test| {4}) +([\w.]+) +\.\.\. (ok|FAILED)", text, re.M))
        return {test: said.get(test) for test in self.tests}

    def differing(self, left, right, differences=None):
        """The tests whose outputs differ in two kept runs; how goes to a folder."""
        if differences:
            shutil.rmtree(differences, ignore_errors=True)
            differences.mkdir()
        found = []
        for test in self.tests:
            texts = [_output(keep, test) for keep in (left, right)]
            if texts[0] == texts[1]:
                continue
            found.append(test)
            if differences:
                lines = difflib.unified_diff(*texts, left.name, right.name)
                (differences / f"{test}.diff").write_text("".join(lines), errors="replace")
        return found


def _server_files(keep):
    return (keep / "server_files").read_text().splitlines()


def _output(keep, test):
    path = keep / "results" / f"{test}.out"
    text = path.read_text(errors="backslashreplace") if path.exists() else "(no output)\n"
    return text.splitlines(keepends=True)


def problems(path):
    """What should not be in a recording of the suite, which replicates nothing."""
    if not pathlib.Path(path).exists():
        return ["there is no recording"]
    found = [
        f"connection {row} is opaque: {why}"
        for row, why in query(path, "select id, opaque from connection where opaque is not null")
    ]
    unfinished = "select id, substr(sql, 1, 100) from queries where duration_ms is null"
    found += [f"exchange {row} has no end: {sql}" for row, sql in query(path, unfinished)]
    lacking = query(path, f"select count(*) from exchange where flags & {NOT_STORED}")[0][0]
    if lacking:
        found.append(f"{lacking} exchanges are not stored whole")
    if not is_complete(path):
        found.append("the recording is incomplete")
    return found


def verified(done):
    """How many exchanges encode back to the bytes that passed, and of how many."""
    said = re.search(r"verified: (\d+) of (\d+) exchanges", done.errors())
    if not said:
        raise Failure(f"nothing was verified: {done.errors()[-2000:]}")
    return int(said.group(1)), int(said.group(2))
