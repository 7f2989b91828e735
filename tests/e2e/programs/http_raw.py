#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What no HTTP library does: http_raw.py PORT CASE. Prints what came back, as it came."""
import socket
import sys

PORT = int(sys.argv[1])
HOST = f"Host: 127.0.0.1:{PORT}\r\n".encode()


def connect():
    connection = socket.create_connection(("127.0.0.1", PORT))
    connection.settimeout(30)
    return connection


def until(connection, end):
    data = b""
    while end not in data:
        more = connection.recv(65536)
        if not more:
            break
        data += more
    return data


def show(data):
    lines = [line for line in data.split(b"\r\n") if not line.lower().startswith(b"date:")]
    sys.stdout.buffer.write(b"\n".join(lines) + b"\n")


def pipelined():
    """Three requests in one write, and the last byte of each body is its own."""
    connection = connect()
    requests = (
        b"".join(b"GET /pipe?n=%d HTTP/1.1\r\n" % i + HOST + b"\r\n" for i in range(3))
        + b"POST /pipe HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 2\r\n\r\nhi"
    )
    connection.sendall(requests)
    show(until(connection, b'"path": "/pipe"}'))


def dribble():
    """One byte after the other."""
    connection = connect()
    for byte in b"GET /dribble HTTP/1.1\r\n" + HOST + b"\r\n":
        connection.sendall(bytes([byte]))
    show(until(connection, b"GET /dribble"))


def leaves():
    """Reads an answer's head and not a byte more, and closes when it is told to: that is a reset."""
    connection = connect()
    connection.sendall(b"GET /leaves HTTP/1.1\r\n" + HOST + b"\r\n")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    print(head.decode().splitlines()[0], flush=True)
    sys.stdin.readline()
    connection.close()
    print("left", flush=True)


def thrice():
    """The same request in three connections. The first one's time counts from when it has asked, so that it always has."""
    for seconds in (0.5, 30, 30):
        connection = connect()
        connection.sendall(b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n")
        connection.settimeout(seconds)
        try:
            data = until(connection, b"\r\n\r\n")
            while len(data.partition(b"\r\n\r\n")[2]) < 4 and (more := connection.recv(4)):
                data += more
            show(data)
        except TimeoutError:
            print("gives up", flush=True)
        connection.close()


def expect():
    """Waits for 100 before it sends the body."""
    connection = connect()
    connection.sendall(
        b"PUT /file HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    )
    show(until(connection, b"\r\n\r\n"))
    connection.sendall(b"data")
    show(until(connection, b"}"))


def chunked():
    connection = connect()
    connection.sendall(b"POST /up HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
    connection.sendall(b"5;a=1\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n")
    show(until(connection, b"}"))


def old():
    """HTTP/1.0, and the end of the body is the end of the connection."""
    connection = connect()
    connection.sendall(b"GET /close HTTP/1.0\r\n\r\n")
    show(until(connection, b"never"))


def upgrade():
    connection = connect()
    connection.sendall(
        b"GET /upgrade HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: echo\r\n\r\n"
    )
    show(until(connection, b"\r\n\r\n"))
    connection.sendall(b"something else")
    show(until(connection, b"else"))


def ambiguous():
    """Two answers to where the body ends: the server's own answer comes back, whatever it is."""
    connection = connect()
    connection.sendall(b"GET /before HTTP/1.1\r\n" + HOST + b"\r\n")
    show(until(connection, b"GET /before"))
    connection.sendall(
        b"POST /smuggle HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    show(until(connection, b"}"))


def behind_close():
    """More than a server reads at once behind a request whose answer closes the connection: the
    answer still arrives."""
    connection = connect()
    first = b"GET /first HTTP/1.1\r\n" + HOST + b"\r\n"
    connection.sendall(first + b"GET /behind HTTP/1.1\r\n" * 20000)
    show(until(connection, b"never"))


def slow():
    """A byte of one request, and then all of another one, until the first is complete."""
    slowly, quickly = connect(), connect()
    for i, byte in enumerate(b"GET /plain?id=slow HTTP/1.1\r\n" + HOST + b"\r\n"):
        slowly.sendall(bytes([byte]))
        quickly.sendall(b"GET /plain?id=%d HTTP/1.1\r\n" % i + HOST + b"\r\n")
        show(until(quickly, b"plain %d\n" % i))
    show(until(slowly, b"plain slow\n"))


def kept():
    """HTTP/1.0 on one connection, as ab -k asks."""
    connection = connect()
    for i in range(3):
        connection.sendall(
            b"GET /plain?id=%d HTTP/1.0\r\nConnection: keep-alive\r\n" % i + HOST + b"\r\n"
        )
        show(until(connection, b"plain %d\n" % i))


def mapped():
    """IPv4 through a socket of IPv6."""
    connection = socket.create_connection(("::ffff:127.0.0.1", PORT))
    connection.sendall(b"GET /plain?id=mapped HTTP/1.1\r\n" + HOST + b"\r\n")
    show(until(connection, b"plain mapped\n"))
    print(connection.getpeername())


globals()[sys.argv[2]]()
