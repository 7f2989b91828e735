-- SPDX-License-Identifier: Apache-2.0
select noisy(1);
select noisy(2), noisy(3);
drop table if exists never_there, nor_this;
do $$ begin raise notice 'from do'; raise info 'info'; raise warning 'warning %', 1; end $$;
set client_min_messages = error;
select noisy(4);
reset client_min_messages;
select noisy(5);
