import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { pause } from '../../../src/core/abort';
import { allowSlowBody, bodyOf, dropBody, limitBody } from '../../../src/core/request-body';

const SILENCE_MS = 500;

let server: Server;
let late: number;

type Route = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(limitMs: number, route: Route): Promise<void> {
  late = 0;
  server = createServer({ requestTimeout: 0 }, (request, response) => {
    request.on('error', () => undefined);
    limitBody(request, limitMs, () => {
      late += 1;
      request.socket.destroy();
    });
    route(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function begin(length: number): { socket: Socket; text: () => string; closed: Promise<unknown> } {
  // SAFETY: a server that listens on TCP has an address of this form.
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.on('data', chunk => (text += String(chunk)));
  socket.on('error', () => undefined);
  const closed = new Promise(resolve => socket.once('close', resolve));
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`);
  return { socket, text: () => text, closed };
}

const answerWhole: Route = (request, response) => {
  request.resume();
  request.on('end', () => response.end('whole'));
};

test('a body that is not there in time is late, also if some of it comes', async () => {
  await serve(200, answerWhole);
  const { socket, closed } = begin(100);
  const dripping = setInterval(() => socket.write('x'), 20);
  await closed;
  clearInterval(dripping);
  expect(late).toBe(1);
});

test('a body that may be slow is not late while it moves, and is when it does not', async () => {
  await serve(200, (request, response) => {
    allowSlowBody(request, SILENCE_MS);
    answerWhole(request, response);
  });
  const moving = begin(6);
  const silent = begin(6);
  for (let n = 0; n < 6; n += 1) {
    moving.socket.write('x');
    await pause(SILENCE_MS / 2);
  }
  expect(moving.text()).toContain('whole');
  await silent.closed;
  expect(late).toBe(1);
});

test('a client is not late while nobody reads', async () => {
  await serve(200, (request, response) => {
    allowSlowBody(request, SILENCE_MS);
    // Reads nothing for longer than the client may be silent.
    setTimeout(() => answerWhole(request, response), 2 * SILENCE_MS);
  });
  const { socket, text } = begin(2 ** 20);
  socket.write(Buffer.alloc(2 ** 20));
  while (!text().includes('whole')) await once(socket, 'data');
  expect(late).toBe(0);
  socket.destroy();
});

test('the rest of a refused body is read for a short time, then the connection is closed', async () => {
  await serve(60_000, (request, response) => {
    dropBody(request, response);
    response.writeHead(413).end('refused');
  });
  const { socket, text, closed } = begin(2 ** 30);
  const pouring = setInterval(() => socket.writableNeedDrain || socket.write(Buffer.alloc(2 ** 16)), 5);
  await closed;
  clearInterval(pouring);
  expect(text()).toContain('refused');
});

test('a body of its own fails when the client disconnects, and can be destroyed while the request is answered', async () => {
  let onBegun: (body: Readable) => void = () => undefined;
  const begun = new Promise<Readable>(resolve => (onBegun = resolve));
  await serve(60_000, (request, response) => {
    const body = bodyOf(request);
    body.once('data', () => {
      if (request.headers['content-length'] !== '5') return onBegun(body);
      body.destroy();
      response.end('answered');
    });
  });
  const answered = begin(5);
  answered.socket.write('x');
  while (!answered.text().includes('answered')) await once(answered.socket, 'data');
  const cut = begin(10);
  cut.socket.write('x');
  const failed = once(await begun, 'error');
  cut.socket.destroy();
  expect(await failed).toMatchObject([{ code: 'malformed_request' }]);
  answered.socket.destroy();
});
