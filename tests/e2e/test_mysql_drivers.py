#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Programs in the drivers of MySQL and MariaDB: recorded on both servers, then run again from the
file alone with the same output."""
from driver_cases import REPLAYS, record_program, replay_all
from drivers import MYSQL_DRIVERS
from harness import Suite, expect_equal, folder, need_mockproxy
from mysql import KINDS, PASSWORD, Server
from recording import COPY_IN, MERGED, ROW_LIMIT, query

# All of them on MariaDB; what the server changes is seen in one.
SEVERAL = {
    name: REPLAYS[name]
    for name in (
        "replayed",
        "with a pool three times as large",
        "in another order on one connection",
    )
}
# LOCAL INFILE; several statements with a CALL among them; cursors.
FLAGS = COPY_IN | MERGED | ROW_LIMIT
ONE = {"in another order": REPLAYS["in another order"]}


def record_mysql(server, program, path):
    recorded = record_program(server, program, path, (PASSWORD.encode(),), FLAGS)
    expect_equal(query(path, "select distinct protocol from endpoint"), [("mysql",)], "protocol")
    return recorded


def main():
    need_mockproxy()
    suite = Suite()
    where = folder("drivers")
    for kind in KINDS:
        programs = [one for one in MYSQL_DRIVERS if suite.chosen(f"{kind}, {one.name}: recorded")]
        if not programs:
            continue
        server = suite.run(f"{kind} starts", Server, kind)
        if server is None:
            continue
        recorded = {}
        for program in programs:
            name = f"{kind}, {program.name}"
            path = where / f"{kind}-{program.name}.db"
            recorded[name] = suite.run(f"{name}: recorded", record_mysql, server, program, path)
        server.stop()
        replay_all(suite, list(recorded), recorded, SEVERAL if kind == "mariadb" else ONE)
    suite.finish()


main()
