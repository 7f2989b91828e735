# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's protocol by hand, for what no driver says or shows: the order of messages, requests
in odd places, how a connection ends. Logs in as a user that needs no password."""
import os
import select
import socket
import struct

SSL_REQUEST, CANCEL_REQUEST = 80877103, 80877102
V3 = 196608


def text(*strings):
    return b"".join(s.encode() + b"\0" for s in strings)


class Wire:
    """One connection; every message that comes is (type, body)."""

    def __init__(self, database=None, user="app_trust", version=V3, login=True, **parameters):
        self.socket = socket.create_connection((os.environ["PGHOST"], int(os.environ["PGPORT"])))
        self.buffer = b""
        self.backend = (0, 0)
        if login:
            self.start(database or os.environ["PGDATABASE"], user, version, parameters)

    def start(self, database, user, version=V3, parameters=None):
        """Sends the startup message and reads up to the first ReadyForQuery."""
        pairs = {"user": user, "database": database} | (parameters or {})
        words = [word for pair in pairs.items() for word in pair]
        self.send_raw(struct.pack(">I", version) + text(*words) + b"\0")
        messages = self.until("Z")
        for kind, body in messages:
            if kind == "K":
                self.backend = (struct.unpack(">I", body[:4])[0], body[4:])
        return messages

    def send_raw(self, body):
        self.socket.sendall(struct.pack(">I", len(body) + 4) + body)

    def send(self, *messages):
        """Each is a type with a body, as one write."""
        self.socket.sendall(
            b"".join(kind.encode() + struct.pack(">I", len(b) + 4) + b for kind, b in messages)
        )

    def _whole(self):
        if len(self.buffer) < 5:
            return False
        return len(self.buffer) >= 1 + struct.unpack(">I", self.buffer[1:5])[0]

    def next(self, timeout=30):
        """The next message; how the connection ended: ("closed", b"") or ("reset", b"")."""
        while not self._whole():
            if not select.select([self.socket], [], [], timeout)[0]:
                return "silent", b""
            try:
                received = self.socket.recv(65536)
            except ConnectionResetError:
                return "reset", b""
            if not received:
                return "closed", self.buffer
            self.buffer += received
        size = 1 + struct.unpack(">I", self.buffer[1:5])[0]
        message, self.buffer = self.buffer[:size], self.buffer[size:]
        return chr(message[0]), message[5:]

    def until(self, *kinds, timeout=30):
        """Messages up to the first of one of these types, or the connection's end."""
        messages = []
        while not messages or messages[-1][0] not in (*kinds, "closed", "reset", "silent"):
            messages.append(self.next(timeout))
        return messages

    def query(self, sql):
        self.send(("Q", text(sql)))
        return self.until("Z")

    def close(self):
        try:
            self.send(("X", b""))
        except OSError:
            pass
        self.socket.close()


def parse(sql, name="", types=()):
    return "P", text(name, sql) + struct.pack(f">H{len(types)}I", len(types), *types)


def bind(values=(), portal="", name="", form=0):
    body = text(portal, name) + struct.pack(">HH", 0, len(values))
    for value in values:
        body += struct.pack(">i", len(value)) + value.encode()
    return "B", body + struct.pack(">HH", 1, form)


def execute(limit=0, portal=""):
    return "E", text(portal) + struct.pack(">I", limit)


SYNC = ("S", b"")


def fields(body):
    """Of an error or a notice, what does not depend on the server's sources."""
    found = {part[:1]: part[1:].decode() for part in body.split(b"\0") if part}
    return " ".join(found[key] for key in (b"S", b"C", b"M", b"D") if key in found)


def show(messages):
    """One line: types, with what is in them."""
    shown = []
    for kind, body in messages:
        if kind in "EN":
            shown.append(f"{kind}({fields(body)})")
        elif kind == "C":
            shown.append(f"C({body[:-1].decode()})")
        elif kind == "Z":
            shown.append(f"Z({body.decode()})")
        elif kind == "A":
            channel, payload = body[4:-1].split(b"\0")
            shown.append(f"A({channel.decode()}, {payload.decode()})")
        elif kind == "S":
            shown.append("S(" + "=".join(body[:-1].decode().split("\0")) + ")")
        elif kind in "DV":
            shown.append(f"{kind}({body.hex()})")
        else:
            shown.append(kind)
    return " ".join(shown)
