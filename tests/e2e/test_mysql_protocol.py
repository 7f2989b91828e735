#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is MySQL's own: compressed connections, procedures with several results, cursors, LOCAL
INFILE, CHANGE_USER, and commands that are no queries. Each recorded, and replayed without its
server."""
from drivers import MYSQL_DRIVERS, PYTHON
from harness import (
    PROGRAMS,
    Started,
    Suite,
    expect,
    expect_equal,
    expect_refused,
    folder,
    need_mockproxy,
    record,
    record_command,
    replay,
)
from mysql import KINDS, TREE, WITHOUT_PASSWORD, Server, in_tree
from recording import COPY_IN, ROW_LIMIT, count, expect_count, expect_whole, query

ROWS = PROGRAMS / "mysql_rows.tsv"
NODE = next(program for program in MYSQL_DRIVERS if program.name == "mariadb_js")
COMMANDS = [PYTHON, PROGRAMS / "mysql_commands.py"]
CLI = ["--no-defaults", "--protocol=tcp", "--user=app", "-N", "-B", "--force", "--local-infile=1"]
# Small and large, both ways; what does not get smaller too.
COMPRESSED = ";\n".join(
    (
        "show session status like 'Compression'",
        "select 1",
        "select repeat('abc', 100000)",
        "select name, raw, sha2(name, 512) from items order by id",
        f"select length('{'0123456789' * 5000}')",
        "selec 1",
        "select 'usable'",
    )
)

NODE_RESET = (
    "const e = process.env; require('mariadb').createConnection({ host: e.MYSQL_HOST, port: Number(e.MYSQL_TCP_PORT),\n"
    "  user: e.MYSQL_USER, password: e.MYSQL_PWD, database: e.MYSQL_DATABASE, allowPublicKeyRetrieval: true, connectTimeout: 60000 })\n"
    "  .then(async (c) => { await c.query('set @kept = 1'); console.log(await c.query('select @kept as a'))\n"
    "    await c.reset(); console.log(await c.query('select @kept as b')); await c.ping(); await c.end() })\n"
)


# Prepared by the server: what it says of columns, and that there is no table, comes with the answer to the PREPARE.
PERL_REMADE = r"""
use DBI; my %e = %ENV;
my $d = DBI->connect("DBI:mysql:database=$e{MYSQL_DATABASE};host=$e{MYSQL_HOST};port=$e{MYSQL_TCP_PORT};mysql_server_prepare=1",
	$e{MYSQL_USER}, $e{MYSQL_PWD}, { PrintError => 0, RaiseError => 0 }) or die;
my $round = 0;
for my $columns ("a int", "b varchar(9), c int", "", "a int, b int, c int", "", "d int") {
	$d->do("create table remade ($columns)") if $columns;
	$d->do("insert into remade values (" . join(", ", map { ++$round } split /,/, $columns) . ")") if $columns;
	for my $bound ([], [0]) {
		my $s = $d->prepare("select * from remade" . (@$bound ? " where 1 > ?" : ""));
		print $s && $s->execute(@$bound) ? "@{$s->{NAME}}: " . join("|", map { "@$_" } @{$s->fetchall_arrayref}) : $d->err, "\n";
	}
	$d->do("drop table remade") if $columns;
}
"""


# Warnings of a PREPARE, and those of the execution behind it; which texts have some depends on the server.
PHP_PREPARED_WARNINGS = r"""
mysqli_report(MYSQLI_REPORT_OFF);
$c = new mysqli(getenv('MYSQL_HOST'), getenv('MYSQL_USER'), getenv('MYSQL_PWD'), getenv('MYSQL_DATABASE'),
	(int)getenv('MYSQL_TCP_PORT'));
$warnings = fn() => "{$c->warning_count}: " . json_encode($c->query("show warnings")->fetch_all()) . "\n";
$c->query("set sql_mode = ''");
foreach (["create table years (y year(2))", "create table floats (f float(5, 2))", "select sql_calc_found_rows 'a' + 0",
	  "select 'b' + 0 && 1", "select 1", "insert into years (y) values (99999)"] as $text) {
	$s = $c->prepare($text);
	echo "$text\n", $warnings();
	if ($s) {
		$s->execute();
		$s->store_result();
		echo $warnings();
		$s->close();
	}
}
"""


def mariadb(*options):
    return ["mariadb", *CLI, "--skip-ssl", *options]


def mysql(*options):
    return [
        *in_tree("bin/mysql"),
        *CLI,
        "--ssl-mode=DISABLED",
        "--get-server-public-key",
        f"--plugin-dir={TREE}/usr/lib/mysql/plugin",
        *options,
    ]


def python(text):
    """A program with `c`, a connection of mysqlclient."""
    start = (
        "import os, MySQLdb; e = os.environ\n"
        "who = dict(user=e['MYSQL_USER'], passwd=e['MYSQL_PWD'], db=e['MYSQL_DATABASE'])\n"
        "c = MySQLdb.connect(host=e['MYSQL_HOST'], port=int(e['MYSQL_TCP_PORT']), local_infile=1, **who)\n"
        "def ask(text):\n"
        "    c.query(text)\n"
        "    while True:\n"
        "        r = c.store_result()\n"
        "        print(r.fetch_row(0) if r else c.affected_rows())\n"
        "        if c.next_result() == -1: return\n"
    )
    return [PYTHON, "-c", start + text]


class Case:
    """Something that is recorded, looked at in the file, and replayed."""

    def __init__(self, name, command, check=lambda path: None, user="app", flags=0, replays=()):
        self.name, self.command, self.check, self.user = name, command, check, user
        self.flags = flags
        self.replays = replays or [(command, "replayed")]

    def record(self, server, path):
        environment = server.environment("protocol", self.user, **NODE.environment)
        done = record(path, self.command, environment)
        expect(done.stdout, f"nothing printed: {done.errors()}")
        expect_whole(path)
        self.check(path)
        flagged = query(
            path, "select id, flags from exchange where flags & ~? <> 0 limit 5", self.flags
        )
        expect(not flagged, f"exchanges with flags: {flagged}")
        return done

    def replay(self, server, path, command, recorded):
        done = replay(path, command, server.environment("protocol", self.user, **NODE.environment))
        expect_equal(done.stdout, recorded.stdout, f"the output differs\n{done.errors()[-3000:]}")
        expect_equal(done.status, recorded.status, f"exit status\n{done.errors()[-3000:]}")


def compression(kind):
    """zlib by both clients, zstd by MySQL's to its own server; replayed in the same way and in
    others."""
    ways = {
        "mariadb, zlib": mariadb("--compress", "-e", COMPRESSED, "protocol"),
        "mysql, zlib": mysql("--compression-algorithms=zlib", "-e", COMPRESSED, "protocol"),
    }
    if kind == "mysql":
        ways["mysql, zstd"] = mysql("--compression-algorithms=zstd", "-e", COMPRESSED, "protocol")
    plain = {
        "mariadb, not compressed": mariadb("-e", COMPRESSED, "protocol"),
        "mysql, not compressed": mysql("-e", COMPRESSED, "protocol"),
    }
    for name, command in ways.items():
        others = {**ways, **plain}
        replays = [(other, f"replayed by {what}") for what, other in others.items()]
        yield Case(f"compressed connection, {name}", command, check_compressed, replays=replays)


def check_compressed(path):
    expect_count(path, "select repeat(%", 1)
    expect_count(path, "select length(%", 1)


def check_infile(path):
    found = query(
        path,
        "select flags & ? <> 0, ended, length(digest), parameters like '%/mysql_rows.tsv%'"
        " from queries join exchange using (id) join copy on exchange = id"
        " where sql like 'load data%' order by id",
        COPY_IN,
    )
    expect_equal(found[0], (1, "done", 16, 1), "LOCAL INFILE, its flag and what it is known by")


# Data that a program writes to a file of another name each time, as RMySQL's dbWriteTable() does.
LOADS = """
import tempfile
def load(text):
    with tempfile.NamedTemporaryFile() as file:
        file.write(text)
        file.flush()
        c.query(f"load data local infile '{file.name}' into table loaded (id, name) set file = 'loads'")
        return c.info()
one, two = b"1\\tone\\n" * 50000, b"2\\ttwo\\n3\\tthree\\n"
"""


def check_moments(path):
    found = query(
        path,
        "select count(*), count(distinct exact_hash), min(q.parameters), max(q.parameters)"
        " from queries q join exchange using (id) where sql like 'select count%'",
    )
    value = '["2024-01-01","2024-01-01 00:00:00"]'
    expect_equal(found, [(4, 1, value, value)], "a moment in each form")


def check_not_there(path):
    found = query(path, "select count(*) from connection where outcome like 'upstream: %'")
    expect_equal(found, [(1,)], "connections that came to nobody")


def check_procedure(path):
    expect_equal(count(path, "call three_sets%"), 2, "one exchange for each call")


def check_change_user(path):
    """Both users' statements are there; the change itself is no exchange."""
    expect_count(path, "select current_user%", 3)
    expect_equal(count(path, "%change_user%"), 0, "change_user is no exchange")


def commands(kind):
    """Each command of mysql_commands.py; some are gone from MySQL's server, which says so."""
    names = ["ping", "init_db", "no_database", "kill_nobody", "set_option", "reset", "unknown"]
    names += ["no_statement", "statistics", "debug", "field_list", "cursor", "pipelined", "refused_prepare"]
    if kind == "mysql":
        names.remove("field_list")  # gone since version 9
    for name in names:
        yield Case(f"command {name}", [*COMMANDS, name], user=WITHOUT_PASSWORD, flags=ROW_LIMIT)


def about_the_last(order):
    """Statements whose text does not say which one they are about."""
    return python(
        "said = {}\n"
        "def rows(text): c.query(text); return c.store_result().fetch_row(0)\n"
        f"for i in {order}:\n"
        "    rows(f'select sql_calc_found_rows {i} union select 10 union select {i % 2} limit 1')\n"
        "    said[i] = [rows('select found_rows()')]\n"
        "    rows(f'select cast(\"x{i}\" as signed)')\n"
        "    said[i] += rows('show warnings')\n"
        "    rows(f'select cast(\"y{i}\" as signed)')\n"
        "    said[i] += rows('show warnings'), rows('show count(*) warnings')\n"
        "print(sorted(said.items()))\n"
    )


def elsewhere(databases):
    """Statements that say in which database they mean, with these default databases in turn."""
    return python(
        "def rows(text):\n"
        "    c.query(text)\n"
        "    found = c.store_result()\n"
        "    return found.fetch_row(0) if found else c.affected_rows()\n"
        "asked = ['select `id`, name from `protocol`.`items` where id < 4 order by id',\n"
        "    'select count(*), max(i.id) from protocol.items i join protocol.loaded using (id)',\n"
        "    'insert into protocol.written (worker, n) values (\\'elsewhere\\', 1)',\n"
        "    'show create table protocol.items', 'show full columns from protocol.items',\n"
        "    'show full tables from protocol', 'show function status where db = \\'protocol\\'']\n"
        f"for text, database in zip(asked, {databases}):\n"
        "    c.select_db(database)\n"
        "    print(rows(text))\n"
    )


def cases(kind):
    yield from compression(kind)
    yield from commands(kind)
    yield Case(
        "a procedure with three results",
        python("ask('call three_sets(3)'); ask('call three_sets(2)'); ask('select 1')\n"),
        check_procedure,
    )
    yield Case(
        "LOCAL INFILE",
        mariadb(
            "-e",
            f"load data local infile '{ROWS}' into table loaded character set utf8mb4 (id, name) set file = 'protocol';"
            "select id, hex(name) from loaded where file = 'protocol' order by id;"
            "load data local infile '/nonexistent' into table loaded;"
            "select 'usable'",
            "protocol",
        ),
        flags=COPY_IN,
    )
    yield Case(
        "LOCAL INFILE of files with other names",
        python(LOADS + "print(load(one), load(two))\n"),
        flags=COPY_IN,
        replays=[
            (python(LOADS + "print(load(one), load(two))\n"), "replayed"),
            (python(LOADS + "last = load(two); print(load(one), last)\n"), "in another order"),
        ],
    )
    yield Case(
        "several statements with LOCAL INFILE",
        python(
            LOADS + "c.set_server_option(0)\n"
            "with tempfile.NamedTemporaryFile() as file:\n"
            "    file.write(two); file.flush()\n"
            "    load = f\"load data local infile '{file.name}' into table loaded (id, name)\"\n"
            "    ask(f\"select 1; {load} set file = 'a'; {load} set file = 'b'; select 2\")\n"
        ),
        flags=COPY_IN,
    )
    yield Case("65,535 columns", [*COMMANDS, "wide"], user=WITHOUT_PASSWORD)
    yield Case("one moment in several forms", [*COMMANDS, "moments"], check_moments, WITHOUT_PASSWORD)
    forms = {form: [*COMMANDS, f"fractions:{form}"] for form in ("bound", "3", "6", "short")}
    for form, command in forms.items():
        yield Case(
            f"fractions of seconds, {form}",
            command,
            user=WITHOUT_PASSWORD,
            replays=[(other, f"replayed as {what}") for what, other in forms.items()],
        )
    yield Case(
        "CHANGE_USER",
        python(
            "ask('set @kept = 1'); ask('select current_user(), @kept')\n"
            f"c.change_user('{WITHOUT_PASSWORD}', '', 'information_schema')\n"
            "ask('select current_user(), @kept, database()')\n"
            "c.change_user(who['user'], who['passwd'], who['db'])\n"
            "ask('select current_user(), database()'); ask('select count(*) from items')\n"
        ),
        check_change_user,
    )
    yield Case(
        "two connections that ask the same in turns",
        python(
            "d = MySQLdb.connect(host=e['MYSQL_HOST'], port=int(e['MYSQL_TCP_PORT']), **who)\n"
            "c.autocommit(True); d.autocommit(True)\n"
            "ask('create table turns (id int)')\n"
            "for i in range(60):\n"
            "    for one in (c, d, d, c):\n"
            "        one.query('insert into turns values (1)')\n"
            "        one.query('select count(*) from turns')\n"
            "        print(one.store_result().fetch_row(0))\n"
        ),
    )
    yield Case(
        "what is about the statement before",
        about_the_last([0, 1, 2, 3]),
        replays=[
            (about_the_last([0, 1, 2, 3]), "replayed"),
            (about_the_last([3, 1, 1, 2, 0]), "in another order"),
        ],
    )
    here, there = ["protocol"] * 7, ["mysql", "information_schema"] * 4
    yield Case(
        "another default database",
        elsewhere(here),
        replays=[(elsewhere(here), "replayed"), (elsewhere(there), "where it is another one")],
    )
    yield Case(
        "a procedure with a cursor of its own",
        python("ask('call walks()'); ask('select 1')\n"),
    )
    yield Case(
        "several results that fill more than one item",
        python("ask('call many_sets(2000)'); ask('select 1')\n"),
    )
    yield Case(
        "a table that is made anew, prepared each time",
        ["perl", "-e", PERL_REMADE],
    )
    yield Case(
        "a server that is not there",
        python(
            "ask('select 1')\n"
            "try: MySQLdb.connect(host=e['MYSQL_HOST'], port=1, connect_timeout=60)\n"
            "except MySQLdb.OperationalError as error: print(type(error))\n"
        ),
        check_not_there,
    )
    yield Case("warnings of what is prepared", ["php", "-r", PHP_PREPARED_WARNINGS])
    yield Case(
        "a client that is reset by its pool",
        ["node", "-e", NODE_RESET],
    )


def binlog_refused(server, path):
    """No replication from a recording: an error that says so, and no silence."""
    environment = server.environment("protocol", WITHOUT_PASSWORD)
    done = replay(path, [*COMMANDS, "binlog_dump"], environment)
    expect(done.stdout.startswith(b"binlog_dump\nb'\\xff"), f"no error: {done.stdout}")


def silent(server, path):
    """Nobody knows the port, and the client waits: the server's greeting comes at once, and is
    heard."""
    program = (
        "import os, socket, sys\n"
        "s = socket.create_connection((os.environ['MYSQL_HOST'], int(os.environ['MYSQL_TCP_PORT'])))\n"
        "print(s.recv(5)[4], flush=True)\n"
        "sys.stdin.readline()\n"
    )
    started = Started(record_command(path, [PYTHON, "-c", program]), server.environment())
    expect_equal(started.line(), "10", "the version of the protocol in the greeting")
    started.say("")
    started.finish().expect(0)


def run_kind(suite, kind):
    server, where = Server(kind), folder("protocol")
    server.create_database("protocol")
    recorded = []
    for number, case in enumerate(cases(kind)):
        path = where / f"{number}.db"
        done = suite.run(f"{kind}, {case.name}: recorded", case.record, server, path)
        if done:
            recorded.append((case, path, done))
    suite.run(f"{kind}, a silent client on a port of its own", silent, server, where / "silent.db")
    server.stop()
    expect_refused(server.port)
    for case, path, done in recorded:
        for command, what in case.replays:
            suite.run(f"{kind}, {case.name}: {what}", case.replay, server, path, command, done)
    if recorded:
        path = recorded[0][1]
        suite.run(f"{kind}, BINLOG_DUMP is refused in replay", binlog_refused, server, path)


def main():
    need_mockproxy()
    suite = Suite()
    for program in MYSQL_DRIVERS:
        if program.name in ("mariadb_cli", "mysql_cli", "mysqlclient", "mariadb_js"):
            program.prepare()
    for kind in KINDS:
        run_kind(suite, kind)
    suite.finish()


main()
