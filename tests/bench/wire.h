/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wire: the bytes of servers' answers as real ones gave them: PostgreSQL 15's to what pgbench -S asks, and MariaDB 10.11's to
 * sysbench's oltp_point_select. The server of canned bytes sends them, and the generator of recordings writes PostgreSQL's
 * into conversations. Message formats: PostgreSQL documentation, chapter 55.7; MariaDB's knowledge base, "Client/Server Protocol".
 * Escapes are octal with three digits, which end where they should.
 */
#ifndef MOCKPROXY_BENCH_WIRE_H
#define MOCKPROXY_BENCH_WIRE_H

#define WIRE_READY "Z\000\000\000\005I"
#define WIRE_ONE_ROW_TAG "C\000\000\000\015SELECT 1\000"

/* Login accepted, the session's parameters, a key for cancelling, ready. */
#define WIRE_LOGIN                                               \
	"R\000\000\000\010\000\000\000\000"                      \
	"S\000\000\000\035application_name\000pgbench\000"       \
	"S\000\000\000\031client_encoding\000UTF8\000"           \
	"S\000\000\000\027DateStyle\000ISO, MDY\000"             \
	"S\000\000\000&default_transaction_read_only\000off\000" \
	"S\000\000\000\027in_hot_standby\000off\000"             \
	"S\000\000\000\031integer_datetimes\000on\000"           \
	"S\000\000\000\033IntervalStyle\000postgres\000"         \
	"S\000\000\000\024is_superuser\000on\000"                \
	"S\000\000\000\031server_encoding\000UTF8\000"           \
	"S\000\000\000\031server_version\00015.20\000"           \
	"S\000\000\000#session_authorization\000postgres\000"    \
	"S\000\000\000#standard_conforming_strings\000on\000"    \
	"S\000\000\000\025TimeZone\000Etc/UTC\000"               \
	"K\000\000\000\014\000\000\020\001\000\000 \002" WIRE_READY

/* Of SELECT abalance FROM pgbench_accounts WHERE aid = ...: an int4 in text form. */
#define WIRE_BALANCE_COLUMNS     \
	"T\000\000\000!\000\001" \
	"abalance\000\000\000@\006\000\003\000\000\000\027\000\004\377\377\377\377\000\000"
#define WIRE_BALANCE_ROW "D\000\000\000\013\000\001\000\000\000\0010"
#define WIRE_BALANCE_PARAMETERS "t\000\000\000\012\000\001\000\000\000\027"

/* The scale: 10, which is 1,000,000 accounts. */
#define WIRE_SCALE_QUERY "select count(*) from pgbench_branches"
#define WIRE_SCALE_ROWS                                                                     \
	"T\000\000\000\036\000\001"                                                         \
	"count\000\000\000\000\000\000\000\000\000\000\024\000\010\377\377\377\377\000\000" \
	"D\000\000\000\014\000\001\000\000\000\00210"

/* How is pgbench_accounts partitioned? Not at all. */
#define WIRE_PARTITIONS_QUERY                                                      \
	"select o.n, p.partstrat, pg_catalog.count(i.inhparent) "                  \
	"from pg_catalog.pg_class as c "                                           \
	"join pg_catalog.pg_namespace as n on (n.oid = c.relnamespace) "           \
	"cross join lateral (select pg_catalog.array_position("                    \
	"pg_catalog.current_schemas(true), n.nspname)) as o(n) "                   \
	"left join pg_catalog.pg_partitioned_table as p on (p.partrelid = c.oid) " \
	"left join pg_catalog.pg_inherits as i on (c.oid = i.inhparent) "          \
	"where c.relname = 'pgbench_accounts' and o.n is not null "                \
	"group by 1, 2 order by 1 asc limit 1"
#define WIRE_PARTITIONS_ROWS                                                                    \
	"T\000\000\000N\000\003"                                                                \
	"n\000\000\000\000\000\000\000\000\000\000\027\000\004\377\377\377\377\000\000"         \
	"partstrat\000\000\000\015\026\000\002\000\000\000\022\000\001\377\377\377\377\000\000" \
	"count\000\000\000\000\000\000\000\000\000\000\024\000\010\377\377\377\377\000\000"     \
	"D\000\000\000\024\000\003\000\000\000\0012\377\377\377\377\000\000\000\0010"

/* The greeting (mysql_native_password, any scramble; none of MariaDB's extensions), the login accepted. */
#define WIRE_MY_GREETING                                                                    \
	"Z\000\000\000\012"                                                                 \
	"5.5.5-10.11.19-MariaDB\000"                                                        \
	"6\000\000\000)HnsvvoK\000\376\367\010\002\000\377\201\025\000\000\000\000\000\000" \
	"\000\000\000\000e;7@}tQw#Cg_\000mysql_native_password\000"
#define WIRE_MY_OK "\007\000\000\001\000\000\000\002\000\000\000"
#define WIRE_MY_LOGIN "\007\000\000\002\000\000\000\002\000\000\000"

/* Of SELECT c FROM sbtest1 WHERE id=...: a char(120). */
#define WIRE_MY_EOF(number) "\005\000\000" number "\376\000\000\002\000"
#define WIRE_MY_COLUMN(number)                                                         \
	"+\000\000" number "\003def\005bench\007sbtest1\007sbtest1\001c\001c\014-\000" \
	"\340\001\000\000\376\001\000\000\000\000"
#define WIRE_MY_COLUMNS "\001\000\000\001\001" WIRE_MY_COLUMN("\002") WIRE_MY_EOF("\003")
#define WIRE_MY_VALUE                                                   \
	"w13583854055-41614490774-55023138173-20368527733-63918937250-" \
	"92196994960-71571124570-98479589566-67374951936-87479676122"
#define WIRE_MY_TEXT_ROWS WIRE_MY_COLUMNS "x\000\000\004" WIRE_MY_VALUE WIRE_MY_EOF("\005")
#define WIRE_MY_BINARY_ROWS \
	WIRE_MY_COLUMNS "z\000\000\004\000\000" WIRE_MY_VALUE WIRE_MY_EOF("\005")
/* Statement 1, a parameter, a column. */
#define WIRE_MY_PREPARED                                                                    \
	"\014\000\000\001\000\001\000\000\000\001\000\001\000\000\000\000"                  \
	"\027\000\000\002\003def\000\000\000\001?\000\014?\000\000\000\000\000\006\200\000" \
	"\000\000\000" WIRE_MY_EOF("\003") WIRE_MY_COLUMN("\004") WIRE_MY_EOF("\005")

#endif
