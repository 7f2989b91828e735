-- SPDX-License-Identifier: Apache-2.0
insert into written (worker, n, note) values ('w', 1, 'one'), ('w', 2, 'two') returning n, note;
insert into written (worker, n) values ('w', 1) on conflict (worker, n) do update set note = 'again' returning note;
update written set note = upper(note) where worker = 'w' returning n, note;
with gone as (delete from written where worker = 'w' returning n) select count(*), sum(n) from gone;
call add_note('w', 9);
merge into accounts a using (values (170, 1), (171, 2)) v(id, add) on a.id = v.id when matched then update set balance = balance + v.add;
select id, balance from accounts where id in (170, 171) order by id;
truncate only accounts_copy;
create table accounts_copy as select * from accounts where id < 4;
truncate only accounts_copy;
drop table accounts_copy;
explain (costs off) select * from items where id = 5;
prepare stmt (int) as select name from items where id = $1;
execute stmt (3);
execute stmt (4);
deallocate stmt;
