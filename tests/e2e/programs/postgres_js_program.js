// SPDX-License-Identifier: Apache-2.0
// postgres.js: named statements with random names, pipelines, array types asked of the catalog.
'use strict'

const postgres = require('postgres')
const { unit, run, range } = require('./common.js')

const failure = async (say, promise) => {
	try {
		await promise
		say('no error')
	} catch (error) {
		say(error.code, error.severity, error.message, error.detail, error.position,
			error.constraint_name)
	}
}

unit('read', range(1, 21), async (sql, say, key) => {
	const rows = await sql`SELECT * FROM items WHERE id = ${key}`
	say(rows.columns.map((column) => [column.name, column.type]), rows, rows.count, rows.command)
})

unit('values', [], async (sql, say) => {
	say(await sql`select ${true}::bool as a, ${7}::int as b, ${-7.25}::float8 as c`)
	say(await sql`select ${'9007199254740993'}::int8 as d`)
	say(await sql`select ${"it's \\ \"quoted\" $1"}::text as a, ${''}::text as b, ${null}::text as c`)
	say(await sql`select ${Buffer.from([0, 255, 1])}::bytea as a`)
	say(await sql`select ${new Date(1577934245678)}::timestamptz as b`)
	say(await sql`select ${sql.array([1, 2, 3])}::int[] as a, ${['x', 'y,z']}::text[] as b,
		array[[1,2],[3,null]] as c`)
	say(await sql`select ${sql.json({ a: [1, null], b: 'x' })}::jsonb as a`)
	say(await sql`select id from items where id in ${sql([3, 1, 2])} order by id`)
	say(await sql`select id from items where id = any(${[5, 4]}) order by id`)
})

unit('transfer', range(1, 9), async (sql, say, key) => {
	await sql.begin(async (transaction) => {
		for (const amount of [5, 7]) {
			say(await transaction`select balance from accounts where id = ${key}`)
			say((await transaction`update accounts set balance = balance - ${amount}
				where id = ${key}`).count)
		}
		say(await transaction`select balance from accounts where id = ${key}`)
	})
})

unit('insert', range(1, 5), async (sql, say, key) => {
	const rows = range(0, 3).map((n) => ({ worker: `i${key}`, n }))
	say(await sql`insert into written ${sql(rows)} returning id, at`)
	say((await sql`delete from written where worker = ${`i${key}`}`).count)
})

unit('count', [1, 2, 3], async (sql, say, key) => {
	for (let i = 0; i < 3; i++)
		say(await sql`select nextval(${`counter_${key}`})`)
})

unit('pipelined', [40, 60], async (sql, say, key) => {
	const answers = await Promise.all(range(key, key + 10).map((id) =>
		sql`select name from items where id = ${id}`))
	say(answers.map((rows) => rows[0].name))
})

unit('pipelined_transaction', [], async (sql, say) => {
	const answers = await sql.begin((transaction) => [
		transaction`insert into written (worker, n) values ('pipe', 1) returning n`,
		transaction`select n from written where worker = 'pipe'`,
		transaction`delete from written where worker = 'pipe'`,
	])
	say(answers.map((rows) => [rows.command, rows.count, rows]))
})

unit('savepoints', [], async (sql, say) => {
	await failure(say, sql.begin(async (transaction) => {
		await transaction`insert into written (worker, n) values ('save', 1)`
		await failure(say, transaction.savepoint((inner) =>
			inner`insert into written (worker, n) values ('save', 1)`))
		await transaction.savepoint('two', (inner) =>
			inner`insert into written (worker, n) values ('save', 2)`)
		say(await transaction`select n from written where worker = 'save' order by n`)
		throw Object.assign(new Error('rolled back'), { code: 'mine' })
	}))
	say(await sql`select n from written where worker = ${'save'}`)
})

unit('errors', [], async (sql, say) => {
	await failure(say, sql`select 1/${0}::int`)
	await failure(say, sql`selec 1`)
	await failure(say, sql`select * from missing where a = ${1}`)
	await failure(say, sql`insert into accounts values (${1}, 5)`)
	await failure(say, sql.unsafe('select 1; select 1/0; select 3'))
	say(await sql`select 'usable' as still`)
})

unit('unsafe', [], async (sql, say) => {
	say(await sql.unsafe('select id, name from items where id < 4 order by id'))
	say(await sql.unsafe("select 1 as a; select 'x;y' as b, 2 as c"))
	say(await sql.unsafe('select $1::text as a', ['given'], { prepare: true }))
	say(await sql`select name from items where id < 5 order by id`.values())
})

unit('described', [], async (sql, say) => {
	const { columns, types } = await sql`select id as number, made from items
		where name = ${'x'} and price > ${1}`.describe()
	say(columns.map((column) => [column.name, column.type]), types)
})

unit('odd', [], async (sql, say) => {
	say(await sql``.simple())
	say((await sql`select id from items where ${false}`).count)
	say((await sql`select from items where id < 4`).count)
	say(await sql`select 1 as a where false`)
})

unit('large', [], async (sql, say) => {
	const [{ a, b, c }] = await sql`select repeat('wide ', ${80000}::int) as a,
		repeat('ü', 200000) as b, 3 as c`
	say(a.length, a.slice(-6), b.length, b.slice(0, 3), c)
	say(await sql`select length(${'y'.repeat(300000)}), md5(${'z'.repeat(300000)})`)
	const rows = await sql`select n, n * 1.5 as m from generate_series(1, ${5000}::int) n`
	say(rows.length, rows[4999])
})

unit('only_recorded', [], async (sql, say) => {
	say(await sql`select clock_timestamp(), gen_random_uuid(), random()`)
})

async function main() {
	const sql = postgres({ max: Number(process.argv[2]), onnotice: () => {}, idle_timeout: 20 })
	await run((work) => work(sql))
	await sql.end()
}

main()
