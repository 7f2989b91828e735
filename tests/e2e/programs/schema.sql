-- SPDX-License-Identifier: Apache-2.0
-- What the recorded programs find in their database. Loaded directly, before recording.
create type mood as enum ('sad', 'ok', 'happy');
create type place as (x integer, y integer, label text);

create table items (
	id integer primary key,
	name text not null,
	price numeric(10, 2),
	weight double precision,
	tags text[],
	data jsonb,
	made date,
	seen timestamptz,
	feeling mood,
	raw bytea
);
insert into items
select n, 'item ' || n, n * 1.25, n / 7.0::float8, array['t' || n, null, 'a "b", c'],
	jsonb_build_object('n', n, 'list', array[n, n + 1]), date '2020-02-28' + n,
	timestamptz '2021-03-04 05:06:07.089+00' + n * interval '1 hour',
	(array['sad', 'ok', 'happy']::mood[])[1 + n % 3],
	case when n % 5 = 0 then null else decode(lpad(to_hex(n), 4, '0') || '00ff', 'hex') end
from generate_series(1, 100) n;
insert into items (id, name) values (1000, 'all null'), (1001, 'Grüße, 世界 🐘');

create table written (
	id bigserial primary key,
	worker text not null,
	n integer not null,
	note text,
	at timestamptz not null default clock_timestamp(),
	unique (worker, n)
);
create table accounts (
	id integer primary key,
	balance integer not null check (balance >= 0)
);
insert into accounts select n, 100 * n from generate_series(1, 200) n;
create view cheap as select id, name from items where price < 10;

create function noisy(n integer) returns integer language plpgsql as $$
begin
	raise notice 'noisy says %', n using detail = 'a detail', hint = 'a hint';
	raise warning 'and warns';
	return n + 1;
end
$$;
create procedure add_note(worker text, inout n integer) language plpgsql as $$
begin
	insert into written (worker, n, note) values (worker, n, 'by procedure');
	n := n + 1;
end
$$;
-- One for each unit that counts: its answers must come in the order in which they were recorded.
create sequence counter_1;
create sequence counter_2;
create sequence counter_3;
grant all on all tables in schema public to public;
grant all on all sequences in schema public to public;
