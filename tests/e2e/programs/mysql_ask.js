// SPDX-License-Identifier: Apache-2.0
// mysql_ask.py in Node: `mysql_ask.js mysql2|mariadb query|execute`.
'use strict'

const questions = require('./mysql_ask.json')
const { settings } = require('./mysql_values.js')

function show(value) {
	if (value === null)
		return 'NULL'
	if (Buffer.isBuffer(value))
		return value.toString('hex')
	return Array.isArray(value) ? value.join(',') : String(value)
}

async function main() {
	const [driver, way] = process.argv.slice(2)
	const library = require(driver === 'mysql2' ? 'mysql2/promise' : driver)
	const own = driver === 'mysql2' ? {} : { allowPublicKeyRetrieval: true }
	const connection = await library.createConnection({ ...settings, ...own, dateStrings: true })
	for (const [text, values] of questions) {
		const answer = await connection[way](text.replaceAll('{}', '?'), values)
		const rows = driver === 'mysql2' ? answer[0] : answer
		const lines = Array.isArray(rows) ? rows.map((row) => Object.values(row).map(show).join('|'))
			: [`changed ${rows.affectedRows}`]
		console.log([text.split(/\s+/).join(' '), ...lines].join('; '))
	}
	await connection.end()
}

main()
