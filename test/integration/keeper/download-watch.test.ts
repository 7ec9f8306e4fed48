import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { pollUntil } from '../../../src/core/abort';
import { watchDownloads, type FinishedDownload } from '../../../workers/keeper/downloads/download-watch';

/* A browser that answers as a test says, and records the commands that it gets. */

interface Command {
  readonly id: number;
  readonly method: string;
  readonly params: { readonly browserContextId?: string; readonly behavior?: string };
}

let server: WebSocketServer;
let sockets: WebSocket[];
let asked: Command[];
let finished: FinishedDownload[];
let stop: AbortController;
let watching: Promise<void>;

beforeEach(async () => {
  sockets = [];
  asked = [];
  finished = [];
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', socket => {
    sockets.push(socket);
    socket.on('message', (data: Buffer) => {
      // SAFETY: the watch sends commands only.
      const command = JSON.parse(data.toString()) as Command;
      asked.push(command);
      const contexts = { browserContextIds: ['OLD'], defaultBrowserContextId: 'OWN' };
      const result = command.method === 'Target.getBrowserContexts' ? contexts : {};
      socket.send(JSON.stringify({ id: command.id, result }));
    });
  });
  await once(server, 'listening');
  stop = new AbortController();
  // SAFETY: it listens on TCP.
  const { port } = server.address() as AddressInfo;
  watching = watchDownloads({ port, path: '/' }, stop.signal, download => finished.push(download));
  await keptIn('OLD', 1);
});

afterEach(async () => {
  stop.abort();
  await watching;
  server.close();
});

const timesKeptIn = (context: string): number =>
  asked.filter(({ params }) => params.browserContextId === context && params.behavior === 'allowAndName')
    .length;

async function keptIn(context: string, times: number): Promise<void> {
  await pollUntil(context, { timeoutMs: 5_000, everyMs: 5 }, () =>
    timesKeptIn(context) >= times ? true : undefined,
  );
  expect(timesKeptIn(context)).toBe(times);
}

const say = (message: unknown): void =>
  sockets.at(-1)?.send(typeof message === 'string' ? message : JSON.stringify(message));

const tellTarget = (method: string, targetId: string, browserContextId: string, attached: boolean): void =>
  say({
    method: `Target.${method}`,
    params: { targetInfo: { targetId, type: 'page', attached, browserContextId } },
  });

test('contexts are kept in the folder by their first page, and again when somebody lets go', async () => {
  tellTarget('targetCreated', 'P0', 'OWN', false);
  tellTarget('targetCreated', 'P1', 'NEW', false);
  await keptIn('NEW', 1);
  tellTarget('targetInfoChanged', 'P1', 'NEW', true);
  tellTarget('targetInfoChanged', 'P1', 'NEW', false);
  await keptIn('NEW', 2);
  expect(timesKeptIn('OWN')).toBe(0);
});

test('nothing is attached to, and nobody is made to wait', () => {
  expect(new Set(asked.map(({ method }) => method))).toEqual(
    new Set(['Target.getBrowserContexts', 'Browser.setDownloadBehavior', 'Target.setDiscoverTargets']),
  );
});

test('a browser that cuts us off is asked again, for all of its contexts', async () => {
  sockets.at(-1)?.terminate();
  await keptIn('OLD', 2);
});

test('finished downloads are told with the name they were to have, cancelled ones are not', async () => {
  for (const guid of ['g1', 'g2', 'g3']) {
    say({ method: 'Browser.downloadWillBegin', params: { guid, suggestedFilename: `${guid}.txt` } });
  }
  const progress = (guid: string, state: string, filePath?: string): void =>
    say({ method: 'Browser.downloadProgress', params: { guid, state, filePath } });
  progress('g1', 'inProgress');
  progress('g1', 'completed', 'downloads/g1');
  progress('g2', 'canceled');
  progress('g3', 'completed', '/run/b-1/downloads/g3 (1).txt');
  progress('unknown', 'completed', 'downloads/unknown');
  await pollUntil('them', { timeoutMs: 5_000, everyMs: 5 }, () => (finished.length === 2 ? true : undefined));
  expect(finished).toEqual([
    { guid: 'g1', suggestedName: 'g1.txt', fileName: 'g1' },
    { guid: 'g3', suggestedName: 'g3.txt', fileName: 'g3 (1).txt' },
  ]);
});

test('what is no CDP is passed over', async () => {
  for (const garbage of [
    '',
    'no JSON',
    '[]',
    'null',
    '{"method":"Target.targetCreated"}',
    '{"id":1,"result":7}',
  ]) {
    say(garbage);
  }
  say({ method: 'Browser.downloadWillBegin', params: { guid: 1, suggestedFilename: {} } });
  tellTarget('targetCreated', 'P1', 'NEW', false);
  await keptIn('NEW', 1);
});
