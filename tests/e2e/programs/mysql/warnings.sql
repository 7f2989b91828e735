-- SPDX-License-Identifier: Apache-2.0
select 1/0, cast('12x' as signed);
show warnings limit 5;
drop table if exists never_there;
show warnings limit 6;
set session sql_mode = '';
start transaction;
insert into accounts values (1001, 'no number'), (1002, -5);
show warnings limit 7;
rollback;
insert ignore into accounts values (1, 5);
show warnings limit 8;
insert into accounts values (1, 5);
show errors;
show count(*) errors;
