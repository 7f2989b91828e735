// SPDX-License-Identifier: Apache-2.0
// What the MySQL programs in Node share: where the server is, and units that both drivers run. `ask(connection, text,
// values)` gives [rows, names of the columns] or the OK as an object.
'use strict'

const path = require('node:path')
const { unit, range } = require('./common.js')

const TABLES = ['integers', 'numbers', 'times', 'texts', 'binaries', 'documents']
const ROWS = path.join(__dirname, 'mysql_rows.tsv')

const settings = {
	host: process.env.MYSQL_HOST,
	port: Number(process.env.MYSQL_TCP_PORT),
	user: process.env.MYSQL_USER,
	password: process.env.MYSQL_PWD,
	database: process.env.MYSQL_DATABASE,
	timezone: '+00:00',
	connectTimeout: 60000, // a machine with other things to do lets Node wait, and its timers fire first
}

async function failure(say, promise) {
	try {
		await promise
		say('no error')
	} catch (error) {
		say(error.errno, error.sqlState, error.sqlMessage)
	}
}

function readingUnits(ask) {
	unit('read', range(1, 21), async (connection, say, key) => {
		say(...await ask(connection, 'SELECT * FROM items WHERE id = ?', [key]))
	})
	unit('types', TABLES, async (connection, say, table) => {
		for (const id of range(1, 8)) {
			const [rows, names] = await ask(connection, `select * from ${table} where id = ?`, [id])
			say(names)
			for (const row of rows)
				say(row)
		}
	})
	unit('values', [], async (connection, say) => {
		const given = [null, true, 7, -7, 1.5, 1e300, 2n ** 63n - 1n, "it's \\ \"quoted\" ; -- ?", '',
			'Grüße 🐘', new Date(Date.UTC(2020, 1, 29, 3, 4, 5, 678))]
		for (const value of given)
			say(...await ask(connection, 'SELECT ? AS v', [value]))
		say(...await ask(connection, 'SELECT hex(?)', [Buffer.from("\0\xff'\\\x01", 'latin1')]))
		say(...await ask(connection, 'select id from items where name = ? and id > ?', ['item 9', 1]))
		say(...await ask(connection, 'select name, price from items where made between ? and ? order by id limit 2',
			['2020-03-10', new Date(Date.UTC(2020, 2, 12))]))
		say(...await ask(connection, 'select id, name, hex(name) from latin where name = ?', ['Grüße']))
	})
	unit('results', [], async (connection, say) => {
		const [rows] = await ask(connection, 'select id, name, price, weight from items order by id limit 100')
		say(rows.length, rows[0], rows[99])
		say(...await ask(connection, 'select id from items where id < ?', [0]))
		const [[wide]] = await ask(connection, 'select repeat(?, 70000) as wide, length(?) as n', ['x', 'y'.repeat(300000)])
		say(Object.values(wide).map((value) => String(value).length))
	})
	unit('only_recorded', [], async (connection, say) => {
		say(...await ask(connection, 'select now(6), uuid(), rand()'))
	})
}

function writingUnits(ask) {
	unit('transfer', range(1, 9), async (connection, say, key) => {
		await connection.beginTransaction()
		for (const amount of [5, 7]) {
			say(...await ask(connection, 'select balance from accounts where id = ?', [key]))
			const [done] = await ask(connection, 'update accounts set balance = balance - ? where id = ?', [amount, key])
			say(done.affectedRows)
		}
		await connection.commit()
		say(...await ask(connection, 'select balance from accounts where id = ?', [key]))
	})
	unit('insert', range(1, 5), async (connection, say, key) => {
		for (const n of range(0, 3)) {
			const text = 'insert into written (worker, n) values (?, ?)'
			const [done] = await ask(connection, text, [`i${key}`, n])
			say(done.affectedRows, done.insertId, done.warningStatus)
		}
		say(...await ask(connection, 'select id, n, made from written where worker = ?', [`i${key}`]))
		const [done] = await ask(connection, 'delete from written where worker = ?', [`i${key}`])
		say(done.affectedRows)
	})
	unit('count', [1, 2, 3], async (connection, say, key) => {
		for (let i = 0; i < 3; i++) {
			const text = 'update counters set n = last_insert_id(n + 1) where id = ?'
			say((await ask(connection, text, [key]))[0].insertId)
			say(...await ask(connection, 'select n from counters where id = ?', [key]))
		}
	})
	unit('rollback', [], async (connection, say) => {
		await connection.beginTransaction()
		await ask(connection, 'insert into written (worker, n) values (?, ?)', ['rollback', 1])
		await connection.query('savepoint one')
		await ask(connection, 'insert into written (worker, n) values (?, ?)', ['rollback', 2])
		await connection.query('rollback to savepoint one')
		say(...await ask(connection, 'select n from written where worker = ?', ['rollback']))
		await connection.rollback()
		say(...await ask(connection, 'select n from written where worker = ?', ['rollback']))
	})
	unit('errors', [], async (connection, say) => {
		await failure(say, ask(connection, 'selec 1'))
		await failure(say, ask(connection, 'select * from missing where a = ?', [1]))
		await failure(say, ask(connection, 'insert into accounts values (?, 5)', [1]))
		await failure(say, ask(connection, 'update accounts set balance = ? where id = 150', [-1]))
		await failure(say, ask(connection, 'call fails(?)', [4]))
		say(...await ask(connection, "select 'usable' as still"))
	})
	unit('warnings', [], async (connection, say) => {
		say(...await ask(connection, 'select 1/0, cast(? as signed)', ['12x']))
		const shown = await connection.query('show warnings') // MySQL cannot prepare it
		say(Array.isArray(shown[0]) ? shown[0] : [...shown])
	})
	unit('procedures', [], async (connection, say) => {
		for (const given of [2, 3])
			say((await ask(connection, 'call three_sets(?)', [given]))[0])
		await connection.query('set @b = 0, @c = ?', ['c'])
		say((await ask(connection, 'call with_out(?, @b, @c)', [21]))[0])
		say(...await ask(connection, 'select @b, @c'))
	})
	unit('ping', [], async (connection, say) => {
		await connection.ping()
		say(...await ask(connection, 'select 2 + 2 as four'))
	})
}

// The rows of ROWS, by LOCAL INFILE and back.
async function load(connection, say, file, options) {
	const text = `load data local infile '${ROWS}' into table loaded character set utf8mb4 (id, name) set file = '${file}'`
	const done = await connection.query({ sql: text, ...options })
	say((Array.isArray(done) ? done[0] : done).affectedRows)
	const rows = await connection.query(`select id, name from loaded where file = '${file}' order by id`)
	say(Array.isArray(rows[0]) ? rows[0] : rows)
	await connection.query(`delete from loaded where file = '${file}'`)
}

module.exports = { settings, failure, readingUnits, writingUnits, load, ROWS }
