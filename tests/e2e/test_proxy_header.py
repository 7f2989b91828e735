#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""PROXY headers, which load balancers say before all else on a connection: they reach the server while recording, are no part of
a request, and replay takes one from whoever says it."""
import os

from drivers import PYTHON
from harness import (
    Skip,
    Suite,
    expect,
    expect_equal,
    folder,
    free_port,
    need_mockproxy,
    record,
    replay,
)
from http_servers import Nginx, make_file, need_curl
from mysql import PASSWORD, Server
from recording import is_complete, query

# Asks MariaDB behind a header of version 1 or 2, or behind none; "dribble" says it byte by byte.
MYSQL = f"""
import socket, sys, time
import pymysql
headers = dict(v1=b'PROXY TCP4 192.0.2.77 127.0.0.1 50000 3306\\r\\n', none=b'',
               v2=b'\\r\\n\\r\\n\\0\\r\\nQUIT\\n\\x21\\x11\\0\\x0c\\xc0\\0\\2\\x4d\\x7f\\0\\0\\1\\xc3\\x50\\x0c\\xea')
for how in sys.argv[2:]:
    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name, _, dribble = how.partition('-')
    header = headers[name]
    for at in range(0, len(header), 1 if dribble else 1000):
        s.sendall(header[at:at + (1 if dribble else 1000)])
    c = pymysql.connect(user='app', password='{PASSWORD}', defer_connect=True)
    c.connect(s)
    q = c.cursor()
    q.execute("select substring_index(user(), '@', -1), %s", ['said ' + name])
    print(how, *q.fetchone(), flush=True)
    c.close()
"""
# An app that is a load balancer and its client.
BALANCER = """
import subprocess, sys, time, urllib.request
balancer = subprocess.Popen(['/usr/sbin/haproxy', '-db', '-f', sys.argv[1]])
try:
    listens = ':%04X 00000000:0000 0A' % int(sys.argv[2])
    while listens not in open('/proc/net/tcp').read():
        assert balancer.poll() is None
        time.sleep(0.01)
    for path in sys.argv[3:]:
        with urllib.request.urlopen('http://127.0.0.1:' + sys.argv[2] + path) as answer:
            print(answer.status, len(answer.read()), flush=True)
finally:
    balancer.terminate()
    balancer.wait()
"""


def with_mariadb():
    server = Server("mariadb", ["--proxy-protocol-networks=*"])
    path = folder("proxy") / "mocks.db"
    every = ("v1", "v2", "none", "v1-dribble", "v2-dribble")
    command = [PYTHON, "-c", MYSQL, server.port, *every]
    recorded = record(path, command)
    recorded.expect(0)
    lines = recorded.stdout.decode().splitlines()
    expect_equal(lines[0], "v1 192.0.2.77 said v1", "whom the server was told of")
    expect_equal([line.split()[1] for line in lines], ["192.0.2.77"] * 2 + ["localhost"] + ["192.0.2.77"] * 2, "the hosts")
    expect(is_complete(path), "the recording is complete")
    expect_equal(query(path, "select distinct protocol, opaque from connection"), [("mysql", None)], "connections")
    server.stop()
    expect_equal(replay(path, command).expect(0).stdout, recorded.stdout, "what replay says")
    others = [PYTHON, "-c", MYSQL, server.port, "v2-dribble"]
    expect_equal(replay(path, others).expect(0).stdout, b"v2-dribble 192.0.2.77 said v2\n", "asked alone")


def with_curl():
    need_curl()
    server = Nginx(listen="proxy_protocol")
    make_file(server.root)
    path = folder("proxy") / "mocks.db"
    url = f"{server.url}/static/tea.txt"
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_download}\\n", "--haproxy-protocol", url]
    recorded = record(path, command)
    recorded.expect(0)
    expect(recorded.stdout.startswith(b"200 "), recorded.stdout)
    expect_equal(query(path, "select url from http"), [(url,)], "what was asked")
    server.stop()
    expect_equal(replay(path, command).expect(0).stdout, recorded.stdout, "what replay says")
    without = [part for part in command if part != "--haproxy-protocol"]
    expect_equal(replay(path, without).expect(0).stdout, recorded.stdout, "without a header")


def with_haproxy(how):
    if not os.path.exists("/usr/sbin/haproxy"):
        raise Skip("haproxy is not installed")
    server = Nginx(listen="proxy_protocol")
    make_file(server.root)
    where = folder("proxy")
    port = free_port()
    (where / "conf").write_text(
        f"""
        defaults
            mode tcp
            timeout connect 60s
            timeout client 60s
            timeout server 60s
        listen balancer
            bind 127.0.0.1:{port}
            server upstream 127.0.0.1:{server.port} {how}
\n"""
    )
    path = where / "mocks.db"
    command = [PYTHON, "-c", BALANCER, where / "conf", port, "/static/tea.txt", "/static/tea.txt"]
    recorded = record(path, command)
    recorded.expect(0)
    expect_equal(query(path, "select count(*) from http where status = 200"), [(2,)], "exchanges")
    server.stop()
    expect_equal(replay(path, command).expect(0).stdout, recorded.stdout, "what replay says")


def main():
    need_mockproxy()
    suite = Suite()
    suite.run("mariadb behind PROXY headers", with_mariadb)
    suite.run("curl --haproxy-protocol", with_curl)
    for how in ("send-proxy", "send-proxy-v2"):
        suite.run(f"haproxy with {how}", with_haproxy, how)
    suite.finish()


if __name__ == "__main__":
    main()
