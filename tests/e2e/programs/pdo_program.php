<?php
// SPDX-License-Identifier: Apache-2.0
// PDO: `pdo_program.php emulated` writes values into the text, `native` prepares in the server.

require __DIR__ . '/units.php';

$way = array_splice($argv, 1, 1)[0];

function ask(PDO $c, string $sql, mixed ...$values): array|int
{
	$statement = $c->prepare($sql);
	$statement->execute($values);
	return $statement->columnCount() ? $statement->fetchAll(PDO::FETCH_ASSOC) : $statement->rowCount();
}

function failure(callable $say, callable $work): void
{
	try {
		$work();
		$say('no error');
	} catch (PDOException $error) {
		$say($error->errorInfo);
	}
}

unit('read', range(1, 20), function ($c, $say, $key) {
	$say(ask($c, 'SELECT * FROM items WHERE id = ?', $key));
});

unit('types', TABLES, function ($c, $say, $table) {
	$statement = $c->prepare("select * from $table where id > ? order by id");
	$statement->execute([0]);
	for ($i = 0; $i < $statement->columnCount(); $i++) {
		$meta = $statement->getColumnMeta($i);
		$say($meta['name'], $meta['native_type'] ?? '-', $meta['len'], $meta['precision'], $meta['flags']);
	}
	foreach ($statement as $row)
		$say(array_filter($row, 'is_int', ARRAY_FILTER_USE_KEY));
});

unit('values', [], function ($c, $say) {
	$given = [[7, PDO::PARAM_INT], [-7, PDO::PARAM_INT], [PHP_INT_MAX, PDO::PARAM_INT], ['1.5', PDO::PARAM_STR],
		["it's \\ \"quoted\" ; -- ?", PDO::PARAM_STR], ['', PDO::PARAM_STR], ['Grüße 🐘', PDO::PARAM_STR],
		[null, PDO::PARAM_NULL], [true, PDO::PARAM_BOOL]];
	foreach ($given as [$value, $type]) {
		$statement = $c->prepare('SELECT :v AS v');
		$statement->bindValue(':v', $value, $type);
		$statement->execute();
		$say($statement->fetchAll(PDO::FETCH_NUM));
	}
	$blob = $c->prepare('select hex(?)');
	$blob->bindValue(1, "\0\xff'\\\x01", PDO::PARAM_LOB);
	$blob->execute();
	$say($blob->fetchAll(PDO::FETCH_NUM));
	$say(ask($c, 'select id, name from latin where name = ?', 'Grüße'));
	$say($c->query('select id, price * 2 as twice from items where id between ' . $c->quote('3') . ' and 4')->fetchAll(PDO::FETCH_NUM));
});

unit('reexecuted', [], function ($c, $say) {
	$statement = $c->prepare('select id, name from items where id = :id or name = :name order by id');
	foreach ([[3, 'item 4'], [5, null], [null, 'item 6'], ['7', 8]] as [$id, $name]) {
		$statement->execute(['id' => $id, 'name' => $name]);
		$say($statement->fetchAll(PDO::FETCH_NUM));
	}
});

unit('transfer', range(1, 8), function ($c, $say, $key) {
	$c->beginTransaction();
	foreach ([5, 7] as $amount) {
		$say(ask($c, 'select balance from accounts where id = ?', $key));
		$say(ask($c, 'update accounts set balance = balance - ? where id = ?', $amount, $key));
	}
	$c->commit();
	$say(ask($c, 'select balance from accounts where id = ?', $key));
});

unit('insert', range(1, 4), function ($c, $say, $key) {
	foreach (range(0, 2) as $n)
		$say(ask($c, 'insert into written (worker, n) values (?, ?)', "i$key", $n), $c->lastInsertId());
	$say(ask($c, 'select id, n, made from written where worker = ?', "i$key"));
	$say(ask($c, 'delete from written where worker = ?', "i$key"));
});

unit('rollback', [], function ($c, $say) {
	$c->beginTransaction();
	ask($c, 'insert into written (worker, n) values (?, ?)', 'rollback', 1);
	$c->exec('savepoint one');
	ask($c, 'insert into written (worker, n) values (?, ?)', 'rollback', 2);
	$c->exec('rollback to savepoint one');
	$say(ask($c, 'select n from written where worker = ?', 'rollback'), $c->inTransaction());
	$c->rollBack();
	$say(ask($c, 'select n from written where worker = ?', 'rollback'), $c->inTransaction());
});

unit('errors', [], function ($c, $say) {
	failure($say, fn () => ask($c, 'selec 1'));
	failure($say, fn () => ask($c, 'select * from missing where a = ?', 1));
	failure($say, fn () => ask($c, 'insert into accounts values (?, 5)', 1));
	failure($say, fn () => ask($c, 'update accounts set balance = ? where id = 150', -1));
	$say(ask($c, "select 'usable' as still"));
});

unit('several', [], function ($c, $say) {
	global $way;
	if ($way === 'native')
		return; // a prepared statement is one
	$statement = $c->query("select 1 as one; select 2 as two, 'a;b' as b; select id from items where id < 0");
	do {
		$say($statement->fetchAll(PDO::FETCH_ASSOC));
	} while ($statement->nextRowset());
	$statement->closeCursor();
	$say($c->exec("insert into written (worker, n) values ('several', 1); delete from written where worker = 'several'"));
});

unit('procedures', [], function ($c, $say) {
	$statement = $c->prepare('call three_sets(?)');
	foreach ([2, 3] as $given) {
		$statement->execute([$given]);
		do {
			if ($statement->columnCount())
				$say($statement->fetchAll(PDO::FETCH_NUM));
		} while ($statement->nextRowset());
		$statement->closeCursor();
	}
	$c->exec("set @b = 0, @c = 'c'");
	$statement = $c->query('call with_out(21, @b, @c)');
	$say($statement->fetchAll(PDO::FETCH_NUM));
	$statement->closeCursor();
	$say(ask($c, 'select @b, @c'));
});

unit('unbuffered', [], function ($c, $say) {
	$c->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, false);
	$statement = $c->prepare('select id, name from cheap where id > ? order by id');
	$statement->execute([2]);
	while ($row = $statement->fetch(PDO::FETCH_NUM))
		$say($row);
	$statement->closeCursor();
	$c->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, true);
});

unit('autocommit', [], function ($c, $say) {
	$c->setAttribute(PDO::ATTR_AUTOCOMMIT, false);
	ask($c, 'insert into written (worker, n) values (?, ?)', 'auto', 1);
	$c->exec('rollback');
	$c->setAttribute(PDO::ATTR_AUTOCOMMIT, true);
	$say(ask($c, 'select n from written where worker = ?', 'auto'));
});

unit('local_infile', [], function ($c, $say) {
	global $way;
	$say($c->exec("load data local infile '" . ROWS . "' into table loaded character set utf8mb4 (id, name) set file = '$way'"));
	$say(ask($c, 'select id, name from loaded where file = ? order by id', $way));
	$say(ask($c, 'delete from loaded where file = ?', $way));
});

unit('only_recorded', [], fn ($c, $say) => $say(ask($c, 'select now(6), uuid(), rand()')));

run(function () use ($way) {
	$where = 'host=' . getenv('MYSQL_HOST') . ';port=' . getenv('MYSQL_TCP_PORT') . ';dbname=' . getenv('MYSQL_DATABASE');
	return new PDO("mysql:$where;charset=utf8mb4", getenv('MYSQL_USER'), getenv('MYSQL_PWD'), [
		PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
		PDO::ATTR_EMULATE_PREPARES => $way === 'emulated',
		PDO::MYSQL_ATTR_LOCAL_INFILE => true,
	]);
});
