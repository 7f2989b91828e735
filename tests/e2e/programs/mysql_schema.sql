-- SPDX-License-Identifier: Apache-2.0
-- What the recorded programs find in their database. Loaded directly, before recording.
set sql_mode = 'NO_ENGINE_SUBSTITUTION';
set names utf8mb4;

create table items (
	id int primary key,
	name varchar(100) not null,
	price decimal(10, 2),
	weight double,
	made date,
	seen datetime(3),
	feeling enum('sad', 'ok', 'happy'),
	flags set('a', 'b', 'c'),
	raw varbinary(20)
) character set utf8mb4;
insert into items
with recursive series (n) as (select 1 union all select n + 1 from series where n < 100)
select n, concat('item ', n), n * 1.25, n / 7e0, date '2020-02-28' + interval n day,
	timestamp '2021-03-04 05:06:07.089' + interval n hour, 1 + n % 3, n % 8,
	if(n % 5 = 0, null, unhex(concat(lpad(hex(n), 4, '0'), '00FF5C27')))
from series;
insert into items (id, name) values (1000, 'all null'), (1001, 'Grüße, 世界 🐘');

-- A row for each kind of value: null, zero or empty, the least, the most, the usual.
create table integers (
	id int primary key,
	a tinyint, b tinyint unsigned, c smallint, d smallint unsigned, e mediumint, f mediumint unsigned,
	g int, h int unsigned, i bigint, j bigint unsigned, k int(6) unsigned zerofill, l bool, m year, n bit(1), o bit(12), p bit(64)
);
insert into integers (id) values (1);
insert into integers values
	(2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	(3, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, 1, 1, 1901, b'0', b'1', b'1'),
	(4, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615,
		999999, 1, 2155, b'1', b'111111111111', x'FFFFFFFFFFFFFFFF'),
	(5, 7, 7, -7, 7, -70000, 70000, -7, 7, -4611686018427387904, 9223372036854775808, 42, 0, 1999, b'1', b'101', x'5C00275C22000A0D');

create table numbers (
	id int primary key,
	a decimal(65, 30), b decimal(20, 0) unsigned, c decimal(5, 2), d float, e double, f double, g float(8, 3), h double(12, 4)
);
insert into numbers (id) values (1);
insert into numbers values
	(2, 0, 0, 0, 0, 0, 0, 0, 0),
	(3, -12345678901234567890123456789012345.123456789012345678901234567891, 0, -999.99, -3.40282e38, -1.7976931348623157e308,
		-2.2250738585072014e-308, -12345.678, -12345678.1234),
	(4, 99999999999999999999999999999999999.999999999999999999999999999999, 99999999999999999999, 999.99, 3.40282e38,
		1.7976931348623157e308, 4.9e-324, 12345.678, 12345678.1234),
	(5, 0.1, 5, 1.50, 0.1, 0.1, 1e15, 1.5, 0.3333),
	(6, 1, 1, 1, 16777216, 123456789012345680, 1e-5, 1, 1),
	(7, 1, 1, 1, 1.17549e-38, 1e16, 1e17, 2, 3);

create table times (
	id int primary key,
	a date, b datetime, c datetime(6), d timestamp null, e timestamp(3) null, f time, g time(6), h time(2)
);
insert into times (id) values (1);
insert into times values
	(2, '0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00', '00:00:00', '00:00:00', '00:00:00'),
	(3, '1000-01-01', '1000-01-01 00:00:00', '1000-01-01 00:00:00.000001', '1970-01-01 00:00:01', '1970-01-01 00:00:01.001',
		'-838:59:59', '-26:03:04.000005', '-00:00:00.01'),
	(4, '9999-12-31', '9999-12-31 23:59:59', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '2038-01-19 03:14:07.999',
		'838:59:59', '838:59:58.999999', '26:00:00.50'),
	(5, '2020-00-00', '2020-02-00 00:00:00', '2020-02-29 12:00:00', '2020-02-29 12:34:56', '2020-02-29 12:34:56', '12:34:56',
		'12:34:56.5', '-12:00:00');

create table texts (
	id int primary key,
	a char(10), b varchar(50), c tinytext, d text, e mediumtext, f longtext, g enum('x', 'y z', ''), h set('p', 'q', 'r'),
	i varchar(50) character set latin1, j char(5) character set utf8mb4 collate utf8mb4_bin, k varchar(20) character set ascii
) character set utf8mb4;
insert into texts (id) values (1);
insert into texts values
	(2, '', '', '', '', '', '', '', '', '', '', ''),
	(3, 'a', 'it''s "quoted" \\ %_?', 'tab\tnewline\n', 'Grüße', '世界', '🐘', 'y z', 'p,r', 'Grüße ÿ', 'ä', 'plain'),
	(4, repeat('z', 10), repeat('ü', 50), repeat('t', 255), repeat('u', 1000), repeat('v', 70000), repeat('w', 300), 'x', 'p,q,r',
		repeat('é', 50), 'abcde', 'k');

create table binaries (
	id int primary key,
	a binary(6), b varbinary(50), c tinyblob, d blob, e mediumblob, f longblob, g varchar(20) character set binary
);
insert into binaries (id) values (1);
insert into binaries values
	(2, '', '', '', '', '', '', ''),
	(3, x'0001FF', x'005C27220A0D1A', x'FF', x'FE00', x'FB', x'FC00', x'80'),
	(4, 'abcdef', 'text', repeat(x'FF00', 100), repeat(x'00', 1000), repeat(x'FB', 66000), x'E4B896', 'g');

create table documents (id int primary key, a json, b geometry, c point);
insert into documents (id) values (1);
insert into documents (id, a, b, c) values
	(2, '{}', st_geomfromtext('POINT(1 2)'), st_geomfromtext('POINT(-1.5 1e10)')),
	(3, '{"b": [1, 2.5, null, true], "a": "Grüße \\n \\u0041"}', st_geomfromtext('LINESTRING(0 0, 1 1, 2 0)'), null),
	(4, '[1, "two", {"three": 3}]', st_geomfromtext('POLYGON((0 0, 4 0, 4 4, 0 0))'), st_geomfromtext('POINT(0 0)'));
-- MySQL's own type: a table of its own, since not every driver can read it.
/*!90000 create table vectors (id int primary key, v vector(3)) */;
/*!90000 insert into vectors values (1, null), (2, to_vector('[0, 0, 0]')), (3, to_vector('[1, -2.5, 3e10]')) */;

create table latin (id int primary key, name varchar(50)) character set latin1;
insert into latin values (1, 'Grüße'), (2, 'naïve ÿ'), (3, '\\');

create table written (
	id bigint unsigned auto_increment primary key,
	worker varchar(40) not null,
	n int not null,
	note text,
	made timestamp(6) not null default current_timestamp(6),
	unique key worker_n (worker, n)
) engine = innodb, auto_increment = 100;
create table accounts (id int primary key, balance int unsigned not null) engine = innodb;
insert into accounts
with recursive series (n) as (select 1 union all select n + 1 from series where n < 200)
select n, 100 * n from series;
-- A row for each unit that counts: its answers must come in the order in which they were recorded.
create table counters (id int primary key, n bigint not null);
insert into counters values (1, 0), (2, 10), (3, 20);
create table loaded (id int, name varchar(50), file varchar(40));
create view cheap as select id, name from items where price < 10;

delimiter //
create procedure three_sets(given int)
begin
	select given as first, 'one' as word;
	select id, name from items where id <= given order by id;
	select null as nothing from items where id < 0;
end//
create procedure walks()
begin
	declare at int;
	declare found cursor for select id from items order by id;
	open found;
	fetch found into at;
	select at as first;
	fetch found into at;
	select at as second;
	close found;
end//
create procedure many_sets(given int)
begin
	declare at int default 0;
	while at < given do
		set at = at + 1;
		select at, repeat('x', 100) as word;
	end while;
end//
create procedure with_out(a int, out b int, inout c varchar(50))
begin
	select 'a result before' as s;
	set b = a * 2, c = concat(c, ' and more');
end//
create procedure add_note(who varchar(40), inout number int)
begin
	insert into written (worker, n, note) values (who, number, 'by procedure');
	set number = number + 1;
end//
create procedure fails(given int)
begin
	select given as seen;
	signal sqlstate '45000' set message_text = 'it failed on purpose', mysql_errno = 31001;
end//
create function double_it(given int) returns int deterministic return given * 2//
delimiter ;
