#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A part of PostgreSQL's own regression suite, some of each kind of test: recorded it passes as
without mockproxy, each exchange encodes back to the bytes that passed, and replayed without the
server every output is the same. `make regress` runs all 217 tests."""
import pg_regress
from harness import Suite, expect, expect_equal, expect_refused, folder, need_mockproxy

TESTS = """
boolean text int4 numeric bit uuid interval timestamptz money strings arrays json jsonb
rangetypes copyselect copydml copy2 transactions prepared_xacts temp portals portals_p2 prepare
plancache sequence guc psql psql_crosstab async advisory_lock namespace create_role errors txid
limit largeobject truncate returning domain identity typed_table select_having create_am case union combocid
xmlmap encoding unicode tsrf
""".split()


def recorded(suite, path, server, where):
    done = suite.record(path, server.port, where / "record")
    wrong = [test for test, said in suite.verdicts(where / "record").items() if said != "ok"]
    if wrong:  # the suite may be that of another minor version than the server
        directly = pg_regress.server()
        suite.direct(directly.port, where / "direct")
        directly.stop()
        wrong = suite.differing(where / "direct", where / "record")
    expect(not wrong, f"not as without mockproxy: {wrong}\n{done.errors()[-1000:]}")
    expect_equal(pg_regress.problems(path), [], "problems of the recording")
    equal, checked = pg_regress.verified(done)
    expect_equal(equal, checked, "exchanges that encode back to the bytes that passed")
    expect(checked > 5000, f"only {checked} exchanges were verified")


def replayed(suite, path, server, where):
    done = suite.replay(path, server.port, where / "replay", where / "record")
    differing = suite.differing(where / "record", where / "replay", where / "differences")
    if differing:
        shown = (where / "differences" / f"{differing[0]}.diff").read_text()[:3000]
        expect(False, f"other outputs: {differing}\n{shown}\n{done.errors()[:2000]}")
    expect(" 0 missed" in done.errors(), done.errors()[-1000:])


def main():
    need_mockproxy()
    suite, where = Suite(), folder("regress")
    tests, server = pg_regress.Regression(where, TESTS), pg_regress.server()
    path = where / "suite.db"
    n = len(tests.tests)
    suite.run(f"{n} tests recorded", recorded, tests, path, server, where)
    server.stop()
    expect_refused(server.port)
    suite.run(f"{n} tests replayed", replayed, tests, path, server, where)
    suite.finish()


main()
