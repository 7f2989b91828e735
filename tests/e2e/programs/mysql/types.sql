-- SPDX-License-Identifier: Apache-2.0
select * from items where id in (1, 2, 5, 1000, 1001) order by id;
select * from integers where id <> 5 order by id\G
select id, n + 0, o + 0, p + 0, hex(p), k from integers order by id;
select * from numbers order by id\G
select * from times order by id;
select id, a, b, c, g, h, i, j, k, length(d), length(e), length(f) from texts order by id;
select id, hex(a), hex(b), hex(c), length(d), length(f) from binaries order by id;
select id, a, st_astext(b), hex(c) from documents order by id;
select * from latin order by id;
/*!90000 select id, vector_to_string(v), hex(v) from vectors order by id */;
select null, true, -7, 18446744073709551615, 1.50, 1e100, 'text', x'4D79', b'1', _latin1 x'E9', date '2020-02-29', n'national';
