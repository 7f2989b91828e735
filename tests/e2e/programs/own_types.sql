-- Types that are not built in, and a value of each: for own_types.py.
create extension hstore;
create extension citext;
create type mood as enum ('sad', 'ok', 'very, "happy"', 'a\b', '');
create domain positive as int check (value > 0);
create domain price as numeric(10, 2);
create domain email as citext;
create domain moment as timestamptz;
create domain days as date[];
create domain feeling as mood;
create type pair as (a int, b text, m mood);
create type wide as (i positive, p price, e email, t moment, d days, f feeling, h hstore, p2 pair, ps pair[], ms mood[], r int4range,
	j jsonb, n numeric, x bytea);
create type moodrange as range (subtype = mood);
create type floatrange as range (subtype = float8);
create type pairrange as range (subtype = pair);
create type pricerange as range (subtype = price);
create domain pairs as pair[];
create table stored (id int, m mood, h hstore);

create table value (name text primary key, type text, text text);
insert into value values
	('enum', 'mood', 'ok'), ('enum quoted', 'mood', 'very, "happy"'), ('enum empty', 'mood', ''), ('enum null', 'mood', null),
	('citext', 'citext', 'Ünï Code'), ('citext empty', 'citext', ''),
	('hstore', 'hstore', '"a"=>"1", "b c"=>NULL, "q\"\\"=>"\"\\ü", ""=>""'), ('hstore empty', 'hstore', ''),
	('domain int', 'positive', '7'), ('domain numeric', 'price', '12.30'), ('domain citext', 'email', 'A@b'),
	('domain array', 'days', '{2020-01-01,NULL}'), ('domain enum', 'feeling', 'sad'), ('domain pairs', 'pairs', '{"(1,a,ok)",NULL}'),
	('composite', 'pair', '(1,"a b",ok)'), ('composite null', 'pair', '(,,)'), ('composite quoted', 'pair', '(-5,"\\"",(),\\\\""","very, ""happy""")'),
	('composite empty text', 'pair', '(1,"","")'), ('row of a table', 'stored', '(1,ok,"""a""=>""1""")'),
	('wide', 'wide', '(3,1.50,X@y,"2020-01-02 03:04:05+00","{2020-01-01,2021-12-31}",ok,"""k""=>""v w""","(1,a,ok)","{""(1,\\""x, y\\"",ok)"",""(,,sad)""}","{ok,NULL,sad}","[1,5)","{""a"": [1, null]}",1.10,"\\x00ff")'),
	('wide null', 'wide', '(,,,,,,,,,,,,,)'),
	('enums', 'mood[]', '{ok,sad,NULL,"very, \"happy\"","a\\b",""}'), ('enums none', 'mood[]', '{}'), ('enums bounds', 'mood[]', '[0:1][2:3]={{ok,sad},{sad,ok}}'),
	('citexts', 'citext[]', '{A,b,NULL,"null"}'), ('hstores', 'hstore[]', '{"\"a\"=>\"1\"",""}'), ('domains', 'positive[]', '{1,2}'),
	('prices', 'price[]', '{1.10,NULL}'), ('composites', 'pair[]', '{"(1,a,ok)","(,\"b c\",)",NULL}'), ('wides', 'wide[]', '{"(3,,,,,,,\"(1,a,)\",,,,,,)"}'),
	('range of enum', 'moodrange', '[sad,ok]'), ('range of enum open', 'moodrange', '(sad,)'), ('range empty', 'moodrange', 'empty'),
	('range of float', 'floatrange', '(0.5,1e+20]'), ('range of composite', 'pairrange', '["(1,a,ok)","(2,,)")'), ('range of domain', 'pricerange', '[1.10,2.00)'),
	('ranges', 'moodrange[]', '{"[sad,ok]",empty}'), ('multirange', 'moodmultirange', '{[sad,sad],["very, \"happy\"",)}'),
	('multirange of float', 'floatmultirange', '{[1,2),(3,4]}'), ('multirange empty', 'floatmultirange', '{}');
-- For own_types_driver.py.
create type level as enum ('low', 'high');
create type spot as (a int, b text, l level);
create table own (m level, h hstore, e citext, p price, c spot, ms level[], r floatrange);
insert into own values ('high', 'a=>1, b=>NULL', 'A@b', 12.30, '(1,"x y",low)', '{high,NULL,low}', '[0.5,2)');
