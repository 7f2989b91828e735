// SPDX-License-Identifier: Apache-2.0
// A WebSocket server: says welcome, then echoes, and does what some messages ask for: websocket_server.js PORT. Prints its port.
// /deflate: permessage-deflate is agreed on where the client offers it.
const http = require('http');
const { WebSocketServer } = require('ws');

const plain = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const deflate = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } });

function talk(socket, request) {
  let counter = 0;
  socket.send(`welcome to ${request.url}`);
  socket.on('message', (data, binary) => {
    const text = binary ? '' : data.toString();
    const [word, rest] = text.split(' ');
    if (word === 'large') {
      socket.send('x'.repeat(Number(rest)));
    } else if (word === 'three') {
      for (let i = 0; i < 3; i++) socket.send(`${++counter}`);
    } else if (word === 'ping') {
      socket.ping('are you there');
      socket.send('pinged');
    } else if (word === 'bye') {
      socket.close(1000, 'that was all');
    } else {
      socket.send(data, { binary });
    }
  });
}

const server = http.createServer((request, response) => response.end('no WebSocket'));
server.on('upgrade', (request, socket, head) => {
  const which = request.url.startsWith('/deflate') ? deflate : plain;
  socket.setNoDelay(true);
  which.handleUpgrade(request, socket, head, (webSocket) => talk(webSocket, request));
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(server.address().port));
