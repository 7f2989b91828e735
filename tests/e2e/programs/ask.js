// SPDX-License-Identifier: Apache-2.0
// The questions of ask.py through node-postgres or postgres.js, with the same report:
// `ask.js DRIVER`.
'use strict'

const questions = [
	['select id, name, price, made from items where id = {}', [5]],
	['select name from items where id between {} and {} order by id', [3, 6]],
	['select id from items where name = {}', ['item 9']],
	['select id, made from items where made::text > {} and id < {} order by id', ['2020-03-10', 15]],
	['SELECT  Count(*) FROM items -- as many as there are\n WHERE id < {}', [10]],
	['select weight, raw, seen from items where id = {}', [8]],
	['select true as yes, null as nothing, 1 as one', []],
	['select id from items where id = {}', [-5]],
	['select 5 as slow from pg_sleep(0.9)', []],
	['insert into written (worker, n, note) values ({}, {}, {}) returning n, note',
		['ask', 1, "it's"]],
	['update written set note = {} where worker = {}', ['changed', 'ask']],
	['delete from written where worker = {} returning n', ['ask']],
]

// As Python's str() has it.
function show(value, name) {
	if (value === null)
		return 'None'
	if (value === true)
		return 'True'
	if (Buffer.isBuffer(value))
		return value.toString('hex')
	if (value instanceof Date)
		return name === 'made' ? value.toISOString().slice(0, 10)
			: value.toISOString().replace('T', ' ').replace('Z', '000+00:00')
	return String(value)
}

function repr(part) {
	if (typeof part !== 'string')
		return String(part)
	return part.includes("'") ? `"${part}"` : `'${part}'`
}

const number = (text) => {
	let n = 0
	return text.replace(/\{\}/g, () => `$${++n}`)
}

async function nodePg() {
	const { Client } = require('pg')
	const client = new Client()
	await client.connect()
	const answers = []
	await client.query('begin')
	for (const [text, values] of questions)
		answers.push((await client.query(number(text), values)).rows)
	await client.query('commit')
	await client.end()
	return answers
}

async function postgresJs() {
	const sql = require('postgres')({ max: 1, fetch_types: false })
	const answers = await sql.begin(async (transaction) => {
		const all = []
		for (const [text, values] of questions)
			all.push([...await transaction.unsafe(number(text), values, { prepare: true })])
		return all
	})
	await sql.end()
	return answers
}

async function main() {
	const answers = await { node_pg: nodePg, postgres_js: postgresJs }[process.argv[2]]()
	questions.forEach(([text, values], index) => {
		const tuple = (parts) => `(${parts.join(', ')}${parts.length === 1 ? ',' : ''})`
		const rows = answers[index].map((row) =>
			tuple(Object.keys(row).map((name) => repr(show(row[name], name)))))
		console.log(text.split(/\s+/).join(' '), tuple(values.map(repr)), `[${rows.join(', ')}]`)
	})
}

main()
