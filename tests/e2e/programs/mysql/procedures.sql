-- SPDX-License-Identifier: Apache-2.0
call three_sets(3);
set @b = 0, @c = 'c';
call with_out(21, @b, @c);
select @b, @c;
call fails(4);
select double_it(4), double_it(null);
set @n = 5;
start transaction;
call add_note('cli', @n);
select @n, worker, n, note from written where worker = 'cli';
rollback;
show create function double_it;
