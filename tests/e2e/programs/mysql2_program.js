// SPDX-License-Identifier: Apache-2.0
// mysql2: `mysql2_program.js query` writes values into the text, `execute` prepares every statement once and executes
// it with binary values.
'use strict'

const fs = require('node:fs')
const mysql = require('mysql2/promise')
const { unit, run } = require('./common.js')
const { settings, failure, readingUnits, writingUnits, load, ROWS } = require('./mysql_values.js')

const way = process.argv.splice(2, 1)[0]

async function ask(connection, text, values) {
	const [rows, fields] = await connection[way](text, values)
	// A procedure has a list of columns for each result.
	return [rows, fields && fields.flat().map((field) => field && [field.name, field.columnType])]
}

readingUnits(ask)
writingUnits(ask)

unit('several', [], async (connection, say) => {
	say(...(await connection.query("select 1; select 2 as two, 'a;b' as b; select id from items where id < 0")).slice(0, 1))
	const [done] = await connection.query("insert into written (worker, n) values ('several', 1);"
		+ " update written set note = 'x' where worker = 'several'; delete from written where worker = 'several'")
	say(done.map((one) => one.affectedRows))
	await failure(say, connection.query("select 'before'; selec 1; select 'after'"))
	say((await connection.query("select 'usable' as still"))[0])
})

unit('local_infile', [], async (connection, say) => {
	await load(connection, say, way, { infileStreamFactory: () => fs.createReadStream(ROWS) })
})

unit('change_user', [], async (connection, say) => {
	await connection.changeUser({ user: settings.user, password: settings.password, database: settings.database })
	say((await connection.query('select count(*) as n from items'))[0])
})

unit('reset', [], async (connection, say) => {
	await connection.query('set @kept = 5')
	await connection.reset()
	say((await connection.query('select @kept as kept'))[0])
})

unit('use', [], async (connection, say) => {
	await connection.query('use information_schema')
	say((await connection.query("select count(*) as n from schemata where schema_name = 'mysql'"))[0])
	await connection.query(`use ${settings.database}`)
	say((await connection.query('select count(*) as n from written where id < 0'))[0])
})

unit('unprepared', [], async (connection, say) => {
	const statement = await connection.prepare('select id, name from items where id = ?')
	for (const id of [31, '32', 33.0, null])
		say((await statement.execute([id]))[0])
	await statement.close()
	connection.unprepare('SELECT ? AS v')
	say((await connection.execute('SELECT ? AS v', ['again']))[0])
})

unit('text_of_vectors', [], async (connection, say) => {
	if (process.env.SERVER_KIND === 'mysql')
		say((await ask(connection, 'select id, v from vectors order by id'))[0])
})

async function main() {
	const pool = mysql.createPool({
		...settings,
		connectionLimit: Number(process.argv[2]),
		multipleStatements: true,
		supportBigNumbers: true,
		flags: ['+LOCAL_FILES'],
	})
	await run(async (work) => {
		const connection = await pool.getConnection()
		try {
			await work(connection)
		} finally {
			connection.release()
		}
	})
	await pool.end()
}

main()
