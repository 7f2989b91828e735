#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of everything in turn: the app is not harmed while recording, nothing gets out in
replay, the file is valid."""
import signal

from drivers import PYTHON
from harness import (
    PROGRAMS,
    Listener,
    Started,
    Suite,
    alive,
    expect,
    expect_equal,
    folder,
    kill,
    need_mockproxy,
    pause,
    record,
    record_command,
    replay,
    replay_command,
    wait_dead,
    wait_until,
)
from postgres import Server
from recording import is_complete, query

APP = [PYTHON, PROGRAMS / "interactive.py"]


class Kills:
    """The cases, on one server."""

    def __init__(self):
        self.server = Server()
        self.where = folder("kills")
        self.environment = self.server.environment(self.server.create_database("kills"))

    def start_recording(self, name):
        """An app with a connection and an answer behind it."""
        self.path = self.where / f"{name}.db"
        started = Started(record_command(self.path, APP), self.environment)
        expect_equal(started.ask("open"), "opened", "the app")
        expect_equal(started.ask("sql select 'first'"), '[["first"]]', "the app")
        return started

    def expect_incomplete(self):
        """FILE or FILE.partial is a valid database that says that it is incomplete."""
        partial = self.path.with_name(self.path.name + ".partial")
        path = self.path if self.path.exists() else partial
        expect(path.exists(), f"neither {self.path.name} nor its .partial is there")
        expect_equal(query(path, "pragma integrity_check"), [("ok",)], "integrity_check")
        expect(not is_complete(path), "it says that it is complete")
        return path

    # While recording ----------------------------------------------------------------------------

    def guard_while_recording(self):
        started = self.start_recording("guard")
        app, proxy = started.app, started.proxy
        kill(started.guard)
        started.process.wait()
        expect_equal(started.ask("open second"), "opened", "a connection made after the kill")
        expect_equal(started.ask("sql @second select 'directly'"), '[["directly"]]', "its answer")
        expect_equal(
            started.ask("sql select 'still'"), '[["still"]]', "the connection made before the kill"
        )
        started.say("exit 0")
        wait_dead(app, "the app")
        wait_dead(proxy, "the proxy, which has nothing left to do")
        started.end()
        self.expect_incomplete()

    def proxy_while_recording(self):
        started = self.start_recording("proxy")
        proxy = started.proxy
        kill(proxy)
        started.wait_message("the proxy ended")
        expect(
            "error" in started.ask("sql select 'cut'"), "the connection through the proxy lives on"
        )
        expect_equal(started.ask("open"), "opened", "a connection made after the kill")
        expect_equal(started.ask("sql select 'directly'"), '[["directly"]]', "its answer")
        started.say("exit 0")
        done = started.finish()
        expect(done.status != 0, "exit status 0, though the recording is incomplete")
        path = self.expect_incomplete()
        found = query(path, "select count(*) from queries where sql = 'select ''first'''")
        expect(found[0][0] <= 1, "twice")

    def connect_before_the_guard_knows(self):
        """The proxy is gone, and who would detach is stopped: the kernel side itself lets go."""
        started = self.start_recording("before")
        proxy = started.proxy
        pause(started.guard)
        kill(proxy)
        wait_dead(proxy, "the proxy")
        expect_equal(started.ask("open second"), "opened", "a connection made meanwhile")
        expect_equal(started.ask("sql @second select 'open'"), '[["open"]]', "its answer")
        kill(started.guard, signal.SIGCONT)
        started.wait_message("the proxy ended")
        expect_equal(started.ask("sql @second select 'after'"), '[["after"]]', "after detaching")
        started.say("exit 0")
        started.finish()
        self.expect_incomplete()

    def connects_while_the_proxy_dies(self):
        """What is under way then may fail, but it does not wait for somebody who is gone."""
        path = self.where / "dying.db"
        program = (
            "import os, socket, sys\n"
            "address = (os.environ['PGHOST'], int(os.environ['PGPORT']))\n"
            "print('ready', flush=True)\n"
            "reached = 0\n"
            "while reached < 50:\n"
            "    try:\n"
            "        with socket.create_connection(address, timeout=20) as s:\n"
            "            s.sendall(bytes.fromhex('0000000804d2162f'))\n"
            "            answer = s.recv(1)\n"
            "    except socket.timeout:\n"
            "        print('hangs', flush=True)\n"
            "        break\n"
            "    except OSError:\n"
            "        continue\n"
            "    reached += answer == b'N' and os.path.exists(sys.argv[1])\n"
            "print('reached', reached)\n"
        )
        flag = self.where / "killed"
        started = Started(record_command(path, [PYTHON, "-c", program, flag]), self.environment)
        expect_equal(started.line(), "ready", "the app")
        kill(started.proxy)
        flag.touch()
        expect_equal(started.line(), "reached 50", "the app, after the proxy's death")
        started.finish()

    def app_status(self):
        started = self.start_recording("status")
        started.say("exit 7")
        started.finish().expect(7)
        expect(is_complete(self.path), "incomplete")

    def app_while_recording(self):
        started = self.start_recording("app")
        started.ask("begin select pg_sleep(50)")
        wait_until(lambda: self.server.running("pg_sleep(50)"), "the server runs it")
        kill(started.app)
        started.finish().expect(128 + signal.SIGKILL)
        expect_equal(
            query(self.path, "select sql from queries where duration_ms is not null"),
            [("select 'first'",)],
            "finished exchanges",
        )
        expect_equal(
            query(self.path, "select sql from queries where duration_ms is null"),
            [("select pg_sleep(50)",)],
            "unfinished exchanges",
        )

    def server_while_recording(self):
        started = self.start_recording("server")
        started.ask("begin select pg_sleep(60)")
        wait_until(lambda: self.server.running("pg_sleep(60)"), "the server runs it")
        self.server.kill()
        answer = started.ask("wait")
        expect(answer.startswith("error"), f"the app was told {answer}")
        started.say("exit 0")
        done = started.finish()
        expect(done.status in (0, 3), f"exit status {done.status}: {done.errors()}")
        self.server.start()
        expect_equal(
            query(self.path, "select count(*) from queries where sql = 'select pg_sleep(60)'"),
            [(1,)],
            "the query",
        )

    def repeated_recorder(self):
        """What a killed recorder left is named; another file can be recorded meanwhile."""
        started = self.start_recording("left")
        kill(started.proxy)
        kill(started.guard)
        started.end()
        partial = self.path.with_name(self.path.name + ".partial")
        expect(partial.exists(), "no .partial is left")
        record(self.path, ["echo", "ran"], self.environment).expect(125).says(".partial")
        record(self.where / "next.db", ["psql", "-X", "-c", "select 1"], self.environment).expect(0)
        replay(partial, ["echo", "ran"], self.environment).expect(125).says("partial")
        done = replay(partial, ["echo", "ran"], self.environment, ["--allow-partial"])
        expect_equal(done.stdout, b"ran\n", f"--allow-partial: {done.errors()}")

    # In replay ----------------------------------------------------------------------------------

    def start_replay(self, outside):
        path = self.where / "replayed.db"
        if not path.exists():
            record(path, [PYTHON, PROGRAMS / "interactive.py"], self.environment).expect(0)
        started = Started(replay_command(path, APP), self.environment)
        expect_equal(started.ask(f"knock 127.0.0.1 {outside.port}"), "knocking", "the app")
        return started

    def killed_in_replay(self, who):
        outside = Listener()
        started = self.start_replay(outside)
        app, proxy, guard = started.app, started.proxy, started.guard
        kill(proxy if who == "proxy" else guard)
        wait_dead(app, "the app")
        wait_dead(proxy, "the proxy")
        if who == "proxy":
            done = started.finish()
            expect(done.status != 0, "exit status 0")
            done.says("proxy")
        else:
            started.process.wait()
        outside.expect_nobody()

    def both_in_replay(self):
        """The proxy is gone and the guard cannot act yet: the app lives on and gets nowhere."""
        outside = Listener()
        started = self.start_replay(outside)
        app, proxy, guard = started.app, started.proxy, started.guard
        pause(guard)
        kill(proxy)
        wait_dead(proxy, "the proxy")
        expect(alive(app), "the app ended before its guard could know")
        outside.expect_nobody()
        kill(guard, signal.SIGCONT)
        wait_dead(app, "the app")
        started.finish()


def main():
    need_mockproxy()
    suite = Suite()
    kills = Kills()
    suite.run("recording: the app's exit status", kills.app_status)
    suite.run("recording: kill -9 of the guard", kills.guard_while_recording)
    suite.run("recording: kill -9 of the proxy", kills.proxy_while_recording)
    suite.run(
        "recording: proxy killed while the guard is stopped: connects go directly",
        kills.connect_before_the_guard_knows,
    )
    suite.run("recording: connects while the proxy dies", kills.connects_while_the_proxy_dies)
    suite.run("recording: kill -9 of the app during a query", kills.app_while_recording)
    suite.run("recording: kill -9 of the server during a query", kills.server_while_recording)
    suite.run("what a killed recorder left is named", kills.repeated_recorder)
    suite.run(
        "replay: kill -9 of the guard: the app ends, nothing gets out",
        kills.killed_in_replay,
        "guard",
    )
    suite.run(
        "replay: kill -9 of the proxy: the app ends, nothing gets out",
        kills.killed_in_replay,
        "proxy",
    )
    suite.run(
        "replay: proxy killed while the guard is stopped: nothing gets out", kills.both_in_replay
    )
    suite.finish()


main()
