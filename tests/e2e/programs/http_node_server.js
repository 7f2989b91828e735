// SPDX-License-Identifier: Apache-2.0
// A server with a path for every behaviour of HTTP/1: `http_node_server.js LOG FILE PORT... PORT`. Listens on these ports of
// 127.0.0.1, the last one of ::1, prints them, and writes a line into LOG for each request: its port, method and target. /static/NAME is FILE.
'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const zlib = require('node:zlib')

const [logName, fileName, ...ports] = process.argv.slice(2)
const log = fs.openSync(logName, 'a')
const TEXT = JSON.stringify({ name: 'Sencha', tags: ['a', 'b'] }) + '\n'

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function read(request) {
	const pieces = []
	for await (const piece of request)
		pieces.push(piece)
	return Buffer.concat(pieces)
}

function say(response, status, text, headers = {}) {
	response.writeHead(status, {
		'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(text), ...headers,
	})
	response.end(text)
}

const CODINGS = [['br', zlib.brotliCompressSync], ['gzip', zlib.gzipSync], ['deflate', zlib.deflateSync]]

const routes = {
	'/plain'(_, response, query) {
		say(response, 200, `plain ${query.get('id')}\n`, { 'X-Shop': 'tea' })
	},
	'/json'(_, response) {
		say(response, 200, '{"big": 9007199254740993, "list": [1, 2.50, "x"]}',
			{ 'Content-Type': 'application/json' })
	},
	// The best coding that the client takes.
	'/coded'(request, response, query) {
		const accepted = (request.headers['accept-encoding'] || '').split(/[ ,]+/)
		const body = Buffer.from(`${query.get('id')} ${TEXT}`.repeat(50))
		const [name, encode] = CODINGS.find(([coding]) => accepted.includes(coding)) || [null]
		const headers = { Vary: 'Accept-Encoding', ...(name && { 'Content-Encoding': name }) }
		say(response, 200, name ? encode(body) : body, headers)
	},
	'/chunked'(request, response) {
		const trailer = request.httpVersion === '1.1' ? { Trailer: 'X-Sum' } : {}
		response.writeHead(200, { 'Content-Type': 'text/plain', ...trailer })
		response.write('one\n')
		response.write('two\n')
		if (trailer.Trailer)
			response.addTrailers({ 'X-Sum': '7' })
		response.end()
	},
	async '/events'(_, response) {
		response.writeHead(200, { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
		for (let i = 0; i < 4; i++) {
			response.write(`id: ${i}\ndata: event ${i}\n\n`)
			await pause(5)
		}
		response.end()
	},
	'/large'(_, response, query) {
		const block = Buffer.from(Array.from({ length: 65536 }, (_, i) => (i * 7 + (i >> 8)) & 0xff))
		let left = Number(query.get('size'))
		const headers = query.has('chunked') ? {} : { 'Content-Length': left }
		response.writeHead(200, { 'Content-Type': 'application/octet-stream', ...headers })
		for (; left; left -= Math.min(left, block.length))
			response.write(block.subarray(0, left))
		response.end()
	},
	'/empty'(_, response) {
		say(response, 200, '')
	},
	'/items/7'(_, response) {
		response.writeHead(204, { 'X-Shop': 'tea' }).end()
	},
	// The body is read first: JDK 17's HttpClient else now and then waits for ever for the answer to what it sends again.
	async '/redirect'(request, response, query) {
		await read(request)
		const to = { plain: '/plain?id=redirected', echo: '/echo', redirect: '/redirect?code=302&to=plain' }
		say(response, Number(query.get('code')), 'elsewhere\n', { Location: to[query.get('to')] })
	},
	async '/echo'(request, response) {
		const body = await read(request)
		const told = {
			method: request.method, type: request.headers['content-type'], bytes: body.length,
			sha1: crypto.createHash('sha1').update(body).digest('hex'),
		}
		say(response, 200, JSON.stringify(told), { 'Content-Type': 'application/json' })
	},
	async '/drain'(request, response) {
		await read(request)
		say(response, 200, 'drained\n')
	},
	async '/refuse'(request, response) {
		await read(request)
		say(response, 417, 'not expected\n')
	},
	'/login'(_, response, query) {
		say(response, 200, 'welcome\n',
			{ 'Set-Cookie': [`session=${query.get('user')}; HttpOnly`, 'theme=dark; Path=/'] })
	},
	'/me'(request, response) {
		say(response, 200, `you are ${/session=(\w+)/.exec(request.headers.cookie)?.[1]}\n`)
	},
	'/private'(request, response) {
		if (request.headers.authorization)
			say(response, 200, 'secret tea\n')
		else
			say(response, 401, 'who?\n', { 'WWW-Authenticate': 'Basic realm="shop"' })
	},
	'/hints'(_, response) {
		response.writeEarlyHints({ link: '</a.css>; rel=preload' })
		say(response, 200, 'hinted\n')
	},
	'/until-end'(_, response) {
		response.useChunkedEncodingByDefault = false
		response.shouldKeepAlive = false
		response.writeHead(200, { 'Content-Type': 'text/plain', Connection: 'close' })
		response.end('till the end\n')
	},
	'/big-header'(_, response) {
		say(response, 200, 'big\n', { 'X-Big': 'x'.repeat(6000) })
	},
}

// A file as static servers give it: conditions and ranges.
function file(request, response, name) {
	if (name !== path.basename(fileName))
		return say(response, 404, 'no such file\n')
	const body = fs.readFileSync(fileName)
	const modified = new Date(Math.floor(fs.statSync(fileName).mtimeMs / 1000) * 1000)
	const etag = `"${crypto.createHash('sha1').update(body).digest('hex').slice(0, 16)}"`
	const headers = { ETag: etag, 'Last-Modified': modified.toUTCString(), 'Accept-Ranges': 'bytes' }
	const since = request.headers['if-modified-since']
	if (request.headers['if-none-match'] === etag || (since && new Date(since) >= modified))
		return response.writeHead(304, headers).end()
	const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range || '')
	if (!range)
		return say(response, 200, body, headers)
	const from = range[1] ? Number(range[1]) : body.length - Number(range[2])
	const to = range[1] && range[2] ? Number(range[2]) : body.length - 1
	if (from >= body.length)
		return say(response, 416, '', { 'Content-Range': `bytes */${body.length}` })
	return say(response, 206, body.subarray(from, to + 1),
		{ ...headers, 'Content-Range': `bytes ${from}-${to}/${body.length}` })
}

async function answer(request, response) {
	const url = new URL(request.url, 'http://node')
	fs.writeSync(log, `${request.socket.localPort} ${request.method} ${request.url}\n`)
	if (url.pathname.startsWith('/static/'))
		return file(request, response, url.pathname.slice(8))
	if (url.pathname.startsWith('/status/'))
		return say(response, Number(url.pathname.slice(8)), 'as you wish\n')
	const route = routes[url.pathname]
	if (request.method === 'OPTIONS')
		return response.writeHead(204, { Allow: 'GET, HEAD, OPTIONS' }).end()
	return route ? route(request, response, url.searchParams) : say(response, 404, 'no such path\n')
}

function listen(port, address) {
	const server = http.createServer(answer)
	server.on('checkExpectation', answer) // of expectations that are not 100-continue
	server.on('checkContinue', (request, response) => {
		if (request.url === '/refuse')
			return say(response, 417, 'not expected\n', { Connection: 'close' })
		response.writeContinue()
		return answer(request, response)
	})
	server.keepAliveTimeout = 60000
	return new Promise((resolve) => {
		server.listen(Number(port), address, 512, () => resolve(server.address().port))
	})
}

async function main() {
	const list = []
	for (const port of ports.slice(0, -1))
		list.push(await listen(port, '127.0.0.1'))
	list.push(await listen(ports[ports.length - 1], '::1'))
	console.log(list.join(' '))
}

main()
