<?php
// SPDX-License-Identifier: Apache-2.0
// mysql_ask.py in PHP: `mysql_ask.php mysqli|emulated|native`.

function show(mixed $value): string
{
	if ($value === null)
		return 'NULL';
	if (!is_string($value))
		return var_export($value, true);
	return preg_match('//u', $value) && !str_contains($value, "\0") ? $value : bin2hex($value);
}

$way = $argv[1];
[$host, $port, $user, $password, $database] = array_map('getenv',
	['MYSQL_HOST', 'MYSQL_TCP_PORT', 'MYSQL_USER', 'MYSQL_PWD', 'MYSQL_DATABASE']);
if ($way === 'mysqli') {
	mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
	$connection = new mysqli($host, $user, $password, $database, (int) $port);
	$connection->set_charset('utf8mb4');
} else {
	$connection = new PDO("mysql:host=$host;port=$port;dbname=$database;charset=utf8mb4", $user, $password,
		[PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_EMULATE_PREPARES => $way === 'emulated']);
}
foreach (json_decode(file_get_contents(__DIR__ . '/mysql_ask.json'), true) as [$text, $values]) {
	$statement = $connection->prepare(str_replace('{}', '?', $text));
	if ($way === 'mysqli') {
		if ($values)
			$statement->bind_param(implode('', array_map(fn ($v) => is_int($v) ? 'i' : 's', $values)), ...$values);
		$statement->execute();
		$result = $statement->get_result();
		$rows = $result ? $result->fetch_all(MYSQLI_NUM) : null;
		$changed = $statement->affected_rows;
	} else {
		$statement->execute($values);
		$rows = $statement->columnCount() ? $statement->fetchAll(PDO::FETCH_NUM) : null;
		$changed = $statement->rowCount();
	}
	$lines = $rows === null ? ["changed $changed"] : array_map(fn ($row) => implode('|', array_map('show', $row)), $rows);
	echo implode('; ', [preg_replace('/\s+/', ' ', $text), ...$lines]), "\n";
}
