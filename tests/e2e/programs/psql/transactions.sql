-- SPDX-License-Identifier: Apache-2.0
\set PROMPT1 ''
begin;
insert into written (worker, n) values ('psql', 1) returning n;
savepoint one;
insert into written (worker, n) values ('psql', 1);
select 'in a failed transaction';
rollback to one;
release one;
insert into written (worker, n) values ('psql', 2) returning n;
select n from written where worker = 'psql' order by n;
rollback;
select n from written where worker = 'psql' order by n /* after the rollback */;
begin isolation level serializable read only;
insert into written (worker, n) values ('psql', 3);
commit;
start transaction;
select 1/0;
commit;
end;
\set ON_ERROR_ROLLBACK on
begin;
select 1/0 as rolled_back_to_before;
select 'usable';
commit;
