-- SPDX-License-Identifier: Apache-2.0
begin;
declare walk scroll cursor for select id, name from items order by id;
fetch 3 from walk;
move 5 in walk;
fetch next from walk;
fetch backward 2 from walk;
fetch absolute 50 from walk;
close walk;
commit;
\set FETCH_COUNT 4
select id from items where id < 11 order by id;
\unset FETCH_COUNT
