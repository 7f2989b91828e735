-- SPDX-License-Identifier: Apache-2.0
select 1 as a\; select 2 as b\; select 'three; not four' as c;
select 1\;;
create temp table several (a int)\; insert into several values (1), (2)\; table several order by 1;
select 1\; select 1/0\; select 3;
begin\; select 1\; commit;
/* a comment; with a semicolon */ select /* nested /* twice */ */ 5 -- and a tail ; here
;
\set SINGLELINE off
drop table several;
