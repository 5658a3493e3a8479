// Stands in another network namespace for a server on the loopback of ours: loopback-bridge.js PORT SOCKET. What connects
// to the port is connected to the Unix socket, behind which somebody connects it to the server.
import { connect, createServer } from 'node:net';

const [port, socket] = process.argv.slice(2);
createServer((from) => {
  const to = connect(socket);
  from.pipe(to).pipe(from);
  for (const end of [from, to]) end.on('error', () => (end === from ? to.destroy() : from.destroy()));
}).listen(Number(port), '127.0.0.1');
