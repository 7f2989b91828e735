// SPDX-License-Identifier: Apache-2.0
// node-postgres: the event "notification".
'use strict';
const { Client } = require('pg');

async function main() {
	const listener = new Client(), sender = new Client();
	const heard = [];
	let wake = () => {};

	await listener.connect();
	await sender.connect();
	listener.on('notification', (note) => {
		heard.push(`${note.channel} ${note.payload} ${note.processId === sender.processID}`);
		wake();
	});
	const hear = async (n) => {
		while (heard.length < n)
			await new Promise((resolve) => (wake = resolve));
		console.log(heard.splice(0));
	};
	await listener.query('listen jobs');
	await sender.query("notify jobs, 'simple'");
	await hear(1);
	await sender.query('select pg_notify($1, $2)', ['jobs', 'bound']);
	await hear(1);
	await sender.query('insert into work values ($1)', [4]);
	await hear(1);
	await sender.query('begin');
	await sender.query("notify jobs, 'later'");
	await sender.query('commit');
	await hear(1);
	await listener.query('listen late'); // what comes from outside follows this, also where replay is slower than recording was
	console.log('outside?');
	await hear(2);
	await listener.end();
	await sender.end();
}

main();
