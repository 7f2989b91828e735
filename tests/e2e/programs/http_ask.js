// SPDX-License-Identifier: Apache-2.0
// http_ask.py in Node: `http_ask.js fetch|undici POOL SEED NAME=URL...`. fetch() is Node's own; undici sends requests ahead of
// their responses, on POOL connections to each server.
'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const zlib = require('node:zlib')
const { shuffle } = require('./common.js')

const SHOWN = ['allow', 'content-range', 'content-type', 'etag', 'last-modified', 'location', 'set-cookie', 'vary',
	'www-authenticate', 'x-shop']
const DECODE = { br: zlib.brotliDecompressSync, gzip: zlib.gunzipSync }

function parse(line, server) {
	const [name, method, target, headers, body, flags] = line.split('\t').map((part) => part === '-' ? '' : part)
	const [text, times] = body.split('*')
	const cut = server.indexOf('=')
	return {
		name: `${server.slice(0, cut)} ${name}`, method, url: server.slice(cut + 1) + target,
		headers: Object.fromEntries(headers.split('|').filter(Boolean).map((h) => [h.split(': ')[0].toLowerCase(), h.split(': ')[1]])),
		body: body ? text.repeat(Number(times || 1)) : undefined, follow: flags.includes('follow'),
	}
}

// `headers`: names in lower case to a value, or a list of them.
function show(request, status, headers, body) {
	const names = request.method === 'HEAD' ? [...SHOWN, 'content-length'] : SHOWN
	const shown = names.filter((name) => headers[name] !== undefined && headers[name].length)
		.map((name) => `${name}=${[headers[name]].flat().join(' & ')}`)
	const digest = crypto.createHash('sha1').update(body).digest('hex')
	return [`${request.name}:`, status, ...shown, body.length, digest].join(' ')
}

// Node 18, which Debian 12 has, knows no getSetCookie(): there they are joined, and no comma within a date begins a pair.
function cookies(headers) {
	if (headers.getSetCookie)
		return headers.getSetCookie()
	return (headers.get('set-cookie') ?? '').split(/, (?=[^;, ]+=)/).filter(Boolean)
}

async function byFetch(request) {
	const { method, headers, body } = request
	const redirect = request.follow ? 'follow' : 'manual'
	const response = await fetch(request.url, { method, headers, body, redirect })
	const found = { ...Object.fromEntries(response.headers), 'set-cookie': cookies(response.headers) }
	return show(request, response.status, found, Buffer.from(await response.arrayBuffer()))
}

async function byUndici(request, pools) {
	let { method, body, headers } = request
	let url = new URL(request.url)
	for (;;) {
		const response = await pools.get(url.origin).request({
			method, body, path: url.pathname + url.search,
			headers: { 'accept-encoding': 'br, gzip', ...headers },
		})
		const bytes = Buffer.from(await response.body.arrayBuffer())
		const decode = DECODE[response.headers['content-encoding']]
		const coded = decode && bytes.length ? decode(bytes) : bytes
		if (!request.follow || response.statusCode < 300 || response.statusCode >= 400)
			return show(request, response.statusCode, response.headers, coded)
		url = new URL(response.headers.location, url)
		if (response.statusCode !== 307)
			[method, body, headers] = ['GET', undefined, {}]
	}
}

async function main() {
	const [way, pool, seed, ...servers] = process.argv.slice(2)
	const text = fs.readFileSync(process.env.HTTP_REQUESTS, 'utf8')
	const lines = text.split('\n').filter((line) => line && !line.startsWith('#'))
	const asked = lines.flatMap((line) => servers.map((server) => parse(line, server)))
	const size = Number(pool)
	if (Number(seed))
		shuffle(asked, Number(seed))
	let report
	if (way === 'undici') {
		const { Pool } = require('undici')
		const origins = new Set(asked.map((request) => new URL(request.url).origin))
		const pools = new Map([...origins].map((origin) => [origin, new Pool(origin, { connections: size, pipelining: 8 })]))
		report = await Promise.all(asked.map((request) => byUndici(request, pools)))
		await Promise.all([...pools.values()].map((one) => one.close()))
	} else {
		report = []
		await Promise.all(Array.from({ length: size }, async () => {
			for (let next = asked.shift(); next; next = asked.shift())
				report.push(await byFetch(next))
		}))
	}
	console.log(report.sort().join('\n'))
}

main()
