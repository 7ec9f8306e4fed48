import { connect, createServer, type AddressInfo } from 'node:net';

/*
 * node bare-hop.js PORT
 *
 * The least that can stand between a client and a browser in Node: accept, connect, pipe. What the API costs beyond it is
 * ours. Says its own port over IPC and ends with its parent.
 */

const target = Number(process.argv[2]);

const server = createServer(client => {
  const upstream = connect(target, '127.0.0.1');
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true);
    // The end of either is the end of both; a benchmark asks for no reasons.
    socket.on('error', () => undefined);
  }
  client.pipe(upstream).pipe(client);
});

server.listen(0, '127.0.0.1', () => {
  // SAFETY: a server that listens on host and port has an address of this kind.
  process.send?.((server.address() as AddressInfo).port);
});
process.once('disconnect', () => process.exit());
