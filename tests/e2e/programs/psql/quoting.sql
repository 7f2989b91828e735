-- SPDX-License-Identifier: Apache-2.0
select 'it''s', E'it\'s', "name" as "The ""Name""" from items where id = 3;
select $$dollar 'quoted'; text$$, $tag$with $$ inside$tag$;
SELECT   NAME  FROM   ITEMS    WHERE  ID=3;
select -5, - 5, +5, 1 - 5, 1e3, .5, 5., 0x, 1_0 from (select 1 as _0) s(x);
select 'a' 'b';
select 'a'
  'b';
select jsonb '{"a": {"b": 1}}' -> 'a' ->> 'b', '[1,2]'::jsonb -> 1, array[1,2] @> array[1], '5'::int4 = 5;
select count(*) filter (where id < 10), max(name) from items where name like 'item 1%' and id between 10 and 19;
select u&'\0441\043b\043e\043d' as slon, 'слон' as same, length('🐘');
