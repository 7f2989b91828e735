-- SPDX-License-Identifier: Apache-2.0
selec 1;
select * from missing;
select missing_column from items;
insert into accounts values (1, 5);
update accounts set balance = -1 where id = 150;
insert into accounts values (1000, 'no number');
call missing_procedure();
use missing_database;
create table items (id int);
drop table never_there;
signal sqlstate '45000' set message_text = 'on purpose';
select 'usable' as still;
