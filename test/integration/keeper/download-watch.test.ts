import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { watchDownloads, type FinishedDownload } from '../../../workers/keeper/downloads/download-watch';
import { pollUntil } from '../../support/poll-until';

/* A browser that answers as a test says, and records the commands that it gets. */

interface Command {
  readonly id: number;
  readonly method: string;
  readonly params: { readonly browserContextId?: string; readonly behavior?: string };
}

let product: string;
let server: WebSocketServer;
let sockets: WebSocket[];
let asked: Command[];
let finished: FinishedDownload[];
let stop: AbortController;
let watching: Promise<void>;

beforeEach(async () => {
  product = 'Chrome/156.0.0.0';
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
      const results: Record<string, object> = {
        'Browser.getVersion': { product },
        'Target.getBrowserContexts': contexts,
      };
      socket.send(JSON.stringify({ id: command.id, result: results[command.method] ?? {} }));
    });
  });
  await once(server, 'listening');
  stop = new AbortController();
  // SAFETY: it listens on TCP.
  const { port } = server.address() as AddressInfo;
  watching = watchDownloads({ port, path: '/', socket: null }, stop.signal, download =>
    finished.push(download),
  );
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

test('the folder is set in a context at its first page, and again when a client detaches', async () => {
  tellTarget('targetCreated', 'P0', 'OWN', false);
  tellTarget('targetCreated', 'P1', 'NEW', false);
  await keptIn('NEW', 1);
  tellTarget('targetInfoChanged', 'P1', 'NEW', true);
  tellTarget('targetInfoChanged', 'P1', 'NEW', false);
  await keptIn('NEW', 2);
  expect(timesKeptIn('OWN')).toBe(0);
});

test('the folder is set in the own context of the headless shell, too', async () => {
  product = 'HeadlessChrome/156.0.0.0';
  sockets.at(-1)?.terminate();
  await keptIn('OLD', 2);
  tellTarget('targetCreated', 'P0', 'OWN', false);
  await keptIn('OWN', 1);
});

test('the watch attaches to no target, and makes no client wait', () => {
  expect(new Set(asked.map(({ method }) => method))).toEqual(
    new Set([
      'Browser.getVersion',
      'Target.getBrowserContexts',
      'Browser.setDownloadBehavior',
      'Target.setDiscoverTargets',
    ]),
  );
});

test('after its connection is cut the watch connects again, and sets the folder in all contexts', async () => {
  sockets.at(-1)?.terminate();
  await keptIn('OLD', 2);
});

test('finished downloads are reported with their suggested name, cancelled ones are not', async () => {
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

test('messages that are not CDP are ignored', async () => {
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
