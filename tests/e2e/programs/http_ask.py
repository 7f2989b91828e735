#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks what is in the file HTTP_REQUESTS (http_requests.tsv): `http_ask.py curl|wget|requests|httpx
POOL SEED NAME=URL...`.

POOL workers, each with connections of its own, share the requests to all servers, in an order that
SEED shuffles (0: as written). The report, sorted, has a line for each: server, request, status, the
headers that matter, size and digest of the decoded body.
"""
import hashlib
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading

SHOWN = (
    "allow",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
    "location",
    "set-cookie",
    "vary",
    "www-authenticate",
    "x-shop",
)


class Request:
    """A line of the file, for one server."""

    def __init__(self, line, server):
        self.name, self.method, path, headers, body, flags = [
            "" if part == "-" else part for part in line.split("\t")
        ]
        self.server, url = server.split("=", 1)
        self.url = url + path
        self.headers = dict(h.split(": ", 1) for h in headers.split("|") if h)
        text, _, times = body.partition("*")
        self.body = (text * int(times or 1)).encode() if body else None
        self.follow, self.expect = "follow" in flags, "expect" in flags


class Answer:
    """Headers are (name, value), in order."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def line(self, request):
        shown = []
        for name in SHOWN + (("content-length",) if request.method == "HEAD" else ()):
            values = [v for n, v in self.headers if n.lower() == name]
            shown += [f"{name}={' & '.join(values)}"] if values else []
        digest = hashlib.sha1(self.body).hexdigest()
        where = f"{request.server} {request.name}:"
        return " ".join([where, str(self.status), *shown, str(len(self.body)), digest])


def last_head(text):
    """Status and headers of the last of some heads."""
    lines = text.split("HTTP/1.")[-1].splitlines()
    headers = [line.strip().split(":", 1) for line in lines[1:] if ":" in line]
    return int(lines[0].split()[1]), [(name, value.strip()) for name, value in headers]


def contents(path):
    """curl and wget make no file for an empty body."""
    return path.read_bytes() if path.exists() else b""


def quoted(text):
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def curl(requests):
    """All in one process: one after the other, with kept connections."""
    with tempfile.TemporaryDirectory() as folder:
        where = pathlib.Path(folder)
        lines = []
        for i, request in enumerate(requests):
            lines += ["next"] if i else []
            lines += ["silent", "show-error", "compressed", "max-time = 60"]
            lines += [f"url = {quoted(request.url)}", f"output = {quoted(where / f'body{i}')}"]
            lines += [f"dump-header = {quoted(where / f'head{i}')}"]
            lines += [f"header = {quoted(f'{n}: {v}')}" for n, v in request.headers.items()]
            lines += ["location"] if request.follow else []
            lines += ['header = "Expect: 100-continue"'] if request.expect else []
            if request.body is not None:
                (where / f"sent{i}").write_bytes(request.body)
                lines += [f"data-binary = {quoted(f'@{where}/sent{i}')}"]
            if request.method == "HEAD":
                lines += ["head"]
            elif request.method not in ("GET", "POST"):
                lines += [f"request = {request.method}"]
        subprocess.run(["curl", "-K", "-"], input="\n".join(lines).encode(), check=True)
        for i, request in enumerate(requests):
            body = b"" if request.method == "HEAD" else contents(where / f"body{i}")
            yield Answer(*last_head((where / f"head{i}").read_text()), body)


def wget(requests):
    """A process for each. It waits for a body behind 304, until the connection is closed."""
    with tempfile.TemporaryDirectory() as folder:
        body, log, sent = (pathlib.Path(folder) / name for name in ("body", "log", "sent"))
        for request in requests:
            body.unlink(missing_ok=True)
            command = ["wget", "--no-config", "-nv", "-S", "-o", log, "-O", body, "--tries=1"]
            command += [
                "--no-http-keep-alive",
                "--content-on-error",
                "--timeout=60",
                f"--method={request.method}",
            ]
            command += [f"--header={name}: {value}" for name, value in request.headers.items()]
            command += [] if request.follow else ["--max-redirect=0"]
            if request.body is not None:
                sent.write_bytes(request.body)
                command += [f"--body-file={sent}"]
            subprocess.run([*command, request.url], check=False)
            yield Answer(*last_head(log.read_text()), contents(body))


def requests(wanted):
    # pylint: disable=import-outside-toplevel,import-error
    from requests import Session

    with Session() as session:
        for request in wanted:
            session.cookies.clear()
            response = session.request(
                request.method,
                request.url,
                headers=request.headers | ({"Expect": "100-continue"} if request.expect else {}),
                data=request.body,
                allow_redirects=request.follow,
                timeout=60,
            )
            yield Answer(response.status_code, response.raw.headers.items(), response.content)


def httpx(wanted):
    # pylint: disable=import-outside-toplevel,import-error
    from httpx import Client

    with Client(timeout=60) as client:
        for request in wanted:
            client.cookies.clear()
            response = client.request(
                request.method,
                request.url,
                headers=request.headers | ({"Expect": "100-continue"} if request.expect else {}),
                content=request.body,
                follow_redirects=request.follow,
            )
            yield Answer(response.status_code, response.headers.multi_items(), response.content)


def main():
    client, pool, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    text = pathlib.Path(os.environ["HTTP_REQUESTS"]).read_text()
    asked = [
        Request(line, server)
        for line in text.splitlines()
        if not line.startswith("#")
        for server in sys.argv[4:]
    ]
    if seed:
        random.Random(seed).shuffle(asked)
    report = []

    def work(share):
        report.extend(a.line(r) for r, a in zip(share, globals()[client](share)))

    threads = [threading.Thread(target=work, args=(asked[i::pool],)) for i in range(pool)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("\n".join(sorted(report)))
    sys.exit(len(report) != len(asked))


main()
