-- SPDX-License-Identifier: Apache-2.0
\set VERBOSITY verbose
\set SHOW_CONTEXT never
select 1/0;
selec 1;
select missing from items;
select * from missing;
insert into accounts values (1, 1);
update accounts set balance = -5 where id = 160;
select 'x'::int;
\set VERBOSITY default
\set SHOW_CONTEXT always
do $$ begin perform 1/0; end $$;
do $$ begin raise exception 'mine' using errcode = 'ZZ001', detail = 'd', hint = 'h'; end $$;
\errverbose
\echo :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE :ROW_COUNT
select 'still here';
