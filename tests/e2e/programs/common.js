// SPDX-License-Identifier: Apache-2.0
// What the recorded Node programs share; common.py says what units, POOL and SEED are.
'use strict'

const units = []

// unit('name', [keys], async (connection, say, key) => ...)
function unit(name, keys, work) {
	if (keys.length === 0)
		units.push({ name, work })
	for (const key of keys)
		units.push({ name: `${name}.${key}`, work, key })
}

// A generator of its own, so that a seed means the same order on every version of Node.
function shuffle(list, seed) {
	let state = seed >>> 0
	const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
	for (let i = list.length - 1; i > 0; i--) {
		const j = Math.floor(next() * (i + 1));
		[list[i], list[j]] = [list[j], list[i]]
	}
}

function show(value) {
	if (typeof value === 'string')
		return value
	return JSON.stringify(value, function (key, inner) {
		const held = this[key]
		if (typeof held === 'bigint')
			return `${held}n`
		if (Buffer.isBuffer(held))
			return `hex ${held.toString('hex')}`
		if (held instanceof Date)
			return Number.isNaN(held.getTime()) ? 'date invalid' : `date ${held.toISOString()}`
		if (typeof held === 'number' && !Number.isFinite(held))
			return String(held)
		return inner === undefined ? null : inner
	})
}

// use(work) gives a unit its connection and takes it back.
async function run(use) {
	const pool = Number(process.argv[2])
	const seed = Number(process.argv[3])
	const lines = new Map()
	let failed = false
	if (seed)
		shuffle(units, seed)
	const worker = async () => {
		for (let next = units.shift(); next; next = units.shift()) {
			const own = []
			const say = (...values) => own.push(values.map(show).join(' '))
			lines.set(next.name, own)
			try {
				await use((connection) => next.work(connection, say, next.key))
			} catch (error) {
				failed = true
				own.push(`UNEXPECTED ${error.stack}`)
			}
		}
	}
	await Promise.all(Array.from({ length: pool }, worker))
	const names = [...lines.keys()].sort()
	const text = names.flatMap((name) => lines.get(name).map((line) => `${name}: ${line}\n`)).join('')
	process.stdout.write(text)
	process.exitCode = failed ? 1 : 0
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i)

module.exports = { unit, run, range, shuffle }
