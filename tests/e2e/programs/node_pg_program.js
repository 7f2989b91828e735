// SPDX-License-Identifier: Apache-2.0
// node-postgres: simple queries without values, unnamed statements with them, named ones by name;
// results in text.
'use strict'

const { Pool } = require('pg')
const { unit, run, range } = require('./common.js')

const failure = async (say, promise) => {
	try {
		await promise
		say('no error')
	} catch (error) {
		say(error.code, error.severity, error.message, error.detail, error.position, error.constraint)
	}
}

unit('read', range(1, 21), async (client, say, key) => {
	const result = await client.query('SELECT * FROM items WHERE id = $1', [key])
	say(result.fields.map((field) => [field.name, field.dataTypeID]), result.rows, result.rowCount,
		result.command)
})

unit('read_named', range(21, 31), async (client, say, key) => {
	for (const id of [key, key + 1]) {
		const text = 'select name, price from items where id = $1'
		say((await client.query({ name: 'by-id', text, values: [id] })).rows)
	}
})

unit('read_simple', [], async (client, say) => {
	const one = await client.query('select id, name from items where id < 4 order by id')
	say(one.rows)
	const several = await client.query("select 1 as a; select 'x;y' as b, 2 as c; -- nothing\n" +
		' insert into accounts select 1, 1 where false')
	say(several.map((result) => [result.command, result.rowCount, result.rows]))
	const arrays = await client.query({ text: 'select 1 as a, 2 as a', rowMode: 'array' })
	say(arrays.rows)
})

unit('values', [], async (client, say) => {
	const given = [
		['bool', true], ['int4', 7], ['float8', -7.25], ['int8', 2 ** 40], ['text', ''],
		['text', "it's \\ \"quoted\" $1"], ['bytea', Buffer.from([0, 255, 1])], ['text', null],
		['timestamptz', new Date(1577934245678)], ['int[]', [1, null, 3]],
		['text[]', ['a', 'b,c', null]], ['jsonb', { a: [1, null], b: 'x' }],
		['numeric', 12345678901234567890n],
	]
	for (const [type, value] of given) {
		const result = await client.query(`select $1::${type} as v`, [value])
		say(type, result.fields[0].dataTypeID, result.rows)
	}
	const text = 'select $1::int as v, $2::text as w'
	say((await client.query({ text, values: [5, 'five'], binary: true })).rows)
	say((await client.query('select id from items where id = any($1) order by id', [[3, 2, 1]])).rows)
})

unit('transfer', range(1, 9), async (client, say, key) => {
	await client.query('BEGIN')
	for (const amount of [5, 7]) {
		say((await client.query('select balance from accounts where id = $1', [key])).rows)
		const update = 'update accounts set balance = balance - $1 where id = $2'
		say((await client.query(update, [amount, key])).rowCount)
	}
	say((await client.query('select balance from accounts where id = $1', [key])).rows)
	await client.query('COMMIT')
})

unit('insert', range(1, 5), async (client, say, key) => {
	await client.query('BEGIN')
	const text = 'insert into written (worker, n) values ($1, $2) returning id, at'
	for (const n of range(0, 3))
		say((await client.query(text, [`i${key}`, n])).rows)
	say((await client.query('delete from written where worker = $1', [`i${key}`])).rowCount)
	await client.query('COMMIT')
})

unit('count', [1, 2, 3], async (client, say, key) => {
	for (let i = 0; i < 3; i++)
		say((await client.query(`select nextval('counter_${key}')`)).rows)
})

unit('savepoints', [], async (client, say) => {
	await client.query('begin isolation level repeatable read')
	await client.query("insert into written (worker, n) values ('save', 1)")
	await client.query('savepoint one')
	await failure(say, client.query("insert into written (worker, n) values ('save', $1)", [1]))
	await failure(say, client.query("select 'in a failed transaction'"))
	await client.query('rollback to savepoint one')
	say((await client.query("select n from written where worker = 'save'")).rows)
	await client.query('rollback')
	say((await client.query('select n from written where worker = $1', ['save'])).rows)
})

unit('errors', [], async (client, say) => {
	await failure(say, client.query('select 1/0'))
	await failure(say, client.query('select 1/$1::int', [0]))
	await failure(say, client.query('selec 1'))
	await failure(say, client.query('select * from missing where a = $1', [1]))
	await failure(say, client.query({ name: 'broken', text: 'select * from missing', values: [] }))
	await failure(say, client.query('insert into accounts values ($1, 5)', [1]))
	await failure(say, client.query('select $1::int', ['x']))
	await failure(say, client.query('select 1; select 1/0; select 3'))
	say((await client.query("select 'usable' as still")).rows)
})

unit('notices', [], async (client, say) => {
	const listener = (notice) => say(notice.severity, notice.message, notice.detail, notice.hint)
	client.on('notice', listener)
	say((await client.query('select noisy($1)', [41])).rows)
	client.off('notice', listener)
})

unit('pipelined', [], async (client, say) => {
	// The client queues them; each goes when the one before was answered.
	const answers = await Promise.all(range(40, 50).map((id) =>
		client.query('select name from items where id = $1', [id])))
	say(answers.map((answer) => answer.rows[0].name))
})

unit('odd', [], async (client, say) => {
	say((await client.query('')).rows)
	say((await client.query('/* nothing */ ;')).rows)
	say((await client.query('select id from items where $1', [false])).rows)
	say((await client.query('select from items where id < 4')).rowCount)
	say((await client.query('create temp table scratch_n (a int)')).command)
	say((await client.query('drop table scratch_n')).command)
})

unit('large', [], async (client, say) => {
	const wide = "select repeat('wide ', $1) as a, repeat('ü', 200000) as b, 3 as c"
	const { a, b, c } = (await client.query(wide, [80000])).rows[0]
	say(a.length, a.slice(-6), b.length, b.slice(0, 3), c)
	const given = ['y'.repeat(300000), 'z'.repeat(300000)]
	say((await client.query('select length($1), md5($2)', given)).rows)
	const series = 'select n, n * 1.5 as m from generate_series(1, $1) n'
	const rows = (await client.query(series, [5000])).rows
	say(rows.length, rows[4999])
})

unit('only_recorded', [], async (client, say) => {
	say((await client.query('select clock_timestamp(), gen_random_uuid(), random()')).rows)
})

async function main() {
	const pool = new Pool({ max: Number(process.argv[2]), allowExitOnIdle: true })
	await run(async (work) => {
		const client = await pool.connect()
		try {
			await work(client)
		} finally {
			client.release()
		}
	})
	await pool.end()
}

main()
