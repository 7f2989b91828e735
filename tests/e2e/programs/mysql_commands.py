#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Commands that drivers do not send any more, or not in this way, and cursors that are fetched in
slices: `mysql_commands.py NAME...` prints every packet that came.
"""
import hashlib
import os
import struct
import sys

import mysql_raw

INIT_DB, FIELD_LIST, STATISTICS, KILL, DEBUG, PING = b"\x02", b"\x04", b"\x09", b"\x0c", b"\x0d", b"\x0e"
BINLOG_DUMP, PREPARE, EXECUTE, CLOSE, RESET_STATEMENT = b"\x12", b"\x16", b"\x17", b"\x19", b"\x1a"
SET_OPTION, FETCH, RESET_CONNECTION = b"\x1b", b"\x1c", b"\x1f"
CURSOR_EXISTS, LAST_ROW_SENT, INDEXES = 0x40, 0x80, 0x30


def say(packet):
    print(packet[:200])


def simple(command):
    """A command with one packet for an answer."""

    def run(peer):
        peer.send(command)
        say(peer.packet())

    return run


def until_end(peer, see=say):
    """Packets up to an EOF or an error: how many there were before, and the status."""
    rows = 0
    while True:
        packet = peer.packet()
        if packet[:1] == b"\xff" or (packet[:1] == b"\xfe" and len(packet) < 9):
            see(packet)
            return rows, struct.unpack_from("<H", packet, 3)[0]
        rows += 1
        see(packet)


def nothing(_):
    """For the descriptions of columns and parameters: a server need not give them twice in the
    same bytes."""


def statistics(peer):
    """Its numbers are up to the moment, also in their length."""
    peer.send(STATISTICS)
    print(sorted(word for word in peer.packet().decode().split() if word.endswith(":")))


def field_list(peer):
    peer.send(FIELD_LIST + b"accounts\0%")
    until_end(peer)


def prepare(peer, text):
    peer.send(PREPARE + text)
    answer = peer.packet()
    if answer[:1] != b"\0":
        raise RuntimeError(answer)
    number, columns, parameters = struct.unpack_from("<IHH", answer, 1)
    for count in (parameters, columns):
        if count:
            until_end(peer, nothing)
    return number


def execute(peer, statement, value, cursor):
    """One integer for a parameter."""
    bound = struct.pack("<BBBBq", 0, 1, 8, 0, value)
    peer.send(EXECUTE + struct.pack("<IBI", statement, cursor, 1) + bound)
    print(peer.packet()[0], "columns")
    return until_end(peer, nothing)[1]


def moments(peer):
    """One moment in a text, and bound in all the lengths that drivers send it in."""
    text = b"select count(*) from items where cast('2024-01-01' as datetime) = %s"
    peer.send(b"\x03" + text % b"'2024-01-01 00:00:00'")
    peer.answer(nothing)
    statement = prepare(peer, text % b"?")
    date = struct.pack("<HBB", 2024, 1, 1)
    for bound in (date, date + bytes(3), date + bytes(7)):
        types = struct.pack("<BBBBB", 0, 1, 12, 0, len(bound))
        peer.send(EXECUTE + struct.pack("<IBI", statement, 0, 1) + types + bound)
        print(peer.packet()[0], "columns")
        until_end(peer, nothing)
        until_end(peer)


def refused_prepare(peer):
    """A text that cannot be prepared, where a backslash is no escape."""
    peer.send(b"\x03set sql_mode = 'NO_BACKSLASH_ESCAPES'")
    peer.answer(nothing)
    for text in (b"select 'a\\b', missing from items", b"select 'c\\', missing from items"):
        peer.send(PREPARE + text)
        say(peer.packet())


def fractions(peer, form):
    """Moments with fractions as a driver writes them: in the text with so many digits, or bound."""
    text = "select count(*) from items where seen = {} and id < 200"
    for microseconds in (89000, 500000, 0, 123456):
        if form == "bound":
            statement = prepare(peer, text.format("?").encode())
            moment = struct.pack("<BHBBBBBI", 11, 2021, 3, 4, 6, 6, 7, microseconds)
            peer.send(EXECUTE + struct.pack("<IBIBBH", statement, 0, 1, 0, 1, 12) + moment)
            peer.packet()
            until_end(peer, nothing)
            rows = []
            until_end(peer, rows.append)
            print(microseconds, rows[0][2])
            continue
        digits = f"{microseconds:06}"
        shortest = digits.rstrip("0")
        digits = shortest if form == "short" else digits[: max(int(form), len(shortest))]
        literal = f"'2021-03-04 06:06:07{'.' * bool(digits)}{digits}'"
        seen = []
        peer.send(b"\x03" + text.format(literal).encode())
        peer.answer(seen.append)
        print(microseconds, int(seen[3][1:]))


def wide(peer):
    """As many columns and parameters as the protocol can count, and more than a table has."""
    many = 65535
    statement = prepare(peer, b"select " + b",".join([b"?"] * many))
    values = bytes((many + 7) // 8) + b"\1" + b"\1\0" * many + bytes(i % 100 for i in range(many))
    peer.send(EXECUTE + struct.pack("<IBI", statement, 0, 1) + values)
    peer.packet()
    print(until_end(peer, nothing)[0], "columns")
    see_rows(peer)
    peer.send(b"\x03select " + b",".join(b"%d" % i for i in range(5000)))
    peer.packet()
    print(until_end(peer, nothing)[0], "columns")
    see_rows(peer)


def see_rows(peer):
    rows = []
    until_end(peer, rows.append)
    print([hashlib.sha256(row).hexdigest() for row in rows])


def cursor(peer):
    statement = prepare(peer, b"select id, name, weight from items where id < ? order by id")
    for value in (12, 4):
        status = execute(peer, statement, value, 1)
        print("a cursor" if status & CURSOR_EXISTS else "no cursor")
        while not status & LAST_ROW_SENT:
            peer.send(FETCH + struct.pack("<II", statement, 5))
            rows, status = until_end(peer)
            print(rows, "rows")
    execute(peer, statement, 30, 1)
    if os.environ["SERVER_KIND"] != "mysql":
        without_cursor(peer, statement)
    execute(peer, statement, 30, 1)
    peer.send(RESET_STATEMENT + struct.pack("<I", statement))
    say(peer.packet())
    peer.send(FETCH + struct.pack("<II", statement, 5))
    print(peer.packet()[:9])  # behind it the statement's number
    peer.send(CLOSE + struct.pack("<I", statement))
    without_index(peer)


def without_cursor(peer, statement):
    """Behind an execution with one that was left. MySQL 9.7 says an OK in the place of the rows' EOF there, and no rows."""
    execute(peer, statement, 3, 0)
    until_end(peer)


def without_index(peer):
    """That no index was used is said where the cursor is opened, and not with its rows."""
    statement = prepare(peer, b"select id from items where length(name) > ?")
    status = execute(peer, statement, 1, 1)
    print("opened", hex(status & INDEXES))
    while not status & LAST_ROW_SENT:
        peer.send(FETCH + struct.pack("<II", statement, 40))
        status = until_end(peer, nothing)[1]
        print("fetched", hex(status & INDEXES))


def pipelined(peer):
    """Several commands before the first answer is read."""
    questions = (b"select 1", b"selec 2", b"select id from items where id < 4")
    for text in questions:
        peer.send(b"\x03" + text)
    for _ in questions:
        peer._sequence = 1  # pylint: disable=protected-access
        say(peer.answer(say))


COMMANDS = {
    "ping": simple(PING),
    "init_db": simple(INIT_DB + b"information_schema"),
    "no_database": simple(INIT_DB + b"missing_database"),
    "kill_nobody": simple(KILL + struct.pack("<I", 999_999_999)),
    "debug": simple(DEBUG),
    "set_option": simple(SET_OPTION + b"\0\0"),
    "reset": simple(RESET_CONNECTION),
    "unknown": simple(b"\x63"),
    "no_statement": simple(EXECUTE + struct.pack("<IBI", 77, 0, 1)),
    "statistics": statistics,
    "field_list": field_list,
    "cursor": cursor,
    "moments": moments,
    "fractions": fractions,
    "refused_prepare": refused_prepare,
    "wide": wide,
    "pipelined": pipelined,
    "binlog_dump": simple(BINLOG_DUMP + struct.pack("<IHI", 4, 0, 99) + b"binlog.000001"),
}


def main():
    for name in sys.argv[1:]:
        name, *more = name.split(":")
        print(name)
        peer = mysql_raw.Peer()
        COMMANDS[name](peer, *more)
        peer.close()


main()
