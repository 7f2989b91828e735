-- SPDX-License-Identifier: Apache-2.0
select * from items where id in (1, 2, 5, 1000, 1001) order by id;
select true, 7::int2, -7, 1::int8 << 40, 1.5::float4, 'infinity'::float8, 'NaN'::numeric, 1e100::numeric, -0.0::float8;
select 'a'::char, 'b'::bpchar(3), 'c'::"char", 'd'::name, U&'d\0061t\+000061', E'tab\tnewline\n', $q$it's$q$;
select '\x00ff'::bytea, '{"a": [1, null]}'::json, '{"b":1,"a":2}'::jsonb, '<a>b</a>'::xml::text;
select date '1999-12-31', time '01:02:03.4', timestamptz '2020-01-02 03:04:05.678901+00', interval '1 year 2 days 3 hours';
select array[1, null, 3], array[['a','b'],['c','d,e']], int4range(1, 5), '{[1,2),[5,9)}'::int4multirange;
select '10.0.0.1/8'::inet, '08:00:2b:01:02:03'::macaddr, '00112233-4455-6677-8899-aabbccddeeff'::uuid, '1/ABC'::pg_lsn;
select point(1,2), box '((0,0),(1,1))', b'101', 'a:1 b:2'::tsvector, 'a & b'::tsquery, 12.34::money;
select row(1, 'x', null), (1, null, 'a b')::place, 'happy'::mood, null, 'items'::regclass;
select 1 where false;
select from items where id < 3;
