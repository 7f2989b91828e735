#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a session knows itself, under names that are others in each run: savepoints, two-phase commit,
settings, failed transactions; and what pools say when a connection comes back to them."""
import os

from pg_wire import SYNC, Wire, bind, execute, parse, show

RUN = f"run{os.getpid():07}"

# Not known before it is executed.
DIVIDE = "select 1 / (n - 1) from generate_series(1, 2) n"


def say(what, messages):
    print(what, show(messages).replace(RUN, "NAME").replace(RUN.encode().hex(), "NAME"))


def extended(wire, *texts):
    for sql in texts:
        wire.send(parse(sql), bind(), ("D", b"P\0"), execute())
    wire.send(SYNC)
    return wire.until("Z")


wire = Wire()
for sql in (
    f"begin; savepoint {RUN}; select 1/0; select 'never'",
    "select 'in a failed transaction'",
    f"rollback to {RUN}",
    f"release {RUN}",
    "select 'goes on'",
    "commit",
    f"begin; savepoint {RUN}_a; savepoint {RUN}_b; rollback to {RUN}_a; release {RUN}_a; commit",
    "begin; select 1/0",
    "commit",
    f"savepoint {RUN}",
    f"release {RUN}",
    f"rollback to {RUN}",
    "commit",
    "begin; begin; rollback; rollback",
    f"begin; prepare transaction '{RUN}'",
    f"commit prepared '{RUN}'",
    f"begin; prepare transaction '{RUN}_2'",
    f"begin; rollback prepared '{RUN}_2'",
    "rollback",
    f"rollback prepared '{RUN}_2'",
    f"begin; commit prepared '{RUN}_2'",
    "rollback",
    "begin; select 1/0",
    f"prepare transaction '{RUN}_3'",
    f"set my.{RUN} = '{RUN} x'",
    f"show my.{RUN}",
    f"set application_name = '{RUN}'",
    "show application_name",
    f"begin; set local application_name = '{RUN}_local'; show application_name; rollback",
    "show application_name",
    "set default_transaction_read_only = on; show default_transaction_read_only",
    "select pg_advisory_unlock_all(); close all; unlisten *; reset all",
    "show application_name",
    "discard all; deallocate all; discard plans; discard sequences; discard temp",
):
    say(sql.replace(RUN, "NAME"), wire.query(sql))
say("extended", extended(wire, f"set my.{RUN} = 'y'", f"show my.{RUN}", "show DateStyle"))
say("extended", extended(wire, "begin", f"savepoint {RUN}", DIVIDE, "select 'skipped'"))
say("extended", extended(wire, f"rollback to {RUN}", "select 'again'", "commit"))
wire.close()
