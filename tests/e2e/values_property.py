#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Values of every convertible type against a real PostgreSQL: its binary form must become its text form, and back.

  values_property.py [--seed N] [--count N] [CASE...]

The seed is printed, so that a failure can be repeated. One case for each type.
"""
import datetime
import ipaddress
import itertools
import struct

import psycopg

from harness import Suite, expect
from postgres import Server
from random_values import RandomValues, convert, read_options, spell

SETTINGS = """set DateStyle = 'ISO'; set TimeZone = 'UTC'; set IntervalStyle = 'postgres';
set extra_float_digits = 1; set bytea_output = 'hex'; set client_encoding = 'UTF8';"""
WORDS = ["", " ", "a", "NULL", "null", "nul", '"', "\\", "{", "}", "a,b", "a;b", "ü€", "\t", "\n", "a b", "'", "(x]", "\\x", '""', "\\\\"]
FIXED = {
    "bool": ["t", "f"],
    "int2": ["0", "1", "-1", "32767", "-32768"],
    "int4": ["0", "1", "-1", "2147483647", "-2147483648"],
    "int8": ["0", "1", "-1", "9223372036854775807", "-9223372036854775808"],
    "oid": ["0", "4294967295"], "xid": ["0", "4294967295"], "cid": ["0", "4294967295"],
    "xid8": ["0", "18446744073709551615"],
    "float4": ["0", "-0", "1", "NaN", "Infinity", "-Infinity", "1e6", "999999", "1e5", "1e-4", "1e-5", "0.00012345", "3.4028235e38",
               "1e-45", "1.1754944e-38", "1.1754942e-38", "16777216", "33554432", "8388608", "1.5e-45", "9e-44", "1e10", "1e20"],
    "float8": ["0", "-0", "1", "NaN", "Infinity", "-Infinity", "1e14", "1e15", "999999999999999", "1e20", "1e22", "1e23", "-1e23",
               "1e-4", "1e-5", "0.1", "0.3", "5e-324", "1e-323", "9.5e-323", "2.2250738585072014e-308", "2.225073858507201e-308",
               "1.7976931348623157e308", "9007199254740992", "9007199254740993", "4503599627370496.5", "5.684341886080802e-14",
               "123456789012345680", "2e-308", "4.35e17", "8.41e21", "9.5367431640625e-07"],
    '"char"': ["", "a", " ", "\x7f", '"', "\\"],
    "json": ["null", "1", '{"a": [1, 2]}', '  {"b" :1, "b": 2}', '"ü"'],
    "jsonb": ["null", "1", '{"a":[1,2]}', '"\\u00fc"', "1e3", '""', "{}", "[]"],
    "jsonpath": ["$", "$.a[*] ? (@ > 1)", "strict $.a", '$."a b"'],
    "xml": ["", "<a/>", "text", "<?xml version='1.0'?><a/>", "<?xml version='1.0' encoding='UTF-8'?><a>ü</a>",
            "<?xml version='1.1' standalone='yes'?><a/>"],
    "numeric": ["0", "0.0", "0.00000", "-0", "1", "-1", "1.0", "1.10", "10000", "9999", "10000.0001", "0.0001", "0.00010", "0.00001",
                "1e5", "1e-5", "1.5e3", "1.5e-3", "NaN", "Infinity", "-Infinity", "1e1000", "1e-1000", "9" * 500 + "." + "9" * 500,
                "1e131071", "-" + "9" * 131072, "1e-16383", "0." + "0" * 16382 + "1", "0." + "0" * 16383, "1000000000000.0000",
                "99999999", "100000000"],
    "date": ["2000-01-01", "1999-12-31", "1970-01-01", "0001-01-01", "0001-12-31 BC", "0001-02-29 BC", "4714-11-24 BC", "5874897-12-31",
             "10000-01-01", "infinity", "-infinity", "2000-02-29", "1900-02-28", "2100-03-01", "0044-03-15 BC", "9999-12-31"],
    "time": ["00:00:00", "24:00:00", "23:59:59.999999", "12:34:56.7", "00:00:00.000001", "12:00:00.100000"],
    "timetz": ["00:00:00+00", "24:00:00-15:59:59", "23:59:59.999999+15:59:59", "12:34:56.7-07", "01:02:03+05:30", "01:02:03+00:00:01",
               "01:02:03-00:30"],
    "timestamp": ["2000-01-01", "1999-12-31 23:59:59.999999", "0001-01-01 00:00:00 BC", "4714-11-24 00:00:00 BC", "infinity", "-infinity",
                  "294276-12-31 23:59:59.999999", "12345-06-07 08:09:10.5", "2000-02-29 12:00:00.000001", "1969-12-31 23:59:59"],
    "interval": ["0", "1 day", "-1 day", "1 mon", "1 year", "-1 year", "13 mons", "-13 mons", "1 year -1 day", "-1 year 1 day",
                 "-1 mon 2 days 03:00:00", "1 day -00:00:01", "-1 day 00:00:01", "-1 day -00:00:01", "00:00:00.000001", "-00:00:00.1",
                 "100:00:00", "178956970 years 7 mons", "-178956970 years -8 mons", "2147483647 days", "-2147483648 days",
                 "2562047788:00:54.775807", "-2562047788:00:54.775807", "1 year 1 mon 1 day 01:01:01.1", "2 years -1 mons",
                 "-1 mon +1 day", "1 mon -1 day +01:00:00"],
    "inet": ["0.0.0.0/0", "1.2.3.4", "1.2.3.4/24", "255.255.255.255", "::", "::1", "::2", "::ffff", "::1:0", "::1.2.3.4", "::ffff:1.2.3.4",
             "::ffff:0:1", "1::", "1::/16", "1:2:3:4:5:6:7:8", "1:0:0:2:0:0:0:3", "1:0:0:2:3:0:0:4", "0:1::", "1:2:3:4:5:6:7:0", "0:2:3:4:5:6:7:8",
             "fe80::1/64", "2001:db8::/32", "::ffff:0.0.0.0", "::0.1.0.0", "::1:2:3", "::5:ffff:1.2.3.4", "::/0", "::ffff:1.2.3.4/100", "1:0:2::"],
    "cidr": ["0.0.0.0/0", "10.0.0.0/8", "1.2.3.4/32", "::/0", "2001:db8::/32", "::1/128", "::ffff:1.2.3.0/120", "::1.2.0.0/112", "fe80::/10"],
    "macaddr": ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "08:00:2b:01:02:03"],
    "macaddr8": ["00:00:00:00:00:00:00:00", "08:00:2b:ff:fe:01:02:03"],
    "bit": ["", "0", "1", "10101010", "101010101", "0" * 100],
    "pg_lsn": ["0/0", "FFFFFFFF/FFFFFFFF", "16/B374D848", "0/A"],
    "tid": ["(0,0)", "(4294967295,65535)", "(1,2)"],
    "line": ["{1,2,3}", "{0,1,-0}", "{-1,0,0}", "{1e300,1,Infinity}"],
    "circle": ["<(0,0),0>", "<(-1.5,1e20),3>", "<(NaN,Infinity),NaN>"],
    "int2vector": ["", "1", "1 2 -3", "32767 -32768"], "oidvector": ["", "0", "1 4294967295"],
    "void": [""], "bytea": ["\\x", "\\x00", "\\x5c78"], "uuid": ["00000000-0000-0000-0000-000000000000"],
}
FIXED["varbit"] = FIXED["bit"]
FIXED["timestamptz"] = [text if "infinity" in text else f"{text.removesuffix(' BC')}+00{' BC' * text.endswith('BC')}"
                        for text in FIXED["timestamp"] if " " in text or "infinity" in text]
STRINGS = ("text", "varchar", "bpchar", "name", "cstring", "refcursor")
RANGES = {"int4range": "int4", "int8range": "int8", "numrange": "numeric", "daterange": "date", "tsrange": "timestamp",
          "tstzrange": "timestamptz"}


class Values(RandomValues):
    """Random texts that the server accepts for a type."""

    def signed(self, bits):
        value = self.number(bits - 1)
        return str(-value if self.random.random() < 0.5 else value)

    def text(self):
        return "".join(self.random.choice(WORDS + ["x", "Y", "7"]) for _ in range(self.random.randint(0, 5)))

    def float8(self):
        if self.random.random() < 0.3:
            return f"{self.random.choice('-+')}{self.digits(5)}.{self.digits(4)}"
        if self.random.random() < 0.2:  # around a power of two, where one neighbour is nearer
            value = 2.0 ** self.random.randint(-1074, 1023)
            return repr(value)
        value = struct.unpack(">d", self.random.randbytes(8))[0]
        return repr(value) if abs(value) < float("inf") else "1"

    def float4(self):
        if self.random.random() < 0.3:
            return f"{self.digits(4)}.{self.digits(3)}"
        raw = self.random.randbytes(4) if self.random.random() < 0.8 else struct.pack(">I", self.random.randint(1, 254) << 23)
        value = struct.unpack(">f", raw)[0]
        return f"{value:.9g}" if abs(value) < float("inf") else "1"

    def numeric(self):
        text = self.random.choice(["", "-"]) + self.random.choice([self.digits(6), "0", "0000", self.digits(60)])
        kind = self.random.random()
        if kind < 0.6:
            text += "." + "0" * self.random.randint(0, 9) + self.digits(self.random.choice([2, 12, 40]))
        elif kind < 0.7:
            text += "0" * self.random.randint(1, 12)
        elif kind < 0.8:
            text += f"e{self.random.randint(-300, 300)}"
        return text

    def date(self):
        if self.random.random() < 0.2:
            return f"{self.random.randint(1, 4713):04}-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02} BC"
        if self.random.random() < 0.2:
            return f"{self.random.randint(10000, 5874896)}-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02}"
        return datetime.date.fromordinal(self.random.randint(1, 3652059)).isoformat()

    def time(self):
        text = f"{self.random.randint(0, 23):02}:{self.random.randint(0, 59):02}:{self.random.randint(0, 59):02}"
        return text if self.random.random() < 0.4 else f"{text}.{self.random.randint(0, 999999):06}"

    def zone(self):
        text = f"{self.random.choice('+-')}{self.random.randint(0, 15):02}"
        for _ in range(self.random.randint(0, 2)):
            text += f":{self.random.randint(0, 59):02}"
        return text

    def timetz(self):
        return self.time() + self.zone()

    def timestamp(self, zone=""):
        day, _, era = self.date().partition(" ")
        if len(day) > 10:
            day = f"{self.random.randint(10000, 294275)}{day[-6:]}"
        return f"{day} {self.time()}{zone}{' ' + era if era else ''}"

    def timestamptz(self):
        return self.timestamp(self.zone())

    def interval(self):
        """Each field with its own sign, and often absent."""
        fields = [f"{self.signed(self.random.choice([4, 27]))} year", f"{self.signed(5)} mon", f"{self.signed(31)} day",
                  f"{self.random.choice(['', '-', '+'])}{self.number(31)}:{self.time()[3:]}"]
        return " ".join(field for field in fields if self.random.random() < 0.6) or "0"

    def words(self):
        """Of an IPv6 address, with many zeros."""
        return ":".join(self.random.choice(["0", "0", "0", "1", "ffff", f"{self.number(16):x}"]) for _ in range(8))

    def inet(self):
        if self.random.random() < 0.4:
            address, most = ".".join(str(self.number(8)) for _ in range(4)), 32
        else:
            address, most = self.words(), 128
        return address if self.random.random() < 0.4 else f"{address}/{self.random.randint(0, most)}"

    def cidr(self):
        return str(ipaddress.ip_network(self.inet(), strict=False))

    def macaddr(self, size=6):
        return self.random.randbytes(size).hex(":")

    def macaddr8(self):
        return self.macaddr(8)

    def bit(self):
        return "".join(self.random.choice("01") for _ in range(self.random.randint(0, 70)))

    def bytea(self):
        return "\\x" + self.random.randbytes(self.random.randint(0, 40)).hex()

    def uuid(self):
        return self.random.randbytes(16).hex()

    def point(self):
        return f"({self.coordinate()},{self.coordinate()})"

    def coordinate(self):
        return self.random.choice(["NaN", "-Infinity", "-0", "1"]) if self.random.random() < 0.1 else self.float8()

    def points(self):
        return ",".join(self.point() for _ in range(self.random.randint(1, 5)))

    def lseg(self):
        return f"[{self.point()},{self.point()}]"

    def box(self):
        return f"{self.point()},{self.point()}"

    def path(self):
        return self.random.choice(["({})", "[{}]"]).format(self.points())

    def polygon(self):
        return f"({self.points()})"

    def line(self):
        return f"{{{self.float8()},1,{self.float8()}}}"

    def circle(self):
        return f"<{self.point()},{self.number(40)}.5>"

    def pg_lsn(self):
        return f"{self.number(32):X}/{self.number(32):X}"

    def tid(self):
        return f"({self.number(32)},{self.number(16)})"

    def jsonb(self):
        return f'{{"{self.digits(3)}": [{self.numeric_json()}, "ü\\n", null, true]}}'

    def numeric_json(self):
        return f"{self.number(60)}.{self.digits(5)}"

    json = jsonb

    def scalar(self, name):
        """One text of a type that is no array and no range."""
        if name in FIXED and (self.random.random() < 0.2 or name in ("jsonpath", "xml", "void", "bool")):
            return self.random.choice(FIXED[name])
        if name in ("int2", "int4", "int8"):
            return self.signed(8 * int(name[3:]))
        if name in ("oid", "xid", "cid"):
            return str(self.number(32))
        if name == "xid8":
            return str(self.number(64))
        if name == '"char"':
            return chr(self.random.randint(1, 127))
        if name in ("int2vector", "oidvector"):
            return " ".join(str(self.number(15)) for _ in range(self.random.randint(0, 5)))
        if name in STRINGS:
            return self.text()
        return getattr(self, "bit" if name == "varbit" else name)()

    def array(self, name):
        """A literal with up to three dimensions, NULLs, and bounds."""
        delimiter = ";" if name == "box" else ","
        sizes = [self.random.randint(1, 3) for _ in range(self.random.choice([0, 1, 1, 1, 2, 3, 6 if name == "int4" else 2]))]
        bounds = ""
        if sizes and self.random.random() < 0.3:
            lowers = [self.random.randint(-3, 3) for _ in sizes]
            bounds = "".join(f"[{low}:{low + size - 1}]" for low, size in zip(lowers, sizes)) + "="

        def element():
            if self.random.random() < 0.15:
                return "NULL"
            text = self.scalar(name)
            while len(text) > 2000:
                text = self.scalar(name)
            text = text.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{text}"'

        def part(rest):
            if not rest:
                return element()
            return "{" + delimiter.join(part(rest[1:]) for _ in range(rest[0])) + "}"

        return bounds + part(sizes) if sizes else "{}"

    def bound(self, subtype):
        """A bound that can be moved by one without leaving the type; None is infinite."""
        if self.random.random() < 0.15:
            return None
        if subtype in ("int4", "int8"):
            return self.signed(30)
        if subtype == "date":
            return self.random.choice(["infinity", "-infinity"]) if self.random.random() < 0.2 else self.date()
        text = self.scalar(subtype)
        return text if len(text) < 2000 else "7"


class Check:
    """The server's answers, and what the converter makes of them."""

    def __init__(self, connection, values, count):
        self.connection = connection
        self.values = values
        self.count = count

    def fetch(self, sql, parameters):
        """A column of values as text and as binary, without NULLs."""
        forms = []
        for form in (0, 1):
            result = self.connection.pgconn.exec_params(
                sql.encode(), [None if p is None else p.encode() for p in parameters], result_format=form)
            expect(result.status == psycopg.pq.ExecStatus.TUPLES_OK, f"{sql}: {result.error_message.decode()}")
            oid = result.ftype(0)
            forms.append([result.get_value(row, 0) for row in range(result.ntuples)])
        pairs = [(bytes(text), bytes(binary)) for text, binary in zip(*forms) if text is not None]
        expect(pairs, f"no values: {sql}")
        return oid, pairs

    def compare(self, oid, pairs):
        """Both directions give exactly the server's bytes."""
        lines = [line for text, binary in pairs for line in (f"{oid} b {spell(binary)}", f"{oid} t {spell(text)}")]
        answers = convert("values_check", lines)
        wrong = []
        for line, answer, wanted in zip(lines, answers, itertools.chain.from_iterable(pairs)):
            if answer != spell(wanted):
                wrong.append(f"{line[:300]}\n  gives {answer[:300]}\n  not   {spell(wanted)[:300]} ({wanted[:100]})")
        expect(not wrong, f"{len(wrong)} of {len(lines)} wrong\n" + "\n".join(wrong[:5]))

    def literals(self, name, texts):
        """Texts as values of the type, in one array of rows."""
        rows = "{" + ",".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts) + "}"
        if name == "void":  # there is no cast from text
            return self.fetch("select void_in(v::cstring) from unnest($1::text[]) v", [rows])
        return self.fetch(f"select v::{name} from unnest($1::text[]) v", [rows])

    def scalar(self, name):
        texts = WORDS if name in STRINGS else FIXED.get(name, [])
        self.compare(*self.literals(name, texts + [self.values.scalar(name) for _ in range(self.count)]))

    def array(self, name):
        kind = f"{name}[]"
        self.compare(*self.literals(kind, [self.values.array(name) for _ in range(self.count // 2)] + ["{}", "{NULL}"]))

    def bounds(self, subtype):
        """Parameters for ranges in SQL: two bounds and how they are included."""
        rows = [(self.values.bound(subtype), self.values.bound(subtype), self.values.random.choice(["[]", "[)", "(]", "()"]))
                for _ in range(self.count)]
        rows += [("1", "1", "()"), ("1", "1", "[]")] if subtype in ("int4", "int8", "numeric") else []
        return ["{" + ",".join("NULL" if text is None else f'"{text}"' for text in column) + "}" for column in zip(*rows)]

    @staticmethod
    def ranges(name, subtype):
        """SQL that makes ranges of bounds in any order."""
        low, high = f"u.a::{subtype}", f"u.b::{subtype}"
        return (f"select case when a is null or b is null then {name}({low}, {high}, c)"
                f" else {name}(least({low}, {high}), greatest({low}, {high}), c) end as r, n"
                " from unnest($1::text[], $2::text[], $3::text[]) with ordinality u(a, b, c, n)")

    def range(self, name):
        subtype = RANGES[name]
        self.compare(*self.fetch(f"select r from ({self.ranges(name, subtype)}) s", self.bounds(subtype)))
        self.compare(*self.fetch(f"select array_agg(r) from ({self.ranges(name, subtype)}) s group by n % 50", self.bounds(subtype)))

    def multirange(self, name):
        subtype = RANGES[name]
        multirange = name.replace("range", "multirange")
        self.compare(*self.fetch(f"select range_agg(r) from ({self.ranges(name, subtype)}) s where not (lower_inf(r) and upper_inf(r))"
                                 " group by n % 97", self.bounds(subtype)))
        self.compare(*self.literals(multirange, ["{}", "{(,)}"]))
        self.compare(*self.fetch(f"select array_agg(m) from (select range_agg(r) m, n % 40 g from ({self.ranges(name, subtype)}) s"
                                 " group by n % 80, g) t group by g", self.bounds(subtype)))


def main():
    options = read_options(300, "random values of each type")
    server = Server()
    with psycopg.connect(host=str(server.folder), port=server.port, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(SETTINGS)
        check = Check(connection, Values(options.seed), options.count)
        suite = Suite()
        scalars = sorted({*FIXED, *STRINGS, "point", "lseg", "box", "path", "polygon"})
        for name in scalars:
            suite.run(name, check.scalar, name)
        for name in scalars:
            if name not in ("void", "cstring"):
                suite.run(f"{name}[]", check.array, name)
        for name in RANGES:
            suite.run(name, check.range, name)
            suite.run(name.replace("range", "multirange"), check.multirange, name)
    server.stop()
    suite.finish()


main()
