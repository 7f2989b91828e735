// SPDX-License-Identifier: Apache-2.0
// Talks with websocket_server.js: websocket_client.js PORT PATH [WORD]. Prints all that came. WORD: said in the place of "two".
const crypto = require('crypto');
const WebSocket = require('ws');

const [port, path, word] = process.argv.slice(2);
const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
  perMessageDeflate: path.startsWith('/deflate') ? { threshold: 0 } : false,
});
const waiting = [];
const came = [];
const digest = (data) =>
  `${data.length} bytes ${crypto.createHash('sha1').update(data).digest('hex')}`;

socket.on('message', (data, binary) => {
  const text = binary || data.length > 100 ? digest(data) : JSON.stringify(data.toString());
  if (waiting.length) waiting.shift()(text);
  else came.push(text);
});
socket.on('ping', (data) => console.log(`ping ${data}`));
socket.on('error', (error) => console.log(`error ${error.message}`));
socket.on('close', (code, reason) => {
  console.log(`closed ${code} ${reason}`);
});

const next = () =>
  came.length ? Promise.resolve(came.shift()) : new Promise((resolve) => waiting.push(resolve));

async function talk() {
  console.log(await next());
  for (const message of ['one', word || 'two', '{"n": 9007199254740993}', Buffer.from([0, 255, 128])]) {
    socket.send(message);
    console.log(await next());
  }
  socket.send('frag', { fin: false });
  socket.send('men', { fin: false });
  socket.send('ted', { fin: true });
  console.log(await next());
  socket.send('three');
  for (let i = 0; i < 3; i++) console.log(await next());
  socket.send('y'.repeat(70000));
  console.log(await next());
  socket.send('large 400000');
  console.log(await next());
  socket.send('ping');
  console.log(await next());
  socket.send('bye');
}

socket.on('open', talk);
