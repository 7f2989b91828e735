// SPDX-License-Identifier: Apache-2.0
// COPY with pg-copy-streams. With the argument "changed" a row differs.
const crypto = require("crypto");
const { Readable } = require("stream");
const { pipeline } = require("stream/promises");
const { Client } = require("pg");
const { from, to } = require("pg-copy-streams");

const changed = process.argv[2] === "changed";

function* lines() {
	for (let n = 0; n < 5000; n++) yield `${n}\t${changed && n === 3000 ? "another" : "row " + n}\n`;
}

async function out(client, sql) {
	const hash = crypto.createHash("sha256");
	const stream = client.query(to(sql));
	for await (const chunk of stream) hash.update(chunk);
	console.log(sql, stream.rowCount, hash.digest("hex"));
}

async function main() {
	const client = new Client();
	await client.connect();
	await client.query("create temp table t (a int, b text)");
	const into = client.query(from("copy t from stdin"));
	await pipeline(Readable.from(lines()), into);
	console.log("copied", into.rowCount);
	await out(client, "copy t to stdout");
	await out(client, "copy t to stdout with (format csv, header)");
	await out(client, "copy t to stdout with (format binary)");
	try {
		await pipeline(Readable.from(["1\tx\n", "none\ty\n"]), client.query(from("copy t from stdin")));
	} catch (error) {
		console.log(error.code, error.message, error.where);
	}
	console.log((await client.query("select count(*), sum(a) from t")).rows);
	await client.end();
}

main().catch((error) => {
	console.log(error.code, error.message, error.detail);
	process.exit(1);
});
