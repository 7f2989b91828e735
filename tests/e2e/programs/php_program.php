<?php
// SPDX-License-Identifier: Apache-2.0
// PHP: the pgsql extension, and PDO with prepared statements of the server and with emulated ones.
// common.py says what units, POOL and SEED are; called as `php_program.php POOL SEED`. PHP has no
// threads: the units take the connections in turn.

$units = [];

function unit(string $name, callable $work): void
{
	global $units;
	$units[$name] = $work;
}

function pdo(bool $emulate): PDO
{
	$env = getenv();
	return new PDO("pgsql:host={$env['PGHOST']};port={$env['PGPORT']};dbname={$env['PGDATABASE']}",
		$env['PGUSER'], $env['PGPASSWORD'] ?? '', [
			PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
			PDO::ATTR_EMULATE_PREPARES => $emulate,
			PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
		]);
}

function show(mixed $value): mixed
{
	if (is_resource($value))
		return bin2hex(stream_get_contents($value));
	return is_array($value) ? array_map('show', $value) : $value;
}

/* What both kinds of PDO do. */
function pdo_units(string $kind): void
{
	for ($id = 1; $id <= 8; $id++)
		unit("$kind.read.$id", function ($c, $say) use ($id) {
			$statement = $c->prepare('SELECT * FROM items WHERE id = :id');
			$statement->execute(['id' => $id]);
			$say(show($statement->fetchAll()), $statement->rowCount());
		});
	unit("$kind.types", function ($c, $say) {
		$statement = $c->prepare(
			'select ?::int + 1 as a, ?::text as b, ?::bool as c, ?::bytea as d, ?::int as e');
		$statement->bindValue(1, 5, PDO::PARAM_INT);
		$statement->bindValue(2, "it's \\ \"q\" ?");
		$statement->bindValue(3, true, PDO::PARAM_BOOL);
		$statement->bindValue(4, "\x00\xff", PDO::PARAM_LOB);
		$statement->bindValue(5, null, PDO::PARAM_NULL);
		$statement->execute();
		$say(show($statement->fetch()));
		$say($statement->getColumnMeta(0)['native_type'], $statement->getColumnMeta(1)['native_type']);
	});
	unit("$kind.again", function ($c, $say) {
		$statement = $c->prepare('select name from items where id = ? and name like ?');
		foreach ([21, 22, 23] as $id) {
			$statement->execute([$id, 'item%']);
			$say($statement->fetchColumn());
		}
	});
	unit("$kind.transaction", function ($c, $say) use ($kind) {
		$c->beginTransaction();
		$statement = $c->prepare('insert into written (worker, n) values (?, ?) returning id, at');
		foreach ([1, 2] as $n) {
			$statement->execute(["$kind", $n]);
			$say($statement->fetchAll());
		}
		$say($c->exec("update written set note = 'php' where worker = '$kind'"));
		$say($c->query('select max(id) = lastval() as same from written')->fetchAll());
		$c->rollBack();
		$say($c->query("select count(*) from written where worker = '$kind'")->fetchAll());
	});
	unit("$kind.errors", function ($c, $say) {
		$wrong = ['selec 1' => [], 'select * from missing where a = ?' => [1],
			'select 1/?::int' => [0], 'insert into accounts values (?, 5)' => [1]];
		foreach ($wrong as $sql => $values) {
			try {
				$c->prepare($sql)->execute($values);
				$say('no error');
			} catch (PDOException $error) {
				$say($error->getCode(), $error->errorInfo[2]);
			}
		}
	});
	unit("$kind.plain", function ($c, $say) {
		$say($c->query('select id, name from items where id < 4 order by id')->fetchAll(PDO::FETCH_NUM));
		$say($c->quote("it's"), $c->getAttribute(PDO::ATTR_SERVER_VERSION));
	});
}

pdo_units('native');
pdo_units('emulated');

unit('pgsql.params', function ($c, $say) {
	foreach ([1, 2] as $id) {
		$result = pg_query_params($c, 'select * from items where id = $1', [$id]);
		$say(pg_fetch_all($result), pg_num_rows($result), pg_field_type($result, 2));
	}
});
unit('pgsql.prepared', function ($c, $say) {
	pg_prepare($c, 'mine', 'select name, price from items where id = $1');
	foreach ([31, 32] as $id)
		$say(pg_fetch_row(pg_execute($c, 'mine', [$id])));
	pg_query($c, 'deallocate mine');
});
unit('pgsql.prepared_by_sql', function ($c, $say) {
	pg_query($c, 'PREPARE Told (int) AS select name, price from items where id = $1');
	foreach ([33, 34] as $id)
		$say(pg_fetch_row(pg_execute($c, 'told', [$id])));
	$say(pg_fetch_row(pg_query($c, 'execute told (35)')));
	pg_query($c, 'deallocate told');
	$say(@pg_execute($c, 'told', [33]), explode("\n", pg_last_error($c))[0]);
});
unit('pgsql.several', function ($c, $say) {
	pg_send_query($c, "select 1 as one; select 'a;b' as two");
	while ($result = pg_get_result($c))
		$say(pg_fetch_all($result));
});
unit('pgsql.meta', function ($c, $say) {
	$say(pg_meta_data($c, 'items'));
	$say(pg_select($c, 'accounts', ['id' => '55']));
	$say(pg_insert($c, 'written', ['worker' => 'php_insert', 'n' => '1']) !== false);
	$say(pg_delete($c, 'written', ['worker' => 'php_insert']));
});
unit('pgsql.settings', function ($c, $say) {
	$say(pg_client_encoding($c), pg_parameter_status($c, 'client_encoding'));
	pg_set_client_encoding($c, 'LATIN1');
	$say(bin2hex(pg_fetch_result(pg_query($c, "select 'Gr' || chr(252) || chr(223)"), 0, 0)));
	$say(pg_client_encoding($c));
	pg_set_client_encoding($c, 'UTF8');
});
unit('pgsql.errors', function ($c, $say) {
	$say(@pg_query($c, 'select 1/0'), pg_last_error($c));
	pg_send_query_params($c, 'select $1::int', ['x']);
	$result = pg_get_result($c);
	$say(pg_result_error_field($result, PGSQL_DIAG_SQLSTATE),
		pg_result_error_field($result, PGSQL_DIAG_MESSAGE_PRIMARY));
	while (pg_get_result($c))
		;
	$say(pg_fetch_result(pg_query($c, 'select noisy(5)'), 0, 0), pg_last_notice($c, PGSQL_NOTICE_ALL));
	pg_last_notice($c, PGSQL_NOTICE_CLEAR);
});

[, $pool, $seed] = array_map('intval', $argv);
$names = array_keys($units);
if ($seed) {
	mt_srand($seed);
	shuffle($names);
}
$connections = ['native' => [], 'emulated' => [], 'pgsql' => []];
for ($i = 0; $i < $pool; $i++) {
	$connections['native'][] = pdo(false);
	$connections['emulated'][] = pdo(true);
	$connections['pgsql'][] = pg_connect('', PGSQL_CONNECT_FORCE_NEW);
}
$report = [];
$failed = false;
foreach ($names as $i => $name) {
	$report[$name] = [];
	$say = function (...$values) use (&$report, $name) {
		$report[$name][] = implode(' ', array_map('json_encode', $values));
	};
	try {
		$units[$name]($connections[explode('.', $name)[0]][$i % $pool], $say);
	} catch (Throwable $error) {
		$failed = true;
		$report[$name][] = 'UNEXPECTED ' . $error->getMessage();
	}
}
ksort($report);
foreach ($report as $name => $lines)
	foreach ($lines as $line)
		echo "$name: $line\n";
exit($failed ? 1 : 0);
