-- SPDX-License-Identifier: Apache-2.0
\W
select 1/0, cast('12x' as signed);
drop table if exists never_there;
set session sql_mode = '';
start transaction;
insert into accounts values (1001, 'no number'), (1002, -5);
rollback;
\w
insert ignore into accounts values (1, 5);
show warnings;
show count(*) warnings;
show errors;
