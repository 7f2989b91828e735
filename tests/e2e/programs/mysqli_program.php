<?php
// SPDX-License-Identifier: Apache-2.0
// mysqli: text queries, and prepared statements with bound types, long data and cursors.

require __DIR__ . '/units.php';

function ask(mysqli $c, string $sql, string $types = '', mixed ...$values): array|int|string
{
	$statement = $c->prepare($sql);
	if ($types)
		$statement->bind_param($types, ...$values);
	$statement->execute();
	$result = $statement->get_result();
	$rows = $result ? $result->fetch_all(MYSQLI_NUM) : $statement->affected_rows;
	$statement->close();
	return $rows;
}

function failure(callable $say, callable $work): void
{
	try {
		$work();
		$say('no error');
	} catch (mysqli_sql_exception $error) {
		$say($error->getCode(), $error->getSqlState(), $error->getMessage());
	}
}

// Every result of a query of several statements.
function all_results(mysqli $c, callable $say): void
{
	do {
		if ($result = $c->store_result())
			$say($result->fetch_all(MYSQLI_ASSOC));
		else
			$say($c->affected_rows, $c->insert_id, (string) $c->info);
	} while ($c->more_results() && $c->next_result());
}

unit('read', range(1, 20), function ($c, $say, $key) {
	$say(ask($c, 'SELECT * FROM items WHERE id = ?', 'i', $key));
	$say($c->query("SELECT * FROM items WHERE id = $key")->fetch_all(MYSQLI_ASSOC));
});

unit('types', TABLES, function ($c, $say, $table) {
	$text = $c->query("select * from $table order by id");
	foreach ($text->fetch_fields() as $field)
		$say($field->name, $field->type, $field->length, $field->flags, $field->decimals, $field->charsetnr);
	foreach ($text->fetch_all(MYSQLI_NUM) as $row)
		$say($row);
	foreach (ask($c, "select * from $table where id > ? order by id", 'i', 0) as $row)
		$say($row);
});

unit('values', [], function ($c, $say) {
	$given = [['i', 7], ['i', -7], ['i', PHP_INT_MAX], ['d', 1.5], ['d', 1e300], ['s', "it's \\ \"quoted\" ; -- ?"],
		['s', ''], ['s', 'Grüße 🐘'], ['s', null], ['i', null]];
	foreach ($given as [$type, $value])
		$say(ask($c, 'SELECT ? AS v', $type, $value));
	$say(ask($c, 'select hex(?)', 's', "\0\xff'\\\x01"));
	$say(ask($c, 'select id, name from latin where name = ?', 's', 'Grüße'));
});

unit('reexecuted', [], function ($c, $say) {
	$statement = $c->prepare('select id, name, price from items where id = ? or name = ? order by id');
	$id = 1;
	$name = 'item 2';
	$statement->bind_param('is', $id, $name);
	foreach ([[3, 'item 4'], [5, null], [null, 'item 6']] as [$id, $name]) {
		$statement->execute();
		$say($statement->get_result()->fetch_all(MYSQLI_NUM));
	}
	$id = '7';
	$name = 8;
	$statement->bind_param('si', $id, $name);
	$statement->execute();
	$statement->bind_result($one, $two, $three);
	while ($statement->fetch())
		$say($one, $two, $three);
	$statement->reset();
	$statement->execute();
	$statement->store_result();
	$say($statement->num_rows);
});

unit('long_data', [], function ($c, $say) {
	$statement = $c->prepare('select length(?), sha2(?, 256), ? as n');
	$blob = null;
	$other = null;
	$n = 5;
	$statement->bind_param('bbi', $blob, $other, $n);
	for ($i = 0; $i < 40; $i++)
		$statement->send_long_data(0, str_repeat(chr($i), 10000));
	$statement->send_long_data(1, "one \0");
	$statement->send_long_data(1, ' two');
	$statement->execute();
	$say($statement->get_result()->fetch_all(MYSQLI_NUM));
	$statement->close();
});

unit('cursor', [], function ($c, $say) {
	$statement = $c->prepare('select id, name, weight from items where id < ? order by id');
	$statement->attr_set(MYSQLI_STMT_ATTR_CURSOR_TYPE, MYSQLI_CURSOR_TYPE_READ_ONLY);
	$limit = 12;
	$statement->bind_param('i', $limit);
	$statement->execute();
	$statement->bind_result($id, $name, $weight);
	while ($statement->fetch())
		$say($id, $name, $weight);
	$statement->close();
});

unit('transfer', range(1, 8), function ($c, $say, $key) {
	$c->begin_transaction();
	foreach ([5, 7] as $amount) {
		$say(ask($c, 'select balance from accounts where id = ?', 'i', $key));
		$say(ask($c, 'update accounts set balance = balance - ? where id = ?', 'ii', $amount, $key));
	}
	$c->commit();
	$say(ask($c, 'select balance from accounts where id = ?', 'i', $key));
});

unit('insert', range(1, 4), function ($c, $say, $key) {
	foreach (range(0, 2) as $n) {
		$c->query("insert into written (worker, n) values ('i$key', $n)");
		$say($c->affected_rows, $c->insert_id, (string) $c->info, $c->warning_count);
	}
	$say(ask($c, 'select id, n, made from written where worker = ?', 's', "i$key"));
	$say(ask($c, 'delete from written where worker = ?', 's', "i$key"));
});

unit('transactions', [], function ($c, $say) {
	$c->autocommit(false);
	ask($c, 'insert into written (worker, n) values (?, ?)', 'si', 'rollback', 1);
	$c->savepoint('one');
	ask($c, 'insert into written (worker, n) values (?, ?)', 'si', 'rollback', 2);
	$c->query('rollback to savepoint one');
	$c->release_savepoint('one');
	$say(ask($c, 'select n from written where worker = ?', 's', 'rollback'));
	$c->rollback();
	$say(ask($c, 'select n from written where worker = ?', 's', 'rollback'));
	$c->autocommit(true);
});

unit('errors', [], function ($c, $say) {
	failure($say, fn () => $c->query('selec 1'));
	failure($say, fn () => ask($c, 'select * from missing where a = ?', 'i', 1));
	failure($say, fn () => ask($c, 'insert into accounts values (?, 5)', 'i', 1));
	failure($say, fn () => $c->query('update accounts set balance = -1 where id = 150'));
	failure($say, fn () => $c->select_db('missing_database'));
	$say($c->query("select 'usable'")->fetch_all());
});

unit('warnings', [], function ($c, $say) {
	$say($c->query("select 1/0, cast('12x' as signed)")->fetch_all());
	$say($c->warning_count);
	for ($warning = $c->get_warnings(); $warning; $warning = $warning->next() ? $warning : null)
		$say($warning->errno, $warning->sqlstate, $warning->message);
});

unit('several', [], function ($c, $say) {
	$c->multi_query("select 1; select 2 as two, 'a;b' as b; select id from items where id < 0");
	all_results($c, $say);
	$c->multi_query("insert into written (worker, n) values ('several', 1);"
		. " update written set note = 'x' where worker = 'several'; delete from written where worker = 'several'");
	all_results($c, $say);
	$c->multi_query("select 'before'; selec 1; select 'after'");
	failure($say, fn () => all_results($c, $say));
});

unit('procedures', [], function ($c, $say) {
	$c->multi_query('call three_sets(3)');
	all_results($c, $say);
	$c->multi_query("set @b = 0, @c = 'c'; call with_out(21, @b, @c); select @b, @c");
	all_results($c, $say);
	$statement = $c->prepare('call three_sets(?)');
	$given = 2;
	$statement->bind_param('i', $given);
	$statement->execute();
	do {
		if ($result = $statement->get_result())
			$say($result->fetch_all(MYSQLI_NUM));
	} while ($statement->more_results() && $statement->next_result());
	$statement->close();
});

unit('unbuffered', [], function ($c, $say) {
	$result = $c->query('select id, name from cheap order by id', MYSQLI_USE_RESULT);
	while ($row = $result->fetch_row())
		$say($row);
	$result->free();
});

unit('connection', [], function ($c, $say) {
	$c->query('set @kept = 1');
	$say($c->change_user(getenv('MYSQL_USER'), getenv('MYSQL_PWD'), getenv('MYSQL_DATABASE')));
	$c->set_charset('utf8mb4');
	$say($c->query('select @kept')->fetch_all());
	$say($c->select_db('information_schema'));
	$say($c->query("select count(*) from schemata where schema_name = 'mysql'")->fetch_all());
	$say($c->select_db(getenv('MYSQL_DATABASE')));
	$say(preg_match('/^Uptime: \d+ /', $c->stat()));
	$say($c->character_set_name());
});

unit('local_infile', [], function ($c, $say) {
	$c->query("load data local infile '" . ROWS . "' into table loaded character set utf8mb4 (id, name) set file = 'mysqli'");
	$say($c->affected_rows, $c->info);
	$say($c->query("select id, name from loaded where file = 'mysqli' order by id")->fetch_all());
	$c->query("delete from loaded where file = 'mysqli'");
});

unit('only_recorded', [], fn ($c, $say) => $say($c->query('select now(6), uuid(), rand()')->fetch_all()));

mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
run(function () {
	$connection = mysqli_init();
	$connection->options(MYSQLI_OPT_LOCAL_INFILE, 1);
	$connection->real_connect(getenv('MYSQL_HOST'), getenv('MYSQL_USER'), getenv('MYSQL_PWD'), getenv('MYSQL_DATABASE'),
		(int) getenv('MYSQL_TCP_PORT'));
	$connection->set_charset('utf8mb4');
	return $connection;
});
