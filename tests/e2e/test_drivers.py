#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Programs in PostgreSQL's drivers: recorded on a real server, then run again from the file alone
with the same output."""
from driver_cases import REPLAYS, record_program, replay_all
from drivers import DRIVERS
from harness import Suite, folder, need_mockproxy
from postgres import PASSWORD, Server
from recording import ABORTED, ROW_LIMIT

SECRETS = (PASSWORD.encode(), b"SCRAM-SHA-256", b"c=biws")
# asyncpg's fetchrow() and pgjdbc's statements without rows ask for one row, and the programs go on
# in a failed transaction to see that they cannot.
FLAGS = ROW_LIMIT | ABORTED


def main():
    need_mockproxy()
    suite = Suite()
    programs = [program for program in DRIVERS if suite.chosen(f"{program.name}: recorded")]
    server, where = Server(), folder("drivers")
    recorded = {}
    for program in programs:
        path = where / f"{program.name}.db"
        recorded[program.name] = suite.run(
            f"{program.name}: recorded", record_program, server, program, path, SECRETS, FLAGS
        )
    server.stop()
    replay_all(suite, list(recorded), recorded, REPLAYS)
    suite.finish()


main()
