#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks what a JSON list says, [method, url, headers, body] each, over one connection for each server: http_questions.py FILE.
Prints a line of JSON for each response: status, body, X-Mockproxy-Miss. A last line says how many connections it took."""
import http.client
import json
import sys
import urllib.parse

connections = {}
opened = 0


class Connection(http.client.HTTPConnection):
    def connect(self):
        global opened  # pylint: disable=global-statement
        opened += 1
        super().connect()


for method, url, headers, body in json.load(open(sys.argv[1], encoding="utf-8")):
    parts = urllib.parse.urlsplit(url)
    if parts.netloc not in connections:
        connections[parts.netloc] = Connection(parts.netloc, timeout=30)
    connection = connections[parts.netloc]
    connection.putrequest(method, parts._replace(scheme="", netloc="").geturl(),
                          skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    data = body.encode()
    if data:
        connection.putheader("Content-Length", len(data))
    connection.endheaders(data or None)
    response = connection.getresponse()
    answer = response.read().decode("latin-1")
    print(json.dumps([response.status, answer, response.headers["X-Mockproxy-Miss"]]))
print(opened)
