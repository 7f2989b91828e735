#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sessions that the server ends by itself, and clients that leave before an answer or in its midst. Called with
the names of what to do; a kill comes PAUSE seconds behind what the victim asked last."""
import hashlib
import os
import select
import socket
import sys
import time

from mysql_raw import Peer

PAUSE = float(os.environ.get("PAUSE", "0"))
PING = b"\x0e"
# 80 MB: more than is under way when nobody reads.
ROWS = "select a.id, repeat('x', 8000) from items a, items b, items c order by 1"
LATE = "select 'behind the end'"


def ask(peer, text):
    peer.send(b"\x03" + text.encode())
    return peer.answer()


def value(peer, text):
    """Of one row of one column."""
    seen = []
    peer.send(b"\x03" + text.encode())
    peer.answer(seen.append)
    return seen[3][1:].decode()


def rest(peer):
    """What comes by itself, and how it ends."""
    found = b""
    peer.socket.settimeout(60)
    try:
        while part := peer.file.read1(4096):
            found += part
        how = "closed"
    except ConnectionResetError:
        how = "reset"
    return [found[3], int.from_bytes(found[5:7], "little"), how] if found else [how]


def met(peer, send):
    """Asks of a session that may be over, and takes no part in whether it hears of that by an end or a reset."""
    try:
        send(peer)
        return peer.packet()
    except OSError:  # ConnectionError is one
        return "ended"


def killed():
    """A session that was killed between requests."""
    victim, killer = Peer(), Peer()
    number = value(victim, "select connection_id()")
    time.sleep(PAUSE)
    ask(killer, f"kill {number}")
    killer.close()
    return victim


def idle():
    """Its time is over."""
    peer = Peer()
    ask(peer, "set wait_timeout = 1")
    print("idle", value(peer, "select 'then idle'"), rest(peer))


def between():
    """Killed, and it is heard before anything is asked."""
    victim = killed()
    print("between", rest(victim))


def asked():
    """... and it is asked what another session can answer."""
    victim = killed()
    if PAUSE:
        select.select([victim.socket], [], [], 60)
    print("asked", met(victim, lambda peer: peer.send(b"\x03" + LATE.encode())))
    print("elsewhere", value(Peer(), LATE))


def pinged():
    victim = killed()
    if PAUSE:
        select.select([victim.socket], [], [], 60)
    print("pinged", met(victim, lambda peer: peer.send(PING)))


def prepared():
    victim = killed()
    if PAUSE:
        select.select([victim.socket], [], [], 60)
    print("prepared", met(victim, lambda peer: peer.send(b"\x16select ? + 1")))


def goes_on():
    """Recorded: asked of two sessions, of which one is killed behind it. Replayed: of one."""
    if PAUSE:
        print("goes on", value(Peer(), "select 'more'"))
        killed()
        return
    victim = killed()
    print("goes on", value(victim, "select 'more'"))


def working():
    """Killed while it works."""
    victim, killer = Peer(), Peer()
    number = value(victim, "select connection_id()")
    victim.send(b"\x03select sleep(0 + 60)")
    at_work = f"select count(*) from information_schema.processlist where id = {number} and info is not null"
    while value(killer, at_work) != "1":
        pass
    ask(killer, f"kill {number}")
    print("working", rest(victim)[-1] in ("closed", "reset"))


def leaves():
    """It leaves before the answer, which the server gives while the program goes on."""
    peer = Peer()
    peer.send(b"\x03select sleep(0 + 3)")
    peer.socket.settimeout(0.2)
    try:
        print("leaves", peer.socket.recv(100))
    except socket.timeout:
        print("leaves")
    peer.socket.close()
    peer.file.close()
    print(value(Peer(), "select sleep(0 + 4)"))  # behind it the server has answered


def rows(most=100):
    """It leaves in the midst of the rows; or reads whatever comes."""
    peer = Peer()
    peer.send(b"\x03" + ROWS.encode())
    for _ in range(4):
        peer.packet()
    found = []
    while len(found) < most and (row := peer.packet())[:1] not in b"\xfe\xff":
        found.append(row)
    print("rows", len(found), hashlib.sha256(b"".join(found[:100])).hexdigest())
    if len(found) < most:
        print(row[:1], row[1:3], row[9:])
    peer.socket.close()
    peer.file.close()


def all_rows():
    rows(1 << 30)


def shutdown():
    """The server itself goes: of a session that idles, and of the one that told it."""
    victim, killer = Peer(), Peer()
    value(victim, "select 'then shut down'")
    killer.send(b"\x03shutdown")
    print("shutdown", killer.packet()[:1], rest(killer))
    print("idle", rest(victim))


for name in sys.argv[1:]:
    globals()[name]()
