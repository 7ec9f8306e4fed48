import { once } from 'node:events';
import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Browser } from '../../src/client/browser';
import type { SessionData } from '../../src/client/session';
import type { Sessions } from '../../src/client/sessions';
import type { UploadSource } from '../../src/client/upload-source';
import { pause, settlesWithin } from '../../src/core/abort';
import { systemClock } from '../../src/core/clock';
import { createLogger } from '../../src/core/logger';
import type { OpenApiDocument } from '../../src/http/openapi/open-api';
import { KeeperGateway } from '../../workers/keeper/door/gateway';
import { BrowserDownloads } from '../../workers/keeper/downloads/browser-downloads';
import type { BrowserUploads, IncomingFile } from '../../workers/keeper/uploads/browser-uploads';
import { UploadError, UPLOADS_MAX } from '../../workers/keeper/uploads/upload-quota';
import { startTestApi, type TestApi } from '../support/api';
import { Contract } from '../support/openapi';
import { makeTempDir, type TempDir } from '../support/temp-dir';
import { uploadsIn } from '../support/uploads';
import { pollUntil } from '../support/poll-until';

const QUOTA = 2 ** 20;
const SOON = { timeoutMs: 5_000, everyMs: 5 };

interface Answered {
  readonly status: number;
  readonly body: {
    readonly code?: string;
    readonly message?: string;
    readonly sessionStatus?: string;
    readonly uploads?: readonly { name: string; path: string; size: number }[];
  };
}

let api: TestApi;
let contract: Contract;
let dir: TempDir;
let folder: string;
let gateway: KeeperGateway;
let session: SessionData;
let uploads: BrowserUploads;
let over: AbortController;
let cuts: number;
let sessions = 0;

beforeAll(async () => {
  dir = await makeTempDir();
  api = await startTestApi();
  const gatewaySocket = join(dir.path, 'gateway.sock');
  gateway = await KeeperGateway.listenOn(gatewaySocket, {
    browserOf: () =>
      over.signal.aborted
        ? null
        : {
            directory: { root: dir.path, name: 'b-000000' },
            devTools: { ...api.browser.endpoint, socket: null },
            downloads: new BrowserDownloads({ path: folder, uid: 0, log: createLogger('keeper', 'silent') }),
            cuts: [],
            uploads,
            sleeper: null,
          },
    secret: () => api.deps.secret,
    clock: systemClock,
    log: createLogger('gateway', 'silent'),
  });
  api.worker.endpoint = { ...api.browser.endpoint, gatewaySocket };
  contract = new Contract((await api.call('GET', '/openapi.json')).body as unknown as OpenApiDocument);
});
afterAll(async () => {
  await gateway.close();
  await api.stop();
  await dir.remove();
});

beforeEach(async () => {
  sessions += 1;
  folder = await makeFolder(`b-${sessions}`);
  over = new AbortController();
  cuts = 0;
  uploads = uploadsIn(folder, {
    allowance: { claim: () => QUOTA },
    over: over.signal,
    onCut: () => (cuts += 1),
  });
  session = await api.createLive();
});
afterEach(() => api.call('DELETE', `/v1/sessions/${session.id}`));

async function makeFolder(name: string): Promise<string> {
  const path = join(dir.path, name);
  await mkdir(path);
  return path;
}

const pathOf = (query = ''): string => `/v1/sessions/${session.id}/uploads${query}`;

/** Sends a request and compares the answer with the document. */
async function send(method: string, path: string, init: RequestInit = {}): Promise<Answered> {
  const response = await fetch(`${api.url}${path}`, { method, ...init });
  const text = await response.text();
  const placed = contract.find(method, path.replace(/\?.*/, ''));
  if (placed === undefined) throw new Error(`${path} is not documented`);
  const contentType = response.headers.get('content-type') ?? undefined;
  expect(contract.breaches(placed, { status: response.status, contentType, text })).toEqual([]);
  return {
    status: response.status,
    body: text === '' ? {} : (JSON.parse(text) as Answered['body']),
  };
}

const bytes = async (name: string, content: string | Uint8Array<ArrayBuffer>): Promise<Answered> =>
  send('POST', pathOf(`?name=${encodeURIComponent(name)}`), {
    body: content,
    headers: { 'content-type': 'application/octet-stream' },
  });

type NamedFile = readonly [name: string, content: string | Uint8Array<ArrayBuffer>];

function formOf(...files: readonly NamedFile[]): FormData {
  const form = new FormData();
  for (const [name, content] of files) form.append('file', new Blob([content]), name);
  return form;
}

const form = async (...files: readonly NamedFile[]): Promise<Answered> =>
  send('POST', pathOf(), { body: formOf(...files) });

/** Sends a form as text, for what no library would send. */
const rawForm = async (text: string, type = 'multipart/form-data; boundary=b'): Promise<Answered> =>
  send('POST', pathOf(), { body: text.replaceAll('\n', '\r\n'), headers: { 'content-type': type } });

/** A connection that has sent the head of an upload, and whatever the test writes then. */
async function begin(head: readonly string[], name = 'a.bin'): Promise<Socket> {
  const { hostname, port, host } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const lines = [
    `POST ${pathOf(`?name=${name}`)} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/octet-stream',
    ...head,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return socket;
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', chunk => (text += String(chunk)));
  socket.on('error', () => undefined);
  await new Promise(resolve => socket.once('close', resolve));
  return text;
}

const names = async (): Promise<string[]> => (await uploads.list()).map(({ name }) => name);

/** What is on the disk of a session, complete or not. */
async function left(): Promise<string[]> {
  const inside = await Promise.all(
    ['uploads', 'incoming'].map(async part => readdir(join(folder, part)).catch(() => [])),
  );
  return inside.flat();
}

const untilLeft = (what: string, count: number): Promise<true> =>
  pollUntil(what, SOON, async () => ((await left()).length === count ? true : undefined));

describe('files of a form', () => {
  it('are stored beside the browser, and answered with their paths', async () => {
    const { status, body } = await form(['report.pdf', 'a report'], ['empty.txt', '']);
    expect(status).toBe(201);
    expect(body.uploads).toEqual([
      {
        name: 'report.pdf',
        path: join(folder, 'uploads/report.pdf'),
        size: 8,
        uploadedAt: expect.stringMatching(/Z$/),
      },
      expect.objectContaining({ name: 'empty.txt', size: 0 }),
    ]);
    expect(await readFile(body.uploads?.[0]?.path ?? '', 'utf8')).toBe('a report');
    expect((await send('GET', pathOf())).body.uploads?.map(({ name }) => name)).toEqual([
      'empty.txt',
      'report.pdf',
    ]);
  });

  it('arrive with their bytes unchanged, however these are cut', async () => {
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * 7919) % 256));
    content.write('\r\n--b', 1_000);
    content.write('\r\n------', 100_000);
    const { body } = await form(['a', new Uint8Array(content)], ['b', new Uint8Array(content.subarray(7))]);
    const stored = await Promise.all((body.uploads ?? []).map(({ path }) => readFile(path)));
    expect(stored.map(file => file.equals(content))).toEqual([true, false]);
    expect(stored[1]?.equals(content.subarray(7))).toBe(true);
  });

  it('with one name get numbers, and no file is replaced', async () => {
    await form(['a.txt', 'first']);
    const { body } = await form(['a.txt', 'second'], ['a.txt', 'third']);
    expect(body.uploads?.map(({ name }) => name)).toEqual(['a (1).txt', 'a (2).txt']);
    expect(await readFile(join(folder, 'uploads/a.txt'), 'utf8')).toBe('first');
  });

  it('are all refused with the one that does not fit', async () => {
    const { status, body } = await form(['small', 'x'], ['large', 'x'.repeat(QUOTA)], ['later', 'x']);
    expect([status, body.code]).toEqual([413, 'upload_quota_exceeded']);
    expect(await left()).toEqual([]);
    expect(cuts).toBe(1);
    expect((await form(['small', 'x'])).status).toBe(201);
  });

  it('are more than a hundred: none is taken', async () => {
    const files = Array.from({ length: 101 }, (_, n) => [`f${n}`, 'x'] as const);
    const { status, body } = await form(...files);
    expect([status, body.code]).toEqual([400, 'malformed_request']);
    expect(await left()).toEqual([]);
  });

  const FILE = '--b\nContent-Disposition: form-data; name="f"; filename="a.txt"\n\ncontent\n';

  it.each([
    ['has no file', '--b--\n', 400],
    ['is empty', '', 400],
    ['is cut in a file', FILE.slice(0, -4), 400],
    ['is cut after a file', FILE, 400],
    ['is cut in a head', `${FILE}--b\nContent-Dispo`, 400],
    ['is something else', 'not a form at all', 400],
    ['has a field after a file', `${FILE}--b\nContent-Disposition: form-data; name="x"\n\n1\n--b--\n`, 400],
    ['has a head that is too long', `--b\nContent-Disposition: ${'x'.repeat(20_000)}\n\nx\n--b--\n`, 400],
  ])('that %s are refused, and nothing is left', async (_what, text, status) => {
    const answer = await rawForm(text);
    expect([answer.status, answer.body.code]).toEqual([status, 'malformed_request']);
    expect(await left()).toEqual([]);
  });

  it('need a boundary', async () => {
    const answer = await rawForm(`${FILE}--b--\n`, 'multipart/form-data');
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
  });

  it('have text before and after them', async () => {
    const { status } = await rawForm(`a preamble\n${FILE}--b--\nan epilogue`);
    expect([status, await names()]).toEqual([201, ['a.txt']]);
  });
});

describe('one file without a form', () => {
  it('is stored under the name in the query', async () => {
    const { status, body } = await bytes('ä b.txt', 'content');
    expect([status, body.uploads?.[0]?.path]).toEqual([201, join(folder, 'uploads', 'ä b.txt')]);
    expect((await bytes('empty', '')).body.uploads).toMatchObject([{ size: 0 }]);
  });

  it('needs a name, and a form must not have that one', async () => {
    const body = 'x';
    const headers = { 'content-type': 'application/octet-stream' };
    const without = await send('POST', pathOf(), { body, headers });
    expect([without.status, without.body.code]).toEqual([422, 'invalid_request']);
    const twice = await send('POST', pathOf('?name=a'), { body: formOf(['b', 'x']) });
    expect([twice.status, twice.body.message]).toEqual([422, expect.stringContaining('query/name')]);
  });

  it('is refused before it is sent if it is too large, and the connection goes on', async () => {
    const socket = await begin([`content-length: ${QUOTA + 1}`]);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 /);
    socket.end(Buffer.alloc(QUOTA + 1));
    socket.destroy();
    expect([await left(), cuts]).toEqual([[], 1]);
  });

  it('is refused as soon as it is too large, though the client asks to close and sends on and on', async () => {
    const socket = await begin(['transfer-encoding: chunked', 'connection: close']);
    const block = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const pouring = setInterval(
      () => socket.writable && socket.writableLength === 0 && socket.write(block),
      1,
    );
    try {
      expect(await textOf(socket)).toMatch(/^HTTP\/1.1 413 [^]*"upload_quota_exceeded"/);
    } finally {
      clearInterval(pouring);
    }
    expect(await left()).toEqual([]);
  });

  it('is asked for with Expect: 100-continue', async () => {
    const socket = await begin(['content-length: 3', 'expect: 100-continue']);
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(String(first)).toMatch(/^HTTP\/1.1 100 /);
    socket.write('abc');
    const [second] = (await once(socket, 'data')) as [Buffer];
    expect(String(second)).toMatch(/^HTTP\/1.1 201 /);
    socket.destroy();
  });

  it('leaves nothing when the client disconnects', async () => {
    const socket = await begin(['content-length: 100000']);
    socket.write('x'.repeat(1_000));
    await untilLeft('the file to be begun', 1);
    socket.destroy();
    await untilLeft('it to be gone', 0);
    // What it has counted is free again.
    expect((await bytes('a.bin', new Uint8Array(QUOTA))).status).toBe(201);
  });

  it('is not read faster than it is written', async () => {
    let wanted = 0;
    let goOn = (): void => undefined;
    const hang = new Promise<void>(resolve => (goOn = resolve));
    uploads = {
      store: async ({ bytes: incoming }: IncomingFile) => {
        for await (const chunk of incoming) {
          wanted += (chunk as Buffer).length;
          await hang;
        }
        throw new UploadError('gone', 'the test is over');
      },
    } as unknown as BrowserUploads;
    const socket = await begin([`content-length: ${64 * QUOTA}`]);
    const block = Buffer.alloc(QUOTA);
    let sent = 0;
    do {
      socket.write(block);
      sent += 1;
    } while (sent < 64 && (await settlesWithin(once(socket, 'drain'), 300)));
    expect(wanted).toBeLessThan(QUOTA);
    // What the kernel and the streams on the way hold.
    expect(sent).toBeLessThan(20);
    socket.destroy();
    goOn();
  });

  it('is broken off when the session ends, and the answer says so', async () => {
    const socket = await begin(['content-length: 100000']);
    socket.write('x'.repeat(1_000));
    await untilLeft('the file to be begun', 1);
    const answer = textOf(socket);
    over.abort();
    await api.call('DELETE', `/v1/sessions/${session.id}`);
    expect(await answer).toMatch(/^HTTP\/1.1 409 [^]*"sessionStatus":"released"[^]*"session_ended"/);
    expect(await left()).toEqual([]);
  });

  it('is answered as unreachable when the keeper dies', async () => {
    const socket = await begin(['content-length: 100000']);
    socket.write('x'.repeat(1_000));
    await untilLeft('the file to be begun', 1);
    const answer = textOf(socket);
    over.abort();
    expect(await answer).toMatch(/^HTTP\/1.1 502 [^]*"browser_unreachable"/);
  });
});

describe('names', () => {
  it.each([
    ['/etc/passwd', 'passwd'],
    ['../../up', 'up'],
    ['C:\\Users\\me\\cv.doc', 'cv.doc'],
    ['..', 'file'],
    ['.', 'file'],
    ['a/', 'file'],
    [' \t', 'file'],
    ['a\0b.txt', 'ab.txt'],
    ['photo\u202egnp.exe', 'photognp.exe'],
    ['two\r\nlines', 'twolines'],
    ['u\u0308.txt', 'ü.txt'],
    ['.env', '.env'],
    ['日本語.txt', '日本語.txt'],
    [`${'x'.repeat(300)}.txt`, `${'x'.repeat(251)}.txt`],
    [`${'ü'.repeat(300)}.txt`, `${'ü'.repeat(125)}.txt`],
    ['%2e%2e%2fa', '%2e%2e%2fa'],
  ])('%j becomes %j', async (given, expected) => {
    const { body } = await bytes(given, 'x');
    expect(body.uploads?.[0]?.name).toBe(expected);
    expect(await readFile(join(folder, 'uploads', expected), 'utf8')).toBe('x');
    const again = await bytes(given, 'y');
    expect(Buffer.byteLength(again.body.uploads?.[0]?.name ?? '')).toBeLessThanOrEqual(255);
    expect(await left()).toHaveLength(2);
  });
});

describe('uploads of the client library', () => {
  const client = (): Sessions => new Browser({ baseUrl: api.url }).sessions;

  it('come from a path, from bytes, from a Blob and from streams', async () => {
    const path = join(folder, 'local.csv');
    await writeFile(path, 'from a path');
    const sources: readonly (readonly [UploadSource, string | undefined, string])[] = [
      [path, undefined, 'from a path'],
      [path, 'other.csv', 'from a path'],
      [Buffer.from('bytes'), 'bytes', 'bytes'],
      [new Blob(['blob']), 'blob', 'blob'],
      [new File(['a file'], 'file.txt'), undefined, 'a file'],
      [Readable.from([Buffer.from('a '), Buffer.from('stream')]), 'stream', 'a stream'],
      [new Blob(['web']).stream(), 'web', 'web'],
    ];
    for (const [source, name, content] of sources) {
      const upload = await client().upload(session, source, name === undefined ? {} : { name });
      expect(await readFile(upload.path, 'utf8')).toBe(content);
    }
    const listed = await client().uploads(session.id);
    expect(listed.map(({ name }) => name)).toEqual(
      ['local.csv', 'other.csv', 'bytes', 'blob', 'file.txt', 'stream', 'web'].sort(),
    );
    await client().deleteUpload(session, 'blob');
    await expect(client().deleteUpload(session, 'blob')).rejects.toMatchObject({ code: 'upload_not_found' });
  });

  it('need a name, and a file', async () => {
    await expect(client().upload(session, Buffer.from('x'))).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await expect(client().upload(session, folder)).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(client().upload(session, join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('are refused with the code of the service while they are sent, and the file is closed', async () => {
    const path = join(folder, 'large.bin');
    await writeFile(path, new Uint8Array(8 * QUOTA));
    await expect(client().upload(session, path)).rejects.toMatchObject({ code: 'upload_quota_exceeded' });
    await expect(client().upload(session, new Uint8Array(2 * QUOTA), { name: 'a' })).rejects.toMatchObject({
      code: 'upload_quota_exceeded',
    });
    const isOpen = async (): Promise<boolean> => {
      const open = await readdir('/proc/self/fd');
      const files = await Promise.all(open.map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
      return files.includes(path);
    };
    await pollUntil('the file to be closed', SOON, async () => ((await isOpen()) ? undefined : true));
  });

  it('can be aborted', async () => {
    const { signal, abort } = abortable();
    const endless = Readable.from(pour());
    const uploading = client().upload(session, endless, { name: 'endless', signal });
    await untilLeft('the file to be begun', 1);
    abort();
    await expect(uploading).rejects.toThrow('enough');
    await untilLeft('it to be gone', 0);
  });
});

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('enough')) };
}

async function* pour(): AsyncGenerator<Buffer> {
  for (;;) {
    yield Buffer.from('x');
    await pause(5);
  }
}

describe('uploads', () => {
  it('are removed by name, and make room', async () => {
    await bytes('a b', new Uint8Array(QUOTA));
    expect((await bytes('c', 'x')).body.code).toBe('upload_quota_exceeded');
    const removed = await send('DELETE', `${pathOf()}/a%20b`);
    expect(removed.status).toBe(204);
    expect((await send('DELETE', `${pathOf()}/a%20b`)).body.code).toBe('upload_not_found');
    expect((await bytes('c', 'x')).status).toBe(201);
  });

  it.each(['%2e%2e%2fgateway.sock', '%00', 'x'.repeat(300)])('are not found by the name %s', async name => {
    const response = await fetch(`${api.url}${pathOf()}/${name}`, { method: 'DELETE' });
    expect(response.status).toBe(404);
    expect(await readdir(dir.path)).toContain('gateway.sock');
  });

  it('are a thousand at the most, those counted that an earlier keeper took', async () => {
    await mkdir(join(folder, 'uploads'));
    for (let n = 1; n < UPLOADS_MAX; n += 1) await writeFile(join(folder, 'uploads', `${n}`), '');
    expect((await bytes('last', '')).status).toBe(201);
    expect((await bytes('more', '')).body.code).toBe('upload_quota_exceeded');
  });

  it.each([
    ['application/json', '{}'],
    ['text/plain', 'x'],
    ['multipart/mixed; boundary=b', 'x'],
  ])('do not come as %s', async (type, body) => {
    const answer = await send('POST', pathOf(), { body, headers: { 'content-type': type } });
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
  });

  it('do not come compressed', async () => {
    const headers = { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' };
    const answer = await send('POST', pathOf('?name=a'), { body: 'x', headers });
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
  });

  it('of several requests at a time share the quota', async () => {
    const half = new Uint8Array(QUOTA / 2);
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map(async name => bytes(name, half)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    expect(await left()).toHaveLength(2);
  });

  it('are gone with the session', async () => {
    await bytes('a', 'x');
    await api.call('DELETE', `/v1/sessions/${session.id}`);
    const answers = [
      await send('GET', pathOf()),
      await bytes('b', 'x'),
      await send('DELETE', `${pathOf()}/a`),
    ];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      answers.map(() => [409, 'session_ended']),
    );
  });
});
