# SPDX-License-Identifier: Apache-2.0
"""Sessions that another one kills, or what they do, by the numbers that their greetings told. AFTER: how many seconds what is killed
goes on before. SWAP: the other one of two sessions is killed."""
import os
import select
import socket
import struct
import time

import mysql_raw

QUERY, PROCESS_KILL = b"\3", b"\x0c"
AFTER = float(os.environ.get("AFTER", "0"))
SLEEP = "select sleep(0 + 600)"


class Session(mysql_raw.Peer):
    def begin(self, text):
        self.send(QUERY + text.encode())

    def heard(self, name):
        """Says what the server does."""
        packets = []
        try:
            self.answer(packets.append)
            print(name, packets)
        except (ConnectionError, OSError) as error:
            print(name, packets, type(error).__name__)

    def ask(self, name, text):
        try:
            self.begin(text)
        except OSError as error:
            print(name, type(error).__name__)
            return
        self.heard(name)

    def rows(self, text):
        packets = []
        self.begin(text)
        self.answer(packets.append)
        return packets


def works(killer, victim):
    """Begins what would take long, and waits until it does."""
    victim.begin(SLEEP)
    while b"\x011" not in killer.rows(
        f"select count(*) from information_schema.processlist where id = {victim.number} and info = '{SLEEP}'"
    ):
        time.sleep(0.01)
    time.sleep(AFTER)
    print("silent", not select.select([victim.socket], [], [], 0)[0])


def in_any_order(looks):
    """Of two in a pool one kills what the other one does, whichever it is."""
    pool = [Session(), Session()]
    victim, killer = reversed(pool) if "SWAP" in os.environ else pool
    victim.begin(SLEEP)
    while b"\x011" not in looks.rows(f"select count(*) from information_schema.processlist where info = '{SLEEP}'"):
        time.sleep(0.01)
    # Again where replay was not asked yet what it is to end.
    for _ in range(200):
        answer = killer.rows(f"KILL QUERY {victim.number}")
        if answer[0][:1] != b"\xff":
            break
        time.sleep(0.05)
    print("kill query", answer)
    victim.heard("query")
    victim.close()
    killer.close()


def look():
    """Who only looks has a number too."""
    with socket.create_connection((os.environ["MYSQL_HOST"], int(os.environ["MYSQL_TCP_PORT"]))) as probe:
        probe.recv(5)


def main():
    killer = Session()
    killer.ask("killer", "select 'killer'")
    look()
    victim = Session()
    victim.ask("victim", "select 'victim'")
    killer.ask("kill idle", f"KILL {victim.number}")
    victim.heard("idle")
    victim = Session()
    killer.send(PROCESS_KILL + struct.pack("<I", victim.number))
    killer.heard("process kill")
    victim.close()
    victim = Session()
    killer.ask("kill query, idle", f"KILL QUERY {victim.number}")
    victim.ask("idle", "select 'was idle'")
    works(killer, victim)
    killer.ask("kill query", f"KILL QUERY {victim.number}")
    victim.heard("query")
    victim.ask("goes on", "select 'goes on'")
    works(killer, victim)
    print("numbers", killer.number, victim.number)
    killer.ask("kill connection", f"KILL CONNECTION {victim.number}")
    victim.heard("connection")
    victim = Session()
    killer.ask("variable", f"set @victim = {victim.number}")
    works(killer, victim)
    killer.ask("kill variable", "KILL @victim")
    victim.heard("variable")
    killer.ask("kill gone", "KILL 999999999")
    in_any_order(killer)
    killer.close()


main()
