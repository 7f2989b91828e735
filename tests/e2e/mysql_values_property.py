#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Values of every type against a real MariaDB and a real MySQL: what came in one form and is asked for in the other must be
what the server itself gives there, or be refused where its text does not tell.

  mysql_values_property.py [--seed N] [--count N] [--seconds N] [CASE...]

The seed is printed, so that a failure can be repeated. A case is one type at one server; with --seconds all of them are done
again and again for so long, each time with other columns.
"""
import json
import os
import struct
import sys
import time

from harness import PROGRAMS, Failure, Suite, expect
from mysql import KINDS, WITHOUT_PASSWORD, Server
from random_values import RandomValues, convert, read_options, spell

sys.path.insert(0, str(PROGRAMS))
import mysql_raw  # pylint: disable=wrong-import-position

PREPARE, EXECUTE, CLOSE = b"\x16", b"\x17\0", b"\x19"
FLOAT, DOUBLE, YEAR = 4, 5, 13
DATES, TIME = (7, 10, 12, 14), 11
SIZES = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 8: 8, 9: 4, 13: 2}
ZEROFILL, DECIMALS_FREE = 0x40, 31
COLUMNS = 2  # of a case
ENOTSUP = "error 95"
OUT_OF_RANGE = (1264, 1690)

BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
NUMBERS = ["0", "-0.0", "1", "-1", "0.5", "-0.5", "1e15", "1e14", "123456789012345", "999999999999999", "1e-15", "1e-14", "1e-16",
           "1e23", "9007199254740993", "0.1", "0.3", "1e22", "-1e15", "5e-324", "2.2250738585072014e-308", "1.7976931348623157e308",
           "3.4028234e38", "1.1754943e-38", "1e-45", "16777216", "16777217", "999999.5", "99999.95", "0.000001", "0.125", "0.375",
           "1234565", "123456.5", "0.99375", "1e5", "1e6", "1e7", "4503599627370496.5", "123456789012345680"]
DATE_TEXTS = ["0000-00-00", "2020-00-00", "2020-01-00", "0000-01-01", "0001-01-01", "9999-12-31", "1000-01-01", "1970-01-01",
              "2000-02-29", "0000-00-01"]
TIME_TEXTS = ["00:00:00", "-00:00:00.000001", "838:59:59", "-838:59:59", "838:59:58.999999", "24:00:00", "23:59:59.999999",
              "-00:00:01", "-24:00:00.5", "99:59:59", "100:00:00", "00:00:00.1"]
WORDS = ["", " ", "a", "NULL", "null", '"', "\\", "'", "%", "ü€", "\t", "\n", "a b", "0", "x\0y", "\x1a", "😀", "ß", "0x41", "`"]
CHARSETS = ["utf8mb4", "latin1", "gbk", "ucs2", "utf16", "sjis", "binary"]
SHAPES = ["point(1, 2)", "linestring(point(0, 0), point(1.5, -2))", "st_geomfromtext('POLYGON((0 0,1 0,1 1,0 0))')",
          "st_geomfromtext('MULTIPOINT((0 0),(1 1))')", "st_geomfromtext('GEOMETRYCOLLECTION(POINT(1 1))')"]

SAME = ["v", "coalesce(v, v)", "if(id % 3, v, null)", "(select t.v)"]
NUMERIC = ["min(v)", "concat(v)", "v + 0", "v / 3", "v * 0.5", "avg(v)", "sum(v / 16)", "round(v, 1)", "truncate(v, 2)", "floor(v)",
           "abs(v / 2)", "v % 7", "cast(v as char)", "cast(v as decimal(40, 8))", "v > 0", "greatest(v, 1)",
           "if(id % 2, v, 1.5)", "if(id % 2, v, 'x')", "v * 1e0", "cast(v / 4 as signed)", "sqrt(abs(v))", "std(v / 1e9)",
           "coalesce(v, 1.25e0)"]
TEMPORAL = ["min(v)", "concat(v)", "date(v)", "time(v)", "timestamp(v)", "year(v)", "v + interval 1 second", "v - interval 1 day",
            "v + interval 0.25 second_microsecond", "cast(v as datetime(3))", "cast(v as time(2))", "cast(v as date)", "v + 0",
            "cast(v as char)", "last_day(v)", "timediff(v, v)", "addtime(v, '01:00:00.5')", "greatest(v, v)", "to_days(v)",
            "time_to_sec(v)", "sec_to_time(time_to_sec(v) / 7)", "maketime(id, 1, 2.25)", "makedate(2000 + id, id + 1)",
            "date_format(v, '%d.%m.%Y %f')", "microsecond(v)", "convert_tz(v, '+00:00', '+05:30')", "timestamp(v, '01:02:03.4')",
            "str_to_date(concat('1,5,2013 ', id % 24), '%d,%m,%Y %H')", "from_unixtime(id * 1000.5)",
            "str_to_date(concat(id, ' 10:11:12.25'), '%j %H:%i:%s.%f')",
            "str_to_date('2020-01-02 10:11:12.5', concat('%Y-%m-%d %H:%i:%s.', '%f'))",
            "sec_to_time(concat(id % 3, '.25'))", "timestamp(concat('2020-01-02 10:11:12.', id))", "maketime(id % 3, 2, concat(id, '.5'))",
            "timediff(concat('10:00:00.', id), '01:00:00')",
            "from_unixtime(concat(id, if(id % 2, '', '.5')))", "cast(concat(v) as time(6))"]
TEXTUAL = ["min(v)", "concat(v)", "upper(v)", "hex(v)", "concat(v, 'x')", "cast(v as binary)", "length(v)", "left(v, 2)", "v = 'a'",
           "group_concat(v)", "convert(v using utf8mb4)", "to_base64(v)", "sha2(v, 256)", "v + 0"]


class Peer(mysql_raw.Peer):
    """Asks for columns of values in either form: their definitions, and the rows."""

    def _packets(self):
        """Up to an EOF."""
        while not ((packet := self._good())[:1] == b"\xfe" and len(packet) < 9):
            yield packet

    def _good(self):
        packet = self.packet()
        if packet[:1] == b"\xff":
            raise Refused(struct.unpack_from("<H", packet, 1)[0], packet[9:].decode(errors="replace"))
        return packet

    def command(self, sql):
        self.send(b"\x03" + sql.encode())
        self._good()

    def _result(self, read_row):
        self._good()
        definitions = list(self._packets())
        return definitions, [read_row(packet, definitions) for packet in self._packets()]

    def text(self, sql):
        self.send(b"\x03" + sql.encode())
        return self._result(read_text_row)

    def binary(self, sql):
        self.send(PREPARE + sql.encode())
        number, columns, parameters = struct.unpack_from("<IHH", self._good(), 1)
        for n in (parameters, columns):
            if n:
                list(self._packets())
        try:
            self.send(EXECUTE[:1] + struct.pack("<IBI", number, 0, 1))
            return self._result(read_binary_row)
        finally:
            self.send(CLOSE + struct.pack("<I", number))


class Refused(Exception):
    """The server's error."""

    def __init__(self, code, message):
        super().__init__(f"{code} {message}")
        self.code = code


def read_lenenc(packet, at):
    """Bytes behind their length, and where they end."""
    size, start = packet[at], at + 1
    if size > 0xFA:
        width = {0xFC: 2, 0xFD: 3, 0xFE: 8}[size]
        size, start = int.from_bytes(packet[start : start + width], "little"), start + width
    expect(start + size <= len(packet), "a value beyond its row")
    return packet[start : start + size], start + size


def read_text_row(packet, definitions):
    at, values = 0, []
    for _ in definitions:
        if packet[at] == 0xFB:
            value, at = None, at + 1
        else:
            value, at = read_lenenc(packet, at)
        values.append(value)
    expect(at == len(packet), "bytes behind a row")
    return values


def read_binary_row(packet, definitions):
    nulls, at, values = packet[1:], 1 + (len(definitions) + 9) // 8, []
    for i, definition in enumerate(definitions):
        if nulls[(i + 2) // 8] >> (i + 2) % 8 & 1:
            value = None
        elif size := SIZES.get(type_of(definition)):
            value, at = packet[at : at + size], at + size
        else:
            value, at = read_lenenc(packet, at)
        values.append(value)
    expect(at == len(packet), "bytes behind a row")
    return values


# The end of a definition: type, flags, decimals, two bytes of nothing.


def type_of(definition):
    return definition[-6]


def flags_of(definition):
    return int.from_bytes(definition[-5:-3], "little")


def decimals_of(definition):
    return definition[-3]


class Values(RandomValues):
    """Random columns, and literals for them. Modes are off in which a server refuses a literal that does not fit."""

    def whole(self, bits):
        edges = [0, 1, (1 << bits) - 1, 1 << (bits - 1), (1 << (bits - 1)) - 1]
        value = self.random.choice(edges) if self.random.random() < 0.2 else self.number(bits)
        return f"{self.random.choice(['', '-'])}{value}"

    def real(self):
        kind = self.random.random()
        if kind < 0.25:
            return self.random.choice(NUMBERS)
        if kind < 0.5:
            return f"{self.random.choice(['', '-'])}{self.digits(6)}.{self.digits(4)}"
        if kind < 0.6:
            return repr(2.0 ** self.random.randint(-149, 127))
        if kind < 0.7:
            return f"{self.digits(8)}e{self.random.randint(-45, 30)}"
        if kind < 0.85:
            value = struct.unpack(">f", self.random.randbytes(4))[0]
        else:
            value = struct.unpack(">d", self.random.randbytes(8))[0]
        return repr(value) if abs(value) < float("inf") else "1"

    def exact(self):
        return f"{self.random.choice(['', '-'])}{self.digits(40)}.{self.digits(30)}"

    def date(self):
        if self.random.random() < 0.2:
            return self.random.choice(DATE_TEXTS)
        year = self.random.choice([self.random.randint(1970, 2037), self.random.randint(1, 9999)])
        return f"{year:04}-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02}"

    def fraction(self):
        return self.random.choice(["", "", f".{self.random.randint(0, 999999):06}", ".5", ".000001", ".999999"])

    def clock(self, hours=23):
        if self.random.random() < 0.2:
            return "00:00:00"
        return f"{self.random.randint(0, hours):02}:{self.random.randint(0, 59):02}:{self.random.randint(0, 59):02}{self.fraction()}"

    def moment(self):
        return f"{self.date()} {self.clock()}"

    def time(self):
        if self.random.random() < 0.3:
            return self.random.choice(TIME_TEXTS)
        return f"{self.random.choice(['', '-'])}{self.clock(self.random.choice([23, 838]))}"

    def string(self):
        text = "".join(self.random.choice(WORDS) for _ in range(self.random.randint(0, 4)))
        return text * 100 if self.random.random() < 0.03 else text

    def quoted(self, text):
        return "_utf8mb4 0x" + text.encode().hex() if text else "''"

    def octets(self, most):
        return "0x" + self.random.randbytes(self.random.randint(1, most)).hex()

    def document(self):
        leaf = self.random.choice([None, True, self.number(64), -self.number(63), float(self.digits(5)) / 8, self.string(), 1e300])
        return self.random.choice([leaf, [leaf, []], {self.string(): leaf, "": {}}, {"k": [leaf, {"l": leaf}]}])

    # Columns: a definition, literals, and expressions besides the value itself

    def attributes(self, choices=("", " unsigned", " zerofill")):
        return self.random.choice(choices)

    def column_integer(self, name):
        width = f"({self.random.randint(1, 60)})" if self.random.random() < 0.5 else ""
        return f"{name}{width}{self.attributes()}", lambda: self.whole(BITS[name]), NUMERIC

    def column_decimal(self):
        scale = self.random.randint(0, 30)
        precision = self.random.randint(max(scale, 1), 65)
        return f"decimal({precision},{scale}){self.attributes()}", self.exact, NUMERIC

    def column_real(self, name, fixed):
        if fixed:
            scale = self.random.randint(0, 30)
            name += f"({self.random.randint(max(scale, 1), 60)},{scale})"
        return f"{name}{self.attributes()}", self.real, NUMERIC

    def column_bit(self):
        bits = self.random.randint(1, 64)
        return f"bit({bits})", lambda: str(self.number(bits)), ["v + 0", "hex(v)", "~v", "v | 1"]

    def column_date(self):
        return "date", lambda: f"'{self.date()}'", TEMPORAL

    def column_moment(self, name):
        literal = lambda: f"'{self.moment()}'"
        return f"{name}({self.random.randint(0, 6)}) null", literal, TEMPORAL

    def column_time(self):
        return f"time({self.random.randint(0, 6)})", lambda: f"'{self.time()}'", TEMPORAL

    def column_year(self):
        return "year", lambda: self.random.choice(["0", "'0'", "2155", "1901", str(self.random.randint(1901, 2155))]), NUMERIC

    def column_string(self, name):
        charset = self.random.choice(CHARSETS)
        sized = f"{name}({self.random.randint(1, 60)})" if name in ("char", "varchar") else name
        return f"{sized} character set {charset}", lambda: self.quoted(self.string()), TEXTUAL

    def column_octets(self, name):
        sized = f"{name}({self.random.randint(1, 60)})" if name in ("binary", "varbinary") else name
        return sized, lambda: self.octets(self.random.choice([10, 255])), TEXTUAL

    def column_enum(self):
        return "enum('', 'a', 'ü', 'b,c')", lambda: str(self.random.randint(1, 4)), ["v + 0", "upper(v)"]

    def column_set(self):
        return "set('a', 'ü', 'b c', '')", lambda: str(self.random.randint(0, 15)), ["v + 0", "upper(v)"]

    def column_json(self):
        literal = lambda: self.quoted(json.dumps(self.document()))
        return "json", literal, ["json_extract(v, '$[0]')", "json_object('v', v)", "json_unquote(v)", "json_type(v)"]

    def column_geometry(self):
        return "geometry", lambda: self.random.choice(SHAPES), ["st_astext(v)", "st_dimension(v)", "st_isempty(v)"]

    def column_vector(self):
        n = self.random.randint(1, 20)

        def literal():
            return "0x" + b"".join(struct.pack("<f", self.random.uniform(-9, 9)) for _ in range(n)).hex()

        return f"vector({n})", literal, ["vector_to_string(v)"]

    def column_address(self, name):
        texts = {"inet4": ["0.0.0.0", "1.2.3.4"], "inet6": ["::", "::1", "2001:db8::1.2.3.4"],
                 "uuid": ["00000000-0000-0000-0000-000000000000", "123e4567-e89b-12d3-a456-426655440000"]}
        return name, lambda: f"'{self.random.choice(texts[name])}'", ["cast(v as char)", "hex(v)"]

    def cases(self, kind):
        """What makes a column of each type that this server has."""
        cases = {name: (self.column_integer, name) for name in BITS}
        cases |= {name: (self.column_real, name, False) for name in ("float", "double")}
        cases |= {f"{name}(m,d)": (self.column_real, name, True) for name in ("float", "double")}
        cases |= {name: (self.column_moment, name) for name in ("datetime", "timestamp")}
        cases |= {name: (self.column_string, name) for name in ("char", "varchar", "tinytext", "text", "mediumtext", "longtext")}
        cases |= {name: (self.column_octets, name) for name in ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")}
        for name in ("decimal", "bit", "date", "time", "year", "enum", "set", "json", "geometry"):
            cases[name] = (getattr(self, f"column_{name}"),)
        if kind == "mysql":
            cases["vector"] = (self.column_vector,)
        else:
            cases |= {name: (self.column_address, name) for name in ("inet4", "inet6", "uuid")}
        return cases


def told(definition, as_text):
    """The text that the binary form tells: MariaDB computes negative zeros of time, and has no sign for them there."""
    if type_of(definition) == TIME and as_text[:1] == b"-" and not as_text.strip(b"-0:."):
        return as_text[1:]
    return as_text


def may_be_refused(way, definition):
    """Where the other form cannot be known; values.h says so."""
    kind = type_of(definition)
    if way == "t b":
        return kind == FLOAT or (kind == DOUBLE and decimals_of(definition) < DECIMALS_FREE)
    return kind == YEAR and not flags_of(definition) & ZEROFILL


def connect(server):
    """The peer looks for its server where programs do; the harness must not."""
    before = dict(os.environ)
    os.environ.update(server.environment(server.create_database("property", schema=False), WITHOUT_PASSWORD))
    peer = Peer()
    os.environ.clear()
    os.environ.update(before)
    return peer


class Check:
    """One server's answers, and what the converter makes of them."""

    def __init__(self, kind, values, count):
        self.kind = kind
        self.values = values
        self.count = count
        self.converted = self.refused = self.impossible = 0
        self.peer = None

    def run(self, function, *arguments):
        """A case; the first one starts the server."""
        if not self.peer:
            self.peer = connect(Server(self.kind))
            self.peer.command("set sql_mode = '', group_concat_max_len = 10000")
        function(*arguments)

    def ask(self, sql):
        """A column in both forms: (definition, values) of text and of binary. None: a computed value is out of its range."""
        forms = []
        for way in (self.peer.text, self.peer.binary):
            try:
                definitions, rows = way(sql)
            except Refused as error:
                if error.code not in OUT_OF_RANGE:
                    raise Failure(f"{sql}: {error}") from None
                self.impossible += 1
                return None
            forms.append((definitions[-1], [row[-1] for row in rows]))
        return forms

    def compare(self, what, text, binary):
        """Recorded in each form and asked in each form, every value is the server's."""
        questions = []
        expect(len(text[1]) == len(binary[1]), f"{what}: not as many rows in both forms")
        for as_text, as_binary in zip(text[1], binary[1]):
            expect((as_text is None) == (as_binary is None), f"{what}: null in one form only")
            if as_text is not None:
                questions += [("t b", text[0], as_text, as_binary), ("b t", binary[0], as_binary, told(binary[0], as_text)),
                              ("b b", binary[0], as_binary, as_binary), ("t t", text[0], as_text, as_text)]
        lines = [f"{way} {definition.hex()} {spell(value)}" for way, definition, value, _ in questions]
        answers = convert("mysql_values_check", lines)
        wrong = []
        for (way, definition, value, wanted), answer in zip(questions, answers):
            if answer == ENOTSUP and may_be_refused(way, definition):
                self.refused += 1
            elif answer != spell(wanted):
                wrong.append(f"{way} {definition[-13:].hex()} {value[:100]} gives {read(answer)}\n    not {wanted[:100]}")
        self.converted += len(lines)
        return [f"{what}: {len(wrong)} of {len(lines)} wrong\n  " + "\n  ".join(wrong[:3])] if wrong else []

    def unsigned(self):
        """A number to cast. MariaDB takes one of up to 10 digits for 32 bits, and sends no more of it in binary."""
        while 1 << 32 <= abs(int(number := self.values.whole(64))) < 10**10:
            pass
        return number

    def literals(self):
        """Values that are in no table."""
        values, wrong = self.values, []
        makes = [values.real, values.exact, lambda: values.whole(64), lambda: values.octets(9), lambda: values.quoted(values.string()),
                 lambda: f"time '{values.time()}'", lambda: f"date '{values.date()}'", lambda: f"timestamp '{values.moment()}'",
                 lambda: f"cast('{values.time()}' as time({values.random.randint(0, 6)}))", lambda: "null", lambda: "1 = 1",
                 lambda: f"cast({self.unsigned()} as unsigned)", lambda: f"cast({values.real()} as double)",
                 lambda: f"{values.exact()} / {values.real()}", lambda: f"-({values.exact()})", lambda: f"{values.digits(9)} / 7",
                 lambda: f"pow({values.digits(2)}, {values.digits(2)}.5)", lambda: f"@a := {values.real()}", lambda: "pi()"]
        for make in makes:
            for _ in range(self.count // 4):
                literal = make()
                forms = self.ask(f"select {literal}")
                if forms:
                    wrong += self.compare(literal, *forms)
        expect(not wrong, "\n".join(wrong[:8]))

    def case(self, make, *arguments):
        for _ in range(COLUMNS):
            self.column(*make(*arguments))

    def column(self, column, literal, expressions):
        rows = ", ".join(f"({i}, {literal() if i % 16 else 'null'})" for i in range(1, self.count + 1))
        self.peer.command("drop table if exists t")
        self.peer.command(f"create table t (id int primary key, v {column})")
        self.peer.command(f"insert into t values {rows}")
        wrong = []
        for expression in SAME + expressions:
            group = " group by id" if "(v" in expression else ""
            forms = self.ask(f"select {expression} from t{group} order by id")
            if forms:
                wrong += self.compare(f"{expression} of {column}", *forms)
        expect(not wrong, "\n".join(wrong[:8]))


def read(answer):
    return answer if answer.startswith("error") else bytes.fromhex(answer.replace("-", ""))[:100]


def main():
    options = read_options(40, "rows of each column", ("--seconds", "go on with other columns for so long"))
    suite = Suite()
    values = Values(options.seed)
    checks = [Check(kind, values, options.count) for kind in KINDS]
    end = time.monotonic() + options.seconds
    while True:
        for check in checks:
            for name, column in values.cases(check.kind).items():
                suite.run(f"{check.kind} {name}", check.run, check.case, *column)
            suite.run(f"{check.kind} literals", check.run, check.literals)
        if time.monotonic() >= end:
            break
    for check in checks:
        print(f"{check.kind}: {check.converted} conversions, {check.refused} refused where a text does not tell,"
              f" {check.impossible} columns out of the range of what is computed")
    suite.finish()


main()
