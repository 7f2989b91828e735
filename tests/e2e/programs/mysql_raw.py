# SPDX-License-Identifier: Apache-2.0
"""The least of MySQL's protocol, for programs that need gigabytes, or commands that drivers do not
have."""
import contextlib
import os
import socket
import struct

MOST = 0xFFFFFF  # bytes of one packet; what is longer goes on in the next
LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, SECURE = 1, 8, 1 << 9, 1 << 15
MULTI_STATEMENTS, MULTI_RESULTS, PLUGIN_AUTH = 1 << 16, 1 << 17, 1 << 19
CAPABILITIES = (
    LONG_PASSWORD
    | CONNECT_WITH_DB
    | PROTOCOL_41
    | SECURE
    | MULTI_STATEMENTS
    | MULTI_RESULTS
    | PLUGIN_AUTH
)
MORE_RESULTS = 8


class Peer:
    """A connection of a user without a password."""

    def __init__(self):
        where = (os.environ["MYSQL_HOST"], int(os.environ["MYSQL_TCP_PORT"]))
        self.socket = socket.create_connection(where)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", 1 << 20)
        self._sequence = 0
        self.number = 0  # of the session, as the greeting tells it
        self._log_in()

    def close(self):
        with contextlib.suppress(OSError):  # it may have been ended from there
            self.send(b"\x01")
        self.socket.close()

    def _log_in(self):
        greeting = self.packet()
        if greeting[:1] != b"\n":
            raise ConnectionError(f"no greeting: {greeting!r}")
        self.number = struct.unpack_from("<I", greeting, greeting.index(b"\0") + 1)[0]
        user, database = (os.environ[name].encode() for name in ("MYSQL_USER", "MYSQL_DATABASE"))
        plugin = greeting.rstrip(b"\0").rpartition(b"\0")[2]
        self._write(
            struct.pack("<IIB23x", CAPABILITIES, 1 << 30, 45)
            + user
            + b"\0\0"
            + database
            + b"\0"
            + plugin
            + b"\0"
        )
        while (answer := self.packet())[:1] != b"\0":
            if answer[:1] == b"\xff":
                raise ConnectionError(f"not logged in: {answer!r}")
            if answer[:1] == b"\xfe":  # another way to log in: no password there either
                self._write(b"")

    def _write(self, payload):
        """One message, whose last packet is shorter than the most."""
        view = memoryview(payload)
        while True:
            part, view = view[:MOST], view[MOST:]
            header = struct.pack("<I", len(part))[:3] + bytes([self._sequence % 256])
            if len(part) < 4096:  # as drivers do
                self.socket.sendall(header + bytes(part))
            else:
                self.socket.sendall(header)
                self.socket.sendall(part)
            self._sequence += 1
            if len(part) < MOST:
                return

    def send(self, payload):
        """A command."""
        self._sequence = 0
        self._write(payload)

    def parts(self):
        """The pieces of the next message."""
        while True:
            header = self.file.read(4)
            if len(header) < 4:
                raise ConnectionError("the connection ended")
            size = int.from_bytes(header[:3], "little")
            if header[3] != self._sequence % 256:
                raise ConnectionError(f"packet {header[3]} instead of {self._sequence % 256}")
            self._sequence += 1
            yield self.file.read(size)
            if size < MOST:
                return

    def packet(self):
        return b"".join(self.parts())

    def answer(self, see=lambda part: None):
        """Reads all results of a command: the last packet. `see` is given every piece of them."""
        while True:
            last = self._result(see)
            if last[:1] == b"\xff":
                return last
            if last[:1] == b"\0":
                status = after_numbers(last)
            else:
                status = struct.unpack_from("<H", last, 3)[0]
            if not status & MORE_RESULTS:
                return last

    def _result(self, see):
        first = self.packet()
        see(first)
        if first[:1] in b"\0\xff":
            return first
        for _ in range(2):  # the columns, and the rows
            while True:
                last = b""
                for part in self.parts():
                    see(part)
                    last = part if not last else b"more"
                if last[:1] == b"\xff" or (last[:1] == b"\xfe" and len(last) < 9):
                    break
            if last[:1] == b"\xff":
                break
        return last


def after_numbers(packet):
    """The status flags of an OK, behind two numbers of which each says its length."""
    at = 1
    for _ in range(2):
        at += {0xFC: 3, 0xFD: 4, 0xFE: 9}.get(packet[at], 1)
    return struct.unpack_from("<H", packet, at)[0]
