import { connect, createServer, type AddressInfo } from 'node:net';

/*
 * node bare-hop.js PORT
 *
 * The least that a proxy in Node has to do between a client and a browser: accept, connect, pipe. The API's cost beyond
 * this is the cost of Holdfast. Sends its port over IPC and ends with its parent.
 */

const target = Number(process.argv[2]);

const server = createServer(client => {
  const upstream = connect(target, '127.0.0.1');
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true);
    // When one side ends, the other is closed too; a benchmark needs no close reasons.
    socket.on('error', () => undefined);
  }
  client.pipe(upstream).pipe(client);
});

server.listen(0, '127.0.0.1', () => {
  // SAFETY: a server that listens on host and port has an address of this kind.
  process.send?.((server.address() as AddressInfo).port);
});
process.once('disconnect', () => process.exit());
