// SPDX-License-Identifier: Apache-2.0
// mariadb (npm): pipelining, execute(), batch() by MariaDB's bulk command or one statement after another.
'use strict'

const fs = require('node:fs')
const mariadb = require('mariadb')
const { unit, run, range } = require('./common.js')
const { settings, failure, readingUnits, writingUnits, load, ROWS } = require('./mysql_values.js')

const options = { ...settings, multipleStatements: true, allowPublicKeyRetrieval: true, timezone: 'Z' }

async function ask(connection, text, values) {
	const rows = await connection.query(text, values)
	if (!Array.isArray(rows))
		return [rows]
	return [[...rows], rows.meta && rows.meta.map((column) => column && column.name && [column.name(), column.type])]
}

readingUnits(ask)
writingUnits(ask)

unit('execute', range(1, 5), async (connection, say, key) => {
	for (const id of [key, String(key + 1), BigInt(key + 2)])
		say([...await connection.execute('select * from items where id = ?', [id])])
	say([...await connection.execute('select ? as v, ? as w', [key / 7, Buffer.from([0, 255])])])
	const done = await connection.execute('insert into written (worker, n) values (?, ?)', [`x${key}`, key])
	say(done.affectedRows)
	say((await connection.execute('delete from written where worker = ?', [`x${key}`])).affectedRows)
})

unit('pipelined', [], async (connection, say) => {
	const answers = await Promise.all(range(40, 50).map((id) =>
		connection.query('select name from items where id = ?', [id])))
	say(answers.map((answer) => answer[0].name))
	const prepared = await Promise.all(range(50, 60).map((id) =>
		connection.execute('select price from items where id = ?', [id])))
	say(prepared.map((answer) => answer[0].price))
	const mixed = await Promise.allSettled([
		connection.query('select 1 as one'), connection.query('selec 1'), connection.execute('select ? as two', [2])])
	say(mixed.map((one) => one.status === 'fulfilled' ? one.value[0] : one.reason.errno))
})

unit('prepared', [], async (connection, say) => {
	const statement = await connection.prepare('select id, name from items where id = ?')
	for (const id of [31, '32', null])
		say([...await statement.execute([id])])
	statement.close()
})

unit('batch', [], async (connection, say) => {
	await connection.beginTransaction()
	const rows = range(0, 12).map((n) => ['batch', n, n % 4 ? `note ${n}` : null])
	say((await connection.batch('insert into written (worker, n, note) values (?, ?, ?)', rows)).affectedRows)
	const changes = range(0, 3).map((n) => [`changed ${n}`, n])
	say((await connection.batch("update written set note = ? where worker = 'batch' and n = ?", changes)).affectedRows)
	say([...await connection.query("select n, note from written where worker = 'batch' order by n")])
	await connection.rollback()
})

unit('several', [], async (connection, say) => {
	say((await connection.query("select 1; select 2 as two, 'a;b' as b; select id from items where id < 0"))
		.map((rows) => [...rows]))
	await failure(say, connection.query("select 'before'; selec 2; select 'after'"))
})

unit('streamed', [], async (connection, say) => {
	for await (const row of connection.queryStream('select id, name from cheap order by id'))
		say(row)
})

unit('local_infile', [], async (_, say) => {
	// This driver does not do both: its answer would come among commands already sent.
	const own = await mariadb.createConnection({ ...options, permitLocalInfile: true, pipelining: false })
	await load(own, say, 'mariadb_js', { infileStreamFactory: () => fs.createReadStream(ROWS) })
	await own.end()
})

unit('change_user', [], async (connection, say) => {
	if (process.env.SERVER_KIND === 'mysql')
		return // the driver refuses: MySQL's bug 83472
	await connection.changeUser({ user: settings.user, password: settings.password, database: settings.database })
	say([...await connection.query('select count(*) as n from items')])
})

unit('reset', [], async (connection, say) => {
	await connection.query('set @kept = 5')
	await connection.reset()
	say([...await connection.query('select @kept as kept')])
})

async function main() {
	const pool = mariadb.createPool({
		...options,
		connectionLimit: Number(process.argv[2]),
		acquireTimeout: 60000,
		minimumIdle: Number(process.argv[2]),
		pipelining: true,
		// A connection that was idle for so long is pinged before it is given out: never, or the number of
		// exchanges would be up to the machine.
		minDelayValidation: 1000000,
	})
	await run(async (work) => {
		const connection = await pool.getConnection()
		try {
			await work(connection)
		} finally {
			await connection.release()
		}
	})
	await pool.end()
}

main()
