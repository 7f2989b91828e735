<?php
// SPDX-License-Identifier: Apache-2.0
// What the recorded PHP programs share; common.py says what units, POOL and SEED are. There are no threads: units
// take turns on the connections of the pool.

$units = [];

function unit(string $name, array $keys, callable $work): void
{
	global $units;
	if (!$keys)
		$units[] = [$name, $work, null];
	foreach ($keys as $key)
		$units[] = ["$name.$key", $work, $key];
}

function show(mixed $value): string
{
	if (is_string($value))
		return preg_match('//u', $value) && !preg_match('/[\x00-\x08\x0b-\x1f]/', $value) ? $value : 'hex ' . bin2hex($value);
	if (is_array($value)) {
		$parts = [];
		foreach ($value as $key => $inner)
			$parts[] = (is_int($key) ? '' : "$key: ") . show($inner);
		return '[' . implode(', ', $parts) . ']';
	}
	return var_export($value, true);
}

function run(callable $connect): void
{
	global $units, $argv;
	[$pool, $seed] = array_map('intval', array_slice($argv, -2));
	if ($seed) {
		mt_srand($seed);
		shuffle($units);
	}
	$connections = [];
	for ($i = 0; $i < $pool; $i++)
		$connections[] = $connect();
	$report = [];
	$failed = false;
	foreach ($units as $number => [$name, $work, $key]) {
		$lines = [];
		$say = function (...$values) use (&$lines) {
			$lines[] = implode(' ', array_map('show', $values));
		};
		try {
			$work($connections[$number % $pool], $say, $key);
		} catch (Throwable $error) {
			$failed = true;
			$lines[] = 'UNEXPECTED ' . strtok($error, "\n");
		}
		$report[$name] = $lines;
	}
	ksort($report, SORT_STRING);
	foreach ($report as $name => $lines)
		foreach ($lines as $line)
			echo "$name: $line\n";
	exit($failed ? 1 : 0);
}

const TABLES = ['integers', 'numbers', 'times', 'texts', 'binaries', 'documents'];
const ROWS = __DIR__ . '/mysql_rows.tsv';
