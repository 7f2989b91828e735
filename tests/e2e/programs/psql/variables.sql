-- SPDX-License-Identifier: Apache-2.0
select id as number, name from items where id = 7 \gset got_
\echo :got_number :got_name
select price from items where id = :got_number;
select :'got_name' = name as same from items where id = :got_number;
select id, made from items where id < 3 order by id \gx
select id, feeling, 1 as n from items where id < 5 order by id \crosstabview id feeling n
select format('select %s as made_by_gexec', n) from generate_series(1, 3) n \gexec
select id as a, price as b from items \gdesc
\if :{?got_number}
\echo it is set
\endif
