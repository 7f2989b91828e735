-- SPDX-License-Identifier: Apache-2.0
select 'one;two' as a; select "double ; quoted" as b, 'it''s' as c; select 'back\\slash \' quote' as d;
select 1 # to the end of the line ;
+ 1 as two;
select 2 /* inside ; */ + 2 as four, 3 /*!50000 + 3 */ as six, 8 /*!99999 + 8 */ as eight;
select /*+ no such hint */ 5 as five -- and so on
;
select `id`, `name` as `a ``b``` from `items` where `id` = 7;
delimiter //
select 'with ; inside' as e; select 'twice' as f//
delimiter ;
select 1 where false;
select id from items where id < 0;
do 1;
help_me_not;
select 'after' as g;
