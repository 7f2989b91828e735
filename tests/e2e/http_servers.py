# SPDX-License-Identifier: Apache-2.0
"""HTTP servers for tests, on free ports of 127.0.0.1: this project's own in Python and in Node,
nginx and Apache. The last three answer the requests of programs/http_requests.tsv alike, and count
them in a log."""
import os
import shutil
import socket
import subprocess

from harness import PROGRAMS, Skip, end_session, folder, free_port, spawn, wait_until

NGINX = "/usr/sbin/nginx"
APACHE = "/usr/sbin/apache2"
APACHE_MODULES = "/usr/lib/apache2/modules"


class OwnServer:
    """programs/http_server.py."""

    def __init__(self):
        command = ["python3", PROGRAMS / "http_server.py", free_port()]
        self.process = spawn(command, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        end_session(self.process)


def start(suite, kind, *arguments):
    """A server of this kind; None where it is not installed, which is counted as a skip."""
    try:
        return kind(*arguments)
    except Skip as reason:

        def skip(why):
            raise why

        suite.run(kind.__name__, skip, reason)
        return None


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def log_lines(path):
    return path.read_text().splitlines() if path.exists() else []


def make_file(where):
    """The static file that all servers have, as old as it always is."""
    path = where / "static" / "tea.txt"
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"line {i} of the file\n" for i in range(100)))
    os.utime(path, (1750000000, 1750000000))
    return path


class NodeServer:
    """programs/http_node_server.js: one port for apps and one for the servers in front of it; one
    of ::1."""

    name = "node"

    def __init__(self):
        if not shutil.which("node"):
            raise Skip("node is not installed")
        where = folder("node")
        self.log = where / "log"
        self.file = make_file(where)
        ports = [free_port(), free_port(), free_port(socket.AF_INET6)]
        command = ["node", PROGRAMS / "http_node_server.js", self.log, self.file, *ports]
        self.process = spawn(command, stdout=subprocess.PIPE)
        self.port, self.inner, self.port6 = map(int, self.process.stdout.readline().split())
        self.url = f"http://127.0.0.1:{self.port}"

    def requests(self, port=None):
        """How many came to the port for apps."""
        return sum(line.startswith(f"{port or self.port} ") for line in log_lines(self.log))

    def stop(self):
        end_session(self.process)


class Nginx:
    """Static files below `root`, in a temporary folder; the rest is asked of `inner`, when there is
    one."""

    name = "nginx"

    def __init__(self, inner=None, listen=""):
        """`listen` is what else nginx' directive of that name says."""
        if not os.path.exists(NGINX):
            raise Skip("nginx is not installed")
        where = folder("nginx")
        self.root = where / "root"
        self.root.mkdir()
        self.log = where / "log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        user = "user root;" if os.geteuid() == 0 else ""
        static = "gzip on; gzip_min_length 1; gzip_types *;"
        if inner:
            make_file(self.root)
            static = f"""
            location /static/ {{ {static} }}
            location / {{
                proxy_pass http://127.0.0.1:{inner};
                proxy_http_version 1.1;
                proxy_buffering off;
                proxy_set_header Host $http_host;
                proxy_set_header Upgrade $websocket;
                proxy_set_header Connection $upgrading;
            }}"""
        (where / "conf").write_text(
            f"""
            daemon off; {user} worker_processes 1; pid {where}/pid; error_log {where}/error;
            events {{ worker_connections 4096; }}
            http {{
                log_format asked "$request_method $request_uri"; access_log {self.log} asked;
                default_type text/plain;
                client_body_temp_path {where}/t1; proxy_temp_path {where}/t2;
                fastcgi_temp_path {where}/t3; uwsgi_temp_path {where}/t4; scgi_temp_path {where}/t5;
                map $http_upgrade $websocket {{ websocket websocket; default ""; }}
                map $http_upgrade $upgrading {{ websocket upgrade; default ""; }}
                server {{ listen 127.0.0.1:{self.port} {listen}; root {self.root}; {static} }}
            }}
            """
        )
        self.process = spawn([NGINX, "-c", where / "conf", "-p", where, "-e", where / "error"])
        wait_until(lambda: listens(self.port), "nginx listens")

    def requests(self):
        return len(log_lines(self.log))

    def stop(self):
        end_session(self.process)


class Apache:
    """Static files, with brotli and gzip; the rest is asked of `inner`."""

    name = "apache"
    MODULES = "mpm_event authz_core mime alias filter deflate brotli proxy proxy_http"

    def __init__(self, inner):
        if not os.path.exists(APACHE):
            raise Skip("apache2-bin is not installed")
        where = folder("apache")
        make_file(where / "root")
        (where / "mime").write_text("text/plain txt\n")
        self.log = where / "log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        modules = "\n".join(
            f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so"
            for name in self.MODULES.split()
        )
        user = "User nobody\nGroup nogroup\n" if os.geteuid() == 0 else ""
        (where / "conf").write_text(
            f"""{modules}\n{user}
ServerName localhost
ServerRoot {where}
DefaultRuntimeDir {where}
PidFile {where}/pid
ErrorLog {where}/error
LogFormat "%m %U%q" asked
CustomLog {self.log} asked
Listen 127.0.0.1:{self.port}
StartServers 1
ServerLimit 1
ThreadLimit 64
ThreadsPerChild 64
MaxRequestWorkers 64
KeepAliveTimeout 60
MaxKeepAliveRequests 0
TypesConfig {where}/mime
DocumentRoot {where}/root
ProxyPass /static/ !
ProxyPass / http://127.0.0.1:{inner}/ flushpackets=on upgrade=websocket
ProxyPreserveHost on
<Location /static/>
	SetOutputFilter BROTLI_COMPRESS;DEFLATE
</Location>
"""
        )
        self.process = spawn([APACHE, "-f", where / "conf", "-D", "FOREGROUND"])
        wait_until(lambda: listens(self.port), "Apache listens")

    def requests(self):
        return len(log_lines(self.log))

    def stop(self):
        end_session(self.process)


def need_curl():
    if not shutil.which("curl"):
        raise Skip("curl is not installed")


class WebSocketServer:
    """programs/websocket_server.js; in an environment where node finds its modules."""

    def __init__(self, environment):
        command = ["node", PROGRAMS / "websocket_server.js", free_port()]
        self.process = spawn(command, stdout=subprocess.PIPE, env=os.environ | environment)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        end_session(self.process)


class TinyProxy:
    """An HTTP proxy that grants CONNECT to `allowed` ports; to all when there are none."""

    def __init__(self, allowed=()):
        if not shutil.which("tinyproxy"):
            raise Skip("tinyproxy is not installed")
        where = folder("tinyproxy")
        self.port = free_port()
        ports = "".join(f"ConnectPort {port}\n" for port in allowed)
        (where / "conf").write_text(
            f"Port {self.port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Error\n"
            f'LogFile "{where}/log"\n{ports}'
        )
        self.process = spawn(["tinyproxy", "-d", "-c", where / "conf"], stdout=subprocess.DEVNULL)
        wait_until(lambda: listens(self.port), "tinyproxy listens")

    def stop(self):
        end_session(self.process)
