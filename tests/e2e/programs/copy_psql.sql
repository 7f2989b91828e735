-- SPDX-License-Identifier: Apache-2.0
-- COPY with psql, in both directions, alone and between other statements. $LAST is in one of the rows.
create temp table t (a int, b text);
\copy t from program 'seq 1 1000 | sed "s/.*/&\trow &/; s/^999\t.*/999\t$LAST/"'
\copy t from stdin with (format csv)
1,"a
b"
2,
\.
select 1 \; copy t from stdin \; select count(*) from t;
3	three
\.
copy t from stdin \; copy t (a) from stdin \; copy t to stdout;
4	four
\.
5
\.
\copy t to stdout
\copy (select a, b from t order by a limit 5) to stdout with (format csv, header)
\copy (select) to stdout
\copy (select 1 limit 0) to stdout
begin;
\copy t from stdin
x	one
\.
select 1;
commit;
copy nothing_there from stdin;
copy (select 1 / (3 - n) from generate_series(1, 5) n) to stdout;
select 1 \; copy (select 1 / 0) to stdout \; select 2;
copy t to stdout \g |md5sum
select count(*), sum(a) from t;
