# SPDX-License-Identifier: Apache-2.0
"""HTTP servers for tests, on free ports of 127.0.0.1: this project's own, and nginx."""
import os
import shutil
import socket
import subprocess

from harness import PROGRAMS, Skip, end_session, folder, free_port, spawn, wait_until

NGINX = "/usr/sbin/nginx"


class OwnServer:
    """programs/http_server.py."""

    def __init__(self):
        self.process = spawn(["python3", PROGRAMS / "http_server.py"], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        end_session(self.process)


class Nginx:
    """Static files below `root`, in a temporary folder."""

    def __init__(self):
        if not os.path.exists(NGINX):
            raise Skip("nginx is not installed")
        where = folder("nginx")
        self.root = where / "root"
        self.root.mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        user = "user root;" if os.geteuid() == 0 else ""
        (where / "conf").write_text(
            f"daemon off; {user} worker_processes 1; pid {where}/pid; error_log {where}/error;\n"
            "events { worker_connections 4096; }\n"
            f"http {{ access_log off; default_type text/plain; gzip on; gzip_min_length 1;\n"
            f"client_body_temp_path {where}/t1; proxy_temp_path {where}/t2;\n"
            f"fastcgi_temp_path {where}/t3; uwsgi_temp_path {where}/t4; scgi_temp_path {where}/t5;\n"
            f"server {{ listen 127.0.0.1:{self.port}; root {self.root}; gzip_types *; }} }}\n"
        )
        self.process = spawn([NGINX, "-c", where / "conf", "-p", where, "-e", where / "error"])
        wait_until(self._listens, "nginx listens")

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        end_session(self.process)


def need_curl():
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
