import { SCOPES } from '../../../src/core/scopes';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Server } from 'node:http';
import express from 'express';
import { createLogger } from '../../../src/core/logger';
import { systemClock } from '../../../src/core/clock';
import { EventStream, lastEventIdOf, type EventStreamOptions } from '../../../src/http/streams/event-stream';
import { EventStreams } from '../../../src/http/streams/event-streams';
import { errorHandler } from '../../../src/http/edge/error-handler';
import { admit, openContext } from '../../../src/http/edge/request-context';
import { StalledReaders } from '../../../src/core/stalled-readers';
import { pollUntil } from '../../support/poll-until';

const PATIENT: EventStreamOptions = {
  stalledReaders: { watch: () => ({ room: () => Promise.resolve(), unwatch: () => undefined }) },
};

describe('an event stream', () => {
  let server: Server;
  let url: string;
  const serve = async (answer: (stream: EventStream) => Promise<void>, options = PATIENT): Promise<void> => {
    const app = express();
    app.get('/', async (req, res) => answer(new EventStream(req, res, options)));
    server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  };
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it('sends events with their ids, and the retry delay', async () => {
    await serve(async stream => {
      await stream.send({ event: 'a', id: '1', data: { text: 'two\nlines' } });
      stream.end();
    });
    expect(await (await fetch(url)).text()).toBe(
      'retry: 2000\n\nevent: a\nid: 1\ndata: {"text":"two\\nlines"}\n\n',
    );
  });

  it('sends a keep-alive with the id from which the reader can go on', async () => {
    let place = 7;
    await serve(() => Promise.resolve(), { ...PATIENT, keepAliveMs: 10, position: () => String(place++) });
    const response = await fetch(url);
    const text: string[] = [];
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text.push(chunk);
      if (text.join('').includes('id: 8')) break;
    }
    expect(text.join('')).toContain(': keep-alive\nid: 7\n\n: keep-alive\nid: 8\n\n');
  });

  it('does not send faster than it is read, and sends everything in the end', async () => {
    const count = 4_000;
    let sent = 0;
    await serve(async stream => {
      for (; sent < count; sent += 1) {
        await stream.send({ event: 'x', id: String(sent), data: { filler: 'x'.repeat(4_000) } });
      }
      stream.end();
    });
    const slow = connect(Number(new URL(url).port), '127.0.0.1').pause();
    slow.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    let before = 0;
    let same = 0;
    await pollUntil('the sender to wait', { timeoutMs: 10_000, everyMs: 10 }, () => {
      same = sent > 0 && sent === before ? same + 1 : 0;
      before = sent;
      return same >= 10 || undefined;
    });
    expect(sent).toBeLessThan(count);
    const chunks: Buffer[] = [];
    for await (const chunk of slow) chunks.push(chunk as Buffer);
    expect(
      Buffer.concat(chunks)
        .toString()
        .match(/^event: x$/gm),
    ).toHaveLength(count);
  });

  it('cuts a reader that has stopped reading, and the sender goes on', async () => {
    let socket: Socket | undefined;
    const stalledReaders = new StalledReaders({
      clock: systemClock,
      checkEveryMs: 20,
      rule: { appliesTo: 'waiting', limitMs: () => 200 },
    });
    const gone = new Promise<boolean>(resolve => {
      void serve(
        async stream => {
          while (!stream.isClosed)
            await stream.send({ event: 'x', id: '1', data: { filler: 'x'.repeat(4_000) } });
          resolve(true);
        },
        { stalledReaders },
      ).then(() => {
        socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
        socket.on('error', () => undefined);
        socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      });
    });
    expect(await gone).toBe(true);
    socket?.destroy();
  });
});

describe('the event streams of a process', () => {
  it('are refused to a tenant that has too many, and to no other, until one is closed', async () => {
    const streams = new EventStreams({
      ...PATIENT,
      perTenantMax: 2,
      quota: { take: () => ({ taken: Promise.resolve(), free: () => undefined }) },
    });
    const app = express();
    app.use(openContext(new AbortController().signal));
    app.get('/:tenant', async (req, res) => {
      const { tenant } = req.params;
      admit(res, { tenant, scopes: SCOPES, actor: `key:${tenant}`, revoked: null });
      await streams.open(req, res);
    });
    app.use(errorHandler(createLogger('test', 'silent')));
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const open = async (tenant: string): Promise<{ response: Response; close: () => void }> => {
      const abort = new AbortController();
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${tenant}`;
      return { response: await fetch(url, { signal: abort.signal }), close: () => abort.abort() };
    };
    try {
      const first = await open('acme');
      expect((await open('acme')).response.status).toBe(200);
      const refused = (await open('acme')).response;
      expect(refused.status).toBe(429);
      expect(await refused.json()).toMatchObject({ code: 'too_many_streams', retryable: true });
      expect((await open('beta')).response.status).toBe(200);
      first.close();
      await pollUntil('room for another', { timeoutMs: 5_000, everyMs: 5 }, async () =>
        (await open('acme')).response.status === 200 ? true : undefined,
      );
      expect((await open('acme')).response.status).toBe(429);
    } finally {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  });
});

describe('the place from which a reader goes on', () => {
  it.each([
    [{}, {}, null],
    [{ 'last-event-id': '' }, { since: '' }, null],
    [{ 'last-event-id': '5' }, { since: '6' }, '5'],
    [{}, { since: '6' }, '6'],
    [{}, { since: ['6', '7'] }, 'unknown'],
    [{}, { since: { a: '1' } }, 'unknown'],
  ])('is given by %j and %j', (headers, query, expected) => {
    expect(lastEventIdOf({ headers, query })).toBe(expected);
  });
});
